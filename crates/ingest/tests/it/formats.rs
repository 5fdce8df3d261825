//! Small documents in the shapes that scanners really write, odd ones included: each is counted
//! on the plain JSON tree, and the fields that matter are looked at.

use crate::count;
use ingest::Limits;
use model::matches::{ArtifactKind, Category, FixState, Match, MatchSet};
use model::vulnerability::Severity;
use serde_json::{Value, json};

pub(crate) fn read(document: &Value) -> MatchSet {
    let bytes = serde_json::to_vec(document).unwrap();
    let mut sets = ingest::read("t.json", &bytes, &Limits::default())
        .unwrap_or_else(|e| panic!("{e}: {document}"));
    assert_eq!(sets.len(), 1, "{document}");
    sets.remove(0)
}

/// As many matches as counted, and as many as said here.
pub(crate) fn check(document: &Value, format: &str, matches: usize) -> MatchSet {
    let set = read(document);
    assert_eq!(&*set.source.format, format, "{document}");
    assert_eq!(set.matches.len(), matches, "{document}");
    assert_eq!(count::matches(document), matches, "{document}");
    set
}

pub(crate) fn suppressed(set: &MatchSet) -> usize {
    set.matches
        .iter()
        .filter(|m| m.suppression.is_some())
        .count()
}

pub(crate) fn of(set: &MatchSet, category: Category) -> usize {
    set.matches
        .iter()
        .filter(|m| m.category == category)
        .count()
}

pub(crate) fn package<'s>(set: &'s MatchSet, found: &Match) -> &'s model::matches::Package {
    &set.packages[found.package.unwrap() as usize]
}

pub(crate) fn advisory<'s>(set: &'s MatchSet, found: &Match) -> &'s model::matches::Advisory {
    &set.advisories[found.advisory as usize]
}

pub(crate) fn digest(letter: &str) -> String {
    format!("sha256:{}", letter.repeat(64))
}

#[test]
fn empty_reports_are_not_damaged() {
    for document in [json!(null), json!([]), json!([null])] {
        check(&document, "trivy-json/1", 0);
    }
    check(
        &json!({"SchemaVersion": 2, "ArtifactName": "x"}),
        "trivy-json/2",
        0,
    );
    check(
        &json!({"SchemaVersion": 2, "Results": null}),
        "trivy-json/2",
        0,
    );
    check(&json!({"Results": []}), "trivy-json/2", 0);
    check(&json!({"ClusterName": "c"}), "trivy-kubernetes", 0);
    check(
        &json!({"matches": null, "source": null, "distro": {}, "descriptor": {}}),
        "grype-json",
        0,
    );
    check(&json!({"matches": []}), "grype-json", 0);
    check(&json!({"runs": []}), "sarif/2.1.0", 0);
    check(&json!({"vulnerabilities": []}), "harbor-json", 0);
    check(&json!({"vulnerabilities": [], "ok": true}), "snyk-json", 0);
    check(&json!({"Controls": [], "Totals": {}}), "kube-bench-json", 0);
    check(
        &json!({"apiVersion": "v1", "kind": "List", "items": []}),
        "trivy-operator",
        0,
    );
}

#[test]
fn a_sbom_without_statements_could_hide_findings() {
    use model::evidence::GapWeight;
    for document in [
        json!({"bomFormat": "CycloneDX", "specVersion": "1.5", "components": []}),
        json!({"spdxVersion": "SPDX-2.3", "packages": []}),
    ] {
        let set = read(&document);
        assert!(
            set.gaps.iter().any(|gap| gap.weight == GapWeight::Hides),
            "{document}"
        );
    }
}

