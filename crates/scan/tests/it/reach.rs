//! Who reaches whom by policies of Calico and Istio: what is applied, one question, the answer.

use model::evidence::Truth;
use scan::inputs::{Declarations, Source, manifests};
use scan::reach::Network;
use serde_json::{Value, json};

/// Two plain namespaces, and one whose pods have proxies; `shop/db` is a pod that was seen with its address.
fn world() -> Vec<Value> {
    let namespace = |name: &str| {
        json!({"apiVersion": "v1", "kind": "Namespace",
        "metadata": {"name": name, "labels": {"team": name}}})
    };
    let account = |namespace: &str, name: &str, role: &str| {
        json!({"apiVersion": "v1",
        "kind": "ServiceAccount", "metadata": {"namespace": namespace, "name": name, "labels": {"role": role}}})
    };
    let deployment = |namespace: &str, name: &str, proxy: bool| {
        let mut containers = vec![json!({"name": "app", "image": "app:1",
            "ports": [{"name": "http", "containerPort": 80}]})];
        if proxy {
            containers.push(json!({"name": "istio-proxy", "image": "istio/proxyv2:1.27"}));
        }
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"namespace": namespace, "name": name},
            "spec": {"selector": {"matchLabels": {"app": name}}, "template": {"metadata": {"labels": {"app": name}},
            "spec": {"serviceAccountName": name, "containers": containers}}}})
    };
    vec![
        namespace("shop"),
        namespace("blog"),
        namespace("mesh"),
        account("shop", "web", "front"),
        account("shop", "api", "back"),
        account("blog", "web", "other"),
        account("shop", "default", "none"),
        deployment("shop", "web", false),
        deployment("shop", "api", false),
        deployment("blog", "web", false),
        deployment("mesh", "a", true),
        deployment("mesh", "b", true),
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"namespace": "shop", "name": "db", "labels": {"app": "db"}},
            "spec": {"nodeName": "n", "serviceAccountName": "default", "containers": [{"name": "app", "image": "db:1"}]},
            "status": {"phase": "Running", "podIP": "10.1.0.5", "podIPs": [{"ip": "10.1.0.5"}]}}),
    ]
}

/// `KIND [NAMESPACE/]NAME[;LABEL=VALUE] SPEC`.
fn object(line: &str) -> Value {
    let mut words = line.trim().splitn(3, ' ');
    let (kind, place, spec) = (
        words.next().unwrap(),
        words.next().unwrap(),
        words.next().unwrap(),
    );
    let (version, kind) = match kind {
        "np" => ("projectcalico.org/v3", "NetworkPolicy"),
        "gnp" => ("projectcalico.org/v3", "GlobalNetworkPolicy"),
        "crd" => ("crd.projectcalico.org/v1", "NetworkPolicy"),
        "tier" => ("projectcalico.org/v3", "Tier"),
        "set" => ("projectcalico.org/v3", "NetworkSet"),
        "gset" => ("projectcalico.org/v3", "GlobalNetworkSet"),
        "hep" => ("projectcalico.org/v3", "HostEndpoint"),
        "knp" => ("networking.k8s.io/v1", "NetworkPolicy"),
        "authz" => ("security.istio.io/v1", "AuthorizationPolicy"),
        "peer" => ("security.istio.io/v1", "PeerAuthentication"),
        "rule" => ("networking.istio.io/v1", "DestinationRule"),
        _ => unreachable!("{kind}"),
    };
    let (place, label) = place.split_once(';').unwrap_or((place, ""));
    let (namespace, name) = place
        .split_once('/')
        .map_or((None, place), |(n, m)| (Some(n), m));
    let labels: Value = match label.split_once('=') {
        Some((key, value)) => json!({key: value}),
        None => json!({}),
    };
    let spec: Value = serde_json::from_str(spec).expect(spec);
    json!({"apiVersion": version, "kind": kind, "spec": spec,
        "metadata": {"namespace": namespace, "name": name, "labels": labels}})
}

