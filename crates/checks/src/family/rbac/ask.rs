//! How rules of RBAC are asked of roles and bindings, what a finding says of their holders, and how little must go.
//! Comes in: views of `semantics::holdings`. Goes out: findings, changes. Never: what a rule allows; `semantics` knows.

use crate::rule::Change;
use crate::world::{Found, Sink, World};
use semantics::authorizer::{Binding, Subject};
use semantics::dangers::{Danger, dangers};
use semantics::holdings::{BindingView, RoleView, RuleView, every};
use semantics::rbac::{Rule, rule_allows_some};
use semantics::stock::Standing;
use std::collections::BTreeSet;

/// Names that are shown of a list.
const SHOWN: usize = 3;

/// One rule of a role.
pub(super) struct Ask<'a> {
    pub(super) world: &'a World<'a>,
    pub(super) role: &'a RoleView,
    pub(super) rule: &'a Rule,
    dangers: &'a [Danger],
}

impl Ask<'_> {
    /// Whether it has a danger of `semantics::dangers`.
    pub(super) fn does(&self, danger: &str) -> bool {
        self.dangers.iter().any(|known| known.id == danger)
    }

    /// Whether it allows one of the verbs, for some name at least.
    pub(super) fn may(&self, verbs: &[&str], group: &str, resources: &[&str]) -> bool {
        let some = |verb: &str| {
            let mut resources = resources.iter();
            resources.any(|resource| rule_allows_some(self.rule, verb, group, resource))
        };
        verbs.iter().any(|verb| some(verb))
    }

    pub(super) fn named(&self) -> bool {
        !self.rule.names.is_empty()
    }

    /// It reaches every namespace.
    pub(super) fn global(&self) -> bool {
        !self.role.namespaced
    }

    pub(super) fn namespace(&self) -> Option<&str> {
        self.role.object.namespace.as_deref()
    }
}

pub(super) type Hits = fn(&Ask<'_>) -> bool;

/// How much a rule with wildcards gives. It covers what narrower rows would say of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Broad {
    Everything,
    Changes,
    Reads,
}

pub(super) fn broad(rule: &Rule) -> Option<Broad> {
    let has = |list: &[model::text::Text], word: &str| list.iter().any(|known| &**known == word);
    let core = has(&rule.groups, "*") || has(&rule.groups, "");
    if !has(&rule.resources, "*") || !core || !rule.names.is_empty() {
        return None;
    }
    let reads = |verb: &model::text::Text| matches!(&**verb, "get" | "list" | "watch");
    if has(&rule.verbs, "*") && has(&rule.groups, "*") {
        Some(Broad::Everything)
    } else if rule.verbs.iter().all(reads) {
        (!rule.verbs.is_empty()).then_some(Broad::Reads)
    } else {
        Some(Broad::Changes)
    }
}

/// Tells each role once of which a rule hits; what wider rows tell, and what differs from a shipped role, is left out.
pub(super) fn grants(world: &World<'_>, sink: &mut Sink<'_>, hits: Hits) {
    let narrow = |ask: &Ask<'_>| broad(ask.rule).is_none() && hits(ask);
    each_role(world, sink, narrow);
}

