//! Collects one [`MatchSet`]. Comes in: what a format read. Goes out: a set in which each text,
//! package and advisory stands once and each match as often as the source had it.

use crate::IngestError;
use crate::document::Document;
use crate::identifier::cvss_version;
use crate::purl;
use model::evidence::{Gap, GapWeight, Stage};
use model::image::{ImageIdentity, ImageReference, is_digest};
use model::matches::{
    Advisory, Artifact, ArtifactKind, Category, Fix, FixState, Match, MatchSet, MatchSource,
    OsRelease, Package, Suppression, Vector,
};
use model::purl::{Purl, kind_of};
use model::text::{Interner, Text};
use model::vulnerability::{Cvss, Severity};
use rustc_hash::{FxHashMap, FxHasher};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};

/// Longest title that is kept, in bytes.
const TITLE: usize = 300;

/// Most names, digests, scores and tags of one thing that are kept; a real one has a handful.
pub(crate) const NAMES: usize = 64;

pub(crate) struct SetBuilder<'d> {
    pub(crate) set: MatchSet,
    file: &'d str,
    limit: usize,
    texts: Interner,
    packages: FxHashMap<u64, u32>,
    advisories: FxHashMap<u64, u32>,
    identities: FxHashMap<u64, u32>,
    /// Checks that passed, by the source's word; they are no matches.
    passed: BTreeMap<Text, usize>,
    gaps: BTreeMap<Gap, usize>,
}

/// A package before its texts are shared.
#[derive(Default)]
pub(crate) struct PackageDraft<'a> {
    pub(crate) name: &'a str,
    pub(crate) version: &'a str,
    /// The source's own word.
    pub(crate) kind: &'a str,
    /// As the source gives it; else one is built.
    pub(crate) purl: Option<&'a str>,
    pub(crate) upstream: Option<&'a str>,
    pub(crate) locations: &'a [&'a str],
    pub(crate) layer: Option<&'a str>,
    pub(crate) os: Option<&'a OsRelease>,
}

/// An advisory before its texts are shared.
pub(crate) struct AdvisoryDraft<'a> {
    pub(crate) id: &'a str,
    pub(crate) names: &'a [&'a str],
    pub(crate) title: Option<&'a str>,
    pub(crate) severity: Severity,
    /// Source, vector and base score; an entry without a vector is left out, one without a score is
    /// scored later.
    pub(crate) cvss: &'a [(&'a str, &'a str, Option<f64>)],
    pub(crate) cwes: &'a [&'a str],
    pub(crate) url: Option<&'a str>,
    pub(crate) feed: Option<&'a str>,
    pub(crate) published: Option<jiff::civil::Date>,
}

impl Default for AdvisoryDraft<'_> {
    fn default() -> Self {
        AdvisoryDraft {
            id: "",
            names: &[],
            title: None,
            severity: Severity::Unknown,
            cvss: &[],
            cwes: &[],
            url: None,
            feed: None,
            published: None,
        }
    }
}

/// One statement of the document before its texts are shared. Its severity is the advisory's.
pub(crate) struct Found<'a> {
    pub(crate) category: Category,
    pub(crate) artifact: u32,
    pub(crate) package: Option<u32>,
    /// Object, file or control; empty for a package's.
    pub(crate) target: &'a str,
    /// Where in the target, as [`Match::field`] has it.
    pub(crate) field: Option<&'a str>,
    pub(crate) fix: Fix,
    pub(crate) suppression: Option<Suppression>,
}

impl<'a> Found<'a> {
    /// A vulnerability of a package.
    pub(crate) fn vulnerability(artifact: u32, package: Option<u32>, fix: Fix) -> Self {
        Found {
            package,
            fix,
            ..Found::at(Category::Vulnerability, artifact, "")
        }
    }

    /// A problem of an object, file or control.
    pub(crate) fn at(category: Category, artifact: u32, target: &'a str) -> Self {
        Found {
            category,
            artifact,
            package: None,
            target,
            field: None,
            fix: Fix {
                state: FixState::Unknown,
                versions: Vec::new(),
            },
            suppression: None,
        }
    }
}

