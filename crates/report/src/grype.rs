//! Grype's JSON report (`grype/presenter/models`), for pipelines that parse it. In: a view of one artifact. Out: a match
//! for each open vulnerability, an ignored match for each that is taken out; gaps under `plimsoll`, which Grype has no
//! place for. Never: several artifacts, or findings that are no vulnerabilities, which the form cannot hold.

use crate::each::Each;
use crate::escape::write_json;
use crate::foreign::{self, Written, reasons};
use crate::installed::{Installed, Unit, units};
use crate::names::Names;
use crate::target;
use crate::view::{Cited, View, at};
use model::evidence::Fact;
use model::finding::Finding;
use model::matches::{ArtifactKind, Basis, Category, FixState, Package};
use model::vulnerability::{Severity, Vulnerability};
use serde::Serialize;
use serde_json::{Value, json};
use std::io::{self, Write};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Report<'a> {
    matches: Each<'a, Value>,
    ignored_matches: Each<'a, Value>,
    source: Value,
    distro: Value,
    descriptor: Value,
    plimsoll: Value,
}

#[derive(Clone, Copy)]
struct Context<'a> {
    view: View<'a>,
    names: &'a Names,
    unit: &'a Unit<'a>,
}

pub fn write(view: &View, out: &mut dyn Write) -> io::Result<()> {
    let names = Names::of(view);
    let units = units(view);
    let unit = foreign::only(&units, "Grype")?;
    let context = Context {
        view: *view,
        names: &names,
        unit,
    };
    let all = view.assessment;
    let is = |finding: &&Finding| finding.category == Category::Vulnerability;
    let report = Report {
        matches: Each(Box::new(move || {
            let open = all.findings.iter().chain(&all.unjoined).filter(is);
            Box::new(open.map(move |finding| context.entry(finding)))
        })),
        ignored_matches: Each(Box::new(move || {
            let out = all.suppressed.iter().filter(is);
            Box::new(out.map(move |finding| context.ignored(finding)))
        })),
        source: context.source(),
        distro: context.distro(),
        descriptor: json!({
            "name": "plimsoll",
            "version": all.about.tool_version,
            "timestamp": all.about.now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        }),
        plimsoll: foreign::told(view, &names, Written::Vulnerabilities),
    };
    write_json(&report, out)
}

/// Syft's type, language and Grype's matcher of a purl type (`syft/pkg/type.go`, `language.go`).
fn words(kind: &str) -> (&str, &'static str, &'static str) {
    match kind {
        "deb" => ("deb", "", "dpkg-matcher"),
        "apk" => ("apk", "", "apk-matcher"),
        "rpm" => ("rpm", "", "rpm-matcher"),
        "npm" => ("npm", "javascript", "javascript-matcher"),
        "pypi" => ("python", "python", "python-matcher"),
        "golang" => ("go-module", "go", "go-module-matcher"),
        "cargo" => ("rust-crate", "rust", "rust-matcher"),
        "maven" => ("java-archive", "java", "java-matcher"),
        "gem" => ("gem", "ruby", "ruby-gem-matcher"),
        "nuget" => ("dotnet", "dotnet", "dotnet-matcher"),
        "composer" => ("php-composer", "php", "stock-matcher"),
        "generic" => ("binary", "", "stock-matcher"),
        kind => (kind, "", "stock-matcher"),
    }
}

fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "Critical",
        Severity::High => "High",
        Severity::Medium => "Medium",
        Severity::Low => "Low",
        Severity::Negligible => "Negligible",
        Severity::Unknown => "Unknown",
    }
}

/// Grype `vulnerability/fix.go`.
fn state(state: FixState) -> &'static str {
    match state {
        FixState::Fixed => "fixed",
        FixState::NotFixed | FixState::Deferred => "not-fixed",
        FixState::WillNotFix | FixState::EndOfLife => "wont-fix",
        FixState::UnderInvestigation | FixState::NotAffected | FixState::Unknown => "unknown",
    }
}

