//! The study: fits, tests and comparisons. In: feeds; out: numbers that `write` prints.
//! Members of KEV at a date are removed there; the outcome is an entry in KEV within the window after it.

use super::feeds::{Cve, Day, Enriched, Feeds};
use super::fit::{Line, by_rank, logistic_line, logit};
use super::measure::Ranking;
use intel::likelihood::{AUTOMATABLE_WEIGHT, LikelihoodInput, TOTAL_IMPACT_WEIGHT, likelihood};
use jiff::ToSpan as _;
use jiff::civil::Date;
use model::evidence::Fact;
use model::text::Text;
use model::vulnerability::{AttackProfile, Epss, Severity, Ssvc};

pub(crate) const WINDOW: i32 = 90;
/// From the Vulnrichment snapshot to the end of the KEV data.
pub(crate) const LONG: i32 = 652;
const SNAPSHOT: &str = "2024-10-24";

pub(crate) struct Study {
    /// EPSS models in order of time.
    pub fits: Vec<Fit>,
    pub comparisons: Vec<Comparison>,
    /// Per EPSS model: a percentile of it, and the reference model's score at the same rank among the CVEs of both.
    pub quantiles: Vec<(String, Vec<(f64, f64)>)>,
    pub automatable_share: f64,
    pub total_share: f64,
    pub enriched: usize,
    pub without_cvss: usize,
    pub cells: [(usize, usize); 4],
    pub container: usize,
    pub switches: [Switch; 2],
}

pub(crate) struct Fit {
    pub model: String,
    pub line: Line,
    /// Days of the fit; empty for a mapped one.
    pub fitted: Vec<&'static str>,
    pub positives: usize,
    pub test: Option<Test>,
}

/// Out of time: what the line expects of a later day, and what came.
pub(crate) struct Test {
    pub day: &'static str,
    pub members: usize,
    pub expected: f64,
    pub observed: usize,
}

pub(crate) struct Comparison {
    pub title: String,
    pub members: usize,
    pub rankings: Vec<Ranking>,
}

/// What the switch from one EPSS model to the next does to L, in points of the score.
#[derive(Debug)]
pub(crate) struct Switch {
    pub cves: usize,
    pub of_median: f64,
    pub of_median_unmapped: f64,
    /// Median over the CVEs of the absolute change.
    pub single: f64,
}

impl Study {
    pub(crate) fn of(feeds: &Feeds) -> Study {
        let newest = &feeds.days["2026-08-16"];
        let (automatable_share, total_share) = shares(feeds);
        Study {
            fits: fits(feeds),
            comparisons: comparisons(feeds),
            quantiles: ["2024-12-22", "2025-09-07", "2026-08-16"]
                .map(|day| &feeds.days[day])
                .map(|day| (day.model.clone(), quantiles(day, newest)))
                .into(),
            automatable_share,
            total_share,
            enriched: feeds.enriched.len(),
            without_cvss: feeds.enriched.values().filter(|e| e.cvss.is_none()).count(),
            cells: cells(feeds),
            container: feeds.container.len(),
            switches: [
                switch(&feeds.days["2024-09-29"], &feeds.days["2025-06-08"]),
                switch(&feeds.days["2025-06-08"], newest),
            ],
        }
    }
}

/// (score, whether it entered KEV in the window) of everything that was not in KEV at the date.
fn outcomes<'a>(
    feeds: &'a Feeds,
    day: &'a Day,
    date: Date,
    window: i32,
) -> impl Iterator<Item = (Cve, f64, f64, bool)> + 'a {
    let end = date.checked_add(window.days()).unwrap();
    day.scores
        .iter()
        .filter_map(move |(cve, score, percentile)| {
            let added = feeds.kev.get(cve);
            if added.is_some_and(|added| *added <= date) {
                return None;
            }
            let positive = added.is_some_and(|added| *added <= end);
            Some((*cve, *score, *percentile, positive))
        })
}

