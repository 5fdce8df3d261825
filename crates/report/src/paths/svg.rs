//! Attack paths as a drawing: entries left, sinks right, what the cut removes dashed and numbered.
//! Comes in: a View. Goes out: one SVG document for light and dark, as a file or in a page. Never: a script, a reference
//! to something outside, a name as markup.

use super::caption::{columns, shortened, split, wrapped};
use super::layout::{Arrow, Layout, Line, Parts, Place, Point, layout};
use super::merged::{Edge, Limits, Merged, Node, merged};
use crate::escape::markup;
use crate::names::Names;
use crate::sentences;
use crate::view::View;
use crate::wording::{count, counted};
use std::fmt::Write as _;
use std::io::{self, Write};

/// What somebody can still look at.
const LIMITS: Limits = Limits {
    nodes: 400,
    steps: 1_200,
};
const STYLE: &str = include_str!("svg.css");
/// Around everything.
const EDGE: f64 = 28.0;
/// Height of the heading with its distance, and of each further line of it.
const TOP: f64 = 74.0;
/// Height of a line of text below the drawing.
const LINE: f64 = 20.0;
const LEAST_WIDTH: f64 = 920.0;
/// Width of a column of text at most, in the fonts that systems have: names, kinds, sentences.
const NAME: f64 = 7.4;
const KIND: f64 = 6.1;
const TEXT: f64 = 7.2;
/// Columns of a line in a box.
const BOX: usize = 26;
const BOX_LEAST: f64 = 104.0;
/// Columns of a kind.
const LABEL: usize = 26;
/// Changes that are told below; the others are in the drawing.
const CHANGES: usize = 20;
/// Statements in the title of an edge, and columns of each.
const STATEMENTS: usize = 6;
const STATEMENT: usize = 400;

/// A picture of all shown paths together; the titles of boxes and lines say more.
pub fn write(view: &View, out: &mut dyn Write) -> io::Result<()> {
    let names = Names::of(view);
    let merged = merged(view, &names, LIMITS);
    let page = Page {
        view,
        names: &names,
        merged: &merged,
    };
    out.write_all(page.drawn().as_bytes())
}

struct Page<'a> {
    view: &'a View<'a>,
    names: &'a Names,
    merged: &'a Merged<'a>,
}

