//! A public suite of what is expected of a cluster: those of its lines that ask about single roles, bindings, accounts and
//! pods, by a table of what each means here. One trial a line; lines about paths are asked elsewhere.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "tests"
)]

#[allow(dead_code, reason = "shared with the other tests")]
#[path = "it/world.rs"]
mod world;

use checks::rule::Rule;
use checks::table::{all, rule};
use libtest_mimic::{Arguments, Failed, Trial};
use model::snapshot::{Listed, Origin, Snapshot};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// A rule of the reference: ours that say the same, one of which must, and the object that they must say it of.
const MEANS: &[(&str, &[&str], &str)] = &[
    (
        "KUBE-PRIVESC-001",
        &["create-pods"],
        "ClusterRole cr-pod-create",
    ),
    (
        "KUBE-PRIVESC-003",
        &["create-pods"],
        "ClusterRole cr-workload-mutate",
    ),
    (
        "KUBE-PRIVESC-005",
        &["list-secrets"],
        "ClusterRole privileged-reader",
    ),
    (
        "KUBE-PRIVESC-008",
        &["impersonate-users"],
        "ClusterRole cr-impersonate",
    ),
    (
        "KUBE-PRIVESC-009",
        &["escalate-verb", "bind-verb"],
        "ClusterRole cr-bind-escalate",
    ),
    (
        "KUBE-PRIVESC-010",
        &["write-bindings"],
        "ClusterRole cr-rolebinding-mutate",
    ),
    (
        "KUBE-PRIVESC-011",
        &["issue-certificates"],
        "ClusterRole cr-csr-mint",
    ),
    (
        "KUBE-PRIVESC-012",
        &["node-proxy"],
        "ClusterRole cr-nodes-proxy",
    ),
    (
        "KUBE-PRIVESC-014",
        &["create-tokens"],
        "ClusterRole cr-token-create",
    ),
    (
        "KUBE-PRIVESC-017",
        &["wildcard-everything"],
        "ClusterRole cr-wildcard",
    ),
    (
        "KUBE-PRIVESC-024",
        &["issue-certificates"],
        "ClusterRole cr-csr-sign",
    ),
    (
        "KUBE-RBAC-OVERBROAD-001",
        &["cluster-admin-account"],
        "ClusterRoleBinding crb-cluster-admin",
    ),
    (
        "KUBE-RBAC-STALE-001",
        &["missing-role"],
        "ClusterRoleBinding crb-stale-roleref",
    ),
    (
        "KUBE-RBAC-STALE-002",
        &["missing-account"],
        "RoleBinding rbac-fixtures/rb-stale-subject",
    ),
    (
        "KUBE-SA-DEFAULT-001",
        &["default-account-binding"],
        "RoleBinding vulnerable/default-sa-rb",
    ),
    (
        "KUBE-SA-DEFAULT-002",
        &["default-account-binding"],
        "RoleBinding vulnerable/default-sa-rb",
    ),
    (
        "KUBE-SA-PRIVILEGED-001",
        &["wildcard-everything"],
        "ClusterRole cr-wildcard",
    ),
    (
        "KUBE-SA-PRIVILEGED-002",
        &["impersonate-users"],
        "ClusterRole cr-impersonate",
    ),
    (
        "KUBE-SA-DAEMONSET-001",
        &["create-pods"],
        "ClusterRole cr-pod-create",
    ),
    (
        "KUBE-ESCAPE-001",
        &["privileged-container"],
        "Deployment vulnerable/risky-app",
    ),
    (
        "KUBE-ESCAPE-002",
        &["host-pid"],
        "Deployment vulnerable/host-ns-app",
    ),
    (
        "KUBE-ESCAPE-006",
        &["host-path-root"],
        "Deployment vulnerable/risky-app",
    ),
    (
        "KUBE-PODSEC-ROOT-001",
        &["may-run-as-root", "runs-as-root"],
        "Deployment vulnerable/root-runner",
    ),
];

/// Rules that must be silent, and the object they must be silent of; empty: of all.
const FORBIDS: &[(&str, &[&str], &str)] = &[
    // Requests of certificates are of a kind that no rule of the table may take for a finding by itself.
    (
        "KUBE-CSR-001",
        &["issue-certificates"],
        "CertificateSigningRequest",
    ),
    (
        "KUBE-CSR-002",
        &["issue-certificates"],
        "CertificateSigningRequest",
    ),
    (
        "KUBE-PRIVESC-PATH-CLUSTER-ADMIN:ServiceAccount/rbac-ns-fixtures/sa-ns-rolebinding-mutate",
        &[
            "escalate-verb",
            "bind-verb",
            "wildcard-everything",
            "cluster-admin-account",
        ],
        "rbac-ns-fixtures/",
    ),
];

