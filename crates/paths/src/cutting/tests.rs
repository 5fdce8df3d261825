//! The solver against all subsets of changes on small graphs; large ones by what must hold of any answer.

#![allow(clippy::cast_possible_truncation, reason = "small numbers")]

use super::flow::cost;
use super::hit::hit;
use super::kernel::{Part, SINK, SOURCE};
use super::web::Budget;
use super::{Cutter, FREE, LabelledArc, Limits, Problem, Solution, search};
use proptest::prelude::*;

fn all_groups(cutter: &Cutter<'_>, problem: &Problem<'_>) -> Solution {
    cutter.groups(&(0..problem.sinks.len()).collect::<Vec<usize>>())
}

/// Tail, head, change; `F` stays.
type Arcs = [(u32, u32, u32)];
const F: u32 = FREE;

#[derive(Clone, Debug)]
struct Case {
    nodes: usize,
    arcs: Vec<LabelledArc>,
    entries: Vec<u32>,
    sinks: Vec<Vec<u32>>,
    prices: Vec<u32>,
}

impl Case {
    fn problem(&self) -> Problem<'_> {
        Problem {
            nodes: self.nodes,
            arcs: &self.arcs,
            entries: &self.entries,
            sinks: &self.sinks,
            prices: &self.prices,
        }
    }

    /// Pairs that stay connected, entry by group.
    fn open(&self, removed: impl Fn(u32) -> bool) -> Vec<Vec<bool>> {
        let mut entries = self.entries.clone();
        entries.sort_unstable();
        entries.dedup();
        let from = |entry: u32| {
            let mut seen = vec![false; self.nodes];
            seen[entry as usize] = true;
            loop {
                let before = seen.clone();
                for arc in &self.arcs {
                    if seen[arc.from as usize] && (arc.change == F || !removed(arc.change)) {
                        seen[arc.to as usize] = true;
                    }
                }
                if before == seen {
                    return seen;
                }
            }
        };
        let ends = |seen: &[bool]| -> Vec<bool> {
            let group = |group: &Vec<u32>| group.iter().any(|node| seen[*node as usize]);
            self.sinks.iter().map(group).collect()
        };
        entries.iter().map(|entry| ends(&from(*entry))).collect()
    }

    /// Number and price of the best changes that leave nothing open but endless routes of these groups.
    fn best(&self, groups: &[usize]) -> (u32, u64) {
        let endless = self.open(|_| true);
        let removes = |set: u32, change: u32| set >> change & 1 == 1;
        let used = (0..self.prices.len() as u32)
            .filter(|c| self.arcs.iter().any(|arc| arc.change == *c))
            .fold(0, |used, c| used | 1_u32 << c);
        let worth = |set: &u32| {
            let changes = (0..self.prices.len()).filter(|c| set >> c & 1 == 1);
            (
                set.count_ones(),
                changes.map(|c| u64::from(self.prices[c])).sum(),
            )
        };
        let mut sets: Vec<u32> = (0..1_u32 << self.prices.len())
            .filter(|set| set & !used == 0)
            .collect();
        sets.sort_by_key(worth);
        let ends = |set: &u32| {
            let open = self.open(|change| removes(*set, change));
            open.iter()
                .zip(&endless)
                .all(|(open, endless)| groups.iter().all(|group| open[*group] == endless[*group]))
        };
        sets.iter().find(|set| ends(set)).map(worth).unwrap()
    }

    /// What holds of every answer.
    fn verify(&self, solution: &Solution, groups: &[usize]) -> Result<(), TestCaseError> {
        let count = |open: &[Vec<bool>]| {
            let pairs = open
                .iter()
                .flat_map(|open| groups.iter().map(|group| open[*group]));
            pairs.filter(|open| *open).count() as u32
        };
        let routes = count(&self.open(|_| false));
        let endless = count(&self.open(|_| true));
        let left = count(&self.open(|change| solution.changes.contains(&change)));
        prop_assert_eq!(solution.routes, routes);
        prop_assert_eq!(solution.ended, routes - left);
        prop_assert_eq!(left, endless, "routes are left");
        prop_assert_eq!(solution.endless.len(), (endless as usize).min(1000));
        prop_assert!(solution.changes.is_sorted_by(|a, b| a < b));
        prop_assert!(solution.least as usize <= solution.changes.len());
        Ok(())
    }

    fn price(&self, solution: &Solution) -> u64 {
        let price = |change: &u32| u64::from(self.prices[*change as usize]);
        solution.changes.iter().map(price).sum()
    }
}

