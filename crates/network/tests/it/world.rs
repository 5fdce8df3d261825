//! Small inventories by hand. Comes in: names like `shop/web`. Goes out: an `Inventory`, in its order.
#![allow(dead_code, reason = "each test binary uses a part")]

use model::object::ObjectRef;
use model::text::Text;
use model::workload::{
    Container, ContainerKind, Criticality, CriticalityLevel, Workload, WorkloadState,
};
use model::{evidence::Estimate, keys::WorkloadKey};
use semantics::view::{
    Backend, BackendPort, ContainerPort, ContainerSpec, Gateway, Ingress, Inventory, Labels,
    Listener, Namespace, NetworkPolicy, Node, Parent, Pod, PodSpec, PolicyPeer, PolicyRule, Route,
    Security, Selector, Service, ServicePort, TargetPort, WorkloadView,
};

pub(crate) fn labels(pairs: &str) -> Labels {
    pairs
        .split_whitespace()
        .map(|pair| pair.split_once('=').unwrap())
        .map(|(key, value)| (key.into(), value.into()))
        .collect()
}

pub(crate) fn selector(pairs: &str) -> Selector {
    Selector {
        equals: labels(pairs),
        ..Selector::default()
    }
}

fn split(name: &str) -> (Text, Text) {
    let (namespace, name) = name.split_once('/').unwrap();
    (namespace.into(), name.into())
}

pub(crate) fn security() -> Security {
    Security {
        privileged: false,
        allow_privilege_escalation: true,
        run_as_user: Some(0),
        run_as_non_root: None,
        read_only_root: false,
        added_capabilities: Vec::new(),
        dropped_capabilities: Vec::new(),
        seccomp: None,
        apparmor: None,
        proc_mount: None,
        windows_host_process: false,
    }
}

pub(crate) fn container(name: &str) -> ContainerSpec {
    ContainerSpec {
        name: name.into(),
        kind: ContainerKind::App,
        image: "example.com/app:1".into(),
        pointer: "/containers/0".into(),
        ports: Vec::new(),
        security: security(),
        mounts: Vec::new(),
        secret_env: Vec::new(),
    }
}

pub(crate) fn port(number: u16) -> ContainerPort {
    ContainerPort {
        name: Some(format!("p{number}").into()),
        port: number,
        host_port: 0,
        protocol: "TCP".into(),
    }
}

pub(crate) fn template() -> PodSpec {
    PodSpec {
        containers: vec![container("app")],
        service_account: "default".into(),
        automount_token: None,
        host_network: false,
        host_pid: false,
        host_ipc: false,
        host_users: None,
        share_process_namespace: false,
        runtime_class: None,
        windows: false,
        volumes: Vec::new(),
        node_name: None,
        node_selector: Vec::new(),
    }
}

/// A Deployment with one container `app` and the label `app=NAME`; listens on the ports.
pub(crate) fn deployment<'a>(
    world: &'a mut Inventory,
    name: &str,
    ports: &[u16],
) -> &'a mut PodSpec {
    let (namespace, name) = split(name);
    let mut spec = template();
    spec.containers[0].ports = ports.iter().map(|n| port(*n)).collect();
    world.templates.push(spec);
    namespace_of(world, &namespace);
    let object = ObjectRef::new("apps", "Deployment", Some(&namespace), &name);
    world.workloads.push(WorkloadView {
        workload: Workload {
            key: WorkloadKey {
                namespace: namespace.clone(),
                kind: "Deployment".into(),
                name: name.clone(),
                group: "apps".into(),
            },
            object,
            state: WorkloadState::Active,
            pods: 1,
            containers: vec![Container {
                name: "app".into(),
                kind: ContainerKind::App,
                image: "example.com/app:1".into(),
                reference: None,
                running: Vec::new(),
                pointer: "/spec/template/spec/containers/0".into(),
            }],
            owner: None,
            environment: None,
            criticality: Criticality {
                level: CriticalityLevel::Undeclared,
                value: Estimate::between(0.25, 0.5, 1.0),
                because: Vec::new(),
            },
            managed_by: None,
            source: None,
        },
        template: u32::try_from(world.templates.len() - 1).unwrap(),
        pod_labels: labels(&format!("app={name}")),
        pods: Vec::new(),
        object: None,
        spec_pointer: "/spec/template/spec".into(),
        batch: false,
    });
    world.templates.last_mut().unwrap()
}

/// A CronJob: it does not serve.
pub(crate) fn batch<'a>(world: &'a mut Inventory, name: &str) -> &'a mut PodSpec {
    deployment(world, name, &[]);
    let view = world.workloads.last_mut().unwrap();
    view.batch = true;
    view.workload.object.kind = "CronJob".into();
    world.templates.last_mut().unwrap()
}

pub(crate) fn namespace_of(world: &mut Inventory, name: &str) {
    if !world.namespaces.iter().any(|n| &*n.name == name) {
        let labels = labels(&format!("kubernetes.io/metadata.name={name} team={name}"));
        world.namespaces.push(Namespace {
            name: name.into(),
            labels,
            seen: true,
        });
    }
}

/// A Service of a type that selects `app=TARGET` and leads port 80 to a container port.
pub(crate) fn service<'a>(
    world: &'a mut Inventory,
    name: &str,
    kind: &str,
    target: &str,
    port: u16,
) -> &'a mut Service {
    let (namespace, name) = split(name);
    world.services.push(Service {
        namespace,
        name,
        labels: Labels::new(),
        annotations: Labels::new(),
        kind: kind.into(),
        headless: false,
        selector: labels(&format!("app={target}")),
        ports: vec![ServicePort {
            name: Some("http".into()),
            port: 80,
            target: TargetPort::Number(port),
            node_port: if kind == "NodePort" { 30080 } else { 0 },
            protocol: "TCP".into(),
        }],
        external_ips: Vec::new(),
        source_ranges: Vec::new(),
        load_balancer: Vec::new(),
        load_balancer_class: None,
        external_traffic_local: false,
    });
    world.services.last_mut().unwrap()
}