/// The same without regard to wider rows.
pub(super) fn each_role(world: &World<'_>, sink: &mut Sink<'_>, hits: impl Fn(&Ask<'_>) -> bool) {
    unseen(world, sink, &["ClusterRole", "Role"]);
    for role in &world.inventory.roles {
        if matches!(role.standing, Standing::Changed(_)) {
            continue;
        }
        sink.looked(role.rules.len());
        let mut first: Option<(usize, &RuleView)> = None;
        let mut others: Vec<usize> = Vec::new();
        for (index, view) in role.rules.iter().enumerate() {
            if !hits(&of(world, role, view)) {
                continue;
            }
            match first {
                None => first = Some((index, view)),
                Some(_) => others.push(index),
            }
        }
        if let Some((index, view)) = first {
            let also = match &*others {
                [] => String::new(),
                others => {
                    let others: Vec<String> =
                        others.iter().map(|n| format!("/rules/{n}")).collect();
                    format!(", as {}", list(&others))
                }
            };
            let says = format!(
                "/rules/{index} gives {}{also}; {}",
                text(&view.rule),
                holders(world, role)
            );
            sink.found(
                &role.object,
                Some(role.at),
                None,
                format!("/rules/{index}"),
                says,
            );
        }
    }
}

fn of<'a>(world: &'a World<'a>, role: &'a RoleView, view: &'a RuleView) -> Ask<'a> {
    Ask {
        world,
        role,
        rule: &view.rule,
        dangers: &view.dangers,
    }
}

/// What cannot be told where kinds were not listed whole.
pub(super) fn unseen(world: &World<'_>, sink: &mut Sink<'_>, kinds: &[&str]) {
    let inventory = world.inventory;
    if kinds
        .iter()
        .any(|kind| inventory.unseen.contains_key(*kind))
    {
        let gap = inventory
            .gaps
            .iter()
            .find(|gap| &*gap.class == "kinds-not-listed");
        if let Some(gap) = gap {
            sink.unknown(gap.clone());
        }
    }
}

/// `a, b, c and 4 more`.
pub(crate) fn list<T: AsRef<str>>(all: &[T]) -> String {
    let shown: Vec<&str> = all.iter().take(SHOWN).map(AsRef::as_ref).collect();
    let shown = shown.join(", ");
    match all.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// `get, list on secrets named a`.
pub(super) fn text(rule: &Rule) -> String {
    let words = |list: &[model::text::Text]| {
        let words: Vec<&str> = list.iter().take(8).map(|word| &**word).collect();
        let more = if list.len() > 8 { " ..." } else { "" };
        format!("{}{more}", words.join(", "))
    };
    let mut out = words(&rule.verbs);
    if !rule.resources.is_empty() {
        out = format!("{out} on {}", words(&rule.resources));
        if rule.groups.iter().all(|group| !group.is_empty()) {
            out = format!("{out} in {}", words(&rule.groups));
        }
    }
    if !rule.urls.is_empty() {
        out = format!("{out} on {}", words(&rule.urls));
    }
    if !rule.names.is_empty() {
        out = format!("{out} named {}", words(&rule.names));
    }
    out
}

/// The first role that somebody holds who may not do everything anyway, and that allows one of these: (verb, group,
/// resource). Roles of Kubernetes' own controllers are left out.
pub(crate) fn held(world: &World<'_>, asked: &[(&str, &str, &str)]) -> Option<String> {
    let inventory = world.inventory;
    let provided = |role: &RoleView| inventory.provided.binary_search(&role.object).is_ok();
    let allows = |rule: &Rule| {
        let mut asked = asked.iter();
        broad(rule) != Some(Broad::Everything)
            && asked.any(|(verb, group, resource)| rule_allows_some(rule, verb, group, resource))
    };
    let mut roles = inventory.roles.iter();
    let role = roles.find(|role| {
        let system = role.object.name.starts_with("system:") && provided(role);
        !system && !role.bindings.is_empty() && role.rules.iter().any(|view| allows(&view.rule))
    })?;
    Some(format!(
        "{} {}: {}",
        role.object.kind,
        role.object.name,
        holders(world, role)
    ))
}

/// Whom the rules of a role reach.
pub(super) fn holders(world: &World<'_>, role: &RoleView) -> String {
    let authorizer = &world.inventory.authorizer;
    let mut all: BTreeSet<String> = BTreeSet::new();
    for binding in role
        .bindings
        .iter()
        .filter_map(|n| authorizer.bindings.get(*n as usize))
    {
        for subject in &binding.subjects {
            all.insert(match &binding.namespace {
                Some(namespace) if role.object.namespace.is_none() => {
                    format!("{subject} in {namespace}")
                }
                _ => subject.to_string(),
            });
        }
    }
    let all: Vec<String> = all.into_iter().collect();
    let adds = match &*role.adds_to {
        [] => String::new(),
        levels => format!("given to whoever holds {}", list(levels)),
    };
    let held = match (all.is_empty(), authorizer.complete) {
        (false, _) => format!("held by {}", list(&all)),
        (true, _) if !adds.is_empty() => String::new(),
        (true, true) => "latent: nobody is bound to it".to_owned(),
        (true, false) => "latent: nobody that was seen is bound to it".to_owned(),
    };
    let runs = match role.runs {
        0 => String::new(),
        1 => ", as which 1 workload runs".to_owned(),
        n => format!(", as which {n} workloads run"),
    };
    match (adds.is_empty(), held.is_empty()) {
        (false, false) => format!("{adds}, {held}{runs}"),
        (false, true) => adds,
        (true, _) => format!("{held}{runs}"),
    }
}

pub(super) fn role_at<'a>(world: &World<'a>, at: Option<u32>) -> Option<&'a RoleView> {
    let at = at?;
    world.inventory.roles.iter().find(|role| role.at == at)
}

