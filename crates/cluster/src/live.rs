//! A live API server -> `Snapshot`. Lists page by page, only reads, and goes on when it may not.
//! What was refused or broke off is a `Gap`. Never: a watch, a write, a Kubernetes client type outside.

mod discovery;
mod kinds;
mod kubeconfig;
mod list;
mod pull;
mod request;

pub use pull::{PullSecret, SecretName, pull_secrets};

use crate::redact::{self, Redactor};
use discovery::Resource;
use jiff::Timestamp;
use kinds::Need;
use list::Listing;
use model::evidence::{Fact, Gap, GapId, GapWeight, Stage};
use model::keys::ClusterId;
use model::object::Gvk;
use model::snapshot::{KubernetesVersion, Listed, NEWEST_KUBERNETES_MINOR, Origin, Snapshot};
use model::text::Text;
use request::{Requester, ServerError};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// Lists that are read at the same time; each holds at most two pages.
const LISTS_AT_ONCE: usize = 4;

#[derive(Clone, Debug)]
pub struct Options {
    /// `None`: KUBECONFIG, `~/.kube/config`, then the pod's own account.
    pub kubeconfig: Option<PathBuf>,
    pub context: Option<String>,
    /// Empty: all.
    pub namespaces: Vec<String>,
    /// Objects in one page, 1 to 10,000.
    pub page_size: u32,
    pub cluster_name: Option<Text>,
    pub now: Timestamp,
    /// Key of the fingerprints of secret values; fresh for each snapshot.
    pub redaction_key: [u8; 32],
}

#[derive(Debug, thiserror::Error)]
pub enum LiveError {
    #[error("cannot use the kubeconfig: {0}")]
    Kubeconfig(String),
    #[error("no usable kubeconfig and no service account of a pod was found: {0}")]
    Infer(String),
    #[error("cannot make a client for {url}")]
    Client {
        url: String,
        #[source]
        source: kube::Error,
    },
    #[error("cannot start the reader")]
    Runtime(#[source] std::io::Error),
    #[error(
        "the API server refuses these credentials (401); log in again, or name another --context"
    )]
    Unauthorized,
    #[error("{url} does not answer as a Kubernetes API server")]
    Unreachable {
        url: String,
        #[source]
        source: ServerError,
    },
}

/// Reads everything that later stages need, with its own runtime.
pub fn collect(options: &Options) -> Result<Snapshot, LiveError> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(LiveError::Runtime)?;
    runtime.block_on(connect_and_read(options))
}

async fn connect_and_read(options: &Options) -> Result<Snapshot, LiveError> {
    let config = kubeconfig::config(options).await?;
    let url = shown(&config.cluster_url);
    let name = options
        .cluster_name
        .clone()
        .or_else(|| options.context.as_deref().map(Into::into))
        .or_else(|| Some(url.as_str().into()));
    let requester = Arc::new(Requester::new(client(config)?));
    read(&requester, options, name)
        .await
        .map_err(|error| match error {
            ServerError::Unauthorized => LiveError::Unauthorized,
            source => LiveError::Unreachable { url, source },
        })
}

fn client(config: kube::Config) -> Result<kube::Client, LiveError> {
    // One crypto provider for the process; a second installation changes nothing.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let url = shown(&config.cluster_url);
    kube::Client::try_from(config).map_err(|source| match source {
        // Its words quote the URL, which may hold a user.
        kube::Error::ProxyProtocolUnsupported { .. } => {
            LiveError::Kubeconfig("the protocol of its proxy-url is not supported".to_owned())
        }
        source => LiveError::Client { url, source },
    })
}

/// A server's URL for names and messages: without a user and a query, which may be secrets (rule 20).
fn shown(url: &http::Uri) -> String {
    let scheme = url.scheme_str().unwrap_or("https");
    let host = url.host().unwrap_or_default();
    let port = url
        .port()
        .map_or_else(String::new, |port| format!(":{port}"));
    format!("{scheme}://{host}{port}{}", url.path())
}

