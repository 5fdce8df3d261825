//! What the machine is: its distribution, kernel, control groups, name, and who its users and groups are.
//! Comes in: the root. Goes out: bounded plain values. Never: asks the system that Plimsoll itself runs on.

use super::root::{Miss, Root};
use model::matches::OsRelease;
use model::text::Text;
use std::collections::BTreeMap;

const MAX_SMALL: usize = 64 * 1024;
/// passwd and group of a node with directory users written into them.
const MAX_ACCOUNTS: usize = 4 << 20;
const MAX_NAME: usize = 64;

/// Names of ids by the node's own passwd and group.
#[derive(Debug, Default)]
pub(super) struct Accounts {
    users: BTreeMap<u32, Text>,
    groups: BTreeMap<u32, Text>,
    /// Files that are there and could not be read.
    pub(super) unread: Vec<(&'static str, Miss)>,
}

impl Accounts {
    pub(super) fn read(root: &Root) -> Accounts {
        let mut out = Accounts::default();
        for (path, groups) in [("/etc/passwd", false), ("/etc/group", true)] {
            match root.read(path, MAX_ACCOUNTS) {
                Ok(bytes) if groups => out.groups = ids(&bytes),
                Ok(bytes) => out.users = ids(&bytes),
                Err(Miss::Missing) => {}
                Err(miss) => out.unread.push((path, miss)),
            }
        }
        out
    }

    pub(super) fn user(&self, uid: u32) -> Option<Text> {
        self.users.get(&uid).cloned()
    }

    pub(super) fn group(&self, gid: u32) -> Option<Text> {
        self.groups.get(&gid).cloned()
    }
}

/// `name:x:ID:...`; of two names of one id the first counts, as getpwuid(3) has it.
fn ids(bytes: &[u8]) -> BTreeMap<u32, Text> {
    let mut out = BTreeMap::new();
    for line in bytes.split(|byte| *byte == b'\n') {
        let Ok(line) = std::str::from_utf8(line) else {
            continue;
        };
        let mut fields = line.split(':');
        let (Some(name), Some(_), Some(id)) = (fields.next(), fields.next(), fields.next()) else {
            continue;
        };
        let plain = !name.is_empty()
            && name.len() <= MAX_NAME
            && !name.starts_with(['#', '+'])
            && name
                .chars()
                .all(|c| c.is_alphanumeric() || "._-$@\\".contains(c));
        if let (true, Ok(id)) = (plain, id.parse()) {
            out.entry(id).or_insert_with(|| name.into());
        }
    }
    out
}

/// os-release(5): the one in `/etc` before the vendor's.
pub(super) fn os_release(root: &Root) -> Result<OsRelease, Miss> {
    let bytes = match root.read("/etc/os-release", MAX_SMALL) {
        Err(Miss::Missing) => root.read("/usr/lib/os-release", MAX_SMALL)?,
        other => other?,
    };
    let text = String::from_utf8_lossy(&bytes);
    let field = |name: &str| {
        let mut values = text.lines().filter_map(|line| {
            let value = line.trim().strip_prefix(name)?.strip_prefix('=')?.trim();
            Some(value.trim_matches(['"', '\'']))
        });
        values.next_back().filter(|value| is_word(value, MAX_NAME))
    };
    Ok(OsRelease {
        id: field("ID").unwrap_or("linux").to_ascii_lowercase().into(),
        version: field("VERSION_ID").unwrap_or("").into(),
        end_of_life: None,
    })
}

pub(super) fn kernel(root: &Root) -> Result<Text, Miss> {
    let bytes = root.read("/proc/sys/kernel/osrelease", MAX_SMALL)?;
    let text = String::from_utf8_lossy(&bytes);
    match text.trim() {
        text if is_word(text, 128) => Ok(text.into()),
        _ => Err(Miss::Failed),
    }
}

fn is_word(text: &str, most: usize) -> bool {
    !text.is_empty() && text.len() <= most && text.bytes().all(|b| b.is_ascii_graphic())
}

/// 2 where version 2 alone is mounted on `/sys/fs/cgroup`; hybrid counts as 1.
pub(super) fn cgroup(root: &Root) -> Option<u8> {
    if root.status("/sys/fs/cgroup/cgroup.controllers").is_ok() {
        return Some(2);
    }
    for path in ["/proc/1/mountinfo", "/proc/self/mountinfo"] {
        let Ok((bytes, _)) = root.read_start(path, MAX_ACCOUNTS) else {
            continue;
        };
        if let Some(version) = cgroup_of(&String::from_utf8_lossy(&bytes)) {
            return Some(version);
        }
    }
    // A folder a controller, and no file of version 2: version 1.
    let controller = ["memory", "cpu", "pids"]
        .iter()
        .any(|name| root.status(&format!("/sys/fs/cgroup/{name}/tasks")).is_ok());
    controller.then_some(1)
}

/// proc_pid_mountinfo(5): the file system's type stands behind the ` - `.
fn cgroup_of(mountinfo: &str) -> Option<u8> {
    let mut version = None;
    for line in mountinfo.lines() {
        let Some((mount, kind)) = line.split_once(" - ") else {
            continue;
        };
        match kind.split(' ').next() {
            Some("cgroup") => return Some(1),
            Some("cgroup2") if mount.split(' ').nth(4) == Some("/sys/fs/cgroup") => {
                version = Some(2);
            }
            _ => {}
        }
    }
    version
}

/// A name that a Node object can have (RFC 1123 subdomain), as the kubelet writes it.
pub(super) fn node_name(text: &str) -> Option<Text> {
    let name = text.trim().to_ascii_lowercase();
    let plain = (1..=253).contains(&name.len())
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.'))
        && !name.starts_with(['-', '.'])
        && !name.ends_with(['-', '.']);
    plain.then(|| name.into())
}

pub(super) fn hostname(root: &Root) -> Option<Text> {
    let bytes = root.read("/etc/hostname", MAX_SMALL).ok()?;
    let text = String::from_utf8_lossy(&bytes);
    let line = text
        .lines()
        .map(str::trim)
        .find(|line| !line.is_empty() && !line.starts_with('#'))?;
    node_name(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts() {
        let names = ids(b"root:x:0:0:root:/root:/bin/sh\ntoor:x:0:0\n#c:x:9:\nbad\nx:x:no:\n+@nis:x:7:\netcd:x:999:999::\n\xff:x:1:\na\x1bb:x:2:\n");
        let names: Vec<_> = names
            .iter()
            .map(|(id, name)| format!("{id}={name}"))
            .collect();
        assert_eq!(names.join(" "), "0=root 999=etcd");
    }

    #[test]
    fn control_groups() {
        let check = |text: &str, expected| assert_eq!(cgroup_of(text), expected, "{text}");
        check(
            "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw",
            Some(2),
        );
        check(
            "30 23 0:26 / /sys/fs/cgroup/unified rw - cgroup2 none rw",
            None,
        );
        check(
            "30 23 0:26 / /sys/fs/cgroup/unified rw - cgroup2 none rw\n31 23 0:27 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory",
            Some(1),
        );
        check("30 23 0:26 / / rw - ext4 /dev/vda rw", None);
        check("", None);
    }

    #[test]
    fn names_of_nodes() {
        let check = |text: &str, expected: Option<&str>| {
            assert_eq!(node_name(text).as_deref(), expected, "{text}");
        };
        check("Node1\n", Some("node1"));
        check("ip-10-0-0-1.ec2.internal", Some("ip-10-0-0-1.ec2.internal"));
        check("", None);
        check("a b", None);
        check("-a", None);
        check("a\u{1b}[31m", None);
    }
}
