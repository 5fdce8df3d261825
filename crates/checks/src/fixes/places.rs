//! Which fields a fix means for a finding. Comes in: a row's `Fix`, a finding, its object. Goes out: steps, not applied.

use super::Refused;
use super::change::Step;
use crate::rule::{Fix, Form, Scope};
use crate::test::{Field, From};
use crate::world::{Found, World};
use model::action::FixClass;
use semantics::json::escape;
use semantics::json_patch::index;
use serde_json::Value;

/// Pointers of what the finding is about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Spot {
    this: String,
    container: Option<String>,
    /// Of the pod (of its template), where there is one.
    pod: Option<String>,
}

const LISTS: [&str; 3] = ["initContainers", "containers", "ephemeralContainers"];
const CONTEXT: &str = "securityContext";

impl Spot {
    pub(super) fn of(found: &Found, template: Option<&str>, object: &Value) -> Option<Spot> {
        let spec = template.map(|pod| format!("{pod}/spec"));
        let container = spec.as_deref().and_then(|spec| {
            let of_pointer = LISTS
                .iter()
                .find_map(|list| item_at(&format!("{spec}/{list}"), &found.pointer));
            of_pointer.or_else(|| named(object, spec, found.container.as_deref()?))
        });
        let this = match found.rule.form {
            Form::Each { scope, .. } => match scope {
                Scope::Pod => spec?,
                Scope::Containers(_) => container.clone()?,
                Scope::PodItems(list) => item_at(&format!("{}/{list}", spec?), &found.pointer)?,
                Scope::ContainerItems(_, list) => {
                    item_at(&format!("{}/{list}", container.as_ref()?), &found.pointer)?
                }
                Scope::Objects(_) => String::new(),
                Scope::ObjectItems(_, path) => {
                    item_at(&format!("/{}", path.join("/")), &found.pointer)?
                }
            },
            Form::PodSecurity(_) => container.clone().or(spec)?,
            _ => innermost_item(object, &found.pointer),
        };
        Some(Spot {
            this,
            container,
            pod: template.map(str::to_owned),
        })
    }

    /// The pointer of a field, as `evaluate::Pointers` gives it.
    fn pointer(&self, field: Field, object: &Value) -> Option<String> {
        let below = |start: &str| {
            field.path.iter().fold(start.to_owned(), |at, token| {
                format!("{at}/{}", escape(token))
            })
        };
        let pod = |part: &str| self.pod.as_ref().map(|pod| format!("{pod}/{part}"));
        Some(match field.from {
            From::This | From::Item => below(&self.this),
            From::Container => below(self.container.as_ref()?),
            From::Pod => below(&pod("spec")?),
            From::PodMetadata => below(&pod("metadata")?),
            From::Object => below(""),
            From::Security => {
                let own = below(&format!("{}/{CONTEXT}", self.container.as_ref()?));
                let pods = below(&pod(&format!("spec/{CONTEXT}"))?);
                if is_set(object, &own) || !is_set(object, &pods) {
                    own
                } else {
                    pods
                }
            }
        })
    }
}

fn is_set(object: &Value, pointer: &str) -> bool {
    object
        .pointer(pointer)
        .is_some_and(|value| !value.is_null())
}

/// `/spec/volumes/3` of the list `/spec/volumes` and the pointer `/spec/volumes/3/hostPath`.
fn item_at(list: &str, pointer: &str) -> Option<String> {
    let rest = pointer.strip_prefix(list)?.strip_prefix('/')?;
    let token = rest.split('/').next()?;
    index(token).map(|index| format!("{list}/{index}"))
}

fn named(object: &Value, spec: &str, name: &str) -> Option<String> {
    LISTS.iter().find_map(|list| {
        let list = format!("{spec}/{list}");
        let items = object.pointer(&list)?.as_array()?;
        let at = items
            .iter()
            .position(|item| item.get("name").and_then(Value::as_str) == Some(name))?;
        Some(format!("{list}/{at}"))
    })
}

/// The innermost list item that the pointer leads into; the object where it leads into none.
fn innermost_item(object: &Value, pointer: &str) -> String {
    let mut ends = pointer
        .match_indices('/')
        .map(|(at, _)| at)
        .skip(1)
        .collect::<Vec<_>>();
    ends.push(pointer.len());
    ends.into_iter()
        .rev()
        .filter_map(|end| pointer.get(..end))
        .find(|at| {
            at.rsplit_once('/').is_some_and(|(list, token)| {
                index(token).is_some() && object.pointer(list).is_some_and(Value::is_array)
            })
        })
        .unwrap_or("")
        .to_owned()
}

