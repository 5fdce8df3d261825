//! A node's evidence file, read back. Comes in: bytes that nobody vouches for. Goes out: the [`Host`] in them.
//! Never: quotes the file in an error.

use model::host::Host;
use serde::Deserialize;

/// The newest format that is read.
pub const FORMAT: u32 = 1;
const MAX_BYTES: usize = 128 << 20;
const MAX_ITEMS: usize = 50_000;

#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    #[error("larger than {MAX_BYTES} bytes")]
    TooLarge,
    #[error(
        "no evidence of a node: not what format {FORMAT} says, at line {line}, column {column}"
    )]
    Malformed { line: usize, column: usize },
    #[error("written by a newer plimsoll (format {found}; this one reads up to {FORMAT})")]
    Newer { found: u32 },
    #[error("more than {MAX_ITEMS} processes, files, documents or gaps")]
    TooMany,
    #[error("document {number} of the node is no JSON")]
    Document { number: usize },
}

#[derive(Deserialize)]
struct Head {
    #[serde(rename = "formatVersion")]
    format: u32,
}

/// Reads what `plimsoll scan node` wrote.
///
/// # Errors
/// Where it is no such file, is written by a newer version, or is larger than any node's.
pub fn load(bytes: &[u8]) -> Result<Host, LoadError> {
    if bytes.len() > MAX_BYTES {
        return Err(LoadError::TooLarge);
    }
    let malformed = |error: serde_json::Error| LoadError::Malformed {
        line: error.line(),
        column: error.column(),
    };
    let Head { format } = serde_json::from_slice(bytes).map_err(malformed)?;
    if format > FORMAT {
        return Err(LoadError::Newer { found: format });
    }
    if format == 0 {
        return Err(LoadError::Malformed { line: 1, column: 1 });
    }
    let mut host: Host = serde_json::from_slice(bytes).map_err(malformed)?;
    let processes = host.processes.as_ref().map_or(0, Vec::len);
    let counts = [
        processes,
        host.files.len(),
        host.documents.len(),
        host.gaps.len(),
    ];
    if counts.iter().any(|count| *count > MAX_ITEMS) {
        return Err(LoadError::TooMany);
    }
    for (at, document) in host.documents.iter().enumerate() {
        // Values, not text that is skipped: their depth is bounded too.
        serde_json::from_str::<serde_json::Value>(&document.json)
            .map_err(|_| LoadError::Document { number: at + 1 })?;
    }
    if let Some(processes) = &mut host.processes {
        processes.sort();
    }
    host.files.sort();
    host.documents.sort();
    host.gaps.sort();
    Ok(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let told = load(text.as_bytes()).map_or_else(|error| error.to_string(), |_| "read".into());
        assert_eq!(told, expected, "{text}");
    }

    #[test]
    fn files() {
        check(r#"{"formatVersion":1,"source":"root"}"#, "read");
        check(r#"{"formatVersion":1,"source":"root","more":[1]}"#, "read");
        check(
            r#"{"formatVersion":2,"source":"root"}"#,
            "written by a newer plimsoll (format 2; this one reads up to 1)",
        );
        check(
            "",
            "no evidence of a node: not what format 1 says, at line 1, column 0",
        );
        check(
            "{}",
            "no evidence of a node: not what format 1 says, at line 1, column 2",
        );
        check(
            r#"{"formatVersion":1}"#,
            "no evidence of a node: not what format 1 says, at line 1, column 19",
        );
        check(
            r#"{"formatVersion":0,"source":"root"}"#,
            "no evidence of a node: not what format 1 says, at line 1, column 1",
        );
        check(
            r#"{"formatVersion":1,"source":"root","documents":[{"path":"/x","json":"{"}]}"#,
            "document 1 of the node is no JSON",
        );
        let deep = "[".repeat(100_000);
        assert!(load(format!("{{\"formatVersion\":1,\"x\":{deep}").as_bytes()).is_err());
    }
}
