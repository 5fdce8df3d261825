//! JUnit XML: a suite for the gate, one for each artifact, one for what has no artifact. In: a view. Out: open findings
//! as failures, suppressed ones and what was not seen as skipped. Never: a control character, an element of others.

use crate::claim::advice;
use crate::escape::markup;
use crate::installed::{Unit, findings, units};
use crate::names::Names;
use crate::view::{View, object};
use crate::wording::{category, counted, fix, points, severity};
use jiff::Timestamp;
use model::assessment::Outcome;
use model::evidence::GapWeight;
use model::finding::Finding;
use model::matches::Category;
use std::io::{self, BufWriter, Write};

pub fn write(view: &View, out: &mut dyn Write) -> io::Result<()> {
    let names = Names::of(view);
    let units = units(view);
    let all = view.assessment;
    let mut suites = vec![gate(view, &names)];
    let mut of_units: Vec<Vec<&Finding>> = vec![Vec::new(); units.all.len()];
    let mut rest: Vec<&Finding> = Vec::new();
    for finding in findings(all) {
        let of_unit = units.of(finding).and_then(|(u, _)| of_units.get_mut(u));
        of_unit.unwrap_or(&mut rest).push(finding);
    }
    for (unit, findings) in units.all.iter().zip(&of_units) {
        suites.push(of_unit(view, &names, unit, findings));
    }
    if !rest.is_empty() {
        let cases = rest.iter().map(|f| case(view, &names, "objects", f));
        suites.push(Suite {
            name: "objects".into(),
            cases: cases.collect(),
        });
    }
    let mut out = BufWriter::new(out);
    out.write_all(b"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n")?;
    let (tests, failures, errors, skipped) = suites
        .iter()
        .map(Suite::counts)
        .fold((0, 0, 0, 0), |(t, f, e, s), (a, b, c, d)| {
            (t + a, f + b, e + c, s + d)
        });
    writeln!(
        out,
        "<testsuites name=\"plimsoll\" tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\" skipped=\"{skipped}\" time=\"0\">"
    )?;
    for suite in &suites {
        suite.write(all.about.now, &mut out)?;
    }
    out.write_all(b"</testsuites>\n")?;
    out.flush()
}

struct Suite {
    name: String,
    cases: Vec<Case>,
}

/// Names and texts as they are: escaped where they are written.
struct Case {
    class: String,
    name: String,
    result: Answer,
}

enum Answer {
    Passed,
    Failed {
        kind: &'static str,
        message: String,
        lines: Vec<String>,
    },
    Error {
        message: String,
        lines: Vec<String>,
    },
    Skipped {
        message: String,
    },
}

impl Suite {
    /// Tests, failures, errors, skipped.
    fn counts(&self) -> (usize, usize, usize, usize) {
        let number =
            |is: fn(&Answer) -> bool| self.cases.iter().filter(|case| is(&case.result)).count();
        (
            self.cases.len(),
            number(|answer| matches!(answer, Answer::Failed { .. })),
            number(|answer| matches!(answer, Answer::Error { .. })),
            number(|answer| matches!(answer, Answer::Skipped { .. })),
        )
    }

    fn write(&self, now: Timestamp, out: &mut impl Write) -> io::Result<()> {
        let (tests, failures, errors, skipped) = self.counts();
        writeln!(
            out,
            "  <testsuite name=\"{}\" tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\" skipped=\"{skipped}\" time=\"0\" timestamp=\"{}\">",
            markup(&self.name),
            now.strftime("%Y-%m-%dT%H:%M:%S")
        )?;
        for case in &self.cases {
            case.write(out)?;
        }
        out.write_all(b"  </testsuite>\n")
    }
}

impl Case {
    fn write(&self, out: &mut impl Write) -> io::Result<()> {
        write!(
            out,
            "    <testcase classname=\"{}\" name=\"{}\" time=\"0\"",
            markup(&self.class),
            markup(&self.name)
        )?;
        let text = |lines: &[String]| {
            let lines: Vec<String> = lines.iter().map(|line| markup(line)).collect();
            lines.join("\n")
        };
        match &self.result {
            Answer::Passed => return out.write_all(b"/>\n"),
            Answer::Failed {
                kind,
                message,
                lines,
            } => write!(
                out,
                "><failure type=\"{kind}\" message=\"{}\">{}</failure>",
                markup(message),
                text(lines)
            )?,
            Answer::Error { message, lines } => write!(
                out,
                "><error type=\"not-completed\" message=\"{}\">{}</error>",
                markup(message),
                text(lines)
            )?,
            Answer::Skipped { message } => {
                write!(out, "><skipped message=\"{}\"/>", markup(message))?;
            }
        }
        out.write_all(b"</testcase>\n")
    }
}

