//! Policies of users as rules. Comes in: a world, policies and bindings given beside it. Goes out: findings, an answer a
//! bound policy. Never: a pass of what a policy could not be asked of.

use super::given::{Binding, Policy};
use super::judge::{Asked, Matched, NamespaceObject, Request, Verdict, matches};
use crate::run::tell_provided;
use crate::world::{Answer, Found, Sink, World};
use model::evidence::{Gap, GapWeight, Stage};
use model::snapshot::{Object, Origin, Snapshot};
use model::text::Text;
use semantics::resources::Resources;
use semantics::view::{Labels, Selector};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

const GROUP: &str = "admissionregistration.k8s.io";
const POLICY: &str = "ValidatingAdmissionPolicy";
const BINDING: &str = "ValidatingAdmissionPolicyBinding";
const NAME_LABEL: &str = "kubernetes.io/metadata.name";

/// Policies of one run; more are told and not asked.
const MOST_POLICIES: usize = 1_000;

/// Expressions recurse; this is enough for the deepest that is compiled.
const STACK: usize = 64 * 1024 * 1024;

/// A policy, bound.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct UserRule {
    pub policy: Text,
    /// The same as the policy where nobody bound it and it is asked because it was given.
    pub binding: Text,
    /// The API server refuses what it finds (`validationActions` has `Deny`).
    pub enforced: bool,
}

/// What policies of users say.
#[derive(Clone, Debug, Default)]
pub struct UserSaid {
    pub found: Vec<Found<Arc<UserRule>>>,
    /// By name of policy and binding.
    pub answers: Vec<Answer<Arc<UserRule>>>,
    /// Of policies that could not be read or are bound to nothing.
    pub gaps: Vec<Gap>,
}

/// Asks the policies of the Snapshot, and those `given` (policies and bindings as JSON; a policy without a binding is
/// asked of everything that it matches).
pub fn ask(world: &World<'_>, given: &[Value]) -> UserSaid {
    let thread = std::thread::Builder::new().stack_size(STACK);
    std::thread::scope(|scope| {
        let started = thread.spawn_scoped(scope, || asked(world, given));
        let done = started.ok().and_then(|thread| thread.join().ok());
        done.unwrap_or_else(|| UserSaid {
            gaps: vec![gap(
                "policy-not-asked",
                "admission policies could not be asked".to_owned(),
                "admission policies",
                GapWeight::Hides,
            )],
            ..UserSaid::default()
        })
    })
}

struct Bound<'a> {
    rule: Arc<UserRule>,
    policy: &'a Policy,
    binding: &'a Binding,
}

fn asked(world: &World<'_>, given: &[Value]) -> UserSaid {
    let mut said = UserSaid::default();
    let (policies, bindings) = read(world.snapshot, given, &mut said.gaps);
    let bound = bind(&policies, &bindings, &mut said.gaps);
    said.answers = bound
        .iter()
        .map(|one| Answer::new(Arc::clone(&one.rule)))
        .collect();
    let mut found: Vec<Vec<Found<Arc<UserRule>>>> = bound.iter().map(|_| Vec::new()).collect();
    let resources = Resources::of(world.snapshot);
    let namespaces = Namespaces::of(world);
    let mut owners = BTreeMap::new();
    for (index, object) in (0u32..).zip(&world.snapshot.objects) {
        if &*object.gvk.group == GROUP && object.gvk.kind.starts_with(POLICY) {
            continue;
        }
        let to = About {
            world,
            resources: &resources,
            namespaces: &namespaces,
            object,
        };
        to.ask(&bound, |number, verdict| {
            let (Some(answer), Some(found)) = (said.answers.get_mut(number), found.get_mut(number))
            else {
                return;
            };
            let mut sink = Sink::new(answer, found);
            match verdict {
                Verdict::Unasked => {}
                Verdict::Passes => sink.looked(1),
                Verdict::Refused(says) => {
                    sink.looked(1);
                    let reference = object.reference();
                    for says in says {
                        sink.found(&reference, Some(index), None, String::new(), says);
                    }
                }
                Verdict::Unknown(why) => {
                    let rule = Arc::clone(sink.rule());
                    let policy = &rule.policy;
                    sink.unknown(gap(
                        "policy-unknown",
                        format!("policy {policy} could not be asked of every object: {why}"),
                        policy,
                        GapWeight::Hides,
                    ));
                }
            }
        });
        if let Some(owner) = owner(object) {
            owners.insert(index, owner);
        }
    }
    said.found = found
        .into_iter()
        .flat_map(|found| without_owned(world.snapshot, found, &owners))
        .collect();
    tell_provided(world, &mut said.found);
    said
}

