//! The commands of documents and of the README, run in their order.

use crate::pipeline::{OPENSSL, ZLIB, home, image};
use crate::rights::audit_log;
use crate::runner::{Home, examples};
use std::path::Path;

/// Lines of the shell blocks that call the program, with the exit code that a comment behind them says.
fn commands(text: &str) -> Vec<(String, i32)> {
    let blocks = text.split("```sh\n").skip(1);
    let lines = blocks.flat_map(|block| block.split("```").next().unwrap_or("").lines());
    lines
        .filter(|line| line.starts_with("plimsoll "))
        .map(|line| {
            let (command, comment) = line.split_once(" # ").unwrap_or((line, ""));
            let code = comment.trim().strip_prefix("exit code ");
            let code = code.map_or(0, |code| {
                code.split(',').next().unwrap().trim().parse().unwrap()
            });
            (command.trim().to_owned(), code)
        })
        .collect()
}

#[test]
fn the_commands_of_the_document_do_what_it_says() {
    let home = home();
    image(&home, "app.tar", &[OPENSSL, ZLIB]);
    follow(&home, "ci.md", 5);
}

#[test]
fn the_questions_of_rights_are_answered() {
    let home = Home::new();
    home.write("audit.log", audit_log("checkout"));
    follow(&home, "rights.md", 14);
}

#[test]
fn a_node_is_read_as_the_document_says() {
    let home = Home::new();
    home.write("node-root/etc/hostname", "node1\n");
    follow(&home, "node.md", 1);
    assert!(home.path("node1.json").is_file());
}

#[test]
fn benchmarks_are_answered_as_the_document_says() {
    let home = Home::new();
    home.write("node-root/etc/hostname", "node1\n");
    copy_of_examples(&home);
    follow(&home, "cis.md", 6);
}

#[test]
fn checks_become_policies_as_the_document_says() {
    let home = Home::new();
    follow(&home, "admission.md", 3);
    assert!(home.path("policies.yaml").is_file());
}

#[test]
fn changes_are_made_as_the_document_says() {
    let home = Home::new();
    copy_of_examples(&home);
    follow(&home, "fixing.md", 4);
}

#[test]
fn what_a_change_adds_is_told() {
    let home = Home::new();
    home.write(
        "candidate.yaml",
        "{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRoleBinding, metadata: {name: more}, roleRef: \
         {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin}, subjects: [{kind: \
         ServiceAccount, name: checkout, namespace: shop}]}",
    );
    copy_of_examples(&home);
    follow(&home, "paths.md", 3);
    let shop = examples().join("k8s");
    let shop = shop.to_str().unwrap();
    let told = home.run(&["paths", shop, "--candidate", "candidate.yaml"]);
    let told = told.done().text();
    assert!(told.contains("ServiceAccount/shop/checkout"), "{told}");
    assert!(
        told.contains("ServiceAccount shop/checkout may all verbs: all resources"),
        "{told}"
    );
    // What is there already adds nothing.
    let same = home.run(&[
        "paths",
        shop,
        "--candidate",
        &format!("{shop}/storefront.yaml"),
        "--fail-on",
        "new-path",
    ]);
    let same = same.done().text();
    assert!(same.contains("No new path"), "{same}");
}

#[test]
fn network_policies_are_written_as_it_says() {
    let home = Home::new();
    follow(&home, "network-policies.md", 5);
}

/// The README's path: what is shown is printed, and the change that it names ends it.
#[test]
fn the_cut_of_the_readme_ends_its_path() {
    let home = Home::new();
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../README.md");
    let readme = std::fs::read_to_string(readme).unwrap();
    let shown = readme.split_once("<!-- path:begin -->").unwrap().1;
    let shown = shown.split_once("<!-- path:end -->").unwrap().0;
    copy_of_examples(&home);

    let mut printed = Vec::new();
    let blocks = shown.split("```sh\n").skip(1);
    for line in blocks.flat_map(|block| block.split("```").next().unwrap().lines()) {
        let command = line.split(" # ").next().unwrap().trim();
        if let Some(words) = command.strip_prefix("plimsoll ") {
            let words: Vec<&str> = words.split_whitespace().collect();
            printed.push(home.run(&words).done().text());
        } else {
            assert!(command.starts_with("sed -i "), "{command}");
            let shell = std::process::Command::new("/bin/sh")
                .args(["-c", command])
                .current_dir(home.folder.path())
                .status();
            assert!(shell.unwrap().success(), "{command}");
        }
    }
    let [_, before, _, after, _] = &*printed else {
        panic!("{} commands", printed.len());
    };
    let text = shown.split_once("```text\n").unwrap().1;
    let text = text.split_once("```").unwrap().0;
    assert!(text.contains("cut  ") && text.contains("Path 1  Internet -> cluster-admin"));
    assert!(before.contains(text), "the README is old:\n{before}");
    assert!(
        !after.contains("Path 1") && !after.contains("-> cluster-admin"),
        "{after}"
    );
    assert!(after.contains("No path from an entry"), "{after}");
    let policies = String::from_utf8(home.read("policies.yaml")).unwrap();
    assert!(
        policies.contains("name: \"plimsoll-default-deny\""),
        "{policies}"
    );
}

/// Documents name them from the project's root, and change them.
fn copy_of_examples(home: &Home) {
    std::fs::create_dir(home.path("examples")).unwrap();
    let copied = std::process::Command::new("cp")
        .args(["-rL", examples().to_str().unwrap(), "examples/shop"])
        .current_dir(home.folder.path())
        .status();
    assert!(copied.unwrap().success());
}

fn follow(home: &Home, document: &str, least: usize) {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
    let text = std::fs::read_to_string(docs.join(document)).unwrap();
    let commands = commands(&text);
    assert!(commands.len() >= least, "{commands:?}");
    for (command, expected) in commands {
        let words: Vec<&str> = command.split_whitespace().skip(1).collect();
        let ran = home.run(&words).sound();
        assert_eq!(ran.code, expected, "{command}: {}", ran.stderr);
    }
}
