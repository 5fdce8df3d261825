//! What VEX documents take out. Comes in: documents that the user named, findings before they are ranked. Goes out:
//! suppressed findings with statement and reason, notes on the others, gaps for what had no effect. The most specific
//! statement counts, of equals the newest, of these the careful one.
//! Never: documents that came with an image; they would count only if a configured identity had signed them (rule 17).

use crate::findings::Findings;
use crate::product::{Fit, Miss, Named, own_purl};
use ingest::{VexDocument, VexProduct, VexStatement, VexStatus};
use intel::purl::Purl;
use model::assessment::ScannedImage;
use model::evidence::{Gap, GapWeight, Ledger, Stage};
use model::finding::Finding;
use model::inventory::Inventory;
use model::matches::{Category, Suppression};
use model::text::Text;
use model::vulnerability::Vulnerability;
use rustc_hash::{FxHashMap, FxHashSet};
use std::cmp::Reverse;

/// What statements are compared with.
#[derive(Clone, Copy)]
pub struct Scanned<'a> {
    pub images: &'a [ScannedImage],
    pub vulnerabilities: &'a [Vulnerability],
    pub inventories: &'a [Inventory],
}

/// Applies all documents. Open findings that are cleared move to the suppressed ones.
pub fn apply(
    documents: &[VexDocument],
    found: &mut Findings,
    scanned: Scanned,
    ledger: &mut Ledger,
) -> Said {
    if documents.is_empty() {
        return Said::default();
    }
    let mut engine = Engine::new(documents, found, scanned);
    for list in [List::Open, List::Unjoined] {
        let all = match list {
            List::Open => &mut found.open,
            List::Unjoined => &mut found.unjoined,
        };
        let mut kept = Vec::with_capacity(all.len());
        for mut finding in std::mem::take(all) {
            engine.rule(&mut finding, &found.packages);
            if finding.suppression.is_some() {
                found.suppressed.push(finding);
            } else {
                kept.push(finding);
            }
        }
        *all = kept;
    }
    // What a report took out itself is still what a statement spoke of.
    for finding in &found.suppressed {
        engine.mark(finding, &found.packages);
    }
    let said = std::mem::take(&mut engine.said);
    ledger.gaps(engine.told());
    said
}

/// What documents say that came with an image: told on each finding, and taking none out (rule 17).
pub fn mention(
    documents: &[VexDocument],
    found: &mut Findings,
    scanned: Scanned,
    ledger: &mut Ledger,
) {
    for document in documents {
        let alone = std::slice::from_ref(document);
        let mut engine = Engine::new(alone, found, scanned);
        let mut would = 0;
        for finding in found.open.iter_mut().chain(&mut found.unjoined) {
            let mut other = finding.clone();
            other.notes.clear();
            engine.rule(&mut other, &found.packages);
            if let Some(Suppression { by, reason }) = other.suppression {
                would += 1;
                finding.notes.push(
                    format!("{by} says {reason}; it came with the image and takes nothing out")
                        .into(),
                );
            } else {
                finding.notes.extend(other.notes);
            }
        }
        let statements = match document.statements.len() {
            1 => "1 statement".to_owned(),
            many => format!("{many} statements"),
        };
        let findings = match would {
            1 => "1 finding".to_owned(),
            many => format!("{many} findings"),
        };
        let mut told = gap(
            "vex-attached",
            format!(
                "{} has {statements} and would take out {findings}: it came with the image and takes nothing out",
                by(document)
            ),
            &format!("VEX {}", document.file),
        );
        if would > 0 {
            told.close = "look who wrote it, then --trust-attached-vex or --vex FILE".into();
        }
        ledger.gap(told);
    }
}

/// The statement that counts for each finding, by image, vulnerability and package: status and justification.
pub type Said = FxHashMap<(Option<u32>, Option<u32>, Option<u32>), (VexStatus, Option<Text>)>;

