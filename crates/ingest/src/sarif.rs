//! SARIF 2.1.0 of any tool. Out: one match per result whose kind is not pass, notApplicable or
//! informational (OASIS SARIF 3.27.9); suppressed ones (3.27.23) and ones that the baseline calls
//! absent are marked. Package and version come from where Trivy, Grype and Snyk write them.

use crate::IngestError;
use crate::build::{AdvisoryDraft, NAMES, PackageDraft, SetBuilder, add_reference, artifact, cut};
use crate::document::{Document, Fields};
use crate::identifier::identity_in;
use crate::loose::{Hint, List, Many, Maybe, Num, Obj, Str, Word};
use model::image::is_digest;
use model::matches::{Artifact, ArtifactKind, Category, FixState, Suppression};
use model::vulnerability::Severity;
use rustc_hash::FxHashMap;
use serde::Deserialize;

/// How much of a message or help text is looked at, in bytes.
const TEXT: usize = 4096;

#[derive(Deserialize, Default)]
#[serde(default)]
struct Tool<'a> {
    #[serde(borrow)]
    driver: Maybe<Component<'a>>,
    #[serde(borrow)]
    extensions: List<Obj<Component<'a>>>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Component<'a> {
    #[serde(borrow)]
    name: Str<'a>,
    #[serde(borrow)]
    version: Word<'a>,
    #[serde(borrow)]
    semantic_version: Word<'a>,
    #[serde(borrow)]
    rules: List<Obj<Rule<'a>>>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Rule<'a> {
    #[serde(borrow)]
    id: Str<'a>,
    #[serde(borrow)]
    name: Str<'a>,
    #[serde(borrow)]
    short_description: Maybe<Message<'a>>,
    #[serde(borrow)]
    help: Maybe<Message<'a>>,
    #[serde(borrow)]
    help_uri: Hint<'a>,
    #[serde(borrow)]
    default_configuration: Maybe<Configuration<'a>>,
    #[serde(borrow)]
    properties: Maybe<Properties<'a>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Configuration<'a> {
    #[serde(borrow)]
    level: Str<'a>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Message<'a> {
    #[serde(borrow)]
    text: Hint<'a>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Properties<'a> {
    #[serde(rename = "security-severity")]
    security_severity: Num,
    #[serde(borrow)]
    tags: Many<Word<'a>>,
    #[serde(borrow)]
    cwe: Many<Word<'a>>,
    #[serde(rename = "cvssv3_vector", borrow)]
    cvss: Str<'a>,
    #[serde(borrow)]
    purl: Hint<'a>,
    #[serde(borrow)]
    purls: Many<Hint<'a>>,
    #[serde(borrow)]
    image_name: Hint<'a>,
    #[serde(rename = "imageID", borrow)]
    image_id: Str<'a>,
    #[serde(borrow)]
    repo_digests: List<Str<'a>>,
    #[serde(borrow)]
    repo_tags: List<Str<'a>>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Finding<'a> {
    #[serde(borrow)]
    rule_id: Str<'a>,
    rule_index: Num,
    #[serde(borrow)]
    rule: Maybe<RuleReference<'a>>,
    #[serde(borrow)]
    kind: Str<'a>,
    #[serde(borrow)]
    level: Str<'a>,
    #[serde(borrow)]
    message: Maybe<Message<'a>>,
    #[serde(borrow)]
    locations: List<Obj<Location<'a>>>,
    #[serde(borrow)]
    suppressions: List<Obj<Suppressed<'a>>>,
    #[serde(borrow)]
    baseline_state: Str<'a>,
    #[serde(borrow)]
    properties: Maybe<Properties<'a>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct RuleReference<'a> {
    #[serde(borrow)]
    id: Str<'a>,
    index: Num,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Location<'a> {
    #[serde(borrow)]
    physical_location: Maybe<Physical<'a>>,
    #[serde(borrow)]
    logical_locations: List<Obj<Logical<'a>>>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Physical<'a> {
    #[serde(borrow)]
    artifact_location: Maybe<Uri<'a>>,
    region: Maybe<Region>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Uri<'a> {
    #[serde(borrow)]
    uri: Str<'a>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Region {
    start_line: Num,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Logical<'a> {
    #[serde(borrow)]
    fully_qualified_name: Str<'a>,
    #[serde(borrow)]
    name: Str<'a>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Suppressed<'a> {
    #[serde(borrow)]
    kind: Str<'a>,
    #[serde(borrow)]
    status: Str<'a>,
    #[serde(borrow)]
    justification: Str<'a>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Invocation<'a> {
    #[serde(borrow)]
    start_time_utc: Str<'a>,
    #[serde(borrow)]
    end_time_utc: Str<'a>,
    execution_successful: Option<bool>,
}

/// Reads all runs.
pub(crate) fn report<'a>(
    document: &Document<'a>,
    fields: &Fields<'a>,
    builder: &mut SetBuilder<'_>,
) -> Result<(), IngestError> {
    let version = fields.text("version").unwrap_or_default();
    builder.format(&format!(
        "sarif/{}",
        if version.is_empty() {
            "2.1.0"
        } else {
            &version
        }
    ));
    match fields.raw("runs") {
        Some(raw) => document.each(raw, |run: &'a serde_json::value::RawValue| {
            read_run(document, &document.fields(run.get())?, builder)
        }),
        None => Ok(()),
    }
}

struct Run<'r, 'a> {
    rules: Vec<&'r Rule<'a>>,
    /// How many rules the driver has; an index without a component counts in them.
    own: usize,
    by_id: FxHashMap<&'r str, usize>,
    tool: String,
    artifact: Artifact,
}

fn read_run<'a>(
    document: &Document<'a>,
    fields: &Fields<'a>,
    builder: &mut SetBuilder<'_>,
) -> Result<(), IngestError> {
    let tool: Maybe<Tool<'a>> = match fields.raw("tool") {
        Some(raw) => document.parse(raw)?,
        None => Maybe::default(),
    };
    let driver = &tool.driver;
    let version = driver.semantic_version.some().or(driver.version.some());
    builder.tool(&driver.name, version.unwrap_or_default());
    if let Some(raw) = fields.raw("invocations") {
        document.each(raw, |invocation: Obj<Invocation<'a>>| {
            builder.created(&invocation.end_time_utc);
            builder.created(&invocation.start_time_utc);
            if invocation.execution_successful == Some(false) {
                builder.gap(
                    "scan-failed",
                    model::evidence::GapWeight::Hides,
                    "the scanner says that its run was not successful",
                    "",
                );
            }
            Ok(())
        })?;
    }
    let properties: Maybe<Properties<'a>> = match fields.raw("properties") {
        Some(raw) => document.parse(raw)?,
        None => Maybe::default(),
    };
    let rules: Vec<&Rule<'_>> = driver
        .rules
        .iter()
        .chain(
            tool.extensions
                .iter()
                .flat_map(|extension| extension.rules.iter()),
        )
        .map(|rule| &rule.0)
        .collect();
    let mut by_id = FxHashMap::default();
    for (index, rule) in rules.iter().enumerate() {
        by_id.entry(&*rule.id).or_insert(index);
    }
    let run = Run {
        own: driver.rules.len(),
        rules,
        by_id,
        tool: driver.name.to_ascii_lowercase(),
        artifact: scanned(&properties, fields),
    };
    if let Some(raw) = fields.raw("results") {
        return document.each(raw, |finding: Obj<Finding<'a>>| {
            read_finding(builder, &run, &finding)
        });
    }
    // SARIF 3.14.23: absent means that the results were not computed.
    builder.gap(
        "report-without-results",
        model::evidence::GapWeight::Hides,
        "a run has no list of results",
        "",
    );
    Ok(())
}

/// Trivy names the image in the run's properties, Snyk in the id of its automation.
fn scanned(properties: &Properties<'_>, fields: &Fields<'_>) -> Artifact {
    #[derive(Deserialize, Default)]
    #[serde(default)]
    struct Automation<'a> {
        #[serde(borrow)]
        id: Str<'a>,
    }
    let automation: Automation<'_> = fields
        .raw("automationDetails")
        .and_then(|raw| serde_json::from_str(raw).ok())
        .unwrap_or_default();
    let by_automation = automation
        .id
        .split_once("docker-image|")
        .map(|(_, name)| name);
    let Some(name) = properties.image_name.some().or(by_automation) else {
        return artifact(ArtifactKind::Unknown, "".into());
    };
    let mut found = artifact(ArtifactKind::Image, name.into());
    if is_digest(&properties.image_id) {
        found.identity.config = Some((&*properties.image_id).into());
    }
    add_reference(&mut found.identity, name);
    for reference in properties
        .repo_tags
        .iter()
        .chain(properties.repo_digests.iter())
    {
        add_reference(&mut found.identity, reference);
    }
    found
}

impl<'r, 'a> Run<'r, 'a> {
    fn rule(&self, finding: &Finding<'_>) -> Option<&'r Rule<'a>> {
        let id = finding.rule_id.some().or(finding.rule.id.some());
        let index = finding
            .rule_index
            .0
            .or(finding.rule.index.0)
            .filter(|index| *index >= 0.0);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "not negative; saturates"
        )]
        let by_index = index
            .map(|index| index as usize)
            .filter(|index| *index < self.own)
            .and_then(|index| self.rules.get(index).copied());
        if let Some(rule) = by_index
            && id.is_none_or(|id| id == &*rule.id || id.starts_with(&*rule.id))
        {
            return Some(rule);
        }
        let id = id?;
        // Hierarchical ids: `CA1000/1` belongs to `CA1000` (SARIF 3.5.4).
        let position = self
            .by_id
            .get(id)
            .or_else(|| self.by_id.get(id.rsplit_once('/')?.0))?;
        self.rules.get(*position).copied()
    }
}

