//! Actions on what runs below the pods (rule 7): a newer kubelet, container runtime or kernel on a group of nodes.
//! In: the findings of nodes and of the control plane; out: one candidate for all hosts that need the same version.
//! Never: a minor version of a component crossed without saying so.

use super::Candidate;
use super::upgrade::{is_host, unfixed};
use super::value::{Board, Effect};
use super::words::{plain, shell};
use crate::kernel::{is_kernel, is_system_package};
use crate::subject::Subjects;
use model::action::{ActionKind, FixClass};
use model::assessment::Assessment;
use model::matches::{FixState, Package};
use model::text::Text;
use model::version;
use std::collections::{BTreeMap, BTreeSet};

/// Names and packages that are written out; the rest is counted.
const MOST: usize = 5;

/// What is upgraded at once, on however many hosts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    /// All packages of the hosts' distribution.
    Distribution,
    /// A component of its own, to a newer patch of this minor version; `None`: to another one.
    Component { name: Text, minor: Option<String> },
}

#[derive(Default)]
struct Group {
    /// Image -> its entries.
    entries: BTreeMap<u32, BTreeSet<u32>>,
    findings: Vec<u32>,
    packages: Packages,
}

/// By the name that an administrator knows.
type Packages = BTreeMap<Text, Upgrade>;

struct Upgrade {
    installed: BTreeSet<Text>,
    to: Text,
    /// One of them, for its kind.
    package: Package,
}

pub(crate) fn candidates(
    assessment: &Assessment,
    subjects: &Subjects,
    board: &mut Board,
) -> Vec<Candidate> {
    let mut groups: BTreeMap<Step, Group> = BTreeMap::new();
    let mut stuck: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    let mut kept_open: Vec<u32> = Vec::new();
    for (image, index) in assessment.images.iter().zip(0u32..) {
        let runs = board.by_image.get(index as usize);
        if !is_host(image) || runs.is_none_or(Vec::is_empty) {
            continue;
        }
        let range = subjects.images.get(index as usize).cloned().unwrap_or(0..0);
        for (entry, id) in subjects.of_image(index as usize).iter().zip(range) {
            let id = u32::try_from(id).unwrap_or(u32::MAX);
            for number in subjects.findings_of(entry) {
                if let Some((step, package, to)) = step(assessment, *number) {
                    let group = groups.entry(step).or_default();
                    group.entries.entry(index).or_default().insert(id);
                    group.findings.push(*number);
                    group.require(package, to);
                } else {
                    stuck.entry(index).or_default().push(*number);
                    kept_open.push(id);
                }
            }
        }
    }
    block(&groups, &kept_open, board);
    let mut candidates: Vec<Candidate> = groups
        .into_iter()
        .map(|(step, group)| candidate(assessment, board, &step, group))
        .collect();
    for (index, findings) in stuck {
        let on = Hosts::of(assessment, board, &[index]);
        candidates.extend(unfixed(assessment, board, &on.words(), index, &findings));
    }
    candidates
}

/// Counts for each entry the actions that it takes to close it; what has no fix stays open.
fn block(groups: &BTreeMap<Step, Group>, kept_open: &[u32], board: &mut Board) {
    let closing = || {
        groups
            .values()
            .flat_map(|group| group.entries.values().flatten())
    };
    let mut set = |entry: &u32, count: fn(u16) -> u16| {
        if let Some(open) = board.open.get_mut(*entry as usize) {
            *open = count(*open);
        }
    };
    for entry in closing() {
        set(entry, |_| 0);
    }
    for entry in kept_open {
        set(entry, |_| 1);
    }
    for entry in closing() {
        set(entry, |open| open.saturating_add(1));
    }
}

/// What closes a finding, and the version that it takes.
fn step(assessment: &Assessment, number: u32) -> Option<(Step, &Package, &Text)> {
    let finding = assessment.findings.get(number as usize)?;
    let package = assessment.packages.get(finding.package? as usize)?;
    let fixes = &finding.fix.versions;
    if !matches!(finding.fix.state, FixState::Fixed | FixState::Unknown) {
        return None;
    }
    if is_system_package(package) {
        let to = version::choose(&package.version, fixes)?;
        return Some((Step::Distribution, package, to));
    }
    let to = version::choose_patch(&package.version, fixes)?;
    let minor = version::minor(to);
    let step = Step::Component {
        name: component(&package.name).into(),
        minor: Some(minor).filter(|minor| *minor == version::minor(&package.version)),
    };
    Some((step, package, to))
}

/// The name that an administrator knows: `k8s.io/kubelet` and `github.com/containerd/containerd` are Go modules.
fn component(name: &str) -> &str {
    match name {
        "k8s.io/apiserver" | "apiserver" => "kube-apiserver",
        "k8s.io/controller-manager" | "controller-manager" => "kube-controller-manager",
        "k8s.io/scheduler" | "scheduler" => "kube-scheduler",
        "github.com/containerd/containerd" | "github.com/containerd/containerd/v2" => "containerd",
        "github.com/opencontainers/runc" => "runc",
        "github.com/cri-o/cri-o" => "cri-o",
        _ => name.strip_prefix("k8s.io/").unwrap_or(name),
    }
}

