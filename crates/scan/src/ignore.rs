//! What ignore files take out, and what of them is stale. Comes in: entries, an Assessment before it is ranked. Goes
//! out: suppressed findings with who and why; findings `ignore-expired`, `ignore-unused`, `ignore-reopened`.
//! Never: an entry that only the working copy has, where there is a base to compare with (rule 17).

use crate::configuration;
use crate::pattern::{path_glob, relative, whole};
use crate::product::{Named, own_purl};
use crate::vex::Said;
use ingest::{IgnoreEntry, IgnoreFile, NameRule, PackageRule, purl_type};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use model::assessment::{Assessment, ScannedImage};
use model::evidence::{Fact, Gap, GapWeight, Stage, Truth};
use model::finding::Finding;
use model::matches::{Category, Fix, FixState, Package, Suppression};
use model::object::SourceSpan;
use model::snapshot::Snapshot;
use model::text::Text;
use model::vulnerability::Severity;
use regex::Regex;
use rustc_hash::FxHashMap;
use semantics::declare::glob;

mod objects;

use objects::{is_labelled, is_named, of_objects};

/// Ids of the findings that are about ignore entries. Gates tell them as notices unless they are asked for.
pub const STALE: [&str; 3] = ["ignore-expired", "ignore-reopened", "ignore-unused"];

/// One file, and what of it counts.
#[derive(Clone, Debug)]
pub struct Ignores {
    /// Its entries count.
    pub file: IgnoreFile,
    /// Entries that the base does not have; they are told and take nothing out.
    pub added: Vec<IgnoreEntry>,
    /// What it was compared with: `origin/main`, a file.
    pub base: Option<Text>,
}

impl Ignores {
    /// All entries count.
    pub fn whole(file: IgnoreFile) -> Self {
        Ignores {
            file,
            added: Vec::new(),
            base: None,
        }
    }

    /// Only entries that `base` has too count; an entry that was changed is a new one.
    pub fn against(mut file: IgnoreFile, base: &[IgnoreFile], name: &str) -> Self {
        let known = |entry: &IgnoreEntry| {
            let mut of_base = base.iter().flat_map(|file| &file.entries);
            of_base.any(|known| {
                IgnoreEntry {
                    line: entry.line,
                    ..known.clone()
                } == *entry
            })
        };
        let (kept, added) = file.entries.into_iter().partition(known);
        file.entries = kept;
        Ignores {
            file,
            added,
            base: Some(name.into()),
        }
    }
}

/// Applies all files. To be asked before the findings are ranked. Labels are those of the Snapshot's objects.
pub fn apply(
    all: &[Ignores],
    said: &Said,
    snapshot: Option<&Snapshot>,
    assessment: &mut Assessment,
) {
    if all.is_empty() {
        return;
    }
    let today = assessment.about.now.to_zoned(TimeZone::UTC).date();
    let mut rules = Rules::of(all, snapshot, today, &mut assessment.ledger);
    let mut moved = Vec::new();
    for unjoined in [false, true] {
        let list = if unjoined {
            &mut assessment.unjoined
        } else {
            &mut assessment.findings
        };
        let mut findings = std::mem::take(list);
        let mut kept = Vec::with_capacity(findings.len());
        for mut finding in findings.drain(..) {
            rules.rule(&mut finding, assessment, said);
            if finding.suppression.is_some() {
                moved.push(finding);
            } else {
                kept.push(finding);
            }
        }
        if unjoined {
            assessment.unjoined = kept;
        } else {
            assessment.findings = kept;
        }
    }
    // What something else took out is still what an entry speaks of.
    for finding in &assessment.suppressed {
        rules.mark(finding, assessment, said);
    }
    let (stale, gaps) = rules.told(all);
    assessment.suppressed.extend(moved);
    assessment.findings.extend(stale);
    assessment.ledger.gaps(gaps);
}

/// An entry with its patterns compiled.
struct Rule<'a> {
    file: &'a IgnoreFile,
    entry: &'a IgnoreEntry,
    packages: Vec<PackageMatcher<'a>>,
    paths: Vec<Regex>,
    standing: Standing,
    used: bool,
    /// Why it did not count for a finding that it matches.
    reopened: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Standing {
    Counts,
    Expired,
    /// Only the working copy has it.
    Added,
}

