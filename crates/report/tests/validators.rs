//! What we write, judged by others: JSON Schema, SARIF with GitHub's rules, CycloneDX, SPDX, OpenVEX, JUnit, HTML,
//! Markdown, and a real browser with axe. Tools come from PLIMSOLL_TOOLS (`cargo xtask test --install` brings
//! them); where one is absent its trials are ignored with a notice, or fail if
//! PLIMSOLL_REQUIRE has `validators`.
#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    clippy::too_many_arguments,
    clippy::print_stderr,
    reason = "a test may fail; samples are small; a skipped trial is said"
)]

#[path = "it/sample.rs"]
mod sample;

use libtest_mimic::{Arguments, Failed, Trial};
use model::assessment::Assessment;
use report::sarif::SarifOptions;
use report::{View, cyclonedx, github, html, json, junit, markdown, openvex, paths, sarif, spdx};
use std::env;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::Arc;

type Outcome = Result<(), Failed>;

/// The tools, and the files that they judge.
struct Place {
    tools: PathBuf,
    node_modules: PathBuf,
    samples: PathBuf,
}

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let place = Arc::new(place());
    let trials = [
        trial(
            &place,
            "json_fits_its_schema",
            &[JSONSCHEMA],
            json_fits_its_schema,
        ),
        trial(
            &place,
            "sarif_keeps_github_rules",
            &[MULTITOOL],
            sarif_keeps_github_rules,
        ),
        trial(
            &place,
            "cyclonedx_fits_its_schema",
            &["venv/bin/python", CYCLONEDX],
            cyclonedx_fits_its_schema,
        ),
        trial(&place, "spdx_is_valid", &[SPDX], spdx_is_valid),
        trial(
            &place,
            "openvex_is_valid",
            &["venv/bin/python", VEXIPY],
            openvex_is_valid,
        ),
        trial(&place, "junit_adds_up", &[JUNIT], junit_adds_up),
        trial(
            &place,
            "html_is_valid",
            &["npm:html-validate"],
            html_is_valid,
        ),
        trial(
            &place,
            "markdown_is_tidy",
            &["npm:markdownlint-cli2"],
            markdown_is_tidy,
        ),
        trial(
            &place,
            "markdown_is_harmless",
            &["npm:markdown-it"],
            markdown_is_harmless,
        ),
        trial(&place, "html_in_a_browser", BROWSER, html_in_a_browser),
        trial(
            &place,
            "paths_fit_their_schema",
            &[JSONSCHEMA],
            paths_fit_their_schema,
        ),
        trial(
            &place,
            "drawings_are_well_formed",
            &["venv/bin/python"],
            drawings_are_well_formed,
        ),
        trial(
            &place,
            "drawings_in_a_browser",
            BROWSER,
            drawings_in_a_browser,
        ),
    ];
    let conclusion = libtest_mimic::run(&arguments, trials.into());
    conclusion.exit_code()
}

const JSONSCHEMA: &str = "venv/bin/check-jsonschema";
/// A package of Python, by its own name, wherever the version of Python puts it.
const CYCLONEDX: &str = "python:cyclonedx";
const VEXIPY: &str = "python:vexipy";
const SPDX: &str = "venv/bin/pyspdxtools";
const JUNIT: &str = "venv/bin/junitparser";
const MULTITOOL: &str = "npm:@microsoft/sarif-multitool-linux/Sarif.Multitool";
const BROWSER: &[&str] = &["npm:axe-core", "npm:playwright-core", "/usr/bin/chromium"];

fn place() -> Place {
    let cache = || {
        env::var_os("XDG_CACHE_HOME")
            .map(PathBuf::from)
            .or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(".cache")))
            .unwrap_or_default()
            .join("plimsoll-tools")
    };
    let tools = env::var_os("PLIMSOLL_TOOLS").map_or_else(cache, PathBuf::from);
    let inside = tools.join("npm/node_modules");
    Place {
        node_modules: if inside.is_dir() {
            inside
        } else {
            tools.join("node_modules")
        },
        tools,
        samples: Path::new(env!("CARGO_TARGET_TMPDIR")).join("report-samples"),
    }
}

