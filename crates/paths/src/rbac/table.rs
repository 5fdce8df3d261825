//! The dangerous primitives of RBAC: what each needs, and where it leads.
//! Comes in: nothing. Goes out: one static table. Never: a condition that is not the API server's own.
//!
//! Sources: `plugin/pkg/auth/authorizer/rbac`, `pkg/registry/rbac` (escalation checks), the admission plugins
//! `CertificateApproval`, `CertificateSigning`, `PodSecurity`; the probabilities are stated priors.

use model::text::Text;
use semantics::gates::{MUTATING_ADMISSION_POLICY_SINCE, STREAMS_NEED_CREATE_SINCE};

/// One right that a primitive needs: any of the verbs on any of the resources.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Need {
    pub(crate) verbs: &'static [&'static str],
    /// (API group, resource or resource/subresource).
    pub(crate) on: &'static [(&'static str, &'static str)],
    /// Of the whole cluster only: a RoleBinding does not give it.
    pub(crate) cluster: bool,
    /// Names without which the right is of no use here; empty: any name is.
    pub(crate) about: &'static [&'static str],
}

/// Where a primitive leads, in the scope of its rights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Aim {
    /// Cluster-admin, or admin of the namespace.
    Everything,
    ClusterAdmin,
    /// A ClusterRole, or a Role, that the subject itself is bound to.
    OwnClusterRole,
    OwnRole,
    /// The rules of ClusterRoles, or Roles, that it may bind.
    BoundInCluster,
    BoundInNamespace,
    BoundRoles,
    /// Service accounts of the scope, or the named ones.
    Accounts,
    /// Users that bindings name.
    Users,
    /// Groups that bindings name, and `system:masters`.
    Groups,
    /// Any user and group of a client certificate, but `system:masters`.
    Certificate,
    /// Identities of nodes.
    Kubelet,
    /// Secrets of the scope, or the named ones.
    Secrets,
    /// A pod of the attacker's own making.
    Created,
    /// Processes of pods that are there.
    Pods,
    /// Ports of pods, whatever policies say.
    Endpoints,
    Machines,
    /// What all pods there will look like: their creation is rewritten.
    Traffic,
    Admission,
    /// Where pods are placed: it leads on only together with a node that was taken.
    Placement,
    /// Of no use alone: the API server asks for a second right.
    Latent,
    /// The configuration by which a part of the cluster is trusted: by the named ConfigMap.
    Trust,
    Deputy(usize),
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Primitive {
    /// Stable kind of the edge.
    pub(crate) kind: &'static str,
    /// Of MITRE ATT&CK for containers; empty where none fits.
    pub(crate) technique: &'static str,
    /// What it lets one do, after "may".
    pub(crate) may: &'static str,
    pub(crate) needs: &'static [Need],
    pub(crate) aim: Aim,
    /// P(it works | the rights are there): low, expected, high.
    pub(crate) odds: (f64, f64, f64),
    /// Minor versions in which it works, both ends included.
    pub(crate) minors: (u16, u16),
}

const fn need(verbs: &'static [&'static str], on: &'static [(&'static str, &'static str)]) -> Need {
    Need {
        verbs,
        on,
        cluster: false,
        about: &[],
    }
}

const fn cluster(need: Need) -> Need {
    Need {
        cluster: true,
        ..need
    }
}

const fn about(names: &'static [&'static str], need: Need) -> Need {
    Need {
        about: names,
        ..need
    }
}

const fn primitive(
    kind: &'static str,
    technique: &'static str,
    may: &'static str,
    needs: &'static [Need],
    aim: Aim,
    odds: (f64, f64, f64),
) -> Primitive {
    Primitive {
        kind,
        technique,
        may,
        needs,
        aim,
        odds,
        minors: (0, u16::MAX),
    }
}

const fn since(minor: u16, primitive: Primitive) -> Primitive {
    Primitive {
        minors: (minor, primitive.minors.1),
        ..primitive
    }
}