fn read_finding(
    builder: &mut SetBuilder<'_>,
    run: &Run<'_, '_>,
    finding: &Finding<'_>,
) -> Result<(), IngestError> {
    if let word @ ("pass" | "notApplicable" | "informational") = &*finding.kind {
        builder.passed(word);
        return Ok(());
    }
    let rule = run.rule(finding);
    let id = finding
        .rule_id
        .some()
        .or(finding.rule.id.some())
        .or(rule.and_then(|rule| rule.id.some()))
        .unwrap_or_default();
    let said = Said::of(run, rule, finding);
    let stated = severity(rule, finding, &said);
    let suppression = suppression(builder, finding);
    let index = builder.artifact(
        said.image
            .map_or_else(|| run.artifact.clone(), |image| named(&run.artifact, image)),
    )?;
    let location = finding.locations.first();
    let uri = location.map_or("", |location| {
        &*location.physical_location.artifact_location.uri
    });
    let category = category(&run.tool, id, rule, finding);
    let cwes = cwes(rule);
    let url = rule.and_then(|rule| rule.help_uri.some());
    let title = rule.and_then(|rule| rule.short_description.text.some().or(rule.name.some()));
    if category == Category::Vulnerability {
        let vector = rule.map_or("", |rule| &*rule.properties.cvss);
        let score = rule.and_then(|rule| rule.properties.security_severity.0);
        // The rule of Grype is one vulnerability in one package.
        let identity = identity_in(id)
            .filter(|identity| id.starts_with(identity))
            .unwrap_or(id);
        let also: Vec<&str> = title.and_then(identity_in).into_iter().collect();
        let purl = [Some(&finding.properties), rule.map(|rule| &rule.properties)]
            .into_iter()
            .flatten()
            .find_map(|said| said.purl.some().or(said.purls.first().and_then(Hint::some)));
        let package = builder.package(&PackageDraft {
            name: said.package.unwrap_or_default(),
            version: said.version.unwrap_or_default(),
            kind: said.kind.unwrap_or_default(),
            purl,
            locations: said.path.as_slice(),
            ..PackageDraft::default()
        });
        let draft = AdvisoryDraft {
            id: identity,
            names: &also,
            title,
            severity: stated,
            cvss: &[(&run.tool, vector, score)],
            cwes: &cwes,
            url,
            ..AdvisoryDraft::default()
        };
        let mut fix = crate::trivy::fix(builder, "", said.fixed.unwrap_or_default());
        if fix.versions.is_empty() {
            fix.state = FixState::Unknown;
        }
        return builder.vulnerable(index, Some(package), &draft, fix, suppression);
    }
    let draft = AdvisoryDraft {
        id,
        title,
        severity: stated,
        cwes: &cwes,
        url,
        ..AdvisoryDraft::default()
    };
    let line = location.and_then(|location| location.physical_location.region.start_line.0);
    let logical = location
        .and_then(|location| location.logical_locations.first())
        .and_then(|logical| logical.fully_qualified_name.some().or(logical.name.some()));
    let target = match (uri, line) {
        ("", _) => logical.unwrap_or_default().to_owned(),
        (uri, Some(line)) => format!("{uri}:{line:.0}"),
        (uri, None) => uri.to_owned(),
    };
    builder.found_at(category, index, &target, &draft, suppression)
}

