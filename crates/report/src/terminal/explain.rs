//! One finding in full: why its score is what it is, who says so, until when, what repairs it.

use super::TerminalOptions;
use super::basis;
use super::canvas::{Canvas, Paint};
use crate::names::Names;
use crate::view::{Place, View};
use crate::wording::{category, exposure, fix, grade_words, percent, points, severity, share};
use model::checks::{self, Check, Described};
use model::evidence::{EvidenceId, Fact};
use model::finding::{Finding, Score};
use model::matches::Category;
use model::vulnerability::{Exploitation, Vulnerability};
use std::io::{self, Write};

pub(super) const LABEL: &str = "            ";

/// Explains `findings[finding_index]` of the Assessment; an index that points nowhere is an error of kind `NotFound`.
pub fn explain(
    view: &View,
    finding_index: usize,
    options: &TerminalOptions,
    out: &mut dyn Write,
) -> io::Result<()> {
    let finding = view.assessment.findings.get(finding_index).ok_or_else(|| {
        let all = view.assessment.findings.len();
        io::Error::new(
            io::ErrorKind::NotFound,
            format!("no finding number {finding_index} among {all}"),
        )
    })?;
    let names = Names::of(view);
    let mut canvas = Canvas::new(out, options, &names);
    self::finding(view, finding, Some(finding_index), &names, &mut canvas)
}

/// One finding in full; `open` is its index among the open ones.
pub(super) fn finding(
    view: &View,
    finding: &Finding,
    open: Option<usize>,
    names: &Names,
    canvas: &mut Canvas,
) -> io::Result<()> {
    head(view, finding, names, canvas)?;
    if let Some(scored) = view.score(finding) {
        score(view, scored.score, canvas)?;
    }
    let best = view.best(finding);
    if let Some(place) = best.filter(|p| p.score.is_some() || p.workload.is_some()) {
        situation(view, &place, canvas)?;
    }
    if let Some(vulnerability) = view.vulnerability(finding) {
        known(view, vulnerability, canvas)?;
    }
    said(view, finding, canvas)?;
    basis::because(view, finding, canvas)?;
    if finding.category == Category::Vulnerability {
        basis::counts(view, finding, canvas)?;
    }
    repair(view, open, finding, canvas)
}

fn head(view: &View, finding: &Finding, names: &Names, canvas: &mut Canvas) -> io::Result<()> {
    let mut line = format!(
        "{} ({} {})",
        finding.id,
        severity(finding.severity),
        category(finding.category)
    );
    if let Some(title) = view.title(finding) {
        line.push_str(": ");
        line.push_str(title);
    }
    canvas.prose(Paint::Strong, "", &line)?;
    if let Some(vulnerability) = view
        .vulnerability(finding)
        .filter(|v| !v.aliases.is_empty())
    {
        canvas.prose(
            Paint::Dim,
            "also        ",
            &vulnerability.aliases.join(", "),
        )?;
    }
    if let Some(package) = view.package(finding) {
        let mut text = format!("{} {} ({})", package.name, package.version, package.kind);
        if let Some(purl) = &package.purl {
            text = format!("{text}, {purl}");
        }
        canvas.prose(Paint::Plain, "package     ", &text)?;
        for location in package.locations.iter().take(3) {
            canvas.prose(Paint::Dim, LABEL, location)?;
        }
    }
    basis::layer(view, finding, canvas)?;
    let artifact = view.image(finding);
    // An artifact that is an object is said as the object.
    let artifact = artifact.filter(|image| {
        let object = finding.object.as_ref().map(ToString::to_string);
        object.as_deref() != Some(&*image.name)
    });
    if let Some(image) = artifact {
        canvas.prose(Paint::Plain, "image       ", &image.name)?;
    }
    if let Some(object) = &finding.object {
        canvas.prose(Paint::Plain, "object      ", &object.to_string())?;
    }
    if let Some(field) = &finding.field {
        canvas.prose(Paint::Plain, "field       ", field)?;
    }
    if let Some(source) = &finding.source {
        canvas.prose(Paint::Plain, "file        ", &source.to_string())?;
    }
    if finding.scores.is_empty() && finding.category != Category::Vulnerability {
        let text =
            "none: a check says what is wrong, not how likely it is used; its severity stands";
        canvas.prose(Paint::Plain, "score       ", text)?;
    }
    // Without a score, a place that no cluster showed tells nothing.
    let mut places: Vec<Place> = view
        .places(finding)
        .filter(|place| place.score.is_some() || place.workload.is_some())
        .collect();
    places.sort_by(|a, b| order(b).total_cmp(&order(a)));
    for (i, place) in places.iter().enumerate() {
        let scored = place
            .score
            .map_or("not scored".into(), |s| points(&s.score.points));
        let text = match place.workload {
            Some(workload) => format!(
                "{scored} {}, container {}; {}",
                workload.object,
                place.container.map_or("?", |c| &c.name),
                grade_words(place.placement.grade)
            ),
            None => format!("{scored} not seen in a cluster: exposure unknown"),
        };
        canvas.prose(
            Paint::Plain,
            if i == 0 { "runs in     " } else { LABEL },
            &text,
        )?;
    }
    if let Some(suppression) = &finding.suppression {
        let text = format!("by {}: {}", suppression.by, suppression.reason);
        canvas.prose(Paint::Plain, "suppressed  ", &text)?;
    }
    for (i, note) in finding.notes.iter().enumerate() {
        let label = if i == 0 { "said of it  " } else { LABEL };
        canvas.prose(Paint::Plain, label, note)?;
    }
    let key = view.tracking_key(finding, names);
    canvas.prose(Paint::Dim, "key         ", &key)?;
    Ok(())
}

