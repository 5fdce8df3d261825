//! Who we may be at a registry. Comes in: Docker's `config.json`, Podman's `auth.json`, contents of pull secrets. Goes
//! out: for a registry and repository the credentials to try, the closest first. Never: prints a secret, runs a program
//! that a Secret of the cluster names, gives a credential to a host that it does not name.
//!
//! Formats: docker/cli `cli/config/configfile`, containers-auth.json(5), Kubernetes `pkg/credentialprovider`.

use super::place::official;
use super::{Options, RegistryError};
use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

/// Bytes of the largest file of credentials.
const FILE: u64 = 1 << 20;

/// Some tools pad, some do not.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Text that is shown nowhere.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Secret(pub(super) String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Credential {
    Basic {
        user: String,
        password: Secret,
    },
    /// An OAuth2 refresh token (`identitytoken`, or a helper's user `<token>`).
    Identity(Secret),
    /// A bearer token for the registry itself (`registrytoken`).
    Bearer(Secret),
}

impl Credential {
    /// What a helper or a file says as user and secret.
    pub(super) fn new(user: &str, secret: &str) -> Self {
        match user {
            "<token>" => Credential::Identity(Secret(secret.into())),
            user => Credential::Basic {
                user: user.into(),
                password: Secret(secret.into()),
            },
        }
    }

    pub(super) fn basic(user: &str, password: &str) -> String {
        BASE64.encode(format!("{user}:{password}"))
    }
}

/// `user:password` in base64, as files and the token service of ECR have it.
pub(super) fn decode(auth: &str) -> Option<Credential> {
    let bytes = BASE64.decode(auth.trim()).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    let (user, password) = text.trim_end_matches('\0').split_once(':')?;
    (!user.is_empty()).then(|| Credential::new(user, password))
}

/// One thing to try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Way {
    Known(Credential),
    /// `docker-credential-NAME`, asked for `server`.
    Helper {
        name: String,
        server: String,
    },
    /// The machine's own identity in its cloud, for this host.
    Cloud(String),
}

#[derive(Clone, Debug)]
pub(super) struct Try {
    pub(super) way: Way,
    /// For messages: the file or Secret that says so.
    pub(super) origin: String,
}

/// All sources, the first one that has something wins.
#[derive(Clone, Debug, Default)]
pub(super) struct Keychain {
    sources: Vec<Source>,
    /// Files that were there and could not be used.
    pub(super) unread: Vec<String>,
}

#[derive(Clone, Debug)]
struct Source {
    origin: String,
    entries: Vec<(Pattern, Credential)>,
    helpers: BTreeMap<String, String>,
    store: Option<String>,
    /// Of the cluster. The closest entry of all pull secrets counts, not the first secret (Kubernetes, `keyring.go`).
    of_cluster: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    #[serde(default)]
    auths: Option<BTreeMap<String, Auth>>,
    #[serde(default)]
    cred_helpers: Option<BTreeMap<String, String>>,
    #[serde(default)]
    creds_store: Option<String>,
}

#[derive(Default, Deserialize)]
#[allow(clippy::struct_field_names)] // the file's names
struct Auth {
    #[serde(default)]
    auth: Option<String>,
    #[serde(default)]
    username: Option<String>,
    #[serde(default)]
    password: Option<String>,
    #[serde(default, alias = "identityToken")]
    identitytoken: Option<String>,
    #[serde(default, alias = "registryToken")]
    registrytoken: Option<String>,
}

impl Auth {
    fn credential(&self) -> Option<Credential> {
        let said = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        if let Some(token) = said(&self.registrytoken) {
            return Some(Credential::Bearer(Secret(token)));
        }
        if let Some(token) = said(&self.identitytoken) {
            return Some(Credential::Identity(Secret(token)));
        }
        match (said(&self.username), said(&self.password)) {
            (Some(user), Some(password)) => Some(Credential::new(&user, &password)),
            _ => decode(&said(&self.auth)?),
        }
    }
}

