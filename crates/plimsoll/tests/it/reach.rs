//! `plimsoll reach`: single questions, all connections, differences, and names that want to be something else.

use crate::runner::{Home, Ran};
use serde_json::Value;

const SHOP: &str = r"
apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: c, image: web:1, ports: [{containerPort: 8080}]}]}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db, namespace: shop}
spec:
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec: {containers: [{name: c, image: db:1, ports: [{containerPort: 5432}]}]}
";

const POLICY: &str = r"
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: db, namespace: shop}
spec:
  podSelector: {matchLabels: {app: db}}
  ingress:
  - from: [{podSelector: {matchLabels: {app: web}}}]
    ports: [{port: 5432}]
";

fn home() -> Home {
    let home = Home::new();
    home.write("open/shop.yaml", SHOP);
    home.write("closed/shop.yaml", SHOP);
    home.write("closed/policy.yaml", POLICY);
    home.write("enforced.yaml", "network: {enforced: true}\n");
    home
}

fn ask(home: &Home, more: &[&str]) -> Ran {
    let mut arguments = vec!["reach", "--config", "enforced.yaml"];
    arguments.extend(more);
    home.run(&arguments).sound()
}

#[test]
fn one_question() {
    let home = home();
    for (from, to, port, code, says) in [
        (
            "shop/web",
            "shop/db",
            Some("5432"),
            0,
            "yes: shop/web[Deployment] reaches shop/db[StatefulSet] on TCP 5432",
        ),
        ("shop/web", "shop/db", Some("UDP/5432"), 1, "no: "),
        (
            "shop/web",
            "db",
            None,
            0,
            "ingress[0] of NetworkPolicy shop/db allows TCP 5432",
        ),
        (
            "shop/db",
            "shop/web",
            None,
            0,
            "no policy selects it for ingress",
        ),
        ("internet", "shop/db", None, 1, "no rule allows internet"),
        (
            "203.0.113.7",
            "shop/web[Deployment]",
            Some("TCP/8080"),
            0,
            "yes: ",
        ),
        ("10.0.0.0/8", "shop/db", None, 1, "no: "),
    ] {
        let mut arguments = vec![from, to, "--manifests", "closed"];
        arguments.extend(port.map(|port| ["--port", port]).into_iter().flatten());
        let ran = ask(&home, &arguments);
        assert_eq!(ran.code, code, "{from} {to}: {}", ran.stderr);
        let text = ran.text();
        assert!(text.contains(says), "{from} {to}: {text}");
    }
}

#[test]
fn nothing_is_closed_by_what_nobody_enforces() {
    let home = home();
    let ran = home.run(&["reach", "internet", "shop/db", "--manifests", "closed"]);
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    assert!(ran.text().starts_with("unknown: "), "{}", ran.text());
    home.write("no.yaml", "network: {enforced: false}\n");
    let ran = home.run(&[
        "reach",
        "internet",
        "shop/db",
        "--manifests",
        "closed",
        "--config",
        "no.yaml",
    ]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
}

#[test]
fn wrong_questions() {
    let home = home();
    for (arguments, says) in [
        (
            &["shop/wob", "shop/db"][..],
            "nothing in it is called shop/wob",
        ),
        (
            &["shop/web", "shop/db", "--port", "http"],
            "expected a port",
        ),
        (&["shop/web", "shop/db", "--port", "0"], "expected a port"),
        (&[], "reach needs FROM and TO"),
    ] {
        let mut all = arguments.to_vec();
        all.extend(["--manifests", "closed"]);
        let ran = ask(&home, &all);
        assert_eq!(ran.code, 2, "{arguments:?}");
        assert!(ran.stderr.contains(says), "{arguments:?}: {}", ran.stderr);
    }
}

#[test]
fn all_connections_in_each_form() {
    let home = home();
    let text = ask(&home, &["--all", "--exposure", "--manifests", "closed"])
        .done()
        .text();
    for line in [
        "shop/web[Deployment] => shop/db[StatefulSet] : TCP 5432\n",
        "0.0.0.0-255.255.255.255[External] => shop/web[Deployment] : All Connections\n",
        "shop/web[Deployment] <= entire-cluster : All Connections\n",
        "shop/web[Deployment] is not protected on Ingress\n",
    ] {
        assert!(text.contains(line), "{line}{text}");
    }
    assert!(!text.contains("External] => shop/db"), "{text}");
    let json = ask(
        &home,
        &["--all", "--manifests", "closed", "--format", "json"],
    )
    .done();
    let json: Value = serde_json::from_slice(&json.stdout).unwrap();
    let pair =
        |c: &&Value| c["src"] == "shop/web[Deployment]" && c["dst"] == "shop/db[StatefulSet]";
    let found = json["connections"]
        .as_array()
        .unwrap()
        .iter()
        .find(pair)
        .unwrap();
    assert_eq!(found["conn"], "TCP 5432");
    let dot = ask(
        &home,
        &["--all", "--manifests", "closed", "--format", "dot"],
    )
    .done()
    .text();
    assert!(
        dot.starts_with("digraph reach {\n") && dot.ends_with("}\n"),
        "{dot}"
    );
    assert!(
        dot.contains(r#""shop/web[Deployment]" -> "shop/db[StatefulSet]" [label="TCP 5432"]"#),
        "{dot}"
    );
}

#[test]
fn what_a_change_opens_and_closes() {
    let home = home();
    let text = ask(&home, &["--diff", "closed", "open"]).done().text();
    assert!(
        text.contains(
            "+ 0.0.0.0-255.255.255.255[External] => shop/db[StatefulSet] : All Connections"
        ),
        "{text}"
    );
    assert!(
        text.contains(
            "~ shop/web[Deployment] => shop/db[StatefulSet] : TCP 5432 -> All Connections"
        ),
        "{text}"
    );
    let same = ask(&home, &["--diff", "open", "open"]).done().text();
    assert!(
        same.contains("0 opened, 0 closed, 0 on other ports"),
        "{same}"
    );
}

#[test]
fn hostile_names_stay_names() {
    let home = home();
    let name = r#"web\"];evil[label=\"x"#;
    let objects = SHOP.replace("name: web,", &format!("name: \"{name}\\u001b[31m\","));
    home.write("hostile/shop.yaml", objects);
    let dot = ask(
        &home,
        &["--all", "--manifests", "hostile", "--format", "dot"],
    )
    .done()
    .text();
    for line in dot.lines() {
        assert!(!line.contains('\u{1b}'), "{line}");
        // Outside of strings nothing of the name is left.
        let mut outside = String::new();
        let (mut inside, mut escaped) = (false, false);
        for c in line.chars() {
            match c {
                _ if escaped => escaped = false,
                '\\' if inside => escaped = true,
                '"' => inside = !inside,
                c if !inside => outside.push(c),
                _ => {}
            }
        }
        assert!(!inside && !outside.contains("evil"), "{line}");
    }
}
