//! What `scan image` knows beside the image, read from where the flags say: the cluster that it is deployed in, what is
//! attached to it, newer bases. Never: asks a registry that was not asked for.

use super::artifacts;
use super::progress::Progress;
use crate::args::{Context, Target};
use crate::exceptions::Exceptions;
use crate::settings::Settings;
use jiff::Timestamp;
use model::evidence::Gap;
use model::inventory::Inventory;
use scan::RiskSettings;
use scan::artifacts::{BaseAsked, Beside, Judge};
use scan::deployed::Deployed;
use scan::inputs::Intelligence;

/// The bundle of `--as-deployed`, before anything slow is done.
pub(super) fn deployed(target: &Target) -> anyhow::Result<Option<Deployed>> {
    let Some(context) = of(target) else {
        return Ok(None);
    };
    let Some(bundle) = &context.as_deployed else {
        return Ok(None);
    };
    let repository = context.deployed_as.as_deref();
    Ok(Some(Deployed::read(
        bundle,
        repository,
        context.max_deployed_age,
    )?))
}

/// What was asked, and by what it is judged.
pub(super) struct Asked<'a> {
    pub(super) target: &'a Target,
    pub(super) settings: &'a Settings,
    pub(super) now: Timestamp,
    pub(super) intel: Option<&'a Intelligence>,
    pub(super) progress: &'a Progress,
}

impl Asked<'_> {
    /// Attached VEX documents and newer bases.
    pub(super) fn beside(
        &self,
        inventories: &mut [Inventory],
        exceptions: &mut Exceptions,
        risk: &mut RiskSettings,
    ) -> anyhow::Result<Vec<Gap>> {
        let (
            Target::Image {
                registry, context, ..
            },
            Some(inventory),
        ) = (self.target, inventories.first_mut())
        else {
            return Ok(Vec::new());
        };
        let attached = context.registry_vex || context.trust_attached_vex;
        let Some(options) = artifacts::options(self.target, self.settings)
            .filter(|_| attached || context.suggest_base)
        else {
            return Ok(Vec::new());
        };
        let beside = Beside::new(&artifacts::registry(registry))?;
        let mut gaps = Vec::new();
        if attached {
            self.progress.say("reading what is attached to the image");
            let (documents, more) = beside.vex(inventory);
            gaps.extend(more);
            if context.trust_attached_vex {
                exceptions.rulings.vex.extend(documents);
            } else {
                exceptions.rulings.attached.extend(documents);
            }
        }
        if context.suggest_base {
            self.progress.say("scanning newer bases");
            let asked = BaseAsked {
                base: context.base.clone(),
                most: usize::from(context.base_candidates),
            };
            let judge = Judge {
                intel: self.intel,
                now: self.now,
                tool_version: env!("CARGO_PKG_VERSION").into(),
            };
            let (bases, more) = beside.bases(inventory, &asked, &options, &judge);
            gaps.extend(more);
            risk.bases = bases;
        }
        Ok(gaps)
    }
}

fn of(target: &Target) -> Option<&Context> {
    match target {
        Target::Image { context, .. } => Some(context),
        _ => None,
    }
}