fn trial(
    place: &Arc<Place>,
    name: &'static str,
    needs: &'static [&'static str],
    check: fn(&Place) -> Outcome,
) -> Trial {
    let missing: Vec<String> = needs
        .iter()
        .map(|need| place.path(need))
        .filter(|path| !path.exists())
        .map(|path| path.display().to_string())
        .collect();
    let required = testkit::required("validators");
    if missing.is_empty() {
        let place = Arc::clone(place);
        return Trial::test(name, move || {
            fs::create_dir_all(&place.samples)?;
            check(&place)
        });
    }
    let text = format!(
        "{name} needs {}: cargo xtask test --install",
        missing.join(", ")
    );
    if required {
        return Trial::test(name, move || Err(text.into()));
    }
    eprintln!("skipped: {text}");
    Trial::test(name, || Ok(())).with_ignored_flag(true)
}

impl Place {
    fn path(&self, tool: &str) -> PathBuf {
        if let Some(package) = tool.strip_prefix("python:") {
            let library = self.tools.join("venv/lib");
            let versions = fs::read_dir(&library).into_iter().flatten().flatten();
            let mut found = versions.map(|v| v.path().join("site-packages").join(package));
            return found
                .find(|path| path.is_dir())
                .unwrap_or_else(|| library.join(package));
        }
        match tool.strip_prefix("npm:") {
            Some(package) => self.node_modules.join(package),
            None => self.tools.join(tool),
        }
    }

    /// Writes the sample Assessments in one format.
    fn write(
        &self,
        ending: &str,
        all: &[(&str, Assessment)],
        write: impl Fn(&View, &mut dyn Write) -> io::Result<()>,
    ) -> Result<Vec<PathBuf>, Failed> {
        let mut paths = Vec::new();
        for (name, assessment) in all {
            for redact_names in [false, true] {
                if redact_names && !matches!(*name, "shop" | "hostile" | "image") {
                    continue;
                }
                let verdict = sample::failed();
                let view = View {
                    redact_names,
                    ..sample::view(assessment, &verdict)
                };
                let redacted = if redact_names { "-redacted" } else { "" };
                let path = self.samples.join(format!("{name}{redacted}{ending}"));
                let mut out = Vec::new();
                write(&view, &mut out)?;
                fs::write(&path, out)?;
                paths.push(path);
            }
        }
        Ok(paths)
    }
}

fn samples() -> Vec<(&'static str, Assessment)> {
    vec![
        ("shop", sample::shop()),
        ("hostile", sample::hostile()),
        ("empty", sample::empty()),
        ("image", sample::image()),
        ("rootfs", sample::rootfs()),
        ("clean", sample::clean()),
        ("hostile-image", sample::hostile_image()),
        ("generated", sample::generated(6_000)),
    ]
}

/// Those that a slow validator can read.
fn small() -> Vec<(&'static str, Assessment)> {
    let mut all = samples();
    all.pop();
    all
}

/// Runs a validator; its exit code and all it said.
fn run(command: &mut Command) -> Result<(bool, String), Failed> {
    let output = command
        .output()
        .map_err(|error| format!("{command:?}: {error}"))?;
    let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.push_str(&String::from_utf8_lossy(&output.stderr));
    Ok((output.status.success(), text))
}

fn succeeds(command: &mut Command) -> Outcome {
    match run(command)? {
        (true, _) => Ok(()),
        (false, text) => Err(text.into()),
    }
}

