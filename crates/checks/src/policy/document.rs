//! Writes rules as documents that `kubectl apply` takes: one ConfigMap with exceptions, then a policy and its binding a
//! rule. Comes in: rules, a minor version. Goes out: YAML. Never: a policy that the API server would refuse.
//! Sources: the API of admissionregistration.k8s.io/v1, the limits of KEP-3488.

use super::cel;
use super::expression::Expression;
use super::pod_security;
use super::yaml::{Yaml, map, text, texts};
use crate::rule::{Form, Rule, Scope};
use semantics::resources::{Resource, Resources};
use std::collections::{BTreeMap, BTreeSet};

/// ValidatingAdmissionPolicy is served by default from 1.30 on (KEP-3488); an older server would ask nobody.
pub const OLDEST_MINOR: u16 = 30;

/// `RuntimeCELCostBudget` is 10,000,000 a policy and `PerCallLimit` 1,000,000 an expression (apiserver `pkg/apis/cel`).
const BUDGET: u64 = 10_000_000;
const BUDGET_OF_ONE: u64 = 1_000_000;

/// Items of each list that the budget must be enough for; of lists within lists half as many.
const ITEMS: u64 = 40;

/// DNS-1123 subdomain.
const LONGEST_NAME: usize = 253;

/// Kinds that hold pods.
const WORKLOADS: &[(&str, &str)] = &[
    ("", "Pod"),
    ("", "PodTemplate"),
    ("", "ReplicationController"),
    ("apps", "DaemonSet"),
    ("apps", "Deployment"),
    ("apps", "ReplicaSet"),
    ("apps", "StatefulSet"),
    ("batch", "CronJob"),
    ("batch", "Job"),
];

/// What happens to an object that a policy refuses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Actions {
    /// The request fails.
    Deny,
    /// The client is warned and the audit log holds it: what to begin with.
    #[default]
    WarnAudit,
}

/// Objects that a policy leaves alone. `*` at the end of a name stands for anything: pods are called after what made them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exception {
    /// Slug; `None`: every rule.
    pub rule: Option<String>,
    pub namespaces: Vec<String>,
    /// `shop/web*`; of what has no namespace, `web*`.
    pub names: Vec<String>,
    /// `shop/web*/proxy`: containers of that name only.
    pub containers: Vec<String>,
}

#[derive(Clone, Debug)]
pub struct Options {
    pub actions: Actions,
    /// Names begin with it.
    pub prefix: String,
    /// Namespace of the ConfigMap with exceptions. Who may write there may except himself.
    pub namespace: String,
    pub exceptions: Vec<Exception>,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            actions: Actions::default(),
            prefix: "plimsoll".to_owned(),
            namespace: "kube-system".to_owned(),
            exceptions: Vec::new(),
        }
    }
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExportError {
    #[error(
        "Kubernetes 1.{0} has no ValidatingAdmissionPolicy: the first version that asks them without a feature gate is 1.30"
    )]
    TooOld(u16),
    #[error("none of these rules can be a policy: each needs more than one object")]
    Nothing,
    #[error("`{0}` cannot be a name in Kubernetes")]
    Name(String),
    #[error("`{0}` cannot stand in an exception: no blanks, no line breaks, not empty")]
    Exception(String),
    #[error("{rule}: the API server would refuse the expression: {why}")]
    Expression { rule: &'static str, why: String },
}

/// The policies of these rules for clusters of this minor version. Rules that need more than one object are named in a
/// comment and left out.
pub fn export(rules: &[&Rule], minor: u16, options: &Options) -> Result<String, ExportError> {
    if minor < OLDEST_MINOR {
        return Err(ExportError::TooOld(minor));
    }
    write(rules, minor, options)
}

/// [`export`] for any version, also for those whose servers would not ask the policies: to compare verdicts.
pub fn write(rules: &[&Rule], minor: u16, options: &Options) -> Result<String, ExportError> {
    for name in [&options.prefix, &options.namespace] {
        if !is_name(name) {
            return Err(ExportError::Name(name.clone()));
        }
    }
    let mut left_out = Vec::new();
    let mut documents = Vec::new();
    for rule in rules {
        let asked = rule.minors.0 <= minor && minor <= rule.minors.1;
        match asked.then(|| Draft::of(rule, minor)).flatten() {
            Some(draft) => documents.extend(draft.documents(rule, options)?),
            None => left_out.push(rule.id),
        }
    }
    if documents.is_empty() {
        return Err(ExportError::Nothing);
    }
    let mut out = format!("# Rules of plimsoll as admission policies, for Kubernetes 1.{minor}.\n");
    if !left_out.is_empty() {
        out.push_str("# No policy, because one object does not tell or the version is not asked: ");
        out.push_str(&left_out.join(", "));
        out.push_str(".\n");
    }
    documents.insert(0, exceptions(options)?);
    for document in documents {
        out.push_str("---\n");
        out.push_str(&document.document());
    }
    Ok(out)
}

