//! What runs: pods beside the template of their workload, and the digests that the kubelets report (rule 10).
//! Comes in: a draft, its pods. Goes out: the draft with the containers that run. Never: a tag taken for a digest.

use crate::drafts::{Draft, pod_template};
use crate::lens::Lens;
use crate::owners::{OwnerRef, Owners};
use crate::view::{Pod, PodSpec};
use model::image::is_digest;
use model::text::Text;
use std::collections::BTreeSet;

/// A pod that exists, with what the joins below need of it.
pub(crate) struct Running {
    pub pod: Pod,
    pub owner: Option<OwnerRef>,
    /// (name, image) as its spec says, in the order of the pod spec's containers.
    pub images: Vec<(Text, Text)>,
}
/// Containers are those that run: what pods have beside the template is added (injected sidecars, the older side of a
/// rollout, debug containers), a declared image that none of them runs under its name is left out.
pub(crate) fn join_pods(
    lens: &mut Lens,
    owners: &Owners<'_>,
    draft: &mut Draft,
    running: &[Running],
) {
    let declared = draft.template.spec.containers.len();
    let mut used = vec![false; declared];
    for index in &draft.pods {
        let Some(run) = running.get(*index as usize) else {
            continue;
        };
        let mut spec_of_pod: Option<PodSpec> = None;
        for (position, (name, image)) in run.images.iter().enumerate() {
            if let Some(at) = container_at(&draft.template.spec, name, image) {
                if let Some(used) = used.get_mut(at) {
                    *used = true;
                }
                continue;
            }
            if spec_of_pod.is_none() {
                spec_of_pod = owners
                    .object(run.pod.object)
                    .and_then(|object| pod_template(lens, object))
                    .map(|template| template.spec);
            }
            if let Some(spec) = &spec_of_pod {
                add_container(&mut draft.template.spec, spec, position);
            }
        }
    }
    let containers = &draft.template.spec.containers;
    let replaced: Vec<bool> = containers
        .iter()
        .enumerate()
        .map(|(at, container)| {
            let added = containers.get(declared..).unwrap_or(&[]);
            used.get(at) == Some(&false) && added.iter().any(|other| other.name == container.name)
        })
        .collect();
    let mut at = 0;
    draft.template.spec.containers.retain(|_| {
        at += 1;
        replaced.get(at - 1) != Some(&true)
    });
    let spec = &draft.template.spec;
    let mut digests = vec![BTreeSet::new(); spec.containers.len()];
    for run in draft.pods.iter().filter_map(|at| running.get(*at as usize)) {
        for (name, _, id) in &run.pod.running {
            let image = run.images.iter().find(|(spec_name, _)| spec_name == name);
            let at = image.and_then(|(name, image)| container_at(spec, name, image));
            if let Some(set) = at.and_then(|at| digests.get_mut(at))
                && let Some(digest) = running_digest(id)
            {
                set.insert(lens.word(&digest));
            }
        }
    }
    draft.running = digests;
}

fn container_at(spec: &PodSpec, name: &Text, image: &Text) -> Option<usize> {
    spec.containers
        .iter()
        .position(|container| container.name == *name && container.image == *image)
}

fn add_container(spec: &mut PodSpec, of_pod: &PodSpec, position: usize) {
    let Some(mut container) = of_pod.containers.get(position).cloned() else {
        return;
    };
    container.pointer = spec
        .containers
        .iter()
        .find(|declared| declared.name == container.name)
        .map_or_else(|| "".into(), |declared| Text::clone(&declared.pointer));
    for volume in &of_pod.volumes {
        let mounted = container.mounts.iter().any(|m| m.volume == volume.name);
        if mounted && !spec.volumes.iter().any(|known| known == volume) {
            spec.volumes.push(volume.clone());
        }
    }
    spec.containers.push(container);
}

/// The digest in a kubelet's `imageID`: `docker-pullable://repo@sha256:..`, `repo@sha256:..`, `sha256:..`,
/// or bare hexadecimal digits (CRI-O).
fn running_digest(id: &str) -> Option<String> {
    let id = id.rsplit_once("://").map_or(id, |(_, rest)| rest);
    let digest = id.rsplit_once('@').map_or(id, |(_, digest)| digest);
    if is_digest(digest) {
        return Some(digest.to_ascii_lowercase());
    }
    let bare = digest.len() == 64 && digest.bytes().all(|byte| byte.is_ascii_hexdigit());
    bare.then(|| format!("sha256:{}", digest.to_ascii_lowercase()))
}
