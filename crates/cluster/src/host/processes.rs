//! The components that run, by `/proc` of the root. Comes in: untrusted texts of every process. Goes out: the few that are
//! components, with the paths that they name, and their arguments without secrets.
//! Never: follows a link of a process (`root`, `cwd`, `exe` are read as texts), keeps a value that may be a secret.

use super::mounts::{self, Mounts};
use super::root::{Miss, Root};
use crate::canonical::flags;
use crate::redact::{MARK, Redactor};
use model::host::Process;
use model::text::Text;

const MAX_PROCESSES: usize = 200_000;
const MAX_COMPONENTS: usize = 500;
const MAX_COMMAND: usize = 256 * 1024;
const MAX_ARGUMENTS: usize = 2_000;
const MAX_ENVIRONMENT: usize = 1 << 20;
const MAX_VARIABLES: usize = 500;
const MAX_STATUS: usize = 64 * 1024;
const MAX_MOUNTINFO: usize = 8 << 20;

/// Names of executables; the same list in `canonical::flags` says which of their flags are kept.
const COMPONENTS: &[&str] = &[
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "cloud-controller-manager",
    "etcd",
    "kubelet",
    "kube-proxy",
    "containerd",
    "dockerd",
    "crio",
    "cri-dockerd",
    "k3s",
    "rke2",
    "k0s",
    "kubelite",
    "k8s-dqlite",
    "hyperkube",
];

/// Programs that are several components: the name that they were called by, or their first word, tells which.
const MANY: &[(&str, &str)] = &[
    ("apiserver", "kube-apiserver"),
    ("controller-manager", "kube-controller-manager"),
    ("scheduler", "kube-scheduler"),
    ("proxy", "kube-proxy"),
];

/// Words that choose what such a program does.
const WORDS: &[&str] = &["server", "agent", "controller", "worker", "etcd"];

/// A component that runs, with all that its arguments say: not for leaving this crate.
pub(super) struct Running {
    pub(super) name: &'static str,
    pub(super) pid: u32,
    uid: u32,
    pub(super) arguments: Vec<String>,
    pub(super) environment: Vec<(String, String)>,
    folder: Option<String>,
    /// Its mounts, where they are not the node's.
    mounts: Option<Mounts>,
    /// What is missing of it.
    pub(super) cut: bool,
    pub(super) environment_unread: Option<Miss>,
    /// It overwrites its command line so that no token stands there.
    pub(super) hides_arguments: bool,
}

#[derive(Default)]
pub(super) struct Processes {
    pub(super) running: Vec<Running>,
    /// How many processes are there at all.
    pub(super) seen: usize,
    /// Processes whose command line could not be read.
    pub(super) denied: usize,
    /// `/proc` shows no first process: it hides those of others (hidepid), or is of a container.
    pub(super) partial: bool,
    pub(super) more: bool,
    node: Mounts,
}

impl Processes {
    /// `None`: there is no process to see.
    pub(super) fn read(root: &Root) -> Option<Processes> {
        let names = root.names("/proc", MAX_PROCESSES).ok()?;
        let mut pids: Vec<u32> = names.names.iter().filter_map(|name| pid(name)).collect();
        pids.sort_unstable();
        if pids.is_empty() {
            return None;
        }
        let mut out = Processes {
            seen: pids.len(),
            partial: pids.first() != Some(&1),
            more: names.more,
            ..Processes::default()
        };
        let space = root.link("/proc/1/ns/mnt").ok();
        for pid in pids {
            match running(root, pid, space.as_deref()) {
                Ok(Some(_)) if out.running.len() >= MAX_COMPONENTS => out.more = true,
                Ok(Some(running)) => out.running.push(running),
                Ok(None) | Err(Miss::Missing) => {}
                Err(_) => out.denied += 1,
            }
        }
        if out.running.iter().any(|running| running.mounts.is_some()) {
            out.node = mounts_of(root, 1).unwrap_or_default();
        }
        // What the node itself names comes before what a container names.
        out.running
            .sort_by_key(|running| (running.mounts.is_some(), running.pid));
        Some(out)
    }

    /// Where a path of a process is on the node. `None`: the node does not have it.
    pub(super) fn on_node(&self, running: &Running, path: &str) -> Option<String> {
        match &running.mounts {
            None => Some(path.to_owned()),
            Some(own) => own.on(&self.node, path),
        }
    }
}

impl Running {
    /// A path of its arguments, from `/`.
    pub(super) fn absolute(&self, path: &str) -> Option<String> {
        if path.starts_with('/') {
            return Some(normal(path));
        }
        let folder = self
            .folder
            .as_deref()
            .filter(|folder| folder.starts_with('/'))?;
        Some(normal(&format!("{folder}/{path}")))
    }

