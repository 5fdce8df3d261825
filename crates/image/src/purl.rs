//! Package URLs (package-url/purl-spec). Comes in: a package as its ecosystem names it. Goes out: the canonical purl.
//! Never: a guessed part; what is not known is left out.

use model::text::Text;
use std::borrow::Cow;
use std::fmt::Write as _;

/// The canonical purl: names as the type's definition compares them, qualifiers ordered by key, empty ones left out.
/// A `/` in the namespace parts it. `version` may be empty: not known.
///
/// npm names keep their case, against the letter of `npm-definition.json`: `JSONStream` and `jsonstream` are two
/// packages of the registry.
pub fn purl(
    kind: &str,
    namespace: Option<&str>,
    name: &str,
    version: &str,
    qualifiers: &[(&str, &str)],
) -> Text {
    let mut out = String::with_capacity(16 + kind.len() + name.len() + version.len());
    out.push_str("pkg:");
    out.push_str(kind);
    for part in namespace.unwrap_or("").split('/') {
        if !part.is_empty() {
            out.push('/');
            encode(&mut out, &folded(kind, part));
        }
    }
    out.push('/');
    encode(&mut out, &folded(kind, name));
    if !version.is_empty() {
        out.push('@');
        encode(&mut out, version);
    }
    let mut ordered: Vec<_> = qualifiers
        .iter()
        .filter(|(_, value)| !value.is_empty())
        .collect();
    ordered.sort_unstable();
    let mut between = '?';
    for (key, value) in ordered {
        let _ = write!(out, "{between}{key}=");
        encode(&mut out, value);
        between = '&';
    }
    out.into()
}

/// A Python name as all tools compare it (Python packaging, "Names and normalization"): lower case, each run of `-`,
/// `_` and `.` one `-`.
pub fn python_name(name: &str) -> Cow<'_, str> {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    if name.bytes().all(plain) {
        return name.into();
    }
    let mut out = String::with_capacity(name.len());
    let mut run = false;
    for c in name.chars() {
        let between = matches!(c, '-' | '_' | '.');
        match (between, run) {
            (true, true) => {}
            (true, false) => out.push('-'),
            (false, _) => out.push(c.to_ascii_lowercase()),
        }
        run = between;
    }
    out.into()
}

/// Letter case and separators by the type's definition.
fn folded<'n>(kind: &str, name: &'n str) -> Cow<'n, str> {
    match kind {
        "pypi" => python_name(name),
        "golang" | "composer" | "hex" | "pub" | "deb" | "apk" | "alpm" | "bitnami"
            if name.bytes().any(|byte| byte.is_ascii_uppercase()) =>
        {
            name.to_ascii_lowercase().into()
        }
        _ => name.into(),
    }
}

/// Percent-encoding: all but letters, digits and `.-_~:` (purl-spec, "Character encoding").
fn encode(out: &mut String, text: &str) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b'~' | b':') {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn purls_are_canonical() {
        let check = |kind: &str, namespace: &str, name: &str, version: &str, expected: &str| {
            let namespace = Some(namespace).filter(|namespace| !namespace.is_empty());
            assert_eq!(&*purl(kind, namespace, name, version, &[]), expected);
        };
        check(
            "npm",
            "@babel",
            "core",
            "7.0.0",
            "pkg:npm/%40babel/core@7.0.0",
        );
        check("npm", "", "JSONStream", "1.3.5", "pkg:npm/JSONStream@1.3.5");
        check(
            "pypi",
            "",
            "Zope._.Interface",
            "5.0",
            "pkg:pypi/zope-interface@5.0",
        );
        check(
            "pypi",
            "",
            "Flask",
            "1!1.0+local",
            "pkg:pypi/flask@1%211.0%2Blocal",
        );
        check(
            "golang",
            "github.com/BurntSushi",
            "toml",
            "v1.0.0",
            "pkg:golang/github.com/burntsushi/toml@v1.0.0",
        );
        check("golang", "", "stdlib", "1.21.3", "pkg:golang/stdlib@1.21.3");
        check(
            "maven",
            "org.apache.logging.log4j",
            "log4j-core",
            "2.14.1",
            "pkg:maven/org.apache.logging.log4j/log4j-core@2.14.1",
        );
        check("maven", "", "spring", "", "pkg:maven/spring");
        check(
            "composer",
            "Symfony",
            "HTTP-Kernel",
            "v4.4.0",
            "pkg:composer/symfony/http-kernel@v4.4.0",
        );
        check(
            "nuget",
            "",
            "Newtonsoft.Json",
            "12.0.1",
            "pkg:nuget/Newtonsoft.Json@12.0.1",
        );
        check("generic", "", "a b/c", "1?2", "pkg:generic/a%20b%2Fc@1%3F2");
    }

    #[test]
    fn qualifiers_are_ordered_and_never_empty() {
        assert_eq!(
            &*purl(
                "conda",
                None,
                "numpy",
                "1.20.3",
                &[("subdir", "linux-64"), ("channel", ""), ("build", "py3/0")]
            ),
            "pkg:conda/numpy@1.20.3?build=py3%2F0&subdir=linux-64"
        );
    }
}
