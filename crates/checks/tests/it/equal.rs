//! The two readers of a rule agree: native evaluation and the exported policy, as a whole document, on every pod of the
//! public suite and on pods and tests at random.

use crate::exported::{Exported, wrapped};
use crate::world::{MINOR, ask, pod, snapshot};
use checks::policy::judge::Verdict;
use checks::policy::{Options, write};
use checks::rule::{Containers, Form, Rule, Scope};
use checks::table::all;
use checks::test::{
    FALSE, Field, Pattern, TRUE, Test, Value as Scalar, container, item, object, pod as of_pod,
    pod_metadata, security, this,
};
use proptest::prelude::*;
use semantics::pod_security::{CONTROLS, Level, Version, evaluate};
use serde_json::{Map, Value, json};
use std::path::Path;
use std::sync::LazyLock;

fn is_of_pods(rule: &Rule) -> bool {
    match rule.form {
        Form::Each { scope, .. } => !matches!(scope, Scope::Objects(_) | Scope::ObjectItems(..)),
        _ => false,
    }
}

pub(crate) fn of_pods() -> Vec<&'static Rule> {
    let asked = |rule: &&Rule| rule.minors.0 <= MINOR && MINOR <= rule.minors.1;
    all()
        .filter(|rule| is_of_pods(rule))
        .filter(asked)
        .collect()
}

/// A row a control, whether the table has one or not.
static OF_CONTROLS: LazyLock<Vec<Rule>> = LazyLock::new(|| {
    let row = |control: &'static semantics::pod_security::Control| Rule {
        id: "KP-PSS-000",
        slug: Box::leak(control.id.replace('_', "-").into_boxed_str()),
        title: "control is violated",
        form: Form::PodSecurity(control.id),
        ..Rule::ROW
    };
    CONTROLS.iter().map(row).collect()
});

fn is_refused(verdict: &Verdict) -> bool {
    match verdict {
        Verdict::Refused(_) => true,
        Verdict::Passes => false,
        other => panic!("{other:?}"),
    }
}

/// The exported verdicts of the pod and of what wraps it are the native ones. Gives how many of the pod are refusals.
pub(crate) fn compare(object: &Value, rules: &[&'static Rule], exported: &Exported) -> usize {
    let native = |object: &Value| -> Vec<bool> {
        let snapshot = snapshot(&object.to_string());
        let ask = |rule: &&'static Rule| !ask(&snapshot, &[*rule]).found.is_empty();
        rules.iter().map(ask).collect()
    };
    let of_pod = native(object);
    for object in wrapped(object) {
        // Nothing runs of a PodTemplate by itself: natively it is no workload.
        let native = match object["kind"].as_str() {
            Some("Pod" | "PodTemplate") => of_pod.clone(),
            _ => native(&object),
        };
        let verdicts = exported.ask(&object);
        for ((rule, native), verdict) in rules.iter().zip(&native).zip(&verdicts) {
            let same = match verdict {
                Verdict::Refused(_) => *native,
                Verdict::Passes => !*native,
                // Values are redacted where manifests are read; the API server sees them.
                Verdict::Unknown(why) => why.ends_with("is redacted"),
                Verdict::Unasked => false,
            };
            assert!(same, "{} {verdict:?}, not {native}, of\n{object}", rule.id);
        }
    }
    of_pod.iter().filter(|refused| **refused).count()
}

/// Pods of the public suite with the minor version of their folder.
fn suite() -> Option<Vec<(u16, Value)>> {
    let mut folders = vec![testkit::shared("conformance/pod-security")?];
    let mut pods = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in folder.read_dir().unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "yaml") {
                pods.push((minor(&path), serde_saphyr::from_str(&read(&path)).unwrap()));
            }
        }
    }
    Some(pods)
}

fn minor(path: &Path) -> u16 {
    let mut parts = path.iter().filter_map(|part| part.to_str());
    let found = parts.find_map(|part| part.strip_prefix("v1.")?.parse().ok());
    found.unwrap_or_else(|| panic!("{}", path.display()))
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap()
}

#[test]
fn every_pod_of_the_suite_gets_one_verdict() {
    let Some(pods) = suite() else {
        return;
    };
    let rules = of_pods();
    let exported = Exported::of(&rules, MINOR, &Options::default());
    let violated: usize = pods
        .iter()
        .map(|(_, pod)| compare(pod, &rules, &exported))
        .sum();
    println!(
        "{} pods, {} rules, {violated} violations",
        pods.len(),
        rules.len()
    );
    assert!(pods.len() >= 274 && violated > 0);
}

