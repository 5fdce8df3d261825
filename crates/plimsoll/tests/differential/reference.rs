//! The main job of part two, whole: a real image in a real registry, scanned by its reference, to a queue. What must
//! come out is true of these versions for ever: old flaws of old packages, where they lie, and what mends them.

use crate::root::{self, LAYERS, configuration};
use crate::runner::Ran;
use crate::trial;
use libtest_mimic::Trial;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::LazyLock;
use testkit::registry::Registry;

/// A flaw that was published for a version, with the version that mends it.
struct Flaw {
    package: &'static str,
    version: &'static str,
    id: &'static str,
    fixed: &'static str,
}

const fn flaw(
    package: &'static str,
    version: &'static str,
    id: &'static str,
    fixed: &'static str,
) -> Flaw {
    Flaw {
        package,
        version,
        id,
        fixed,
    }
}

const FLAWS: &[Flaw] = &[
    flaw("axios", "0.21.0", "CVE-2021-3749", "0.21.2"),
    flaw("django", "3.2", "CVE-2022-28346", "3.2.13"),
    flaw("jinja2", "2.10", "CVE-2019-10906", "2.10.1"),
    flaw("lodash", "4.17.20", "CVE-2021-23337", "4.17.21"),
    flaw("regex", "1.5.4", "CVE-2022-24713", "1.5.5"),
    flaw("requests", "2.19.1", "CVE-2018-18074", "2.20.0"),
    flaw("smallvec", "1.6.0", "CVE-2021-25900", "1.6.1"),
    flaw("stdlib", "1.17.2", "CVE-2022-23806", "1.17.7"),
    flaw("urllib3", "1.24.1", "CVE-2021-33503", "1.26.5"),
];

/// The image in its registry, and the database of all feeds.
struct Pushed {
    registry: Registry,
    /// Of its manifest.
    digest: String,
}

static PUSHED: LazyLock<Pushed> = LazyLock::new(|| {
    let home = &LAYERS.home;
    let registry = Registry::start().expect("the trial needs it");
    let layers = [home.read("base.tar"), home.read("app.tar")];
    let digest = registry.image("harbour/shop", Some("1.0"), &layers, &configuration());
    let feeds = testkit::shared("feeds").expect("the trial needs them");
    let feeds = feeds.canonicalize().unwrap();
    home.run(&["db", "build", "--from", feeds.to_str().unwrap()])
        .done();
    Pushed { registry, digest }
});

static REPORT: LazyLock<Value> = LazyLock::new(|| {
    let ran = scan(&["--format", "json"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    serde_json::from_slice(&ran.stdout).unwrap()
});

fn scan(more: &[&str]) -> Ran {
    let host = &PUSHED.registry.host;
    let reference = format!("{host}/harbour/shop:1.0");
    let scan = ["scan", "image", &reference, "--insecure-registry", host];
    LAYERS.home.run(&[&scan, more].concat()).sound()
}

pub(crate) fn trials() -> Vec<Trial> {
    let needs = [
        root::is_there(),
        ("registry", testkit::registry::available()),
        ("shared", testkit::shared("feeds").is_some()),
    ];
    let checks: [(&str, fn()); 7] = [
        ("reference_names_what_was_scanned", names_what_was_scanned),
        ("reference_and_archive_hold_the_same", holds_the_same),
        ("reference_to_old_flaws", old_flaws),
        ("reference_to_no_mended_flaw", no_mended_flaw),
        ("reference_to_queue", queue),
        ("reference_under_a_gate", gate),
        ("commands_of_the_readme", commands_of_the_readme),
    ];
    checks
        .into_iter()
        .map(|(name, check)| trial(name, &needs, check))
        .collect()
}

fn list<'a>(value: &'a Value, name: &str) -> &'a Vec<Value> {
    value[name]
        .as_array()
        .unwrap_or_else(|| panic!("no {name}"))
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_default()
}

fn names_what_was_scanned() {
    let artifact = &list(&REPORT, "artifacts")[0];
    let host = &PUSHED.registry.host;
    assert_eq!(artifact["name"], format!("{host}/harbour/shop:1.0"));
    let image = &list(&REPORT, "images")[0];
    let digests = list(image, "digests");
    assert!(
        digests.iter().any(|one| *one == PUSHED.digest),
        "{digests:?}"
    );
    let layers: Vec<(&str, &str)> = list(artifact, "layers")
        .iter()
        .map(|layer| (text(layer, "diff_id"), text(layer, "created_by")))
        .collect();
    let expected = [
        (LAYERS.diff_ids[0].as_str(), "ADD minbase / # buildkit"),
        (LAYERS.diff_ids[1].as_str(), "COPY shop / # buildkit"),
    ];
    assert_eq!(layers, expected);
}

