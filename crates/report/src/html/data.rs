//! The findings as compact JSON for the script: tables and rows of indices, read by `report.js`.
//! All texts are redacted and escaped here; the formatter lets no `<` through.

use super::ROWS;
use super::contents::{self, PackageRow};
use crate::each::{Each, each};
use crate::escape::{SafeJson, visible};
use crate::installed::Units;
use crate::names::Names;
use crate::sarif::is_web;
use crate::view::View;
use crate::wording as word;
use model::assessment::Assessment;
use model::evidence::Fact;
use model::finding::{Finding, Score};
use model::vulnerability::Vulnerability;
use serde::Serialize;
use std::io::{self, Write};

/// Field order of the rows is what `report.js` reads; change both.
#[derive(Serialize)]
struct Data<'a> {
    images: Each<'a, String>,
    /// Kind, namespace, name.
    workloads: Each<'a, (String, String, String)>,
    /// Workload (none: nowhere known), container, how joined, exposure.
    placements: Each<'a, (Option<u32>, String, &'static str, &'static str)>,
    /// Name, version, type, purl.
    packages: Each<'a, (String, String, String, String)>,
    vulnerabilities: Each<'a, Known>,
    scores: Each<'a, Scored>,
    /// Tool and file of the documents.
    documents: Each<'a, String>,
    findings: Each<'a, Row>,
    left_out: usize,
    /// Names of what was scanned here, and what is in it.
    artifacts: Vec<String>,
    installed: Vec<PackageRow>,
    installed_left_out: usize,
}

#[derive(Serialize)]
struct Known(
    String,       // id
    Vec<String>,  // aliases
    String,       // title
    &'static str, // KEV: yes, no, unknown, ransomware
    Option<f64>,  // EPSS
    Vec<String>,  // reasons of the likelihood
    Vec<String>,  // CVSS
);

#[derive(Serialize)]
struct Scored(
    f64,                        // points
    f64,                        // low
    f64,                        // high
    f64,                        // confidence
    String,                     // timeline
    Option<jiff::civil::Date>,  // due
    String,                     // SSVC
    String,                     // CVSS-BTE
    Vec<(String, f64, String)>, // factors
);

#[derive(Serialize)]
struct Row(
    u8,                               // 0 open, 1 suppressed, 2 unjoined
    String,                           // id, empty where it is the vulnerability's
    &'static str,                     // category
    &'static str,                     // severity
    Option<u32>,                      // vulnerability
    Option<u32>,                      // image
    Option<u32>,                      // package
    Option<(String, String, String)>, // object
    String,                           // field
    String,                           // source
    String,                           // title, empty where it is the vulnerability's
    String,                           // fix
    Vec<(u32, Option<u32>)>,          // placement, score
    Option<u32>,                      // the highest score
    String,                           // suppression
    Vec<(u32, String)>,               // document, page
    Vec<String>,                      // what was said without taking it out
);

pub(super) fn write(
    view: &View,
    names: &Names,
    units: &Units,
    out: &mut dyn Write,
) -> io::Result<()> {
    let (installed, artifacts, installed_left_out) = contents::packages(view, names, units);
    let all = view.assessment;
    let text = move |text: &str| visible(&names.show(text)).into_owned();
    let copy = *view;
    let lists = [&all.findings, &all.suppressed, &all.unjoined];
    let data = Data {
        images: each(&all.images, move |image| text(&image.name)),
        workloads: each(&all.workloads, move |w| object(&w.object, text)),
        placements: each(&all.placements, move |p| {
            let place = copy.place_of(p);
            let container = place.and_then(|place| place.container);
            let situation = place.and_then(|place| place.situation);
            (
                p.runs_in.map(|at| at.workload),
                container.map_or_else(String::new, |c| text(&c.name)),
                word::grade_words(p.grade),
                situation.map_or("unknown", |s| word::exposure(s.exposure.class)),
            )
        }),
        packages: each(&all.packages, move |p| {
            let purl = p.purl.as_deref().unwrap_or("");
            (text(&p.name), text(&p.version), text(&p.kind), text(purl))
        }),
        vulnerabilities: each(&all.vulnerabilities, move |v| known(v, text)),
        scores: each(&all.scores, move |s| scored(all, s, text)),
        documents: each(&all.sets, move |set| {
            text(&format!("{} in {}", set.source.tool, set.source.file))
        }),
        findings: Each(Box::new(move || {
            let states = lists.into_iter().zip(0..);
            let rows = states.flat_map(move |(list, state)| {
                list.iter().map(move |f| row(&copy, state, f, text))
            });
            Box::new(rows.take(ROWS))
        })),
        left_out: lists
            .iter()
            .map(|list| list.len())
            .sum::<usize>()
            .saturating_sub(ROWS),
        artifacts,
        installed,
        installed_left_out,
    };
    let formatter = SafeJson { in_markup: true };
    data.serialize(&mut serde_json::Serializer::with_formatter(out, formatter))?;
    Ok(())
}

