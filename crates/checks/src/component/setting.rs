//! One setting of a component: where it stands, what its absence means, and when it is bad.
//! Flags win over the kubelet's file; the files of scheduler and proxy win over their flags.

#![allow(
    clippy::wrong_self_convention,
    reason = "a reading from flags, from a document"
)]

use super::instances::{Config, Instance};
use super::{CLOSE_NODE, Component, Components, Seen, Verdict, flags, gap, unseen};
use model::evidence::Gap;
use serde_json::Value;

/// Where a value is read.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    pub of: Component,
    /// Without dashes; empty: there is none.
    pub flag: &'static str,
    /// In the component's configuration file; empty: not there.
    pub path: &'static [&'static str],
    pub default: Defaults,
}

/// What absence means. The empty text: no value.
#[derive(Clone, Copy, Debug)]
pub enum Defaults {
    Is(&'static str),
    /// Of the kubelet: without a configuration file, and with one (`applyLegacyDefaults` in cmd/kubelet/app/options).
    Kubelet {
        flags: &'static str,
        file: &'static str,
    },
    /// Before this minor version, and from it on.
    Since(u16, &'static str, &'static str),
}

pub const fn api(flag: &'static str, default: &'static str) -> Setting {
    of(Component::ApiServer, flag, &[], Defaults::Is(default))
}

pub const fn controllers(flag: &'static str, default: &'static str) -> Setting {
    of(
        Component::ControllerManager,
        flag,
        &[],
        Defaults::Is(default),
    )
}

pub const fn scheduler(
    flag: &'static str,
    path: &'static [&'static str],
    default: &'static str,
) -> Setting {
    of(Component::Scheduler, flag, path, Defaults::Is(default))
}

pub const fn etcd(flag: &'static str, default: &'static str) -> Setting {
    of(Component::Etcd, flag, &[], Defaults::Is(default))
}

pub const fn proxy(
    flag: &'static str,
    path: &'static [&'static str],
    default: &'static str,
) -> Setting {
    of(Component::Proxy, flag, path, Defaults::Is(default))
}

/// `defaults`: without a configuration file, and with one.
pub const fn kubelet(
    flag: &'static str,
    path: &'static [&'static str],
    defaults: (&'static str, &'static str),
) -> Setting {
    let default = Defaults::Kubelet {
        flags: defaults.0,
        file: defaults.1,
    };
    of(Component::Kubelet, flag, path, default)
}

const fn of(
    of: Component,
    flag: &'static str,
    path: &'static [&'static str],
    default: Defaults,
) -> Setting {
    Setting {
        of,
        flag,
        path,
        default,
    }
}

/// What was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Read {
    Is {
        value: String,
        /// JSON pointer of the argument in a pod.
        pointer: String,
        /// `--profiling=true`, `readOnlyPort: 0 in /var/lib/kubelet/config.yaml`.
        says: String,
    },
    Absent {
        /// Empty: no value.
        default: &'static str,
        says: String,
    },
    Unknown(Gap),
}

impl Read {
    /// The value in force; `None`: there is none, or it is not known.
    pub fn value(&self) -> Option<&str> {
        match self {
            Read::Is { value, .. } => Some(value),
            Read::Absent { default, .. } => Some(*default).filter(|text| !text.is_empty()),
            Read::Unknown(_) => None,
        }
    }

    pub fn pointer(&self) -> &str {
        match self {
            Read::Is { pointer, .. } => pointer,
            _ => "",
        }
    }

    pub fn says(&self) -> String {
        match self {
            Read::Is { says, .. } | Read::Absent { says, .. } => says.clone(),
            Read::Unknown(gap) => gap.what.to_string(),
        }
    }

    pub fn is_true(&self) -> bool {
        self.value().is_some_and(|value| truth(value) == Some(true))
    }

    pub fn is_unknown(&self) -> bool {
        matches!(self, Read::Unknown(_))
    }
}

