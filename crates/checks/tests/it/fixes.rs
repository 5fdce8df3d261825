//! Remedies: each form of fix, what is refused and why, merged ones, commands.

use crate::world::{ask, pod, snapshot};
use checks::fixes::{Fixes, Live, Refused, live};
use checks::rule::{Change, Containers, Fix, Form, Rule, Scope};
use checks::table;
use checks::test::{FALSE, TRUE, Test, container, pod as of_pod, pod_metadata, security, this};
use checks::world::{Beside, Sink, World};
use model::action::FixClass::{Breaking, Equivalent, NeedsTest};
use model::evidence::Ledger;
use model::remedy::{Operation, Remedy};
use model::snapshot::Snapshot;
use semantics::declare::Declarations;
use semantics::json_patch;

const ROW: Rule = Rule {
    title: "title",
    why: "why",
    advice: "advice",
    ..Rule::ROW
};

const ESCALATION: Rule = Rule {
    id: "T-1",
    slug: "escalation",
    form: Form::Each {
        scope: Scope::Containers(Containers::All),
        violated: Test::Not(&Test::Is(
            container(&["securityContext", "allowPrivilegeEscalation"]),
            FALSE,
        )),
        at: container(&["securityContext", "allowPrivilegeEscalation"]),
    },
    fix: Fix::Set(
        container(&["securityContext", "allowPrivilegeEscalation"]),
        "false",
        NeedsTest,
    ),
    ..ROW
};

const CAPABILITIES: Rule = Rule {
    id: "T-2",
    slug: "capabilities",
    form: Form::Each {
        scope: Scope::Containers(Containers::All),
        violated: Test::Has(
            container(&["securityContext", "capabilities", "add"]),
            &["SYS_ADMIN", "CAP_SYS_ADMIN", "NET_RAW"],
        ),
        at: container(&["securityContext", "capabilities", "add"]),
    },
    fix: Fix::Drop(
        container(&["securityContext", "capabilities", "add"]),
        &["SYS_*", "NET_RAW"],
        Breaking,
    ),
    ..ROW
};

const HOST_PATH: Rule = Rule {
    id: "T-3",
    slug: "host-path",
    form: Form::Each {
        scope: Scope::PodItems("volumes"),
        violated: Test::Set(this(&["hostPath"])),
        at: this(&["hostPath", "path"]),
    },
    fix: Fix::RemoveItem(Breaking),
    ..ROW
};

const HOST_PORT: Rule = Rule {
    id: "T-4",
    slug: "host-port",
    form: Form::Each {
        scope: Scope::ContainerItems(Containers::All, "ports"),
        violated: Test::Above(this(&["hostPort"]), 0),
        at: this(&["hostPort"]),
    },
    fix: Fix::Remove(this(&["hostPort"]), NeedsTest),
    ..ROW
};

const SEVERAL: Rule = Rule {
    id: "T-5",
    slug: "several",
    form: Form::Each {
        scope: Scope::Pod,
        violated: Test::Is(of_pod(&["hostPID"]), TRUE),
        at: of_pod(&["hostPID"]),
    },
    fix: Fix::All(&[
        Fix::Set(of_pod(&["hostPID"]), "false", Equivalent),
        Fix::Set(
            pod_metadata(&["annotations", "example.com/was~host"]),
            "\"yes\"",
            NeedsTest,
        ),
    ]),
    ..ROW
};

const USELESS: Rule = Rule {
    id: "T-6",
    slug: "useless",
    fix: Fix::Set(of_pod(&["hostIPC"]), "false", Equivalent),
    ..SEVERAL
};

const WILDCARD: Rule = Rule {
    id: "T-7",
    slug: "wildcard",
    form: Form::Each {
        scope: Scope::ObjectItems(&[("rbac.authorization.k8s.io", "Role")], &["rules"]),
        violated: Test::Has(this(&["verbs"]), &["*"]),
        at: this(&["verbs"]),
    },
    fix: Fix::Drop(this(&["verbs"]), &["*"], Breaking),
    ..ROW
};

const MADE: Rule = Rule {
    id: "T-8",
    slug: "made",
    form: Form::World(asks_for_label),
    fix: Fix::Make(
        |_, found| {
            Some(vec![Change {
                pointer: found.pointer.clone(),
                to: Some("\"me\"".to_owned()),
            }])
        },
        Equivalent,
    ),
    ..ROW
};

fn asks_for_label(world: &World<'_>, sink: &mut Sink<'_>) {
    for (at, object) in (0..).zip(&world.snapshot.objects) {
        sink.looked(1);
        if object.label("owner").is_none() {
            sink.object(world, at, "/metadata/labels/owner", "nobody owns it");
        }
    }
}

