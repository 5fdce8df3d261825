//! A page a rule, and the list of all, in Markdown. Comes in: rows. Goes out: text. Never: a fact that the row does not
//! have.

use crate::policy::cel;
use crate::rule::{Containers, Fix, Form, Rule, Scope, Surface};
use crate::table::FAMILIES;
use model::action::FixClass;
use model::snapshot::NEWEST_KUBERNETES_MINOR;
use model::vulnerability::Severity;
use std::fmt::Write as _;

/// `privileged-container.md`: the file of a rule.
pub fn file(rule: &Rule) -> String {
    format!("{}.md", rule.slug)
}

/// Everything that the row says.
pub fn page(rule: &Rule) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "# {}: {}\n", rule.id, rule.title);
    let _ = writeln!(out, "| | |\n| --- | --- |");
    let _ = writeln!(out, "| name | `{}` |", rule.slug);
    let _ = writeln!(out, "| severity | {} |", severity(rule.severity));
    let on = if rule.on {
        "yes"
    } else {
        "no, only when it is asked for"
    };
    let _ = writeln!(out, "| on by default | {on} |");
    let surfaces: Vec<&str> = rule.surfaces().iter().map(|one| surface(*one)).collect();
    let _ = writeln!(out, "| asked of | {} |", surfaces.join(", "));
    if let Some(versions) = versions(rule.minors) {
        let _ = writeln!(out, "| Kubernetes | {versions} |");
    }
    if !rule.maps.is_empty() {
        let maps: Vec<String> = rule.maps.iter().map(ToString::to_string).collect();
        let _ = writeln!(out, "| known as | {} |", maps.join(", "));
    }
    let _ = writeln!(out, "\n## Why\n\n{}.\n", sentence(rule.why));
    let _ = writeln!(out, "## What is looked at\n\n{}", looked_at(rule));
    let _ = writeln!(out, "## What to do\n\n{}.", sentence(rule.advice));
    match class(&rule.fix) {
        Some(class) => {
            let _ = writeln!(
                out,
                "\n`plimsoll fix` offers the exact patch; class: {}.",
                in_words(class)
            );
        }
        None => out.push_str("\nThere is no patch that is right for everybody.\n"),
    }
    out
}

/// The list of all rules, by family.
pub fn index() -> String {
    let count: usize = FAMILIES.iter().map(|family| family.len()).sum();
    let mut out = format!(
        "# Checks\n\n{count} rules. `plimsoll explain ID` says the same as a rule's page. Rules in *italics* are asked only \
         when they are named.\n"
    );
    for family in FAMILIES.iter().filter(|family| !family.is_empty()) {
        let name = family.first().map_or("", Rule::family);
        let _ = writeln!(
            out,
            "\n## {}\n\n| id | rule | severity |\n| --- | --- | --- |",
            title(name)
        );
        for rule in *family {
            let link = format!("[{}]({})", rule.title, file(rule));
            let link = if rule.on { link } else { format!("*{link}*") };
            let _ = writeln!(
                out,
                "| {} | {link} | {} |",
                rule.id,
                severity(rule.severity)
            );
        }
    }
    out
}

fn title(family: &str) -> &str {
    match family {
        "PSS" => "Pod Security Standards (PSS)",
        "WL" => "Workloads (WL)",
        "SA" => "Service accounts (SA)",
        "RBAC" => "Rights (RBAC)",
        "NP" => "Network (NP)",
        "SEC" => "Secrets and etcd (SEC)",
        "QUO" => "Quotas (QUO)",
        "ADM" => "Admission (ADM)",
        "CP" => "Control plane (CP)",
        "NODE" => "Nodes (NODE)",
        "AUD" => "Audit (AUD)",
        "CLD" => "Managed clusters (CLD)",
        "SUP" => "Components and versions (SUP)",
        "OPS" => "Operations (OPS)",
        other => other,
    }
}

fn looked_at(rule: &Rule) -> String {
    match rule.form {
        Form::Each { scope, violated, .. } => {
            let minor = rule.minors.1.min(NEWEST_KUBERNETES_MINOR);
            format!(
                "{}. Violated where, in CEL (the native evaluator asks the same, and a test compares both):\n\n```cel\n{}\n```\n",
                of(scope),
                cel::violated(scope, &violated, minor)
            )
        }
        Form::PodSecurity(control) => format!(
            "The pod of each workload, by the control `{control}` of the Pod Security Standards at the cluster's version.\n"
        ),
        Form::World(_) => "Several objects of the cluster together. Where one of them was not seen, the answer is unknown.\n".to_owned(),
        Form::Probe(_) | Form::Component(_) => {
            "Flags, files and configuration of a component: static pods of the API, `nodes/NAME/configz`, evidence of \
             `plimsoll scan node`. Where there is none, the answer is unknown.\n"
                .to_owned()
        }
    }
}

fn of(scope: Scope) -> String {
    match scope {
        Scope::Pod => "The pod of each workload".to_owned(),
        Scope::PodItems(list) => format!("Each of the `{list}` of the pod of each workload"),
        Scope::Containers(which) => format!("{} of each workload", containers(which)),
        Scope::ContainerItems(which, list) => {
            format!(
                "Each of the `{list}` of: {} of each workload",
                containers(which).to_lowercase()
            )
        }
        Scope::Objects(kinds) => format!("Each {}", names(kinds)),
        Scope::ObjectItems(kinds, path) => {
            format!("Each of the `{}` of each {}", path.join("."), names(kinds))
        }
    }
}

fn containers(which: Containers) -> &'static str {
    match which {
        Containers::All => "Each container (init, main, ephemeral)",
        Containers::Declared => "Each container (init, main)",
        Containers::Lasting => "Each container that goes on running (main, sidecars)",
        Containers::Ephemeral => "Each ephemeral container",
    }
}

fn names(kinds: &[(&str, &str)]) -> String {
    let names: Vec<&str> = kinds.iter().map(|(_, kind)| *kind).collect();
    names.join(", ")
}

fn versions((from, to): (u16, u16)) -> Option<String> {
    match (from, to) {
        (0, u16::MAX) => None,
        (from, u16::MAX) => Some(format!("1.{from} and newer")),
        (0, to) => Some(format!("up to 1.{to}")),
        (from, to) => Some(format!("1.{from} to 1.{to}")),
    }
}

fn class(fix: &Fix) -> Option<FixClass> {
    match fix {
        Fix::None => None,
        Fix::Set(_, _, class)
        | Fix::Remove(_, class)
        | Fix::Drop(_, _, class)
        | Fix::RemoveItem(class)
        | Fix::Make(_, class) => Some(*class),
        Fix::All(all) => all.iter().filter_map(class).max(),
    }
}

fn in_words(class: FixClass) -> &'static str {
    match class {
        FixClass::Equivalent => "equivalent (nothing that works today stops)",
        FixClass::NeedsTest => "needs a test",
        FixClass::Breaking => "breaking",
    }
}

fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "critical",
        Severity::High => "high",
        Severity::Medium => "medium",
        Severity::Low => "low",
        Severity::Negligible => "negligible",
        Severity::Unknown => "unknown",
    }
}

fn surface(surface: Surface) -> &'static str {
    match surface {
        Surface::Manifest => "files",
        Surface::Live => "live clusters",
        Surface::Admission => "admission",
        Surface::Node => "nodes",
    }
}

/// With a capital letter.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string());
    format!("{}{}", first.unwrap_or_default(), letters.as_str())
}
