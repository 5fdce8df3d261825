//! Secret values are classified and dropped while they are read (rule 20): a value comes in,
//! `redacted:v1:CLASS:LENGTH:FINGERPRINT` goes out. The fingerprint is keyed per snapshot: equal values can be
//! told, values cannot be guessed. Never: keeps or prints a value or the key.

pub mod classify;
mod hosts;
mod services;

pub use classify::Class;
pub(crate) use services::settle;

use base64::Engine as _;
use sha2::{Digest as _, Sha256};
use std::fmt::{self, Write as _};

/// What every dropped value begins with.
pub const MARK: &str = "redacted:v1:";

/// Drops values. Cloning is cheap; all clones give the same fingerprints.
#[derive(Clone)]
pub struct Redactor {
    inner: Sha256,
    outer: Sha256,
}

impl Redactor {
    /// `key` is given per snapshot; nobody else may know it while the snapshot is shared.
    pub fn new(key: [u8; 32]) -> Self {
        // HMAC (RFC 2104) with both pads absorbed once.
        let pad = |with: u8| {
            let mut block = [with; 64];
            for (byte, key) in block.iter_mut().zip(key) {
                *byte ^= key;
            }
            Sha256::new_with_prefix(block)
        };
        Redactor {
            inner: pad(0x36),
            outer: pad(0x5c),
        }
    }

    /// Classifies and drops a text. `name` is the key, variable or flag that holds it and helps to tell passwords.
    pub fn text(&self, name: &str, value: &str) -> String {
        self.dropped(classify::class(name, value), value.as_bytes())
    }

    /// Like [`Redactor::text`], of a place where people say where to connect to: hosts that may be Services stay as
    /// fingerprints, until [`settle`] knows the Services.
    pub fn addressed(&self, name: &str, value: &str) -> String {
        let mut out = self.text(name, value);
        services::pend(self, name, value, &mut out);
        out
    }

    /// A value of Secret `data`: length and fingerprint are those of the decoded bytes, so they equal `stringData`'s.
    pub fn base64(&self, name: &str, value: &str) -> String {
        let decoded = base64::engine::general_purpose::STANDARD
            .decode(value.split_ascii_whitespace().collect::<String>());
        match decoded {
            Ok(bytes) => self.dropped(classify::class_of_bytes(name, &bytes), &bytes),
            Err(_) => self.text(name, value),
        }
    }

    /// A value whose class is known.
    pub fn dropped(&self, class: Class, value: &[u8]) -> String {
        let mut out = String::with_capacity(MARK.len() + 48);
        let _ = write!(out, "{MARK}{}:{}:", class.name(), value.len());
        for byte in self.fingerprint(value) {
            let _ = write!(out, "{byte:02x}");
        }
        out
    }

    /// A URL without what may be secret: scheme, host and port stay, the rest is dropped as a whole.
    pub fn url(&self, value: &str) -> String {
        let Some((scheme, rest)) = value.split_once("://") else {
            return self.text("url", value);
        };
        let authority = rest.split(['/', '?', '#', '\\']).next().unwrap_or("");
        let host = authority.rsplit('@').next().unwrap_or("");
        let plain = |text: &str| {
            text.len() <= 255
                && text.bytes().all(|b| {
                    b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b':' | b'[' | b']')
                })
        };
        if !plain(scheme) || !plain(host) {
            return self.text("url", value);
        }
        if rest.len() == host.len() || rest.strip_prefix(host) == Some("/") {
            return value.to_owned();
        }
        let class = if authority.len() == host.len() {
            Class::Url
        } else {
            Class::UrlWithCredentials
        };
        format!(
            "{scheme}://{host}/{}",
            self.dropped(class, value.as_bytes())
        )
    }

    fn fingerprint(&self, value: &[u8]) -> [u8; 8] {
        let mut outer = self.outer.clone();
        outer.update(self.inner.clone().chain_update(value).finalize());
        let mut out = [0; 8];
        for (to, from) in out.iter_mut().zip(outer.finalize()) {
            *to = from;
        }
        out
    }
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Redactor")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redactor() -> Redactor {
        Redactor::new([7; 32])
    }

    #[test]
    fn fingerprints_are_hmac_sha_256() {
        // Computed with another implementation: HMAC-SHA256(key = 32 x 0b, "Hi There").
        let redactor = Redactor::new([0x0b; 32]);
        assert_eq!(
            redactor.fingerprint(b"Hi There"),
            [0x19, 0x8a, 0x60, 0x7e, 0xb4, 0x4b, 0xfb, 0xc6]
        );
    }

    #[test]
    fn equal_values_share_a_fingerprint_and_keys_change_it() {
        let one = redactor().text("a", "hunter2hunter2");
        assert_eq!(one, redactor().text("a", "hunter2hunter2"));
        assert_ne!(one, Redactor::new([8; 32]).text("a", "hunter2hunter2"));
        let data = base64::engine::general_purpose::STANDARD.encode("hunter2hunter2");
        assert_eq!(redactor().base64("a", &data), one);
    }

    #[test]
    fn urls_keep_their_host() {
        for (url, kept) in [
            ("https://hooks.example.com", "https://hooks.example.com"),
            ("https://hooks.example.com/", "https://hooks.example.com/"),
            (
                "https://h:8443/T0/B0?x=1",
                "https://h:8443/redacted:v1:url:",
            ),
            (
                "https://u:p@h/x",
                "https://h/redacted:v1:url-with-credentials:",
            ),
            (
                "https://u:p@h",
                "https://h/redacted:v1:url-with-credentials:",
            ),
            ("no url", "redacted:v1:text:"),
            ("https://a b/c", "redacted:v1:text:"),
        ] {
            let out = redactor().url(url);
            assert!(out.starts_with(kept), "{url}: {out}");
            assert!(!out.contains("u:p") && !out.contains("T0"), "{out}");
        }
    }
}
