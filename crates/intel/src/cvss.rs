//! CVSS vectors 2.0, 3.0, 3.1 and 4.0. Comes in: a vector. Goes out: its base score, what it says of the
//! attacker's way, and for 4.0 the score with threat and environment (BTE). Scores: crate `cvss`, over
//! vectors that are cut to the metrics wanted here. Never: a guess for a metric that is missing.

use model::vulnerability::{AttackProfile, AttackVector, Cvss, PrivilegesRequired};
use std::fmt::Write as _;

/// Longest vector; a 4.0 vector with every metric has 200 bytes.
const MAX_VECTOR: usize = 512;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    V2,
    V30,
    V31,
    V4,
}

impl Version {
    pub const fn name(self) -> &'static str {
        match self {
            Version::V2 => "2.0",
            Version::V30 => "3.0",
            Version::V31 => "3.1",
            Version::V4 => "4.0",
        }
    }

    /// Names of the base metrics in the order of the specification; each is mandatory.
    const fn base(self) -> &'static [&'static str] {
        match self {
            Version::V2 => &["AV", "AC", "Au", "C", "I", "A"],
            Version::V30 | Version::V31 => &["AV", "AC", "PR", "UI", "S", "C", "I", "A"],
            Version::V4 => &[
                "AV", "AC", "AT", "PR", "UI", "VC", "VI", "VA", "SC", "SI", "SA",
            ],
        }
    }
}

/// A vector taken apart; every base metric is there once with a value that its version knows.
#[derive(Clone, Debug, PartialEq)]
pub struct Vector<'v> {
    pub version: Version,
    metrics: Vec<(&'v str, &'v str)>,
    /// Base score, 0.0 to 10.0.
    pub base: f64,
}

impl Vector<'_> {
    fn value(&self, name: &str) -> Option<&str> {
        value(&self.metrics, name)
    }

    /// The base metrics alone, in the order of the specification.
    pub fn base_vector(&self) -> String {
        base_vector(self.version, &self.metrics)
    }
}

/// Takes a vector apart; `None` if it is none of the four versions or lacks a base metric.
/// Version 2 is accepted with and without brackets.
pub fn parse(vector: &str) -> Option<Vector<'_>> {
    let vector = vector.trim().trim_start_matches('(').trim_end_matches(')');
    if vector.len() > MAX_VECTOR {
        return None;
    }
    let version = version(vector)?;
    let rest = match version {
        Version::V2 => vector,
        _ => vector.split_once('/')?.1,
    };
    let mut metrics = Vec::with_capacity(16);
    for part in rest.trim_end_matches('/').split('/') {
        let (name, given) = part.split_once(':')?;
        if value(&metrics, name).is_some() {
            return None;
        }
        metrics.push((name, given));
    }
    if version
        .base()
        .iter()
        .any(|name| value(&metrics, name).is_none())
    {
        return None;
    }
    let scored: cvss::Cvss = base_vector(version, &metrics).parse().ok()?;
    let base = scored.score();
    Some(Vector {
        version,
        metrics,
        base,
    })
}

/// The version that a vector's prefix names, without reading the rest.
pub fn version(vector: &str) -> Option<Version> {
    match vector.trim().strip_prefix("CVSS:") {
        None => Some(Version::V2),
        Some(rest) => match rest.split_once('/')?.0 {
            "3.0" => Some(Version::V30),
            "3.1" => Some(Version::V31),
            "4.0" => Some(Version::V4),
            _ => None,
        },
    }
}

/// Base score of a vector, 0.0 to 10.0; metrics beyond the base are left out.
pub fn base(vector: &str) -> Option<f64> {
    Some(parse(vector)?.base)
}

/// Base score in tenths, as the database keeps it.
pub fn tenths(vector: &str) -> Option<u8> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // 0 to 100
    Some((base(vector)? * 10.0).round() as u8)
}

