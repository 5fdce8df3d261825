//! Looks at every path that is known or named, and reads what configures components; what is read names more paths.
//! Comes in: the root, the processes. Goes out: permissions and documents, ordered. Never: looks at more than the limits.

use super::documents::{self, Broken};
use super::gaps::Gaps;
use super::kubelet;
use super::machine::Accounts;
use super::paths::{self, Flag, KNOWN, Named, Role};
use super::pods;
use super::processes::{self, Processes, Running};
use super::root::{Miss, Root, Status};
use crate::redact::Redactor;
use model::evidence::GapWeight;
use model::host::{FileState, FileStatus, HostDocument, HostFile};
use rustix::fs::FileType;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

const MAX_FILES: usize = 10_000;
const MAX_IN_FOLDER: usize = 1_000;
const MAX_DOCUMENTS: usize = 500;
const MAX_DOCUMENT: usize = 4 << 20;
const MAX_BYTES: usize = 64 << 20;
/// Paths that one document names.
const MAX_NAMED: usize = 500;

/// A path to be looked at.
#[derive(Clone)]
struct Job {
    /// As the component names it.
    path: String,
    /// Where that is on the node.
    real: String,
    role: Role,
    sure: bool,
    /// The process by whose mounts paths of this document are read.
    view: Option<usize>,
}

struct Looked {
    real: String,
    status: Result<Status, Miss>,
}

pub(super) struct Walk<'w> {
    root: &'w Root,
    redactor: &'w Redactor,
    gaps: &'w mut Gaps,
    processes: Option<&'w Processes>,
    accounts: Accounts,
    todo: VecDeque<Job>,
    begun: BTreeSet<(String, Role)>,
    files: BTreeMap<String, Looked>,
    /// Paths of containers that the node does not have.
    hidden: BTreeSet<String>,
    documents: BTreeMap<String, String>,
    bytes: usize,
    /// Drop-in folders of the kubelet's configuration, by its path.
    drop_ins: BTreeMap<String, String>,
}

impl<'w> Walk<'w> {
    pub(super) fn new(
        root: &'w Root,
        redactor: &'w Redactor,
        gaps: &'w mut Gaps,
        processes: Option<&'w Processes>,
    ) -> Self {
        let accounts = Accounts::read(root);
        for (path, miss) in &accounts.unread {
            gaps.unread(path, *miss, GapWeight::Widens);
        }
        Walk {
            root,
            redactor,
            gaps,
            processes,
            accounts,
            todo: VecDeque::new(),
            begun: BTreeSet::new(),
            files: BTreeMap::new(),
            hidden: BTreeSet::new(),
            documents: BTreeMap::new(),
            bytes: 0,
            drop_ins: BTreeMap::new(),
        }
    }

    pub(super) fn all(&mut self) {
        let running = self.processes.map_or(&[][..], |seen| &seen.running);
        for (at, one) in running.iter().enumerate() {
            self.process(at, one);
        }
        for (path, role) in KNOWN {
            self.push(path, path, *role, true, None);
        }
        while let Some(job) = self.todo.pop_front() {
            self.look(&job);
        }
    }

    pub(super) fn done(self) -> (Vec<HostFile>, Vec<HostDocument>) {
        let Walk {
            files,
            accounts,
            documents,
            hidden,
            ..
        } = self;
        let mut out: Vec<HostFile> = files
            .into_iter()
            .map(|(path, looked)| HostFile {
                path: path.into(),
                state: state(&looked.status, &accounts),
            })
            .collect();
        out.extend(hidden.into_iter().map(|path| HostFile {
            path: path.into(),
            state: FileState::Unreadable,
        }));
        out.sort();
        out.dedup_by(|later, first| later.path == first.path);
        let documents = documents
            .into_iter()
            .map(|(path, json)| HostDocument {
                path: path.into(),
                json: json.into(),
            })
            .collect();
        (out, documents)
    }

