//! Packages of distributions, and which distribution it is. Comes in: one file of a package manager, or a release file.
//! Goes out: components without what only the release says ([`finish`] adds it), file lists, releases ([`settle`]
//! makes one of several). Never: reads a second file, guesses a release, trusts a length.
//!
//! A [`crate::extract::Extract::Files`] of these extractors names its package as dpkg and pacman name it: `adduser`, or
//! `libc6:amd64` where several architectures may be installed together ([`is_of`]).

pub mod alpm;
pub mod apk;
pub mod chisel;
pub mod dpkg;
pub mod release;
pub mod rpm;
#[cfg(test)]
mod tests;

pub use release::settle;

use crate::layer::gap;
use crate::path::normal;
use model::evidence::Gap;
use model::inventory::{Component, FoundAs, Place, Release};
use model::purl;
use model::text::Text;

/// Sets namespace and purl of a distribution's package; others are left as they are. Without a release both lack the
/// distribution, and nothing can be matched with its advisories.
///
/// Types, namespaces and qualifiers: purl-spec, `types/{deb,apk,rpm,alpm}-definition.json`; `upstream` as SBOM tools
/// write it: `name@version` for deb, the file name of the source package for rpm.
pub fn finish(component: &mut Component, release: Option<&Release>) {
    if !matches!(&*component.kind, "deb" | "apk" | "rpm" | "alpm") {
        return;
    }
    component.namespace = release.map(|release| namespace(&release.id));
    component.purl = purl_of(component, release);
}

/// Whether a file list of that name is the component's.
pub fn is_of(component: &Component, package: &str) -> bool {
    match package.split_once(':') {
        Some((name, architecture)) => {
            *name == *component.name && component.architecture.as_deref() == Some(architecture)
        }
        None => *package == *component.name,
    }
}

/// The vendor in purls: `redhat`, `suse` and `opensuse` of several products, else the release's own id.
fn namespace(id: &str) -> Text {
    match id {
        "rhel" => "redhat".into(),
        "sles" | "sled" | "sles_sap" | "sle-micro" | "sle_hpc" | "sl-micro" | "suse" => {
            "suse".into()
        }
        _ if id.starts_with("opensuse") => "opensuse".into(),
        _ => id.into(),
    }
}

/// `debian-12`, `alpine-3.20.3`: id and version as `os-release` has them, without a point release that only another
/// file knows.
fn distro(release: &Release) -> String {
    let version = match &*release.id {
        "debian" | "centos" => release
            .version
            .split_once('.')
            .map_or(&*release.version, |(series, _)| series),
        _ => &release.version,
    };
    // `forky/sid` is what Debian's testing and unstable both say.
    let version = version
        .split_once('/')
        .map_or(version, |(codename, _)| codename);
    if version.is_empty() {
        return release.id.to_string();
    }
    format!("{}-{version}", release.id)
}

fn purl_of(component: &Component, release: Option<&Release>) -> Text {
    let (epoch, version) = match component.version.split_once(':') {
        Some((epoch, version)) if &*component.kind == "rpm" => (epoch, version),
        _ => ("", &*component.version),
    };
    purl::write(
        &component.kind,
        component.namespace.as_deref(),
        &component.name,
        version,
        &[
            ("arch", component.architecture.as_deref().unwrap_or("")),
            ("distro", &release.map(distro).unwrap_or_default()),
            ("epoch", epoch),
            ("upstream", &upstream(component, version)),
        ],
    )
    .into()
}

/// Empty where the source package has the same name and version, or is not known.
fn upstream(component: &Component, version: &str) -> String {
    let Some(source) = &component.source else {
        return String::new();
    };
    if &*component.kind == "rpm" {
        let version = if source.version.is_empty() {
            version
        } else {
            &source.version
        };
        return format!("{}-{version}.src.rpm", source.name);
    }
    match (source.name == component.name, &*source.version) {
        (true, "") => String::new(),
        (false, "") => source.name.to_string(),
        (_, version) => format!("{}@{version}", source.name),
    }
}

/// A package as its database names it; the empty place is the database itself.
fn installed(kind: &str, name: Text, version: Text) -> Component {
    Component {
        kind: kind.into(),
        namespace: None,
        name,
        version,
        purl: "".into(),
        source: None,
        architecture: None,
        module: None,
        vendor: None,
        licenses: Vec::new(),
        found: FoundAs::Installed,
        at: vec![Place {
            path: "".into(),
            layer: None,
        }],
        owner: None,
        files: Vec::new(),
        linked: None,
    }
}

/// Lines without their ends.
fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes
        .split(|byte| *byte == b'\n')
        .map(|line| line.strip_suffix(b"\r").unwrap_or(line))
}

/// Names, versions and architectures of every package manager: short, one word, printable. `None` for all else, which
/// no package manager would have installed.
fn word(bytes: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(bytes.trim_ascii()).ok()?;
    let sound = !text.is_empty()
        && text.len() <= LONGEST
        && !text.chars().any(|c| c.is_control() || c.is_whitespace());
    sound.then_some(text)
}

/// A line of prose: licences, vendors.
fn prose(bytes: &[u8]) -> Option<Text> {
    let text = String::from_utf8_lossy(bytes.trim_ascii());
    let sound = !text.is_empty() && text.len() <= LONGEST && !text.chars().any(char::is_control);
    sound.then(|| text.into())
}

/// Longer than any name, version or licence in use.
const LONGEST: usize = 1_024;

/// Joins folders and names, so that a small file could ask for much memory: paths of one file have a budget.
struct Paths {
    left: usize,
    /// Paths that were not kept.
    lost: u64,
}

impl Default for Paths {
    fn default() -> Self {
        // Over a million paths; a full desktop has 400,000.
        Paths {
            left: 128 << 20,
            lost: 0,
        }
    }
}

impl Paths {
    fn join(&mut self, folder: &[u8], name: &[u8]) -> Option<Text> {
        /// `PATH_MAX` of Linux.
        const PATH: usize = 4_096;
        /// What a path costs beside its text.
        const EACH: usize = 32;
        let length = folder.len() + 1 + name.len();
        if length > PATH || length + EACH > self.left {
            self.lost += 1;
            return None;
        }
        self.left -= length + EACH;
        let mut whole = [0; PATH];
        let whole = whole.get_mut(..length)?;
        whole.get_mut(..folder.len())?.copy_from_slice(folder);
        *whole.get_mut(folder.len())? = b'/';
        whole.get_mut(folder.len() + 1..)?.copy_from_slice(name);
        path(whole)
    }

    fn gap(&self, at: &str) -> Option<Gap> {
        (self.lost > 0).then(|| {
            gap(
                "image-limit",
                format!("{at} names {} files that were not kept", self.lost),
            )
        })
    }
}

/// Without a leading slash; `None` for the root.
fn path(bytes: &[u8]) -> Option<Text> {
    let bytes = bytes.strip_prefix(b"/").unwrap_or(bytes);
    normal(bytes).map(Text::from)
}

/// The name of what stands in `folder` itself.
fn within<'a>(path: &'a str, folder: &str) -> Option<&'a str> {
    path.strip_prefix(folder)
        .filter(|name| !name.is_empty() && !name.contains('/'))
}

fn damaged(at: &str, what: u64, of: &str) -> Option<Gap> {
    (what > 0).then(|| {
        gap(
            "image-unreadable",
            format!("{at} has {what} {of} that cannot be read"),
        )
    })
}
