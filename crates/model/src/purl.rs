//! Package URLs (ECMA-427, package-url/purl-spec). Comes in: a purl in any spelling that the standard allows, or its
//! parts. Goes out: the parts, normalized by the rules of the type, and the one canonical spelling.
//! Never: a guessed part; what is not known is left out.

use crate::inventory::{Component, FoundAs, Release, SourcePackage};
use crate::text::Text;
use std::borrow::Cow;
use std::fmt;
use std::fmt::Write as _;

/// Longest purl that is read, in bytes.
const MAX_PURL: usize = 8192;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PurlError {
    #[error("`{0}` is no package URL: it does not begin with pkg:TYPE/NAME")]
    Foreign(String),
    #[error(
        "`{0}` is no package URL: a key of its qualifiers is not of letters, digits, `.`, `-` and `_`"
    )]
    Key(String),
    #[error("a package URL has more than {MAX_PURL} bytes")]
    TooLong,
}

/// The decoded parts of a purl. What [`Purl::parse`] gives is normalized, and its text (`Display`) is canonical.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Purl {
    /// Lower case.
    pub kind: String,
    /// With `/` between its segments; empty where there is none.
    pub namespace: String,
    pub name: String,
    /// Empty where there is none.
    pub version: String,
    /// Ordered by key, each key once and in lower case, no value empty.
    pub qualifiers: Vec<(String, String)>,
    pub subpath: String,
}

impl Purl {
    /// Reads a purl. An npm scope need not be encoded.
    pub fn parse(text: &str) -> Result<Self, PurlError> {
        let text = text.trim();
        if text.len() > MAX_PURL {
            return Err(PurlError::TooLong);
        }
        let foreign = || PurlError::Foreign(text.chars().take(80).collect());
        let (kind, rest) = after_scheme(text)
            .and_then(|rest| rest.split_once('/'))
            .filter(|(kind, _)| is_kind(kind))
            .ok_or_else(foreign)?;
        // ECMA-427, "How to parse": from the right, each part at its last separator.
        let (rest, subpath) = rest.rsplit_once('#').unwrap_or((rest, ""));
        let (rest, qualifiers) = rest.rsplit_once('?').unwrap_or((rest, ""));
        let rest = rest.trim_matches('/');
        // A version has no `/` that is not encoded; what has one is an npm scope.
        let (rest, version) = rest
            .rsplit_once('@')
            .filter(|(_, version)| !version.contains('/'))
            .unwrap_or((rest, ""));
        let rest = rest.trim_end_matches('/');
        let (namespace, name) = rest.rsplit_once('/').unwrap_or(("", rest));
        let mut purl = Purl {
            kind: kind.to_ascii_lowercase(),
            namespace: joined(namespace, |_| true),
            name: unescaped(name).into_owned(),
            version: unescaped(version).into_owned(),
            qualifiers: Vec::new(),
            subpath: joined(subpath, |segment| !matches!(segment, "." | "..")),
        };
        for pair in qualifiers.split('&').filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            if !is_key(key) {
                return Err(PurlError::Key(text.chars().take(80).collect()));
            }
            let value = unescaped(value);
            if !value.is_empty() {
                let key = key.to_ascii_lowercase();
                purl.qualifiers.push((key, value.into_owned()));
            }
        }
        purl.qualifiers.sort_by(|(a, _), (b, _)| a.cmp(b));
        purl.qualifiers.dedup_by(|(a, _), (b, _)| a == b);
        let normal = Normal::of(&purl.kind, &purl.namespace, &purl.name, &purl.version);
        let (namespace, name, version) = (
            normal.segments().collect::<Vec<_>>().join("/"),
            normal.name.to_string(),
            normal.version.to_string(),
        );
        if name.is_empty() {
            return Err(foreign());
        }
        let purl = Purl {
            namespace,
            name,
            version,
            ..purl
        };
        // Encoded it may be thrice as long, and what is written must be read again.
        if text.len() > MAX_PURL / 3 && purl.to_string().len() > MAX_PURL {
            return Err(PurlError::TooLong);
        }
        Ok(purl)
    }

    pub fn qualifier(&self, key: &str) -> Option<&str> {
        let found = self.qualifiers.iter().find(|(known, _)| known == key);
        found.map(|(_, value)| value.as_str())
    }

    /// The distribution that it names in `distro`: `debian-12`, `opensuse-leap-15.5`, `bookworm`, `3.19.1`; where no
    /// id stands in that, the namespace is it. `None` for packages of languages.
    pub fn release(&self) -> Option<Release> {
        if !matches!(&*self.kind, "deb" | "apk" | "rpm" | "alpm") {
            return None;
        }
        let distro = self
            .qualifier("distro")
            .or_else(|| self.qualifier("distro_name"))?;
        let own = match &*self.namespace {
            "redhat" => "rhel",
            own => own,
        };
        let versioned = |version: &str| {
            let version = version.strip_prefix('v').unwrap_or(version);
            version.starts_with(|c: char| c.is_ascii_digit())
        };
        let split = distro.rsplit_once('-');
        let (id, version) = if let Some(both) = split.filter(|(_, version)| versioned(version)) {
            both
        } else if let Some(version) = distro
            .strip_prefix(&*self.namespace)
            .and_then(|rest| rest.strip_prefix('-'))
        {
            (own, version)
        } else if own.is_empty() || distro == self.namespace {
            (distro, "")
        } else {
            (own, distro)
        };
        Some(Release {
            id: id.to_ascii_lowercase().into(),
            like: Vec::new(),
            version: version.into(),
            codename: None,
            title: None,
            end_of_life: None,
        })
    }

    /// What can be matched: the version with its epoch, the source package of `upstream`. `text` is the purl as it is
    /// to be shown.
    pub fn component(&self, text: &str) -> Component {
        let version = match self.qualifier("epoch") {
            Some(epoch) if !self.version.contains(':') && !self.version.is_empty() => {
                format!("{epoch}:{}", self.version)
            }
            _ => self.version.clone(),
        };
        let source = self
            .qualifier("upstream")
            .and_then(|upstream| source(&self.kind, upstream));
        let module = self
            .qualifier("rpmmod")
            .or_else(|| self.qualifier("modularitylabel"));
        Component {
            kind: self.kind.as_str().into(),
            namespace: (!self.namespace.is_empty()).then(|| self.namespace.as_str().into()),
            name: self.name.as_str().into(),
            version: version.into(),
            purl: text.trim().into(),
            source,
            architecture: self.qualifier("arch").map(Into::into),
            module: module.map(Into::into),
            vendor: None,
            licenses: Vec::new(),
            found: FoundAs::Installed,
            at: Vec::new(),
            owner: None,
            files: Vec::new(),
            linked: None,
        }
    }
}

