//! Command lines of other tools and what becomes of them: our line, notes, refusals.

use super::plan::{Plan, Surroundings};
use super::{grype, trivy};
use crate::args::Arguments;
use clap::Parser as _;

type Shim = fn(&[String], &Surroundings) -> anyhow::Result<Plan>;

fn planned(shim: Shim, line: &str, around: &Surroundings) -> Plan {
    let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
    shim(&words, around).unwrap()
}

/// Our line without its first word, or what is refused. What is run is a line that our own parser takes.
#[track_caller]
fn check(shim: Shim, line: &str, expected: &str) {
    let plan = planned(shim, line, &Surroundings::default());
    if plan.refused.is_empty() {
        let text = plan.line();
        assert_eq!(text.strip_prefix("plimsoll ").unwrap(), expected, "{line}");
        let words = std::iter::once("plimsoll").chain(plan.words.iter().map(String::as_str));
        if let Err(error) = Arguments::try_parse_from(words) {
            panic!("{line}: {error}");
        }
    } else {
        assert_eq!(format!("! {}", plan.refused.join("; ")), expected, "{line}");
    }
}

#[track_caller]
fn trivy(line: &str, expected: &str) {
    check(trivy::plan, line, expected);
}

#[track_caller]
fn grype(line: &str, expected: &str) {
    check(grype::plan, line, expected);
}

#[test]
fn images_as_trivy_names_them() {
    for (line, expected) in [
        (
            "image app:1",
            "scan image app:1 --format=table --scanners=vuln,secret --no-ignorefile".to_owned(),
        ),
        (
            "--quiet i --format json -o out.json ghcr.io/a/b:1",
            "scan image ghcr.io/a/b:1 --format=trivy-json --scanners=vuln,secret --no-ignorefile --output=out.json"
                .to_owned(),
        ),
        (
            "image --input x.tar --severity CRITICAL,HIGH --exit-code 1 --ignore-unfixed --scanners vuln -f sarif",
            "scan image --input=x.tar --format=sarif --severity=high,critical --scanners=vuln --exit-code=1 \
             --no-ignorefile --ignore-unfixed"
                .to_owned(),
        ),
        (
            "image --severity LOW --vuln-type os --ignore-status will_not_fix,affected --platform linux/arm64 --input a",
            "scan image --input=a --format=table --severity=low,negligible --ignore-status=will_not_fix,affected \
             --pkg-types=os --scanners=vuln,secret --no-ignorefile --platform=linux/arm64"
                .to_owned(),
        ),
        (
            "image --severity UNKNOWN,LOW,MEDIUM,HIGH,CRITICAL --vuln-type os,library --exit-code 0 --input a",
            "scan image --input=a --format=table --scanners=vuln,secret --no-ignorefile".to_owned(),
        ),
        (
            "image --skip-db-update --exit-code 5 --cache-dir c --vex a.json,b.json --input a --fail-on kev",
            "scan image --input=a --format=table --scanners=vuln,secret --exit-code=5 --fail-on=kev --max-db-age=36500 \
             --no-ignorefile --vex=a.json --vex=b.json --cache-dir=c"
                .to_owned(),
        ),
        (
            "image --insecure --cacert ca.pem --image-src remote localhost:5000/app",
            "scan image localhost:5000/app --format=table --scanners=vuln,secret --no-ignorefile \
             --insecure-registry=localhost:5000 --image-src=remote --registry-ca=ca.pem"
                .to_owned(),
        ),
        (
            "image --scanners vuln --image-config-scanners misconfig,secret --input a",
            "scan image --input=a --format=table --scanners=vuln,config,secret --no-ignorefile".to_owned(),
        ),
        (
            "image -f template -t @/contrib/gitlab.tpl --input a",
            "scan image --input=a --format=gitlab --scanners=vuln,secret --no-ignorefile".to_owned(),
        ),
        ("image --download-db-only", "db update".to_owned()),
    ] {
        trivy(line, &expected);
    }
}

#[test]
fn other_things_as_trivy_names_them() {
    for (line, expected) in [
        (
            "rootfs /",
            "scan rootfs / --format=table --scanners=vuln,secret --no-ignorefile",
        ),
        (
            "fs --scanners vuln .",
            "scan rootfs . --lock-files --format=table --scanners=vuln --no-ignorefile",
        ),
        (
            "k8s --report summary --kubeconfig k --include-namespaces a,b kind-kind",
            "scan cluster --context=kind-kind --format=table --no-ignorefile --kubeconfig=k --namespace=a --namespace=b",
        ),
        (
            "sbom --distro debian/12 list.json",
            "scan sbom list.json --format=table --no-ignorefile --distro=debian:12",
        ),
        (
            "k8s cluster --k8s-version 1.31 --format sarif --skip-images",
            "scan cluster --images=none --format=sarif --no-ignorefile --kubernetes-version=1.31",
        ),
    ] {
        trivy(line, expected);
    }
}

