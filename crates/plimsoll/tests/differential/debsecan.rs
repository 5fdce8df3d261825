//! Debian's own `debsecan` on the same packages with the same data: which vulnerability is in which package. Comes in:
//! the Debian feed and a tracker document. Goes out: trials; every difference has its reason here.

use crate::runner::Home;
use crate::trial;
use flate2::Compression;
use flate2::write::ZlibEncoder;
use libtest_mimic::Trial;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

/// What one says of the other's packages: vulnerability and binary package.
type Said = BTreeSet<(String, String)>;

/// Package and vulnerability, with the versions that repaired it; `""`: none did.
type Issues = BTreeMap<(String, String), BTreeSet<String>>;

/// Releases of which the feed says something, with their codenames.
const RELEASES: [(&str, &str); 5] = [
    ("12", "bookworm"),
    ("11", "bullseye"),
    ("10", "buster"),
    ("9", "stretch"),
    ("8", "jessie"),
];

/// Fixes of one source that packages are made around.
const FIXES: usize = 5;

pub(crate) fn trials() -> Vec<Trial> {
    let program = ("debsecan", program().is_some());
    let feed = feed();
    let shared = ("shared", feed.is_some());
    let mut trials: Vec<Trial> = RELEASES
        .iter()
        .map(|(number, codename)| {
            trial(
                format!("debsecan: {codename}, packages around every fix"),
                &[program, shared],
                move || around_every_fix(number, codename),
            )
        })
        .collect();
    trials.push(trial(
        "debsecan: bookworm, packages of a real root",
        &[program, shared, crate::root::is_there()],
        a_real_root,
    ));
    trials.push(trial(
        "debsecan: states of the tracker",
        &[program],
        states_of_the_tracker,
    ));
    trials
}

/// The answers are equal, and there are some.
fn around_every_fix(number: &str, codename: &str) {
    let issues = &ISSUES[number];
    let home = root(number, codename, &packages(issues));
    let (ours, theirs) = (ours(&home, &DATABASE), theirs(&home, codename, issues));
    same(&ours, &theirs, &[]);
    assert!(theirs.len() > 400, "only {} to compare", theirs.len());
}

/// The packages of a real root with the versions that the release began with.
fn a_real_root() {
    let issues = &ISSUES["12"];
    let status = crate::root::LAYERS.full.join("var/lib/dpkg/status");
    let status = fs::read_to_string(status).unwrap();
    let first: Vec<String> = status.lines().map(of_first_day).collect();
    let home = root("12", "bookworm", &first.join("\n"));
    let (ours, theirs) = (ours(&home, &DATABASE), theirs(&home, "bookworm", issues));
    // debsecan asks for the word `installed`: what was unpacked and never configured has its files there all the same.
    let unpacked = unpacked(&status);
    let more = ours
        .iter()
        .filter(|(_, name)| unpacked.contains(name.as_str()));
    let more: Vec<(String, String)> = more.cloned().collect();
    same(&ours, &theirs, &more);
    assert!(theirs.len() > 30, "only {} to compare", theirs.len());
}

/// Packages that dpkg did not finish.
fn unpacked(status: &str) -> BTreeSet<&str> {
    let entries = status.split("\n\n").filter_map(|entry| {
        let field = |key: &str| entry.lines().find_map(|line| line.strip_prefix(key));
        let state = field("Status: ")?.rsplit(' ').next()?;
        matches!(
            state,
            "unpacked" | "half-configured" | "triggers-awaited" | "triggers-pending"
        )
        .then(|| field("Package: "))?
    });
    entries.collect()
}

/// `Version: 2.36-9` of `Version: 2.36-9+deb12u14`.
fn of_first_day(line: &str) -> String {
    let versions = line.starts_with("Version: ") || line.starts_with("Source: ");
    match line.split_once("+deb12u").filter(|_| versions) {
        Some((first, rest)) => {
            format!(
                "{first}{}",
                rest.trim_start_matches(|c: char| c.is_ascii_digit())
            )
        }
        None => line.to_owned(),
    }
}

