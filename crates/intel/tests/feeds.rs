//! The real feeds: the database holds what an independent reading of the same files says, record by record.
//! One trial a feed; without the shared data they are reported as ignored.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::needless_pass_by_value,
    reason = "a test may fail, and tells what it measured"
)]

use intel::build::{BuildOptions, Built, build};
use intel::{Intelligence, Record, Statement};
use libtest_mimic::{Arguments, Failed, Trial};
use model::vulnerability::Exploitation;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::OnceLock;
use std::time::Instant;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let feeds = testkit::shared("feeds");
    let mut trials: Vec<Trial> = Vec::new();
    let mut add = |name: &str, run: fn(&Path) -> Result<(), Failed>| {
        let there = feeds.clone();
        let trial = Trial::test(name.to_owned(), move || {
            there.as_deref().map_or(Ok(()), run)
        });
        trials.push(trial.with_ignored_flag(feeds.is_none()));
    };
    add("every EPSS row", epss);
    add("every KEV entry", kev);
    add("every Vulnrichment record", vulnrichment);
    add("every OSV record", osv);
    add("stated CVSS base scores", stated_scores);
    add("aliases are an equivalence", equivalence);
    add("Kubernetes versions", kubernetes);
    add("size and determinism", size);
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// The database of all feeds, built once.
fn built(feeds: &Path) -> &'static Built {
    static BUILT: OnceLock<Built> = OnceLock::new();
    BUILT.get_or_init(|| {
        let start = Instant::now();
        let (built, gaps) = build(feeds, &BuildOptions::default()).unwrap();
        println!(
            "built in {:.1} s: advisories {} bytes, scores {} bytes",
            start.elapsed().as_secs_f64(),
            built.advisories.len(),
            built.scores.len()
        );
        for gap in gaps {
            println!("gap: {}", gap.what);
        }
        built
    })
}

fn intel(feeds: &Path) -> &'static Intelligence {
    static INTEL: OnceLock<Intelligence> = OnceLock::new();
    INTEL.get_or_init(|| {
        let built = built(feeds);
        Intelligence::from_bytes(built.advisories.clone(), built.scores.clone()).unwrap()
    })
}

fn check<T: PartialEq + std::fmt::Debug>(what: &str, found: T, expected: T) -> Result<(), Failed> {
    if found == expected {
        Ok(())
    } else {
        Err(format!("{what}: found {found:?}, the feed says {expected:?}").into())
    }
}

fn epss(feeds: &Path) -> Result<(), Failed> {
    let newest = feeds.join("epss/epss_scores-2026-08-16.csv.gz");
    let lines = BufReader::new(flate2::read::GzDecoder::new(File::open(newest)?)).lines();
    let intel = intel(feeds);
    let mut rows = 0;
    for line in lines.skip(2) {
        let line = line?;
        let fields: Vec<&str> = line.split(',').collect();
        let record = intel
            .lookup(fields[0])
            .ok_or_else(|| format!("{} is missing", fields[0]))?;
        let (_, epss) = record
            .epss
            .iter()
            .find(|(id, _)| **id == *fields[0])
            .ok_or("no score")?;
        check(
            fields[0],
            (epss.score, epss.percentile),
            (fields[1].parse()?, fields[2].parse()?),
        )?;
        rows += 1;
    }
    let info = intel.info();
    let feed = info
        .feeds
        .iter()
        .find(|feed| &*feed.name == "epss")
        .ok_or("no feed")?;
    check("rows", feed.records, rows)?;
    check("model", feed.version.as_deref(), Some("v2026.06.15"))?;
    check("date", feed.date, Some(jiff::civil::date(2026, 8, 16)))
}

