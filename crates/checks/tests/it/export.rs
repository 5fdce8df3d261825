//! Exported documents: what the API server takes, messages, exceptions, updates.

use crate::exported::{Exported, documents, wrapped};
use crate::world::{MINOR, pod};
use checks::policy::judge::Verdict;
use checks::policy::{Actions, Exception, ExportError, OLDEST_MINOR, Options, export};
use checks::rule::{Form, Rule, Scope};
use checks::table::{all, rule};
use checks::test::{Test, object};
use serde_json::{Value, json};

fn one(slug: &str) -> &'static Rule {
    rule(slug).unwrap()
}

fn parse(yaml: &str) -> Value {
    serde_saphyr::from_str(yaml).unwrap()
}

/// One line of what the policy of a rule says of an object.
fn check(slug: &str, options: &Options, object: &Value, expected: &str) {
    let exported = Exported::of(&[one(slug)], MINOR, options);
    assert_eq!(line(&exported.ask(object)), expected, "{slug} of {object}");
}

fn line(verdicts: &[Verdict]) -> String {
    match verdicts {
        [Verdict::Refused(says)] => says.join("; "),
        [Verdict::Passes] => "passes".to_owned(),
        other => format!("{other:?}"),
    }
}

const PRIVILEGED: &str = "container runs privileged (KP-WL-001): container web";

fn privileged() -> Value {
    parse(&pod("", "securityContext: {privileged: true}"))
}

#[test]
fn a_message_names_the_container() {
    let options = Options::default();
    check("privileged-container", &options, &privileged(), PRIVILEGED);
    check(
        "privileged-container",
        &options,
        &parse(&pod("", "")),
        "passes",
    );
    check(
        "host-pid",
        &options,
        &parse(&pod("hostPID: true", "")),
        "pod shares the node's processes (KP-WL-002)",
    );
    for object in wrapped(&privileged()) {
        check("privileged-container", &options, &object, PRIVILEGED);
    }
}

#[test]
fn exceptions_are_exact() {
    let checked = |exception: Exception, expected: &str| {
        let options = Options {
            exceptions: vec![exception],
            ..Options::default()
        };
        check("privileged-container", &options, &privileged(), expected);
    };
    let none = Exception::default;
    let list = |word: &str| vec![word.to_owned()];
    for (word, expected) in [
        ("shop", "passes"),
        ("sho", PRIVILEGED),
        ("default", PRIVILEGED),
    ] {
        checked(
            Exception {
                namespaces: list(word),
                ..none()
            },
            expected,
        );
    }
    for (word, expected) in [
        ("shop/web", "passes"),
        ("shop/w*", "passes"),
        ("shop/*", "passes"),
        ("shop/we", PRIVILEGED),
        ("web", PRIVILEGED),
        ("bank/*", PRIVILEGED),
    ] {
        checked(
            Exception {
                names: list(word),
                ..none()
            },
            expected,
        );
    }
    for (word, expected) in [
        ("shop/web/web", "passes"),
        ("shop/*/web", "passes"),
        ("shop/web/proxy", PRIVILEGED),
        ("bank/*/web", PRIVILEGED),
    ] {
        checked(
            Exception {
                containers: list(word),
                ..none()
            },
            expected,
        );
    }
    let of = |rule: &str| Exception {
        rule: Some(rule.to_owned()),
        namespaces: list("shop"),
        ..none()
    };
    checked(of("privileged-container"), "passes");
    checked(of("host-pid"), PRIVILEGED);
    for word in ["", "a b", "a\nb"] {
        let options = Options {
            exceptions: vec![Exception {
                names: list(word),
                ..none()
            }],
            ..Options::default()
        };
        assert_eq!(
            export(&[one("host-pid")], MINOR, &options),
            Err(ExportError::Exception(word.to_owned()))
        );
    }
}

#[test]
fn what_runs_goes_on() {
    let exported = Exported::of(&[one("privileged-container")], MINOR, &Options::default());
    let check = |old: &Value, new: &Value, expected: &str| {
        assert_eq!(line(&exported.ask_about(new, Some(old))), expected, "{new}");
    };
    let with = |object: &Value, pointer: &str, value: Value| {
        let mut object = object.clone();
        let (parent, key) = pointer.rsplit_once('/').unwrap();
        object.pointer_mut(parent).unwrap()[key] = value;
        object
    };
    for old in wrapped(&privileged()) {
        check(&old, &old, "passes");
        check(
            &old,
            &with(&old, "/metadata/finalizers", json!([])),
            "passes",
        );
    }
    let running = privileged();
    check(
        &running,
        &with(&running, "/spec/containers/0/image", "web:2".into()),
        PRIVILEGED,
    );
    let deployment = wrapped(&running).pop().unwrap();
    check(
        &deployment,
        &with(&deployment, "/spec/replicas", 0.into()),
        "passes",
    );
    check(
        &deployment,
        &with(
            &deployment,
            "/spec/template/metadata",
            json!({"labels": {"a": "b"}}),
        ),
        PRIVILEGED,
    );
    // What was right before and is wrong now.
    check(&parse(&pod("", "")), &running, PRIVILEGED);
}

