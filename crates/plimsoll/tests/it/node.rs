//! `plimsoll scan node`: the file, its rights, its codes, and that it is read again.

use crate::runner::Home;
use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;

fn node(home: &Home) {
    for (path, content) in [
        ("root/etc/hostname", "node7\n"),
        ("root/etc/passwd", "root:x:0:0::/:/bin/sh\n"),
        ("root/etc/os-release", "ID=debian\nVERSION_ID=12\n"),
        ("root/proc/sys/kernel/osrelease", "6.1.0\n"),
        ("root/proc/1/cmdline", "/sbin/init\0"),
        (
            "root/proc/7/cmdline",
            "/usr/bin/kubelet\0--config=/k.yaml\0--token=hunter2\0",
        ),
        ("root/proc/7/status", "Uid:\t0\t0\t0\t0\n"),
        ("root/proc/7/environ", "ETCD_NAME=x\0"),
        (
            "root/k.yaml",
            "kind: KubeletConfiguration\nreadOnlyPort: 0\n",
        ),
    ] {
        home.write(path, content);
    }
}

#[test]
fn a_node_becomes_a_file() {
    let home = Home::new();
    node(&home);
    let ran = home.run(&[
        "scan",
        "node",
        "--host-root",
        "root",
        "--now",
        "2026-09-01T00:00:00Z",
        "-o",
        "node.json",
    ]);
    let path = home.path("node.json");
    let text = fs::read_to_string(&path).unwrap();
    assert_eq!(ran.code, 0, "{} {text}", ran.stderr);
    assert_eq!(
        fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o600
    );
    assert!(!text.contains("hunter2"));
    let told: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(told["formatVersion"], json!(1));
    assert_eq!(told["node"], json!("node7"));
    assert_eq!(told["takenAt"], json!("2026-09-01T00:00:00Z"));
    assert_eq!(told["os"], json!({"id": "debian", "version": "12"}));
    assert_eq!(
        told["processes"][0]["arguments"][0],
        json!("--config=/k.yaml")
    );
    let missing = json!({"path": "/etc/kubernetes/admin.conf", "state": "missing"});
    assert!(told["files"].as_array().unwrap().contains(&missing));
    assert_eq!(told["documents"][0]["path"], json!("/k.yaml"));

    let host = scan::node::evidence(&path).unwrap();
    let mut again = Vec::new();
    report::node::json(&host, &mut again).unwrap();
    assert_eq!(String::from_utf8(again).unwrap(), text);
}

#[test]
fn what_was_not_seen_decides_the_code() {
    let home = Home::new();
    home.write("root/etc/hostname", "node7\n");
    let ran = home.run(&[
        "scan",
        "node",
        "--host-root",
        "root",
        "--node-name",
        "other",
    ]);
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    let told: Value = serde_json::from_slice(&ran.stdout).unwrap();
    assert_eq!(told["processes"], Value::Null);
    let gaps = told["gaps"].as_array().unwrap();
    assert!(
        gaps.iter()
            .all(|gap| gap["scope"].as_str().unwrap().starts_with("node/other /"))
    );

    let ran = home.run(&["scan", "node", "--host-root", "nowhere"]);
    let ran = ran.refused("nowhere");
    assert_eq!(ran.code, 2);
}