impl Page<'_> {
    fn drawn(&self) -> String {
        let boxes: Vec<Captioned> = self.merged.nodes.iter().map(Captioned::of).collect();
        let sizes: Vec<(f64, f64)> = boxes.iter().map(Captioned::size).collect();
        let labels: Vec<Label> = self.merged.edges.iter().map(Label::of).collect();
        let arrows: Vec<Arrow> = self
            .merged
            .edges
            .iter()
            .zip(&labels)
            .map(|(edge, label)| Arrow {
                from: edge.from,
                to: edge.to,
                label: label.width(),
            })
            .collect();
        let layout = layout(&Parts {
            boxes: &sizes,
            arrows: &arrows,
        });
        let width = (layout.width + 2.0 * EDGE).max(LEAST_WIDTH);
        let room = (width - 2.0 * EDGE - 60.0) / TEXT;
        let below = self.below(room.max(40.0));
        let bottom = TOP + layout.height + 40.0;
        let height = bottom + 8.0 + LINE * (below.len() as f64 + 1.0);
        let mut svg = String::with_capacity(16_384);
        self.head(&mut svg, width, height);
        // A drawing that is narrower than the text below stands in the middle.
        let left = (width - layout.width) / 2.0;
        let _ = writeln!(svg, "<g transform=\"translate({} {TOP})\">", n(left));
        self.lines(&mut svg, &layout);
        for (node, (captioned, place)) in self
            .merged
            .nodes
            .iter()
            .zip(boxes.iter().zip(&layout.boxes))
        {
            captioned.write(&mut svg, node, *place);
        }
        for (edge, (label, line)) in self
            .merged
            .edges
            .iter()
            .zip(labels.iter().zip(&layout.lines))
            .filter(|(_, (_, line))| !line.points.is_empty())
        {
            self.label(&mut svg, edge, label, line.label);
        }
        svg.push_str("</g>\n");
        legend(&mut svg, bottom);
        for (line, number) in below.iter().zip(1_u32..) {
            let y = bottom + 8.0 + LINE * f64::from(number);
            line.write(&mut svg, y);
        }
        svg.push_str("</svg>\n");
        svg
    }

    fn head(&self, svg: &mut String, width: f64, height: f64) {
        let about = self.names.show(&sentences::title(self.view)).into_owned();
        let headings = match &*self.merged.headings {
            [] => "No path from an entry to a sink was found".to_owned(),
            headings => self.names.show(&headings.join(" \u{b7} ")).into_owned(),
        };
        let room = ((width - 2.0 * EDGE) / 9.2).max(20.0);
        let _ = writeln!(
            svg,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"paths\" viewBox=\"0 0 {w} {h}\" width=\"{w}\" \
             height=\"{h}\" role=\"img\" aria-labelledby=\"paths-title\">\n\
             <title id=\"paths-title\">{}</title>\n<style>\n{STYLE}</style>\n{MARKERS}\n\
             <rect class=\"ground\" width=\"{w}\" height=\"{h}\"/>\n\
             <text class=\"heading\" x=\"{EDGE}\" y=\"34\">{}</text>\n\
             <text class=\"soft\" x=\"{EDGE}\" y=\"54\">{}</text>",
            markup(&headings),
            markup(&shortened(&headings, whole(room))),
            markup(&shortened(&about, whole(room * 9.2 / TEXT))),
            w = n(width),
            h = n(height),
        );
    }

    fn lines(&self, svg: &mut String, layout: &Layout) {
        for (edge, line) in self.merged.edges.iter().zip(&layout.lines) {
            let cut = !edge.cut().is_empty();
            let class = match (cut, edge.is_unknown()) {
                (true, true) => "edge cut unknown",
                (true, false) => "edge cut",
                (false, true) => "edge unknown",
                (false, false) => "edge",
            };
            let marker = if cut { "paths-cut" } else { "paths-end" };
            let way = if line.points.is_empty() {
                layout.boxes.get(edge.from).map_or_else(String::new, own)
            } else {
                curve(line)
            };
            // Twice the paths is half a pixel more.
            let stroke = (1.3 + (edge.paths as f64).log2() * 0.5).min(3.4);
            let _ = writeln!(
                svg,
                "<g class=\"{class}\"><title>{}</title><path class=\"near\" d=\"{way}\"/><path class=\"line\" d=\"{way}\" \
                 stroke-width=\"{}\" marker-end=\"url(#{marker})\"/></g>",
                self.told(edge),
                n(stroke)
            );
        }
    }

    /// All that is known of an edge, already markup.
    fn told(&self, edge: &Edge) -> String {
        let name = |n: usize| self.merged.nodes.get(n).map_or("", |node| &node.name);
        let mut lines = vec![format!(
            "{} \u{2192} {}",
            shortened(name(edge.from), STATEMENT),
            shortened(name(edge.to), STATEMENT)
        )];
        for step in edge.steps.iter().take(STATEMENTS) {
            let technique = match &*step.told.technique {
                "" => String::new(),
                technique => format!(" [{technique}]"),
            };
            lines.push(format!("{}{technique}", step.told.kind));
            let evidence = step.told.evidence.iter();
            let evidence = evidence.filter_map(|id| self.view.evidence(*id));
            lines.extend(evidence.take(STATEMENTS).map(sentences::stated));
            let missing = step.told.missing.iter();
            let missing = missing.filter_map(|id| self.view.gap(*id));
            lines.extend(
                missing
                    .take(STATEMENTS)
                    .map(|gap| format!("not seen: {}", gap.what)),
            );
            if let Some(change) = step.cut.and_then(|cut| self.merged.changes.get(cut)) {
                lines.push(format!("cut: {}", sentences::change(change)));
            }
        }
        if let Some(more) = edge.steps.len().checked_sub(STATEMENTS).filter(|n| *n > 0) {
            lines.push(format!("{} more kinds", count(more)));
        }
        let lines: Vec<String> = lines
            .iter()
            .map(|line| markup(&shortened(&self.names.show(line), STATEMENT)))
            .collect();
        lines.join("\n")
    }

    fn label(&self, svg: &mut String, edge: &Edge, label: &Label, at: Point) {
        let cut = edge.cut();
        let class = if cut.is_empty() { "kind" } else { "kind cut" };
        let badges = label.badges.len() as f64 * BADGE;
        let _ = write!(
            svg,
            "<g class=\"label\"><title>{}</title><rect class=\"under\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"13\" rx=\"3\"/>\
             <text class=\"{class}\" x=\"{}\" y=\"{}\">{}</text>",
            self.told(edge),
            n(at.x - label.width() / 2.0 - 3.0),
            n(at.y - 6.5),
            n(label.width() + 6.0),
            n(at.x - badges / 2.0),
            n(at.y + 3.5),
            markup(&label.text)
        );
        let right = at.x - badges / 2.0 + columns(&label.text) as f64 * KIND / 2.0;
        for (badge, place) in label.badges.iter().zip(0_u32..) {
            let x = right + BADGE * (f64::from(place) + 0.5) + 2.0;
            write_badge(svg, badge, x, at.y);
        }
        svg.push_str("</g>\n");
    }

    /// What ends the routes, what was left out, what was not seen.
    fn below(&self, room: f64) -> Vec<Below> {
        let room = whole(room);
        let show = |text: &str| shortened(&self.names.show(text), room);
        let mut lines = Vec::new();
        let mut told = 0;
        for (cut, changes) in &self.merged.cuts {
            lines.push(Below::Strong(show(&sentences::ends(cut))));
            for number in changes.iter().take(CHANGES - told) {
                if let Some(change) = self.merged.changes.get(*number) {
                    lines.push(Below::Change(number + 1, show(&sentences::change(change))));
                    told += 1;
                }
            }
        }
        if let Some(more) = self
            .merged
            .changes
            .len()
            .checked_sub(told)
            .filter(|n| *n > 0)
        {
            let text = format!("{} more: --format table or json", counted(more, "change"));
            lines.push(Below::Soft(text));
        }
        if !self.merged.headings.is_empty() && self.merged.cuts.is_empty() {
            let text = "No change is known that ends these paths";
            lines.push(Below::Strong(text.to_owned()));
        }
        if self.merged.left_out > 0 {
            let text = format!(
                "{} not drawn: there are more than {} boxes or {} steps; --format json has all",
                counted(self.merged.left_out, "path"),
                count(LIMITS.nodes),
                count(LIMITS.steps)
            );
            lines.push(Below::Strong(text));
        }
        let gaps = &self.view.assessment.ledger.gaps;
        if let Some(first) = gaps.first() {
            let more = match gaps.len() - 1 {
                0 => String::new(),
                more => format!(" (and {} more: --format table or json)", count(more)),
            };
            let text = format!("Not seen, and could hold more paths: {}{more}", first.what);
            lines.push(Below::Soft(show(&text)));
        }
        lines
    }
}

