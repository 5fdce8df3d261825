//! Ignore files of every grammar: what they take out, and what is said of entries that do not count.

use crate::app::{app, ruled, said, suppressed};
use ingest::{IgnoreForm, Limits, read_ignores};
use model::assessment::Assessment;
use model::evidence::Fact;
use model::matches::{Category, MatchSet};
use model::vulnerability::Kev;
use proptest::prelude::*;
use scan::Rulings;
use scan::filter::{Filter, PackageKind, filter};
use scan::gate::{Gate, judge};
use scan::ignore::{Ignores, STALE};

/// The app with a misconfiguration and a secret beside its vulnerabilities.
fn set() -> MatchSet {
    let mut set = app();
    for (id, category, target) in [
        (
            "AVD-KSV-0012",
            Category::Misconfiguration,
            "deploy/web.yaml:7",
        ),
        ("private-key", Category::Secret, "app/key.pem"),
    ] {
        let mut advisory = set.advisories[0].clone();
        advisory.id = id.into();
        advisory.aliases.clear();
        set.advisories.push(advisory);
        let mut one = set.matches[0].clone();
        one.advisory = u32::try_from(set.advisories.len() - 1).unwrap();
        one.category = category;
        one.package = None;
        one.target = Some(target.into());
        set.matches.push(one);
    }
    set
}

fn with(name: &str, text: &str) -> Assessment {
    let file = read_ignores(name, text.as_bytes(), &Limits::default()).unwrap();
    let ignores = vec![Ignores::whole(file)];
    ruled(
        vec![set()],
        &Rulings {
            annotations: false,
            attached: Vec::new(),
            vex: Vec::new(),
            ignores,
        },
    )
}

/// Names of what is suppressed: packages, else ids.
fn out(scan: &Assessment) -> String {
    let rest = scan
        .suppressed
        .iter()
        .filter(|f| f.package.is_none())
        .map(|f| f.id.to_string());
    let mut names: Vec<String> = suppressed(scan)
        .split(' ')
        .map(str::to_owned)
        .chain(rest)
        .collect();
    names.retain(|name| !name.is_empty());
    names.join(" ")
}

/// `ignore-unused` and its like, in their order.
fn stale(scan: &Assessment) -> String {
    let ids = scan
        .findings
        .iter()
        .map(|f| &*f.id)
        .filter(|id| STALE.contains(id));
    ids.collect::<Vec<_>>().join(" ")
}

fn check(name: &str, text: &str, expected: &str, expected_stale: &str) -> Assessment {
    let scan = with(name, text);
    assert_eq!(
        (out(&scan), stale(&scan)),
        (expected.into(), expected_stale.into()),
        "{text}\n{}",
        said(&scan)
    );
    let all = scan.findings.len() + scan.suppressed.len() + scan.unjoined.len();
    assert_eq!(
        all,
        7 + stale(&scan).split(' ').filter(|id| !id.is_empty()).count(),
        "{text}"
    );
    scan
}

const ALL: &str = "core libssl3 user zlib1g";

