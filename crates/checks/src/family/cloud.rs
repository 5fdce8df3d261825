//! CLD: what managed clusters show of themselves, and pods of their cloud.

use crate::component::Components;
use crate::rule::Mapping::{Attack, Cis, Microsoft, Owasp};
use crate::rule::{Containers, Fix, Form, Rule, Scope};
use crate::test::{Test, Value, object, this};
use crate::world::{Sink, World, read};
use model::action::FixClass::Breaking;
use model::object::ObjectRef;
use model::vulnerability::Severity::{High, Low, Medium};
use model::workload::WorkloadState;

const CLASSES: Scope = Scope::Objects(&[("storage.k8s.io", "StorageClass")]);

pub(crate) static RULES: &[Rule] = &[
    Rule {
        id: "KP-CLD-001",
        slug: "aws-auth-masters",
        severity: High,
        title: "roles of the cloud are administrators of the cluster for ever",
        why: "system:masters is asked for nothing: no role can take it away, and whoever may become the IAM role, or write this \
              ConfigMap, owns the cluster",
        advice: "map the role to a group of your own and bind that; access entries of EKS replace the ConfigMap",
        maps: &[Cis("5.1.7"), Attack("T1078.004"), Owasp("K08")],
        form: Form::World(aws_auth),
        ..Rule::ROW
    },
    Rule {
        id: "KP-CLD-002",
        slug: "node-identity-open",
        severity: Medium,
        title: "pods of the node read its cloud credentials",
        why: "without GKE's metadata server every pod that reaches the metadata address is the node in the cloud: it reads \
              images, logs and often every bucket of the project",
        advice: "gcloud container node-pools update POOL --cluster NAME --workload-metadata=GKE_METADATA",
        maps: &[
            Attack("T1552.005"),
            Microsoft("Instance Metadata API"),
            Owasp("K08"),
        ],
        form: Form::World(metadata_server),
        ..Rule::ROW
    },
    Rule {
        id: "KP-CLD-003",
        slug: "node-with-public-address",
        severity: Low,
        title: "node has an address on the Internet",
        why: "only the firewall of the cloud stands before its kubelet, its node ports and pods in its network",
        advice: "make node pools with private addresses",
        maps: &[Attack("T1133"), Owasp("K06")],
        form: Form::World(public_nodes),
        ..Rule::ROW
    },
    Rule {
        id: "KP-CLD-004",
        slug: "cloud-identity-by-interception",
        severity: Medium,
        title: "cloud identities are handed out by a program that nobody maintains",
        why: "kube2iam, kiam and AAD Pod Identity ended: they decide by the address of a pod which role it gets, and their nodes \
              may take every role",
        advice: "use IAM roles for service accounts, EKS Pod Identity, or Microsoft Entra Workload ID",
        maps: &[Attack("T1552.005"), Owasp("K08"), Owasp("K07")],
        form: Form::World(interceptors),
        ..Rule::ROW
    },
    Rule {
        id: "KP-CLD-005",
        slug: "cloud-key-in-environment",
        severity: Medium,
        title: "container logs in to the cloud with a lasting key",
        why: "a key does not expire, works from everywhere, and is read by whoever reads the environment or the Secret",
        advice: "give the service account a cloud identity: the token it gets lasts an hour and works for this pod",
        maps: &[
            Attack("T1552.001"),
            Microsoft("Access cloud resources"),
            Owasp("K08"),
        ],
        form: Form::Each {
            scope: Scope::ContainerItems(Containers::All, "env"),
            violated: Test::In(
                this(&["name"]),
                &[
                    "AWS_SECRET_ACCESS_KEY",
                    "AZURE_CLIENT_SECRET",
                    "ARM_CLIENT_SECRET",
                    "GOOGLE_APPLICATION_CREDENTIALS",
                    "GOOGLE_CREDENTIALS",
                ],
            ),
            at: this(&["name"]),
        },
        ..Rule::ROW
    },
    Rule {
        id: "KP-CLD-006",
        slug: "storage-class-unencrypted",
        severity: Low,
        title: "volumes of the class are not asked to be encrypted",
        why: "EBS encrypts a volume where the class or the account's default says so; snapshots of the others are readable to \
              whoever they are shared with",
        advice: "set parameters.encrypted to \"true\"; a class is not changed but made anew",
        maps: &[Attack("T1530"), Owasp("K08")],
        form: Form::Each {
            scope: CLASSES,
            violated: Test::All(&[
                Test::In(
                    object(&["provisioner"]),
                    &["ebs.csi.aws.com", "kubernetes.io/aws-ebs"],
                ),
                Test::Not(&Test::Is(
                    object(&["parameters", "encrypted"]),
                    Value::Text("true"),
                )),
            ]),
            at: object(&["parameters", "encrypted"]),
        },
        fix: Fix::Set(object(&["parameters", "encrypted"]), "\"true\"", Breaking),
        ..Rule::ROW
    },
];

