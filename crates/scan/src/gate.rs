//! The gate: what is over it, what passes on purpose, and which gaps could hide something. One truth table decides the
//! exit code. Comes in: an Assessment, the user's gate, a baseline. Goes out: a `Verdict`.

use crate::artifacts::is_unscanned;
use crate::baseline::{Baseline, Standing};
use crate::ignore::STALE;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, ToSpan};
use model::assessment::{Assessment, Outcome, Verdict};
use model::evidence::{Fact, Gap, GapWeight};
use model::finding::Finding;
use model::matches::{Category, FixState};
use model::text::Text;
use model::vulnerability::{Severity, Vulnerability};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

/// What the user asked to fail on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Gate {
    /// Any of them.
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
    /// Days from the later of publication and fix in which a vulnerability passes; known exploited ones have none.
    pub grace_days: u32,
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
            grace_days: 0,
        }
    }
}

/// One condition of `--fail-on`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum FailOn {
    Severity(Severity),
    Kev,
    /// EPSS probability, 0 to 1.
    Epss(f64),
    EpssPercentile(f64),
    /// Points, 0 to 100.
    Score(f64),
    /// A fix is published; of configuration and secrets always.
    Fixable,
    /// An ignore entry that is over, open again or without effect.
    StaleIgnore,
    /// Joined by `+`: all of them.
    All(Vec<FailOn>),
}

/// What `--fail-on` takes.
#[derive(Debug, thiserror::Error)]
#[error(
    "expected a severity, kev, fixable, epss>=X, epss-percentile>=X, score>=N or stale-ignore, joined by `+` where all \
     must hold, found `{0}`"
)]
pub struct FailOnError(String);

impl FromStr for FailOn {
    type Err = FailOnError;

    fn from_str(text: &str) -> Result<Self, FailOnError> {
        let word = text.trim().to_ascii_lowercase().replace(" and ", "+");
        if word.contains('+') {
            let parts: Result<Vec<FailOn>, _> = word.split('+').map(one).collect();
            return parts
                .map(FailOn::All)
                .map_err(|_| FailOnError(text.to_owned()));
        }
        one(&word)
    }
}

fn one(word: &str) -> Result<FailOn, FailOnError> {
    let word = word.trim();
    let wrong = || FailOnError(word.to_owned());
    match word {
        "kev" => return Ok(FailOn::Kev),
        "fixable" => return Ok(FailOn::Fixable),
        "stale-ignore" => return Ok(FailOn::StaleIgnore),
        _ => {}
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
    match Severity::parse(word) {
        Severity::Unknown => Err(wrong()),
        severity => Ok(FailOn::Severity(severity)),
    }
}

impl fmt::Display for FailOn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FailOn::Severity(Severity::Critical) => f.write_str("severity critical"),
            FailOn::Severity(severity) => write!(f, "severity {severity} or higher"),
            FailOn::Kev => f.write_str("known exploited"),
            FailOn::Epss(value) => write!(f, "EPSS >= {value}"),
            FailOn::EpssPercentile(value) => write!(f, "EPSS percentile >= {value}"),
            FailOn::Score(value) => write!(f, "score >= {value}"),
            FailOn::Fixable => f.write_str("with a fix"),
            FailOn::StaleIgnore => f.write_str("stale ignore entry"),
            FailOn::All(all) => {
                for (n, condition) in all.iter().enumerate() {
                    f.write_str(if n == 0 { "" } else { " and " })?;
                    condition.fmt(f)?;
                }
                Ok(())
            }
        }
    }
}

impl FailOn {
    fn asks_for_stale(&self) -> bool {
        match self {
            FailOn::StaleIgnore => true,
            FailOn::All(all) => all.iter().any(FailOn::asks_for_stale),
            _ => false,
        }
    }
}

/// Judges an Assessment. 1 wins over 3; without a gate only a broken-off collection is "not completed".
pub fn judge(assessment: &Assessment, gate: &Gate) -> Verdict {
    judge_against(assessment, gate, None)
}

