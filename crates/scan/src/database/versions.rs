//! Judges version comparisons that somebody else made.
//! Comes in: an ecosystem and lines `A < B`. Goes out: the lines that we disagree with, and how many.
//! Never: more of the input in memory than one line.

use intel::version::Scheme;
use std::cmp::Ordering;
use std::io::{self, BufRead, Read, Write};

/// Longer lines are refused, in bytes.
const MAX_LINE: u64 = 1 << 20;

#[derive(Debug, thiserror::Error)]
pub enum CompareError {
    #[error("`{ecosystem}` has no version order here; known are {}", known())]
    Ecosystem { ecosystem: String },
    #[error("line {line}: expected `A < B`, `A = B` or `A > B`, found `{text}`")]
    Line { line: u64, text: String },
    #[error("reading the comparisons and writing the disagreements")]
    Io(#[from] io::Error),
}

fn known() -> String {
    Scheme::ecosystems().collect::<Vec<_>>().join(", ")
}

/// Writes each line of `input` that says what `ecosystem` (an OSV name or a purl type) does not say, as it came, and
/// returns their number. Blank lines and lines that begin with `#` or `//` are skipped. A string that is not a version
/// there is a disagreement: no order of it is right.
pub fn compare(
    ecosystem: &str,
    mut input: impl BufRead,
    out: &mut dyn Write,
) -> Result<u64, CompareError> {
    let scheme = Scheme::of(ecosystem).ok_or_else(|| CompareError::Ecosystem {
        ecosystem: ecosystem.to_owned(),
    })?;
    let (mut number, mut disagreements) = (0, 0);
    let mut bytes = Vec::new();
    loop {
        bytes.clear();
        if input
            .by_ref()
            .take(MAX_LINE)
            .read_until(b'\n', &mut bytes)?
            == 0
        {
            return Ok(disagreements);
        }
        number += 1;
        let whole = bytes.ends_with(b"\n") || (bytes.len() as u64) < MAX_LINE;
        let line = std::str::from_utf8(&bytes)
            .ok()
            .filter(|_| whole)
            .map(str::trim);
        if line.is_some_and(is_skipped) {
            continue;
        }
        let Some((a, said, b)) = line.and_then(read) else {
            let text = String::from_utf8_lossy(&bytes)
                .trim()
                .chars()
                .take(100)
                .collect();
            return Err(CompareError::Line { line: number, text });
        };
        if scheme.compare(a, b) != Some(said) {
            disagreements += 1;
            out.write_all(&bytes)?;
            if !bytes.ends_with(b"\n") {
                out.write_all(b"\n")?;
            }
        }
    }
}

fn is_skipped(line: &str) -> bool {
    line.is_empty() || line.starts_with('#') || line.starts_with("//")
}

fn read(line: &str) -> Option<(&str, Ordering, &str)> {
    let mut words = line.split_whitespace();
    let (a, sign, b) = (words.next()?, words.next()?, words.next()?);
    let said = match sign {
        "<" => Ordering::Less,
        "=" => Ordering::Equal,
        ">" => Ordering::Greater,
        _ => return None,
    };
    words.next().is_none().then_some((a, said, b))
}
