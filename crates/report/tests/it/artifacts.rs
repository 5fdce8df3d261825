//! The formats of image, file tree and package list scans: what they say, what they never claim, what steers nothing.

use crate::sample;
use model::assessment::{Assessment, Outcome, Verdict};
use report::sarif::SarifOptions;
use report::terminal::TerminalOptions;
use report::{
    View, cyclonedx, github, gitlab, json, junit, markdown, openvex, sarif, spdx, terminal,
};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};
use unicode_width::UnicodeWidthStr as _;

type Writer = fn(&View, &mut dyn Write) -> io::Result<()>;

const ALL: [(&str, Writer); 10] = [
    ("json", json::write),
    ("sarif", write_sarif),
    ("cyclonedx", cyclonedx::write),
    ("spdx-json", spdx::write),
    ("openvex", openvex::write),
    ("gitlab", gitlab::write),
    ("junit", junit::write),
    ("github", github::write),
    ("markdown", markdown::write),
    ("table", write_table),
];

fn write_sarif(view: &View, out: &mut dyn Write) -> io::Result<()> {
    sarif::write(view, &SarifOptions::default(), out)
}

fn write_table(view: &View, out: &mut dyn Write) -> io::Result<()> {
    let options = TerminalOptions {
        width: 100,
        colour: false,
    };
    terminal::write(view, &options, out)
}

