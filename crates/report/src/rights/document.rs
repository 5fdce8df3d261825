//! The transfer types of the rights' JSON; their documentation becomes the schemas'.

use crate::escape::write_json;
use model::evidence::{Gap, GapWeight, Truth};
use model::object::ObjectRef;
use model::rights as noun;
use model::text::Text;
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::Serialize;
use std::io::{self, Write};

/// Version of the formats; a change that breaks a reader raises it.
const FORMAT_VERSION: u32 = 1;

/// One document and a line end.
pub fn who_json(who: &noun::WhoCan, out: &mut dyn Write) -> io::Result<()> {
    write_json(&WhoCan::of(who), out)
}

pub fn can_json(can: &noun::Can, roles: bool, out: &mut dyn Write) -> io::Result<()> {
    write_json(&Can::of(can, roles), out)
}

/// The JSON Schema (draft 2020-12) of [`who_json`].
pub fn who_schema() -> serde_json::Value {
    schema::<WhoCan<'static>>()
}

/// The JSON Schema (draft 2020-12) of [`can_json`].
pub fn can_schema() -> serde_json::Value {
    schema::<Can<'static>>()
}

fn schema<T: JsonSchema>() -> serde_json::Value {
    SchemaSettings::draft2020_12()
        .for_serialize()
        .into_generator()
        .into_root_schema_for::<T>()
        .into()
}

/// Everybody who may do something.
#[derive(Serialize, JsonSchema)]
#[schemars(title = "plimsoll who-can")]
#[serde(rename_all = "camelCase")]
struct WhoCan<'a> {
    format_version: u32,
    question: Question<'a>,
    /// Version whose rules decide, e.g. `1.36`.
    kubernetes: String,
    /// Who has the right itself.
    subjects: Vec<Holder<'a>>,
    /// Other rights that do the same, and who has them.
    same: Vec<Way<'a>>,
    /// All roles and bindings were seen: nobody else may.
    complete: bool,
    /// Members of this group may do everything; they are not among the subjects.
    always: &'static str,
    missing_roles: Vec<MissingRole<'a>>,
    notes: Vec<&'a str>,
    gaps: Vec<NotSeen<'a>>,
}

#[derive(Serialize, JsonSchema)]
struct Question<'a> {
    verb: &'a str,
    /// Empty for the core group.
    group: &'a str,
    /// With its subresource, e.g. `pods/exec`; empty for a URL.
    resource: &'a str,
    name: Option<&'a str>,
    url: Option<&'a str>,
    #[schemars(extend("enum" = ["anywhere", "namespace", "all-namespaces", "cluster"]))]
    scope: &'static str,
    namespace: Option<&'a str>,
}

#[derive(Serialize, JsonSchema)]
struct Way<'a> {
    verb: &'a str,
    resource: &'a str,
    why: &'a str,
    subjects: Vec<Holder<'a>>,
}

#[derive(Serialize, JsonSchema)]
struct Subject<'a> {
    #[schemars(extend("enum" = ["User", "Group", "ServiceAccount"]))]
    kind: &'static str,
    /// Of a service account.
    namespace: Option<&'a str>,
    name: &'a str,
}

#[derive(Serialize, JsonSchema)]
struct Holder<'a> {
    #[serde(flatten)]
    subject: Subject<'a>,
    /// Who that is, e.g. everyone who can log in.
    meaning: Option<&'a str>,
    /// Of a service account: whether it is there; null where that is not known.
    there: Option<bool>,
    /// Bound by Kubernetes' own default bindings only.
    stock: bool,
    grants: Vec<Held<'a>>,
}

#[derive(Serialize, JsonSchema)]
struct Object<'a> {
    kind: &'a str,
    namespace: Option<&'a str>,
    name: &'a str,
}

