//! What annotations say about load balancers and ingress controllers of the clouds.
//! Comes in: annotations, class names, images. Goes out: internal or public. Data, one row a fact.

use semantics::view::Labels;

/// (annotation, values that make the load balancer internal; empty: any value), from the providers'
/// documentation of `Service` annotations. Values are compared without case.
const INTERNAL: [(&str, &[&str]); 17] = [
    (
        "service.beta.kubernetes.io/aws-load-balancer-internal",
        &["true", "0.0.0.0/0"],
    ),
    (
        "service.beta.kubernetes.io/aws-load-balancer-scheme",
        &["internal"],
    ),
    ("networking.gke.io/load-balancer-type", &["internal"]),
    ("cloud.google.com/load-balancer-type", &["internal"]),
    (
        "service.beta.kubernetes.io/azure-load-balancer-internal",
        &["true"],
    ),
    (
        "service.beta.kubernetes.io/oci-load-balancer-internal",
        &["true"],
    ),
    (
        "oci-network-load-balancer.oraclecloud.com/internal",
        &["true"],
    ),
    (
        "service.beta.kubernetes.io/openstack-internal-load-balancer",
        &["true"],
    ),
    (
        "service.beta.kubernetes.io/alibaba-cloud-loadbalancer-address-type",
        &["intranet"],
    ),
    (
        "service.beta.kubernetes.io/alicloud-loadbalancer-address-type",
        &["intranet"],
    ),
    (
        "service.beta.kubernetes.io/do-loadbalancer-network",
        &["internal"],
    ),
    (
        "service.kubernetes.io/ibm-load-balancer-cloud-provider-ip-type",
        &["private"],
    ),
    (
        "service.kubernetes.io/qcloud-loadbalancer-internal-subnetid",
        &[],
    ),
    (
        "service.beta.kubernetes.io/cce-load-balancer-internal-vpc",
        &["true"],
    ),
    (
        "service.beta.kubernetes.io/scw-loadbalancer-private",
        &["true"],
    ),
    (
        "load-balancer.hetzner.cloud/disable-public-network",
        &["true"],
    ),
    ("yandex.cloud/load-balancer-type", &["internal"]),
];

/// The annotation that makes a load balancer internal.
pub(crate) fn internal_load_balancer(annotations: &Labels) -> Option<&'static str> {
    INTERNAL
        .iter()
        .find(|(key, values)| {
            annotations.get(*key).is_some_and(|value| {
                values.is_empty()
                    || values
                        .iter()
                        .any(|internal| internal.eq_ignore_ascii_case(value))
            })
        })
        .map(|(key, _)| *key)
}

/// The AWS Load Balancer Controller makes internal load balancers unless a scheme is said; its own
/// `--default-load-balancer-scheme` can change that.
pub(crate) fn internal_by_default(annotations: &Labels) -> Option<&'static str> {
    let key = "service.beta.kubernetes.io/aws-load-balancer-type";
    let own = annotations
        .get(key)
        .is_some_and(|value| matches!(&**value, "external" | "nlb-ip"));
    let said = annotations.contains_key("service.beta.kubernetes.io/aws-load-balancer-scheme");
    (own && !said).then_some(key)
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
pub(crate) fn ingress_publisher(class: Option<&str>, annotations: &Labels) -> Publisher {
    let is = |key: &str, value: &str| {
        annotations
            .get(key)
            .is_some_and(|v| v.eq_ignore_ascii_case(value))
    };
    let alb = "alb.ingress.kubernetes.io/scheme";
    match class {
        Some("alb") | None if is(alb, "internet-facing") => Publisher::CloudPublic,
        Some("alb") => {
            Publisher::CloudInternal("the ALB scheme is internal unless internet-facing is said")
        }
        Some("gce-internal") => {
            Publisher::CloudInternal("class gce-internal is an internal load balancer")
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
        for (key, value, expected) in [
            (
                "service.beta.kubernetes.io/aws-load-balancer-internal",
                "true",
                true,
            ),
            (
                "service.beta.kubernetes.io/aws-load-balancer-internal",
                "false",
                false,
            ),
            (
                "service.beta.kubernetes.io/aws-load-balancer-scheme",
                "internal",
                true,
            ),
            (
                "service.beta.kubernetes.io/aws-load-balancer-scheme",
                "internet-facing",
                false,
            ),
            ("networking.gke.io/load-balancer-type", "Internal", true),
            ("cloud.google.com/load-balancer-type", "Internal", true),
            ("cloud.google.com/load-balancer-type", "External", false),
            (
                "service.beta.kubernetes.io/azure-load-balancer-internal",
                "true",
                true,
            ),
            (
                "service.beta.kubernetes.io/oci-load-balancer-internal",
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
                "service.kubernetes.io/qcloud-loadbalancer-internal-subnetid",
                "subnet-1",
                true,
            ),
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
                ingress_publisher(class, &labels(&[annotation])),
                expected,
                "{class:?} {annotation:?}"
            );
        }
        for class in ["alb", "gce-internal"] {
            assert!(
                matches!(
                    ingress_publisher(Some(class), &labels(&[])),
                    Publisher::CloudInternal(_)
                ),
                "{class}"
            );
        }
    }
}