/// The verdict, and what could hide findings from it.
fn gate(view: &View, names: &Names) -> Suite {
    let reasons = view.verdict.reasons.iter().chain(&view.verdict.notices);
    let lines: Vec<String> = reasons.map(|r| names.show(r).into_owned()).collect();
    let result = match view.verdict.outcome {
        Outcome::Passed => Answer::Passed,
        Outcome::Failed => Answer::Failed {
            kind: "gate",
            message: format!("over the gate, exit code {}", view.verdict.exit_code),
            lines,
        },
        Outcome::NotCompleted => Answer::Error {
            message: format!("not completed, exit code {}", view.verdict.exit_code),
            lines,
        },
    };
    let mut cases = vec![Case {
        class: "gate".into(),
        name: "verdict".into(),
        result,
    }];
    for (gap, accepted) in view.assessment.ledger.gaps_accepted() {
        if gap.weight != GapWeight::Hides {
            continue;
        }
        let by = accepted.map_or_else(String::new, |a| format!(" (accepted by {})", a.owner));
        cases.push(Case {
            class: format!("not seen: {}", gap.class),
            name: names.show(&gap.scope).into_owned(),
            result: Answer::Skipped {
                message: names.show(&format!("{}{by}", gap.what)).into_owned(),
            },
        });
    }
    Suite {
        name: "gate".into(),
        cases,
    }
}

fn of_unit(view: &View, names: &Names, unit: &Unit, findings: &[&Finding]) -> Suite {
    let name = names.show(unit.name).into_owned();
    let mut cases: Vec<Case> = findings
        .iter()
        .map(|finding| case(view, names, &name, finding))
        .collect();
    if cases.is_empty() {
        let packages = unit.packages.len();
        // No finding says something only where something was looked at, and judged.
        let hidden = view.hides_in(unit.name);
        let result = match hidden {
            Some(gap) => Answer::Skipped {
                message: names
                    .show(&format!("no finding, but {}", gap.what))
                    .into_owned(),
            },
            None if unit.inventory.is_some() && packages > 0 => Answer::Passed,
            None => Answer::Skipped {
                message: "no finding; how many packages were judged is not known".into(),
            },
        };
        cases.push(Case {
            class: name.clone(),
            name: format!("no known vulnerability in {}", counted(packages, "package")),
            result,
        });
    }
    Suite { name, cases }
}

fn case(view: &View, names: &Names, class: &str, finding: &Finding) -> Case {
    let package = view.package(finding);
    let show = |text: &str| names.show(text).into_owned();
    let subject = if let Some(package) = package {
        format!("{} {}", package.name, package.version)
    } else {
        let best = view.best(finding);
        let place = object(finding, best.as_ref()).map(ToString::to_string);
        let title = view.title(finding).map(ToOwned::to_owned);
        place.or(title).unwrap_or_default()
    };
    let name = format!("{} {subject}", finding.id);
    let result = match &finding.suppression {
        Some(suppression) => Answer::Skipped {
            message: show(&format!(
                "suppressed by {}: {}",
                suppression.by, suppression.reason
            )),
        },
        None => Answer::Failed {
            kind: severity(finding.severity),
            message: show(&message(view, finding)),
            lines: lines(view, finding).iter().map(|line| show(line)).collect(),
        },
    };
    Case {
        class: class.to_owned(),
        name: show(name.trim_end()),
        result,
    }
}

fn message(view: &View, finding: &Finding) -> String {
    let title = view.title(finding).unwrap_or(&finding.id);
    let kind = category(finding.category);
    format!(
        "{} {kind}: {title}; {}",
        severity(finding.severity),
        fix(&finding.fix)
    )
}

fn lines(view: &View, finding: &Finding) -> Vec<String> {
    let mut lines = Vec::new();
    if finding.category == Category::Vulnerability {
        lines.push(advice(view, finding));
    }
    if let Some(scored) = view.score(finding) {
        lines.push(format!("score {}", points(&scored.score.points)));
    }
    if let Some(known) = view.vulnerability(finding) {
        if !known.aliases.is_empty() {
            lines.push(format!("also {}", known.aliases.join(", ")));
        }
        lines.extend(known.likelihood.reasons.iter().map(ToString::to_string));
    }
    for location in view.package(finding).iter().flat_map(|p| &p.locations) {
        lines.push(format!("found in {location}"));
    }
    if let Some(source) = &finding.source {
        lines.push(format!("written in {source}"));
    }
    lines.extend(finding.notes.iter().map(ToString::to_string));
    lines
}
