//! Names of tags and repositories, and of pages. Never: slower than the product of what is compared.

use reqwest::header::{HeaderMap, LINK};
use std::cmp::Ordering;

/// Tags of cosign and of the referrers' fallback: `sha256-<hex>`, with `.sig`, `.att`, `.sbom` or another ending
/// (sigstore/cosign, `pkg/oci/remote`; distribution-spec, "Referrers Tag Schema").
pub(in crate::registry) fn is_attachment(tag: &str) -> bool {
    let Some(rest) = tag.strip_prefix("sha256-").or(tag.strip_prefix("sha512-")) else {
        return false;
    };
    let hex = rest.split('.').next().unwrap_or(rest);
    hex.len() >= 64 && hex.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// The target of `rel="next"` (RFC 8288).
pub(in crate::registry) fn next(headers: &HeaderMap) -> Option<String> {
    headers
        .get_all(LINK)
        .iter()
        .filter_map(|link| link.to_str().ok())
        .find_map(|text| {
            text.split(',').find_map(|one| {
                let (target, parameters) = one.trim().strip_prefix('<')?.split_once('>')?;
                let parameters = parameters.to_ascii_lowercase().replace([' ', '"'], "");
                parameters
                    .split(';')
                    .any(|one| one == "rel=next")
                    .then(|| target.to_owned())
            })
        })
}

/// One path segment, percent-encoded (RFC 3986, 2.3).
pub(super) fn escaped(text: &str) -> String {
    use std::fmt::Write as _;
    text.bytes().fold(String::new(), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
        out
    })
}

/// Numbers in names count as numbers: `1.10` after `1.9`.
pub(super) fn natural(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a.as_bytes(), b.as_bytes());
    loop {
        match (a.first(), b.first()) {
            (None, None) => return Ordering::Equal,
            (None, _) => return Ordering::Less,
            (_, None) => return Ordering::Greater,
            (Some(x), Some(y)) if x.is_ascii_digit() && y.is_ascii_digit() => {
                let (x, rest_a) = number(a);
                let (y, rest_b) = number(b);
                match x.len().cmp(&y.len()).then(x.cmp(y)) {
                    Ordering::Equal => (a, b) = (rest_a, rest_b),
                    other => return other,
                }
            }
            (Some(x), Some(y)) if x == y => {
                a = a.get(1..).unwrap_or_default();
                b = b.get(1..).unwrap_or_default();
            }
            (Some(x), Some(y)) => return x.cmp(y),
        }
    }
}

/// The digits at the start without their zeros, and what follows.
fn number(text: &[u8]) -> (&[u8], &[u8]) {
    let end = text
        .iter()
        .position(|byte| !byte.is_ascii_digit())
        .unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    let zeros = digits
        .iter()
        .position(|digit| *digit != b'0')
        .unwrap_or(digits.len());
    (digits.get(zeros..).unwrap_or_default(), rest)
}

/// `*` for anything, `?` for one character; linear in the text for each star.
pub(in crate::registry) fn glob(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) =
        (pattern.chars().collect(), text.chars().collect());
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(c) if *c == '?' || text.get(t) == Some(c) => {
                p += 1;
                t += 1;
            }
            _ => match star {
                Some((at, from)) => {
                    star = Some((at, from + 1));
                    p = at + 1;
                    t = from + 1;
                }
                None => return false,
            },
        }
    }
    pattern
        .get(p..)
        .unwrap_or_default()
        .iter()
        .all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::header::HeaderValue;

    #[test]
    fn names_of_attachments() {
        let hex = "a".repeat(64);
        for (tag, expected) in [
            (format!("sha256-{hex}.sig"), true),
            (format!("sha256-{hex}.att"), true),
            (format!("sha256-{hex}"), true),
            ("sha256-12".to_owned(), false),
            ("1.0".to_owned(), false),
            (hex, false),
        ] {
            assert_eq!(is_attachment(&tag), expected, "{tag}");
        }
    }

    #[test]
    fn order_and_globs() {
        let mut tags = ["1.9", "latest", "1.10", "1.2", "v2", "1.10-rc1", "01.9"];
        tags.sort_by(|a, b| natural(b, a));
        assert_eq!(
            tags,
            ["v2", "latest", "1.10-rc1", "1.10", "1.9", "01.9", "1.2"]
        );
        for (pattern, text, expected) in [
            ("", "", true),
            ("*", "", true),
            ("a*c*e", "abcde", true),
            ("a*c", "abcd", false),
            ("?", "", false),
            ("**x", "aax", true),
        ] {
            assert_eq!(glob(pattern, text), expected, "{pattern} {text}");
        }
        // No pattern may be slow.
        let text = "a".repeat(20_000);
        assert!(!glob(&format!("{}b", "a*".repeat(20)), &text));
    }

    #[test]
    fn links_and_escapes() {
        let check = |link: &str, expected: Option<&str>| {
            let mut headers = HeaderMap::new();
            headers.insert(LINK, HeaderValue::from_str(link).unwrap());
            assert_eq!(next(&headers).as_deref(), expected, "{link}");
        };
        check(
            "</v2/_catalog?last=a&n=2>; rel=\"next\"",
            Some("/v2/_catalog?last=a&n=2"),
        );
        check("</a>; rel=\"prev\" , </b>; rel=\"next\"", Some("/b"));
        check("</a>; rel=prev", None);
        check("nothing", None);
        assert_eq!(escaped(&escaped("a/b")), "a%252Fb");
    }
}
