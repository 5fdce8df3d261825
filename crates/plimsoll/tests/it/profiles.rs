//! `--profile`: the findings of a standard and nothing else, at their documents, under the same gate as any scan.

use crate::runner::{FORMATS, Home, Ran};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

const OPEN: &str = "apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  template:
    spec:
      hostPID: true
      containers:
      - name: web
        image: web:1
        securityContext:
          privileged: true
";
const PLAIN: &str = "apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop}
spec:
  containers:
  - {name: web, image: 'web:1'}
";

fn scan(home: &Home, files: &str, profile: &str, more: &[&str]) -> Ran {
    let scan = ["scan", "manifests", files, "--profile", profile];
    home.run(&[&scan, more].concat()).sound()
}

fn json(home: &Home, files: &str, profile: &str, more: &[&str]) -> Value {
    let ran = scan(
        home,
        files,
        profile,
        &[more, &["--format", "json"]].concat(),
    );
    assert!(ran.stderr.is_empty(), "{}", ran.stderr);
    serde_json::from_slice(&ran.stdout).unwrap()
}

/// `file:line id` of each finding.
fn told(report: &Value) -> Vec<String> {
    let findings = report["findings"].as_array().unwrap().iter();
    let line = |finding: &Value| {
        let source = &finding["source"];
        let file = source["file"].as_str().unwrap();
        format!(
            "{file}:{} {}",
            source["line"],
            finding["id"].as_str().unwrap()
        )
    };
    findings.map(line).collect()
}

#[track_caller]
fn check(file: &str, profile: &str, version: &str, expected: &[&str]) {
    let home = Home::new();
    home.write("a.yaml", file);
    let report = json(&home, "a.yaml", profile, &["--kubernetes-version", version]);
    assert_eq!(told(&report), expected, "{profile} {version}");
    for finding in report["findings"].as_array().unwrap() {
        assert_eq!(finding["category"], "misconfiguration");
        assert_eq!(finding["object"]["namespace"], "shop");
        assert!(!finding["reasons"].as_array().unwrap().is_empty());
    }
}

#[test]
fn each_profile_at_its_version() {
    let open = ["a.yaml:7 hostnamespaces", "a.yaml:12 privileged"];
    check(OPEN, "pss-baseline", "1.35", &open);
    check(OPEN, "pss-baseline", "1.0", &open);
    check(PLAIN, "pss-baseline", "1.35", &[]);
    check(PLAIN, "pss-restricted", "1.7", &["a.yaml:6 runasnonroot"]);
    check(
        PLAIN,
        "pss-restricted",
        "1.25",
        &[
            "a.yaml:6 allowprivilegeescalation",
            "a.yaml:6 capabilities_restricted",
            "a.yaml:6 runasnonroot",
            "a.yaml:6 seccompprofile_restricted",
        ],
    );
    let old = PLAIN.replace(
        "shop}",
        "shop, annotations: {seccomp.security.alpha.kubernetes.io/pod: unconfined}}",
    );
    check(
        &old,
        "pss-baseline",
        "1.18",
        &["a.yaml:3 seccompprofile_baseline"],
    );
    check(&old, "pss-baseline", "1.19", &[]);
    let service =
        "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {ports: [{port: 80}]}\n";
    check(service, "pss-restricted", "1.35", &[]);
}

#[test]
fn profiles_add_up_and_name_field_and_value() {
    let home = Home::new();
    home.write("a.yaml", OPEN);
    let both = [
        "--profile",
        "pss-restricted",
        "--kubernetes-version",
        "1.30",
    ];
    let report = json(&home, "a.yaml", "pss-baseline", &both);
    let restricted = json(&home, "a.yaml", "pss-restricted", &both[2..]);
    assert_eq!(report["findings"], restricted["findings"]);
    assert_ne!(report["coverage"]["gaps"], restricted["coverage"]["gaps"]);
    assert_eq!(report["findings"].as_array().unwrap().len(), 6);
    let reasons = |id: &str| {
        let all = report["findings"].as_array().unwrap();
        let one = all.iter().find(|finding| finding["id"] == id).unwrap();
        one["reasons"].clone()
    };
    assert_eq!(
        reasons("privileged"),
        serde_json::json!(["/spec/template/spec/containers/0/securityContext/privileged is true"])
    );
    assert_eq!(
        reasons("runasnonroot"),
        serde_json::json!([
            "/spec/template/spec/containers/0/securityContext/runAsNonRoot is not set"
        ])
    );
}

