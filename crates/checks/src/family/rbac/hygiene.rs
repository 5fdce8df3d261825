//! What differs from what is shipped, grants that wait for somebody, and parts that grant nothing.

use super::ask::{
    bound, each_subject, holders, list, remove, role_at, take_out, text, unbind, unseen,
};
use crate::rule::Mapping::{Attack, Cis, Owasp};
use crate::rule::{Change, Fix, Form, Rule, Scope};
use crate::test::{Test, item, object, this};
use crate::world::{Found, Sink, World};
use model::action::FixClass::{Breaking, Equivalent, NeedsTest};
use model::snapshot::Origin;
use model::vulnerability::Severity::{High, Low, Medium};
use semantics::authorizer::Subject;
use semantics::dangers::dead;
use semantics::holdings::{RoleView, every};
use semantics::json::escape;
use semantics::resources::Resources;
use semantics::stock::{Difference, Part, Standing};
use std::collections::BTreeMap;

const RBAC: &str = "rbac.authorization.k8s.io";
const AUTO_UPDATE: &str = "rbac.authorization.kubernetes.io/autoupdate";
const SELECTORS: crate::test::Field = object(&["aggregationRule", "clusterRoleSelectors"]);

fn differences(standing: &Standing) -> &[Difference] {
    match standing {
        Standing::Changed(all) => all,
        Standing::Own | Standing::Other => &[],
    }
}

fn changed(world: &World<'_>, sink: &mut Sink<'_>) {
    unseen(
        world,
        sink,
        &["ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"],
    );
    for role in &world.inventory.roles {
        sink.looked(usize::from(role.standing != Standing::Other));
        for difference in differences(&role.standing) {
            let says = match difference.what {
                Part::Rule(index) => {
                    let rule = role.rules.get(index as usize).map(|view| &view.rule);
                    let gives = rule.map(text).unwrap_or_default();
                    format!(
                        "{} is not shipped: {gives}; {}",
                        difference.pointer,
                        holders(world, role)
                    )
                }
                Part::Aggregation => "/aggregationRule is not what is shipped".to_owned(),
                Part::AddsTo => format!("{} is not shipped", difference.pointer),
                Part::Claim => "it is labelled as shipped with Kubernetes, and is not".to_owned(),
                Part::Subject(_) | Part::Role | Part::AutoUpdate => continue,
            };
            sink.found(
                &role.object,
                Some(role.at),
                None,
                difference.pointer.clone(),
                says,
            );
        }
    }
    for bound in bound(world) {
        sink.looked(usize::from(bound.view.standing != Standing::Other));
        for difference in differences(&bound.view.standing) {
            let says = match difference.what {
                Part::Subject(index) => {
                    let subject = bound.view.subjects.get(index as usize);
                    let subject = subject.and_then(|view| view.subject.as_ref());
                    // Other rows tell what is worse.
                    if bound.gives("cluster-admin") {
                        continue;
                    }
                    let subject = subject.map(ToString::to_string).unwrap_or_default();
                    format!("{subject} is not shipped as a holder of {}", bound.role())
                }
                Part::Role => format!("it binds {}", bound.role()),
                Part::Claim => "it is labelled as shipped with Kubernetes, and is not".to_owned(),
                Part::Rule(_) | Part::Aggregation | Part::AddsTo | Part::AutoUpdate => continue,
            };
            bound.found(sink, difference.pointer.clone(), says);
        }
    }
}

/// Back to what is shipped.
fn restore(world: &World<'_>, found: &Found) -> Option<Vec<Change>> {
    match &*found.pointer {
        "/roleRef" => unbind(world, found),
        "/aggregationRule" => match &*found.object.name {
            level @ ("admin" | "edit" | "view") => Some(vec![Change {
                pointer: found.pointer.clone(),
                to: Some(format!(
                    r#"{{"clusterRoleSelectors":[{{"matchLabels":{{"{RBAC}/aggregate-to-{level}":"true"}}}}]}}"#
                )),
            }]),
            _ => take_out(world, found),
        },
        _ => take_out(world, found),
    }
}

