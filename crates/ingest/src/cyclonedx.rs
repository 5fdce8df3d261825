//! CycloneDX with vulnerabilities, 1.4 to 1.7 (and the lists inside components before); XML comes as its JSON.
//! Out: one match per vulnerability and affected component, one without package where nothing is
//! named as affected. An analysis that says resolved, false positive or not affected suppresses.

use crate::IngestError;
use crate::build::{
    AdvisoryDraft, Found, NAMES, PackageDraft, SetBuilder, add_digest, add_oci, add_reference,
    artifact, cut,
};
use crate::document::{Document, Fields};
use crate::identifier::day;
use crate::loose::{Hint, List, Maybe, Num, Obj, Str, Word};
use crate::shapes::Tool;
use model::evidence::GapWeight;
use model::image::is_digest;
use model::matches::{Artifact, ArtifactKind, Fix, FixState, Suppression};
use model::purl::Purl;
use model::vulnerability::Severity;
use rustc_hash::FxHashMap;
use serde::Deserialize;
use serde_json::value::RawValue;

#[derive(Deserialize, Default)]
#[serde(default)]
struct Metadata<'a> {
    #[serde(borrow)]
    timestamp: Str<'a>,
    #[serde(borrow)]
    tools: Option<&'a RawValue>,
    #[serde(borrow)]
    component: Option<Obj<Component<'a>>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Tools<'a> {
    #[serde(borrow)]
    components: List<Obj<Tool<'a>>>,
    #[serde(borrow)]
    services: List<Obj<Tool<'a>>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Component<'a> {
    #[serde(rename = "bom-ref", borrow)]
    reference: Str<'a>,
    #[serde(rename = "type", borrow)]
    kind: Str<'a>,
    #[serde(borrow)]
    group: Str<'a>,
    #[serde(borrow)]
    name: Str<'a>,
    #[serde(borrow)]
    version: Word<'a>,
    #[serde(borrow)]
    purl: Str<'a>,
    #[serde(borrow)]
    properties: List<Obj<Property<'a>>>,
    #[serde(borrow)]
    components: List<Obj<Component<'a>>>,
    #[serde(borrow)]
    vulnerabilities: List<Obj<Vulnerability<'a>>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Property<'a> {
    #[serde(borrow)]
    name: Str<'a>,
    #[serde(borrow)]
    value: Word<'a>,
}

/// What one component is built of, by reference.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Dependency<'a> {
    #[serde(rename = "ref", borrow)]
    pub(crate) reference: Str<'a>,
    #[serde(borrow)]
    pub(crate) depends_on: List<Str<'a>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Vulnerability<'a> {
    #[serde(borrow)]
    id: Str<'a>,
    #[serde(borrow)]
    source: Maybe<Source<'a>>,
    #[serde(borrow)]
    references: List<Obj<Reference<'a>>>,
    #[serde(borrow)]
    ratings: List<Obj<Rating<'a>>>,
    #[serde(borrow)]
    cwes: List<Word<'a>>,
    #[serde(borrow)]
    recommendation: Hint<'a>,
    #[serde(borrow)]
    published: Hint<'a>,
    #[serde(borrow)]
    analysis: Maybe<Analysis<'a>>,
    #[serde(borrow)]
    affects: List<Obj<Affected<'a>>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Source<'a> {
    #[serde(borrow)]
    name: Str<'a>,
    #[serde(borrow)]
    url: Hint<'a>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Reference<'a> {
    #[serde(borrow)]
    id: Str<'a>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Rating<'a> {
    #[serde(borrow)]
    source: Maybe<Source<'a>>,
    score: Num,
    #[serde(borrow)]
    severity: Str<'a>,
    #[serde(borrow)]
    method: Str<'a>,
    #[serde(borrow)]
    vector: Str<'a>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Analysis<'a> {
    #[serde(borrow)]
    state: Str<'a>,
    #[serde(borrow)]
    justification: Hint<'a>,
    #[serde(borrow)]
    response: List<Str<'a>>,
    #[serde(borrow)]
    detail: Hint<'a>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Affected<'a> {
    #[serde(rename = "ref", borrow)]
    reference: Str<'a>,
    #[serde(borrow)]
    versions: List<Obj<Version<'a>>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Version<'a> {
    #[serde(borrow)]
    version: Word<'a>,
    #[serde(borrow)]
    status: Str<'a>,
}

/// A component and the image that holds it.
struct Node<'n, 'a> {
    component: &'n Component<'a>,
    /// Position of the container among the images; several are none.
    image: Option<usize>,
}

struct Bom<'n, 'a> {
    nodes: FxHashMap<&'n str, Node<'n, 'a>>,
    images: Vec<&'n Component<'a>>,
    root: Artifact,
}

pub(crate) fn report<'a>(
    document: &Document<'a>,
    fields: &Fields<'a>,
    builder: &mut SetBuilder<'_>,
) -> Result<(), IngestError> {
    builder.format(&format!(
        "cyclonedx/{}",
        fields.text("specVersion").unwrap_or_default()
    ));
    let metadata: Maybe<Metadata<'a>> = document.part(fields, "metadata")?;
    builder.created(&metadata.timestamp);
    if let Some(tool) = tool_of(document, metadata.tools)? {
        builder.tool(&tool.name, &tool.version);
    }
    let components: List<Obj<Component<'a>>> = match fields.raw("components") {
        Some(raw) => document.parse(raw)?,
        None => List::default(),
    };
    let dependencies: List<Obj<Dependency<'a>>> = match fields.raw("dependencies") {
        Some(raw) => document.parse(raw)?,
        None => List::default(),
    };
    let mut bom = Bom {
        nodes: FxHashMap::default(),
        images: Vec::new(),
        root: root(metadata.component.as_deref()),
    };
    if let Some(component) = &metadata.component {
        bom.nodes.insert(
            &component.reference,
            Node {
                component,
                image: None,
            },
        );
    }
    bom.add(&components, None);
    bom.assign(&dependencies);
    builder.artifact(bom.root.clone())?;
    // Trivy writes an empty list into documents of packages that it never judged.
    let lists_packages = &*builder.set.source.tool == "trivy";
    let mut any = fields.raw("vulnerabilities").is_some() && !lists_packages;
    if let Some(raw) = fields.raw("vulnerabilities") {
        document.each(raw, |vulnerability: Obj<Vulnerability<'a>>| {
            any = true;
            bom.read(builder, &vulnerability)
        })?;
    }
    let mut open: Vec<&Obj<Component<'_>>> = components.iter().collect();
    while let Some(component) = open.pop() {
        for vulnerability in component.vulnerabilities.iter() {
            any = true;
            let advisory = advisory(builder, vulnerability);
            bom.affected(builder, vulnerability, advisory, Some((component, &[])))?;
        }
        open.extend(component.components.iter());
    }
    if !any {
        builder.gap(
            "report-without-results",
            GapWeight::Hides,
            "the document lists packages and says nothing of vulnerabilities",
            "",
        );
    }
    Ok(())
}

/// The first of `metadata.tools`: a list before 1.5, since then an object of components.
pub(crate) fn tool_of<'a>(
    document: &Document<'a>,
    raw: Option<&'a RawValue>,
) -> Result<Option<Tool<'a>>, IngestError> {
    let Some(raw) = raw.map(RawValue::get) else {
        return Ok(None);
    };
    let tools = if raw.starts_with('[') {
        Tools {
            components: document.parse(raw)?,
            services: List::default(),
        }
    } else {
        document.parse::<Maybe<Tools<'a>>>(raw)?.0
    };
    let mut all = tools.components.0.into_iter().chain(tools.services.0);
    Ok(all.next().map(|Obj(tool)| tool))
}

fn root(component: Option<&Component<'_>>) -> Artifact {
    match component {
        None => artifact(ArtifactKind::Sbom, "".into()),
        Some(component) if &*component.kind == "container" => image(component),
        Some(component) => {
            let kind = match &*component.kind {
                "file" => ArtifactKind::Filesystem,
                "application" | "library" | "framework" => ArtifactKind::Repository,
                _ => ArtifactKind::Sbom,
            };
            artifact(kind, (&*component.name).into())
        }
    }
}

fn image(component: &Component<'_>) -> Artifact {
    let properties = component.properties.iter().take(NAMES);
    container(
        &component.name,
        &component.version,
        &component.purl,
        properties.map(|property| (&*property.name, &*property.value)),
    )
}

/// An image. Syft writes the manifest's digest as version; Trivy has properties and a purl of type `oci`.
pub(crate) fn container<'p>(
    name: &str,
    version: &str,
    purl: &str,
    properties: impl Iterator<Item = (&'p str, &'p str)>,
) -> Artifact {
    let mut found = artifact(ArtifactKind::Image, name.into());
    let identity = &mut found.identity;
    add_reference(identity, name);
    add_digest(identity, version);
    for (name, value) in properties {
        match name.strip_prefix("aquasecurity:trivy:") {
            Some("ImageID") if is_digest(value) => identity.config = Some(value.into()),
            Some("RepoTag" | "RepoDigest" | "Reference") => add_reference(identity, value),
            _ => {}
        }
    }
    add_oci(identity, purl);
    found
}

impl<'n, 'a> Bom<'n, 'a> {
    /// Recursion is bounded by the JSON parser's depth.
    fn add(&mut self, components: &'n [Obj<Component<'a>>], within: Option<usize>) {
        for component in components {
            let mut image = within;
            if &*component.kind == "container" {
                self.images.push(component);
                image = Some(self.images.len() - 1);
            }
            if !component.reference.is_empty() {
                self.nodes
                    .entry(&component.reference)
                    .or_insert(Node { component, image });
            }
            self.add(&component.components, image);
        }
    }

    /// What an image depends on is in it; what two depend on is in none.
    fn assign(&mut self, dependencies: &'n [Obj<Dependency<'a>>]) {
        let edges: FxHashMap<&str, &[Str<'_>]> = dependencies
            .iter()
            .map(|dependency| (&*dependency.reference, &*dependency.depends_on))
            .collect();
        let mut owner: FxHashMap<&str, Option<usize>> = FxHashMap::default();
        for (position, image) in self.images.iter().enumerate() {
            let mut open = vec![&*image.reference];
            while let Some(reference) = open.pop() {
                for next in edges.get(reference).copied().unwrap_or_default() {
                    match owner.get(&**next) {
                        Some(Some(known)) if *known != position => {
                            owner.insert(next, None);
                            open.push(next);
                        }
                        Some(_) => {}
                        None => {
                            owner.insert(next, Some(position));
                            open.push(next);
                        }
                    }
                }
            }
        }
        for (reference, image) in owner {
            if let Some(node) = self.nodes.get_mut(reference)
                && node.image.is_none()
            {
                node.image = image;
            }
        }
    }

    fn read(
        &self,
        builder: &mut SetBuilder<'_>,
        vulnerability: &Vulnerability<'_>,
    ) -> Result<(), IngestError> {
        let advisory = advisory(builder, vulnerability);
        if vulnerability.affects.is_empty() {
            return self.affected(builder, vulnerability, advisory, None);
        }
        for affected in vulnerability.affects.iter() {
            let reference = &*affected.reference;
            // A BOM-Link names the component after `#`: `urn:cdx:SERIAL/VERSION#REF`.
            let known = self.nodes.get(reference).or_else(|| {
                let (_, local) = reference.strip_prefix("urn:cdx:")?.split_once('#')?;
                self.nodes.get(local)
            });
            let unknown = known.is_none().then(|| unknown(reference));
            let component = known.map(|node| node.component).or(unknown.as_ref());
            let affected = component.map(|component| (component, &*affected.versions));
            self.affected(builder, vulnerability, advisory, affected)?;
        }
        Ok(())
    }

    fn affected(
        &self,
        builder: &mut SetBuilder<'_>,
        vulnerability: &Vulnerability<'_>,
        advisory: u32,
        component: Option<(&Component<'_>, &[Obj<Version<'_>>])>,
    ) -> Result<(), IngestError> {
        let image = component
            .and_then(|(component, _)| self.nodes.get(&*component.reference)?.image)
            .and_then(|position| self.images.get(position));
        let scanned = image.map_or_else(|| self.root.clone(), |component| self::image(component));
        let artifact = builder.artifact(scanned)?;
        let package = component.map(|(component, _)| package(builder, component));
        let fix = fix(builder, vulnerability, component);
        let suppression = suppression(builder, &vulnerability.analysis);
        let found = Found {
            suppression,
            ..Found::vulnerability(artifact, package, fix)
        };
        builder.found_of(found, advisory, severity(vulnerability))
    }
}