fn cases(nodes: u32, arcs: usize, changes: u32) -> impl Strategy<Value = Case> {
    let change = prop_oneof![4 => 0..changes, 1 => Just(F)];
    let arc = (0..nodes, 0..nodes, change).prop_map(|(f, t, c)| LabelledArc::new(f, t, c));
    (
        prop::collection::vec(arc, 0..=arcs),
        prop::collection::vec(0..nodes, 0..4),
        prop::collection::vec(prop::collection::vec(0..nodes, 0..3), 0..4),
        prop::collection::vec(
            prop_oneof![0..4_u32, 3_000_000_000..=u32::MAX],
            changes as usize,
        ),
    )
        .prop_map(move |(arcs, entries, sinks, prices)| Case {
            nodes: nodes as usize,
            arcs,
            entries,
            sinks,
            prices,
        })
}

/// Long ways with few changes in between, so that little is reduced: columns of nodes, each joined with the next.
fn grids(width: u32, columns: u32, changes: u32, arcs: usize) -> impl Strategy<Value = Case> {
    let nodes = width * columns;
    let arc = (0..nodes - width, 0..width, 0..changes).prop_map(move |(from, row, change)| {
        LabelledArc::new(from, (from / width + 1) * width + row, change)
    });
    let prices = prop::collection::vec(0..4_u32, changes as usize);
    (prop::collection::vec(arc, arcs / 2..=arcs), prices).prop_map(move |(arcs, prices)| Case {
        nodes: nodes as usize,
        arcs,
        entries: (0..width).collect(),
        sinks: vec![(nodes - width..nodes).collect()],
        prices,
    })
}

