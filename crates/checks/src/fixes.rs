//! A finding's exact change. Comes in: a world, the rules that were asked, findings. Goes out: a `Remedy`, tried: on a copy
//! of the object the findings are gone and no other rule finds more. Never: applies one, offers one that was not tried.
//!
//! ```text
//!   Found + Fix ──► places: which fields ──► change: operations, undo ──► the copy, asked again ──► Remedy │ Refused
//! ```

mod change;
mod live;
mod places;
mod valid;

pub use live::{Live, live};

use crate::rule::{Form, Rule};
use crate::run::{self, Said, Template, ask_object};
use crate::world::{Found, World};
use change::Draft;
use model::action::FixClass;
use model::remedy::Remedy;
use model::snapshot::{Object, Snapshot};
use model::text::Text;
use rustc_hash::FxHashMap;
use semantics::view::Inventory;
use serde_json::Value;
use std::cell::OnceCell;
use std::collections::BTreeMap;

/// Why no remedy is offered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("no exact change is right for every object: {0}")]
    NoFix(&'static str),
    /// Rule 11: control planes and nodes.
    #[error("the change is not one of an object")]
    NoObject,
    /// Rule 17: its fields are not the user's to change.
    #[error("the provider brings the object")]
    Provided,
    #[error("its owner was not seen, and would put the field back")]
    OwnerUnseen,
    #[error("findings of several objects")]
    SeveralObjects,
    /// The field that the rule would change was not found in the object.
    #[error("the field is not there to be changed")]
    NoPlace,
    #[error("two changes want different values for {0}")]
    Conflict(String),
    #[error("the API server or the kubelet would refuse the object: {0}")]
    Invalid(&'static str),
    #[error("{0} would still be found")]
    NotGone(&'static str),
    #[error("{0} would be found then")]
    New(&'static str),
    /// A rule over several objects, and nobody can build the world after the change.
    #[error("several objects decide, and the change was not tried")]
    NotTried,
}

/// Times that a change takes along what only shows after it.
const MOST_ROUNDS: usize = 4;

/// Reads a changed Snapshot as the first one was read.
pub type Rebuild<'w> = &'w dyn Fn(&Snapshot) -> Inventory;

/// Offers remedies in one world.
pub struct Fixes<'w> {
    world: World<'w>,
    rules: &'w [&'static Rule],
    rebuild: Option<Rebuild<'w>>,
    templates: FxHashMap<u32, Vec<Template<'w>>>,
    /// What rules over several objects say of the world as it is.
    shared: OnceCell<Said>,
}

impl<'w> Fixes<'w> {
    /// `rules` are those that were asked: no remedy makes one of them find more.
    pub fn new(world: World<'w>, rules: &'w [&'static Rule]) -> Self {
        let mut templates: FxHashMap<u32, Vec<Template<'w>>> = FxHashMap::default();
        for template in run::templates(&world) {
            templates.entry(template.at).or_default().push(template);
        }
        Fixes {
            world,
            rules,
            rebuild: None,
            templates,
            shared: OnceCell::new(),
        }
    }

    /// Offers remedies of rules over several objects too. Each costs one run over the changed world.
    #[must_use]
    pub fn rebuilt_by(self, rebuild: Rebuild<'w>) -> Self {
        Fixes {
            rebuild: Some(rebuild),
            ..self
        }
    }

    /// The remedy of one finding.
    pub fn offer(&self, found: &Found) -> Result<Remedy, Refused> {
        self.offer_all(&[found])
    }

    /// One remedy for several findings of one object: all are gone after it.
    pub fn offer_all(&self, found: &[&Found]) -> Result<Remedy, Refused> {
        let first = found.first().ok_or(Refused::NoObject)?;
        let at = first.at.ok_or(Refused::NoObject)?;
        if found.iter().any(|one| one.at != first.at) {
            return Err(Refused::SeveralObjects);
        }
        let object = self.world.snapshot.objects.get(at as usize);
        let object = object.ok_or(Refused::NoObject)?;
        let before: Value = serde_json::from_slice(&object.json).map_err(|_| Refused::NoObject)?;
        let mut steps = Vec::new();
        let mut class = None;
        for one in found {
            if matches!(one.rule.form, Form::Component(_) | Form::Probe(_)) {
                return Err(Refused::NoObject);
            }
            if one.provider {
                return Err(Refused::Provided);
            }
            if object.reference() != one.object {
                return Err(Refused::OwnerUnseen);
            }
            let spot = self.spot(one, at, &before)?;
            class = class.max(Some(places::steps(
                &one.rule.fix,
                &self.world,
                one,
                &spot,
                &before,
                &mut steps,
            )?));
        }
        let own = self.templates.get(&at).map_or(&[][..], Vec::as_slice);
        let mut draft = Draft::new(before);
        draft.take(steps)?;
        let mut changed = with(object, draft.value());
        let mut tried = self.try_alone(object, &changed, at, own, found, &draft);
        for _ in 0..MOST_ROUNDS {
            let Err(Refused::New(slug)) = tried else {
                break;
            };
            // A wall that stood for another: the change takes what shows behind it along.
            let followed = self.follow(slug, &changed, at, own, &mut draft);
            class = class.max(Some(followed.map_err(|_| Refused::New(slug))?));
            changed = with(object, draft.value());
            tried = self.try_alone(object, &changed, at, own, found, &draft);
        }
        tried?;
        // A pod that comes to the pod network is one that policies hold or do not.
        let joins = self.rebuild.is_some() && draft.touches("/hostNetwork");
        if joins || found.iter().any(|one| !is_alone(one.rule)) {
            self.try_in_world(changed, at, found)?;
        }
        let (operations, undo) = draft.finish();
        let reason = found.iter().max_by_key(|one| places::class(&one.rule.fix));
        Ok(Remedy {
            operations,
            class: class.flatten().ok_or(Refused::NoPlace)?,
            class_reason: reason.map_or("", |one| one.rule.advice).into(),
            undo,
        })
    }

    /// Adds the fix of what one rule finds in the changed object; gives its class.
    fn follow(
        &self,
        slug: &str,
        changed: &Object,
        at: u32,
        own: &[Template<'_>],
        draft: &mut Draft,
    ) -> Result<Option<FixClass>, Refused> {
        let rule = self.rules.iter().copied().find(|rule| rule.slug == slug);
        let rule = rule
            .filter(|rule| is_alone(rule))
            .ok_or(Refused::NotTried)?;
        let said = ask_object(changed, at, own, self.world.snapshot.version.minor, &[rule]);
        let mut steps = Vec::new();
        let mut class = None;
        for found in &said.found {
            let spot = self.spot(found, at, draft.value())?;
            let fix = &rule.fix;
            class = class.max(places::steps(
                fix,
                &self.world,
                found,
                &spot,
                draft.value(),
                &mut steps,
            )?);
        }
        draft.take(steps)?;
        Ok(class)
    }

    fn try_alone(
        &self,
        object: &Object,
        changed: &Object,
        at: u32,
        own: &[Template<'_>],
        found: &[&Found],
        draft: &Draft,
    ) -> Result<(), Refused> {
        if draft.value() == draft.before() {
            return Err(Refused::NoPlace);
        }
        for template in own {
            valid::pod(draft.before(), draft.value(), template.pointer)
                .map_err(Refused::Invalid)?;
        }
        valid::object(draft.before(), draft.value()).map_err(Refused::Invalid)?;
        let minor = self.world.snapshot.version.minor;
        let before = ask_object(object, at, own, minor, self.rules);
        let after = ask_object(changed, at, own, minor, self.rules);
        if after.gaps.len() > before.gaps.len() {
            return Err(Refused::Invalid("a field would have a wrong type"));
        }
        let alone: Vec<&Found> = found
            .iter()
            .copied()
            .filter(|one| is_alone(one.rule))
            .collect();
        compare(&before, &after, &alone)
    }

    fn try_in_world(&self, changed: Object, at: u32, found: &[&Found]) -> Result<(), Refused> {
        let rebuild = self.rebuild.ok_or(Refused::NotTried)?;
        let rules: Vec<&'static Rule> = self
            .rules
            .iter()
            .copied()
            .filter(|rule| !is_alone(rule))
            .collect();
        let before = self.shared.get_or_init(|| run::run(&self.world, &rules));
        let mut snapshot = self.world.snapshot.clone();
        if let Some(object) = snapshot.objects.get_mut(at as usize) {
            *object = changed;
        }
        let inventory = rebuild(&snapshot);
        let world = World {
            snapshot: &snapshot,
            inventory: &inventory,
            ..self.world
        };
        let after = run::run(&world, &rules);
        let shared: Vec<&Found> = found
            .iter()
            .copied()
            .filter(|one| !is_alone(one.rule))
            .collect();
        compare(before, &after, &shared)
    }

    fn spot(&self, found: &Found, at: u32, object: &Value) -> Result<places::Spot, Refused> {
        let own = self.templates.get(&at).map_or(&[][..], Vec::as_slice);
        let holds = |template: &&Template<'_>| found.pointer.starts_with(template.pointer);
        let template = own
            .iter()
            .filter(holds)
            .max_by_key(|one| one.pointer.len())
            .map(|one| one.pointer);
        places::Spot::of(found, template, object).ok_or(Refused::NoPlace)
    }
}

fn with(object: &Object, value: &Value) -> Object {
    Object {
        json: value.to_string().into_bytes().into(),
        labels: labels(value),
        ..object.clone()
    }
}

/// Ordered by key, as a Snapshot keeps them.
fn labels(object: &Value) -> Vec<(Text, Text)> {
    let map = object
        .pointer("/metadata/labels")
        .and_then(Value::as_object);
    let pairs = map.into_iter().flatten();
    let mut labels: Vec<(Text, Text)> = pairs
        .filter_map(|(key, value)| Some((key.as_str().into(), value.as_str()?.into())))
        .collect();
    labels.sort_unstable();
    labels
}

/// What taking a rule's change means; `None`: it has none.
pub fn class(rule: &Rule) -> Option<FixClass> {
    places::class(&rule.fix)
}

/// Whether a change of what the rule is about is tried in the whole cluster.
pub fn is_over_several(rule: &Rule) -> bool {
    !is_alone(rule)
}

/// Whether one object answers the rule.
fn is_alone(rule: &Rule) -> bool {
    matches!(rule.form, Form::Each { .. } | Form::PodSecurity(_))
}

/// Each rule finds less by its findings that were to go, and none finds more. Items of lists move, so it is counted.
fn compare(before: &Said, after: &Said, found: &[&Found]) -> Result<(), Refused> {
    let mut gone: BTreeMap<&str, u64> = BTreeMap::new();
    for one in found {
        *gone.entry(one.rule.id).or_default() += 1;
    }
    for (before, after) in before.answers.iter().zip(&after.answers) {
        let expected = gone.get(before.rule.id).copied().unwrap_or(0);
        if after.found > before.found {
            return Err(Refused::New(before.rule.slug));
        }
        if after.found > before.found.saturating_sub(expected) {
            return Err(Refused::NotGone(before.rule.slug));
        }
        // What cannot be told any more is not mended.
        if after.unknown.len() > before.unknown.len() {
            return Err(Refused::New(before.rule.slug));
        }
    }
    Ok(())
}
