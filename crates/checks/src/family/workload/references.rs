//! What a pod names and what is there: accounts, Secrets, ConfigMaps, claims, its own labels and variables.
//! A name that is free can be taken: whoever may create the object decides what the pod gets.

use crate::rule::Mapping::{Attack, Owasp};
use crate::rule::{Fix, Form, Rule, Scope};
use crate::run::each_pod;
use crate::test::{TRUE, Test, item, this};
use crate::world::{Sink, World};
use model::action::FixClass::Breaking;
use model::evidence::{Gap, GapWeight, Stage};
use model::snapshot::Origin;
use model::vulnerability::Severity::{High, Low, Medium};
use rustc_hash::FxHashSet;
use semantics::json::{Json, Node, Places, escape};

pub(super) static RULES: &[Rule] = &[
    Rule {
        id: "KP-WL-100",
        slug: "missing-account-of-pod",
        severity: Medium,
        title: "pod names a service account that does not exist",
        why: "no new pod of it starts; and whoever may create the account, or bind a role to its name, decides its rights",
        advice: "create the account, or correct the name",
        maps: &[Attack("T1098"), Owasp("K02")],
        form: Form::World(|world, sink| missing(world, sink, "ServiceAccount")),
        ..Rule::ROW
    },
    Rule {
        id: "KP-WL-101",
        slug: "missing-secret",
        severity: Low,
        title: "pod names a Secret that does not exist",
        why: "no new pod of it starts; and whoever may create Secrets there decides what it reads",
        advice: "create the Secret, correct the name, or mark the reference optional",
        maps: &[Attack("T1565"), Owasp("K03")],
        form: Form::World(|world, sink| missing(world, sink, "Secret")),
        ..Rule::ROW
    },
    Rule {
        id: "KP-WL-102",
        slug: "missing-config-map",
        severity: Low,
        title: "pod names a ConfigMap that does not exist",
        why: "no new pod of it starts; and whoever may create ConfigMaps there decides how it is configured",
        advice: "create the ConfigMap, correct the name, or mark the reference optional",
        maps: &[Attack("T1565"), Owasp("K04")],
        form: Form::World(|world, sink| missing(world, sink, "ConfigMap")),
        ..Rule::ROW
    },
    Rule {
        id: "KP-WL-103",
        slug: "missing-claim",
        severity: Low,
        title: "pod names a volume claim that does not exist",
        why: "no new pod of it starts; and whoever may create claims there decides which storage it gets",
        advice: "create the PersistentVolumeClaim, or correct the name",
        maps: &[Attack("T1565"), Owasp("K04")],
        form: Form::World(|world, sink| missing(world, sink, "PersistentVolumeClaim")),
        ..Rule::ROW
    },
    Rule {
        id: "KP-WL-104",
        slug: "selector-misses-template",
        severity: Low,
        title: "selector does not match the labels of its own template",
        why: "the API server refuses the object: what is meant to replace an insecure version never arrives",
        advice: "give template and selector the same labels",
        maps: &[Owasp("K04")],
        form: Form::World(selector_misses_template),
        ..Rule::ROW
    },
    Rule {
        id: "KP-WL-105",
        slug: "variable-twice",
        severity: Low,
        title: "container sets an environment variable twice",
        why: "the last one counts: a reviewer who reads the first, a hardened setting perhaps, is misled",
        advice: "remove the one that is not meant",
        maps: &[Owasp("K04")],
        form: Form::World(variable_twice),
        ..Rule::ROW
    },
    Rule {
        id: "KP-WL-110",
        slug: "device-administrator",
        severity: High,
        title: "claim asks for administrative access to devices",
        why: "it opens devices that other pods use, with all that they hold. Only namespaces that administrators labelled for \
              it may; monitors of devices need it",
        advice: "claim a device of your own",
        maps: &[Attack("T1611"), Owasp("K01")],
        form: Form::Each {
            scope: Scope::ObjectItems(
                &[("resource.k8s.io", "ResourceClaim")],
                &["spec", "devices", "requests"],
            ),
            violated: ADMIN,
            at: this(&[]),
        },
        fix: Fix::All(&[
            Fix::Remove(this(&["adminAccess"]), Breaking),
            Fix::Remove(this(&["exactly", "adminAccess"]), Breaking),
        ]),
        minors: (31, u16::MAX),
        ..Rule::ROW
    },
    Rule {
        id: "KP-WL-111",
        slug: "device-administrator-template",
        severity: High,
        title: "claim template asks for administrative access to devices",
        why: "every pod that uses it opens devices that other pods use, with all that they hold. Monitors of devices need it",
        advice: "claim a device of your own",
        maps: &[Attack("T1611"), Owasp("K01")],
        form: Form::Each {
            scope: Scope::ObjectItems(
                &[("resource.k8s.io", "ResourceClaimTemplate")],
                &["spec", "spec", "devices", "requests"],
            ),
            violated: ADMIN,
            at: this(&[]),
        },
        fix: Fix::All(&[
            Fix::Remove(this(&["adminAccess"]), Breaking),
            Fix::Remove(this(&["exactly", "adminAccess"]), Breaking),
        ]),
        minors: (31, u16::MAX),
        ..Rule::ROW
    },
];

/// On the request itself until v1beta1, below `exactly` since v1beta2 (KEP-4381, KEP-5018).
const ADMIN: Test = Test::Any(&[
    Test::Is(this(&["adminAccess"]), TRUE),
    Test::Is(this(&["exactly", "adminAccess"]), TRUE),
    Test::Some(
        this(&["firstAvailable"]),
        &Test::Is(item(&["adminAccess"]), TRUE),
    ),
]);

