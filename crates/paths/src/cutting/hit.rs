//! Few and cheap elements that hit every set: reductions, branch and bound, and a greedy answer where that is too long.
//! Comes in: sets of elements, the cost of each element. Goes out: a hitting set, and how many elements any one has.
//! Never: an answer that leaves a set unhit; recursion deeper than [`DEPTH`].

use super::flow::ONE;
use super::relax::{Relaxed, relax};
use super::web::{Budget, Sets, small};
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Branches on one way down; beyond it the answer is not proven.
const DEPTH: usize = 150;
const NOWHERE: u32 = u32::MAX;
/// Rounds of the relaxation for a whole family, and for what a branch leaves of it.
const ROUNDS: (usize, usize) = (300, 40);

#[derive(Debug)]
pub(super) struct Hit {
    pub(super) elements: Vec<u32>,
    /// None costs less.
    pub(super) proven: bool,
    /// Every hitting set has this many elements.
    pub(super) least: u32,
}

/// The budget, or the depth, is gone.
struct Spent;

struct Solver<'a> {
    cost: &'a [u128],
    budget: &'a mut Budget,
    /// Element -> where it stands in the family at hand; all [`NOWHERE`] between uses.
    place: Vec<u32>,
}

/// Sets over elements that are numbered from 0; `names` are the elements as they came.
#[derive(Clone)]
struct Family {
    names: Vec<u32>,
    sets: Vec<Vec<u32>>,
}

/// `prove`: with the search for the best one, not only a good one and a bound by packing.
pub(super) fn hit(sets: &[Vec<u32>], cost: &[u128], prove: bool, budget: &mut Budget) -> Hit {
    let mut solver = Solver {
        cost,
        budget,
        place: vec![NOWHERE; cost.len()],
    };
    let mut family = solver.family(sets.to_vec());
    let mut elements = Vec::new();
    solver.reduce(&mut family, &mut elements);
    let mut least = small(elements.len());
    let mut proven = true;
    let mut families = solver.split(family);
    families.sort_by_key(|family| family.sets.len());
    let mut waiting = families.len() as u64;
    for family in families {
        let mut share = solver.budget.take(solver.budget.0 / waiting);
        waiting -= 1;
        let one = Solver {
            cost,
            budget: &mut share,
            place: std::mem::take(&mut solver.place),
        }
        .settle(&family, prove, &mut solver.place);
        solver.budget.back(share);
        least += one.least;
        proven &= one.proven;
        elements.extend(one.elements);
    }
    elements.sort_unstable();
    Hit {
        elements,
        proven,
        least,
    }
}

/// Hits the sets somehow, without duplicates among the elements.
pub(super) fn quickly(sets: &[Vec<u32>], cost: &[u128], budget: &mut Budget) -> Vec<u32> {
    let mut solver = Solver {
        cost,
        budget,
        place: vec![NOWHERE; cost.len()],
    };
    let family = solver.family(sets.to_vec());
    let elements = solver.greedy(&family);
    family.named(&elements)
}

