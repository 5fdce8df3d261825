//! Maven: `ComparableVersion` of Maven 3.9.
//! Source: maven-artifact 3.9 `ComparableVersion.java`, the POM reference "Version order specification". Its nested
//! lists are flat here: a list is always the last item of the one around it, so a marker is enough, and depth costs
//! nothing. Where the two sources differ on `1-ga-1` the specification holds: it is `1-1`. Words between dots that are
//! not last make circles (`1.sp.1` < `1-alpha` < `1` < `1.sp.1`): the answer is Maven's for each pair.

use super::digits;
use std::borrow::Cow;
use std::cmp::Ordering;

pub(super) fn compare(a: &str, b: &str) -> Option<Ordering> {
    let (a, b) = (lower(a)?, lower(b)?);
    let (a, b) = (items(&a), items(&b));
    let (mut a, mut b) = (a.iter(), b.iter());
    loop {
        let order = match (a.next(), b.next()) {
            (None, None) => return Some(Ordering::Equal),
            (Some(a), Some(b)) => item(a, b),
            (Some(a), None) => nothing(a),
            (None, Some(b)) => nothing(b).reverse(),
        };
        if order.is_ne() {
            return Some(order);
        }
    }
}

/// `None` for a range and for a property that was not filled in.
fn lower(text: &str) -> Option<Cow<'_, str>> {
    if text.contains(|other: char| other.is_whitespace() || "[](){},$".contains(other)) {
        return None;
    }
    let changes = |other: char| other.is_uppercase() || !other.is_ascii();
    Some(if text.contains(changes) {
        Cow::Owned(text.to_lowercase())
    } else {
        Cow::Borrowed(text)
    })
}

#[derive(Clone, Copy, Debug)]
enum Item<'a> {
    Number(&'a [u8]),
    /// What follows is one level deeper.
    List,
    Word(Qualifier<'a>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Qualifier<'a> {
    Alpha,
    Beta,
    Milestone,
    Candidate,
    Snapshot,
    Release,
    ServicePack,
    Other(&'a str),
}

impl<'a> Qualifier<'a> {
    fn of(word: &'a str, before_number: bool) -> Self {
        match word {
            "alpha" => Self::Alpha,
            "beta" => Self::Beta,
            "milestone" => Self::Milestone,
            "rc" | "cr" => Self::Candidate,
            "snapshot" => Self::Snapshot,
            "" | "ga" | "final" | "release" => Self::Release,
            "sp" => Self::ServicePack,
            "a" if before_number => Self::Alpha,
            "b" if before_number => Self::Beta,
            "m" if before_number => Self::Milestone,
            other => Self::Other(other),
        }
    }
}

/// Words < lists < numbers.
fn item(a: &Item<'_>, b: &Item<'_>) -> Ordering {
    use Item::{List, Number, Word};
    match (a, b) {
        (Number(a), Number(b)) => digits::by_value(a, b),
        (Word(a), Word(b)) => a.cmp(b),
        (List, List) => Ordering::Equal,
        (Number(_), _) | (List, Word(_)) => Ordering::Greater,
        (_, Number(_)) | (Word(_), List) => Ordering::Less,
    }
}

/// An item against the end of the other version.
fn nothing(item: &Item<'_>) -> Ordering {
    match item {
        Item::Number(number) => digits::by_value(number, b"0"),
        Item::List => Ordering::Equal,
        Item::Word(word) => word.cmp(&Qualifier::Release),
    }
}

/// Parses, and takes out what counts as nothing.
fn items(text: &str) -> Vec<Item<'_>> {
    let mut parser = Parser {
        text,
        items: Vec::new(),
        start: 0,
        digit: false,
    };
    for (at, byte) in text.bytes().enumerate() {
        parser.step(at, byte);
    }
    parser.finish();
    normal(parser.items)
}

struct Parser<'a> {
    text: &'a str,
    items: Vec<Item<'a>>,
    /// Where the item that is being read begins.
    start: usize,
    /// Whether the last letter or digit was a digit.
    digit: bool,
}

impl Parser<'_> {
    fn step(&mut self, at: usize, byte: u8) {
        let within = at > self.start;
        match byte {
            b'.' => {
                self.end_item(at, false);
                self.start = at + 1;
            }
            b'-' => {
                self.end_item(at, false);
                self.start = at + 1;
                self.items.push(Item::List);
            }
            b'0'..=b'9' => {
                if !self.digit && within {
                    self.open_unless_empty();
                    self.end_item(at, true);
                    self.start = at;
                    self.items.push(Item::List);
                }
                self.digit = true;
            }
            _ => {
                if self.digit && within {
                    self.end_item(at, false);
                    self.start = at;
                    self.items.push(Item::List);
                }
                self.digit = false;
            }
        }
    }

    fn finish(&mut self) {
        let end = self.text.len();
        if end > self.start {
            if !self.digit {
                self.open_unless_empty();
            }
            self.end_item(end, false);
        }
    }

    /// A word gets a list of its own where it is not the first of one: `1.0.RC1` is read as `1.0-RC1`.
    fn open_unless_empty(&mut self) {
        if matches!(self.items.last(), Some(Item::Number(_) | Item::Word(_))) {
            self.items.push(Item::List);
        }
    }

    fn end_item(&mut self, end: usize, before_number: bool) {
        let text = &self.text[self.start..end];
        self.items.push(if text.is_empty() {
            Item::Number(b"0")
        } else if self.digit {
            Item::Number(text.as_bytes())
        } else {
            Item::Word(Qualifier::of(text, before_number))
        });
    }
}

