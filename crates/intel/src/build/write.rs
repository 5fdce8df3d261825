//! Drafts and tables as the bytes of the two files. Comes in: feeds, each id once. Goes out: sections in one order.
//! Never: a value that depends on anything but the feeds.

use super::layout::Advisories;
use super::{BuildError, BuildOptions, packages};
use crate::aliases::Closures;
use crate::feeds::Draft;
use crate::feeds::epss::EpssTable;
use crate::feeds::kev::KevTable;
use crate::format::container::{Need, Writer};
use crate::format::wire::put_varint;
use crate::format::{ids, keys, packed, rows, schema, texts};
use crate::record::{Stored, put_date};
use model::assessment::FeedInfo;
use model::evidence::Gap;
use rustc_hash::FxHashMap;
use std::collections::{BTreeMap, BTreeSet};

/// Every id of the statements and their aliases, numbered: CVEs by year and number, then the others.
struct Numbered<'d> {
    cves: Vec<u64>,
    others: Vec<&'d str>,
    index: FxHashMap<&'d str, u32>,
}

impl<'d> Numbered<'d> {
    fn of(all: impl Iterator<Item = &'d str>) -> Self {
        let mut cves: BTreeMap<u64, &str> = BTreeMap::new();
        let mut others: BTreeSet<&str> = BTreeSet::new();
        for id in all {
            match keys::cve_key(id) {
                Some(key) => {
                    cves.insert(key, id);
                }
                None => {
                    others.insert(id);
                }
            }
        }
        let index = (0u32..)
            .zip(cves.values().chain(&others).copied())
            .map(|(n, id)| (id, n));
        Numbered {
            index: index.collect(),
            cves: cves.into_keys().collect(),
            others: others.into_iter().collect(),
        }
    }

    fn number(&self, id: &str) -> u32 {
        self.index.get(id).copied().unwrap_or(u32::MAX)
    }
}

/// A sorted set of texts and the number of each.
pub(super) struct Table<'d>(BTreeMap<&'d str, u32>);

impl<'d> Table<'d> {
    pub(super) fn of(all: impl Iterator<Item = &'d str>) -> Self {
        let mut table: BTreeMap<&str, u32> = all.map(|text| (text, 0)).collect();
        for (n, (_, number)) in (0u32..).zip(table.iter_mut()) {
            *number = n;
        }
        Table(table)
    }

    pub(super) fn number(&self, text: &str) -> u32 {
        self.0.get(text).copied().unwrap_or(u32::MAX)
    }

    pub(super) fn write(&self) -> Vec<u8> {
        ids::write(self.0.keys().copied())
    }
}

pub(super) fn advisories(
    feeds: &[Advisories],
    tables: &[FeedInfo],
    options: BuildOptions,
) -> Result<(Vec<u8>, Vec<Gap>), BuildError> {
    let gaps = feeds
        .iter()
        .filter_map(|feed| feed.unread.clone())
        .collect();
    let all = || feeds.iter().flat_map(|feed| &feed.drafts);
    let numbered = Numbered::of(all().flat_map(|draft| {
        std::iter::once(&draft.id)
            .chain(&draft.aliases)
            .chain(&draft.covers)
            .map(String::as_str)
    }));
    let mut closures = Closures::new(numbered.cves.len() + numbered.others.len());
    // A withdrawn statement joins nothing: a wrong alias is a common reason to withdraw.
    for draft in all().filter(|draft| draft.withdrawn.is_none()) {
        let own = numbered.number(&draft.id);
        for alias in &draft.aliases {
            closures.unite(own, numbered.number(alias));
        }
    }
    let (class_of, members) = closures.finish();

    let mut statements: Vec<(u32, u32, u32, &Draft)> = Vec::new();
    for (n, feed) in (0u32..).zip(feeds) {
        for draft in &feed.drafts {
            let id = numbered.number(&draft.id);
            let class = class_of.get(id as usize).copied().unwrap_or(u32::MAX);
            statements.push((class, n, id, draft));
        }
    }
    statements.sort_unstable_by_key(|(class, feed, id, _)| (*class, *feed, *id));

    let vectors = Table::of(all().flat_map(|d| d.cvss.iter().map(|c| c.vector.as_str())));
    let sources = Table::of(all().flat_map(|d| d.cvss.iter().map(|c| c.source.as_str())));
    let mut rows_of_statements = rows::Writer::default();
    let mut titles = texts::Writer::new(options.compression);
    for (_, feed, id, draft) in &statements {
        let title = draft.title.as_deref().map(|title| titles.text(title));
        let stored = Stored {
            id: *id,
            feed: *feed,
            title: title.transpose().map_err(BuildError::Compress)?,
            cvss: draft
                .cvss
                .iter()
                .map(|cvss| {
                    (
                        sources.number(&cvss.source),
                        vectors.number(&cvss.vector),
                        cvss.tenths,
                    )
                })
                .collect(),
            covers: draft.covers.iter().map(|id| numbered.number(id)).collect(),
            ..Stored::of(draft)
        };
        rows_of_statements.row(&stored.write());
    }

    let mut rows_of_closures = rows::Writer::default();
    let mut first = 0;
    for (class, ids) in (0u32..).zip(&members) {
        let mut row = Vec::new();
        put_varint(&mut row, ids.len() as u64);
        let mut previous = 0;
        for id in ids {
            put_varint(&mut row, u64::from(id - previous));
            previous = *id;
        }
        let rest = statements.get(first..).unwrap_or(&[]);
        let count = rest.iter().take_while(|(of, ..)| *of == class).count();
        put_varint(&mut row, first as u64);
        put_varint(&mut row, count as u64);
        first += count;
        rows_of_closures.row(&row);
    }

    let owners: Vec<u64> = class_of.iter().map(|class| u64::from(*class)).collect();
    let contents = schema::Contents {
        feeds: feeds
            .iter()
            .map(|feed| feed.info.clone())
            .chain(tables.iter().cloned())
            .collect(),
        sources: sources
            .0
            .keys()
            .map(|source| (*source).to_owned())
            .collect(),
        epss_decimals: 0,
    };
    let mut writer = Writer::new(schema::ADVISORIES);
    writer.section(schema::META, Need::Required, meta(&contents));
    writer.section(schema::CVES, Need::Required, keys::write(&numbered.cves));
    writer.section(
        schema::IDS,
        Need::Required,
        ids::write(numbered.others.iter().copied()),
    );
    writer.section(schema::OWNERS, Need::Required, packed::write(&owners));
    writer.section(schema::CLOSURES, Need::Required, rows_of_closures.finish());
    writer.section(
        schema::STATEMENTS,
        Need::Required,
        rows_of_statements.finish(),
    );
    writer.section(schema::VECTORS, Need::Required, vectors.write());
    writer.section(
        schema::TITLES,
        Need::Required,
        titles.finish().map_err(BuildError::Compress)?,
    );
    packages::write(&mut writer, &statements, options)?;
    Ok((writer.finish(), gaps))
}

