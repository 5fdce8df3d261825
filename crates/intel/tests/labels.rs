//! Labelled matches (`conformance/match-labels.tar.zst`): people said of a package, a version and a vulnerability
//! whether a match is right. Covered is what a feed of that release or ecosystem holds. One trial an image, and one for
//! the floors, which are only ever raised.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test may fail, and tells what it measured"
)]

use intel::Intelligence;
use intel::build::{BuildOptions, build};
use intel::matching::matches;
use intel::purl::release;
use libtest_mimic::{Arguments, Failed, Trial};
use model::image::ImageIdentity;
use model::inventory::{Component, FoundAs, Inventory, SourcePackage};
use model::matches::{Artifact, ArtifactKind, MatchSet};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::process::ExitCode;
use std::sync::{Arc, OnceLock};

/// Covered labels, and how many of them hold. Raise them with the matcher, never lower them.
const COVERED: usize = 328;
const RIGHT: usize = 300;

/// What an image is, by the start of its name: read from the versions of its labels (`deb11u3`, `.el8`, `-r4`).
struct Image {
    start: &'static str,
    release: Option<&'static str>,
    languages: &'static [&'static str],
}

const IMAGES: &[Image] = &[
    image("cgr.dev/chainguard/wolfi-base@", Some("wolfi"), &[]),
    // curl 7.66.0-r4, busybox 1.31.1: 3.11.
    image(
        "docker.io/anchore/test_images@sha256:01c7",
        Some("alpine:3.11.12"),
        &[],
    ),
    image(
        "docker.io/anchore/test_images@sha256:2d76",
        Some("azurelinux:3.0"),
        &[],
    ),
    // busybox 1.33.1: 3.14.
    image(
        "docker.io/anchore/test_images@sha256:5763",
        Some("alpine:3.14.2"),
        &["gem", "pypi"],
    ),
    image(
        "docker.io/anchore/test_images@sha256:7536",
        None,
        &["golang"],
    ),
    image("docker.io/anchore/test_images@sha256:b2b5", None, &["pypi"]),
    // Its labels name ELSA: Oracle Linux.
    image(
        "docker.io/anchore/test_images@sha256:c8d6",
        Some("ol:8.6"),
        &["maven"],
    ),
    image("docker.io/anchore/test_images@sha256:f561", None, &["npm"]),
    image(
        "docker.io/bitnami/spark@",
        Some("debian:11"),
        &["maven", "pypi", "bitnami"],
    ),
    image(
        "docker.io/cloudbees/cloudbees-core-oc@",
        Some("debian:10"),
        &["maven", "golang"],
    ),
    image("docker.io/ghost@", Some("debian:11"), &["npm"]),
    image("docker.io/jenkins/jenkins@", Some("debian:11"), &["maven"]),
    // Its node is built by nobody's package manager.
    image("docker.io/node@", Some("debian:9"), &["npm", "generic"]),
    // busybox 1.32.1: 3.13.
    image("docker.io/postgres@", Some("alpine:3.13.5"), &[]),
    image("docker.io/ubuntu@sha256:002f", Some("ubuntu:12.10"), &[]),
    image("docker.io/ubuntu@sha256:213e", Some("ubuntu:17.04"), &[]),
    image("docker.io/ubuntu@sha256:6341", Some("ubuntu:14.10"), &[]),
    image("docker.io/ubuntu@sha256:881a", Some("ubuntu:14.04"), &[]),
    image("docker.io/ubuntu@sha256:9d42", Some("ubuntu:20.04"), &[]),
    image("docker.io/ubuntu@sha256:cb92", Some("ubuntu:21.10"), &[]),
    image(
        "mcr.microsoft.com/cbl-mariner/base/core@",
        Some("mariner:2.0"),
        &[],
    ),
    image("registry.suse.com/suse/sles12sp4@", Some("sles:12.4"), &[]),
];

const fn image(
    start: &'static str,
    release: Option<&'static str>,
    languages: &'static [&'static str],
) -> Image {
    Image {
        start,
        release,
        languages,
    }
}

