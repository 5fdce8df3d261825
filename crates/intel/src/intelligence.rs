//! The opened database. Comes in: two files, mapped or in memory. Goes out: what is known of an id.
//! Never: a lock on the way of a look-up, a panic or a silent "nothing known" on damaged bytes.

use crate::feeds::osv::KUBERNETES;
use crate::format::container::{Container, ContainerError};
use crate::format::ids::Ids;
use crate::format::keys::{Keys, cve_id, cve_key};
use crate::format::packed::Packed;
use crate::format::rows::Rows;
use crate::format::texts::{self, Texts};
use crate::format::{Damage, schema};
use crate::kubernetes;
use crate::map::Bytes;
use crate::ranges::evaluate;
use crate::record::{KevEntry, Record, Statement, Stored, TitleId, take_date};
use jiff::civil::Date;
use model::assessment::DatabaseInfo;
use model::evidence::{Gap, GapWeight, Stage};
use model::keys::vulnerability_id;
use model::text::Text;
use model::vulnerability::{Cvss, Epss, Kev};
use rustc_hash::FxHashMap;
use serde::Serialize;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// Names of the two files in a database folder.
pub const ADVISORIES_FILE: &str = "advisories.plimsoll";
pub const SCORES_FILE: &str = "scores.plimsoll";

#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("opening {path}")]
    Io {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("opening the database file {path}")]
    Container {
        path: PathBuf,
        #[source]
        source: ContainerError,
    },
    #[error("opening the database file {path}")]
    Damaged {
        path: PathBuf,
        #[source]
        source: Damage,
    },
}

/// The intelligence database, shared by any number of threads.
#[derive(Debug)]
pub struct Intelligence {
    pub(crate) advisories: Container,
    scores: Container,
    /// Names of the advisory feeds and of CVSS sources, by number.
    feeds: Vec<Text>,
    sources: Vec<Text>,
    /// Model and date of the scores, and ten to their decimals.
    epss: Option<(Text, Date, f64)>,
    info: DatabaseInfo,
    titles: texts::Cache,
    kev_texts: texts::Cache,
    pub(crate) import_texts: texts::Cache,
    /// Names of Maven's packages by their artifact, once somebody asks.
    pub(crate) artifacts: OnceLock<FxHashMap<Text, Vec<Text>>>,
    damage: OnceLock<Damage>,
}

/// A Kubernetes CVE that affects a component's version.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct KubernetesCve {
    pub id: Text,
    /// `k8s.io/kubelet`.
    pub package: Text,
    /// The lowest version above that repairs it.
    pub fixed: Option<Text>,
}

impl Intelligence {
    /// Maps both files of the folder `dir`. Heads are checked, blocks on first touch.
    pub fn open(dir: &Path) -> Result<Self, OpenError> {
        let map = |name: &str| {
            let path = dir.join(name);
            let bytes = Bytes::map(&path).map_err(|source| OpenError::Io {
                path: path.clone(),
                source,
            })?;
            Ok((path, bytes))
        };
        Self::of(map(ADVISORIES_FILE)?, map(SCORES_FILE)?)
    }

    /// The same from memory.
    pub fn from_bytes(advisories: Vec<u8>, scores: Vec<u8>) -> Result<Self, OpenError> {
        Self::of(
            (PathBuf::from(ADVISORIES_FILE), Bytes::Owned(advisories)),
            (PathBuf::from(SCORES_FILE), Bytes::Owned(scores)),
        )
    }

