//! `plimsoll export vap`: checks as admission policies. Comes in: names of checks and sets, exceptions as a person types
//! them. Goes out: YAML. Never: an expression (`checks::policy`).

use crate::configuration;
use checks::policy::{self, Actions, Exception, ExportError, Options};
use checks::rule::Rule;
use checks::{profiles, table};

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Ids and names of checks, families, sets as `scan --profile` takes them; empty: what every scan asks.
    pub names: Vec<String>,
    /// Minor version of the cluster.
    pub minor: u16,
    /// Refuse; else clients are warned and the audit log holds it.
    pub deny: bool,
    /// Names of the objects begin with it.
    pub prefix: String,
    /// Namespace of the ConfigMap with exceptions.
    pub namespace: String,
    /// `[CHECK=]NAMESPACE[/NAME[/CONTAINER]]`.
    pub except: Vec<String>,
}

#[derive(Debug, thiserror::Error)]
pub enum VapError {
    #[error(
        "nothing is called `{0}`: expected a check (KP-WL-001, privileged-container), a family as wl, or a set as nsa"
    )]
    Unknown(String),
    #[error("`{0}` is no exception: expected [CHECK=]NAMESPACE[/NAME[/CONTAINER]]")]
    Except(String),
    #[error(transparent)]
    Export(#[from] ExportError),
}

/// The policies, their bindings and the ConfigMap with exceptions.
pub fn policies(wanted: &Wanted) -> Result<String, VapError> {
    let options = Options {
        actions: if wanted.deny {
            Actions::Deny
        } else {
            Actions::WarnAudit
        },
        prefix: wanted.prefix.clone(),
        namespace: wanted.namespace.clone(),
        exceptions: wanted
            .except
            .iter()
            .map(|text| exception(text))
            .collect::<Result<_, _>>()?,
    };
    let rules = rules(&wanted.names)?;
    Ok(policy::export(&rules, wanted.minor, &options)?)
}

fn rules(names: &[String]) -> Result<Vec<&'static Rule>, VapError> {
    if names.is_empty() {
        return Ok(configuration::usual());
    }
    let mut rules: Vec<&'static Rule> = Vec::new();
    for name in names {
        let named = profiles::named(name).ok_or_else(|| VapError::Unknown(name.clone()))?;
        for rule in named {
            if !rules.iter().any(|known| known.id == rule.id) {
                rules.push(rule);
            }
        }
    }
    Ok(rules)
}

fn exception(text: &str) -> Result<Exception, VapError> {
    let (rule, what) = match text.split_once('=') {
        Some((name, what)) => {
            let rule = table::rule(name).ok_or_else(|| VapError::Unknown(name.to_owned()))?;
            (Some(rule.slug.to_owned()), what)
        }
        None => (None, text),
    };
    let parts: Vec<&str> = what.split('/').collect();
    if parts.iter().any(|part| part.is_empty()) {
        return Err(VapError::Except(text.to_owned()));
    }
    let mut exception = Exception {
        rule,
        ..Exception::default()
    };
    match parts.len() {
        1 => exception.namespaces.push(what.to_owned()),
        2 => exception.names.push(what.to_owned()),
        3 => exception.containers.push(what.to_owned()),
        _ => return Err(VapError::Except(text.to_owned())),
    }
    Ok(exception)
}
