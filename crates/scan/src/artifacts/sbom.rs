//! Lists of packages that other tools, or we, wrote. Comes in: a file. Goes out: the inventories in it.

use crate::inputs::InputError;
use image::release::end_of_life;
use intel::purl::release;
use model::inventory::Inventory;
use model::matches::MatchSet;
use std::path::Path;

/// Most bytes of a list, so that memory is bounded; a hundred thousand packages take about 100 MB.
const LIMITS: ingest::Limits = ingest::Limits {
    document: 512 << 20,
    matches: 5_000_000,
    files: 1,
};

/// An SBOM: CycloneDX in JSON or XML, SPDX in JSON, JSON-LD or tag-value; `-` is standard input. `distro`
/// (`debian:12`) counts before what the document says.
pub fn sbom(path: &Path, distro: Option<&str>) -> Result<Vec<Inventory>, InputError> {
    let distro = distro.map(release);
    let mut lists = ingest::read_sbom_file(path, distro.as_ref(), &LIMITS)?;
    lists.iter_mut().for_each(dated);
    Ok(lists)
}

/// Takes the package lists out of reports: they are judged like what was scanned here.
pub fn package_lists(reports: &mut Vec<MatchSet>) -> Vec<Inventory> {
    let mut lists = ingest::take_package_lists(reports, &LIMITS);
    lists.iter_mut().for_each(dated);
    lists
}

/// Lists rarely say when the support of their distribution ends.
fn dated(list: &mut Inventory) {
    if let Some(release) = list.release.as_mut()
        && release.end_of_life.is_none()
    {
        release.end_of_life = end_of_life(release);
    }
}
