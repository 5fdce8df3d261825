//! Google's registries: folders and repositories are listed alike by `tags/list`, with what is below them and with times
//! (Container Registry and Artifact Registry). Never: deeper than [`NESTING`].

use super::super::RegistryError;
use super::super::access::Ticket;
use super::{Lister, Order, REPOSITORIES, Repository, Tag, parallel};
use jiff::Timestamp;
use model::text::Text;
use serde::Deserialize;
use std::collections::BTreeMap;

/// Folders below folders.
const NESTING: usize = 16;

impl Lister<'_> {
    /// Folders and repositories are listed alike: `child` are those below.
    pub(super) fn google(&self) -> Result<Vec<Repository>, RegistryError> {
        #[derive(Deserialize)]
        struct Page {
            #[serde(default)]
            child: Vec<String>,
            #[serde(default)]
            manifest: BTreeMap<Text, One>,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct One {
            #[serde(default)]
            tag: Vec<String>,
            /// Milliseconds since 1970, as text.
            #[serde(default)]
            time_uploaded_ms: Option<String>,
        }
        let Some(prefix) = self.target.prefix.as_deref() else {
            return Err(RegistryError::Usage {
                what: self.endpoint.host.clone(),
                why: format!("name the project, as in {}/PROJECT", self.endpoint.host),
            });
        };
        let mut repositories = Vec::new();
        let mut level = vec![prefix.to_owned()];
        for depth in 0..NESTING {
            let pages = parallel(std::mem::take(&mut level), |name| {
                let mut found = (Vec::new(), Vec::new());
                let listed = self.endpoint.url(&name, "tags", "list").and_then(|first| {
                    let ticket = Ticket::pull(self.endpoint, &name);
                    self.client
                        .pages(&ticket, first, &format!("tags of {name}"), |page: Page| {
                            found.0.extend(page.child);
                            found.1.extend(page.manifest);
                            true
                        })
                });
                (name, listed, found)
            });
            for (name, listed, (below, manifests)) in pages {
                match listed {
                    Err(error) if depth == 0 => return Err(error),
                    Err(error) => self.failed(&name, &error),
                    Ok(true) => self.cut(&name, "tags"),
                    Ok(false) => {}
                }
                level.extend(below.iter().map(|below| format!("{name}/{below}")));
                let tags = manifests
                    .into_iter()
                    .flat_map(|(digest, one): (Text, One)| {
                        let at = one.time_uploaded_ms.and_then(|ms| ms.parse().ok());
                        let at = at.and_then(|ms| Timestamp::from_millisecond(ms).ok());
                        one.tag.into_iter().map(move |name| Tag {
                            name,
                            digest: Some(Text::clone(&digest)),
                            at,
                        })
                    });
                let tags: Vec<Tag> = tags.collect();
                if !tags.is_empty() {
                    repositories.push(Repository {
                        name,
                        tags,
                        order: Order::Pushed,
                    });
                }
            }
            if level.is_empty() || repositories.len() + level.len() > REPOSITORIES {
                break;
            }
        }
        if !level.is_empty() {
            self.cut("", "repositories");
        }
        Ok(repositories)
    }
}
