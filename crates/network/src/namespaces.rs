//! Namespaces as policies select them: by labels, which of a namespace that was only named are not known.
//! Comes in: the inventory. Goes out: names, labels, workloads of each. Never: a label that was not seen.

use model::evidence::Truth;
use semantics::view::{Inventory, Labels, Selector};
use std::collections::BTreeMap;

/// Names, labels and workloads of all namespaces, those included that only workloads name.
pub(crate) struct Namespaces<'a> {
    pub(crate) by_name: BTreeMap<&'a str, u32>,
    labels: Vec<(Labels, bool)>,
    pub(crate) workloads: Vec<Vec<u32>>,
    /// A namespace that is not there, with no label but its name: what rules say of it, they say of any new one.
    pub(crate) elsewhere: u32,
}

impl<'a> Namespaces<'a> {
    pub(crate) fn of(inventory: &'a Inventory) -> Self {
        let mut all = Namespaces {
            by_name: BTreeMap::new(),
            labels: Vec::new(),
            workloads: Vec::new(),
            elsewhere: 0,
        };
        for namespace in &inventory.namespaces {
            let at = all.index(&namespace.name);
            all.labels[at].0.extend(namespace.labels.clone());
            all.labels[at].1 |= namespace.seen;
        }
        for (workload, view) in (0_u32..).zip(&inventory.workloads) {
            let at = all.index(&view.workload.key.namespace);
            all.workloads[at].push(workload);
        }
        all.elsewhere = u32::try_from(all.labels.len()).unwrap_or(u32::MAX);
        // No namespace has an empty name.
        let label = ("kubernetes.io/metadata.name".into(), "".into());
        all.labels.push((Labels::from([label]), true));
        all.workloads.push(Vec::new());
        all
    }

    /// Numbers of all, the one that is not there included.
    pub(crate) fn all(&self) -> std::ops::Range<u32> {
        0..self.elsewhere.saturating_add(1)
    }

    fn index(&mut self, name: &'a str) -> usize {
        let next = u32::try_from(self.labels.len()).unwrap_or(u32::MAX);
        let at = *self.by_name.entry(name).or_insert(next) as usize;
        if at == self.labels.len() {
            // The API server sets it on every namespace (KEP-2161).
            let always = Labels::from([("kubernetes.io/metadata.name".into(), name.into())]);
            self.labels.push((always, false));
            self.workloads.push(Vec::new());
        }
        at
    }

    pub(crate) fn selected(&self, selector: &Selector, namespace: u32) -> Truth {
        let Some((labels, seen)) = self.labels.get(namespace as usize) else {
            return Truth::Unknown;
        };
        let name_only = selector
            .equals
            .keys()
            .chain(selector.expressions.iter().map(|e| &e.key));
        if *seen
            || name_only
                .clone()
                .all(|key| &**key == "kubernetes.io/metadata.name")
        {
            return selects(selector, labels);
        }
        // Labels of a namespace that was only named are not known, but its name is.
        let by_name = selector.equals.get("kubernetes.io/metadata.name");
        let wrong =
            by_name.is_some_and(|name| labels.get("kubernetes.io/metadata.name") != Some(name));
        if wrong { Truth::No } else { Truth::Unknown }
    }

    /// Its value, or that it is not known; the name of a namespace is known always.
    pub(crate) fn label(&self, namespace: u32, key: &str) -> Result<Option<&str>, ()> {
        let (labels, seen) = self.labels.get(namespace as usize).ok_or(())?;
        if !seen && key != "kubernetes.io/metadata.name" {
            return Err(());
        }
        Ok(labels.get(key).map(|value| &**value))
    }

    /// `None` where they were not seen.
    pub(crate) fn labels(&self, namespace: u32) -> Option<&Labels> {
        let (labels, seen) = self.labels.get(namespace as usize)?;
        seen.then_some(labels)
    }

    pub(crate) fn find(&self, name: &str) -> Option<u32> {
        self.by_name.get(name).copied()
    }
}

/// metav1.LabelSelector; an empty one selects everything.
pub(crate) fn selects(selector: &Selector, labels: &Labels) -> Truth {
    if !selector.matches(labels) {
        Truth::No
    } else if selector.malformed {
        Truth::Unknown
    } else {
        Truth::Yes
    }
}
