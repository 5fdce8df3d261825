//! Who may do what, as the RBAC authorizer answers it, and what a role may be given by whom.
//! Comes in: a Snapshot. Goes out: an [`Authorizer`] that is asked request by request. Never: a grant that the API server
//! would not give; a grant that is missing because a role was not seen is told, not left out silently.
//!
//! Sources: `plugin/pkg/auth/authorizer/rbac/rbac.go`, `pkg/registry/rbac/validation/rule.go`,
//! `k8s.io/component-helpers/auth/rbac/validation/policy_comparator.go`, `pkg/registry/rbac/escalation_check.go`.

use crate::json::Node;
use crate::lens::Lens;
use crate::rbac::{GROUP, Roles, Rule, role_of, rule_allows, rule_allows_url};
use model::evidence::{Ledger, Truth};
use model::object::ObjectRef;
use model::snapshot::{Origin, Snapshot};
use model::text::Text;
use std::collections::BTreeMap;

/// Members bypass authorization.
pub const MASTERS: &str = "system:masters";
/// The groups and the user that every API server knows.
pub const AUTHENTICATED: &str = "system:authenticated";
pub const UNAUTHENTICATED: &str = "system:unauthenticated";
pub const ANONYMOUS: &str = "system:anonymous";
const ACCOUNT: &str = "system:serviceaccount:";

/// Namespace and name of the service account that a user's name stands for.
pub fn account_of(user: &str) -> Option<(&str, &str)> {
    user.strip_prefix(ACCOUNT)?.split_once(':')
}

/// Who asks.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct User {
    pub name: Text,
    pub groups: Vec<Text>,
}

impl User {
    /// A service account with the groups that its tokens carry.
    pub fn service_account(namespace: &str, name: &str) -> Self {
        User {
            name: format!("{ACCOUNT}{namespace}:{name}").into(),
            groups: vec![
                "system:serviceaccounts".into(),
                AUTHENTICATED.into(),
                format!("system:serviceaccounts:{namespace}").into(),
            ],
        }
    }

    /// Somebody else, with the group of those who logged in, or of those who did not.
    pub fn named(name: &Text) -> Self {
        let group = match &**name {
            ANONYMOUS => UNAUTHENTICATED,
            _ => AUTHENTICATED,
        };
        User {
            name: Text::clone(name),
            groups: vec![group.into()],
        }
    }

    /// Who a subject is, with the groups that he is in for certain; of a group a member without a name.
    pub fn of(subject: &Subject) -> Self {
        match (subject.account(), subject) {
            (Some((namespace, name)), _) => User::service_account(namespace, name),
            (None, Subject::Group(group)) => User {
                name: "".into(),
                groups: vec![Text::clone(group)],
            },
            (None, Subject::User(name) | Subject::ServiceAccount { name, .. }) => User::named(name),
        }
    }

    fn in_group(&self, group: &str) -> bool {
        self.groups.iter().any(|known| &**known == group)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    User(Text),
    Group(Text),
    ServiceAccount { namespace: Text, name: Text },
}

impl Subject {
    /// `appliesToUser` of the authorizer.
    pub fn is(&self, user: &User) -> bool {
        match self {
            Subject::User(name) => user.name == *name,
            Subject::Group(name) => user.in_group(name),
            Subject::ServiceAccount { namespace, name } => {
                account_of(&user.name) == Some((&**namespace, &**name))
            }
        }
    }
}

impl Subject {
    /// Namespace and name of the service account that it is, by its own kind or by the name of its user.
    pub fn account(&self) -> Option<(&str, &str)> {
        match self {
            Subject::ServiceAccount { namespace, name } => Some((namespace, name)),
            Subject::User(name) => account_of(name),
            Subject::Group(_) => None,
        }
    }
}

/// `User alice`, `Group system:masters`, `ServiceAccount shop/web`.
impl std::fmt::Display for Subject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Subject::User(name) => write!(f, "User {name}"),
            Subject::Group(name) => write!(f, "Group {name}"),
            Subject::ServiceAccount { namespace, name } => {
                write!(f, "ServiceAccount {namespace}/{name}")
            }
        }
    }
}

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    Resource {
        verb: Text,
        group: Text,
        /// `pods`, `pods/exec`.
        resource: Text,
        /// Empty for requests on a collection.
        name: Text,
        /// `None`: cluster-scoped, or all namespaces.
        namespace: Option<Text>,
    },
    Url {
        verb: Text,
        path: Text,
    },
}