fn holds_the_same() {
    let archive = ["scan", "image", "--input", "image.tar", "--format", "json"];
    LazyLock::force(&REPORT);
    let ran = LAYERS.home.run(&archive).sound();
    let archive: Value = serde_json::from_slice(&ran.stdout).unwrap();
    assert_eq!(list(&archive, "packages"), list(&REPORT, "packages"));
    let ids = |report: &Value| -> BTreeSet<(String, String)> {
        let findings = list(report, "findings").iter();
        let of = |one: &Value| (text(one, "id").into(), text(&one["package"], "purl").into());
        findings.map(of).collect()
    };
    assert_eq!(ids(&archive), ids(&REPORT));
}

fn old_flaws() {
    for flaw in FLAWS {
        let found: Vec<&Value> = list(&REPORT, "findings")
            .iter()
            .filter(|finding| finding["package"]["name"] == flaw.package)
            .filter(|finding| finding["package"]["version"] == flaw.version)
            .filter(|finding| finding["id"] == flaw.id)
            .collect();
        let [finding] = found[..] else {
            panic!("{} of {}: {found:#?}", flaw.id, flaw.package);
        };
        assert_eq!(finding["status"], "fixed", "{finding:#}");
        // The fix of the installed branch stands before those of later ones.
        let first = text(finding, "fixed_version").split(", ").next();
        assert_eq!(first, Some(flaw.fixed), "{finding:#}");
        // None of them came with the base.
        let layer = &LAYERS.diff_ids[1];
        assert_eq!(finding["package"]["layer"], **layer, "{finding:#}");
    }
}

/// Neither what was mended before these versions, nor, in what Debian installed, what Debian mended in a version of
/// its own: its advisories judge that, not those of the language.
fn no_mended_flaw() {
    const MENDED: &[(&str, &str)] = &[
        ("cryptography", "CVE-2020-36242"),
        ("glibc", "CVE-2023-4911"),
        ("glibc", "CVE-2024-2961"),
        ("jinja2", "CVE-2014-1402"),
        ("libc6", "CVE-2023-4911"),
        ("libc6", "CVE-2024-2961"),
        ("lodash", "CVE-2019-10744"),
        ("requests", "CVE-2014-1829"),
        ("urllib3", "CVE-2018-20060"),
    ];
    let findings = list(&REPORT, "findings");
    for (package, id) in MENDED {
        let wrong = findings
            .iter()
            .find(|finding| finding["package"]["name"] == *package && finding["id"] == *id);
        assert!(wrong.is_none(), "{wrong:#?}");
    }
    let owned: Vec<&Value> = list(&REPORT, "packages")
        .iter()
        .filter(|package| package["owner"].is_u64())
        .collect();
    assert!(owned.len() > 5, "{owned:#?}");
    for package in owned {
        let wrong = findings.iter().find(|finding| {
            finding["package"]["purl"] == package["purl"]
                && finding["package"]["locations"][0] == package["locations"][0]["path"]
        });
        assert!(wrong.is_none(), "{wrong:#?}");
    }
}

fn queue() {
    let ran = scan(&["--top", "0"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let table = ran.text();
    for part in [
        "harbour/shop:1.0",
        "Debian GNU/Linux",
        "Fix first",
        "Not seen",
    ] {
        assert!(table.contains(part), "no {part}:\n{table}");
    }
    for flaw in FLAWS {
        let upgrade = format!("upgrade {} {} to ", flaw.package, flaw.version);
        assert!(table.contains(&upgrade), "no {upgrade:?}:\n{table}");
    }
}

fn gate() {
    let over = scan(&["--fail-on", "critical+fixable"]);
    assert_eq!(over.code, 1, "{}", over.text());
    assert!(
        over.text().contains("severity critical and with a fix"),
        "{}",
        over.text()
    );
}

/// Every line of its section about images, on this image.
fn commands_of_the_readme() {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../README.md");
    let readme = std::fs::read_to_string(readme).unwrap();
    let (_, section) = readme.split_once("<!-- image:begin -->").unwrap();
    let (section, _) = section.split_once("<!-- image:end -->").unwrap();
    let host = PUSHED.registry.host.as_str();
    let reference = format!("{host}/harbour/shop:1.0");
    let mut ran = 0;
    for line in section.lines() {
        let Some(command) = line.strip_prefix("plimsoll ") else {
            continue;
        };
        let command = command.split(" # ").next().unwrap_or(command).trim();
        // The only one that asks the network.
        if command == "db update" {
            continue;
        }
        let mut words: Vec<&str> = command
            .split_whitespace()
            .map(|word| match word {
                "registry.example/harbour/shop:1.0" => &reference,
                "shop.tar" => "image.tar",
                "./root" => LAYERS.full.to_str().unwrap(),
                word => word,
            })
            .collect();
        if words.contains(&&*reference) {
            words.extend(["--insecure-registry", host]);
        }
        let done = LAYERS.home.run(&words).sound();
        let gate = words.contains(&"--fail-on");
        assert_eq!(done.code, i32::from(gate), "{command}: {}", done.stderr);
        assert!(!done.stdout.is_empty(), "{command}");
        ran += 1;
    }
    assert!(ran >= 4, "only {ran} commands were found");
}
