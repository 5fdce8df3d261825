//! What kind of value a secret is, from its shape and the name that holds it. Bounded work: long values are looked at
//! from the beginning only, compressed ones are unpacked up to a limit.

use base64::Engine as _;
use std::io::Read as _;

/// Ordered as tried: the first that fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    Empty,
    Boolean,
    Number,
    PrivateKey,
    Certificate,
    TokenJwt,
    /// A vendor's token by its prefix.
    Token,
    UrlWithCredentials,
    HelmRelease,
    DockerConfig,
    PasswordLike,
    Url,
    Gzip,
    Json,
    Base64,
    /// Bytes that are no text.
    Binary,
    Text,
}

impl Class {
    pub fn name(self) -> &'static str {
        match self {
            Class::Empty => "empty",
            Class::Boolean => "boolean",
            Class::Number => "number",
            Class::PrivateKey => "private-key",
            Class::Certificate => "certificate",
            Class::TokenJwt => "token-jwt",
            Class::Token => "token",
            Class::UrlWithCredentials => "url-with-credentials",
            Class::HelmRelease => "helm-release",
            Class::DockerConfig => "docker-config",
            Class::PasswordLike => "password-like",
            Class::Url => "url",
            Class::Gzip => "gzip",
            Class::Json => "json",
            Class::Base64 => "base64",
            Class::Binary => "binary",
            Class::Text => "text",
        }
    }
}

const LOOK_AT: usize = 64 * 1024;
const LAYERS: u8 = 3;

pub fn class(name: &str, value: &str) -> Class {
    inside(name, value, LAYERS)
}

pub fn class_of_bytes(name: &str, bytes: &[u8]) -> Class {
    layer(name, bytes, LAYERS)
}

/// Whether a text is a credential by its own shape, wherever it stands: keys, tokens, URLs with a user.
pub fn is_credential(text: &str) -> bool {
    text.len() >= 8
        && (is_vendor_token(text)
            || is_jwt(text)
            || url_with_user(text)
            || (text.len() > 26 && text.contains("-----BEGIN") && text.contains("PRIVATE KEY")))
}

/// Whether a field of this name holds a credential itself (not the name of one).
pub fn names_credential(name: &str) -> bool {
    const ENDINGS: [&str; 16] = [
        "password",
        "passwd",
        "passphrase",
        "token",
        "apikey",
        "secretkey",
        "accesskey",
        "privatekey",
        "clientsecret",
        "credential",
        "credentials",
        "authkey",
        "secretaccesskey",
        "accesskeyid",
        "pwd",
        "connectionstring",
    ];
    let plain: String = name
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_lowercase())
        .collect();
    ENDINGS.iter().any(|ending| plain.ends_with(ending))
}

fn inside(name: &str, value: &str, layers: u8) -> Class {
    let text = value.trim();
    if text.is_empty() {
        return Class::Empty;
    }
    if matches!(
        text.to_ascii_lowercase().as_str(),
        "true" | "false" | "yes" | "no" | "on" | "off"
    ) {
        return Class::Boolean;
    }
    if text.len() <= 40 && text.parse::<f64>().is_ok() {
        return Class::Number;
    }
    if let Some(class) = shape(text) {
        return class;
    }
    if let Some(class) = packed(name, text, layers) {
        return class;
    }
    let hint = names_credential(name) || name.to_ascii_lowercase().contains("secret");
    match () {
        () if hint || is_random(text) => Class::PasswordLike,
        () if text.contains("://") && !text.contains(char::is_whitespace) => Class::Url,
        () if text.starts_with(['{', '[']) => Class::Json,
        () => Class::Text,
    }
}

fn shape(text: &str) -> Option<Class> {
    let head = cut(text);
    match () {
        () if head.contains("-----BEGIN") && head.contains("PRIVATE KEY") => {
            Some(Class::PrivateKey)
        }
        () if head.contains("-----BEGIN CERTIFICATE") => Some(Class::Certificate),
        () if is_jwt(text) => Some(Class::TokenJwt),
        () if is_vendor_token(text) => Some(Class::Token),
        () if url_with_user(head) => Some(Class::UrlWithCredentials),
        () if text.starts_with('{') && head.contains("\"auths\"") => Some(Class::DockerConfig),
        () => None,
    }
}

/// Looks into base64, and what that holds.
fn packed(name: &str, text: &str, layers: u8) -> Option<Class> {
    let head = cut(text);
    let letters: String = head.split_ascii_whitespace().collect();
    let whole = letters.len() == text.len();
    if layers == 0
        || letters.len() < 16
        || (whole && !letters.len().is_multiple_of(4))
        || !letters
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'='))
    {
        return None;
    }
    let quads = letters.get(..letters.len() / 4 * 4)?;
    let bytes = base64::engine::general_purpose::STANDARD
        .decode(quads)
        .ok()?;
    match layer(name, &bytes, layers - 1) {
        Class::Text | Class::Binary | Class::PasswordLike | Class::Number | Class::Boolean => {
            // Sixteen letters may be a password as well as base64: bytes that are no text speak for the former.
            (std::str::from_utf8(&bytes).is_ok() || letters.len() >= 64).then_some(Class::Base64)
        }
        found => Some(found),
    }
}

