//! The files of each feed, and how they are read. Comes in: files of a feed folder. Goes out: drafts by feed, the
//! newest scores, and what is missing. Never: depends on the order of the file system.

use super::BuildError;
use crate::feeds::archive::{self, Batches, Record};
use crate::feeds::epss::EpssTable;
use crate::feeds::folder::FeedFile;
use crate::feeds::kev::KevTable;
use crate::feeds::{
    Draft, FeedError, MAX_RECORD, Read, alpine, csaf, cve, debian, ends, epss, kev, merge_per_id,
    newest_per_id, osv,
};
use jiff::civil::Date;
use model::assessment::FeedInfo;
use model::evidence::{Gap, GapWeight, Stage};
use rayon::prelude::*;
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;

/// The files of each feed, by their place in the official layout.
#[derive(Default)]
pub(super) struct Layout<'f> {
    pub(super) epss: Vec<&'f FeedFile<'f>>,
    pub(super) kev: Vec<&'f FeedFile<'f>>,
    vulnrichment: Vec<&'f FeedFile<'f>>,
    /// By ecosystem as the folder is named.
    osv: BTreeMap<&'f str, Vec<&'f FeedFile<'f>>>,
    alpine: Vec<&'f FeedFile<'f>>,
    debian: Vec<&'f FeedFile<'f>>,
    csaf: Vec<&'f FeedFile<'f>>,
    ssvc: Vec<&'f FeedFile<'f>>,
}

