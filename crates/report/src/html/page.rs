//! What the template shows without a script: verdict, coverage, queue, paths, gaps, feeds.
//! Texts are redacted and steering characters written out here; the template escapes markup.

use super::contents::{self, Contents};
use crate::escape::visible;
use crate::installed::Units;
use crate::names::Names;
use crate::sentences;
use crate::view::View;
use crate::wording as word;
use model::action::Action;
use model::assessment::Outcome;
use model::evidence::{Estimate, GapWeight};
use model::graph::Path;
use serde::Serialize;

/// Actions, paths and gaps of one class beyond these are counted, not drawn.
const ACTIONS: usize = 500;
const PATHS: usize = 10;
const GAPS: usize = 500;

#[derive(Serialize)]
pub(super) struct Page {
    title: String,
    subtitle: String,
    tool_version: String,
    outcome: &'static str,
    verdict: &'static str,
    exit_code: u8,
    reasons: Vec<String>,
    seen: Vec<String>,
    severities: Vec<Share>,
    open: String,
    scanned: Option<Meter>,
    high: Option<Meter>,
    policies: Option<Meter>,
    feeds: Vec<Feed>,
    no_feeds: Option<String>,
    apart: Option<String>,
    heading: String,
    actions: Vec<ActionCard>,
    more_actions: Vec<ActionCard>,
    actions_left_out: usize,
    paths: Vec<Route>,
    paths_left_out: usize,
    gap_summary: String,
    gaps: Vec<GapRow>,
    any_findings: bool,
    /// What is in the artifacts, where nothing else was looked at.
    contents: Option<Contents>,
}

/// One class of a bar, in per mille of its width.
#[derive(Serialize)]
struct Share {
    word: &'static str,
    count: String,
    from: usize,
    width: usize,
}

/// `part` of `all`; `bad` says whether more is worse.
#[derive(Serialize)]
struct Meter {
    part: String,
    all: String,
    width: usize,
    bad: bool,
}

#[derive(Serialize)]
struct Feed {
    name: String,
    age: String,
    date: String,
    records: String,
}

#[derive(Serialize)]
struct ActionCard {
    number: usize,
    points: String,
    band: &'static str,
    title: String,
    why: Vec<String>,
    gain: String,
    exact: String,
    undo: String,
    class: &'static str,
    class_reason: String,
    /// Findings that it closes, for the script's filter.
    closes: String,
}

#[derive(Serialize)]
struct Route {
    entry: String,
    sink: String,
    chance: String,
    edges: Vec<Hop>,
    cut: Vec<String>,
    ends: String,
}

#[derive(Serialize)]
struct Hop {
    kind: String,
    to: String,
    because: Vec<String>,
    missing: Vec<String>,
}

#[derive(Serialize)]
struct GapRow {
    class: String,
    weight: &'static str,
    count: String,
    what: Vec<String>,
    left_out: usize,
    close: String,
    /// Who answers for them until when.
    accepted: Option<String>,
}

pub(super) fn of(view: &View, names: &Names, units: &Units) -> Page {
    let text = |text: &str| visible(&names.show(text)).into_owned();
    let all = view.assessment;
    let about = &all.about;
    let name = about.cluster_name.as_deref().map(text);
    let mut subtitle = Vec::new();
    if let Some(version) = about.kubernetes {
        let judged = if version.known { "" } else { "judged as " };
        subtitle.push(format!("{judged}Kubernetes 1.{}", version.minor));
    }
    subtitle.push(word::moment(about.now));
    let shown = view.shown_actions();
    let (outcome, verdict) = match view.verdict.outcome {
        Outcome::Passed => ("passed", "Passed"),
        Outcome::Failed => ("failed", "Failed"),
        Outcome::NotCompleted => ("open", "Not completed"),
    };
    let cards = |range: std::ops::Range<usize>| {
        let actions = all.actions.iter().enumerate();
        let actions = actions.skip(range.start).take(range.len());
        actions
            .map(|(i, action)| card(view, i, action, &text))
            .collect()
    };
    let c = &all.coverage;
    Page {
        title: name.unwrap_or_else(|| match about.origin {
            Some(_) => "files".into(),
            None => text(&sentences::subject(view)),
        }),
        subtitle: subtitle.join(", "),
        tool_version: text(&about.tool_version),
        outcome,
        verdict,
        exit_code: view.verdict.exit_code,
        reasons: {
            let verdict = view.verdict;
            let said = verdict.reasons.iter().chain(&verdict.notices);
            said.map(|reason| text(reason)).collect()
        },
        seen: if view.is_of_artifacts() {
            vec![text(&sentences::feeds(view))]
        } else {
            sentences::workloads(view).iter().map(|s| text(s)).collect()
        },
        severities: shares(view),
        open: word::count(all.findings.len()),
        scanned: meter(c.images_scanned, c.images, false),
        high: meter(c.images_with_high, c.images_scanned, true),
        policies: meter(c.namespaces_without_policy, c.namespaces, true)
            .filter(|_| view.saw_policies()),
        feeds: feeds(view),
        no_feeds: about
            .database
            .as_ref()
            .is_none_or(|d| d.feeds.is_empty())
            .then(|| sentences::feeds(view)),
        apart: sentences::apart(view).map(|apart| text(&apart)),
        heading: sentences::heading(view, shown),
        actions: cards(0..shown),
        more_actions: cards(shown..all.actions.len().min(ACTIONS.max(shown))),
        actions_left_out: all.actions.len().saturating_sub(ACTIONS.max(shown)),
        paths: routes(view, &text),
        paths_left_out: all.paths.len().saturating_sub(PATHS),
        gap_summary: sentences::gap_summary(view),
        gaps: gaps(view, &text),
        any_findings: !(all.findings.is_empty()
            && all.suppressed.is_empty()
            && all.unjoined.is_empty()),
        contents: contents::of(view, names, units),
    }
}

