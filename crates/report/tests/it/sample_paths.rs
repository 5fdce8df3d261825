//! Attack paths to show: one, twenty that share nodes, hostile names, more than can be drawn.

use super::{HOSTILE, empty};
use model::assessment::Assessment;
use model::evidence::{Estimate, Gap, GapId, GapWeight, Ledger, Stage};
use model::graph::{Change, Cut, Edge, Path};
use model::object::ObjectRef;
use model::snapshot::{KubernetesVersion, Origin};
use model::text::Text;
use std::collections::BTreeMap;

/// Evidence of an edge, by its kind.
const SAYS: &[(&str, &str)] = &[
    ("LOAD_BALANCER", "Service shop/web is of type LoadBalancer"),
    (
        "ENDPOINT_EXPLOIT",
        "CVE-2021-41773 in httpd in image ghcr.io/shop/web:1.4.2",
    ),
    ("CE_PRIV_MOUNT", "container app is privileged"),
    (
        "POD_ATTACH",
        "a pod of Deployment ops/runner runs on node worker-1",
    ),
    (
        "IDENTITY_ASSUME",
        "Deployment ops/runner runs as service account ops/deployer",
    ),
    (
        "RBAC_WILDCARD",
        "ClusterRoleBinding deployer-admin gives ClusterRole cluster-admin to service account ops/deployer",
    ),
    (
        "TOKEN_LIST",
        "ClusterRole reader allows list secrets: it may list Secrets",
    ),
    ("POD_CREATE", "a tenant may create pods in the namespace"),
    (
        "POD_ESCAPE",
        "namespace dev has no label pod-security.kubernetes.io/enforce",
    ),
    (
        "POD_EXEC",
        "ClusterRole ci allows create pods/exec: it may run commands in pods",
    ),
];

const TECHNIQUES: &[(&str, &str)] = &[
    ("ENDPOINT_EXPLOIT", "T1190"),
    ("CE_PRIV_MOUNT", "T1611"),
    ("POD_ESCAPE", "T1611"),
    ("POD_ATTACH", "T1609"),
    ("POD_EXEC", "T1609"),
    ("IDENTITY_ASSUME", "T1528"),
    ("TOKEN_LIST", "T1552.007"),
    ("RBAC_WILDCARD", "T1098.006"),
];

fn pick<'t>(table: &[(&str, &'t str)], kind: &str) -> &'t str {
    let row = table.iter().find(|(known, _)| *known == kind);
    row.map_or("", |(_, said)| said)
}

/// `A -KIND-> B -KIND?-> C`: the edge with a question mark hangs on something that was not seen.
fn path(ledger: &mut Ledger, chance: f64, sink: &str, told: &str) -> Path {
    let unseen = GapId(0);
    let mut words = told.split(" -");
    let entry = words.next().unwrap();
    let mut from = entry;
    let mut edges = Vec::new();
    for word in words {
        let (kind, to) = word.split_once("-> ").unwrap();
        let (kind, is_unknown) = kind
            .strip_suffix('?')
            .map_or((kind, false), |kind| (kind, true));
        let object = ObjectRef::new("apps", "Deployment", Some("shop"), "web");
        let says = pick(SAYS, kind);
        let mut evidence = Vec::new();
        if !says.is_empty() {
            evidence.push(ledger.field(&object, "/spec", says));
        }
        if kind == "LOAD_BALANCER" {
            evidence.push(ledger.about(&object, "Service shop/web leads to Deployment shop/web"));
            evidence.push(ledger.about(&object, "no NetworkPolicy selects shop/web for ingress"));
        }
        edges.push(Edge {
            from: from.into(),
            to: to.into(),
            kind: kind.into(),
            technique: pick(TECHNIQUES, kind).into(),
            probability: Estimate::between(0.5, 0.9, 1.0),
            evidence,
            missing: if is_unknown { vec![unseen] } else { Vec::new() },
            changeable: change_of(kind, from).into_iter().collect(),
        });
        from = to;
    }
    Path {
        entry: entry.into(),
        sink: sink.into(),
        probability: Estimate::between(chance / 4.0, chance, chance.mul_add(1.5, 0.01)),
        edges,
    }
}