/// Fires where escalation is said: a remedy for `escalation` would make it find more.
const SAID: Rule = Rule {
    id: "T-9",
    slug: "said",
    form: Form::Each {
        scope: Scope::Containers(Containers::All),
        violated: Test::Set(container(&["securityContext"])),
        at: container(&["securityContext"]),
    },
    fix: Fix::None,
    ..ROW
};

const MAY_ROOT: Rule = Rule {
    id: "T-10",
    slug: "may-root",
    form: Form::Each {
        scope: Scope::Containers(Containers::All),
        violated: Test::Not(&Test::Is(security(&["runAsNonRoot"]), TRUE)),
        at: security(&["runAsNonRoot"]),
    },
    fix: Fix::Set(security(&["runAsNonRoot"]), "true", NeedsTest),
    ..ROW
};

const PRIVILEGED: Rule = Rule {
    id: "T-11",
    slug: "privileged",
    form: Form::Each {
        scope: Scope::Containers(Containers::All),
        violated: Test::Is(container(&["securityContext", "privileged"]), TRUE),
        at: container(&["securityContext", "privileged"]),
    },
    fix: Fix::Remove(container(&["securityContext", "privileged"]), Breaking),
    ..ROW
};

fn leak(rules: &[Rule]) -> &'static [&'static Rule] {
    let rules = rules.iter().map(|rule| &*Box::leak(Box::new(*rule)));
    Box::leak(rules.collect::<Vec<_>>().into())
}

fn offers(rules: &[Rule], yaml: &str, ask_about: &[&str]) -> (Snapshot, Result<Remedy, Refused>) {
    let snapshot = snapshot(yaml);
    let rules = leak(rules);
    let said = ask(&snapshot, rules);
    let rebuild = |snapshot: &Snapshot| {
        semantics::inventory(snapshot, &Declarations::default(), &mut Ledger::default())
    };
    let inventory = rebuild(&snapshot);
    let beside = Beside::default();
    let world = World {
        snapshot: &snapshot,
        inventory: &inventory,
        beside: &beside,
    };
    let found: Vec<_> = said
        .found
        .iter()
        .filter(|one| ask_about.contains(&one.rule.slug))
        .collect();
    assert!(!found.is_empty(), "{ask_about:?} finds nothing");
    let fixes = Fixes::new(world, rules).rebuilt_by(&rebuild);
    let offer = fixes.offer_all(&found);
    drop(fixes);
    (snapshot, offer)
}

fn words(operations: &[Operation]) -> Vec<String> {
    let one = |operation: &Operation| {
        let value = operation.value().map_or("", |value| value);
        match operation {
            Operation::Add { path, .. } => format!("add {path} {value}"),
            Operation::Remove { path } => format!("remove {path}"),
            Operation::Replace { path, .. } => format!("replace {path} {value}"),
            Operation::Test { path, .. } => format!("test {path} {value}"),
        }
    };
    operations.iter().map(one).collect()
}

/// Rules, all asked; the operations of the remedy for the findings of those named (all of one object), or why not.
/// Taken back, the object is as it was.
#[track_caller]
fn check(rules: &[Rule], about: &[&str], yaml: &str, expected: &[&str]) {
    let (snapshot, offer) = offers(rules, yaml, about);
    match offer {
        Err(refused) => assert_eq!(vec![refused.to_string()], expected, "{yaml}"),
        Ok(remedy) => {
            assert_eq!(words(&remedy.operations), expected, "{yaml}");
            let before = serde_json::from_slice(&snapshot.objects[0].json).unwrap();
            let mut value: serde_json::Value = before;
            let before = value.clone();
            json_patch::apply(&mut value, &remedy.operations).unwrap();
            assert_ne!(value, before);
            json_patch::apply(&mut value, &remedy.undo).unwrap();
            assert_eq!(value, before, "{:?}", words(&remedy.undo));
        }
    }
}

const C: &str = "/spec/containers/0";

