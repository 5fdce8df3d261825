//! Policies of users over small clusters.

use crate::world::snapshot;
use checks::policy::user::{UserSaid, ask};
use checks::world::{Beside, World};
use model::evidence::Ledger;
use model::snapshot::{Listed, Origin, Snapshot};
use proptest::prelude::*;
use semantics::declare::Declarations;
use serde_json::Value;

fn said(snapshot: &Snapshot, given: &[Value]) -> UserSaid {
    let inventory =
        semantics::inventory(snapshot, &Declarations::default(), &mut Ledger::default());
    ask(
        &World {
            snapshot,
            inventory: &inventory,
            beside: &Beside::default(),
        },
        given,
    )
}

/// `Pod shop/web: message`, then `unknown: why`, then `gap: class`; passes say `N looked`.
fn lines(said: &UserSaid) -> Vec<String> {
    let found = said
        .found
        .iter()
        .map(|one| format!("{}: {}", one.object, one.says));
    let mut all: Vec<String> = found.collect();
    for answer in &said.answers {
        let unknown = answer.unknown.iter();
        all.extend(unknown.map(|gap| {
            let what = gap.what.split_once("every object: ");
            format!("unknown: {}", what.map_or(&*gap.what, |(_, why)| why))
        }));
        if answer.found == 0 && answer.unknown.is_empty() {
            all.push(format!("{} looked", answer.looked));
        }
    }
    all.extend(said.gaps.iter().map(|gap| format!("gap: {}", gap.class)));
    all
}

const PODS: &str = "matchConstraints: {resourceRules: [{apiGroups: [''], apiVersions: [v1], operations: [CREATE], resources: [pods]}]}";
const SHOP: &str = "{apiVersion: v1, kind: Namespace, metadata: {name: shop, labels: {team: a}}}";
const POD: &str = "{apiVersion: v1, kind: Pod, metadata: {name: web, namespace: shop, labels: {app: web}}, spec: {replicas: 3, containers: [{name: web, image: web, env: [{name: A, value: 'redacted:v1:text:3:x'}]}]}}";
const PARAMS: &str = "{apiVersion: v1, kind: ConfigMap, metadata: {name: limits, namespace: shop, labels: {limits: 'yes'}}, data: {most: '2'}}";

fn policy(spec: &str) -> String {
    format!(
        "{{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingAdmissionPolicy, metadata: {{name: own}}, spec: {{{spec}}}}}"
    )
}

fn binding(spec: &str) -> String {
    format!(
        "{{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingAdmissionPolicyBinding, metadata: {{name: own}}, spec: {{policyName: own, validationActions: [Deny]{spec}}}}}"
    )
}

fn live(mut snapshot: Snapshot) -> Snapshot {
    snapshot.origin = Origin::Live;
    let all = |kind: &str| Listed {
        group: "".into(),
        kind: kind.into(),
        count: 1,
        complete: true,
    };
    snapshot.listed = vec![all("ConfigMap"), all("Namespace"), all("Pod")];
    snapshot
}

/// A policy with its binding over a pod, its namespace and a ConfigMap of a live cluster.
fn check_bound(spec: &str, bound: &str, expected: &[&str]) {
    let yaml = [POD, SHOP, PARAMS, &policy(spec), &binding(bound)].join("\n---\n");
    let said = said(&live(snapshot(&yaml)), &[]);
    assert_eq!(lines(&said), expected, "{spec} {bound}");
}

fn check(rest: &str, expected: &[&str]) {
    check_bound(&format!("{PODS}, {rest}"), "", expected);
}