fn change(kind: &str, namespace: Option<&str>, name: &str, what: &str) -> Change {
    Change {
        object: ObjectRef::new("", kind, namespace, name),
        what: what.into(),
        structural: !what.starts_with("upgrade"),
    }
}

fn change_of(kind: &str, from: &str) -> Option<Change> {
    match kind {
        "CE_PRIV_MOUNT" => Some(privileged()),
        "RBAC_WILDCARD" => Some(admin()),
        "ENDPOINT_EXPLOIT" => Some(change(
            "Deployment",
            Some("shop"),
            "web",
            "upgrade httpd to 2.4.51",
        )),
        "POD_ESCAPE" => Some(enforce(from.rsplit(' ').next().unwrap_or(""))),
        _ => None,
    }
}

fn privileged() -> Change {
    change(
        "Deployment",
        Some("shop"),
        "web",
        "set privileged: false in container app",
    )
}

fn admin() -> Change {
    change(
        "ClusterRoleBinding",
        None,
        "deployer-admin",
        "delete it, or bind a smaller role than cluster-admin",
    )
}

fn enforce(namespace: &str) -> Change {
    change(
        "Namespace",
        None,
        namespace,
        "label it pod-security.kubernetes.io/enforce: baseline",
    )
}

fn bare() -> Assessment {
    let mut all = empty();
    all.about.origin = Some(Origin::Live);
    all.about.cluster_name = Some("prod".into());
    all.about.kubernetes = Some(KubernetesVersion {
        minor: 36,
        known: true,
    });
    all.ledger.gap(Gap {
        class: "list-forbidden".into(),
        what: "secrets of namespace ops could not be listed".into(),
        stage: Stage::Collect,
        scope: "namespace/ops".into(),
        weight: GapWeight::Widens,
        close: "allow list on secrets in namespace ops; it shows all their values to Plimsoll's account".into(),
    });
    all
}

const FIVE: &str = "Internet -LOAD_BALANCER-> Service/shop/web -ENDPOINT_EXPLOIT-> Deployment/shop/web[app] \
                    -CE_PRIV_MOUNT-> Node/worker-1 -KUBELET_TOKEN?-> ServiceAccount/ops/deployer \
                    -RBAC_WILDCARD-> cluster-admin";

/// One path of five edges.
pub(crate) fn one_path() -> Assessment {
    let mut all = bare();
    all.paths = vec![path(&mut all.ledger, 0.31, "cluster-admin", FIVE)];
    all.cuts = vec![Cut {
        sink: "cluster-admin".into(),
        changes: vec![privileged()],
        routes: 1,
        of: 1,
        least: 1,
    }];
    all
}

