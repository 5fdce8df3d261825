//! Rule 20: secrets planted in many places of the inputs are searched in every byte that comes out, packed ones too.

use crate::hostile_files::unpack;
use crate::runner::{FORMATS, Home, Ran};
use base64::Engine as _;
use std::io::Write as _;

const CANARY: &str = "cAnArYs3cr3tV4luE";

fn encode(bytes: &[u8]) -> String {
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    writer.write_all(bytes).unwrap();
    writer.finish().unwrap()
}

/// `@` is the canary (`@@` one with a URL's own sign behind it), `%` its base64, `^` base64 of its gzip, `~` a Helm release.
fn planted(text: &str) -> String {
    let release =
        format!(r#"{{"name":"web","config":{{"password":"{CANARY}"}},"manifest":"{CANARY}"}}"#);
    text.replace("@@", &format!("{CANARY}\u{1}"))
        .replace('@', CANARY)
        .replace('\u{1}', "@")
        .replace('%', &encode(CANARY.as_bytes()))
        .replace('^', &encode(&gzip(CANARY.as_bytes())))
        .replace('~', &encode(encode(&gzip(release.as_bytes())).as_bytes()))
}

/// A cluster whose objects are all looked at: exposed, privileged, with rights, so that evidence speaks of each.
const MANIFESTS: &str = r#"
apiVersion: v1
kind: Namespace
metadata: {name: web, annotations: {kubectl.kubernetes.io/last-applied-configuration: '{"a":"@"}', example.com/api-token: '@'}}
---
apiVersion: v1
kind: Secret
metadata: {name: plain, namespace: web, annotations: {kubectl.kubernetes.io/last-applied-configuration: '{"stringData":{"a":"@"}}'}}
data: {a: '%', b: '^', c: '@'}
stringData: {d: '@', e: "url: https://u:@@h/", f: '%'}
---
apiVersion: v1
kind: Secret
metadata: {name: sh.helm.release.v1.web.v1, namespace: web, labels: {owner: helm}}
type: helm.sh/release.v1
data: {release: '~'}
---
apiVersion: v1
kind: Secret
metadata: {name: pull, namespace: web}
type: kubernetes.io/dockerconfigjson
stringData: {.dockerconfigjson: '{"auths":{"good.example":{"username":"u","password":"@","auth":"%"}}}'}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: settings, namespace: web}
data: {a: '@', b.yaml: "password: @\n", c: 'postgres://u:@@h/db'}
binaryData: {d: '%'}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: kubeadm-config, namespace: kube-system}
data: {ClusterConfiguration: "apiServer:\n  extraArgs: {token: '@'}\ntoken: @\n"}
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  namespace: web
  annotations: {password: '@', hook: 'https://u:@@h/'}
  managedFields: [{manager: '@'}]
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}, annotations: {vault.hashicorp.com/token: '@', note: 'password=@'}}
    spec:
      serviceAccountName: web
      hostNetwork: true
      imagePullSecrets: [{name: pull}]
      initContainers:
      - {name: init, image: 'https://u:@@good.example/init:1', env: [{name: A, value: '@'}]}
      ephemeralContainers:
      - {name: debug, image: 'u:@@good.example/debug:1', args: ['--password=@']}
      containers:
      - name: app
        image: good.example/app:1
        command: [/bin/app, --token=@, '--url=https://u:@@h/?k=@', sh, -c, 'curl -H "X: @" h']
        args: ['--password', '@', -p@, 'A=@', '%', '@']
        env:
        - {name: PASSWORD, value: '@'}
        - {name: PLAIN, value: 'x@x'}
        - {name: PACKED, value: '%'}
        - {name: DSN, value: 'mysql://u:@@h/d'}
        ports: [{containerPort: 80, name: http}]
        securityContext: {privileged: true}
        livenessProbe: {httpGet: {port: 80, path: '/live?key=@', httpHeaders: [{name: Authorization, value: 'Bearer @'}]}}
        readinessProbe: {exec: {command: [redis-cli, -a, '@', ping]}}
        startupProbe: {httpGet: {port: 80, httpHeaders: [{name: Cookie, value: '@'}]}}
        lifecycle: {postStart: {exec: {command: [sh, -c, 'echo @']}}, preStop: {httpGet: {port: 80, httpHeaders: [{name: A, value: '@'}]}}}
      - {name: odd, image: 'u:@@good.example/odd@sha256:0000000000000000000000000000000000000000000000000000000000000001'}
      - {name: kube, image: good.example/kube:1, command: [kube-apiserver, '--webhook-secret=@', '--etcd-servers=https://u:@@h:1']}
      volumes:
      - {name: git, gitRepo: {repository: 'https://@@h/r.git'}}
      - {name: flex, flexVolume: {driver: d, options: {accessKey: '@'}}}
      - {name: csi, csi: {driver: d, volumeAttributes: {password: '@', mount: 'https://u:@@h'}}}
