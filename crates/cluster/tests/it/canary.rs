//! Rule 20: secrets planted in many places, in many forms, are searched in every byte that leaves the crate.

use crate::{bytes, options};
use base64::Engine as _;
use cluster::canonical::{Canonicalizer, Reading};
use cluster::manifests::read;
use cluster::redact::Redactor;
use cluster::saved;
use cluster::tree::{self, Document, NodeId, ROOT, Value, scalar};
use model::object::Gvk;
use model::snapshot::{Place, Snapshot};
use serde_json::{Value as Json, json};
use std::io::Write as _;

const CANARY: &str = "cAnArYs3cr3tV4luE";

/// Where, and the object. `@` is the canary, `%` its base64, `^` base64 of its gzip, `~` the base64 of a Helm release
/// that holds it.
const PLACES: &[(&str, &str)] = &[
    (
        "Secret data",
        "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\ndata: {a: '%'}",
    ),
    (
        "Secret data, not base64",
        "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\ndata: {a: '@!'}",
    ),
    (
        "Secret data, gzip",
        "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\ndata: {a: '^'}",
    ),
    (
        "Secret stringData",
        "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {a: '@'}",
    ),
    (
        "Secret stringData block",
        "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData:\n  a: |\n    x: @\n    y: 1",
    ),
    (
        "Secret data as a text",
        "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\ndata: '@'",
    ),
    (
        "Secret data as a list",
        "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\ndata: ['@', {a: '%'}]",
    ),
    (
        "Helm release",
        "apiVersion: v1\nkind: Secret\nmetadata: {name: sh.helm.release.v1.web.v1}\ntype: helm.sh/release.v1\ndata: {release: '~'}",
    ),
    (
        "Helm release in a ConfigMap",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web.v1}\ndata: {release: '~'}",
    ),
    (
        "docker config",
        "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\ntype: kubernetes.io/dockerconfigjson\nstringData: {.dockerconfigjson: '{\"auths\":{\"r\":{\"auth\":\"%\"}}}'}",
    ),
    (
        "ConfigMap data",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {a: '@', b: 'url=https://u:@@h/'}",
    ),
    (
        "ConfigMap binaryData",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\nbinaryData: {a: '%'}",
    ),
    (
        "system ConfigMap elsewhere",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: coredns, namespace: shop}\ndata: {Corefile: '@'}",
    ),
    (
        "token line of a system ConfigMap",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: kubeadm-config, namespace: kube-system}\ndata: {ClusterConfiguration: \"a: b\\ntoken: @\\nproxy: http://u:@@h\\n\"}",
    ),
    (
        "flow style in a system ConfigMap",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: kubeadm-config, namespace: kube-system}\ndata: {ClusterConfiguration: \"a: {b: c, token: '@'}\\n\"}",
    ),
    (
        "block of a system ConfigMap",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: kubeadm-config, namespace: kube-system}\ndata: {ClusterConfiguration: \"a:\\n- token: |\\n    @\\n\\n    @\\n  b: c\\n\"}",
    ),
    (
        "last-applied",
        "apiVersion: v1\nkind: Service\nmetadata: {name: s, annotations: {kubectl.kubernetes.io/last-applied-configuration: '{\"stringData\":{\"a\":\"@\"}}'}}",
    ),
    (
        "long annotation",
        "apiVersion: v1\nkind: Service\nmetadata: {name: s, annotations: {a: '@ xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx'}}",
    ),
    (
        "annotation that names a credential",
        "apiVersion: v1\nkind: Service\nmetadata: {name: s, annotations: {example.com/api-token: '@'}}",
    ),
    (
        "annotation with a URL",
        "apiVersion: v1\nkind: Service\nmetadata: {name: s, annotations: {hook: 'https://u:@@h/'}}",
    ),
    (
        "annotation of a template",
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\nspec: {template: {metadata: {annotations: {kubectl.kubernetes.io/last-applied-configuration: '@', password: '@'}}}}",
    ),
    (
        "managedFields",
        "apiVersion: v1\nkind: Service\nmetadata: {name: s, managedFields: [{manager: '@'}]}",
    ),
    (
        "env literal",
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: c, image: i, env: [{name: A, value: '@'}]}]}",
    ),
    (
        "env literal, base64",
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: c, image: i, env: [{name: A, value: '%'}]}]}",
    ),
    (
        "env of an init container",
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {initContainers: [{name: c, image: i, env: [{name: A, value: 'x@x'}]}]}",
    ),
    (
        "env of an ephemeral container",
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {ephemeralContainers: [{name: c, image: i, env: [{name: A, value: '@'}]}]}",
    ),
    (
        "env of a CronJob",
        "apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: p}\nspec: {jobTemplate: {spec: {template: {spec: {containers: [{name: c, image: i, env: [{name: A, value: '@'}]}]}}}}}",
    ),
    (
        "env of an unknown kind",
        "apiVersion: x.io/v1\nkind: Runner\nmetadata: {name: p}\nspec: {a: {b: {containers: [{name: c, image: i, env: [{name: A, value: '@'}]}]}}}",
    ),
    (
        "env in a List",
        "apiVersion: v1\nkind: List\nitems: [{apiVersion: v1, kind: Pod, metadata: {name: p}, spec: {containers: [{image: i, env: [{name: A, value: '@'}]}]}}]",
    ),
    (
        "env by an anchor",
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{image: i, env: &e [{name: A, value: '@'}]}, {image: i, env: *e}]}",
    ),
    (
        "env by a merge",
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{image: i, env: [&e {name: A, value: '@'}, {<<: *e, name: B}]}]}",
    ),
    (
        "env as a mapping",
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{image: i, env: {value: '@'}}]}",
    ),
    (
        "flag with a value",
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{image: i, args: ['--password=@', '-p@', '-D@=1', '--x=a=@']}]}",
    ),
    (
        "value behind a flag",
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{image: i, args: ['--password', '@', 'A=@', '%']}]}",
    ),
    (
        "args as a text",
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{image: i, args: '--password=@'}]}",
    ),
    (
        "command",
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{image: i, command: [sh, -c, 'curl -u a:@ h']}]}",
    ),
    (
        "command as a text",
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{image: i, command: 'run @'}]}",
    ),
    (
        "path of a command",
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{image: i, command: ['/@/run']}]}",
    ),
    (
        "unknown flag of a component",
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{image: i, command: [kube-apiserver, '--webhook-secret=@', '--etcd-servers=https://u:@@h:1']}]}",
    ),
    (
        "exec probe",
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{image: i, livenessProbe: {exec: {command: [redis-cli, -a, '@']}}}]}",
    ),
    (
        "probe header",
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{image: i, readinessProbe: {httpGet: {port: 1, httpHeaders: [{name: Authorization, value: 'Bearer @'}]}}}]}",
    ),
    (
        "startup probe path",
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{image: i, startupProbe: {httpGet: {path: '/x?k=@'}}}]}",
    ),
    (
        "lifecycle hooks",
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{image: i, lifecycle: {postStart: {exec: {command: [sh, -c, '@']}}, preStop: {httpGet: {httpHeaders: [{name: A, value: '@'}]}}}}]}",
    ),
    (
        "image reference",
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: c, image: 'u:@@host/i:1'}, {image: 'https://x/@'}]}",
    ),
    (
        "status of a pod",
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nstatus: {message: '@', conditions: [{type: Ready, status: 'True', message: '@'}], containerStatuses: [{name: c, image: 'u:@@h/i', lastState: {terminated: {message: '@'}}}]}",
    ),
    (
        "gitRepo volume",
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {volumes: [{name: v, gitRepo: {repository: 'https://@@h/r.git'}}]}",
    ),
    (
        "CSI attributes",
        "apiVersion: v1\nkind: PersistentVolume\nmetadata: {name: p}\nspec: {csi: {volumeAttributes: {password: '@', mount: 'https://u:@@h'}}}",
    ),
    (
        "flexVolume options",
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {volumes: [{name: v, flexVolume: {options: {accessKey: '@'}}}]}",
    ),
    (
        "StorageClass parameters",
        "apiVersion: storage.k8s.io/v1\nkind: StorageClass\nmetadata: {name: p}\nparameters: {restuserpassword: '@'}",
    ),
    (
        "webhook URL",
        "apiVersion: admissionregistration.k8s.io/v1\nkind: MutatingWebhookConfiguration\nmetadata: {name: w}\nwebhooks: [{name: a, clientConfig: {url: 'https://u:@@h/@?t=@#@', caBundle: '%'}}]",
    ),
    (
        "conversion webhook",
        "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: w}\nspec: {group: g, names: {kind: K}, scope: Cluster, conversion: {webhook: {clientConfig: {url: 'https://h/@', caBundle: '%'}}}, versions: [{name: v1, schema: {openAPIV3Schema: {default: '@'}}}]}",
    ),
    (
        "APIService",
        "apiVersion: apiregistration.k8s.io/v1\nkind: APIService\nmetadata: {name: a}\nspec: {caBundle: '%'}",
    ),
    (
        "signing request",
        "apiVersion: certificates.k8s.io/v1\nkind: CertificateSigningRequest\nmetadata: {name: a}\nspec: {request: '@aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'}\nstatus: {certificate: '@'}",
    ),
    (
        "custom kind, credential by name",
        "apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nmetadata: {name: r}\nspec: {apiToken: '@', auth: {clientSecret: '@', db: {connectionString: '@'}}}",
    ),
    (
        "custom kind, Helm values",
        "apiVersion: x.io/v1\nkind: Release\nmetadata: {name: r}\nspec: {values: {a: '@', b: ['@']}, valuesContent: 'a: @', parameters: [{name: a, value: '@'}], pod: {containers: [{image: i}]}}",
    ),
    (
        "custom kind, nested Secret template",
        "apiVersion: x.io/v1\nkind: Sealed\nmetadata: {name: r}\nspec: {template: {data: {a: '@'}}, pod: {containers: [{image: i}]}}",
    ),
    (
        "custom kind, URL",
        "apiVersion: traefik.io/v1alpha1\nkind: Middleware\nmetadata: {name: r}\nspec: {forward: {address: 'https://h/?k=@', url: 'https://h/@'}}",
    ),
    (
        "kind that no stage reads",
        "apiVersion: v1\nkind: Event\nmetadata: {name: e}\nmessage: '@'",
    ),
    (
        "object without a name",
        "apiVersion: v1\nkind: Secret\nstringData: {a: '@'}",
    ),
    (
        "encryption configuration",
        "apiVersion: apiserver.config.k8s.io/v1\nkind: EncryptionConfiguration\nresources: [{providers: [{secretbox: {keys: [{name: k, secret: '@'}]}}]}]",
    ),
    (
        "kubeconfig",
        "apiVersion: v1\nkind: Config\nusers: [{name: u, user: {token: '@', client-key-data: '%'}}]",
    ),
    ("file that is no manifest", "password: '@'\nnested: ['%']"),
    (
        "comment and anchor name",
        "# @\napiVersion: v1\nkind: Service\nmetadata: &cAnArYs3cr3tV4luE {name: s} # @",
    ),
];

