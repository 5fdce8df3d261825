//! Names of nodes, and why an arc is there, for what is shown.
//! Comes in: the graph and what its numbers point into. Goes out: texts, evidence with object and field.
//! Never: an arc of a printed path without object, field and rule.

use crate::build::Attack;
use crate::graph::{Arc, CLUSTER, Cause, Node, Scope, WHOLE};
use crate::kinds;
use crate::rbac::may;
use model::evidence::{EvidenceId, GapId, Ledger};
use model::object::ObjectRef;
use model::rights::RuleText;
use model::text::Text;
use semantics::view::ServiceAccount;

const RBAC: &str = "rbac.authorization.k8s.io";

/// `Deployment/shop/web[app]`: a container as paths name it.
pub fn container_name(workload: &ObjectRef, container: &str) -> String {
    format!("{}[{container}]", path_of(workload))
}

/// `Deployment/shop/web`, `Node/worker-1`, `User/alice`: the form that `--subject` takes.
pub(crate) fn path_of(object: &ObjectRef) -> String {
    match &object.namespace {
        Some(namespace) => format!("{}/{namespace}/{}", object.kind, object.name),
        None => format!("{}/{}", object.kind, object.name),
    }
}

impl Attack<'_> {
    pub(crate) fn name(&self, node: Node) -> Text {
        let text =
            |texts: &[Text], n: u32| texts.get(n as usize).map_or("?", |text| &**text).to_owned();
        let workload = |n: u32| {
            let view = self.inventory.workloads.get(n as usize);
            view.map_or_else(|| "?".to_owned(), |view| path_of(&view.workload.object))
        };
        let name = match node {
            Node::Internet => "Internet".to_owned(),
            Node::Outside => "networks outside of the cluster".to_owned(),
            Node::PodNetwork => "any pod in the cluster".to_owned(),
            Node::Tenant(n) => format!("tenant of namespace {}", self.namespace(n + 1)),
            Node::Neighbour(n) => format!("a pod in namespace {}", self.namespace(n + 1)),
            Node::Opening(w, n) => self.opening(w, n),
            Node::Pod(n) => workload(n),
            Node::Container(w, c) => {
                let view = self.inventory.workloads.get(w as usize);
                let container = view.and_then(|v| v.workload.containers.get(c as usize));
                let container = container.map_or("?", |c| &*c.name);
                view.map_or_else(
                    || "?".to_owned(),
                    |view| container_name(&view.workload.object, container),
                )
            }
            Node::Volume(n) => format!("token volume of {}", workload(n)),
            Node::Machine(n) => format!("Node/{}", text(&self.machines, n)),
            Node::PodsOn(n) => format!("pods on Node/{}", text(&self.machines, n)),
            Node::SomeMachine => "a node".to_owned(),
            Node::Account(n) => self.inventory.service_accounts.get(n as usize).map_or_else(
                || "?".to_owned(),
                |account| format!("ServiceAccount/{}/{}", account.namespace, account.name),
            ),
            Node::User(n) => format!("User/{}", text(&self.users, n)),
            Node::Group(n) => format!("Group/{}", text(&self.groups, n)),
            Node::Power(role, scope) => {
                let role = self.authorizer.roles.get(role as usize);
                let role = role.map_or_else(|| "?".to_owned(), path_of);
                match scope {
                    CLUSTER => role,
                    scope => format!("{role} in namespace {}", self.namespace(scope)),
                }
            }
            Node::Cloud(n) => format!("cloud identity {}", text(&self.clouds, n)),
            Node::Accounts(scope) => format!("service accounts {}", self.of(scope)),
            Node::Users => "any user".to_owned(),
            Node::Groups => "any group".to_owned(),
            Node::Pods(scope) => format!("pods {}", self.of(scope)),
            Node::Endpoints(scope) => format!("ports of pods {}", self.of(scope)),
            Node::Created(CLUSTER) => "a new pod in any namespace".to_owned(),
            Node::Created(scope) => format!("a new pod in namespace {}", self.namespace(scope)),
            Node::Secrets(scope) => format!("Secrets {}", self.of(scope)),
            Node::SomeSecrets(scope) => format!("named Secrets {}", self.of(scope)),
            Node::Admin(CLUSTER) => "admin of any namespace".to_owned(),
            Node::Admin(scope) => format!("admin of namespace {}", self.namespace(scope)),
            Node::Machines => "any node".to_owned(),
            Node::Kubelets => "any kubelet's identity".to_owned(),
            Node::Placement => "where pods are placed".to_owned(),
            Node::Traffic(scope) => format!("traffic {}", self.of(scope)),
            Node::ClusterAdmin => "cluster-admin".to_owned(),
            Node::Masters => "system:masters".to_owned(),
            Node::ControlPlane => "a control-plane node".to_owned(),
            Node::Latent => "nothing yet: a second right is missing".to_owned(),
            Node::Admission => "admission control switched off".to_owned(),
            Node::Network(scope) => format!("pod network {}", self.of(scope)),
            Node::Hidden(n) => format!("step {n}"),
        };
        name.into()
    }

    fn namespace(&self, scope: Scope) -> &str {
        let at = scope.wrapping_sub(1) as usize;
        self.inventory.namespaces.get(at).map_or("?", |n| &*n.name)
    }

    fn of(&self, scope: Scope) -> String {
        match scope {
            CLUSTER => "of the cluster".to_owned(),
            scope => format!("of namespace {}", self.namespace(scope)),
        }
    }

    fn opening(&self, workload: u32, n: u32) -> String {
        let exposure = self.exposures.get(workload as usize);
        let opening = exposure.and_then(|e| e.openings.get(n as usize));
        opening.map_or_else(
            || "?".to_owned(),
            |opening| {
                let object = path_of(&opening.object);
                if opening.kind == network::OpeningKind::PodNetwork {
                    format!("ports of {object}")
                } else {
                    object
                }
            },
        )
    }

    /// Why the arc is there.
    pub(crate) fn evidence(&self, arc: &Arc, ledger: &mut Ledger) -> Vec<EvidenceId> {
        match arc.cause {
            Cause::Nature("") => Vec::new(),
            Cause::Nature(says) => self.natural(arc, says, ledger).into_iter().collect(),
            Cause::Grant(binding, subject, rule) => self.granted(binding, subject, rule, ledger),
            Cause::Right(role, scope, rule, primitive) => {
                self.right(role, scope, rule, primitive, ledger)
            }
            Cause::Step(w, c, n) => {
                let view = self.inventory.workloads.get(w as usize);
                view.zip(self.step(w, c, n))
                    .map_or_else(Vec::new, |(view, step)| step.evidence(view, ledger))
            }
            Cause::Opening(w, n) => {
                let exposure = self.exposures.get(w as usize);
                let opening = exposure.and_then(|e| e.openings.get(n as usize));
                let mut chain = opening.map_or_else(Vec::new, |opening| opening.chain.clone());
                if chain.is_empty()
                    && let Some(view) = self.inventory.workloads.get(w as usize)
                {
                    let says = "no policy keeps other pods from its ports";
                    let pointer = format!("{}/containers", view.spec_pointer);
                    chain.push(ledger.field(&view.workload.object, pointer, says));
                }
                chain
            }
            Cause::Weak(n) => self.weakness(n, ledger),
            Cause::RunsAs(w) => self.runs_as(w, ledger),
            Cause::RunsOn(w, n) => {
                let Some(view) = self.inventory.workloads.get(w as usize) else {
                    return Vec::new();
                };
                let machine = self.machines.get(n as usize).map_or("?", |m| &**m);
                let says = format!("a pod of {} runs on node {machine}", view.workload.object);
                let all = &self.inventory.pods;
                let mut pods = view.pods.iter().filter_map(|pod| all.get(*pod as usize));
                let there = pods.find(|pod| pod.node.as_deref() == Some(machine));
                let (object, pointer) = if let Some(pod) = there {
                    let object = ObjectRef::new("", "Pod", Some(&pod.namespace), &pod.name);
                    (object, "/spec/nodeName".to_owned())
                } else {
                    let pointer = format!("{}/nodeName", view.spec_pointer);
                    (view.workload.object.clone(), pointer)
                };
                vec![ledger.field(&object, pointer, says)]
            }
            Cause::Token(n) => {
                let Some(secret) = self.inventory.secrets.get(n as usize) else {
                    return Vec::new();
                };
                let object = ObjectRef::new("", "Secret", Some(&secret.namespace), &secret.name);
                let account = secret.account.as_deref().unwrap_or("?");
                let says = format!(
                    "it holds the token of service account {}/{account}",
                    secret.namespace
                );
                let pointer = "/metadata/annotations/kubernetes.io~1service-account.name";
                vec![ledger.field(&object, pointer, says)]
            }
        }
    }

    /// What an arc that follows from its nodes is about: the object behind a node of it, and the field that says so.
    /// `None`: the arcs before it, which are shown with it, have told all.
    fn natural(&self, arc: &Arc, says: &str, ledger: &mut Ledger) -> Option<EvidenceId> {
        const CONTROL_PLANE: &str = "/metadata/labels/node-role.kubernetes.io~1control-plane";
        const NAME: &str = "/metadata/name";
        let node = |id: u32| self.graph.nodes.get(id as usize).copied();
        let (from, to) = (node(arc.from)?, node(arc.to)?);
        let namespace = |scope: Scope| {
            let name = match scope {
                CLUSTER => "kube-system",
                scope => self.namespace(scope),
            };
            ObjectRef::new("", "Namespace", None, name)
        };
        let account = |account: &ServiceAccount| {
            let (namespace, name) = (Some(&*account.namespace), &*account.name);
            ObjectRef::new("", "ServiceAccount", namespace, name)
        };
        let (object, pointer) = match (from, to) {
            (Node::Created(scope), Node::Machines) => (
                namespace(scope),
                "/metadata/labels/pod-security.kubernetes.io~1enforce".into(),
            ),
            (
                Node::Created(scope)
                | Node::Admin(scope)
                | Node::Secrets(scope)
                | Node::Accounts(scope),
                _,
            ) => (namespace(scope), NAME.into()),
            (Node::Tenant(n), _) => (namespace(n + 1), NAME.into()),
            (Node::Machine(n), _) => {
                let name = self.machines.get(n as usize).map_or("?", |name| &**name);
                let old =
                    self.inventory.nodes.get(n as usize).is_some_and(|node| {
                        node.labels.contains_key("node-role.kubernetes.io/master")
                    });
                let pointer = if old {
                    "/metadata/labels/node-role.kubernetes.io~1master"
                } else {
                    CONTROL_PLANE
                };
                (ObjectRef::new("", "Node", None, name), pointer.into())
            }
            (Node::Machines | Node::ControlPlane, _) => {
                (ObjectRef::new("", "Node", None, "?"), CONTROL_PLANE.into())
            }
            (Node::Account(n), to) => {
                let pointer = match to {
                    Node::Cloud(_) => "/metadata/annotations",
                    _ => "/metadata/namespace",
                };
                let accounts = &self.inventory.service_accounts;
                (account(accounts.get(n as usize)?), pointer.into())
            }
            (Node::Cloud(n), _) => {
                let identity = self.clouds.get(n as usize)?;
                let mut accounts = self.inventory.service_accounts.iter();
                let own = accounts.find(|a| a.cloud_identity.as_ref() == Some(identity))?;
                (account(own), "/metadata/annotations".into())
            }
            (Node::User(n), _) => {
                let name = self.users.get(n as usize).map_or("?", |name| &**name);
                (ObjectRef::new(RBAC, "User", None, name), "/name".into())
            }
            (Node::Container(w, _) | Node::Pod(w), _)
            | (_, Node::Container(w, _) | Node::Pod(w)) => {
                let view = self.inventory.workloads.get(w as usize)?;
                let pointer = format!("{}/containers", view.spec_pointer);
                (view.workload.object.clone(), pointer)
            }
            (Node::ClusterAdmin | Node::Masters, _) => (
                ObjectRef::new(RBAC, "ClusterRole", None, "cluster-admin"),
                "/rules".into(),
            ),
            _ => return None,
        };
        Some(ledger.field(&object, pointer, says))
    }

    fn granted(
        &self,
        binding: u32,
        subject: u16,
        rule: u16,
        ledger: &mut Ledger,
    ) -> Vec<EvidenceId> {
        let authorizer = &self.authorizer;
        let Some(binding) = authorizer.bindings.get(binding as usize) else {
            return Vec::new();
        };
        let who = binding.subjects.get(usize::from(subject));
        let who = who.map_or_else(String::new, ToString::to_string);
        let says = format!("{} gives {} to {who}", binding.object, binding.role);
        let mut found = vec![ledger.field(&binding.object, format!("/subjects/{subject}"), says)];
        let rules = binding
            .rules
            .and_then(|role| authorizer.rules.get(role as usize));
        if let Some(text) = rules.and_then(|rules| rules.get(usize::from(rule)))
            && rule != WHOLE
        {
            let pointer = format!("/rules/{rule}");
            found.push(ledger.field(
                &binding.role,
                pointer,
                format!("{} allows {}", binding.role, RuleText::from(text)),
            ));
        }
        found
    }

    fn right(
        &self,
        role: u32,
        scope: Scope,
        rule: u16,
        primitive: u16,
        ledger: &mut Ledger,
    ) -> Vec<EvidenceId> {
        let authorizer = &self.authorizer;
        let (Some(object), Some(rules)) = (
            authorizer.roles.get(role as usize),
            authorizer.rules.get(role as usize),
        ) else {
            return Vec::new();
        };
        let (_, may) = may(primitive);
        let place = self.place(scope);
        let rule_text = rules.get(usize::from(rule)).map(RuleText::from);
        let rule_text = rule_text.unwrap_or_default();
        let says = format!("{object} allows {rule_text}; so it may {may}{place}");
        vec![ledger.field(object, format!("/rules/{rule}"), says)]
    }

    /// Where a right holds, after what it allows.
    pub(crate) fn place(&self, scope: Scope) -> String {
        match scope {
            CLUSTER => String::new(),
            scope => format!(" in namespace {}", self.namespace(scope)),
        }
    }

    fn step(&self, workload: u32, container: u32, step: u32) -> Option<&crate::blast::Step> {
        let steps = self.steps.get(workload as usize)?.get(container as usize)?;
        steps.get(step as usize)
    }

    fn weakness(&self, n: u32, ledger: &mut Ledger) -> Vec<EvidenceId> {
        let Some(same) = self.weak.get(n as usize) else {
            return Vec::new();
        };
        let weaknesses = same.iter().filter_map(|n| self.weaknesses.get(*n as usize));
        weaknesses
            .filter_map(|weakness| {
                let view = self.inventory.workloads.get(weakness.workload as usize)?;
                let says = format!("{} in image {}", weakness.label, weakness.image);
                let template = self.inventory.templates.get(view.template as usize);
                let container =
                    template.and_then(|t| t.containers.get(weakness.container as usize));
                let container = container.map_or("", |container| &*container.pointer);
                let pointer = format!("{}{container}/image", view.spec_pointer);
                Some(ledger.field(&view.workload.object, pointer, says))
            })
            .collect()
    }

    fn runs_as(&self, workload: u32, ledger: &mut Ledger) -> Vec<EvidenceId> {
        let Some(view) = self.inventory.workloads.get(workload as usize) else {
            return Vec::new();
        };
        let template = self.inventory.templates.get(view.template as usize);
        let account = template.map_or("?", |template| &*template.service_account);
        let object = &view.workload.object;
        let pointer = format!("{}/serviceAccountName", view.spec_pointer);
        let says = format!(
            "{object} runs as service account {}/{account}",
            view.workload.key.namespace
        );
        vec![ledger.field(object, pointer, says)]
    }

    /// The technique of the arc; a step knows its own.
    pub(crate) fn technique(&self, arc: &Arc) -> &'static str {
        let step = match arc.cause {
            Cause::Step(w, c, n) => self.step(w, c, n),
            _ => None,
        };
        step.map_or_else(|| kinds::technique(arc.kind), |step| step.technique)
    }

    /// What was not seen and could change the arc.
    pub(crate) fn missing(&self, arc: &Arc) -> Vec<GapId> {
        let mut missing: Vec<GapId> = arc.missing.into_iter().collect();
        match arc.cause {
            Cause::Step(w, c, n) => {
                missing.extend(self.step(w, c, n).into_iter().flat_map(|s| &s.missing));
            }
            Cause::Opening(w, n) if arc.kind != kinds::POD_NETWORK.name => {
                let exposure = self.exposures.get(w as usize);
                let opening = exposure.and_then(|e| e.openings.get(n as usize));
                missing.extend(opening.into_iter().flat_map(|opening| &opening.missing));
            }
            _ => {}
        }
        missing.sort_unstable();
        missing.dedup();
        missing
    }
}
