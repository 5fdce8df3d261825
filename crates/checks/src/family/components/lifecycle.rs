//! Versions that are maintained no more, too far apart, or not served. Comes in: a World, its day. Goes out: findings.
//! Never: a day of the future taken for known.

use super::installed::{Installed, installed};
use super::widens;
use crate::world::{Sink, World};
use jiff::civil::{Date, date};
use model::snapshot::Origin;
use semantics::releases::Software;

/// Last day of patches by minor version. Source: kubernetes.io/releases. Each lasts at least as long as the one before.
const KUBERNETES: &[(u32, Date)] = &[
    (19, date(2021, 10, 28)),
    (20, date(2022, 2, 28)),
    (21, date(2022, 6, 28)),
    (22, date(2022, 10, 28)),
    (23, date(2023, 2, 28)),
    (24, date(2023, 7, 28)),
    (25, date(2023, 10, 28)),
    (26, date(2024, 2, 28)),
    (27, date(2024, 6, 28)),
    (28, date(2024, 10, 28)),
    (29, date(2025, 2, 28)),
    (30, date(2025, 6, 28)),
    (31, date(2025, 10, 28)),
    (32, date(2026, 2, 28)),
    (33, date(2026, 6, 28)),
    (34, date(2026, 10, 27)),
    (35, date(2027, 2, 28)),
    (36, date(2027, 6, 28)),
];

/// By (major, minor). Source: RELEASES.md of containerd.
const CONTAINERD: &[((u32, u32), Date)] = &[
    ((1, 4), date(2022, 3, 3)),
    ((1, 5), date(2023, 2, 28)),
    ((1, 6), date(2025, 8, 23)),
    ((1, 7), date(2026, 9, 30)),
    ((2, 0), date(2025, 11, 7)),
    ((2, 1), date(2026, 5, 5)),
    ((2, 2), date(2026, 11, 6)),
];

/// Last day of the month in which ingress-nginx ended. Source: kubernetes.io/blog/2025/11/11/ingress-nginx-retirement.
const INGRESS_NGINX: Date = date(2026, 3, 31);

/// The day of the question.
fn today(world: &World<'_>) -> Option<Date> {
    let now = world.beside.now.or(world.snapshot.taken_at)?;
    Some(now.to_zoned(jiff::tz::TimeZone::UTC).date())
}

/// Tells what ended, or that it is not known.
fn ended(
    world: &World<'_>,
    sink: &mut Sink<'_>,
    installed: Installed<'_>,
    end: Result<Date, String>,
) {
    match (end, today(world)) {
        (Ok(end), Some(today)) => {
            sink.looked(1);
            if today > end {
                let says = format!("{}, patched until {end}", installed.says());
                sink.about(world, &installed.object, installed.pointer, says);
            }
        }
        (Err(what), _) => sink.unknown(widens("end-of-life-unknown", what, "update plimsoll")),
        (Ok(_), None) => sink.unknown(widens(
            "end-of-life-unknown",
            "versions that are maintained no more: no day is given".to_owned(),
            "give --now",
        )),
    }
}

pub(super) fn kubernetes(world: &World<'_>, sink: &mut Sink<'_>) {
    let all = [Software::ApiServer, Software::Kubelet];
    for one in all.iter().flat_map(|software| installed(world, *software)) {
        let Some([1, minor, _]) = one.release.map(semantics::releases::Release::version) else {
            continue;
        };
        let end = end_of(minor, today(world));
        ended(world, sink, one, end);
    }
}

/// Older ones than the first ended before it; newer ones than the last do not end before it.
fn end_of(minor: u32, today: Option<Date>) -> Result<Date, String> {
    let (first, last) = match (KUBERNETES.first(), KUBERNETES.last()) {
        (Some(first), Some(last)) => (*first, *last),
        _ => return Err(String::new()),
    };
    let known = KUBERNETES.iter().find(|(known, _)| *known == minor);
    match known {
        Some((_, end)) => Ok(*end),
        None if minor < first.0 => Ok(first.1),
        None if today.is_some_and(|today| today <= last.1) => Ok(last.1),
        None => Err(format!("until when Kubernetes 1.{minor} is maintained")),
    }
}

pub(super) fn containerd(world: &World<'_>, sink: &mut Sink<'_>) {
    for one in installed(world, Software::Containerd) {
        let Some([major, minor, _]) = one.release.map(semantics::releases::Release::version) else {
            continue;
        };
        let known = CONTAINERD
            .iter()
            .find(|(known, _)| *known == (major, minor));
        let first = CONTAINERD
            .first()
            .filter(|(first, _)| (major, minor) < *first);
        match known.or(first) {
            Some((_, end)) => ended(world, sink, one, Ok(*end)),
            // Nothing is announced of it yet.
            None => sink.looked(1),
        }
    }
}

pub(super) fn ingress_nginx(world: &World<'_>, sink: &mut Sink<'_>) {
    for one in installed(world, Software::IngressNginx) {
        ended(world, sink, one, Ok(INGRESS_NGINX));
    }
}

/// kubernetes.io/releases/version-skew-policy.
pub(super) fn skew(world: &World<'_>, sink: &mut Sink<'_>) {
    if !world.snapshot.version.known {
        return;
    }
    let server = u32::from(world.snapshot.version.minor);
    let allowed = if server >= 28 { 3 } else { 2 };
    for one in installed(world, Software::Kubelet) {
        let Some([1, minor, _]) = one.release.map(semantics::releases::Release::version) else {
            continue;
        };
        sink.looked(1);
        if minor > server || server - minor > allowed {
            let says = format!("{}, the API server has 1.{server}", one.says());
            sink.about(world, &one.object, one.pointer, says);
        }
    }
}

