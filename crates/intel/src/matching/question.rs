//! What the database is asked for a component. Comes in: a component and its release. Goes out: ecosystem, names and
//! versions to look up, or why nobody can be asked. Never: asks another distribution's feed, or a CPE.

use crate::ecosystem::{self, Covering};
use crate::feeds::csaf::stream_of;
use crate::intelligence::Intelligence;
use crate::version::Scheme;
use model::inventory::{Component, Release};

/// What is looked up, and what is compared with what is found.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    /// `Debian:12`, `PyPI`.
    pub(crate) ecosystem: String,
    pub(crate) extended: Option<String>,
    pub(crate) scheme: Scheme,
    /// A distribution's package.
    pub(crate) system: bool,
    pub(crate) name: String,
    pub(crate) version: String,
    /// The source package and its version; the same where nothing else is known.
    pub(crate) source: String,
    pub(crate) source_version: String,
    /// `nodejs:18`.
    pub(crate) stream: Option<String>,
    /// Of a module, though perhaps nothing says which.
    pub(crate) modular: bool,
    /// What was assumed to ask at all.
    pub(crate) assumed: Option<String>,
}

/// Why nobody can be asked.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Unasked {
    /// Nothing says which release the package is of.
    NoRelease,
    /// No feed covers the release.
    NotCovered(String),
    /// No feed of the language's ecosystem.
    NoFeed(String),
    /// A program without a source of advisories, or a kind of package that we know none for.
    NoSource,
    /// A distribution's package that another vendor built.
    Foreign(String),
    /// A Java archive that nothing gives a group, and more than one group has an artifact of its name.
    NoGroup,
}

/// The feeds of a release, where the database has them.
pub(crate) fn covering(intel: &Intelligence, release: &Release) -> Option<Covering> {
    let covering = ecosystem::of_release(release)?;
    let covers = |name: &str| intel.covers(name);
    // An old release may be left to paying customers alone.
    let any = covers(&covering.ecosystem) || covering.extended.as_deref().is_some_and(covers);
    any.then_some(covering)
}

/// `covering` is of `release`.
pub(crate) fn question(
    component: &Component,
    release: Option<&Release>,
    covering: Option<&Covering>,
    intel: &Intelligence,
) -> Result<Question, Unasked> {
    if ecosystem::is_system(&component.kind) {
        return of_distribution(component, release, covering);
    }
    let (ecosystem, name) = match ecosystem::of_kind(&component.kind) {
        Some(ecosystem) => (ecosystem, full_name(component)),
        None if &*component.kind == "generic" => {
            let name = program(&component.name);
            if !intel.names("Bitnami", &name) {
                return Err(Unasked::NoSource);
            }
            ("Bitnami", name)
        }
        None => return Err(Unasked::NoSource),
    };
    if !intel.covers(ecosystem) {
        return Err(Unasked::NoFeed(ecosystem.to_owned()));
    }
    let (name, assumed) = match ecosystem {
        "Maven" => with_group(name, intel)?,
        // PEP 508: `requests[security]` is requests.
        "PyPI" => (name.split('[').next().unwrap_or("").to_owned(), None),
        _ => (name, None),
    };
    let name = ecosystem::package(ecosystem, &name).into_owned();
    let version = version(ecosystem, &component.version);
    Ok(Question {
        ecosystem: ecosystem.to_owned(),
        extended: None,
        scheme: Scheme::of(ecosystem).ok_or(Unasked::NoSource)?,
        system: false,
        source: name.clone(),
        source_version: version.clone(),
        name,
        version,
        stream: None,
        modular: false,
        assumed,
    })
}

/// An archive that is known by its file name alone has no group. It is the one that advisories speak of if no other
/// group has an artifact so called.
fn with_group(name: String, intel: &Intelligence) -> Result<(String, Option<String>), Unasked> {
    if name.contains(':') {
        return Ok((name, None));
    }
    match intel.groups(&name) {
        [] => Ok((name, None)),
        [only] => {
            let assumed = format!(
                "nothing says its group; {only} is the only {name} that advisories speak of"
            );
            Ok((only.to_string(), Some(assumed)))
        }
        _ => Err(Unasked::NoGroup),
    }
}

