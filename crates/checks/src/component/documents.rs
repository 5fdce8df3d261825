//! Documents that flags of the API server name, and questions that need several settings at once.
//! Comes in: components. Goes out: what was seen. Never: an absent document taken for an empty one.

#![allow(
    clippy::result_large_err,
    clippy::match_same_arms,
    reason = "an answer is the error, made a few times a cluster"
)]

use super::instances::Instance;
use super::setting::items;
use super::{
    Bad, CLOSE_NODE, Component, Components, Read, Seen, Setting, api, audit, etcd, kubelet, proxy,
};
use serde_json::Value;

pub use super::runtime::*;

/// A document that a flag names.
pub enum Document<'d> {
    /// The flag is not set.
    None,
    Is(String, &'d Value),
    Unread(String),
}

impl Components<'_> {
    /// The document that the flag of an instance names.
    pub fn named(&self, instance: &Instance, flag: &'static str) -> Document<'_> {
        let setting = api(flag, "");
        match instance.read(&setting, self.minor()) {
            Read::Is { value, .. } if !value.is_empty() => match self.document(instance, &value) {
                Some(document) => Document::Is(value, document),
                None => Document::Unread(format!("{value} (--{flag}) was not read")),
            },
            Read::Unknown(gap) => Document::Unread(gap.what.to_string()),
            _ => Document::None,
        }
    }

    fn read(&self, instance: &Instance, setting: &Setting) -> Read {
        instance.read(setting, self.minor())
    }
}

fn list<'v>(value: &'v Value, pointer: &str) -> &'v [Value] {
    value
        .pointer(pointer)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

pub(super) fn text<'v>(value: &'v Value, pointer: &str) -> &'v str {
    value
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_default()
}

/// Requests without credentials reach the API, without conditions on where.
pub fn anonymous(components: &Components<'_>) -> Vec<Seen> {
    components.each(Component::ApiServer, |instance| {
        let read = components.read(instance, &api("anonymous-auth", "true"));
        let seen = match components.named(instance, "authentication-config") {
            Document::Is(path, document) if document.get("anonymous").is_some() => {
                let on = document.pointer("/anonymous/enabled") == Some(&Value::Bool(true));
                let paths: Vec<&str> = list(document, "/anonymous/conditions")
                    .iter()
                    .map(|one| text(one, "/path"))
                    .collect();
                if !on {
                    Seen::good(instance, format!("anonymous.enabled is false in {path}"))
                } else if paths.is_empty() {
                    Seen::bad(
                        instance,
                        "",
                        format!("anonymous.enabled is true without conditions in {path}"),
                    )
                } else {
                    Seen::good(
                        instance,
                        format!(
                            "anonymous requests are let in to {} only, by {path}",
                            paths.join(", ")
                        ),
                    )
                }
            }
            Document::Unread(what) if !matches!(read, Read::Is { .. }) => {
                Seen::unknown(instance, what, CLOSE_NODE)
            }
            _ => Seen::of(instance, &read, read.is_true()),
        };
        vec![seen]
    })
}

/// Types of authorizers in their order; `Err`: not known.
fn authorizers(
    components: &Components<'_>,
    instance: &Instance,
) -> Result<(Vec<String>, String, String), Seen> {
    match components.named(instance, "authorization-config") {
        Document::Is(path, document) => {
            let types = list(document, "/authorizers")
                .iter()
                .map(|one| text(one, "/type").to_owned());
            let types: Vec<String> = types.collect();
            let says = format!("authorizers of {path} are {}", types.join(","));
            Ok((types, says, String::new()))
        }
        Document::Unread(what) => Err(Seen::unknown(instance, what, CLOSE_NODE)),
        Document::None => {
            let read = components.read(instance, &api("authorization-mode", "AlwaysAllow"));
            match &read {
                Read::Unknown(_) => Err(Seen::of(instance, &read, false)),
                _ => Ok((
                    items(read.value()).map(str::to_owned).collect(),
                    read.says(),
                    read.pointer().to_owned(),
                )),
            }
        }
    }
}