/// The steps of a fix, and the class of what they are.
pub(super) fn steps(
    fix: &Fix,
    world: &World<'_>,
    found: &Found,
    spot: &Spot,
    object: &Value,
    out: &mut Vec<Step>,
) -> Result<Option<FixClass>, Refused> {
    let place = |field: &Field| spot.pointer(*field, object).ok_or(Refused::NoPlace);
    match fix {
        Fix::None => return Err(Refused::NoFix(found.rule.advice)),
        Fix::Set(field, value, _) => {
            let value = serde_json::from_str(value).map_err(|_| Refused::NoPlace)?;
            out.push(Step::Set(place(field)?, value));
        }
        Fix::Remove(field, _) => {
            let pointer = place(field)?;
            if object.pointer(&pointer).is_some() {
                out.push(Step::Remove(pointer));
            }
        }
        Fix::Drop(field, words, _) => drop_texts(&place(field)?, words, object, out),
        Fix::RemoveItem(_) => remove_item(spot, object, out)?,
        Fix::All(fixes) => {
            for fix in *fixes {
                steps(fix, world, found, spot, object, out)?;
            }
        }
        Fix::Make(make, _) => {
            let changes = make(world, found).ok_or(Refused::NoFix(found.rule.advice))?;
            for change in changes {
                out.push(match change.to {
                    None => Step::Remove(change.pointer),
                    Some(text) => {
                        let value = serde_json::from_str(&text).map_err(|_| Refused::NoPlace)?;
                        Step::Set(change.pointer, value)
                    }
                });
            }
        }
    }
    Ok(class(fix))
}

/// The heaviest class of a fix.
pub(super) fn class(fix: &Fix) -> Option<FixClass> {
    match fix {
        Fix::None => None,
        Fix::Set(_, _, class)
        | Fix::Remove(_, class)
        | Fix::Drop(_, _, class)
        | Fix::RemoveItem(class)
        | Fix::Make(_, class) => Some(*class),
        Fix::All(fixes) => fixes.iter().filter_map(class).max(),
    }
}

/// A list that would be left empty goes as a whole: an empty one is refused in many places (RBAC verbs), or says nothing.
fn drop_texts(pointer: &str, words: &[&str], object: &Value, out: &mut Vec<Step>) {
    let Some(list) = object.pointer(pointer).and_then(Value::as_array) else {
        return;
    };
    let capabilities = pointer.contains("/capabilities/");
    let goes = |item: &Value| {
        let text = item.as_str();
        text.is_some_and(|text| words.iter().any(|word| is(text, word, capabilities)))
    };
    if !list.is_empty() && list.iter().all(goes) {
        out.push(Step::Remove(pointer.to_owned()));
        return;
    }
    let places = list.iter().enumerate().filter(|(_, item)| goes(item));
    out.extend(places.map(|(at, _)| Step::Remove(format!("{pointer}/{at}"))));
}

/// Capabilities are the same with `CAP_` and in any case: runtimes put it there.
fn is(text: &str, word: &str, capabilities: bool) -> bool {
    let plain = |text: &str| {
        let upper = text.to_ascii_uppercase();
        upper.strip_prefix("CAP_").unwrap_or(&upper).to_owned()
    };
    let (text, word) = if capabilities {
        (plain(text), plain(word))
    } else {
        (text.to_owned(), word.to_owned())
    };
    match word.strip_suffix('*') {
        Some(start) if !start.is_empty() => text.starts_with(start),
        _ => text == word,
    }
}

/// Mounts of a volume go with it: a pod that mounts what it has not is refused.
fn remove_item(spot: &Spot, object: &Value, out: &mut Vec<Step>) -> Result<(), Refused> {
    let (list, token) = spot.this.rsplit_once('/').ok_or(Refused::NoPlace)?;
    if index(token).is_none() || object.pointer(&spot.this).is_none() {
        return Err(Refused::NoPlace);
    }
    out.push(Step::Remove(spot.this.clone()));
    let spec = spot.pod.as_ref().map(|pod| format!("{pod}/spec"));
    let Some(spec) = spec.filter(|spec| list == format!("{spec}/volumes")) else {
        return Ok(());
    };
    let volume = object.pointer(&format!("{}/name", spot.this));
    for containers in LISTS.map(|list| format!("{spec}/{list}")) {
        let count = object.pointer(&containers).and_then(Value::as_array);
        for container in 0..count.map_or(0, Vec::len) {
            for mounts in ["volumeMounts", "volumeDevices"] {
                let mounts = format!("{containers}/{container}/{mounts}");
                let items = object.pointer(&mounts).and_then(Value::as_array);
                let items = items.map_or(&[][..], Vec::as_slice).iter().enumerate();
                let own = items.filter(|(_, mount)| mount.get("name") == volume);
                out.extend(own.map(|(at, _)| Step::Remove(format!("{mounts}/{at}"))));
            }
        }
    }
    Ok(())
}
