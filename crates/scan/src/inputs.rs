//! Reads what a scan is made of: manifests, snapshots, live clusters, reports, declarations, the database.
//! The one place of this crate that does I/O besides `database`.

use model::evidence::{Gap, GapWeight, Stage};
use model::matches::MatchSet;
use model::snapshot::Snapshot;
use std::collections::BTreeSet;
use std::io::{self, Read as _, Write};
use std::path::{Path, PathBuf};

pub use cluster::live::Options as LiveOptions;
use cluster::live::{PullSecret, SecretName};
pub use cluster::manifests::Input as Source;
pub use intel::Intelligence;
use semantics::declare::code_owners;
pub use semantics::declare::{AcceptedGap, Declarations};

#[derive(Debug, thiserror::Error)]
pub enum InputError {
    #[error("cannot read {path}")]
    Read {
        path: String,
        #[source]
        source: io::Error,
    },
    #[error(transparent)]
    Manifests(#[from] cluster::manifests::ManifestError),
    #[error("cannot read the snapshot {path}")]
    Snapshot {
        path: String,
        #[source]
        source: cluster::saved::SavedError,
    },
    #[error("cannot read the evidence of a node {path}")]
    Node {
        path: String,
        #[source]
        source: cluster::host::LoadError,
    },
    #[error(transparent)]
    Live(#[from] cluster::live::LiveError),
    #[error(transparent)]
    Report(#[from] ingest::IngestError),
    #[error(transparent)]
    Artifact(#[from] image::ImageError),
    #[error("no report in {paths}")]
    NoReport { paths: String },
    #[error("{path}: {message}")]
    Declarations { path: String, message: String },
    #[error("cannot open the database in {path}")]
    Database {
        path: String,
        #[source]
        source: intel::OpenError,
    },
    #[error("cannot build the database")]
    Build(#[from] intel::build::BuildError),
}

impl InputError {
    /// Whether other arguments or files mend it, in contrast to a cluster that does not answer.
    pub fn is_usage(&self) -> bool {
        use cluster::live::LiveError as L;
        match self {
            InputError::Live(error) => matches!(error, L::Kubeconfig(_) | L::Infer(_)),
            _ => true,
        }
    }
}

/// Manifest files, folders and streams. `redaction_key` keys the fingerprints of secret values.
pub fn manifests(
    sources: &[Source],
    kubernetes_minor: Option<u16>,
    redaction_key: [u8; 32],
) -> Result<Snapshot, InputError> {
    let options = cluster::manifests::Options {
        kubernetes_minor,
        max_bytes: cluster::manifests::DEFAULT_MAX_BYTES,
        redaction_key,
    };
    Ok(cluster::manifests::read(sources, &options)?)
}

/// Manifests that live objects come from (`--source`): read to point at, never judged.
pub struct SourceTree {
    pub files: Snapshot,
    pub inputs: Vec<Source>,
}

/// Manifests or rendered charts in files and folders. What of them cannot be read hides nothing of the cluster.
pub fn source_tree(
    paths: &[PathBuf],
    kubernetes_minor: Option<u16>,
    redaction_key: [u8; 32],
) -> Result<SourceTree, InputError> {
    let inputs: Vec<Source> = paths.iter().cloned().map(Source::Path).collect();
    let mut files = manifests(&inputs, kubernetes_minor, redaction_key)?;
    for gap in &mut files.gaps {
        gap.weight = GapWeight::Notice;
        gap.what = format!("of the source: {}", gap.what).into();
    }
    Ok(SourceTree { files, inputs })
}

/// A file that `collect` wrote.
pub fn snapshot(path: &Path) -> Result<Snapshot, InputError> {
    let mut file = std::fs::File::open(path).map_err(|source| InputError::Read {
        path: path.display().to_string(),
        source,
    })?;
    cluster::saved::read(&mut file).map_err(|source| InputError::Snapshot {
        path: path.display().to_string(),
        source,
    })
}

/// Writes what `collect` writes.
pub fn write_snapshot(snapshot: &Snapshot, out: &mut dyn Write) -> io::Result<()> {
    let mut out = out;
    cluster::saved::write(snapshot, &mut out).map_err(io::Error::other)
}

/// A live cluster.
pub fn live(options: &LiveOptions) -> Result<Snapshot, InputError> {
    Ok(cluster::live::collect(options)?)
}

/// The pull secrets that somebody opted in to, by their names; what could not be read is a gap.
pub fn pull_secrets(
    options: &LiveOptions,
    wanted: &BTreeSet<SecretName>,
) -> (Vec<PullSecret>, Vec<Gap>) {
    cluster::live::pull_secrets(options, wanted).unwrap_or_else(|error| {
        let gap = Gap {
            class: "pull-secret-not-read".into(),
            what: format!("pull secrets were not read: {error}").into(),
            stage: Stage::Collect,
            scope: "secrets".into(),
            weight: GapWeight::Notice,
            close: "".into(),
        };
        (Vec::new(), vec![gap])
    })
}

/// Other scanners' results, from files and folders.
pub fn reports(paths: &[PathBuf]) -> Result<(Vec<MatchSet>, Vec<Gap>), InputError> {
    let (sets, gaps) = ingest::read_paths(paths, &ingest::Limits::default())?;
    // A folder that was named for its reports and holds none is a mistake, not a clean bill.
    if sets.is_empty() && gaps.is_empty() && paths.iter().any(|path| path.is_dir()) {
        let folders = paths.iter().filter(|path| path.is_dir());
        let folders: Vec<String> = folders.map(|path| path.display().to_string()).collect();
        return Err(InputError::NoReport {
            paths: folders.join(", "),
        });
    }
    Ok((sets, gaps))
}

/// Other scanners' results, from memory.
pub fn reports_of(
    documents: &[(String, Vec<u8>)],
) -> Result<(Vec<MatchSet>, Vec<Gap>), InputError> {
    let mut sets = Vec::new();
    for (name, bytes) in documents {
        sets.extend(ingest::read(name, bytes, &ingest::Limits::default())?);
    }
    Ok((sets, Vec::new()))
}

/// Larger declarations were not written by hand.
const MAX_DECLARATIONS: u64 = 16 << 20;

fn bounded(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    io::Read::take(std::fs::File::open(path)?, limit + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Err(io::Error::new(
            io::ErrorKind::FileTooLarge,
            format!("it is larger than {limit} bytes"),
        ));
    }
    Ok(bytes)
}

/// `plimsoll.yaml`, and the CODEOWNERS of its folder.
pub fn declarations(path: &Path) -> Result<Declarations, InputError> {
    let read = |path: &Path| {
        bounded(path, MAX_DECLARATIONS).map_err(|source| InputError::Read {
            path: path.display().to_string(),
            source,
        })
    };
    let mut declared = declarations_of(&path.display().to_string(), &read(path)?)?;
    let folder = path.parent().unwrap_or(Path::new(""));
    // The places and their order are those of the code hosts.
    let owners =
        [".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS"].map(|name| folder.join(name));
    if let Some(file) = owners.iter().find(|file| file.is_file()) {
        declared.code_owners = code_owners(&String::from_utf8_lossy(&read(file)?));
    }
    Ok(declared)
}

/// A file beside the manifests is somebody else's: what is larger, or has more entries, is not read.
const MAX_BESIDE: u64 = 1 << 20;
const MOST_ENTRIES: usize = 1_000;

/// A `plimsoll.yaml` that came with what is scanned: it may only raise (rule 17). Whether it says more than that.
pub fn raise(declared: &mut Declarations, path: &Path) -> Result<bool, InputError> {
    let name = path.display().to_string();
    let bytes = bounded(path, MAX_BESIDE).map_err(|source| InputError::Read {
        path: name.clone(),
        source,
    })?;
    let given = declarations_of(&name, &bytes)?;
    if given.workloads.len() > MOST_ENTRIES {
        return Err(InputError::Declarations {
            path: name,
            message: format!("more than {MOST_ENTRIES} entries"),
        });
    }
    Ok(declared.raise(&name, given))
}

/// What is said where such a file cannot be read: without it something may rank too low.
pub fn not_raised(path: &Path, error: &InputError) -> Gap {
    Gap {
        class: "declarations-not-read".into(),
        what: format!("{} was not read ({error})", path.display()).into(),
        stage: Stage::Collect,
        scope: format!("file {}", path.display()).into(),
        weight: GapWeight::Widens,
        close: "repair the file, or name another with --config".into(),
    }
}

/// `plimsoll.yaml` from memory; `name` is for messages.
pub fn declarations_of(name: &str, bytes: &[u8]) -> Result<Declarations, InputError> {
    serde_saphyr::from_slice(bytes).map_err(|error| InputError::Declarations {
        path: name.to_owned(),
        // Not the snippet: a file of secrets that is given by mistake must not be quoted.
        message: error.without_snippet().to_string(),
    })
}

/// The database of a folder; `None` where there is none.
pub fn intelligence(folder: &Path) -> Result<Option<Intelligence>, InputError> {
    if !folder.is_dir() {
        return Ok(None);
    }
    Intelligence::open(folder)
        .map(Some)
        .map_err(|source| InputError::Database {
            path: folder.display().to_string(),
            source,
        })
}

/// A database built in memory from feeds in their official layout, by path below the folder of feeds.
pub fn intelligence_of(feeds: &[(String, Vec<u8>)]) -> Result<Intelligence, InputError> {
    let (built, _) = intel::build::build_files(feeds, &intel::build::BuildOptions::default())?;
    Intelligence::from_bytes(built.advisories, built.scores).map_err(|source| {
        InputError::Database {
            path: "memory".to_owned(),
            source,
        }
    })
}

/// What is said when there is no database at all.
pub fn no_database() -> Gap {
    Gap {
        class: "database-missing".into(),
        what: "there is no intelligence database: EPSS, KEV and SSVC are unknown".into(),
        stage: Stage::Match,
        scope: "database".into(),
        weight: GapWeight::Widens,
        close: "plimsoll db update, or plimsoll db build --from DIR".into(),
    }
}