/// `question`: from, to, port.
fn check(policies: &str, question: &str, expected: &str) {
    let mut items = world();
    let lines = policies.lines().filter(|line| !line.trim().is_empty());
    items.extend(lines.map(object));
    let list = json!({"apiVersion": "v1", "kind": "List", "items": items});
    let source = Source::Bytes {
        name: "objects".into(),
        bytes: serde_json::to_vec(&list).unwrap().into(),
    };
    let snapshot = manifests(&[source], None, [1; 32]).unwrap();
    let mut declared = Declarations::default();
    declared.network.enforced = Some(true);
    let network = Network::of(&snapshot, &declared);
    let words: Vec<&str> = question.split(' ').collect();
    let (from, to, port) = (words[0], words[1], words[2]);
    let answer = network.answer(from, to, Some(port)).unwrap();
    let verdict = match answer.verdict {
        Truth::Yes => "yes",
        Truth::Unknown => "unknown",
        Truth::No => "no",
    };
    assert_eq!(verdict, expected, "{question} with {policies}");
}

/// One policy, several questions.
fn check_all(policies: &str, questions: &[(&str, &str)]) {
    for (question, expected) in questions {
        check(policies, question, expected);
    }
}

const WEB: &str = "shop/web shop/api TCP/80";
const BLOG: &str = "blog/web shop/api TCP/80";
const DB: &str = "shop/db shop/api TCP/80";
const PARTNER: &str = "203.0.113.9 shop/api TCP/80";
const WORLD: &str = "8.8.8.8 shop/api TCP/80";

