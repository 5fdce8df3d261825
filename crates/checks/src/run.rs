//! Asks rules of a world. Comes in: a world, rules. Goes out: findings in the order of rules and objects, an answer a
//! rule, gaps. Each object is parsed once, and dropped before the next. Never: an opinion on what is worth fixing.

use crate::component::{self, Components};
use crate::evaluate::{Pointers, Subject};
use crate::rule::{Containers, Form, Rule, Scope};
use crate::test::Field;
use crate::world::{Answer, Found, Sink, World};
use model::evidence::{Gap, GapWeight, Stage};
use model::object::ObjectRef;
use model::snapshot::Object;
use model::workload::WorkloadState;
use rustc_hash::FxHashMap;
use semantics::json::{Json, Node, Places};
use semantics::pod_security::{self, CONTROLS, Level, Version};
use std::collections::BTreeSet;

/// Everything that the rules say.
#[derive(Clone, Debug, Default)]
pub struct Said {
    /// By rule (in the order asked), then object.
    pub found: Vec<Found>,
    /// Parallel to the rules that were asked.
    pub answers: Vec<Answer>,
    /// Of fields and objects that could not be read.
    pub gaps: Vec<Gap>,
}

/// A pod template of a workload: which object holds it, and where.
pub(crate) struct Template<'a> {
    pub(crate) object: &'a ObjectRef,
    pub(crate) at: u32,
    /// Pointer of what has `metadata` and `spec`.
    pub(crate) pointer: &'a str,
}

/// Asks all rules. A rule that is not for the cluster's version is answered with nothing looked at.
pub fn run(world: &World<'_>, rules: &[&'static Rule]) -> Said {
    let mut said = Said {
        answers: rules.iter().copied().map(Answer::new).collect(),
        ..Said::default()
    };
    let mut by_rule: Vec<Vec<Found>> = rules.iter().map(|_| Vec::new()).collect();
    let minor = world.snapshot.version.minor;
    let asked = |rule: &Rule| rule.minors.0 <= minor && minor <= rule.minors.1;
    let mut of_pods = Vec::new();
    let mut components = None;
    let mut of_kinds: FxHashMap<(&str, &str), Vec<usize>> = FxHashMap::default();
    for (index, rule) in rules.iter().enumerate().filter(|(_, rule)| asked(rule)) {
        match rule.form {
            Form::Each {
                scope: Scope::Objects(kinds) | Scope::ObjectItems(kinds, _),
                ..
            } => {
                for kind in kinds {
                    of_kinds.entry(*kind).or_default().push(index);
                }
            }
            Form::Each { .. } | Form::PodSecurity(_) => of_pods.push(index),
            Form::World(ask) | Form::Component(ask) => {
                if let (Some(answer), Some(found)) =
                    (said.answers.get_mut(index), by_rule.get_mut(index))
                {
                    ask(world, &mut Sink::new(answer, found));
                }
            }
            Form::Probe(probe) => {
                let components = components.get_or_insert_with(|| Components::of_world(*world));
                if let (Some(answer), Some(found)) =
                    (said.answers.get_mut(index), by_rule.get_mut(index))
                {
                    component::tell(components, &probe, &mut Sink::new(answer, found));
                }
            }
        }
    }
    let mut gaps = BTreeSet::new();
    {
        let mut out = Out {
            rules,
            answers: &mut said.answers,
            found: &mut by_rule,
        };
        for template in templates(world) {
            let Some(object) = world.snapshot.objects.get(template.at as usize) else {
                continue;
            };
            with_tree(object, &mut gaps, |root| {
                pod(&template, root, minor, &of_pods, &mut out);
            });
        }
        for (index, object) in (0u32..).zip(&world.snapshot.objects) {
            let Some(asked) = of_kinds.get(&(&*object.gvk.group, &*object.gvk.kind)) else {
                continue;
            };
            with_tree(object, &mut gaps, |root| {
                whole(object, index, root, minor, asked, &mut out);
            });
        }
    }
    said.found = by_rule.into_iter().flatten().collect();
    tell_provided(world, &mut said.found);
    said.gaps = gaps.into_iter().collect();
    said
}

