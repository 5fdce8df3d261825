//! What was there before: a bundle or a JSON report of ours. Comes in: one of them. Goes out: for a finding of now,
//! whether it is known, new, or new by what a feed says only. Findings are compared by tracking key.
//! Never: takes what was suppressed before for known.

use jiff::civil::Date;
use model::assessment::Assessment;
use model::evidence::Fact;
use model::finding::Finding;
use model::image::ImageReference;
use model::keys::purl_without_version;
use model::text::Text;
use model::tracking::{repository, tracking_key};
use serde::Deserialize;
use std::collections::BTreeSet;
use std::io::Read;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Baseline {
    /// Path as given.
    pub name: Text,
    /// Keys of findings that were open, and of those that were of no container.
    open: BTreeSet<String>,
    suppressed: BTreeSet<String>,
    /// The same findings by the database of now; `None`: there was nothing to judge again.
    again: Option<BTreeSet<String>>,
    /// Packages that were there: repository, package, version.
    packages: BTreeSet<Installed>,
    /// The newest feed of its database.
    database: Option<Date>,
}

type Installed = (String, String, String);

/// How a finding of now stands to the baseline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    New,
    Known,
    /// What was scanned did not change; what is known of it did.
    Feed(String),
}

#[derive(Debug, thiserror::Error)]
pub enum BaselineError {
    #[error("no JSON report of plimsoll")]
    Foreign(#[source] serde_json::Error),
    #[error("written by a newer plimsoll (report format {0}; this one reads 1)")]
    Newer(u32),
    #[error(
        "its names are redacted, so nothing in it can be compared; write it without --redact-names"
    )]
    Redacted,
}

impl Baseline {
    /// Of a bundle. `again`: what it scanned, assessed with the database of now.
    pub fn of(name: &str, then: &Assessment, again: Option<&Assessment>) -> Self {
        let keys = |all: &Assessment, list: &[Finding]| -> Vec<String> {
            list.iter().map(|finding| key(all, finding)).collect()
        };
        let opened = |all: &Assessment| {
            let mut open: BTreeSet<String> = keys(all, &all.findings).into_iter().collect();
            open.extend(keys(all, &all.unjoined));
            open
        };
        let mut packages = BTreeSet::new();
        let findings = then
            .findings
            .iter()
            .chain(&then.suppressed)
            .chain(&then.unjoined);
        for finding in findings {
            packages.extend(installed(then, finding));
        }
        for inventory in &then.inventories {
            let image = then
                .images
                .iter()
                .find(|image| image.name == inventory.artifact.name);
            let repository = image.map_or_else(|| inventory.artifact.name.to_string(), repository);
            packages.extend(inventory.components.iter().map(|component| {
                (
                    repository.clone(),
                    purl_without_version(&component.purl).to_owned(),
                    component.version.to_string(),
                )
            }));
        }
        let feeds = then
            .about
            .database
            .iter()
            .flat_map(|database| &database.feeds);
        Baseline {
            name: name.into(),
            open: opened(then),
            suppressed: keys(then, &then.suppressed).into_iter().collect(),
            again: again.map(opened),
            packages,
            database: feeds.filter_map(|feed| feed.date).max(),
        }
    }

    /// Of a JSON report. It keeps no list of packages without findings, so less is known to be unchanged.
    pub fn of_report(name: &str, from: impl Read) -> Result<Self, BaselineError> {
        let report: Report = serde_json::from_reader(from).map_err(BaselineError::Foreign)?;
        if report.version > 1 {
            return Err(BaselineError::Newer(report.version));
        }
        if report.about.names_redacted {
            return Err(BaselineError::Redacted);
        }
        let keys = |list: &[Row]| list.iter().map(|row| row.tracking_key.clone()).collect();
        let mut open: BTreeSet<String> = keys(&report.findings);
        open.extend(keys(&report.unjoined));
        let rows = report
            .findings
            .iter()
            .chain(&report.suppressed)
            .chain(&report.unjoined);
        let feeds = report
            .about
            .database
            .iter()
            .flat_map(|database| &database.feeds);
        Ok(Baseline {
            name: name.into(),
            open,
            suppressed: keys(&report.suppressed),
            again: None,
            packages: rows.filter_map(Row::installed).collect(),
            database: feeds.filter_map(|feed| feed.date).max(),
        })
    }

