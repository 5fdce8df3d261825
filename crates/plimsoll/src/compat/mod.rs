//! `plimsoll compat trivy|grype ...`: the command line of another tool becomes one of ours, which is run by the same code.
//!
//! ```text
//! asked (words, variables, configured) ─► trivy | grype (with their tables) ─► Plan ─► our own arguments ─► scanning
//! ```
//!
//! Their exit codes hold. What has no effect is told, what would change the result and is not there is refused.

mod asked;
mod configured;
mod grype;
mod grype_table;
mod login;
mod plan;
mod trivy;
mod trivy_table;

use crate::args::{Arguments, Command, Scanned};
use crate::output;
use crate::settings::Settings;
use crate::{database, scanning};
use anyhow::Context as _;
use clap::{Args, Parser as _, Subcommand};
use model::assessment::{Outcome, Verdict};
use plan::{Plan, Surroundings};
use std::io::IsTerminal as _;
use std::path::PathBuf;

/// The other tool's command line.
#[derive(Debug, Args)]
pub(crate) struct Compat {
    /// Print our own command line instead of running it
    #[arg(long, alias = "explain-compat")]
    dry_run: bool,
    #[command(subcommand)]
    tool: Tool,
}

#[derive(Debug, Subcommand)]
enum Tool {
    /// As Trivy: `trivy image --severity HIGH,CRITICAL --exit-code 1 app:1`; `trivy --help` lists what becomes of its flags
    #[command(disable_help_flag = true)]
    Trivy {
        /// Trivy's own words
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        words: Vec<String>,
    },
    /// As Grype: `grype app:1 --fail-on high`; `grype --help` lists what becomes of its flags
    #[command(disable_help_flag = true)]
    Grype {
        /// Grype's own words
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        words: Vec<String>,
    },
}

/// Both tools end so where something went wrong.
const FAILED: u8 = 1;

pub(crate) fn run(compat: &Compat, settings: &Settings) -> anyhow::Result<u8> {
    let planned = match &compat.tool {
        Tool::Trivy { words } => trivy::plan(words, &surroundings("TRIVY_")?),
        Tool::Grype { words } => grype::plan(words, &surroundings("GRYPE_")?),
    };
    let mut plan = match planned {
        Ok(plan) => plan,
        Err(error) => return Ok(output::finish_as(Err(error), FAILED)),
    };
    if let Some(text) = &plan.only_say {
        output::stdout(|out| out.write_all(text.as_bytes()))?;
        return Ok(0);
    }
    plan.dry_run |= compat.dry_run;
    for note in &plan.notes {
        output::say(&format!("note: {note}"));
    }
    for refused in &plan.refused {
        output::say(&format!("error: {refused}"));
    }
    if !plan.refused.is_empty() {
        return Ok(refusal(plan.found));
    }
    if plan.dry_run {
        if let Some((_, host)) = &plan.login {
            output::say(&format!(
                "note: the login is for {host}; for good: docker login {host}, or --registry-auth FILE"
            ));
        }
        output::stdout(|out| writeln!(out, "{}", plan.line()))?;
        return Ok(0);
    }
    let found = plan.found;
    Ok(output::finish_as(follow(plan, settings), FAILED)).map(|code| match code {
        // Our own codes of a scan that went through.
        OVER => found,
        code => code,
    })
}

/// Stands for "something is over the gate" until it becomes the tool's own code; none of our codes.
const OVER: u8 = u8::MAX;

/// Wrong usage is 2, unless that is what the tool says where something was found.
fn refusal(found: u8) -> u8 {
    if found == 2 { FAILED } else { 2 }
}

/// Runs our own command line.
fn follow(mut plan: Plan, settings: &Settings) -> anyhow::Result<u8> {
    // Removed when it goes out of scope.
    let login = plan.login.take();
    let login = login
        .map(|(login, host)| login::file(&login, &host))
        .transpose()
        .context("cannot write the login for the registry")?;
    if let Some(file) = &login {
        let path = file
            .path()
            .to_str()
            .context("the folder for temporary files has no readable name")?;
        plan.value("--registry-auth", path);
    }
    let words = std::iter::once("plimsoll").chain(plan.words.iter().map(String::as_str));
    let arguments = Arguments::try_parse_from(words).map_err(|error| {
        let text = error.to_string();
        let first = text.lines().next().unwrap_or("");
        anyhow::anyhow!("{}", first.trim_start_matches("error: ").to_owned())
    })?;
    match arguments.command {
        Command::Scan(Scanned::Ranked(target)) => Ok(code(&scanning::verdict(&target, settings)?)),
        Command::Db(command) => database::run(&command, settings),
        _ => anyhow::bail!("only scans are run so"),
    }
}

/// Not completed is a failure there too: nothing passes that was not judged.
fn code(verdict: &Verdict) -> u8 {
    if verdict.outcome != Outcome::Passed {
        for reason in &verdict.reasons {
            output::say(&format!("gate: {reason}"));
        }
    }
    for notice in &verdict.notices {
        output::say(&format!("note: {notice}"));
    }
    match verdict.outcome {
        Outcome::Passed => 0,
        Outcome::Failed => OVER,
        Outcome::NotCompleted => FAILED,
    }
}

/// The part of the environment that is the tool's own.
fn surroundings(prefix: &str) -> anyhow::Result<Surroundings> {
    let mut variables: Vec<(String, String)> = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .filter(|(name, _)| name.starts_with(prefix))
        .collect();
    variables.sort_unstable();
    let folder = |name: &str| {
        let path = std::env::var_os(name).map(PathBuf::from);
        path.filter(|path| path.is_absolute())
    };
    let home = folder("HOME");
    let below = home.as_ref().map(|home| home.join(".config"));
    Ok(Surroundings {
        folder: std::env::current_dir().context("the current folder cannot be read")?,
        configuration: folder("XDG_CONFIG_HOME").or(below),
        home,
        variables,
        piped: !std::io::stdin().is_terminal(),
    })
}

#[cfg(test)]
mod tests;
