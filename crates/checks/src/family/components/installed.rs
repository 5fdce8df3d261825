//! What runs in a cluster with a version of its own. Comes in: a World. Goes out: each version once, with where it was
//! seen. Never: a verdict.

use crate::family::rbac::ask::list;
use crate::world::World;
use model::image::ImageReference;
use model::object::ObjectRef;
use model::workload::WorkloadState;
use semantics::releases::{Release, Software};
use semantics::view::Node;

/// One version of one software.
#[derive(Debug)]
pub(super) struct Installed<'a> {
    pub(super) software: Software,
    /// As it is written there.
    pub(super) text: String,
    /// `None`: that is no version.
    pub(super) release: Option<Release>,
    /// The first place, by name.
    pub(super) object: ObjectRef,
    pub(super) pointer: String,
    /// Nodes that run it; none for what runs in pods.
    pub(super) nodes: Vec<&'a Node>,
    /// Where it runs, for people.
    pub(super) place: String,
    /// JSON of the object, of what runs in pods.
    pub(super) json: &'a [u8],
}

impl Installed<'_> {
    /// `kubelet v1.27.3 on a, b and 2 more`.
    pub(super) fn says(&self) -> String {
        format!("{} {} {}", self.software.name(), self.text, self.place)
    }
}

/// Each version of a software that was seen.
pub(super) fn installed<'a>(world: &World<'a>, software: Software) -> Vec<Installed<'a>> {
    match software {
        Software::ApiServer => api_server(world),
        Software::Kubelet | Software::Kernel => of_nodes(world, software, &|node| match software {
            Software::Kubelet => node.kubelet.as_deref(),
            _ if node.os.as_deref() == Some("windows") => None,
            _ => node.kernel.as_deref(),
        }),
        Software::Containerd | Software::Crio | Software::Docker => {
            of_nodes(world, software, &|node| {
                let (found, text) = Software::of_runtime(node.runtime.as_deref()?)?;
                (found == software).then_some(text)
            })
        }
        Software::IngressNginx | Software::NvidiaToolkit => of_images(world, software),
    }
}

/// The server tells its version itself; else its image does.
fn api_server<'a>(world: &World<'a>) -> Vec<Installed<'a>> {
    let Some(text) = world.snapshot.server_version.as_deref() else {
        return of_images(world, Software::ApiServer);
    };
    vec![Installed {
        software: Software::ApiServer,
        text: text.to_owned(),
        release: Release::read(Software::ApiServer, text),
        object: ObjectRef::new("", "Cluster", None, Software::ApiServer.name()),
        pointer: String::new(),
        nodes: Vec::new(),
        place: "answers".to_owned(),
        json: &[],
    }]
}

fn of_nodes<'a>(
    world: &World<'a>,
    software: Software,
    version: &dyn Fn(&'a Node) -> Option<&'a str>,
) -> Vec<Installed<'a>> {
    let mut all: Vec<(&str, Vec<&Node>)> = Vec::new();
    for node in &world.inventory.nodes {
        let Some(text) = version(node) else { continue };
        match all.iter_mut().find(|(known, _)| *known == text) {
            Some((_, nodes)) => nodes.push(node),
            None => all.push((text, vec![node])),
        }
    }
    let field = match software {
        Software::Kubelet => "kubeletVersion",
        Software::Kernel => "kernelVersion",
        _ => "containerRuntimeVersion",
    };
    let all = all.into_iter().map(|(text, nodes)| Installed {
        software,
        text: text.to_owned(),
        release: Release::read(software, text),
        object: ObjectRef::new(
            "",
            "Node",
            None,
            nodes.first().map_or("", |node| &node.name),
        ),
        pointer: format!("/status/nodeInfo/{field}"),
        place: format!(
            "on {}",
            list(&nodes.iter().map(|node| &*node.name).collect::<Vec<_>>())
        ),
        nodes,
        json: &[],
    });
    all.collect()
}

/// Containers of an image that upstream publishes, by its tag.
fn of_images<'a>(world: &World<'a>, software: Software) -> Vec<Installed<'a>> {
    let mut all = Vec::new();
    for view in &world.inventory.workloads {
        if view.workload.state == WorkloadState::History {
            continue;
        }
        let Some(template) = world.inventory.templates.get(view.template as usize) else {
            continue;
        };
        for container in &template.containers {
            let Some(reference) = ImageReference::parse(&container.image) else {
                continue;
            };
            if Software::of_image(&reference.repository) != Some(software) {
                continue;
            }
            let tag = reference.tag.as_deref().unwrap_or_default();
            let at = view
                .object
                .and_then(|at| world.snapshot.objects.get(at as usize));
            all.push(Installed {
                software,
                text: if tag.is_empty() { "without a tag" } else { tag }.to_owned(),
                release: Release::read(software, tag),
                object: view.workload.object.clone(),
                pointer: format!("{}{}/image", view.spec_pointer, container.pointer),
                nodes: Vec::new(),
                place: format!("runs in container {}", container.name),
                json: at.map_or(&[], |object| &object.json),
            });
        }
    }
    all
}