/// Source packages of Debian's and Alpine's binary packages, as `dpkg -s` and the APKINDEX have them; a name that is
/// not here is its own source.
const SOURCES: &[(&str, &[&str])] = &[
    (
        "apt",
        &["apt-transport-https", "libapt-pkg5.0", "libapt-pkg6.0"],
    ),
    ("busybox", &["ssl_client"]),
    ("curl", &["libcurl3-gnutls", "libcurl4", "libcurl"]),
    (
        "e2fsprogs",
        &[
            "e2fslibs",
            "libcomerr2",
            "libcom-err2",
            "libss2",
            "libext2fs2",
        ],
    ),
    ("expat", &["libexpat1"]),
    ("freetype", &["libfreetype6"]),
    ("git", &["git-man"]),
    ("glibc", &["libc-bin", "libc6", "multiarch-support"]),
    ("gnutls28", &["libgnutls30"]),
    (
        "krb5",
        &[
            "libgssapi-krb5-2",
            "libk5crypto3",
            "libkrb5-3",
            "libkrb5support0",
            "krb5-locales",
        ],
    ),
    ("libidn2", &["libidn2-0"]),
    ("libtirpc", &["libtirpc-common", "libtirpc3"]),
    ("libzstd", &["libzstd1"]),
    ("lz4", &["liblz4-1"]),
    (
        "nettle",
        &["libhogweed4", "libnettle6", "libhogweed6", "libnettle8"],
    ),
    ("nghttp2", &["libnghttp2-14", "nghttp2-libs"]),
    ("openldap", &["libldap-2.4-2", "libldap-common"]),
    ("openssl", &["libssl1.1", "libcrypto1.1"]),
    ("p11-kit", &["libp11-kit0", "p11-kit-modules"]),
    ("pcre2", &["libpcre2-8-0"]),
    (
        "python2.7",
        &[
            "libpython2.7-minimal",
            "libpython2.7-stdlib",
            "python2.7-minimal",
        ],
    ),
    ("shadow", &["login", "passwd"]),
    ("sqlite3", &["libsqlite3-0"]),
    ("subversion", &["libsvn1"]),
    ("systemd", &["libsystemd0", "libudev1"]),
    ("xz-utils", &["liblzma5"]),
    ("zlib", &["zlib1g"]),
];

/// Packages that Debian wrote itself.
const NATIVE: &[&str] = &[
    "apt",
    "apt-transport-https",
    "dpkg",
    "libapt-pkg5.0",
    "libapt-pkg6.0",
];

/// Labels that the feeds cannot bear out, with the proof: package, ids, reason. Nothing else is set aside.
const ASIDE: &[(&str, &[&str], &[&str], &str)] = &[
    (
        "node",
        &["14.1.0"],
        &["CVE-2020-1971"],
        "the feed's range begins at 14.15.0 (Node.js names 14.0.0 in its own notice)",
    ),
    (
        "node",
        &["14.1.0"],
        &["CVE-2021-22921"],
        "it is in the range; the label's reason (Windows only) is in no feed, and CVE-2022-32223, Windows only too, is labelled right",
    ),
    (
        "rexml",
        &["3.2.3.1"],
        &["CVE-2021-28965"],
        "wrong label: 3.2.3.1 is the fix for Ruby 2.7.3 (rubysec: patched ~> 3.2.3.1)",
    ),
    (
        "lodash",
        &["2.4.2", "3.10.1"],
        &["CVE-2019-1010266", "CVE-2020-28500"],
        "the feed's ranges begin at 4.7.0 and 4.0.0: versions below are in none",
    ),
    (
        "lodash",
        &["2.4.2"],
        &["CVE-2020-8203"],
        "the feed's range begins at 3.7.0",
    ),
    (
        "jackson-databind",
        &["2.4.0", "2.6.7.3"],
        &["CVE-2017-17485", "CVE-2018-5968", "CVE-2018-7489"],
        "the feed's ranges begin at 2.8",
    ),
    (
        "github.com/opencontainers/runc",
        &["v0.1.1"],
        &["CVE-2021-43784"],
        "the feed's range begins at 1.0.1-0.20211012131345",
    ),
];

