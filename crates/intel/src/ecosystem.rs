//! Names of ecosystems and packages. Comes in: names as feeds, purls and releases write them. Goes out: the one
//! spelling that the database is keyed by, and the ecosystem whose feed judges a release.
//! Never: takes one distribution's feed for another's, or a feed without a release for a release.

use model::inventory::Release;
use model::purl::python_name;
use std::borrow::Cow;

/// Whose name an entry of a feed is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Names {
    /// The package as it is installed; of all language ecosystems too.
    #[default]
    Binary,
    /// The source package.
    Source,
    /// The feed does not say.
    Either,
}

/// Language ecosystems and rolling distributions, as OSV spells them.
const PLAIN: [&str; 23] = [
    "Bitnami",
    "CRAN",
    "Chainguard",
    "CleanStart",
    "ConanCenter",
    "Echo",
    "GHC",
    "GitHub Actions",
    "Go",
    "Hackage",
    "Hex",
    "Julia",
    "Kubernetes",
    "Maven",
    "MinimOS",
    "NuGet",
    "Packagist",
    "Pub",
    "PyPI",
    "RubyGems",
    "SwiftURL",
    "Wolfi",
    "crates.io",
];

/// The ecosystem of a record as the database keys it: `Debian:12`, `Ubuntu:22.04`, `Ubuntu:Pro:16.04`, `Red Hat:9`,
/// `Red Hat:eus:9.2`, `SUSE:15.4`, `Alpine:v3.18`, `PyPI`. `None`: it names no release where it must, or a product that
/// is no distribution.
pub(crate) fn canonical(name: &str) -> Option<String> {
    let name = name.trim();
    if name.is_empty() || name.len() > 128 || !name.bytes().all(|b| (0x20..0x7f).contains(&b)) {
        return None;
    }
    let (base, rest) = name
        .split_once(':')
        .map_or((name, ""), |(base, rest)| (base.trim(), rest.trim()));
    if base.eq_ignore_ascii_case("npm") {
        return Some("npm".to_owned());
    }
    if let Some(plain) = PLAIN.iter().find(|plain| plain.eq_ignore_ascii_case(base)) {
        return Some((*plain).to_owned());
    }
    let major = || rest.split(['.', ':']).next().filter(|part| is_number(part));
    match base.to_ascii_lowercase().as_str() {
        "debian" => {
            (!rest.is_empty()).then(|| format!("Debian:{}", rest.split('.').next().unwrap_or(rest)))
        }
        "ubuntu" => ubuntu(rest),
        "alpine" => alpine(rest),
        "almalinux" => Some(format!("AlmaLinux:{}", major()?)),
        "rocky linux" => Some(format!("Rocky Linux:{}", major()?)),
        "red hat" => red_hat(rest),
        "suse" => suse(rest),
        "opensuse" => opensuse(rest),
        _ if rest.is_empty() => Some(base.to_owned()),
        _ => Some(format!("{base}:{rest}")),
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

/// `3`, `3.18`: digits with at most one dot.
fn is_release(text: &str) -> bool {
    text.split('.').count() <= 2 && text.split('.').all(is_number)
}

/// `22.04:LTS`, `Pro:16.04:LTS`; what is built for FIPS or real-time kernels is another product.
fn ubuntu(rest: &str) -> Option<String> {
    let parts: Vec<&str> = rest.split(':').collect();
    let (pro, release) = match parts[..] {
        ["Pro", release] | ["Pro", release, "LTS"] => ("Pro:", release),
        [release] | [release, "LTS"] => ("", release),
        _ => return None,
    };
    is_release(release).then(|| format!("Ubuntu:{pro}{release}"))
}

fn alpine(rest: &str) -> Option<String> {
    if rest == "edge" {
        return Some("Alpine:edge".to_owned());
    }
    let release = rest.strip_prefix('v').unwrap_or(rest);
    (release.contains('.') && is_release(release)).then(|| format!("Alpine:v{release}"))
}

/// The product of a CPE: `enterprise_linux:9::appstream`, `rhel_eus:9.2::baseos`.
pub(crate) fn red_hat(product: &str) -> Option<String> {
    let mut parts = product.split(':');
    let (name, version) = (parts.next()?, parts.next()?);
    if !is_release(version) {
        return None;
    }
    match name {
        "enterprise_linux" => Some(format!("Red Hat:{}", version.split('.').next()?)),
        "enterprise_linux_eus"
        | "rhel_eus"
        | "rhel_aus"
        | "rhel_tus"
        | "rhel_e4s"
        | "rhel_els"
        | "rhel_eus_long_life" => version
            .contains('.')
            .then(|| format!("Red Hat:eus:{version}")),
        _ => None,
    }
}

/// `Linux Enterprise Server 15 SP4-LTSS`, `Linux Enterprise Module for Basesystem 15 SP4`, `Linux Micro 6.0`.
fn suse(product: &str) -> Option<String> {
    let words: Vec<&str> = product.split([' ', '-']).collect();
    if words.first() != Some(&"Linux") {
        return None;
    }
    let at = words
        .iter()
        .rposition(|word| is_release(word) && !word.is_empty())?;
    let number = words.get(at)?;
    if words.contains(&"Micro") {
        return Some(format!("SUSE:Micro {number}"));
    }
    let pack = words
        .get(at + 1)
        .and_then(|word| word.strip_prefix("SP"))
        .filter(|pack| is_number(pack));
    Some(match pack {
        Some(pack) => format!("SUSE:{number}.{pack}"),
        // Without service packs since 16; 16.0 is the first of them.
        None => format!("SUSE:{}", number.strip_suffix(".0").unwrap_or(number)),
    })
}

/// `Leap 15.5`, `Leap Micro 5.2`, `Tumbleweed`.
fn opensuse(product: &str) -> Option<String> {
    if product.starts_with("Tumbleweed") {
        return Some("openSUSE:Tumbleweed".to_owned());
    }
    let number = product.rsplit(' ').next().filter(|word| is_release(word))?;
    Some(if product.contains("Micro") {
        format!("openSUSE:Micro {number}")
    } else {
        format!("openSUSE:{number}")
    })
}

/// What the names of an ecosystem's feed are, where the record itself does not say it. Sources: OSV, "Defined
/// ecosystems"; the exports themselves.
pub(crate) fn names(ecosystem: &str) -> Names {
    match ecosystem.split(':').next().unwrap_or(ecosystem) {
        "Debian" | "Ubuntu" | "Alpine" | "Wolfi" | "Chainguard" | "MinimOS" | "Echo"
        | "CleanStart" | "SUSE" | "openSUSE" => Names::Source,
        "Rocky Linux" | "Photon OS" | "Azure Linux" | "Mageia" | "openEuler" | "Oracle Linux"
        | "Amazon Linux" => Names::Either,
        _ => Names::Binary,
    }
}

/// The name of a package as its ecosystem compares names.
pub(crate) fn package<'n>(ecosystem: &str, name: &'n str) -> Cow<'n, str> {
    let name = name.trim();
    match ecosystem {
        "PyPI" => python_name(name),
        // Purls of Go modules are in lower case (purl-spec, golang), advisories are not.
        "NuGet" | "Packagist" | "GitHub Actions" | "Bitnami" | "Go"
            if name.bytes().any(|b| b.is_ascii_uppercase()) =>
        {
            name.to_ascii_lowercase().into()
        }
        _ => name.into(),
    }
}

