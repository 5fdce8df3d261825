//! `plimsoll export vap`: checks that the API server asks itself.

use crate::args::Vap;
use crate::output;
use crate::settings::Settings;
use model::snapshot::NEWEST_KUBERNETES_MINOR;
use scan::vap::{self, Wanted};

/// 0.
pub(crate) fn export(options: &Vap, settings: &Settings) -> anyhow::Result<u8> {
    let yaml = vap::policies(&Wanted {
        names: options.names.clone(),
        minor: options
            .kubernetes_version
            .unwrap_or(NEWEST_KUBERNETES_MINOR),
        deny: options.deny,
        prefix: options.prefix.clone(),
        namespace: options.exceptions_namespace.clone(),
        except: options.except.clone(),
    })?;
    output::to(options.output.as_deref(), settings, |out, _| {
        out.write_all(yaml.as_bytes())
    })?;
    Ok(0)
}
