//! All that a subject may do, as text: by scope and binding, the dangerous first; then what a log shows.

use super::lines::{Lines, count, grant, subject};
use crate::terminal::TerminalOptions;
use model::evidence::Truth;
use model::rights::{Can, Given, GivenRule, Usage, UseState};
use model::text::Text;
use std::fmt::Write as _;
use std::io::{self, Write};

/// Parts of a rule that are told one by one.
const MOST_PARTS: usize = 12;
/// Dangers of a rule that are told one by one; the worst come first.
const MOST_DANGERS: usize = 5;

pub fn can(can: &Can, options: &TerminalOptions, out: &mut dyn Write) -> io::Result<()> {
    let mut lines = Lines {
        out,
        width: options.width,
    };
    title(can, &mut lines)?;
    if let Some(usage) = &can.usage {
        log(usage, &mut lines)?;
    }
    let mut last: Option<&Option<Text>> = None;
    for given in can.grants.iter().filter(|given| !is_everybodys(given)) {
        if last != Some(&given.namespace) {
            lines.blank()?;
            let place = match &given.namespace {
                Some(namespace) => format!("In namespace {namespace}"),
                None => "In the whole cluster".to_owned(),
            };
            lines.put("", 2, &place)?;
            last = Some(&given.namespace);
        }
        write_given(given, &mut lines)?;
    }
    let everybodys: Vec<&str> = can
        .grants
        .iter()
        .filter(|given| is_everybodys(given))
        .map(|given| &*given.role.name)
        .collect();
    if !everybodys.is_empty() {
        lines.blank()?;
        let text = format!(
            "What everyone has by Kubernetes' own bindings, nothing of it dangerous: {}",
            everybodys.join(", ")
        );
        lines.put("", 2, &text)?;
    }
    if can.grants.is_empty() && !can.masters {
        lines.blank()?;
        lines.put("", 2, "No binding that was seen gives it a right.")?;
    }
    dead(can, &mut lines)?;
    if let Some(usage) = &can.usage {
        unexplained(usage, &mut lines)?;
    }
    lines.missing(&can.missing)?;
    lines.notes(&can.gaps, &can.notes)
}

fn title(can: &Can, lines: &mut Lines<'_>) -> io::Result<()> {
    let mut text = subject(&can.subject);
    if let Some(meaning) = &can.meaning {
        text.push_str(": ");
        text.push_str(meaning);
    }
    if can.there == Some(false) {
        text.push_str(" (not there; whoever makes it has these rights)");
    }
    lines.put("", 2, &text)?;
    let rules = can.grants.iter().flat_map(|given| &given.rules);
    let dangerous = rules.clone().filter(|rule| !rule.dangers.is_empty());
    let mut counts = format!(
        "{}, {}, {} dangerous (!)",
        count(can.grants.len(), "binding"),
        count(rules.clone().count(), "rule"),
        dangerous.count(),
    );
    if let Some(namespace) = &can.namespace {
        let _ = write!(
            counts,
            "; in namespace {namespace}, rights in others are left out"
        );
    }
    if can.others == Truth::Unknown {
        counts.push_str("; not all was seen, so there may be more");
    }
    lines.put("  ", 2, &format!("{counts} (Kubernetes 1.{})", can.minor))?;
    if !can.groups.is_empty() {
        lines.put("  as ", 5, &can.groups.join(", "))?;
    }
    if can.masters {
        lines.put(
            "  ",
            2,
            "! it is in system:masters: it may do everything, and RBAC is not asked",
        )?;
    }
    Ok(())
}

/// Discovery, reviews of oneself: told in one line.
fn is_everybodys(given: &Given) -> bool {
    let dangerous = given.rules.iter().any(|rule| !rule.dangers.is_empty());
    given.stock && given.via.is_some() && !dangerous
}

