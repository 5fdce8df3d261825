//! SPDX with security statements. Version 2: one match per external reference of category SECURITY
//! and type `advisory`. Version 3 (security profile): one match per element that a VEX relationship
//! or `hasAssociatedVulnerability` names; not affected and fixed ones are suppressed.
//! Sources: SPDX 2.3 annex F.2, SPDX 3.0 Security profile.

use crate::IngestError;
use crate::build::{
    AdvisoryDraft, Found, NAMES, PackageDraft, SetBuilder, add_oci, add_reference, artifact,
    fix_from_versions,
};
use crate::document::{Document, Fields};
use crate::identifier::{day, identity_in};
use crate::loose::{Hint, List, Many, Maybe, Num, Obj, Str, Word};
use model::evidence::GapWeight;
use model::matches::{ArtifactKind, Fix, FixState, MatchSet};
use model::vulnerability::Severity;
use rustc_hash::FxHashMap;
use serde::Deserialize;

#[derive(Deserialize, Default)]
#[serde(default)]
struct Creation<'a> {
    #[serde(borrow)]
    created: Str<'a>,
    #[serde(borrow)]
    creators: List<Str<'a>>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Package<'a> {
    #[serde(borrow)]
    name: Str<'a>,
    #[serde(borrow)]
    version_info: Word<'a>,
    #[serde(borrow)]
    primary_package_purpose: Str<'a>,
    #[serde(borrow)]
    external_refs: List<Obj<ExternalRef<'a>>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct ExternalRef<'a> {
    #[serde(rename = "referenceCategory", borrow)]
    category: Str<'a>,
    #[serde(rename = "referenceType", borrow)]
    kind: Str<'a>,
    #[serde(rename = "referenceLocator", borrow)]
    locator: Str<'a>,
}

impl ExternalRef<'_> {
    fn is_advisory(&self) -> bool {
        self.category.eq_ignore_ascii_case("SECURITY") && self.kind.eq_ignore_ascii_case("advisory")
    }
}

pub(crate) fn version2<'a>(
    document: &Document<'a>,
    fields: &Fields<'a>,
    builder: &mut SetBuilder<'_>,
) -> Result<(), IngestError> {
    let version = fields.text("spdxVersion").unwrap_or_default();
    builder.format(&format!("spdx/{}", version.trim_start_matches("SPDX-")));
    if let Some(raw) = fields.get("creationInfo") {
        let creation: Maybe<Creation<'_>> = document.parse(raw)?;
        builder.created(&creation.created);
        let tool = creation
            .creators
            .iter()
            .find_map(|creator| creator.strip_prefix("Tool: "));
        if let Some(tool) = tool {
            let (name, version) = tool.rsplit_once('-').unwrap_or((tool, ""));
            builder.tool(name, version);
        }
    }
    let packages: List<Obj<Package<'a>>> = document.part(fields, "packages")?;
    let image = packages
        .iter()
        .find(|package| &*package.primary_package_purpose == "CONTAINER");
    let mut scanned = match image {
        Some(image) => artifact(ArtifactKind::Image, (&*image.name).into()),
        None => artifact(
            ArtifactKind::Sbom,
            fields.text("name").unwrap_or_default().as_ref().into(),
        ),
    };
    if let Some(image) = image {
        add_reference(&mut scanned.identity, &image.name);
        add_reference(&mut scanned.identity, &image.version_info);
        add_oci(&mut scanned.identity, image.purl().unwrap_or_default());
    }
    let index = builder.artifact(scanned)?;
    let mut any = false;
    for found in packages.iter() {
        for reference in found
            .external_refs
            .iter()
            .filter(|reference| reference.is_advisory())
        {
            any = true;
            let locator = &*reference.locator;
            let package = package(builder, found);
            let draft = AdvisoryDraft {
                id: identity_in(locator).unwrap_or(locator),
                url: Some(locator).filter(|locator| locator.contains("://")),
                ..AdvisoryDraft::default()
            };
            let fix = fix_from_versions(Vec::new());
            builder.found(Found::vulnerability(index, Some(package), fix), &draft)?;
        }
    }
    if !any {
        without_results(builder);
    }
    Ok(())
}

/// A document in tag-value form: it lists packages only.
pub(crate) fn tag_value(document: &Document<'_>) -> MatchSet {
    let mut builder = SetBuilder::new(document, "unknown", "spdx");
    without_results(&mut builder);
    builder.finish()
}

