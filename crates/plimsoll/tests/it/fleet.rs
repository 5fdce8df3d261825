//! `scan cluster` and `scan registry` with a real registry on loopback: what runs is pulled and judged, what could not be
//! pulled is said once with what mends it, and a pull secret's password stands nowhere.

use crate::artifacts::root_and_feeds;
use crate::runner::{Home, Ran};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use testkit::registry::{Registry, digest};
use testkit::replay::{List, Recorded, Running, start};

/// The password `secret` of `user`, by bcrypt of the least cost.
const HTPASSWD: &str = "user:$2b$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW\n";
/// What the pull secret holds; also a password that no registry knows, as canary.
const CANARY: &str = "canary-7f3a9d";

/// A layer of Debian 12 whose libssl3 has the flaw of the feed of [`root_and_feeds`], and a file that tells it from others.
fn layer(seed: &str) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    for (path, content) in [
        (
            "etc/os-release",
            "ID=debian\nVERSION_ID=\"12\"\nVERSION_CODENAME=bookworm\n",
        ),
        (
            "var/lib/dpkg/status",
            "Package: libssl3\nStatus: install ok installed\nArchitecture: amd64\nSource: openssl\n\
             Version: 3.0.11-1~deb12u1\n",
        ),
        ("seed", seed),
    ] {
        let mut header = tar::Header::new_ustar();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        header.set_cksum();
        tar.append_data(&mut header, path, content.as_bytes())
            .unwrap();
    }
    tar.into_inner().unwrap()
}

fn home_with_database() -> Home {
    let home = Home::new();
    let (_, feeds) = root_and_feeds(&home);
    home.run(&["db", "build", "--from", feeds.to_str().unwrap()])
        .done();
    home
}

fn report(ran: &Ran) -> Value {
    serde_json::from_slice(&ran.stdout).unwrap_or_else(|_| panic!("{}", ran.stderr))
}

/// The classes and texts of the gaps that could hide findings.
fn hides(report: &Value) -> Vec<(String, String)> {
    let gaps = report["coverage"]["gaps"].as_array().unwrap().iter();
    gaps.filter(|gap| gap["weight"] == "hides")
        .map(|gap| (text(&gap["class"]), text(&gap["what"])))
        .collect()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

// ---- A cluster

/// A replay of an API server with these pods (namespace shop), their node and their Secret.
fn server(pods: Vec<Value>, secrets: &[(&str, Value)]) -> Running {
    let mut recorded = Recorded::default();
    let mut exact = |path: &str, form: &str, body: &Value| {
        let exchange = testkit::replay::Exchange {
            status: 200,
            content_type: "application/json".into(),
            body: body.to_string().into_bytes(),
        };
        recorded
            .exact
            .insert((path.to_owned(), form.to_owned()), exchange);
    };
    exact(
        "/version",
        "",
        &json!({"major": "1", "minor": "36", "gitVersion": "v1.36.0"}),
    );
    let resource = |plural: &str, kind: &str, scope: &str| json!({"resource": plural, "responseKind": {"kind": kind}, "scope": scope, "verbs": ["list", "get"]});
    let core = json!({"kind": "APIGroupDiscoveryList", "items": [{"metadata": {}, "versions": [{
    "version": "v1", "resources": [
        resource("pods", "Pod", "Namespaced"), resource("nodes", "Node", "Cluster"),
        resource("namespaces", "Namespace", "Cluster"), resource("secrets", "Secret", "Namespaced"),
        resource("serviceaccounts", "ServiceAccount", "Namespaced"),
    ]}]}]});
    exact("/api", "APIGroupDiscoveryList", &core);
    exact(
        "/apis",
        "APIGroupDiscoveryList",
        &json!({"kind": "APIGroupDiscoveryList", "items": []}),
    );
    let secrets: Vec<Value> = secrets
        .iter()
        .map(|(name, config)| {
            use base64::Engine as _;
            let engine = base64::engine::general_purpose::STANDARD;
            let secret = json!({"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/dockerconfigjson",
                "metadata": {"name": name, "namespace": "shop"},
                "data": {".dockerconfigjson": engine.encode(config.to_string())}});
            exact(&format!("/api/v1/namespaces/shop/secrets/{name}"), "", &secret);
            secret
        })
        .collect();
    let node = json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1"},
        "status": {"nodeInfo": {"architecture": "amd64", "operatingSystem": "linux"}}});
    let space = |name: &str| json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "uid": format!("uid-{name}")}});
    for (plural, kind, items) in [
        ("pods", "Pod", pods),
        ("nodes", "Node", vec![node]),
        (
            "namespaces",
            "Namespace",
            vec![space("kube-system"), space("shop")],
        ),
        ("secrets", "Secret", secrets),
        ("serviceaccounts", "ServiceAccount", Vec::new()),
    ] {
        let items = items.iter();
        let list = List {
            kind: format!("{kind}List"),
            api_version: "v1".into(),
            resource_version: "1".into(),
            items: items
                .map(|item| serde_json::value::to_raw_value(item).unwrap())
                .collect(),
        };
        recorded.lists.insert(format!("/api/v1/{plural}"), list);
    }
    start(recorded, Vec::new()).unwrap()
}

