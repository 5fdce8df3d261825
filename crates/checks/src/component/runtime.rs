//! What container runtimes are set to, by their own configuration and flags.
//! Comes in: components. Goes out: what was seen. Never: an absent document taken for an empty one.

use super::documents::text;
use super::instances::{Config, Instance};
use super::setting::items;
use super::{Bad, CLOSE_NODE, Component, Components, Seen, audit, flags};
use serde_json::Value;

/// Documents of container runtimes.
fn runtimes(
    components: &Components<'_>,
    ask: impl Fn(&Instance, &str, &Value) -> Vec<Seen>,
) -> Vec<Seen> {
    let mut all = Vec::new();
    for instance in components.of(Component::Runtime) {
        match &instance.config {
            Config::File { path, document } => all.extend(ask(instance, path, document)),
            Config::Unread { path } => {
                all.push(Seen::unknown(
                    instance,
                    format!("{path} was not read"),
                    CLOSE_NODE,
                ));
            }
            _ => {}
        }
    }
    all
}

/// The two places of containerd's CRI plugin: version 2 and version 3 of its configuration.
const CRI: [&str; 2] = ["io.containerd.grpc.v1.cri", "io.containerd.cri.v1.runtime"];

fn cri(document: &Value) -> impl Iterator<Item = &Value> {
    let plugins = document.get("plugins");
    CRI.iter().filter_map(move |name| plugins?.get(*name))
}

pub fn runtime_without_apparmor(components: &Components<'_>) -> Vec<Seen> {
    runtimes(components, |instance, path, document| {
        let off = cri(document).any(|own| own.get("disable_apparmor") == Some(&Value::Bool(true)));
        let says = format!("disable_apparmor is {off} in {path}");
        vec![if off {
            Seen::bad(instance, "", says)
        } else {
            Seen::good(instance, says)
        }]
    })
}

pub fn runtime_plain_registry(components: &Components<'_>) -> Vec<Seen> {
    runtimes(components, |instance, path, document| {
        let mut wrong = Vec::new();
        for own in cri(document) {
            let members = |key: &str| {
                let map = own
                    .pointer(&format!("/registry/{key}"))
                    .and_then(Value::as_object);
                map.into_iter().flatten()
            };
            for (name, mirror) in members("mirrors") {
                let urls = audit::texts(mirror, "endpoint").join(",");
                if items(Some(&urls))
                    .any(|url| url.starts_with("http://") && Bad::NotLoopback.holds(Some(url)))
                {
                    wrong.push(format!("mirror of {name} is {urls}"));
                }
            }
            for (name, config) in members("configs") {
                if config.pointer("/tls/insecure_skip_verify") == Some(&Value::Bool(true)) {
                    wrong.push(format!("the certificate of {name} is not checked"));
                }
            }
        }
        vec![if wrong.is_empty() {
            Seen::good(
                instance,
                format!("no registry in {path} is trusted unchecked"),
            )
        } else {
            Seen::bad(instance, "", format!("{} in {path}", wrong.join(", ")))
        }]
    })
}

/// The runtime's API on TCP: whoever reaches it is root on the node.
pub fn runtime_on_tcp(components: &Components<'_>) -> Vec<Seen> {
    let mut all = runtimes(components, |instance, path, document| {
        let address = text(document, "/grpc/tcp_address");
        let says = format!("grpc.tcp_address is {address:?} in {path}");
        vec![
            if address.is_empty() || !Bad::NotLoopback.holds(Some(address)) {
                Seen::good(instance, says)
            } else {
                Seen::bad(instance, "", says)
            },
        ]
    });
    for instance in components
        .of(Component::Runtime)
        .filter(|one| one.program == "dockerd")
    {
        let Some(given) = &instance.flags else {
            continue;
        };
        let hosts = flags::value(given, "host").map(|(value, _)| value);
        let verified = flags::value(given, "tlsverify").is_some_and(|(value, _)| value == "true");
        let open: Vec<&str> = items(hosts.as_deref())
            .filter(|host| host.starts_with("tcp://"))
            .collect();
        all.push(if open.is_empty() || verified {
            Seen::good(instance, "no unchecked TCP address".to_owned())
        } else {
            Seen::bad(
                instance,
                "",
                format!("--host={} without --tlsverify", open.join(",")),
            )
        });
    }
    all
}

/// cgroup v1: the kernel's newer limits and pressure counts are not there, and the kubelet gives it up.
pub fn old_cgroups(components: &Components<'_>) -> Vec<Seen> {
    let hosts = components.world.beside.hosts.iter();
    let mut all = Vec::new();
    for host in hosts {
        let Some(version) = host.cgroup else { continue };
        let object = model::object::ObjectRef::new(
            "",
            "Node",
            None,
            host.node.as_deref().unwrap_or("this host"),
        );
        all.push(Seen {
            object,
            at: None,
            pointer: String::new(),
            says: format!("cgroup v{version}"),
            verdict: if version < 2 {
                super::Verdict::Bad
            } else {
                super::Verdict::Good
            },
        });
    }
    all
}
