//! Configuration files of components. Comes in: bytes that nobody vouches for. Goes out: their values as JSON, then the
//! same without what may be a secret. Never: quotes the text in an error, grows beyond the limits of [`tree`].

use super::processes::forwarded_argument;
use crate::canonical::flags;
use crate::canonical::write::is_secret_line;
use crate::redact::{Class, Redactor, classify};
use crate::tree::{self, Document, NodeId, ROOT, Value as Node, scalar};
use serde_json::{Map, Number, Value};

/// Longest text that stays.
const LONG_TEXT: usize = 4096;
/// As trees of YAML and JSON have it.
const MAX_DEPTH: usize = tree::MAX_DEPTH;

/// What is wrong with a file, in words that hold nothing of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Broken(pub(super) String);

/// The first document that is not empty; nulls stay.
pub(super) fn yaml(bytes: &[u8]) -> Result<Value, Broken> {
    let documents = tree::parse(bytes).map_err(|error| Broken(error.to_string()))?;
    let first = documents
        .iter()
        .find(|document| !document.is_empty() && !matches!(document.value(ROOT), Node::Null));
    match first {
        Some(document) if matches!(document.value(ROOT), Node::Mapping(_)) => {
            Ok(of_tree(document, ROOT, 0))
        }
        Some(_) => Err(Broken("it is no mapping".to_owned())),
        None => Err(Broken("it is empty".to_owned())),
    }
}

fn of_tree(document: &Document<'_>, id: NodeId, depth: usize) -> Value {
    // Aliases count: the tree has checked their depth too.
    if depth > MAX_DEPTH {
        return Value::Null;
    }
    match document.value(id) {
        Node::Null | Node::Alias(_) => Value::Null,
        Node::Bool(value) => Value::Bool(*value),
        Node::Number(text) => {
            let text = scalar::json_number(text);
            let number: Option<Number> = serde_json::from_str(&text).ok();
            number.map_or_else(|| Value::String(text.into_owned()), Value::Number)
        }
        Node::Text(text) => Value::String(text.clone().into_owned()),
        Node::Sequence(_) => {
            let items = document.children(id);
            items
                .map(|item| of_tree(document, item, depth + 1))
                .collect()
        }
        Node::Mapping(_) => Value::Object(
            document
                .entries(id)
                .filter_map(|(key, value)| {
                    let key = document.as_text(key)?.to_owned();
                    Some((key, of_tree(document, value, depth + 1)))
                })
                .collect(),
        ),
    }
}

pub(super) fn toml(bytes: &[u8]) -> Result<Value, Broken> {
    let text = std::str::from_utf8(bytes).map_err(|_| Broken("not UTF-8 text".to_owned()))?;
    // The parser's own message quotes keys.
    let table: toml::Table = toml::from_str(text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        let (line, _) = tree::position(text, at);
        Broken(format!("invalid TOML at line {line}"))
    })?;
    Ok(of_toml(toml::Value::Table(table), 0))
}

fn of_toml(value: toml::Value, depth: usize) -> Value {
    if depth > MAX_DEPTH {
        return Value::Null;
    }
    match value {
        toml::Value::String(text) => Value::String(text),
        toml::Value::Integer(number) => number.into(),
        toml::Value::Float(number) => Number::from_f64(number)
            .map_or_else(|| Value::String(number.to_string()), Value::Number),
        toml::Value::Boolean(value) => Value::Bool(value),
        toml::Value::Datetime(time) => Value::String(time.to_string()),
        toml::Value::Array(items) => items
            .into_iter()
            .map(|item| of_toml(item, depth + 1))
            .collect(),
        toml::Value::Table(table) => Value::Object(
            table
                .into_iter()
                .map(|(key, value)| (key, of_toml(value, depth + 1)))
                .collect(),
        ),
    }
}

/// Merges a drop-in as the kubelet does: mappings field by field, all else is replaced (cmd/kubelet/app/server.go,
/// a JSON merge patch that is then read over the values that are there, so null changes nothing).
pub(super) fn merge(base: &mut Value, over: Value) {
    match (base, over) {
        (_, Value::Null) => {}
        (Value::Object(base), Value::Object(over)) => {
            for (key, value) in over {
                match base.get_mut(&key) {
                    Some(there) => merge(there, value),
                    None => {
                        base.insert(key, value);
                    }
                }
            }
        }
        (base, over) => *base = over,
    }
}

