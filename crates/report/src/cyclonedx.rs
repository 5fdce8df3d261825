//! CycloneDX 1.6 (JSON): what is installed, what brought it, what is known to be vulnerable. In: a view. Out: one
//! document, written as a stream. Same input, same bytes. Never: an ignored finding told as not affected.

use crate::claim::{Claim, Justification, advice, claim};
use crate::each::Each;
use crate::escape::write_json;
use crate::installed::{Installed, Unit, Units, findings, units};
use crate::licences;
use crate::names::Names;
use crate::sarif::is_web;
use crate::serial;
use crate::target;
use crate::view::View;
use crate::wording as word;
use jiff::civil::Date;
use model::assessment::Outcome;
use model::evidence::{Fact, GapWeight, Stage};
use model::finding::Finding;
use model::inventory::FoundAs;
use model::matches::{ArtifactKind, Category};
use model::purl::is_uri;
use model::vulnerability::{Severity, Vulnerability};
use rustc_hash::{FxHashMap, FxHashSet};
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_field_names, reason = "bomFormat is its name")]
struct Bom<'a> {
    #[serde(rename = "$schema")]
    schema: &'static str,
    bom_format: &'static str,
    spec_version: &'static str,
    serial_number: String,
    version: u32,
    metadata: Value,
    components: Each<'a, Value>,
    dependencies: Each<'a, Value>,
    compositions: Vec<Value>,
    vulnerabilities: Each<'a, Value>,
}

struct Source<'a> {
    view: &'a View<'a>,
    names: &'a Names,
    units: &'a Units<'a>,
    /// `bom-ref` of each unit, and of each package of each unit.
    roots: Vec<String>,
    refs: Vec<Vec<String>>,
}

pub fn write(view: &View, out: &mut dyn Write) -> io::Result<()> {
    let names = Names::of(view);
    let units = units(view);
    let source = Source::of(view, &names, &units);
    let groups = source.groups();
    let (s, groups) = (&source, &groups);
    let document = Bom {
        schema: "http://cyclonedx.org/schema/bom-1.6.schema.json",
        bom_format: "CycloneDX",
        spec_version: "1.6",
        serial_number: format!(
            "urn:uuid:{}",
            serial::of_document(view, &names, &units, "cyclonedx")
        ),
        version: 1,
        metadata: s.metadata(),
        components: Each(Box::new(move || Box::new(s.components()))),
        dependencies: Each(Box::new(move || Box::new(s.dependencies()))),
        compositions: s.compositions(),
        vulnerabilities: Each(Box::new(move || {
            Box::new(groups.iter().map(move |group| s.vulnerability(group)))
        })),
    };
    write_json(&document, out)
}

/// By whom, and why.
type Suppressed<'a> = Option<(&'a str, &'a str)>;

/// Findings of one vulnerability of which the same is claimed.
struct Group<'a> {
    claim: Claim<'a>,
    suppressed: Suppressed<'a>,
    findings: Vec<&'a Finding>,
}

impl<'a> Source<'a> {
    fn of(view: &'a View<'a>, names: &'a Names, units: &'a Units<'a>) -> Self {
        let mut used: FxHashMap<String, u32> = FxHashMap::default();
        let mut unique = |wanted: String| {
            let times = used.entry(wanted.clone()).or_default();
            *times += 1;
            match *times {
                1 => wanted,
                // `#` begins a subpath, which no package of ours has.
                n => format!("{wanted}#{n}"),
            }
        };
        let roots = (1..=units.all.len())
            .map(|number| unique(format!("artifact-{number}")))
            .collect();
        let mut of_package = |package: &Installed| {
            let purl = package.purl().filter(|purl| is_uri(purl));
            unique(purl.map_or_else(|| "package".to_owned(), ToOwned::to_owned))
        };
        let refs = units
            .all
            .iter()
            .map(|unit| unit.packages.iter().map(&mut of_package).collect())
            .collect();
        Source {
            view,
            names,
            units,
            roots,
            refs,
        }
    }

    fn text(&self, text: &str) -> String {
        self.names.show(text).into_owned()
    }

    fn root(&self, index: usize) -> &str {
        self.roots.get(index).map_or("", String::as_str)
    }

    fn package_ref(&self, unit: usize, package: usize) -> &str {
        let refs = self.refs.get(unit).and_then(|refs| refs.get(package));
        refs.map_or("", String::as_str)
    }