#[derive(Clone, Debug)]
struct Label {
    image: String,
    right: bool,
    package: String,
    version: String,
    ids: BTreeSet<String>,
}

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let shared = testkit::shared("conformance/match-labels.tar.zst").zip(testkit::shared("feeds"));
    let mut trials = Vec::new();
    let labels = Arc::new(
        shared
            .as_ref()
            .map_or_else(Vec::new, |(labels, _)| read(labels)),
    );
    for image in IMAGES {
        let (labels, shared) = (Arc::clone(&labels), shared.clone());
        let ignored = shared.is_none();
        let trial = Trial::test(image.start.to_owned(), move || {
            let Some((_, feeds)) = &shared else {
                return Ok(());
            };
            let judged = judge(image, &labels, feeds);
            println!("{}: {}", image.start, judged.said());
            if judged.wrong.is_empty() {
                Ok(())
            } else {
                Err(judged.wrong.join("\n").into())
            }
        });
        trials.push(trial.with_ignored_flag(ignored));
    }
    let ignored = shared.is_none();
    trials.push(
        Trial::test("floors", move || {
            floors(&labels, shared.as_ref().map(|(_, feeds)| &**feeds))
        })
        .with_ignored_flag(ignored),
    );
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn floors(labels: &[Label], feeds: Option<&Path>) -> Result<(), Failed> {
    let Some(feeds) = feeds else { return Ok(()) };
    let mut all = Judged::default();
    for image in IMAGES {
        all.add(judge(image, labels, feeds));
    }
    println!("all: {}", all.said());
    let known: usize = IMAGES
        .iter()
        .map(|image| {
            labels
                .iter()
                .filter(|label| label.image.starts_with(image.start))
                .count()
        })
        .sum();
    if known != labels.len() {
        return Err(format!(
            "{} labels are of images that the test does not know",
            labels.len() - known
        )
        .into());
    }
    let right = all.found + all.silent;
    if all.covered < COVERED || right < RIGHT {
        return Err(format!(
            "covered {} of at least {COVERED}, right {right} of at least {RIGHT}",
            all.covered
        )
        .into());
    }
    Ok(())
}

fn read(path: &Path) -> Vec<Label> {
    let mut archive = tar::Archive::new(zstd::Decoder::new(File::open(path).unwrap()).unwrap());
    let mut labels = Vec::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let mut text = String::new();
        if !entry.header().entry_type().is_file() || entry.read_to_string(&mut text).is_err() {
            continue;
        }
        let label: Value = serde_json::from_str(&text).unwrap();
        let word = |value: &Value| value.as_str().unwrap_or("").to_owned();
        let right = match label["label"].as_str() {
            Some("TP") => true,
            Some("FP") => false,
            _ => continue,
        };
        let ids = [&label["vulnerability_id"], &label["effective_cve"]].map(word);
        labels.push(Label {
            image: word(&label["image"]["exact"]),
            right,
            package: word(&label["package"]["name"]),
            version: word(&label["package"]["version"]),
            ids: ids.into_iter().filter(|id| !id.is_empty()).collect(),
        });
    }
    labels.sort_by(|a, b| {
        (&a.image, &a.package, &a.version, &a.ids).cmp(&(&b.image, &b.package, &b.version, &b.ids))
    });
    labels
}

#[derive(Debug, Default)]
struct Judged {
    total: usize,
    covered: usize,
    aside: usize,
    /// True positives found, and false positives not reported.
    found: usize,
    silent: usize,
    missed: usize,
    reported: usize,
    wrong: Vec<String>,
}

impl Judged {
    fn add(&mut self, other: Judged) {
        self.total += other.total;
        self.covered += other.covered;
        self.aside += other.aside;
        self.found += other.found;
        self.silent += other.silent;
        self.missed += other.missed;
        self.reported += other.reported;
        self.wrong.extend(other.wrong);
    }

    fn said(&self) -> String {
        let ratio = |part: usize, rest: usize| match part + rest {
            0 => "none".to_owned(),
            all => format!("{:.3} ({part}/{all})", part as f64 / all as f64),
        };
        format!(
            "covered {} / {} ({} set aside), recall {}, precision {}, false positives kept silent {}",
            self.covered,
            self.total,
            self.aside,
            ratio(self.found, self.missed),
            ratio(self.found, self.reported),
            self.silent
        )
    }
}

