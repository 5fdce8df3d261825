//! Pod Security Standards as the API server's PodSecurity admission decides them, for each policy version.
//! Comes in: a pod or pod template as JSON, a level, a version; labels of a namespace. Goes out: the controls that it
//! violates and where; what a namespace admits. Never: a judgement of how bad that is.
//!
//! Source: Kubernetes, `staging/src/k8s.io/pod-security-admission`. What changed there without a new policy version (the
//! volume type `image`, the AppArmor fields) holds for every version, as in its newest release.

mod baseline;
mod controls;
mod found;
mod namespace;
mod objects;
mod pod;
mod restricted;

pub use crate::declare::PodSecurityLevel as Level;
pub use controls::{CONTROLS, Control};
pub use found::Field;
pub use namespace::{
    LevelVersion, NamespacePolicy, Powers, admits, namespace_policy, of_namespace,
};
pub use objects::{ObjectJudged, evaluate_object, evaluate_snapshot};

use crate::json::{Json, Node, Places};
use controls::NEWEST;
use pod::Pod;

/// A version of the policy: the newest that is known, or that of a Kubernetes minor version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Version {
    Latest,
    Minor(u16),
}

impl Version {
    /// `api.ParseVersion`: `latest` or `v1.N`; `None` for anything else, which the API server reads as `latest`.
    pub fn parse(text: &str) -> Option<Self> {
        if text == "latest" {
            return Some(Version::Latest);
        }
        let minor = text.strip_prefix("v1.")?;
        let plain = minor.bytes().all(|byte| byte.is_ascii_digit());
        if !plain || (minor.len() > 1 && minor.starts_with('0')) {
            return None;
        }
        minor.parse().ok().map(Version::Minor)
    }

    /// What an API server of that minor version makes of it: it knows no later policy than its own.
    #[must_use]
    pub fn on(self, server: u16) -> Self {
        Version::Minor(match self {
            Version::Latest => server,
            Version::Minor(minor) => minor.min(server),
        })
    }

    fn minor(self) -> u16 {
        match self {
            Version::Latest => NEWEST,
            Version::Minor(minor) => minor,
        }
    }
}

/// A control that a pod violates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    pub control: &'static Control,
    /// Where; pointers are into what was evaluated. Never empty; more than 32 are counted only.
    pub fields: Vec<Field>,
    /// Further places of the same kind.
    pub more: usize,
    /// The control of the stricter level that takes this one's place (`OverrideCheckIDs`): the API server names that one
    /// only. It is violated too.
    pub replaced_by: Option<&'static str>,
}

impl Violation {
    /// `/spec/hostPID is true; no namespace of the node: ...`, for people.
    pub fn detail(&self) -> String {
        let mut places: Vec<String> = self.fields.iter().map(ToString::to_string).collect();
        if self.more > 0 {
            places.push(format!("{} more", self.more));
        }
        format!("{}; {}", places.join(", "), self.control.demand)
    }
}

/// What a pod is by a level and version.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Judged {
    /// In the order of [`CONTROLS`]; none: the level admits the pod.
    pub violations: Vec<Violation>,
    /// JSON pointers of fields whose type the API server refuses. They were read as absent.
    pub malformed: Vec<String>,
}

/// Evaluates a Pod or a PodTemplateSpec (`metadata` and `spec`). `None` where the bytes are no JSON.
pub fn evaluate(pod: &[u8], level: Level, version: Version) -> Option<Judged> {
    let tree = Json::parse(pod).ok()?;
    let places = Places::default();
    let violations = violations(Node::new(&tree, &places), "", level, version);
    Some(Judged {
        violations,
        malformed: tree.pointers(&places),
    })
}

/// Evaluates a pod or pod template in the tree of its object, where `pointer` leads to it.
pub fn violations(pod: Node<'_>, pointer: &str, level: Level, version: Version) -> Vec<Violation> {
    let pod = Pod::of(pod, pointer);
    let minor = version.minor();
    let in_force = |control: &&Control| control.level <= level;
    let mut violations: Vec<Violation> = Vec::new();
    for control in CONTROLS.iter().filter(in_force) {
        let Some(check) = control.at(minor) else {
            continue;
        };
        let found = check(&pod);
        if found.is_empty() {
            continue;
        }
        violations.push(Violation {
            control,
            fields: found.fields,
            more: found.more,
            replaced_by: None,
        });
    }
    replace(&mut violations, level, minor);
    violations
}

/// A replaced control stays only beside the one that replaces it: where that one admits the pod, the level does.
fn replace(violations: &mut Vec<Violation>, level: Level, minor: u16) {
    let by = |id: &str| {
        CONTROLS.iter().find(|control| {
            control.replaces == Some(id) && control.level <= level && control.at(minor).is_some()
        })
    };
    let violated: Vec<&str> = violations.iter().map(|v| v.control.id).collect();
    violations.retain_mut(|violation| {
        violation.replaced_by = by(violation.control.id).map(|control| control.id);
        violation
            .replaced_by
            .is_none_or(|other| violated.contains(&other))
    });
}