/// Twenty paths to three sinks, and the counts of routes.
pub(crate) fn twenty_paths() -> Counted {
    let mut all = bare();
    let ledger = &mut all.ledger;
    let deployer = "ServiceAccount/ops/deployer -RBAC_WILDCARD-> cluster-admin";
    let mut paths = vec![path(ledger, 0.31, "cluster-admin", FIVE)];
    let mut add = |chance: f64, sink: &str, told: String| {
        let made = path(ledger, chance, sink, &told);
        paths.push(made);
    };
    add(
        0.2,
        "cluster-admin",
        format!(
            "networks outside of the cluster -NODE_PORT-> Service/shop/web -ENDPOINT_EXPLOIT-> Deployment/shop/web[app] -CE_PRIV_MOUNT-> Node/worker-1 -POD_ATTACH-> Deployment/ops/runner[app] -IDENTITY_ASSUME-> {deployer}"
        ),
    );
    add(
        0.12,
        "cluster-admin",
        format!(
            "Internet -INGRESS-> Ingress/shop/checkout-api -ENDPOINT_EXPLOIT-> Deployment/shop/checkout-api[api] -POD_NETWORK?-> ports of Deployment/shop/web -ENDPOINT_EXPLOIT-> Deployment/shop/web[app] -CE_PRIV_MOUNT-> Node/worker-1 -POD_ATTACH-> Deployment/ops/runner[app] -IDENTITY_ASSUME-> {deployer}"
        ),
    );
    add(
        0.1,
        "cluster-admin",
        format!(
            "Internet -LOAD_BALANCER-> Service/ingress-nginx/ingress-nginx-controller -ENDPOINT_EXPLOIT-> Deployment/ingress-nginx/ingress-nginx-controller[controller] -IDENTITY_ASSUME-> ServiceAccount/ingress-nginx/ingress-nginx -TOKEN_LIST-> Secrets of the cluster -TOKEN_STEAL?-> {deployer}"
        ),
    );
    for namespace in ["dev", "staging", "team-a", "team-b", "batch"] {
        add(
            0.08,
            "cluster-admin",
            format!(
                "tenant of namespace {namespace} -POD_CREATE-> a new pod in namespace {namespace} -POD_ESCAPE-> any node -KUBELET_TOKEN-> {deployer}"
            ),
        );
    }
    add(
        0.05,
        "cluster-admin",
        format!(
            "User/alice -GROUP_MEMBER-> Group/ci -POD_EXEC-> pods of namespace ops -IDENTITY_ASSUME-> {deployer}"
        ),
    );
    for account in ["build", "deploy"] {
        add(
            0.04,
            "cluster-admin",
            format!(
                "ServiceAccount/ci/{account} -POD_EXEC-> pods of namespace ops -IDENTITY_ASSUME-> {deployer}"
            ),
        );
    }
    add(0.3, "node", "Internet -LOAD_BALANCER-> Service/shop/web -ENDPOINT_EXPLOIT-> Deployment/shop/web[app] -CE_PRIV_MOUNT-> Node/worker-1".to_owned());
    for namespace in ["dev", "staging", "team-a", "team-b", "batch"] {
        add(
            0.2,
            "node",
            format!(
                "tenant of namespace {namespace} -POD_CREATE-> a new pod in namespace {namespace} -POD_ESCAPE-> any node"
            ),
        );
    }
    for (chance, told) in [
        (
            0.1,
            "Internet -LOAD_BALANCER-> Service/ingress-nginx/ingress-nginx-controller -ENDPOINT_EXPLOIT-> Deployment/ingress-nginx/ingress-nginx-controller[controller] -IDENTITY_ASSUME-> ServiceAccount/ingress-nginx/ingress-nginx -TOKEN_LIST-> Secrets of the cluster",
        ),
        (
            0.06,
            "ServiceAccount/velero/velero -TOKEN_LIST-> Secrets of the cluster",
        ),
    ] {
        add(chance, "kube-system-secrets", told.to_owned());
    }
    all.paths = paths;
    let tenants = ["dev", "staging", "team-a", "team-b", "batch"];
    let tenants = tenants.map(enforce);
    let cut = |sink: &str, changes: Vec<Change>, routes, of, least| Cut {
        sink: sink.into(),
        changes,
        routes,
        of,
        least,
    };
    let mut of_nodes = vec![privileged()];
    of_nodes.extend(tenants);
    let mut of_all = vec![admin()];
    of_all.extend(of_nodes.clone());
    all.cuts = vec![
        cut("cluster-admin", vec![admin()], 12, 12, 1),
        cut("node", of_nodes, 6, 6, 6),
        cut("kube-system-secrets", Vec::new(), 0, 2, 0),
        cut("all sinks", of_all, 18, 20, 3),
    ];
    let routes = [
        ("cluster-admin", 12),
        ("node", 6),
        ("kube-system-secrets", 2),
        ("secrets", 2),
    ];
    let routes = routes.into_iter().map(|(sink, n)| (sink.into(), n));
    (all, routes.collect())
}