/// The canonical spelling.
impl fmt::Display for Purl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let qualifiers: Vec<(&str, &str)> = self
            .qualifiers
            .iter()
            .map(|(key, value)| (&**key, &**value))
            .collect();
        let namespace = Some(&*self.namespace);
        f.write_str(&write(
            &self.kind,
            namespace,
            &self.name,
            &self.version,
            &qualifiers,
        ))?;
        let mut between = '#';
        let segments = self.subpath.split('/');
        for segment in segments.filter(|segment| !matches!(*segment, "" | "." | "..")) {
            write!(f, "{between}{}", escaped(segment))?;
            between = '/';
        }
        Ok(())
    }
}

/// The canonical purl of parts that are not encoded: names as the type's definition compares them, qualifiers ordered
/// by key, empty ones left out. A `/` in the namespace parts it. `version` may be empty: not known.
pub fn write(
    kind: &str,
    namespace: Option<&str>,
    name: &str,
    version: &str,
    qualifiers: &[(&str, &str)],
) -> String {
    let normal = Normal::of(kind, namespace.unwrap_or(""), name, version);
    let mut out = String::with_capacity(16 + kind.len() + name.len() + version.len());
    out.push_str("pkg:");
    out.push_str(kind);
    for segment in normal.segments() {
        out.push('/');
        escape(&mut out, &segment);
    }
    out.push('/');
    escape(&mut out, &normal.name);
    if !normal.version.is_empty() {
        out.push('@');
        escape(&mut out, &normal.version);
    }
    let mut ordered: Vec<_> = qualifiers
        .iter()
        .filter(|(_, value)| !value.is_empty())
        .collect();
    ordered.sort_unstable();
    let mut between = '?';
    for (key, value) in ordered {
        let _ = write!(out, "{between}{key}=");
        escape(&mut out, value);
        between = '&';
    }
    out
}

/// The type of a purl, lower case; `None` for text that is no purl.
pub fn kind_of(purl: &str) -> Option<Cow<'_, str>> {
    let (kind, rest) = after_scheme(purl.trim())?.split_once('/')?;
    (is_kind(kind) && !rest.trim_matches('/').is_empty()).then(|| lower(kind))
}

/// Whether it has the form of a purl and of a URI (RFC 3986), so that others' readers take it as it stands.
pub fn is_uri(text: &str) -> bool {
    let Some(rest) = text.strip_prefix("pkg:") else {
        return false;
    };
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-_~/@?&=+:,#!*();$'".contains(&byte);
    let bytes = rest.as_bytes();
    let escaped = |at: usize| {
        bytes
            .get(at + 1..at + 3)
            .is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit))
    };
    let named = rest
        .split_once('/')
        .is_some_and(|(kind, name)| !kind.is_empty() && !name.is_empty());
    named && (bytes.iter().enumerate()).all(|(i, b)| plain(*b) || *b == b'%' && escaped(i))
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

/// Appends `text` percent-encoded: all but letters, digits and `.-_~:` (ECMA-427, "Character encoding").
pub fn escape(out: &mut String, text: &str) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b'~' | b':') {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
}