#[test]
fn trivy_report() {
    let vulnerability = json!({
        "VulnerabilityID": "GHSA-aaaa-bbbb-cccc", "VendorIDs": ["CVE-2024-1111", "DSA-1"], "PkgName": "lodash",
        "PkgPath": "app/package.json", "InstalledVersion": "4.17.0", "FixedVersion": "4.17.21, 5.0.0",
        "Status": "fixed", "Severity": "HIGH", "CweIDs": ["CWE-1"], "PublishedDate": "2024-01-02T03:04:05Z",
        "CVSS": {"nvd": {"V3Vector": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", "V3Score": "9.8",
                         "V40Vector": "CVSS:4.0/AV:N", "V40Score": 9.3}, "odd": null},
    });
    let document = json!({
        "SchemaVersion": 2, "CreatedAt": "2026-01-01T00:00:00Z", "ArtifactName": "nginx:1.25",
        "ArtifactType": "container_image", "Trivy": {"Version": "0.70.0"},
        "Metadata": {"ImageID": digest("a"), "RepoTags": ["nginx:1.25"], "RepoDigests": [format!("nginx@{}", digest("b"))],
                     "OS": {"Family": "debian", "Name": 12, "EOSL": true}, "ImageConfig": {"os": "linux", "architecture": "arm64"}},
        "Results": [
            {"Target": "nginx:1.25 (debian 12)", "Class": "os-pkgs", "Type": "debian", "Vulnerabilities": [
                {"VulnerabilityID": "CVE-2024-2", "PkgName": "libssl3", "SrcName": "openssl", "InstalledVersion": "3.0", "Severity": "BOGUS", "Layer": {"DiffID": digest("c")}},
                {"VulnerabilityID": "CVE-2024-2", "PkgName": "libssl3", "SrcName": "openssl", "InstalledVersion": "3.0", "Severity": "BOGUS", "Layer": {"DiffID": digest("c")}},
                {"PkgName": "", "VulnerabilityID": null, "Layer": null, "CVSS": null},
            ]},
            {"Target": "Node.js", "Class": "lang-pkgs", "Type": "node-pkg", "Vulnerabilities": [vulnerability]},
            {"Target": "Dockerfile", "Class": "config", "Type": "dockerfile",
             "MisconfSummary": {"Successes": 3, "Failures": 1, "Exceptions": 1},
             "Misconfigurations": [
                {"ID": "DS002", "Title": "root", "Severity": "HIGH", "Status": "FAIL", "CauseMetadata": {"StartLine": 4}},
                {"ID": "DS001", "Status": "PASS"}, {"ID": "DS003", "Status": "EXCEPTION"}]},
            {"Target": "app/key.pem", "Class": "secret", "Secrets": [
                {"RuleID": "private-key", "Severity": "CRITICAL", "Title": "Key", "StartLine": 1, "Match": "-----SECRETCANARY"}]},
            {"Target": "OS Packages", "Class": "license", "Licenses": [
                {"Severity": "LOW", "Category": "notice", "PkgName": "x", "Name": "MIT"}], "Vulnerabilities": null},
            {"Target": "go", "Class": "lang-pkgs", "Type": "gobinary", "ExperimentalModifiedFindings": [
                {"Type": "vulnerability", "Status": "not_affected", "Statement": "not called", "Source": "OpenVEX",
                 "Finding": {"VulnerabilityID": "CVE-2024-3", "PkgName": "golang.org/x/net", "InstalledVersion": "v0.1.0", "Severity": "LOW"}},
                {"Type": "secret", "Status": "ignored", "Statement": "", "Source": ".trivyignore", "Finding": {"RuleID": "r"}},
            ]},
            null,
        ],
    });
    let set = check(&document, "trivy-json/2", 9);
    assert_eq!(set.source.tool_version.as_deref(), Some("0.70.0"));
    assert_eq!(
        set.source.created.unwrap().to_string(),
        "2026-01-01T00:00:00Z"
    );
    assert_eq!(
        (
            suppressed(&set),
            of(&set, Category::Secret),
            of(&set, Category::License)
        ),
        (2, 2, 1)
    );
    let [image] = &*set.artifacts else {
        panic!("{:?}", set.artifacts)
    };
    assert_eq!(image.kind, ArtifactKind::Image);
    assert_eq!(image.identity.config.as_deref(), Some(&*digest("a")));
    assert_eq!(image.identity.digests, [digest("b").into()]);
    assert_eq!(image.identity.platform.as_deref(), Some("linux/arm64"));
    assert_eq!(image.os.as_ref().unwrap().end_of_life, Some(true));
    let os = &set.matches[0];
    assert_eq!(
        package(&set, os).purl.as_deref(),
        Some("pkg:deb/debian/libssl3@3.0?distro=debian-12")
    );
    assert_eq!(package(&set, os).upstream.as_deref(), Some("openssl"));
    assert_eq!(package(&set, os).layer.as_deref(), Some(&*digest("c")));
    assert_eq!(
        (os.severity, &os.fix.state),
        (Severity::Unknown, &FixState::Unknown)
    );
    assert_eq!(set.matches[0], set.matches[1], "duplicates stay");
    let npm = &set.matches[3];
    assert_eq!(
        package(&set, npm).purl.as_deref(),
        Some("pkg:npm/lodash@4.17.0")
    );
    assert_eq!(package(&set, npm).locations, ["app/package.json".into()]);
    assert_eq!(npm.fix.versions, ["4.17.21".into(), "5.0.0".into()]);
    let said = advisory(&set, npm);
    assert_eq!(said.aliases, ["CVE-2024-1111".into()]);
    assert_eq!(
        said.cvss
            .iter()
            .map(|c| (&*c.version, c.base))
            .collect::<Vec<_>>(),
        [("3.1", 9.8), ("4.0", 9.3)]
    );
    assert_eq!(said.published.unwrap().to_string(), "2024-01-02");
    let config = set
        .matches
        .iter()
        .find(|m| m.category == Category::Misconfiguration)
        .unwrap();
    assert_eq!(config.target.as_deref(), Some("Dockerfile:4"));
    assert!(
        set.gaps
            .iter()
            .any(|gap| gap.what.contains("1 EXCEPTION, 3 PASS")),
        "{:?}",
        set.gaps
    );
    let vex = set
        .matches
        .iter()
        .find_map(|m| m.suppression.as_ref())
        .unwrap();
    assert_eq!((&*vex.by, &*vex.reason), ("OpenVEX", "not called"));
    assert!(!format!("{set:?}").contains("SECRETCANARY"));
}

#[test]
fn odd_types_where_nothing_depends_on_them() {
    let trivy = json!({"Target": "t", "Vulnerabilities": [
        {"VulnerabilityID": "CVE-1", "Title": 5, "PrimaryURL": ["a"], "PublishedDate": {"a": [1]}}]});
    check(&trivy, "trivy-json/1", 1);
    let harbor = json!({"vulnerabilities": [{"id": "CVE-1", "package": "p", "links": "https://x", "cwe_ids": "CWE-79"}]});
    check(&harbor, "harbor-json", 1);
    let sarif = json!({"runs": [{"tool": {"driver": {"rules": [{"id": "r", "help": {"text": 1},
        "properties": {"tags": "secret", "purl": "pkg:npm/a@1", "purls": ["pkg:npm/a@1"]}}]}},
        "results": [{"ruleId": "r", "message": {"text": ["x"]}}]}]});
    assert_eq!(of(&check(&sarif, "sarif/2.1.0", 1), Category::Secret), 1);
    let kubescape = json!({"summaryDetails": {}, "results": [{"resourceID": "r", "controls": [{"controlID": "C", "status": {"status": "failed"}}]}],
        "resources": [{"resourceID": "r", "object": {"kind": 5, "name": {}, "metadata": []}}]});
    check(&kubescape, "kubescape-json", 1);
}

#[test]
fn trivy_old_forms() {
    let vulnerability = json!({"VulnerabilityID": "CVE-2019-1", "PkgName": "musl", "InstalledVersion": "1.1", "Severity": "LOW"});
    let list = json!([
        {"Target": "python:3.4-alpine (alpine 3.9.2)", "Type": "alpine", "Vulnerabilities": [vulnerability, vulnerability]},
        {"Target": "app/Pipfile.lock", "Type": "pipenv", "Vulnerabilities": null},
    ]);
    let set = check(&list, "trivy-json/1", 2);
    assert_eq!(&*set.artifacts[0].name, "python:3.4-alpine");
    assert_eq!(
        set.artifacts[0].identity.references[0].to_string(),
        "docker.io/library/python:3.4-alpine"
    );
    assert_eq!(
        package(&set, &set.matches[0]).purl.as_deref(),
        Some("pkg:apk/alpine/musl@1.1?distro=3.9.2")
    );
    check(
        &json!({"Target": "x", "Vulnerabilities": [vulnerability]}),
        "trivy-json/1",
        1,
    );
}

