//! The GitHub Action in `deploy/ci/github`, step by step as the runner runs it: expressions first, then bash with the
//! step's variables, outputs read from the file that the step writes.

use crate::pipeline::{EXPAT, OPENSSL, OPENSSL_FIXED, ZLIB, home, image};
use crate::runner::Home;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Inputs of the action that it stands in for; a workflow names any of them.
const THEIRS: &[&str] = &[
    "artifact-type",
    "cache",
    "cache-dir",
    "docker-host",
    "exit-code",
    "format",
    "github-pat",
    "hide-progress",
    "ignore-policy",
    "ignore-unfixed",
    "image-ref",
    "input",
    "limit-severities-for-sarif",
    "list-all-pkgs",
    "output",
    "scan-ref",
    "scan-type",
    "scanners",
    "security-checks",
    "severity",
    "skip-dirs",
    "skip-files",
    "skip-setup-trivy",
    "template",
    "tf-vars",
    "timeout",
    "token-setup-trivy",
    "trivy-config",
    "trivyignores",
    "version",
    "vuln-type",
];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../deploy/ci/github")
        .canonicalize()
        .unwrap()
}

fn action() -> Value {
    let text = std::fs::read_to_string(folder().join("action.yml")).unwrap();
    serde_saphyr::from_str(&text).unwrap()
}

fn steps(action: &Value) -> &Vec<Value> {
    action["runs"]["steps"].as_array().unwrap()
}

/// What a job of the action left.
struct Job {
    code: i32,
    log: String,
    outputs: BTreeMap<String, String>,
    summary: String,
}

/// Runs the steps that are shell; caches are what the folder holds.
fn run(home: &Home, base: Option<&str>, with: &[(&str, &str)]) -> Job {
    let action = action();
    let workspace = home.folder.path().canonicalize().unwrap();
    let workspace = workspace.to_str().unwrap();
    let mut known: BTreeMap<String, String> = BTreeMap::new();
    for (name, input) in action["inputs"].as_object().unwrap() {
        let default = input["default"].as_str().unwrap_or("");
        known.insert(format!("inputs.{name}"), default.to_owned());
    }
    for (name, value) in [
        ("binary", env!("CARGO_BIN_EXE_plimsoll")),
        ("db", "data/plimsoll/db"),
        ("max-db-age", "30"),
    ]
    .iter()
    .chain(with)
    {
        let key = format!("inputs.{name}");
        assert!(known.contains_key(&key), "{name} is no input");
        known.insert(key, (*value).to_owned());
    }
    known.insert("github.workspace".into(), workspace.to_owned());
    known.insert(
        "github.action_path".into(),
        folder().to_str().unwrap().to_owned(),
    );
    let cache = evaluated(&known["inputs.cache-dir"], &known);
    known.insert("inputs.cache-dir".into(), cache);
    let mut job = Job {
        code: 0,
        log: String::new(),
        outputs: BTreeMap::new(),
        summary: String::new(),
    };
    for step in steps(&action).iter().filter(|step| step["run"].is_string()) {
        home.write("output", "");
        home.write("summary", "");
        let mut command = Command::new("bash");
        command
            .args(["--noprofile", "--norc", "-eo", "pipefail", "-c"])
            .arg(step["run"].as_str().unwrap())
            .current_dir(workspace)
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("HOME", workspace)
            .env("SOURCE_DATE_EPOCH", "1786881600")
            .env("RUNNER_TEMP", std::env::temp_dir())
            .env("GITHUB_OUTPUT", home.path("output"))
            .env("GITHUB_STEP_SUMMARY", home.path("summary"))
            .env("GITHUB_REF_NAME", base.map_or("main", |_| "7/merge"))
            .env("GITHUB_BASE_REF", base.unwrap_or(""))
            .env("RUNNER_TEMP", workspace)
            .stdin(Stdio::null());
        for (name, value) in step["env"].as_object().unwrap() {
            command.env(name, evaluated(value.as_str().unwrap(), &known));
        }
        let ran = command.output().unwrap();
        job.log.push_str(&String::from_utf8(ran.stdout).unwrap());
        job.log.push_str(&String::from_utf8(ran.stderr).unwrap());
        job.code = ran.status.code().unwrap();
        for line in String::from_utf8(home.read("output")).unwrap().lines() {
            let (name, value) = line.split_once('=').unwrap();
            let id = step["id"].as_str().unwrap();
            known.insert(format!("steps.{id}.outputs.{name}"), value.to_owned());
            job.outputs.insert(name.to_owned(), value.to_owned());
        }
        job.summary
            .push_str(&String::from_utf8(home.read("summary")).unwrap());
        if job.code != 0 {
            break;
        }
    }
    job
}