/// When a value is bad. Lists are separated by commas.
#[derive(Clone, Copy, Debug)]
pub enum Bad {
    Is(&'static [&'static str]),
    Isnt(&'static [&'static str]),
    /// No value.
    Absent,
    Set,
    /// The list has one of these.
    Has(&'static [&'static str]),
    Lacks(&'static str),
    Below(i64),
    Above(i64),
    /// A duration or number that is 0.
    Zero,
    /// The list of `Gate=bool` has the gate with this value.
    Gate(&'static str, bool),
    /// An address that others reach.
    NotLoopback,
    /// One of the URLs is plain http.
    PlainHttp,
    Any(&'static [Bad]),
}

/// strconv.ParseBool.
fn truth(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "TRUE" | "true" | "True" => Some(true),
        "0" | "f" | "F" | "FALSE" | "false" | "False" => Some(false),
        _ => None,
    }
}

fn same(value: &str, wanted: &str) -> bool {
    match wanted {
        "true" | "false" => truth(value) == truth(wanted),
        _ => value == wanted,
    }
}

fn is_loopback(address: &str) -> bool {
    let host = address
        .split_once("://")
        .map_or(address, |(_, rest)| rest)
        .split('/')
        .next()
        .unwrap_or_default();
    if let Some(rest) = host.strip_prefix('[') {
        return rest.starts_with("::1]");
    }
    let name = match host.rsplit_once(':') {
        Some((name, port)) if !name.contains(':') && port.bytes().all(|b| b.is_ascii_digit()) => {
            name
        }
        _ => host,
    };
    name == "localhost" || name.starts_with("127.") || name == "::1"
}

pub(super) fn items(value: Option<&str>) -> impl Iterator<Item = &str> {
    value
        .unwrap_or_default()
        .split(',')
        .map(str::trim)
        .filter(|item| !item.is_empty())
}

impl Bad {
    pub fn holds(&self, value: Option<&str>) -> bool {
        let value = value.filter(|text| !text.is_empty());
        let number = || value.and_then(|text| text.parse::<i64>().ok());
        match self {
            Bad::Is(list) => value.is_some_and(|value| list.iter().any(|one| same(value, one))),
            Bad::Isnt(list) => !value.is_some_and(|value| list.iter().any(|one| same(value, one))),
            Bad::Absent => value.is_none(),
            Bad::Set => value.is_some(),
            Bad::Has(list) => items(value).any(|item| list.contains(&item)),
            Bad::Lacks(wanted) => !items(value).any(|item| item == *wanted),
            Bad::Below(least) => number().is_none_or(|number| number < *least),
            Bad::Above(most) => number().is_none_or(|number| number > *most),
            Bad::Zero => value.is_some_and(|value| {
                value.starts_with(|c: char| c.is_ascii_digit())
                    && value.bytes().all(|b| !b.is_ascii_digit() || b == b'0')
            }),
            Bad::Gate(name, wrong) => {
                let of_gate =
                    |item: &&str| item.split_once('=').is_some_and(|(key, _)| key == *name);
                let last = items(value).filter(of_gate).last();
                last.and_then(|item| truth(item.split_once('=')?.1)) == Some(*wrong)
            }
            Bad::NotLoopback => items(value).any(|item| !is_loopback(item)),
            Bad::PlainHttp => items(value).any(|item| item.starts_with("http://")),
            Bad::Any(all) => all.iter().any(|one| one.holds(value)),
        }
    }

    /// Whether only presence is asked.
    fn needs_no_value(&self) -> bool {
        matches!(self, Bad::Absent | Bad::Set)
    }
}

impl Setting {
    fn default(&self, instance: &Instance, minor: u16) -> &'static str {
        match self.default {
            Defaults::Is(default) => default,
            Defaults::Kubelet { flags, file } => match instance.config {
                Config::None => flags,
                _ => file,
            },
            Defaults::Since(since, before, after) => {
                if minor < since {
                    before
                } else {
                    after
                }
            }
        }
    }

    /// Its name as a person types it.
    pub fn name(&self) -> String {
        if self.flag.is_empty() || self.of == Component::Kubelet && !self.path.is_empty() {
            self.path.join(".")
        } else {
            format!("--{}", self.flag)
        }
    }
}