fn order(place: &Place) -> f64 {
    place.score.map_or(-1.0, |s| s.score.points.expected)
}

/// The factors, whose points sum to the score.
fn score(view: &View, score: &Score, canvas: &mut Canvas) -> io::Result<()> {
    canvas.blank()?;
    let text = format!(
        "{}, {:.0}% of its range is known",
        points(&score.points),
        score.confidence * 100.0
    );
    canvas.prose(Paint::Strong, "score       ", &text)?;
    let factors = || view.assessment.factors(score);
    let widest = factors().map(|f| f.name.len()).max().unwrap_or(0);
    for factor in factors() {
        let label = format!("  {:>+7.1}  {:<widest$}  ", factor.points, factor.name);
        canvas.prose(Paint::Plain, &label, &factor.reason)?;
    }
    let sum: f64 = factors().map(|f| f.points).sum();
    if factors().next().is_some() {
        canvas.prose(
            Paint::Plain,
            "",
            &format!("  {sum:>7.1}  sum of the points"),
        )?;
    }
    let deadline = &score.deadline;
    let yes = |b: bool, word: &str| {
        if b {
            word.to_owned()
        } else {
            format!("not {word}")
        }
    };
    let mut text = deadline.timeline.to_string();
    if let Some(due) = deadline.due {
        text = format!("{text}, by {due}");
    }
    text = format!(
        "{text} (BOD 26-04: {}, {}, {}, {} impact)",
        yes(deadline.in_kev, "in KEV"),
        yes(deadline.exposed, "exposed"),
        yes(deadline.automatable, "automatable"),
        if deadline.total_impact {
            "total"
        } else {
            "partial"
        }
    );
    canvas.prose(Paint::Plain, "deadline    ", &text)?;
    canvas.prose(Paint::Plain, "SSVC        ", &score.ssvc)?;
    if let Some(vector) = &score.cvss_bte {
        canvas.prose(Paint::Plain, "CVSS-BTE    ", vector)?;
    }
    Ok(())
}

