//! NetworkPolicies from what is declared, and whether everything declared still passes under them.
//! Comes in: a Snapshot, declarations, namespaces. Goes out: a `Proposal`; of the file that was written from it, what the
//! reachability engine says. Never: a file under which a declared dependency breaks.

use cluster::manifests::{self, DEFAULT_MAX_BYTES, Input};
use model::evidence::Ledger;
use model::netpol::{Checked, Proposal};
use model::snapshot::Snapshot;
use model::text::Text;
use network::dependencies::{Dependencies, Dependency, Party, declared, denied, passes};
use network::reach::{Peer, Reach};
use semantics::declare::Declarations;
use semantics::view::Inventory;

pub use network::Scope;

/// Broken dependencies that are named.
const MOST: usize = 3;

#[derive(Debug, thiserror::Error)]
pub enum NetpolError {
    #[error("{0} is the cluster's own: a default deny there would end it")]
    Refused(Text),
    #[error("no workload is in namespace {0}")]
    NoSuchNamespace(Text),
    #[error(
        "the snapshot does not say which Services its workloads name: an older plimsoll wrote it; collect it again"
    )]
    Unread,
    #[error(
        "the policies would break {count} of {of} declared dependencies, nothing was written: {named}"
    )]
    Broken {
        count: usize,
        of: usize,
        named: String,
    },
    #[error("the policies that were written cannot be read back: {0}")]
    Written(String),
}

/// What is declared, and the policies for it.
#[derive(Debug)]
pub struct Plan {
    pub proposal: Proposal,
    pub notes: Vec<String>,
    /// Nothing that could depend on others is known to be unseen.
    pub complete: bool,
    /// Declared, but denied by policies that exist: they stay denied.
    pub denied: usize,
    dependencies: Dependencies,
    scope: Scope,
}

impl Plan {
    pub fn of(
        snapshot: &Snapshot,
        declarations: &Declarations,
        scope: Scope,
    ) -> Result<Self, NetpolError> {
        if let Some(name) = scope.refused() {
            return Err(NetpolError::Refused(Text::clone(name)));
        }
        let inventory = semantics::inventory(snapshot, declarations, &mut Ledger::default());
        let known = |name: &&Text| {
            let mut views = inventory.workloads.iter();
            views.any(|view| view.workload.key.namespace == **name)
        };
        if let Some(name) = scope.namespaces.iter().find(|name| !known(name)) {
            return Err(NetpolError::NoSuchNamespace(Text::clone(name)));
        }
        let named = semantics::named::named(snapshot, &inventory);
        if named.unread {
            return Err(NetpolError::Unread);
        }
        let mut dependencies = declared(&inventory, &named);
        // What was proposed before does not stay: it is proposed anew.
        let mut others = inventory.clone();
        others
            .network_policies
            .retain(|policy| !policy.name.starts_with(network::PREFIX));
        let denied = denied(&others, &Reach::of(&others), &mut dependencies.all);
        let unseen: Vec<&str> = inventory.unseen.keys().map(|kind| &**kind).collect();
        let mut notes = Vec::new();
        if !unseen.is_empty() {
            notes.push(format!(
                "not seen completely: {}; what they declare is not in it",
                unseen.join(", ")
            ));
        }
        for kind in [
            "ServiceMonitor.monitoring.coreos.com",
            "PodMonitor.monitoring.coreos.com",
        ] {
            if let Some(count) = snapshot.other_kinds.get(kind) {
                notes.push(format!(
                    "{count} {kind} are there, which are not read: scrapes that they declare are cut"
                ));
            }
        }
        let mut plan = Plan {
            proposal: network::segments(&inventory, &named, &dependencies, &scope),
            notes,
            complete: unseen.is_empty(),
            dependencies,
            denied: 0,
            scope,
        };
        plan.denied = denied
            .iter()
            .filter(|d| plan.touches(&inventory, d))
            .count();
        Ok(plan)
    }

    /// Applies the file that was written from the proposal, and asks for every declared dependency.
    pub fn check(
        &self,
        mut snapshot: Snapshot,
        declarations: &Declarations,
        yaml: &[u8],
    ) -> Result<Checked, NetpolError> {
        let before = semantics::inventory(&snapshot, declarations, &mut Ledger::default());
        apply(&mut snapshot, yaml)?;
        let after = semantics::inventory(&snapshot, declarations, &mut Ledger::default());
        let added = after.network_policies.len() >= self.proposal.policies.len();
        if !added || before.workloads.len() != after.workloads.len() {
            let what = "not all of them are there".to_owned();
            return Err(NetpolError::Written(what));
        }
        let (was, is) = (Reach::of(&before), Reach::of(&after));
        let mut checked = Checked {
            before: pairs(&was),
            after: pairs(&is),
            ..Checked::default()
        };
        let mut broken = Vec::new();
        for dependency in &self.dependencies.all {
            if self.touches(&before, dependency) {
                checked.asked += 1;
                if passes(&after, &is, dependency) < passes(&before, &was, dependency) {
                    broken.push(sentence(&before, dependency));
                }
            }
        }
        if broken.is_empty() {
            return Ok(checked);
        }
        let named = broken.iter().take(MOST).map(|text| &**text);
        Err(NetpolError::Broken {
            count: broken.len(),
            of: checked.asked,
            named: named.collect::<Vec<_>>().join("; "),
        })
    }

    /// Whether the proposal speaks of one of its ends.
    fn touches(&self, inventory: &Inventory, dependency: &Dependency) -> bool {
        [&dependency.from, &dependency.to].into_iter().any(|party| {
            let Party::Workload(n) = party else {
                return false;
            };
            let view = inventory.workloads.get(*n as usize);
            view.is_some_and(|view| self.scope.holds(&view.workload.key.namespace))
        })
    }
}

