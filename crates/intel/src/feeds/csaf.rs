//! Red Hat's VEX documents (CSAF 2.0, security.access.redhat.com/data/csaf/v2/vex): one a CVE, a state a product.
//! Comes in: one document. Goes out: a draft with what is fixed, affected and not affected of the releases of Red Hat
//! Enterprise Linux. Never: takes a container or layered product for the distribution.

use super::specific::{all, below};
use super::{Affected, Draft, DraftCvss, Names, cwe_number, day, one_line, usable_id};
use crate::purl::Purl;
use crate::{cvss, ecosystem};
use jiff::civil::Date;
use model::matches::FixState;
use model::vulnerability::Severity;
use serde::Deserialize;
use serde_json::Value;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Deserialize)]
struct Csaf<'a> {
    #[serde(borrow)]
    document: Document<'a>,
    #[serde(borrow, default)]
    product_tree: Tree<'a>,
    #[serde(borrow, default)]
    vulnerabilities: Vec<Vulnerability<'a>>,
}

#[derive(Deserialize)]
struct Document<'a> {
    #[serde(borrow, default)]
    aggregate_severity: Option<Said<'a>>,
    #[serde(borrow, default)]
    tracking: Tracking<'a>,
}

#[derive(Deserialize)]
struct Said<'a> {
    #[serde(borrow, default)]
    text: Cow<'a, str>,
}

#[derive(Deserialize, Default)]
struct Tracking<'a> {
    #[serde(borrow, default)]
    current_release_date: Option<Cow<'a, str>>,
}

#[derive(Deserialize, Default)]
struct Tree<'a> {
    #[serde(borrow, default)]
    branches: Vec<Branch<'a>>,
    #[serde(borrow, default)]
    relationships: Vec<Relationship<'a>>,
}

#[derive(Deserialize)]
struct Branch<'a> {
    #[serde(borrow, default)]
    branches: Vec<Branch<'a>>,
    #[serde(borrow, default)]
    product: Option<Product<'a>>,
}

#[derive(Deserialize)]
struct Product<'a> {
    #[serde(borrow)]
    product_id: Cow<'a, str>,
    #[serde(borrow, default)]
    product_identification_helper: Option<Identification<'a>>,
}

#[derive(Deserialize)]
struct Identification<'a> {
    #[serde(borrow, default)]
    cpe: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    purl: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct Relationship<'a> {
    #[serde(borrow)]
    full_product_name: Name<'a>,
    #[serde(borrow, default)]
    product_reference: Cow<'a, str>,
    #[serde(borrow, default)]
    relates_to_product_reference: Cow<'a, str>,
}

#[derive(Deserialize)]
struct Name<'a> {
    #[serde(borrow)]
    product_id: Cow<'a, str>,
}

#[derive(Deserialize)]
struct Vulnerability<'a> {
    #[serde(borrow, default)]
    cve: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    title: Option<Cow<'a, str>>,
    #[serde(default)]
    cwe: Option<Value>,
    #[serde(borrow, default)]
    release_date: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    product_status: Statuses<'a>,
    #[serde(borrow, default)]
    remediations: Vec<Remediation<'a>>,
    #[serde(default)]
    scores: Vec<Value>,
    #[serde(borrow, default)]
    threats: Vec<Threat<'a>>,
}

type Products<'a> = Vec<Cow<'a, str>>;

#[derive(Deserialize, Default)]
struct Statuses<'a> {
    #[serde(borrow, default)]
    fixed: Products<'a>,
    #[serde(borrow, default)]
    known_affected: Products<'a>,
    #[serde(borrow, default)]
    known_not_affected: Products<'a>,
    #[serde(borrow, default)]
    under_investigation: Products<'a>,
}

#[derive(Deserialize)]
struct Remediation<'a> {
    #[serde(borrow, default)]
    category: Cow<'a, str>,
    #[serde(borrow, default)]
    details: Cow<'a, str>,
    #[serde(borrow, default)]
    date: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    product_ids: Products<'a>,
}

#[derive(Deserialize)]
struct Threat<'a> {
    #[serde(borrow, default)]
    category: Cow<'a, str>,
    #[serde(borrow, default)]
    details: Cow<'a, str>,
    #[serde(borrow, default)]
    product_ids: Products<'a>,
}

/// Whether an archive entry is a document: `cve-2022-0778.json`.
pub fn is_record(name: &str) -> bool {
    name.strip_suffix(".json").is_some_and(usable_id)
}

