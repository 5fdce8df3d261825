//! Names of API resources: what `deploy`, `Deployment` and `deployments.apps` mean.
//! Comes in: a name as a person or a role writes it, the CRDs of a Snapshot. Goes out: group and resource.
//! Never: a guess between two.
//!
//! Source: the discovery documents of Kubernetes 1.20 to 1.37, and resources that only the authorizer knows.

use crate::lens::Lens;
use crate::rbac::GROUP as RBAC;
use model::snapshot::Snapshot;
use model::text::Text;

/// One row: group, resource, kind, short names, whether its objects have a namespace.
type Row = (
    &'static str,
    &'static str,
    &'static str,
    &'static [&'static str],
    bool,
);

const ADMISSION: &str = "admissionregistration.k8s.io";
const AUTHENTICATION: &str = "authentication.k8s.io";
const AUTHORIZATION: &str = "authorization.k8s.io";
const CERTIFICATES: &str = "certificates.k8s.io";
const FLOW: &str = "flowcontrol.apiserver.k8s.io";
const NETWORKING: &str = "networking.k8s.io";
const RESOURCE: &str = "resource.k8s.io";
const STORAGE: &str = "storage.k8s.io";

/// In the order in which an unqualified name is looked up.
#[rustfmt::skip]
const BUILT_IN: &[Row] = &[
    ("", "bindings", "Binding", &[], true),
    ("", "componentstatuses", "ComponentStatus", &["cs"], false),
    ("", "configmaps", "ConfigMap", &["cm"], true),
    ("", "endpoints", "Endpoints", &["ep"], true),
    ("", "events", "Event", &["ev"], true),
    ("", "limitranges", "LimitRange", &["limits"], true),
    ("", "namespaces", "Namespace", &["ns"], false),
    ("", "nodes", "Node", &["no"], false),
    ("", "persistentvolumeclaims", "PersistentVolumeClaim", &["pvc"], true),
    ("", "persistentvolumes", "PersistentVolume", &["pv"], false),
    ("", "pods", "Pod", &["po"], true),
    ("", "podtemplates", "PodTemplate", &[], true),
    ("", "replicationcontrollers", "ReplicationController", &["rc"], true),
    ("", "resourcequotas", "ResourceQuota", &["quota"], true),
    ("", "secrets", "Secret", &[], true),
    ("", "serviceaccounts", "ServiceAccount", &["sa"], true),
    ("", "services", "Service", &["svc"], true),
    ("apps", "controllerrevisions", "ControllerRevision", &[], true),
    ("apps", "daemonsets", "DaemonSet", &["ds"], true),
    ("apps", "deployments", "Deployment", &["deploy"], true),
    ("apps", "replicasets", "ReplicaSet", &["rs"], true),
    ("apps", "statefulsets", "StatefulSet", &["sts"], true),
    ("batch", "cronjobs", "CronJob", &["cj"], true),
    ("batch", "jobs", "Job", &[], true),
    ("autoscaling", "horizontalpodautoscalers", "HorizontalPodAutoscaler", &["hpa"], true),
    ("policy", "poddisruptionbudgets", "PodDisruptionBudget", &["pdb"], true),
    ("policy", "podsecuritypolicies", "PodSecurityPolicy", &["psp"], false),
    (NETWORKING, "ingresses", "Ingress", &["ing"], true),
    (NETWORKING, "ingressclasses", "IngressClass", &[], false),
    (NETWORKING, "networkpolicies", "NetworkPolicy", &["netpol"], true),
    (NETWORKING, "ipaddresses", "IPAddress", &["ip"], false),
    (NETWORKING, "servicecidrs", "ServiceCIDR", &[], false),
    (RBAC, "clusterrolebindings", "ClusterRoleBinding", &[], false),
    (RBAC, "clusterroles", "ClusterRole", &[], false),
    (RBAC, "rolebindings", "RoleBinding", &[], true),
    (RBAC, "roles", "Role", &[], true),
    (ADMISSION, "mutatingadmissionpolicies", "MutatingAdmissionPolicy", &[], false),
    (ADMISSION, "mutatingadmissionpolicybindings", "MutatingAdmissionPolicyBinding", &[], false),
    (ADMISSION, "mutatingwebhookconfigurations", "MutatingWebhookConfiguration", &[], false),
    (ADMISSION, "validatingadmissionpolicies", "ValidatingAdmissionPolicy", &[], false),
    (ADMISSION, "validatingadmissionpolicybindings", "ValidatingAdmissionPolicyBinding", &[], false),
    (ADMISSION, "validatingwebhookconfigurations", "ValidatingWebhookConfiguration", &[], false),
    ("apiextensions.k8s.io", "customresourcedefinitions", "CustomResourceDefinition", &["crd", "crds"], false),
    ("apiregistration.k8s.io", "apiservices", "APIService", &[], false),
    (AUTHENTICATION, "selfsubjectreviews", "SelfSubjectReview", &[], false),
    (AUTHENTICATION, "tokenreviews", "TokenReview", &[], false),
    (AUTHORIZATION, "localsubjectaccessreviews", "LocalSubjectAccessReview", &[], true),
    (AUTHORIZATION, "selfsubjectaccessreviews", "SelfSubjectAccessReview", &[], false),
    (AUTHORIZATION, "selfsubjectrulesreviews", "SelfSubjectRulesReview", &[], false),
    (AUTHORIZATION, "subjectaccessreviews", "SubjectAccessReview", &[], false),
    (CERTIFICATES, "certificatesigningrequests", "CertificateSigningRequest", &["csr"], false),
    (CERTIFICATES, "clustertrustbundles", "ClusterTrustBundle", &[], false),
    (CERTIFICATES, "podcertificaterequests", "PodCertificateRequest", &[], true),
    ("coordination.k8s.io", "leases", "Lease", &[], true),
    ("coordination.k8s.io", "leasecandidates", "LeaseCandidate", &[], true),
    ("discovery.k8s.io", "endpointslices", "EndpointSlice", &[], true),
    ("events.k8s.io", "events", "Event", &["ev"], true),
    (FLOW, "flowschemas", "FlowSchema", &[], false),
    (FLOW, "prioritylevelconfigurations", "PriorityLevelConfiguration", &[], false),
    ("node.k8s.io", "runtimeclasses", "RuntimeClass", &[], false),
    (RESOURCE, "deviceclasses", "DeviceClass", &[], false),
    (RESOURCE, "devicetaintrules", "DeviceTaintRule", &[], false),
    (RESOURCE, "resourceclaims", "ResourceClaim", &[], true),
    (RESOURCE, "resourceclaimtemplates", "ResourceClaimTemplate", &[], true),
    (RESOURCE, "resourceslices", "ResourceSlice", &[], false),
    ("scheduling.k8s.io", "priorityclasses", "PriorityClass", &["pc"], false),
    (STORAGE, "csidrivers", "CSIDriver", &[], false),
    (STORAGE, "csinodes", "CSINode", &[], false),
    (STORAGE, "csistoragecapacities", "CSIStorageCapacity", &[], true),
    (STORAGE, "storageclasses", "StorageClass", &["sc"], false),
    (STORAGE, "volumeattachments", "VolumeAttachment", &[], false),
    (STORAGE, "volumeattributesclasses", "VolumeAttributesClass", &["vac"], false),
    // Served until 1.16 to 1.22.
    ("extensions", "daemonsets", "DaemonSet", &["ds"], true),
    ("extensions", "deployments", "Deployment", &["deploy"], true),
    ("extensions", "ingresses", "Ingress", &["ing"], true),
    ("extensions", "networkpolicies", "NetworkPolicy", &["netpol"], true),
    ("extensions", "podsecuritypolicies", "PodSecurityPolicy", &["psp"], false),
    ("extensions", "replicasets", "ReplicaSet", &["rs"], true),
    ("extensions", "replicationcontrollers", "ReplicationController", &["rc"], true),
    // Known to the authorizer only.
    ("", "users", "", &[], false),
    ("", "groups", "", &[], false),
    (AUTHENTICATION, "uids", "", &[], false),
    (AUTHENTICATION, "userextras", "", &[], false),
    (CERTIFICATES, "signers", "", &[], false),
];

