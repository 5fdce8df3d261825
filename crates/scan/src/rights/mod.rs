//! Who may do what in a Snapshot: `who-can`, the rights of one subject, what a log shows of their use.
//! Comes in: a Snapshot, a question. Goes out: nouns of `model::rights`. Never: "nobody" where something was not seen.

mod can;
mod least;
mod subject;
mod usage;
mod who;

pub use usage::UsageError;

use model::evidence::{Gap, GapWeight, Ledger, Stage, Truth};
use model::object::ObjectRef;
use model::rights::{MissingRole, Named};
use model::snapshot::{Origin, Snapshot};
use model::text::Text;
use semantics::authorizer::{Authorizer, Binding, Subject};
use semantics::declare::Declarations;
use semantics::rbac::{GROUP, Rule};
use semantics::resources::{ResourceError, Resources};
use std::collections::{BTreeMap, BTreeSet};

/// Kinds that decide who may do what.
const KINDS: [&str; 4] = ["Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding"];

#[derive(Debug, thiserror::Error)]
pub enum RightsError {
    #[error(transparent)]
    Resource(#[from] ResourceError),
    #[error("`{0}` names no verb")]
    Verb(String),
    #[error("a path has no name, and no namespace")]
    UrlScope,
    #[error("`{0}` names no subject; write ServiceAccount/NAMESPACE/NAME, User/NAME or Group/NAME")]
    Subject(String),
    #[error("{subject} is not known: {why}{like}")]
    NoSuchSubject {
        subject: String,
        why: &'static str,
        like: String,
    },
}

/// Roles and bindings of a Snapshot, ready to be asked.
pub struct Rights {
    authorizer: Authorizer,
    resources: Resources,
    minor: u16,
    /// Service accounts, and whether each was seen itself.
    accounts: BTreeMap<(Text, Text), bool>,
    /// Every service account of the cluster was seen.
    all_accounts: bool,
    /// Default bindings of Kubernetes, as they are marked.
    stock: BTreeSet<ObjectRef>,
    live: bool,
    /// All roles and bindings were seen.
    complete: bool,
    notes: Vec<Text>,
    gaps: Vec<Gap>,
}

impl Rights {
    pub fn of(snapshot: &Snapshot) -> Self {
        let declarations = Declarations::default();
        let inventory = semantics::inventory(snapshot, &declarations, &mut Ledger::default());
        let live = snapshot.origin == Origin::Live;
        let mut gaps: Vec<Gap> = snapshot
            .gaps
            .iter()
            .chain(&inventory.gaps)
            .cloned()
            .collect();
        gaps.retain(is_about_rights);
        let unseen: Vec<&str> = KINDS
            .into_iter()
            .filter(|kind| !snapshot.saw_all(GROUP, kind))
            .collect();
        if !unseen.is_empty() {
            gaps.push(not_listed(&unseen));
        }
        gaps.sort_unstable();
        gaps.dedup();
        let limited = gaps.iter().any(|gap| &*gap.class == "namespaces-limited");
        let hides = gaps.iter().any(|gap| gap.weight == GapWeight::Hides);
        let accounts = inventory.service_accounts.iter();
        Rights {
            resources: Resources::of(snapshot),
            minor: snapshot.version.minor,
            accounts: accounts
                .map(|a| ((Text::clone(&a.namespace), Text::clone(&a.name)), a.seen))
                .collect(),
            all_accounts: live && !limited && snapshot.saw_all("", "ServiceAccount"),
            stock: stock(snapshot),
            live,
            complete: unseen.is_empty() && !limited && !hides,
            notes: notes(snapshot),
            authorizer: inventory.authorizer,
            gaps,
        }
    }

    /// Roles that bindings of a scope name and that were not seen.
    fn missing(&self, here: impl Fn(&Binding) -> bool) -> Vec<MissingRole> {
        let bindings = self.authorizer.bindings.iter();
        let mut missing: Vec<MissingRole> = bindings
            .filter(|binding| binding.rules.is_none() && here(binding))
            .map(|binding| MissingRole {
                binding: binding.object.clone(),
                role: binding.role.clone(),
                latent: self.live && self.complete,
            })
            .collect();
        missing.sort_unstable();
        missing
    }

    /// Whether there is more than what was found.
    fn others(&self, missing: &[MissingRole]) -> Truth {
        if self.complete && missing.iter().all(|role| role.latent) {
            Truth::No
        } else {
            Truth::Unknown
        }
    }

    fn rules(&self, binding: &Binding) -> &[Rule] {
        let rules = binding
            .rules
            .and_then(|n| self.authorizer.rules.get(n as usize));
        rules.map_or(&[], Vec::as_slice)
    }

    /// Whether a service account is there.
    fn there(&self, subject: &Named) -> Option<bool> {
        let key = (subject.namespace.clone()?, Text::clone(&subject.name));
        match self.accounts.get(&key) {
            Some(true) => Some(true),
            _ => self.all_accounts.then_some(false),
        }
    }
}

fn named(subject: &Subject) -> Named {
    if let Some((namespace, name)) = subject.account() {
        return account(namespace, name);
    }
    let (kind, name) = match subject {
        Subject::Group(name) => ("Group", name),
        Subject::User(name) | Subject::ServiceAccount { name, .. } => ("User", name),
    };
    Named {
        kind,
        namespace: None,
        name: Text::clone(name),
    }
}

fn account(namespace: &str, name: &str) -> Named {
    Named {
        kind: "ServiceAccount",
        namespace: Some(namespace.into()),
        name: name.into(),
    }
}

/// `deployments.apps/scale`, `pods/exec`.
fn written(group: &str, resource: &str) -> String {
    match (group, resource.split_once('/')) {
        ("", _) => resource.to_owned(),
        (group, Some((base, sub))) => format!("{base}.{group}/{sub}"),
        (group, None) => format!("{resource}.{group}"),
    }
}

fn is_about_rights(gap: &Gap) -> bool {
    &*gap.class == "namespaces-limited"
        || &*gap.class == "discovery-failed"
        || gap.scope.contains(GROUP)
        || KINDS.iter().any(|kind| {
            let rest = gap.scope.strip_prefix(kind);
            rest.is_some_and(|rest| rest.starts_with(' '))
        })
}

fn not_listed(kinds: &[&str]) -> Gap {
    Gap {
        class: "kinds-not-listed".into(),
        what: format!("not listed completely: {}", kinds.join(", ")).into(),
        stage: Stage::Relate,
        scope: GROUP.into(),
        weight: GapWeight::Hides,
        close: "allow get and list on these kinds".into(),
    }
}

/// Bindings that the API server makes itself. The mark can be forged, so it only orders what is printed.
fn stock(snapshot: &Snapshot) -> BTreeSet<ObjectRef> {
    let of = |kind| snapshot.of_kind(GROUP, kind).iter();
    of("ClusterRoleBinding")
        .chain(of("RoleBinding"))
        .filter(|object| {
            let label = object.label("kubernetes.io/bootstrapping");
            let name = &*object.name;
            label.is_some_and(|value| &**value == "rbac-defaults")
                && (name.starts_with("system:") || name == "cluster-admin")
        })
        .map(model::snapshot::Object::reference)
        .collect()
}

fn notes(snapshot: &Snapshot) -> Vec<Text> {
    let mut notes: Vec<Text> = Vec::new();
    if snapshot.origin == Origin::Files {
        notes.push("only what the files bind is told; a cluster has bindings of its own".into());
    }
    if !snapshot.version.known {
        let minor = snapshot.version.minor;
        notes.push(format!("the version is not known: judged as Kubernetes 1.{minor}").into());
    }
    notes
}