/// What of a rule becomes a policy.
struct Draft {
    resources: Vec<Resource>,
    of_pods: bool,
    /// True of what is wrong, where no container is to blame.
    wrong: Option<String>,
    /// The names of the containers that are to blame.
    offenders: Option<String>,
}

impl Draft {
    /// `None`: no single object tells.
    fn of(rule: &Rule, minor: u16) -> Option<Self> {
        match rule.form {
            Form::Each {
                scope, violated, ..
            } => {
                let kinds = match scope {
                    Scope::Objects(kinds) | Scope::ObjectItems(kinds, _) => Some(kinds),
                    _ => None,
                };
                let resources = resources(kinds.unwrap_or(WORKLOADS))?;
                let offenders = cel::offenders(scope, &violated, minor);
                let wrong = offenders
                    .is_none()
                    .then(|| cel::violated(scope, &violated, minor));
                Some(Draft {
                    resources,
                    of_pods: kinds.is_none(),
                    wrong,
                    offenders,
                })
            }
            Form::PodSecurity(control) => {
                let wrong = pod_security::wrong(control, minor)?;
                let known = |text: String| (text != "false").then_some(text);
                Some(Draft {
                    resources: resources(WORKLOADS)?,
                    of_pods: true,
                    wrong: known(wrong.pod),
                    offenders: known(wrong.container).map(|container| {
                        format!("variables.containers.filter(c, {container}).map(c, c.name)")
                    }),
                })
            }
            Form::World(_) | Form::Component(_) | Form::Probe(_) => None,
        }
    }

    fn documents(&self, rule: &Rule, options: &Options) -> Result<[Yaml; 2], ExportError> {
        let name = format!("{}-{}", options.prefix, rule.slug);
        if !is_name(&name) {
            return Err(ExportError::Name(name));
        }
        let (variables, validation) = self.expressions(rule);
        let id = rule.id;
        let refused = |why: String| ExportError::Expression { rule: id, why };
        let all = variables.iter().map(|(_, text)| text);
        let mut cost = 0u64;
        for expression in all.chain([&validation.expression, &validation.message]) {
            let expression =
                Expression::compile(expression).map_err(|error| refused(error.to_string()))?;
            let own = expression.likely_cost(ITEMS);
            cost = cost.saturating_add(own);
            if own > BUDGET_OF_ONE || cost > BUDGET {
                return Err(refused(format!(
                    "it costs more than {BUDGET_OF_ONE} for lists of {ITEMS}"
                )));
            }
        }
        let policy = document(
            "ValidatingAdmissionPolicy",
            &name,
            Some(rule),
            self.spec(rule, &variables, validation),
        );
        let actions = match options.actions {
            Actions::Deny => &["Deny"] as &[&str],
            Actions::WarnAudit => &["Warn", "Audit"],
        };
        let binding = document(
            "ValidatingAdmissionPolicyBinding",
            &name,
            None,
            map([
                ("policyName", text(&name)),
                ("validationActions", texts(actions)),
                (
                    "paramRef",
                    map([
                        ("name", text(exceptions_name(options))),
                        ("namespace", text(&options.namespace)),
                        ("parameterNotFoundAction", text("Deny")),
                    ]),
                ),
            ]),
        );
        Ok([policy, binding])
    }

