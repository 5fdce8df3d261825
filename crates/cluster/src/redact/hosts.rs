//! Hosts and ports that a value names: URLs, `host:port`, names of the cluster's DNS, a name that is the whole value.
//! Comes in: a value and the key that holds it. Goes out: names that may be those of Services. Bounded: of long values
//! the beginning, of many hosts the first ones. Never: decides whether a name is a Service; a short word may be a secret.

use super::classify;
use std::borrow::Cow;
use std::net::{Ipv4Addr, Ipv6Addr};

const LONGEST: usize = 256 * 1024;
const MOST: usize = 64;

/// A host that a value names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Host {
    /// Lower case, without a final dot.
    pub(crate) name: String,
    pub(crate) port: Option<u16>,
    /// It is a destination even if it is no Service.
    pub(crate) destination: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Named {
    pub(crate) hosts: Vec<Host>,
    /// The value is a port, and its key says so.
    pub(crate) port: Option<u16>,
    /// Not everything was looked at.
    pub(crate) more: bool,
}

pub(crate) fn named(key: &str, value: &str) -> Named {
    let mut found = Named::default();
    let text = cut(value);
    found.more = text.len() < value.len();
    let text = text.trim();
    if last_word(key) == "port"
        && let Some(port) = port(text)
    {
        found.port = Some(port);
        return found;
    }
    if text.starts_with(['{', '[']) && !text.starts_with("[::") {
        for part in text.split([',', '{', '}', '[', ']', '\n']) {
            found.line(part);
        }
    } else if text.contains('\n') {
        for line in text.lines() {
            found.line(line);
        }
    } else {
        found.text(key, text);
    }
    found
}

impl Named {
    /// One line of a configuration or script.
    fn line(&mut self, line: &str) {
        let line = line.trim();
        let remark = line.starts_with(['#', ';', '*'])
            || ["//", "<!--", "-- "]
                .iter()
                .any(|sign| line.starts_with(sign));
        if remark || line.is_empty() {
            return;
        }
        match pair(line) {
            Some((key, value)) => self.text(key, value),
            None => self.text("", line),
        }
    }

    fn text(&mut self, key: &str, text: &str) {
        let text = text.trim().trim_matches(['"', '\'', ',', ';']);
        let rest = self.urls(text);
        if rest.len() == text.len() && self.whole(key, text) {
            return;
        }
        self.words(key, &rest);
    }

    /// Takes the URLs; what is left has blanks in their place.
    fn urls<'v>(&mut self, text: &'v str) -> Cow<'v, str> {
        let mut left = String::new();
        let mut rest = text;
        while let Some(at) = rest.find("://") {
            let (before, behind) = rest.split_at(at);
            let scheme_char = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
            let scheme = before
                .rsplit(|c: char| !scheme_char(c))
                .next()
                .unwrap_or_default();
            let behind = behind.get(3..).unwrap_or_default();
            let closes = |c: char| {
                c.is_whitespace() || matches!(c, '"' | '\'' | '`' | '<' | '>' | ')' | '}' | '|')
            };
            // `${A}` and `$(A)` close nothing of their own, and make no host either.
            let mut end = behind.find(closes).unwrap_or(behind.len());
            // The next URL of a list or a query begins with its scheme.
            if let Some(inner) = behind.get(..end).and_then(|body| body.find("://")) {
                let before = behind.get(..inner).unwrap_or_default();
                end = before.rfind(|c| !scheme_char(c)).map_or(inner, |at| at + 1);
            }
            let (body, next) = behind.split_at(end);
            left.push_str(
                before
                    .get(..before.len() - scheme.len())
                    .unwrap_or_default(),
            );
            left.push(' ');
            self.url(&scheme.to_ascii_lowercase(), body);
            rest = next;
        }
        if left.is_empty() {
            return Cow::Borrowed(text);
        }
        left.push_str(rest);
        Cow::Owned(left)
    }

    fn url(&mut self, scheme: &str, body: &str) {
        let Ok(usual) = usual_port(scheme) else {
            return;
        };
        let ends = ['/', '?', '#', ';', '\\'];
        let authority = body.split(ends).next().unwrap_or_default();
        let mut put = |hosts: &str, sure: bool| {
            for host in hosts.split(',') {
                if let Some((name, port)) = host_and_port(host) {
                    self.put(name, port.or(usual), sure && !is_schema(host));
                }
            }
        };
        put(authority.rsplit('@').next().unwrap_or_default(), true);
        // A password may hold anything: what stands behind the last @ may be the host as well.
        if !authority.contains('@')
            && let Some((_, behind)) = body.rsplit_once('@')
        {
            put(behind.split(ends).next().unwrap_or_default(), false);
        }
    }

    /// A value that is a name, or a list of names, as a whole.
    fn whole(&mut self, key: &str, text: &str) -> bool {
        let dest = names_destination(key);
        if dest && text.contains([',', ' ']) {
            let names: Vec<&str> = text.split([',', ' ']).filter(|n| !n.is_empty()).collect();
            if names.iter().all(|name| host_name(name).is_some()) {
                for name in names {
                    self.put(name, None, is_full_name(name));
                }
                return true;
            }
        }
        if host_name(text).is_none() {
            return false;
        }
        if text.contains('.') || !names_no_host(key) {
            self.put(text, None, dest && is_full_name(text));
        }
        true
    }

    /// `host:port`, names of the cluster's DNS, `--host name`, `name port`.
    fn words(&mut self, key: &str, text: &str) {
        let mut before = "";
        let mut plain = false;
        let mut rest = text;
        while !rest.is_empty() {
            let end = rest.find(is_border).unwrap_or(rest.len());
            let (word, behind) = rest.split_at(end);
            let border = behind.chars().next();
            rest = behind
                .get(border.map_or(0, char::len_utf8)..)
                .unwrap_or_default();
            // What stands before an @ is a user and his password.
            if !word.is_empty() && border != Some('@') {
                self.word(key, before, plain, word);
            }
            if !word.is_empty() {
                before = word;
            }
            plain = border == Some(' ') || (word.is_empty() && plain);
        }
    }

    fn word(&mut self, key: &str, before: &str, plain: bool, word: &str) {
        let place = word.trim_start_matches('/');
        let place = place.split(['/', '?', '#']).next().unwrap_or_default();
        match host_and_port(place) {
            Some((name, Some(port))) => {
                let dots = name.matches('.').count();
                let known = dots >= 2 || names_destination(key) || names_destination(before);
                self.put(name, Some(port), known && is_full_name(name));
            }
            Some((name, None)) if is_cluster_name(name) => self.put(name, None, false),
            Some((name, None)) if names_destination(before) && before.len() > 1 => {
                self.put(name, None, false);
            }
            Some((name, None)) if before == "-h" => self.put(name, None, false),
            _ => {
                let of = host_name(before).filter(|_| plain && word.len() > 1);
                if let Some((name, port)) = of.zip(port(word)) {
                    self.put(name, Some(port), false);
                }
            }
        }
    }

    fn put(&mut self, name: &str, port: Option<u16>, destination: bool) {
        let name = name.trim_end_matches('.').to_ascii_lowercase();
        if is_this_host(&name) {
            return;
        }
        if let Some(known) = self
            .hosts
            .iter_mut()
            .find(|host| host.name == name && host.port == port)
        {
            known.destination |= destination;
        } else if self.hosts.len() < MOST {
            self.hosts.push(Host {
                name,
                port,
                destination,
            });
        } else {
            self.more = true;
        }
    }
}

