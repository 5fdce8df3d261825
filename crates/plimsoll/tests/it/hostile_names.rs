//! Names with escapes, control characters, bidirectional marks, markup and formulas: shown harmlessly in every format.

use crate::runner::{FORMATS, Home};

const HOSTILE: &str = "e\u{1b}[31mvil\u{7}\u{9b}2J\u{202e}txt\u{2066}\u{200b}<script>alert(1)</script><img src=x onerror=alert(2)>\
    ](javascript:alert(3))|`=cmd()'\"]]>&#60;script&#62;\u{85}\u{2028}\r\n## forged";

fn json(text: &str) -> String {
    serde_json::to_string(text).unwrap()
}

fn manifests() -> String {
    let evil = json(HOSTILE);
    format!(
        r#"{{"apiVersion":"v1","kind":"List","items":[
        {{"apiVersion":"apps/v1","kind":"Deployment","metadata":{{"name":{evil},"namespace":{evil},
          "labels":{{"app":"x","owner":{evil},{evil}:{evil}}},"annotations":{{{evil}:{evil}}}}},
          "spec":{{"selector":{{"matchLabels":{{"app":"x"}}}},"template":{{"metadata":{{"labels":{{"app":"x"}}}},"spec":{{
          "serviceAccountName":{evil},"hostNetwork":true,"nodeSelector":{{{evil}:{evil}}},
          "volumes":[{{"name":{evil},"hostPath":{{"path":{evil}}}}}],
          "containers":[{{"name":{evil},"image":{evil},"securityContext":{{"privileged":true,"capabilities":{{"add":[{evil}]}}}}}},
                        {{"name":"c2","image":"good.example/app:1","ports":[{{"name":{evil},"containerPort":80}}]}}]}}}}}}}},
        {{"apiVersion":"v1","kind":"Service","metadata":{{"name":{evil},"namespace":{evil}}},
          "spec":{{"type":"LoadBalancer","selector":{{"app":"x"}},"externalIPs":[{evil}],"ports":[{{"name":{evil},"port":80}}]}}}},
        {{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"ClusterRoleBinding","metadata":{{"name":{evil}}},
          "roleRef":{{"apiGroup":"rbac.authorization.k8s.io","kind":"ClusterRole","name":"cluster-admin"}},
          "subjects":[{{"kind":"ServiceAccount","name":{evil},"namespace":{evil}}}]}},
        {{"apiVersion":"v1","kind":"Node","metadata":{{"name":{evil}}},"status":{{"nodeInfo":{{"kubeletVersion":{evil}}}}}}},
        {{"apiVersion":{evil},"kind":{evil},"metadata":{{"name":{evil}}}}}]}}"#
    )
}

fn report() -> String {
    let evil = json(HOSTILE);
    format!(
        r#"{{"SchemaVersion":2,"ArtifactName":"good.example/app:1","ArtifactType":"container_image",
        "Results":[{{"Target":{evil},"Class":"os-pkgs","Type":"debian","Vulnerabilities":[
        {{"VulnerabilityID":"CVE-2024-6119","PkgName":{evil},"PkgPath":{evil},"InstalledVersion":{evil},"FixedVersion":{evil},
          "Severity":"CRITICAL","Title":{evil},"Description":{evil},"PrimaryURL":"javascript:alert(4)",
          "References":["javascript:alert(5)"]}},
        {{"VulnerabilityID":{evil},"PkgName":"p","InstalledVersion":"1","Severity":{evil},"Title":{evil}}}]}},
        {{"Target":{evil},"Class":"secret","Secrets":[{{"RuleID":{evil},"Category":{evil},"Severity":"HIGH","Title":{evil},
          "StartLine":1,"EndLine":1,"Match":{evil}}}]}}]}}"#
    )
}

/// Markdown without fenced blocks and code spans, in which markup is only shown (CommonMark 4.5, 6.1).
fn without_code(text: &str) -> String {
    let mut fence: Option<&str> = None;
    let mut rest = String::new();
    for line in text.lines() {
        let start = line.trim_start();
        let ticks = &start[..start.len() - start.trim_start_matches('`').len()];
        match fence {
            Some(open) if start == open => fence = None,
            Some(_) => {}
            None if ticks.len() >= 3 => fence = Some(ticks),
            None => rest += &(without_spans(line) + "\n"),
        }
    }
    assert!(fence.is_none(), "a fence stays open");
    rest
}