/// The schema is one; the good files fit it, and none of the bad ones does.
fn fit(place: &Place, schema: &str, good: &[PathBuf], bad: &[PathBuf]) -> Outcome {
    let schemas = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/schema");
    let schema = Path::new(schemas).join(schema);
    let validator = || Command::new(place.path(JSONSCHEMA));
    let check = |files: &[PathBuf]| {
        let mut check = validator();
        run(check.arg("--schemafile").arg(&schema).args(files))
    };
    succeeds(validator().arg("--check-metaschema").arg(&schema))?;
    if let (false, said) = check(good)? {
        return Err(said.into());
    }
    for file in bad {
        if check(std::slice::from_ref(file))?.0 {
            return Err(format!("{} fits the schema", file.display()).into());
        }
    }
    Ok(())
}

fn json_fits_its_schema(place: &Place) -> Outcome {
    let good = place.write(".json", &samples(), json::write)?;
    let bad = broken(place, "shop.json", &[("\"formatVersion\":1,", "")])?;
    fit(place, "report-v1.json", &good, &bad)
}

/// Its exit code is 0 with errors too, so its words count. Rules of kind `Sarif` would look up
/// `helpUri`s in the network; a proxy that is not there keeps it from that.
fn sarif_keeps_github_rules(place: &Place) -> Outcome {
    let write =
        |view: &View, out: &mut dyn Write| sarif::write(view, &SarifOptions::default(), out);
    let mut files = place.write(".sarif", &samples(), write)?;
    let (shop, verdict) = (sample::shop(), sample::failed());
    let folder = place.samples.join("split");
    let _ = fs::remove_dir_all(&folder);
    let view = sample::view(&shop, &verdict);
    files.extend(sarif::split(&view, &SarifOptions::default(), &folder)?);
    let wrong = place.samples.join("wrong.sarif");
    let text = fs::read_to_string(place.samples.join("shop.sarif"))?;
    fs::write(&wrong, text.replace("\"message\":", "\"massage\":"))?;
    for (file, good) in files.iter().map(|f| (f, true)).chain([(&wrong, false)]) {
        let (_, said) = run(Command::new(place.path(MULTITOOL))
            .env("DOTNET_SYSTEM_GLOBALIZATION_INVARIANT", "1")
            .envs(["HTTP_PROXY", "HTTPS_PROXY"].map(|name| (name, "http://127.0.0.1:9")))
            .arg("validate")
            .arg(file)
            .args(["--rule-kind", "Ghas;Sarif"]))?;
        let errors: Vec<&str> = said
            .lines()
            .filter(|line| {
                [": error ", ": warning "]
                    .iter()
                    .any(|word| line.contains(word))
            })
            .filter(|line| !ACCEPTED.iter().any(|rule| line.contains(rule)))
            .collect();
        if errors.is_empty() != good || !said.contains("Analysis completed") {
            return Err(format!("{}:\n{said}", file.display()).into());
        }
    }
    Ok(())
}

/// SARIF2005 wants a page about the tool, which has none yet.
const ACCEPTED: &[&str] = &["SARIF2005"];

/// Says `valid FILE` or `invalid FILE: why` of each file.
const EACH: &str = r#"
import sys
for file in sys.argv[1:]:
    try:
        judge(file)
        print("valid " + file)
    except Exception as error:
        print(f"invalid {file}: {str(error)[:300]!r}")
"#;

/// Runs a script whose `judge(file)` raises an error for each bad file.
fn judged(place: &Place, script: &str, good: &[PathBuf], bad: &[PathBuf]) -> Outcome {
    let (succeeded, said) = run(Command::new(place.path("venv/bin/python"))
        .args(["-W", "ignore", "-c", &format!("{script}{EACH}")])
        .args(good)
        .args(bad))?;
    let with = |word: &str, files: &[PathBuf]| {
        let line = |file: &PathBuf| format!("{word} {}", file.display());
        files
            .iter()
            .map(line)
            .filter(|line| !said.lines().any(|l| l.starts_with(&**line)))
            .count()
    };
    if !succeeded || with("valid", good) > 0 || with("invalid", bad) > 0 {
        return Err(said.into());
    }
    Ok(())
}

