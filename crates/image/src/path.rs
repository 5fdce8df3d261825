//! Paths as a runtime would resolve them below the root. Comes in: names of archives and link targets, of any bytes.
//! Goes out: normalised text without a leading slash. Never: leaves the root.

use std::fmt::Write as _;

/// `./usr//bin/../lib` is `usr/lib`; `..` above the root stays at the root (as `chroot` does). Bytes that are no UTF-8
/// are written `\xff`. `None` for the root itself.
pub fn normal(bytes: &[u8]) -> Option<String> {
    let bytes = bytes.split(|byte| *byte == 0).next().unwrap_or(bytes);
    let mut path = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        path.push_str(chunk.valid());
        for byte in chunk.invalid() {
            let _ = write!(path, "\\x{byte:02x}");
        }
    }
    if is_normal(&path) {
        return Some(path);
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

fn is_normal(path: &str) -> bool {
    !path.is_empty() && path.split('/').all(|part| !matches!(part, "" | "." | ".."))
}

/// Where a link at `path` points: relative targets from its folder, absolute ones from the root.
pub fn target(path: &str, target: &str) -> Option<String> {
    let folder = match path.rsplit_once('/') {
        Some((folder, _)) if !target.starts_with('/') => folder,
        _ => "",
    };
    normal(format!("{folder}/{target}").as_bytes())
}

/// The folders above `path`, from the nearest to the highest.
pub fn above(path: &str) -> impl Iterator<Item = &str> {
    path.rmatch_indices('/')
        .filter_map(move |(at, _)| path.get(..at))
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
        assert_eq!(
            target("etc/os-release", "../usr/lib/os-release").as_deref(),
            Some("usr/lib/os-release")
        );
        assert_eq!(target("etc/x", "/usr/x").as_deref(), Some("usr/x"));
        assert_eq!(above("a/b/c").collect::<Vec<_>>(), ["a/b", "a"]);
    }
}
