//! `--sarif-split DIR`: one file for each scanned image, also for a clean one, because an upload
//! without results is what closes its old alerts; and one for findings that are in no image.

use super::{SarifOptions, result, run};
use crate::file::{Error, write_private};
use crate::names::Names;
use crate::view::{View, repository};
use model::finding::Finding;
use model::keys::sha256_hex;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Writes the files (0600) into `folder`, which is made if it is not there; returns their paths in order.
pub fn split(view: &View, options: &SarifOptions, folder: &Path) -> Result<Vec<PathBuf>, Error> {
    create(folder).map_err(|source| Error::Create {
        path: folder.join("*.sarif"),
        source,
    })?;
    let names = Names::of(view);
    let all = view.assessment;
    let mut by_image: BTreeMap<Option<u32>, Vec<&Finding>> = BTreeMap::new();
    // An image that nothing scanned gets no file: an empty one would close its alerts.
    let scanned = || {
        all.images
            .iter()
            .enumerate()
            .filter(|(_, image)| !image.tools.is_empty())
    };
    for (index, _) in scanned() {
        by_image.insert(u32::try_from(index).ok(), Vec::new());
    }
    for finding in all.findings.iter().chain(&all.unjoined) {
        by_image.entry(finding.image).or_default().push(finding);
    }
    let mut shared: BTreeMap<String, u32> = BTreeMap::new();
    for (_, image) in scanned() {
        *shared.entry(repository(image)).or_default() += 1;
    }
    let base = options.category.as_deref().unwrap_or("plimsoll");
    let mut used: BTreeMap<String, u32> = BTreeMap::new();
    let mut written = Vec::new();
    for (index, mut findings) in by_image {
        let image = crate::view::at(&all.images, index);
        // Alerts of an image live on over its tags, unless two of its tags were scanned.
        let name = image.map_or("objects".to_owned(), |image| {
            let repository = repository(image);
            if shared.get(&repository).is_some_and(|n| *n > 1) {
                image.name.to_string()
            } else {
                repository
            }
        });
        let mut name = names.show_owned(&name).into_owned();
        // Two builds under one name: both files are kept, and both categories.
        let times = used.entry(name.clone()).or_default();
        *times += 1;
        if *times > 1 {
            name = format!("{name}~{times}");
        }
        let left_out = findings.len().saturating_sub(options.limit);
        findings.truncate(options.limit);
        let path = folder.join(file_name(&name));
        let category = format!("{base}/{}", result::uri(&name));
        write_private(&path, |out| {
            run(view, &names, &findings, left_out, &category, out)
        })?;
        written.push(path);
    }
    Ok(written)
}

/// Letters, digits and `._-` of the name, and eight digits of its digest to keep names apart.
fn file_name(name: &str) -> String {
    let safe: String = name
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || matches!(c, '.' | '-') {
                c
            } else {
                '_'
            }
        })
        .take(100)
        .collect();
    let digest = sha256_hex(name.as_bytes());
    let digest = digest.get(..8).unwrap_or("");
    format!("{}-{digest}.sarif", safe.trim_start_matches('.'))
}

fn create(folder: &Path) -> std::io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt as _;
        builder.mode(0o700);
    }
    builder.create(folder)
}

#[cfg(test)]
mod tests {
    use super::file_name;

    #[test]
    fn file_names_stay_in_the_folder() {
        for (name, expected) in [
            ("docker.io/library/nginx", "docker.io_library_nginx-"),
            ("../../etc/passwd", "_.._etc_passwd-"),
            ("a\0b\u{202e}c", "a_b_c-"),
            ("", "-"),
        ] {
            let file = file_name(name);
            assert!(
                file.starts_with(expected) && file.strip_suffix(".sarif").is_some(),
                "{file}"
            );
            assert!(!file.contains('/'));
        }
        assert_ne!(file_name("a/b"), file_name("a_b"));
        assert!(file_name(&"x".repeat(500)).len() < 130);
    }
}