    pub fn standing(&self, now: &Assessment, finding: &Finding) -> Standing {
        let key = key(now, finding);
        if self.open.contains(&key) {
            return Standing::Known;
        }
        // What somebody took out then and nobody takes out now is a change of ours.
        if self.suppressed.contains(&key) {
            return Standing::New;
        }
        if let Some(again) = &self.again {
            return if again.contains(&key) {
                Standing::Feed("the baseline has it too by the database of now".to_owned())
            } else {
                Standing::New
            };
        }
        match installed(now, finding) {
            Some(here) if self.packages.contains(&here) => Standing::Feed(self.feed(now, finding)),
            _ => Standing::New,
        }
    }

    /// What changed although the package did not.
    fn feed(&self, now: &Assessment, finding: &Finding) -> String {
        let vulnerability = finding
            .vulnerability
            .and_then(|n| now.vulnerabilities.get(n as usize));
        let Some(database) = self.database else {
            return "the baseline has the same package, and had no database".to_owned();
        };
        let exploited = vulnerability.and_then(|v| match &v.kev {
            Fact::Is(kev) if kev.added > database => Some(kev.added),
            _ => None,
        });
        match (vulnerability.and_then(|v| v.published), exploited) {
            (Some(day), _) if day > database => {
                format!("published {day}, after the baseline's database of {database}")
            }
            (_, Some(day)) => {
                format!("known exploited since {day}, after the baseline's database of {database}")
            }
            _ => format!(
                "the baseline has the same package, and its database of {database} did not say it"
            ),
        }
    }

    /// How it was compared, for the person.
    pub fn how(&self) -> String {
        let name = &self.name;
        match &self.again {
            Some(_) => format!(
                "only what is new against {name} is judged, both by the database of this scan"
            ),
            None => format!("only what is new against {name} is judged, as it was written there"),
        }
    }
}

fn key(all: &Assessment, finding: &Finding) -> String {
    tracking_key(all, finding, str::to_owned)
}

fn installed(all: &Assessment, finding: &Finding) -> Option<Installed> {
    let package = all.packages.get(finding.package? as usize)?;
    let image = finding.image.and_then(|n| all.images.get(n as usize));
    let name = package.purl.as_deref().map_or_else(
        || format!("{}/{}", package.kind, package.name),
        |purl| purl_without_version(purl).to_owned(),
    );
    Some((
        image.map_or_else(String::new, repository),
        name,
        package.version.to_string(),
    ))
}

/// What of a JSON report is compared.
#[derive(Deserialize)]
struct Report {
    #[serde(rename = "formatVersion")]
    version: u32,
    findings: Vec<Row>,
    #[serde(default)]
    suppressed: Vec<Row>,
    #[serde(default)]
    unjoined: Vec<Row>,
    about: About,
}

#[derive(Deserialize)]
struct About {
    database: Option<Database>,
    #[serde(default)]
    names_redacted: bool,
}

#[derive(Deserialize)]
struct Database {
    feeds: Vec<Feed>,
}

#[derive(Deserialize)]
struct Feed {
    date: Option<Date>,
}

#[derive(Deserialize)]
struct Row {
    tracking_key: String,
    image: Option<String>,
    package: Option<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    version: String,
    purl: Option<String>,
    #[serde(rename = "type")]
    kind: String,
}

impl Row {
    fn installed(&self) -> Option<Installed> {
        let package = self.package.as_ref()?;
        let name = package.purl.as_deref().map_or_else(
            || format!("{}/{}", package.kind, package.name),
            |purl| purl_without_version(purl).to_owned(),
        );
        let image = self.image.as_deref().unwrap_or("");
        let repository =
            ImageReference::parse(image).map_or_else(|| image.to_owned(), |r| r.name());
        Some((repository, name, package.version.clone()))
    }
}