const fn until(minor: u16, primitive: Primitive) -> Primitive {
    Primitive {
        minors: (primitive.minors.0, minor),
        ..primitive
    }
}

const fn sure(p: f64) -> (f64, f64, f64) {
    (p, p, p)
}

const RBAC: &str = "rbac.authorization.k8s.io";
const CERTIFICATES: &str = "certificates.k8s.io";
const ADMISSION: &str = "admissionregistration.k8s.io";
const READ: &[&str] = &["list", "watch"];
const WRITE: &[&str] = &["update", "patch"];
pub(super) const MAKE: &[&str] = &["create", "update", "patch"];
const REMOVE: &[&str] = &["update", "patch", "delete", "deletecollection"];

const CREATE_PODS: Need = need(
    &["create"],
    &[
        ("", "pods"),
        ("", "replicationcontrollers"),
        ("apps", "deployments"),
        ("apps", "daemonsets"),
        ("apps", "statefulsets"),
        ("apps", "replicasets"),
        ("batch", "jobs"),
        ("batch", "cronjobs"),
    ],
);
/// The template of a Job is immutable.
const CHANGE_PODS: Need = need(
    WRITE,
    &[
        ("", "replicationcontrollers"),
        ("apps", "deployments"),
        ("apps", "daemonsets"),
        ("apps", "statefulsets"),
        ("apps", "replicasets"),
        ("batch", "cronjobs"),
    ],
);
const CREATE_CSR: Need = cluster(need(
    &["create"],
    &[(CERTIFICATES, "certificatesigningrequests")],
));
const APPROVE_CSR: Need = cluster(need(
    WRITE,
    &[(CERTIFICATES, "certificatesigningrequests/approval")],
));
const CLIENT_SIGNER: &[&str] = &["kubernetes.io/kube-apiserver-client", "kubernetes.io/*"];
const KUBELET_SIGNER: &[&str] = &[
    "kubernetes.io/kube-apiserver-client-kubelet",
    "kubernetes.io/*",
];
const SIGNERS: &[(&str, &str)] = &[(CERTIFICATES, "signers")];
const STREAMS: &[(&str, &str)] = &[("", "pods/exec"), ("", "pods/attach")];