/// `ListItem.normalize`, from the innermost list out: what is nothing goes from the end of each list, and from before
/// the list that ends it; a list that is left empty goes too.
fn normal(items: Vec<Item<'_>>) -> Vec<Item<'_>> {
    let mut kept: Vec<Item<'_>> = Vec::with_capacity(items.len());
    let (mut at_end, mut released) = (true, false);
    for item in items.into_iter().rev() {
        let gone = match item {
            Item::Number(number) => at_end && digits::without_zeros(number).is_empty(),
            Item::Word(word) => at_end && word == Qualifier::Release,
            // `1-ga-1`: the list of `ga` would hold nothing but the list of `1`.
            Item::List => {
                kept.is_empty() || (released && matches!(*kept, [.., Item::Number(_), Item::List]))
            }
        };
        released = gone && matches!(item, Item::Word(_));
        at_end = gone || matches!(item, Item::List);
        if !gone {
            kept.push(item);
        }
    }
    kept.reverse();
    kept
}

#[cfg(test)]
mod tests {
    use crate::version::{Scheme, check};

    #[test]
    fn corners() {
        check(
            Scheme::Maven,
            "1-alpha2snapshot < 1-alpha2 < 1-alpha-123 < 1-beta-2 < 1-beta123 < 1-m2 < 1-m11 < 1-rc < 1-cr2 < 1-rc123 < 1-SNAPSHOT < 1 < 1-sp < 1-sp2 < 1-sp123 < 1-abc < 1-def < 1-pom-1 < 1-1-snapshot < 1-1 < 1-2 < 1-123
             1-1-ga-1 = 1-1-1
             1.0.RC2 < 1.0-RC3 < 1.0.1
             1.0.0.RC1 < 1.0.0-RC2
             1-alpha-1 = 1-a1 = 1alpha1
             1 = 1.0.0 = 1-ga = 1.final = 1-RELEASE = 1.0.0.Final
             4.1.0.Beta1 < 4.1.0.CR1 < 4.1.0.Final < 4.1.1.Final
             1.0-SNAPSHOT < 1.0
             32.0.0-android < 32.0.0-jre < 32.0.1-android
             2.0 < 2.0.redhat-1 < 2.0.redhat-2 < 2.0.1
             2.0.1.MR < 2.0.2
             1-0.alpha < 1-0.beta
             1.x > 1
             01.002 = 1.2
             1.99999999999999999999 < 1.100000000000000000000",
        );
    }

    #[test]
    fn depth_costs_nothing() {
        let deep = "1-a".repeat(100_000);
        check(Scheme::Maven, &format!("{deep} = {deep}"));
    }
}