impl Instance {
    /// The setting as this instance has it.
    pub fn read(&self, setting: &Setting, minor: u16) -> Read {
        if let Some(days) = self.stale {
            let what = format!("what was seen of {} is {days} days old", self.object);
            return Read::Unknown(gap(
                "node-evidence-old",
                what,
                &self.object.to_string(),
                CLOSE_NODE,
            ));
        }
        let file_wins = matches!(self.component, Component::Scheduler | Component::Proxy)
            && !setting.path.is_empty()
            && !matches!(self.config, Config::None);
        if file_wins {
            return self
                .from_config(setting, minor)
                .unwrap_or_else(|| self.absent(setting, minor));
        }
        if let Some(read) = self.from_flags(setting) {
            return read;
        }
        // ETCD_CLIENT_CERT_AUTH; flags win. A configuration file makes etcd forget both.
        if self.component == Component::Etcd {
            let name = format!("ETCD_{}", setting.flag.to_uppercase().replace('-', "_"));
            if let Some((name, value)) = self.environment.iter().find(|(known, _)| *known == name) {
                return Read::Is {
                    value: value.clone(),
                    pointer: String::new(),
                    says: format!("{name}={value}"),
                };
            }
            if let Config::File { path, .. } | Config::Unread { path } = &self.config {
                return self.unread(setting, path);
            }
        }
        if setting.path.is_empty() {
            return match (&self.flags, &self.config) {
                (None, _) => self.unread(setting, "its command line"),
                _ => self.absent(setting, minor),
            };
        }
        if let Some(read) = self.from_config(setting, minor) {
            return read;
        }
        match (&self.flags, &self.config) {
            (None, Config::None) => self.unread(setting, "its command line"),
            _ => self.absent(setting, minor),
        }
    }

    fn from_flags(&self, setting: &Setting) -> Option<Read> {
        if setting.flag.is_empty() {
            return None;
        }
        let (value, at) = flags::value(self.flags.as_deref()?, setting.flag)?;
        Some(Read::Is {
            says: format!("--{}={value}", setting.flag),
            value,
            pointer: self.pointers.get(at).cloned().unwrap_or_default(),
        })
    }

    fn from_config(&self, setting: &Setting, minor: u16) -> Option<Read> {
        let find = |document: &Value| {
            let found = setting
                .path
                .iter()
                .try_fold(document, |node, key| node.get(*key));
            found.and_then(text)
        };
        match &self.config {
            Config::None => None,
            Config::Unread { path } => Some(self.unread(setting, path)),
            Config::File { path, document } => find(document).map(|value| Read::Is {
                says: format!("{}: {value} in {path}", setting.path.join(".")),
                value,
                pointer: String::new(),
            }),
            Config::Effective(document) => {
                let name = setting.path.join(".");
                let zero = match setting.default(self, minor) {
                    "true" | "false" => "false",
                    text if text.parse::<i64>().is_ok() => "0",
                    _ => "",
                };
                Some(match find(document) {
                    Some(value) => Read::Is {
                        says: format!("{name}: {value} in configz"),
                        value,
                        pointer: String::new(),
                    },
                    None if zero.is_empty() => Read::Absent {
                        default: "",
                        says: format!("{name} is not set in configz"),
                    },
                    None => Read::Absent {
                        default: zero,
                        says: format!("{name} is not in configz: it is {zero}"),
                    },
                })
            }
        }
    }

    fn absent(&self, setting: &Setting, minor: u16) -> Read {
        let default = setting.default(self, minor);
        let name = setting.name();
        let says = if default.is_empty() {
            format!("{name} is not set")
        } else {
            format!("{name} is not set: the default is {default}")
        };
        Read::Absent { default, says }
    }

    fn unread(&self, setting: &Setting, what: &str) -> Read {
        let says = format!(
            "{} of {} is not known: {what} was not read",
            setting.name(),
            self.object
        );
        Read::Unknown(gap(
            "component-setting-not-seen",
            says,
            &self.object.to_string(),
            CLOSE_NODE,
        ))
    }
}

/// Lists joined by commas, maps as `key=value`.
fn text(value: &Value) -> Option<String> {
    Some(match value {
        Value::Null => return None,
        Value::String(text) => text.clone(),
        Value::Array(list) => {
            let all: Vec<String> = list.iter().filter_map(text).collect();
            all.join(",")
        }
        Value::Object(map) => {
            let all = map.iter();
            let all: Vec<String> = all
                .filter_map(|(key, value)| Some(format!("{key}={}", text(value)?)))
                .collect();
            all.join(",")
        }
        other => other.to_string(),
    })
}