impl Context<'_> {
    fn show(&self, text: &str) -> String {
        self.names.show(text).into_owned()
    }

    fn source(&self) -> Value {
        let name = self.show(self.unit.name);
        let kind = match self.unit.kind {
            ArtifactKind::Filesystem | ArtifactKind::Repository => "directory",
            ArtifactKind::Sbom => "sbom-file",
            _ => "image",
        };
        if kind != "image" {
            return json!({"type": kind, "target": name});
        }
        let identity = self.unit.identity;
        let platform = identity.platform.as_deref().unwrap_or("");
        let (os, architecture) = platform.split_once('/').unwrap_or((platform, ""));
        let mut target = json!({"userInput": name, "architecture": architecture, "os": os});
        if self.names.redacts() {
            return json!({"type": kind, "target": target});
        }
        target["imageID"] = json!(identity.config.as_deref().unwrap_or(""));
        target["manifestDigest"] = json!(identity.manifests.first().map_or("", |d| &**d));
        let reference = target::reference(&self.view, self.unit);
        let tag = reference.as_ref().and_then(|reference| {
            let tag = reference.tag.as_ref()?;
            Some(format!("{}:{tag}", reference.name()))
        });
        target["tags"] = json!(tag.as_slice());
        let digest = reference.as_ref().and_then(|reference| {
            let digest = identity.manifests.first()?;
            Some(format!("{}@{digest}", reference.name()))
        });
        target["repoDigests"] = json!(digest.as_slice());
        let layers = self.unit.inventory.map_or(&[][..], |i| &i.layers);
        let layers: Vec<Value> = layers
            .iter()
            .map(|layer| json!({"digest": layer.diff_id, "size": layer.size}))
            .collect();
        target["layers"] = json!(layers);
        json!({"type": kind, "target": target})
    }

    fn distro(&self) -> Value {
        if let Some(release) = self.unit.inventory.and_then(|i| i.release.as_ref()) {
            return json!({"name": release.id, "version": release.version, "idLike": release.like});
        }
        let image = at(&self.view.assessment.images, self.unit.image);
        match image.and_then(|image| image.os.as_ref()) {
            Some(os) => json!({"name": os.id, "version": os.version, "idLike": []}),
            None => json!({"name": "", "version": "", "idLike": null}),
        }
    }

    fn entry(&self, finding: &Finding) -> Value {
        let known = self.view.vulnerability(finding);
        let cited: Vec<Cited> = self.view.cited(finding).collect();
        let package = self.view.package(finding);
        let related: Vec<Value> = known
            .iter()
            .flat_map(|v| &v.aliases)
            .map(|alias| json!({"id": alias, "severity": severity(finding.severity)}))
            .collect();
        let basis = cited.iter().find_map(|cited| {
            let set = at(&self.view.assessment.sets, Some(cited.set))?;
            at(&set.bases, cited.said.basis)
        });
        json!({
            "vulnerability": self.vulnerability(finding, known, &cited),
            "relatedVulnerabilities": related,
            "matchDetails": [details(finding, package, basis)],
            "artifact": self.artifact(package),
        })
    }

    fn vulnerability(
        &self,
        finding: &Finding,
        known: Option<&Vulnerability>,
        cited: &[Cited],
    ) -> Value {
        let mut links: Vec<&str> = cited
            .iter()
            .filter_map(|cited| cited.advisory?.url.as_deref())
            .filter(|url| crate::sarif::is_web(url))
            .collect();
        links.sort_unstable();
        links.dedup();
        let feed = cited
            .iter()
            .find_map(|cited| cited.advisory?.feed.as_deref());
        let mut text = self.view.title(finding).unwrap_or("").to_owned();
        let reasons = reasons(&self.view, finding);
        if !text.is_empty() && !reasons.is_empty() {
            text.push_str(". ");
        }
        text.push_str(&reasons);
        let cvss: Vec<Value> = known
            .iter()
            .flat_map(|v| &v.cvss)
            .map(|cvss| {
                json!({
                    "source": cvss.source,
                    "type": "Primary",
                    "version": cvss.version,
                    "vector": cvss.vector,
                    "metrics": {"baseScore": cvss.base},
                    "vendorMetadata": {},
                })
            })
            .collect();
        let mut one = json!({
            "id": finding.id,
            "dataSource": links.first().copied().unwrap_or(""),
            "namespace": feed.unwrap_or(""),
            "severity": severity(finding.severity),
            "urls": links,
            "description": self.show(&text),
            "cvss": cvss,
            "fix": {"versions": finding.fix.versions, "state": state(finding.fix.state)},
            "advisories": [],
        });
        if let Some(scored) = self.view.score(finding) {
            one["risk"] = json!(scored.score.points.expected);
        }
        let Some(known) = known else { return one };
        if let Fact::Is(epss) = &known.epss {
            one["epss"] = json!([{
                "cve": known.id,
                "epss": epss.score,
                "percentile": epss.percentile,
                "date": epss.date,
            }]);
        }
        if let Fact::Is(kev) = &known.kev {
            let ransomware = if kev.ransomware { "Known" } else { "Unknown" };
            one["knownExploited"] = json!([{
                "cve": known.id,
                "dateAdded": kev.added,
                "knownRansomwareCampaignUse": ransomware,
            }]);
        }
        if !known.cwes.is_empty() {
            let cwes = known.cwes.iter();
            let cwes: Vec<Value> = cwes
                .map(|cwe| json!({"cve": known.id, "cwe": cwe}))
                .collect();
            one["cwes"] = json!(cwes);
        }
        one
    }

    fn artifact(&self, package: Option<&Package>) -> Value {
        let Some(package) = package else {
            return json!({"name": "", "version": "", "type": "", "locations": [], "purl": ""});
        };
        let found = self.unit.find(package).first();
        let found = found.and_then(|n| self.unit.packages.get(usize::try_from(*n).ok()?));
        let installed = found.copied().unwrap_or(Installed::Package(package));
        let layer = self.unit.layer(installed).filter(|_| !self.names.redacts());
        let locations: Vec<Value> = package
            .locations
            .iter()
            .map(|path| {
                // Syft's paths are absolute, those of archives in archives have a colon.
                let path = format!("/{}", self.show(path).trim_start_matches('/'));
                match layer {
                    Some((_, layer)) => json!({"path": path, "layerID": layer.diff_id}),
                    None => json!({"path": path}),
                }
            })
            .collect();
        let component = installed.component();
        let upstreams: Vec<Value> = package
            .upstream
            .iter()
            .map(|name| json!({"name": name}))
            .collect();
        let (kind, language, _) = words(&package.kind);
        json!({
            "name": package.name,
            "version": package.version,
            "type": kind,
            "locations": locations,
            "language": language,
            "licenses": component.map_or(&[][..], |c| &c.licenses),
            "cpes": [],
            "purl": package.purl.as_deref().unwrap_or(""),
            "upstreams": upstreams,
        })
    }

    fn ignored(&self, finding: &Finding) -> Value {
        let mut one = self.entry(finding);
        let suppression = finding.suppression.as_ref();
        let (by, reason) = suppression.map_or(("", ""), |s| (&s.by, &s.reason));
        one["appliedIgnoreRules"] = json!([{
            "vulnerability": finding.id,
            "namespace": "",
            "reason": self.show(&format!("{by}: {reason}")),
        }]);
        one
    }
}

fn details(finding: &Finding, package: Option<&Package>, basis: Option<&Basis>) -> Value {
    let (_, _, matcher) = words(package.map_or("", |package| &*package.kind));
    let Some(basis) = basis else {
        return json!({
            "type": "exact-direct-match",
            "matcher": matcher,
            "searchedBy": {},
            "found": {"vulnerabilityID": finding.id, "versionConstraint": ""},
        });
    };
    let kind = if basis.of_source {
        "exact-indirect-match"
    } else {
        "exact-direct-match"
    };
    let constraint = match (&basis.fixed, &basis.last_affected) {
        (Some(fixed), _) => format!("< {fixed} ({})", basis.order),
        (None, Some(last)) => format!("<= {last} ({})", basis.order),
        (None, None) => format!("none ({})", basis.order),
    };
    json!({
        "type": kind,
        "matcher": matcher,
        "searchedBy": {
            "namespace": basis.feed,
            "ecosystem": basis.ecosystem,
            "package": {"name": basis.package, "version": basis.version},
        },
        "found": {"vulnerabilityID": basis.advisory, "versionConstraint": constraint},
    })
}