fn shares(view: &View) -> Vec<Share> {
    let counts = view.by_severity();
    let all: usize = counts.iter().map(|(_, n)| n).sum();
    let mut before = 0;
    counts
        .into_iter()
        .map(|(severity, n)| {
            let from = before * 1000 / all.max(1);
            before += n;
            Share {
                word: word::severity(severity),
                count: word::count(n),
                from,
                width: (before * 1000 / all.max(1)).saturating_sub(from).max(4),
            }
        })
        .collect()
}

/// `None` where there is nothing to be a part of.
fn meter(part: u32, all: u32, bad: bool) -> Option<Meter> {
    (all > 0).then(|| Meter {
        part: word::count(part),
        all: word::count(all),
        width: (part.min(all) as usize) * 1000 / all as usize,
        bad,
    })
}

fn feeds(view: &View) -> Vec<Feed> {
    let about = &view.assessment.about;
    let feeds = about.database.iter().flat_map(|database| &database.feeds);
    feeds
        .map(|feed| Feed {
            name: visible(&feed.name).into_owned(),
            age: word::age(feed.date, about.now).into_owned(),
            date: feed.date.map_or_else(String::new, |date| date.to_string()),
            records: word::count(feed.records),
        })
        .collect()
}

fn card(view: &View, index: usize, action: &Action, text: &impl Fn(&str) -> String) -> ActionCard {
    let exact: Vec<String> = action.exact.iter().map(|line| text(line)).collect();
    let closes: Vec<String> = action.closes.iter().map(ToString::to_string).collect();
    ActionCard {
        number: index + 1,
        points: word::points(&action.points),
        band: band(&action.points),
        title: text(&action.title),
        why: action.why.iter().map(|why| text(why)).collect(),
        gain: sentences::gain(view, action),
        exact: exact.join("\n"),
        undo: text(&action.undo),
        class: word::fix_class_words(action.class),
        class_reason: text(&action.class_reason),
        closes: closes.join(" "),
    }
}

/// Colour only; the number stands beside it.
pub(super) fn band(points: &Estimate) -> &'static str {
    match points.expected {
        p if p >= 70.0 => "b3",
        p if p >= 40.0 => "b2",
        p if p >= 10.0 => "b1",
        _ => "b0",
    }
}

fn routes(view: &View, text: &impl Fn(&str) -> String) -> Vec<Route> {
    let mut paths: Vec<&Path> = view.assessment.paths.iter().collect();
    paths.sort_by(|a, b| b.probability.expected.total_cmp(&a.probability.expected));
    paths.truncate(PATHS);
    paths
        .into_iter()
        .map(|path| {
            let cut = view
                .assessment
                .cuts
                .iter()
                .find(|cut| cut.sink == path.sink);
            let changes = cut.iter().flat_map(|cut| &cut.changes);
            Route {
                entry: text(&path.entry),
                sink: text(&path.sink),
                chance: word::percent(&path.probability),
                edges: path
                    .edges
                    .iter()
                    .map(|edge| {
                        let evidence = edge.evidence.iter().filter_map(|id| view.evidence(*id));
                        let missing = edge.missing.iter().filter_map(|id| view.gap(*id));
                        Hop {
                            kind: text(&edge.kind),
                            to: text(&edge.to),
                            because: evidence.map(|e| text(&sentences::stated(e))).collect(),
                            missing: missing.map(|gap| text(&gap.what)).collect(),
                        }
                    })
                    .collect(),
                cut: changes.map(|c| text(&sentences::change(c))).collect(),
                ends: cut.map_or_else(
                    || "no change is known that ends it".into(),
                    |cut| text(&sentences::ends(cut)),
                ),
            }
        })
        .collect()
}

fn gaps(view: &View, text: &impl Fn(&str) -> String) -> Vec<GapRow> {
    view.gap_groups()
        .iter()
        .map(|group| GapRow {
            class: text(group.class),
            weight: match (group.accepted, group.weight) {
                (Some(_), _) => "accepted",
                (None, GapWeight::Hides) => "could hide findings",
                (None, GapWeight::Widens) => "makes ranks less sure",
                (None, GapWeight::Notice) => "to note",
            },
            accepted: group
                .accepted
                .map(|acceptance| text(&sentences::accepted(acceptance))),
            count: word::count(group.gaps.len()),
            what: group
                .gaps
                .iter()
                .take(GAPS)
                .map(|gap| text(&gap.what))
                .collect(),
            left_out: group.gaps.len().saturating_sub(GAPS),
            close: group
                .gaps
                .first()
                .map_or_else(String::new, |gap| text(&gap.close)),
        })
        .collect()
}
