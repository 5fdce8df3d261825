//! `plimsoll cis` and `plimsoll checklist`: a benchmark of a cluster and its nodes. Comes in: a Snapshot, evidence of nodes, a
//! scan of it where there was one. Goes out: answers. Never: a control (`checks::cis`).

use checks::cis;
use checks::component::Components;
use checks::world::{Beside, LookedInto, World};
use jiff::Timestamp;
use model::assessment::Assessment;
use model::benchmark::{Benchmark, Point};
use model::evidence::Ledger;
use model::host::Host;
use model::snapshot::Snapshot;
use model::text::Text;
use semantics::declare::Declarations;

/// No benchmark has this name.
#[derive(Debug, thiserror::Error)]
#[error("there is no profile `{found}`: {}", names().join(", "))]
pub struct UnknownProfile {
    pub found: String,
}

fn names() -> Vec<&'static str> {
    cis::PROFILES.iter().map(|profile| profile.name).collect()
}

/// One profile that can be asked for.
#[derive(Clone, Debug)]
pub struct Listed {
    pub name: &'static str,
    pub title: &'static str,
    /// Minor versions of Kubernetes, both included.
    pub minors: (u16, u16),
    pub controls: usize,
}

/// All profiles, the newest first.
pub fn profiles() -> Vec<Listed> {
    let listed = |profile: &cis::Profile| Listed {
        name: profile.name,
        title: profile.title,
        minors: profile.minors,
        controls: cis::controls(profile.name).map_or(0, |all| all.len()),
    };
    cis::PROFILES.iter().map(listed).collect()
}

/// What a benchmark is asked of.
pub struct Asked<'a> {
    pub snapshot: &'a Snapshot,
    pub declarations: &'a Declarations,
    pub hosts: Vec<Host>,
    /// A scan of the same cluster: what is in its images.
    pub scanned: Option<&'a Assessment>,
    pub now: Timestamp,
}

impl Asked<'_> {
    fn with<T>(self, ask: impl FnOnce(&World<'_>) -> T) -> T {
        let inventory =
            semantics::inventory(self.snapshot, self.declarations, &mut Ledger::default());
        let beside = Beside {
            now: Some(self.now),
            hosts: self.hosts,
            images: self.scanned.map(images).unwrap_or_default(),
        };
        ask(&World {
            snapshot: self.snapshot,
            inventory: &inventory,
            beside: &beside,
        })
    }
}

/// Every control of a profile; `None`: of the one that fits the cluster.
pub fn cis(asked: Asked<'_>, profile: Option<&str>) -> Result<Benchmark, UnknownProfile> {
    asked.with(|world| {
        let snapshot = world.snapshot;
        let profile = match profile {
            Some(name) => cis::profile(name).ok_or_else(|| UnknownProfile {
                found: name.to_owned(),
            })?,
            None => cis::of(snapshot, Components::of_world(*world).managed),
        };
        Ok(Benchmark {
            profile: profile.name.into(),
            kubernetes: format!("1.{}", snapshot.version.minor).into(),
            controls: cis::answer(world, profile.name).unwrap_or_default(),
        })
    })
}

/// The ten points of the hardening checklist.
pub fn checklist(asked: Asked<'_>) -> Vec<Point> {
    asked.with(cis::checklist)
}

/// Packages that are a shell.
const SHELLS: [&str; 8] = [
    "ash", "bash", "busybox", "dash", "ksh", "mksh", "toybox", "zsh",
];

/// Images that were scanned here, by the names that containers have for them.
fn images(scanned: &Assessment) -> Vec<LookedInto> {
    let mut all = Vec::new();
    for inventory in &scanned.inventories {
        let shells = inventory.components.iter();
        let shell = shells
            .filter(|one| SHELLS.contains(&&*one.name))
            .map(|one| Text::from(format!("{} {}", one.name, one.version)))
            .next();
        all.push(LookedInto {
            image: inventory.artifact.name.clone(),
            shell,
        });
    }
    all
}
