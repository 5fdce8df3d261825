//! Calico's selector language: `app == 'web' && tier in {'a', 'b'} || !has(legacy)`.
//! Comes in: a text, labels. Goes out: an [`Expression`], whether it holds. Never: a guess where the text cannot be read.
//!
//! Source: calico `libcalico-go/lib/selector` (tokenizer, parser), docs "Selectors".

use crate::lens::Lens;
use crate::view::{Expression, Label, LabelOf, Test};
use model::evidence::Truth;

/// Longer and deeper ones are not read.
const LONGEST: usize = 1 << 14;
const DEEPEST: usize = 64;

/// The name that every namespace carries as a label (KEP-2161), and that Calico gives under a key of its own.
const NAME: &str = "kubernetes.io/metadata.name";
/// The name of a service account, which Calico gives it as a label.
pub const ACCOUNT_NAME: &str = "projectcalico.org/name";

impl Expression {
    /// `label`: the value, `None` where it is absent, or that it is not known.
    pub fn truth<'a>(&'a self, label: &dyn Fn(&'a Label) -> Result<Option<&'a str>, ()>) -> Truth {
        match self {
            Expression::All => Truth::Yes,
            Expression::Has(key) => label(key).map_or(Truth::Unknown, |v| truth(v.is_some())),
            Expression::Is(key, test, values) => label(key).map_or(Truth::Unknown, |value| {
                truth(value.is_some_and(|value| {
                    values.iter().any(|wanted| match test {
                        Test::OneOf => value == &**wanted,
                        Test::Contains => value.contains(&**wanted),
                        Test::StartsWith => value.starts_with(&**wanted),
                        Test::EndsWith => value.ends_with(&**wanted),
                    })
                }))
            }),
            Expression::Not(of) => match of.truth(label) {
                Truth::Yes => Truth::No,
                Truth::Unknown => Truth::Unknown,
                Truth::No => Truth::Yes,
            },
            Expression::And(all) => {
                let all = all.iter().map(|one| one.truth(label));
                all.min().unwrap_or(Truth::Yes)
            }
            Expression::Or(all) => {
                let all = all.iter().map(|one| one.truth(label));
                all.max().unwrap_or(Truth::No)
            }
        }
    }

    /// Every label that it asks for.
    pub fn labels<'a>(&'a self, visit: &mut dyn FnMut(&'a Label)) {
        match self {
            Expression::All => {}
            Expression::Has(label) | Expression::Is(label, ..) => visit(label),
            Expression::Not(of) => of.labels(visit),
            Expression::And(all) | Expression::Or(all) => {
                for one in all {
                    one.labels(visit);
                }
            }
        }
    }

    /// Both; `All` adds nothing.
    #[must_use]
    pub(crate) fn and(self, other: Expression) -> Expression {
        match (self, other) {
            (Expression::All, one) | (one, Expression::All) => one,
            (one, other) => Expression::And(vec![one, other]),
        }
    }
}

fn truth(yes: bool) -> Truth {
    if yes { Truth::Yes } else { Truth::No }
}

/// The policy's own namespace.
pub(crate) fn in_namespace(lens: &mut Lens, name: &str) -> Expression {
    let label = Label {
        of: LabelOf::Namespace,
        key: lens.word(NAME),
    };
    Expression::Is(label, Test::OneOf, vec![lens.word(name)])
}

/// Service accounts by name.
pub(crate) fn accounts(lens: &mut Lens, names: &[&str]) -> Expression {
    let label = Label {
        of: LabelOf::Account,
        key: lens.word(ACCOUNT_NAME),
    };
    let names = names.iter().map(|name| lens.word(name)).collect();
    Expression::Is(label, Test::OneOf, names)
}

/// `of`: whose labels it asks for; `None` for what cannot be read.
pub(crate) fn parse(lens: &mut Lens, text: &str, of: LabelOf) -> Option<Expression> {
    if text.len() > LONGEST {
        return None;
    }
    let mut reader = Reader {
        lens,
        rest: text,
        of,
    };
    reader.space();
    if reader.rest.is_empty() {
        return Some(reader.all());
    }
    let read = reader.either(0)?;
    reader.rest.is_empty().then_some(read)
}

struct Reader<'t, 'l> {
    lens: &'l mut Lens,
    rest: &'t str,
    of: LabelOf,
}