fn kev(feeds: &Path) -> Result<(), Failed> {
    let text = std::fs::read(feeds.join("kev/known_exploited_vulnerabilities.json"))?;
    let catalogue: Value = serde_json::from_slice(&text)?;
    let entries = catalogue["vulnerabilities"].as_array().ok_or("no list")?;
    let intel = intel(feeds);
    for entry in entries {
        let id = entry["cveID"].as_str().ok_or("no id")?;
        let record = intel.lookup(id).ok_or_else(|| format!("{id} is missing"))?;
        let (_, found) = record
            .kev
            .iter()
            .find(|(of, _)| **of == *id)
            .ok_or("no entry")?;
        let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        check(
            id,
            found.kev.added.to_string(),
            entry["dateAdded"].as_str().unwrap_or("").into(),
        )?;
        check(
            id,
            found.due.map(|due| due.to_string()).as_deref(),
            entry["dueDate"].as_str(),
        )?;
        check(
            id,
            found.kev.ransomware,
            entry["knownRansomwareCampaignUse"] == "Known",
        )?;
        check(
            id,
            found.kev.name.to_string(),
            words(entry["vulnerabilityName"].as_str().unwrap_or("")),
        )?;
        let product = words(entry["product"].as_str().unwrap_or(""));
        check(
            id,
            product.starts_with(found.product.strip_suffix('…').unwrap_or(&found.product)),
            true,
        )?;
    }
    let info = intel.info();
    let feed = info
        .feeds
        .iter()
        .find(|feed| &*feed.name == "kev")
        .ok_or("no feed")?;
    check("entries", feed.records, entries.len() as u64)
}

/// Each record of the archive, by an own walk over it.
fn cve_records(
    feeds: &Path,
    mut visit: impl FnMut(&Value) -> Result<(), Failed>,
) -> Result<u64, Failed> {
    let archive = feeds.join("vulnrichment-2024-10-24.tar.zst");
    let mut archive = tar::Archive::new(zstd::Decoder::new(File::open(archive)?)?);
    let mut records = 0;
    for entry in archive.entries()? {
        let mut entry = entry?;
        if entry
            .path()?
            .extension()
            .is_none_or(|extension| extension != "json")
        {
            continue;
        }
        let mut text = Vec::new();
        entry.read_to_end(&mut text)?;
        visit(&serde_json::from_slice(&text)?)?;
        records += 1;
    }
    Ok(records)
}

fn said_by<'r>(record: &'r Record, feed: &str, id: &str) -> Result<&'r Statement, Failed> {
    let found = record
        .statements
        .iter()
        .find(|s| &*s.feed == feed && &*s.id == id);
    found.ok_or_else(|| format!("no statement of {feed} on {id}").into())
}

fn containers(record: &Value) -> impl Iterator<Item = &Value> {
    let all = &record["containers"];
    std::iter::once(&all["cna"]).chain(all["adp"].as_array().into_iter().flatten())
}

fn metrics(container: &Value) -> impl Iterator<Item = (&String, &Value)> {
    let all = container["metrics"].as_array().into_iter().flatten();
    all.filter_map(Value::as_object).flatten()
}

