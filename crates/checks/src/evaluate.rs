//! The native reader of tests. Comes in: a subject as JSON nodes. Goes out: whether the test passes, and pointers.
//! Never: a look beyond the object.

use crate::test::{Field, From, Test, Value};
use semantics::json::{Node, escape};

/// One thing that a rule is asked of, with all that its fields may begin at.
#[derive(Clone, Copy)]
pub struct Subject<'t> {
    /// Kubernetes minor version.
    pub minor: u16,
    pub this: Node<'t>,
    /// Absent where the scope has none.
    pub container: Node<'t>,
    pub pod: Node<'t>,
    pub pod_metadata: Node<'t>,
    pub object: Node<'t>,
}

/// JSON pointers of the same places.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pointers {
    pub this: String,
    pub container: String,
    /// Of the pod (of its template), which has `metadata` and `spec`.
    pub pod: String,
}

impl Pointers {
    /// The pointer of a field of that subject; where it is not set, the one that it would have.
    pub fn of(&self, field: Field, subject: &Subject<'_>) -> String {
        let mut out = match field.from {
            From::This | From::Item => self.this.clone(),
            From::Container => self.container.clone(),
            From::Pod => format!("{}/spec", self.pod),
            From::PodMetadata => format!("{}/metadata", self.pod),
            From::Object => String::new(),
            From::Security => {
                let own = subject.container.get(CONTEXT).at(field.path);
                let pods = subject.pod.get(CONTEXT).at(field.path);
                if own.is_absent() && !pods.is_absent() {
                    format!("{}/spec/{CONTEXT}", self.pod)
                } else {
                    format!("{}/{CONTEXT}", self.container)
                }
            }
        };
        for token in field.path {
            out.push('/');
            out.push_str(&escape(token));
        }
        out
    }
}

const CONTEXT: &str = "securityContext";

impl<'t> Subject<'t> {
    /// The value of a field; absent where it is not there.
    pub fn get(&self, field: Field) -> Node<'t> {
        self.look(field, self.this.absent())
    }

    fn look(&self, field: Field, item: Node<'t>) -> Node<'t> {
        let start = match field.from {
            From::This => self.this,
            From::Item => item,
            From::Container => self.container,
            From::Pod => self.pod,
            From::PodMetadata => self.pod_metadata,
            From::Object => self.object,
            From::Security => {
                let own = self.container.get(CONTEXT).at(field.path);
                if !own.is_absent() {
                    return own;
                }
                self.pod.get(CONTEXT)
            }
        };
        start.at(field.path)
    }

    /// Whether the test passes.
    pub fn passes(&self, test: &Test) -> bool {
        self.ask(test, self.this.absent())
    }

    fn ask(&self, test: &Test, item: Node<'t>) -> bool {
        let look = |field: &Field| self.look(*field, item);
        match test {
            Test::Always => true,
            Test::Not(test) => !self.ask(test, item),
            Test::All(tests) => tests.iter().all(|test| self.ask(test, item)),
            Test::Any(tests) => tests.iter().any(|test| self.ask(test, item)),
            Test::Set(field) => !look(field).is_absent(),
            Test::Empty(field) => look(field).is_empty(),
            Test::Is(field, value) => is(look(field), *value),
            Test::In(field, words) => word(look(field)).is_some_and(|text| words.contains(&text)),
            Test::Starts(field, words) => {
                text(look(field), |t| words.iter().any(|w| t.starts_with(w)))
            }
            Test::Ends(field, words) => text(look(field), |t| words.iter().any(|w| t.ends_with(w))),
            Test::Contains(field, words) => {
                text(look(field), |t| words.iter().any(|w| t.contains(w)))
            }
            Test::Matches(field, pattern) => text(look(field), |t| pattern.is_match(t)),
            Test::Same(one, other) => {
                word(look(one)).is_some_and(|text| word(look(other)) == Some(text))
            }
            Test::Below(field, bound) => int(look(field)).is_some_and(|value| value < *bound),
            Test::Above(field, bound) => int(look(field)).is_some_and(|value| value > *bound),
            Test::Has(field, words) => {
                let list = look(field);
                list.is_list()
                    && list
                        .items()
                        .filter_map(word)
                        .any(|text| words.contains(&text))
            }
            Test::HasKey(field, keys) => {
                let map = look(field);
                map.is_map() && map.entries().any(|(key, _)| keys.contains(&key))
            }
            Test::Some(field, test) => {
                let list = look(field);
                list.is_list() && list.items().any(|item| self.ask(test, item))
            }
            Test::Every(field, test) => {
                let list = look(field);
                !list.is_list() || list.items().all(|item| self.ask(test, item))
            }
            Test::Since(minor) => self.minor >= *minor,
        }
    }
}

fn word(node: Node<'_>) -> Option<&str> {
    if node.is_text() { node.as_text() } else { None }
}

fn text(node: Node<'_>, test: impl FnOnce(&str) -> bool) -> bool {
    word(node).is_some_and(test)
}

fn int(node: Node<'_>) -> Option<i64> {
    node.is_int().then(|| node.as_int()).flatten()
}

fn is(node: Node<'_>, value: Value) -> bool {
    match value {
        Value::Bool(true) => node.is_true(),
        Value::Bool(false) => node.is_false(),
        Value::Int(value) => int(node) == Some(value),
        Value::Text(word) => node.is_word(word),
    }
}