/// Names that try everything, very long ones, and a cycle.
pub(crate) fn hostile_paths() -> Assessment {
    let mut all = bare();
    let long = format!("Deployment/shop/{}[app]", "x".repeat(10_000));
    let names: Vec<Text> = [
        HOSTILE,
        "User/\"><script>alert(1)</script>",
        "Deployment/\u{202e}gnp.exe\u{200b}/\u{1b}[31m&amp;]]>--><![CDATA[",
        &long,
        "Group/\u{5e9}\u{5dc}\u{5d5}\u{5dd} \u{645}\u{631}\u{62d}\u{628}\u{627}",
        "\u{6f22}\u{5b57}\u{6f22}\u{5b57}/\u{6f22}\u{5b57}\u{6f22}\u{5b57}\u{6f22}\u{5b57}\u{6f22}\u{5b57}\u{6f22}\u{5b57}\u{6f22}\u{5b57}\u{6f22}\u{5b57}",
        &format!("zalgo{}", "\u{301}".repeat(500)),
        "style</style><svg onload=alert(1)>\u{fffe}\u{ffff}\u{0}",
        "a\" -> \"b\\",
        "",
    ]
    .map(Into::into)
    .to_vec();
    let nowhere = Estimate::between(0.0, 0.1, 1.0);
    let edge = |from: &Text, to: &Text| Edge {
        from: from.clone(),
        to: to.clone(),
        kind: HOSTILE.into(),
        technique: HOSTILE.into(),
        probability: nowhere,
        evidence: Vec::new(),
        missing: vec![GapId(0), GapId(u32::MAX)],
        changeable: vec![change(HOSTILE, Some(HOSTILE), &long, HOSTILE)],
    };
    let edges: Vec<Edge> = names
        .windows(2)
        .map(|pair| edge(&pair[0], &pair[1]))
        .collect();
    let mut back = edges.clone();
    back.push(edge(&names[9], &names[0]));
    back.push(edge(&names[0], &names[0]));
    all.about.cluster_name = Some(HOSTILE.into());
    all.paths = [edges, back]
        .into_iter()
        .map(|edges| Path {
            entry: HOSTILE.into(),
            sink: HOSTILE.into(),
            probability: nowhere,
            edges,
        })
        .collect();
    all.cuts = vec![Cut {
        sink: HOSTILE.into(),
        changes: vec![change(HOSTILE, Some(HOSTILE), &long, HOSTILE)],
        routes: 7,
        of: 3,
        least: 9,
    }];
    all
}

/// `paths` of ten nodes each, that share one in ten.
pub(crate) fn many_paths(paths: usize) -> Assessment {
    let mut all = bare();
    let mut made = Vec::new();
    for n in 0..paths {
        let mut told = format!("tenant of namespace team-{n}");
        for step in 1..9 {
            let number = (n * 7 + step * 3) % (paths * 9 / 10).max(1);
            let name = format!(" -STEP_{step}-> Deployment/team-{step}/service-{number}[app]");
            told.push_str(&name);
        }
        told.push_str(" -RBAC_WILDCARD-> cluster-admin");
        made.push(path(&mut all.ledger, 0.01, "cluster-admin", &told));
    }
    all.paths = made;
    all
}

/// Paths, and how many entries get to each sink.
pub(crate) type Counted = (Assessment, Vec<(Text, u32)>);

/// By name, for tests of every format.
pub(crate) fn all_paths() -> BTreeMap<&'static str, Counted> {
    BTreeMap::from([
        ("paths-none", (bare(), Vec::new())),
        ("paths-one", (one_path(), vec![("cluster-admin".into(), 1)])),
        ("paths-twenty", twenty_paths()),
        (
            "paths-hostile",
            (hostile_paths(), vec![(HOSTILE.into(), 3)]),
        ),
        (
            "paths-many",
            (many_paths(80), vec![("cluster-admin".into(), 80)]),
        ),
    ])
}
