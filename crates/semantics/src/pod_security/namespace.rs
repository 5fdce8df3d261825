//! What a namespace admits, by its labels and the cluster's default.
//! Comes in: labels, what the user declared of the AdmissionConfiguration. Goes out: levels, powers of a pod, truths.
//! Never: "admits nothing" where the labels or the default were not seen. Exemptions of users, runtime classes and
//! namespaces are not seen: they only ever admit more.

use super::{Level, Version, evaluate};
use crate::view::{Inventory, Labels};
use model::evidence::Truth;

const ENFORCE: &str = "pod-security.kubernetes.io/enforce";
const AUDIT: &str = "pod-security.kubernetes.io/audit";
const WARN: &str = "pod-security.kubernetes.io/warn";

/// The admission plugin is on by default from this minor version on (KEP-2579); before, labels decide nothing.
const ENFORCED_SINCE: u16 = 23;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LevelVersion {
    pub level: Level,
    pub version: Version,
}

/// Levels of the three modes; `None`: neither a label nor a known default says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NamespacePolicy {
    pub enforce: Option<LevelVersion>,
    pub audit: Option<LevelVersion>,
    pub warn: Option<LevelVersion>,
}

impl NamespacePolicy {
    const UNKNOWN: NamespacePolicy = NamespacePolicy {
        enforce: None,
        audit: None,
        warn: None,
    };
}

/// What a new pod may have that matters to whoever wants the node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Powers {
    pub privileged: Truth,
    pub host_path: Truth,
    /// Network, process or IPC namespace of the node.
    pub host_namespaces: Truth,
    /// Any capability that opens the node: SYS_ADMIN, SYS_MODULE, SYS_PTRACE ...
    pub escape_capability: Truth,
    /// User 0 of the node, as long as nothing else holds it.
    pub root: Truth,
}

impl Level {
    pub fn parse(text: &str) -> Option<Self> {
        [Level::Privileged, Level::Baseline, Level::Restricted]
            .into_iter()
            .find(|level| level.as_str() == text)
    }

    /// What a pod of this level may have. Nothing that baseline forbids is left but root.
    pub const fn powers(self) -> Powers {
        let all = match self {
            Level::Privileged => Truth::Yes,
            Level::Baseline | Level::Restricted => Truth::No,
        };
        Powers {
            privileged: all,
            host_path: all,
            host_namespaces: all,
            escape_capability: all,
            root: match self {
                Level::Privileged | Level::Baseline => Truth::Yes,
                Level::Restricted => Truth::No,
            },
        }
    }
}

/// The policy of a namespace with these labels. `default`: the level that the AdmissionConfiguration enforces without a
/// label, as declared; its default version is taken to be `latest`. `server`: minor version of the API server.
pub fn namespace_policy(labels: &Labels, default: Option<Level>, server: u16) -> NamespacePolicy {
    if server < ENFORCED_SINCE {
        return NamespacePolicy::UNKNOWN;
    }
    let label = |key: &str| labels.get(key).map(|text| &**text);
    let mode = |key: &str, unclear: Level, default: Option<Level>| {
        let said = label(key).map(|text| Level::parse(text).unwrap_or(unclear));
        let version = label(&format!("{key}-version")).and_then(Version::parse);
        Some(LevelVersion {
            level: said.or(default)?,
            version: version.unwrap_or(Version::Latest).on(server),
        })
    };
    NamespacePolicy {
        enforce: mode(ENFORCE, Level::Restricted, default),
        // These two fail open (`api.PolicyToEvaluate`); of their defaults nothing is declared.
        audit: mode(AUDIT, Level::Privileged, None),
        warn: mode(WARN, Level::Privileged, None),
    }
}

/// The policy of a namespace of the inventory; unknown where its labels were not seen.
pub fn of_namespace(inventory: &Inventory, name: &str) -> NamespacePolicy {
    let all = &inventory.namespaces;
    let found = all
        .binary_search_by(|namespace| (*namespace.name).cmp(name))
        .ok()
        .and_then(|at| all.get(at));
    let Some(namespace) = found.filter(|namespace| namespace.seen) else {
        return NamespacePolicy::UNKNOWN;
    };
    let default = inventory.pod_security_default.as_deref();
    let default = default.and_then(Level::parse);
    namespace_policy(&namespace.labels, default, inventory.minor)
}

impl NamespacePolicy {
    /// What a pod that is created in the namespace may have.
    pub fn powers(&self) -> Powers {
        match self.enforce {
            // Since policy 1.35 root in a user namespace of its own passes; it is nobody on the node.
            Some(enforce) => enforce.level.powers(),
            None => Powers {
                privileged: Truth::Unknown,
                host_path: Truth::Unknown,
                host_namespaces: Truth::Unknown,
                escape_capability: Truth::Unknown,
                root: Truth::Unknown,
            },
        }
    }
}

/// Whether the namespace admits a pod (JSON of a Pod or PodTemplateSpec).
pub fn admits(policy: &NamespacePolicy, pod: &[u8]) -> Truth {
    // Without a level, only what the strictest one admits is certain.
    let (level, version, otherwise) = match policy.enforce {
        Some(enforce) => (enforce.level, enforce.version, Truth::No),
        None => (Level::Restricted, Version::Latest, Truth::Unknown),
    };
    match evaluate(pod, level, version) {
        None => Truth::Unknown,
        Some(judged) if !judged.violations.is_empty() => otherwise,
        Some(judged) if !judged.malformed.is_empty() => Truth::Unknown,
        Some(_) => Truth::Yes,
    }
}