fn written(assessment: &Assessment, redact_names: bool, write: Writer) -> String {
    let verdict = sample::failed();
    let view = View {
        redact_names,
        ..sample::view(assessment, &verdict)
    };
    let mut out = Vec::new();
    write(&view, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn parsed(assessment: &Assessment, write: Writer) -> Value {
    serde_json::from_str(&written(assessment, false, write)).unwrap()
}

fn pretty(assessment: &Assessment, write: Writer) -> String {
    serde_json::to_string_pretty(&parsed(assessment, write)).unwrap()
}

fn samples() -> Vec<(&'static str, Assessment)> {
    vec![
        ("image", sample::image()),
        ("rootfs", sample::rootfs()),
        ("clean", sample::clean()),
        ("hostile image", sample::hostile_image()),
        ("shop", sample::shop()),
        ("hostile", sample::hostile()),
        ("empty", sample::empty()),
    ]
}

#[test]
fn cyclonedx_of_an_image() {
    insta::assert_snapshot!(pretty(&sample::image(), cyclonedx::write));
}

#[test]
fn spdx_of_an_image() {
    insta::assert_snapshot!(pretty(&sample::image(), spdx::write));
}

#[test]
fn openvex_of_an_image() {
    insta::assert_snapshot!(pretty(&sample::image(), openvex::write));
}

#[test]
fn gitlab_of_an_image() {
    insta::assert_snapshot!(pretty(&sample::image(), gitlab::write));
}

#[test]
fn junit_of_an_image() {
    insta::assert_snapshot!(written(&sample::image(), false, junit::write));
}

#[test]
fn github_of_an_image() {
    insta::assert_snapshot!(written(&sample::image(), false, github::write));
}

#[test]
fn github_of_a_cluster() {
    insta::assert_snapshot!(written(&sample::shop(), false, github::write));
}

#[test]
fn markdown_of_an_image() {
    insta::assert_snapshot!(written(&sample::image(), false, markdown::write));
}

#[test]
fn table_of_an_image() {
    insta::assert_snapshot!(written(&sample::image(), false, write_table));
}

#[test]
fn table_of_a_file_tree_with_redacted_names() {
    insta::assert_snapshot!(written(&sample::rootfs(), true, write_table));
}

#[test]
fn json_of_an_image() {
    let json = parsed(&sample::image(), json::write);
    let installed = serde_json::json!({
        "packages": json["packages"],
        "artifacts": json["artifacts"],
    });
    insta::assert_snapshot!(serde_json::to_string_pretty(&installed).unwrap());
}

#[test]
fn packages_stand_beside_findings_with_the_names_that_scripts_rely_on() {
    let json = parsed(&sample::image(), json::write);
    let packages = json["packages"].as_array().unwrap();
    assert_eq!(
        packages.len(),
        sample::image().inventories[0].components.len()
    );
    for key in [
        "name",
        "version",
        "purl",
        "type",
        "licenses",
        "locations",
        "found",
        "artifact",
    ] {
        assert!(packages[0].get(key).is_some(), "{key}");
    }
    let owned = packages.iter().find(|p| p.get("owner").is_some()).unwrap();
    let owner = usize::try_from(owned["owner"].as_u64().unwrap()).unwrap();
    assert_eq!(packages[owner]["name"], "python3-yaml");
    assert_eq!(packages[0]["locations"][0]["layer"], 0);
    // A cluster has no such list, not an empty one.
    assert!(
        parsed(&sample::shop(), json::write)
            .get("packages")
            .is_none()
    );
}

#[test]
fn the_same_input_gives_the_same_bytes_and_another_one_another_serial() {
    let serial = |a: &Assessment| {
        [
            parsed(a, cyclonedx::write)["serialNumber"].to_string(),
            parsed(a, spdx::write)["documentNamespace"].to_string(),
            parsed(a, openvex::write)["@id"].to_string(),
        ]
    };
    let image = sample::image();
    for (format, write) in ALL {
        assert_eq!(
            written(&image, false, write),
            written(&image, false, write),
            "{format}"
        );
    }
    let mut all: BTreeSet<String> = serial(&image).into();
    let mut later = sample::image();
    later.about.now = "2026-11-24T04:00:00Z".parse().unwrap();
    let mut rebuilt = sample::image();
    rebuilt.inventories[0].layers[0].diff_id = "sha256:0".into();
    let mut other_feeds = sample::image();
    other_feeds.about.database.as_mut().unwrap().digest = "00".into();
    for other in [later, rebuilt, other_feeds] {
        all.extend(serial(&other));
    }
    assert_eq!(all.len(), 12);
}

/// Rule 17: an ignore rule, a filter or an accepted risk says nothing of the product.
#[test]
fn only_what_is_known_is_claimed() {
    let vex = parsed(&sample::image(), openvex::write);
    let mut claims: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
    for statement in vex["statements"].as_array().unwrap() {
        for part in statement["products"][0]["subcomponents"]
            .as_array()
            .unwrap()
        {
            let key = (
                statement["vulnerability"]["name"]
                    .as_str()
                    .unwrap()
                    .to_owned(),
                part["@id"].as_str().unwrap().to_owned(),
            );
            let status = statement["status"].as_str().unwrap().to_owned();
            claims.entry(key).or_default().push(status);
        }
    }
    let of = |id: &str, purl: &str| {
        let found = claims
            .iter()
            .find(|((i, p), _)| i == id && p.contains(purl));
        found
            .map(|(_, status)| status.join(","))
            .unwrap_or_default()
    };
    assert_eq!(of("CVE-2026-2222", "libssl3"), "affected");
    assert_eq!(of("CVE-2026-1111", "libxml2"), "affected");
    assert_eq!(of("CVE-2022-0778", "golang.org/x/net"), "not_affected");
    assert_eq!(of("CVE-2026-1111", "pyyaml"), "affected");
    assert_eq!(of("CVE-2026-1111", "busybox"), "not_affected");
    let bom = parsed(&sample::image(), cyclonedx::write);
    let analysed: Vec<&Value> = bom["vulnerabilities"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|v| v["analysis"]["state"] == "not_affected")
        .collect();
    assert_eq!(analysed.len(), 2, "{analysed:?}");
}

/// Every reference of a bill of materials is there, once.
#[test]
fn references_point_somewhere() {
    for (name, assessment) in samples() {
        let bom = parsed(&assessment, cyclonedx::write);
        let mut known = BTreeSet::new();
        let root = &bom["metadata"]["component"];
        for component in std::iter::once(root).chain(bom["components"].as_array().unwrap()) {
            let reference = component["bom-ref"].as_str().unwrap();
            assert!(
                known.insert(reference.to_owned()),
                "{name}: {reference} stands twice"
            );
        }
        let dependencies = bom["dependencies"].as_array().unwrap();
        let of_dependencies = dependencies
            .iter()
            .flat_map(|d| std::iter::once(&d["ref"]).chain(d["dependsOn"].as_array().unwrap()));
        let vulnerabilities = bom["vulnerabilities"].as_array().unwrap();
        let of_vulnerabilities = vulnerabilities
            .iter()
            .flat_map(|v| v["affects"].as_array().unwrap())
            .map(|a| &a["ref"]);
        for reference in of_dependencies.chain(of_vulnerabilities) {
            assert!(
                known.contains(reference.as_str().unwrap()),
                "{name}: {reference}"
            );
        }
    }
}

#[test]
fn no_format_lets_a_name_steer() {
    for hostile in [sample::hostile_image(), sample::hostile()] {
        for (format, write) in ALL {
            for redact in [false, true] {
                let text = written(&hostile, redact, write);
                for c in text.chars() {
                    let steers =
                        c.is_control() && c != '\n' || ('\u{202a}'..='\u{202e}').contains(&c);
                    assert!(!steers, "{format}: {c:?}");
                }
            }
        }
        let xml = written(&hostile, false, junit::write);
        assert!(!xml.contains("]]>") && !xml.contains("<img"), "{xml}");
    }
}

#[test]
fn redaction_leaves_no_name_in_any_format() {
    for (image, names) in [
        (
            sample::image(),
            &["ghcr.io", "shop/web", "git.example", "aaaa", "dddd"][..],
        ),
        (sample::rootfs(), &["build/rootfs"]),
    ] {
        for (format, write) in ALL {
            let text = written(&image, true, write);
            for name in names {
                let at = text.find(name).unwrap_or(0);
                let around = text.get(at.saturating_sub(100)..).unwrap_or("");
                let around: String = around.chars().take(200).collect();
                assert!(!text.contains(name), "{format} tells {name}: {around}");
            }
        }
    }
}

#[test]
fn the_table_says_coverage_first_then_fixes_then_what_has_none() {
    let text = written(&sample::image(), false, write_table);
    let at = |part: &str| text.find(part).unwrap_or_else(|| panic!("{part}:\n{text}"));
    let order = [
        at("image ghcr.io/shop/web:1.4.2"),
        at("NO SECURITY SUPPORT since 2026-06-10"),
        at("10 packages: 4 deb"),
        at("there is no feed of Maven"),
        at("Fix first"),
        at("in the base image"),
        at("No fix"),
        at("libxml2"),
        at("image-root-user"),
        at("Verdict"),
    ];
    assert!(order.is_sorted(), "{order:?}\n{text}");
    // The highest of the versions that are named, not the first.
    let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        flat.contains("upgrade log4j-core 2.14.1 to 2.16.0 (application layer), closes 2"),
        "{text}"
    );
    assert!(
        flat.contains(
            "upgrade libssl3, openssl 3.0.11-1~deb12u1 to 3.0.11-1~deb12u9 (base image), closes 2"
        ),
        "{text}"
    );
}

#[test]
fn the_table_fits() {
    for (assessment, width) in [
        (sample::image(), 100),
        (sample::image(), 60),
        (sample::hostile_image(), 100),
        (sample::large_image(500), 100),
    ] {
        let verdict = sample::failed();
        let mut view = sample::view(&assessment, &verdict);
        view.top = 0;
        let mut out = Vec::new();
        let options = TerminalOptions {
            width,
            colour: false,
        };
        terminal::write(&view, &options, &mut out).unwrap();
        for line in String::from_utf8(out).unwrap().lines() {
            let command = line.trim_start().starts_with("close it:");
            assert!(
                command || line.width() <= width,
                "{} columns: {line}",
                line.width()
            );
        }
    }
}

/// Nothing that was not judged is told as a test that passed.
#[test]
fn unknown_is_no_passed_test() {
    let mut a = sample::image();
    a.findings.clear();
    a.suppressed.clear();
    let xml = written(&a, false, junit::write);
    assert!(
        xml.contains("<skipped message=\"no finding, but there is no feed of Maven"),
        "{xml}"
    );
    let clean = written(&sample::clean(), false, junit::write);
    assert!(
        clean.contains("no known vulnerability in 10 packages\" time=\"0\"/>"),
        "{clean}"
    );
    let verdict = Verdict {
        outcome: Outcome::NotCompleted,
        exit_code: 3,
        ..sample::passed()
    };
    let view = sample::view(&a, &verdict);
    let mut out = Vec::new();
    junit::write(&view, &mut out).unwrap();
    let xml = String::from_utf8(out).unwrap();
    assert!(
        xml.contains("<error type=\"not-completed\" message=\"not completed, exit code 3\""),
        "{xml}"
    );
}

#[test]
fn the_job_summary_is_short() {
    for assessment in [
        sample::large_image(5_000),
        sample::generated(5_000),
        sample::hostile_image(),
    ] {
        let text = written(&assessment, false, github::write);
        assert!(text.len() < 20_000, "{} bytes", text.len());
        let lines = text.lines().count();
        assert!(lines < 60, "{lines} lines");
    }
}

#[test]
fn large_bills_of_materials_are_streamed() {
    #[derive(Default)]
    struct Sink {
        total: usize,
        largest: usize,
    }
    impl Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.total += bytes.len();
            self.largest = self.largest.max(bytes.len());
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let (large, verdict) = (sample::large_image(20_000), sample::failed());
    let view = sample::view(&large, &verdict);
    for (format, write) in [
        ("cyclonedx", cyclonedx::write as Writer),
        ("spdx-json", spdx::write),
        ("gitlab", gitlab::write),
    ] {
        let mut sink = Sink::default();
        write(&view, &mut sink).unwrap();
        assert!(
            sink.largest < 100_000,
            "{format}: {} bytes at once",
            sink.largest
        );
        assert!(sink.total > 5_000_000, "{format}: {} bytes", sink.total);
    }
}

#[test]
fn wrong_indices_are_survived() {
    let mut a = sample::image();
    for finding in &mut a.findings {
        finding.image = Some(999);
        finding.package = Some(999);
        finding.vulnerability = Some(999);
    }
    for component in &mut a.inventories[0].components {
        component.owner = Some(999);
        component.linked = Some(999);
        component
            .at
            .iter_mut()
            .for_each(|place| place.layer = Some(999));
    }
    a.images[0].placements = vec![999];
    a.sets[0].artifacts.clear();
    for (format, write) in ALL {
        for redact in [false, true] {
            assert!(!written(&a, redact, write).is_empty(), "{format}");
        }
    }
}

/// What `GitLab` asks of a container scanning report, from its published schema 15.0.7 (no registry package ships it, so
/// these rules are kept by hand).
fn gitlab_faults(report: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    let mut demand = |holds: bool, what: &str| {
        if !holds {
            faults.push(what.to_owned());
        }
    };
    let text = |value: &Value| value.as_str().map(ToOwned::to_owned).unwrap_or_default();
    let in_words = |value: &Value, words: &[&str]| words.contains(&text(value).as_str());
    let is_url = |value: &Value| {
        let url = text(value);
        ["https://", "http://", "ftp://"].iter().any(|scheme| {
            url.strip_prefix(scheme)
                .is_some_and(|rest| !rest.is_empty())
        })
    };
    demand(report["version"] == "15.0.7", "version");
    let scan = &report["scan"];
    for tool in ["analyzer", "scanner"] {
        for key in ["id", "name", "version"] {
            demand(!text(&scan[tool][key]).is_empty(), key);
        }
        demand(!text(&scan[tool]["vendor"]["name"]).is_empty(), "vendor");
    }
    demand(scan["type"] == "container_scanning", "type");
    demand(in_words(&scan["status"], &["success", "failure"]), "status");
    for time in ["start_time", "end_time"] {
        let shape: String = text(&scan[time])
            .chars()
            .map(|c| if c.is_ascii_digit() { '9' } else { c })
            .collect();
        demand(shape == "9999-99-99T99:99:99", time);
    }
    for message in scan["messages"].as_array().into_iter().flatten() {
        demand(
            in_words(&message["level"], &["info", "warn", "fatal"]),
            "level",
        );
        demand(!text(&message["value"]).is_empty(), "value of a message");
    }
    demand(report["vulnerabilities"].is_array(), "vulnerabilities");
    let mut ids = BTreeSet::new();
    for one in report["vulnerabilities"].as_array().into_iter().flatten() {
        demand(
            !text(&one["id"]).is_empty() && ids.insert(text(&one["id"])),
            "id",
        );
        demand(
            one["name"].is_string() && text(&one["name"]).chars().count() <= 255,
            "name",
        );
        demand(
            text(&one["description"]).chars().count() <= 1_048_576,
            "description",
        );
        demand(text(&one["solution"]).chars().count() <= 7_000, "solution");
        demand(
            in_words(
                &one["severity"],
                &["Info", "Unknown", "Low", "Medium", "High", "Critical"],
            ),
            "severity",
        );
        let identifiers = one["identifiers"].as_array();
        demand(
            identifiers.is_some_and(|all| !all.is_empty()),
            "identifiers",
        );
        for identifier in identifiers.into_iter().flatten() {
            for key in ["type", "name", "value"] {
                demand(!text(&identifier[key]).is_empty(), key);
            }
            demand(identifier.get("url").is_none_or(is_url), "url");
        }
        if let Some(vectors) = one.get("cvss_vectors") {
            let vectors = vectors.as_array().unwrap();
            demand((1..=10).contains(&vectors.len()), "cvss_vectors");
            for vector in vectors {
                demand(!text(&vector["vendor"]).is_empty(), "vendor of a vector");
                demand(
                    (32..=128).contains(&text(&vector["vector"]).len()),
                    "vector",
                );
            }
        }
        for link in one["links"].as_array().into_iter().flatten() {
            demand(is_url(&link["url"]), "link");
        }
        let location = &one["location"];
        demand(
            location["dependency"]["package"]["name"].is_string(),
            "package",
        );
        demand(
            location["dependency"]["version"].is_string(),
            "version of the package",
        );
        demand(
            !text(&location["operating_system"]).is_empty(),
            "operating_system",
        );
        demand(!text(&location["image"]).is_empty(), "image");
    }
    faults
}

#[test]
fn gitlab_reports_keep_the_schema() {
    for (name, assessment) in samples()
        .into_iter()
        .chain([("large", sample::generated(2_000))])
    {
        let report = parsed(&assessment, gitlab::write);
        assert_eq!(gitlab_faults(&report), Vec::<String>::new(), "{name}");
    }
    // The rules see what is wrong.
    let good = parsed(&sample::image(), gitlab::write);
    for (pointer, wrong, expected) in [
        (
            "/scan/start_time",
            serde_json::json!("2026-11-23T04:00:00Z"),
            "start_time",
        ),
        ("/scan/status", serde_json::json!("done"), "status"),
        (
            "/vulnerabilities/0/identifiers",
            serde_json::json!([]),
            "identifiers",
        ),
        (
            "/vulnerabilities/0/severity",
            serde_json::json!("high"),
            "severity",
        ),
        (
            "/vulnerabilities/0/location/image",
            serde_json::json!(""),
            "image",
        ),
        (
            "/vulnerabilities/0/name",
            serde_json::json!("x".repeat(256)),
            "name",
        ),
        (
            "/vulnerabilities/1/id",
            good["vulnerabilities"][0]["id"].clone(),
            "id",
        ),
    ] {
        let mut bad = good.clone();
        *bad.pointer_mut(pointer).unwrap() = wrong;
        assert_eq!(gitlab_faults(&bad), [expected], "{pointer}");
    }
}

#[test]
fn sarif_of_artifacts_names_the_image_or_the_file() {
    let run = |a: &Assessment| parsed(a, write_sarif)["runs"][0].clone();
    let uri = |run: &Value, at: usize| {
        let location = &run["results"][at]["locations"][0]["physicalLocation"];
        location["artifactLocation"]["uri"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let image = run(&sample::image());
    assert_eq!(uri(&image, 0), "ghcr.io/shop/web");
    let text = image["results"][0]["message"]["text"].as_str().unwrap();
    for part in [
        "libssl3 3.0.11-1~deb12u1",
        "image ghcr.io/shop/web:1.4.2",
        "fixed in 3.0.11-1~deb12u2",
    ] {
        assert!(text.contains(part), "{text}");
    }
    let category = image["automationDetails"]["id"].as_str().unwrap();
    assert!(
        category.starts_with("plimsoll/ghcr.io/shop/web/"),
        "{category}"
    );
    let rootfs = run(&sample::rootfs());
    assert_eq!(uri(&rootfs, 0), "build/rootfs/var/lib/dpkg/status");
    assert_eq!(uri(&rootfs, 3), "build/rootfs/app/app.jar");
}

/// OpenVEX wants at least one statement: nothing is written where there is none, and that is said.
#[test]
fn openvex_without_a_statement_is_refused() {
    let mut clean = sample::clean();
    clean.suppressed.clear();
    clean.unjoined.clear();
    let verdict = sample::failed();
    let mut out = Vec::new();
    let refused = openvex::write(&sample::view(&clean, &verdict), &mut out);
    assert_eq!(refused.unwrap_err().kind(), io::ErrorKind::InvalidInput);
    assert!(out.is_empty());
}