fn modes(components: &Components<'_>, bad: impl Fn(&[String]) -> bool) -> Vec<Seen> {
    components.each(Component::ApiServer, |instance| {
        vec![match authorizers(components, instance) {
            Ok((types, says, pointer)) if bad(&types) => Seen::bad(instance, &pointer, says),
            Ok((_, says, _)) => Seen::good(instance, says),
            Err(seen) => seen,
        }]
    })
}

pub fn always_allow(components: &Components<'_>) -> Vec<Seen> {
    modes(components, |types| {
        types.is_empty() || types.iter().any(|one| one == "AlwaysAllow")
    })
}

pub fn without_node(components: &Components<'_>) -> Vec<Seen> {
    modes(components, |types| !types.iter().any(|one| one == "Node"))
}

pub fn without_rbac(components: &Components<'_>) -> Vec<Seen> {
    modes(components, |types| !types.iter().any(|one| one == "RBAC"))
}

pub fn with_abac(components: &Components<'_>) -> Vec<Seen> {
    modes(components, |types| types.iter().any(|one| one == "ABAC"))
}

/// A webhook authorizer that is skipped when it fails, and may deny.
pub fn webhook_open(components: &Components<'_>) -> Vec<Seen> {
    components.each(Component::ApiServer, |instance| {
        match components.named(instance, "authorization-config") {
            Document::None => Vec::new(),
            Document::Unread(what) => vec![Seen::unknown(instance, what, CLOSE_NODE)],
            Document::Is(path, document) => list(document, "/authorizers")
                .iter()
                .filter(|one| text(one, "/type") == "Webhook")
                .map(|one| {
                    let policy = text(one, "/webhook/failurePolicy");
                    let says = format!(
                        "failurePolicy of webhook {} in {path} is {policy}",
                        text(one, "/name")
                    );
                    if policy == "Deny" {
                        Seen::good(instance, says)
                    } else {
                        Seen::bad(instance, "", says)
                    }
                })
                .collect(),
        }
    })
}

/// Names that an identity provider gives are taken over without a prefix: it can name `system:masters`.
pub fn identities_without_prefix(components: &Components<'_>) -> Vec<Seen> {
    components.each(Component::ApiServer, |instance| {
        let mut all = Vec::new();
        let claim = components.read(instance, &api("oidc-groups-claim", ""));
        if claim.value().is_some() {
            let prefix = components.read(instance, &api("oidc-groups-prefix", ""));
            all.push(Seen::of(
                instance,
                &prefix,
                prefix.value().is_none_or(|text| text == "-"),
            ));
        }
        match components.named(instance, "authentication-config") {
            Document::None => {}
            Document::Unread(what) => all.push(Seen::unknown(instance, what, CLOSE_NODE)),
            Document::Is(path, document) => {
                for (number, issuer) in list(document, "/jwt").iter().enumerate() {
                    for claim in ["username", "groups"] {
                        let mapping = format!("/claimMappings/{claim}");
                        let Some(mapping) = issuer.pointer(&mapping) else {
                            continue;
                        };
                        if mapping.get("claim").is_none() {
                            continue;
                        }
                        let says = format!(
                            "jwt[{number}].claimMappings.{claim}.prefix in {path} is {:?}",
                            text(mapping, "/prefix")
                        );
                        all.push(if text(mapping, "/prefix").is_empty() {
                            Seen::bad(instance, "", says)
                        } else {
                            Seen::good(instance, says)
                        });
                    }
                }
            }
        }
        all
    })
}

/// Whether a plugin runs: on by default, and not switched off.
fn plugin_off(components: &Components<'_>, names: &[&str], by_default: bool) -> Vec<Seen> {
    components.each(Component::ApiServer, |instance| {
        let on = components.read(instance, &api("enable-admission-plugins", ""));
        let off = components.read(instance, &api("disable-admission-plugins", ""));
        let missing = |name: &&&str| {
            let enabled = items(on.value()).any(|item| item == **name);
            let disabled = items(off.value()).any(|item| item == **name);
            disabled || !enabled && !by_default
        };
        if let Some(read) = [&on, &off].into_iter().find(|read| read.is_unknown()) {
            return vec![Seen::of(instance, read, false)];
        }
        let missing: Vec<&str> = names.iter().filter(missing).copied().collect();
        let read = if by_default { &off } else { &on };
        vec![if missing.is_empty() {
            Seen::good(instance, read.says())
        } else {
            Seen::bad(
                instance,
                read.pointer(),
                format!("{} is off: {}", missing.join(", "), read.says()),
            )
        }]
    })
}

