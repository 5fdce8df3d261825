//! Paths as a runtime would resolve them below the root. Comes in: names of archives and link targets, of any bytes.
//! Goes out: text, normalised without a leading slash where it names an entry. Never: leaves the root.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Names and link targets as text, up to the first zero byte. Bytes that are no UTF-8 are written `\xff`, and a name
/// that really has `\x` in it `\x5cx`, so that no two names become one.
pub fn text(bytes: &[u8]) -> Cow<'_, str> {
    let bytes = bytes.split(|byte| *byte == 0).next().unwrap_or(bytes);
    if let Ok(text) = std::str::from_utf8(bytes)
        && !text.contains("\\x")
    {
        return Cow::Borrowed(text);
    }
    let mut text = String::with_capacity(bytes.len() + 16);
    for chunk in bytes.utf8_chunks() {
        text.push_str(&chunk.valid().replace("\\x", "\\x5cx"));
        for byte in chunk.invalid() {
            let _ = write!(text, "\\x{byte:02x}");
        }
    }
    Cow::Owned(text)
}

/// The bytes that [`text`] was made of.
pub fn bytes(text: &str) -> Cow<'_, [u8]> {
    if !text.contains("\\x") {
        return Cow::Borrowed(text.as_bytes());
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("\\x") {
        bytes.extend_from_slice(before.as_bytes());
        let byte = after
            .get(..2)
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        if let (Some(byte), Some(after)) = (byte, after.get(2..)) {
            bytes.push(byte);
            rest = after;
        } else {
            bytes.extend_from_slice(b"\\x");
            rest = after;
        }
    }
    bytes.extend_from_slice(rest.as_bytes());
    Cow::Owned(bytes)
}

/// `./usr//bin/../lib` is `usr/lib`; `..` above the root stays at the root (as `chroot` does). `None` for the root
/// itself.
pub fn normal(bytes: &[u8]) -> Option<String> {
    let path = text(bytes);
    if is_normal(&path) {
        return Some(path.into_owned());
    }
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    (!parts.is_empty()).then(|| parts.join("/"))
}

/// Whether a name leads above the root on its way. No builder writes one, and runtimes do not agree on it: Docker refuses
/// the layer, containerd stays at the root.
pub fn climbs(bytes: &[u8]) -> bool {
    if memchr::memmem::find(bytes, b"..").is_none() {
        return false;
    }
    let mut depth = 0usize;
    for part in bytes.split(|byte| *byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." => match depth.checked_sub(1) {
                Some(above) => depth = above,
                None => return true,
            },
            _ => depth += 1,
        }
    }
    false
}

fn is_normal(path: &str) -> bool {
    !path.is_empty() && path.split('/').all(|part| !matches!(part, "" | "." | ".."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_stay_below_the_root() {
        for (from, to) in [
            ("usr/bin/env", Some("usr/bin/env")),
            ("./usr//bin/", Some("usr/bin")),
            ("/etc/os-release", Some("etc/os-release")),
            ("../../etc/passwd", Some("etc/passwd")),
            ("a/../../b/./c", Some("b/c")),
            ("..", None),
            ("./", None),
            ("", None),
            ("a\0b", Some("a")),
        ] {
            assert_eq!(normal(from.as_bytes()).as_deref(), to, "{from}");
        }
        assert_eq!(normal(b"a/\xff").as_deref(), Some("a/\\xff"));
    }

    #[test]
    fn names_that_climb() {
        for (name, expected) in [
            ("../etc/passwd", true),
            ("a/../../b", true),
            ("/..", true),
            ("a/../b/..", false),
            ("..a/b..", false),
            ("usr/bin", false),
        ] {
            assert_eq!(climbs(name.as_bytes()), expected, "{name}");
        }
    }

    #[test]
    fn text_gives_the_bytes_back() {
        for name in [
            &b"plain"[..],
            b"\xff",
            b"\\xff",
            b"\\x",
            b"a\\xzz\xfe\\x5cx",
            "\u{e9}\\".as_bytes(),
        ] {
            assert_eq!(&*bytes(&text(name)), name, "{}", text(name));
        }
        assert_ne!(text(b"\xff"), text(b"\\xff"));
    }
}