/// A kind of objects that requests and rules name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Resource {
    pub group: Text,
    /// Plural, without a subresource.
    pub name: Text,
    /// `None`: not known.
    pub namespaced: Option<bool>,
}

struct Custom {
    resource: Resource,
    /// Singular, kind and short names, in lower case.
    aliases: Vec<Text>,
}

/// Built-in resources and those of a Snapshot's CRDs.
#[derive(Default)]
pub struct Resources {
    custom: Vec<Custom>,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ResourceError {
    #[error("no resource is called `{0}`; name its group too, as in `{0}.example.com`")]
    Unknown(String),
    #[error("`{asked}` is a resource of several groups: {groups}; name one, as in `{asked}.GROUP`")]
    Several { asked: String, groups: String },
}

impl Resources {
    pub fn of(snapshot: &Snapshot) -> Self {
        let mut lens = Lens::default();
        let mut custom = Vec::new();
        for object in snapshot.of_kind("apiextensions.k8s.io", "CustomResourceDefinition") {
            let read = lens.read(object, |lens, root| {
                let names = root.at(&["spec", "names"]);
                let mut aliases: Vec<Text> = ["singular", "kind"]
                    .iter()
                    .filter_map(|key| names.word(key))
                    .chain(names.texts("shortNames"))
                    .map(|alias| alias.to_ascii_lowercase().into())
                    .collect();
                aliases.sort_unstable();
                let name = names.word("plural")?;
                Some(Custom {
                    resource: Resource {
                        group: lens.word(root.get("spec").word("group")?),
                        name: lens.word(name),
                        namespaced: root.get("spec").word("scope").map(|s| s == "Namespaced"),
                    },
                    aliases,
                })
            });
            custom.extend(read.flatten());
        }
        custom.sort_by(|a, b| a.resource.cmp(&b.resource));
        custom.dedup_by(|a, b| a.resource == b.resource);
        Resources { custom }
    }