/// Each control in force, exported for the version.
fn controls(minor: u16) -> (Vec<&'static Rule>, Exported) {
    let in_force = |rule: &&&'static Rule| write(&[**rule], minor, &Options::default()).is_ok();
    let rows: Vec<&'static Rule> = OF_CONTROLS.iter().collect();
    let rows: Vec<&'static Rule> = rows.iter().filter(in_force).copied().collect();
    let exported = Exported::of(&rows, minor, &Options::default());
    (rows, exported)
}

fn compare_controls(
    object: &Value,
    minor: u16,
    (rows, exported): &(Vec<&'static Rule>, Exported),
) -> usize {
    let bytes = serde_json::to_vec(object).unwrap();
    let judged = [Level::Baseline, Level::Restricted]
        .map(|level| evaluate(&bytes, level, Version::Minor(minor)).unwrap());
    let mut refused = 0;
    let verdicts = exported.ask(object);
    assert_eq!(verdicts.len(), rows.len());
    for (rule, verdict) in rows.iter().zip(&verdicts) {
        let Form::PodSecurity(id) = rule.form else {
            panic!()
        };
        let control = CONTROLS.iter().find(|control| control.id == id).unwrap();
        let [baseline, restricted] = &judged;
        let judged = if control.level == Level::Baseline {
            baseline
        } else {
            restricted
        };
        let native = judged.violations.iter().any(|one| one.control == control);
        assert_eq!(
            is_refused(verdict),
            native,
            "{id} of 1.{minor}: {verdict:?} of\n{object}"
        );
        refused += usize::from(native);
    }
    refused
}

#[test]
fn every_control_gets_one_verdict_at_its_version() {
    let Some(pods) = suite() else {
        return;
    };
    let mut violated = 0;
    for minor in [24, 30, 35, 37] {
        let rows = controls(minor);
        let own = pods
            .iter()
            .filter(|(known, _)| *known == minor || minor != 24 && minor != 35);
        for (_, pod) in own {
            violated += compare_controls(pod, minor, &rows);
        }
    }
    println!("{violated} violations of controls");
    assert!(violated > 500);
}

#[test]
fn a_rule_and_its_expression_on_small_pods() {
    let rules = of_pods();
    let exported = Exported::of(&rules, MINOR, &Options::default());
    for (spec, container) in [
        ("", ""),
        ("hostPID: true", ""),
        ("hostUsers: false", ""),
        (
            "securityContext: {runAsNonRoot: true}",
            "securityContext: {runAsNonRoot: false}",
        ),
        (
            "securityContext: {runAsUser: 1000}",
            "securityContext: {runAsUser: 0}",
        ),
        (
            "volumes: [{name: a, hostPath: {path: /}}, {name: b, emptyDir: {}}]",
            "",
        ),
    ] {
        let pod: Value = serde_saphyr::from_str(&pod(spec, container)).unwrap();
        compare(&pod, &rules, &exported);
    }
}

/// A value, or none.
fn maybe(value: impl Strategy<Value = Value>) -> impl Strategy<Value = Option<Value>> {
    prop::option::of(value)
}

fn one_of(values: &'static [&'static str]) -> impl Strategy<Value = Value> {
    prop::sample::select(values).prop_map(Value::from)
}

fn some_of(values: &'static [&'static str]) -> impl Strategy<Value = Value> {
    prop::collection::vec(one_of(values), 0..3).prop_map(Value::from)
}

fn flag() -> impl Strategy<Value = Value> {
    any::<bool>().prop_map(Value::from)
}