/// What the texts of the known scanners say of the package.
#[derive(Default)]
struct Said<'s> {
    package: Option<&'s str>,
    version: Option<&'s str>,
    fixed: Option<&'s str>,
    kind: Option<&'s str>,
    severity: Option<&'s str>,
    path: Option<&'s str>,
    image: Option<&'s str>,
}

impl<'s> Said<'s> {
    fn of(run: &Run<'_, '_>, rule: Option<&'s Rule<'_>>, finding: &'s Finding<'_>) -> Self {
        let message = cut(&finding.message.text, TEXT);
        let mut said = Said::default();
        // Trivy: lines of the message. Grype: lines of the rule's help.
        for line in message
            .lines()
            .chain(rule.map_or("", |rule| cut(&rule.help.text, TEXT)).lines())
        {
            let Some((key, value)) = line.split_once(": ") else {
                continue;
            };
            let slot = match key.trim() {
                "Package" => &mut said.package,
                "Installed Version" | "Version" => &mut said.version,
                "Fixed Version" | "Fix Version" => &mut said.fixed,
                "Type" => &mut said.kind,
                "Severity" => &mut said.severity,
                "Location" => &mut said.path,
                _ => continue,
            };
            let value = value.trim();
            if slot.is_none() && !value.is_empty() {
                *slot = Some(value);
            }
        }
        if run.tool.contains("grype")
            && let Some((_, rest)) = message.split_once(" in image ")
        {
            said.image = rest.split_once(" at: ").map(|(image, _)| image);
        }
        if run.tool.contains("snyk") {
            // `openssl/libssl1.1@1.1.1n-0` in a logical location.
            let name = finding
                .locations
                .iter()
                .flat_map(|location| location.logical_locations.iter())
                .find_map(|logical| logical.fully_qualified_name.some());
            if let Some((name, version)) = name.and_then(|name| name.rsplit_once('@')) {
                said.package = said.package.or(Some(name));
                said.version = said.version.or(Some(version));
            }
        }
        if said.path.is_none() {
            said.path = finding
                .locations
                .first()
                .and_then(|location| location.physical_location.artifact_location.uri.some());
        }
        said
    }
}

