//! What a registry holds. Comes in: a host, perhaps a prefix, and a selection. Goes out: references of images, with
//! digest and time where the registry tells them, and a gap for each repository that could not be listed. Never: takes
//! signatures and attestations for images, pages without end, asks another host (the clouds' own services need their
//! own rights: see [`no_catalog`]).
//!
//! Ways: `/v2/_catalog` and `tags/list` (distribution-spec; ECR and ACR too), Harbor's API v2.0, Google's `child` and
//! `manifest` in `tags/list` (Container and Artifact Registry), Azure's `_tags` for times.

use super::access::{Challenge, Ticket, challenges, header_of};
use super::http::{Ask, unexpected};
use super::keychain::Credential;
use super::place::{Endpoint, official};
use super::{Client, RegistryError};
use jiff::Timestamp;
use model::evidence::{Gap, GapWeight, Stage};
use model::image::{ImageReference, is_digest};
use model::text::Text;
use reqwest::Url;
use reqwest::header::{HeaderMap, HeaderValue, LINK};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::cmp::{Ordering, Reverse};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering as Atomic};

/// Bytes of one page.
const PAGE: u64 = 16 << 20;
/// Pages of one list; a registry that has more is cut, and told so.
const PAGES: usize = 2_000;
/// Repositories of one registry.
const REPOSITORIES: usize = 100_000;
/// Folders below folders of Google's registries.
const NESTING: usize = 16;
/// Tags of one repository whose images are asked for their time, where the registry has none.
const ASKED: usize = 200;
/// Requests at a time.
const AT_ONCE: usize = 8;

/// `HOST[/PREFIX]`: a registry, or the part of it whose repositories begin with a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    pub registry: Text,
    /// Without `/` at its ends: `team`, `team/app`.
    pub prefix: Option<Text>,
}

impl Target {
    pub fn parse(text: &str) -> Result<Self, RegistryError> {
        let usage = |why: &str| RegistryError::Usage {
            what: format!("registry {text}"),
            why: why.to_owned(),
        };
        let bare = text.trim().strip_prefix("https://").unwrap_or(text.trim());
        let bare = bare.trim_end_matches('/');
        let (host, prefix) = match bare.split_once('/') {
            Some((host, prefix)) => (host, Some(prefix)),
            None => (bare, None),
        };
        if !host.contains(['.', ':']) && host != "localhost" {
            return Err(usage("name its host, as in registry.example/team"));
        }
        if let Some(prefix) = prefix {
            super::place::repository(prefix)?;
        }
        Ok(Target {
            registry: official(host).into(),
            prefix: prefix.map(Into::into),
        })
    }

    fn holds(&self, repository: &str) -> bool {
        match &self.prefix {
            None => true,
            Some(prefix) => repository
                .strip_prefix(&**prefix)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/')),
        }
    }
}

/// What of it is taken. Patterns are `REPOSITORY` or `REPOSITORY:TAG`, `*` stands for anything and `?` for one character.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// Empty: all.
    pub include: Vec<String>,
    pub exclude: Vec<String>,
    /// Tags of each repository, the newest first; `None`: all.
    pub newest: Option<usize>,
}

impl Selection {
    fn takes(&self, repository: &str, tag: &str) -> bool {
        let fits = |pattern: &String| match pattern.rsplit_once(':') {
            Some((of_repository, of_tag)) => glob(of_repository, repository) && glob(of_tag, tag),
            None => glob(pattern, repository),
        };
        (self.include.is_empty() || self.include.iter().any(fits))
            && !self.exclude.iter().any(fits)
    }

    /// Whether any tag of it may be taken, so that others are not asked for theirs.
    fn takes_some(&self, repository: &str) -> bool {
        let name = |pattern: &String| match pattern.rsplit_once(':') {
            Some((of_repository, _)) => glob(of_repository, repository),
            None => glob(pattern, repository),
        };
        let whole = |pattern: &String| !pattern.contains(':') && glob(pattern, repository);
        (self.include.is_empty() || self.include.iter().any(name))
            && !self.exclude.iter().any(whole)
    }
}

