//! VEX documents, ignore files and baselines on the real binary: which files count, and what is said of the others.

use crate::runner::{Home, Ran};
use serde_json::Value;
use std::process::{Command, Stdio};

const REPORT: &str = r#"{"SchemaVersion":2,"ArtifactName":"ghcr.io/shop/app:1.2","ArtifactType":"container_image","Metadata":{"RepoTags":["ghcr.io/shop/app:1.2"]},
 "Results":[{"Target":"app","Class":"os-pkgs","Type":"debian","Vulnerabilities":[
 {"VulnerabilityID":"CVE-2024-1001","PkgName":"openssl","InstalledVersion":"3.0.11","FixedVersion":"3.0.12","Severity":"CRITICAL"},
 {"VulnerabilityID":"CVE-2024-1002","PkgName":"zlib","InstalledVersion":"1.2","Severity":"HIGH"}]}]}"#;

const VEX: &str = r#"{"@context":"https://openvex.dev/ns/v0.2.0","author":"shop","timestamp":"2026-08-01T00:00:00Z","statements":[
 {"vulnerability":{"name":"CVE-2024-1001"},"products":[{"@id":"pkg:oci/app?repository_url=ghcr.io/shop"}],"status":"not_affected"}]}"#;

const IGNORES: &str =
    "ignore:\n- id: CVE-2024-1002\n  owner: team-a\n  reason: not called\n  expires: 2026-12-31\n";

fn home() -> Home {
    let home = Home::new();
    home.write("report.json", REPORT);
    home.write("app.vex.json", VEX);
    home
}

fn scan(home: &Home, more: &[&str]) -> Ran {
    home.run(&[&["scan", "reports", "--report", "report.json"], more].concat())
        .sound()
}

fn json(home: &Home, more: &[&str]) -> Value {
    let ran = scan(home, &[more, &["--format", "json"]].concat());
    serde_json::from_slice(&ran.stdout).unwrap()
}

/// Ids of the open findings, in their order.
fn open(json: &Value) -> String {
    let findings = json["findings"].as_array().unwrap();
    let ids: Vec<&str> = findings.iter().map(|f| f["id"].as_str().unwrap()).collect();
    ids.join(" ")
}

#[test]
fn what_vex_and_ignore_files_take_out() {
    let home = home();
    home.write("mine.yaml", IGNORES);
    for (more, expected) in [
        (&[][..], "CVE-2024-1001 CVE-2024-1002"),
        (&["--vex", "app.vex.json"], "CVE-2024-1002"),
        (&["--ignorefile", "mine.yaml"], "CVE-2024-1001"),
        (&["--vex", "app.vex.json", "--ignorefile", "mine.yaml"], ""),
    ] {
        assert_eq!(open(&json(&home, more)), expected, "{more:?}");
    }
    let one = json(&home, &["--vex", "app.vex.json"]);
    let suppression = &one["suppressed"][0]["suppression"];
    assert_eq!(suppression["by"], "VEX app.vex.json by shop");
    let reason = suppression["reason"].as_str().unwrap();
    assert!(reason.contains("statement 1 of 2026-08-01"), "{reason}");
}

#[test]
fn the_ignore_file_of_the_current_folder() {
    let home = home();
    home.write(".plimsollignore.yaml", IGNORES);
    assert_eq!(open(&json(&home, &[])), "CVE-2024-1001");
    let without = json(&home, &["--no-ignorefile"]);
    assert_eq!(open(&without), "CVE-2024-1001 CVE-2024-1002");
    // It lies in what is scanned: the scanned one's word (rule 17).
    let ran = home.run(&["scan", "manifests", "shop/k8s", "."]).sound();
    assert!(
        ran.stderr.contains("came with what is scanned"),
        "{}",
        ran.stderr
    );
}