impl<'t> Reader<'t, '_> {
    fn space(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t']);
    }

    /// Whether the next thing is `word`, which is taken then.
    fn takes(&mut self, word: &str) -> bool {
        let rest = self.rest.strip_prefix(word);
        if let Some(rest) = rest {
            self.rest = rest;
            self.space();
        }
        rest.is_some()
    }

    /// `||` binds the least.
    fn either(&mut self, depth: usize) -> Option<Expression> {
        let mut all = vec![self.both(depth)?];
        while self.takes("||") {
            all.push(self.both(depth)?);
        }
        one_or(all, Expression::Or)
    }

    fn both(&mut self, depth: usize) -> Option<Expression> {
        let mut all = vec![self.operation(depth)?];
        while self.takes("&&") {
            all.push(self.operation(depth)?);
        }
        one_or(all, Expression::And)
    }

    fn operation(&mut self, depth: usize) -> Option<Expression> {
        let mut negated = false;
        while self.rest.starts_with('!') && self.takes("!") {
            negated = !negated;
        }
        let read = if self.takes("(") {
            if depth >= DEEPEST {
                return None;
            }
            let inner = self.either(depth + 1)?;
            self.takes(")").then_some(inner)?
        } else if self.takes("has(") {
            let key = self.key()?;
            self.takes(")").then(|| Expression::Has(self.label(key)))?
        } else if self.takes("all(") {
            self.takes(")").then(|| self.all())?
        } else if self.takes("global(") {
            self.takes(")").then(|| self.global())?
        } else {
            self.comparison()?
        };
        Some(if negated {
            Expression::Not(Box::new(read))
        } else {
            read
        })
    }

    fn comparison(&mut self) -> Option<Expression> {
        let key = self.key()?;
        let mut not = false;
        let (test, values) = if self.takes("==") {
            (Test::OneOf, vec![self.text()?])
        } else if self.takes("!=") {
            not = true;
            (Test::OneOf, vec![self.text()?])
        } else if self.takes("contains") {
            (Test::Contains, vec![self.text()?])
        } else if self.takes("starts") {
            self.takes("with").then_some(())?;
            (Test::StartsWith, vec![self.text()?])
        } else if self.takes("ends") {
            self.takes("with").then_some(())?;
            (Test::EndsWith, vec![self.text()?])
        } else if self.takes("not") {
            not = true;
            self.takes("in").then_some(())?;
            (Test::OneOf, self.set()?)
        } else if self.takes("in") {
            (Test::OneOf, self.set()?)
        } else {
            return None;
        };
        let values = values.iter().map(|value| self.lens.word(value)).collect();
        let is = Expression::Is(self.label(key), test, values);
        Some(if not {
            Expression::Not(Box::new(is))
        } else {
            is
        })
    }

    fn key(&mut self) -> Option<&'t str> {
        let of_key = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '/' | '-');
        let end = self.rest.find(|c| !of_key(c)).unwrap_or(self.rest.len());
        let (key, rest) = self.rest.split_at_checked(end)?;
        self.rest = rest;
        self.space();
        (!key.is_empty()).then_some(key)
    }

    fn text(&mut self) -> Option<&'t str> {
        let quote = self
            .rest
            .chars()
            .next()
            .filter(|c| matches!(c, '\'' | '"'))?;
        let (text, rest) = self.rest.get(1..)?.split_once(quote)?;
        self.rest = rest;
        self.space();
        Some(text)
    }

    /// A comma may stand after the last one.
    fn set(&mut self) -> Option<Vec<&'t str>> {
        self.takes("{").then_some(())?;
        let mut all = Vec::new();
        while self.rest.starts_with(['\'', '"']) {
            all.push(self.text()?);
            if !self.takes(",") {
                break;
            }
        }
        self.takes("}").then_some(all)
    }

    fn label(&mut self, key: &str) -> Label {
        let (of, key) = match (self.of, key) {
            (LabelOf::Pod, "projectcalico.org/namespace")
            | (LabelOf::Namespace, "projectcalico.org/name") => (LabelOf::Namespace, NAME),
            (LabelOf::Pod, "projectcalico.org/serviceaccount") => (LabelOf::Account, ACCOUNT_NAME),
            // How Calico writes labels of namespaces and service accounts inside.
            (LabelOf::Pod, key) => match (key.strip_prefix("pcns."), key.strip_prefix("pcsa.")) {
                (Some("projectcalico.org/name"), _) => (LabelOf::Namespace, NAME),
                (Some(key), _) => (LabelOf::Namespace, key),
                (_, Some(key)) => (LabelOf::Account, key),
                _ => (LabelOf::Pod, key),
            },
            (of, key) => (of, key),
        };
        Label {
            of,
            key: self.lens.word(key),
        }
    }

    /// Of namespaces: whatever is in one.
    fn all(&mut self) -> Expression {
        match self.of {
            LabelOf::Pod => Expression::All,
            LabelOf::Namespace => Expression::Has(self.label(NAME)),
            LabelOf::Account => Expression::Has(self.label(ACCOUNT_NAME)),
        }
    }

    /// Of namespaces: what is in none.
    fn global(&mut self) -> Expression {
        match self.of {
            LabelOf::Namespace => Expression::Not(Box::new(self.all())),
            LabelOf::Pod | LabelOf::Account => Expression::All,
        }
    }
}