fn encode(bytes: &[u8]) -> String {
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    writer.write_all(bytes).unwrap();
    writer.finish().unwrap()
}

fn planted(text: &str) -> String {
    let release = format!(r#"{{"name":"web","chart":{{}},"config":{{"password":"{CANARY}"}}}}"#);
    let release = encode(encode(&gzip(release.as_bytes())).as_bytes());
    // `@@` is a URL's own sign behind the canary.
    text.replace("@@", &format!("{CANARY}\u{1}"))
        .replace('@', CANARY)
        .replace('\u{1}', "@")
        .replace('%', &encode(CANARY.as_bytes()))
        .replace('^', &encode(&gzip(CANARY.as_bytes())))
        .replace('~', &release)
}

/// What must not be found: the canary, its base64 at every offset, the packed forms.
fn needles() -> Vec<String> {
    let mut needles = vec![
        CANARY.to_owned(),
        CANARY.to_lowercase(),
        CANARY.chars().rev().collect(),
    ];
    for shift in 0..3 {
        let shifted = encode(format!("{}{CANARY}", "x".repeat(shift)).as_bytes());
        // Letters that neighbours change are cut off.
        needles.push(
            shifted[(shift * 4).div_ceil(3) + usize::from(shift > 0)..shifted.len() - 4].to_owned(),
        );
    }
    needles.push(model::keys::hex(CANARY.as_bytes()));
    needles.push(encode(&gzip(CANARY.as_bytes()))[..24].to_owned());
    needles.push(planted("~")[..60].to_owned());
    needles
}

#[track_caller]
fn clean(place: &str, out: &[u8]) {
    // Part of a canary is a leak too.
    let cut = &CANARY.as_bytes()[..8];
    assert!(
        memchr::memmem::find(out, cut).is_none(),
        "{place}: {}",
        String::from_utf8_lossy(out)
    );
    for needle in needles() {
        assert!(
            memchr::memmem::find(out, needle.as_bytes()).is_none(),
            "{place}: {needle} in {}",
            String::from_utf8_lossy(out)
        );
    }
}

/// Every byte of a Snapshot that can leave the process.
#[track_caller]
fn clean_snapshot(place: &str, snapshot: &Snapshot) {
    clean(place, format!("{snapshot:?}").as_bytes());
    for object in &snapshot.objects {
        clean(place, &object.json);
    }
    let mut file = Vec::new();
    saved::write(snapshot, &mut file).unwrap();
    clean(place, &file);
    clean(place, &zstd::decode_all(&file[22..]).unwrap());
    clean(
        place,
        format!("{:?}", saved::read(&mut &*file).unwrap()).as_bytes(),
    );
}

fn read_clean(place: &str, text: &[u8]) -> usize {
    let inputs = [bytes("-", text)];
    clean(place, format!("{inputs:?} {:?}", options()).as_bytes());
    match read(&inputs, &options()) {
        Ok(snapshot) => {
            clean_snapshot(place, &snapshot);
            snapshot.objects.len()
        }
        Err(error) => {
            clean(place, format!("{error} {error:?}").as_bytes());
            0
        }
    }
}

fn to_json(document: &Document<'_>, id: NodeId) -> Json {
    match document.value(id) {
        Value::Bool(value) => json!(value),
        Value::Number(text) => serde_json::from_str(&scalar::json_number(text)).unwrap(),
        Value::Text(text) => json!(text),
        Value::Sequence(_) => document
            .children(id)
            .map(|id| to_json(document, id))
            .collect(),
        Value::Mapping(_) => Json::Object(
            document
                .entries(id)
                .map(|(key, value)| {
                    (
                        document.as_text(key).unwrap().to_owned(),
                        to_json(document, value),
                    )
                })
                .collect(),
        ),
        _ => Json::Null,
    }
}

#[test]
fn no_canary_leaves() {
    assert!(PLACES.len() >= 40);
    let mut kept = 0;
    for (place, text) in PLACES {
        let yaml = planted(text);
        assert!(
            needles()
                .iter()
                .any(|needle| yaml.contains(needle.as_str())),
            "{place} plants nothing"
        );
        let count = read_clean(place, yaml.as_bytes());
        kept += count;

        let tree = tree::parse(yaml.as_bytes()).unwrap().remove(0);
        clean(place, format!("{tree:?}").as_bytes());
        let json = to_json(&tree, ROOT).to_string();
        assert_eq!(read_clean(place, json.as_bytes()), count, "{place}");

        let mut canonicalizer = Canonicalizer::new(Redactor::new([9; 32]));
        let fallback = Gvk {
            group: "".into(),
            kind: "Pod".into(),
            version: "v1".into(),
        };
        match canonicalizer.json(json.as_bytes(), Place::Server, None) {
            Ok(Reading::Object(object)) => clean(place, &object.json),
            other => clean(place, format!("{other:?}").as_bytes()),
        }
        let list =
            format!(r#"{{"kind":"PodList","apiVersion":"v1","metadata":{{}},"items":[{json}]}}"#);
        clean(
            place,
            format!("{:?}", canonicalizer.page(list.as_bytes(), &fallback)).as_bytes(),
        );
        clean(place, format!("{canonicalizer:?}").as_bytes());
    }
    // The places that no object comes from are the last ones of the table.
    assert!(kept >= 50, "{kept}");
}

/// Documents that end early or go wrong: parsers like to quote what they choked on.
#[test]
fn no_canary_leaves_by_errors() {
    for (place, text) in PLACES {
        let yaml = planted(text);
        let json = to_json(&tree::parse(yaml.as_bytes()).unwrap()[0], ROOT).to_string();
        for whole in [&yaml, &json] {
            for end in (0..whole.len())
                .filter(|end| whole.is_char_boundary(*end))
                .step_by(5)
            {
                read_clean(place, &whole.as_bytes()[..end]);
            }
            for tail in [
                "\n\t}{",
                "\n: [",
                "\n*x",
                "\n\u{0}",
                "\n'",
                "\n- \"\\q",
                "\n<<: 3",
                "\nkind: x\nkind: y",
                "\n{{ .x }}",
            ] {
                read_clean(place, format!("{whole}{tail}").as_bytes());
            }
            read_clean(place, &[whole.as_bytes(), b"\xff"].concat());
            read_clean(
                place,
                whole
                    .replace(CANARY, &format!("{CANARY}: {CANARY}: ["))
                    .as_bytes(),
            );
            read_clean(
                place,
                whole
                    .replace(CANARY, &format!("{CANARY}', *{CANARY}, '"))
                    .as_bytes(),
            );
        }
    }
}

/// The canary stands where a number or switch is expected.
#[test]
fn numbers_and_switches_go_too() {
    let text = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{image: i, args: [271828182], env: [{name: PIN, value: 271828182}, {name: ON, value: true}]}]}\n---\napiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {pin: 271828182, f: 2.71828182}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: s}\ndata: {pin: 271828182, a: [271828182]}\n";
    let snapshot = read(&[bytes("-", text)], &options()).unwrap();
    let out: String = snapshot
        .objects
        .iter()
        .map(|o| String::from_utf8_lossy(&o.json).into_owned())
        .collect();
    assert!(!out.contains("71828182"), "{out}");
    assert_eq!(out.matches("redacted:v1:number:").count(), 6, "{out}");
    assert_eq!(out.matches("redacted:v1:boolean:").count(), 1, "{out}");
}
