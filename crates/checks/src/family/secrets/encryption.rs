//! What an EncryptionConfiguration does to Secrets on their way into etcd. Comes in: configuration files of nodes.
//! Goes out: which provider writes a resource, findings. Never: a key; of keys only the length is known.
//!
//! Source: `apiserver.config.k8s.io/v1`, "Encrypting Confidential Data at Rest" (order, wildcards), KEP-3299 (KMS v2).

use crate::world::{Sink, World};
use model::evidence::{Gap, GapWeight, Stage};
use model::host::{FileState, Host, HostDocument};
use model::object::ObjectRef;
use semantics::json::{Json, Node, Places};

/// One configuration file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Encryption {
    /// The first entry that means a resource decides.
    pub(crate) entries: Vec<Entry>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) resources: Vec<String>,
    /// The first one writes, all are tried to read.
    pub(crate) providers: Vec<Provider>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Provider {
    /// Plain text.
    Identity,
    /// Lengths of the keys in bytes, where they are known; the first one writes.
    AesCbc(Vec<Option<u32>>),
    AesGcm(Vec<Option<u32>>),
    Secretbox(Vec<Option<u32>>),
    Kms {
        v2: bool,
    },
    /// Not understood.
    Other,
}

impl Encryption {
    /// `None`: the file is no EncryptionConfiguration.
    pub(crate) fn of(json: &str) -> Option<Self> {
        let tree = Json::parse(json.as_bytes()).ok()?;
        let places = Places::default();
        let root = Node::new(&tree, &places);
        let kind = root.text("kind")?;
        if !matches!(kind, "EncryptionConfiguration" | "EncryptionConfig") {
            return None;
        }
        let entries = root.list("resources").map(|entry| Entry {
            resources: entry.texts("resources").map(str::to_owned).collect(),
            providers: entry.list("providers").map(provider).collect(),
        });
        Some(Encryption {
            entries: entries.collect(),
        })
    }

    /// The provider that writes a resource, and the index of its entry; `None`: no entry means it, so it is plain text.
    pub(crate) fn writes(&self, group: &str, resource: &str) -> Option<(usize, &Provider)> {
        let mut all = self.entries.iter().enumerate();
        let (n, entry) = all.find(|(_, entry)| {
            let mut names = entry.resources.iter();
            names.any(|name| means(name, group, resource))
        })?;
        Some((n, entry.providers.first()?))
    }
}

/// `secrets`, `widgets.example.com`, `*.` (the core group), `*.example.com`, `*.*`.
fn means(name: &str, group: &str, resource: &str) -> bool {
    if name == "*.*" {
        return true;
    }
    let (of, in_group) = name.split_once('.').unwrap_or((name, ""));
    in_group == group && (of == resource || (of == "*" && name.contains('.')))
}

fn provider(node: Node<'_>) -> Provider {
    let keys = |of: &str| node.at(&[of, "keys"]).items().map(length).collect();
    let there = |of: &str| !node.get(of).is_absent();
    match () {
        () if there("identity") => Provider::Identity,
        () if there("aescbc") => Provider::AesCbc(keys("aescbc")),
        () if there("aesgcm") => Provider::AesGcm(keys("aesgcm")),
        () if there("secretbox") => Provider::Secretbox(keys("secretbox")),
        () if there("kms") => Provider::Kms {
            v2: node.get("kms").text("apiVersion") == Some("v2"),
        },
        () => Provider::Other,
    }
}

/// Bytes of a key, from `redacted:v1:CLASS:LENGTH:FINGERPRINT`.
fn length(key: Node<'_>) -> Option<u32> {
    let rest = key.text("secret")?.strip_prefix("redacted:v1:")?;
    rest.split(':').nth(1)?.parse().ok()
}

struct Seen<'a> {
    host: &'a Host,
    document: &'a HostDocument,
    encryption: Encryption,
}