#[test]
fn trivy_kubernetes() {
    let vulnerability = json!({"VulnerabilityID": "CVE-2019-1", "PkgName": "musl", "InstalledVersion": "1.1", "Severity": "LOW"});
    let check_of = |id: &str| json!({"ID": id, "Severity": "LOW", "Status": "FAIL", "CauseMetadata": {"StartLine": 3, "EndLine": 5}});
    let mut of_container = check_of("KSV001");
    of_container["Message"] = json!("Container 'side' of Deployment 'web' should set x");
    let old = json!({"ClusterName": "c",
        "Vulnerabilities": [{"Namespace": "shop", "Kind": "Deployment", "Name": "web", "Results": [
            {"Target": "web:1 (alpine 3.9)", "Class": "os-pkgs", "Type": "alpine", "Vulnerabilities": [vulnerability]},
            {"Target": "Node.js", "Class": "lang-pkgs", "Type": "node-pkg", "Vulnerabilities": [vulnerability]},
            {"Target": "side:2 (alpine 3.9)", "Class": "os-pkgs", "Type": "alpine", "Vulnerabilities": [vulnerability]}]}],
        "Misconfigurations": [{"Namespace": "shop", "Kind": "Deployment", "Name": "web", "Results": [
            {"Target": "Deployment/web", "Class": "config", "Type": "kubernetes", "Misconfigurations": [check_of("KSV001"), of_container]}]},
            {"Kind": "ClusterRole", "Name": "admin", "Results": null, "Error": "boom"}]});
    let set = check(&old, "trivy-kubernetes", 5);
    assert_eq!(
        set.matches[3..]
            .iter()
            .map(|m| m.field.as_deref())
            .collect::<Vec<_>>(),
        [Some("lines 3-5"), Some("container side")]
    );
    assert_eq!(
        set.artifacts.len(),
        3,
        "two images and the object: {:?}",
        set.artifacts
    );
    assert!(set.artifacts.iter().all(|a| {
        a.object
            .as_ref()
            .is_some_and(|o| o.to_string() == "Deployment shop/web")
    }));
    assert_eq!(
        set.matches[3].target.as_deref(),
        Some("Deployment shop/web")
    );
    assert!(
        set.gaps
            .iter()
            .any(|gap| &*gap.class == "object-not-scanned")
    );
    let new = json!({"SchemaVersion": 2, "ClusterName": "c", "Resources": [
        {"Namespace": "shop", "Kind": "Pod", "Name": "p", "Metadata": [
            {"ImageID": digest("a"), "RepoTags": ["a:1"], "OS": {"Family": "alpine", "Name": "3.9"}},
            {"ImageID": digest("b"), "RepoTags": ["b:1"]}],
         "Results": [
            {"Target": "a:1 (alpine 3.9)", "Class": "os-pkgs", "Type": "alpine", "Vulnerabilities": [vulnerability]},
            {"Target": "b:1 (alpine 3.9)", "Class": "os-pkgs", "Type": "alpine", "Vulnerabilities": [vulnerability]},
            {"Target": "/etc/key", "Class": "secret", "Secrets": [{"RuleID": "k", "Severity": "HIGH"}]}]}]});
    let set = check(&new, "trivy-kubernetes/2", 3);
    assert_eq!(
        set.artifacts[0].identity.config.as_deref(),
        Some(&*digest("a"))
    );
    assert_eq!(
        set.artifacts[1].identity.config.as_deref(),
        Some(&*digest("b"))
    );
    check(
        &json!({"Findings": [{"Kind": "Pod", "Name": "p", "Results": [{"Class": "config", "Misconfigurations": [check_of("K")]}]}]}),
        "trivy-kubernetes",
        1,
    );
}

#[test]
fn trivy_compliance() {
    let failed = json!({"Target": "Deployment/web", "Class": "config", "Type": "kubernetes", "Misconfigurations": [
        {"ID": "KSV001", "Severity": "LOW", "Status": "FAIL", "Message": "Container 'web' of Deployment 'web' should x"},
        {"ID": "KSV001", "Status": "PASS"}]});
    let vulnerable = json!({"Target": "nginx:1 (debian 12)", "Class": "os-pkgs", "Type": "debian", "Vulnerabilities": [{"VulnerabilityID": "CVE-2024-1"}]});
    let all = json!({"ID": "k8s-nsa-1.0", "Title": "NSA", "Description": "d", "Version": "1.0", "RelatedResources": ["x"], "Results": [
        {"ID": "1.0", "Name": "n", "Severity": "MEDIUM", "Results": [failed, vulnerable]},
        {"ID": "1.1", "Name": "m", "DefaultStatus": "FAIL", "Severity": "HIGH", "Results": null},
        {"ID": "1.2", "Name": "o", "Severity": "HIGH", "Results": [failed]}]});
    let set = check(&all, "trivy-compliance", 3);
    assert_eq!(set.matches[0].field.as_deref(), Some("container web"));
    assert_eq!(set.matches[2].target.as_deref(), Some("Deployment/web"));
    let summary = json!({"ID": "k8s-nsa-1.0", "Title": "NSA", "SummaryControls": [
        {"ID": "1.0", "Name": "n", "Severity": "MEDIUM", "TotalFail": 2}, {"ID": "1.1", "Severity": "LOW", "TotalFail": 0},
        {"ID": "1.2", "Name": "by hand (Manual)", "Severity": "LOW"}]});
    let set = check(&summary, "trivy-compliance", 1);
    assert_eq!(
        (&*set.advisories[0].id, set.matches[0].severity),
        ("1.0", Severity::Medium)
    );
    assert!(set.gaps.iter().any(|gap| gap.what.contains("by hand")));
    check(
        &json!({"ID": "x", "Title": "t", "Results": null}),
        "trivy-compliance",
        0,
    );
}