pub(super) fn situation(view: &View, place: &Place, canvas: &mut Canvas) -> io::Result<()> {
    let Some(situation) = place.situation else {
        return Ok(());
    };
    canvas.blank()?;
    let seen = &situation.exposure;
    let range = if seen.at_least == seen.at_most {
        String::new()
    } else {
        format!(
            " ({} to {})",
            exposure(seen.at_least),
            exposure(seen.at_most)
        )
    };
    canvas.prose(
        Paint::Strong,
        "exposure    ",
        &format!("{}{range}", exposure(seen.class)),
    )?;
    evidence(view, &seen.chain, canvas)?;
    let chance = format!(
        "directly {}, over another pod {}",
        percent(&situation.direct),
        percent(&situation.lateral)
    );
    canvas.prose(Paint::Plain, "reached     ", &chance)?;
    let value = percent(&situation.blast.value);
    canvas.prose(
        Paint::Strong,
        "falls with  ",
        &format!("{value} of the cluster's value"),
    )?;
    for step in &situation.blast.steps {
        let text = format!("{}: {}", percent(&step.probability), step.reason);
        canvas.prose(Paint::Plain, LABEL, &text)?;
        evidence(view, &step.because, canvas)?;
        for gap in step.missing.iter().filter_map(|id| view.gap(*id)) {
            let text = format!("not seen: {}", gap.what);
            canvas.prose(Paint::Dim, "              ", &text)?;
        }
    }
    Ok(())
}

pub(super) fn evidence(view: &View, ids: &[EvidenceId], canvas: &mut Canvas) -> io::Result<()> {
    for evidence in ids.iter().filter_map(|id| view.evidence(*id)) {
        let mut text = evidence.statement.to_string();
        if let Some(source) = &evidence.source {
            text = format!("{text} ({source})");
        }
        canvas.prose(Paint::Dim, "              ", &text)?;
    }
    Ok(())
}

fn known(view: &View, vulnerability: &Vulnerability, canvas: &mut Canvas) -> io::Result<()> {
    canvas.blank()?;
    let likelihood = &vulnerability.likelihood;
    let value = &likelihood.estimate;
    let text = if value.is_exact() {
        share(value.expected)
    } else {
        format!(
            "{} ({} to {})",
            share(value.expected),
            share(value.low),
            share(value.high)
        )
    };
    canvas.prose(Paint::Strong, "likelihood  ", &format!("{text} in 90 days"))?;
    for reason in &likelihood.reasons {
        canvas.prose(Paint::Plain, LABEL, reason)?;
    }
    let unknown = |id| {
        view.gap(id).map_or("not seen".to_owned(), |gap| {
            format!("not seen: {}", gap.what)
        })
    };
    let epss = match &vulnerability.epss {
        Fact::Is(epss) => format!(
            "{:.3}, higher than {:.1}% of all ({}, {})",
            epss.score,
            epss.percentile * 100.0,
            epss.model,
            epss.date
        ),
        Fact::Absent => "no score".into(),
        Fact::Unknown(gap) => unknown(*gap),
    };
    let kev = match &vulnerability.kev {
        Fact::Is(kev) if kev.ransomware => {
            format!("since {}, used by ransomware: {}", kev.added, kev.name)
        }
        Fact::Is(kev) => format!("since {}: {}", kev.added, kev.name),
        Fact::Absent => "not listed".into(),
        Fact::Unknown(gap) => unknown(*gap),
    };
    let ssvc = match &vulnerability.ssvc {
        Fact::Is(ssvc) => format!(
            "exploitation {}, {}automatable, {} impact",
            match ssvc.exploitation {
                Exploitation::None => "none",
                Exploitation::PublicPoc => "public proof of concept",
                Exploitation::Active => "active",
            },
            if ssvc.automatable { "" } else { "not " },
            if ssvc.total_impact {
                "total"
            } else {
                "partial"
            }
        ),
        Fact::Absent => "no record".into(),
        Fact::Unknown(gap) => unknown(*gap),
    };
    for (label, text) in [
        ("EPSS        ", epss),
        ("KEV         ", kev),
        ("CISA        ", ssvc),
    ] {
        canvas.prose(Paint::Plain, label, &text)?;
    }
    for cvss in &vulnerability.cvss {
        let text = format!("{:.1} by {}: {}", cvss.base, cvss.source, cvss.vector);
        canvas.prose(Paint::Plain, "CVSS        ", &text)?;
    }
    Ok(())
}

