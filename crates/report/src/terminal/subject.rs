//! What `explain` answers for what a person has in hand: a CVE, a check, a finding's key, an object, an image, a package, an
//! action.
//! In: a view and a name. Out: the gravest in full, the others in a line with what to ask next. Never: an empty answer.

use super::TerminalOptions;
use super::canvas::{Canvas, Paint};
use super::explain::{LABEL, evidence, finding as whole, situation};
use super::package::{WhyNot, packages};
use crate::names::Names;
use crate::sentences;
use crate::view::{Place, View};
use crate::wording::{
    count, counted, criticality, environment, fix, points, severity, workload_state,
};
use model::action::Action;
use model::evidence::EvidenceId;
use model::finding::Finding;
use model::matches::Category;
use model::object::ObjectRef;
use model::workload::Workload;
use std::collections::BTreeSet;
use std::io::{self, Write};

/// Findings of one name that are explained in full; the others have the same CVE or check and a line each.
const IN_FULL: usize = 2;
const LINES: usize = 20;
/// Objects of one name that are explained; of more, a longer name is asked for.
const OBJECTS: usize = 3;
const STATEMENTS: usize = 15;

/// Explains whatever is called `name`; `false` where nothing is, and then nothing is written. `why_not` tells of packages
/// in which nothing was found.
pub fn explain_named(
    view: &View,
    name: &str,
    why_not: &WhyNot,
    options: &TerminalOptions,
    out: &mut dyn Write,
) -> io::Result<bool> {
    let name = name.trim();
    let names = Names::of(view);
    let mut canvas = Canvas::new(out, options, &names);
    let found = findings(view, name, &names);
    if !found.is_empty() {
        list(view, &found, &names, &mut canvas)?;
        return Ok(true);
    }
    let rank = name.parse::<usize>().ok().and_then(|n| n.checked_sub(1));
    let mut actions = view.assessment.actions.iter().enumerate();
    if let Some((rank, action)) =
        actions.find(|(n, action)| &*action.id == name || rank == Some(*n))
    {
        one_action(view, rank, action, &mut canvas)?;
        return Ok(true);
    }
    let objects = objects(view, name);
    if objects.len() > OBJECTS {
        let text = format!(
            "{} are called {name}; explain one of them:",
            counted(objects.len(), "object")
        );
        canvas.prose(Paint::Strong, "", &text)?;
        for object in objects.iter().take(LINES) {
            canvas.prose(Paint::Plain, "  ", &format!("plimsoll explain '{object}'"))?;
        }
        return Ok(true);
    }
    for (n, object) in objects.iter().enumerate() {
        if n > 0 {
            canvas.blank()?;
        }
        one_object(view, object, &mut canvas)?;
    }
    if !objects.is_empty() {
        return Ok(true);
    }
    if image(view, name, &mut canvas)? {
        return Ok(true);
    }
    packages(view, name, why_not, &mut canvas)
}

/// A finding and where it stands.
#[derive(Clone, Copy)]
pub(super) struct Found<'a> {
    pub(super) finding: &'a Finding,
    /// Index among the open ones.
    open: Option<usize>,
    /// Why it is not open.
    apart: Option<&'static str>,
}

pub(super) fn all<'a>(view: &View<'a>) -> impl Iterator<Item = Found<'a>> {
    let of = view.assessment;
    let open = of.findings.iter().enumerate().map(|(n, finding)| Found {
        finding,
        open: Some(n),
        apart: None,
    });
    let apart = |finding, why| Found {
        finding,
        open: None,
        apart: Some(why),
    };
    let suppressed = of.suppressed.iter();
    let unjoined = of.unjoined.iter();
    open.chain(suppressed.map(move |f| apart(f, "suppressed")))
        .chain(unjoined.map(move |f| apart(f, "no container here runs it")))
}

/// By the id of the finding, an alias of its vulnerability, or its key; open ones first, the highest score first.
fn findings<'a>(view: &View<'a>, name: &str, names: &Names) -> Vec<Found<'a>> {
    if name.starts_with("v1:") {
        return all(view)
            .filter(|found| view.tracking_key(found.finding, names) == name)
            .collect();
    }
    let goes_by = |finding: &Finding| {
        let aliases = view.vulnerability(finding).map_or(&[][..], |v| &v.aliases);
        let rule = view.assessment.check(&finding.id);
        finding.id.eq_ignore_ascii_case(name)
            || rule.is_some_and(|rule| rule.slug.eq_ignore_ascii_case(name))
            || aliases.iter().any(|alias| alias.eq_ignore_ascii_case(name))
    };
    all(view).filter(|found| goes_by(found.finding)).collect()
}

