//! Images of registries. Comes in: a reference, a host, and who we may be there. Goes out: the same [`Image`] that
//! archives give, its layers to be read as streams; what a registry holds; what is attached to an image. Never: writes to
//! disk, takes a byte for what it is before its digest says so, tells one host another's credential.
//!
//! ```text
//! mod (Client) ── list, attached ──┐
//!       │                          ├── access ── keychain ── helper, cloud
//!       └── stream ────────────────┘      └──── http ── place
//! ```
//!
//! All of it blocks: call it from threads of your own, never from inside an async runtime.
//!
//! OCI distribution-spec 1.1; Docker's registry HTTP API V2.

mod access;
mod attached;
mod cloud;
mod error;
mod helper;
mod http;
mod keychain;
mod list;
mod place;
mod stream;
#[cfg(test)]
mod testing;

pub use attached::{Attached, Attachment, How};
pub use error::{Class, RegistryError};
pub use list::{Listed, Listing, Order, Selection, Target};
pub use place::Mirror;

use crate::digest;
use crate::manifest::{Config, Manifest, Platform, choose};
use crate::source::{DOCUMENT, Image, Wanted, agrees, platform};
use access::{Access, Ticket};
use http::{Ask, Http, unexpected};
use keychain::Keychain;
use model::image::{ImageIdentity, ImageReference, is_digest};
use model::text::Text;
use place::Endpoint;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Bytes of the largest manifest: what registries must take (distribution-spec, "Pushing Manifests").
const MANIFEST: u64 = 4 << 20;
/// Indexes that lead to indexes.
const DEPTH: usize = 4;
/// All that [`Manifest`] understands. Order is preference.
const ACCEPT: &str = "application/vnd.oci.image.index.v1+json, \
    application/vnd.docker.distribution.manifest.list.v2+json, \
    application/vnd.oci.image.manifest.v1+json, \
    application/vnd.docker.distribution.manifest.v2+json";

/// Everything that is decided outside; nothing here is read from the environment but by [`Environment::read`].
#[derive(Clone, Debug)]
pub struct Options {
    /// Only this file is asked for credentials (`--registry-auth FILE`).
    pub auth_file: Option<PathBuf>,
    pub mirrors: Vec<Mirror>,
    /// Registries (`host` or `host:port`, as in references) that are spoken to without TLS.
    pub insecure: Vec<String>,
    /// Authorities in PEM form that are trusted beside the system's.
    pub ca_files: Vec<PathBuf>,
    /// Whether the machine's own identity in its cloud may log in at ECR, Google's and Azure's registries.
    pub cloud_identity: bool,
    pub environment: Environment,
    /// For a connection.
    pub connect: Duration,
    /// For the start of an answer, and between two pieces of it.
    pub answer: Duration,
    /// After which one request is not tried again; pauses that a server asks for count.
    pub patience: Duration,
    /// How often one request is sent at most.
    pub attempts: u32,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            auth_file: None,
            mirrors: Vec::new(),
            insecure: Vec::new(),
            ca_files: Vec::new(),
            cloud_identity: false,
            environment: Environment::default(),
            connect: Duration::from_secs(10),
            answer: Duration::from_secs(30),
            patience: Duration::from_mins(1),
            attempts: 5,
        }
    }
}

/// What is taken from the environment: where credentials are, and the cloud's own variables. Proxies are the HTTP
/// client's matter (`HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY`, `NO_PROXY`).
#[derive(Clone, Default)]
pub struct Environment {
    pub home: Option<PathBuf>,
    pub docker_config: Option<PathBuf>,
    pub registry_auth_file: Option<PathBuf>,
    pub xdg_runtime_dir: Option<PathBuf>,
    pub xdg_config_home: Option<PathBuf>,
    /// Where credential helpers are looked for.
    pub path: Option<OsString>,
    /// `AWS_*`, `AZURE_*` and `GCE_METADATA_HOST`; some are secret.
    pub variables: BTreeMap<String, String>,
}

impl std::fmt::Debug for Environment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<&String> = self.variables.keys().collect();
        f.debug_struct("Environment")
            .field("variables", &names)
            .finish_non_exhaustive()
    }
}

impl Environment {
    /// This process's.
    pub fn read() -> Self {
        let path = |name: &str| {
            std::env::var_os(name)
                .filter(|value| !value.is_empty())
                .map(PathBuf::from)
        };
        let cloud = |name: &str| {
            name.starts_with("AWS_") || name.starts_with("AZURE_") || name == "GCE_METADATA_HOST"
        };
        Environment {
            home: path("HOME"),
            docker_config: path("DOCKER_CONFIG"),
            registry_auth_file: path("REGISTRY_AUTH_FILE"),
            xdg_runtime_dir: path("XDG_RUNTIME_DIR"),
            xdg_config_home: path("XDG_CONFIG_HOME"),
            path: std::env::var_os("PATH"),
            variables: std::env::vars_os()
                .filter_map(|(name, value)| {
                    Some((name.into_string().ok()?, value.into_string().ok()?))
                })
                .filter(|(name, _)| cloud(name))
                .collect(),
        }
    }