fn fits(feeds: &Feeds) -> Vec<Fit> {
    let plan: [(&[&'static str], &'static str); 2] = [
        (&["2024-06-30", "2024-09-29"], "2024-12-22"),
        (&["2025-06-08"], "2025-09-07"),
    ];
    let mut fits: Vec<Fit> = plan
        .into_iter()
        .map(|(days, test)| {
            let members = || {
                days.iter().flat_map(|day| {
                    let day = &feeds.days[day];
                    outcomes(feeds, day, day.date, WINDOW)
                })
            };
            let line = logistic_line(members().map(|(_, score, _, positive)| (score, positive)));
            let day = &feeds.days[test];
            let of_test: Vec<_> = outcomes(feeds, day, day.date, WINDOW).collect();
            Fit {
                model: day.model.clone(),
                line,
                fitted: days.to_vec(),
                positives: members().filter(|m| m.3).count(),
                test: Some(Test {
                    day: test,
                    members: of_test.len(),
                    expected: of_test.iter().map(|m| line.at(m.1)).sum(),
                    observed: of_test.iter().filter(|m| m.3).count(),
                }),
            }
        })
        .collect();
    let (last, newest) = (&feeds.days["2025-09-07"], &feeds.days["2026-08-16"]);
    let both = common(last, newest);
    let rising = |of: fn(&(f64, f64, f64)) -> f64| {
        let mut scores: Vec<f64> = both.iter().map(of).collect();
        scores.sort_by(f64::total_cmp);
        scores
    };
    let line = by_rank(&fits[1].line, &rising(|row| row.0), &rising(|row| row.2));
    fits.push(Fit {
        model: newest.model.clone(),
        line,
        fitted: Vec::new(),
        positives: 0,
        test: None,
    });
    fits
}

/// Score and percentile of one day and the score of another, for the CVEs of both.
fn common(day: &Day, other: &Day) -> Vec<(f64, f64, f64)> {
    day.scores
        .iter()
        .filter_map(|(cve, score, percentile)| {
            let at = other.scores.binary_search_by_key(cve, |row| row.0).ok()?;
            Some((*score, *percentile, other.scores[at].1))
        })
        .collect()
}

/// One member of a comparison.
struct Member {
    epss: f64,
    percentile: f64,
    enriched: Option<Enriched>,
    positive: bool,
}

fn comparisons(feeds: &Feeds) -> Vec<Comparison> {
    let snapshot: Date = SNAPSHOT.parse().unwrap();
    let mut all = Vec::new();
    for window in [WINDOW, LONG] {
        all.push(compare(
            feeds,
            "2024-10-20",
            snapshot,
            window,
            format!("CVEs that CISA enriched, EPSS of 2024-10-20, outcome within {window} days of {SNAPSHOT}"),
            &|cve| feeds.enriched.contains_key(&cve),
        ));
    }
    for day in ["2024-12-22", "2025-09-07"] {
        all.push(compare(
            feeds,
            day,
            feeds.days[day].date,
            WINDOW,
            format!(
                "all CVEs at {day} ({}), outcome within 90 days",
                feeds.days[day].model
            ),
            &|_| true,
        ));
    }
    for day in ["2024-12-22", "2025-09-07"] {
        all.push(compare(
            feeds,
            day,
            feeds.days[day].date,
            WINDOW,
            format!(
                "container-relevant CVEs at {day} ({})",
                feeds.days[day].model
            ),
            &|cve| feeds.container.contains(&cve),
        ));
    }
    all
}

fn compare(
    feeds: &Feeds,
    day: &'static str,
    date: Date,
    window: i32,
    title: String,
    belongs: &dyn Fn(Cve) -> bool,
) -> Comparison {
    let day = &feeds.days[day];
    let members: Vec<Member> = outcomes(feeds, day, date, window)
        .filter(|(cve, ..)| belongs(*cve))
        .map(|(cve, epss, percentile, positive)| Member {
            epss,
            percentile,
            enriched: feeds.enriched.get(&cve).copied(),
            positive,
        })
        .collect();
    let positive: Vec<bool> = members.iter().map(|m| m.positive).collect();
    let rank = |name, score: &dyn Fn(&Member) -> f64| {
        let scores: Vec<f64> = members.iter().map(score).collect();
        Ranking::of(name, &scores, &positive)
    };
    let model = Text::from(day.model.as_str());
    let ours = |m: &Member, cisa: bool| l(m, &model, day.date, cisa);
    Comparison {
        title,
        members: members.len(),
        rankings: vec![
            rank("EPSS", &|m| m.epss),
            rank("CVSS base (missing is 5)", &cvss),
            rank("KEV only", &|_| 0.0),
            rank("EPSS x CVSS", &|m| m.epss * cvss(m)),
            rank("linear: 15 CVSS/10 + 25 EPSS", &|m| {
                1.5 * cvss(m) + 25.0 * m.epss
            }),
            rank("SSVC automatable + total", &|m| {
                ssvc(m).map_or(0.0, |s| {
                    AUTOMATABLE_WEIGHT * number(s.automatable)
                        + TOTAL_IMPACT_WEIGHT * number(s.total_impact)
                })
            }),
            rank("log-odds, no ceiling", &|m| {
                logit(m.epss)
                    + ssvc(m).map_or(0.0, |s| {
                        AUTOMATABLE_WEIGHT * number(s.automatable)
                            + TOTAL_IMPACT_WEIGHT * number(s.total_impact)
                    })
            }),
            rank("L, SSVC derived from CVSS only", &|m| ours(m, false)),
            rank("L", &|m| ours(m, true)),
        ],
    }
}

fn number(yes: bool) -> f64 {
    f64::from(u8::from(yes))
}

fn cvss(member: &Member) -> f64 {
    member.enriched.and_then(|e| e.cvss).unwrap_or(5.0)
}

fn ssvc(member: &Member) -> Option<Ssvc> {
    member.enriched.and_then(|e| e.ssvc)
}

/// The product's own function, without the KEV entries that were not there yet.
fn l(member: &Member, model: &Text, date: Date, cisa: bool) -> f64 {
    let epss = Fact::Is(Epss {
        score: member.epss,
        percentile: member.percentile,
        model: Text::clone(model),
        date,
    });
    let profile = member
        .enriched
        .map_or_else(AttackProfile::default, |e| e.profile);
    let said = ssvc(member).filter(|_| cisa);
    likelihood(&LikelihoodInput {
        epss: &epss,
        kev: &Fact::Absent,
        ssvc: &said.map_or(Fact::Absent, Fact::Is),
        profile: &profile,
        severity: member
            .enriched
            .and_then(|e| e.cvss)
            .map_or(Severity::Unknown, Severity::of_cvss),
    })
    .estimate
    .expected
}

fn shares(feeds: &Feeds) -> (f64, f64) {
    let all: Vec<Ssvc> = feeds.enriched.values().filter_map(|e| e.ssvc).collect();
    let share =
        |of: fn(&Ssvc) -> bool| all.iter().filter(|s| of(s)).count() as f64 / all.len() as f64;
    (share(|s| s.automatable), share(|s| s.total_impact))
}

/// Members and later KEV entries: neither, total impact only, automatable only, both.
fn cells(feeds: &Feeds) -> [(usize, usize); 4] {
    let date: Date = SNAPSHOT.parse().unwrap();
    let mut cells = [(0, 0); 4];
    for (cve, .., positive) in outcomes(feeds, &feeds.days["2024-10-20"], date, LONG) {
        if let Some(ssvc) = feeds.enriched.get(&cve).and_then(|e| e.ssvc) {
            let cell =
                &mut cells[usize::from(ssvc.total_impact) + 2 * usize::from(ssvc.automatable)];
            cell.0 += 1;
            cell.1 += usize::from(positive);
        }
    }
    cells
}

/// Ranks that are denser where scores differ most: evenly spaced in log-odds, with both ends.
fn quantiles(day: &Day, reference: &Day) -> Vec<(f64, f64)> {
    const KNOTS: u32 = 120;
    let both = common(day, reference);
    let mut shares: Vec<f64> = both.iter().map(|row| row.1).collect();
    let mut scores: Vec<f64> = both.iter().map(|row| row.2).collect();
    shares.sort_by(f64::total_cmp);
    scores.sort_by(f64::total_cmp);
    let mut knots = vec![(0.0, scores[0])];
    for knot in 0..=KNOTS {
        let x = -7.0 + 18.5 * f64::from(knot) / f64::from(KNOTS);
        let at = ((shares.len() - 1) as f64 / (1.0 + (-x).exp())) as usize;
        let (share, score) = knots[knots.len() - 1];
        if shares[at] > share && scores[at] > score {
            knots.push((shares[at], scores[at]));
        }
    }
    if knots[knots.len() - 1].0 < 1.0 {
        knots.push((1.0, scores[scores.len() - 1]));
    }
    knots
}

pub(crate) fn switch(old: &Day, new: &Day) -> Switch {
    let of = |day: &Day, index: usize| {
        let (_, epss, percentile) = day.scores[index];
        let member = Member {
            epss,
            percentile,
            enriched: None,
            positive: false,
        };
        100.0 / 7.0 * l(&member, &Text::from(day.model.as_str()), day.date, false).log10()
    };
    let raw = |day: &Day, index: usize| 100.0 / 7.0 * day.scores[index].1.log10();
    let mut before = Vec::new();
    let mut after = Vec::new();
    let mut raw_before = Vec::new();
    let mut raw_after = Vec::new();
    let mut single = Vec::new();
    for index in 0..old.scores.len() {
        let cve = old.scores[index].0;
        if let Ok(other) = new.scores.binary_search_by_key(&cve, |row| row.0) {
            before.push(of(old, index));
            after.push(of(new, other));
            single.push((after[after.len() - 1] - before[before.len() - 1]).abs());
            raw_before.push(raw(old, index));
            raw_after.push(raw(new, other));
        }
    }
    Switch {
        cves: single.len(),
        of_median: median(after) - median(before),
        of_median_unmapped: median(raw_after) - median(raw_before),
        single: median(single),
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
