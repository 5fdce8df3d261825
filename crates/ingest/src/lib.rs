//! Other scanners' documents. Comes in: bytes of a report, or paths of many. Goes out: one
//! [`MatchSet`] a document, in which every match of the document stands exactly once.
//! Never: ranks, drops or merges a match, keeps a description or the text of a secret, trusts a file name.

mod audit;
mod build;
mod cyclonedx;
mod cyclonedx_xml;
mod detect;
mod document;
mod field;
mod folder;
mod grype;
mod harbor;
mod identifier;
mod ignore;
mod ignore_yaml;
mod kube_bench;
mod kubeaudit;
mod kubescape;
mod kubescape_frameworks;
mod loose;
mod operator;
mod purl;
mod sarif;
mod sbom;
mod shapes;
mod snyk;
mod spdx;
mod told;
mod trivy;
mod trivy_compliance;
mod trivy_fields;
mod trivy_kubernetes;
mod vex;
mod vex_csaf;
mod vex_cyclonedx;
mod vex_open;

pub use audit::{AuditEvent, AuditObject, AuditRead, AuditStage, AuditUser, read_audit};
pub use folder::read_paths;
pub use ignore::{Given, IgnoreEntry, IgnoreFile, IgnoreForm, NameRule, PackageRule, read_ignores};
pub use purl::kind as purl_type;
pub use sbom::{read_sbom, read_sbom_file, take_package_lists};
pub use vex::{
    BomReferences, VexComponent, VexDocument, VexProduct, VexStatement, VexStatus,
    read_bom_references, read_vex,
};

use model::matches::MatchSet;
use std::path::PathBuf;

/// What one call may cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Largest document in bytes, after decompression.
    pub document: usize,
    /// Most matches (and passed checks) of one document.
    pub matches: usize,
    /// Most report files of one call of [`read_paths`], and most documents of one file.
    pub files: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            document: 1 << 30,
            matches: 5_000_000,
            files: 100_000,
        }
    }
}

/// Why a document was not read. Nothing of such a document is used.
#[derive(Debug, thiserror::Error)]
pub enum IngestError {
    #[error("cannot read {}", path.display())]
    Read {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("{file}: cannot be unpacked as {format}")]
    Unpack {
        file: String,
        format: &'static str,
        #[source]
        source: std::io::Error,
    },
    #[error("{file}: larger than {limit} bytes")]
    TooLarge { file: String, limit: usize },
    #[error("{file}: more than {limit} entries")]
    TooMany { file: String, limit: usize },
    #[error("more than {limit} report files")]
    TooManyFiles { limit: usize },
    #[error("{file}: {what}")]
    Encoding { file: String, what: String },
    #[error("{file}:{line}:{column}: damaged JSON at {path}: {what}")]
    Syntax {
        file: String,
        line: usize,
        column: usize,
        path: String,
        what: String,
    },
    #[error("{file}: {path}: {what}")]
    Shape {
        file: String,
        path: String,
        what: String,
    },
    #[error(
        "{file}: no SBOM that can be read (CycloneDX JSON or XML, SPDX JSON or tag-value): {what}"
    )]
    NotAnSbom { file: String, what: String },
    #[error("{file}: not a scan report: {what}")]
    NotAReport { file: String, what: String },
}

/// Reads one document, or several that stand one after the other (JSON lines); gzip and zstd
/// are unpacked. XML is read where it is CycloneDX. What it is, is seen from its content; `name` only names it in errors and sets.
pub fn read(name: &str, bytes: &[u8], limits: &Limits) -> Result<Vec<MatchSet>, IngestError> {
    let unpacked = document::unpack(name, bytes, limits)?;
    if sbom::is_tag_value(&unpacked) {
        let document = document::Document {
            file: name,
            text: "",
            digest: model::keys::sha256_hex(bytes),
            limits,
        };
        return Ok(vec![spdx::tag_value(&document)]);
    }
    let text = document::text(name, &unpacked)?;
    let written;
    let text = if text.trim_start().starts_with('<') {
        written = cyclonedx_xml::json(name, text, limits)?;
        &written
    } else {
        text
    };
    detect::read(&document::Document {
        file: name,
        text,
        digest: model::keys::sha256_hex(bytes),
        limits,
    })
}
