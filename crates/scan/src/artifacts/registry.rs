//! What a registry holds, as orders. Comes in: a host, perhaps a prefix, and a selection. Goes out: one order for each tag
//! that is taken, and gaps: what could not be listed, what was left out, what is no image. Never: a list that broke off
//! taken for a whole one.

use super::fleet::{Fetching, Order, Refusal, Scanned, Way, fetch};
use super::refused::{self, Secrets};
use super::{PullError, RegistryOptions};
use image::Platform;
use image::registry::{Client, Listing};
use model::evidence::{Gap, GapWeight, Stage};
use model::image::ImageReference;
use model::text::Text;
use std::collections::{BTreeMap, BTreeSet};

pub use image::registry::{Order as Newest, Selection, Target};

/// Lists a registry and reads what is taken of it.
///
/// # Errors
/// Of [`PullError`]: nothing at all could be listed, or nothing fits.
pub fn scan(
    target: &Target,
    selection: &Selection,
    platform: Option<&Platform>,
    options: &RegistryOptions,
    fetching: &Fetching<'_>,
) -> Result<Scanned, PullError> {
    let client = Client::new(options)?;
    (fetching.progress)(&format!("listing {}", place(target)));
    let (orders, mut gaps) = orders(&client, target, selection, platform)?;
    let mut fleet = fetch(
        orders,
        &Way {
            client: &client,
            secrets: &[],
            fetching,
        },
    );
    gaps.extend(not_images(target, &mut fleet.refused));
    gaps.extend(refused::gaps(&fleet.refused, Secrets::None));
    Ok(Scanned {
        inventories: fleet.inventories,
        gaps,
        spoken_of: refused::scopes(&fleet.refused).collect(),
    })
}

/// The images of a registry that are taken.
///
/// # Errors
/// Of [`PullError`]: nothing at all could be listed, or nothing fits.
fn orders(
    client: &Client,
    target: &Target,
    selection: &Selection,
    platform: Option<&Platform>,
) -> Result<(Vec<Order>, Vec<Gap>), PullError> {
    let (listing, mut gaps) = client.list(target, selection)?;
    if listing.images.is_empty() && gaps.is_empty() {
        return Err(PullError::Empty(place(target)));
    }
    gaps.extend(left_out(target, selection, &listing));
    gaps.extend(attachments(target, listing.attachments));
    let order = |reference: ImageReference| {
        let name: Text = ImageReference {
            digest: None,
            ..reference.clone()
        }
        .to_string()
        .into();
        Order {
            scopes: vec![format!("image {name}").into()],
            name,
            names: vec![reference.clone()],
            places: vec![reference],
            runs: None,
            platform: platform.cloned(),
            secrets: BTreeSet::new(),
        }
    };
    let listed = listing.images.into_iter();
    Ok((listed.map(|one| order(one.reference)).collect(), gaps))
}

/// Takes out of the refusals what is no image, and says how many of each kind there are.
fn not_images(target: &Target, refused: &mut Vec<(Order, Refusal)>) -> Option<Gap> {
    let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
    refused.retain(|(_, refusal)| match &refusal.kind {
        Some(kind) => {
            *kinds.entry(kind.clone()).or_default() += 1;
            false
        }
        None => true,
    });
    let number: usize = kinds.values().sum();
    let kinds: Vec<String> = kinds
        .into_iter()
        .map(|(kind, number)| match number {
            1 => kind,
            number => format!("{number} times {kind}"),
        })
        .collect();
    (number > 0).then(|| {
        let are = if number == 1 { "tag is" } else { "tags are" };
        let what = format!("{number} {are} of no image: {}", kinds.join(", "));
        notice("not-an-image", target, what, "")
    })
}

fn left_out(target: &Target, selection: &Selection, listing: &Listing) -> Option<Gap> {
    let taken = listing.images.len();
    let newest = selection.newest.filter(|_| taken < listing.tags)?;
    let how = how(listing);
    let what = format!(
        "of {} tags in {} the newest of each were taken, at most {newest}: {taken}{how}",
        listing.tags,
        match listing.repositories {
            1 => "1 repository".to_owned(),
            number => format!("{number} repositories"),
        },
    );
    let close = "--tags N for the newest N, --tags 0 for all";
    Some(notice("tags-left-out", target, what, close))
}

/// By what the newest are known.
fn how(listing: &Listing) -> &'static str {
    let by = |order: Newest| listing.images.iter().any(|one| one.order == order);
    // Where nobody says a time of any, and for repositories with few tags, numbers in names are left.
    match (by(Newest::Created), by(Newest::Pushed)) {
        (true, _) => ", by the time at which they say that they were built",
        (false, true) => ", by the time of their push",
        (false, false) => ", by the numbers in their names",
    }
}

fn attachments(target: &Target, number: usize) -> Option<Gap> {
    (number > 0).then(|| {
        let are = if number == 1 { "tag is" } else { "tags are" };
        let what = format!(
            "{number} more {are} of no image but of what belongs to one: signatures, attestations, bills of materials"
        );
        notice("not-an-image", target, what, "")
    })
}

fn notice(class: &str, target: &Target, what: String, close: &str) -> Gap {
    Gap {
        class: class.into(),
        what: what.into(),
        stage: Stage::Catalog,
        scope: format!("registry {}", place(target)).into(),
        weight: GapWeight::Notice,
        close: close.into(),
    }
}

fn place(target: &Target) -> String {
    match &target.prefix {
        Some(prefix) => format!("{}/{prefix}", target.registry),
        None => target.registry.to_string(),
    }
}
