//! Which Services a dropped value names: all that stays of env values, arguments and ConfigMaps but key, class, length.
//! `redacted:v1:CLASS:LENGTH:FINGERPRINT` comes with `;MENTION` for each, or with a lone `;`: looked at, names nothing.

use crate::text::Text;
use std::fmt;

/// What a value says about where its reader connects to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mention {
    /// A Service of the cluster; `port` as the value says it.
    Service {
        namespace: Text,
        name: Text,
        port: Option<u16>,
    },
    /// A host that is no Service; its name is not kept.
    Outside { port: Option<u16> },
    /// The value is a port number.
    Port(u16),
    /// The value is longer than what is looked at: it may name more.
    More,
}

const MARK: &str = "redacted:v1:";
const FINGERPRINT: usize = 16;

impl fmt::Display for Mention {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let port = match self {
            Mention::Service {
                namespace,
                name,
                port,
            } => {
                write!(f, "{namespace}/{name}")?;
                port
            }
            Mention::Outside { port } => {
                f.write_str("*")?;
                port
            }
            Mention::Port(port) => return write!(f, ":{port}"),
            Mention::More => return f.write_str("!"),
        };
        port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

/// What the dropped values in `text` name, in their order; `None`: nothing in it was looked at (a version that did not).
pub fn mentions(text: &str) -> Option<Vec<Mention>> {
    let mut found = Vec::new();
    let mut rest = text;
    let mut any = false;
    while let Some(at) = rest.find(MARK) {
        rest = rest.get(at + MARK.len()..)?;
        let mut parts = rest.splitn(3, ':');
        let (_, _, tail) = (parts.next()?, parts.next()?, parts.next()?);
        let tail = tail.get(FINGERPRINT..)?;
        // Another dropped value, or what stands behind this one, ends the list.
        let end = tail.find([' ', '"']).unwrap_or(tail.len());
        let (list, behind) = tail.split_at(end);
        let list = list.strip_prefix(';')?;
        any = true;
        found.extend(list.split(';').filter_map(mention));
        rest = behind;
    }
    any.then_some(found)
}

fn mention(text: &str) -> Option<Mention> {
    if text == "!" {
        return Some(Mention::More);
    }
    let (host, port) = match text.split_once(':') {
        Some((host, port)) => (host, Some(port.parse().ok().filter(|port| *port > 0)?)),
        None => (text, None),
    };
    match (host, host.split_once('/')) {
        ("", _) => port.map(Mention::Port),
        ("*", _) => Some(Mention::Outside { port }),
        (_, Some((namespace, name))) if !namespace.is_empty() && !name.is_empty() => {
            Some(Mention::Service {
                namespace: namespace.into(),
                name: name.into(),
                port,
            })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(list: &str, expected: &str) {
        let text = format!("--db=redacted:v1:text:4:0123456789abcdef{list}");
        let found = mentions(&text).map(|found| {
            let texts: Vec<String> = found.iter().map(Mention::to_string).collect();
            texts.join(" ")
        });
        assert_eq!(found.as_deref().unwrap_or("none"), expected, "{list}");
    }

    #[test]
    fn lists() {
        check("", "none");
        check(";", "");
        check(";shop/web", "shop/web");
        check(
            ";shop/web:80;*:443;*;:5432;!",
            "shop/web:80 *:443 * :5432 !",
        );
        check(";shop/web:0;shop/web:65536;shop/;/web;x;:", "");
        assert_eq!(mentions("plain text"), None);
        assert_eq!(mentions("redacted:v1:text:4:0123"), None);
        assert_eq!(mentions("redacted:v1:x"), None);
    }
}
