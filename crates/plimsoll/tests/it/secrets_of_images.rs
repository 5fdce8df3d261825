//! Rule 20 for images: what stands in files, deleted files, environment, labels, arguments and history of an image is
//! found, and no byte of it comes out: in no format, bundle, explanation or kept fact.

use crate::hostile_files::unpack;
use crate::runner::Home;
use serde_json::{Value, json};
use std::fs;

const CANARY: &str = "cAnArYs3cr3tV4luE";
const FORMATS: &[&str] = &[
    "table",
    "json",
    "sarif",
    "csv",
    "markdown",
    "html",
    "cyclonedx",
    "spdx-json",
    "openvex",
    "gitlab",
    "junit",
    "github",
];

/// `@` is the canary, `%` sixty letters with the canary in them.
fn planted(text: &str) -> String {
    let long = format!("Zq3vT8xLr5NwKp2JdY7bQ4{CANARY}h8Wm2Xc6Vn9Bt1Gf5Rk3");
    text.replace('%', &long).replace('@', CANARY)
}

fn layer(files: &[(&str, &str, u32)]) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    for (path, text, mode) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(*mode);
        tar.append_data(&mut header, path, text.as_bytes()).unwrap();
    }
    tar.into_inner().unwrap()
}

/// An archive of `docker save` with secrets wherever people leave them.
fn image(home: &Home) {
    let files = [
        (
            "etc/os-release",
            "ID=debian\nVERSION_ID=\"12\"\n".to_owned(),
            0o644,
        ),
        (
            "app/.env",
            planted("A=1\nDB_PASSWORD=@\nAWS_SECRET_ACCESS_KEY=@Zq3vT8xLr5NwKp2JdY7bQ4m\n"),
            0o644,
        ),
        (
            "app/config.yaml",
            planted("db:\n  url: postgres://app:@@DB/x\n")
                .replace(&format!("{CANARY}{CANARY}DB"), &format!("{CANARY}@db.test")),
            0o644,
        ),
        (
            "app/pay.txt",
            planted(&["sk_", "live_@Zq3vT8xLr5\n"].concat()),
            0o644,
        ),
        (
            "root/.ssh/id_rsa",
            planted(
                &[
                    "-----BEGIN RSA ",
                    "PRIVATE KEY-----\n%\n%\n-----END RSA ",
                    "PRIVATE KEY-----\n",
                ]
                .concat(),
            ),
            0o600,
        ),
        (
            "root/.netrc",
            planted("machine h.test login jo password @\n"),
            0o600,
        ),
        (
            "root/.docker/config.json",
            planted("{\"auths\": {\"r.test\": {\"auth\": \"@\"}}}"),
            0o600,
        ),
        ("etc/shadow", planted("root:$6$@$@:1::::::\n"), 0o600),
    ];
    let files: Vec<(&str, &str, u32)> = files
        .iter()
        .map(|(path, text, mode)| (*path, &**text, *mode))
        .collect();
    let layers = [layer(&files), layer(&[("root/.ssh/.wh.id_rsa", "", 0o644)])];
    let digest = |bytes: &[u8]| format!("sha256:{}", model::keys::sha256_hex(bytes));
    let config = json!({
        "architecture": "amd64",
        "os": "linux",
        "config": {
            "Env": [planted("PATH=/bin"), planted("API_TOKEN=%"), planted("PASSWORD=@")],
            "Entrypoint": ["/app/run", "--password", planted("@"), planted("--token=%")],
            "Cmd": [planted("--db-password=@")],
            "Labels": {"deploy.password": planted("@")},
        },
        "rootfs": {"type": "layers", "diff_ids": layers.iter().map(|layer| digest(layer)).collect::<Vec<_>>()},
        "history": [
            {"created_by": planted("ENV API_TOKEN=%"), "empty_layer": true},
            {"created_by": planted("RUN |1 PASSWORD=@ /bin/sh -c make")},
            {"created_by": planted("RUN /bin/sh -c mysql --password=@ && echo PASSWORD=@ > /x && curl https://jo:@&h.test/").replace('&', "@")},
        ],
    });
    let config = config.to_string();
    let mut tar = tar::Builder::new(Vec::new());
    let mut add = |path: &str, bytes: &[u8]| {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, path, bytes).unwrap();
    };
    add("config.json", config.as_bytes());
    add("0/layer.tar", &layers[0]);
    add("1/layer.tar", &layers[1]);
    let manifest = json!([{"Config": "config.json", "RepoTags": ["shop/app:1"], "Layers": ["0/layer.tar", "1/layer.tar"]}]);
    add("manifest.json", manifest.to_string().as_bytes());
    home.write("app.tar", tar.into_inner().unwrap());
}

