//! Private keys. Comes in: a text and the place of `PRIVATE KEY`, of its base64, or of PuTTY's first line. Goes out: the
//! bytes of the key, and whether a passphrase guards it. Never: a key without a body, as code that handles keys has it.
//! Sources: RFC 7468 (labels), RFC 1421 (`Proc-Type`), RFC 9580 (armor), OpenSSH's PROTOCOL.key, PuTTY's appendix C.

use super::encoding::base64;
use super::plausible::{entropy, is_placeholder};
use std::ops::Range;

/// What stands in each of them; the places of these are looked at.
pub(super) const ANCHORS: [&str; 3] = ["PRIVATE KEY", "LS0tLS1CRUdJTi", "PuTTY-User-Key-File-"];

/// Letters of the shortest body (Ed25519 in PKCS 8 has 64).
const BODY: usize = 60;
/// Bytes that are looked through for a body and its end.
const LONGEST: usize = 32 << 10;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Key {
    pub(super) at: Range<usize>,
    pub(super) is_encrypted: bool,
}

/// The key whose fixed part, the one of that index, stands at `at`.
pub(super) fn find(text: &[u8], anchor: usize, at: usize) -> Option<Key> {
    match anchor {
        0 => armored(text, at),
        1 => packed(text, at),
        _ => putty(text, at),
    }
}

fn armored(text: &[u8], at: usize) -> Option<Key> {
    const LABELS: [&str; 9] = [
        "",
        "RSA ",
        "EC ",
        "DSA ",
        "OPENSSH ",
        "ENCRYPTED ",
        "PGP ",
        "ANY ",
        "SSH2 ENCRYPTED ",
    ];
    let head = text.get(..at)?;
    let label = LABELS.iter().find(|label| {
        let head = head.strip_suffix(label.as_bytes());
        head.is_some_and(|head| head.ends_with(b"-----BEGIN ") || head.ends_with(b"---- BEGIN "))
    })?;
    let start = at - label.len() - "-----BEGIN ".len();
    let rest = text.get(at + "PRIVATE KEY".len()..)?;
    let rest = rest.strip_prefix(b" BLOCK").unwrap_or(rest);
    let rest = rest
        .strip_prefix(b"-----")
        .or_else(|| rest.strip_prefix(b" ----"))?;
    let from = text.len() - rest.len();
    let rest = rest.get(..LONGEST.min(rest.len())).unwrap_or(rest);
    let inner = memchr::memmem::find(rest, b"-----END").map_or(rest, |end| &rest[..end]);
    let (letters, headers) = body(inner);
    if letters.len() < BODY || entropy(&letters) < 3.0 || is_placeholder(&letters) {
        return None;
    }
    let is_encrypted = label.contains("ENCRYPTED") || headers || is_locked(&letters);
    Some(Key {
        at: start..from + inner.len(),
        is_encrypted,
    })
}

/// The letters of a body, and whether its headers say that it is encrypted. Line ends may be escaped, as JSON, .env
/// files and code have them; quotes and signs that join strings stand between lines of code.
fn body(inner: &[u8]) -> (Vec<u8>, bool) {
    let mut letters = Vec::new();
    let mut encrypted = false;
    let lines = inner
        .split(|byte| *byte == b'\n')
        .flat_map(|line| Escaped { rest: Some(line) });
    for line in lines {
        let line = line.trim_ascii();
        let line = line.strip_suffix(b"\\").unwrap_or(line);
        let quotes = |byte: &u8| b"\"'+,;`|> \r".contains(byte);
        let start = line
            .iter()
            .position(|byte| !quotes(byte))
            .unwrap_or(line.len());
        let end = line
            .iter()
            .rposition(|byte| !quotes(byte))
            .map_or(start, |end| end + 1);
        let line = line.get(start..end).unwrap_or(&[]);
        if line.contains(&b':') {
            encrypted |= memchr::memmem::find(line, b"ENCRYPTED").is_some();
        } else if line
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || b"+/=".contains(byte))
        {
            letters.extend_from_slice(line);
        } else if !letters.is_empty() {
            break;
        }
    }
    (letters, encrypted)
}

/// Parts of a line between `\n` written out.
struct Escaped<'a> {
    rest: Option<&'a [u8]>,
}

impl<'a> Iterator for Escaped<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let rest = self.rest.take()?;
        let Some(at) = memchr::memmem::find(rest, b"\\n") else {
            return Some(rest);
        };
        self.rest = rest.get(at + 2..);
        let line = rest.get(..at)?;
        Some(
            line.strip_suffix(b"\\r")
                .or_else(|| line.strip_suffix(b"\\"))
                .unwrap_or(line),
        )
    }
}

/// OpenSSH's own form: its cipher is any but `none`.
fn is_locked(letters: &[u8]) -> bool {
    let Some(bytes) = base64(letters, 64) else {
        return false;
    };
    let Some(rest) = bytes.strip_prefix(b"openssh-key-v1\0\0\0\0") else {
        return false;
    };
    !rest.starts_with(b"\x04none")
}

/// The base64 of a key with its armor, as kubeconfigs and Secrets have it.
fn packed(text: &[u8], at: usize) -> Option<Key> {
    let rest = text.get(at..)?;
    let letters = rest
        .iter()
        .take(LONGEST)
        .take_while(|byte| byte.is_ascii_alphanumeric() || b"+/=-_".contains(byte));
    let end = at + letters.count();
    let bytes = base64(text.get(at..end)?, LONGEST)?;
    let inner = memchr::memmem::find(&bytes, b"PRIVATE KEY")?;
    let key = armored(&bytes, inner)?;
    Some(Key { at: at..end, ..key })
}

fn putty(text: &[u8], at: usize) -> Option<Key> {
    let rest = text.get(at..(at + LONGEST).min(text.len()))?;
    let lines = memchr::memmem::find(rest, b"Private-Lines:")?;
    let head = rest.get(..lines)?;
    let is_encrypted = memchr::memmem::find(head, b"Encryption: none").is_none();
    let end = memchr::memmem::find(rest, b"Private-MAC:").unwrap_or(rest.len());
    (end > lines + BODY).then_some(Key {
        at: at..at + end,
        is_encrypted,
    })
}