pub fn node_restriction_off(components: &Components<'_>) -> Vec<Seen> {
    plugin_off(components, &["NodeRestriction"], false)
}

pub fn external_ips_allowed(components: &Components<'_>) -> Vec<Seen> {
    plugin_off(components, &["DenyServiceExternalIPs"], false)
}

pub fn pull_images_off(components: &Components<'_>) -> Vec<Seen> {
    plugin_off(components, &["AlwaysPullImages"], false)
}

pub fn event_limit_off(components: &Components<'_>) -> Vec<Seen> {
    plugin_off(components, &["EventRateLimit"], false)
}

pub fn service_account_off(components: &Components<'_>) -> Vec<Seen> {
    plugin_off(components, &["ServiceAccount"], true)
}

pub fn namespace_lifecycle_off(components: &Components<'_>) -> Vec<Seen> {
    plugin_off(components, &["NamespaceLifecycle"], true)
}

pub fn pod_security_off(components: &Components<'_>) -> Vec<Seen> {
    plugin_off(components, &["PodSecurity"], true)
}

pub fn webhooks_off(components: &Components<'_>) -> Vec<Seen> {
    let mut names = vec!["MutatingAdmissionWebhook", "ValidatingAdmissionWebhook"];
    if components.minor() >= 30 {
        names.push("ValidatingAdmissionPolicy");
    }
    plugin_off(components, &names, true)
}

/// Configuration of an admission plugin; its own file is not followed.
fn plugin<'d>(document: &'d Value, name: &str) -> Option<&'d Value> {
    let mut all = list(document, "/plugins").iter();
    all.find(|one| text(one, "/name") == name)?
        .get("configuration")
}

/// Exemptions from Pod Security that let more in than the cluster's own namespaces.
pub fn pod_security_exemptions(components: &Components<'_>) -> Vec<Seen> {
    components.each(Component::ApiServer, |instance| {
        vec![match components.named(instance, "admission-control-config-file") {
            Document::None => Seen::good(instance, "--admission-control-config-file is not set".to_owned()),
            Document::Unread(what) => Seen::unknown(instance, what, CLOSE_NODE),
            Document::Is(path, document) => {
                let Some(own) = plugin(document, "PodSecurity") else {
                    return vec![Seen::good(instance, format!("{path} says nothing of PodSecurity"))];
                };
                let mut wide: Vec<String> = Vec::new();
                for kind in ["usernames", "runtimeClasses", "namespaces"] {
                    for name in list(own, &format!("/exemptions/{kind}")) {
                        let name = name.as_str().unwrap_or_default();
                        if !(kind == "namespaces" && name.starts_with("kube-")) {
                            wide.push(format!("{kind} {name}"));
                        }
                    }
                }
                if wide.is_empty() {
                    Seen::good(instance, format!("exemptions of PodSecurity in {path} name the cluster's own namespaces only"))
                } else {
                    Seen::bad(instance, "", format!("{path} exempts {} from Pod Security", wide.join(", ")))
                }
            }
        }]
    })
}

/// Images are let in when nobody answers whether they may be.
pub fn image_policy_open(components: &Components<'_>) -> Vec<Seen> {
    components.each(Component::ApiServer, |instance| {
        match components.named(instance, "admission-control-config-file") {
            Document::None => Vec::new(),
            Document::Unread(what) => vec![Seen::unknown(instance, what, CLOSE_NODE)],
            Document::Is(path, document) => plugin(document, "ImagePolicyWebhook")
                .into_iter()
                .map(|own| {
                    let own = own.get("imagePolicy").unwrap_or(own);
                    let open = own.get("defaultAllow") == Some(&Value::Bool(true));
                    let says = format!("defaultAllow of ImagePolicyWebhook is {open} in {path}");
                    if open {
                        Seen::bad(instance, "", says)
                    } else {
                        Seen::good(instance, says)
                    }
                })
                .collect(),
        }
    })
}