struct PackageMatcher<'a> {
    rule: &'a PackageRule,
    name: Option<Pattern>,
    upstream: Option<Pattern>,
    location: Option<Regex>,
    purl: Option<Named>,
}

enum Pattern {
    Glob(Text),
    Expression(Regex),
}

impl Pattern {
    fn of(rule: &NameRule) -> Option<Self> {
        match rule {
            NameRule::Glob(text) => Some(Pattern::Glob(Text::clone(text))),
            NameRule::Expression(text) => whole(text).map(Pattern::Expression),
        }
    }

    /// A name with its group or only its last part: tools differ.
    fn fits(&self, name: &str) -> bool {
        let last = name.rsplit([':', '/']).next().unwrap_or(name);
        [name, last].iter().any(|name| match self {
            Pattern::Glob(pattern) => glob(pattern, name),
            Pattern::Expression(expression) => expression.is_match(name),
        })
    }
}

struct Rules<'a> {
    all: Vec<Rule<'a>>,
    snapshot: Option<&'a Snapshot>,
    by_id: FxHashMap<String, Vec<usize>>,
    without_id: Vec<usize>,
    exploited: Vec<Text>,
}

impl<'a> Rules<'a> {
    fn of(
        files: &'a [Ignores],
        snapshot: Option<&'a Snapshot>,
        today: Date,
        ledger: &mut model::evidence::Ledger,
    ) -> Self {
        let mut rules = Rules {
            all: Vec::new(),
            snapshot,
            by_id: FxHashMap::default(),
            without_id: Vec::new(),
            exploited: Vec::new(),
        };
        for ignores in files {
            let counting = ignores
                .file
                .entries
                .iter()
                .map(|entry| (entry, Standing::Counts));
            let added = ignores.added.iter().map(|entry| (entry, Standing::Added));
            let mut notes = ignores.file.notes.clone();
            for (entry, standing) in counting.chain(added) {
                let expired = entry.expires.is_some_and(|last| last < today);
                let standing = match standing {
                    Standing::Counts if expired => Standing::Expired,
                    other => other,
                };
                match compiled(&ignores.file, entry, standing) {
                    Some(rule) => rules.add(rule),
                    None => notes.push(
                        format!(
                            "the entry at line {} has a pattern that is none and does not count",
                            entry.line
                        )
                        .into(),
                    ),
                }
            }
            let file = &ignores.file.file;
            if !notes.is_empty() {
                ledger.gap(notice(
                    "ignore-not-understood",
                    format!("of {file}: {}", listed(&notes)),
                    file,
                ));
            }
        }
        rules
    }

    fn add(&mut self, rule: Rule<'a>) {
        let index = self.all.len();
        if rule.entry.ids.is_empty() {
            self.without_id.push(index);
        }
        for id in &rule.entry.ids {
            self.by_id.entry(canonical(id)).or_default().push(index);
        }
        self.all.push(rule);
    }

    /// Rules that match the finding, in the order of the files.
    fn matching(&self, finding: &Finding, assessment: &Assessment, said: &Said) -> Vec<usize> {
        let names = names(finding, assessment);
        let mut indices: Vec<usize> = self.without_id.clone();
        for (name, alias) in &names {
            for index in self.by_id.get(&canonical(name)).into_iter().flatten() {
                if !alias || self.all.get(*index).is_some_and(|rule| rule.entry.aliases) {
                    indices.push(*index);
                }
            }
        }
        indices.sort_unstable();
        indices.dedup();
        indices.retain(|index| {
            self.all
                .get(*index)
                .is_some_and(|rule| rule.fits(finding, self.snapshot, assessment, said))
        });
        indices
    }