    pub(super) fn told(&self, redactor: &Redactor) -> Process {
        let mut environment: Vec<(Text, Text)> = self
            .environment
            .iter()
            .map(|(name, value)| (name.as_str().into(), variable(name, value, redactor).into()))
            .collect();
        environment.sort();
        Process {
            name: self.name.into(),
            pid: self.pid,
            uid: self.uid,
            arguments: arguments(self.name, &self.arguments, redactor),
            environment,
        }
    }
}

/// Without `.`, `..` and doubled slashes; it leads nowhere above `/`.
fn normal(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    mounts::join("", &parts.join("/"))
}

fn pid(name: &str) -> Option<u32> {
    name.bytes().all(|b| b.is_ascii_digit()).then_some(())?;
    name.parse().ok().filter(|pid| *pid > 0)
}

fn running(root: &Root, pid: u32, space: Option<&str>) -> Result<Option<Running>, Miss> {
    let (bytes, mut cut) = root.read_start(&format!("/proc/{pid}/cmdline"), MAX_COMMAND)?;
    let mut words = words(&bytes);
    if words.is_empty() {
        return Ok(None);
    }
    let exe = root.link(&format!("/proc/{pid}/exe")).unwrap_or_default();
    let mut hides_arguments = false;
    if let [only] = words.as_slice()
        && only.contains(' ')
    {
        // The title that the process gave itself.
        words = only.split_whitespace().map(str::to_owned).collect();
        hides_arguments = true;
    }
    let Some(first) = words.first() else {
        return Ok(None);
    };
    let Some(name) = component(&exe, first, words.get(1).map(String::as_str)) else {
        return Ok(None);
    };
    cut |= words.len() > MAX_ARGUMENTS;
    words.truncate(MAX_ARGUMENTS);
    words.remove(0);
    let uid = uid(root, pid)?;
    let (environment, environment_unread) =
        match root.read_start(&format!("/proc/{pid}/environ"), MAX_ENVIRONMENT) {
            Ok((bytes, more)) => {
                cut |= more;
                (variables(&bytes), None)
            }
            Err(miss) => (Vec::new(), Some(miss)),
        };
    let own = root.link(&format!("/proc/{pid}/ns/mnt")).ok();
    let elsewhere = match (own.as_deref(), space) {
        (Some(own), Some(space)) => own != space,
        _ => false,
    };
    Ok(Some(Running {
        name,
        pid,
        uid,
        arguments: words,
        environment,
        folder: root.link(&format!("/proc/{pid}/cwd")).ok(),
        mounts: elsewhere.then(|| mounts_of(root, pid).unwrap_or_default()),
        cut,
        environment_unread,
        hides_arguments,
    }))
}

/// Arguments end with a zero byte; titles are filled up with them.
fn words(cmdline: &[u8]) -> Vec<String> {
    let end = cmdline
        .iter()
        .rposition(|byte| *byte != 0)
        .map_or(0, |at| at + 1);
    let used = cmdline.get(..end).unwrap_or_default();
    if used.is_empty() {
        return Vec::new();
    }
    used.split(|byte| *byte == 0)
        .take(MAX_ARGUMENTS + 1)
        .map(|word| String::from_utf8_lossy(word).into_owned())
        .collect()
}

/// The component that a program is, by its executable, then by the name that it was called by.
fn component(exe: &str, called: &str, word: Option<&str>) -> Option<&'static str> {
    let known = |path: &str| {
        let path = path.strip_suffix(" (deleted)").unwrap_or(path);
        let name = path.rsplit('/').next().unwrap_or(path);
        COMPONENTS.iter().copied().find(|known| *known == name)
    };
    let many = |name: &str| matches!(name, "k3s" | "rke2" | "k0s" | "hyperkube" | "kubelite");
    let name = match (known(exe), known(called)) {
        (Some(exe), Some(called)) if many(exe) => called,
        (exe, called) => exe.or(called)?,
    };
    if name != "hyperkube" {
        return Some(name);
    }
    let word = word.unwrap_or("");
    let short = MANY
        .iter()
        .find(|(short, _)| *short == word)
        .map(|(_, name)| *name);
    Some(short.or_else(|| known(word)).unwrap_or(name))
}

/// The real user: the first of `Uid:` (proc_pid_status(5)), else the owner of its folder.
fn uid(root: &Root, pid: u32) -> Result<u32, Miss> {
    let folder = format!("/proc/{pid}");
    if let Ok((bytes, _)) = root.read_start(&format!("{folder}/status"), MAX_STATUS) {
        let text = String::from_utf8_lossy(&bytes);
        let uid = text.lines().find_map(|line| {
            let ids = line.strip_prefix("Uid:")?;
            ids.split_whitespace().next()?.parse().ok()
        });
        if let Some(uid) = uid {
            return Ok(uid);
        }
    }
    Ok(root.status(&folder)?.uid)
}

