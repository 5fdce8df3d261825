//! What the statements on one package say of its version. Comes in: a question. Goes out: one hit a vulnerability,
//! with everything that decided it. Never: loses an advisory that says it too, or lets a notice overrule the
//! vendor's word on the one vulnerability.

use super::question::Question;
use crate::affected::Entry;
use crate::feeds::{EventKind, Import, Names};
use crate::format::Damage;
use crate::intelligence::Intelligence;
use crate::ranges::{Verdict, evaluate};
use crate::record::Statement;
use crate::version::Scheme;
use jiff::civil::{Date, date};
use model::matches::FixState;
use model::text::Text;
use rustc_hash::FxHashMap;
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// One vulnerability of one package.
#[derive(Clone, Debug)]
pub(crate) struct Hit {
    /// The closure, the id that names it first.
    pub(crate) ids: Rc<[Text]>,
    /// The statement that decides the fix.
    pub(crate) statement: Rc<Statement>,
    pub(crate) entry: Rc<Entry>,
    pub(crate) verdict: Verdict,
    pub(crate) role: Role,
    pub(crate) state: FixState,
    /// Other advisories that say it too, ordered.
    pub(crate) also: Vec<Text>,
    /// Of a channel that must be paid for.
    pub(crate) extended: bool,
    /// Vulnerable Go packages, of all statements; `None`: one of them says nothing, so all counts.
    pub(crate) imports: Option<Vec<Import>>,
    /// Only on these platforms.
    pub(crate) platforms: Vec<String>,
    /// The advisory that is of the program itself, not of packages that others import.
    pub(crate) of_program: Option<Text>,
    /// Fixes of other branches above the one that is named, ordered: between two branches a version may be affected.
    pub(crate) branches: Vec<String>,
}

/// Which of the package's names an entry speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Binary,
    Source,
}

/// What is said of a version.
pub(crate) enum Answer {
    Hits(Vec<Hit>),
    /// No statement names the package.
    Nameless,
    /// The version has no order.
    Unordered,
}

/// Closures and statements that were read already.
pub(crate) struct Answers<'i> {
    intel: &'i Intelligence,
    closures: FxHashMap<Text, Rc<[Text]>>,
    statements: FxHashMap<u32, Rc<Statement>>,
}

/// An affected entry, not yet resolved to vulnerabilities.
struct Raw {
    entry: Rc<Entry>,
    verdict: Verdict,
    role: Role,
    extended: bool,
}

impl<'i> Answers<'i> {
    pub(crate) fn new(intel: &'i Intelligence) -> Self {
        Answers {
            intel,
            closures: FxHashMap::default(),
            statements: FxHashMap::default(),
        }
    }

    pub(crate) fn answer(&mut self, question: &Question) -> Result<Answer, Damage> {
        let entries = look(self.intel, question, &question.ecosystem)?;
        let extended = match &question.extended {
            Some(extended) => look(self.intel, question, extended)?,
            None => Vec::new(),
        };
        if entries.is_empty() && extended.is_empty() {
            return Ok(Answer::Nameless);
        }
        let unordered = |version: &str| question.scheme.compare(version, version).is_none();
        if unordered(&question.version) && unordered(&question.source_version) {
            return Ok(Answer::Unordered);
        }
        let fixes = fixes(question, &entries);
        let mut raw = Vec::new();
        let mut cleared = Vec::new();
        for (entry, role) in entries {
            judge(question, entry, role, false, &mut raw, &mut cleared);
        }
        let mut groups = self.grouped(raw)?;
        if question.system {
            self.overrule(&mut groups, &cleared)?;
            self.extend(question, extended, &mut groups, &cleared)?;
        }
        if !question.system {
            self.trust_own(question, &mut groups, &cleared)?;
        }
        let hits = groups
            .into_values()
            .filter_map(|(ids, raws)| self.hit(question, ids, &raws))
            .map(|hit| Hit {
                branches: branches(question, &hit, &fixes),
                ..hit
            });
        Ok(Answer::Hits(hits.collect::<Vec<_>>()))
    }

    /// By the id that names the vulnerability.
    fn grouped(&mut self, raw: Vec<Raw>) -> Result<Groups, Damage> {
        let mut groups = Groups::new();
        for raw in raw {
            let raw = Rc::new(raw);
            for ids in self.vulnerabilities(raw.entry.statement)? {
                if let Some(named) = ids.first() {
                    let group = groups
                        .entry(named.clone())
                        .or_insert_with(|| (Rc::clone(&ids), Vec::new()));
                    group.1.push(Rc::clone(&raw));
                }
            }
        }
        Ok(groups)
    }

