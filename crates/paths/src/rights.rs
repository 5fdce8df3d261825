//! What the service account of a pod may do, in coarse classes.
//! Comes in: service accounts with rights, namespaces with Pod Security levels. Goes out: steps.
//! Never: an exact RBAC answer; part 3 brings it.

use crate::blast::{Step, gap};
use model::evidence::{Estimate, GapId, Ledger, Truth};
use model::situation::Reach;
use model::text::Text;
use rustc_hash::FxHashMap;
use semantics::pod_security;
use semantics::view::{
    ContainerSpec, Inventory, PodSpec, Right, RightClass, ServiceAccount, VolumeSource,
    WorkloadView,
};

pub(crate) struct Accounts<'a> {
    by_name: FxHashMap<(&'a str, &'a str), &'a ServiceAccount>,
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
        let name = |a: &'a ServiceAccount| ((&*a.namespace, &*a.name), a);
        Accounts {
            by_name: inventory.service_accounts.iter().map(name).collect(),
            inventory,
            unseen: RBAC
                .iter()
                .find_map(|kind| inventory.unseen.get(*kind))
                .copied(),
        }
    }

    pub(crate) fn find(&self, namespace: &str, name: &str) -> Option<&'a ServiceAccount> {
        self.by_name.get(&(namespace, name)).copied()
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

/// Reach and P of a class of rights, given the token.
fn worth(class: RightClass, namespace: Option<&str>) -> (Reach, f64) {
    use RightClass::{
        CreatePods, Escalate, Everything, Exec, MintTokens, Nodes, Read, ReadSecrets, Write,
    };
    match (class, namespace) {
        (Everything, None) => (Reach::Cluster, 1.0),
        (Escalate | MintTokens | CreatePods, None) => (Reach::Cluster, 0.9),
        (ReadSecrets | Nodes, None) => (Reach::Cluster, 0.8),
        (Exec, None) => (Reach::Cluster, 0.7),
        (Write, None | Some("kube-system")) => (Reach::Cluster, 0.1),
        (Read, None) => (Reach::Namespace, 0.1),
        // The controllers of the control plane live there.
        (Everything | Escalate | MintTokens | CreatePods, Some("kube-system")) => {
            (Reach::Cluster, 0.9)
        }
        (ReadSecrets | Exec, Some("kube-system")) => (Reach::Cluster, 0.6),
        (Everything | Escalate, Some(_)) => (Reach::Namespace, 1.0),
        (MintTokens | CreatePods | ReadSecrets | Exec | Nodes, Some(_)) => (Reach::Namespace, 0.8),
        (Write, Some(_)) => (Reach::Namespace, 0.2),
        (Read, Some(_)) => (Reach::Namespace, 0.05),
    }
}

pub(crate) const fn verb(class: RightClass) -> &'static str {
    match class {
        RightClass::Read => "read objects",
        RightClass::Write => "write objects",
        RightClass::Exec => "enter pods",
        RightClass::ReadSecrets => "read Secrets",
        RightClass::CreatePods => "create pods",
        RightClass::MintTokens => "make tokens of service accounts",
        RightClass::Nodes => "command nodes",
        RightClass::Escalate => "give itself more rights",
        RightClass::Everything => "do everything",
    }
}

pub(crate) fn said(account: &ServiceAccount, right: &Right) -> String {
    let place = right
        .namespace
        .as_ref()
        .map_or_else(|| "the cluster".to_owned(), |n| format!("namespace {n}"));
    format!(
        "service account {}/{} may {} in {place} ({})",
        account.namespace,
        account.name,
        verb(right.class),
        right.binding
    )
}

/// The steps that the token of a container opens.
pub(crate) fn steps(
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
    let rights = account.map_or(&[][..], |a| &a.rights);
    if rights.is_empty() && accounts.unseen.is_none() {
        return steps;
    }
    let token = token(template, container, account, ledger);
    if token.probability.high <= 0.0 {
        return steps;
    }
    if let Some(unseen) = accounts.unseen {
        let p = token.probability.times(Estimate::between(0.0, 0.05, 0.9));
        let mut step = Step::new(
            "rbac-unseen",
            Reach::Cluster,
            p,
            "bindings were not listed: its rights are not known",
        );
        step.missing.push(unseen);
        steps.push(step);
    }
    // The same right from two bindings is one right.
    let mut told: Vec<(RightClass, Option<&Text>)> = Vec::new();
    for (account, right) in account
        .into_iter()
        .flat_map(|a| a.rights.iter().map(move |r| (a, r)))
    {
        if told.contains(&(right.class, right.namespace.as_ref())) {
            continue;
        }
        told.push((right.class, right.namespace.as_ref()));
        let (reach, p) = worth(right.class, right.namespace.as_deref());
        let mut step = Step::new(
            kind(right.class),
            reach,
            token.probability.times(Estimate::exact(p)),
            said(account, right),
        );
        step.because
            .push(ledger.about(&right.binding, said(account, right)));
        step.missing.extend(token.missing);
        if let (RightClass::CreatePods | RightClass::Everything, Some(place)) =
            (right.class, &right.namespace)
        {
            let (admits, open) = accounts.admits_privileged(place, ledger);
            let mut node = step.clone();
            node.reach = Reach::Node;
            node.probability = token.probability.times(admits);
            node.reason =
                format!("{}, where Pod Security admits privileged pods", step.reason).into();
            node.missing.extend(open);
            steps.push(node);
        }
        steps.push(step);
    }
    steps
}

/// Stable name of the edge that a class of rights gives.
pub(crate) const fn kind(class: RightClass) -> &'static str {
    match class {
        RightClass::Read => "rbac-read",
        RightClass::Write => "rbac-write",
        RightClass::Exec => "rbac-exec",
        RightClass::ReadSecrets => "rbac-read-secrets",
        RightClass::CreatePods => "rbac-create-pods",
        RightClass::MintTokens => "rbac-mint-tokens",
        RightClass::Nodes => "rbac-nodes",
        RightClass::Escalate => "rbac-escalate",
        RightClass::Everything => "rbac-everything",
    }
}
