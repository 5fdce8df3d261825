//! An image judged where its repository runs (`--as-deployed`). Comes in: a bundle of a cluster, which the user saved, and
//! the image. Goes out: the image in the place of those of its repository, before the stages relate; after them, what is
//! about it alone. What else runs in the cluster stays in the picture while paths are drawn: a weak neighbour is a way in.
//! Never: a finding of another image in the result; a place that looks safer because the bundle is old.

mod only;

pub(crate) use only::{only, split};

use crate::bundle::{self, Bundle, BundleError};
use crate::{Settings, artifacts};
use intel::Intelligence;
use jiff::Timestamp;
use model::evidence::{Evidence, Gap, GapWeight, Ledger, Stage};
use model::image::{ImageIdentity, ImageReference};
use model::matches::{Artifact, ArtifactKind, MatchSet};
use model::snapshot::Snapshot;
use model::text::Text;
use model::workload::{Container, ContainerIndex, Workload, WorkloadState};
use semantics::view::Inventory;
use std::collections::BTreeSet;
use std::fs::File;
use std::io;
use std::path::Path;

/// A cluster as it was, and under which name the image runs there.
#[derive(Debug)]
pub struct Deployed {
    /// Path as given.
    file: Text,
    then: Bundle,
    /// `--deployed-as`; `None`: the image's own repositories.
    repository: Option<ImageReference>,
    /// In days; what is older widens.
    max_age: u32,
}

#[derive(Debug, thiserror::Error)]
pub enum DeployedError {
    #[error("cannot open {path}")]
    Open {
        path: String,
        #[source]
        source: io::Error,
    },
    #[error("cannot read {path}")]
    Bundle {
        path: String,
        #[source]
        source: BundleError,
    },
    #[error("{path} holds no cluster; write one with plimsoll scan cluster --save {path}")]
    NoCluster { path: String },
    #[error("`{0}` is no repository of an image, such as ghcr.io/shop/web")]
    Repository(String),
}

impl Deployed {
    /// A bundle that `--save` wrote. `repository`: what the image is deployed as, where it is built under another name.
    pub fn read(
        path: &Path,
        repository: Option<&str>,
        max_age: u32,
    ) -> Result<Self, DeployedError> {
        let name = path.display().to_string();
        let repository = repository.map(|text| {
            ImageReference::parse(text).ok_or_else(|| DeployedError::Repository(text.to_owned()))
        });
        let repository = repository.transpose()?;
        let file = File::open(path).map_err(|source| DeployedError::Open {
            path: name.clone(),
            source,
        })?;
        let then = bundle::read(file).map_err(|source| DeployedError::Bundle {
            path: name.clone(),
            source,
        })?;
        let deployed = Deployed {
            file: name.as_str().into(),
            then,
            repository,
            max_age,
        };
        deployed
            .snapshot()
            .map(|_| ())
            .ok_or(DeployedError::NoCluster { path: name })?;
        Ok(deployed)
    }

    pub(crate) fn snapshot(&self) -> Option<&Snapshot> {
        self.then.snapshot.as_ref()
    }

    /// `cluster harbour`, `the cluster`, `the manifests`.
    fn cluster(&self) -> String {
        let about = &self.then.assessment.about;
        let name = about
            .cluster_name
            .as_ref()
            .or_else(|| self.snapshot()?.cluster_name.as_ref());
        match (name, about.origin) {
            (Some(name), _) => format!("cluster {name}"),
            (None, Some(model::snapshot::Origin::Files)) => "the manifests".to_owned(),
            (None, _) => "the cluster".to_owned(),
        }
    }

    /// When it was looked at.
    fn when(&self) -> Timestamp {
        let taken = self.snapshot().and_then(|snapshot| snapshot.taken_at);
        taken.unwrap_or(self.then.assessment.about.now)
    }

    fn of(&self) -> String {
        let day = self.when().strftime("%Y-%m-%d");
        format!("{} of {day} ({})", self.cluster(), self.file)
    }

