//! Writes a test as CEL. Comes in: a scope and a test. Goes out: an expression that is true of what is wrong, for the
//! object under `variables` that `policy` declares. Must agree with `evaluate` on every object that a server accepts.
//! Sources: cel-spec (`has`, macros, heterogeneous equality), the CEL reference of Kubernetes.

use crate::rule::{Containers, Scope};
use crate::test::{Field, From, Test, Value};

/// What fields begin at, as expressions.
#[derive(Clone, Debug)]
struct Names {
    this: String,
    container: String,
    item: String,
    /// Macros nest: each has a variable of its own.
    depth: usize,
    minor: u16,
}

const SPEC: &str = "variables.spec";
const METADATA: &str = "variables.metadata";

/// The expression that is true where some subject of the object is violated.
pub fn violated(scope: Scope, test: &Test, minor: u16) -> String {
    let names = |this: &str, container: &str| Names {
        this: this.to_owned(),
        container: container.to_owned(),
        item: String::new(),
        depth: 0,
        minor,
    };
    match scope {
        Scope::Pod => names(SPEC, "").write(test),
        Scope::PodItems(list) => {
            let list = optional_list(SPEC, list);
            format!("{list}.exists(i, {})", names("i", "").write(test))
        }
        Scope::Containers(which) => format!(
            "{}.exists(c, {})",
            containers(which),
            names("c", "c").write(test)
        ),
        Scope::ContainerItems(which, list) => {
            let list = optional_list("c", list);
            format!(
                "{}.exists(c, {list}.exists(i, {}))",
                containers(which),
                names("i", "c").write(test)
            )
        }
        Scope::Objects(_) => names("object", "").write(test),
        Scope::ObjectItems(_, path) => {
            let (guard, list) = path_of("object", path);
            format!(
                "({guard} && {list}.exists(i, {}))",
                names("i", "").write(test)
            )
        }
    }
}

/// The names of containers that are violated, as a list; `None` where the scope is not about containers.
pub fn offenders(scope: Scope, test: &Test, minor: u16) -> Option<String> {
    let names = |this: &str| Names {
        this: this.to_owned(),
        container: "c".to_owned(),
        item: String::new(),
        depth: 0,
        minor,
    };
    let (which, test) = match scope {
        Scope::Containers(which) => (which, names("c").write(test)),
        Scope::ContainerItems(which, list) => {
            let list = optional_list("c", list);
            let test = names("i").write(test);
            (which, format!("{list}.exists(i, {test})"))
        }
        _ => return None,
    };
    let all = containers(which);
    Some(format!("{all}.filter(c, {test}).map(c, c.name)"))
}

fn containers(which: Containers) -> &'static str {
    match which {
        Containers::All => "variables.containers",
        Containers::Declared => "variables.declared",
        Containers::Lasting => "variables.lasting",
        Containers::Ephemeral => "variables.ephemeral",
    }
}

fn optional_list(base: &str, list: &str) -> String {
    format!("(has({base}.{list}) ? {base}.{list} : [])")
}

/// A guard that the path is there, and the value.
fn path_of(base: &str, path: &[&str]) -> (String, String) {
    let mut guards = Vec::new();
    let mut value = base.to_owned();
    for token in path {
        if is_identifier(token) {
            value = format!("{value}.{token}");
            guards.push(format!("has({value})"));
        } else {
            guards.push(format!("{} in {value}", quoted(token)));
            value = format!("{value}[{}]", quoted(token));
        }
    }
    if guards.is_empty() {
        guards.push("true".to_owned());
    }
    (guards.join(" && "), value)
}