fn read(
    snapshot: &Snapshot,
    given: &[Value],
    gaps: &mut Vec<Gap>,
) -> (Vec<(Policy, bool)>, Vec<Binding>) {
    let of_kind = |kind: &str| {
        let objects = snapshot.of_kind(GROUP, kind).iter();
        let parsed = objects.filter_map(|object| serde_json::from_slice(&object.json).ok());
        let mut all: Vec<(Value, bool)> = parsed.map(|json| (json, false)).collect();
        let given = given
            .iter()
            .filter(|json| json.get("kind").and_then(Value::as_str) == Some(kind));
        all.extend(given.map(|json| (json.clone(), true)));
        all
    };
    let mut unread = |kind: &str, json: &Value, why: String| {
        let name = json.pointer("/metadata/name").and_then(Value::as_str);
        let name = name.unwrap_or("without a name");
        gaps.push(gap(
            "policy-not-understood",
            format!("{kind} {name} was not asked: {why}"),
            name,
            GapWeight::Hides,
        ));
    };
    let mut policies = Vec::new();
    for (json, is_given) in of_kind(POLICY) {
        if policies.len() >= MOST_POLICIES {
            unread(POLICY, &json, format!("only {MOST_POLICIES} are"));
            continue;
        }
        match Policy::read(&json) {
            Ok(policy) => policies.push((policy, is_given)),
            Err(error) => unread(POLICY, &json, error.to_string()),
        }
    }
    let mut bindings = Vec::new();
    for (json, _) in of_kind(BINDING) {
        match Binding::read(&json) {
            Ok(binding) => bindings.push(binding),
            Err(error) => unread(BINDING, &json, error.to_string()),
        }
    }
    for (policy, is_given) in &policies {
        let is_bound = bindings
            .iter()
            .any(|binding| *binding.policy == *policy.name);
        if *is_given && !is_bound {
            bindings.push(Binding::everywhere(policy));
        }
    }
    (policies, bindings)
}

fn bind<'a>(
    policies: &'a [(Policy, bool)],
    bindings: &'a [Binding],
    gaps: &mut Vec<Gap>,
) -> Vec<Bound<'a>> {
    let mut bound = Vec::new();
    for (policy, _) in policies {
        let before = bound.len();
        let own = bindings
            .iter()
            .filter(|binding| *binding.policy == *policy.name);
        bound.extend(own.map(|binding| Bound {
            rule: Arc::new(UserRule {
                policy: Text::clone(&policy.name),
                binding: Text::clone(&binding.name),
                enforced: binding.actions.iter().any(|action| action == "Deny"),
            }),
            policy,
            binding,
        }));
        if bound.len() == before {
            gaps.push(gap(
                "policy-unbound",
                format!(
                    "no binding names policy {}: it forbids nothing",
                    policy.name
                ),
                &policy.name,
                GapWeight::Notice,
            ));
        }
    }
    bound.sort_by(|a, b| a.rule.cmp(&b.rule));
    bound
}

/// One object that policies are asked of.
struct About<'a> {
    world: &'a World<'a>,
    resources: &'a Resources,
    namespaces: &'a Namespaces,
    object: &'a Object,
}