/// A pod that runs; `id` is its kubelet's `imageID`.
fn pod(name: &str, image: &str, id: &str, pulls_with: &[&str]) -> Value {
    let secrets: Vec<Value> = pulls_with
        .iter()
        .map(|name| json!({"name": name}))
        .collect();
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "shop"},
        "spec": {"nodeName": "n1", "imagePullSecrets": secrets,
            "containers": [{"name": "main", "image": image}]},
        "status": {"phase": "Running", "containerStatuses": [
            {"name": "main", "image": image, "imageID": id, "state": {"running": {}}}]}})
}

/// Runs `scan cluster` against the server.
fn scan_cluster(home: &Home, server: &Running, more: &[&str]) -> Ran {
    home.write("kube", server.kubeconfig());
    home.run(&[&["scan", "cluster", "--kubeconfig", "kube"], more].concat())
        .sound()
}

/// A registry with images of a team, and the same behind a password.
fn registries() -> Option<(Registry, Registry)> {
    let open = Registry::start()?;
    let file = open.folder().join("htpasswd");
    std::fs::write(&file, HTPASSWD).unwrap();
    let auth = format!("htpasswd:\n  realm: test\n  path: {}\n", file.display());
    let closed = open.also("", &auth);
    Some((open, closed))
}

fn login(host: &str, user: &str, password: &str) -> Value {
    json!({"auths": {host: {"username": user, "password": password}}})
}

