//! `plimsoll scan node`: what a node looks like from inside, into one evidence file.

use crate::args::{Node, NodeFormat};
use crate::output;
use crate::scanning;
use crate::settings::Settings;
use anyhow::Context as _;
use model::evidence::GapWeight;
use std::io::Write;

/// 0; 3 where something was not seen that could hide a finding.
pub(crate) fn run(options: &Node, settings: &Settings) -> anyhow::Result<u8> {
    let now = options.now.unwrap_or(settings.now);
    let name = options.name.as_deref();
    let host = scan::node::read(&options.host_root, name, now, scanning::fresh_key()?)?;
    let write = |out: &mut dyn Write| match options.format {
        NodeFormat::Json => report::node::json(&host, out),
    };
    match &options.output {
        None => output::stdout(write)?,
        Some(path) => {
            report::file::write_private(path, write)
                .with_context(|| format!("cannot write {}", path.display()))?;
            output::say(&format!(
                "{} components, {} paths, {} documents and {} gaps in {}",
                host.processes.as_ref().map_or(0, Vec::len),
                host.files.len(),
                host.documents.len(),
                host.gaps.len(),
                path.display()
            ));
        }
    }
    let hidden = host.gaps.iter().any(|gap| gap.weight == GapWeight::Hides);
    Ok(if hidden { 3 } else { 0 })
}