/// What would change the result is refused by its name, all of it at once.
#[test]
fn what_trivy_has_and_we_have_not() {
    for (line, named) in [
        ("image --skip-dirs /usr a:1", "--skip-dirs"),
        ("image --skip-files x a:1", "--skip-files"),
        ("image --compliance docker-cis-1.6.0 a:1", "--compliance"),
        ("image --ignore-policy p.rego a:1", "--ignore-policy"),
        (
            "image --format template --template @my.tpl a:1",
            "--format template",
        ),
        ("image --format github a:1", "--format github"),
        ("image --format spdx a:1", "--format spdx"),
        ("image --format unheard-of a:1", "--format unheard-of"),
        ("image --scanners vuln,license a:1", "--scanners license"),
        ("image --scanners misconfig a:1", "--scanners misconfig"),
        ("image --server http://x a:1", "--server"),
        ("image --vex oci a:1", "--vex oci"),
        ("image --vex repo a:1", "--vex repo"),
        (
            "image --detection-priority comprehensive a:1",
            "--detection-priority=comprehensive",
        ),
        ("image --removed-pkgs a:1", "--removed-pkgs"),
        ("image --docker-host unix:///x a:1", "--docker-host"),
        ("image --distro alpine/3.18 a:1", "--distro"),
        ("image --exit-on-eol 1 a:1", "--exit-on-eol"),
        ("image --severity URGENT a:1", "--severity URGENT"),
        ("image --exit-code 300 a:1", "--exit-code"),
        ("image --exit-code one a:1", "--exit-code"),
        ("image --unheard-of a:1", "--unheard-of"),
        ("image --format", "--format"),
        ("image --username a --password b,c a:1", "--username"),
        ("image a:1 b:2", "`b:2`"),
        ("image --input x a:1", "--input"),
        ("image -- --save=x", "`--save=x`"),
        ("image", "missing"),
        ("", "missing"),
        ("config .", "trivy config"),
        ("vm disk.img", "trivy vm"),
        ("server", "trivy server"),
        ("k8s --format json", "--format json"),
        ("k8s --exclude-namespaces a", "--exclude-namespaces"),
        ("repo https://github.com/a/b", "https://github.com/a/b"),
    ] {
        let plan = planned(trivy::plan, line, &Surroundings::default());
        let refused = plan.refused.join("; ");
        assert!(refused.contains(named), "{line}: {refused}");
    }
    let both = planned(
        trivy::plan,
        "image --skip-dirs a --compliance b c:1",
        &Surroundings::default(),
    );
    assert_eq!(both.refused.len(), 2, "{:?}", both.refused);
}

/// What changes nothing is said once, by its name.
#[test]
fn what_changes_nothing_is_told() {
    let line = "image --timeout 10m --no-progress --offline-scan --list-all-pkgs --no-progress --skip-dirs= a:1";
    let plan = planned(trivy::plan, line, &Surroundings::default());
    assert!(plan.refused.is_empty(), "{:?}", plan.refused);
    for name in [
        "--timeout",
        "--no-progress",
        "--offline-scan",
        "--list-all-pkgs",
    ] {
        let told = plan.notes.iter().filter(|note| note.starts_with(name));
        assert_eq!(told.count(), 1, "{name}: {:?}", plan.notes);
    }
}

fn with(variables: &[(&str, &str)]) -> Surroundings {
    let variables = variables
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Surroundings {
        variables: variables.collect(),
        ..Surroundings::default()
    }
}

#[test]
fn variables_stand_for_flags() {
    let around = with(&[
        ("TRIVY_SEVERITY", "CRITICAL"),
        ("TRIVY_EXIT_CODE", "4"),
        ("TRIVY_FORMAT", "json"),
        ("TRIVY_USERNAME", "u"),
        ("TRIVY_PASSWORD", "p"),
        ("TRIVY_SKIP_DIRS", ""),
        ("TRIVY_UNHEARD_OF", "x"),
    ]);
    let plan = planned(trivy::plan, "image --format sarif ghcr.io/a/b", &around);
    assert_eq!(plan.found, 4);
    assert!(plan.refused.is_empty(), "{:?}", plan.refused);
    let line = plan.line();
    assert!(
        line.contains("--format=sarif --severity=critical") && line.contains("--exit-code=4"),
        "{line}"
    );
    let (login, host) = plan.login.as_ref().unwrap();
    assert_eq!(host, "ghcr.io");
    assert_eq!(format!("{login:?}"), "Login", "a login is never printed");
    assert!(!line.contains("--registry-auth"), "{line}");
    assert!(
        plan.notes
            .iter()
            .any(|note| note.starts_with("TRIVY_UNHEARD_OF"))
    );

    let skips = with(&[("TRIVY_SKIP_DIRS", "/usr"), ("TRIVY_QUIET", "perhaps")]);
    let plan = planned(trivy::plan, "image a:1", &skips);
    let refused = plan.refused.join("; ");
    assert!(
        refused.contains("TRIVY_SKIP_DIRS") && refused.contains("TRIVY_QUIET"),
        "{refused}"
    );
}

