//! Writes canonical JSON and decides field by field what is kept, dropped or redacted.
//! The walk goes down with a [`Field`]: what the place means. Its depth is that of the tree, which is bounded.

use super::flags::{self, Component};
use crate::kinds;
use crate::redact::{Class, Redactor, classify};
use crate::tree::{Document, NodeId, Value, scalar};
use model::object::Gvk;

/// Kept at any length up to this; above it annotations are redacted as a whole.
const LONG_ANNOTATION: usize = 256;
/// Longest text kept of built-in kinds, of admission policies (expressions), and of custom kinds.
const LONG_TEXT: usize = 4096;
const LONG_EXPRESSION: usize = 32 * 1024;
const LONG_CUSTOM_TEXT: usize = 512;
const LONG_SYSTEM_CONFIG: usize = 64 * 1024;
const LONG_PARAMETER: usize = 64;

/// Reused from object to object.
#[derive(Default)]
pub(super) struct Buffers {
    out: Vec<u8>,
    entries: Vec<(NodeId, NodeId)>,
}

pub(super) struct Head<'h> {
    pub(super) gvk: &'h Gvk,
    pub(super) namespace: Option<&'h str>,
    pub(super) name: &'h str,
}

pub(super) fn json(
    document: &Document<'_>,
    root: NodeId,
    head: &Head<'_>,
    redactor: &Redactor,
    buffers: &mut Buffers,
) -> Box<[u8]> {
    buffers.out.clear();
    buffers.entries.clear();
    let mut writer = Writer {
        document,
        redactor,
        buffers,
        custom: !kinds::is_builtin(&head.gvk.group),
        long: match &*head.gvk.group {
            "admissionregistration.k8s.io" => LONG_EXPRESSION,
            group if kinds::is_builtin(group) => LONG_TEXT,
            _ => LONG_CUSTOM_TEXT,
        },
    };
    let root_field = match (&*head.gvk.group, &*head.gvk.kind) {
        ("", "Secret") => Field::Secret,
        ("", "ConfigMap") if is_system_config(head) => Field::SystemConfigMap,
        ("", "ConfigMap") => Field::ConfigMap,
        ("apiextensions.k8s.io", "CustomResourceDefinition") => Field::Definition,
        _ => Field::Object,
    };
    writer.root(root, root_field, head.gvk);
    buffers.out.as_slice().into()
}

/// Whether a line of a configuration names a credential, in flow style too (`{token: x}`), or holds one by its shape.
pub(crate) fn is_secret_line(line: &str) -> bool {
    let named = |part: &str| {
        part.split_once([':', '='])
            .is_some_and(|(key, _)| classify::names_credential(key))
    };
    line.split(['{', '}', '[', ']', ',', ';']).any(named)
        || (line.contains("://") && line.contains('@'))
        || line
            .split(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '='))
            .any(classify::is_credential)
}