/// A policy that isolates `app=TARGET` (everything for an empty target) for ingress; admits what `rules` say.
pub(crate) fn policy<'a>(
    world: &'a mut Inventory,
    name: &str,
    target: &str,
    rules: Vec<PolicyRule>,
) -> &'a mut NetworkPolicy {
    let (namespace, name) = split(name);
    let target = if target.is_empty() {
        Selector::default()
    } else {
        selector(&format!("app={target}"))
    };
    world.network_policies.push(NetworkPolicy {
        namespace,
        name,
        selector: target,
        isolates_ingress: true,
        isolates_egress: false,
        ingress: rules,
        egress: Vec::new(),
    });
    world.network_policies.last_mut().unwrap()
}

pub(crate) fn rule(peers: Vec<PolicyPeer>) -> PolicyRule {
    PolicyRule {
        peers,
        ports: Vec::new(),
    }
}

pub(crate) fn pods(pods: &str, namespaces: Option<&str>) -> PolicyPeer {
    PolicyPeer::Pods {
        pods: selector(pods),
        namespaces: namespaces.map(selector),
    }
}

pub(crate) fn block(cidr: &str, except: &str) -> PolicyPeer {
    PolicyPeer::Block {
        cidr: cidr.parse().unwrap(),
        except: except
            .split_whitespace()
            .map(|net| net.parse().unwrap())
            .collect(),
    }
}

pub(crate) fn enforced(world: &mut Inventory) {
    world.minor = 36;
    world.enforcing_cni.push(ObjectRef::new(
        "apps",
        "DaemonSet",
        Some("kube-system"),
        "calico-node",
    ));
}

pub(crate) fn node(world: &mut Inventory, name: &str, internal: &str, external: &str) {
    let ips = |text: &str| {
        text.split_whitespace()
            .map(|ip| ip.parse().unwrap())
            .collect()
    };
    world.nodes.push(Node {
        name: name.into(),
        labels: Labels::new(),
        architecture: None,
        os: None,
        kernel: None,
        os_image: None,
        runtime: None,
        kubelet: None,
        internal_ips: ips(internal),
        external_ips: ips(external),
    });
}

/// A running pod of a workload, on a node.
pub(crate) fn pod(world: &mut Inventory, workload: u32, node: &str, ip: &str) {
    let at = u32::try_from(world.pods.len()).unwrap();
    let view = &mut world.workloads[workload as usize];
    view.pods.push(at);
    world.pods.push(Pod {
        namespace: view.workload.key.namespace.clone(),
        name: format!("{}-{at}", view.workload.key.name).into(),
        labels: view.pod_labels.clone(),
        workload,
        node: Some(node.into()),
        ips: ip
            .split_whitespace()
            .map(|ip| ip.parse().unwrap())
            .collect(),
        running: Vec::new(),
        object: 0,
    });
}

pub(crate) fn ingress<'a>(
    world: &'a mut Inventory,
    name: &str,
    class: Option<&str>,
    service: &str,
) -> &'a mut Ingress {
    let (namespace, name) = split(name);
    world.ingresses.push(Ingress {
        namespace,
        name,
        class: class.map(Into::into),
        annotations: Labels::new(),
        backends: vec![("".into(), service.into(), TargetPort::Number(80))],
        load_balancer: Vec::new(),
    });
    world.ingresses.last_mut().unwrap()
}

/// A Gateway with one HTTP listener.
pub(crate) fn gateway<'a>(
    world: &'a mut Inventory,
    name: &str,
    allowed_from: &str,
    addresses: &str,
) -> &'a mut Gateway {
    let (namespace, name) = split(name);
    world.gateways.push(Gateway {
        group: "gateway.networking.k8s.io".into(),
        pods: Labels::new(),
        namespace,
        name,
        class: "example".into(),
        annotations: Labels::new(),
        listeners: vec![Listener {
            name: "web".into(),
            port: 80,
            protocol: "HTTP".into(),
            hostname: None,
            kinds: Vec::new(),
            allowed_from: allowed_from.into(),
            allowed_selector: Selector::default(),
        }],
        addresses: addresses.split_whitespace().map(Into::into).collect(),
    });
    world.gateways.last_mut().unwrap()
}

/// An HTTPRoute to port 80 of a Service.
pub(crate) fn route<'a>(
    world: &'a mut Inventory,
    name: &str,
    gateway: &str,
    service: &str,
) -> &'a mut Route {
    let (namespace, name) = split(name);
    let (gateway_namespace, gateway) = split(gateway);
    let (service_namespace, service) = split(service);
    world.routes.push(Route {
        kind: "HTTPRoute".into(),
        group: "gateway.networking.k8s.io".into(),
        namespace,
        name,
        parents: vec![Parent {
            group: "gateway.networking.k8s.io".into(),
            kind: "Gateway".into(),
            namespace: gateway_namespace,
            name: gateway,
            section: None,
            port: None,
        }],
        hostnames: Vec::new(),
        backends: vec![Backend {
            namespace: service_namespace,
            service,
            port: BackendPort::Number(80),
        }],
        granted: Vec::new(),
    });
    world.routes.last_mut().unwrap()
}