/// By what the newest are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// When it was pushed, as the registry says.
    Pushed,
    /// When it was built, as the image says.
    Created,
    /// Numbers in the names of tags; nothing says a time.
    Name,
}

/// One image that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// With its tag, and with the digest where the registry lists it.
    pub reference: ImageReference,
    pub at: Option<Timestamp>,
    pub order: Order,
}

/// A tag as a registry lists it.
#[derive(Clone, Debug)]
struct Tag {
    name: String,
    digest: Option<Text>,
    at: Option<Timestamp>,
}

impl Tag {
    fn bare(name: String) -> Self {
        Tag {
            name,
            digest: None,
            at: None,
        }
    }
}

/// Tags of one repository, and by what they can be ordered.
struct Repository {
    name: String,
    tags: Vec<Tag>,
    order: Order,
}

impl Client {
    /// The images of a registry, ordered by repository, the newest first.
    ///
    /// # Errors
    /// Of [`RegistryError`], where nothing at all could be listed.
    pub fn list(
        &self,
        target: &Target,
        selection: &Selection,
    ) -> Result<(Vec<Listed>, Vec<Gap>), RegistryError> {
        let endpoint = Endpoint::own(&target.registry, &self.shared.options)?;
        let lister = Lister {
            client: self,
            endpoint: &endpoint,
            target,
            selection,
            gaps: Mutex::new(Vec::new()),
        };
        let repositories = match lister.way()? {
            Way::Harbor => lister.harbor()?,
            Way::Google => lister.google()?,
            Way::Plain => lister.plain()?,
        };
        let mut listed: Vec<Listed> =
            parallel(repositories, |repository| lister.newest(repository)).into_iter().flatten().collect();
        // Stable: the order within a repository is kept.
        listed.sort_by(|a, b| a.reference.repository.cmp(&b.reference.repository));
        let mut gaps = lister.gaps.into_inner().unwrap_or_default();
        gaps.sort_by(|a, b| (&a.scope, &a.what).cmp(&(&b.scope, &b.what)));
        Ok((listed, gaps))
    }

    /// Tags of one repository, as the registry orders them; those of signatures and attestations are left out.
    pub fn tags(&self, registry: &str, repository: &str) -> Result<Vec<Text>, RegistryError> {
        let endpoint = Endpoint::own(registry, &self.shared.options)?;
        let (tags, _) = self.tags_at(&endpoint, repository)?;
        Ok(tags.into_iter().map(Into::into).collect())
    }

    /// The flag says whether there were more than we read.
    fn tags_at(
        &self,
        endpoint: &Endpoint,
        repository: &str,
    ) -> Result<(Vec<String>, bool), RegistryError> {
        #[derive(Deserialize)]
        struct Page {
            #[serde(default)]
            tags: Option<Vec<String>>,
        }
        let first = endpoint.url(repository, "tags", "list")?;
        let what = format!("tags of {repository}");
        let mut all = BTreeSet::new();
        let cut = self.pages(&Ticket::pull(endpoint, repository), first, &what, |page: Page| {
            all.extend(page.tags.unwrap_or_default().into_iter().filter(|tag| !is_attachment(tag)));
            true
        })?;
        Ok((all.into_iter().collect(), cut))
    }

    /// All pages of a list, until `take` says that it is enough. True: there were more than [`PAGES`].
    fn pages<T: DeserializeOwned>(
        &self,
        ticket: &Ticket<'_>,
        first: Url,
        what: &str,
        mut take: impl FnMut(T) -> bool,
    ) -> Result<bool, RegistryError> {
        let mut url = first;
        let mut seen = BTreeSet::new();
        for _ in 0..PAGES {
            seen.insert(url.to_string());
            let ask = Ask::get(url.clone(), &ticket.endpoint.host, what);
            let (bytes, headers) = self.fetch(ticket, &ask, PAGE)?;
            let page = serde_json::from_slice(&bytes)
                .map_err(|_| ask.answer("with no JSON of such a list"))?;
            let more = take(page);
            let next = next(&headers).and_then(|link| ticket.endpoint.page(&url, &link));
            match next {
                Some(next) if more && !seen.contains(next.as_str()) => url = next,
                _ => return Ok(false),
            }
        }
        Ok(true)
    }
}

