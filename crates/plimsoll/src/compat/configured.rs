//! The other tool's configuration file as a list of keys and values. Comes in: YAML. Goes out: `scan.skip-dirs` and its
//! values. Never: follows a path or a variable that stands in it.

use anyhow::Context as _;
use serde_json::Value;
use std::io::Read as _;
use std::path::Path;

/// Larger ones are no configuration.
const LARGEST: u64 = 1 << 20;

/// A file, its leaves by their keys, and the whole for what is no leaf.
#[derive(Debug, Default)]
pub(super) struct Configured {
    pub(super) leaves: Vec<(String, Vec<String>)>,
    pub(super) whole: Value,
}

pub(super) fn read(path: &Path) -> anyhow::Result<Configured> {
    let name = path.display();
    let file = std::fs::File::open(path).with_context(|| format!("cannot open {name}"))?;
    let mut text = String::new();
    file.take(LARGEST + 1)
        .read_to_string(&mut text)
        .with_context(|| format!("cannot read {name}"))?;
    anyhow::ensure!(text.len() as u64 <= LARGEST, "{name} is larger than 1 MiB");
    of(&text).with_context(|| format!("cannot read {name}"))
}

fn of(text: &str) -> anyhow::Result<Configured> {
    let has_content = |line: &str| {
        let line = line.trim();
        !line.is_empty() && !line.starts_with('#') && line != "---"
    };
    if !text.lines().any(has_content) {
        return Ok(Configured::default());
    }
    let whole: Value = serde_saphyr::from_str(text)
        .map_err(|error| anyhow::anyhow!("{}", error.without_snippet()))?;
    anyhow::ensure!(whole.is_object(), "it is no mapping of keys");
    let mut leaves = Vec::new();
    gather("", &whole, &mut leaves);
    Ok(Configured { leaves, whole })
}

/// The parser bounds the depth.
fn gather(key: &str, value: &Value, leaves: &mut Vec<(String, Vec<String>)>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                let name = match key {
                    "" => name.clone(),
                    key => format!("{key}.{name}"),
                };
                gather(&name, value, leaves);
            }
        }
        Value::Array(items) => {
            let plain = items
                .iter()
                .filter(|item| !item.is_object() && !item.is_array());
            leaves.push((key.to_owned(), plain.map(word).collect()));
        }
        value => leaves.push((key.to_owned(), vec![word(value)])),
    }
}

fn word(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leaves_by_their_keys() {
        let read = of("format: json\nscan:\n  skip-dirs: [a, b]\n  offline: true\nexit-code: 1\nregistry:\n  mirrors:\n    index.docker.io:\n      - m.example\nempty:\n").unwrap();
        let leaves: Vec<String> = read
            .leaves
            .iter()
            .map(|(key, values)| format!("{key}={}", values.join(",")))
            .collect();
        assert_eq!(
            leaves.join(" "),
            "empty= exit-code=1 format=json registry.mirrors.index.docker.io=m.example scan.offline=true scan.skip-dirs=a,b"
        );
    }

    #[test]
    fn what_is_no_configuration() {
        for (text, good) in [
            ("", true),
            ("# nothing\n---\n", true),
            ("a: 1", true),
            ("- a", false),
            ("word", false),
            ("a: [", false),
        ] {
            assert_eq!(of(text).is_ok(), good, "{text}");
        }
    }
}