impl<'d> SetBuilder<'d> {
    pub(crate) fn new(document: &Document<'d>, tool: &str, format: &str) -> Self {
        let mut texts = Interner::default();
        let source = MatchSource {
            tool: texts.text(tool),
            tool_version: None,
            format: texts.text(format),
            file: texts.text(document.file),
            digest: texts.text(&document.digest),
            created: None,
        };
        SetBuilder {
            set: MatchSet {
                source,
                artifacts: Vec::new(),
                packages: Vec::new(),
                advisories: Vec::new(),
                matches: Vec::new(),
                bases: Vec::new(),
                gaps: Vec::new(),
            },
            file: document.file,
            limit: document.limits.matches,
            texts,
            packages: FxHashMap::default(),
            advisories: FxHashMap::default(),
            identities: FxHashMap::default(),
            passed: BTreeMap::new(),
            gaps: BTreeMap::new(),
        }
    }

    /// Tool name (lower case) and version, where the document says them.
    pub(crate) fn tool(&mut self, name: &str, version: &str) {
        if !name.is_empty() {
            self.set.source.tool = self.texts.text(&name.to_ascii_lowercase());
        }
        if !version.is_empty() {
            self.set.source.tool_version = Some(self.texts.text(version));
        }
    }

    /// The format as it turned out.
    pub(crate) fn format(&mut self, format: &str) {
        self.set.source.format = self.texts.text(format);
    }

    /// When the scan ran; the first time that a document says.
    pub(crate) fn created(&mut self, time: &str) {
        if self.set.source.created.is_none() {
            self.set.source.created = crate::identifier::time(time);
        }
    }

    /// Index of `artifact`, which is kept once.
    pub(crate) fn artifact(&mut self, artifact: Artifact) -> Result<u32, IngestError> {
        let mut hasher = FxHasher::default();
        artifact.name.hash(&mut hasher);
        artifact.object.hash(&mut hasher);
        artifact.container.hash(&mut hasher);
        artifact.identity.config.hash(&mut hasher);
        artifact.identity.digests.hash(&mut hasher);
        artifact.identity.references.hash(&mut hasher);
        let index = keep(
            &mut self.identities,
            &mut self.set.artifacts,
            hasher.finish(),
            artifact,
        );
        self.bounded(self.set.artifacts.len())?;
        Ok(index)
    }

    /// Index of the package, which is kept once.
    pub(crate) fn package(&mut self, draft: &PackageDraft<'_>) -> u32 {
        let given = draft.purl.filter(|purl| kind_of(purl).is_some());
        let kind = given
            .and_then(kind_of)
            .or_else(|| purl::kind(draft.kind).map(Cow::Borrowed));
        let purl = match (given, kind.as_deref()) {
            (Some(purl), _) => Some(self.texts.text(purl)),
            (None, Some(kind)) => purl::build(kind, draft.name, draft.version, draft.os)
                .map(|purl| self.texts.text(&purl)),
            (None, None) => None,
        };
        let package = Package {
            name: self.texts.text(draft.name),
            version: self.texts.text(draft.version),
            kind: self.texts.text(kind.as_deref().unwrap_or(draft.kind)),
            purl,
            upstream: self.texts.option(draft.upstream),
            locations: draft
                .locations
                .iter()
                .filter(|location| !location.is_empty())
                .map(|location| self.texts.text(location))
                .collect(),
            layer: self.texts.option(draft.layer),
        };
        let mut hasher = FxHasher::default();
        package.hash(&mut hasher);
        keep(
            &mut self.packages,
            &mut self.set.packages,
            hasher.finish(),
            package,
        )
    }