fn one_or(mut all: Vec<Expression>, join: fn(Vec<Expression>) -> Expression) -> Option<Expression> {
    if all.len() == 1 {
        all.pop()
    } else {
        Some(join(all))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// `labels`: of the pod, `ns:` of its namespace, `sa:` of its service account. `expected`: `None` cannot be read.
    fn check(text: &str, labels: &str, expected: Option<bool>) {
        let pairs: Vec<(&str, &str)> = labels
            .split_whitespace()
            .map(|pair| pair.split_once('=').unwrap())
            .collect();
        let read = parse(&mut Lens::default(), text, LabelOf::Pod);
        let holds = read.as_ref().map(|read| {
            read.truth(&|label| {
                let prefix = match label.of {
                    LabelOf::Pod => "",
                    LabelOf::Namespace => "ns:",
                    LabelOf::Account => "sa:",
                };
                let key = format!("{prefix}{}", label.key);
                Ok(pairs.iter().find(|(k, _)| *k == key).map(|(_, v)| *v))
            })
        });
        assert_eq!(
            holds.map(|truth| truth == Truth::Yes),
            expected,
            "{text} on {labels}"
        );
    }

    #[test]
    fn expressions() {
        for (text, labels, expected) in [
            ("", "", Some(true)),
            ("all()", "", Some(true)),
            (" all( ) ", "", Some(true)),
            ("global()", "", Some(true)),
            ("!all()", "", Some(false)),
            ("a == 'b'", "a=b", Some(true)),
            ("a==\"b\"", "a=b", Some(true)),
            ("a == 'b'", "a=c", Some(false)),
            ("a == 'b'", "", Some(false)),
            ("a != 'b'", "", Some(true)),
            ("a != 'b'", "a=b", Some(false)),
            ("a in {'b', 'c'}", "a=c", Some(true)),
            ("a in {'b','c',}", "a=d", Some(false)),
            ("a in {}", "a=d", Some(false)),
            ("a not in {'b'}", "", Some(true)),
            ("a not in {'b'}", "a=b", Some(false)),
            ("a notin {'b'}", "a=c", Some(true)),
            ("has(a)", "a=", Some(true)),
            ("has( a )", "", Some(false)),
            ("!has(a)", "", Some(true)),
            ("!!has(a)", "", Some(false)),
            ("a contains 'bc'", "a=abcd", Some(true)),
            ("a starts with 'bc'", "a=abcd", Some(false)),
            ("a startswith 'ab'", "a=abcd", Some(true)),
            ("a ends with 'cd'", "a=abcd", Some(true)),
            ("a ends with 'cd'", "", Some(false)),
            ("a == 'x' || b == 'y' && c == 'z'", "a=x", Some(true)),
            ("(a == 'x' || b == 'y') && c == 'z'", "a=x", Some(false)),
            ("!(a == 'x' || b == 'y')", "b=y", Some(false)),
            ("a/b.c-d == 'x'", "a/b.c-d=x", Some(true)),
            ("in == 'x'", "in=x", Some(true)),
            (
                "projectcalico.org/namespace == 'n'",
                "ns:kubernetes.io/metadata.name=n",
                Some(true),
            ),
            (
                "projectcalico.org/serviceaccount == 's'",
                "sa:projectcalico.org/name=s",
                Some(true),
            ),
            ("pcns.team == 't'", "ns:team=t", Some(true)),
            ("pcsa.role == 'r'", "sa:role=r", Some(true)),
            ("a", "a=b", None),
            ("a =", "a=b", None),
            ("a = 'b'", "a=b", None),
            ("a == b", "a=b", None),
            ("a == 'b", "a=b", None),
            ("a == 'b' &&", "a=b", None),
            ("a == 'b' & c == 'd'", "a=b", None),
            ("a == 'b' c == 'd'", "a=b", None),
            ("(a == 'b'", "a=b", None),
            ("a in 'b'", "a=b", None),
            ("a in {'b' 'c'}", "a=b", None),
            ("has()", "a=b", None),
            ("'a' == 'b'", "a=b", None),
            ("ä == 'b'", "a=b", None),
        ] {
            check(text, labels, expected);
        }
        check(&"(".repeat(100_000), "", None);
        check(&"!".repeat(10_001), "", None);
        check(&format!("{}has(a)", "!".repeat(10_001)), "", Some(true));
        let nested = |n: usize| format!("{}all(){}", "(".repeat(n), ")".repeat(n));
        check(&nested(DEEPEST), "", Some(true));
        check(&nested(DEEPEST + 1), "", None);
    }

    proptest! {
        #[test]
        fn never_panics(text in "[a !()&|='\"{},ä]{0,40}|(has\\(|all\\(|a |in |not |\\{|'b'|==|&&|\\|\\||\\)|!){0,12}") {
            parse(&mut Lens::default(), &text, LabelOf::Namespace);
        }
    }
}
