//! Climbs from an object to the root owner that names its workload.
//! Comes in: owner references, the objects that were seen. Goes out: a `Root`. Never: an endless climb.
//!
//! A pod, ReplicaSet or Job belongs to its controller whatever that is, seen or only named. A controller that lasts
//! (Deployment, StatefulSet ...) is itself the root, unless a kind with a pod template owns it: two Deployments of
//! one custom resource are two workloads, and the custom resource is the operator's source of both (rule 14).

use crate::json::Node;
use crate::lens::Lens;
use crate::templates::{Carrier, carries};
use model::object::ObjectRef;
use model::snapshot::{Object, Snapshot};
use model::text::Text;
use rustc_hash::FxHashMap;
use std::cmp::Ordering;

/// Longer chains do not exist; a hostile one ends here.
const LONGEST: usize = 16;

/// `metadata.ownerReferences` with `controller: true`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OwnerRef {
    pub group: Text,
    pub kind: Text,
    pub name: Text,
    pub uid: Option<Text>,
}

impl OwnerRef {
    /// The controller; a Node, which owns its mirror pods, is none.
    pub(crate) fn read(lens: &mut Lens, metadata: Node<'_>) -> Option<Self> {
        let owner = metadata
            .list("ownerReferences")
            .find(|owner| owner.flag("controller") == Some(true))?;
        // Of an owner that says no kind, which no server accepts, its name still tells which pods belong together.
        let kind = owner.word("kind").unwrap_or("Pod");
        let version = owner.text("apiVersion").unwrap_or("");
        let group = version.split_once('/').map_or("", |(group, _)| group);
        if kind == "Node" && group.is_empty() {
            return None;
        }
        Some(OwnerRef {
            group: lens.word(group),
            kind: lens.word(kind),
            name: lens.word(owner.word("name")?),
            uid: lens.option(owner.word("uid")),
        })
    }
}

/// The object that names a workload.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Root {
    /// Index into the Snapshot's objects.
    Seen(u32),
    /// Named by an owner reference only.
    Named(ObjectRef),
}

/// Where the climb ended.
#[derive(Debug)]
pub(crate) struct Climb {
    pub root: Root,
    /// The custom resource above the root that manages it.
    pub operator: Option<ObjectRef>,
    pub cyclic: bool,
}

pub(crate) struct Owners<'s> {
    snapshot: &'s Snapshot,
    by_uid: FxHashMap<&'s str, u32>,
}

impl<'s> Owners<'s> {
    pub(crate) fn new(snapshot: &'s Snapshot) -> Self {
        let by_uid = (0u32..)
            .zip(&snapshot.objects)
            .filter_map(|(index, object)| Some((object.uid.as_deref()?, index)))
            .collect();
        Owners { snapshot, by_uid }
    }