/// Judges what is new against a baseline; all of it where there is none.
pub fn judge_against(assessment: &Assessment, gate: &Gate, baseline: Option<&Baseline>) -> Verdict {
    let mut judging = Judging {
        assessment,
        gate,
        baseline,
        today: assessment.about.now.to_zoned(TimeZone::UTC).date(),
        passed: BTreeMap::new(),
    };
    let (mut reasons, mut hidden) = (Vec::new(), Vec::new());
    let over = judging.over(&mut reasons, &mut hidden);
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
        notices: judging.notices(),
        exit_code,
    }
}

fn is_set(gate: &Gate) -> bool {
    !gate.fail_on.is_empty() || gate.exit_code.is_some()
}

/// Why a finding that fits a condition is not over the gate.
enum Pass {
    Known,
    Feed(String),
    Grace(Date),
}

struct Judging<'a> {
    assessment: &'a Assessment,
    gate: &'a Gate,
    baseline: Option<&'a Baseline>,
    today: Date,
    /// Findings that fit and pass all the same.
    passed: BTreeMap<usize, Pass>,
}

impl Judging<'_> {
    /// Whether something is over the gate; what cannot be told for want of a score goes to `hidden`.
    fn over(&mut self, reasons: &mut Vec<Text>, hidden: &mut Vec<Text>) -> bool {
        if self.gate.fail_on.is_empty() {
            return self.gate.exit_code.is_some_and(|code| code != 0) && self.any(reasons);
        }
        let mut any = false;
        for condition in &self.gate.fail_on {
            let (mut over, mut unknown, mut unscored) = (Vec::new(), 0usize, 0usize);
            for (index, finding) in self.assessment.findings.iter().enumerate() {
                if STALE.contains(&&*finding.id) && !condition.asks_for_stale() {
                    continue;
                }
                let fits = is_over(self.assessment, finding, condition, self.gate);
                let known = fits == Fits::Yes;
                if fits == Fits::No || (!known && self.gate.allow_unknown) {
                    continue;
                }
                if self.passes(index, finding) {
                    continue;
                }
                match fits {
                    Fits::Yes => over.push(finding),
                    Fits::Unknown => unknown += 1,
                    Fits::Unscored => unscored += 1,
                    Fits::No => {}
                }
            }
            if !over.is_empty() {
                any = true;
                let count = counted(over.len());
                reasons.push(format!("{count}: {condition} ({})", self.named(&over)).into());
            }
            if unknown > 0 {
                any = true;
                reasons.push(
                    format!(
                        "{} of which it is not known whether they are {condition}; --allow-unknown lets them pass",
                        counted(unknown)
                    )
                    .into(),
                );
            }
            if unscored > 0 {
                let (count, have) = (
                    counted(unscored),
                    if unscored == 1 { "has" } else { "have" },
                );
                hidden.push(
                    format!(
                        "{count} {have} no score that says whether {condition}; --allow-unknown lets them pass"
                    )
                    .into(),
                );
            }
        }
        any
    }

    fn any(&mut self, reasons: &mut Vec<Text>) -> bool {
        let mut over = 0usize;
        for (index, finding) in self.assessment.findings.iter().enumerate() {
            if !STALE.contains(&&*finding.id) && !self.passes(index, finding) {
                over += 1;
            }
        }
        if over > 0 {
            let (count, is) = (counted(over), if over == 1 { "is" } else { "are" });
            reasons.push(
                format!("{count} {is} open, and --exit-code without --fail-on means any").into(),
            );
        }
        over > 0
    }

    /// Known, changed by a feed only, or in its time of grace.
    fn passes(&mut self, index: usize, finding: &Finding) -> bool {
        if self.passed.contains_key(&index) {
            return true;
        }
        let standing = match self.baseline {
            Some(baseline) => baseline.standing(self.assessment, finding),
            None => Standing::New,
        };
        let pass = match standing {
            Standing::Known => Some(Pass::Known),
            Standing::Feed(why) => Some(Pass::Feed(why)),
            Standing::New => self.grace(finding).map(Pass::Grace),
        };
        let passes = pass.is_some();
        if let Some(pass) = pass {
            self.passed.insert(index, pass);
        }
        passes
    }

    /// The day on which its time of grace ends; `None`: it has none, is over, or nothing says when it began.
    fn grace(&self, finding: &Finding) -> Option<Date> {
        if self.gate.grace_days == 0 {
            return None;
        }
        let all = self.assessment;
        let vulnerability = all.vulnerabilities.get(finding.vulnerability? as usize)?;
        if matches!(vulnerability.kev, Fact::Is(_)) {
            return None;
        }
        let fixed = finding.matches.iter().filter_map(|id| {
            let set = all.sets.get(id.set as usize)?;
            let said = set.matches.get(id.index as usize)?;
            set.bases.get(said.basis? as usize)?.fixed_on
        });
        let began = vulnerability.published.max(fixed.min())?;
        // A day that is still to come is a mistake of a feed, and would never end.
        let end = Some(began)
            .filter(|day| *day <= self.today)?
            .checked_add(i64::from(self.gate.grace_days).days())
            .ok()?;
        (self.today < end).then_some(end)
    }

    fn named(&self, findings: &[&Finding]) -> String {
        const SHOWN: usize = 3;
        let shown = findings
            .iter()
            .take(SHOWN)
            .map(|f| name(self.assessment, f));
        let shown: Vec<String> = shown.collect();
        match findings.len().saturating_sub(SHOWN) {
            0 => shown.join(", "),
            more => format!("{} and {more} more", shown.join(", ")),
        }
    }

    fn notices(&self) -> Vec<Text> {
        let mut notices = Vec::new();
        let all = self.assessment;
        let finding = |index: usize| all.findings.get(index);
        let of = |wanted: fn(&Pass) -> bool| {
            let passed = self.passed.iter().filter(move |(_, pass)| wanted(pass));
            passed.filter_map(|(index, pass)| Some((finding(*index)?, pass)))
        };
        let known = of(|pass| matches!(pass, Pass::Known)).count();
        if let Some(baseline) = self.baseline.filter(|_| known > 0) {
            let is = if known == 1 { "is" } else { "are" };
            notices.push(
                format!(
                    "{} over the gate {is} in the baseline {} too",
                    counted(known),
                    baseline.name
                )
                .into(),
            );
        }
        let feed: Vec<String> = of(|pass| matches!(pass, Pass::Feed(_)))
            .map(|(finding, pass)| match pass {
                Pass::Feed(why) => format!("{} ({why})", name(all, finding)),
                _ => name(all, finding),
            })
            .collect();
        if !feed.is_empty() {
            let is = if feed.len() == 1 { "is" } else { "are" };
            notices.push(
                format!(
                    "{} {is} new by what the feeds say, not by a change of what was scanned: {}",
                    counted(feed.len()),
                    shortened(&feed)
                )
                .into(),
            );
        }
        let grace: Vec<String> = of(|pass| matches!(pass, Pass::Grace(_)))
            .map(|(finding, pass)| match pass {
                Pass::Grace(end) => format!("{} until {end}", name(all, finding)),
                _ => name(all, finding),
            })
            .collect();
        if !grace.is_empty() {
            let have = if grace.len() == 1 {
                "is in its"
            } else {
                "are in their"
            };
            notices.push(
                format!(
                    "{} {have} {} days of grace: {}",
                    counted(grace.len()),
                    self.gate.grace_days,
                    shortened(&grace)
                )
                .into(),
            );
        }
        let counts = self.gate.fail_on.iter().any(FailOn::asks_for_stale);
        let stale = all
            .findings
            .iter()
            .filter(|f| STALE.contains(&&*f.id))
            .count();
        if stale > 0 && is_set(self.gate) && !counts {
            let (entries, does) = if stale == 1 {
                ("ignore entry is stale", "it counts")
            } else {
                ("ignore entries are stale", "they count")
            };
            notices.push(format!("{stale} {entries}; with --fail-on stale-ignore {does}").into());
        }
        if let Some(baseline) = self.baseline.filter(|_| is_set(self.gate)) {
            notices.push(baseline.how().into());
        }
        notices
    }
}