#[test]
fn each_form_of_fix() {
    let name = format!("test {C}/name \"web\"");
    let one = |rule: Rule, yaml: &str, expected: &[&str]| {
        check(&[rule], &[rule.slug], yaml, expected);
    };
    one(
        ESCALATION,
        &pod("", ""),
        &[
            &name,
            &format!("add {C}/securityContext {{\"allowPrivilegeEscalation\":false}}"),
        ],
    );
    one(
        ESCALATION,
        &pod("", "securityContext: {}"),
        &[
            &name,
            &format!("add {C}/securityContext/allowPrivilegeEscalation false"),
        ],
    );
    one(
        ESCALATION,
        &pod("", "securityContext: {allowPrivilegeEscalation: true}"),
        &[
            &name,
            &format!("replace {C}/securityContext/allowPrivilegeEscalation false"),
        ],
    );
    let add = format!("{C}/securityContext/capabilities/add");
    one(
        CAPABILITIES,
        &pod(
            "",
            "securityContext: {capabilities: {add: [cap_sys_time, CHOWN, CAP_SYS_ADMIN]}}",
        ),
        &[
            &name,
            &format!("test {add}/2 \"CAP_SYS_ADMIN\""),
            &format!("test {add}/0 \"cap_sys_time\""),
            &format!("remove {add}/2"),
            &format!("remove {add}/0"),
        ],
    );
    one(
        CAPABILITIES,
        &pod("", "securityContext: {capabilities: {add: [NET_RAW]}}"),
        &[&name, &format!("remove {add}")],
    );
    one(
        HOST_PATH,
        &pod(
            "volumes: [{name: a, emptyDir: {}}, {name: b, hostPath: {path: /x}}]",
            "volumeMounts: [{name: b, mountPath: /b}, {name: a, mountPath: /a}]",
        ),
        &[
            "test /spec/volumes/1/name \"b\"",
            &name,
            &format!("test {C}/volumeMounts/0/name \"b\""),
            "remove /spec/volumes/1",
            &format!("remove {C}/volumeMounts/0"),
        ],
    );
    one(
        HOST_PORT,
        &pod(
            "",
            "ports: [{containerPort: 1}, {containerPort: 2, hostPort: 2}]",
        ),
        &[&name, &format!("remove {C}/ports/1/hostPort")],
    );
    one(
        SEVERAL,
        &pod("hostPID: true", ""),
        &[
            "replace /spec/hostPID false",
            "add /metadata/annotations {\"example.com/was~host\":\"yes\"}",
        ],
    );
    one(
        MADE,
        &pod("", ""),
        &["add /metadata/labels {\"owner\":\"me\"}"],
    );
}

fn role(rules: &str) -> String {
    format!(
        "{{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {{name: r, namespace: shop}}, rules: {rules}}}"
    )
}

#[test]
fn what_would_not_help_is_refused() {
    let why = |refused: Refused| refused.to_string();
    check(
        &[USELESS],
        &["useless"],
        &pod("hostPID: true", ""),
        &[&why(Refused::NotGone("useless"))],
    );
    check(
        &[ESCALATION, SAID],
        &["escalation"],
        &pod("", ""),
        &[&why(Refused::New("said"))],
    );
    check(
        &[SAID],
        &["said"],
        &pod("", "securityContext: {}"),
        &[&why(Refused::NoFix("advice"))],
    );
    let invalid = "the API server or the kubelet would refuse the object: ";
    check(
        &[ESCALATION],
        &["escalation"],
        &pod("", "securityContext: {privileged: true}"),
        &[&format!(
            "{invalid}allowPrivilegeEscalation cannot be false in a container that is privileged or has CAP_SYS_ADMIN"
        )],
    );
    check(
        &[MAY_ROOT],
        &["may-root"],
        &pod("", "securityContext: {runAsUser: 0}"),
        &[&format!(
            "{invalid}runAsUser 0 is set: with runAsNonRoot the container would not start"
        )],
    );
    check(
        &[MAY_ROOT],
        &["may-root"],
        &pod(
            "securityContext: {runAsUser: 5}",
            "securityContext: {runAsUser: 0}",
        ),
        &[&format!(
            "{invalid}runAsUser 0 is set: with runAsNonRoot the container would not start"
        )],
    );
    check(
        &[WILDCARD],
        &["wildcard"],
        &role("[{apiGroups: [''], resources: [pods], verbs: ['*']}]"),
        &[&format!(
            "{invalid}a rule would have no verbs, API groups or resources"
        )],
    );
    check(
        &[WILDCARD],
        &["wildcard"],
        &role("[{apiGroups: [''], resources: [pods], verbs: [get, '*']}]"),
        &["test /rules/0/verbs/1 \"*\"", "remove /rules/0/verbs/1"],
    );
}