/// The ecosystem of a purl type; `None` for distributions (their release says it) and types without advisories.
pub(crate) fn of_kind(kind: &str) -> Option<&'static str> {
    Some(match kind {
        "npm" => "npm",
        "pypi" => "PyPI",
        "golang" => "Go",
        "maven" => "Maven",
        "gem" => "RubyGems",
        "composer" => "Packagist",
        "nuget" => "NuGet",
        "cargo" => "crates.io",
        "bitnami" => "Bitnami",
        "hex" => "Hex",
        "pub" => "Pub",
        "cran" => "CRAN",
        "hackage" => "Hackage",
        "swift" => "SwiftURL",
        "conan" => "ConanCenter",
        "julia" => "Julia",
        "githubactions" => "GitHub Actions",
        _ => return None,
    })
}

/// Whether a package of this purl type is a distribution's.
pub(crate) fn is_system(kind: &str) -> bool {
    matches!(kind, "deb" | "apk" | "rpm" | "alpm")
}

/// The feeds that judge a release.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Covering {
    /// `Debian:12`.
    pub(crate) ecosystem: String,
    /// Fixes for paying customers, or of a branch that is supported longer: `Ubuntu:Pro:16.04`, `Red Hat:eus:9.2`.
    pub(crate) extended: Option<String>,
}

