//! `plimsoll export netpol`: what values name becomes policies, values stay unsaid, the engine agrees with what is written.

use crate::runner::Home;
use serde_json::Value;

/// A web that names its peers in many ways, an api with them in a ConfigMap, and a spy.
const OBJECTS: &str = r#"
apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: v1
kind: Namespace
metadata: {name: infra}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web, version: "7"}}
    spec:
      automountServiceAccountToken: false
      containers:
      - name: web
        image: web:1
        args: ["--cache=redis://:hunter2canary@cache.infra:6379/0", "--verbose"]
        env:
        - {name: API_URL, value: "http://api/v1?key=querycanary"}
        - {name: DB_HOST, value: db.infra.svc.cluster.local}
        - {name: DB_PORT, value: "5433"}
        - {name: DB_PASSWORD, value: spy}
        - {name: PAY, value: "https://pay.example.com/canarypath"}
        - {name: TOKEN_URL, valueFrom: {secretKeyRef: {name: s, key: k}}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: api, namespace: shop}
spec:
  selector: {matchLabels: {app: api}}
  template:
    metadata: {labels: {app: api}}
    spec:
      automountServiceAccountToken: false
      containers:
      - name: api
        image: api:1
        ports: [{containerPort: 8080, name: http}]
        envFrom: [{configMapRef: {name: settings}}]
---
apiVersion: v1
kind: ConfigMap
metadata: {name: settings, namespace: shop}
data: {BROKERS: "mq.infra:5672", LEVEL: info}
---
apiVersion: v1
kind: Service
metadata: {name: api, namespace: shop}
spec: {selector: {app: api}, ports: [{port: 80, targetPort: http}]}
---
apiVersion: v1
kind: Service
metadata: {name: spy, namespace: shop}
spec: {selector: {app: spy}, ports: [{port: 80}]}
"#;

const PEERS: [(&str, u16); 3] = [("cache", 6379), ("db", 5433), ("mq", 5672)];

fn peers() -> String {
    let peer = |(name, port): &(&str, u16)| {
        format!(
            "---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {name}, namespace: infra}}\nspec:\n  \
             selector: {{matchLabels: {{app: {name}}}}}\n  template:\n    metadata: {{labels: {{app: {name}}}}}\n    \
             spec: {{automountServiceAccountToken: false, containers: [{{name: c, image: x:1, ports: [{{containerPort: {port}}}]}}]}}\n\
             ---\napiVersion: v1\nkind: Service\nmetadata: {{name: {name}, namespace: infra}}\nspec: {{selector: {{app: {name}}}, \
             ports: [{{port: {port}}}]}}\n"
        )
    };
    PEERS.iter().map(peer).collect()
}

fn home() -> Home {
    let home = Home::new();
    home.write("k8s/a.yaml", OBJECTS);
    home.write("k8s/b.yaml", peers());
    home
}

/// Whether one workload gets to another, by `reach --all`.
fn conn(home: &Home, from: &str, to: &str) -> Option<String> {
    let text = home
        .run(&["reach", "--all", "--format", "json", "--manifests", "k8s"])
        .done()
        .text();
    let all: Value = serde_json::from_str(&text).unwrap();
    let found = all["connections"].as_array().unwrap().iter().find(|c| {
        let is = |key: &str, name: &str| c[key].as_str().unwrap().starts_with(&format!("{name}["));
        is("src", from) && is("dst", to)
    });
    found.map(|c| c["conn"].as_str().unwrap().to_owned())
}

#[test]
fn the_shop() {
    let home = Home::new();
    let ran = home.run(&["export", "netpol", "shop/k8s"]).done();
    insta::assert_snapshot!("shop", format!("{}\n{}", ran.text(), ran.stderr));
}

