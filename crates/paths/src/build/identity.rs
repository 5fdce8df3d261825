//! The part of the graph after the node: tokens, service accounts, bindings, classes of rights.
//! Comes in: accounts with rights, pods on nodes. Goes out: arcs to the sinks.
//! Never: an arc for each pair of accounts; "the accounts of a namespace" is a node.

use super::{Builder, TAKES_TOKEN, change};
use crate::graph::{NodeId, Price};
use crate::rights::{kind, said};
use model::evidence::{Estimate, Ledger};
use model::object::ObjectRef;
use model::text::Text;
use rustc_hash::FxHashMap;
use semantics::view::{Right, RightClass, ServiceAccount};
use std::collections::{BTreeMap, BTreeSet};

/// Sets that rights reach; `None` is the whole cluster.
#[derive(Default)]
struct Sets {
    accounts: BTreeMap<Option<Text>, NodeId>,
    entered: BTreeMap<Option<Text>, NodeId>,
    admins: BTreeMap<Text, NodeId>,
    bindings: BTreeMap<ObjectRef, (NodeId, NodeId)>,
    /// Arcs from an account to a binding.
    granted: FxHashMap<(NodeId, NodeId), usize>,
    told: BTreeSet<(NodeId, RightClass, Option<Text>)>,
}

fn leads_on(right: &Right) -> bool {
    right.class >= RightClass::Exec
}

