//! Steps become operations of RFC 6902. Comes in: an object, fields to set and to remove. Goes out: operations that make
//! parents where there are none, tests that name the list items they count to, the way back, the object after it.
//! Never: a value that was redacted.

use super::Refused;
use model::remedy::Operation;
use model::text::Text;
use semantics::json_patch::{apply, index, pointer, tokens};
use serde_json::{Map, Value};
use std::cmp::Reverse;

/// One field, by its pointer in the object as it was.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Step {
    Set(String, Value),
    Remove(String),
}

/// Values first, then removals from the end of each list, so that the places before them stay. What lies in something that
/// goes is left out.
fn ordered(steps: Vec<Step>) -> Result<Vec<Step>, Refused> {
    let mut sets: Vec<(String, Value)> = Vec::new();
    let mut removals: Vec<String> = Vec::new();
    for step in steps {
        match step {
            Step::Remove(pointer) if !removals.contains(&pointer) => removals.push(pointer),
            Step::Remove(_) => {}
            Step::Set(pointer, value) => match sets.iter().find(|(known, _)| *known == pointer) {
                None => sets.push((pointer, value)),
                Some((_, known)) if *known == value => {}
                Some(_) => return Err(Refused::Conflict(pointer)),
            },
        }
    }
    let whole = removals.clone();
    let goes = |at: &str, or_same: bool| {
        whole.iter().any(|gone| {
            let rest = at.strip_prefix(gone.as_str());
            rest.is_some_and(|rest| rest.starts_with('/') || or_same && rest.is_empty())
        })
    };
    if let Some((at, _)) = sets.iter().find(|(at, _)| whole.contains(at)) {
        return Err(Refused::Conflict(at.clone()));
    }
    sets.retain(|(at, _)| !goes(at, true));
    removals.retain(|at| !goes(at, false));
    removals.sort_by_cached_key(|at| Reverse(order(at)));
    let sets = sets.into_iter().map(|(at, value)| Step::Set(at, value));
    Ok(sets.chain(removals.into_iter().map(Step::Remove)).collect())
}

/// Pointers in the order of a document, indices by number.
fn order(at: &str) -> Vec<(usize, String)> {
    let tokens = at.split('/').skip(1);
    tokens
        .map(|token| (index(token).unwrap_or(usize::MAX), token.to_owned()))
        .collect()
}

pub(super) struct Draft {
    before: Value,
    value: Value,
    tests: Vec<Operation>,
    operations: Vec<Operation>,
    undo: Vec<Operation>,
    /// A value that goes was redacted: the way back is not known.
    redacted: bool,
}

impl Draft {
    pub(super) fn new(before: Value) -> Self {
        Draft {
            value: before.clone(),
            before,
            tests: Vec::new(),
            operations: Vec::new(),
            undo: Vec::new(),
            redacted: false,
        }
    }

    /// The object as it was.
    pub(super) fn before(&self) -> &Value {
        &self.before
    }

    /// The object as it is by now.
    pub(super) fn value(&self) -> &Value {
        &self.value
    }

    /// Whether a field of this end changes.
    pub(super) fn touches(&self, end: &str) -> bool {
        self.operations
            .iter()
            .any(|operation| operation.path().ends_with(end))
    }

    /// All steps, in the order that is safe.
    pub(super) fn take(&mut self, steps: Vec<Step>) -> Result<(), Refused> {
        for step in &ordered(steps)? {
            match step {
                Step::Set(pointer, value) => self.set(pointer, value)?,
                Step::Remove(pointer) => self.remove(pointer)?,
            }
        }
        Ok(())
    }

    /// Sets a field; parents that are not there are made.
    fn set(&mut self, at: &str, value: &Value) -> Result<(), Refused> {
        let all = tokens(at).map_err(|_| Refused::NoPlace)?;
        if self.value.pointer(at) == Some(value) {
            return Ok(());
        }
        if let Some(old) = self.value.pointer(at) {
            let back = replace(at, old);
            self.redacted |= is_redacted(old);
            return self.push(replace(at, value), back);
        }
        let there = (0..all.len())
            .rev()
            .find(|depth| self.value.pointer(&head(&all, *depth)).is_some())
            .ok_or(Refused::NoPlace)?;
        let parent = head(&all, there);
        let made = all.get(..=there).unwrap_or_default();
        let below = all.get(there + 1..).unwrap_or_default();
        let is_list = self.value.pointer(&parent).is_some_and(Value::is_array);
        let value = below.iter().rev().fold(value.clone(), |value, token| {
            Value::Object(Map::from_iter([(token.clone(), value)]))
        });
        let at = pointer(made);
        let back = if is_list && at.ends_with("/-") {
            let length = self.value.pointer(&parent).and_then(Value::as_array);
            format!("{parent}/{}", length.map_or(0, Vec::len))
        } else {
            at.clone()
        };
        let operation = Operation::Add {
            path: at.into(),
            value: text(&value),
        };
        self.push(operation, Operation::Remove { path: back.into() })
    }

    fn remove(&mut self, at: &str) -> Result<(), Refused> {
        let old = self.value.pointer(at).ok_or(Refused::NoPlace)?;
        self.redacted |= is_redacted(old);
        let back = Operation::Add {
            path: at.into(),
            value: text(old),
        };
        self.push(Operation::Remove { path: at.into() }, back)
    }

    fn push(&mut self, operation: Operation, back: Operation) -> Result<(), Refused> {
        self.name_items(operation.path().clone().as_ref());
        apply(&mut self.value, std::slice::from_ref(&operation)).map_err(|_| Refused::NoPlace)?;
        self.operations.push(operation);
        self.undo.push(back);
        Ok(())
    }

    /// Tests that the items which the pointer counts to are those that were seen.
    fn name_items(&mut self, at: &str) {
        let Ok(all) = tokens(at) else {
            return;
        };
        for depth in 1..=all.len() {
            let item = head(&all, depth);
            let list = self.before.pointer(&head(&all, depth - 1));
            if !list.is_some_and(Value::is_array) {
                continue;
            }
            let Some(value) = self.before.pointer(&item) else {
                continue;
            };
            let test = match (value.get("name"), value) {
                (Some(name), _) if name.is_string() => Some((format!("{item}/name"), name)),
                (_, Value::String(_)) => Some((item, value)),
                // An item without a name is told by all of it, where it goes as a whole.
                (None, _) if depth == all.len() => Some((item, value)),
                _ => None,
            };
            let Some((path, value)) = test.filter(|(_, value)| !is_redacted(value)) else {
                continue;
            };
            let test = Operation::Test {
                path: path.into(),
                value: text(value),
            };
            if !self.tests.contains(&test) {
                self.tests.push(test);
            }
        }
    }

    /// The operations, the way back.
    pub(super) fn finish(mut self) -> (Vec<Operation>, Vec<Operation>) {
        self.undo.reverse();
        if self.redacted {
            self.undo.clear();
        }
        let mut operations = self.tests;
        if self.operations.is_empty() {
            operations.clear();
        }
        operations.append(&mut self.operations);
        (operations, self.undo)
    }
}

fn head(all: &[String], depth: usize) -> String {
    pointer(all.get(..depth).unwrap_or_default())
}

fn replace(at: &str, value: &Value) -> Operation {
    Operation::Replace {
        path: at.into(),
        value: text(value),
    }
}

fn text(value: &Value) -> Text {
    value.to_string().into()
}

/// Rule 20: such a value stands for one that was dropped.
fn is_redacted(value: &Value) -> bool {
    value.to_string().contains("redacted:v1:")
}