/// `None`: no feed that we know of could cover it.
pub(crate) fn of_release(release: &Release) -> Option<Covering> {
    let version = release.version.trim();
    let one = |ecosystem: String| Covering {
        ecosystem,
        extended: None,
    };
    let major = version.split('.').next().filter(|major| is_number(major));
    let id = release.id.to_ascii_lowercase();
    Some(match id.as_str() {
        "debian" => one(format!("Debian:{}", debian(release)?)),
        "ubuntu" => {
            let version = if version.is_empty() {
                ubuntu_codename(release.codename.as_deref()?)?
            } else {
                two(version).or_else(|| ubuntu_codename(version))?
            };
            Covering {
                ecosystem: format!("Ubuntu:{version}"),
                extended: Some(format!("Ubuntu:Pro:{version}")),
            }
        }
        "alpine" => {
            let edge = version.contains("edge") || version.contains("_alpha");
            let plain = version.strip_prefix('v').unwrap_or(version);
            one(if edge {
                "Alpine:edge".to_owned()
            } else {
                format!("Alpine:v{}", two(plain)?)
            })
        }
        "almalinux" | "alma" => one(format!("AlmaLinux:{}", major?)),
        "rocky" | "rockylinux" => one(format!("Rocky Linux:{}", major?)),
        "rhel" | "redhat" => Covering {
            ecosystem: format!("Red Hat:{}", major?),
            extended: version
                .contains('.')
                .then(|| two(version))
                .flatten()
                .map(|minor| format!("Red Hat:eus:{minor}")),
        },
        // CentOS Linux is rebuilt from Red Hat's packages with their versions; Stream is ahead of them.
        "centos" if matches!(major, Some("6" | "7" | "8")) && !is_stream(release) => {
            one(format!("Red Hat:{}", major?))
        }
        "sles" | "sled" | "sles_sap" | "sle_hpc" | "sle-hpc" | "suse" => {
            one(format!("SUSE:{}", suse_release(version)?))
        }
        "sle-micro" | "sl-micro" | "sle-micro-rancher" | "slem" => {
            one(format!("SUSE:Micro {}", two(version)?))
        }
        "opensuse-leap-micro" => one(format!("openSUSE:Micro {}", two(version)?)),
        "opensuse-tumbleweed" | "opensuse.tumbleweed" => one("openSUSE:Tumbleweed".to_owned()),
        "opensuse" if version.is_empty() => one("openSUSE:Tumbleweed".to_owned()),
        "opensuse" | "opensuse-leap" | "opensuse.leap" => {
            one(format!("openSUSE:{}", two(version)?))
        }
        "wolfi" => one("Wolfi".to_owned()),
        "chainguard" => one("Chainguard".to_owned()),
        "minimos" => one("MinimOS".to_owned()),
        "echo" => one("Echo".to_owned()),
        "photon" => one(format!("Photon OS:{}", two(version)?)),
        "azurelinux" | "mariner" => one(format!("Azure Linux:{}", major?)),
        "openeuler" => one(format!("openEuler:{version}{}", service_pack(release))),
        "alpaquita" if !version.is_empty() => one(format!("Alpaquita:{version}")),
        "mageia" => one(format!("Mageia:{}", major?)),
        "ol" | "oracle" | "oraclelinux" => one(format!("Oracle Linux:{}", major?)),
        "amzn" | "amazon" => one(format!("Amazon Linux:{}", major?)),
        _ => return None,
    })
}

fn is_stream(release: &Release) -> bool {
    let stream = |text: &str| text.to_ascii_lowercase().contains("stream");
    release.title.as_deref().is_some_and(stream) || stream(&release.version)
}

/// `-LTS-SP1` of `openEuler 22.03 (LTS-SP1)`.
fn service_pack(release: &Release) -> String {
    let title = release.title.as_deref().unwrap_or("");
    let pack = title
        .split_once('(')
        .and_then(|(_, rest)| rest.split(')').next());
    pack.filter(|pack| pack.starts_with("LTS"))
        .map_or_else(String::new, |pack| format!("-{pack}"))
}

/// `3.18` of `3.18.4`, `20.04` of `20.04.6`.
fn two(version: &str) -> Option<String> {
    let mut parts = version.split(['.', ' ', '_', '-']);
    let (first, second) = (parts.next()?, parts.next()?);
    (is_number(first) && is_number(second)).then(|| format!("{first}.{second}"))
}

/// `15.4`, `12-SP4`, `15`.
fn suse_release(version: &str) -> Option<String> {
    let (major, pack) = version
        .split_once(['.', '-', ' '])
        .map_or((version, ""), |(major, pack)| {
            (major, pack.trim_start_matches("SP"))
        });
    let numbers = is_number(major) && (pack.is_empty() || is_number(pack));
    numbers.then(|| match pack {
        "" | "0" => major.to_owned(),
        pack => format!("{major}.{pack}"),
    })
}