#[test]
fn grype() {
    let found = |id: &str, related: Value| {
        json!({"vulnerability": {"id": id, "namespace": "github:language:go", "severity": "Medium", "dataSource": "https://x",
                "cvss": [], "fix": {"versions": ["1.2.3"], "state": "fixed", "available": [{"version": "1.2.3", "date": "2024-01-01"}]},
                "epss": [{"epss": 0.1}], "risk": 1.5, "cwes": [{"cwe": "CWE-79"}]},
            "relatedVulnerabilities": related,
            "matchDetails": [{"type": "exact-direct-match", "found": {}}],
            "artifact": {"name": "golang.org/x/net", "version": "v0.1.0", "type": "go-module", "purl": "pkg:golang/golang.org/x/net@v0.1.0",
                "locations": [{"path": "/bin/a", "layerID": digest("e")}], "upstreams": []}})
    };
    let related = json!([{"id": "CVE-2024-5", "namespace": "nvd:cpe", "cvss": [
        {"version": "3.1", "vector": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", "metrics": {"baseScore": 9.8}}]}]);
    let mut ignored = found("CVE-2024-6", json!(null));
    ignored["appliedIgnoreRules"] =
        json!([{"vulnerability": "CVE-2024-6", "reason": "accepted until May", "package": {}}]);
    let mut vex = found("CVE-2024-7", json!([]));
    vex["appliedIgnoreRules"] =
        json!([{"vex-status": "not_affected", "vex-justification": "component_not_present"}]);
    let document = json!({
        "matches": [found("GHSA-aaaa-bbbb-cccc", related), found("ELSA-2024-1", json!([{"id": "CVE-2024-8"}]))],
        "ignoredMatches": [ignored, vex],
        "alertsByPackage": [{"package": {"name": "x"}, "alerts": [{"type": "distro-eol", "message": "debian 8 is EOL"}]}],
        "source": {"type": "image", "target": {"userInput": "app:1", "imageID": digest("a"), "manifestDigest": digest("b"),
            "tags": ["app:1"], "repoDigests": [format!("app@{}", digest("c"))], "architecture": "amd64", "os": "linux"}},
        "distro": {"name": "debian", "version": "8", "idLike": []},
        "descriptor": {"name": "grype", "version": "0.100.0", "timestamp": "2026-01-01T00:00:00Z"},
    });
    let set = check(&document, "grype-json", 4);
    assert_eq!(suppressed(&set), 2);
    let said = advisory(&set, &set.matches[0]);
    assert_eq!(said.aliases, ["CVE-2024-5".into()]);
    assert_eq!((said.cvss.len(), &*said.cvss[0].source), (1, "nvd:cpe"));
    let notice = advisory(&set, &set.matches[1]);
    assert!(notice.aliases.is_empty(), "a notice has no aliases");
    assert_eq!(notice.covers, ["CVE-2024-8".into()]);
    let image = &set.artifacts[0];
    assert_eq!(image.identity.manifests, [digest("b").into()]);
    assert_eq!(image.identity.digests, [digest("c").into()]);
    assert_eq!(image.os.as_ref().unwrap().end_of_life, Some(true));
    assert_eq!(
        &*set.matches[2].suppression.as_ref().unwrap().reason,
        "accepted until May"
    );
    assert_eq!(&*set.matches[3].suppression.as_ref().unwrap().by, "vex");
    let folder = json!({"matches": [found("CVE-2024-9", json!([]))], "source": {"type": "directory", "target": "/app"}});
    assert_eq!(read(&folder).artifacts[0].kind, ArtifactKind::Filesystem);
}

#[test]
fn sarif() {
    let document = json!({"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0", "runs": [{
        "results": [
            {"ruleId": "CVE-2024-1", "ruleIndex": 0, "level": "error",
             "message": {"text": "Package: openssl\nInstalled Version: 1.1\nVulnerability CVE-2024-1\nSeverity: CRITICAL\nFixed Version: 1.2\nLink: [CVE](https://x)"},
             "locations": [{"physicalLocation": {"artifactLocation": {"uri": "library/nginx"}, "region": {"startLine": 1}}}]},
            {"ruleId": "DS002", "message": {"text": "Artifact: Dockerfile"}, "suppressions": [{"kind": "external", "status": "accepted", "justification": "later"}],
             "locations": [{"physicalLocation": {"artifactLocation": {"uri": "Dockerfile"}, "region": {"startLine": 3}}}]},
            {"ruleId": "DS002", "kind": "pass", "message": {"text": ""}},
            {"ruleId": "DS002", "suppressions": [{"kind": "external", "status": "underReview"}], "baselineState": "unchanged", "message": null},
            {"ruleIndex": 99, "level": "note"},
            {"ruleId": "DS002", "baselineState": "absent"},
        ],
        "properties": {"imageName": "nginx", "imageID": digest("a"), "repoDigests": [format!("nginx@{}", digest("b"))], "repoTags": null},
        "tool": {"driver": {"name": "Trivy", "version": "0.50", "rules": [
            {"id": "CVE-2024-1", "properties": {"security-severity": "9.8", "tags": ["vulnerability", "security", "CRITICAL"]}, "helpUri": "https://x"},
            {"id": "DS002", "defaultConfiguration": {"level": "warning"}, "properties": {"tags": ["misconfiguration", "HIGH"]}}]}},
    }]});
    let set = check(&document, "sarif/2.1.0", 5);
    assert_eq!(
        (
            &*set.source.tool,
            suppressed(&set),
            of(&set, Category::Vulnerability)
        ),
        ("trivy", 2, 1)
    );
    let first = &set.matches[0];
    assert_eq!(
        (&*package(&set, first).name, &*package(&set, first).version),
        ("openssl", "1.1")
    );
    assert_eq!(
        (first.severity, &first.fix.versions[..]),
        (Severity::Critical, &["1.2".into()][..])
    );
    assert_eq!(set.matches[1].severity, Severity::High);
    assert_eq!(set.matches[1].target.as_deref(), Some("Dockerfile:3"));
    assert_eq!(set.matches[3].severity, Severity::Low);
    assert_eq!(
        set.artifacts[0].identity.config.as_deref(),
        Some(&*digest("a"))
    );
    let grype = json!({"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "Grype", "rules": [
        {"id": "CVE-2024-2-musl", "help": {"text": "Vulnerability CVE-2024-2\nSeverity: high\nPackage: musl\nVersion: 1.0\nFix Version: 1.1\nType: apk\nLocation: /lib/apk/db/installed"},
         "properties": {"security-severity": "7.5"}}]}},
        "results": [{"ruleId": "CVE-2024-2-musl", "message": {"text": "A high vulnerability in apk package: musl, version 1.0 was found in image alpine:3.9 at: /lib/apk/db/installed"}}]}]});
    let set = check(&grype, "sarif/2.1.0", 1);
    assert_eq!(&*set.advisories[0].id, "CVE-2024-2");
    assert_eq!(
        set.artifacts[set.matches[0].artifact as usize]
            .identity
            .references[0]
            .to_string(),
        "docker.io/library/alpine:3.9"
    );
    assert_eq!(
        (&*set.packages[0].kind, set.matches[0].fix.state),
        ("apk", FixState::Fixed)
    );
    let snyk = json!({"version": "2.1.0", "runs": [{"automationDetails": {"id": "Snyk/Container/docker-image|nginx/2024"}, "tool": {"driver": {"name": "Snyk Container", "rules": [
        {"id": "SNYK-DEBIAN10-APT-1", "shortDescription": {"text": "Low severity - CVE-2011-3374 vulnerability in apt"}}]}},
        "results": [{"ruleId": "SNYK-DEBIAN10-APT-1", "level": "note", "message": {"text": "x"},
            "locations": [{"logicalLocations": [{"fullyQualifiedName": "apt/libapt@1.8"}]}]}]}]});
    let set = check(&snyk, "sarif/2.1.0", 1);
    assert_eq!(set.advisories[0].aliases, ["CVE-2011-3374".into()]);
    assert_eq!(&*set.packages[0].version, "1.8");
}

