//! Benchmarks and the checklist as JSON: our own form, and the one that kube-bench's readers parse.
//! Comes in: nouns of `model::benchmark`. Goes out: documents. Never: an unknown that looks like a pass or a failure.

use crate::escape::write_json;
use model::benchmark as noun;
use model::benchmark::State;
use model::evidence as gaps;
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::Serialize;
use serde_json::{Value, json};
use std::io::{self, Write};

/// Version of the formats; a change that breaks a reader raises it.
const FORMAT_VERSION: u32 = 1;

/// One document and a line end.
pub fn cis_json(benchmark: &noun::Benchmark, out: &mut dyn Write) -> io::Result<()> {
    write_json(&Benchmark::of(benchmark), out)
}

pub fn checklist_json(points: &[noun::Point], out: &mut dyn Write) -> io::Result<()> {
    write_json(&Checklist::of(points), out)
}

/// The JSON Schema (draft 2020-12) of [`cis_json`].
pub fn cis_schema() -> Value {
    schema::<Benchmark<'static>>()
}

/// The JSON Schema (draft 2020-12) of [`checklist_json`].
pub fn checklist_schema() -> Value {
    schema::<Checklist<'static>>()
}

fn schema<T: JsonSchema>() -> Value {
    SchemaSettings::draft2020_12()
        .for_serialize()
        .into_generator()
        .into_root_schema_for::<T>()
        .into()
}

/// How a cluster stands against a benchmark.
#[derive(Serialize, JsonSchema)]
#[schemars(title = "plimsoll cis")]
#[serde(rename_all = "camelCase")]
struct Benchmark<'a> {
    format_version: u32,
    /// `cis-1.12`.
    profile: &'a str,
    /// Version that was judged, e.g. `1.36`.
    kubernetes: &'a str,
    totals: Totals,
    /// Every control, in the order of the benchmark.
    controls: Vec<Control<'a>>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Totals {
    pass: usize,
    fail: usize,
    unknown: usize,
    not_applicable: usize,
    manual: usize,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Control<'a> {
    number: &'a str,
    section: &'a str,
    title: &'a str,
    level: u8,
    #[schemars(extend("enum" = ["pass", "fail", "unknown", "not-applicable", "manual"]))]
    state: &'static str,
    /// What decided; of a failure only what is wrong.
    evidence: Vec<Evidence<'a>>,
    /// Evidence that is not listed.
    more: u64,
    /// What was not seen; never empty where the state is unknown.
    missing: Vec<Missing<'a>>,
    remediation: &'a str,
    /// Ids of the rules that it was answered by.
    rules: Vec<&'a str>,
}

#[derive(Serialize, JsonSchema)]
struct Evidence<'a> {
    kind: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<&'a str>,
    name: &'a str,
    /// JSON pointer (RFC 6901) into the object, where one field decides.
    #[serde(skip_serializing_if = "str::is_empty")]
    pointer: &'a str,
    value: &'a str,
}

#[derive(Serialize, JsonSchema)]
struct Missing<'a> {
    /// Stable class in kebab case.
    class: &'a str,
    what: &'a str,
    /// The command or permission that closes it; empty if nothing does.
    close: &'a str,
}

/// The ten points of the hardening checklist.
#[derive(Serialize, JsonSchema)]
#[schemars(title = "plimsoll checklist")]
#[serde(rename_all = "camelCase")]
struct Checklist<'a> {
    format_version: u32,
    items: Vec<Item<'a>>,
}

#[derive(Serialize, JsonSchema)]
struct Item<'a> {
    number: u8,
    title: &'a str,
    #[schemars(extend("enum" = ["pass", "fail", "unknown"]))]
    verdict: &'static str,
    evidence: Vec<&'a str>,
    /// The next command to type, or what to do.
    next: &'a str,
}

impl<'a> Benchmark<'a> {
    fn of(benchmark: &'a noun::Benchmark) -> Self {
        Benchmark {
            format_version: FORMAT_VERSION,
            profile: &benchmark.profile,
            kubernetes: &benchmark.kubernetes,
            totals: Totals {
                pass: benchmark.count(State::Pass),
                fail: benchmark.count(State::Fail),
                unknown: benchmark.count(State::Unknown),
                not_applicable: benchmark.count(State::NotApplicable),
                manual: benchmark.count(State::Manual),
            },
            controls: benchmark.controls.iter().map(Control::of).collect(),
        }
    }
}

impl<'a> Control<'a> {
    fn of(answer: &'a noun::Answer) -> Self {
        Control {
            number: &answer.number,
            section: &answer.section,
            title: &answer.title,
            level: answer.level,
            state: answer.state.as_str(),
            evidence: answer.evidence.iter().map(Evidence::of).collect(),
            more: answer.more,
            missing: answer.missing.iter().map(Missing::of).collect(),
            remediation: &answer.remediation,
            rules: answer.rules.iter().map(|rule| &**rule).collect(),
        }
    }
}