#[derive(Serialize, JsonSchema)]
struct Held<'a> {
    /// The namespace that it counts in; null: the whole cluster.
    namespace: Option<&'a str>,
    binding: Object<'a>,
    role: Object<'a>,
    /// Only objects of these names; empty: all.
    names: Vec<&'a str>,
    /// What of the rule is a wildcard: `verbs`, `groups`, `resources`, `resources */scale`, `URL /metrics*`.
    wildcards: Vec<&'a str>,
    note: Option<&'a str>,
    rule: Rule<'a>,
}

/// As RBAC writes it.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Rule<'a> {
    verbs: Vec<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    api_groups: Vec<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    resources: Vec<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    resource_names: Vec<&'a str>,
    #[serde(rename = "nonResourceURLs", skip_serializing_if = "Vec::is_empty")]
    urls: Vec<&'a str>,
}

#[derive(Serialize, JsonSchema)]
struct MissingRole<'a> {
    binding: Object<'a>,
    role: Object<'a>,
    /// It is not there, and grants nothing until somebody makes it; else it may be there and was not seen.
    latent: bool,
}

/// Something that was not seen.
#[derive(Serialize, JsonSchema)]
struct NotSeen<'a> {
    class: &'a str,
    what: &'a str,
    scope: &'a str,
    #[schemars(extend("enum" = ["notice", "widens", "hides"]))]
    weight: &'static str,
    /// What closes it; empty if nothing does.
    close: &'a str,
}

/// All that a subject may do.
#[derive(Serialize, JsonSchema)]
#[schemars(title = "plimsoll can")]
#[serde(rename_all = "camelCase")]
struct Can<'a> {
    format_version: u32,
    subject: Subject<'a>,
    meaning: Option<&'a str>,
    /// Of a service account: whether it is there; null where that is not known.
    there: Option<bool>,
    /// Groups that were taken for it.
    groups: Vec<&'a str>,
    /// In `system:masters`: RBAC is not asked.
    masters: bool,
    /// Rights in other namespaces were left out.
    namespace: Option<&'a str>,
    kubernetes: String,
    /// The cluster first, then namespaces; the most dangerous first in each.
    grants: Vec<Given<'a>>,
    /// All roles and bindings were seen.
    complete: bool,
    missing_roles: Vec<MissingRole<'a>>,
    /// What audit logs show.
    usage: Option<Usage<'a>>,
    notes: Vec<&'a str>,
    gaps: Vec<NotSeen<'a>>,
}

#[derive(Serialize, JsonSchema)]
struct Given<'a> {
    /// Null: the whole cluster.
    namespace: Option<&'a str>,
    binding: Object<'a>,
    role: Object<'a>,
    /// The group that the binding names; null: it names the subject.
    via: Option<&'a str>,
    /// One of Kubernetes' own default bindings.
    stock: bool,
    rules: Vec<GivenRule<'a>>,
}

#[derive(Serialize, JsonSchema)]
struct GivenRule<'a> {
    #[serde(flatten)]
    rule: Rule<'a>,
    /// The worst first.
    dangers: Vec<Danger<'a>>,
    dead: Vec<Dead<'a>>,
    used: Option<Used<'a>>,
}

#[derive(Serialize, JsonSchema)]
struct Danger<'a> {
    id: &'a str,
    does: &'a str,
}

