//! Trivy's JSON report, schema 2 (`pkg/types/report.go`), for pipelines that parse it. In: a view of one artifact. Out:
//! results by target; what is taken out as modified findings; gaps under `Plimsoll`, which Trivy has no place for.
//! Never: several artifacts, which the schema cannot hold.

use crate::claim::{Claim, claim};
use crate::each::Each;
use crate::escape::write_json;
use crate::foreign::{self, Written, at_file, file_of, line_of, reasons};
use crate::installed::{Installed, Unit, units};
use crate::names::Names;
use crate::target;
use crate::view::View;
use model::finding::Finding;
use model::inventory::{FoundAs, ImageConfig};
use model::matches::{ArtifactKind, Category, Package};
use model::vulnerability::Severity;
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::io::{self, Write};

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Report<'a> {
    schema_version: u8,
    created_at: String,
    artifact_name: String,
    artifact_type: &'static str,
    metadata: Value,
    results: Each<'a, Outcome<'a>>,
    plimsoll: Value,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Outcome<'a> {
    target: &'a str,
    class: &'static str,
    #[serde(rename = "Type", skip_serializing_if = "str::is_empty")]
    kind: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    packages: Option<Each<'a, Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    vulnerabilities: Option<Each<'a, Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    misconf_summary: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    misconfigurations: Option<Each<'a, Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    secrets: Option<Each<'a, Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    licenses: Option<Each<'a, Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    experimental_modified_findings: Option<Each<'a, Value>>,
}

/// What makes one result: its class in Trivy's order, its type, its target.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    class: Class,
    kind: String,
    target: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Class {
    Os,
    Language,
    Config,
    Secret,
    License,
}

impl Class {
    fn word(self) -> &'static str {
        match self {
            Class::Os => "os-pkgs",
            Class::Language => "lang-pkgs",
            Class::Config => "config",
            Class::Secret => "secret",
            Class::License => "license",
        }
    }
}

#[derive(Default)]
struct Group<'a> {
    packages: Vec<Installed<'a>>,
    open: Vec<&'a Finding>,
    suppressed: Vec<&'a Finding>,
}

/// Everything that an element of the report is made of.
#[derive(Clone, Copy)]
struct Context<'a> {
    view: View<'a>,
    names: &'a Names,
    unit: &'a Unit<'a>,
}

pub fn write(view: &View, out: &mut dyn Write) -> io::Result<()> {
    let names = Names::of(view);
    let units = units(view);
    let unit = foreign::only(&units, "Trivy")?;
    let context = Context {
        view: *view,
        names: &names,
        unit,
    };
    let mut groups: BTreeMap<Key, Group> = BTreeMap::new();
    for package in &unit.packages {
        let group = groups.entry(context.key_of(*package)).or_default();
        group.packages.push(*package);
    }
    let all = view.assessment;
    for finding in all.findings.iter().chain(&all.unjoined) {
        let group = groups.entry(context.key(finding)).or_default();
        group.open.push(finding);
    }
    for finding in &all.suppressed {
        let group = groups.entry(context.key(finding)).or_default();
        group.suppressed.push(finding);
    }
    let about = &all.about;
    let groups = &groups;
    let report = Report {
        schema_version: 2,
        created_at: about.now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        artifact_name: context.name(),
        artifact_type: kind(unit),
        metadata: context.metadata(),
        results: Each(Box::new(move || {
            Box::new(
                groups
                    .iter()
                    .map(move |(key, group)| context.outcome(key, group)),
            )
        })),
        plimsoll: foreign::told(view, &names, Written::Everything),
    };
    write_json(&report, out)
}

fn kind(unit: &Unit) -> &'static str {
    match unit.kind {
        ArtifactKind::Filesystem => "filesystem",
        ArtifactKind::Repository => "repository",
        ArtifactKind::Sbom => "cyclonedx",
        ArtifactKind::Node => "vm",
        ArtifactKind::Image | ArtifactKind::KubernetesObject | ArtifactKind::Unknown => {
            "container_image"
        }
    }
}