/// Whose object it is does not depend on the rule.
pub(crate) fn tell_provided<R>(world: &World<'_>, found: &mut [Found<R>]) {
    let provided = &world.inventory.provided;
    for one in found {
        one.provider = provided.binary_search(&one.object).is_ok();
    }
}

/// What the rules say goes to their own lists.
struct Out<'a> {
    rules: &'a [&'static Rule],
    answers: &'a mut Vec<Answer>,
    found: &'a mut Vec<Vec<Found>>,
}

impl Out<'_> {
    fn sink(&mut self, index: usize) -> Option<(&'static Rule, Sink<'_>)> {
        let rule = self.rules.get(index)?;
        Some((
            rule,
            Sink::new(self.answers.get_mut(index)?, self.found.get_mut(index)?),
        ))
    }
}

/// Templates of workloads that run or would run; what is over is history (rule 9).
pub(crate) fn templates<'a>(world: &World<'a>) -> impl Iterator<Item = Template<'a>> + use<'a> {
    let inventory = world.inventory;
    inventory
        .workloads
        .iter()
        .filter(|view| view.workload.state != WorkloadState::History)
        .filter_map(|view| {
            if let (Some(at), Some(pointer)) =
                (view.object, view.spec_pointer.strip_suffix("/spec"))
            {
                return Some(Template {
                    object: &view.workload.object,
                    at,
                    pointer,
                });
            }
            // Nobody saw its owner: the first of its pods tells.
            let pod = view
                .pods
                .first()
                .and_then(|pod| inventory.pods.get(*pod as usize))?;
            Some(Template {
                object: &view.workload.object,
                at: pod.object,
                pointer: "",
            })
        })
}

