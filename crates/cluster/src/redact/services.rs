//! From hosts that a dropped value names to the Services of the cluster.
//! A value is read before all Services are known: until then its hosts stand behind it as fingerprints, and their ports
//! are masked. [`settle`] replaces each by the Service whose name it is, or drops it. Never: keeps a name that is none.

use super::Redactor;
use super::hosts::{self, Host};
use memchr::memmem;
use model::mention::Mention;
use model::snapshot::Object;
use model::text::Text;
use rayon::prelude::*;
use rustc_hash::{FxHashMap, FxHashSet};
use std::fmt::Write as _;

/// What begins a host that is not settled: `;?`, `o` or `i` (whether it is a destination anyway), the masked port or
/// `-`, and one look-up or two: `.`, its kind, a fingerprint.
const OPEN: &[u8] = b";?";
/// Hexadecimal digits of a port, and of a fingerprint.
const PORT: usize = 4;
const FINGERPRINT: usize = 16;

/// How a name may lead to a Service (DNS for Services and Pods).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Kind {
    /// `service`, in the namespace of who says it.
    Near,
    /// `service.namespace`.
    Full,
    /// `pod.service`, of a headless Service.
    PodNear,
    /// `pod.service.namespace`.
    PodFull,
}

impl Kind {
    const ALL: [(Kind, u8); 4] = [
        (Kind::Near, b'n'),
        (Kind::Full, b'f'),
        (Kind::PodNear, b'p'),
        (Kind::PodFull, b'q'),
    ];

    fn letter(self) -> char {
        let found = Kind::ALL.iter().find(|(kind, _)| *kind == self);
        found.map_or('n', |(_, letter)| char::from(*letter))
    }
}

/// Writes behind a dropped value what it names.
pub(super) fn pend(redactor: &Redactor, key: &str, value: &str, out: &mut String) {
    let named = hosts::named(key, value);
    if let Some(port) = named.port {
        let _ = write!(out, ";{}", Mention::Port(port));
    }
    for host in &named.hosts {
        if let Some((namespace, name)) = said_in_full(&host.name) {
            let mention = Mention::Service {
                namespace: namespace.into(),
                name: name.into(),
                port: host.port,
            };
            let _ = write!(out, ";{mention}");
        } else {
            open(redactor, host, out);
        }
    }
    if named.more {
        let _ = write!(out, ";{}", Mention::More);
    }
    if named == hosts::Named::default() {
        out.push(';');
    }
}

/// Namespace and Service of a name that says itself that it is the cluster's.
fn said_in_full(name: &str) -> Option<(&str, &str)> {
    let labels: Vec<&str> = name.split('.').take(5).collect();
    match *labels {
        [service, namespace, "svc", ..] | [_, service, namespace, "svc", ..] => {
            Some((namespace, service))
        }
        ["kubernetes", "default"] => Some(("default", "kubernetes")),
        _ => None,
    }
}

fn open(redactor: &Redactor, host: &Host, out: &mut String) {
    let lookups = lookups(&host.name);
    if lookups.is_empty() {
        let mention = Mention::Outside { port: host.port };
        if host.destination {
            let _ = write!(out, ";{mention}");
        }
        return;
    }
    let destination = if host.destination { 'o' } else { 'i' };
    let mut texts = String::new();
    for (kind, name) in lookups {
        let _ = write!(texts, ".{}{}", kind.letter(), hexadecimal(redactor, &name));
    }
    let _ = write!(out, ";?{destination}");
    match host.port {
        Some(port) => {
            let _ = write!(out, "{:04x}", port ^ mask(redactor, texts.as_bytes()));
        }
        None => out.push('-'),
    }
    out.push_str(&texts);
}

/// Names that could be a Service's, the likelier first; none for what cannot be one.
fn lookups(name: &str) -> Vec<(Kind, String)> {
    let labels: Vec<&str> = name.split('.').take(4).collect();
    if name.contains(':') || !name.bytes().any(|b| b.is_ascii_alphabetic()) {
        return Vec::new();
    }
    match *labels {
        [service] => vec![(Kind::Near, service.to_owned())],
        [service, namespace] => vec![
            (Kind::Full, format!("{namespace}/{service}")),
            (Kind::PodNear, namespace.to_owned()),
        ],
        [_, service, namespace] => vec![(Kind::PodFull, format!("{namespace}/{service}"))],
        _ => Vec::new(),
    }
}

fn hexadecimal(redactor: &Redactor, name: &str) -> String {
    let mut out = String::with_capacity(FINGERPRINT);
    for byte in redactor.fingerprint(format!("service {name}").as_bytes()) {
        let _ = write!(out, "{byte:02x}");
    }
    out
}

