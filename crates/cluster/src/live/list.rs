//! One resource, page by page: while a page is made canonical, the next one is on its way.

use super::discovery::Resource;
use super::kinds::Need;
use super::request::{JSON, METADATA, Requester, ServerError};
use super::{Options, gvk};
use crate::canonical::Canonicalizer;
use crate::redact::Redactor;
use model::evidence::{Gap, GapWeight, Stage};
use model::snapshot::Object;
use model::text::Text;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// How often a list is begun anew after its continuation expired.
const RESTARTS: u32 = 2;

/// What was read of one resource.
pub(super) struct Listing {
    pub(super) resource: Resource,
    pub(super) objects: Vec<Object>,
    /// `false`: refused or broken off.
    pub(super) complete: bool,
    pub(super) gaps: Vec<Gap>,
    /// Items of kinds that no stage reads, by `kind.group`.
    pub(super) others: BTreeMap<Text, u64>,
    /// (group, plural) of CRDs whose schema has a pod template.
    pub(super) templated: Vec<(Text, Text)>,
}

#[derive(Deserialize)]
struct Head {
    #[serde(default)]
    metadata: HeadMetadata,
    #[serde(default)]
    items: Option<Vec<IgnoredAny>>,
}

#[derive(Default, Deserialize)]
struct HeadMetadata {
    #[serde(default, rename = "continue")]
    token: Option<String>,
    #[serde(default, rename = "remainingItemCount")]
    remaining: Option<u64>,
}

/// Lists a resource in the whole cluster, or in the namespaces of the options.
pub(super) async fn list(
    requester: &Requester,
    resource: Resource,
    need: Need,
    options: &Options,
) -> Listing {
    let mut listing = Listing {
        resource,
        objects: Vec::new(),
        complete: true,
        gaps: Vec::new(),
        others: BTreeMap::new(),
        templated: Vec::new(),
    };
    let scopes: Vec<Option<&str>> = if options.namespaces.is_empty() || !listing.resource.namespaced
    {
        vec![None]
    } else {
        options
            .namespaces
            .iter()
            .map(|namespace| Some(namespace.as_str()))
            .collect()
    };
    for namespace in scopes {
        if let Err(error) = read_scope(requester, &mut listing, namespace, options).await {
            listing.complete = false;
            listing.gaps.push(gap(&listing, &error, namespace, need));
        }
    }
    listing
}

/// How many objects there are, without reading them.
pub(super) async fn count(requester: &Requester, resource: &Resource) -> Result<u64, ServerError> {
    let bytes = requester
        .get(&format!("{}?limit=1", resource.path(None)), METADATA)
        .await?;
    let page: Head = serde_json::from_slice(&bytes).map_err(|_| ServerError::Malformed("list"))?;
    Ok(page.items.map_or(0, |items| items.len() as u64) + page.metadata.remaining.unwrap_or(0))
}

async fn read_scope(
    requester: &Requester,
    listing: &mut Listing,
    namespace: Option<&str>,
    options: &Options,
) -> Result<(), ServerError> {
    let begin = listing.objects.len();
    let mut restarts = 0;
    let first = format!(
        "{}?limit={}",
        listing.resource.path(namespace),
        options.page_size
    );
    let mut bytes = requester.get(&first, JSON).await?;
    let mut canonicalizer = Canonicalizer::new(Redactor::new(options.redaction_key));
    loop {
        let token = token_of(&bytes)?;
        let next = async {
            match &token {
                Some(token) => requester
                    .get(&format!("{first}&continue={}", escape(token)), JSON)
                    .await
                    .map(Some),
                None => Ok(None),
            }
        };
        let resource = listing.resource.clone();
        let made = tokio::task::spawn_blocking(move || {
            let made = objects_of(&bytes, &resource, &mut canonicalizer);
            (made, canonicalizer)
        });
        let (next, made) = tokio::join!(next, made);
        let (made, returned) = made.map_err(|_| ServerError::Malformed("list"))?;
        canonicalizer = returned;
        let made = made?;
        listing.objects.extend(made.objects);
        listing.templated.extend(made.templated);
        for other in made.others {
            *listing.others.entry(other).or_default() += 1;
        }
        bytes = match next {
            Ok(None) => return Ok(()),
            Ok(Some(bytes)) => bytes,
            // The list is begun anew for one consistent state; at last the server's own token is taken, and said.
            Err(ServerError::Expired { .. }) if restarts < RESTARTS => {
                restarts += 1;
                listing.objects.truncate(begin);
                requester.get(&first, JSON).await?
            }
            Err(ServerError::Expired { token: Some(token) }) => {
                listing.gaps.push(inconsistent(&listing.resource));
                requester
                    .get(&format!("{first}&continue={}", escape(&token)), JSON)
                    .await?
            }
            Err(error) => return Err(error),
        };
    }
}

