//! Keys that outlive a scan. Each has a `v1:` prefix and a golden test; changing one breaks users' history.

use crate::text::Text;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::fmt;
use std::fmt::Write as _;

/// UID of the namespace `kube-system`: stays while the cluster lives, whatever its name or address.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ClusterId(pub Text);

/// A workload across rollouts: group/kind and namespace/name of the root owner; no API version, no UID.
/// The cluster is not part of the value (one Assessment has one cluster) but of the printed key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct WorkloadKey {
    pub namespace: Text,
    pub kind: Text,
    pub name: Text,
    pub group: Text,
}

impl WorkloadKey {
    /// `v1:CLUSTER/GROUP/KIND/NAMESPACE/NAME`; `-` stands for an unknown cluster and the core group.
    pub fn key(&self, cluster: Option<&ClusterId>) -> String {
        let cluster = cluster.map_or("-", |id| &id.0);
        let group = if self.group.is_empty() {
            "-"
        } else {
            &self.group
        };
        format!(
            "v1:{cluster}/{group}/{}/{}/{}",
            self.kind, self.namespace, self.name
        )
    }
}

/// `shop/web (Deployment)`.
impl fmt::Display for WorkloadKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{} ({})", self.namespace, self.name, self.kind)
    }
}

/// Tracking key of a vulnerability finding (history, SARIF, acceptances): no tag, no digest, no package version.
/// `purl` may carry a version and qualifiers; they are cut off.
pub fn vulnerability_key(
    repository: &str,
    container: &str,
    purl: &str,
    vulnerability: &str,
) -> String {
    hashed(&[
        "vulnerability",
        repository,
        container,
        purl_without_version(purl),
        vulnerability,
    ])
}

/// Tracking key of a configuration finding: object or image, target as the source names it, check, and the field
/// where it is known. Without a field the key is what it was before fields were known.
pub fn configuration_key(subject: &str, target: &str, field: Option<&str>, check: &str) -> String {
    match field {
        None => hashed(&["configuration", subject, target, check]),
        Some(field) => hashed(&["configuration", subject, target, check, field]),
    }
}

/// `pkg:deb/debian/openssl` of `pkg:deb/debian/openssl@3.0.11?arch=amd64`. An `@` of an npm scope is kept.
pub fn purl_without_version(purl: &str) -> &str {
    let end = purl.find(['?', '#']).unwrap_or(purl.len());
    let path = purl.get(..end).unwrap_or(purl);
    let name = path.rfind('/').map_or(0, |slash| slash + 1);
    match path.get(name..).and_then(|last| last.rfind('@')) {
        Some(0) | None => path,
        Some(at) => path.get(..name + at).unwrap_or(path),
    }
}

/// The id by which a closure of aliases is known: its lowest CVE, else its smallest id.
/// CVEs are ordered by year, then number.
pub fn vulnerability_id<'a>(closure: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    closure
        .into_iter()
        .min_by(|a, b| match (cve_order(a), cve_order(b)) {
            (Some(a), Some(b)) => a.cmp(&b),
            (Some(_), None) => std::cmp::Ordering::Less,
            (None, Some(_)) => std::cmp::Ordering::Greater,
            (None, None) => a.cmp(b),
        })
}

/// Year and number of `CVE-YYYY-N...`; `None` for any other id.
pub fn cve_order(id: &str) -> Option<(u32, u64)> {
    let (year, number) = id.strip_prefix("CVE-")?.split_once('-')?;
    if year.len() != 4 || number.len() < 4 || !number.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    Some((year.parse().ok()?, number.parse().ok()?))
}

/// Lower-case hexadecimal SHA-256 of `bytes`.
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut out, byte| {
            let _ = write!(out, "{byte:02x}");
            out
        })
}

/// `v1:` and 128 bits of SHA-256 over the parts, each ended by a zero byte.
fn hashed(parts: &[&str]) -> String {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update(part.as_bytes());
        digest.update([0]);
    }
    format!("v1:{}", hex(digest.finalize().get(..16).unwrap_or(&[])))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golden_keys() {
        let key = WorkloadKey {
            namespace: "shop".into(),
            kind: "Deployment".into(),
            name: "web".into(),
            group: "apps".into(),
        };
        assert_eq!(
            key.key(Some(&ClusterId("u-1".into()))),
            "v1:u-1/apps/Deployment/shop/web"
        );
        assert_eq!(key.key(None), "v1:-/apps/Deployment/shop/web");
        assert_eq!(
            vulnerability_key(
                "docker.io/library/nginx",
                "web",
                "pkg:deb/debian/openssl@3.0.11?arch=amd64",
                "CVE-2024-1"
            ),
            vulnerability_key(
                "docker.io/library/nginx",
                "web",
                "pkg:deb/debian/openssl",
                "CVE-2024-1"
            ),
        );
        assert_eq!(
            vulnerability_key("r", "c", "pkg:npm/a@1", "CVE-2024-0001"),
            "v1:e5935c6e29150dd580e6ede623293b40"
        );
        let configuration =
            |field| configuration_key("Pod shop/web", "Pod shop/web", field, "KSV017");
        assert_eq!(configuration(None), "v1:0f63b5ee0971708fee1410dd32793d9b");
        assert_eq!(
            configuration(Some("/spec/containers/0/securityContext/privileged")),
            "v1:8a3b1e7ecbd65dd9de224f673062b050"
        );
    }

    #[test]
    fn purls_lose_their_version_only() {
        for (purl, expected) in [
            (
                "pkg:deb/debian/openssl@3.0.11?arch=amd64",
                "pkg:deb/debian/openssl",
            ),
            ("pkg:npm/@babel/core@7.0.0", "pkg:npm/@babel/core"),
            ("pkg:npm/%40babel/core@7.0.0#x", "pkg:npm/%40babel/core"),
            ("pkg:golang/k8s.io/api", "pkg:golang/k8s.io/api"),
            ("pkg:npm/@babel", "pkg:npm/@babel"),
            ("", ""),
        ] {
            assert_eq!(purl_without_version(purl), expected, "{purl}");
        }
    }

    #[test]
    fn the_lowest_cve_names_a_closure() {
        assert_eq!(
            vulnerability_id(["GHSA-x", "CVE-2024-10000", "CVE-2024-9999"]),
            Some("CVE-2024-9999")
        );
        assert_eq!(vulnerability_id(["GO-2024-1", "GHSA-x"]), Some("GHSA-x"));
        assert_eq!(vulnerability_id([]), None);
    }
}
