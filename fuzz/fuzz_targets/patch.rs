//! Bytes of a file and a field of it, changed in place: no panic, and what comes out reads as the patched object.
#![no_main]

use cluster::{patch, tree};
use model::remedy::Operation;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Some(([kind, choice, number], bytes)) = bytes.split_first_chunk() else {
        return;
    };
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let document = u32::from(*number % 4);
    let Some(Ok(tree)) = tree::documents(text).nth(document as usize) else {
        return;
    };
    let path = pointer(&tree, usize::from(*choice)).into();
    let values = ["true", "\"a: #\"", "{\"a\":[1,{\"b\":\"\"}]}", "[]", "null"];
    let value = values[usize::from(*number / 4) % values.len()].into();
    let operation = match kind % 3 {
        0 => Operation::Remove { path },
        1 => Operation::Replace { path, value },
        _ => Operation::Add { path, value },
    };
    let item = (kind / 3 % 4 == 3).then_some(u32::from(*choice % 3));
    if let Ok(after) = patch::apply(text, document, item, &[operation]) {
        assert!(tree::documents(&after).nth(document as usize).is_some_and(|tree| tree.is_ok()));
    }
});

/// The pointer of one of the first document's nodes.
fn pointer(tree: &tree::Document<'_>, steps: usize) -> String {
    let (mut at, mut out, mut steps) = (tree::ROOT, String::new(), steps);
    loop {
        let mut entries: Vec<(String, tree::NodeId)> = tree
            .entries(at)
            .map(|(key, value)| (tree.as_text(key).unwrap_or_default().replace('~', "~0").replace('/', "~1"), value))
            .collect();
        if entries.is_empty() {
            entries = (0..).map(|at: usize| at.to_string()).zip(tree.children(at)).collect();
        }
        if entries.is_empty() {
            return out;
        }
        let (token, value) = entries.swap_remove(steps % entries.len());
        out = format!("{out}/{token}");
        (at, steps) = (value, steps / 2);
        if steps == 0 {
            return out;
        }
    }
}
