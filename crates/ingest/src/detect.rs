//! Tells by content what a document is. Comes in: the text of a file. Goes out: its sets.
//! A file may hold several documents one after the other; a list may hold several reports.
//! Never: looks at a file name, depends on the order of keys.

use crate::IngestError;
use crate::build::SetBuilder;
use crate::document::{Document, Fields, Shape, WHITESPACE};
use crate::{
    cyclonedx, grype, harbor, kube_bench, kubeaudit, kubescape, kubescape_frameworks, operator,
    sarif, snyk, spdx, trivy, trivy_compliance, trivy_kubernetes,
};
use model::matches::MatchSet;
use serde_json::value::RawValue;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Trivy,
    /// One result without a frame, of Trivy before schema 2.
    TrivyResult,
    TrivyKubernetes,
    TrivyCompliance,
    Operator,
    Grype,
    Sarif,
    CycloneDx,
    Spdx2,
    Spdx3,
    Snyk,
    Harbor,
    KubeBench,
    Kubeaudit,
    Kubescape,
    /// Version 1.
    KubescapeFrameworks,
    KubescapeObject,
}

impl Format {
    /// Tool and format name until the document says more.
    fn names(self) -> (&'static str, &'static str) {
        match self {
            Format::Trivy => ("trivy", "trivy-json/2"),
            Format::TrivyResult => ("trivy", "trivy-json/1"),
            Format::TrivyKubernetes => ("trivy", "trivy-kubernetes"),
            Format::TrivyCompliance => ("trivy", "trivy-compliance"),
            Format::Operator => ("trivy", "trivy-operator"),
            Format::Grype => ("grype", "grype-json"),
            Format::Sarif => ("unknown", "sarif"),
            Format::CycloneDx => ("unknown", "cyclonedx"),
            Format::Spdx2 | Format::Spdx3 => ("unknown", "spdx"),
            Format::Snyk => ("snyk", "snyk-json"),
            Format::Harbor => ("harbor", "harbor-json"),
            Format::KubeBench => ("kube-bench", "kube-bench-json"),
            Format::Kubeaudit => ("kubeaudit", "kubeaudit-json"),
            Format::Kubescape => ("kubescape", "kubescape-json"),
            Format::KubescapeFrameworks => ("kubescape", "kubescape-json/v1"),
            Format::KubescapeObject => ("kubescape", "kubescape-crd"),
        }
    }
}

/// Reads every document of the file.
pub(crate) fn read<'a>(document: &Document<'a>) -> Result<Vec<MatchSet>, IngestError> {
    let mut sets = Sets {
        document,
        done: Vec::new(),
        open: Vec::new(),
    };
    let mut rest = document.text;
    loop {
        rest = rest.trim_start_matches(WHITESPACE);
        if rest.is_empty() {
            break;
        }
        let mut stream = serde_json::Deserializer::from_str(rest).into_iter::<Shape<'a>>();
        let shape = match stream.next() {
            None => break,
            Some(Ok(shape)) => shape,
            Some(Err(error)) => return Err(document.error(rest, &error)),
        };
        if sets.done.len() >= document.limits.files {
            return Err(IngestError::TooMany {
                file: document.file.to_owned(),
                limit: document.limits.files,
            });
        }
        let (this, next) = rest.split_at(stream.byte_offset().min(rest.len()));
        sets.document(this, shape)?;
        rest = next;
    }
    sets.close();
    Ok(sets.done)
}

struct Sets<'r, 'a> {
    document: &'r Document<'a>,
    done: Vec<MatchSet>,
    /// Sets that the parts of one list, or the lines of one log, add to.
    open: Vec<(Format, SetBuilder<'a>)>,
}

impl<'a> Sets<'_, 'a> {
    fn document(&mut self, raw: &'a str, shape: Shape<'a>) -> Result<(), IngestError> {
        match shape {
            Shape::Object(fields) => {
                let format = self.recognise(&fields)?;
                // Each line of kubeaudit's log is one result of the same report.
                if format != Format::Kubeaudit {
                    self.close();
                }
                self.part(format, raw, &fields)
            }
            Shape::List(parts) => {
                self.close();
                self.list(&parts)
            }
            Shape::Null => {
                self.close();
                self.builder(Format::TrivyResult);
                Ok(())
            }
            Shape::Scalar => Err(self.document.not_a_report("a single value")),
        }
    }

