//! JSON values as YAML and JSON text, in the style that a document has.
//! Never: a plain text that Kubernetes would read as anything else.

use super::view::View;
use crate::tree::scalar::{self, Plain};
use crate::tree::{NodeId, ROOT, Value};
use serde_json::Value as Json;
use std::fmt::Write as _;

/// How a document is written.
#[derive(Clone, Debug, Default)]
pub(super) struct Style {
    pub(super) eol: &'static str,
    /// Brackets and double quotes throughout.
    pub(super) json: bool,
    /// JSON without spaces.
    pub(super) tight: bool,
    /// One level's indentation of JSON that is written on many lines.
    pub(super) unit: Option<String>,
    /// Spaces from a key to the keys below it.
    step: usize,
    /// Spaces from a key to the dashes below it.
    dash: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Quotes {
    AsNeeded,
    /// As needed between brackets.
    InFlow,
    Single,
    Double,
    /// Double quotes around every text, keys too.
    Json,
}

impl Quotes {
    pub(super) fn between_brackets(self) -> Quotes {
        if self == Quotes::AsNeeded {
            Quotes::InFlow
        } else {
            self
        }
    }
}

impl Style {
    pub(super) fn of(view: &View<'_>) -> Style {
        let first = view.tree.children(ROOT).next();
        let first = first.map_or(view.start(ROOT), |first| view.start(first));
        let flow = view.is_flow(ROOT);
        let crlf = view
            .text
            .find('\n')
            .is_some_and(|at| view.slice(0, at).ends_with('\r'));
        let indent = view.slice(view.line_start(first), first);
        let many = flow && view.slice(view.start(ROOT), first).contains('\n');
        let (step, dash) = steps(view);
        Style {
            eol: if crlf { "\r\n" } else { "\n" },
            tight: !view.text.contains("\": "),
            json: flow
                && view
                    .slice(first, view.text.len())
                    .starts_with(['"', '}', '{']),
            unit: (many && indent.chars().all(char::is_whitespace)).then(|| indent.to_owned()),
            step,
            dash,
        }
    }

    /// Spaces from a key to its value on the lines below.
    pub(super) fn below(&self, value: &Json) -> usize {
        if value.is_array() {
            self.dash
        } else {
            self.step
        }
    }

    /// The lines of a collection in block style, without the last line end; the first one indented or not.
    pub(super) fn block(&self, value: &Json, column: usize, indented: bool) -> String {
        let mut out = String::new();
        self.lines(value, column, indented, &mut out);
        out
    }