/// The continuation token alone; the items are skipped, not built.
fn token_of(bytes: &[u8]) -> Result<Option<String>, ServerError> {
    #[derive(Deserialize)]
    struct Head {
        #[serde(default)]
        metadata: HeadMetadata,
    }
    let head: Head = serde_json::from_slice(bytes).map_err(|_| ServerError::Malformed("list"))?;
    Ok(head.metadata.token.filter(|token| !token.is_empty()))
}

struct Made {
    objects: Vec<Object>,
    others: Vec<Text>,
    templated: Vec<(Text, Text)>,
}

fn objects_of(
    bytes: &[u8],
    resource: &Resource,
    canonicalizer: &mut Canonicalizer,
) -> Result<Made, ServerError> {
    let page = canonicalizer
        .page(bytes, &gvk(resource))
        .map_err(|_| ServerError::Malformed("list"))?;
    let templated = match &*resource.plural {
        "customresourcedefinitions" => templated(bytes)?,
        _ => Vec::new(),
    };
    Ok(Made {
        objects: page.objects,
        others: page.others,
        templated,
    })
}

/// (group, plural) of the CRDs whose schema describes containers of a pod.
fn templated(list: &[u8]) -> Result<Vec<(Text, Text)>, ServerError> {
    #[derive(Deserialize)]
    struct Definitions<'a> {
        #[serde(borrow, default)]
        items: Option<Vec<&'a RawValue>>,
    }
    #[derive(Deserialize)]
    struct Definition {
        spec: Spec,
    }
    #[derive(Deserialize)]
    struct Spec {
        group: String,
        names: Names,
    }
    #[derive(Deserialize)]
    struct Names {
        plural: String,
    }
    let list: Definitions<'_> =
        serde_json::from_slice(list).map_err(|_| ServerError::Malformed("list"))?;
    let describes = |raw: &&RawValue| {
        raw.get().contains("\"containers\"") && raw.get().contains("\"imagePullPolicy\"")
    };
    let definitions = list.items.unwrap_or_default().into_iter().filter(describes);
    Ok(definitions
        .filter_map(|raw| serde_json::from_str::<Definition>(raw.get()).ok())
        .map(|one| (one.spec.group.into(), one.spec.names.plural.into()))
        .collect())
}

/// Percent-encodes a token for a query (RFC 3986 unreserved characters stay).
fn escape(token: &str) -> String {
    token
        .bytes()
        .fold(String::with_capacity(token.len()), |mut out, byte| {
            if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
                out.push(char::from(byte));
            } else {
                out.push('%');
                out.push_str(&model::keys::hex(&[byte]).to_ascii_uppercase());
            }
            out
        })
}

fn gap(listing: &Listing, error: &ServerError, namespace: Option<&str>, need: Need) -> Gap {
    let Resource { group, plural, .. } = &listing.resource;
    let qualified = if group.is_empty() {
        plural.to_string()
    } else {
        format!("{plural}.{group}")
    };
    let place = namespace.map_or_else(
        || "the whole cluster".to_owned(),
        |namespace| format!("namespace {namespace}"),
    );
    let scope = match namespace {
        Some(namespace) => format!("{qualified} in namespace/{namespace}"),
        None => qualified.clone(),
    };
    match error {
        ServerError::Forbidden => Gap {
            class: "list-forbidden".into(),
            what: format!("may not list {qualified} in {place}").into(),
            stage: Stage::Collect,
            scope: scope.into(),
            weight: need.weight(),
            close: grant(&qualified, namespace).into(),
        },
        ServerError::NotFound => Gap {
            class: "list-not-served".into(),
            what: format!("{qualified} are announced but not served").into(),
            stage: Stage::Collect,
            scope: scope.into(),
            weight: need.weight(),
            close: "".into(),
        },
        other => Gap {
            class: "collection-incomplete".into(),
            what: format!(
                "the list of {qualified} in {place} ends after {} objects: {other}",
                listing.objects.len()
            )
            .into(),
            stage: Stage::Collect,
            scope: scope.into(),
            weight: need.weight(),
            close: "run the scan again when the API server is well".into(),
        },
    }
}

/// The missing permission, as a command; for secrets with its cost (rule 19).
fn grant(qualified: &str, namespace: Option<&str>) -> String {
    let command = match namespace {
        Some(namespace) => format!(
            "kubectl -n {namespace} create role plimsoll-{qualified} --verb=list --resource={qualified}"
        ),
        None => format!(
            "kubectl create clusterrole plimsoll-{qualified} --verb=list --resource={qualified}"
        ),
    };
    if qualified == "secrets" {
        return "not needed: only keys and ages of Secrets would be added, and a right to list them reads every secret value".to_owned();
    }
    format!("{command}, and bind it to the account that scans")
}

fn inconsistent(resource: &Resource) -> Gap {
    Gap {
        class: "list-inconsistent".into(),
        what: format!(
            "the list of {} changed while it was read: some objects may be missing or stale",
            resource.plural
        )
        .into(),
        stage: Stage::Collect,
        scope: Text::clone(&resource.plural),
        weight: GapWeight::Widens,
        close: "use a larger --page-size, or scan again".into(),
    }
}