async fn read(
    requester: &Arc<Requester>,
    options: &Options,
    cluster_name: Option<Text>,
) -> Result<Snapshot, ServerError> {
    let (version, server_version) = server_version(requester).await?;
    let (resources, mut gaps) = discovery::discover(requester).await?;
    let (wanted, others) = kinds::choose(&resources);
    let mut listings = lists(requester, options, wanted).await;
    let templated: BTreeSet<(Text, Text)> = listings
        .iter()
        .flat_map(|listing| listing.templated.iter().cloned())
        .collect();
    let (custom, others): (Vec<_>, Vec<_>) = others
        .into_iter()
        .partition(|r| templated.contains(&(Text::clone(&r.group), Text::clone(&r.plural))));
    listings.extend(
        lists(
            requester,
            options,
            custom.into_iter().map(|r| (r, Need::Workload)).collect(),
        )
        .await,
    );
    let (mut other_kinds, count_gap) = count(requester, others).await;
    gaps.extend(count_gap);

    let mut objects = Vec::with_capacity(listings.iter().map(|l| l.objects.len()).sum());
    let mut listed = Vec::with_capacity(listings.len());
    for listing in listings {
        listed.push(Listed {
            group: Text::clone(&listing.resource.group),
            kind: Text::clone(&listing.resource.kind),
            count: listing.objects.len() as u64,
            complete: listing.complete,
        });
        for (kind, count) in listing.others {
            *other_kinds.entry(kind).or_default() += count;
        }
        objects.extend(listing.objects);
        gaps.extend(listing.gaps);
    }
    redact::settle(&mut objects, &Redactor::new(options.redaction_key));
    gaps.extend(limited(&options.namespaces));
    listed.sort_unstable();
    gaps.sort_unstable();
    gaps.dedup();
    let mut snapshot = Snapshot {
        origin: Origin::Live,
        cluster: Fact::Absent,
        cluster_name,
        version,
        server_version,
        taken_at: Some(options.now),
        objects,
        files: Vec::new(),
        listed,
        other_kinds,
        gaps,
    };
    snapshot.sort();
    snapshot.cluster = cluster_id(requester, &mut snapshot).await;
    Ok(snapshot)
}

/// Kinds count as listed whole although only some namespaces were read: what that leaves open is said.
fn limited(namespaces: &[String]) -> Option<Gap> {
    (!namespaces.is_empty()).then(|| Gap {
        class: "namespaces-limited".into(),
        what: format!("only these namespaces were read: {}", namespaces.join(", ")).into(),
        stage: Stage::Collect,
        scope: "namespaces".into(),
        weight: GapWeight::Notice,
        close: "leave --namespace out".into(),
    })
}

#[derive(Deserialize)]
struct Version {
    minor: String,
    #[serde(rename = "gitVersion", default)]
    git: Option<String>,
}

/// Longer ones are no versions.
const LONGEST_VERSION: usize = 128;

/// The minor version that objects are judged by, and the version as the server says it.
async fn server_version(
    requester: &Requester,
) -> Result<(KubernetesVersion, Option<Text>), ServerError> {
    let bytes = requester.get("/version", request::JSON).await?;
    let version: Option<Version> = serde_json::from_slice(&bytes).ok();
    let said = version.as_ref().and_then(|version| version.git.as_deref());
    let said =
        said.filter(|said| said.len() <= LONGEST_VERSION && !said.contains(char::is_control));
    let said = said.map(Text::from);
    // Some providers answer `27+`.
    let minor = version.and_then(|v| {
        v.minor
            .trim_end_matches(|c: char| !c.is_ascii_digit())
            .parse()
            .ok()
    });
    let version = match minor {
        Some(minor) => KubernetesVersion { minor, known: true },
        None => KubernetesVersion {
            minor: NEWEST_KUBERNETES_MINOR,
            known: false,
        },
    };
    Ok((version, said))
}

#[derive(Deserialize)]
struct Named {
    metadata: Metadata,
}
#[derive(Deserialize)]
struct Metadata {
    uid: String,
}