fn judge(image: &Image, labels: &[Label], feeds: &Path) -> Judged {
    let held = held(feeds);
    let mut judged = Judged::default();
    let mut reports: HashMap<(String, String, String), HashSet<String>> = HashMap::new();
    for label in labels
        .iter()
        .filter(|label| label.image.starts_with(image.start))
    {
        judged.total += 1;
        let aside = ASIDE.iter().any(|(package, versions, ids, _)| {
            *package == label.package
                && versions.contains(&label.version.as_str())
                && ids.iter().any(|id| label.ids.contains(*id))
        });
        for candidate in candidates(image, label, held) {
            let ids = held.ids.get(&candidate.key);
            if !ids.is_some_and(|ids| label.ids.iter().any(|id| ids.contains(id))) {
                continue;
            }
            judged.covered += 1;
            if aside {
                judged.aside += 1;
                break;
            }
            let place = (
                candidate.kind.to_owned(),
                candidate.name.clone(),
                label.version.clone(),
            );
            let report = reports.entry(place).or_insert_with(|| {
                reported(&matches(
                    &inventory(image, label, &candidate),
                    intel(feeds),
                    None,
                ))
            });
            let reports = label.ids.iter().any(|id| report.contains(id));
            match (label.right, reports) {
                (true, true) => judged.found += 1,
                (false, false) => judged.silent += 1,
                (true, false) => judged.missed += 1,
                (false, true) => judged.reported += 1,
            }
            if label.right != reports {
                let word = if label.right { "missed" } else { "reported" };
                judged.wrong.push(format!(
                    "{word}: {} {} {:?} as {candidate:?}",
                    label.package, label.version, label.ids
                ));
            }
            break;
        }
    }
    judged
}

#[derive(Debug)]
struct Candidate {
    kind: &'static str,
    /// Ecosystem and name as the feed has them.
    key: (String, String),
    namespace: Option<String>,
    name: String,
    source: Option<String>,
}

/// What the label's package may be: the labels name neither kind nor source nor group.
fn candidates(image: &Image, label: &Label, held: &Held) -> Vec<Candidate> {
    let mut all = Vec::new();
    let name = &label.package;
    let (distribution, version) = image
        .release
        .and_then(|release| release.split_once(':'))
        .unwrap_or(("", ""));
    let system = match distribution {
        // Versions of Debian have a revision; what npm, Maven and PyPI have in these images has none. Debian's own
        // programs have none either.
        "debian" => {
            label.version.contains('-')
                && !label.version.ends_with("-SNAPSHOT")
                && !name.contains(':')
                || NATIVE.contains(&name.as_str())
        }
        "alpine" => label
            .version
            .rsplit_once("-r")
            .is_some_and(|(_, tail)| tail.parse::<u32>().is_ok()),
        _ => false,
    };
    if system {
        let source = SOURCES
            .iter()
            .find(|(_, binaries)| binaries.contains(&name.as_str()));
        let source = source.map_or(name.as_str(), |(source, _)| source);
        let ecosystem = match distribution {
            "debian" => format!("Debian:{version}"),
            _ => format!("Alpine:v{}", version.rsplit_once('.').unwrap().0),
        };
        all.push(Candidate {
            kind: if distribution == "debian" {
                "deb"
            } else {
                "apk"
            },
            key: (ecosystem, source.to_owned()),
            namespace: Some(distribution.to_owned()),
            name: name.clone(),
            source: Some(source.to_owned()),
        });
        return all;
    }
    for kind in image.languages {
        let ecosystem = match *kind {
            "gem" => "RubyGems",
            "pypi" => "PyPI",
            "golang" => "Go",
            "maven" => "Maven",
            "bitnami" | "generic" => "Bitnami",
            _ => "npm",
        };
        let names: Vec<String> = match *kind {
            // The labels give an artifact alone; its groups are those that the feed has for it.
            "maven" if !name.contains(':') => held.artifacts.get(name).cloned().unwrap_or_default(),
            _ => vec![name.clone()],
        };
        for full in names {
            let split = match *kind {
                "maven" => full.split_once(':'),
                "golang" => full.rsplit_once('/'),
                _ => None,
            };
            let (namespace, name) = split.map_or((None, full.clone()), |(group, name)| {
                (Some(group.to_owned()), name.to_owned())
            });
            all.push(Candidate {
                kind,
                key: (ecosystem.to_owned(), full.to_ascii_lowercase()),
                namespace,
                name,
                source: None,
            });
        }
    }
    all
}

fn inventory(image: &Image, label: &Label, candidate: &Candidate) -> Inventory {
    let component = Component {
        kind: candidate.kind.into(),
        namespace: candidate.namespace.as_deref().map(Into::into),
        name: candidate.name.as_str().into(),
        version: label.version.as_str().into(),
        purl: "".into(),
        source: candidate.source.as_deref().map(|name| SourcePackage {
            name: name.into(),
            version: "".into(),
        }),
        architecture: None,
        module: None,
        vendor: None,
        licenses: Vec::new(),
        found: FoundAs::Installed,
        at: Vec::new(),
        owner: None,
        files: Vec::new(),
        linked: None,
    };
    Inventory {
        artifact: Artifact {
            // A label names one package and says nothing of the program around it.
            kind: ArtifactKind::Unknown,
            name: label.image.as_str().into(),
            identity: ImageIdentity::default(),
            os: None,
            object: None,
            container: None,
        },
        release: image.release.map(release),
        layers: Vec::new(),
        components: vec![component],
        linked: Vec::new(),
        config: None,
        remarks: Vec::new(),
        gaps: Vec::new(),
    }
}

