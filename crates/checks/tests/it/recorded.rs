//! Recordings of a real cluster: its lists, and the host that ran its control plane.

use crate::host::{empty, put_document, put_file, put_process, status};
use model::evidence::Fact;
use model::host::{FileState, Host};
use model::object::Gvk;
use model::snapshot::{KubernetesVersion, Listed, Object, Origin, Place, Snapshot};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;
use std::path::Path;

fn bytes(path: &Path) -> Vec<u8> {
    let raw = std::fs::read(path).unwrap();
    if path.extension().is_none_or(|end| end != "gz") {
        return raw;
    }
    let mut out = Vec::new();
    flate2::read::GzDecoder::new(&*raw)
        .read_to_end(&mut out)
        .unwrap();
    out
}

/// The lists of a folder as a live snapshot.
pub(crate) fn lists(folder: &Path, minor: u16) -> Snapshot {
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.file_name()
                .unwrap()
                .to_str()
                .unwrap()
                .starts_with("list-")
        })
        .collect();
    files.sort();
    let mut seen = BTreeSet::new();
    let (mut objects, mut listed) = (Vec::new(), Vec::new());
    for path in files {
        let list: Value = serde_json::from_slice(&bytes(&path)).unwrap();
        let kind = list["kind"].as_str().unwrap().strip_suffix("List").unwrap();
        let version = list["apiVersion"].as_str().unwrap();
        let (group, version) = version.split_once('/').unwrap_or(("", version));
        if kind == "Event" || !seen.insert((group.to_owned(), kind.to_owned())) {
            continue;
        }
        let items = list["items"].as_array().cloned().unwrap_or_default();
        listed.push(Listed {
            group: group.into(),
            kind: kind.into(),
            count: items.len() as u64,
            complete: true,
        });
        for item in items {
            let metadata = &item["metadata"];
            let text = |key: &str| metadata[key].as_str().map(Into::into);
            let labels = metadata["labels"].as_object().into_iter().flatten();
            let mut labels: Vec<_> = labels
                .filter_map(|(key, value)| Some((key.as_str().into(), value.as_str()?.into())))
                .collect();
            labels.sort_unstable();
            objects.push(Object {
                gvk: Gvk {
                    group: group.into(),
                    kind: kind.into(),
                    version: version.into(),
                },
                namespace: text("namespace"),
                name: text("name").unwrap(),
                uid: text("uid"),
                labels,
                place: Place::Server,
                json: serde_json::to_vec(&item).unwrap().into(),
            });
        }
    }
    let mut snapshot = Snapshot {
        origin: Origin::Live,
        cluster: Fact::Absent,
        cluster_name: None,
        version: KubernetesVersion { minor, known: true },
        server_version: None,
        taken_at: None,
        objects,
        files: Vec::new(),
        listed,
        other_kinds: BTreeMap::new(),
        gaps: Vec::new(),
    };
    snapshot.sort();
    snapshot
}

/// The one machine of the recording: all components are its processes.
pub(crate) fn host(captures: &Path) -> Host {
    let folder = captures.join("controlplane");
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    let mut host = empty(Some("node1"));
    host.cgroup = Some(1);
    for name in [
        "kube-apiserver",
        "kube-controller-manager",
        "kube-scheduler",
        "etcd",
        "kubelet",
        "containerd",
    ] {
        let arguments = read(&format!("{name}.args.txt"));
        put_process(&mut host, name, arguments.lines().skip(1));
    }
    for (path, name) in [
        ("/srv/kube/cfg/admission.yaml", "admission.yaml"),
        ("/srv/kube/cfg/encryption.yaml", "encryption.yaml"),
        ("/srv/kube/node/kubelet.yaml", "kubelet.yaml"),
        (
            "/srv/kube/node/cni-conf/10-bridge.conflist",
            "10-bridge.conflist",
        ),
    ] {
        put_document(&mut host, path, &read(name));
    }
    let policy = std::fs::read_to_string(captures.join("audit/policy.yaml")).unwrap();
    put_document(&mut host, "/srv/kube/cfg/audit.yaml", &policy);
    // The collector reads TOML; here are the two lines that matter.
    put_document(
        &mut host,
        "/srv/kube/node/containerd.toml",
        "{version: 2, plugins: {io.containerd.grpc.v1.cri: {disable_apparmor: true, registry: {mirrors: {'127.0.0.1:5000': {endpoint: ['http://127.0.0.1:5000']}}}}}}",
    );
    for line in read("pki-permissions.txt").lines().skip(1) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let name = words[8];
        if name == ".." {
            continue;
        }
        let bits = words[0].get(1..).unwrap();
        let mode = bits
            .bytes()
            .fold(0, |mode, bit| mode << 1 | u32::from(bit != b'-'));
        let path = if name == "." {
            "/srv/kube/pki".to_owned()
        } else {
            format!("/srv/kube/pki/{name}")
        };
        put_file(
            &mut host,
            &path,
            status(&format!("{mode:o}"), words[2], words[3]),
        );
    }
    // The cluster has no kube-proxy and nothing in the places of an installer.
    for path in [
        "/etc/kubernetes/admin.conf",
        "/etc/kubernetes/manifests/kube-apiserver.yaml",
    ] {
        put_file(&mut host, path, FileState::Missing);
    }
    host.files.sort();
    host
}

/// The recorded cluster without the Nodes that no machine stands behind.
pub(crate) fn cluster(captures: &Path) -> Snapshot {
    let mut snapshot = lists(&captures.join("http"), 36);
    snapshot
        .objects
        .retain(|object| !(&*object.gvk.kind == "Node" && object.label("synthetic").is_some()));
    snapshot
}
