//! Kubescape: the JSON of a configuration scan (format v2, of Kubescape 2 to 4), and the custom
//! resources VulnerabilityManifest and WorkloadConfigurationScan.
//! Out: one match per resource and control that failed; one that passed only by an exception is
//! suppressed; passed and skipped ones are counted. Image scans have Grype's form.
//! Source: kubescape/opa-utils `reporthandling/results/v1`.

use crate::IngestError;
use crate::build::{AdvisoryDraft, Found, SetBuilder, add_reference, artifact};
use crate::document::{Document, Fields};
use crate::field;
use crate::grype;
use crate::loose::{Hint, List, Maybe, Num, Obj, Pairs, Str, Word};
use crate::shapes::ObjectMeta;
use model::evidence::GapWeight;
use model::matches::{Artifact, ArtifactKind, Category};
use model::object::ObjectRef;
use model::vulnerability::Severity;
use rustc_hash::FxHashMap;
use serde::Deserialize;
use serde_json::value::RawValue;

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Summary<'a> {
    #[serde(borrow)]
    controls: Pairs<'a, Maybe<ControlSummary<'a>>>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct ControlSummary<'a> {
    #[serde(borrow)]
    name: Str<'a>,
    score_factor: Num,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Resource<'a> {
    #[serde(rename = "resourceID", borrow)]
    id: Str<'a>,
    #[serde(borrow)]
    object: Maybe<Object<'a>>,
    #[serde(borrow)]
    source: Maybe<Source<'a>>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Object<'a> {
    #[serde(borrow)]
    api_version: Hint<'a>,
    #[serde(borrow)]
    kind: Hint<'a>,
    /// Subjects of RBAC are no objects: they carry their name here.
    #[serde(borrow)]
    name: Hint<'a>,
    #[serde(borrow)]
    namespace: Hint<'a>,
    #[serde(borrow)]
    metadata: Option<&'a RawValue>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Source<'a> {
    #[serde(borrow)]
    relative_path: Str<'a>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Outcome<'a> {
    #[serde(rename = "resourceID", borrow)]
    resource: Str<'a>,
    #[serde(borrow)]
    controls: List<Obj<Control<'a>>>,
    /// The object, where the report has no list of resources.
    #[serde(rename = "rawResource", borrow)]
    raw: Maybe<Resource<'a>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Control<'a> {
    #[serde(rename = "controlID", borrow)]
    id: Str<'a>,
    #[serde(borrow)]
    name: Str<'a>,
    /// An object with `status` and `subStatus`, or the word alone.
    #[serde(borrow)]
    status: Option<&'a RawValue>,
    #[serde(borrow)]
    severity: Option<&'a RawValue>,
    #[serde(borrow)]
    rules: List<Obj<Rule<'a>>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Rule<'a> {
    #[serde(borrow)]
    status: Option<&'a RawValue>,
    #[serde(borrow)]
    paths: List<Obj<Spot<'a>>>,
    exception: List<Obj<Nothing>>,
}

/// What is there and whose content is not read.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Nothing {}

/// Where the rule failed: in the paths that are wrong, or in those that are to be set.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Spot<'a> {
    #[serde(borrow)]
    failed_path: Hint<'a>,
    #[serde(borrow)]
    review_path: Hint<'a>,
    #[serde(borrow)]
    delete_path: Hint<'a>,
    #[serde(borrow)]
    fix_path: Maybe<Repair<'a>>,
    /// Empty: the object that was looked at.
    #[serde(rename = "resourceID", borrow)]
    resource: Hint<'a>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(crate) struct Repair<'a> {
    #[serde(borrow)]
    pub(crate) path: Hint<'a>,
}

impl Spot<'_> {
    fn shown(&self) -> Option<&str> {
        let paths = [
            &self.failed_path,
            &self.review_path,
            &self.delete_path,
            &self.fix_path.path,
        ];
        paths.into_iter().find_map(|path| path.some())
    }
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Status<'a> {
    #[serde(borrow)]
    status: Str<'a>,
    #[serde(borrow)]
    sub_status: Str<'a>,
}

/// Reads a configuration scan.
pub(crate) fn report<'a>(
    document: &Document<'a>,
    fields: &Fields<'a>,
    builder: &mut SetBuilder<'_>,
) -> Result<(), IngestError> {
    if let Some(raw) = fields.get("generationTime") {
        let time: Str<'_> = document.parse(raw)?;
        builder.created(&time);
    }
    version(document, fields, builder)?;
    let summary: Maybe<Summary<'a>> = document.part(fields, "summaryDetails")?;
    let controls: FxHashMap<&str, &ControlSummary<'_>> = summary
        .controls
        .iter()
        .map(|(id, control)| (&**id, &control.0))
        .collect();
    let mut resources: FxHashMap<String, Artifact> = FxHashMap::default();
    if let Some(raw) = fields.raw("resources") {
        document.each(raw, |resource: Obj<Resource<'a>>| {
            resources.insert(resource.id.to_string(), of_resource(&resource));
            Ok(())
        })?;
    }
    let Some(raw) = fields.raw("results") else {
        builder.gap(
            "report-without-results",
            GapWeight::Hides,
            "the report has a summary and no results",
            "scan with `--format json --format-version v2`",
        );
        return Ok(());
    };
    document.each(raw, |outcome: Obj<Outcome<'a>>| {
        let scanned = resources
            .get(&*outcome.resource)
            .cloned()
            .unwrap_or_else(|| {
                let mut found = of_resource(&outcome.raw);
                if found.name.is_empty() {
                    found.name = (&*outcome.resource).into();
                }
                found
            });
        let target = scanned
            .object
            .as_ref()
            .map_or_else(|| scanned.name.to_string(), ToString::to_string);
        let index = builder.artifact(scanned)?;
        for control in outcome.controls.iter() {
            let known = controls.get(&*control.id);
            let severity = severity(known.and_then(|known| known.score_factor.0));
            let title = control
                .name
                .some()
                .or(known.and_then(|known| known.name.some()));
            read_control(
                document,
                builder,
                control,
                &Place {
                    index,
                    resource: &outcome.resource,
                    target: &target,
                    severity,
                    title,
                },
            )?;
        }
        Ok(())
    })
}

