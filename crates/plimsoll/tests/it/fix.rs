//! `plimsoll fix`: what is written, what stays, what is refused.

use crate::runner::Home;
use serde_json::Value;

/// Comments, quotes, flow style and blank lines that must stay.
const CROOKED: &str = "\
# the shop's front
apiVersion: v1   # core
kind: Pod
metadata: {name: \"front\", namespace: shop}
spec:
  containers:

  - name: web
    image: 'registry.example/web:1'
    securityContext: {privileged: true, runAsUser: 1000}   # why?
---
apiVersion: v1
kind: Pod
metadata:
    name: other
    namespace: shop
spec:
    hostPID: true
    containers:
        - {name: c, image: registry.example/c:1, securityContext: {runAsNonRoot: true}}
";

fn plan(home: &Home, arguments: &[&str], code: u8) -> Value {
    let ran = home
        .run(&[&["fix"], arguments, &["--format", "json"]].concat())
        .sound();
    assert_eq!(ran.code, i32::from(code), "{arguments:?}: {}", ran.stderr);
    serde_json::from_slice(&ran.stdout).unwrap()
}

fn closed(plan: &Value) -> Vec<&str> {
    let changes = plan["changes"].as_array().unwrap().iter();
    let closes = changes.flat_map(|change| change["closes"].as_array().unwrap());
    closes.map(|one| one["name"].as_str().unwrap()).collect()
}

#[test]
fn files_are_changed_where_they_must_and_nowhere_else() {
    let home = Home::new();
    home.write("k/pods.yaml", CROOKED);
    let names = ["host-pid", "privileged-container", "--manifests", "k"];
    // Somebody may look at the node's processes: that change is told, and taken only where it is asked for.
    let told = plan(&home, &names, 1);
    assert_eq!(closed(&told), ["privileged-container"]);
    assert_eq!(told["left"][0]["finding"]["name"], "host-pid");
    let asked = [&names[..], &["--class", "breaking"]].concat();
    let told = plan(&home, &asked, 0);
    assert_eq!(closed(&told), ["privileged-container", "host-pid"]);
    let changes = told["changes"].as_array().unwrap();
    for (change, class) in changes.iter().zip(["needs-test", "breaking"]) {
        assert_eq!(change["file"], "k/pods.yaml");
        assert_eq!(change["class"], class);
    }
    // A look changes nothing.
    assert_eq!(home.read("k/pods.yaml"), CROOKED.as_bytes());
    let diff = home.run(&[&["fix"], &asked[..]].concat()).sound().text();
    assert!(
        diff.contains("--- a/k/pods.yaml\n+++ b/k/pods.yaml\n"),
        "{diff}"
    );
    assert!(diff.contains("# Pod shop/front: needs test"), "{diff}");
    let ran = home
        .run(&[&["fix"], &asked[..], &["--write"]].concat())
        .sound();
    assert!(ran.stdout.is_empty() && ran.stderr.contains("1 files written"));
    let after = String::from_utf8(home.read("k/pods.yaml")).unwrap();
    for kept in [
        "# the shop's front\napiVersion: v1   # core\n",
        "metadata: {name: \"front\", namespace: shop}\n",
        "  containers:\n\n  - name: web\n    image: 'registry.example/web:1'\n",
        "# why?\n---\napiVersion: v1\nkind: Pod\nmetadata:\n    name: other\n",
    ] {
        assert!(after.contains(kept), "{kept}\n{after}");
    }
    assert!(after.contains("privileged: false"), "{after}");
    assert!(!after.contains("hostPID: true"), "{after}");
    // What was mended is not found, and nothing is left to do.
    let again = plan(&home, &asked, 0);
    assert!(closed(&again).is_empty() && again["left"] == Value::Array(Vec::new()));
}

#[test]
fn what_has_no_change_says_why() {
    let home = Home::new();
    let told = plan(&home, &["--all", "--manifests", "shop/k8s"], 1);
    let left = told["left"].as_array().unwrap();
    assert!(!left.is_empty());
    for one in left {
        assert!(
            one["why"].as_str().is_some_and(|why| why.len() > 10),
            "{one}"
        );
        assert!(!one["advice"].as_str().unwrap().is_empty(), "{one}");
    }
    // Somebody would notice these: they are only taken when they are asked for.
    let of = |plan: &Value, class: &str| {
        let changes = plan["changes"].as_array().unwrap().iter();
        changes.filter(|change| change["class"] == class).count()
    };
    assert_eq!(of(&told, "breaking"), 0);
    let heavy = ["--all", "--class", "breaking", "--manifests", "shop/k8s"];
    assert!(of(&plan(&home, &heavy, 1), "breaking") > 0);
}

#[test]
fn one_object_is_mended_alone() {
    let home = Home::new();
    let told = plan(
        &home,
        &["Deployment shop/storefront", "--manifests", "shop/k8s"],
        1,
    );
    for change in told["changes"].as_array().unwrap() {
        assert_eq!(change["object"]["name"], "storefront");
    }
    assert!(closed(&told).contains(&"privileged-container"));
    let same = plan(&home, &["shop/storefront", "--manifests", "shop/k8s"], 1);
    assert_eq!(told["changes"], same["changes"]);
}

#[test]
fn wrong_calls() {
    let home = Home::new();
    home.run(&["fix", "--manifests", "shop/k8s"])
        .refused("--all");
    home.run(&["fix", "no-such-check", "--manifests", "shop/k8s"])
        .refused("no-such-check");
    home.run(&["fix", "--profile", "cis-7", "--manifests", "shop/k8s"])
        .refused("cis-7");
    // A template of a chart is not a manifest.
    home.write(
        "t.yaml",
        "apiVersion: v1\nkind: Pod\nmetadata: {name: {{ .Values.name }}}\n",
    );
    let ran = home.run(&["fix", "--all", "--manifests", "t.yaml"]).sound();
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    assert!(ran.stderr.contains("not seen: "), "{}", ran.stderr);
}