impl Keychain {
    /// The file that was named, or those that other tools write.
    pub(super) fn read(options: &Options) -> Result<Self, RegistryError> {
        let mut keychain = Keychain::default();
        if let Some(path) = &options.auth_file {
            let source = Source::read(path).map_err(|why| RegistryError::File {
                path: path.clone(),
                why,
            })?;
            keychain.sources.extend(source);
            if keychain.sources.is_empty() {
                return Err(RegistryError::File {
                    path: path.clone(),
                    why: "it is not there".into(),
                });
            }
            return Ok(keychain);
        }
        for path in files(options) {
            match Source::read(&path) {
                Ok(source) => keychain.sources.extend(source),
                Err(why) => keychain.unread.push(format!("{}: {why}", path.display())),
            }
        }
        Ok(keychain)
    }

    /// Pull secrets go before the user's own files: they are for this image. Their helpers are not run.
    pub(super) fn with_secrets(&self, secrets: &[(String, Vec<u8>)]) -> Self {
        let mut keychain = Keychain {
            sources: Vec::new(),
            unread: self.unread.clone(),
        };
        for (name, bytes) in secrets {
            match Source::parse(format!("secret {name}"), bytes) {
                Ok(source) => keychain.sources.push(Source {
                    helpers: BTreeMap::new(),
                    store: None,
                    of_cluster: true,
                    ..source
                }),
                Err(why) => keychain.unread.push(format!("secret {name}: {why}")),
            }
        }
        keychain.sources.extend(self.sources.iter().cloned());
        keychain
    }

    /// What to try for a repository, in order.
    pub(super) fn find(&self, host: &str, repository: &str) -> Vec<Try> {
        let host = official(host).to_ascii_lowercase();
        let mut all: Vec<Try> = Vec::new();
        let mut add = |way: Way, origin: &str| {
            if !all.iter().any(|one| one.way == way) {
                let origin = origin.to_owned();
                all.push(Try { way, origin });
            }
        };
        for sources in self
            .sources
            .chunk_by(|one, next| one.of_cluster && next.of_cluster)
        {
            // A helper for this host alone says more than a store for all.
            for source in sources {
                if let Some(name) = source.helpers.get(&host) {
                    add(helper(name, &host), &source.origin);
                }
            }
            let mut fitting: Vec<(&Pattern, &Credential, &str)> = sources
                .iter()
                .flat_map(|source| source.entries.iter().map(move |entry| (entry, source)))
                .filter(|((pattern, _), _)| pattern.fits(&host, repository))
                .map(|((pattern, credential), source)| (pattern, credential, &*source.origin))
                .collect();
            fitting.sort_by_key(|(pattern, ..)| pattern.distance());
            for (_, credential, origin) in fitting {
                add(Way::Known(credential.clone()), origin);
            }
            for source in sources {
                if let Some(name) = source
                    .store
                    .as_ref()
                    .filter(|_| !source.helpers.contains_key(&host))
                {
                    add(helper(name, &host), &source.origin);
                }
            }
        }
        all
    }
}

fn helper(name: &str, host: &str) -> Way {
    // Docker's own key for its Hub (docker/cli, `registry.IndexServer`).
    let server = match host {
        "docker.io" => "https://index.docker.io/v1/",
        other => other,
    };
    Way::Helper {
        name: name.to_owned(),
        server: server.to_owned(),
    }
}

/// Where Podman, Skopeo and Docker look, in their order (containers-auth.json(5), docker/cli).
fn files(options: &Options) -> Vec<PathBuf> {
    let environment = &options.environment;
    if let Some(path) = &environment.registry_auth_file {
        return vec![path.clone()];
    }
    let mut files = Vec::new();
    if let Some(folder) = &environment.docker_config {
        files.push(folder.join("config.json"));
    }
    if let Some(folder) = &environment.xdg_runtime_dir {
        files.push(folder.join("containers/auth.json"));
    }
    if let Some(home) = &environment.home {
        let config = environment.xdg_config_home.clone();
        let config = config.unwrap_or_else(|| home.join(".config"));
        files.push(config.join("containers/auth.json"));
        if environment.docker_config.is_none() {
            files.push(home.join(".docker/config.json"));
        }
    }
    files
}

