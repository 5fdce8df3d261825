//! Package URLs (package-url/purl-spec). Comes in: a purl and, where known, a distribution. Goes out: its parts, or a
//! component that can be matched. Never: guesses a part that is not there.

use crate::ecosystem;
use model::inventory::{Component, FoundAs, Release, SourcePackage};
use std::borrow::Cow;

/// Longest purl that is read, in bytes.
const MAX_PURL: usize = 8192;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PurlError {
    #[error("`{0}` is no package URL: it does not begin with pkg:TYPE/NAME")]
    Foreign(String),
    #[error("a package URL has more than {MAX_PURL} bytes")]
    TooLong,
}

/// The decoded parts of a purl.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Purl {
    /// Lower case.
    pub kind: String,
    /// With `/` between its segments; empty where there is none.
    pub namespace: String,
    pub name: String,
    /// Empty where there is none.
    pub version: String,
    /// In the order as written, keys in lower case.
    pub qualifiers: Vec<(String, String)>,
    pub subpath: String,
}

impl Purl {
    /// Reads a purl in any spelling that purl-spec allows.
    pub fn parse(text: &str) -> Result<Self, PurlError> {
        let text = text.trim();
        if text.len() > MAX_PURL {
            return Err(PurlError::TooLong);
        }
        let foreign = || PurlError::Foreign(crate::feeds::one_line(text, 80));
        let scheme = text
            .get(..4)
            .filter(|scheme| scheme.eq_ignore_ascii_case("pkg:"));
        let rest = scheme.and_then(|_| text.get(4..)).ok_or_else(foreign)?;
        let rest = rest.trim_start_matches('/');
        // purl-spec, "How to parse": from the right, each part at its last separator.
        let (rest, subpath) = rest.rsplit_once('#').unwrap_or((rest, ""));
        let (rest, qualifiers) = rest.rsplit_once('?').unwrap_or((rest, ""));
        let (kind, rest) = rest.split_once('/').ok_or_else(foreign)?;
        let rest = rest.trim_matches('/');
        // An `@` before the name is of an npm scope that was not encoded.
        let (rest, version) = match rest.rfind('@') {
            Some(at)
                if at > 0
                    && !rest.get(at..).unwrap_or("").contains('/')
                    && !rest.get(..at).unwrap_or("").ends_with('/') =>
            {
                (
                    rest.get(..at).unwrap_or(""),
                    rest.get(at + 1..).unwrap_or(""),
                )
            }
            // Versions with an unencoded slash do not exist; a scope does.
            _ => (rest, ""),
        };
        let (namespace, name) = rest.rsplit_once('/').unwrap_or(("", rest));
        let word = |kind: &str| {
            kind.bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'+'))
        };
        if kind.is_empty() || !word(kind) || name.is_empty() {
            return Err(foreign());
        }
        let segments: Vec<Cow<'_, str>> = namespace
            .split('/')
            .filter(|s| !s.is_empty())
            .map(decoded)
            .collect();
        let pairs = qualifiers
            .split('&')
            .filter_map(|pair| pair.split_once('='));
        let kind = kind.to_ascii_lowercase();
        let lower = matches!(&*kind, "deb" | "apk" | "bitnami" | "composer" | "pypi");
        let name = decoded(name).into_owned();
        Ok(Purl {
            namespace: segments.join("/"),
            name: if lower { name.to_lowercase() } else { name },
            version: decoded(version).into_owned(),
            qualifiers: pairs
                .filter(|(_, value)| !value.is_empty())
                .map(|(key, value)| (key.to_ascii_lowercase(), decoded(value).into_owned()))
                .collect(),
            subpath: decoded(subpath).into_owned(),
            kind,
        })
    }

    pub fn qualifier(&self, key: &str) -> Option<&str> {
        let found = self.qualifiers.iter().find(|(known, _)| known == key);
        found.map(|(_, value)| value.as_str())
    }

    /// The distribution that the purl names: `distro=debian-12`, else the namespace without a version.
    pub fn release(&self) -> Option<Release> {
        if !ecosystem::is_system(&self.kind) {
            return None;
        }
        let distro = self
            .qualifier("distro")
            .or_else(|| self.qualifier("distro_name"))?;
        let release = release(distro);
        // Syft writes `debian-12`; some write the codename alone: `bookworm`.
        if ecosystem::of_release(&release).is_none() && !self.namespace.is_empty() {
            let namespace = match &*self.namespace {
                "redhat" => "rhel",
                other => other,
            };
            let whole = Release {
                id: namespace.into(),
                version: distro.into(),
                ..release.clone()
            };
            if ecosystem::of_release(&whole).is_some() {
                return Some(whole);
            }
        }
        Some(release)
    }

    /// What can be matched: the version with its epoch, the source package of `upstream`.
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
        Component {
            kind: self.kind.as_str().into(),
            namespace: (!self.namespace.is_empty()).then(|| self.namespace.as_str().into()),
            name: self.name.as_str().into(),
            version: version.into(),
            purl: text.trim().into(),
            source,
            architecture: self.qualifier("arch").map(Into::into),
            module: self
                .qualifier("rpmmod")
                .or_else(|| self.qualifier("modularitylabel"))
                .map(Into::into),
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

/// `debian:12`, `debian-12`, `alpine-3.18.4`, `opensuse-leap-15.5`, `rhel:8.6`.
pub fn release(distro: &str) -> Release {
    let distro = distro.trim();
    let (id, version) = match distro.split_once([':', '@', '=']) {
        Some((id, version)) => (id, version),
        None => match distro.rsplit_once('-') {
            Some((id, version))
                if version.starts_with(|c: char| c.is_ascii_digit() || c == 'v') =>
            {
                (id, version)
            }
            Some((id, version)) if ecosystem::debian_codename(version).is_some() => (id, version),
            Some((id, "edge")) => (id, "edge"),
            _ if ecosystem::debian_codename(distro).is_some() => ("debian", distro),
            _ => (distro, ""),
        },
    };
    Release {
        id: id.to_ascii_lowercase().into(),
        like: Vec::new(),
        version: version.into(),
        codename: None,
        title: None,
        end_of_life: None,
    }
}

/// `openssl`, `openssl@3.0.11-1` (deb), `openssl-1.1.1k-7.el8_6.src.rpm` (rpm).
fn source(kind: &str, upstream: &str) -> Option<SourcePackage> {
    let (name, version) = if kind == "rpm" {
        match upstream
            .strip_suffix(".src.rpm")
            .or_else(|| upstream.strip_suffix(".nosrc.rpm"))
        {
            Some(stem) => {
                let (rest, release) = stem.rsplit_once('-')?;
                let (name, version) = rest.rsplit_once('-')?;
                (name.to_owned(), format!("{version}-{release}"))
            }
            None => (upstream.to_owned(), String::new()),
        }
    } else {
        match upstream.split_once('@') {
            Some((name, version)) => (name.to_owned(), version.to_owned()),
            None => (upstream.to_owned(), String::new()),
        }
    };
    (!name.is_empty()).then(|| SourcePackage {
        name: name.as_str().into(),
        version: version.as_str().into(),
    })
}

/// Percent-decoding; what is no escape stays, bytes that are no UTF-8 are replaced.
fn decoded(text: &str) -> Cow<'_, str> {
    if !text.contains('%') {
        return text.into();
    }
    let hex = |b: u8| {
        char::from(b)
            .to_digit(16)
            .and_then(|digit| u8::try_from(digit).ok())
    };
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let pair = bytes.get(at + 1..at + 3).and_then(|pair| match pair {
            [high, low] => Some(hex(*high)? << 4 | hex(*low)?),
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn purls() {
        let check = |text: &str, expected: [&str; 4]| {
            let purl = Purl::parse(text).unwrap();
            assert_eq!(
                [&*purl.kind, &*purl.namespace, &*purl.name, &*purl.version],
                expected,
                "{text}"
            );
        };
        check(
            "pkg:deb/debian/libc6@2.36-9%2Bdeb12u4?arch=amd64",
            ["deb", "debian", "libc6", "2.36-9+deb12u4"],
        );
        check(
            "pkg:npm/%40angular/core@12.0.0",
            ["npm", "@angular", "core", "12.0.0"],
        );
        check(
            "pkg:npm/@angular/core@12.0.0",
            ["npm", "@angular", "core", "12.0.0"],
        );
        check("pkg:npm/@angular/core", ["npm", "@angular", "core", ""]);
        check(
            "pkg:golang/github.com/gorilla/mux@v1.8.0#sub/path",
            ["golang", "github.com/gorilla", "mux", "v1.8.0"],
        );
        check(
            "PKG:Maven/org.apache/a@1%3A2",
            ["maven", "org.apache", "a", "1:2"],
        );
        check("pkg://gem/rails@1", ["gem", "", "rails", "1"]);
        check(
            "pkg:deb/debian/passwd@1%3A4.5-1.1?upstream=shadow",
            ["deb", "debian", "passwd", "1:4.5-1.1"],
        );
        check(
            "pkg:golang/a@v2.7.1%2Bincompatible",
            ["golang", "", "a", "v2.7.1+incompatible"],
        );
        for bad in [
            "",
            "pkg:",
            "pkg:deb",
            "pkg:deb/",
            "deb/debian/x@1",
            "pkg:d b/x@1",
        ] {
            assert!(Purl::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn components() {
        let check = |text: &str,
                     version: &str,
                     source: Option<(&str, &str)>,
                     release: Option<(&str, &str)>| {
            let purl = Purl::parse(text).unwrap();
            let component = purl.component(text);
            let of = component.source.as_ref().map(|s| (&*s.name, &*s.version));
            let release_found = purl.release();
            let found = release_found.as_ref().map(|r| (&*r.id, &*r.version));
            assert_eq!(
                (&*component.version, of, found),
                (version, source, release),
                "{text}"
            );
        };
        check(
            "pkg:rpm/almalinux/openssl-libs@1.1.1k-7.el8_6?arch=x86_64&distro=almalinux-8.6&epoch=1&upstream=openssl-1.1.1k-7.el8_6.src.rpm",
            "1:1.1.1k-7.el8_6",
            Some(("openssl", "1.1.1k-7.el8_6")),
            Some(("almalinux", "8.6")),
        );
        check(
            "pkg:deb/debian/libgcc1@1%3A8.3.0-6?distro=debian-10&upstream=gcc-8%408.3.0-6",
            "1:8.3.0-6",
            Some(("gcc-8", "8.3.0-6")),
            Some(("debian", "10")),
        );
        check(
            "pkg:deb/debian/x@1?distro=bookworm",
            "1",
            None,
            Some(("debian", "bookworm")),
        );
        check(
            "pkg:deb/ubuntu/x@1?distro=jammy",
            "1",
            None,
            Some(("ubuntu", "jammy")),
        );
        check("pkg:apk/alpine/x@1", "1", None, None);
        check(
            "pkg:rpm/opensuse/x@1?distro=opensuse-leap-15.5",
            "1",
            None,
            Some(("opensuse-leap", "15.5")),
        );
        check("pkg:npm/x@1?distro=debian-12", "1", None, None);
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,40}", tail in "pkg:[a-z%@/?#&=0-9é]{0,30}") {
            for text in [text, tail] {
                if let Ok(purl) = Purl::parse(&text) {
                    let _ = (purl.release(), purl.component(&text));
                }
            }
        }
    }
}