/// Reads one document.
pub fn parse(bytes: &[u8], source: &str) -> Result<Draft, String> {
    let csaf: Csaf<'_> = serde_json::from_slice(bytes).map_err(|e| e.to_string())?;
    let [said] = &csaf.vulnerabilities[..] else {
        return Err("it does not speak of one vulnerability".to_owned());
    };
    let id = said
        .cve
        .as_deref()
        .filter(|id| usable_id(id))
        .ok_or("it names no CVE")?;
    let mut draft = Draft {
        id: id.to_ascii_uppercase(),
        title: said
            .title
            .as_deref()
            .map(|title| one_line(title, 200))
            .filter(|title| !title.is_empty()),
        published: said.release_date.as_deref().and_then(day),
        modified: csaf
            .document
            .tracking
            .current_release_date
            .as_deref()
            .and_then(day),
        ..Draft::default()
    };
    let word = csaf
        .document
        .aggregate_severity
        .as_ref()
        .map(|said| Severity::parse(&said.text));
    draft.severity = word.filter(|severity| *severity != Severity::Unknown);
    let cwe = said
        .cwe
        .as_ref()
        .and_then(|cwe| cwe.get("id")?.as_str().and_then(cwe_number));
    draft.cwes.extend(cwe);
    for score in &said.scores {
        for key in ["cvss_v4", "cvss_v3", "cvss_v2"] {
            let vector = score
                .get(key)
                .and_then(|score| score.get("vectorString")?.as_str());
            let Some((vector, tenths)) =
                vector.and_then(|vector| Some((vector, cvss::tenths(vector)?)))
            else {
                continue;
            };
            let one = DraftCvss {
                source: source.to_owned(),
                vector: vector.to_owned(),
                tenths,
            };
            if !draft.cvss.contains(&one) {
                draft.cvss.push(one);
            }
        }
    }
    draft.affected = Reader::of(&csaf.product_tree, said).affected(&said.product_status);
    Ok(draft)
}

/// Product ids resolved.
struct Reader<'a> {
    products: BTreeMap<&'a str, &'a Identification<'a>>,
    /// Component and what it is part of.
    parts: BTreeMap<&'a str, (&'a str, &'a str)>,
    fixes: BTreeMap<&'a str, Date>,
    states: BTreeMap<&'a str, FixState>,
    impacts: BTreeMap<&'a str, Severity>,
}

/// A package of a release.
struct Part {
    ecosystem: String,
    name: String,
    /// With its epoch; empty: any.
    version: String,
    names: Names,
    module: Option<String>,
}

impl<'a> Reader<'a> {
    fn of(tree: &'a Tree<'a>, said: &'a Vulnerability<'a>) -> Self {
        let mut reader = Reader {
            products: BTreeMap::new(),
            parts: BTreeMap::new(),
            fixes: BTreeMap::new(),
            states: BTreeMap::new(),
            impacts: BTreeMap::new(),
        };
        // The depth is bounded by that of the JSON reader.
        let mut open: Vec<&Branch<'_>> = tree.branches.iter().collect();
        while let Some(branch) = open.pop() {
            open.extend(&branch.branches);
            if let Some(product) = &branch.product
                && let Some(helper) = &product.product_identification_helper
            {
                reader.products.insert(&product.product_id, helper);
            }
        }
        for one in &tree.relationships {
            let part = (&*one.product_reference, &*one.relates_to_product_reference);
            reader.parts.insert(&one.full_product_name.product_id, part);
        }
        for remediation in &said.remediations {
            let state = state(remediation);
            let date = remediation.date.as_deref().and_then(day);
            for id in &remediation.product_ids {
                if let Some(state) = state {
                    reader.states.insert(id, state);
                }
                if let Some(date) = date.filter(|_| remediation.category == "vendor_fix") {
                    reader.fixes.insert(id, date);
                }
            }
        }
        for threat in said
            .threats
            .iter()
            .filter(|threat| threat.category == "impact")
        {
            let severity = Severity::parse(&threat.details);
            if severity != Severity::Unknown {
                let ids = threat.product_ids.iter();
                reader.impacts.extend(ids.map(|id| (&**id, severity)));
            }
        }
        reader
    }