    /// A vendor's record of one vulnerability is more exact than a notice that collects several; a plain "not affected"
    /// is its last word.
    fn overrule(&mut self, groups: &mut Groups, cleared: &[(u32, bool)]) -> Result<(), Damage> {
        if groups.is_empty() || cleared.is_empty() {
            return Ok(());
        }
        let mut above: BTreeSet<Text> = BTreeSet::new();
        let mut never: BTreeSet<Text> = BTreeSet::new();
        for (statement, not_affected) in cleared {
            if self.statement(*statement)?.covers.is_empty() {
                for ids in self.vulnerabilities(*statement)? {
                    let named = ids.first().cloned();
                    if *not_affected {
                        never.extend(named.clone());
                    }
                    above.extend(named);
                }
            }
        }
        let mut gone = Vec::new();
        for (named, (_, raws)) in groups.iter() {
            let mut notices = true;
            for raw in raws {
                notices &= !self.statement(raw.entry.statement)?.covers.is_empty();
            }
            if never.contains(named) || (notices && above.contains(named)) {
                gone.push(named.clone());
            }
        }
        for named in gone {
            groups.remove(&named);
        }
        Ok(())
    }

    /// An ecosystem's own database is above the ranges that others gather of it.
    fn trust_own(
        &mut self,
        question: &Question,
        groups: &mut Groups,
        cleared: &[(u32, bool)],
    ) -> Result<(), Damage> {
        let Some(own) = own_database(&question.ecosystem) else {
            return Ok(());
        };
        for (statement, _) in cleared {
            if !self.statement(*statement)?.id.starts_with(own) {
                continue;
            }
            for ids in self.vulnerabilities(*statement)? {
                let Some((named, (_, raws))) = ids.first().and_then(|id| groups.get_key_value(id))
                else {
                    continue;
                };
                let (named, raws) = (named.clone(), raws.clone());
                let mut of_others = true;
                for raw in &raws {
                    of_others &= !self.statement(raw.entry.statement)?.id.starts_with(own);
                }
                if of_others {
                    groups.remove(&named);
                }
            }
        }
        Ok(())
    }

    /// Channels that are supported longer. Red Hat's branches clear what was built for them; what only paying customers
    /// of Ubuntu get tells of vulnerabilities that the plain channel says nothing of.
    fn extend(
        &mut self,
        question: &Question,
        entries: Vec<(Entry, Role)>,
        groups: &mut Groups,
        cleared: &[(u32, bool)],
    ) -> Result<(), Damage> {
        if entries.is_empty() {
            return Ok(());
        }
        let branch = question
            .extended
            .as_deref()
            .and_then(|name| name.strip_prefix("Red Hat:eus:"));
        if let Some(branch) = branch {
            let tag = format!(".el{}", branch.replace('.', "_"));
            let own = |version: &str| {
                version.find(&tag).is_some_and(|at| {
                    !version
                        .as_bytes()
                        .get(at + tag.len())
                        .is_some_and(u8::is_ascii_digit)
                })
            };
            if !own(&question.version) {
                return Ok(());
            }
            for (entry, role) in entries {
                let fixes = entry
                    .ranges
                    .iter()
                    .flat_map(|range| &range.events)
                    .any(|(_, version)| own(version));
                let (statement, mut raw, mut clear) = (entry.statement, Vec::new(), Vec::new());
                judge(question, entry, role, true, &mut raw, &mut clear);
                if fixes && !clear.is_empty() {
                    for ids in self.vulnerabilities(statement)? {
                        if let Some(named) = ids.first() {
                            groups.remove(named);
                        }
                    }
                }
            }
            return Ok(());
        }
        let mut spoken: BTreeSet<Text> = groups.keys().cloned().collect();
        for (statement, _) in cleared {
            for ids in self.vulnerabilities(*statement)? {
                spoken.extend(ids.first().cloned());
            }
        }
        let mut raw = Vec::new();
        for (entry, role) in entries {
            judge(question, entry, role, true, &mut raw, &mut Vec::new());
        }
        for (named, group) in self.grouped(raw)? {
            if !spoken.contains(&named) {
                groups.insert(named, group);
            }
        }
        Ok(())
    }