/// Trivy's word of a distribution (`pkg/fanal/types/const.go`).
fn family(id: &str) -> &str {
    match id {
        "rhel" => "redhat",
        "almalinux" => "alma",
        "ol" => "oracle",
        "amzn" => "amazon",
        "sles" => "suse linux enterprise server",
        "mariner" => "cbl-mariner",
        id => id,
    }
}

/// Trivy's type of a language's packages and, where it folds them into one target, that target's name
/// (`pkg/fanal/analyzer/const.go`, `pkg/scanner/langpkg`).
fn language(kind: &str, declared: bool) -> (&str, Option<&'static str>) {
    match (kind, declared) {
        ("npm", false) => ("node-pkg", Some("Node.js")),
        ("pypi", false) => ("python-pkg", Some("Python")),
        ("maven", false) => ("jar", Some("Java")),
        ("gem", false) => ("gemspec", Some("Ruby")),
        ("golang", false) => ("gobinary", None),
        ("cargo", false) => ("rustbinary", None),
        ("composer", false) => ("composer-vendor", None),
        ("nuget", _) => ("dotnet-core", None),
        ("pypi", true) => ("pip", None),
        ("golang", true) => ("gomod", None),
        ("maven", true) => ("pom", None),
        ("gem", true) => ("bundler", None),
        (kind, _) => (kind, None),
    }
}

fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "CRITICAL",
        Severity::High => "HIGH",
        Severity::Medium => "MEDIUM",
        // Trivy has no lower one.
        Severity::Low | Severity::Negligible => "LOW",
        Severity::Unknown => "UNKNOWN",
    }
}

impl<'a> Context<'a> {
    fn show(&self, text: &str) -> String {
        self.names.show(text).into_owned()
    }

    fn name(&self) -> String {
        self.show(self.unit.name)
    }

    /// Distribution and version, as Trivy says them.
    fn system(&self) -> Option<(&'a str, &'a str)> {
        if let Some(release) = self.unit.inventory.and_then(|i| i.release.as_ref()) {
            return Some((family(&release.id), &release.version));
        }
        let image = self.unit.image?;
        let image = crate::view::at(&self.view.assessment.images, Some(image))?;
        let os = image.os.as_ref()?;
        Some((family(&os.id), &os.version))
    }

    fn key_of(&self, package: Installed) -> Key {
        if package.is_of_system() {
            let system = self.system();
            let kind = system.map_or(package.kind(), |(family, _)| family);
            let target = match system {
                Some((family, version)) => format!("{} ({family} {version})", self.name()),
                None => self.name(),
            };
            return Key {
                class: Class::Os,
                kind: kind.to_owned(),
                target,
            };
        }
        let declared = package
            .component()
            .is_some_and(|c| c.found == FoundAs::Declared);
        let (kind, folded) = language(package.kind(), declared);
        let target = match folded {
            Some(name) => name.to_owned(),
            None => match package.paths().first() {
                Some(path) => self.show(path),
                None => self.name(),
            },
        };
        Key {
            class: Class::Language,
            kind: kind.to_owned(),
            target,
        }
    }

    fn key(&self, finding: &Finding) -> Key {
        let class = match finding.category {
            Category::Vulnerability => None,
            Category::Secret => Some(Class::Secret),
            Category::License => Some(Class::License),
            Category::Misconfiguration | Category::Exposure | Category::Path => Some(Class::Config),
        };
        if let Some(class) = class {
            let kind = match class {
                Class::Config => "dockerfile",
                _ => "",
            };
            let target = file_of(finding).map_or_else(|| self.name(), |file| self.show(&file));
            return Key {
                class,
                kind: kind.to_owned(),
                target,
            };
        }
        match self.package(finding) {
            Some((_, installed)) => self.key_of(installed),
            None => Key {
                class: Class::Language,
                kind: "generic".to_owned(),
                target: self.name(),
            },
        }
    }

    /// The finding's package, and what the artifact has of it.
    fn package(&self, finding: &Finding) -> Option<(&'a Package, Installed<'a>)> {
        let package = self.view.package(finding)?;
        let found = self.unit.find(package).first();
        let found = found.and_then(|n| self.unit.packages.get(usize::try_from(*n).ok()?));
        Some((
            package,
            found.copied().unwrap_or(Installed::Package(package)),
        ))
    }