enum List {
    Open,
    Unjoined,
}

/// Document and statement.
type Place = (usize, usize);

struct Engine<'a> {
    documents: &'a [VexDocument],
    scanned: Scanned<'a>,
    by_id: FxHashMap<String, Vec<Place>>,
    names: Vec<Vec<Vec<ProductNames>>>,
    /// Packages of an image with their files, for products that are programs in it.
    contents: FxHashMap<u32, Vec<(Purl, Vec<Text>)>>,
    used: FxHashSet<Place>,
    misses: FxHashMap<Place, Miss>,
    contradictions: Vec<String>,
    open: FxHashMap<Place, usize>,
    said: Said,
}

struct ProductNames {
    whole: Named,
    parts: Vec<Named>,
}

impl ProductNames {
    fn of(product: &VexProduct) -> Self {
        ProductNames {
            whole: Named::of(&product.whole),
            parts: product.parts.iter().map(Named::of).collect(),
        }
    }
}

/// A statement that is about a finding.
struct Applies {
    place: Place,
    fit: Fit,
}

impl<'a> Engine<'a> {
    fn new(documents: &'a [VexDocument], found: &Findings, scanned: Scanned<'a>) -> Self {
        let mut by_id: FxHashMap<String, Vec<Place>> = FxHashMap::default();
        for (d, document) in documents.iter().enumerate() {
            for (s, statement) in document.statements.iter().enumerate() {
                for id in &statement.ids {
                    let places = by_id.entry(id.to_ascii_uppercase()).or_default();
                    places.push((d, s));
                }
            }
        }
        let names = documents
            .iter()
            .map(|document| {
                let of = |statement: &VexStatement| {
                    statement.products.iter().map(ProductNames::of).collect()
                };
                document.statements.iter().map(of).collect()
            })
            .collect();
        Engine {
            documents,
            scanned,
            by_id,
            names,
            contents: contents(documents, found, scanned),
            said: Said::default(),
            used: FxHashSet::default(),
            misses: FxHashMap::default(),
            contradictions: Vec::new(),
            open: FxHashMap::default(),
        }
    }

    fn statement(&self, (d, s): Place) -> Option<(&'a VexDocument, &'a VexStatement)> {
        let document = self.documents.get(d)?;
        Some((document, document.statements.get(s)?))
    }

    /// Statements of any name of the finding's vulnerability.
    fn candidates(&self, finding: &Finding) -> Vec<Place> {
        if finding.category != Category::Vulnerability {
            return Vec::new();
        }
        let vulnerability = finding
            .vulnerability
            .and_then(|n| self.scanned.vulnerabilities.get(n as usize));
        let aliases = vulnerability.map_or(&[][..], |v| &v.aliases);
        let mut places: Vec<Place> = std::iter::once(&finding.id)
            .chain(aliases)
            .filter_map(|id| self.by_id.get(&id.to_ascii_uppercase()))
            .flatten()
            .copied()
            .collect();
        places.sort_unstable();
        places.dedup();
        places
    }

    fn rule(&mut self, finding: &mut Finding, packages: &[model::matches::Package]) {
        let candidates = self.candidates(finding);
        if candidates.is_empty() {
            return;
        }
        let mut applying = Vec::new();
        let mut near = Vec::new();
        for place in candidates {
            match self.fits(place, finding, packages) {
                Ok(fit) => {
                    self.used.insert(place);
                    applying.push(Applies { place, fit });
                }
                Err(miss) => {
                    if miss.near {
                        near.push((place, miss.why.clone()));
                    }
                    self.remember(place, miss);
                }
            }
        }
        // Clearing is the smaller of two, so that of equals the careful one is first.
        applying.sort_by_key(|one| {
            let statement = self.statement(one.place).map(|(_, statement)| statement);
            (
                Reverse(one.fit.grade),
                Reverse(statement.and_then(|s| s.when)),
                Reverse(statement.map(|s| s.status)),
                Reverse(one.place),
            )
        });
        self.decide(finding, &applying);
        if finding.suppression.is_none() {
            const MOST: usize = 3;
            for (place, why) in near.into_iter().take(MOST) {
                if let Some((document, statement)) = self.statement(place) {
                    let note = format!(
                        "VEX {} ({}) says {} but does not apply: {why}",
                        document.file,
                        statement.place,
                        statement.status.word()
                    );
                    finding.notes.push(note.into());
                }
            }
        }
    }

