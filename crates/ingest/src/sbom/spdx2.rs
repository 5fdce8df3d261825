//! The packages of an SPDX 2 document in JSON. Comes in: the document's fields. Goes out: its listing.

use super::shelf::Shelf;
use super::spdx::{Listing, Package};
use crate::IngestError;
use crate::build::NAMES;
use crate::document::{Document, Fields};
use crate::loose::{Hint, List, Maybe, Obj, Str, Word};
use model::inventory::Inventory;
use serde::Deserialize;
use std::borrow::Cow;

#[derive(Deserialize, Default)]
#[serde(default)]
struct Creation<'a> {
    #[serde(borrow)]
    creators: List<Str<'a>>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Written<'a> {
    #[serde(rename = "SPDXID", borrow)]
    id: Str<'a>,
    #[serde(borrow)]
    name: Str<'a>,
    #[serde(borrow)]
    version_info: Word<'a>,
    #[serde(borrow)]
    supplier: Hint<'a>,
    #[serde(borrow)]
    primary_package_purpose: Hint<'a>,
    #[serde(borrow)]
    external_refs: List<Obj<ExternalRef<'a>>>,
    #[serde(borrow)]
    source_info: Hint<'a>,
    #[serde(borrow)]
    license_declared: Hint<'a>,
    #[serde(borrow)]
    license_concluded: Hint<'a>,
    #[serde(borrow)]
    valid_until_date: Hint<'a>,
    #[serde(borrow)]
    attribution_texts: List<Hint<'a>>,
    #[serde(borrow)]
    annotations: List<Maybe<Annotation<'a>>>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct ExternalRef<'a> {
    #[serde(borrow)]
    reference_type: Hint<'a>,
    #[serde(borrow)]
    reference_locator: Hint<'a>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Annotation<'a> {
    #[serde(borrow)]
    comment: Hint<'a>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
#[expect(clippy::struct_field_names, reason = "relationshipType is its name")]
struct Relationship<'a> {
    #[serde(borrow)]
    spdx_element_id: Str<'a>,
    #[serde(borrow)]
    relationship_type: Str<'a>,
    #[serde(borrow)]
    related_spdx_element: Str<'a>,
    #[serde(borrow)]
    comment: Hint<'a>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Extracted<'a> {
    #[serde(borrow)]
    license_id: Hint<'a>,
    #[serde(borrow)]
    name: Hint<'a>,
}

pub(super) fn read<'a>(
    document: &Document<'a>,
    fields: &Fields<'a>,
    shelf: Shelf<'a>,
) -> Result<Vec<Inventory>, IngestError> {
    let mut listing = Listing::new(shelf);
    listing.name = fields.text("name").unwrap_or_default();
    let creation: Maybe<Creation<'_>> = document.part(fields, "creationInfo")?;
    for creator in creation.creators.iter() {
        listing.creator(creator);
    }
    let described: List<Str<'a>> = document.part(fields, "documentDescribes")?;
    listing
        .described
        .extend(described.0.into_iter().map(|id| id.0));
    if let Some(raw) = fields.raw("hasExtractedLicensingInfos") {
        document.each(raw, |one: Maybe<Extracted<'a>>| {
            if one.name.some().is_some_and(|name| name != "NOASSERTION") {
                listing.licenses.insert(one.0.license_id.0, one.0.name.0);
            }
            Ok(())
        })?;
    }
    if let Some(raw) = fields.raw("packages") {
        document.each(raw, |Obj(package): Obj<Written<'a>>| {
            let (package, advisories) = read_package(package);
            listing.advisories += advisories;
            listing.packages.push(package);
            Ok(())
        })?;
    }
    if let Some(raw) = fields.raw("relationships") {
        document.each(raw, |Obj(one): Obj<Relationship<'a>>| {
            let (from, to) = (one.spdx_element_id.0, one.related_spdx_element.0);
            listing.relate(from, &one.relationship_type, to, &one.comment);
            Ok(())
        })?;
    }
    listing.finish()
}

/// The package, and how many advisories it names.
fn read_package(written: Written<'_>) -> (Package<'_>, usize) {
    let mut package = Package {
        id: written.id.0,
        name: written.name.0,
        version: written.version_info.0,
        supplier: written.supplier.0,
        purpose: written.primary_package_purpose.0,
        source_info: written.source_info.0,
        license: written.license_declared.0,
        valid_until: written.valid_until_date.0,
        ..Package::default()
    };
    if matches!(&*package.license, "" | "NOASSERTION") {
        package.license = written.license_concluded.0;
    }
    let mut advisories = 0;
    for Obj(reference) in written.external_refs.0 {
        advisories += usize::from(referred(
            &mut package,
            &reference.reference_type,
            reference.reference_locator.0,
        ));
    }
    let texts = written.attribution_texts.0.into_iter().map(|text| text.0);
    let comments = written
        .annotations
        .0
        .into_iter()
        .map(|note| note.0.comment.0);
    package.notes = texts.chain(comments).take(NAMES).collect();
    (package, advisories)
}

/// Takes an external reference; whether it is an advisory.
pub(super) fn referred<'a>(package: &mut Package<'a>, kind: &str, locator: Cow<'a, str>) -> bool {
    // Some write the type as the address of its definition.
    match kind.rsplit_once('/').map_or(kind, |(_, last)| last) {
        "purl" if package.purl.is_empty() => package.purl = locator,
        "cpe23Type" | "cpe22Type" => package.has_cpe = true,
        "advisory" => return true,
        _ => {}
    }
    false
}
