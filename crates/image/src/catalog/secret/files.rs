//! Files whose name says what stands in them: logins and password hashes. Comes in: the path and its text. Goes out: the
//! places of what is secret, with the account that it is of. Never: a locked account, an entry without a password.
//! Sources: shadow(5), htpasswd(1), curl's netrc, PostgreSQL "The Password File", Docker's config.json.

use super::Seen;
use super::plausible::is_placeholder;
use serde_json::Value;
use std::ops::Range;

/// What is read of a JSON file of logins.
const JSON: usize = 1 << 20;

/// Whether [`find`] knows the name.
pub(super) fn is_known(path: &str) -> bool {
    !matches!(form(path), Form::Other)
}

enum Form {
    Shadow,
    Hashes,
    Netrc,
    Postgres,
    Vault,
    Docker,
    Other,
}

fn form(path: &str) -> Form {
    let name = path.rsplit('/').next().unwrap_or(path);
    match name {
        "shadow" | "shadow-" if path.starts_with("etc/") => Form::Shadow,
        ".htpasswd" | "htpasswd" => Form::Hashes,
        ".netrc" | "_netrc" => Form::Netrc,
        ".pgpass" | "pgpass.conf" => Form::Postgres,
        ".vault-token" => Form::Vault,
        ".dockercfg" | ".dockerconfigjson" => Form::Docker,
        "config.json" if path.ends_with(".docker/config.json") => Form::Docker,
        "auth.json" if path.contains("containers/") => Form::Docker,
        _ => Form::Other,
    }
}

/// Files in which any value that a name calls secret is a login.
pub(super) fn is_login(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    matches!(
        name,
        ".npmrc"
            | ".pypirc"
            | ".my.cnf"
            | ".s3cfg"
            | ".boto"
            | ".git-credentials"
            | ".yarnrc"
            | ".yarnrc.yml"
            | ".mylogin.cnf"
            | "credentials"
            | ".smbcredentials"
            | ".gem"
            | "pip.conf"
            | "settings-security.xml"
    ) || path.ends_with(".m2/settings.xml")
        || path.ends_with("maven/conf/settings.xml")
}

pub(super) fn find(path: &str, text: &[u8]) -> Vec<Seen> {
    let mut all = Vec::new();
    match form(path) {
        Form::Shadow => each_line(text, |line, at| all.extend(shadow(line, at))),
        Form::Hashes => each_line(text, |line, at| all.extend(hash(line, at))),
        Form::Netrc => netrc(text, &mut all),
        Form::Postgres => each_line(text, |line, at| all.extend(postgres(line, at))),
        Form::Vault => all.extend(vault(text)),
        Form::Docker => docker(text, &mut all),
        Form::Other => {}
    }
    all
}

fn each_line<'t>(text: &'t [u8], mut see: impl FnMut(&'t [u8], usize)) {
    let mut at = 0;
    for line in text.split(|byte| *byte == b'\n') {
        see(line, at);
        at += line.len() + 1;
    }
}

/// The part of a line between two colons, with its place.
fn field(line: &[u8], at: usize, number: usize) -> Option<(&[u8], Range<usize>)> {
    let mut from = 0;
    for (n, part) in line.split(|byte| *byte == b':').enumerate() {
        if n == number {
            return Some((part, at + from..at + from + part.len()));
        }
        from += part.len() + 1;
    }
    None
}

fn shadow(line: &[u8], at: usize) -> Option<Seen> {
    let (_, name) = field(line, at, 0).filter(|(name, _)| !name.is_empty())?;
    let (hash, place) = field(line, at, 1)?;
    let check = match hash {
        [] => "secret-no-password",
        // crypt(5): `$id$...`, `_...`, or thirteen letters; `!` and `*` lock.
        [b'$' | b'_', ..] => "secret-password-hash",
        [first, ..] if hash.len() == 13 && first.is_ascii_alphanumeric() => "secret-password-hash",
        _ => return None,
    };
    // An empty field has no bytes to hide, but a line.
    Some(Seen::named(check, place, name))
}

fn hash(line: &[u8], at: usize) -> Option<Seen> {
    let (_, name) = field(line, at, 0).filter(|(name, _)| !name.is_empty())?;
    let (hash, place) = field(line, at, 1)?;
    let known: [&[u8]; 7] = [
        b"$apr1$", b"$2y$", b"$2a$", b"$2b$", b"$5$", b"$6$", b"{SHA}",
    ];
    let is_hash = known.iter().any(|start| hash.starts_with(start)) && !is_placeholder(hash);
    is_hash.then(|| Seen::named("secret-password-hash", place, name))
}

fn postgres(line: &[u8], at: usize) -> Option<Seen> {
    let (_, host) = field(line, at, 0).filter(|(host, _)| !host.starts_with(b"#"))?;
    let (password, place) = field(line, at, 4)?;
    let is_secret = !password.is_empty() && password != b"*" && !is_placeholder(password);
    is_secret.then(|| Seen::named("secret-login-file", place, host))
}

fn netrc(text: &[u8], all: &mut Vec<Seen>) {
    let mut words = text.split(u8::is_ascii_whitespace);
    let (mut at, mut last, mut machine) = (0, &b""[..], 0..0);
    for word in &mut words {
        let place = at..at + word.len();
        at += word.len() + 1;
        if word.is_empty() {
            continue;
        }
        match last {
            b"machine" => machine = place,
            b"password" if !is_placeholder(word) => {
                all.push(Seen::named("secret-login-file", place, machine.clone()));
            }
            _ => {}
        }
        last = word;
    }
}

fn vault(text: &[u8]) -> Option<Seen> {
    let token = text.trim_ascii();
    let start = text.iter().position(|byte| !byte.is_ascii_whitespace())?;
    let is_token = (20..=256).contains(&token.len()) && token.iter().all(u8::is_ascii_graphic);
    is_token.then(|| Seen::bare("secret-vault-token", start..start + token.len()))
}

fn docker(text: &[u8], all: &mut Vec<Seen>) {
    let Some(Ok(json)) = (text.len() <= JSON).then(|| serde_json::from_slice::<Value>(text)) else {
        return;
    };
    let auths = json.get("auths").unwrap_or(&json);
    let Some(auths) = auths.as_object() else {
        return;
    };
    for (registry, login) in auths {
        for key in ["auth", "identitytoken", "password", "registrytoken"] {
            let Some(value) = login
                .get(key)
                .and_then(Value::as_str)
                .filter(|value| value.len() >= 4)
            else {
                continue;
            };
            let Some(at) = memchr::memmem::find(text, value.as_bytes()) else {
                continue;
            };
            let name = memchr::memmem::find(text, registry.as_bytes())
                .map_or(0..0, |at| at..at + registry.len());
            all.push(Seen::named(
                "secret-registry-login",
                at..at + value.len(),
                name,
            ));
            break;
        }
    }
}