    fn metadata(&self) -> Value {
        let about = &self.view.assessment.about;
        let component = if let [one] = &*self.units.all {
            self.artifact(one, self.root(0))
        } else {
            let name = about.cluster_name.as_deref().unwrap_or("scan");
            json!({"bom-ref": "scan", "type": "platform", "name": self.text(name)})
        };
        let mut properties = vec![property(
            "plimsoll:verdict",
            match self.view.verdict.outcome {
                Outcome::Passed => "passed",
                Outcome::Failed => "failed",
                Outcome::NotCompleted => "not-completed",
            },
        )];
        if let Some(database) = &about.database {
            properties.push(property("plimsoll:database:sha-256", &database.digest));
        }
        for gap in &self.view.assessment.ledger.gaps {
            let name = format!("plimsoll:gap:{}:{}", word::weight(gap.weight), gap.class);
            properties.push(property(&name, &self.names.show(&gap.what)));
        }
        json!({
            "timestamp": about.now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            "tools": {"components": [
                {"type": "application", "name": "plimsoll", "version": about.tool_version}
            ]},
            "component": component,
            "properties": properties,
        })
    }

    fn artifact(&self, unit: &Unit, reference: &str) -> Value {
        let kind = if unit.is_image(self.view.assessment) {
            "container"
        } else {
            match unit.kind {
                ArtifactKind::Node => "device",
                _ => "application",
            }
        };
        let name = target::reference(self.view, unit).map_or_else(
            || self.text(unit.name),
            |reference| self.text(&reference.name()),
        );
        let mut artifact = json!({
            "bom-ref": reference,
            "type": kind,
            "name": name,
            "purl": target::purl(self.view, self.names, unit),
        });
        if let Some(digest) = target::digest(self.names, unit) {
            artifact["version"] = json!(digest);
        }
        let mut properties = vec![property("plimsoll:kind", word::artifact_kind(unit.kind))];
        if let Some(platform) = unit.identity.platform.as_deref() {
            properties.push(property("plimsoll:platform", platform));
        }
        if let Some(inventory) = unit.inventory {
            if let Some(id) = inventory
                .artifact
                .identity
                .config
                .as_deref()
                .filter(|_| !self.names.redacts())
            {
                properties.push(property("plimsoll:image:config", id));
            }
            for (number, layer) in inventory.layers.iter().enumerate() {
                let of = match layer.of_base {
                    Some(true) => "base image",
                    Some(false) => "application",
                    None => "unknown",
                };
                properties.push(property(&format!("plimsoll:layer:{number}:of"), of));
                if !self.names.redacts() {
                    let name = format!("plimsoll:layer:{number}:diff-id");
                    properties.push(property(&name, &layer.diff_id));
                }
            }
        }
        artifact["properties"] = json!(properties);
        artifact
    }

