//! SARIF 2.1.0 for code scanning: one run, own stable fingerprints, gaps as tool notifications.
//! The worst results come first and the rest is counted, because GitHub keeps 5,000 of a run.
//! Never: a fingerprint that a new tag, digest or line number changes.

mod result;
mod split;

pub(crate) use result::is_web;
pub use split::split;

use crate::each::Each;
use crate::escape::{visible, write_json};
use crate::names::Names;
use crate::sentences;
use crate::view::{View, repository};
use crate::wording::{count, counted};
use jiff::Timestamp;
use model::assessment::Outcome;
use model::evidence::GapWeight;
use model::finding::Finding;
use result::Rules;
use serde::Serialize;
use serde_json::{Value, json};
use std::io::{self, Write};

/// GitHub shows this many results of a run, by severity.
pub const RESULTS: usize = 5_000;

const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";

#[derive(Clone, Debug)]
pub struct SarifOptions {
    /// At most this many results.
    pub limit: usize,
    /// First part of `automationDetails.id`, under which GitHub keeps alerts apart;
    /// `None`: `plimsoll/` and the cluster's name.
    pub category: Option<String>,
}

impl Default for SarifOptions {
    fn default() -> Self {
        SarifOptions {
            limit: RESULTS,
            category: None,
        }
    }
}

#[derive(Serialize)]
struct Log<'a> {
    #[serde(rename = "$schema")]
    schema: &'static str,
    version: &'static str,
    runs: [Run<'a>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Run<'a> {
    tool: Value,
    automation_details: Value,
    invocations: [Value; 1],
    column_kind: &'static str,
    results: Each<'a, Value>,
    properties: Value,
}

/// Open findings and, after them, those that no container here runs. Suppressed ones are only
/// counted: GitHub would open an alert for them.
pub fn write(view: &View, options: &SarifOptions, out: &mut dyn Write) -> io::Result<()> {
    let names = Names::of(view);
    let all = view.assessment;
    let findings = all.findings.iter().chain(&all.unjoined);
    let shown: Vec<&Finding> = findings.take(options.limit).collect();
    let category = options.category.clone().unwrap_or_else(|| {
        // Each image has alerts of its own, which another image's report must not close.
        let name = match (&all.about.cluster_name, &*all.inventories, &*all.images) {
            (Some(name), ..) => name.to_string(),
            (None, [_], [image]) => repository(image),
            _ => "files".to_owned(),
        };
        format!("plimsoll/{}", result::uri(&names.show(&name)))
    });
    let left_out = all.findings.len() + all.unjoined.len() - shown.len();
    run(view, &names, &shown, left_out, &category, out)
}

fn run(
    view: &View,
    names: &Names,
    findings: &[&Finding],
    left_out: usize,
    category: &str,
    out: &mut dyn Write,
) -> io::Result<()> {
    let rules = Rules::of(view, names, findings);
    let (view_copy, rules_ref) = (*view, &rules);
    let log = Log {
        schema: SCHEMA,
        version: "2.1.0",
        runs: [Run {
            tool: json!({"driver": {
                "name": "Plimsoll",
                "version": view.assessment.about.tool_version,
                "semanticVersion": view.assessment.about.tool_version,
                "rules": rules.descriptors,
                "notifications": descriptors(view),
            }}),
            automation_details: json!({"id": format!("{category}/{}", view.assessment.about.now)}),
            invocations: [invocation(view, names, findings.len(), left_out)],
            column_kind: "unicodeCodePoints",
            results: Each(Box::new(move || {
                let one = move |f: &&Finding| result::result(&view_copy, names, rules_ref, f);
                Box::new(findings.iter().map(one))
            })),
            properties: properties(view),
        }],
    };
    write_json(&log, out)
}

fn properties(view: &View) -> Value {
    json!({
        "verdict": match view.verdict.outcome {
            Outcome::Passed => "passed",
            Outcome::Failed => "failed",
            Outcome::NotCompleted => "not-completed",
        },
        "suppressed": view.assessment.suppressed.len(),
        "unjoined": view.assessment.unjoined.len(),
    })
}

/// One descriptor for each class of gap, and one for results that are left out.
fn descriptors(view: &View) -> Vec<Value> {
    let descriptor = |id: &str, text: &str| {
        json!({
            "id": id,
            "shortDescription": {"text": text},
            "fullDescription": {"text": text},
            "help": {"text": text},
        })
    };
    let mut classes: Vec<&str> = view
        .assessment
        .ledger
        .gaps
        .iter()
        .map(|g| &*g.class)
        .collect();
    classes.sort_unstable();
    classes.dedup();
    let mut all: Vec<Value> = classes
        .into_iter()
        .map(|class| {
            let text = format!("Something was not seen: {}.", class.replace('-', " "));
            descriptor(&visible(class), &plain(&text))
        })
        .collect();
    all.push(descriptor("coverage", "What was looked at."));
    all.push(descriptor(
        "results-left-out",
        "Results are not in this file.",
    ));
    all
}

fn invocation(view: &View, names: &Names, shown: usize, left_out: usize) -> Value {
    let note = |level: &str, id: &str, text: &str| {
        json!({
            "level": level,
            "descriptor": {"id": visible(id)},
            "message": {"text": plain(&names.show(text))},
        })
    };
    let gaps = view.assessment.ledger.gaps_accepted();
    let mut notifications: Vec<Value> = gaps
        .map(|(gap, accepted)| {
            let level = match gap.weight {
                GapWeight::Hides if accepted.is_none() => "warning",
                GapWeight::Hides | GapWeight::Widens | GapWeight::Notice => "note",
            };
            let accepted = accepted.map_or_else(String::new, |acceptance| {
                format!(" It is {}.", sentences::accepted(acceptance))
            });
            let close = if gap.close.is_empty() {
                String::new()
            } else {
                format!(" Close it: {}.", gap.close)
            };
            note(
                level,
                &gap.class,
                &format!("{}.{accepted}{close}", gap.what),
            )
        })
        .collect();
    let mut seen = sentences::seen(view);
    seen.push(sentences::feeds(view));
    notifications.push(note("note", "coverage", &format!("{}.", seen.join("; "))));
    let suppressed = view.assessment.suppressed.len();
    if suppressed > 0 {
        let text = format!(
            "{}: not in this file but in the JSON report.",
            counted(suppressed, "suppressed finding")
        );
        notifications.push(note("note", "results-left-out", &text));
    }
    if left_out > 0 {
        let text = format!(
            "{} of {} results are in this file, those with the highest scores; the JSON report has all.",
            count(shown),
            count(shown + left_out)
        );
        notifications.push(note("warning", "results-left-out", &text));
    }
    json!({
        "executionSuccessful": view.verdict.outcome != Outcome::NotCompleted,
        "exitCode": view.verdict.exit_code,
        "endTimeUtc": utc(view.assessment.about.now),
        "toolExecutionNotifications": notifications,
    })
}

/// SARIF wants a `Z` and at most milliseconds (3.9).
fn utc(now: Timestamp) -> String {
    now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// A plain text message (3.11.5, 3.11.6): brackets would be links, braces placeholders.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for c in visible(text).chars() {
        match c {
            '[' | ']' | '\\' => {
                out.push('\\');
                out.push(c);
            }
            '{' | '}' => {
                out.push(c);
                out.push(c);
            }
            c => out.push(c),
        }
    }
    out
}
