//! Typed, lenient views of the objects that later stages read. Made once per distinct pod template.
//! Values that the API server would default are resolved; values that nobody said stay `None`.

use crate::authorizer::Authorizer;
use crate::holdings::{BindingView, RoleView};
use ipnet::IpNet;
use model::evidence::{Gap, GapId};
use model::object::ObjectRef;
use model::text::Text;
use model::workload::{ContainerKind, Workload};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// Labels or selectors' equality part, ordered by key.
pub type Labels = BTreeMap<Text, Text>;

/// Everything that network, paths and scan read of a Snapshot. Vectors are ordered by namespace and name.
#[derive(Clone, Debug, Default)]
pub struct Inventory {
    pub workloads: Vec<WorkloadView>,
    /// Distinct pod templates.
    pub templates: Vec<PodSpec>,
    /// Pods that exist, without finished ones: live, or exported to files with a node and a phase.
    pub pods: Vec<Pod>,
    pub namespaces: Vec<Namespace>,
    pub nodes: Vec<Node>,
    pub services: Vec<Service>,
    pub ingresses: Vec<Ingress>,
    pub gateways: Vec<Gateway>,
    pub routes: Vec<Route>,
    /// IngressClasses, GatewayClasses.
    pub front_classes: Vec<FrontClass>,
    pub network_policies: Vec<NetworkPolicy>,
    /// Policies of administrators, by tier, priority and name.
    pub admin_policies: Vec<AdminPolicy>,
    /// By namespace and name; one for each rule set that selects pods.
    pub cilium_policies: Vec<CiliumPolicy>,
    pub calico: Calico,
    pub mesh: Mesh,
    /// Policies of all kinds but NetworkPolicy, as "may isolate".
    pub other_policies: Vec<OtherPolicy>,
    pub endpoint_slices: Vec<EndpointSlice>,
    /// Service accounts by (namespace, name).
    pub service_accounts: Vec<ServiceAccount>,
    /// Roles and bindings, for questions request by request.
    pub authorizer: Authorizer,
    /// Minor version of the cluster, or the one that files are judged by.
    pub minor: u16,
    pub secrets: Vec<Secret>,
    /// Whether a CNI that enforces NetworkPolicy is evidenced (rule 2): the DaemonSets or CRDs that show it; empty is "not evidenced".
    pub enforcing_cni: Vec<ObjectRef>,
    /// Bindings that belong to the cluster itself by label, name, role, subjects and rules, ordered: they cannot be cut (rules 15, 17).
    pub stock_bindings: Vec<ObjectRef>,
    /// Roles that were seen, and bindings, with the places of their parts: ClusterRoles first, then as the Snapshot.
    pub roles: Vec<RoleView>,
    pub bindings: Vec<BindingView>,
    /// Objects that the cluster itself is made of, unchanged, ordered: nobody needs to act on them (rule 17).
    pub provided: Vec<ObjectRef>,
    /// Workloads of files whose pods the Pod Security level of their namespace refuses, ordered. None of a live cluster:
    /// there pods run that were admitted before.
    pub refused: Vec<ObjectRef>,
    /// Workloads and CRDs that may publish workloads in ways that are not understood (cloudflared, ngrok, Traefik CRDs ... rule 2).
    pub tunnels: Vec<Tunnel>,
    /// Whether NetworkPolicies are enforced, as the user declared it; decides over `enforcing_cni`.
    pub network_enforced: Option<bool>,
    /// Services, Ingresses, Gateways and routes that the user declared to be internal, ordered.
    pub internal: Vec<ObjectRef>,
    /// Pod Security level of namespaces without a label, as the user declared it.
    pub pod_security_default: Option<Text>,
    /// Kinds that could not be listed completely (live), with the gap that says so: what is not there may still exist.
    pub unseen: BTreeMap<Text, GapId>,
    /// In the ledger as well.
    pub gaps: Vec<Gap>,
}

