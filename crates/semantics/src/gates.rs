//! Where one right is as good as another, and since which Kubernetes version: what opens a stream into a pod, what the
//! kubelet asks for. Comes in: a minor version, a right. Goes out: the rights that do the same. Never: a grant.
//!
//! Sources: gate AuthorizePodWebsocketUpgradeCreatePermission (kubernetes#133515, on by default in 1.35); KEP-2862
//! KubeletFineGrainedAuthz (on by default in 1.33, GA in 1.36); `pkg/kubelet/server/auth.go`.

/// From this minor version on `get` no longer opens a stream: the API server asks for `create` as well.
pub const STREAMS_NEED_CREATE_SINCE: u16 = 35;
/// From this minor version on the kubelet takes `nodes/pods`, `nodes/configz` and `nodes/healthz`, too.
pub const FINE_KUBELET_SINCE: u16 = 33;

/// MutatingAdmissionPolicies are there (KEP-3962, beta in 1.34).
pub const MUTATING_ADMISSION_POLICY_SINCE: u16 = 34;

/// Subresources that open a stream into a pod.
pub const STREAMS: [&str; 3] = ["pods/exec", "pods/attach", "pods/portforward"];

/// What the kubelet itself serves: its own server asks the API server who may, so such a use stands in no audit log as
/// what it is.
pub const KUBELET: [&str; 9] = [
    "nodes/checkpoint",
    "nodes/configz",
    "nodes/healthz",
    "nodes/log",
    "nodes/metrics",
    "nodes/pods",
    "nodes/proxy",
    "nodes/spec",
    "nodes/stats",
];

/// Whether `get` on a stream (a WebSocket handshake is a GET) is enough to open it.
pub fn get_opens_streams(minor: u16) -> bool {
    minor < STREAMS_NEED_CREATE_SINCE
}

/// Another right that does the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Same {
    pub verb: &'static str,
    /// In the core group.
    pub resource: &'static str,
    pub why: &'static str,
}

const WEBSOCKET: &str =
    "a WebSocket handshake is a GET, and before 1.35 only `get` is asked for it";
const NODE_EXEC: &str =
    "the kubelet runs commands in every pod of its node for it, a GET is enough";
const NODE_READ: &str = "the kubelet answers the same for all pods of its node";
const NODE_ALL: &str = "the kubelet falls back to it for whatever it serves";
const LIST: &str = "the answer holds the whole objects";

/// Rights of the core group that give what `verb` on `resource` of the core group gives.
pub fn same(verb: &str, resource: &str, minor: u16) -> Vec<Same> {
    let mut all = Vec::new();
    let mut add = |verb, resource, why| {
        all.push(Same {
            verb,
            resource,
            why,
        });
    };
    match (verb, resource) {
        ("create", "pods/exec" | "pods/attach" | "pods/portforward") => {
            let stream = STREAMS.into_iter().find(|stream| *stream == resource);
            if let Some(stream) = stream.filter(|_| get_opens_streams(minor)) {
                add("get", stream, WEBSOCKET);
            }
            add("get", "nodes/proxy", NODE_EXEC);
            add("create", "nodes/proxy", NODE_EXEC);
        }
        // Where `get` opens the stream, it is the question itself that matters.
        ("get", "pods/exec" | "pods/attach" | "pods/portforward") if get_opens_streams(minor) => {
            let stream = STREAMS.into_iter().find(|stream| *stream == resource);
            if let Some(stream) = stream {
                add("create", stream, "it opens the same stream");
            }
            add("get", "nodes/proxy", NODE_EXEC);
            add("create", "nodes/proxy", NODE_EXEC);
        }
        ("get", "pods/log") => add("get", "nodes/proxy", NODE_READ),
        ("get" | "list", "pods") => {
            if minor >= FINE_KUBELET_SINCE {
                add("get", "nodes/pods", NODE_READ);
            }
            add("get", "nodes/proxy", NODE_READ);
        }
        ("get", "nodes/pods" | "nodes/configz" | "nodes/healthz")
            if minor >= FINE_KUBELET_SINCE =>
        {
            add("get", "nodes/proxy", NODE_ALL);
        }
        ("get", "secrets") => {
            add("list", "secrets", LIST);
            add("watch", "secrets", LIST);
        }
        ("list", "secrets") => add("watch", "secrets", LIST),
        _ => {}
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(verb: &str, resource: &str, minor: u16, expected: &str) {
        let same = same(verb, resource, minor);
        let written: Vec<String> = same
            .iter()
            .map(|s| format!("{} {}", s.verb, s.resource))
            .collect();
        assert_eq!(
            written.join(", "),
            expected,
            "{verb} {resource} on 1.{minor}"
        );
    }

    #[test]
    fn what_does_the_same() {
        check(
            "create",
            "pods/exec",
            34,
            "get pods/exec, get nodes/proxy, create nodes/proxy",
        );
        check(
            "create",
            "pods/exec",
            35,
            "get nodes/proxy, create nodes/proxy",
        );
        check(
            "create",
            "pods/attach",
            20,
            "get pods/attach, get nodes/proxy, create nodes/proxy",
        );
        check(
            "get",
            "pods/exec",
            34,
            "create pods/exec, get nodes/proxy, create nodes/proxy",
        );
        check("get", "pods/exec", 35, "");
        check("get", "pods", 32, "get nodes/proxy");
        check("get", "pods", 36, "get nodes/pods, get nodes/proxy");
        check("get", "nodes/configz", 36, "get nodes/proxy");
        check("get", "nodes/configz", 32, "");
        check("get", "secrets", 36, "list secrets, watch secrets");
        check("delete", "pods", 36, "");
    }
}
