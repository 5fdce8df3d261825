//! A node from inside, for `scan node`, and its evidence file for others. Comes in: a folder or a file. Goes out: a `Host`.

use super::inputs::InputError;
use jiff::Timestamp;
use model::host::Host;
use model::text::Text;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

pub use cluster::host::HostError;

/// Longest evidence file; a node's has a few hundred kilobytes.
const MAX_FILE: u64 = 128 << 20;

/// Reads the node whose root file system is at `root`. `name`: its Node object, before what the node says itself.
pub fn read(
    root: &Path,
    name: Option<&str>,
    now: Timestamp,
    redaction_key: [u8; 32],
) -> Result<Host, HostError> {
    let mut host = cluster::host::read(root, &cluster::host::Options { redaction_key })?;
    host.taken_at = Some(now);
    if let Some(name) = name {
        let said = host.node.replace(Text::from(name));
        let prefix = format!("node/{} ", said.as_deref().unwrap_or("unknown"));
        for gap in &mut host.gaps {
            if let Some(path) = gap.scope.strip_prefix(&*prefix) {
                gap.scope = format!("node/{name} {path}").into();
            }
        }
        host.gaps.retain(|gap| &*gap.class != "node-name-unknown");
        host.gaps.sort();
    }
    Ok(host)
}

/// A file that `scan node` wrote.
pub fn evidence(path: &Path) -> Result<Host, InputError> {
    let failed = |source| InputError::Read {
        path: path.display().to_string(),
        source,
    };
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(failed)?;
    file.take(MAX_FILE + 1)
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    cluster::host::load(&bytes).map_err(|source| InputError::Node {
        path: path.display().to_string(),
        source,
    })
}