/// Every text with the field that holds it; a list's items have the name of the list.
pub(super) fn texts<'v>(value: &'v Value, out: &mut dyn FnMut(&'v str, &'v str)) {
    fn walk<'v>(name: &'v str, value: &'v Value, out: &mut dyn FnMut(&'v str, &'v str)) {
        match value {
            Value::String(text) => out(name, text),
            Value::Array(items) => items.iter().for_each(|item| walk(name, item, out)),
            Value::Object(fields) => fields.iter().for_each(|(key, value)| walk(key, value, out)),
            _ => {}
        }
    }
    walk("", value, out);
}

/// Canonical compact JSON: keys ordered, nulls left out, without what may be a secret.
pub(super) fn told(value: &Value, redactor: &Redactor) -> String {
    clean("", value, &Under::Field, redactor).to_string()
}

/// What a place means for what is below it.
#[derive(Clone, Copy)]
enum Under<'a> {
    Field,
    /// Every value goes.
    Dropped,
    /// `{name: X, value: ...}`.
    Environment,
    /// A command line.
    Words,
    /// `name=value` for a component.
    Forwarded(&'a str),
}

fn clean(name: &str, value: &Value, under: &Under<'_>, redactor: &Redactor) -> Value {
    match value {
        Value::Null | Value::Bool(_) => value.clone(),
        Value::Number(number) => match under {
            Under::Field if !is_secret(name) => value.clone(),
            Under::Forwarded(_) => value.clone(),
            _ => Value::String(redactor.text(name, &number.to_string())),
        },
        Value::String(text) => Value::String(clean_text(name, text, under, redactor)),
        Value::Array(items) => Value::Array(clean_items(name, items, under, redactor)),
        Value::Object(fields) => Value::Object(clean_fields(fields, under, redactor)),
    }
}

fn clean_items(name: &str, items: &[Value], under: &Under<'_>, redactor: &Redactor) -> Vec<Value> {
    if !matches!(under, Under::Words) {
        return items
            .iter()
            .map(|item| clean(name, item, under, redactor))
            .collect();
    }
    let mut previous = None;
    let mut out = Vec::with_capacity(items.len());
    for item in items {
        let Value::String(word) = item else {
            out.push(clean(name, item, &Under::Dropped, redactor));
            previous = None;
            continue;
        };
        let told = flags::argument(word, previous, None, redactor);
        out.push(Value::String(without_services(told)));
        previous = flags::flag_name(word).filter(|flag| flag.len() == word.len());
    }
    out
}

/// Which Services a value names is for objects of a cluster.
fn without_services(told: String) -> String {
    let mark = told.find(crate::redact::MARK);
    match mark.and_then(|at| told.get(at..)?.find(';').map(|end| at + end)) {
        Some(end) => told.get(..end).unwrap_or("").to_owned(),
        None => told,
    }
}

fn clean_fields(
    fields: &Map<String, Value>,
    under: &Under<'_>,
    redactor: &Redactor,
) -> Map<String, Value> {
    let beside = match under {
        Under::Environment => fields.get("name").and_then(Value::as_str),
        _ => None,
    };
    let mut out = Map::new();
    for (key, value) in fields {
        if value.is_null() {
            continue;
        }
        let shown = if classify::is_credential(key) {
            redactor.text("", key)
        } else {
            key.clone()
        };
        let collection = value.is_array() || value.is_object();
        let below = below(key, value, under);
        let value = match (under, &*key.to_ascii_lowercase()) {
            (Under::Environment, "name") => value.clone(),
            (Under::Environment, _) => {
                clean(beside.unwrap_or(key), value, &Under::Dropped, redactor)
            }
            _ if collection && is_secret(key) => {
                let all = value.to_string();
                Value::String(redactor.dropped(Class::Text, all.as_bytes()))
            }
            _ => clean(key, value, &below, redactor),
        };
        out.insert(shown, value);
    }
    out
}

