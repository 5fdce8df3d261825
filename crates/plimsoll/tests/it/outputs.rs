//! What the commands print for the demo's shop, the same bytes on every run; and the files they write.

use crate::runner::{FORMATS, Home, SHOP_DATABASE};
use std::fmt::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

#[test]
fn demo() {
    let home = Home::new();
    insta::assert_snapshot!(home.run(&["demo"]).done().text());
    insta::assert_snapshot!(
        "demo_markdown",
        home.run(&["demo", "--format", "markdown"]).done().text()
    );
}

#[test]
fn help() {
    let home = Home::new();
    let mut all = String::new();
    for command in [
        "",
        "demo",
        "scan",
        "scan cluster",
        "scan manifests",
        "scan snapshot",
        "scan reports",
        "scan node",
        "collect",
        "queue",
        "paths",
        "who-can",
        "can",
        "export role",
        "export netpol",
        "explain",
        "db",
        "db build",
        "db update",
        "db status",
        "db show",
    ] {
        let arguments: Vec<&str> = command.split_whitespace().chain(["--help"]).collect();
        let help = home.run(&arguments).done().text();
        assert!(
            help.lines().all(|line| line.chars().count() <= 100),
            "{help}"
        );
        let _ = writeln!(all, "$ plimsoll {}\n{help}", arguments.join(" "));
    }
    insta::assert_snapshot!(all);
}

#[test]
fn database() {
    let home = Home::new();
    let build = home
        .run(&["db", "build", "--from", "shop/feeds", "--output", "db"])
        .done()
        .text();
    let status = home.run(&["db", "status", "--db", "db"]).done().text();
    assert_eq!(build, status);
    let show = home
        .run(&["db", "show", "CVE-2024-38476", "--db", "db"])
        .done()
        .text();
    let shown = format!("{status}\n{show}");
    // Digests follow the version of the compressor.
    insta::with_settings!({filters => [("[0-9a-f]{64}", "[digest]")]}, { insta::assert_snapshot!(shown) });
    let json = home
        .run(&["db", "status", "--db", "db", "--format", "json", "--verify"])
        .done()
        .text();
    assert!(json.contains("\"verified\": true"), "{json}");
    home.run(&["db", "show", "CVE-1999-0001", "--db", "db"])
        .refused("CVE-1999-0001");
}

#[test]
fn the_same_scan_gives_the_same_bytes_in_every_format() {
    let home = Home::new();
    for format in FORMATS {
        let run = || home.scan_shop(&["--format", format]).done().stdout;
        let first = run();
        assert!(first.len() > 1000, "{format}");
        assert!(first == run(), "{format} differs between two runs");
    }
}

#[test]
fn a_saved_scan_is_shown_as_it_was_scanned() {
    let home = Home::new();
    for format in FORMATS {
        let scanned = home
            .scan_shop(&["--save", "s.plimsoll", "--format", format])
            .done()
            .stdout;
        let shown = home
            .run(&["queue", "--from", "s.plimsoll", "--format", format])
            .done()
            .stdout;
        assert!(shown == scanned, "{format} differs");
    }
    insta::assert_snapshot!("scan_manifests", home.scan_shop(&[]).done().text());
    // The last scan is kept without --save.
    let last = home.run(&["queue"]).done().text();
    assert_eq!(
        last,
        home.run(&["queue", "--from", "s.plimsoll"]).done().text()
    );
    insta::assert_snapshot!("paths", home.run(&["paths"]).done().text());
    insta::assert_snapshot!(
        "explain",
        home.run(&["explain", "CVE-2021-41773"]).done().text()
    );
    home.run(&["explain", "CVE-1999-0001"])
        .refused("CVE-1999-0001");
    insta::assert_snapshot!(
        "explain_object",
        home.run(&["explain", "deployment/storefront"])
            .done()
            .text()
    );
}

