//! How what runs below the pods is reached: the kubelets of the nodes, and the API server.
//! Comes in: what the user declared. Goes out: an exposure for all nodes and one for the API server.
//! Never: "not from the internet" because nothing was seen; only a declaration says that.

use crate::NetworkDeclarations;
use crate::combine::Span;
use crate::published::{declared, gap};
use model::evidence::{Claim, Estimate, Evidence, EvidenceId, Gap, Ledger};
use model::situation::ExposureClass::{Cluster, External, Internet};
use model::situation::{Delivery, Exposure, ExposureClass};

/// Port of the kubelet's API (kubelet configuration, `port`).
const KUBELET: u16 = 10250;
/// The API server's own port; what stands before it may use another.
const API_SERVER: u16 = 6443;

/// Hosts that are there; the nodes' kubelets are all reached in the same way.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Hosts {
    pub kubelets: Option<HostExposure>,
    pub api_server: Option<HostExposure>,
}

/// How the network sees a host.
#[derive(Clone, Debug, PartialEq)]
pub struct HostExposure {
    pub exposure: Exposure,
    /// P(an attacker reaches it directly): see [`crate::probability`].
    pub direct: Estimate,
    pub deliveries: Vec<Delivery>,
    pub listens: Claim,
}

/// The exposure of the kubelets, where there are nodes, and of an API server that shows no pod.
pub fn hosts(
    nodes: bool,
    api_server: bool,
    settings: &NetworkDeclarations,
    ledger: &mut Ledger,
) -> Hosts {
    Hosts {
        kubelets: nodes.then(|| kubelets(settings.public_nodes, ledger)),
        api_server: api_server.then(|| api(ledger)),
    }
}

/// Pods reach the kubelet of their node unless a firewall of the node keeps them out, and none was looked at.
fn kubelets(public: Option<bool>, ledger: &mut Ledger) -> HostExposure {
    let listens = said(ledger, "each node's kubelet listens on port 10250");
    let (high, because) = match public {
        Some(public) => {
            let says = declared(public, ledger);
            (if public { Internet } else { External }, Ok(says))
        }
        None => (
            Internet,
            Err(gap(
                "node-exposure-undeclared",
                "whether the internet reaches the nodes, and with them their kubelets, is not declared",
                "nodes",
                "declare publicNodes in plimsoll.yaml",
            )),
        ),
    };
    let seen = if public == Some(true) {
        Internet
    } else {
        Cluster
    };
    let low = if public == Some(true) {
        Internet
    } else {
        Cluster
    };
    host(
        KUBELET,
        Span::seen(low, seen, high),
        listens,
        because,
        ledger,
    )
}

/// Every pod reaches it over the Service `kubernetes`; its public end point is a setting of the provider.
fn api(ledger: &mut Ledger) -> HostExposure {
    let listens = said(ledger, "the API server answers");
    let open = gap(
        "api-server-exposure-unknown",
        "whether the internet reaches the API server was not seen",
        "control plane",
        "",
    );
    host(
        API_SERVER,
        Span::between(Cluster, Internet),
        listens,
        Err(open),
        ledger,
    )
}

fn said(ledger: &mut Ledger, statement: &str) -> EvidenceId {
    ledger.evidence(Evidence {
        statement: statement.into(),
        object: None,
        pointer: None,
        source: None,
    })
}

fn host(
    port: u16,
    span: Span,
    listens: EvidenceId,
    because: Result<EvidenceId, Gap>,
    ledger: &mut Ledger,
) -> HostExposure {
    let mut chain = vec![listens];
    let public = match because {
        Ok(says) => {
            chain.insert(0, says);
            if span.low == Internet {
                Claim::yes(says)
            } else {
                Claim::no(says)
            }
        }
        Err(open) => Claim::unknown(ledger.gap(open)),
    };
    let class: ExposureClass = span.class();
    HostExposure {
        exposure: Exposure {
            class,
            at_least: span.low,
            at_most: span.high,
            public,
            chain: chain.clone(),
        },
        direct: span.estimate(),
        deliveries: vec![Delivery {
            port,
            protocol: "TCP".into(),
            class,
            chain,
        }],
        listens: Claim::yes(listens),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::evidence::Truth;

    #[test]
    fn a_kubelet_is_reached_from_the_cluster_and_from_the_internet_only_where_declared() {
        for (public_nodes, class, at_least, at_most, public) in [
            (None, Cluster, Cluster, Internet, Truth::Unknown),
            (Some(false), Cluster, Cluster, External, Truth::No),
            (Some(true), Internet, Internet, Internet, Truth::Yes),
        ] {
            let settings = NetworkDeclarations {
                public_nodes,
                ..NetworkDeclarations::default()
            };
            let mut ledger = Ledger::default();
            let found = hosts(true, true, &settings, &mut ledger);
            let kubelets = found.kubelets.unwrap().exposure;
            assert_eq!(
                (kubelets.class, kubelets.at_least, kubelets.at_most),
                (class, at_least, at_most),
                "{public_nodes:?}"
            );
            assert_eq!(kubelets.public.truth(), public, "{public_nodes:?}");
            let api_server = found.api_server.unwrap().exposure;
            assert_eq!(api_server.class, ExposureClass::Unknown);
            assert_eq!(api_server.public.truth(), Truth::Unknown);
        }
        assert_eq!(
            hosts(
                false,
                false,
                &NetworkDeclarations::default(),
                &mut Ledger::default()
            ),
            Hosts::default()
        );
    }
}