fn advisory(builder: &mut SetBuilder<'_>, vulnerability: &Vulnerability<'_>) -> u32 {
    let references = vulnerability.references.iter();
    let names: Vec<&str> = references.map(|reference| &*reference.id).collect();
    let cwes: Vec<String> = vulnerability.cwes.iter().map(|cwe| cwe_name(cwe)).collect();
    let cwes: Vec<&str> = cwes.iter().map(String::as_str).collect();
    let ratings = vulnerability.ratings.iter();
    let vectors: Vec<String> = ratings.clone().map(|rating| full_vector(rating)).collect();
    let cvss: Vec<(&str, &str, Option<f64>)> = ratings
        .zip(&vectors)
        .map(|(rating, vector)| (&*rating.source.name, vector.as_str(), rating.score.0))
        .collect();
    builder.advisory(&AdvisoryDraft {
        id: &vulnerability.id,
        names: &names,
        severity: severity(vulnerability),
        cvss: &cvss,
        cwes: &cwes,
        url: vulnerability.source.url.some(),
        feed: vulnerability.source.name.some(),
        published: day(&vulnerability.published),
        ..AdvisoryDraft::default()
    })
}

/// A reference that no component has; often it is a purl itself.
fn unknown<'a>(reference: &str) -> Component<'a> {
    let mut component = Component::default();
    let owned = |text: &str| std::borrow::Cow::Owned(text.to_owned());
    if let Ok(purl) = Purl::parse(reference) {
        component.purl = Str(owned(reference));
        component.name = Str(owned(&purl.name));
        component.version = Word(owned(&purl.version));
    } else {
        component.name = Str(owned(reference));
    }
    component
}