fn layer(name: &str, bytes: &[u8], layers: u8) -> Class {
    if let [0x1F, 0x8B, ..] = bytes {
        let mut plain = Vec::new();
        let gzip = flate2::read::GzDecoder::new(bytes).take(LOOK_AT as u64);
        // A damaged or cut stream still says what it began with.
        let _ = { gzip }.read_to_end(&mut plain);
        let found = match layers {
            0 => Class::Gzip,
            _ => layer(name, &plain, layers - 1),
        };
        return match found {
            Class::Json if plain.windows(7).any(|part| part == b"\"chart\"") => Class::HelmRelease,
            Class::PrivateKey | Class::Certificate | Class::TokenJwt | Class::DockerConfig => found,
            _ => Class::Gzip,
        };
    }
    let valid = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        // The limit may cut a character.
        Err(error) if error.error_len().is_none() => {
            std::str::from_utf8(bytes.get(..error.valid_up_to()).unwrap_or_default()).unwrap_or("")
        }
        Err(_) => return Class::Binary,
    };
    inside(name, valid, layers)
}

fn cut(text: &str) -> &str {
    let mut end = text.len().min(LOOK_AT);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or(text)
}

fn is_jwt(text: &str) -> bool {
    let text = text.strip_prefix("Bearer ").unwrap_or(text);
    text.starts_with("eyJ")
        && text.bytes().filter(|b| *b == b'.').count() == 2
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'='))
}

fn is_vendor_token(text: &str) -> bool {
    const PREFIXES: [&str; 24] = [
        "ghp_",
        "gho_",
        "ghu_",
        "ghs_",
        "ghr_",
        "github_pat_",
        "glpat-",
        "xoxb-",
        "xoxp-",
        "xoxa-",
        "xapp-",
        "AKIA",
        "ASIA",
        "sk_live_",
        "rk_live_",
        "sk-ant-",
        "sk-proj-",
        "AIza",
        "npm_",
        "SG.",
        "hvs.",
        "dckr_pat_",
        "pypi-",
        "tskey-",
    ];
    text.len() >= 16
        && !text.contains(char::is_whitespace)
        && PREFIXES.iter().any(|prefix| text.starts_with(prefix))
}

/// `scheme://user@host` or `scheme://user:password@host`; passwords may hold any character, so any `@` behind counts.
fn url_with_user(text: &str) -> bool {
    text.split_once("://")
        .is_some_and(|(_, rest)| rest.contains('@'))
}

/// One word of 8 to 128 letters that mixes at least three of: lower case, upper case, digits, signs.
fn is_random(text: &str) -> bool {
    let any = |test: fn(&u8) -> bool| usize::from(text.as_bytes().iter().any(test));
    (8..=128).contains(&text.len())
        && !text.contains(char::is_whitespace)
        && !text.contains("://")
        && !text.starts_with(['/', '{', '['])
        && any(u8::is_ascii_lowercase)
            + any(u8::is_ascii_uppercase)
            + any(u8::is_ascii_digit)
            + any(u8::is_ascii_punctuation)
            >= 3
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    #[track_caller]
    fn check(name: &str, value: &str, expected: &str) {
        assert_eq!(class(name, value).name(), expected, "{value}");
    }

    fn encode(bytes: &[u8]) -> String {
        base64::engine::general_purpose::STANDARD.encode(bytes)
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        writer.write_all(bytes).unwrap();
        writer.finish().unwrap()
    }

    #[test]
    fn shapes() {
        let key = "-----BEGIN RSA PRIVATE KEY-----\nMIIB\n-----END RSA PRIVATE KEY-----\n";
        check("x", "", "empty");
        check("x", "  ", "empty");
        check("x", "False", "boolean");
        check("PASSWORD", "12345", "number");
        check("x", "-1.5", "number");
        check("tls.key", key, "private-key");
        check(
            "tls.crt",
            "-----BEGIN CERTIFICATE-----\nMIIB",
            "certificate",
        );
        check("x", "eyJhbGciOi.eyJzdWIi.c2ln", "token-jwt");
        check("x", "ghp_0123456789abcdefghij", "token");
        check(
            "x",
            "postgres://app:s3cret@db:5432/shop",
            "url-with-credentials",
        );
        check("x", "https://example.com/path", "url");
        check("DB_PASSWORD", "hunter", "password-like");
        check("x", "Tr0ub4dor&3", "password-like");
        check("x", "plain words of a sentence", "text");
        check("x", "debug", "text");
        check(".dockerconfigjson", r#"{"auths":{}}"#, "docker-config");
        check("x", r#"{"a":1}"#, "json");
        check("x", &encode(key.as_bytes()), "private-key");
        check("x", &encode(&gzip(key.as_bytes())), "private-key");
        check("x", &encode(b"some words that are long enough"), "base64");
        check("x", &encode(&gzip(b"words")), "gzip");
        let release = encode(&gzip(br#"{"name":"web","chart":{}}"#));
        check("release", &release, "helm-release");
        check("release", &encode(release.as_bytes()), "helm-release");
    }

    #[test]
    fn a_gzip_bomb_is_looked_at_briefly() {
        let bomb = encode(&gzip(&vec![b'a'; 20_000_000]));
        check("x", &bomb, "gzip");
    }

    #[test]
    fn names() {
        for name in [
            "password",
            "DB_PASSWORD",
            "api-key",
            "apiKey",
            "sasl.token",
            "aws_secret_access_key",
        ] {
            assert!(names_credential(name), "{name}");
        }
        for name in [
            "secretName",
            "tokenExpirationSeconds",
            "passwordRef",
            "name",
            "keys",
        ] {
            assert!(!names_credential(name), "{name}");
        }
    }
}