enum Way {
    Plain,
    Harbor,
    Google,
}

struct Lister<'a> {
    client: &'a Client,
    endpoint: &'a Endpoint,
    target: &'a Target,
    selection: &'a Selection,
    gaps: Mutex<Vec<Gap>>,
}

impl Lister<'_> {
    fn way(&self) -> Result<Way, RegistryError> {
        let host = &*self.endpoint.host;
        if host == "gcr.io" || host.ends_with(".gcr.io") || host.ends_with("-docker.pkg.dev") {
            return Ok(Way::Google);
        }
        // Harbor names itself in its challenge (goharbor/harbor, `src/server/middleware/v2auth`).
        let url = self.endpoint.path("/v2/")?;
        let ask = Ask::get(url, host, "the registry's root");
        let response = self.client.shared.http.send(&ask)?;
        let service = match Challenge::best(&challenges(response.headers())) {
            Some(Challenge::Bearer { service, .. }) => service,
            _ => None,
        };
        Ok(match service.as_deref() {
            Some("harbor-registry") => Way::Harbor,
            _ => Way::Plain,
        })
    }

    fn gap(&self, repository: &str, what: String, close: String) {
        let scope = match repository {
            "" => format!("registry {}", self.endpoint.host),
            repository => format!("registry {}/{repository}", self.endpoint.host),
        };
        let gap = Gap {
            class: "registry-not-listed".into(),
            what: what.into(),
            stage: Stage::Catalog,
            scope: scope.into(),
            weight: GapWeight::Widens,
            close: close.into(),
        };
        if let Ok(mut gaps) = self.gaps.lock() {
            gaps.push(gap);
        }
    }

    fn failed(&self, repository: &str, error: &RegistryError) {
        self.gap(repository, error.told(), error.close());
    }

    fn cut(&self, repository: &str, what: &str) {
        self.gap(repository, format!("there are more {what} than are read"), String::new());
    }

    // ---- The protocol's own way

    fn plain(&self) -> Result<Vec<Repository>, RegistryError> {
        let prefix = self.target.prefix.as_deref();
        let names = match (no_catalog(&self.endpoint.host), prefix) {
            (Some(_), Some(repository)) => return self.one(repository).map(|one| vec![one]),
            (Some(why), None) => {
                return Err(RegistryError::Usage {
                    what: self.endpoint.host.clone(),
                    why,
                });
            }
            (None, _) => match (self.catalog(), prefix) {
                (Ok(names), None) => names,
                (Ok(names), Some(_)) if !names.is_empty() => names,
                // A catalog needs more rights than a repository does, and shows not always all.
                (Ok(_), Some(repository)) => return self.one(repository).map(|one| vec![one]),
                (Err(error), Some(repository)) => {
                    return self.one(repository).map(|one| vec![one]).map_err(|_| error);
                }
                (Err(error), None) => return Err(error),
            },
        };
        let names: Vec<String> =
            names.into_iter().filter(|name| self.selection.takes_some(name)).collect();
        let all = parallel(names, |name| match self.one(&name) {
            Ok(repository) => Some(repository),
            // In the catalog, and without a tag: all of them were deleted.
            Err(RegistryError::NotFound { .. }) => None,
            Err(error) => {
                self.failed(&name, &error);
                None
            }
        });
        Ok(all.into_iter().flatten().collect())
    }

    fn catalog(&self) -> Result<Vec<String>, RegistryError> {
        #[derive(Deserialize)]
        struct Page {
            #[serde(default)]
            repositories: Option<Vec<String>>,
        }
        let ticket = Ticket {
            endpoint: self.endpoint,
            repository: "",
            scope: "registry:catalog:*".into(),
        };
        let mut all = BTreeSet::new();
        let first = self.endpoint.path("/v2/_catalog?n=1000")?;
        let cut = self.client.pages(&ticket, first, "the list of repositories", |page: Page| {
            let names = page.repositories.unwrap_or_default();
            all.extend(names.into_iter().filter(|name| self.target.holds(name)));
            all.len() < REPOSITORIES
        })?;
        if cut || all.len() >= REPOSITORIES {
            self.cut("", "repositories");
        }
        Ok(all.into_iter().collect())
    }

    fn one(&self, repository: &str) -> Result<Repository, RegistryError> {
        if self.endpoint.host.contains(".azurecr.")
            && self.selection.newest.is_some()
            && let Ok(tags) = self.azure(repository)
        {
            return Ok(tags);
        }
        let (tags, cut) = self.client.tags_at(self.endpoint, repository)?;
        if cut {
            self.cut(repository, "tags");
        }
        Ok(Repository {
            name: repository.to_owned(),
            tags: tags.into_iter().map(Tag::bare).collect(),
            order: Order::Name,
        })
    }

    /// Tags with their times (Azure Container Registry REST API, "Tag - Get List").
    fn azure(&self, repository: &str) -> Result<Repository, RegistryError> {
        #[derive(Deserialize)]
        struct Page {
            #[serde(default)]
            tags: Option<Vec<One>>,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct One {
            name: String,
            #[serde(default)]
            digest: Option<Text>,
            #[serde(default)]
            last_update_time: Option<Text>,
        }
        super::place::repository(repository)?;
        let first = self.endpoint.path(&format!("/acr/v1/{repository}/_tags?n=100&orderby=timedesc"))?;
        let ticket = Ticket {
            endpoint: self.endpoint,
            repository,
            scope: format!("repository:{repository}:metadata_read"),
        };
        let enough = self.selection.newest.unwrap_or(usize::MAX);
        let mut tags: Vec<Tag> = Vec::new();
        let what = format!("tags of {repository}");
        self.client.pages(&ticket, first, &what, |page: Page| {
            let page = page.tags.unwrap_or_default().into_iter().map(|one| Tag {
                name: one.name,
                digest: one.digest,
                at: one.last_update_time.and_then(|at| at.parse().ok()),
            });
            tags.extend(page.filter(|tag| self.takes(repository, &tag.name)));
            tags.len() < enough
        })?;
        Ok(Repository {
            name: repository.to_owned(),
            tags,
            order: Order::Pushed,
        })
    }

    fn takes(&self, repository: &str, tag: &str) -> bool {
        !is_attachment(tag) && self.selection.takes(repository, tag)
    }

    // ---- Google

    /// Folders and repositories are listed alike: `child` are those below.
    fn google(&self) -> Result<Vec<Repository>, RegistryError> {
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
                    self.client.pages(&ticket, first, &format!("tags of {name}"), |page: Page| {
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
                let tags = manifests.into_iter().flat_map(|(digest, one): (Text, One)| {
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

    // ---- Harbor

    fn harbor(&self) -> Result<Vec<Repository>, RegistryError> {
        #[derive(Deserialize)]
        struct Named {
            name: String,
        }
        let api = Harbor {
            lister: self,
            header: Mutex::new(None),
        };
        let projects: Vec<String> = match &self.target.prefix {
            Some(prefix) => vec![prefix.split('/').next().unwrap_or(prefix).to_owned()],
            None => {
                let found: Vec<Named> = api.all("/api/v2.0/projects", "projects", |_| false)?;
                found.into_iter().map(|project| project.name).collect()
            }
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
        let all = parallel(names, |(project, name)| match self.artifacts(&api, &project, &name) {
            Ok(repository) => Some(repository),
            Err(error) => {
                self.failed(&name, &error);
                None
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
        let own = repository.strip_prefix(project).and_then(|rest| rest.strip_prefix('/'));
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
        let tags = found.into_iter().filter(image).flat_map(|one| {
            let digest = one.digest;
            let pushed = one.push_time;
            one.tags.unwrap_or_default().into_iter().map(move |tag| Tag {
                name: tag.name,
                digest: digest.clone(),
                at: tag.push_time.as_ref().or(pushed.as_ref()).and_then(|at| at.parse().ok()),
            })
        });
        Ok(Repository {
            name: repository.to_owned(),
            tags: tags.collect(),
            order: Order::Pushed,
        })
    }

    // ---- Choosing

    /// The tags of a repository that are taken, the newest first.
    fn newest(&self, repository: Repository) -> Vec<Listed> {
        let Repository {
            name,
            mut tags,
            mut order,
        } = repository;
        tags.retain(|tag| self.takes(&name, &tag.name));
        tags.sort_by(|a, b| natural(&b.name, &a.name));
        let many = self.selection.newest.is_some_and(|newest| tags.len() > newest);
        if many && order == Order::Name {
            order = Order::Created;
            if tags.len() > ASKED {
                let what = format!(
                    "{} has {} tags and tells no time of them; the newest are looked for among {ASKED} by name",
                    name,
                    tags.len()
                );
                let close = "narrow them with --include 'REPOSITORY:TAG'";
                self.gap(&name, what, close.to_owned());
                tags.truncate(ASKED);
            }
            tags = self.dated(&name, tags);
        }
        tags.sort_by_key(|tag| Reverse(tag.at));
        if order == Order::Created && tags.windows(2).all(|two| two[0].at == two[1].at) {
            order = Order::Name;
        }
        tags.truncate(self.selection.newest.unwrap_or(usize::MAX));
        let listed = tags.into_iter().map(|tag| Listed {
            reference: ImageReference {
                registry: self.endpoint.host.as_str().into(),
                repository: name.as_str().into(),
                tag: Some(tag.name.into()),
                digest: tag.digest.filter(|digest| is_digest(digest)),
            },
            at: tag.at,
            order,
        });
        listed.collect()
    }

    /// When each image was built, as it says; what is none falls out.
    fn dated(&self, repository: &str, tags: Vec<Tag>) -> Vec<Tag> {
        let dated = parallel(tags, |tag| {
            let reference = ImageReference {
                registry: self.endpoint.host.as_str().into(),
                repository: repository.into(),
                tag: Some(tag.name.as_str().into()),
                digest: None,
            };
            match self.client.image(&reference, None) {
                Ok(image) => Some(Tag {
                    at: image.config.created.as_ref().and_then(|at| at.parse().ok()),
                    ..tag
                }),
                Err(RegistryError::Artifact { .. }) => None,
                // It is listed, and its scan will say why it cannot be read.
                Err(_) => Some(tag),
            }
        });
        dated.into_iter().flatten().collect()
    }
}

/// Harbor's API: basic authentication without a challenge, so what works is kept.
struct Harbor<'a> {
    lister: &'a Lister<'a>,
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
                Err(RegistryError::Status { status, host, what, said }) if matches!(status, 401 | 403) => {
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

/// Registries without a catalog, and what to do there.
fn no_catalog(host: &str) -> Option<String> {
    let how = match host {
        "docker.io" => "name one as docker.io/OWNER/IMAGE",
        "ghcr.io" => {
            "name one as ghcr.io/OWNER/IMAGE; `gh api --paginate '/orgs/OWNER/packages?package_type=container' --jq '.[].name'` lists an owner's"
        }
        "public.ecr.aws" => "name one as public.ecr.aws/ALIAS/IMAGE",
        "registry.gitlab.com" => {
            "name one as registry.gitlab.com/GROUP/PROJECT; `glab api projects/ID/registry/repositories` lists a project's"
        }
        _ => return None,
    };
    Some(format!("it lists no repositories: {how}"))
}

/// Tags of cosign and of the referrers' fallback: `sha256-<hex>`, with `.sig`, `.att`, `.sbom` or another ending
/// (sigstore/cosign, `pkg/oci/remote`; distribution-spec, "Referrers Tag Schema").
pub(super) fn is_attachment(tag: &str) -> bool {
    let Some(rest) = tag.strip_prefix("sha256-").or(tag.strip_prefix("sha512-")) else {
        return false;
    };
    let hex = rest.split('.').next().unwrap_or(rest);
    hex.len() >= 64 && hex.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// The target of `rel="next"` (RFC 8288).
pub(super) fn next(headers: &HeaderMap) -> Option<String> {
    headers.get_all(LINK).iter().filter_map(|link| link.to_str().ok()).find_map(|text| {
        text.split(',').find_map(|one| {
            let (target, parameters) = one.trim().strip_prefix('<')?.split_once('>')?;
            let parameters = parameters.to_ascii_lowercase().replace([' ', '"'], "");
            parameters.split(';').any(|one| one == "rel=next").then(|| target.to_owned())
        })
    })
}

/// One path segment, percent-encoded (RFC 3986, 2.3).
fn escaped(text: &str) -> String {
    use std::fmt::Write as _;
    text.bytes().fold(String::new(), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
        out
    })
}

/// Numbers in names count as numbers: `1.10` after `1.9`.
fn natural(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a.as_bytes(), b.as_bytes());
    loop {
        match (a.first(), b.first()) {
            (None, None) => return Ordering::Equal,
            (None, _) => return Ordering::Less,
            (_, None) => return Ordering::Greater,
            (Some(x), Some(y)) if x.is_ascii_digit() && y.is_ascii_digit() => {
                let (x, rest_a) = number(a);
                let (y, rest_b) = number(b);
                match x.len().cmp(&y.len()).then(x.cmp(y)) {
                    Ordering::Equal => (a, b) = (rest_a, rest_b),
                    other => return other,
                }
            }
            (Some(x), Some(y)) if x == y => {
                a = a.get(1..).unwrap_or_default();
                b = b.get(1..).unwrap_or_default();
            }
            (Some(x), Some(y)) => return x.cmp(y),
        }
    }
}

/// The digits at the start without their zeros, and what follows.
fn number(text: &[u8]) -> (&[u8], &[u8]) {
    let end = text.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    let zeros = digits.iter().position(|digit| *digit != b'0').unwrap_or(digits.len());
    (digits.get(zeros..).unwrap_or_default(), rest)
}

/// `*` for anything, `?` for one character; linear in the text for each star.
pub(super) fn glob(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(c) if *c == '?' || text.get(t) == Some(c) => {
                p += 1;
                t += 1;
            }
            _ => match star {
                Some((at, from)) => {
                    star = Some((at, from + 1));
                    p = at + 1;
                    t = from + 1;
                }
                None => return false,
            },
        }
    }
    pattern.get(p..).unwrap_or_default().iter().all(|c| *c == '*')
}

/// Each item on one of a few threads; results in the items' order.
fn parallel<T: Send, R: Send>(items: Vec<T>, work: impl Fn(T) -> R + Sync) -> Vec<R> {
    let count = items.len();
    let items: Vec<Mutex<Option<T>>> = items.into_iter().map(|item| Mutex::new(Some(item))).collect();
    let results: Vec<Mutex<Option<R>>> = (0..count).map(|_| Mutex::new(None)).collect();
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE.min(count) {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Atomic::Relaxed);
                    let (Some(item), Some(place)) = (items.get(at), results.get(at)) else {
                        break;
                    };
                    let Some(item) = item.lock().ok().and_then(|mut item| item.take()) else {
                        continue;
                    };
                    let result = work(item);
                    if let Ok(mut place) = place.lock() {
                        *place = Some(result);
                    }
                }
            });
        }
    });
    results.into_iter().filter_map(|result| result.into_inner().ok().flatten()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets() {
        let check = |text: &str, expected: Option<(&str, Option<&str>)>| {
            let target = Target::parse(text).ok();
            let target = target.as_ref().map(|t| (&*t.registry, t.prefix.as_deref()));
            assert_eq!(target, expected, "{text}");
        };
        check("harbor.example", Some(("harbor.example", None)));
        check("https://harbor.example/", Some(("harbor.example", None)));
        check("localhost:5000/team/app", Some(("localhost:5000", Some("team/app"))));
        check("index.docker.io/library", Some(("docker.io", Some("library"))));
        check("team/app", None);
        check("", None);
        check("harbor.example/../x", None);
        let team = Target::parse("h.example/team").unwrap();
        assert!(team.holds("team") && team.holds("team/app") && !team.holds("teams/app"));
    }

    #[test]
    fn selections() {
        let check = |include: &[&str], exclude: &[&str], image: &str, expected: bool| {
            let own = |all: &[&str]| all.iter().map(|one| (*one).to_owned()).collect();
            let selection = Selection {
                include: own(include),
                exclude: own(exclude),
                newest: None,
            };
            let (repository, tag) = image.split_once(':').unwrap();
            let takes = selection.takes_some(repository) && selection.takes(repository, tag);
            assert_eq!(takes, expected, "{include:?} {exclude:?} {image}");
        };
        check(&[], &[], "a/b:1", true);
        check(&["a/*"], &[], "a/b:1", true);
        check(&["a/*"], &[], "b:1", false);
        check(&["a:v*"], &[], "a:v1", true);
        check(&["a:v*"], &[], "a:1", false);
        check(&["a:v*", "b"], &["*:*-dev"], "b:1-dev", false);
        check(&[], &["*:*-dev"], "b:1", true);
        check(&[], &["b?"], "bc:1", false);
        check(&[], &["b?"], "b:1", true);
    }

    #[test]
    fn names_of_attachments() {
        let hex = "a".repeat(64);
        for (tag, expected) in [
            (format!("sha256-{hex}.sig"), true),
            (format!("sha256-{hex}.att"), true),
            (format!("sha256-{hex}"), true),
            ("sha256-12".to_owned(), false),
            ("1.0".to_owned(), false),
            (hex, false),
        ] {
            assert_eq!(is_attachment(&tag), expected, "{tag}");
        }
    }

    #[test]
    fn order_and_globs() {
        let mut tags = ["1.9", "latest", "1.10", "1.2", "v2", "1.10-rc1", "01.9"];
        tags.sort_by(|a, b| natural(b, a));
        assert_eq!(tags, ["v2", "latest", "1.10-rc1", "1.10", "1.9", "01.9", "1.2"]);
        for (pattern, text, expected) in [
            ("", "", true),
            ("*", "", true),
            ("a*c*e", "abcde", true),
            ("a*c", "abcd", false),
            ("?", "", false),
            ("**x", "aax", true),
        ] {
            assert_eq!(glob(pattern, text), expected, "{pattern} {text}");
        }
        // No pattern may be slow.
        let text = "a".repeat(20_000);
        assert!(!glob(&format!("{}b", "a*".repeat(20)), &text));
    }

    #[test]
    fn links_and_escapes() {
        let check = |link: &str, expected: Option<&str>| {
            let mut headers = HeaderMap::new();
            headers.insert(LINK, HeaderValue::from_str(link).unwrap());
            assert_eq!(next(&headers).as_deref(), expected, "{link}");
        };
        check("</v2/_catalog?last=a&n=2>; rel=\"next\"", Some("/v2/_catalog?last=a&n=2"));
        check("</a>; rel=\"prev\" , </b>; rel=\"next\"", Some("/b"));
        check("</a>; rel=prev", None);
        check("nothing", None);
        assert_eq!(escaped(&escaped("a/b")), "a%252Fb");
    }

    #[test]
    fn results_keep_their_order() {
        let doubled = parallel((0..100).collect(), |n: i32| n * 2);
        assert_eq!(doubled, (0..100).map(|n| n * 2).collect::<Vec<_>>());
    }
}
