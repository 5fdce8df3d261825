//! Generated clusters and reports: always the same bytes for the same numbers.

use serde_json::{Value, json};
use std::fs;
use std::io::{BufWriter, Write};
use std::path::Path;

/// A small generator of numbers (xorshift64*), so that the inputs never change.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let value = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33;
        usize::try_from(value).unwrap_or(0) % limit.max(1)
    }
}

/// `k8s/` with deployments, their pods, services, policies and rights; `reports/` with one Trivy report an image.
pub(crate) fn cluster_files(
    folder: &Path,
    images: usize,
    findings: usize,
    pods: usize,
) -> anyhow::Result<()> {
    fs::create_dir_all(folder.join("k8s"))?;
    fs::create_dir_all(folder.join("reports"))?;
    let mut numbers = Numbers(0x9E37_79B9_7F4A_7C15);
    let deployments = pods / 5;
    let mut objects = Vec::new();
    for n in 0..deployments {
        let image = n % images;
        objects.extend(workload(n, image, 5, &mut numbers));
    }
    let file = BufWriter::new(fs::File::create(folder.join("k8s/all.json"))?);
    serde_json::to_writer(
        file,
        &json!({"apiVersion": "v1", "kind": "List", "items": objects}),
    )?;
    for image in 0..images {
        let file = BufWriter::new(fs::File::create(
            folder.join(format!("reports/image-{image:03}.json")),
        )?);
        serde_json::to_writer(file, &report(image, findings / images, &mut numbers))?;
    }
    Ok(())
}

fn name(image: usize) -> String {
    format!(
        "registry.example.com/team-{}/service-{image}:1.{}",
        image % 17,
        image % 7
    )
}

fn digest(image: usize) -> String {
    format!("sha256:{}", model::keys::sha256_hex(name(image).as_bytes()))
}

fn workload(n: usize, image: usize, replicas: usize, numbers: &mut Numbers) -> Vec<Value> {
    let namespace = format!("team-{}", n % 60);
    let app = format!("service-{n}");
    let labels = json!({"app": app});
    let spec = json!({
        "serviceAccountName": if n.is_multiple_of(9) { app.as_str() } else { "default" },
        "containers": [{"name": "main", "image": format!("{}@{}", name(image), digest(image)),
            "ports": [{"containerPort": 8080}], "securityContext": {"privileged": n.is_multiple_of(40), "runAsNonRoot": !n.is_multiple_of(3)}}]});
    let meta = |name: &str| json!({"name": name, "namespace": namespace, "labels": labels});
    let mut all = vec![
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta(&app),
            "spec": {"replicas": replicas, "selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": spec}}}),
        json!({"apiVersion": "v1", "kind": "Service", "metadata": meta(&app),
            "spec": {"type": if numbers.below(20) == 0 { "LoadBalancer" } else { "ClusterIP" }, "selector": labels, "ports": [{"port": 80, "targetPort": 8080}]}}),
    ];
    let set = format!("{app}-5d8c7b9f4");
    all.push(json!({"apiVersion": "apps/v1", "kind": "ReplicaSet",
        "metadata": {"name": set, "namespace": namespace, "labels": labels, "uid": format!("rs-{n}"),
            "ownerReferences": [{"apiVersion": "apps/v1", "kind": "Deployment", "name": app, "uid": format!("d-{n}"), "controller": true}]},
        "spec": {"replicas": replicas, "selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": spec}}}));
    for pod in 0..replicas {
        all.push(json!({"apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": format!("{set}-{pod}"), "namespace": namespace, "labels": labels,
                "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": set, "uid": format!("rs-{n}"), "controller": true}]},
            "spec": spec, "status": {"phase": "Running"}}));
    }
    if n.is_multiple_of(9) {
        all.push(json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": meta(&app)}));
        all.push(json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": meta(&app),
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": app},
            "subjects": [{"kind": "ServiceAccount", "name": app, "namespace": namespace}]}));
        all.push(json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": meta(&app),
            "rules": [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]}]}));
    }
    if n.is_multiple_of(4) {
        all.push(json!({"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": meta(&app),
            "spec": {"podSelector": {"matchLabels": labels}, "policyTypes": ["Ingress"], "ingress": [{"from": [{"podSelector": {}}]}]}}));
    }
    all
}