    fn hit(&mut self, question: &Question, ids: Rc<[Text]>, raws: &[Rc<Raw>]) -> Option<Hit> {
        // The highest fix repairs it by every statement; without one, the vendor's most telling word.
        let best = raws.iter().reduce(|best, one| {
            let better = match (&one.verdict.fixed, &best.verdict.fixed) {
                (Some(one), Some(best)) => {
                    question.scheme.compare(one, best) == Some(Ordering::Greater)
                }
                (Some(_), None) => true,
                (None, Some(_)) => false,
                (None, None) => state(&one.entry, &one.verdict) < state(&best.entry, &best.verdict),
            };
            if better { one } else { best }
        })?;
        let statement = self.intel.noted(self.statement(best.entry.statement))?;
        let mut also: Vec<Text> = Vec::new();
        let mut imports: Option<Vec<Import>> = Some(Vec::new());
        let mut platforms: Option<Vec<String>> = Some(Vec::new());
        let (mut of_program, mut of_packages) = (None, false);
        for raw in raws {
            let other = self.intel.noted(self.statement(raw.entry.statement))?;
            if other.id != statement.id {
                also.push(other.id.clone());
            }
            let said = self.intel.noted(self.intel.imports(&raw.entry))?;
            of_packages |= !said.is_empty();
            if was_left_out(&other) {
                of_program = Some(other.id.clone());
            }
            imports = imports.filter(|_| !said.is_empty()).map(|mut all| {
                all.extend(said);
                all
            });
            platforms = platforms
                .filter(|_| !raw.entry.platforms.is_empty())
                .map(|mut all| {
                    all.extend(raw.entry.platforms.iter().cloned());
                    all
                });
        }
        also.sort();
        also.dedup();
        Some(Hit {
            ids,
            statement,
            entry: Rc::clone(&best.entry),
            verdict: best.verdict.clone(),
            role: best.role,
            state: state(&best.entry, &best.verdict),
            also,
            extended: best.extended,
            imports,
            platforms: platforms.unwrap_or_default(),
            of_program: of_program.filter(|_| !of_packages),
            branches: Vec::new(),
        })
    }

    pub(crate) fn statement(&mut self, row: u32) -> Result<Rc<Statement>, Damage> {
        if let Some(known) = self.statements.get(&row) {
            return Ok(Rc::clone(known));
        }
        let statement = Rc::new(self.intel.statement(row)?);
        self.statements.insert(row, Rc::clone(&statement));
        Ok(statement)
    }

    /// The vulnerabilities that a statement speaks of: those that it collects, else its own.
    pub(crate) fn vulnerabilities(&mut self, row: u32) -> Result<Vec<Rc<[Text]>>, Damage> {
        let statement = self.statement(row)?;
        let own = std::slice::from_ref(&statement.id);
        let ids = if statement.covers.is_empty() {
            own
        } else {
            &statement.covers[..]
        };
        let closures = ids.iter().map(|id| self.closure(id));
        Ok(closures.collect())
    }

    fn closure(&mut self, id: &Text) -> Rc<[Text]> {
        if let Some(known) = self.closures.get(id) {
            return Rc::clone(known);
        }
        let closure: Rc<[Text]> = self.intel.closure(id).into();
        self.closures.insert(id.clone(), Rc::clone(&closure));
        closure
    }
}

type Groups = BTreeMap<Text, (Rc<[Text]>, Vec<Rc<Raw>>)>;

/// The entries of the package's names that speak of it.
pub(crate) fn look(
    intel: &Intelligence,
    question: &Question,
    ecosystem: &str,
) -> Result<Vec<(Entry, Role)>, Damage> {
    let same = question.name == question.source;
    let mut found = Vec::new();
    for entry in intel
        .entries(ecosystem, &question.name)?
        .unwrap_or_default()
    {
        match entry.names {
            Names::Binary | Names::Either => found.push((entry, Role::Binary)),
            Names::Source if same => found.push((entry, Role::Source)),
            Names::Source => {}
        }
    }
    if !same {
        for entry in intel
            .entries(ecosystem, &question.source)?
            .unwrap_or_default()
        {
            if entry.names != Names::Binary {
                found.push((entry, Role::Source));
            }
        }
    }
    found.retain(|(entry, _)| of_same_module(question, entry));
    Ok(found)
}

fn judge(
    question: &Question,
    entry: Entry,
    role: Role,
    extended: bool,
    raw: &mut Vec<Raw>,
    cleared: &mut Vec<(u32, bool)>,
) {
    match verdict(question, &entry, role) {
        Some(verdict) => raw.push(Raw {
            entry: Rc::new(entry),
            verdict,
            role,
            extended,
        }),
        None => cleared.push((entry.statement, entry.state == Some(FixState::NotAffected))),
    }
}

/// The version that an entry is compared with.
pub(crate) fn compared(question: &Question, role: Role) -> &str {
    match role {
        Role::Binary => &question.version,
        Role::Source => &question.source_version,
    }
}

/// `None`: not affected.
fn verdict(question: &Question, entry: &Entry, role: Role) -> Option<Verdict> {
    let version = compared(question, role);
    let compare = |a: &str, b: &str| question.scheme.compare(a, b);
    let mut found: Option<Verdict> = None;
    for range in &entry.ranges {
        let verdict = evaluate(range, version, &compare);
        if !verdict.affected {
            continue;
        }
        let higher = match (
            &verdict.fixed,
            found.as_ref().and_then(|held| held.fixed.as_ref()),
        ) {
            (Some(one), Some(held)) => compare(one, held) == Some(Ordering::Greater),
            (fixed, None) => found.is_none() || fixed.is_some(),
            (None, Some(_)) => false,
        };
        if higher {
            found = Some(verdict);
        }
    }
    let listed = || {
        let listed =
            |one: &String| one == version || compare(one, version) == Some(Ordering::Equal);
        entry.versions.iter().any(listed).then(|| Verdict {
            affected: true,
            ..Verdict::default()
        })
    };
    found.or_else(listed)
}

