//! Documents about a cluster: the operator's resources, kube-bench, kubeaudit, Kubescape.

use crate::formats::{check, digest, read, suppressed};
use ingest::Limits;
use model::vulnerability::Severity;
use serde_json::{Value, json};

#[test]
fn operator_reports() {
    let labels = json!({"trivy-operator.container.name": "nginx", "trivy-operator.resource.kind": "ReplicaSet",
        "trivy-operator.resource.name": "web-1", "trivy-operator.resource.namespace": "shop"});
    let vulnerabilities = json!({"apiVersion": "aquasecurity.github.io/v1alpha1", "kind": "VulnerabilityReport",
        "metadata": {"name": "x", "namespace": "shop", "labels": labels},
        "report": {"updateTimestamp": "2023-03-23T16:23:01Z", "registry": {"server": "index.docker.io"},
            "artifact": {"repository": "library/nginx", "tag": "alpine", "digest": digest("d")},
            "os": {"family": "alpine", "name": "3.17"}, "scanner": {"name": "Trivy", "version": "0.38.2"},
            "vulnerabilities": [
                {"vulnerabilityID": "CVE-1", "resource": "curl", "installedVersion": "7", "fixedVersion": "8", "severity": "HIGH", "class": "os-pkgs", "packageType": "alpine", "score": null},
                {"vulnerabilityID": "CVE-2", "resource": "x", "installedVersion": "1", "fixedVersion": "", "severity": "", "target": "app/x", "packagePURL": "pkg:npm/x@1"}]}});
    let set = check(&vulnerabilities, "trivy-operator/v1alpha1", 2);
    let [image] = &*set.artifacts else { panic!() };
    assert_eq!(
        image.identity.references[0].to_string(),
        "docker.io/library/nginx:alpine"
    );
    assert_eq!(image.identity.digests, [digest("d").into()]);
    assert_eq!(
        (
            image.object.as_ref().unwrap().to_string().as_str(),
            image.container.as_deref()
        ),
        ("ReplicaSet shop/web-1", Some("nginx"))
    );
    assert_eq!(
        set.packages[0].purl.as_deref(),
        Some("pkg:apk/alpine/curl@7?distro=3.17")
    );
    let audit = json!({"apiVersion": "aquasecurity.github.io/v1alpha1", "kind": "ConfigAuditReport",
        "metadata": {"name": "r", "namespace": "shop", "ownerReferences": [{"kind": "Deployment", "name": "web"}]},
        "report": {"checks": [
            {"checkID": "KSV001", "severity": "LOW", "success": false, "messages": ["Container 'web' of ReplicaSet 'web-1' should x"]},
            {"title": "no id", "severity": "HIGH"}, {"checkID": "KSV002", "success": true}]}});
    let set = check(&audit, "trivy-operator/v1alpha1", 2);
    assert_eq!(
        set.matches[0].target.as_deref(),
        Some("Deployment shop/web")
    );
    assert_eq!(set.matches[0].field.as_deref(), Some("container web"));
    let secrets = json!({"apiVersion": "aquasecurity.github.io/v1alpha1", "kind": "ExposedSecretReport", "metadata": {"labels": null},
        "report": {"artifact": {"repository": "x/y"}, "secrets": [{"target": "/k", "ruleID": "key", "severity": "HIGH", "match": "SECRETCANARY"}]}});
    let set = check(&secrets, "trivy-operator/v1alpha1", 1);
    assert!(!format!("{set:?}").contains("SECRETCANARY"));
    let rbac = json!({"apiVersion": "aquasecurity.github.io/v1alpha1", "kind": "ClusterRbacAssessmentReport", "metadata": {"name": "r"},
        "report": {"checks": [{"checkID": "KSV041", "severity": "CRITICAL", "success": false}]}});
    let compliance = json!({"apiVersion": "aquasecurity.github.io/v1alpha1", "kind": "ClusterComplianceReport", "metadata": {"name": "nsa"},
        "status": {"detailReport": {"results": [{"id": "1.0", "name": "n", "checks": [
            {"checkID": "KSV012", "target": "Pod/x", "severity": "LOW", "success": false}, {"checkID": "", "severity": "", "success": true}]}]}}});
    check(&compliance, "trivy-operator/v1alpha1", 1);
    let list = json!({"apiVersion": "v1", "kind": "List", "items": [vulnerabilities, audit, secrets, rbac, compliance]});
    check(&list, "trivy-operator", 7);
    check(
        &json!([vulnerabilities, audit, rbac]),
        "trivy-operator/v1alpha1",
        5,
    );
    check(
        &json!({"vulnerabilityreports.aquasecurity.github.io": [vulnerabilities], "configauditreports.aquasecurity.github.io": [audit, audit]}),
        "trivy-operator",
        6,
    );
    let typed = json!({"apiVersion": "aquasecurity.github.io/v1alpha1", "kind": "VulnerabilityReportList",
        "items": [{"metadata": {"name": "x"}, "report": {"vulnerabilities": [{"vulnerabilityID": "CVE-1"}]}}]});
    check(&typed, "trivy-operator/v1alpha1", 1);
}