fn seen<'a>(world: &World<'a>) -> Vec<Seen<'a>> {
    let mut all = Vec::new();
    for host in &world.beside.hosts {
        for document in &host.documents {
            if let Some(encryption) = Encryption::of(&document.json) {
                all.push(Seen {
                    host,
                    document,
                    encryption,
                });
            }
        }
    }
    all
}

fn node(host: &Host) -> ObjectRef {
    ObjectRef::new("", "Node", None, host.node.as_deref().unwrap_or("-"))
}

/// Asks of the provider that writes Secrets; `judge` says what is wrong with it.
fn ask(
    world: &World<'_>,
    sink: &mut Sink<'_>,
    judge: impl Fn(Option<(usize, &Provider)>) -> Option<String>,
) {
    let all = seen(world);
    if all.is_empty() {
        return sink.unknown(Gap {
            class: "encryption-not-seen".into(),
            what: "no EncryptionConfiguration of an API server was seen".into(),
            stage: Stage::Relate,
            scope: "cluster".into(),
            weight: GapWeight::Hides,
            close: "run plimsoll scan node on the control plane".into(),
        });
    }
    for one in all {
        sink.looked(1);
        if let Some(says) = judge(one.encryption.writes("", "secrets")) {
            let says = format!("{}: {says}", one.document.path);
            sink.about(world, &node(one.host), "", says);
        }
    }
}

pub(super) fn plain_text(world: &World<'_>, sink: &mut Sink<'_>) {
    ask(world, sink, |writes| match writes {
        None => Some("no entry of resources means secrets".to_owned()),
        Some((n, Provider::Identity)) => Some(format!(
            "/resources/{n}/providers/0 is identity, which writes plain text"
        )),
        Some(_) => None,
    });
}

pub(super) fn cbc(world: &World<'_>, sink: &mut Sink<'_>) {
    ask(world, sink, |writes| match writes {
        Some((n, Provider::AesCbc(_))) => Some(format!("/resources/{n}/providers/0 is aescbc")),
        _ => None,
    });
}

pub(super) fn gcm(world: &World<'_>, sink: &mut Sink<'_>) {
    ask(world, sink, |writes| match writes {
        Some((n, Provider::AesGcm(_))) => Some(format!("/resources/{n}/providers/0 is aesgcm")),
        _ => None,
    });
}

pub(super) fn old_kms(world: &World<'_>, sink: &mut Sink<'_>) {
    ask(world, sink, |writes| match writes {
        Some((n, Provider::Kms { v2: false })) => {
            Some(format!("/resources/{n}/providers/0/kms is of version v1"))
        }
        _ => None,
    });
}

/// 256 bits are what every provider takes.
const KEY: u32 = 32;

pub(super) fn short_key(world: &World<'_>, sink: &mut Sink<'_>) {
    ask(world, sink, |writes| {
        let (n, Provider::AesCbc(keys) | Provider::AesGcm(keys) | Provider::Secretbox(keys)) =
            writes?
        else {
            return None;
        };
        let length = keys.first().copied().flatten()?;
        (length < KEY)
            .then(|| format!("the first key of /resources/{n}/providers/0 has {length} bytes"))
    });
}