/// Asks the rules that one object answers of a single one, as it is or as it would be. `templates` are its own.
pub(crate) fn ask_object(
    object: &Object,
    at: u32,
    templates: &[Template<'_>],
    minor: u16,
    rules: &[&'static Rule],
) -> Said {
    let mut said = Said {
        answers: rules.iter().copied().map(Answer::new).collect(),
        ..Said::default()
    };
    let mut by_rule: Vec<Vec<Found>> = rules.iter().map(|_| Vec::new()).collect();
    let (mut of_pods, mut of_kind) = (Vec::new(), Vec::new());
    for (index, rule) in rules.iter().enumerate() {
        let asked = rule.minors.0 <= minor && minor <= rule.minors.1;
        match rule.form {
            _ if !asked => {}
            Form::Each {
                scope: Scope::Objects(kinds) | Scope::ObjectItems(kinds, _),
                ..
            } => {
                let is_meant = kinds.contains(&(&*object.gvk.group, &*object.gvk.kind));
                of_kind.extend(is_meant.then_some(index));
            }
            Form::Each { .. } | Form::PodSecurity(_) => of_pods.push(index),
            _ => {}
        }
    }
    let mut gaps = BTreeSet::new();
    let mut out = Out {
        rules,
        answers: &mut said.answers,
        found: &mut by_rule,
    };
    with_tree(object, &mut gaps, |root| {
        for template in templates {
            pod(template, root, minor, &of_pods, &mut out);
        }
        whole(object, at, root, minor, &of_kind, &mut out);
    });
    said.found = by_rule.into_iter().flatten().collect();
    said.gaps = gaps.into_iter().collect();
    said
}

fn with_tree(object: &Object, gaps: &mut BTreeSet<Gap>, ask: impl FnOnce(Node<'_>)) {
    // Bytes that are no JSON are told by the Inventory.
    let Ok(tree) = Json::parse(&object.json) else {
        return;
    };
    let places = Places::default();
    ask(Node::new(&tree, &places));
    for pointer in tree.pointers(&places) {
        gaps.insert(Gap {
            class: "field-malformed".into(),
            what: format!("{pointer} of {} has a type that the API server refuses: what it would forbid is open", object.reference()).into(),
            stage: Stage::Relate,
            scope: object.reference().to_string().into(),
            weight: GapWeight::Hides,
            close: "correct the field".into(),
        });
    }
}

struct Container<'t> {
    list: &'static str,
    index: usize,
    node: Node<'t>,
    lasting: bool,
}

fn containers(spec: Node<'_>) -> Vec<Container<'_>> {
    let mut all = Vec::new();
    for list in ["initContainers", "containers", "ephemeralContainers"] {
        for (index, node) in spec.list(list).enumerate() {
            let lasting = list == "containers"
                || list == "initContainers" && node.get("restartPolicy").is_word("Always");
            all.push(Container {
                list,
                index,
                node,
                lasting,
            });
        }
    }
    all
}

impl Containers {
    fn holds(self, one: &Container<'_>) -> bool {
        match self {
            Containers::All => true,
            Containers::Declared => one.list != "ephemeralContainers",
            Containers::Lasting => one.lasting,
            Containers::Ephemeral => one.list == "ephemeralContainers",
        }
    }
}

/// The value at a JSON pointer.
fn below<'t>(root: Node<'t>, pointer: &str) -> Node<'t> {
    let tokens = pointer.split('/').filter(|token| !token.is_empty());
    tokens.fold(root, |node, token| match token.parse::<usize>() {
        Ok(index) if node.is_list() => node.items().nth(index).unwrap_or(node.absent()),
        _ => node.get(&token.replace("~1", "/").replace("~0", "~")),
    })
}

fn pod(template: &Template<'_>, root: Node<'_>, minor: u16, asked: &[usize], out: &mut Out<'_>) {
    let pod = below(root, template.pointer);
    let spec = pod.get("spec");
    let subject = Subject {
        minor,
        this: spec,
        container: root.absent(),
        pod: spec,
        pod_metadata: pod.get("metadata"),
        object: root,
    };
    let containers = containers(spec);
    let of_pod = || Pointers {
        this: format!("{}/spec", template.pointer),
        container: String::new(),
        pod: template.pointer.to_owned(),
    };
    let of_container = |one: &Container<'_>| {
        let pointer = format!("{}/spec/{}/{}", template.pointer, one.list, one.index);
        Pointers {
            this: pointer.clone(),
            container: pointer,
            pod: template.pointer.to_owned(),
        }
    };
    let (mut baseline, mut restricted) = (None, None);
    for index in asked {
        let Some((rule, mut sink)) = out.sink(*index) else {
            continue;
        };
        let (scope, violated, at) = match rule.form {
            Form::Each {
                scope,
                violated,
                at,
            } => (scope, violated, at),
            Form::PodSecurity(control) => {
                let Some(control) = CONTROLS.iter().find(|known| known.id == control) else {
                    continue;
                };
                let of_level = if control.level == Level::Baseline {
                    &mut baseline
                } else {
                    &mut restricted
                };
                let judged = of_level.get_or_insert_with(|| {
                    pod_security::violations(
                        pod,
                        template.pointer,
                        control.level,
                        Version::Minor(minor),
                    )
                });
                sink.looked(1);
                let own = judged
                    .iter()
                    .filter(|violation| violation.control == control);
                for field in own.flat_map(|violation| &violation.fields) {
                    let container = container_at(&containers, &field.pointer, template.pointer);
                    sink.found(
                        template.object,
                        Some(template.at),
                        container,
                        field.pointer.clone(),
                        field.to_string(),
                    );
                }
                continue;
            }
            Form::World(_) | Form::Component(_) | Form::Probe(_) => continue,
        };
        let mut tell = |subject: &Subject<'_>,
                        container: Option<&Container<'_>>,
                        pointers: &dyn Fn() -> Pointers| {
            sink.looked(1);
            if subject.passes(&violated) {
                let pointer = pointers().of(at, subject);
                let says = says(rule, at, &pointer, subject);
                let name = container.and_then(|one| one.node.text("name"));
                sink.found(template.object, Some(template.at), name, pointer, says);
            }
        };
        match scope {
            Scope::Pod => tell(&subject, None, &of_pod),
            Scope::PodItems(list) => {
                for (index, node) in spec.list(list).enumerate() {
                    let item = Subject {
                        this: node,
                        ..subject
                    };
                    tell(&item, None, &|| Pointers {
                        this: format!("{}/spec/{list}/{index}", template.pointer),
                        ..of_pod()
                    });
                }
            }
            Scope::Containers(which) => {
                for one in containers.iter().filter(|one| which.holds(one)) {
                    let item = Subject {
                        this: one.node,
                        container: one.node,
                        ..subject
                    };
                    tell(&item, Some(one), &|| of_container(one));
                }
            }
            Scope::ContainerItems(which, list) => {
                for one in containers.iter().filter(|one| which.holds(one)) {
                    for (index, node) in one.node.list(list).enumerate() {
                        let item = Subject {
                            this: node,
                            container: one.node,
                            ..subject
                        };
                        tell(&item, Some(one), &|| {
                            let pointers = of_container(one);
                            Pointers {
                                this: format!("{}/{list}/{index}", pointers.container),
                                ..pointers
                            }
                        });
                    }
                }
            }
            Scope::Objects(_) | Scope::ObjectItems(..) => {}
        }
    }
}

