//! SSVC, the deployer's decision. In: exploitation, exposure, automatable, human impact; out: one of four words.

use model::evidence::Fact;
use model::situation::ExposureClass;
use model::vulnerability::{Exploitation, Kev, Ssvc};
use model::workload::CriticalityLevel;

/// Source: CERT/CC SSVC, `data/csv/ssvc/deployer_patch_application_priority_1_0_0.csv`, its 72 rows in its order:
/// exploitation (none, public proof of concept, active), then exposure (small, controlled, open),
/// then automatable (no, yes), then human impact (low, medium, high, very high).
/// D defer, S scheduled, O out-of-cycle, I immediate.
pub(crate) const DECISIONS: [[[&[u8; 4]; 2]; 3]; 3] = [
    [[b"DDSS", b"DSSS"], [b"DSSS", b"SSSS"], [b"DSSS", b"SSSO"]],
    [[b"DSSS", b"SSSS"], [b"DSSS", b"SSSO"], [b"SSSO", b"SSOO"]],
    [[b"SSOO", b"SOOO"], [b"SSOO", b"OOOO"], [b"SOOI", b"OOII"]],
];

/// `defer`, `scheduled`, `out-of-cycle` or `immediate`.
pub(crate) fn decision(
    exploitation: Exploitation,
    exposure: ExposureClass,
    automatable: bool,
    criticality: CriticalityLevel,
) -> &'static str {
    let exploitation = match exploitation {
        Exploitation::None => 0,
        Exploitation::PublicPoc => 1,
        Exploitation::Active => 2,
    };
    // Unknown exposure counts as open.
    let exposure = match exposure {
        ExposureClass::None => 0,
        ExposureClass::Namespace | ExposureClass::Cluster => 1,
        ExposureClass::External | ExposureClass::Internet | ExposureClass::Unknown => 2,
    };
    let impact = match criticality {
        CriticalityLevel::Low => 0,
        CriticalityLevel::Normal | CriticalityLevel::Undeclared => 1,
        CriticalityLevel::High => 2,
        CriticalityLevel::Crown => 3,
    };
    let letter = DECISIONS
        .get(exploitation)
        .and_then(|rows| rows.get(exposure))
        .and_then(|rows| rows.get(usize::from(automatable)))
        .and_then(|row| row.get(impact));
    match letter {
        Some(b'D') => "defer",
        Some(b'S') => "scheduled",
        Some(b'O') => "out-of-cycle",
        _ => "immediate",
    }
}

/// What is known of exploitation: KEV, else CISA's word. Nothing published is `none`, as the decision tree defines it.
pub(crate) fn exploitation(ssvc: &Fact<Ssvc>, kev: &Fact<Kev>) -> Exploitation {
    match (kev, ssvc) {
        (Fact::Is(_), _) => Exploitation::Active,
        (_, Fact::Is(ssvc)) => ssvc.exploitation,
        _ => Exploitation::None,
    }
}