    fn affected(&self, statuses: &Statuses<'_>) -> Vec<Affected> {
        let mut all_of: Vec<Affected> = Vec::new();
        let mut seen: BTreeSet<(String, String, String, bool, Option<String>)> = BTreeSet::new();
        let mut fixed: BTreeSet<(String, String, Option<String>)> = BTreeSet::new();
        let lists = [
            (&statuses.fixed, None),
            (&statuses.known_affected, Some(FixState::NotFixed)),
            (
                &statuses.under_investigation,
                Some(FixState::UnderInvestigation),
            ),
            (&statuses.known_not_affected, Some(FixState::NotAffected)),
        ];
        for (ids, said) in lists {
            for id in ids {
                let Some(part) = self.part(id) else { continue };
                let name = (
                    part.ecosystem.clone(),
                    part.name.clone(),
                    part.module.clone(),
                );
                // A fix of a package is more exact than a word on the component of the whole release.
                if said.is_none() {
                    if part.version.is_empty() {
                        continue;
                    }
                    fixed.insert(name);
                } else if fixed.contains(&name) {
                    continue;
                }
                let word = said.map_or(part.version.as_str(), |_| "");
                let key = (
                    part.ecosystem.clone(),
                    part.name.clone(),
                    word.to_owned(),
                    part.names == Names::Source,
                    part.module.clone(),
                );
                if !seen.insert(key) {
                    continue;
                }
                let state = match said {
                    Some(FixState::NotFixed) => Some(
                        self.states
                            .get(&**id)
                            .copied()
                            .unwrap_or(FixState::NotFixed),
                    ),
                    other => other,
                };
                all_of.push(Affected {
                    ranges: match said {
                        None => vec![below(&part.version)],
                        Some(FixState::NotAffected) => Vec::new(),
                        Some(_) => vec![all()],
                    },
                    state,
                    severity: self.impacts.get(&**id).copied(),
                    fixed_on: self.fixes.get(&**id).copied().filter(|_| said.is_none()),
                    modules: part.module.into_iter().collect(),
                    ecosystem: part.ecosystem,
                    package: part.name,
                    names: part.names,
                    ..Affected::default()
                });
            }
        }
        all_of
    }

    fn part(&self, id: &str) -> Option<Part> {
        let (component, of) = *self.parts.get(id)?;
        // `AppStream-8.6:nodejs:16:...:nodejs-...`: a package of a module of a product.
        let (module, product) = match self.parts.get(of) {
            Some((module, product)) => (Some(*module), *product),
            None => (None, of),
        };
        let ecosystem = self
            .products
            .get(product)?
            .cpe
            .as_deref()
            .and_then(of_cpe)?;
        let module = module.map(|module| self.stream(module));
        let purl = self
            .products
            .get(component)
            .and_then(|helper| helper.purl.as_deref());
        let (mut name, version, arch, own_module) = match purl {
            Some(purl) => {
                let purl = Purl::parse(purl).ok().filter(|purl| purl.kind == "rpm")?;
                let epoch = purl.qualifier("epoch").filter(|epoch| *epoch != "0");
                let version = match epoch {
                    Some(epoch) if !purl.version.is_empty() => format!("{epoch}:{}", purl.version),
                    _ => purl.version.clone(),
                };
                let own = purl.qualifier("rpmmod").map(str::to_owned);
                (
                    purl.name.clone(),
                    version,
                    purl.qualifier("arch").map(str::to_owned),
                    own,
                )
            }
            None => nevra(component)?,
        };
        let mut module = module.or(own_module).and_then(|label| stream_of(&label));
        // `nodejs:16/nodejs`: a component of a module that has no fix.
        if let Some((stream, rest)) = component.split_once('/')
            && stream.contains(':')
        {
            module = module.or_else(|| stream_of(stream));
            rest.clone_into(&mut name);
        }
        if !(1..=512).contains(&name.len()) || version.len() > 256 {
            return None;
        }
        let names = match (arch.as_deref(), version.is_empty()) {
            (Some("src"), _) => Names::Source,
            (_, true) => Names::Either,
            _ => Names::Binary,
        };
        Some(Part {
            ecosystem,
            name,
            version,
            names,
            module,
        })
    }

    /// `nodejs:16:8060020220523160029:ad008a3a`, from its purl or its id.
    fn stream(&self, module: &str) -> String {
        let purl = self
            .products
            .get(module)
            .and_then(|helper| helper.purl.as_deref());
        let purl = purl
            .and_then(|purl| Purl::parse(purl).ok())
            .filter(|purl| purl.kind == "rpmmod");
        match purl {
            Some(purl) => format!("{}:{}", purl.name, purl.version),
            None => module.to_owned(),
        }
    }
}

/// `nodejs:16` of a module's label.
pub(crate) fn stream_of(label: &str) -> Option<String> {
    let mut parts = label.split(':');
    let (name, stream) = (parts.next()?, parts.next()?);
    (!name.is_empty() && !stream.is_empty()).then(|| format!("{name}:{stream}"))
}