    /// Index of the advisory, which is kept once. `names` are filtered to real aliases.
    pub(crate) fn advisory(&mut self, draft: &AdvisoryDraft<'_>) -> u32 {
        let id = match draft.id {
            "" => "unnamed",
            id => id,
        };
        let (aliases, covers) = crate::identifier::aliases(id, draft.names.iter().copied());
        let given = draft
            .cvss
            .iter()
            .filter(|(_, vector, _)| !vector.is_empty());
        let (scored, bare): (Vec<_>, Vec<_>) = given.partition(|(_, _, base)| {
            // Scanners write 0 where they have no score.
            base.is_some_and(|base| base > 0.0 && base <= 10.0)
        });
        let texts = &mut self.texts;
        let advisory = Advisory {
            id: texts.text(id),
            aliases: aliases.into_iter().map(|alias| texts.text(alias)).collect(),
            covers: covers.into_iter().map(|cve| texts.text(cve)).collect(),
            title: texts.option(
                draft
                    .title
                    .map(|title| cut(title, TITLE))
                    .filter(|t| !t.is_empty()),
            ),
            severity: draft.severity,
            cvss: scored
                .iter()
                .map(|(source, vector, base)| Cvss {
                    source: texts.text(source),
                    version: texts.text(cvss_version(vector)),
                    vector: texts.text(vector),
                    base: base.unwrap_or_default(),
                })
                .collect(),
            vectors: bare
                .iter()
                .map(|(source, vector, _)| Vector {
                    source: texts.text(source),
                    vector: texts.text(vector),
                })
                .collect(),
            cwes: draft
                .cwes
                .iter()
                .filter(|cwe| !cwe.is_empty())
                .map(|cwe| texts.text(cwe))
                .collect(),
            url: texts.option(draft.url.filter(|url| !url.is_empty())),
            feed: texts.option(draft.feed.filter(|feed| !feed.is_empty())),
            published: draft.published,
        };
        let mut hasher = FxHasher::default();
        advisory.id.hash(&mut hasher);
        advisory.severity.hash(&mut hasher);
        advisory.title.hash(&mut hasher);
        advisory.url.hash(&mut hasher);
        advisory.feed.hash(&mut hasher);
        advisory.aliases.hash(&mut hasher);
        advisory.covers.hash(&mut hasher);
        advisory.vectors.hash(&mut hasher);
        advisory.cwes.hash(&mut hasher);
        advisory.published.hash(&mut hasher);
        for cvss in &advisory.cvss {
            cvss.vector.hash(&mut hasher);
            cvss.base.to_bits().hash(&mut hasher);
        }
        keep(
            &mut self.advisories,
            &mut self.set.advisories,
            hasher.finish(),
            advisory,
        )
    }

    /// One match of the document is one call of this, or of [`SetBuilder::found_of`].
    pub(crate) fn found(
        &mut self,
        found: Found<'_>,
        draft: &AdvisoryDraft<'_>,
    ) -> Result<(), IngestError> {
        let advisory = self.advisory(draft);
        self.found_of(found, advisory, draft.severity)
    }

    /// The same where the advisory is in the set already.
    pub(crate) fn found_of(
        &mut self,
        found: Found<'_>,
        advisory: u32,
        severity: Severity,
    ) -> Result<(), IngestError> {
        let texts = &mut self.texts;
        let target = (!found.target.is_empty()).then(|| texts.text(found.target));
        self.set.matches.push(Match {
            category: found.category,
            artifact: found.artifact,
            advisory,
            package: found.package,
            target,
            field: texts.option(found.field),
            severity,
            fix: found.fix,
            suppression: found.suppression,
            basis: None,
        });
        self.bounded(self.set.matches.len())
    }

    /// Who suppresses a match and why.
    pub(crate) fn suppression(&mut self, by: &str, reason: &str) -> Suppression {
        Suppression {
            by: self.texts.text(by),
            reason: self.texts.text(cut(reason, TITLE)),
        }
    }

    /// The versions in `list`, which commas separate.
    pub(crate) fn versions(&mut self, list: &str) -> Vec<Text> {
        list.split(',')
            .map(str::trim)
            .filter(|version| !version.is_empty())
            .map(|version| self.texts.text(version))
            .collect()
    }

    /// A check that the source says is fulfilled or does not apply: counted, not a match.
    pub(crate) fn passed(&mut self, word: &str) {
        let word = self.texts.text(word);
        *self.passed.entry(word).or_default() += 1;
    }