impl Source {
    /// `Ok(None)`: there is no such file.
    fn read(path: &Path) -> Result<Option<Self>, String> {
        let file = match File::open(path) {
            Ok(file) => file,
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
                ) =>
            {
                return Ok(None);
            }
            Err(error) => return Err(error.to_string()),
        };
        let mut bytes = Vec::new();
        file.take(FILE + 1)
            .read_to_end(&mut bytes)
            .map_err(|error| error.to_string())?;
        Source::parse(path.display().to_string(), &bytes).map(Some)
    }

    fn parse(origin: String, bytes: &[u8]) -> Result<Self, String> {
        if bytes.len() as u64 > FILE {
            return Err(format!("it has more than {FILE} bytes"));
        }
        // serde's messages quote what they stumble over, which may be a secret: only the place is told.
        let place = |error: serde_json::Error| {
            format!(
                "it is no such JSON (line {}, column {})",
                error.line(),
                error.column()
            )
        };
        let document: Document = serde_json::from_slice(bytes).map_err(place)?;
        let auths = match document.auths {
            Some(auths) => auths,
            // `.dockercfg` has the entries at the top (Kubernetes, `kubernetes.io/dockercfg`).
            None if document.cred_helpers.is_none() && document.creds_store.is_none() => {
                serde_json::from_slice(bytes).unwrap_or_default()
            }
            None => BTreeMap::new(),
        };
        let entry =
            |(key, auth): (&String, &Auth)| Some((Pattern::parse(key)?, auth.credential()?));
        Ok(Source {
            origin,
            entries: auths.iter().filter_map(entry).collect(),
            helpers: document
                .cred_helpers
                .unwrap_or_default()
                .into_iter()
                .filter_map(|(key, name)| Some((Pattern::parse(&key)?.host, name)))
                .collect(),
            store: document.creds_store.filter(|name| !name.is_empty()),
            of_cluster: false,
        })
    }
}

/// For which host and repositories a credential is.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Pattern {
    /// With its port; `*` stands for a part of one label (Kubernetes, `urlsMatch`).
    host: String,
    path: Vec<String>,
}

impl Pattern {
    fn parse(key: &str) -> Option<Self> {
        let key = key.trim();
        let key = key
            .strip_prefix("https://")
            .or(key.strip_prefix("http://"))
            .unwrap_or(key);
        let (host, path) = key.split_once('/').unwrap_or((key, ""));
        let path: Vec<String> = path
            .split('/')
            .filter(|part| !part.is_empty())
            .map(Into::into)
            .collect();
        // The version of the protocol is no repository (Kubernetes, `keyring.go`).
        let path = match path.first().map(String::as_str) {
            Some("v1" | "v2") => path.get(1..).unwrap_or_default().to_vec(),
            _ => path,
        };
        let host = official(&host.to_ascii_lowercase()).to_owned();
        (!host.is_empty()).then_some(Pattern { host, path })
    }

    fn fits(&self, host: &str, repository: &str) -> bool {
        let port = |host: &str| host.rsplit_once(':').map(|(_, port)| port.to_owned());
        let name = |host: &str| {
            host.rsplit_once(':')
                .map_or(host, |(name, _)| name)
                .to_owned()
        };
        let (own, other) = (name(&self.host), name(host));
        let (own, other): (Vec<&str>, Vec<&str>) =
            (own.split('.').collect(), other.split('.').collect());
        let mut parts = repository.split('/');
        port(&self.host) == port(host)
            && own.len() == other.len()
            && own.iter().zip(&other).all(|(own, other)| label(own, other))
            && self.path.iter().all(|part| parts.next() == Some(part))
    }

    /// Longer paths and whole host names are closer.
    fn distance(&self) -> (std::cmp::Reverse<usize>, bool) {
        (std::cmp::Reverse(self.path.len()), self.host.contains('*'))
    }
}