impl Request {
    fn namespace(&self) -> Option<&Text> {
        match self {
            Request::Resource { namespace, .. } => namespace.as_ref(),
            Request::Url { .. } => None,
        }
    }

    /// Whether one rule allows it.
    pub fn allowed_by(&self, rule: &Rule) -> bool {
        match self {
            Request::Resource {
                verb,
                group,
                resource,
                name,
                ..
            } => rule_allows(rule, verb, group, resource, name),
            Request::Url { verb, path } => rule_allows_url(rule, verb, path),
        }
    }
}

/// A role that a binding gives to its subjects.
#[derive(Clone, Debug)]
pub struct Binding {
    pub object: ObjectRef,
    /// Of a RoleBinding.
    pub namespace: Option<Text>,
    pub subjects: Vec<Subject>,
    /// The role, as the binding names it.
    pub role: ObjectRef,
    /// Index into [`Authorizer::rules`]; `None`: the role is not there, and nothing is granted now.
    pub rules: Option<u32>,
}

/// A rule that allows a request, and how the subject comes to it.
#[derive(Clone, Debug, PartialEq)]
pub struct Grant<'a> {
    pub subject: &'a Subject,
    pub binding: &'a Binding,
    pub rule: &'a Rule,
}

impl PartialEq for Binding {
    fn eq(&self, other: &Self) -> bool {
        self.object == other.object
    }
}

/// Roles and bindings of a cluster.
#[derive(Clone, Debug, Default)]
pub struct Authorizer {
    /// Rules of each role that is there, aggregation resolved.
    pub rules: Vec<Vec<Rule>>,
    /// The roles of `rules`: first those that bindings name.
    pub roles: Vec<ObjectRef>,
    /// ClusterRoleBindings first, as they are asked.
    pub bindings: Vec<Binding>,
    /// All bindings and roles were seen; `false`: what is not granted here may still be.
    pub complete: bool,
}

impl Authorizer {
    pub fn of(snapshot: &Snapshot, ledger: &mut Ledger) -> Self {
        let mut lens = Lens::new(snapshot.version.minor);
        let authorizer = read(&mut lens, snapshot);
        ledger.gaps(lens.into_gaps());
        authorizer
    }

