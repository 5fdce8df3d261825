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

#[cfg(test)]
mod tests {
    use super::super::{Selection, Target};
    use crate::registry::place::Endpoint;
    use crate::registry::testing::service;
    use crate::registry::{Client, Options};
    use serde_json::json;
    use std::sync::Mutex;

    /// The clouds' hosts are theirs alone: here their ways are gone on a server of our own.
    fn listed(
        answers: Vec<String>,
        selection: &Selection,
        way: impl Fn(&super::Lister<'_>) -> Vec<super::Repository>,
    ) -> (Vec<String>, Vec<String>) {
        let (host, seen) = service(answers);
        let options = Options {
            insecure: vec![host.clone()],
            ..Options::default()
        };
        let client = Client::new(&options).unwrap();
        let endpoint = Endpoint::own(&host, &options).unwrap();
        let target = Target {
            registry: host.into(),
            prefix: Some("project/repo".into()),
        };
        let lister = super::Lister {
            client: &client,
            endpoint: &endpoint,
            target: &target,
            selection,
            gaps: Mutex::new(Vec::new()),
            others: std::sync::atomic::AtomicUsize::new(0),
        };
        let repositories = way(&lister).into_iter();
        let found = repositories
            .flat_map(|one| lister.newest(one).0)
            .map(|one| {
                let digest = one.reference.digest.is_some();
                let tag = one.reference.tag.unwrap_or_default();
                format!("{}:{tag} {digest} {:?}", one.reference.repository, one.at)
            });
        let found: Vec<String> = found.collect();
        let seen = seen.lock().unwrap();
        let paths = seen.iter().filter_map(|request| request.split(' ').nth(1));
        (found, paths.map(str::to_owned).collect())
    }

    #[test]
    fn folders_of_google() {
        let digest = |n: usize| format!("sha256:{}", n.to_string().repeat(64));
        let top = json!({"child": ["app"], "manifest": {}, "name": "project/repo", "tags": []});
        let app = json!({"child": [], "name": "project/repo/app", "tags": ["1", "2", "latest"], "manifest": {
            digest(1): {"tag": ["1"], "timeUploadedMs": "1000", "timeCreatedMs": "0", "imageSizeBytes": "9"},
            digest(2): {"tag": ["2", "latest"], "timeUploadedMs": "2000"},
            digest(3): {"tag": [], "timeUploadedMs": "3000"},
        }});
        let two = Selection {
            newest: Some(2),
            ..Selection::default()
        };
        let answers = vec![top.to_string(), app.to_string()];
        let (found, paths) = listed(answers, &two, |lister| lister.google().unwrap());
        let at = "Some(1970-01-01T00:00:02Z)";
        assert_eq!(
            found,
            [
                format!("project/repo/app:latest true {at}"),
                format!("project/repo/app:2 true {at}")
            ]
        );
        assert_eq!(
            paths,
            [
                "/v2/project/repo/tags/list",
                "/v2/project/repo/app/tags/list"
            ]
        );
    }

    #[test]
    fn tags_of_azure() {
        let tag = |name: &str, at: &str| {
            let digest = format!("sha256:{}", "a".repeat(64));
            json!({"name": name, "digest": digest, "lastUpdateTime": at, "createdTime": at})
        };
        let page = json!({"registry": "shop.azurecr.io", "imageName": "project/repo", "tags": [
            tag("new", "2026-01-02T00:00:00.1234567Z"),
            tag("old", "2026-01-01T00:00:00.1234567Z"),
        ]});
        let one = Selection {
            newest: Some(1),
            ..Selection::default()
        };
        let (found, paths) = listed(vec![page.to_string()], &one, |lister| {
            vec![lister.azure("project/repo").unwrap()]
        });
        assert_eq!(
            found,
            ["project/repo:new true Some(2026-01-02T00:00:00.1234567Z)"]
        );
        assert_eq!(paths, ["/acr/v1/project/repo/_tags?n=100&orderby=timedesc"]);
    }
}
