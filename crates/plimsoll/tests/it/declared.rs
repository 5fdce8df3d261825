//! Which `plimsoll.yaml` counts and for what, accepted gaps, and the files that live objects come from.

use crate::runner::{FORMATS, Home, Ran, SHOP_DATABASE, examples};
use std::path::Path;

/// Fails on nothing that is there: two images that no report speaks of are left to decide.
const GATE: &[&str] = &["--fail-on", "score>=99.9", "--max-db-age", "10"];

const ACCEPTED: &str = "acceptedGaps: [{ class: image-not-scanned, scope: 'image *', owner: team-net, reason: the vendor scans, expires: 2026-12-31 }]\n";

/// A home with the shop's manifests as a folder of its own.
fn home(folder: &str) -> Home {
    let home = Home::new();
    for file in std::fs::read_dir(examples().join("k8s")).unwrap() {
        let file = file.unwrap();
        let name = format!("{folder}/{}", file.file_name().to_string_lossy());
        home.write(&name, std::fs::read(file.path()).unwrap());
    }
    home
}

/// A gated scan of manifests, from a folder of the home.
fn scan(home: &Home, from: &str, manifests: &str, more: &[&str]) -> Ran {
    let database = SHOP_DATABASE.path("db");
    let reports = examples().join("reports");
    let scan = [
        "scan",
        "manifests",
        manifests,
        "--report",
        reports.to_str().unwrap(),
    ];
    let all = [&scan[..], &["--db", database.to_str().unwrap()], GATE, more].concat();
    let output = home
        .command(&all)
        .current_dir(home.path(from))
        .output()
        .unwrap();
    Ran {
        code: output.status.code().unwrap_or(-1),
        stdout: output.stdout,
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
    .sound()
}

#[track_caller]
fn check(home: &Home, from: &str, manifests: &str, more: &[&str], code: i32, note: &str) -> Ran {
    let ran = scan(home, from, manifests, more);
    assert_eq!(
        ran.code,
        code,
        "{from} {manifests} {more:?}: {}{}",
        ran.stderr,
        ran.text()
    );
    if note.is_empty() {
        assert_eq!(ran.stderr, "", "{from} {manifests} {more:?}");
    } else {
        assert!(ran.stderr.contains(note), "{note}: {}", ran.stderr);
    }
    ran
}

const HERE: &str = "using plimsoll.yaml of the current folder";
const RAISES: &str = "it may only raise criticality and production; the rest of it does not count";

#[test]
fn the_file_of_the_current_folder_counts_in_full() {
    let home = home("k8s");
    check(&home, ".", "k8s", &[], 3, "");
    home.write("plimsoll.yaml", ACCEPTED);
    check(&home, ".", "k8s", &[], 0, HERE);
    check(&home, ".", "./k8s/../k8s", &[], 0, HERE);
    check(&home, ".", "k8s/postgres.yaml", &[], 0, HERE);
    check(&home, ".", "k8s", &["--no-config"], 3, "");
    home.write("other.yaml", "workloads: []\n");
    check(&home, ".", "k8s", &["--config", "other.yaml"], 3, "");
    home.write(
        "plimsoll.yaml",
        "acceptedGaps: [{ class: image-not-scanned, scope: '*' }]\n",
    );
    let ran = scan(&home, ".", "k8s", &[]);
    assert_eq!(ran.refused("owner").code, 2);
}

#[test]
fn what_is_scanned_only_raises() {
    let inside = home("app/k8s");
    inside.write("app/k8s/plimsoll.yaml", ACCEPTED);
    check(&inside, ".", "app/k8s", &[], 3, RAISES);
    // The current folder is what is scanned, or lies in it.
    check(&inside, "app/k8s", ".", &[], 3, RAISES);
    check(&inside, "app/k8s", "../k8s", &[], 3, RAISES);
    check(&inside, "app/k8s", "..", &[], 3, RAISES);
    // Named, it is the platform's.
    check(
        &inside,
        "app/k8s",
        ".",
        &["--config", "plimsoll.yaml"],
        0,
        "",
    );
    check(
        &inside,
        ".",
        "app/k8s",
        &["--config", "app/k8s/plimsoll.yaml"],
        0,
        "",
    );
    check(&inside, ".", "app/k8s", &["--no-config"], 3, "");

    let beside = home("app/k8s");
    beside.write("app/plimsoll.yaml", ACCEPTED);
    check(&beside, ".", "app/k8s", &[], 3, RAISES);
    check(&beside, "app", "k8s", &[], 0, HERE);

    // A link in the current folder that leads into what is scanned.
    let linked = home("app/k8s");
    linked.write("app/k8s/plimsoll.yaml", ACCEPTED);
    std::os::unix::fs::symlink("app/k8s/plimsoll.yaml", linked.path("plimsoll.yaml")).unwrap();
    check(&linked, ".", "app/k8s", &[], 3, RAISES);
}

#[test]
fn both_count_each_for_its_own() {
    let home = home("k8s");
    home.write(
        "plimsoll.yaml",
        format!("{ACCEPTED}workloads: [{{ criticality: low, owner: us }}]\n"),
    );
    home.write(
        "k8s/plimsoll.yaml",
        "workloads: [{ match: { names: [storefront] }, criticality: crown, owner: them }, { match: { names: [postgres] }, criticality: low }]\n",
    );
    let ran = check(&home, ".", "k8s", &["--format", "json"], 0, HERE);
    assert!(ran.stderr.contains(RAISES), "{}", ran.stderr);
    let json: serde_json::Value = serde_json::from_slice(&ran.stdout).unwrap();
    let of = |name: &str| {
        let all = json["workloads"].as_array().unwrap().iter();
        let mut all = all.filter(|w| w["name"] == name);
        let found = all.next().unwrap();
        (found["criticality"].clone(), found["owner"]["name"].clone())
    };
    assert_eq!(of("storefront"), ("crown".into(), "us".into()));
    assert_eq!(of("postgres"), ("low".into(), "us".into()));
}

#[test]
fn a_file_beside_the_manifests_that_cannot_be_read_is_said() {
    let home = home("k8s");
    home.write(
        "k8s/plimsoll.yaml",
        "workloads: [{ criticality: highest }]\n",
    );
    let ran = check(
        &home,
        ".",
        "k8s",
        &["--format", "json"],
        3,
        "warning: k8s/plimsoll.yaml was not read",
    );
    let json: serde_json::Value = serde_json::from_slice(&ran.stdout).unwrap();
    let gaps = json["coverage"]["gaps"].as_array().unwrap();
    assert!(
        gaps.iter()
            .any(|gap| gap["class"] == "declarations-not-read")
    );
    // A pipe that nobody writes to.
    std::fs::remove_file(home.path("k8s/plimsoll.yaml")).unwrap();
    let pipe = home.path("k8s/plimsoll.yaml");
    assert!(
        std::process::Command::new("mkfifo")
            .arg(pipe)
            .status()
            .unwrap()
            .success()
    );
    check(&home, ".", "k8s", &[], 3, "");
}

#[test]
fn other_scans_find_the_file_too() {
    let home = Home::new();
    home.write("plimsoll.yaml", ACCEPTED);
    let reports = ["--report", "shop/reports"];
    let ran = home
        .run(&[&["scan", "reports"][..], &reports].concat())
        .done();
    assert!(ran.stderr.contains(HERE), "{}", ran.stderr);
    home.scan_shop(&["--save", "s.plimsoll"]).done();
    home.write(
        "s.snapshot",
        crate::hostile_files::snapshot_of(&home.read("s.plimsoll")),
    );
    let snapshot = ["scan", "snapshot", "s.snapshot"];
    let ran = home.run(&[&snapshot[..], &reports].concat()).done();
    assert!(ran.stderr.contains(HERE), "{}", ran.stderr);
    // In the folder of the source it is not the platform's.
    let ran = home
        .run(&[&snapshot[..], &["--source", "."]].concat())
        .sound();
    assert!(ran.stderr.contains(RAISES), "{}", ran.stderr);
}

/// The text as if no line were broken.
fn words(ran: &Ran) -> String {
    ran.text().split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn accepted_gaps_are_in_every_format_and_expire() {
    let home = home("k8s");
    home.write("plimsoll.yaml", ACCEPTED);
    for format in FORMATS.iter().filter(|format| **format != "csv") {
        let ran = check(&home, ".", "k8s", &["--format", format], 0, HERE);
        for said in [
            "team-net",
            "2026-12-31",
            "the vendor scans",
            "docker.io/calico/node",
        ] {
            assert!(ran.text().contains(said), "{format}: {said}");
        }
        let hidden = scan(&home, ".", "k8s", &["--format", format, "--redact-names"]);
        assert!(!hidden.text().contains("team-net"), "{format}");
    }
    let late = ["--now", "2027-01-01T00:00:00Z"];
    let ran = check(&home, ".", "k8s", &late, 3, HERE);
    for said in [
        "expired on 2026-12-31 and does not count",
        "accepted by team-net until 2026-12-31, which is over",
    ] {
        assert!(words(&ran).contains(said), "{said}: {}", ran.text());
    }
    home.write(
        "plimsoll.yaml",
        ACCEPTED.replace("image *", "image nowhere/*"),
    );
    let ran = check(&home, ".", "k8s", &[], 3, HERE);
    assert!(
        words(&ran).contains("matches no gap of this scan"),
        "{}",
        ran.text()
    );
}

#[test]
fn a_source_gives_file_and_line() {
    let home = Home::new();
    let database = SHOP_DATABASE.path("db");
    home.scan_shop(&["--save", "s.plimsoll"]).done();
    home.write(
        "s.snapshot",
        crate::hostile_files::snapshot_of(&home.read("s.plimsoll")),
    );
    let places = |text: &str| -> Vec<String> {
        let json: serde_json::Value = serde_json::from_str(text).unwrap();
        let findings = json["findings"].as_array().unwrap();
        let place = |f: &serde_json::Value| {
            format!(
                "{} {} {}",
                f["id"], f["source"]["file"], f["source"]["line"]
            )
        };
        findings.iter().map(place).collect()
    };
    let snapshot = |more: &[&str]| {
        let scan = [
            "scan",
            "snapshot",
            "s.snapshot",
            "--report",
            "shop/reports",
            "--config",
            "shop/plimsoll.yaml",
        ];
        let rest = ["--db", database.to_str().unwrap(), "--format", "json"];
        home.run(&[&scan[..], &rest, more].concat())
    };
    let expected = places(&home.scan_shop(&["--format", "json"]).done().text());
    assert!(
        expected[0].contains("shop/k8s/storefront.yaml"),
        "{}",
        expected[0]
    );
    assert_eq!(
        places(&snapshot(&["--source", "shop/k8s"]).done().text()),
        expected
    );
    assert!(places(&snapshot(&[]).done().text())[0].ends_with("null null"));
    snapshot(&["--source", "nowhere"]).refused("nowhere");
}

/// The examples of the documentation are read as they stand there.
#[test]
fn examples_of_the_documentation() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/configuration.md");
    let text = std::fs::read_to_string(docs).unwrap();
    let examples: Vec<&str> = text
        .split("```yaml\n")
        .skip(1)
        .filter_map(|rest| rest.split("```").next())
        .collect();
    assert!(!examples.is_empty());
    let home = home("k8s");
    for example in examples {
        home.write("example.yaml", example);
        check(&home, ".", "k8s", &["--config", "example.yaml"], 3, "");
        let ran = scan(
            &home,
            ".",
            "k8s",
            &["--config", "example.yaml", "--format", "json"],
        );
        assert!(
            ran.text().contains("\"owner\":\"team-net\""),
            "{}",
            ran.text()
        );
    }
}