/// A Trivy report of one image: each finding is a (package, CVE) pair, as in real reports with a long tail of packages.
fn report(image: usize, findings: usize, numbers: &mut Numbers) -> Value {
    const SEVERITIES: [&str; 5] = ["LOW", "LOW", "MEDIUM", "HIGH", "CRITICAL"];
    let vulnerabilities: Vec<Value> = (0..findings)
        .map(|n| {
            let package = format!("lib{}", n / 3 % 900 + image % 5 * 100);
            let id = format!("CVE-{}-{}", 2015 + numbers.below(10), 1000 + numbers.below(9000));
            // Three vulnerabilities of one package, as it is in real reports.
            let p = n / 3;
            let version = format!("1.{}.{}-{}+deb12u{}", p % 30, p % 7, p % 4, p / 900 + 1);
            let mut one = json!({
                "VulnerabilityID": id, "PkgID": format!("{package}@{version}"), "PkgName": package, "InstalledVersion": version,
                "PkgIdentifier": {"PURL": format!("pkg:deb/debian/{package}@{version}?arch=amd64&distro=debian-12.5")},
                "Status": if n.is_multiple_of(3) { "affected" } else { "fixed" },
                "Layer": {"DiffID": digest(image)}, "SeveritySource": "debian", "PrimaryURL": format!("https://avd.aquasec.com/nvd/{id}"),
                "DataSource": {"ID": "debian", "Name": "Debian Security Tracker", "URL": "https://salsa.debian.org/security-tracker-team/security-tracker"},
                "Title": format!("{package}: a problem of some kind"),
                "Description": "A flaw was found. It is described at a length that is common in such reports, with enough words to make a reader that keeps them pay for it.",
                "Severity": SEVERITIES[numbers.below(SEVERITIES.len())], "CweIDs": ["CWE-787"],
                "CVSS": {"nvd": {"V3Vector": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", "V3Score": 9.8}},
                "References": ["https://example.com/a", "https://example.com/b", "https://example.com/c"],
                "PublishedDate": "2023-01-01T00:00:00Z", "LastModifiedDate": "2024-01-01T00:00:00Z"});
            if !n.is_multiple_of(3) {
                one["FixedVersion"] = json!(format!("{version}.1"));
            }
            one
        })
        .collect();
    json!({"SchemaVersion": 2, "CreatedAt": "2026-08-15T00:00:00Z", "ArtifactName": name(image), "ArtifactType": "container_image",
        "Metadata": {"OS": {"Family": "debian", "Name": "12.5"}, "ImageID": format!("sha256:{:0>64}", format!("{image:x}")),
            "RepoTags": [name(image)], "RepoDigests": [format!("{}@{}", name(image).rsplit_once(':').map_or("", |(repository, _)| repository), digest(image))]},
        "Results": [{"Target": format!("{} (debian 12.5)", name(image)), "Class": "os-pkgs", "Type": "debian", "Vulnerabilities": vulnerabilities}]})
}

/// One YAML file of Deployments and Services, at least `bytes` long.
pub(crate) fn yaml(file: &Path, bytes: usize) -> anyhow::Result<()> {
    let mut out = BufWriter::new(fs::File::create(file)?);
    let mut written = 0;
    let mut n = 0;
    while written < bytes {
        let document = format!(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: app-{n}\n  namespace: team-{}\n  labels:\n    app: app-{n}\n    tier: \"backend\"\nspec:\n  replicas: 3\n  selector:\n    matchLabels:\n      app: app-{n}\n  template:\n    metadata:\n      labels:\n        app: app-{n}\n    spec:\n      # what most charts render\n      containers:\n        - name: main\n          image: \"registry.example.com/team/app-{}:1.2.3\"\n          imagePullPolicy: IfNotPresent\n          ports:\n            - name: http\n              containerPort: 8080\n              protocol: TCP\n          env:\n            - name: MODE\n              value: 'production'\n          resources:\n            limits: {{cpu: 500m, memory: 256Mi}}\n          securityContext:\n            runAsNonRoot: true\n            allowPrivilegeEscalation: false\n---\napiVersion: v1\nkind: Service\nmetadata:\n  name: app-{n}\n  namespace: team-{}\nspec:\n  selector:\n    app: app-{n}\n  ports:\n    - port: 80\n      targetPort: http\n---\n",
            n % 50,
            n % 200,
            n % 50,
        );
        out.write_all(document.as_bytes())?;
        written += document.len();
        n += 1;
    }
    Ok(out.flush()?)
}

/// A cluster for attack paths: of every 30,000 pods 6,000 workloads, 5,000 service accounts, 20,000 bindings, 3,000
/// policies, 300 namespaces and 300 nodes. Most rights lead nowhere, as in real clusters; one binding in 400 is
/// dangerous, one workload in 150 privileged.
pub(crate) fn attack_files(folder: &Path, pods: usize) -> anyhow::Result<()> {
    fs::create_dir_all(folder.join("k8s"))?;
    let mut numbers = Numbers(0x2545_F491_4F6C_DD1D);
    let (workloads, accounts, bindings) = (pods / 5, pods / 6, pods * 2 / 3);
    let (policies, namespaces, nodes) = (pods / 10, pods / 100, pods / 100);
    let namespace = |n: usize| format!("team-{}", n % namespaces);
    let mut objects = Vec::new();
    for n in 0..namespaces {
        let level = ["restricted", "baseline", "privileged"]
            [usize::from(n % 3 == 0) + usize::from(n % 30 == 0)];
        objects.push(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace(n),
            "labels": {"pod-security.kubernetes.io/enforce": level, "tier": format!("t{}", n % 5)}}}));
    }
    for n in 0..nodes {
        let mut labels = json!({"kubernetes.io/hostname": format!("node-{n}")});
        if n < 3
            && let Some(labels) = labels.as_object_mut()
        {
            labels.insert(
                "node-role.kubernetes.io/control-plane".to_owned(),
                json!(""),
            );
        }
        objects.push(json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": format!("node-{n}"), "labels": labels},
            "status": {"addresses": [{"type": "InternalIP", "address": format!("10.0.{}.{}", n / 250, n % 250)}],
                "nodeInfo": {"kubeletVersion": "v1.36.0", "kernelVersion": "6.8.0", "containerRuntimeVersion": "containerd://2.1.0"}}}));
    }
    for n in 0..accounts {
        objects.push(json!({"apiVersion": "v1", "kind": "ServiceAccount",
            "metadata": {"name": format!("account-{n}"), "namespace": namespace(n)}}));
    }
    for n in 0..workloads {
        let account = (n % accounts) / namespaces * namespaces + n % namespaces;
        objects.extend(attacked(
            n,
            &namespace(n),
            account % accounts,
            nodes,
            &mut numbers,
        ));
    }
    roles(bindings, accounts, &namespace, &mut objects, &mut numbers);
    for n in 0..policies {
        let own = format!(
            "service-{}",
            (n % (workloads / namespaces)) * namespaces + n % namespaces
        );
        objects.push(json!({"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
            "metadata": {"name": format!("policy-{n}"), "namespace": namespace(n)},
            "spec": {"podSelector": {"matchLabels": {"app": own}}, "policyTypes": ["Ingress"],
                "ingress": [{"from": [{"podSelector": {}}, {"namespaceSelector": {"matchLabels": {"tier": format!("t{}", n % 5)}}}],
                    "ports": [{"port": 8080}]}]}}));
    }
    let file = BufWriter::new(fs::File::create(folder.join("k8s/all.json"))?);
    serde_json::to_writer(
        file,
        &json!({"apiVersion": "v1", "kind": "List", "items": objects}),
    )?;
    Ok(())
}

