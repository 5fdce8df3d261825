//! Harbor, by its API v2.0: projects, their repositories, their artifacts with kinds, tags and times. Never: sends
//! anybody's credential but that of the host itself.

use super::super::access::{Ticket, header_of};
use super::super::http::{Ask, unexpected};
use super::super::keychain::Credential;
use super::super::{Client, RegistryError};
use super::names::escaped;
use super::{Lister, Order, PAGE, PAGES, Repository, Tag, parallel};
use model::text::Text;
use reqwest::Url;
use reqwest::header::HeaderValue;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::sync::Mutex;
use std::sync::atomic::Ordering;

impl Lister<'_> {
    pub(super) fn harbor(&self) -> Result<Vec<Repository>, RegistryError> {
        #[derive(Deserialize)]
        struct Named {
            name: String,
        }
        let api = Harbor {
            lister: self,
            header: Mutex::new(None),
        };
        let projects: Vec<String> = if let Some(prefix) = &self.target.prefix {
            vec![prefix.split('/').next().unwrap_or(prefix).to_owned()]
        } else {
            let found: Vec<Named> = api.all("/api/v2.0/projects", "projects", |_| false)?;
            found.into_iter().map(|project| project.name).collect()
        };
        let alone = projects.len() == 1;
        let mut names = Vec::new();
        for (project, found) in parallel(projects, |project| {
            let path = format!("/api/v2.0/projects/{}/repositories", escaped(&project));
            let found = api.all::<Named>(&path, &format!("repositories of {project}"), |_| false);
            (project, found)
        }) {
            match found {
                Ok(found) => names.extend(found.into_iter().map(|one| (project.clone(), one.name))),
                Err(error) if alone => return Err(error),
                Err(error) => self.failed(&project, &error),
            }
        }
        names.retain(|(_, name)| self.target.holds(name) && self.selection.takes_some(name));
        let all = parallel(names, |(project, name)| {
            match self.artifacts(&api, &project, &name) {
                Ok(repository) => Some(repository),
                Err(error) => {
                    self.failed(&name, &error);
                    None
                }
            }
        });
        Ok(all.into_iter().flatten().collect())
    }

    fn artifacts(
        &self,
        api: &Harbor<'_>,
        project: &str,
        repository: &str,
    ) -> Result<Repository, RegistryError> {
        #[derive(Deserialize)]
        struct Artifact {
            #[serde(default, rename = "type")]
            kind: String,
            #[serde(default)]
            digest: Option<Text>,
            #[serde(default)]
            push_time: Option<Text>,
            #[serde(default)]
            tags: Option<Vec<Tagged>>,
        }
        #[derive(Deserialize)]
        struct Tagged {
            name: String,
            #[serde(default)]
            push_time: Option<Text>,
        }
        let own = repository
            .strip_prefix(project)
            .and_then(|rest| rest.strip_prefix('/'));
        // A slash is escaped twice (Harbor, API v2.0).
        let path = format!(
            "/api/v2.0/projects/{}/repositories/{}/artifacts?with_tag=true&sort=-push_time",
            escaped(project),
            escaped(&escaped(own.unwrap_or(repository)))
        );
        let enough = self.selection.newest.unwrap_or(usize::MAX);
        let image = |one: &Artifact| one.kind.is_empty() || one.kind.eq_ignore_ascii_case("image");
        let wanted = |one: &Artifact| {
            let tags = one.tags.iter().flatten();
            usize::from(image(one)) * tags.filter(|tag| self.takes(repository, &tag.name)).count()
        };
        let what = format!("artifacts of {repository}");
        let found: Vec<Artifact> = api.all(&path, &what, |so_far: &[Artifact]| {
            so_far.iter().map(wanted).sum::<usize>() >= enough
        })?;
        let others = found.iter().filter(|one| !image(one)).count();
        self.others.fetch_add(others, Ordering::Relaxed);
        let tags = found.into_iter().filter(image).flat_map(|one| {
            let digest = one.digest;
            let pushed = one.push_time;
            one.tags
                .unwrap_or_default()
                .into_iter()
                .map(move |tag| Tag {
                    name: tag.name,
                    digest: digest.clone(),
                    at: tag
                        .push_time
                        .as_ref()
                        .or(pushed.as_ref())
                        .and_then(|at| at.parse().ok()),
                })
        });
        Ok(Repository {
            name: repository.to_owned(),
            tags: tags.collect(),
            order: Order::Pushed,
        })
    }
}

