//! The live collector against a replay of recorded traffic: 1.36, 1.20, large lists, and everything that goes wrong.

#![allow(clippy::unwrap_used)] // a test fails by panicking

use cluster::live::{LiveError, Options, collect};
use model::evidence::{Fact, GapWeight};
use model::snapshot::Snapshot;
use std::time::{Duration, Instant};
use testkit::replay::{Fault, FaultKind, List, Recorded, Running, start};
use testkit::shared;

const PODS: &str = "/api/v1/pods";

struct Served {
    running: Running,
    kubeconfig: tempfile::NamedTempFile,
}

fn serve(recorded: Recorded, faults: Vec<Fault>) -> Served {
    let running = start(recorded, faults).unwrap();
    let kubeconfig = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(kubeconfig.path(), running.kubeconfig()).unwrap();
    Served {
        running,
        kubeconfig,
    }
}

impl Served {
    fn options(&self, page_size: u32) -> Options {
        Options {
            kubeconfig: Some(self.kubeconfig.path().to_owned()),
            context: None,
            namespaces: Vec::new(),
            page_size,
            cluster_name: None,
            now: "2026-11-23T00:00:00Z".parse().unwrap(),
            redaction_key: [7; 32],
        }
    }

    fn collect(&self, page_size: u32) -> Snapshot {
        collect(&self.options(page_size)).unwrap()
    }
}

fn recorded(version: &str) -> Option<Recorded> {
    let folder = shared(&format!("captures/{version}"))?;
    let mut recorded = Recorded::default();
    recorded.add_index(&folder).unwrap();
    Some(recorded)
}

fn fault(path: &str, after: usize, times: usize, kind: FaultKind) -> Vec<Fault> {
    vec![Fault {
        path: path.to_owned(),
        after,
        times,
        kind,
    }]
}

fn pods(snapshot: &Snapshot) -> usize {
    snapshot.of_kind("", "Pod").len()
}

/// Gaps that say that something was not seen, by class.
fn classes(snapshot: &Snapshot) -> Vec<&str> {
    let mut classes: Vec<&str> = snapshot
        .gaps
        .iter()
        .filter(|gap| gap.weight > GapWeight::Notice)
        .map(|gap| &*gap.class)
        .collect();
    classes.dedup();
    classes
}

#[test]
fn a_recorded_cluster_is_read_whole() {
    let Some(recorded) = recorded("http") else {
        return;
    };
    let expected = recorded.lists[PODS].items.len();
    let deployments = recorded.lists["/apis/apps/v1/deployments"].items.len();
    let snapshot = serve(recorded, Vec::new()).collect(500);
    assert_eq!((snapshot.version.minor, snapshot.version.known), (36, true));
    assert!(matches!(snapshot.cluster, Fact::Is(_)));
    assert_eq!(
        (
            pods(&snapshot),
            snapshot.of_kind("apps", "Deployment").len()
        ),
        (expected, deployments)
    );
    assert_eq!(classes(&snapshot), Vec::<&str>::new());
    assert!(snapshot.saw_all("", "Pod") && snapshot.saw_all("networking.k8s.io", "NetworkPolicy"));
    assert!(
        !snapshot.other_kinds.is_empty(),
        "kinds that no stage reads are counted"
    );
}

#[test]
fn an_old_server_is_read_over_classic_discovery() {
    let Some(recorded) = recorded("v1.20/http") else {
        return;
    };
    let of = |path: &str| recorded.lists.get(path).map_or(0, |list| list.items.len());
    let expected = (
        of("/api/v1/namespaces"),
        of("/apis/rbac.authorization.k8s.io/v1/clusterroles"),
    );
    assert!(expected.1 > 10);
    let snapshot = serve(recorded, Vec::new()).collect(500);
    assert_eq!(snapshot.version.minor, 20);
    let found = (
        snapshot.of_kind("", "Namespace").len(),
        snapshot
            .of_kind("rbac.authorization.k8s.io", "ClusterRole")
            .len(),
    );
    assert_eq!(found, expected);
}