pub(crate) const PRIMITIVES: &[Primitive] = &[
    primitive(
        "RBAC_WILDCARD",
        "T1098.006",
        "do everything",
        &[need(&["*"], &[("*", "*")])],
        Aim::Everything,
        sure(1.0),
    ),
    primitive(
        "ROLE_ESCALATE",
        "T1098.006",
        "write more rights than it has into its own ClusterRole",
        &[
            cluster(need(&["escalate"], &[(RBAC, "clusterroles")])),
            cluster(need(WRITE, &[(RBAC, "clusterroles")])),
        ],
        Aim::OwnClusterRole,
        sure(0.95),
    ),
    primitive(
        "ROLE_ESCALATE",
        "T1098.006",
        "write more rights than it has into its own Role",
        &[
            need(&["escalate"], &[(RBAC, "roles")]),
            need(WRITE, &[(RBAC, "roles")]),
        ],
        Aim::OwnRole,
        sure(0.95),
    ),
    primitive(
        "ROLE_BIND",
        "T1098.006",
        "bind ClusterRoles in the whole cluster that it does not hold",
        &[
            cluster(need(&["bind"], &[(RBAC, "clusterroles")])),
            cluster(need(MAKE, &[(RBAC, "clusterrolebindings")])),
        ],
        Aim::BoundInCluster,
        sure(0.95),
    ),
    primitive(
        "ROLE_BIND",
        "T1098.006",
        "bind ClusterRoles in a namespace that it does not hold",
        &[
            need(&["bind"], &[(RBAC, "clusterroles")]),
            need(MAKE, &[(RBAC, "rolebindings")]),
        ],
        Aim::BoundInNamespace,
        sure(0.95),
    ),
    primitive(
        "ROLE_BIND",
        "T1098.006",
        "bind Roles of the namespace that it does not hold",
        &[
            need(&["bind"], &[(RBAC, "roles")]),
            need(MAKE, &[(RBAC, "rolebindings")]),
        ],
        Aim::BoundRoles,
        sure(0.95),
    ),
    primitive(
        "BINDING_WRITE",
        "",
        "bind to others what it holds itself",
        &[need(
            MAKE,
            &[(RBAC, "rolebindings"), (RBAC, "clusterrolebindings")],
        )],
        Aim::Latent,
        sure(1.0),
    ),
    primitive(
        "IDENTITY_IMPERSONATE",
        "T1078",
        "impersonate users",
        &[cluster(need(&["impersonate"], &[("", "users")]))],
        Aim::Users,
        sure(0.95),
    ),
    primitive(
        "IDENTITY_IMPERSONATE",
        "T1078",
        "impersonate groups",
        &[
            cluster(need(&["impersonate"], &[("", "groups")])),
            // A group is impersonated together with a user or a service account.
            need(&["impersonate"], &[("", "users"), ("", "serviceaccounts")]),
        ],
        Aim::Groups,
        sure(0.95),
    ),
    primitive(
        "IDENTITY_IMPERSONATE",
        "T1078",
        "impersonate service accounts",
        &[need(&["impersonate"], &[("", "serviceaccounts")])],
        Aim::Accounts,
        sure(0.95),
    ),
    primitive(
        "TOKEN_REQUEST",
        "T1098",
        "make tokens of service accounts",
        &[need(&["create"], &[("", "serviceaccounts/token")])],
        Aim::Accounts,
        sure(0.95),
    ),
    primitive(
        "TOKEN_LIST",
        "T1552.007",
        "list Secrets",
        &[need(READ, &[("", "secrets")])],
        Aim::Secrets,
        sure(1.0),
    ),
    primitive(
        "TOKEN_BRUTEFORCE",
        "T1552.007",
        "get Secrets whose names it knows or guesses",
        &[need(&["get"], &[("", "secrets")])],
        Aim::Secrets,
        (0.3, 0.6, 1.0),
    ),
    primitive(
        "SECRET_MINT",
        "T1552.007",
        "create a token Secret of a service account and read it",
        &[
            need(&["create"], &[("", "secrets")]),
            need(&["get", "list", "watch"], &[("", "secrets")]),
        ],
        Aim::Accounts,
        sure(0.95),
    ),
    primitive(
        "POD_CREATE",
        "T1610",
        "create pods",
        &[CREATE_PODS],
        Aim::Created,
        sure(0.95),
    ),
    primitive(
        "WORKLOAD_PATCH",
        "T1610",
        "change the pods of workloads",
        &[CHANGE_PODS],
        Aim::Created,
        sure(0.9),
    ),
    primitive(
        "POD_PATCH",
        "T1610",
        "change the images of pods",
        &[need(WRITE, &[("", "pods")])],
        Aim::Pods,
        sure(0.9),
    ),
    primitive(
        "POD_DEBUG",
        "T1609",
        "add containers to pods",
        &[need(WRITE, &[("", "pods/ephemeralcontainers")])],
        Aim::Pods,
        sure(0.9),
    ),
    primitive(
        "POD_EXEC",
        "T1609",
        "run commands in pods",
        &[need(&["create"], STREAMS)],
        Aim::Pods,
        sure(0.95),
    ),
    until(
        STREAMS_NEED_CREATE_SINCE - 1,
        primitive(
            "POD_EXEC",
            "T1609",
            "run commands in pods",
            &[need(&["get"], STREAMS)],
            Aim::Pods,
            sure(0.95),
        ),
    ),
    primitive(
        "PORT_FORWARD",
        "T1021",
        "open ports of pods past the policies",
        &[need(&["create"], &[("", "pods/portforward")])],
        Aim::Endpoints,
        sure(0.9),
    ),
    until(
        STREAMS_NEED_CREATE_SINCE - 1,
        primitive(
            "PORT_FORWARD",
            "T1021",
            "open ports of pods past the policies",
            &[need(&["get"], &[("", "pods/portforward")])],
            Aim::Endpoints,
            sure(0.9),
        ),
    ),
    primitive(
        "API_PROXY",
        "T1021",
        "reach pods and Services over the API server, past the policies",
        &[need(
            &["get", "create", "update", "patch", "delete"],
            &[("", "pods/proxy"), ("", "services/proxy")],
        )],
        Aim::Endpoints,
        sure(0.9),
    ),
    primitive(
        "NODE_PROXY",
        "T1609",
        "run commands in all pods over the kubelets",
        &[cluster(need(&["get", "create"], &[("", "nodes/proxy")]))],
        Aim::Pods,
        sure(0.9),
    ),
    primitive(
        "CSR_APPROVE",
        "T1098",
        "approve a client certificate for any user",
        &[
            CREATE_CSR,
            APPROVE_CSR,
            cluster(about(CLIENT_SIGNER, need(&["approve"], SIGNERS))),
        ],
        Aim::Certificate,
        sure(0.95),
    ),
    primitive(
        "CSR_APPROVE",
        "T1098",
        "approve a certificate of a node",
        &[
            CREATE_CSR,
            APPROVE_CSR,
            cluster(about(KUBELET_SIGNER, need(&["approve"], SIGNERS))),
        ],
        Aim::Kubelet,
        sure(0.9),
    ),
    primitive(
        "CSR_SIGN",
        "T1098",
        "sign client certificates, if it comes to hold the key of the authority",
        &[
            cluster(need(
                WRITE,
                &[(CERTIFICATES, "certificatesigningrequests/status")],
            )),
            cluster(about(CLIENT_SIGNER, need(&["sign"], SIGNERS))),
        ],
        Aim::Certificate,
        (0.01, 0.1, 0.95),
    ),
    primitive(
        "WEBHOOK_MUTATE",
        "T1546",
        "rewrite what others create, by a webhook",
        &[cluster(need(
            MAKE,
            &[(ADMISSION, "mutatingwebhookconfigurations")],
        ))],
        Aim::ClusterAdmin,
        sure(0.8),
    ),
    primitive(
        "WEBHOOK_READ",
        "T1546",
        "read all that others write, by a webhook",
        &[cluster(need(
            MAKE,
            &[(ADMISSION, "validatingwebhookconfigurations")],
        ))],
        Aim::Secrets,
        (0.1, 0.5, 0.9),
    ),
    since(
        MUTATING_ADMISSION_POLICY_SINCE,
        primitive(
            "POLICY_MUTATE",
            "T1546",
            "rewrite what others create, by an admission policy",
            &[
                cluster(need(MAKE, &[(ADMISSION, "mutatingadmissionpolicies")])),
                cluster(need(
                    MAKE,
                    &[(ADMISSION, "mutatingadmissionpolicybindings")],
                )),
            ],
            Aim::ClusterAdmin,
            (0.4, 0.7, 0.9),
        ),
    ),
    primitive(
        "ADMISSION_WEAKEN",
        "T1562.001",
        "switch off admission control",
        &[cluster(need(
            REMOVE,
            &[
                (ADMISSION, "validatingwebhookconfigurations"),
                (ADMISSION, "mutatingwebhookconfigurations"),
                (ADMISSION, "validatingadmissionpolicies"),
                (ADMISSION, "validatingadmissionpolicybindings"),
            ],
        ))],
        Aim::Admission,
        sure(0.9),
    ),
    primitive(
        "NAMESPACE_PATCH",
        "T1562.001",
        "take the Pod Security level off a namespace and create pods there",
        &[
            // A request on a namespace is asked in that namespace, so a RoleBinding gives it too.
            need(WRITE, &[("", "namespaces")]),
            CREATE_PODS,
        ],
        Aim::Machines,
        sure(0.9),
    ),
    primitive(
        "PV_CREATE",
        "T1611",
        "mount a folder of the node by a PersistentVolume, whatever Pod Security says",
        &[
            cluster(need(&["create"], &[("", "persistentvolumes")])),
            need(&["create"], &[("", "persistentvolumeclaims")]),
            CREATE_PODS,
        ],
        Aim::Machines,
        sure(0.9),
    ),
    primitive(
        "SCC_USE",
        "T1611",
        "create pods under a SecurityContextConstraints that opens the node",
        &[
            about(
                &[
                    "privileged",
                    "hostaccess",
                    "hostmount-anyuid",
                    "hostnetwork",
                    "hostnetwork-v2",
                    "node-exporter",
                ],
                need(
                    &["use"],
                    &[("security.openshift.io", "securitycontextconstraints")],
                ),
            ),
            CREATE_PODS,
        ],
        Aim::Machines,
        sure(0.9),
    ),
    until(
        24,
        primitive(
            "PSP_USE",
            "T1611",
            "create pods under a PodSecurityPolicy that it may use",
            &[
                need(
                    &["use"],
                    &[
                        ("policy", "podsecuritypolicies"),
                        ("extensions", "podsecuritypolicies"),
                    ],
                ),
                CREATE_PODS,
            ],
            Aim::Machines,
            (0.1, 0.5, 0.9),
        ),
    ),
    primitive(
        "NODE_WRITE",
        "",
        "change nodes, so that pods come where it wants them",
        &[cluster(need(
            &["update", "patch", "delete"],
            &[("", "nodes"), ("", "nodes/status")],
        ))],
        Aim::Placement,
        sure(0.5),
    ),
    primitive(
        "POD_EVICT",
        "",
        "drive pods from their nodes",
        &[
            need(
                &["create", "delete", "deletecollection"],
                &[("", "pods/eviction"), ("", "pods")],
            ),
            cluster(need(WRITE, &[("", "nodes"), ("", "nodes/status")])),
        ],
        Aim::Placement,
        sure(0.5),
    ),
    primitive(
        "POD_BIND",
        "",
        "place its pods on nodes of its choice, past the scheduler",
        &[
            need(&["create"], &[("", "pods/binding"), ("", "bindings")]),
            CREATE_PODS,
        ],
        Aim::Placement,
        sure(0.9),
    ),
    primitive(
        "TRAFFIC_STEER",
        "T1557",
        "lead traffic of Services to its own addresses",
        &[need(
            MAKE,
            &[
                ("", "endpoints"),
                ("discovery.k8s.io", "endpointslices"),
                ("", "services"),
                ("", "services/status"),
                ("", "pods/status"),
            ],
        )],
        Aim::Traffic,
        sure(0.7),
    ),
    primitive(
        "APISERVICE_WRITE",
        "T1557",
        "stand between clients and a part of the API",
        &[cluster(need(
            MAKE,
            &[("apiregistration.k8s.io", "apiservices")],
        ))],
        Aim::Traffic,
        sure(0.8),
    ),
    primitive(
        "CRD_CONVERT",
        "T1557",
        "read and rewrite custom resources by a conversion webhook",
        &[cluster(need(
            WRITE,
            &[("apiextensions.k8s.io", "customresourcedefinitions")],
        ))],
        Aim::Traffic,
        sure(0.5),
    ),
    primitive(
        "TRUST_WRITE",
        "",
        "change the configuration that the cluster trusts",
        &[need(MAKE, &[("", "configmaps")])],
        Aim::Trust,
        sure(0.9),
    ),
];

/// Whether a named right is of use to a need that is about certain names.
pub(crate) fn useful(need: &Need, names: &[Text]) -> bool {
    need.about.is_empty() || names.iter().any(|name| need.about.contains(&&**name))
}