---
apiVersion: batch/v1
kind: CronJob
metadata: {name: nightly, namespace: web}
spec: {schedule: '* * * * *', jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: c, image: 'good.example/job:1', env: [{name: A, value: '@'}], args: ['--key=@']}]}}}}}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: web, annotations: {example.com/webhook-token: '@'}}
spec: {type: LoadBalancer, selector: {app: web}, ports: [{port: 80, targetPort: http}]}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web, namespace: web, annotations: {nginx.ingress.kubernetes.io/configuration-snippet: 'proxy_set_header X "@";', nginx.ingress.kubernetes.io/auth-url: 'https://u:@@h/?t=@'}}
spec: {rules: [{http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]}}]}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: web, namespace: web}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: web}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin}
subjects: [{kind: ServiceAccount, name: web, namespace: web}]
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: hook}
webhooks: [{name: a.b.c, clientConfig: {url: 'https://u:@@h/@?t=@#@', caBundle: '%'}, failurePolicy: Ignore, sideEffects: None, admissionReviewVersions: [v1]}]
---
apiVersion: apiregistration.k8s.io/v1
kind: APIService
metadata: {name: v1.x}
spec: {group: x, version: v1, caBundle: '%', service: {name: a, namespace: b}}
---
apiVersion: v1
kind: PersistentVolume
metadata: {name: pv}
spec: {csi: {driver: d, volumeHandle: h, volumeAttributes: {password: '@'}}}
---
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata: {name: fast}
provisioner: p
parameters: {restuserpassword: '@'}
---
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: r, namespace: web}
spec: {apiToken: '@', template: {spec: {containers: [{name: c, image: 'good.example/roll:1', env: [{name: A, value: '@'}]}]}}}
---
apiVersion: x.io/v1
kind: Release
metadata: {name: r, namespace: web}
spec: {values: {a: '@'}, valuesContent: 'a: @', parameters: [{name: a, value: '@'}]}
---
apiVersion: v1
kind: Event
metadata: {name: e, namespace: web}
message: '@'
---
apiVersion: v1
kind: Secret
stringData: {a: '@'}
"#;

/// A scanner that found secrets, and quotes them.
const REPORT: &str = r#"{"SchemaVersion":2,"ArtifactName":"good.example/app:1","ArtifactType":"container_image",
"Metadata":{"ImageConfig":{"config":{"Env":["PASSWORD=@"],"Cmd":["--token=@"]},"history":[{"created_by":"RUN echo @"}]}},
"Results":[{"Target":"debian","Class":"os-pkgs","Type":"debian","Vulnerabilities":[{"VulnerabilityID":"CVE-2024-6119","PkgName":"openssl",
"InstalledVersion":"1","Severity":"CRITICAL"}]},
{"Target":"/app/.env","Class":"secret","Secrets":[{"RuleID":"generic-api-key","Category":"General","Severity":"HIGH","Title":"API key",
"StartLine":1,"EndLine":1,"Match":"KEY=@","Code":{"Lines":[{"Number":1,"Content":"KEY=@","Highlighted":"KEY=@"}]}}]}]}"#;