fn vulnrichment(feeds: &Path) -> Result<(), Failed> {
    let intel = intel(feeds);
    let records = cve_records(feeds, |record| {
        let id = record["cveMetadata"]["cveId"].as_str().ok_or("no id")?;
        let found = intel.lookup(id).ok_or_else(|| format!("{id} is missing"))?;
        let found = said_by(&found, "vulnrichment", id)?;
        let mut vectors: BTreeSet<&str> = BTreeSet::new();
        let mut cwes: BTreeSet<u32> = BTreeSet::new();
        let mut points: HashMap<String, String> = HashMap::new();
        for container in containers(record) {
            for (name, metric) in metrics(container) {
                if name.starts_with("cvssV") {
                    vectors.extend(metric["vectorString"].as_str());
                }
                if metric["type"] == "ssvc" {
                    for option in metric["content"]["options"]
                        .as_array()
                        .into_iter()
                        .flatten()
                    {
                        for (point, value) in option.as_object().into_iter().flatten() {
                            points
                                .insert(point.clone(), value.as_str().unwrap_or("").to_lowercase());
                        }
                    }
                }
            }
            for kind in container["problemTypes"].as_array().into_iter().flatten() {
                for problem in kind["descriptions"].as_array().into_iter().flatten() {
                    let number = problem["cweId"]
                        .as_str()
                        .and_then(|cwe| cwe.strip_prefix("CWE-"));
                    cwes.extend(number.and_then(|number| number.parse::<u32>().ok()));
                }
            }
        }
        vectors.retain(|vector| intel::cvss::base(vector).is_some());
        let held: BTreeSet<&str> = found.cvss.iter().map(|cvss| &*cvss.vector).collect();
        check(id, held, vectors)?;
        check(id, found.cwes.iter().copied().collect(), cwes)?;
        let ssvc = found.ssvc.map(|ssvc| {
            let exploitation = match ssvc.exploitation {
                Exploitation::None => "none",
                Exploitation::PublicPoc => "poc",
                Exploitation::Active => "active",
            };
            let word = |is: bool, yes, no| if is { yes } else { no };
            [
                exploitation,
                word(ssvc.automatable, "yes", "no"),
                word(ssvc.total_impact, "total", "partial"),
            ]
            .map(str::to_owned)
        });
        let said = ["Exploitation", "Automatable", "Technical Impact"]
            .map(|point| points.get(point).cloned().unwrap_or_default());
        check(id, ssvc, (!points.is_empty()).then_some(said))?;
        check(
            id,
            found.withdrawn.is_some(),
            record["cveMetadata"]["state"] == "REJECTED",
        )?;
        let published = record["cveMetadata"]["datePublished"]
            .as_str()
            .and_then(|date| date.get(..10));
        check(
            id,
            found.published.map(|date| date.to_string()).as_deref(),
            published,
        )?;
        if let Some(title) = record["containers"]["cna"]["title"].as_str() {
            let title: String = title
                .split(|c: char| c.is_whitespace() || c.is_control())
                .filter(|word| !word.is_empty())
                .collect::<Vec<_>>()
                .join(" ");
            let held = found
                .title
                .and_then(|title| intel.title(title))
                .unwrap_or_default();
            let held = held.strip_suffix('…').unwrap_or(&held);
            check(
                id,
                title.starts_with(held) && !held.is_empty(),
                !title.is_empty(),
            )?;
        }
        Ok(())
    })?;
    let info = intel.info();
    let feed = info
        .feeds
        .iter()
        .find(|feed| &*feed.name == "vulnrichment")
        .ok_or("no feed")?;
    check("records", feed.records, records)
}

/// Publishers state the base score beside most vectors, a few of them wrongly: for a vector that several state, ours is
/// what most say, and overall fewer than one in 200 differ.
fn stated_scores(feeds: &Path) -> Result<(), Failed> {
    let mut stated: BTreeMap<String, BTreeMap<String, u32>> = BTreeMap::new();
    cve_records(feeds, |record| {
        for (name, metric) in containers(record).flat_map(metrics) {
            let (Some(vector), Some(score)) = (
                metric["vectorString"].as_str(),
                metric["baseScore"].as_f64(),
            ) else {
                continue;
            };
            // Some state the score after time or threat; that is no base score.
            let more = [
                "/E:", "/RL:", "/RC:", "/CR:", "/IR:", "/AR:", "/MAV:", "/MAC:",
            ];
            if name.starts_with("cvssV") && !more.iter().any(|metric| vector.contains(metric)) {
                *stated
                    .entry(vector.to_owned())
                    .or_default()
                    .entry(format!("{score:.1}"))
                    .or_default() += 1;
            }
        }
        Ok(())
    })?;
    let (mut all, mut different) = (0, 0);
    for (vector, scores) in &stated {
        let ours = intel::cvss::base(vector)
            .map_or_else(|| "none".to_owned(), |base| format!("{base:.1}"));
        let total: u32 = scores.values().sum();
        let same = scores.get(&ours).copied().unwrap_or(0);
        all += total;
        different += total - same;
        if total >= 3 && same * 2 <= total {
            return Err(format!("{vector}: computed {ours}, stated {scores:?}").into());
        }
    }
    println!(
        "stated base scores: {all} of {} vectors, {different} differ",
        stated.len()
    );
    check("fewer than one in 200", different * 200 < all, true)
}

