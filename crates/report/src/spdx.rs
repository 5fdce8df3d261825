//! SPDX 2.3 (JSON): artifacts, packages, what contains what, licences, advisories. In: a view. Out: one document, written
//! as a stream. Same input, same bytes. Never: a licence or a source claimed that no package says.

use crate::each::Each;
use crate::escape::{visible, write_json};
use crate::installed::{Installed, Unit, Units, findings, units};
use crate::licences;
use crate::names::Names;
use crate::sarif::is_web;
use crate::serial;
use crate::target;
use crate::view::View;
use crate::wording as word;
use model::inventory::FoundAs;
use model::keys::sha256_hex;
use model::matches::{ArtifactKind, Category};
use model::purl::is_uri;
use rustc_hash::FxHashMap;
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_field_names, reason = "documentNamespace is its name")]
struct Document<'a> {
    spdx_version: &'static str,
    data_license: &'static str,
    #[serde(rename = "SPDXID")]
    id: &'static str,
    name: String,
    document_namespace: String,
    creation_info: Value,
    annotations: Vec<Value>,
    packages: Each<'a, Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    has_extracted_licensing_infos: Vec<Value>,
    relationships: Each<'a, Value>,
}

struct Source<'a> {
    view: &'a View<'a>,
    names: &'a Names,
    units: &'a Units<'a>,
    /// Number of each unit's first package in the document.
    first: Vec<usize>,
    advisories: Advisories<'a>,
}

/// Pages on each package's vulnerabilities with the ids that they are about, by unit and package.
type Advisories<'a> = FxHashMap<(usize, u32), BTreeMap<&'a str, BTreeSet<&'a str>>>;

const NOTHING: &str = "NOASSERTION";

pub fn write(view: &View, out: &mut dyn Write) -> io::Result<()> {
    let names = Names::of(view);
    let units = units(view);
    let first = units.all.iter().scan(0, |next, unit| {
        let first = *next;
        *next += unit.packages.len();
        Some(first)
    });
    let source = Source {
        view,
        names: &names,
        units: &units,
        first: first.collect(),
        advisories: advisories(view, &units),
    };
    let s = &source;
    let about = &view.assessment.about;
    let name = match &*s.units.all {
        [one] => s.text(one.name),
        _ => s.text(about.cluster_name.as_deref().unwrap_or("scan")),
    };
    let document = Document {
        spdx_version: "SPDX-2.3",
        data_license: "CC0-1.0",
        id: "SPDXRef-DOCUMENT",
        name,
        document_namespace: format!(
            "urn:uuid:{}",
            serial::of_document(view, &names, &units, "spdx")
        ),
        creation_info: json!({
            "created": s.created(),
            "creators": [s.tool()],
        }),
        annotations: s.annotations(),
        packages: Each(Box::new(move || Box::new(s.packages()))),
        has_extracted_licensing_infos: s.licences(),
        relationships: Each(Box::new(move || Box::new(s.relationships()))),
    };
    write_json(&document, out)
}

fn advisories<'a>(view: &View<'a>, units: &Units<'a>) -> Advisories<'a> {
    let mut all: Advisories = FxHashMap::default();
    for finding in findings(view.assessment) {
        let vulnerable =
            finding.category == Category::Vulnerability && finding.suppression.is_none();
        let (true, Some((u, unit)), Some(package)) =
            (vulnerable, units.of(finding), view.package(finding))
        else {
            continue;
        };
        for package in unit.find(package) {
            let pages = view
                .cited(finding)
                .filter_map(|cited| cited.advisory?.url.as_deref())
                .filter(|page| is_web(page));
            for page in pages {
                let of_package = all.entry((u, *package)).or_default();
                of_package.entry(page).or_default().insert(&finding.id);
            }
        }
    }
    all
}