/// UID of `kube-system`; unknown where it may not be read. The gap's id points into the gaps of the snapshot.
async fn cluster_id(requester: &Requester, snapshot: &mut Snapshot) -> Fact<ClusterId> {
    if let Some(uid) = snapshot
        .find("", "Namespace", None, "kube-system")
        .and_then(|namespace| namespace.uid.clone())
    {
        return Fact::Is(ClusterId(uid));
    }
    if let Ok(bytes) = requester
        .get("/api/v1/namespaces/kube-system", request::METADATA)
        .await
        && let Ok(named) = serde_json::from_slice::<Named>(&bytes)
    {
        return Fact::Is(ClusterId(named.metadata.uid.into()));
    }
    snapshot.gaps.push(Gap {
        class: "cluster-id-unknown".into(),
        what: "the cluster's id, the UID of namespace kube-system, may not be read".into(),
        stage: Stage::Collect,
        scope: "namespace/kube-system".into(),
        weight: GapWeight::Notice,
        close: "grant get on namespaces, or pass --cluster-name to store the scan".into(),
    });
    Fact::Unknown(GapId(
        u32::try_from(snapshot.gaps.len() - 1).unwrap_or(u32::MAX),
    ))
}

/// Lists several resources at a time, in the order of the table.
async fn lists(
    requester: &Arc<Requester>,
    options: &Options,
    wanted: Vec<(Resource, Need)>,
) -> Vec<Listing> {
    let slots = Arc::new(Semaphore::new(LISTS_AT_ONCE));
    let mut running = JoinSet::new();
    for (order, (resource, need)) in wanted.into_iter().enumerate() {
        let (requester, options, slots) =
            (Arc::clone(requester), options.clone(), Arc::clone(&slots));
        running.spawn(async move {
            let _slot = slots.acquire_owned().await;
            (
                order,
                list::list(&requester, resource, need, &options).await,
            )
        });
    }
    let mut done = Vec::new();
    while let Some(finished) = running.join_next().await {
        done.extend(finished.ok());
    }
    done.sort_by_key(|(order, _)| *order);
    done.into_iter().map(|(_, listing)| listing).collect()
}

/// Counts what is not read, by asking for one object's metadata and the number of the rest.
async fn count(
    requester: &Arc<Requester>,
    others: Vec<Resource>,
) -> (BTreeMap<Text, u64>, Option<Gap>) {
    let slots = Arc::new(Semaphore::new(LISTS_AT_ONCE));
    let mut running = JoinSet::new();
    for resource in others {
        let (requester, slots) = (Arc::clone(requester), Arc::clone(&slots));
        running.spawn(async move {
            let _slot = slots.acquire_owned().await;
            let count = list::count(&requester, &resource).await;
            (resource, count)
        });
    }
    let mut counted = BTreeMap::new();
    let mut refused = BTreeSet::new();
    while let Some(finished) = running.join_next().await {
        let Ok((resource, count)) = finished else {
            continue;
        };
        let name = if resource.group.is_empty() {
            resource.kind.to_string()
        } else {
            format!("{}.{}", resource.kind, resource.group)
        };
        match count {
            Ok(0) => {}
            Ok(count) => {
                counted.insert(Text::from(name), count);
            }
            Err(_) => {
                refused.insert(name);
            }
        }
    }
    let gap = (!refused.is_empty()).then(|| Gap {
        class: "kinds-not-counted".into(),
        what: format!(
            "{} kinds that no stage reads could not be counted",
            refused.len()
        )
        .into(),
        stage: Stage::Collect,
        scope: refused
            .into_iter()
            .take(5)
            .collect::<Vec<_>>()
            .join(", ")
            .into(),
        weight: GapWeight::Notice,
        close: Text::from(""),
    });
    (counted, gap)
}

fn gvk(resource: &Resource) -> Gvk {
    Gvk {
        group: Text::clone(&resource.group),
        kind: Text::clone(&resource.kind),
        version: Text::clone(&resource.version),
    }
}