/// References of one kind that lead nowhere. Where the kind was not seen whole nothing is said but that; optional ones
/// may lead nowhere.
fn missing(world: &World<'_>, sink: &mut Sink<'_>, kind: &'static str) {
    let snapshot = world.snapshot;
    let whole = snapshot.origin == Origin::Live && snapshot.saw_all("", kind);
    let mut open = 0u64;
    each_pod(world, |object, at, pointer, pod| {
        let spec = pod.get("spec");
        let namespace = object.namespace.as_deref();
        let mut named = |name: Option<&str>, place: String| {
            let Some(name) = name.filter(|name| !name.is_empty()) else {
                return;
            };
            let made = kind == "ServiceAccount" && name == "default";
            if made || snapshot.find("", kind, namespace, name).is_some() {
                sink.looked(1);
            } else if whole {
                sink.looked(1);
                let pointer = format!("{pointer}/spec/{place}");
                let says = format!("{pointer} is {name:?}, which is not there");
                sink.found(object, Some(at), None, pointer, says);
            } else {
                open += 1;
            }
        };
        match kind {
            "ServiceAccount" => {
                named(
                    spec.text("serviceAccountName"),
                    "serviceAccountName".to_owned(),
                );
            }
            "Secret" => of_key(
                spec,
                "secretKeyRef",
                "secretRef",
                "secret",
                "secretName",
                &mut named,
            ),
            "ConfigMap" => {
                of_key(
                    spec,
                    "configMapKeyRef",
                    "configMapRef",
                    "configMap",
                    "name",
                    &mut named,
                );
            }
            _ => {
                for (index, volume) in spec.list("volumes").enumerate() {
                    let claim = volume.get("persistentVolumeClaim").text("claimName");
                    let place = format!("volumes/{index}/persistentVolumeClaim/claimName");
                    named(claim, place);
                }
            }
        }
    });
    if open > 0 {
        let files = snapshot.origin == Origin::Files;
        sink.unknown(Gap {
            class: "references-not-seen".into(),
            what: format!("{open} references to a {kind} lead to what was not seen").into(),
            stage: Stage::Relate,
            scope: kind.into(),
            weight: if files {
                GapWeight::Notice
            } else {
                GapWeight::Hides
            },
            close: if files {
                "scan the cluster that has them".into()
            } else {
                format!("allow get and list on {kind}").into()
            },
        });
    }
}

/// References to Secrets or ConfigMaps in variables and volumes, but for optional ones.
fn of_key(
    spec: Node<'_>,
    key: &str,
    whole: &str,
    volume: &str,
    volume_name: &str,
    named: &mut dyn FnMut(Option<&str>, String),
) {
    let mut one = |node: Node<'_>, field: &str, place: String| {
        if node.flag("optional") != Some(true) {
            named(node.text(field), format!("{place}/{field}"));
        }
    };
    for list in ["initContainers", "containers"] {
        for (number, container) in spec.list(list).enumerate() {
            for (index, env) in container.list("env").enumerate() {
                let place = format!("{list}/{number}/env/{index}/valueFrom/{key}");
                one(env.at(&["valueFrom", key]), "name", place);
            }
            for (index, source) in container.list("envFrom").enumerate() {
                let place = format!("{list}/{number}/envFrom/{index}/{whole}");
                one(source.get(whole), "name", place);
            }
        }
    }
    for (number, node) in spec.list("volumes").enumerate() {
        one(
            node.get(volume),
            volume_name,
            format!("volumes/{number}/{volume}"),
        );
        for (index, source) in node.get("projected").list("sources").enumerate() {
            let place = format!("volumes/{number}/projected/sources/{index}/{volume}");
            one(source.get(volume), "name", place);
        }
    }
}

/// What a server holds has passed its validation (`ValidateDeployment` and the like); files are asked.
fn selector_misses_template(world: &World<'_>, sink: &mut Sink<'_>) {
    for (index, object) in (0u32..).zip(&world.snapshot.objects) {
        let of_kind = &*object.gvk.group == "apps"
            && matches!(
                &*object.gvk.kind,
                "Deployment" | "ReplicaSet" | "StatefulSet" | "DaemonSet"
            );
        if !of_kind {
            continue;
        }
        sink.looked(1);
        if world.snapshot.origin == Origin::Live {
            continue;
        }
        let Ok(tree) = Json::parse(&object.json) else {
            continue;
        };
        let places = Places::default();
        let spec = Node::new(&tree, &places).get("spec");
        let labels = spec.at(&["template", "metadata", "labels"]);
        let wanted = spec.at(&["selector", "matchLabels"]);
        for (key, value) in wanted.entries() {
            let has = value
                .as_text()
                .is_some_and(|value| labels.get(key).is_word(value));
            if !has {
                let pointer = format!("/spec/selector/matchLabels/{}", escape(key));
                let says = format!("the template has no label {key} of that value");
                sink.object(world, index, pointer, says);
            }
        }
    }
}

fn variable_twice(world: &World<'_>, sink: &mut Sink<'_>) {
    each_pod(world, |object, at, pointer, pod| {
        for list in ["initContainers", "containers"] {
            for (number, container) in pod.get("spec").list(list).enumerate() {
                sink.looked(1);
                let mut names = FxHashSet::default();
                for (index, env) in container.list("env").enumerate() {
                    let Some(name) = env.text("name") else {
                        continue;
                    };
                    if !names.insert(name) {
                        sink.found(
                            object,
                            Some(at),
                            container.text("name"),
                            format!("{pointer}/spec/{list}/{number}/env/{index}"),
                            format!("{name} is set before it"),
                        );
                    }
                }
            }
        }
    });
}