#[test]
fn validations() {
    check(
        "validations: [{expression: 'object.spec.replicas <= 3'}]",
        &["1 looked"],
    );
    check(
        "validations: [{expression: 'object.spec.replicas < 3'}]",
        &["Pod shop/web: validation 1 is false"],
    );
    check(
        "validations: [{expression: 'object.spec.replicas < 3', message: too many}]",
        &["Pod shop/web: too many"],
    );
    check(
        "variables: [{name: num, expression: object.spec.replicas}, {name: m, expression: variables.num + 1}], validations: [{expression: 'variables.m < 4', message: denied, messageExpression: '\"has \" + string(variables.m)'}]",
        &["Pod shop/web: has 4"],
    );
    check(
        "validations: [{expression: 'false', message: denied, messageExpression: object.nothing}]",
        &["Pod shop/web: denied"],
    );
    check(
        "matchConditions: [{name: a, expression: 'object.metadata.name != \"web\"'}], validations: [{expression: 'false'}]",
        &["0 looked"],
    );
}

#[test]
fn errors_go_the_way_of_the_failure_policy() {
    let rest = "validations: [{expression: 'object.spec.nothing == 1'}]";
    check(rest, &["Pod shop/web: validation 1: there is no nothing"]);
    check(&format!("failurePolicy: Ignore, {rest}"), &["1 looked"]);
    // A variable that nobody asks for does not fail.
    check(
        "variables: [{name: num, expression: object.nothing}], validations: [{expression: 'true || variables.num'}]",
        &["1 looked"],
    );
    // A file lacks what a server fills in.
    let yaml = [POD, SHOP, &policy(&format!("{PODS}, {rest}")), &binding("")].join("\n---\n");
    assert_eq!(
        lines(&said(&snapshot(&yaml), &[])),
        ["unknown: validation 1: there is no nothing, and a server may fill it in"]
    );
}

#[test]
fn what_is_not_seen_is_unknown() {
    for (expression, why) in [
        (
            "request.userInfo.username != \"\" || true",
            "it depends on the user, and no user asks here",
        ),
        (
            "has(request.userInfo)",
            "it depends on the user, and no user asks here",
        ),
        (
            "request[\"userInfo\"].username == \"a\"",
            "it depends on the user, and no user asks here",
        ),
        (
            "variables.who == \"a\"",
            "it depends on the user, and no user asks here",
        ),
        (
            "authorizer.group(\"\").resource(\"pods\").check(\"get\").allowed()",
            "it asks what the user may do, and no user asks here",
        ),
        (
            "object.spec.containers.all(c, c.env.all(e, e.value != \"a\"))",
            "the value of value is redacted",
        ),
        ("object.spec.foo(1)", "`foo` is not understood here"),
        ("request == request", "request.* is not known here"),
        ("object.spec.replicas", "it is neither true nor false"),
    ] {
        check(
            &format!(
                "variables: [{{name: who, expression: request.userInfo.username}}], validations: [{{expression: '{expression}'}}]"
            ),
            &[&format!("unknown: validation 1: {why}")],
        );
    }
    // What is refused is refused whoever asks.
    check(
        "validations: [{expression: 'request.userInfo.username == \"a\"'}, {expression: 'false'}]",
        &["Pod shop/web: validation 2 is false"],
    );
    check(
        "validations: [{expression: 'object.('}]",
        &["gap: policy-not-understood"],
    );
    check("validations: 5", &["gap: policy-not-understood"]);
}