#[test]
fn our_own() {
    let own = |entry: &str, expected: &str, stale: &str| {
        let text = format!(
            "ignore:\n- {entry}\n  owner: team-a\n  reason: not reached\n  expires: 2026-11-23\n"
        );
        check(".plimsollignore.yaml", &text, expected, stale)
    };
    let scan = own("id: CVE-2024-1001", ALL, "");
    assert!(
        said(&scan).contains("team-a in .plimsollignore.yaml:2: not reached (until 2026-11-23)"),
        "{}",
        said(&scan)
    );
    own("id: GHSA-aaaa-bbbb-cccc", ALL, "");
    own("id: cve-2024-1001", ALL, "");
    own(
        "ids: [CVE-2024-1001, CVE-2024-1002]",
        "core gosu libssl3 user zlib1g",
        "",
    );
    own("id: CVE-2024-1001\n  package: lib*", "libssl3", "");
    own(
        "id: CVE-2024-1001\n  package: pkg:deb/debian/libssl3@3.0.11-1",
        "libssl3",
        "",
    );
    own(
        "id: CVE-2024-1001\n  package: pkg:deb/debian/libssl3@2",
        "",
        "ignore-unused",
    );
    own("package: \"@babel/*\"", "core", "");
    own("path: usr/local/bin/**", "gosu user", "");
    own("path: /app/**/package.json", "core", "");
    own("id: CVE-2024-1001\n  image: ghcr.io/shop/*", ALL, "");
    own("id: CVE-2024-1001\n  image: ghcr.io/shop/app", ALL, "");
    own("id: CVE-2024-1001\n  image: app", "", "ignore-unused");
    own(
        "id: CVE-2024-1001\n  object: Deployment shop/*",
        "",
        "ignore-unused",
    );
    own("id: KSV012\n  path: deploy/*.yaml", "AVD-KSV-0012", "");
    own("id: KSV013", "", "ignore-unused");
    own("path: app/key.pem", "private-key", "");
    own("id: CVE-2024-1001\n  given: {kev: false}", ALL, "");
    // Nothing says that it is not exposed.
    let scan = own(
        "id: CVE-2024-1001\n  given: {exposed: false}",
        "",
        "ignore-reopened",
    );
    assert!(
        said(&scan).contains("whether it is publicly exposed is not known now"),
        "{}",
        said(&scan)
    );
    for wrong in [
        "ignore: [{id: CVE-1, owner: a, reason: b}]",
        "ignore: [{id: CVE-1, owner: a, expires: 2026-01-01}]",
        "ignore: [{id: CVE-1, reason: a, expires: 2026-01-01}]",
        "ignore: [{id: CVE-1, owner: '', reason: a, expires: 2026-01-01}]",
        "ignore: [{id: CVE-1, owner: a, reason: a, expires: soon}]",
        "ignore: [{owner: a, reason: a, expires: 2026-01-01}]",
        "ignore: [{image: x, owner: a, reason: a, expires: 2026-01-01}]",
        "ignore: [{id: 'CVE-*', owner: a, reason: a, expires: 2026-01-01}]",
        "ignore: [{id: CVE-1, owner: a, reason: a, expires: 2026-01-01, colour: red}]",
        "ignore: {}",
        "other: 1",
        "- a",
    ] {
        assert!(
            read_ignores("x.yaml", wrong.as_bytes(), &Limits::default()).is_err(),
            "{wrong}"
        );
    }
    for empty in ["", "# nothing yet\n", "ignore: []\n"] {
        check(".plimsollignore.yaml", empty, "", "");
    }
}

#[test]
fn the_last_day_counts_and_the_next_does_not() {
    let text = |expires: &str| {
        format!("ignore: [{{id: CVE-2024-1002, owner: a, reason: b, expires: {expires}}}]")
    };
    check("x.yaml", &text("2026-11-23"), "gosu", "");
    let scan = check("x.yaml", &text("2026-11-22"), "", "ignore-expired");
    assert!(
        said(&scan).contains("the ignore entry x.yaml:1 is over: 2026-11-22 was its last day"),
        "{}",
        said(&scan)
    );
    // An entry that is over and matches nothing is over.
    check(
        "x.yaml",
        &text("2026-11-22").replace("1002", "1009"),
        "",
        "ignore-expired",
    );
}

#[test]
fn trivyignore() {
    let trivy =
        |text: &str, expected: &str, stale: &str| check(".trivyignore", text, expected, stale);
    trivy("# a comment\n\nCVE-2024-1001\n", ALL, "");
    trivy("CVE-2024-1001 exp:2026-11-24", ALL, "");
    // The first instant of its day is its end.
    trivy("CVE-2024-1001 exp:2026-11-23", "", "ignore-expired");
    trivy(
        "KSV-0012\nprivate-key # known",
        "AVD-KSV-0012 private-key",
        "",
    );
    trivy("CVE-2024-1009", "", "ignore-unused");
    let scan = trivy("CVE-2024-1001 exp:soon", "", "");
    assert!(
        said(&scan).contains("line 1 has a date that is no YYYY-MM-DD"),
        "{}",
        said(&scan)
    );
    assert!(
        said(&trivy("CVE-2024-1002", "gosu", "")).contains(".trivyignore:1: no reason is given")
    );
}

