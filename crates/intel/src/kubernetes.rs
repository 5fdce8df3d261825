//! Versions of Kubernetes components. Comes in: a version as a vendor writes it. Goes out: its order by what is in it.
//! Never: takes a vendor's suffix for a pre-release.

use std::cmp::Ordering;

/// The order of two versions; `None` where one cannot be read.
pub(crate) fn compare(a: &str, b: &str) -> Option<Ordering> {
    Some(Version::parse(a)?.cmp(&Version::parse(b)?))
}

/// A version of a Kubernetes component. Vendors append their own suffix (`-gke.100`, `-eks-a737599`, `+k3s1`) to the
/// release that they patch; it is no pre-release and does not order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Version {
    numbers: [u64; 3],
    /// Empty for a release.
    pre: Vec<PreRelease>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum PreRelease {
    Number(u64),
    Word(String),
}

impl Version {
    /// `v1.30.2-rc.1+build`; a missing minor or patch is 0.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let text = text.strip_prefix(['v', 'V']).unwrap_or(text);
        let text = text.split('+').next().unwrap_or(text);
        let (core, suffix) = text.split_once('-').unwrap_or((text, ""));
        let mut numbers = [0; 3];
        let mut parts = core.split('.');
        for (position, slot) in numbers.iter_mut().enumerate() {
            match parts.next() {
                Some(part) if part.bytes().all(|b| b.is_ascii_digit()) => {
                    *slot = part.parse().ok()?;
                }
                None if position > 0 => {}
                _ => return None,
            }
        }
        if parts.next().is_some() {
            return None;
        }
        // OSV bounds such as `0.8.2-0` are pre-releases too: a bare number is.
        let pre = ["alpha", "beta", "rc", "dev", "pre"]
            .iter()
            .any(|word| suffix.starts_with(word))
            || suffix.split('.').next().is_some_and(|first| {
                !first.is_empty() && first.bytes().all(|b| b.is_ascii_digit())
            });
        let pre = suffix.split('.').filter(|_| pre).map(|part| {
            part.parse()
                .map_or_else(|_| PreRelease::Word(part.to_owned()), PreRelease::Number)
        });
        Some(Version {
            numbers,
            pre: pre.collect(),
        })
    }
}

impl Ord for Version {
    /// Semantic Versioning 2.0.0, section 11.
    fn cmp(&self, other: &Self) -> Ordering {
        self.numbers.cmp(&other.numbers).then_with(|| {
            match (self.pre.is_empty(), other.pre.is_empty()) {
                (true, true) => Ordering::Equal,
                (true, false) => Ordering::Greater,
                (false, true) => Ordering::Less,
                (false, false) => self.pre.cmp(&other.pre),
            }
        })
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// The package of the Kubernetes feed that a component's common name means: `kube-apiserver`, `apiserver`, `kubelet`.
pub(crate) fn package(component: &str) -> String {
    let name = component.trim();
    if name.contains('/') {
        return name.to_owned();
    }
    let name = name.to_ascii_lowercase();
    let short = match name.as_str() {
        "kube-apiserver" => "apiserver",
        "kube-controller-manager" => "controller-manager",
        "kube-scheduler" => "scheduler",
        other => other,
    };
    format!("k8s.io/{short}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(text: &str) -> Version {
        Version::parse(text).unwrap()
    }

    #[test]
    fn versions() {
        for (lower, higher) in [
            ("1.9.6", "1.10.0"),
            ("1.30.0-alpha.1", "1.30.0-alpha.2"),
            ("1.30.0-alpha.3", "1.30.0-beta.0"),
            ("1.30.0-rc.1", "1.30.0"),
            ("2.0.0-alpha.0", "2.0.0-alpha.1"),
            ("0.8.2-0", "0.8.2"),
        ] {
            assert!(version(lower) < version(higher), "{lower} < {higher}");
        }
        for (a, b) in [
            ("v1.30.2-gke.1014001", "1.30.2"),
            ("v1.30.4-eks-a737599", "1.30.4"),
            ("v1.30.4+k3s1", "1.30.4"),
            ("1.30", "1.30.0"),
        ] {
            assert_eq!(version(a).cmp(&version(b)), Ordering::Equal, "{a} = {b}");
        }
        for bad in [
            "",
            "latest",
            "1.2.3.4",
            "1..2",
            "v",
            "99999999999999999999999",
        ] {
            assert_eq!(Version::parse(bad), None, "{bad}");
        }
    }
}
