//! Values that a name calls secret: `DB_PASSWORD=...`, `"apiKey": "..."`, `<password>...</password>`, and passwords in
//! URLs. Comes in: a text and the place of a word such as `password`. Goes out: the value and its name. Never: a value
//! that says where the real one comes from, or a word.

use super::plausible::{entropy, is_key, is_password, is_pattern, is_placeholder};
use std::ops::Range;

/// Words of names; the places of these are looked at.
pub(super) const ANCHORS: [&str; 16] = [
    "passw",
    "passphrase",
    "_pass",
    "pass=",
    "pwd=",
    "_pwd",
    "secret",
    "token",
    "apikey",
    "api_key",
    "api-key",
    "accesskey",
    "access_key",
    "_key=",
    "_auth",
    "_key:",
];
/// The place of a password in a URL.
pub(super) const URL: &str = "://";

const NAME: usize = 64;
const VALUE: usize = 512;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Assigned {
    pub(super) check: &'static str,
    pub(super) name: Range<usize>,
    pub(super) value: Range<usize>,
}

/// How values are written in a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Style {
    /// Configuration: with quotes or without.
    Plain,
    /// A programming language: without quotes it is a name.
    Quoted,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Password,
    Key,
}

/// The value of the name that has a word of [`ANCHORS`] at `at`.
pub(super) fn find(text: &[u8], at: usize, style: Style) -> Option<Assigned> {
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    let before = text.get(at.saturating_sub(NAME)..at)?;
    let left = before.iter().rev().take_while(|byte| is_name(byte)).count();
    let after = text.get(at..(at + NAME).min(text.len()))?;
    let right = after.iter().take_while(|byte| is_name(byte)).count();
    let name = at - left..at + right;
    // `a:passwd:1` is a part of a longer name; npm writes `//registry/:_authToken=`.
    let inside = name.start.checked_sub(1).and_then(|at| text.get(at)) == Some(&b':');
    if inside && text.get(name.start) != Some(&b'_') {
        return None;
    }
    let kind = kind_of(text.get(name.clone())?)?;
    let value = value(text, name.clone(), style)?;
    let said = text.get(value.clone())?;
    let check = check_of(text.get(name.clone())?, said, kind)?;
    Some(Assigned { check, name, value })
}

/// What the last words of a name promise.
fn kind_of(name: &[u8]) -> Option<Kind> {
    let words = words(name);
    let mut last = words.iter().rev().map(String::as_str);
    let (word, before) = (last.next()?, last.next().unwrap_or(""));
    // `no_password`, `min_password`: a setting of passwords.
    let of_setting = matches!(
        before,
        "no" | "without"
            | "has"
            | "is"
            | "show"
            | "hide"
            | "forgot"
            | "reset"
            | "min"
            | "max"
            | "require"
            | "required"
            | "allow"
            | "use"
            | "csrf"
            | "xsrf"
            | "next"
            | "page"
            | "cancel"
            | "cancellation"
            | "public"
    );
    if of_setting {
        return None;
    }
    match word {
        "password" | "passwd" | "passw" | "pwd" | "pass" | "passphrase" => Some(Kind::Password),
        "secret" | "token" | "apikey" | "accesskey" | "secretkey" | "authkey" | "signingkey"
        | "masterkey" | "authtoken" | "accesstoken" | "clientsecret" | "authorization" => {
            Some(Kind::Key)
        }
        "auth" if words.len() == 1 => Some(Kind::Key),
        "base" if before == "key" => Some(Kind::Key),
        "key" => matches!(
            before,
            "api"
                | "access"
                | "secret"
                | "encryption"
                | "signing"
                | "auth"
                | "master"
                | "account"
                | "shared"
                | "app"
                | "jwt"
                | "hmac"
                | "session"
                | "cookie"
                | "storage"
                | "application"
                | "service"
                | "admin"
                | "license"
        )
        .then_some(Kind::Key),
        _ => None,
    }
}