fn named(base: &Artifact, image: &str) -> Artifact {
    if base.kind == ArtifactKind::Image {
        return base.clone();
    }
    let mut found = artifact(ArtifactKind::Image, image.into());
    add_reference(&mut found.identity, image);
    found
}

fn tags<'t>(rule: Option<&'t Rule<'_>>, finding: &'t Finding<'_>) -> impl Iterator<Item = &'t str> {
    let of_rule = rule
        .into_iter()
        .flat_map(|rule| rule.properties.tags.iter().take(NAMES));
    of_rule
        .chain(finding.properties.tags.iter().take(NAMES))
        .map(|tag| &**tag)
}

/// The scanner's word, then `security-severity`, then a tag, then the level (SARIF 3.27.10).
fn severity(rule: Option<&Rule<'_>>, finding: &Finding<'_>, said: &Said<'_>) -> Severity {
    if let Some(word) = said
        .severity
        .map(Severity::parse)
        .filter(|s| *s != Severity::Unknown)
    {
        return word;
    }
    let score = finding.properties.security_severity.0;
    if let Some(score) = score.or(rule.and_then(|rule| rule.properties.security_severity.0)) {
        return Severity::of_cvss(score);
    }
    let tagged = tags(rule, finding)
        .filter(|tag| tag.bytes().all(|b| b.is_ascii_uppercase()))
        .map(Severity::parse)
        .find(|severity| *severity != Severity::Unknown);
    if let Some(severity) = tagged {
        return severity;
    }
    let level = finding
        .level
        .some()
        .or(rule.and_then(|rule| rule.default_configuration.level.some()));
    match level {
        Some("error") => Severity::High,
        Some("note") => Severity::Low,
        Some("none") => Severity::Negligible,
        Some("warning") | None => Severity::Medium,
        Some(_) => Severity::Unknown,
    }
}