/// What must not be found: the canary and a part of it, its base64 at every offset, hex, the packed forms.
fn needles() -> Vec<String> {
    let digits = "0123456789abcdef".as_bytes();
    let hex = CANARY.bytes().flat_map(|b| [b >> 4, b & 15]);
    let hex: String = hex.map(|n| char::from(digits[usize::from(n)])).collect();
    let mut needles = vec![
        CANARY[..9].to_owned(),
        CANARY.to_lowercase(),
        hex.to_uppercase(),
        hex,
    ];
    for shift in 0..3 {
        let shifted = encode(format!("{}{CANARY}", "x".repeat(shift)).as_bytes());
        // Letters that neighbours change are cut off.
        needles.push(
            shifted[(shift * 4).div_ceil(3) + usize::from(shift > 0)..shifted.len() - 4].to_owned(),
        );
    }
    needles.push(encode(&gzip(CANARY.as_bytes()))[..24].to_owned());
    needles.push(planted("~")[..60].to_owned());
    needles
}

#[track_caller]
fn clean(what: &str, bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    for needle in needles() {
        if let Some(at) = text.find(&needle) {
            let from = text.floor_char_boundary(at.saturating_sub(200));
            let to = text.floor_char_boundary((at + 200).min(text.len()));
            unreachable!("{what}: {needle} in ...{}...", &text[from..to]);
        }
    }
}

#[track_caller]
fn clean_run(what: &str, ran: Ran) -> Ran {
    clean(what, &ran.stdout);
    clean(what, ran.stderr.as_bytes());
    ran.sound()
}

#[track_caller]
fn clean_bundle(bytes: &[u8]) {
    let (snapshot, assessment) = unpack(bytes);
    clean("assessment", &assessment);
    clean("snapshot", &snapshot);
    let magic = b"PLIMSOLL-SNAPSHOT\n".len() + 4;
    let lines = zstd::decode_all(&snapshot[magic..]).unwrap();
    assert!(lines.len() > 5000, "the snapshot holds the objects");
    clean("objects", &lines);
}

#[test]
fn no_canary_in_any_output() {
    let home = Home::new();
    home.write("in.yaml", planted(MANIFESTS));
    home.write("report.json", planted(REPORT));
    for format in FORMATS {
        let scan = [
            "scan",
            "manifests",
            "in.yaml",
            "--report",
            "report.json",
            "--top",
            "0",
            "--format",
            format,
            "--save",
            "s",
        ];
        let ran = clean_run(format, home.run(&scan)).done();
        assert!(ran.text().contains("CVE-2024-6119"), "{format}");
    }
    clean_bundle(&home.read("s"));
    home.run(&["scan", "manifests", "in.yaml", "--report", "report.json"])
        .done();
    clean_bundle(&home.read("state/plimsoll/last.plimsoll"));
    clean_run("paths", home.run(&["paths", "--top", "0"])).done();
    clean_run(
        "paths json",
        home.run(&["paths", "--top", "0", "--format", "json"]),
    )
    .done();
    for id in ["CVE-2024-6119", "generic-api-key"] {
        clean_run(id, home.run(&["explain", id])).done();
    }
    home.run(&[
        "scan",
        "manifests",
        "in.yaml",
        "--report",
        "report.json",
        "--format",
        "sarif",
        "--sarif-split",
        "split",
    ])
    .done();
    for file in std::fs::read_dir(home.path("split")).unwrap() {
        clean("split", &std::fs::read(file.unwrap().path()).unwrap());
    }
    home.write(
        "s.snapshot",
        crate::hostile_files::snapshot_of(&home.read("s")),
    );
    for format in FORMATS {
        clean_run(
            "snapshot",
            home.run(&["scan", "snapshot", "s.snapshot", "--format", format]),
        )
        .done();
    }
}