fn frozen(world: &World<'_>, sink: &mut Sink<'_>) {
    let says = "the API server no longer puts back what is changed in it";
    for role in &world.inventory.roles {
        sink.looked(usize::from(role.standing != Standing::Other));
        let all = differences(&role.standing).iter();
        for difference in all.filter(|d| d.what == Part::AutoUpdate) {
            sink.found(
                &role.object,
                Some(role.at),
                None,
                difference.pointer.clone(),
                says.into(),
            );
        }
    }
    for bound in bound(world) {
        sink.looked(usize::from(bound.view.standing != Standing::Other));
        let all = differences(&bound.view.standing).iter();
        for difference in all.filter(|d| d.what == Part::AutoUpdate) {
            bound.found(sink, difference.pointer.clone(), says.into());
        }
    }
}

#[allow(clippy::unnecessary_wraps, reason = "the form of `Fix::Make`")]
fn thaw(_: &World<'_>, _: &Found) -> Option<Vec<Change>> {
    Some(vec![Change {
        pointer: format!("/metadata/annotations/{}", escape(AUTO_UPDATE)),
        to: Some("\"true\"".to_owned()),
    }])
}

/// What `edit` may anyway is no news to its holders.
fn widens(role: &RoleView, minor: u16) -> Option<(&str, usize)> {
    const EDITORS: [&str; 10] = [
        "impersonates-accounts",
        "reads-secrets",
        "mints-tokens",
        "creates-pods",
        "exec",
        "changes-pods",
        "writes-secrets",
        "reaches-pods",
        "writes-configuration",
        "stops-controllers",
    ];
    const ADMINS: [&str; 2] = ["hands-on-rights", "writes-roles"];
    let levels = role.adds_to.iter().map(|level| &**level);
    let level = levels.min_by_key(|level| match *level {
        "view" => 0,
        "edit" => 1,
        _ => 2,
    })?;
    let known = |id: &str| {
        let edits = level != "view" && (EDITORS.contains(&id) || id == "hides-traces");
        edits || level == "admin" && ADMINS.contains(&id)
    };
    let opens = |rule: &semantics::rbac::Rule| {
        let all = every(rule, true, minor);
        all.iter().any(|danger| !known(danger.id))
    };
    let index = role.rules.iter().position(|view| opens(&view.rule))?;
    Some((level, index))
}

fn widened(world: &World<'_>, sink: &mut Sink<'_>) {
    unseen(world, sink, &["ClusterRole"]);
    for role in &world.inventory.roles {
        if role.adds_to.is_empty() || matches!(role.standing, Standing::Changed(_)) {
            continue;
        }
        sink.looked(1);
        if role.standing == Standing::Own {
            continue;
        }
        if let Some((level, index)) = widens(role, world.inventory.minor) {
            let gives = role.rules.get(index).map(|view| text(&view.rule));
            let key = format!("{RBAC}/aggregate-to-{level}");
            let says = format!(
                "whoever holds {level} gets {} of /rules/{index}",
                gives.unwrap_or_default()
            );
            let pointer = format!("/metadata/labels/{}", escape(&key));
            sink.found(&role.object, Some(role.at), None, pointer, says);
        }
    }
}

fn dangling(world: &World<'_>, sink: &mut Sink<'_>) {
    let kinds = ["ClusterRole", "Role"];
    unseen(world, sink, &kinds);
    for bound in bound(world) {
        let role = &bound.binding.role;
        let seen =
            world.snapshot.origin == Origin::Live && world.snapshot.saw_all(RBAC, &role.kind);
        // Files leave out what the cluster has; a Role of their own namespace they would hold.
        let own = world.snapshot.origin == Origin::Files && &*role.kind == "Role";
        if !seen && !own {
            if bound.binding.rules.is_some() {
                sink.looked(1);
            }
            continue;
        }
        sink.looked(1);
        if bound.binding.rules.is_none() && !bound.binding.subjects.is_empty() {
            let all: Vec<String> = bound
                .binding
                .subjects
                .iter()
                .map(ToString::to_string)
                .collect();
            let says = format!("{role} is not there; {} get it when it comes", list(&all));
            bound.found(sink, "/roleRef/name".into(), says);
        }
    }
}

