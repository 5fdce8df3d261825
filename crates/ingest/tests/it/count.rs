//! How many matches a document holds, counted on the plain JSON tree: the other opinion that the
//! importers are held against. It knows the rules of counting and nothing of the importers.

use serde_json::Value;

/// Length of the list `key`; `null` and absent are empty.
fn len(value: &Value, key: &str) -> usize {
    value[key].as_array().map_or(0, Vec::len)
}

fn items<'v>(value: &'v Value, key: &str) -> impl Iterator<Item = &'v Value> {
    value[key].as_array().into_iter().flatten()
}

fn is(value: &Value, key: &str, words: &[&str]) -> bool {
    value[key]
        .as_str()
        .is_some_and(|word| words.contains(&word.to_ascii_lowercase().as_str()))
}

/// Matches of one document, suppressed ones included.
pub(crate) fn matches(document: &Value) -> usize {
    match document {
        Value::Array(parts) => parts.iter().map(matches).sum(),
        Value::Object(_) => object(document),
        _ => 0,
    }
}

fn object(v: &Value) -> usize {
    if v["runs"].is_array() {
        return items(v, "runs")
            .flat_map(|run| items(run, "results"))
            .filter(|result| !is(result, "kind", &["pass", "notapplicable", "informational"]))
            .count();
    }
    if v["bomFormat"] == "CycloneDX" {
        return cyclonedx(v);
    }
    if v.get("spdxVersion").is_some() {
        return items(v, "packages")
            .flat_map(|package| items(package, "externalRefs"))
            .filter(|r| {
                is(r, "referenceCategory", &["security"]) && is(r, "referenceType", &["advisory"])
            })
            .count();
    }
    if v.get("@graph").is_some() {
        return items(v, "@graph")
            .map(
                |element| match element["type"].as_str().unwrap_or_default() {
                    "Relationship"
                        if element["relationshipType"] == "hasAssociatedVulnerability" =>
                    {
                        len(element, "to")
                    }
                    kind if kind.trim_start_matches("security_").starts_with("Vex") => {
                        len(element, "to")
                    }
                    _ => 0,
                },
            )
            .sum();
    }
    if v.get("apiVersion").is_some()
        || v.as_object()
            .is_some_and(|o| o.keys().any(|k| k.ends_with(".aquasecurity.github.io")))
    {
        return kubernetes(v);
    }
    if v.get("matches").is_some() || v.get("ignoredMatches").is_some() {
        return len(v, "matches") + len(v, "ignoredMatches");
    }
    if v.get("AuditResultName").is_some() {
        return 1;
    }
    if v.get("Controls").is_some() || v.get("tests").is_some() || v.get("Totals").is_some() {
        return kube_bench(v);
    }
    if v.get("frameworks").is_some() || v.get("controlReports").is_some() {
        return items(v, "frameworks")
            .chain([v])
            .flat_map(|framework| items(framework, "controlReports"))
            .flat_map(|control| items(control, "ruleReports"))
            .flat_map(|rule| items(rule, "ruleResponses"))
            .filter(|r| !is(r, "ruleStatus", &["success", "passed", "skipped"]))
            .map(|response| len(&response["alertObject"], "k8sApiObjects").max(1))
            .sum();
    }
    if v.get("SummaryControls").is_some() {
        return items(v, "SummaryControls")
            .filter(|control| control["TotalFail"].as_u64().is_some_and(|n| n > 0))
            .count();
    }
    if v.get("Title").is_some() {
        return items(v, "Results")
            .flat_map(|control| items(control, "Results"))
            .map(trivy)
            .sum();
    }
    if v.get("summaryDetails").is_some() {
        return items(v, "results")
            .flat_map(|r| items(r, "controls"))
            .filter(|c| kubescape(c))
            .count();
    }
    let nested = [
        "Resources",
        "Findings",
        "Vulnerabilities",
        "Misconfigurations",
    ]
    .iter()
    .flat_map(|list| items(v, list))
    .filter(|resource| resource.get("Kind").is_some())
    .flat_map(|resource| items(resource, "Results"));
    let trivy: usize = items(v, "Results").chain(nested).map(trivy).sum();
    if v.get("Results").is_some()
        && items(v, "Results")
            .any(|r| r.get("AuditResultName").is_some() || r.get("AuditResults").is_some())
    {
        return items(v, "Results")
            .map(|r| {
                if r.get("AuditResults").is_some() {
                    len(r, "AuditResults")
                } else {
                    1
                }
            })
            .sum();
    }
    if v.get("Target").is_some() {
        return self::trivy(v);
    }
    if trivy > 0 {
        return trivy;
    }
    if v.get("cve_id").is_some() {
        return 1;
    }
    let maps: usize = v
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(key, _)| key.starts_with("application/vnd."))
        .map(|(_, report)| len(report, "vulnerabilities"))
        .sum();
    maps + snyk(v)
}

fn trivy(result: &Value) -> usize {
    let failed = items(result, "Misconfigurations")
        .filter(|check| !is(check, "Status", &["pass", "exception"]))
        .count();
    failed
        + [
            "Vulnerabilities",
            "Secrets",
            "Licenses",
            "ExperimentalModifiedFindings",
        ]
        .iter()
        .map(|list| len(result, list))
        .sum::<usize>()
}

fn kubernetes(v: &Value) -> usize {
    let lists: usize = v
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(key, _)| key.ends_with(".aquasecurity.github.io") || *key == "items")
        .flat_map(|(_, list)| list.as_array().into_iter().flatten())
        .map(kubernetes)
        .sum();
    let report = &v["report"];
    let failed = |check: &&Value| check["success"] != Value::Bool(true);
    let detail = &v["status"]["detailReport"];
    let compliance = items(detail, "results")
        .flat_map(|result| items(result, "checks"))
        .filter(failed)
        .count();
    let payload = &v["spec"]["payload"];
    lists
        + len(report, "vulnerabilities")
        + len(report, "secrets")
        + items(report, "checks").filter(failed).count()
        + compliance
        + len(payload, "matches")
        + len(payload, "ignoredMatches")
}

fn cyclonedx(v: &Value) -> usize {
    fn components(v: &Value) -> usize {
        items(v, "components")
            .map(|c| len(c, "vulnerabilities") + components(c))
            .sum()
    }
    let listed: usize = items(v, "vulnerabilities")
        .map(|vulnerability| len(vulnerability, "affects").max(1))
        .sum();
    listed + components(v)
}

fn kube_bench(v: &Value) -> usize {
    let own = items(v, "tests")
        .flat_map(|group| items(group, "results"))
        .filter(|result| !is(result, "status", &["pass", "info"]))
        .count();
    own + items(v, "Controls").map(kube_bench).sum::<usize>()
}

fn kubescape(control: &Value) -> bool {
    let counts = |holder: &Value| {
        let status = match &holder["status"] {
            Value::String(word) => (word.as_str(), ""),
            status => (
                status["status"].as_str().unwrap_or_default(),
                status["subStatus"].as_str().unwrap_or_default(),
            ),
        };
        !matches!(status.0, "passed" | "skipped" | "irrelevant" | "") || status.1 == "w/exceptions"
    };
    if control.get("status").is_some() {
        return counts(control);
    }
    items(control, "rules").any(counts)
}

fn snyk(v: &Value) -> usize {
    let filtered = &v["filtered"];
    len(v, "vulnerabilities")
        + len(v, "infrastructureAsCodeIssues")
        + len(filtered, "ignore")
        + len(filtered, "patch")
        + items(v, "applications").map(snyk).sum::<usize>()
}
