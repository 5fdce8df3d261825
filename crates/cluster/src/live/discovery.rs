//! What the server serves, at its preferred versions: aggregated discovery (KEP-3352), the classic one of older servers.

use super::request::{JSON, Requester, ServerError};
use model::evidence::{Gap, GapWeight, Stage};
use model::text::Text;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeSet;

/// v2 is GA since 1.30, v2beta1 since 1.27; servers without it answer plain JSON, which is told apart by its kind.
const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList";

/// A resource that can be listed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Resource {
    pub(super) group: Text,
    pub(super) kind: Text,
    pub(super) version: Text,
    pub(super) plural: Text,
    pub(super) namespaced: bool,
}

impl Resource {
    /// `/apis/apps/v1/deployments`, in one namespace if it is given and the resource is namespaced.
    pub(super) fn path(&self, namespace: Option<&str>) -> String {
        let root = if self.group.is_empty() {
            format!("/api/{}", self.version)
        } else {
            format!("/apis/{}/{}", self.group, self.version)
        };
        match namespace.filter(|_| self.namespaced) {
            Some(namespace) => format!("{root}/namespaces/{namespace}/{}", self.plural),
            None => format!("{root}/{}", self.plural),
        }
    }
}

/// Every resource that can be listed, one version each, ordered; groups that do not answer are gaps.
pub(super) async fn discover(
    requester: &Requester,
) -> Result<(Vec<Resource>, Vec<Gap>), ServerError> {
    let mut gaps = Vec::new();
    let mut resources = match aggregated(requester, &mut gaps).await? {
        Some(resources) => resources,
        None => classic(requester, &mut gaps).await?,
    };
    // The first version of a group that has the resource is the preferred one.
    let mut seen = BTreeSet::new();
    resources.retain(|r| seen.insert((Text::clone(&r.group), Text::clone(&r.plural))));
    resources.sort_unstable();
    Ok((resources, gaps))
}

#[derive(Deserialize)]
struct GroupList {
    kind: String,
    #[serde(default)]
    items: Vec<Group>,
}

#[derive(Deserialize)]
struct Group {
    #[serde(default)]
    metadata: Named,
    #[serde(default)]
    versions: Vec<GroupVersion>,
}

#[derive(Default, Deserialize)]
struct Named {
    #[serde(default)]
    name: String,
}

#[derive(Deserialize)]
struct GroupVersion {
    version: String,
    #[serde(default)]
    freshness: String,
    #[serde(default)]
    resources: Vec<AggregatedResource>,
}

#[derive(Deserialize)]
struct AggregatedResource {
    resource: String,
    #[serde(default, rename = "responseKind")]
    response_kind: ResponseKind,
    #[serde(default)]
    scope: String,
    #[serde(default)]
    verbs: Vec<String>,
}

#[derive(Default, Deserialize)]
struct ResponseKind {
    #[serde(default)]
    kind: String,
}

/// `None`: the server knows only the classic form.
async fn aggregated(
    requester: &Requester,
    gaps: &mut Vec<Gap>,
) -> Result<Option<Vec<Resource>>, ServerError> {
    let mut resources = Vec::new();
    for path in ["/api", "/apis"] {
        let bytes = match requester.get(path, AGGREGATED).await {
            Ok(bytes) => bytes,
            Err(ServerError::Status { code: 406, .. } | ServerError::NotFound) => return Ok(None),
            Err(error) => return Err(error),
        };
        let list: GroupList = match serde_json::from_slice(&bytes) {
            Ok(list) => list,
            Err(_) => return Ok(None),
        };
        if list.kind != "APIGroupDiscoveryList" {
            return Ok(None);
        }
        for group in list.items {
            for version in group.versions {
                if version.freshness == "Stale" {
                    gaps.push(silent(&group.metadata.name, &version.version));
                }
                for one in version.resources {
                    if one.verbs.iter().any(|verb| verb == "list") {
                        resources.push(Resource {
                            group: group.metadata.name.as_str().into(),
                            kind: one.response_kind.kind.into(),
                            version: version.version.as_str().into(),
                            plural: one.resource.into(),
                            namespaced: one.scope == "Namespaced",
                        });
                    }
                }
            }
        }
    }
    Ok(Some(resources))
}

#[derive(Deserialize)]
struct ClassicGroups {
    #[serde(default)]
    groups: Vec<ClassicGroup>,
}

#[derive(Deserialize)]
struct ClassicGroup {
    name: String,
    #[serde(default)]
    versions: Vec<ClassicVersion>,
    #[serde(rename = "preferredVersion")]
    preferred: Option<ClassicVersion>,
}

#[derive(Clone, Deserialize)]
struct ClassicVersion {
    version: String,
}

#[derive(Deserialize)]
struct ClassicResources {
    #[serde(default)]
    resources: Vec<ClassicResource>,
}

#[derive(Deserialize)]
struct ClassicResource {
    name: String,
    kind: String,
    #[serde(default)]
    namespaced: bool,
    #[serde(default)]
    verbs: Vec<String>,
}

async fn classic(requester: &Requester, gaps: &mut Vec<Gap>) -> Result<Vec<Resource>, ServerError> {
    let mut resources = Vec::new();
    read_version(requester, "", "v1", &mut resources).await?;
    let groups: ClassicGroups = parse(&requester.get("/apis", JSON).await?)?;
    for group in groups.groups {
        let mut versions: Vec<String> = group
            .preferred
            .iter()
            .map(|preferred| preferred.version.clone())
            .collect();
        versions.extend(group.versions.into_iter().map(|version| version.version));
        let mut seen = BTreeSet::new();
        for version in versions
            .into_iter()
            .filter(|version| seen.insert(version.clone()))
        {
            match read_version(requester, &group.name, &version, &mut resources).await {
                Ok(()) => {}
                Err(ServerError::Unauthorized) => return Err(ServerError::Unauthorized),
                // An aggregated API that is down must not end the scan.
                Err(_) => gaps.push(silent(&group.name, &version)),
            }
        }
    }
    Ok(resources)
}

async fn read_version(
    requester: &Requester,
    group: &str,
    version: &str,
    into: &mut Vec<Resource>,
) -> Result<(), ServerError> {
    let path = if group.is_empty() {
        format!("/api/{version}")
    } else {
        format!("/apis/{group}/{version}")
    };
    let found: ClassicResources = parse(&requester.get(&path, JSON).await?)?;
    for one in found.resources {
        if !one.name.contains('/') && one.verbs.iter().any(|verb| verb == "list") {
            into.push(Resource {
                group: group.into(),
                kind: one.kind.into(),
                version: version.into(),
                plural: one.name.into(),
                namespaced: one.namespaced,
            });
        }
    }
    Ok(())
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ServerError> {
    serde_json::from_slice(bytes).map_err(|_| ServerError::Malformed("discovery document"))
}

fn silent(group: &str, version: &str) -> Gap {
    Gap {
        class: "api-group-silent".into(),
        what: format!("the API group {group}/{version} does not answer, its objects were not seen")
            .into(),
        stage: Stage::Collect,
        scope: format!("{group}/{version}").into(),
        weight: GapWeight::Widens,
        close: format!("kubectl get apiservice {version}.{group}").into(),
    }
}