pub(super) fn readable_file(world: &World<'_>, sink: &mut Sink<'_>) {
    let all = seen(world);
    for one in &all {
        // A file that names a KMS holds no key.
        let holds = one
            .encryption
            .entries
            .iter()
            .flat_map(|entry| &entry.providers)
            .any(|provider| !matches!(provider, Provider::Identity | Provider::Kms { .. }));
        let file = one
            .host
            .files
            .iter()
            .find(|file| file.path == one.document.path);
        let Some(FileState::Is(status)) = file.map(|file| &file.state) else {
            continue;
        };
        if !holds {
            continue;
        }
        sink.looked(1);
        if status.mode & 0o077 != 0 || status.uid != 0 {
            let says = format!(
                "{} has mode {:o} and owner {}",
                one.document.path, status.mode, status.uid
            );
            sink.about(world, &node(one.host), "", says);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(resources: &str, group: &str, resource: &str, expected: Option<&(usize, Provider)>) {
        let text = format!(r#"{{"kind":"EncryptionConfiguration","resources":{resources}}}"#);
        let encryption = Encryption::of(&text).expect("a configuration");
        let writes = encryption.writes(group, resource);
        let expected = expected.map(|(n, provider)| (*n, provider));
        assert_eq!(writes, expected, "{resource}.{group} of {resources}");
    }

    #[test]
    fn the_first_provider_of_the_first_entry_writes() {
        let identity = || Some((0, Provider::Identity));
        let kms = |n| Some((n, Provider::Kms { v2: true }));
        let plain = r#"{"identity":{}}"#;
        let service = r#"{"kms":{"apiVersion":"v2"}}"#;
        let one = |name: &str, providers: &str| {
            format!(r#"[{{"resources":["{name}"],"providers":[{providers}]}}]"#)
        };
        for (name, group, resource, expected) in [
            ("secrets", "", "secrets", kms(0)),
            ("secrets", "", "configmaps", None),
            ("secrets", "example.com", "secrets", None),
            ("secrets.", "", "secrets", kms(0)),
            ("*.", "", "secrets", kms(0)),
            ("*.", "apps", "deployments", None),
            ("*.*", "apps", "deployments", kms(0)),
            ("*.*", "", "secrets", kms(0)),
            ("*.apps", "apps", "deployments", kms(0)),
            ("*.apps", "", "secrets", None),
            ("widgets.example.com", "example.com", "widgets", kms(0)),
            // No wildcard is written without a group.
            ("*", "", "secrets", None),
        ] {
            check(&one(name, service), group, resource, expected.as_ref());
        }
        check(
            &one("secrets", &format!("{plain},{service}")),
            "",
            "secrets",
            identity().as_ref(),
        );
        check(
            &one("secrets", &format!("{service},{plain}")),
            "",
            "secrets",
            kms(0).as_ref(),
        );
        let two = |first: &str, second: &str| {
            format!(
                r#"[{{"resources":["{first}"],"providers":[{plain}]}},{{"resources":["{second}"],"providers":[{service}]}}]"#
            )
        };
        check(&two("*.*", "secrets"), "", "secrets", identity().as_ref());
        check(&two("configmaps", "*.*"), "", "secrets", kms(1).as_ref());
        check("[]", "", "secrets", None);
        check(&one("secrets", ""), "", "secrets", None);
    }

    #[test]
    fn lengths_of_keys_are_those_that_were_kept() {
        let keys = |kind: &str| {
            format!(
                r#"[{{"resources":["secrets"],"providers":[{{"{kind}":{{"keys":[{{"name":"a","secret":"redacted:v1:binary:16:0011223344556677"}},{{"name":"b","secret":"x"}}]}}}}]}}]"#
            )
        };
        let lengths = vec![Some(16), None];
        check(
            &keys("aescbc"),
            "",
            "secrets",
            Some(&(0, Provider::AesCbc(lengths.clone()))),
        );
        check(
            &keys("aesgcm"),
            "",
            "secrets",
            Some(&(0, Provider::AesGcm(lengths.clone()))),
        );
        check(
            &keys("secretbox"),
            "",
            "secrets",
            Some(&(0, Provider::Secretbox(lengths))),
        );
        check(
            r#"[{"resources":["secrets"],"providers":[{"kms":{}}]}]"#,
            "",
            "secrets",
            Some(&(0, Provider::Kms { v2: false })),
        );
        check(
            r#"[{"resources":["secrets"],"providers":[{"new":{}}]}]"#,
            "",
            "secrets",
            Some(&(0, Provider::Other)),
        );
        assert_eq!(Encryption::of(r#"{"kind":"Policy"}"#), None);
        assert_eq!(Encryption::of("{"), None);
    }
}