/// `CVE-2024-1 in openssl 3.0.11`.
fn name(assessment: &Assessment, finding: &Finding) -> String {
    let package = finding
        .package
        .and_then(|n| assessment.packages.get(n as usize));
    let place = finding.object.as_ref().map(ToString::to_string);
    let place = place.or_else(|| finding.source.as_ref().map(ToString::to_string));
    match (package, place) {
        (Some(package), _) if package.version.is_empty() => {
            format!("{} in {}", finding.id, package.name)
        }
        (Some(package), _) => format!("{} in {} {}", finding.id, package.name, package.version),
        (None, Some(place)) => format!("{} at {place}", finding.id),
        (None, None) => finding.id.to_string(),
    }
}

fn counted(count: usize) -> String {
    if count == 1 {
        "1 finding".to_owned()
    } else {
        format!("{count} findings")
    }
}

fn shortened(all: &[String]) -> String {
    const SHOWN: usize = 3;
    let shown = all
        .iter()
        .take(SHOWN)
        .cloned()
        .collect::<Vec<_>>()
        .join(", ");
    match all.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// Whether a condition holds of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fits {
    Yes,
    No,
    /// Not known, which counts as over (architecture section 5).
    Unknown,
    /// The number that it asks for is not there: nothing is over, and nothing passed.
    Unscored,
}

