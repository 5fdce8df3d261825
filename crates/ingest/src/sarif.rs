//! SARIF 2.1.0 of any tool. Out: one match per result whose kind is not pass, notApplicable or
//! informational (OASIS SARIF 3.27.9); suppressed ones (3.27.23) and ones that the baseline calls
//! absent are marked. Package and version come from where Trivy, Grype and Snyk write them.

use crate::IngestError;
use crate::build::{
    AdvisoryDraft, Found, NAMES, PackageDraft, SetBuilder, add_reference, artifact, cut,
};
use crate::document::{Document, Fields};
use crate::field;
use crate::identifier::identity_in;
use crate::loose::{Hint, List, Many, Maybe, Num, Obj, Str, Word};
use model::image::is_digest;
use model::keys::purl_without_version;
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
    #[serde(rename = "cvssv2_vector", borrow)]
    cvss2: Hint<'a>,
    #[serde(rename = "cvssv2_score")]
    cvss2_score: Num,
    #[serde(rename = "cvssv3_vector", borrow)]
    cvss3: Hint<'a>,
    #[serde(rename = "cvssv3_baseScore")]
    cvss3_score: Num,
    #[serde(rename = "cvssv40_vector", borrow)]
    cvss4: Hint<'a>,
    #[serde(rename = "cvssv40_baseScore")]
    cvss4_score: Num,
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
    start_column: Num,
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
    let tool: Maybe<Tool<'a>> = document.part(fields, "tool")?;
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
    let properties: Maybe<Properties<'a>> = document.part(fields, "properties")?;
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
    // The first SARIF of Grype marks every result as suppressed.
    let marked = !run
        .tool
        .starts_with("anchore container vulnerability report");
    let suppression = suppression(builder, finding).filter(|_| marked);
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
        let identity = identity(id, &said);
        let also: Vec<&str> = title.and_then(identity_in).into_iter().collect();
        let purl = [Some(&finding.properties), rule.map(|rule| &rule.properties)]
            .into_iter()
            .flatten()
            .find_map(|said| said.purl.some().or(said.purls.first().and_then(Hint::some)));
        // A rule of Grype is one vulnerability in one package and serves all versions of that.
        let purl = match said.version {
            Some(version) if said.in_message => purl.map(|purl| of_version(purl, version)),
            _ => purl.map(str::to_owned),
        };
        let package = builder.package(&PackageDraft {
            name: said.package.unwrap_or_default(),
            version: said.version.unwrap_or_default(),
            kind: said.kind.unwrap_or_default(),
            purl: purl.as_deref(),
            locations: said.path.as_slice(),
            layer: said.layer,
            ..PackageDraft::default()
        });
        let cvss = rule.map_or_else(Vec::new, |rule| vectors(&run.tool, &rule.properties));
        let draft = AdvisoryDraft {
            id: identity,
            names: &also,
            title,
            severity: stated,
            cvss: &cvss,
            cwes: &cwes,
            url,
            ..AdvisoryDraft::default()
        };
        let mut fix = crate::trivy::fix(builder, "", said.fixed.unwrap_or_default());
        if fix.versions.is_empty() {
            fix.state = FixState::Unknown;
        }
        let found = Found {
            suppression,
            ..Found::vulnerability(index, Some(package), fix)
        };
        return builder.found(found, &draft);
    }
    let draft = AdvisoryDraft {
        id,
        title,
        severity: stated,
        cwes: &cwes,
        url,
        ..AdvisoryDraft::default()
    };
    let region = location.map(|location| &location.physical_location.region.0);
    let line = region.and_then(|region| region.start_line.0);
    let logical = location
        .and_then(|location| location.logical_locations.first())
        .and_then(|logical| logical.fully_qualified_name.some().or(logical.name.some()));
    let (target, part) = match (uri, line) {
        ("", _) => (logical.unwrap_or_default().to_owned(), None),
        (uri, Some(line)) => (format!("{uri}:{line:.0}"), logical),
        (uri, None) => (uri.to_owned(), logical),
    };
    // The target has the line; what is wrong twice in one line stands in two columns.
    let column = region.and_then(|region| region.start_column.0);
    let field = part
        .map(str::to_owned)
        .or_else(|| field::container_in(cut(&finding.message.text, TEXT)).map(field::container))
        .or_else(|| {
            column
                .filter(|c| *c > 1.0)
                .map(|c| format!("column {c:.0}"))
        });
    let found = Found {
        field: field.as_deref(),
        suppression,
        ..Found::at(category, index, &target)
    };
    builder.found(found, &draft)
}

/// The vulnerability in a rule's id: Grype adds the package (`CVE-2024-1-musl`), older templates of Trivy the
/// severity (`[HIGH] CVE-2024-1`), the first SARIF of Grype all it knows.
fn identity<'i>(id: &'i str, said: &Said<'i>) -> &'i str {
    if let Some(named) = said.id.filter(|named| id.contains(named)) {
        return named;
    }
    let decorated = id.starts_with('[') || id.starts_with("ANCHOREVULN_");
    identity_in(id)
        .filter(|identity| decorated || id.starts_with(identity))
        .unwrap_or(id)
}

/// The purl with the version that is there; qualifiers (a distribution, an architecture) stay only with their own.
fn of_version(purl: &str, version: &str) -> String {
    let bare = purl_without_version(purl);
    let known = purl
        .get(bare.len()..)
        .and_then(|rest| rest.strip_prefix('@'));
    let known = known.map_or("", |rest| rest.split(['?', '#']).next().unwrap_or(rest));
    let mut of_version = format!("{bare}@");
    model::purl::escape(&mut of_version, version);
    // Both spellings of the colon of an epoch are in use.
    if of_version.ends_with(&format!("@{}", known.replace("%3A", ":"))) {
        return purl.to_owned();
    }
    of_version
}