fn without_results(builder: &mut SetBuilder<'_>) {
    builder.gap(
        "report-without-results",
        GapWeight::Hides,
        "the document lists packages and says nothing of vulnerabilities",
        "",
    );
}

impl Package<'_> {
    fn purl(&self) -> Option<&str> {
        self.external_refs
            .iter()
            .find(|reference| &*reference.kind == "purl")
            .and_then(|reference| reference.locator.some())
    }
}

fn package(builder: &mut SetBuilder<'_>, found: &Package<'_>) -> u32 {
    builder.package(&PackageDraft {
        name: &found.name,
        version: &found.version_info,
        purl: found.purl(),
        ..PackageDraft::default()
    })
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Element<'a> {
    #[serde(alias = "@type", borrow)]
    r#type: Many<Str<'a>>,
    #[serde(alias = "@id", borrow)]
    spdx_id: Str<'a>,
    #[serde(borrow)]
    name: Str<'a>,
    #[serde(borrow)]
    summary: Hint<'a>,
    #[serde(alias = "externalIdentifiers", borrow)]
    external_identifier: Many<Maybe<Identifier<'a>>>,
    #[serde(rename = "security_publishedTime", alias = "publishedTime", borrow)]
    published: Hint<'a>,
    #[serde(rename = "software_packageVersion", alias = "packageVersion", borrow)]
    version: Word<'a>,
    #[serde(rename = "software_packageUrl", alias = "packageUrl", borrow)]
    purl: Str<'a>,
    #[serde(borrow)]
    from: Str<'a>,
    #[serde(borrow)]
    to: Many<Str<'a>>,
    #[serde(borrow)]
    relationship_type: Str<'a>,
    /// The part of the product in which the vulnerability is.
    #[serde(rename = "security_assessedElement", alias = "assessedElement", borrow)]
    assessed: Hint<'a>,
    /// Of the element `CreationInfo`.
    #[serde(borrow)]
    spec_version: Hint<'a>,
    #[serde(borrow)]
    created: Hint<'a>,
    #[serde(rename = "security_vectorString", alias = "vectorString", borrow)]
    vector: Str<'a>,
    #[serde(rename = "security_score", alias = "score")]
    score: Num,
    #[serde(rename = "security_severity", alias = "severity", borrow)]
    severity: Str<'a>,
    #[serde(
        rename = "security_justificationType",
        alias = "justificationType",
        borrow
    )]
    justification: Hint<'a>,
    #[serde(rename = "security_impactStatement", alias = "impactStatement", borrow)]
    impact: Hint<'a>,
    #[serde(rename = "security_statusNotes", alias = "statusNotes", borrow)]
    notes: Hint<'a>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Identifier<'a> {
    #[serde(borrow)]
    identifier: Str<'a>,
}

impl Element<'_> {
    /// The class without its profile: 3.0.0 writes `VexFixed...`, 3.0.1 `security_VexFixed...`.
    fn kind(&self) -> &str {
        let kind = self.r#type.first().map_or("", |kind| &**kind);
        kind.strip_prefix("security_").unwrap_or(kind)
    }
}

/// Version, time and tool, which are elements too.
fn about(builder: &mut SetBuilder<'_>, elements: &[Obj<Element<'_>>]) {
    let of = |kind: &'static str| elements.iter().filter(move |e| e.kind() == kind);
    if let Some(creation) = of("CreationInfo").next() {
        if let Some(version) = creation.spec_version.some() {
            builder.format(&format!("spdx/{version}"));
        }
        builder.created(&creation.created);
    }
    if let Some(tool) = of("Tool").find_map(|tool| tool.name.some()) {
        let (name, version) = tool.rsplit_once('-').unwrap_or((tool, ""));
        builder.tool(name, version);
    }
}

