//! The table of controls: upstream's check ids in lower case, levels, and which check holds from which version on.

use super::Level;
use super::baseline::{
    app_armor, capabilities, host_namespaces, host_path, host_ports, host_probes, privileged,
    proc_mount, proc_mount_1_35, se_linux_1_0, se_linux_1_31, seccomp_1_0, seccomp_1_19,
    sysctls_1_0, sysctls_1_27, sysctls_1_29, sysctls_1_32, sysctls_1_37, windows_host_process,
};
use super::found::Found;
use super::pod::Pod;
use super::restricted::{
    capabilities_1_22, capabilities_1_25, escalation_1_8, escalation_1_25, run_as_non_root_1_0,
    run_as_non_root_1_35, run_as_user_1_23, run_as_user_1_35, seccomp_restricted_1_19,
    seccomp_restricted_1_25, volumes,
};
use std::fmt;

/// The newest policy version that differs from the one before.
pub(super) const NEWEST: u16 = 37;

type Check = fn(&Pod<'_>) -> Found;

/// One rule of a level.
pub struct Control {
    /// Upstream's check id in lower case: `hostnamespaces`, `seccompprofile_restricted`.
    pub id: &'static str,
    /// The lowest level that has it.
    pub level: Level,
    /// What a pod must be, in a few words.
    pub demand: &'static str,
    /// The baseline control whose place it takes where it is in force.
    pub replaces: Option<&'static str>,
    /// Minor versions from which on a check holds, ascending.
    revisions: &'static [(u16, Check)],
}

impl Control {
    pub(super) fn at(&self, minor: u16) -> Option<Check> {
        let revisions = self.revisions.iter().rev();
        let mut known = revisions.filter(|(since, _)| *since <= minor);
        known.next().map(|(_, check)| *check)
    }

    /// Minor versions of the policy in which it changed; the first is the one that brought it.
    pub fn changes(&self) -> impl Iterator<Item = u16> {
        self.revisions.iter().map(|(since, _)| *since)
    }
}

impl PartialEq for Control {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl Eq for Control {}

impl fmt::Debug for Control {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id)
    }
}

const fn baseline(
    id: &'static str,
    demand: &'static str,
    revisions: &'static [(u16, Check)],
) -> Control {
    Control {
        id,
        level: Level::Baseline,
        demand,
        replaces: None,
        revisions,
    }
}

const fn restricted(
    id: &'static str,
    demand: &'static str,
    replaces: Option<&'static str>,
    revisions: &'static [(u16, Check)],
) -> Control {
    Control {
        id,
        level: Level::Restricted,
        demand,
        replaces,
        revisions,
    }
}

/// Ordered by level and id, as upstream runs them.
pub static CONTROLS: &[Control] = &[
    baseline(
        "apparmorprofile",
        "the AppArmor profile must be the runtime's or one of the node",
        &[(0, app_armor)],
    ),
    baseline(
        "capabilities_baseline",
        "no capability beyond the usual set of runtimes may be added",
        &[(0, capabilities)],
    ),
    baseline(
        "hostnamespaces",
        "no namespace of the node may be shared",
        &[(0, host_namespaces)],
    ),
    baseline(
        "hostpathvolumes",
        "no path of the node may be mounted",
        &[(0, host_path)],
    ),
    baseline(
        "hostports",
        "no port of the node may be taken",
        &[(0, host_ports)],
    ),
    baseline(
        "hostprobesandhostlifecycle",
        "probes and lifecycle hooks must not name a host",
        &[(34, host_probes)],
    ),
    baseline(
        "privileged",
        "no container may be privileged",
        &[(0, privileged)],
    ),
    baseline(
        "procmount",
        "/proc must be mounted with the default masks",
        &[(0, proc_mount), (35, proc_mount_1_35)],
    ),
    baseline(
        "seccompprofile_baseline",
        "the seccomp profile must not be switched off",
        &[(0, seccomp_1_0), (19, seccomp_1_19)],
    ),
    baseline(
        "selinuxoptions",
        "SELinux must keep a container type, and no user or role may be set",
        &[(0, se_linux_1_0), (31, se_linux_1_31)],
    ),
    baseline(
        "sysctls",
        "only sysctls that are safe for the node may be set",
        &[
            (0, sysctls_1_0),
            (27, sysctls_1_27),
            (29, sysctls_1_29),
            (32, sysctls_1_32),
            (NEWEST, sysctls_1_37),
        ],
    ),
    baseline(
        "windowshostprocess",
        "no container may be a process of the Windows node",
        &[(0, windows_host_process)],
    ),
    restricted(
        "allowprivilegeescalation",
        "allowPrivilegeEscalation must be false in every container",
        None,
        &[(8, escalation_1_8), (25, escalation_1_25)],
    ),
    restricted(
        "capabilities_restricted",
        "every container must drop ALL capabilities and may add NET_BIND_SERVICE only",
        Some("capabilities_baseline"),
        &[(22, capabilities_1_22), (25, capabilities_1_25)],
    ),
    restricted(
        "procmount_restricted",
        "/proc must be mounted with the default masks, in user namespaces too",
        Some("procmount"),
        &[(35, proc_mount)],
    ),
    restricted(
        "restrictedvolumes",
        "only volumes that do not reach past the cluster's own storage may be used",
        Some("hostpathvolumes"),
        &[(0, volumes)],
    ),
    restricted(
        "runasnonroot",
        "runAsNonRoot must be true, of the pod or of every container",
        None,
        &[(0, run_as_non_root_1_0), (35, run_as_non_root_1_35)],
    ),
    restricted(
        "runasuser",
        "runAsUser must not be 0",
        None,
        &[(23, run_as_user_1_23), (35, run_as_user_1_35)],
    ),
    restricted(
        "seccompprofile_restricted",
        "the seccomp profile must be RuntimeDefault or Localhost, of the pod or of every container",
        Some("seccompprofile_baseline"),
        &[(19, seccomp_restricted_1_19), (25, seccomp_restricted_1_25)],
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_whole() {
        let ids: Vec<_> = CONTROLS.iter().map(|c| (c.level, c.id)).collect();
        let mut ordered = ids.clone();
        ordered.sort_unstable();
        ordered.dedup();
        assert_eq!(ids, ordered);
        for control in CONTROLS {
            let changes: Vec<u16> = control.changes().collect();
            assert!(!changes.is_empty() && changes.is_sorted(), "{control:?}");
            assert!(changes.iter().all(|minor| *minor <= NEWEST), "{control:?}");
            assert_eq!(control.id, control.id.to_ascii_lowercase());
            if let Some(other) = control.replaces {
                let other = CONTROLS.iter().find(|c| c.id == other).unwrap();
                assert_eq!(
                    (control.level, other.level),
                    (Level::Restricted, Level::Baseline)
                );
            }
        }
    }
}
