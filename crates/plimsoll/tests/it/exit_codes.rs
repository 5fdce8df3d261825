//! The codes that scripts rely on: 0 done, 1 over the gate, 2 wrong usage or input, 3 not completed.

use crate::runner::{Home, Ran};
use std::process::Stdio;

#[track_caller]
fn check(more: &[&str], code: i32, verdict: &str) {
    let ran = Home::new().scan_shop(&[more, &["--format", "json"]].concat());
    assert_eq!(ran.code, code, "{more:?}: {}", ran.stderr);
    let json: serde_json::Value = serde_json::from_slice(&ran.stdout).unwrap();
    assert_eq!(json["verdict"], verdict, "{more:?}");
    assert_eq!(json["exit_code"], code);
    let reasons = json["reasons"].as_array().unwrap().len();
    assert_eq!(reasons > 0, verdict != "passed", "{}", json["reasons"]);
}

#[test]
fn over_the_gate() {
    check(&["--fail-on", "critical"], 1, "failed");
    check(&["--fail-on", "high"], 1, "failed");
    check(&["--fail-on", "kev"], 1, "failed");
    check(&["--fail-on", "epss>=0.9"], 1, "failed");
    check(&["--fail-on", "epss-percentile>=0.99"], 1, "failed");
    check(&["--fail-on", "score>=80"], 1, "failed");
    check(&["--fail-on", "score>=99.9,kev"], 1, "failed");
    check(
        &["--fail-on", "score>=93", "--gate-on", "worst"],
        1,
        "failed",
    );
    check(&["--exit-code", "7"], 7, "failed");
    check(&["--exit-code", "7", "--fail-on", "kev"], 7, "failed");
    check(&["--exit-code", "5", "--severity", "LOW"], 5, "failed");
    // 1 wins over 3.
    check(
        &["--fail-on", "kev", "--now", "2027-06-01T00:00:00Z"],
        1,
        "failed",
    );
    check(&["--fail-on", "kev", "--min-coverage", "100%"], 1, "failed");
}

#[test]
fn not_completed() {
    // Two images have no report, the KEV feed is nine days old: both could hide something.
    check(&["--fail-on", "score>=99.9"], 3, "not-completed");
    check(
        &["--fail-on", "score>=99.9", "--max-db-age", "9"],
        3,
        "not-completed",
    );
    check(
        &["--fail-on", "score>=99.9", "--min-coverage", "70%"],
        3,
        "not-completed",
    );
    check(&["--min-coverage", "95%"], 3, "not-completed");
    check(
        &["--exit-code", "7", "--severity", "unknown"],
        3,
        "not-completed",
    );
}

#[test]
fn passed() {
    check(&[], 0, "passed");
    check(&["--now", "2027-06-01T00:00:00Z"], 0, "passed");
    check(&["--min-coverage", "70%"], 0, "passed");
    let enough = ["--min-coverage", "70", "--max-db-age", "10"];
    check(
        &[&enough[..], &["--fail-on", "score>=99.9"]].concat(),
        0,
        "passed",
    );
    check(
        &[&enough[..], &["--fail-on", "kev", "--severity", "LOW"]].concat(),
        0,
        "passed",
    );
}

/// A report with a vulnerability of which nobody says how severe it is.
#[test]
fn what_is_not_known_is_over_the_gate() {
    let home = Home::new();
    let report = r#"{"SchemaVersion":2,"ArtifactName":"ghcr.io/harbour-shop/deployer:0.8.2","ArtifactType":"container_image",
        "Results":[{"Target":"t","Class":"os-pkgs","Type":"debian","Vulnerabilities":[{"VulnerabilityID":"CVE-2019-99999",
        "PkgName":"a","InstalledVersion":"1","Severity":"UNKNOWN"}]}]}"#;
    home.write("odd.json", report);
    home.write(
        "pod.yaml",
        "{apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {containers: [{name: a, image: 'ghcr.io/harbour-shop/deployer:0.8.2'}]}}",
    );
    let scan = |more: &[&str]| {
        let all = [
            "scan",
            "manifests",
            "pod.yaml",
            "--report",
            "odd.json",
            "--fail-on",
            "critical",
        ];
        home.run(&[&all, more].concat()).sound().code
    };
    assert_eq!(scan(&[]), 1);
    // Without a database the gate is not certain.
    assert_eq!(scan(&["--allow-unknown"]), 3);
    let database = crate::runner::SHOP_DATABASE.path("db");
    let with = ["--db", database.to_str().unwrap(), "--max-db-age", "10"];
    assert_eq!(scan(&with), 1);
    assert_eq!(scan(&[&with[..], &["--allow-unknown"]].concat()), 0);
}

#[track_caller]
fn wrong(arguments: &[&str]) -> Ran {
    let ran = Home::new().run(arguments).sound();
    assert_eq!(ran.code, 2, "{arguments:?}: {}", ran.stderr);
    assert!(ran.stdout.is_empty(), "{arguments:?}");
    assert!(!ran.stderr.is_empty(), "{arguments:?}");
    ran
}