/// `metadata.scanMetadata` names the version of tool and format.
fn version<'a>(
    document: &Document<'a>,
    fields: &Fields<'a>,
    builder: &mut SetBuilder<'_>,
) -> Result<(), IngestError> {
    #[derive(Deserialize, Default)]
    #[serde(rename_all = "camelCase", default)]
    struct Metadata<'a> {
        #[serde(borrow)]
        scan_metadata: Maybe<ScanMetadata<'a>>,
    }
    #[derive(Deserialize, Default)]
    #[serde(rename_all = "camelCase", default)]
    struct ScanMetadata<'a> {
        #[serde(borrow)]
        kubescape_version: Word<'a>,
        #[serde(borrow)]
        format_version: Word<'a>,
    }
    let Some(raw) = fields.get("metadata") else {
        return Ok(());
    };
    let metadata: Maybe<Metadata<'_>> = document.parse(raw)?;
    builder.tool("kubescape", &metadata.scan_metadata.kubescape_version);
    if let Some(version) = metadata.scan_metadata.format_version.some() {
        builder.format(&format!("kubescape-json/{version}"));
    }
    Ok(())
}

fn of_resource(resource: &Resource<'_>) -> Artifact {
    let Some(reference) = reference(&resource.object) else {
        return artifact(ArtifactKind::KubernetesObject, (&*resource.id).into());
    };
    // Two files of a repository may hold an object of the same name.
    let shown = match resource.source.relative_path.some() {
        Some(path) => format!("{reference} in {path}"),
        None => reference.to_string(),
    };
    let mut found = artifact(ArtifactKind::KubernetesObject, shown.into());
    found.object = Some(reference);
    found
}