static OF_SERVICES: Rule = Rule {
    id: "KP-ANY-002",
    slug: "service-with-external-ips",
    title: "service takes addresses that are not its own",
    why: "it's \"anybody's\" traffic: \\ é",
    form: Form::Each {
        scope: Scope::ObjectItems(&[("", "Service")], &["spec", "externalIPs"]),
        violated: Test::Always,
        at: object(&["spec", "externalIPs"]),
    },
    ..Rule::ROW
};

#[test]
fn objects_that_are_no_pods_have_policies_too() {
    let exported = Exported::of(&[&OF_SERVICES], MINOR, &Options::default());
    let service = |spec: Value| json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a", "namespace": "b"}, "spec": spec});
    let told = "service takes addresses that are not its own (KP-ANY-002)";
    assert_eq!(
        line(&exported.ask(&service(json!({"externalIPs": ["1.2.3.4"]})))),
        told
    );
    assert_eq!(line(&exported.ask(&service(json!({})))), "passes");
    assert_eq!(exported.ask(&privileged()), [Verdict::Unasked]);
    let mut leaving = service(json!({"externalIPs": ["1.2.3.4"]}));
    leaving["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z".into();
    assert_eq!(
        line(&exported.ask_about(&leaving, Some(&leaving))),
        "passes"
    );
}

#[test]
fn the_api_server_takes_every_document() {
    let rules: Vec<&Rule> = all().chain([&OF_SERVICES]).collect();
    for minor in OLDEST_MINOR..=38 {
        for actions in [Actions::Deny, Actions::WarnAudit] {
            let options = Options {
                actions,
                ..Options::default()
            };
            let yaml = export(&rules, minor, &options).unwrap();
            let documents = documents(&yaml);
            assert_eq!(documents[0]["kind"], "ConfigMap");
            for document in &documents {
                taken(document, actions);
            }
            // A policy and its binding, after the exceptions.
            assert_eq!(documents.len() % 2, 1);
            assert!(documents.len() > 2);
        }
    }
}

fn taken(document: &Value, actions: Actions) {
    let name = document["metadata"]["name"].as_str().unwrap();
    assert!(
        name.len() <= 253 && !name.contains(|c: char| c.is_ascii_uppercase()),
        "{name}"
    );
    let spec = &document["spec"];
    match document["kind"].as_str().unwrap() {
        "ConfigMap" => {}
        "ValidatingAdmissionPolicyBinding" => {
            let expected = match actions {
                Actions::Deny => json!(["Deny"]),
                Actions::WarnAudit => json!(["Warn", "Audit"]),
            };
            assert_eq!(spec["validationActions"], expected);
            assert_eq!(spec["paramRef"]["parameterNotFoundAction"], "Deny");
        }
        "ValidatingAdmissionPolicy" => {
            assert_eq!(spec["failurePolicy"], "Fail");
            assert_eq!(spec["matchConditions"], Value::Null);
            let mut known: Vec<&str> = Vec::new();
            for variable in spec["variables"].as_array().unwrap() {
                let text = variable["expression"].as_str().unwrap();
                assert!(text.len() < 64 * 1024);
                // The compiler of the API server knows earlier variables only.
                for used in text.split("variables.").skip(1) {
                    assert!(
                        known.iter().any(|known| used.starts_with(known)),
                        "{name}: {used}"
                    );
                }
                known.push(variable["name"].as_str().unwrap());
            }
            let validation = &spec["validations"][0];
            let message = validation["message"].as_str().unwrap();
            assert!(!message.is_empty() && !message.contains('\n'));
            assert_eq!(validation["reason"], "Forbidden");
            for rule in spec["matchConstraints"]["resourceRules"]
                .as_array()
                .unwrap()
            {
                assert_eq!(rule["operations"], json!(["CREATE", "UPDATE"]));
                assert!(!rule["resources"].as_array().unwrap().is_empty());
            }
        }
        other => panic!("{other}"),
    }
}

#[test]
fn what_cannot_be_exported_is_said() {
    let options = Options::default();
    let old = export(&[one("host-pid")], 29, &options).unwrap_err();
    assert_eq!(old, ExportError::TooOld(29));
    assert!(old.to_string().contains("1.30"), "{old}");
    assert_eq!(export(&[], MINOR, &options), Err(ExportError::Nothing));
    let of_world = Rule {
        id: "KP-ANY-003",
        ..Rule::ROW
    };
    assert_eq!(
        export(&[&of_world], MINOR, &options),
        Err(ExportError::Nothing)
    );
    let both = export(&[&of_world, one("host-pid")], MINOR, &options).unwrap();
    assert!(both.contains("KP-ANY-003"), "{both}");
    let prefix = Options {
        prefix: "Not a name".to_owned(),
        ..Options::default()
    };
    assert_eq!(
        export(&[one("host-pid")], MINOR, &prefix),
        Err(ExportError::Name("Not a name".to_owned()))
    );
    let long = Options {
        prefix: "a".repeat(250),
        ..Options::default()
    };
    assert!(matches!(
        export(&[one("host-pid")], MINOR, &long),
        Err(ExportError::Name(_))
    ));
}
