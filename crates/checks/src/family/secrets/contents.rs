//! What values are by their class, length and fingerprint: nothing else of them is known. Comes in: Secrets, ConfigMaps,
//! annotations. Goes out: findings with the key. Never: a value.

use crate::world::{Sink, World, read};
use jiff::{Span, Timestamp};
use model::evidence::{Gap, GapWeight, Stage};
use model::object::ObjectRef;
use model::snapshot::Object;
use semantics::json::{Node, escape};
use std::collections::{BTreeMap, BTreeSet};

/// `redacted:v1:CLASS:LENGTH:FINGERPRINT`, whatever stands behind it.
struct Dropped<'t> {
    class: &'t str,
    length: usize,
    fingerprint: &'t str,
}

fn dropped(text: &str) -> Option<Dropped<'_>> {
    let mut parts = text.strip_prefix("redacted:v1:")?.splitn(3, ':');
    let (class, length) = (parts.next()?, parts.next()?.parse().ok()?);
    let fingerprint = parts.next()?.get(..16)?;
    Some(Dropped {
        class,
        length,
        fingerprint,
    })
}

/// A long text with a URL and an address of mail in it is no URL with a password.
const LONG_URL: usize = 256;

/// A credential by its own shape.
fn credential(value: &Dropped<'_>) -> bool {
    match value.class {
        "private-key" | "token-jwt" | "token" | "docker-config" => true,
        "url-with-credentials" => value.length <= LONG_URL,
        _ => false,
    }
}

/// Whether a key says that its value is a password or key itself, not the name or path of one.
fn names_password(key: &str) -> bool {
    const ENDINGS: [&str; 11] = [
        "password",
        "passwd",
        "passphrase",
        "pwd",
        "apikey",
        "secretkey",
        "accesskey",
        "privatekey",
        "clientsecret",
        "authtoken",
        "apitoken",
    ];
    let plain: String = key
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_lowercase())
        .collect();
    ENDINGS.iter().any(|ending| plain.ends_with(ending))
}

fn values(root: Node<'_>) -> impl Iterator<Item = (&'static str, &str, &str)> {
    ["data", "stringData", "binaryData"]
        .into_iter()
        .flat_map(move |part| {
            root.get(part)
                .entries()
                .filter_map(move |(key, value)| Some((part, key, value.as_text()?)))
        })
}

