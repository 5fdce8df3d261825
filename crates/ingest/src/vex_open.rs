//! OpenVEX 0.0 to 0.2 (openvex/spec, OPENVEX-SPEC.md). Comes in: one document. Goes out: its statements.

use crate::IngestError;
use crate::document::Document;
use crate::identifier::time;
use crate::loose::{Hint, List, Maybe, Obj, Pairs, Str};
use crate::vex::{VexComponent, VexDocument, VexProduct, VexStatement, VexStatus, sentence};
use model::text::Text;
use serde::Deserialize;
use serde_json::value::RawValue;

#[derive(Deserialize, Default)]
#[serde(default)]
struct OpenVex<'a> {
    #[serde(rename = "@context", borrow)]
    context: Hint<'a>,
    #[serde(borrow)]
    author: Hint<'a>,
    #[serde(borrow)]
    timestamp: Hint<'a>,
    #[serde(borrow)]
    last_updated: Hint<'a>,
    #[serde(borrow)]
    statements: List<Obj<Statement<'a>>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Statement<'a> {
    /// A text before 0.2.
    #[serde(borrow)]
    vulnerability: Option<&'a RawValue>,
    /// Texts before 0.2.
    #[serde(borrow)]
    products: List<&'a RawValue>,
    /// Of the whole statement, before 0.2.
    #[serde(borrow)]
    subcomponents: List<&'a RawValue>,
    #[serde(borrow)]
    status: Str<'a>,
    #[serde(borrow)]
    justification: Hint<'a>,
    #[serde(rename = "impact_statement", borrow)]
    impact: Hint<'a>,
    #[serde(rename = "action_statement", borrow)]
    action: Hint<'a>,
    #[serde(borrow)]
    status_notes: Hint<'a>,
    #[serde(borrow)]
    timestamp: Hint<'a>,
    #[serde(borrow)]
    last_updated: Hint<'a>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Vulnerability<'a> {
    #[serde(rename = "@id", borrow)]
    id: Hint<'a>,
    #[serde(borrow)]
    name: Hint<'a>,
    #[serde(borrow)]
    aliases: List<Str<'a>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Component<'a> {
    #[serde(rename = "@id", borrow)]
    id: Hint<'a>,
    #[serde(borrow)]
    identifiers: Pairs<'a, Hint<'a>>,
    #[serde(borrow)]
    hashes: Pairs<'a, Hint<'a>>,
    #[serde(borrow)]
    subcomponents: List<&'a RawValue>,
}

pub(crate) fn read<'a>(document: &Document<'a>, raw: &'a str) -> Result<VexDocument, IngestError> {
    let vex: OpenVex = document.parse::<Maybe<_>>(raw)?.0;
    let version = vex
        .context
        .rsplit_once("/v")
        .map_or("0.0", |(_, version)| version.trim_end_matches('/'));
    let mut out = VexDocument {
        file: document.file.into(),
        format: format!("openvex/{version}").into(),
        author: sentence(&vex.author),
        statements: Vec::new(),
        notes: Vec::new(),
    };
    let written = time(&vex.last_updated).or_else(|| time(&vex.timestamp));
    for (n, statement) in vex.statements.iter().enumerate() {
        let place: Text = format!("statement {}", n + 1).into();
        let ids = ids(document, statement.vulnerability)?;
        let status = match &*statement.status.to_ascii_lowercase() {
            "not_affected" => VexStatus::NotAffected,
            "fixed" => VexStatus::Fixed,
            "under_investigation" => VexStatus::UnderInvestigation,
            "affected" => VexStatus::Affected,
            _ => {
                out.notes
                    .push(format!("{place} has no status that is known").into());
                continue;
            }
        };
        let below = parts(document, &statement.subcomponents)?;
        let mut products = Vec::new();
        for product in statement.products.iter() {
            let (whole, parts) = component(document, product)?;
            let mut parts = self::parts(document, &parts)?;
            if parts.is_empty() {
                parts.clone_from(&below);
            }
            if !whole.names.is_empty() {
                products.push(VexProduct { whole, parts });
            }
        }
        let missing = match (ids.is_empty(), products.is_empty()) {
            (true, _) => "names no vulnerability",
            (_, true) => "names no product",
            _ => "",
        };
        if !missing.is_empty() {
            out.notes.push(format!("{place} {missing}").into());
            continue;
        }
        let says = [
            &statement.impact,
            &statement.action,
            &statement.status_notes,
        ];
        out.statements.push(VexStatement {
            place,
            ids,
            status,
            justification: sentence(&statement.justification),
            says: says.into_iter().find_map(sentence),
            when: time(&statement.last_updated)
                .or_else(|| time(&statement.timestamp))
                .or(written),
            products,
        });
    }
    Ok(out)
}

fn ids<'a>(document: &Document<'a>, raw: Option<&'a RawValue>) -> Result<Vec<Text>, IngestError> {
    let Some(raw) = raw.map(RawValue::get) else {
        return Ok(Vec::new());
    };
    if raw.starts_with('"') {
        let name: Str = document.parse(raw)?;
        return Ok(name.some().map(Into::into).into_iter().collect());
    }
    let said: Vulnerability = document.parse::<Maybe<_>>(raw)?.0;
    // The IRI is a name only where nothing else is: `https://nvd.nist.gov/vuln/detail/CVE-2023-1255`.
    let last = said.id.rsplit('/').next().filter(|_| said.name.is_empty());
    let names = std::iter::once(&*said.name)
        .chain(said.aliases.iter().map(|alias| &**alias))
        .chain(last);
    let mut ids: Vec<Text> = Vec::new();
    for name in names.map(str::trim).filter(|name| !name.is_empty()) {
        if !ids.iter().any(|known| &**known == name) {
            ids.push(name.into());
        }
    }
    Ok(ids)
}

/// The component, and its subcomponents as they stand.
fn component<'a>(
    document: &Document<'a>,
    raw: &'a RawValue,
) -> Result<(VexComponent, Vec<&'a RawValue>), IngestError> {
    if raw.get().starts_with('"') {
        let name: Str = document.parse(raw.get())?;
        return Ok((VexComponent::of([&*name]), Vec::new()));
    }
    let said: Component = document.parse::<Maybe<_>>(raw.get())?.0;
    let mut names: Vec<String> = vec![said.id.to_string()];
    names.extend(said.identifiers.iter().map(|(_, name)| name.to_string()));
    names.extend(
        said.hashes
            .iter()
            .filter_map(|(kind, value)| digest(kind, value)),
    );
    Ok((VexComponent::of(names), said.subcomponents.to_vec()))
}

/// `sha256:...` of `sha-256`, `SHA256` and a value; other hashes are of files, never of images.
pub(crate) fn digest(kind: &str, value: &str) -> Option<String> {
    let kind: String = kind.chars().filter(char::is_ascii_alphanumeric).collect();
    let kind = kind.to_ascii_lowercase();
    matches!(&*kind, "sha256" | "sha512")
        .then(|| format!("{kind}:{}", value.trim().to_ascii_lowercase()))
        .filter(|digest| model::image::is_digest(digest))
}

fn parts<'a>(
    document: &Document<'a>,
    raw: &[&'a RawValue],
) -> Result<Vec<VexComponent>, IngestError> {
    let mut parts = Vec::new();
    for raw in raw {
        let (part, _) = component(document, raw)?;
        if !part.names.is_empty() {
            parts.push(part);
        }
    }
    Ok(parts)
}