    fn rule(&mut self, finding: &mut Finding, assessment: &Assessment, said: &Said) {
        for index in self.matching(finding, assessment, said) {
            let Some(rule) = self.all.get_mut(index) else {
                continue;
            };
            rule.used = true;
            match rule.standing {
                Standing::Expired => {
                    let text = format!(
                        "the ignore entry {} is over: {}",
                        rule.place(),
                        rule.until()
                    );
                    finding.notes.push(text.into());
                    continue;
                }
                Standing::Added => {
                    let text = format!(
                        "{} ignores it only in the working copy, which does not count",
                        rule.place()
                    );
                    finding.notes.push(text.into());
                    continue;
                }
                Standing::Counts => {}
            }
            if let Some(why) = worse(rule.entry, finding, assessment) {
                let text = format!("the ignore entry {} is open again: {why}", rule.place());
                rule.reopened = Some(why);
                finding.notes.push(text.into());
                continue;
            }
            if finding.suppression.is_none() {
                finding.suppression = Some(Suppression {
                    by: rule.by(),
                    reason: rule.reason(),
                });
                if is_exploited(finding, assessment) {
                    self.exploited.push(Text::clone(&finding.id));
                }
            }
        }
    }

    fn mark(&mut self, finding: &Finding, assessment: &Assessment, said: &Said) {
        for index in self.matching(finding, assessment, said) {
            if let Some(rule) = self.all.get_mut(index) {
                rule.used = true;
            }
        }
    }

    /// Findings about entries, and gaps about files.
    fn told(mut self, files: &[Ignores]) -> (Vec<Finding>, Vec<Gap>) {
        let mut gaps = Vec::new();
        for ignores in files.iter().filter(|ignores| !ignores.added.is_empty()) {
            let added: Vec<Text> = ignores
                .added
                .iter()
                .map(|entry| describe(entry).into())
                .collect();
            let count = added.len();
            let file = &ignores.file.file;
            let base = ignores.base.as_deref().unwrap_or("the base");
            gaps.push(notice(
                "ignore-added",
                format!(
                    "{count} {} of {file} {} not in {base} and {} not count: {}",
                    if count == 1 { "entry" } else { "entries" },
                    if count == 1 { "is" } else { "are" },
                    if count == 1 { "does" } else { "do" },
                    listed(&added)
                ),
                file,
            ));
        }
        self.exploited.sort_unstable();
        self.exploited.dedup();
        if !self.exploited.is_empty() {
            gaps.push(notice(
                "ignore-known-exploited",
                format!(
                    "ignore files take out what is known to be exploited: {}",
                    listed(&self.exploited)
                ),
                "ignore files",
            ));
        }
        let stale = self.all.iter().filter_map(Rule::stale).collect();
        (stale, gaps)
    }
}

fn compiled<'a>(
    file: &'a IgnoreFile,
    entry: &'a IgnoreEntry,
    standing: Standing,
) -> Option<Rule<'a>> {
    let packages: Option<Vec<PackageMatcher>> = entry
        .packages
        .iter()
        .map(|rule| {
            let pattern = |name: &Option<NameRule>| match name {
                Some(name) => Pattern::of(name).map(Some),
                None => Some(None),
            };
            Some(PackageMatcher {
                rule,
                name: pattern(&rule.name)?,
                upstream: pattern(&rule.upstream)?,
                location: match &rule.location {
                    Some(location) => Some(path_glob(location)?),
                    None => None,
                },
                purl: rule.purl.as_deref().map(Named::purl),
            })
        })
        .collect();
    let paths: Option<Vec<Regex>> = entry.paths.iter().map(|path| path_glob(path)).collect();
    Some(Rule {
        file,
        entry,
        packages: packages?,
        paths: paths?,
        standing,
        used: false,
        reopened: None,
    })
}