/// Each document alone, as JSON too, from standard input: the first of many does not hide the others.
#[test]
fn no_canary_of_any_single_object() {
    let home = Home::new();
    for document in planted(MANIFESTS).split("---\n") {
        let what = document.lines().take(3).collect::<Vec<_>>().join(" ");
        let ran = home.run_with(
            &["scan", "manifests", "-", "--format", "json", "--save", "s"],
            document.as_bytes(),
        );
        if clean_run(&what, ran).code == 0 {
            clean("bundle", &unpack(&home.read("s")).1);
        }
    }
}

/// The canary stands where something else was expected, or right beside what is wrong.
#[test]
fn no_canary_in_any_error() {
    let home = Home::new();
    let wrong = [
        "password: '@'\nnested: ['%']",
        "@",
        "'@",
        "a: '@'\nb: [",
        "a: &@ 1\nb: *x@",
        "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {a: '@', a: '@'}",
        "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData:\n  a: '@'\n b: '@'",
        "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {a: !!int '@', b: !<@> c}",
        "apiVersion: v1\nkind: Config\nusers: [{name: u, user: {token: '@', client-key-data: '@'}}]",
        "apiVersion: v1\nkind: Config\nusers:\n- name: u\n  user: {token: '@'}\n bad: [",
        "apiVersion: v1\nkind: Config\nusers: '@'",
        "apiVersion: v1\nkind: Config\ncurrent-context: c\ncontexts: [{name: c, context: {cluster: c, user: u}}]\nclusters: [{name: c, cluster: {server: 'https://u:@@h:x/'}}]\nusers: [{name: u, user: {token: '@'}}]",
        "apiVersion: v1\nkind: Config\ncurrent-context: c\ncontexts: [{name: c, context: {cluster: c, user: u}}]\nclusters: [{name: c, cluster: {server: 'http://u:@@127.0.0.1:9/?t=@', proxy-url: 'x@'}}]\nusers: [{name: u, user: {token: '@'}}]",
        "apiVersion: v1\nkind: Config\ncurrent-context: c\ncontexts: [{name: c, context: {cluster: c, user: u}}]\nclusters: [{name: c, cluster: {server: 'http://u:@@127.0.0.1:9/?t=@'}}]\nusers: [{name: u, user: {token: '@', client-key-data: '@'}}]",
        "apiVersion: v1\nkind: Config\ncurrent-context: c\ncontexts: [{name: c, context: {cluster: c, user: u}}]\nclusters: [{name: c, cluster: {server: 'http://u:@@127.0.0.1:9/?t=@', certificate-authority-data: '%'}}]\nusers: [{name: u, user: {token: '@'}}]",
        "workloads: '@'",
        "workloads: [{match: {namespaces: '@'}, criticality: '@'}]",
        "{\"SchemaVersion\": \"@\", \"Results\": [{\"Vulnerabilities\": \"@\"}]}",
        "{\"SchemaVersion\": 2, \"Results\": [{\"Class\": \"secret\", \"Secrets\": [{\"Match\": \"@\", \"StartLine\": \"@\"}]}]}",
        "{\"SchemaVersion\": 2, \"Results\": [{\"Class\": \"secret\", \"Secrets\": [{\"RuleID\": \"r\", \"Match\": \"@",
        "{\"matches\": [{\"vulnerability\": \"@\"}], \"descriptor\": {\"name\": \"grype\"}}",
        "[\"@\"]",
    ];
    for text in wrong {
        home.write("wrong", planted(text));
        for arguments in [
            &["scan", "manifests", "wrong"][..],
            &["scan", "manifests", "shop/k8s", "--report", "wrong"],
            &["scan", "manifests", "shop/k8s", "--config", "wrong"],
            &["scan", "cluster", "--kubeconfig", "wrong"],
            &["collect", "-o", "x", "--kubeconfig", "wrong"],
            &["scan", "snapshot", "wrong"],
            &["queue", "--from", "wrong"],
        ] {
            clean_run(&format!("{text} as {arguments:?}"), home.run(arguments));
        }
    }
}