fn mounts_of(root: &Root, pid: u32) -> Option<Mounts> {
    let path = format!("/proc/{pid}/mountinfo");
    let (bytes, _) = root.read_start(&path, MAX_MOUNTINFO).ok()?;
    Some(Mounts::parse(&String::from_utf8_lossy(&bytes)))
}

/// Variables that configure components.
fn variables(environ: &[u8]) -> Vec<(String, String)> {
    let known = |name: &str| {
        ["ETCD_", "KUBELET_", "K3S_", "RKE2_"]
            .iter()
            .any(|prefix| name.starts_with(prefix))
            && name.len() <= 128
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
    };
    environ
        .split(|byte| *byte == 0)
        .filter_map(|one| {
            let text = String::from_utf8_lossy(one);
            let (name, value) = text.split_once('=')?;
            known(name).then(|| (name.to_owned(), value.to_owned()))
        })
        .take(MAX_VARIABLES)
        .collect()
}

/// The arguments of a component without values that may be secrets.
pub(super) fn arguments(name: &str, words: &[String], redactor: &Redactor) -> Vec<Text> {
    let component = flags::component(name);
    let mut previous: Option<&str> = None;
    let mut out = Vec::with_capacity(words.len());
    for (at, word) in words.iter().enumerate() {
        let chooses = at == 0
            && (WORDS.contains(&word.as_str())
                || MANY.iter().any(|(short, _)| short == word)
                || COMPONENTS.contains(&word.as_str()));
        let told = if chooses {
            word.clone()
        } else if let Some(told) = forwarded(word, redactor) {
            told
        } else {
            let kept = flags::argument(word, previous, component, redactor);
            settled(&kept)
        };
        previous = flags::flag_name(word).filter(|flag| flag.len() == word.len());
        out.push(told.into());
    }
    out
}

/// `--kubelet-arg=name=value` of a program that hands flags on to components.
fn forwarded(word: &str, redactor: &Redactor) -> Option<String> {
    let (flag, rest) = word.strip_prefix("--")?.split_once('=')?;
    let component = flag.strip_suffix("-arg")?;
    flags::component(component)?;
    let inner = forwarded_argument(component, rest, redactor);
    Some(format!("--{flag}={inner}"))
}

/// `name=value` of a component, with or without its dashes.
pub(super) fn forwarded_argument(component: &str, text: &str, redactor: &Redactor) -> String {
    let plain = text.trim_start_matches('-');
    let known = flags::component(component);
    // A switch without a value, or anything.
    if !plain.contains('=') {
        let keeps = known.is_some_and(|known| known.keeps(plain));
        return if keeps {
            plain.to_owned()
        } else {
            redactor.text(component, text)
        };
    }
    let told = settled(&flags::argument(
        &format!("--{plain}"),
        None,
        known,
        redactor,
    ));
    told.strip_prefix("--").map(str::to_owned).unwrap_or(told)
}

/// One variable without what may be a secret: etcd reads its flags from variables too.
fn variable(name: &str, value: &str, redactor: &Redactor) -> String {
    if let Some(flag) = name.strip_prefix("ETCD_") {
        let flag = flag.to_ascii_lowercase().replace('_', "-");
        return forwarded_value(&flag, value, redactor);
    }
    if name.starts_with("KUBELET_") {
        let words: Vec<String> = value.split_whitespace().map(str::to_owned).collect();
        return arguments("kubelet", &words, redactor).join(" ");
    }
    let kept = [
        "_CONFIG_FILE",
        "_DATA_DIR",
        "_NODE_NAME",
        "_KUBECONFIG_MODE",
        "_KUBECONFIG_OUTPUT",
        "_TOKEN_FILE",
        "_SELINUX",
        "_SECRETS_ENCRYPTION",
        "_PROTECT_KERNEL_DEFAULTS",
    ];
    match () {
        () if name.ends_with("_URL") => redactor.url(value),
        () if kept.iter().any(|ending| name.ends_with(ending)) && calm(value) => value.to_owned(),
        () => redactor.text(name, value),
    }
}

fn forwarded_value(flag: &str, value: &str, redactor: &Redactor) -> String {
    let word = format!("--{flag}={value}");
    let told = settled(&flags::argument(
        &word,
        None,
        flags::component("etcd"),
        redactor,
    ));
    told.strip_prefix(&format!("--{flag}="))
        .map_or_else(|| redactor.text(flag, value), str::to_owned)
}

fn calm(value: &str) -> bool {
    value.len() <= 512 && !crate::redact::classify::is_credential(value)
}