/// Suites of TLS 1.2 that are not strong: no forward secrecy, CBC, RC4, 3DES. TLS 1.3 has none to choose.
fn weak(suite: &str) -> bool {
    let one_three = suite.starts_with("TLS_AES_") || suite == "TLS_CHACHA20_POLY1305_SHA256";
    let strong =
        suite.starts_with("TLS_ECDHE_") && (suite.contains("_GCM_") || suite.contains("CHACHA20"));
    !one_three && !strong
}

fn ciphers(components: &Components<'_>, suites: &Setting, least: &Setting) -> Vec<Seen> {
    components.each(suites.of, |instance| {
        let (suites, least) = (
            components.read(instance, suites),
            components.read(instance, least),
        );
        if least.value() == Some("VersionTLS13") {
            return vec![Seen::good(instance, least.says())];
        }
        if suites.is_unknown() {
            return vec![Seen::of(instance, &suites, false)];
        }
        if suites.value().is_none() {
            let says = format!("{}, and Go's own choice has CBC suites", suites.says());
            return vec![Seen::bad(instance, "", says)];
        }
        let weak: Vec<&str> = items(suites.value()).filter(|suite| weak(suite)).collect();
        vec![if weak.is_empty() {
            Seen::good(instance, suites.says())
        } else {
            Seen::bad(
                instance,
                suites.pointer(),
                format!("{} are weak: {}", weak.join(", "), suites.says()),
            )
        }]
    })
}

pub fn api_ciphers(components: &Components<'_>) -> Vec<Seen> {
    ciphers(
        components,
        &api("tls-cipher-suites", ""),
        &api("tls-min-version", ""),
    )
}

pub fn kubelet_ciphers(components: &Components<'_>) -> Vec<Seen> {
    ciphers(
        components,
        &kubelet("tls-cipher-suites", &["tlsCipherSuites"], ("", "")),
        &kubelet("tls-min-version", &["tlsMinVersion"], ("", "")),
    )
}

/// Both settings must have a value.
fn both(components: &Components<'_>, one: &Setting, other: &Setting) -> Vec<Seen> {
    components.each(one.of, |instance| {
        let reads = [
            components.read(instance, one),
            components.read(instance, other),
        ];
        vec![match reads
            .iter()
            .find(|read| read.is_unknown() || read.value().is_none())
        {
            Some(read) => Seen::of(instance, read, true),
            None => Seen::good(instance, reads.map(|read| read.says()).join(", ")),
        }]
    })
}

pub fn api_kubelet_certificate(components: &Components<'_>) -> Vec<Seen> {
    both(
        components,
        &api("kubelet-client-certificate", ""),
        &api("kubelet-client-key", ""),
    )
}

pub fn api_etcd_certificate(components: &Components<'_>) -> Vec<Seen> {
    both(
        components,
        &api("etcd-certfile", ""),
        &api("etcd-keyfile", ""),
    )
}

pub fn api_serving_certificate(components: &Components<'_>) -> Vec<Seen> {
    both(
        components,
        &api("tls-cert-file", ""),
        &api("tls-private-key-file", ""),
    )
}

pub fn etcd_serving_certificate(components: &Components<'_>) -> Vec<Seen> {
    both(components, &etcd("cert-file", ""), &etcd("key-file", ""))
}

/// A member without peers talks to nobody.
fn of_peers(components: &Components<'_>, ask: impl Fn(&Instance) -> Vec<Seen>) -> Vec<Seen> {
    components.each(Component::Etcd, |instance| {
        let members = components.read(
            instance,
            &etcd("initial-cluster", "default=http://localhost:2380"),
        );
        let peers = components.read(instance, &etcd("listen-peer-urls", "http://localhost:2380"));
        let alone = items(members.value()).count() <= 1
            && !members.is_unknown()
            && !peers.is_unknown()
            && !Bad::NotLoopback.holds(peers.value());
        if alone {
            return vec![Seen::not_applicable(
                instance,
                format!("one member, and {}", peers.says()),
            )];
        }
        ask(instance)
    })
}

