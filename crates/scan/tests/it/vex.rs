//! Which findings a VEX statement takes out, and what is said where it does not. The cases are those in which tools
//! disagree: grype #1589, #1639, #1836, #2355, #2818, #3145, #3212, #3657, trivy #6077, openvex/spec #27.

use crate::app::{CVE, app, ruled, said, suppressed};
use crate::sample::digest;
use ingest::{Limits, VexDocument, read_vex};
use model::assessment::Assessment;
use model::image::ImageReference;
use proptest::prelude::*;
use scan::Rulings;
use scan::gate::{FailOn, Gate, judge};

fn with(documents: &[&str]) -> Assessment {
    let read = |(n, text): (usize, &&str)| {
        read_vex(
            &format!("{n}.vex.json"),
            text.as_bytes(),
            &Limits::default(),
        )
        .unwrap()
    };
    let vex: Vec<VexDocument> = documents.iter().enumerate().map(read).collect();
    ruled(
        vec![app()],
        &Rulings {
            annotations: false,
            attached: Vec::new(),
            vex,
            ignores: Vec::new(),
        },
    )
}

fn open(products: &str) -> String {
    format!(
        r#"{{"@context":"https://openvex.dev/ns/v0.2.0","author":"a","timestamp":"2026-10-01T00:00:00Z","statements":[
        {{"vulnerability":{{"name":"{CVE}"}},"products":[{products}],"status":"not_affected","justification":"component_not_present"}}]}}"#
    )
}

/// All packages of the app that have the vulnerability.
const ALL: &str = "core libssl3 user zlib1g";

