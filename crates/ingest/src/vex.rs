//! VEX documents: OpenVEX, CSAF and CycloneDX. Comes in: bytes of a file that the user named. Goes out: its statements,
//! each with the ids, the status and what it is about, as it was written. Never: decides whether a statement applies.

use crate::document::{Document, Fields, Shape, text, unpack};
use crate::loose::Hint;
use crate::{IngestError, Limits, cyclonedx_xml, vex_csaf, vex_cyclonedx, vex_open};
use jiff::Timestamp;
use model::purl::unescaped;
use model::text::Text;
use std::collections::BTreeMap;

/// One document and what it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VexDocument {
    /// Path as given.
    pub file: Text,
    /// `openvex/0.2.0`, `csaf/2.0`, `cyclonedx/1.6`.
    pub format: Text,
    pub author: Option<Text>,
    pub statements: Vec<VexStatement>,
    /// What of it could not be used, one sentence each.
    pub notes: Vec<Text>,
}

/// One status of one vulnerability in some products.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VexStatement {
    /// Where it stands: `statement 3`.
    pub place: Text,
    /// All names of the vulnerability, never empty.
    pub ids: Vec<Text>,
    pub status: VexStatus,
    /// The format's own word: `vulnerable_code_not_present`, `code_not_reachable`.
    pub justification: Option<Text>,
    /// Impact or action in the author's words, shortened.
    pub says: Option<Text>,
    pub when: Option<Timestamp>,
    pub products: Vec<VexProduct>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum VexStatus {
    NotAffected,
    Fixed,
    UnderInvestigation,
    Affected,
}

impl VexStatus {
    /// OpenVEX's word.
    pub fn word(self) -> &'static str {
        match self {
            VexStatus::NotAffected => "not_affected",
            VexStatus::Fixed => "fixed",
            VexStatus::UnderInvestigation => "under_investigation",
            VexStatus::Affected => "affected",
        }
    }

    /// Whether it says that the vulnerability does not count here.
    pub fn clears(self) -> bool {
        matches!(self, VexStatus::NotAffected | VexStatus::Fixed)
    }
}

/// What a statement is about: all of a product, or only parts in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VexProduct {
    pub whole: VexComponent,
    /// Empty: the whole product.
    pub parts: Vec<VexComponent>,
}

/// The names of one thing: purls, image references, digests, CPEs, words. Any of them may be the one that is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VexComponent {
    pub names: Vec<Text>,
    /// Only these versions of it; empty: as the names say.
    pub versions: Vec<Text>,
    /// The `bom-ref` of another document that was not resolved yet.
    pub reference: Option<Text>,
}

impl VexComponent {
    pub(crate) fn of(names: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        let mut component = VexComponent::default();
        for name in names {
            let name = name.as_ref().trim();
            if !name.is_empty() && !component.names.iter().any(|known| &**known == name) {
                component.names.push(name.into());
            }
        }
        component
    }
}

/// The components of a CycloneDX document by their `bom-ref`, to resolve the references of others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BomReferences {
    pub serial: Option<Text>,
    pub root: Option<VexComponent>,
    pub components: BTreeMap<Text, VexComponent>,
}

/// Reads a VEX document; gzip and zstd are unpacked, an in-toto statement around it is taken off. Its signature is not
/// looked at: that the user named the file is what makes it count.
pub fn read_vex(name: &str, bytes: &[u8], limits: &Limits) -> Result<VexDocument, IngestError> {
    with_document(name, bytes, limits, |document, fields| {
        of_fields(document, document.text, fields, 0)
    })
}

/// The references of a CycloneDX document; `None` for any other.
pub fn read_bom_references(
    name: &str,
    bytes: &[u8],
    limits: &Limits,
) -> Result<Option<BomReferences>, IngestError> {
    with_document(name, bytes, limits, |document, fields| {
        if !is_cyclonedx(fields) {
            return Ok(None);
        }
        vex_cyclonedx::references(document, document.text).map(Some)
    })
}

impl VexDocument {
    /// Whether a statement is about something by its `bom-ref` in another document.
    pub fn has_references(&self) -> bool {
        let mut products = self.statements.iter().flat_map(|s| &s.products);
        products.any(|product| {
            product.whole.reference.is_some() || product.parts.iter().any(|p| p.reference.is_some())
        })
    }

