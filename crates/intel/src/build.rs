//! Feeds in, database files out. Comes in: a folder (or files in memory) in the official layout, any subset of
//! the feeds. Goes out: two immutable files and the gaps. Never: a clock, an order of the file system, an
//! unpacked archive; the same feeds give the same bytes.

use crate::affected;
use crate::aliases::Closures;
use crate::feeds::archive::{self, Batches, Record};
use crate::feeds::epss::EpssTable;
use crate::feeds::folder::{self, Content, FeedFile};
use crate::feeds::kev::KevTable;
use crate::feeds::{Draft, FeedError, Read, cve, epss, kev, newest_per_id, osv};
use crate::format::container::{Need, Writer};
use crate::format::wire::put_varint;
use crate::format::{ids, keys, packed, rows, schema, texts};
use crate::record::{Stored, put_date};
use jiff::civil::Date;
use model::assessment::FeedInfo;
use model::evidence::{Gap, GapWeight, Stage};
use rayon::prelude::*;
use rustc_hash::FxHashMap;
use sha2::{Digest as _, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// The two immutable files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Built {
    pub advisories: Vec<u8>,
    /// EPSS and KEV, which change daily.
    pub scores: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BuildOptions {
    /// zstd level of the texts, 1 to 22.
    pub compression: i32,
}

impl Default for BuildOptions {
    fn default() -> Self {
        BuildOptions { compression: 16 }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    #[error(transparent)]
    Feed(#[from] FeedError),
    #[error("{0} holds no feed in the official layout (epss/, kev/, vulnrichment*, osv/, ssvc/)")]
    NoFeed(PathBuf),
    #[error("not one record of feed {feed} could be read: {reason}")]
    Unreadable { feed: String, reason: String },
    #[error("compressing texts")]
    Compress(#[source] std::io::Error),
}

/// Builds from the folder `dir`.
pub fn build(dir: &Path, options: &BuildOptions) -> Result<(Built, Vec<Gap>), BuildError> {
    let files = folder::list(dir)?;
    build_from(&files, options).map_err(|error| match error {
        BuildError::NoFeed(_) => BuildError::NoFeed(dir.to_owned()),
        other => other,
    })
}

/// Builds from files in memory, each by its path below the folder of feeds.
pub fn build_files(
    files: &[(String, Vec<u8>)],
    options: &BuildOptions,
) -> Result<(Built, Vec<Gap>), BuildError> {
    let mut files: Vec<FeedFile<'_>> = files
        .iter()
        .map(|(name, bytes)| FeedFile {
            name: name.clone(),
            content: Content::Bytes(bytes),
        })
        .collect();
    files.sort_by(|a, b| a.name.cmp(&b.name));
    build_from(&files, options)
}

fn build_from(
    files: &[FeedFile<'_>],
    options: &BuildOptions,
) -> Result<(Built, Vec<Gap>), BuildError> {
    let layout = Layout::of(files);
    if layout.is_empty() {
        return Err(BuildError::NoFeed(PathBuf::from("the input")));
    }
    let mut gaps = layout.gaps();
    let (advisories, scores) = rayon::join(
        || -> Result<_, BuildError> {
            let feeds = layout.read_advisories()?;
            write_advisories(feeds, &layout.tables()?, options)
        },
        || -> Result<_, BuildError> {
            let epss = newest_epss(&layout.epss)?;
            let kev = newest_kev(&layout.kev)?;
            let unread = [
                ("epss", epss.as_ref().map_or(0, |t| t.unread)),
                ("kev", kev.as_ref().map_or(0, |t| t.unread)),
            ];
            let written =
                write_scores(epss.as_ref(), kev.as_ref(), options).map_err(BuildError::Compress)?;
            let gaps: Vec<Gap> = unread
                .into_iter()
                .filter_map(|(feed, count)| unread_gap(feed, count, ""))
                .collect();
            Ok((written, gaps))
        },
    );
    let (advisories, more) = advisories?;
    gaps.extend(more);
    let (scores, more) = scores?;
    gaps.extend(more);
    gaps.sort();
    Ok((Built { advisories, scores }, gaps))
}

/// The files of each feed, by their place in the official layout.
#[derive(Default)]
struct Layout<'f> {
    epss: Vec<&'f FeedFile<'f>>,
    kev: Vec<&'f FeedFile<'f>>,
    vulnrichment: Vec<&'f FeedFile<'f>>,
    /// By ecosystem as the folder is named.
    osv: BTreeMap<&'f str, Vec<&'f FeedFile<'f>>>,
    ssvc: Vec<&'f FeedFile<'f>>,
    alpine: usize,
}

impl<'f> Layout<'f> {
    fn of(files: &'f [FeedFile<'f>]) -> Self {
        let mut layout = Layout::default();
        for file in files {
            let base = file.base();
            let (top, below) = file.name.split_once('/').unwrap_or((&file.name, ""));
            match top {
                "epss"
                    if base.starts_with("epss_scores-")
                        && (base.ends_with(".csv.gz") || base.ends_with(".csv")) =>
                {
                    layout.epss.push(file);
                }
                "kev" if base.ends_with(".json") => layout.kev.push(file),
                "ssvc" if base.ends_with(".csv") => layout.ssvc.push(file),
                "osv" if is_archive(base) || osv::is_record(base) => {
                    if let Some((ecosystem, _)) = below.split_once('/') {
                        layout.osv.entry(ecosystem).or_default().push(file);
                    }
                }
                "alpine-secdb" if base.ends_with(".json") => layout.alpine += 1,
                top if top.starts_with("vulnrichment")
                    && (is_archive(base) || cve::is_record(base)) =>
                {
                    layout.vulnrichment.push(file);
                }
                _ => {}
            }
        }
        layout
    }

    fn is_empty(&self) -> bool {
        self.epss.is_empty()
            && self.kev.is_empty()
            && self.vulnrichment.is_empty()
            && self.osv.is_empty()
            && self.ssvc.is_empty()
    }

    fn gaps(&self) -> Vec<Gap> {
        let mut gaps = Vec::new();
        for (feed, absent, what) in [
            (
                "epss",
                self.epss.is_empty(),
                "no EPSS scores were given: every likelihood is a prior",
            ),
            (
                "kev",
                self.kev.is_empty(),
                "no list of known exploited vulnerabilities was given",
            ),
            (
                "vulnrichment",
                self.vulnrichment.is_empty(),
                "no CVE records with SSVC decision points were given",
            ),
        ] {
            if absent {
                gaps.push(gap(
                    "feed-missing",
                    feed,
                    GapWeight::Widens,
                    what.to_owned(),
                    "plimsoll db update",
                ));
            }
        }
        if self.alpine > 0 {
            let what = format!(
                "{} files of Alpine's security database are not read yet",
                self.alpine
            );
            gaps.push(gap(
                "feed-not-read",
                "alpine-secdb",
                GapWeight::Notice,
                what,
                "",
            ));
        }
        gaps
    }

    /// Vulnrichment first, then OSV by ecosystem; read in parallel.
    fn read_advisories(&self) -> Result<Vec<Advisories>, BuildError> {
        let mut jobs: Vec<(String, &[&FeedFile<'_>])> = Vec::new();
        if !self.vulnrichment.is_empty() {
            jobs.push(("vulnrichment".to_owned(), &self.vulnrichment));
        }
        jobs.extend(
            self.osv
                .iter()
                .map(|(ecosystem, files)| (format!("osv/{ecosystem}"), &files[..])),
        );
        jobs.into_par_iter()
            .map(|(name, files)| {
                let read = if name == "vulnrichment" {
                    read_records(files, &cve::is_record, &cve::parse)
                } else {
                    read_records(files, &osv::is_record, &|bytes| osv::parse(bytes, &name))
                }?;
                Advisories::of(name, read)
            })
            .collect()
    }

    /// The decision tables, as feeds: their rows and digests. Their content is compiled in where they are used.
    fn tables(&self) -> Result<Vec<FeedInfo>, BuildError> {
        let table = |file: &&FeedFile<'_>| {
            let mut text = Vec::new();
            let source = file.open()?;
            std::io::Read::read_to_end(&mut std::io::Read::take(source, 1 << 20), &mut text)
                .map_err(|error| file.io(error))?;
            let mut records = 0;
            for row in csv::Reader::from_reader(&text[..]).byte_records() {
                row.map_err(|error| file.damaged(error))?;
                records += 1;
            }
            let base = file.base();
            Ok(FeedInfo {
                name: format!("ssvc/{}", base.strip_suffix(".csv").unwrap_or(base)).into(),
                date: None,
                records,
                digest: model::keys::hex(&Sha256::digest(&text)).into(),
                version: None,
            })
        };
        self.ssvc.iter().map(table).collect()
    }
}

fn is_archive(name: &str) -> bool {
    [".zip", ".tar", ".tar.gz", ".tgz", ".tar.zst"]
        .iter()
        .any(|end| name.ends_with(end))
}

/// One feed of advisories, each id once.
struct Advisories {
    info: FeedInfo,
    drafts: Vec<Draft>,
    unread: Option<Gap>,
}

impl Advisories {
    fn of(name: String, mut read: Read) -> Result<Self, BuildError> {
        if read.drafts.is_empty() && read.unread > 0 {
            return Err(BuildError::Unreadable {
                feed: name,
                reason: read.reason.unwrap_or_default(),
            });
        }
        newest_per_id(&mut read.drafts);
        let date: Option<Date> = read.drafts.iter().filter_map(|draft| draft.modified).max();
        Ok(Advisories {
            unread: unread_gap(
                &name,
                read.unread,
                read.reason.as_deref().unwrap_or_default(),
            ),
            info: FeedInfo {
                name: name.into(),
                date,
                records: read.drafts.len() as u64,
                digest: read.digest.into(),
                version: None,
            },
            drafts: read.drafts,
        })
    }
}

/// Reads the records of some files; parsing is parallel, order is that of files and entries.
fn read_records(
    files: &[&FeedFile<'_>],
    wanted: &dyn Fn(&str) -> bool,
    parse: &(dyn Fn(&[u8]) -> Result<Draft, String> + Sync),
) -> Result<Read, FeedError> {
    let mut read = Read::default();
    let mut digests = Vec::new();
    let mut consume = |records: Vec<Record>| {
        let parsed: Vec<Result<Draft, String>> = records
            .par_iter()
            .map(|record| {
                parse(&record.bytes).map_err(|reason| format!("{}: {reason}", record.name))
            })
            .collect();
        for draft in parsed {
            match draft {
                Ok(draft) => read.drafts.push(draft),
                Err(reason) => {
                    read.unread += 1;
                    read.reason.get_or_insert(reason);
                }
            }
        }
    };
    let mut batches = Batches::new(wanted, &mut consume);
    for file in files {
        digests.push((&file.name, archive::read(file, &mut batches)?));
    }
    batches.flush();
    // One file is known by its own digest, many by the digest of the list.
    read.digest = match &digests[..] {
        [(_, digest)] => digest.clone(),
        many => {
            let list = many
                .iter()
                .map(|(name, digest)| format!("{digest}  {name}\n"));
            model::keys::hex(&Sha256::digest(list.collect::<String>().as_bytes()))
        }
    };
    Ok(read)
}

fn newest_epss(files: &[&FeedFile<'_>]) -> Result<Option<EpssTable>, FeedError> {
    let mut newest: Option<(Date, &FeedFile<'_>)> = None;
    for file in files {
        let (date, _) = epss::header(file)?;
        if newest.is_none_or(|(held, _)| date >= held) {
            newest = Some((date, file));
        }
    }
    newest.map(|(_, file)| epss::read(file)).transpose()
}

fn newest_kev(files: &[&FeedFile<'_>]) -> Result<Option<KevTable>, FeedError> {
    let tables = files.iter().map(|file| kev::read(file));
    let tables = tables.collect::<Result<Vec<_>, _>>()?;
    Ok(tables
        .into_iter()
        .max_by(|a, b| (a.date, &a.version).cmp(&(b.date, &b.version))))
}

fn unread_gap(feed: &str, count: u64, reason: &str) -> Option<Gap> {
    let reason = crate::feeds::one_line(reason, 200);
    let colon = if reason.is_empty() { "" } else { ": " };
    (count > 0).then(|| {
        let what = format!("{count} records of feed {feed} could not be read{colon}{reason}");
        gap(
            "feed-records-unread",
            feed,
            GapWeight::Widens,
            what,
            "plimsoll db update",
        )
    })
}

fn gap(class: &str, feed: &str, weight: GapWeight, what: String, close: &str) -> Gap {
    Gap {
        class: class.into(),
        what: what.into(),
        stage: Stage::Match,
        scope: format!("feed {feed}").into(),
        weight,
        close: close.into(),
    }
}

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
struct Table<'d>(BTreeMap<&'d str, u32>);

impl<'d> Table<'d> {
    fn of(all: impl Iterator<Item = &'d str>) -> Self {
        let mut table: BTreeMap<&str, u32> = all.map(|text| (text, 0)).collect();
        for (n, (_, number)) in (0u32..).zip(table.iter_mut()) {
            *number = n;
        }
        Table(table)
    }

    fn number(&self, text: &str) -> u32 {
        self.0.get(text).copied().unwrap_or(u32::MAX)
    }

    fn write(&self) -> Vec<u8> {
        ids::write(self.0.keys().copied())
    }
}

fn write_advisories(
    feeds: Vec<Advisories>,
    tables: &[FeedInfo],
    options: &BuildOptions,
) -> Result<(Vec<u8>, Vec<Gap>), BuildError> {
    let gaps = feeds
        .iter()
        .filter_map(|feed| feed.unread.clone())
        .collect();
    let all = || feeds.iter().flat_map(|feed| &feed.drafts);
    let numbered = Numbered::of(all().flat_map(|draft| {
        std::iter::once(&draft.id)
            .chain(&draft.aliases)
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
    for (n, feed) in (0u32..).zip(&feeds) {
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
    write_affected(&statements, &mut writer);
    Ok((writer.finish(), gaps))
}

/// The three sections of affected packages.
fn write_affected(statements: &[(u32, u32, u32, &Draft)], writer: &mut Writer) {
    let versions = Table::of(
        statements
            .iter()
            .flat_map(|(.., draft)| &draft.affected)
            .flat_map(|affected| {
                let events = affected.ranges.iter().flat_map(|range| &range.events);
                events
                    .map(|(_, version)| version.as_str())
                    .chain(affected.versions.iter().map(String::as_str))
            }),
    );
    let mut packages: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    for (n, (.., draft)) in (0u32..).zip(statements) {
        for affected in &draft.affected {
            let name = format!("{}{}{}", affected.ecosystem, schema::UNIT, affected.package);
            let row = packages.entry(name).or_default();
            affected::write(row, n, affected, &|version| versions.number(version));
        }
    }
    let mut rows_of_packages = rows::Writer::default();
    for row in packages.values() {
        rows_of_packages.row(row);
    }
    writer.section(
        schema::PACKAGES,
        Need::Optional,
        ids::write(packages.keys().map(String::as_str)),
    );
    writer.section(schema::AFFECTED, Need::Optional, rows_of_packages.finish());
    writer.section(schema::VERSIONS, Need::Optional, versions.write());
}

fn write_scores(
    epss: Option<&EpssTable>,
    kev: Option<&KevTable>,
    options: &BuildOptions,
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
