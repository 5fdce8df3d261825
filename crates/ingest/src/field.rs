//! Where in an object a finding is. Comes in: paths and sentences as scanners write them. Goes out: a JSON
//! pointer (RFC 6901), or the part in words (`container web`). Never: a guess where the source is not clear.

/// Longest path that is read, in bytes; real ones have under 200.
const PATH: usize = 1024;

/// `/spec/containers/0/image` of `spec.containers[0].image`, and `/metadata/labels/a.b~1c` of
/// `metadata.labels[a.b/c]`. `None` for text that is no such path.
pub(crate) fn pointer(path: &str) -> Option<String> {
    let odd = |c: char| c.is_whitespace() || c.is_control();
    if path.is_empty() || path.len() > PATH || path.contains(odd) {
        return None;
    }
    let mut out = String::with_capacity(path.len() + 1);
    let mut rest = path;
    while !rest.is_empty() {
        let (step, next) = match rest.strip_prefix('[') {
            Some(inner) => {
                let (step, next) = inner.split_once(']')?;
                (step.trim_matches(['"', '\'']), next)
            }
            None => rest.split_at(rest.find(['.', '[']).unwrap_or(rest.len())),
        };
        if step.is_empty() || (!rest.starts_with('[') && step.contains(']')) {
            return None;
        }
        out.push('/');
        out.push_str(&step.replace('~', "~0").replace('/', "~1"));
        rest = match next.strip_prefix('.') {
            Some("") => return None,
            Some(next) => next,
            None if next.is_empty() || next.starts_with('[') => next,
            None => return None,
        };
    }
    Some(out)
}

/// The smallest part that holds all of the pointers; `None` if that is the whole object.
pub(crate) fn common(pointers: impl IntoIterator<Item = String>) -> Option<String> {
    let all = pointers.into_iter();
    let shared = all.reduce(|a, b| {
        let steps = a.split('/').zip(b.split('/'));
        let same: Vec<&str> = steps
            .take_while(|(a, b)| a == b)
            .map(|(step, _)| step)
            .collect();
        same.join("/")
    })?;
    (!shared.is_empty()).then_some(shared)
}

/// `container web`.
pub(crate) fn container(name: &str) -> String {
    format!("container {name}")
}

/// The container that a sentence of Trivy's checks is about: `Container 'web' of Deployment 'shop' should ...`,
/// `container "web" of ...`, `container web in default namespace ...`.
pub(crate) fn container_in(message: &str) -> Option<&str> {
    let (_, rest) = message
        .split_once("Container ")
        .or_else(|| message.split_once("container "))?;
    let quote = rest.chars().next().filter(|c| matches!(c, '\'' | '"'));
    let (name, next) = match quote {
        Some(quote) => rest.get(1..)?.split_once(quote)?,
        None => rest.split_at(rest.find(' ')?),
    };
    // Unquoted, any word may follow `container`.
    let named = quote.is_some() || [" of ", " in "].iter().any(|word| next.starts_with(word));
    // A container's name is a DNS label (RFC 1123).
    let label = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    (named && !name.is_empty() && name.len() <= 63 && name.bytes().all(label)).then_some(name)
}

/// `line 12` or `lines 12-14`; lines count from 1.
pub(crate) fn lines(start: Option<f64>, end: Option<f64>) -> Option<String> {
    let start = start.filter(|line| *line >= 1.0)?;
    Some(match end.filter(|end| *end > start) {
        Some(end) => format!("lines {start:.0}-{end:.0}"),
        None => format!("line {start:.0}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_become_pointers() {
        let check = |path: &str, expected: Option<&str>| {
            assert_eq!(pointer(path).as_deref(), expected, "{path}");
        };
        check("spec.hostPID", Some("/spec/hostPID"));
        check(
            "spec.containers[0].securityContext.capabilities.add[2]",
            Some("/spec/containers/0/securityContext/capabilities/add/2"),
        );
        check(
            "metadata.labels[app.kubernetes.io/name]",
            Some("/metadata/labels/app.kubernetes.io~1name"),
        );
        check("a[\"b~c\"][1]", Some("/a/b~0c/1"));
        check("[0].x", Some("/0/x"));
        for odd in [
            "", ".", "a.", ".a", "a..b", "a[0", "a]0", "a[0]b", "a b", "[]",
        ] {
            check(odd, None);
        }
    }

    #[test]
    fn many_pointers_have_one_part_in_common() {
        let check = |all: &[&str], expected: Option<&str>| {
            let found = common(all.iter().map(|p| (*p).to_owned()));
            assert_eq!(found.as_deref(), expected, "{all:?}");
        };
        check(&["/spec/a"], Some("/spec/a"));
        check(&["/spec/a/0/x", "/spec/a/1/x"], Some("/spec/a"));
        check(&["/spec/ab", "/spec/a"], Some("/spec"));
        check(&["/spec/a", "/metadata"], None);
        check(&[], None);
    }

    #[test]
    fn sentences_name_containers() {
        let check = |message: &str, expected: Option<&str>| {
            assert_eq!(container_in(message), expected, "{message}");
        };
        check("Container 'web' of Deployment 'shop' should x", Some("web"));
        check("container \"web-1\" of deployment \"shop\"", Some("web-1"));
        check("container web in default namespace is", Some("web"));
        check("Container should not run as root", None);
        check("Container 'Bad Name' of", None);
        check("container images must", None);
        check("container '", None);
    }
}