pub(super) fn remove(pointer: impl Into<String>) -> Change {
    Change {
        pointer: pointer.into(),
        to: None,
    }
}

/// The least that must go so that no rule of the role hits: the resources, else the verbs, else the whole rule.
pub(super) fn narrow(world: &World<'_>, found: &Found, hits: Hits) -> Option<Vec<Change>> {
    let role = role_at(world, found.at).filter(|role| !role.aggregates)?;
    let minor = world.inventory.minor;
    let still = |rule: &Rule| {
        let dangers = every(rule, role.namespaced, minor);
        let ask = Ask {
            world,
            role,
            rule,
            dangers: &dangers,
        };
        broad(rule).is_none() && hits(&ask)
    };
    let mut changes = Vec::new();
    for (index, view) in role.rules.iter().enumerate().rev() {
        if !still(&view.rule) {
            continue;
        }
        let pointer = format!("/rules/{index}");
        changes.extend(
            without_resources(&view.rule, &pointer, &still)
                .or_else(|| without_verbs(&view.rule, &pointer, &still))
                .unwrap_or_else(|| vec![remove(pointer)]),
        );
    }
    (!changes.is_empty()).then_some(changes)
}

fn without_resources(
    rule: &Rule,
    pointer: &str,
    still: &impl Fn(&Rule) -> bool,
) -> Option<Vec<Change>> {
    let alone = |resource: &model::text::Text| {
        still(&Rule {
            resources: vec![resource.clone()],
            ..rule.clone()
        })
    };
    let kept: Vec<_> = rule
        .resources
        .iter()
        .filter(|r| !alone(r))
        .cloned()
        .collect();
    let left = Rule {
        resources: kept,
        ..rule.clone()
    };
    if left.resources.is_empty() || still(&left) {
        return None;
    }
    let gone = rule.resources.iter().enumerate().rev();
    let gone = gone.filter(|(_, resource)| alone(resource));
    Some(
        gone.map(|(n, _)| remove(format!("{pointer}/resources/{n}")))
            .collect(),
    )
}

fn without_verbs(
    rule: &Rule,
    pointer: &str,
    still: &impl Fn(&Rule) -> bool,
) -> Option<Vec<Change>> {
    let alone = |verb: &model::text::Text| {
        still(&Rule {
            verbs: vec![verb.clone()],
            ..rule.clone()
        })
    };
    let kept: Vec<_> = rule.verbs.iter().filter(|v| !alone(v)).cloned().collect();
    let left = Rule {
        verbs: kept,
        ..rule.clone()
    };
    if left.verbs.is_empty() || still(&left) {
        return None;
    }
    let gone = rule.verbs.iter().enumerate().rev();
    let gone = gone.filter(|(_, verb)| alone(verb));
    Some(
        gone.map(|(n, _)| remove(format!("{pointer}/verbs/{n}")))
            .collect(),
    )
}

/// A binding with what is known of it.
pub(super) struct Bound<'a> {
    pub(super) view: &'a BindingView,
    pub(super) binding: &'a Binding,
}