/// Hides a port from whom has no key: a number behind a name that is no Service may be a secret.
fn mask(redactor: &Redactor, lookups: &[u8]) -> u16 {
    let bytes = [&b"port "[..], lookups].concat();
    match redactor.fingerprint(&bytes) {
        [a, b, ..] => u16::from_be_bytes([a, b]),
    }
}

/// Services by the fingerprints of their names.
struct Services {
    /// By fingerprint of the name: the name.
    near: FxHashMap<String, Text>,
    /// By fingerprint of namespace and name.
    full: FxHashMap<String, (Text, Text)>,
    all: FxHashSet<(Text, Text)>,
    headless: FxHashSet<(Text, Text)>,
}

impl Services {
    fn of(objects: &[Object], redactor: &Redactor) -> Self {
        let mut services = Services {
            near: FxHashMap::default(),
            full: FxHashMap::default(),
            all: FxHashSet::default(),
            headless: FxHashSet::default(),
        };
        let plain = |text: &str| {
            let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
            text.len() <= 63 && text.bytes().all(allowed)
        };
        for object in objects {
            let Some(namespace) = &object.namespace else {
                continue;
            };
            let service = &*object.gvk.kind == "Service" && object.gvk.group.is_empty();
            if !service || !plain(namespace) || !plain(&object.name) {
                continue;
            }
            let key = (Text::clone(namespace), Text::clone(&object.name));
            let near = hexadecimal(redactor, &object.name);
            services.near.insert(near, Text::clone(&object.name));
            let full = hexadecimal(redactor, &format!("{namespace}/{}", object.name));
            services.full.insert(full, key.clone());
            if memmem::find(&object.json, b"\"clusterIP\":\"None\"").is_some() {
                services.headless.insert(key.clone());
            }
            services.all.insert(key);
        }
        services
    }

    fn find(
        &self,
        kind: Kind,
        fingerprint: &str,
        namespace: Option<&Text>,
    ) -> Option<(Text, Text)> {
        let near = || {
            let name = self.near.get(fingerprint)?;
            Some((Text::clone(namespace?), Text::clone(name)))
        };
        let full = || self.full.get(fingerprint).cloned();
        match kind {
            Kind::Near => near().filter(|key| self.all.contains(key)),
            Kind::Full => full(),
            Kind::PodNear => near().filter(|key| self.headless.contains(key)),
            Kind::PodFull => full().filter(|key| self.headless.contains(key)),
        }
    }
}

/// Replaces what [`pend`] wrote, now that all objects are there.
pub(crate) fn settle(objects: &mut [Object], redactor: &Redactor) {
    let services = Services::of(objects, redactor);
    objects.par_iter_mut().for_each(|object| {
        if memmem::find(&object.json, OPEN).is_some() {
            object.json = settled(&object.json, object.namespace.as_ref(), &services, redactor);
        }
    });
}

fn settled(
    json: &[u8],
    namespace: Option<&Text>,
    services: &Services,
    redactor: &Redactor,
) -> Box<[u8]> {
    let mut out = Vec::with_capacity(json.len());
    let mut rest = json;
    while let Some(at) = memmem::find(rest, OPEN) {
        let (before, behind) = rest.split_at(at);
        out.extend_from_slice(before);
        let behind = behind.get(OPEN.len()..).unwrap_or_default();
        let Some((pending, next)) = pending(behind) else {
            out.extend_from_slice(OPEN);
            rest = behind;
            continue;
        };
        let port = pending
            .masked
            .map(|port| port ^ mask(redactor, pending.texts));
        let mut found = pending.lookups.iter();
        let found = found.find_map(|(kind, name)| services.find(*kind, name, namespace));
        let mention = match found {
            Some((namespace, name)) => Some(Mention::Service {
                namespace,
                name,
                port,
            }),
            None => pending.destination.then_some(Mention::Outside { port }),
        };
        let text = mention.map_or_else(String::new, |mention| mention.to_string());
        out.push(b';');
        out.extend_from_slice(text.as_bytes());
        rest = next;
    }
    out.extend_from_slice(rest);
    out.into()
}

struct Pending<'j> {
    destination: bool,
    masked: Option<u16>,
    texts: &'j [u8],
    lookups: Vec<(Kind, &'j str)>,
}