fn package(builder: &mut SetBuilder<'_>, component: &Component<'_>) -> u32 {
    let property = |names: &[&str]| {
        component
            .properties
            .iter()
            .take(NAMES)
            .find(|property| names.contains(&&*property.name))
            .and_then(|property| property.value.some())
    };
    let full = match component.group.some() {
        Some(group) if component.purl.starts_with("pkg:maven/") => {
            format!("{group}:{}", &*component.name)
        }
        Some(group) => format!("{group}/{}", &*component.name),
        None => component.name.to_string(),
    };
    let upstream = property(&["aquasecurity:trivy:SrcName", "syft:metadata:source"]);
    let location = property(&["aquasecurity:trivy:FilePath", "syft:location:0:path"]);
    builder.package(&PackageDraft {
        name: &full,
        version: &component.version,
        kind: property(&["aquasecurity:trivy:PkgType", "syft:package:type"])
            .unwrap_or(&component.kind),
        purl: component.purl.some(),
        upstream: upstream.filter(|name| *name != full),
        locations: location.as_slice(),
        layer: property(&["aquasecurity:trivy:LayerDiffID", "syft:location:0:layerID"]),
        os: None,
    })
}

/// The rating of the vulnerability's own source; without one, the worst.
fn severity(vulnerability: &Vulnerability<'_>) -> Severity {
    let of = |rating: &Obj<Rating<'_>>| match Severity::parse(&rating.severity) {
        Severity::Unknown => rating
            .score
            .0
            .filter(|score| *score > 0.0)
            .map_or(Severity::Unknown, Severity::of_cvss),
        severity => severity,
    };
    let name = &vulnerability.source.name;
    let own = vulnerability
        .ratings
        .iter()
        .take(NAMES)
        .filter(|rating| !name.is_empty() && *rating.source.name == **name)
        .map(of)
        .find(|severity| *severity != Severity::Unknown);
    own.or_else(|| vulnerability.ratings.iter().take(NAMES).map(of).max())
        .unwrap_or(Severity::Unknown)
}