#[test]
fn pages_make_the_same_snapshot_as_one_list() {
    let Some(recorded) = recorded("http") else {
        return;
    };
    let whole = serve(recorded.clone(), Vec::new()).collect(10_000);
    let served = serve(recorded, Vec::new());
    let paged = served.collect(7);
    assert_eq!(whole.objects, paged.objects);
    assert!(
        served
            .running
            .requests()
            .iter()
            .any(|request| request.contains("continue="))
    );
}

#[test]
fn an_expired_page_begins_the_list_anew() {
    let Some(recorded) = recorded("http") else {
        return;
    };
    let expected = recorded.lists[PODS].items.len();
    let expired = fault(PODS, 2, 1, FaultKind::Expired { with_token: true });
    let snapshot = serve(recorded, expired).collect(20);
    assert_eq!((pods(&snapshot), classes(&snapshot)), (expected, vec![]));
}

#[test]
fn pages_that_keep_expiring_end_in_an_inconsistent_list_that_is_said() {
    let Some(recorded) = recorded("http") else {
        return;
    };
    let expected = recorded.lists[PODS].items.len();
    // The second page of the first three tries expires; then the server's own token goes on.
    let expired = |after| fault(PODS, after, 1, FaultKind::Expired { with_token: true });
    let snapshot = serve(recorded, [1, 3, 5].into_iter().flat_map(expired).collect()).collect(20);
    assert_eq!(
        (pods(&snapshot), classes(&snapshot)),
        (expected, vec!["list-inconsistent"])
    );
}

#[test]
fn an_error_inside_a_200_is_an_error() {
    let Some(recorded) = recorded("http") else {
        return;
    };
    for kind in [
        FaultKind::ErrorEvent,
        FaultKind::StatusInside,
        FaultKind::Garbage,
    ] {
        let snapshot =
            serve(recorded.clone(), fault(PODS, 0, usize::MAX, kind.clone())).collect(500);
        assert_eq!(
            (pods(&snapshot), classes(&snapshot)),
            (0, vec!["collection-incomplete"]),
            "{kind:?}"
        );
        assert!(!snapshot.saw_all("", "Pod"));
    }
}

#[test]
fn throttling_and_outages_are_waited_for() {
    let Some(recorded) = recorded("http") else {
        return;
    };
    let expected = recorded.lists[PODS].items.len();
    for kind in [
        FaultKind::Throttled { retry_after: 1 },
        FaultKind::Unavailable,
        FaultKind::CutBody,
        FaultKind::Closed,
    ] {
        let snapshot = serve(recorded.clone(), fault(PODS, 0, 1, kind.clone())).collect(500);
        assert_eq!(
            (pods(&snapshot), classes(&snapshot)),
            (expected, vec![]),
            "{kind:?}"
        );
    }
}

#[test]
fn what_may_not_be_listed_is_a_gap_that_names_the_permission() {
    let Some(recorded) = recorded("http") else {
        return;
    };
    let forbidden = fault(
        "/apis/apps/v1/deployments",
        0,
        usize::MAX,
        FaultKind::Forbidden,
    );
    let snapshot = serve(recorded, forbidden).collect(500);
    let gap = snapshot
        .gaps
        .iter()
        .find(|gap| &*gap.class == "list-forbidden")
        .unwrap();
    assert_eq!(
        (&*gap.scope, gap.weight),
        ("deployments.apps", GapWeight::Hides)
    );
    assert!(
        gap.close
            .contains("--verb=list --resource=deployments.apps"),
        "{}",
        gap.close
    );
    assert!(pods(&snapshot) > 0, "the scan goes on");
}

#[test]
fn a_gap_never_advises_to_grant_secrets_without_the_cost() {
    let Some(recorded) = recorded("http") else {
        return;
    };
    let snapshot = serve(
        recorded,
        fault("/api/v1/secrets", 0, usize::MAX, FaultKind::Forbidden),
    )
    .collect(500);
    let gap = snapshot
        .gaps
        .iter()
        .find(|gap| &*gap.scope == "secrets")
        .unwrap();
    assert_eq!(gap.weight, GapWeight::Notice);
    assert!(
        gap.close.contains("not needed") && gap.close.contains("reads every secret value"),
        "{}",
        gap.close
    );
}

