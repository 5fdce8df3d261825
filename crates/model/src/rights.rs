//! Who may do what, as it is printed: the answer to `who-can`, the rights of one subject, and what a log shows of their
//! use.

use crate::evidence::{Gap, Truth};
use crate::object::ObjectRef;
use crate::text::Text;
use jiff::Timestamp;
use std::borrow::Cow;
use std::fmt;

/// A subject as bindings name it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Named {
    /// `User`, `Group`, `ServiceAccount`.
    pub kind: &'static str,
    /// Of a service account.
    pub namespace: Option<Text>,
    pub name: Text,
}

/// Where a request goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// In some namespace, or in all.
    Anywhere,
    Namespace(Text),
    /// In all namespaces by one request.
    AllNamespaces,
    /// On what has no namespace.
    Cluster,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    pub verb: Text,
    /// Empty for the core group, and for a URL.
    pub group: Text,
    /// `pods`, `pods/exec`; empty for a URL.
    pub resource: Text,
    pub name: Option<Text>,
    /// A path that is no resource.
    pub url: Option<Text>,
    pub scope: Scope,
}

/// A PolicyRule.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct RuleText {
    pub verbs: Vec<Text>,
    pub groups: Vec<Text>,
    pub resources: Vec<Text>,
    /// Empty: every name.
    pub names: Vec<Text>,
    pub urls: Vec<Text>,
}

/// `get, list: pods, deployments.apps (only named a, b)`.
impl fmt::Display for RuleText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.verbs {
            [] => f.write_str("no verb")?,
            [one] if &**one == "*" => f.write_str("all verbs")?,
            verbs => f.write_str(&verbs.join(", "))?,
        }
        let mut targets: Vec<String> = Vec::new();
        for group in &self.groups {
            let resources = self.resources.iter();
            targets.extend(resources.map(|name| resource_name(group, name).into_owned()));
        }
        if self.groups.is_empty() {
            let resources = self.resources.iter();
            targets.extend(resources.map(|name| format!("{name} (no group)")));
        }
        targets.extend(self.urls.iter().map(|url| format!("URL {url}")));
        write!(f, ": {}", targets.join(", "))?;
        if self.names.is_empty() || self.resources.is_empty() {
            return Ok(());
        }
        write!(f, " (only named {})", self.names.join(", "))
    }
}

/// `deployments.apps/scale`.
pub fn resource_name<'a>(group: &str, resource: &'a str) -> Cow<'a, str> {
    match (group, resource.split_once('/')) {
        ("", _) => Cow::Borrowed(resource),
        ("*", _) if resource == "*" => Cow::Borrowed("all resources"),
        (group, Some((base, sub))) => Cow::Owned(format!("{base}.{group}/{sub}")),
        (group, None) => Cow::Owned(format!("{resource}.{group}")),
    }
}

/// The answer to `who-can`.
#[derive(Clone, Debug, PartialEq)]
pub struct WhoCan {
    pub question: Question,
    /// Minor version of Kubernetes whose rules decide.
    pub minor: u16,
    /// The question itself, then rights that do the same.
    pub ways: Vec<Way>,
    /// Whether others may as well: no, or not known.
    pub others: Truth,
    /// Roles that bindings name and that were not seen.
    pub missing: Vec<MissingRole>,
    pub notes: Vec<Text>,
    pub gaps: Vec<Gap>,
}

/// One right, and who has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Way {
    pub verb: Text,
    /// `pods/exec`, `nodes/proxy`, `/metrics`, with the group behind a dot.
    pub resource: Text,
    /// Why it does the same; `None` for the question itself.
    pub why: Option<Text>,
    /// Those who mean everybody first, then those of Kubernetes' own last.
    pub holders: Vec<Holder>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    pub subject: Named,
    /// Who that is, where the name is one of Kubernetes' own.
    pub meaning: Option<Text>,
    /// Of a service account: whether it is there. `None`: not known, or no service account.
    pub there: Option<bool>,
    /// Bound by Kubernetes' own default bindings only.
    pub stock: bool,
    pub held: Vec<Held>,
}