impl Source<'_> {
    fn text(&self, text: &str) -> String {
        self.names.show(text).into_owned()
    }

    fn created(&self) -> String {
        let now = self.view.assessment.about.now;
        now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
    }

    fn tool(&self) -> String {
        let version = &self.view.assessment.about.tool_version;
        format!("Tool: plimsoll-{}", visible(version))
    }

    /// Gaps, the verdict, and what of findings SPDX has no place for.
    fn annotations(&self) -> Vec<Value> {
        let all = self.view.assessment;
        let gaps = all.ledger.gaps.iter().map(|gap| {
            let what = format!("not seen ({}): {}", word::weight(gap.weight), gap.what);
            self.annotation(&self.text(&what))
        });
        let findings = format!(
            "{} and {} when it was written; advisories of open ones stand with their packages",
            word::counted(all.findings.len() + all.unjoined.len(), "open finding"),
            word::counted(all.suppressed.len(), "suppressed finding"),
        );
        std::iter::once(self.annotation(&findings))
            .chain(gaps)
            .collect()
    }

    fn annotation(&self, comment: &str) -> Value {
        json!({
            "annotationDate": self.created(),
            "annotationType": "OTHER",
            "annotator": self.tool(),
            "comment": comment,
        })
    }

    /// A document describes something, so an empty scan says that it is one.
    fn nothing(&self) -> Option<Value> {
        self.units.all.is_empty().then(|| {
            let mut package = bare(&artifact_id(0), "nothing");
            package["comment"] = json!("no image, file tree or list of packages was looked at");
            package
        })
    }

    fn packages(&self) -> impl Iterator<Item = Value> + '_ {
        let units = self
            .units
            .all
            .iter()
            .enumerate()
            .flat_map(move |(u, unit)| {
                let artifact = std::iter::once(self.artifact(u, unit));
                let system = Self::system(u, unit);
                let packages = unit.packages.iter().enumerate();
                let packages = packages.map(move |(p, package)| self.package(u, p, unit, *package));
                artifact.chain(system).chain(packages)
            });
        self.nothing().into_iter().chain(units)
    }

    fn artifact(&self, u: usize, unit: &Unit) -> Value {
        let is_image = unit.is_image(self.view.assessment);
        let mut package = bare(&artifact_id(u), &self.text(unit.name));
        package["primaryPackagePurpose"] = json!(match unit.kind {
            _ if is_image => "CONTAINER",
            ArtifactKind::Node => "DEVICE",
            _ => "OTHER",
        });
        package["externalRefs"] = json!([purl(&target::purl(self.view, self.names, unit))]);
        if let Some(digest) = target::digest(self.names, unit) {
            package["versionInfo"] = json!(digest);
            if let Some(("sha256", hex)) = digest.split_once(':') {
                package["checksums"] =
                    json!([{"algorithm": "SHA256", "checksumValue": hex.to_ascii_lowercase()}]);
            }
        }
        // Its layers from the lowest up, in Trivy's words; packages name them by number.
        let layers = unit
            .inventory
            .map_or(&[][..], |inventory| &*inventory.layers);
        if !layers.is_empty() && !self.names.redacts() {
            let layers = layers.iter();
            let notes = layers.map(|layer| self.annotation(&format!("DiffID: {}", layer.diff_id)));
            package["annotations"] = notes.collect();
        }
        if unit.inventory.is_none() {
            package["comment"] =
                json!("another tool scanned it: only packages with findings are listed");
        }
        package
    }

    fn system(u: usize, unit: &Unit) -> Option<Value> {
        let release = unit.inventory?.release.as_ref()?;
        let mut package = bare(&system_id(u), &release.id);
        package["primaryPackagePurpose"] = json!("OPERATING-SYSTEM");
        if !release.version.is_empty() {
            package["versionInfo"] = json!(release.version);
        }
        if let Some(end) = release.end_of_life {
            package["validUntilDate"] = json!(format!("{end}T00:00:00Z"));
        }
        Some(package)
    }

    fn id(&self, u: usize, p: usize) -> String {
        let first = self.first.get(u).copied().unwrap_or(0);
        format!("SPDXRef-Package-{}", first + p + 1)
    }

    fn package(&self, u: usize, p: usize, unit: &Unit, installed: Installed) -> Value {
        let mut package = bare(&self.id(u, p), &full_name(installed));
        if !installed.version().is_empty() {
            package["versionInfo"] = json!(installed.version());
        }
        package["primaryPackagePurpose"] = json!(match installed.kind() {
            "generic" => "APPLICATION",
            _ => "LIBRARY",
        });
        let mut references = Vec::new();
        if let Some(found) = installed.purl().filter(|purl| is_uri(purl)) {
            references.push(purl(found));
        }
        let key = (u, u32::try_from(p).unwrap_or(u32::MAX));
        for (page, ids) in self.advisories.get(&key).into_iter().flatten() {
            let ids: Vec<&str> = ids.iter().copied().collect();
            references.push(json!({
                "referenceCategory": "SECURITY",
                "referenceType": "advisory",
                "referenceLocator": page,
                "comment": ids.join(", "),
            }));
        }
        if !references.is_empty() {
            package["externalRefs"] = json!(references);
        }
        let mut said = Vec::new();
        let places = installed.paths();
        if !places.is_empty() {
            said.push(format!("found in {}", self.text(&places.join(", "))));
        }
        if let Some((number, _)) = unit.layer(installed) {
            said.push(format!("brought by layer {number}"));
        }
        if let Some(c) = installed.component() {
            package["licenseDeclared"] = json!(declared(&c.licenses));
            if let Some(vendor) = c
                .vendor
                .as_deref()
                .filter(|vendor| !vendor.trim().is_empty())
            {
                package["supplier"] = json!(format!("Organization: {}", visible(vendor)));
            }
            if let Some(source) = &c.source {
                let version = Some(&*source.version).filter(|v| !v.is_empty());
                said.push(format!(
                    "built from {} {}",
                    source.name,
                    version.unwrap_or(&c.version)
                ));
            }
            if let Some(module) = &c.module {
                said.push(format!("of module {module}"));
            }
            if c.found == FoundAs::Declared {
                said.push("only declared by a lock file or manifest, it need not be there".into());
            }
        }
        if !said.is_empty() {
            package["sourceInfo"] = json!(said.join("; "));
        }
        package
    }

    fn relationships(&self) -> impl Iterator<Item = Value> + '_ {
        let nothing = self.nothing();
        let nothing = nothing.map(|_| relation("SPDXRef-DOCUMENT", "DESCRIBES", &artifact_id(0)));
        let units = self
            .units
            .all
            .iter()
            .enumerate()
            .flat_map(move |(u, unit)| {
                let artifact = artifact_id(u);
                let describes = relation("SPDXRef-DOCUMENT", "DESCRIBES", &artifact);
                let system = Self::system(u, unit);
                let system = system.map(|_| relation(&artifact, "CONTAINS", &system_id(u)));
                let packages = unit.packages.iter().enumerate().map(move |(p, package)| {
                    let owner = package.component().and_then(|c| c.owner);
                    let owner = owner.and_then(|owner| usize::try_from(owner).ok());
                    let owner = owner.filter(|owner| *owner < unit.packages.len() && *owner != p);
                    let from = owner.map_or_else(|| artifact_id(u), |owner| self.id(u, owner));
                    relation(&from, "CONTAINS", &self.id(u, p))
                });
                std::iter::once(describes).chain(system).chain(packages)
            });
        nothing.into_iter().chain(units)
    }

    /// Licences that are not of the SPDX list, each once.
    fn licences(&self) -> Vec<Value> {
        let all: BTreeSet<&str> = self
            .units
            .all
            .iter()
            .flat_map(|unit| &unit.packages)
            .filter_map(|package| package.component())
            .flat_map(|component| &component.licenses)
            .map(|licence| &**licence)
            .filter(|licence| !licences::is_known(licence) && !licence.trim().is_empty())
            .collect();
        all.into_iter()
            .map(|licence| {
                json!({
                    "licenseId": licence_ref(licence),
                    "name": visible(licence),
                    "extractedText": format!("The package calls its licence: {}", visible(licence)),
                })
            })
            .collect()
    }
}