fn folder(files: &[(&str, &str)]) -> (tempfile::TempDir, Surroundings) {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let around = Surroundings {
        folder: folder.path().to_owned(),
        ..Surroundings::default()
    };
    (folder, around)
}

#[test]
fn files_of_the_current_folder() {
    let (_kept, around) = folder(&[
        (
            "trivy.yaml",
            "severity: [HIGH]\nformat: json\ndb:\n  skip-update: true\nscan:\n  skip-dirs: []\n  parallel: 5\nunheard: 1\n",
        ),
        (".trivyignore", "CVE-2024-1\n"),
        (".trivyignore.yaml", "vulnerabilities: []\n"),
        ("own.yaml", "exit-code: 3\nscan:\n  skip-dirs: [usr]\n"),
        ("archive.tar", "x"),
        ("list.json", "{}"),
    ]);
    let plan = planned(trivy::plan, "image -f table --input archive.tar", &around);
    let line = plan.line();
    assert!(line.contains("--format=table --severity=high"), "{line}");
    assert!(
        line.contains("--ignorefile=.trivyignore") && !line.contains("--no-ignorefile"),
        "{line}"
    );
    let notes = plan.notes.join("\n");
    for told in [
        "using trivy.yaml",
        "using .trivyignore",
        ".trivyignore.yaml has no effect",
        "unheard of trivy.yaml",
    ] {
        assert!(notes.contains(told), "{told}: {notes}");
    }
    let plan = planned(trivy::plan, "image --config own.yaml a:1", &around);
    assert!(
        plan.refused.join("").contains("scan.skip-dirs of own.yaml"),
        "{:?}",
        plan.refused
    );
    assert_eq!(plan.found, 3);
    let plan = planned(trivy::plan, "image --config= --ignorefile= a:1", &around);
    assert!(plan.line().contains("--no-ignorefile"), "{}", plan.line());
    assert!(!plan.line().contains("--severity"), "{}", plan.line());
    // A list of packages is no archive.
    let plan = planned(trivy::plan, "image --input list.json", &around);
    assert!(
        plan.refused.join("").contains("trivy sbom"),
        "{:?}",
        plan.refused
    );
    assert!(
        trivy::plan(
            &["image".into(), "--config=none.yaml".into(), "a".into()],
            &around
        )
        .is_err()
    );
}

#[test]
fn lines_of_grype() {
    for (line, expected) in [
        (
            "app:1",
            "scan image app:1 --scanners=vuln --format=table --no-ignorefile".to_owned(),
        ),
        (
            "app:1 --fail-on high --only-fixed -o json",
            "scan image app:1 --scanners=vuln --format=grype-json --fail-on=high --exit-code=2 --only-fixed --no-ignorefile".to_owned(),
        ),
        (
            "registry:ghcr.io/a/b:1 --platform arm64 -o sarif=x.sarif",
            "scan image ghcr.io/a/b:1 --scanners=vuln --platform=linux/arm64 --image-src=registry --format=sarif --output=x.sarif \
             --no-ignorefile"
                .to_owned(),
        ),
        (
            "docker:a:1 -q --by-cve --add-cpes-if-none --scope squashed --vex v.json --file f -o cyclonedx-json",
            "scan image a:1 --scanners=vuln --image-src=docker --format=cyclonedx --output=f --vex=v.json --no-ignorefile".to_owned(),
        ),
        (
            "sbom:x.json --distro debian:12",
            "scan sbom x.json --distro=debian:12 --format=table --no-ignorefile".to_owned(),
        ),
        (
            "docker-archive:x.tar -o json=a.json -o sarif=b.sarif",
            "scan image --input=x.tar --scanners=vuln --format=grype-json --output=a.json --also=sarif=b.sarif --no-ignorefile"
                .to_owned(),
        ),
        (
            "docker-archive:x.tar --only-notfixed",
            "scan image --input=x.tar --scanners=vuln --format=table --ignore-status=fixed --no-ignorefile".to_owned(),
        ),
        (
            "dir:. --ignore-states wont-fix,unknown",
            "scan rootfs . --lock-files --scanners=vuln --format=table \
             --ignore-status=will_not_fix,end_of_life,unknown,under_investigation --no-ignorefile"
                .to_owned(),
        ),
    ] {
        grype(line, &expected);
    }
}