/// Arrow heads, in the colours of lines.
const MARKERS: &str = "<defs>\
<marker id=\"paths-end\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"8\" markerHeight=\"8\" \
markerUnits=\"userSpaceOnUse\" orient=\"auto\"><path class=\"head\" d=\"M0 0.5 8 4 0 7.5z\"/></marker>\
<marker id=\"paths-cut\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"8\" markerHeight=\"8\" \
markerUnits=\"userSpaceOnUse\" orient=\"auto\"><path class=\"head cut\" d=\"M0 0.5 8 4 0 7.5z\"/></marker></defs>";
/// Width of a number in its circle.
const BADGE: f64 = 17.0;

struct Captioned {
    kind: String,
    lines: Vec<String>,
}

impl Captioned {
    fn of(node: &Node) -> Self {
        let (kind, name) = split(&node.name);
        let kind = match (&*kind, node.is_entry, node.is_sink) {
            ("", true, _) => "entry".to_owned(),
            ("", _, true) => "sink".to_owned(),
            _ => kind,
        };
        Captioned {
            kind: shortened(&kind, BOX + 6),
            lines: wrapped(&name, BOX),
        }
    }

    fn size(&self) -> (f64, f64) {
        let lines = self.lines.iter().map(|line| columns(line) as f64 * NAME);
        let widest = lines.fold(columns(&self.kind) as f64 * 6.0, f64::max);
        let caption = if self.kind.is_empty() { 0.0 } else { 14.0 };
        let height = 16.0 + caption + 15.0 * self.lines.len() as f64;
        ((widest + 24.0).max(BOX_LEAST), height)
    }

    fn write(&self, svg: &mut String, node: &Node, place: Place) {
        let role = match (node.is_entry, node.is_sink) {
            (_, true) => "node sink",
            (true, false) => "node entry",
            (false, false) => "node",
        };
        let round = if node.is_entry && !node.is_sink {
            place.height / 2.0
        } else {
            7.0
        };
        let _ = write!(
            svg,
            "<g class=\"{role}\"><title>{}</title><rect class=\"box\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" \
             rx=\"{}\"/>",
            markup(&node.name),
            n(place.x),
            n(place.y),
            n(place.width),
            n(place.height),
            n(round)
        );
        let x = n(place.x + place.width / 2.0);
        let mut y = place.y + 6.0;
        if !self.kind.is_empty() {
            y += 14.0;
            let kind = markup(&self.kind);
            let _ = write!(
                svg,
                "<text class=\"caption\" x=\"{x}\" y=\"{}\">{kind}</text>",
                n(y - 2.0)
            );
        }
        for line in &self.lines {
            y += 15.0;
            let line = markup(line);
            let _ = write!(
                svg,
                "<text class=\"name\" x=\"{x}\" y=\"{}\">{line}</text>",
                n(y - 1.0)
            );
        }
        svg.push_str("</g>\n");
    }
}

