//! Installed R packages. Comes in: a `DESCRIPTION`. Goes out: the package. Never: one that was not built: only
//! `R CMD INSTALL` writes `Built`. Source: CRAN, "Writing R Extensions", section 1.1.1.

use super::headers::{Folding, header, headers};
use super::{component, give, license, text};
use crate::extract::{Extractor, Extracts, File, Wants};
use model::inventory::FoundAs;

pub const DESCRIPTION: Extractor = Extractor {
    name: "r-description",
    wants: Wants::Named(is_description),
    limit: 1 << 20,
    extract: description,
};

fn is_description(path: &str) -> bool {
    path.ends_with("/DESCRIPTION")
}

fn description(file: &File<'_>, out: &mut Extracts) {
    let text = text(file.bytes);
    let headers = headers(&text, Folding::Lines);
    let (Some(name), Some(version), Some(_)) = (
        header(&headers, "Package"),
        header(&headers, "Version"),
        header(&headers, "Built"),
    ) else {
        return;
    };
    let found = component("cran", None, name, version, FoundAs::Installed).map(|mut found| {
        found
            .licenses
            .extend(header(&headers, "License").and_then(license));
        found
    });
    give(out, found.into_iter().collect());
}
