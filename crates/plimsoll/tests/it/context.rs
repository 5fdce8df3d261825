//! `scan image` with a registry that runs: newer bases are scanned and claimed, attached VEX is told and believed only on
//! demand; and with the bundle of a cluster.

use crate::runner::Home;
use base64::Engine as _;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::fs;
use testkit::registry::Registry;

const RELEASE: &str = "ID=debian\nVERSION_ID=\"12\"\nVERSION_CODENAME=bookworm\n";

/// Files of a layer as a tar.
fn layer(files: &[(&str, &str)]) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    for (path, text) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        header.set_cksum();
        tar.append_data(&mut header, path, text.as_bytes()).unwrap();
    }
    tar.into_inner().unwrap()
}

fn status(packages: &[(&str, &str, &str)]) -> String {
    let mut text = String::new();
    for (name, source, version) in packages {
        let _ = write!(
            text,
            "Package: {name}\nStatus: install ok installed\nArchitecture: amd64\nSource: {source}\nVersion: {version}\n\n"
        );
    }
    text
}

fn base(openssl: &str, zlib: &str) -> Vec<u8> {
    layer(&[
        ("etc/os-release", RELEASE),
        (
            "var/lib/dpkg/status",
            &status(&[("libssl3", "openssl", openssl), ("zlib1g", "zlib", zlib)]),
        ),
    ])
}

/// Advisories of Debian 12: two of openssl, one of zlib that starts late, one of curl.
fn feeds(home: &Home) -> String {
    let folder = home.path("feeds/osv/Debian");
    fs::create_dir_all(&folder).unwrap();
    let file = fs::File::create(folder.join("all.zip")).unwrap();
    let mut zip = zip::ZipWriter::new(file);
    for (n, package, introduced, fixed) in [
        (1, "openssl", "0", "3.0.13-1~deb12u1"),
        (2, "openssl", "0", "3.0.15-1~deb12u1"),
        (3, "zlib", "1:1.3", "1:1.9"),
        (4, "curl", "0", "8.0"),
    ] {
        let record = json!({
            "id": format!("DEBIAN-CVE-2024-000{n}"), "upstream": [format!("CVE-2024-000{n}")],
            "modified": "2024-01-01T00:00:00Z",
            "affected": [{"package": {"ecosystem": "Debian:12", "name": package},
                "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": introduced}, {"fixed": fixed}]}]}],
        });
        let options = zip::write::SimpleFileOptions::default();
        zip.start_file(format!("DEBIAN-CVE-2024-000{n}.json"), options)
            .unwrap();
        std::io::Write::write_all(&mut zip, record.to_string().as_bytes()).unwrap();
    }
    zip.finish().unwrap();
    home.path("feeds").to_str().unwrap().to_owned()
}

/// An old base, an application on it that installed curl itself, and newer bases: one of the same release, one of the next.
fn shop(registry: &Registry) -> String {
    let old = base("3.0.11-1~deb12u1", "1:1.2.13");
    registry.image(
        "debian",
        Some("12.5-slim"),
        std::slice::from_ref(&old),
        &json!({}),
    );
    registry.image(
        "debian",
        Some("12.11-slim"),
        &[base("3.0.13-1~deb12u1", "1:1.2.13")],
        &json!({}),
    );
    registry.image(
        "debian",
        Some("13.1-slim"),
        &[base("3.0.15-1~deb12u1", "1:1.3")],
        &json!({}),
    );
    registry.image(
        "debian",
        Some("12.11"),
        &[base("3.0.15-1~deb12u1", "1:1.2.13")],
        &json!({}),
    );
    let own = status(&[
        ("libssl3", "openssl", "3.0.11-1~deb12u1"),
        ("zlib1g", "zlib", "1:1.2.13"),
        ("curl", "curl", "7.88"),
    ]);
    let app = layer(&[("var/lib/dpkg/status", &own)]);
    let name = format!("{}/debian:12.5-slim", registry.host);
    let labels = json!({"config": {"Labels": {"org.opencontainers.image.base.name": name}}});
    registry.image("app", Some("1"), &[old, app], &labels)
}

