//! `plimsoll who-can`, `plimsoll can`, `plimsoll export role`: who may do what.

use crate::args::{Can, Export, RightsFormat, WhoCan};
use crate::netpol;
use crate::output;
use crate::settings::Settings;
use crate::target;
use crate::vap;
use model::evidence::Truth;
use model::rights as noun;
use scan::rights::Rights;

/// 0; 3 where others may as well and were not seen.
pub(crate) fn who_can(options: &WhoCan, settings: &Settings) -> anyhow::Result<u8> {
    let rights = Rights::of(&target::of(&options.sources, settings)?.snapshot);
    let who = rights.who_can(
        &options.verb,
        &options.resource,
        options.name.as_deref(),
        options.namespace.as_deref(),
        options.all_namespaces,
    )?;
    output::stdout(|out| match options.format {
        RightsFormat::Text => report::rights::who(&who, &settings.terminal.options(), out),
        RightsFormat::Json => report::rights::who_json(&who, out),
    })?;
    Ok(if who.others == Truth::No { 0 } else { 3 })
}

/// 0; 3 where not all was seen, of the cluster or of the log.
pub(crate) fn can(options: &Can, settings: &Settings) -> anyhow::Result<u8> {
    let rights = Rights::of(&target::of(&options.sources, settings)?.snapshot);
    let namespace = options.namespace.as_deref();
    let can = if options.audit_log.is_empty() {
        rights.can(&options.subject, namespace)?
    } else {
        rights.used(&options.subject, namespace, &options.audit_log)?
    };
    output::stdout(|out| match (options.format, options.role) {
        (RightsFormat::Text, false) => report::rights::can(&can, &settings.terminal.options(), out),
        (RightsFormat::Text, true) => report::rights::role(&can, out),
        (RightsFormat::Json, role) => report::rights::can_json(&can, role, out),
    })?;
    if options.role && options.format == RightsFormat::Text {
        tell(&can);
    }
    Ok(code(&can))
}

pub(crate) fn export(options: &Export, settings: &Settings) -> anyhow::Result<u8> {
    let options = match options {
        Export::Role(options) => options,
        Export::Netpol(options) => return netpol::export(options, settings),
        Export::Vap(options) => return vap::export(options, settings),
    };
    let rights = Rights::of(&target::of(&options.sources, settings)?.snapshot);
    let can = rights.used(&options.subject, None, &options.audit_log)?;
    output::stdout(|out| report::rights::role(&can, out))?;
    tell(&can);
    Ok(code(&can))
}

fn code(can: &noun::Can) -> u8 {
    let log = can
        .usage
        .as_ref()
        .is_some_and(|usage| usage.damaged > 0 || usage.overflown);
    if can.others == Truth::No && !log {
        0
    } else {
        3
    }
}

/// What a YAML file keeps in comments, once more for the person.
fn tell(can: &noun::Can) {
    let Some(usage) = &can.usage else { return };
    if usage.partial {
        output::say("the role is partial: the log is shorter than 30 days");
    }
    let unexplained = usage.unexplained.len() as u64 + usage.unexplained_more;
    if unexplained > 0 {
        output::say(&format!(
            "{unexplained} kinds of requests went through that no rule seen grants now; the role leaves them out"
        ));
    }
}
