//! Images that Docker, Podman and containerd keep on this machine. Comes in: a reference, and sockets. Goes out: the
//! image that a store has under that name. Never: lets a daemon pull, writes to a store, reads its folders, looks for an
//! image that nobody named.
//!
//! ```text
//! mod (Store, There) ── docker ─────── spool          Docker Engine API; Podman serves it too
//!                   └── containerd ── grpc ── [`super::message`]
//! ```
//!
//! All of it blocks: call it from threads of your own, never from inside an async runtime.

mod containerd;
mod docker;
mod grpc;

pub use docker::Inspected;

use super::{Image, Wanted};
use crate::ImageError;
use model::image::ImageReference;
use std::fmt;
use std::io;
use std::os::unix::fs::FileTypeExt as _;
use std::path::{Path, PathBuf};

/// Who keeps images.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Keeper {
    Docker,
    Podman,
    Containerd,
}

impl fmt::Display for Keeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Keeper::Docker => "docker",
            Keeper::Podman => "podman",
            Keeper::Containerd => "containerd",
        })
    }
}

/// One store: who keeps it, and where he listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Store {
    pub keeper: Keeper,
    pub socket: PathBuf,
    /// Of containerd, in the order in which they are asked; the others have none.
    pub namespaces: Vec<String>,
}

/// Where stores listen: what the environment says, and what each program's own default is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sockets {
    pub docker: Vec<PathBuf>,
    pub podman: Vec<PathBuf>,
    pub containerd: Vec<PathBuf>,
    /// Of containerd.
    pub namespaces: Vec<String>,
}

impl Sockets {
    /// This process's: `DOCKER_HOST`, `CONTAINER_HOST`, `CONTAINERD_ADDRESS` and `CONTAINERD_NAMESPACE` as those
    /// programs read them. A daemon on another machine is none of this one's stores.
    pub fn read() -> Self {
        Sockets::of(|name| std::env::var(name).ok())
    }

    fn of(variable: impl Fn(&str) -> Option<String>) -> Self {
        let variable = |name| variable(name).filter(|value| !value.is_empty());
        let path = |text: &str| PathBuf::from(text.strip_prefix("unix://").unwrap_or(text));
        let of_url = |name, defaults: Vec<PathBuf>| match variable(name) {
            Some(url) => {
                let socket = url.strip_prefix("unix://").map(PathBuf::from);
                socket.into_iter().collect()
            }
            None => defaults,
        };
        let own = variable("XDG_RUNTIME_DIR")
            .map(|folder| Path::new(&folder).join("podman/podman.sock"))
            .filter(|path| path.is_absolute());
        let podman = own.into_iter().chain(["/run/podman/podman.sock".into()]);
        let mut namespaces: Vec<String> = variable("CONTAINERD_NAMESPACE").into_iter().collect();
        for usual in ["default", "k8s.io", "moby"] {
            if !namespaces.iter().any(|known| known == usual) {
                namespaces.push(usual.into());
            }
        }
        Sockets {
            docker: of_url("DOCKER_HOST", vec!["/var/run/docker.sock".into()]),
            podman: of_url("CONTAINER_HOST", podman.collect()),
            containerd: match variable("CONTAINERD_ADDRESS") {
                Some(address) => vec![path(&address)],
                None => vec!["/run/containerd/containerd.sock".into()],
            },
            namespaces,
        }
    }

    /// Where `keeper` might listen.
    pub fn all(&self, keeper: Keeper) -> &[PathBuf] {
        match keeper {
            Keeper::Docker => &self.docker,
            Keeper::Podman => &self.podman,
            Keeper::Containerd => &self.containerd,
        }
    }

    /// The stores of `keeper` whose sockets are there.
    pub fn stores(&self, keeper: Keeper) -> impl Iterator<Item = Store> + use<'_> {
        let there = self.all(keeper).iter().filter(|path| is_socket(path));
        there.map(move |socket| Store {
            keeper,
            socket: socket.clone(),
            namespaces: match keeper {
                Keeper::Containerd => self.namespaces.clone(),
                Keeper::Docker | Keeper::Podman => Vec::new(),
            },
        })
    }
}

fn is_socket(path: &Path) -> bool {
    path.metadata()
        .is_ok_and(|metadata| metadata.file_type().is_socket())
}