    fn decide(&mut self, finding: &mut Finding, applying: &[Applies]) {
        let Some(first) = applying.first() else {
            return;
        };
        let Some((document, statement)) = self.statement(first.place) else {
            return;
        };
        let clears = statement.status.clears();
        let key = (finding.image, finding.vulnerability, finding.package);
        self.said
            .insert(key, (statement.status, statement.justification.clone()));
        let against = applying.iter().skip(1).find_map(|other| {
            let (of, said) = self.statement(other.place)?;
            (said.status.clears() != clears).then_some((of, said, &other.fit))
        });
        if let Some((of, said, fit)) = against {
            let why = if fit.grade < first.fit.grade {
                "it is more specific"
            } else if said.when < statement.when {
                "it is newer"
            } else {
                "of equals the careful one counts"
            };
            let text = format!(
                "VEX contradicts itself: {} ({}) says {}, {} ({}) says {}; the first counts, {why}",
                document.file,
                statement.place,
                statement.status.word(),
                of.file,
                said.place,
                said.status.word()
            );
            self.contradictions.push(format!("{}: {text}", finding.id));
            finding.notes.push(text.into());
        }
        if clears {
            finding.suppression = Some(Suppression {
                by: by(document),
                reason: reason(statement, &first.fit),
            });
        } else {
            *self.open.entry(first.place).or_default() += 1;
            let text = format!("{} says {}", by(document), reason(statement, &first.fit));
            finding.notes.push(text.into());
        }
    }

    fn mark(&mut self, finding: &Finding, packages: &[model::matches::Package]) {
        for place in self.candidates(finding) {
            if !self.used.contains(&place) && self.fits(place, finding, packages).is_ok() {
                self.used.insert(place);
            }
        }
    }

    /// The closest of the statement's products.
    fn fits(
        &self,
        place: Place,
        finding: &Finding,
        packages: &[model::matches::Package],
    ) -> Result<Fit, Miss> {
        let products = self.names.get(place.0).and_then(|of| of.get(place.1));
        let image = finding
            .image
            .and_then(|n| self.scanned.images.get(n as usize));
        let package = finding.package.and_then(|n| packages.get(n as usize));
        let mut best: Result<Fit, Miss> = Err(Miss {
            near: false,
            why: "it names no product".to_owned(),
        });
        for product in products.into_iter().flatten() {
            let next = self.product(product, finding, image, package);
            let better = match (&best, &next) {
                (Ok(known), Ok(next)) => next.grade > known.grade,
                (Err(_), Ok(_)) => true,
                (Err(known), Err(next)) => next.near && !known.near,
                (Ok(_), Err(_)) => false,
            };
            if better
                || matches!(&best, Err(miss) if !miss.near && miss.why == "it names no product")
            {
                best = next;
            }
        }
        best
    }