    /// What a person means by `pods`, `deploy`, `Deployment`, `deployments.apps`, `deployments.v1.apps`,
    /// `widgets.example.com`, `*`; no subresource.
    pub fn find(&self, asked: &str) -> Result<Resource, ResourceError> {
        if asked == "*" || asked.starts_with("*.") {
            let group = asked.strip_prefix("*.").unwrap_or("*");
            return Ok(Resource {
                group: group.into(),
                name: "*".into(),
                namespaced: None,
            });
        }
        let (name, group) = match asked.split_once('.') {
            Some((name, group)) => (name, Some(without_version(group))),
            None => (asked, None),
        };
        let name = name.to_ascii_lowercase();
        let built_in = BUILT_IN
            .iter()
            .find(|row| group.is_none_or(|group| group == row.0) && row_is_called(row, &name));
        if let Some(row) = built_in {
            return Ok(resource(row));
        }
        let mut found: Vec<&Resource> = Vec::new();
        for custom in &self.custom {
            let called = *custom.resource.name == *name
                || custom.aliases.iter().any(|alias| **alias == name);
            if called && group.is_none_or(|group| group == &*custom.resource.group) {
                found.push(&custom.resource);
            }
        }
        match (&*found, group) {
            ([one], _) => Ok((*one).clone()),
            ([], Some(group)) => Ok(Resource {
                group: group.into(),
                name: name.into(),
                namespaced: None,
            }),
            ([], None) => Err(ResourceError::Unknown(asked.to_owned())),
            (several, _) => {
                let groups: Vec<&str> = several.iter().map(|r| &*r.group).collect();
                Err(ResourceError::Several {
                    asked: asked.to_owned(),
                    groups: groups.join(", "),
                })
            }
        }
    }