/// Why a store did not give an image; another source may have it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("no such image")]
    Absent,
    /// The image is there, and not as it is wanted.
    #[error("{0}")]
    Unfit(String),
    #[error("cannot speak to it: {why}")]
    Speak { why: String },
    #[error("it says `{message}` ({code})")]
    Refused { code: String, message: String },
    #[error("it gives an answer that is none: {0}")]
    Answer(String),
    #[error("cannot write what it exports to {folder}; another place: TMPDIR")]
    Spool {
        folder: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error(transparent)]
    Image(#[from] ImageError),
}

impl StoreError {
    fn speak(error: &(dyn std::error::Error + 'static)) -> Self {
        StoreError::Speak {
            why: crate::layer::with_causes(error),
        }
    }
}

/// An image that a store has.
#[derive(Debug)]
pub enum There {
    /// Its content can be read at once.
    Open(Image),
    /// Its content must be exported first ([`Inspected::export`]); what was read of it before may be known.
    Inspected(Inspected),
}

impl Store {
    /// The image that this store has under a name.
    ///
    /// # Errors
    /// Of [`StoreError`]; [`StoreError::Absent`] and [`StoreError::Unfit`] where the store is well and the image is
    /// not there.
    pub fn find(&self, reference: &str, wanted: &Wanted) -> Result<There, StoreError> {
        let known = ImageReference::parse(reference).ok_or(StoreError::Absent)?;
        match self.keeper {
            Keeper::Docker | Keeper::Podman => {
                docker::inspect(&self.socket, reference, wanted).map(There::Inspected)
            }
            Keeper::Containerd => {
                containerd::find(&self.socket, &self.namespaces, reference, &known, wanted)
                    .map(There::Open)
            }
        }
    }
}

impl fmt::Display for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.keeper, self.socket.display())
    }
}

/// An image for another platform is none here, whatever its name.
fn unfit(error: ImageError) -> StoreError {
    match error {
        ImageError::Platform { wanted, there, .. } => {
            StoreError::Unfit(format!("it is there for {there} and not for {wanted}"))
        }
        error => StoreError::Image(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sockets(variables: &[(&str, &str)]) -> Sockets {
        Sockets::of(|name| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn where_stores_listen() {
        let usual = sockets(&[]);
        assert_eq!(usual.docker, [Path::new("/var/run/docker.sock")]);
        assert_eq!(usual.podman, [Path::new("/run/podman/podman.sock")]);
        assert_eq!(
            usual.containerd,
            [Path::new("/run/containerd/containerd.sock")]
        );
        assert_eq!(usual.namespaces, ["default", "k8s.io", "moby"]);
        let own = sockets(&[
            ("DOCKER_HOST", "unix:///x/docker.sock"),
            ("XDG_RUNTIME_DIR", "/run/user/7"),
            ("CONTAINERD_ADDRESS", "/x/containerd.sock"),
            ("CONTAINERD_NAMESPACE", "k8s.io"),
        ]);
        assert_eq!(own.docker, [Path::new("/x/docker.sock")]);
        assert_eq!(
            own.podman,
            [
                Path::new("/run/user/7/podman/podman.sock"),
                Path::new("/run/podman/podman.sock")
            ]
        );
        assert_eq!(own.containerd, [Path::new("/x/containerd.sock")]);
        assert_eq!(own.namespaces, ["k8s.io", "default", "moby"]);
    }

    #[test]
    fn a_daemon_elsewhere_is_no_store_here() {
        assert_eq!(
            sockets(&[("DOCKER_HOST", "tcp://build:2376")]).docker,
            Vec::<PathBuf>::new()
        );
        assert_eq!(
            sockets(&[("CONTAINER_HOST", "ssh://build/run/podman.sock")]).podman,
            Vec::<PathBuf>::new()
        );
    }

    #[test]
    fn only_sockets_count() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, "").unwrap();
        let socket = folder.path().join("socket");
        let _listens = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        let sockets = Sockets {
            docker: vec![file, folder.path().join("absent"), socket.clone()],
            ..Sockets::default()
        };
        let found: Vec<PathBuf> = sockets
            .stores(Keeper::Docker)
            .map(|one| one.socket)
            .collect();
        assert_eq!(found, [socket]);
    }
}