/// `DB_passWord2` is `db`, `pass`, `word`, unless the whole is known: capitals begin words, digits at their end go.
fn words(name: &[u8]) -> Vec<String> {
    let mut all = Vec::new();
    for part in name.split(|byte| matches!(byte, b'_' | b'-' | b'.')) {
        let mut word = String::new();
        let mut small = false;
        for byte in part {
            if byte.is_ascii_uppercase() && small {
                all.push(std::mem::take(&mut word));
            }
            small = byte.is_ascii_lowercase() || byte.is_ascii_digit();
            word.push(char::from(byte.to_ascii_lowercase()));
        }
        all.push(word);
    }
    for word in &mut all {
        word.truncate(word.trim_end_matches(|c: char| c.is_ascii_digit()).len());
    }
    all.retain(|word| !word.is_empty());
    // `passWord`, `apiKey` are the words that they look like.
    if let [.., a, b] = &mut *all
        && a == "pass"
        && matches!(&**b, "word" | "phrase" | "wd")
    {
        a.push_str(b);
        all.pop();
    }
    all
}

/// Where the value of `name` stands.
fn value(text: &[u8], name: Range<usize>, style: Style) -> Option<Range<usize>> {
    let mut at = Cursor { text, at: name.end };
    let head = text.get(..name.start)?;
    let mut closing = None;
    at.skip(b"\\", 1);
    if at.skip(b"\"'", 1) > 0 {
        closing = text.get(at.at - 1).copied();
    }
    at.skip(b"]", 1);
    let spaces = at.skip(b" \t", 8);
    let rest = at.rest();
    match rest {
        [b'=', b'=' | b'~', ..] | [b':', b':', ..] | [b':', b'/', b'/', ..] => return None,
        [b'=', b'>', ..] | [b':', b'=', ..] => at.at += 2,
        [b'=' | b':', ..] => at.at += 1,
        [b'>', ..] if head.ends_with(b"<") => {
            at.at += 1;
            let length = at
                .rest()
                .iter()
                .take(VALUE)
                .position(|byte| *byte == b'<')?;
            return (length > 0).then_some(at.at..at.at + length);
        }
        // PHP: define('DB_PASSWORD', '...').
        [b',', ..] if closing.is_some() && is_defined(head) => at.at += 1,
        // .NET: <add key="Password" value="..."/>.
        [b'v', b'a', b'l', b'u', b'e', b'=', ..] if closing.is_some() && spaces > 0 => at.at += 6,
        // Arguments: --password x.
        [_, ..] if spaces > 0 && closing.is_none() && name_starts(text, &name, b"--") => {}
        _ => return None,
    }
    at.skip(b" \t", 8);
    at.skip(b"\\", 1);
    let quote = match at.rest().first() {
        Some(quote @ (b'"' | b'\'' | b'`')) => Some(*quote),
        _ => None,
    };
    at.at += usize::from(quote.is_some());
    let rest = at.rest();
    let rest = rest.get(..VALUE.min(rest.len()))?;
    let length = match (quote, style) {
        (Some(quote), _) => rest
            .iter()
            .position(|byte| *byte == quote || matches!(byte, b'\n' | b'\\'))
            .unwrap_or(rest.len()),
        (None, Style::Plain) => {
            let length = rest
                .iter()
                .position(|byte| byte.is_ascii_whitespace() || b"\"'<>`".contains(byte))
                .unwrap_or(rest.len());
            let value = rest.get(..length)?;
            let tail = value
                .iter()
                .rev()
                .take_while(|byte| b",;)]}\\".contains(byte))
                .count();
            let value = value.get(..length - tail)?;
            // `;` ends a part of a connection string, `&` one of a query.
            value
                .iter()
                .position(|byte| b";&".contains(byte))
                .unwrap_or(value.len())
        }
        (None, Style::Quoted) => return None,
    };
    // A string that goes on is a sentence or put together.
    if quote.is_some() && rest.get(length).is_some_and(|byte| *byte == b'\n') {
        return None;
    }
    (length > 0).then_some(at.at..at.at + length)
}

