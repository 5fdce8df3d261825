//! How numbers, ages and enumerations are said, the same in every format.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use model::action::{ActionKind, Certainty, FixClass};
use model::evidence::{Estimate, GapWeight, Stage};
use model::image::JoinGrade;
use model::matches::{ArtifactKind, Category, Fix, FixState};
use model::situation::ExposureClass;
use model::vulnerability::Severity;
use model::workload::{ContainerKind, CriticalityLevel, Environment, WorkloadState};
use std::borrow::Cow;

/// From here on an interval is worth its place on the line, in points.
const WIDE: f64 = 5.0;

/// `83` or `<1`, never 0 (rule 8).
pub(crate) fn points_value(points: f64) -> String {
    match points {
        p if p >= 1.0 => format!("{p:.0}"),
        _ => "<1".into(),
    }
}

/// `83`, or `83 (61-90)` when wide.
pub(crate) fn points(estimate: &Estimate) -> String {
    let expected = points_value(estimate.expected);
    if estimate.high - estimate.low < WIDE {
        return expected;
    }
    format!(
        "{expected} ({}-{})",
        points_value(estimate.low),
        points_value(estimate.high)
    )
}

/// `31%`, `31% (4-80%)`, `<1%`.
pub(crate) fn percent(estimate: &Estimate) -> String {
    let expected = percent_value(estimate.expected);
    let (low, high) = (percent_value(estimate.low), percent_value(estimate.high));
    if estimate.high - estimate.low < 0.01 || low == high {
        return expected;
    }
    format!("{expected} ({}-{high})", low.trim_end_matches('%'))
}

fn percent_value(share: f64) -> String {
    match share * 100.0 {
        p if p >= 1.0 => format!("{p:.0}%"),
        p if p > 0.0 => "<1%".into(),
        _ => "0%".into(),
    }
}

/// A value in (0, 1] that may be small: `0.43`, `0.0014`, `2e-6`.
pub(crate) fn share(value: f64) -> String {
    match value {
        v if v == 0.0 || v >= 0.1 => format!("{v:.2}"),
        v if v >= 0.001 => format!("{v:.4}"),
        v => format!("{v:.0e}"),
    }
}

/// `1,204`.
pub(crate) fn count(number: impl TryInto<u64>) -> String {
    let digits = number.try_into().unwrap_or(u64::MAX).to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i) % 3 == 0 {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `1 finding`, `2 findings`, `no findings`: for words whose plural adds an s.
pub(crate) fn counted(number: usize, word: &str) -> String {
    match number {
        0 => format!("no {word}s"),
        1 => format!("1 {word}"),
        n => format!("{} {word}s", count(n)),
    }
}

/// Age of a feed against `--now`: `today`, `1 day`, `22 days`, `dated in the future`.
pub(crate) fn age(date: Option<Date>, now: Timestamp) -> Cow<'static, str> {
    match age_days(date, now) {
        None => "of unknown date".into(),
        Some(0) => "from today".into(),
        Some(1) => "1 day old".into(),
        Some(days) if days < 0 => "dated in the future".into(),
        Some(days) => format!("{days} days old").into(),
    }
}

/// Whole days from `date` to `now` in UTC.
pub(crate) fn age_days(date: Option<Date>, now: Timestamp) -> Option<i32> {
    let today = now.to_zoned(TimeZone::UTC).date();
    date?.until(today).ok().map(|span| span.get_days())
}

/// `2026-11-23 04:00 UTC`.
pub(crate) fn moment(now: Timestamp) -> String {
    now.to_zoned(TimeZone::UTC)
        .strftime("%Y-%m-%d %H:%M UTC")
        .to_string()
}

pub(crate) fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Unknown => "unknown",
        Severity::Negligible => "negligible",
        Severity::Low => "low",
        Severity::Medium => "medium",
        Severity::High => "high",
        Severity::Critical => "critical",
    }
}

pub(crate) fn category(category: Category) -> &'static str {
    match category {
        Category::Vulnerability => "vulnerability",
        Category::Misconfiguration => "misconfiguration",
        Category::Secret => "secret",
        Category::Exposure => "exposure",
        Category::Path => "path",
        Category::License => "license",
    }
}

/// Trivy's words for the state of a fix, which scripts know.
pub(crate) fn status(state: FixState) -> &'static str {
    state.word()
}

/// The state of a fix in a sentence: `fixed in 1.2.3`, `no fix published`.
pub(crate) fn fix(fix: &Fix) -> String {
    match &*fix.versions {
        [] => fix_state(fix.state).to_owned(),
        versions if fix.state == FixState::Fixed => format!("fixed in {}", versions.join(", ")),
        versions => format!("{} in {}", fix_state(fix.state), versions.join(", ")),
    }
}

/// A fix without a version is a change of an object.
pub(crate) fn fix_state(state: FixState) -> &'static str {
    match state {
        FixState::Fixed => "can be fixed",
        FixState::NotFixed => "no fix published",
        FixState::WillNotFix => "will not be fixed",
        FixState::Deferred => "fix deferred",
        FixState::EndOfLife => "end of life, no fix",
        FixState::UnderInvestigation => "under investigation",
        FixState::NotAffected => "not affected",
        FixState::Unknown => "fix unknown",
    }
}

pub(crate) fn exposure(class: ExposureClass) -> &'static str {
    match class {
        ExposureClass::Unknown => "unknown",
        ExposureClass::None => "none",
        ExposureClass::Namespace => "namespace",
        ExposureClass::Cluster => "cluster",
        ExposureClass::External => "external",
        ExposureClass::Internet => "internet",
    }
}