#[test]
fn the_images_of_a_cluster_are_scanned_by_the_digests_that_run() {
    let Some((open, closed)) = registries() else {
        return;
    };
    let home = home_with_database();
    let web = open.image("team/web", Some("1"), &[layer("web")], &json!({}));
    // The tag has moved on; what runs is still there.
    open.image("team/web", Some("1"), &[layer("newer")], &json!({}));
    let index = open.manifest(
        "team/api",
        Some("2"),
        &json!({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": [
            {"mediaType": "application/vnd.oci.image.manifest.v1+json", "size": 1,
             "digest": open.image("team/api", None, &[layer("arm")], &json!({"architecture": "arm64"})),
             "platform": {"os": "linux", "architecture": "arm64"}},
            {"mediaType": "application/vnd.oci.image.manifest.v1+json", "size": 1,
             "digest": open.image("team/api", None, &[layer("amd")], &json!({})),
             "platform": {"os": "linux", "architecture": "amd64"}},
        ]}),
    );
    let host = &closed.host;
    let gone = digest(b"gone");
    let wide = login(host, "user", CANARY);
    let near = login(&format!("{host}/team"), "user", "secret");
    let server = server(
        vec![
            pod(
                "web",
                &format!("{host}/team/web:1"),
                &format!("{host}/team/web@{web}"),
                &["wide", "near"],
            ),
            pod(
                "web2",
                &format!("{host}/team/web:1"),
                &format!("{host}/team/web@{web}"),
                &["near"],
            ),
            pod(
                "api",
                &format!("{host}/team/api:2"),
                &format!("{host}/team/api@{index}"),
                &["near"],
            ),
            pod(
                "old",
                &format!("{host}/team/old:1"),
                &format!("{host}/team/old@{gone}"),
                &["near", "lost"],
            ),
        ],
        &[("wide", wide), ("near", near)],
    );
    let plain = ["--insecure-registry", host, "--format", "json"];

    // Without the opt-in no Secret is asked for by name, and nothing is let in.
    let ran = scan_cluster(&home, &server, &plain);
    let first = report(&ran);
    assert!(
        !server
            .requests()
            .iter()
            .any(|path| path.contains("/secrets/"))
    );
    let said = hides(&first);
    assert_eq!(
        said.iter()
            .filter(|(class, _)| class == "image-login-needed")
            .count(),
        3,
        "{said:?}"
    );
    assert!(
        !said.iter().any(|(class, _)| class == "image-not-scanned"),
        "{said:?}"
    );
    let closes: Vec<String> = first["coverage"]["gaps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|gap| text(&gap["close"]))
        .collect();
    assert!(
        closes
            .iter()
            .any(|close| close.contains("--use-pull-secrets") && close.contains("shop/near"))
    );

    let ran = scan_cluster(
        &home,
        &server,
        &[&plain[..], &["--use-pull-secrets", "--save", "x.plimsoll"]].concat(),
    );
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let report = report(&ran);
    // Named GETs only, of what pods name.
    let named: Vec<String> = server
        .requests()
        .into_iter()
        .filter(|path| path.contains("/secrets/"))
        .collect();
    let mut expected =
        ["lost", "near", "wide"].map(|name| format!("/api/v1/namespaces/shop/secrets/{name}"));
    expected.sort();
    let mut once = named.clone();
    once.sort();
    once.dedup();
    assert_eq!(once, expected);
    let said = hides(&report);
    let of_images: Vec<&str> = said
        .iter()
        .filter(|(_, what)| what.contains("/team/"))
        .map(|(class, _)| &**class)
        .collect();
    assert_eq!(of_images, ["image-not-found"], "{said:?}");
    // Two pods of one image: it is read once, and its finding is in both.
    let findings = report["findings"].as_array().unwrap();
    let cves: Vec<&Value> = findings
        .iter()
        .filter(|one| one["id"] == "CVE-2024-0001")
        .collect();
    assert_eq!(cves.len(), 2, "{cves:?}");
    assert_eq!(report["coverage"]["images"], 3);
    assert_eq!(report["coverage"]["images_scanned"], 2);
    let all = ran.text();
    assert!(all.contains("\"web2\"") && all.contains("libssl3"));
    assert!(!report["actions"].as_array().unwrap().is_empty());

    // The canary, the password that worked, and both in base64, stand in no byte that was written.
    let table = scan_cluster(
        &home,
        &server,
        &["--insecure-registry", host, "--use-pull-secrets"],
    );
    let bundle =
        zstd::decode_all(&home.read("x.plimsoll")[..]).unwrap_or_else(|_| home.read("x.plimsoll"));
    let written = [
        all.into_bytes(),
        ran.stderr.into_bytes(),
        table.stdout.clone(),
        table.stderr.clone().into_bytes(),
        bundle,
    ];
    for bytes in &written {
        let text = String::from_utf8_lossy(bytes);
        assert!(!text.contains(CANARY), "{text}");
        assert!(!text.contains("dXNlcjpzZWNyZXQ"), "{text}");
    }
    assert!(!cache_holds(&home, CANARY.as_bytes()));

    // What a report is of by digest is not pulled again.
    let harbor = json!({"application/vnd.security.vulnerability.report; version=1.1": {
        "generated_at": "2026-08-01T00:00:00Z", "scanner": {"name": "Trivy"}, "severity": "High",
        "vulnerabilities": [{"id": "CVE-2024-0001", "package": "libssl3", "version": "3.0.11-1~deb12u1",
            "fix_version": "3.0.13-1~deb12u1", "severity": "High", "artifact_digests": [web]}]}});
    home.write("harbor.json", harbor.to_string());
    let ran = scan_cluster(
        &home,
        &server,
        &[&plain[..], &["--report", "harbor.json"]].concat(),
    );
    let said = hides(&self::report(&ran));
    assert!(
        !said.iter().any(|(_, what)| what.contains("/team/web")),
        "{said:?}"
    );
    let ran = scan_cluster(
        &home,
        &server,
        &[&plain[..], &["--images", "none"]].concat(),
    );
    let said = hides(&self::report(&ran));
    assert_eq!(
        said.iter()
            .filter(|(class, _)| class == "image-not-scanned")
            .count(),
        3,
        "{said:?}"
    );
    // A gate does not pass over what was not seen.
    let ran = scan_cluster(
        &home,
        &server,
        &["--insecure-registry", host, "--fail-on", "kev"],
    );
    assert_eq!(ran.code, 3, "{}", ran.text());
}

