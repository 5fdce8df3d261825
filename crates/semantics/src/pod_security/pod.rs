//! What the checks read of a pod: its annotations, its spec, every container in the order of upstream's visitor.

use crate::json::Node;

const LISTS: [&str; 3] = ["initContainers", "containers", "ephemeralContainers"];

pub(super) struct Pod<'t> {
    /// Pointer of the pod in its object.
    pub(super) pointer: &'t str,
    pub(super) annotations: Node<'t>,
    pub(super) spec: Node<'t>,
    pub(super) containers: Vec<Container<'t>>,
}

pub(super) struct Container<'t> {
    pub(super) pointer: String,
    pub(super) name: &'t str,
    pub(super) node: Node<'t>,
}

impl<'t> Pod<'t> {
    pub(super) fn of(pod: Node<'t>, pointer: &'t str) -> Self {
        let spec = pod.get("spec");
        let mut containers = Vec::new();
        for list in LISTS {
            for (index, node) in spec.list(list).enumerate() {
                containers.push(Container {
                    pointer: format!("{pointer}/spec/{list}/{index}"),
                    name: node.text("name").unwrap_or(""),
                    node,
                });
            }
        }
        Pod {
            pointer,
            annotations: pod.at(&["metadata", "annotations"]),
            spec,
            containers,
        }
    }

    pub(super) fn at(&self, field: &str) -> String {
        format!("{}{field}", self.pointer)
    }

    pub(super) fn context(&self) -> Node<'t> {
        self.spec.get("securityContext")
    }

    /// The security contexts of the pod and of its containers, each with the pointer of its owner.
    pub(super) fn contexts(&self) -> impl Iterator<Item = (String, Node<'t>)> {
        let own = (self.at("/spec/securityContext"), self.context());
        let of_containers = self.containers.iter().map(|container| {
            (
                format!("{}/securityContext", container.pointer),
                container.context(),
            )
        });
        std::iter::once(own).chain(of_containers)
    }

    /// `spec.os.name` is `windows`: fields that only Linux has cannot be demanded (since policy version 1.25).
    pub(super) fn is_windows(&self) -> bool {
        self.spec.get("os").text("name") == Some("windows")
    }

    /// The pod runs in a user namespace of its own (KEP-127): root in it is nobody on the node.
    pub(super) fn in_user_namespace(&self) -> bool {
        self.spec.flag("hostUsers") == Some(false)
    }
}

impl<'t> Container<'t> {
    pub(super) fn context(&self) -> Node<'t> {
        self.node.get("securityContext")
    }

    pub(super) fn at(&self, field: &str) -> String {
        format!("{}/securityContext/{field}", self.pointer)
    }
}
