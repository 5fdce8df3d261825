//! The gate: what is over it, and which gaps could hide something. One truth table decides the exit code.
//! Comes in: an Assessment, the user's gate. Goes out: a `Verdict`.

use jiff::SignedDuration;
use model::assessment::{Assessment, Outcome, Verdict};
use model::evidence::{Fact, Gap, GapWeight};
use model::finding::Finding;
use model::text::Text;
use model::vulnerability::{Severity, Vulnerability};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// What the user asked to fail on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Gate {
    pub fail_on: Vec<FailOn>,
    /// Code for "over the gate" instead of 1; alone it means "any finding".
    pub exit_code: Option<u8>,
    /// Judge scores by their upper bound.
    pub worst: bool,
    pub allow_unknown: bool,
    /// Share of active images that must be scanned, 0 to 1.
    pub min_coverage: Option<f64>,
    /// Feeds older than this are "not completed"; only where a gate is set (rule 5).
    pub max_db_age_days: u32,
}

impl Default for Gate {
    fn default() -> Self {
        Gate {
            fail_on: Vec::new(),
            exit_code: None,
            worst: false,
            allow_unknown: false,
            min_coverage: None,
            max_db_age_days: 5,
        }
    }
}

/// One condition of `--fail-on`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum FailOn {
    Severity(Severity),
    Kev,
    /// EPSS probability, 0 to 1.
    Epss(f64),
    EpssPercentile(f64),
    /// Points, 0 to 100.
    Score(f64),
}

/// `expected a severity, kev, epss>=X, epss-percentile>=X or score>=N`
#[derive(Debug, thiserror::Error)]
#[error("expected a severity, kev, epss>=X, epss-percentile>=X or score>=N, found `{0}`")]
pub struct FailOnError(String);

impl FromStr for FailOn {
    type Err = FailOnError;

    fn from_str(text: &str) -> Result<Self, FailOnError> {
        let wrong = || FailOnError(text.to_owned());
        let word = text.trim().to_ascii_lowercase();
        if word == "kev" {
            return Ok(FailOn::Kev);
        }
        if let Some((name, number)) = word.split_once(">=") {
            let value: f64 = number.trim().parse().map_err(|_| wrong())?;
            let within = |limit: f64| (0.0..=limit).contains(&value);
            return match name.trim() {
                "epss" if within(1.0) => Ok(FailOn::Epss(value)),
                "epss-percentile" if within(1.0) => Ok(FailOn::EpssPercentile(value)),
                "score" if within(100.0) => Ok(FailOn::Score(value)),
                _ => Err(wrong()),
            };
        }
        match Severity::parse(&word) {
            Severity::Unknown => Err(wrong()),
            severity => Ok(FailOn::Severity(severity)),
        }
    }
}

impl fmt::Display for FailOn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FailOn::Severity(severity) => write!(f, "severity {severity} or higher"),
            FailOn::Kev => f.write_str("known exploited"),
            FailOn::Epss(value) => write!(f, "EPSS >= {value}"),
            FailOn::EpssPercentile(value) => write!(f, "EPSS percentile >= {value}"),
            FailOn::Score(value) => write!(f, "score >= {value}"),
        }
    }
}

/// Judges an Assessment. 1 wins over 3; without a gate only a broken-off collection is "not completed".
pub fn judge(assessment: &Assessment, gate: &Gate) -> Verdict {
    let mut reasons = Vec::new();
    let over = over(assessment, gate, &mut reasons);
    let mut hidden = Vec::new();
    not_completed(assessment, gate, &mut hidden);
    let (outcome, exit_code) = match (over, hidden.is_empty()) {
        (true, _) => (Outcome::Failed, gate.exit_code.unwrap_or(1)),
        (false, false) => (Outcome::NotCompleted, 3),
        (false, true) => (Outcome::Passed, 0),
    };
    reasons.extend(hidden);
    Verdict {
        outcome,
        reasons,
        notices: Vec::new(),
        exit_code,
    }
}

fn is_set(gate: &Gate) -> bool {
    !gate.fail_on.is_empty() || gate.exit_code.is_some()
}

fn over(assessment: &Assessment, gate: &Gate, reasons: &mut Vec<Text>) -> bool {
    if gate.fail_on.is_empty() {
        let any = gate.exit_code.is_some_and(|code| code != 0) && !assessment.findings.is_empty();
        if any {
            reasons.push(
                format!(
                    "{} findings are open, and --exit-code without --fail-on means any",
                    assessment.findings.len()
                )
                .into(),
            );
        }
        return any;
    }
    let mut any = false;
    for condition in &gate.fail_on {
        let (mut count, mut unknown) = (0usize, 0usize);
        for finding in &assessment.findings {
            match is_over(assessment, finding, *condition, gate) {
                Some(true) => count += 1,
                Some(false) => {}
                None => unknown += 1,
            }
        }
        if count > 0 {
            any = true;
            reasons.push(format!("{count} findings: {condition}").into());
        }
        if unknown > 0 && !gate.allow_unknown {
            any = true;
            reasons.push(format!("{unknown} findings of which it is not known whether they are {condition}; --allow-unknown lets them pass").into());
        }
    }
    any
}