fn cut(text: &str) -> &str {
    let mut end = text.len().min(LONGEST);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or(text)
}

fn is_border(c: char) -> bool {
    c.is_whitespace()
        || matches!(
            c,
            '"' | '\''
                | '`'
                | ','
                | ';'
                | '|'
                | '<'
                | '>'
                | '('
                | ')'
                | '{'
                | '}'
                | '['
                | ']'
                | '='
                | '@'
                | '\\'
        )
}

/// `key: value`, `key=value`, `"key":"value"`.
fn pair(line: &str) -> Option<(&str, &str)> {
    let at = line.find("\":").map(|at| at + 1);
    let at = at.or_else(|| {
        let mut signs = line.char_indices();
        let mut found = signs.find(|(_, c)| matches!(c, '=' | ':'))?;
        if found.1 == ':' && !line.get(found.0 + 1..)?.starts_with([' ', '\t']) {
            found = signs.find(|(_, c)| *c == '=')?;
        }
        Some(found.0)
    })?;
    let key = line.get(..at)?.trim_matches(['"', '\'', ' ', '-', '\t']);
    // A word, or what scripts set; else it is a sentence.
    let key = key.rsplit(' ').next()?;
    Some((key, line.get(at + 1..)?.trim()))
}

fn port(text: &str) -> Option<u16> {
    let digits = !text.is_empty() && text.len() <= 5 && text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|port| digits && *port > 0)
}

/// `name`, `name:port`, `[::1]:port`.
fn host_and_port(text: &str) -> Option<(&str, Option<u16>)> {
    if let Some(rest) = text.strip_prefix('[') {
        let (address, behind) = rest.split_once(']')?;
        address.parse::<Ipv6Addr>().ok()?;
        return Some((address, behind.strip_prefix(':').and_then(port)));
    }
    match text.split_once(':') {
        Some((name, digits)) => Some((host_name(name)?, Some(port(digits)?))),
        None => Some((host_name(text)?, None)),
    }
}

/// A name of DNS labels (RFC 1123) with a letter in it, or an IPv4 address.
fn host_name(text: &str) -> Option<&str> {
    let name = text.strip_suffix('.').unwrap_or(text);
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    let letters = name.bytes().any(|b| b.is_ascii_alphabetic()) || name.parse::<Ipv4Addr>().is_ok();
    (name.len() <= 253 && letters && name.split('.').all(label)).then_some(text)
}