/// The object of those members that are there.
fn object_of(members: Vec<(&'static str, Option<Value>)>) -> Value {
    let members = members.into_iter();
    let there = members.filter_map(|(key, value)| Some((key.to_owned(), value?)));
    Value::Object(there.collect::<Map<_, _>>())
}

fn context() -> impl Strategy<Value = Value> {
    let profile = || maybe(one_of(&["RuntimeDefault", "Localhost", "Unconfined"]));
    let profile = move || profile().prop_map(|kind| object_of(vec![("type", kind)]));
    let se_linux = (
        maybe(one_of(&["", "container_t", "container_engine_t", "spc_t"])),
        maybe(one_of(&["", "root"])),
        maybe(one_of(&["", "sysadm"])),
    );
    let se_linux =
        se_linux.prop_map(|(t, u, r)| object_of(vec![("type", t), ("user", u), ("role", r)]));
    let capabilities = (
        maybe(some_of(&["CHOWN", "NET_BIND_SERVICE", "SYS_ADMIN", "ALL"])),
        maybe(some_of(&["ALL", "all", "NET_RAW"])),
    );
    let capabilities = capabilities.prop_map(|(a, d)| object_of(vec![("add", a), ("drop", d)]));
    let first = (
        maybe(flag()),
        maybe(flag()),
        maybe(flag()),
        maybe((0..2i64).prop_map(Value::from)),
        maybe(one_of(&["Default", "Unmasked"])),
    );
    let second = (
        maybe(profile()),
        maybe(profile()),
        maybe(se_linux),
        maybe(capabilities),
        maybe(maybe(flag()).prop_map(|host| object_of(vec![("hostProcess", host)]))),
    );
    (first, second).prop_map(
        |((privileged, escalation, root, user, mount), (seccomp, armor, linux, caps, windows))| {
            object_of(vec![
                ("privileged", privileged),
                ("allowPrivilegeEscalation", escalation),
                ("runAsNonRoot", root),
                ("runAsUser", user),
                ("procMount", mount),
                ("seccompProfile", seccomp),
                ("appArmorProfile", armor),
                ("seLinuxOptions", linux),
                ("capabilities", caps),
                ("windowsOptions", windows),
            ])
        },
    )
}

fn a_container() -> impl Strategy<Value = Value> {
    let host = || maybe(one_of(&["", "localhost", "10.0.0.1"]));
    let call = move || host().prop_map(|host| object_of(vec![("host", host)]));
    let handler = move || {
        (maybe(call()), maybe(call()))
            .prop_map(|(h, t)| object_of(vec![("httpGet", h), ("tcpSocket", t)]))
    };
    let port = (
        maybe((0..3i64).prop_map(Value::from)),
        maybe(one_of(&["TCP", "UDP"])),
    );
    let port = port.prop_map(|(p, q)| object_of(vec![("hostPort", p), ("protocol", q)]));
    let lifecycle = (maybe(handler()), maybe(handler()));
    let lifecycle = lifecycle.prop_map(|(a, b)| object_of(vec![("postStart", a), ("preStop", b)]));
    (
        one_of(&["a", "b", "proxy"]),
        maybe(one_of(&["web:1", "it's \\ web", "web@sha256:1"])),
        maybe(context()),
        maybe(prop::collection::vec(port, 0..3).prop_map(Value::from)),
        maybe(handler()),
        maybe(lifecycle),
        maybe(one_of(&["Always"])),
    )
        .prop_map(|(name, image, context, ports, probe, lifecycle, restart)| {
            object_of(vec![
                ("name", Some(name)),
                ("image", image),
                ("securityContext", context),
                ("ports", ports),
                ("livenessProbe", probe),
                ("lifecycle", lifecycle),
                ("restartPolicy", restart),
            ])
        })
}

fn containers(from: usize) -> impl Strategy<Value = Value> {
    prop::collection::vec(a_container(), from..3).prop_map(Value::from)
}

fn a_pod() -> impl Strategy<Value = Value> {
    let volume = (
        maybe(Just(json!({}))),
        maybe(one_of(&["/", "/var/log"]).prop_map(|path| json!({"path": path}))),
        maybe(Just(json!({"server": "nfs"}))),
    );
    let volume = volume.prop_map(|(empty, host, nfs)| {
        object_of(vec![
            ("name", Some("v".into())),
            ("emptyDir", empty),
            ("hostPath", host),
            ("nfs", nfs),
        ])
    });
    let sysctl = one_of(&[
        "kernel.shm_rmid_forced",
        "net.ipv4.tcp_rmem",
        "kernel.msgmax",
        "net.ipv4.tcp_fin_timeout",
    ]);
    let sysctls = prop::collection::vec(sysctl.prop_map(|name| json!({"name": name})), 0..2);
    let own =
        (context(), maybe(sysctls.prop_map(Value::from))).prop_map(|(mut context, sysctls)| {
            context
                .as_object_mut()
                .unwrap()
                .extend(sysctls.map(|s| ("sysctls".to_owned(), s)));
            context
        });
    let annotation = (
        prop::sample::select(vec![
            "container.apparmor.security.beta.kubernetes.io/a",
            "seccomp.security.alpha.kubernetes.io/pod",
            "container.seccomp.security.alpha.kubernetes.io/a",
            "container.seccomp.security.alpha.kubernetes.io/none",
            "team-a/x.y",
        ]),
        one_of(&["", "runtime/default", "localhost/x", "unconfined"]),
    );
    let annotations = prop::collection::vec(annotation, 0..3).prop_map(|all| {
        let all = all.into_iter().map(|(key, value)| (key.to_owned(), value));
        Value::Object(all.collect())
    });
    let flags = (maybe(flag()), maybe(flag()), maybe(flag()), maybe(flag()));
    (
        flags,
        maybe(own),
        maybe(prop::collection::vec(volume, 0..3).prop_map(Value::from)),
        maybe(annotations),
        containers(1),
        maybe(containers(0)),
        maybe(containers(0)),
        maybe(one_of(&["linux", "windows"]).prop_map(|name| json!({"name": name}))),
    )
        .prop_map(
            |(
                (network, pid, ipc, users),
                context,
                volumes,
                annotations,
                main,
                init,
                ephemeral,
                os,
            )| {
                let spec = object_of(vec![
                    ("hostNetwork", network),
                    ("hostPID", pid),
                    ("hostIPC", ipc),
                    ("hostUsers", users),
                    ("securityContext", context),
                    ("volumes", volumes),
                    ("containers", Some(main)),
                    ("initContainers", init),
                    ("ephemeralContainers", ephemeral),
                    ("os", os),
                ]);
                let metadata = object_of(vec![
                    ("name", Some("web".into())),
                    ("namespace", Some("shop".into())),
                    ("annotations", annotations),
                ]);
                json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})
            },
        )
}