    /// Grants that allow the request, in the order in which the authorizer meets them; it stops at the first.
    pub fn grants<'a>(
        &'a self,
        user: &'a User,
        request: &'a Request,
    ) -> impl Iterator<Item = Grant<'a>> {
        self.rules_for(user, request.namespace())
            .filter(|grant| request.allowed_by(grant.rule))
    }

    /// `VisitRulesFor`: rules of cluster bindings, then those of the namespace's own.
    pub fn rules_for<'a>(
        &'a self,
        user: &'a User,
        namespace: Option<&'a Text>,
    ) -> impl Iterator<Item = Grant<'a>> {
        let here = move |binding: &&Binding| match &binding.namespace {
            None => true,
            Some(own) => namespace == Some(own),
        };
        self.bindings.iter().filter(here).flat_map(move |binding| {
            let subject = binding.subjects.iter().find(|subject| subject.is(user));
            let rules = binding.rules.and_then(|n| self.rules.get(n as usize));
            let pair = subject.zip(rules);
            pair.into_iter().flat_map(move |(subject, rules)| {
                rules.iter().map(move |rule| Grant {
                    subject,
                    binding,
                    rule,
                })
            })
        })
    }

    /// Whether the API server lets the request through.
    pub fn allows(&self, user: &User, request: &Request) -> Truth {
        if user.in_group(MASTERS) || self.grants(user, request).next().is_some() {
            Truth::Yes
        } else if self.complete {
            Truth::No
        } else {
            Truth::Unknown
        }
    }

    /// Everybody who may, each with the grant that says so: subjects as bindings name them, ordered. Members of
    /// `system:masters` may everything and stand in no binding.
    pub fn who<'a>(&'a self, request: &'a Request) -> Vec<Grant<'a>> {
        let here = |binding: &&Binding| {
            binding.namespace.is_none() || binding.namespace.as_ref() == request.namespace()
        };
        let mut all: Vec<Grant<'a>> = Vec::new();
        for binding in self.bindings.iter().filter(here) {
            let rules = binding.rules.and_then(|n| self.rules.get(n as usize));
            let Some(rule) = rules.into_iter().flatten().find(|r| request.allowed_by(r)) else {
                continue;
            };
            all.extend(binding.subjects.iter().map(|subject| Grant {
                subject,
                binding,
                rule,
            }));
        }
        all.sort_by(|a, b| (a.subject, &a.binding.object).cmp(&(b.subject, &b.binding.object)));
        all
    }

    /// Whether the user may write a role with these rules (`ConfirmNoEscalation`): those of which he holds all, and any
    /// with the verb `escalate` on the role.
    pub fn may_write_role(&self, user: &User, role: &ObjectRef, rules: &[Rule]) -> Truth {
        if user.in_group(MASTERS) {
            return Truth::Yes;
        }
        let escalate = self.allows(user, &on_role(role, "escalate", role.namespace.as_ref()));
        let own = self.own(user, role.namespace.as_ref());
        escalate.max(self.covered(&own, rules))
    }

    /// Whether the user may bind a role in a namespace (`None`: the whole cluster): with the verb `bind` on it
    /// (`BindingAuthorized`), or holding all of its rules there himself.
    pub fn may_bind(
        &self,
        user: &User,
        role: &ObjectRef,
        rules: &[Rule],
        namespace: Option<&Text>,
    ) -> Truth {
        if user.in_group(MASTERS) {
            return Truth::Yes;
        }
        let bind = self.allows(user, &on_role(role, "bind", namespace));
        let own = self.own(user, namespace);
        bind.max(self.covered(&own, rules))
    }

    fn own(&self, user: &User, namespace: Option<&Text>) -> Vec<Rule> {
        let grants = self.rules_for(user, namespace);
        grants.map(|grant| grant.rule.clone()).collect()
    }

    fn covered(&self, own: &[Rule], wanted: &[Rule]) -> Truth {
        match (uncovered(own, wanted).is_empty(), self.complete) {
            (true, _) => Truth::Yes,
            (false, true) => Truth::No,
            (false, false) => Truth::Unknown,
        }
    }
}

fn on_role(role: &ObjectRef, verb: &str, namespace: Option<&Text>) -> Request {
    let resource = if &*role.kind == "ClusterRole" {
        "clusterroles"
    } else {
        "roles"
    };
    Request::Resource {
        verb: verb.into(),
        group: GROUP.into(),
        resource: resource.into(),
        name: Text::clone(&role.name),
        namespace: namespace.cloned(),
    }
}

/// `Covers`: the single requests of `wanted` that no rule of `own` covers as a whole; empty: all are covered.
pub fn uncovered(own: &[Rule], wanted: &[Rule]) -> Vec<Rule> {
    let single = wanted.iter().flat_map(break_down);
    single
        .filter(|part| !own.iter().any(|rule| rule_covers(rule, part)))
        .collect()
}

/// `BreakdownRule`: one verb, one group, one resource and at most one name each, then one URL each.
fn break_down(rule: &Rule) -> Vec<Rule> {
    let mut parts = Vec::new();
    for group in &rule.groups {
        for resource in &rule.resources {
            for verb in &rule.verbs {
                let part = Rule {
                    verbs: vec![Text::clone(verb)],
                    groups: vec![Text::clone(group)],
                    resources: vec![Text::clone(resource)],
                    ..Rule::default()
                };
                if rule.names.is_empty() {
                    parts.push(part);
                    continue;
                }
                parts.extend(rule.names.iter().map(|name| Rule {
                    names: vec![Text::clone(name)],
                    ..part.clone()
                }));
            }
        }
    }
    for url in &rule.urls {
        parts.extend(rule.verbs.iter().map(|verb| Rule {
            verbs: vec![Text::clone(verb)],
            urls: vec![Text::clone(url)],
            ..Rule::default()
        }));
    }
    parts
}