    /// The same for a count that the source gives; what is no count adds nothing.
    pub(crate) fn passed_many(&mut self, word: &str, count: Option<f64>) {
        let Some(count) = count.filter(|count| (1.0..1e9).contains(count)) else {
            return;
        };
        let word = self.texts.text(word);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "1 to 1e9"
        )]
        let count = count as usize;
        *self.passed.entry(word).or_default() += count;
    }

    /// Something that the document does not say; the same gap is kept once with its count.
    pub(crate) fn gap(
        &mut self,
        class: &str,
        weight: GapWeight,
        what: impl Into<Text>,
        close: &str,
    ) {
        if self.gaps.len() >= 1000 {
            return;
        }
        let gap = Gap {
            class: class.into(),
            what: what.into(),
            stage: Stage::Import,
            scope: Text::from(format!("report {}", self.file)),
            weight,
            close: close.into(),
        };
        *self.gaps.entry(gap).or_default() += 1;
    }

    pub(crate) fn finish(mut self) -> MatchSet {
        if !self.passed.is_empty() {
            let counts: Vec<String> = self
                .passed
                .iter()
                .map(|(word, count)| format!("{count} {word}"))
                .collect();
            let what = format!(
                "checks that are no findings are counted only: {}",
                counts.join(", ")
            );
            self.gap("checks-not-listed", GapWeight::Notice, what, "");
        }
        let mut set = self.set;
        set.gaps = self.gaps.into_keys().collect();
        set.matches.shrink_to_fit();
        set.packages.shrink_to_fit();
        set.advisories.shrink_to_fit();
        set
    }

    fn bounded(&self, count: usize) -> Result<(), IngestError> {
        if count > self.limit {
            return Err(IngestError::TooMany {
                file: self.file.to_owned(),
                limit: self.limit,
            });
        }
        Ok(())
    }
}

/// Position of `item` in `list`, to which it is added if it is new. Keys that collide move on by one.
fn keep<T: PartialEq>(
    index: &mut FxHashMap<u64, u32>,
    list: &mut Vec<T>,
    hash: u64,
    item: T,
) -> u32 {
    let mut key = hash;
    while let Some(&known) = index.get(&key) {
        if list.get(known as usize) == Some(&item) {
            return known;
        }
        key = key.wrapping_add(1);
    }
    let position = u32::try_from(list.len()).unwrap_or(u32::MAX);
    list.push(item);
    index.insert(key, position);
    position
}

/// The first `length` bytes of `text` at most, at a character's border.
pub(crate) fn cut(text: &str, length: usize) -> &str {
    text.get(..text.floor_char_boundary(length)).unwrap_or(text)
}

/// An artifact of which only kind and name are known.
pub(crate) fn artifact(kind: ArtifactKind, name: Text) -> Artifact {
    Artifact {
        kind,
        name,
        identity: ImageIdentity::default(),
        os: None,
        object: None,
        container: None,
    }
}

/// Adds a digest of unknown kind, once.
pub(crate) fn add_digest(identity: &mut ImageIdentity, digest: &str) {
    let room = identity.digests.len() < NAMES;
    if room && is_digest(digest) && !identity.digests.iter().any(|known| &**known == digest) {
        identity.digests.push(digest.into());
    }
}

/// Adds the digest of a purl of type `oci`: `pkg:oci/nginx@sha256%3A...?arch=amd64`.
pub(crate) fn add_oci(identity: &mut ImageIdentity, purl: &str) {
    if let Ok(purl) = Purl::parse(purl)
        && purl.kind == "oci"
    {
        add_digest(identity, &purl.version);
    }
}

/// Adds what `text` says as a reference: its digest and its name. Text that is no reference adds nothing.
pub(crate) fn add_reference(identity: &mut ImageIdentity, text: &str) {
    if is_digest(text) {
        add_digest(identity, text);
        return;
    }
    let Some(reference) = ImageReference::parse(text) else {
        return;
    };
    if let Some(digest) = &reference.digest {
        add_digest(identity, digest);
    }
    if identity.references.len() < NAMES && !identity.references.contains(&reference) {
        identity.references.push(reference);
    }
}

/// `linux/amd64`, if both are said.
pub(crate) fn platform(os: &str, architecture: &str) -> Option<Text> {
    (!os.is_empty() && !architecture.is_empty()).then(|| format!("{os}/{architecture}").into())
}

/// Distribution as the model wants it; `None` without an id.
pub(crate) fn os_release(id: &str, version: &str, end_of_life: Option<bool>) -> Option<OsRelease> {
    (!id.is_empty()).then(|| OsRelease {
        id: id.to_ascii_lowercase().into(),
        version: version.into(),
        end_of_life,
    })
}

/// Fix of a source that gives versions and no state.
pub(crate) fn fix_from_versions(texts: Vec<Text>) -> Fix {
    Fix {
        state: if texts.is_empty() {
            FixState::Unknown
        } else {
            FixState::Fixed
        },
        versions: texts,
    }
}
