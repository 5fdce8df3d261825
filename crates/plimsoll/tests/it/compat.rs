//! `plimsoll compat trivy|grype`: their exit codes, reports that read back as the same findings, and what is refused.

use crate::pipeline::{EXPAT, NCURSES, OPENSSL, OPENSSL_FIXED, ZLIB, home, image, image_on};
use crate::runner::{Home, Ran};
use serde_json::Value;

fn vulnerable() -> Home {
    let home = home();
    image(&home, "app.tar", &[OPENSSL, ZLIB, NCURSES]);
    image(&home, "clean.tar", &[OPENSSL_FIXED]);
    home
}

fn compat(home: &Home, line: &str) -> Ran {
    let words: Vec<&str> = line.split_whitespace().collect();
    home.run(&[&["compat"], &words[..]].concat()).sound()
}

/// Without old feeds in the way: the shop's are nine days old.
const FRESH: &str = "--max-db-age 30";

#[test]
fn exit_codes_of_trivy() {
    let home = vulnerable();
    for (line, expected) in [
        ("--input app.tar", 0),
        ("--input app.tar --exit-code 0", 0),
        ("--input app.tar --exit-code 1", 1),
        ("--input app.tar --exit-code 3", 3),
        ("--input app.tar --exit-code 1 --severity CRITICAL,HIGH", 1),
        ("--input app.tar --exit-code 1 --severity MEDIUM", 0),
        ("--input app.tar --exit-code 1 --severity HIGH", 1),
        (
            "--input app.tar --exit-code 1 --severity HIGH --ignore-unfixed",
            0,
        ),
        ("--input app.tar --exit-code 1 --pkg-types library", 0),
        ("--input app.tar --exit-code 1 --pkg-types os", 1),
        (
            "--input app.tar --exit-code 1 --ignore-status fixed --severity CRITICAL",
            0,
        ),
        ("--input clean.tar --exit-code 1", 0),
        ("--input clean.tar --exit-code 1 --max-db-age 1", 1),
        (
            "--input clean.tar --exit-code 1 --max-db-age 1 --skip-db-update",
            1,
        ),
        ("--input none.tar", 1),
        ("--input none.tar --exit-code 4", 1),
        ("--input app.tar --skip-dirs usr", 2),
        ("--input app.tar --skip-dirs usr --exit-code 2", 1),
        ("--input app.tar --platform nowhere", 1),
    ] {
        let fresh = if line.contains("--max-db-age") {
            ""
        } else {
            FRESH
        };
        let ran = compat(&home, &format!("trivy image {line} {fresh}"));
        assert_eq!(ran.code, expected, "{line}: {}", ran.stderr);
        assert_eq!(
            expected == 2,
            ran.stderr.contains("--skip-dirs is not supported") && ran.code == 2
        );
    }
    // A database that nobody looked at for long ends a gate, unless that was asked for.
    for (line, expected) in [("", 1), ("--skip-db-update", 0)] {
        let ran = compat(
            &home,
            &format!("trivy image --input clean.tar --exit-code 7 {line}"),
        );
        assert_eq!(ran.code, expected, "{line}: {}", ran.stderr);
        assert_eq!(
            ran.stderr.contains("--max-db-age"),
            expected == 1,
            "{}",
            ran.stderr
        );
    }
}

#[test]
fn exit_codes_of_grype() {
    let home = vulnerable();
    for (line, expected) in [
        ("app.tar", 0),
        ("docker-archive:app.tar --fail-on critical", 2),
        ("app.tar --fail-on negligible", 2),
        ("app.tar --fail-on high --only-fixed", 2),
        ("app.tar --fail-on high --only-notfixed", 2),
        ("app.tar --fail-on critical --only-notfixed", 0),
        ("app.tar --fail-on critical --ignore-states fixed", 0),
        ("clean.tar --fail-on low", 0),
        ("none.tar", 1),
        ("app.tar --exclude /usr", 1),
    ] {
        let line = format!("grype {line} {FRESH}");
        let ran = compat(&home, &line);
        assert_eq!(ran.code, expected, "{line}: {}", ran.stderr);
    }
}