pub fn etcd_peer_certificate(components: &Components<'_>) -> Vec<Seen> {
    of_peers(components, |instance| {
        let reads = [etcd("peer-cert-file", ""), etcd("peer-key-file", "")]
            .map(|setting| components.read(instance, &setting));
        vec![match reads
            .iter()
            .find(|read| read.is_unknown() || read.value().is_none())
        {
            Some(read) => Seen::of(instance, read, true),
            None => Seen::good(instance, reads.map(|read| read.says()).join(", ")),
        }]
    })
}

pub fn etcd_peer_client_auth(components: &Components<'_>) -> Vec<Seen> {
    of_peers(components, |instance| {
        let read = components.read(instance, &etcd("peer-client-cert-auth", "false"));
        vec![Seen::of(instance, &read, !read.is_true())]
    })
}

pub fn etcd_peer_auto_tls(components: &Components<'_>) -> Vec<Seen> {
    of_peers(components, |instance| {
        let read = components.read(instance, &etcd("peer-auto-tls", "false"));
        vec![Seen::of(instance, &read, read.is_true())]
    })
}

/// etcd trusts every client of the cluster's own CA, or anybody.
pub fn etcd_shared_ca(components: &Components<'_>) -> Vec<Seen> {
    let minor = components.minor();
    let cluster: Vec<Read> = components
        .of(Component::ApiServer)
        .map(|one| one.read(&api("client-ca-file", ""), minor))
        .collect();
    components.each(Component::Etcd, |instance| {
        let own = components.read(instance, &etcd("trusted-ca-file", ""));
        vec![match own.value() {
            None => Seen::of(instance, &own, true),
            Some(path) if cluster.iter().any(|read| read.value() == Some(path)) => Seen::bad(
                instance,
                own.pointer(),
                format!("{} is the cluster's client CA, too", own.says()),
            ),
            Some(_) if cluster.is_empty() || cluster.iter().any(Read::is_unknown) => Seen::unknown(
                instance,
                "the API server's --client-ca-file was not seen".to_owned(),
                CLOSE_NODE,
            ),
            Some(_) => Seen::good(instance, own.says()),
        }]
    })
}

/// etcd answers whoever reaches it: no client certificate is asked for.
pub fn etcd_open(components: &Components<'_>) -> Vec<Seen> {
    components.each(Component::Etcd, |instance| {
        let auth = components.read(instance, &etcd("client-cert-auth", "false"));
        let trusted = components.read(instance, &etcd("trusted-ca-file", ""));
        let urls = components.read(
            instance,
            &etcd("listen-client-urls", "http://localhost:2379"),
        );
        let shown = format!("{}, {}", auth.says(), urls.says());
        vec![if auth.is_unknown() {
            Seen::of(instance, &auth, false)
        } else if auth.is_true() && !Bad::PlainHttp.holds(urls.value()) {
            Seen::good(instance, shown)
        } else if trusted.value().is_some() && auth.is_true() {
            Seen::bad(instance, urls.pointer(), shown)
        } else {
            Seen::bad(instance, auth.pointer(), shown)
        }]
    })
}

/// How a resource is written to etcd, by the first provider of the first entry that names it.
fn encrypted<'d>(document: &'d Value, resource: &str) -> Option<(&'d str, &'d Value)> {
    let names = |entry: &&Value| {
        audit::texts(entry, "resources")
            .iter()
            .any(|known| match *known {
                "*.*" => true,
                "*." => true,
                known => known == resource || known.strip_suffix('.') == Some(resource),
            })
    };
    let entry = list(document, "/resources").iter().find(names)?;
    let first = list(entry, "/providers").first()?.as_object()?;
    first
        .iter()
        .next()
        .map(|(name, value)| (name.as_str(), value))
}