/// Harbor's API: basic authentication without a challenge, so what works is kept.
struct Harbor<'a> {
    lister: &'a Lister<'a>,
    /// What worked; inside, nothing where nobody is let in too.
    #[allow(clippy::option_option)] // "known" and "as whom" are two questions
    header: Mutex<Option<Option<HeaderValue>>>,
}

impl Harbor<'_> {
    /// All elements of a paged list; `enough` ends it early.
    fn all<T: DeserializeOwned>(
        &self,
        path: &str,
        what: &str,
        enough: impl Fn(&[T]) -> bool,
    ) -> Result<Vec<T>, RegistryError> {
        let mut all: Vec<T> = Vec::new();
        for page in 1..=PAGES {
            let separator = if path.contains('?') { '&' } else { '?' };
            let url = self
                .lister
                .endpoint
                .path(&format!("{path}{separator}page={page}&page_size=100"))?;
            let found: Vec<T> = self.get(url, what)?;
            let last = found.len() < 100;
            all.extend(found);
            if last || enough(&all) {
                return Ok(all);
            }
        }
        self.lister.cut("", what);
        Ok(all)
    }

    fn get<T: DeserializeOwned>(&self, url: Url, what: &str) -> Result<T, RegistryError> {
        let client = self.lister.client;
        let mut ask = Ask::get(url, &self.lister.endpoint.host, what);
        let bytes = self.bytes(client, &mut ask)?;
        serde_json::from_slice(&bytes).map_err(|_| ask.answer("with no JSON of such a list"))
    }

    fn bytes(&self, client: &Client, ask: &mut Ask<'_>) -> Result<Vec<u8>, RegistryError> {
        let http = &client.shared.http;
        let send = |ask: &Ask<'_>| {
            http.document(ask, PAGE, || match http.send(ask)? {
                good if good.status().as_u16() == 200 => Ok(good),
                bad => Err(unexpected(ask, bad)),
            })
        };
        let known = self.header.lock().ok().and_then(|known| known.clone());
        if let Some(header) = known {
            ask.authorization = header;
            return send(ask).map(|(bytes, _)| bytes);
        }
        let ticket = Ticket {
            endpoint: self.lister.endpoint,
            repository: self.lister.target.prefix.as_deref().unwrap_or(""),
            scope: String::new(),
        };
        let mut last = None;
        for credential in client.known(&ticket) {
            ask.authorization = match &credential {
                Some(Credential::Basic { user, password }) => {
                    header_of("Basic", &Credential::basic(user, &password.0))
                }
                Some(_) => continue,
                None => None,
            };
            match send(ask) {
                Ok((bytes, _)) => {
                    if let Ok(mut known) = self.header.lock() {
                        *known = Some(ask.authorization.clone());
                    }
                    return Ok(bytes);
                }
                Err(RegistryError::Status {
                    status,
                    host,
                    what,
                    said,
                }) if matches!(status, 401 | 403) => {
                    last = Some(RegistryError::Auth {
                        status,
                        what,
                        tried: said,
                        advice: format!(
                            "log in with `docker login {host}`; a robot account needs the rights to list projects, repositories and artifacts"
                        ),
                        host,
                    });
                }
                Err(other) => return Err(other),
            }
        }
        Err(last.unwrap_or_else(|| ask.answer("nothing")))
    }
}