/// A part that grants nothing.
#[derive(Serialize, JsonSchema)]
struct Dead<'a> {
    part: &'a str,
    why: &'a str,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Used<'a> {
    #[schemars(extend("enum" = ["all", "partly", "never", "not-shown", "dead"]))]
    state: &'static str,
    #[serde(rename = "used")]
    asked: Vec<&'a str>,
    never: Vec<&'a str>,
    /// What no log shows: virtual verbs, what kubelets and other servers check.
    not_shown: Vec<&'a str>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Usage<'a> {
    files: Vec<&'a str>,
    #[schemars(extend("format" = "date-time"))]
    from: Option<String>,
    #[schemars(extend("format" = "date-time"))]
    until: Option<String>,
    /// The window is shorter than 30 days.
    partial: bool,
    /// Of everybody.
    events: u64,
    /// Of the subject, that went through.
    requests: u64,
    /// Of the subject, refused.
    denied: u64,
    /// Lines that are no audit event.
    damaged: u64,
    /// Files that end in the middle of a line.
    cut_short: u64,
    /// More distinct requests than are kept.
    overflown: bool,
    /// Went through, and no rule that was seen grants it.
    unexplained: Vec<&'a str>,
    unexplained_more: u64,
    /// With `--role`: objects for `kubectl apply`.
    roles: Option<Vec<serde_json::Value>>,
}

impl<'a> WhoCan<'a> {
    fn of(who: &'a noun::WhoCan) -> Self {
        let (first, same) = match who.ways.split_first() {
            Some((first, same)) => (holders(&first.holders), same),
            None => (Vec::new(), &[][..]),
        };
        let question = &who.question;
        let (scope, namespace) = match &question.scope {
            noun::Scope::Anywhere => ("anywhere", None),
            noun::Scope::Namespace(namespace) => ("namespace", Some(&**namespace)),
            noun::Scope::AllNamespaces => ("all-namespaces", None),
            noun::Scope::Cluster => ("cluster", None),
        };
        WhoCan {
            format_version: FORMAT_VERSION,
            question: Question {
                verb: &question.verb,
                group: &question.group,
                resource: &question.resource,
                name: question.name.as_deref(),
                url: question.url.as_deref(),
                scope,
                namespace,
            },
            kubernetes: format!("1.{}", who.minor),
            subjects: first,
            same: same
                .iter()
                .map(|way| Way {
                    verb: &way.verb,
                    resource: &way.resource,
                    why: way.why.as_deref().unwrap_or_default(),
                    subjects: holders(&way.holders),
                })
                .collect(),
            complete: who.others == Truth::No,
            always: "system:masters",
            missing_roles: missing(&who.missing),
            notes: texts(&who.notes),
            gaps: who.gaps.iter().map(not_seen).collect(),
        }
    }
}

impl<'a> Can<'a> {
    fn of(can: &'a noun::Can, roles: bool) -> Self {
        Can {
            format_version: FORMAT_VERSION,
            subject: subject(&can.subject),
            meaning: can.meaning.as_deref(),
            there: can.there,
            groups: texts(&can.groups),
            masters: can.masters,
            namespace: can.namespace.as_deref(),
            kubernetes: format!("1.{}", can.minor),
            grants: can.grants.iter().map(given).collect(),
            complete: can.others == Truth::No,
            missing_roles: missing(&can.missing),
            usage: can.usage.as_ref().map(|one| usage(one, roles)),
            notes: texts(&can.notes),
            gaps: can.gaps.iter().map(not_seen).collect(),
        }
    }
}

fn given(given: &noun::Given) -> Given<'_> {
    Given {
        namespace: given.namespace.as_deref(),
        binding: object(&given.binding),
        role: object(&given.role),
        via: given.via.as_deref(),
        stock: given.stock,
        rules: given.rules.iter().map(given_rule).collect(),
    }
}

fn given_rule(given: &noun::GivenRule) -> GivenRule<'_> {
    let dangers = given.dangers.iter();
    let dead = given.dead.iter();
    GivenRule {
        rule: rule(&given.rule),
        dangers: dangers.map(|(id, does)| Danger { id, does }).collect(),
        dead: dead.map(|(part, why)| Dead { part, why }).collect(),
        used: given.used.as_ref().map(|used| Used {
            state: match used.state {
                noun::UseState::All => "all",
                noun::UseState::Partly => "partly",
                noun::UseState::Never => "never",
                noun::UseState::NotShown => "not-shown",
                noun::UseState::Dead => "dead",
            },
            asked: texts(&used.used),
            never: texts(&used.never),
            not_shown: texts(&used.not_shown),
        }),
    }
}