    fn metadata(&self) -> Value {
        let mut metadata = Map::new();
        if let Some((family, version)) = self.system() {
            let mut os = json!({"Family": family, "Name": version});
            let today = self
                .view
                .assessment
                .about
                .now
                .to_zoned(jiff::tz::TimeZone::UTC);
            let release = self.unit.inventory.and_then(|i| i.release.as_ref());
            let over = release.and_then(|release| release.end_of_life);
            if over.is_some_and(|day| day < today.date()) {
                os["EOSL"] = json!(true);
            }
            metadata.insert("OS".into(), os);
        }
        if self.names.redacts() {
            return Value::Object(metadata);
        }
        let identity = self.unit.identity;
        if let Some(config) = &identity.config {
            metadata.insert("ImageID".into(), json!(config));
        }
        let layers = self.unit.inventory.map_or(&[][..], |i| &i.layers);
        if !layers.is_empty() {
            let diff_ids: Vec<&str> = layers.iter().map(|layer| &*layer.diff_id).collect();
            metadata.insert("DiffIDs".into(), json!(diff_ids));
        }
        let reference = target::reference(&self.view, self.unit);
        if let Some(tagged) = reference.iter().find(|reference| reference.tag.is_some()) {
            let tag = format!("{}:{}", tagged.name(), tagged.tag.as_deref().unwrap_or(""));
            metadata.insert("RepoTags".into(), json!([tag]));
        }
        if let (Some(reference), Some(digest)) = (&reference, identity.manifests.first()) {
            let digest = format!("{}@{digest}", reference.name());
            metadata.insert("RepoDigests".into(), json!([digest]));
        }
        if let Some(reference) = &reference {
            metadata.insert("Reference".into(), json!(reference.to_string()));
        }
        if self.unit.kind == ArtifactKind::Image {
            let config = self.unit.inventory.and_then(|i| i.config.as_ref());
            metadata.insert("ImageConfig".into(), self.image_config(config));
        }
        Value::Object(metadata)
    }

    /// What is kept of the configuration; environment values are not.
    fn image_config(&self, config: Option<&ImageConfig>) -> Value {
        let platform = self.unit.identity.platform.as_deref().unwrap_or("");
        let (os, architecture) = platform.split_once('/').unwrap_or((platform, ""));
        let layers = self.unit.inventory.map_or(&[][..], |i| &i.layers);
        let diff_ids: Vec<&str> = layers.iter().map(|layer| &*layer.diff_id).collect();
        let mut one = json!({
            "architecture": architecture,
            "os": os,
            "rootfs": {"type": "layers", "diff_ids": diff_ids},
            "config": {},
        });
        let Some(config) = config else { return one };
        if let Some(created) = config.created {
            one["created"] = json!(created.strftime("%Y-%m-%dT%H:%M:%SZ").to_string());
        }
        let history: Vec<Value> = config
            .history
            .iter()
            .map(|line| {
                let mut one = json!({"created_by": line.created_by});
                if line.empty {
                    one["empty_layer"] = json!(true);
                }
                one
            })
            .collect();
        one["history"] = json!(history);
        if let Some(user) = &config.user {
            one["config"]["User"] = json!(user);
        }
        if !config.entrypoint.is_empty() {
            one["config"]["Entrypoint"] = json!(config.entrypoint);
        }
        if !config.command.is_empty() {
            one["config"]["Cmd"] = json!(config.command);
        }
        if !config.ports.is_empty() {
            let ports = config.ports.iter();
            let ports: Map<String, Value> =
                ports.map(|port| (port.to_string(), json!({}))).collect();
            one["config"]["ExposedPorts"] = Value::Object(ports);
        }
        one
    }