fn of_cpe(cpe: &str) -> Option<String> {
    let rest = cpe
        .strip_prefix("cpe:/a:redhat:")
        .or_else(|| cpe.strip_prefix("cpe:/o:redhat:"))?;
    ecosystem::red_hat(rest)
}

type Named = (String, String, Option<String>, Option<String>);

/// `openssl-1:1.1.1k-9.el8_6.x86_64`, or a name alone.
fn nevra(text: &str) -> Option<Named> {
    const ARCHES: [&str; 9] = [
        "x86_64", "aarch64", "ppc64le", "s390x", "i686", "noarch", "src", "ppc64", "i386",
    ];
    let text = text.rsplit('/').next().unwrap_or(text);
    let Some((rest, arch)) = text
        .rsplit_once('.')
        .filter(|(_, arch)| ARCHES.contains(arch))
    else {
        let plain = !text.is_empty() && !text.contains([':', '@', ' ']);
        return plain.then(|| (text.to_owned(), String::new(), None, None));
    };
    let (rest, release) = rest.rsplit_once('-')?;
    let (name, version) = rest.rsplit_once('-')?;
    let version = version.strip_prefix("0:").unwrap_or(version);
    Some((
        name.to_owned(),
        format!("{version}-{release}"),
        Some(arch.to_owned()),
        None,
    ))
}

