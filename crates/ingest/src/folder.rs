//! Reports by path. Comes in: files and folders. Goes out: their sets in the order of the paths,
//! read in parallel. A path that was named must be a report; a stranger in a folder is a gap.

use crate::document::too_large;
use crate::{IngestError, Limits, read};
use model::evidence::{Gap, GapWeight, Stage};
use model::matches::MatchSet;
use rayon::prelude::*;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Endings that are looked at in folders.
const ENDINGS: [&str; 6] = ["json", "sarif", "spdx", "xml", "gz", "zst"];

struct Candidate {
    path: PathBuf,
    /// The user named it; it was not found in a folder.
    named: bool,
}

/// Reads files, and folders with all that is below (`.json .sarif .spdx .xml .gz .zst`, ordered by name,
/// symbolic links to folders not followed). A named file that is damaged or no report is an
/// error; in a folder it is a gap: `report-not-recognised`, or `report-damaged`, which could hide findings.
pub fn read_paths(
    paths: &[PathBuf],
    limits: &Limits,
) -> Result<(Vec<MatchSet>, Vec<Gap>), IngestError> {
    let mut candidates = Vec::new();
    for path in paths {
        if path.is_dir() {
            below(path, limits, &mut candidates)?;
        } else {
            candidates.push(Candidate {
                path: path.clone(),
                named: true,
            });
        }
    }
    if candidates.len() > limits.files {
        return Err(IngestError::TooManyFiles {
            limit: limits.files,
        });
    }
    let results: Vec<_> = candidates
        .par_iter()
        .map(|candidate| read_file(&candidate.path, limits))
        .collect();
    let mut sets = Vec::new();
    let mut gaps = Vec::new();
    for (candidate, result) in candidates.iter().zip(results) {
        match result {
            Ok(found) => sets.extend(found),
            Err(error) if candidate.named => return Err(error),
            Err(error) => gaps.push(gap(&candidate.path, &error)),
        }
    }
    Ok((sets, gaps))
}

fn below(folder: &Path, limits: &Limits, out: &mut Vec<Candidate>) -> Result<(), IngestError> {
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let failed = |source| IngestError::Read {
            path: folder.clone(),
            source,
        };
        let mut entries = Vec::new();
        for entry in folder.read_dir().map_err(failed)? {
            entries.push(entry.map_err(failed)?);
        }
        entries.sort_by_key(std::fs::DirEntry::file_name);
        let mut inner = Vec::new();
        for entry in entries {
            let path = entry.path();
            let kind = entry.file_type().map_err(failed)?;
            let ending = path.extension().and_then(|ending| ending.to_str());
            if kind.is_dir() {
                inner.push(path);
            } else if path.is_file()
                && ending.is_some_and(|e| ENDINGS.contains(&e.to_ascii_lowercase().as_str()))
            {
                out.push(Candidate { path, named: false });
            }
        }
        folders.extend(inner.into_iter().rev());
        if out.len() > limits.files {
            return Err(IngestError::TooManyFiles {
                limit: limits.files,
            });
        }
    }
    Ok(())
}

fn read_file(path: &Path, limits: &Limits) -> Result<Vec<MatchSet>, IngestError> {
    read(&path.to_string_lossy(), &bytes(path, limits)?, limits)
}

/// The bytes of a document; `-` is standard input.
pub(crate) fn bytes(path: &Path, limits: &Limits) -> Result<Vec<u8>, IngestError> {
    let failed = |source| IngestError::Read {
        path: path.to_owned(),
        source,
    };
    let cap = u64::try_from(limits.document).unwrap_or(u64::MAX);
    let cap = cap.saturating_add(1);
    let mut bytes = Vec::new();
    if path == Path::new("-") {
        let stdin = std::io::stdin().lock();
        stdin.take(cap).read_to_end(&mut bytes).map_err(failed)?;
    } else {
        let file = File::open(path).map_err(failed)?;
        let size = usize::try_from(file.metadata().map_err(failed)?.len()).unwrap_or(usize::MAX);
        if size > limits.document {
            return Err(too_large(&path.to_string_lossy(), limits));
        }
        bytes.reserve_exact(size + 1);
        file.take(cap).read_to_end(&mut bytes).map_err(failed)?;
    }
    if bytes.len() > limits.document {
        return Err(too_large(&path.to_string_lossy(), limits));
    }
    Ok(bytes)
}

fn gap(path: &Path, error: &IngestError) -> Gap {
    let what = match error {
        IngestError::Read { source, .. } | IngestError::Unpack { source, .. } => {
            format!("{error}: {source}")
        }
        _ => error.to_string(),
    };
    let (class, weight) = match error {
        IngestError::NotAReport { .. } => ("report-not-recognised", GapWeight::Notice),
        _ => ("report-damaged", GapWeight::Hides),
    };
    Gap {
        class: class.into(),
        what: what.into(),
        stage: Stage::Import,
        scope: format!("report {}", path.display()).into(),
        weight,
        close: "".into(),
    }
}