#[test]
fn kube_bench() {
    let control = json!({"id": 1, "version": "cis-1.8", "text": "t", "node_type": "master", "tests": [{"section": "1.1", "results": [
        {"test_number": "1.1.1", "test_desc": "d", "status": "FAIL"}, {"test_number": "1.1.2", "status": "WARN"},
        {"test_number": "1.1.3", "status": "PASS"}, {"test_number": "1.1.4", "status": "INFO"}]}]});
    let set = check(
        &json!({"Controls": [control, {"id": "2", "tests": null}], "Totals": {"total_pass": 1}}),
        "kube-bench-json/cis-1.8",
        2,
    );
    assert_eq!(
        (set.matches[0].severity, set.matches[1].severity),
        (Severity::Medium, Severity::Low)
    );
    assert!(
        set.gaps
            .iter()
            .any(|gap| gap.what.contains("1 INFO, 1 PASS")),
        "{:?}",
        set.gaps
    );
    check(&json!([control, control]), "kube-bench-json/cis-1.8", 4);
    check(&control, "kube-bench-json/cis-1.8", 2);
}

#[test]
fn kubeaudit() {
    let line = |name: &str, level: &str| {
        json!({"AuditResultName": name, "Container": "c", "ResourceApiVersion": "apps/v1", "ResourceKind": "Deployment",
            "ResourceName": "web", "ResourceNamespace": "shop", "level": level, "msg": "m", "time": "2022-01-01T00:00:00+01:00"})
    };
    let lines = [
        line("RunAsNonRootPSCNilCSCNil", "error"),
        line("AppArmorAnnotationMissing", "warning"),
        line("CapabilityAllowed", "info"),
    ];
    let text = lines.each_ref().map(Value::to_string).join("\n");
    let sets = ingest::read("k.log", text.as_bytes(), &Limits::default()).unwrap();
    let [set] = &*sets else {
        panic!("lines are one report")
    };
    assert_eq!((set.matches.len(), suppressed(set)), (3, 1));
    assert_eq!(
        set.matches.iter().map(|m| m.severity).collect::<Vec<_>>(),
        [Severity::High, Severity::Medium, Severity::Negligible]
    );
    assert_eq!(
        set.artifacts[0].object.as_ref().unwrap().to_string(),
        "Deployment shop/web"
    );
    assert_eq!(set.artifacts[0].container.as_deref(), Some("c"));
    assert_eq!(set.matches[0].field.as_deref(), Some("container c"));
    let mut mount = line("SensitivePathsMounted", "error");
    mount["MountName"] = json!("sock");
    let mut added = line("CapabilityAdded", "error");
    added["msg"] = json!(
        "It should be removed. Or add 'container.kubernetes.io/c.allow-capability-sys-time: SomeReason'."
    );
    for (one, field) in [
        (mount, "container c, mount sock"),
        (added, "container c, capability sys-time"),
    ] {
        assert_eq!(read(&one).matches[0].field.as_deref(), Some(field));
    }
    check(&lines[0], "kubeaudit-json", 1);
    check(&json!({"Results": lines}), "kubeaudit-json", 3);
    check(
        &json!({"Results": [{"ResourceKind": "Pod", "ResourceName": "p", "AuditResults": [{"Name": "A", "Severity": "error"}, {"Name": "B", "Severity": 1}]}]}),
        "kubeaudit-json",
        2,
    );
}

