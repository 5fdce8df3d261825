//! Objects before and after they are made canonical.

use super::*;

fn canonicalizer() -> Canonicalizer {
    Canonicalizer::new(Redactor::new([1; 32]))
}

const PLACE: Place = Place::File {
    file: 0,
    document: 0,
    item: None,
};

fn read(text: &str) -> Reading {
    let document = tree::parse(text.as_bytes()).unwrap().remove(0);
    canonicalizer().object(&document, ROOT, PLACE, None)
}

#[track_caller]
fn check(text: &str, expected: &str) {
    let Reading::Object(object) = read(text) else {
        panic!("no object: {:?}", read(text));
    };
    let json = String::from_utf8(object.json.to_vec()).unwrap();
    serde_json::from_str::<serde_json::Value>(&json).unwrap();
    // Fingerprints are tested elsewhere.
    let mut out = String::new();
    let mut rest = json.as_str();
    while let Some(at) = rest.find("redacted:v1:") {
        let end = at + rest[at..].find('"').unwrap();
        let class = rest[at + 12..end].split(':').next().unwrap();
        out.push_str(&rest[..at]);
        out += "<";
        out += class;
        out += ">";
        rest = &rest[end..];
    }
    out.push_str(rest);
    assert_eq!(out, expected);
}

#[test]
fn yaml_and_json_give_the_same_bytes() {
    let yaml = "kind: Service\napiVersion: v1\nmetadata: {name: web, labels: {b: 'x', a: y1}}\nspec:\n  type: NodePort\n  ports: [{port: 0x50}]\n";
    let json = r#"{"apiVersion":"v1","kind":"Service","metadata":{"labels":{"a":"y1","b":"x"},"name":"web"},"spec":{"ports":[{"port":80}],"type":"NodePort","selector":null}}"#;
    assert_eq!(read(yaml), read(json));
    check(
        yaml,
        r#"{"apiVersion":"v1","kind":"Service","metadata":{"labels":{"a":"y1","b":"x"},"name":"web"},"spec":{"ports":[{"port":80}],"type":"NodePort"}}"#,
    );
}

#[test]
fn noise_goes() {
    check(
        r#"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a","namespace":"n","resourceVersion":"1","selfLink":"/x","managedFields":[{"a":1}],
        "annotations":{"kubectl.kubernetes.io/last-applied-configuration":"{}","a":"b"},
        "ownerReferences":[{"kind":"ReplicaSet","name":"r","uid":"u","apiVersion":"apps/v1","controller":true,"blockOwnerDeletion":true}]},
        "spec":{"nodeName":"n1"},
        "status":{"phase":"Running","podIP":"10.0.0.1","startTime":"x","qosClass":"Burstable","message":"m",
        "conditions":[{"type":"Ready","status":"True","message":"secret","lastTransitionTime":"x"}],
        "containerStatuses":[{"name":"c","image":"i","imageID":"docker-pullable://i@sha256:0","ready":true,"state":{"terminated":{"message":"x"}}}]}}"#,
        r#"{"apiVersion":"v1","kind":"Pod","metadata":{"annotations":{"a":"b"},"name":"a","namespace":"n","ownerReferences":[{"apiVersion":"apps/v1","controller":true,"kind":"ReplicaSet","name":"r","uid":"u"}]},"spec":{"nodeName":"n1"},"status":{"conditions":[{"status":"True","type":"Ready"}],"containerStatuses":[{"image":"i","imageID":"docker-pullable://i@sha256:0","name":"c","ready":true}],"phase":"Running","podIP":"10.0.0.1"}}"#,
    );
}

#[test]
fn values_go() {
    check(
        "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\ntype: Opaque\ndata: {a: aHVudGVyMg==}\nstringData: {password: x, on: true}\n",
        r#"{"apiVersion":"v1","data":{"a":"<text>"},"kind":"Secret","metadata":{"name":"s"},"stringData":{"password":"<password-like>","true":"<boolean>"},"type":"Opaque"}"#,
    );
    check(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: coredns, namespace: kube-system}\ndata: {Corefile: 'a: b'}\n",
        r#"{"apiVersion":"v1","data":{"Corefile":"a: b"},"kind":"ConfigMap","metadata":{"name":"coredns","namespace":"kube-system"}}"#,
    );
    check(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: coredns}\ndata: {Corefile: 'a: b'}\nbinaryData: {x: AAEC}\n",
        r#"{"apiVersion":"v1","binaryData":{"x":"<text>"},"data":{"Corefile":"<text>"},"kind":"ConfigMap","metadata":{"name":"coredns"}}"#,
    );
}

#[test]
fn command_lines_go() {
    check(
        "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  containers:\n  - name: c\n    image: u:p@host/app\n    command: [/bin/sh, -c, 'run --x']\n    args: ['--token=abc', --flag, abc, 5]\n    env: [{name: A, value: 'x'}, {name: B, value: 7}, {name: C, valueFrom: {secretKeyRef: {name: s, key: password}}}]\n    livenessProbe: {httpGet: {path: '/a?t=1', httpHeaders: [{name: X-Token, value: v}]}}\n",
        r#"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a"},"spec":{"containers":[{"args":["--token=<password-like>","--flag","<text>","<number>"],"command":["sh","-c","<text>"],"env":[{"name":"A","value":"<text>"},{"name":"B","value":"<number>"},{"name":"C","valueFrom":{"secretKeyRef":{"key":"password","name":"s"}}}],"image":"<url-with-credentials>","livenessProbe":{"httpGet":{"httpHeaders":[{"name":"X-Token","value":"<password-like>"}],"path":"/a?<text>"}},"name":"c"}]}}"#,
    );
    check(
        "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  containers:\n  - command: [kube-apiserver, --anonymous-auth=false, --zz=1]\n",
        r#"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a"},"spec":{"containers":[{"command":["kube-apiserver","--anonymous-auth=false","--zz=<number>"]}]}}"#,
    );
}

