//! What `explain` says of what was scanned here: which advisory, range, comparison and layer, and of packages in which
//! nothing was found, why.

use crate::sample;
use jiff::civil::date;
use model::assessment::Assessment;
use model::matches::Basis;
use report::View;
use report::terminal::{TerminalOptions, explain_named};

fn asked(assessment: &Assessment, name: &str) -> Option<String> {
    let verdict = sample::failed();
    let view: View = sample::view(assessment, &verdict);
    let options = TerminalOptions {
        width: 100,
        colour: false,
    };
    let why = |inventory: usize, component: u32| {
        let component = &assessment.inventories[inventory].components[component as usize];
        (&*component.name != "busybox")
            .then(|| format!("no advisory of Debian:12 names {}", component.name))
    };
    let mut out = Vec::new();
    let found = explain_named(&view, name, &why, &options, &mut out).unwrap();
    assert_eq!(found, !out.is_empty(), "{name}");
    found.then(|| String::from_utf8(out).unwrap())
}

/// The sample's matches, each decided as a notice of Debian is.
fn image() -> Assessment {
    let mut image = sample::image();
    for basis in &mut image.sets[0].bases {
        *basis = Basis {
            advisory: "DSA-5532-1".into(),
            feed: "osv/Debian".into(),
            ecosystem: "Debian:12".into(),
            package: "openssl".into(),
            of_source: true,
            version: "3.0.11-1~deb12u1".into(),
            order: "dpkg".into(),
            introduced: Some("0".into()),
            fixed: Some("3.0.11-1~deb12u2".into()),
            fixed_on: Some(date(2026, 10, 30)),
            also: vec!["DEBIAN-CVE-2026-2222".into()],
            ..Basis::default()
        };
    }
    image
}

#[test]
fn findings_and_packages_of_an_image() {
    let image = image();
    let mut text = String::new();
    for name in [
        "CVE-2026-2222",
        "openssl",
        "pkg:deb/debian/python3-yaml",
        "pyyaml",
        "busybox",
        "golang.org/x/net",
        "org.apache.logging.log4j:log4j-core",
    ] {
        let said = asked(&image, name).unwrap();
        text = format!("{text}$ plimsoll explain {name}\n{said}\n");
    }
    insta::assert_snapshot!(text);
}

#[test]
fn packages_go_by_their_names() {
    let image = image();
    for (name, expected) in [
        ("OpenSSL", true),
        ("libssl3", true),
        ("pkg:deb/debian/libssl3", true),
        ("pkg:deb/debian/libssl3@3.0.11-1~deb12u1", true),
        ("pkg:deb/debian/libssl3@3.0.11-1%7Edeb12u1?arch=arm64", true),
        ("pkg:deb/debian/libssl3@3.0.12", false),
        ("pkg:deb/debian/libssl", false),
        ("pkg:npm/%40shop-ui/cart", true),
        ("@shop-ui/cart", true),
        ("libssl", false),
        ("pkg:", false),
        ("", false),
    ] {
        assert_eq!(asked(&image, name).is_some(), expected, "{name}");
    }
}

/// What was given to take findings out is named where nothing of it did.
#[test]
fn what_was_looked_at_is_named() {
    let mut image = image();
    image.coverage.rulings = vec![
        "vex.json: 3 VEX statements".into(),
        ".trivyignore: 1 ignore entry".into(),
    ];
    let said = asked(&image, "CVE-2026-2222").unwrap();
    assert!(
        said.contains("vex.json: 3 VEX statements; .trivyignore: 1 ignore entry"),
        "{said}"
    );
}