/// Whether a file below the home's cache holds these bytes.
fn cache_holds(home: &Home, bytes: &[u8]) -> bool {
    let mut folders = vec![home.folder.path().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            if path.is_symlink() {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else if let Ok(content) = std::fs::read(&path) {
                let content = zstd::decode_all(&content[..]).unwrap_or(content);
                if content.windows(bytes.len()).any(|window| window == bytes) {
                    return true;
                }
            }
        }
    }
    false
}

#[test]
fn a_host_that_does_not_answer_is_one_gap_and_little_time() {
    let home = home_with_database();
    // Nothing listens there.
    let host = "127.0.0.1:9";
    let image = |n: usize| format!("{host}/team/app{n}:1");
    let pods = (0..22).map(|n| {
        let id = format!("{host}/team/app{n}@{}", digest(&[u8::try_from(n).unwrap()]));
        pod(&format!("p{n}"), &image(n), &id, &[])
    });
    let server = server(pods.collect(), &[]);
    let start = Instant::now();
    let ran = scan_cluster(
        &home,
        &server,
        &["--insecure-registry", host, "--format", "json"],
    );
    assert!(
        start.elapsed() < Duration::from_secs(20),
        "{:?}",
        start.elapsed()
    );
    let said = hides(&report(&ran));
    let of_images: Vec<_> = said
        .iter()
        .filter(|(_, what)| what.contains("app"))
        .collect();
    assert_eq!(of_images.len(), 1, "{said:?}");
    assert_eq!(of_images[0].0, "registry-unreachable");
    assert!(
        of_images[0].1.contains("22 images were not scanned"),
        "{said:?}"
    );
}

// ---- A registry