#[test]
fn a_newer_base_is_scanned_and_what_it_closes_is_claimed() {
    let Some(registry) = Registry::start() else {
        return;
    };
    let home = Home::new();
    let from = feeds(&home);
    assert_eq!(home.run(&["db", "build", "--from", &from]).code, 0);
    shop(&registry);
    let app = format!("{}/app:1", registry.host);
    let insecure = ["--insecure-registry", &registry.host];
    let scan = |more: &[&str]| {
        let mut all = vec!["scan", "image", &app];
        all.extend(insecure);
        all.extend(more);
        home.run(&all).sound()
    };
    let ran = scan(&["--suggest-base", "--format", "json"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let report: Value = serde_json::from_slice(&ran.stdout).unwrap();
    let actions = report["actions"].as_array().unwrap();
    let of_base = actions
        .iter()
        .find(|one| one["title"].as_str().unwrap().contains("12.11-slim"))
        .expect("an action that names the newer base");
    assert_eq!(of_base["certainty"], "verified");
    // It has the first fix of openssl and not the second; curl is the application's own.
    assert_eq!(
        of_base["closes"].as_array().unwrap().len(),
        1,
        "{of_base:#}"
    );
    let exact: Vec<&str> = of_base["do"]
        .as_array()
        .unwrap()
        .iter()
        .map(|l| l.as_str().unwrap())
        .collect();
    assert!(
        exact[0].starts_with(&format!("FROM {}/debian:12.11-slim@sha256:", registry.host)),
        "{exact:?}"
    );
    let other = exact
        .iter()
        .find(|line| line.contains("ANOTHER MAJOR"))
        .unwrap();
    assert!(
        other.contains("closes 2")
            && other.contains("brings 1 vulnerability")
            && other.contains("ANOTHER MAJOR"),
        "{other}"
    );
    assert!(
        !exact.iter().any(|line| line.contains("12.11@")),
        "another variant: {exact:?}"
    );
    // A person sees it too.
    let table = scan(&["--suggest-base"]).text();
    assert!(
        table.contains("FROM ") && table.contains("12.11-slim@sha256:"),
        "{table}"
    );
    // Without being asked, nothing is looked for.
    let plain = scan(&["--format", "json"]);
    let report: Value = serde_json::from_slice(&plain.stdout).unwrap();
    assert!(!report["actions"].to_string().contains("12.11"));
}

#[test]
fn a_base_that_nothing_names_is_said() {
    let Some(registry) = Registry::start() else {
        return;
    };
    let home = Home::new();
    let from = feeds(&home);
    assert_eq!(home.run(&["db", "build", "--from", &from]).code, 0);
    registry.image(
        "bare",
        Some("1"),
        &[base("3.0.11-1~deb12u1", "1:1.2.13")],
        &json!({}),
    );
    let bare = format!("{}/bare:1", registry.host);
    let insecure = ["--insecure-registry", &registry.host];
    let ask = |more: &[&str]| {
        let mut all = vec!["scan", "image", &bare, "--suggest-base"];
        all.extend(insecure);
        all.extend(more);
        let ran = home.run(&all).sound();
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        ran.text()
    };
    let table = ask(&[]);
    assert!(table.contains("nothing says which base"), "{table}");
    let gone = format!("{}/gone:1", registry.host);
    let table = ask(&["--base", &gone]);
    assert!(table.contains("is unknown"), "{table}");
}

fn statement(product: &str, id: &str) -> Value {
    json!({
        "@context": "https://openvex.dev/ns/v0.2.0", "@id": "https://example.com/vex/1",
        "author": "whoever pushed", "timestamp": "2026-08-01T00:00:00Z", "version": 1,
        "statements": [{"vulnerability": {"name": id}, "products": [{"@id": product}],
            "status": "not_affected", "justification": "vulnerable_code_not_present"}],
    })
}

#[test]
fn attached_vex_is_told_and_takes_nothing_out_unless_it_is_trusted() {
    let Some(registry) = Registry::start() else {
        return;
    };
    let home = Home::new();
    let from = feeds(&home);
    assert_eq!(home.run(&["db", "build", "--from", &from]).code, 0);
    let digest = shop(&registry);
    let hex = digest.strip_prefix("sha256:").unwrap();
    let product = format!("pkg:oci/app@sha256%3A{hex}");
    let attestation = json!({
        "_type": "https://in-toto.io/Statement/v0.1",
        "predicateType": "https://openvex.dev/ns/v0.2.0",
        "subject": [{"name": "app", "digest": {"sha256": hex}}],
        "predicate": statement(&product, "CVE-2024-0001"),
    });
    // As cosign attests: an envelope in a layer of the tag `sha256-<hex>.att`.
    let payload = base64::engine::general_purpose::STANDARD.encode(attestation.to_string());
    let envelope = json!({"payloadType": "application/vnd.in-toto+json", "payload": payload, "signatures": []});
    let envelope = envelope.to_string().into_bytes();
    let config = b"{}";
    let manifest = json!({
        "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "size": config.len(), "digest": registry.blob("app", config)},
        "layers": [{"mediaType": "application/vnd.dsse.envelope.v1+json", "size": envelope.len(),
            "digest": registry.blob("app", &envelope)}],
    });
    registry.manifest("app", Some(&format!("sha256-{hex}.att")), &manifest);
    let app = format!("{}/app:1", registry.host);
    let scan = |more: &[&str]| {
        let mut all = vec![
            "scan",
            "image",
            &app,
            "--insecure-registry",
            &registry.host,
            "--format",
            "json",
        ];
        all.extend(more);
        let ran = home.run(&all).sound();
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        serde_json::from_slice::<Value>(&ran.stdout).unwrap()
    };
    let open = |report: &Value| report["findings"].as_array().unwrap().len();
    let plain = scan(&[]);
    assert!(!plain.to_string().contains("vex-attached"));
    let told = scan(&["--registry-vex"]);
    assert_eq!(open(&told), open(&plain));
    assert!(
        told.to_string().contains("would take out 1 finding"),
        "{:#}",
        told["gaps"]
    );
    assert!(
        told["findings"]
            .to_string()
            .contains("came with the image and takes nothing out")
    );
    let trusted = scan(&["--trust-attached-vex"]);
    assert_eq!(open(&trusted), open(&plain) - 1);
    assert!(
        trusted["suppressed"]
            .to_string()
            .contains("attached to the image")
    );
}

/// A Deployment that is published, and a Job that nobody reaches, of two repositories.
const OBJECTS: &str = r#"
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - {name: web, image: "HOST/app:0", ports: [{containerPort: 80}], securityContext: {privileged: true}}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {type: LoadBalancer, selector: {app: web}, ports: [{port: 80}]}
"#;

#[test]
fn the_gate_of_an_image_knows_the_cluster() {
    let Some(registry) = Registry::start() else {
        return;
    };
    let home = Home::new();
    let from = feeds(&home);
    assert_eq!(home.run(&["db", "build", "--from", &from]).code, 0);
    shop(&registry);
    let objects = home.path("web.yaml");
    fs::write(&objects, OBJECTS.replace("HOST", &registry.host)).unwrap();
    let bundle = home.path("cluster.plimsoll");
    let (objects, bundle) = (objects.to_str().unwrap(), bundle.to_str().unwrap());
    let ran = home.run(&[
        "scan",
        "manifests",
        objects,
        "--save",
        bundle,
        "--cluster-name",
        "harbour",
    ]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let app = format!("{}/app:1", registry.host);
    let scan = |more: &[&str]| {
        let mut all = vec!["scan", "image", &app, "--insecure-registry", &registry.host];
        all.extend(more);
        home.run(&all).sound()
    };
    let top = |text: &[u8]| {
        let report: Value = serde_json::from_slice(text).unwrap();
        let scores = report["findings"].as_array().unwrap().iter();
        let points = scores.map(|f| f["score"]["points"].as_f64().unwrap_or(0.0));
        points.fold(0.0, f64::max)
    };
    let alone = top(&scan(&["--format", "json"]).stdout);
    let here = top(&scan(&["--format", "json", "--as-deployed", bundle]).stdout);
    assert!(here > alone + 5.0, "{here} and {alone}");
    let table = scan(&["--as-deployed", bundle]).text();
    assert!(
        table.contains("judged as deployed in cluster harbour of 2026-08-16"),
        "{table}"
    );
    // A gate between the two scores lets the image pass alone and stops it where it would run.
    let gate = format!("score>={}", f64::midpoint(here, alone));
    let gate = [
        "--fail-on",
        &gate,
        "--allow-unknown",
        "--max-db-age",
        "3650",
    ];
    let ran = scan(&gate);
    assert_ne!(ran.code, 1, "{}", ran.text());
    let mut deployed = gate.to_vec();
    deployed.extend(["--as-deployed", bundle]);
    let ran = scan(&deployed);
    assert_eq!(ran.code, 1, "{}", ran.text());
    // Known from before: nothing is new.
    let before = home.path("before.json");
    let before = before.to_str().unwrap();
    assert_eq!(scan(&["--format", "json", "--output", before]).code, 0);
    deployed.extend(["--baseline", before]);
    let ran = scan(&deployed);
    assert_ne!(ran.code, 1, "{}", ran.text());
    // What is no bundle of a cluster is a mistake.
    let ran = scan(&["--as-deployed", before]);
    assert_eq!(ran.code, 2, "{}", ran.stderr);
}