impl Builder<'_> {
    /// Tokens, accounts and what their rights reach.
    pub(super) fn identities(&mut self, ledger: &mut Ledger) {
        let mut sets = Sets::default();
        let mut nodes: BTreeMap<(Text, Text), NodeId> = BTreeMap::new();
        let accounts: Vec<&ServiceAccount> = self
            .inventory
            .service_accounts
            .iter()
            .filter(|a| a.rights.iter().any(leads_on))
            .collect();
        for account in &accounts {
            let name = format!("ServiceAccount {}/{}", account.namespace, account.name);
            let node = self.graph.node(Some(name.into()));
            nodes.insert(
                (Text::clone(&account.namespace), Text::clone(&account.name)),
                node,
            );
        }
        for account in &accounts {
            let key = (Text::clone(&account.namespace), Text::clone(&account.name));
            let Some(node) = nodes.get(&key).copied() else {
                continue;
            };
            for right in account.rights.iter().filter(|right| leads_on(right)) {
                self.right(account, right, node, &mut sets, ledger);
            }
        }
        self.tokens(&nodes, ledger);
        self.close_sets(&nodes, &sets);
    }

    fn right(
        &mut self,
        account: &ServiceAccount,
        right: &Right,
        from: NodeId,
        sets: &mut Sets,
        ledger: &mut Ledger,
    ) {
        let says = ledger.about(&right.binding, said(account, right));
        let known = sets.bindings.get(&right.binding).copied();
        let (into, out) = known.unwrap_or_else(|| {
            let (into, out) = (self.graph.hidden(), self.graph.hidden());
            let arc = self.graph.join(into, out);
            let stock = &self.inventory.stock_bindings;
            if stock.binary_search(&right.binding).is_err() {
                let what = format!("delete it, or bind a smaller role than {}", right.role.name);
                arc.change = Some(change(&right.binding, what, Price::Binding));
            }
            sets.bindings.insert(right.binding.clone(), (into, out));
            (into, out)
        });
        // All classes of a binding go over one arc, named after the right that leads on.
        let arc = sets.granted.get(&(from, into)).copied().unwrap_or_else(|| {
            let id = self.graph.arcs.len();
            self.graph.join(from, into);
            sets.granted.insert((from, into), id);
            id
        });
        if let Some(arc) = self.graph.arcs.get_mut(arc) {
            arc.evidence.push(says);
        }
        let told = (out, right.class, right.namespace.clone());
        if sets.told.insert(told) {
            self.reaches(right, out, sets, ledger);
        }
    }

    /// From a binding to what its class of rights reaches; probabilities are stated priors.
    fn reaches(&mut self, right: &Right, from: NodeId, sets: &mut Sets, ledger: &mut Ledger) {
        let name = kind(right.class);
        let place = right.namespace.clone();
        let p = Estimate::exact;
        match (right.class, place) {
            (RightClass::Everything, None) => {
                _ = self.graph.arc(from, self.cluster_admin, name, p(1.0));
            }
            (RightClass::Escalate, None) => {
                _ = self.graph.arc(from, self.cluster_admin, name, p(0.9));
            }
            (RightClass::Everything | RightClass::Escalate, Some(place)) => {
                let admin = self.namespace_admin(&place, sets, ledger);
                self.graph.arc(from, admin, name, p(0.95));
            }
            (RightClass::Nodes, None) => _ = self.graph.arc(from, self.any_node, name, p(0.8)),
            (RightClass::MintTokens, place) => {
                let accounts = self.accounts_of(place, sets);
                self.graph.arc(from, accounts, name, p(0.95));
            }
            (RightClass::CreatePods, place) => {
                self.create_pods(from, name, place.as_ref(), ledger);
                let accounts = self.accounts_of(place, sets);
                self.graph.arc(from, accounts, name, p(0.95));
            }
            (RightClass::ReadSecrets, place) => {
                match place.as_deref() {
                    None => _ = self.graph.arc(from, self.secrets, name, p(1.0)),
                    Some("kube-system") => {
                        _ = self.graph.arc(from, self.cluster_admin, name, p(0.3));
                    }
                    Some(_) => {}
                }
                // Only tokens of the old kind are kept in Secrets.
                let accounts = self.accounts_of(place, sets);
                self.graph
                    .arc(from, accounts, name, Estimate::between(0.0, 0.1, 0.9));
            }
            (RightClass::Exec, place) => {
                let entered = self.entered(place, sets);
                self.graph.arc(from, entered, name, p(0.9));
            }
            (RightClass::Nodes, Some(_)) | (RightClass::Read | RightClass::Write, _) => {}
        }
    }

    fn create_pods(
        &mut self,
        from: NodeId,
        name: &'static str,
        place: Option<&Text>,
        ledger: &mut Ledger,
    ) {
        let (admits, open) = match place {
            // Some namespace admits privileged pods; kube-system must.
            None => (Estimate::exact(0.9), None),
            Some(place) => self.accounts.admits_privileged(place, ledger),
        };
        if admits.expected >= super::LEAST_STEP * 2.0 {
            let arc = self.graph.arc(from, self.any_node, name, admits);
            arc.missing.extend(open);
        }
    }

    fn namespace_admin(&mut self, place: &Text, sets: &mut Sets, ledger: &mut Ledger) -> NodeId {
        if let Some(node) = sets.admins.get(place) {
            return *node;
        }
        let node = self
            .graph
            .node(Some(format!("admin of namespace {place}").into()));
        sets.admins.insert(Text::clone(place), node);
        let accounts = self.accounts_of(Some(Text::clone(place)), sets);
        self.graph
            .arc(node, accounts, "namespace-admin", Estimate::exact(0.95));
        self.create_pods(node, "namespace-admin", Some(place), ledger);
        if &**place == "kube-system" {
            self.graph.arc(
                node,
                self.cluster_admin,
                "namespace-admin",
                Estimate::exact(0.9),
            );
        }
        node
    }

    fn accounts_of(&mut self, place: Option<Text>, sets: &mut Sets) -> NodeId {
        let graph = &mut self.graph;
        *sets.accounts.entry(place).or_insert_with(|| graph.hidden())
    }

    fn entered(&mut self, place: Option<Text>, sets: &mut Sets) -> NodeId {
        let graph = &mut self.graph;
        *sets.entered.entry(place).or_insert_with(|| graph.hidden())
    }

    /// From containers and nodes to the accounts whose tokens lie there.
    fn tokens(&mut self, accounts: &BTreeMap<(Text, Text), NodeId>, ledger: &mut Ledger) {
        if accounts.is_empty() {
            return;
        }
        for workload in self.active() {
            let Some(view) = self.inventory.workloads.get(workload as usize) else {
                continue;
            };
            let Some(account) = self.account(view) else {
                continue;
            };
            let key = (Text::clone(&account.namespace), Text::clone(&account.name));
            let Some(to) = accounts.get(&key).copied() else {
                continue;
            };
            let object = view.workload.object.clone();
            let tokens: Vec<_> = (0..view.workload.containers.len())
                .filter_map(|container| self.token_of(view, container, ledger))
                .collect();
            let best = tokens
                .iter()
                .copied()
                .max_by(|a, b| a.probability.expected.total_cmp(&b.probability.expected));
            let Some(best) = best.filter(|token| token.probability.expected > 0.0) else {
                continue;
            };
            let pointer = format!("{}/serviceAccountName", view.spec_pointer);
            let says = ledger.field(
                &object,
                pointer,
                format!("{object} runs as service account {}/{}", key.0, key.1),
            );
            let token = self.graph.hidden();
            // An account that was named on purpose is used: its rights are made smaller instead (rule 11).
            let fixed = self.provided.contains(&object) || &*key.1 != "default";
            let arc = self.graph.arc(token, to, "mounted-token", best.probability);
            arc.evidence.push(says);
            arc.missing.extend(best.missing);
            arc.change = (!fixed).then(|| {
                change(
                    &object,
                    "set automountServiceAccountToken: false",
                    Price::Token,
                )
            });
            for (container, own) in (0_u32..).zip(&tokens) {
                if own.probability.expected > 0.0 {
                    let from = self.container(workload, container);
                    self.graph.join(from, token);
                }
            }
            let everywhere = &*object.kind == "DaemonSet";
            for node in self.nodes_of(workload) {
                let there = if self.some_node == Some(node) && !everywhere {
                    // Files do not say which pods meet on a node.
                    Estimate::between(0.0, 0.3, TAKES_TOKEN)
                } else {
                    Estimate::exact(TAKES_TOKEN)
                };
                self.graph.arc(node, token, "pod-token", there);
            }
            self.graph.arc(
                self.any_node,
                token,
                "pod-token",
                Estimate::exact(TAKES_TOKEN),
            );
        }
    }

    /// The sets' members, once all accounts and containers are known.
    fn close_sets(&mut self, accounts: &BTreeMap<(Text, Text), NodeId>, sets: &Sets) {
        for (place, from) in &sets.accounts {
            for ((namespace, _), to) in accounts {
                if place.as_ref().is_none_or(|place| place == namespace) {
                    self.graph.join(*from, *to);
                }
            }
            if place.as_ref().is_none_or(|place| &**place == "kube-system") {
                // Controllers of the control plane that were not seen (files), or hold no pod.
                self.graph.arc(
                    *from,
                    self.cluster_admin,
                    "system-controllers",
                    Estimate::exact(0.6),
                );
            }
        }
        for (place, from) in &sets.entered {
            let here: Vec<NodeId> = self
                .enterable(place.as_ref())
                .into_iter()
                .map(|(workload, container)| self.container(workload, container))
                .collect();
            for to in here {
                self.graph.join(*from, to);
            }
        }
    }

    /// Containers of which something follows: an escape, or a token that leads on.
    fn enterable(&self, place: Option<&Text>) -> Vec<(u32, u32)> {
        let mut found = Vec::new();
        for workload in self.active() {
            let Some(view) = self.inventory.workloads.get(workload as usize) else {
                continue;
            };
            if place.is_some_and(|place| *place != view.workload.key.namespace) {
                continue;
            }
            for (container, steps) in
                (0_u32..).zip(self.steps.get(workload as usize).into_iter().flatten())
            {
                let escapes = steps
                    .iter()
                    .any(|s| s.escape && s.probability.expected >= super::LEAST_STEP);
                if escapes || self.container_nodes.contains_key(&(workload, container)) {
                    found.push((workload, container));
                }
            }
        }
        found
    }
}
