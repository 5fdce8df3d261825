//! Why nothing matched a component. Comes in: a component, the database. Goes out: the reason, with the nearest range.
//! Never: an answer that the matcher would not give.

use super::answer::{Answer, Answers, Role, compared, look};
use super::question::{Question, Unasked, covering, full_name, question};
use crate::affected::Entry;
use crate::ecosystem;
use crate::feeds::EventKind;
use crate::format::Damage;
use crate::intelligence::Intelligence;
use model::inventory::Inventory;
use model::matches::{Basis, FixState};
use model::text::Text;
use serde::Serialize;
use std::cmp::Ordering;
use std::fmt;

/// A component that nothing matched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Silence {
    pub package: Text,
    pub version: Text,
    /// `Debian:12`; `None` where nobody was asked.
    pub ecosystem: Option<Text>,
    pub why: Why,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Why {
    /// No file says the release.
    NoRelease,
    /// No feed covers this release or ecosystem.
    NoFeed(Text),
    /// Nothing is published on this kind of package.
    NoSource,
    /// Another vendor than the distribution built it.
    Foreign(Text),
    /// The distribution's package that installed it was judged in its place.
    Owned(Text),
    /// Nothing says its group, and several have an artifact of its name.
    NoGroup(Vec<Text>),
    /// The version cannot be compared.
    Unordered,
    /// No advisory names it; these names were looked up.
    Unnamed(Vec<Text>),
    /// Advisories name it, and its version is in no range.
    Outside {
        /// How many statements were compared.
        compared: usize,
        nearest: Option<Basis>,
    },
}

/// Why nothing matched component `index`; `None`: something did, or there is no such component.
pub fn why_not(inventory: &Inventory, index: u32, intel: &Intelligence) -> Option<Silence> {
    let component = inventory.components.get(index as usize)?;
    let release = inventory.release.as_ref();
    let covering = release.and_then(|release| covering(intel, release));
    let silent = |ecosystem: Option<&str>, why: Why| {
        Some(Silence {
            package: full_name(component).into(),
            version: component.version.clone(),
            ecosystem: ecosystem.map(Text::from),
            why,
        })
    };
    if let (Some(owner), true, false) = (
        component.owner,
        covering.is_some(),
        ecosystem::is_system(&component.kind),
    ) {
        let owner = inventory.components.get(owner as usize);
        return silent(
            None,
            Why::Owned(owner.map_or_else(|| "".into(), |owner| owner.name.clone())),
        );
    }
    let question = match question(component, release, covering.as_ref(), intel) {
        Ok(question) => question,
        Err(reason) => {
            return silent(
                None,
                match reason {
                    Unasked::NoRelease => Why::NoRelease,
                    Unasked::NotCovered(name) | Unasked::NoFeed(name) => Why::NoFeed(name.into()),
                    Unasked::NoSource => Why::NoSource,
                    Unasked::Foreign(vendor) => Why::Foreign(vendor.into()),
                    Unasked::NoGroup => Why::NoGroup(intel.groups(&component.name).to_vec()),
                },
            );
        }
    };
    let ecosystem = Some(question.ecosystem.as_str());
    match intel.noted(Answers::new(intel).answer(&question))? {
        Answer::Hits(hits) if !hits.is_empty() => None,
        Answer::Hits(_) => {
            let (compared, nearest) = intel.noted(nearest(intel, &question))?;
            silent(ecosystem, Why::Outside { compared, nearest })
        }
        Answer::Unordered => silent(ecosystem, Why::Unordered),
        Answer::Nameless => {
            let mut names: Vec<Text> = vec![
                question.name.as_str().into(),
                question.source.as_str().into(),
            ];
            names.dedup();
            silent(ecosystem, Why::Unnamed(names))
        }
    }
}