    /// Whether objects of the resource have a namespace; `None`: not known.
    pub fn namespaced(&self, group: &str, name: &str) -> Option<bool> {
        let row = BUILT_IN.iter().find(|row| row.0 == group && row.1 == name);
        row.map(|row| row.4).or_else(|| {
            let custom = self.custom.iter().map(|custom| &custom.resource);
            custom
                .filter(|r| &*r.group == group && &*r.name == name)
                .find_map(|r| r.namespaced)
        })
    }

    /// Where a rule names a built-in resource in groups that do not have it: the group that does, or the name that was
    /// meant. `None`: nothing is wrong, or it is not known.
    pub fn misnamed(&self, groups: &[Text], name: &str) -> Option<Misnamed> {
        let known = |group: &str| BUILT_IN.iter().any(|row| row.0 == group);
        if name == "*" || groups.is_empty() || !groups.iter().all(|group| known(group)) {
            return None;
        }
        if BUILT_IN
            .iter()
            .any(|row| row.1 == name && groups.iter().any(|group| **group == *row.0))
        {
            return None;
        }
        if let Some(row) = BUILT_IN.iter().find(|row| row.1 == name) {
            return Some(Misnamed::Group(row.0));
        }
        let lower = name.to_ascii_lowercase();
        let row = BUILT_IN.iter().find(|row| row_is_called(row, &lower));
        row.map(|row| Misnamed::Name(row.1))
    }
}

/// What was meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Misnamed {
    Group(&'static str),
    Name(&'static str),
}

fn row_is_called(row: &Row, name: &str) -> bool {
    row.1 == name || row.2.to_ascii_lowercase() == name && !name.is_empty() || row.3.contains(&name)
}

fn resource(row: &Row) -> Resource {
    Resource {
        group: row.0.into(),
        name: row.1.into(),
        namespaced: Some(row.4),
    }
}

/// `v1.apps` -> `apps`, as kubectl takes it.
fn without_version(group: &str) -> &str {
    let (first, rest) = group.split_once('.').unwrap_or((group, ""));
    let version = first.strip_prefix('v').is_some_and(|rest| {
        rest.starts_with(|c: char| c.is_ascii_digit())
            && rest.chars().all(|c| c.is_ascii_alphanumeric())
    });
    if version { rest } else { group }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(asked: &str, group: &str, name: &str) {
        let found = Resources::default().find(asked).unwrap();
        assert_eq!((&*found.group, &*found.name), (group, name), "{asked}");
    }

    #[test]
    fn names_as_people_write_them() {
        check("pods", "", "pods");
        check("po", "", "pods");
        check("Pod", "", "pods");
        check("deploy", "apps", "deployments");
        check("deployment", "apps", "deployments");
        check("deployments.apps", "apps", "deployments");
        check("deployments.v1.apps", "apps", "deployments");
        check("deployments.extensions", "extensions", "deployments");
        check("networkpolicies", "networking.k8s.io", "networkpolicies");
        check("events", "", "events");
        check("events.events.k8s.io", "events.k8s.io", "events");
        check("widgets.example.com", "example.com", "widgets");
        check("users", "", "users");
        check("*", "*", "*");
        check("*.apps", "apps", "*");
    }

    #[test]
    fn unknown_names_are_no_answer() {
        let resources = Resources::default();
        for asked in ["widgets", "", "pod s", "\u{1b}"] {
            assert!(
                matches!(resources.find(asked), Err(ResourceError::Unknown(_))),
                "{asked}"
            );
        }
    }

    #[test]
    fn rules_that_name_nothing() {
        let resources = Resources::default();
        for (groups, name, expected) in [
            (&[""][..], "deployments", Some(Misnamed::Group("apps"))),
            (&["", "apps"], "deployments", None),
            (&[""], "pod", Some(Misnamed::Name("pods"))),
            (&["apps"], "Deployment", Some(Misnamed::Name("deployments"))),
            (&["example.com"], "deployments", None),
            (&["*"], "pod", None),
            (&[""], "widgets", None),
            (&[""], "*", None),
        ] {
            let groups: Vec<Text> = groups.iter().map(|group| Text::from(*group)).collect();
            assert_eq!(
                resources.misnamed(&groups, name),
                expected,
                "{groups:?} {name}"
            );
        }
    }
}
