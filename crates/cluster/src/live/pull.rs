//! The pull secrets that somebody opted in to (`--use-pull-secrets`). Comes in: names that pods and their service accounts
//! give. Goes out: what stands in these Secrets, in memory; a gap with the least role for each that was refused. Never:
//! lists Secrets, reads one that no pod names, keeps or prints a value. The one exception of rule 20 (ADR 0014).

use super::request::{self, Requester, ServerError};
use super::{LiveError, Options, client, kubeconfig};
use base64::Engine as _;
use model::evidence::{Gap, GapWeight, Stage};
use model::text::Text;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// Secrets that are asked for at the same time.
const AT_ONCE: usize = 4;

/// A Secret by name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SecretName {
    pub namespace: Text,
    pub name: Text,
}

impl fmt::Display for SecretName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// What stands in a pull secret. It has no serialised form, and nothing prints it.
#[derive(Clone)]
pub struct PullSecret {
    pub name: SecretName,
    /// Of `.dockerconfigjson` or `.dockercfg`.
    pub content: Vec<u8>,
}

impl fmt::Debug for PullSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PullSecret({})", self.name)
    }
}

/// Reads each of these Secrets by its name.
pub fn pull_secrets(
    options: &Options,
    wanted: &BTreeSet<SecretName>,
) -> Result<(Vec<PullSecret>, Vec<Gap>), LiveError> {
    if wanted.is_empty() {
        return Ok((Vec::new(), Vec::new()));
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(LiveError::Runtime)?;
    runtime.block_on(async {
        let config = kubeconfig::config(options).await?;
        let requester = Arc::new(Requester::new(client(config)?));
        Ok(read(&requester, wanted).await)
    })
}

async fn read(
    requester: &Arc<Requester>,
    wanted: &BTreeSet<SecretName>,
) -> (Vec<PullSecret>, Vec<Gap>) {
    let slots = Arc::new(Semaphore::new(AT_ONCE));
    let mut running = JoinSet::new();
    let mut gaps = Vec::new();
    for name in wanted.iter().cloned() {
        let Some(path) = path(&name) else {
            gaps.push(gap(&name, "its name breaks the rules for names", ""));
            continue;
        };
        let (requester, slots) = (Arc::clone(requester), Arc::clone(&slots));
        running.spawn(async move {
            let _slot = slots.acquire_owned().await;
            let answer = requester.get(&path, request::JSON).await;
            (name, answer.map(|bytes| content(&bytes)))
        });
    }
    let mut found = Vec::new();
    while let Some(done) = running.join_next().await {
        match done {
            Ok((name, Ok(Some(content)))) => found.push(PullSecret { name, content }),
            Ok((name, Ok(None))) => {
                gaps.push(gap(&name, "it holds no credentials for registries", ""));
            }
            Ok((name, Err(error))) => {
                gaps.push(gap(&name, &error.to_string(), &role(&name, &error)));
            }
            Err(_) => {}
        }
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    gaps.sort_unstable();
    (found, gaps)
}

/// Names come from pods: what is none of Kubernetes' (RFC 1123) must not steer the path.
fn path(name: &SecretName) -> Option<String> {
    let fine = |text: &str| {
        let plain =
            |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'.');
        (1..=253).contains(&text.len()) && text.bytes().all(plain) && !text.starts_with('.')
    };
    (fine(&name.namespace) && fine(&name.name)).then(|| {
        format!(
            "/api/v1/namespaces/{}/secrets/{}",
            name.namespace, name.name
        )
    })
}

/// The one value that pulls use (Kubernetes, `pkg/credentialprovider/secrets`).
fn content(bytes: &[u8]) -> Option<Vec<u8>> {
    #[derive(Deserialize)]
    struct Secret {
        #[serde(default)]
        r#type: String,
        #[serde(default)]
        data: BTreeMap<String, String>,
    }
    let secret: Secret = serde_json::from_slice(bytes).ok()?;
    let key = match &*secret.r#type {
        "kubernetes.io/dockerconfigjson" => ".dockerconfigjson",
        "kubernetes.io/dockercfg" => ".dockercfg",
        _ => return None,
    };
    let value = secret.data.get(key)?;
    base64::engine::general_purpose::STANDARD.decode(value).ok()
}

fn gap(name: &SecretName, why: &str, close: &str) -> Gap {
    Gap {
        class: "pull-secret-not-read".into(),
        what: format!("pull secret {name} was not read: {why}").into(),
        stage: Stage::Collect,
        scope: format!("secret {name}").into(),
        weight: GapWeight::Notice,
        close: close.into(),
    }
}

/// The least that lets it be read: one verb on one name.
fn role(name: &SecretName, error: &ServerError) -> String {
    if !matches!(error, ServerError::Forbidden) {
        return String::new();
    }
    let SecretName { namespace, name } = name;
    format!(
        "kubectl -n {namespace} create role plimsoll-pull-{name} --verb=get --resource=secrets --resource-name={name} && \
         kubectl -n {namespace} create rolebinding plimsoll-pull-{name} --role=plimsoll-pull-{name} \
         --user=\"$(kubectl auth whoami -o jsonpath='{{.status.userInfo.username}}')\", \
         which lets it read this one Secret"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(namespace: &str, name: &str) -> SecretName {
        SecretName {
            namespace: namespace.into(),
            name: name.into(),
        }
    }

    #[test]
    fn paths_are_of_names_only() {
        let check = |namespace: &str, secret: &str, expected: Option<&str>| {
            assert_eq!(
                path(&name(namespace, secret)).as_deref(),
                expected,
                "{namespace} {secret}"
            );
        };
        check(
            "shop",
            "regcred",
            Some("/api/v1/namespaces/shop/secrets/regcred"),
        );
        check("shop", "", None);
        check("shop", "..", None);
        check("shop", "a/../b", None);
        check("shop", "?watch=1", None);
        check("A", "b", None);
    }

    #[test]
    fn contents_are_of_the_two_types_only() {
        let check = |text: &str, expected: Option<&str>| {
            let found = content(text.as_bytes()).map(|bytes| String::from_utf8(bytes).unwrap());
            assert_eq!(found.as_deref(), expected, "{text}");
        };
        check(
            r#"{"type":"kubernetes.io/dockerconfigjson","data":{".dockerconfigjson":"e30="}}"#,
            Some("{}"),
        );
        check(
            r#"{"type":"kubernetes.io/dockercfg","data":{".dockercfg":"e30="}}"#,
            Some("{}"),
        );
        check(
            r#"{"type":"Opaque","data":{".dockerconfigjson":"e30="}}"#,
            None,
        );
        check(
            r#"{"type":"kubernetes.io/dockerconfigjson","data":{".dockercfg":"e30="}}"#,
            None,
        );
        check(
            r#"{"type":"kubernetes.io/dockerconfigjson","data":{".dockerconfigjson":"%"}}"#,
            None,
        );
        check("", None);
    }

    #[test]
    fn nothing_prints_a_value() {
        let secret = PullSecret {
            name: name("shop", "regcred"),
            content: b"hunter2".to_vec(),
        };
        assert_eq!(format!("{secret:?}"), "PullSecret(shop/regcred)");
    }
}
