//! Closes aliases over all documents and the database, and asks `intel` once per closure.
//! Comes in: match sets. Goes out: `Vulnerabilities` and, for each advisory, which one it is.

use intel::Intelligence;
use intel::assess::{FeedGaps, vulnerability};
use model::keys::vulnerability_id;
use model::matches::{Advisory, Category, MatchSet};
use model::text::Text;
use model::vulnerability::Vulnerability;
use rustc_hash::{FxHashMap, FxHashSet};

/// Distinct vulnerabilities, ordered by id.
#[derive(Debug, Default)]
pub struct Vulnerabilities {
    pub all: Vec<Vulnerability>,
    /// Set -> advisory -> vulnerability; `None` for advisories that no vulnerability match uses.
    pub of: Vec<Vec<Option<u32>>>,
}

/// One vulnerability for each closure of aliases.
pub fn close(sets: &[MatchSet], intel: Option<&Intelligence>, gaps: &FeedGaps) -> Vulnerabilities {
    let used = used_advisories(sets);
    let mut closures = Closures::default();
    for (set, used) in sets.iter().zip(&used) {
        for (_, advisory) in set
            .advisories
            .iter()
            .enumerate()
            .filter(|(n, _)| used.contains(n))
        {
            closures.add(&advisory.id, advisory.aliases.iter().map(|alias| &**alias));
        }
    }
    if let Some(intel) = intel {
        let known: Vec<Text> = closures.ids.clone();
        for id in known {
            let closure = intel.closure(&id);
            closures.add(&id, closure.iter().map(|alias| &**alias));
        }
    }
    let members = closures.members();
    let mut said: FxHashMap<usize, Vec<(&str, &Advisory)>> = FxHashMap::default();
    for (set, used) in sets.iter().zip(&used) {
        for (n, advisory) in set.advisories.iter().enumerate() {
            if used.contains(&n) {
                said.entry(closures.root_of(&advisory.id))
                    .or_default()
                    .push((&set.source.tool, advisory));
            }
        }
    }
    let mut named: Vec<(usize, Vulnerability)> = members
        .iter()
        .filter_map(|(root, ids)| {
            let ids: Vec<&str> = ids.iter().map(|id| &**id).collect();
            vulnerability_id(ids.iter().copied())?;
            let said = said.get(root)?;
            Some((*root, vulnerability(intel, &ids, said, gaps)))
        })
        .collect();
    named.sort_by(|a, b| a.1.id.cmp(&b.1.id));
    let index: FxHashMap<usize, u32> = (0u32..)
        .zip(&named)
        .map(|(n, (root, _))| (*root, n))
        .collect();
    let of = sets
        .iter()
        .zip(&used)
        .map(|(set, used)| {
            let ix = |(n, a): (usize, &Advisory)| {
                used.contains(&n)
                    .then(|| index.get(&closures.root_of(&a.id)).copied())
                    .flatten()
            };
            set.advisories.iter().enumerate().map(ix).collect()
        })
        .collect();
    Vulnerabilities {
        all: named.into_iter().map(|(_, v)| v).collect(),
        of,
    }
}

fn used_advisories(sets: &[MatchSet]) -> Vec<FxHashSet<usize>> {
    let vulnerabilities = |set: &MatchSet| {
        set.matches
            .iter()
            .filter(|m| m.category == Category::Vulnerability)
            .map(|m| m.advisory as usize)
            .collect()
    };
    sets.iter().map(vulnerabilities).collect()
}

/// Union-find over ids.
#[derive(Default)]
struct Closures {
    ids: Vec<Text>,
    index: FxHashMap<Text, usize>,
    parent: Vec<usize>,
}

impl Closures {
    fn node(&mut self, id: &str) -> usize {
        if let Some(&known) = self.index.get(id) {
            return known;
        }
        let text = Text::from(id);
        let node = self.ids.len();
        self.ids.push(Text::clone(&text));
        self.parent.push(node);
        self.index.insert(text, node);
        node
    }

    fn add<'a>(&mut self, id: &str, aliases: impl Iterator<Item = &'a str>) {
        let mut first = self.node(id);
        for alias in aliases {
            let (a, b) = (self.root(first), self.node(alias));
            let b = self.root(b);
            if let Some(slot) = self.parent.get_mut(a.max(b)) {
                *slot = a.min(b);
            }
            first = a.min(b);
        }
    }

    fn root(&self, mut node: usize) -> usize {
        while let Some(&up) = self.parent.get(node) {
            if up == node {
                break;
            }
            node = up;
        }
        node
    }

    fn root_of(&self, id: &str) -> usize {
        self.index
            .get(id)
            .map_or(usize::MAX, |&node| self.root(node))
    }

    /// Root -> ids, ordered.
    fn members(&self) -> Vec<(usize, Vec<Text>)> {
        let mut of: FxHashMap<usize, Vec<Text>> = FxHashMap::default();
        for (node, id) in self.ids.iter().enumerate() {
            of.entry(self.root(node)).or_default().push(Text::clone(id));
        }
        let mut members: Vec<_> = of.into_iter().collect();
        for (_, ids) in &mut members {
            ids.sort_unstable();
        }
        members.sort_unstable_by_key(|(root, _)| *root);
        members
    }
}
