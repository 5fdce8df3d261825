//! Which images a cluster runs and who has not been asked of them yet. Comes in: a Snapshot, its workloads, what reports
//! say. Goes out: one order for each digest that runs and each platform that it runs on, with the names of the pull
//! secrets of its pods. Never: a Secret's value; an image of a suspended workload or of history.

use super::fleet::{Fetching, Order, PullSecret, Scanned, SecretName, Way, fetch};
use super::refused::{self, Secrets};
use super::{PullError, RegistryOptions};
use crate::join::{image_scope, join};
use image::Platform;
use image::registry::Client;
use model::evidence::{Gap, GapWeight, Ledger, Stage};
use model::image::{ImageReference, is_digest};
use model::matches::MatchSet;
use model::snapshot::{Object, Snapshot};
use model::text::Text;
use model::workload::{Container, ContainerIndex, WorkloadState};
use semantics::declare::Declarations;
use semantics::view::{Inventory, Node, Pod, WorkloadView};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

/// Which of a cluster's images are scanned here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// Those that no report is of by digest.
    Missing,
    All,
}

/// Reads pull secrets by their names.
pub type Reader<'a> = dyn Fn(&BTreeSet<SecretName>) -> (Vec<PullSecret>, Vec<Gap>) + 'a;

/// What is known of a cluster before its images are read.
pub struct Known<'a> {
    pub snapshot: &'a Snapshot,
    pub declarations: &'a Declarations,
    pub sets: &'a [MatchSet],
}

/// What of a cluster is read here.
pub struct Wanted<'a> {
    pub which: Which,
    /// Of images for which no node says it.
    pub platform: Option<Platform>,
    /// Where somebody opted in.
    pub secrets: Option<&'a Reader<'a>>,
    /// Whether there is a cluster that could be asked for them.
    pub live: bool,
}

/// Reads the images that a cluster runs.
///
/// # Errors
/// Of [`PullError`], where no client can be made of the options.
pub fn scan(
    known: &Known<'_>,
    wanted: &Wanted<'_>,
    options: &RegistryOptions,
    fetching: &Fetching<'_>,
) -> Result<Scanned, PullError> {
    let client = Client::new(options)?;
    let inventory =
        semantics::inventory(known.snapshot, known.declarations, &mut Ledger::default());
    let (orders, mut gaps) = orders(known.snapshot, &inventory, known.sets, wanted);
    drop(inventory);
    let names: BTreeSet<SecretName> = orders
        .iter()
        .flat_map(|order| order.secrets.iter().cloned())
        .collect();
    let (secrets, used) = match wanted.secrets {
        Some(reader) => {
            (fetching.progress)("reading pull secrets");
            let (secrets, more) = reader(&names);
            gaps.extend(more);
            (secrets, Secrets::Used)
        }
        None if wanted.live => (Vec::new(), Secrets::Unused),
        None => (Vec::new(), Secrets::None),
    };
    let fleet = fetch(
        orders,
        &Way {
            client: &client,
            secrets: &secrets,
            fetching,
        },
    );
    gaps.extend(refused::gaps(&fleet.refused, used));
    Ok(Scanned {
        inventories: fleet.inventories,
        gaps,
        spoken_of: refused::scopes(&fleet.refused).collect(),
    })
}

/// The images of active workloads.
fn orders(
    snapshot: &Snapshot,
    inventory: &Inventory,
    sets: &[MatchSet],
    asked: &Wanted<'_>,
) -> (Vec<Order>, Vec<Gap>) {
    let fleet = Cluster {
        snapshot,
        inventory,
        nodes: inventory
            .nodes
            .iter()
            .map(|node| (&*node.name, node))
            .collect(),
        platform: asked.platform.as_ref(),
    };
    let mut orders: BTreeMap<(Text, Option<Platform>), Order> = BTreeMap::new();
    for (at, digest) in open(inventory, sets, asked.which) {
        let view = inventory.workloads.get(at.workload as usize);
        let Some(view) = view.filter(|view| view.workload.state == WorkloadState::Active) else {
            continue;
        };
        let container = view.workload.containers.get(at.container as usize);
        let Some((container, reference)) =
            container.and_then(|container| Some((container, container.reference.as_ref()?)))
        else {
            continue;
        };
        for platform in fleet.platforms(view, container, digest.as_deref()) {
            let order = fleet.order(view, container, reference, digest.as_ref(), platform);
            let id = match &order.runs {
                Some(digest) => Text::clone(digest),
                None => reference.to_string().into(),
            };
            match orders.get_mut(&(Text::clone(&id), order.platform.clone())) {
                Some(known) => unite(known, order),
                None => {
                    orders.insert((id, order.platform.clone()), order);
                }
            }
        }
    }
    let assumed = orders.keys().filter(|(_, platform)| platform.is_none());
    let gaps = assumed_platform(assumed.count()).into_iter().collect();
    (orders.into_values().collect(), gaps)
}