impl Rule<'_> {
    fn fits(
        &self,
        finding: &Finding,
        snapshot: Option<&Snapshot>,
        all: &Assessment,
        said: &Said,
    ) -> bool {
        let entry = self.entry;
        let image = finding.image.and_then(|n| all.images.get(n as usize));
        let package = finding.package.and_then(|n| all.packages.get(n as usize));
        (entry.categories.is_empty() || entry.categories.contains(&finding.category))
            && (entry.fix_states.is_empty() || entry.fix_states.contains(&finding.fix.state))
            && (self.packages.is_empty()
                || package.is_some_and(|package| {
                    self.packages.iter().any(|rule| rule.fits(package, image))
                }))
            && (self.paths.is_empty() || self.of_path(finding, package, all))
            && (entry.images.is_empty()
                || image.is_some_and(|image| {
                    entry.images.iter().any(|pattern| of_image(pattern, image))
                }))
            && (entry.objects.is_empty()
                || of_objects(finding, image, all, |object| {
                    is_named(&entry.objects, object)
                }))
            && (entry.labels.is_empty()
                || of_objects(finding, image, all, |object| {
                    is_labelled(&entry.labels, snapshot, object)
                }))
            && (entry.containers.is_empty()
                || finding
                    .container
                    .as_deref()
                    .is_some_and(|name| entry.containers.iter().any(|pattern| glob(pattern, name))))
            && entry
                .namespace
                .as_ref()
                .is_none_or(|feed| of_feed(feed, finding, all))
            && self.of_vex(finding, said)
    }

    fn of_path(&self, finding: &Finding, package: Option<&Package>, all: &Assessment) -> bool {
        let fits = |path: &str| {
            let path = relative(path);
            self.paths.iter().any(|glob| glob.is_match(path))
        };
        let located = package.is_some_and(|package| package.locations.iter().any(|at| fits(at)));
        let targets = finding.matches.iter().filter_map(|id| {
            let set = all.sets.get(id.set as usize)?;
            set.matches.get(id.index as usize)?.target.as_deref()
        });
        located
            || finding
                .source
                .as_ref()
                .is_some_and(|source| fits(&source.file))
            || targets.into_iter().any(|target| {
                // `app/config.py:12`
                fits(target) || target.rsplit_once(':').is_some_and(|(path, _)| fits(path))
            })
    }

    fn of_vex(&self, finding: &Finding, said: &Said) -> bool {
        let entry = self.entry;
        let (Some(status), justification) = (&entry.vex_status, &entry.vex_justification) else {
            return true;
        };
        let key = (finding.image, finding.vulnerability, finding.package);
        said.get(&key).is_some_and(|(is, because)| {
            is.word() == &**status
                && justification
                    .as_ref()
                    .is_none_or(|wanted| because.as_ref() == Some(wanted))
        })
    }

    /// `.plimsollignore.yaml:4`; what stands on an object has no line.
    fn place(&self) -> String {
        if self.entry.line == 0 {
            return self.file.file.to_string();
        }
        format!("{}:{}", self.file.file, self.entry.line)
    }

    fn by(&self) -> Text {
        match &self.entry.owner {
            Some(owner) => format!("{owner} in {}", self.place()).into(),
            None => self.place().into(),
        }
    }

    fn reason(&self) -> Text {
        let reason = self
            .entry
            .reason
            .as_deref()
            .filter(|reason| !reason.is_empty());
        let reason = reason.unwrap_or("no reason is given");
        match self.entry.expires {
            Some(last) => format!("{reason} (until {last})").into(),
            None => reason.into(),
        }
    }

    fn until(&self) -> String {
        match self.entry.expires {
            Some(last) => format!("{last} was its last day"),
            None => "it has no end".to_owned(),
        }
    }

    /// What is wrong with the entry itself.
    fn stale(&self) -> Option<Finding> {
        let ids = &self.entry.ids;
        if !ids.is_empty() && ids.iter().all(|id| configuration::is_only_named(id)) && !self.used {
            return None;
        }
        let what = describe(self.entry);
        let (id, title) = match (self.standing, &self.reopened, self.used) {
            (Standing::Expired, ..) => (
                "ignore-expired",
                format!(
                    "the ignore entry of {what} does not count any more: {}",
                    self.until()
                ),
            ),
            (Standing::Counts, Some(why), _) => (
                "ignore-reopened",
                format!("the ignore entry of {what} does not count any more: {why}"),
            ),
            (Standing::Counts, None, false) => (
                "ignore-unused",
                format!("the ignore entry of {what} matches nothing"),
            ),
            (Standing::Counts, None, true) | (Standing::Added, ..) => return None,
        };
        Some(Finding {
            id: id.into(),
            category: Category::Misconfiguration,
            severity: Severity::Low,
            vulnerability: None,
            image: None,
            package: None,
            object: None,
            // Without its line: the key stays when entries above it change.
            field: Some(format!("{} {what}", self.file.file).into()),
            source: (self.entry.line > 0).then(|| SourceSpan {
                file: Text::clone(&self.file.file),
                document: 0,
                line: self.entry.line,
                column: 1,
                rendered_from: None,
                alternatives: Vec::new(),
            }),
            title: Some(title.into()),
            fix: Fix {
                state: FixState::Unknown,
                versions: Vec::new(),
            },
            matches: Vec::new(),
            suppression: None,
            notes: Vec::new(),
            container: None,
            scores: Vec::new(),
        })
    }
}

