//! An image by its name, wherever it is: the stores of this machine, then its registry. Comes in: a reference and the
//! order of sources. Goes out: the inventory of the first that has it. Never: lets a daemon pull; takes an image from
//! the next source when one has it and cannot give it whole.

use super::{Options, PullError, RegistryOptions, pulled};
use image::source::local::{Keeper, Store, StoreError, There};
use image::{Image, ImageError, Limits, Wanted};
use model::image::ImageReference;
use model::inventory::Inventory;
use std::fmt;
use std::path::PathBuf;

pub use image::source::local::Sockets;

/// Where images are looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ImageSource {
    Store(Keeper),
    Registry,
}

impl ImageSource {
    /// The usual order: what was built here is newer than what was pushed.
    pub const ALL: [ImageSource; 4] = [
        ImageSource::Store(Keeper::Docker),
        ImageSource::Store(Keeper::Podman),
        ImageSource::Store(Keeper::Containerd),
        ImageSource::Registry,
    ];

    /// A name as Trivy has it; `remote` is its word for a registry.
    pub fn parse(text: &str) -> Result<Self, String> {
        let named = |source: &ImageSource| source.to_string() == text;
        let known = ImageSource::ALL.into_iter().find(named);
        match known {
            Some(source) => Ok(source),
            None if text == "remote" => Ok(ImageSource::Registry),
            None => Err("it is one of docker, podman, containerd, registry".into()),
        }
    }
}

impl fmt::Display for ImageSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ImageSource::Store(keeper) => keeper.fmt(f),
            ImageSource::Registry => f.write_str("registry"),
        }
    }
}

/// Which sources are asked, and where.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// Empty: the usual order, without the stores whose sockets are not there.
    pub order: Vec<ImageSource>,
    pub sockets: Sockets,
}

/// Why no source gave the image.
#[derive(Debug, thiserror::Error)]
pub enum FindError {
    #[error(transparent)]
    Pull(#[from] PullError),
    /// With each source and what it said.
    #[error("no source has it: {}", .0.join("; "))]
    Nowhere(Vec<String>),
    /// A store has it and cannot give it.
    #[error("{store} has it")]
    Store {
        store: String,
        #[source]
        source: StoreError,
    },
    #[error("{store} has it")]
    Read {
        store: String,
        #[source]
        source: ImageError,
    },
}

impl FindError {
    /// Whether other arguments mend it.
    pub fn is_usage(&self) -> bool {
        matches!(self, FindError::Pull(error) if error.is_usage())
    }
}

/// The image of the first source that has it. `say` is told what is read.
pub fn found(
    reference: &str,
    sources: &Sources,
    registry: &RegistryOptions,
    options: &Options,
    mut say: impl FnMut(&str),
) -> Result<Inventory, FindError> {
    if ImageReference::parse(reference).is_none() {
        return Err(PullError::Reference(reference.to_owned()).into());
    }
    let order = match &sources.order[..] {
        [] => &ImageSource::ALL[..],
        order => order,
    };
    let wanted = Wanted {
        platform: options.platform.clone(),
        name: None,
        spool: options.spool.clone(),
    };
    let mut tried = Vec::new();
    for source in order {
        let keeper = match source {
            ImageSource::Store(keeper) => *keeper,
            ImageSource::Registry => {
                say("pulling the image");
                match pulled(reference, registry, options) {
                    Ok(inventory) => return Ok(inventory),
                    Err(error) if tried.is_empty() || error.is_usage() => return Err(error.into()),
                    Err(error) => tried.push(format!("registry: {}", chain(&error))),
                }
                continue;
            }
        };
        let stores: Vec<Store> = sources.sockets.stores(keeper).collect();
        if stores.is_empty() && !sources.order.is_empty() {
            tried.push(absent(keeper, &sources.sockets));
        }
        for store in stores {
            match store.find(reference, &wanted) {
                Ok(there) => {
                    say(&format!("reading the image of {keeper}"));
                    return read(there, &store, options, &wanted);
                }
                Err(error) => tried.push(format!("{store}: {}", chain(&error))),
            }
        }
    }
    Err(FindError::Nowhere(tried))
}

fn absent(keeper: Keeper, sockets: &Sockets) -> String {
    let paths: Vec<String> = sockets
        .all(keeper)
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    match &paths[..] {
        [] => format!("{keeper}: its daemon is on another machine"),
        paths => format!("{keeper}: no socket at {}", paths.join(" or ")),
    }
}

fn read(
    there: There,
    store: &Store,
    options: &Options,
    wanted: &Wanted,
) -> Result<Inventory, FindError> {
    let (table, limits, cache) = (options.table(), Limits::default(), options.kept());
    let failed = |source| FindError::Store {
        store: store.to_string(),
        source,
    };
    let image: Image = match there {
        There::Open(image) => image,
        There::Inspected(inspected) => {
            // What was read before is not exported again.
            let known = cache.as_ref();
            let known =
                known.and_then(|cache| image::known(&inspected.stub, &table, &limits, cache));
            if let Some(known) = known {
                return Ok(known);
            }
            let folder: PathBuf = wanted.spool.clone().unwrap_or_else(std::env::temp_dir);
            inspected.export(&folder, wanted).map_err(failed)?
        }
    };
    image::read(&image, &table, &limits, cache.as_ref()).map_err(|source| FindError::Read {
        store: store.to_string(),
        source,
    })
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_sources() {
        for source in ImageSource::ALL {
            assert_eq!(ImageSource::parse(&source.to_string()), Ok(source));
        }
        assert_eq!(ImageSource::parse("remote"), Ok(ImageSource::Registry));
        assert!(ImageSource::parse("rkt").is_err());
    }

    fn told(reference: &str, order: &[ImageSource]) -> String {
        let sources = Sources {
            order: order.to_vec(),
            sockets: Sockets {
                podman: vec!["/nowhere/a.sock".into(), "/nowhere/b.sock".into()],
                containerd: vec!["/nowhere/c.sock".into()],
                ..Sockets::default()
            },
        };
        let registry = RegistryOptions::default();
        let found = found(reference, &sources, &registry, &Options::default(), |_| {});
        found.unwrap_err().to_string()
    }

    #[test]
    fn all_that_was_tried_is_named() {
        let [docker, podman, containerd, registry] = ImageSource::ALL;
        assert_eq!(
            told("m:1", &[docker, podman, containerd]),
            "no source has it: docker: its daemon is on another machine; podman: no socket at /nowhere/a.sock or \
             /nowhere/b.sock; containerd: no socket at /nowhere/c.sock"
        );
        let text = told("127.0.0.1:1/m:1", &[containerd, registry]);
        assert!(text.contains("c.sock; registry: "), "{text}");
        assert!(told("A B", &[docker]).contains("no reference"));
    }
}