/// `ruleCovers` on a rule that was broken down. Each list is asked alone, as in the API server.
fn rule_covers(own: &Rule, part: &Rule) -> bool {
    let all_of = |own: &[Text], wanted: &[Text]| {
        let star = own.iter().any(|text| &**text == "*");
        star || wanted.iter().all(|text| own.contains(text))
    };
    let resource = |wanted: &Text| {
        own.resources.contains(wanted)
            || wanted.split_once('/').is_some_and(|(_, sub)| {
                own.resources
                    .iter()
                    .any(|r| r.strip_prefix("*/") == Some(sub))
            })
    };
    let resources =
        own.resources.iter().any(|r| &**r == "*") || part.resources.iter().all(resource);
    let url = |wanted: &Text| {
        own.urls.iter().any(|known| {
            known == wanted
                || &**known == "*"
                || known
                    .strip_suffix('*')
                    .is_some_and(|start| wanted.starts_with(start.trim_end_matches('*')))
        })
    };
    let names = own.names.is_empty()
        || (!part.names.is_empty() && part.names.iter().all(|name| own.names.contains(name)));
    all_of(&own.verbs, &part.verbs)
        && all_of(&own.groups, &part.groups)
        && resources
        && part.urls.iter().all(url)
        && names
}

pub(crate) fn read(lens: &mut Lens, snapshot: &Snapshot) -> Authorizer {
    let roles = Roles::read(lens, snapshot);
    let mut authorizer = Authorizer {
        rules: Vec::new(),
        roles: Vec::new(),
        bindings: Vec::new(),
        complete: snapshot.origin == Origin::Live
            && ["Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding"]
                .iter()
                .all(|kind| snapshot.saw_all(GROUP, kind)),
    };
    let mut known: BTreeMap<(Option<Text>, Text), u32> = BTreeMap::new();
    for kind in ["ClusterRoleBinding", "RoleBinding"] {
        for object in snapshot.of_kind(GROUP, kind) {
            let scope = (kind == "RoleBinding").then(|| lens.namespace(object));
            let read = lens.read(object, |lens, root| {
                let role = role_of(lens, root.get("roleRef"), scope.as_ref());
                (role, subjects(lens, root, scope.as_ref()))
            });
            let Some((Some((role_namespace, role_name)), subjects)) = read else {
                continue;
            };
            let role_kind = if role_namespace.is_some() {
                "Role"
            } else {
                "ClusterRole"
            };
            let role = ObjectRef::new(GROUP, role_kind, role_namespace.as_deref(), &role_name);
            let rules = roles
                .find(role_namespace.as_ref(), &role_name)
                .map(|found| {
                    *known.entry((role_namespace, role_name)).or_insert_with(|| {
                        authorizer.roles.push(role.clone());
                        authorizer.rules.push(roles.rules(found));
                        u32::try_from(authorizer.rules.len() - 1).unwrap_or(u32::MAX)
                    })
                });
            authorizer.bindings.push(Binding {
                object: object.reference(),
                namespace: scope,
                subjects,
                role,
                rules,
            });
        }
    }
    for ((namespace, name), unbound) in roles.iter() {
        if known.contains_key(&(namespace.clone(), Text::clone(name))) {
            continue;
        }
        let kind = if namespace.is_some() {
            "Role"
        } else {
            "ClusterRole"
        };
        let role = ObjectRef::new(GROUP, kind, namespace.as_deref(), name);
        authorizer.roles.push(role);
        authorizer.rules.push(roles.rules(unbound));
    }
    authorizer
}

fn subjects(lens: &mut Lens, root: Node<'_>, scope: Option<&Text>) -> Vec<Subject> {
    let mut subjects = Vec::new();
    for subject in root.list("subjects") {
        let Some(name) = subject.word("name") else {
            continue;
        };
        subjects.extend(match subject.text("kind") {
            Some("User") => Some(Subject::User(lens.word(name))),
            Some("Group") => Some(Subject::Group(lens.word(name))),
            // Without a namespace it is the binding's own; a ClusterRoleBinding has none, and reaches nobody.
            Some("ServiceAccount") => {
                let namespace = subject.word("namespace").or(scope.map(|text| &**text));
                namespace.map(|namespace| Subject::ServiceAccount {
                    namespace: lens.word(namespace),
                    name: lens.word(name),
                })
            }
            _ => None,
        });
    }
    subjects
}