pub(crate) fn version3<'a>(
    document: &Document<'a>,
    fields: &Fields<'a>,
    builder: &mut SetBuilder<'_>,
) -> Result<(), IngestError> {
    builder.format("spdx/3.0");
    let elements: List<Obj<Element<'a>>> = document.part(fields, "@graph")?;
    about(builder, &elements);
    let by_id: FxHashMap<&str, &Element<'_>> = elements
        .iter()
        .map(|element| (&*element.spdx_id, &element.0))
        .collect();
    let mut ratings: FxHashMap<&str, Vec<&Element<'_>>> = FxHashMap::default();
    for element in elements.iter() {
        if element.kind().starts_with("Cvss") {
            ratings.entry(&element.from).or_default().push(element);
        }
    }
    let unnamed = builder.artifact(artifact(ArtifactKind::Sbom, "".into()))?;
    let mut any = false;
    for element in elements.iter() {
        let is_vex = element.kind().starts_with("Vex");
        let is_relation = &*element.relationship_type == "hasAssociatedVulnerability" && !is_vex;
        if !(is_vex || (is_relation && element.kind() == "Relationship")) {
            continue;
        }
        for to in element.to.iter() {
            any = true;
            // A VEX statement goes from the vulnerability to the element, the other one back.
            let (vulnerability, affected) = if is_vex {
                (&element.from, to)
            } else {
                (to, &element.from)
            };
            // A product may name its part that has the vulnerability; the product is what was scanned.
            let product = by_id.get(&**affected).and_then(|p| p.name.some());
            let (index, affected) = match (element.assessed.some(), product) {
                (Some(part), Some(product)) => {
                    let scanned = artifact(ArtifactKind::Sbom, product.into());
                    (builder.artifact(scanned)?, part)
                }
                (Some(part), None) => (unnamed, part),
                (None, _) => (unnamed, &**affected),
            };
            statement(
                builder,
                index,
                &Statement {
                    element,
                    vulnerability: by_id.get(&**vulnerability).copied(),
                    id: vulnerability,
                    affected: by_id.get(affected).copied(),
                    affected_id: affected,
                    ratings: ratings
                        .get(&**vulnerability)
                        .map_or(&[], |all| all.get(..NAMES).unwrap_or(all)),
                },
            )?;
        }
    }
    if !any {
        without_results(builder);
    }
    Ok(())
}

struct Statement<'s, 'a> {
    element: &'s Element<'a>,
    vulnerability: Option<&'s Element<'a>>,
    id: &'s str,
    affected: Option<&'s Element<'a>>,
    affected_id: &'s str,
    ratings: &'s [&'s Element<'a>],
}

fn statement(
    builder: &mut SetBuilder<'_>,
    index: u32,
    said: &Statement<'_, '_>,
) -> Result<(), IngestError> {
    let package = builder.package(&PackageDraft {
        name: said
            .affected
            .and_then(|a| a.name.some())
            .unwrap_or(said.affected_id),
        version: said.affected.map_or("", |a| &*a.version),
        purl: said.affected.and_then(|a| a.purl.some()),
        ..PackageDraft::default()
    });
    let names: Vec<&str> = said
        .vulnerability
        .into_iter()
        .flat_map(|v| v.external_identifier.iter().take(NAMES))
        .map(|identifier| &*identifier.identifier)
        .collect();
    let id = said
        .vulnerability
        .and_then(|v| v.name.some())
        .or(names.iter().copied().find(|name| !name.is_empty()))
        .or_else(|| identity_in(said.id))
        .unwrap_or(said.id);
    let severity = said
        .ratings
        .iter()
        .map(|rating| match Severity::parse(&rating.severity) {
            Severity::Unknown => rating.score.0.map_or(Severity::Unknown, Severity::of_cvss),
            severity => severity,
        })
        .max()
        .unwrap_or(Severity::Unknown);
    let cvss: Vec<(&str, &str, Option<f64>)> = said
        .ratings
        .iter()
        .map(|rating| ("spdx", &*rating.vector, rating.score.0))
        .collect();
    let draft = AdvisoryDraft {
        id,
        names: &names,
        title: said.vulnerability.and_then(|v| v.summary.some()),
        severity,
        cvss: &cvss,
        published: said.vulnerability.and_then(|v| day(&v.published)),
        ..AdvisoryDraft::default()
    };
    let kind = said.element.kind();
    let state = match kind {
        "VexFixedVulnAssessmentRelationship" => FixState::Fixed,
        "VexNotAffectedVulnAssessmentRelationship" => FixState::NotAffected,
        "VexUnderInvestigationVulnAssessmentRelationship" => FixState::UnderInvestigation,
        _ => FixState::Unknown,
    };
    let element = said.element;
    let suppression = matches!(state, FixState::Fixed | FixState::NotAffected).then(|| {
        let reason = element
            .impact
            .some()
            .or(element.justification.some())
            .or(element.notes.some());
        builder.suppression("vex", reason.unwrap_or(&element.relationship_type))
    });
    let fix = Fix {
        state,
        versions: Vec::new(),
    };
    let found = Found {
        suppression,
        ..Found::vulnerability(index, Some(package), fix)
    };
    builder.found(found, &draft)
}