#[test]
fn constraints() {
    let of = |resources: &str| {
        format!(
            "matchConstraints: {{{resources}}}, validations: [{{expression: 'false', message: denied}}]"
        )
    };
    let rule = |text: &str| {
        format!(
            "resourceRules: [{{apiGroups: [''], apiVersions: [v1], operations: ['*'], resources: [pods], {text}}}]"
        )
    };
    let found = "Pod shop/web: denied";
    for (text, expected) in [
        (rule(""), found),
        (rule("scope: Namespaced"), found),
        (rule("scope: Cluster"), "0 looked"),
        (rule("resourceNames: [web]"), found),
        (rule("resourceNames: [other]"), "0 looked"),
        (format!("{}, objectSelector: {{matchLabels: {{app: web}}}}", rule("")), found),
        (format!("{}, objectSelector: {{matchLabels: {{app: db}}}}", rule("")), "0 looked"),
        (format!("{}, namespaceSelector: {{matchLabels: {{team: a}}}}", rule("")), found),
        (format!("{}, namespaceSelector: {{matchExpressions: [{{key: team, operator: DoesNotExist}}]}}", rule("")), "0 looked"),
        (format!("{}, namespaceSelector: {{matchLabels: {{kubernetes.io/metadata.name: shop}}}}", rule("")), found),
        (format!("{}, excludeResourceRules: [{{apiGroups: ['*'], apiVersions: ['*'], operations: ['*'], resources: ['*']}}]", rule("")), "0 looked"),
        ("resourceRules: [{apiGroups: [''], apiVersions: [v2], operations: [CREATE], resources: [pods]}]".to_owned(), found),
        ("matchPolicy: Exact, resourceRules: [{apiGroups: [''], apiVersions: [v2], operations: [CREATE], resources: [pods]}]".to_owned(), "0 looked"),
        ("resourceRules: [{apiGroups: [apps], apiVersions: [v1], operations: [CREATE], resources: ['*']}]".to_owned(), "0 looked"),
        ("resourceRules: [{apiGroups: [''], apiVersions: [v1], operations: [DELETE], resources: [pods]}]".to_owned(), "0 looked"),
    ] {
        check_bound(&of(&text), "", &[expected]);
    }
    check_bound(
        &of(&rule("")),
        ", matchResources: {namespaceSelector: {matchLabels: {team: b}}}",
        &["0 looked"],
    );
    // Its namespace was not seen.
    let yaml = [
        POD,
        &policy(&of(&format!(
            "{}, namespaceSelector: {{matchLabels: {{team: a}}}}",
            rule("")
        ))),
        &binding(""),
    ]
    .join("\n---\n");
    assert_eq!(
        lines(&said(&live(snapshot(&yaml)), &[])),
        ["unknown: the labels of its namespace were not seen"]
    );
}

#[test]
fn parameters() {
    let with = |rest: &str| {
        format!(
            "{PODS}, paramKind: {{apiVersion: v1, kind: ConfigMap}}, {rest} validations: [{{expression: 'object.spec.replicas <= int(params.data.most)', message: too many}}]"
        )
    };
    let found = "Pod shop/web: too many";
    for (reference, expected) in [
        (
            "name: limits, namespace: shop, parameterNotFoundAction: Deny",
            found,
        ),
        ("name: limits, parameterNotFoundAction: Deny", found),
        (
            "selector: {matchLabels: {limits: 'yes'}}, parameterNotFoundAction: Deny",
            found,
        ),
        ("name: other, parameterNotFoundAction: Allow", "1 looked"),
        (
            "name: other, parameterNotFoundAction: Deny",
            "Pod shop/web: the policy's parameters do not exist",
        ),
        (
            "name: limits, namespace: bank, parameterNotFoundAction: Allow",
            "1 looked",
        ),
    ] {
        check_bound(
            &with(""),
            &format!(", paramRef: {{{reference}}}"),
            &[expected],
        );
    }
    check_bound(
        &with("failurePolicy: Ignore,"),
        ", paramRef: {name: other, parameterNotFoundAction: Deny}",
        &["1 looked"],
    );
    check_bound(&with(""), "", &["unknown: its binding names no parameters"]);
    // Files are not all that a cluster has.
    let yaml = [
        POD,
        SHOP,
        &policy(&with("")),
        &binding(", paramRef: {name: other, parameterNotFoundAction: Allow}"),
    ]
    .join("\n---\n");
    assert_eq!(
        lines(&said(&snapshot(&yaml), &[])),
        ["unknown: its parameters were not seen"]
    );
}