fn list(view: &View, found: &[Found], names: &Names, canvas: &mut Canvas) -> io::Result<()> {
    for (n, found) in found.iter().take(IN_FULL).enumerate() {
        if n > 0 {
            canvas.blank()?;
        }
        if let Some(why) = found.apart {
            canvas.prose(Paint::Warn, "not open: ", why)?;
        }
        whole(view, found.finding, found.open, names, canvas)?;
    }
    let rest = found.get(IN_FULL..).unwrap_or(&[]);
    if rest.is_empty() {
        return Ok(());
    }
    canvas.blank()?;
    let text = format!("{} more of this name", count(rest.len()));
    canvas.prose(Paint::Strong, "", &text)?;
    lines(view, rest, LINES, Some(names), canvas)
}

/// A line each; with `keys`, what is to be asked to explain one of several that have the same id.
pub(super) fn lines(
    view: &View,
    found: &[Found],
    most: usize,
    keys: Option<&Names>,
    canvas: &mut Canvas,
) -> io::Result<()> {
    for found in found.iter().take(most) {
        let finding = found.finding;
        let scored = view.score(finding).map_or_else(
            || severity(finding.severity).to_owned(),
            |s| points(&s.score.points),
        );
        let mut parts = vec![finding.id.to_string()];
        parts.extend(
            view.package(finding)
                .map(|p| format!("{} {}", p.name, p.version)),
        );
        let image = view.image(finding).map(|image| image.name.to_string());
        let object = finding.object.as_ref().map(ToString::to_string);
        parts.extend(object.or(image));
        if finding.category == Category::Vulnerability {
            parts.push(fix(&finding.fix));
        }
        parts.extend(found.apart.map(str::to_owned));
        let label = format!("  {scored:<13} ");
        canvas.hanging(Paint::Plain, &label, 16, &parts.join("; "))?;
        if let Some(names) = keys {
            let key = view.tracking_key(finding, names);
            canvas.prose(Paint::Dim, "                plimsoll explain ", &key)?;
        }
    }
    if let Some(more) = found.len().checked_sub(most).filter(|more| *more > 0) {
        let text = format!("  {} more: --format json or csv", count(more));
        canvas.prose(Paint::Dim, "", &text)?;
    }
    Ok(())
}

fn one_action(view: &View, rank: usize, action: &Action, canvas: &mut Canvas) -> io::Result<()> {
    canvas.prose(
        Paint::Strong,
        "",
        &format!("action {} of the queue: {}", rank + 1, action.title),
    )?;
    do_it(view, action, canvas)?;
    let closed: Vec<Found> = action
        .closes
        .iter()
        .filter_map(|index| {
            let open = usize::try_from(*index).ok()?;
            let finding = view.assessment.findings.get(open)?;
            Some(Found {
                finding,
                open: Some(open),
                apart: None,
            })
        })
        .collect();
    if closed.is_empty() {
        return Ok(());
    }
    canvas.blank()?;
    canvas.prose(
        Paint::Strong,
        "closes      ",
        &counted(closed.len(), "finding"),
    )?;
    lines(view, &closed, LINES, None, canvas)
}

fn do_it(view: &View, action: &Action, canvas: &mut Canvas) -> io::Result<()> {
    if !action.why.is_empty() {
        canvas.prose(Paint::Plain, "why         ", &action.why.join(", "))?;
    }
    canvas.prose(Paint::Plain, "gain        ", &sentences::gain(view, action))?;
    if !action.class_reason.is_empty() {
        canvas.prose(Paint::Plain, LABEL, &action.class_reason)?;
    }
    for (n, line) in action.exact.iter().enumerate() {
        canvas.command(if n == 0 { "do          " } else { LABEL }, line)?;
    }
    if !action.undo.is_empty() {
        canvas.command("undo        ", &action.undo)?;
    }
    Ok(())
}

/// Every object that the scan speaks of.
fn spoken_of<'a>(view: &View<'a>) -> BTreeSet<&'a ObjectRef> {
    let of = view.assessment;
    let mut objects: BTreeSet<&ObjectRef> = of.workloads.iter().map(|w| &w.object).collect();
    objects.extend(of.ledger.evidence.iter().filter_map(|e| e.object.as_ref()));
    objects.extend(all(view).filter_map(|found| found.finding.object.as_ref()));
    objects.extend(
        of.actions
            .iter()
            .filter_map(|action| action.object.as_ref()),
    );
    objects
}