    fn process(&mut self, at: usize, one: &Running) {
        let mut flags = paths::flags(&one.arguments);
        let variables: Vec<(String, &String)> = one
            .environment
            .iter()
            .filter_map(|(name, value)| {
                let flag = name.strip_prefix("ETCD_").filter(|_| one.name == "etcd");
                let config = matches!(&**name, "K3S_CONFIG_FILE" | "RKE2_CONFIG_FILE");
                let flag = flag.or(config.then_some("config"))?;
                Some((flag.to_ascii_lowercase().replace('_', "-"), value))
            })
            .collect();
        flags.extend(variables.iter().map(|(name, value)| Flag { name, value }));
        if one.name == "kubelet" {
            self.kubelet(one, &flags);
        }
        for flag in &flags {
            let component = flag.name.strip_suffix("-arg");
            let inner = component.map(|component| (component, forwarded(flag.value)));
            let named = match &inner {
                Some((component, Some(inner))) => paths::of_flag(component, inner),
                _ => paths::of_flag(one.name, flag),
            };
            for named in named {
                let Some(path) = one.absolute(&named.path) else {
                    let what = format!(
                        "{} names a path that begins in its working folder, which was not read",
                        one.name
                    );
                    let scope = format!("/proc/{}/cwd", one.pid);
                    let close = "run as root, or with CAP_SYS_PTRACE";
                    self.gaps
                        .add("node-file-unread", what, &scope, GapWeight::Widens, close);
                    continue;
                };
                self.push_seen(at, one, &path, named.role, named.sure);
            }
        }
    }

