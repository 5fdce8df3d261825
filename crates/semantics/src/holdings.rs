//! What each role gives, rule by rule, and who holds it: roles and bindings read once, with the places of their parts.
//! Comes in: a Snapshot and what was read of it. Goes out: views, parallel to the objects' own lists, so that a finding
//! can name `/rules/2`. Never: a judgement; whether an object is the cluster's own is `stock`'s.

use crate::authorizer::{Authorizer, Subject};
use crate::dangers::{Danger, dangers, further};
use crate::json::{Json, Node, Places};
use crate::rbac::{GROUP, Rule};
use crate::stock::Standing;
use crate::view::{PodSpec, WorkloadView};
use model::object::ObjectRef;
use model::snapshot::{Object, Origin, Snapshot};
use model::text::{Interner, Text};
use model::workload::WorkloadState;
use std::collections::BTreeMap;

/// A Role or ClusterRole that was seen.
#[derive(Clone, Debug)]
pub struct RoleView {
    /// Index into the Snapshot's objects.
    pub at: u32,
    pub object: ObjectRef,
    /// It gives its rules in namespaces only: a Role, or a ClusterRole that none but RoleBindings give.
    pub namespaced: bool,
    /// Parallel to `/rules`. Empty where a controller will compute them (aggregation in files).
    pub rules: Vec<RuleView>,
    /// It has an `aggregationRule`: a controller writes its rules.
    pub aggregates: bool,
    /// Levels of `aggregate-to-LEVEL` that its labels name: `view`.
    pub adds_to: Vec<Text>,
    /// Indices into [`Authorizer::bindings`].
    pub bindings: Vec<u32>,
    /// Workloads that run as one of the accounts that hold it.
    pub runs: u32,
    pub standing: Standing,
}

#[derive(Clone, Debug)]
pub struct RuleView {
    pub rule: Rule,
    /// The worst first; those of `dangers::further` behind.
    pub dangers: Vec<Danger>,
}

/// A RoleBinding or ClusterRoleBinding with a role reference that can be read.
#[derive(Clone, Debug)]
pub struct BindingView {
    /// Index into the Snapshot's objects.
    pub at: u32,
    /// Index into [`Authorizer::bindings`].
    pub binding: u32,
    /// Parallel to `/subjects`.
    pub subjects: Vec<SubjectView>,
    pub standing: Standing,
}

#[derive(Clone, Debug)]
pub struct SubjectView {
    pub kind: Text,
    pub namespace: Option<Text>,
    pub name: Text,
    /// `None`: it reaches nobody.
    pub subject: Option<Subject>,
}

const AGGREGATE_TO: &str = "rbac.authorization.k8s.io/aggregate-to-";

/// Indices of the Snapshot's objects of a kind of RBAC.
fn of_kind<'s>(
    snapshot: &'s Snapshot,
    kind: &'static str,
) -> impl Iterator<Item = (u32, &'s Object)> {
    let all = (0u32..).zip(&snapshot.objects);
    all.filter(move |(_, o)| &*o.gvk.group == GROUP && &*o.gvk.kind == kind)
}

fn read<T>(object: &Object, view: impl FnOnce(Node<'_>) -> T) -> Option<T> {
    let places = Places::default();
    let tree = Json::parse(&object.json).ok()?;
    Some(view(Node::new(&tree, &places)))
}

/// Workloads by the account that they run as.
fn runs<'v>(
    workloads: &'v [WorkloadView],
    templates: &'v [PodSpec],
) -> BTreeMap<(&'v str, &'v str), u32> {
    let mut all = BTreeMap::new();
    for view in workloads {
        if view.workload.state == WorkloadState::History {
            continue;
        }
        if let Some(spec) = templates.get(view.template as usize) {
            let key = (&*view.workload.key.namespace, &*spec.service_account);
            *all.entry(key).or_default() += 1;
        }
    }
    all
}

