//! Actions that take a way in away: a Service that need not be public, an Ingress, a host port.
//! In: the chains of the deliveries; out: candidates that leave the container reachable from the cluster only.
//! A network policy is never offered here: it cuts flows that nobody declared (rule 12).

use super::Candidate;
use super::value::{Board, Effect};
use super::words::{in_writing, namespace, plain, resource, shell};
use crate::delivery::{CLUSTER, Reach};
use model::action::{ActionKind, FixClass};
use model::assessment::Assessment;
use model::evidence::{Estimate, Evidence, EvidenceId};
use model::object::ObjectRef;
use model::situation::{ExposureClass, Situation};
use model::text::Text;
use std::collections::{BTreeMap, BTreeSet};

/// Ports of databases, caches, queues and control interfaces: rarely meant for the internet.
/// Source: IANA service names, and the defaults of etcd, kubelet, Elasticsearch, Docker.
const PRIVATE_PORTS: [u16; 19] = [
    22, 1433, 1521, 2375, 2379, 2380, 3306, 3389, 5432, 5672, 5984, 6379, 6443, 8086, 9042, 9092,
    9200, 10250, 27017,
];

#[derive(Default)]
struct Way {
    targets: Vec<(u32, Reach)>,
    ports: BTreeSet<u16>,
    evidence: Option<usize>,
}

pub(crate) fn candidates(assessment: &Assessment, board: &Board) -> Vec<Candidate> {
    let mut ways: BTreeMap<(ObjectRef, Text), Way> = BTreeMap::new();
    for (target, id) in board.targets.iter().zip(0u32..) {
        let Some(situation) = assessment.situations.get(target.situation as usize) else {
            continue;
        };
        let routes = routes(situation);
        let mut doors: BTreeMap<(ObjectRef, Text), usize> = BTreeMap::new();
        for route in routes
            .iter()
            .filter(|route| route.class >= ExposureClass::External)
        {
            for evidence in route.chain {
                if let Some(door) = assessment
                    .ledger
                    .evidence
                    .get(evidence.0 as usize)
                    .and_then(door)
                {
                    doors.entry(door).or_insert(evidence.0 as usize);
                }
            }
        }
        for ((object, pointer), evidence) in doors {
            let through = |route: &&Route| {
                route.chain.iter().any(|id| {
                    assessment
                        .ledger
                        .evidence
                        .get(id.0 as usize)
                        .is_some_and(|e| door(e).is_some_and(|d| d.0 == object && d.1 == pointer))
                })
            };
            // Another way in that is as wide leaves nothing to gain.
            let left = routes
                .iter()
                .filter(|route| !through(route))
                .map(|route| route.class)
                .fold(ExposureClass::Cluster, Ord::max);
            let Some(bound) = bound(left) else { continue };
            let limit = Estimate::exact(bound);
            let reach = Reach::new(
                situation.direct.min(limit),
                situation.lateral,
                &situation.listens,
            );
            let ports: Vec<u16> = routes.iter().filter(through).map(|r| r.port).collect();
            let way = ways.entry((object, pointer)).or_default();
            way.targets.push((id, reach));
            way.ports.extend(ports);
            way.evidence.get_or_insert(evidence);
        }
    }
    ways.into_iter()
        .map(|((object, pointer), way)| candidate(assessment, board, object, &pointer, way))
        .collect()
}

struct Route<'a> {
    port: u16,
    class: ExposureClass,
    chain: &'a [EvidenceId],
}

fn routes(situation: &Situation) -> Vec<Route<'_>> {
    if situation.deliveries.is_empty() {
        return vec![Route {
            port: 0,
            class: situation.exposure.class,
            chain: &situation.exposure.chain,
        }];
    }
    situation
        .deliveries
        .iter()
        .map(|delivery| Route {
            port: delivery.port,
            class: delivery.class,
            chain: &delivery.chain,
        })
        .collect()
}

/// P(reached) of a class that is left; `None` where nothing is gained.
const fn bound(class: ExposureClass) -> Option<f64> {
    match class {
        ExposureClass::Internet | ExposureClass::Unknown => None,
        ExposureClass::External => Some(0.5),
        ExposureClass::Cluster | ExposureClass::Namespace | ExposureClass::None => Some(CLUSTER),
    }
}