    fn of(advisories: (PathBuf, Bytes), scores: (PathBuf, Bytes)) -> Result<Self, OpenError> {
        let (advisory_path, bytes) = advisories;
        let advisories = Container::open(bytes, schema::ADVISORIES, schema::ADVISORY_SECTIONS)
            .map_err(|source| OpenError::Container {
                path: advisory_path.clone(),
                source,
            })?;
        let (score_path, bytes) = scores;
        let scores =
            Container::open(bytes, schema::SCORES, schema::SCORE_SECTIONS).map_err(|source| {
                OpenError::Container {
                    path: score_path.clone(),
                    source,
                }
            })?;
        let damaged = |path: PathBuf| move |source| OpenError::Damaged { path, source };
        let contents = contents(&advisories).map_err(damaged(advisory_path.clone()))?;
        let daily = self::contents(&scores).map_err(damaged(score_path.clone()))?;
        let titles = advisories
            .need(schema::TITLES.0)
            .and_then(texts::cache)
            .map_err(damaged(advisory_path.clone()))?;
        let import_texts = advisories
            .view(schema::IMPORTS.0)
            .map_or(Ok(Vec::new()), texts::cache)
            .map_err(damaged(advisory_path))?;
        let kev_texts = scores
            .view(schema::KEV_TEXTS.0)
            .map_or(Ok(Vec::new()), texts::cache)
            .map_err(damaged(score_path))?;
        let epss = daily.feeds.iter().find(|feed| &*feed.name == "epss");
        let epss = epss.and_then(|feed| {
            let unit = 10f64.powi(i32::try_from(daily.epss_decimals.min(9)).ok()?);
            Some((feed.version.clone()?, feed.date?, unit))
        });
        Ok(Intelligence {
            feeds: contents
                .feeds
                .iter()
                .map(|feed| feed.name.clone())
                .collect(),
            sources: contents
                .sources
                .iter()
                .map(|s| Text::from(s.as_str()))
                .collect(),
            epss,
            info: DatabaseInfo {
                digest: model::keys::hex(advisories.digest()).into(),
                feeds: daily.feeds.into_iter().chain(contents.feeds).collect(),
            },
            advisories,
            scores,
            titles,
            kev_texts,
            import_texts,
            artifacts: OnceLock::new(),
            damage: OnceLock::new(),
        })
    }

    /// Feeds with date, count and digest; EPSS's model is its version.
    pub fn info(&self) -> DatabaseInfo {
        self.info.clone()
    }

    /// Whether the database was built with `feed` (`epss`, `kev`, `vulnrichment`, `osv/Go`).
    pub fn has(&self, feed: &str) -> bool {
        self.info.feeds.iter().any(|known| &*known.name == feed)
    }

    /// Reads both files whole and compares their digests.
    pub fn verify(&self) -> Result<(), Damage> {
        self.advisories.verify()?;
        self.scores.verify()
    }

    /// The first damage that a look-up met: its answers and those after it are not to be trusted, so callers
    /// that report "nothing known" ask for this before they finish.
    pub fn damage(&self) -> Option<Gap> {
        let damage = self.damage.get()?;
        Some(Gap {
            class: "database-damaged".into(),
            what: damage.to_string().into(),
            stage: Stage::Match,
            scope: "database".into(),
            weight: GapWeight::Hides,
            close: "plimsoll db update".into(),
        })
    }

    /// What is known of `id` or of any alias of it. Damage is remembered, see [`Intelligence::damage`].
    pub fn lookup(&self, id: &str) -> Option<Record> {
        self.noted(self.find(id)).flatten()
    }

    /// Like [`Intelligence::lookup`], with damage as an error.
    pub fn find(&self, id: &str) -> Result<Option<Record>, Damage> {
        let Some((id, number)) = self.number(id)? else {
            return Ok(None);
        };
        let mut record = Record {
            ids: vec![id],
            statements: Vec::new(),
            epss: Vec::new(),
            kev: Vec::new(),
        };
        if let Some(number) = number {
            let (ids, statements) = self.class(number)?;
            record.ids = ids;
            for row in statements {
                record.statements.push(self.statement(row)?);
            }
        }
        for id in &record.ids {
            if let Some(key) = cve_key(id) {
                record
                    .epss
                    .extend(self.epss(key)?.map(|epss| (id.clone(), epss)));
                record
                    .kev
                    .extend(self.kev(key)?.map(|kev| (id.clone(), kev)));
            }
        }
        let known = number.is_some() || !record.epss.is_empty() || !record.kev.is_empty();
        Ok(known.then_some(record))
    }

    /// The ids of the alias closure of `id`, the one that names it first; `id` alone if it is not known.
    pub fn closure(&self, id: &str) -> Vec<Text> {
        let closure = || {
            Ok(match self.number(id)? {
                Some((_, Some(number))) => Some(self.class(number)?.0),
                Some((id, None)) => Some(vec![id]),
                None => None,
            })
        };
        let known = self.noted(closure()).flatten();
        known.unwrap_or_else(|| vec![Text::from(id.trim())])
    }

