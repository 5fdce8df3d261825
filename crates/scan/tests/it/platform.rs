//! What runs below the pods (rule 7): judged, placed, scored and in the queue; vendors' builds are gaps.

use intel::Intelligence;
use intel::build::{BuildOptions, build_files};
use model::assessment::Assessment;
use model::matches::{ArtifactKind, MatchSet};
use model::object::ObjectRef;
use model::snapshot::{Origin, Snapshot};
use scan::inputs::{self, Declarations};
use scan::{Input, Settings};

/// Two kubelet flaws, one of the API server, one of the controller manager, one that the feed says of all.
fn intel() -> Intelligence {
    feed(&[
        ("CVE-2024-0001", "kubelet", &[("0", "1.20.15")]),
        ("CVE-2024-0002", "kubelet", &[("1.20.0", "1.21.9")]),
        ("CVE-2024-0003", "apiserver", &[("0", "1.20.5")]),
        ("CVE-2024-0004", "controller-manager", &[("0", "1.20.5")]),
        ("CVE-2024-0005", "kubernetes", &[("0", "1.20.4")]),
    ])
}

/// (id, component, from and fixed).
type Record = (
    &'static str,
    &'static str,
    &'static [(&'static str, &'static str)],
);

fn feed(records: &[Record]) -> Intelligence {
    let record = |id: &str, package: &str, fixed: &[(&str, &str)]| {
        let events: Vec<String> = fixed
            .iter()
            .map(|(from, to)| format!(r#"{{"introduced":"{from}"}},{{"fixed":"{to}"}}"#))
            .collect();
        let text = format!(
            r#"{{"id":"{id}","modified":"2024-04-06T00:00:00Z","summary":"x","affected":[{{"package":{{"ecosystem":"Kubernetes","name":"k8s.io/{package}"}},"severity":[{{"type":"CVSS_V3","score":"CVSS:3.1/AV:N/AC:L/PR:L/UI:N/S:U/C:H/I:H/A:H"}}],"ranges":[{{"type":"SEMVER","events":[{}]}}]}}]}}"#,
            events.join(",")
        );
        (format!("osv/Kubernetes/{id}.json"), text.into_bytes())
    };
    let files: Vec<_> = records
        .iter()
        .map(|(id, package, fixed)| record(id, package, fixed))
        .collect();
    let (built, _) = build_files(&files, &BuildOptions::default()).unwrap();
    Intelligence::from_bytes(built.advisories, built.scores).unwrap()
}

fn node(name: &str, version: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Node\nmetadata: {{ name: {name} }}\nstatus: {{ nodeInfo: {{ kubeletVersion: {version} }} }}\n---\n"
    )
}

/// As the kubelet of a node shows a file of its own.
fn static_pod(component: &str, node: &str, tag: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Pod\nmetadata:\n  namespace: kube-system\n  name: {component}-{node}\n  annotations: {{ kubernetes.io/config.mirror: a }}\n  ownerReferences: [{{ apiVersion: v1, kind: Node, name: {node}, controller: true, uid: \"1\" }}]\nspec:\n  nodeName: {node}\n  hostNetwork: true\n  containers: [{{ name: {component}, image: \"registry.k8s.io/{component}:{tag}\" }}]\nstatus: {{ phase: Running }}\n---\n"
    )
}

fn snapshot(yaml: &str, server: Option<&str>) -> Snapshot {
    let sources = [inputs::Source::Bytes {
        name: "cluster.yaml".into(),
        bytes: yaml.as_bytes().into(),
    }];
    let mut snapshot = inputs::manifests(&sources, None, [0; 32]).unwrap();
    if let Some(server) = server {
        snapshot.origin = Origin::Live;
        snapshot.server_version = Some(server.into());
    }
    snapshot
}

fn assess(snapshot: &Snapshot, public_nodes: Option<bool>, sets: Vec<MatchSet>) -> Assessment {
    assess_by(&intel(), snapshot, public_nodes, sets)
}

fn assess_by(
    intel: &Intelligence,
    snapshot: &Snapshot,
    public_nodes: Option<bool>,
    sets: Vec<MatchSet>,
) -> Assessment {
    let declarations = Declarations {
        public_nodes,
        ..Declarations::default()
    };
    let settings = Settings {
        now: "2026-08-16T12:00:00Z".parse().unwrap(),
        tool_version: "test".into(),
        risk: scan::RiskSettings::default(),
    };
    let input = Input {
        inventories: Vec::new(),
        snapshot: Some(snapshot),
        sources: &[],
        tree: None,
        sets,
        intel: Some(intel),
        declarations: &declarations,
        gaps: Vec::new(),
        spoken_of: std::collections::BTreeSet::new(),
    };
    scan::assess(input, &settings)
}

/// `ID at HOST, HOST` of all open findings.
fn placed(assessment: &Assessment) -> Vec<String> {
    let mut lines: Vec<String> = assessment
        .findings
        .iter()
        .filter(|finding| finding.vulnerability.is_some())
        .map(|finding| {
            let image = &assessment.images[finding.image.unwrap() as usize];
            let hosts: Vec<String> = image
                .placements
                .iter()
                .map(|n| assessment.placements[*n as usize].runs_in.unwrap())
                .map(|at| {
                    assessment.workloads[at.workload as usize]
                        .object
                        .to_string()
                })
                .collect();
            assert_eq!(finding.scores.len(), hosts.len(), "every place is scored");
            format!("{} at {}", finding.id, hosts.join(", "))
        })
        .collect();
    lines.sort();
    lines
}

fn titles(assessment: &Assessment) -> Vec<&str> {
    let mut titles: Vec<&str> = assessment.actions.iter().map(|a| &*a.title).collect();
    titles.sort_unstable();
    titles
}

fn gaps<'a>(assessment: &'a Assessment, class: &str) -> Vec<&'a str> {
    let all = assessment.ledger.gaps.iter();
    all.filter(|gap| &*gap.class == class)
        .map(|gap| &*gap.scope)
        .collect()
}

#[test]
fn kubelets_are_placed_on_their_nodes_and_upgraded_together() {
    let yaml = [
        node("a", "v1.20.2"),
        node("b", "v1.20.2"),
        node("c", "v1.20.7"),
        node("d", "v1.21.9"),
    ]
    .concat();
    let found = assess(&snapshot(&yaml, None), None, Vec::new());
    assert_eq!(
        placed(&found),
        [
            "CVE-2024-0001 at Node a, Node b",
            "CVE-2024-0001 at Node c",
            "CVE-2024-0002 at Node a, Node b",
            "CVE-2024-0002 at Node c",
        ]
    );
    assert_eq!(
        titles(&found),
        [
            "upgrade kubelet to 1.20.15 on 3 nodes: a, b, c",
            "upgrade kubelet to 1.21.9, another minor version, on 3 nodes: a, b, c",
        ]
    );
    assert_eq!(
        found.coverage.workloads, 0,
        "a node is no workload of the user's"
    );
    assert!(
        found
            .actions
            .iter()
            .all(|action| action.removes.expected > 0.0)
    );
}

#[test]
fn a_node_is_worth_more_where_the_internet_reaches_it() {
    let cluster = snapshot(&node("a", "v1.20.2"), None);
    let best = |declared: Option<bool>| {
        let found = assess(&cluster, declared, Vec::new());
        let score = &found.scores[found.findings[0].scores[0] as usize];
        (score.points, score.deadline.exposed)
    };
    let (open, private, public) = (best(None), best(Some(false)), best(Some(true)));
    assert!(
        public.0.expected > private.0.expected + 5.0,
        "{public:?} {private:?}"
    );
    assert!(open.0.high > private.0.high && (open.0.expected - private.0.expected).abs() < 0.2);
    assert_eq!(
        (open.1, private.1, public.1),
        (true, false, true),
        "unknown counts as exposed"
    );
}

#[test]
fn the_api_server_is_judged_by_what_it_says() {
    let found = assess(
        &snapshot(&node("a", "v1.30.0"), Some("v1.20.2")),
        None,
        Vec::new(),
    );
    let own = [
        "CVE-2024-0003 at ControlPlane kube-apiserver",
        "CVE-2024-0005 at ControlPlane kube-apiserver",
    ];
    assert_eq!(placed(&found), own);
    assert_eq!(titles(&found), ["upgrade kube-apiserver to 1.20.5"]);
    let unseen = [
        "kube-controller-manager of the cluster",
        "kube-scheduler of the cluster",
    ];
    assert_eq!(gaps(&found, "control-plane-not-judged"), unseen);
}

#[test]
fn builds_of_vendors_are_gaps_and_no_findings() {
    let yaml = [node("a", "v1.20.2-gke.100"), node("b", "v1.20.2-eks-1")].concat();
    let found = assess(&snapshot(&yaml, Some("v1.20.2-eks-1")), None, Vec::new());
    assert!(placed(&found).is_empty() && found.unjoined.is_empty());
    assert_eq!(
        gaps(&found, "kubelet-not-judged"),
        ["kubelet v1.20.2-eks-1", "kubelet v1.20.2-gke.100"]
    );
    assert!(gaps(&found, "control-plane-not-judged").contains(&"kube-apiserver v1.20.2-eks-1"));
}

#[test]
fn static_pods_show_the_control_plane() {
    let yaml = [
        node("cp", "v1.30.0"),
        static_pod("kube-apiserver", "cp", "v1.20.2"),
        static_pod("kube-controller-manager", "cp", "v1.20.2"),
        static_pod("kube-scheduler", "cp", "v1.20.2"),
        static_pod("etcd", "cp", "3.4.13-0"),
    ]
    .concat();
    let found = assess(&snapshot(&yaml, Some("v1.20.2")), None, Vec::new());
    assert_eq!(
        placed(&found),
        [
            "CVE-2024-0003 at Pod kube-system/kube-apiserver-cp",
            "CVE-2024-0004 at Pod kube-system/kube-controller-manager-cp",
            "CVE-2024-0005 at Pod kube-system/kube-apiserver-cp",
        ]
    );
    assert!(gaps(&found, "control-plane-not-judged").is_empty());
}

/// A scanner's report about a node: Trivy's of a machine, or of an object in Kubernetes mode.
fn report(name: &str, kind: ArtifactKind, object: Option<ObjectRef>) -> MatchSet {
    let mut set = crate::sample::set(
        "trivy",
        &[],
        &[],
        &[("runc", "1.0.0", "CVE-2024-0009", &[])],
    );
    set.artifacts[0].name = name.into();
    set.artifacts[0].kind = kind;
    set.artifacts[0].object = object;
    set.matches[0].fix.state = model::matches::FixState::Fixed;
    set.matches[0].fix.versions = vec!["1.0.1".into()];
    set
}

#[test]
fn reports_about_nodes_go_the_same_way() {
    let yaml = [node("a", "v1.30.0"), node("b", "v1.30.0")].concat();
    let components = ObjectRef::new("", "NodeComponents", None, "b");
    let sets = vec![
        report(
            "a",
            ArtifactKind::Node,
            Some(ObjectRef::new("", "Node", None, "a")),
        ),
        report("a", ArtifactKind::Filesystem, None),
        report("k8s.io/kubelet", ArtifactKind::Image, Some(components)),
    ];
    let found = assess(&snapshot(&yaml, None), None, sets);
    let places = placed(&found);
    assert_eq!(
        places,
        [
            "CVE-2024-0009 at Node a",
            "CVE-2024-0009 at Node a",
            "CVE-2024-0009 at Node b"
        ]
    );
    assert_eq!(titles(&found), ["upgrade runc to 1.0.1 on 2 nodes: a, b"]);
    assert!(
        gaps(&found, "node-packages-not-judged").is_empty(),
        "both were looked at"
    );
    // A machine that is no node of the cluster is listed, not ranked.
    let other = report("elsewhere", ArtifactKind::Node, None);
    let found = assess(&snapshot(&yaml, None), None, vec![other]);
    assert!(placed(&found).is_empty() && found.unjoined.len() == 1);
    assert_eq!(gaps(&found, "node-packages-not-judged").len(), 1);
}

/// Rule 17: whoever writes into kube-system is no part of the cluster.
#[test]
fn a_hostile_workload_in_kube_system_is_in_the_queue() {
    let yaml = "apiVersion: apps/v1\nkind: DaemonSet\nmetadata: { namespace: kube-system, name: calico-node-helper, labels: { k8s-app: calico-node, kubernetes.io/bootstrapping: rbac-defaults } }\nspec:\n  template:\n    metadata: { labels: { k8s-app: calico-node } }\n    spec:\n      serviceAccountName: calico-node\n      hostNetwork: true\n      containers:\n        - { name: calico-node, image: \"evil.example/calico/node:v3\", securityContext: { privileged: true } }\n";
    let found = assess(&snapshot(yaml, None), None, Vec::new());
    let offered = |part: &str| {
        found
            .actions
            .iter()
            .any(|action| action.title.contains(part))
    };
    assert!(offered("set privileged: false"), "{:?}", titles(&found));
    let own = yaml
        .replace("calico-node-helper", "calico-node")
        .replace("evil.example", "quay.io");
    let found = assess(&snapshot(&own, None), None, Vec::new());
    assert!(found.actions.is_empty(), "{:?}", titles(&found));
}

/// What a check says of a flaw that the feed tells as well is a note of that finding, and no second one.
#[test]
fn a_condition_is_told_with_its_flaw() {
    let yaml = [
        node("a", "v1.20.2"),
        "apiVersion: v1\nkind: Pod\nmetadata: { name: web, namespace: shop }\nspec: { nodeName: a, volumes: [{ name: v, emptyDir: {} }], containers: [{ name: web, image: web, volumeMounts: [{ name: v, mountPath: /v, subPath: s }] }] }\n".to_owned(),
    ]
    .concat();
    let own = |assessment: &Assessment| {
        let mut ids: Vec<String> = assessment
            .findings
            .iter()
            .filter(|f| &*f.id == "KP-SUP-013" || &*f.id == "CVE-2021-25741")
            .map(|f| format!("{} {}", f.id, f.notes.join("")))
            .collect();
        ids.sort();
        ids
    };
    let says = "kubelet v1.20.2 on a, CVE-2021-25741 is mended in 1.20.11; container web of Pod shop/web mounts a sub path";
    let live = snapshot(&yaml, Some("v1.20.2"));
    let without = assess(&live, None, Vec::new());
    assert_eq!(own(&without), [format!("KP-SUP-013 {says}")]);
    let told = feed(&[("CVE-2021-25741", "kubelet", &[("0", "1.20.11")])]);
    let with = assess_by(&told, &live, None, Vec::new());
    assert_eq!(own(&with), [format!("CVE-2021-25741 {says}")]);
}