/// (line, why it is not asked here).
const EXCEPTIONS: &[(&str, &str)] = &[
    (
        "KUBE-RBAC-UNUSED-VERB-001",
        "needs an audit log that the suite makes by a script",
    ),
    (
        "KUBE-RBAC-UNUSED-ROLE-001",
        "needs an audit log that the suite makes by a script",
    ),
    (
        "KUBE-RBAC-WILDCARD-USED-PARTIAL-001",
        "needs an audit log that the suite makes by a script",
    ),
    (
        "KUBE-ESCAPE-001:Deployment:psa-suppressed:psa-priv-app",
        "the label that refuses the pod is set by a script, not by the manifests",
    ),
];

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let Some(folder) = testkit::shared("conformance/rbac-paths/kubesplaining") else {
        let skipped = Trial::test("rbac-rules", || Ok(())).with_ignored_flag(true);
        return libtest_mimic::run(&arguments, vec![skipped]).exit_code();
    };
    let mut trials = Vec::new();
    let mut elsewhere = Vec::new();
    for (suffix, table) in [("expect", MEANS), ("deny", FORBIDS)] {
        for file in files(&folder, suffix) {
            for line in lines(&file) {
                let Some(row) = table.iter().find(|row| row.0 == line) else {
                    elsewhere.push(line);
                    continue;
                };
                let name = format!("{}/{line}", file.file_name().unwrap().to_string_lossy());
                let (folder, file) = (folder.clone(), file.clone());
                let expected = suffix == "expect";
                trials.push(Trial::test(name, move || {
                    check(&folder, &file, row, expected)
                }));
            }
        }
    }
    for (line, _) in EXCEPTIONS {
        assert!(elsewhere.iter().any(|one| one == line), "{line} is no line");
    }
    println!(
        "{} lines asked, {} exceptions, {} of other families or of paths: {}",
        trials.len(),
        EXCEPTIONS.len(),
        elsewhere.len() - EXCEPTIONS.len(),
        elsewhere.join(" ")
    );
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

fn lines(file: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(file).expect("a file of the suite");
    let lines = text.lines().map(str::trim);
    lines
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(str::to_owned)
        .collect()
}

/// The reference reads a live cluster that the manifests were applied to.
fn cluster(folder: &Path, file: &Path) -> Snapshot {
    let stem = file.file_stem().unwrap().to_string_lossy();
    let manifest = if stem == "baseline" {
        "00-baseline.yaml"
    } else {
        "14-csr.yaml"
    };
    let text = std::fs::read_to_string(folder.join(manifest)).expect("the manifests");
    let mut text = text
        .split("\n---\n")
        .filter(|part| part.lines().any(|line| line.starts_with("kind:")))
        .collect::<Vec<_>>()
        .join("\n---\n");
    text.push_str(
        "\n---\n{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: cluster-admin, \
         labels: {kubernetes.io/bootstrapping: rbac-defaults}}, rules: [{verbs: ['*'], apiGroups: ['*'], resources: ['*']}]}",
    );
    let mut snapshot = world::snapshot(&text);
    snapshot.origin = Origin::Live;
    let kinds = [
        ("rbac.authorization.k8s.io", "ClusterRole"),
        ("rbac.authorization.k8s.io", "ClusterRoleBinding"),
        ("rbac.authorization.k8s.io", "Role"),
        ("rbac.authorization.k8s.io", "RoleBinding"),
        ("", "ServiceAccount"),
    ];
    snapshot.listed = kinds
        .iter()
        .map(|(group, kind)| Listed {
            group: (*group).into(),
            kind: (*kind).into(),
            count: 1,
            complete: true,
        })
        .collect();
    snapshot
}

fn check(
    folder: &Path,
    file: &Path,
    (line, slugs, object): &(&str, &[&str], &str),
    expected: bool,
) -> Result<(), Failed> {
    let rules: Vec<&'static Rule> = slugs
        .iter()
        .map(|slug| rule(slug).unwrap_or_else(|| panic!("no rule {slug}")))
        .collect();
    assert!(all().count() > rules.len());
    let said = world::ask(&cluster(folder, file), &rules);
    let found = world::lines(&said);
    let mut here = found.iter().filter(|one| one.contains(object));
    if here.next().is_some() == expected {
        return Ok(());
    }
    Err(format!("{line}: expected {expected} of {object}, found {found:?}").into())
}
