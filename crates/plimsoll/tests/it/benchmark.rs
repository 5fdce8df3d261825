//! `plimsoll cis` and `plimsoll checklist`: states, what is missing, codes.

use crate::runner::Home;
use serde_json::Value;

const NODE: [(&str, &str); 5] = [
    ("root/etc/hostname", "node7\n"),
    (
        "root/proc/7/cmdline",
        "/usr/bin/kubelet\0--config=/k.yaml\0--anonymous-auth=true\0",
    ),
    ("root/proc/7/status", "Uid:\t0\t0\t0\t0\n"),
    ("root/proc/7/environ", ""),
    (
        "root/k.yaml",
        "kind: KubeletConfiguration\nreadOnlyPort: 0\n",
    ),
];

fn home() -> Home {
    let home = Home::new();
    for (path, content) in NODE {
        home.write(path, content);
    }
    home.run(&[
        "scan",
        "node",
        "--host-root",
        "root",
        "--now",
        "2026-09-01T00:00:00Z",
        "-o",
        "node.json",
    ]);
    home
}

fn json(home: &Home, arguments: &[&str], code: u8) -> Value {
    let ran = home
        .run(&[arguments, &["--format", "json"]].concat())
        .sound();
    assert_eq!(ran.code, i32::from(code), "{arguments:?}: {}", ran.stderr);
    serde_json::from_slice(&ran.stdout).unwrap()
}

fn control<'j>(benchmark: &'j Value, number: &str) -> &'j Value {
    let all = benchmark["controls"].as_array().unwrap();
    all.iter().find(|one| one["number"] == number).unwrap()
}

#[test]
fn every_control_is_answered_and_none_passes_unseen() {
    let home = home();
    let benchmark = json(
        &home,
        &["cis", "--manifests", "shop/k8s", "--profile", "cis-1.12"],
        0,
    );
    let all = benchmark["controls"].as_array().unwrap();
    assert_eq!(all.len(), 131);
    let totals: u64 = benchmark["totals"]
        .as_object()
        .unwrap()
        .values()
        .map(|count| count.as_u64().unwrap())
        .sum();
    assert_eq!(totals, 131);
    for one in all {
        let state = one["state"].as_str().unwrap();
        let says = |field: &str| !one[field].as_array().unwrap().is_empty();
        assert!(state != "unknown" || says("missing"), "{one}");
        assert!(
            !matches!(state, "pass" | "fail") || says("evidence"),
            "{one}"
        );
        // Files say nothing of processes and of permissions on a node.
        let of_nodes = ["1.", "2.", "4."].iter();
        let number = one["number"].as_str().unwrap();
        if of_nodes.clone().any(|start| number.starts_with(start)) {
            assert_eq!(state, "unknown", "{one}");
        }
    }
}

#[test]
fn nodes_from_inside_answer_the_kubelet() {
    let home = home();
    let asked = [
        "cis",
        "--node-evidence",
        "node.json",
        "--profile",
        "cis-1.12",
    ];
    let benchmark = json(&home, &asked, 0);
    let anonymous = control(&benchmark, "4.2.1");
    assert_eq!(anonymous["state"], "fail", "{anonymous}");
    assert_eq!(anonymous["evidence"][0]["name"], "node7");
    assert_eq!(control(&benchmark, "4.2.4")["state"], "pass");
    assert_eq!(control(&benchmark, "1.2.1")["state"], "unknown");
    json(&home, &[&asked[..], &["--fail-on", "fail"]].concat(), 1);
    // The same as other tools' readers have it.
    let ran = home.run(&[&asked[..], &["--format", "kube-bench"]].concat());
    let theirs: Value = serde_json::from_slice(&ran.stdout).unwrap();
    let results = theirs["Controls"].as_array().unwrap().iter();
    let results = results.flat_map(|one| one["tests"].as_array().unwrap());
    let results = results.flat_map(|one| one["results"].as_array().unwrap());
    let same = results
        .filter(|one| one["test_number"] == "4.2.1" && one["status"] == "FAIL")
        .count();
    assert_eq!(same, 1);
    // A person sees what fails first.
    let text = home.run(&asked).sound().text();
    assert!(text.contains("Fail\n"), "{text}");
    assert!(text.contains("4.2.1"), "{text}");
}

#[test]
fn the_checklist_has_ten_points() {
    let home = home();
    let asked = [
        "checklist",
        "--manifests",
        "shop/k8s",
        "--node-evidence",
        "node.json",
        "--now",
    ];
    let point = |now: &str, number: usize| {
        let list = json(&home, &[&asked[..], &[now]].concat(), 0);
        let items = list["items"].as_array().unwrap();
        assert_eq!(items.len(), 10);
        for item in items {
            let passed = item["verdict"] == "pass";
            assert_eq!(passed, item["next"] == "", "{item}");
            assert!(!item["evidence"].as_array().unwrap().is_empty(), "{item}");
        }
        items[number - 1].clone()
    };
    let fresh = "2026-09-02T00:00:00Z";
    assert_eq!(point(fresh, 2)["verdict"], "fail");
    // Nothing in a cluster shows what its pipelines do.
    assert_eq!(point(fresh, 4)["verdict"], "unknown");
    assert_eq!(point(fresh, 5)["verdict"], "pass");
    assert_eq!(point("2026-10-01T00:00:00Z", 5)["verdict"], "fail");
    assert_eq!(point(fresh, 6)["verdict"], "fail");
    let all = [&asked[..], &[fresh, "--fail-on", "unknown"]].concat();
    json(&home, &all, 1);
}

#[test]
fn wrong_calls() {
    let home = home();
    let check = |arguments: &[&str], says: &str| {
        home.run(arguments).refused(says);
    };
    check(
        &["cis", "--manifests", "shop/k8s", "--profile", "cis-0.1"],
        "cis-1.12",
    );
    home.write("other.json", "{\"formatVersion\": 99}");
    check(&["cis", "--node-evidence", "other.json"], "other.json");
    check(
        &["checklist", "--node-evidence", "absent.json"],
        "absent.json",
    );
    let listed = home.run(&["cis", "--list"]).sound().text();
    assert!(listed.contains("cis-2.0.1") && listed.contains("eks-1.7"));
}
