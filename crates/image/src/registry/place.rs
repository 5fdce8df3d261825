//! Where a registry is spoken to. Comes in: the registry of a reference, mirrors, hosts without TLS. Goes out: endpoints
//! in the order in which they are asked, and URLs on them. Never: plain HTTP that nobody asked for, a URL outside of the
//! repository that was named.

use super::{Options, RegistryError};
use reqwest::Url;

/// A mirror of one registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mirror {
    /// The registry whose images it has: `docker.io`.
    pub of: String,
    /// `mirror.example:5000`, `harbor.example/docker-hub`, or `http://...` where it has no TLS.
    pub at: String,
}

impl Mirror {
    /// `HOST=MIRROR`, as `--registry-mirror` takes it.
    pub fn parse(text: &str) -> Result<Self, RegistryError> {
        let usage = |why: &str| RegistryError::Usage {
            what: format!("mirror {text}"),
            why: why.to_owned(),
        };
        let (of, at) = text
            .split_once('=')
            .filter(|(of, at)| !of.is_empty() && !at.is_empty())
            .ok_or_else(|| {
                usage("it is written HOST=MIRROR, as in docker.io=mirror.example:5000")
            })?;
        let mirror = Mirror {
            of: official(of).to_owned(),
            at: at.trim_end_matches('/').to_owned(),
        };
        mirror.endpoint(&Options::default())?;
        Ok(mirror)
    }

    fn endpoint(&self, options: &Options) -> Result<Endpoint, RegistryError> {
        let (plain, at) = match self.at.split_once("://") {
            Some(("http", at)) => (true, at),
            Some(("https", at)) => (false, at),
            Some((scheme, _)) => {
                return Err(RegistryError::Usage {
                    what: format!("mirror {}", self.at),
                    why: format!("{scheme} is no way to a registry"),
                });
            }
            None => (false, &*self.at),
        };
        let (host, prefix) = at.split_once('/').unwrap_or((at, ""));
        let mut endpoint = Endpoint::new(host, options)?;
        if plain {
            endpoint.plain = true;
            endpoint.base = base(host, true)?;
        }
        if !prefix.is_empty() {
            repository(prefix)?;
            endpoint.prefix = format!("{prefix}/");
        }
        Ok(endpoint)
    }
}

/// One place that has a registry's images.
#[derive(Clone, Debug)]
pub(super) struct Endpoint {
    /// As credentials and messages name it: `docker.io`, not the machine behind it.
    pub(super) host: String,
    pub(super) base: Url,
    /// Before every repository; empty or ends with `/`.
    prefix: String,
    /// Without TLS, as the user asked.
    pub(super) plain: bool,
}

impl Endpoint {
    fn new(host: &str, options: &Options) -> Result<Self, RegistryError> {
        let host = official(host);
        let plain = options
            .insecure
            .iter()
            .any(|one| one.eq_ignore_ascii_case(host));
        let base = base(machine(host), plain)?;
        if is_link_local(&base) {
            // Pods may name any registry.
            return Err(RegistryError::Usage {
                what: format!("registry {host}"),
                why: "it is an address at which machines keep their own identity".into(),
            });
        }
        Ok(Endpoint {
            host: host.to_owned(),
            base,
            prefix: String::new(),
            plain,
        })
    }

    /// Mirrors first, then the registry itself.
    pub(super) fn all(registry: &str, options: &Options) -> Result<Vec<Self>, RegistryError> {
        let registry = official(registry);
        let mirrors = options
            .mirrors
            .iter()
            .filter(|mirror| mirror.of == registry);
        let mut all: Vec<Self> = mirrors
            .map(|mirror| mirror.endpoint(options))
            .collect::<Result<_, _>>()?;
        all.push(Endpoint::new(registry, options)?);
        Ok(all)
    }

    /// Only the registry itself: mirrors have no catalog of it.
    pub(super) fn own(registry: &str, options: &Options) -> Result<Self, RegistryError> {
        Endpoint::new(registry, options)
    }

    /// `manifests`, `blobs`, `tags` or `referrers` of a repository.
    pub(super) fn url(
        &self,
        repository: &str,
        kind: &str,
        item: &str,
    ) -> Result<Url, RegistryError> {
        self::repository(repository)?;
        let fine = |byte: u8| byte.is_ascii_alphanumeric() || b"._-:+".contains(&byte);
        if item.is_empty() || item.starts_with('.') || !item.bytes().all(fine) {
            return Err(RegistryError::Usage {
                what: format!("{repository} {item}"),
                why: "it is neither a tag nor a digest".into(),
            });
        }
        self.path(&format!("/v2/{}{repository}/{kind}/{item}", self.prefix))
    }

    /// Any path of the same machine; it begins with `/`.
    pub(super) fn path(&self, path: &str) -> Result<Url, RegistryError> {
        self.base.join(path).map_err(|error| RegistryError::Usage {
            what: format!("{}{path}", self.host),
            why: error.to_string(),
        })
    }

    /// The name of a repository here, as tokens name it.
    pub(super) fn scope(&self, repository: &str) -> String {
        format!("repository:{}{repository}:pull", self.prefix)
    }

    /// The next page that a registry names, on the same machine only.
    pub(super) fn page(&self, from: &Url, link: &str) -> Option<Url> {
        let next = from.join(link).ok()?;
        same_origin(&next, &self.base).then_some(next)
    }
}

/// Docker Hub has many names and one in references (distribution, `reference/normalize.go`).
pub(super) fn official(host: &str) -> &str {
    match host {
        "index.docker.io" | "registry-1.docker.io" | "registry.hub.docker.com" => "docker.io",
        other => other,
    }
}