#[test]
fn damaged_files_are_refused() {
    let home = home();
    home.write("bad.yaml", "ignore:\n- id: CVE-1\n");
    home.write("empty.json", "{}");
    for (flag, file) in [
        ("--ignorefile", "bad.yaml"),
        ("--ignorefile", "absent.yaml"),
        ("--vex", "empty.json"),
        ("--vex", "bad.yaml"),
        ("--vex", "absent.json"),
        ("--baseline", "empty.json"),
        ("--baseline", "bad.yaml"),
        ("--baseline", "absent.json"),
    ] {
        let ran = scan(&home, &[flag, file]).refused(file);
        assert_eq!(ran.code, 2, "{flag} {file}");
    }
}

/// The forms in which a scan is written are the forms in which it is a baseline.
#[test]
fn a_scan_is_the_baseline_of_itself() {
    let home = home();
    scan(&home, &["--save", "then.plimsoll"]);
    scan(&home, &["--format", "json", "--output", "then.json"]);
    home.write(
        "report.json",
        REPORT.replace(
            "CVE-2024-1002\",\"PkgName\":\"zlib",
            "CVE-2024-1003\",\"PkgName\":\"curl",
        ),
    );
    for baseline in ["then.plimsoll", "then.json"] {
        let new = ["--baseline", baseline, "--allow-unknown"];
        let critical = json(&home, &[&new[..], &["--fail-on", "critical"]].concat());
        // The feeds are missing: not completed, but nothing new is over the gate.
        assert_eq!(
            critical["exit_code"], 3,
            "{baseline}: {}",
            critical["reasons"]
        );
        let notices = critical["notices"].to_string();
        assert!(
            notices.contains("1 finding over the gate is in the baseline"),
            "{notices}"
        );
        let high = json(&home, &[&new[..], &["--fail-on", "high"]].concat());
        assert_eq!(high["exit_code"], 1, "{baseline}: {}", high["reasons"]);
        let reasons = high["reasons"].to_string();
        assert!(reasons.contains("(CVE-2024-1003 in curl 1.2)"), "{reasons}");
    }
}

/// Rule 17: entries count as the base branch has them; what the change added is listed.
#[test]
fn the_base_branch_decides() {
    let git = |home: &Home, arguments: &[&str]| {
        let status = Command::new("git")
            .args(["-c", "user.email=a@example.com", "-c", "user.name=a"])
            .args(arguments)
            .current_dir(home.folder.path())
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        status.is_ok_and(|status| status.success())
    };
    let home = home();
    if !git(&home, &["init", "-b", "main"]) {
        eprintln!("skipped: git is not there");
        return;
    }
    home.write("sub/mine.yaml", IGNORES);
    assert!(git(&home, &["add", "sub"]) && git(&home, &["commit", "-m", "base"]));
    let added = format!(
        "{IGNORES}{}",
        IGNORES.replace("ignore:\n", "").replace("1002", "1001")
    );
    home.write("sub/mine.yaml", &added);
    home.write("base.yaml", IGNORES);
    for (base, expected) in [
        (&[][..], ""),
        (&["--base-ref", "main"], "CVE-2024-1001"),
        (&["--base-ref", "HEAD"], "CVE-2024-1001"),
        (&["--ignorefile-base", "base.yaml"], "CVE-2024-1001"),
    ] {
        let json = json(&home, &[&["--ignorefile", "sub/mine.yaml"], base].concat());
        assert_eq!(open(&json), expected, "{base:?}");
        let told = json["coverage"]["gaps"].to_string();
        assert_eq!(told.contains("ignore-added"), !base.is_empty(), "{told}");
    }
    for wrong in ["nowhere", "--upload-pack=x", "main:sub", ""] {
        let flag = format!("--base-ref={wrong}");
        let ran = scan(&home, &["--ignorefile", "sub/mine.yaml", &flag]);
        assert_eq!(ran.code, 2, "{wrong}: {}", ran.stderr);
    }
    // A new file: the base has none of it.
    home.write("new.yaml", IGNORES);
    let json = json(&home, &["--ignorefile", "new.yaml", "--base-ref", "main"]);
    assert_eq!(open(&json), "CVE-2024-1001 CVE-2024-1002");
}

const PODS: &str = "apiVersion: v1
kind: Pod
metadata: { name: agent, namespace: ops, labels: { tier: batch-1 } ANNOTATIONS }
spec:
  containers:
    - { name: main, image: a, securityContext: { privileged: true } }
    - { name: proxy, image: b, securityContext: { privileged: true } }
