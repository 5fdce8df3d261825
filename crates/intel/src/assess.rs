//! Merges what the database and the reports say of one vulnerability. Comes in: a closure of aliases, the
//! database, the reports' advisories. Goes out: a [`Vulnerability`] with its likelihood. Never: reads a missing
//! feed as "no score", or a report's word over the database's CVSS.
//!
//! Precedence. Title and dates: CVE record, other feeds, reports. CVSS to judge by: 4.0, 3.1, 3.0, 2.0; of one
//! version the CNA's, CISA's, other feeds'; reports' only where the database has none. Severity: that vector's,
//! else the highest word of the feeds, else the highest word of the reports. EPSS and KEV of a closure with
//! several CVEs: the highest score, the first listing. A distribution's own severity stays on its match.
//! CVEs that an advisory only collects lend it their EPSS, KEV and SSVC, and CVSS and severity where it has none:
//! the worst of them.

use crate::cvss;
use crate::intelligence::Intelligence;
use crate::likelihood::{LikelihoodInput, likelihood};
use crate::record::{Record, Statement};
use model::evidence::{Fact, GapId};
use model::keys::vulnerability_id;
use model::matches::Advisory;
use model::text::Text;
use model::vulnerability::{
    AttackProfile, Cvss, Epss, Exploitation, Kev, Severity, Ssvc, Vulnerability,
};
use std::collections::BTreeSet;

/// The gap to cite where a feed is missing; `None` where the feed is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeedGaps {
    pub epss: Option<GapId>,
    pub kev: Option<GapId>,
    pub ssvc: Option<GapId>,
}

/// Everything known of the closure `closure_ids` (at least one id). `said` are the reports' advisories of it, with
/// their tool. The database's aliases join the closure. Ask [`Intelligence::damage`] after the last call.
pub fn vulnerability(
    intel: Option<&Intelligence>,
    closure_ids: &[&str],
    said: &[(&str, &Advisory)],
    gaps: &FeedGaps,
) -> Vulnerability {
    let (records, ids) = records(intel, closure_ids);
    let id: Text =
        vulnerability_id(ids.iter().map(|id| &**id)).map_or_else(|| "".into(), Text::from);
    let aliases = ids.into_iter().filter(|alias| *alias != id).collect();

    let all: Vec<&Statement> = records
        .iter()
        .flat_map(|record| &record.statements)
        .collect();
    // Withdrawn statements speak only where nobody else does.
    let valid: Vec<&Statement> = all
        .iter()
        .copied()
        .filter(|s| s.withdrawn.is_none())
        .collect();
    let statements = if valid.is_empty() { all } else { valid };

    let covered = covered(intel, &statements, said);
    let lent: Vec<&Statement> = covered
        .iter()
        .flat_map(|record| &record.statements)
        .filter(|s| s.withdrawn.is_none())
        .collect();

    let feed_cvss: Vec<&Cvss> = statements.iter().flat_map(|s| &s.cvss).collect();
    let computed = computed(said);
    let report_cvss: Vec<&Cvss> = said
        .iter()
        .flat_map(|(_, advisory)| &advisory.cvss)
        .chain(&computed)
        .collect();
    let best = cvss::best(feed_cvss.iter().copied());
    let worst_lent = lent
        .iter()
        .filter_map(|s| cvss::best(&s.cvss))
        .max_by(|a, b| a.base.total_cmp(&b.base));
    let profile = best
        .or_else(|| cvss::best(report_cvss.iter().copied()))
        .or(worst_lent)
        .map_or_else(AttackProfile::default, |cvss| cvss::profile(&cvss.vector));
    let severity = match severity(best, &statements, said, &report_cvss) {
        Severity::Unknown => worst_lent.map_or(Severity::Unknown, |c| Severity::of_cvss(c.base)),
        severity => severity,
    };

    let of_all = || records.iter().chain(&covered);
    let epss = epss(of_all(), gaps.epss);
    let kev = kev(of_all, gaps.kev);
    let ssvc = ssvc(statements.iter().chain(&lent), gaps.ssvc);
    let likelihood = likelihood(&LikelihoodInput {
        epss: &epss,
        kev: &kev,
        ssvc: &ssvc,
        profile: &profile,
        severity,
    });
    let earliest =
        |dates: &mut dyn Iterator<Item = Option<jiff::civil::Date>>| dates.flatten().min();
    Vulnerability {
        id,
        aliases,
        title: title(intel, &statements, said),
        published: earliest(&mut statements.iter().map(|s| s.published))
            .or_else(|| earliest(&mut said.iter().map(|(_, advisory)| advisory.published))),
        epss,
        kev,
        ssvc,
        cvss: united(&feed_cvss, &report_cvss),
        profile,
        cwes: cwes(&statements, said),
        severity,
        likelihood,
    }
}

/// The distinct records of the ids, and all ids of them, ordered.
fn records(intel: Option<&Intelligence>, closure_ids: &[&str]) -> (Vec<Record>, BTreeSet<Text>) {
    let mut ids: BTreeSet<Text> = closure_ids.iter().map(|id| Text::from(*id)).collect();
    let mut records: Vec<Record> = Vec::new();
    let Some(intel) = intel else {
        return (records, ids);
    };
    let mut sorted = closure_ids.to_vec();
    sorted.sort_unstable();
    for id in sorted {
        if records
            .iter()
            .any(|record| record.ids.iter().any(|known| &**known == id))
        {
            continue;
        }
        if let Some(record) = intel.lookup(id) {
            ids.extend(record.ids.iter().cloned());
            records.push(record);
        }
    }
    (records, ids)
}