/// The ConfigMap that older EKS clusters map roles of IAM with; its texts are kept, they hold names only.
fn aws_auth(world: &World<'_>, sink: &mut Sink<'_>) {
    let wanted = ObjectRef::new("", "ConfigMap", Some("kube-system"), "aws-auth");
    let Some(at) = world.at(&wanted) else { return };
    let Some(map) = world.snapshot.objects.get(at as usize) else {
        return;
    };
    read(map, |root| {
        for key in ["mapRoles", "mapUsers"] {
            let Some(text) = root.get("data").text(key) else {
                continue;
            };
            sink.looked(1);
            let masters = text.lines().filter(|line| {
                let line = line.split('#').next().unwrap_or_default();
                line.split(|c: char| !(c.is_ascii_alphanumeric() || c == ':' || c == '-'))
                    .any(|word| word == "system:masters")
            });
            let pointer = format!("/data/{key}");
            match masters.count() {
                0 => {}
                1 => sink.object(
                    world,
                    at,
                    &*pointer,
                    format!("{pointer} gives system:masters"),
                ),
                n => sink.object(
                    world,
                    at,
                    &*pointer,
                    format!("{pointer} gives system:masters {n} times"),
                ),
            }
        }
    });
}

/// Nodes of GKE carry a label where the metadata server stands before the node's own.
fn metadata_server(world: &World<'_>, sink: &mut Sink<'_>) {
    if Components::provider_of(world) != Some("Google GKE") {
        return;
    }
    for node in &world.inventory.nodes {
        sink.looked(1);
        let label = "iam.gke.io/gke-metadata-server-enabled";
        if node
            .labels
            .get(label)
            .is_none_or(|value| &**value != "true")
        {
            let object = ObjectRef::new("", "Node", None, &node.name);
            sink.about(
                world,
                &object,
                "/metadata/labels",
                format!("its label {label} is not true"),
            );
        }
    }
}

fn public_nodes(world: &World<'_>, sink: &mut Sink<'_>) {
    for node in &world.inventory.nodes {
        sink.looked(1);
        if let Some(ip) = node.external_ips.first() {
            let object = ObjectRef::new("", "Node", None, &node.name);
            sink.about(
                world,
                &object,
                "/status/addresses",
                format!("its external address is {ip}"),
            );
        }
    }
}

/// By the end of the image's repository: mirrors keep it.
const INTERCEPTORS: &[&str] = &["kube2iam", "uswitch/kiam", "aad-pod-identity/nmi"];

fn interceptors(world: &World<'_>, sink: &mut Sink<'_>) {
    let inventory = world.inventory;
    for view in &inventory.workloads {
        if view.workload.state == WorkloadState::History {
            continue;
        }
        let template = inventory.templates.get(view.template as usize);
        for (container, own) in template
            .iter()
            .flat_map(|template| &template.containers)
            .zip(&view.workload.containers)
        {
            sink.looked(1);
            let Some(reference) = &own.reference else {
                continue;
            };
            let named = INTERCEPTORS.iter().any(|name| {
                let repository = &*reference.repository;
                repository == *name || repository.ends_with(&format!("/{name}"))
            });
            if named {
                let pointer = format!("{}{}/image", view.spec_pointer, container.pointer);
                sink.about(
                    world,
                    &view.workload.object,
                    pointer,
                    format!("its image is {reference}"),
                );
            }
        }
    }
}