#[test]
fn products() {
    let a = digest('a');
    let other = digest('b');
    let part = |product: &str, part: &str| {
        format!(r#"{{"@id":"{product}","subcomponents":[{{"@id":"{part}"}}]}}"#)
    };
    let check = |product: &str, expected: &str, words: &str| {
        let product = if product.starts_with('{') {
            product.to_owned()
        } else {
            format!("\"{product}\"")
        };
        let scan = with(&[&open(&product)]);
        assert_eq!(suppressed(&scan), expected, "{product}\n{}", said(&scan));
        assert!(
            said(&scan).contains(words),
            "{product}\nwants: {words}\n{}",
            said(&scan)
        );
        let unused = scan
            .ledger
            .gaps
            .iter()
            .any(|gap| &*gap.class == "vex-unused");
        assert_eq!(unused, expected.is_empty(), "{product}");
    };
    // A package, with and without version and qualifiers; as an object with identifiers.
    check(
        "pkg:deb/debian/libssl3",
        "libssl3",
        "names libssl3 (any version)",
    );
    check(
        "pkg:deb/debian/libssl3@3.0.11-1",
        "libssl3",
        "names libssl3 3.0.11-1",
    );
    check(
        "pkg:deb/debian/libssl3@3.0.11-2",
        "",
        "it names version 3.0.11-2 of libssl3, here is 3.0.11-1",
    );
    check(
        "pkg:deb/debian/libssl3@3.0.11-1?arch=amd64&distro=debian-12",
        "libssl3",
        "",
    );
    check(
        "pkg:deb/debian/libssl3?distro=debian-11",
        "",
        "it names distro=debian-11, here it is debian-12.5",
    );
    check(
        "pkg:deb/debian/libssl3?arch=arm64",
        "",
        "it names arch=arm64, here it is amd64",
    );
    check(
        "pkg:deb/ubuntu/libssl3",
        "",
        "it names the package ubuntu/libssl3",
    );
    check(
        "pkg:deb/debian/libssl3?flavour=x",
        "",
        "it names flavour=x, here it is not known",
    );
    check("pkg:deb/debian/zlib1g@1%3A1.2.13", "zlib1g", "");
    check("pkg:deb/debian/zlib1g@1.2.13", "", "here is 1:1.2.13");
    check(
        "pkg:deb/debian/openssl?arch=source",
        "libssl3",
        "the source openssl of libssl3",
    );
    check("pkg:deb/debian/openssl", "", "it would be ?arch=source");
    check("pkg:npm/@babel/core@7.0.0", "core", "");
    check("pkg:npm/%40babel/core", "core", "");
    check("pkg:golang/github.com/moby/sys/user@0.1.0", "user", "");
    check(
        "pkg:golang/github.com/moby/sys/user@v0.1.0#x",
        "",
        "it names only x of it",
    );
    check(
        r#"{"identifiers":{"purl":"pkg:npm/%40babel/core"}}"#,
        "core",
        "",
    );
    // The image, by digest, tag, repository or name: then all that is in it.
    check(&format!("pkg:oci/app@{a}"), ALL, "the image by its digest");
    check(
        &format!("pkg:oci/app@{}", a.replace(':', "%3A")),
        ALL,
        "the image by its digest",
    );
    check(
        &format!("pkg:oci/elsewhere@{a}?repository_url=mirror.example/x"),
        ALL,
        "",
    );
    check(
        &format!("pkg:oci/app@{other}"),
        "",
        "the image here has another",
    );
    check("pkg:oci/app@sha256:sha256:12", "", "is none");
    check(
        "pkg:oci/app?repository_url=ghcr.io/shop",
        ALL,
        "by its repository",
    );
    check(
        "pkg:oci/app?repository_url=ghcr.io%2Fshop%2Fapp",
        ALL,
        "by its repository",
    );
    check(
        "pkg:oci/app?repository_url=https://ghcr.io/shop/",
        ALL,
        "by its repository",
    );
    check(
        "pkg:oci/app?repository_url=docker.io/shop",
        "",
        "it names the image docker.io/shop",
    );
    check(
        "pkg:oci/app?repository_url=ghcr.io/shop&tag=1.2",
        ALL,
        "the tag 1.2",
    );
    check(
        "pkg:oci/app?tag=1.3",
        "",
        "it names the tag 1.3, here it is 1.2",
    );
    check("pkg:oci/app?arch=amd64&os=linux", ALL, "");
    check("pkg:oci/app?arch=arm64", "", "it names arch=arm64");
    check("pkg:oci/app", ALL, "by the last part of its name");
    check(
        "pkg:oci/web",
        "",
        "it names the image web, here is ghcr.io/shop/app:1.2",
    );
    check("pkg:docker/shop/app@1.2?repository_url=ghcr.io", ALL, "");
    check("pkg:docker/shop/app@1.2", "", "");
    check("ghcr.io/shop/app:1.2", ALL, "");
    check("app", ALL, "the image by its name alone");
    check(
        "Unknown Product",
        "",
        "`Unknown Product` is no name of ghcr.io/shop/app:1.2",
    );
    check(
        &format!(r#"{{"@id":"x","hashes":{{"sha-256":"{}"}}}}"#, &a[7..]),
        ALL,
        "by its digest",
    );
    // A part of the image.
    check(
        &part("pkg:oci/app", "pkg:deb/debian/libssl3"),
        "libssl3",
        "libssl3 (any version) in the image",
    );
    check(
        &part("pkg:oci/app", "pkg:deb/debian/libssl3@1"),
        "",
        "it names version 1",
    );
    check(
        &part("pkg:oci/web", "pkg:deb/debian/libssl3"),
        "",
        "it names the image web",
    );
    check(
        &part(&format!("pkg:oci/app@{a}"), "pkg:npm/%40babel/core@7.0.0"),
        "core",
        "core 7.0.0 in the image by its digest",
    );
    // A part of a program in the image, where both are in one file.
    check(
        &part(
            "pkg:golang/github.com/tianon/gosu@v1.19.0",
            "pkg:golang/github.com/moby/sys/user",
        ),
        "user",
        "the program gosu",
    );
    check(
        &part(
            "pkg:golang/github.com/tianon/gosu@v1.18.0",
            "pkg:golang/github.com/moby/sys/user",
        ),
        "",
        "",
    );
    check(
        &part("pkg:golang/github.com/tianon/gosu", "pkg:npm/%40babel/core"),
        "",
        "",
    );
}

#[test]
fn index_docker_io_is_docker_io() {
    let mut set = app();
    set.artifacts[0].name = "nginx:1".into();
    set.artifacts[0].identity.references = vec![ImageReference::parse("nginx:1").unwrap()];
    for url in [
        "docker.io",
        "index.docker.io",
        "docker.io%2Flibrary",
        "index.docker.io/library/nginx",
    ] {
        let text = open(&format!("\"pkg:oci/nginx?repository_url={url}\""));
        let vex = vec![read_vex("x", text.as_bytes(), &Limits::default()).unwrap()];
        let scan = ruled(
            vec![set.clone()],
            &Rulings {
                annotations: false,
                attached: Vec::new(),
                vex,
                ignores: Vec::new(),
            },
        );
        assert_eq!(suppressed(&scan), ALL, "{url}\n{}", said(&scan));
    }
}

/// A statement about any name of the vulnerability is about it.
#[test]
fn aliases() {
    for (vulnerability, expected) in [
        (r#""GHSA-aaaa-bbbb-cccc""#, "core"),
        (r#"{"name":"x","aliases":["cve-2024-1001"]}"#, "core"),
        (
            r#"{"@id":"https://nvd.nist.gov/vuln/detail/CVE-2024-1001"}"#,
            "core",
        ),
        (r#"{"name":"CVE-2024-1009"}"#, ""),
    ] {
        let text = format!(
            r#"{{"@context":"https://openvex.dev/ns","statements":[{{"vulnerability":{vulnerability},"products":["pkg:npm/%40babel/core"],"status":"fixed"}}]}}"#
        );
        assert_eq!(suppressed(&with(&[&text])), expected, "{vulnerability}");
    }
}

fn statement(product: &str, status: &str, day: &str) -> String {
    format!(
        r#"{{"@context":"https://openvex.dev/ns/v0.2.0","timestamp":"{day}T00:00:00Z","statements":[{{"vulnerability":{{"name":"{CVE}"}},"products":["{product}"],"status":"{status}"}}]}}"#
    )
}

/// The most specific counts, of equals the newest, of these the careful one; every contradiction is told.
#[test]
fn which_statement_counts() {
    let (core, version) = ("pkg:npm/%40babel/core", "pkg:npm/%40babel/core@7.0.0");
    for (first, second, expected, words) in [
        (
            (core, "not_affected", "2026-01-01"),
            (core, "affected", "2026-01-02"),
            "",
            "it is newer",
        ),
        (
            (core, "not_affected", "2026-01-02"),
            (core, "affected", "2026-01-01"),
            "core",
            "it is newer",
        ),
        (
            (version, "not_affected", "2026-01-01"),
            (core, "affected", "2026-01-02"),
            "core",
            "more specific",
        ),
        (
            (core, "fixed", "2026-01-02"),
            (version, "under_investigation", "2026-01-01"),
            "",
            "more specific",
        ),
        (
            (core, "not_affected", "2026-01-01"),
            (core, "affected", "2026-01-01"),
            "",
            "the careful one",
        ),
        (
            (core, "affected", "2026-01-01"),
            (core, "not_affected", "2026-01-01"),
            "",
            "the careful one",
        ),
        (
            (core, "fixed", "2026-01-01"),
            (core, "not_affected", "2026-01-02"),
            "core",
            "",
        ),
        (
            (core, "affected", "2026-01-01"),
            (core, "under_investigation", "2026-01-02"),
            "",
            "",
        ),
    ] {
        let one = |(product, status, day): (&str, &str, &str)| statement(product, status, day);
        let scan = with(&[&one(first), &one(second)]);
        let told = said(&scan);
        assert_eq!(suppressed(&scan), expected, "{first:?} {second:?}\n{told}");
        assert!(told.contains(words), "{first:?} {second:?}\n{told}");
        assert_eq!(
            told.contains("contradicts"),
            !words.is_empty(),
            "{first:?} {second:?}\n{told}"
        );
    }
}

#[test]
fn affected_and_investigated_are_told() {
    for status in ["affected", "under_investigation"] {
        let scan = with(&[&statement("pkg:npm/%40babel/core", status, "2026-01-01")]);
        assert_eq!(suppressed(&scan), "");
        assert!(
            said(&scan).contains(&format!("says {status} (statement 1")),
            "{}",
            said(&scan)
        );
        let told = scan
            .ledger
            .gaps
            .iter()
            .any(|gap| &*gap.class == "vex-affected");
        assert!(told, "{}", said(&scan));
    }
}

/// grype #1639: what VEX takes out is not over the gate.
#[test]
fn the_gate_sees_what_is_left() {
    let gate = Gate {
        fail_on: vec!["high".parse::<FailOn>().unwrap()],
        ..Gate::default()
    };
    let over = |scan: &Assessment| judge(scan, &gate).reasons.first().unwrap().to_string();
    assert!(
        over(&with(&[])).starts_with("5 findings"),
        "{}",
        over(&with(&[]))
    );
    let left = with(&[&open("\"pkg:oci/app\"")]);
    assert_eq!(
        over(&left),
        "1 finding: severity high or higher (CVE-2024-1002 in github.com/tianon/gosu v1.19.0)"
    );
}

fn csaf(status: &str) -> String {
    format!(
        r#"{{"document":{{"csaf_version":"2.0","category":"csaf_vex","publisher":{{"name":"Vendor"}},"tracking":{{"current_release_date":"2026-05-01T00:00:00Z"}}}},
    "product_tree":{{
      "branches":[{{"category":"vendor","name":"v","branches":[
        {{"category":"product_version","name":"app","product":{{"product_id":"APP","name":"app","product_identification_helper":{{"purl":"pkg:oci/app?repository_url=ghcr.io/shop"}}}}}},
        {{"category":"product_version","name":"ssl","product":{{"product_id":"SSL","name":"libssl3","product_identification_helper":{{"purl":"pkg:deb/debian/libssl3@3.0.11-1"}}}}}}]}}],
      "full_product_names":[{{"product_id":"OS","name":"Debian 12","product_identification_helper":{{"cpe":"cpe:/o:debian:debian_linux:12"}}}},
        {{"product_id":"OLD","name":"Debian 11","product_identification_helper":{{"cpe":"cpe:2.3:o:debian:debian_linux:11:*:*:*:*:*:*:*"}}}}],
      "relationships":[
        {{"category":"default_component_of","product_reference":"SSL","relates_to_product_reference":"APP","full_product_name":{{"product_id":"APP:SSL","name":"x"}}}},
        {{"category":"default_component_of","product_reference":"SSL","relates_to_product_reference":"OS","full_product_name":{{"product_id":"OS:SSL","name":"x"}}}},
        {{"category":"default_component_of","product_reference":"SSL","relates_to_product_reference":"OLD","full_product_name":{{"product_id":"OLD:SSL","name":"x"}}}},
        {{"category":"default_component_of","product_reference":"SSL","relates_to_product_reference":"APP:SSL","full_product_name":{{"product_id":"DEEP","name":"x"}}}},
        {{"category":"default_component_of","product_reference":"LOOP","relates_to_product_reference":"LOOP","full_product_name":{{"product_id":"LOOP","name":"x"}}}}],
      "product_groups":[{{"group_id":"G","product_ids":["APP:SSL"]}}]}},
    "vulnerabilities":[{{"cve":"{CVE}","product_status":{{{status}}},
      "flags":[{{"label":"vulnerable_code_not_present","group_ids":["G"]}}],
      "threats":[{{"category":"impact","details":"built without it","product_ids":["APP:SSL"]}}]}}]}}"#
    )
}

#[test]
fn csaf_products() {
    for (status, expected, words) in [
        (
            r#""known_not_affected":["APP:SSL"]"#,
            "libssl3",
            "not_affected, vulnerable_code_not_present: built without it (vulnerability 1 of 2026-05-01",
        ),
        (
            r#""known_not_affected":["OS:SSL"]"#,
            "libssl3",
            "in debian 12.5",
        ),
        (
            r#""known_not_affected":["OLD:SSL"]"#,
            "",
            "it names debian 11, the image here is debian 12.5",
        ),
        (r#""fixed":["SSL"]"#, "libssl3", "fixed"),
        (r#""first_fixed":["APP"]"#, ALL, "by its repository"),
        (r#""known_affected":["APP:SSL"]"#, "", "says affected"),
        (
            r#""under_investigation":["APP"]"#,
            "",
            "says under_investigation",
        ),
        (
            r#""known_not_affected":["NONE","DEEP","LOOP"]"#,
            "",
            "3 of its products are not in its product tree",
        ),
        (
            r#""known_not_affected":["APP"],"known_affected":["APP:SSL"]"#,
            "core user zlib1g",
            "it is more specific",
        ),
    ] {
        let scan = with(&[&csaf(status)]);
        assert_eq!(suppressed(&scan), expected, "{status}\n{}", said(&scan));
        assert!(said(&scan).contains(words), "{status}\n{}", said(&scan));
    }
}

fn cyclonedx(root: &str, affects: &str, analysis: &str) -> String {
    format!(
        r#"{{"bomFormat":"CycloneDX","specVersion":"1.6","serialNumber":"urn:uuid:1111","metadata":{{"timestamp":"2026-05-01T00:00:00Z"{root}}},
        "components":[{{"bom-ref":"u1","name":"core","purl":"pkg:npm/%40babel/core@7.0.0"}}],
        "vulnerabilities":[{{"id":"{CVE}","analysis":{{{analysis}}},"affects":[{affects}]}}]}}"#
    )
}

#[test]
fn cyclonedx_references() {
    let app = r#","component":{"bom-ref":"r","type":"container","name":"app","purl":"pkg:oci/app?repository_url=ghcr.io/shop"}"#;
    let web =
        r#","component":{"bom-ref":"r","type":"container","name":"web","purl":"pkg:oci/web"}"#;
    let clear =
        r#""state":"not_affected","justification":"code_not_reachable","detail":"never called""#;
    for (root, affects, analysis, expected, words) in [
        (
            "",
            r#"{"ref":"u1"}"#,
            clear,
            "core",
            "not_affected, code_not_reachable: never called",
        ),
        (
            "",
            r#"{"ref":"pkg:npm/%40babel/core@7.0.0"}"#,
            clear,
            "core",
            "",
        ),
        ("", r#"{"ref":"urn:cdx:1111/1#u1"}"#, clear, "core", ""),
        (
            "",
            r#"{"ref":"urn:cdx:2222/1#pkg:npm/%2540babel/core@7.0.0"}"#,
            clear,
            "core",
            "",
        ),
        (
            "",
            r#"{"ref":"urn:cdx:2222/1#u1"}"#,
            clear,
            "",
            "`u1` is no",
        ),
        (
            app,
            r#"{"ref":"u1"}"#,
            clear,
            "core",
            "core 7.0.0 in the image",
        ),
        (app, r#"{"ref":"r"}"#, clear, ALL, ""),
        (web, r#"{"ref":"u1"}"#, clear, "", "it names the image web"),
        (
            "",
            r#"{"ref":"u1","versions":[{"version":"7.0.0","status":"unaffected"}]}"#,
            clear,
            "core",
            "",
        ),
        (
            "",
            r#"{"ref":"u1","versions":[{"version":"8.0.0"}]}"#,
            clear,
            "",
            "it names version 8.0.0, here is 7.0.0",
        ),
        (
            "",
            r#"{"ref":"u1","versions":[{"range":"vers:npm/<8"}]}"#,
            clear,
            "",
            "a range of versions",
        ),
        (
            "",
            r#"{"ref":"u1"}"#,
            r#""state":"resolved""#,
            "core",
            "fixed",
        ),
        (
            "",
            r#"{"ref":"u1"}"#,
            r#""state":"false_positive""#,
            "core",
            "",
        ),
        (
            "",
            r#"{"ref":"u1"}"#,
            r#""state":"in_triage""#,
            "",
            "says under_investigation",
        ),
        (
            "",
            r#"{"ref":"u1"}"#,
            r#""state":"exploitable""#,
            "",
            "says affected",
        ),
        (
            "",
            r#"{"ref":"u1"}"#,
            "",
            "",
            "none of its 1 vulnerabilities has an analysis",
        ),
    ] {
        let scan = with(&[&cyclonedx(root, affects, analysis)]);
        assert_eq!(
            suppressed(&scan),
            expected,
            "{root} {affects} {analysis}\n{}",
            said(&scan)
        );
        assert!(
            said(&scan).contains(words),
            "{root} {affects} {analysis}\n{}",
            said(&scan)
        );
    }
}

/// A `bom-ref` of another document is looked up in the documents that were given.
#[test]
fn references_into_other_documents() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let vex = cyclonedx(
        "",
        r#"{"ref":"urn:cdx:2222/1#b%201"}"#,
        r#""state":"not_affected""#,
    );
    let bom = r#"{"bomFormat":"CycloneDX","specVersion":"1.5","serialNumber":"urn:uuid:2222","components":[{"bom-ref":"x","components":[{"bom-ref":"b 1","purl":"pkg:npm/%40babel/core@7.0.0"}]}]}"#;
    let (vex, bom) = (file("vex.json", &vex), file("bom.json", bom));
    for (boms, expected) in [(&[][..], ""), (&[bom][..], "core")] {
        let vex = scan::rulings::vex(std::slice::from_ref(&vex), boms).unwrap();
        let scan = ruled(
            vec![app()],
            &Rulings {
                annotations: false,
                attached: Vec::new(),
                vex,
                ignores: Vec::new(),
            },
        );
        assert_eq!(suppressed(&scan), expected, "{boms:?}\n{}", said(&scan));
    }
}

#[test]
fn what_is_no_vex_is_an_error() {
    for text in [
        "",
        "[]",
        "{}",
        r#"{"bomFormat":"x"}"#,
        r#"{"payloadType":"x","payload":"e30="}"#,
        r#"{"predicate":{"predicate":{"predicate":{"predicate":{}}}}}"#,
    ] {
        assert!(
            read_vex("x", text.as_bytes(), &Limits::default()).is_err(),
            "{text}"
        );
    }
    let statement = format!(
        r#"{{"_type":"https://in-toto.io/Statement/v1","predicate":{}}}"#,
        open("\"app\"")
    );
    let read = read_vex("x", statement.as_bytes(), &Limits::default()).unwrap();
    assert_eq!((&*read.format, read.statements.len()), ("openvex/0.2.0", 1));
}

fn seeds() -> Vec<String> {
    let root = r#","component":{"bom-ref":"r","name":"app"}"#;
    vec![
        open(r#"{"@id":"pkg:oci/app","subcomponents":["pkg:npm/%40babel/core@7.0.0"]}"#),
        csaf(r#""known_not_affected":["APP:SSL","OS:SSL"]"#),
        cyclonedx(
            root,
            r#"{"ref":"u1","versions":[{"version":"7.0.0"}]}"#,
            r#""state":"not_affected""#,
        ),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    /// Whatever the document is: an answer or an error, and no finding is lost.
    #[test]
    fn any_document(seed in 0..3_usize, edits in prop::collection::vec((any::<prop::sample::Index>(), prop::sample::select(vec!["", "null", "[]", "{}", "\"", ":", "@", "%", "#", "/", "pkg:", "é", "0"])), 1..5)) {
        let mut text = seeds().swap_remove(seed);
        for (at, piece) in edits {
            let places: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
            let at = places[at.index(places.len())];
            let end = text[at..].char_indices().nth(1).map_or(text.len(), |(n, _)| at + n);
            text.replace_range(at..end, piece);
        }
        if let Ok(document) = read_vex("x", text.as_bytes(), &Limits::default()) {
            let scan = ruled(vec![app()], &Rulings { annotations: false, attached: Vec::new(), vex: vec![document], ignores: Vec::new() });
            let all = scan.findings.len() + scan.suppressed.len() + scan.unjoined.len();
            prop_assert_eq!(all, 5);
        }
    }

    /// A statement of what is not here takes nothing out.
    #[test]
    fn a_foreign_image_takes_nothing_out(name in "[a-z]{3,8}", host in "[a-z]{3,8}\\.example") {
        prop_assume!(name != "app");
        let scan = with(&[&open(&format!("\"pkg:oci/{name}?repository_url={host}/{name}\""))]);
        prop_assert_eq!(suppressed(&scan), "");
    }
}
