//! CISA's catalogue of known exploited vulnerabilities. Comes in: its JSON. Goes out: one entry a CVE.

use super::folder::FeedFile;
use super::{FeedError, cwe_number, day, one_line};
use crate::format::keys::cve_key;
use jiff::civil::Date;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use std::io::Read;

const MAX_BYTES: u64 = 256 << 20;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KevTable {
    pub date: Option<Date>,
    /// `2026.08.07`.
    pub version: String,
    /// Ascending by CVE key, each once.
    pub rows: Vec<KevRow>,
    pub unread: u64,
    pub digest: String,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct KevRow {
    pub key: u64,
    pub added: Date,
    /// CISA's date for federal agencies.
    pub due: Option<Date>,
    pub ransomware: bool,
    pub name: String,
    pub vendor: String,
    pub product: String,
    pub cwes: Vec<u32>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Catalogue {
    #[serde(default)]
    catalog_version: String,
    #[serde(default)]
    date_released: String,
    vulnerabilities: Vec<serde_json::Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    #[serde(rename = "cveID")]
    cve_id: String,
    date_added: String,
    #[serde(default)]
    due_date: String,
    #[serde(default)]
    known_ransomware_campaign_use: String,
    #[serde(default)]
    vulnerability_name: String,
    #[serde(default)]
    vendor_project: String,
    #[serde(default)]
    product: String,
    #[serde(default)]
    cwes: Vec<String>,
}

pub fn read(file: &FeedFile<'_>) -> Result<KevTable, FeedError> {
    let mut text = Vec::new();
    file.open()?
        .take(MAX_BYTES + 1)
        .read_to_end(&mut text)
        .map_err(|e| file.io(e))?;
    if text.len() as u64 > MAX_BYTES {
        return Err(FeedError::TooLarge {
            path: file.path(),
            limit: MAX_BYTES,
        });
    }
    let catalogue: Catalogue = serde_json::from_slice(&text).map_err(|e| file.damaged(e))?;
    let total = catalogue.vulnerabilities.len();
    let mut rows: Vec<KevRow> = catalogue
        .vulnerabilities
        .into_iter()
        .filter_map(|entry| row(&serde_json::from_value(entry).ok()?))
        .collect();
    if rows.is_empty() {
        return Err(file.damaged("it has no entries that can be read"));
    }
    let unread = (total - rows.len()) as u64;
    rows.sort();
    rows.dedup_by_key(|row| row.key);
    Ok(KevTable {
        date: day(&catalogue.date_released),
        version: one_line(&catalogue.catalog_version, 64),
        rows,
        unread,
        digest: model::keys::hex(&Sha256::digest(&text)),
    })
}

fn row(entry: &Entry) -> Option<KevRow> {
    let mut cwes: Vec<u32> = entry.cwes.iter().filter_map(|c| cwe_number(c)).collect();
    cwes.sort_unstable();
    cwes.dedup();
    Some(KevRow {
        key: cve_key(entry.cve_id.trim())?,
        added: day(&entry.date_added)?,
        due: day(&entry.due_date),
        ransomware: entry
            .known_ransomware_campaign_use
            .trim()
            .eq_ignore_ascii_case("known"),
        name: one_line(&entry.vulnerability_name, 200),
        vendor: one_line(&entry.vendor_project, 100),
        product: one_line(&entry.product, 100),
        cwes,
    })
}
