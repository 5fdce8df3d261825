//! Texts of the command line in, values out; an error says what was expected. Never: a default.

use model::matches::FixState;
use model::vulnerability::Severity;
use scan::filter::PackageKind;
use std::time::Duration;

pub(super) fn platform(text: &str) -> Result<scan::artifacts::Platform, String> {
    scan::artifacts::platform(text)
        .ok_or_else(|| format!("expected a platform such as linux/arm64, found `{text}`"))
}

pub(super) fn minor(text: &str) -> Result<u16, String> {
    let wrong = || format!("expected a version such as 1.36, found `{text}`");
    let minor = text
        .trim_start_matches('v')
        .strip_prefix("1.")
        .ok_or_else(wrong)?;
    minor
        .split('.')
        .next()
        .and_then(|minor| minor.parse().ok())
        .ok_or_else(wrong)
}

pub(super) fn days(text: &str) -> Result<u32, String> {
    let wrong = || format!("expected days such as 14d or 2w, found `{text}`");
    let (number, factor) = match text.strip_suffix('w') {
        Some(weeks) => (weeks, 7),
        None => (text.trim_end_matches('d'), 1),
    };
    let number: u32 = number.parse().map_err(|_| wrong())?;
    number
        .checked_mul(factor)
        .filter(|days| *days <= 3650)
        .ok_or_else(wrong)
}

pub(super) fn time(text: &str) -> Result<Duration, String> {
    let wrong = || format!("expected a time such as 90s or 10m, found `{text}`");
    let (number, factor) = match text.strip_suffix('m') {
        Some(minutes) => (minutes, 60),
        None => (text.trim_end_matches('s'), 1),
    };
    let number: u64 = number.parse().map_err(|_| wrong())?;
    let seconds = number
        .checked_mul(factor)
        .filter(|all| (1..=86_400).contains(all));
    seconds.map(Duration::from_secs).ok_or_else(wrong)
}

pub(super) fn percent(text: &str) -> Result<f64, String> {
    let number: f64 = text
        .trim_end_matches('%')
        .parse()
        .map_err(|_| format!("expected a percentage, found `{text}`"))?;
    if (0.0..=100.0).contains(&number) {
        Ok(number / 100.0)
    } else {
        Err(format!("expected 0% to 100%, found `{text}`"))
    }
}

pub(super) fn severity(text: &str) -> Result<Severity, String> {
    match Severity::parse(text) {
        Severity::Unknown if !text.eq_ignore_ascii_case("unknown") => {
            Err(format!("`{text}` is no severity"))
        }
        severity => Ok(severity),
    }
}

pub(super) fn status(text: &str) -> Result<FixState, String> {
    const ALL: [FixState; 8] = [
        FixState::Fixed,
        FixState::NotFixed,
        FixState::WillNotFix,
        FixState::Deferred,
        FixState::EndOfLife,
        FixState::UnderInvestigation,
        FixState::NotAffected,
        FixState::Unknown,
    ];
    let known = ALL
        .into_iter()
        .find(|state| text.eq_ignore_ascii_case(state.word()));
    known.ok_or_else(|| {
        let words = ALL.map(FixState::word).join(", ");
        format!("`{text}` is none of {words}")
    })
}

pub(super) fn package_kind(text: &str) -> Result<PackageKind, String> {
    match text {
        "os" => Ok(PackageKind::System),
        "library" => Ok(PackageKind::Library),
        _ => Err(format!("expected os or library, found `{text}`")),
    }
}
