//! Docker's and Podman's images. Comes in: a socket, a name. Goes out: what the daemon says of the image, and the image
//! itself from its export. Never: sends anything but GET, unpacks the export, keeps it longer than it is read.
//! Source: Docker Engine API 1.24 to 1.52, `ImageInspect` and `ImageGet`; Podman serves both at the same paths.

use super::super::{Image, LayerSource, Opener, Wanted, agrees, archive, platform, spool};
use super::{StoreError, unfit};
use crate::manifest::{Config, Platform};
use model::image::{ImageIdentity, ImageReference, is_digest};
use model::text::Text;
use reqwest::blocking::{Client, Response};
use reqwest::{StatusCode, redirect};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// For what a daemon looks up.
const SOON: Duration = Duration::from_secs(30);
/// For the next piece of an export: some daemons write it to their own disk first.
const LATER: Duration = Duration::from_mins(10);
/// Of an answer that is a document.
const DOCUMENT: u64 = 8 << 20;

/// What a daemon says of an image.
#[derive(Clone, Debug)]
pub struct Inspected {
    /// As far as it is known without its export: enough to look for what was read before.
    pub stub: Image,
    socket: PathBuf,
    /// The daemon's own, so that a tag that moves meanwhile changes nothing.
    id: Text,
}

/// The part of an inspection that is used. All of it may be missing or null.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    id: Option<Text>,
    repo_tags: Option<Vec<Text>>,
    repo_digests: Option<Vec<Text>>,
    os: Option<Text>,
    architecture: Option<Text>,
    variant: Option<Text>,
    #[serde(rename = "RootFS")]
    root: Option<Root>,
    /// What the name stands for, where images are kept by containerd.
    descriptor: Option<Descriptor>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Root {
    layers: Option<Vec<Text>>,
}

#[derive(Debug, Default, Deserialize)]
struct Descriptor {
    digest: Option<Text>,
}

#[derive(Debug, Default, Deserialize)]
struct Refusal {
    message: Option<String>,
}

pub(super) fn inspect(
    socket: &Path,
    reference: &str,
    wanted: &Wanted,
) -> Result<Inspected, StoreError> {
    let name = reference.trim_start_matches("docker://");
    let answer = get(socket, &format!("images/{name}/json"), SOON)?;
    let mut bytes = Vec::new();
    let read = answer.take(DOCUMENT + 1).read_to_end(&mut bytes);
    read.map_err(|error| StoreError::speak(&error))?;
    if bytes.len() as u64 > DOCUMENT {
        let why = format!("it has more than {DOCUMENT} bytes");
        return Err(StoreError::Answer(why));
    }
    understood(socket, reference, &bytes, wanted)
}

/// What the document says.
fn understood(
    socket: &Path,
    reference: &str,
    bytes: &[u8],
    wanted: &Wanted,
) -> Result<Inspected, StoreError> {
    let answer: Answer =
        serde_json::from_slice(bytes).map_err(|error| StoreError::Answer(error.to_string()))?;
    let id = answer.id.filter(|id| is_digest(id));
    let id = id.ok_or_else(|| StoreError::Answer("it says no digest as the image's id".into()))?;
    let config = Config {
        platform: Some(Platform {
            os: answer.os.unwrap_or_default(),
            architecture: answer.architecture.unwrap_or_default(),
            variant: answer.variant,
        }),
        ..Config::default()
    };
    agrees(reference, &config, wanted).map_err(unfit)?;
    let said = answer.descriptor.and_then(|one| one.digest);
    let said = said.filter(|digest| is_digest(digest));
    let names = answer.repo_digests.iter().chain(&answer.repo_tags);
    let mut references: Vec<ImageReference> = names
        .flatten()
        .filter_map(|name| ImageReference::parse(name))
        .collect();
    references.sort_unstable();
    references.dedup();
    let mut digests: Vec<Text> = references
        .iter()
        .filter_map(|one| one.digest.clone())
        .collect();
    // Where containerd keeps the images the id is no configuration's digest, but it is one of the image.
    digests.extend(said.clone());
    let is_config = said.is_none() && !digests.contains(&id);
    if !is_config {
        digests.push(Text::clone(&id));
    }
    digests.sort_unstable();
    digests.dedup();
    let layers = answer.root.and_then(|root| root.layers).unwrap_or_default();
    let layers = layers.into_iter().map(|diff_id| LayerSource {
        diff_id,
        digest: None,
        open: Opener::Missing("the image was not exported yet".into()),
    });
    Ok(Inspected {
        stub: Image {
            name: reference.into(),
            identity: ImageIdentity {
                config: is_config.then(|| Text::clone(&id)),
                digests,
                references,
                platform: platform(&config),
                ..ImageIdentity::default()
            },
            config,
            annotations: BTreeMap::new(),
            layers: layers.collect(),
        },
        socket: socket.into(),
        id,
    })
}