/// What a field means for what is in it.
fn below<'k>(key: &'k str, value: &Value, under: &Under<'k>) -> Under<'k> {
    if let Under::Dropped = under {
        return Under::Dropped;
    }
    let collection = value.is_array() || value.is_object();
    match &*key.to_ascii_lowercase() {
        "env" | "httpheaders" if value.is_array() => Under::Environment,
        // Headers of requests for static pods and images, `Authorization` among them; what a login plugin keeps.
        "staticpodurlheader" | "header" | "headers" | "httpheaders" | "env" if collection => {
            Under::Dropped
        }
        "config" if collection && matches!(under, Under::Field) && is_plugin_config(value) => {
            Under::Dropped
        }
        "args" | "command" if value.is_array() => Under::Words,
        other if other.ends_with("-arg") => match key.strip_suffix("-arg") {
            Some(component) if flags::component(component).is_some() => Under::Forwarded(component),
            _ => Under::Dropped,
        },
        _ => Under::Field,
    }
}

/// `auth-provider.config` of a kubeconfig: texts only, tokens among them.
fn is_plugin_config(value: &Value) -> bool {
    value.as_object().is_some_and(|fields| {
        fields
            .keys()
            .any(|key| is_secret(key) || key.ends_with("-token") || key == "idp-issuer-url")
    })
}

fn clean_text(name: &str, text: &str, under: &Under<'_>, redactor: &Redactor) -> String {
    match under {
        Under::Dropped | Under::Environment => return redactor.text(name, text),
        Under::Forwarded(component) => return forwarded_argument(component, text, redactor),
        Under::Words | Under::Field => {}
    }
    let plain = name.to_ascii_lowercase();
    match &*plain {
        // A key of an EncryptionConfiguration: how long it is decides whether it is one.
        "secret" => return redactor.base64(name, text),
        "certificate-authority-data" | "client-certificate-data" | "certificateauthority"
            if text.len() > 256 || !text.starts_with('/') =>
        {
            return redactor.dropped(Class::Certificate, text.as_bytes());
        }
        other if other.ends_with("-data") => return redactor.base64(name, text),
        _ => {}
    }
    if is_secret(name) || classify::is_credential(text) || text.len() > LONG_TEXT {
        return redactor.text(name, text);
    }
    if text.contains("-----BEGIN") || (text.contains('\n') && text.lines().any(is_secret_line)) {
        return redactor.text(name, text);
    }
    if text.contains("://") && text.contains(['?', '@']) {
        return redactor.url(text);
    }
    text.to_owned()
}