/// What the vector says of how an attacker comes near. Empty for a vector that cannot be read.
pub fn profile(vector: &str) -> AttackProfile {
    let Some(vector) = parse(vector) else {
        return AttackProfile::default();
    };
    let is = |name: &str, wanted: &str| vector.value(name).map(|given| given == wanted);
    let attack = match vector.value("AV") {
        Some("N") => Some(AttackVector::Network),
        Some("A") => Some(AttackVector::Adjacent),
        Some("L") => Some(AttackVector::Local),
        Some("P") => Some(AttackVector::Physical),
        _ => None,
    };
    if vector.version == Version::V2 {
        return AttackProfile {
            vector: attack,
            // Version 2 counts logins (none, one, several), not their rights.
            privileges: match vector.value("Au") {
                Some("N") => Some(PrivilegesRequired::None),
                Some("S" | "M") => Some(PrivilegesRequired::Low),
                _ => None,
            },
            user_interaction: None,
            high_complexity: is("AC", "H"),
            confidentiality_high: is("C", "C"),
            integrity_high: is("I", "C"),
            availability_high: is("A", "C"),
        };
    }
    let v4 = vector.version == Version::V4;
    let (c, i, a) = if v4 {
        ("VC", "VI", "VA")
    } else {
        ("C", "I", "A")
    };
    AttackProfile {
        vector: attack,
        privileges: match vector.value("PR") {
            Some("N") => Some(PrivilegesRequired::None),
            Some("L") => Some(PrivilegesRequired::Low),
            Some("H") => Some(PrivilegesRequired::High),
            _ => None,
        },
        user_interaction: is("UI", "N").map(|none| !none),
        // Version 4 splits the old complexity into complexity and requirements (specification 4.0, 2.1.2-2.1.3).
        high_complexity: is("AC", "H").map(|high| high || is("AT", "P") == Some(true)),
        confidentiality_high: is(c, "H"),
        integrity_high: is(i, "H"),
        availability_high: is(a, "H"),
    }
}

/// The statement to judge by: version 4.0 before 3.1 before 3.0 before 2.0, and of one version the first.
pub fn best<'c>(statements: impl IntoIterator<Item = &'c Cvss>) -> Option<&'c Cvss> {
    let rank = |cvss: &Cvss| match &*cvss.version {
        "4.0" => 4,
        "3.1" => 3,
        "3.0" => 2,
        _ => 1,
    };
    // `max_by_key` keeps the last of equals; the first is wanted.
    statements.into_iter().fold(None, |best, next| match best {
        Some(held) if rank(held) >= rank(next) => Some(held),
        _ => Some(next),
    })
}

/// Exploit maturity (E) of CVSS 4.0; unreported counts as not defined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Maturity {
    NotDefined,
    Unreported,
    ProofOfConcept,
    Attacked,
}

/// A security requirement (CR, IR, AR) of CVSS 4.0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Requirement {
    NotDefined,
    Low,
    Medium,
    High,
}

/// What the surroundings say; `None` leaves the metric out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Environment {
    pub confidentiality: Requirement,
    pub integrity: Requirement,
    pub availability: Requirement,
    /// MAV
    pub vector: Option<AttackVector>,
    /// MPR
    pub privileges: Option<PrivilegesRequired>,
}

/// The CVSS 4.0 vector with threat and environment, and its score. Threat and environmental metrics
/// of the given vector are replaced, supplemental ones dropped. `None` unless it is a 4.0 vector.
pub fn bte(
    base_vector_v4: &str,
    threat: Maturity,
    environment: &Environment,
) -> Option<(String, f64)> {
    let parsed = parse(base_vector_v4).filter(|vector| vector.version == Version::V4)?;
    let mut out = parsed.base_vector();
    let mut add = |name: &str, value: Option<&str>| {
        if let Some(value) = value {
            let _ = write!(out, "/{name}:{value}");
        }
    };
    add(
        "E",
        match threat {
            Maturity::NotDefined => None,
            Maturity::Unreported => Some("U"),
            Maturity::ProofOfConcept => Some("P"),
            Maturity::Attacked => Some("A"),
        },
    );
    for (name, requirement) in [
        ("CR", environment.confidentiality),
        ("IR", environment.integrity),
        ("AR", environment.availability),
    ] {
        add(
            name,
            match requirement {
                Requirement::NotDefined => None,
                Requirement::Low => Some("L"),
                Requirement::Medium => Some("M"),
                Requirement::High => Some("H"),
            },
        );
    }
    add(
        "MAV",
        environment.vector.map(|vector| match vector {
            AttackVector::Network => "N",
            AttackVector::Adjacent => "A",
            AttackVector::Local => "L",
            AttackVector::Physical => "P",
        }),
    );
    add(
        "MPR",
        environment.privileges.map(|privileges| match privileges {
            PrivilegesRequired::None => "N",
            PrivilegesRequired::Low => "L",
            PrivilegesRequired::High => "H",
        }),
    );
    let scored: cvss::Cvss = out.parse().ok()?;
    Some((out, scored.score()))
}