---
apiVersion: v1
kind: Pod
metadata: { name: web, namespace: shop }
spec:
  containers: [{ name: main, image: a, securityContext: { privileged: true } }]
";

/// `object container` of what is open and what is taken out, of one check.
fn privileged(home: &Home, more: &[&str]) -> (Vec<String>, Vec<String>) {
    let scan = ["scan", "manifests", "pods.yaml", "--format", "json"];
    let ran = home.run(&[&scan[..], more].concat());
    let json: Value = serde_json::from_slice(&ran.sound().stdout).unwrap();
    let of = |list: &str| {
        let all = json[list].as_array().into_iter().flatten();
        let own = all.filter(|f| f["id"] == "KP-WL-001");
        let mut lines: Vec<String> = own
            .map(|f| {
                format!(
                    "{} {}",
                    f["object"]["name"].as_str().unwrap(),
                    f["title"].as_str().unwrap().rsplit(' ').next().unwrap()
                )
            })
            .collect();
        lines.sort();
        lines
    };
    (of("findings"), of("suppressed"))
}

#[test]
fn exceptions_of_containers_and_by_labels() {
    let home = Home::new();
    home.write("pods.yaml", PODS.replace("ANNOTATIONS", ""));
    let entry = |what: &str| {
        format!(
            "ignore:\n  - {{id: KP-WL-001, {what}, owner: team-a, reason: needed, expires: 2099-01-31}}\n"
        )
    };
    for (what, taken) in [
        ("container: prox*", &["agent (proxy)"][..]),
        ("container: main", &["agent (main)", "web (main)"]),
        (
            "labels: {tier: batch-*}",
            &["agent (main)", "agent (proxy)"],
        ),
        ("labels: {tier: web}", &[]),
        ("object: ops/*, container: main", &["agent (main)"]),
    ] {
        home.write("mine.yaml", entry(what));
        let (open, suppressed) = privileged(&home, &["--ignorefile", "mine.yaml"]);
        assert_eq!(suppressed, taken, "{what}");
        assert_eq!(open.len() + suppressed.len(), 3, "{what}");
    }
}

#[test]
fn exceptions_in_annotations() {
    let home = Home::new();
    let annotated = |text: &str| {
        let annotations = format!(", annotations: {{ {text} }}");
        home.write("pods.yaml", PODS.replace("ANNOTATIONS", &annotations));
    };
    let full = "plimsoll.dev/ignore: KP-WL-001/proxy, plimsoll.dev/ignore-owner: team-a, plimsoll.dev/ignore-reason: needed, plimsoll.dev/ignore-expires: \"2099-01-31\"";
    annotated(full);
    // Nobody asked for them.
    assert!(privileged(&home, &[]).1.is_empty());
    let told = home.run(&["scan", "manifests", "pods.yaml", "--format", "json"]);
    assert!(told.text().contains("ignore-annotations-unread"));
    let (open, suppressed) = privileged(&home, &["--ignore-annotations"]);
    assert_eq!(suppressed, ["agent (proxy)"]);
    assert_eq!(open, ["agent (main)", "web (main)"]);
    // Without an end they do not count, and that is said.
    annotated(
        "plimsoll.dev/ignore: KP-WL-001, plimsoll.dev/ignore-owner: team-a, plimsoll.dev/ignore-reason: needed",
    );
    assert!(privileged(&home, &["--ignore-annotations"]).1.is_empty());
    let told = home.run(&[
        "scan",
        "manifests",
        "pods.yaml",
        "--ignore-annotations",
        "--format",
        "json",
    ]);
    assert!(told.text().contains("plimsoll.dev/ignore-expires"));
    // One that is over is a finding.
    annotated(&full.replace("2099", "2020"));
    let told = home.run(&[
        "scan",
        "manifests",
        "pods.yaml",
        "--ignore-annotations",
        "--format",
        "json",
    ]);
    assert!(told.text().contains("ignore-expired"));
}