#[test]
fn trivyignore_yaml() {
    let trivy =
        |text: &str, expected: &str, stale: &str| check(".trivyignore.yaml", text, expected, stale);
    trivy(
        "vulnerabilities:\n- id: CVE-2024-1001\n  statement: accepted\nsecrets:\nlicenses:\n",
        ALL,
        "",
    );
    trivy(
        "vulnerabilities:\n- id: CVE-2024-1001\n  purls: ['pkg:deb/debian/libssl3', 'pkg:npm/%40babel/core@7.0.0']",
        "core libssl3",
        "",
    );
    trivy(
        "vulnerabilities:\n- id: CVE-2024-1001\n  paths: ['usr/local/bin/*']",
        "user",
        "",
    );
    trivy(
        "vulnerabilities:\n- id: CVE-2024-1001\n  expired_at: 2026-11-23",
        "",
        "ignore-expired",
    );
    trivy(
        "vulnerabilities:\n- id: CVE-2024-1001\n  expired_at: 2026-11-24T00:00:00Z",
        ALL,
        "",
    );
    trivy(
        "misconfigurations:\n- id: AVD-KSV-0012\n  paths: [deploy/web.yaml]",
        "AVD-KSV-0012",
        "",
    );
    // Each list is of its own kind.
    trivy(
        "secrets:\n- id: CVE-2024-1001\n- id: private-key",
        "private-key",
        "ignore-unused",
    );
    trivy("vulnerabilities:\nsecrets:\n", "", "");
}

#[test]
fn grype_rules() {
    let grype =
        |text: &str, expected: &str, stale: &str| check(".grype.yaml", text, expected, stale);
    grype("ignore:\n- vulnerability: CVE-2024-1001\n", ALL, "");
    grype(
        "ignore:\n- vulnerability: GHSA-aaaa-bbbb-cccc\n",
        "",
        "ignore-unused",
    );
    grype(
        "ignore:\n- vulnerability: GHSA-aaaa-bbbb-cccc\n  include-aliases: true\n",
        ALL,
        "",
    );
    grype("ignore:\n- fix-state: fixed\n", "libssl3", "");
    grype(
        "ignore:\n- fix-state: wont-fix\n  package: {type: go-module}\n",
        "gosu user",
        "",
    );
    grype("ignore:\n- package: {name: 'lib.*'}\n", "libssl3", "");
    grype("ignore:\n- package: {name: lib}\n", "", "ignore-unused");
    grype(
        "ignore:\n- package: {name: libssl3, version: 3.0.11-1, type: deb}\n",
        "libssl3",
        "",
    );
    grype(
        "ignore:\n- package: {name: libssl3, version: 3.0.11-2}\n",
        "",
        "ignore-unused",
    );
    grype("ignore:\n- package: {language: javascript}\n", "core", "");
    grype(
        "ignore:\n- package: {location: '/usr/local/**'}\n",
        "gosu user",
        "",
    );
    grype(
        "ignore:\n- package: {upstream-name: openssl}\n",
        "libssl3",
        "",
    );
    grype(
        "ignore:\n- namespace: 'debian:distro:debian:12'\n  vulnerability: CVE-2024-1002\n",
        "gosu",
        "",
    );
    grype(
        "ignore:\n- namespace: 'debian:distro:debian:11'\n",
        "",
        "ignore-unused",
    );
    grype("fail-on-severity: high\n", "", "");
    for (rule, words) in [
        ("match-type: exact-direct-match", "match-type"),
        ("fix-state: sometimes", "fix-state"),
        ("reason: none", "no condition"),
        ("package: {name: '('}", "a pattern that is none"),
    ] {
        let scan = grype(&format!("ignore:\n- {rule}\n"), "", "");
        assert!(said(&scan).contains(words), "{rule}\n{}", said(&scan));
    }
}

#[test]
fn grype_rules_by_vex_status() {
    let statement = r#"{"@context":"https://openvex.dev/ns","statements":[{"vulnerability":"CVE-2024-1001","products":["pkg:npm/%40babel/core"],"status":"under_investigation"}]}"#;
    let vex = || vec![ingest::read_vex("v", statement.as_bytes(), &Limits::default()).unwrap()];
    for (status, expected) in [("under_investigation", "core"), ("affected", "")] {
        let text = format!("ignore:\n- vex-status: {status}\n");
        let file = read_ignores(".grype.yaml", text.as_bytes(), &Limits::default()).unwrap();
        let ignores = vec![Ignores::whole(file)];
        let scan = ruled(
            vec![set()],
            &Rulings {
                annotations: false,
                attached: Vec::new(),
                vex: vex(),
                ignores,
            },
        );
        assert_eq!(out(&scan), expected, "{status}");
    }
}

