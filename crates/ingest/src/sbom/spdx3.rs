//! The packages of an SPDX 3.0 document in JSON-LD. Comes in: the graph of elements. Goes out: its listing.
//! Source: SPDX 3.0.1, Core, Software and SimpleLicensing profiles; 3.0.0 names classes and fields without prefix.

use super::shelf::Shelf;
use super::spdx::{Listing, Package};
use crate::IngestError;
use crate::document::{Document, Fields};
use crate::loose::{Hint, Many, Maybe, Obj, Str, Word};
use model::inventory::Inventory;
use rustc_hash::FxHashMap;
use serde::Deserialize;
use std::borrow::Cow;

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
#[expect(clippy::struct_field_names, reason = "rootElement is its name")]
struct Element<'a> {
    #[serde(alias = "@type", borrow)]
    r#type: Many<Str<'a>>,
    #[serde(alias = "@id", borrow)]
    spdx_id: Str<'a>,
    #[serde(borrow)]
    name: Hint<'a>,
    #[serde(rename = "software_packageVersion", alias = "packageVersion", borrow)]
    version: Word<'a>,
    #[serde(rename = "software_packageUrl", alias = "packageUrl", borrow)]
    purl: Hint<'a>,
    #[serde(rename = "software_primaryPurpose", alias = "primaryPurpose", borrow)]
    purpose: Hint<'a>,
    #[serde(rename = "software_sourceInfo", alias = "sourceInfo", borrow)]
    source_info: Hint<'a>,
    #[serde(borrow)]
    valid_until_time: Hint<'a>,
    #[serde(borrow)]
    supplied_by: Hint<'a>,
    #[serde(alias = "externalIdentifiers", borrow)]
    external_identifier: Many<Maybe<Identifier<'a>>>,
    #[serde(borrow)]
    root_element: Many<Str<'a>>,
    #[serde(borrow)]
    from: Hint<'a>,
    #[serde(borrow)]
    to: Many<Str<'a>>,
    #[serde(borrow)]
    relationship_type: Hint<'a>,
    #[serde(
        rename = "simplelicensing_licenseExpression",
        alias = "licenseExpression",
        borrow
    )]
    license: Hint<'a>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Identifier<'a> {
    #[serde(borrow)]
    external_identifier_type: Hint<'a>,
    #[serde(borrow)]
    identifier: Hint<'a>,
}

impl<'a> Element<'a> {
    /// The class without its profile.
    fn class(&self) -> &str {
        let class = self.r#type.first().map_or("", |class| &**class);
        class
            .rsplit_once(['_', ':', '/'])
            .map_or(class, |(_, class)| class)
    }

    fn package(self) -> Package<'a> {
        let mut package = Package {
            id: self.spdx_id.0,
            name: self.name.0,
            version: self.version.0,
            supplier: self.supplied_by.0,
            purpose: match &*self.purpose {
                "container" => "CONTAINER".into(),
                "operatingSystem" => "OPERATING-SYSTEM".into(),
                "file" => "FILE".into(),
                "device" => "DEVICE".into(),
                _ => "".into(),
            },
            purl: self.purl.0,
            source_info: self.source_info.0,
            valid_until: self.valid_until_time.0,
            ..Package::default()
        };
        for Maybe(one) in self.external_identifier.0 {
            match &*one.external_identifier_type {
                "packageUrl" | "purl" if package.purl.is_empty() => {
                    package.purl = one.identifier.0;
                }
                "cpe23" | "cpe22" => package.has_cpe = true,
                _ => {}
            }
        }
        package
    }
}

pub(super) fn read<'a>(
    document: &Document<'a>,
    fields: &Fields<'a>,
    shelf: Shelf<'a>,
) -> Result<Vec<Inventory>, IngestError> {
    let mut listing = Listing::new(shelf);
    // What they name may stand behind them.
    let mut licensed: Vec<(Cow<'a, str>, Cow<'a, str>)> = Vec::new();
    let mut expressions: FxHashMap<Cow<'a, str>, Cow<'a, str>> = FxHashMap::default();
    let mut names: FxHashMap<Cow<'a, str>, Cow<'a, str>> = FxHashMap::default();
    if let Some(raw) = fields.raw("@graph") {
        document.each(raw, |Obj(element): Obj<Element<'a>>| {
            match element.class() {
                "Package" => listing.packages.push(element.package()),
                "SpdxDocument" | "Sbom" | "Bom" | "SpdxCollection" => {
                    if listing.name.is_empty() {
                        listing.name = element.name.0;
                    }
                    listing
                        .described
                        .extend(element.root_element.0.into_iter().map(|id| id.0));
                }
                "Tool" => listing.creator(&format!("Tool: {}", &*element.name)),
                "Organization" | "Person" | "Agent" | "SoftwareAgent" => {
                    names.insert(element.spdx_id.0, element.name.0);
                }
                "LicenseExpression" => {
                    expressions.insert(element.spdx_id.0, element.license.0);
                }
                "Vulnerability" => listing.advisories += 1,
                class if class.ends_with("Relationship") => {
                    relate(&mut listing, element, &mut licensed);
                }
                _ => {}
            }
            Ok(())
        })?;
    }
    let licensed: FxHashMap<Cow<'a, str>, Cow<'a, str>> = licensed.into_iter().collect();
    for package in &mut listing.packages {
        let expression = licensed.get(&package.id).and_then(|to| expressions.get(to));
        package.license = expression.cloned().unwrap_or_default();
        package.supplier = names.get(&package.supplier).cloned().unwrap_or_default();
    }
    listing.finish()
}

fn relate<'a>(
    listing: &mut Listing<'a>,
    element: Element<'a>,
    licensed: &mut Vec<(Cow<'a, str>, Cow<'a, str>)>,
) {
    let kind = match &*element.relationship_type {
        "describes" => "DESCRIBES",
        "contains" => "CONTAINS",
        "dependsOn" => "DEPENDS_ON",
        "hasDeclaredLicense" | "hasConcludedLicense" => {
            let to = element.to.0.into_iter().next();
            licensed.extend(to.map(|to| (element.from.0, to.0)));
            return;
        }
        _ => return,
    };
    for to in element.to.0 {
        listing.relate(element.from.0.clone(), kind, to.0, "");
    }
}