    fn product(
        &self,
        product: &ProductNames,
        finding: &Finding,
        image: Option<&ScannedImage>,
        package: Option<&model::matches::Package>,
    ) -> Result<Fit, Miss> {
        let whole = match image {
            Some(image) => product.whole.image(image),
            None => Err(Miss {
                near: false,
                why: "it names an image, and here is none".to_owned(),
            }),
        };
        let of_package = |named: &Named| match package {
            Some(package) => named.package(package, image),
            None => Err(Miss {
                near: false,
                why: "the finding names no package".to_owned(),
            }),
        };
        if product.parts.is_empty() {
            // The whole image, or one package wherever it is.
            return match (whole, of_package(&product.whole)) {
                (Ok(whole), _) => Ok(whole),
                (_, Ok(package)) => Ok(package),
                (Err(whole), Err(package)) => Err(if package.near || product.whole.is_package() {
                    package
                } else {
                    whole
                }),
            };
        }
        let whole =
            whole.or_else(|miss| self.program(product, finding, image, package).ok_or(miss));
        let mut part: Result<Fit, Miss> = Err(Miss {
            near: false,
            why: "it names no part".to_owned(),
        });
        for named in &product.parts {
            match (of_package(named), &part) {
                (Ok(fit), Ok(known)) if known.grade >= fit.grade => {}
                (Ok(fit), _) => part = Ok(fit),
                (Err(miss), Err(known)) if miss.near || !known.near => part = Err(miss),
                (Err(_), _) => {}
            }
        }
        match (whole, part) {
            (Ok(whole), Ok(part)) => Ok(Fit {
                grade: whole.grade + part.grade,
                how: format!("{} in {}", part.how, whole.how),
            }),
            (Err(whole), Ok(_)) => Err(Miss {
                near: true,
                ..whole
            }),
            (_, Err(part)) => Err(part),
        }
    }

    /// The product is a program of the image, and the package is in the same file: a module of a Go program.
    fn program(
        &self,
        product: &ProductNames,
        finding: &Finding,
        image: Option<&ScannedImage>,
        package: Option<&model::matches::Package>,
    ) -> Option<Fit> {
        const GRADE: u8 = 2;
        let package = package?;
        let here = own_purl(package, image);
        let beside = self.contents.get(&finding.image?)?;
        let shares = |files: &[Text]| files.iter().any(|file| package.locations.contains(file));
        let (program, _) = beside
            .iter()
            .find(|(purl, files)| *purl != here && shares(files) && product.whole.listed(purl))?;
        Some(Fit {
            grade: GRADE,
            how: format!("the program {}", program.name),
        })
    }

    fn remember(&mut self, place: Place, miss: Miss) {
        match self.misses.get(&place) {
            Some(known) if known.near || !miss.near => {}
            _ => {
                self.misses.insert(place, miss);
            }
        }
    }

    /// One gap a document and kind: a vendor's file speaks of thousands of products.
    fn told(self) -> Vec<Gap> {
        let mut gaps = Vec::new();
        for (d, document) in self.documents.iter().enumerate() {
            let scope = format!("VEX {}", document.file);
            if !document.notes.is_empty() {
                gaps.push(gap(
                    "vex-not-understood",
                    format!("of {}: {}", document.file, examples(&document.notes)),
                    &scope,
                ));
            }
            let all = document.statements.len();
            let unused: Vec<String> = document
                .statements
                .iter()
                .enumerate()
                .filter(|(s, _)| !self.used.contains(&(d, *s)))
                .map(|(s, statement)| {
                    let why = self
                        .misses
                        .get(&(d, s))
                        .map_or_else(|| "nothing here has it".to_owned(), |miss| miss.why.clone());
                    let id = statement.ids.first().map_or("", |id| &**id);
                    format!("{} of {id}, {why}", statement.place)
                })
                .collect();
            if !unused.is_empty() {
                let count = unused.len();
                gaps.push(gap(
                    "vex-unused",
                    format!(
                        "{count} of {all} statements of {} {} nothing here: {}",
                        document.file,
                        if count == 1 { "matches" } else { "match" },
                        examples(&unused)
                    ),
                    &scope,
                ));
            }
            let open: Vec<String> = document
                .statements
                .iter()
                .enumerate()
                .filter_map(|(s, statement)| {
                    let count = self.open.get(&(d, s))?;
                    let id = statement.ids.first().map_or("", |id| &**id);
                    let findings = if *count == 1 { "finding" } else { "findings" };
                    Some(format!(
                        "{id} {} ({count} {findings})",
                        statement.status.word()
                    ))
                })
                .collect();
            if !open.is_empty() {
                gaps.push(gap(
                    "vex-affected",
                    format!(
                        "{} takes nothing out of these: {}",
                        document.file,
                        examples(&open)
                    ),
                    &scope,
                ));
            }
        }
        if !self.contradictions.is_empty() {
            gaps.push(gap(
                "vex-contradiction",
                examples(&self.contradictions),
                "VEX",
            ));
        }
        gaps
    }
}

