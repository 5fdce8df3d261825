//! Bars of CPU and memory, measured on request: `cargo test --profile ci -p cluster --test it -- --ignored --nocapture speed`.

use crate::{bytes, options};
use cluster::canonical::Canonicalizer;
use cluster::manifests::read;
use cluster::redact::Redactor;
use model::object::Gvk;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Instant;

/// One Deployment of about 2 KB, as charts write it.
fn deployment(out: &mut String, number: usize) {
    let _ = write!(
        out,
        "---\n# Source: shop/templates/deployment.yaml\napiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web-{number}\n  namespace: team-{}\n  labels:\n    app.kubernetes.io/name: web\n    app.kubernetes.io/instance: web-{number}\n    helm.sh/chart: web-1.2.3\n  annotations:\n    checksum/config: 0f343b0931126a20f133d67c2b018a3b\nspec:\n  replicas: 3\n  selector:\n    matchLabels:\n      app.kubernetes.io/instance: web-{number}\n  template:\n    metadata:\n      labels:\n        app.kubernetes.io/name: web\n        app.kubernetes.io/instance: web-{number}\n    spec:\n      serviceAccountName: web\n      securityContext:\n        runAsNonRoot: true\n        fsGroup: 2000\n",
        number % 100
    );
    out.push_str("      containers:\n");
    for container in 0..2 {
        let _ = write!(
            out,
            "        - name: c{container}\n          image: \"ghcr.io/shop/web-{}:1.{container}\"\n          imagePullPolicy: IfNotPresent\n          args:\n            - --listen=0.0.0.0:8080\n            - --verbose\n          ports:\n            - name: http\n              containerPort: 8080\n              protocol: TCP\n          env:\n            - name: DATABASE_URL\n              value: postgres://shop:password@db:5432/shop\n            - name: LOG_LEVEL\n              value: info\n            - name: TOKEN\n              valueFrom:\n                secretKeyRef:\n                  name: web\n                  key: token\n          livenessProbe:\n            httpGet:\n              path: /healthz\n              port: http\n            initialDelaySeconds: 5\n          securityContext:\n            allowPrivilegeEscalation: false\n            capabilities:\n              drop: [ALL]\n            readOnlyRootFilesystem: true\n          resources:\n            limits: {{cpu: 500m, memory: 256Mi}}\n            requests: {{cpu: 100m, memory: 128Mi}}\n          volumeMounts:\n            - name: config\n              mountPath: /etc/web\n",
            number % 200
        );
    }
    out.push_str(
        "      volumes:\n        - name: config\n          configMap:\n            name: web\n",
    );
}

#[test]
#[ignore = "measures; run it on a quiet machine with an optimised build"]
fn speed_of_20_megabytes_of_yaml() {
    let mut text = String::new();
    let mut number = 0;
    while text.len() < 20_000_000 {
        deployment(&mut text, number);
        number += 1;
    }
    let input = [bytes("-", &text)];
    let start = Instant::now();
    let snapshot = read(&input, &options()).unwrap();
    let took = start.elapsed();
    let kept: usize = snapshot
        .objects
        .iter()
        .map(|object| object.json.len())
        .sum();
    println!(
        "{} bytes, {} objects, {kept} bytes kept, {took:?}",
        text.len(),
        snapshot.objects.len()
    );
    assert_eq!(snapshot.objects.len(), number);
    assert!(took.as_secs_f64() < 3.0, "{took:?}");
}

#[test]
#[ignore = "measures; needs the shared captures"]
fn speed_of_10_000_pods() {
    let shared = std::env::var_os("PLIMSOLL_SHARED").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared")),
        PathBuf::from,
    );
    let packed = std::fs::read(shared.join("captures/big/v1_pods.json.zst")).unwrap();
    let text = zstd::decode_all(&*packed).unwrap();
    let start = Instant::now();
    let list: serde_json::Value = serde_json::from_slice(&text).unwrap();
    let plain = start.elapsed();
    drop(list);
    let start = Instant::now();
    let pod = Gvk {
        group: "".into(),
        kind: "Pod".into(),
        version: "v1".into(),
    };
    let page = Canonicalizer::new(Redactor::new([1; 32]))
        .page(&text, &pod)
        .unwrap();
    let took = start.elapsed();
    let kept: usize = page.objects.iter().map(|object| object.json.len()).sum();
    println!(
        "{} bytes, {} pods, {kept} bytes kept, {took:?}; serde_json::Value {plain:?}",
        text.len(),
        page.objects.len()
    );
    assert_eq!(page.objects.len(), 10_000);
    assert!(kept < 60_000_000, "{kept}");
}
