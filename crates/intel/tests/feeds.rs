//! The real feeds: the database holds what an independent reading of the same files says, record by record.
//! One trial a feed; without the shared data they are reported as ignored.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::needless_pass_by_value,
    reason = "a test may fail, and tells what it measured"
)]

use intel::build::{BuildOptions, Built, build};
use intel::purl::Purl;
use intel::{Intelligence, Record, Statement};
use libtest_mimic::{Arguments, Failed, Trial};
use model::image::ImageIdentity;
use model::inventory::{Component, Inventory};
use model::matches::{Artifact, ArtifactKind};
use model::vulnerability::Exploitation;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

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
    add("OSV ranges", ranges);
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
            let tags = record["containers"]["cna"]["tags"].as_array();
            let tagged = tags.is_some_and(|tags| tags.iter().any(|tag| tag == "disputed"));
            let plain = title.trim_start_matches("** DISPUTED **").trim_start();
            let disputed = tagged || plain.len() < title.len();
            check(id, held.starts_with("disputed: "), disputed)?;
            let held = held.strip_prefix("disputed: ").unwrap_or(held);
            check(
                id,
                plain.starts_with(held) && !held.is_empty(),
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

/// What records say against themselves: a bound of Go that Bitnami's order takes for a revision, a version without order,
/// a fix that a second range or the list of versions takes back.
const CONTRADICTIONS: [(&str, &str); 10] = [
    ("BIT-golang-2024-45336", "1.24.0-0"),
    ("BIT-golang-2024-45341", "1.24.0-0"),
    ("BIT-golang-2025-22866", "1.24.0-0"),
    ("BIT-golang-2026-39822", "1.27.0-0"),
    ("BIT-golang-2026-42505", "1.27.0-0"),
    ("BIT-mastodon-2026-47777", "nightly.2026-03-10.0"),
    ("BIT-powershell-2020-0951", "7.0.8"),
    ("BIT-solr-2026-44825", "10.0.0"),
    ("PYSEC-2021-114", "2.11.6"),
    ("PYSEC-2023-177", "23.9.0"),
];

/// Whatever version an event names: the record is reported where it introduces, and not where it fixes.
fn ranges(feeds: &Path) -> Result<(), Failed> {
    let intel = intel(feeds);
    let mut asked: BTreeMap<(&str, Option<String>), Vec<Ask>> = BTreeMap::new();
    let mut rows = 0;
    osv_records(feeds, |feed, record| {
        let id = record["id"].as_str().ok_or("no id")?;
        let update = id.starts_with("ALBA") || id.starts_with("ALEA");
        if record["withdrawn"].is_string() || (update && record["related"] == serde_json::json!([]))
        {
            return Ok(());
        }
        let parts = || record["affected"].as_array().into_iter().flatten();
        for affected in parts() {
            let ecosystem = affected["package"]["ecosystem"].as_str().unwrap_or("");
            let Some((kind, release)) = kind(ecosystem) else {
                continue;
            };
            // A sample: they repeat each fix for every package of a source, each bound for every record of a package.
            rows += 1;
            let every = match kind {
                "deb" => 1,
                "rpm" | "bitnami" => 16,
                _ => 4,
            };
            if rows % every != 0 {
                continue;
            }
            let name = affected["package"]["name"].as_str().ok_or("no name")?;
            // Another range of the same record may hold the version.
            let several = parts()
                .filter(|other| other["package"]["name"] == *name)
                .count()
                > 1;
            let ranges = affected["ranges"].as_array().into_iter().flatten();
            for (event, version, expected) in ranges.flat_map(expectations) {
                if (several && !expected) || CONTRADICTIONS.contains(&(id, version)) {
                    continue;
                }
                asked.entry((kind, release.clone())).or_default().push(Ask {
                    id: id.to_owned(),
                    package: one_package(kind, name, version),
                    expected,
                    said: format!("{feed} {id} {name} {version} ({event}): expected {expected}"),
                });
            }
        }
        Ok(())
    })?;
    let (mut count, mut time) = (0, Duration::ZERO);
    let mut wrong: Vec<&str> = Vec::new();
    for ((_, release), asks) in &asked {
        for some in asks.chunks(64) {
            let inventory = inventory(release.as_deref(), some);
            let start = Instant::now();
            let set = intel::matching::matches(&inventory, intel, None);
            time += start.elapsed();
            count += some.len();
            let mut said: HashMap<&str, BTreeSet<&str>> = HashMap::new();
            for one in &set.matches {
                let package = &set.packages[one.package.ok_or("no package")? as usize];
                let basis = &set.bases[one.basis.ok_or("no basis")? as usize];
                let ids = said
                    .entry(package.purl.as_deref().ok_or("no number")?)
                    .or_default();
                ids.insert(&basis.advisory);
                ids.extend(basis.also.iter().map(|id| &**id));
            }
            for (n, ask) in some.iter().enumerate() {
                let reported = said
                    .get(n.to_string().as_str())
                    .is_some_and(|ids| ids.contains(ask.id.as_str()));
                if reported != ask.expected {
                    wrong.push(&ask.said);
                }
            }
        }
    }
    println!(
        "{count} packages asked, {:?} each",
        time / u32::try_from(count)?
    );
    if wrong.is_empty() {
        Ok(())
    } else {
        Err(format!(
            "{} wrong, first: {}",
            wrong.len(),
            wrong[..wrong.len().min(20)].join("\n")
        )
        .into())
    }
}

/// A package at a version, and whether a record must speak of it.
struct Ask {
    id: String,
    package: Component,
    expected: bool,
    said: String,
}

/// Events whose own version decides: (event, version, affected). Of several events of one version none does.
fn expectations(range: &Value) -> Vec<(&str, &str, bool)> {
    let events: Vec<(&str, &str)> = range["events"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_object)
        .flat_map(|event| {
            event
                .iter()
                .filter_map(|(kind, version)| Some((kind.as_str(), version.as_str()?)))
        })
        .collect();
    let git = range["type"] == "GIT";
    events
        .iter()
        .filter(|(_, version)| {
            !git && *version != "0"
                && events.iter().filter(|(_, other)| other == version).count() == 1
        })
        .filter_map(|(event, version)| match *event {
            "introduced" | "last_affected" => Some((*event, *version, true)),
            "fixed" => Some((*event, *version, false)),
            _ => None,
        })
        .collect()
}

/// purl type and release of an ecosystem.
fn kind(ecosystem: &str) -> Option<(&'static str, Option<String>)> {
    let (name, release) = ecosystem.split_once(':').unwrap_or((ecosystem, ""));
    Some(match name {
        "AlmaLinux" => ("rpm", Some(format!("almalinux:{release}"))),
        "Debian" => ("deb", Some(format!("debian:{release}"))),
        "Bitnami" => ("bitnami", None),
        "Go" => ("golang", None),
        "Maven" => ("maven", None),
        "Packagist" => ("composer", None),
        "PyPI" => ("pypi", None),
        "RubyGems" => ("gem", None),
        "crates.io" => ("cargo", None),
        "npm" => ("npm", None),
        _ => return None,
    })
}

fn one_package(kind: &str, name: &str, version: &str) -> Component {
    let (namespace, name) = match kind {
        "maven" => name.split_once(':').unwrap_or(("", name)),
        _ => ("", name),
    };
    let mut component = Purl::default().component("");
    component.kind = kind.into();
    component.namespace = Some(namespace.into()).filter(|_| !namespace.is_empty());
    component.name = name.into();
    component.version = version.into();
    component
}

/// The packages, each with its number as purl.
fn inventory(release: Option<&str>, asks: &[Ask]) -> Inventory {
    let numbered = asks.iter().enumerate().map(|(n, ask)| Component {
        purl: n.to_string().into(),
        ..ask.package.clone()
    });
    Inventory {
        artifact: Artifact {
            kind: ArtifactKind::Unknown,
            name: "packages".into(),
            identity: ImageIdentity::default(),
            os: None,
            object: None,
            container: None,
        },
        release: release.map(intel::purl::release),
        layers: Vec::new(),
        components: numbered.collect(),
        linked: Vec::new(),
        config: None,
        remarks: Vec::new(),
        gaps: Vec::new(),
    }
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