/// The range whose end the version passed last, else the one that begins first above it.
fn nearest(intel: &Intelligence, question: &Question) -> Result<(usize, Option<Basis>), Damage> {
    let entries = look(intel, question, &question.ecosystem)?;
    let mut passed: Option<(&Entry, Role, EventKind, &str)> = None;
    let mut ahead: Option<(&Entry, Role, EventKind, &str)> = None;
    let compare = |a: &str, b: &str| question.scheme.compare(a, b);
    for (entry, role) in &entries {
        let version = compared(question, *role);
        for (kind, at) in entry.ranges.iter().flat_map(|range| &range.events) {
            let order = compare(at, version);
            let (held, nearer) = match kind {
                EventKind::Fixed | EventKind::LastAffected
                    if order.is_some_and(Ordering::is_le) =>
                {
                    (&mut passed, Ordering::Greater)
                }
                EventKind::Introduced if order == Some(Ordering::Greater) => {
                    (&mut ahead, Ordering::Less)
                }
                _ => continue,
            };
            if held.is_none_or(|(.., held)| compare(at, held) == Some(nearer)) {
                *held = Some((entry, *role, *kind, at));
            }
        }
    }
    let found = passed.or(ahead).or_else(|| {
        let unaffected = entries
            .iter()
            .find(|(entry, _)| entry.state == Some(FixState::NotAffected));
        unaffected.map(|(entry, role)| (entry, *role, EventKind::Limit, ""))
    });
    let Some((entry, role, kind, at)) = found else {
        return Ok((entries.len(), None));
    };
    let statement = intel.statement(entry.statement)?;
    let bound = |wanted: EventKind| (kind == wanted).then(|| Text::from(at));
    let source = role == Role::Source;
    let basis = Basis {
        advisory: statement.id,
        feed: statement.feed,
        ecosystem: question.ecosystem.as_str().into(),
        package: if source {
            question.source.as_str()
        } else {
            question.name.as_str()
        }
        .into(),
        of_source: source && question.system,
        version: compared(question, role).into(),
        order: format!("{:?}", question.scheme).to_ascii_lowercase().into(),
        introduced: bound(EventKind::Introduced),
        fixed: bound(EventKind::Fixed),
        last_affected: bound(EventKind::LastAffected),
        fixed_on: entry.fixed_on,
        also: Vec::new(),
        notes: Vec::new(),
    };
    Ok((entries.len(), Some(basis)))
}

/// `no advisory of Debian:12 names bash`.
impl fmt::Display for Silence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of = self.ecosystem.as_deref().unwrap_or("");
        match &self.why {
            Why::NoRelease => write!(
                f,
                "not judged: no file says which release {} is of",
                self.package
            ),
            Why::NoFeed(name) => write!(f, "not judged: no feed covers {name}"),
            Why::NoSource => write!(
                f,
                "not judged: nothing is published on {} that we read",
                self.package
            ),
            Why::Foreign(vendor) => write!(
                f,
                "not judged: built by {vendor}, of which no feed is known"
            ),
            Why::Owned(owner) => write!(f, "judged as part of the distribution's package {owner}"),
            Why::NoGroup(names) => {
                let some: Vec<&str> = names.iter().take(3).map(|name| &**name).collect();
                let more = if names.len() > 3 { " ..." } else { "" };
                write!(
                    f,
                    "not judged: nothing says the group of {}, and advisories speak of {}{more}",
                    self.package,
                    some.join(", ")
                )
            }
            Why::Unordered if self.version.is_empty() => {
                write!(f, "not judged: {} has no version", self.package)
            }
            Why::Unordered => write!(
                f,
                "not judged: {} cannot be compared with the versions of advisories",
                self.version
            ),
            Why::Unnamed(names) => write!(f, "no advisory of {of} names {}", names.join(" or ")),
            Why::Outside { compared, nearest } => {
                write!(
                    f,
                    "in no range of the {compared} statements of {of} on {}",
                    nearest.as_ref().map_or(&self.package, |near| &near.package)
                )?;
                let Some(near) = nearest else { return Ok(()) };
                match (&near.fixed, &near.last_affected, &near.introduced) {
                    (Some(fixed), ..) => write!(
                        f,
                        "; nearest: {} >= {fixed}, fixed by {}",
                        near.version, near.advisory
                    ),
                    (None, Some(end), _) => write!(
                        f,
                        "; nearest: {} > {end}, the last of {}",
                        near.version, near.advisory
                    ),
                    (None, None, Some(start)) => {
                        write!(
                            f,
                            "; nearest: {} < {start}, introduced as of {}",
                            near.version, near.advisory
                        )
                    }
                    (None, None, None) => {
                        write!(f, "; {} says that it is not affected", near.advisory)
                    }
                }
            }
        }
    }
}
