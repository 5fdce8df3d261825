//! The distribution that a person names. Package URLs themselves are `model::purl`'s.
//! Comes in: `debian:12`. Goes out: a release. Never: guesses a part that is not there.

use crate::ecosystem;
use model::inventory::Release;
pub use model::purl::{Purl, PurlError};

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases() {
        let check = |text: &str, id: &str, version: &str| {
            let found = release(text);
            assert_eq!((&*found.id, &*found.version), (id, version), "{text}");
        };
        check("debian:12", "debian", "12");
        check("Debian-12", "debian", "12");
        check("alpine-3.18.4", "alpine", "3.18.4");
        check("alpine-edge", "alpine", "edge");
        check("opensuse-leap-15.5", "opensuse-leap", "15.5");
        check("rhel:8.6", "rhel", "8.6");
        check("bookworm", "debian", "bookworm");
        check("debian-bookworm", "debian", "bookworm");
        check("wolfi", "wolfi", "");
    }
}
