//! Wildcards, and rights that make more rights.

use super::ask::{Ask, Broad, broad, each_role, primitive};
use crate::rule::Mapping::{Attack, Cis, Nsa, Owasp};
use crate::rule::{Fix, Form, Mapping, Rule};
use crate::world::{Sink, World};
use model::vulnerability::Severity::{Critical, High};

const WILDCARD: &[Mapping] = &[Cis("5.1.3"), Nsa("RBAC"), Owasp("K02"), Attack("T1078")];
const ESCALATE: &[Mapping] = &[Cis("5.1.8"), Owasp("K02"), Attack("T1098.006")];

fn star(list: &[model::text::Text]) -> bool {
    list.iter().any(|word| &**word == "*")
}

fn of(world: &World<'_>, sink: &mut Sink<'_>, wanted: Broad, global: bool) {
    each_role(world, sink, |ask| {
        broad(ask.rule) == Some(wanted) && ask.global() == global
    });
}

/// Kept for rows that are about any reach.
fn of_any(world: &World<'_>, sink: &mut Sink<'_>, wanted: Broad) {
    each_role(world, sink, |ask| broad(ask.rule) == Some(wanted));
}

/// A rule of the same role that gives everything covers its own paths as well.
fn gives_everything(ask: &Ask<'_>) -> bool {
    let mut rules = ask.role.rules.iter();
    rules.any(|view| broad(&view.rule) == Some(Broad::Everything))
}

fn has_danger(ask: &Ask<'_>) -> bool {
    !semantics::dangers::dangers(ask.rule, ask.role.namespaced, ask.world.inventory.minor)
        .is_empty()
}

/// Whether one of the roles that are named may be bound for more than reading.
fn binds_more(ask: &Ask<'_>) -> bool {
    let roles = &ask.world.inventory.roles;
    let harmless = |name: &model::text::Text| {
        let mut named = roles
            .iter()
            .filter(|role| role.object.name == *name)
            .peekable();
        let known = named.peek().is_some() || matches!(&**name, "view" | "system:auth-delegator");
        known && named.all(|role| role.rules.iter().all(|view| view.dangers.is_empty()))
    };
    !ask.named() || !ask.rule.names.iter().all(harmless)
}

