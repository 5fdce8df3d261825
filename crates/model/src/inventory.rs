//! What is installed in one artifact: an image, a root file system, an SBOM. Built by `image` and `ingest`, matched by
//! `intel`. Nothing here is judged.

use crate::evidence::Gap;
use crate::matches::Artifact;
use crate::text::Text;
use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

/// Indices named after a vector point into that vector of the same inventory.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Inventory {
    pub artifact: Artifact,
    /// What the artifact says of its distribution; `None` where no file says it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub release: Option<Release>,
    /// From the lowest up; empty for what has no layers.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub layers: Vec<Layer>,
    /// Ordered by kind, namespace, name, version, place.
    pub components: Vec<Component>,
    /// What Go programs link; [`Component::linked`] points here.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub linked: Vec<Linked>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub config: Option<ImageConfig>,
    /// What is wrong with the artifact itself: secrets in files, setuid programs. Ordered by check and place.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub remarks: Vec<Remark>,
    pub gaps: Vec<Gap>,
}

/// `os-release(5)`, or what stands in its place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Release {
    /// `ID`, lower case: `debian`, `alpine`, `rhel`.
    pub id: Text,
    /// `ID_LIKE`, in its order.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub like: Vec<Text>,
    /// `VERSION_ID`, or the exact one of another file (`/etc/debian_version`, `/etc/alpine-release`); empty where a
    /// rolling release has none.
    pub version: Text,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub codename: Option<Text>,
    /// `PRETTY_NAME`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub title: Option<Text>,
    /// The day on which security support ends, extended support that must be bought left out; `None`: not known.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub end_of_life: Option<Date>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layer {
    /// Digest of the uncompressed tar.
    pub diff_id: Text,
    /// Digest of the blob as it was stored, where there is one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub digest: Option<Text>,
    /// `created_by` of its history line.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub created_by: Option<Text>,
    /// Whether it came with the base image; `None`: nothing says it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub of_base: Option<bool>,
    /// Bytes of the uncompressed tar.
    pub size: u64,
}

/// A package of a distribution or of a language, or a program that no package manager owns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Component {
    /// purl type: `deb`, `apk`, `rpm`, `npm`, `pypi`, `golang`, `maven`, `gem`, `composer`, `nuget`, `cargo`;
    /// `generic` for recognised programs.
    pub kind: Text,
    /// purl namespace: `debian`, `@scope`, `org.apache.logging.log4j`, `github.com/gin-gonic`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub namespace: Option<Text>,
    pub name: Text,
    /// As its ecosystem writes it, with the epoch; empty: not known.
    pub version: Text,
    /// Canonical purl with the qualifiers that matching needs (`arch`, `epoch`, `upstream`, `distro`).
    pub purl: Text,
    /// The source package, which the advisories of distributions name.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub source: Option<SourcePackage>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub architecture: Option<Text>,
    /// rpm module label: `nodejs:18:8090020240101:abcdef`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub module: Option<Text>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub vendor: Option<Text>,
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub licenses: Vec<Text>,
    pub found: FoundAs,
    /// Where; never empty for what was read from files.
    pub at: Vec<Place>,
    /// The distribution's component that installed its files.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub owner: Option<u32>,
    /// Paths that it installed, without a leading slash.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub files: Vec<Text>,
    /// What the program links of it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub linked: Option<u32>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SourcePackage {
    pub name: Text,
    /// Empty: the same as the component's.
    pub version: Text,
}

/// Where a component stands.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Place {
    /// Without a leading slash; `app.jar!/lib/log4j-core-2.14.1.jar` for what lies in archives.
    pub path: Text,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub layer: Option<u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FoundAs {
    /// Installed by a package manager.
    Installed,
    /// Recorded in a program or archive that contains it: Go build information, auditable Rust, a nested jar.
    Embedded,
    /// A program known by the version text in it.
    Recognized,
    /// Only named by a lock file or a manifest; it need not be there.
    Declared,
}

/// The functions that a program links.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Linked {
    pub path: Text,
    /// Ordered, as the program's own table writes them: `golang.org/x/net/http2.(*Server).ServeConn`; inlined ones too.
    /// Import paths are unescaped, type arguments left out, closures and method values folded into their function, and
    /// the main package stands under its import path where that is known. So a symbol `F` or `T.M` of package `P` (OSV,
    /// `imports`) is linked as `P.F`, `P.T.M` or `P.(*T).M`, and `init` of any kind (`init#1`) runs if anything of `P`
    /// is linked.
    /// `None`: the table is missing or garbled, so nothing is known.
    pub functions: Option<Vec<Text>>,
}

/// What an image says of itself (OCI image-spec, config.md).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageConfig {
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub created: Option<Timestamp>,
    /// `User`; `None` or empty is root.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub user: Option<Text>,
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub entrypoint: Vec<Text>,
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub command: Vec<Text>,
    /// `80/tcp`.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub ports: Vec<Text>,
    /// Names only: values may be secrets.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub environment: Vec<Text>,
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub labels: Vec<(Text, Text)>,
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub history: Vec<HistoryLine>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryLine {
    pub created_by: Text,
    /// It brought no layer.
    pub empty: bool,
}

/// A problem of the artifact itself; text of a secret never stands here.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Remark {
    /// Stable id: `image-root-user`, `image-setuid`, `secret-private-key`.
    pub check: Text,
    pub place: Place,
    /// First line of it, from 1.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub line: Option<u32>,
    /// What was seen, redacted.
    pub what: Text,
}