/// Copies of a good file with one text replaced.
fn broken(place: &Place, file: &str, wrong: &[(&str, &str)]) -> Result<Vec<PathBuf>, Failed> {
    let text = fs::read_to_string(place.samples.join(file))?;
    let mut paths = Vec::new();
    for (number, (from, to)) in wrong.iter().enumerate() {
        if !text.contains(from) {
            return Err(format!("{file} does not contain {from}").into());
        }
        let path = place.samples.join(format!("broken-{number}-{file}"));
        fs::write(&path, text.replacen(from, to, 1))?;
        paths.push(path);
    }
    Ok(paths)
}

/// Against the strict schema, and as a graph: every dependency is a component.
fn cyclonedx_fits_its_schema(place: &Place) -> Outcome {
    let mut all = small();
    all.push(("large-image", sample::large_image(500)));
    let good = place.write(".cdx.json", &all, cyclonedx::write)?;
    let bad = broken(
        place,
        "image.cdx.json",
        &[
            ("\"bomFormat\":\"CycloneDX\"", "\"bomFormat\":\"Cyclone\""),
            ("urn:uuid:", "urn:uid:"),
            ("\"type\":\"library\"", "\"type\":\"book\""),
            ("\"severity\":\"high\"", "\"severity\":\"hot\""),
            ("\"state\":\"not_affected\"", "\"state\":\"ignored\""),
            ("\"id\":\"Apache-2.0\"", "\"id\":\"Apache 2\""),
        ],
    )?;
    let script = r#"
import json
from cyclonedx.model.bom import Bom
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
validator = JsonStrictValidator(SchemaVersion.V1_6)
def judge(file):
    text = open(file, encoding="utf-8").read()
    error = validator.validate_str(text)
    assert error is None, error
    Bom.from_json(json.loads(text)).validate()
"#;
    judged(place, script, &good, &bad)
}

/// `pyspdxtools` says nothing of a valid file and exits with 0.
fn spdx_is_valid(place: &Place) -> Outcome {
    let good = place.write(".spdx.json", &small(), spdx::write)?;
    let bad = broken(
        place,
        "image.spdx.json",
        &[
            (
                "\"relationshipType\":\"DESCRIBES\"",
                "\"relationshipType\":\"PRAISES\"",
            ),
            (
                "\"SPDXID\":\"SPDXRef-Package-1\"",
                "\"SPDXID\":\"Package_1\"",
            ),
            ("Organization: Debian", "Debian"),
            ("Apache-2.0 AND ", "Apache-2.0 OTHER "),
            ("2026-11-23T04:00:00Z", "yesterday"),
        ],
    )?;
    for (file, valid) in good
        .iter()
        .map(|f| (f, true))
        .chain(bad.iter().map(|f| (f, false)))
    {
        let (succeeded, said) = run(Command::new(place.path(SPDX)).arg("-i").arg(file))?;
        let silent = said.trim().is_empty();
        if (succeeded && silent) != valid {
            return Err(format!("{}: expected valid = {valid}:\n{said}", file.display()).into());
        }
    }
    Ok(())
}

