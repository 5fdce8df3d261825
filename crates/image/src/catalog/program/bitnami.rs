//! What Bitnami's images say of themselves. Comes in: `/opt/bitnami/NAME/.spdx-NAME.spdx` (SPDX 2.3 as JSON), or the
//! list of components that older images have alone. Goes out: Bitnami's packages. Never: what else a document lists,
//! which is found where it stands.

use super::{component, is_word};
use crate::extract::{Extract, Extracts, File};
use crate::layer::gap;
use model::inventory::{Component, FoundAs};
use model::purl;
use serde::Deserialize;
use std::collections::BTreeMap;

const MOST: usize = 10_000;

/// Where everything that Bitnami packaged stands.
pub(super) const FOLDER: &str = "opt/bitnami/";
/// Name to architecture, distribution and version.
const LIST: &str = "opt/bitnami/.bitnami_components.json";

pub(super) fn is_document(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let document = name
        .strip_prefix(".spdx-")
        .and_then(|rest| rest.strip_suffix(".spdx"));
    path == LIST || (path.starts_with(FOLDER) && document.is_some())
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    #[serde(default)]
    packages: Vec<Package>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Package {
    #[serde(default)]
    license_declared: Option<String>,
    #[serde(default)]
    external_refs: Vec<Reference>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Reference {
    #[serde(default)]
    reference_type: String,
    #[serde(default)]
    reference_locator: String,
}

pub(super) fn document(file: &File<'_>, out: &mut Extracts) {
    let found = if file.path == LIST {
        listed(file.bytes)
    } else {
        documented(file.bytes)
    };
    match found {
        Ok(found) if found.is_empty() => {}
        Ok(found) => out.all.push(Extract::Components(found)),
        Err(_) => out.gaps.push(gap(
            "image-unreadable",
            format!(
                "{} is no list of Bitnami's packages that can be read",
                file.path
            ),
        )),
    }
}

fn documented(bytes: &[u8]) -> Result<Vec<Component>, serde_json::Error> {
    let document: Document = serde_json::from_slice(bytes)?;
    let packages = document.packages.iter().take(MOST);
    Ok(packages.filter_map(installed).collect())
}

#[derive(Deserialize)]
struct Listed {
    version: String,
    #[serde(default)]
    arch: String,
    #[serde(default)]
    distro: String,
}

fn listed(bytes: &[u8]) -> Result<Vec<Component>, serde_json::Error> {
    let all: BTreeMap<String, Listed> = serde_json::from_slice(bytes)?;
    let component =
        |(name, one): (&String, &Listed)| package(name, &one.version, &one.arch, &one.distro);
    Ok(all.iter().take(MOST).filter_map(component).collect())
}

/// `pkg:bitnami/redis@7.2.3-0?arch=amd64&distro=debian-11`: names and versions need no decoding.
fn installed(described: &Package) -> Option<Component> {
    let locator = described
        .external_refs
        .iter()
        .filter(|one| one.reference_type == "purl")
        .find_map(|one| one.reference_locator.strip_prefix("pkg:bitnami/"))?;
    let (identity, qualifiers) = locator.split_once('?').unwrap_or((locator, ""));
    let (name, version) = identity.split_once('@')?;
    let qualifier = |key: &str| {
        let mut pairs = qualifiers.split('&');
        pairs
            .find_map(|pair| pair.strip_prefix(key)?.strip_prefix('='))
            .unwrap_or("")
    };
    let mut component = package(name, version, qualifier("arch"), qualifier("distro"))?;
    component.licenses = described
        .license_declared
        .as_deref()
        .filter(|license| is_word(license) && !matches!(*license, "NOASSERTION" | "NONE"))
        .map(Into::into)
        .into_iter()
        .collect();
    Some(component)
}

/// Architecture and distribution may be empty.
fn package(name: &str, version: &str, arch: &str, distro: &str) -> Option<Component> {
    let plain = |text: &str| is_word(text) && !text.contains(['%', '/', '@', '?', '&']);
    if !plain(name) || !plain(version) {
        return None;
    }
    let [arch, distro] = [arch, distro].map(|text| if plain(text) { text } else { "" });
    let mut component = component("bitnami", name, version, FoundAs::Installed);
    component.purl = purl::write(
        "bitnami",
        None,
        name,
        version,
        &[("arch", arch), ("distro", distro)],
    )
    .into();
    component.architecture = Some(arch).filter(|arch| !arch.is_empty()).map(Into::into);
    Some(component)
}