/// Whether a field of this name holds a secret itself.
fn is_secret(name: &str) -> bool {
    let plain = name.to_ascii_lowercase();
    classify::names_credential(name)
        || matches!(
            &*plain,
            "auth" | "authorization" | "vpn-auth" | "psk" | "joinkey" | "passwordhash"
        )
        || plain.ends_with("secret")
        || plain.contains("passphrase")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redactor() -> Redactor {
        Redactor::new([5; 32])
    }

    /// Fingerprints cut off.
    fn shown(value: &Value) -> String {
        let text = told(value, &redactor());
        let mut out = String::new();
        let mut rest = &*text;
        while let Some(at) = rest.find("redacted:v1:") {
            let end = rest[at..].find('"').map_or(rest.len(), |end| at + end);
            out += &rest[..at];
            let parts: Vec<&str> = rest[at..end].split(':').collect();
            out.extend(["R:", parts[2], ":", parts[3]]);
            rest = &rest[end..];
        }
        out + rest
    }

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(shown(&yaml(text.as_bytes()).unwrap()), expected, "{text}");
    }

    #[test]
    fn secrets_go_and_settings_stay() {
        check(
            "{b: 1, a: [x, null, true], n: null}",
            r#"{"a":["x",null,true],"b":1}"#,
        );
        check("{password: 1234}", r#"{"password":"R:number:4"}"#);
        check("{token: true}", r#"{"token":true}"#);
        check("{token: {a: b}}", r#"{"token":"R:text:9"}"#);
        check(
            "{tokenFile: /x, clientCAFile: /y}",
            r#"{"clientCAFile":"/y","tokenFile":"/x"}"#,
        );
        // 32 bytes, 16 bytes, and what is no base64.
        check(
            "{keys: [{name: k, secret: MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=}]}",
            r#"{"keys":[{"name":"k","secret":"R:number:32"}]}"#,
        );
        check(
            "{secret: AAAAAAAAAAAAAAAAAAAAAA==}",
            r#"{"secret":"R:password-like:16"}"#,
        );
        check(
            "{server: 'https://u:p@h/x'}",
            r#"{"server":"R:url-with-credentials:15"}"#,
        );
        check(
            "{server: 'https://h:6443'}",
            r#"{"server":"https://h:6443"}"#,
        );
        check(
            "{url: 'https://h/x?key=v'}",
            r#"{"url":"https://h/R:url:17"}"#,
        );
        check(
            "{staticPodURLHeader: {A: [v]}}",
            r#"{"staticPodURLHeader":{"A":["R:text:1"]}}"#,
        );
        check(
            "{env: [{name: A_TOKEN, value: v}]}",
            r#"{"env":[{"name":"A_TOKEN","value":"R:password-like:1"}]}"#,
        );
        check(
            "{args: [--token, v, --x=y, z]}",
            r#"{"args":["--token","R:password-like:1","--x=R:text:1","R:text:1"]}"#,
        );
        check(
            "{client-key-data: YWJj}",
            r#"{"client-key-data":"R:text:3"}"#,
        );
        check(
            "{certificate-authority-data: YWJj}",
            r#"{"certificate-authority-data":"R:certificate:4"}"#,
        );
        check(
            "{kubelet-arg: [read-only-port=0, token=v]}",
            r#"{"kubelet-arg":["read-only-port=0","token=R:password-like:1"]}"#,
        );
        check("{other-arg: [a=b]}", r#"{"other-arg":["R:text:3"]}"#);
        check("{ghp_0123456789abcdefghij: 1}", r#"{"R:token:24":1}"#);
        check(
            "{auth-provider: {name: oidc, config: {id-token: v, x: z}}}",
            r#"{"auth-provider":{"config":{"id-token":"R:password-like:1","x":"R:text:1"},"name":"oidc"}}"#,
        );
        check(
            "{configuration: \"a: b\\npassword: v\"}",
            r#"{"configuration":"R:text:16"}"#,
        );
    }

    #[test]
    fn toml_is_json() {
        let value =
            toml(b"a = 1\nb = 1979-05-27\nc = nan\n[plugins.\"x.y\"]\nauth = 'v'\n").unwrap();
        assert_eq!(
            shown(&value),
            r#"{"a":1,"b":"1979-05-27","c":"NaN","plugins":{"x.y":{"auth":"R:text:1"}}}"#
        );
        let error = toml(b"a = 1\nhunter2 hunter2").unwrap_err();
        assert_eq!(error.0, "invalid TOML at line 2");
        assert!(toml(format!("a = {}", "[".repeat(100_000)).as_bytes()).is_err());
        assert!(toml(b"\xff").is_err());
    }

    #[test]
    fn what_is_no_mapping() {
        for text in ["", "---\n", "a", "[a]", "{a", "a: b: c"] {
            let error = yaml(text.as_bytes()).unwrap_err();
            assert!(!error.0.is_empty(), "{text}");
        }
        assert!(yaml(b"---\n---\na: b").is_ok());
    }

    #[test]
    fn drop_ins() {
        let check = |base: &str, over: &str, expected: &str| {
            let mut base = yaml(base.as_bytes()).unwrap();
            merge(&mut base, yaml(over.as_bytes()).unwrap());
            assert_eq!(shown(&base), expected, "{over}");
        };
        check(
            "{a: 1, b: {c: 2, d: 3}}",
            "{b: {c: 4}}",
            r#"{"a":1,"b":{"c":4,"d":3}}"#,
        );
        check("{a: [1, 2]}", "{a: [3]}", r#"{"a":[3]}"#);
        check("{a: 1}", "{a: null}", r#"{"a":1}"#);
        check("{a: {b: 1}}", "{a: 2}", r#"{"a":2}"#);
        check("{a: 1}", "{a: {b: 2}}", r#"{"a":{"b":2}}"#);
    }
}
