//! Lists of packages (SBOMs). Comes in: the bytes of a CycloneDX (JSON, XML) or SPDX (JSON, tag-value, JSON-LD)
//! document. Goes out: what is installed, as an inventory of each artifact that the document describes.
//! Never: judges, guesses a name or a distribution, counts the document's own vulnerabilities.
//!
//! ```text
//!  cyclonedx ─┐
//!  spdx2 ─────┼─> Draft ─> Shelf ─> component ─> Inventory
//!  tag_value ─┤   (as the      (one          (purl, or what
//!  spdx3 ─────┘   document     document)      properties tell)
//!                 names it)
//! ```

mod component;
mod cyclonedx;
mod layers;
mod release;
mod shelf;
mod spdx;
mod spdx2;
mod spdx3;
mod tag_value;

use crate::document::{Document, Fields, Shape, WHITESPACE, text, unpack};
use crate::folder::bytes;
use crate::{IngestError, Limits, cyclonedx_xml};
use model::inventory::{Inventory, Release};
use model::matches::MatchSet;
use shelf::Shelf;
use std::path::Path;

/// Most packages of one document.
const MOST: usize = 1_000_000;

/// Reads an SBOM; gzip and zstd are unpacked. What it is, is seen from its content. `release` counts before what the
/// document says of its distribution. Never empty; several where the document describes several artifacts.
pub fn read_sbom(
    name: &str,
    bytes: &[u8],
    release: Option<&Release>,
    limits: &Limits,
) -> Result<Vec<Inventory>, IngestError> {
    let unpacked = unpack(name, bytes, limits)?;
    let shelf = Shelf::new(name, release);
    if let Some(text) = tag_value::text(&unpacked) {
        return tag_value::read(text, shelf);
    }
    let text = text(name, &unpacked).map_err(|error| foreign(name, error))?;
    let written;
    let text = if text.trim_start().starts_with('<') {
        written = cyclonedx_xml::json(name, text, limits)?;
        &written
    } else {
        text.trim_matches(WHITESPACE)
    };
    let document = Document {
        file: name,
        text,
        digest: String::new(),
        limits,
    };
    match document.parse(text)? {
        Shape::Object(fields) => of_object(&document, &fields, shelf, true),
        Shape::Null | Shape::List(_) | Shape::Scalar => Err(no_sbom(name, "it is no JSON object")),
    }
}

/// Reads the SBOM in the file `path`; `-` is standard input.
pub fn read_sbom_file(
    path: &Path,
    release: Option<&Release>,
    limits: &Limits,
) -> Result<Vec<Inventory>, IngestError> {
    let name = match path.to_string_lossy() {
        stdin if stdin == "-" => "standard input".into(),
        name => name,
    };
    read_sbom(&name, &bytes(path, limits)?, release, limits)
}

/// Takes the reports that list packages and say nothing of vulnerabilities out of `sets`, and reads them as what they
/// are: packages to be judged. One that cannot be read so stays, with the gap that it has.
pub fn take_package_lists(sets: &mut Vec<MatchSet>, limits: &Limits) -> Vec<Inventory> {
    let mut lists = Vec::new();
    sets.retain(|set| {
        let path = Path::new(&*set.source.file);
        let read = is_list_only(set).then(|| read_sbom_file(path, None, limits).ok());
        let read = read.flatten();
        let stays = read.is_none();
        lists.extend(read.into_iter().flatten());
        stays
    });
    lists
}

/// Whether it is a list of packages in SPDX's tag-value form, which has no place for vulnerabilities.
pub(crate) fn is_tag_value(bytes: &[u8]) -> bool {
    tag_value::text(bytes).is_some()
}

fn is_list_only(set: &MatchSet) -> bool {
    let format = &*set.source.format;
    let listed = format.starts_with("cyclonedx") || format.starts_with("spdx");
    let without = |gap: &model::evidence::Gap| &*gap.class == "report-without-results";
    listed && set.matches.is_empty() && set.gaps.iter().any(without)
}

fn of_object<'a>(
    document: &Document<'a>,
    fields: &Fields<'a>,
    shelf: Shelf<'a>,
    open: bool,
) -> Result<Vec<Inventory>, IngestError> {
    let is_cyclonedx = fields.text("bomFormat").is_some_and(|f| f == "CycloneDX")
        || (fields.has("specVersion") && fields.has_any(&["components", "metadata"]));
    if is_cyclonedx {
        return cyclonedx::read(document, fields, shelf);
    }
    if fields.has("spdxVersion") {
        return spdx2::read(document, fields, shelf);
    }
    if fields.has("@graph") && fields.has("@context") {
        return spdx3::read(document, fields, shelf);
    }
    // An in-toto statement (attestation/spec v1), as build tools attach it to images.
    if let Some(predicate) = fields.get("predicate").filter(|_| open)
        && let Shape::Object(inner) = document.parse(predicate)?
    {
        return of_object(document, &inner, shelf, false);
    }
    let keys = fields.0.iter().take(5);
    let keys: Vec<String> = keys.map(|(key, _)| format!("{key:?}")).collect();
    let what = match keys.as_slice() {
        [] => "it is an empty object".to_owned(),
        keys => format!("its keys are {}", keys.join(", ")),
    };
    Err(no_sbom(document.file, &what))
}

fn no_sbom(file: &str, what: &str) -> IngestError {
    IngestError::NotAnSbom {
        file: file.to_owned(),
        what: what.to_owned(),
    }
}

/// What is no JSON and no XML is no SBOM; how it is encoded matters only where it could be one.
fn foreign(file: &str, error: IngestError) -> IngestError {
    match error {
        IngestError::Encoding { what, .. } if what == "not JSON" => {
            no_sbom(file, "it is neither JSON, XML nor tag-value")
        }
        IngestError::NotAReport { what, .. } => no_sbom(file, &what),
        other => other,
    }
}