struct Label {
    text: String,
    badges: Vec<String>,
}

impl Label {
    fn of(edge: &Edge) -> Self {
        let kind = edge.steps.first().map_or("", |step| &*step.told.kind);
        let text = match edge.steps.len() {
            0 | 1 => shortened(kind, LABEL),
            more => format!("{} +{}", shortened(kind, LABEL - 4), more - 1),
        };
        let mut badges: Vec<String> = edge.cut().iter().map(|n| (n + 1).to_string()).collect();
        badges.truncate(3);
        Label { text, badges }
    }

    fn width(&self) -> f64 {
        columns(&self.text) as f64 * KIND + self.badges.len() as f64 * BADGE
    }
}

enum Below {
    Strong(String),
    Soft(String),
    /// With its number.
    Change(usize, String),
}

impl Below {
    fn write(&self, svg: &mut String, y: f64) {
        let (class, x, text) = match self {
            Below::Strong(text) => ("told", EDGE, text),
            Below::Soft(text) => ("soft", EDGE, text),
            Below::Change(number, text) => {
                write_badge(svg, &number.to_string(), EDGE + 20.0, y - 4.0);
                ("change", EDGE + 34.0, text)
            }
        };
        let text = markup(text);
        let _ = writeln!(
            svg,
            "<text class=\"{class}\" x=\"{}\" y=\"{}\">{text}</text>",
            n(x),
            n(y)
        );
    }
}

fn write_badge(svg: &mut String, number: &str, x: f64, y: f64) {
    let _ = write!(
        svg,
        "<circle class=\"badge\" cx=\"{x}\" cy=\"{}\" r=\"7.5\"/><text class=\"number\" x=\"{x}\" y=\"{}\">{number}</text>",
        n(y),
        n(y + 3.4),
        x = n(x),
    );
}

fn legend(svg: &mut String, y: f64) {
    let mut x = EDGE;
    for (class, marker, words) in [
        ("edge", "paths-end", "a step; thicker: of more paths"),
        ("edge cut", "paths-cut", "ends with the numbered change"),
        (
            "edge unknown",
            "paths-end",
            "hangs on something that was not seen",
        ),
    ] {
        let _ = writeln!(
            svg,
            "<g class=\"{class}\"><path class=\"line\" d=\"M{} {y}h40\" stroke-width=\"1.6\" \
             marker-end=\"url(#{marker})\"/></g><text class=\"soft\" x=\"{}\" y=\"{}\">{words}</text>",
            n(x),
            n(x + 48.0),
            n(y + 4.0),
            y = n(y)
        );
        x += 48.0 + columns(words) as f64 * 6.6 + 26.0;
    }
}

/// Through the gaps in curves, through the layers straight.
fn curve(line: &Line) -> String {
    let mut way = String::new();
    for (at, point) in line.points.iter().enumerate() {
        let (x, y) = (n(point.x), n(point.y));
        let before = at.checked_sub(1).and_then(|at| line.points.get(at));
        let _ = match before {
            None => write!(way, "M{x} {y}"),
            Some(before) if at % 2 == 1 => {
                let middle = n(f64::midpoint(before.x, point.x));
                write!(way, "C{middle} {} {middle} {y} {x} {y}", n(before.y))
            }
            Some(_) => write!(way, "L{x} {y}"),
        };
    }
    way
}

/// From a box back to itself.
fn own(place: &Place) -> String {
    let (x, y) = (place.x + place.width, place.y);
    format!(
        "M{} {}C{} {} {} {} {} {}",
        n(x - 26.0),
        n(y),
        n(x - 26.0),
        n(y - 18.0),
        n(x + 18.0),
        n(y - 4.0),
        n(x),
        n(y + 12.0)
    )
}

/// A tenth of a pixel is enough.
fn n(value: f64) -> String {
    let text = format!("{value:.1}");
    match text.strip_suffix(".0") {
        Some("-0") => "0".to_owned(),
        Some(whole) => whole.to_owned(),
        None => text,
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "columns of a drawing of bounded width"
)]
fn whole(columns: f64) -> usize {
    columns as usize
}