fn pending(bytes: &[u8]) -> Option<(Pending<'_>, &[u8])> {
    let (sign, rest) = bytes.split_first()?;
    let destination = match sign {
        b'o' => true,
        b'i' => false,
        _ => return None,
    };
    let (masked, rest) = if let Some(rest) = rest.strip_prefix(b"-") {
        (None, rest)
    } else {
        let (digits, rest) = rest.split_at_checked(PORT)?;
        let digits = std::str::from_utf8(digits).ok()?;
        (Some(u16::from_str_radix(digits, 16).ok()?), rest)
    };
    let mut lookups = Vec::new();
    let mut left = rest;
    while let Some(([_, letter, name @ ..], next)) = left
        .strip_prefix(b".")
        .and(left.split_at_checked(FINGERPRINT + 2))
    {
        let kind = Kind::ALL.iter().find(|(_, of)| of == letter)?.0;
        let name = std::str::from_utf8(name).ok()?;
        if !name.bytes().all(|b| b.is_ascii_hexdigit()) {
            return None;
        }
        lookups.push((kind, name));
        left = next;
    }
    let texts = rest.get(..rest.len() - left.len())?;
    let pending = Pending {
        destination,
        masked,
        texts,
        lookups,
    };
    (!pending.lookups.is_empty()).then_some((pending, left))
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::object::Gvk;
    use model::snapshot::Place;

    fn object(kind: &str, namespace: &str, name: &str, json: &str) -> Object {
        Object {
            gvk: Gvk {
                group: "".into(),
                kind: kind.into(),
                version: "v1".into(),
            },
            namespace: (!namespace.is_empty()).then(|| namespace.into()),
            name: name.into(),
            uid: None,
            labels: Vec::new(),
            place: Place::Server,
            json: json.as_bytes().into(),
        }
    }

    /// What stays of a value in namespace `shop`, where `web` and the headless `kafka` are; `mq` is in `infra`.
    #[track_caller]
    fn check(key: &str, value: &str, expected: &str) {
        let redactor = Redactor::new([3; 32]);
        let text = redactor.addressed(key, value);
        for name in ["web", "secret", "kafka"] {
            assert!(!text.contains(name) || text.contains(";shop/"), "{text}");
        }
        let mut objects = [
            object("Service", "shop", "web", "{}"),
            object(
                "Service",
                "shop",
                "kafka",
                r#"{"spec":{"clusterIP":"None"}}"#,
            ),
            object("Service", "infra", "mq", "{}"),
            object("Service", "shop", "a\"b", "{}"),
            object("Pod", "shop", "p", &format!("{{\"v\":\"{text}\"}}")),
            object("Node", "", "n", &format!("{{\"v\":\"{text}\"}}")),
        ];
        settle(&mut objects, &redactor);
        for object in &objects {
            assert!(memmem::find(&object.json, OPEN).is_none());
        }
        let json = std::str::from_utf8(&objects[4].json).unwrap();
        let found = model::mention::mentions(json).expect("it was looked at");
        let texts: Vec<String> = found.iter().map(Mention::to_string).collect();
        assert_eq!(texts.join(" "), expected, "{value}: {json}");
    }

    #[test]
    fn services() {
        check("X", "web", "shop/web");
        check("X", "web:8080", "shop/web:8080");
        check("X", "secret", "");
        check("X", "secret:8080", "");
        check("X", "mq", "");
        check("X", "mq.infra", "infra/mq");
        check("X", "http://mq.infra:81/x", "infra/mq:81");
        check("X", "http://mq.infra.svc/x", "infra/mq:80");
        check("X", "mq.infra.svc.cluster.local:5672", "infra/mq:5672");
        check("X", "lost.infra.svc", "infra/lost");
        check("X", "http://lost.infra", "*:80");
        check("X", "http://lost/x", "*:80");
        check("X", "kafka-0.kafka:9092", "shop/kafka:9092");
        check("X", "kafka-0.kafka.shop:9092", "shop/kafka:9092");
        check("X", "kafka-0.kafka.shop.svc:9092", "shop/kafka:9092");
        check("X", "web-0.web:9092", "");
        check("X", "https://kubernetes.default", "default/kubernetes:443");
        check("X", "https://a.b.example.com", "*:443");
        check("X", "http://10.0.0.1", "*:80");
        check("DB_PORT", "5432", ":5432");
        check("X", "http://web,http://web:81", "shop/web:80 shop/web:81");
    }

    #[test]
    fn what_only_looks_like_a_mark_stays() {
        let redactor = Redactor::new([3; 32]);
        for text in [
            ";?",
            ";?x",
            ";?o12",
            ";?o0000",
            ";?i-.z0000000000000000",
            ";?i-.n000000000000000g",
        ] {
            let mut objects = [object("Pod", "shop", "p", text)];
            settle(&mut objects, &redactor);
            assert_eq!(&*objects[0].json, text.as_bytes());
        }
    }
}