#[test]
fn what_values_name_is_let_through_and_nothing_else() {
    let home = home();
    let ran = home
        .run(&["export", "netpol", "k8s", "-o", "k8s/policies.yaml"])
        .done();
    assert!(
        ran.stderr.contains("all of them still pass; 2 unknown"),
        "{}",
        ran.stderr
    );
    for (from, to, ports) in [
        ("shop/web", "shop/api", Some("TCP 8080")),
        ("shop/web", "infra/cache", Some("TCP 6379")),
        ("shop/web", "infra/db", Some("TCP 5433")),
        ("shop/web", "infra/mq", None),
        ("shop/api", "infra/mq", Some("TCP 5672")),
        ("shop/api", "shop/web", None),
        ("shop/api", "infra/db", None),
        ("infra/mq", "infra/db", None),
        ("infra/db", "shop/web", None),
    ] {
        assert_eq!(conn(&home, from, to).as_deref(), ports, "{from} to {to}");
    }
    let yaml = String::from_utf8(home.read("k8s/policies.yaml")).unwrap();
    for (place, why) in [
        (
            "/spec/template/spec/containers/0/env/0/value",
            "API_URL names Service shop/api",
        ),
        (
            "/spec/template/spec/containers/0/args/0",
            "--cache names Service infra/cache",
        ),
        (
            "(ConfigMap shop/settings /data/BROKERS)",
            "BROKERS names Service infra/mq",
        ),
    ] {
        let line = yaml.lines().find(|line| line.contains(why)).unwrap();
        assert!(
            line.trim_start().starts_with('#') && line.contains(place),
            "{line}"
        );
    }
    assert!(
        yaml.contains("PAY names a host that is no Service, port 443"),
        "{yaml}"
    );
    assert!(yaml.contains("TOKEN_URL is a value of Secret s"), "{yaml}");
    assert!(
        !yaml.contains("\"version\""),
        "the selector's labels alone: {yaml}"
    );
    assert!(
        !yaml.contains("names Service shop/spy"),
        "a password names no Service: {yaml}"
    );
}

#[test]
fn values_stay_unsaid() {
    let home = home();
    home.run(&["scan", "manifests", "k8s", "--save", "s.plimsoll"])
        .done();
    home.run(&["scan", "manifests", "k8s"]).done();
    let outputs = [
        home.run(&["export", "netpol", "k8s"]).done(),
        home.run(&["export", "netpol", "--from", "s.plimsoll"])
            .done(),
        home.run(&["export", "netpol"]).done(),
    ];
    assert_eq!(outputs[0].text(), outputs[1].text());
    assert_eq!(outputs[0].text(), outputs[2].text());
    for ran in outputs {
        for canary in ["hunter2canary", "querycanary", "canarypath", "pay.example"] {
            assert!(
                !ran.text().contains(canary) && !ran.stderr.contains(canary),
                "{canary}"
            );
        }
    }
}

#[test]
fn an_export_after_an_export_is_the_same() {
    let home = home();
    let first = home.run(&["export", "netpol", "k8s"]).done().text();
    home.write("k8s/policies.yaml", &first);
    assert_eq!(home.run(&["export", "netpol", "k8s"]).done().text(), first);
    // What is declared later is opened, although the old export denies it.
    let more = OBJECTS.replace(
        "{name: PAY, value: \"https://pay.example.com/canarypath\"}",
        "{name: MQ, value: mq.infra}",
    );
    home.write("k8s/a.yaml", more);
    let again = home.run(&["export", "netpol", "k8s"]).done().text();
    assert!(again.contains("MQ names Service infra/mq"), "{again}");
    home.write("k8s/policies.yaml", &again);
    assert_eq!(
        conn(&home, "shop/web", "infra/mq").as_deref(),
        Some("TCP 5672")
    );
}

#[test]
fn what_is_asked_wrongly_is_refused() {
    let home = home();
    home.run(&["export", "netpol", "k8s", "-n", "kube-system"])
        .refused("kube-system");
    home.run(&["export", "netpol", "k8s", "-n", "nowhere"])
        .refused("nowhere");
    home.run(&["export", "netpol", "missing"])
        .refused("missing");
    let one = home
        .run(&["export", "netpol", "k8s", "-n", "infra"])
        .done()
        .text();
    assert!(
        one.contains("namespace: \"infra\"") && !one.contains("namespace: \"shop\""),
        "{one}"
    );
}

#[test]
fn names_that_want_to_be_yaml_stay_names() {
    let home = Home::new();
    let object = r#"{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"a\"\n---\nkind: Secret","namespace":"x: y"},
        "spec":{"selector":{"matchLabels":{"a: b":"{c}\n"}},"template":{"metadata":{"labels":{"a: b":"{c}\n"}},
        "spec":{"containers":[{"name":"c","image":"x","env":[{"name":"A\n---\nkind: X","value":"https://h.example"}]}]}}}}"#;
    home.write("k8s/a.json", object);
    let text = home.run(&["export", "netpol", "k8s"]).done().text();
    assert_eq!(
        text.lines().filter(|line| *line == "---").count(),
        2,
        "{text}"
    );
    assert!(
        text.lines()
            .all(|line| !line.starts_with("kind: ") || line == "kind: NetworkPolicy"),
        "{text}"
    );
}