pub(crate) fn roles(
    snapshot: &Snapshot,
    authorizer: &Authorizer,
    workloads: &[WorkloadView],
    templates: &[PodSpec],
) -> Vec<RoleView> {
    let mut bound: BTreeMap<&ObjectRef, Vec<u32>> = BTreeMap::new();
    for (index, binding) in (0u32..).zip(&authorizer.bindings) {
        bound.entry(&binding.role).or_default().push(index);
    }
    let runs = runs(workloads, templates);
    let minor = snapshot.version.minor;
    let mut words = Interner::default();
    let mut all = Vec::new();
    for kind in ["ClusterRole", "Role"] {
        for (at, object) in of_kind(snapshot, kind) {
            let reference = object.reference();
            // Files may leave out the namespace.
            let own = object.namespace.as_deref().unwrap_or("default");
            let named = ObjectRef::new(GROUP, kind, (kind == "Role").then_some(own), &object.name);
            let bindings = bound.get(&named).cloned().unwrap_or_default();
            let by_namespace = |index: &u32| {
                let binding = authorizer.bindings.get(*index as usize);
                binding.is_some_and(|binding| binding.namespace.is_some())
            };
            let namespaced =
                kind == "Role" || (!bindings.is_empty() && bindings.iter().all(by_namespace));
            let Some((aggregates, rules)) = read(object, |root| {
                let aggregates = root.get("aggregationRule").is_map();
                let computed = aggregates && snapshot.origin == Origin::Files;
                let rules: Vec<Rule> = root
                    .list("rules")
                    .filter(|_| !computed)
                    .map(|node| rule(&mut words, node))
                    .collect();
                (aggregates, rules)
            }) else {
                continue;
            };
            let mut accounts: Vec<(&str, &str)> = bindings
                .iter()
                .filter_map(|index| authorizer.bindings.get(*index as usize))
                .flat_map(|binding| &binding.subjects)
                .filter_map(Subject::account)
                .collect();
            accounts.sort_unstable();
            accounts.dedup();
            let adds_to = object.labels.iter().filter_map(|(key, value)| {
                let level = key.strip_prefix(AGGREGATE_TO)?;
                (&**value == "true").then(|| level.into())
            });
            all.push(RoleView {
                at,
                object: reference,
                namespaced,
                rules: rules
                    .into_iter()
                    .map(|rule| RuleView {
                        dangers: every(&rule, namespaced, minor),
                        rule,
                    })
                    .collect(),
                aggregates,
                adds_to: adds_to.collect(),
                bindings,
                runs: accounts.iter().filter_map(|key| runs.get(key)).sum(),
                standing: Standing::Other,
            });
        }
    }
    all
}

/// What a rule is dangerous for, less common things too.
pub fn every(rule: &Rule, namespaced: bool, minor: u16) -> Vec<Danger> {
    let mut all = dangers(rule, namespaced, minor);
    all.extend(further(rule, namespaced));
    all
}

fn rule(words: &mut Interner, node: Node<'_>) -> Rule {
    let mut texts = |key: &str| node.texts(key).map(|text| words.text(text)).collect();
    Rule {
        verbs: texts("verbs"),
        groups: texts("apiGroups"),
        resources: texts("resources"),
        names: texts("resourceNames"),
        urls: texts("nonResourceURLs"),
    }
}

pub(crate) fn bindings(snapshot: &Snapshot, authorizer: &Authorizer) -> Vec<BindingView> {
    let known: BTreeMap<&ObjectRef, u32> = (0u32..)
        .zip(&authorizer.bindings)
        .map(|(index, binding)| (&binding.object, index))
        .collect();
    let mut all = Vec::new();
    for kind in ["ClusterRoleBinding", "RoleBinding"] {
        for (at, object) in of_kind(snapshot, kind) {
            let Some(index) = known.get(&object.reference()) else {
                continue;
            };
            let scope = (kind == "RoleBinding").then_some(object.namespace.as_deref());
            let subjects = read(object, |root| {
                let subjects = root.list("subjects");
                subjects
                    .map(|node| subject(node, scope.map(|own| own.unwrap_or("default"))))
                    .collect()
            });
            all.push(BindingView {
                at,
                binding: *index,
                subjects: subjects.unwrap_or_default(),
                standing: Standing::Other,
            });
        }
    }
    all
}

fn subject(node: Node<'_>, scope: Option<&str>) -> SubjectView {
    let word = |key: &str| node.word(key).map(Text::from);
    let (kind, name, namespace) = (word("kind"), word("name"), word("namespace"));
    let subject = name.clone().and_then(|name| match kind.as_deref() {
        Some("User") => Some(Subject::User(name)),
        Some("Group") => Some(Subject::Group(name)),
        Some("ServiceAccount") => Some(Subject::ServiceAccount {
            namespace: namespace.clone().or_else(|| scope.map(Text::from))?,
            name,
        }),
        _ => None,
    });
    SubjectView {
        kind: kind.unwrap_or_else(|| "".into()),
        namespace,
        name: name.unwrap_or_else(|| "".into()),
        subject,
    }
}