    /// Which drop-ins change which file.
    fn kubelet(&mut self, one: &Running, flags: &[Flag<'_>]) {
        let Some(folder) = paths::value(flags, "config-dir") else {
            return;
        };
        let on_node = |path: &str| {
            let path = one.absolute(path)?;
            Some((path.clone(), self.processes?.on_node(one, &path)?))
        };
        let (Some((folder, real)), config) = (
            on_node(folder),
            paths::value(flags, "config").and_then(on_node),
        ) else {
            return;
        };
        match config {
            Some((config, _)) => {
                self.drop_ins.insert(config, real);
            }
            None => self.push(&folder, &real, Role::KubeletDropIns, true, None),
        }
    }

    /// A path that a process names.
    fn push_seen(&mut self, at: usize, one: &Running, path: &str, role: Role, sure: bool) {
        match self.processes.and_then(|seen| seen.on_node(one, path)) {
            Some(real) => self.push(path, &real, role, sure, Some(at)),
            None if sure && self.hidden.len() < MAX_FILES => {
                let what = format!(
                    "{path} of {} is inside its container and was not looked at",
                    one.name
                );
                self.gaps
                    .add("node-file-unread", what, path, GapWeight::Widens, "");
                self.hidden.insert(path.to_owned());
            }
            None => {}
        }
    }

    fn push(&mut self, path: &str, real: &str, role: Role, sure: bool, view: Option<usize>) {
        if self.todo.len() >= MAX_FILES {
            return self.too_many(path);
        }
        self.todo.push_back(Job {
            path: path.to_owned(),
            real: real.to_owned(),
            role,
            sure,
            view,
        });
    }

    fn too_many(&mut self, path: &str) {
        let what = "the node names more paths than are looked at";
        let scope = path.rsplit_once('/').map_or("/", |(folder, _)| folder);
        self.gaps
            .add("node-limit", what, scope, GapWeight::Hides, "");
    }

    fn look(&mut self, job: &Job) {
        if !self.begun.insert((job.path.clone(), job.role)) {
            return;
        }
        let status = match self.files.get(&job.path) {
            Some(looked) if looked.real != job.real => {
                let what = format!("{} is another file for another component", job.path);
                self.gaps
                    .add("node-file-unread", what, &job.path, GapWeight::Widens, "");
                return;
            }
            Some(looked) => looked.status,
            None => {
                if self.files.len() >= MAX_FILES {
                    return self.too_many(&job.path);
                }
                let status = self.root.status(&job.real);
                match status {
                    Err(Miss::Missing) if !job.sure => return,
                    Err(Miss::Missing) | Ok(_) => {}
                    Err(miss) => self.gaps.unread(&job.path, miss, GapWeight::Widens),
                }
                let real = job.real.clone();
                self.files.insert(job.path.clone(), Looked { real, status });
                status
            }
        };
        let Ok(status) = status else { return };
        match status.kind {
            FileType::Directory if job.role.is_folder() => self.folder(job),
            FileType::Directory if job.role == Role::KubeletDropIns => {
                self.folder(job);
                self.kubelet_drop_ins(job);
            }
            FileType::Directory => {}
            _ => self.read(job),
        }
    }

    fn folder(&mut self, job: &Job) {
        let names = match self.root.names(&job.real, MAX_IN_FOLDER) {
            Ok(names) => names,
            Err(miss) => return self.gaps.unread(&job.path, miss, GapWeight::Widens),
        };
        if names.more {
            let what = format!("{} holds more than is looked at", job.path);
            self.gaps
                .add("node-limit", what, &job.path, GapWeight::Widens, "");
        }
        for name in names.names {
            let path = format!("{}/{name}", job.path.trim_end_matches('/'));
            let real = format!("{}/{name}", job.real.trim_end_matches('/'));
            self.push(&path, &real, job.role.inside(&name), true, job.view);
        }
    }

    fn read(&mut self, job: &Job) {
        if matches!(job.role, Role::Status | Role::Folder) || job.role.is_folder() {
            return;
        }
        if self.documents.len() >= MAX_DOCUMENTS || self.bytes >= MAX_BYTES {
            let what = "there are more configuration files than are read";
            return self
                .gaps
                .add("node-limit", what, &job.path, GapWeight::Hides, "");
        }
        let bytes = match self.root.read(&job.real, MAX_DOCUMENT) {
            Ok(bytes) => bytes,
            Err(miss) => return self.gaps.unread(&job.path, miss, GapWeight::Hides),
        };
        self.bytes += bytes.len();
        let read = match job.role {
            Role::Pod => self.pod(job, &bytes),
            Role::Toml => documents::toml(&bytes).map(|value| self.document(job, &value)),
            Role::Arguments => {
                self.arguments(job, &bytes);
                Ok(())
            }
            Role::Kubelet => documents::yaml(&bytes).map(|value| self.kubelet_document(job, value)),
            _ => documents::yaml(&bytes).map(|value| self.document(job, &value)),
        };
        if let Err(Broken(why)) = read {
            let what = format!("{} cannot be understood: {why}", job.path);
            let close = "correct the file, or take it away if nothing uses it";
            self.gaps.add(
                "node-document-broken",
                what,
                &job.path,
                GapWeight::Widens,
                close,
            );
        }
    }

    fn document(&mut self, job: &Job, value: &Value) {
        self.named_by(job, value);
        let json = documents::told(value, self.redactor);
        self.documents.insert(job.path.clone(), json);
    }

    fn kubelet_document(&mut self, job: &Job, value: Value) {
        let seen = self.processes.is_some_and(|seen| {
            let kubelets = ["kubelet", "kubelite", "hyperkube"];
            seen.running.iter().any(|one| kubelets.contains(&one.name))
        });
        if !seen {
            let what = format!(
                "no kubelet was seen: whether {} is its configuration, and what its flags and drop-ins change, is not known",
                job.path
            );
            let close = "run on the node while the kubelet runs; in a pod, with hostPID: true";
            self.gaps.add(
                "node-kubelet-unseen",
                what,
                &job.path,
                GapWeight::Widens,
                close,
            );
        }
        let value = match self.drop_ins.get(&job.path) {
            None => Some(value),
            Some(folder) => kubelet::merged(self.root, value, folder, MAX_DOCUMENT, self.gaps),
        };
        if let Some(value) = value {
            self.document(job, &value);
        }
    }

    fn kubelet_drop_ins(&mut self, job: &Job) {
        let empty = Value::Object(serde_json::Map::new());
        if let Some(value) = kubelet::merged(self.root, empty, &job.real, MAX_DOCUMENT, self.gaps) {
            self.document(job, &value);
        }
    }

    fn pod(&mut self, job: &Job, bytes: &[u8]) -> Result<(), Broken> {
        let pod = pods::read(&job.path, bytes, self.redactor)?;
        for (component, mounted) in pod.paths {
            // What runs counts before what is to be started.
            let running = self.processes.map_or(&[][..], |seen| &seen.running);
            if running.iter().any(|one| one.name == component) {
                continue;
            }
            let Named { path, role, sure } = mounted.named;
            self.push(&path, &mounted.on_node, role, sure, None);
        }
        self.documents.insert(job.path.clone(), pod.json);
        Ok(())
    }

    /// A file of flags, which may stand on one line or several.
    fn arguments(&mut self, job: &Job, bytes: &[u8]) {
        let mut text = String::from_utf8_lossy(bytes).into_owned();
        for (variable, folder) in [
            ("SNAP_DATA", "/var/snap/microk8s/current"),
            ("SNAP_COMMON", "/var/snap/microk8s/common"),
            ("SNAP", "/snap/microk8s/current"),
        ] {
            text = text.replace(&format!("${{{variable}}}"), folder);
        }
        let words: Vec<String> = text
            .lines()
            .filter(|line| !line.trim_start().starts_with('#'))
            .flat_map(str::split_whitespace)
            .take(2_000)
            .map(|word| word.trim_matches('"').to_owned())
            .collect();
        let component = job.path.rsplit('/').next().unwrap_or("");
        let mut named = Vec::new();
        for flag in paths::flags(&words) {
            named.extend(paths::of_flag(component, &flag));
        }
        self.push_named(job, named);
        let told = processes::arguments(component, &words, self.redactor);
        let told: Vec<Value> = told.iter().map(|word| Value::from(&**word)).collect();
        self.documents
            .insert(job.path.clone(), Value::Array(told).to_string());
    }

    /// Paths that a document names.
    fn named_by(&mut self, job: &Job, value: &Value) {
        let admission = value.get("kind").and_then(Value::as_str) == Some("AdmissionConfiguration");
        let folder = job.path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let mut named = Vec::new();
        documents::texts(value, &mut |key, text| {
            if named.len() >= MAX_NAMED {
                return;
            }
            if let Some(component) = key.strip_suffix("-arg")
                && let Some(flag) = forwarded(text)
            {
                named.extend(paths::of_flag(component, &flag));
            } else if key == "imports" {
                // A pattern of files: all of their folder.
                if let Some((folder, last)) = text.rsplit_once('/')
                    && folder.starts_with('/')
                {
                    let (path, role) = if last.contains('*') {
                        (folder, Role::TomlFolder)
                    } else {
                        (text, Role::Toml)
                    };
                    let path = path.to_owned();
                    named.push(Named {
                        path,
                        role,
                        sure: true,
                    });
                }
            } else if admission && key == "path" && !text.is_empty() {
                // Relative to the folder of the file (k8s.io/apiserver/pkg/admission/config.go).
                let text = if text.starts_with('/') {
                    text.to_owned()
                } else {
                    format!("{folder}/{text}")
                };
                if let Some(found) = paths::of_field(key, &text) {
                    named.push(Named {
                        role: Role::Yaml,
                        ..found
                    });
                }
            } else if let Some(found) = paths::of_field(key, text) {
                named.push(found);
            }
        });
        self.push_named(job, named);
    }

    fn push_named(&mut self, job: &Job, named: Vec<Named>) {
        let view = job
            .view
            .and_then(|at| Some((at, self.processes?.running.get(at)?)));
        for Named { path, role, sure } in named {
            match view {
                Some((at, one)) => self.push_seen(at, one, &path, role, sure),
                None => self.push(&path, &path, role, sure, None),
            }
        }
    }
}

fn forwarded(text: &str) -> Option<Flag<'_>> {
    let (name, value) = text.trim_start_matches('-').split_once('=')?;
    Some(Flag { name, value })
}

fn state(status: &Result<Status, Miss>, accounts: &Accounts) -> FileState {
    match status {
        Err(Miss::Missing) => FileState::Missing,
        Err(_) => FileState::Unreadable,
        Ok(status) => FileState::Is(FileStatus {
            folder: status.kind == FileType::Directory,
            mode: status.mode,
            uid: status.uid,
            gid: status.gid,
            owner: accounts.user(status.uid),
            group: accounts.group(status.gid),
        }),
    }
}