impl Solver<'_> {
    /// One family that is reduced and hangs together.
    fn settle(mut self, family: &Family, prove: bool, place: &mut Vec<u32>) -> Hit {
        let mut elements = self.improved(family);
        let bound = self.total(&elements);
        let mut packing = self.packing(family);
        let half = self.budget.0 / 2;
        let mut rest = self.budget.take(half);
        let mut proven = packing >= bound;
        if prove && !proven {
            if let Ok(better) = self.best(family.clone(), bound, 0) {
                elements = better.unwrap_or(elements);
                packing = self.total(&elements);
                proven = true;
            } else {
                // The number of changes alone is easier to prove than that and the price.
                let plain = vec![ONE; self.cost.len()];
                let mut counter = Solver {
                    cost: &plain,
                    budget: &mut rest,
                    place: std::mem::take(&mut self.place),
                };
                let count = elements.len() as u128 * ONE;
                let relaxed = counter.relaxed(family, count, ROUNDS.0).count();
                packing = packing
                    .max(counter.packing(family))
                    .max(u128::from(relaxed) * ONE);
                if let Ok(better) = counter.best(family.clone(), count, 0) {
                    elements = better.unwrap_or(elements);
                    packing = elements.len() as u128 * ONE;
                }
                self.place = counter.place;
            }
        }
        self.budget.back(rest);
        *place = std::mem::take(&mut self.place);
        Hit {
            // A bound of k changes and some price: fewer than k are impossible.
            least: u32::try_from(packing / ONE).unwrap_or(u32::MAX),
            elements,
            proven,
        }
    }

    fn total(&self, elements: &[u32]) -> u128 {
        elements.iter().map(|e| self.cost[*e as usize]).sum()
    }

    fn family(&mut self, mut sets: Vec<Vec<u32>>) -> Family {
        let mut names = Vec::new();
        for element in sets.iter().flatten() {
            if self.place[*element as usize] == NOWHERE {
                self.place[*element as usize] = 0;
                names.push(*element);
            }
        }
        names.sort_unstable();
        for (n, name) in (0_u32..).zip(&names) {
            self.place[*name as usize] = n;
        }
        for set in &mut sets {
            for element in &mut *set {
                *element = self.place[*element as usize];
            }
            set.sort_unstable();
            set.dedup();
        }
        for name in &names {
            self.place[*name as usize] = NOWHERE;
        }
        Family { names, sets }
    }

    fn price(&self, family: &Family, element: u32) -> u128 {
        self.cost[family.names[element as usize] as usize]
    }

    /// Takes elements that must be (into `chosen`), drops sets that others imply and elements that others replace.
    fn reduce(&mut self, family: &mut Family, chosen: &mut Vec<u32>) {
        loop {
            self.budget.spend(8 * family.size());
            family
                .sets
                .sort_unstable_by(|a, b| a.len().cmp(&b.len()).then_with(|| a.cmp(b)));
            family.sets.dedup();
            let mut taken = vec![false; family.names.len()];
            for set in family.sets.iter().take_while(|set| set.len() == 1) {
                taken[set[0] as usize] = true;
                chosen.push(family.names[set[0] as usize]);
            }
            family
                .sets
                .retain(|set| !set.iter().any(|element| taken[*element as usize]));
            self.drop_larger(family);
            if !self.drop_replaced(family) || self.budget.0 == 0 {
                break;
            }
        }
    }

    /// Drops sets that contain another one. They are ordered by size.
    fn drop_larger(&mut self, family: &mut Family) {
        let holders = family.holders();
        let marks: Vec<u64> = family.sets.iter().map(|set| mark(set)).collect();
        let mut gone = vec![false; family.sets.len()];
        for (n, set) in family.sets.iter().enumerate() {
            let rarest = set.iter().min_by_key(|e| holders[**e as usize].len());
            let (false, Some(rarest)) = (gone[n], rarest) else {
                continue;
            };
            let list = &holders[*rarest as usize];
            if !self.budget.spend(list.len() / 4) {
                break;
            }
            for other in list.iter().map(|other| *other as usize) {
                if other > n && !gone[other] && marks[n] & !marks[other] == 0 {
                    self.budget.spend(family.sets[other].len());
                    gone[other] = within(set, &family.sets[other]);
                }
            }
        }
        let mut gone = gone.iter();
        family.sets.retain(|_| gone.next() == Some(&false));
    }

    /// Drops elements that hit nothing that another one, not dearer, does not hit too.
    fn drop_replaced(&mut self, family: &mut Family) -> bool {
        let holders = family.holders();
        let marks: Vec<u64> = holders.iter().map(|list| mark(list)).collect();
        let mut gone = vec![false; family.names.len()];
        let mut any = false;
        for element in 0..small(family.names.len()) {
            let here = &holders[element as usize];
            let Some(shortest) = here.first() else {
                continue;
            };
            for other in &family.sets[*shortest as usize] {
                let there = &holders[*other as usize];
                if *other == element
                    || gone[*other as usize]
                    || there.len() < here.len()
                    || marks[element as usize] & !marks[*other as usize] != 0
                    || self.price(family, *other) > self.price(family, element)
                {
                    continue;
                }
                if !self.budget.spend(there.len()) {
                    return false;
                }
                if within(here, there) {
                    gone[element as usize] = true;
                    any = true;
                    break;
                }
            }
        }
        if any {
            for set in &mut family.sets {
                set.retain(|element| !gone[*element as usize]);
            }
        }
        any
    }

    /// Families that share no element.
    fn split(&mut self, family: Family) -> Vec<Family> {
        self.budget.spend(8 * family.size());
        let mut joined = Sets::new(family.names.len());
        for set in &family.sets {
            for element in set {
                joined.union(set[0], *element);
            }
        }
        let mut number = vec![NOWHERE; family.names.len()];
        let mut families: Vec<Vec<Vec<u32>>> = Vec::new();
        for set in family.sets {
            let root = joined.find(set[0]) as usize;
            if number[root] == NOWHERE {
                number[root] = small(families.len());
                families.push(Vec::new());
            }
            let named = set.iter().map(|e| family.names[*e as usize]).collect();
            families[number[root] as usize].push(named);
        }
        families.into_iter().map(|sets| self.family(sets)).collect()
    }

    /// A lower bound of the cost: each set takes what it can from all of its elements, small and lonely sets first.
    fn packing(&mut self, family: &Family) -> u128 {
        self.budget.spend(6 * family.size());
        let holders = family.holders();
        let mut order: Vec<(usize, usize)> = family
            .sets
            .iter()
            .map(|set| set.iter().map(|e| holders[*e as usize].len()).sum())
            .enumerate()
            .map(|(n, weight)| (weight, n))
            .collect();
        order.sort_unstable();
        let mut left: Vec<u128> = (0..small(family.names.len()))
            .map(|element| self.price(family, element))
            .collect();
        let mut bound = 0;
        for (_, n) in order {
            let set = &family.sets[n];
            let least = set.iter().map(|e| left[*e as usize]).min().unwrap_or(0);
            if least > 0 {
                bound += least;
                for element in set {
                    left[*element as usize] -= least;
                }
            }
        }
        bound
    }

    fn relaxed(&mut self, family: &Family, goal: u128, rounds: usize) -> Relaxed {
        let most = self.budget.0 / (3 * family.size() as u64 + 1) / 2;
        let rounds = rounds.min(usize::try_from(most).unwrap_or(rounds)).max(1);
        self.budget.spend(3 * family.size() * rounds);
        let costs: Vec<u128> = (0..small(family.names.len()))
            .map(|element| self.price(family, element))
            .collect();
        relax(&family.sets, &costs, goal, rounds)
    }

    /// The element that hits most of what is left, the cheaper among equals; then without what is not needed.
    fn greedy(&mut self, family: &Family) -> Vec<u32> {
        self.budget.spend(8 * family.size());
        let holders = family.holders();
        let mut hits: Vec<u32> = holders.iter().map(|list| small(list.len())).collect();
        let key = |hits: &[u32], element: u32| {
            let price = self.price(family, element);
            (hits[element as usize], Reverse(price), Reverse(element))
        };
        let all = 0..small(family.names.len());
        let mut heap: BinaryHeap<_> = all.map(|element| key(&hits, element)).collect();
        let mut count = vec![0_u32; family.sets.len()];
        let mut chosen = Vec::new();
        while let Some((known, _, Reverse(element))) = heap.pop() {
            if hits[element as usize] == 0 {
                continue;
            }
            if known != hits[element as usize] {
                heap.push(key(&hits, element));
                continue;
            }
            chosen.push(element);
            for set in &holders[element as usize] {
                if count[*set as usize] == 0 {
                    for other in &family.sets[*set as usize] {
                        hits[*other as usize] -= 1;
                    }
                }
                count[*set as usize] += 1;
            }
        }
        chosen.sort_by_key(|element| Reverse((self.price(family, *element), *element)));
        chosen.retain(|element| drop_idle(&holders[*element as usize], &mut count));
        chosen
    }

    /// The greedy answer, made better by taking one element in that lets others go.
    fn improved(&mut self, family: &Family) -> Vec<u32> {
        let holders = family.holders();
        let mut chosen = vec![false; family.names.len()];
        let mut count = vec![0_u32; family.sets.len()];
        for element in self.greedy(family) {
            chosen[element as usize] = true;
            for set in &holders[element as usize] {
                count[*set as usize] += 1;
            }
        }
        let (mut element, mut quiet, mut at) = (0, 0, 0);
        while quiet < family.names.len() && at < 20 * family.names.len() {
            at += 1;
            let list = &holders[element];
            if !chosen[element] && !list.is_empty() {
                let mut steps = list.len();
                // Those that alone hit one of the sets of this element.
                let mut rivals: Vec<u32> = Vec::new();
                for set in list.iter().filter(|set| count[**set as usize] == 1) {
                    let set = &family.sets[*set as usize];
                    steps += set.len();
                    rivals.extend(set.iter().find(|e| chosen[**e as usize]));
                }
                rivals.sort_by_key(|e| Reverse((self.price(family, *e), *e)));
                rivals.dedup();
                for set in list {
                    count[*set as usize] += 1;
                }
                let mut gone = Vec::new();
                let mut saved = 0;
                for rival in rivals {
                    let list = &holders[rival as usize];
                    steps += list.len();
                    if drop_idle(list, &mut count) {
                        continue;
                    }
                    saved += self.price(family, rival);
                    gone.push(rival);
                }
                let better = saved > self.price(family, small(element));
                for rival in &gone {
                    chosen[*rival as usize] = !better;
                    if !better {
                        for set in &holders[*rival as usize] {
                            count[*set as usize] += 1;
                        }
                    }
                }
                chosen[element] = better;
                if better {
                    quiet = 0;
                } else {
                    for set in list {
                        count[*set as usize] -= 1;
                    }
                }
                if !self.budget.spend(steps) {
                    break;
                }
            }
            quiet += 1;
            element = (element + 1) % family.names.len();
        }
        let chosen = chosen.iter().zip(&family.names).filter(|(yes, _)| **yes);
        chosen.map(|(_, name)| *name).collect()
    }

    /// The cheapest hitting set below the bound, if there is one.
    fn best(
        &mut self,
        mut family: Family,
        bound: u128,
        depth: usize,
    ) -> Result<Option<Vec<u32>>, Spent> {
        if depth > DEPTH || !self.budget.spend(4 * family.size()) {
            return Err(Spent);
        }
        let mut chosen = Vec::new();
        self.reduce(&mut family, &mut chosen);
        let mut sum = self.total(&chosen);
        if sum >= bound {
            return Ok(None);
        }
        let families = self.split(family);
        let floors: Vec<u128> = families.iter().map(|f| self.packing(f)).collect();
        sum += floors.iter().sum::<u128>();
        if sum >= bound {
            return Ok(None);
        }
        let mut order: Vec<usize> = (0..families.len()).collect();
        order.sort_by_key(|n| families[*n].sets.len());
        for n in order {
            let room = bound - (sum - floors[n]);
            let Some(found) = self.branch(&families[n], floors[n], room, depth)? else {
                return Ok(None);
            };
            sum = sum - floors[n] + self.total(&found);
            chosen.extend(found);
        }
        Ok(Some(chosen))
    }

    /// With the element that hits most sets, and without it.
    fn branch(
        &mut self,
        family: &Family,
        floor: u128,
        mut bound: u128,
        depth: usize,
    ) -> Result<Option<Vec<u32>>, Spent> {
        let mut best = None;
        let greedy = self.greedy(family);
        let greedy = family.named(&greedy);
        if self.total(&greedy) < bound {
            bound = self.total(&greedy);
            best = Some(greedy);
        }
        if bound <= floor {
            return Ok(best);
        }
        let rounds = if depth == 0 { ROUNDS.0 } else { ROUNDS.1 };
        let relaxed = self.relaxed(family, bound, rounds);
        if relaxed.hopeless(bound) {
            return Ok(best);
        }
        let all = 0..small(family.names.len());
        let taken: Vec<u32> = all
            .clone()
            .filter(|e| relaxed.includes(*e, bound))
            .collect();
        let out: Vec<bool> = all.map(|e| relaxed.excludes(e, bound)).collect();
        if !taken.is_empty() || out.contains(&true) {
            let mut rest = family.clone();
            rest.sets
                .retain(|set| !set.iter().any(|e| taken.contains(e)));
            for set in &mut rest.sets {
                set.retain(|element| !out[*element as usize]);
            }
            let taken = family.named(&taken);
            let price = self.total(&taken);
            if price < bound
                && rest.sets.iter().all(|set| !set.is_empty())
                && let Some(mut found) = self.best(rest, bound - price, depth + 1)?
            {
                found.extend(taken);
                best = Some(found);
            }
            return Ok(best);
        }
        let holders = family.holders();
        let most = (0..small(family.names.len())).max_by_key(|e| {
            let price = self.price(family, *e);
            (holders[*e as usize].len(), Reverse(price), Reverse(*e))
        });
        let Some(most) = most else { return Ok(best) };
        let (name, price) = (family.names[most as usize], self.price(family, most));
        if price < bound {
            let mut with = family.clone();
            with.sets.retain(|set| !set.contains(&most));
            if let Some(mut found) = self.best(with, bound - price, depth + 1)? {
                found.push(name);
                bound = self.total(&found);
                best = Some(found);
            }
        }
        if bound > floor {
            let mut without = family.clone();
            for set in &mut without.sets {
                set.retain(|element| *element != most);
            }
            if without.sets.iter().all(|set| !set.is_empty())
                && let Some(found) = self.best(without, bound, depth + 1)?
            {
                best = Some(found);
            }
        }
        Ok(best)
    }
}