fn category(tool: &str, id: &str, rule: Option<&Rule<'_>>, finding: &Finding<'_>) -> Category {
    for tag in tags(rule, finding) {
        match tag {
            "vulnerability" => return Category::Vulnerability,
            "misconfiguration" => return Category::Misconfiguration,
            "secret" | "secrets" => return Category::Secret,
            "license" => return Category::License,
            _ => {}
        }
    }
    if identity_in(id).is_some() || id.starts_with("SNYK-") {
        return Category::Vulnerability;
    }
    if ["gitleaks", "trufflehog", "secret"]
        .iter()
        .any(|word| tool.contains(word))
    {
        return Category::Secret;
    }
    Category::Misconfiguration
}

/// `CWE-79` of `cwe`, and of tags such as `external/cwe/cwe-79`.
fn cwes<'r>(rule: Option<&'r Rule<'_>>) -> Vec<&'r str> {
    let Some(rule) = rule else {
        return Vec::new();
    };
    rule.properties
        .cwe
        .iter()
        .chain(rule.properties.tags.iter())
        .take(NAMES)
        .map(|word| word.rsplit_once('/').map_or(&**word, |(_, last)| last))
        .filter(|word| {
            word.get(..4)
                .is_some_and(|head| head.eq_ignore_ascii_case("CWE-"))
                && word.len() > 4
                && word.bytes().skip(4).all(|b| b.is_ascii_digit())
        })
        .collect()
}

fn suppression(builder: &mut SetBuilder<'_>, finding: &Finding<'_>) -> Option<Suppression> {
    if &*finding.baseline_state == "absent" {
        return Some(builder.suppression("sarif baseline", "absent since the baseline"));
    }
    // All must be accepted; a status that is not said counts as accepted (SARIF 3.35.3).
    let all = finding.suppressions.iter();
    if all
        .clone()
        .any(|one| matches!(&*one.status, "underReview" | "rejected"))
    {
        return None;
    }
    let first = all.clone().next()?;
    let by = format!("sarif suppression {}", &*first.kind);
    Some(builder.suppression(by.trim_end(), &first.justification))
}