/// Every id of what was reported.
fn reported(set: &MatchSet) -> HashSet<String> {
    let mut ids = HashSet::new();
    for one in set.matches.iter().filter(|one| one.suppression.is_none()) {
        let advisory = &set.advisories[one.advisory as usize];
        ids.insert(advisory.id.to_string());
        ids.extend(advisory.aliases.iter().map(ToString::to_string));
    }
    ids
}

fn intel(feeds: &Path) -> &'static Intelligence {
    static INTEL: OnceLock<Intelligence> = OnceLock::new();
    INTEL.get_or_init(|| {
        let (built, _) = build(feeds, &BuildOptions { compression: 1 }).unwrap();
        Intelligence::from_bytes(built.advisories, built.scores).unwrap()
    })
}

/// What the feeds hold, by an own reading of them.
struct Held {
    /// Ids and other names by ecosystem and package.
    ids: HashMap<(String, String), BTreeSet<String>>,
    /// Maven packages by artifact.
    artifacts: BTreeMap<String, Vec<String>>,
}

fn held(feeds: &Path) -> &'static Held {
    static HELD: OnceLock<Held> = OnceLock::new();
    HELD.get_or_init(|| {
        let mut held = Held {
            ids: HashMap::new(),
            artifacts: BTreeMap::new(),
        };
        for ecosystem in [
            "Bitnami", "Debian", "Go", "Maven", "PyPI", "RubyGems", "npm",
        ] {
            let file = File::open(feeds.join(format!("osv/{ecosystem}/all.zip"))).unwrap();
            let mut archive = zip::ZipArchive::new(file).unwrap();
            for index in 0..archive.len() {
                let mut text = Vec::new();
                archive
                    .by_index(index)
                    .unwrap()
                    .read_to_end(&mut text)
                    .unwrap();
                hold(&mut held, &serde_json::from_slice(&text).unwrap());
            }
        }
        for release in std::fs::read_dir(feeds.join("alpine-secdb")).unwrap() {
            for file in std::fs::read_dir(release.unwrap().path()).unwrap() {
                let text = std::fs::read(file.unwrap().path()).unwrap();
                let database: Value = serde_json::from_slice(&text).unwrap();
                let ecosystem = format!("Alpine:{}", database["distroversion"].as_str().unwrap());
                for package in database["packages"].as_array().unwrap() {
                    let name = package["pkg"]["name"].as_str().unwrap().to_owned();
                    let ids = held.ids.entry((ecosystem.clone(), name)).or_default();
                    let fixes = package["pkg"]["secfixes"].as_object().unwrap().values();
                    let words = fixes.flat_map(|list| list.as_array().into_iter().flatten());
                    ids.extend(
                        words
                            .filter_map(Value::as_str)
                            .flat_map(|text| text.split(' ').map(str::to_owned)),
                    );
                }
            }
        }
        held
    })
}

fn hold(held: &mut Held, record: &Value) {
    if record["withdrawn"].is_string() {
        return;
    }
    let names = ["aliases", "upstream"]
        .into_iter()
        .flat_map(|key| record[key].as_array().into_iter().flatten());
    let ids: BTreeSet<String> = names
        .chain([&record["id"]])
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect();
    for affected in record["affected"].as_array().into_iter().flatten() {
        let ecosystem = affected["package"]["ecosystem"]
            .as_str()
            .unwrap_or("")
            .to_owned();
        let name = affected["package"]["name"]
            .as_str()
            .unwrap_or("")
            .to_owned();
        if let Some((_, artifact)) = name.split_once(':').filter(|_| ecosystem == "Maven") {
            let groups = held.artifacts.entry(artifact.to_owned()).or_default();
            if !groups.contains(&name) {
                groups.push(name.clone());
            }
        }
        let name = if ecosystem.starts_with("Debian") {
            name
        } else {
            name.to_ascii_lowercase()
        };
        held.ids
            .entry((ecosystem, name))
            .or_default()
            .extend(ids.iter().cloned());
    }
}