    /// Puts the image into the containers of its repository. What was declared of their workloads then counts, as far as
    /// it raises.
    pub(crate) fn take_over(
        &self,
        artifacts: &[&Artifact],
        inventory: &mut Inventory,
        now: Timestamp,
        ledger: &mut Ledger,
    ) -> Taken {
        let names = self.names(artifacts);
        let image = artifacts.iter().find(|one| is_image(one));
        let mut taken = Taken::default();
        let Some(image) = image else {
            taken.gaps.push(self.nowhere(&names));
            return taken;
        };
        for (workload, view) in (0u32..).zip(&mut inventory.workloads) {
            if view.workload.state == WorkloadState::History {
                continue;
            }
            let mut here = false;
            for (container, declared) in (0u32..).zip(&mut view.workload.containers) {
                let of = declared.reference.as_ref().map(ImageReference::name);
                if of.is_some_and(|name| names.contains(&name)) {
                    here = true;
                    replace(declared, image);
                    taken.places.insert(ContainerIndex {
                        workload,
                        container,
                    });
                }
            }
            if here {
                taken
                    .workloads
                    .push(Text::from(view.workload.object.to_string()));
                // What is scaled to 0 today runs tomorrow; for the image it is a place like others.
                view.workload.state = WorkloadState::Active;
                self.raise(&mut view.workload, ledger);
            }
        }
        if taken.places.is_empty() {
            taken.gaps.push(self.nowhere(&names));
            return taken;
        }
        taken.gaps.push(self.told(&taken.workloads));
        taken.gaps.extend(self.stale(now));
        taken
    }

    fn names(&self, artifacts: &[&Artifact]) -> BTreeSet<String> {
        if let Some(repository) = &self.repository {
            return BTreeSet::from([repository.name()]);
        }
        let images = artifacts.iter().filter(|one| is_image(one));
        let named = images.flat_map(|one| {
            let own = one.identity.references.iter().cloned();
            own.chain(ImageReference::parse(&one.name))
        });
        named.map(|reference| reference.name()).collect()
    }

    /// Owner, environment and criticality that the bundle knows and this scan's declarations do not say.
    fn raise(&self, workload: &mut Workload, ledger: &mut Ledger) {
        let then = &self.then.assessment;
        let Some(known) = then.workloads.iter().find(|one| one.key == workload.key) else {
            return;
        };
        workload.owner = workload.owner.take().or_else(|| known.owner.clone());
        workload.environment = workload.environment.or(known.environment);
        let (now, before) = (&workload.criticality, &known.criticality);
        let undeclared = now.because.is_empty() && !before.because.is_empty();
        if undeclared || before.value.expected > now.value.expected {
            let evidence = |id: &model::evidence::EvidenceId| {
                let known = then.ledger.evidence.get(id.0 as usize)?;
                Some(ledger.evidence(Evidence::clone(known)))
            };
            let because = before.because.iter().filter_map(evidence).collect();
            workload.criticality = model::workload::Criticality {
                because,
                ..before.clone()
            };
        }
    }