impl Inspected {
    /// The image, from an export that is spooled in `folder` to a file without a name. It is gone when the image is
    /// dropped, however this process ends.
    ///
    /// # Errors
    /// Of [`StoreError`]: the daemon ends the export, the folder has no room, or what comes is no image.
    pub fn export(&self, folder: &Path, wanted: &Wanted) -> Result<Image, StoreError> {
        let what = &self.stub.name;
        // By its name where the daemon must tell a platform of several; its id is then an index's.
        let name = match self.stub.identity.config {
            Some(_) => &self.id,
            None => what,
        };
        let answer = get(&self.socket, &format!("images/{name}/get"), LATER)?;
        let (file, length) =
            spool::spool(answer, folder).map_err(|error| self.not_spooled(folder, error))?;
        let wanted = Wanted {
            name: None,
            ..wanted.clone()
        };
        let mut image = archive::open(what, file, length, &wanted).map_err(unfit)?;
        let stub = &self.stub.identity;
        if let (Some(said), Some(found)) = (&stub.config, &image.identity.config)
            && said != found
        {
            return Err(StoreError::Answer(format!(
                "it exports the image {found} and was asked for {said}"
            )));
        }
        let identity = &mut image.identity;
        identity.references.extend(stub.references.iter().cloned());
        identity.references.sort_unstable();
        identity.references.dedup();
        let known = |digest: &&Text| {
            let own = identity.manifests.iter().chain(&identity.indexes);
            !own.chain(&identity.config).any(|one| one == *digest)
        };
        let digests: Vec<Text> = stub.digests.iter().filter(known).cloned().collect();
        identity.digests.extend(digests);
        Ok(image)
    }

    fn not_spooled(&self, folder: &Path, error: spool::SpoolError) -> StoreError {
        match error {
            spool::SpoolError::Write { source } => StoreError::Spool {
                folder: folder.into(),
                source,
            },
            error => StoreError::Speak {
                why: format!(
                    "the export of {} ended: {}",
                    self.stub.name,
                    crate::layer::with_causes(&error)
                ),
            },
        }
    }
}

fn get(socket: &Path, path: &str, patience: Duration) -> Result<Response, StoreError> {
    let speak = |error: reqwest::Error| StoreError::speak(&error.without_url());
    let client = Client::builder()
        .unix_socket(socket)
        .no_gzip()
        .redirect(redirect::Policy::none())
        .timeout(patience)
        .user_agent(concat!("plimsoll/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(speak)?;
    // Without a version: each daemon has a least one and a newest one, and both moved past each other's.
    let answer = client
        .get(format!("http://localhost/{path}"))
        .send()
        .map_err(speak)?;
    match answer.status() {
        StatusCode::OK => Ok(answer),
        StatusCode::NOT_FOUND => Err(StoreError::Absent),
        status => {
            let mut bytes = Vec::new();
            let _ = answer.take(4 << 10).read_to_end(&mut bytes);
            let refusal: Refusal = serde_json::from_slice(&bytes).unwrap_or_default();
            Err(StoreError::Refused {
                code: status.as_u16().to_string(),
                message: printable(&refusal.message.unwrap_or_default()),
            })
        }
    }
}

/// What a daemon says, on one line.
pub(super) fn printable(text: &str) -> String {
    let line = |c: char| if c.is_control() { ' ' } else { c };
    text.trim().chars().take(300).map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "sha256:a940f599e31443ba49fc7efe6ccceedd4a7a455d8d2d3adefd312cb12b391cc4";
    const REPO: &str = "sha256:a185bb954a6bb6b8e18e312f8ff8e2353c120b7360366289099d20fede8825b5";

    fn inspected(text: &str, platform: Option<&str>) -> Result<Image, StoreError> {
        let wanted = Wanted {
            platform: platform.and_then(Platform::parse),
            ..Wanted::default()
        };
        understood(Path::new("/"), "m:1", text.as_bytes(), &wanted).map(|one| one.stub)
    }

    #[test]
    fn an_image_is_known_by_all_its_digests() {
        // As Podman 4.3 writes it.
        let text = format!(
            r#"{{"Id":"{ID}","RepoTags":["localhost/m:1"],"RepoDigests":["localhost/m@{REPO}"],
            "Architecture":"amd64","Os":"linux","RootFS":{{"Type":"layers","Layers":["{ID}"]}}}}"#
        );
        let image = inspected(&text, None).unwrap();
        assert_eq!(image.identity.config.as_deref(), Some(ID));
        assert_eq!(image.identity.digests, [REPO.into()]);
        let names: Vec<String> = image
            .identity
            .references
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(
            names,
            [format!("localhost/m@{REPO}"), "localhost/m:1".to_owned()]
        );
        assert_eq!(image.identity.platform.as_deref(), Some("linux/amd64"));
        assert_eq!(image.layers.len(), 1);
        assert!(matches!(
            inspected(&text, Some("arm64")),
            Err(StoreError::Unfit(why)) if why == "it is there for linux/amd64 and not for linux/arm64"
        ));
        // As Docker writes it where containerd keeps the images: the id is a manifest's or an index's.
        let text = format!(
            r#"{{"Id":"{REPO}","RepoTags":null,"RepoDigests":["m@{REPO}"],"Descriptor":{{"digest":"{REPO}"}}}}"#
        );
        let image = inspected(&text, None).unwrap();
        assert_eq!(image.identity.config, None);
        assert_eq!(image.identity.digests, [REPO.into()]);
    }

    #[test]
    fn nonsense_is_an_error() {
        for text in ["", "[]", "{}", r#"{"Id":"m"}"#, r#"{"Id":7}"#] {
            let found = inspected(text, None);
            assert!(
                matches!(found, Err(StoreError::Answer(_))),
                "{text}: {found:?}"
            );
        }
        assert_eq!(printable(" a\nb\u{1b}[1m "), "a b [1m");
    }
}
