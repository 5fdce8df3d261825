//! The least role as YAML for `kubectl apply`: roles and their bindings, with the log's window above.
//! Never: a name that is not quoted.

use crate::escape::quoted;
use model::rights::{Can, LeastRole, RuleText, Usage, UseState};
use model::text::Text;
use std::collections::BTreeSet;
use std::io::{self, Write};

const GROUP: &str = "rbac.authorization.k8s.io";

/// Comments and documents; nothing but comments where the log shows no use.
pub fn role(can: &Can, out: &mut dyn Write) -> io::Result<()> {
    let Some(usage) = &can.usage else {
        return Ok(());
    };
    comment(
        &format!(
            "What {} used: {}",
            super::lines::subject(&can.subject),
            window(usage)
        ),
        out,
    )?;
    if usage.partial {
        comment(
            "PARTIAL: less than 30 days. What runs once a month or in an incident is not in it.",
            out,
        )?;
    }
    if usage.damaged > 0 {
        comment(
            &format!(
                "INCOMPLETE: lines of the log that are no audit event: {}",
                usage.damaged
            ),
            out,
        )?;
    }
    if usage.overflown {
        comment(
            "NO ROLE: the log holds more distinct requests than are kept.",
            out,
        )?;
        return Ok(());
    }
    let not_shown: BTreeSet<&Text> = can
        .grants
        .iter()
        .filter(|given| !given.stock)
        .flat_map(|given| &given.rules)
        .filter_map(|rule| rule.used.as_ref())
        .filter(|used| used.state != UseState::Dead)
        .flat_map(|used| &used.not_shown)
        .collect();
    if !not_shown.is_empty() {
        comment(
            "Not in it, because no log shows their use; add what is needed:",
            out,
        )?;
        for text in not_shown {
            comment(&format!("  {text}"), out)?;
        }
    }
    if usage.roles.is_empty() {
        comment("No request of it that a role grants is in the log.", out)?;
    }
    for role in &usage.roles {
        write_role(role, out)?;
        write_binding(role, out)?;
    }
    Ok(())
}

/// `2026-11-23 04:17 to 04:48 UTC`.
pub(super) fn window(usage: &Usage) -> String {
    let Some((from, until)) = usage.window else {
        return "no event of the log has a time".to_owned();
    };
    let day = from.strftime("%Y-%m-%d").to_string();
    let same = until.strftime("%Y-%m-%d").to_string() == day;
    let until = until.strftime(if same {
        "%H:%M UTC"
    } else {
        "%Y-%m-%d %H:%M UTC"
    });
    format!("{} to {until}", from.strftime("%Y-%m-%d %H:%M"))
}

fn write_role(role: &LeastRole, out: &mut dyn Write) -> io::Result<()> {
    let kind = kind(role);
    write!(out, "---\napiVersion: {GROUP}/v1\nkind: {kind}\n")?;
    metadata(role, out)?;
    writeln!(out, "rules:")?;
    for rule in &role.rules {
        write_rule(rule, out)?;
    }
    Ok(())
}

fn write_rule(rule: &RuleText, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "- verbs: {}", list(&rule.verbs))?;
    for (key, texts) in [
        ("apiGroups", &rule.groups),
        ("resources", &rule.resources),
        ("resourceNames", &rule.names),
        ("nonResourceURLs", &rule.urls),
    ] {
        if !texts.is_empty() {
            writeln!(out, "  {key}: {}", list(texts))?;
        }
    }
    Ok(())
}

fn write_binding(role: &LeastRole, out: &mut dyn Write) -> io::Result<()> {
    let kind = kind(role);
    write!(out, "---\napiVersion: {GROUP}/v1\nkind: {kind}Binding\n")?;
    metadata(role, out)?;
    write!(
        out,
        "roleRef:\n  apiGroup: {GROUP}\n  kind: {kind}\n  name: {}\n",
        quoted(&role.name)
    )?;
    let subject = &role.subject;
    writeln!(out, "subjects:\n- kind: {}", subject.kind)?;
    match &subject.namespace {
        Some(namespace) => writeln!(out, "  namespace: {}", quoted(namespace))?,
        None => writeln!(out, "  apiGroup: {GROUP}")?,
    }
    writeln!(out, "  name: {}", quoted(&subject.name))
}

fn kind(role: &LeastRole) -> &'static str {
    if role.namespace.is_some() {
        "Role"
    } else {
        "ClusterRole"
    }
}

fn metadata(role: &LeastRole, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "metadata:\n  name: {}", quoted(&role.name))?;
    match &role.namespace {
        Some(namespace) => writeln!(out, "  namespace: {}", quoted(namespace)),
        None => Ok(()),
    }
}

fn list(texts: &[Text]) -> String {
    let all: Vec<String> = texts.iter().map(|text| quoted(text)).collect();
    format!("[{}]", all.join(", "))
}

fn comment(text: &str, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "# {}", crate::escape::visible(text))
}