pub(super) fn judge(components: &Components<'_>, setting: &Setting, bad: &Bad) -> Vec<Seen> {
    let minor = components.minor();
    let mut all = each(components, setting.of, |instance| {
        let read = instance.read(setting, minor);
        if !bad.needs_no_value()
            && let Some(value) = read.value().filter(|value| value.starts_with("redacted:"))
        {
            let what = format!("the value of {} is not kept: {value}", setting.name());
            return vec![Seen::of(
                instance,
                &Read::Unknown(gap(
                    "component-setting-not-seen",
                    what,
                    &instance.object.to_string(),
                    CLOSE_NODE,
                )),
                false,
            )];
        }
        vec![Seen::of(instance, &read, bad.holds(read.value()))]
    });
    all.sort_by(|a, b| (&a.object, &a.pointer).cmp(&(&b.object, &b.pointer)));
    all
}

/// Asks each instance of a component; of kubelets, the nodes of which none was seen are told, too.
pub(super) fn each(
    components: &Components<'_>,
    component: Component,
    mut ask: impl FnMut(&Instance) -> Vec<Seen>,
) -> Vec<Seen> {
    let mut all: Vec<Seen> = components.of(component).flat_map(&mut ask).collect();
    if component == Component::Kubelet {
        let nodes = &components.world.inventory.nodes;
        let unknown: Vec<&str> = nodes
            .iter()
            .map(|node| &*node.name)
            .filter(|name| {
                !components
                    .of(component)
                    .any(|one| one.node.as_deref() == Some(name))
            })
            .collect();
        if let Some(first) = unknown.first()
            && (!all.is_empty()
                || components.world.snapshot.origin == model::snapshot::Origin::Live)
        {
            let what = format!(
                "the kubelet of {} of {} nodes ({first} ...)",
                unknown.len(),
                nodes.len()
            );
            let object = model::object::ObjectRef::new("", "Node", None, first);
            all.push(unseen(object, &what, component));
        }
    }
    if all.is_empty() && components.of(component).next().is_none() {
        return components.none_of(component);
    }
    all
}

impl Components<'_> {
    /// Asks each instance of a component with a function.
    pub fn each(&self, component: Component, ask: impl FnMut(&Instance) -> Vec<Seen>) -> Vec<Seen> {
        each(self, component, ask)
    }
}

impl Seen {
    pub(crate) fn good(instance: &Instance, says: String) -> Self {
        Seen::new(instance, "", says, Verdict::Good)
    }

    pub(crate) fn bad(instance: &Instance, pointer: &str, says: String) -> Self {
        Seen::new(instance, pointer, says, Verdict::Bad)
    }

    pub(crate) fn not_applicable(instance: &Instance, says: String) -> Self {
        Seen::new(instance, "", says, Verdict::NotApplicable)
    }

    pub(crate) fn unknown(instance: &Instance, what: String, close: &str) -> Self {
        let gap = gap(
            "component-setting-not-seen",
            what.clone(),
            &instance.object.to_string(),
            close,
        );
        Seen::new(instance, "", what, Verdict::Unknown(gap))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(bad: &Bad, value: &str, expected: bool) {
        let value = (value != "-").then_some(value);
        assert_eq!(bad.holds(value), expected, "{bad:?} {value:?}");
    }

    #[test]
    fn predicates() {
        check(&Bad::Is(&["true"]), "T", true);
        check(&Bad::Is(&["true"]), "-", false);
        check(&Bad::Isnt(&["false"]), "-", true);
        check(&Bad::Has(&["AlwaysAllow"]), "Node,AlwaysAllow", true);
        check(&Bad::Has(&["AlwaysAllow"]), "NotAlwaysAllow", false);
        check(&Bad::Lacks("Node"), "RBAC", true);
        check(&Bad::Below(30), "30", false);
        check(&Bad::Below(30), "-", true);
        check(&Bad::Zero, "0s", true);
        check(&Bad::Zero, "0h0m0s", true);
        check(&Bad::Zero, "4h0m0s", false);
        check(&Bad::Zero, "-", false);
        check(&Bad::Gate("A", false), "B=false,A=true", false);
        check(&Bad::Gate("A", false), "A=true,A=false", true);
        check(&Bad::NotLoopback, "127.0.0.1:10249", false);
        check(&Bad::NotLoopback, "[::1]:10249", false);
        check(&Bad::NotLoopback, "0.0.0.0", true);
        check(&Bad::NotLoopback, "::", true);
        check(
            &Bad::NotLoopback,
            "http://127.0.0.1:2381,http://10.0.0.1:2381",
            true,
        );
        check(&Bad::PlainHttp, "https://a,http://b", true);
    }
}