/// The records of the CVEs that the advisories collect.
fn covered(
    intel: Option<&Intelligence>,
    statements: &[&Statement],
    said: &[(&str, &Advisory)],
) -> Vec<Record> {
    let Some(intel) = intel else {
        return Vec::new();
    };
    let of_reports = said.iter().flat_map(|(_, one)| &one.covers);
    let of_feeds = statements.iter().flat_map(|one| &one.covers);
    let ids: BTreeSet<&Text> = of_reports.chain(of_feeds).collect();
    ids.into_iter().filter_map(|id| intel.lookup(id)).collect()
}

/// The reports' vectors that come without a score, with their base score; what is no vector is left out.
fn computed(said: &[(&str, &Advisory)]) -> Vec<Cvss> {
    let vectors = said.iter().flat_map(|(_, advisory)| &advisory.vectors);
    let scored = vectors.filter_map(|one| {
        let read = cvss::parse(&one.vector)?;
        Some(Cvss {
            source: Text::clone(&one.source),
            version: read.version.name().into(),
            vector: Text::clone(&one.vector),
            base: read.base,
        })
    });
    scored.collect()
}

fn title(
    intel: Option<&Intelligence>,
    statements: &[&Statement],
    said: &[(&str, &Advisory)],
) -> Option<Text> {
    statements
        .iter()
        .filter_map(|statement| intel?.title(statement.title?))
        .chain(
            said.iter()
                .filter_map(|(_, advisory)| advisory.title.clone()),
        )
        .find(|title| !title.is_empty())
}

fn severity(
    best: Option<&Cvss>,
    statements: &[&Statement],
    said: &[(&str, &Advisory)],
    report_cvss: &[&Cvss],
) -> Severity {
    if let Some(cvss) = best {
        return Severity::of_cvss(cvss.base);
    }
    let feeds = statements
        .iter()
        .filter_map(|statement| statement.severity)
        .max();
    let reports = said.iter().map(|(_, advisory)| advisory.severity).max();
    let scored =
        || cvss::best(report_cvss.iter().copied()).map(|cvss| Severity::of_cvss(cvss.base));
    feeds
        .or(reports.filter(|severity| *severity != Severity::Unknown))
        .or_else(scored)
        .unwrap_or(Severity::Unknown)
}

fn epss<'r>(records: impl Iterator<Item = &'r Record>, missing: Option<GapId>) -> Fact<Epss> {
    let scores = records.flat_map(|record| &record.epss);
    let highest = scores.max_by(|a, b| a.1.score.total_cmp(&b.1.score).then_with(|| b.0.cmp(&a.0)));
    fact(highest.map(|(_, epss)| epss.clone()), missing)
}

fn kev<'r, I: Iterator<Item = &'r Record>>(
    records: impl Fn() -> I,
    missing: Option<GapId>,
) -> Fact<Kev> {
    let entries = || records().flat_map(|record| &record.kev);
    let first = entries().min_by_key(|(id, entry)| (entry.kev.added, id.clone()));
    let ransomware = entries().any(|(_, entry)| entry.kev.ransomware);
    let kev = first.map(|(_, entry)| Kev {
        ransomware,
        ..entry.kev.clone()
    });
    fact(kev, missing)
}

/// The worse value of each decision point over the CVEs of the closure.
fn ssvc<'s, 'r: 's>(
    statements: impl Iterator<Item = &'s &'r Statement>,
    missing: Option<GapId>,
) -> Fact<Ssvc> {
    let worst = statements.filter_map(|s| s.ssvc).reduce(|a, b| Ssvc {
        exploitation: Exploitation::max(a.exploitation, b.exploitation),
        automatable: a.automatable || b.automatable,
        total_impact: a.total_impact || b.total_impact,
    });
    fact(worst, missing)
}

fn fact<T>(value: Option<T>, missing: Option<GapId>) -> Fact<T> {
    match (value, missing) {
        (Some(value), _) => Fact::Is(value),
        (None, Some(gap)) => Fact::Unknown(gap),
        (None, None) => Fact::Absent,
    }
}

/// Feeds' statements, then what only reports say; the same vector of the same source once.
fn united(feeds: &[&Cvss], reports: &[&Cvss]) -> Vec<Cvss> {
    let mut all: Vec<Cvss> = Vec::new();
    for cvss in feeds.iter().chain(reports) {
        let known = |held: &Cvss| held.source == cvss.source && held.vector == cvss.vector;
        if !all.iter().any(known) {
            all.push((*cvss).clone());
        }
    }
    all
}

/// All weaknesses named, by number; words that are no `CWE-N` last.
fn cwes(statements: &[&Statement], said: &[(&str, &Advisory)]) -> Vec<Text> {
    let numbers = statements
        .iter()
        .flat_map(|statement| &statement.cwes)
        .copied();
    let mut all: BTreeSet<(u32, Text)> = numbers.map(|n| (n, format!("CWE-{n}").into())).collect();
    for cwe in said.iter().flat_map(|(_, advisory)| &advisory.cwes) {
        all.insert((
            crate::feeds::cwe_number(cwe).unwrap_or(u32::MAX),
            cwe.clone(),
        ));
    }
    all.into_iter().map(|(_, cwe)| cwe).collect()
}
