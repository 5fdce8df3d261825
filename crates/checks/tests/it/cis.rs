//! The benchmark on a recorded cluster: each verdict was reviewed, and stands in `expected.tsv` with its reason.

use crate::{host, recorded};
use checks::cis::{self, How, PROFILES};
use checks::world::{Beside, World};
use model::benchmark::{Answer, State};
use model::evidence::Ledger;
use model::host::{Host, HostSource};
use model::snapshot::Snapshot;
use semantics::declare::Declarations;
use std::collections::{BTreeMap, BTreeSet};

pub(crate) fn answers(snapshot: &Snapshot, hosts: Vec<Host>, profile: &str) -> Vec<Answer> {
    let inventory =
        semantics::inventory(snapshot, &Declarations::default(), &mut Ledger::default());
    let beside = Beside {
        hosts,
        ..Beside::default()
    };
    let world = World {
        snapshot,
        inventory: &inventory,
        beside: &beside,
    };
    cis::answer(&world, profile).unwrap()
}

#[test]
fn verdicts_of_the_recorded_cluster() {
    let Some(captures) = testkit::shared("captures") else {
        return;
    };
    let snapshot = recorded::cluster(&captures);
    let all = answers(&snapshot, vec![recorded::host(&captures)], "cis-1.12");
    let table = include_str!("../cis/expected.tsv");
    let expected: BTreeMap<&str, &str> = table
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| {
            let mut cells = line.split('\t');
            let row = (cells.next().unwrap(), cells.next().unwrap());
            assert!(cells.next().is_some_and(|why| why.len() > 5), "{line}");
            row
        })
        .collect();
    assert_eq!(all.len(), 131);
    let mut wrong = Vec::new();
    for answer in &all {
        let state = answer.state.as_str();
        if expected.get(&*answer.number) != Some(&state) {
            let values: Vec<&str> = answer
                .evidence
                .iter()
                .take(3)
                .map(|one| &*one.value)
                .collect();
            let missing: Vec<&str> = answer.missing.iter().map(|gap| &*gap.what).collect();
            wrong.push(format!(
                "{}\t{state}\t{} {}",
                answer.number,
                values.join("; "),
                missing.join("; ")
            ));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} differ:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert_eq!(expected.len(), 131);
    let unknown: Vec<&Answer> = all
        .iter()
        .filter(|one| one.state == State::Unknown)
        .collect();
    assert!(unknown.len() <= 12, "{}", unknown.len());
    assert!(
        unknown
            .iter()
            .all(|one| one.missing.iter().all(|gap| !gap.close.is_empty()))
    );
}

/// Pass, fail and not applicable say why; unknown says what is missing; nothing passes on nothing.
#[track_caller]
fn check_honest(all: &[Answer]) {
    for answer in all {
        match answer.state {
            State::Pass | State::Fail | State::NotApplicable => {
                assert!(!answer.evidence.is_empty(), "{answer:?}");
            }
            State::Unknown => assert!(!answer.missing.is_empty(), "{answer:?}"),
            State::Manual => {}
        }
        assert!(
            !answer.remediation.is_empty() || answer.state != State::Fail,
            "{answer:?}"
        );
    }
}

#[test]
fn without_hosts_nothing_of_the_control_plane_is_decided() {
    let Some(captures) = testkit::shared("captures") else {
        return;
    };
    let snapshot = recorded::cluster(&captures);
    let all = answers(&snapshot, Vec::new(), "cis-1.12");
    check_honest(&all);
    for answer in &all {
        if !answer.number.starts_with('5') {
            assert_eq!(answer.state, State::Unknown, "{answer:?}");
        }
    }
}

#[test]
fn configz_answers_the_kubelet() {
    let Some(captures) = testkit::shared("captures") else {
        return;
    };
    let snapshot = recorded::cluster(&captures);
    let mut own = host::empty(Some("node1"));
    own.source = HostSource::Configz;
    own.processes = None;
    let json = std::fs::read_to_string(captures.join("http/kubelet-configz.json")).unwrap();
    host::put_document(&mut own, "configz", &json);
    let all = answers(&snapshot, vec![own], "cis-1.12");
    check_honest(&all);
    let state = |number: &str| all.iter().find(|one| &*one.number == number).unwrap().state;
    let with_host = answers(&snapshot, vec![recorded::host(&captures)], "cis-1.12");
    for answer in with_host
        .iter()
        .filter(|one| &*one.section == "4.2" && &*one.number != "4.2.7")
    {
        assert_eq!(state(&answer.number), answer.state, "{}", answer.number);
    }
    assert_eq!(state("4.2.7"), State::Unknown);
    assert_eq!(state("4.1.9"), State::Unknown);
}

