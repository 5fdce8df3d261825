//! `plimsoll export vap`: what is written, what is refused.

use crate::runner::Home;

fn exported(home: &Home, arguments: &[&str]) -> String {
    home.run(&[&["export", "vap"], arguments].concat())
        .sound()
        .text()
}

#[test]
fn checks_become_policies() {
    let home = Home::new();
    let yaml = exported(&home, &["privileged-container", "KP-WL-002"]);
    let count = |line: &str| yaml.lines().filter(|one| *one == line).count();
    assert_eq!(count("kind: ValidatingAdmissionPolicy"), 2, "{yaml}");
    assert_eq!(count("kind: ValidatingAdmissionPolicyBinding"), 2);
    assert_eq!(count("kind: ConfigMap"), 1);
    assert!(yaml.contains("plimsoll-privileged-container"), "{yaml}");
    assert!(yaml.contains("Warn") && !yaml.contains("Deny\"]"), "{yaml}");
    // The same for everybody.
    assert_eq!(yaml, exported(&home, &["privileged-container", "host-pid"]));
    let denies = exported(
        &home,
        &["privileged-container", "--deny", "--prefix", "acme"],
    );
    assert!(denies.contains("acme-privileged-container"), "{denies}");
    assert!(!denies.contains("Warn"), "{denies}");
}

#[test]
fn what_every_scan_asks_is_written_without_a_name() {
    let home = Home::new();
    let yaml = exported(&home, &[]);
    let policies = yaml
        .lines()
        .filter(|line| *line == "kind: ValidatingAdmissionPolicy");
    assert!(policies.count() > 50);
    // What one object does not tell is named.
    assert!(yaml.contains("KP-NP-001"), "{}", &yaml[..2000]);
}

#[test]
fn exceptions_are_written_as_typed() {
    let home = Home::new();
    let yaml = exported(
        &home,
        &[
            "host-pid",
            "privileged-container",
            "--except",
            "kube-system",
            "--except",
            "host-pid=monitoring/node-exporter*",
            "--except",
            "KP-WL-001=shop/web*/proxy",
        ],
    );
    // Quoted or as a block: both are the same value.
    let plain = yaml.replace('"', "").replace("|-\n    ", "");
    for line in [
        "all.namespaces: kube-system",
        "host-pid.names: monitoring/node-exporter*",
        "privileged-container.containers: shop/web*/proxy",
    ] {
        assert!(plain.contains(line), "{line}\n{yaml}");
    }
}

#[test]
fn wrong_calls() {
    let home = Home::new();
    for (arguments, named) in [
        (&["no-such-check"][..], "no-such-check"),
        (&["host-pid", "--except", "a//b"], "a//b"),
        (&["host-pid", "--except", "a/b/c/d"], "a/b/c/d"),
        (&["host-pid", "--except", "nothing=shop"], "nothing"),
        (&["host-pid", "--except", "shop web"], "shop web"),
        (&["host-pid", "--prefix", "Not a name"], "Not a name"),
        (&["host-pid", "--kubernetes-version", "1.29"], "1.29"),
        (&["namespace-open-ingress"], "more than one object"),
    ] {
        home.run(&[&["export", "vap"], arguments].concat())
            .refused(named);
    }
}