/// Containers, and the digest that is asked for; `None`: the image as it is declared.
fn open(
    inventory: &Inventory,
    sets: &[MatchSet],
    which: Which,
) -> Vec<(ContainerIndex, Option<Text>)> {
    if which == Which::Missing && !sets.is_empty() {
        let open = join(sets, Some(inventory)).open;
        return open
            .into_iter()
            .map(|open| (open.at, open.digest))
            .collect();
    }
    let mut all = Vec::new();
    for (workload, view) in (0u32..).zip(&inventory.workloads) {
        for (container, declared) in (0u32..).zip(&view.workload.containers) {
            let at = ContainerIndex {
                workload,
                container,
            };
            let running = declared.running.iter().filter(|digest| is_digest(digest));
            let before = all.len();
            all.extend(running.map(|digest| (at, Some(Text::clone(digest)))));
            if all.len() == before {
                all.push((at, None));
            }
        }
    }
    all
}

/// The same image, wanted by another container.
fn unite(known: &mut Order, other: Order) {
    fn add<T: PartialEq>(into: &mut Vec<T>, from: Vec<T>) {
        for one in from {
            if !into.contains(&one) {
                into.push(one);
            }
        }
    }
    add(&mut known.places, other.places);
    add(&mut known.names, other.names);
    add(&mut known.scopes, other.scopes);
    known.secrets.extend(other.secrets);
}

struct Cluster<'a> {
    snapshot: &'a Snapshot,
    inventory: &'a Inventory,
    nodes: BTreeMap<&'a str, &'a Node>,
    platform: Option<&'a Platform>,
}

