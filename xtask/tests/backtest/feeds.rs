//! Reads the public data of the past: EPSS days, the KEV catalogue, a Vulnrichment snapshot, OSV exports.

use flate2::read::GzDecoder;
use intel::cvss;
use jiff::civil::Date;
use model::vulnerability::{AttackProfile, Exploitation, Ssvc};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

/// Year and number of a CVE in one word.
pub(crate) type Cve = u64;

pub(crate) fn cve(id: &str) -> Option<Cve> {
    let (year, number) = model::keys::cve_order(id)?;
    Some((u64::from(year) << 40) | number)
}

/// One EPSS file.
pub(crate) struct Day {
    pub date: Date,
    pub model: String,
    /// Ordered by CVE: score and percentile.
    pub scores: Vec<(Cve, f64, f64)>,
}

/// What CISA published of one CVE.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Enriched {
    pub cvss: Option<f64>,
    pub profile: AttackProfile,
    pub ssvc: Option<Ssvc>,
}

pub(crate) struct Feeds {
    pub days: BTreeMap<&'static str, Day>,
    pub kev: HashMap<Cve, Date>,
    pub enriched: BTreeMap<Cve, Enriched>,
    /// CVEs of the Go, Bitnami and AlmaLinux databases: what containers are made of.
    pub container: BTreeSet<Cve>,
}

pub(crate) const DAYS: [&str; 7] = [
    "2024-06-30",
    "2024-09-29",
    "2024-10-20",
    "2024-12-22",
    "2025-06-08",
    "2025-09-07",
    "2026-08-16",
];

impl Feeds {
    pub(crate) fn read(folder: &Path) -> Feeds {
        Feeds {
            days: DAYS.map(|date| (date, epss(folder, date))).into(),
            kev: kev(folder),
            enriched: enriched(folder),
            container: ["Go", "Bitnami", "AlmaLinux"]
                .iter()
                .flat_map(|name| osv(folder, name))
                .collect(),
        }
    }
}

pub(crate) fn epss(folder: &Path, date: &str) -> Day {
    let path = folder.join(format!("epss/epss_scores-{date}.csv.gz"));
    let mut lines = BufReader::new(GzDecoder::new(File::open(path).unwrap())).lines();
    let header = lines.next().unwrap().unwrap();
    let model = header
        .strip_prefix("#model_version:")
        .and_then(|rest| rest.split(',').next())
        .unwrap();
    let mut scores: Vec<_> = lines
        .skip(1)
        .map(|line| {
            let line = line.unwrap();
            let mut cells = line.split(',');
            let id = cve(cells.next().unwrap()).unwrap();
            let mut number = || cells.next().unwrap().parse::<f64>().unwrap();
            (id, number(), number())
        })
        .collect();
    scores.sort_by_key(|row| row.0);
    Day {
        date: date.parse().unwrap(),
        model: model.to_owned(),
        scores,
    }
}

fn kev(folder: &Path) -> HashMap<Cve, Date> {
    let path = folder.join("kev/known_exploited_vulnerabilities.json");
    let catalogue: Value =
        serde_json::from_reader(BufReader::new(File::open(path).unwrap())).unwrap();
    let entries = catalogue["vulnerabilities"].as_array().unwrap();
    entries
        .iter()
        .map(|entry| {
            let id = cve(entry["cveID"].as_str().unwrap()).unwrap();
            (id, entry["dateAdded"].as_str().unwrap().parse().unwrap())
        })
        .collect()
}

fn enriched(folder: &Path) -> BTreeMap<Cve, Enriched> {
    let path = folder.join("vulnrichment-2024-10-24.tar.zst");
    let mut archive = tar::Archive::new(zstd::Decoder::new(File::open(path).unwrap()).unwrap());
    let mut all = BTreeMap::new();
    let mut text = Vec::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let path = entry.path().unwrap().into_owned();
        let Some(id) = path
            .file_stem()
            .and_then(|stem| stem.to_str())
            .and_then(cve)
        else {
            continue;
        };
        text.clear();
        entry.read_to_end(&mut text).unwrap();
        let record: Value = serde_json::from_slice(&text).unwrap();
        all.insert(id, enrich(&record));
    }
    all
}

fn enrich(record: &Value) -> Enriched {
    let containers = &record["containers"];
    let metrics: Vec<&Value> = std::iter::once(&containers["cna"])
        .chain(containers["adp"].as_array().into_iter().flatten())
        .filter_map(|container| container["metrics"].as_array())
        .flatten()
        .collect();
    // The newest version that anyone gives; of one version the first: the CNA speaks before CISA.
    let statement = ["cvssV4_0", "cvssV3_1", "cvssV3_0", "cvssV2_0"]
        .iter()
        .find_map(|name| metrics.iter().map(|m| &m[*name]).find(|v| v.is_object()));
    let vector = statement.and_then(|s| s["vectorString"].as_str());
    Enriched {
        cvss: statement
            .and_then(|s| s["baseScore"].as_f64())
            .or_else(|| vector.and_then(cvss::base)),
        profile: vector.map_or_else(AttackProfile::default, cvss::profile),
        ssvc: metrics.iter().find_map(|metric| ssvc(&metric["other"])),
    }
}

fn ssvc(other: &Value) -> Option<Ssvc> {
    if other["type"] != "ssvc" {
        return None;
    }
    let options = other["content"]["options"].as_array()?;
    let point = |name: &str| options.iter().find_map(|option| option[name].as_str());
    Some(Ssvc {
        exploitation: match point("Exploitation")? {
            "active" => Exploitation::Active,
            "poc" => Exploitation::PublicPoc,
            _ => Exploitation::None,
        },
        automatable: point("Automatable")? == "yes",
        total_impact: point("Technical Impact")? == "total",
    })
}

/// Every CVE that a database of OSV names.
fn osv(folder: &Path, name: &str) -> Vec<Cve> {
    let path = folder.join(format!("osv/{name}/all.zip"));
    let mut archive = zip::ZipArchive::new(File::open(path).unwrap()).unwrap();
    let mut found = Vec::new();
    for index in 0..archive.len() {
        let record: Value = serde_json::from_reader(archive.by_index(index).unwrap()).unwrap();
        let lists = ["aliases", "related", "upstream"];
        found.extend(record["id"].as_str().and_then(cve));
        found.extend(
            lists
                .iter()
                .filter_map(|list| record[*list].as_array())
                .flatten()
                .filter_map(|id| cve(id.as_str()?)),
        );
    }
    found
}