static MATCHING: Pattern = LazyLock::new(|| regex::Regex::new("^[a-z]+[:'](\\d|s)|\\\\").unwrap());

fn leak<T>(value: T) -> &'static T {
    Box::leak(Box::new(value))
}

fn leaves(bools: Vec<Field>, ints: Vec<Field>, texts: Vec<Field>) -> BoxedStrategy<Test> {
    const WORDS: &[&str] = &["web:1", "it's \\ web", "/", "TCP"];
    const PARTS: &[&str] = &["we", "it's", "\\ web", "/"];
    let all: Vec<Field> = [&bools, &ints, &texts]
        .into_iter()
        .flatten()
        .copied()
        .collect();
    let field = prop::sample::select;
    let text = field(texts).prop_flat_map(|field| {
        prop::sample::select(vec![
            Test::In(field, WORDS),
            Test::Starts(field, PARTS),
            Test::Ends(field, PARTS),
            Test::Contains(field, PARTS),
            Test::Matches(field, &MATCHING),
            Test::Is(field, Scalar::Text("web:1")),
            Test::Empty(field),
        ])
    });
    let int = field(ints).prop_flat_map(|field| {
        prop::sample::select(vec![
            Test::Is(field, Scalar::Int(0)),
            Test::Below(field, 1),
            Test::Above(field, 0),
        ])
    });
    let truth = (field(bools), any::<bool>())
        .prop_map(|(field, value)| Test::Is(field, if value { TRUE } else { FALSE }));
    prop_oneof![
        truth,
        int,
        text,
        field(all).prop_map(Test::Set),
        Just(Test::Always),
        prop::sample::select(vec![Test::Since(MINOR), Test::Since(MINOR + 1)]),
    ]
    .boxed()
}

fn trees(leaf: BoxedStrategy<Test>) -> BoxedStrategy<Test> {
    leaf.prop_recursive(3, 12, 3, |inner| {
        let several = prop::collection::vec(inner.clone(), 0..3);
        prop_oneof![
            inner.clone().prop_map(|test| Test::Not(leak(test))),
            several
                .clone()
                .prop_map(|tests| Test::All(Vec::leak(tests))),
            several.prop_map(|tests| Test::Any(Vec::leak(tests))),
        ]
    })
    .boxed()
}