#[test]
fn documents_of_one_name_are_told_apart() {
    let home = Home::new();
    home.write("k8s/a.yaml", PLAIN);
    home.write(
        "k8s/b.yaml",
        PLAIN.replace("spec:\n", "spec:\n  hostIPC: true\n"),
    );
    home.write(
        "k8s/c.yaml",
        PLAIN.replace("spec:\n", "spec:\n  hostPID: true\n"),
    );
    let report = json(&home, "k8s", "pss-baseline", &[]);
    assert_eq!(
        told(&report),
        ["k8s/b.yaml:5 hostnamespaces", "k8s/c.yaml:5 hostnamespaces"]
    );
}

#[test]
fn the_gate_decides_the_code() {
    let home = Home::new();
    home.write("open.yaml", OPEN);
    home.write("plain.yaml", PLAIN);
    home.write(
        "wrong.yaml",
        PLAIN.replace("spec:\n", "spec:\n  hostPID: 'true'\n"),
    );
    for (file, profile, more, code) in [
        ("open.yaml", "pss-baseline", &[][..], 0),
        ("open.yaml", "pss-baseline", &["--fail-on", "high"], 1),
        ("open.yaml", "pss-baseline", &["--fail-on", "critical"], 0),
        ("open.yaml", "pss-baseline", &["--exit-code", "7"], 7),
        // Neither feeds nor images hide what a profile asks for.
        ("plain.yaml", "pss-baseline", &["--fail-on", "low"], 0),
        ("plain.yaml", "pss-restricted", &["--fail-on", "high"], 0),
        ("plain.yaml", "pss-restricted", &["--fail-on", "low"], 1),
        (
            "plain.yaml",
            "pss-restricted",
            &["--fail-on", "low", "--severity", "critical"],
            0,
        ),
        // The API server refuses it: what it means is open.
        ("wrong.yaml", "pss-baseline", &["--fail-on", "low"], 3),
    ] {
        let ran = home.run(&[&["scan", "manifests", file, "--profile", profile], more].concat());
        assert_eq!(
            ran.code,
            code,
            "{file} {profile} {more:?}: {}{}",
            ran.stderr,
            ran.text()
        );
    }
}

#[test]
fn wrong_calls() {
    let home = Home::new();
    home.write("a.yaml", PLAIN);
    home.write("broken.yaml", "a: [\n");
    let check = |arguments: &[&str], says: &str| {
        let ran = home.run(arguments).sound();
        assert_eq!(ran.code, 2, "{arguments:?}: {}", ran.stderr);
        assert!(ran.stdout.is_empty(), "{arguments:?}");
        assert!(ran.stderr.contains(says), "{arguments:?}: {}", ran.stderr);
    };
    let scan = ["scan", "manifests", "a.yaml", "--profile"];
    check(
        &[&scan[..], &["pss-foo"]].concat(),
        "expected pss-baseline, pss-restricted, configuration",
    );
    check(
        &[&scan[..], &["pss-baseline", "--profile", "cis"]].concat(),
        "expected pss-baseline, pss-restricted, configuration",
    );
    check(
        &[&scan[..], &["pss-baseline", "--report", "r.json"]].concat(),
        "--report",
    );
    check(
        &[&scan[..], &["pss-baseline", "--images", "all"]].concat(),
        "--images",
    );
    check(
        &[
            "scan",
            "manifests",
            "broken.yaml",
            "--profile",
            "pss-baseline",
        ],
        "broken.yaml",
    );
    check(
        &[
            "scan",
            "manifests",
            "absent.yaml",
            "--profile",
            "pss-baseline",
        ],
        "absent.yaml",
    );
    check(
        &["scan", "rootfs", ".", "--profile", "pss-baseline"],
        "--profile",
    );
}

