//! Bad input: a clear error that names the file, bounded memory, nothing half-written.

use crate::runner::{Home, Ran};
use std::fmt::Write as _;

fn report(bytes: impl AsRef<[u8]>) -> Ran {
    let home = Home::new();
    home.write("bad.json", bytes);
    home.run(&["scan", "manifests", "shop/k8s", "--report", "bad.json"])
}

fn manifest(bytes: impl AsRef<[u8]>) -> Ran {
    let home = Home::new();
    home.write("bad.yaml", bytes);
    home.run(&["scan", "manifests", "bad.yaml"])
}

fn shop_report() -> String {
    std::fs::read_to_string(crate::runner::examples().join("reports/trivy.json")).unwrap()
}

#[test]
fn damaged_reports() {
    let whole = shop_report();
    for n in 1..10 {
        report(&whole[..whole.len() * n / 10]).refused("bad.json");
    }
    report("").refused("bad.json");
    report(" \n").refused("bad.json");
    report("{}").refused("bad.json");
    report("{\"a\": 1}").refused("bad.json");
    report("\"text\"").refused("bad.json");
    report("1").refused("bad.json");
    report("[1, 2]").refused("bad.json");
    report("[{\"a\": 1}]").refused("bad.json");
    report("not json").refused("bad.json");
    report("{\"SchemaVersion\": 2, \"Results\": 7}").refused("bad.json");
    report("{\"matches\": \"none\", \"descriptor\": {\"name\": \"grype\"}}").refused("bad.json");
    report(whole.replace("\"Vulnerabilities\": [", "\"Vulnerabilities\": [7, "))
        .refused("bad.json");
    report(format!("{whole} trailing")).refused("bad.json");
    report([0xff, 0xfe, 0x00, 0x01]).refused("bad.json");
    report(vec![0u8; 100_000]).refused("bad.json");
    report("[".repeat(1_000_000)).refused("bad.json");
    report(format!(
        "{}1{}",
        "{\"a\":".repeat(200_000),
        "}".repeat(200_000)
    ))
    .refused("bad.json");
}

#[test]
fn empty_reports_are_not_damaged() {
    report("null").done();
    report("[]").done();
    report("{\"SchemaVersion\": 2, \"ArtifactName\": \"a\", \"ArtifactType\": \"container_image\", \"Results\": null}").done();
    report("{\"matches\": [], \"source\": {\"type\": \"image\", \"target\": {\"userInput\": \"a\"}}, \"descriptor\": {\"name\": \"grype\", \"version\": \"0.80.0\"}}").done();
    report("{\"version\": \"2.1.0\", \"runs\": []}").done();
}

#[test]
fn encodings() {
    let utf16 = |text: &str| -> Vec<u8> {
        [0xfeff]
            .into_iter()
            .chain(text.encode_utf16())
            .flat_map(u16::to_le_bytes)
            .collect()
    };
    report(utf16(&shop_report())).refused("bad.json");
    // A byte order mark in front of UTF-8 is what some shells write.
    report(format!("\u{feff}{}", shop_report())).done();
    let service = "apiVersion: v1\nkind: Service\nmetadata: {name: a}\n";
    // As Kubernetes' own reader does.
    manifest(utf16(service)).done();
    manifest(format!("\u{feff}{service}")).done();
    manifest(b"apiVersion: v1\nkind: Service\nmetadata: {name: \"\xff\xfe\"}\n")
        .refused("bad.yaml");
    manifest("apiVersion: v1\0").refused("bad.yaml");
}