impl Group {
    fn require(&mut self, package: &Package, to: &Text) {
        let name = component(&package.name).into();
        let known = self.packages.entry(name).or_insert_with(|| Upgrade {
            installed: BTreeSet::new(),
            to: Text::clone(to),
            package: package.clone(),
        });
        if version::compare(to, &known.to).is_gt() {
            known.to = Text::clone(to);
        }
        known.installed.insert(Text::clone(&package.version));
    }
}

/// The hosts of a group.
struct Hosts {
    names: Vec<Text>,
    /// All of them are nodes of the cluster.
    nodes: bool,
    targets: Vec<u32>,
}

impl Hosts {
    fn of(assessment: &Assessment, board: &Board, images: &[u32]) -> Hosts {
        let mut found = Hosts {
            names: Vec::new(),
            nodes: true,
            targets: Vec::new(),
        };
        for image in images {
            let scanned = assessment.images.get(*image as usize);
            let targets = board.by_image.get(*image as usize);
            for id in targets.into_iter().flatten() {
                let Some(target) = board.targets.get(*id as usize) else {
                    continue;
                };
                let workload = board.workload(target).map(|workload| &workload.object);
                found.targets.push(*id);
                found.nodes &= workload.is_some_and(|object| &*object.kind == "Node");
                let name = workload.map(|object| &object.name);
                found
                    .names
                    .extend(name.or(scanned.map(|image| &image.name)).cloned());
            }
        }
        found.names.sort();
        found.names.dedup();
        found.targets.sort_unstable();
        found.targets.dedup();
        found
    }

    /// `node a`, `3 nodes: a, b, c`, `kube-apiserver`.
    fn words(&self) -> String {
        let kind = if self.nodes { "node" } else { "host" };
        match self.names.as_slice() {
            [one] if self.nodes => format!("node {one}"),
            [one] => one.to_string(),
            many => format!("{} {kind}s: {}", many.len(), listed(many)),
        }
    }
}