/// `${{ NAME }}` replaced by what is known under that name.
fn evaluated(text: &str, known: &BTreeMap<String, String>) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${{") {
        let (name, after) = after.split_once("}}").unwrap();
        let name = name.trim();
        out.push_str(before);
        out.push_str(
            known
                .get(name)
                .unwrap_or_else(|| panic!("{name} is not known")),
        );
        rest = after;
    }
    out.push_str(rest);
    out
}

#[test]
fn the_inputs_are_those_of_the_action_that_it_stands_in_for() {
    let action = action();
    let inputs = action["inputs"].as_object().unwrap();
    for name in THEIRS {
        assert!(inputs.contains_key(*name), "{name}");
    }
    let used = serde_json::to_string(&action["runs"]).unwrap();
    for name in inputs.keys() {
        assert!(
            used.contains(&format!("inputs.{name}")),
            "{name} is used nowhere"
        );
    }
    for step in steps(&action) {
        let run = step["run"].as_str().unwrap_or("");
        assert!(
            !run.contains("${{"),
            "an expression is pasted into a shell: {run}"
        );
        if let Some(uses) = step["uses"].as_str() {
            let (_, commit) = uses.split_once('@').unwrap();
            assert_eq!(commit.len(), 40, "{uses} is not pinned by commit");
        }
    }
    let image = action["inputs"]["plimsoll-image"]["default"]
        .as_str()
        .unwrap();
    assert!(image.is_empty() || image.contains("@sha256:"), "{image}");
}

/// The common step: SARIF of critical and high ones, exit code 1 if there is any.
#[test]
fn the_common_step() {
    let home = home();
    image(&home, "bad.tar", &[OPENSSL, ZLIB]);
    image(&home, "good.tar", &[OPENSSL_FIXED, ZLIB]);
    for (input, expected) in [("bad.tar", 1), ("good.tar", 0)] {
        let job = run(
            &home,
            None,
            &[
                ("input", input),
                ("format", "sarif"),
                ("output", "results.sarif"),
                ("severity", "CRITICAL,HIGH"),
                ("exit-code", "1"),
                ("ignore-unfixed", "true"),
                ("vuln-type", "os,library"),
            ],
        );
        assert_eq!(job.code, expected, "{input}: {}", job.log);
        assert_eq!(job.outputs["exit-code"], expected.to_string());
        let sarif: Value = serde_json::from_slice(&home.read("results.sarif")).unwrap();
        assert_eq!(sarif["version"], "2.1.0");
        let text = sarif.to_string();
        assert_eq!(text.contains("CVE-2024-0001"), expected == 1, "{input}");
        assert!(
            job.summary.contains("Plimsoll") || !job.summary.is_empty(),
            "no summary"
        );
    }
}

