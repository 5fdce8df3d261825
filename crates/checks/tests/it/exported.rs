//! Exported policies, read back and asked as the API server asks them.

use checks::policy::given::{Binding, Policy};
use checks::policy::judge::{Asked, Matched, NamespaceObject, Request, Verdict, matches};
use checks::policy::{Options, write};
use checks::rule::Rule;
use semantics::resources::Resources;
use serde_json::{Value, json};

/// Documents of one export.
pub(crate) struct Exported {
    pub(crate) all: Vec<(Policy, Binding)>,
    pub(crate) params: Value,
}

/// Documents of a YAML text.
pub(crate) fn documents(yaml: &str) -> Vec<Value> {
    let parts = yaml.split("---\n").skip(1);
    let parse =
        |text: &str| serde_saphyr::from_str(text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    parts.map(parse).collect()
}

impl Exported {
    pub(crate) fn of(rules: &[&Rule], minor: u16, options: &Options) -> Self {
        let yaml = write(rules, minor, options).unwrap();
        let documents = documents(&yaml);
        let of_kind = |kind: &str| -> Vec<Value> {
            let own = documents.iter().filter(|document| document["kind"] == kind);
            own.cloned().collect()
        };
        let policies = of_kind("ValidatingAdmissionPolicy");
        let bindings = of_kind("ValidatingAdmissionPolicyBinding");
        let params = of_kind("ConfigMap").remove(0);
        let read = |(policy, binding): (&Value, &Value)| {
            let (policy, binding) = (
                Policy::read(policy).unwrap(),
                Binding::read(binding).unwrap(),
            );
            assert_eq!(*policy.name, *binding.policy);
            let named = binding.params.as_ref().unwrap();
            assert_eq!(named.name.as_deref(), params["metadata"]["name"].as_str());
            assert_eq!(
                named.namespace.as_deref(),
                params["metadata"]["namespace"].as_str()
            );
            (policy, binding)
        };
        Exported {
            all: policies.iter().zip(&bindings).map(read).collect(),
            params,
        }
    }

    /// What each policy says of the creation of the object.
    pub(crate) fn ask(&self, object: &Value) -> Vec<Verdict> {
        self.ask_about(object, None)
    }

    pub(crate) fn ask_about(&self, object: &Value, old: Option<&Value>) -> Vec<Verdict> {
        let (group, version) = object["apiVersion"]
            .as_str()
            .map(|text| text.split_once('/').unwrap_or(("", text)))
            .unwrap();
        let kind = object["kind"].as_str().unwrap();
        let resource = Resources::default()
            .find(&format!("{kind}.{group}"))
            .unwrap();
        let request = Request {
            operation: if old.is_some() { "UPDATE" } else { "CREATE" },
            group,
            version,
            kind,
            resource: &resource.name,
            namespace: object["metadata"]["namespace"].as_str(),
            name: object["metadata"]["name"].as_str().unwrap_or(""),
            object,
            old,
            namespace_object: NamespaceObject::None,
            stored: true,
        };
        let asked = Asked::new(request);
        let all = self.all.iter().map(|(policy, binding)| {
            let none = semantics::view::Labels::new();
            for all in [&policy.constraints, &binding.resources] {
                if matches(all, &request, None, &none) != Matched::Yes {
                    return Verdict::Unasked;
                }
            }
            asked.judge(policy, Some(&self.params))
        });
        all.collect()
    }
}

/// The pod in an object of each kind that holds pods.
pub(crate) fn wrapped(pod: &Value) -> Vec<Value> {
    let template = json!({"metadata": pod["metadata"], "spec": pod["spec"]});
    let metadata = json!({"name": "web", "namespace": "shop"});
    let of = |version: &str, kind: &str, spec: Value| json!({"apiVersion": version, "kind": kind, "metadata": metadata, "spec": spec});
    let direct = || json!({"template": template});
    let mut all = vec![
        pod.clone(),
        json!({"apiVersion": "v1", "kind": "PodTemplate", "metadata": metadata, "template": template}),
        of("v1", "ReplicationController", direct()),
        of("batch/v1", "Job", direct()),
        of(
            "batch/v1",
            "CronJob",
            json!({"jobTemplate": {"spec": direct()}}),
        ),
    ];
    for kind in ["DaemonSet", "Deployment", "ReplicaSet", "StatefulSet"] {
        all.push(of("apps/v1", kind, direct()));
    }
    all
}
