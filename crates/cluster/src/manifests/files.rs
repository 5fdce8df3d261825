//! Finds the files of the inputs, in a fixed order, each once. Links are followed inside the folder given, never out of it.

use super::{Input, ManifestError, gap};
use model::evidence::Gap;
use model::text::Text;
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

const MAX_FILES: usize = 200_000;
const MAX_FOLDER_DEPTH: usize = 64;

/// One file to read.
pub(super) struct Source {
    /// As it was given, with `/` separators.
    pub(super) name: Text,
    origin: Origin,
    /// Given by name, not found in a folder.
    pub(super) named: bool,
    /// Stands in the `templates` folder of a Helm chart.
    pub(super) chart_template: bool,
}

enum Origin {
    Path(PathBuf),
    Bytes(Arc<[u8]>),
}

/// All files of the inputs, and what was left out.
pub(super) fn list(
    inputs: &[Input],
    max_bytes: u64,
) -> Result<(Vec<Source>, Vec<Gap>), ManifestError> {
    let mut walk = Walk {
        sources: Vec::new(),
        gaps: Vec::new(),
        seen: BTreeSet::new(),
        folders: BTreeSet::new(),
        found: 0,
        bytes: 0,
        max_bytes,
    };
    for input in inputs {
        walk.input(input)?;
    }
    Ok((walk.sources, walk.gaps))
}

/// The name of a path as reports show it.
pub(super) fn name_of(path: &Path) -> Text {
    let name = path.to_string_lossy();
    match std::path::MAIN_SEPARATOR {
        '/' => name.into(),
        other => name.replace(other, "/").into(),
    }
}

struct Walk {
    sources: Vec<Source>,
    gaps: Vec<Gap>,
    seen: BTreeSet<Text>,
    /// Real paths of the folders walked, against loops.
    folders: BTreeSet<PathBuf>,
    /// Files met, those met before included.
    found: u64,
    bytes: u64,
    max_bytes: u64,
}

impl Walk {
    fn input(&mut self, input: &Input) -> Result<(), ManifestError> {
        let path = match input {
            Input::Bytes { name, bytes } => {
                let size = bytes.len() as u64;
                let origin = Origin::Bytes(Arc::clone(bytes));
                return self.add(Text::clone(name), origin, size, true, false);
            }
            Input::Path(path) => path,
        };
        let name = name_of(path);
        let unreadable = |source| ManifestError::Unreadable {
            file: Text::clone(&name),
            source,
        };
        let metadata = fs::metadata(path).map_err(unreadable)?;
        if !metadata.is_dir() {
            let chart = path.parent().is_some_and(is_chart_templates);
            let origin = Origin::Path(path.clone());
            return self.add(name, origin, metadata.len(), true, chart);
        }
        let root = fs::canonicalize(path).map_err(unreadable)?;
        let before = self.found;
        self.folders.clear();
        self.folder(path, &root, &root, is_chart_templates(path), 0)
            .map_err(|error| match error {
                WalkError::Io(error) => unreadable(error),
                WalkError::Manifest(error) => error,
            })?;
        if self.found == before && self.gaps.is_empty() {
            return Err(ManifestError::NothingFound { folder: name });
        }
        Ok(())
    }

    fn folder(
        &mut self,
        path: &Path,
        real: &Path,
        root: &Path,
        chart_template: bool,
        depth: usize,
    ) -> Result<(), WalkError> {
        if !self.folders.insert(real.to_owned()) {
            return Ok(());
        }
        let mut names: Vec<_> = fs::read_dir(path)?
            .map(|entry| entry.map(|entry| entry.file_name()))
            .collect::<Result<_, io::Error>>()?;
        names.sort();
        let is_chart = names.iter().any(|name| name == "Chart.yaml");
        for name in names {
            let path = path.join(&name);
            let shown = name_of(&path);
            let Some(entry) = self.entry(&path, root, &shown) else {
                continue;
            };
            if entry.metadata.is_dir() {
                let chart_template = chart_template || (is_chart && name == "templates");
                if name == ".git" {
                    continue;
                }
                if depth >= MAX_FOLDER_DEPTH {
                    let what = format!("{shown} is nested too deep and was not read");
                    self.gaps.push(gap(
                        "folder-not-read",
                        what,
                        &shown,
                        "name the folder itself",
                    ));
                    continue;
                }
                let inner = self.folder(&path, &entry.real, root, chart_template, depth + 1);
                self.unless_unreadable(inner, &shown)?;
            } else if entry.metadata.is_file() && is_manifest_name(&path) {
                let size = entry.metadata.len();
                self.add(shown, Origin::Path(path), size, false, chart_template)?;
            }
        }
        Ok(())
    }

