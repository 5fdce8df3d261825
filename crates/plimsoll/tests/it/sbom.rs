//! `plimsoll scan sbom`: lists of packages are judged like what was read here, and what nobody could judge is no zero.

use crate::artifacts::root_and_feeds;
use crate::runner::Home;
use serde_json::{Value, json};
use std::fs;

/// A root with a distribution's package, a Python package that it installed and one that nobody owns; a database.
fn home() -> Home {
    let home = Home::new();
    let (root, feeds) = root_and_feeds(&home);
    let status = "Package: python3-six\nStatus: install ok installed\nArchitecture: all\nSource: six (1.16.0-4)\n\
        Version: 1.16.0-4+b1\n\n";
    let old = fs::read_to_string(root.join("var/lib/dpkg/status")).unwrap();
    fs::write(root.join("var/lib/dpkg/status"), format!("{status}{old}")).unwrap();
    let python = |place: &str, name: &str, version: &str| {
        let folder = root.join(place).join(format!("{name}-{version}.dist-info"));
        fs::create_dir_all(&folder).unwrap();
        let text =
            format!("Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nLicense: MIT\n");
        fs::write(folder.join("METADATA"), text).unwrap();
    };
    python("usr/lib/python3/dist-packages", "six", "1.16.0");
    python("opt/app/lib/python3.11/site-packages", "Jinja2", "2.10");
    fs::create_dir_all(root.join("var/lib/dpkg/info")).unwrap();
    fs::write(
        root.join("var/lib/dpkg/info/python3-six.list"),
        "/usr/lib/python3/dist-packages/six-1.16.0.dist-info/METADATA\n",
    )
    .unwrap();
    assert_eq!(
        home.run(&["db", "build", "--from", feeds.to_str().unwrap()])
            .code,
        0
    );
    home
}

fn scan(home: &Home, arguments: &[&str], format: &str) -> Value {
    let arguments = [&["scan"], arguments, &["--format", format]].concat();
    let ran = home.run(&arguments).done();
    serde_json::from_slice(&ran.stdout).unwrap()
}

/// Id, package, version and fix of each vulnerability.
fn findings(report: &Value) -> Vec<[Value; 4]> {
    let found = report["findings"].as_array().unwrap().iter();
    found
        .filter(|finding| finding["category"] == "vulnerability")
        .map(|finding| {
            let package = &finding["package"];
            let said = [&finding["id"], &package["name"], &package["version"]];
            let [id, name, version] = said.map(Value::clone);
            [id, name, version, finding["fixed_version"].clone()]
        })
        .collect()
}

fn sorted(mut all: Vec<Value>) -> Vec<Value> {
    all.sort_by_key(ToString::to_string);
    all
}

#[test]
fn our_own_lists_come_back() {
    let home = home();
    let read = scan(&home, &["rootfs", "root"], "json");
    assert_eq!(findings(&read).len(), 1, "{read}");
    for (format, listed) in [("cyclonedx", "components"), ("spdx-json", "packages")] {
        let first = scan(&home, &["rootfs", "root"], format);
        home.write("list", first.to_string());
        let again = scan(&home, &["sbom", "list"], "json");
        assert_eq!(findings(&again), findings(&read), "{format}");
        assert_eq!(again["packages"], read["packages"], "{format}");
        let second = scan(&home, &["sbom", "list"], format);
        let parts = |document: &Value| {
            let parts = document[listed].as_array().unwrap().clone();
            assert!(parts.len() >= 5, "{document}");
            sorted(parts)
        };
        assert_eq!(parts(&second), parts(&first), "{format}");
        let relations = |document: &Value| {
            let of = |key: &str| document[key].as_array().cloned().unwrap_or_default();
            let mut of_packages = of("relationships");
            of_packages.retain(|one| one["relationshipType"] == "CONTAINS");
            sorted([of("dependencies"), of_packages].concat())
        };
        assert_eq!(relations(&second), relations(&first), "{format}");
    }
}

#[test]
fn what_a_list_does_not_say_stops_a_gate() {
    let home = home();
    let check = |purl: &str, more: &[&str], code: i32, said: &str| {
        let list = json!({"bomFormat": "CycloneDX", "specVersion": "1.5",
            "components": [{"type": "library", "name": "libssl3", "version": "3.0.11-1~deb12u1", "purl": purl}]});
        let arguments = [&["scan", "sbom", "-", "--fail-on", "fixable"], more].concat();
        let ran = home
            .run_with(&arguments, list.to_string().as_bytes())
            .sound();
        assert_eq!(ran.code, code, "{purl}: {}{}", ran.text(), ran.stderr);
        assert!(ran.text().contains(said), "{}", ran.text());
    };
    let bare = "pkg:deb/debian/libssl3@3.0.11-1~deb12u1?upstream=openssl";
    check(bare, &[], 3, "--distro NAME:VERSION");
    check(bare, &["--distro", "debian:12"], 1, "CVE-2024-0001");
    check(&format!("{bare}&distro=debian-12"), &[], 1, "CVE-2024-0001");
    check("", &["--distro", "debian:12"], 3, "no package URL");
}

#[test]
fn strangers_are_refused() {
    let home = Home::new();
    home.write("notes.txt", "root:x:0:0\n");
    home.write("trivy.json", r#"{"SchemaVersion":2,"Results":[]}"#);
    for (file, said) in [
        ("notes.txt", "no SBOM"),
        ("trivy.json", "no SBOM"),
        ("missing", "cannot read"),
    ] {
        let ran = home.run(&["scan", "sbom", file]).refused(file);
        assert_eq!(ran.code, 2);
        assert!(ran.stderr.contains(said), "{}", ran.stderr);
    }
}

#[test]
fn a_list_that_is_given_as_a_report_is_judged() {
    let home = home();
    let mut list = scan(&home, &["rootfs", "root"], "cyclonedx");
    list.as_object_mut().unwrap().remove("vulnerabilities");
    home.write("list.json", list.to_string());
    let report = scan(&home, &["reports", "--report", "list.json"], "json");
    assert_eq!(findings(&report).len(), 1, "{report}");
    fs::remove_dir_all(home.path("data")).unwrap();
    let ran = home
        .run(&[
            "scan",
            "reports",
            "--report",
            "list.json",
            "--fail-on",
            "high",
        ])
        .sound();
    assert_eq!(ran.code, 3, "{}", ran.text());
    assert!(ran.text().contains("not judged"), "{}", ran.text());
}

/// A list's own statements count where its file is named for them, and never twice.
#[test]
fn its_own_vulnerabilities_do_not_count() {
    let home = home();
    let mut list = scan(&home, &["rootfs", "root"], "cyclonedx");
    list["vulnerabilities"][0]["id"] = json!("CVE-2024-9999");
    home.write("list.json", list.to_string());
    let report = scan(&home, &["sbom", "list.json"], "json");
    assert_eq!(findings(&report)[0][0], "CVE-2024-0001");
    assert_eq!(findings(&report).len(), 1, "{report}");
    assert!(
        report.to_string().contains("sbom-own-vulnerabilities"),
        "{report}"
    );
    list["vulnerabilities"][0]["id"] = json!("CVE-2024-0001");
    list["vulnerabilities"][0]["analysis"] =
        json!({"state": "not_affected", "justification": "code_not_reachable"});
    home.write("list.json", list.to_string());
    let report = scan(&home, &["sbom", "list.json", "--vex", "list.json"], "json");
    assert_eq!(report["findings"], json!([]), "{report}");
    assert_eq!(
        report["suppressed"].as_array().unwrap().len(),
        1,
        "{report}"
    );
}