#[track_caller]
fn clean(what: &str, bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    for needle in [&CANARY[..9], &CANARY[6..], "Zq3vT8xL", "h8Wm2Xc6"] {
        if let Some(at) = text.find(needle) {
            let from = text.floor_char_boundary(at.saturating_sub(200));
            let to = text.floor_char_boundary((at + 100).min(text.len()));
            unreachable!("{what}: {needle} in ...{}...", &text[from..to]);
        }
    }
}

const SCAN: [&str; 4] = ["scan", "image", "--input", "app.tar"];

#[test]
fn everything_planted_is_found() {
    let home = Home::new();
    image(&home);
    let ran = home
        .run(&[&SCAN[..], &["--format", "json"]].concat())
        .done();
    let report: Value = serde_json::from_slice(&ran.stdout).unwrap();
    let mut found: Vec<(String, String)> = report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|one| one["category"] == "secret")
        .map(|one| {
            (
                one["id"].as_str().unwrap().to_owned(),
                one["title"].as_str().unwrap().to_owned(),
            )
        })
        .collect();
    found.sort();
    let has = |id: &str, part: &str| {
        assert!(
            found
                .iter()
                .any(|(a, title)| a == id && title.contains(part)),
            "{id} {part} in {found:#?}"
        );
    };
    has("secret-aws-access-key", "app/.env:3");
    has("secret-password", "DB_PASSWORD");
    has("secret-password-in-url", "app/config.yaml:2");
    has("secret-stripe-key", "app/pay.txt:1");
    has(
        "secret-private-key",
        "deleted in layer 2, but still in layer 1",
    );
    has("secret-login-file", "root/.netrc:1");
    has("secret-registry-login", "root/.docker/config.json:1");
    has("secret-password-hash", "root");
    has(
        "secret-in-environment",
        "API_TOKEN, in the environment, and 1 more",
    );
    has("secret-in-environment", "in the entrypoint");
    has("secret-in-environment", "in the command");
    has("secret-in-environment", "deploy.password, in the labels");
    has("secret-in-history", "PASSWORD, in the history, and 1 more");
}

#[test]
fn only_what_is_asked_for() {
    let home = Home::new();
    image(&home);
    let categories = |scanners: &str| -> Vec<String> {
        let ran = home
            .run(&[&SCAN[..], &["--format", "json", "--scanners", scanners]].concat())
            .done();
        let report: Value = serde_json::from_slice(&ran.stdout).unwrap();
        let mut all: Vec<String> = report["findings"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["category"].as_str().unwrap().to_owned())
            .collect();
        all.sort();
        all.dedup();
        all
    };
    // The same image again and again: what is kept knows what was asked.
    assert_eq!(categories("vuln"), [""; 0]);
    assert_eq!(categories("vuln,secret"), ["secret"]);
    assert_eq!(categories("misconfig"), ["misconfiguration"]);
    assert_eq!(categories("secret,config"), ["misconfiguration", "secret"]);
    let ran = home.run(&[&SCAN[..], &["--scanners", "license"]].concat());
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("not judged"), "{}", ran.stderr);
}

#[test]
fn no_byte_of_a_secret_comes_out() {
    let home = Home::new();
    image(&home);
    for format in FORMATS {
        let ran = home
            .run(
                &[
                    &SCAN[..],
                    &["--top", "0", "--format", format, "--save", "s"],
                ]
                .concat(),
            )
            .sound();
        clean(format, &ran.stdout);
        clean(format, ran.stderr.as_bytes());
    }
    let (_, assessment) = unpack(&home.read("s"));
    clean("bundle", &assessment);
    for id in [
        "secret-aws-access-key",
        "secret-in-history",
        "secret-in-environment",
        "secret-private-key",
        "shop/app",
    ] {
        let ran = home.run(&["explain", id, "--from", "s"]).sound();
        clean(id, &ran.stdout);
        clean(id, ran.stderr.as_bytes());
    }
    let mut todo = vec![home.path("")];
    let mut kept = 0;
    while let Some(folder) = todo.pop() {
        for entry in fs::read_dir(folder).unwrap().flatten() {
            if entry.path().is_dir() {
                todo.push(entry.path());
                continue;
            }
            if entry.file_name() == "app.tar" {
                continue;
            }
            let bytes = fs::read(entry.path()).unwrap();
            kept += usize::from(zstd::decode_all(&*bytes).is_ok_and(|bytes| {
                clean(&entry.path().to_string_lossy(), &bytes);
                true
            }));
            clean(&entry.path().to_string_lossy(), &bytes);
        }
    }
    assert!(kept >= 2, "facts of layers were kept");
}