impl About<'_> {
    fn ask(&self, bound: &[Bound<'_>], mut tell: impl FnMut(usize, Verdict)) {
        let object = self.object;
        let gvk = &object.gvk;
        let resource = self.resources.find(&format!("{}.{}", gvk.kind, gvk.group));
        let Ok(resource) = resource else {
            return;
        };
        let namespace = match (&object.namespace, resource.namespaced) {
            (Some(namespace), _) => Some(Text::clone(namespace)),
            (None, Some(true)) => Some("default".into()),
            (None, _) => None,
        };
        let labels: Labels = object.labels.iter().cloned().collect();
        let none = Value::Null;
        let mut request = Request {
            operation: "CREATE",
            group: &gvk.group,
            version: &gvk.version,
            kind: &gvk.kind,
            resource: &resource.name,
            namespace: namespace.as_deref(),
            name: &object.name,
            object: &none,
            old: None,
            namespace_object: NamespaceObject::None,
            stored: self.world.snapshot.origin == Origin::Live,
        };
        let of_namespace = namespace
            .as_deref()
            .map(|name| self.namespaces.of_name(name));
        let mut matching = Vec::new();
        for (number, one) in bound.iter().enumerate() {
            let matched = [&one.policy.constraints, &one.binding.resources].map(|all| {
                let known = of_namespace.and_then(|of| of.labels(&all.namespaces));
                matches(all, &request, known, &labels)
            });
            match matched {
                [Matched::No, _] | [_, Matched::No] => {}
                // The plural of a kind that nobody defines cannot be known.
                _ if resource.namespaced.is_none() => tell(
                    number,
                    Verdict::Unknown(format!("the resource of kind {} is not known", gvk.kind)),
                ),
                [Matched::Yes, Matched::Yes] => matching.push(number),
                [Matched::Unknown(why), _] | [_, Matched::Unknown(why)] => {
                    tell(number, Verdict::Unknown(why));
                }
            }
        }
        if matching.is_empty() {
            return;
        }
        let Ok(json) = serde_json::from_slice::<Value>(&object.json) else {
            for number in matching {
                tell(
                    number,
                    Verdict::Unknown("an object could not be read".to_owned()),
                );
            }
            return;
        };
        request.object = &json;
        request.namespace_object = match of_namespace {
            None => NamespaceObject::None,
            Some(of) => of
                .json
                .as_ref()
                .map_or(NamespaceObject::Unseen, NamespaceObject::Is),
        };
        let asked = Asked::new(request);
        for number in matching {
            if let Some(one) = bound.get(number) {
                tell(number, self.judge(&asked, one, namespace.as_deref()));
            }
        }
    }

    /// With each parameter object that the binding names.
    fn judge(&self, asked: &Asked<'_>, one: &Bound<'_>, namespace: Option<&str>) -> Verdict {
        let Some(kind) = &one.policy.params else {
            return asked.judge(one.policy, None);
        };
        let Some(reference) = &one.binding.params else {
            return Verdict::Unknown("its binding names no parameters".to_owned());
        };
        let snapshot = self.world.snapshot;
        let within = reference.namespace.as_deref().or(namespace);
        let named = |object: &&Object| {
            let name = reference.name.as_deref();
            name.is_none_or(|name| &*object.name == name)
                && reference.selector.as_ref().is_none_or(|selector| {
                    selector.matches(&object.labels.iter().cloned().collect())
                })
                && (object.namespace.is_none() || object.namespace.as_deref() == within)
        };
        let all = snapshot.of_kind(&kind.group, &kind.kind).iter();
        let all: Vec<&Object> = all.filter(named).collect();
        let seen = snapshot.origin == Origin::Live && snapshot.saw_all(&kind.group, &kind.kind);
        if all.is_empty() {
            return match (seen, reference.denies && one.policy.fails) {
                (false, _) => Verdict::Unknown("its parameters were not seen".to_owned()),
                (true, true) => {
                    Verdict::Refused(vec!["the policy's parameters do not exist".to_owned()])
                }
                (true, false) => Verdict::Passes,
            };
        }
        let mut whole = if reference.name.is_some() || seen {
            Verdict::Unasked
        } else {
            Verdict::Unknown("more parameters may exist than were seen".to_owned())
        };
        for object in all {
            let verdict = match serde_json::from_slice::<Value>(&object.json) {
                Ok(json) => asked.judge(one.policy, Some(&json)),
                Err(_) => Verdict::Unknown("its parameters could not be read".to_owned()),
            };
            whole = match (whole, verdict) {
                (Verdict::Refused(mut all), Verdict::Refused(more)) => {
                    all.extend(more);
                    Verdict::Refused(all)
                }
                (refused @ Verdict::Refused(_), _) | (_, refused @ Verdict::Refused(_)) => refused,
                (unknown @ Verdict::Unknown(_), _) | (_, unknown @ Verdict::Unknown(_)) => unknown,
                (Verdict::Unasked, other) | (other, Verdict::Unasked) => other,
                (Verdict::Passes, Verdict::Passes) => Verdict::Passes,
            };
        }
        whole
    }
}

