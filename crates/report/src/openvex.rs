//! OpenVEX 0.2.0: what is known of each vulnerability in what was scanned. In: a view. Out: statements by vulnerability,
//! status and reason. Author is the tool, time is `--now`. Never: an ignored finding told as not affected.
//! Without a finding there is no statement, and a document without one is none (OpenVEX 0.2.0: at least one): an error.

use crate::claim::{Claim, advice, claim};
use crate::escape::write_json;
use crate::installed::{Installed, Unit, Units, findings, purl_or_generic, units};
use crate::names::Names;
use crate::serial;
use crate::target;
use crate::view::View;
use model::finding::Finding;
use model::matches::Category;
use model::purl::is_uri;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

/// What makes one statement: the same vulnerability, claim and words.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Key<'a> {
    id: &'a str,
    claim: Claim<'a>,
    action: String,
    note: Option<String>,
}

/// Subcomponents of each product, by the number of its unit.
type Products = BTreeMap<usize, BTreeSet<String>>;

/// # Errors
/// [`io::ErrorKind::InvalidInput`] where there is nothing to state.
pub fn write(view: &View, out: &mut dyn Write) -> io::Result<()> {
    let names = Names::of(view);
    let units = units(view);
    let mut statements: BTreeMap<Key, (&Finding, Products)> = BTreeMap::new();
    for finding in findings(view.assessment) {
        if finding.category != Category::Vulnerability {
            continue;
        }
        let Some((u, unit)) = units.of(finding) else {
            continue;
        };
        let (_, products) = statements
            .entry(key(view, finding))
            .or_insert_with(|| (finding, BTreeMap::new()));
        let product = products.entry(u).or_default();
        if let Some(package) = view.package(finding) {
            let found = unit.find(package).first();
            let found = found.and_then(|p| unit.packages.get(usize::try_from(*p).ok()?));
            let found = found.copied().unwrap_or(Installed::Package(package));
            product.insert(purl_or_generic(found).into_owned());
        }
    }
    let about = &view.assessment.about;
    let now = about.now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let statements: Vec<Value> = statements
        .iter()
        .map(|(key, (finding, products))| statement(view, &names, &units, key, finding, products))
        .collect();
    if statements.is_empty() {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "there is no vulnerability to speak of, and an OpenVEX document needs a statement: nothing was written",
        ));
    }
    let document = json!({
        "@context": "https://openvex.dev/ns/v0.2.0",
        "@id": format!("urn:uuid:{}", serial::of_document(view, &names, &units, "openvex")),
        "author": "Plimsoll",
        "role": "Document Creator",
        "timestamp": now,
        "version": 1,
        "tooling": format!("Plimsoll {}", about.tool_version),
        "statements": statements,
    });
    write_json(&document, out)
}

fn key<'a>(view: &View, finding: &'a Finding) -> Key<'a> {
    let claim = claim(finding);
    let action = match claim {
        Claim::Affected => advice(view, finding),
        Claim::NotAffected { .. } | Claim::Fixed | Claim::UnderInvestigation => String::new(),
    };
    let note = finding.suppression.as_ref().map(|suppression| {
        let what = match claim {
            Claim::Affected => "left out of the open findings",
            Claim::NotAffected { .. } | Claim::Fixed | Claim::UnderInvestigation => "stated",
        };
        format!("{what} by {}: {}", suppression.by, suppression.reason)
    });
    Key {
        id: &finding.id,
        claim,
        action,
        note,
    }
}

fn statement(
    view: &View,
    names: &Names,
    units: &Units,
    key: &Key,
    finding: &Finding,
    products: &Products,
) -> Value {
    let mut vulnerability = json!({"name": key.id});
    if let Some(known) = view.vulnerability(finding) {
        let aliases: BTreeSet<&str> = known.aliases.iter().map(|alias| &**alias).collect();
        if !aliases.is_empty() {
            vulnerability["aliases"] = json!(aliases);
        }
    }
    if let Some(title) = view.title(finding) {
        vulnerability["description"] = json!(names.show(title));
    }
    let mut one = json!({
        "vulnerability": vulnerability,
        "products": products
            .iter()
            .filter_map(|(u, parts)| Some(product(view, names, units.all.get(*u)?, parts)))
            .collect::<Vec<Value>>(),
    });
    let status = match &key.claim {
        Claim::Affected => {
            one["action_statement"] = json!(names.show(&key.action));
            "affected"
        }
        Claim::NotAffected {
            justification,
            statement,
        } => {
            // Exactly one of the two.
            match justification {
                Some(label) => one["justification"] = json!(label.openvex()),
                None => one["impact_statement"] = json!(names.show(statement)),
            }
            "not_affected"
        }
        Claim::Fixed => "fixed",
        Claim::UnderInvestigation => "under_investigation",
    };
    one["status"] = json!(status);
    if let Some(note) = &key.note {
        one["status_notes"] = json!(names.show(note));
    }
    one
}

fn product(view: &View, names: &Names, unit: &Unit, parts: &BTreeSet<String>) -> Value {
    let purl = target::purl(view, names, unit);
    let mut product = json!({"@id": purl, "identifiers": {"purl": purl}});
    if let Some(("sha256", hex)) = target::digest(names, unit).and_then(|d| d.split_once(':')) {
        product["hashes"] = json!({"sha-256": hex});
    }
    if !parts.is_empty() {
        let parts: Vec<Value> = parts
            .iter()
            .map(|purl| {
                debug_assert!(is_uri(purl), "{purl}");
                json!({"@id": purl, "identifiers": {"purl": purl}})
            })
            .collect();
        product["subcomponents"] = json!(parts);
    }
    product
}