fn stale(world: &World<'_>, sink: &mut Sink<'_>) {
    unseen(world, sink, &["ServiceAccount"]);
    if world.snapshot.origin != Origin::Live || !world.snapshot.saw_all("", "ServiceAccount") {
        return;
    }
    let accounts = &world.inventory.service_accounts;
    let seen: BTreeMap<(&str, &str), bool> = accounts
        .iter()
        .map(|account| ((&*account.namespace, &*account.name), account.seen))
        .collect();
    each_subject(world, sink, |bound, subject| {
        let (namespace, name) = subject.account()?;
        let there = seen.get(&(namespace, name)).is_some_and(|seen| *seen);
        let asked = !there && bound.view.standing != Standing::Own && bound.binding.rules.is_some();
        asked.then(|| {
            format!(
                "{subject} does not exist; whoever makes it holds {}",
                bound.role()
            )
        })
    });
}

fn invalid(world: &World<'_>, sink: &mut Sink<'_>) {
    unseen(world, sink, &["ClusterRoleBinding", "RoleBinding"]);
    for bound in bound(world) {
        sink.looked(bound.view.subjects.len());
        for (index, view) in bound.view.subjects.iter().enumerate() {
            let says = match &view.subject {
                None if &*view.kind == "ServiceAccount" => {
                    format!("account {} has no namespace: it reaches nobody", view.name)
                }
                None => format!(
                    "{} {} is no subject: it reaches nobody",
                    view.kind, view.name
                ),
                Some(Subject::Group(name)) if name.starts_with("system:serviceaccount:") => {
                    format!("{name} is the name of a user, as a group it reaches nobody")
                }
                Some(Subject::User(name)) if name.starts_with("system:serviceaccounts") => {
                    format!("{name} is the name of a group, as a user it reaches nobody")
                }
                Some(Subject::User(name))
                    if matches!(
                        &**name,
                        "system:authenticated" | "system:unauthenticated" | "system:masters"
                    ) =>
                {
                    format!("{name} is the name of a group, as a user it reaches nobody")
                }
                Some(_) => continue,
            };
            bound.found(sink, format!("/subjects/{index}"), says);
        }
    }
}

fn unused(world: &World<'_>, sink: &mut Sink<'_>) {
    unseen(
        world,
        sink,
        &["ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"],
    );
    if !world.inventory.authorizer.complete {
        return;
    }
    for role in &world.inventory.roles {
        sink.looked(1);
        let asked = role.standing == Standing::Other && role.adds_to.is_empty();
        if asked && role.bindings.is_empty() && !role.rules.is_empty() {
            let says = "no binding names it".to_owned();
            sink.found(&role.object, Some(role.at), None, String::new(), says);
        }
    }
}

/// A subject that gets a role a second time, in the same namespace or where it has it in the whole cluster.
fn duplicate(world: &World<'_>, sink: &mut Sink<'_>) {
    unseen(world, sink, &["ClusterRoleBinding", "RoleBinding"]);
    let mut first: BTreeMap<(&model::object::ObjectRef, Option<&str>, &Subject), String> =
        BTreeMap::new();
    for bound in bound(world) {
        sink.looked(bound.view.subjects.len());
        for (index, subject) in bound.subjects() {
            let role = &bound.binding.role;
            let scope = bound.binding.namespace.as_deref();
            let there = first.get(&(role, None, subject));
            let there = there.or_else(|| first.get(&(role, scope, subject)));
            if let Some(there) = there {
                let says = format!("{subject} holds {role} by {there} already");
                bound.found(sink, format!("/subjects/{index}"), says);
            } else {
                first.insert((role, scope, subject), bound.binding.object.to_string());
            }
        }
    }
}