    /// Replaces references into `bom` by what stands there.
    pub fn resolve(&mut self, bom: &BomReferences) {
        let products = self.statements.iter_mut().flat_map(|s| &mut s.products);
        for product in products {
            resolve(&mut product.whole, bom);
            for part in &mut product.parts {
                resolve(part, bom);
            }
            // A part of that document's subject, and of nothing else.
            if let (Some(root), [..], true) =
                (&bom.root, &*product.parts, product.whole.names.is_empty())
            {
                product.whole = root.clone();
            }
        }
    }
}

fn resolve(component: &mut VexComponent, bom: &BomReferences) {
    let Some(reference) = &component.reference else {
        return;
    };
    let (serial, inner) = match reference.strip_prefix("urn:cdx:") {
        Some(rest) => {
            let (document, inner) = rest.split_once('#').unwrap_or((rest, ""));
            let serial = document.split('/').next().unwrap_or(document);
            (Some(serial), inner)
        }
        None => (None, &**reference),
    };
    let own = bom
        .serial
        .as_deref()
        .map(|s| s.strip_prefix("urn:uuid:").unwrap_or(s));
    if serial.is_some_and(|serial| Some(serial) != own) {
        return;
    }
    let decoded = unescaped(inner);
    if let Some(found) = bom
        .components
        .get(inner)
        .or_else(|| bom.components.get(&*decoded))
    {
        component.names.clone_from(&found.names);
        component.reference = None;
    }
}

fn with_document<T>(
    name: &str,
    bytes: &[u8],
    limits: &Limits,
    read: impl for<'d, 'a> FnOnce(&'d Document<'a>, &'d Fields<'a>) -> Result<T, IngestError>,
) -> Result<T, IngestError> {
    let unpacked = unpack(name, bytes, limits)?;
    let text = text(name, &unpacked)?;
    let written;
    let text = if text.trim_start().starts_with('<') {
        written = cyclonedx_xml::json(name, text, limits)?;
        &written
    } else {
        text
    };
    let document = Document {
        file: name,
        text,
        digest: String::new(),
        limits,
    };
    match document.parse(text)? {
        Shape::Object(fields) => read(&document, &fields),
        _ => Err(not_vex(&document, "not one JSON object")),
    }
}

/// Attestations within attestations are not followed further than this.
const DEEPEST_ENVELOPE: u8 = 3;

fn of_fields<'a>(
    document: &Document<'a>,
    raw: &'a str,
    fields: &Fields<'a>,
    depth: u8,
) -> Result<VexDocument, IngestError> {
    if is_cyclonedx(fields) {
        return vex_cyclonedx::read(document, raw);
    }
    if fields.has("document") && fields.has_any(&["vulnerabilities", "product_tree"]) {
        return vex_csaf::read(document, raw);
    }
    if fields.has("statements") {
        return vex_open::read(document, raw);
    }
    if fields.has("payloadType") && fields.has("payload") {
        return Err(not_vex(
            document,
            "a DSSE envelope; give what is in it: jq -r .payload FILE | base64 -d",
        ));
    }
    if let Some(inner) = fields.get("predicate").filter(|_| depth < DEEPEST_ENVELOPE) {
        let inner_fields = document.fields(inner)?;
        return of_fields(document, inner, &inner_fields, depth + 1);
    }
    let keys: Vec<String> = fields
        .0
        .iter()
        .take(5)
        .map(|(key, _)| format!("{key:?}"))
        .collect();
    Err(not_vex(
        document,
        &format!("its keys are {}", keys.join(", ")),
    ))
}

fn is_cyclonedx(fields: &Fields) -> bool {
    fields
        .text("bomFormat")
        .is_some_and(|bom| bom == "CycloneDX")
}

fn not_vex(document: &Document, what: &str) -> IngestError {
    document.shape(
        document.text,
        format!("not a VEX document (OpenVEX, CSAF, CycloneDX): {what}"),
    )
}

/// A sentence of somebody else's, on one line.
pub(crate) fn sentence(text: &Hint) -> Option<Text> {
    const LONGEST: usize = 240;
    let text = text.some()?;
    let mut out = String::new();
    for word in text.split_whitespace() {
        if out.len() + word.len() > LONGEST {
            out.push_str(" ...");
            break;
        }
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
    }
    let out = out.trim_end_matches('.');
    (!out.is_empty()).then(|| out.into())
}
