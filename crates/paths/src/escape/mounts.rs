//! Ways over directories and sockets of the node that a container mounts.
//! Comes in: a place. Goes out: a draft for each volume and kind, of its most dangerous mount.

use super::host_path::{self, Access, Found};
use super::kinds::{
    CE_CONTROL_PLANE_PKI, CE_UMH_CORE_PATTERN, CE_VAR_LOG_SYMLINK, EXPLOIT_CONTAINERD_SOCK,
};
use super::place::{Barrier, Place};
use super::{Condition, Draft};
use crate::blast::{Need, gap};
use model::evidence::{Estimate, Ledger};
use model::text::Text;
use rustc_hash::FxHashMap;
use semantics::view::{Mount, VolumeSource};

/// Begins a variable in `subPathExpr`.
const VARIABLE: &str = "$(";

struct Volume<'a> {
    path: &'a Text,
    /// Made for a claim, not chosen by the pod.
    claimed: bool,
}

pub(super) fn ways(place: &Place<'_>, drafts: &mut Vec<Draft>, ledger: &mut Ledger) {
    let volumes = volumes(place);
    if volumes.is_empty() {
        return;
    }
    let mut best: FxHashMap<(&str, &'static str), usize> = FxHashMap::default();
    for (number, mount) in place.container.mounts.iter().enumerate() {
        let Some(volume) = volumes.get(&*mount.volume) else {
            continue;
        };
        let below = mount.sub_path.as_deref().unwrap_or("");
        let known = below.split(VARIABLE).next().unwrap_or("");
        let path = host_path::normal(&format!("{}/{known}", volume.path));
        let access = Access {
            read_only: mount.read_only,
            recursive: mount.recursive_read_only,
            claimed: volume.claimed,
        };
        for found in host_path::leads(&path, access) {
            let mut draft = way(place, mount, number, &path, &found);
            if known.len() < below.len() {
                draft.probability.low = 0.0;
                draft.missing.push(ledger.gap(gap(
                    "sub-path-unknown",
                    "mounts with subPathExpr: which directory of the volume they show is open",
                    "workloads",
                    "",
                )));
            }
            let key = (&*mount.volume, found.kind.name);
            if let Some(known) = best.get(&key).and_then(|at| drafts.get_mut(*at)) {
                let p = known.probability.max(draft.probability);
                if draft.probability.expected > known.probability.expected {
                    *known = draft;
                }
                known.probability = p;
            } else {
                best.insert(key, drafts.len());
                drafts.push(draft);
            }
        }
    }
}

fn volumes<'a>(place: &Place<'a>) -> FxHashMap<&'a str, Volume<'a>> {
    let mut volumes = FxHashMap::default();
    for volume in &place.template.volumes {
        let (path, claimed) = match &volume.source {
            VolumeSource::HostPath { path } => (path, false),
            VolumeSource::Claim {
                host_path: Some(path),
                ..
            } => (path, true),
            _ => continue,
        };
        volumes.insert(&*volume.name, Volume { path, claimed });
    }
    volumes
}

fn way(place: &Place<'_>, mount: &Mount, number: usize, path: &str, found: &Found) -> Draft {
    let kind = found.kind;
    let name = &place.container.name;
    let how = if mount.read_only { "reads" } else { "writes" };
    let says: Text = format!("container {name} {how} {path} of the node").into();
    let reason = format!("{says}: {}", found.what);
    let pointer = place.pointer(&format!("/volumeMounts/{number}"));
    let volume = &mount.volume;
    let mut needs = vec![Need {
        pointer: Text::clone(&pointer),
        says: Text::clone(&says),
        change: Some(format!("unmount volume {volume} from container {name}").into()),
    }];
    if found.written {
        let field = if mount.read_only {
            "recursiveReadOnly: Enabled"
        } else {
            "readOnly: true"
        };
        needs.push(Need {
            pointer,
            says: Text::clone(&says),
            change: Some(format!("set {field} on volume {volume} in container {name}").into()),
        });
    }
    let barrier =
        if kind.name == EXPLOIT_CONTAINERD_SOCK.name || kind.name == CE_UMH_CORE_PATTERN.name {
            Barrier::Sandbox
        } else {
            Barrier::Files
        };
    let p = place
        .by_user(kind.root, kind.other)
        .times(Estimate::exact(found.share));
    let mut draft = place.draft(kind, barrier, p, reason, needs);
    if kind.name == CE_CONTROL_PLANE_PKI.name {
        draft.condition = Condition::ControlPlane { meant: found.meant };
    } else if kind.name == CE_VAR_LOG_SYMLINK.name {
        draft.condition = Condition::ReadsLogs;
    }
    draft
}