fn machine(host: &str) -> &str {
    match host {
        "docker.io" => "registry-1.docker.io",
        other => other,
    }
}

fn base(host: &str, plain: bool) -> Result<Url, RegistryError> {
    let scheme = if plain { "http" } else { "https" };
    let fine = |byte: u8| byte.is_ascii_alphanumeric() || b".-:[]_".contains(&byte);
    Some(host)
        .filter(|host| !host.is_empty() && host.bytes().all(fine))
        .and_then(|host| Url::parse(&format!("{scheme}://{host}/")).ok())
        .filter(|url| url.host_str().is_some() && url.username().is_empty())
        .ok_or_else(|| RegistryError::Usage {
            what: format!("registry {host}"),
            why: "it is no host or host:port".into(),
        })
}

/// Path components of a repository (distribution-spec, "Pulling manifests"), case aside. `..` would leave it.
pub(super) fn repository(name: &str) -> Result<(), RegistryError> {
    let fine = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_alphanumeric())
            && part
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
    };
    if name.len() <= 512 && name.split('/').all(fine) {
        return Ok(());
    }
    Err(RegistryError::Usage {
        what: format!("repository {name}"),
        why: "its name breaks the rules for names".into(),
    })
}

pub(super) fn same_origin(one: &Url, other: &Url) -> bool {
    one.scheme() == other.scheme()
        && one.host_str() == other.host_str()
        && one.port_or_known_default() == other.port_or_known_default()
}

/// Addresses that machines keep their own identity at: nothing that an answer names may lead there.
pub(super) fn is_link_local(url: &Url) -> bool {
    let Some(host) = url.host_str() else {
        return true;
    };
    match host.trim_matches(['[', ']']).parse::<std::net::IpAddr>() {
        Ok(std::net::IpAddr::V4(v4)) => v4.is_link_local(),
        Ok(std::net::IpAddr::V6(v6)) => {
            v6.segments()[0] & 0xffc0 == 0xfe80
                || v6 == std::net::Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)
                || v6.to_ipv4_mapped().is_some_and(|v4| v4.is_link_local())
        }
        Err(_) => host.eq_ignore_ascii_case("metadata.google.internal"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls() {
        let options = Options {
            mirrors: vec![
                Mirror::parse("docker.io=harbor.example/hub").unwrap(),
                Mirror::parse("index.docker.io=http://127.0.0.1:5000").unwrap(),
            ],
            insecure: vec!["Plain.example:80".into()],
            ..Options::default()
        };
        let check = |registry: &str, repository: &str, item: &str, expected: &[&str]| {
            let all = Endpoint::all(registry, &options).unwrap();
            let urls: Vec<String> = all
                .iter()
                .map(|one| one.url(repository, "manifests", item))
                .map(|url| url.map_or_else(|error| error.to_string(), |url| url.to_string()))
                .collect();
            assert_eq!(urls, expected, "{registry} {repository}");
        };
        check(
            "docker.io",
            "library/nginx",
            "1.25",
            &[
                "https://harbor.example/v2/hub/library/nginx/manifests/1.25",
                "http://127.0.0.1:5000/v2/library/nginx/manifests/1.25",
                "https://registry-1.docker.io/v2/library/nginx/manifests/1.25",
            ],
        );
        check(
            "ghcr.io",
            "a/b",
            "x",
            &["https://ghcr.io/v2/a/b/manifests/x"],
        );
        check(
            "plain.example:80",
            "a",
            "x",
            &["http://plain.example/v2/a/manifests/x"],
        );
        check(
            "localhost:5000",
            "a",
            "x",
            &["https://localhost:5000/v2/a/manifests/x"],
        );
        let names = "repository ../a: its name breaks the rules for names";
        check("ghcr.io", "../a", "x", &[names]);
        check(
            "ghcr.io",
            "a",
            "../x",
            &["a ../x: it is neither a tag nor a digest"],
        );
    }

    #[test]
    fn what_is_no_host() {
        for host in ["", "a/b", "user@host", "host:port", "a b", "host:99999"] {
            assert!(Endpoint::own(host, &Options::default()).is_err(), "{host}");
        }
        for mirror in [
            "",
            "docker.io",
            "=x",
            "docker.io=",
            "docker.io=ftp://x",
            "a=b/../c",
        ] {
            assert!(Mirror::parse(mirror).is_err(), "{mirror}");
        }
    }

    #[test]
    fn links_stay_and_metadata_is_never_asked() {
        let own = Endpoint::own("reg.example", &Options::default()).unwrap();
        let from = own.path("/v2/_catalog").unwrap();
        assert!(own.page(&from, "/v2/_catalog?last=a").is_some());
        assert!(
            own.page(&from, "https://reg.example:443/v2/_catalog?last=a")
                .is_some()
        );
        assert!(
            own.page(&from, "https://other.example/v2/_catalog?last=a")
                .is_none()
        );
        assert!(own.page(&from, "http://reg.example/v2/_catalog").is_none());
        for (url, expected) in [
            ("http://169.254.169.254/x", true),
            ("http://[fe80::1]/x", true),
            ("http://[::ffff:169.254.169.254]/x", true),
            ("http://metadata.google.internal/", true),
            ("https://10.0.0.1/", false),
            ("https://storage.example/", false),
        ] {
            assert_eq!(is_link_local(&Url::parse(url).unwrap()), expected, "{url}");
        }
    }
}
