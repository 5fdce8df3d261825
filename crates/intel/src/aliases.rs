//! The closure of aliases: an equivalence over ids. Comes in: pairs of numbered ids. Goes out: the class of
//! each id, classes numbered by their smallest member. Never: depends on the order of the pairs.

/// Classes of a set of numbered ids.
pub(crate) struct Closures {
    parent: Vec<u32>,
}

impl Closures {
    /// Each of `count` ids alone.
    pub(crate) fn new(count: usize) -> Self {
        Closures {
            parent: (0..u32::try_from(count).unwrap_or(u32::MAX)).collect(),
        }
    }

    /// Puts two ids into one class; numbers outside are ignored.
    pub(crate) fn unite(&mut self, a: u32, b: u32) {
        let (a, b) = (self.root(a), self.root(b));
        // The smaller one becomes the root, so the root is the smallest member.
        if let Some(parent) = self.parent.get_mut(a.max(b) as usize) {
            *parent = a.min(b);
        }
    }

    /// Class of each id, and the members of each class, ascending.
    pub(crate) fn finish(mut self) -> (Vec<u32>, Vec<Vec<u32>>) {
        let mut class_of = Vec::with_capacity(self.parent.len());
        let mut members: Vec<Vec<u32>> = Vec::new();
        for id in 0..u32::try_from(self.parent.len()).unwrap_or(u32::MAX) {
            let root = self.root(id);
            let class = if root == id {
                members.push(Vec::new());
                members.len() - 1
            } else {
                class_of.get(root as usize).copied().unwrap_or(0) as usize
            };
            if let Some(class) = members.get_mut(class) {
                class.push(id);
            }
            class_of.push(u32::try_from(class).unwrap_or(u32::MAX));
        }
        (class_of, members)
    }

    fn root(&mut self, mut id: u32) -> u32 {
        loop {
            let Some(parent) = self.parent.get(id as usize).copied() else {
                return id;
            };
            if parent == id {
                return id;
            }
            // Path halving.
            let above = self.parent.get(parent as usize).copied().unwrap_or(parent);
            if let Some(slot) = self.parent.get_mut(id as usize) {
                *slot = above;
            }
            id = above;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Reflexive, symmetric, transitive, nothing beyond the pairs, in any order of the pairs.
        #[test]
        fn classes_are_the_equivalence_closure(pairs in prop::collection::vec((0u32..20, 0u32..20), 0..25)) {
            let classes = |pairs: &[(u32, u32)]| {
                let mut closures = Closures::new(20);
                for (a, b) in pairs { closures.unite(*a, *b); }
                closures.finish()
            };
            let (class_of, members) = classes(&pairs);
            let mut reach = [[false; 20]; 20];
            for (n, row) in reach.iter_mut().enumerate() { row[n] = true; }
            for (a, b) in &pairs { reach[*a as usize][*b as usize] = true; reach[*b as usize][*a as usize] = true; }
            for k in 0..20 { for i in 0..20 { for j in 0..20 { reach[i][j] |= reach[i][k] && reach[k][j]; } } }
            for i in 0..20 { for j in 0..20 { prop_assert_eq!(class_of[i] == class_of[j], reach[i][j]); } }
            let mut seen: Vec<u32> = members.concat();
            seen.sort_unstable();
            prop_assert_eq!(seen, (0..20).collect::<Vec<_>>());
            let firsts: Vec<_> = members.iter().map(|m| m[0]).collect();
            prop_assert!(firsts.is_sorted());
            let mut reversed: Vec<_> = pairs.iter().map(|(a, b)| (*b, *a)).collect();
            reversed.reverse();
            prop_assert_eq!(classes(&reversed), (class_of, members));
        }
    }
}