/// Each record of each ecosystem, with the feed's name.
fn osv_records(
    feeds: &Path,
    mut visit: impl FnMut(&str, &Value) -> Result<(), Failed>,
) -> Result<(), Failed> {
    let mut folders: Vec<PathBuf> = std::fs::read_dir(feeds.join("osv"))?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()?;
    folders.sort();
    for folder in folders {
        let feed = format!(
            "osv/{}",
            folder.file_name().unwrap_or_default().to_string_lossy()
        );
        let mut archive = zip::ZipArchive::new(File::open(folder.join("all.zip"))?)?;
        for index in 0..archive.len() {
            let mut text = Vec::new();
            archive.by_index(index)?.read_to_end(&mut text)?;
            visit(&feed, &serde_json::from_slice(&text)?)?;
        }
    }
    Ok(())
}

fn texts<'v>(value: &'v Value, key: &str) -> impl Iterator<Item = &'v str> + use<'v> {
    value[key]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
}

fn osv(feeds: &Path) -> Result<(), Failed> {
    let intel = intel(feeds);
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    osv_records(feeds, |feed, record| {
        let id = record["id"].as_str().ok_or("no id")?;
        *counts.entry(feed.to_owned()).or_default() += 1;
        let all = intel.lookup(id).ok_or_else(|| format!("{id} is missing"))?;
        let found = said_by(&all, feed, id)?;
        check(
            id,
            found.withdrawn.is_some(),
            record["withdrawn"].is_string(),
        )?;
        let day = |key: &str| {
            record[key]
                .as_str()
                .and_then(|date| date.get(..10))
                .map(str::to_owned)
        };
        check(
            id,
            found.published.map(|date| date.to_string()),
            day("published"),
        )?;
        check(
            id,
            found.modified.map(|date| date.to_string()),
            day("modified"),
        )?;
        // A record that names several CVEs is none of them.
        let cves: BTreeSet<&str> = texts(record, "aliases")
            .chain([id])
            .filter(|id| id.starts_with("CVE-"))
            .collect();
        if cves.len() > 1 {
            let covers: BTreeSet<&str> = found.covers.iter().map(|id| &**id).collect();
            check(id, covers, cves)?;
        } else if found.withdrawn.is_none() {
            for alias in texts(record, "aliases") {
                check(id, all.ids.iter().any(|known| **known == *alias), true)?;
            }
        }
        let packages = record["affected"].as_array().into_iter().flatten();
        let ratings = std::iter::once(record)
            .chain(packages)
            .flat_map(|part| part["severity"].as_array().into_iter().flatten());
        let mut vectors: BTreeSet<&str> = ratings
            .filter_map(|rating| rating["score"].as_str())
            .collect();
        vectors.retain(|vector| intel::cvss::base(vector).is_some());
        check(
            id,
            found.cvss.iter().map(|cvss| &*cvss.vector).collect(),
            vectors,
        )?;
        if let Some(summary) = record["summary"]
            .as_str()
            .filter(|summary| !summary.trim().is_empty())
        {
            let held = found
                .title
                .and_then(|title| intel.title(title))
                .unwrap_or_default();
            let words = summary
                .split(|c: char| c.is_whitespace() || c.is_control())
                .filter(|word| !word.is_empty())
                .collect::<Vec<_>>()
                .join(" ");
            check(
                id,
                words.starts_with(held.strip_suffix('…').unwrap_or(&held)),
                true,
            )?;
        }
        Ok(())
    })?;
    let told: BTreeMap<String, u64> = intel
        .info()
        .feeds
        .iter()
        .filter(|feed| feed.name.starts_with("osv/"))
        .map(|feed| (feed.name.to_string(), feed.records))
        .collect();
    check("records", told, counts)?;
    check("damage", intel.damage(), None)
}