/// The name of an object, if it says kind and name.
pub(crate) fn reference(object: &Object<'_>) -> Option<ObjectRef> {
    #[derive(Deserialize, Default)]
    #[serde(default)]
    struct Names<'a> {
        #[serde(borrow)]
        name: Hint<'a>,
        #[serde(borrow)]
        namespace: Hint<'a>,
    }
    // The object is the user's own; what is odd in it is not the report's fault.
    let metadata: Names<'_> = object
        .metadata
        .and_then(|raw| serde_json::from_str(raw.get()).ok())
        .unwrap_or_default();
    let name = metadata.name.some().or(object.name.some())?;
    let kind = object.kind.some()?;
    let group = object
        .api_version
        .split_once('/')
        .map_or("", |(group, _)| group);
    let namespace = metadata.namespace.some().or(object.namespace.some());
    Some(ObjectRef::new(group, kind, namespace, name))
}

/// Kubescape `apis/severity.go`: by the control's score factor.
pub(crate) fn severity(factor: Option<f64>) -> Severity {
    match factor {
        Some(factor) if factor >= 9.0 => Severity::Critical,
        Some(factor) if factor >= 7.0 => Severity::High,
        Some(factor) if factor >= 4.0 => Severity::Medium,
        Some(factor) if factor >= 1.0 => Severity::Low,
        _ => Severity::Unknown,
    }
}

struct Place<'p> {
    index: u32,
    resource: &'p str,
    target: &'p str,
    severity: Severity,
    title: Option<&'p str>,
}

/// What a control says of a resource.
enum Verdict {
    Failed,
    /// It failed, and an exception lets it pass.
    Excepted,
    Passed(String),
}

fn read_control<'a>(
    document: &Document<'a>,
    builder: &mut SetBuilder<'_>,
    control: &Control<'a>,
    place: &Place<'_>,
) -> Result<(), IngestError> {
    let suppression = match verdict(document, control)? {
        Verdict::Passed(word) => {
            builder.passed(&word);
            return Ok(());
        }
        Verdict::Failed => None,
        Verdict::Excepted => {
            Some(builder.suppression("kubescape exception", "passed with exceptions"))
        }
    };
    let draft = AdvisoryDraft {
        id: &control.id,
        title: place.title,
        severity: place.severity,
        ..AdvisoryDraft::default()
    };
    let paths = control.rules.iter().flat_map(|rule| rule.paths.iter());
    // A rule may look at related objects; their paths are not of this one.
    let own = paths.filter(|path| path.resource.is_empty() || *path.resource == *place.resource);
    let field = field::common(own.filter_map(|path| field::pointer(path.shown()?)));
    let found = Found {
        field: field.as_deref(),
        suppression,
        ..Found::at(Category::Misconfiguration, place.index, place.target)
    };
    builder.found(found, &draft)
}

/// The control's own status; the first reports of format v2 give only those of its rules, and there the word
/// `excluded` for an exception (kubescape/opa-utils `resourcesresults`).
fn verdict<'a>(document: &Document<'a>, control: &Control<'a>) -> Result<Verdict, IngestError> {
    if control.status.is_some() {
        return Ok(of_status(&status(document, control.status)?, false));
    }
    let mut best = None;
    for rule in control.rules.iter() {
        let excepted = !rule.exception.is_empty();
        match of_status(&status(document, rule.status)?, excepted) {
            Verdict::Failed => return Ok(Verdict::Failed),
            Verdict::Excepted => best = Some(Verdict::Excepted),
            Verdict::Passed(word) => {
                best.get_or_insert(Verdict::Passed(word));
            }
        }
    }
    Ok(best.unwrap_or_else(|| Verdict::Passed("without status".to_owned())))
}

fn status<'a>(
    document: &Document<'a>,
    raw: Option<&'a RawValue>,
) -> Result<Status<'a>, IngestError> {
    match raw.map(RawValue::get) {
        Some(raw) if raw.starts_with('{') => document.parse(raw),
        Some(raw) => Ok(Status {
            status: document.parse(raw)?,
            sub_status: Str::default(),
        }),
        None => Ok(Status::default()),
    }
}

