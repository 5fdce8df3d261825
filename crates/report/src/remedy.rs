//! Changes that close findings: a unified diff of files with what to type for live objects, and JSON.
//! Comes in: a `Plan`. Goes out: text that `patch` and a person read, a document. Never: a name that steers the terminal.

use crate::escape::{steers, visible, write_json};
use crate::wording::{count, counted, fix_class, fix_class_words, severity};
use model::action::FixClass;
use model::remedy as noun;
use model::remedy::{Closed, Offer, Operation, Plan, Reach, Written};
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::Serialize;
use serde_json::Value;
use similar::TextDiff;
use std::collections::BTreeMap;
use std::io::{self, Write};

/// Version of the format; a change that breaks a reader raises it.
const FORMAT_VERSION: u32 = 1;

/// Lines of a file around a change.
const CONTEXT: usize = 3;

/// Files as a unified diff with a comment before each; then live objects, each with what to type.
pub fn text(plan: &Plan, out: &mut dyn Write) -> io::Result<()> {
    let mut of_files: BTreeMap<&str, Vec<&Offer>> = BTreeMap::new();
    for offer in &plan.offers {
        if let Reach::File(name) = &offer.reach {
            of_files.entry(name).or_default().push(offer);
        }
    }
    for file in &plan.files {
        for offer in of_files.get(&*file.path).into_iter().flatten() {
            heading(offer, out)?;
        }
        diff(file, out)?;
    }
    for offer in &plan.offers {
        match &offer.reach {
            Reach::File(_) => {}
            Reach::Type {
                dry_run,
                apply,
                undo,
            } => {
                heading(offer, out)?;
                writeln!(out, "{}", visible(dry_run))?;
                writeln!(out, "{}", visible(apply))?;
                match undo {
                    Some(undo) => writeln!(out, "# back: {}", visible(undo))?,
                    None => writeln!(out, "# back: apply the manifest as it was")?,
                }
            }
            Reach::Elsewhere(what) => {
                heading(offer, out)?;
                writeln!(out, "# {}", visible(what))?;
                for operation in &offer.remedy.operations {
                    if let Some(line) = shown(operation) {
                        writeln!(out, "#   {}", visible(&line))?;
                    }
                }
            }
        }
    }
    Ok(())
}

/// Lines of comment: which object, what it closes, what taking it means.
fn heading(offer: &Offer, out: &mut dyn Write) -> io::Result<()> {
    let remedy = &offer.remedy;
    let object = offer.object.to_string();
    writeln!(
        out,
        "# {}: {}",
        visible(&object),
        fix_class_words(remedy.class)
    )?;
    for one in &offer.closes {
        writeln!(
            out,
            "#   closes {} {} {}",
            severity(one.severity),
            one.id,
            visible(&one.title)
        )?;
    }
    if remedy.class != FixClass::Equivalent {
        writeln!(out, "#   before: {}", visible(&remedy.class_reason))?;
    }
    Ok(())
}

fn diff(file: &Written, out: &mut dyn Write) -> io::Result<()> {
    let path = visible(&file.path);
    let diff = TextDiff::from_lines(&file.before, &file.after);
    let mut unified = diff.unified_diff();
    unified
        .context_radius(CONTEXT)
        .header(&format!("a/{path}"), &format!("b/{path}"));
    // What a file holds may steer a terminal; the blanks that `patch` compares stay.
    let is_shown = |c: &char| matches!(c, '\t' | '\r' | '\n') || !steers(*c);
    let text: String = unified.to_string().chars().filter(is_shown).collect();
    out.write_all(text.as_bytes())
}

/// `set /spec/hostPID to false`.
fn shown(operation: &Operation) -> Option<String> {
    Some(match operation {
        Operation::Add { path, value } | Operation::Replace { path, value } => {
            format!("set {path} to {value}")
        }
        Operation::Remove { path } => format!("remove {path}"),
        Operation::Test { .. } => return None,
    })
}

/// What has no change, the gravest first, and how many there are of each reason. For the person, beside the diff.
pub fn left(plan: &Plan, most: usize) -> Vec<String> {
    let closes: usize = plan.offers.iter().map(|offer| offer.closes.len()).sum();
    let mut lines = vec![format!(
        "{} in {} close {}; {} have none",
        counted(plan.offers.len(), "change"),
        counted(plan.offers.len(), "object"),
        counted(closes, "finding"),
        count(plan.left.len() as u64)
    )];
    let mut all: Vec<&noun::Left> = plan.left.iter().collect();
    all.sort_by_key(|left| std::cmp::Reverse(left.finding.severity));
    for left in all.iter().take(most) {
        lines.push(format!(
            "  {} {} {}: {}: {}; {}",
            severity(left.finding.severity),
            left.finding.id,
            left.object,
            left.finding.title,
            left.why,
            left.advice
        ));
    }
    if all.len() > most {
        lines.push(format!("  {} more: --format json", all.len() - most));
    }
    lines
}