/// What the writers of Trivy and Grype really put where, and what their rules say of another package.
#[test]
fn sarif_of_trivy_and_grype() {
    let run = |tool: &str, rules: Value, results: Value| json!({"version": "2.1.0", "runs": [{"tool": {"driver": {"name": tool, "rules": rules}}, "results": results}]});
    let at = |uri: &str, line: u32, end: u32| {
        json!([{"message": {"text": uri}, "physicalLocation": {"artifactLocation": {"uri": uri, "uriBaseId": "ROOTPATH"},
        "region": {"startLine": line, "startColumn": 1, "endLine": end, "endColumn": 1}}}])
    };
    let text = |name: &str, fixed: &str, severity: &str| {
        format!(
            "Package: {name}\nInstalled Version: 1\nVulnerability CVE-2024-1\nSeverity: {severity}\nFixed Version: {fixed}\nLink: [CVE-2024-1](https://x)"
        )
    };
    let trivy = run(
        "Trivy",
        json!([{"id": "CVE-2024-1", "name": "OsPackageVulnerability", "shortDescription": {"text": "t"},
                "help": {"text": "Vulnerability CVE-2024-1\nSeverity: HIGH\nPackage: openssl\nFixed Version: 2\nLink: [CVE-2024-1](https://x)\nType: of attack"},
                "properties": {"precision": "very-high", "security-severity": "9.8", "tags": ["vulnerability", "security", "HIGH"], "cvssv3_vector": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H",
                    "cvssv3_baseScore": 9.8, "cvssv40_vector": "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N"}},
            {"id": "KSV001", "name": "Misconfiguration", "properties": {"tags": ["misconfiguration", "security", "LOW"], "security-severity": "2.0"}}]),
        json!([{"ruleId": "CVE-2024-1", "ruleIndex": 0, "level": "error", "message": {"text": text("openssl", "2", "HIGH")}, "locations": at("library/nginx", 1, 1)},
            {"ruleId": "CVE-2024-1", "ruleIndex": 0, "level": "note", "message": {"text": text("libssl", "", "UNKNOWN")}, "locations": at("library/nginx", 1, 1)},
            {"ruleId": "KSV001", "ruleIndex": 1, "message": {"text": "Artifact: k.yaml\nType: kubernetes\nVulnerability KSV001\nSeverity: LOW\nMessage: Container 'web' of Deployment 'x' should y\nLink: [KSV001](https://x)"}, "locations": at("k.yaml", 7, 9)},
            {"ruleId": "[HIGH] CVE-2020-9", "message": {"text": "x"}}]),
    );
    let set = check(&trivy, "sarif/2.1.0", 4);
    let [first, second, config, old] = &*set.matches else {
        panic!()
    };
    assert!(package(&set, first).locations.is_empty());
    let said = advisory(&set, first);
    assert_eq!((said.cvss.len(), said.vectors.len()), (1, 1));
    assert_eq!(
        (
            &*package(&set, second).name,
            second.fix.state,
            second.severity
        ),
        ("libssl", FixState::Unknown, Severity::Unknown),
        "the rule's package, fix and severity are not this one's"
    );
    assert_eq!(
        (config.target.as_deref(), config.field.as_deref()),
        (Some("k.yaml:7"), Some("container web"))
    );
    assert_eq!(&*advisory(&set, old).id, "CVE-2020-9");

    let layer = digest("f");
    let help = "Vulnerability GHSA-aaaa-bbbb-cccc\nSeverity: low\nPackage: lodash\nVersion: 4.0.0\nFix Version: 4.1\nType: npm\nLocation: /a/package.json\nData Namespace: github:language:javascript\nLink: [x](https://x)";
    let found = |version: &str, path: &str| {
        json!({"ruleId": "GHSA-aaaa-bbbb-cccc-lodash", "message": {"text": format!("A low vulnerability in npm package: lodash, version {version} was found in image app@{layer} at: {path}")},
            "locations": [{"physicalLocation": {"artifactLocation": {"uri": format!("app/{path}")}}, "logicalLocations": [{"fullyQualifiedName": format!("app@{layer}@{layer}:/{path}"), "name": path}]}]})
    };
    let grype = run(
        "grype",
        json!([{"id": "GHSA-aaaa-bbbb-cccc-lodash", "help": {"text": help}, "properties": {"security-severity": "0.0", "purls": ["pkg:npm/lodash@4.0.0"]}},
            {"id": "ELSA-2024-1-curl", "help": {"text": "Vulnerability ELSA-2024-1\nSeverity: high\nPackage: curl\nVersion: 7"}, "properties": {"security-severity": "7.0"}}]),
        json!([found("4.0.0", "/a/package.json"), found("3.9.0", "/b/package.json"), {"ruleId": "ELSA-2024-1-curl", "message": {"text": "A high vulnerability in rpm package: curl, version 7 was found at: x"}}]),
    );
    let set = check(&grype, "sarif/2.1.0", 3);
    let [first, second, notice] = &*set.matches else {
        panic!()
    };
    assert_eq!(&*advisory(&set, first).id, "GHSA-aaaa-bbbb-cccc");
    assert_eq!(
        package(&set, first).purl.as_deref(),
        Some("pkg:npm/lodash@4.0.0")
    );
    let other = package(&set, second);
    assert_eq!(
        (
            &*other.version,
            other.purl.as_deref(),
            &*other.locations[0],
            other.layer.as_deref()
        ),
        (
            "3.9.0",
            Some("pkg:npm/lodash@3.9.0"),
            "/b/package.json",
            Some(&*layer)
        )
    );
    assert_eq!(
        first.severity,
        Severity::Unknown,
        "low and 0.0 is not known"
    );
    assert_eq!(
        (notice.category, &*advisory(&set, notice).id),
        (Category::Vulnerability, "ELSA-2024-1")
    );
    let oldest = run(
        "Anchore Container Vulnerability Report (T0)",
        json!([]),
        json!([{"ruleId": "ANCHOREVULN_alpine_CVE-2019-1_apk_musl_1.1", "suppressions": [{"kind": "external"}], "baselineState": "unchanged"}]),
    );
    let set = check(&oldest, "sarif/2.1.0", 1);
    assert_eq!(
        (suppressed(&set), &*set.advisories[0].id),
        (0, "CVE-2019-1")
    );
    let snyk = run(
        "Snyk IaC",
        json!([]),
        json!([{"ruleId": "SNYK-CC-K8S-1", "locations": at("k.yaml", 3, 3)},
            {"ruleId": "SNYK-CC-K8S-1", "locations": [{"physicalLocation": {"artifactLocation": {"uri": "k.json"}, "region": {"startLine": 1, "startColumn": 40}}}]}]),
    );
    let set = check(&snyk, "sarif/2.1.0", 2);
    assert_eq!(of(&set, Category::Misconfiguration), 2);
    assert_eq!(set.matches[1].field.as_deref(), Some("column 40"));
}