/// ConfigMaps with a value of which `is` holds.
fn config_maps(world: &World<'_>, sink: &mut Sink<'_>, is: impl Fn(&str, &Dropped<'_>) -> bool) {
    if !sink.saw(world, "", "ConfigMap") {
        return;
    }
    world.each("", "ConfigMap", |object, root| {
        sink.looked(1);
        for (part, key, text) in values(root) {
            if let Some(value) = dropped(text).filter(|value| is(key, value)) {
                let pointer = format!("/{part}/{}", escape(key));
                let says = format!("{pointer} holds a value of class {}", value.class);
                sink.about(world, &object.reference(), pointer, says);
            }
        }
    });
}

pub(super) fn in_config_map(world: &World<'_>, sink: &mut Sink<'_>) {
    config_maps(world, sink, |_, value| credential(value));
}

pub(super) fn password_in_config_map(world: &World<'_>, sink: &mut Sink<'_>) {
    config_maps(world, sink, |key, value| {
        value.class == "password-like" && names_password(key)
    });
}

pub(super) fn release_in_config_map(world: &World<'_>, sink: &mut Sink<'_>) {
    config_maps(world, sink, |_, value| value.class == "helm-release");
}

/// Annotations of any object.
pub(super) fn in_annotation(world: &World<'_>, sink: &mut Sink<'_>) {
    const CLASSES: [&str; 4] = [
        "redacted:v1:private-key:",
        "redacted:v1:token",
        "redacted:v1:docker-config:",
        "redacted:v1:url-with-credentials:",
    ];
    for object in &world.snapshot.objects {
        sink.looked(1);
        // Most objects are not parsed for this.
        let text = std::str::from_utf8(&object.json).unwrap_or("");
        if !CLASSES.iter().any(|class| text.contains(class)) {
            continue;
        }
        read(object, |root| {
            let owned = root
                .at(&["metadata", "ownerReferences"])
                .items()
                .next()
                .is_some();
            // What an owner writes is said of the owner.
            if owned {
                return;
            }
            for (key, value) in root.at(&["metadata", "annotations"]).entries() {
                let value = value.as_text().and_then(dropped);
                if let Some(value) = value.filter(credential) {
                    let pointer = format!("/metadata/annotations/{}", escape(key));
                    let says = format!("{pointer} holds a value of class {}", value.class);
                    sink.about(world, &object.reference(), pointer, says);
                }
            }
        });
    }
}

/// Secrets whose values somebody made or copied: tokens that the cluster issues and releases are left out.
fn secrets(
    world: &World<'_>,
    sink: &mut Sink<'_>,
    mut ask: impl FnMut(&Object, Node<'_>, &mut Sink<'_>),
) {
    if !sink.saw(world, "", "Secret") {
        return;
    }
    world.each("", "Secret", |object, root| {
        let made = !matches!(
            root.text("type"),
            Some(
                "kubernetes.io/service-account-token"
                    | "helm.sh/release.v1"
                    | "bootstrap.kubernetes.io/token"
            )
        );
        if made {
            ask(object, root, sink);
        }
    });
}

type Places = BTreeMap<String, Vec<(ObjectRef, String)>>;

/// Equal values in several namespaces.
fn shared(world: &World<'_>, sink: &mut Sink<'_>, is: impl Fn(&Dropped<'_>) -> bool) {
    let mut places: Places = BTreeMap::new();
    secrets(world, sink, |object, root, sink| {
        sink.looked(1);
        // Copied by a controller, on purpose.
        let copied = root
            .at(&["metadata", "annotations"])
            .entries()
            .any(|(key, _)| key.contains("reflector") || key.contains("replicator"));
        if copied {
            return;
        }
        for (part, key, text) in values(root) {
            if let Some(value) = dropped(text).filter(&is) {
                let at = (object.reference(), format!("/{part}/{}", escape(key)));
                places
                    .entry(value.fingerprint.to_owned())
                    .or_default()
                    .push(at);
            }
        }
    });
    let mut found: Vec<(&ObjectRef, &str, String)> = Vec::new();
    for all in places.values() {
        let namespaces: BTreeSet<Option<&str>> = all
            .iter()
            .map(|(object, _)| object.namespace.as_deref())
            .collect();
        let Some((first, pointer)) = all.first().filter(|_| namespaces.len() > 1) else {
            continue;
        };
        let others: Vec<String> = all
            .iter()
            .filter(|(object, _)| object.namespace != first.namespace)
            .map(|(object, _)| object.to_string())
            .take(3)
            .collect();
        let says = format!(
            "{pointer} is equal in {} namespaces: {}",
            namespaces.len(),
            others.join(", ")
        );
        found.push((first, pointer, says));
    }
    found.sort();
    for (object, pointer, says) in found {
        sink.about(world, object, pointer, says);
    }
}

pub(super) fn shared_key(world: &World<'_>, sink: &mut Sink<'_>) {
    shared(world, sink, |value| value.class == "private-key");
}

/// Shorter ones are equal by chance, or names.
const PASSWORD: usize = 8;

pub(super) fn shared_password(world: &World<'_>, sink: &mut Sink<'_>) {
    shared(world, sink, |value| {
        matches!(
            value.class,
            "password-like" | "token" | "token-jwt" | "url-with-credentials"
        ) && (PASSWORD..=LONG_URL).contains(&value.length)
    });
}

pub(super) fn short_password(world: &World<'_>, sink: &mut Sink<'_>) {
    secrets(world, sink, |object, root, sink| {
        for (part, key, text) in values(root) {
            if !names_password(key) {
                continue;
            }
            sink.looked(1);
            let Some(value) = dropped(text) else {
                continue;
            };
            let weak = matches!(value.class, "password-like" | "number" | "boolean");
            if weak && value.length < PASSWORD {
                let pointer = format!("/{part}/{}", escape(key));
                let says = format!("{pointer} has {} characters", value.length);
                sink.about(world, &object.reference(), pointer, says);
            }
        }
    });
}

/// A year.
const OLD: i64 = 365;

pub(super) fn old(world: &World<'_>, sink: &mut Sink<'_>) {
    let Some(now) = world.beside.now else {
        return sink.unknown(Gap {
            class: "clock-missing".into(),
            what: "the age of Secrets is not known without a date".into(),
            stage: Stage::Relate,
            scope: "secrets".into(),
            weight: GapWeight::Hides,
            close: "give --now".into(),
        });
    };
    let Ok(limit) = now.checked_sub(Span::new().hours(OLD * 24)) else {
        return;
    };
    secrets(world, sink, |object, root, sink| {
        let made = root.at(&["metadata", "creationTimestamp"]).as_text();
        let Some(made) = made.and_then(|text| text.parse::<Timestamp>().ok()) else {
            return;
        };
        sink.looked(1);
        if made < limit {
            let pointer = "/metadata/creationTimestamp";
            sink.about(
                world,
                &object.reference(),
                pointer,
                format!("{pointer} is {made}"),
            );
        }
    });
}