    /// The title of a statement; `None` also where the text is damaged.
    pub fn title(&self, title: TitleId) -> Option<Text> {
        let text = self
            .advisories
            .need(schema::TITLES.0)
            .and_then(|view| Texts { view }.get(title.0, &self.titles));
        self.noted(text).map(Text::from)
    }

    /// Kubernetes CVEs that affect `version` (`v1.30.2-gke.100`) of a component (`kube-apiserver`, `kubelet`,
    /// `k8s.io/kubernetes`, a module path), ordered. `None`: the version cannot be read or the feed is missing,
    /// which says nothing about safety.
    pub fn kubernetes(&self, component: &str, version: &str) -> Option<Vec<KubernetesCve>> {
        if kubernetes::Version::parse(version).is_none() || !self.has("osv/Kubernetes") {
            return None;
        }
        let package = kubernetes::package(component);
        self.noted(self.affecting(&package, version))
    }

    fn affecting(&self, package: &str, version: &str) -> Result<Vec<KubernetesCve>, Damage> {
        let mut found = Vec::new();
        for entry in self.entries(KUBERNETES, package)?.unwrap_or_default() {
            let verdicts = entry
                .ranges
                .iter()
                .map(|range| evaluate(range, version, &kubernetes::compare))
                .filter(|verdict| verdict.affected);
            let mut is = entry.versions.iter().any(|listed| listed == version);
            let mut fixed: Option<String> = None;
            for verdict in verdicts {
                is = true;
                fixed = fixed.or(verdict.fixed);
            }
            if is {
                found.push(KubernetesCve {
                    id: self.statement(entry.statement)?.id,
                    package: package.into(),
                    fixed: fixed.map(Text::from),
                });
            }
        }
        found.sort();
        found.dedup();
        Ok(found)
    }

    pub(crate) fn noted<T>(&self, result: Result<T, Damage>) -> Option<T> {
        result
            .inspect_err(|damage| {
                let _ = self.damage.set(damage.clone());
            })
            .ok()
    }

    /// The id in its canonical spelling and its number; `None` if it is not known and no CVE.
    fn number(&self, id: &str) -> Result<Option<(Text, Option<u32>)>, Damage> {
        let id = id.trim();
        let upper;
        let id = match id.get(..4) {
            Some(start) if start.eq_ignore_ascii_case("cve-") => {
                upper = id.to_ascii_uppercase();
                upper.as_str()
            }
            _ => id,
        };
        let cves = Keys::new(self.advisories.need(schema::CVES.0)?)?;
        if let Some(key) = cve_key(id) {
            return Ok(Some((id.into(), cves.find(key)?)));
        }
        let others = Ids::new(self.advisories.need(schema::IDS.0)?)?;
        let first = u32::try_from(cves.len()).unwrap_or(u32::MAX);
        let number = others.find(id)?.and_then(|at| first.checked_add(at));
        Ok(number.map(|number| (id.into(), Some(number))))
    }

    /// Ids and statements of the closure that the id of this number belongs to.
    fn class(&self, number: u32) -> Result<(Vec<Text>, std::ops::Range<u32>), Damage> {
        let owners = Packed::new(self.advisories.need(schema::OWNERS.0)?)?;
        let closures = Rows::new(self.advisories.need(schema::CLOSURES.0)?)?;
        let cut = || closures.damage("a closure is cut");
        let class = u32::try_from(owners.get(number)?).map_err(|_| cut())?;
        let mut row = closures.get(class)?;
        let count = row.varint().ok_or_else(cut)?;
        let mut ids = Vec::new();
        let mut id = 0u32;
        for _ in 0..count {
            let delta = row.number().ok_or_else(cut)?;
            id = id.checked_add(delta).ok_or_else(cut)?;
            ids.push(self.id(id)?);
        }
        let first = row.number().ok_or_else(cut)?;
        let count = row.number().ok_or_else(cut)?;
        let end = first.checked_add(count).ok_or_else(cut)?;
        let named = vulnerability_id(ids.iter().map(|id| &**id)).map(Text::from);
        ids.sort();
        if let Some(named) = named {
            ids.retain(|id| *id != named);
            ids.insert(0, named);
        }
        Ok((ids, first..end))
    }