/// Every state that Debian's security tracker knows. Its export for debsecan leaves out what Debian calls unimportant and
/// what it has not looked at (security-tracker, lib/python/security_db.py, `calculateVulnerabilities`); these are the
/// only differences.
fn states_of_the_tracker() {
    const STATES: [(&str, &str, bool); 10] = [
        (
            "fixed-later",
            r#""status":"resolved","fixed_version":"2.0-1""#,
            true,
        ),
        (
            "fixed-before",
            r#""status":"resolved","fixed_version":"1.0-1""#,
            true,
        ),
        (
            "fixed-in-an-epoch",
            r#""status":"resolved","fixed_version":"1:0.1-1""#,
            true,
        ),
        (
            "never-there",
            r#""status":"resolved","fixed_version":"0""#,
            false,
        ),
        ("open", r#""status":"open","urgency":"high""#, true),
        (
            "postponed",
            r#""status":"open","nodsa":"minor","nodsa_reason":"postponed""#,
            true,
        ),
        (
            "ignored",
            r#""status":"open","nodsa":"minor","nodsa_reason":"ignored""#,
            true,
        ),
        ("ended", r#""status":"open","urgency":"end-of-life""#, true),
        (
            "unimportant",
            r#""status":"open","urgency":"unimportant""#,
            false,
        ),
        ("undetermined", r#""status":"undetermined""#, false),
    ];
    const OURS: [(&str, &str); 2] = [
        ("unimportant", "found, and told as negligible"),
        (
            "undetermined",
            "nobody looked at it: told as under investigation",
        ),
    ];
    let id = |n: usize| format!("CVE-2026-{n:04}");
    let mut document = json!({});
    let mut issues = Issues::new();
    let mut expected = Vec::new();
    for (n, (package, status, exported)) in STATES.iter().enumerate() {
        let status: Value = serde_json::from_str(&format!("{{{status}}}")).unwrap();
        if *exported {
            let fixed = status["fixed_version"].as_str().unwrap_or("").to_owned();
            let key = ((*package).to_owned(), id(n));
            issues.entry(key).or_default().insert(fixed);
        }
        if OURS.iter().any(|(known, _)| known == package) {
            expected.push((id(n), (*package).to_owned()));
        }
        document[package] = json!({ id(n): {"releases": {"bookworm": status}} });
    }
    let database = Home::new();
    database.write("feeds/debian-tracker/json", document.to_string());
    build(&database);
    let mut status = String::new();
    for (package, ..) in STATES {
        installed(&mut status, package, "1.5-1", None);
    }
    let home = root("12", "bookworm", &status);
    let (ours, theirs) = (ours(&home, &database), theirs(&home, "bookworm", &issues));
    same(&ours, &theirs, &expected);
    assert_eq!(theirs.len(), 6, "{theirs:?}");
}

/// `expected`: what only we say.
#[track_caller]
fn same(ours: &Said, theirs: &Said, expected: &[(String, String)]) {
    let only = |a: &Said, b: &Said| a.difference(b).cloned().collect::<Vec<_>>();
    let (more, less) = (only(ours, theirs), only(theirs, ours));
    let head = |all: &[(String, String)]| {
        format!(
            "{} ({:?})",
            all.len(),
            all.iter().take(9).collect::<Vec<_>>()
        )
    };
    assert!(
        more == expected && less.is_empty(),
        "only we: {}\nonly debsecan: {}",
        head(&more),
        head(&less)
    );
}

fn program() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let found = std::env::split_paths(&path).map(|folder| folder.join("debsecan"));
    found.into_iter().find(|file| file.is_file())
}

fn feed() -> Option<PathBuf> {
    testkit::shared("feeds/osv/Debian/all.zip")
}

/// The feed of Debian alone.
static DATABASE: LazyLock<Home> = LazyLock::new(|| {
    let home = Home::new();
    home.write(
        "feeds/osv/Debian/all.zip",
        fs::read(feed().unwrap()).unwrap(),
    );
    build(&home);
    home
});

fn build(home: &Home) {
    home.run(&["db", "build", "--from", "feeds", "--output", "db"])
        .done();
}

/// The feed by an own reading, by release: a notice stands for each CVE that it names, else for itself.
static ISSUES: LazyLock<BTreeMap<&'static str, Issues>> = LazyLock::new(|| {
    let mut all: BTreeMap<&'static str, Issues> = BTreeMap::new();
    let mut archive = zip::ZipArchive::new(File::open(feed().unwrap()).unwrap()).unwrap();
    for index in 0..archive.len() {
        let mut text = Vec::new();
        archive
            .by_index(index)
            .unwrap()
            .read_to_end(&mut text)
            .unwrap();
        let record: Value = serde_json::from_slice(&text).unwrap();
        if record["withdrawn"].is_string() {
            continue;
        }
        let texts = |key: &str| -> Vec<String> {
            let list = record[key].as_array().cloned().unwrap_or_default();
            let texts = list.iter().filter_map(Value::as_str).map(str::to_owned);
            texts.filter(|id| id.starts_with("CVE-")).collect()
        };
        let mut ids = [texts("aliases"), texts("upstream")].concat();
        if ids.is_empty() {
            ids.push(record["id"].as_str().unwrap().to_owned());
        }
        for affected in record["affected"].as_array().unwrap() {
            let ecosystem = affected["package"]["ecosystem"].as_str().unwrap();
            let release = RELEASES
                .iter()
                .find(|(number, _)| ecosystem.strip_prefix("Debian:") == Some(*number));
            let Some((release, _)) = release else {
                continue;
            };
            let name = affected["package"]["name"].as_str().unwrap();
            let events = affected["ranges"][0]["events"].as_array().unwrap();
            let fixed = events.iter().find_map(|event| event["fixed"].as_str());
            for id in &ids {
                let key = (name.to_owned(), id.clone());
                let issues = all.entry(*release).or_default();
                issues
                    .entry(key)
                    .or_default()
                    .insert(fixed.unwrap_or("").to_owned());
            }
        }
    }
    all
});

