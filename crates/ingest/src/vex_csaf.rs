//! CSAF 2.0 and 2.1, profile VEX (OASIS csaf, sections 3.2.2 product tree, 3.2.3 vulnerabilities). Comes in: one
//! document. Goes out: a statement a vulnerability, status and justification, with products resolved to their names.

use crate::IngestError;
use crate::document::Document;
use crate::identifier::time;
use crate::loose::{Hint, List, Maybe, Obj, Str};
use crate::vex::{VexComponent, VexDocument, VexProduct, VexStatement, VexStatus, sentence};
use crate::vex_open::digest;
use jiff::Timestamp;
use model::text::Text;
use serde::Deserialize;
use std::collections::BTreeMap;

/// Products of relationships of relationships; real documents have two levels (a module on a platform).
const DEEPEST: u8 = 4;

#[derive(Deserialize, Default)]
#[serde(default)]
struct Csaf<'a> {
    #[serde(borrow)]
    document: Maybe<Head<'a>>,
    #[serde(borrow)]
    product_tree: Maybe<Tree<'a>>,
    #[serde(borrow)]
    vulnerabilities: List<Obj<Vulnerability<'a>>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Head<'a> {
    #[serde(borrow)]
    csaf_version: Hint<'a>,
    #[serde(borrow)]
    publisher: Maybe<Publisher<'a>>,
    #[serde(borrow)]
    tracking: Maybe<Tracking<'a>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Publisher<'a> {
    #[serde(borrow)]
    name: Hint<'a>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Tracking<'a> {
    #[serde(borrow)]
    current_release_date: Hint<'a>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Tree<'a> {
    #[serde(borrow)]
    branches: List<Obj<Branch<'a>>>,
    #[serde(borrow)]
    full_product_names: List<Obj<Product<'a>>>,
    #[serde(borrow)]
    relationships: List<Obj<Relationship<'a>>>,
    #[serde(borrow)]
    product_groups: List<Obj<Group<'a>>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Branch<'a> {
    #[serde(borrow)]
    product: Option<Obj<Product<'a>>>,
    #[serde(borrow)]
    branches: List<Obj<Branch<'a>>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Product<'a> {
    #[serde(rename = "product_id", borrow)]
    id: Str<'a>,
    #[serde(borrow)]
    name: Hint<'a>,
    #[serde(rename = "product_identification_helper", borrow)]
    helper: Maybe<Helper<'a>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Helper<'a> {
    #[serde(borrow)]
    purl: Hint<'a>,
    /// CSAF 2.1.
    #[serde(borrow)]
    purls: List<Hint<'a>>,
    #[serde(borrow)]
    cpe: Hint<'a>,
    #[serde(borrow)]
    hashes: List<Obj<Hashes<'a>>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Hashes<'a> {
    #[serde(borrow)]
    file_hashes: List<Obj<FileHash<'a>>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct FileHash<'a> {
    #[serde(borrow)]
    algorithm: Hint<'a>,
    #[serde(borrow)]
    value: Hint<'a>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Relationship<'a> {
    #[serde(borrow)]
    full_product_name: Maybe<Product<'a>>,
    #[serde(borrow)]
    product_reference: Str<'a>,
    #[serde(borrow)]
    relates_to_product_reference: Str<'a>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Group<'a> {
    #[serde(borrow)]
    group_id: Str<'a>,
    #[serde(borrow)]
    product_ids: List<Str<'a>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Vulnerability<'a> {
    #[serde(borrow)]
    cve: Hint<'a>,
    #[serde(borrow)]
    ids: List<Obj<Id<'a>>>,
    #[serde(borrow)]
    product_status: Maybe<Statuses<'a>>,
    #[serde(borrow)]
    flags: List<Obj<Remark<'a>>>,
    #[serde(borrow)]
    threats: List<Obj<Remark<'a>>>,
    #[serde(borrow)]
    remediations: List<Obj<Remark<'a>>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Id<'a> {
    #[serde(borrow)]
    text: Hint<'a>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Statuses<'a> {
    #[serde(borrow)]
    fixed: List<Str<'a>>,
    #[serde(borrow)]
    first_fixed: List<Str<'a>>,
    #[serde(borrow)]
    known_not_affected: List<Str<'a>>,
    #[serde(borrow)]
    known_affected: List<Str<'a>>,
    #[serde(borrow)]
    first_affected: List<Str<'a>>,
    #[serde(borrow)]
    last_affected: List<Str<'a>>,
    #[serde(borrow)]
    under_investigation: List<Str<'a>>,
}

/// A flag, threat or remediation.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Remark<'a> {
    #[serde(borrow)]
    label: Hint<'a>,
    #[serde(borrow)]
    category: Hint<'a>,
    #[serde(borrow)]
    details: Hint<'a>,
    #[serde(borrow)]
    date: Hint<'a>,
    #[serde(borrow)]
    product_ids: List<Str<'a>>,
    #[serde(borrow)]
    group_ids: List<Str<'a>>,
}

pub(crate) fn read<'a>(document: &Document<'a>, raw: &'a str) -> Result<VexDocument, IngestError> {
    let csaf: Csaf = document.parse::<Maybe<_>>(raw)?.0;
    let version = csaf.document.csaf_version.some().unwrap_or("2.0");
    let mut out = VexDocument {
        file: document.file.into(),
        format: format!("csaf/{version}").into(),
        author: sentence(&csaf.document.publisher.name),
        statements: Vec::new(),
        notes: Vec::new(),
    };
    let products = Products::of(&csaf.product_tree);
    let written = time(&csaf.document.tracking.current_release_date);
    let mut unknown = 0usize;
    for (n, one) in csaf.vulnerabilities.iter().enumerate() {
        unknown += statements(n, one, &products, written, &mut out, document)?;
    }
    if unknown > 0 {
        out.notes.push(
            format!("{unknown} of its products are not in its product tree, or nested too deeply")
                .into(),
        );
    }
    Ok(out)
}

/// Status, justification, reason, day.
type Grouped = (VexStatus, Option<Text>, Option<Text>, Option<Timestamp>);

/// Products with one justification and one reason make one statement.
fn statements(
    index: usize,
    one: &Vulnerability,
    products: &Products,
    written: Option<Timestamp>,
    out: &mut VexDocument,
    document: &Document,
) -> Result<usize, IngestError> {
    let ids: Vec<Text> = std::iter::once(&one.cve)
        .chain(one.ids.iter().map(|id| &id.text))
        .filter_map(|id| id.some().map(Into::into))
        .collect();
    if ids.is_empty() {
        out.notes
            .push(format!("vulnerability {} has no id", index + 1).into());
        return Ok(0);
    }
    let status = &one.product_status;
    let lists = [
        (VexStatus::NotAffected, &status.known_not_affected),
        (VexStatus::Fixed, &status.fixed),
        (VexStatus::Fixed, &status.first_fixed),
        (VexStatus::UnderInvestigation, &status.under_investigation),
        (VexStatus::Affected, &status.known_affected),
        (VexStatus::Affected, &status.first_affected),
        (VexStatus::Affected, &status.last_affected),
    ];
    let flags = remarks(&one.flags, products);
    let threats = remarks(&one.threats, products);
    let remediations = remarks(&one.remediations, products);
    let mut unknown = 0;
    let mut groups: BTreeMap<Grouped, Vec<VexProduct>> = BTreeMap::new();
    for (status, listed) in lists {
        for id in listed.iter() {
            let Some(product) = products.product(id, 0) else {
                unknown += 1;
                continue;
            };
            let flag = flags.get(&**id).and_then(|of| of.first().copied());
            let details = match status {
                VexStatus::NotAffected => threats.get(&**id),
                _ => remediations.get(&**id),
            };
            let details = details.and_then(|of| {
                let impact =
                    |r: &&&Remark| status != VexStatus::NotAffected || &*r.category == "impact";
                of.iter().find(impact).and_then(|r| sentence(&r.details))
            });
            let key = (
                status,
                flag.and_then(|flag| sentence(&flag.label)),
                details,
                flag.and_then(|flag| time(&flag.date)).or(written),
            );
            groups.entry(key).or_default().push(product);
        }
    }
    for ((status, justification, says, when), products) in groups {
        if out.statements.len() >= document.limits.matches {
            return Err(IngestError::TooMany {
                file: document.file.to_owned(),
                limit: document.limits.matches,
            });
        }
        out.statements.push(VexStatement {
            place: format!("vulnerability {}", index + 1).into(),
            ids: ids.clone(),
            status,
            justification,
            says,
            when,
            products,
        });
    }
    Ok(unknown)
}

fn remarks<'r, 'a>(
    all: &'r [Obj<Remark<'a>>],
    products: &Products<'r>,
) -> BTreeMap<&'r str, Vec<&'r Remark<'a>>> {
    let mut of: BTreeMap<&str, Vec<&Remark>> = BTreeMap::new();
    for remark in all {
        let grouped = remark
            .group_ids
            .iter()
            .filter_map(|id| products.groups.get(&**id));
        let ids = remark
            .product_ids
            .iter()
            .map(|id| &**id)
            .chain(grouped.flatten().copied());
        for id in ids {
            of.entry(id).or_default().push(remark);
        }
    }
    of
}

/// The product tree by product id.
#[derive(Default)]
struct Products<'t> {
    named: BTreeMap<&'t str, VexComponent>,
    /// Component and what it is in.
    related: BTreeMap<&'t str, (&'t str, &'t str)>,
    groups: BTreeMap<&'t str, Vec<&'t str>>,
}

impl<'t> Products<'t> {
    fn of(tree: &'t Tree) -> Self {
        let mut products = Products::default();
        for branch in tree.branches.iter() {
            products.branch(branch);
        }
        for product in tree.full_product_names.iter() {
            products.name(product);
        }
        for relationship in tree.relationships.iter() {
            products.related.insert(
                &relationship.full_product_name.id,
                (
                    &relationship.product_reference,
                    &relationship.relates_to_product_reference,
                ),
            );
        }
        for group in tree.product_groups.iter() {
            let ids = group.product_ids.iter().map(|id| &**id).collect();
            products.groups.insert(&group.group_id, ids);
        }
        products
    }

    /// The parser bounds the depth.
    fn branch(&mut self, branch: &'t Branch) {
        if let Some(product) = &branch.product {
            self.name(product);
        }
        for inner in branch.branches.iter() {
            self.branch(inner);
        }
    }

    fn name(&mut self, product: &'t Product) {
        let helper = &product.helper;
        let purls = std::iter::once(&helper.purl).chain(helper.purls.iter());
        let mut names: Vec<String> = purls.map(|purl| purl.to_string()).collect();
        names.push(helper.cpe.to_string());
        let hashes = helper
            .hashes
            .iter()
            .flat_map(|hashes| hashes.file_hashes.iter());
        names.extend(hashes.filter_map(|hash| digest(&hash.algorithm, &hash.value)));
        names.push(product.name.to_string());
        self.named.insert(&product.id, VexComponent::of(names));
    }

    /// A relationship makes its product a part of another; what is nested deeper is not widened to less.
    fn product(&self, id: &str, depth: u8) -> Option<VexProduct> {
        if let Some(whole) = self.named.get(id) {
            return Some(VexProduct {
                whole: whole.clone(),
                parts: Vec::new(),
            });
        }
        let (part, within) = self.related.get(id).filter(|_| depth < DEEPEST)?;
        let part = self.product(part, depth + 1)?;
        let whole = self.product(within, depth + 1)?;
        (part.parts.is_empty() && whole.parts.is_empty()).then(|| VexProduct {
            whole: whole.whole,
            parts: vec![part.whole],
        })
    }
}