    fn id(&self, number: u32) -> Result<Text, Damage> {
        let cves = Keys::new(self.advisories.need(schema::CVES.0)?)?;
        let first = u32::try_from(cves.len()).unwrap_or(u32::MAX);
        if number < first {
            return Ok(cve_id(cves.get(number)?).into());
        }
        let others = Ids::new(self.advisories.need(schema::IDS.0)?)?;
        Ok(others.get(number - first)?.into())
    }

    pub(crate) fn statement(&self, row: u32) -> Result<Statement, Damage> {
        let rows = Rows::new(self.advisories.need(schema::STATEMENTS.0)?)?;
        let bad = || rows.damage("a statement is cut");
        let stored = Stored::read(rows.get(row)?).ok_or_else(bad)?;
        let vectors = Ids::new(self.advisories.need(schema::VECTORS.0)?)?;
        let cvss = stored.cvss.iter().map(|(source, vector, tenths)| {
            let vector = vectors.get(*vector)?;
            let parsed = crate::cvss::version(&vector).ok_or_else(bad)?;
            Ok(Cvss {
                source: self.sources.get(*source as usize).ok_or_else(bad)?.clone(),
                version: parsed.name().into(),
                vector: vector.into(),
                base: f64::from(*tenths) / 10.0,
            })
        });
        let covers = stored.covers.iter().map(|id| self.id(*id));
        Ok(Statement {
            id: self.id(stored.id)?,
            covers: covers.collect::<Result<_, Damage>>()?,
            feed: self
                .feeds
                .get(stored.feed as usize)
                .ok_or_else(bad)?
                .clone(),
            title: stored.title.map(TitleId),
            published: stored.published,
            modified: stored.modified,
            withdrawn: stored.withdrawn,
            severity: stored.severity,
            cvss: cvss.collect::<Result<_, Damage>>()?,
            cwes: stored.cwes,
            ssvc: stored.ssvc,
        })
    }

    fn epss(&self, key: u64) -> Result<Option<Epss>, Damage> {
        let Some((model, date, unit)) = &self.epss else {
            return Ok(None);
        };
        let Some(at) = Keys::new(self.scores.need(schema::EPSS_CVES.0)?)?.find(key)? else {
            return Ok(None);
        };
        // Below 2^30, so the quotient is the double nearest to the published decimal.
        let number = |section: [u8; 4]| {
            let packed = Packed::new(self.scores.need(section)?)?;
            Ok((packed.get(at)? as f64 / unit).clamp(0.0, 1.0))
        };
        Ok(Some(Epss {
            score: number(schema::EPSS_SCORES.0)?,
            percentile: number(schema::EPSS_PERCENTILES.0)?,
            model: model.clone(),
            date: *date,
        }))
    }

    fn kev(&self, key: u64) -> Result<Option<KevEntry>, Damage> {
        let Some(view) = self.scores.view(schema::KEV_CVES.0) else {
            return Ok(None);
        };
        let Some(at) = Keys::new(view)?.find(key)? else {
            return Ok(None);
        };
        let rows = Rows::new(self.scores.need(schema::KEV_ENTRIES.0)?)?;
        let cut = || rows.damage("an entry is cut");
        let mut row = rows.get(at)?;
        let flags = row.byte().ok_or_else(cut)?;
        let added = take_date(&mut row).ok_or_else(cut)?;
        let due = match flags & 2 {
            0 => None,
            _ => Some(take_date(&mut row).ok_or_else(cut)?),
        };
        let count = row.varint().ok_or_else(cut)?;
        let mut cwes = Vec::new();
        for _ in 0..count {
            cwes.push(row.number().ok_or_else(cut)?);
        }
        let texts = Texts {
            view: self.scores.need(schema::KEV_TEXTS.0)?,
        };
        let text = |n: u32| {
            let number = at.checked_mul(3).and_then(|first| first.checked_add(n));
            texts
                .get(number.ok_or_else(cut)?, &self.kev_texts)
                .map(Text::from)
        };
        Ok(Some(KevEntry {
            kev: Kev {
                added,
                ransomware: flags & 1 != 0,
                name: text(0)?,
            },
            due,
            vendor: text(1)?,
            product: text(2)?,
            cwes,
        }))
    }
}

fn contents(file: &Container) -> Result<schema::Contents, Damage> {
    let view = file.need(schema::META.0)?;
    serde_json::from_slice(view.all()?).map_err(|_| view.damage("it is no table of contents"))
}
