//! What the permissions of one file tell. Comes in: its path, mode, owner, capabilities. Goes out: a remark, or none,
//! which is so for almost all. Never: its content.

use super::remark;
use model::inventory::Remark;

/// Of one regular file.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Permissions {
    /// Permission bits with setuid, setgid and sticky.
    pub(crate) mode: u32,
    /// Numeric owner; `None`: not known.
    pub(crate) owner: Option<u64>,
    /// It has file capabilities (`security.capability`).
    pub(crate) capabilities: bool,
}

/// The gravest thing that they tell. Paths are given by whoever knows them.
pub(crate) fn of_entry(path: &str, of: Permissions) -> Option<Remark> {
    if of.mode & 0o6000 != 0 && of.mode & 0o111 != 0 {
        return Some(remark("image-setuid", "", None, of.words()));
    }
    if of.capabilities {
        return Some(remark("image-file-capabilities", "", None, ""));
    }
    (of.mode & 0o002 != 0 && is_of_all(path)).then(|| remark("image-world-writable", "", None, ""))
}

impl Permissions {
    /// `setuid root`, `setgid`.
    fn words(self) -> String {
        let owner = match self.owner {
            Some(0) => " root".to_owned(),
            Some(owner) => format!(" of user {owner}"),
            None => String::new(),
        };
        match self.mode & 0o6000 {
            0o2000 => "setgid".to_owned(),
            0o4000 => format!("setuid{owner}"),
            _ => format!("setuid and setgid{owner}"),
        }
    }
}

/// Not one of the folders that are made for everybody.
fn is_of_all(path: &str) -> bool {
    const SHARED: &[&str] = &[
        "tmp/",
        "var/tmp/",
        "run/",
        "dev/",
        "proc/",
        "sys/",
        "var/lock/",
        "var/run/",
        "var/spool/",
        "var/cache/",
        "var/log/",
    ];
    !SHARED.iter().any(|folder| path.starts_with(folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn told_by_mode() {
        let check = |path: &str, mode: u32, expected: Option<(&str, &str)>| {
            let of = Permissions {
                mode,
                owner: Some(0),
                capabilities: path.ends_with("ping"),
            };
            let found = of_entry(path, of).map(|remark| (remark.check, remark.what));
            let found = found.as_ref().map(|(check, what)| (&**check, &**what));
            assert_eq!(found, expected, "{path} {mode:o}");
        };
        check("usr/bin/su", 0o4755, Some(("image-setuid", "setuid root")));
        check("usr/bin/wall", 0o2755, Some(("image-setuid", "setgid")));
        check(
            "usr/bin/x",
            0o6755,
            Some(("image-setuid", "setuid and setgid root")),
        );
        // Without the right to run it the bit means nothing (mandatory locks once).
        check("var/mail/x", 0o2644, None);
        check("usr/bin/ping", 0o755, Some(("image-file-capabilities", "")));
        check("app/run.sh", 0o777, Some(("image-world-writable", "")));
        check("tmp/x", 0o666, None);
        check("app/run.sh", 0o755, None);
    }
}