impl<'a> Bound<'a> {
    /// What its role is dangerous for where it is bound, the worst first.
    pub(super) fn dangers(&self, world: &World<'_>) -> Vec<Danger> {
        let authorizer = &world.inventory.authorizer;
        let rules = self
            .binding
            .rules
            .and_then(|n| authorizer.rules.get(n as usize));
        let namespaced = self.binding.namespace.is_some();
        let mut all: Vec<Danger> = Vec::new();
        for rule in rules.into_iter().flatten() {
            for danger in dangers(rule, namespaced, world.inventory.minor) {
                if !all.contains(&danger) {
                    all.push(danger);
                }
            }
        }
        all.sort_by_key(semantics::dangers::rank);
        all
    }

    /// Its subjects with their index in `/subjects`.
    pub(super) fn subjects(&self) -> impl Iterator<Item = (usize, &'a Subject)> {
        let all = self.view.subjects.iter().enumerate();
        all.filter_map(|(index, view)| Some((index, view.subject.as_ref()?)))
    }

    pub(super) fn gives(&self, cluster_role: &str) -> bool {
        &*self.binding.role.kind == "ClusterRole" && &*self.binding.role.name == cluster_role
    }

    pub(super) fn cluster_wide(&self) -> bool {
        self.binding.namespace.is_none()
    }

    /// `ClusterRole edit in shop`.
    pub(super) fn role(&self) -> String {
        let role = &self.binding.role;
        match &self.binding.namespace {
            Some(namespace) if role.namespace.is_none() => format!("{role} in {namespace}"),
            _ => role.to_string(),
        }
    }

    pub(super) fn found(&self, sink: &mut Sink<'_>, pointer: String, says: String) {
        sink.found(
            &self.binding.object,
            Some(self.view.at),
            None,
            pointer,
            says,
        );
    }
}

pub(super) fn bound<'a>(world: &World<'a>) -> impl Iterator<Item = Bound<'a>> {
    let inventory = world.inventory;
    inventory.bindings.iter().filter_map(|view| {
        let binding = inventory.authorizer.bindings.get(view.binding as usize)?;
        Some(Bound { view, binding })
    })
}

/// Tells each subject of each binding that `hits` says something of.
pub(super) fn each_subject<'a>(
    world: &World<'a>,
    sink: &mut Sink<'_>,
    hits: impl Fn(&Bound<'a>, &Subject) -> Option<String>,
) {
    unseen(world, sink, &["ClusterRoleBinding", "RoleBinding"]);
    for bound in bound(world) {
        sink.looked(bound.view.subjects.len());
        for (index, subject) in bound.subjects() {
            if let Some(says) = hits(&bound, subject) {
                bound.found(sink, format!("/subjects/{index}"), says);
            }
        }
    }
}

/// `may do everything`, or the worst three of it.
pub(super) fn worst(dangers: &[Danger]) -> String {
    let does: Vec<&str> = dangers.iter().map(|danger| danger.does).collect();
    list(&does)
}

/// Takes out what the finding points to.
#[allow(clippy::unnecessary_wraps, reason = "the form of `Fix::Make`")]
pub(super) fn take_out(_: &World<'_>, found: &Found) -> Option<Vec<Change>> {
    Some(vec![remove(&*found.pointer)])
}

/// A `roleRef` cannot be changed: without subjects the binding gives nothing.
#[allow(clippy::unnecessary_wraps, reason = "the form of `Fix::Make`")]
pub(super) fn unbind(_: &World<'_>, _: &Found) -> Option<Vec<Change>> {
    Some(vec![remove("/subjects")])
}

/// A row about what a rule of a role gives.
macro_rules! primitive {
    ($id:literal, $slug:literal, $severity:ident, $title:literal, why: $why:literal, advice: $advice:literal,
     maps: $maps:expr, hits: $hits:expr, class: $class:ident $(,)?) => {
        $crate::rule::Rule {
            id: $id,
            slug: $slug,
            severity: model::vulnerability::Severity::$severity,
            title: $title,
            why: $why,
            advice: $advice,
            maps: $maps,
            form: $crate::rule::Form::World(|world, sink| {
                $crate::family::rbac::ask::grants(world, sink, $hits)
            }),
            fix: $crate::rule::Fix::Make(
                |world, found| $crate::family::rbac::ask::narrow(world, found, $hits),
                model::action::FixClass::$class,
            ),
            ..$crate::rule::Rule::ROW
        }
    };
}
pub(super) use primitive;
