//! What rules over several objects are asked of, and where every rule's answer goes.
//! Comes in: a Snapshot, its Inventory, what other stages know. Goes out: findings, and how much was looked at.
//! Never: I/O, a clock.

use crate::rule::Rule;
use model::evidence::{Gap, GapWeight, Stage};
use model::host::Host;
use model::object::ObjectRef;
use model::snapshot::{Object, Origin, Snapshot};
use model::text::Text;
use semantics::json::{Json, Node, Places};
use semantics::view::Inventory;

/// The whole that cross-object rules see.
#[derive(Clone, Copy)]
pub struct World<'a> {
    pub snapshot: &'a Snapshot,
    pub inventory: &'a Inventory,
    pub beside: &'a Beside,
}

impl<'a> World<'a> {
    /// Index of an object in the Snapshot; the first of duplicates.
    pub fn at(&self, wanted: &ObjectRef) -> Option<u32> {
        let wanted = (
            &*wanted.group,
            &*wanted.kind,
            wanted.namespace.as_deref(),
            &*wanted.name,
        );
        let objects: &'a [Object] = &self.snapshot.objects;
        let at = objects.partition_point(|object| key(object) < wanted);
        let there = objects.get(at).is_some_and(|object| key(object) == wanted);
        there.then(|| u32::try_from(at).ok()).flatten()
    }

    /// All objects of a kind, each parsed; bytes that are no JSON are told by the Inventory.
    pub fn each(&self, group: &str, kind: &str, mut ask: impl FnMut(&'a Object, Node<'_>)) {
        for object in self.snapshot.of_kind(group, kind) {
            read(object, |root| ask(object, root));
        }
    }
}

/// The order of a Snapshot's objects.
fn key(object: &Object) -> (&str, &str, Option<&str>, &str) {
    (
        &object.gvk.group,
        &object.gvk.kind,
        object.namespace.as_deref(),
        &object.name,
    )
}

/// Parses one object and reads it.
pub fn read<T>(object: &Object, ask: impl FnOnce(Node<'_>) -> T) -> Option<T> {
    let tree = Json::parse(&object.json).ok()?;
    let places = Places::default();
    Some(ask(Node::new(&tree, &places)))
}

/// What stages beside `semantics` found out, as plain data.
#[derive(Clone, Debug, Default)]
pub struct Beside {
    /// `--now`; ages are unknown without it.
    pub now: Option<jiff::Timestamp>,
    /// Nodes that were seen from inside.
    pub hosts: Vec<Host>,
    /// Images that run and were looked into.
    pub images: Vec<LookedInto>,
}

/// An image that was looked into.
#[derive(Clone, Debug)]
pub struct LookedInto {
    /// As a container names it.
    pub image: Text,
    /// What somebody who runs a command in it finds: `bash 5.2`.
    pub shell: Option<Text>,
}

/// One violation, of a row or of a rule that is none (`policy::user`).
#[derive(Clone, Debug)]
pub struct Found<R = &'static Rule> {
    pub rule: R,
    pub object: ObjectRef,
    /// Index into the Snapshot's objects, of what is one.
    pub at: Option<u32>,
    pub container: Option<Text>,
    /// JSON pointer (RFC 6901) into the object; empty where no field is to blame.
    pub pointer: String,
    /// What is there, one sentence without a full stop: `/spec/hostPID is true`.
    pub says: String,
    /// About an object that the provider brings and nobody changed: counted apart, nobody needs to act (rule 17).
    pub provider: bool,
}

/// How one rule was answered. No finding is a pass only where something was looked at (rule 4).
#[derive(Clone, Debug)]
pub struct Answer<R = &'static Rule> {
    pub rule: R,
    /// Subjects that were judged.
    pub looked: u64,
    pub found: u64,
    /// What was not seen and could hide a finding.
    pub unknown: Vec<Gap>,
}

impl<R> Answer<R> {
    pub(crate) fn new(rule: R) -> Self {
        Answer {
            rule,
            looked: 0,
            found: 0,
            unknown: Vec::new(),
        }
    }
}

/// More findings of one rule and object are counted in the last one.
const MOST_PLACES: usize = 32;

/// Where a rule puts its answer.
pub struct Sink<'a, R = &'static Rule> {
    answer: &'a mut Answer<R>,
    found: &'a mut Vec<Found<R>>,
    /// Findings of this rule about the object that was named last.
    of_object: usize,
    first: usize,
}

impl<'a, R: Clone> Sink<'a, R> {
    pub(crate) fn new(answer: &'a mut Answer<R>, found: &'a mut Vec<Found<R>>) -> Self {
        let first = found.len();
        Sink {
            answer,
            found,
            of_object: 0,
            first,
        }
    }

    pub(crate) fn rule(&self) -> &R {
        &self.answer.rule
    }

    /// So many subjects were judged, violated or not.
    pub fn looked(&mut self, subjects: usize) {
        self.answer.looked += subjects as u64;
    }

    /// A violation. Call it in the order of objects.
    pub fn found(
        &mut self,
        object: &ObjectRef,
        at: Option<u32>,
        container: Option<&str>,
        pointer: String,
        says: String,
    ) {
        self.answer.found += 1;
        let own = self.found.get(self.first..).and_then(<[_]>::last);
        let same = own.is_some_and(|last| last.object == *object);
        self.of_object = if same { self.of_object + 1 } else { 1 };
        if self.of_object > MOST_PLACES {
            return;
        }
        self.found.push(Found {
            rule: self.answer.rule.clone(),
            object: object.clone(),
            at,
            container: container.map(Into::into),
            pointer,
            says,
            provider: false,
        });
    }

    /// A violation of an object of the Snapshot by its index.
    pub fn object(
        &mut self,
        world: &World<'_>,
        at: u32,
        pointer: impl Into<String>,
        says: impl Into<String>,
    ) {
        if let Some(object) = world.snapshot.objects.get(at as usize) {
            self.found(
                &object.reference(),
                Some(at),
                None,
                pointer.into(),
                says.into(),
            );
        }
    }

    /// A violation of an object, whether it is in the Snapshot or only named there.
    pub fn about(
        &mut self,
        world: &World<'_>,
        object: &ObjectRef,
        pointer: impl Into<String>,
        says: impl Into<String>,
    ) {
        self.found(object, world.at(object), None, pointer.into(), says.into());
    }

    /// Whether all objects of a kind of Kubernetes itself were seen; where not, that is said.
    pub fn saw(&mut self, world: &World<'_>, group: &str, kind: &str) -> bool {
        let all = world.snapshot.saw_all(group, kind);
        self.unless(all, kind)
    }

    /// The same of a custom kind, which a cluster need not have: only a list that was refused or broke off hides some.
    pub fn saw_custom(&mut self, world: &World<'_>, group: &str, kind: &str) -> bool {
        let all = world.snapshot.origin == Origin::Files
            || !world
                .snapshot
                .listed
                .iter()
                .any(|l| &*l.group == group && &*l.kind == kind && !l.complete);
        self.unless(all, kind)
    }

    fn unless(&mut self, all: bool, kind: &str) -> bool {
        if !all {
            self.unknown(Gap {
                class: "kinds-not-listed".into(),
                what: format!("not listed completely: {kind}").into(),
                stage: Stage::Relate,
                scope: "cluster".into(),
                weight: GapWeight::Hides,
                close: "allow get and list on this kind".into(),
            });
        }
        all
    }

    /// Something that could hide a violation was not seen.
    pub fn unknown(&mut self, gap: Gap) {
        if !self.answer.unknown.contains(&gap) {
            self.answer.unknown.push(gap);
        }
    }
}