#[test]
fn wrong_usage() {
    wrong(&[]);
    wrong(&["scam"]);
    wrong(&["scan"]);
    wrong(&["demo", "--frobnicate"]);
    wrong(&["demo", "--format", "pdf"]);
    wrong(&["demo", "--top", "-1"]);
    wrong(&["demo", "--sarif-split", "d"]);
    wrong(&["scan", "manifests"]);
    wrong(&["scan", "reports"]);
    wrong(&["scan", "manifests", "shop/k8s", "--fail-on", "catastrophic"]);
    wrong(&["scan", "manifests", "shop/k8s", "--fail-on", "epss>=2"]);
    wrong(&["scan", "manifests", "shop/k8s", "--fail-on", "score>=nan"]);
    wrong(&["scan", "manifests", "shop/k8s", "--severity", "scary"]);
    wrong(&["scan", "manifests", "shop/k8s", "--min-coverage", "120%"]);
    wrong(&["scan", "manifests", "shop/k8s", "--min-coverage", "nan"]);
    wrong(&["scan", "manifests", "shop/k8s", "--now", "yesterday"]);
    wrong(&[
        "scan",
        "manifests",
        "shop/k8s",
        "--kubernetes-version",
        "two",
    ]);
    wrong(&[
        "scan",
        "manifests",
        "shop/k8s",
        "--sarif-split",
        "d",
        "--save",
        "s",
    ]);
    wrong(&["paths", "--format", "csv"]);
    wrong(&["db", "update", "--mirror", "epss"]);
    wrong(&["db", "update", "--feed", "gossip"]);
}

#[test]
fn missing_inputs() {
    wrong(&["scan", "manifests", "nowhere"]).refused("nowhere");
    wrong(&["scan", "manifests", "shop/k8s", "--db", "nowhere"]).refused("nowhere");
    wrong(&["scan", "manifests", "shop/k8s", "--config", "nowhere"]).refused("nowhere");
    wrong(&["scan", "manifests", "shop/k8s", "--report", "nowhere"]).refused("nowhere");
    wrong(&["scan", "snapshot", "nowhere"]).refused("nowhere");
    wrong(&["scan", "manifests", "shop/k8s", "--output", "no/where"]).refused("no/where");
    wrong(&["scan", "manifests", "shop/k8s", "--save", "no/where"]).refused("no/where");
    wrong(&["queue", "--from", "nowhere"]).refused("nowhere");
    wrong(&["queue"]).refused("no scan was kept yet");
    wrong(&["paths"]).refused("no scan was kept yet");
    wrong(&["explain", "CVE-2021-41773"]).refused("no scan was kept yet");
    wrong(&["db", "status"]).refused("data/plimsoll/db");
    wrong(&["db", "show", "CVE-2021-41773"]).refused("data/plimsoll/db");
    wrong(&["db", "build", "--from", "nowhere"]).refused("nowhere");
    wrong(&["scan", "cluster"]).refused("kubeconfig");
    wrong(&["scan", "cluster", "--kubeconfig", "nowhere"]).refused("nowhere");
    wrong(&["collect", "-o", "x"]).refused("kubeconfig");
}

const KUBECONFIG: &str = r#"{"apiVersion":"v1","kind":"Config","current-context":"c",
    "clusters":[{"name":"c","cluster":{"server":"http://127.0.0.1:9"}}],
    "users":[{"name":"u","user":{"token":"t"}}],"contexts":[{"name":"c","context":{"cluster":"c","user":"u"}}]}"#;

#[test]
fn a_cluster_that_does_not_answer_is_not_completed() {
    let home = Home::new();
    home.write("kube", KUBECONFIG);
    for arguments in [
        &["scan", "cluster", "--kubeconfig", "kube"][..],
        &["collect", "-o", "x", "--kubeconfig", "kube"],
    ] {
        assert_eq!(home.run(arguments).refused("http://127.0.0.1:9").code, 3);
        assert!(!home.path("x").exists());
    }
    let unknown = home.run(&[
        "scan",
        "cluster",
        "--kubeconfig",
        "kube",
        "--context",
        "elsewhere",
    ]);
    assert_eq!(unknown.refused("elsewhere").code, 2);
}

#[test]
fn a_feed_that_cannot_be_fetched_is_not_completed() {
    let home = Home::new();
    let ran = home.run(&[
        "db",
        "update",
        "--feed",
        "kev",
        "--mirror",
        "kev=file:///nowhere/kev.json",
    ]);
    assert_eq!(ran.refused("kev").code, 3);
    assert!(!home.path("data/plimsoll/db").exists());
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let home = Home::new();
    for format in crate::runner::FORMATS {
        let mut child = home
            .command(&["demo", "--top", "0", "--format", format])
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert_eq!(
            (output.status.code(), output.stderr),
            (Some(0), Vec::new()),
            "{format}"
        );
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_is_not_completed() {
    let home = Home::new();
    let full = std::fs::File::options()
        .write(true)
        .open("/dev/full")
        .unwrap();
    let output = home
        .command(&["demo"])
        .stdout(Stdio::from(full))
        .output()
        .unwrap();
    assert_eq!(
        output.status.code(),
        Some(3),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let ran = home.scan_shop(&["--output", "/dev/full"]);
    assert_eq!(ran.refused("/dev/full").code, 3);
}
