//! `plimsoll fix`: the exact changes that close findings of configuration. Comes in: a Snapshot, what is asked for.
//! Goes out: a `Plan`, each change tried, files as they would be. Never: a change that was not tried, a file written.

use crate::configuration;
use checks::fixes::{self, Fixes, Live, Refused};
use checks::rule::Rule;
use checks::world::{Beside, Found, World};
use checks::{run, table};
use cluster::patch;
use jiff::Timestamp;
use model::action::FixClass;
use model::evidence::Ledger;
use model::object::ObjectRef;
use model::remedy::{Closed, Left, Offer, Plan, Reach, Remedy, Written};
use model::snapshot::{Object, Place, Snapshot};
use model::text::Text;
use model::workload::ManagedBy;
use semantics::declare::Declarations;
use semantics::view::Inventory;
use std::collections::BTreeMap;
use std::path::Path;

/// Objects whose changes are tried in the whole cluster, which costs a run each.
const MOST_WORLDS: usize = 200;

/// A manifest that is longer is not changed.
const MAX_FILE: u64 = 64 << 20;

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Ids and names of rules, `Deployment shop/web`, `shop/web`; empty: all that a scan says.
    pub names: Vec<String>,
    /// Sets of rules beside them.
    pub profiles: Vec<String>,
    /// Changes of a heavier class are only told.
    pub heaviest: FixClass,
}

#[derive(Debug, thiserror::Error)]
pub enum FixError {
    #[error(
        "nothing is called `{0}`: expected a check (KP-WL-001, privileged-container), an object (Deployment shop/web, shop/web) or --profile"
    )]
    Unknown(String),
}

/// The changes, and why there is none for the rest.
pub fn plan(
    snapshot: &Snapshot,
    declarations: &Declarations,
    now: Timestamp,
    wanted: &Wanted,
) -> Result<Plan, FixError> {
    let rebuild = |snapshot: &Snapshot| -> Inventory {
        semantics::inventory(snapshot, declarations, &mut Ledger::default())
    };
    let inventory = rebuild(snapshot);
    let beside = Beside {
        now: Some(now),
        ..Beside::default()
    };
    let world = World {
        snapshot,
        inventory: &inventory,
        beside: &beside,
    };
    let choice = Choice::of(wanted, snapshot)?;
    // What is on is asked as well: no change makes something else worse.
    let rules: Vec<&'static Rule> = table::all()
        .filter(|rule| rule.on || choice.asks(rule))
        .collect();
    let found = run(&world, &rules).found;
    let mut groups: BTreeMap<u32, Vec<&Found>> = BTreeMap::new();
    let mut plan = Plan::default();
    for one in found
        .iter()
        .filter(|one| !one.provider && choice.holds(one))
    {
        match (one.at, fixes::class(one.rule)) {
            (Some(at), Some(class)) if class <= wanted.heaviest => {
                groups.entry(at).or_default().push(one);
            }
            (Some(_), Some(_)) => plan.left.push(left(
                one,
                "the change can break what runs: --class breaking takes it",
            )),
            _ => plan
                .left
                .push(left(one, "no exact change is right for every object")),
        }
    }
    let fixes = Fixes::new(world, &rules).rebuilt_by(&rebuild);
    let mut worlds = 0;
    let mut offers: Vec<(u32, Offer)> = Vec::new();
    for (at, group) in groups {
        let Some(object) = snapshot.objects.get(at as usize) else {
            continue;
        };
        let over_several = group.iter().any(|one| fixes::is_over_several(one.rule));
        worlds += usize::from(over_several);
        if over_several && worlds > MOST_WORLDS {
            let why = "not tried: too many at once, name it alone";
            plan.left
                .extend(group.into_iter().map(|one| left(one, why)));
            continue;
        }
        let (taken, remedy) = together(&fixes, group, &mut plan.left);
        let Some(remedy) = remedy else { continue };
        if remedy.class > wanted.heaviest {
            let why = "the change can break what runs: --class breaking takes it";
            plan.left
                .extend(taken.into_iter().map(|one| left(one, why)));
            continue;
        }
        let mut closes: Vec<Closed> = taken.into_iter().map(closed).collect();
        closes.sort_by_key(|one| std::cmp::Reverse(one.severity));
        let offer = Offer {
            object: object.reference(),
            closes,
            reach: reach(object, snapshot, &inventory, &remedy),
            remedy,
        };
        offers.push((at, offer));
    }
    write(snapshot, offers, &mut plan);
    plan.left
        .sort_by(|a, b| (&a.object, &a.finding.id).cmp(&(&b.object, &b.finding.id)));
    Ok(plan)
}

/// As many findings of one object as go together; the others are told.
fn together<'f>(
    fixes: &Fixes<'_>,
    mut group: Vec<&'f Found>,
    others: &mut Vec<Left>,
) -> (Vec<&'f Found>, Option<Remedy>) {
    if let Ok(remedy) = fixes.offer_all(&group) {
        return (group, Some(remedy));
    }
    group.sort_by_key(|one| std::cmp::Reverse(one.rule.severity));
    let (mut taken, mut remedy): (Vec<&Found>, _) = (Vec::new(), None);
    let mut waiting = group;
    // What one change makes possible comes in the next round.
    loop {
        let before = taken.len();
        let mut refused = Vec::new();
        for one in waiting {
            taken.push(one);
            match fixes.offer_all(&taken) {
                Ok(offered) => remedy = Some(offered),
                Err(why) => {
                    taken.pop();
                    refused.push((one, why));
                }
            }
        }
        if refused.is_empty() || taken.len() == before {
            let told = |(one, why): (&Found, Refused)| left(one, &why.to_string());
            others.extend(refused.into_iter().map(told));
            return (taken, remedy);
        }
        waiting = refused.into_iter().map(|(one, _)| one).collect();
    }
}

