//! Conda packages. Comes in: the record of one in `conda-meta`. Goes out: the package with its files. Never: its
//! `history`. Source: docs.conda.io, "Packages in manifest files"; purl-spec, `conda-definition.json`.

use super::json::{self, List, Object, Word};
use super::{component, file_name, folder, give, license, unreadable};
use crate::extract::{Extractor, Extracts, File, Wants};
use crate::path::normal;
use model::inventory::{Component, FoundAs};
use model::purl;
use model::text::Text;
use serde::Deserialize;

pub const RECORD: Extractor = Extractor {
    name: "conda-record",
    wants: Wants::Named(is_record),
    limit: 64 << 20,
    extract: record,
};

fn is_record(path: &str) -> bool {
    path.ends_with(".json") && file_name(folder(path)) == "conda-meta"
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Record {
    name: Word,
    version: Word,
    build: Word,
    channel: Word,
    subdir: Word,
    license: Word,
    files: List<Word>,
}

fn record(file: &File<'_>, out: &mut Extracts) {
    match json::read::<Object<Record>>(file.bytes) {
        Ok(Object(record)) => give(out, record.component(file.path).into_iter().collect()),
        Err(error) => out.gaps.push(unreadable(file.path, error)),
    }
}

impl Record {
    fn component(&self, path: &str) -> Option<Component> {
        // Other documents of the same folder (`state`) name no version.
        self.version.some()?;
        let mut found = component("conda", None, &self.name, &self.version, FoundAs::Installed)?;
        // `https://conda.anaconda.org/conda-forge/linux-64` is channel and platform of newer records.
        let channel = self.channel.trim_end_matches('/');
        let channel = channel.strip_suffix(&*self.subdir).unwrap_or(channel);
        let qualifiers = [
            ("build", &*self.build),
            ("channel", file_name(channel.trim_end_matches('/'))),
            ("subdir", &*self.subdir),
        ];
        found.purl = purl::write("conda", None, &found.name, &found.version, &qualifiers).into();
        found.licenses.extend(license(&self.license));
        let root = folder(folder(path));
        let mut left = 64_usize << 20;
        for name in &self.files.0 {
            let whole = normal(format!("{root}/{}", &**name).as_bytes());
            let Some(whole) = whole else { continue };
            let Some(rest) = left.checked_sub(whole.len() + 32) else {
                break;
            };
            left = rest;
            found.files.push(Text::from(whole));
        }
        Some(found)
    }
}