impl<'a> Evidence<'a> {
    fn of(seen: &'a noun::Seen) -> Self {
        Evidence {
            kind: &seen.object.kind,
            namespace: seen.object.namespace.as_deref(),
            name: &seen.object.name,
            pointer: &seen.pointer,
            value: &seen.value,
        }
    }
}

impl<'a> Missing<'a> {
    fn of(gap: &'a gaps::Gap) -> Self {
        Missing {
            class: &gap.class,
            what: &gap.what,
            close: &gap.close,
        }
    }
}

impl<'a> Checklist<'a> {
    fn of(points: &'a [noun::Point]) -> Self {
        let item = |point: &'a noun::Point| Item {
            number: point.number,
            title: &point.title,
            verdict: point.verdict.as_str(),
            evidence: point.evidence.iter().map(|text| &**text).collect(),
            next: &point.next,
        };
        Checklist {
            format_version: FORMAT_VERSION,
            items: points.iter().map(item).collect(),
        }
    }
}

/// kube-bench's `--json`: groups by the first part of the number, tests by section. It knows no unknown: that is WARN
/// with a reason; what does not apply is INFO.
pub fn kube_bench(benchmark: &noun::Benchmark, out: &mut dyn Write) -> io::Result<()> {
    let group = |answer: &noun::Answer| answer.number.split('.').next().unwrap_or("").to_owned();
    let groups = benchmark.controls.chunk_by(|a, b| group(a) == group(b));
    let controls: Vec<Value> = groups
        .map(|of_group| {
            let id = of_group.first().map(group).unwrap_or_default();
            let sections = of_group.chunk_by(|a, b| a.section == b.section);
            let mut whole = json!({
                "id": id,
                "version": &*benchmark.profile,
                "detected_version": &*benchmark.kubernetes,
                "text": group_title(&id),
                "node_type": node_type(&id),
                "tests": sections.map(section).collect::<Vec<_>>(),
            });
            for (key, count) in totals(of_group) {
                whole[format!("total_{key}")] = json!(count);
            }
            whole
        })
        .collect();
    let mut all = json!({});
    for (key, count) in totals(&benchmark.controls) {
        all[format!("total_{key}")] = json!(count);
    }
    write_json(&json!({"Controls": controls, "Totals": all}), out)
}

fn section(answers: &[noun::Answer]) -> Value {
    let first = answers.first();
    let mut out = json!({
        "section": first.map_or("", |answer| &answer.section),
        "type": "",
        "desc": first.map_or("", |answer| &answer.section_title),
        "results": answers.iter().map(result).collect::<Vec<_>>(),
    });
    for (key, count) in totals(answers) {
        out[key] = json!(count);
    }
    out
}

fn result(answer: &noun::Answer) -> Value {
    let seen = answer.evidence.iter();
    let actual: Vec<String> = seen
        .map(|one| format!("{}: {}", one.object, one.value))
        .collect();
    let missing: Vec<&str> = answer.missing.iter().map(|gap| &*gap.what).collect();
    json!({
        "test_number": &*answer.number,
        "test_desc": &*answer.title,
        "audit": "",
        "AuditEnv": "",
        "AuditConfig": "",
        "type": if answer.state == State::Manual { "manual" } else { "" },
        "remediation": &*answer.remediation,
        "test_info": [&*answer.remediation],
        "status": status(answer.state),
        "actual_value": actual.join("; "),
        "scored": answer.state != State::Manual,
        "IsMultiple": false,
        "expected_result": &*answer.title,
        "reason": missing.join("; "),
    })
}

const fn status(state: State) -> &'static str {
    match state {
        State::Pass => "PASS",
        State::Fail => "FAIL",
        State::Unknown | State::Manual => "WARN",
        State::NotApplicable => "INFO",
    }
}

fn totals(answers: &[noun::Answer]) -> [(&'static str, usize); 4] {
    ["PASS", "FAIL", "WARN", "INFO"].map(|word| {
        let same = answers.iter().filter(|answer| status(answer.state) == word);
        let key = match word {
            "PASS" => "pass",
            "FAIL" => "fail",
            "WARN" => "warn",
            _ => "info",
        };
        (key, same.count())
    })
}

fn group_title(id: &str) -> &'static str {
    match id {
        "1" => "Control plane components",
        "2" => "etcd",
        "3" => "Control plane configuration",
        "4" => "Worker nodes",
        "5" => "Policies",
        _ => "",
    }
}

fn node_type(id: &str) -> &'static str {
    match id {
        "1" => "master",
        "2" => "etcd",
        "3" => "controlplane",
        "4" => "node",
        _ => "policies",
    }
}