fn of_distribution(
    component: &Component,
    release: Option<&Release>,
    covering: Option<&Covering>,
) -> Result<Question, Unasked> {
    let release = release.ok_or(Unasked::NoRelease)?;
    let covering = covering.ok_or_else(|| Unasked::NotCovered(title(release)))?;
    if let Some(vendor) = foreign(component, &covering.ecosystem) {
        return Err(Unasked::Foreign(vendor.to_owned()));
    }
    let scheme = Scheme::of(&covering.ecosystem).ok_or(Unasked::NoSource)?;
    let source = component.source.as_ref();
    let source_version = source
        .map(|source| &source.version)
        .filter(|version| !version.is_empty())
        .unwrap_or(&component.version);
    let mut source_version = source_version.to_string();
    // The file name of a source rpm has no epoch; its binaries have the source's.
    if scheme == Scheme::Rpm
        && !source_version.contains(':')
        && let Some((epoch, _)) = component.version.split_once(':')
    {
        source_version = format!("{epoch}:{source_version}");
    }
    Ok(Question {
        ecosystem: covering.ecosystem.clone(),
        extended: covering.extended.clone(),
        scheme,
        system: true,
        name: component.name.to_string(),
        version: component.version.to_string(),
        source: source.map_or_else(
            || component.name.to_string(),
            |source| source.name.to_string(),
        ),
        source_version,
        stream: component.module.as_deref().and_then(stream_of),
        modular: component
            .module
            .as_deref()
            .is_some_and(|label| !label.is_empty())
            || component.version.contains(".module"),
        assumed: None,
    })
}

/// `debian 12`.
pub(crate) fn title(release: &Release) -> String {
    format!("{} {}", release.id, release.version)
        .trim()
        .to_owned()
}

/// The vendor of an rpm that the distribution did not build. Source: the `Vendor` tag of the distributions' packages.
fn foreign<'c>(component: &'c Component, ecosystem: &str) -> Option<&'c str> {
    let vendor = component
        .vendor
        .as_deref()
        .filter(|vendor| !vendor.trim().is_empty())?;
    if &*component.kind != "rpm" {
        return None;
    }
    let own: &[&str] = match ecosystem.split(':').next().unwrap_or(ecosystem) {
        "AlmaLinux" => &["almalinux"],
        "Rocky Linux" => &["rocky"],
        "Red Hat" => &["red hat", "centos"],
        "SUSE" | "openSUSE" => &["suse"],
        "Photon OS" => &["vmware", "broadcom"],
        "Azure Linux" => &["microsoft"],
        "Oracle Linux" => &["oracle"],
        "Amazon Linux" => &["amazon"],
        _ => return None,
    };
    let lower = vendor.to_ascii_lowercase();
    (!own.iter().any(|name| lower.contains(name))).then_some(vendor)
}

/// The name as the ecosystem's advisories write it: `@scope/name`, `group:artifact`, a module path.
pub(crate) fn full_name(component: &Component) -> String {
    let name = &*component.name;
    let Some(namespace) = component
        .namespace
        .as_deref()
        .filter(|namespace| !namespace.is_empty())
    else {
        return match (&*component.kind, name) {
            ("golang", "std" | "go") => "stdlib".to_owned(),
            _ => name.to_owned(),
        };
    };
    match &*component.kind {
        "maven" => format!("{namespace}:{name}"),
        "npm" => format!("@{}/{name}", namespace.trim_start_matches('@')),
        "golang" | "composer" | "githubactions" | "swift" | "hex" => format!("{namespace}/{name}"),
        _ => name.to_owned(),
    }
}

/// The name of a recognised program in Bitnami's feed, which judges applications by their own versions.
fn program(name: &str) -> String {
    let name = name.to_ascii_lowercase();
    match name.as_str() {
        "postgres" => "postgresql".to_owned(),
        "httpd" | "apache2" => "apache".to_owned(),
        "openjdk" | "jdk" | "jre" | "java-jre" | "java-jdk" => "java".to_owned(),
        "nodejs" | "node.js" => "node".to_owned(),
        "go" => "golang".to_owned(),
        _ => name,
    }
}

/// The version without what its tool adds: `go1.22.3 X:boringcrypto`.
fn version(ecosystem: &str, version: &str) -> String {
    let version = version.trim();
    match ecosystem {
        "Go" => version.split(' ').next().unwrap_or(version).to_owned(),
        _ => version.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::purl::Purl;

    #[test]
    fn names_in_advisories() {
        let check = |purl: &str, expected: &str| {
            let component = Purl::parse(purl).unwrap().component(purl);
            assert_eq!(full_name(&component), expected, "{purl}");
        };
        check("pkg:npm/%40angular/core@1", "@angular/core");
        check(
            "pkg:maven/org.apache.logging.log4j/log4j-core@2",
            "org.apache.logging.log4j:log4j-core",
        );
        check(
            "pkg:golang/github.com/gin-gonic/gin@v1",
            "github.com/gin-gonic/gin",
        );
        check("pkg:golang/stdlib@1.22.3", "stdlib");
        check("pkg:composer/symfony/http-kernel@1", "symfony/http-kernel");
        check("pkg:pypi/django@1", "django");
    }
}