fn gap(class: &str, what: String, scope: &str) -> Gap {
    Gap {
        class: class.into(),
        what: what.into(),
        stage: Stage::Match,
        scope: scope.into(),
        weight: GapWeight::Notice,
        close: "".into(),
    }
}

fn examples(all: &[impl AsRef<str>]) -> String {
    const SHOWN: usize = 3;
    let shown: Vec<&str> = all.iter().take(SHOWN).map(AsRef::as_ref).collect();
    match all.len().saturating_sub(SHOWN) {
        0 => shown.join("; "),
        more => format!("{}; and {more} more", shown.join("; ")),
    }
}

/// `VEX app.vex.json by Example Inc`.
fn by(document: &VexDocument) -> Text {
    match &document.author {
        Some(author) => format!("VEX {} by {author}", document.file).into(),
        None => format!("VEX {}", document.file).into(),
    }
}

/// `not_affected, vulnerable_code_not_present: the parser is not built (statement 2 of 2026-08-17, names openssl
/// 3.0.11 in the image by its digest)`.
fn reason(statement: &VexStatement, fit: &Fit) -> Text {
    let mut text = statement.status.word().to_owned();
    if let Some(justification) = &statement.justification {
        text = format!("{text}, {justification}");
    }
    if let Some(says) = &statement.says {
        text = format!("{text}: {says}");
    }
    let day = statement.when.map_or_else(String::new, |when| {
        format!(" of {}", when.strftime("%Y-%m-%d"))
    });
    format!("{text} ({}{day}, names {})", statement.place, fit.how).into()
}

/// What is known to be in each image, packages of its findings and its inventory; empty where no statement asks for it.
fn contents(
    documents: &[VexDocument],
    found: &Findings,
    scanned: Scanned,
) -> FxHashMap<u32, Vec<(Purl, Vec<Text>)>> {
    let mut contents: FxHashMap<u32, Vec<(Purl, Vec<Text>)>> = FxHashMap::default();
    let program =
        |product: &VexProduct| !product.parts.is_empty() && Named::of(&product.whole).is_package();
    let statements = documents.iter().flat_map(|document| &document.statements);
    if !statements.flat_map(|s| &s.products).any(program) {
        return contents;
    }
    let mut seen: FxHashSet<(u32, u32)> = FxHashSet::default();
    for finding in found
        .open
        .iter()
        .chain(&found.unjoined)
        .chain(&found.suppressed)
    {
        let (Some(image), Some(n)) = (finding.image, finding.package) else {
            continue;
        };
        if let Some(package) = found.packages.get(n as usize)
            && seen.insert((image, n))
            && !package.locations.is_empty()
        {
            let of = scanned.images.get(image as usize);
            let listed = contents.entry(image).or_default();
            listed.push((own_purl(package, of), package.locations.clone()));
        }
    }
    for (n, image) in (0u32..).zip(scanned.images) {
        for inventory in scanned
            .inventories
            .iter()
            .filter(|i| i.artifact.name == image.name)
        {
            for component in &inventory.components {
                if let Ok(purl) = Purl::parse(&component.purl) {
                    let files = component
                        .at
                        .iter()
                        .map(|place| Text::clone(&place.path))
                        .collect();
                    contents.entry(n).or_default().push((purl, files));
                }
            }
        }
    }
    contents
}