/// Where a part stands in a rule.
fn place(rule: &semantics::rbac::Rule, index: usize, part: &str) -> String {
    let lists = [
        ("resources", &rule.resources),
        ("verbs", &rule.verbs),
        ("nonResourceURLs", &rule.urls),
    ];
    let named = rule.names.iter().position(|name| &**name == "*");
    match part {
        "verbs" => format!("/rules/{index}"),
        "apiGroups" => format!("/rules/{index}/apiGroups"),
        "resourceNames" => format!("/rules/{index}/resourceNames/{}", named.unwrap_or(0)),
        part => {
            let found = lists.iter().find_map(|(list, words)| {
                let at = words.iter().position(|word| &**word == part)?;
                Some(format!("/rules/{index}/{list}/{at}"))
            });
            found.unwrap_or_else(|| format!("/rules/{index}"))
        }
    }
}

fn dead_parts(world: &World<'_>, sink: &mut Sink<'_>) {
    unseen(world, sink, &["ClusterRole", "Role"]);
    let resources = Resources::of(world.snapshot);
    for role in &world.inventory.roles {
        if matches!(role.standing, Standing::Changed(_)) {
            continue;
        }
        sink.looked(role.rules.len());
        for (index, view) in role.rules.iter().enumerate() {
            let namespaced = role.object.namespace.is_some();
            for dead in dead(&view.rule, namespaced, &resources) {
                let says = format!("`{}` grants nothing: {}", dead.part, dead.why);
                let pointer = place(&view.rule, index, &dead.part);
                sink.found(&role.object, Some(role.at), None, pointer, says);
            }
        }
    }
}