fn said(view: &View, finding: &Finding, canvas: &mut Canvas) -> io::Result<()> {
    canvas.blank()?;
    let mut label = "who says it ";
    for cited in view.cited(finding) {
        let source = cited.source;
        let mut text = format!("{} in {}", source.tool, source.file);
        if let Some(advisory) = cited.advisory {
            text = format!("{text}: {} ({}", advisory.id, severity(cited.said.severity));
            if let Some(feed) = &advisory.feed {
                text = format!("{text}, {feed}");
            }
            text.push(')');
            if let Some(url) = &advisory.url {
                text = format!("{text} {url}");
            }
        }
        canvas.prose(Paint::Plain, std::mem::replace(&mut label, LABEL), &text)?;
    }
    let cited = view.cited(finding).count();
    if cited < finding.matches.len() {
        let text = format!(
            "{} statements whose words were not kept",
            finding.matches.len() - cited
        );
        canvas.prose(Paint::Dim, label, &text)?;
    }
    Ok(())
}

/// Versions repair packages; a check is repaired in the object that it speaks of.
pub(super) fn repaired_by(finding: &Finding) -> String {
    let check = finding.category != Category::Vulnerability && finding.fix.versions.is_empty();
    match (check, &finding.object) {
        (true, Some(object)) => format!("change {object} as the check asks"),
        (true, None) => "change it as the check asks".to_owned(),
        (false, _) => fix(&finding.fix),
    }
}

/// A rule of the table, without a finding of it.
pub fn describe(
    rule: &Described,
    options: &TerminalOptions,
    out: &mut dyn Write,
) -> io::Result<()> {
    let names = Names::of_nodes(false, std::iter::empty());
    let mut canvas = Canvas::new(out, options, &names);
    let head = format!("{} ({}): {}", rule.id, severity(rule.severity), rule.title);
    canvas.prose(Paint::Strong, "", &head)?;
    meaning(rule, &mut canvas)?;
    canvas.prose(Paint::Strong, "fix         ", &rule.advice)
}

/// Why it matters, and what others call it.
fn meaning(rule: &Described, canvas: &mut Canvas) -> io::Result<()> {
    canvas.prose(Paint::Strong, "why         ", &rule.why)?;
    canvas.prose(Paint::Plain, "called      ", &rule.slug)?;
    if !rule.maps.is_empty() {
        canvas.prose(Paint::Plain, "known as    ", &rule.maps.join(", "))?;
    }
    Ok(())
}

/// What to do first, and what to write.
fn known_repair(check: &Check, canvas: &mut Canvas) -> io::Result<()> {
    canvas.prose(Paint::Strong, "why         ", check.why)?;
    canvas.prose(Paint::Strong, "fix         ", check.first)?;
    for line in check.exact {
        canvas.command("              ", line)?;
    }
    Ok(())
}

fn repair(
    view: &View,
    open: Option<usize>,
    finding: &Finding,
    canvas: &mut Canvas,
) -> io::Result<()> {
    if let Some(check) = checks::check(&finding.id) {
        return known_repair(check, canvas);
    }
    match view.assessment.check(&finding.id) {
        Some(rule) => {
            meaning(rule, canvas)?;
            canvas.prose(Paint::Strong, "fix         ", &rule.advice)?;
        }
        None => canvas.prose(Paint::Strong, "fix         ", &repaired_by(finding))?,
    }
    let Some(index) = open.and_then(|open| u32::try_from(open).ok()) else {
        return Ok(());
    };
    let mut actions = view.assessment.actions.iter().enumerate();
    let Some((rank, action)) = actions.find(|(_, a)| a.closes.contains(&index)) else {
        return canvas.prose(Paint::Plain, LABEL, "no action of the queue closes it");
    };
    let text = format!("action {} of the queue: {}", rank + 1, action.title);
    canvas.prose(Paint::Plain, LABEL, &text)?;
    for line in &action.exact {
        canvas.command("              ", line)?;
    }
    if !action.undo.is_empty() {
        canvas.command("undo        ", &action.undo)?;
    }
    Ok(())
}
