//! What the user's files say of findings: VEX documents, ignore files, a baseline. Comes in: paths. Goes out: what was
//! read. Does I/O, as `inputs` does.

use crate::annotated;
use crate::baseline::{Baseline, BaselineError};
use crate::bundle::{self, BundleError};
use crate::ignore::Ignores;
use crate::{Input, Settings};
pub use ingest::IgnoreFile;
use ingest::{IngestError, Limits, VexDocument};
use intel::Intelligence;
use model::assessment::Assessment;
use model::evidence::Ledger;
use model::snapshot::Snapshot;
use model::text::Text;
use semantics::declare::Declarations;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek};
use std::path::{Path, PathBuf};

/// What takes findings out before they are ranked.
#[derive(Clone, Debug, Default)]
pub struct Rulings {
    pub vex: Vec<VexDocument>,
    /// That came with an image: told, and taking nothing out.
    pub attached: Vec<VexDocument>,
    pub ignores: Vec<Ignores>,
    /// Exceptions in annotations of objects count.
    pub annotations: bool,
}

impl Rulings {
    /// The ignore entries that count for a Snapshot; those in annotations are told where they do not.
    pub(crate) fn entries(&self, snapshot: Option<&Snapshot>, ledger: &mut Ledger) -> Vec<Ignores> {
        let mut all = self.ignores.clone();
        match snapshot {
            Some(snapshot) if self.annotations => all.extend(annotated::exceptions(snapshot)),
            Some(snapshot) => ledger.gaps(annotated::unread(snapshot)),
            None => {}
        }
        all
    }

    /// A line for each file: `vex.json: 3 VEX statements`, `.trivyignore: 1 ignore entry`.
    pub fn given(&self) -> Vec<Text> {
        let line = |file: &str, count: usize, one: &str, many: &str| {
            let what = if count == 1 { one } else { many };
            Text::from(format!("{file}: {count} {what}"))
        };
        let vex = self.vex.iter().map(|document| {
            let count = document.statements.len();
            line(&document.file, count, "VEX statement", "VEX statements")
        });
        let ignores = self.ignores.iter().map(|ignores| {
            let count = ignores.file.entries.len();
            line(&ignores.file.file, count, "ignore entry", "ignore entries")
        });
        vex.chain(ignores).collect()
    }
}

#[derive(Debug, thiserror::Error)]
pub enum RulingError {
    #[error("cannot read {path}")]
    Read {
        path: String,
        #[source]
        source: io::Error,
    },
    #[error(transparent)]
    Ingest(#[from] IngestError),
    #[error("the baseline {path} cannot be read as a bundle")]
    Bundle {
        path: String,
        #[source]
        source: BundleError,
    },
    #[error("the baseline {path} cannot be read")]
    Baseline {
        path: String,
        #[source]
        source: BaselineError,
    },
}

/// Larger VEX documents, ignore files and reports are refused.
const MAX_VEX: u64 = 256 << 20;
const MAX_IGNORES: u64 = 4 << 20;
const MAX_REPORT: u64 = 2 << 30;

/// VEX documents. References into other documents are looked up in the documents themselves and in `boms`.
pub fn vex(paths: &[PathBuf], boms: &[PathBuf]) -> Result<Vec<VexDocument>, RulingError> {
    let limits = Limits::default();
    let mut documents = Vec::new();
    for path in paths {
        let bytes = bounded(path, MAX_VEX)?;
        documents.push(ingest::read_vex(
            &path.display().to_string(),
            &bytes,
            &limits,
        )?);
    }
    if !documents.iter().any(VexDocument::has_references) {
        return Ok(documents);
    }
    for path in paths.iter().chain(boms).filter(|path| path.is_file()) {
        let bytes = bounded(path, MAX_VEX)?;
        // A report that is no CycloneDX, or damaged, is told where it is read as a report.
        let bom = ingest::read_bom_references(&path.display().to_string(), &bytes, &limits);
        if let Ok(Some(bom)) = bom {
            for document in &mut documents {
                document.resolve(&bom);
            }
        }
    }
    Ok(documents)
}

/// One ignore file.
pub fn ignore_file(path: &Path) -> Result<IgnoreFile, RulingError> {
    let bytes = bounded(path, MAX_IGNORES)?;
    ignore_bytes(&path.display().to_string(), &bytes)
}

/// An ignore file from memory; `name` is for messages.
pub fn ignore_bytes(name: &str, bytes: &[u8]) -> Result<IgnoreFile, RulingError> {
    Ok(ingest::read_ignores(name, bytes, &Limits::default())?)
}

/// A bundle, whose artifacts are judged again by the database of now, or a JSON report.
pub fn baseline(
    path: &Path,
    intel: Option<&Intelligence>,
    settings: &Settings,
) -> Result<Baseline, RulingError> {
    let name = path.display().to_string();
    let read = |source| RulingError::Read {
        path: name.clone(),
        source,
    };
    let mut file = File::open(path).map_err(read)?;
    let mut first = [0; 16];
    let seen = file.read(&mut first).map_err(read)?;
    file.rewind().map_err(read)?;
    let start = first.get(..seen).unwrap_or(&[]);
    if start.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{') {
        let report = BufReader::new(file.take(MAX_REPORT));
        return Baseline::of_report(&name, report).map_err(|source| RulingError::Baseline {
            path: name.clone(),
            source,
        });
    }
    let bundle = bundle::read(file).map_err(|source| RulingError::Bundle {
        path: name.clone(),
        source,
    })?;
    let again = judged_again(&bundle, intel, settings);
    Ok(Baseline::of(&name, &bundle.assessment, again.as_ref()))
}

/// Both sides by the same database; only where the baseline kept what is installed, and there is a database.
fn judged_again(
    bundle: &bundle::Bundle,
    intel: Option<&Intelligence>,
    settings: &Settings,
) -> Option<Assessment> {
    let then = &bundle.assessment;
    if then.inventories.is_empty() || intel.is_none() {
        return None;
    }
    // Our own sets are made again from the inventories, those of others stay what they were.
    let others = then
        .sets
        .iter()
        .filter(|set| &*set.source.tool != "plimsoll");
    let input = Input {
        snapshot: bundle.snapshot.as_ref(),
        sources: &[],
        tree: None,
        sets: others.cloned().collect(),
        inventories: then.inventories.clone(),
        intel,
        declarations: &Declarations::default(),
        gaps: Vec::new(),
        spoken_of: std::collections::BTreeSet::new(),
    };
    Some(crate::assess(input, settings))
}

fn bounded(path: &Path, limit: u64) -> Result<Vec<u8>, RulingError> {
    let failed = |source| RulingError::Read {
        path: path.display().to_string(),
        source,
    };
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(failed)?;
    file.take(limit + 1)
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    if bytes.len() as u64 > limit {
        return Err(failed(io::Error::new(
            io::ErrorKind::FileTooLarge,
            format!("larger than {} MiB", limit >> 20),
        )));
    }
    Ok(bytes)
}