/// Percent-decoded; what is no escape stays, bytes that are no UTF-8 are replaced.
pub fn unescaped(text: &str) -> Cow<'_, str> {
    if !text.contains('%') {
        return text.into();
    }
    let digit = |byte: u8| {
        char::from(byte)
            .to_digit(16)
            .and_then(|digit| u8::try_from(digit).ok())
    };
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let pair = bytes.get(at + 1..at + 3).and_then(|pair| match pair {
            [high, low] => Some(digit(*high)? << 4 | digit(*low)?),
            _ => None,
        });
        match pair {
            Some(value) if *byte == b'%' => {
                out.push(value);
                at += 3;
            }
            _ => {
                out.push(*byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned().into()
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    escape(&mut out, text);
    out
}

/// What follows `pkg:` and slashes after it.
fn after_scheme(text: &str) -> Option<&str> {
    let scheme = text.get(..4)?;
    let rest = text.get(4..)?;
    let is_purl = scheme.eq_ignore_ascii_case("pkg:");
    is_purl.then(|| rest.trim_start_matches('/'))
}

fn is_kind(kind: &str) -> bool {
    kind.starts_with(|c: char| c.is_ascii_alphabetic())
        && kind
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'+'))
}

fn is_key(key: &str) -> bool {
    key.starts_with(|c: char| c.is_ascii_alphabetic())
        && key
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'))
}

/// Encoded segments decoded, those that are empty or unwanted left out.
fn joined(path: &str, wanted: impl Fn(&str) -> bool) -> String {
    let segments = path.split('/').map(unescaped);
    let mut out = String::with_capacity(path.len());
    // A slash that was encoded parts a segment, too: no type has one in it.
    for segment in segments {
        for segment in segment.split('/').filter(|s| !s.is_empty() && wanted(s)) {
            if !out.is_empty() {
                out.push('/');
            }
            out.push_str(segment);
        }
    }
    out
}

/// Parts by the rules of the type.
struct Normal<'p> {
    kind: &'p str,
    namespace: &'p str,
    /// Segments that stood in the name.
    more: &'p str,
    name: Cow<'p, str>,
    version: Cow<'p, str>,
}

impl<'p> Normal<'p> {
    fn of(kind: &'p str, namespace: &'p str, name: &'p str, version: &'p str) -> Self {
        let whole = name.trim_matches('/');
        // Some write the whole path of a module as its name: `%40babel%2Fcore`.
        let parted = matches!(
            kind,
            "npm" | "golang" | "composer" | "github" | "bitbucket" | "swift" | "docker"
        );
        let (more, name) = match whole.rsplit_once('/').filter(|_| parted) {
            Some((more, name)) => (more, name),
            None => ("", whole),
        };
        Normal {
            kind,
            namespace,
            more,
            name: folded(kind, name),
            version: match kind {
                // A revision of Git; a digest.
                "huggingface" | "oci" => lower(version),
                _ => version.into(),
            },
        }
    }

    fn segments(&self) -> impl Iterator<Item = Cow<'p, str>> {
        let kind = self.kind;
        let (namespace, more) = (self.namespace.split('/'), self.more.split('/'));
        namespace
            .chain(more)
            .filter(|segment| !segment.is_empty())
            .map(move |segment| match kind {
                // The id of an author.
                "cpan" => segment.to_ascii_uppercase().into(),
                "rpm" | "qpkg" => lower(segment),
                _ => folded(kind, segment),
            })
    }
}

/// Letter case and separators by the type's definition (package-url/purl-spec, `types`).
///
/// npm names keep their case, against the letter of `npm-definition.json`: `JSONStream` and `jsonstream` are two
/// packages of the registry.
fn folded<'n>(kind: &str, name: &'n str) -> Cow<'n, str> {
    match kind {
        "pypi" => python_name(name),
        "alpm" | "apk" | "bitbucket" | "bitnami" | "composer" | "deb" | "github" | "golang"
        | "hex" | "luarocks" | "oci" | "pub" | "vscode-extension" => lower(name),
        _ => name.into(),
    }
}

fn lower(text: &str) -> Cow<'_, str> {
    if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        text.to_ascii_lowercase().into()
    } else {
        text.into()
    }
}

/// `openssl`, `openssl@3.0.11-1` (deb), `openssl-1.1.1k-7.el8_6.src.rpm` (rpm).
fn source(kind: &str, upstream: &str) -> Option<SourcePackage> {
    let (name, version): (&str, Text) = if kind == "rpm" {
        match upstream
            .strip_suffix(".src.rpm")
            .or_else(|| upstream.strip_suffix(".nosrc.rpm"))
        {
            Some(stem) => {
                let (rest, release) = stem.rsplit_once('-')?;
                let (name, version) = rest.rsplit_once('-')?;
                (name, format!("{version}-{release}").into())
            }
            None => (upstream, "".into()),
        }
    } else {
        match upstream.split_once('@') {
            Some((name, version)) => (name, version.into()),
            None => (upstream, "".into()),
        }
    };
    (!name.is_empty()).then(|| SourcePackage {
        name: name.into(),
        version,
    })
}

#[cfg(test)]
mod tests;
