//! What stands beside an image in registries, asked for by flags: attached VEX documents, newer bases. Never: asks what
//! was not asked for.

use super::newer_base::{self, BaseAsked, Judge};
use super::{Options, RegistryOptions, attached};
use image::registry::{Client, RegistryError};
use ingest::VexDocument;
use model::evidence::Gap;
use model::inventory::Inventory;
use risk::MeasuredBase;

/// A way to the registries.
pub struct Beside {
    client: Client,
}

impl Beside {
    pub fn new(options: &RegistryOptions) -> Result<Self, RegistryError> {
        Ok(Beside {
            client: Client::new(options)?,
        })
    }

    /// VEX documents that are attached to the image, believed by nobody yet.
    pub fn vex(&self, image: &Inventory) -> (Vec<VexDocument>, Vec<Gap>) {
        attached::vex(&self.client, image)
    }

    /// Newer bases of the image, scanned; its layers are marked where its base is known for sure.
    pub fn bases(
        &self,
        image: &mut Inventory,
        asked: &BaseAsked,
        options: &Options,
        judge: &Judge,
    ) -> (Vec<MeasuredBase>, Vec<Gap>) {
        newer_base::measure(&self.client, image, asked, options, judge)
    }
}
