//! The same question for whole objects: pods, controllers, whatever carries a pod template.
//! Comes in: objects of a Snapshot. Goes out: violations with pointers into the object. Never: a look into controllers' pods
//! whose controller is in the Snapshot too, so that nothing is told twice.

use super::{Judged, Level, Version, violations};
use crate::json::{Json, Node, Places};
use crate::templates::{may_carry, written};
use model::snapshot::{Object, Snapshot};
use rustc_hash::FxHashSet;

/// An object that has pod templates.
#[derive(Clone, Debug)]
pub struct ObjectJudged {
    /// Index into the Snapshot's objects.
    pub object: usize,
    pub judged: Judged,
}

/// Evaluates the pod templates of an object. `None` where it has none, or is no JSON.
pub fn evaluate_object(object: &Object, level: Level, version: Version) -> Option<Judged> {
    if !may_carry(&object.gvk) {
        return None;
    }
    let tree = Json::parse(&object.json).ok()?;
    let places = Places::default();
    judge(object, Node::new(&tree, &places), level, version).map(|violations| Judged {
        violations,
        malformed: tree.pointers(&places),
    })
}

fn judge(
    object: &Object,
    root: Node<'_>,
    level: Level,
    version: Version,
) -> Option<Vec<super::Violation>> {
    let templates = written(&object.gvk, root);
    if templates.is_empty() {
        return None;
    }
    let mut all: Vec<super::Violation> = Vec::new();
    for (pointer, template) in &templates {
        for one in violations(*template, pointer, level, version) {
            match all.iter_mut().find(|known| known.control == one.control) {
                Some(known) => {
                    known.fields.extend(one.fields);
                    known.more += one.more;
                }
                None => all.push(one),
            }
        }
    }
    all.sort_by_key(|one| (one.control.level, one.control.id));
    Some(all)
}

/// Evaluates all objects that are not owned by another one of the Snapshot, in its order.
pub fn evaluate_snapshot(snapshot: &Snapshot, level: Level, version: Version) -> Vec<ObjectJudged> {
    let known: FxHashSet<(&str, Option<&str>, &str)> = snapshot
        .objects
        .iter()
        .filter(|object| may_carry(&object.gvk))
        .map(|o| (&*o.gvk.kind, o.namespace.as_deref(), &*o.name))
        .collect();
    let judged = |(index, object): (usize, &Object)| {
        if !may_carry(&object.gvk) {
            return None;
        }
        let tree = Json::parse(&object.json).ok()?;
        let places = Places::default();
        let root = Node::new(&tree, &places);
        let owned = root.get("metadata").list("ownerReferences").any(|owner| {
            let (Some(kind), Some(name)) = (owner.text("kind"), owner.text("name")) else {
                return false;
            };
            owner.flag("controller") == Some(true)
                && known.contains(&(kind, object.namespace.as_deref(), name))
        });
        if owned {
            return None;
        }
        let violations = judge(object, root, level, version)?;
        let malformed = tree.pointers(&places);
        Some(ObjectJudged {
            object: index,
            judged: Judged {
                violations,
                malformed,
            },
        })
    };
    let objects = snapshot.objects.iter().enumerate();
    objects.filter_map(judged).collect()
}