/// Which findings are meant.
struct Choice {
    rules: Option<Vec<&'static str>>,
    objects: Vec<ObjectRef>,
}

impl Choice {
    fn of(wanted: &Wanted, snapshot: &Snapshot) -> Result<Self, FixError> {
        let mut rules: Vec<&'static str> = Vec::new();
        let mut objects = Vec::new();
        for name in &wanted.profiles {
            let all = checks::profiles::named(name).ok_or(FixError::Unknown(name.clone()))?;
            rules.extend(all.iter().map(|rule| rule.id));
        }
        for name in &wanted.names {
            let of_name: Vec<ObjectRef> = snapshot
                .objects
                .iter()
                .map(Object::reference)
                .filter(|object| is_called(object, name))
                .collect();
            if let Some(rule) = table::rule(name) {
                rules.push(rule.id);
            } else if of_name.is_empty() {
                return Err(FixError::Unknown(name.clone()));
            } else {
                objects.extend(of_name);
            }
        }
        Ok(Choice {
            rules: (!rules.is_empty()).then_some(rules),
            objects,
        })
    }

    fn asks(&self, rule: &Rule) -> bool {
        match &self.rules {
            Some(rules) => rules.contains(&rule.id),
            None => configuration::is_usual(rule),
        }
    }

    fn holds(&self, found: &Found) -> bool {
        self.asks(found.rule) && (self.objects.is_empty() || self.objects.contains(&found.object))
    }
}

/// `Deployment shop/web`, `deployment/web`, `shop/web`; kinds in any case.
fn is_called(object: &ObjectRef, name: &str) -> bool {
    let full = object.to_string();
    let short = full.split_once(' ').map_or(&*full, |(_, rest)| rest);
    name.eq_ignore_ascii_case(&full) || name == short
}

fn closed(found: &Found) -> Closed {
    let title = match &found.container {
        Some(container) => format!("{} ({container})", found.rule.title),
        None => found.rule.title.to_owned(),
    };
    Closed {
        id: found.rule.id.into(),
        slug: found.rule.slug.into(),
        severity: found.rule.severity,
        title: title.into(),
        says: found.says.as_str().into(),
    }
}

fn left(found: &Found, why: &str) -> Left {
    Left {
        object: found.object.clone(),
        finding: closed(found),
        why: why.into(),
        advice: found.rule.advice.into(),
    }
}

fn reach(object: &Object, snapshot: &Snapshot, inventory: &Inventory, remedy: &Remedy) -> Reach {
    if let Place::File { file, .. } = object.place {
        let name = snapshot.files.get(file as usize).cloned();
        return Reach::File(name.unwrap_or_else(|| "?".into()));
    }
    match fixes::live(object, managed(object, inventory), remedy) {
        Live::Type {
            dry_run,
            apply,
            undo,
        } => Reach::Type {
            dry_run: dry_run.into(),
            apply: apply.into(),
            undo: undo.map(Into::into),
        },
        Live::AtSource(what) | Live::Recreate(what) => Reach::Elsewhere(what.into()),
    }
}

fn managed<'i>(object: &Object, inventory: &'i Inventory) -> Option<&'i ManagedBy> {
    let reference = object.reference();
    let mut views = inventory.workloads.iter();
    let own = views.find(|view| view.workload.object == reference)?;
    own.workload.managed_by.as_ref()
}

/// The files as they would be; what cannot be written goes to what is left.
fn write(snapshot: &Snapshot, offers: Vec<(u32, Offer)>, plan: &mut Plan) {
    let mut files: BTreeMap<u32, Written> = BTreeMap::new();
    for (at, offer) in offers {
        let object = snapshot.objects.get(at as usize);
        let Some(Place::File {
            file,
            document,
            item,
        }) = object.map(|object| object.place)
        else {
            plan.offers.push(offer);
            continue;
        };
        let changed = text(snapshot, file, &mut files).and_then(|written| {
            let after = patch::apply(&written.after, document, item, &offer.remedy.operations);
            written.after = after.map_err(|error| error.to_string())?;
            Ok(())
        });
        match changed {
            Ok(()) => plan.offers.push(offer),
            Err(why) => {
                let told = |finding: Closed| Left {
                    object: offer.object.clone(),
                    advice: table::rule(&finding.id)
                        .map_or("", |rule| rule.advice)
                        .into(),
                    finding,
                    why: Text::from(why.as_str()),
                };
                plan.left.extend(offer.closes.clone().into_iter().map(told));
            }
        }
    }
    plan.files = files
        .into_values()
        .filter(|file| file.before != file.after)
        .collect();
}

fn text<'f>(
    snapshot: &Snapshot,
    file: u32,
    files: &'f mut BTreeMap<u32, Written>,
) -> Result<&'f mut Written, String> {
    use std::collections::btree_map::Entry;
    match files.entry(file) {
        Entry::Occupied(known) => Ok(known.into_mut()),
        Entry::Vacant(place) => {
            let name = snapshot.files.get(file as usize);
            let name = name.filter(|name| &***name != "-");
            let name = name.ok_or("it was read from standard input")?;
            let path = Path::new(&**name);
            let size = std::fs::metadata(path).map_or(0, |about| about.len());
            if size > MAX_FILE {
                return Err(format!("{name} is longer than {} MiB", MAX_FILE >> 20));
            }
            let before = std::fs::read_to_string(path)
                .map_err(|error| format!("{name} cannot be read again: {error}"))?;
            Ok(place.insert(Written {
                path: name.clone(),
                after: before.clone(),
                before,
            }))
        }
    }
}