fn without_spans(line: &str) -> String {
    let mut out = String::new();
    let mut rest = line;
    while let Some(at) = rest.find('`') {
        let (before, from) = rest.split_at(at);
        out += before;
        if before.ends_with('\\') {
            out.push('`');
            rest = &from[1..];
            continue;
        }
        let ticks = from.len() - from.trim_start_matches('`').len();
        let runs = from[ticks..].match_indices(&from[..ticks]);
        let mut ends = runs.filter(|(at, run)| {
            !from[ticks + at + run.len()..].starts_with('`') && !from[ticks..][..*at].ends_with('`')
        });
        rest = ends
            .next()
            .map_or(&from[ticks..], |(at, run)| &from[ticks + at + run.len()..]);
    }
    out + rest
}

#[track_caller]
fn harmless(text: &str, format: &str) {
    for (at, c) in text.char_indices() {
        let ends_line =
            c == '\n' || (format == "csv" && c == '\r' && text[at..].starts_with("\r\n"));
        let steers = c.is_control() && !ends_line
            || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200b}'..='\u{200f}' | '\u{2028}' | '\u{2029}');
        assert!(
            !steers,
            "{format}: {c:?} in {:?}",
            &text[text.floor_char_boundary(at.saturating_sub(80))..at]
        );
    }
    assert!(
        !text.lines().any(|line| line.starts_with("## forged")),
        "{format}: a line is forged"
    );
    let markup: &[&str] = match format {
        "html" => &[
            "<script>alert",
            "<img src=x",
            "&#60;script",
            "href=\"javascript:",
            "href=javascript:",
        ],
        "markdown" => &[
            "<script>alert",
            "<img src=x",
            "](javascript:",
            "&#60;script",
        ],
        _ => &[],
    };
    let text = if format == "markdown" {
        // What is escaped is text.
        without_code(text).replace("\\]", "")
    } else {
        text.to_owned()
    };
    for raw in markup {
        let at = text.find(raw);
        assert!(at.is_none(), "{format}: {}", &text[at.unwrap()..][..60]);
    }
    if format == "csv" {
        let formula =
            |line: &str| line.starts_with('=') || line.contains(",=") || line.contains(",\"=");
        assert!(!text.lines().any(formula), "a formula in {text}");
    }
}

#[test]
fn in_every_format() {
    let home = Home::new();
    home.write("evil.json", manifests());
    home.write("evil-report.json", report());
    for format in FORMATS {
        for more in [&[][..], &["--redact-names"]] {
            let scan = [
                "scan",
                "manifests",
                "evil.json",
                "--report",
                "evil-report.json",
                "--top",
                "0",
                "--format",
                format,
            ];
            let ran = home.run(&[&scan, more].concat()).done();
            harmless(&ran.text(), format);
            harmless(&ran.stderr, "stderr");
            assert!(ran.text().contains("CVE-2024-6119"), "{format}");
        }
    }
    harmless(&home.run(&["paths", "--top", "0"]).done().text(), "table");
    harmless(
        &home.run(&["explain", "CVE-2024-6119"]).done().text(),
        "table",
    );
    home.run(&[
        "scan",
        "manifests",
        "evil.json",
        "--report",
        "evil-report.json",
        "--format",
        "sarif",
        "--sarif-split",
        "split",
    ])
    .done();
    for file in std::fs::read_dir(home.path("split")).unwrap() {
        let path = file.unwrap().path();
        harmless(path.file_name().unwrap().to_str().unwrap(), "name");
        harmless(&std::fs::read_to_string(path).unwrap(), "sarif");
    }
}

#[test]
fn in_errors() {
    let home = Home::new();
    let name = "e\u{1b}[31mvil\u{202e}.json";
    home.write(name, "{\"a\": 1");
    for arguments in [
        &["scan", "manifests", name][..],
        &["scan", "reports", "--report", name],
        &["scan", "snapshot", name],
        &["queue", "--from", name],
        &["scan", "manifests", "shop/k8s", "--config", name],
        &["scan", "cluster", "--kubeconfig", name],
        &["db", "build", "--from", name],
        &["db", "status", "--db", name],
        &["explain", name, "--from", "nowhere"],
    ] {
        let ran = home.run(arguments).sound();
        assert_ne!(ran.code, 0);
        harmless(&ran.stderr, "stderr");
    }
    home.write("keys.json", format!("{{{}: 1}}", json(HOSTILE)));
    harmless(
        &home
            .run(&["scan", "reports", "--report", "keys.json"])
            .refused("keys.json")
            .stderr,
        "stderr",
    );
    home.write("yaml.yaml", format!("{}: [", json(HOSTILE)));
    harmless(
        &home
            .run(&["scan", "manifests", "yaml.yaml"])
            .refused("yaml.yaml")
            .stderr,
        "stderr",
    );
    harmless(
        &home
            .run(&["scan", "manifests", "shop/k8s", "--config", "yaml.yaml"])
            .refused("yaml.yaml")
            .stderr,
        "stderr",
    );
}
