//! `--redact-names`: no name of the shop is in any format.

use crate::runner::{FORMATS, Home};

/// Namespaces, workloads, images, owners, files. `ingress-nginx` is also the name of a public Go package.
const NAMES: &[&str] = &[
    "shop",
    "ops",
    "storefront",
    "checkout",
    "checkout-api",
    "checkout-db",
    "report-builder",
    "harbour",
    "harbour-shop",
    "team-harbour",
    "team-finance",
    "ingress-nginx-controller",
    "calico",
    "calico-node",
    "deployer",
    "postgres",
    "k8s/storefront.yaml",
    "trivy.json",
    "grype.json",
];

/// The words of `text` that stand alone, and where.
fn stands_alone(text: &str, name: &str) -> Option<String> {
    let part = |c: char| c.is_alphanumeric();
    text.match_indices(name).find_map(|(at, _)| {
        let before = text[..at].chars().next_back().is_some_and(part);
        let after = text[at + name.len()..].chars().next().is_some_and(part);
        let around = |at: usize, by: isize| {
            text.floor_char_boundary(at.saturating_add_signed(by).min(text.len()))
        };
        (!before && !after).then(|| text[around(at, -60)..around(at, 80)].to_owned())
    })
}

#[track_caller]
fn check(text: &str, format: &str) {
    let text = text.replace("k8s.io/ingress-nginx", "");
    for name in NAMES
        .iter()
        .chain(&["ingress-nginx", "reports/", "namespace reports"])
    {
        let found = stands_alone(&text, name);
        assert!(found.is_none(), "{name} in {format}: {}", found.unwrap());
    }
}

#[test]
fn no_name_of_the_shop_in_any_format() {
    let home = Home::new();
    for format in FORMATS {
        check(
            &home
                .scan_shop(&["--redact-names", "--top", "0", "--format", format])
                .done()
                .text(),
            format,
        );
        check(
            &home
                .run(&["demo", "--redact-names", "--top", "0", "--format", format])
                .done()
                .text(),
            format,
        );
    }
    for view in ["queue", "paths"] {
        for format in ["table", "json"] {
            check(
                &home
                    .run(&[view, "--redact-names", "--top", "0", "--format", format])
                    .done()
                    .text(),
                view,
            );
        }
    }
    home.scan_shop(&[
        "--redact-names",
        "--format",
        "sarif",
        "--sarif-split",
        "split",
    ])
    .done();
    for file in std::fs::read_dir(home.path("split")).unwrap() {
        let path = file.unwrap().path();
        check(
            &format!(
                "{}\n{}",
                path.file_name().unwrap().to_string_lossy(),
                std::fs::read_to_string(&path).unwrap()
            ),
            "split",
        );
    }
}

#[test]
fn the_check_would_find_them() {
    let home = Home::new();
    let text = home.scan_shop(&["--format", "json"]).done().text();
    for name in [
        "storefront",
        "shop",
        "postgres",
        "deployer",
        "checkout-api",
        "k8s/storefront.yaml",
        "grype.json",
    ] {
        assert!(stands_alone(&text, name).is_some(), "{name}");
    }
}