/// A workload with five pods on nodes, and a Service.
fn attacked(
    n: usize,
    namespace: &str,
    account: usize,
    nodes: usize,
    numbers: &mut Numbers,
) -> Vec<Value> {
    let app = format!("service-{n}");
    let labels = json!({"app": app});
    let spec = json!({
        "serviceAccountName": format!("account-{account}"),
        "automountServiceAccountToken": !n.is_multiple_of(3),
        "containers": [{"name": "main", "image": name(n % 200), "ports": [{"containerPort": 8080}],
            "securityContext": {"privileged": n.is_multiple_of(150), "runAsUser": if n.is_multiple_of(2) { 1000 } else { 0 }}}]});
    let meta = json!({"name": app, "namespace": namespace, "labels": labels});
    let mut all = vec![
        json!({"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": meta,
            "spec": {"replicas": 5, "selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": spec}}}),
        json!({"apiVersion": "v1", "kind": "Service", "metadata": meta,
            "spec": {"type": if n.is_multiple_of(40) { "LoadBalancer" } else { "ClusterIP" }, "selector": labels,
                "ports": [{"port": 80, "targetPort": 8080}]}}),
    ];
    for pod in 0..5 {
        let mut placed = spec.clone();
        if let Some(placed) = placed.as_object_mut() {
            placed.insert(
                "nodeName".to_owned(),
                json!(format!("node-{}", numbers.below(nodes))),
            );
        }
        all.push(json!({"apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": format!("{app}-{pod}"), "namespace": namespace, "labels": labels,
                "ownerReferences": [{"apiVersion": "apps/v1", "kind": "StatefulSet", "name": app, "uid": format!("s-{n}"), "controller": true}]},
            "spec": placed, "status": {"phase": "Running", "podIP": format!("10.{}.{}.{}", 1 + n / 10_000, n / 50 % 200, n % 50 * 5 + pod)}}));
    }
    all
}