    /// The parts of a list that are of one format make one set.
    fn list(&mut self, parts: &[&'a RawValue]) -> Result<(), IngestError> {
        let mut results = Vec::new();
        for part in parts {
            let raw = part.get();
            let fields = match self.document.parse(raw)? {
                Shape::Object(fields) => fields,
                Shape::Null => continue,
                Shape::List(_) | Shape::Scalar => {
                    return Err(self
                        .document
                        .not_a_report("a list of values that are no reports"));
                }
            };
            match self.recognise(&fields)? {
                Format::TrivyResult => results.push(*part),
                format => self.part(format, raw, &fields)?,
            }
        }
        if !results.is_empty() || self.open.is_empty() {
            let document = self.document;
            trivy::result_list(document, &results, self.builder(Format::TrivyResult))?;
        }
        Ok(())
    }

    fn part(
        &mut self,
        format: Format,
        raw: &'a str,
        fields: &Fields<'a>,
    ) -> Result<(), IngestError> {
        let document = self.document;
        let builder = self.builder(format);
        match format {
            Format::Trivy => trivy::report(document, fields, builder),
            Format::TrivyResult => {
                let one: &RawValue = document.parse(raw)?;
                trivy::result_list(document, &[one], builder)
            }
            Format::TrivyKubernetes => trivy_kubernetes::report(document, fields, builder),
            Format::TrivyCompliance => trivy_compliance::report(document, fields, builder),
            Format::Operator => operator::report(document, fields, builder),
            Format::Grype => grype::report(document, fields, builder, None),
            Format::Sarif => sarif::report(document, fields, builder),
            Format::CycloneDx => cyclonedx::report(document, fields, builder),
            Format::Spdx2 => spdx::version2(document, fields, builder),
            Format::Spdx3 => spdx::version3(document, fields, builder),
            Format::Snyk => snyk::report(document, fields, builder),
            Format::Harbor => harbor::report(document, raw, fields, builder),
            Format::KubeBench => kube_bench::report(document, raw, fields, builder),
            Format::Kubeaudit => kubeaudit::report(document, raw, fields, builder),
            Format::Kubescape => kubescape::report(document, fields, builder),
            Format::KubescapeFrameworks => {
                kubescape_frameworks::report(document, raw, fields, builder)
            }
            Format::KubescapeObject => kubescape::object(document, fields, builder),
        }
    }

    fn builder(&mut self, format: Format) -> &mut SetBuilder<'a> {
        let known = self.open.iter().position(|(known, _)| *known == format);
        let position = known.unwrap_or_else(|| {
            let (tool, name) = format.names();
            let builder = SetBuilder::new(self.document, tool, name);
            self.open.push((format, builder));
            self.open.len() - 1
        });
        &mut self.open[position].1
    }

    fn close(&mut self) {
        let done = self.open.drain(..).map(|(_, builder)| builder.finish());
        self.done.extend(done);
    }

    fn recognise(&self, fields: &Fields<'a>) -> Result<Format, IngestError> {
        format_of(self.document, fields).ok_or_else(|| {
            let keys: Vec<String> = fields
                .0
                .iter()
                .take(5)
                .map(|(key, _)| format!("{key:?}"))
                .collect();
            self.document.not_a_report(match keys.as_slice() {
                [] => "an empty object".to_owned(),
                keys => format!("its keys are {}", keys.join(", ")),
            })
        })
    }
}

fn format_of<'a>(document: &Document<'a>, fields: &Fields<'a>) -> Option<Format> {
    let group = fields.text("apiVersion").unwrap_or_default();
    if !group.is_empty() && fields.has("kind") {
        return of_object(document, fields, &group);
    }
    if fields.has("runs") {
        return Some(Format::Sarif);
    }
    if fields
        .text("bomFormat")
        .is_some_and(|bom| bom == "CycloneDX")
    {
        return Some(Format::CycloneDx);
    }
    if fields.has("spdxVersion") {
        return Some(Format::Spdx2);
    }
    if fields.has("@graph") && fields.has("@context") {
        return Some(Format::Spdx3);
    }
    if fields.has_any(&["matches", "ignoredMatches"])
        && (fields.has_any(&["descriptor", "source", "distro"]) || fields.0.len() <= 2)
    {
        return Some(Format::Grype);
    }
    if fields.has_any(&["AuditResultName", "ResourceKind"]) && fields.has_any(&["level", "msg"]) {
        return Some(Format::Kubeaudit);
    }
    if fields.has_any(&["Controls", "Totals"])
        || (fields.has("tests") && fields.has_any(&["node_type", "total_pass", "text"]))
    {
        return Some(Format::KubeBench);
    }
    if fields.has_any(&["controlReports", "frameworks"]) {
        return Some(Format::KubescapeFrameworks);
    }
    if fields.has("summaryDetails") || (fields.has("results") && fields.has("resources")) {
        return Some(Format::Kubescape);
    }
    of_trivy(document, fields).or_else(|| of_lists(document, fields))
}

