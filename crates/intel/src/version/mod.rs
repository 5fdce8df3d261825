//! Version orders. Comes in: an ecosystem (OSV name or purl type) and two version strings as packages and advisories
//! write them. Goes out: which one is older, by the rules of the tool that installs the package.
//! Never: panics, allocates for OS packages, or guesses an order where a string is not a version.

mod alpm;
mod apk;
mod bitnami;
mod composer;
mod digits;
mod dpkg;
mod gem;
mod go;
mod integers;
mod maven;
mod nuget;
mod pep440;
mod pub_dev;
mod rpm;
mod semver;

use std::cmp::Ordering;

/// One order of version strings. Several ecosystems share one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scheme {
    /// `pacman`: Arch Linux.
    Alpm,
    /// `apk-tools` 3: Alpine and its relatives.
    Apk,
    /// SemVer whose numeric suffix is a packaging revision.
    Bitnami,
    /// PHP `version_compare`, without a leading `v`.
    Composer,
    /// R `compareVersion`: integers between dots and hyphens.
    Cran,
    /// Debian policy 5.6.12: Debian, Ubuntu and their relatives.
    Dpkg,
    /// `Gem::Version`.
    Gem,
    /// Modules (SemVer, pseudo-versions) and toolchains (`go1.22rc1`).
    Go,
    /// The Package Versioning Policy: integers between dots.
    Hackage,
    /// `ComparableVersion` of Maven 3.9.
    Maven,
    /// Four numbers, labels without case.
    NuGet,
    /// Python packaging, with the legacy order below it.
    Pep440,
    /// SemVer where builds are ordered too.
    Pub,
    /// `rpmvercmp`: Red Hat, SUSE and their relatives.
    Rpm,
    /// SemVer 2 read leniently: npm, crates.io, Hex, Kubernetes ...
    SemVer,
}

/// OSV ecosystems and purl types, lower case. Sorted; a release after `:` is cut off before.
/// Sources: OSV schema, "Defined ecosystems"; purl-types-index. Distributions that OSV does not name are here by the
/// name that their advisories use.
const ECOSYSTEMS: &[(&str, Scheme)] = &[
    ("almalinux", Scheme::Rpm),
    ("alpaquita", Scheme::Apk),
    ("alpine", Scheme::Apk),
    ("alpm", Scheme::Alpm),
    ("amazon linux", Scheme::Rpm),
    ("apk", Scheme::Apk),
    ("arch linux", Scheme::Alpm),
    ("azure linux", Scheme::Rpm),
    ("bellsoft hardened containers", Scheme::Apk),
    ("bioconductor", Scheme::Cran),
    ("bitnami", Scheme::Bitnami),
    ("cargo", Scheme::SemVer),
    ("cbl-mariner", Scheme::Rpm),
    ("centos", Scheme::Rpm),
    ("chainguard", Scheme::Apk),
    ("cleanstart", Scheme::Apk),
    ("composer", Scheme::Composer),
    ("cran", Scheme::Cran),
    ("crates.io", Scheme::SemVer),
    ("deb", Scheme::Dpkg),
    ("debian", Scheme::Dpkg),
    ("echo", Scheme::Dpkg),
    ("fedora", Scheme::Rpm),
    ("gem", Scheme::Gem),
    ("ghc", Scheme::Hackage),
    ("github actions", Scheme::SemVer),
    ("go", Scheme::Go),
    ("golang", Scheme::Go),
    ("hackage", Scheme::Hackage),
    ("hex", Scheme::SemVer),
    ("julia", Scheme::SemVer),
    ("kubernetes", Scheme::SemVer),
    ("linux", Scheme::SemVer),
    ("mageia", Scheme::Rpm),
    ("mariner", Scheme::Rpm),
    ("maven", Scheme::Maven),
    ("minimos", Scheme::Apk),
    ("npm", Scheme::SemVer),
    ("nuget", Scheme::NuGet),
    ("openeuler", Scheme::Rpm),
    ("opensuse", Scheme::Rpm),
    ("oracle linux", Scheme::Rpm),
    ("packagist", Scheme::Composer),
    ("photon os", Scheme::Rpm),
    ("pub", Scheme::Pub),
    ("pypi", Scheme::Pep440),
    ("red hat", Scheme::Rpm),
    ("rocky linux", Scheme::Rpm),
    ("rpm", Scheme::Rpm),
    ("rubygems", Scheme::Gem),
    ("suse", Scheme::Rpm),
    ("swifturl", Scheme::SemVer),
    ("ubuntu", Scheme::Dpkg),
    ("vscode", Scheme::SemVer),
    ("wolfi", Scheme::Apk),
];

impl Scheme {
    /// The order of an OSV ecosystem (`Debian:12`, `Red Hat:enterprise_linux:9::baseos`, `PyPI`) or of a purl type
    /// (`deb`, `golang`), in any case; `None` where it is not one of ours. `Root:Debian:12` is judged as `Debian`.
    pub fn of(ecosystem: &str) -> Option<Self> {
        let mut names = ecosystem.split(':').map(str::trim);
        let mut name = names.next()?;
        if name.eq_ignore_ascii_case("root") {
            name = names.next()?;
        }
        ECOSYSTEMS
            .iter()
            .find(|(known, _)| name.eq_ignore_ascii_case(known))
            .map(|(_, scheme)| *scheme)
    }