fn value<'v>(metrics: &[(&str, &'v str)], name: &str) -> Option<&'v str> {
    metrics
        .iter()
        .find(|(metric, _)| *metric == name)
        .map(|(_, value)| *value)
}

fn base_vector(version: Version, metrics: &[(&str, &str)]) -> String {
    let mut out = match version {
        Version::V2 => String::new(),
        _ => format!("CVSS:{}", version.name()),
    };
    for name in version.base() {
        if !out.is_empty() {
            out.push('/');
        }
        let _ = write!(out, "{name}:{}", value(metrics, name).unwrap_or_default());
    }
    out
}

#[cfg(test)]
#[allow(clippy::float_cmp, reason = "scores have one decimal")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(vector: &str, expected: Option<f64>) {
        assert_eq!(base(vector), expected, "{vector}");
    }

    /// Worked examples: guide 2.0 section 3.3, examples 3.0 and 3.1, examples 4.0 of first.org, and the extremes.
    #[test]
    fn scores() {
        check("AV:N/AC:L/Au:N/C:N/I:N/A:C", Some(7.8));
        check("(AV:N/AC:L/Au:N/C:C/I:C/A:C)", Some(10.0));
        check("AV:L/AC:H/Au:N/C:C/I:C/A:C", Some(6.2));
        check("AV:N/AC:L/Au:N/C:N/I:N/A:C/E:F/RL:OF/RC:C", Some(7.8));
        check("CVSS:3.0/AV:N/AC:L/PR:L/UI:N/S:C/C:L/I:L/A:N", Some(6.4));
        check("CVSS:3.0/AV:N/AC:H/PR:N/UI:R/S:U/C:L/I:N/A:N", Some(3.1));
        check("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H", Some(10.0));
        check("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", Some(9.8));
        check("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:N", Some(0.0));
        check("CVSS:3.1/AV:P/AC:L/PR:N/UI:N/S:U/C:N/I:H/A:N", Some(4.6));
        check(
            "CVSS:3.1/AV:L/AC:L/PR:L/UI:N/S:C/C:H/I:H/A:H/E:U/RL:O",
            Some(8.8),
        );
        check(
            "CVSS:4.0/AV:L/AC:L/AT:P/PR:L/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N",
            Some(7.3),
        );
        check(
            "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:H/SI:H/SA:H",
            Some(10.0),
        );
        check(
            "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:N/VI:N/VA:N/SC:N/SI:N/SA:N",
            Some(0.0),
        );
        // Threat and environment do not change the base.
        check(
            "CVSS:4.0/AV:L/AC:L/AT:P/PR:L/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N/E:U/CR:L/MAV:P",
            Some(7.3),
        );
    }

    #[test]
    fn nonsense_has_no_score() {
        for bad in [
            "",
            "CVSS:3.1/AV:N",
            "CVSS:3.1/AV:X/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H",
            "CVSS:3.1/AV:N/AV:L/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H",
            "CVSS:9.9/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H",
            "AV:N/AC:L/Au:N/C:N/I:N",
            "critical",
        ] {
            check(bad, None);
        }
        check(&"AV:N/".repeat(1000), None);
    }

    #[test]
    fn profiles() {
        let p = profile("CVSS:4.0/AV:A/AC:L/AT:P/PR:H/UI:P/VC:H/VI:L/VA:N/SC:N/SI:N/SA:N");
        assert_eq!(
            p,
            AttackProfile {
                vector: Some(AttackVector::Adjacent),
                privileges: Some(PrivilegesRequired::High),
                user_interaction: Some(true),
                high_complexity: Some(true),
                confidentiality_high: Some(true),
                integrity_high: Some(false),
                availability_high: Some(false),
            }
        );
        let p = profile("AV:N/AC:M/Au:S/C:C/I:P/A:N");
        assert_eq!(p.user_interaction, None);
        assert_eq!(p.privileges, Some(PrivilegesRequired::Low));
        assert_eq!(p.confidentiality_high, Some(true));
        assert_eq!(p.high_complexity, Some(false));
        assert_eq!(profile("nonsense"), AttackProfile::default());
    }

    #[test]
    fn the_newest_version_wins_and_of_one_version_the_first() {
        let cvss = |source: &str, version: &str| Cvss {
            source: source.into(),
            version: version.into(),
            vector: "".into(),
            base: 5.0,
        };
        let all = [
            cvss("a", "2.0"),
            cvss("b", "3.1"),
            cvss("c", "3.1"),
            cvss("d", "3.0"),
        ];
        assert_eq!(best(&all).map(|c| &*c.source), Some("b"));
        assert_eq!(best(&[]), None);
    }

    const OPEN: Environment = Environment {
        confidentiality: Requirement::NotDefined,
        integrity: Requirement::NotDefined,
        availability: Requirement::NotDefined,
        vector: None,
        privileges: None,
    };

    /// Specification 4.0, section 8.2 examples of threat scores for the worst base vector.
    #[test]
    fn threat_and_environment() {
        let worst = "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N";
        let (vector, score) = bte(worst, Maturity::Attacked, &OPEN).unwrap();
        assert_eq!((vector, score), (format!("{worst}/E:A"), 9.3));
        assert_eq!(bte(worst, Maturity::Unreported, &OPEN).unwrap().1, 8.1);
        let inside = Environment {
            confidentiality: Requirement::Low,
            vector: Some(AttackVector::Local),
            privileges: Some(PrivilegesRequired::Low),
            ..OPEN
        };
        let (vector, score) = bte(
            &format!("{worst}/E:A/S:P"),
            Maturity::ProofOfConcept,
            &inside,
        )
        .unwrap();
        assert_eq!(vector, format!("{worst}/E:P/CR:L/MAV:L/MPR:L"));
        assert!(score < 8.0, "{score}");
        assert_eq!(
            bte(
                "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H",
                Maturity::Attacked,
                &OPEN
            ),
            None
        );
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,80}") {
            let _ = profile(&text);
            if let Some(score) = base(&text) { prop_assert!((0.0..=10.0).contains(&score)); }
        }

        /// A worse maturity never lowers the score.
        #[test]
        fn maturity_is_monotone(parts in prop::array::uniform11(0usize..3)) {
            let values: [&[&str]; 11] = [&["N", "A", "L"], &["L", "H", "L"], &["N", "P", "N"], &["N", "L", "H"], &["N", "P", "A"],
                &["H", "L", "N"], &["H", "L", "N"], &["H", "L", "N"], &["H", "L", "N"], &["H", "L", "N"], &["H", "L", "N"]];
            let vector = Version::V4.base().iter().zip(values).zip(parts).fold("CVSS:4.0".to_owned(), |mut out, ((name, values), at)| {
                let _ = write!(out, "/{name}:{}", values[at]);
                out
            });
            let score = |threat| bte(&vector, threat, &OPEN).unwrap().1;
            prop_assert!(score(Maturity::Unreported) <= score(Maturity::ProofOfConcept));
            prop_assert!(score(Maturity::ProofOfConcept) <= score(Maturity::Attacked));
            prop_assert_eq!(score(Maturity::NotDefined), base(&vector).unwrap());
        }
    }
}