/// The first few names, and how many there are beside them.
fn listed(names: &[Text]) -> String {
    let shown: Vec<&str> = names.iter().take(MOST).map(|name| &**name).collect();
    match names.len().saturating_sub(MOST) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

fn candidate(assessment: &Assessment, board: &Board, step: &Step, group: Group) -> Candidate {
    let images: Vec<u32> = group.entries.keys().copied().collect();
    let hosts = Hosts::of(assessment, board, &images);
    let mut closes = group.findings;
    closes.sort_unstable();
    closes.dedup();
    let written = Written::of(step, &group.packages, &hosts);
    let entries = group.entries.into_iter();
    Candidate {
        looked_at: false,
        kind: ActionKind::UpgradePackage,
        title: title(step, &group.packages, &hosts),
        key: match step {
            Step::Distribution => "hosts\0distribution".to_owned(),
            Step::Component { name, minor } => {
                format!("hosts\0{name}\0{}", minor.as_deref().unwrap_or("across"))
            }
        },
        image: images.first().copied(),
        object: None,
        source: None,
        closes,
        targets: hosts.targets,
        effect: Effect::Fix(
            entries
                .map(|(image, entries)| (image, entries.into_iter().collect()))
                .collect(),
        ),
        class: FixClass::NeedsTest,
        class_reason: written.reason.into(),
        because: Vec::new(),
        exact: written
            .exact
            .iter()
            .map(|line| plain(line).into())
            .collect(),
        undo: plain(&written.undo).into(),
    }
}

/// `upgrade kubelet to 1.20.15 on 3 nodes: a, b, c`.
fn title(step: &Step, packages: &Packages, hosts: &Hosts) -> String {
    let (what, itself) = match (step, packages.first_key_value()) {
        (Step::Component { name, minor }, Some((_, upgrade))) => {
            let across = if minor.is_none() {
                ", another minor version,"
            } else {
                ""
            };
            (
                format!("{name} to {}{across}", upgrade.to),
                matches!(hosts.names.as_slice(), [host] if host == name),
            )
        }
        (Step::Distribution, Some((name, upgrade))) if packages.len() == 1 => {
            (format!("{name} to {}", upgrade.to), false)
        }
        _ => (
            format!("{} packages of the distribution", packages.len()),
            false,
        ),
    };
    if itself {
        return format!("upgrade {}", what.trim_end_matches(','));
    }
    format!("upgrade {what} on {}", hosts.words())
}

/// What to type, why it needs a test, and how to take it back.
struct Written {
    exact: Vec<String>,
    reason: String,
    undo: String,
}

impl Written {
    fn of(step: &Step, packages: &Packages, hosts: &Hosts) -> Written {
        let undo: Vec<String> = packages
            .iter()
            .take(MOST)
            .map(|(name, upgrade)| {
                let installed: Vec<&str> = upgrade.installed.iter().map(|v| &**v).collect();
                format!("{name} {}", installed.join(" or "))
            })
            .collect();
        let more = if packages.len() > MOST { " ..." } else { "" };
        let undo = format!("install {}{more} again, in the same way", undo.join(", "));
        let kernel = packages.values().any(|upgrade| is_kernel(&upgrade.package));
        let (exact, reason) = match step {
            Step::Component { name, minor } => {
                let upgrade = packages.values().next();
                let to = upgrade.map_or("", |upgrade| upgrade.to.trim_start_matches('v'));
                let mut exact = component_lines(name, to, hosts);
                let reason = if minor.is_some() {
                    "a newer patch of the same minor version; it restarts".to_owned()
                } else {
                    let minor = version::minor(to);
                    exact.insert(0, across(name, &minor));
                    format!("crosses a minor version: {} to {minor}", minors(packages))
                };
                (exact, reason)
            }
            Step::Distribution if kernel => (
                on_hosts(hosts, &distribution(packages)),
                "a newer kernel: the hosts restart".to_owned(),
            ),
            Step::Distribution => (
                on_hosts(hosts, &distribution(packages)),
                "newer packages on hosts that run pods".to_owned(),
            ),
        };
        Written {
            exact,
            reason,
            undo,
        }
    }
}

/// The minor versions that are installed.
fn minors(packages: &Packages) -> String {
    let installed = packages.values().flat_map(|upgrade| &upgrade.installed);
    let all: BTreeSet<String> = installed.map(|version| version::minor(version)).collect();
    all.into_iter().collect::<Vec<_>>().join(", ")
}

/// Version skew policy: components go one minor version at a time, the API server first.
fn across(name: &str, minor: &str) -> String {
    if name == "kubelet" {
        return format!(
            "this crosses a minor version: first bring the control plane to {minor}, one minor version at a time"
        );
    }
    format!(
        "this crosses a minor version: read what {minor} removes, and go one minor version at a time"
    )
}

fn component_lines(name: &str, to: &str, hosts: &Hosts) -> Vec<String> {
    let to = plain(to);
    match name {
        "kube-apiserver" | "kube-controller-manager" | "kube-scheduler" => vec![
            format!("kubeadm upgrade plan {}", shell(&format!("v{to}"))),
            format!("kubeadm upgrade apply {}", shell(&format!("v{to}"))),
            format!("made by other means: its own way to {to} or a later patch"),
        ],
        "kubelet" => {
            let package = shell(&format!("kubelet={to}-*"));
            let mut lines = on_hosts(
                hosts,
                &format!(
                    "apt-get install -y --allow-change-held-packages {package} && systemctl restart kubelet"
                ),
            );
            lines.push(
                "a kubelet is never newer than kube-apiserver: upgrade that first".to_owned(),
            );
            lines
        }
        "containerd" | "cri-o" => {
            let unit = name.replace('-', "");
            on_hosts(
                hosts,
                &format!("install {name} {to}, then systemctl restart {unit}"),
            )
        }
        _ => on_hosts(hosts, &format!("install {} {to}", plain(name))),
    }
}

/// One node is drained, changed and taken back before the next.
fn on_hosts(hosts: &Hosts, command: &str) -> Vec<String> {
    let Some((first, rest)) = hosts.names.split_first() else {
        return Vec::new();
    };
    let mut lines = vec![format!("on {}: {command}", plain(first))];
    if hosts.nodes {
        let drain = format!("kubectl drain {} --ignore-daemonsets", shell(first));
        lines.insert(0, drain);
        lines.push(format!("kubectl uncordon {}", shell(first)));
        lines.push("nodes of a pool: move the pool to a newer image instead".to_owned());
    }
    if !rest.is_empty() {
        lines.push(format!("then the same on {}, one at a time", listed(rest)));
    }
    lines
}

/// The distribution's own command.
fn distribution(packages: &Packages) -> String {
    let kind = packages.values().next().map(|upgrade| {
        let package = &upgrade.package;
        let purl = package.purl.as_deref();
        let kind = purl
            .and_then(|purl| purl.strip_prefix("pkg:"))
            .and_then(|rest| rest.split_once('/'));
        kind.map_or(&*package.kind, |(kind, _)| kind)
    });
    let few = packages.len() <= MOST;
    let each = |separator: &str| {
        let all: Vec<String> = packages
            .iter()
            .map(|(name, upgrade)| shell(&format!("{name}{separator}{}", upgrade.to)))
            .collect();
        all.join(" ")
    };
    let command = match kind {
        Some("deb" | "dpkg" | "debian" | "ubuntu") if few => format!(
            "apt-get update && apt-get install -y --only-upgrade {}",
            each("=")
        ),
        Some("deb" | "dpkg" | "debian" | "ubuntu") => {
            "apt-get update && apt-get upgrade -y".to_owned()
        }
        Some("apk" | "alpine") => "apk upgrade".to_owned(),
        _ if few => format!("dnf upgrade -y {}", each("-")),
        _ => "dnf upgrade -y".to_owned(),
    };
    if packages.values().any(|upgrade| is_kernel(&upgrade.package)) {
        return format!("{command} && systemctl reboot");
    }
    command
}
