//! Patterns that people write into ignore files. Comes in: a glob of paths or a regular expression. Goes out: a matcher
//! in time linear in the text. Never: a pattern that is not understood matches.

use regex::{Regex, RegexBuilder};

/// Bytes that one compiled pattern may take.
const LARGEST: usize = 1 << 20;

/// `**` crosses folders, `*` and `?` do not; `[a-z]`, `{a,b}`. A leading `/` or `./` is no difference.
pub(crate) fn path_glob(pattern: &str) -> Option<Regex> {
    let pattern = relative(pattern);
    let mut out = String::with_capacity(pattern.len() * 2);
    let mut chars = pattern.chars().peekable();
    let mut braces = 0usize;
    while let Some(c) = chars.next() {
        match c {
            '*' if chars.peek() == Some(&'*') => {
                chars.next();
                if chars.peek() == Some(&'/') {
                    chars.next();
                    out.push_str("(?:.*/)?");
                } else {
                    out.push_str(".*");
                }
            }
            '*' => out.push_str("[^/]*"),
            '?' => out.push_str("[^/]"),
            '[' => {
                out.push('[');
                if chars.next_if(|c| matches!(c, '!' | '^')).is_some() {
                    out.push('^');
                }
                for inner in chars.by_ref() {
                    match inner {
                        ']' => break,
                        '-' => out.push('-'),
                        other => out.push_str(&regex::escape(other.encode_utf8(&mut [0; 4]))),
                    }
                }
                out.push(']');
            }
            '{' => {
                braces += 1;
                out.push_str("(?:");
            }
            '}' if braces > 0 => {
                braces -= 1;
                out.push(')');
            }
            ',' if braces > 0 => out.push('|'),
            '\\' => {
                let escaped = chars.next()?;
                out.push_str(&regex::escape(escaped.encode_utf8(&mut [0; 4])));
            }
            other => out.push_str(&regex::escape(other.encode_utf8(&mut [0; 4]))),
        }
    }
    whole(&out)
}

/// An expression for the whole text.
pub(crate) fn whole(expression: &str) -> Option<Regex> {
    RegexBuilder::new(&format!("^(?s:{expression})$"))
        .size_limit(LARGEST)
        .dfa_size_limit(LARGEST)
        .build()
        .ok()
}

/// Paths in images and reports are written with and without their root.
pub(crate) fn relative(path: &str) -> &str {
    let path = path.strip_prefix("./").unwrap_or(path);
    path.trim_start_matches('/')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs() {
        for (pattern, path, expected) in [
            ("usr/lib/**", "usr/lib/a/b.so", true),
            ("/usr/lib/*", "usr/lib/a/b.so", false),
            ("usr/lib/*", "usr/lib/b.so", true),
            ("**/package.json", "package.json", true),
            ("**/package.json", "a/b/package.json", true),
            ("a/**/c", "a/c", true),
            ("a/**/c", "a/b/b/c", true),
            ("a.so", "axso", false),
            ("[a-c].so", "b.so", true),
            ("[!a-c].so", "b.so", false),
            ("{go,rust}.mod", "rust.mod", true),
            ("{go,rust}.mod", "npm.mod", false),
            ("a+b", "a+b", true),
            ("", "", true),
            ("./x", "x", true),
        ] {
            let glob = path_glob(pattern).unwrap();
            assert_eq!(glob.is_match(path), expected, "{pattern} {path}");
        }
        assert!(path_glob("[a").is_none_or(|glob| !glob.is_match("[b")));
        assert!(path_glob("{a").is_none());
        assert!(whole("(").is_none());
        assert!(whole("a{1000}{1000}{1000}").is_none());
    }
}