/// Installed packages whose versions lie just below, on and above fixes: of the source's name, of another one, rebuilt
/// without a new source, and removed.
fn packages(issues: &Issues) -> String {
    let mut fixes: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for ((source, _), versions) in issues {
        let versions = versions.iter().filter(|version| !version.is_empty());
        fixes
            .entry(source)
            .or_default()
            .extend(versions.map(String::as_str));
    }
    let mut status = String::new();
    for (source, versions) in fixes {
        let step = versions.len().div_ceil(FIXES).max(1);
        let some: Vec<&str> = versions.into_iter().step_by(step).collect();
        for (n, fixed) in some.iter().enumerate() {
            let source_is = |version: &str| Some(format!("{source} ({version})"));
            let below = format!("{fixed}~");
            let name = |what: &str| format!("lib{source}-{what}{n}");
            installed(&mut status, &name("below"), &below, Some(source.to_owned()));
            installed(&mut status, &name("on"), fixed, Some(source.to_owned()));
            installed(
                &mut status,
                &name("above"),
                &format!("{fixed}+b1"),
                Some(source.to_owned()),
            );
            // A binary may be numbered apart from its source.
            installed(
                &mut status,
                &name("rebuilt"),
                &format!("99:{fixed}").replace("99:1:", "99:"),
                source_is(&below),
            );
            installed(&mut status, &name("own"), "0~", source_is(fixed));
        }
        if let Some(first) = some.first() {
            installed(&mut status, source, &format!("{first}~"), None);
            let entry = format!("lib{source}-removed");
            let _ = write!(
                status,
                "Package: {entry}\nStatus: deinstall ok config-files\nArchitecture: amd64\nSource: {source}\nVersion: {first}~\n\n"
            );
        }
    }
    status
}

fn installed(status: &mut String, name: &str, version: &str, source: Option<String>) {
    let source = source.map_or_else(String::new, |source| format!("Source: {source}\n"));
    let _ = write!(
        status,
        "Package: {name}\nStatus: install ok installed\nArchitecture: amd64\n{source}Version: {version}\nDescription: x\n\n"
    );
}

/// A root file system of that release with these packages.
fn root(number: &str, codename: &str, status: &str) -> Home {
    let home = Home::new();
    let release = format!(
        "ID=debian\nVERSION_ID=\"{number}\"\nVERSION_CODENAME={codename}\nPRETTY_NAME=\"Debian {number}\"\n"
    );
    home.write("root/etc/os-release", release);
    home.write("root/var/lib/dpkg/status", status);
    home
}

fn ours(home: &Home, database: &Home) -> Said {
    let database = database.path("db");
    let scan = ["scan", "rootfs", "root", "--format", "json", "--db"];
    let ran = home
        .run(&[&scan[..], &[database.to_str().unwrap()]].concat())
        .done();
    let report: Value = serde_json::from_slice(&ran.stdout).unwrap();
    let lists = ["findings", "suppressed", "unjoined"];
    let findings = lists
        .iter()
        .flat_map(|list| report[list].as_array().into_iter().flatten());
    findings
        .filter(|finding| finding["category"] == "vulnerability")
        .map(|finding| {
            let name = finding["package"]["name"].as_str().unwrap();
            (finding["id"].as_str().unwrap().to_owned(), name.to_owned())
        })
        .collect()
}

fn theirs(home: &Home, codename: &str, issues: &Issues) -> Said {
    home.write(&format!("source/{codename}"), exported(issues));
    home.write("config", "");
    home.write("whitelist", "VERSION 0\n");
    let file = |name: &str| home.path(name).into_os_string();
    let output = Command::new(program().unwrap())
        .args(["--suite", codename, "--format", "simple", "--source"])
        .arg(format!("file://{}/", home.path("source").display()))
        .args([
            Path::new("--status"),
            &home.path("root/var/lib/dpkg/status"),
        ])
        .arg("--config")
        .arg(file("config"))
        .arg("--whitelist")
        .arg(file("whitelist"))
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && errors.is_empty(), "{errors}");
    let text = String::from_utf8(output.stdout).unwrap();
    let pairs = text.lines().filter_map(|line| line.split_once(' '));
    pairs
        .map(|(id, name)| (id.to_owned(), name.to_owned()))
        .collect()
}

/// The file that the tracker serves for a release: names, then `package,number,flags,fix,`, then sources; each part ends
/// with an empty line (`debsecan`, `fetch_data`).
fn exported(issues: &Issues) -> Vec<u8> {
    let ids: BTreeSet<&str> = issues.keys().map(|(_, id)| id.as_str()).collect();
    let numbers: BTreeMap<&str, usize> = ids.iter().copied().zip(0..).collect();
    let mut text = "VERSION 1\n".to_owned();
    for id in &ids {
        let _ = writeln!(text, "{id},,a description");
    }
    text.push('\n');
    for ((source, id), fixes) in issues {
        for fixed in fixes {
            let flag = if fixed.is_empty() { ' ' } else { 'F' };
            let _ = writeln!(text, "{source},{},S ?{flag},{fixed},", numbers[id.as_str()]);
        }
    }
    text.push_str("\n\n");
    let mut packed = ZlibEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(text.as_bytes()).unwrap();
    packed.finish().unwrap()
}