pub(super) fn scores(
    epss: Option<&EpssTable>,
    kev: Option<&KevTable>,
    options: BuildOptions,
) -> std::io::Result<Vec<u8>> {
    let mut contents = schema::Contents::default();
    let mut sections = Vec::new();
    if let Some(table) = epss {
        contents.epss_decimals = table.decimals;
        contents.feeds.push(FeedInfo {
            name: "epss".into(),
            date: Some(table.date),
            records: table.rows.len() as u64,
            digest: table.digest.as_str().into(),
            version: Some(table.model.as_str().into()),
        });
        let keys: Vec<u64> = table.rows.iter().map(|(key, ..)| *key).collect();
        let scores: Vec<u64> = table
            .rows
            .iter()
            .map(|(_, score, _)| u64::from(*score))
            .collect();
        let percentiles: Vec<u64> = table
            .rows
            .iter()
            .map(|(.., rank)| u64::from(*rank))
            .collect();
        sections.push((schema::EPSS_CVES, keys::write(&keys)));
        sections.push((schema::EPSS_SCORES, packed::write(&scores)));
        sections.push((schema::EPSS_PERCENTILES, packed::write(&percentiles)));
    }
    if let Some(table) = kev {
        contents.feeds.push(FeedInfo {
            name: "kev".into(),
            date: table.date,
            records: table.rows.len() as u64,
            digest: table.digest.as_str().into(),
            version: Some(table.version.as_str().into())
                .filter(|version: &model::text::Text| !version.is_empty()),
        });
        let keys: Vec<u64> = table.rows.iter().map(|row| row.key).collect();
        let mut entries = rows::Writer::default();
        let mut texts = texts::Writer::new(options.compression);
        for entry in &table.rows {
            let mut row = vec![u8::from(entry.ransomware) | u8::from(entry.due.is_some()) << 1];
            put_date(&mut row, entry.added);
            if let Some(due) = entry.due {
                put_date(&mut row, due);
            }
            put_varint(&mut row, entry.cwes.len() as u64);
            for cwe in &entry.cwes {
                put_varint(&mut row, u64::from(*cwe));
            }
            entries.row(&row);
            for text in [&entry.name, &entry.vendor, &entry.product] {
                texts.text(text)?;
            }
        }
        sections.push((schema::KEV_CVES, keys::write(&keys)));
        sections.push((schema::KEV_ENTRIES, entries.finish()));
        sections.push((schema::KEV_TEXTS, texts.finish()?));
    }
    let mut writer = Writer::new(schema::SCORES);
    writer.section(schema::META, Need::Required, meta(&contents));
    for (known, bytes) in sections {
        writer.section(known, Need::Required, bytes);
    }
    Ok(writer.finish())
}

/// Plain data of ours always serialises.
fn meta(contents: &schema::Contents) -> Vec<u8> {
    serde_json::to_vec(contents).unwrap_or_default()
}
