//! The matcher end to end on a handful of records: releases, sources, modules, channels, languages, Go programs.

use crate::small::{Files, open};
use intel::Intelligence;
use intel::matching::{matches, why_not};
use intel::purl::{Purl, release};
use jiff::civil::date;
use model::image::ImageIdentity;
use model::inventory::{Component, Inventory, Linked};
use model::matches::{Artifact, ArtifactKind, MatchSet};
use model::vulnerability::Severity;
use proptest::prelude::*;

/// `{"id": ID, ..., "affected": [{"package": {ecosystem, name}, "ranges": [[0, FIXED]]}]}` of `osv/FOLDER`.
pub(crate) fn osv(
    id: &str,
    more: &str,
    ecosystem: &str,
    name: &str,
    fixed: &str,
) -> (String, Vec<u8>) {
    let fixed = if fixed.is_empty() {
        String::new()
    } else {
        format!(r#",{{"fixed":"{fixed}"}}"#)
    };
    record(
        id,
        more,
        &format!(
            r#"{{"package":{{"ecosystem":"{ecosystem}","name":"{name}"}},"ranges":[{{"type":"ECOSYSTEM","events":[{{"introduced":"0"}}{fixed}]}}]}}"#
        ),
    )
}

pub(crate) fn record(id: &str, more: &str, affected: &str) -> (String, Vec<u8>) {
    let folder = id.split('-').next().unwrap();
    let text = format!(
        r#"{{"id":"{id}","modified":"2024-04-04T00:00:00Z"{more},"affected":[{affected}]}}"#
    );
    (format!("osv/{folder}/{id}.json"), text.into_bytes())
}

pub(crate) fn feeds() -> Files {
    let up = |cves: &str| format!(r#","published":"2024-03-01T00:00:00Z","upstream":[{cves}]"#);
    let alias = |cve: &str| format!(r#","aliases":["{cve}"]"#);
    let mut files = vec![
        osv(
            "DSA-1-1",
            &up(r#""CVE-2024-1001","CVE-2024-1002""#),
            "Debian:12",
            "openssl",
            "3.0.11-1~deb12u2",
        ),
        osv(
            "DSA-1-2",
            &up(r#""CVE-2024-1001""#),
            "Debian:11",
            "openssl",
            "1.1.1w-0+deb11u1",
        ),
        osv(
            "DEBIAN-CVE-2024-1003",
            &up(r#""CVE-2024-1003""#),
            "Debian:12",
            "linux",
            "6.1.85-1",
        ),
        osv(
            "DSA-3-1",
            &up(r#""CVE-2024-1004""#),
            "Debian:12",
            "zlib",
            "2.0-1",
        ),
        osv(
            "DEBIAN-CVE-2024-1004",
            &up(r#""CVE-2024-1004""#),
            "Debian:12",
            "zlib",
            "1.5-1",
        ),
        osv(
            "ALSA-2024:1",
            r#","summary":"Important: openssl security update","published":"2024-03-01T00:00:00Z","related":["CVE-2024-1001"]"#,
            "AlmaLinux:8",
            "openssl-libs",
            "1:1.1.1k-9.el8_6",
        ),
        osv(
            "ALSA-2024:2",
            r#","summary":"Important: nodejs:18 security update","related":["CVE-2024-2001"]"#,
            "AlmaLinux:8",
            "nodejs",
            "1:18.14.2-3.module_el8.7.0+1+aa",
        ),
        osv(
            "ALSA-2024:3",
            r#","summary":"Important: nodejs:20 security update","related":["CVE-2024-2002"]"#,
            "AlmaLinux:8",
            "nodejs",
            "1:20.8.1-1.module_el8.9.0+1+bb",
        ),
        osv(
            "ALBA-2024:4",
            r#","summary":"bash bug fix update","related":[]"#,
            "AlmaLinux:8",
            "bash",
            "9",
        ),
        osv(
            "UBUNTU-CVE-2024-3001",
            &up(r#""CVE-2024-3001""#),
            "Ubuntu:22.04:LTS",
            "curl",
            "7.81.0-1ubuntu1.16",
        ),
        osv(
            "UBUNTU-CVE-2024-3002",
            &up(r#""CVE-2024-3002""#),
            "Ubuntu:Pro:22.04:LTS",
            "curl",
            "7.81.0-1ubuntu1.20+esm1",
        ),
        osv(
            "GHSA-aaaa-1111-0001",
            &alias("CVE-2024-4001"),
            "npm",
            "@scope/name",
            "1.2.3",
        ),
        osv(
            "GHSA-aaaa-1111-0002",
            &alias("CVE-2024-4002"),
            "PyPI",
            "Zope.Interface",
            "5.0",
        ),
        osv(
            "PYSEC-2024-2",
            &alias("CVE-2024-4002"),
            "PyPI",
            "zope-interface",
            "5.1",
        ),
        osv(
            "GHSA-aaaa-1111-0003",
            &alias("CVE-2024-4003"),
            "Maven",
            "org.x:core",
            "2.17.1",
        ),
        osv(
            "GHSA-aaaa-1111-0004",
            r#","aliases":["CVE-2024-4004"],"withdrawn":"2024-05-01T00:00:00Z""#,
            "npm",
            "gone",
            "9",
        ),
        osv(
            "GHSA-aaaa-1111-0005",
            r#","aliases":["CVE-2024-4005","CVE-2024-4006"]"#,
            "npm",
            "two",
            "",
        ),
        osv(
            "BIT-nginx-2024-1",
            &alias("CVE-2024-5001"),
            "Bitnami",
            "nginx",
            "1.25.4",
        ),
        osv(
            "GO-2024-0002",
            &alias("CVE-2024-6002"),
            "Go",
            "stdlib",
            "1.22.3",
        ),
        record(
            "GO-2024-0003",
            &alias("CVE-2024-6003"),
            r#"{"package":{"ecosystem":"Go","name":"golang.org/x/net"},"ranges":[{"type":"SEMVER","events":[{"introduced":"0"},{"fixed":"0.23.0"}]}],"ecosystem_specific":{"imports":[{"path":"golang.org/x/net/http2","symbols":["Server.ServeConn"]}]}}"#,
        ),
    ];
    files.extend([
        (
            "alpine-secdb/v3.11/main.json".to_owned(),
            br#"{"distroversion":"v3.11","packages":[{"pkg":{"name":"zlib","secfixes":{"1.2.11-r4":["CVE-2024-1008"],"0":["CVE-2024-1009"]}}}]}"#.to_vec(),
        ),
        (
            "debian-tracker/json".to_owned(),
            br#"{"bash":{"CVE-2024-7001":{"releases":{"bookworm":{"status":"open","urgency":"unimportant"}}},"CVE-2024-7002":{"releases":{"bookworm":{"status":"open","nodsa":"minor","nodsa_reason":"ignored"}}},"CVE-2024-7003":{"releases":{"bookworm":{"status":"resolved","fixed_version":"0"}}}},
               "openssl":{"CVE-2024-1002":{"releases":{"bookworm":{"status":"resolved","fixed_version":"0"}}}}}"#.to_vec(),
        ),
        (
            "csaf-vex/2022/cve-2024-8001.json".to_owned(),
            br#"{"document":{},"product_tree":{"branches":[
                 {"product":{"product_id":"BaseOS","name":"","product_identification_helper":{"cpe":"cpe:/o:redhat:enterprise_linux:8::baseos"}}},
                 {"product":{"product_id":"EUS","name":"","product_identification_helper":{"cpe":"cpe:/o:redhat:rhel_eus:8.4::baseos"}}},
                 {"product":{"product_id":"rhel8","name":"","product_identification_helper":{"cpe":"cpe:/o:redhat:enterprise_linux:8"}}},
                 {"product":{"product_id":"lib-2-3.el8_6.x86_64","name":"","product_identification_helper":{"purl":"pkg:rpm/redhat/lib@2-3.el8_6?arch=x86_64"}}},
                 {"product":{"product_id":"lib-2-1.el8_4.x86_64","name":"","product_identification_helper":{"purl":"pkg:rpm/redhat/lib@2-1.el8_4?arch=x86_64"}}}],
               "relationships":[
                 {"full_product_name":{"product_id":"BaseOS:lib"},"product_reference":"lib-2-3.el8_6.x86_64","relates_to_product_reference":"BaseOS"},
                 {"full_product_name":{"product_id":"EUS:lib"},"product_reference":"lib-2-1.el8_4.x86_64","relates_to_product_reference":"EUS"},
                 {"full_product_name":{"product_id":"rhel8:tool"},"product_reference":"tool","relates_to_product_reference":"rhel8"}]},
               "vulnerabilities":[{"cve":"CVE-2024-8001","product_status":{"fixed":["BaseOS:lib","EUS:lib"],"known_affected":["rhel8:tool"]},
                 "remediations":[{"category":"no_fix_planned","details":"Will not fix","product_ids":["rhel8:tool"]}]}]}"#.to_vec(),
        ),
    ]);
    files
}

pub(crate) fn inventory(purls: &[&str], distro: Option<&str>) -> Inventory {
    let components: Vec<Component> = purls
        .iter()
        .map(|text| Purl::parse(text).unwrap().component(text))
        .collect();
    Inventory {
        artifact: Artifact {
            kind: ArtifactKind::Image,
            name: "shop:1".into(),
            identity: ImageIdentity::default(),
            os: None,
            object: None,
            container: None,
        },
        release: distro.map(release),
        layers: Vec::new(),
        components,
        linked: Vec::new(),
        config: None,
        remarks: Vec::new(),
        gaps: Vec::new(),
    }
}

/// `CVE fixed-version status`, one a match.
pub(crate) fn told(set: &MatchSet) -> Vec<String> {
    let one = |one: &model::matches::Match| {
        let id = &set.advisories[one.advisory as usize].id;
        let fixed = one.fix.versions.first().map_or("-", |version| version);
        format!("{id} {fixed} {}", one.fix.state.word())
    };
    set.matches.iter().map(one).collect()
}

pub(crate) fn classes(set: &MatchSet) -> Vec<&str> {
    set.gaps.iter().map(|gap| &*gap.class).collect()
}

#[track_caller]
pub(crate) fn check(intel: &Intelligence, purl: &str, distro: &str, expected: &[&str]) {
    let distro = Some(distro).filter(|distro| !distro.is_empty());
    let set = matches(&inventory(&[purl], distro), intel, None);
    assert_eq!(told(&set), expected, "{purl} on {distro:?}");
    assert_eq!(set.gaps, [], "{purl} on {distro:?}");
}

#[test]
fn packages_of_distributions() {
    let intel = open(&feeds());
    let check = |purl: &str, distro: &str, expected: &[&str]| check(&intel, purl, distro, expected);
    let fixed = "CVE-2024-1001 3.0.11-1~deb12u2 fixed";
    // The tracker's word on CVE-2024-1002 is above the notice that collects it.
    check(
        "pkg:deb/debian/libssl3@3.0.9-1?upstream=openssl",
        "debian:12",
        &[fixed],
    );
    check(
        "pkg:deb/debian/libssl3@3.0.9-1?upstream=openssl",
        "debian:12.5",
        &[fixed],
    );
    check(
        "pkg:deb/debian/libssl3@3.0.11-1~deb12u2?upstream=openssl",
        "debian:12",
        &[],
    );
    check(
        "pkg:deb/debian/libssl3@1.1.1n?upstream=openssl",
        "debian:bullseye",
        &["CVE-2024-1001 1.1.1w-0+deb11u1 fixed"],
    );
    // A binary of that name from another source.
    check("pkg:deb/debian/openssl@1?upstream=other", "debian:12", &[]);
    check(
        "pkg:deb/debian/linux-libc-dev@6.1.80-1?upstream=linux",
        "debian:12",
        &["CVE-2024-1003 6.1.85-1 fixed"],
    );
    check(
        "pkg:deb/debian/zlib1g@1.6-1?upstream=zlib",
        "debian:12",
        &[],
    );
    check(
        "pkg:deb/debian/zlib1g@1.4-1?upstream=zlib",
        "debian:12",
        &["CVE-2024-1004 2.0-1 fixed"],
    );
    check(
        "pkg:deb/debian/bash@5.2-1",
        "debian:12",
        &["CVE-2024-7001 - affected", "CVE-2024-7002 - will_not_fix"],
    );
    check(
        "pkg:apk/alpine/zlib-dev@1.2.11-r3?upstream=zlib",
        "alpine:3.11.6",
        &["CVE-2024-1008 1.2.11-r4 fixed"],
    );
    check("pkg:apk/alpine/zlib@1.2.11-r4", "alpine:3.11.6", &[]);
    let alma = "CVE-2024-1001 1:1.1.1k-9.el8_6 fixed";
    check(
        "pkg:rpm/almalinux/openssl-libs@1.1.1k-7.el8_6?epoch=1",
        "almalinux:8.6",
        &[alma],
    );
    check(
        "pkg:rpm/almalinux/openssl-libs@1.1.1k-9.el8_6?epoch=1",
        "almalinux:8.6",
        &[],
    );
    // Without its epoch it is older than every version with one.
    check(
        "pkg:rpm/almalinux/openssl-libs@1.1.1k-9.el8_6",
        "almalinux:8.6",
        &[alma],
    );
    check(
        "pkg:rpm/almalinux/openssl@1?epoch=1&upstream=openssl-1-1.src.rpm",
        "almalinux:8",
        &[],
    );
    check("pkg:rpm/almalinux/bash@1", "almalinux:8", &[]);
    let pro = "CVE-2024-3002 7.81.0-1ubuntu1.20+esm1 affected";
    check(
        "pkg:deb/ubuntu/curl@7.81.0-1ubuntu1.15",
        "ubuntu:22.04",
        &["CVE-2024-3001 7.81.0-1ubuntu1.16 fixed", pro],
    );
    check(
        "pkg:rpm/redhat/lib@2-2.el8_6",
        "rhel:8.6",
        &["CVE-2024-8001 2-3.el8_6 fixed"],
    );
    check("pkg:rpm/redhat/lib@2-1.el8_4", "rhel:8.4", &[]);
    check(
        "pkg:rpm/redhat/lib@2-0.el8_4",
        "rhel:8.4",
        &["CVE-2024-8001 2-3.el8_6 fixed"],
    );
    check(
        "pkg:rpm/redhat/tool-libs@1?upstream=tool-1-1.src.rpm",
        "rhel:8.6",
        &["CVE-2024-8001 - will_not_fix"],
    );
}

#[test]
fn modules_judge_their_own_stream() {
    let intel = open(&feeds());
    let check = |version: &str, module: &str, expected: &[&str]| {
        let purl = format!("pkg:rpm/almalinux/nodejs@{version}?epoch=1{module}");
        check(&intel, &purl, "almalinux:8", expected);
    };
    let (eighteen, twenty) = (
        "CVE-2024-2001 1:18.14.2-3.module_el8.7.0+1+aa fixed",
        "CVE-2024-2002 1:20.8.1-1.module_el8.9.0+1+bb fixed",
    );
    check(
        "18.1.0-1.module_el8.6.0%2B1%2Bcc",
        "&rpmmod=nodejs:18:8060:aa",
        &[eighteen],
    );
    check(
        "20.1.0-1.module_el8.6.0%2B1%2Bcc",
        "&rpmmod=nodejs:20:8060:aa",
        &[twenty],
    );
    check(
        "16.1.0-1.module_el8.6.0%2B1%2Bcc",
        "&rpmmod=nodejs:16:8060:aa",
        &[],
    );
    // Without a label the version tells the stream.
    check("18.1.0-1.module_el8.6.0%2B1%2Bcc", "", &[eighteen]);
    check("16.1.0-1.module_el8.6.0%2B1%2Bcc", "", &[]);
    check("16.1.0-1.el8", "", &[]);
}

#[test]
fn packages_of_languages() {
    let intel = open(&feeds());
    let check = |purl: &str, expected: &[&str]| check(&intel, purl, "", expected);
    check(
        "pkg:npm/%40scope/name@1.2.2",
        &["CVE-2024-4001 1.2.3 fixed"],
    );
    check("pkg:npm/name@1.2.2", &[]);
    // Two databases: one finding, and the fix that both agree on.
    check("pkg:pypi/zope_interface@4.9", &["CVE-2024-4002 5.1 fixed"]);
    check("pkg:pypi/zope.interface@5.0", &["CVE-2024-4002 5.1 fixed"]);
    check(
        "pkg:maven/org.x/core@2.14.1",
        &["CVE-2024-4003 2.17.1 fixed"],
    );
    check("pkg:maven/org.y/core@2.14.1", &[]);
    check("pkg:npm/gone@1.0.0", &[]);
    check(
        "pkg:npm/two@1.0.0",
        &["CVE-2024-4005 - affected", "CVE-2024-4006 - affected"],
    );
    check(
        "pkg:bitnami/nginx@1.25.3-2",
        &["CVE-2024-5001 1.25.4 fixed"],
    );
    check("pkg:generic/nginx@1.25.3", &["CVE-2024-5001 1.25.4 fixed"]);
    check("pkg:golang/stdlib@1.22.2", &["CVE-2024-6002 1.22.3 fixed"]);
    check("pkg:golang/stdlib@go1.22.3", &[]);
    check(
        "pkg:golang/golang.org/x/net@v0.22.0",
        &["CVE-2024-6003 0.23.0 fixed"],
    );
}

#[test]
fn nobody_asked_is_never_nothing_found() {
    let intel = open(&feeds());
    let check = |purl: &str, distro: Option<&str>, expected: &[&str]| {
        let set = matches(&inventory(&[purl], distro), &intel, None);
        assert_eq!(
            (told(&set), classes(&set)),
            (Vec::new(), expected.to_vec()),
            "{purl} on {distro:?}"
        );
    };
    check(
        "pkg:apk/alpine/zlib@1.3-r0",
        Some("alpine:3.20.1"),
        &["release-not-covered"],
    );
    check(
        "pkg:rpm/rocky/openssl-libs@1",
        Some("rocky:8.6"),
        &["release-not-covered"],
    );
    check("pkg:deb/debian/x@1", None, &["release-unknown"]);
    check(
        "pkg:deb/debian/x@1",
        Some("debian"),
        &["release-not-covered"],
    );
    check("pkg:cargo/x@1.0.0", None, &["ecosystem-not-covered"]);
    check(
        "pkg:generic/unknown-tool@1.0",
        None,
        &["package-not-judged"],
    );
    check(
        "pkg:golang/golang.org/x/net@%28devel%29",
        None,
        &["version-unknown"],
    );
    check("pkg:golang/example.org/own@%28devel%29", None, &[]);
    let mut foreign = inventory(
        &["pkg:rpm/almalinux/openssl-libs@1-1.el8"],
        Some("almalinux:8"),
    );
    foreign.components[0].vendor = Some("NodeSource".into());
    let set = matches(&foreign, &intel, None);
    assert_eq!(
        (told(&set), classes(&set)),
        (vec![], vec!["vendor-not-covered"])
    );
    let mut ended = inventory(&["pkg:deb/debian/bash@5.2-1"], Some("debian:12"));
    ended.release.as_mut().unwrap().end_of_life = Some(date(2028, 6, 30));
    assert_eq!(
        classes(&matches(&ended, &intel, Some(date(2028, 6, 30)))),
        Vec::<&str>::new()
    );
    let set = matches(&ended, &intel, Some(date(2028, 7, 1)));
    assert_eq!(classes(&set), ["release-ended"]);
    assert_eq!(
        told(&set),
        [
            "CVE-2024-7001 - end_of_life",
            "CVE-2024-7002 - will_not_fix"
        ]
    );
}

#[test]
fn what_the_distribution_installed_is_its_own() {
    let intel = open(&feeds());
    let purls = [
        "pkg:deb/debian/python3-zope.interface@4.9-1",
        "pkg:pypi/zope-interface@4.9",
    ];
    let judge = |distro: &str| {
        let mut inventory = inventory(&purls, Some(distro));
        inventory.components[1].owner = Some(0);
        matches(&inventory, &intel, None)
    };
    assert_eq!(told(&judge("debian:12")), Vec::<String>::new());
    let set = judge("debian:13");
    assert_eq!(
        (told(&set), classes(&set)),
        (
            vec!["CVE-2024-4002 - unknown".to_owned()],
            vec!["release-not-covered"]
        )
    );
    assert!(set.bases[0].notes[0].contains("distribution"));
}

#[test]
fn what_a_go_program_does_not_link_is_kept_and_marked() {
    let intel = open(&feeds());
    let suppressed = |functions: Option<&[&str]>| {
        let mut inventory = inventory(&["pkg:golang/golang.org/x/net@v0.22.0"], None);
        inventory.components[0].linked = Some(0);
        inventory.linked = vec![Linked {
            path: "usr/bin/app".into(),
            functions: functions.map(|all| all.iter().map(|name| (*name).into()).collect()),
        }];
        let set = matches(&inventory, &intel, None);
        assert_eq!(told(&set), ["CVE-2024-6003 0.23.0 fixed"]);
        set.matches[0]
            .suppression
            .as_ref()
            .map(|suppression| suppression.reason.to_string())
    };
    assert_eq!(suppressed(None), None);
    assert_eq!(
        suppressed(Some(&[
            "golang.org/x/net/http2.(*Server).ServeConn",
            "main.main"
        ])),
        None
    );
    let reason = suppressed(Some(&["golang.org/x/net/html.Parse", "main.main"])).unwrap();
    assert_eq!(
        reason,
        "not reachable: usr/bin/app does not link golang.org/x/net/http2.Server.ServeConn"
    );
}

#[test]
fn every_match_explains_itself() {
    let intel = open(&feeds());
    let said = |purl: &str, distro: Option<&str>| {
        let set = matches(&inventory(&[purl], distro), &intel, None);
        let one = &set.matches[0];
        let basis = &set.bases[one.basis.unwrap() as usize];
        (basis.to_string(), basis.fixed_on, one.severity)
    };
    assert_eq!(
        said("pkg:deb/debian/libssl3@3.0.9-1?upstream=openssl", Some("debian:12")),
        (
            "3.0.9-1 < 3.0.11-1~deb12u2 (dpkg), introduced 0, fixed 3.0.11-1~deb12u2: Debian:12 DSA-1-1, source openssl".to_owned(),
            Some(date(2024, 3, 1)),
            Severity::Unknown,
        )
    );
    let (sentence, _, severity) = said("pkg:deb/debian/bash@5.2-1", Some("debian:12"));
    assert_eq!(
        sentence,
        "every version is affected, 5.2-1 too, introduced 0: Debian:12 CVE-2024-7001, source bash"
    );
    assert_eq!(severity, Severity::Negligible);
    let set = matches(
        &inventory(&["pkg:pypi/zope-interface@4.9"], None),
        &intel,
        None,
    );
    let ids: Vec<&str> = set.advisories[0].aliases.iter().map(|id| &**id).collect();
    assert_eq!(ids, ["GHSA-aaaa-1111-0002", "PYSEC-2024-2"]);
    assert_eq!(&*set.bases[0].also, ["GHSA-aaaa-1111-0002".into()]);
}

#[test]
fn silence_is_explained() {
    let intel = open(&feeds());
    let check = |purl: &str, distro: Option<&str>, expected: Option<&str>| {
        let silence = why_not(&inventory(&[purl], distro), 0, &intel);
        assert_eq!(
            silence.map(|silence| silence.to_string()).as_deref(),
            expected,
            "{purl}"
        );
    };
    let debian = Some("debian:12");
    check(
        "pkg:deb/debian/libssl3@3.0.11-1~deb12u2?upstream=openssl",
        debian,
        Some(
            "in no range of the 2 statements of Debian:12 on openssl; nearest: 3.0.11-1~deb12u2 >= 3.0.11-1~deb12u2, fixed by DSA-1-1",
        ),
    );
    check(
        "pkg:deb/debian/nobody@1",
        debian,
        Some("no advisory of Debian:12 names nobody"),
    );
    check(
        "pkg:deb/debian/x@1?upstream=y",
        debian,
        Some("no advisory of Debian:12 names x or y"),
    );
    check(
        "pkg:deb/debian/x@1",
        Some("debian:13"),
        Some("not judged: no feed covers debian 13"),
    );
    check(
        "pkg:deb/debian/x@1",
        None,
        Some("not judged: no file says which release x is of"),
    );
    check(
        "pkg:cargo/x@1",
        None,
        Some("not judged: no feed covers crates.io"),
    );
    check(
        "pkg:golang/golang.org/x/net@%28devel%29",
        None,
        Some("not judged: (devel) cannot be compared with the versions of advisories"),
    );
    check("pkg:npm/%40scope/name@1.0.0", None, None);
}

/// The parts that readers look at, in any arrangement.
fn document() -> impl Strategy<Value = String> {
    const WORDS: [&str; 40] = [
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "null",
        "1",
        "\"id\"",
        "\"CVE-2024-0001\"",
        "\"GHSA-a-b-c\"",
        "\"affected\"",
        "\"package\"",
        "\"ecosystem\"",
        "\"Debian:12\"",
        "\"npm\"",
        "\"name\"",
        "\"ranges\"",
        "\"type\"",
        "\"SEMVER\"",
        "\"events\"",
        "\"introduced\"",
        "\"0\"",
        "\"fixed\"",
        "\"versions\"",
        "\"ecosystem_specific\"",
        "\"imports\"",
        "\"distroversion\"",
        "\"v3.11\"",
        "\"packages\"",
        "\"pkg\"",
        "\"secfixes\"",
        "\"CVE-2024-1 XSA-1\"",
        "\"releases\"",
        "\"bookworm\"",
        "\"status\"",
        "\"document\"",
        "\"product_tree\"",
        "\"vulnerabilities\"",
        "\"product_status\"",
    ];
    prop::collection::vec(prop::sample::select(WORDS.to_vec()), 0..40)
        .prop_map(|words| words.concat())
}

/// Every reader on the bytes; only that they come back matters.
fn read_all(bytes: &[u8]) {
    let mut drafts = Vec::new();
    let _ = intel::feeds::osv::parse(bytes, "osv/x");
    let _ = intel::feeds::csaf::parse(bytes, "redhat");
    let _ = intel::feeds::alpine::parse(bytes, &mut drafts);
    let _ = intel::feeds::debian::parse(bytes, &mut drafts);
}

proptest! {
    #[test]
    fn readers_survive_any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..200), text in document()) {
        read_all(&bytes);
        read_all(text.as_bytes());
    }

    /// A sound document with a part overwritten.
    #[test]
    fn readers_survive_changed_documents(which in any::<prop::sample::Index>(), at in any::<prop::sample::Index>(), part in document()) {
        let files = feeds();
        let mut bytes = files[which.index(files.len())].1.clone();
        let at = at.index(bytes.len());
        bytes.splice(at..(at + part.len()).min(bytes.len()), part.bytes());
        read_all(&bytes);
    }
}