#[test]
fn what_grype_has_and_we_have_not() {
    for (line, named) in [
        ("a:1 --exclude /usr", "--exclude"),
        ("a:1 -o template -t x", "-o template"),
        ("a:1 --template x", "--template"),
        ("a:1 -o json -o table", "-o"),
        ("a:1 -o cyclonedx", "cyclonedx-json is written"),
        ("a:1 --scope all-layers", "--scope=all-layers"),
        ("a:1 --distro alpine:3.10", "--distro"),
        ("a:1 --fail-on urgent", "--fail-on urgent"),
        ("a:1 --vex-autodiscover", "--vex-autodiscover"),
        ("a:1 --unheard-of", "--unheard-of"),
        ("singularity:x.sif", "singularity:"),
        ("purl:x", "purl:"),
        ("db update", "grype db"),
        ("", "missing"),
        ("a b", "`b`"),
    ] {
        let plan = planned(grype::plan, line, &Surroundings::default());
        let refused = plan.refused.join("; ");
        assert!(refused.contains(named), "{line}: {refused}");
    }
}

#[test]
fn configuration_of_grype() {
    let (_kept, mut around) = folder(&[
        (
            ".grype.yaml",
            "fail-on-severity: high\nonly-fixed: true\nignore:\n  - vulnerability: CVE-2024-1\nregistry:\n  auth:\n    \
             - authority: ghcr.io\n      username: u\n      password: p\nmatch:\n  java:\n    using-cpes: false\n",
        ),
        ("list.json", "{}"),
        ("image.tar", "x"),
        ("layout/oci-layout", "{}"),
    ]);
    let plan = planned(grype::plan, "ghcr.io/a/b", &around);
    let line = plan.line();
    for part in [
        "--ignorefile=.grype.yaml",
        "--fail-on=high --exit-code=2",
        "--only-fixed",
    ] {
        assert!(line.contains(part), "{part}: {line}");
    }
    assert_eq!(plan.login.map(|(_, host)| host).as_deref(), Some("ghcr.io"));
    assert!(
        planned(grype::plan, "docker.io/a/b", &around)
            .login
            .is_none()
    );
    for (target, expected) in [
        ("list.json", "scan sbom list.json"),
        ("image.tar", "scan image --input=image.tar"),
        ("layout", "scan image --input=layout"),
        (".", "scan rootfs . --lock-files"),
    ] {
        let line = planned(grype::plan, target, &around).line();
        assert!(line.contains(expected), "{target}: {line}");
    }
    around.variables = [
        ("GRYPE_FAIL_ON_SEVERITY", "low"),
        ("GRYPE_DB_MAX_ALLOWED_BUILT_AGE", "240h"),
        ("GRYPE_DB_AUTO_UPDATE", "false"),
        ("GRYPE_SEARCH_SCOPE", "all-layers"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .to_vec();
    let plan = planned(grype::plan, "a:1", &around);
    assert!(
        plan.refused
            .join("")
            .contains("GRYPE_SEARCH_SCOPE=all-layers"),
        "{:?}",
        plan.refused
    );
    let line = plan.line();
    assert!(
        line.contains("--fail-on=low") && line.contains("--max-db-age=10"),
        "{line}"
    );
}

/// Every row that is put together in code is asked for there, and no flag or key stands in two rows.
#[test]
fn the_tables_are_whole() {
    for (name, table, code) in [
        ("trivy", super::trivy_table::TABLE, include_str!("trivy.rs")),
        ("grype", super::grype_table::TABLE, include_str!("grype.rs")),
    ] {
        let mut names = std::collections::BTreeSet::new();
        let mut keys = std::collections::BTreeSet::new();
        let mut shorts = std::collections::BTreeSet::new();
        for row in table {
            for long in row.other.iter().chain([&row.long]) {
                assert!(names.insert(*long), "{name}: --{long} twice");
            }
            assert!(
                row.key.is_empty() || keys.insert(row.key),
                "{name}: {} twice",
                row.key
            );
            assert!(
                row.short.is_none_or(|short| shorts.insert(short)),
                "{name}: -{:?} twice",
                row.short
            );
            if matches!(row.becomes, super::asked::Becomes::Made(_)) {
                let quoted = format!("\"{}\"", row.long);
                assert!(
                    code.contains(&quoted),
                    "{name}: --{} is made nowhere",
                    row.long
                );
            }
        }
    }
}
