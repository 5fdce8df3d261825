//! NetworkPolicy semantics (defaults, selectors, peers, ports) and the other policy kinds.

use crate::builder::{of, read};
use model::snapshot::Origin::Live;
use semantics::view::{NetworkPolicy, OtherPolicy, PolicyPeer, TargetPort};
use serde_json::{Value, json};

fn policy(spec: Value) -> NetworkPolicy {
    let object = json!({"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"namespace": "n", "name": "p"}, "spec": spec});
    read(&of(Live, &[object])).network_policies.remove(0)
}

#[test]
fn directions_default_as_the_server_does() {
    for (spec, expected) in [
        (json!({}), (true, false)),
        (json!({"ingress": []}), (true, false)),
        (json!({"egress": []}), (true, false)),
        (json!({"egress": [{}]}), (true, true)),
        (json!({"policyTypes": ["Egress"]}), (false, true)),
        (
            json!({"policyTypes": ["Egress"], "ingress": [{}]}),
            (false, true),
        ),
        (
            json!({"policyTypes": ["Ingress"], "egress": [{}]}),
            (true, false),
        ),
        (json!({"policyTypes": ["Ingress", "Egress"]}), (true, true)),
    ] {
        let policy = policy(spec.clone());
        assert_eq!(
            (policy.isolates_ingress, policy.isolates_egress),
            expected,
            "{spec}"
        );
    }
}

/// Ingress rules as text: peers `pods@namespaces` or blocks, then ports.
fn text(policy: &NetworkPolicy) -> Vec<String> {
    policy
        .ingress
        .iter()
        .map(|rule| {
            let peers: Vec<String> = rule
                .peers
                .iter()
                .map(|peer| match peer {
                    PolicyPeer::Pods { pods, namespaces } => format!(
                        "{:?}@{}",
                        pods.equals.len(),
                        namespaces
                            .as_ref()
                            .map_or("own".to_owned(), |n| format!("{}", n.equals.len()))
                    ),
                    PolicyPeer::Block { cidr, except } => format!("{cidr}-{}", except.len()),
                })
                .collect();
            let ports: Vec<String> = rule
                .ports
                .iter()
                .map(|port| {
                    let number = match &port.port {
                        Some(TargetPort::Number(n)) => n.to_string(),
                        Some(TargetPort::Name(n)) => n.to_string(),
                        None => "*".to_owned(),
                    };
                    format!(
                        "{}/{number}{}",
                        port.protocol,
                        port.end.map_or(String::new(), |end| format!("-{end}"))
                    )
                })
                .collect();
            format!("[{}] [{}]", peers.join(" "), ports.join(" "))
        })
        .collect()
}

#[test]
fn rules_keep_the_difference_of_none_and_all() {
    for (ingress, expected) in [
        (json!(null), vec![]),
        (json!([]), vec![]),
        (json!([{}]), vec!["[] []"]),
        (json!([{"from": [], "ports": []}]), vec!["[] []"]),
        (json!([{"from": [{"podSelector": {}}]}]), vec!["[0@own] []"]),
        (
            json!([{"from": [{"namespaceSelector": {}}]}]),
            vec!["[0@0] []"],
        ),
        (
            json!([{"from": [{"podSelector": {"matchLabels": {"a": "b"}}, "namespaceSelector": {"matchLabels": {"c": "d"}}}]}]),
            vec!["[1@1] []"],
        ),
        (
            json!([{"from": [{"podSelector": {}}, {"namespaceSelector": {}}]}, {}]),
            vec!["[0@own 0@0] []", "[] []"],
        ),
        (
            json!([{"from": [{"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.1.0.0/16"]}}]}]),
            vec!["[10.0.0.0/8-1] []"],
        ),
        (
            json!([{"ports": [{}, {"port": 80}, {"port": "web", "protocol": "UDP"}, {"port": 1, "endPort": 9}]}]),
            vec!["[] [TCP/* TCP/80 UDP/web TCP/1-9]"],
        ),
        // Refused by the server, so they may not limit anything.
        (
            json!([{"from": [{"ipBlock": {"cidr": "nonsense"}}, {"podSelector": {}}]}]),
            vec!["[] []"],
        ),
        (json!([{"from": [{}]}]), vec!["[] []"]),
        (
            json!([{"ports": [{"port": 70000}, {"port": 80}]}]),
            vec!["[] []"],
        ),
    ] {
        assert_eq!(
            text(&policy(json!({"ingress": ingress}))),
            expected,
            "{ingress}"
        );
    }
}

fn other(version: &str, kind: &str, namespace: Option<&str>, spec: Value) -> OtherPolicy {
    let mut metadata = json!({"name": "p"});
    if let Some(namespace) = namespace {
        metadata["namespace"] = json!(namespace);
    }
    let object = json!({"apiVersion": version, "kind": kind, "metadata": metadata, "spec": spec});
    read(&of(Live, &[object])).other_policies.remove(0)
}

#[test]
fn other_kinds_may_isolate() {
    for (version, kind, namespace, spec, expected) in [
        (
            "cilium.io/v2",
            "CiliumNetworkPolicy",
            Some("n"),
            json!({"endpointSelector": {"matchLabels": {"k8s:app": "a"}}, "ingress": [{}]}),
            "n 1 true",
        ),
        (
            "cilium.io/v2",
            "CiliumNetworkPolicy",
            Some("n"),
            json!({"endpointSelector": {}, "egress": [{}]}),
            "n 0 false",
        ),
        (
            "cilium.io/v2",
            "CiliumNetworkPolicy",
            Some("n"),
            json!({"endpointSelector": {}, "ingress": [{}], "enableDefaultDeny": {"ingress": false}}),
            "n 0 false",
        ),
        (
            "cilium.io/v2",
            "CiliumClusterwideNetworkPolicy",
            None,
            json!({"nodeSelector": {}, "ingressDeny": [{}]}),
            "* ? true",
        ),
        (
            "crd.projectcalico.org/v1",
            "GlobalNetworkPolicy",
            None,
            json!({"selector": "all()", "types": ["Ingress"]}),
            "* 0 true",
        ),
        (
            "projectcalico.org/v3",
            "NetworkPolicy",
            Some("n"),
            json!({"selector": "app == 'a'", "egress": [{}]}),
            "n ? false",
        ),
        (
            "policy.networking.k8s.io/v1alpha1",
            "AdminNetworkPolicy",
            None,
            json!({"subject": {"namespaces": {}}, "ingress": [{}]}),
            "* 0 true",
        ),
        (
            "policy.networking.k8s.io/v1alpha2",
            "ClusterNetworkPolicy",
            None,
            json!({"subject": {"namespaces": {"matchLabels": {"a": "b"}}}, "egress": [{}]}),
            "* ? false",
        ),
        (
            "security.istio.io/v1",
            "AuthorizationPolicy",
            Some("n"),
            json!({"selector": {"matchLabels": {"a": "b"}}}),
            "n 1 true",
        ),
        (
            "security.istio.io/v1",
            "AuthorizationPolicy",
            Some("istio-system"),
            json!({}),
            "* 0 true",
        ),
    ] {
        let got = other(version, kind, namespace, spec.clone());
        let selector = got.selector.map_or("?".to_owned(), |s| {
            (s.equals.len() + s.expressions.len()).to_string()
        });
        assert_eq!(
            format!(
                "{} {selector} {}",
                got.namespace.as_deref().unwrap_or("*"),
                got.ingress
            ),
            expected,
            "{kind} {spec}"
        );
    }
}