/// Namespaces by name, as far as they were seen.
struct Namespaces {
    seen: BTreeMap<Text, Namespace>,
    unseen: BTreeMap<Text, Namespace>,
    nowhere: Namespace,
}

#[derive(Default)]
struct Namespace {
    labels: Labels,
    json: Option<Value>,
}

impl Namespace {
    /// `None`: the selector needs labels that were not seen.
    fn labels(&self, selector: &Selector) -> Option<&Labels> {
        let mut keys = selector
            .equals
            .keys()
            .chain(selector.expressions.iter().map(|one| &one.key));
        let enough = self.json.is_some()
            || self.labels.contains_key(NAME_LABEL) && keys.all(|key| &**key == NAME_LABEL);
        enough.then_some(&self.labels)
    }
}

impl Namespaces {
    fn of(world: &World<'_>) -> Self {
        let snapshot = world.snapshot;
        let named = |name: &Text| (Text::from(NAME_LABEL), Text::clone(name));
        let seen = snapshot.of_kind("", "Namespace").iter().map(|object| {
            let mut labels: Labels = object.labels.iter().cloned().collect();
            labels.extend([named(&object.name)]);
            let json = serde_json::from_slice(&object.json).ok();
            (Text::clone(&object.name), Namespace { labels, json })
        });
        let names: BTreeSet<&Text> = snapshot
            .objects
            .iter()
            .filter_map(|object| object.namespace.as_ref())
            .collect();
        let default = Text::from("default");
        let unseen = names.into_iter().chain([&default]).map(|name| {
            let labels = Labels::from_iter([named(name)]);
            (Text::clone(name), Namespace { labels, json: None })
        });
        Namespaces {
            seen: seen.collect(),
            unseen: unseen.collect(),
            nowhere: Namespace::default(),
        }
    }

    fn of_name(&self, name: &str) -> &Namespace {
        self.seen
            .get(name)
            .or_else(|| self.unseen.get(name))
            .unwrap_or(&self.nowhere)
    }
}

/// UID of the controller that made the object.
fn owner(object: &Object) -> Option<Text> {
    #[derive(serde::Deserialize)]
    struct Owned {
        metadata: Metadata,
    }
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Metadata {
        #[serde(default)]
        owner_references: Vec<Owner>,
    }
    #[derive(serde::Deserialize)]
    struct Owner {
        uid: String,
        #[serde(default)]
        controller: bool,
    }
    let owned: Owned = serde_json::from_slice(&object.json).ok()?;
    let mut owners = owned.metadata.owner_references.into_iter();
    owners
        .find(|owner| owner.controller)
        .map(|owner| owner.uid.into())
}

/// What a controller made is told at the controller, where that is found too.
fn without_owned(
    snapshot: &Snapshot,
    found: Vec<Found<Arc<UserRule>>>,
    owners: &BTreeMap<u32, Text>,
) -> Vec<Found<Arc<UserRule>>> {
    let uid = |one: &Found<Arc<UserRule>>| {
        let object = snapshot.objects.get(one.at? as usize)?;
        object.uid.clone()
    };
    let told: BTreeSet<Text> = found.iter().filter_map(uid).collect();
    let is_owned = |one: &Found<Arc<UserRule>>| {
        let owner = one.at.and_then(|at| owners.get(&at));
        owner.is_some_and(|owner| told.contains(owner))
    };
    found.into_iter().filter(|one| !is_owned(one)).collect()
}

fn gap(class: &str, what: String, scope: &str, weight: GapWeight) -> Gap {
    Gap {
        class: class.into(),
        what: what.into(),
        stage: Stage::Relate,
        scope: scope.into(),
        weight,
        close: "".into(),
    }
}