    /// The names that [`Scheme::of`] knows, lower case and sorted.
    pub fn ecosystems() -> impl Iterator<Item = &'static str> {
        ECOSYSTEMS.iter().map(|(name, _)| *name)
    }

    /// How `a` stands to `b`; `None` where one of them is not a version of this scheme (not even by the leniency of
    /// the tool), so that nothing is known. Equal may be two spellings of the same version.
    ///
    /// Always antisymmetric. Transitive wherever the tool itself is: `pacman`, Maven and PHP each have corners where
    /// their own order goes in a circle, named in the modules; there the tool's answer for the pair is given.
    /// Linear in the length of both strings; numbers may be of any length.
    pub fn compare(self, a: &str, b: &str) -> Option<Ordering> {
        let (a, b) = (a.trim_ascii(), b.trim_ascii());
        if a.is_empty() || b.is_empty() {
            return None;
        }
        match self {
            Self::Alpm => Some(alpm::compare(a.as_bytes(), b.as_bytes())),
            Self::Apk => Some(apk::compare(a.as_bytes(), b.as_bytes())),
            Self::Bitnami => bitnami::compare(a, b),
            Self::Composer => Some(composer::compare(a.as_bytes(), b.as_bytes())),
            Self::Cran => integers::compare(a.as_bytes(), b.as_bytes(), b".-"),
            Self::Dpkg => dpkg::compare(a.as_bytes(), b.as_bytes()),
            Self::Gem => gem::compare(a, b),
            Self::Go => go::compare(a, b),
            Self::Hackage => integers::compare(a.as_bytes(), b.as_bytes(), b"."),
            Self::Maven => maven::compare(a, b),
            Self::NuGet => nuget::compare(a, b),
            Self::Pep440 => Some(pep440::compare(a, b)),
            Self::Pub => pub_dev::compare(a, b),
            Self::Rpm => Some(rpm::compare(a.as_bytes(), b.as_bytes())),
            Self::SemVer => semver::compare(a, b),
        }
    }
}

/// What the unit tests of the orders share: one line of cases is `a < b < c = d`, judged in both directions.
#[cfg(test)]
fn check(scheme: Scheme, cases: &str) {
    for line in cases.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let words: Vec<&str> = line.split(' ').collect();
        for step in words.windows(3).step_by(2) {
            let (a, b) = (step[0], step[2]);
            let expected = match step[1] {
                "<" => Ordering::Less,
                "=" => Ordering::Equal,
                ">" => Ordering::Greater,
                other => panic!("`{other}` in `{line}`"),
            };
            assert_eq!(scheme.compare(a, b), Some(expected), "{a} and {b}");
            assert_eq!(
                scheme.compare(b, a),
                Some(expected.reverse()),
                "{b} and {a}"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{ECOSYSTEMS, Scheme};

    #[test]
    fn names_are_sorted_and_once() {
        assert!(ECOSYSTEMS.windows(2).all(|two| two[0].0 < two[1].0));
    }

    #[test]
    fn ecosystems_of_osv_and_purl() {
        let check = |name: &str, expected| assert_eq!(Scheme::of(name), expected, "{name}");
        check("Debian:12", Some(Scheme::Dpkg));
        check("Ubuntu:Pro:22.04:LTS", Some(Scheme::Dpkg));
        check("Alpine:v3.18", Some(Scheme::Apk));
        check("Red Hat:enterprise_linux:9::baseos", Some(Scheme::Rpm));
        check("Rocky Linux:9", Some(Scheme::Rpm));
        check("Root:Alpine:3.18", Some(Scheme::Apk));
        check("PyPI", Some(Scheme::Pep440));
        check("npm", Some(Scheme::SemVer));
        check("golang", Some(Scheme::Go));
        check("Go", Some(Scheme::Go));
        check("composer", Some(Scheme::Composer));
        check(
            "Packagist:https://packages.drupal.org/8",
            Some(Scheme::Composer),
        );
        check("Maven:https://repo1.maven.org/maven2", Some(Scheme::Maven));
        check("Android", None);
        check("GIT", None);
        check("Root", None);
        check("", None);
    }

    #[test]
    fn what_is_no_version_has_no_order() {
        let check = |scheme: Scheme, text: &str| {
            assert_eq!(scheme.compare(text, "1.0"), None, "{scheme:?} {text}");
            assert_eq!(scheme.compare("1.0", text), None, "{scheme:?} {text}");
        };
        for (_, scheme) in ECOSYSTEMS {
            check(*scheme, "");
            check(*scheme, "  ");
        }
        check(Scheme::SemVer, "latest");
        check(Scheme::SemVer, "^1.0 || 2");
        check(Scheme::Go, "(devel)");
        check(Scheme::Go, "devel go1.22-0123abc");
        check(Scheme::Dpkg, "a:1");
        check(Scheme::Dpkg, "1.0-");
        check(Scheme::Dpkg, ":1");
        check(Scheme::Cran, "1.a");
        check(Scheme::Hackage, "1.0-1");
        check(Scheme::NuGet, "1.0.*");
        check(Scheme::Gem, "beta");
        check(Scheme::Maven, "[1.0,2.0)");
        check(Scheme::Maven, "${project.version}");
    }
}