/// The name of the container that a pointer leads into.
fn container_at<'t>(
    containers: &[Container<'t>],
    pointer: &str,
    template: &str,
) -> Option<&'t str> {
    let rest = pointer.strip_prefix(template)?.strip_prefix("/spec/")?;
    let mut tokens = rest.split('/');
    let (list, index) = (tokens.next()?, tokens.next()?.parse::<usize>().ok()?);
    containers
        .iter()
        .find(|one| one.list == list && one.index == index)?
        .node
        .text("name")
}

fn whole(object: &Object, at: u32, root: Node<'_>, minor: u16, asked: &[usize], out: &mut Out<'_>) {
    let subject = Subject {
        minor,
        this: root,
        container: root.absent(),
        pod: root.absent(),
        pod_metadata: root.absent(),
        object: root,
    };
    let reference = object.reference();
    for index in asked {
        let Some((rule, mut sink)) = out.sink(*index) else {
            continue;
        };
        let Form::Each {
            scope,
            violated,
            at: field,
        } = rule.form
        else {
            continue;
        };
        let mut tell = |subject: &Subject<'_>, this: &dyn Fn() -> String| {
            sink.looked(1);
            if subject.passes(&violated) {
                let pointers = Pointers {
                    this: this(),
                    ..Pointers::default()
                };
                let pointer = pointers.of(field, subject);
                let says = says(rule, field, &pointer, subject);
                sink.found(&reference, Some(at), None, pointer, says);
            }
        };
        if let Scope::ObjectItems(_, path) = scope {
            let list = root.at(path);
            for (index, node) in list.items().enumerate() {
                let item = Subject {
                    this: node,
                    ..subject
                };
                tell(&item, &|| format!("/{}/{index}", path.join("/")));
            }
        } else {
            tell(&subject, &String::new);
        }
    }
}

/// `/spec/hostPID is true`, `/spec/hostPID is not set`; of a subject as a whole, what the rule says.
fn says(rule: &Rule, at: Field, pointer: &str, subject: &Subject<'_>) -> String {
    let value = subject.get(at);
    match value.shown() {
        Some(_) if at.path.is_empty() && !value.is_text() => rule.title.to_owned(),
        Some(value) => format!("{pointer} is {value}"),
        None => format!("{pointer} is not set"),
    }
}

/// The pods and templates of all workloads that are not over, as rules see them: object, index, pointer of what has
/// `metadata` and `spec`, and that.
pub(crate) fn each_pod(world: &World<'_>, mut ask: impl FnMut(&ObjectRef, u32, &str, Node<'_>)) {
    for template in templates(world) {
        let Some(object) = world.snapshot.objects.get(template.at as usize) else {
            continue;
        };
        let Ok(tree) = Json::parse(&object.json) else {
            continue;
        };
        let places = Places::default();
        let pod = below(Node::new(&tree, &places), template.pointer);
        ask(template.object, template.at, template.pointer, pod);
    }
}