/// One document and a line end.
pub fn json(plan: &Plan, out: &mut dyn Write) -> io::Result<()> {
    write_json(&Document::of(plan), out)
}

/// The JSON Schema (draft 2020-12) of [`json`].
pub fn schema() -> Value {
    SchemaSettings::draft2020_12()
        .for_serialize()
        .into_generator()
        .into_root_schema_for::<Document<'static>>()
        .into()
}

/// Changes that close findings, each tried: it removes what it closes and adds nothing.
#[derive(Serialize, JsonSchema)]
#[schemars(title = "plimsoll fix")]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    format_version: u32,
    changes: Vec<Change<'a>>,
    /// Findings without a change.
    left: Vec<Left<'a>>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Change<'a> {
    object: Object<'a>,
    closes: Vec<Finding<'a>>,
    #[schemars(extend("enum" = ["equivalent", "needs-test", "breaking"]))]
    class: &'static str,
    /// Why it has this class.
    reason: &'a str,
    /// RFC 6902; tests first.
    operations: Vec<Value>,
    /// Takes it back; empty where a value that it removes is not known.
    undo: Vec<Value>,
    /// The file that holds the object.
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    commands: Option<Commands<'a>>,
    /// Who writes the object, and where to change it then.
    #[serde(skip_serializing_if = "Option::is_none")]
    elsewhere: Option<&'a str>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Commands<'a> {
    dry_run: &'a str,
    apply: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    undo: Option<&'a str>,
}

#[derive(Serialize, JsonSchema)]
struct Object<'a> {
    group: &'a str,
    kind: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<&'a str>,
    name: &'a str,
}

#[derive(Serialize, JsonSchema)]
struct Finding<'a> {
    id: &'a str,
    name: &'a str,
    severity: &'static str,
    title: &'a str,
    says: &'a str,
}

#[derive(Serialize, JsonSchema)]
struct Left<'a> {
    object: Object<'a>,
    finding: Finding<'a>,
    why: &'a str,
    advice: &'a str,
}

impl<'a> Document<'a> {
    fn of(plan: &'a Plan) -> Self {
        Document {
            format_version: FORMAT_VERSION,
            changes: plan.offers.iter().map(Change::of).collect(),
            left: plan
                .left
                .iter()
                .map(|left| Left {
                    object: Object::of(&left.object),
                    finding: Finding::of(&left.finding),
                    why: &left.why,
                    advice: &left.advice,
                })
                .collect(),
        }
    }
}

impl<'a> Change<'a> {
    fn of(offer: &'a Offer) -> Self {
        let (file, commands, elsewhere) = match &offer.reach {
            Reach::File(name) => (Some(&**name), None, None),
            Reach::Type {
                dry_run,
                apply,
                undo,
            } => {
                let commands = Commands {
                    dry_run,
                    apply,
                    undo: undo.as_deref(),
                };
                (None, Some(commands), None)
            }
            Reach::Elsewhere(what) => (None, None, Some(&**what)),
        };
        Change {
            object: Object::of(&offer.object),
            closes: offer.closes.iter().map(Finding::of).collect(),
            class: fix_class(offer.remedy.class),
            reason: &offer.remedy.class_reason,
            operations: offer.remedy.operations.iter().map(operation).collect(),
            undo: offer.remedy.undo.iter().map(operation).collect(),
            file,
            commands,
            elsewhere,
        }
    }
}

impl<'a> Object<'a> {
    fn of(object: &'a model::object::ObjectRef) -> Self {
        Object {
            group: &object.group,
            kind: &object.kind,
            namespace: object.namespace.as_deref(),
            name: &object.name,
        }
    }
}

impl<'a> Finding<'a> {
    fn of(closed: &'a Closed) -> Self {
        Finding {
            id: &closed.id,
            name: &closed.slug,
            severity: severity(closed.severity),
            title: &closed.title,
            says: &closed.says,
        }
    }
}

/// An operation with its value as JSON, not as text.
fn operation(operation: &Operation) -> Value {
    let mut value = serde_json::to_value(operation).unwrap_or_default();
    if let (Some(text), Some(map)) = (operation.value(), value.as_object_mut()) {
        let parsed = serde_json::from_str(text).unwrap_or(Value::Null);
        map.insert("value".to_owned(), parsed);
    }
    value
}
