//! What annotations say about load balancers and ingress controllers of the clouds.
//! Comes in: annotations, class names, images. Goes out: internal or public. Data, one row a fact.

use semantics::view::Labels;

/// What a value has to be for the load balancer to be internal; compared without case.
enum Value {
    Any,
    /// Any but the empty one and `false`.
    NotFalse,
    Is(&'static str),
    /// A part of a JSON text.
    Holds(&'static str),
}
use Value::{Any, Holds, Is, NotFalse};

/// Annotations of Services, from the providers' documentation.
const INTERNAL: [(&str, Value); 22] = [
    // cloud-provider-aws `aws.go`: whatever is not empty and not `false`.
    (
        "service.beta.kubernetes.io/aws-load-balancer-internal",
        NotFalse,
    ),
    (
        "service.beta.kubernetes.io/aws-load-balancer-scheme",
        Is("internal"),
    ),
    ("networking.gke.io/load-balancer-type", Is("internal")),
    ("cloud.google.com/load-balancer-type", Is("internal")),
    (
        "service.beta.kubernetes.io/azure-load-balancer-internal",
        Is("true"),
    ),
    (
        "service.beta.kubernetes.io/oci-load-balancer-internal",
        Is("true"),
    ),
    (
        "oci-network-load-balancer.oraclecloud.com/internal",
        Is("true"),
    ),
    (
        "service.beta.kubernetes.io/openstack-internal-load-balancer",
        Is("true"),
    ),
    (
        "service.beta.kubernetes.io/alibaba-cloud-loadbalancer-address-type",
        Is("intranet"),
    ),
    (
        "service.beta.kubernetes.io/alicloud-loadbalancer-address-type",
        Is("intranet"),
    ),
    (
        "service.beta.kubernetes.io/do-loadbalancer-network",
        Is("internal"),
    ),
    (
        "service.kubernetes.io/ibm-load-balancer-cloud-provider-ip-type",
        Is("private"),
    ),
    (
        "service.kubernetes.io/qcloud-loadbalancer-internal-subnetid",
        Any,
    ),
    (
        "service.beta.kubernetes.io/cce-load-balancer-internal-vpc",
        Is("true"),
    ),
    (
        "service.beta.kubernetes.io/scw-loadbalancer-private",
        Is("true"),
    ),
    (
        "load-balancer.hetzner.cloud/disable-public-network",
        Is("true"),
    ),
    ("yandex.cloud/load-balancer-type", Is("internal")),
    ("kubernetes.io/elb.autocreate", Holds("\"type\":\"inner\"")),
    (
        "service.beta.kubernetes.io/volcengine-loadbalancer-address-type",
        Is("private"),
    ),
    (
        "service.beta.kubernetes.io/ncloud-load-balancer-internal",
        Is("true"),
    ),
    (
        "service.beta.kubernetes.io/osc-load-balancer-internal",
        Is("true"),
    ),
    ("lb.stackit.cloud/internal-lb", Is("true")),
];

/// `loadBalancerClass`es whose load balancers are internal.
const INTERNAL_CLASSES: [&str; 2] = ["networking.gke.io/l4-regional-internal", "tailscale"];
/// Those of controllers that make internal ones unless a scheme is said.
const INTERNAL_BY_DEFAULT: [&str; 2] = ["service.k8s.aws/nlb", "eks.amazonaws.com/nlb"];

const AWS_TYPE: &str = "service.beta.kubernetes.io/aws-load-balancer-type";
const AWS_SCHEME: &str = "service.beta.kubernetes.io/aws-load-balancer-scheme";
const AWS_INTERNAL: &str = "service.beta.kubernetes.io/aws-load-balancer-internal";

/// The annotation that makes a load balancer internal.
pub(crate) fn internal_load_balancer(annotations: &Labels) -> Option<&'static str> {
    INTERNAL
        .iter()
        .find(|(key, wanted)| {
            annotations.get(*key).is_some_and(|value| match wanted {
                Any => true,
                NotFalse => !value.is_empty() && !value.eq_ignore_ascii_case("false"),
                Is(wanted) => value.eq_ignore_ascii_case(wanted),
                Holds(wanted) => {
                    let text: String = value.split_whitespace().collect();
                    text.to_ascii_lowercase().contains(wanted)
                }
            })
        })
        .map(|(key, _)| *key)
}

/// Whether a `loadBalancerClass` is internal.
pub(crate) fn internal_class(class: Option<&str>) -> bool {
    class.is_some_and(|class| INTERNAL_CLASSES.contains(&class))
}

/// The AWS Load Balancer Controller makes internal load balancers unless a scheme is said; its own
/// `--default-load-balancer-scheme` can change that.
pub(crate) fn internal_by_default(annotations: &Labels, class: Option<&str>) -> bool {
    let own = annotations
        .get(AWS_TYPE)
        .is_some_and(|value| matches!(&**value, "external" | "nlb-ip"));
    let own = own || class.is_some_and(|class| INTERNAL_BY_DEFAULT.contains(&class));
    let said = [AWS_SCHEME, AWS_INTERNAL];
    own && !said.iter().any(|key| annotations.contains_key(*key))
}

/// How an Ingress is published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Publisher {
    /// A load balancer of the cloud, open to the internet.
    CloudPublic,
    /// A load balancer of the cloud inside its network, and what says so.
    CloudInternal(&'static str),
    /// Pods of this cluster.
    Controller,
}

/// Who publishes an Ingress of a class. No class is the cluster's default class.
pub(crate) fn ingress_publisher(
    class: Option<&str>,
    controller: Option<&str>,
    annotations: &Labels,
) -> Publisher {
    let is = |key: &str, value: &str| {
        annotations
            .get(key)
            .is_some_and(|v| v.eq_ignore_ascii_case(value))
    };
    let alb = "alb.ingress.kubernetes.io/scheme";
    // A class of any name is what its controller makes of it.
    let class = match controller {
        Some("ingress.k8s.aws/alb" | "eks.amazonaws.com/alb") => Some("alb"),
        Some("azure/application-gateway") => Some("azure-application-gateway"),
        _ => class,
    };
    match class {
        Some("alb") | None if is(alb, "internet-facing") => Publisher::CloudPublic,
        Some("alb") => {
            Publisher::CloudInternal("the ALB scheme is internal unless internet-facing is said")
        }
        Some("gce-internal") => {
            Publisher::CloudInternal("class gce-internal is an internal load balancer")
        }
        Some("private-iks-k8s-nginx") => {
            Publisher::CloudInternal("class private-iks-k8s-nginx is a private load balancer")
        }
        Some("gce") => Publisher::CloudPublic,
        Some("azure-application-gateway" | "azure/application-gateway") => {
            if is("appgw.ingress.kubernetes.io/use-private-ip", "true") {
                Publisher::CloudInternal("annotation use-private-ip")
            } else {
                Publisher::CloudPublic
            }
        }
        _ => Publisher::Controller,
    }
}

/// Annotations of Ingresses that hold a list of source ranges.
pub(crate) const INGRESS_RANGES: [&str; 6] = [
    "nginx.ingress.kubernetes.io/whitelist-source-range",
    "nginx.ingress.kubernetes.io/allowlist-source-range",
    "alb.ingress.kubernetes.io/inbound-cidrs",
    "haproxy.org/allow-list",
    "haproxy-ingress.github.io/allowlist-source-range",
    "ingress.kubernetes.io/whitelist-source-range",
];

/// (word in the class name, parts of image names and values of `app.kubernetes.io/name` or `app` that
/// show a pod of that controller which takes the traffic).
const CONTROLLERS: [(&str, &[&str]); 13] = [
    (
        "nginx",
        &["ingress-nginx", "nginx-ingress", "kubernetes-ingress-nginx"],
    ),
    ("traefik", &["traefik"]),
    (
        "haproxy",
        &["haproxy-ingress", "kubernetes-ingress", "haproxytech"],
    ),
    ("kong", &["kong"]),
    ("contour", &["envoy", "contour"]),
    ("istio", &["istio-ingressgateway", "istio-ingress"]),
    ("ambassador", &["ambassador", "emissary"]),
    ("apisix", &["apisix"]),
    ("skipper", &["skipper"]),
    ("higress", &["higress-gateway"]),
    ("openshift", &["haproxy-router", "router-default"]),
    ("voyager", &["voyager"]),
    ("pomerium", &["pomerium"]),
];

/// The family of controllers that an ingress class names.
pub(crate) fn controller_family(class: &str) -> Option<usize> {
    let class = class.to_ascii_lowercase();
    CONTROLLERS
        .iter()
        .position(|(word, _)| class.contains(word))
}

/// The families that a name or an image of a workload shows.
pub(crate) fn families_of<'a>(
    names: impl Iterator<Item = &'a str> + Clone,
) -> impl Iterator<Item = usize> {
    CONTROLLERS
        .iter()
        .enumerate()
        .filter(move |(_, (_, signs))| {
            names
                .clone()
                .any(|name| signs.iter().any(|sign| name.contains(sign)))
        })
        .map(|(family, _)| family)
}