#[test]
fn several_findings_are_one_remedy() {
    let name = format!("test {C}/name \"web\"");
    // Both are invalid alone or make the same parent.
    check(
        &[ESCALATION, PRIVILEGED],
        &["escalation", "privileged"],
        &pod("", "securityContext: {privileged: true}"),
        &[
            &name,
            &format!("add {C}/securityContext/allowPrivilegeEscalation false"),
            &format!("remove {C}/securityContext/privileged"),
        ],
    );
    check(
        &[ESCALATION, MAY_ROOT],
        &["escalation", "may-root"],
        &pod("", ""),
        &[
            &name,
            &format!("add {C}/securityContext {{\"allowPrivilegeEscalation\":false}}"),
            &format!("add {C}/securityContext/runAsNonRoot true"),
        ],
    );
    check(
        &[HOST_PATH],
        &["host-path"],
        &pod(
            "volumes: [{name: a, hostPath: {path: /a}}, {name: b, emptyDir: {}}, {name: c, hostPath: {path: /c}}]",
            "",
        ),
        &[
            "test /spec/volumes/2/name \"c\"",
            "test /spec/volumes/0/name \"a\"",
            "remove /spec/volumes/2",
            "remove /spec/volumes/0",
        ],
    );
    let (_, two) = offers(
        &[SEVERAL],
        &format!(
            "{}\n---\n{}",
            pod("hostPID: true", ""),
            pod("hostPID: true", "").replace("name: web,", "name: other,")
        ),
        &["several"],
    );
    assert_eq!(two, Err(Refused::SeveralObjects));
}

#[test]
fn live_objects_are_patched_where_nobody_manages_them() {
    let deployment = |metadata: &str| {
        format!(
            "{{apiVersion: apps/v1, kind: Deployment, metadata: {{name: web, namespace: shop{metadata}}}, spec: {{template: {{spec: {{containers: [{{name: \"it's\", image: web}}]}}}}}}}}"
        )
    };
    let reach = |yaml: &str| {
        let (snapshot, offer) = offers(&[ESCALATION], yaml, &["escalation"]);
        live(&snapshot.objects[0], None, &offer.unwrap())
    };
    let Live::Type {
        dry_run,
        apply,
        undo,
    } = reach(&deployment(""))
    else {
        panic!("a command");
    };
    let body = r#"'[{"op":"test","path":"/spec/template/spec/containers/0/name","value":"it'\''s"},{"op":"add","path":"/spec/template/spec/containers/0/securityContext","value":{"allowPrivilegeEscalation":false}}]'"#;
    assert_eq!(
        dry_run,
        format!("kubectl patch -n shop deployment.apps/web --type=json --dry-run=server -p {body}")
    );
    assert_eq!(
        apply,
        format!("kubectl patch -n shop deployment.apps/web --type=json -p {body}")
    );
    assert_eq!(
        undo.unwrap(),
        r#"kubectl patch -n shop deployment.apps/web --type=json -p '[{"op":"remove","path":"/spec/template/spec/containers/0/securityContext"}]'"#
    );
    for (metadata, part) in [
        (
            ", annotations: {argocd.argoproj.io/tracking-id: 'shop:apps/Deployment:shop/web'}",
            "argo-cd shop",
        ),
        (
            ", labels: {kustomize.toolkit.fluxcd.io/name: apps, kustomize.toolkit.fluxcd.io/namespace: flux}",
            "flux flux/apps",
        ),
        (
            ", annotations: {meta.helm.sh/release-name: web}",
            "helm web",
        ),
    ] {
        let Live::AtSource(text) = reach(&deployment(metadata)) else {
            panic!("at its source: {metadata}");
        };
        assert!(text.contains(part), "{text}");
    }
    assert!(matches!(reach(&pod("", "")), Live::Recreate(_)));
    let owned = role("[{apiGroups: [''], resources: [pods], verbs: [get, '*']}]").replace(
        "namespace: shop",
        "namespace: shop, ownerReferences: [{apiVersion: x/v1, kind: Shop, name: main, uid: u}]",
    );
    let (snapshot, offer) = offers(&[WILDCARD], &owned, &["wildcard"]);
    let Live::AtSource(text) = live(&snapshot.objects[0], None, &offer.unwrap()) else {
        panic!("at its owner");
    };
    assert!(text.contains("Shop main"), "{text}");
}

/// Every row that names a fix has one that can be read; the share of rows with one is printed.
#[test]
fn fixes_of_the_table_can_be_read() {
    fn values(fix: &Fix) -> Vec<&'static str> {
        match fix {
            Fix::Set(_, value, _) => vec![value],
            Fix::All(fixes) => fixes.iter().flat_map(values).collect(),
            _ => Vec::new(),
        }
    }
    let (mut rows, mut fixed) = (0, 0);
    for rule in table::all() {
        rows += 1;
        fixed += usize::from(!matches!(rule.fix, Fix::None));
        for value in values(&rule.fix) {
            serde_json::from_str::<serde_json::Value>(value)
                .unwrap_or_else(|error| panic!("{}: {value}: {error}", rule.id));
        }
    }
    println!("{fixed} of {rows} rows have a fix");
    assert!(fixed > 0);
}
