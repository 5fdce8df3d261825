//! The CVSS 4.0 vector with threat and environmental metrics (BTE), built from a base vector.
//! In: base vector, exploitation, exposure, criticality; out: `VECTOR (SCORE)`. A vector that is not
//! version 4.0 or not valid gives nothing. Source: CVSS 4.0 specification, sections 3 and 4.

use model::evidence::Fact;
use model::situation::ExposureClass;
use model::vulnerability::{Exploitation, Ssvc, Vulnerability};
use model::workload::CriticalityLevel;

/// The base vector of a vulnerability, where one is known.
pub(crate) fn base_vector(vulnerability: &Vulnerability) -> Option<&str> {
    vulnerability
        .cvss
        .iter()
        .map(|cvss| &*cvss.vector)
        .find(|vector| vector.starts_with("CVSS:4.0/"))
}

/// The vector with what is known of threat and environment; metrics of which nothing is known are left out.
pub(crate) fn bte(
    base: &str,
    exploitation: Exploitation,
    ssvc: &Fact<Ssvc>,
    exposure: ExposureClass,
    criticality: CriticalityLevel,
) -> Option<String> {
    // Whatever else the source's vector says of threat and environment is not ours.
    let kept = base.split('/').skip(1).filter(|metric| {
        metric
            .split_once(':')
            .is_some_and(|(name, _)| BASE_METRICS.contains(&name))
    });
    let mut vector = String::with_capacity(base.len() + 24);
    vector.push_str("CVSS:4.0");
    let mut network = false;
    for metric in kept {
        network |= metric == "AV:N";
        vector.push('/');
        vector.push_str(metric);
    }
    vector.push_str(match (exploitation, ssvc) {
        (Exploitation::Active, _) => "/E:A",
        (Exploitation::PublicPoc, _) => "/E:P",
        (Exploitation::None, Fact::Is(_)) => "/E:U",
        (Exploitation::None, _) => "",
    });
    vector.push_str(match criticality {
        CriticalityLevel::Low => "/CR:L/IR:L/AR:L",
        CriticalityLevel::Normal => "/CR:M/IR:M/AR:M",
        CriticalityLevel::High | CriticalityLevel::Crown => "/CR:H/IR:H/AR:H",
        CriticalityLevel::Undeclared => "",
    });
    vector.push_str(match exposure {
        ExposureClass::Cluster | ExposureClass::Namespace if network => "/MAV:A",
        ExposureClass::None if network => "/MAV:L",
        _ => "",
    });
    let score = vector.parse::<cvss::v4::Vector>().ok()?.score().value();
    if !score.is_finite() {
        return None;
    }
    Some(format!("{vector} ({score:.1})"))
}

const BASE_METRICS: [&str; 11] = [
    "AV", "AC", "AT", "PR", "UI", "VC", "VI", "VA", "SC", "SI", "SA",
];