/// `CVE-2024-1, CVE-2024-2 in openssl by team-a`.
fn describe(entry: &IgnoreEntry) -> String {
    let mut text = match &*entry.ids {
        [] => "anything".to_owned(),
        [one] => one.to_string(),
        [one, rest @ ..] => format!("{one} and {} more", rest.len()),
    };
    let package = entry.packages.first().and_then(|rule| {
        let name = rule.name.as_ref().map(|name| match name {
            NameRule::Glob(text) | NameRule::Expression(text) => &**text,
        });
        let place = rule.location.as_deref().or(rule.language.as_deref());
        name.or(rule.purl.as_deref())
            .or(rule.kind.as_deref())
            .or(place)
    });
    for (word, value) in [
        (
            "that is",
            entry.fix_states.first().map(|state| state.word()),
        ),
        ("in", package),
        ("at", entry.paths.first().map(|path| &**path)),
        ("in", entry.images.first().map(|image| &**image)),
        ("of", entry.objects.first().map(|object| &**object)),
        ("in", entry.containers.first().map(|name| &**name)),
        ("by", entry.owner.as_deref()),
    ] {
        if let Some(value) = value {
            text = format!("{text} {word} {value}");
        }
    }
    text
}

impl PackageMatcher<'_> {
    fn fits(&self, package: &Package, image: Option<&ScannedImage>) -> bool {
        let rule = self.rule;
        let kind =
            |word: &str| purl_type(word).unwrap_or(if word == "binary" { "generic" } else { "" });
        self.name
            .as_ref()
            .is_none_or(|name| name.fits(&package.name))
            && rule
                .version
                .as_ref()
                .is_none_or(|version| *version == package.version)
            && rule.kind.as_ref().is_none_or(|word| {
                *word == package.kind
                    || (!kind(word).is_empty() && kind(word) == kind(&package.kind))
            })
            && rule.language.as_ref().is_none_or(|language| {
                of_language(language).contains(&&*own_purl(package, image).kind)
            })
            && self.location.as_ref().is_none_or(|glob| {
                package
                    .locations
                    .iter()
                    .any(|at| glob.is_match(relative(at)))
            })
            && self.upstream.as_ref().is_none_or(|pattern| {
                package
                    .upstream
                    .as_deref()
                    .is_some_and(|upstream| pattern.fits(upstream))
            })
            && self
                .purl
                .as_ref()
                .is_none_or(|purl| purl.package(package, image).is_ok())
    }
}

/// purl types of Grype's languages.
fn of_language(language: &str) -> &'static [&'static str] {
    match &*language.to_ascii_lowercase() {
        "python" => &["pypi"],
        "javascript" | "node" => &["npm"],
        "java" => &["maven"],
        "go" => &["golang"],
        "ruby" => &["gem"],
        "rust" => &["cargo"],
        "php" => &["composer"],
        "dotnet" => &["nuget"],
        "dart" => &["pub"],
        "elixir" | "erlang" => &["hex"],
        "swift" => &["swift", "cocoapods"],
        "haskell" => &["hackage"],
        "r" => &["cran"],
        "c++" | "c" => &["conan"],
        _ => &[],
    }
}

/// All names of the finding; `true`: only another name of it.
fn names<'f>(finding: &'f Finding, all: &'f Assessment) -> Vec<(&'f str, bool)> {
    let mut names: Vec<(&str, bool)> = vec![(&finding.id, false)];
    names.extend(all.check(&finding.id).map(|check| (&*check.slug, false)));
    for id in &finding.matches {
        let set = all.sets.get(id.set as usize);
        let said = set.and_then(|set| set.matches.get(id.index as usize));
        if let Some(advisory) = set
            .zip(said)
            .and_then(|(set, one)| set.advisories.get(one.advisory as usize))
        {
            names.push((&advisory.id, false));
            names.extend(advisory.aliases.iter().map(|alias| (&**alias, true)));
        }
    }
    let vulnerability = finding
        .vulnerability
        .and_then(|n| all.vulnerabilities.get(n as usize));
    let aliases = vulnerability.into_iter().flat_map(|v| &v.aliases);
    names.extend(aliases.map(|alias| (&**alias, true)));
    names
}