/// Whatever a person has in hand leads somewhere.
#[test]
fn everything_with_a_name_is_explained() {
    let home = Home::new();
    let json = home.scan_shop(&["--format", "json"]).done().text();
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let finding = &json["findings"][0];
    let check = |name: &str, first: &str, says: &[&str]| {
        let answer = home.run(&["explain", name]).done().text();
        assert!(answer.starts_with(first), "{name}: {answer}");
        for said in says {
            assert!(answer.contains(said), "{name}: no {said} in {answer}");
        }
        assert!(
            answer.lines().all(|line| line.chars().count() <= 100),
            "{answer}"
        );
    };
    let id = text(&finding["id"]);
    check(
        &id.to_lowercase(),
        &id,
        &["score  ", "exposure  ", "fix  ", "key  "],
    );
    check(&text(&finding["tracking_key"]), &id, &["score  "]);
    let action = &json["actions"][0];
    let head = format!("action 1 of the queue: {}", text(&action["title"]));
    let first: String = head.chars().take(60).collect();
    check(&text(&action["id"]), &first, &["do  ", "closes  "]);
    check("1", &first, &["do  "]);
    let web = "Deployment shop/storefront";
    for name in [
        web,
        "deployment/storefront",
        "deployments.apps/storefront",
        "Deployment storefront",
    ] {
        check(
            name,
            web,
            &["container ", "exposure ", "findings ", "of the queue"],
        );
    }
    // Two objects, each for itself.
    check("shop/storefront", web, &["\nService shop/storefront\n"]);
    check(
        "ghcr.io/harbour-shop/storefront",
        "image ghcr.io/harbour-shop/storefront",
        &[&id],
    );
    // A CVE in several images: in full, or a line each.
    check(
        "CVE-2024-2511",
        "CVE-2024-2511",
        &["more of this name", "plimsoll explain v1:"],
    );
    for nothing in ["storefron", "shop/nothing", "0", "99999", "v1:0", ""] {
        home.run(&["explain", nothing])
            .refused("nothing in the scan at 2026-08-16 12:00 UTC is called");
    }
}

#[test]
fn a_snapshot_gives_the_queue_of_its_manifests() {
    let home = Home::new();
    home.scan_shop(&["--save", "s.plimsoll"]).done();
    home.write(
        "s.snapshot",
        crate::hostile_files::snapshot_of(&home.read("s.plimsoll")),
    );
    let database = SHOP_DATABASE.path("db");
    let ranked = |ran: String| -> Vec<String> {
        let json: serde_json::Value = serde_json::from_str(&ran).unwrap();
        let findings = json["findings"].as_array().unwrap();
        findings
            .iter()
            .map(|f| format!("{} {} {}", f["id"], f["image"], f["score"]["points"]))
            .collect()
    };
    let snapshot = home.run(&[
        "scan",
        "snapshot",
        "s.snapshot",
        "--report",
        "shop/reports",
        "--config",
        "shop/plimsoll.yaml",
        "--db",
        database.to_str().unwrap(),
        "--format",
        "json",
    ]);
    let from_snapshot = ranked(snapshot.done().text());
    assert!(from_snapshot.len() > 40);
    assert_eq!(
        from_snapshot,
        ranked(home.scan_shop(&["--format", "json"]).done().text())
    );
}

#[test]
fn top_limits_the_actions_that_are_shown() {
    let home = Home::new();
    let numbered = |text: &str, n: usize| {
        text.lines()
            .any(|line| line.trim_start().starts_with(&format!("{n}  ")))
    };
    let three = home.run(&["demo", "--top", "3"]).done().text();
    assert!(numbered(&three, 3) && !numbered(&three, 4), "{three}");
    let all = home.run(&["demo", "--top", "0"]).done().text();
    assert!(
        numbered(&all, 11) && !all.contains("more actions: --top 0"),
        "{all}"
    );
}

#[track_caller]
fn private(path: &Path) {
    let mode = std::fs::metadata(path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "{}", path.display());
}

#[test]
fn every_file_is_private_and_whole() {
    let home = Home::new();
    for format in FORMATS {
        // What was readable for all becomes private.
        home.write(format, "old");
        let ran = home
            .scan_shop(&[
                "--format",
                format,
                "--output",
                format,
                "--save",
                "s.plimsoll",
            ])
            .done();
        assert!(ran.stdout.is_empty());
        assert_eq!(
            home.read(format),
            home.scan_shop(&["--format", format]).done().stdout
        );
        private(&home.path(format));
        private(&home.path("s.plimsoll"));
        private(&home.path("state/plimsoll/last.plimsoll"));
    }
    std::fs::create_dir(home.path("split")).unwrap();
    let split = home
        .scan_shop(&["--format", "sarif", "--sarif-split", "split"])
        .done();
    assert!(
        split.stdout.is_empty() && split.stderr.contains("6 SARIF files"),
        "{}",
        split.stderr
    );
    let written: Vec<_> = std::fs::read_dir(home.path("split")).unwrap().collect();
    assert_eq!(written.len(), 6);
    for file in written {
        private(&file.unwrap().path());
    }
    let left = std::fs::read_dir(home.folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name());
    let left: Vec<_> = left
        .filter(|name| name.to_string_lossy().starts_with('.'))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}
