//! Kinds of edges that follow from what the nodes are, each with its technique, and where to ask for those of all.
//! Goes out: one constant a kind. Beside them: `rbac/table.rs` for rights, `escape/kinds.rs` for ways out of containers.
//! Never: a kind without a word on its technique; empty says that none fits.

use crate::rbac::PRIMITIVES;

#[derive(Debug)]
pub(crate) struct Kind {
    /// Stable.
    pub(crate) name: &'static str,
    /// Of MITRE ATT&CK for containers and the cloud.
    pub(crate) technique: &'static str,
}

const fn kind(name: &'static str, technique: &'static str) -> Kind {
    Kind { name, technique }
}

/// Exploiting what listens there.
pub(crate) const ENDPOINT_EXPLOIT: Kind = kind("ENDPOINT_EXPLOIT", "T1190");
pub(crate) const POD_NETWORK: Kind = kind("POD_NETWORK", "T1021");
/// From a node into the pods on it.
pub(crate) const POD_ATTACH: Kind = kind("POD_ATTACH", "T1609");
pub(crate) const IDENTITY_ASSUME: Kind = kind("IDENTITY_ASSUME", "T1528");
pub(crate) const VOLUME_DISCOVER: Kind = kind("VOLUME_DISCOVER", "T1528");
pub(crate) const TOKEN_STEAL: Kind = kind("TOKEN_STEAL", "T1528");
pub(crate) const KUBELET_TOKEN: Kind = kind("KUBELET_TOKEN", "T1528");
/// A pod of one's own runs as an account of its namespace, mounts its Secrets, enters the node.
pub(crate) const POD_TOKEN: Kind = kind("POD_TOKEN", "T1528");
pub(crate) const POD_MOUNT_SECRET: Kind = kind("POD_MOUNT_SECRET", "T1552.007");
pub(crate) const POD_ESCAPE: Kind = kind("POD_ESCAPE", "T1611");
pub(crate) const TENANT: Kind = kind("TENANT", "");
/// From a subject to the rights of a role.
pub(crate) const PERMISSION_DISCOVER: Kind = kind("PERMISSION_DISCOVER", "T1078");
pub(crate) const GROUP_MEMBER: Kind = kind("GROUP_MEMBER", "T1078");
pub(crate) const SYSTEM_CONTROLLER: Kind = kind("SYSTEM_CONTROLLER", "");
pub(crate) const CLUSTER_ADMIN: Kind = kind("CLUSTER_ADMIN", "T1098.006");
pub(crate) const NAMESPACE_ADMIN: Kind = kind("NAMESPACE_ADMIN", "T1098.006");
pub(crate) const CLOUD_IDENTITY: Kind = kind("CLOUD_IDENTITY", "T1078.004");
pub(crate) const CLOUD_RETURN: Kind = kind("CLOUD_RETURN", "T1078.004");
pub(crate) const NODE_CHOICE: Kind = kind("NODE_CHOICE", "");
pub(crate) const CONTROL_PLANE_KEYS: Kind = kind("CONTROL_PLANE_KEYS", "T1552.004");
// Openings to the outside.
pub(crate) const LOAD_BALANCER: Kind = kind("LOAD_BALANCER", "");
pub(crate) const NODE_PORT: Kind = kind("NODE_PORT", "");
pub(crate) const EXTERNAL_IP: Kind = kind("EXTERNAL_IP", "");
pub(crate) const HOST_PORT: Kind = kind("HOST_PORT", "");
pub(crate) const HOST_NETWORK: Kind = kind("HOST_NETWORK", "");
pub(crate) const INGRESS: Kind = kind("INGRESS", "");
pub(crate) const GATEWAY: Kind = kind("GATEWAY", "");
pub(crate) const ROUTE: Kind = kind("ROUTE", "");
pub(crate) const TUNNEL: Kind = kind("TUNNEL", "");
pub(crate) const UNSEEN: Kind = kind("UNSEEN", "");

const ALL: [&Kind; 30] = [
    &ENDPOINT_EXPLOIT,
    &POD_NETWORK,
    &POD_ATTACH,
    &IDENTITY_ASSUME,
    &VOLUME_DISCOVER,
    &TOKEN_STEAL,
    &KUBELET_TOKEN,
    &POD_TOKEN,
    &POD_MOUNT_SECRET,
    &POD_ESCAPE,
    &TENANT,
    &PERMISSION_DISCOVER,
    &GROUP_MEMBER,
    &SYSTEM_CONTROLLER,
    &CLUSTER_ADMIN,
    &NAMESPACE_ADMIN,
    &CLOUD_IDENTITY,
    &CLOUD_RETURN,
    &NODE_CHOICE,
    &CONTROL_PLANE_KEYS,
    &LOAD_BALANCER,
    &NODE_PORT,
    &EXTERNAL_IP,
    &HOST_PORT,
    &HOST_NETWORK,
    &INGRESS,
    &GATEWAY,
    &ROUTE,
    &TUNNEL,
    &UNSEEN,
];

/// The technique of an edge that is no way out of a container: those know their own.
pub(crate) fn technique(name: &str) -> &'static str {
    let rights = PRIMITIVES.iter().map(|p| (p.kind, p.technique));
    let own = ALL.iter().map(|kind| (kind.name, kind.technique));
    let mut found = rights.chain(own).filter(|(known, _)| *known == name);
    found.next().map_or("", |(_, technique)| technique)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn one_technique_a_kind() {
        let mut known: BTreeMap<&str, &str> = BTreeMap::new();
        let rights = PRIMITIVES.iter().map(|p| (p.kind, p.technique));
        let own = ALL.iter().map(|kind| (kind.name, kind.technique));
        for (name, technique) in rights.chain(own) {
            assert!(
                technique.is_empty() || technique.starts_with('T'),
                "{name}: {technique}"
            );
            assert_eq!(*known.entry(name).or_insert(technique), technique, "{name}");
        }
        for (name, expected) in [
            ("POD_EXEC", "T1609"),
            ("POD_CREATE", "T1610"),
            ("TOKEN_LIST", "T1552.007"),
            ("ROLE_BIND", "T1098.006"),
            ("POD_NETWORK", "T1021"),
            ("BINDING_WRITE", ""),
            ("NO_SUCH_KIND", ""),
        ] {
            assert_eq!(technique(name), expected, "{name}");
        }
    }
}