fn encryption(
    components: &Components<'_>,
    ask: impl Fn(&Instance, &str, Option<(&str, &Value)>) -> Seen,
) -> Vec<Seen> {
    components.each(Component::ApiServer, |instance| {
        match components.named(instance, "encryption-provider-config") {
            Document::None => Vec::new(),
            Document::Unread(what) => vec![Seen::unknown(instance, what, CLOSE_NODE)],
            Document::Is(path, document) => {
                vec![ask(instance, &path, encrypted(document, "secrets"))]
            }
        }
    })
}

/// Secrets are written in the clear although a configuration is there.
pub fn secrets_in_clear(components: &Components<'_>) -> Vec<Seen> {
    encryption(components, |instance, path, first| match first {
        None => Seen::bad(instance, "", format!("{path} does not name secrets")),
        Some(("identity", _)) => Seen::bad(
            instance,
            "",
            format!("the first provider for secrets in {path} is identity"),
        ),
        Some((name, _)) => Seen::good(
            instance,
            format!("the first provider for secrets in {path} is {name}"),
        ),
    })
}

/// A provider that is weak or given up: KMS v1; AES-CBC with padding oracles; AES-GCM whose key nobody turns.
pub fn encryption_weak(components: &Components<'_>) -> Vec<Seen> {
    encryption(components, |instance, path, first| match first {
        Some(("kms", kms)) if text(kms, "/apiVersion") != "v2" => {
            Seen::bad(instance, "", format!("secrets in {path} go through KMS v1"))
        }
        Some(("aescbc", _)) => Seen::bad(
            instance,
            "",
            format!("secrets in {path} are encrypted with aescbc"),
        ),
        Some((name, _)) => Seen::good(
            instance,
            format!("secrets in {path} are encrypted with {name}"),
        ),
        None => Seen::good(instance, format!("{path} does not name secrets")),
    })
}

/// Providers that the CIS benchmark takes: encrypted at all, by aescbc, kms, secretbox; aesgcm where its key is turned.
pub fn encryption_accepted(components: &Components<'_>) -> Vec<Seen> {
    let mut all = encryption(components, |instance, path, first| match first {
        None => Seen::bad(instance, "", format!("{path} does not name secrets")),
        Some((name @ ("aescbc" | "kms" | "secretbox"), _)) => Seen::good(
            instance,
            format!("the first provider for secrets in {path} is {name}"),
        ),
        Some((name, _)) => Seen::bad(
            instance,
            "",
            format!("the first provider for secrets in {path} is {name}"),
        ),
    });
    if all.is_empty() {
        all = components.each(Component::ApiServer, |instance| {
            vec![Seen::bad(
                instance,
                "",
                "--encryption-provider-config is not set".to_owned(),
            )]
        });
    }
    all
}

/// The API server names etcd by plain http.
pub fn etcd_in_clear(components: &Components<'_>) -> Vec<Seen> {
    components.each(Component::ApiServer, |instance| {
        let read = components.read(instance, &api("etcd-servers", ""));
        vec![Seen::of(
            instance,
            &read,
            Bad::PlainHttp.holds(read.value()),
        )]
    })
}

/// No log and no webhook, or no policy: nothing is written.
pub fn audit_off(components: &Components<'_>) -> Vec<Seen> {
    components.each(Component::ApiServer, |instance| {
        let policy = components.read(instance, &api("audit-policy-file", ""));
        let log = components.read(instance, &api("audit-log-path", ""));
        let hook = components.read(instance, &api("audit-webhook-config-file", ""));
        if let Some(read) = [&policy, &log, &hook]
            .into_iter()
            .find(|read| read.is_unknown())
        {
            return vec![Seen::of(instance, read, false)];
        }
        vec![if policy.value().is_none() {
            Seen::of(instance, &policy, true)
        } else if log.value().is_none() && hook.value().is_none() {
            Seen::bad(instance, "", format!("{}, {}", log.says(), hook.says()))
        } else {
            let sink = if log.value().is_some() { log } else { hook };
            Seen::good(instance, format!("{}, {}", policy.says(), sink.says()))
        }]
    })
}