    /// What the bundle's scanners said of everything but the image's repository, which it replaces, and itself.
    pub(crate) fn background(
        &self,
        artifacts: &[&Artifact],
        intel: Option<&Intelligence>,
        settings: &Settings,
    ) -> Vec<MatchSet> {
        let then = &self.then.assessment;
        let names = self.names(artifacts);
        let own: BTreeSet<&Text> = artifacts
            .iter()
            .flat_map(|one| digests(&one.identity))
            .collect();
        // Our own are made again by the database of now.
        let others = then.sets.iter();
        let others = others
            .filter(|set| &*set.source.tool != "plimsoll")
            .cloned();
        let again = then.inventories.iter().map(|inventory| {
            artifacts::matches(inventory, intel, settings.now, &settings.tool_version)
        });
        let mut sets: Vec<MatchSet> = others.chain(again).collect();
        for set in &mut sets {
            let replaced: Vec<bool> = set
                .artifacts
                .iter()
                .map(|one| {
                    let named = one.identity.references.iter().cloned();
                    let mut named = named.chain(ImageReference::parse(&one.name));
                    named.any(|reference| names.contains(&reference.name()))
                        || digests(&one.identity).any(|digest| own.contains(digest))
                })
                .collect();
            set.matches.retain(|one| {
                let gone = replaced.get(one.artifact as usize);
                gone.is_none_or(|gone| !gone)
            });
            for (artifact, _) in set
                .artifacts
                .iter_mut()
                .zip(&replaced)
                .filter(|(_, gone)| **gone)
            {
                // Nothing unites with what has no digest.
                artifact.identity = ImageIdentity::default();
                artifact.object = None;
            }
        }
        sets
    }

    fn nowhere(&self, names: &BTreeSet<String>) -> Gap {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let what = if names.is_empty() {
            format!(
                "the image names no repository, so where it runs in {} is unknown",
                self.of()
            )
        } else {
            format!(
                "no workload of {} runs an image of {}: who reaches these findings and what falls with them is unknown",
                self.of(),
                names.join(", ")
            )
        };
        Gap {
            class: "deployed-nowhere".into(),
            what: what.into(),
            stage: Stage::Relate,
            scope: "cluster".into(),
            weight: GapWeight::Widens,
            close: "--deployed-as REPOSITORY, where it is deployed under another name".into(),
        }
    }

    fn told(&self, workloads: &[Text]) -> Gap {
        const SHOWN: usize = 5;
        let shown: Vec<&str> = workloads.iter().take(SHOWN).map(|name| &**name).collect();
        let more = match workloads.len().saturating_sub(SHOWN) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let count = match workloads.len() {
            1 => "1 workload".to_owned(),
            many => format!("{many} workloads"),
        };
        Gap {
            class: "as-deployed".into(),
            what: format!(
                "judged as deployed in {}: {count}, {}{more}",
                self.of(),
                shown.join(", ")
            )
            .into(),
            stage: Stage::Relate,
            scope: "cluster".into(),
            weight: GapWeight::Notice,
            close: "".into(),
        }
    }

    /// A cluster changes; what is told of an old one may be too low.
    fn stale(&self, now: Timestamp) -> Option<Gap> {
        let age = (now.as_second() - self.when().as_second()) / 86_400;
        (age > i64::from(self.max_age)).then(|| Gap {
            class: "deployed-stale".into(),
            what: format!(
                "{} is {age} days old: exposure and privileges may be others now",
                self.of()
            )
            .into(),
            stage: Stage::Relate,
            scope: "cluster".into(),
            weight: GapWeight::Widens,
            close: format!("plimsoll scan cluster --save {}", shell(&self.file)).into(),
        })
    }
}

/// Where the image was put.
#[derive(Debug, Default)]
pub(crate) struct Taken {
    pub(crate) places: BTreeSet<ContainerIndex>,
    workloads: Vec<Text>,
    pub(crate) gaps: Vec<Gap>,
}

fn is_image(artifact: &Artifact) -> bool {
    matches!(
        artifact.kind,
        ArtifactKind::Image | ArtifactKind::Sbom | ArtifactKind::Unknown
    )
}

fn replace(container: &mut Container, image: &Artifact) {
    let identity = &image.identity;
    container.running = digests(identity).take(1).cloned().collect();
    container.image = Text::clone(&image.name);
    let reference = identity.references.first().cloned();
    container.reference = reference.or_else(|| ImageReference::parse(&image.name));
}

fn digests(identity: &ImageIdentity) -> impl Iterator<Item = &Text> {
    let exact = identity.manifests.iter().chain(&identity.config);
    exact.chain(&identity.digests)
}

/// One word of a shell; the path is the user's own.
fn shell(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '/');
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}