/// The specification's rules on statements, statuses and IRIs.
fn openvex_is_valid(place: &Place) -> Outcome {
    // Without a vulnerability there is no document.
    let stated: Vec<_> = samples()
        .into_iter()
        .filter(|(_, all)| {
            let lists = [&all.findings, &all.suppressed, &all.unjoined];
            lists.iter().any(|list| !list.is_empty())
        })
        .collect();
    let good = place.write(".vex.json", &stated, openvex::write)?;
    let bad = broken(
        place,
        "image.vex.json",
        &[
            ("\"justification\":\"vulnerable_code_not_present\",", ""),
            (
                "\"justification\":\"vulnerable_code_not_present\"",
                "\"justification\":\"because\"",
            ),
            ("\"action_statement\":", "\"other_statement\":"),
            ("\"status\":\"affected\"", "\"status\":\"afflicted\""),
            ("\"@id\":\"pkg:oci/", "\"@id\":\"<pkg:oci> "),
            ("\"author\":\"Plimsoll\",", ""),
        ],
    )?;
    let script = r#"
import json
from vexipy import Document
KEYS = {"@id", "version", "vulnerability", "timestamp", "last_updated", "products", "status", "supplier",
        "status_notes", "justification", "impact_statement", "action_statement", "action_statement_timestamp"}
def judge(file):
    text = open(file, encoding="utf-8").read()
    Document.from_json(text)
    for one in json.loads(text)["statements"]:
        strange = set(one) - KEYS
        assert not strange, strange
        assert ("justification" in one) + ("impact_statement" in one) == (one["status"] == "not_affected")
"#;
    judged(place, script, &good, &bad)
}

/// Read by a parser of the common form; the sums that a suite claims are those of its cases.
fn junit_adds_up(place: &Place) -> Outcome {
    let good = place.write(".junit.xml", &samples(), junit::write)?;
    let bad = broken(
        place,
        "image.junit.xml",
        &[
            (
                "<testsuite name=\"gate\" tests=\"2\"",
                "<testsuite name=\"gate\" tests=\"3\"",
            ),
            ("failures=\"7\"", "failures=\"0\""),
            ("message=\"over", "message=\"\u{1b}over"),
            ("</testcase>", ""),
            ("<failure ", "<failing "),
        ],
    )?;
    let script = r"
from junitparser import JUnitXml, Error, Failure, Skipped
def judge(file):
    suites = JUnitXml.fromfile(file)
    totals = [0, 0, 0, 0]
    for suite in suites:
        cases = list(suite)
        count = lambda kind: sum(isinstance(r, kind) for case in cases for r in case.result)
        own = [len(cases), count(Failure), count(Error), count(Skipped)]
        said = [suite.tests, suite.failures, suite.errors, suite.skipped]
        assert own == said, (suite.name, own, said)
        assert all(case.name and case.classname for case in cases)
        totals = [a + b for a, b in zip(totals, own)]
    said = [suites.tests, suites.failures, suites.errors, suites.skipped]
    assert totals == said, (totals, said)
";
    judged(place, script, &good, &bad)
}

fn html_is_valid(place: &Place) -> Outcome {
    let files = place.write(".html", &samples(), html::write)?;
    let settings = place.samples.join("htmlvalidate.json");
    fs::write(
        &settings,
        r#"{"root": true, "extends": ["html-validate:recommended"], "rules": {"long-title": "off", "doctype-style": "off", "void-style": "off", "no-trailing-whitespace": "off"}}"#,
    )?;
    succeeds(
        Command::new("node")
            .arg(place.path("npm:html-validate/bin/html-validate.mjs"))
            .arg("--config")
            .arg(settings)
            .args(files),
    )
}

fn markdown_is_tidy(place: &Place) -> Outcome {
    place.write(".md", &samples(), markdown::write)?;
    place.write(".summary.md", &samples(), github::write)?;
    // Off: line length, a heading at the very top, folded parts are HTML, numbers in code.
    fs::write(
        place.samples.join(".markdownlint-cli2.yaml"),
        "config:\n  MD013: false\n  MD041: false\n  MD033: {allowed_elements: [details, summary]}\n",
    )?;
    succeeds(
        Command::new("node")
            .arg(place.path("npm:markdownlint-cli2/markdownlint-cli2-bin.mjs"))
            .arg("*.md")
            .current_dir(&place.samples),
    )
}