/// Asks the audit policy of each API server that has one.
pub(crate) fn policies(
    components: &Components<'_>,
    ask: impl Fn(&Value) -> Result<String, String>,
) -> Vec<Seen> {
    components.each(Component::ApiServer, |instance| {
        match components.named(instance, "audit-policy-file") {
            Document::None => vec![Seen::not_applicable(
                instance,
                "--audit-policy-file is not set".to_owned(),
            )],
            Document::Unread(what) => vec![Seen::unknown(instance, what, CLOSE_NODE)],
            Document::Is(path, document) => vec![match ask(document) {
                Ok(says) => Seen::good(instance, format!("{says} in {path}")),
                Err(says) => Seen::bad(instance, "", format!("{says} in {path}")),
            }],
        }
    })
}

/// The kubelet serves with a certificate that nobody can check.
pub fn kubelet_self_signed(components: &Components<'_>) -> Vec<Seen> {
    components.each(Component::Kubelet, |instance| {
        let own = components.read(
            instance,
            &kubelet("tls-cert-file", &["tlsCertFile"], ("", "")),
        );
        let key = components.read(
            instance,
            &kubelet("tls-private-key-file", &["tlsPrivateKeyFile"], ("", "")),
        );
        let asked = components.read(
            instance,
            &kubelet(
                "rotate-server-certificates",
                &["serverTLSBootstrap"],
                ("false", "false"),
            ),
        );
        vec![if asked.is_true() {
            Seen::good(instance, asked.says())
        } else if own.value().is_some() && key.value().is_some() {
            Seen::good(instance, format!("{}, {}", own.says(), key.says()))
        } else {
            let read = if own.value().is_none() { &own } else { &key };
            Seen::of(instance, read, true)
        }]
    })
}

/// Metrics of kube-proxy on all addresses.
pub fn proxy_metrics(components: &Components<'_>) -> Vec<Seen> {
    let setting = proxy(
        "metrics-bind-address",
        &["metricsBindAddress"],
        "127.0.0.1:10249",
    );
    components.each(Component::Proxy, |instance| {
        let read = components.read(instance, &setting);
        vec![Seen::of(
            instance,
            &read,
            Bad::NotLoopback.holds(read.value()),
        )]
    })
}

/// Pods that ended are never swept, or too many of them wait.
pub fn pod_collection(components: &Components<'_>) -> Vec<Seen> {
    components.each(Component::ControllerManager, |instance| {
        let which = components.read(instance, &super::controllers("controllers", "*"));
        let off = items(which.value())
            .any(|item| matches!(item, "-pod-garbage-collector-controller" | "-podgc"));
        if off {
            return vec![Seen::bad(
                instance,
                which.pointer(),
                format!("the pod garbage collector is off: {}", which.says()),
            )];
        }
        let read = components.read(
            instance,
            &super::controllers("terminated-pod-gc-threshold", "12500"),
        );
        let bad = Bad::Any(&[Bad::Below(1), Bad::Above(12_500)]).holds(read.value());
        vec![Seen::of(instance, &read, bad)]
    })
}

/// Seconds of a Go duration (`1m0s`); `None`: it is none.
fn seconds(text: &str) -> Option<f64> {
    let mut rest = text;
    let mut sum = 0.0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, behind) = rest.split_at(digits);
        let unit = behind
            .find(|c: char| c.is_ascii_digit())
            .unwrap_or(behind.len());
        let (unit, next) = behind.split_at(unit);
        let factor = match unit {
            "h" => 3600.0,
            "m" => 60.0,
            "s" => 1.0,
            "ms" => 0.001,
            "us" | "µs" | "ns" => 0.0,
            _ => return None,
        };
        sum += number.parse::<f64>().ok()? * factor;
        rest = next;
    }
    Some(sum)
}

/// Requests that run longer than five minutes, or without end.
pub fn long_requests(components: &Components<'_>) -> Vec<Seen> {
    components.each(Component::ApiServer, |instance| {
        let read = components.read(instance, &api("request-timeout", "1m0s"));
        let time = read.value().and_then(seconds);
        vec![Seen::of(
            instance,
            &read,
            time.is_none_or(|time| time == 0.0 || time > 300.0),
        )]
    })
}