pub(crate) fn grade(grade: JoinGrade) -> &'static str {
    match grade {
        JoinGrade::Repository => "repository",
        JoinGrade::Tag => "tag",
        JoinGrade::Index => "index",
        JoinGrade::Digest => "digest",
    }
}

/// How surely the report is about what runs.
pub(crate) fn grade_words(grade: JoinGrade) -> &'static str {
    match grade {
        JoinGrade::Repository => "as deployed: in the place of the image that runs there",
        JoinGrade::Tag => "same tag, may be another build",
        JoinGrade::Index => "same index digest",
        JoinGrade::Digest => "same digest",
    }
}

pub(crate) fn weight(weight: GapWeight) -> &'static str {
    match weight {
        GapWeight::Notice => "notice",
        GapWeight::Widens => "widens",
        GapWeight::Hides => "hides",
    }
}

pub(crate) fn stage(stage: Stage) -> &'static str {
    match stage {
        Stage::Collect => "collect",
        Stage::Import => "import",
        Stage::Catalog => "catalog",
        Stage::Match => "match",
        Stage::Relate => "relate",
        Stage::Rank => "rank",
    }
}

pub(crate) fn action_kind(kind: ActionKind) -> &'static str {
    match kind {
        ActionKind::UpgradePackage => "upgrade-package",
        ActionKind::RebuildBase => "rebuild-base",
        ActionKind::MoveTag => "move-tag",
        ActionKind::ChangeField => "change-field",
        ActionKind::RemoveExposure => "remove-exposure",
        ActionKind::Mitigate => "mitigate",
    }
}

pub(crate) fn fix_class(class: FixClass) -> &'static str {
    match class {
        FixClass::Equivalent => "equivalent",
        FixClass::NeedsTest => "needs-test",
        FixClass::Breaking => "breaking",
    }
}

pub(crate) fn fix_class_words(class: FixClass) -> &'static str {
    match class {
        FixClass::Equivalent => "equivalent",
        FixClass::NeedsTest => "needs test",
        FixClass::Breaking => "BREAKING",
    }
}

pub(crate) fn certainty(certainty: Certainty) -> &'static str {
    match certainty {
        Certainty::Verified => "verified",
        Certainty::ExpectedUnverified => "expected-unverified",
    }
}

pub(crate) fn certainty_words(certainty: Certainty) -> &'static str {
    match certainty {
        Certainty::Verified => "verified",
        Certainty::ExpectedUnverified => "expected, not verified",
    }
}

pub(crate) fn workload_state(state: WorkloadState) -> &'static str {
    match state {
        WorkloadState::Active => "active",
        WorkloadState::Dormant => "dormant",
        WorkloadState::History => "history",
    }
}

pub(crate) fn container_kind(kind: ContainerKind) -> &'static str {
    match kind {
        ContainerKind::Init => "init",
        ContainerKind::Sidecar => "sidecar",
        ContainerKind::App => "app",
        ContainerKind::Ephemeral => "ephemeral",
    }
}

pub(crate) fn environment(environment: Environment) -> &'static str {
    match environment {
        Environment::Production => "production",
        Environment::Staging => "staging",
        Environment::Shared => "shared",
    }
}

pub(crate) fn criticality(level: CriticalityLevel) -> &'static str {
    match level {
        CriticalityLevel::Undeclared => "undeclared",
        CriticalityLevel::Low => "low",
        CriticalityLevel::Normal => "normal",
        CriticalityLevel::High => "high",
        CriticalityLevel::Crown => "crown",
    }
}

pub(crate) fn artifact_kind(kind: ArtifactKind) -> &'static str {
    match kind {
        ArtifactKind::Image => "image",
        ArtifactKind::Filesystem => "filesystem",
        ArtifactKind::Repository => "repository",
        ArtifactKind::Sbom => "sbom",
        ArtifactKind::Node => "node",
        ArtifactKind::KubernetesObject => "kubernetes-object",
        ArtifactKind::Unknown => "unknown",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_are_never_zero() {
        for (estimate, expected) in [
            (Estimate::exact(83.4), "83"),
            (Estimate::exact(0.0), "<1"),
            (Estimate::exact(0.9), "<1"),
            (Estimate::between(61.0, 83.0, 90.0), "83 (61-90)"),
            (Estimate::between(82.0, 83.0, 84.0), "83"),
            (Estimate::between(0.0, 0.5, 40.2), "<1 (<1-40)"),
        ] {
            assert_eq!(points(&estimate), expected);
        }
    }

    #[test]
    fn percentages() {
        for (estimate, expected) in [
            (Estimate::exact(0.314), "31%"),
            (Estimate::exact(0.0001), "<1%"),
            (Estimate::exact(0.0), "0%"),
            (Estimate::between(0.0001, 0.3, 0.8), "30% (<1-80%)"),
        ] {
            assert_eq!(percent(&estimate), expected);
        }
    }

    #[test]
    fn counts() {
        for (number, expected) in [
            (0_u32, "0"),
            (999, "999"),
            (1204, "1,204"),
            (1_000_000, "1,000,000"),
        ] {
            assert_eq!(count(number), expected);
        }
    }

    #[test]
    fn ages() {
        let now: Timestamp = "2026-11-23T23:00:00Z".parse().unwrap();
        for (date, expected) in [
            (Some("2026-11-23"), "from today"),
            (Some("2026-11-22"), "1 day old"),
            (Some("2026-10-23"), "31 days old"),
            (Some("2025-11-23"), "365 days old"),
            (Some("2026-11-24"), "dated in the future"),
            (None, "of unknown date"),
        ] {
            assert_eq!(
                age(date.map(|d| d.parse().unwrap()), now),
                expected,
                "{date:?}"
            );
        }
    }
}