/// Releases of Debian by codename, oldest first. Source: debian.org/releases; 13 to 15 as announced.
const DEBIAN: [(&str, &str); 12] = [
    ("squeeze", "6"),
    ("wheezy", "7"),
    ("jessie", "8"),
    ("stretch", "9"),
    ("buster", "10"),
    ("bullseye", "11"),
    ("bookworm", "12"),
    ("trixie", "13"),
    ("forky", "14"),
    ("duke", "15"),
    ("sid", "sid"),
    ("unstable", "sid"),
];

/// The number of a codename of Debian, `sid` for unstable.
pub(crate) fn debian_codename(name: &str) -> Option<&'static str> {
    let found = DEBIAN
        .iter()
        .find(|(codename, _)| name.eq_ignore_ascii_case(codename));
    found.map(|(_, number)| *number)
}

/// Version, else codename; testing and unstable say `forky/sid`: what both have is judged as testing.
fn debian(release: &Release) -> Option<String> {
    let number = release.version.split('.').next().unwrap_or("").trim();
    if is_number(number) {
        return Some(number.to_owned());
    }
    let words = release.version.split('/').chain(
        release
            .codename
            .as_deref()
            .into_iter()
            .flat_map(|name| name.split('/')),
    );
    let title = release
        .title
        .iter()
        .flat_map(|title| title.split([' ', '/', '(', ')']));
    words
        .chain(title)
        .find_map(|word| debian_codename(word.trim()))
        .map(str::to_owned)
}

