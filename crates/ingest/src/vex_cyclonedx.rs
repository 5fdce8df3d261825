//! CycloneDX VEX, 1.4 to 1.7: the analyses in `vulnerabilities`. Comes in: one document. Goes out: a statement an
//! analysis, its `affects` resolved by `bom-ref`. A vulnerability without an analysis is no statement.

use crate::IngestError;
use crate::document::Document;
use crate::identifier::time;
use crate::loose::{Hint, List, Maybe, Obj, Str, Word};
use crate::vex::{
    BomReferences, VexComponent, VexDocument, VexProduct, VexStatement, VexStatus, sentence,
};
use crate::vex_open::digest;
use model::purl::unescaped;
use model::text::Text;
use serde::Deserialize;
use std::collections::BTreeMap;

#[derive(Deserialize, Default)]
#[serde(default)]
struct Bom<'a> {
    #[serde(rename = "specVersion", borrow)]
    spec_version: Word<'a>,
    #[serde(rename = "serialNumber", borrow)]
    serial: Hint<'a>,
    #[serde(borrow)]
    metadata: Maybe<Metadata<'a>>,
    #[serde(borrow)]
    components: List<Obj<Component<'a>>>,
    #[serde(borrow)]
    vulnerabilities: List<Obj<Vulnerability<'a>>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Metadata<'a> {
    #[serde(borrow)]
    timestamp: Hint<'a>,
    #[serde(borrow)]
    component: Option<Obj<Component<'a>>>,
    #[serde(borrow)]
    supplier: Maybe<Named<'a>>,
    #[serde(borrow)]
    authors: List<Obj<Named<'a>>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Named<'a> {
    #[serde(borrow)]
    name: Hint<'a>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Component<'a> {
    #[serde(rename = "bom-ref", borrow)]
    reference: Str<'a>,
    #[serde(borrow)]
    name: Hint<'a>,
    #[serde(borrow)]
    version: Word<'a>,
    #[serde(borrow)]
    purl: Hint<'a>,
    #[serde(borrow)]
    cpe: Hint<'a>,
    #[serde(borrow)]
    hashes: List<Obj<Hash<'a>>>,
    #[serde(borrow)]
    components: List<Obj<Component<'a>>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Hash<'a> {
    #[serde(borrow)]
    alg: Hint<'a>,
    #[serde(borrow)]
    content: Hint<'a>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Vulnerability<'a> {
    #[serde(borrow)]
    id: Hint<'a>,
    #[serde(borrow)]
    references: List<Obj<Reference<'a>>>,
    #[serde(borrow)]
    analysis: Maybe<Analysis<'a>>,
    #[serde(borrow)]
    updated: Hint<'a>,
    #[serde(borrow)]
    affects: List<Obj<Affects<'a>>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Reference<'a> {
    #[serde(borrow)]
    id: Hint<'a>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Analysis<'a> {
    #[serde(borrow)]
    state: Str<'a>,
    #[serde(borrow)]
    justification: Hint<'a>,
    #[serde(borrow)]
    detail: Hint<'a>,
    #[serde(rename = "firstIssued", borrow)]
    first_issued: Hint<'a>,
    #[serde(rename = "lastUpdated", borrow)]
    last_updated: Hint<'a>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Affects<'a> {
    #[serde(rename = "ref", borrow)]
    reference: Hint<'a>,
    #[serde(borrow)]
    versions: List<Obj<Version<'a>>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Version<'a> {
    #[serde(rename = "version", borrow)]
    exact: Hint<'a>,
    #[serde(borrow)]
    range: Hint<'a>,
    #[serde(borrow)]
    status: Hint<'a>,
}

pub(crate) fn read<'a>(document: &Document<'a>, raw: &'a str) -> Result<VexDocument, IngestError> {
    let bom: Bom = document.parse::<Maybe<_>>(raw)?.0;
    let metadata = &bom.metadata;
    let author = std::iter::once(&metadata.supplier.name)
        .chain(metadata.authors.iter().map(|author| &author.name))
        .find_map(sentence);
    let mut out = VexDocument {
        file: document.file.into(),
        format: format!("cyclonedx/{}", bom.spec_version.some().unwrap_or("1.4")).into(),
        author,
        statements: Vec::new(),
        notes: Vec::new(),
    };
    let references = of_bom(&bom);
    let written = time(&metadata.timestamp);
    let mut plain = 0usize;
    for (n, one) in bom.vulnerabilities.iter().enumerate() {
        let place: Text = format!("vulnerability {}", n + 1).into();
        let status = match &*one.analysis.state.to_ascii_lowercase() {
            "" => {
                plain += 1;
                continue;
            }
            "not_affected" | "false_positive" => VexStatus::NotAffected,
            "resolved" | "resolved_with_pedigree" => VexStatus::Fixed,
            "in_triage" => VexStatus::UnderInvestigation,
            "exploitable" => VexStatus::Affected,
            _ => {
                out.notes
                    .push(format!("{place} has no state that is known").into());
                continue;
            }
        };
        let mut ids: Vec<Text> = Vec::new();
        for id in std::iter::once(&one.id).chain(one.references.iter().map(|r| &r.id)) {
            if let Some(id) = id
                .some()
                .filter(|id| !ids.iter().any(|known| &**known == *id))
            {
                ids.push(id.into());
            }
        }
        let mut products = Vec::new();
        for affects in one.affects.iter() {
            match product(affects, status, &references) {
                Some(product) => products.push(product),
                None => out.notes.push(
                    format!("{place} speaks of a range of versions, which is not compared").into(),
                ),
            }
        }
        if ids.is_empty() || products.is_empty() {
            out.notes
                .push(format!("{place} names no vulnerability, or nothing that it affects").into());
            continue;
        }
        let analysis = &one.analysis;
        out.statements.push(VexStatement {
            place,
            ids,
            status,
            justification: sentence(&analysis.justification),
            says: sentence(&analysis.detail),
            when: [&analysis.last_updated, &analysis.first_issued, &one.updated]
                .into_iter()
                .find_map(|at| time(at))
                .or(written),
            products,
        });
    }
    if out.statements.is_empty() && plain > 0 {
        out.notes.push(
            format!("none of its {plain} vulnerabilities has an analysis; as a report it is read with --report")
                .into(),
        );
    }
    Ok(out)
}

/// `None`: of a range of versions.
fn product(affects: &Affects, status: VexStatus, bom: &BomReferences) -> Option<VexProduct> {
    let mut component = referred(&affects.reference, bom);
    // A status that clears may be given for the versions that were or were not affected; either way it is of them.
    let meant = |version: &&Obj<Version>| {
        let word = version.status.to_ascii_lowercase();
        status.clears() || word.is_empty() || word == "affected"
    };
    for version in affects.versions.iter().filter(meant) {
        if version.range.some().is_some() {
            return None;
        }
        component
            .versions
            .extend(version.exact.some().map(Into::into));
    }
    let is_root = bom
        .root
        .as_ref()
        .is_some_and(|root| root.names == component.names);
    Some(match &bom.root {
        Some(root) if !is_root => VexProduct {
            whole: root.clone(),
            parts: vec![component],
        },
        _ => VexProduct {
            whole: component,
            parts: Vec::new(),
        },
    })
}

/// What a `ref` names: a component of this document, else itself (often a purl), else one of another document.
fn referred(reference: &str, bom: &BomReferences) -> VexComponent {
    let own = bom
        .serial
        .as_deref()
        .map(|s| s.strip_prefix("urn:uuid:").unwrap_or(s));
    let (foreign, inner) = match reference.strip_prefix("urn:cdx:") {
        Some(rest) => {
            let (document, inner) = rest.split_once('#').unwrap_or((rest, ""));
            (
                document.split('/').next() != own,
                unescaped(inner).into_owned(),
            )
        }
        None => (false, reference.to_owned()),
    };
    if let Some(known) = bom.components.get(&*inner).filter(|_| !foreign) {
        return known.clone();
    }
    let mut component = VexComponent::of([&inner]);
    if !inner.starts_with("pkg:") {
        component.reference = Some(reference.into());
    }
    component
}

pub(crate) fn references<'a>(
    document: &Document<'a>,
    raw: &'a str,
) -> Result<BomReferences, IngestError> {
    let bom: Bom = document.parse::<Maybe<_>>(raw)?.0;
    Ok(of_bom(&bom))
}

fn of_bom(bom: &Bom) -> BomReferences {
    let mut components = BTreeMap::new();
    let root = bom.metadata.component.as_ref();
    if let Some(root) = root {
        add(root, &mut components);
    }
    for component in bom.components.iter() {
        add(component, &mut components);
    }
    BomReferences {
        serial: bom.serial.some().map(Into::into),
        root: root
            .map(|root| names(root))
            .filter(|root| !root.names.is_empty()),
        components,
    }
}

/// The parser bounds the depth.
fn add(component: &Component, components: &mut BTreeMap<Text, VexComponent>) {
    if let Some(reference) = component.reference.some() {
        components.insert(reference.into(), names(component));
    }
    for inner in component.components.iter() {
        add(inner, components);
    }
}

fn names(component: &Component) -> VexComponent {
    let mut names = vec![component.purl.to_string(), component.cpe.to_string()];
    let hashes = component.hashes.iter();
    names.extend(hashes.filter_map(|hash| digest(&hash.alg, &hash.content)));
    if let (Some(name), Some(version)) = (component.name.some(), component.version.some()) {
        // An image's version is its tag, or its digest.
        let separator = if version.contains(':') { '@' } else { ':' };
        names.push(format!("{name}{separator}{version}"));
    } else {
        names.push(component.name.to_string());
    }
    VexComponent::of(names)
}
