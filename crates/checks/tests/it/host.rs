//! A host in a few lines. `kube-apiserver --a=b` is a process, `@/path {yaml}` a document, `#/path 644 0:0` a file
//! (`#/path -`: not there), `=1` the version of its cgroups.

use model::host::{FileState, FileStatus, Host, HostDocument, HostFile, HostSource, Process};
use serde_json::Value;

pub(crate) fn empty(node: Option<&str>) -> Host {
    Host {
        node: node.map(Into::into),
        taken_at: None,
        source: HostSource::Root,
        os: None,
        kernel: None,
        cgroup: None,
        processes: Some(Vec::new()),
        files: Vec::new(),
        documents: Vec::new(),
        gaps: Vec::new(),
    }
}

pub(crate) fn host(text: &str) -> Host {
    let mut host = empty(Some("node1"));
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        if let Some(rest) = line.strip_prefix('@') {
            let (path, yaml) = rest.split_once(' ').unwrap();
            put_document(&mut host, path, yaml);
        } else if let Some(rest) = line.strip_prefix('#') {
            let words: Vec<&str> = rest.split(' ').collect();
            let state = match words[1] {
                "-" => FileState::Missing,
                "?" => FileState::Unreadable,
                mode => {
                    let (uid, gid) = words[2].split_once(':').unwrap();
                    status(mode, uid, gid)
                }
            };
            put_file(&mut host, words[0], state);
        } else if let Some(version) = line.strip_prefix('=') {
            host.cgroup = version.parse().ok();
        } else {
            let mut words = line.split(' ');
            let name = words.next().unwrap();
            put_process(&mut host, name, words);
        }
    }
    host
}

pub(crate) fn put_process<'a>(
    host: &mut Host,
    name: &str,
    arguments: impl Iterator<Item = &'a str>,
) {
    let list = host.processes.get_or_insert_with(Vec::new);
    let (environment, arguments): (Vec<&str>, Vec<&str>) =
        arguments.partition(|word| word.starts_with("ETCD_"));
    list.push(Process {
        name: name.into(),
        pid: u32::try_from(list.len()).unwrap() + 1,
        uid: 0,
        arguments: arguments.into_iter().map(Into::into).collect(),
        environment: environment
            .into_iter()
            .map(|pair| pair.split_once('=').unwrap())
            .map(|(name, value)| (name.into(), value.into()))
            .collect(),
    });
}

pub(crate) fn put_document(host: &mut Host, path: &str, yaml: &str) {
    let value: Value = serde_saphyr::from_str(yaml).unwrap();
    host.documents.push(HostDocument {
        path: path.into(),
        json: value.to_string().into(),
    });
}

pub(crate) fn put_file(host: &mut Host, path: &str, state: FileState) {
    host.files.push(HostFile {
        path: path.into(),
        state,
    });
}

pub(crate) fn status(mode: &str, uid: &str, gid: &str) -> FileState {
    let name = |id: &str| match id {
        "0" => Some("root".into()),
        "1000" => None,
        _ => Some("etcd".into()),
    };
    FileState::Is(FileStatus {
        folder: false,
        mode: u32::from_str_radix(mode, 8).unwrap(),
        uid: uid.parse().unwrap(),
        gid: gid.parse().unwrap(),
        owner: name(uid),
        group: name(gid),
    })
}
