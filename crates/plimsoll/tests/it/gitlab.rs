//! The GitLab template in `deploy/ci/gitlab`: its script under bash as the runner runs it, with the report that it writes
//! and the bundle that it fetches.

use crate::pipeline::{EXPAT, OPENSSL, OPENSSL_FIXED, home, image};
use crate::runner::Home;
use serde_json::Value;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};

fn template() -> Value {
    let file =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/ci/gitlab/plimsoll.gitlab-ci.yml");
    serde_saphyr::from_str(&std::fs::read_to_string(file).unwrap()).unwrap()
}

/// The lines of a job's script, as the runner joins them.
fn script(template: &Value, job: &str) -> String {
    let lines = template[job]["script"].as_array().unwrap();
    let lines: Vec<&str> = lines.iter().map(|line| line.as_str().unwrap()).collect();
    lines.join("\n")
}

fn run(home: &Home, job: &str, with: &[(&str, &str)]) -> (i32, String) {
    let template = template();
    let mut command = Command::new("bash");
    command
        .args(["-eo", "pipefail", "-c", &script(&template, job)])
        .current_dir(home.folder.path())
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("HOME", home.folder.path())
        .env("SOURCE_DATE_EPOCH", "1786881600")
        .stdin(Stdio::null());
    for (name, value) in template["variables"].as_object().unwrap() {
        command.env(name, value.as_str().unwrap());
    }
    command
        .env("PLIMSOLL_BINARY", env!("CARGO_BIN_EXE_plimsoll"))
        .env("PLIMSOLL_DB", "data/plimsoll/db")
        .env("PLIMSOLL_MAX_DB_AGE", "30")
        .envs(with.iter().copied());
    let ran = command.output().unwrap();
    let log = String::from_utf8(ran.stdout).unwrap() + &String::from_utf8(ran.stderr).unwrap();
    (ran.status.code().unwrap(), log)
}

#[test]
fn the_report_and_the_gate() {
    let home = home();
    image(&home, "bad.tar", &[OPENSSL]);
    image(&home, "good.tar", &[OPENSSL_FIXED]);
    for (input, expected) in [("bad.tar", 1), ("good.tar", 0)] {
        let (code, log) = run(&home, "plimsoll", &[("PLIMSOLL_INPUT", input)]);
        assert_eq!(code, expected, "{input}: {log}");
        let report: Value =
            serde_json::from_slice(&home.read("gl-container-scanning-report.json")).unwrap();
        assert_eq!(report["scan"]["type"], "container_scanning");
        let found = report["vulnerabilities"].as_array().unwrap().len();
        assert_eq!(found, usize::try_from(expected).unwrap(), "{input}");
        assert!(home.path("plimsoll.bundle").is_file());
    }
    let (code, log) = run(
        &home,
        "plimsoll",
        &[("PLIMSOLL_INPUT", "bad.tar"), ("PLIMSOLL_GATE", "none")],
    );
    assert_eq!(code, 0, "{log}");
    let (code, log) = run(
        &home,
        "plimsoll",
        &[
            ("PLIMSOLL_INPUT", "bad.tar"),
            ("PLIMSOLL_BASELINE", "plimsoll.bundle"),
        ],
    );
    assert_eq!(code, 0, "{log}");
}

/// The bundle of the target branch comes from its last pipeline; without one everything is new, and that is said.
#[test]
fn a_merge_request_compares_with_its_target() {
    if !["curl", "wget"]
        .iter()
        .any(|name| Path::new("/usr/bin").join(name).exists())
    {
        eprintln!("skipped: neither curl nor wget is there");
        return;
    }
    let home = home();
    image(&home, "app.tar", &[OPENSSL]);
    let (code, log) = run(&home, "plimsoll", &[("PLIMSOLL_INPUT", "app.tar")]);
    assert_eq!(code, 1, "{log}");
    let bundle = home.read("plimsoll.bundle");
    let merge = |input: &str, answer: Option<Vec<u8>>| {
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", server.local_addr().unwrap());
        let asked = std::thread::spawn(move || {
            let (mut peer, _) = server.accept().unwrap();
            let mut request = [0; 4096];
            let read = peer.read(&mut request).unwrap();
            match answer {
                Some(body) => {
                    write!(
                        peer,
                        "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                        body.len()
                    )
                    .unwrap();
                    peer.write_all(&body).unwrap();
                }
                None => write!(
                    peer,
                    "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
                )
                .unwrap(),
            }
            String::from_utf8_lossy(&request[..read]).into_owned()
        });
        let ran = run(
            &home,
            "plimsoll",
            &[
                ("PLIMSOLL_INPUT", input),
                ("CI_MERGE_REQUEST_TARGET_BRANCH_NAME", "feature/main"),
                ("CI_API_V4_URL", &url),
                ("CI_PROJECT_ID", "7"),
                ("CI_JOB_TOKEN", "secret-token"),
            ],
        );
        (ran, asked.join().unwrap())
    };
    let ((code, log), asked) = merge("app.tar", Some(bundle.clone()));
    assert_eq!(code, 0, "{log}");
    let first = asked.lines().next().unwrap();
    assert_eq!(
        first,
        "GET /projects/7/jobs/artifacts/feature%2Fmain/raw/plimsoll.bundle?job=plimsoll HTTP/1.1"
    );
    assert!(asked.contains("secret-token") && !log.contains("secret-token"));

    image(&home, "worse.tar", &[OPENSSL, EXPAT]);
    let ((code, log), _) = merge("worse.tar", Some(bundle));
    assert_eq!(code, 1, "{log}");
    assert!(log.contains("CVE-2024-0003"), "{log}");
    let ((code, log), _) = merge("app.tar", None);
    assert_eq!(code, 1, "{log}");
    assert!(
        log.contains("no bundle of feature/main yet, so everything counts as new"),
        "{log}"
    );
}

/// Exactly one of the two jobs is there: the scan where the image has a digest, else one that says what is missing.
#[test]
fn an_image_without_a_digest_fails() {
    let template = template();
    let image = template["variables"]["PLIMSOLL_IMAGE"].as_str().unwrap();
    assert!(image.is_empty() || image.contains("@sha256:"), "{image}");
    let unpinned = "$PLIMSOLL_IMAGE !~ /@sha256:[0-9a-f]{64}$/";
    assert_eq!(template["plimsoll-not-pinned"]["rules"][0]["if"], unpinned);
    let first = &template["plimsoll"]["rules"][0];
    assert_eq!(
        (first["if"].as_str(), first["when"].as_str()),
        (Some(unpinned), Some("never"))
    );
    assert_eq!(template["plimsoll"]["image"]["name"], "$PLIMSOLL_IMAGE");
    let report = "gl-container-scanning-report.json";
    assert_eq!(
        template["plimsoll"]["artifacts"]["reports"]["container_scanning"],
        report
    );
    let home = Home::new();
    let (code, log) = run(&home, "plimsoll-not-pinned", &[]);
    assert_eq!(code, 2);
    assert!(
        log.contains("PLIMSOLL_IMAGE is not pinned by a digest"),
        "{log}"
    );
}