#[test]
fn forms_are_told_apart() {
    for (name, text, expected) in [
        ("a", "CVE-1\n", IgnoreForm::TrivyText),
        (
            "a.yaml",
            "ignore:\n- {id: a, owner: b, reason: c, expires: 2026-01-01}",
            IgnoreForm::Plimsoll,
        ),
        (
            "a",
            "ignore:\n- {id: a, owner: b, reason: c, expires: 2026-01-01}",
            IgnoreForm::Plimsoll,
        ),
        ("a.yaml", "ignore:\n- {vulnerability: a}", IgnoreForm::Grype),
        (
            "my.grype.yaml",
            "ignore:\n- {package: {name: a}}",
            IgnoreForm::Grype,
        ),
        ("a.yml", "secrets:\n- {id: a}", IgnoreForm::TrivyYaml),
        ("a", "vulnerabilities:\n- id: a\n", IgnoreForm::TrivyYaml),
    ] {
        let read = read_ignores(name, text.as_bytes(), &Limits::default()).unwrap();
        assert_eq!(read.form, expected, "{name} {text}");
    }
}

/// Rule 17: what the change itself added is listed and takes nothing out; what it took away does not count either.
#[test]
fn only_what_the_base_has_counts() {
    let entry = |id: &str, reason: &str| {
        format!("- {{id: {id}, owner: a, reason: {reason}, expires: 2027-01-01}}\n")
    };
    let read = |entries: &[String]| {
        let text = format!("ignore:\n{}", entries.concat());
        read_ignores("x.yaml", text.as_bytes(), &Limits::default()).unwrap()
    };
    let (one, two) = ("CVE-2024-1001", "CVE-2024-1002");
    for (here, base, expected, added) in [
        (vec![entry(one, "r")], vec![entry(one, "r")], ALL, 0),
        (vec![entry(one, "r")], vec![], "", 1),
        (
            vec![entry(two, "r"), entry(one, "r")],
            vec![entry(one, "r")],
            ALL,
            1,
        ),
        (vec![entry(one, "other")], vec![entry(one, "r")], "", 1),
        (
            vec![entry(two, "r")],
            vec![entry(two, "r"), entry(one, "r")],
            "gosu",
            0,
        ),
    ] {
        let ignores = vec![Ignores::against(read(&here), &[read(&base)], "main")];
        let scan = ruled(
            vec![set()],
            &Rulings {
                annotations: false,
                attached: Vec::new(),
                vex: Vec::new(),
                ignores,
            },
        );
        assert_eq!(
            (out(&scan), stale(&scan)),
            (expected.into(), String::new()),
            "{here:?} {base:?}"
        );
        let told = said(&scan).contains("not in main");
        assert_eq!(told, added > 0, "{}", said(&scan));
    }
}

/// Stale entries are findings that a gate tells and does not count, unless it is asked to.
#[test]
fn stale_entries_and_the_gate() {
    let text = "ignore:\n- {ids: [CVE-2024-1001, CVE-2024-1002], owner: a, reason: b, expires: 2027-01-01}\n- {ids: [KSV012, private-key], owner: a, reason: b, expires: 2027-01-01}\n- {id: CVE-2024-1009, owner: a, reason: b, expires: 2027-01-01}\n";
    let mut scan = with("x.yaml", text);
    assert_eq!(
        (scan.findings.len(), stale(&scan)),
        (1, "ignore-unused".to_owned())
    );
    scan.ledger.gaps.clear();
    for (fail_on, code, expected) in [
        (&["low"][..], None, 0),
        (&[][..], Some(7), 0),
        (&["stale-ignore"][..], None, 1),
        (&["low+stale-ignore"][..], None, 1),
        (&["critical+stale-ignore"][..], None, 0),
    ] {
        let gate = Gate {
            fail_on: fail_on.iter().map(|text| text.parse().unwrap()).collect(),
            exit_code: code,
            ..Gate::default()
        };
        let verdict = judge(&scan, &gate);
        assert_eq!(
            verdict.exit_code, expected,
            "{fail_on:?} {:?}",
            verdict.reasons
        );
        let told = verdict
            .notices
            .iter()
            .any(|notice| notice.contains("1 ignore entry is stale"));
        let asked = fail_on.iter().any(|text| text.contains("stale-ignore"));
        assert_eq!(told, !asked, "{:?}", verdict.notices);
    }
    filter(
        &mut scan,
        &Filter {
            severities: vec![model::vulnerability::Severity::Critical],
            ..Filter::default()
        },
    );
    assert_eq!(
        stale(&scan),
        "ignore-unused",
        "a filter of severities does not hide it"
    );
}

