//! What a registry holds. Comes in: a host, perhaps a prefix, and a selection. Goes out: references of images, with
//! digest and time where the registry tells them, and a gap for each repository that could not be listed. Never: takes
//! signatures and attestations for images, pages without end, asks another host (the clouds' own services need their
//! own rights: see [`no_catalog`]).
//!
//! Ways: `/v2/_catalog` and `tags/list` (distribution-spec; ECR and ACR too), Harbor's API v2.0, Google's `child` and
//! `manifest` in `tags/list` (Container and Artifact Registry), Azure's `_tags` for times.

mod google;
mod harbor;
mod names;

pub(super) use names::{glob, next};

use super::access::{Challenge, Ticket, challenges};
use super::http::Ask;
use super::place::{Endpoint, official};
use super::{Client, RegistryError};
use jiff::Timestamp;
use model::evidence::{Gap, GapWeight, Stage};
use model::image::{ImageReference, is_digest};
use model::text::Text;
use names::{is_attachment, natural};
use reqwest::Url;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Bytes of one page.
const PAGE: u64 = 16 << 20;
/// Pages of one list; a registry that has more is cut, and told so.
const PAGES: usize = 2_000;
/// Repositories of one registry.
const REPOSITORIES: usize = 100_000;
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
        (self.include.is_empty() || self.include.iter().any(fits)) && !self.exclude.iter().any(fits)
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

/// What a registry holds of a selection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// Ordered by repository, the newest first.
    pub images: Vec<Listed>,
    /// Repositories with a tag that is taken.
    pub repositories: usize,
    /// Tags that fit the patterns, older ones too.
    pub tags: usize,
    /// Tags of signatures, attestations and bills of materials, and charts and the like where the registry tells them
    /// from images.
    pub attachments: usize,
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
    /// The images of a registry.
    ///
    /// # Errors
    /// Of [`RegistryError`], where nothing at all could be listed.
    pub fn list(
        &self,
        target: &Target,
        selection: &Selection,
    ) -> Result<(Listing, Vec<Gap>), RegistryError> {
        let endpoint = Endpoint::own(&target.registry, &self.shared.options)?;
        let lister = Lister {
            client: self,
            endpoint: &endpoint,
            target,
            selection,
            gaps: Mutex::new(Vec::new()),
            others: AtomicUsize::new(0),
        };
        let repositories = match lister.way()? {
            Way::Harbor => lister.harbor()?,
            Way::Google => lister.google()?,
            Way::Plain => lister.plain()?,
        };
        let mut listing = Listing::default();
        for (taken, of) in parallel(repositories, |repository| lister.newest(repository)) {
            listing.repositories += usize::from(!taken.is_empty());
            listing.tags += of;
            listing.images.extend(taken);
        }
        listing.attachments = lister.others.into_inner();
        // Stable: the order within a repository is kept.
        let repository = |one: &Listed| Text::clone(&one.reference.repository);
        listing.images.sort_by_cached_key(repository);
        let mut gaps = lister.gaps.into_inner().unwrap_or_default();
        gaps.sort_by(|a, b| (&a.scope, &a.what).cmp(&(&b.scope, &b.what)));
        Ok((listing, gaps))
    }

    /// Tags of one repository, as the registry orders them; those of signatures and attestations are left out.
    pub fn tags(&self, registry: &str, repository: &str) -> Result<Vec<Text>, RegistryError> {
        let endpoint = Endpoint::own(registry, &self.shared.options)?;
        let (tags, _) = self.tags_at(&endpoint, repository)?;
        let tags = tags.into_iter().filter(|tag| !is_attachment(tag));
        Ok(tags.map(Into::into).collect())
    }

    /// With those of attachments; the flag says whether there were more than we read.
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
        let cut = self.pages(
            &Ticket::pull(endpoint, repository),
            first,
            &what,
            |page: Page| {
                all.extend(page.tags.unwrap_or_default());
                true
            },
        )?;
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
    /// Tags of what is no image.
    others: AtomicUsize,
}

impl Lister<'_> {
    fn way(&self) -> Result<Way, RegistryError> {
        let host = &*self.endpoint.host;
        if host == "gcr.io" || host.ends_with(".gcr.io") || host.ends_with("-docker.pkg.dev") {
            return Ok(Way::Google);
        }
        if no_catalog(host).is_some() {
            return Ok(Way::Plain);
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

    fn gap(&self, weight: GapWeight, repository: &str, what: String, close: String) {
        let scope = match repository {
            "" => format!("registry {}", self.endpoint.host),
            repository => format!("registry {}/{repository}", self.endpoint.host),
        };
        let gap = Gap {
            class: "registry-not-listed".into(),
            what: what.into(),
            stage: Stage::Catalog,
            scope: scope.into(),
            weight,
            close: close.into(),
        };
        if let Ok(mut gaps) = self.gaps.lock() {
            gaps.push(gap);
        }
    }

    fn failed(&self, repository: &str, error: &RegistryError) {
        self.gap(GapWeight::Hides, repository, error.told(), error.close());
    }

    fn cut(&self, repository: &str, what: &str) {
        self.gap(
            GapWeight::Hides,
            repository,
            format!("there are more {what} than are read"),
            String::new(),
        );
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
        let names: Vec<String> = names
            .into_iter()
            .filter(|name| self.selection.takes_some(name))
            .collect();
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
        let cut = self
            .client
            .pages(&ticket, first, "the list of repositories", |page: Page| {
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
        let first = self.endpoint.path(&format!(
            "/acr/v1/{repository}/_tags?n=100&orderby=timedesc"
        ))?;
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

    /// The tags of a repository that are taken, the newest first, and of how many.
    fn newest(&self, repository: Repository) -> (Vec<Listed>, usize) {
        let Repository {
            name,
            mut tags,
            mut order,
        } = repository;
        let attachments = tags.iter().filter(|tag| is_attachment(&tag.name)).count();
        self.others.fetch_add(attachments, Ordering::Relaxed);
        tags.retain(|tag| self.takes(&name, &tag.name));
        let all = tags.len();
        tags.sort_by(|a, b| natural(&b.name, &a.name));
        let many = self
            .selection
            .newest
            .is_some_and(|newest| tags.len() > newest);
        if many && order == Order::Name {
            order = Order::Created;
            if tags.len() > ASKED {
                let what = format!(
                    "{} has {} tags and tells no time of them; the newest are looked for among {ASKED} by name",
                    name,
                    tags.len()
                );
                let close = "narrow them with --include 'REPOSITORY:TAG'";
                self.gap(GapWeight::Widens, &name, what, close.to_owned());
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
        (listed.collect(), all)
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

/// Each item on one of a few threads; results in the items' order.
fn parallel<T: Send, R: Send>(items: Vec<T>, work: impl Fn(T) -> R + Sync) -> Vec<R> {
    let count = items.len();
    let items: Vec<Mutex<Option<T>>> = items
        .into_iter()
        .map(|item| Mutex::new(Some(item)))
        .collect();
    let results: Vec<Mutex<Option<R>>> = (0..count).map(|_| Mutex::new(None)).collect();
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE.min(count) {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
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
    results
        .into_iter()
        .filter_map(|result| result.into_inner().ok().flatten())
        .collect()
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
        check(
            "localhost:5000/team/app",
            Some(("localhost:5000", Some("team/app"))),
        );
        check(
            "index.docker.io/library",
            Some(("docker.io", Some("library"))),
        );
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
    fn results_keep_their_order() {
        let doubled = parallel((0..100).collect(), |n: i32| n * 2);
        assert_eq!(doubled, (0..100).map(|n| n * 2).collect::<Vec<_>>());
    }
}