    fn variable(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str)
    }
}

/// A way to all registries. Cheap to clone; clones share connections and tokens.
#[derive(Clone, Debug)]
pub struct Client {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    options: Options,
    http: Http,
    keychain: Keychain,
    access: Access,
}

impl Client {
    /// # Errors
    /// [`RegistryError::File`] where the file of credentials that was named, or an authority, cannot be used. Files that
    /// nobody named and that cannot be used are told when a login fails.
    pub fn new(options: &Options) -> Result<Self, RegistryError> {
        Ok(Client {
            shared: Arc::new(Shared {
                http: Http::new(options)?,
                keychain: Keychain::read(options)?,
                options: options.clone(),
                access: Access::default(),
            }),
        })
    }

    /// The same way with pull secrets first: their names, for messages, and what is in `.dockerconfigjson` or
    /// `.dockercfg`. Programs that they name are not run.
    #[must_use]
    pub fn with_secrets(&self, secrets: &[(String, Vec<u8>)]) -> Self {
        Client {
            shared: Arc::new(Shared {
                http: self.shared.http.clone(),
                keychain: self.shared.keychain.with_secrets(secrets),
                options: self.shared.options.clone(),
                access: Access::default(),
            }),
        }
    }

    /// An image: its documents are fetched and checked, its layers can be opened, from any thread. A tag is asked for
    /// once; everything after it goes by digest. `latest` where a reference has neither tag nor digest.
    ///
    /// # Errors
    /// Of [`RegistryError`]; [`RegistryError::Artifact`] where there is something else than an image.
    pub fn image(
        &self,
        reference: &ImageReference,
        platform: Option<&Platform>,
    ) -> Result<Image, RegistryError> {
        let wanted = Wanted {
            platform: platform.cloned(),
            ..Wanted::default()
        };
        let endpoints = Endpoint::all(&reference.registry, &self.shared.options)?;
        let mut failed: Vec<String> = Vec::new();
        for at in 0..endpoints.len() {
            // The place that has the manifest is asked for the layers first, the registry itself last.
            let order: Arc<[Endpoint]> = endpoints.get(at..).unwrap_or_default().into();
            let error = match self.image_at(&order, reference, &wanted) {
                Ok(image) => return Ok(image),
                Err(error) => error,
            };
            if at + 1 < endpoints.len() {
                failed.push(error.told());
            } else if failed.is_empty() {
                return Err(error);
            } else {
                return Err(RegistryError::Mirrors {
                    mirrors: failed.join("; "),
                    source: Box::new(error),
                });
            }
        }
        Err(RegistryError::Usage {
            what: reference.to_string(),
            why: "it has no registry".into(),
        })
    }

    fn image_at(
        &self,
        endpoints: &Arc<[Endpoint]>,
        reference: &ImageReference,
        wanted: &Wanted,
    ) -> Result<Image, RegistryError> {
        let name = reference.to_string();
        let Some(endpoint) = endpoints.first() else {
            return Err(no_image(&name, "it has no registry"));
        };
        let repository = &*reference.repository;
        let tag = reference.tag.as_deref().unwrap_or("latest");
        let mut item: Text = reference.digest.clone().unwrap_or_else(|| tag.into());
        let mut identity = ImageIdentity::default();
        for _ in 0..DEPTH {
            let (manifest, digest) = self.manifest(endpoint, repository, &item)?;
            if manifest.is_without_images() {
                let kind = "an index without images".to_owned();
                return Err(RegistryError::Artifact { what: name, kind });
            }
            if manifest.is_index() {
                identity.indexes.push(digest);
                item = Text::clone(&choose(&name, &manifest, wanted.platform.as_ref())?.digest);
                continue;
            }
            if let Some(kind) = artifact(&manifest) {
                return Err(RegistryError::Artifact { what: name, kind });
            }
            let Some(descriptor) = &manifest.config else {
                return Err(no_image(&name, "its manifest names no configuration"));
            };
            let document = self.small_blob(endpoint, repository, &descriptor.digest, DOCUMENT)?;
            let config = Config::parse(&format!("configuration {}", descriptor.digest), &document)?;
            agrees(&name, &config, wanted)?;
            identity.config = Some(Text::clone(&descriptor.digest));
            identity.platform = platform(&config);
            identity.references.push(ImageReference {
                tag: match (&reference.tag, &reference.digest) {
                    (None, None) => Some("latest".into()),
                    // Nobody asked whether this tag is still of this digest.
                    (_, Some(_)) => None,
                    (tag, None) => tag.clone(),
                },
                digest: Some(Text::clone(&digest)),
                ..reference.clone()
            });
            identity.manifests.push(digest);
            let opener = |layer: &_| stream::opener(self, endpoints, repository, layer);
            return Ok(Image::new(
                name.into(),
                identity,
                &manifest,
                config,
                opener,
            )?);
        }
        Err(no_image(&name, "its indexes lead to indexes without end"))
    }

