//! Writes documents as block YAML 1.2. Comes in: values in the order in which they are to stand. Goes out: text.
//! Never: an anchor, a tag, a plain scalar that could be read as anything but a text.

/// A value of a document.
#[derive(Clone, Debug)]
pub(super) enum Yaml {
    Text(String),
    List(Vec<Yaml>),
    Map(Vec<(String, Yaml)>),
}

pub(super) fn text(text: impl Into<String>) -> Yaml {
    Yaml::Text(text.into())
}

pub(super) fn texts<T: AsRef<str>>(all: impl IntoIterator<Item = T>) -> Yaml {
    Yaml::List(all.into_iter().map(|one| text(one.as_ref())).collect())
}

pub(super) fn map<const N: usize>(members: [(&str, Yaml); N]) -> Yaml {
    let members = members.into_iter();
    Yaml::Map(
        members
            .map(|(key, value)| (key.to_owned(), value))
            .collect(),
    )
}

impl Yaml {
    /// The document, with a line break at its end.
    pub(super) fn document(&self) -> String {
        let mut out = String::new();
        self.write(0, &mut out);
        out
    }

    fn write(&self, depth: usize, out: &mut String) {
        match self {
            Yaml::Text(text) => {
                scalar(text, depth, out);
                out.push('\n');
            }
            Yaml::List(list) => {
                for item in list {
                    indent(depth, out);
                    out.push_str("- ");
                    item.after(depth, out);
                }
            }
            Yaml::Map(members) => {
                for (key, value) in members {
                    indent(depth, out);
                    member(key, value, depth, out);
                }
            }
        }
    }

    /// After `- `: the first member stands on the same line.
    fn after(&self, depth: usize, out: &mut String) {
        match self {
            Yaml::Map(members) if !members.is_empty() => {
                for (number, (key, value)) in members.iter().enumerate() {
                    if number > 0 {
                        indent(depth + 1, out);
                    }
                    member(key, value, depth + 1, out);
                }
            }
            Yaml::Map(_) => out.push_str("{}\n"),
            Yaml::List(_) => {
                out.push('\n');
                self.write(depth + 1, out);
            }
            Yaml::Text(_) => self.write(depth + 1, out),
        }
    }
}

fn member(key: &str, value: &Yaml, depth: usize, out: &mut String) {
    scalar(key, depth, out);
    match value {
        Yaml::Text(_) => {
            out.push_str(": ");
            value.write(depth + 1, out);
        }
        Yaml::List(list) if list.is_empty() => out.push_str(": []\n"),
        Yaml::Map(members) if members.is_empty() => out.push_str(": {}\n"),
        Yaml::List(_) | Yaml::Map(_) => {
            out.push_str(":\n");
            value.write(depth + 1, out);
        }
    }
}

fn indent(depth: usize, out: &mut String) {
    out.extend(std::iter::repeat_n("  ", depth));
}

fn scalar(text: &str, depth: usize, out: &mut String) {
    if is_plain(text) {
        out.push_str(text);
    } else if is_block(text) {
        out.push_str("|-\n");
        indent(depth, out);
        out.push_str(text);
    } else {
        quoted(text, out);
    }
}

/// Letters first, and no word that YAML 1.1 takes for something else.
fn is_plain(text: &str) -> bool {
    let words = [
        "true", "false", "null", "yes", "no", "on", "off", "y", "n", "nan", "inf",
    ];
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-_./".contains(&b))
        && !words.iter().any(|word| text.eq_ignore_ascii_case(word))
}

/// Expressions are read better without escapes.
fn is_block(text: &str) -> bool {
    text.len() > 24
        && text.bytes().all(|b| (b' '..=b'~').contains(&b))
        && !text.starts_with(' ')
        && !text.ends_with(' ')
}

fn quoted(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => {
                out.push('\\');
                out.push(c);
            }
            '\n' => out.push_str("\\n"),
            c if (' '..='~').contains(&c) => out.push(c),
            c => {
                let number = u32::from(c);
                let escaped = if number <= 0xffff {
                    format!("\\u{number:04x}")
                } else {
                    format!("\\U{number:08x}")
                };
                out.push_str(&escaped);
            }
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn json(value: &Yaml) -> serde_json::Value {
        match value {
            Yaml::Text(text) => text.as_str().into(),
            Yaml::List(list) => list.iter().map(json).collect(),
            Yaml::Map(members) => {
                let members = members
                    .iter()
                    .map(|(key, value)| (key.clone(), json(value)));
                serde_json::Value::Object(members.collect())
            }
        }
    }

    fn values() -> impl Strategy<Value = Yaml> {
        let leaf = prop_oneof![
            "[ -~]{0,60}".prop_map(Yaml::Text),
            "[a-zA-Z:#{}'\"\\\\\n\té😀 -]{0,12}".prop_map(Yaml::Text),
            Just(text("true")),
            Just(text("1.30")),
        ];
        leaf.prop_recursive(4, 40, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 1..4).prop_map(Yaml::List),
                prop::collection::btree_map("[a-zA-Z.]{1,8}", inner, 1..4)
                    .prop_map(|map| Yaml::Map(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn a_document_is_read_as_it_was_written(value in values()) {
            let document = value.document();
            let back: serde_json::Value = serde_saphyr::from_str(&document).unwrap();
            prop_assert_eq!(back, json(&value), "{}", document);
        }
    }
}