#[derive(Clone, Debug)]
pub struct WorkloadView {
    /// The noun that is reported. Its containers are parallel to the template's.
    pub workload: Workload,
    /// Index into [`Inventory::templates`].
    pub template: u32,
    /// Labels that its pods carry.
    pub pod_labels: Labels,
    /// Indices into [`Inventory::pods`]; empty from files that hold no exported pods.
    pub pods: Vec<u32>,
    /// Index into the Snapshot's objects of the root owner, if it was seen.
    pub object: Option<u32>,
    /// JSON pointer of the pod spec inside the root object: `/spec/template/spec`, `/spec` for pods; empty where the
    /// root has none that is known.
    pub spec_pointer: Text,
    /// A Job or CronJob or another workload that ends: it does not serve.
    pub batch: bool,
}

/// A pod spec with the defaults of the API server.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PodSpec {
    pub containers: Vec<ContainerSpec>,
    /// `default` where none is named.
    pub service_account: Text,
    /// As the pod says; `None`: the service account decides.
    pub automount_token: Option<bool>,
    pub host_network: bool,
    pub host_pid: bool,
    pub host_ipc: bool,
    /// `Some(false)`: the pod runs in a user namespace of its own.
    pub host_users: Option<bool>,
    pub share_process_namespace: bool,
    pub runtime_class: Option<Text>,
    pub windows: bool,
    /// A projected volume is there once for each token, Secret and ConfigMap in it.
    pub volumes: Vec<Volume>,
    pub node_name: Option<Text>,
    pub node_selector: Vec<(Text, Text)>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ContainerSpec {
    pub name: Text,
    pub kind: ContainerKind,
    pub image: Text,
    /// JSON pointer inside the pod spec, e.g. `/containers/0`; empty for containers that only pods have (injected, debug).
    pub pointer: Text,
    pub ports: Vec<ContainerPort>,
    pub security: Security,
    pub mounts: Vec<Mount>,
    /// Names of Secrets used by env, envFrom.
    pub secret_env: Vec<Text>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ContainerPort {
    pub name: Option<Text>,
    pub port: u16,
    /// 0 if none.
    pub host_port: u16,
    /// `TCP`, `UDP`, `SCTP`.
    pub protocol: Text,
}

/// Container security context after inheriting from the pod.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Security {
    pub privileged: bool,
    /// Defaults to true (also when privileged or CAP_SYS_ADMIN).
    pub allow_privilege_escalation: bool,
    /// `None`: the image decides.
    pub run_as_user: Option<i64>,
    pub run_as_non_root: Option<bool>,
    pub read_only_root: bool,
    /// Upper case without `CAP_`.
    pub added_capabilities: Vec<Text>,
    pub dropped_capabilities: Vec<Text>,
    /// `RuntimeDefault`, `Unconfined`, `Localhost`; `None`: unset.
    pub seccomp: Option<Text>,
    pub apparmor: Option<Text>,
    /// `Unmasked` or unset.
    pub proc_mount: Option<Text>,
    pub windows_host_process: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Mount {
    pub volume: Text,
    pub path: Text,
    pub read_only: bool,
    /// `recursiveReadOnly: Enabled`; without it, file systems mounted below the volume stay writable (KEP-3857).
    pub recursive_read_only: bool,
    /// `subPath`, or `subPathExpr` with its `$(NAME)`: what of the volume is mounted.
    pub sub_path: Option<Text>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Volume {
    pub name: Text,
    pub source: VolumeSource,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum VolumeSource {
    HostPath {
        path: Text,
    },
    Secret {
        name: Text,
    },
    ConfigMap {
        name: Text,
    },
    /// A projected service account token (expiry in seconds, if said).
    Token {
        expiration: Option<i64>,
    },
    /// A PersistentVolumeClaim whose volume is a hostPath or local volume, resolved where it was seen.
    Claim {
        name: Text,
        host_path: Option<Text>,
    },
    Other,
}

#[derive(Clone, Debug)]
pub struct Pod {
    pub namespace: Text,
    pub name: Text,
    pub labels: Labels,
    /// Index into the workloads.
    pub workload: u32,
    pub node: Option<Text>,
    pub ips: Vec<IpAddr>,
    /// (container name, image as the status names it, `imageID` as the kubelet gives it).
    pub running: Vec<(Text, Text, Text)>,
    /// Index into the Snapshot's objects.
    pub object: u32,
}

#[derive(Clone, Debug)]
pub struct Namespace {
    pub name: Text,
    pub labels: Labels,
    /// `false`: only named by other objects.
    pub seen: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    pub name: Text,
    pub labels: Labels,
    pub architecture: Option<Text>,
    pub os: Option<Text>,
    pub kernel: Option<Text>,
    pub os_image: Option<Text>,
    pub runtime: Option<Text>,
    pub kubelet: Option<Text>,
    pub internal_ips: Vec<IpAddr>,
    pub external_ips: Vec<IpAddr>,
}

#[derive(Clone, Debug)]
pub struct Service {
    pub namespace: Text,
    pub name: Text,
    pub labels: Labels,
    pub annotations: Labels,
    /// `ClusterIP`, `NodePort`, `LoadBalancer`, `ExternalName`.
    pub kind: Text,
    pub headless: bool,
    /// Empty: no selector, endpoints are managed by hand.
    pub selector: Labels,
    pub ports: Vec<ServicePort>,
    pub external_ips: Vec<Text>,
    /// `loadBalancerSourceRanges`, `service.beta.kubernetes.io/load-balancer-source-ranges`.
    pub source_ranges: Vec<IpNet>,
    /// Addresses or host names of `status.loadBalancer.ingress`.
    pub load_balancer: Vec<Text>,
    pub load_balancer_class: Option<Text>,
    pub external_traffic_local: bool,
}

#[derive(Clone, Debug)]
pub struct ServicePort {
    pub name: Option<Text>,
    pub port: u16,
    pub target: TargetPort,
    pub node_port: u16,
    pub protocol: Text,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum TargetPort {
    Number(u16),
    Name(Text),
}

#[derive(Clone, Debug)]
pub struct Ingress {
    pub namespace: Text,
    pub name: Text,
    pub class: Option<Text>,
    pub annotations: Labels,
    /// (host or empty, service, port number or name).
    pub backends: Vec<(Text, Text, TargetPort)>,
    pub load_balancer: Vec<Text>,
}

/// IngressClass or GatewayClass: which controller serves the objects that name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FrontClass {
    pub kind: Text,
    pub name: Text,
    /// `k8s.io/ingress-nginx`.
    pub controller: Text,
    /// Serves Ingresses that name no class.
    pub default: bool,
    /// More is said in another object, which is not read.
    pub parameters: bool,
}

/// Gateway of gateway.networking.k8s.io, or of networking.istio.io with class `istio`.
#[derive(Clone, Debug)]
pub struct Gateway {
    pub group: Text,
    pub namespace: Text,
    pub name: Text,
    pub class: Text,
    pub annotations: Labels,
    pub listeners: Vec<Listener>,
    pub addresses: Vec<Text>,
    /// Labels of the pods that serve it, in any namespace; empty where it does not say them.
    pub pods: Labels,
}

#[derive(Clone, Debug)]
pub struct Listener {
    pub name: Text,
    pub port: u16,
    pub protocol: Text,
    /// `*.example.com`; `None`: any.
    pub hostname: Option<Text>,
    /// Kinds of routes; empty: what the protocol allows.
    pub kinds: Vec<Text>,
    /// `Same`, `All`, `Selector`.
    pub allowed_from: Text,
    pub allowed_selector: Selector,
}

/// HTTPRoute, GRPCRoute, TLSRoute, TCPRoute, UDPRoute, and other routers that name Services (OpenShift Route).
#[derive(Clone, Debug)]
pub struct Route {
    pub kind: Text,
    pub group: Text,
    pub namespace: Text,
    pub name: Text,
    pub parents: Vec<Parent>,
    /// Empty: any.
    pub hostnames: Vec<Text>,
    /// A namespace other than the route's needs a ReferenceGrant.
    pub backends: Vec<Backend>,
    /// Backends in other namespaces that a ReferenceGrant allows, by index into `backends`.
    pub granted: Vec<u32>,
}

/// What a route wants to be attached to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parent {
    pub group: Text,
    /// `Gateway`; others are not understood.
    pub kind: Text,
    pub namespace: Text,
    pub name: Text,
    pub section: Option<Text>,
    pub port: Option<u16>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backend {
    pub namespace: Text,
    pub service: Text,
    pub port: BackendPort,
}

/// A port of a Service, as what stands before it names it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum BackendPort {
    Any,
    /// `port` of the Service.
    Number(u16),
    /// `name` of the Service's port.
    Name(Text),
    /// The pods' port.
    Target(u16),
}

/// What is known of a Secret without its values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Secret {
    pub namespace: Text,
    pub name: Text,
    /// `Opaque`, `kubernetes.io/tls`, `kubernetes.io/service-account-token`, `bootstrap.kubernetes.io/token` ...
    pub kind: Text,
    /// The service account whose token it holds.
    pub account: Option<Text>,
}

/// metav1.LabelSelector.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Selector {
    pub equals: Labels,
    pub expressions: Vec<Requirement>,
    /// An operator or shape that is not understood: matching is unknown.
    pub malformed: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Requirement {
    pub key: Text,
    /// `In`, `NotIn`, `Exists`, `DoesNotExist`.
    pub operator: Operator,
    pub values: Vec<Text>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operator {
    In,
    NotIn,
    Exists,
    DoesNotExist,
}

/// networking.k8s.io NetworkPolicy, ingress side in full, egress side as "isolates".
#[derive(Clone, Debug)]
pub struct NetworkPolicy {
    pub namespace: Text,
    pub name: Text,
    pub selector: Selector,
    pub isolates_ingress: bool,
    pub isolates_egress: bool,
    pub ingress: Vec<PolicyRule>,
    pub egress: Vec<PolicyRule>,
}

/// Peers empty: all peers. Ports empty: all ports and protocols.
#[derive(Clone, Debug)]
pub struct PolicyRule {
    pub peers: Vec<PolicyPeer>,
    pub ports: Vec<PolicyPort>,
}

#[derive(Clone, Debug)]
pub enum PolicyPeer {
    /// `namespaces: None` is the policy's own namespace.
    Pods {
        pods: Selector,
        namespaces: Option<Selector>,
    },
    Block {
        cidr: IpNet,
        except: Vec<IpNet>,
    },
}

#[derive(Clone, Debug)]
pub struct PolicyPort {
    pub protocol: Text,
    /// `None`: all ports of the protocol.
    pub port: Option<TargetPort>,
    pub end: Option<u16>,
}

/// AdminNetworkPolicy and BaselineAdminNetworkPolicy (policy.networking.k8s.io/v1alpha1), ClusterNetworkPolicy
/// (v1alpha2).
#[derive(Clone, Debug)]
pub struct AdminPolicy {
    pub object: ObjectRef,
    pub tier: AdminTier,
    /// Lower is evaluated first; 0 of the one BaselineAdminNetworkPolicy.
    pub priority: i64,
    /// Pods that it governs; `None`: not understood.
    pub subject: Option<AdminPods>,
    pub ingress: Vec<AdminRule>,
    pub egress: Vec<AdminRule>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AdminTier {
    /// Before NetworkPolicies.
    Admin,
    /// After NetworkPolicies, where none selects the pod.
    Baseline,
}

/// Pods by labels, in namespaces by labels.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AdminPods {
    pub namespaces: Selector,
    pub pods: Selector,
}

#[derive(Clone, Debug)]
pub struct AdminRule {
    pub name: Text,
    pub action: AdminAction,
    /// Any of them.
    pub peers: Vec<AdminPeer>,
    /// `None`: all ports. An empty protocol is any.
    pub ports: Option<Vec<PolicyPort>>,
    /// A part of it is not understood, so what it matches is unknown.
    pub malformed: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AdminAction {
    /// `Allow`; `Accept` since v1alpha2.
    Allow,
    Deny,
    /// Leaves it to NetworkPolicies, then to the baseline.
    Pass,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum AdminPeer {
    Pods(AdminPods),
    Networks(Vec<IpNet>),
    /// Nodes by labels.
    Nodes(Selector),
    /// Domain names.
    Names(Vec<Text>),
}

/// A rule set of a CiliumNetworkPolicy or CiliumClusterwideNetworkPolicy.
#[derive(Clone, Debug)]
pub struct CiliumPolicy {
    pub object: ObjectRef,
    /// `None`: of the whole cluster.
    pub namespace: Option<Text>,
    /// Requirements on the namespace, where there are any, and on the pod; `None`: not understood.
    pub subject: Option<(Option<Selector>, Selector)>,
    pub ingress: CiliumSide,
    pub egress: CiliumSide,
}

#[derive(Clone, Debug)]
pub struct CiliumSide {
    /// What nothing allows is denied.
    pub isolates: bool,
    pub allow: Vec<CiliumRule>,
    /// Before whatever allows, of all kinds.
    pub deny: Vec<CiliumRule>,
}

#[derive(Clone, Debug)]
pub struct CiliumRule {
    /// Any of them; empty: nobody.
    pub peers: Vec<CiliumPeer>,
    /// `None`: all ports. An empty protocol is any.
    pub ports: Option<Vec<PolicyPort>>,
    /// Only a part of what it means is let through (layer 7).
    pub narrowed: bool,
    /// What it matches is unknown.
    pub malformed: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum CiliumPeer {
    Everyone,
    /// `namespaces: None` is the policy's own namespace.
    Pods {
        pods: Selector,
        namespaces: Option<Selector>,
    },
    /// Addresses outside of the cluster; never pods or nodes.
    Block {
        cidr: IpNet,
        except: Vec<IpNet>,
    },
    /// Nodes, names, groups: addresses that are not known.
    Unresolved,
}

/// Calico's policies and what they refer to.
#[derive(Clone, Debug, Default)]
pub struct Calico {
    /// By name; those that Calico makes itself may be left out.
    pub tiers: Vec<CalicoTier>,
    /// By tier, order and name.
    pub policies: Vec<CalicoPolicy>,
    pub sets: Vec<NetworkSet>,
    /// Labels of service accounts by namespace and name.
    pub accounts: BTreeMap<(Text, Text), Labels>,
    /// There are HostEndpoints: labels may mean addresses of nodes.
    pub host_endpoints: bool,
}

#[derive(Clone, Debug)]
pub struct CalicoTier {
    pub name: Text,
    /// Infinite where none is given.
    pub order: f64,
    /// What no policy of it decides goes on to the next tier, in place of being denied.
    pub passes: bool,
}

/// A policy that governs pods; those of nodes' interfaces are left out.
#[derive(Clone, Debug)]
pub struct CalicoPolicy {
    pub object: ObjectRef,
    pub tier: Text,
    /// Infinite where none is given.
    pub order: f64,
    /// `None`: of the whole cluster.
    pub namespace: Option<Text>,
    /// `None`: not understood.
    pub subject: Option<Expression>,
    /// `None`: it says nothing about the direction.
    pub ingress: Option<Vec<CalicoRule>>,
    pub egress: Option<Vec<CalicoRule>>,
}

#[derive(Clone, Debug)]
pub struct CalicoRule {
    pub action: AdminAction,
    pub peer: CalicoPeer,
    /// `None`: all ports.
    pub ports: Option<Vec<PolicyPort>>,
    pub not_ports: Vec<PolicyPort>,
    /// It means only a part of the traffic (ports of the source, layer 7).
    pub narrowed: bool,
    /// What it matches is unknown.
    pub malformed: bool,
}

/// All of it must hold; empty: everyone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct CalicoPeer {
    /// End points and network sets by their labels, the policy's own namespace included.
    pub selector: Option<Expression>,
    pub not_selector: Option<Expression>,
    /// Any of them, where there are any.
    pub nets: Vec<IpNet>,
    pub not_nets: Vec<IpNet>,
    /// `Some(true)`: IPv4 only; `Some(false)`: IPv6 only.
    pub four: Option<bool>,
}

/// NetworkSet or GlobalNetworkSet: addresses that carry labels.
#[derive(Clone, Debug)]
pub struct NetworkSet {
    pub namespace: Option<Text>,
    pub labels: Labels,
    pub nets: Vec<IpNet>,
    /// It holds names, whose addresses are not known.
    pub names: bool,
}

/// Calico's selector language.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Expression {
    All,
    Has(Label),
    /// No where the label is absent.
    Is(Label, Test, Vec<Text>),
    Not(Box<Expression>),
    And(Vec<Expression>),
    Or(Vec<Expression>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Test {
    OneOf,
    Contains,
    StartsWith,
    EndsWith,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Label {
    pub of: LabelOf,
    pub key: Text,
}

/// What carries a label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LabelOf {
    Pod,
    /// Its namespace.
    Namespace,
    /// Its service account.
    Account,
}

/// Istio's policies.
#[derive(Clone, Debug, Default)]
pub struct Mesh {
    /// By namespace and name.
    pub policies: Vec<MeshPolicy>,
    pub authentication: Vec<PeerAuthentication>,
    /// Something switches mutual TLS off, so pods of the mesh may have no identity.
    pub plain: bool,
}

/// AuthorizationPolicy; those that only audit are left out.
#[derive(Clone, Debug)]
pub struct MeshPolicy {
    pub object: ObjectRef,
    /// `None`: of the whole mesh.
    pub namespace: Option<Text>,
    /// `None`: not understood, or enforced somewhere before the pods.
    pub subject: Option<Selector>,
    pub action: MeshAction,
    pub rules: Vec<MeshRule>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MeshAction {
    /// What is meant may be denied by somebody who is asked.
    Custom,
    Deny,
    Allow,
}

#[derive(Clone, Debug)]
pub struct MeshRule {
    /// Any of them; empty: everyone.
    pub sources: Vec<MeshSource>,
    /// `None`: all ports.
    pub ports: Option<Vec<PolicyPort>>,
    /// It asks for more than layer 4 tells.
    pub narrowed: bool,
    pub malformed: bool,
}

/// All of it must hold, of each list one entry; of the lists with `not_` none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct MeshSource {
    /// `cluster.local/ns/NAMESPACE/sa/NAME`, as patterns with one `*` at the beginning or the end.
    pub principals: Vec<Text>,
    pub not_principals: Vec<Text>,
    pub namespaces: Vec<Text>,
    pub not_namespaces: Vec<Text>,
    pub nets: Vec<IpNet>,
    pub not_nets: Vec<IpNet>,
    /// It asks for more than layer 4 tells.
    pub narrowed: bool,
}

/// What the pods' proxies accept.
#[derive(Clone, Debug)]
pub struct PeerAuthentication {
    pub object: ObjectRef,
    /// `None`: of the whole mesh.
    pub namespace: Option<Text>,
    /// `None`: all pods of its scope.
    pub subject: Option<Selector>,
    /// Plain text is refused; `None`: as the wider scope says.
    pub strict: Option<bool>,
    /// The same by port.
    pub ports: Vec<(u16, Option<bool>)>,
}

#[derive(Clone, Debug)]
pub struct OtherPolicy {
    pub object: ObjectRef,
    /// Namespace that it is limited to; `None`: cluster-wide.
    pub namespace: Option<Text>,
    /// Selector where its shape is understood.
    pub selector: Option<Selector>,
    pub ingress: bool,
    /// Its rules are evaluated: it stands in another list of the inventory too.
    pub evaluated: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndpointSlice {
    pub namespace: Text,
    pub service: Text,
    pub addresses: Vec<IpAddr>,
    /// (name of the Service's port, port, protocol).
    pub ports: Vec<(Text, u16, Text)>,
}

#[derive(Clone, Debug)]
pub struct ServiceAccount {
    pub namespace: Text,
    pub name: Text,
    /// Defaults to true.
    pub automount_token: bool,
    /// Cloud identity by annotation (IRSA, GKE workload identity, Azure).
    pub cloud_identity: Option<Text>,
    pub seen: bool,
}

#[derive(Clone, Debug)]
pub struct Tunnel {
    pub object: ObjectRef,
    /// `cloudflared`, `ngrok`, `traefik` ...
    pub kind: Text,
    /// Namespace that it can be limited to; `None`: whatever its pod can reach.
    pub namespace: Option<Text>,
}