    fn outcome(self, key: &'a Key, group: &'a Group<'a>) -> Outcome<'a> {
        let of_class = |class: Class| key.class == class && !group.open.is_empty();
        let list = |one: fn(&Context<'a>, &Finding) -> Value| -> Each<'a, Value> {
            let open = &group.open;
            Each(Box::new(move || {
                Box::new(open.iter().map(move |finding| one(&self, finding)))
            }))
        };
        let vulnerable = matches!(key.class, Class::Os | Class::Language);
        let misconfigured = of_class(Class::Config);
        Outcome {
            target: &key.target,
            class: key.class.word(),
            kind: &key.kind,
            packages: (!group.packages.is_empty()).then(|| -> Each<'a, Value> {
                let packages = &group.packages;
                Each(Box::new(move || {
                    Box::new(packages.iter().map(move |package| self.installed(*package)))
                }))
            }),
            vulnerabilities: (vulnerable && !group.open.is_empty())
                .then(|| list(Context::vulnerability)),
            misconf_summary: misconfigured
                .then(|| json!({"Successes": 0, "Failures": group.open.len()})),
            misconfigurations: misconfigured.then(|| list(Context::misconfiguration)),
            secrets: of_class(Class::Secret).then(|| list(Context::secret)),
            licenses: of_class(Class::License).then(|| list(Context::license)),
            experimental_modified_findings: (!group.suppressed.is_empty()).then(
                || -> Each<'a, Value> {
                    let suppressed = &group.suppressed;
                    Each(Box::new(move || {
                        Box::new(suppressed.iter().map(move |finding| self.modified(finding)))
                    }))
                },
            ),
        }
    }

    fn layer(&self, package: Installed) -> Value {
        match self.unit.layer(package).filter(|_| !self.names.redacts()) {
            Some((_, layer)) => match &layer.digest {
                Some(digest) => json!({"Digest": digest, "DiffID": layer.diff_id}),
                None => json!({"DiffID": layer.diff_id}),
            },
            None => json!({}),
        }
    }

    fn installed(&self, package: Installed) -> Value {
        let (name, version) = (package.name(), package.version());
        let mut one = json!({
            "ID": format!("{name}@{version}"),
            "Name": name,
            "Version": version,
        });
        if let Some(purl) = package.purl() {
            one["Identifier"] = json!({"PURL": purl});
        }
        if let Some(component) = package.component() {
            if let Some(architecture) = &component.architecture {
                one["Arch"] = json!(architecture);
            }
            if let Some(source) = &component.source {
                let version = Some(&*source.version).filter(|v| !v.is_empty());
                one["SrcName"] = json!(source.name);
                one["SrcVersion"] = json!(version.unwrap_or(&component.version));
            }
            if !component.licenses.is_empty() {
                one["Licenses"] = json!(component.licenses);
            }
        }
        one["Layer"] = self.layer(package);
        if let Some(path) = package.paths().first().filter(|_| !package.is_of_system()) {
            one["FilePath"] = json!(self.show(path));
        }
        one
    }