/// Names of the control plane, or any.
fn impersonates_power(ask: &Ask<'_>) -> bool {
    !ask.named()
        || ask
            .rule
            .names
            .iter()
            .any(|name| name.starts_with("system:"))
}

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "KP-RBAC-001",
        slug: "wildcard-everything",
        severity: Critical,
        title: "role gives every right in the cluster",
        why: "whoever holds it, or takes over a pod that runs as its account, owns the cluster, with all that is added to the \
              API later. Nobody but the break-glass group of administrators needs it",
        advice: "give the verbs, groups and resources that its holder asks for; an audit log tells them (plimsoll access)",
        maps: WILDCARD,
        form: Form::World(|world, sink| of(world, sink, Broad::Everything, true)),
        ..Rule::ROW
    },
    Rule {
        id: "KP-RBAC-002",
        slug: "wildcard-everything-in-namespace",
        severity: High,
        title: "role gives every right in its namespace",
        why: "its holder reads every Secret, runs pods as every account of the namespace and hands the rights on; kinds that \
              are installed later are included",
        advice: "bind `admin` or `edit` where a team owns the namespace, name the rights where a program uses it",
        maps: WILDCARD,
        form: Form::World(|world, sink| of(world, sink, Broad::Everything, false)),
        ..Rule::ROW
    },
    Rule {
        id: "KP-RBAC-003",
        slug: "wildcard-resources",
        severity: High,
        title: "role may change every kind of object",
        why: "`*` as a resource holds Secrets, pods, roles and every subresource, exec and nodes/proxy too: it is a short way \
              to everything",
        advice: "name the resources, subresources apart",
        maps: WILDCARD,
        form: Form::World(|world, sink| of_any(world, sink, Broad::Changes)),
        ..Rule::ROW
    },
    Rule {
        id: "KP-RBAC-004",
        slug: "reads-everything",
        severity: High,
        title: "role reads every kind of object, Secrets too",
        why: "reading all resources is reading all Secrets, with them the tokens of other accounts; before 1.35 `get` opens \
              exec as well, and nodes/proxy on every version",
        advice: "bind `view`, which leaves Secrets out, and add what is missing by name",
        maps: &[
            Cis("5.1.2"),
            Cis("5.1.3"),
            Owasp("K02"),
            Attack("T1552.007"),
        ],
        form: Form::World(|world, sink| of_any(world, sink, Broad::Reads)),
        ..Rule::ROW
    },
    Rule {
        fix: Fix::Make(name_verbs, model::action::FixClass::NeedsTest),
        ..primitive!(
            "KP-RBAC-005", "wildcard-verbs", Low, "role gives every verb on resources that it names",
            why: "`*` holds verbs that nobody thinks of, as deletecollection, and such that come later. On kinds of the cluster's \
                  own other rules tell what it opens",
            advice: "name the verbs: get, list, watch, create, update, patch, delete",
            maps: WILDCARD,
            hits: |ask| star(&ask.rule.verbs) && !ask.rule.resources.is_empty() && !has_danger(ask),
            class: NeedsTest
        )
    },
    Rule {
        fix: Fix::None,
        ..primitive!(
            "KP-RBAC-006", "wildcard-groups", Low, "role gives a resource of every API group",
            why: "another API may have a kind of the same name, and whoever installs one decides what the right is worth",
            advice: "name the groups; the core group is \"\"",
            maps: WILDCARD,
            hits: |ask| star(&ask.rule.groups) && !star(&ask.rule.resources) && !has_danger(ask),
            class: NeedsTest
        )
    },
    primitive!(
        "KP-RBAC-007", "wildcard-urls", Medium, "role opens every path of the API server",
        why: "paths that are no resources hold metrics, logs and profiles of the API server, and what is served there later",
        advice: "name the paths, /metrics for example",
        maps: WILDCARD,
        hits: |ask| {
            let all = ask.rule.urls.iter().any(|url| matches!(&**url, "*" | "/*"));
            all && ask.global() && !gives_everything(ask)
        },
        class: NeedsTest
    ),
    primitive!(
        "KP-RBAC-010", "escalate-verb", Critical, "role may write roles with more rights than its own",
        why: "`escalate` switches off the check that nobody gives away what he does not hold: one update of a role that the \
              holder is bound to, and he may everything",
        advice: "take the verb away; operators that install roles can hold those rights themselves",
        maps: ESCALATE,
        hits: |ask| ask.does("escalates"),
        class: Breaking
    ),
    primitive!(
        "KP-RBAC-011", "bind-verb", Critical, "role may bind roles with more rights than its own",
        why: "`bind` lets the holder bind cluster-admin to himself as soon as he may write a binding. Limited by resourceNames \
              to harmless roles it is no problem",
        advice: "name the roles that may be bound in resourceNames, or take the verb away",
        maps: ESCALATE,
        hits: |ask| ask.does("binds") && binds_more(ask),
        class: Breaking
    ),
    primitive!(
        "KP-RBAC-012", "impersonate-users", Critical, "role may act as any user or group",
        why: "whoever impersonates the group system:masters is asked nothing any more",
        advice: "name users and groups in resourceNames, or take the right away",
        maps: ESCALATE,
        hits: |ask| ask.does("impersonates") && ask.may(&["impersonate"], "", &["users", "groups"]) && impersonates_power(ask),
        class: Breaking
    ),
    primitive!(
        "KP-RBAC-013", "impersonate-accounts", High, "role may act as any service account it reaches",
        why: "in kube-system there are accounts of controllers that may nearly everything; elsewhere it is every account of the \
              namespace",
        advice: "name the accounts in resourceNames",
        maps: ESCALATE,
        hits: |ask| ask.does("impersonates-accounts") && !ask.named(),
        class: Breaking
    ),
    primitive!(
        "KP-RBAC-014", "impersonate-extras", Medium, "role may set UIDs or extra fields of whom it impersonates",
        why: "webhooks and authorizers beside RBAC decide by them: scopes, tenants, the pod that a token is bound to",
        advice: "take the right away; impersonation works without it",
        maps: ESCALATE,
        hits: |ask| ask.may(&["impersonate"], "authentication.k8s.io", &["uids", "userextras"])
            || ask.rule.resources.iter().any(|r| r.starts_with("userextras/"))
                && ask.may(&["impersonate"], "authentication.k8s.io", &ask.rule.resources.iter().map(|r| &**r).collect::<Vec<_>>()),
        class: NeedsTest
    ),
    primitive!(
        "KP-RBAC-015", "impersonate-named", Low, "role may act as users, groups or accounts that it names",
        why: "its holder has all rights of theirs: who may become them is part of who they are",
        advice: "look at what the named identities may",
        maps: ESCALATE,
        hits: |ask| ask.named() && (ask.does("impersonates-accounts")
            || ask.may(&["impersonate"], "", &["users", "groups"]) && !impersonates_power(ask)),
        class: Breaking
    ),
    primitive!(
        "KP-RBAC-016", "issue-certificates", Critical, "role may approve or sign client certificates",
        why: "a certificate is an identity that nobody can revoke: as a node, as a controller's account, on some signers as \
              anybody",
        advice: "limit `approve` and `sign` to the one signer that is needed, in resourceNames",
        maps: &[Cis("5.1.11"), Owasp("K02"), Attack("T1098.006")],
        hits: |ask| ask.does("issues-certificates") && issues_identities(ask),
        class: Breaking
    ),
    primitive!(
        "KP-RBAC-017", "create-tokens", High, "role may make tokens of any service account it reaches",
        why: "a token is all that an account may, valid for as long as it was asked for, even after the role is gone. Limited \
              by resourceNames it is how a program hands on one identity",
        advice: "name the accounts in resourceNames",
        maps: &[Cis("5.1.13"), Owasp("K02"), Attack("T1528")],
        hits: |ask| ask.does("mints-tokens") && !ask.named(),
        class: NeedsTest
    ),
    primitive!(
        "KP-RBAC-018", "write-bindings", Low, "role may bind others to what its holder may",
        why: "no escalation alone: the API server lets nobody bind what he does not hold himself. It is how access is kept \
              after the account is found",
        advice: "leave bindings to the people or the pipeline that own access",
        maps: &[Owasp("K02"), Attack("T1098.006")],
        hits: |ask| ask.does("hands-on-rights") && !ask.does("binds"),
        class: NeedsTest
    ),
    primitive!(
        "KP-RBAC-019", "write-roles", Low, "role may change roles that others hold",
        why: "no escalation alone: only what its holder has can be added. With a label it is added to admin, edit and view, and \
              rights of others can be taken away",
        advice: "leave roles to the people or the pipeline that own access",
        maps: &[Owasp("K02"), Attack("T1098.006")],
        hits: |ask| ask.does("writes-roles") && !ask.does("escalates") && !ask.does("hands-on-rights"),
        class: NeedsTest
    ),
];