#[test]
fn cyclonedx() {
    let document = json!({"bomFormat": "CycloneDX", "specVersion": "1.5",
        "metadata": {"timestamp": "2026-01-01T00:00:00Z", "tools": {"components": [{"name": "trivy", "version": "0.60"}]},
            "component": {"bom-ref": "root", "type": "container", "name": "nginx:1",
                "purl": format!("pkg:oci/nginx@sha256%3A{}?arch=amd64", "a".repeat(64)),
                "properties": [{"name": "aquasecurity:trivy:ImageID", "value": digest("b")}]}},
        "components": [
            {"bom-ref": "c1", "type": "library", "name": "openssl", "version": "1.1", "purl": "pkg:deb/debian/openssl@1.1"},
            {"bom-ref": "i2", "type": "container", "name": "other:2", "components": [{"bom-ref": "c2", "type": "library", "group": "org.a", "name": "b", "version": "1", "purl": "pkg:maven/org.a/b@1"}]},
            {"bom-ref": "c3", "type": "library", "name": "dep", "version": "1"}],
        "dependencies": [{"ref": "i2", "dependsOn": ["c3"]}],
        "vulnerabilities": [
            {"id": "CVE-2024-1", "source": {"name": "debian"}, "cwes": [79], "references": [{"id": "GHSA-aaaa-bbbb-cccc"}],
             "ratings": [{"source": {"name": "nvd"}, "severity": "critical", "score": 9.8, "method": "CVSSv31", "vector": "AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"},
                         {"source": {"name": "debian"}, "severity": "low"}],
             "recommendation": "Upgrade openssl to version 1.2", "affects": [{"ref": "c1"}, {"ref": "urn:cdx:x/1#c2", "versions": [{"version": "1", "status": "affected"}, {"version": "2", "status": "unaffected"}]}, {"ref": "c3"}]},
            {"id": "CVE-2024-2", "analysis": {"state": "not_affected", "justification": "code_not_reachable", "detail": "no"}, "affects": [{"ref": "pkg:npm/x@1.0"}]},
            {"id": "CVE-2024-3", "analysis": {"state": "exploitable", "response": ["will_not_fix"]}, "ratings": null, "affects": null}]});
    let set = check(&document, "cyclonedx/1.5", 5);
    assert_eq!((suppressed(&set), &*set.source.tool), (1, "trivy"));
    assert_eq!(
        set.artifacts[0].identity.config.as_deref(),
        Some(&*digest("b"))
    );
    assert_eq!(set.artifacts[0].identity.digests, [digest("a").into()]);
    let name = |m: &Match| set.artifacts[m.artifact as usize].name.to_string();
    assert_eq!(
        (
            name(&set.matches[0]),
            name(&set.matches[1]),
            name(&set.matches[2])
        ),
        ("nginx:1".into(), "other:2".into(), "other:2".into())
    );
    assert_eq!(
        (set.matches[0].severity, &set.matches[0].fix.versions[..]),
        (Severity::Low, &["1.2".into()][..])
    );
    assert_eq!(set.matches[1].fix.versions, ["2".into()]);
    assert_eq!(&*package(&set, &set.matches[1]).name, "org.a:b");
    let said = advisory(&set, &set.matches[0]);
    assert_eq!(
        (&*said.cwes[0], &*said.cvss[0].version, &*said.aliases[0]),
        ("CWE-79", "3.1", "GHSA-aaaa-bbbb-cccc")
    );
    assert_eq!(
        (
            &*package(&set, &set.matches[3]).name,
            &*package(&set, &set.matches[3]).version
        ),
        ("x", "1.0")
    );
    assert_eq!(set.matches[4].fix.state, FixState::WillNotFix);
    assert!(set.matches[4].package.is_none());
}