/// `Deployment shop/web`, `deployment/web`, `shop/web` or `web`.
fn objects<'a>(view: &View<'a>, name: &str) -> Vec<&'a ObjectRef> {
    let parts: Vec<&str> = name
        .split([' ', '/'])
        .filter(|part| !part.is_empty())
        .collect();
    let of_kind = |object: &ObjectRef, word: &str| {
        let word = word.to_ascii_lowercase();
        let kind = object.kind.to_ascii_lowercase();
        let plural = format!("{kind}s");
        word == kind
            || word == plural
            || word == format!("{kind}.{}", object.group)
            || word == format!("{plural}.{}", object.group)
    };
    let called = |object: &&ObjectRef| {
        let within = |word: &str| object.namespace.as_deref() == Some(word);
        match *parts.as_slice() {
            [name] => name == &*object.name,
            [first, name] => name == &*object.name && (of_kind(object, first) || within(first)),
            [kind, space, name] => name == &*object.name && of_kind(object, kind) && within(space),
            _ => false,
        }
    };
    spoken_of(view).into_iter().filter(called).collect()
}

fn one_object(view: &View, object: &ObjectRef, canvas: &mut Canvas) -> io::Result<()> {
    let of = view.assessment;
    canvas.prose(Paint::Strong, "", &object.to_string())?;
    let workload = of.workloads.iter().position(|w| w.object == *object);
    if let Some(workload) = workload.and_then(|n| of.workloads.get(n)) {
        belongs(workload, canvas)?;
    }
    let number = workload.and_then(|n| u32::try_from(n).ok());
    let places = || {
        let of_it = of
            .placements
            .iter()
            .filter(|p| p.runs_in.map(|at| at.workload) == number);
        of_it.filter_map(|placement| view.place_of(placement))
    };
    if number.is_some() {
        containers(view, places(), canvas)?;
        // Containers of a pod are exposed alike; what falls with them differs.
        let worst = places()
            .filter(|place| place.situation.is_some())
            .max_by(|a, b| falls(a).total_cmp(&falls(b)));
        if let Some(worst) = worst {
            situation(view, &worst, canvas)?;
        }
    }
    let statements: Vec<EvidenceId> = (0u32..)
        .zip(&of.ledger.evidence)
        .filter(|(_, evidence)| evidence.object.as_ref() == Some(object))
        .map(|(n, _)| EvidenceId(n))
        .collect();
    if workload.is_none() && !statements.is_empty() {
        canvas.prose(
            Paint::Plain,
            "seen        ",
            &counted(statements.len(), "fact"),
        )?;
        evidence(
            view,
            statements.get(..STATEMENTS).unwrap_or(&statements),
            canvas,
        )?;
    }
    gaps(
        view,
        object,
        workload.and_then(|n| of.workloads.get(n)),
        canvas,
    )?;

    let images: BTreeSet<u32> = of
        .placements
        .iter()
        .filter(|p| number.is_some() && p.runs_in.map(|at| at.workload) == number)
        .map(|p| p.image)
        .collect();
    let its: Vec<Found> = all(view)
        .filter(|found| found.open.is_some())
        .filter(|Found { finding, .. }| {
            finding.object.as_ref() == Some(object)
                || finding.image.is_some_and(|image| images.contains(&image))
        })
        .collect();
    actions(view, object, number, canvas)?;
    canvas.blank()?;
    canvas.prose(
        Paint::Strong,
        "findings    ",
        &counted(its.len(), "open finding"),
    )?;
    lines(view, &its, 10, None, canvas)
}

/// Expected share of the cluster that falls with a container.
fn falls(place: &Place) -> f64 {
    place.situation.map_or(0.0, |s| s.blast.value.expected)
}

fn belongs(workload: &Workload, canvas: &mut Canvas) -> io::Result<()> {
    let mut parts = vec![
        workload_state(workload.state).to_owned(),
        counted(workload.pods as usize, "pod"),
        workload
            .environment
            .map_or("environment not declared", environment)
            .to_owned(),
        format!("criticality {}", criticality(workload.criticality.level)),
    ];
    parts.push(match &workload.owner {
        Some(owner) => format!("owner {} ({})", owner.name, owner.rule),
        None => "no owner is known".to_owned(),
    });
    canvas.prose(Paint::Plain, "is          ", &parts.join(", "))?;
    if let Some(managed) = &workload.managed_by {
        let text = format!("{} {}", managed.tool, managed.name);
        canvas.prose(Paint::Plain, "managed by  ", &text)?;
    }
    if let Some(source) = &workload.source {
        canvas.prose(Paint::Plain, "file        ", &source.to_string())?;
    }
    Ok(())
}