/// Whether the quote before the name is the first argument of PHP's `define`.
fn is_defined(head: &[u8]) -> bool {
    let call = head.split_last().map(|(_, call)| call.trim_ascii_end());
    call.is_some_and(|call| call.ends_with(b"define("))
}

fn name_starts(text: &[u8], name: &Range<usize>, with: &[u8]) -> bool {
    text.get(name.clone())
        .is_some_and(|name| name.starts_with(with))
}

struct Cursor<'t> {
    text: &'t [u8],
    at: usize,
}

impl<'t> Cursor<'t> {
    fn rest(&self) -> &'t [u8] {
        self.text.get(self.at..).unwrap_or(&[])
    }

    /// Goes over at most `most` bytes of `any`.
    fn skip(&mut self, any: &[u8], most: usize) -> usize {
        let count = self
            .rest()
            .iter()
            .take(most)
            .take_while(|byte| any.contains(byte))
            .count();
        self.at += count;
        count
    }
}

/// Which check a value fails; `None`: it is no secret.
fn check_of(name: &[u8], value: &[u8], kind: Kind) -> Option<&'static str> {
    let name = name.to_ascii_lowercase();
    let of = |word: &[u8]| memchr::memmem::find(&name, word).is_some();
    let hexadecimal = value.iter().all(u8::is_ascii_hexdigit);
    if value.len() == 40 && (of(b"secret") || of(b"aws")) && is_aws(value) {
        return Some("secret-aws-access-key");
    }
    let is_secret = match kind {
        Kind::Password => is_password(value) || is_key(value),
        Kind::Key => is_key(value),
    };
    if !is_secret {
        return None;
    }
    Some(match value.len() {
        36 if of(b"heroku") => "secret-heroku-key",
        32 | 40 if hexadecimal && (of(b"datadog") || name.starts_with(b"dd_")) => {
            "secret-datadog-key"
        }
        32 if hexadecimal && of(b"twilio") => "secret-twilio-key",
        50 if of(b"mailgun") => "secret-mailgun-key",
        _ => "secret-password",
    })
}

/// The secret that belongs to an access key id.
fn is_aws(value: &[u8]) -> bool {
    let letters = value
        .iter()
        .all(|byte| byte.is_ascii_alphanumeric() || b"/+".contains(byte));
    let mixed =
        value.iter().any(u8::is_ascii_lowercase) && value.iter().any(u8::is_ascii_uppercase);
    letters && mixed && entropy(value) >= 4.0 && !is_placeholder(value) && !is_pattern(value)
}

/// The password of the URL whose `://` stands at `at`: user and password.
pub(super) fn in_url(text: &[u8], at: usize) -> Option<Assigned> {
    let scheme = text.get(at.saturating_sub(20)..at)?.iter().rev();
    let scheme = scheme
        .take_while(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(byte))
        .count();
    let from = at + URL.len();
    let rest = text.get(from..(from + VALUE).min(text.len()))?;
    let end = rest
        .iter()
        .position(|byte| byte.is_ascii_whitespace() || b"/?#\"'<>`(),;\\|".contains(byte));
    let authority = rest.get(..end.unwrap_or(rest.len()))?;
    let sign = memchr::memrchr(b'@', authority)?;
    let colon = memchr::memchr(b':', authority.get(..sign)?)?;
    let (user, password, host) = (
        authority.get(..colon)?,
        authority.get(colon + 1..sign)?,
        authority.get(sign + 1..)?,
    );
    let holds = |word: &[u8]| memchr::memmem::find(host, word).is_some();
    let nowhere = holds(b"example")
        || host.starts_with(b"localhost")
        || host.starts_with(b"127.0.0.1")
        || holds(b"$")
        || holds(b"{");
    let is_host = host
        .first()
        .is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'[');
    let is_secret = password != user && (is_password(password) || is_key(password));
    (scheme >= 2 && is_host && !nowhere && is_secret).then(|| Assigned {
        check: "secret-password-in-url",
        name: at - scheme..at,
        value: from + colon + 1..from + sign,
    })
}