fn ubuntu_codename(name: &str) -> Option<String> {
    const CODENAMES: [(&str, &str); 24] = [
        ("precise", "12.04"),
        ("trusty", "14.04"),
        ("xenial", "16.04"),
        ("yakkety", "16.10"),
        ("zesty", "17.04"),
        ("artful", "17.10"),
        ("bionic", "18.04"),
        ("cosmic", "18.10"),
        ("disco", "19.04"),
        ("eoan", "19.10"),
        ("focal", "20.04"),
        ("groovy", "20.10"),
        ("hirsute", "21.04"),
        ("impish", "21.10"),
        ("jammy", "22.04"),
        ("kinetic", "22.10"),
        ("lunar", "23.04"),
        ("mantic", "23.10"),
        ("noble", "24.04"),
        ("oracular", "24.10"),
        ("plucky", "25.04"),
        ("questing", "25.10"),
        ("resolute", "26.04"),
        ("stonking", "26.10"),
    ];
    let found = CODENAMES
        .iter()
        .find(|(codename, _)| name.eq_ignore_ascii_case(codename));
    found.map(|(_, number)| (*number).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ecosystems_of_records() {
        let check = |name: &str, expected: Option<&str>| {
            assert_eq!(canonical(name).as_deref(), expected, "{name}");
        };
        check("Debian:12", Some("Debian:12"));
        check("Debian", None);
        check("Ubuntu:22.04:LTS", Some("Ubuntu:22.04"));
        check("Ubuntu:23.10", Some("Ubuntu:23.10"));
        check("Ubuntu:Pro:16.04:LTS", Some("Ubuntu:Pro:16.04"));
        check("Ubuntu:Pro:FIPS:22.04:LTS", None);
        check("Alpine:v3.18", Some("Alpine:v3.18"));
        check("Alpine", None);
        check("AlmaLinux:8", Some("AlmaLinux:8"));
        check("Rocky Linux:9", Some("Rocky Linux:9"));
        check("Red Hat:enterprise_linux:9::appstream", Some("Red Hat:9"));
        check("Red Hat:rhel_eus:9.2::baseos", Some("Red Hat:eus:9.2"));
        check(
            "Red Hat:enterprise_linux_eus:10.0",
            Some("Red Hat:eus:10.0"),
        );
        check("Red Hat:rhel_software_collections:3::el7", None);
        check("Ubuntu:Pro:Realtime:22.04:LTS", None);
        check("Ubuntu:22.04:LTS:for:NVIDIA:BlueField", None);
        check("Photon OS:4.0", Some("Photon OS:4.0"));
        check("Mageia:9", Some("Mageia:9"));
        check("openEuler:22.03-LTS-SP1", Some("openEuler:22.03-LTS-SP1"));
        check("Red Hat:openshift:4.12::el8", None);
        check(
            "SUSE:Linux Enterprise Server 12 SP4-LTSS",
            Some("SUSE:12.4"),
        );
        check(
            "SUSE:Linux Enterprise Module for Basesystem 15 SP5",
            Some("SUSE:15.5"),
        );
        check("SUSE:Linux Micro 6.0", Some("SUSE:Micro 6.0"));
        check("SUSE:Linux Enterprise Server 16.0", Some("SUSE:16"));
        check("SUSE:Linux Enterprise Server 16.1", Some("SUSE:16.1"));
        check(
            "SUSE:Linux Enterprise Live Patching 15 SP4",
            Some("SUSE:15.4"),
        );
        check("SUSE:Manager Proxy 4.2", None);
        check("openSUSE:Leap 15.5", Some("openSUSE:15.5"));
        check("openSUSE:Tumbleweed", Some("openSUSE:Tumbleweed"));
        check("kubernetes", Some("Kubernetes"));
        check("Maven:https://repo1.maven.org/maven2", Some("Maven"));
        check("crates.io", Some("crates.io"));
        check("Azure Linux:3", Some("Azure Linux:3"));
        check("", None);
        check("a\u{1f}b", None);
    }

    #[test]
    fn names_of_packages() {
        let check =
            |ecosystem, name, expected: &str| assert_eq!(package(ecosystem, name), expected);
        check("PyPI", "Zope.Interface", "zope-interface");
        check("PyPI", "a-_.b", "a-b");
        check("NuGet", "Newtonsoft.Json", "newtonsoft.json");
        check("Packagist", "Symfony/HTTP", "symfony/http");
        check("npm", "JSONStream", "JSONStream");
        check(
            "Go",
            "github.com/BurntSushi/toml",
            "github.com/burntsushi/toml",
        );
    }

    #[test]
    fn releases() {
        let check = |id: &str, version: &str, codename: Option<&str>, expected: Option<&str>| {
            let release = Release {
                id: id.into(),
                like: vec!["rhel".into(), "debian".into()],
                version: version.into(),
                codename: codename.map(Into::into),
                title: None,
                end_of_life: None,
            };
            let found = of_release(&release).map(|covering| covering.ecosystem);
            assert_eq!(found.as_deref(), expected, "{id} {version} {codename:?}");
        };
        check("debian", "12", None, Some("Debian:12"));
        check("debian", "12.5", None, Some("Debian:12"));
        check("debian", "", Some("bookworm"), Some("Debian:12"));
        check("debian", "forky/sid", None, Some("Debian:14"));
        check("debian", "sid", None, Some("Debian:sid"));
        check("debian", "", None, None);
        check("ubuntu", "22.04", None, Some("Ubuntu:22.04"));
        check("ubuntu", "20.04.6", None, Some("Ubuntu:20.04"));
        check("ubuntu", "", Some("noble"), Some("Ubuntu:24.04"));
        check("alpine", "3.18.4", None, Some("Alpine:v3.18"));
        check("alpine", "3.21.0_alpha20240606", None, Some("Alpine:edge"));
        check("alpine", "3", None, None);
        check("almalinux", "8.6", None, Some("AlmaLinux:8"));
        check("rocky", "9.3", None, Some("Rocky Linux:9"));
        check("rhel", "8.6", None, Some("Red Hat:8"));
        check("centos", "7", None, Some("Red Hat:7"));
        check("centos", "9", None, None);
        check("ol", "8.6", None, Some("Oracle Linux:8"));
        check("amzn", "2", None, Some("Amazon Linux:2"));
        check("sles", "12.4", None, Some("SUSE:12.4"));
        check("sles", "15-SP5", None, Some("SUSE:15.5"));
        check("opensuse-leap", "15.5", None, Some("openSUSE:15.5"));
        check("wolfi", "20230201", None, Some("Wolfi"));
        check("sles", "16.0", None, Some("SUSE:16"));
        check("sles", "16.1", None, Some("SUSE:16.1"));
        check("mariner", "2.0.20240112", None, Some("Azure Linux:2"));
        check("azurelinux", "3.0", None, Some("Azure Linux:3"));
        check("photon", "4.0", None, Some("Photon OS:4.0"));
        check("mageia", "9", None, Some("Mageia:9"));
        check("ubuntu", "", Some("stonking"), Some("Ubuntu:26.10"));
        check("kali", "2024.1", None, None);
        check("fedora", "40", None, None);
    }
}