/// Some tools leave out the prefix that the method implies.
fn full_vector(rating: &Rating<'_>) -> String {
    let prefix = match &*rating.method {
        "CVSSv3" => "CVSS:3.0/",
        "CVSSv31" => "CVSS:3.1/",
        "CVSSv4" => "CVSS:4.0/",
        _ => "",
    };
    if rating.vector.is_empty() || rating.vector.starts_with("CVSS:") {
        return rating.vector.to_string();
    }
    format!("{prefix}{}", &*rating.vector)
}

fn cwe_name(cwe: &str) -> String {
    if cwe.bytes().all(|b| b.is_ascii_digit()) {
        format!("CWE-{cwe}")
    } else {
        cwe.to_owned()
    }
}

fn fix(
    builder: &mut SetBuilder<'_>,
    vulnerability: &Vulnerability<'_>,
    component: Option<(&Component<'_>, &[Obj<Version<'_>>])>,
) -> Fix {
    let mut versions = Vec::new();
    if let Some((component, listed)) = component {
        let unaffected = |version: &&Obj<Version<'_>>| &*version.status == "unaffected";
        for version in listed.iter().filter(unaffected) {
            // The installed version among the unaffected ones is no fix but a contradiction.
            if *version.version != *component.version {
                versions.extend(builder.versions(&version.version));
            }
        }
        if versions.is_empty() {
            versions = recommended(builder, &vulnerability.recommendation, &component.name);
        }
    }
    let has = |word: &str| {
        vulnerability
            .analysis
            .response
            .iter()
            .take(NAMES)
            .any(|response| &**response == word)
    };
    let state = match &*vulnerability.analysis.state {
        "not_affected" | "false_positive" => FixState::NotAffected,
        "in_triage" => FixState::UnderInvestigation,
        _ if has("will_not_fix") => FixState::WillNotFix,
        _ if !versions.is_empty() => FixState::Fixed,
        _ if has("can_not_fix") => FixState::NotFixed,
        _ => FixState::Unknown,
    };
    Fix { state, versions }
}

/// Trivy: `Upgrade openssl to version 1.1.1n-r0; Upgrade ...`.
fn recommended(builder: &mut SetBuilder<'_>, text: &str, name: &str) -> Vec<model::text::Text> {
    for sentence in cut(text, 4096).split(';') {
        let Some((package, versions)) = sentence
            .trim()
            .strip_prefix("Upgrade ")
            .and_then(|rest| rest.split_once(" to version "))
        else {
            continue;
        };
        if package == name
            || package.ends_with(&format!(":{name}"))
            || package.ends_with(&format!("/{name}"))
        {
            return builder.versions(versions);
        }
    }
    Vec::new()
}

fn suppression(builder: &mut SetBuilder<'_>, analysis: &Analysis<'_>) -> Option<Suppression> {
    let suppressed = matches!(
        &*analysis.state,
        "resolved" | "resolved_with_pedigree" | "false_positive" | "not_affected"
    );
    if !suppressed {
        return None;
    }
    let reason = analysis.detail.some().or(analysis.justification.some());
    let reason = reason.map_or(analysis.state.to_string(), |reason| {
        format!("{}: {reason}", &*analysis.state)
    });
    Some(builder.suppression("vex", &reason))
}