#[test]
fn an_empty_cluster_passes_nothing() {
    let mut snapshot = crate::world::snapshot("");
    snapshot.origin = model::snapshot::Origin::Live;
    for profile in PROFILES {
        let all = answers(&snapshot, Vec::new(), profile.name);
        check_honest(&all);
        let passed: Vec<_> = all.iter().filter(|one| one.state == State::Pass).collect();
        assert!(passed.is_empty(), "{passed:?}");
    }
}

#[test]
fn profiles_are_whole() {
    let counts = [
        ("cis-2.0.1", 131),
        ("cis-1.12", 131),
        ("cis-1.11", 133),
        ("cis-1.10", 130),
        ("cis-1.9", 130),
        ("rke2-cis-1.9", 130),
        ("k3s-cis-1.9", 130),
        ("eks-1.7", 46),
        ("gke-1.6", 70),
        ("aks-1.7", 45),
    ];
    let counted: Vec<(&str, usize)> = PROFILES
        .iter()
        .map(|profile| (profile.name, cis::controls(profile.name).unwrap().len()))
        .collect();
    assert_eq!(counted, counts);
    for profile in PROFILES {
        let all = cis::controls(profile.name).unwrap();
        let numbers: BTreeSet<&str> = all.iter().map(|one| one.number).collect();
        assert_eq!(numbers.len(), all.len(), "{}", profile.name);
        let manual = all
            .iter()
            .filter(|one| matches!(one.how, How::Manual(_)))
            .count();
        assert!(manual <= 6, "{}: {manual}", profile.name);
        for control in &all {
            if let How::Rules(slugs) = control.how {
                for slug in slugs {
                    assert!(
                        checks::table::rule(slug).is_some(),
                        "{} names {slug}",
                        control.number
                    );
                }
            }
            assert!(
                !control.title.starts_with("Ensure") && control.title.len() < 70,
                "{}",
                control.title
            );
        }
    }
    assert!(cis::controls("cis-0.1").is_none());
}

#[test]
fn managed_control_planes_are_not_failed() {
    let mut snapshot = crate::world::snapshot(
        "{apiVersion: v1, kind: Node, metadata: {name: a, labels: {eks.amazonaws.com/nodegroup: x}}}",
    );
    snapshot.origin = model::snapshot::Origin::Live;
    let all = answers(&snapshot, Vec::new(), "cis-1.12");
    check_honest(&all);
    for answer in all
        .iter()
        .filter(|one| one.number.starts_with('1') || one.number.starts_with('2'))
    {
        assert_eq!(answer.state, State::NotApplicable, "{answer:?}");
    }
}

/// What nodes and workloads show of a managed cluster is answered without the provider's API.
#[test]
fn managed_clusters_are_answered_by_their_nodes() {
    let answered = |profile: &str, number: &str, yaml: &str| {
        let (snapshot, _) = crate::family::live(yaml);
        let all = answers(&snapshot, Vec::new(), profile);
        all.iter().find(|one| &*one.number == number).unwrap().state
    };
    let node = |labels: &str, image: &str, kind: &str| {
        format!(
            "{{apiVersion: v1, kind: Node, metadata: {{name: a, labels: {{cloud.google.com/gke-nodepool: x{labels}}}}}, status: {{addresses: [{{type: {kind}, address: 10.0.0.1}}], nodeInfo: {{osImage: '{image}'}}}}}}"
        )
    };
    let good = node(
        ", iam.gke.io/gke-metadata-server-enabled: 'true'",
        "Container-Optimized OS from Google",
        "InternalIP",
    );
    let bad = node("", "Ubuntu 24.04 LTS", "ExternalIP");
    for number in ["5.4.1", "5.5.1", "5.6.5"] {
        assert_eq!(answered("gke-1.6", number, &good), State::Pass, "{number}");
        assert_eq!(answered("gke-1.6", number, &bad), State::Fail, "{number}");
    }
    assert_eq!(answered("aks-1.7", "5.4.3", &good), State::Pass);
    assert_eq!(answered("eks-1.7", "5.4.3", &bad), State::Fail);
    assert_eq!(answered("gke-1.6", "5.10.1", &good), State::Pass);
    assert_eq!(answered("gke-1.6", "5.5.3", &good), State::Unknown);
}