#[test]
fn a_registry_is_scanned_once() {
    let Some(registry) = Registry::start() else {
        return;
    };
    let home = home_with_database();
    let host = &*registry.host;
    let at = |day: u32| json!({"created": format!("2026-08-{day:02}T00:00:00Z")});
    let web = registry.image("team/web", Some("1.0"), &[layer("web")], &at(3));
    registry.image("team/web", Some("latest"), &[layer("web")], &at(3));
    for (tag, day) in [("0.7", 1), ("0.8", 1), ("0.9", 2)] {
        registry.image("team/web", Some(tag), &[layer(tag)], &at(day));
    }
    registry.image("team/worker", Some("3"), &[layer("worker")], &json!({}));
    registry.image("other/app", Some("1"), &[layer("other")], &json!({}));
    // A signature under its tag, a chart, an index of nothing.
    let signature = format!("{}.sig", web.replacen(':', "-", 1));
    let artifact = |config: &str, layer: &str| {
        let blob = registry.blob("team/web", b"{}");
        json!({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": {"mediaType": config, "size": 2, "digest": blob},
            "layers": [{"mediaType": layer, "size": 2, "digest": blob}]})
    };
    let image_config = "application/vnd.oci.image.config.v1+json";
    let simple = "application/vnd.dev.cosign.simplesigning.v1+json";
    registry.manifest(
        "team/web",
        Some(&signature),
        &artifact(image_config, simple),
    );
    registry.blob("team/chart", b"{}");
    let chart = artifact(
        "application/vnd.cncf.helm.config.v1+json",
        "application/vnd.cncf.helm.chart.content.v1.tar+gzip",
    );
    registry.manifest("team/chart", Some("1.2.3"), &chart);
    let empty = json!({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": []});
    registry.manifest("team/chart", Some("empty"), &empty);

    let harbor = json!({"application/vnd.security.vulnerability.report; version=1.1": {
        "generated_at": "2026-08-01T00:00:00Z", "scanner": {"name": "Trivy"}, "severity": "High",
        "vulnerabilities": [
            {"id": "CVE-2024-0001", "package": "libssl3", "version": "3.0.11-1~deb12u1",
             "fix_version": "3.0.13-1~deb12u1", "severity": "High", "artifact_digests": [web]},
            {"id": "CVE-2024-0002", "package": "libssl3", "version": "3.0.11-1~deb12u1",
             "fix_version": "", "severity": "Low", "artifact_digests": [web]}]}});
    home.write("harbor.json", harbor.to_string());
    let target = format!("{host}/team");
    let scan = |more: &[&str]| {
        let fixed = [
            "scan",
            "registry",
            &target,
            "--insecure-registry",
            host,
            "--format",
            "json",
        ];
        home.run(&[&fixed[..], more].concat()).sound()
    };
    let ran = scan(&["--report", "harbor.json", "--tags", "3"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let all = report(&ran);
    // latest and 1.0 are one image; 0.9, the third of the newest; the worker.
    let images: Vec<String> = all["images"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| text(&one["name"]))
        .collect();
    assert_eq!(images.len(), 3, "{images:?}");
    assert!(
        images.iter().all(|name| name.starts_with(&*target)),
        "{images:?}"
    );
    let gaps = all["coverage"]["gaps"].as_array().unwrap();
    let what = |class: &str| -> Vec<String> {
        gaps.iter()
            .filter(|gap| gap["class"] == class)
            .map(|gap| text(&gap["what"]))
            .collect()
    };
    let others = what("not-an-image").join("; ");
    assert!(
        others.contains("a Helm chart") && others.contains("an index without images"),
        "{others}"
    );
    assert!(others.contains("1 more tag is of no image"), "{others}");
    assert!(
        what("tags-left-out")[0].contains("of 8 tags in 3 repositories"),
        "{:?}",
        what("tags-left-out")
    );
    assert_eq!(what("cluster-not-seen").len(), 1);
    // Ours and Harbor's stand beside each other in one finding; what only Harbor says is there, too.
    let findings = all["findings"].as_array().unwrap();
    let of = |id: &str| findings.iter().filter(|one| one["id"] == id).count();
    assert_eq!((of("CVE-2024-0001"), of("CVE-2024-0002")), (3, 1));
    assert!(ran.text().contains("\"harbor\"") && ran.text().contains("\"plimsoll\""));

    // Patterns; an empty selection is a mistake, not a clean bill; so is a registry that cannot be listed.
    let ran = scan(&["--include", "team/worker", "--exclude", "*:2"]);
    assert_eq!(report(&ran)["images"].as_array().unwrap().len(), 1);
    let ran = scan(&["--include", "team/nothing"]);
    assert_eq!(ran.code, 2, "{}", ran.stderr);
    let ran = home
        .run(&[
            "scan",
            "registry",
            "127.0.0.1:9",
            "--insecure-registry",
            "127.0.0.1:9",
        ])
        .sound();
    assert_eq!((ran.code, ran.stdout.len()), (3, 0), "{}", ran.stderr);
    let ran = home.run(&["scan", "registry", "ghcr.io"]).sound();
    assert_eq!(ran.code, 2, "{}", ran.stderr);
    assert!(ran.stderr.contains("gh api"), "{}", ran.stderr);
    // Without the network what is known stays known.
    assert_eq!(scan(&["--tags", "1"]).code, 0);
}

#[test]
fn a_registry_with_a_password_says_how_to_log_in() {
    let Some((open, closed)) = registries() else {
        return;
    };
    open.image("team/web", Some("1"), &[layer("web")], &json!({}));
    let home = home_with_database();
    let host = &*closed.host;
    let ran = home
        .run(&["scan", "registry", host, "--insecure-registry", host])
        .sound();
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    assert!(
        ran.stderr.contains(&format!("docker login {host}")),
        "{}",
        ran.stderr
    );
    home.write("auth.json", login(host, "user", "secret").to_string());
    let ran = home.run(&[
        "scan",
        "registry",
        host,
        "--insecure-registry",
        host,
        "--registry-auth",
        "auth.json",
    ]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.text().contains("CVE-2024-0001"), "{}", ran.text());
}