    pub(crate) fn snapshot(&self) -> &'s Snapshot {
        self.snapshot
    }

    pub(crate) fn object(&self, index: u32) -> Option<&'s Object> {
        self.snapshot.objects.get(index as usize)
    }

    /// Index of the owner of an object in `namespace`, where it was seen: by uid if kind and name agree, else by name.
    /// Owners are in the same namespace or cluster-scoped (API server's garbage collector).
    pub(crate) fn find(&self, owner: &OwnerRef, namespace: Option<&str>) -> Option<u32> {
        let by_uid = owner
            .uid
            .as_deref()
            .and_then(|uid| self.by_uid.get(uid).copied());
        by_uid
            .filter(|index| {
                self.object(*index).is_some_and(|object| {
                    object.name == owner.name
                        && object.gvk.kind == owner.kind
                        && (object.namespace.is_none() || object.namespace.as_deref() == namespace)
                })
            })
            .or_else(|| {
                position(
                    self.snapshot,
                    &owner.group,
                    &owner.kind,
                    namespace,
                    &owner.name,
                )
            })
            .or_else(|| position(self.snapshot, &owner.group, &owner.kind, None, &owner.name))
    }

    /// Follows `owner` of an object in `namespace` to the root.
    pub(crate) fn climb_from(
        &self,
        owner: &OwnerRef,
        namespace: Option<&str>,
        carriers: &Carriers,
    ) -> Climb {
        match self.find(owner, namespace) {
            Some(index) => self.climb(index, carriers),
            None => Climb {
                root: Root::Named(named(owner, namespace)),
                operator: None,
                cyclic: false,
            },
        }
    }

    /// The root above the object `start`, which may be itself.
    pub(crate) fn climb(&self, start: u32, carriers: &Carriers) -> Climb {
        let ended = |root| Climb {
            root,
            operator: None,
            cyclic: false,
        };
        let mut path = vec![start];
        let mut current = start;
        loop {
            let (Some(object), Some(carrier)) = (self.object(current), carriers.of(current)) else {
                return ended(Root::Seen(current));
            };
            let Some(owner) = &carrier.owner else {
                return ended(Root::Seen(current));
            };
            let namespace = object.namespace.as_deref();
            if lasts(object) && !carries(&owner.group, &owner.kind) {
                return Climb {
                    root: Root::Seen(current),
                    operator: Some(named(owner, namespace)),
                    cyclic: false,
                };
            }
            let Some(next) = self.find(owner, namespace) else {
                return ended(Root::Named(named(owner, namespace)));
            };
            if let Some(at) = path.iter().position(|index| *index == next) {
                let cycle = path.get(at..).unwrap_or(&[]);
                return Climb {
                    root: Root::Seen(cycle.iter().copied().min().unwrap_or(next)),
                    operator: None,
                    cyclic: true,
                };
            }
            if path.len() >= LONGEST {
                return ended(Root::Seen(next));
            }
            path.push(next);
            current = next;
        }
    }
}

/// Carriers by the object that they were read from.
#[derive(Debug, Default)]
pub(crate) struct Carriers {
    pub all: Vec<Carrier>,
    by_object: FxHashMap<u32, usize>,
}

impl Carriers {
    pub(crate) fn push(&mut self, carrier: Carrier) {
        self.by_object.insert(carrier.object, self.all.len());
        self.all.push(carrier);
    }

    pub(crate) fn of(&self, object: u32) -> Option<&Carrier> {
        self.all.get(*self.by_object.get(&object)?)
    }
}

/// Controllers whose name stays over rollouts and runs.
pub(crate) fn lasts(object: &Object) -> bool {
    matches!(
        (&*object.gvk.group, &*object.gvk.kind),
        (
            "apps" | "extensions",
            "Deployment" | "StatefulSet" | "DaemonSet"
        ) | ("batch", "CronJob")
            | ("", "ReplicationController")
            | ("argoproj.io", "Rollout")
            | ("apps.openshift.io", "DeploymentConfig")
    )
}

fn named(owner: &OwnerRef, namespace: Option<&str>) -> ObjectRef {
    ObjectRef {
        kind: Text::clone(&owner.kind),
        namespace: namespace.map(Text::from),
        name: Text::clone(&owner.name),
        group: Text::clone(&owner.group),
    }
}

/// Index of an object by name; relies on the order of the Snapshot.
pub(crate) fn position(
    snapshot: &Snapshot,
    group: &str,
    kind: &str,
    namespace: Option<&str>,
    name: &str,
) -> Option<u32> {
    let order = |object: &Object| -> Ordering {
        (*object.gvk.group)
            .cmp(group)
            .then_with(|| (*object.gvk.kind).cmp(kind))
            .then_with(|| object.namespace.as_deref().cmp(&namespace))
            .then_with(|| (*object.name).cmp(name))
    };
    let at = snapshot.objects.partition_point(|o| order(o).is_lt());
    snapshot
        .objects
        .get(at)
        .filter(|object| order(object).is_eq())?;
    u32::try_from(at).ok()
}