fn containers<'a>(
    view: &View<'a>,
    places: impl Iterator<Item = Place<'a>>,
    canvas: &mut Canvas,
) -> io::Result<()> {
    let mut places: Vec<Place> = places.collect();
    places.sort_by_key(|place| place.placement.runs_in);
    for (n, place) in places.iter().take(LINES).enumerate() {
        let image = crate::view::at(&view.assessment.images, Some(place.placement.image));
        let scanned = match image {
            Some(image) if image.tools.is_empty() => "no report speaks of it".to_owned(),
            Some(image) => format!("reported by {}", image.tools.join(", ")),
            None => "unknown".to_owned(),
        };
        let text = format!(
            "{}: {}; {scanned}",
            place.container.map_or("?", |c| &c.name),
            place.container.map_or("?", |c| &c.image),
        );
        let label = if n == 0 { "container   " } else { LABEL };
        canvas.prose(Paint::Plain, label, &text)?;
    }
    Ok(())
}

/// Gaps whose scope is the object or an image of it.
fn gaps(
    view: &View,
    object: &ObjectRef,
    workload: Option<&Workload>,
    canvas: &mut Canvas,
) -> io::Result<()> {
    let called = object.to_string();
    let of_it = |scope: &str| {
        scope == called
            || workload.is_some_and(|workload| {
                let image = scope.strip_prefix("image ");
                image.is_some_and(|image| workload.containers.iter().any(|c| &*c.image == image))
            })
    };
    let gaps = view.assessment.ledger.gaps_accepted();
    for (gap, accepted) in gaps.filter(|(gap, _)| of_it(&gap.scope)).take(STATEMENTS) {
        canvas.prose(Paint::Warn, "not seen    ", &gap.what)?;
        match accepted {
            Some(acceptance) => {
                canvas.prose(Paint::Dim, LABEL, &sentences::accepted(acceptance))?;
            }
            None if gap.close.is_empty() => {}
            None => canvas.command("  close it  ", &gap.close)?,
        }
    }
    Ok(())
}

/// What the queue does about it, in the order of the queue.
fn actions(
    view: &View,
    object: &ObjectRef,
    workload: Option<u32>,
    canvas: &mut Canvas,
) -> io::Result<()> {
    let all = view.assessment.actions.iter().enumerate();
    let its: Vec<(usize, &Action)> = all
        .filter(|(_, action)| {
            action.object.as_ref() == Some(object)
                || workload.is_some_and(|n| action.workloads.contains(&n))
        })
        .collect();
    canvas.blank()?;
    let Some(((rank, first), rest)) = its.split_first() else {
        return canvas.prose(
            Paint::Plain,
            "do          ",
            "no action of the queue touches it",
        );
    };
    let touch = if its.len() == 1 { "touches" } else { "touch" };
    let text = format!(
        "{} of the queue {touch} it; the first is number {}: {}",
        counted(its.len(), "action"),
        rank + 1,
        first.title
    );
    canvas.prose(Paint::Strong, "", &text)?;
    do_it(view, first, canvas)?;
    if rest.is_empty() {
        return Ok(());
    }
    canvas.prose(
        Paint::Plain,
        "then        ",
        "plimsoll explain NUMBER tells more",
    )?;
    for (rank, action) in rest.iter().take(LINES) {
        let label = format!("{:>14}  {:<13} ", rank + 1, points(&action.points));
        canvas.hanging(Paint::Plain, &label, 30, &action.title)?;
    }
    Ok(())
}

/// An image by its name, with or without tag.
fn image(view: &View, name: &str, canvas: &mut Canvas) -> io::Result<bool> {
    let of = view.assessment;
    let wanted: BTreeSet<u32> = (0u32..)
        .zip(&of.images)
        .filter(|(_, image)| &*image.name == name || crate::view::repository(image) == name)
        .map(|(n, _)| n)
        .collect();
    let Some(first) = wanted
        .first()
        .and_then(|n| crate::view::at(&of.images, Some(*n)))
    else {
        return Ok(false);
    };
    let its: Vec<Found> = all(view)
        .filter(|found| found.finding.image.is_some_and(|n| wanted.contains(&n)))
        .collect();
    let reported = match first.tools.as_slice() {
        [] => "no report speaks of it".to_owned(),
        tools => format!(
            "reported by {}, {}",
            tools.join(", "),
            counted(its.len(), "finding")
        ),
    };
    canvas.prose(Paint::Strong, "", &format!("image {name}: {reported}"))?;
    lines(view, &its, LINES, None, canvas)?;
    Ok(true)
}