/// The part, or the rule where nothing would be left of the list: an empty list of names would be all names.
fn bury(world: &World<'_>, found: &Found) -> Option<Vec<Change>> {
    let role = role_at(world, found.at).filter(|role| !role.aggregates)?;
    let mut tokens = found.pointer.split('/').skip(2);
    let index: usize = tokens.next()?.parse().ok()?;
    let rule = &role.rules.get(index)?.rule;
    let left = match tokens.next() {
        Some("resources") => rule.resources.len(),
        Some("verbs") => rule.verbs.len(),
        Some("resourceNames") => rule.names.len(),
        Some("nonResourceURLs") => rule.urls.len(),
        _ => 0,
    };
    let others = !rule.urls.is_empty() && !rule.resources.is_empty();
    if left > 1 {
        take_out(world, found)
    } else if others {
        None
    } else {
        Some(vec![remove(format!("/rules/{index}"))])
    }
}

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "KP-RBAC-080",
        slug: "built-in-changed",
        severity: High,
        title: "role or binding of the cluster itself was changed",
        why: "what is added to a role that Kubernetes ships is held by all who hold it, and nobody looks there; the API server \
              puts back what is missing and leaves what was added",
        advice: "take it back, and give a role of its own to whom it was meant for",
        maps: &[Owasp("K02"), Attack("T1098.006")],
        form: Form::World(changed),
        fix: Fix::Make(restore, NeedsTest),
        ..Rule::ROW
    },
    Rule {
        id: "KP-RBAC-081",
        slug: "built-in-not-kept-up",
        severity: Medium,
        title: "role or binding of the cluster itself is no longer kept up",
        why: "rights that a later version takes away for safety stay, those that it needs are missing",
        advice: "set the annotation autoupdate to \"true\"; remove subjects from a binding to close it instead",
        maps: &[Owasp("K02")],
        form: Form::World(frozen),
        fix: Fix::Make(thaw, NeedsTest),
        ..Rule::ROW
    },
    Rule {
        id: "KP-RBAC-082",
        slug: "built-in-widened",
        severity: High,
        title: "role adds dangerous rights to admin, edit or view",
        why: "by its label its rules are given to everybody who holds the aggregate, in each namespace where it is bound, \
              without a binding that could be seen. Reading its own custom resources is what the label is for",
        advice: "take the label off, or the rule that is dangerous, and bind the role to whom it is meant for",
        maps: &[Owasp("K02"), Attack("T1098.006")],
        form: Form::World(widened),
        fix: Fix::Make(take_out, NeedsTest),
        ..Rule::ROW
    },
    Rule {
        id: "KP-RBAC-083",
        slug: "adds-up-all-roles",
        severity: High,
        title: "role adds up every role of the cluster",
        why: "an empty selector selects all ClusterRoles, cluster-admin too",
        advice: "select by a label of its own",
        maps: &[Cis("5.1.3"), Owasp("K02")],
        form: Form::Each {
            scope: Scope::Objects(&[(RBAC, "ClusterRole")]),
            violated: Test::Some(
                SELECTORS,
                &Test::All(&[
                    Test::Empty(item(&["matchLabels"])),
                    Test::Empty(item(&["matchExpressions"])),
                ]),
            ),
            at: this(&["aggregationRule", "clusterRoleSelectors"]),
        },
        fix: Fix::Remove(this(&["aggregationRule"]), Breaking),
        ..Rule::ROW
    },
    Rule {
        id: "KP-RBAC-084",
        slug: "missing-role",
        severity: Low,
        title: "binding names a role that is not there",
        why: "it grants nothing now; whoever may make a role of that name decides what its subjects may",
        advice: "remove the binding, or make the role",
        maps: &[Owasp("K02")],
        form: Form::World(dangling),
        fix: Fix::Make(unbind, Equivalent),
        ..Rule::ROW
    },
    Rule {
        id: "KP-RBAC-085",
        slug: "missing-account",
        severity: Low,
        title: "binding names a service account that does not exist",
        why: "whoever may make an account of that name in its namespace holds the role",
        advice: "remove the subject",
        maps: &[Owasp("K02")],
        form: Form::World(stale),
        fix: Fix::Make(take_out, Equivalent),
        ..Rule::ROW
    },
    Rule {
        id: "KP-RBAC-086",
        slug: "subject-reaches-nobody",
        severity: Low,
        title: "subject of a binding reaches nobody",
        why: "it looks as if somebody had the role; mended later by a namespace, it is a grant that nobody decided",
        advice: "name the namespace of an account; `system:serviceaccounts:NAMESPACE` is a group, \
                 `system:serviceaccount:NAMESPACE:NAME` a user",
        maps: &[Owasp("K02")],
        form: Form::World(invalid),
        fix: Fix::Make(take_out, Equivalent),
        ..Rule::ROW
    },
    Rule {
        id: "KP-RBAC-087",
        slug: "dead-rule",
        severity: Low,
        title: "part of a role grants nothing",
        why: "it reads as if it gave a right: somebody counts on it, or will mend it without asking who holds the role",
        advice: "remove it, or write what was meant",
        maps: &[Owasp("K02")],
        form: Form::World(dead_parts),
        fix: Fix::Make(bury, Equivalent),
        ..Rule::ROW
    },
    Rule {
        id: "KP-RBAC-088",
        slug: "unused-role",
        severity: Low,
        title: "role is bound to nobody",
        why: "nobody misses it, and the next binding gives what it holds by now",
        advice: "delete it; roles that users are meant to bind stay",
        maps: &[Owasp("K02")],
        form: Form::World(unused),
        on: false,
        ..Rule::ROW
    },
    Rule {
        id: "KP-RBAC-089",
        slug: "duplicate-grant",
        severity: Low,
        title: "subject holds the same role twice",
        why: "when one of the bindings is removed the other stays, and with it the right that was meant to be taken away",
        advice: "remove it from one of them",
        maps: &[Owasp("K02")],
        form: Form::World(duplicate),
        fix: Fix::Make(take_out, Equivalent),
        ..Rule::ROW
    },
];