/// Fixes of all branches by statement; a distribution has one for each release.
fn fixes(question: &Question, entries: &[(Entry, Role)]) -> BTreeMap<u32, Vec<String>> {
    let mut fixes: BTreeMap<u32, Vec<String>> = BTreeMap::new();
    if question.system {
        return fixes;
    }
    for (entry, _) in entries {
        let events = entry.ranges.iter().flat_map(|range| &range.events);
        for (_, text) in events.filter(|(kind, _)| *kind == EventKind::Fixed) {
            fixes.entry(entry.statement).or_default().push(text.clone());
        }
    }
    fixes
}

/// A record of more branches than people keep is not listed whole.
const MOST_BRANCHES: usize = 16;

fn branches(question: &Question, hit: &Hit, fixes: &BTreeMap<u32, Vec<String>>) -> Vec<String> {
    let Some(named) = &hit.verdict.fixed else {
        return Vec::new();
    };
    let compare = |a: &str, b: &str| question.scheme.compare(a, b);
    let all = fixes.get(&hit.entry.statement).into_iter().flatten();
    let mut above: Vec<String> = all
        .filter(|fix| compare(fix, named) == Some(Ordering::Greater))
        .cloned()
        .collect();
    above.sort_by(|a, b| compare(a, b).unwrap_or(Ordering::Equal).then(a.cmp(b)));
    above.dedup();
    above.truncate(MOST_BRANCHES);
    above
}

/// What is published of a fix.
fn state(entry: &Entry, verdict: &Verdict) -> FixState {
    if verdict.fixed.is_some() {
        return FixState::Fixed;
    }
    match entry.state {
        Some(state) => state,
        // A bound is no promise that the next version is repaired; a list says nothing of the rest.
        None if verdict.last_affected.is_some() || verdict.introduced.is_none() => {
            FixState::Unknown
        }
        None => FixState::NotFixed,
    }
}

/// Databases whose ranges people of the ecosystem check one by one; others copy them, or guess.
fn own_database(ecosystem: &str) -> Option<&'static str> {
    match ecosystem {
        "Go" => Some("GO-"),
        "crates.io" => Some("RUSTSEC-"),
        _ => None,
    }
}

/// What no other program can import, Go's database had left out (`NOT_IMPORTABLE`, `EFFECTIVELY_PRIVATE`); in August
/// 2024 all of it went in under the numbers that it had, without packages. Source: golang/vulndb, data/excluded and
/// doc/triage.md.
fn was_left_out(statement: &Statement) -> bool {
    const ADDED: Date = date(2024, 8, 20);
    let number = statement.id.strip_prefix("GO-");
    let year = number.and_then(|rest| rest.get(..4)?.parse::<u16>().ok());
    year.is_some_and(|year| year < 2024) && statement.published.is_some_and(|day| day >= ADDED)
}

/// Packages of modules and others do not judge each other; nor do streams (Fedora modularity, "streams").
fn of_same_module(question: &Question, entry: &Entry) -> bool {
    if question.scheme != Scheme::Rpm {
        return true;
    }
    let mut fixes = entry
        .ranges
        .iter()
        .flat_map(|range| &range.events)
        .map(|(_, version)| version.as_str());
    let modular =
        !entry.modules.is_empty() || fixes.clone().any(|version| version.contains(".module"));
    if modular != question.modular {
        return false;
    }
    match &question.stream {
        _ if !modular || entry.modules.is_empty() => true,
        Some(stream) => entry.modules.contains(stream),
        // Without a label the version tells the stream, where the stream is a version.
        None => fixes.all(|fixed| {
            streams(&entry.modules, fixed).is_none_or(|stream| starts(&question.version, stream))
        }),
    }
}

/// The stream that a fix's own version begins with.
fn streams<'m>(modules: &'m [String], fixed: &str) -> Option<&'m str> {
    modules
        .iter()
        .filter_map(|module| Some(module.split_once(':')?.1))
        .find(|stream| starts(fixed, stream))
}

/// Whether a version, without its epoch, is of a series: `18` of `1:18.14.2-3`.
fn starts(version: &str, series: &str) -> bool {
    let upstream = version
        .split_once(':')
        .map_or(version, |(_, upstream)| upstream);
    series.starts_with(|c: char| c.is_ascii_digit())
        && upstream
            .strip_prefix(series)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '-']))
}