    /// A manifest or index and its digest: that which was asked for, or that of what came for a tag.
    fn manifest(
        &self,
        endpoint: &Endpoint,
        repository: &str,
        item: &str,
    ) -> Result<(Manifest, Text), RegistryError> {
        let (bytes, digest) = self.manifest_bytes(endpoint, repository, item)?;
        Ok((
            Manifest::parse(&format!("manifest {item} of {repository}"), &bytes)?,
            digest,
        ))
    }

    fn manifest_bytes(
        &self,
        endpoint: &Endpoint,
        repository: &str,
        item: &str,
    ) -> Result<(Vec<u8>, Text), RegistryError> {
        let joint = if item.contains(':') { '@' } else { ':' };
        let what = format!("{repository}{joint}{item}");
        let url = endpoint.url(repository, "manifests", item)?;
        let mut ask = Ask::get(url, &endpoint.host, &what);
        ask.accept = Some(ACCEPT);
        let ticket = Ticket::pull(endpoint, repository);
        let (bytes, headers) = self.fetch(&ticket, &ask, MANIFEST)?;
        if is_digest(item) {
            check(&what, &bytes, item)?;
            return Ok((bytes, item.into()));
        }
        let said = headers
            .get("docker-content-digest")
            .and_then(|text| text.to_str().ok());
        if let Some(said) = said.filter(|said| is_digest(said)) {
            check(&what, &bytes, said)?;
            return Ok((bytes, said.into()));
        }
        let digest = digest::sha256(&bytes);
        Ok((bytes, digest.into()))
    }

    /// A configuration or another small blob, checked.
    fn small_blob(
        &self,
        endpoint: &Endpoint,
        repository: &str,
        digest: &str,
        most: u64,
    ) -> Result<Vec<u8>, RegistryError> {
        let what = format!("{digest} of {repository}");
        let url = endpoint.url(repository, "blobs", digest)?;
        let ask = Ask::get(url, &endpoint.host, &what);
        let (bytes, _) = self.fetch(&Ticket::pull(endpoint, repository), &ask, most)?;
        check(&what, &bytes, digest)?;
        Ok(bytes)
    }

    /// A whole answer of status 200.
    fn fetch(
        &self,
        ticket: &Ticket<'_>,
        ask: &Ask<'_>,
        most: u64,
    ) -> Result<(Vec<u8>, reqwest::header::HeaderMap), RegistryError> {
        self.shared.http.document(ask, most, || {
            let mut ask = ask.clone();
            let response = self.ask(ticket, &mut ask)?;
            match response.status().as_u16() {
                200 => Ok(response),
                _ => Err(unexpected(&ask, response)),
            }
        })
    }
}

fn no_image(what: &str, why: &str) -> RegistryError {
    RegistryError::Image(crate::ImageError::no_image(what, why))
}

fn check(what: &str, bytes: &[u8], digest: &str) -> Result<(), RegistryError> {
    digest::check(bytes, digest).map_err(|found| {
        RegistryError::Image(crate::ImageError::Digest {
            what: what.to_owned(),
            expected: digest.to_owned(),
            found,
        })
    })
}

/// Layers of what is no image, by the start of their media type.
const ARTIFACTS: &[(&str, &str)] = &[
    ("application/vnd.dev.cosign.", "a signature"),
    ("application/vnd.dev.sigstore.", "a signature"),
    ("application/vnd.dsse.", "an attestation"),
    ("application/vnd.in-toto", "an attestation"),
    ("application/vnd.wasm.", "a WebAssembly module"),
    ("application/wasm", "a WebAssembly module"),
    ("application/vnd.cncf.helm.", "a Helm chart"),
    ("application/vnd.cyclonedx", "a bill of materials"),
    ("application/spdx", "a bill of materials"),
    ("text/spdx", "a bill of materials"),
];

/// What a manifest is of, where it is no image (image-spec, "Guidelines for Artifact Usage").
fn artifact(manifest: &Manifest) -> Option<String> {
    let config = manifest.config.as_ref();
    let config = config
        .and_then(|config| config.media_type.as_deref())
        .unwrap_or("");
    let kind = manifest
        .artifact_type
        .as_deref()
        .filter(|kind| !kind.is_empty());
    let layers = || {
        manifest
            .layers
            .iter()
            .filter_map(|layer| layer.media_type.as_deref())
    };
    // Cosign's old form is the configuration of an image over layers that are none.
    let of_layers = layers().find_map(|layer| {
        let known = ARTIFACTS.iter().find(|(start, _)| layer.starts_with(start));
        known.map(|(_, kind)| (*kind).to_owned())
    });
    if of_layers.is_some() {
        return of_layers;
    }
    match config {
        ""
        | "application/vnd.oci.image.config.v1+json"
        | "application/vnd.docker.container.image.v1+json" => {
            kind.map(|kind| format!("an artifact ({kind})"))
        }
        "application/vnd.oci.empty.v1+json" => {
            Some(format!("an artifact ({})", kind.unwrap_or("of no type")))
        }
        // Old tools gave images other types; what has layers of a root file system is tried.
        other => {
            let image =
                |layer: &str| layer.contains("rootfs.diff") || layer.contains("image.layer");
            (!layers().any(image)).then(|| format!("an artifact ({other})"))
        }
    }
}