/// `KSV-12` of `AVD-KSV-0012`, `KSV012` and `KSV-0012`: one check was renamed twice. All else in capitals.
fn canonical(id: &str) -> String {
    let upper = id.trim().to_ascii_uppercase();
    let short = upper.strip_prefix("AVD-").unwrap_or(&upper);
    let letters = short.bytes().take_while(u8::is_ascii_uppercase).count();
    let (word, rest) = short.split_at_checked(letters).unwrap_or((short, ""));
    let digits = rest.strip_prefix('-').unwrap_or(rest);
    let number = digits.trim_start_matches('0');
    if word.is_empty() || digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return upper;
    }
    format!("{word}-{number}")
}

fn of_image(pattern: &str, image: &ScannedImage) -> bool {
    let normal = model::image::ImageReference::parse(pattern).map(|parsed| parsed.to_string());
    let patterns = [Some(pattern), normal.as_deref()];
    let mut called: Vec<String> = vec![image.name.to_string()];
    for reference in image
        .identity
        .references
        .iter()
        .cloned()
        .chain(image.reference())
    {
        let name = reference.name();
        if let Some(tag) = &reference.tag {
            called.push(format!("{name}:{tag}"));
        }
        called.push(reference.to_string());
        called.push(name);
    }
    patterns
        .into_iter()
        .flatten()
        .any(|pattern| called.iter().any(|name| glob(pattern, name)))
}

/// The object of the finding; of an image's finding, every workload that runs it.
fn of_feed(feed: &str, finding: &Finding, all: &Assessment) -> bool {
    finding.matches.iter().any(|id| {
        let set = all.sets.get(id.set as usize);
        let said = set.and_then(|set| set.matches.get(id.index as usize));
        let advisory = set
            .zip(said)
            .and_then(|(set, one)| set.advisories.get(one.advisory as usize));
        advisory.and_then(|advisory| advisory.feed.as_deref()) == Some(feed)
    })
}

fn is_exploited(finding: &Finding, all: &Assessment) -> bool {
    let vulnerability = finding
        .vulnerability
        .and_then(|n| all.vulnerabilities.get(n as usize));
    vulnerability.is_some_and(|v| matches!(v.kev, Fact::Is(_)))
}

/// What got worse since the entry was written (rule 18); not known is not better.
fn worse(entry: &IgnoreEntry, finding: &Finding, all: &Assessment) -> Option<String> {
    let vulnerability = finding
        .vulnerability
        .and_then(|n| all.vulnerabilities.get(n as usize));
    if entry.given.known_exploited == Some(false)
        && let Some(Fact::Is(kev)) = vulnerability.map(|v| &v.kev)
    {
        return Some(format!("it is known to be exploited since {}", kev.added));
    }
    if entry.given.exposed != Some(false) {
        return None;
    }
    let image = finding.image.and_then(|n| all.images.get(n as usize));
    let placements = image.into_iter().flat_map(|image| &image.placements);
    let truths = placements.filter_map(|n| {
        let placement = all.placements.get(*n as usize)?;
        let situation = all.situations.get(placement.situation as usize)?;
        Some(situation.exposure.public.truth())
    });
    match truths.max() {
        Some(Truth::Yes) => Some("it is publicly exposed now".to_owned()),
        Some(Truth::Unknown) => Some("whether it is publicly exposed is not known now".to_owned()),
        Some(Truth::No) | None => None,
    }
}

fn notice(class: &str, what: String, scope: &str) -> Gap {
    Gap {
        class: class.into(),
        what: what.into(),
        stage: Stage::Rank,
        scope: scope.into(),
        weight: GapWeight::Notice,
        close: "".into(),
    }
}

fn listed(all: &[Text]) -> String {
    const SHOWN: usize = 5;
    let shown: Vec<&str> = all.iter().take(SHOWN).map(|text| &**text).collect();
    match all.len().saturating_sub(SHOWN) {
        0 => shown.join("; "),
        more => format!("{}; and {more} more", shown.join("; ")),
    }
}