    fn vulnerability(&self, finding: &Finding) -> Value {
        let known = self.view.vulnerability(finding);
        let mut one = json!({
            "VulnerabilityID": finding.id,
            "Status": finding.fix.state.word(),
            "Severity": severity(finding.severity),
        });
        let aliases = known.map_or(&[][..], |v| &v.aliases);
        if !aliases.is_empty() {
            one["VendorIDs"] = json!(aliases);
        }
        if let Some((package, installed)) = self.package(finding) {
            one["PkgID"] = json!(format!("{}@{}", package.name, package.version));
            one["PkgName"] = json!(package.name);
            one["InstalledVersion"] = json!(package.version);
            if let Some(purl) = &package.purl {
                one["PkgIdentifier"] = json!({"PURL": purl});
            }
            if let Some(upstream) = &package.upstream {
                one["SrcName"] = json!(upstream);
            }
            if let Some(path) = package
                .locations
                .first()
                .filter(|_| !installed.is_of_system())
            {
                one["PkgPath"] = json!(self.show(path));
            }
            one["Layer"] = self.layer(installed);
        }
        if !finding.fix.versions.is_empty() {
            one["FixedVersion"] = json!(finding.fix.versions.join(", "));
        }
        if let Some(title) = self.view.title(finding) {
            one["Title"] = json!(self.show(title));
        }
        let description = reasons(&self.view, finding);
        if !description.is_empty() {
            one["Description"] = json!(self.show(&description));
        }
        let cited: Vec<_> = self.view.cited(finding).collect();
        let mut links: Vec<&str> = cited
            .iter()
            .filter_map(|cited| cited.advisory?.url.as_deref())
            .filter(|url| crate::sarif::is_web(url))
            .collect();
        links.sort_unstable();
        links.dedup();
        if let Some(first) = links.first() {
            one["PrimaryURL"] = json!(first);
            one["References"] = json!(links);
        }
        if let Some(feed) = cited
            .iter()
            .find_map(|cited| cited.advisory?.feed.as_deref())
        {
            one["DataSource"] = json!({"ID": feed, "Name": feed});
        }
        let Some(known) = known else { return one };
        if !known.cwes.is_empty() {
            one["CweIDs"] = json!(known.cwes);
        }
        let mut vendors: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
        for cvss in &known.cvss {
            let (vector, score) = match &*cvss.version {
                "2.0" => ("V2Vector", "V2Score"),
                "4.0" => ("V40Vector", "V40Score"),
                _ => ("V3Vector", "V3Score"),
            };
            let vendor = vendors.entry(&cvss.source).or_default();
            if !vendor.contains_key(vector) {
                vendor.insert(vector.into(), json!(cvss.vector));
                vendor.insert(score.into(), json!(cvss.base));
            }
        }
        if !vendors.is_empty() {
            one["CVSS"] = json!(vendors);
        }
        if let Some(day) = known.published {
            one["PublishedDate"] = json!(format!("{day}T00:00:00Z"));
        }
        one
    }

    fn misconfiguration(&self, finding: &Finding) -> Value {
        let title = self.view.title(finding).unwrap_or(&finding.id);
        let mut one = json!({
            "Type": "Plimsoll check",
            "ID": finding.id,
            "Title": self.show(title),
            "Message": self.show(&at_file(finding, title)),
            "Severity": severity(finding.severity),
            "Status": "FAIL",
        });
        if let Some(line) = line_of(finding) {
            one["CauseMetadata"] = json!({"StartLine": line, "EndLine": line});
        }
        one
    }

    /// The text of the secret is in no finding.
    fn secret(&self, finding: &Finding) -> Value {
        let line = line_of(finding).unwrap_or(0);
        json!({
            "RuleID": finding.id,
            "Category": "secret",
            "Severity": severity(finding.severity),
            "Title": self.show(self.view.title(finding).unwrap_or(&finding.id)),
            "StartLine": line,
            "EndLine": line,
            "Code": {"Lines": null},
            "Match": "",
        })
    }

    fn license(&self, finding: &Finding) -> Value {
        json!({
            "Severity": severity(finding.severity),
            "Category": "unknown",
            "PkgName": self.view.package(finding).map_or("", |package| &*package.name),
            "FilePath": file_of(finding).map_or_else(String::new, |file| self.show(&file)),
            "Name": finding.id,
            "Confidence": 1,
            "Link": "",
        })
    }

    fn modified(&self, finding: &Finding) -> Value {
        let (kind, text) = match finding.category {
            Category::Vulnerability => ("vulnerability", self.vulnerability(finding)),
            Category::Secret => ("secret", self.secret(finding)),
            Category::License => ("license", self.license(finding)),
            Category::Misconfiguration | Category::Exposure | Category::Path => {
                ("misconfiguration", self.misconfiguration(finding))
            }
        };
        let status = match claim(finding) {
            Claim::NotAffected { .. } => "not_affected",
            Claim::Fixed => "fixed",
            // What was taken out stays out, whatever is still looked into.
            Claim::Affected | Claim::UnderInvestigation => "ignored",
        };
        let suppression = finding.suppression.as_ref();
        json!({
            "Type": kind,
            "Status": status,
            "Statement": self.show(suppression.map_or("", |s| &s.reason)),
            "Source": self.show(suppression.map_or("", |s| &s.by)),
            "Finding": text,
        })
    }
}