#[test]
fn other_kinds_lose_their_values() {
    check(
        "apiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingWebhookConfiguration\nmetadata: {name: w}\nwebhooks: [{clientConfig: {url: 'https://h/s3cret', caBundle: QUJD}}]\n",
        r#"{"apiVersion":"admissionregistration.k8s.io/v1","kind":"ValidatingWebhookConfiguration","metadata":{"name":"w"},"webhooks":[{"clientConfig":{"caBundle":"<certificate>","url":"https://h/<url>"}}]}"#,
    );
    check(
        "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: w}\nspec: {group: g, scope: Cluster, versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {}}}], preserveUnknownFields: false}\n",
        r#"{"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition","metadata":{"name":"w"},"spec":{"group":"g","scope":"Cluster","versions":[{"name":"v1","served":true,"storage":true}]}}"#,
    );
    check(
        "apiVersion: x.io/v1\nkind: Runner\nmetadata: {name: w}\nspec: {apiToken: abc, values: {a: b}, template: {spec: {containers: [{image: i, args: [x]}]}}}\n",
        r#"{"apiVersion":"x.io/v1","kind":"Runner","metadata":{"name":"w"},"spec":{"apiToken":"<password-like>","template":{"spec":{"containers":[{"args":["<text>"],"image":"i"}]}},"values":"<text>"}}"#,
    );
}

#[test]
fn kinds_are_sorted_out() {
    for (text, expected) in [
        ("a: 1", Reading::Foreign),
        ("- 1", Reading::Foreign),
        ("just words", Reading::Foreign),
        ("kind: Pod", Reading::Foreign),
        (
            "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization",
            Reading::Foreign,
        ),
        (
            "apiVersion: v1\nkind: Pod\nmetadata: {}",
            Reading::Nameless("Pod".into()),
        ),
        (
            "apiVersion: apps/v1\nkind: Deployment",
            Reading::Nameless("Deployment.apps".into()),
        ),
        (
            "apiVersion: x.io/v1\nkind: W\nmetadata: {name: a}",
            Reading::Other("W.x.io".into()),
        ),
        (
            "apiVersion: v1\nkind: Event\nmetadata: {name: a}",
            Reading::Other("Event".into()),
        ),
    ] {
        assert_eq!(read(text), expected, "{text}");
    }
}

#[test]
fn heads() {
    let object = |text: &str| match read(text) {
        Reading::Object(object) => object,
        other => panic!("{other:?}"),
    };
    let role = object(
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: a, namespace: x, uid: u-1}",
    );
    assert_eq!((role.namespace, role.uid.as_deref()), (None, Some("u-1")));
    let pod = object("apiVersion: v1\nkind: Pod\nmetadata: {name: 12, labels: {z: true, a: 1.10}}");
    assert_eq!(
        (pod.namespace.as_deref(), &*pod.name),
        (Some("default"), "12")
    );
    assert_eq!(pod.label("z").map(|l| &**l), Some("true"));
    assert_eq!(pod.label("a").map(|l| &**l), Some("1.1"));
    let job = object("apiVersion: batch/v1\nkind: Job\nmetadata: {generateName: job-}");
    assert_eq!(
        job.name,
        object("apiVersion: batch/v1\nkind: Job\nmetadata: {generateName: job-}").name
    );
    assert!(
        job.name.starts_with("job-") && job.name.len() == 9,
        "{}",
        job.name
    );
}

#[test]
fn pages() {
    let gvk = Gvk {
        group: "".into(),
        kind: "Pod".into(),
        version: "v1".into(),
    };
    let page = canonicalizer()
        .page(
            br#"{"kind":"PodList","apiVersion":"v1","metadata":{"continue":"abc","remainingItemCount":3,"resourceVersion":"9"},"items":[{"metadata":{"name":"a","namespace":"n"}},{"metadata":{}}]}"#,
            &gvk,
        )
        .unwrap();
    assert_eq!(page.objects.len(), 1);
    assert_eq!(page.objects[0].gvk, gvk);
    assert_eq!(
        String::from_utf8_lossy(&page.objects[0].json),
        r#"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a","namespace":"n"}}"#
    );
    assert_eq!(page.others, ["Pod".into()]);
    assert_eq!(
        (page.next.as_deref(), page.remaining),
        (Some("abc"), Some(3))
    );
    let null = br#"{"kind":"PodList","apiVersion":"v1","metadata":{},"items":null}"#;
    assert_eq!(canonicalizer().page(null, &gvk).unwrap().objects, []);
    for wrong in [
        &b"{\"kind\":\"Status\"}"[..],
        b"[]",
        b"{",
        b"",
        b"\xff",
        b"{} {}",
    ] {
        canonicalizer().page(wrong, &gvk).unwrap_err();
    }
}