#[test]
fn a_server_that_dies_midway_leaves_gaps_and_ends_soon() {
    let Some(recorded) = recorded("http") else {
        return;
    };
    let begin = Instant::now();
    let snapshot = serve(
        recorded.clone(),
        fault(PODS, 1, usize::MAX, FaultKind::CutBody),
    )
    .collect(20);
    assert_eq!(classes(&snapshot), vec!["collection-incomplete"]);
    assert!(snapshot.of_kind("apps", "Deployment").len() > 1);
    // And one that answers discovery, then nothing more.
    let gone = recorded
        .lists
        .keys()
        .flat_map(|path| fault(path, 0, usize::MAX, FaultKind::Closed))
        .collect();
    let snapshot = serve(recorded, gone).collect(500);
    assert_eq!(
        (snapshot.objects.len(), classes(&snapshot)),
        (0, vec!["collection-incomplete"])
    );
    assert!(
        begin.elapsed() < Duration::from_mins(1),
        "{:?}",
        begin.elapsed()
    );
}

#[test]
fn wrong_credentials_and_no_server_are_errors() {
    let Some(recorded) = recorded("http") else {
        return;
    };
    let served = serve(recorded, fault("", 0, usize::MAX, FaultKind::Unauthorized));
    assert!(matches!(
        collect(&served.options(500)),
        Err(LiveError::Unauthorized)
    ));
    let options = served.options(500);
    drop(served.running);
    assert!(matches!(
        collect(&options),
        Err(LiveError::Unreachable { .. })
    ));
}

#[test]
fn one_namespace_is_read_without_rights_on_the_others() {
    let Some(mut recorded) = recorded("http") else {
        return;
    };
    let all = recorded.lists.remove(PODS).unwrap();
    #[allow(clippy::borrowed_box)] // the list holds boxes
    let here = |item: &&Box<serde_json::value::RawValue>| {
        item.get().contains("\"namespace\":\"kube-system\"")
    };
    let items: Vec<_> = all.items.iter().filter(here).cloned().collect();
    let expected = items.len();
    recorded.lists.insert(
        "/api/v1/namespaces/kube-system/pods".to_owned(),
        List { items, ..all },
    );
    let served = serve(recorded, Vec::new());
    let options = Options {
        namespaces: vec!["kube-system".to_owned()],
        ..served.options(500)
    };
    assert_eq!(pods(&collect(&options).unwrap()), expected);
}

#[test]
fn ten_thousand_pods_are_read_in_pages() {
    let (Some(mut recorded), Some(big)) = (recorded("http"), shared("captures/big")) else {
        return;
    };
    recorded.add_lists(&big).unwrap();
    let expected = recorded.lists[PODS].items.len();
    assert!(expected >= 10_000);
    let snapshot = serve(recorded, Vec::new()).collect(500);
    assert_eq!((pods(&snapshot), classes(&snapshot)), (expected, vec![]));
    let bytes: usize = snapshot
        .objects
        .iter()
        .map(|object| object.json.len())
        .sum();
    assert!(bytes < 100 << 20, "{bytes} bytes of objects");
}

#[test]
fn no_secret_value_of_the_recorded_cluster_survives() {
    let Some(recorded) = recorded("http") else {
        return;
    };
    let values = secret_values(&recorded);
    assert!(values.len() > 3);
    let snapshot = serve(recorded, Vec::new()).collect(500);
    for object in &snapshot.objects {
        let text = String::from_utf8_lossy(&object.json);
        for value in &values {
            assert!(
                !text.contains(value.as_str()),
                "{} keeps a secret value",
                object.reference()
            );
        }
    }
}

/// The encoded values of every recorded Secret, long enough to be told apart.
fn secret_values(recorded: &Recorded) -> Vec<String> {
    let mut values = Vec::new();
    for item in &recorded.lists["/api/v1/secrets"].items {
        let secret: serde_json::Value = serde_json::from_str(item.get()).unwrap();
        if let Some(entries) = secret["data"].as_object() {
            let long = entries
                .values()
                .filter_map(|value| value.as_str())
                .filter(|value| value.len() >= 16);
            values.extend(long.map(ToOwned::to_owned));
        }
    }
    values
}