impl From<bool> for Fits {
    fn from(holds: bool) -> Self {
        if holds { Fits::Yes } else { Fits::No }
    }
}

fn is_over(assessment: &Assessment, finding: &Finding, condition: &FailOn, gate: &Gate) -> Fits {
    let vulnerability: Option<&Vulnerability> = finding
        .vulnerability
        .and_then(|n| assessment.vulnerabilities.get(n as usize));
    match condition {
        FailOn::Severity(limit) => match finding.severity {
            Severity::Unknown => Fits::Unknown,
            severity => (severity >= *limit).into(),
        },
        FailOn::Kev => match vulnerability.map(|v| &v.kev) {
            None | Some(Fact::Absent) => Fits::No,
            Some(Fact::Is(_)) => Fits::Yes,
            Some(Fact::Unknown(_)) => Fits::Unknown,
        },
        FailOn::Epss(limit) | FailOn::EpssPercentile(limit) => match vulnerability.map(|v| &v.epss)
        {
            None => Fits::No,
            Some(Fact::Is(epss)) => {
                let value = if matches!(condition, FailOn::Epss(_)) {
                    epss.score
                } else {
                    epss.percentile
                };
                (value >= *limit).into()
            }
            Some(Fact::Absent | Fact::Unknown(_)) => Fits::Unscored,
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
            finding
                .scores
                .iter()
                .filter_map(|&score| points(score))
                .any(|points| points >= *limit)
                .into()
        }
        FailOn::Fixable => match (finding.category, finding.fix.state) {
            (Category::Vulnerability, FixState::Unknown) => Fits::Unknown,
            (Category::Vulnerability, state) => (state == FixState::Fixed).into(),
            _ => Fits::Yes,
        },
        FailOn::StaleIgnore => STALE.contains(&&*finding.id).into(),
        FailOn::All(all) => {
            let each = all
                .iter()
                .map(|condition| is_over(assessment, finding, condition, gate));
            all_of(each)
        }
    }
}

/// Kleene: one that does not hold decides, then one whose number is missing, then one that is not known.
fn all_of(each: impl Iterator<Item = Fits>) -> Fits {
    each.fold(Fits::Yes, |all, one| match (all, one) {
        (Fits::No, _) | (_, Fits::No) => Fits::No,
        (Fits::Unscored, _) | (_, Fits::Unscored) => Fits::Unscored,
        (Fits::Unknown, _) | (_, Fits::Unknown) => Fits::Unknown,
        (Fits::Yes, Fits::Yes) => Fits::Yes,
    })
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
                let start = date.to_zoned(TimeZone::UTC).ok()?.timestamp();
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
    let counted = |class: &str| gate.min_coverage.is_some() && is_unscanned(class);
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