/// Rendered with raw HTML and autolinks on, a hostile comment has no element of the attacker's.
fn markdown_is_harmless(place: &Place) -> Outcome {
    let hostile = [
        ("hostile", sample::hostile()),
        ("hostile-image", sample::hostile_image()),
    ];
    let mut files = place.write(".md", &hostile, markdown::write)?;
    files.extend(place.write(".summary.md", &hostile, github::write)?);
    let script = r#"
        import { createRequire } from "node:module";
        import { readFileSync } from "node:fs";
        const require = createRequire(process.argv[2] + "/");
        const found = require("markdown-it");
        const render = (found.default || found)({ html: true, linkify: true });
        for (const file of process.argv.slice(3)) {
          const html = render.render(readFileSync(file, "utf8")).replace(/<code[^>]*>[^<]*<\/code>/g, "");
          const bad = html.match(/<(img|script|a|iframe|svg|style)\b[^>]*>|@here/g);
          const shows = file.includes("redacted") || html.includes("&lt;img");
          if (bad || !shows) { console.log(file, bad, html); process.exit(1); }
        }
    "#;
    let path = place.samples.join("render.mjs");
    fs::write(&path, script)?;
    succeeds(
        Command::new("node")
            .arg(path)
            .arg(&place.node_modules)
            .args(files),
    )
}

fn html_in_a_browser(place: &Place) -> Outcome {
    let mut all = samples();
    all.truncate(3);
    all.push(("large", sample::generated(25_000)));
    let mut files = place.write(".html", &all, html::write)?;
    files.retain(|file| !file.to_string_lossy().contains("redacted"));
    in_a_browser(place, "browser.mjs", &files)
}

fn in_a_browser(place: &Place, script: &str, files: &[PathBuf]) -> Outcome {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    succeeds(
        Command::new("node")
            .arg(tests.join(script))
            .arg(&place.node_modules)
            .arg("/usr/bin/chromium")
            .args(files),
    )
}

fn paths_fit_their_schema(place: &Place) -> Outcome {
    let verdict = sample::passed();
    let mut files = Vec::new();
    for (name, (assessment, routes)) in sample::all_paths() {
        let file = place.samples.join(format!("{name}.paths.json"));
        let mut out = Vec::new();
        paths::json(
            &sample::view(&assessment, &verdict),
            &routes,
            None,
            &mut out,
        )?;
        fs::write(&file, out)?;
        files.push(file);
    }
    let wrong = broken(
        place,
        "paths-one.paths.json",
        &[
            ("\"formatVersion\":1,", ""),
            ("\"tool\":\"plimsoll\"", "\"tool\":\"other\""),
            ("\"changeable\":[", "\"changes\":["),
        ],
    )?;
    fit(place, "paths-v1.json", &files, &wrong)
}

/// The drawings of all samples of paths.
fn drawings(place: &Place, ending: &str) -> Result<Vec<PathBuf>, Failed> {
    let all: Vec<(&str, Assessment)> = sample::all_paths()
        .into_iter()
        .map(|(name, (assessment, _))| (name, assessment))
        .collect();
    let write = |view: &View, out: &mut dyn Write| {
        let view = View { top: 0, ..*view };
        paths::svg(&view, out)
    };
    place.write(ending, &all, write)
}

/// Read by a parser that keeps to XML 1.0.
fn drawings_are_well_formed(place: &Place) -> Outcome {
    let good = drawings(place, ".svg")?;
    let bad = broken(
        place,
        "paths-one.svg",
        &[
            ("</g>", ""),
            ("class=\"ground\"", "class=ground"),
            ("<title", "\u{1}<title"),
            ("</svg>", "&copy;</svg>"),
        ],
    )?;
    let script = r#"
from xml.etree import ElementTree
def judge(file):
    root = ElementTree.parse(file).getroot()
    assert root.tag == "{http://www.w3.org/2000/svg}svg", root.tag
    names = {element.tag.split("}")[1] for element in root.iter()}
    assert not names & {"script", "a", "image", "foreignObject", "use"}, names
"#;
    judged(place, script, &good, &bad)
}

fn drawings_in_a_browser(place: &Place) -> Outcome {
    let files = drawings(place, ".seen.svg")?;
    in_a_browser(place, "drawings.mjs", &files)
}
