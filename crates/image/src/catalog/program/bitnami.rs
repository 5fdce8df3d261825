//! What Bitnami's images say of themselves. Comes in: `/opt/bitnami/NAME/.spdx-NAME.spdx`, SPDX 2.3 as JSON. Goes out:
//! the packages in it that have a `pkg:bitnami` purl. Never: what else it lists, which is found where it stands.

use super::{component, is_word};
use crate::extract::{Extract, Extracts, File};
use crate::layer::gap;
use crate::purl::purl;
use model::inventory::{Component, FoundAs};
use serde::Deserialize;

const MOST: usize = 10_000;

pub(super) fn is_document(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    path.starts_with("opt/bitnami/") && name.starts_with(".spdx-") && name.ends_with(".spdx")
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
    let Ok(document) = serde_json::from_slice::<Document>(file.bytes) else {
        out.gaps.push(gap(
            "image-unreadable",
            format!("{} is no SPDX document that can be read", file.path),
        ));
        return;
    };
    let found: Vec<Component> = document
        .packages
        .iter()
        .take(MOST)
        .filter_map(installed)
        .collect();
    if !found.is_empty() {
        out.all.push(Extract::Components(found));
    }
}

/// `pkg:bitnami/redis@7.2.3-0?arch=amd64&distro=debian-11`: names and versions need no decoding.
fn installed(package: &Package) -> Option<Component> {
    let plain = |text: &&str| is_word(text) && !text.contains(['%', '/', '@']);
    let locator = package
        .external_refs
        .iter()
        .filter(|one| one.reference_type == "purl")
        .find_map(|one| one.reference_locator.strip_prefix("pkg:bitnami/"))?;
    let (identity, qualifiers) = locator.split_once('?').unwrap_or((locator, ""));
    let (name, version) = identity.split_once('@')?;
    let (name, version) = (Some(name).filter(plain)?, Some(version).filter(plain)?);
    let qualifier = |key: &str| {
        qualifiers
            .split('&')
            .find_map(|pair| pair.strip_prefix(key)?.strip_prefix('='))
            .filter(plain)
    };
    let (arch, distro) = (qualifier("arch"), qualifier("distro"));
    let mut component = component("bitnami", name, version, FoundAs::Installed);
    component.purl = purl(
        "bitnami",
        None,
        name,
        version,
        &[
            ("arch", arch.unwrap_or("")),
            ("distro", distro.unwrap_or("")),
        ],
    );
    component.architecture = arch.map(Into::into);
    component.licenses = package
        .license_declared
        .as_deref()
        .filter(|license| is_word(license) && *license != "NOASSERTION" && *license != "NONE")
        .map(Into::into)
        .into_iter()
        .collect();
    Some(component)
}