/// Red Hat's words for what has no fix. Source: redhatproductsecurity.github.io, "security-data guidelines", VEX.
fn state(remediation: &Remediation<'_>) -> Option<FixState> {
    match &*remediation.category {
        "no_fix_planned"
            if remediation
                .details
                .eq_ignore_ascii_case("out of support scope") =>
        {
            Some(FixState::EndOfLife)
        }
        "no_fix_planned" => Some(FixState::WillNotFix),
        "none_available" if remediation.details.eq_ignore_ascii_case("fix deferred") => {
            Some(FixState::Deferred)
        }
        "none_available" => Some(FixState::NotFixed),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCUMENT: &str = r#"{
      "document": {"category": "csaf_vex", "aggregate_severity": {"text": "Important"}, "tracking": {"current_release_date": "2024-02-03T00:00:00+00:00"}},
      "product_tree": {
        "branches": [{"category": "vendor", "name": "Red Hat", "branches": [
          {"category": "product_name", "name": "RHEL 8", "product": {"product_id": "rhel-8", "name": "RHEL 8", "product_identification_helper": {"cpe": "cpe:/o:redhat:enterprise_linux:8"}}},
          {"category": "product_name", "name": "AppStream", "product": {"product_id": "AppStream-8.6", "name": "x", "product_identification_helper": {"cpe": "cpe:/a:redhat:enterprise_linux:8::appstream"}}},
          {"category": "product_name", "name": "EUS", "product": {"product_id": "AppStream-8.4", "name": "x", "product_identification_helper": {"cpe": "cpe:/a:redhat:rhel_eus:8.4::appstream"}}},
          {"category": "product_name", "name": "OpenShift", "product": {"product_id": "ose", "name": "x", "product_identification_helper": {"cpe": "cpe:/a:redhat:openshift:4.12::el8"}}},
          {"category": "product_version", "name": "n", "product": {"product_id": "lib-1:2-3.el8_6.x86_64", "name": "n", "product_identification_helper": {"purl": "pkg:rpm/redhat/lib@2-3.el8_6?arch=x86_64&epoch=1"}}},
          {"category": "product_version", "name": "n", "product": {"product_id": "tool", "name": "n", "product_identification_helper": {"purl": "pkg:rpm/redhat/tool?arch=src"}}},
          {"category": "product_version", "name": "n", "product": {"product_id": "nodejs:16:806:ad0", "name": "n", "product_identification_helper": {"purl": "pkg:rpmmod/redhat/nodejs@16:806:ad0"}}}
        ]}],
        "relationships": [
          {"category": "default_component_of", "full_product_name": {"name": "", "product_id": "AppStream-8.6:lib"}, "product_reference": "lib-1:2-3.el8_6.x86_64", "relates_to_product_reference": "AppStream-8.6"},
          {"category": "default_component_of", "full_product_name": {"name": "", "product_id": "AppStream-8.4:lib"}, "product_reference": "lib-1:2-1.el8_4.src", "relates_to_product_reference": "AppStream-8.4"},
          {"category": "default_component_of", "full_product_name": {"name": "", "product_id": "ose:lib"}, "product_reference": "lib-1:2-3.el8_6.x86_64", "relates_to_product_reference": "ose"},
          {"category": "default_component_of", "full_product_name": {"name": "", "product_id": "rhel-8:tool"}, "product_reference": "tool", "relates_to_product_reference": "rhel-8"},
          {"category": "default_component_of", "full_product_name": {"name": "", "product_id": "rhel-8:lib"}, "product_reference": "lib", "relates_to_product_reference": "rhel-8"},
          {"category": "default_component_of", "full_product_name": {"name": "", "product_id": "rhel-8:nodejs:18/nodejs"}, "product_reference": "nodejs:18/nodejs", "relates_to_product_reference": "rhel-8"},
          {"category": "default_component_of", "full_product_name": {"name": "", "product_id": "rhel-8:safe"}, "product_reference": "safe", "relates_to_product_reference": "rhel-8"},
          {"category": "default_component_of", "full_product_name": {"name": "", "product_id": "AppStream-8.6:m"}, "product_reference": "nodejs:16:806:ad0", "relates_to_product_reference": "AppStream-8.6"},
          {"category": "default_component_of", "full_product_name": {"name": "", "product_id": "AppStream-8.6:m:nodejs"}, "product_reference": "nodejs-1:16.1-1.module+el8.6.0+1+aa.x86_64", "relates_to_product_reference": "AppStream-8.6:m"}
        ]},
      "vulnerabilities": [{"cve": "CVE-2022-0778", "cwe": {"id": "CWE-835"}, "release_date": "2022-03-15T00:00:00+00:00",
        "product_status": {"fixed": ["AppStream-8.6:lib", "AppStream-8.4:lib", "ose:lib", "AppStream-8.6:m:nodejs", "missing"], "known_affected": ["rhel-8:tool", "rhel-8:lib", "rhel-8:nodejs:18/nodejs"], "known_not_affected": ["rhel-8:safe"]},
        "remediations": [{"category": "vendor_fix", "date": "2022-03-28T00:00:00+00:00", "details": "", "product_ids": ["AppStream-8.6:lib"]},
          {"category": "no_fix_planned", "details": "Will not fix", "product_ids": ["rhel-8:tool"]}, {"category": "none_available", "details": "Fix deferred", "product_ids": ["rhel-8:nodejs:18/nodejs"]}],
        "scores": [{"cvss_v3": {"vectorString": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H"}, "products": []}],
        "threats": [{"category": "impact", "details": "Low", "product_ids": ["rhel-8:tool"]}]}]}"#;

    type Told<'a> = (
        &'a str,
        &'a str,
        Option<&'a str>,
        Names,
        Option<FixState>,
        &'a [String],
    );

    #[test]
    fn a_document() {
        let draft = parse(DOCUMENT.as_bytes(), "csaf").unwrap();
        assert_eq!(
            (
                &*draft.id,
                draft.severity,
                &draft.cwes[..],
                draft.cvss.len()
            ),
            ("CVE-2022-0778", Some(Severity::High), &[835][..], 1)
        );
        let told: Vec<Told<'_>> = draft
            .affected
            .iter()
            .map(|a| {
                let fixed = a
                    .ranges
                    .first()
                    .and_then(|range| range.events.get(1))
                    .map(|event| &*event.1);
                (
                    &*a.ecosystem,
                    &*a.package,
                    fixed,
                    a.names,
                    a.state,
                    &a.modules[..],
                )
            })
            .collect();
        let (sixteen, eighteen) = (["nodejs:16".to_owned()], ["nodejs:18".to_owned()]);
        assert_eq!(
            told,
            [
                (
                    "Red Hat:8",
                    "lib",
                    Some("1:2-3.el8_6"),
                    Names::Binary,
                    None,
                    &[][..]
                ),
                (
                    "Red Hat:eus:8.4",
                    "lib",
                    Some("1:2-1.el8_4"),
                    Names::Source,
                    None,
                    &[]
                ),
                (
                    "Red Hat:8",
                    "nodejs",
                    Some("1:16.1-1.module+el8.6.0+1+aa"),
                    Names::Binary,
                    None,
                    &sixteen
                ),
                (
                    "Red Hat:8",
                    "tool",
                    None,
                    Names::Source,
                    Some(FixState::WillNotFix),
                    &[]
                ),
                (
                    "Red Hat:8",
                    "nodejs",
                    None,
                    Names::Either,
                    Some(FixState::Deferred),
                    &eighteen
                ),
                (
                    "Red Hat:8",
                    "safe",
                    None,
                    Names::Either,
                    Some(FixState::NotAffected),
                    &[]
                ),
            ]
        );
        assert_eq!(
            draft.affected[0].fixed_on,
            Some(jiff::civil::date(2022, 3, 28))
        );
        assert_eq!(draft.affected[3].severity, Some(Severity::Low));
    }
}