/// How a subject has a right.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Held {
    /// The namespace; `None`: the whole cluster.
    pub namespace: Option<Text>,
    pub binding: ObjectRef,
    pub role: ObjectRef,
    /// Only objects of these names.
    pub names: Vec<Text>,
    /// What of the rule is a wildcard: `verbs`, `groups`, `resources`, `resources */scale`, `URL /metrics*`.
    pub wildcards: Vec<Text>,
    /// What is to know about it.
    pub note: Option<Text>,
    pub rule: RuleText,
}

/// A binding whose role was not seen.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct MissingRole {
    pub binding: ObjectRef,
    pub role: ObjectRef,
    /// All roles were seen, so it is not there: it grants nothing until somebody makes it.
    pub latent: bool,
}

/// All that one subject may do.
#[derive(Clone, Debug, PartialEq)]
pub struct Can {
    pub subject: Named,
    pub meaning: Option<Text>,
    pub there: Option<bool>,
    /// Groups that were taken for it, ordered.
    pub groups: Vec<Text>,
    /// Member of `system:masters`: RBAC is not asked.
    pub masters: bool,
    /// Rights elsewhere were left out.
    pub namespace: Option<Text>,
    pub minor: u16,
    /// The cluster first, then namespaces; the most dangerous first in each.
    pub grants: Vec<Given>,
    /// Whether there may be more: no, or not known.
    pub others: Truth,
    pub missing: Vec<MissingRole>,
    pub usage: Option<Usage>,
    pub notes: Vec<Text>,
    pub gaps: Vec<Gap>,
}

/// What one binding gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given {
    /// The namespace; `None`: the whole cluster.
    pub namespace: Option<Text>,
    pub binding: ObjectRef,
    pub role: ObjectRef,
    /// The group that the binding names; `None`: it names the subject itself.
    pub via: Option<Text>,
    /// One of Kubernetes' own default bindings.
    pub stock: bool,
    pub rules: Vec<GivenRule>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GivenRule {
    pub rule: RuleText,
    /// The worst first: id and what the holder does by it.
    pub dangers: Vec<(Text, Text)>,
    /// Parts that grant nothing, and why.
    pub dead: Vec<(Text, Text)>,
    /// What a log shows.
    pub used: Option<Used>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Used {
    pub state: UseState,
    /// What was asked: `get pods`, `get /metrics`; ordered.
    pub used: Vec<Text>,
    /// What never was.
    pub never: Vec<Text>,
    /// What no log shows: virtual verbs, what the kubelet and other servers check.
    pub not_shown: Vec<Text>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum UseState {
    Never,
    Partly,
    All,
    /// Its use stands in no log.
    NotShown,
    /// It grants nothing.
    Dead,
}

/// What logs show of a subject's requests.
#[derive(Clone, Debug, PartialEq)]
pub struct Usage {
    pub files: Vec<Text>,
    /// The first and the last moment of the logs.
    pub window: Option<(Timestamp, Timestamp)>,
    /// Shorter than 30 days.
    pub partial: bool,
    /// Events of everybody.
    pub events: u64,
    /// Requests of the subject that went through.
    pub requests: u64,
    /// Refused ones (401, 403).
    pub denied: u64,
    /// Lines that are no audit event.
    pub damaged: u64,
    /// Files that end in the middle of a line.
    pub cut_short: u64,
    /// More distinct requests than are kept.
    pub overflown: bool,
    /// What went through and no rule that was seen grants; at most some.
    pub unexplained: Vec<Text>,
    pub unexplained_more: u64,
    /// The least that covers what the logs show: roles and bindings.
    pub roles: Vec<LeastRole>,
}

/// A role and its binding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeastRole {
    /// Of a Role; `None`: a ClusterRole.
    pub namespace: Option<Text>,
    pub name: Text,
    pub subject: Named,
    pub rules: Vec<RuleText>,
}