fn as_brute_force_finds(case: &Case) -> Result<(), TestCaseError> {
    let problem = case.problem();
    let cutter = Cutter::new(&problem);
    let all: Vec<usize> = (0..case.sinks.len()).collect();
    let choices = all.iter().map(|group| vec![*group]).chain([all.clone()]);
    for groups in choices {
        let solution = cutter.groups(&groups);
        case.verify(&solution, &groups)?;
        let (number, price) = case.best(&groups);
        prop_assert_eq!(solution.changes.len() as u32, number, "{:?}", solution);
        prop_assert_eq!(case.price(&solution), price, "{:?}", solution);
        prop_assert_eq!(solution.least, number);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]
    #[test]
    fn small_graphs(case in cases(8, 14, 12)) {
        as_brute_force_finds(&case)?;
    }

    #[test]
    fn few_changes_on_many_arcs(case in cases(7, 14, 6)) {
        as_brute_force_finds(&case)?;
    }

    #[test]
    fn columns(case in grids(3, 4, 8, 24)) {
        as_brute_force_finds(&case)?;
    }

    #[test]
    fn parts_that_are_not_reduced(case in cases(7, 16, 6)) {
        let part = Part {
            nodes: case.nodes,
            arcs: case.arcs.clone(),
            changes: (0..6).collect(),
            prices: case.prices.clone(),
        };
        let whole = Case { entries: vec![SOURCE], sinks: vec![vec![SINK]], ..case };
        prop_assume!(!whole.open(|_| true)[0][0]);
        let found = search::solve(&part, &mut Budget(1 << 30));
        let price: u64 = found.changes.iter().map(|c| u64::from(whole.prices[*c as usize])).sum();
        prop_assert!(!whole.open(|change| found.changes.contains(&change))[0][0]);
        prop_assert_eq!((found.changes.len() as u32, price), whole.best(&[0]));
        prop_assert_eq!(found.least as usize, found.changes.len());
    }

    #[test]
    fn without_time_or_room_still_a_cut_and_a_bound(
        case in cases(7, 16, 6),
        steps in prop_oneof![Just(1 << 30), 0..600_u64],
        arcs in prop_oneof![Just(0), Just(1000)],
    ) {
        let problem = case.problem();
        let all: Vec<usize> = (0..case.sinks.len()).collect();
        let solution = all_groups(&Cutter::within(&problem, Limits { steps, arcs }), &problem);
        case.verify(&solution, &all)?;
        prop_assert!(solution.least <= case.best(&all).0);
    }

    #[test]
    fn sets_are_hit_as_cheaply_as_brute_force_does(
        sets in prop::collection::vec(prop::collection::btree_set(0..10_u32, 1..5), 0..14),
        prices in prop::collection::vec(0..4_u32, 10),
        steps in prop_oneof![Just(1 << 30), 0..400_u64],
    ) {
        let sets: Vec<Vec<u32>> = sets.into_iter().map(|set| set.into_iter().collect()).collect();
        let costs: Vec<u128> = prices.iter().map(|price| cost(*price)).collect();
        let found = hit(&sets, &costs, true, &mut Budget(steps));
        let worth = |set: u32| (0..10).filter(|e| set >> e & 1 == 1).map(|e| costs[e]).sum::<u128>();
        let hits = |set: &u32| sets.iter().all(|s| s.iter().any(|e| set >> e & 1 == 1));
        let best = (0..1 << 10_u32).filter(hits).map(|set| (worth(set), set.count_ones())).min().unwrap();
        let chosen = found.elements.iter().fold(0, |set, e| set | 1_u32 << e);
        prop_assert!(hits(&chosen));
        prop_assert_eq!(found.elements.len() as u32, chosen.count_ones());
        prop_assert!(found.least <= best.1);
        prop_assert!(found.proven || steps < 400);
        if found.proven {
            prop_assert_eq!((worth(chosen), found.least), best);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]
    #[test]
    fn larger_graphs(case in cases(60, 200, 40)) {
        let all: Vec<usize> = (0..case.sinks.len()).collect();
        case.verify(&all_groups(&Cutter::new(&case.problem()), &case.problem()), &all)?;
    }

    #[test]
    fn larger_columns(case in grids(12, 8, 150, 500), steps in prop_oneof![Just(3_000_000), 0..1_000_000_u64]) {
        let (problem, arcs) = (case.problem(), 100_000);
        case.verify(&all_groups(&Cutter::within(&problem, Limits { steps, arcs }), &problem), &[0])?;
    }
}

/// From node 0 to the last one, at price 1 each.
fn check(arcs: &Arcs, expected: (&[u32], u32, u32)) {
    let last = arcs.iter().map(|(from, to, _)| *from.max(to)).max();
    let last = last.unwrap_or(1);
    let changes = arcs
        .iter()
        .map(|arc| arc.2)
        .filter(|change| *change != F)
        .max();
    check_with(
        arcs,
        &[0],
        &[&[last]],
        &vec![1; changes.map_or(0, |c| c as usize + 1)],
        expected,
    );
}

/// Changes, ended routes, routes; the number of changes is always proven here.
fn check_with(
    arcs: &Arcs,
    entries: &[u32],
    sinks: &[&[u32]],
    prices: &[u32],
    expected: (&[u32], u32, u32),
) {
    let ends = arcs.iter().map(|(from, to, _)| *from.max(to));
    let named = entries
        .iter()
        .chain(sinks.iter().copied().flatten())
        .copied();
    let case = Case {
        nodes: ends.chain(named).max().map_or(0, |last| last as usize + 1),
        arcs: arcs
            .iter()
            .map(|(f, t, c)| LabelledArc::new(*f, *t, *c))
            .collect(),
        entries: entries.to_vec(),
        sinks: sinks.iter().map(|group| group.to_vec()).collect(),
        prices: prices.to_vec(),
    };
    let found = all_groups(&Cutter::new(&case.problem()), &case.problem());
    assert_eq!(
        (&*found.changes, found.ended, found.routes),
        expected,
        "{arcs:?}"
    );
    assert_eq!(found.least as usize, found.changes.len(), "{arcs:?}");
}

#[test]
fn nothing_to_do() {
    check(&[], (&[], 0, 0));
    check(&[(1, 0, 0)], (&[], 0, 0));
    check(&[(0, 0, 0), (0, 0, F), (1, 1, 0)], (&[], 0, 0));
    check_with(&[], &[], &[], &[], (&[], 0, 0));
    check_with(&[(0, 1, 0)], &[], &[&[1]], &[1], (&[], 0, 0));
    check_with(&[(0, 1, 0)], &[0], &[&[]], &[1], (&[], 0, 0));
}

#[test]
fn one_sink() {
    check(&[(0, 1, 0)], (&[0], 1, 1));
    check(&[(0, 1, 0), (0, 1, 0), (0, 1, 1)], (&[0, 1], 1, 1));
    check(&[(0, 1, 0), (1, 1, 1), (1, 2, 0)], (&[0], 1, 1));
    check(&[(0, 1, 0), (1, 3, 2), (0, 2, 1), (2, 3, 2)], (&[2], 1, 1));
    // One change on two arcs is one change.
    check(&[(0, 1, 0), (1, 3, 1), (0, 2, 2), (2, 3, 0)], (&[0], 1, 1));
    // A cycle of arcs that stay.
    check(
        &[(0, 1, 0), (1, 2, F), (2, 1, F), (1, 3, 1), (2, 3, 2)],
        (&[0], 1, 1),
    );
}

#[test]
fn what_cannot_be_removed_is_counted() {
    check(&[(0, 1, F)], (&[], 0, 1));
    check(&[(0, 1, F), (0, 1, 0)], (&[], 0, 1));
    check(&[(0, 1, F), (1, 2, F), (0, 2, 0)], (&[], 0, 1));
    // The entry is in the group.
    check_with(&[(0, 1, 0)], &[0, 1], &[&[1]], &[1], (&[0], 1, 2));
    // A change without a price.
    check_with(&[(0, 1, 7)], &[0], &[&[1]], &[1], (&[], 0, 1));
    // Endless to one group, not to the other.
    check_with(
        &[(0, 1, F), (1, 2, 0)],
        &[0],
        &[&[1], &[2]],
        &[1],
        (&[0], 1, 2),
    );
    // One entry is endless, the one before it is not.
    check_with(
        &[(0, 1, 0), (1, 2, F)],
        &[0, 1],
        &[&[2]],
        &[1],
        (&[0], 1, 2),
    );
}

#[test]
fn cheaper_among_as_few() {
    let series = [(0, 1, 0), (1, 2, 1), (2, 3, 2)];
    check_with(&series, &[0], &[&[3]], &[8, 0, 4], (&[1], 1, 1));
    check_with(&series, &[0], &[&[3]], &[2, 9, 4], (&[0], 1, 1));
    // One dear change rather than two cheap ones.
    let both = [(0, 1, 0), (1, 3, 2), (0, 2, 1), (2, 3, 2)];
    check_with(&both, &[0], &[&[3]], &[0, 0, u32::MAX], (&[2], 1, 1));
}

#[test]
fn nodes_that_do_not_exist_are_left_out() {
    let case = Case {
        nodes: 2,
        arcs: vec![
            LabelledArc::new(0, 1, 0),
            LabelledArc::new(0, 2, F),
            LabelledArc::new(u32::MAX, 1, F),
        ],
        entries: vec![0, 2, u32::MAX, 0],
        sinks: vec![vec![1, 2, u32::MAX]],
        prices: vec![1],
    };
    let found = all_groups(&Cutter::new(&case.problem()), &case.problem());
    assert_eq!(
        (&*found.changes, found.ended, found.routes, found.least),
        (&[0][..], 1, 1, 1)
    );
}

#[test]
fn thousands_of_changes_of_their_own() {
    let count = 20_000_u32;
    let arcs: Vec<_> = (0..count).map(|n| (n, count, n)).collect();
    let entries: Vec<u32> = (0..count).collect();
    check_with(
        &arcs,
        &entries,
        &[&[count]],
        &vec![3; count as usize],
        (&entries, count, count),
    );
    // The same behind an entry change of each, dearer.
    let own = arcs
        .iter()
        .map(|(n, to, change)| (n + count + 1, *to, *change));
    let opened = (0..count).map(|n| (n, n + count + 1, n + count));
    let prices: Vec<u32> = (0..2 * count).map(|change| 1 + change / count).collect();
    let both: Vec<_> = own.chain(opened).collect();
    check_with(
        &both,
        &entries,
        &[&[count]],
        &prices,
        (&entries, count, count),
    );
}

#[test]
fn one_change_on_everything() {
    let arcs: Vec<_> = (0..30_000_u32)
        .flat_map(|n| [(n, n + 1, 0), (n, (n * 7) % 30_000, 0)])
        .collect();
    check(&arcs, (&[0], 1, 1));
}

/// Vertex covers of odd rings that hang together by nothing: a bound by packing is one too low for each.
#[test]
fn rings_are_solved_each_for_itself() {
    let (rings, around) = (40_u32, 5_u32);
    let mut arcs = Vec::new();
    let mut node = 1;
    for ring in 0..rings {
        for n in 0..around {
            let [one, other] = [n, (n + 1) % around].map(|n| ring * around + n);
            arcs.extend([(0, node, one), (node, node + 1, other)]);
            arcs.push((node + 1, rings * around * 2 + 1, F));
            node += 2;
        }
    }
    let arcs: Vec<LabelledArc> = arcs
        .iter()
        .map(|(f, t, c)| LabelledArc::new(*f, *t, *c))
        .collect();
    let problem = Problem {
        nodes: (rings * around * 2 + 2) as usize,
        arcs: &arcs,
        entries: &[0],
        sinks: &[vec![rings * around * 2 + 1]],
        prices: &vec![1; (rings * around) as usize],
    };
    let found = all_groups(&Cutter::new(&problem), &problem);
    assert_eq!(
        (found.changes.len() as u32, found.least),
        (rings * 3, rings * 3)
    );
}

/// Each entry is endless to the group at which it stands, so that there are two graphs.
#[test]
fn one_after_the_other_where_there_is_no_room_for_both() {
    let arcs = [(0, 2, 0), (2, 1, 2), (1, 3, 1), (3, 0, 2)];
    let arcs: Vec<LabelledArc> = arcs
        .iter()
        .map(|(f, t, c)| LabelledArc::new(*f, *t, *c))
        .collect();
    let problem = Problem {
        nodes: 4,
        arcs: &arcs,
        entries: &[0, 1],
        sinks: &[vec![0], vec![1]],
        prices: &[0, 0, 5],
    };
    let found = |arcs| {
        let cutter = Cutter::within(&problem, Limits { steps: 1000, arcs });
        let solution = all_groups(&cutter, &problem);
        assert_eq!((solution.ended, solution.routes), (2, 4));
        assert_eq!(solution.endless, [(0, 0), (1, 1)]);
        (solution.changes, solution.least)
    };
    assert_eq!(found(100), (vec![2], 1));
    assert_eq!(found(0), (vec![0, 1], 1));
}