#[test]
fn damaged_manifests() {
    manifest("").refused("bad.yaml");
    manifest("---\n# nothing\n---\n").refused("bad.yaml");
    manifest("a: b").refused("bad.yaml");
    manifest("just text").refused("bad.yaml");
    manifest("a: [1, 2").refused("bad.yaml:");
    manifest("apiVersion: v1\nkind: Pod\n  metadata: {name: a}\n").refused("bad.yaml:");
    manifest("a: *nowhere\n").refused("bad.yaml:1");
    manifest("apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nkind: Secret\n")
        .refused("bad.yaml:4");
    manifest(r#"{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "name": "b"}}"#)
        .refused("bad.yaml:1");
    manifest("[".repeat(1_000_000)).refused("bad.yaml:1");
    manifest("- ".repeat(1_000_000)).refused("bad.yaml:1");
    manifest("{".repeat(1_000_000)).refused("bad.yaml");
}

#[test]
fn inputs_without_an_object() {
    let home = Home::new();
    std::fs::create_dir(home.path("empty")).unwrap();
    home.run(&["scan", "manifests", "empty"]).refused("empty");
    home.run(&["scan", "manifests", "shop/k8s", "--report", "empty"])
        .refused("empty");
    home.run(&["scan", "reports", "--report", "shop/k8s"])
        .refused("shop/k8s");
    home.run(&["scan", "manifests", "shop/reports"])
        .refused("shop/reports");
    home.run_with(&["scan", "manifests", "-"], b"").refused("-");
    home.run_with(&["scan", "manifests", "-"], b"a: b")
        .refused("-");
    home.run_with(
        &["scan", "manifests", "-"],
        b"apiVersion: v1\nkind: Service\nmetadata: {name: a}",
    )
    .done();
    home.run(&["scan", "reports", "--report", "shop/reports"])
        .done();
}

#[test]
fn unreadable_files() {
    let home = Home::new();
    std::fs::create_dir(home.path("folder.json")).unwrap();
    std::os::unix::fs::symlink("nowhere", home.path("dangling.json")).unwrap();
    std::os::unix::fs::symlink("loop.json", home.path("loop.json")).unwrap();
    for name in ["dangling.json", "loop.json"] {
        home.run(&["scan", "manifests", "shop/k8s", "--report", name])
            .refused(name);
        home.run(&["scan", "manifests", name]).refused(name);
        home.run(&["scan", "snapshot", name]).refused(name);
        home.run(&["queue", "--from", name]).refused(name);
        home.run(&["scan", "manifests", "shop/k8s", "--config", name])
            .refused(name);
    }
    for arguments in [
        &["scan", "snapshot", "folder.json"][..],
        &["queue", "--from", "folder.json"],
        &["scan", "manifests", "shop/k8s", "--config", "folder.json"],
        &["scan", "manifests", "shop/k8s", "--output", "folder.json"],
        &["scan", "manifests", "shop/k8s", "--save", "folder.json"],
        &["scan", "manifests", "shop/k8s", "--db", "folder.json"],
    ] {
        home.run(arguments).refused("folder.json");
    }
}

#[test]
fn one_long_line() {
    let line = "a".repeat(50_000_000);
    report(&line).refused("bad.json");
    report(format!("\"{line}\"")).refused("bad.json");
    report(format!("{{\"{line}\": 1}}")).refused("bad.json");
    manifest(&line).refused("bad.yaml");
    report(format!(
        r#"{{"SchemaVersion":2,"ArtifactName":"a","Results":[{{"Target":"{line}"}}]}}"#
    ))
    .sound();
    let ran = manifest(format!(
        "apiVersion: v1\nkind: Service\nmetadata: {{name: \"{line}\"}}"
    ))
    .sound();
    assert!(ran.stdout.len() < 1_000_000, "{}", ran.stdout.len());
}

/// More than a run may map: only what looks before it reads gets past them.
#[test]
fn files_of_three_gigabytes() {
    let home = Home::new();
    let sparse = std::fs::File::create(home.path("huge.json")).unwrap();
    sparse.set_len(3 << 30).unwrap();
    for arguments in [
        &["scan", "manifests", "huge.json"][..],
        &["scan", "reports", "--report", "huge.json"],
        &["scan", "snapshot", "huge.json"],
        &["queue", "--from", "huge.json"],
        &["scan", "manifests", "shop/k8s", "--config", "huge.json"],
        &["scan", "cluster", "--kubeconfig", "huge.json"],
    ] {
        home.run(arguments).refused("huge.json");
    }
}

#[test]
fn yaml_bombs() {
    let mut laughs = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n".to_owned();
    for n in 1..40 {
        let _ = writeln!(
            laughs,
            "a{n}: &a{n} [{}]",
            vec![format!("*a{}", n - 1); 10].join(",")
        );
    }
    manifest(&laughs).refused("bad.yaml:");
    let mut merges = "a0: &a0 {k: v}\n".to_owned();
    for n in 1..40 {
        let _ = writeln!(
            merges,
            "a{n}: &a{n} {{x{n}: *a{0}, y{n}: *a{0}, <<: *a{0}}}",
            n - 1
        );
    }
    manifest(&merges).refused("bad.yaml:");
    let mut anchors = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n".to_owned();
    for n in 0..300_000 {
        let _ = writeln!(anchors, "  k{n}: &a{n} v");
    }
    manifest(&anchors).sound();
}

#[test]
fn owners_in_a_circle() {
    let owned = |kind: &str, by: &str| {
        format!(
            "apiVersion: apps/v1\nkind: {kind}\nmetadata:\n  name: {kind}\n  namespace: n\n  uid: u-{kind}\n  ownerReferences:\n  \
             - {{apiVersion: apps/v1, kind: {by}, name: {by}, uid: u-{by}, controller: true}}\nspec:\n  template:\n    spec:\n      \
             containers: [{{name: c, image: i}}]\n---\n"
        )
    };
    let pod = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: Pod\n  namespace: n\n  ownerReferences:\n  - {apiVersion: v1, kind: Pod, \
               name: Pod, uid: u, controller: true}\nspec:\n  containers: [{name: c, image: j}]\n";
    let circle = owned("Deployment", "ReplicaSet")
        + &owned("ReplicaSet", "StatefulSet")
        + &owned("StatefulSet", "Deployment")
        + pod;
    manifest(circle).done();
}

/// The same object in two files is a usual mistake; what was saved of it must be readable.
#[test]
fn the_same_object_twice() {
    let home = Home::new();
    let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: c, image: i}]}\n";
    home.write("twice/a.yaml", format!("{pod}---\n{pod}"));
    home.write("twice/b.yaml", pod);
    home.run(&["scan", "manifests", "twice", "--save", "s"])
        .done();
    home.run(&["queue", "--from", "s"]).done();
}