/// (group, version, kinds; none: all of it, first minor version without it, what is served instead).
/// Source: kubernetes.io/docs/reference/using-api/deprecation-guide.
type Removed = (
    &'static str,
    &'static str,
    &'static [&'static str],
    u16,
    &'static str,
);
const REMOVED: &[Removed] = &[
    (
        "extensions",
        "v1beta1",
        &["Ingress"],
        22,
        "networking.k8s.io/v1",
    ),
    (
        "extensions",
        "v1beta1",
        &["NetworkPolicy"],
        16,
        "networking.k8s.io/v1",
    ),
    ("extensions", "v1beta1", &["PodSecurityPolicy"], 16, ""),
    ("extensions", "v1beta1", &[], 16, "apps/v1"),
    ("apps", "v1beta1", &[], 16, "apps/v1"),
    ("apps", "v1beta2", &[], 16, "apps/v1"),
    (
        "admissionregistration.k8s.io",
        "v1beta1",
        WEBHOOKS,
        22,
        "admissionregistration.k8s.io/v1",
    ),
    (
        "apiextensions.k8s.io",
        "v1beta1",
        &[],
        22,
        "apiextensions.k8s.io/v1",
    ),
    (
        "apiregistration.k8s.io",
        "v1beta1",
        &[],
        22,
        "apiregistration.k8s.io/v1",
    ),
    (
        "certificates.k8s.io",
        "v1beta1",
        &["CertificateSigningRequest"],
        22,
        "certificates.k8s.io/v1",
    ),
    (
        "coordination.k8s.io",
        "v1beta1",
        &["Lease"],
        22,
        "coordination.k8s.io/v1",
    ),
    (
        "networking.k8s.io",
        "v1beta1",
        &["Ingress", "IngressClass"],
        22,
        "networking.k8s.io/v1",
    ),
    (
        "rbac.authorization.k8s.io",
        "v1alpha1",
        &[],
        22,
        "rbac.authorization.k8s.io/v1",
    ),
    (
        "rbac.authorization.k8s.io",
        "v1beta1",
        &[],
        22,
        "rbac.authorization.k8s.io/v1",
    ),
    (
        "scheduling.k8s.io",
        "v1beta1",
        &["PriorityClass"],
        22,
        "scheduling.k8s.io/v1",
    ),
    (
        "storage.k8s.io",
        "v1beta1",
        STORAGE,
        22,
        "storage.k8s.io/v1",
    ),
    (
        "storage.k8s.io",
        "v1beta1",
        &["CSIStorageCapacity"],
        27,
        "storage.k8s.io/v1",
    ),
    ("autoscaling", "v2beta1", &[], 25, "autoscaling/v2"),
    ("autoscaling", "v2beta2", &[], 26, "autoscaling/v2"),
    ("batch", "v1beta1", &["CronJob"], 25, "batch/v1"),
    (
        "discovery.k8s.io",
        "v1beta1",
        &["EndpointSlice"],
        25,
        "discovery.k8s.io/v1",
    ),
    (
        "events.k8s.io",
        "v1beta1",
        &["Event"],
        25,
        "events.k8s.io/v1",
    ),
    (
        "node.k8s.io",
        "v1beta1",
        &["RuntimeClass"],
        25,
        "node.k8s.io/v1",
    ),
    (
        "policy",
        "v1beta1",
        &["PodDisruptionBudget"],
        25,
        "policy/v1",
    ),
    ("policy", "v1beta1", &["PodSecurityPolicy"], 25, ""),
    ("flowcontrol.apiserver.k8s.io", "v1beta1", &[], 26, FLOW),
    ("flowcontrol.apiserver.k8s.io", "v1beta2", &[], 29, FLOW),
    ("flowcontrol.apiserver.k8s.io", "v1beta3", &[], 32, FLOW),
];
const WEBHOOKS: &[&str] = &[
    "MutatingWebhookConfiguration",
    "ValidatingWebhookConfiguration",
];
const STORAGE: &[&str] = &["CSIDriver", "CSINode", "StorageClass", "VolumeAttachment"];
const FLOW: &str = "flowcontrol.apiserver.k8s.io/v1";

pub(super) fn removed(world: &World<'_>, sink: &mut Sink<'_>) {
    // What an API server lists it serves.
    if world.snapshot.origin != Origin::Files {
        return;
    }
    let minor = world.snapshot.version.minor;
    for (at, object) in (0u32..).zip(&world.snapshot.objects) {
        let gvk = &object.gvk;
        sink.looked(1);
        let row = REMOVED.iter().find(|(group, version, kinds, _, _)| {
            *group == &*gvk.group
                && *version == &*gvk.version
                && (kinds.is_empty() || kinds.contains(&&*gvk.kind))
        });
        let Some((_, _, _, gone, instead)) = row.filter(|(_, _, _, gone, _)| *gone <= minor) else {
            continue;
        };
        let instead = match *instead {
            "" => "nothing takes its place".to_owned(),
            other => format!("{other} is"),
        };
        let says = format!(
            "{} of {} is not served since 1.{gone}; {instead}",
            gvk.api_version(),
            gvk.kind
        );
        sink.object(world, at, "/apiVersion", says);
    }
}