fn exploited(scan: &mut Assessment, id: &str) {
    let kev = Kev {
        added: "2026-11-01".parse().unwrap(),
        ransomware: false,
        name: "x".into(),
    };
    let found = scan
        .vulnerabilities
        .iter_mut()
        .find(|v| &*v.id == id)
        .unwrap();
    found.kev = Fact::Is(kev);
}

/// Filters of fix states and of kinds of packages leave out what they say, and list it.
#[test]
fn filters_of_states_and_packages() {
    use model::matches::FixState;
    let all = ruled(vec![set()], &Rulings::default());
    let state = |index: usize| all.findings[index].fix.state;
    let is_system = |finding: &model::finding::Finding| {
        let package = finding.package.and_then(|n| all.packages.get(n as usize));
        package.map(|package| matches!(&*package.kind, "deb" | "apk" | "rpm" | "alpm"))
    };
    for status in [FixState::Fixed, FixState::NotFixed, FixState::Unknown] {
        let mut scan = all.clone();
        let filter_ = Filter {
            statuses: vec![status],
            ..Filter::default()
        };
        filter(&mut scan, &filter_);
        let expected = (0..all.findings.len())
            .filter(|&n| all.findings[n].category == Category::Vulnerability && state(n) == status)
            .count();
        assert_eq!(
            all.findings.len() - scan.findings.len(),
            expected,
            "{status:?}"
        );
        assert_eq!(scan.suppressed.len() - all.suppressed.len(), expected);
    }
    for (kind, system) in [(PackageKind::System, true), (PackageKind::Library, false)] {
        let mut scan = all.clone();
        let filter_ = Filter {
            kinds: vec![kind],
            ..Filter::default()
        };
        filter(&mut scan, &filter_);
        let expected = all
            .findings
            .iter()
            .filter(|f| is_system(f) == Some(!system));
        let expected = expected.count();
        assert!(expected > 0, "the sample has packages of both kinds");
        assert_eq!(
            all.findings.len() - scan.findings.len(),
            expected,
            "{kind:?}"
        );
    }
}

/// Rule 17: a known exploited vulnerability is never hidden silently.
#[test]
fn filters_and_known_exploited_ones() {
    let one = |filter_: &Filter, kev: bool| {
        let mut scan = ruled(vec![set()], &Rulings::default());
        if kev {
            exploited(&mut scan, "CVE-2024-1002");
        }
        filter(&mut scan, filter_);
        scan
    };
    let unfixed = Filter {
        ignore_unfixed: true,
        ..Filter::default()
    };
    let only = Filter {
        only_fixed: true,
        ..Filter::default()
    };
    // Configuration and secrets have no fix of somebody else.
    assert_eq!(out(&one(&unfixed, false)), "core gosu user zlib1g");
    assert_eq!(out(&one(&only, false)), "core gosu user zlib1g");
    let kept = one(&unfixed, true);
    assert_eq!(out(&kept), "core user zlib1g");
    assert!(
        said(&kept).contains("--ignore-unfixed does not take it out"),
        "{}",
        said(&kept)
    );
    let hidden = one(&only, true);
    assert_eq!(out(&hidden), "core gosu user zlib1g");
    assert!(
        said(&hidden).contains("leaves out what is known to be exploited: CVE-2024-1002"),
        "{}",
        said(&hidden)
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn any_ignore_file(name in prop::sample::select(vec!["a", ".trivyignore", "a.yaml", ".grype.yaml"]), text in "(ignore:|vulnerabilities:|secrets:|- |id: |package: |\\{|\\}|\\[|\\]|\\*|&a |: |\n|  |CVE-2024-1001|exp:2026-01-01|name|'|[a-z]{1,3}){0,24}") {
        if let Ok(file) = read_ignores(name, text.as_bytes(), &Limits::default()) {
            let scan = ruled(vec![set()], &Rulings { annotations: false, attached: Vec::new(), vex: Vec::new(), ignores: vec![Ignores::whole(file)] });
            let all = scan.findings.len() + scan.suppressed.len() + scan.unjoined.len();
            prop_assert_eq!(all - stale(&scan).split(' ').filter(|id| !id.is_empty()).count(), 7);
        }
    }

    #[test]
    fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = read_ignores("a.yaml", &bytes, &Limits::default());
        let _ = read_ignores("a", &bytes, &Limits::default());
    }
}