/// `None`: not known.
fn is_over(
    assessment: &Assessment,
    finding: &Finding,
    condition: FailOn,
    gate: &Gate,
) -> Option<bool> {
    let vulnerability: Option<&Vulnerability> = finding
        .vulnerability
        .and_then(|n| assessment.vulnerabilities.get(n as usize));
    match condition {
        FailOn::Severity(limit) => match finding.severity {
            Severity::Unknown => None,
            severity => Some(severity >= limit),
        },
        FailOn::Kev => match vulnerability.map(|v| &v.kev) {
            None | Some(Fact::Absent) => Some(false),
            Some(Fact::Is(_)) => Some(true),
            Some(Fact::Unknown(_)) => None,
        },
        FailOn::Epss(limit) | FailOn::EpssPercentile(limit) => match vulnerability.map(|v| &v.epss)
        {
            None => Some(false),
            Some(Fact::Is(epss)) => {
                let value = if matches!(condition, FailOn::Epss(_)) {
                    epss.score
                } else {
                    epss.percentile
                };
                Some(value >= limit)
            }
            Some(Fact::Absent | Fact::Unknown(_)) => None,
        },
        FailOn::Score(limit) => {
            let points = |score: u32| {
                assessment.scores.get(score as usize).map(|s| {
                    if gate.worst {
                        s.points.high
                    } else {
                        s.points.expected
                    }
                })
            };
            Some(
                finding
                    .scores
                    .iter()
                    .filter_map(|&score| points(score))
                    .any(|points| points >= limit),
            )
        }
    }
}

fn not_completed(assessment: &Assessment, gate: &Gate, reasons: &mut Vec<Text>) {
    let broken = assessment
        .ledger
        .gaps
        .iter()
        .filter(|gap| &*gap.class == "collection-incomplete")
        .count();
    if broken > 0 {
        reasons.push("the collection broke off before its end".into());
    }
    if let Some(minimum) = gate.min_coverage {
        let (scanned, all) = (
            assessment.coverage.images_scanned,
            assessment.coverage.images,
        );
        if f64::from(scanned) < minimum * f64::from(all) {
            reasons.push(
                format!(
                    "{scanned} of {all} images are scanned, --min-coverage asks for {:.0} %",
                    minimum * 100.0
                )
                .into(),
            );
        }
    }
    if !is_set(gate) {
        return;
    }
    gaps(assessment, gate, reasons);
    for feed in assessment
        .about
        .database
        .iter()
        .flat_map(|database| &database.feeds)
    {
        let Some(age) = feed
            .date
            .filter(|_| matches!(&*feed.name, "epss" | "kev"))
            .and_then(|date| {
                let start = date.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp();
                Some(assessment.about.now.duration_since(start))
            })
        else {
            continue;
        };
        if age > SignedDuration::from_hours(24 * i64::from(gate.max_db_age_days)) {
            reasons.push(
                format!(
                    "the {} feed is {} days old, --max-db-age allows {}",
                    feed.name,
                    age.as_hours() / 24,
                    gate.max_db_age_days
                )
                .into(),
            );
        }
    }
}

/// Gaps that could hide what the gate asks for, but for those that somebody answers for.
fn gaps(assessment: &Assessment, gate: &Gate, reasons: &mut Vec<Text>) {
    // Unscanned images are what --min-coverage is about.
    let counted = |class: &str| gate.min_coverage.is_some() && class == "image-not-scanned";
    let ledger = &assessment.ledger;
    let hides = |gap: &Gap| gap.weight == GapWeight::Hides && !counted(&gap.class);
    let hiding = ledger
        .gaps_accepted()
        .filter(|(gap, accepted)| hides(gap) && accepted.is_none())
        .count();
    if hiding == 0 {
        return;
    }
    let are = if hiding == 1 {
        "1 gap could hide what the gate asks for".to_owned()
    } else {
        format!("{hiding} gaps could hide what the gate asks for")
    };
    reasons.push(are.into());
    for acceptance in ledger.acceptances.iter().filter(|a| a.expired) {
        let still = acceptance.gaps.iter().filter(|id| {
            ledger.gaps.get(id.0 as usize).is_some_and(hides) && ledger.acceptance(**id).is_none()
        });
        let still = still.count();
        if still > 0 {
            reasons.push(
                format!(
                    "{still} of them {} accepted by {} until {}, which is over",
                    if still == 1 { "was" } else { "were" },
                    acceptance.owner,
                    acceptance.expires
                )
                .into(),
            );
        }
    }
}