/// Signers whose certificates the API server takes for identities.
fn issues_identities(ask: &Ask<'_>) -> bool {
    let power = |name: &model::text::Text| {
        matches!(
            &**name,
            "kubernetes.io/kube-apiserver-client"
                | "kubernetes.io/kube-apiserver-client-kubelet"
                | "kubernetes.io/*"
                | "*"
        )
    };
    !ask.named() || ask.rule.names.iter().any(power)
}

/// The verbs that `*` usually means; of resources without a danger none other exists.
fn name_verbs(world: &World<'_>, found: &crate::world::Found) -> Option<Vec<crate::rule::Change>> {
    let role = super::ask::role_at(world, found.at).filter(|role| !role.aggregates)?;
    let verbs = r#"["create","delete","deletecollection","get","list","patch","update","watch"]"#;
    let all = role.rules.iter().enumerate().filter(|(_, view)| {
        star(&view.rule.verbs)
            && !view.rule.resources.is_empty()
            && broad(&view.rule).is_none()
            && semantics::dangers::dangers(&view.rule, role.namespaced, world.inventory.minor)
                .is_empty()
    });
    let changes = all.map(|(index, _)| crate::rule::Change {
        pointer: format!("/rules/{index}/verbs"),
        to: Some(verbs.to_owned()),
    });
    Some(changes.collect())
}