    /// The artifacts where there are several, each one's distribution, and the packages.
    fn components(&self) -> impl Iterator<Item = Value> + '_ {
        let several = self.units.all.len() != 1;
        self.units
            .all
            .iter()
            .enumerate()
            .flat_map(move |(u, unit)| {
                let artifact = several.then(|| self.artifact(unit, self.root(u)));
                let system = self.system(u, unit);
                let packages = unit.packages.iter().enumerate();
                let packages =
                    packages.map(move |(p, package)| self.component(u, p, unit, *package));
                artifact.into_iter().chain(system).chain(packages)
            })
    }

    fn system_ref(&self, unit: usize) -> String {
        format!("{}-system", self.root(unit))
    }

    fn system(&self, u: usize, unit: &Unit) -> Option<Value> {
        let release = unit.inventory?.release.as_ref()?;
        let mut system = json!({
            "bom-ref": self.system_ref(u),
            "type": "operating-system",
            "name": release.id,
        });
        if !release.version.is_empty() {
            system["version"] = json!(release.version);
        }
        if let Some(title) = &release.title {
            system["description"] = json!(title);
        }
        let end = release
            .end_of_life
            .map_or_else(|| "unknown".to_owned(), |day| day.to_string());
        let mut properties = vec![property("plimsoll:end-of-life", &end)];
        if let Some(codename) = &release.codename {
            properties.push(property("plimsoll:codename", codename));
        }
        system["properties"] = json!(properties);
        Some(system)
    }

    fn component(&self, u: usize, p: usize, unit: &Unit, package: Installed) -> Value {
        let kind = if package.kind() == "generic" {
            "application"
        } else {
            "library"
        };
        let mut component = json!({
            "bom-ref": self.package_ref(u, p),
            "type": kind,
            "name": package.name(),
        });
        if !package.version().is_empty() {
            component["version"] = json!(package.version());
        }
        if let Some(purl) = package.purl().filter(|purl| is_uri(purl)) {
            component["purl"] = json!(purl);
        }
        let occurrences: BTreeSet<String> = package
            .paths()
            .into_iter()
            .map(|path| self.text(path))
            .collect();
        if !occurrences.is_empty() {
            let places: Vec<Value> = occurrences
                .into_iter()
                .map(|path| json!({"location": path}))
                .collect();
            component["evidence"] = json!({"occurrences": places});
        }
        let mut properties = vec![property("plimsoll:type", package.kind())];
        if let Some((number, _)) = unit.layer(package) {
            properties.push(property("plimsoll:layer", &number.to_string()));
        }
        if let Some(c) = package.component() {
            let namespace = c.namespace.as_deref().filter(|_| !package.is_of_system());
            if let Some(group) = namespace.filter(|n| !n.is_empty()) {
                component["group"] = json!(group);
            }
            if let Some(vendor) = &c.vendor {
                component["supplier"] = json!({"name": vendor});
            }
            let licences: Vec<Value> = c
                .licenses
                .iter()
                .map(|licence| {
                    let by = if licences::is_known(licence) {
                        "id"
                    } else {
                        "name"
                    };
                    json!({"license": {by: licence}})
                })
                .collect();
            if !licences.is_empty() {
                component["licenses"] = json!(licences);
            }
            properties.push(property("plimsoll:found", found(c.found)));
            if let Some(source) = &c.source {
                properties.push(property("plimsoll:source:name", &source.name));
                let version = Some(&*source.version).filter(|v| !v.is_empty());
                properties.push(property(
                    "plimsoll:source:version",
                    version.unwrap_or(&c.version),
                ));
            }
            if let Some(module) = &c.module {
                properties.push(property("plimsoll:module", module));
            }
        }
        component["properties"] = json!(properties);
        component
    }

    /// The artifact depends on all that nothing in it brought; a distribution's package on what it installed.
    fn dependencies(&self) -> impl Iterator<Item = Value> + '_ {
        let several = self.units.all.len() != 1;
        let scan = several.then(|| json!({"ref": "scan", "dependsOn": self.roots}));
        let of_units = self
            .units
            .all
            .iter()
            .enumerate()
            .flat_map(move |(u, unit)| {
                let mut owned: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
                let mut top: Vec<String> = Vec::new();
                if self.system(u, unit).is_some() {
                    top.push(self.system_ref(u));
                }
                for (p, package) in unit.packages.iter().enumerate() {
                    let owner = package.component().and_then(|c| c.owner);
                    let owner = owner.and_then(|owner| usize::try_from(owner).ok());
                    match owner.filter(|owner| *owner < unit.packages.len() && *owner != p) {
                        Some(owner) => owned.entry(owner).or_default().push(p),
                        None => top.push(self.package_ref(u, p).to_owned()),
                    }
                }
                let root = json!({"ref": self.root(u), "dependsOn": top});
                let rest = owned.into_iter().map(move |(owner, packages)| {
                    let on: Vec<&str> = packages
                        .into_iter()
                        .map(|p| self.package_ref(u, p))
                        .collect();
                    json!({"ref": self.package_ref(u, owner), "dependsOn": on})
                });
                std::iter::once(root).chain(rest)
            });
        scan.into_iter().chain(of_units)
    }

    /// Whether more than this may be in it: known to be so where something could not be read, or where only findings
    /// name packages.
    fn compositions(&self) -> Vec<Value> {
        let one = |(u, unit): (usize, &Unit)| {
            let hidden = unit.inventory.is_none_or(|inventory| {
                let gaps = inventory.gaps.iter();
                gaps.filter(|gap| gap.stage == Stage::Catalog || gap.stage == Stage::Collect)
                    .any(|gap| gap.weight == GapWeight::Hides)
            });
            let aggregate = if hidden { "incomplete" } else { "unknown" };
            json!({"aggregate": aggregate, "assemblies": [self.root(u)]})
        };
        self.units.all.iter().enumerate().map(one).collect()
    }

    /// Findings by vulnerability and claim, in the order of the findings.
    fn groups(&self) -> Vec<Group<'a>> {
        let mut groups: Vec<Group<'a>> = Vec::new();
        let mut index: FxHashMap<(&str, Suppressed), Vec<usize>> = FxHashMap::default();
        for finding in findings(self.view.assessment) {
            if finding.category != Category::Vulnerability {
                continue;
            }
            let claim = claim(finding);
            let suppressed = finding.suppression.as_ref().map(|s| (&*s.by, &*s.reason));
            let known = index.entry((&finding.id, suppressed)).or_default();
            let same = known
                .iter()
                .copied()
                .find(|at| groups.get(*at).is_some_and(|group| group.claim == claim));
            if let Some(group) = same.and_then(|at| groups.get_mut(at)) {
                group.findings.push(finding);
                continue;
            }
            known.push(groups.len());
            groups.push(Group {
                claim,
                suppressed,
                findings: vec![finding],
            });
        }
        groups
    }

    fn vulnerability(&self, group: &Group) -> Value {
        let Some(first) = group.findings.first().copied() else {
            return Value::Null;
        };
        let known = self.view.vulnerability(first);
        let mut one = json!({"id": first.id});
        let cited = || {
            group
                .findings
                .iter()
                .flat_map(|finding| self.view.cited(finding))
        };
        let feed = cited().find_map(|cited| {
            let advisory = cited.advisory?;
            Some((
                advisory.feed.as_deref()?,
                advisory.url.as_deref().filter(|url| is_web(url)),
            ))
        });
        if let Some((feed, url)) = feed {
            one["source"] = json!({"name": feed});
            if let Some(url) = url {
                one["source"]["url"] = json!(url);
            }
        }
        if let Some(v) = known {
            let references: Vec<Value> = v
                .aliases
                .iter()
                .map(|alias| json!({"id": alias, "source": {"name": source_of(alias)}}))
                .collect();
            if !references.is_empty() {
                one["references"] = json!(references);
            }
            let cwes: BTreeSet<u32> = v
                .cwes
                .iter()
                .filter_map(|cwe| cwe.strip_prefix("CWE-")?.parse().ok())
                .filter(|number| *number > 0)
                .collect();
            if !cwes.is_empty() {
                one["cwes"] = json!(cwes);
            }
            if let Some(day) = v.published {
                one["published"] = json!(date_time(day));
            }
        }
        one["ratings"] = json!(self.ratings(group, known));
        if let Some(title) = self.view.title(first) {
            one["description"] = json!(self.text(title));
        }
        one["recommendation"] = json!(self.text(&advice(self.view, first)));
        let pages: BTreeSet<&str> = cited()
            .filter_map(|cited| cited.advisory?.url.as_deref())
            .filter(|url| is_web(url))
            .collect();
        if !pages.is_empty() {
            let pages: Vec<Value> = pages.into_iter().map(|url| json!({"url": url})).collect();
            one["advisories"] = json!(pages);
        }
        if let Some(analysis) = self.analysis(&group.claim) {
            one["analysis"] = analysis;
        }
        one["affects"] = json!(self.affects(group));
        one["properties"] = json!(self.properties(group, first, known));
        one
    }

    fn ratings(&self, group: &Group, known: Option<&Vulnerability>) -> Vec<Value> {
        let mut ratings: Vec<Value> = Vec::new();
        for cvss in known.iter().flat_map(|v| &v.cvss) {
            let method = match &*cvss.version {
                "2.0" => "CVSSv2",
                "3.0" => "CVSSv3",
                "3.1" => "CVSSv31",
                "4.0" => "CVSSv4",
                _ => "other",
            };
            ratings.push(json!({
                "source": {"name": cvss.source},
                "score": cvss.base,
                "severity": severity(Severity::of_cvss(cvss.base)),
                "method": method,
                "vector": cvss.vector,
            }));
        }
        let worst = group.findings.iter().map(|finding| finding.severity).max();
        let mut own = json!({
            "source": {"name": "plimsoll"},
            "severity": severity(worst.unwrap_or(Severity::Unknown)),
            "method": "other",
        });
        let points = group
            .findings
            .iter()
            .filter_map(|finding| self.view.score(finding));
        let points = points
            .map(|scored| scored.score.points.expected)
            .reduce(f64::max);
        if let Some(points) = points {
            own["score"] = json!(points);
            own["justification"] =
                json!("0 to 100: likelihood, exposure, blast radius, criticality");
        }
        ratings.push(own);
        ratings
    }

    fn analysis(&self, claim: &Claim) -> Option<Value> {
        match claim {
            Claim::Affected => None,
            Claim::UnderInvestigation => Some(json!({"state": "in_triage"})),
            Claim::Fixed => Some(json!({"state": "resolved"})),
            Claim::NotAffected {
                justification,
                statement,
            } => {
                let mut analysis = json!({"state": "not_affected"});
                if let Some(label) = justification.and_then(Justification::cyclonedx) {
                    analysis["justification"] = json!(label);
                }
                if !statement.is_empty() {
                    analysis["detail"] = json!(self.text(statement));
                }
                Some(analysis)
            }
        }
    }

    /// The packages, or the whole artifact where a finding names none.
    fn affects(&self, group: &Group) -> Vec<Value> {
        let mut seen: FxHashSet<&str> = FxHashSet::default();
        let mut affects = Vec::new();
        for finding in &group.findings {
            let Some((u, unit)) = self.units.of(finding) else {
                continue;
            };
            let package = self.view.package(finding);
            let found = package.map_or(&[][..], |package| unit.find(package));
            let refs: Vec<(&str, &str)> = if found.is_empty() {
                vec![(self.root(u), "")]
            } else {
                let one = |p: &u32| {
                    let p = usize::try_from(*p).unwrap_or(usize::MAX);
                    let version = unit.packages.get(p).map_or("", |package| package.version());
                    (self.package_ref(u, p), version)
                };
                found.iter().map(one).collect()
            };
            for (reference, version) in refs {
                if !seen.insert(reference) {
                    continue;
                }
                let mut one = json!({"ref": reference});
                let status = match group.claim {
                    Claim::Affected => "affected",
                    Claim::NotAffected { .. } | Claim::Fixed => "unaffected",
                    Claim::UnderInvestigation => "unknown",
                };
                if !version.is_empty() {
                    one["versions"] = json!([{"version": version, "status": status}]);
                }
                affects.push(one);
            }
        }
        affects
    }

    fn properties(
        &self,
        group: &Group,
        first: &Finding,
        known: Option<&Vulnerability>,
    ) -> Vec<Value> {
        let mut properties = vec![property("plimsoll:fix", word::status(first.fix.state))];
        if let Some((by, reason)) = group.suppressed {
            properties.push(property("plimsoll:suppressed:by", &self.names.show(by)));
            properties.push(property(
                "plimsoll:suppressed:reason",
                &self.names.show(reason),
            ));
        }
        if let Some(v) = known {
            properties.push(property(
                "plimsoll:kev",
                match &v.kev {
                    Fact::Is(_) => "yes",
                    Fact::Absent => "no",
                    Fact::Unknown(_) => "unknown",
                },
            ));
            let epss = match &v.epss {
                Fact::Is(epss) => epss.score.to_string(),
                Fact::Absent => "none".to_owned(),
                Fact::Unknown(_) => "unknown".to_owned(),
            };
            properties.push(property("plimsoll:epss", &epss));
        }
        properties
    }
}

fn property(name: &str, value: &str) -> Value {
    json!({"name": name, "value": value})
}

pub(crate) fn found(found: FoundAs) -> &'static str {
    match found {
        FoundAs::Installed => "installed",
        FoundAs::Embedded => "embedded",
        FoundAs::Recognized => "recognized",
        FoundAs::Declared => "declared",
    }
}

fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Negligible => "info",
        other => word::severity(other),
    }
}

fn date_time(day: Date) -> String {
    format!("{day}T00:00:00Z")
}

/// Who gives out ids of this form.
pub(crate) fn source_of(id: &str) -> &str {
    match id.split_once('-').map(|(prefix, _)| prefix) {
        Some("CVE") => "CVE",
        Some("GHSA") => "GitHub Advisories",
        Some(prefix) if !prefix.is_empty() => prefix,
        _ => "unknown",
    }
}