    fn spec(
        &self,
        rule: &Rule,
        variables: &[(&'static str, String)],
        validation: Validation,
    ) -> Yaml {
        let variables = variables.iter().map(|(name, expression)| {
            map([("name", text(*name)), ("expression", text(expression))])
        });
        map([
            ("failurePolicy", text("Fail")),
            (
                "paramKind",
                map([("apiVersion", text("v1")), ("kind", text("ConfigMap"))]),
            ),
            ("matchConstraints", constraints(&self.resources)),
            ("variables", Yaml::List(variables.collect())),
            (
                "validations",
                Yaml::List(vec![map([
                    ("expression", text(validation.expression)),
                    ("message", text(format!("{} ({})", rule.title, rule.id))),
                    ("messageExpression", text(validation.message)),
                    ("reason", text("Forbidden")),
                ])]),
            ),
        ])
    }

    /// Variables that the validation needs, each after those that it needs itself.
    fn expressions(&self, rule: &Rule) -> (Vec<(&'static str, String)>, Validation) {
        let mut known = variables(rule.slug, self.of_pods);
        let title = cel::quoted(&format!("{} ({})", rule.title, rule.id));
        let mut wrong = Vec::new();
        let mut message = title.clone();
        if let Some(offenders) = &self.offenders {
            known.push(("offenders", offenders.clone()));
            wrong.push("size(variables.offenders) > 0");
            message = format!("{title} + ': container ' + variables.offenders.join(', ')");
        }
        if let Some(expression) = &self.wrong {
            known.push(("wrong", expression.clone()));
            wrong.push("variables.wrong");
            if self.offenders.is_some() {
                message = format!("size(variables.offenders) > 0 ? {message} : {title}");
            }
        }
        let expression = format!("!variables.asked || !({})", wrong.join(" || "));
        let needed = needed(&known, &[&expression, &message]);
        known.retain(|(name, _)| needed.contains(name));
        (
            known,
            Validation {
                expression,
                message,
            },
        )
    }
}

struct Validation {
    expression: String,
    message: String,
}

fn needed(known: &[(&'static str, String)], roots: &[&String]) -> BTreeSet<&'static str> {
    let mut needed = BTreeSet::new();
    let mut open: Vec<&str> = roots.iter().map(|text| text.as_str()).collect();
    while let Some(expression) = open.pop() {
        for (name, text) in known {
            let uses = expression
                .split("variables.")
                .skip(1)
                .any(|rest| word(rest) == *name);
            if uses && needed.insert(*name) {
                open.push(text);
            }
        }
    }
    needed
}

fn word(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_ascii_alphanumeric());
    end.and_then(|end| text.get(..end)).unwrap_or(text)
}

/// What expressions may name, in an order in which each needs only earlier ones.
fn variables(slug: &str, of_pods: bool) -> Vec<(&'static str, String)> {
    let template = |object: &str| {
        format!(
            "{object}.kind == 'Pod' ? {object} : {object}.kind == 'PodTemplate' ? {object}.template \
             : {object}.kind == 'CronJob' ? {object}.spec.jobTemplate.spec.template : {object}.spec.template"
        )
    };
    let list = |name: &str| format!("(has(variables.spec.{name}) ? variables.spec.{name} : [])");
    let spared = "filter(c, !(has(c.name) && variables.spared.exists(l, c.name in l)))";
    // Words of the ConfigMap, of this rule and of all.
    let words = |what: &str| {
        format!(
            "(has(params.data) ? ['all.{what}', '{slug}.{what}'].filter(k, k in params.data)\
             .map(k, params.data[k].split(' ')) : [])"
        )
    };
    let called = |pattern: &str| {
        format!(
            "({pattern}.endsWith('*') ? variables.who.startsWith({pattern}.substring(0, size({pattern}) - 1)) \
             : variables.who == {pattern})"
        )
    };
    let mut all = vec![
        (
            "who",
            "(has(object.metadata.namespace) ? object.metadata.namespace + '/' : '') \
             + (has(object.metadata.name) ? object.metadata.name \
             : has(object.metadata.generateName) ? object.metadata.generateName : '')"
                .to_owned(),
        ),
        (
            "excepted",
            format!(
                "has(object.metadata.namespace) && {}.exists(l, object.metadata.namespace in l) || {}.exists(l, l.exists(w, {}))",
                words("namespaces"),
                words("names"),
                called("w"),
            ),
        ),
    ];
    if !of_pods {
        // What is being deleted must get rid of its finalizers.
        all.push((
            "asked",
            "!variables.excepted && !(request.operation == 'UPDATE' && has(object.metadata.deletionTimestamp))"
                .to_owned(),
        ));
        return all;
    }
    let container = "w.substring(w.lastIndexOf('/') + 1)";
    let of_container = called("w.substring(0, w.lastIndexOf('/'))");
    all.extend([
        ("template", template("object")),
        (
            "spec",
            "has(variables.template.spec) ? variables.template.spec : {}".to_owned(),
        ),
        (
            "metadata",
            "has(variables.template.metadata) ? variables.template.metadata : {}".to_owned(),
        ),
        (
            "before",
            format!(
                "request.operation == 'UPDATE' ? ({}) : {{}}",
                template("oldObject")
            ),
        ),
        // What runs goes on: only a change of the pod is judged, as Pod Security admission does.
        (
            "asked",
            "!variables.excepted && (request.operation != 'UPDATE' || !has(variables.before.spec) \
             || variables.before.spec != variables.spec \
             || object.kind != 'Pod' && variables.before != variables.template)"
                .to_owned(),
        ),
        (
            "spared",
            format!(
                "{}.map(l, l.filter(w, w.contains('/') && {of_container}).map(w, {container}))",
                words("containers")
            ),
        ),
        (
            "ephemeral",
            format!("{}.{spared}", list("ephemeralContainers")),
        ),
        (
            "declared",
            format!(
                "({} + {}).{spared}",
                list("initContainers"),
                list("containers")
            ),
        ),
        (
            "containers",
            "variables.declared + variables.ephemeral".to_owned(),
        ),
        (
            "lasting",
            format!(
                "({}.filter(c, has(c.restartPolicy) && c.restartPolicy == 'Always') + {}).{spared}",
                list("initContainers"),
                list("containers")
            ),
        ),
    ]);
    all
}

/// `None` where one is not built in, or no policy is asked about it (`isPolicyResource` of the admission plugin).
fn resources(kinds: &[(&str, &str)]) -> Option<Vec<Resource>> {
    let of_kind = |(group, kind): &(&str, &str)| {
        let is_policy = kind.contains("AdmissionPolicy");
        let found = Resources::default().find(&format!("{kind}.{group}")).ok()?;
        (found.namespaced.is_some() && !is_policy).then_some(found)
    };
    let all: Option<Vec<Resource>> = kinds.iter().map(of_kind).collect();
    all.filter(|all| !all.is_empty())
}

/// The version that every server from [`OLDEST_MINOR`] on serves.
fn version(group: &str) -> &'static str {
    if group == "autoscaling" { "v2" } else { "v1" }
}

fn constraints(resources: &[Resource]) -> Yaml {
    let mut groups: Vec<(&str, Vec<&str>)> = Vec::new();
    for resource in resources {
        let at = groups
            .iter()
            .position(|(group, _)| *group == &*resource.group);
        let names = [&*resource.name, "pods/ephemeralcontainers"];
        let count = if &*resource.name == "pods" { 2 } else { 1 };
        let names = names.into_iter().take(count);
        match at.and_then(|at| groups.get_mut(at)) {
            Some((_, known)) => known.extend(names),
            None => groups.push((&resource.group, names.collect())),
        }
    }
    let rules = groups.into_iter().map(|(group, names)| {
        map([
            ("apiGroups", texts([group])),
            ("apiVersions", texts([version(group)])),
            ("operations", texts(["CREATE", "UPDATE"])),
            ("resources", texts(names)),
        ])
    });
    map([
        ("matchPolicy", text("Equivalent")),
        ("resourceRules", Yaml::List(rules.collect())),
    ])
}

fn document(kind: &str, name: &str, rule: Option<&Rule>, spec: Yaml) -> Yaml {
    let mut metadata = vec![("name".to_owned(), text(name))];
    if let Some(rule) = rule {
        let labels = [("app.kubernetes.io/managed-by", text("plimsoll"))];
        metadata.push(("labels".to_owned(), map(labels)));
        let annotations = [
            ("plimsoll.dev/rule", text(rule.id)),
            ("plimsoll.dev/why", text(rule.why)),
        ];
        metadata.push(("annotations".to_owned(), map(annotations)));
    }
    map([
        ("apiVersion", text("admissionregistration.k8s.io/v1")),
        ("kind", text(kind)),
        ("metadata", Yaml::Map(metadata)),
        ("spec", spec),
    ])
}

fn exceptions_name(options: &Options) -> String {
    format!("{}-exceptions", options.prefix)
}

/// Keys are `SLUG.namespaces`, `SLUG.names`, `SLUG.containers`, or `all` for the slug; words are separated by blanks.
fn exceptions(options: &Options) -> Result<Yaml, ExportError> {
    let mut members: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for exception in &options.exceptions {
        let slug = exception.rule.as_deref().unwrap_or("all");
        for (what, words) in [
            ("namespaces", &exception.namespaces),
            ("names", &exception.names),
            ("containers", &exception.containers),
        ] {
            for word in words {
                let odd = |c: char| c.is_whitespace() || c.is_control();
                if word.is_empty()
                    || word.contains(odd)
                    || (what == "containers" && !word.contains('/'))
                {
                    return Err(ExportError::Exception(word.clone()));
                }
                members
                    .entry(format!("{slug}.{what}"))
                    .or_default()
                    .push(word);
            }
        }
    }
    let data = members
        .into_iter()
        .map(|(key, words)| (key, text(words.join(" "))));
    Ok(map([
        ("apiVersion", text("v1")),
        ("kind", text("ConfigMap")),
        (
            "metadata",
            map([
                ("name", text(exceptions_name(options))),
                ("namespace", text(&options.namespace)),
                (
                    "labels",
                    map([("app.kubernetes.io/managed-by", text("plimsoll"))]),
                ),
            ]),
        ),
        ("data", Yaml::Map(data.collect())),
    ]))
}

/// RFC 1123: lower case letters, digits and `-`.
fn is_name(name: &str) -> bool {
    let inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    !name.is_empty()
        && name.len() <= LONGEST_NAME
        && name.bytes().all(inner)
        && !name.starts_with('-')
        && !name.ends_with('-')
}