#[test]
fn kubescape() {
    let control = |id: &str, status: Value| json!({"controlID": id, "name": "n", "status": status, "rules": []});
    let document = json!({"generationTime": "2026-01-01T00:00:00Z",
        "summaryDetails": {"controls": {"C-0057": {"name": "Privileged container", "scoreFactor": 8}, "C-0002": null}},
        "results": [{"resourceID": "apps/v1/shop/Deployment/web", "controls": [
            control("C-0057", json!({"status": "failed"})), control("C-0002", json!({"status": "passed", "subStatus": "w/exceptions"})),
            control("C-0003", json!({"status": "passed"})), control("C-0004", json!({"status": "skipped", "subStatus": "requires review"})), control("C-0005", json!("failed"))]},
            {"resourceID": "gone", "controls": null}],
        "resources": [{"resourceID": "apps/v1/shop/Deployment/web", "object": {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "shop"}}}],
        "metadata": {"scanMetadata": {"kubescapeVersion": "v3.0.3", "formatVersion": "v2"}}});
    let set = check(&document, "kubescape-json/v2", 3);
    assert_eq!(
        (
            suppressed(&set),
            set.matches[0].severity,
            set.matches[0].target.as_deref()
        ),
        (1, Severity::High, Some("Deployment shop/web"))
    );
    let rule = |status: &str, paths: Value, exception: Value| json!({"name": "r", "status": status, "paths": paths, "exception": exception});
    let one = json!([{"failedPath": "spec.containers[0].securityContext.privileged", "fixPath": {"path": "", "value": ""}}]);
    let two = json!([{"fixPath": {"path": "spec.containers[0].image", "value": "X"}}, {"reviewPath": "spec.containers[1].image"}, {"resourceID": "other", "failedPath": "rules[0]"}]);
    let first_v2 = json!({"summaryDetails": {}, "resources": null, "results": [{"resourceID": "/v1//Pod/p",
        "rawResource": {"resourceID": "/v1//Pod/p", "object": {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}}}, "controls": [
            {"controlID": "C-1", "rules": [rule("passed", json!(null), json!(null)), rule("failed", one, json!(null))]},
            {"controlID": "C-2", "rules": [rule("failed", two, json!(null))]},
            {"controlID": "C-3", "rules": [rule("failed", json!([]), json!([{"policyType": "x"}]))]},
            {"controlID": "C-4", "rules": [rule("excluded", json!([]), json!(null))]},
            {"controlID": "C-5", "rules": [rule("passed", json!([]), json!(null))]}, {"controlID": "C-6"}]}]});
    let set = check(&first_v2, "kubescape-json", 4);
    assert_eq!(
        (suppressed(&set), set.matches[0].target.as_deref()),
        (2, Some("Pod p"))
    );
    assert_eq!(
        set.matches
            .iter()
            .map(|m| m.field.as_deref())
            .collect::<Vec<_>>(),
        [
            Some("/spec/containers/0/securityContext/privileged"),
            Some("/spec/containers"),
            None,
            None
        ]
    );
    let response = |status: &str, exception: Value| {
        json!({"alertMessage": "m", "ruleStatus": status, "failedPaths": ["spec.hostPID"], "fixPaths": null, "exception": exception,
        "alertObject": {"k8sApiObjects": [{"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "shop"}}]}})
    };
    let framework = json!({"name": "NSA", "controlReports": [{"controlID": "C-0038", "name": "Host PID", "baseScore": 7.0, "ruleReports": [
        {"name": "r", "ruleStatus": {"status": "success"}, "ruleResponses": [response("failed", json!(null)), response("", json!(null)), response("success", json!(null)), response("warning", json!({"actions": ["alertOnly"]}))]},
        {"name": "s", "ruleResponses": null}]}]});
    let set = check(&framework, "kubescape-json/v1", 3);
    assert_eq!(suppressed(&set), 1);
    let first = &set.matches[0];
    assert_eq!(
        (
            first.severity,
            first.target.as_deref(),
            first.field.as_deref()
        ),
        (
            Severity::High,
            Some("Deployment shop/web"),
            Some("/spec/hostPID")
        )
    );
    check(&json!([framework, framework]), "kubescape-json/v1", 6);
    check(
        &json!({"clusterName": "c", "generationTime": "2022-01-01T00:00:00Z", "frameworks": [framework], "resource": null}),
        "kubescape-json/v1",
        3,
    );
    let manifest = json!({"apiVersion": "spdx.softwarecomposition.kubescape.io/v1beta1", "kind": "VulnerabilityManifest",
        "metadata": {"name": "m", "annotations": {"kubescape.io/image-id": format!("docker.io/library/x@{}", digest("a")), "kubescape.io/image-tag": "docker.io/library/x:1"},
            "labels": {"kubescape.io/workload-kind": "Deployment", "kubescape.io/workload-name": "web", "kubescape.io/workload-namespace": "shop", "kubescape.io/workload-api-group": "apps"}},
        "spec": {"payload": {"matches": [{"vulnerability": {"id": "CVE-2024-1", "severity": "High"}, "artifact": {"name": "a", "version": "1", "type": "deb"}}],
            "source": null, "distro": {"name": "debian", "version": "12"}}}});
    let set = check(&manifest, "kubescape-crd/VulnerabilityManifest", 1);
    assert_eq!(
        set.artifacts[0].object.as_ref().unwrap().to_string(),
        "Deployment shop/web"
    );
    assert_eq!(set.artifacts[0].identity.digests, [digest("a").into()]);
    let list = json!({"apiVersion": "v1", "kind": "List", "items": [manifest, manifest]});
    assert_eq!(read(&list).matches.len(), 2);
}