/// Roles and the bindings that give them: a few ClusterRoles and ten Roles a namespace.
fn roles(
    bindings: usize,
    accounts: usize,
    namespace: &dyn Fn(usize) -> String,
    objects: &mut Vec<Value>,
    numbers: &mut Numbers,
) {
    const RBAC: &str = "rbac.authorization.k8s.io";
    let shapes = [
        json!([{"apiGroups": [""], "resources": ["configmaps"], "resourceNames": ["own"], "verbs": ["get"]}]),
        json!([{"apiGroups": [""], "resources": ["pods", "services", "events"], "verbs": ["get", "list", "watch"]}]),
        json!([{"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["get", "list"]}]),
        json!([{"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["*"]}]),
        json!([{"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"], "resourceNames": ["own"]}]),
        json!([{"apiGroups": [""], "resources": ["pods/exec"], "verbs": ["create"]}]),
        json!([{"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["create", "patch"]}]),
        json!([{"apiGroups": [""], "resources": ["secrets"], "verbs": ["list"]}]),
        json!([{"apiGroups": [RBAC], "resources": ["clusterroles"], "verbs": ["escalate", "update"]}]),
        json!([{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}]),
    ];
    for (n, rules) in shapes.iter().enumerate() {
        objects.push(
            json!({"apiVersion": format!("{RBAC}/v1"), "kind": "ClusterRole",
            "metadata": {"name": format!("role-{n}")}, "rules": rules}),
        );
    }
    for n in 0..bindings {
        let account = n % accounts;
        let place = namespace(account);
        // Harmless, but for one in 400 in the namespace and one in 4,000 in the cluster.
        let role = match numbers.below(400) {
            0 => 5 + numbers.below(5),
            _ => numbers.below(5),
        };
        let wide = n.is_multiple_of(10);
        let subject = json!([{"kind": "ServiceAccount", "name": format!("account-{account}"), "namespace": place}]);
        let reference =
            json!({"apiGroup": RBAC, "kind": "ClusterRole", "name": format!("role-{role}")});
        objects.push(if wide {
            json!({"apiVersion": format!("{RBAC}/v1"), "kind": "ClusterRoleBinding", "metadata": {"name": format!("binding-{n}")},
                "roleRef": reference, "subjects": subject})
        } else {
            json!({"apiVersion": format!("{RBAC}/v1"), "kind": "RoleBinding",
                "metadata": {"name": format!("binding-{n}"), "namespace": place}, "roleRef": reference, "subjects": subject})
        });
    }
}