/// At least two labels, the last of letters; or an address.
fn is_full_name(name: &str) -> bool {
    let name = name.trim_end_matches('.');
    let last = name.rsplit_once('.').map(|(_, last)| last);
    name.parse::<Ipv4Addr>().is_ok()
        || name.parse::<Ipv6Addr>().is_ok()
        || last.is_some_and(|last| last.len() >= 2 && last.bytes().all(|b| b.is_ascii_alphabetic()))
}

/// `service.namespace.svc`, with or without the cluster's domain, or the name of a pod below it.
pub(crate) fn is_cluster_name(name: &str) -> bool {
    let mut labels = name.split('.').skip(2);
    labels.next() == Some("svc") || labels.next() == Some("svc")
}

/// Names that never leave the pod.
fn is_this_host(name: &str) -> bool {
    let four = name.parse::<Ipv4Addr>();
    let six = name.parse::<Ipv6Addr>();
    name == "localhost"
        || name.ends_with(".localhost")
        || four.is_ok_and(|a| a.is_loopback() || a.is_unspecified())
        || six.is_ok_and(|a| a.is_loopback() || a.is_unspecified())
}

/// Names of documents, to which nobody connects.
fn is_schema(host: &str) -> bool {
    matches!(host, "www.w3.org" | "json-schema.org") || host.starts_with("schemas.")
}

/// `DB_HOST`, `db.host`, `dbHost`: `host`.
fn last_word(key: &str) -> String {
    let word = key
        .trim_end_matches(|c: char| !c.is_ascii_alphanumeric())
        .rsplit(|c: char| !c.is_ascii_alphanumeric())
        .next()
        .unwrap_or_default();
    let bytes = word.as_bytes();
    let start = (1..bytes.len())
        .rev()
        .find(|at| {
            let (before, here) = (bytes.get(at - 1), bytes.get(*at));
            before.is_some_and(u8::is_ascii_lowercase) && here.is_some_and(u8::is_ascii_uppercase)
        })
        .unwrap_or(0);
    word.get(start..).unwrap_or(word).to_ascii_lowercase()
}

fn names_destination(key: &str) -> bool {
    const WORDS: [&str; 44] = [
        "addr",
        "addrs",
        "address",
        "addresses",
        "backend",
        "bootstrap",
        "broker",
        "brokers",
        "connect",
        "connection",
        "dsn",
        "endpoint",
        "endpoints",
        "gateway",
        "host",
        "hostaddr",
        "hostname",
        "hostnames",
        "hosts",
        "leader",
        "master",
        "node",
        "nodes",
        "origin",
        "peer",
        "peers",
        "primary",
        "proxy",
        "replica",
        "seed",
        "seeds",
        "sentinel",
        "sentinels",
        "server",
        "servers",
        "service",
        "source",
        "target",
        "targets",
        "upstream",
        "uri",
        "uris",
        "url",
        "urls",
    ];
    WORDS.contains(&&*last_word(key))
}

/// Keys whose short values are other names: of users, databases, modes.
fn names_no_host(key: &str) -> bool {
    const WORDS: [&str; 20] = [
        "catalog",
        "database",
        "db",
        "dbname",
        "engine",
        "environment",
        "login",
        "mode",
        "password",
        "profile",
        "provider",
        "realm",
        "role",
        "schema",
        "tenant",
        "token",
        "type",
        "user",
        "username",
        "vhost",
    ];
    classify::names_credential(key) || WORDS.contains(&&*last_word(key))
}

/// The port that a scheme means, if it means one; an error: what stands behind it is no host.
fn usual_port(scheme: &str) -> Result<Option<u16>, ()> {
    Ok(match scheme.split('+').next().unwrap_or(scheme) {
        "http" | "ws" => Some(80),
        "https" | "wss" => Some(443),
        "postgres" | "postgresql" => Some(5432),
        "mysql" | "mariadb" => Some(3306),
        "mongodb" => Some(27017),
        "redis" | "rediss" | "valkey" => Some(6379),
        "amqp" => Some(5672),
        "amqps" => Some(5671),
        "nats" => Some(4222),
        "kafka" => Some(9092),
        "mqtt" => Some(1883),
        "mqtts" => Some(8883),
        "ldap" => Some(389),
        "ldaps" => Some(636),
        "smtp" => Some(25),
        "smtps" => Some(465),
        "ftp" => Some(21),
        "ssh" | "sftp" => Some(22),
        "sqlserver" | "mssql" => Some(1433),
        "bolt" | "neo4j" => Some(7687),
        "memcached" | "memcache" => Some(11211),
        "" | "file" | "data" | "s3" | "gs" | "abfss" | "wasbs" | "hdfs" | "unix" | "oci"
        | "docker" | "classpath" | "jar" | "spiffe" | "urn" | "arn" | "mailto" | "secret"
        | "vault" | "env" | "sqlite" | "memory" => return Err(()),
        _ => None,
    })
}

#[cfg(test)]
mod tests;