/// The same document in both notations is the same set.
#[test]
fn cyclonedx_xml() {
    let xml = r#"<?xml version="1.0" encoding="UTF-8"?>
<!-- a comment -->
<bom xmlns="http://cyclonedx.org/schema/bom/1.5" serialNumber="urn:uuid:1" version="1">
  <metadata>
    <timestamp>2026-01-01T00:00:00Z</timestamp>
    <tools><components><component type="application"><name>syft</name><version>1.2</version></component></components></tools>
    <component bom-ref="root" type="container"><name>nginx:1</name><version>DIGEST</version>
      <properties><property name="a">b</property><property name="empty"/></properties></component>
  </metadata>
  <components>
    <component bom-ref="c1" type="library"><group>org.a</group><name>b &amp; c&#x21;</name><version>1</version>
      <hashes><hash alg="MD5">x</hash><hash alg="SHA-1">y</hash></hashes>
      <licenses><license><id>MIT</id></license><license><id>ISC</id></license></licenses>
      <purl>pkg:maven/org.a/b@1</purl>
      <components><component type="library"><name>inner</name></component></components></component>
    <component bom-ref="i2" type="container"><name>other:2</name></component>
    <component bom-ref="c3" type="library"><name><![CDATA[d<e]]></name><version>1</version></component>
  </components>
  <dependencies><dependency ref="i2"><dependency ref="c3"/><dependency ref="c4"/></dependency><dependency ref="c1"/></dependencies>
  <vulnerabilities>
    <vulnerability bom-ref="v1"><id>CVE-2024-1</id><source><name>nvd</name><url>https://x</url></source>
      <references><reference><id>GHSA-aaaa-bbbb-cccc</id><source><name>g</name></source></reference></references>
      <ratings><rating><source><name>nvd</name></source><score>9.8</score><severity>critical</severity><method>CVSSv31</method><vector>AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H</vector></rating></ratings>
      <cwes><cwe>79</cwe></cwes><description>two
lines "quoted" \ back</description><published>2024-01-02T00:00:00Z</published>
      <analysis><state>not_affected</state><responses><response>will_not_fix</response></responses><detail>no</detail></analysis>
      <affects><target><ref>c1</ref><versions><version><version>1</version><status>affected</status></version><version><version>2</version><status>unaffected</status></version></versions></target><target><ref>c3</ref></target></affects>
    </vulnerability>
    <vulnerability/>
  </vulnerabilities>
</bom>"#.replace("DIGEST", &digest("a"));
    let document = json!({"bomFormat": "CycloneDX", "specVersion": "1.5",
        "metadata": {"timestamp": "2026-01-01T00:00:00Z", "tools": {"components": [{"name": "syft", "version": "1.2"}]},
            "component": {"bom-ref": "root", "type": "container", "name": "nginx:1", "version": digest("a")}},
        "components": [
            {"bom-ref": "c1", "type": "library", "group": "org.a", "name": "b & c!", "version": "1", "purl": "pkg:maven/org.a/b@1"},
            {"bom-ref": "i2", "type": "container", "name": "other:2"}, {"bom-ref": "c3", "type": "library", "name": "d<e", "version": "1"}],
        "dependencies": [{"ref": "i2", "dependsOn": ["c3", "c4"]}],
        "vulnerabilities": [{"id": "CVE-2024-1", "source": {"name": "nvd", "url": "https://x"}, "references": [{"id": "GHSA-aaaa-bbbb-cccc"}],
            "ratings": [{"source": {"name": "nvd"}, "score": 9.8, "severity": "critical", "method": "CVSSv31", "vector": "AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}],
            "cwes": [79], "published": "2024-01-02T00:00:00Z", "analysis": {"state": "not_affected", "response": ["will_not_fix"], "detail": "no"},
            "affects": [{"ref": "c1", "versions": [{"version": "1", "status": "affected"}, {"version": "2", "status": "unaffected"}]}, {"ref": "c3"}]}, {}]});
    let expected = check(&document, "cyclonedx/1.5", 3);
    let mut sets = ingest::read("t.json", xml.as_bytes(), &Limits::default()).unwrap();
    let mut found = sets.remove(0);
    found.source.digest = expected.source.digest.clone();
    assert_eq!(found, expected);
    assert_eq!(
        &*found.artifacts[found.matches[1].artifact as usize].name,
        "other:2"
    );

    // Before 1.4: the extension, inside of components.
    let extension = r#"<bom xmlns="http://cyclonedx.org/schema/bom/1.2" xmlns:v="http://cyclonedx.org/schema/ext/vulnerability/1.0" version="1"><components>
      <component type="library"><name>a</name><version>1</version><v:vulnerabilities><v:vulnerability ref="x"><v:id>CVE-2018-1</v:id>
        <v:source name="NVD"><v:url>https://x</v:url></v:source><v:ratings><v:rating><v:score><v:base>9.8</v:base><v:impact>5.9</v:impact></v:score>
        <v:severity>Critical</v:severity><v:method>CVSSv3</v:method><v:vector>AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H</v:vector></v:rating></v:ratings></v:vulnerability></v:vulnerabilities></component>
      </components></bom>"#;
    let sets = ingest::read("t", extension.as_bytes(), &Limits::default()).unwrap();
    let [set] = &*sets else { panic!() };
    assert_eq!(&*set.source.format, "cyclonedx/1.2");
    let said = &set.advisories[0];
    assert_eq!(
        (&*said.id, said.severity, said.cvss[0].base),
        ("CVE-2018-1", Severity::Critical, 9.8)
    );
    assert_eq!(&*set.packages[0].name, "a");
}

#[test]
fn spdx() {
    let document = json!({"spdxVersion": "SPDX-2.3", "name": "x", "creationInfo": {"created": "2026-01-01T00:00:00Z", "creators": ["Tool: trivy-0.60"]},
        "packages": [{"SPDXID": "p", "name": "openssl", "versionInfo": "1.1", "externalRefs": [
            {"referenceCategory": "SECURITY", "referenceType": "advisory", "referenceLocator": "https://nvd.nist.gov/vuln/detail/CVE-2020-28498"},
            {"referenceCategory": "SECURITY", "referenceType": "cpe23Type", "referenceLocator": "cpe:2.3:a:x"},
            {"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": "pkg:deb/debian/openssl@1.1"}]}, {"name": "y", "externalRefs": null}]});
    let set = check(&document, "spdx/2.3", 1);
    assert_eq!(&*set.advisories[0].id, "CVE-2020-28498");
    assert_eq!(&*set.packages[0].kind, "deb");
    let document = json!({"@context": "https://spdx.org/rdf/3.0.1/spdx-context.jsonld", "@graph": [
        {"type": "security_Vulnerability", "spdxId": "urn:v1", "externalIdentifier": [{"externalIdentifierType": "cve", "identifier": "CVE-2020-28498"}]},
        {"type": "software_Package", "spdxId": "urn:p1", "name": "elliptic", "software_packageVersion": "6.5.2", "software_packageUrl": "pkg:npm/elliptic@6.5.2"},
        {"type": "Relationship", "spdxId": "urn:r1", "from": "urn:p1", "relationshipType": "hasAssociatedVulnerability", "to": ["urn:v1"]},
        {"type": "security_VexNotAffectedVulnAssessmentRelationship", "spdxId": "urn:r2", "from": "urn:v1", "to": ["urn:p1"], "relationshipType": "doesNotAffect", "security_impactStatement": "unused"},
        {"type": "security_CvssV3VulnAssessmentRelationship", "spdxId": "urn:r3", "from": "urn:v1", "to": ["urn:p1"], "relationshipType": "hasAssessmentFor", "security_score": "6.8", "security_severity": "medium", "security_vectorString": "CVSS:3.1/AV:N/AC:H/PR:N/UI:N/S:C/C:H/I:N/A:N"}]});
    let set = check(&document, "spdx/3.0", 2);
    assert_eq!(
        (
            suppressed(&set),
            &*set.advisories[0].id,
            set.matches[0].severity
        ),
        (1, "CVE-2020-28498", Severity::Medium)
    );
    // 3.0.0 has no profile prefixes; a product names its part; version, time and tool are elements.
    let document = json!({"@context": "x", "@graph": [
        {"type": "CreationInfo", "@id": "_:c", "specVersion": "3.0.0", "created": "2026-01-01T00:00:00Z"},
        {"type": "Tool", "spdxId": "urn:t", "name": "scan-2.1"},
        {"type": "Vulnerability", "spdxId": "urn:v1", "externalIdentifiers": [{"identifier": "CVE-2020-28498"}]},
        {"type": "Package", "spdxId": "urn:p1", "name": "elliptic", "packageVersion": "6.5.2", "packageUrl": "pkg:npm/elliptic@6.5.2"},
        {"type": "Package", "spdxId": "urn:app", "name": "acme"},
        {"type": "VexAffectedVulnAssessmentRelationship", "from": "urn:v1", "to": ["urn:app"], "assessedElement": "urn:p1", "relationshipType": "affects"},
        {"type": "CvssV3VulnAssessmentRelationship", "from": "urn:v1", "to": ["urn:app"], "vectorString": "CVSS:3.1/AV:N/AC:H/PR:N/UI:N/S:C/C:H/I:N/A:N"}]});
    let set = check(&document, "spdx/3.0.0", 1);
    assert_eq!(
        (&*set.source.tool, &*set.packages[0].name),
        ("scan", "elliptic")
    );
    let scanned = &set.artifacts[set.matches[0].artifact as usize];
    assert_eq!(&*scanned.name, "acme");
    assert_eq!(set.advisories[0].vectors.len(), 1, "a vector without score");
}

#[test]
fn snyk() {
    let issue = |id: &str, name: &str| {
        json!({"id": id, "title": "t", "severity": "high", "CVSSv3": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", "cvssScore": "9.8",
            "identifiers": {"CVE": ["CVE-2024-1"], "CWE": ["CWE-79"]}, "packageName": name, "name": name, "version": "1.0",
            "from": ["docker-image|nginx@latest", name], "nearestFixedInVersion": "1.1", "packageManager": "debian:12", "publicationTime": "2024-01-01T00:00:00Z"})
    };
    let mut license = issue("snyk:lic:npm:x:GPL-3.0", "x");
    license["type"] = json!("license");
    let mut none = issue("SNYK-JS-X-2", "x");
    none["CVSSv3"] = json!(null);
    none["cvssScore"] = json!("None");
    none["identifiers"] = json!(null);
    none["packageManager"] = json!("npm");
    let container = json!({"vulnerabilities": [issue("SNYK-DEBIAN12-OPENSSL-1", "openssl/libssl3"), issue("SNYK-DEBIAN12-OPENSSL-1", "openssl/libssl3")],
        "ok": false, "dependencyCount": 100, "packageManager": "deb", "projectName": "docker-image|nginx", "path": "nginx:latest", "platform": "linux/amd64",
        "docker": {"baseImage": "debian:12"}, "filtered": {"ignore": [issue("SNYK-2", "a/b")], "patch": null},
        "applications": [{"vulnerabilities": [none, license], "targetFile": "/app/package.json", "packageManager": "npm", "ok": false}]});
    let set = check(&container, "snyk-json", 5);
    assert_eq!((suppressed(&set), of(&set, Category::License)), (1, 1));
    let first = &set.matches[0];
    assert_eq!(
        package(&set, first).purl.as_deref(),
        Some("pkg:deb/debian/libssl3@1.0?distro=debian-12")
    );
    assert_eq!(package(&set, first).upstream.as_deref(), Some("openssl"));
    assert_eq!(advisory(&set, first).aliases, ["CVE-2024-1".into()]);
    assert_eq!(
        set.artifacts[0].identity.references[0].to_string(),
        "docker.io/library/nginx:latest"
    );
    check(
        &json!([container, container, {"ok": false, "error": "no", "path": "x"}]),
        "snyk-json",
        10,
    );
    let mut several = issue("SNYK-3", "x");
    several["identifiers"]["CVE"] = json!(["CVE-2024-1", "CVE-2024-2"]);
    let set = check(
        &json!({"vulnerabilities": [several], "ok": false, "projectName": "p"}),
        "snyk-json",
        1,
    );
    assert!(set.advisories[0].aliases.is_empty());
    assert_eq!(
        set.advisories[0].covers,
        ["CVE-2024-1".into(), "CVE-2024-2".into()]
    );
    let infrastructure = json!({"targetFile": "k.yaml", "infrastructureAsCodeIssues": [
        {"id": "SNYK-CC-K8S-1", "severity": "low", "path": ["spec", 0], "isIgnored": true},
        {"id": "SNYK-CC-K8S-1", "severity": "low", "lineNumber": 7, "path": ["[DocId: 0]", "input", "spec", "containers[web]", "image"]}], "ok": false});
    let set = check(&infrastructure, "snyk-json", 2);
    assert_eq!(suppressed(&set), 1);
    assert_eq!(
        set.matches[1].field.as_deref(),
        Some("/spec/containers/web/image")
    );
    let mut sourced = issue("SNYK-4", "x");
    sourced["cvssScore"] = json!(null);
    sourced["cvssSources"] = json!([
        {"type": "primary", "assigner": "Snyk", "vector": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", "baseScore": 9.8},
        {"type": "secondary", "assigner": "NVD", "vector": "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N", "baseScore": 9.3}]);
    let set = check(
        &json!({"vulnerabilities": [sourced], "ok": false, "projectName": "p"}),
        "snyk-json",
        1,
    );
    let said = &set.advisories[0];
    assert_eq!(
        (said.cvss.len(), &*said.cvss[0].source, said.vectors.len()),
        (1, "NVD", 1)
    );
}

#[test]
fn harbor() {
    let item = json!({"id": "CVE-2024-1", "package": "openssl", "version": "1.1", "fix_version": "1.2", "severity": "High", "links": ["https://x"],
        "artifact_digests": [digest("a")], "preferred_cvss": {"score_v3": 7.5, "vector_v3": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H", "score_v2": null, "vector_v2": "AV:N/AC:L/Au:N/C:N/I:N/A:P"},
        "layer": {"digest": digest("d"), "diff_id": digest("e")},
        "cwe_ids": ["CWE-1"], "vendor_attributes": {"CVSS": {"nvd": {"V3Score": 7.5, "V3Vector": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H"}}}});
    let bare = json!({"id": "CVE-2024-2", "package": "x", "version": "", "fix_version": null, "severity": "Unknown", "links": null});
    let plain = json!({"generated_at": "2026-01-01T00:00:00Z", "scanner": {"name": "Trivy", "version": "v0.5"}, "severity": "High", "vulnerabilities": [item, bare]});
    let set = check(&plain, "harbor-json", 2);
    assert_eq!(
        (
            set.source.tool_version.as_deref(),
            set.advisories[0].cvss.len()
        ),
        (Some("Trivy v0.5"), 1)
    );
    assert_eq!(set.artifacts[0].identity.digests, [digest("a").into()]);
    assert_eq!(
        &*set.advisories[0].vectors[0].vector,
        "AV:N/AC:L/Au:N/C:N/I:N/A:P"
    );
    assert_eq!(set.packages[0].layer.as_deref(), Some(&*digest("e")));
    check(
        &json!({"application/vnd.security.vulnerability.report; version=1.1": plain}),
        "harbor-json",
        2,
    );
    check(
        &json!({"application/vnd.scanner.adapter.vuln.report.harbor+json; version=1.0": {"vulnerabilities": null}}),
        "harbor-json",
        0,
    );
    check(&json!({"vulnerabilities": [bare]}), "harbor-json", 1);
    let hub = json!([{"cve_id": "CVE-2024-3", "repository_name": "library/x", "digest": digest("b"), "tags": ["1"], "package": "p", "version": "1", "fixed_version": "2", "severity": "Low"}]);
    let set = check(&hub, "harbor-json", 1);
    assert_eq!(
        (&*set.advisories[0].id, set.matches[0].fix.state),
        ("CVE-2024-3", FixState::Fixed)
    );
}
