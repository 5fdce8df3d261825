//! Harbor's vulnerability report: by media type, plain, or an element of the Security Hub's list.
//! Out: one match per element of `vulnerabilities`.
//! Sources: pluggable-scanner-spec `scanner-adapter-openapi-v1.1.yaml`, Harbor API `VulnerabilityItem`.

use crate::IngestError;
use crate::build::{AdvisoryDraft, Found, PackageDraft, SetBuilder, add_reference, artifact};
use crate::document::{Document, Fields};
use crate::loose::{Hint, List, Many, Maybe, Num, Obj, Pairs, Str, Word};
use crate::shapes::{ImageName, Tool};
use crate::trivy::vectors;
use crate::trivy_fields::VendorCvss;
use model::matches::ArtifactKind;
use model::vulnerability::Severity;
use serde::Deserialize;

#[derive(Deserialize, Default)]
#[serde(default)]
struct Item<'a> {
    #[serde(borrow)]
    id: Str<'a>,
    /// Security Hub.
    #[serde(borrow)]
    cve_id: Str<'a>,
    #[serde(borrow)]
    package: Str<'a>,
    #[serde(borrow)]
    version: Word<'a>,
    #[serde(borrow)]
    fix_version: Word<'a>,
    #[serde(borrow)]
    fixed_version: Word<'a>,
    #[serde(borrow)]
    severity: Str<'a>,
    #[serde(borrow)]
    status: Word<'a>,
    #[serde(borrow)]
    links: Many<Hint<'a>>,
    #[serde(borrow)]
    artifact_digests: List<Str<'a>>,
    #[serde(borrow)]
    preferred_cvss: Maybe<Preferred<'a>>,
    #[serde(borrow)]
    cwe_ids: Many<Word<'a>>,
    #[serde(borrow)]
    vendor_attributes: Maybe<Vendor<'a>>,
    #[serde(borrow)]
    repository_name: Str<'a>,
    #[serde(borrow)]
    layer: Maybe<Layer<'a>>,
    #[serde(borrow)]
    digest: Str<'a>,
    #[serde(borrow)]
    tags: List<Str<'a>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Preferred<'a> {
    score_v3: Num,
    score_v2: Num,
    #[serde(borrow)]
    vector_v3: Str<'a>,
    #[serde(borrow)]
    vector_v2: Str<'a>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Layer<'a> {
    #[serde(borrow)]
    digest: Str<'a>,
    #[serde(borrow)]
    diff_id: Str<'a>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Vendor<'a> {
    #[serde(rename = "CVSS", borrow)]
    cvss: Pairs<'a, Maybe<VendorCvss<'a>>>,
}

/// Reads a document, or one element of a Security Hub list, which is `raw`.
pub(crate) fn report<'a>(
    document: &Document<'a>,
    raw: &'a str,
    fields: &Fields<'a>,
    builder: &mut SetBuilder<'_>,
) -> Result<(), IngestError> {
    if fields.has("cve_id") {
        let item: Item<'a> = document.parse(raw)?;
        return read_item(builder, &ImageName::default(), &item);
    }
    let mut keyed = false;
    for (key, raw) in &fields.0 {
        if key.starts_with("application/vnd.") {
            keyed = true;
            read_report(document, &document.fields(raw.get())?, builder)?;
        }
    }
    if keyed {
        return Ok(());
    }
    read_report(document, fields, builder)
}

fn read_report<'a>(
    document: &Document<'a>,
    fields: &Fields<'a>,
    builder: &mut SetBuilder<'_>,
) -> Result<(), IngestError> {
    if let Some(raw) = fields.get("generated_at") {
        let time: Str<'_> = document.parse(raw)?;
        builder.created(&time);
    }
    if let Some(raw) = fields.get("scanner") {
        // The set says `harbor`; the scanner behind it is its version.
        let scanner: Maybe<Tool<'_>> = document.parse(raw)?;
        let version = format!("{} {}", &*scanner.name, &*scanner.version);
        builder.tool("harbor", version.trim());
    }
    let image: Maybe<ImageName<'_>> = document.part(fields, "artifact")?;
    match fields.raw("vulnerabilities") {
        Some(raw) => document.each(raw, |item: Obj<Item<'a>>| read_item(builder, &image, &item)),
        None => Ok(()),
    }
}

fn read_item(
    builder: &mut SetBuilder<'_>,
    image: &ImageName<'_>,
    item: &Item<'_>,
) -> Result<(), IngestError> {
    let repository = item
        .repository_name
        .some()
        .or(image.repository.some())
        .unwrap_or_default();
    let mut scanned = artifact(ArtifactKind::Image, repository.into());
    for digest in item
        .artifact_digests
        .iter()
        .chain([&item.digest, &image.digest])
    {
        add_reference(&mut scanned.identity, digest);
    }
    let tags = item.tags.iter().map(|tag| &**tag).chain(image.tag.some());
    // A repository without its registry is no reference that could be joined.
    for tag in tags.filter(|_| repository.contains('.')) {
        add_reference(&mut scanned.identity, &format!("{repository}:{tag}"));
    }
    if scanned.name.is_empty()
        && let Some(digest) = scanned.identity.digests.first()
    {
        scanned.name = digest.clone();
    }
    let index = builder.artifact(scanned)?;
    let package = builder.package(&PackageDraft {
        name: &item.package,
        version: &item.version,
        layer: item.layer.diff_id.some().or(item.layer.digest.some()),
        ..PackageDraft::default()
    });
    let preferred = &item.preferred_cvss;
    let mut cvss = vectors(&item.vendor_attributes.cvss);
    for (vector, score) in [
        (&preferred.vector_v3, preferred.score_v3),
        (&preferred.vector_v2, preferred.score_v2),
    ] {
        if !cvss.iter().any(|(_, known, _)| *known == &**vector) {
            cvss.push(("preferred", vector, score.0));
        }
    }
    let cwes: Vec<&str> = item.cwe_ids.iter().map(|id| &**id).collect();
    let draft = AdvisoryDraft {
        id: item.id.some().or(item.cve_id.some()).unwrap_or_default(),
        severity: Severity::parse(&item.severity),
        cvss: &cvss,
        cwes: &cwes,
        url: item.links.iter().find_map(Hint::some),
        ..AdvisoryDraft::default()
    };
    let versions = item.fix_version.some().or(item.fixed_version.some());
    let fix = crate::trivy::fix(builder, &item.status, versions.unwrap_or_default());
    builder.found(Found::vulnerability(index, Some(package), fix), &draft)
}
