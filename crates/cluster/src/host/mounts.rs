//! Where a path of a process is on the node: processes in containers see other mounts than the node.
//! Comes in: mountinfo of the process and of the node's first process. Goes out: the node's path, or that there is none.

use std::collections::BTreeMap;
use std::fmt::Write as _;

const MAX_MOUNTS: usize = 50_000;

#[derive(Clone, Debug, PartialEq, Eq)]
struct Mount {
    device: String,
    /// Which folder of the file system is mounted.
    root: String,
    /// Where.
    point: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Mounts(Vec<Mount>);

impl Mounts {
    /// proc_pid_mountinfo(5): id, parent, device, root, mount point.
    pub(super) fn parse(mountinfo: &str) -> Mounts {
        let mount = |line: &str| {
            let mut fields = line.split(' ').skip(2);
            Some(Mount {
                device: fields.next()?.to_owned(),
                root: unescaped(fields.next()?),
                point: unescaped(fields.next()?),
            })
        };
        Mounts(
            mountinfo
                .lines()
                .take(MAX_MOUNTS)
                .filter_map(mount)
                .collect(),
        )
    }

    /// The path of `node` that is the same file as `path` of this process; `None`: the node has it mounted nowhere.
    pub(super) fn on(&self, node: &Mounts, path: &str) -> Option<String> {
        let (own, rest) = deepest(&self.0, path, |mount| &mount.point)?;
        let inner = join(&own.root, rest);
        let same = node.0.iter().filter(|mount| mount.device == own.device);
        let (there, rest) = deepest(same, &inner, |mount| &mount.root)?;
        let found = join(&there.point, rest);
        // Another file system may lie over it.
        let (over, _) = deepest(&node.0, &found, |mount| &mount.point)?;
        (over.device == own.device).then_some(found)
    }
}

/// The mount whose folder is the longest beginning of `path`, and what remains; of equals the last one lies on top.
fn deepest<'m, 'p>(
    mounts: impl IntoIterator<Item = &'m Mount>,
    path: &'p str,
    folder: impl Fn(&'m Mount) -> &'m String,
) -> Option<(&'m Mount, &'p str)> {
    let mut best: Option<(&Mount, &str, usize)> = None;
    for mount in mounts {
        let length = folder(mount).len();
        if let Some(rest) = below(folder(mount), path)
            && best.is_none_or(|(_, _, longest)| length >= longest)
        {
            best = Some((mount, rest, length));
        }
    }
    best.map(|(mount, rest, _)| (mount, rest))
}

/// What of `path` stands behind `folder`, if it is in it.
pub(super) fn below<'p>(folder: &str, path: &'p str) -> Option<&'p str> {
    let rest = path.strip_prefix(folder.trim_end_matches('/'))?;
    (rest.is_empty() || rest.starts_with('/')).then_some(rest)
}

pub(super) fn join(folder: &str, rest: &str) -> String {
    let mut out = folder.trim_end_matches('/').to_owned();
    for part in rest.split('/').filter(|part| !part.is_empty()) {
        let _ = write!(out, "/{part}");
    }
    if out.is_empty() { "/".to_owned() } else { out }
}

/// Space, tab, line end and backslash are written in octal.
fn unescaped(text: &str) -> String {
    let codes = BTreeMap::from([("040", ' '), ("011", '\t'), ("012", '\n'), ("134", '\\')]);
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('\\') {
        out.push_str(before);
        let code = behind.get(..3).and_then(|code| codes.get(code));
        out.push(*code.unwrap_or(&'\\'));
        rest = if code.is_some() {
            behind.get(3..).unwrap_or("")
        } else {
            behind
        };
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_containers() {
        let node = Mounts::parse(
            "1 0 8:1 / / rw - ext4 /dev/sda rw\n2 1 8:2 / /var rw - ext4 /dev/sdb rw\n3 1 0:50 / /run/c/x/rootfs rw - overlay o rw\n4 1 0:9 / /var/lib/over rw - tmpfs t rw\n",
        );
        let pod = Mounts::parse(
            "9 0 0:50 / / rw - overlay o rw\n10 9 8:1 /etc/kubernetes/pki /etc/kubernetes/pki ro - ext4 /dev/sda rw\n11 9 8:2 /lib/etcd /data rw - ext4 /dev/sdb rw\n12 9 8:2 /lib/over /over rw - ext4 x rw\n13 9 0:77 / /tmp rw - tmpfs t rw\n14 9 8:1 /a\\040b /c\\040d rw - ext4 x rw\n",
        );
        let check = |path: &str, expected: Option<&str>| {
            assert_eq!(pod.on(&node, path).as_deref(), expected, "{path}");
        };
        check(
            "/etc/kubernetes/pki/ca.crt",
            Some("/etc/kubernetes/pki/ca.crt"),
        );
        check("/etc/kubernetes/pki", Some("/etc/kubernetes/pki"));
        check(
            "/etc/kubernetes/pki2",
            Some("/run/c/x/rootfs/etc/kubernetes/pki2"),
        );
        check("/data/member", Some("/var/lib/etcd/member"));
        check("/over/x", None);
        check("/tmp/x", None);
        check("/c d/e", Some("/a b/e"));
        check("relative", None);
        assert_eq!(Mounts::parse("nonsense\n\n").on(&node, "/x"), None);
    }
}