fn artifact_id(u: usize) -> String {
    format!("SPDXRef-Artifact-{}", u + 1)
}

fn system_id(u: usize) -> String {
    format!("SPDXRef-System-{}", u + 1)
}

/// All that every package must say, and that nothing of it is claimed.
fn bare(id: &str, name: &str) -> Value {
    json!({
        "SPDXID": id,
        "name": if name.is_empty() { "unnamed" } else { name },
        "downloadLocation": NOTHING,
        "filesAnalyzed": false,
        "licenseConcluded": NOTHING,
        "licenseDeclared": NOTHING,
        "copyrightText": NOTHING,
    })
}

fn full_name(package: Installed) -> String {
    let namespace = package.component().and_then(|c| c.namespace.as_deref());
    match namespace.filter(|_| !package.is_of_system()) {
        Some(namespace) if package.kind() == "maven" => format!("{namespace}:{}", package.name()),
        Some(namespace) => format!("{namespace}/{}", package.name()),
        None => package.name().to_owned(),
    }
}

fn purl(purl: &str) -> Value {
    json!({
        "referenceCategory": "PACKAGE-MANAGER",
        "referenceType": "purl",
        "referenceLocator": purl,
    })
}

fn relation(from: &str, kind: &str, to: &str) -> Value {
    json!({"spdxElementId": from, "relationshipType": kind, "relatedSpdxElement": to})
}

/// A licence expression (SPDX 2.3, annex D) of all that it declares.
fn declared<T: AsRef<str>>(all: &[T]) -> String {
    let parts: BTreeSet<String> = all
        .iter()
        .map(AsRef::as_ref)
        .filter(|licence| !licence.trim().is_empty())
        .map(|licence| {
            if licences::is_known(licence) {
                licence.to_owned()
            } else {
                licence_ref(licence)
            }
        })
        .collect();
    if parts.is_empty() {
        return NOTHING.to_owned();
    }
    parts.into_iter().collect::<Vec<_>>().join(" AND ")
}

fn licence_ref(licence: &str) -> String {
    let digest = sha256_hex(licence.as_bytes());
    format!("LicenseRef-{}", digest.get(..16).unwrap_or(""))
}
