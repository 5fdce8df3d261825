//! Pod Security rows give the verdict of the standards, and namespaces are asked what they enforce.

use crate::world::{MINOR, ask, lines, pod, snapshot};
use checks::dry_run::dry_run;
use checks::rule::Form;
use checks::table;
use checks::world::{Beside, World};
use model::evidence::Ledger;
use semantics::declare::Declarations;
use semantics::pod_security::{Level, Version, evaluate};
use std::collections::BTreeSet;

fn found(slug: &str, yaml: &str) -> usize {
    let rule = table::rule(slug).unwrap_or_else(|| panic!("no rule {slug}"));
    ask(&snapshot(yaml), &[rule]).found.len()
}

/// Every pod of the suite: a row speaks where its control does, at each version, and every row speaks and is silent.
#[test]
fn rows_are_the_controls() {
    let Some(root) = testkit::shared("conformance/pod-security") else {
        return;
    };
    let rows: Vec<_> = table::all()
        .filter_map(|row| match row.form {
            Form::PodSecurity(control) => Some((row, control)),
            _ => None,
        })
        .collect();
    assert_eq!(rows.len(), semantics::pod_security::CONTROLS.len());
    let (mut spoke, mut silent) = (BTreeSet::new(), BTreeSet::new());
    let mut folders = vec![root];
    while let Some(folder) = folders.pop() {
        for entry in folder.read_dir().unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            if path.extension().is_none_or(|end| end != "yaml") {
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            let snapshot = snapshot(&text);
            for (row, control) in &rows {
                let level = semantics::pod_security::CONTROLS
                    .iter()
                    .find(|one| one.id == *control)
                    .unwrap()
                    .level;
                let judged =
                    evaluate(&snapshot.objects[0].json, level, Version::Minor(MINOR)).unwrap();
                let expected = judged
                    .violations
                    .iter()
                    .any(|one| one.control.id == *control);
                let said = !ask(&snapshot, &[*row]).found.is_empty();
                assert_eq!(said, expected, "{control} of {}", path.display());
                if said { &mut spoke } else { &mut silent }.insert(*control);
            }
        }
    }
    assert_eq!(
        (spoke.len(), silent.len()),
        (rows.len(), rows.len()),
        "{spoke:?}"
    );
}

fn namespace(labels: &str) -> String {
    format!("{{apiVersion: v1, kind: Namespace, metadata: {{name: shop, labels: {{{labels}}}}}}}")
}

const GOOD: &str = "securityContext: {runAsNonRoot: true, seccompProfile: {type: RuntimeDefault}}";
const GOOD_CONTAINER: &str =
    "securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}";

#[test]
fn namespaces() {
    let (plain, bad, good) = (
        pod("", ""),
        pod("hostPID: true", ""),
        pod(GOOD, GOOD_CONTAINER),
    );
    let enforce = "pod-security.kubernetes.io/enforce";
    let audit = "pod-security.kubernetes.io/audit";
    let cases = [
        ("namespace-without-level", String::new(), &plain, 1),
        (
            "namespace-without-level",
            format!("{audit}: restricted"),
            &plain,
            1,
        ),
        (
            "namespace-without-level",
            format!("{enforce}: privileged"),
            &plain,
            0,
        ),
        (
            "namespace-privileged-without-need",
            format!("{enforce}: privileged"),
            &plain,
            1,
        ),
        (
            "namespace-privileged-without-need",
            format!("{enforce}: privileged"),
            &bad,
            0,
        ),
        (
            "namespace-privileged-without-need",
            format!("{enforce}: baseline"),
            &plain,
            0,
        ),
        (
            "namespace-could-restrict",
            format!("{enforce}: baseline"),
            &good,
            1,
        ),
        (
            "namespace-could-restrict",
            format!("{enforce}: baseline"),
            &plain,
            0,
        ),
        (
            "namespace-level-unknown",
            format!("{enforce}: Restricted"),
            &plain,
            1,
        ),
        (
            "namespace-level-unknown",
            format!("{audit}: strict"),
            &plain,
            1,
        ),
        (
            "namespace-level-unknown",
            format!("{enforce}: restricted"),
            &plain,
            0,
        ),
        (
            "namespace-version-old",
            format!("{enforce}: baseline, {enforce}-version: v1.24"),
            &plain,
            1,
        ),
        (
            "namespace-version-old",
            format!("{enforce}: baseline, {enforce}-version: v1.36"),
            &plain,
            0,
        ),
        (
            "namespace-version-old",
            format!("{enforce}: privileged, {enforce}-version: v1.24"),
            &plain,
            0,
        ),
        (
            "namespace-version-unknown",
            format!("{enforce}: baseline, {enforce}-version: v1.99"),
            &plain,
            1,
        ),
        (
            "namespace-version-unknown",
            format!("{enforce}: baseline, {enforce}-version: '1.30'"),
            &plain,
            1,
        ),
        (
            "namespace-version-unknown",
            format!("{enforce}: baseline, {enforce}-version: latest"),
            &plain,
            0,
        ),
        ("workload-refused", format!("{enforce}: baseline"), &bad, 1),
        (
            "workload-refused",
            format!("{enforce}: baseline"),
            &plain,
            0,
        ),
        ("workload-refused", String::new(), &bad, 0),
    ];
    let mut asked = BTreeSet::new();
    for (slug, labels, pod, expected) in cases {
        let yaml = format!("{}\n---\n{pod}", namespace(&labels));
        assert_eq!(found(slug, &yaml), expected, "{slug} {labels} {pod}");
        // The cluster's own namespaces need what levels forbid.
        if slug != "workload-refused" {
            assert_eq!(
                found(slug, &yaml.replace("shop", "kube-system")),
                0,
                "{slug}"
            );
        }
        asked.insert(slug);
    }
    let rows =
        table::all().filter(|row| row.family() == "PSS" && matches!(row.form, Form::World(_)));
    assert_eq!(asked, rows.map(|row| row.slug).collect());
}

#[test]
fn a_dry_run_names_what_would_be_refused() {
    let yaml = format!(
        "{}\n---\n{}\n---\n{}",
        namespace("pod-security.kubernetes.io/enforce: baseline"),
        pod("", ""),
        pod(GOOD, GOOD_CONTAINER).replace("name: web, namespace", "name: good, namespace")
    );
    let snapshot = snapshot(&yaml);
    let inventory =
        semantics::inventory(&snapshot, &Declarations::default(), &mut Ledger::default());
    let world = World {
        snapshot: &snapshot,
        inventory: &inventory,
        beside: &Beside::default(),
    };
    let runs = dry_run(&world, Level::Restricted);
    let said: Vec<String> = runs.iter().map(ToString::to_string).collect();
    assert_eq!(
        said,
        ["namespace shop: enforcing restricted would refuse 1 of 2 workloads"]
    );
    assert_eq!(runs[0].refused[0].object.to_string(), "Pod shop/web");
    assert_eq!(runs[0].enforced.map(|one| one.level), Some(Level::Baseline));
    assert!(dry_run(&world, Level::Baseline)[0].refused.is_empty());
    assert_eq!(
        lines(&ask(
            &snapshot,
            &[table::rule("pss-run-as-non-root").unwrap()]
        )),
        ["Pod shop/web [web] /spec/containers/0/securityContext/runAsNonRoot"]
    );
}