/// As `kubectl apply` does: what has the same name is replaced.
fn apply(snapshot: &mut Snapshot, yaml: &[u8]) -> Result<(), NetpolError> {
    let options = manifests::Options {
        kubernetes_minor: Some(snapshot.version.minor),
        max_bytes: DEFAULT_MAX_BYTES,
        redaction_key: [0; 32],
    };
    let input = Input::Bytes {
        name: "policies".into(),
        bytes: yaml.into(),
    };
    let read = manifests::read(&[input], &options);
    let read = read.map_err(|error| NetpolError::Written(error.to_string()))?;
    snapshot.objects.retain(|object| {
        let (kind, group) = (&*object.gvk.kind, &*object.gvk.group);
        let policy = kind == "NetworkPolicy" && group == "networking.k8s.io";
        !policy
            || read
                .find(group, kind, object.namespace.as_deref(), &object.name)
                .is_none()
    });
    snapshot.objects.extend(read.objects);
    snapshot.sort();
    Ok(())
}

fn pairs(reach: &Reach<'_>) -> usize {
    let mut sweep = reach.sweep();
    let is_workload = |peer: &Peer| matches!(peer, Peer::Workload(_));
    let targets = sweep
        .targets()
        .iter()
        .filter(|peer| is_workload(peer))
        .count();
    let mut count = 0;
    for source in sweep.sources().filter(is_workload) {
        sweep.begin(source);
        // Workloads are the first targets.
        let answers = (0..targets).map(|at| sweep.answer(at));
        let open = answers.filter_map(|answer| sweep.ports(answer));
        count += open.filter(|ports| !ports.written.is_empty()).count();
    }
    count
}

fn sentence(inventory: &Inventory, dependency: &Dependency) -> Text {
    let party = |party: &Party| match party {
        Party::Workload(n) => inventory
            .workloads
            .get(*n as usize)
            .map_or_else(String::new, |view| view.workload.object.to_string()),
        Party::Anyone => "anyone".to_owned(),
        Party::Outside(blocks) if blocks.is_empty() => "outside".to_owned(),
        Party::Outside(blocks) => {
            let blocks: Vec<String> = blocks.iter().map(ToString::to_string).collect();
            blocks.join(", ")
        }
        Party::Labelled(namespace, _) => format!("pods of {namespace}"),
        Party::Controller => "the ingress controller".to_owned(),
        Party::ApiServer => "the API server".to_owned(),
    };
    let because = &dependency.because;
    format!(
        "{} to {} by {} {}",
        party(&dependency.from),
        party(&dependency.to),
        because.object,
        because.pointer
    )
    .into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt::Write as _;

    const OBJECTS: &str = r#"
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: c, image: x, env: [{name: API, value: "http://api"}]}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: api, namespace: shop}
spec:
  selector: {matchLabels: {app: api}}
  template:
    metadata: {labels: {app: api}}
    spec: {containers: [{name: c, image: x, ports: [{containerPort: 8080}]}]}
---
apiVersion: v1
kind: Service
metadata: {name: api, namespace: shop}
spec: {selector: {app: api}, ports: [{port: 80, targetPort: 8080}]}
"#;

    fn read(text: &str) -> Snapshot {
        let options = manifests::Options {
            kubernetes_minor: None,
            max_bytes: DEFAULT_MAX_BYTES,
            redaction_key: [7; 32],
        };
        let input = Input::Bytes {
            name: "-".into(),
            bytes: text.as_bytes().into(),
        };
        manifests::read(&[input], &options).unwrap()
    }

    /// Policies of the proposal's names that let through what `egress` says, and nothing in.
    fn written(plan: &Plan, egress: &str) -> String {
        let mut text = String::new();
        for policy in &plan.proposal.policies {
            let _ = write!(
                text,
                "---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {{name: {}, namespace: {}}}\n\
                 spec: {{podSelector: {{}}, policyTypes: [Egress], egress: {egress}}}\n",
                policy.name, policy.namespace
            );
        }
        text
    }

    #[test]
    fn what_breaks_a_dependency_is_an_error() {
        let declarations = Declarations::default();
        let snapshot = read(OBJECTS);
        let plan = Plan::of(&snapshot, &declarations, Scope::default()).unwrap();
        let check = |yaml: &str| plan.check(snapshot.clone(), &declarations, yaml.as_bytes());
        let open = check(&written(&plan, "[{}]")).unwrap();
        assert!(open.asked >= 3 && open.before == open.after, "{open:?}");
        let broken = check(&written(&plan, "[]")).unwrap_err();
        assert!(matches!(broken, NetpolError::Broken { .. }), "{broken}");
        assert!(broken.to_string().contains("Deployment shop/"), "{broken}");
        for lost in ["", "{", "a: 1"] {
            let error = check(lost).unwrap_err();
            assert!(matches!(error, NetpolError::Written(_)), "{lost}: {error}");
        }
    }

    #[test]
    fn a_snapshot_that_does_not_say_whom_values_name_is_refused() {
        let mut snapshot = read(OBJECTS);
        for object in &mut snapshot.objects {
            let text = String::from_utf8(object.json.to_vec()).unwrap();
            object.json = text.replace(";shop/api:80", "").into_bytes().into();
        }
        let refused = Plan::of(&snapshot, &Declarations::default(), Scope::default());
        assert!(matches!(refused, Err(NetpolError::Unread)));
    }
}