    /// A folder inside a folder that cannot be read is a gap.
    fn unless_unreadable(
        &mut self,
        inner: Result<(), WalkError>,
        shown: &Text,
    ) -> Result<(), WalkError> {
        match inner {
            Err(WalkError::Io(error)) => {
                let what = format!("{shown} could not be read ({})", error.kind());
                self.gaps.push(gap(
                    "folder-not-read",
                    what,
                    shown,
                    "make the folder readable",
                ));
                Ok(())
            }
            other => other,
        }
    }

    /// What an entry really is; `None`, with a gap, for dead links and links that lead out of the root.
    fn entry(&mut self, path: &Path, root: &Path, shown: &Text) -> Option<Entry> {
        let real = fs::canonicalize(path).and_then(|real| Ok((fs::metadata(&real)?, real)));
        match real {
            Ok((metadata, real)) if real.starts_with(root) => Some(Entry { metadata, real }),
            Ok((metadata, _)) if !metadata.is_dir() && !is_manifest_name(path) => None,
            Ok(_) => {
                let what = format!("{shown} is a link out of the folder and was not followed");
                self.gaps.push(gap(
                    "link-not-followed",
                    what,
                    shown,
                    "name its target as an input",
                ));
                None
            }
            Err(_) if !is_manifest_name(path) => None,
            Err(error) => {
                let what = format!("{shown} could not be read ({})", error.kind());
                self.gaps.push(gap(
                    "manifest-unreadable",
                    what,
                    shown,
                    "make the file readable",
                ));
                None
            }
        }
    }

    fn add(
        &mut self,
        name: Text,
        origin: Origin,
        size: u64,
        named: bool,
        chart_template: bool,
    ) -> Result<(), ManifestError> {
        self.bytes = self.bytes.saturating_add(size);
        if self.bytes > self.max_bytes {
            return Err(ManifestError::TooLarge {
                file: name,
                limit: self.max_bytes,
            });
        }
        if self.sources.len() >= MAX_FILES {
            return Err(ManifestError::TooManyFiles {
                folder: name,
                limit: MAX_FILES,
            });
        }
        self.found += 1;
        if self.seen.insert(Text::clone(&name)) {
            self.sources.push(Source {
                name,
                origin,
                named,
                chart_template,
            });
        }
        Ok(())
    }
}

struct Entry {
    metadata: fs::Metadata,
    real: PathBuf,
}

enum WalkError {
    Io(io::Error),
    Manifest(ManifestError),
}

impl From<io::Error> for WalkError {
    fn from(error: io::Error) -> Self {
        WalkError::Io(error)
    }
}

impl From<ManifestError> for WalkError {
    fn from(error: ManifestError) -> Self {
        WalkError::Manifest(error)
    }
}

impl Source {
    /// The whole file; it may have grown since it was found, but not beyond the limit.
    pub(super) fn bytes(&self, max_bytes: u64) -> Result<Cow<'_, [u8]>, ManifestError> {
        let path = match &self.origin {
            Origin::Bytes(bytes) => return Ok(Cow::Borrowed(bytes)),
            Origin::Path(path) => path,
        };
        let mut bytes = Vec::new();
        File::open(path)
            .and_then(|file| {
                file.take(max_bytes.saturating_add(1))
                    .read_to_end(&mut bytes)
            })
            .map_err(|source| ManifestError::Unreadable {
                file: Text::clone(&self.name),
                source,
            })?;
        if bytes.len() as u64 > max_bytes {
            return Err(ManifestError::TooLarge {
                file: Text::clone(&self.name),
                limit: max_bytes,
            });
        }
        Ok(Cow::Owned(bytes))
    }
}

fn is_manifest_name(path: &Path) -> bool {
    path.extension()
        .and_then(|extension| extension.to_str())
        .is_some_and(|extension| {
            ["yaml", "yml", "json"]
                .iter()
                .any(|known| extension.eq_ignore_ascii_case(known))
        })
}

/// Whether a folder is, or is below, the `templates` folder beside a `Chart.yaml`.
fn is_chart_templates(folder: &Path) -> bool {
    folder.ancestors().any(|folder| {
        folder.file_name().is_some_and(|name| name == "templates")
            && folder
                .parent()
                .is_some_and(|chart| chart.join("Chart.yaml").is_file())
    })
}
