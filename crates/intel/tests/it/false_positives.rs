//! Every class of false positives that users complain of in scanners, and the rule that keeps it out: one test a
//! class. What is right beside it must still be found.

use crate::matching::{check, classes, inventory, osv, record, told};
use crate::small::{Files, open};
use intel::Intelligence;
use intel::matching::{matches, why_not};
use model::inventory::Linked;
use model::matches::{ArtifactKind, MatchSet};

fn alias(cve: &str) -> String {
    format!(r#","aliases":["{cve}"]"#)
}

fn upstream(cve: &str) -> String {
    format!(r#","upstream":["{cve}"]"#)
}

/// Reason of the only match, which is kept.
fn marked(set: &MatchSet) -> Option<String> {
    assert_eq!(set.matches.len(), 1);
    let suppression = set.matches[0].suppression.as_ref();
    suppression.map(|suppression| suppression.reason.to_string())
}

#[test]
fn names_of_one_ecosystem_mean_nothing_in_another() {
    let intel = open(&vec![
        osv(
            "BIT-redis-1",
            &alias("CVE-2024-0101"),
            "Bitnami",
            "redis",
            "9",
        ),
        osv(
            "GO-2024-0101",
            &alias("CVE-2024-0102"),
            "Go",
            "github.com/docker/docker",
            "99.0.0",
        ),
        osv(
            "DEBIAN-CVE-2024-0103",
            &upstream("CVE-2024-0103"),
            "Debian:12",
            "git",
            "9",
        ),
        osv(
            "GHSA-0101-0101-0101",
            &alias("CVE-2024-0104"),
            "npm",
            "@vendor/docker",
            "9.0.0",
        ),
        osv(
            "PYSEC-2024-101",
            &alias("CVE-2024-0105"),
            "PyPI",
            "git",
            "9",
        ),
    ]);
    for purl in [
        "pkg:npm/redis@4.2.0",
        "pkg:npm/docker@1.0.0",
        "pkg:npm/git@0.1.5",
    ] {
        check(&intel, purl, "debian:12", &[]);
    }
    // What the ecosystem itself has is found.
    check(
        &intel,
        "pkg:npm/%40vendor/docker@1.0.0",
        "",
        &["CVE-2024-0104 9.0.0 fixed"],
    );
    check(&intel, "pkg:pypi/git@0.1", "", &["CVE-2024-0105 9 fixed"]);
}

#[test]
fn a_release_is_judged_by_its_own_feed() {
    let intel = open(&vec![
        osv("DEBIAN-CVE-2024-0201", &upstream("CVE-2024-0201"), "Debian:13", "zlib", "9"),
        osv("DEBIAN-CVE-2024-0202", &upstream("CVE-2024-0202"), "Debian:12", "other", "9"),
        osv("UBUNTU-CVE-2024-0203", &upstream("CVE-2024-0203"), "Ubuntu:24.04:LTS", "zlib", "9"),
        (
            "alpine-secdb/v3.10/main.json".to_owned(),
            br#"{"distroversion":"v3.10","packages":[{"pkg":{"name":"zlib","secfixes":{"9-r0":["CVE-2024-0204"]}}}]}"#.to_vec(),
        ),
        (
            "alpine-secdb/v3.11/main.json".to_owned(),
            br#"{"distroversion":"v3.11","packages":[{"pkg":{"name":"x","secfixes":{"9-r0":["CVE-2024-0205"],"0":["CVE-2024-0206"]}}}]}"#.to_vec(),
        ),
    ]);
    check(
        &intel,
        "pkg:deb/debian/zlib1g@1?upstream=zlib",
        "debian:12",
        &[],
    );
    check(&intel, "pkg:apk/alpine/zlib@1-r0", "alpine:3.11.2", &[]);
    check(
        &intel,
        "pkg:apk/alpine/x@1-r0",
        "alpine:3.11.2",
        &["CVE-2024-0205 9-r0 fixed"],
    );
}

#[test]
fn a_source_speaks_for_its_binaries_and_for_no_other_package() {
    let intel = open(&vec![
        osv(
            "DEBIAN-CVE-2024-0301",
            &upstream("CVE-2024-0301"),
            "Debian:12",
            "openssl",
            "3.0.11",
        ),
        osv(
            "ALSA-2024:0302",
            r#","related":["CVE-2024-0302"]"#,
            "AlmaLinux:9",
            "openssl-libs",
            "1:3.0.7-25.el9",
        ),
    ]);
    check(
        &intel,
        "pkg:deb/debian/libssl3@3.0.9?upstream=openssl",
        "debian:12",
        &["CVE-2024-0301 3.0.11 fixed"],
    );
    // A binary that is only called like the source, of another one.
    check(
        &intel,
        "pkg:deb/debian/openssl@1.0?upstream=openssl-compat",
        "debian:12",
        &[],
    );
    // A rebuild of the binary alone is not a fix of the source.
    check(
        &intel,
        "pkg:deb/debian/libssl3@3.0.11%2Bb1?upstream=openssl%403.0.9",
        "debian:12",
        &["CVE-2024-0301 3.0.11 fixed"],
    );
    // Notices of AlmaLinux name binaries.
    let other =
        "pkg:rpm/almalinux/openssl-perl@3.0.1-1.el9?epoch=1&upstream=openssl-3.0.1-1.el9.src.rpm";
    check(&intel, other, "almalinux:9", &[]);
}

#[test]
fn what_the_distribution_repaired_is_repaired() {
    let intel = open(&vec![
        osv(
            "DEBIAN-CVE-2024-0401",
            &upstream("CVE-2024-0401"),
            "Debian:12",
            "python-jinja2",
            "3.1.2-1+deb12u1",
        ),
        osv(
            "GHSA-0401-0401-0401",
            &alias("CVE-2024-0401"),
            "PyPI",
            "jinja2",
            "3.1.4",
        ),
    ]);
    let both = [
        "pkg:deb/debian/python3-jinja2@3.1.2-1%2Bdeb12u1?upstream=python-jinja2",
        "pkg:pypi/jinja2@3.1.2",
    ];
    let judge = |owner: Option<u32>| {
        let mut inventory = inventory(&both, Some("debian:12"));
        inventory.components[1].owner = owner;
        let set = matches(&inventory, &intel, None);
        let silence = why_not(&inventory, 1, &intel).map(|silence| silence.to_string());
        (told(&set), silence)
    };
    let owned = "judged as part of the distribution's package python3-jinja2";
    assert_eq!(judge(Some(0)), (vec![], Some(owned.to_owned())));
    // A copy that pip put beside it is nobody's backport.
    assert_eq!(
        judge(None),
        (vec!["CVE-2024-0401 3.1.4 fixed".to_owned()], None)
    );
}

#[test]
fn epochs_count() {
    let intel = open(&vec![osv(
        "ALSA-2024:0501",
        r#","related":["CVE-2024-0501"]"#,
        "AlmaLinux:8",
        "dhcp-client",
        "12:4.3.6-49.el8",
    )]);
    check(
        &intel,
        "pkg:rpm/almalinux/dhcp-client@4.3.6-50.el8?epoch=12",
        "almalinux:8",
        &[],
    );
    check(
        &intel,
        "pkg:rpm/almalinux/dhcp-client@12:4.3.6-50.el8",
        "almalinux:8",
        &[],
    );
    check(
        &intel,
        "pkg:rpm/almalinux/dhcp-client@4.3.6-48.el8?epoch=12",
        "almalinux:8",
        &["CVE-2024-0501 12:4.3.6-49.el8 fixed"],
    );
    // Rocky writes the epoch that is not there.
    let intel = open(&vec![osv(
        "RLSA-2024:0502",
        r#","related":["CVE-2024-0502"]"#,
        "Rocky Linux:8",
        "grafana",
        "0:7.5.9-4.el8",
    )]);
    check(
        &intel,
        "pkg:rpm/rocky/grafana@7.5.9-4.el8",
        "rocky:8.6",
        &[],
    );
}

#[test]
fn modules_and_their_streams_are_apart() {
    let fixed = "1:18.14.2-3.module_el8.7.0+1+aa";
    let intel = open(&vec![osv(
        "ALSA-2024:0601",
        r#","summary":"Important: nodejs:18 security update","related":["CVE-2024-0601"]"#,
        "AlmaLinux:8",
        "nodejs",
        fixed,
    )]);
    let check = |version: &str, module: &str, expected: &[&str]| {
        let purl = format!("pkg:rpm/almalinux/nodejs@{version}?epoch=1{module}");
        check(&intel, &purl, "almalinux:8", expected);
    };
    let found = format!("CVE-2024-0601 {fixed} fixed");
    check(
        "18.1.0-1.module_el8.6.0%2B1%2Bcc",
        "&rpmmod=nodejs:18:8060:aa",
        &[&found],
    );
    check(
        "16.1.0-1.module_el8.6.0%2B1%2Bcc",
        "&rpmmod=nodejs:16:8060:aa",
        &[],
    );
    check("10.1.0-1.el8", "", &[]);
}

#[test]
fn channels_that_are_supported_longer_repair_their_own_builds() {
    let files: Files = vec![
        osv(
            "RHSA-2024:0701",
            r#","related":["CVE-2024-0701"]"#,
            "Red Hat:enterprise_linux:9::baseos",
            "lib",
            "2-5.el9_4",
        ),
        osv(
            "RHSA-2024:0702",
            r#","related":["CVE-2024-0701"]"#,
            "Red Hat:rhel_eus:9.2::baseos",
            "lib",
            "2-3.el9_2.1",
        ),
        osv(
            "UBUNTU-CVE-2024-0703",
            &upstream("CVE-2024-0703"),
            "Ubuntu:Pro:22.04:LTS",
            "lib",
            "2-1+esm1",
        ),
        osv(
            "UBUNTU-CVE-2024-0704",
            &upstream("CVE-2024-0704"),
            "Ubuntu:Pro:FIPS-updates:22.04:LTS",
            "lib",
            "9",
        ),
        osv(
            "UBUNTU-CVE-2024-0705",
            &upstream("CVE-2024-0705"),
            "Ubuntu:22.04:LTS",
            "other",
            "9",
        ),
    ];
    let intel = open(&files);
    check(&intel, "pkg:rpm/redhat/lib@2-3.el9_2.1", "rhel:9.2", &[]);
    check(
        &intel,
        "pkg:rpm/redhat/lib@2-4.el9_4",
        "rhel:9.4",
        &["CVE-2024-0701 2-5.el9_4 fixed"],
    );
    // Only paying customers have the fix; the FIPS packages are another product.
    check(
        &intel,
        "pkg:deb/ubuntu/lib@2-1",
        "ubuntu:22.04",
        &["CVE-2024-0703 2-1+esm1 affected"],
    );
    check(&intel, "pkg:deb/ubuntu/lib@2-1%2Besm1", "ubuntu:22.04", &[]);
}

#[test]
fn other_vendors_builds_are_not_the_distributions() {
    let intel = open(&vec![osv(
        "ALSA-2024:0801",
        r#","related":["CVE-2024-0801"]"#,
        "AlmaLinux:8",
        "nginx",
        "1:9-1.el8",
    )]);
    let mut foreign = inventory(
        &["pkg:rpm/almalinux/nginx@1.25-1.el8.ngx"],
        Some("almalinux:8"),
    );
    foreign.components[0].vendor = Some("NGINX Packaging <nginx-packaging@f5.com>".into());
    let set = matches(&foreign, &intel, None);
    assert_eq!(
        (told(&set), classes(&set)),
        (vec![], vec!["vendor-not-covered"])
    );
    // Wolfi's packages are judged by Wolfi, not by Alpine.
    let intel = open(&vec![
        osv(
            "ALPINE-CVE-2024-0802",
            &upstream("CVE-2024-0802"),
            "Alpine:v3.20",
            "curl",
            "9-r0",
        ),
        osv(
            "CGA-0802-0802-0802",
            &upstream("CVE-2024-0803"),
            "Wolfi",
            "curl",
            "8.9-r0",
        ),
        osv(
            "CGA-0803-0803-0803",
            &upstream("GHSA-0803-0803-0803"),
            "Chainguard",
            "curl",
            "8.9-r0",
        ),
    ]);
    check(
        &intel,
        "pkg:apk/wolfi/curl@8.8-r0",
        "wolfi:20230201",
        &["CVE-2024-0803 8.9-r0 fixed"],
    );
    check(
        &intel,
        "pkg:apk/chainguard/curl@8.8-r0",
        "chainguard:20230214",
        &["GHSA-0803-0803-0803 8.9-r0 fixed"],
    );
}

#[test]
fn what_was_withdrawn_or_rejected_does_not_count() {
    let rejected = br#"{"cveMetadata":{"cveId":"CVE-2024-0902","state":"REJECTED","dateRejected":"2024-05-05T00:00:00Z"},"containers":{"cna":{}}}"#;
    let withdrawn = r#","aliases":["CVE-2024-0901"],"withdrawn":"2024-05-01T00:00:00Z""#;
    let mut files: Files = vec![
        osv("GHSA-0901-0901-0901", withdrawn, "npm", "one", "9.0.0"),
        osv(
            "GHSA-0902-0902-0902",
            &alias("CVE-2024-0902"),
            "npm",
            "two",
            "",
        ),
        osv(
            "GHSA-0903-0903-0903",
            &alias("CVE-2024-0902"),
            "npm",
            "three",
            "9.0.0",
        ),
    ];
    files.push((
        "vulnrichment-2024/2024/0xxx/CVE-2024-0902.json".to_owned(),
        rejected.to_vec(),
    ));
    let intel = open(&files);
    check(&intel, "pkg:npm/one@1.0.0", "", &[]);
    let set = matches(&inventory(&["pkg:npm/two@1.0.0"], None), &intel, None);
    assert_eq!(
        marked(&set).as_deref(),
        Some("rejected: CVE-2024-0902 was taken back on 2024-05-05")
    );
    // Somebody who repaired it still stands by it.
    let set = matches(&inventory(&["pkg:npm/three@1.0.0"], None), &intel, None);
    assert_eq!(marked(&set), None);
}

#[test]
fn the_ecosystems_own_ranges_are_above_gathered_ones() {
    let go = |events: &str| {
        format!(
            r#"{{"package":{{"ecosystem":"Go","name":"example.org/m"}},"ranges":[{{"type":"SEMVER","events":[{events}]}}]}}"#
        )
    };
    let intel = open(&vec![
        record(
            "GO-2024-1001",
            &alias("CVE-2024-1001"),
            &go(r#"{"introduced":"1.5.0"},{"fixed":"1.6.0"}"#),
        ),
        record(
            "GHSA-1001-1001-1001",
            &alias("CVE-2024-1001"),
            &go(r#"{"introduced":"0"},{"fixed":"1.6.0"}"#),
        ),
        record(
            "GHSA-1002-1002-1002",
            &alias("CVE-2024-1002"),
            &go(r#"{"introduced":"0"},{"fixed":"1.6.0"}"#),
        ),
    ]);
    let check = |version: &str, expected: &[&str]| {
        check(
            &intel,
            &format!("pkg:golang/example.org/m@{version}"),
            "",
            expected,
        );
    };
    check("v1.4.0", &["CVE-2024-1002 1.6.0 fixed"]);
    check(
        "v1.5.1",
        &["CVE-2024-1001 1.6.0 fixed", "CVE-2024-1002 1.6.0 fixed"],
    );
    check("v1.6.0", &[]);
}

#[test]
fn versions_of_go() {
    let go = |id: &str, name: &str, fixed: &str| {
        osv(id, &alias(&id.replace("GO", "CVE")), "Go", name, fixed)
    };
    let intel = open(&vec![
        go("GO-2024-1101", "stdlib", "1.22.3"),
        go("GO-2024-1102", "example.org/m", "1.3.0"),
        go("GO-2024-1103", "example.org/m/v2", "2.4.0"),
        go("GO-2024-1104", "toolchain", "1.22.3"),
    ]);
    let check = |purl: &str, expected: &[&str]| check(&intel, purl, "", expected);
    check("pkg:golang/stdlib@1.22.2", &["CVE-2024-1101 1.22.3 fixed"]);
    // Patched toolchains of vendors, and what the toolchain adds.
    check("pkg:golang/stdlib@go1.22.3-fips", &[]);
    check("pkg:golang/stdlib@go1.22.3%20X:boringcrypto", &[]);
    check("pkg:golang/stdlib@1.22rc1", &["CVE-2024-1101 1.22.3 fixed"]);
    // A commit before the fix, one after it, a changed tree.
    check(
        "pkg:golang/example.org/m@v1.2.9-0.20240102030405-0123456789ab",
        &["CVE-2024-1102 1.3.0 fixed"],
    );
    check(
        "pkg:golang/example.org/m@v1.3.1-0.20240102030405-0123456789ab",
        &[],
    );
    check("pkg:golang/example.org/m@v1.3.0%2Bdirty", &[]);
    // Another major version is another module.
    check("pkg:golang/example.org/m/v2@v2.4.0", &[]);
    check(
        "pkg:golang/example.org/m/v2@v2.3.0",
        &["CVE-2024-1103 2.4.0 fixed"],
    );
    // Nobody wrote a version down: neither affected nor safe.
    for purl in [
        "pkg:golang/example.org/m@%28devel%29",
        "pkg:golang/example.org/m",
    ] {
        let set = matches(&inventory(&[purl], None), &intel, None);
        assert_eq!(
            (told(&set), classes(&set)),
            (vec![], vec!["version-unknown"]),
            "{purl}"
        );
    }
}

/// What Go's database says of a program is not said of those that import a package of it.
#[test]
fn a_programs_fault_is_not_its_libraries() {
    let left_out = r#","aliases":["CVE-2022-1201"],"published":"2024-08-21T15:28:59Z""#;
    let name = "github.com/containerd/containerd";
    let intel = open(&vec![
        osv("GO-2022-1201", left_out, "Go", name, "1.3.9"),
        osv(
            "GO-2024-1202",
            r#","aliases":["CVE-2024-1202"],"published":"2024-08-21T15:28:59Z""#,
            "Go",
            "example.org/new",
            "9.0.0",
        ),
    ]);
    let purl = "pkg:golang/github.com/containerd/containerd@v1.3.4";
    let judge = |kind: ArtifactKind, functions: Option<&[&str]>| {
        let mut inventory = inventory(&[purl], None);
        inventory.artifact.kind = kind;
        inventory.components[0].linked = functions.map(|_| 0);
        inventory.linked.extend(functions.map(|functions| Linked {
            path: "usr/bin/app".into(),
            functions: Some(functions.iter().map(|name| (*name).into()).collect()),
        }));
        marked(&matches(&inventory, &intel, None))
    };
    let image = ArtifactKind::Image;
    let imported = [
        "example.org/app.main",
        "github.com/containerd/containerd/errdefs.ToGRPC",
    ];
    assert_eq!(
        judge(image, Some(&imported)).as_deref(),
        Some(
            "not reachable: GO-2022-1201 is of the program github.com/containerd/containerd, not of packages that usr/bin/app imports"
        )
    );
    // The program itself, one that runs its command as a part of itself, one that nothing is known of, an SBOM.
    let own = ["github.com/containerd/containerd/cmd/ctr.main"];
    assert_eq!(judge(image, Some(&own)), None);
    let command = [
        "example.org/k3s.main",
        "github.com/containerd/containerd/cmd/containerd/command.App",
    ];
    assert_eq!(judge(image, Some(&command)), None);
    assert_eq!(judge(image, Some(&[])), None);
    assert_eq!(judge(ArtifactKind::Sbom, None), None);
    // A package URL alone is asked of as what others import.
    assert!(judge(ArtifactKind::Unknown, None).is_some());
    check(
        &intel,
        "pkg:golang/example.org/new@v1.0.0",
        "",
        &["CVE-2024-1202 9.0.0 fixed"],
    );
}

#[test]
fn programs_without_modules_are_said() {
    let intel = open(&vec![osv(
        "GO-2024-1301",
        &alias("CVE-2024-1301"),
        "Go",
        "stdlib",
        "1.22.3",
    )]);
    let judge = |components: &[&str], functions: Option<&[&str]>| {
        let mut inventory = inventory(components, None);
        for component in &mut inventory.components {
            component.linked = Some(0);
        }
        inventory.linked = vec![Linked {
            path: "usr/bin/app".into(),
            functions: functions.map(|all| all.iter().map(|name| (*name).into()).collect()),
        }];
        let set = matches(&inventory, &intel, None);
        let gap = set
            .gaps
            .iter()
            .find(|gap| &*gap.class == "go-modules-unknown");
        gap.map(|gap| gap.what.to_string())
    };
    let (std, main) = (
        "pkg:golang/stdlib@1.22.3",
        "pkg:golang/github.com/docker/distribution",
    );
    let functions = [
        "fmt.Println",
        "github.com/docker/distribution/cmd/registry.main",
        "github.com/docker/distribution/vendor/gopkg.in/yaml.v2.(*parser).parse",
        "github.com/gorilla/mux.(*Router).Match",
        "github.com/gorilla/mux.NewRouter",
        "vendor/golang.org/x/net/idna.ToASCII",
    ];
    assert_eq!(
        judge(&[std, main], Some(&functions)).as_deref(),
        Some(
            "usr/bin/app was built without module information: 2 of its modules not judged (github.com/gorilla/mux, gopkg.in/yaml.v2)"
        )
    );
    assert_eq!(judge(&[std, main], Some(&functions[..2])), None);
    assert_eq!(
        judge(&[std], None).as_deref(),
        Some("usr/bin/app is a Go program that says nothing of what it is built of: not judged")
    );
    assert_eq!(judge(&[std, main], None), None);
    // With modules each of them is there.
    assert_eq!(
        judge(
            &[std, main, "pkg:golang/gopkg.in/yaml.v2@v2.4.0"],
            Some(&functions)
        ),
        None
    );
}

#[test]
fn archives_without_a_group() {
    let intel = open(&vec![
        osv(
            "GHSA-1401-1401-1401",
            &alias("CVE-2024-1401"),
            "Maven",
            "org.apache.logging.log4j:log4j-core",
            "2.17.1",
        ),
        osv(
            "GHSA-1402-1402-1402",
            &alias("CVE-2024-1402"),
            "Maven",
            "org.a:core",
            "9",
        ),
        osv(
            "GHSA-1403-1403-1403",
            &alias("CVE-2024-1403"),
            "Maven",
            "org.b:core",
            "9",
        ),
    ]);
    let judge = |purl: &str| {
        let inventory = inventory(&[purl], None);
        let set = matches(&inventory, &intel, None);
        let note = set.bases.first().and_then(|basis| basis.notes.first());
        let note = note.map(ToString::to_string);
        let silence = why_not(&inventory, 0, &intel).map(|silence| silence.to_string());
        (told(&set).concat(), note, classes(&set).concat(), silence)
    };
    let none = String::new;
    assert_eq!(
        judge("pkg:maven/log4j-core@2.14.1"),
        (
            "CVE-2024-1401 2.17.1 fixed".to_owned(),
            Some("nothing says its group; org.apache.logging.log4j:log4j-core is the only log4j-core that advisories speak of".to_owned()),
            none(),
            None,
        )
    );
    assert_eq!(
        judge("pkg:maven/core@1.0"),
        (none(), None, "group-unknown".to_owned(), Some("not judged: nothing says the group of core, and advisories speak of org.a:core, org.b:core".to_owned()))
    );
    assert_eq!(
        judge("pkg:maven/other@1.0"),
        (
            none(),
            None,
            none(),
            Some("no advisory of Maven names other".to_owned())
        )
    );
    // With a group nothing is assumed, whatever the artifact is called.
    assert_eq!(judge("pkg:maven/com.shaded/log4j-core@2.14.1").0, "");
}

#[test]
fn names_of_python_packages_are_one() {
    let intel = open(&vec![osv(
        "PYSEC-2024-1501",
        &alias("CVE-2024-1501"),
        "PyPI",
        "Flask-Cors",
        "9",
    )]);
    for name in [
        "flask-cors",
        "Flask_Cors",
        "flask.cors",
        "Flask-CORS%5Basync%5D",
    ] {
        check(
            &intel,
            &format!("pkg:pypi/{name}@1"),
            "",
            &["CVE-2024-1501 9 fixed"],
        );
    }
    check(&intel, "pkg:pypi/flask@1", "", &[]);
}

#[test]
fn platforms_that_are_not_this_one() {
    let intel = open(&vec![
        record(
            "RUSTSEC-2024-1601",
            &alias("CVE-2024-1601"),
            r#"{"package":{"ecosystem":"crates.io","name":"hyper"},"ranges":[{"type":"SEMVER","events":[{"introduced":"0"}]}],"ecosystem_specific":{"affects":{"os":["windows"]}}}"#,
        ),
        record(
            "GHSA-1602-1602-1602",
            &alias("CVE-2024-1602"),
            r#"{"package":{"ecosystem":"RubyGems","name":"nokogiri"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"}]}],"ecosystem_specific":{"platform":"jruby"}}"#,
        ),
        record(
            "GO-2024-1603",
            &alias("CVE-2024-1603"),
            r#"{"package":{"ecosystem":"Go","name":"stdlib"},"ranges":[{"type":"SEMVER","events":[{"introduced":"0"}]}],"ecosystem_specific":{"imports":[{"path":"os","goos":["windows"]}]}}"#,
        ),
        osv(
            "DEBIAN-CVE-2024-1604",
            &upstream("CVE-2024-1604"),
            "Debian:12",
            "x",
            "9",
        ),
    ]);
    for purl in [
        "pkg:cargo/hyper@0.9.0",
        "pkg:gem/nokogiri@1.0",
        "pkg:golang/stdlib@1.22.0",
    ] {
        let set = matches(&inventory(&[purl], Some("debian:12")), &intel, None);
        let reason = marked(&set).unwrap();
        assert!(
            reason.starts_with("not reachable: only"),
            "{purl}: {reason}"
        );
    }
    let set = matches(
        &inventory(&["pkg:gem/nokogiri@1.0?platform=java"], None),
        &intel,
        None,
    );
    assert_eq!(marked(&set), None);
}

#[test]
fn one_vulnerability_under_many_names_is_one() {
    let intel: Intelligence = open(&vec![
        osv(
            "GO-2024-1701",
            r#","aliases":["CVE-2024-1701","GHSA-1701-1701-1701"]"#,
            "Go",
            "example.org/m",
            "1.1.0",
        ),
        osv(
            "GHSA-1701-1701-1701",
            &alias("CVE-2024-1701"),
            "Go",
            "example.org/m",
            "1.1.0",
        ),
        osv(
            "BIT-m-2024-1701",
            &alias("CVE-2024-1701"),
            "Go",
            "example.org/m",
            "1.1.0",
        ),
    ]);
    check(
        &intel,
        "pkg:golang/example.org/m@v1.0.0",
        "",
        &["CVE-2024-1701 1.1.0 fixed"],
    );
}