fn row(view: &View, state: u8, finding: &Finding, text: impl Fn(&str) -> String) -> Row {
    let vulnerability = view.vulnerability(finding);
    let known = |own: &str, of: Option<&str>| {
        if Some(own) == of {
            String::new()
        } else {
            text(own)
        }
    };
    let title = view.title(finding).unwrap_or("");
    let placements = view.image(finding).map_or(&[][..], |i| &i.placements);
    let matches = view.cited(finding).map(|cited| {
        let page = cited.advisory.and_then(|a| a.url.as_deref());
        (
            cited.set,
            page.filter(|url| is_web(url)).unwrap_or("").to_owned(),
        )
    });
    Row(
        state,
        known(&finding.id, vulnerability.map(|v| &*v.id)),
        word::category(finding.category),
        word::severity(finding.severity),
        finding.vulnerability,
        finding.image,
        finding.package,
        finding.object.as_ref().map(|o| object(o, &text)),
        finding.field.as_deref().map_or_else(String::new, &text),
        finding
            .source
            .as_ref()
            .map_or_else(String::new, |s| text(&s.to_string())),
        known(title, vulnerability.and_then(|v| v.title.as_deref())),
        text(&word::fix(&finding.fix)),
        placements
            .iter()
            .enumerate()
            .map(|(i, placement)| (*placement, finding.scores.get(i).copied()))
            .collect(),
        view.score(finding).map(|scored| scored.index),
        finding
            .suppression
            .as_ref()
            .map_or_else(String::new, |s| text(&format!("by {}: {}", s.by, s.reason))),
        matches.collect(),
        finding.notes.iter().map(|note| text(note)).collect(),
    )
}

fn known(v: &Vulnerability, text: impl Fn(&str) -> String) -> Known {
    Known(
        text(&v.id),
        v.aliases.iter().map(|alias| text(alias)).collect(),
        v.title.as_deref().map_or_else(String::new, &text),
        match &v.kev {
            Fact::Is(kev) if kev.ransomware => "ransomware",
            Fact::Is(_) => "yes",
            Fact::Absent => "no",
            Fact::Unknown(_) => "unknown",
        },
        v.epss.value().map(|epss| epss.score),
        v.likelihood
            .reasons
            .iter()
            .map(|reason| text(reason))
            .collect(),
        v.cvss
            .iter()
            .map(|c| text(&format!("{:.1} by {}: {}", c.base, c.source, c.vector)))
            .collect(),
    )
}

fn scored(all: &Assessment, score: &Score, text: impl Fn(&str) -> String) -> Scored {
    Scored(
        score.points.expected,
        score.points.low,
        score.points.high,
        score.confidence,
        text(&score.deadline.timeline),
        score.deadline.due,
        text(&score.ssvc),
        score.cvss_bte.as_deref().map_or_else(String::new, &text),
        all.factors(score)
            .map(|f| (text(&f.name), f.points, text(&f.reason)))
            .collect(),
    )
}

fn object(
    object: &model::object::ObjectRef,
    text: impl Fn(&str) -> String,
) -> (String, String, String) {
    (
        text(&object.kind),
        object.namespace.as_deref().map_or_else(String::new, &text),
        text(&object.name),
    )
}