#[test]
fn what_is_not_there_is_refused_by_its_name() {
    let home = home();
    image(&home, "good.tar", &[OPENSSL_FIXED]);
    for (name, value, told) in [
        ("skip-dirs", "usr", "--skip-dirs"),
        ("skip-files", "a", "--skip-files"),
        ("ignore-policy", "p.rego", "--ignore-policy"),
        ("tf-vars", "v.tfvars", "--tf-vars"),
        ("github-pat", "token", "github-pat"),
        ("scan-type", "config", "config"),
        ("format", "github", "github"),
        ("baseline", "none.plimsoll", "none.plimsoll"),
        ("binary", "/nowhere", "/nowhere"),
    ] {
        let job = run(&home, None, &[("input", "good.tar"), (name, value)]);
        assert_eq!(job.code, 2, "{name}: {}", job.log);
        let error = job.log.lines().find(|line| line.starts_with("::error"));
        assert!(
            error.is_some_and(|line| line.contains(told)),
            "{name}: {}",
            job.log
        );
    }
    for (name, value) in [
        ("version", "v0.68.1"),
        ("list-all-pkgs", "true"),
        ("timeout", "10m"),
    ] {
        let job = run(&home, None, &[("input", "good.tar"), (name, value)]);
        assert_eq!(job.code, 0, "{name}: {}", job.log);
        let told = |line: &str| {
            line.starts_with("::notice") && line.contains(name) && line.contains("no effect")
        };
        assert!(job.log.lines().any(told), "{name}: {}", job.log);
    }
}

/// A program comes from an image with a digest, or from the runner; never from a name alone.
#[test]
fn nothing_runs_that_is_not_pinned() {
    let home = home();
    for (image, told) in [
        ("", "no release is pinned"),
        ("ghcr.io/a/plimsoll:1", "not pinned by its digest"),
        ("ghcr.io/a/plimsoll@sha256:12", "not pinned by its digest"),
        (
            "$(touch here)@sha256:0000000000000000000000000000000000000000000000000000000000000000",
            "not pinned",
        ),
    ] {
        let job = run(&home, None, &[("binary", ""), ("plimsoll-image", image)]);
        assert_eq!(job.code, 2, "{image}: {}", job.log);
        assert!(job.log.contains(told), "{image}: {}", job.log);
    }
    assert!(!home.path("here").exists());
}

/// Inputs are text, whatever is in them.
#[test]
fn inputs_are_never_shell() {
    let home = home();
    let evil = "x$(touch owned)`touch owned`;touch owned\" --save=owned";
    for name in [
        "image-ref",
        "input",
        "severity",
        "format",
        "output",
        "trivyignores",
        "gate",
        "scanners",
        "template",
    ] {
        let job = run(&home, None, &[("image-ref", ""), (name, evil)]);
        assert_ne!(job.code, 0, "{name}: {}", job.log);
        assert!(!home.path("owned").exists(), "{name}: {}", job.log);
    }
}

/// Without an exit code the gate looks at what is new against the base branch, by the same database.
#[test]
fn the_gate_compares_with_the_base_branch() {
    let home = home();
    image(&home, "app.tar", &[OPENSSL, ZLIB]);
    let first = run(&home, None, &[("input", "app.tar")]);
    assert_eq!(first.code, 1, "{}", first.log);
    assert!(
        first
            .log
            .contains("no bundle of the base branch yet, so everything counts as new"),
        "{}",
        first.log
    );
    let kept = home.read(
        first.outputs["bundle"]
            .strip_prefix(home.folder.path().canonicalize().unwrap().to_str().unwrap())
            .unwrap()
            .trim_start_matches('/'),
    );
    let restore = |job: &Job| std::fs::write(&job.outputs["bundle"], &kept).unwrap();

    let same = run(&home, Some("main"), &[("input", "app.tar")]);
    assert_eq!(same.code, 0, "{}", same.log);
    assert_eq!(same.outputs["base-key"], first.outputs["base-key"]);
    restore(&same);

    image(&home, "app.tar", &[OPENSSL, ZLIB, EXPAT]);
    let worse = run(&home, Some("main"), &[("input", "app.tar")]);
    assert_eq!(worse.code, 1, "{}", worse.log);
    assert!(worse.log.contains("CVE-2024-0003"), "{}", worse.log);
    restore(&worse);

    for (gate, expected) in [("none", 0), ("kev", 0), ("critical", 1)] {
        let job = run(&home, Some("main"), &[("input", "app.tar"), ("gate", gate)]);
        assert_eq!(job.code, expected, "{gate}: {}", job.log);
        restore(&job);
    }
    let other = run(&home, Some("release"), &[("input", "app.tar")]);
    assert_eq!(
        other.code, 1,
        "another branch has another bundle: {}",
        other.log
    );
}