/// What a person must know of each finding.
fn findings(report: &Value, list: &str) -> Vec<String> {
    let findings = report[list].as_array().unwrap();
    let mut all: Vec<String> = findings
        .iter()
        .map(|f| {
            format!(
                "{} {} {} {} {} {} {}",
                f["id"],
                f["severity"],
                f["status"],
                f["fixed_version"],
                f["package"]["name"],
                f["package"]["version"],
                f["package"]["purl"],
            )
        })
        .collect();
    all.sort();
    all
}

/// The reports that we write in the others' forms are read by our own importers as the same findings.
#[test]
fn reports_in_the_forms_of_others_read_back() {
    let home = vulnerable();
    image(&home, "more.tar", &[OPENSSL, ZLIB, NCURSES, EXPAT]);
    home.write(".trivyignore", "CVE-2024-0003\n");
    home.write("rules.yaml", "ignore:\n  - vulnerability: CVE-2024-0003\n");
    let own = "scan image --input more.tar --ignorefile .trivyignore --format json";
    let own = home.run(&own.split(' ').collect::<Vec<_>>()).done();
    let own: Value = serde_json::from_slice(&own.stdout).unwrap();
    let (open, suppressed) = (findings(&own, "findings"), findings(&own, "suppressed"));
    assert_eq!(
        (open.len(), suppressed.len()),
        (3, 1),
        "{open:?} {suppressed:?}"
    );
    for (form, line) in [
        (
            "trivy",
            "trivy image --input more.tar --format json --output report.json",
        ),
        (
            "grype",
            "grype more.tar -c rules.yaml -o json --file report.json",
        ),
    ] {
        compat(&home, line).done();
        let again = [
            "scan",
            "reports",
            "--report",
            "report.json",
            "--format",
            "json",
        ];
        let again = home.run(&again).done();
        let again: Value = serde_json::from_slice(&again.stdout).unwrap();
        assert_eq!(findings(&again, "findings"), open, "{form}");
        assert_eq!(findings(&again, "suppressed"), suppressed, "{form}");
        let report: Value = serde_json::from_slice(&home.read("report.json")).unwrap();
        if form == "trivy" {
            assert_eq!(report["SchemaVersion"], 2);
            assert_eq!(report["ArtifactType"], "container_image");
            assert_eq!(report["Metadata"]["OS"]["Family"], "debian");
            assert_eq!(report["Metadata"]["OS"]["Name"], "12");
            let os = &report["Results"][0];
            assert_eq!(
                (&os["Class"], &os["Type"]),
                (&"os-pkgs".into(), &"debian".into())
            );
            assert_eq!(os["Packages"].as_array().unwrap().len(), 4);
            assert_eq!(os["Vulnerabilities"].as_array().unwrap().len(), 3);
            assert_eq!(os["ExperimentalModifiedFindings"][0]["Status"], "ignored");
            assert!(report["Plimsoll"]["gaps"].is_array());
        } else {
            assert_eq!(report["matches"].as_array().unwrap().len(), 3);
            assert_eq!(report["ignoredMatches"].as_array().unwrap().len(), 1);
            assert_eq!(report["distro"]["name"], "debian");
            assert_eq!(report["source"]["type"], "image");
            assert!(report["plimsoll"]["gaps"].is_array());
        }
    }
}

/// What was not judged is not clean for who reads the report again.
#[test]
fn reports_in_the_forms_of_others_keep_what_was_not_seen() {
    let home = home();
    image(&home, "known.tar", &[OPENSSL_FIXED]);
    image_on(&home, "unknown.tar", "99", &[OPENSSL_FIXED]);
    for (input, expected) in [("known.tar", 0), ("unknown.tar", 3)] {
        for line in [
            format!("trivy image --input {input} --format json --output report.json"),
            format!("grype {input} -o json --file report.json"),
        ] {
            compat(&home, &line).done();
            let gated = "scan reports --report report.json --fail-on critical --max-db-age 30";
            let ran = home.run(&gated.split(' ').collect::<Vec<_>>());
            assert_eq!(ran.code, expected, "{line}: {}", ran.text());
        }
    }
}