/// Objects that open a way from outside: the object, and the field for those of a pod.
fn door(evidence: &Evidence) -> Option<(ObjectRef, Text)> {
    let object = evidence.object.as_ref()?;
    let pointer = evidence.pointer.as_deref().unwrap_or("");
    let opens = match &*object.kind {
        "Service" => pointer.ends_with("/type") || pointer.ends_with("/externalIPs"),
        "Ingress" | "HTTPRoute" | "GRPCRoute" | "TLSRoute" | "TCPRoute" | "UDPRoute" => true,
        _ => is_host_port(pointer, &evidence.statement),
    };
    let field = if is_host_port(pointer, &evidence.statement) {
        pointer
    } else {
        ""
    };
    opens.then(|| (object.clone(), Text::from(field)))
}

/// The list of a container's ports, where one is opened on the node.
fn is_host_port(pointer: &str, statement: &str) -> bool {
    pointer.ends_with("/ports") && statement.contains(" of its node")
}

fn candidate(
    assessment: &Assessment,
    board: &Board,
    object: ObjectRef,
    pointer: &str,
    way: Way,
) -> Candidate {
    let evidence = way
        .evidence
        .and_then(|index| assessment.ledger.evidence.get(index));
    let statement = evidence.map_or("", |evidence| &evidence.statement);
    let workload = way
        .targets
        .first()
        .and_then(|(target, _)| board.targets.get(*target as usize))
        .and_then(|target| board.workload(target));
    let span = evidence.and_then(|evidence| evidence.source.clone());
    let managed = workload
        .filter(|workload| workload.object.namespace == object.namespace)
        .and_then(|workload| workload.managed_by.as_ref());
    let (title, what, mut exact, mut undo) = written(&object, pointer, statement);
    if let Some(line) = in_writing(assessment, managed, span.as_ref(), &object, &what) {
        exact = vec![line];
        undo = format!("apply {object} as it was before");
    }
    let private = !way.ports.is_empty() && way.ports.iter().all(|p| PRIVATE_PORTS.contains(p));
    let (class, class_reason) = if private {
        (
            FixClass::NeedsTest,
            "a port that is rarely meant for the outside; clients there lose it",
        )
    } else {
        (FixClass::Breaking, "clients outside of the cluster lose it")
    };
    Candidate {
        looked_at: false,
        kind: ActionKind::RemoveExposure,
        title,
        key: format!("exposure\0{object}\0{}\0{pointer}", object.group),
        image: None,
        object: Some(object),
        source: span,
        closes: Vec::new(),
        targets: way.targets.iter().map(|(target, _)| *target).collect(),
        effect: Effect::Reach(way.targets),
        class,
        class_reason: class_reason.into(),
        because: vec![statement.into()],
        exact: exact.iter().map(|line| plain(line).into()).collect(),
        undo: plain(&undo).into(),
    }
}

/// Title, what to change, commands, and the way back.
fn written(
    object: &ObjectRef,
    pointer: &str,
    statement: &str,
) -> (String, String, Vec<String>, String) {
    let at = namespace(object.namespace.as_deref());
    let name = shell(&object.name);
    let resource = resource(object);
    if !pointer.is_empty() {
        let what = format!("remove hostPort from {pointer}: {statement}");
        return (
            format!("close the host port of {object}"),
            what.clone(),
            vec![format!("kubectl {at}edit {resource} {name}  # {what}")],
            format!("apply {object} as it was before"),
        );
    }
    if &*object.kind == "Service" && statement.contains("takes traffic to") {
        return (
            format!("close {object} to the outside"),
            "remove externalIPs".to_owned(),
            vec![format!(
                "kubectl {at}patch service {name} --type=json -p {}",
                shell(r#"[{"op":"remove","path":"/spec/externalIPs"}]"#)
            )],
            format!("apply {object} as it was before"),
        );
    }
    if &*object.kind == "Service" {
        let before = if statement.contains("LoadBalancer") {
            "LoadBalancer"
        } else {
            "NodePort"
        };
        let set = |kind: &str| shell(&format!(r#"{{"spec":{{"type":"{kind}"}}}}"#));
        let mut exact = vec![format!(
            "kubectl {at}patch service {name} --type=merge -p {}",
            set("ClusterIP")
        )];
        if before == "LoadBalancer" {
            exact.push(
                "or keep it and list your own ranges in spec.loadBalancerSourceRanges".to_owned(),
            );
        }
        return (
            format!("close {object} to the outside"),
            "set type: ClusterIP, or list your own ranges in loadBalancerSourceRanges".to_owned(),
            exact,
            format!(
                "kubectl {at}patch service {name} --type=merge -p {}",
                set(before)
            ),
        );
    }
    (
        format!("close {object} to the outside"),
        format!("remove {object}"),
        vec![format!(
            "kubectl {at}get {resource} {name} -o yaml > {name}.yaml && kubectl {at}delete {resource} {name}"
        )],
        format!("kubectl {at}apply -f {name}.yaml"),
    )
}