/// Trivy writes upper-case keys; kubeaudit's `Results` too.
fn of_trivy<'a>(document: &Document<'a>, fields: &Fields<'a>) -> Option<Format> {
    let first = |key: &str| first_of(document, fields, key);
    if fields.has(trivy_compliance::SUMMARY) {
        return Some(Format::TrivyCompliance);
    }
    if fields.has("ClusterName")
        || trivy_kubernetes::LISTS.iter().any(|list| {
            first(list).is_some_and(|item| item.has("Kind") && item.has_any(&["Name", "Results"]))
        })
    {
        return Some(Format::TrivyKubernetes);
    }
    if fields.has_any(&["SchemaVersion", "ArtifactName"]) {
        return Some(Format::Trivy);
    }
    if fields.has("Target") {
        return Some(Format::TrivyResult);
    }
    if !fields.has("Results") {
        return None;
    }
    match first("Results") {
        Some(item) if item.has_any(&["Target", "Class"]) => Some(Format::Trivy),
        Some(item)
            if item.has_any(&["AuditResultName", "AuditResults", "Object", "ResourceKind"]) =>
        {
            Some(Format::Kubeaudit)
        }
        Some(item) if fields.has("Title") && item.has_any(&["Severity", "Results"]) => {
            Some(Format::TrivyCompliance)
        }
        Some(_) => None,
        None if fields.has_any(&["ID", "Title"]) => Some(Format::TrivyCompliance),
        None => Some(Format::Trivy),
    }
}

/// Snyk, Harbor, and maps of reports.
fn of_lists<'a>(document: &Document<'a>, fields: &Fields<'a>) -> Option<Format> {
    let keyed = |wanted: &dyn Fn(&str) -> bool| fields.0.iter().any(|(key, _)| wanted(key));
    if keyed(&|key| key.ends_with(".aquasecurity.github.io")) {
        return Some(Format::Operator);
    }
    if keyed(&|key| key.starts_with("application/vnd.") && key.contains("vuln")) {
        return Some(Format::Harbor);
    }
    if fields.has_any(&["infrastructureAsCodeIssues", "applications"])
        || (fields.has("ok") && fields.has_any(&["error", "vulnerabilities"]))
    {
        return Some(Format::Snyk);
    }
    if fields.has("cve_id") && fields.has_any(&["repository_name", "digest", "package"]) {
        return Some(Format::Harbor);
    }
    if !fields.has("vulnerabilities") {
        return None;
    }
    if fields.has_any(&[
        "packageManager",
        "dependencyCount",
        "projectName",
        "licensesPolicy",
        "ignoreSettings",
    ]) {
        return Some(Format::Snyk);
    }
    match first_of(document, fields, "vulnerabilities") {
        Some(item) if item.has_any(&["packageName", "moduleName", "packageManager"]) => {
            Some(Format::Snyk)
        }
        Some(item) if item.has("package") => Some(Format::Harbor),
        None if fields.has_any(&["scanner", "generated_at"]) || fields.0.len() == 1 => {
            Some(Format::Harbor)
        }
        _ => None,
    }
}

/// A Kubernetes object: a report of an operator, or a list of them.
fn of_object<'a>(document: &Document<'a>, fields: &Fields<'a>, group: &str) -> Option<Format> {
    let kind = fields.text("kind").unwrap_or_default();
    let of_group = |group: &str| {
        if group.starts_with("aquasecurity.github.io/") {
            Some(Format::Operator)
        } else if group.starts_with("spdx.softwarecomposition.kubescape.io/") {
            Some(Format::KubescapeObject)
        } else {
            None
        }
    };
    if let Some(format) = of_group(group) {
        return Some(format);
    }
    if kind != "List" {
        return None;
    }
    match first_of(document, fields, "items") {
        Some(item) => of_group(&item.text("apiVersion").unwrap_or_default()),
        // `kubectl get vulnerabilityreports -o json` without any.
        None => Some(Format::Operator),
    }
}

/// The fields of the first object in the list `key`.
fn first_of<'a>(document: &Document<'a>, fields: &Fields<'a>, key: &str) -> Option<Fields<'a>> {
    let raw = fields.get(key)?;
    let rest = raw.strip_prefix('[')?;
    let first = serde_json::Deserializer::from_str(rest)
        .into_iter::<&'a RawValue>()
        .next()?
        .ok()?;
    document.fields(first.get()).ok()
}