/// ConfigMaps whose values later stages read.
fn is_system_config(head: &Head<'_>) -> bool {
    head.namespace == Some("kube-system")
        && (matches!(
            head.name,
            "aws-auth"
                | "coredns"
                | "kubeadm-config"
                | "kubelet-config"
                | "extension-apiserver-authentication"
        ) || head.name.starts_with("kubelet-config-1."))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Field {
    // Roots.
    Object,
    Secret,
    ConfigMap,
    SystemConfigMap,
    Definition,
    // Parts.
    Metadata,
    Owner,
    Annotations,
    Status,
    Condition,
    ContainerStatus,
    DefinitionSpec,
    DefinitionVersion,
    /// Anything else; texts are looked at one by one.
    Plain,
    /// A mapping with a command line.
    Container(Option<Component>),
    Environment,
    Command(Option<Component>),
    Arguments(Option<Component>),
    /// Every value is dropped, the key stays.
    Values,
    /// Like `Values`; which Services a value names is kept.
    Addressed,
    /// Like `Values`, of base64 texts.
    EncodedValues,
    SystemValues,
    /// Options of a driver: short plain values stay.
    Parameters,
    /// The whole subtree is dropped as one value.
    Dropped(Class),
    Url,
    Image,
    /// Written as it is, into a buffer that is dropped.
    Raw,
}

struct Writer<'w, 'a> {
    document: &'w Document<'a>,
    redactor: &'w Redactor,
    buffers: &'w mut Buffers,
    custom: bool,
    long: usize,
}

impl Writer<'_, '_> {
    /// The object itself. Items of lists do not say their type; the canonical form does.
    fn root(&mut self, id: NodeId, field: Field, gvk: &Gvk) {
        let document = self.document;
        if document.get(id, "apiVersion").is_some() && document.get(id, "kind").is_some() {
            return self.value(id, field, "");
        }
        self.push("{\"apiVersion\":");
        self.quoted(&gvk.api_version());
        let mut keys: Vec<(&str, Option<NodeId>)> = document
            .entries(id)
            .filter_map(|(key, value)| Some((document.as_text(key)?, Some(value))))
            .filter(|(key, _)| !matches!(*key, "apiVersion" | "kind"))
            .collect();
        keys.push(("kind", None));
        keys.sort_unstable_by_key(|(key, _)| *key);
        for (key, value) in keys {
            let Some(value) = value else {
                self.push(",\"kind\":");
                self.quoted(&gvk.kind);
                continue;
            };
            if matches!(document.value(value), Value::Null) {
                continue;
            }
            if let Some(below) = self.below(field, key, value) {
                self.push(",");
                self.quoted(key);
                self.push(":");
                self.value(value, below, key);
            }
        }
        self.push("}");
    }

    /// `name` is the key that holds the value.
    fn value(&mut self, id: NodeId, field: Field, name: &str) {
        let document = self.document;
        if let Field::Dropped(class) = field {
            return self.dropped(id, class, name);
        }
        match document.value(id) {
            Value::Mapping(_) => self.mapping(id, field),
            Value::Sequence(_) => self.sequence(id, field, name),
            Value::Text(text) => self.text(text, field, name),
            _ if matches!(
                field,
                Field::Values | Field::Addressed | Field::EncodedValues | Field::SystemValues
            ) =>
            {
                self.scalar_dropped(id, name, field);
            }
            Value::Number(text) => self.push(&scalar::json_number(text)),
            Value::Bool(true) => self.push("true"),
            Value::Bool(false) => self.push("false"),
            _ => self.push("null"),
        }
    }

    fn mapping(&mut self, id: NodeId, field: Field) {
        let document = self.document;
        let field = match field {
            Field::Plain
                if document.get(id, "command").is_some() || document.get(id, "args").is_some() =>
            {
                Field::Container(self.component(id))
            }
            other => other,
        };
        let name_of = |key: &(NodeId, NodeId)| document.as_text(key.0).unwrap_or("");
        let first = self.buffers.entries.len();
        self.buffers.entries.extend(document.entries(id));
        if let Some(entries) = self.buffers.entries.get_mut(first..) {
            entries.sort_unstable_by(|a, b| name_of(a).cmp(name_of(b)));
        }
        let last = self.buffers.entries.len();
        // The value of a variable or header is judged by the name beside it.
        let beside = match field {
            Field::Environment => document
                .get(id, "name")
                .and_then(|name| document.as_text(name)),
            _ => None,
        };
        self.push("{");
        let mut any = false;
        for at in first..last {
            let Some((key, value)) = self.buffers.entries.get(at).copied() else {
                break;
            };
            let key = document.as_text(key).unwrap_or("");
            if matches!(document.value(value), Value::Null) {
                continue;
            }
            let Some(below) = self.below(field, key, value) else {
                continue;
            };
            if any {
                self.push(",");
            }
            any = true;
            self.quoted(key);
            self.push(":");
            let name = match below {
                Field::Values | Field::Addressed => beside.unwrap_or(key),
                _ => key,
            };
            self.value(value, below, name);
        }
        self.buffers.entries.truncate(first);
        self.push("}");
    }

    fn sequence(&mut self, id: NodeId, field: Field, name: &str) {
        let document = self.document;
        self.push("[");
        let mut previous: Option<&str> = None;
        for (at, item) in document.children(id).enumerate() {
            if at > 0 {
                self.push(",");
            }
            match (field, document.value(item)) {
                (Field::Command(_), Value::Text(text)) if at == 0 => {
                    let program = flags::program(text, self.redactor);
                    self.quoted(&program);
                }
                (Field::Command(component) | Field::Arguments(component), Value::Text(text)) => {
                    let out = flags::argument(text, previous, component, self.redactor);
                    self.quoted(&out);
                    previous = flags::flag_name(text).filter(|flag| flag.len() == text.len());
                }
                (Field::Command(_) | Field::Arguments(_), Value::Number(_) | Value::Bool(_)) => {
                    self.scalar_dropped(item, previous.unwrap_or(name), Field::Addressed);
                    previous = None;
                }
                _ => self.value(item, field, name),
            }
        }
        self.push("]");
    }

    fn text(&mut self, text: &str, field: Field, name: &str) {
        let redactor = self.redactor;
        let out = match field {
            Field::Raw => None,
            Field::Values => Some(redactor.text(name, text)),
            Field::Addressed | Field::Command(_) | Field::Arguments(_) => {
                Some(redactor.addressed(name, text))
            }
            Field::EncodedValues => Some(redactor.base64(name, text)),
            Field::SystemValues => Some(self.system_value(name, text)),
            Field::Url => Some(redactor.url(text)),
            Field::Image => is_image_with_credentials(text)
                .then(|| redactor.dropped(Class::UrlWithCredentials, text.as_bytes())),
            Field::Annotations => {
                (!keeps_annotation(name, text)).then(|| redactor.text(name, text))
            }
            Field::Parameters => (text.len() > LONG_PARAMETER
                || classify::is_credential(text)
                || classify::names_credential(name))
            .then(|| redactor.text(name, text)),
            _ => self.plain_text(text, name),
        };
        match out {
            Some(out) => self.quoted(&out),
            None => self.quoted(text),
        }
    }

    /// What is written instead of a text of no special place; `None`: the text itself.
    fn plain_text(&self, text: &str, name: &str) -> Option<String> {
        if text.len() > self.long
            || classify::is_credential(text)
            || classify::names_credential(name)
        {
            return Some(self.redactor.text(name, text));
        }
        // A probe's path may carry a token in its query.
        if name == "path"
            && let Some((path, query)) = text.split_once('?')
        {
            return Some(format!("{path}?{}", self.redactor.text("query", query)));
        }
        if self.custom && text.contains("://") && text.contains(['?', '@']) {
            return Some(self.redactor.url(text));
        }
        None
    }

    fn system_value(&self, name: &str, text: &str) -> String {
        if text.len() > LONG_SYSTEM_CONFIG || text.contains("PRIVATE KEY") {
            return self.redactor.text(name, text);
        }
        let mut out = String::with_capacity(text.len());
        // Lines that are indented deeper than this belong to a value that is dropped.
        let mut dropped = None;
        for line in text.split_inclusive('\n') {
            let start = line.trim_start();
            let indent = line.len() - start.len();
            if dropped.is_some_and(|below| start.is_empty() || indent > below) {
                continue;
            }
            dropped = None;
            let (key, value) = line.split_once([':', '=']).unwrap_or(("", line));
            if !is_secret_line(line) {
                out.push_str(line);
                continue;
            }
            out.push_str(key);
            out.push_str(": ");
            out.push_str(&self.redactor.text(key, value.trim()));
            out.push_str(if line.ends_with('\n') { "\n" } else { "" });
            if value.trim().is_empty() || value.trim_start().starts_with(['|', '>', '&', '!']) {
                dropped = Some(indent);
            }
        }
        out
    }

    /// What a key of a mapping means; `None`: the entry is left out.
    fn below(&self, field: Field, key: &str, value: NodeId) -> Option<Field> {
        match field {
            Field::Object => Some(self.below_object(key, value)),
            Field::Secret => match key {
                "data" => Some(Field::EncodedValues),
                "stringData" => Some(Field::Values),
                _ => Some(self.below_object(key, value)),
            },
            Field::ConfigMap => match key {
                "data" => Some(Field::Addressed),
                "binaryData" => Some(Field::EncodedValues),
                _ => Some(self.below_object(key, value)),
            },
            Field::SystemConfigMap => match key {
                "data" => Some(Field::SystemValues),
                "binaryData" => Some(Field::EncodedValues),
                _ => Some(self.below_object(key, value)),
            },
            Field::Definition => match key {
                "spec" => Some(Field::DefinitionSpec),
                _ => Some(self.below_object(key, value)),
            },
            Field::DefinitionSpec => match key {
                "versions" => Some(Field::DefinitionVersion),
                "group" | "names" | "scope" | "version" | "conversion" => Some(Field::Plain),
                _ => None,
            },
            Field::DefinitionVersion => {
                matches!(key, "name" | "served" | "storage" | "deprecated").then_some(Field::Plain)
            }
            Field::Metadata => match key {
                "annotations" => Some(Field::Annotations),
                "ownerReferences" => Some(Field::Owner),
                "name" | "generateName" | "namespace" | "uid" | "labels" | "creationTimestamp"
                | "deletionTimestamp" => Some(Field::Raw),
                _ => None,
            },
            Field::Owner => matches!(key, "apiVersion" | "kind" | "name" | "uid" | "controller")
                .then_some(Field::Raw),
            Field::Annotations => (key != "kubectl.kubernetes.io/last-applied-configuration")
                .then_some(Field::Annotations),
            Field::Status => below_status(key),
            Field::Condition => matches!(key, "type" | "status" | "reason").then_some(Field::Plain),
            Field::ContainerStatus => match key {
                "image" | "imageID" => Some(Field::Image),
                "name" | "ready" => Some(Field::Plain),
                _ => None,
            },
            Field::Environment => match key {
                "value" => Some(Field::Addressed),
                _ => Some(Field::Plain),
            },
            Field::Container(component) => match key {
                "command" => Some(Field::Command(component)),
                "args" => Some(Field::Arguments(component)),
                _ => Some(self.below_plain(key, value)),
            },
            Field::Plain => Some(self.below_plain(key, value)),
            other => Some(other),
        }
    }

    fn below_object(&self, key: &str, value: NodeId) -> Field {
        match key {
            "metadata" => Field::Metadata,
            "status" => Field::Status,
            _ => self.below_plain(key, value),
        }
    }

    fn below_plain(&self, key: &str, id: NodeId) -> Field {
        let value = self.document.value(id);
        let collection = matches!(value, Value::Mapping(_) | Value::Sequence(_));
        match key {
            "metadata" if collection => Field::Metadata,
            "env" | "httpHeaders" if collection => Field::Environment,
            "caBundle" | "caCertificate" => Field::Dropped(Class::Certificate),
            "image" | "reference" => {
                if collection {
                    Field::Plain
                } else {
                    Field::Image
                }
            }
            "url" => Field::Url,
            "request" if matches!(value, Value::Text(text) if text.len() > 128) => {
                Field::Dropped(Class::Certificate)
            }
            "volumeAttributes" | "parameters" | "options" if !self.custom => Field::Parameters,
            "data" | "stringData" | "binaryData" if self.custom && collection => Field::Values,
            "values" | "valuesContent" | "valuesObject" | "helmValues"
                if self.custom && !matches!(value, Value::Sequence(_)) =>
            {
                Field::Dropped(Class::Text)
            }
            "parameters" if self.custom => Field::Dropped(Class::Text),
            _ => Field::Plain,
        }
    }

    /// The component that a container runs: by its command, else by its image.
    fn component(&self, container: NodeId) -> Option<Component> {
        let document = self.document;
        let command = document
            .get(container, "command")
            .and_then(|command| document.children(command).next());
        let named = command.or_else(|| document.get(container, "image"));
        flags::component(document.as_text(named?)?)
    }

    fn scalar_dropped(&mut self, id: NodeId, name: &str, field: Field) {
        let text = super::plain_text(self.document, id).unwrap_or_default();
        let out = match field {
            Field::Addressed => self.redactor.addressed(name, &text),
            _ => self.redactor.text(name, &text),
        };
        self.quoted(&out);
    }

    fn dropped(&mut self, id: NodeId, class: Class, name: &str) {
        let out = if let Value::Text(text) = self.document.value(id) {
            self.redactor.dropped(class, text.as_bytes())
        } else {
            let before = std::mem::take(&mut self.buffers.out);
            self.value(id, Field::Raw, name);
            let subtree = std::mem::replace(&mut self.buffers.out, before);
            self.redactor.dropped(class, &subtree)
        };
        self.quoted(&out);
    }

    fn push(&mut self, text: &str) {
        self.buffers.out.extend_from_slice(text.as_bytes());
    }

    fn quoted(&mut self, text: &str) {
        let out = &mut self.buffers.out;
        out.push(b'"');
        let bytes = text.as_bytes();
        let mut plain = 0;
        for (at, byte) in bytes.iter().enumerate() {
            let escape: &[u8] = match byte {
                b'"' => b"\\\"",
                b'\\' => b"\\\\",
                b'\n' => b"\\n",
                b'\t' => b"\\t",
                b'\r' => b"\\r",
                0..=0x1F => b"\\u00",
                _ => continue,
            };
            out.extend_from_slice(bytes.get(plain..at).unwrap_or_default());
            out.extend_from_slice(escape);
            if escape.len() == 4 {
                let hex = |digit: u8| {
                    if digit < 10 {
                        b'0' + digit
                    } else {
                        b'a' + digit - 10
                    }
                };
                out.extend_from_slice(&[hex(byte >> 4), hex(byte & 15)]);
            }
            plain = at + 1;
        }
        out.extend_from_slice(bytes.get(plain..).unwrap_or_default());
        out.push(b'"');
    }
}

/// Status is noise but for what later stages read.
fn below_status(key: &str) -> Option<Field> {
    match key {
        "conditions" => Some(Field::Condition),
        "containerStatuses" | "initContainerStatuses" | "ephemeralContainerStatuses" => {
            Some(Field::ContainerStatus)
        }
        "phase"
        | "reason"
        | "podIP"
        | "podIPs"
        | "hostIP"
        | "hostIPs"
        | "loadBalancer"
        | "nodeInfo"
        | "addresses"
        | "replicas"
        | "readyReplicas"
        | "availableReplicas"
        | "updatedReplicas"
        | "unavailableReplicas"
        | "currentRevision"
        | "updateRevision"
        | "desiredNumberScheduled"
        | "currentNumberScheduled"
        | "numberReady"
        | "numberAvailable"
        | "active"
        | "hard"
        | "used"
        | "succeeded"
        | "failed"
        | "completionTime"
        | "lastScheduleTime"
        | "latestReadyRevisionName"
        | "url"
        | "stableRS"
        | "currentPodHash" => Some(Field::Plain),
        _ => None,
    }
}

/// Annotations that later stages read may be long.
fn keeps_annotation(name: &str, value: &str) -> bool {
    let limit = if name.ends_with("source-range") || name.ends_with("source-ranges") {
        LONG_TEXT
    } else {
        LONG_ANNOTATION
    };
    // Snippets of a proxy's configuration set headers, `Authorization` among them.
    value.len() <= limit
        && !name.ends_with("-snippet")
        && !classify::names_credential(name)
        && !classify::is_credential(value)
        && !value.lines().any(is_secret_line)
}

/// `user:password@host/image`: a reference has no user, and only a digest behind its `@`.
fn is_image_with_credentials(text: &str) -> bool {
    let reference = [
        "docker-pullable://",
        "docker://",
        "containerd://",
        "cri-o://",
    ]
    .iter()
    .find_map(|prefix| text.strip_prefix(prefix))
    .unwrap_or(text);
    let name = match reference.rsplit_once('@') {
        Some((name, digest)) if digest.starts_with("sha256:") || digest.starts_with("sha512:") => {
            name
        }
        _ => reference,
    };
    name.contains('@') || name.contains("://")
}