/// `*` in a label of a host name, any number of times.
fn label(pattern: &str, text: &str) -> bool {
    super::list::glob(pattern, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keychain(json: &str) -> Keychain {
        Keychain {
            sources: vec![Source::parse("test".into(), json.as_bytes()).unwrap()],
            unread: Vec::new(),
        }
    }

    fn told(tries: &[Try]) -> Vec<String> {
        let told = tries.iter().map(|one| match &one.way {
            Way::Known(Credential::Basic { user, password }) => format!("{user}:{}", password.0),
            Way::Known(Credential::Identity(token)) => format!("identity {}", token.0),
            Way::Known(Credential::Bearer(token)) => format!("bearer {}", token.0),
            Way::Helper { name, server } => format!("{name} {server}"),
            Way::Cloud(host) => format!("cloud {host}"),
        });
        told.collect()
    }

    #[test]
    fn the_closest_of_all_pull_secrets_before_own_files() {
        let own = keychain(r#"{"auths":{"reg.example/team/app":{"auth":"b3duOng="}}}"#);
        let secrets = [
            (
                "shop/wide",
                r#"{"auths":{"reg.example":{"auth":"d2lkZTp4"}}}"#,
            ),
            ("shop/old", r#"{"reg.example/team":{"auth":"bmVhcjp4"}}"#),
            ("shop/run", r#"{"auths":{},"credsStore":"evil"}"#),
        ];
        let secrets = secrets.map(|(name, text)| (name.to_owned(), text.as_bytes().to_vec()));
        let found = own.with_secrets(&secrets).find("reg.example", "team/app");
        assert_eq!(told(&found), ["near:x", "wide:x", "own:x"]);
        assert_eq!(found[0].origin, "secret shop/old");
    }

    #[test]
    fn the_closest_first() {
        let json = r#"{"auths":{
            "https://index.docker.io/v1/":{"auth":"aHViOnA6cQ=="},
            "quay.io":{"auth":"YTp4"}, "quay.io/org":{"auth":"Yjp4"}, "quay.io/org/app":{"auth":"Yzp4"},
            "*.dkr.ecr.*.amazonaws.com":{"username":"AWS","password":"e"},
            "reg.example:5000":{"identitytoken":"it","auth":"PHRva2VuPjo="},
            "bearer.example":{"registrytoken":"rt"},
            "stored.example":{},
            "bad.example":{"auth":"!"},
            "nul.example":{"auth":"dTpwAAA="}},
            "credHelpers":{"gcr.io":"gcloud","quay.io":"quay"},"credsStore":"pass"}"#;
        let keychain = keychain(json);
        let check = |host: &str, repository: &str, expected: &[&str]| {
            assert_eq!(
                told(&keychain.find(host, repository)),
                expected,
                "{host}/{repository}"
            );
        };
        check(
            "docker.io",
            "library/nginx",
            &["hub:p:q", "pass https://index.docker.io/v1/"],
        );
        check("quay.io", "org/app", &["quay quay.io", "c:x", "b:x", "a:x"]);
        check("quay.io", "org/apps", &["quay quay.io", "b:x", "a:x"]);
        check("quay.io", "other", &["quay quay.io", "a:x"]);
        let ecr = "1.dkr.ecr.eu-west-1.amazonaws.com";
        check(ecr, "a", &["AWS:e", &format!("pass {ecr}")]);
        check(
            "dkr.ecr.amazonaws.com.evil.example",
            "a",
            &["pass dkr.ecr.amazonaws.com.evil.example"],
        );
        check(
            "reg.example:5000",
            "a",
            &["identity it", "pass reg.example:5000"],
        );
        check("reg.example", "a", &["pass reg.example"]);
        check("bearer.example", "a", &["bearer rt", "pass bearer.example"]);
        check("gcr.io", "a", &["gcloud gcr.io"]);
        check("stored.example", "a", &["pass stored.example"]);
        check("bad.example", "a", &["pass bad.example"]);
        check("nul.example", "a", &["u:p", "pass nul.example"]);
    }

    #[test]
    fn secrets_run_nothing_and_go_first() {
        let own = keychain(r#"{"auths":{"reg.example":{"auth":"YTp4"}}}"#);
        let secrets = [
            (
                "shop/pull".to_owned(),
                br#"{"reg.example":{"auth":"Yjp4"}}"#.to_vec(),
            ),
            ("shop/bad".to_owned(), b"{".to_vec()),
            (
                "shop/run".to_owned(),
                br#"{"credHelpers":{"reg.example":"evil"}}"#.to_vec(),
            ),
        ];
        let both = own.with_secrets(&secrets);
        assert_eq!(told(&both.find("reg.example", "a")), ["b:x", "a:x"]);
        assert_eq!(both.unread.len(), 1);
        assert!(both.unread[0].starts_with("secret shop/bad"));
    }

    #[test]
    fn nothing_shows_a_secret() {
        let keychain = keychain(r#"{"auths":{"a":{"auth":"dTpodW50ZXIy"}}}"#);
        assert!(!format!("{keychain:?}").contains("hunter2"));
        let error = Source::parse("x".into(), br#"{"auths":"hunter2"}"#).unwrap_err();
        assert!(!error.contains("hunter2"), "{error}");
    }
}