#[test]
fn exceptions_and_baselines_count() {
    let home = Home::new();
    home.write("a.yaml", OPEN);
    let entry = |id: &str| {
        format!(
            "- {{id: {id}, object: Deployment shop/web, owner: us, reason: a node agent, expires: 2027-12-31}}\n"
        )
    };
    home.write(
        "i.yaml",
        format!("ignore:\n{}{}", entry("privileged"), entry("CVE-2024-1")),
    );
    let report = json(&home, "a.yaml", "pss-baseline", &["--ignorefile", "i.yaml"]);
    assert_eq!(told(&report), ["a.yaml:7 hostnamespaces"]);
    assert_eq!(report["suppressed"][0]["id"], "privileged");

    let before = scan(&home, "a.yaml", "pss-baseline", &["--format", "json"]).done();
    home.write("before.json", &before.stdout);
    let gated = ["--fail-on", "low", "--baseline", "before.json"];
    assert_eq!(scan(&home, "a.yaml", "pss-baseline", &gated).code, 0);
    // Another container before it moves the field, not the finding.
    let sidecar = "containers:\n      - {name: first, image: 'first:1'}\n";
    home.write("a.yaml", OPEN.replace("containers:\n", sidecar));
    assert_eq!(scan(&home, "a.yaml", "pss-baseline", &gated).code, 0);
    home.write(
        "a.yaml",
        OPEN.replace(
            "hostPID: true",
            "hostPID: true\n      volumes: [{name: v, hostPath: {path: /}}]",
        ),
    );
    assert_eq!(scan(&home, "a.yaml", "pss-baseline", &gated).code, 1);
}

#[test]
fn it_has_every_form_and_leaves_the_last_scan_alone() {
    let home = Home::new();
    home.write("a.yaml", OPEN);
    for format in FORMATS {
        let ran = scan(&home, "a.yaml", "pss-baseline", &["--format", format]).done();
        assert!(ran.text().contains("hostnamespaces"), "{format}");
    }
    assert!(!home.path("state").exists());
    scan(&home, "a.yaml", "pss-baseline", &["--save", "b.plimsoll"]).done();
    let again = home.run(&["queue", "--from", "b.plimsoll"]).done();
    assert!(again.text().contains("hostnamespaces"), "{}", again.text());
}

/// The whole public suite once more, as a user runs it: one call a folder, findings joined to their files.
#[test]
fn the_test_data_of_kubernetes() {
    let Some(root) = testkit::shared("conformance/pod-security") else {
        return;
    };
    let home = Home::new();
    let mut cases = 0;
    for level in ["baseline", "restricted"] {
        for version in ["1.24", "1.35"] {
            let folder = root.join(level).join(format!("v{version}"));
            let given = folder.to_str().unwrap();
            let profile = format!("pss-{level}");
            let report = json(&home, given, &profile, &["--kubernetes-version", version]);
            let mut found: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
            for finding in report["findings"].as_array().unwrap() {
                let file = finding["source"]["file"].as_str().unwrap();
                found
                    .entry(file)
                    .or_default()
                    .insert(finding["id"].as_str().unwrap());
            }
            for verdict in ["pass", "fail"] {
                for file in folder.join(verdict).read_dir().unwrap() {
                    let path = file.unwrap().path();
                    let stem = path.file_stem().unwrap().to_str().unwrap();
                    let control = stem.trim_end_matches(|c: char| c.is_ascii_digit());
                    let ids = found.remove(path.to_str().unwrap()).unwrap_or_default();
                    let right = match verdict {
                        "pass" => ids.is_empty(),
                        _ => ids.contains(control),
                    };
                    assert!(right, "{}: {ids:?}", path.display());
                    cases += 1;
                }
            }
            assert!(found.is_empty(), "{found:?}");
        }
    }
    assert!(cases > 200, "{cases}");
}