/// Every member of a closure has that closure, and no other.
fn equivalence(feeds: &Path) -> Result<(), Failed> {
    let intel = intel(feeds);
    let mut largest = 0;
    let mut seen: HashMap<String, String> = HashMap::new();
    osv_records(feeds, |_, record| {
        let id = record["id"].as_str().ok_or("no id")?;
        let closure = intel.closure(id);
        largest = largest.max(closure.len());
        check(id, closure.iter().any(|member| **member == *id), true)?;
        for member in &closure {
            check(id, &intel.closure(member), &closure)?;
            if let Some(other) = seen.insert(member.to_string(), closure[0].to_string()) {
                check(id, other, closure[0].to_string())?;
            }
        }
        Ok(())
    })?;
    println!("largest closure: {largest} ids");
    Ok(())
}

fn kubernetes(feeds: &Path) -> Result<(), Failed> {
    let intel = intel(feeds);
    for (component, version, id, affected, fixed) in [
        (
            "kube-apiserver",
            "v1.10.10",
            "CVE-2018-1002105",
            true,
            Some("1.10.11"),
        ),
        (
            "kube-apiserver",
            "v1.10.11",
            "CVE-2018-1002105",
            false,
            None,
        ),
        ("kubelet", "v1.16.6", "CVE-2020-8551", true, Some("1.16.7")),
        ("kubelet", "v1.16.7", "CVE-2020-8551", false, None),
        (
            "kubelet",
            "v1.28.3-gke.1203001",
            "CVE-2023-5528",
            true,
            Some("1.28.4"),
        ),
        (
            "kube-apiserver",
            "v1.21.13",
            "CVE-2022-3172",
            true,
            Some("1.21.14"),
        ),
        (
            "github.com/kubernetes-csi/csi-proxy",
            "2.0.0-alpha.0",
            "CVE-2023-3893",
            true,
            Some("2.0.0-alpha.1"),
        ),
    ] {
        let all = intel.kubernetes(component, version).ok_or("unreadable")?;
        let found = all.iter().find(|cve| &*cve.id == id);
        check(id, found.is_some(), affected)?;
        check(id, found.and_then(|cve| cve.fixed.as_deref()), fixed)?;
    }
    Ok(())
}

fn size(feeds: &Path) -> Result<(), Failed> {
    let built = built(feeds);
    let again = build(feeds, &BuildOptions::default())
        .map_err(|error| error.to_string())?
        .0;
    check("the same bytes again", again == *built, true)?;
    check(
        "at most 8 MB of advisories",
        built.advisories.len() <= 8_000_000,
        true,
    )?;
    check(
        "at most 3 MB of scores",
        built.scores.len() <= 3_000_000,
        true,
    )?;

    let dir = tempfile::tempdir()?;
    std::fs::write(dir.path().join(intel::ADVISORIES_FILE), &built.advisories)?;
    std::fs::write(dir.path().join(intel::SCORES_FILE), &built.scores)?;
    let start = Instant::now();
    let intel = Intelligence::open(dir.path()).map_err(|error| error.to_string())?;
    let opened = start.elapsed();
    let start = Instant::now();
    let first = intel.lookup("CVE-2024-21626").is_some();
    let cold = start.elapsed();
    let mut ids: Vec<String> = Vec::new();
    osv_records(feeds, |_, record| {
        ids.extend(record["id"].as_str().map(str::to_owned));
        Ok(())
    })?;
    let start = Instant::now();
    let found = ids.iter().filter(|id| intel.lookup(id).is_some()).count();
    let each = start.elapsed() / u32::try_from(ids.len())?;
    let start = Instant::now();
    intel.verify()?;
    println!(
        "opened in {opened:?}, first look-up {cold:?}, a look-up {each:?} ({found} ids), verified in {:?}",
        start.elapsed()
    );
    check("found", (first, found), (true, ids.len()))
}