fn is_identifier(token: &str) -> bool {
    let start = token.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    start
        && token
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// A CEL text literal.
pub(crate) fn quoted(text: &str) -> String {
    let mut out = String::from("'");
    for c in text.chars() {
        match c {
            '\'' => out.push_str("\\'"),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            c => out.push(c),
        }
    }
    out.push('\'');
    out
}

fn list(words: &[&str]) -> String {
    let words: Vec<String> = words.iter().map(|word| quoted(word)).collect();
    format!("[{}]", words.join(", "))
}

fn literal(value: Value) -> String {
    match value {
        Value::Bool(value) => value.to_string(),
        Value::Int(value) => value.to_string(),
        Value::Text(text) => quoted(text),
    }
}

impl Names {
    /// `then` of the value where it is there, `absent` where it is not.
    fn field(&self, field: Field, absent: bool, then: impl Fn(&str) -> String) -> String {
        let base = match field.from {
            From::This => &*self.this,
            From::Item => &*self.item,
            From::Container => &*self.container,
            From::Pod => SPEC,
            From::PodMetadata => METADATA,
            From::Object => "object",
            From::Security => return self.security(field, absent, then),
        };
        let (guard, value) = path_of(base, field.path);
        match (absent, &*guard) {
            (_, "true") => format!("({})", then(&value)),
            (false, _) => format!("({guard} && {})", then(&value)),
            (true, _) => format!("(!({guard}) || {})", then(&value)),
        }
    }

    /// The container's own value decides where it has one.
    fn security(&self, field: Field, absent: bool, then: impl Fn(&str) -> String) -> String {
        let mut path = vec!["securityContext"];
        path.extend(field.path);
        let (own, own_value) = path_of(&self.container, &path);
        let (pods, pods_value) = path_of(SPEC, &path);
        format!(
            "({own} ? {} : ({pods} ? {} : {absent}))",
            then(&own_value),
            then(&pods_value)
        )
    }

    fn inner(&self) -> Names {
        Names {
            item: format!("x{}", self.depth),
            depth: self.depth + 1,
            ..self.clone()
        }
    }

    fn write(&self, test: &Test) -> String {
        let each = |words: &[&str], method: &str, value: &str| {
            format!("{}.exists(w, {value}.{method}(w))", list(words))
        };
        match test {
            Test::Always => "true".to_owned(),
            Test::Not(test) => {
                // `!!` is not read alike by all.
                let inner = self.write(test);
                if inner.starts_with('!') {
                    format!("!({inner})")
                } else {
                    format!("!{inner}")
                }
            }
            Test::All(tests) => self.joined(tests, " && ", "true"),
            Test::Any(tests) => self.joined(tests, " || ", "false"),
            Test::Set(field) => self.field(*field, false, |_| "true".to_owned()),
            Test::Empty(field) => self.field(*field, true, |value| format!("size({value}) == 0")),
            Test::Is(field, is) => self.field(*field, false, |value| {
                format!("{value} == {}", literal(*is))
            }),
            Test::In(field, words) => {
                self.field(*field, false, |value| format!("{value} in {}", list(words)))
            }
            Test::Starts(field, words) => {
                self.field(*field, false, |value| each(words, "startsWith", value))
            }
            Test::Ends(field, words) => {
                self.field(*field, false, |value| each(words, "endsWith", value))
            }
            Test::Contains(field, words) => {
                self.field(*field, false, |value| each(words, "contains", value))
            }
            Test::Matches(field, pattern) => self.field(*field, false, |value| {
                format!("{value}.matches({})", quoted(pattern.as_str()))
            }),
            Test::Same(one, other) => self.field(*one, false, |one| {
                self.field(*other, false, |other| format!("{one} == {other}"))
            }),
            Test::Below(field, bound) => {
                self.field(*field, false, |value| format!("{value} < {bound}"))
            }
            Test::Above(field, bound) => {
                self.field(*field, false, |value| format!("{value} > {bound}"))
            }
            Test::Has(field, words) => self.field(*field, false, |value| {
                format!("{value}.exists(w, w in {})", list(words))
            }),
            Test::HasKey(field, keys) => self.field(*field, false, |value| {
                format!("{}.exists(w, w in {value})", list(keys))
            }),
            Test::Some(field, test) => {
                let inner = self.inner();
                self.field(*field, false, |value| {
                    format!("{value}.exists({}, {})", inner.item, inner.write(test))
                })
            }
            Test::Every(field, test) => {
                let inner = self.inner();
                self.field(*field, true, |value| {
                    format!("{value}.all({}, {})", inner.item, inner.write(test))
                })
            }
            Test::Since(minor) => (self.minor >= *minor).to_string(),
        }
    }

    fn joined(&self, tests: &[Test], by: &str, none: &str) -> String {
        if tests.is_empty() {
            return none.to_owned();
        }
        let parts: Vec<String> = tests.iter().map(|test| self.write(test)).collect();
        format!("({})", parts.join(by))
    }
}