/// What the dry run prints does the same.
#[test]
fn the_line_that_is_printed_is_the_one_that_runs() {
    let home = vulnerable();
    let line = "trivy image --input app.tar --severity CRITICAL --format json --exit-code 3 --max-db-age 30";
    let printed = compat(&home, &format!("--dry-run {line}")).done().text();
    let again = compat(&home, &format!("{line} --explain-compat"))
        .done()
        .text();
    assert_eq!(printed, again);
    let words: Vec<&str> = printed.trim().split(' ').skip(1).collect();
    let (ours, theirs) = (home.run(&words).code, compat(&home, line));
    assert_eq!((ours, theirs.code), (3, 3), "{printed}");
    assert_eq!(home.run(&words).stdout, theirs.stdout);
}

#[test]
fn folders_lists_and_help() {
    let home = vulnerable();
    home.write("root/etc/os-release", "ID=debian\nVERSION_ID=\"12\"\n");
    home.write(
        "root/var/lib/dpkg/status",
        "Package: libexpat1\nStatus: install ok installed\nArchitecture: amd64\nSource: expat\nVersion: 2.5.0-1\n",
    );
    for line in [
        "trivy rootfs root --exit-code 1 --severity CRITICAL",
        "trivy fs root --exit-code 1 --severity CRITICAL",
        "grype dir:root --fail-on critical",
        "grype root --fail-on critical",
    ] {
        let ran = compat(&home, &format!("{line} {FRESH}"));
        let expected = if line.starts_with("grype") { 2 } else { 1 };
        assert_eq!(ran.code, expected, "{line}: {}", ran.stderr);
    }
    compat(
        &home,
        "trivy image --input app.tar --format cyclonedx --output list.json",
    )
    .done();
    for (line, expected) in [
        ("trivy sbom list.json --exit-code 1 --severity CRITICAL", 1),
        ("grype sbom:list.json --fail-on critical", 2),
        ("grype list.json --fail-on critical", 2),
    ] {
        let ran = compat(&home, &format!("{line} {FRESH}"));
        assert_eq!(ran.code, expected, "{line}: {}", ran.stderr);
    }
    for tool in ["trivy", "grype"] {
        let help = compat(&home, &format!("{tool} --help")).done().text();
        assert!(
            help.contains("not supported:") && help.contains("no effect:"),
            "{help}"
        );
        let version = compat(&home, &format!("{tool} --version")).done().text();
        assert!(version.contains(env!("CARGO_PKG_VERSION")), "{version}");
    }
}

/// A form of one artifact does not hold a cluster.
#[test]
fn forms_of_others_hold_one_artifact() {
    let home = vulnerable();
    for form in ["trivy-json", "grype-json"] {
        let scan = [
            "scan",
            "manifests",
            "shop/k8s",
            "--no-config",
            "--report",
            "shop/reports",
            "--format",
            form,
        ];
        let ran = home.run(&scan).sound();
        assert_eq!(ran.code, 2, "{}", ran.stderr);
        assert!(ran.stderr.contains("--format json"), "{}", ran.stderr);
        assert!(ran.stdout.is_empty());
    }
}

#[test]
fn the_same_result_in_several_forms() {
    let home = vulnerable();
    let scan = "scan image --input app.tar --also gitlab=g.json --also json=j.json";
    let scan: Vec<&str> = scan.split(' ').collect();
    let table = home.run(&scan).done().text();
    assert!(table.contains("CVE-2024-0001"), "{table}");
    for file in ["g.json", "j.json"] {
        let text = String::from_utf8(home.read(file)).unwrap();
        assert!(text.contains("CVE-2024-0001"), "{file}");
    }
    for wrong in ["gitlab", "nothing=x", "gitlab="] {
        let ran = home.run(&["scan", "image", "--input", "app.tar", "--also", wrong]);
        assert_eq!(ran.code, 2, "{wrong}: {}", ran.stderr);
    }
}
