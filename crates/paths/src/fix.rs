//! What can be changed to remove arcs, and what it costs.
//! Comes in: objects of the inventory and what to do with them. Goes out: numbered changes, equal ones once.
//! Never: a change of what belongs to the cluster itself (rule 15).

use model::graph::Change;
use model::object::ObjectRef;
use model::text::Text;
use rustc_hash::FxHashMap;
use semantics::authorizer::Authorizer;
use semantics::view::Inventory;

pub(crate) type FixId = u32;
/// No change removes it.
pub(crate) const NONE: FixId = u32::MAX;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Fix {
    /// Delete a binding, or bind less.
    Binding(u32),
    /// Enforce Pod Security on a namespace.
    Enforce(u32),
    /// Something else about a workload.
    Workload(u32, Text),
    /// Close what an object opens.
    Object(ObjectRef, &'static str),
    /// (image, upgrade).
    Upgrade(ObjectRef, Text),
}

/// Ordered from what costs the users least: only a tie-break, fewer changes come first. Upgrades hold until the next
/// vulnerability (rule 15).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Price {
    Hardening = 0,
    Token = 1,
    Binding = 2,
    Exposure = 4,
    Upgrade = 8,
}

#[derive(Default)]
pub(crate) struct Fixes {
    all: Vec<Fix>,
    known: FxHashMap<Fix, FixId>,
}

impl Fixes {
    pub(crate) fn id(&mut self, fix: Fix) -> FixId {
        if let Some(id) = self.known.get(&fix) {
            return *id;
        }
        let id = crate::graph::count(self.all.len());
        self.all.push(fix.clone());
        self.known.insert(fix, id);
        id
    }

    pub(crate) fn get(&self, id: FixId) -> Option<&Fix> {
        self.all.get(id as usize)
    }

    pub(crate) fn all(&self) -> &[Fix] {
        &self.all
    }
}

pub(crate) const NO_TOKEN: &str = "set automountServiceAccountToken: false";

impl Fix {
    /// Beside its kind, the price is how many use it: subjects of a binding.
    pub(crate) fn price(&self, authorizer: &Authorizer) -> u32 {
        let price = match self {
            Fix::Binding(binding) => {
                let binding = authorizer.bindings.get(*binding as usize);
                let more = binding.map_or(0, |b| b.subjects.len().saturating_sub(1).min(9));
                return Price::Binding as u32 * 10 + crate::graph::count(more);
            }
            Fix::Enforce(_) => Price::Binding,
            Fix::Workload(_, what) if &**what == NO_TOKEN => Price::Token,
            Fix::Workload(..) => Price::Hardening,
            Fix::Object(..) => Price::Exposure,
            Fix::Upgrade(..) => Price::Upgrade,
        };
        price as u32 * 10
    }

    pub(crate) fn change(&self, inventory: &Inventory, authorizer: &Authorizer) -> Option<Change> {
        let (object, what) = match self {
            Fix::Binding(binding) => {
                let binding = authorizer.bindings.get(*binding as usize)?;
                let what = format!(
                    "delete it, or bind a smaller role than {}",
                    binding.role.name
                );
                (binding.object.clone(), what.into())
            }
            Fix::Enforce(namespace) => {
                let name = &inventory.namespaces.get(*namespace as usize)?.name;
                (
                    ObjectRef::new("", "Namespace", None, name),
                    "label it pod-security.kubernetes.io/enforce: baseline".into(),
                )
            }
            Fix::Workload(workload, what) => {
                let view = inventory.workloads.get(*workload as usize)?;
                (view.workload.object.clone(), Text::clone(what))
            }
            Fix::Object(object, what) => (object.clone(), Text::from(*what)),
            Fix::Upgrade(object, what) => (object.clone(), Text::clone(what)),
        };
        Some(Change {
            object,
            what,
            structural: !matches!(self, Fix::Upgrade(..)),
        })
    }
}