#[test]
fn bad_configuration() {
    let home = Home::new();
    for text in [
        "workloads: 7",
        "unknown: 1",
        "workloads: [",
        "a: &a [*a]",
        "workloads:\n- match: {namespaces: [a]}\n  criticality: huge",
    ] {
        home.write("bad.yaml", text);
        home.run(&["scan", "manifests", "shop/k8s", "--config", "bad.yaml"])
            .refused("bad.yaml");
    }
    home.write("kube", "clusters: [");
    home.run(&["scan", "cluster", "--kubeconfig", "kube"])
        .refused("kube");
}

#[test]
fn nothing_is_half_written() {
    let home = Home::new();
    home.write("cut.json", &shop_report()[..5000]);
    home.write("split/old.sarif", "old");
    let write = ["--output", "out", "--save", "save"];
    for failing in [
        &["--report", "cut.json"][..],
        &["--config", "cut.json"],
        &["--db", "nowhere"],
        &["--fail-on", "nonsense"],
        &["--sarif-split", "split"],
    ] {
        home.write("out", "old");
        home.write("save", "old");
        home.run(&[&["scan", "manifests", "shop/k8s"], failing, &write].concat())
            .sound();
        assert_eq!(
            (home.read("out"), home.read("save")),
            (b"old".to_vec(), b"old".to_vec()),
            "{failing:?}"
        );
    }
    assert!(!home.path("state/plimsoll/last.plimsoll").exists());
    home.run(&["db", "build", "--from", "shop/k8s", "--output", "db"])
        .refused("shop/k8s");
    assert!(!home.path("db").exists());
    let hidden = |folder: &str| {
        let names = std::fs::read_dir(home.path(folder))
            .unwrap()
            .map(|entry| entry.unwrap().file_name());
        names
            .filter(|name| name.to_string_lossy().starts_with('.'))
            .count()
    };
    assert_eq!(hidden("") + hidden("split"), 0);
}

/// A failed build leaves the database that was there.
#[test]
fn a_failed_build_keeps_the_old_database() {
    let home = Home::new();
    home.run(&["db", "build", "--from", "shop/feeds", "--output", "db"])
        .done();
    let before = home.read("db/scores.plimsoll");
    home.write(
        "feeds/kev/known_exploited_vulnerabilities.json",
        "{\"vulnerabilities\": 7",
    );
    home.run(&["db", "build", "--from", "feeds", "--output", "db"])
        .refused("known_exploited_vulnerabilities.json");
    assert_eq!(home.read("db/scores.plimsoll"), before);
    home.run(&["db", "status", "--db", "db", "--verify"]).done();
}