fn write_given(given: &Given, lines: &mut Lines<'_>) -> io::Result<()> {
    let mut text = grant(&given.binding, &given.role);
    if let Some(group) = &given.via {
        let _ = write!(text, ", via Group {group}");
    }
    if given.stock {
        text.push_str(", Kubernetes' own");
    }
    lines.put("  ", 6, &text)?;
    for given in &given.rules {
        let sign = if given.dangers.is_empty() { " " } else { "!" };
        let hang = 8;
        lines.put(&format!("    {sign} "), hang, &given.rule.to_string())?;
        if !given.dangers.is_empty() {
            let does = given
                .dangers
                .iter()
                .take(MOST_DANGERS)
                .map(|(_, does)| &**does);
            let mut does = does.collect::<Vec<&str>>().join("; ");
            if let Some(more @ 1..) = given.dangers.len().checked_sub(MOST_DANGERS) {
                let _ = write!(does, "; and {more} more");
            }
            lines.put("        => ", hang + 3, &does)?;
        }
        write_use(given, lines)?;
    }
    Ok(())
}

fn write_use(given: &GivenRule, lines: &mut Lines<'_>) -> io::Result<()> {
    let Some(used) = &given.used else {
        return Ok(());
    };
    let hang = 16;
    let text = match used.state {
        UseState::All => "used".to_owned(),
        UseState::Never => "NEVER USED".to_owned(),
        UseState::Partly => format!("never used: {}", some(&used.never)),
        UseState::NotShown => "no log shows its use".to_owned(),
        UseState::Dead => return Ok(()),
    };
    lines.put("        log: ", hang, &text)?;
    if used.state == UseState::Partly {
        lines.put("        used: ", hang, &some(&used.used))?;
    }
    if !used.not_shown.is_empty() && used.state != UseState::NotShown {
        let text = format!("{}: no log shows that", some(&used.not_shown));
        lines.put("             ", hang, &text)?;
    }
    Ok(())
}

fn some(all: &[Text]) -> String {
    let first: Vec<&str> = all.iter().take(MOST_PARTS).map(|text| &**text).collect();
    let mut text = first.join(", ");
    if let Some(more) = all.len().checked_sub(MOST_PARTS).filter(|n| *n > 0) {
        let _ = write!(text, " and {more} more");
    }
    text
}

fn dead(can: &Can, lines: &mut Lines<'_>) -> io::Result<()> {
    let mut begun = false;
    for given in can.grants.iter().filter(|given| !given.stock) {
        for (part, why) in given.rules.iter().flat_map(|rule| &rule.dead) {
            if !begun {
                begun = true;
                lines.blank()?;
                lines.put("", 2, "Grants nothing, although it reads as if it did")?;
            }
            let text = format!("{part} of {}: {why}", given.role);
            lines.put("  ", 6, &text)?;
        }
    }
    Ok(())
}

/// What the logs are, before anything is said by them.
fn log(usage: &Usage, lines: &mut Lines<'_>) -> io::Result<()> {
    lines.blank()?;
    let mut window = super::yaml::window(usage);
    if usage.partial {
        window.push_str("; less than 30 days, so it is PARTIAL");
    }
    lines.put("Log  ", 5, &window)?;
    let text = format!(
        "requests of it: {} went through, {} were refused; {} events in all",
        usage.requests, usage.denied, usage.events
    );
    lines.put("     ", 5, &text)?;
    if usage.damaged > 0 {
        let text = format!(
            "! {} no audit event: a use may stand in them",
            if usage.damaged == 1 {
                "1 line is".to_owned()
            } else {
                format!("{} lines are", usage.damaged)
            }
        );
        lines.put("     ", 7, &text)?;
    }
    if usage.cut_short > 0 {
        lines.put("     ", 7, "- it ends in the middle of a line")?;
    }
    if usage.overflown {
        lines.put(
            "     ",
            7,
            "! it holds more distinct requests than are kept: what is told as never used may have been",
        )?;
    }
    lines.put(
        "     ",
        7,
        "- what its policy leaves out, and what kubelets and other servers check, is in no log",
    )
}

fn unexplained(usage: &Usage, lines: &mut Lines<'_>) -> io::Result<()> {
    if usage.unexplained.is_empty() {
        return Ok(());
    }
    lines.blank()?;
    lines.put(
        "",
        2,
        "Went through, and no rule that was seen grants it now (rights that changed, a group, another authorizer):",
    )?;
    for text in &usage.unexplained {
        lines.put("  ", 6, text)?;
    }
    if usage.unexplained_more > 0 {
        lines.put("  ", 6, &format!("and {} more", usage.unexplained_more))?;
    }
    Ok(())
}