impl Cluster<'_> {
    fn pods(&self, view: &WorkloadView) -> impl Iterator<Item = &Pod> {
        let pods = view.pods.iter();
        pods.filter_map(|pod| self.inventory.pods.get(*pod as usize))
    }

    /// Of the nodes whose pods run it; where nobody says it, of all nodes if they are of one kind.
    fn platforms(
        &self,
        view: &WorkloadView,
        container: &Container,
        digest: Option<&str>,
    ) -> Vec<Option<Platform>> {
        let runs = |pod: &&Pod| {
            digest.is_none_or(|digest| {
                let mut own = pod
                    .running
                    .iter()
                    .filter(|(name, ..)| *name == container.name);
                own.any(|(_, _, id)| id.to_ascii_lowercase().ends_with(hexadecimal(digest)))
            })
        };
        let of = |node: &&Node| platform_of(node);
        let on = self
            .pods(view)
            .filter(runs)
            .filter_map(|pod| pod.node.as_deref());
        let on: BTreeSet<Platform> = on
            .filter_map(|name| self.nodes.get(name).copied())
            .filter_map(|node| of(&node))
            .collect();
        if !on.is_empty() {
            return on.into_iter().map(Some).collect();
        }
        let all: BTreeSet<Platform> = self.inventory.nodes.iter().filter_map(|n| of(&n)).collect();
        match (self.platform, all.len()) {
            (Some(asked), _) => vec![Some(asked.clone())],
            (None, 1) => all.into_iter().map(Some).collect(),
            (None, _) => vec![None],
        }
    }

    fn order(
        &self,
        view: &WorkloadView,
        container: &Container,
        reference: &ImageReference,
        digest: Option<&Text>,
        platform: Option<Platform>,
    ) -> Order {
        let at = |reference: &ImageReference, digest: &Text| ImageReference {
            tag: None,
            digest: Some(Text::clone(digest)),
            ..reference.clone()
        };
        let mut places = Vec::new();
        if let Some(digest) = digest {
            places.push(at(reference, digest));
            // The kubelet may know it from another repository.
            for id in self.pods(view).flat_map(|pod| &pod.running) {
                let other = ImageReference::parse(&id.2);
                let same = id.0 == container.name && id.2.ends_with(hexadecimal(digest));
                places.extend(other.filter(|_| same).map(|other| at(&other, digest)));
            }
        }
        // Registries do not know an image by the digest of its configuration, which is what some kubelets tell.
        places.push(reference.clone());
        let mut seen = BTreeSet::new();
        places.retain(|place| seen.insert(place.clone()));
        let bare = ImageReference {
            digest: reference.digest.clone().filter(|_| reference.tag.is_none()),
            ..reference.clone()
        };
        let name = ImageReference {
            digest: digest.cloned().or_else(|| reference.digest.clone()),
            ..reference.clone()
        };
        Order {
            name: bare.to_string().into(),
            places,
            runs: digest.cloned(),
            names: vec![name],
            platform,
            scopes: vec![image_scope(container)],
            secrets: self.secrets(view),
        }
    }

    /// What the pods of a workload pull with: their own list, which admission took from their service account (Kubernetes,
    /// `plugin/pkg/admission/serviceaccount`); before there is a pod, the template's, else the account's.
    fn secrets(&self, view: &WorkloadView) -> BTreeSet<SecretName> {
        let object = |at: u32| self.snapshot.objects.get(at as usize);
        let pod = self.pods(view).next().and_then(|pod| object(pod.object));
        let spec = match (pod, view.object.and_then(object)) {
            (Some(pod), _) => pulls(pod, "/spec"),
            (None, Some(root)) => pulls(root, &view.spec_pointer),
            (None, None) => None,
        };
        let namespace = &view.workload.key.namespace;
        let spec = spec.unwrap_or_default();
        let mut names = spec.secrets;
        if names.is_empty() && pod.is_none() {
            let account = spec.account.as_deref().unwrap_or("default");
            let account = self
                .snapshot
                .find("", "ServiceAccount", Some(namespace), account);
            names = account
                .and_then(|object| pulls(object, ""))
                .unwrap_or_default()
                .secrets;
        }
        let named = names.into_iter().filter_map(|one| one.name);
        named
            .map(|name| SecretName {
                namespace: Text::clone(namespace),
                name: name.into(),
            })
            .collect()
    }
}

#[derive(Default, Deserialize)]
struct Pulls {
    #[serde(default, rename = "imagePullSecrets")]
    secrets: Vec<Named>,
    #[serde(default, rename = "serviceAccountName")]
    account: Option<String>,
}

#[derive(Deserialize)]
struct Named {
    #[serde(default)]
    name: Option<String>,
}

fn pulls(object: &Object, pointer: &str) -> Option<Pulls> {
    let value: serde_json::Value = serde_json::from_slice(&object.json).ok()?;
    Pulls::deserialize(value.pointer(pointer)?).ok()
}

fn hexadecimal(digest: &str) -> &str {
    digest.rsplit(':').next().unwrap_or(digest)
}

fn platform_of(node: &Node) -> Option<Platform> {
    let architecture = node.architecture.as_deref()?;
    let os = node.os.as_deref().unwrap_or("linux");
    Platform::parse(&format!("{os}/{architecture}"))
}

fn assumed_platform(images: usize) -> Option<Gap> {
    (images > 0).then(|| Gap {
        class: "platform-assumed".into(),
        what: format!(
            "no node says for which platform {} read: they are of {}, or of the first that is there",
            if images == 1 { "1 image was" } else { "images were" },
            Platform::of_this_machine()
        )
        .into(),
        stage: Stage::Catalog,
        scope: "images".into(),
        weight: GapWeight::Widens,
        close: "--platform OS/ARCH, or scan the live cluster with the right to list nodes".into(),
    })
}