/// Vectors as Trivy and Snyk write them; without a score of its own one is scored later.
fn vectors<'p>(tool: &'p str, said: &'p Properties<'_>) -> Vec<(&'p str, &'p str, Option<f64>)> {
    [
        (&said.cvss2, said.cvss2_score),
        (&said.cvss3, said.cvss3_score),
        (&said.cvss4, said.cvss4_score),
    ]
    .map(|(vector, score)| (tool, &**vector, score.0))
    .to_vec()
}

/// What the texts of the known scanners say of the package.
#[derive(Default)]
struct Said<'s> {
    id: Option<&'s str>,
    package: Option<&'s str>,
    version: Option<&'s str>,
    fixed: Option<&'s str>,
    kind: Option<&'s str>,
    severity: Option<&'s str>,
    path: Option<&'s str>,
    image: Option<&'s str>,
    layer: Option<&'s str>,
    /// The package is from the message, so it is the result's own and not its rule's.
    in_message: bool,
}

impl<'s> Said<'s> {
    fn of(run: &Run<'_, '_>, rule: Option<&'s Rule<'_>>, finding: &'s Finding<'_>) -> Self {
        let message = cut(&finding.message.text, TEXT);
        let mut said = Said::default();
        // Trivy: lines of the message.
        said.lines(message);
        said.in_message = said.package.is_some();
        if is_grype(&run.tool) {
            said.sentence(message);
            said.in_message = said.package.is_some();
        }
        // The rule is of its first result; of others it would tell another package's version and fix.
        let help = rule.map_or("", |rule| cut(&rule.help.text, TEXT));
        if !said.in_message || is_grype(&run.tool) {
            said.lines(help);
        }
        let logical = finding
            .locations
            .iter()
            .flat_map(|location| location.logical_locations.iter())
            .find_map(|logical| logical.fully_qualified_name.some());
        if run.tool.contains("snyk") {
            // `openssl/libssl1.1@1.1.1n-0` in a logical location.
            if let Some((name, version)) = logical.and_then(|name| name.rsplit_once('@')) {
                said.package = said.package.or(Some(name));
                said.version = said.version.or(Some(version));
            }
        }
        if let (Some(image), Some(logical)) = (said.image, logical) {
            // Grype: `IMAGE@LAYER:/PATH`.
            let layer = logical
                .strip_prefix(image)
                .and_then(|rest| rest.strip_prefix('@')?.split_once(":/"));
            said.layer = layer.map(|(layer, _)| layer).filter(|l| is_digest(l));
        }
        // Trivy puts the image's repository where a distribution's package has no file.
        let of_os = rule.is_some_and(|rule| &*rule.name == "OsPackageVulnerability");
        if said.path.is_none() && !of_os {
            said.path = finding
                .locations
                .first()
                .and_then(|location| location.physical_location.artifact_location.uri.some());
        }
        said
    }

    /// `Package: openssl`, one a line; what is known stays.
    fn lines(&mut self, text: &'s str) {
        for line in text.lines() {
            if let Some(id) = line.strip_prefix("Vulnerability ") {
                self.id = self.id.or(Some(id.trim()).filter(|id| !id.is_empty()));
                continue;
            }
            let Some((key, value)) = line.split_once(": ") else {
                continue;
            };
            let slot = match key.trim() {
                "Package" => &mut self.package,
                "Installed Version" | "Version" => &mut self.version,
                "Fixed Version" | "Fix Version" => &mut self.fixed,
                "Type" => &mut self.kind,
                "Severity" => &mut self.severity,
                "Location" => &mut self.path,
                // What follows is the advisory's own text.
                "Link" => break,
                _ => continue,
            };
            let value = value.trim();
            if slot.is_none() && !value.is_empty() {
                *slot = Some(value);
            }
        }
    }

    /// Grype: `A high vulnerability in deb package: libssl3, version 3.0 was found in image nginx:1 at: /var/lib/dpkg`.
    fn sentence(&mut self, text: &'s str) {
        let Some((head, tail)) = text.split_once(" was found ") else {
            return;
        };
        let Some((kind, package)) = head.split_once(" package: ") else {
            return;
        };
        self.kind = kind.rsplit_once(" in ").map(|(_, kind)| kind);
        if let Some((name, version)) = package.rsplit_once(", version ") {
            self.package = Some(name);
            self.version = Some(version);
        }
        let (place, path) = tail.split_once("at: ").unwrap_or((tail, ""));
        self.path = Some(path).filter(|path| !path.is_empty());
        let image = place.strip_prefix("in image ").map(str::trim);
        self.image = image.filter(|image| !image.is_empty());
    }
}

fn is_grype(tool: &str) -> bool {
    tool.contains("grype") || tool.starts_with("anchore")
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
    let score = finding.properties.security_severity.0;
    let score = score.or(rule.and_then(|rule| rule.properties.security_severity.0));
    // Grype writes `low` and 0.0 where it does not know.
    let unknown = |word: Severity| word == Severity::Low && score == Some(0.0);
    if let Some(word) = said.severity.map(Severity::parse) {
        return if unknown(word) {
            Severity::Unknown
        } else {
            word
        };
    }
    if let Some(score) = score {
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
    // Snyk's rules of configuration, beside those of vulnerabilities.
    if id.starts_with("SNYK-CC-") {
        return Category::Misconfiguration;
    }
    if is_grype(tool) || identity_in(id).is_some() || id.starts_with("SNYK-") {
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