fn of_status(status: &Status<'_>, excepted: bool) -> Verdict {
    let word = status.status.some().unwrap_or("without status");
    match word {
        _ if &*status.sub_status == "w/exceptions" => Verdict::Excepted,
        "excluded" => Verdict::Excepted,
        "passed" | "skipped" | "irrelevant" | "without status" => Verdict::Passed(word.to_owned()),
        _ if excepted => Verdict::Excepted,
        _ => Verdict::Failed,
    }
}

/// Reads a custom resource, or a list of them.
pub(crate) fn object<'a>(
    document: &Document<'a>,
    fields: &Fields<'a>,
    builder: &mut SetBuilder<'_>,
) -> Result<(), IngestError> {
    match fields.raw("items") {
        Some(raw) => document.each(raw, |item: &'a RawValue| {
            custom_resource(document, &document.fields(item.get())?, builder)
        }),
        None => custom_resource(document, fields, builder),
    }
}

fn custom_resource<'a>(
    document: &Document<'a>,
    fields: &Fields<'a>,
    builder: &mut SetBuilder<'_>,
) -> Result<(), IngestError> {
    let metadata: Maybe<ObjectMeta<'a>> = document.part(fields, "metadata")?;
    let spec = match fields.get("spec") {
        Some(raw) => document.fields(raw)?,
        None => Fields::default(),
    };
    if let Some(payload) = spec.get("payload") {
        builder.format("kubescape-crd/VulnerabilityManifest");
        grype::report(
            document,
            &document.fields(payload)?,
            builder,
            Some(about(&metadata)),
        )?;
        // The set is Kubescape's, whatever scanner the payload names.
        let version = builder.set.source.tool_version.clone().unwrap_or_default();
        builder.tool("kubescape", &version);
        return Ok(());
    }
    if let Some(controls) = spec.get("controls") {
        builder.format("kubescape-crd/WorkloadConfigurationScan");
        return configuration(document, builder, &metadata, controls);
    }
    let kind = fields.text("kind").unwrap_or_default();
    builder.gap(
        "report-without-results",
        GapWeight::Notice,
        format!("a {kind} lists no matches"),
        "",
    );
    Ok(())
}

fn configuration<'a>(
    document: &Document<'a>,
    builder: &mut SetBuilder<'_>,
    metadata: &ObjectMeta<'_>,
    controls: &'a str,
) -> Result<(), IngestError> {
    #[derive(Deserialize, Default)]
    #[serde(rename_all = "camelCase", default)]
    struct Severe {
        score_factor: Num,
    }
    let mut scanned = about(metadata);
    scanned.kind = ArtifactKind::KubernetesObject;
    if let Some(object) = &scanned.object {
        scanned.name = object.to_string().into();
    }
    let target = scanned.name.clone();
    let index = builder.artifact(scanned)?;
    let controls: Pairs<'a, Control<'a>> = document.parse(controls)?;
    for (_, control) in controls.iter() {
        let factor: Maybe<Severe> = match control.severity {
            Some(raw) => document.parse(raw.get())?,
            None => Maybe::default(),
        };
        let place = Place {
            index,
            resource: "",
            target: &target,
            severity: severity(factor.score_factor.0),
            title: control.name.some(),
        };
        read_control(document, builder, control, &place)?;
    }
    Ok(())
}

/// What labels and annotations say of the workload and its image.
fn about(metadata: &ObjectMeta<'_>) -> Artifact {
    let label = |name: &str| metadata.label(&["kubescape.io/"], name);
    let image = label("image-tag")
        .or(label("image-name"))
        .unwrap_or(&metadata.name);
    let mut found = artifact(ArtifactKind::Image, image.into());
    for name in ["image-id", "image-tag"] {
        if let Some(text) = label(name) {
            add_reference(&mut found.identity, text);
        }
    }
    if let (Some(kind), Some(name)) = (label("workload-kind"), label("workload-name")) {
        let group = label("workload-api-group").unwrap_or_default();
        let namespace = label("workload-namespace").or(metadata.namespace.some());
        found.object = Some(ObjectRef::new(group, kind, namespace, name));
    }
    found.container = label("workload-container-name").map(Into::into);
    found
}
