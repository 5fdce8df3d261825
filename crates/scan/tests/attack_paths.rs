//! Attack paths against two public suites: every edge that a file of the one is about, for each kind of workload that
//! can carry its pod; every rule that the other expects or forbids and that is about paths, by a table of what it means.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "tests")]

use libtest_mimic::{Arguments, Failed, Trial};
use model::graph::GraphEdge;
use scan::attack::{Cluster, From, Order, Query};
use scan::inputs::{Declarations, Source, manifests};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

const KINDS: [&str; 8] = [
    "Pod",
    "Deployment",
    "DaemonSet",
    "StatefulSet",
    "ReplicaSet",
    "ReplicationController",
    "Job",
    "CronJob",
];

/// What a rule of the reference is, in edges or in a sink that somebody reaches. Rules of other families are about
/// single objects; the rule table answers them.
enum Means {
    Edge(&'static [&'static str]),
    Sink(&'static str),
}

const RULES: &[(&str, Means)] = &[
    ("KUBE-PRIVESC-001", Means::Edge(&["POD_CREATE"])),
    ("KUBE-PRIVESC-003", Means::Edge(&["WORKLOAD_PATCH"])),
    ("KUBE-PRIVESC-004", Means::Edge(&["POD_EXEC"])),
    ("KUBE-PRIVESC-005", Means::Edge(&["TOKEN_LIST"])),
    ("KUBE-PRIVESC-006", Means::Edge(&["TOKEN_BRUTEFORCE"])),
    ("KUBE-PRIVESC-008", Means::Edge(&["IDENTITY_IMPERSONATE"])),
    (
        "KUBE-PRIVESC-009",
        Means::Edge(&["ROLE_BIND", "ROLE_ESCALATE"]),
    ),
    ("KUBE-PRIVESC-010", Means::Edge(&["BINDING_WRITE"])),
    ("KUBE-PRIVESC-011", Means::Edge(&["CSR_APPROVE"])),
    ("KUBE-PRIVESC-012", Means::Edge(&["NODE_PROXY"])),
    ("KUBE-PRIVESC-014", Means::Edge(&["TOKEN_REQUEST"])),
    ("KUBE-PRIVESC-017", Means::Edge(&["RBAC_WILDCARD"])),
    ("KUBE-PRIVESC-024", Means::Edge(&["CSR_SIGN"])),
    ("KUBE-RBAC-OVERBROAD-001", Means::Edge(&["RBAC_WILDCARD"])),
    (
        "KUBE-PRIVESC-PATH-CLUSTER-ADMIN",
        Means::Sink("cluster-admin"),
    ),
    (
        "KUBE-PRIVESC-PATH-SYSTEM-MASTERS",
        Means::Sink("system:masters"),
    ),
    (
        "KUBE-PRIVESC-PATH-KUBE-SYSTEM-SECRETS",
        Means::Sink("kube-system-secrets"),
    ),
    ("KUBE-PRIVESC-PATH-NODE-ESCAPE", Means::Sink("node")),
    (
        "KUBE-PRIVESC-PATH-NAMESPACE-ADMIN",
        Means::Sink("namespace-admin"),
    ),
    // A chain of more than one step that ends at a subject.
    (
        "KUBE-PRIVESC-PATH-GENERIC",
        Means::Edge(&["IDENTITY_ASSUME"]),
    ),
    ("KUBE-ESCAPE-001", Means::Edge(&["CE_PRIV_MOUNT"])),
    (
        "KUBE-ESCAPE-006",
        Means::Edge(&["EXPLOIT_HOST_WRITE", "EXPLOIT_HOST_READ"]),
    ),
    (
        "KUBE-CONTAINERD-SOCKET-001",
        Means::Edge(&["EXPLOIT_CONTAINERD_SOCK"]),
    ),
    ("KUBE-ESCAPE-005", Means::Edge(&["EXPLOIT_CONTAINERD_SOCK"])),
];

/// (file, line, why it is not followed).
const EXCEPTIONS: &[(&str, &str, &str)] = &[(
    "baseline.deny",
    "KUBE-ESCAPE-001:Deployment:psa-suppressed:psa-priv-app",
    "the label that refuses the pod is set by a script, not by the manifests",
)];

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let Some(root) = testkit::shared("conformance/rbac-paths") else {
        let skipped = Trial::test("rbac-paths", || Ok(())).with_ignored_flag(true);
        return libtest_mimic::run(&arguments, vec![skipped]).exit_code();
    };
    let mut trials = Vec::new();
    for file in files(&root.join("kubehound"), "yaml") {
        for kind in KINDS {
            let file = file.clone();
            let name = format!("{}/{kind}", stem(&file));
            trials.push(Trial::test(name, move || edge(&file, kind)));
        }
    }
    let folder = root.join("kubesplaining");
    for suffix in ["expect", "deny"] {
        for file in files(&folder, suffix) {
            for line in lines(&file) {
                let name = format!("{}/{line}", file.file_name().unwrap().to_string_lossy());
                let refused = EXCEPTIONS
                    .iter()
                    .any(|(of, known, _)| name == format!("{of}/{known}"));
                if refused || means(&line).is_none() {
                    continue;
                }
                let (folder, file) = (folder.clone(), file.clone());
                trials.push(Trial::test(name, move || rule(&folder, &file, &line)));
            }
        }
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn files(folder: &Path, suffix: &str) -> Vec<PathBuf> {
    let entries = folder.read_dir().expect("the suite");
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|e| e == suffix))
        .collect();
    files.sort();
    assert!(!files.is_empty(), "no {suffix} in {}", folder.display());
    files
}