    fn lines(&self, value: &Json, column: usize, mut indented: bool, out: &mut String) {
        let begin = |out: &mut String, indented: &mut bool| {
            if !out.is_empty() && !out.ends_with([' ', '\n']) {
                out.push_str(self.eol);
            }
            if std::mem::replace(indented, true) {
                out.push_str(&" ".repeat(column));
            }
        };
        match value {
            Json::Object(map) => {
                for (key, value) in map {
                    begin(out, &mut indented);
                    scalar_text(key, Quotes::AsNeeded, out);
                    out.push(':');
                    if is_inline(value) {
                        out.push(' ');
                        out.push_str(&flow(value, Quotes::AsNeeded));
                    } else {
                        out.push_str(self.eol);
                        self.lines(value, column + self.below(value), true, out);
                    }
                }
            }
            Json::Array(list) => {
                for value in list {
                    begin(out, &mut indented);
                    out.push_str("- ");
                    if is_inline(value) {
                        out.push_str(&flow(value, Quotes::AsNeeded));
                    } else {
                        self.lines(value, column + 2, false, out);
                    }
                }
            }
            other => out.push_str(&flow(other, Quotes::AsNeeded)),
        }
    }
}

/// The indentation of the first mapping below a key, and of the first sequence.
fn steps(view: &View<'_>) -> (usize, usize) {
    let (mut step, mut dash) = (None, None);
    let mut open: Vec<NodeId> = vec![ROOT];
    while let (Some(id), true) = (open.pop(), step.is_none() || dash.is_none()) {
        if view.is_flow(id) || view.is_alias(id) {
            continue;
        }
        let first = open.len();
        match view.tree.value(id) {
            Value::Mapping(_) => {
                for (key, value) in view.tree.entries(id) {
                    open.push(value);
                    if !view.is_collection(value) || view.is_flow(value) {
                        continue;
                    }
                    let column = view.column(view.start(key));
                    let Some(child) = view.tree.children(value).next() else {
                        continue;
                    };
                    if let Value::Mapping(_) = view.tree.value(value) {
                        let below = view.column(view.start(child)).checked_sub(column);
                        step = step.or(below.filter(|step| *step > 0));
                    } else {
                        // Its first item follows a dash and spaces.
                        let line =
                            view.slice(view.line_start(view.start(child)), view.start(child));
                        let indent = line.len() - line.trim_start().len();
                        let below = indent.checked_sub(column);
                        dash = dash.or(below.filter(|_| line.trim_start().starts_with('-')));
                    }
                }
            }
            Value::Sequence(_) => open.extend(view.tree.children(id)),
            _ => {}
        }
        if let Some(new) = open.get_mut(first..) {
            new.reverse();
        }
    }
    (step.unwrap_or(2), dash.unwrap_or(2))
}

/// Whether a value stands in the line of its key: a scalar, or an empty collection.
pub(super) fn is_inline(value: &Json) -> bool {
    match value {
        Json::Array(list) => list.is_empty(),
        Json::Object(map) => map.is_empty(),
        _ => true,
    }
}

/// On one line.
pub(super) fn flow(value: &Json, quotes: Quotes) -> String {
    if quotes == Quotes::Json && is_inline(value) {
        return value.to_string();
    }
    let mut out = String::new();
    write_flow(value, quotes, &mut out);
    out
}

fn write_flow(value: &Json, quotes: Quotes, out: &mut String) {
    let inner = quotes.between_brackets();
    match value {
        Json::Object(map) => {
            out.push('{');
            for (at, (key, value)) in map.iter().enumerate() {
                if at > 0 {
                    out.push_str(", ");
                }
                scalar_text(key, inner, out);
                out.push_str(": ");
                write_flow(value, inner, out);
            }
            out.push('}');
        }
        Json::Array(list) => {
            out.push('[');
            for (at, value) in list.iter().enumerate() {
                if at > 0 {
                    out.push_str(", ");
                }
                write_flow(value, inner, out);
            }
            out.push(']');
        }
        Json::String(text) => scalar_text(text, quotes, out),
        other => out.push_str(&other.to_string()),
    }
}

/// JSON on lines of its own.
pub(super) fn lines(value: &Json, indent: &str, unit: &str, eol: &str) -> String {
    let below = format!("{indent}{unit}");
    let join = |open: char, close: char, parts: Vec<String>| {
        let parts = parts.join(&format!(",{eol}{below}"));
        format!("{open}{eol}{below}{parts}{eol}{indent}{close}")
    };
    match value {
        Json::Object(map) if !map.is_empty() => {
            let parts = map.iter().map(|(key, value)| {
                let key = Json::String(key.clone());
                format!("{key}: {}", lines(value, &below, unit, eol))
            });
            join('{', '}', parts.collect())
        }
        Json::Array(list) if !list.is_empty() => {
            let parts = list.iter().map(|value| lines(value, &below, unit, eol));
            join('[', ']', parts.collect())
        }
        other => other.to_string(),
    }
}

fn scalar_text(text: &str, quotes: Quotes, out: &mut String) {
    let single = |text: &str| {
        text.chars().all(|c| {
            !c.is_control()
                && c != '\u{FEFF}'
                && c != '\u{85}'
                && c != '\u{2028}'
                && c != '\u{2029}'
        })
    };
    match quotes {
        Quotes::AsNeeded | Quotes::InFlow if is_plain(text) => out.push_str(text),
        Quotes::Single if single(text) => {
            let _ = write!(out, "'{}'", text.replace('\'', "''"));
        }
        _ => {
            // JSON's escapes are those of YAML's double quotes; what YAML folds or forbids is escaped besides.
            for c in Json::String(text.to_owned()).to_string().chars() {
                if matches!(
                    c,
                    '\u{7F}'
                        ..='\u{9F}'
                            | '\u{2028}'
                            | '\u{2029}'
                            | '\u{FEFF}'
                            | '\u{FFFE}'
                            | '\u{FFFF}'
                ) {
                    let _ = write!(out, "\\u{:04x}", u32::from(c));
                } else {
                    out.push(c);
                }
            }
        }
    }
}

/// Whether a text may stand without quotes, anywhere; stricter than YAML.
fn is_plain(text: &str) -> bool {
    let first = text.chars().next();
    let inner = |c: char| {
        c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/' | '+' | '@' | '=' | '~')
    };
    first.is_some_and(|c| c.is_ascii_alphanumeric() || matches!(c, '/' | '_' | '.'))
        && text.chars().all(inner)
        && scalar::plain(text) == Plain::Text
}