/// Which Services a value names is for objects of a cluster: off with it.
fn settled(text: &str) -> String {
    let end = text
        .find(MARK)
        .and_then(|at| Some(at + text.get(at..)?.find(';')?));
    text.get(..end.unwrap_or(text.len()))
        .unwrap_or("")
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(name: &str, words: &[&str]) -> String {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        arguments(name, &words, &Redactor::new([3; 32])).join(" ")
    }

    #[test]
    fn command_lines() {
        let check = |bytes: &[u8], expected: &[&str]| assert_eq!(words(bytes), expected);
        check(b"a\0b\0\0c\0", &["a", "b", "", "c"]);
        check(b"/usr/bin/k3s server\0\0\0\0", &["/usr/bin/k3s server"]);
        check(b"\0\0", &[]);
        check(b"", &[]);
    }

    #[test]
    fn programs() {
        let check = |exe: &str, called: &str, word: Option<&str>, expected: Option<&str>| {
            assert_eq!(
                component(exe, called, word),
                expected,
                "{exe} {called} {word:?}"
            );
        };
        check(
            "/usr/bin/kubelet",
            "/usr/bin/kubelet",
            None,
            Some("kubelet"),
        );
        check("/usr/bin/kubelet (deleted)", "x", None, Some("kubelet"));
        check("", "/srv/kube/bin/etcd", None, Some("etcd"));
        check("/bin/sh", "etcd", None, Some("etcd"));
        check("/bin/sleep", "sleep", Some("kubelet"), None);
        check("/usr/bin/kubectl", "kubectl", Some("kubelet"), None);
        check("/x/k3s", "containerd", None, Some("containerd"));
        check("/x/k3s", "/usr/local/bin/k3s", Some("server"), Some("k3s"));
        check("/hyperkube", "/hyperkube", Some("kubelet"), Some("kubelet"));
        check(
            "/hyperkube",
            "/hyperkube",
            Some("apiserver"),
            Some("kube-apiserver"),
        );
        check("/hyperkube", "kube-proxy", None, Some("kube-proxy"));
    }

    #[test]
    fn arguments_without_secrets() {
        assert_eq!(
            told("containerd", &["-c", "node/containerd.toml"]),
            "-c node/containerd.toml"
        );
        assert_eq!(
            told("k3s", &["server", "--data-dir=/x"]),
            "server --data-dir=/x"
        );
        assert_eq!(
            told("k3s", &["server", "--kubelet-arg=read-only-port=0"]),
            "server --kubelet-arg=read-only-port=0"
        );
        for words in [
            &["server", "--token=hunter2"][..],
            &["server", "--token", "hunter2"],
            &["hunter2"],
            &["--kubelet-arg=hunter2=hunter2"],
            &["--kubelet-arg=token=hunter2"],
            &["--datastore-endpoint=mysql://u:hunter2@tcp(db:3306)/k"],
            &["-phunter2"],
        ] {
            let told = told("k3s", words);
            assert!(
                !told.contains("hunter2") || told.contains("-arg=hunter2=red"),
                "{told}"
            );
            assert!(told.contains(MARK) && !told.contains(';'), "{told}");
        }
    }

    #[test]
    fn variables_without_secrets() {
        let redactor = Redactor::new([3; 32]);
        let told = |name: &str, value: &str| variable(name, value, &redactor);
        assert_eq!(told("ETCD_CLIENT_CERT_AUTH", "true"), "true");
        assert_eq!(told("ETCD_DATA_DIR", "/var/lib/etcd"), "/var/lib/etcd");
        assert_eq!(
            told("KUBELET_EXTRA_ARGS", "--v=2 --read-only-port=0"),
            "--v=2 --read-only-port=0"
        );
        assert_eq!(told("K3S_URL", "https://h:6443"), "https://h:6443");
        for (name, value) in [
            ("ETCD_INITIAL_CLUSTER_TOKEN", "hunter2"),
            ("ETCD_X=Y", "hunter2"),
            ("K3S_TOKEN", "hunter2"),
            ("K3S_DATASTORE_ENDPOINT", "postgres://u:hunter2@h/db"),
            ("KUBELET_EXTRA_ARGS", "--password hunter2"),
        ] {
            let told = told(name, value);
            assert!(
                !told.contains("hunter2") && told.contains(MARK),
                "{name}: {told}"
            );
        }
        let kept = variables(b"PATH=/bin\0ETCD_NAME=a\0ETCD_\x1b=b\0SECRET=x\0K3S_TOKEN=t\0");
        assert_eq!(kept.len(), 2);
    }

    #[test]
    fn paths_of_processes() {
        assert_eq!(normal("/a/../../b/./c//d/"), "/b/c/d");
        assert_eq!(normal("/.."), "/");
    }
}