impl<'f> Layout<'f> {
    pub(super) fn of(files: &'f [FeedFile<'f>]) -> Self {
        let mut layout = Layout::default();
        for file in files {
            let base = file.base();
            let (top, below) = file.name.split_once('/').unwrap_or((&file.name, ""));
            match top {
                "epss" if base.starts_with("epss_scores-") && ends(base, &[".csv.gz", ".csv"]) => {
                    layout.epss.push(file);
                }
                "kev" if ends(base, &[".json"]) => layout.kev.push(file),
                "ssvc" if ends(base, &[".csv"]) => layout.ssvc.push(file),
                "osv" if is_archive(base) || osv::is_record(base) => {
                    if let Some((ecosystem, _)) = below.split_once('/') {
                        layout.osv.entry(ecosystem).or_default().push(file);
                    }
                }
                "alpine-secdb" if alpine::is_record(base) => layout.alpine.push(file),
                "debian-tracker" if debian::is_record(base) => layout.debian.push(file),
                top if top.starts_with("csaf") && (is_archive(base) || csaf::is_record(base)) => {
                    layout.csaf.push(file);
                }
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

    pub(super) fn is_empty(&self) -> bool {
        self.epss.is_empty()
            && self.kev.is_empty()
            && self.vulnrichment.is_empty()
            && self.osv.is_empty()
            && self.alpine.is_empty()
            && self.debian.is_empty()
            && self.csaf.is_empty()
            && self.ssvc.is_empty()
    }

    pub(super) fn gaps(&self) -> Vec<Gap> {
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
        gaps
    }

    /// Vulnrichment first, then OSV by ecosystem, then the vendors' own; read in parallel.
    pub(super) fn read_advisories(&self) -> Result<Vec<Advisories>, BuildError> {
        let mut jobs: Vec<(String, &[&FeedFile<'_>])> = Vec::new();
        jobs.push(("vulnrichment".to_owned(), &self.vulnrichment));
        jobs.extend(
            self.osv
                .iter()
                .map(|(ecosystem, files)| (format!("osv/{ecosystem}"), &files[..])),
        );
        jobs.push(("alpine-secdb".to_owned(), &self.alpine));
        jobs.push(("csaf".to_owned(), &self.csaf));
        jobs.push(("debian-tracker".to_owned(), &self.debian));
        jobs.retain(|(_, files)| !files.is_empty());
        jobs.into_par_iter()
            .map(|(name, files)| {
                let one = |draft: Draft, out: &mut Vec<Draft>| out.push(draft);
                let mut read = match name.as_str() {
                    "vulnrichment" => {
                        read_records(files, &cve::is_record, MAX_RECORD, &|bytes, out| {
                            cve::parse(bytes).map(|draft| one(draft, out))
                        })
                    }
                    "alpine-secdb" => {
                        read_records(files, &alpine::is_record, MAX_RECORD, &alpine::parse)
                    }
                    "csaf" => read_records(files, &csaf::is_record, MAX_RECORD, &|bytes, out| {
                        csaf::parse(bytes, "redhat").map(|draft| one(draft, out))
                    }),
                    "debian-tracker" => read_records(
                        files,
                        &debian::is_record,
                        debian::MAX_DOCUMENT,
                        &debian::parse,
                    ),
                    _ => read_records(files, &osv::is_record, MAX_RECORD, &|bytes, out| {
                        osv::parse(bytes, &name).map(|draft| one(draft, out))
                    }),
                }?;
                if matches!(name.as_str(), "alpine-secdb" | "debian-tracker") {
                    merge_per_id(&mut read.drafts);
                }
                Advisories::of(name, read)
            })
            .collect()
    }

    /// The decision tables, as feeds: their rows and digests. Their content is compiled in where they are used.
    pub(super) fn tables(&self) -> Result<Vec<FeedInfo>, BuildError> {
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
    ends(name, &[".zip", ".tar", ".tar.gz", ".tgz", ".tar.zst"])
}

/// One feed of advisories, each id once.
pub(super) struct Advisories {
    pub(super) info: FeedInfo,
    pub(super) drafts: Vec<Draft>,
    pub(super) unread: Option<Gap>,
}

impl Advisories {
    fn of(name: String, mut read: Read) -> Result<Self, BuildError> {
        if read.drafts.is_empty() {
            return Err(BuildError::Unreadable {
                feed: name,
                reason: read.reason.unwrap_or_else(|| "it holds none".to_owned()),
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

/// What one record says.
type Parse<'p> = &'p (dyn Fn(&[u8], &mut Vec<Draft>) -> Result<(), String> + Sync);

/// Reads the records of some files, each of at most `limit` bytes; parsing is parallel, order is that of files and
/// entries.
fn read_records(
    files: &[&FeedFile<'_>],
    wanted: &dyn Fn(&str) -> bool,
    limit: u64,
    parse: Parse<'_>,
) -> Result<Read, FeedError> {
    let mut read = Read::default();
    let mut digests = Vec::new();
    let mut consume = |records: Vec<Record>| {
        let parsed: Vec<Result<Vec<Draft>, String>> = records
            .par_iter()
            .map(|record| {
                let mut drafts = Vec::new();
                parse(&record.bytes, &mut drafts)
                    .map_err(|reason| format!("{}: {reason}", record.name))?;
                Ok(drafts)
            })
            .collect();
        for drafts in parsed {
            match drafts {
                Ok(drafts) => read.drafts.extend(drafts),
                Err(reason) => {
                    read.unread += 1;
                    read.reason.get_or_insert(reason);
                }
            }
        }
    };
    let mut batches = Batches::new(wanted, limit, &mut consume);
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

pub(super) fn newest_epss(files: &[&FeedFile<'_>]) -> Result<Option<EpssTable>, FeedError> {
    let mut newest: Option<(Date, &FeedFile<'_>)> = None;
    for file in files {
        let (date, _) = epss::header(file)?;
        if newest.is_none_or(|(held, _)| date >= held) {
            newest = Some((date, file));
        }
    }
    newest.map(|(_, file)| epss::read(file)).transpose()
}

pub(super) fn newest_kev(files: &[&FeedFile<'_>]) -> Result<Option<KevTable>, FeedError> {
    let tables = files.iter().map(|file| kev::read(file));
    let tables = tables.collect::<Result<Vec<_>, _>>()?;
    Ok(tables
        .into_iter()
        .max_by(|a, b| (a.date, &a.version).cmp(&(b.date, &b.version))))
}

pub(super) fn unread_gap(feed: &str, count: u64, reason: &str) -> Option<Gap> {
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