/// Gateway classes whose load balancers are internal.
pub(crate) fn internal_gateway_class(class: &str) -> bool {
    class.contains("internal") || class.contains("rilb")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(pairs: &[(&str, &str)]) -> Labels {
        pairs
            .iter()
            .map(|(k, v)| ((*k).into(), (*v).into()))
            .collect()
    }

    #[test]
    fn annotations_make_load_balancers_internal() {
        let aws = AWS_INTERNAL;
        for (key, value, expected) in [
            (aws, "true", true),
            (aws, "0.0.0.0/0", true),
            (aws, "10.0.0.0/8", true),
            (aws, "false", false),
            (aws, "", false),
            (AWS_SCHEME, "internal", true),
            (AWS_SCHEME, "internet-facing", false),
            ("networking.gke.io/load-balancer-type", "Internal", true),
            ("cloud.google.com/load-balancer-type", "Internal", true),
            ("cloud.google.com/load-balancer-type", "External", false),
            (
                "service.beta.kubernetes.io/azure-load-balancer-internal",
                "true",
                true,
            ),
            (
                "service.beta.kubernetes.io/azure-load-balancer-internal",
                "false",
                false,
            ),
            (
                "service.beta.kubernetes.io/oci-load-balancer-internal",
                "true",
                true,
            ),
            (
                "oci-network-load-balancer.oraclecloud.com/internal",
                "true",
                true,
            ),
            (
                "service.beta.kubernetes.io/openstack-internal-load-balancer",
                "true",
                true,
            ),
            (
                "service.beta.kubernetes.io/alibaba-cloud-loadbalancer-address-type",
                "intranet",
                true,
            ),
            (
                "service.beta.kubernetes.io/alibaba-cloud-loadbalancer-address-type",
                "internet",
                false,
            ),
            (
                "service.beta.kubernetes.io/do-loadbalancer-network",
                "INTERNAL",
                true,
            ),
            (
                "service.beta.kubernetes.io/do-loadbalancer-network",
                "EXTERNAL",
                false,
            ),
            (
                "service.kubernetes.io/ibm-load-balancer-cloud-provider-ip-type",
                "private",
                true,
            ),
            (
                "service.kubernetes.io/ibm-load-balancer-cloud-provider-ip-type",
                "public",
                false,
            ),
            (
                "service.kubernetes.io/qcloud-loadbalancer-internal-subnetid",
                "subnet-1",
                true,
            ),
            ("kubernetes.io/elb.autocreate", r#"{"type": "inner"}"#, true),
            (
                "kubernetes.io/elb.autocreate",
                r#"{"type": "public"}"#,
                false,
            ),
            (
                "service.beta.kubernetes.io/scw-loadbalancer-private",
                "true",
                true,
            ),
            (
                "load-balancer.hetzner.cloud/disable-public-network",
                "true",
                true,
            ),
            ("yandex.cloud/load-balancer-type", "internal", true),
            ("yandex.cloud/load-balancer-type", "external", false),
            ("lb.stackit.cloud/internal-lb", "true", true),
            ("example.com/internal", "true", false),
        ] {
            assert_eq!(
                internal_load_balancer(&labels(&[(key, value)])).is_some(),
                expected,
                "{key}: {value}"
            );
        }
    }

    #[test]
    fn classes_have_publishers() {
        for (class, annotation, expected) in [
            (
                Some("alb"),
                ("alb.ingress.kubernetes.io/scheme", "internet-facing"),
                Publisher::CloudPublic,
            ),
            (Some("gce"), ("a", "b"), Publisher::CloudPublic),
            (Some("nginx"), ("a", "b"), Publisher::Controller),
            (None, ("a", "b"), Publisher::Controller),
        ] {
            assert_eq!(
                ingress_publisher(class, None, &labels(&[annotation])),
                expected,
                "{class:?} {annotation:?}"
            );
        }
        for class in ["alb", "gce-internal"] {
            assert!(
                matches!(
                    ingress_publisher(Some(class), None, &labels(&[])),
                    Publisher::CloudInternal(_)
                ),
                "{class}"
            );
        }
    }
}
