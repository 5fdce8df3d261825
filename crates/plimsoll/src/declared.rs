//! Which `plimsoll.yaml` counts, and for what: the platform's file in full, one that came with the manifests only to raise.
//! Comes in: the flags, the current folder, what is scanned. Never: lets what is scanned lower, accept or own (rule 17).

use crate::args::{Scan, Target};
use anyhow::Context as _;
use model::evidence::Gap;
use scan::inputs::{self, Declarations};
use std::path::{Path, PathBuf};

const NAME: &str = "plimsoll.yaml";

/// What was declared, and what is to be said of it.
#[derive(Default)]
pub(crate) struct Declared {
    pub(crate) declarations: Declarations,
    pub(crate) gaps: Vec<Gap>,
    /// For the person: which file is used for what.
    pub(crate) notes: Vec<String>,
}

/// Reads the file of `--config`, else that of the current folder, and those beside the manifests.
pub(crate) fn read(target: &Target, options: &Scan) -> anyhow::Result<Declared> {
    let mut declared = Declared::default();
    if options.no_config {
        return Ok(declared);
    }
    let (manifests, source) = match target {
        Target::Manifests { paths, .. } => (&**paths, &[][..]),
        Target::Cluster { source, .. } | Target::Snapshot { source, .. } => {
            (&[][..], &*source.folders)
        }
        Target::Reports { .. }
        | Target::Image { .. }
        | Target::Registry { .. }
        | Target::Rootfs { .. }
        | Target::Sbom { .. } => (&[][..], &[][..]),
    };
    let scanned: Vec<PathBuf> = manifests
        .iter()
        .chain(source)
        .filter_map(|path| path.canonicalize().ok())
        .filter(|path| path.is_dir())
        .collect();
    let mut seen: Vec<PathBuf> = Vec::new();
    let mut beside: Vec<PathBuf> = Vec::new();
    let here = Path::new(NAME);
    if let Some(file) = &options.config {
        declared.declarations = inputs::declarations(file)?;
        seen.extend(file.canonicalize());
    } else if here.is_file() {
        let real = here.canonicalize().context("cannot read plimsoll.yaml")?;
        let folder = std::env::current_dir()
            .and_then(|folder| folder.canonicalize())
            .context("cannot read the current folder")?;
        // In a folder that is scanned, or led there by a link: then it came with the manifests.
        // A change that is judged by a cluster's bundle does not say what the cluster is.
        let of_change =
            matches!(target, Target::Image { context, .. } if context.as_deployed.is_some());
        let came_along = of_change
            || scanned
                .iter()
                .any(|scanned| folder.starts_with(scanned) || real.starts_with(scanned));
        if came_along {
            beside.push(here.to_owned());
        } else {
            declared.declarations = inputs::declarations(here)?;
            declared
                .notes
                .push(format!("using {NAME} of the current folder"));
            seen.push(real);
        }
    }
    beside.extend(manifests.iter().flat_map(|path| places(path)));
    for file in beside {
        // A pipe or a device would never end.
        let Some(real) = file.canonicalize().ok().filter(|real| real.is_file()) else {
            continue;
        };
        if seen.contains(&real) {
            continue;
        }
        seen.push(real);
        raise(&file, &mut declared);
    }
    Ok(declared)
}

/// Where a file beside manifests may stand: in their folder, and in the folder that holds it.
fn places(path: &Path) -> Vec<PathBuf> {
    if path == Path::new("-") {
        return Vec::new();
    }
    let mut places = Vec::new();
    if path.is_dir() {
        places.push(path.join(NAME));
    }
    // `k8s` lies in the current folder, whose file is the platform's.
    let above = path.parent().filter(|above| !above.as_os_str().is_empty());
    if let (Some(above), Some(_)) = (above, path.file_name()) {
        places.push(above.join(NAME));
    }
    places
}

fn raise(file: &Path, declared: &mut Declared) {
    let name = file.display();
    match inputs::raise(&mut declared.declarations, file) {
        Ok(more) => {
            let rest = if more {
                "; the rest of it does not count, --config makes it the platform's file"
            } else {
                ""
            };
            declared.notes.push(format!(
                "using {name}, which came with the manifests: it may only raise criticality and production{rest}"
            ));
        }
        Err(error) => {
            let gap = inputs::not_raised(file, &error);
            declared.notes.push(format!("warning: {}", gap.what));
            declared.gaps.push(gap);
        }
    }
}