/// A scope and a test over what it has.
fn rules() -> impl Strategy<Value = (Scope, Test)> {
    let pods = [
        of_pod(&["hostPID"]),
        of_pod(&["securityContext", "runAsNonRoot"]),
    ];
    let names = [
        object(&["metadata", "name"]),
        pod_metadata(&["annotations", "team-a/x.y"]),
        of_pod(&["os", "name"]),
    ];
    let users = [of_pod(&["securityContext", "runAsUser"])];
    let in_container = [(
        vec![
            container(&["securityContext", "privileged"]),
            security(&["runAsNonRoot"]),
        ],
        vec![security(&["runAsUser"])],
        vec![container(&["image"]), security(&["seccompProfile", "type"])],
    )];
    let items = |list: Field| {
        let leaf = leaves(
            vec![of_pod(&["hostPID"])],
            vec![item(&["hostPort"])],
            vec![item(&["protocol"])],
        );
        (trees(leaf), any::<bool>()).prop_map(move |(test, some)| {
            if some {
                Test::Some(list, leak(test))
            } else {
                Test::Every(list, leak(test))
            }
        })
    };
    let words = prop::sample::select(vec![
        Test::Some(
            container(&["securityContext", "capabilities", "add"]),
            leak(Test::In(item(&[]), &["ALL"])),
        ),
        Test::Every(
            container(&["securityContext", "capabilities", "drop"]),
            leak(Test::Not(leak(Test::Is(item(&[]), Scalar::Text("ALL"))))),
        ),
        Test::Has(
            container(&["securityContext", "capabilities", "add"]),
            &["ALL", "CHOWN"],
        ),
        Test::Empty(container(&["securityContext", "capabilities", "add"])),
        Test::HasKey(pod_metadata(&["annotations"]), &["team-a/x.y", "none"]),
        Test::Empty(pod_metadata(&["annotations"])),
    ]);
    let [(bools, ints, texts)] = in_container;
    let pod_leaf = leaves(pods.to_vec(), users.to_vec(), names.to_vec());
    let container_leaf = prop_oneof![
        4 => leaves(
            bools.into_iter().chain(pods).collect(),
            ints.into_iter().chain(users).collect(),
            texts.into_iter().chain(names).collect(),
        ),
        1 => words,
        1 => items(container(&["ports"])),
    ]
    .boxed();
    let volume = leaves(
        pods.to_vec(),
        users.to_vec(),
        vec![this(&["name"]), this(&["hostPath", "path"])],
    );
    let port = leaves(
        vec![container(&["securityContext", "privileged"])],
        vec![this(&["hostPort"])],
        vec![this(&["protocol"]), container(&["image"])],
    );
    let which = || {
        prop::sample::select(vec![
            Containers::All,
            Containers::Declared,
            Containers::Lasting,
            Containers::Ephemeral,
        ])
    };
    prop_oneof![
        trees(pod_leaf).prop_map(|test| (Scope::Pod, test)),
        (which(), trees(container_leaf)).prop_map(|(which, test)| (Scope::Containers(which), test)),
        trees(volume).prop_map(|test| (Scope::PodItems("volumes"), test)),
        (which(), trees(port))
            .prop_map(|(which, test)| (Scope::ContainerItems(which, "ports"), test)),
    ]
}

/// Versions on both sides of each change of a control.
const MINORS: [u16; 12] = [7, 18, 22, 24, 26, 28, 30, 31, 34, 35, 36, 37];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn any_test_gives_one_verdict((scope, violated) in rules(), pods in prop::collection::vec(a_pod(), 3)) {
        let rule = leak(Rule {
            id: "KP-ANY-001",
            slug: "any",
            title: "anything",
            form: Form::Each { scope, violated, at: of_pod(&[]) },
            ..Rule::ROW
        });
        let exported = Exported::of(&[rule], MINOR, &Options::default());
        for pod in pods {
            compare(&pod, &[rule], &exported);
        }
    }

    #[test]
    fn any_pod_gets_one_verdict_of_each_control(pod in a_pod(), minor in prop::sample::select(&MINORS[..])) {
        static EXPORTED: LazyLock<std::collections::BTreeMap<u16, (Vec<&'static Rule>, Exported)>> = LazyLock::new(|| {
            MINORS.iter().map(|minor| (*minor, controls(*minor))).collect()
        });
        compare_controls(&pod, minor, &EXPORTED[&minor]);
    }
}