/// A Calico policy of `shop/api` with one ingress rule.
fn ingress(rule: &str) -> String {
    format!(r#"np shop/a {{"selector": "app == 'api'", "ingress": [{rule}]}}"#)
}

#[test]
fn calico_selects() {
    check("", WEB, "yes");
    let deny = r#"np shop/a {"selector": "app == 'api'", "types": ["Ingress"]}"#;
    check_all(
        deny,
        &[
            (WEB, "no"),
            (BLOG, "no"),
            (WORLD, "no"),
            ("shop/api shop/web TCP/80", "yes"),
        ],
    );
    for (subject, expected) in [
        (r#""selector": "app == 'web'""#, "yes"),
        (r#""selector": """#, "no"),
        (r#""selector": "all()""#, "no"),
        (r#""selector": "app in {'api', 'x'} && !has(legacy)""#, "no"),
        (r#""selector": "app starts with 'a'""#, "no"),
        (r#""serviceAccountSelector": "role == 'back'""#, "no"),
        (r#""serviceAccountSelector": "role == 'front'""#, "yes"),
        (r#""selector": "app = 'api'""#, "unknown"),
        (r#""selector": "app == 'api"#, "unknown"),
    ] {
        let subject = if subject.ends_with('"') {
            subject.to_owned()
        } else {
            format!("{subject}\"")
        };
        let of = |kind: &str| format!(r#"{kind} {{{subject}, "types": ["Ingress"]}}"#);
        check(&of("np shop/a"), WEB, expected);
        check(&of("gnp a"), WEB, expected);
        check(&of("np blog/a"), WEB, "yes");
    }
    for (subject, expected) in [
        (r#""namespaceSelector": "team == 'shop'""#, "no"),
        (r#""namespaceSelector": "team == 'blog'""#, "yes"),
        (
            r#""namespaceSelector": "projectcalico.org/name == 'shop'""#,
            "no",
        ),
        (r#""namespaceSelector": "all()""#, "no"),
        (r#""namespaceSelector": "global()""#, "yes"),
        (
            r#""selector": "projectcalico.org/namespace == 'shop'""#,
            "no",
        ),
        (r#""doNotTrack": true, "applyOnForward": true"#, "yes"),
        (r#""preDNAT": true, "applyOnForward": true"#, "yes"),
        (r#""applyOnForward": true"#, "no"),
    ] {
        check(
            &format!(r#"gnp a {{{subject}, "types": ["Ingress"]}}"#),
            WEB,
            expected,
        );
    }
    // Types are defaulted by what is there.
    check(r#"np shop/a {"egress": [{"action": "Allow"}]}"#, WEB, "yes");
    check(r#"np shop/a {"egress": [{"action": "Deny"}]}"#, WEB, "no");
    check(
        r#"np shop/a {"selector": "app == 'web'", "types": ["Egress"]}"#,
        WEB,
        "no",
    );
    check(
        r#"np shop/a {"ingress": [{"action": "Allow"}]}"#,
        WEB,
        "yes",
    );
    check(
        r#"np shop/a {"types": ["Ingress"], "egress": [{"action": "Deny"}]}"#,
        WEB,
        "no",
    );
    check("np shop/a {}", WEB, "no");
    check(
        r#"crd shop/default.a {"selector": "app == 'api'"}"#,
        WEB,
        "no",
    );
}

#[test]
fn calico_means() {
    for (rule, answers) in [
        (r#""selector": "app == 'web'""#, "yes no no no no"),
        (
            r#""selector": "app == 'web'", "namespaceSelector": "all()""#,
            "yes yes no no no",
        ),
        (
            r#""namespaceSelector": "team == 'blog'""#,
            "no yes no no no",
        ),
        (r#""notSelector": "app == 'web'""#, "no no yes no no"),
        (
            r#""serviceAccounts": {"names": ["web"]}"#,
            "yes no no no no",
        ),
        (
            r#""serviceAccounts": {"selector": "role == 'none'"}"#,
            "no no yes no no",
        ),
        (r#""nets": ["203.0.113.0/24"]"#, "no no no yes no"),
        (r#""nets": ["203.0.113.9"]"#, "no no no yes no"),
        (r#""notNets": ["203.0.113.0/24"]"#, "yes yes yes no yes"),
        (
            r#""nets": ["203.0.113.0/24"], "notNets": ["203.0.113.8/29"]"#,
            "no no no no no",
        ),
        // Blocks mean pods by their addresses, where these are known.
        (r#""nets": ["10.1.0.0/16"]"#, "unknown unknown yes no no"),
        (
            r#""notNets": ["10.1.0.0/16"]"#,
            "unknown unknown no yes yes",
        ),
        (
            r#""selector": "app == 'db'", "nets": ["10.2.0.0/16"]"#,
            "no no no no no",
        ),
        (
            r#""services": {"name": "x"}"#,
            "unknown unknown unknown unknown unknown",
        ),
        (
            r#""selector": "app ~ 'x'""#,
            "unknown unknown unknown unknown unknown",
        ),
        (
            r#""nets": ["nonsense"]"#,
            "unknown unknown unknown unknown unknown",
        ),
    ] {
        let policy = ingress(&format!(r#"{{"action": "Allow", "source": {{{rule}}}}}"#));
        let questions = [WEB, BLOG, DB, PARTNER, WORLD];
        for (question, expected) in questions.iter().zip(answers.split(' ')) {
            check(&policy, question, expected);
        }
    }
    // A policy of the whole cluster is in no namespace.
    let global = |source: &str| {
        format!(
            r#"gnp a {{"selector": "app == 'api'", "ingress": [{{"action": "Allow", "source": {source}}}]}}"#
        )
    };
    check_all(
        &global(r#"{"selector": "app == 'web'"}"#),
        &[(WEB, "yes"), (BLOG, "yes"), (DB, "no"), (WORLD, "no")],
    );
    check_all(
        &global(r#"{"notSelector": "app == 'web'"}"#),
        &[(WEB, "no"), (DB, "yes"), (WORLD, "yes")],
    );
    check_all(
        &format!("hep n {{}}\n{}", global(r#"{"selector": "all()"}"#)),
        &[(WEB, "yes"), (WORLD, "unknown")],
    );
    check(&global(r#"{"selector": "all()"}"#), WORLD, "no");
    // Sets of addresses carry labels.
    let partners = r#"{"nets": ["203.0.113.0/24"]}"#;
    let by_label = r#"{"selector": "kind == 'partner'"}"#;
    let rule = format!(r#"{{"action": "Allow", "source": {by_label}}}"#);
    check_all(
        &format!("gset p;kind=partner {partners}\n{}", global(by_label)),
        &[(PARTNER, "yes"), (WORLD, "no"), (WEB, "no")],
    );
    check(
        &format!("gset p;kind=other {partners}\n{}", global(by_label)),
        PARTNER,
        "no",
    );
    check(
        &format!("gset p;kind=partner {partners}\n{}", ingress(&rule)),
        PARTNER,
        "no",
    );
    check(
        &format!("set shop/p;kind=partner {partners}\n{}", ingress(&rule)),
        PARTNER,
        "yes",
    );
    check(
        &format!("set blog/p;kind=partner {partners}\n{}", ingress(&rule)),
        PARTNER,
        "no",
    );
    let anywhere = r#"{"action": "Allow", "source": {"selector": "kind == 'partner'", "namespaceSelector": "global()"}}"#;
    check(
        &format!("gset p;kind=partner {partners}\n{}", ingress(anywhere)),
        PARTNER,
        "yes",
    );
    // The other end of an egress rule is the destination.
    check_all(
        r#"np shop/a {"selector": "app == 'web'", "egress": [{"action": "Allow", "destination": {"selector": "app == 'api'", "ports": [80]}}]}"#,
        &[
            (WEB, "yes"),
            ("shop/web shop/api TCP/81", "no"),
            ("shop/web shop/db TCP/80", "no"),
            ("shop/web 8.8.8.8 TCP/80", "no"),
            ("blog/web shop/web TCP/80", "yes"),
        ],
    );
}

#[test]
fn calico_ports() {
    for (rule, port, expected) in [
        (
            r#""protocol": "TCP", "destination": {"ports": [80]}"#,
            "TCP/80",
            "yes",
        ),
        (
            r#""protocol": "TCP", "destination": {"ports": [80]}"#,
            "TCP/81",
            "no",
        ),
        (
            r#""protocol": "TCP", "destination": {"ports": [80]}"#,
            "UDP/80",
            "no",
        ),
        (
            r#""protocol": 6, "destination": {"ports": ["80"]}"#,
            "TCP/80",
            "yes",
        ),
        (r#""protocol": "UDP""#, "UDP/53", "yes"),
        (r#""protocol": 17"#, "TCP/53", "no"),
        (r#""protocol": "ICMP""#, "TCP/80", "no"),
        (r#""protocol": 47"#, "UDP/80", "no"),
        (r#""notProtocol": "UDP""#, "TCP/80", "yes"),
        (r#""notProtocol": "TCP""#, "TCP/80", "no"),
        (r#""notProtocol": "ICMP""#, "TCP/80", "yes"),
        (
            r#""protocol": "TCP", "destination": {"ports": ["8000:9000"]}"#,
            "TCP/8080",
            "yes",
        ),
        (
            r#""protocol": "TCP", "destination": {"ports": ["8000:9000"]}"#,
            "TCP/80",
            "no",
        ),
        (
            r#""protocol": "TCP", "destination": {"ports": ["http"]}"#,
            "TCP/80",
            "yes",
        ),
        (
            r#""protocol": "TCP", "destination": {"ports": ["other"]}"#,
            "TCP/80",
            "no",
        ),
        (
            r#""protocol": "TCP", "destination": {"notPorts": [80]}"#,
            "TCP/80",
            "no",
        ),
        (
            r#""protocol": "TCP", "destination": {"notPorts": [80]}"#,
            "TCP/81",
            "yes",
        ),
        (
            r#""protocol": "TCP", "destination": {"notPorts": ["http"]}"#,
            "TCP/80",
            "no",
        ),
        (
            r#""protocol": "TCP", "destination": {"notPorts": [80]}"#,
            "UDP/81",
            "no",
        ),
        (
            r#""protocol": "TCP", "destination": {"ports": [80, 70000]}"#,
            "TCP/80",
            "unknown",
        ),
        (
            r#""protocol": "TCP", "source": {"ports": [1000]}"#,
            "TCP/80",
            "unknown",
        ),
        (
            r#""protocol": "TCP", "http": {"methods": ["GET"]}"#,
            "TCP/80",
            "unknown",
        ),
        (
            r#""destination": {"selector": "app == 'api'"}"#,
            "TCP/80",
            "unknown",
        ),
        (
            r#""ipVersion": 6, "source": {"nets": ["2001:db8::/32"]}"#,
            "TCP/80",
            "no",
        ),
    ] {
        let policy = ingress(&format!(r#"{{"action": "Allow", {rule}}}"#));
        check(&policy, &format!("shop/db shop/api {port}"), expected);
    }
    let six = ingress(r#"{"action": "Allow", "ipVersion": 6}"#);
    check_all(
        &six,
        &[
            (WORLD, "no"),
            ("2001:db8::1 shop/api TCP/80", "yes"),
            (DB, "no"),
        ],
    );
}

#[test]
fn calico_order() {
    let of = |name: &str, order: &str, rule: &str| {
        format!(
            r#"np shop/{name} {{"selector": "app == 'api'", "order": {order}, "ingress": [{rule}]}}"#
        )
    };
    let allow = r#"{"action": "Allow"}"#;
    let deny = r#"{"action": "Deny"}"#;
    let deny_web = r#"{"action": "Deny", "source": {"selector": "app == 'web'"}}"#;
    let pass = r#"{"action": "Pass"}"#;
    let two = |a: String, b: String| format!("{a}\n{b}");
    check(&ingress(&format!("{deny_web}, {allow}")), WEB, "no");
    check(&ingress(&format!("{deny_web}, {allow}")), DB, "yes");
    check(&ingress(&format!("{allow}, {deny}")), WEB, "yes");
    check(
        &ingress(&format!(r#"{{"action": "Log"}}, {allow}"#)),
        WEB,
        "yes",
    );
    check(&ingress(r#"{"action": "Log"}"#), WEB, "no");
    check(
        &two(of("a", "20", allow), of("b", "10.5", deny_web)),
        WEB,
        "no",
    );
    check(
        &two(of("a", "10", allow), of("b", "20", deny_web)),
        WEB,
        "yes",
    );
    check(
        &two(of("a", "null", deny), of("b", "20", allow)),
        WEB,
        "yes",
    );
    // Of equals, by name.
    check(&two(of("b", "10", allow), of("a", "10", deny)), WEB, "no");
    check(
        &two(of("a", "null", allow), of("b", "null", deny)),
        WEB,
        "yes",
    );
    // NetworkPolicies stand at 1000.
    let knp = r#"knp shop/k {"podSelector": {"matchLabels": {"app": "api"}}, "ingress": [{"from": [{"podSelector": {}}]}]}"#;
    let with = |order: &str, rule: &str| two(knp.into(), of("a", order, rule));
    check_all(knp, &[(WEB, "yes"), (BLOG, "no")]);
    check(&with("500", deny_web), WEB, "no");
    check(&with("500", deny_web), DB, "yes");
    check(&with("2000", deny_web), WEB, "yes");
    check(&with("null", deny), WEB, "yes");
    check(&with("1000", deny), WEB, "unknown");
    check(&with("1000", allow), BLOG, "yes");
    check(&with("2000", allow), BLOG, "yes");
    check(&with("500", pass), WEB, "yes");
    check(&with("500", pass), BLOG, "yes");
    // Tiers.
    let tier = |order: &str, action: &str| {
        format!(r#"tier t {{"order": {order}, "defaultAction": "{action}"}}"#)
    };
    let in_tier = |rule: &str| {
        format!(r#"gnp t.a {{"tier": "t", "selector": "app == 'api'", "ingress": [{rule}]}}"#)
    };
    let first = |rule: &str, action: &str| two(two(tier("100", action), in_tier(rule)), knp.into());
    check(&first(allow, "Deny"), BLOG, "yes");
    check(&first(deny, "Deny"), WEB, "no");
    check_all(&first(pass, "Deny"), &[(WEB, "yes"), (BLOG, "no")]);
    check(&first("", "Deny"), WEB, "no");
    check_all(&first("", "Pass"), &[(WEB, "yes"), (BLOG, "no")]);
    let web_passes = r#"{"action": "Pass", "source": {"selector": "app == 'web'"}}"#;
    check_all(
        &first(web_passes, "Deny"),
        &[(WEB, "yes"), (DB, "no"), (BLOG, "no")],
    );
    check(&two(tier("100", "Deny"), in_tier(pass)), WEB, "yes");
    // One that was not seen may stand anywhere.
    check(&two(in_tier(allow), knp.into()), BLOG, "unknown");
    check(&two(in_tier(deny), knp.into()), WEB, "unknown");
    check(&in_tier(""), WEB, "unknown");
    check(&in_tier(""), "shop/api shop/web TCP/80", "yes");
    // One after the default tier is asked about what that one passes on.
    let last = |rule: &str| two(tier("2000000", "Deny"), in_tier(rule));
    check(&two(last(deny), of("a", "1", pass)), WEB, "no");
    check(&two(last(deny), of("a", "1", allow)), WEB, "yes");
    check(&two(last(allow), of("a", "1", deny)), WEB, "no");
    check(&two(last(allow), knp.into()), BLOG, "no");
}

const A: &str = "mesh/a mesh/b TCP/80";
const PLAIN: &str = "shop/db mesh/b TCP/80";
const PERHAPS: &str = "shop/web mesh/b TCP/80";
const OUTSIDE: &str = "203.0.113.9 mesh/b TCP/80";

#[test]
fn istio() {
    let rule = |source: &str| {
        format!(r#"authz mesh/p {{"rules": [{{"from": [{{"source": {{{source}}}}}]}}]}}"#)
    };
    check_all(
        "authz mesh/p {}",
        &[
            (A, "no"),
            (PLAIN, "no"),
            (OUTSIDE, "no"),
            ("mesh/a mesh/b UDP/53", "yes"),
            ("mesh/b shop/db TCP/80", "yes"),
        ],
    );
    check(r#"authz mesh/p {"rules": [{}]}"#, A, "yes");
    check(r#"authz mesh/p {"action": "DENY"}"#, A, "yes");
    check(r#"authz mesh/p {"action": "DENY", "rules": [{}]}"#, A, "no");
    check(
        r#"authz mesh/p {"action": "AUDIT", "rules": [{}]}"#,
        A,
        "yes",
    );
    check(
        r#"authz mesh/p {"action": "CUSTOM", "rules": [{}]}"#,
        A,
        "unknown",
    );
    check(
        r#"authz mesh/p {"action": "WHAT", "rules": [{}]}"#,
        A,
        "yes",
    );
    // Where no proxy is known to be, nothing is known; where none is, nothing is enforced.
    check_all(
        "authz shop/p {}",
        &[
            (WEB, "unknown"),
            ("shop/web shop/db TCP/80", "yes"),
            (A, "yes"),
        ],
    );
    // Of the whole mesh, and of some pods.
    check_all(
        "authz istio-system/p {}",
        &[(A, "no"), ("shop/web shop/db TCP/80", "yes")],
    );
    check(
        r#"authz mesh/p {"selector": {"matchLabels": {"app": "b"}}}"#,
        A,
        "no",
    );
    check(
        r#"authz mesh/p {"selector": {"matchLabels": {"app": "a"}}}"#,
        A,
        "yes",
    );
    check(
        r#"authz mesh/p {"targetRefs": [{"kind": "Service", "name": "b"}]}"#,
        A,
        "unknown",
    );
    for (source, answers) in [
        (
            r#""principals": ["cluster.local/ns/mesh/sa/a"]"#,
            "yes no no no",
        ),
        (
            r#""principals": ["cluster.local/ns/shop/sa/web"]"#,
            "no no unknown no",
        ),
        (
            r#""principals": ["cluster.local/ns/mesh/*"]"#,
            "yes no no no",
        ),
        (r#""principals": ["*/sa/a"]"#, "yes no no no"),
        (r#""principals": ["*"]"#, "yes no unknown no"),
        (
            r#""principals": ["td/ns/mesh/sa/a"]"#,
            "unknown no unknown no",
        ),
        (r#""namespaces": ["mesh"]"#, "yes no no no"),
        (r#""namespaces": ["shop"]"#, "no no unknown no"),
        (r#""notNamespaces": ["mesh"]"#, "no yes yes yes"),
        (
            r#""notPrincipals": ["cluster.local/ns/shop/sa/web"]"#,
            "yes yes unknown yes",
        ),
        (r#""serviceAccounts": ["a"]"#, "yes no no no"),
        (r#""serviceAccounts": ["shop/a"]"#, "no no no no"),
        (r#""ipBlocks": ["203.0.113.0/24"]"#, "no no no yes"),
        (r#""ipBlocks": ["10.1.0.5"]"#, "unknown yes unknown no"),
        (r#""notIpBlocks": ["203.0.113.0/24"]"#, "yes yes yes no"),
        (
            r#""requestPrincipals": ["*"]"#,
            "unknown unknown unknown unknown",
        ),
        (
            r#""namespaces": ["mesh"], "requestPrincipals": ["*"]"#,
            "unknown no no no",
        ),
        (
            r#""ipBlocks": ["nonsense"]"#,
            "unknown unknown unknown unknown",
        ),
    ] {
        for (question, expected) in [A, PLAIN, PERHAPS, OUTSIDE].iter().zip(answers.split(' ')) {
            check(&rule(source), question, expected);
        }
    }
    let to = |operation: &str| {
        format!(
            r#"authz mesh/p {{"action": "DENY", "rules": [{{"to": [{{"operation": {operation}}}]}}]}}"#
        )
    };
    check_all(
        &to(r#"{"ports": ["80"]}"#),
        &[(A, "no"), ("mesh/a mesh/b TCP/81", "yes")],
    );
    check_all(
        &to(r#"{"notPorts": ["80"]}"#),
        &[(A, "yes"), ("mesh/a mesh/b TCP/81", "no")],
    );
    check_all(&to(r#"{"paths": ["/admin"]}"#), &[(A, "unknown")]);
    check(&to(r#"{"ports": ["x"]}"#), A, "unknown");
    check_all(
        &to(r#"{"ports": ["80", "81"], "notPorts": ["81"]}"#),
        &[(A, "no"), ("mesh/a mesh/b TCP/81", "yes")],
    );
    check(
        r#"authz mesh/p {"action": "DENY", "rules": [{"when": [{"key": "request.headers[x]", "values": ["y"]}]}]}"#,
        A,
        "unknown",
    );
    check(
        "authz mesh/p {\"rules\": [{}]}\nauthz mesh/q {\"action\": \"DENY\", \"rules\": [{}]}",
        A,
        "no",
    );
    check("authz mesh/p {}\nauthz mesh/q {\"rules\": [{}]}", A, "yes");
    // The network comes first.
    check(
        "authz mesh/p {\"rules\": [{}]}\nknp mesh/k {\"podSelector\": {}}",
        A,
        "no",
    );
    // Whoever switches mutual TLS off has no identity.
    let off = r#"rule mesh/r {"host": "b", "trafficPolicy": {"tls": {"mode": "DISABLE"}}}"#;
    let own = rule(r#""namespaces": ["mesh"]"#);
    check(&format!("{own}\n{off}"), A, "unknown");
}

#[test]
fn istio_refuses_plain_text() {
    let strict = r#"{"mtls": {"mode": "STRICT"}}"#;
    let of = |place: &str| format!("peer {place} {strict}");
    for place in ["mesh/p", "istio-system/p"] {
        check_all(
            &of(place),
            &[
                (A, "yes"),
                (PLAIN, "no"),
                (PERHAPS, "unknown"),
                (OUTSIDE, "no"),
            ],
        );
    }
    check(&of("blog/p"), PLAIN, "yes");
    check(&of("shop/p"), "blog/web shop/db TCP/80", "yes");
    check(
        r#"peer mesh/p {"mtls": {"mode": "PERMISSIVE"}}"#,
        PLAIN,
        "yes",
    );
    let b = r#""selector": {"matchLabels": {"app": "b"}}"#;
    let some = |rest: &str| format!("peer mesh/q {{{b}, {rest}}}");
    check(
        &format!(
            "{}\n{}",
            of("mesh/p"),
            some(r#""mtls": {"mode": "PERMISSIVE"}"#)
        ),
        PLAIN,
        "yes",
    );
    check(
        &format!(
            "{}\n{}",
            of("istio-system/p"),
            some(r#""mtls": {"mode": "PERMISSIVE"}"#)
        ),
        PLAIN,
        "yes",
    );
    check(&some(r#""mtls": {"mode": "STRICT"}"#), PLAIN, "no");
    check_all(
        &some(r#""mtls": {"mode": "STRICT"}, "portLevelMtls": {"80": {"mode": "PERMISSIVE"}}"#),
        &[(PLAIN, "yes"), ("shop/db mesh/b TCP/81", "no")],
    );
    check_all(
        &some(r#""portLevelMtls": {"80": {"mode": "STRICT"}}"#),
        &[(PLAIN, "no"), ("shop/db mesh/b TCP/81", "yes")],
    );
}
