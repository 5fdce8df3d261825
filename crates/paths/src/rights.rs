//! Service accounts of pods: whether their tokens are in reach, and what of their rights nobody saw.
//! Comes in: service accounts, pod specs, namespaces with Pod Security levels. Goes out: tokens, steps.
//! Never: what the rights are worth; the graph tells (`worth`).

use crate::blast::{Step, gap};
use model::evidence::{Estimate, GapId, Ledger, Truth};
use model::situation::Reach;
use rustc_hash::FxHashMap;
use semantics::pod_security;
use semantics::view::{
    ContainerSpec, Inventory, PodSpec, ServiceAccount, VolumeSource, WorkloadView,
};

pub(crate) struct Accounts<'a> {
    by_name: FxHashMap<(&'a str, &'a str), u32>,
    inventory: &'a Inventory,
    /// Bindings or roles were not listed completely.
    unseen: Option<GapId>,
}

/// Whether a token is in reach of a container: P, and the gap where it is open.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Token {
    pub(crate) probability: Estimate,
    pub(crate) missing: Option<GapId>,
}

const RBAC: [&str; 4] = ["ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"];
const READABLE: Estimate = Estimate::exact(0.95);

impl<'a> Accounts<'a> {
    pub(crate) fn of(inventory: &'a Inventory) -> Self {
        let name = |(n, a): (u32, &'a ServiceAccount)| ((&*a.namespace, &*a.name), n);
        Accounts {
            by_name: (0..).zip(&inventory.service_accounts).map(name).collect(),
            inventory,
            unseen: RBAC
                .iter()
                .find_map(|kind| inventory.unseen.get(*kind))
                .copied(),
        }
    }

    pub(crate) fn find(&self, namespace: &str, name: &str) -> Option<&'a ServiceAccount> {
        self.numbered(namespace, name).map(|(_, account)| account)
    }

    /// The account, and its index in the inventory.
    pub(crate) fn numbered(
        &self,
        namespace: &str,
        name: &str,
    ) -> Option<(u32, &'a ServiceAccount)> {
        let n = *self.by_name.get(&(namespace, name))?;
        Some((n, self.inventory.service_accounts.get(n as usize)?))
    }

    /// P(Pod Security lets a pod of the namespace onto the node).
    pub(crate) fn admits_privileged(
        &self,
        namespace: &str,
        ledger: &mut Ledger,
    ) -> (Estimate, Option<GapId>) {
        let may = pod_security::of_namespace(self.inventory, namespace).powers();
        let ways = [
            may.privileged,
            may.host_path,
            may.host_namespaces,
            may.escape_capability,
        ];
        match ways.into_iter().max() {
            Some(Truth::Yes) => (Estimate::exact(0.9), None),
            Some(Truth::Unknown) => {
                let gap = ledger.gap(gap(
                    "pod-security-default-unknown",
                    "namespaces without a Pod Security label: the cluster's default decides, and it was not seen",
                    "namespaces",
                    "declare podSecurity: {default: LEVEL} in plimsoll.yaml",
                ));
                (Estimate::between(0.05, 0.8, 0.9), Some(gap))
            }
            Some(Truth::No) | None => (Estimate::exact(0.05), None),
        }
    }
}

/// Whether the kubelet puts the token of the pod's account into its containers (KEP-541, KEP-1205).
pub(crate) fn mounted(
    template: &PodSpec,
    account: Option<&ServiceAccount>,
    ledger: &mut Ledger,
) -> Token {
    let known = |mounted: bool| Token {
        probability: if mounted {
            READABLE
        } else {
            Estimate::exact(0.0)
        },
        missing: None,
    };
    match (template.automount_token, account.filter(|a| a.seen)) {
        (Some(said), _) => known(said),
        (None, Some(account)) => known(account.automount_token),
        (None, None) => Token {
            probability: Estimate::between(0.0, 0.9, 0.95),
            missing: Some(ledger.gap(gap(
                "service-account-not-seen",
                "service accounts that pods use were not seen: whether their tokens are mounted is open",
                "serviceaccounts",
                "give the ServiceAccount objects too, or set automountServiceAccountToken",
            ))),
        },
    }
}

/// The token in reach of one container: mounted by the kubelet, or projected by the pod itself for an audience that is not known.
pub(crate) fn token(
    template: &PodSpec,
    container: &ContainerSpec,
    account: Option<&ServiceAccount>,
    ledger: &mut Ledger,
) -> Token {
    let mut token = mounted(template, account, ledger);
    let projected = container.mounts.iter().any(|mount| {
        let volume = template.volumes.iter().find(|v| v.name == mount.volume);
        matches!(volume.map(|v| &v.source), Some(VolumeSource::Token { .. }))
    });
    if projected && token.probability.low < READABLE.low {
        token.probability = token.probability.max(Estimate::between(0.3, 0.8, 0.95));
        token.missing = Some(token.missing.unwrap_or_else(|| {
            ledger.gap(gap(
                "token-audience-unknown",
                "projected tokens whose audience is not known: whether the API server takes them is open",
                "workloads",
                "",
            ))
        }));
    }
    token
}

/// What the account may in the cloud, and by bindings that were not listed.
pub(crate) fn unseen(
    view: &WorkloadView,
    template: &PodSpec,
    container: &ContainerSpec,
    accounts: &Accounts<'_>,
    ledger: &mut Ledger,
) -> Vec<Step> {
    let namespace = &view.workload.key.namespace;
    let account = accounts.find(namespace, &template.service_account);
    let mut steps = Vec::new();
    if let Some(identity) = account.and_then(|a| a.cloud_identity.as_ref()) {
        let reason = format!("the service account is the cloud identity {identity}");
        let mut step = Step::new(
            "cloud-identity",
            Reach::Cluster,
            Estimate::between(0.0, 0.1, 0.9),
            reason,
        );
        step.missing.push(ledger.gap(gap(
            "cloud-identity-rights-unknown",
            "service accounts with a cloud identity: its rights in the cloud were not seen",
            "serviceaccounts",
            "",
        )));
        steps.push(step);
    }
    let Some(unseen) = accounts.unseen else {
        return steps;
    };
    let token = token(template, container, account, ledger);
    if token.probability.high > 0.0 {
        let p = token.probability.times(Estimate::between(0.0, 0.05, 0.9));
        let reason = "bindings were not listed: its rights are not known";
        let mut step = Step::new("rbac-unseen", Reach::Cluster, p, reason);
        step.missing.push(unseen);
        steps.push(step);
    }
    steps
}
