//! Who may read logs through the API server or a kubelet.
//! Comes in: bindings and roles. Goes out: the bindings that let a service account do so.
//! Never: a question to every binding for every pod; those that give the right are sorted out once.

use model::text::Text;
use rustc_hash::FxHashMap;
use semantics::authorizer::{Binding, User};
use semantics::rbac::{Rule, rule_allows_some};
use semantics::view::Inventory;

pub(super) struct Readers<'a> {
    everywhere: Vec<&'a Binding>,
    by_namespace: FxHashMap<&'a str, Vec<&'a Binding>>,
}

impl<'a> Readers<'a> {
    pub(super) fn of(inventory: &'a Inventory) -> Self {
        let authorizer = &inventory.authorizer;
        let of_pods: Vec<bool> = rules(&authorizer.rules, &["pods/log"]);
        // The kubelet serves its directory of logs for the first, the API server passes it on for the second.
        let of_nodes: Vec<bool> = rules(&authorizer.rules, &["nodes/log", "nodes/proxy"]);
        let gives = |list: &[bool], binding: &Binding| {
            let rules = binding.rules.and_then(|n| list.get(n as usize));
            rules.is_some_and(|gives| *gives)
        };
        let mut readers = Readers {
            everywhere: Vec::new(),
            by_namespace: FxHashMap::default(),
        };
        for binding in &authorizer.bindings {
            match &binding.namespace {
                None if gives(&of_pods, binding) || gives(&of_nodes, binding) => {
                    readers.everywhere.push(binding);
                }
                Some(namespace) if gives(&of_pods, binding) => {
                    let here = readers.by_namespace.entry(namespace).or_default();
                    here.push(binding);
                }
                _ => {}
            }
        }
        readers
    }

    /// Bindings that let the account of a pod read the pod's own log, or logs of nodes.
    pub(super) fn bindings(&self, namespace: &Text, account: &str) -> Vec<&'a Binding> {
        let user = User::service_account(namespace, account);
        let here = self.by_namespace.get(&**namespace).into_iter().flatten();
        self.everywhere
            .iter()
            .chain(here)
            .filter(|binding| binding.subjects.iter().any(|subject| subject.is(&user)))
            .copied()
            .collect()
    }
}

/// Set of rules -> whether one of them lets get one of the resources.
fn rules(sets: &[Vec<Rule>], resources: &[&str]) -> Vec<bool> {
    let gives = |rule: &Rule| {
        let mut asked = resources.iter();
        asked.any(|resource| rule_allows_some(rule, "get", "", resource))
    };
    sets.iter().map(|rules| rules.iter().any(gives)).collect()
}
