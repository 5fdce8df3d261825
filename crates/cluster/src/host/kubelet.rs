//! The kubelet's configuration: its file, and over it the drop-ins of a folder in the order in which the kubelet reads them.

use super::documents::{self, merge};
use super::gaps::Gaps;
use super::root::{Miss, Root};
use model::evidence::GapWeight;
use rustix::fs::FileType;
use serde_json::Value;

const MAX_DEPTH: usize = 8;
const MAX_FILES: usize = 500;

/// Drop-ins of a folder, real paths, in lexical order; folders in it are entered where their name stands
/// (filepath.WalkDir in cmd/kubelet/app/server.go). Links are files for it, and followed when read; to folders they are
/// not entered. `None`, with a gap: not all was seen.
pub(super) fn drop_ins(root: &Root, folder: &str, gaps: &mut Gaps) -> Option<Vec<String>> {
    let mut out = Vec::new();
    enter(root, folder, 0, &mut out, gaps).then_some(out)
}

fn enter(root: &Root, folder: &str, depth: usize, out: &mut Vec<String>, gaps: &mut Gaps) -> bool {
    let names = match root.names(folder, MAX_FILES) {
        Ok(names) => names,
        // The kubelet would not start; it is gone since, or not mounted.
        Err(miss) => {
            gaps.unread(folder, miss, GapWeight::Hides);
            return false;
        }
    };
    if names.more || depth > MAX_DEPTH {
        too_many(folder, gaps);
        return false;
    }
    for name in names.names {
        let path = format!("{}/{name}", folder.trim_end_matches('/'));
        let link = root.link(&path).is_ok();
        let status = root.status(&path);
        if !link
            && status
                .as_ref()
                .is_ok_and(|status| status.kind == FileType::Directory)
        {
            if !enter(root, &path, depth + 1, out, gaps) {
                return false;
            }
            continue;
        }
        if !is_drop_in(&name) {
            continue;
        }
        if out.len() >= MAX_FILES {
            too_many(folder, gaps);
            return false;
        }
        out.push(path);
    }
    true
}

fn too_many(folder: &str, gaps: &mut Gaps) {
    let what = format!("{folder} holds more than is looked at");
    gaps.add("node-limit", what, folder, GapWeight::Hides, "");
}

/// `filepath.Ext(name) == ".conf"`.
fn is_drop_in(name: &str) -> bool {
    name.rsplit_once('.')
        .is_some_and(|(_, extension)| extension == "conf")
}

/// The value after all drop-ins; `None`, with a gap, where one could not be read: what counts is then not known.
pub(super) fn merged(
    root: &Root,
    base: Value,
    folder: &str,
    limit: usize,
    gaps: &mut Gaps,
) -> Option<Value> {
    let mut value = base;
    for path in drop_ins(root, folder, gaps)? {
        let bytes = match root.read(&path, limit) {
            Ok(bytes) => bytes,
            Err(miss) => {
                let miss = if miss == Miss::Missing {
                    Miss::Failed
                } else {
                    miss
                };
                gaps.unread(&path, miss, GapWeight::Hides);
                return None;
            }
        };
        match documents::yaml(&bytes) {
            Ok(over) => merge(&mut value, over),
            Err(broken) => {
                gaps.add(
                    "node-document-broken",
                    format!("{path} cannot be understood: {}", broken.0),
                    &path,
                    GapWeight::Hides,
                    "correct the file; the kubelet does not start with it",
                );
                return None;
            }
        }
    }
    Some(value)
}
