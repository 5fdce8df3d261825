//! `plimsoll export netpol`: the least NetworkPolicies that let through what is declared.

use crate::args::Netpol;
use crate::output::{self, NotCompleted};
use crate::scanning::saved_snapshot;
use crate::settings::Settings;
use crate::target::{Target, declarations};
use model::snapshot::Snapshot;
use scan::netpol::{NetpolError, Plan, Scope};

/// Destinations that are told one by one; the file has all.
const MOST: usize = 10;

/// 0; 3 where something that could depend on others was not seen. Nothing is written where a dependency would break.
pub(crate) fn export(options: &Netpol, settings: &Settings) -> anyhow::Result<u8> {
    let declarations = declarations(options.config.as_deref())?;
    let snapshot = snapshot(options, settings)?;
    let scope = Scope {
        namespaces: options
            .namespaces
            .iter()
            .map(|n| n.as_str().into())
            .collect(),
    };
    let plan = Plan::of(&snapshot, &declarations, scope)?;
    let mut yaml = Vec::new();
    report::netpol::yaml(&plan.proposal, &mut yaml)?;
    let checked = plan
        .check(snapshot, &declarations, &yaml)
        .map_err(|error| match error {
            NetpolError::Broken { .. } => NotCompleted(error.to_string()).into(),
            error => anyhow::Error::from(error),
        })?;
    let file = options.output.as_deref();
    output::to(file, settings, |out, _| out.write_all(&yaml))?;
    let already = match plan.denied {
        0 => String::new(),
        count => format!("; {count} more that policies deny today, and still do"),
    };
    let unknown = plan.proposal.unknown.len();
    output::say(&format!(
        "{} dependencies declared, all of them still pass{already}; {unknown} unknown{}",
        checked.asked,
        if unknown == 0 { "" } else { ":" }
    ));
    for reason in plan.proposal.unknown.iter().take(MOST) {
        output::say(&format!("  {}", report::netpol::sentence(reason)));
    }
    if unknown > MOST {
        output::say(&format!(
            "  and {} more: they stand in the policies",
            unknown - MOST
        ));
    }
    output::say(&format!(
        "connections between workloads: {} before, {} after",
        checked.before, checked.after
    ));
    for line in &plan.notes {
        output::say(line);
    }
    Ok(if plan.complete { 0 } else { 3 })
}

fn snapshot(options: &Netpol, settings: &Settings) -> anyhow::Result<Snapshot> {
    Ok(match (&*options.targets, &options.from) {
        ([], None) => return saved_snapshot(settings),
        ([], Some(one)) | ([one], _) => Target::named(one)?.snapshot,
        (several, _) => Target::manifests(several)?.snapshot,
    })
}