impl Family {
    fn named(&self, elements: &[u32]) -> Vec<u32> {
        elements.iter().map(|e| self.names[*e as usize]).collect()
    }

    /// What one look at all of it takes.
    fn size(&self) -> usize {
        self.names.len() + self.sets.iter().map(|set| set.len() + 1).sum::<usize>()
    }

    /// Of each element: the sets that have it, ordered.
    fn holders(&self) -> Vec<Vec<u32>> {
        let mut holders = vec![Vec::new(); self.names.len()];
        for (n, set) in (0_u32..).zip(&self.sets) {
            for element in set {
                holders[*element as usize].push(n);
            }
        }
        holders
    }
}

/// Takes the element of these sets out if each is hit by another one too. True if it is needed.
fn drop_idle(sets: &[u32], count: &mut [u32]) -> bool {
    let needed = sets.iter().any(|set| count[*set as usize] == 1);
    if !needed {
        for set in sets {
            count[*set as usize] -= 1;
        }
    }
    needed
}

/// One bit of 64 for each member: what lies within another has no bit that the other has not.
fn mark(members: &[u32]) -> u64 {
    members.iter().fold(0, |mark, n| mark | 1 << (n % 64))
}

/// Whether all of `a` is in `b`; both are ordered.
fn within(a: &[u32], b: &[u32]) -> bool {
    let mut b = b.iter();
    a.iter().all(|n| b.any(|other| other == n))
}