fn usage(usage: &noun::Usage, roles: bool) -> Usage<'_> {
    Usage {
        files: texts(&usage.files),
        from: usage.window.map(|(from, _)| from.to_string()),
        until: usage.window.map(|(_, until)| until.to_string()),
        partial: usage.partial,
        events: usage.events,
        requests: usage.requests,
        denied: usage.denied,
        damaged: usage.damaged,
        cut_short: usage.cut_short,
        overflown: usage.overflown,
        unexplained: texts(&usage.unexplained),
        unexplained_more: usage.unexplained_more,
        roles: roles.then(|| usage.roles.iter().flat_map(objects).collect()),
    }
}

/// The role and its binding.
fn objects(role: &noun::LeastRole) -> [serde_json::Value; 2] {
    use serde_json::json;
    const GROUP: &str = "rbac.authorization.k8s.io";
    let kind = if role.namespace.is_some() {
        "Role"
    } else {
        "ClusterRole"
    };
    let version = format!("{GROUP}/v1");
    let metadata = match &role.namespace {
        Some(namespace) => json!({"name": role.name, "namespace": namespace}),
        None => json!({"name": role.name}),
    };
    let subject = match &role.subject.namespace {
        Some(namespace) => {
            json!({"kind": role.subject.kind, "namespace": namespace, "name": role.subject.name})
        }
        None => json!({"kind": role.subject.kind, "apiGroup": GROUP, "name": role.subject.name}),
    };
    let rules: Vec<Rule<'_>> = role.rules.iter().map(rule).collect();
    [
        json!({"apiVersion": version, "kind": kind, "metadata": metadata, "rules": rules}),
        json!({"apiVersion": version, "kind": format!("{kind}Binding"), "metadata": metadata,
            "roleRef": {"apiGroup": GROUP, "kind": kind, "name": role.name}, "subjects": [subject]}),
    ]
}

fn holders(holders: &[noun::Holder]) -> Vec<Holder<'_>> {
    holders.iter().map(holder).collect()
}

fn holder(holder: &noun::Holder) -> Holder<'_> {
    fn one(held: &noun::Held) -> Held<'_> {
        let noun::Held {
            namespace,
            binding,
            role,
            names,
            wildcards,
            note,
            rule: text,
        } = held;
        Held {
            namespace: namespace.as_deref(),
            binding: object(binding),
            role: object(role),
            names: texts(names),
            wildcards: texts(wildcards),
            note: note.as_deref(),
            rule: rule(text),
        }
    }
    Holder {
        subject: subject(&holder.subject),
        meaning: holder.meaning.as_deref(),
        there: holder.there,
        stock: holder.stock,
        grants: holder.held.iter().map(one).collect(),
    }
}

fn subject(subject: &noun::Named) -> Subject<'_> {
    Subject {
        kind: subject.kind,
        namespace: subject.namespace.as_deref(),
        name: &subject.name,
    }
}

fn rule(rule: &noun::RuleText) -> Rule<'_> {
    Rule {
        verbs: texts(&rule.verbs),
        api_groups: texts(&rule.groups),
        resources: texts(&rule.resources),
        resource_names: texts(&rule.names),
        urls: texts(&rule.urls),
    }
}

fn object(object: &ObjectRef) -> Object<'_> {
    Object {
        kind: &object.kind,
        namespace: object.namespace.as_deref(),
        name: &object.name,
    }
}

fn missing(missing: &[noun::MissingRole]) -> Vec<MissingRole<'_>> {
    fn one(found: &noun::MissingRole) -> MissingRole<'_> {
        let noun::MissingRole {
            binding,
            role,
            latent,
        } = found;
        MissingRole {
            binding: object(binding),
            role: object(role),
            latent: *latent,
        }
    }
    missing.iter().map(one).collect()
}

fn not_seen(gap: &Gap) -> NotSeen<'_> {
    NotSeen {
        class: &gap.class,
        what: &gap.what,
        scope: &gap.scope,
        weight: match gap.weight {
            GapWeight::Notice => "notice",
            GapWeight::Widens => "widens",
            GapWeight::Hides => "hides",
        },
        close: &gap.close,
    }
}

fn texts(texts: &[Text]) -> Vec<&str> {
    texts.iter().map(|text| &**text).collect()
}