#[test]
fn bindings() {
    let text = policy(&format!(
        "{PODS}, validations: [{{expression: 'false', message: denied}}]"
    ));
    let alone = [POD, &text].join("\n---\n");
    assert_eq!(
        lines(&said(&snapshot(&alone), &[])),
        ["gap: policy-unbound"]
    );
    // Given beside the cluster it is asked all the same.
    let given: Value = serde_saphyr::from_str(&text).unwrap();
    let told = said(&snapshot(POD), std::slice::from_ref(&given));
    assert_eq!(lines(&told), ["Pod shop/web: denied"]);
    assert!(told.answers[0].rule.enforced);
    let warned: Value = serde_saphyr::from_str(&binding("").replace("Deny", "Warn")).unwrap();
    let told = said(&snapshot(POD), &[given, warned]);
    assert!(!told.answers[0].rule.enforced && told.found.len() == 1);
}

#[test]
fn what_a_controller_made_is_told_once() {
    let owned = POD.replace(
        "name: web, namespace",
        "name: web-1, ownerReferences: [{uid: u1, controller: true}], namespace",
    );
    let set = "{apiVersion: apps/v1, kind: ReplicaSet, metadata: {name: web, namespace: shop, uid: u1}, spec: {}}";
    let rules = "matchConstraints: {resourceRules: [{apiGroups: ['*'], apiVersions: ['*'], operations: [CREATE], resources: [pods, replicasets]}]}, validations: [{expression: 'false', message: denied}]";
    let given: Value = serde_saphyr::from_str(&policy(rules)).unwrap();
    let yaml = [owned.as_str(), set].join("\n---\n");
    let told = said(&live(snapshot(&yaml)), &[given]);
    let found: Vec<String> = told
        .found
        .iter()
        .map(|one| one.object.to_string())
        .collect();
    assert_eq!(found, ["ReplicaSet shop/web"]);
}

#[test]
fn hostile_policies_are_answered() {
    let bomb: Vec<String> = (0..60)
        .map(|n| {
            format!(
                "{{name: v{}, expression: 'variables.v{n} + variables.v{n}'}}",
                n + 1
            )
        })
        .collect();
    check(
        &format!(
            "variables: [{{name: v0, expression: '[1, 2, 3]'}}, {}], validations: [{{expression: 'size(variables.v60) > 0'}}]",
            bomb.join(", ")
        ),
        &["unknown: validation 1: variable v14 grows too large"],
    );
    let nested = "[1,2,3,4,5,6,7,8,9,10].all(a, ".repeat(12);
    let list = format!(
        "variables: [{{name: l, expression: '[{}1]'}}],",
        "1,".repeat(99)
    );
    let nested = nested.replace("[1,2,3,4,5,6,7,8,9,10]", "variables.l");
    check(
        &format!(
            "{list} validations: [{{expression: '{nested}true{}'}}]",
            ")".repeat(12)
        ),
        &["unknown: validation 1: it is too dear to be evaluated"],
    );
    let many: Vec<String> = (0..300)
        .map(|_| "{expression: 'true'}".to_owned())
        .collect();
    check(
        &format!("validations: [{}]", many.join(", ")),
        &["gap: policy-not-understood"],
    );
}

proptest! {
    #[test]
    fn any_document_is_answered(
        key in prop::sample::select(vec!["/spec", "/spec/validations", "/spec/matchConstraints", "/spec/matchConstraints/resourceRules/0/resources", "/spec/validations/0/expression", "/metadata", "/spec/paramKind"]),
        value in prop_oneof![
            Just(Value::Null),
            any::<i64>().prop_map(Value::from),
            "[ -~]{0,20}".prop_map(Value::from),
            Just(serde_json::json!([])),
            Just(serde_json::json!([{}])),
            Just(serde_json::json!({})),
        ],
    ) {
        let text = policy(&format!("{PODS}, validations: [{{expression: 'false'}}]"));
        let mut given: Value = serde_saphyr::from_str(&text).unwrap();
        let (parent, last) = key.rsplit_once('/').unwrap();
        given.pointer_mut(parent).unwrap()[last] = value;
        let told = said(&snapshot(POD), &[given.clone()]);
        // Found, not understood, not known or not meant; passed only where somebody looked.
        prop_assert!(told.answers.len() + told.gaps.len() == 1, "{given}");
    }
}