fn stem(file: &Path) -> String {
    file.file_stem().unwrap().to_string_lossy().into_owned()
}

fn lines(file: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(file).expect("a file of the suite");
    let lines = text.lines().map(str::trim);
    lines
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(str::to_owned)
        .collect()
}

fn means(line: &str) -> Option<&'static Means> {
    let id = line.split(':').next()?;
    RULES
        .iter()
        .find(|(known, _)| *known == id)
        .map(|(_, means)| means)
}

fn cluster(source: Source) -> Cluster {
    let snapshot = manifests(&[source], None, [0; 32]).expect("manifests");
    Cluster::of(&snapshot, &Declarations::default(), None)
}

/// The edge that the file is named after is there, in whatever carries the pod; the control pod has none.
fn edge(file: &Path, kind: &str) -> Result<(), Failed> {
    let text = std::fs::read_to_string(file)?;
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("case.yaml");
    std::fs::write(&path, carried(&text, kind))?;
    let edges = cluster(Source::Path(path)).edges();
    let name = stem(file);
    if name == "CONTROL_POD" {
        let touched: Vec<&GraphEdge> = edges
            .iter()
            .filter(|e| e.from.contains("control-pod") || e.to.contains("control-pod"))
            .collect();
        return if touched.is_empty() {
            Ok(())
        } else {
            Err(format!("{touched:?}").into())
        };
    }
    if edges.iter().any(|edge| *edge.kind == *name) {
        return Ok(());
    }
    let kinds: BTreeSet<&str> = edges.iter().map(|edge| &*edge.kind).collect();
    Err(format!("no {name}; there are {kinds:?}").into())
}

/// The documents, with each Pod carried by another kind.
fn carried(text: &str, kind: &str) -> String {
    let mut documents = Vec::new();
    for document in text.split("\n---") {
        let lines: Vec<&str> = document.lines().collect();
        let is_pod = lines.iter().any(|line| line.trim_end() == "kind: Pod");
        if !is_pod || kind == "Pod" {
            documents.push(document.to_owned());
            continue;
        }
        let name = lines
            .iter()
            .find_map(|line| line.strip_prefix("  name: "))
            .expect("a named pod");
        let at = lines
            .iter()
            .position(|line| line.starts_with("spec:"))
            .expect("a spec");
        let mut end = at + 1;
        while lines
            .get(end)
            .is_some_and(|line| line.is_empty() || line.starts_with([' ', '#']))
        {
            end += 1;
        }
        let spec = lines[at + 1..end].to_vec();
        let (api, depth, extra) = match kind {
            "ReplicationController" => ("v1", 1, "  selector: {app: case}\n"),
            "Job" => ("batch/v1", 1, ""),
            "CronJob" => ("batch/v1", 2, ""),
            _ => ("apps/v1", 1, "  selector: {matchLabels: {app: case}}\n"),
        };
        let mut out =
            format!("\napiVersion: {api}\nkind: {kind}\nmetadata:\n  name: {name}\nspec:\n{extra}");
        let mut indent = "  ".to_owned();
        if depth == 2 {
            out.push_str("  schedule: '* * * * *'\n  jobTemplate:\n    spec:\n");
            indent.push_str("    ");
        }
        let head = format!(
            "{indent}template:\n{indent}  metadata: {{labels: {{app: case}}}}\n{indent}  spec:\n"
        );
        let spec: Vec<String> = spec
            .iter()
            .map(|line| format!("{indent}  {line}\n"))
            .collect();
        documents.push(out + &head + &spec.concat());
    }
    documents.join("\n---")
}

/// Whether a rule fires: for one subject, or at all.
fn rule(folder: &Path, file: &Path, line: &str) -> Result<(), Failed> {
    let wanted = file.extension().is_some_and(|e| e == "expect");
    let manifest = if stem(file).starts_with("csr") {
        "14-csr.yaml"
    } else {
        "00-baseline.yaml"
    };
    let cluster = cluster(Source::Path(folder.join(manifest)));
    let subject = line.split_once(':').map(|(_, subject)| subject.to_owned());
    let fires = match means(line).expect("a rule with a meaning") {
        Means::Edge(kinds) => cluster.edges().iter().any(|e| kinds.contains(&&*e.kind)),
        Means::Sink(sink) => {
            let from = subject.map_or(From::All, |subject| From::Subject(subject.into()));
            let query = Query {
                from,
                to: Some((*sink).into()),
                top: 1,
                order: Order::Likely,
            };
            let about = scan::assess::about(
                Some(&manifests(
                    &[Source::Path(folder.join(manifest))],
                    None,
                    [0; 32],
                )?),
                None,
                jiff::Timestamp::UNIX_EPOCH,
                "0",
            );
            !cluster.ask(&query, about)?.routes.is_empty()
        }
    };
    match (fires, wanted) {
        (true, false) => Err("it fires".into()),
        (false, true) => Err("it does not fire".into()),
        _ => Ok(()),
    }
}
