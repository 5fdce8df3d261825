//! `who-can` as text: everybody, then single subjects, then those of Kubernetes' own, then rights that do the same.

use super::lines::{Lines, count, grant, subject};
use crate::terminal::TerminalOptions;
use model::evidence::{GapWeight, Truth};
use model::rights::{Held, Holder, Question, Scope, Way, WhoCan, resource_name};
use std::io::{self, Write};

pub fn who(who: &WhoCan, options: &TerminalOptions, out: &mut dyn Write) -> io::Result<()> {
    let mut lines = Lines {
        out,
        width: options.width,
    };
    let Some((first, same)) = who.ways.split_first() else {
        return Ok(());
    };
    let title = format!(
        "Who can {} (Kubernetes 1.{})",
        asked(&who.question),
        who.minor
    );
    lines.put("", 2, &title)?;
    lines.put("", 2, &summary(first, who))?;
    holders(&first.holders, &mut lines)?;
    for way in same.iter().filter(|way| !way.holders.is_empty()) {
        lines.blank()?;
        let why = way.why.as_deref().unwrap_or_default();
        let known = |holder: &&Holder| {
            let own = first.holders.iter();
            own.clone().any(|other| other.subject == holder.subject)
        };
        let again = match way.holders.iter().filter(known).count() {
            0 => String::new(),
            n => format!(", {n} of them above"),
        };
        let title = format!(
            "The same by {} {}, {}{again}: {why}",
            way.verb,
            way.resource,
            count(way.holders.len(), "subject")
        );
        lines.put("", 2, &title)?;
        for holder in way.holders.iter().filter(|holder| !known(holder)) {
            write_holder(holder, &mut lines)?;
        }
    }
    let nobody: Vec<String> = same
        .iter()
        .filter(|way| way.holders.is_empty())
        .map(|way| format!("{} {}", way.verb, way.resource))
        .collect();
    if !nobody.is_empty() {
        lines.blank()?;
        let text = format!("The same would give {}: nobody has it", nobody.join(", "));
        lines.put("", 2, &text)?;
    }
    lines.missing(&who.missing)?;
    lines.blank()?;
    lines.put(
        "",
        2,
        "Members of system:masters may do it, too: RBAC is not asked.",
    )?;
    lines.notes(&who.gaps, &who.notes)
}

/// `create pods/exec in namespace shop`.
fn asked(question: &Question) -> String {
    if let Some(url) = &question.url {
        return format!("{} {url}", question.verb);
    }
    let name = question
        .name
        .as_ref()
        .map_or_else(String::new, |name| format!(" {name}"));
    let place = match &question.scope {
        Scope::Anywhere => " in any namespace".to_owned(),
        Scope::Namespace(namespace) => format!(" in namespace {namespace}"),
        Scope::AllNamespaces => " in all namespaces".to_owned(),
        Scope::Cluster => String::new(),
    };
    let what = resource_name(&question.group, &question.resource);
    format!("{} {what}{name}{place}", question.verb)
}

/// `3 subjects by 4 bindings`, `nobody`; with what was not seen.
fn summary(way: &Way, who: &WhoCan) -> String {
    let bindings: usize = way.holders.iter().map(|holder| holder.held.len()).sum();
    let found = match way.holders.len() {
        0 => "nobody".to_owned(),
        n => format!("{} by {}", count(n, "subject"), count(bindings, "grant")),
    };
    if who.others == Truth::No {
        return found;
    }
    let unseen = who
        .gaps
        .iter()
        .find(|gap| &*gap.class == "kinds-not-listed");
    let hides = who
        .gaps
        .iter()
        .filter(|gap| gap.weight == GapWeight::Hides)
        .count();
    let missing = who.missing.iter().filter(|role| !role.latent).count();
    let why = match (unseen, missing, hides) {
        (Some(gap), _, _) => {
            let kinds = gap.what.split(',').count();
            format!("{} not listed", count(kinds, "kind"))
        }
        (None, 0, 0) => "only some namespaces were read".to_owned(),
        (None, 0, n) => format!("{} not read", count(n, "object")),
        (None, n, _) => format!("{} not seen", count(n, "role")),
    };
    format!("{found} that was seen; {why}, so there may be more")
}

fn holders(holders: &[Holder], lines: &mut Lines<'_>) -> io::Result<()> {
    let mut stock = false;
    for holder in holders {
        if holder.stock && !stock {
            stock = true;
            lines.blank()?;
            lines.put("", 2, "Of Kubernetes' own:")?;
        }
        if !holder.stock {
            lines.blank()?;
        }
        write_holder(holder, lines)?;
    }
    Ok(())
}

fn write_holder(holder: &Holder, lines: &mut Lines<'_>) -> io::Result<()> {
    let mut text = subject(&holder.subject);
    if let Some(meaning) = &holder.meaning {
        text.push_str(": ");
        text.push_str(meaning);
    }
    if holder.there == Some(false) {
        text.push_str(" (not there; whoever makes it has the right)");
    }
    lines.put(if holder.stock { "  " } else { "" }, 4, &text)?;
    for held in &holder.held {
        let indent = if holder.stock { "      " } else { "    " };
        lines.put(indent, indent.len() + 4, &write_held(held))?;
    }
    Ok(())
}

fn write_held(held: &Held) -> String {
    let mut text = grant(&held.binding, &held.role);
    let place = match &held.namespace {
        Some(namespace) => format!(", in namespace {namespace}"),
        None => ", everywhere".to_owned(),
    };
    text.push_str(&place);
    if !held.names.is_empty() {
        text.push_str(", only named ");
        text.push_str(&held.names.join(", "));
    }
    if !held.wildcards.is_empty() {
        text.push_str(", by wildcards: ");
        text.push_str(&held.wildcards.join(", "));
    }
    if let Some(note) = &held.note {
        text.push_str("; ");
        text.push_str(note);
    }
    text
}
