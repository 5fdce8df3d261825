//! Cases of one family as a table: each row has one that fires and one that does not, and exported expressions agree.

use crate::world::{MINOR, lines, snapshot};
use checks::policy::cel;
use checks::rule::{Form, Rule, Scope};
use checks::world::{Beside, World};
use checks::{Said, run};
use kube_cel::KubeCelExt;
use kube_cel::cel::{Context, Program, Value};
use model::evidence::Ledger;
use model::host::{FileState, FileStatus, Host, HostDocument, HostFile, HostSource};
use model::snapshot::{Listed, Origin, Snapshot};
use semantics::declare::Declarations;
use std::collections::BTreeSet;

/// Slug, YAML, findings.
pub(crate) type Case = (&'static str, &'static str, &'static [&'static str]);

pub(crate) const NOW: &str = "2026-11-23T12:00:00Z";

/// Kinds of Kubernetes that a live listing holds.
const LISTED: &[(&str, &str)] = &[
    ("", "ConfigMap"),
    ("", "Namespace"),
    ("", "Node"),
    ("", "Pod"),
    ("", "Secret"),
    ("", "Service"),
    ("", "ServiceAccount"),
    ("", "LimitRange"),
    ("", "ResourceQuota"),
    ("apiextensions.k8s.io", "CustomResourceDefinition"),
    ("apps", "DaemonSet"),
    ("apps", "Deployment"),
    ("apps", "ReplicaSet"),
    ("apps", "StatefulSet"),
    ("batch", "Job"),
    ("discovery.k8s.io", "EndpointSlice"),
    ("networking.k8s.io", "NetworkPolicy"),
    ("rbac.authorization.k8s.io", "ClusterRole"),
    ("rbac.authorization.k8s.io", "ClusterRoleBinding"),
    ("rbac.authorization.k8s.io", "Role"),
    ("rbac.authorization.k8s.io", "RoleBinding"),
    ("admissionregistration.k8s.io", "MutatingAdmissionPolicy"),
    (
        "admissionregistration.k8s.io",
        "MutatingAdmissionPolicyBinding",
    ),
    (
        "admissionregistration.k8s.io",
        "MutatingWebhookConfiguration",
    ),
    ("admissionregistration.k8s.io", "ValidatingAdmissionPolicy"),
    (
        "admissionregistration.k8s.io",
        "ValidatingAdmissionPolicyBinding",
    ),
    (
        "admissionregistration.k8s.io",
        "ValidatingWebhookConfiguration",
    ),
];

/// The same objects as a server would list them; configuration files become those of a node.
pub(crate) fn live(yaml: &str) -> (Snapshot, Beside) {
    let mut snapshot = snapshot(yaml);
    snapshot.origin = Origin::Live;
    snapshot.listed = LISTED
        .iter()
        .map(|(group, kind)| Listed {
            group: (*group).into(),
            kind: (*kind).into(),
            count: 0,
            complete: true,
        })
        .collect();
    let mut beside = Beside {
        now: Some(NOW.parse().unwrap()),
        ..Beside::default()
    };
    let (files, objects) = snapshot
        .objects
        .into_iter()
        .partition(|object| &*object.gvk.group == "apiserver.config.k8s.io");
    snapshot.objects = objects;
    for file in files {
        let file: model::snapshot::Object = file;
        let value: serde_json::Value = serde_json::from_slice(&file.json).unwrap();
        // `mode` is no field of such files: the test says with it how the file is kept.
        let mode = value["mode"].as_u64().unwrap_or(0o600);
        let path: model::text::Text = "/etc/kubernetes/config.yaml".into();
        beside.hosts.push(Host {
            node: Some("cp".into()),
            taken_at: None,
            source: HostSource::Root,
            os: None,
            kernel: None,
            cgroup: None,
            processes: None,
            files: vec![HostFile {
                path: path.clone(),
                state: FileState::Is(FileStatus {
                    folder: false,
                    mode: u32::try_from(mode).unwrap(),
                    uid: 0,
                    gid: 0,
                    owner: None,
                    group: None,
                }),
            }],
            documents: vec![HostDocument {
                path,
                json: std::str::from_utf8(&file.json).unwrap().into(),
            }],
            gaps: Vec::new(),
        });
    }
    (snapshot, beside)
}

pub(crate) fn ask(
    snapshot: &Snapshot,
    beside: &Beside,
    declared: &Declarations,
    rules: &[&'static Rule],
) -> Said {
    let inventory = semantics::inventory(snapshot, declared, &mut Ledger::default());
    run(
        &World {
            snapshot,
            inventory: &inventory,
            beside,
        },
        rules,
    )
}

/// All cases of a family, of files and of a live cluster.
pub(crate) fn family(name: &str, files: &[Case], cluster: &[Case]) {
    family_but(name, files, cluster, &[]);
}

/// The same where some rows have tests of their own.
pub(crate) fn family_but(name: &str, files: &[Case], cluster: &[Case], elsewhere: &[&str]) {
    let (mut fired, mut silent) = (BTreeSet::new(), BTreeSet::new());
    let mut wrong = Vec::new();
    let both = files.iter().map(|case| (case, false));
    for ((slug, yaml, expected), is_live) in both.chain(cluster.iter().map(|case| (case, true))) {
        let rule = checks::table::rule(slug).unwrap_or_else(|| panic!("no rule {slug}"));
        let (snapshot, beside) = if is_live {
            live(yaml)
        } else {
            (snapshot(yaml), Beside::default())
        };
        let said = ask(&snapshot, &beside, &Declarations::default(), &[rule]);
        let got = lines(&said);
        if got != *expected {
            wrong.push(format!("{slug}: {got:?}, not {expected:?}, of\n{yaml}"));
        }
        if !is_live && !yaml.contains("\n---\n") {
            agrees(rule, yaml, !got.is_empty());
        }
        if expected.is_empty() {
            silent.insert(rule.id);
        } else {
            fired.insert(rule.id);
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    let here = checks::table::all().filter(|rule| rule.family() == name);
    for rule in here.filter(|rule| !elsewhere.contains(&rule.slug)) {
        assert!(fired.contains(rule.id), "{}: nothing fires", rule.slug);
        assert!(silent.contains(rule.id), "{}: nothing is silent", rule.slug);
    }
}

/// Rules over objects say as CEL what they say natively.
fn agrees(rule: &'static Rule, yaml: &str, native: bool) {
    let Form::Each {
        scope: scope @ (Scope::Objects(kinds) | Scope::ObjectItems(kinds, _)),
        violated,
        ..
    } = rule.form
    else {
        return;
    };
    let value: serde_json::Value = serde_saphyr::from_str(yaml).unwrap();
    let kind = value["kind"].as_str().unwrap();
    if !kinds.iter().any(|(_, known)| *known == kind) {
        return;
    }
    let text = cel::violated(scope, &violated, MINOR);
    let program =
        Program::compile(&text).unwrap_or_else(|error| panic!("{}: {text}: {error}", rule.id));
    let mut context = Context::default().with_all();
    context.add_variable("object", value).unwrap();
    let said = program
        .execute(&context)
        .unwrap_or_else(|error| panic!("{}: {text}: {error}\n{yaml}", rule.id));
    assert_eq!(said, Value::Bool(native), "{} of\n{yaml}\n{text}", rule.id);
}
