//! The authorizer of `semantics` against the server's own: random roles and bindings of hostile shapes are applied, the
//! cluster is collected, and every answer is compared. Reviews ask who may; dry runs as other users ask what a role or
//! binding may be written by whom. The seed is fixed: a failure comes back.

use super::{expect, snapshot};
use http::{Method, Request};
use libtest_mimic::Failed;
use model::evidence::{Ledger, Truth};
use model::object::ObjectRef;
use model::snapshot::Snapshot;
use model::text::Text;
use semantics::authorizer::{self, Authorizer, MASTERS, User};
use semantics::rbac::{GROUP, Rule};
use serde_json::{Value, json};
use std::path::Path;
use std::time::{Duration, Instant};

const QUESTIONS: usize = 2_000;
const ATTEMPTS: usize = 600;
const SEED: u64 = 0x5eed_2026;
const NAMESPACES: [&str; 3] = ["plimsoll-rbac-a", "plimsoll-rbac-b", "plimsoll-rbac-c"];
const API: &str = "/apis/rbac.authorization.k8s.io/v1";
const VERSION: &str = "rbac.authorization.k8s.io/v1";
const MARK: &str = "plimsoll-e2e-rights";
/// May write roles and bindings, so that the escalation check decides.
const WRITERS: &str = "plimsoll:writers";
const SEEN_WITHIN: Duration = Duration::from_secs(30);

const VERBS: &[&str] = &[
    "get",
    "list",
    "watch",
    "create",
    "update",
    "delete",
    "deletecollection",
    "bind",
    "escalate",
    "impersonate",
    "*",
];
const GROUPS: &[&str] = &["", "apps", GROUP, "example.com", "*"];
const RESOURCES: &[&str] = &[
    "pods",
    "pods/exec",
    "pods/log",
    "pods/*",
    "deployments",
    "deployments/scale",
    "*/scale",
    "*/exec",
    "*/*",
    "secrets",
    "nodes",
    "nodes/proxy",
    "namespaces",
    "roles",
    "clusterroles",
    "serviceaccounts",
    "*",
];
const NAMES: &[&str] = &["a", "b", "cluster-role-1", "role-1", "*"];
const URLS: &[&str] = &[
    "/metrics",
    "/metrics/*",
    "/healthz*",
    "/healthz/etcd",
    "/*/x",
    "/api**",
    "*",
];
const PATHS: &[&str] = &[
    "/metrics",
    "/metrics/",
    "/metrics/a",
    "/healthz",
    "/healthz/etcd",
    "/a/x",
    "/*/x",
    "/api",
    "/apis/apps",
    "/",
];

/// The same numbers on every run (xorshift64*).
struct Chance(u64);

impl Chance {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let high = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33;
        usize::try_from(high).unwrap_or(0) % n.max(1)
    }

    fn one<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of.get(self.below(of.len())).copied().unwrap_or_default()
    }

    /// One to three of them, the wildcard seldom.
    fn some(&mut self, of: &[&str]) -> Vec<String> {
        let count = 1 + self.below(3);
        let mut picked = Vec::new();
        for _ in 0..count {
            let mut word = self.one(of);
            if word == "*" && self.below(3) > 0 {
                word = self.one(of);
            }
            picked.push(word.to_owned());
        }
        picked.sort_unstable();
        picked.dedup();
        picked
    }

    fn rule(&mut self, urls: bool) -> Value {
        if urls && self.below(5) == 0 {
            return json!({"verbs": self.some(VERBS), "nonResourceURLs": self.some(URLS)});
        }
        let mut rule = json!({"verbs": self.some(VERBS), "apiGroups": self.some(GROUPS), "resources": self.some(RESOURCES)});
        if self.below(4) == 0 {
            rule["resourceNames"] = json!(self.some(NAMES));
        }
        rule
    }

    fn rules(&mut self, urls: bool) -> Vec<Value> {
        (0..=self.below(3)).map(|_| self.rule(urls)).collect()
    }

    /// Never `system:authenticated`: other trials log in.
    fn subject(&mut self) -> Value {
        let api = GROUP;
        match self.below(6) {
            0 | 1 => {
                json!({"kind": "User", "apiGroup": api, "name": format!("rbac-user-{}", self.below(5))})
            }
            2 => {
                json!({"kind": "Group", "apiGroup": api, "name": format!("rbac-group-{}", self.below(3))})
            }
            3 => json!({"kind": "Group", "apiGroup": api,
                "name": format!("system:serviceaccounts:{}", self.one(&NAMESPACES))}),
            4 => json!({"kind": "User", "apiGroup": api,
                "name": format!("system:serviceaccount:{}:sa-{}", self.one(&NAMESPACES), self.below(2))}),
            _ => {
                json!({"kind": "ServiceAccount", "namespace": self.one(&NAMESPACES), "name": format!("sa-{}", self.below(2))})
            }
        }
    }

    fn user(&mut self) -> User {
        let mut user = match self.below(8) {
            0..4 => User {
                name: format!("rbac-user-{}", self.below(6)).into(),
                groups: vec!["system:authenticated".into()],
            },
            4..7 => User::service_account(self.one(&NAMESPACES), &format!("sa-{}", self.below(3))),
            _ => User {
                name: "stranger".into(),
                groups: vec!["system:authenticated".into()],
            },
        };
        if self.below(3) == 0 {
            user.groups
                .push(format!("rbac-group-{}", self.below(4)).into());
        }
        if self.below(60) == 0 {
            user.groups.push(MASTERS.into());
        }
        user
    }
}

/// A role that bindings name; some are missing.
fn role_name(chance: &mut Chance, cluster: bool) -> String {
    if cluster {
        format!("plimsoll-cluster-role-{}", chance.below(14))
    } else {
        format!("plimsoll-role-{}", chance.below(7))
    }
}

fn metadata(name: &str, namespace: Option<&str>) -> Value {
    let mut metadata = json!({"name": name, "labels": {MARK: "yes"}});
    if let Some(namespace) = namespace {
        metadata["namespace"] = json!(namespace);
    }
    metadata
}

fn role(name: &str, namespace: Option<&str>, rules: &[Value]) -> Value {
    let kind = if namespace.is_some() {
        "Role"
    } else {
        "ClusterRole"
    };
    json!({"apiVersion": VERSION, "kind": kind, "metadata": metadata(name, namespace), "rules": rules})
}

fn binding(name: &str, namespace: Option<&str>, role: (&str, &str), subjects: &[Value]) -> Value {
    let kind = if namespace.is_some() {
        "RoleBinding"
    } else {
        "ClusterRoleBinding"
    };
    json!({"apiVersion": VERSION, "kind": kind, "metadata": metadata(name, namespace),
        "roleRef": {"apiGroup": GROUP, "kind": role.0, "name": role.1}, "subjects": subjects})
}

/// Everything that is applied; of twelve cluster roles two are aggregated, of fourteen names two are missing.
fn objects(chance: &mut Chance) -> Vec<Value> {
    let mut all = Vec::new();
    for n in 0..12 {
        let mut one = role(
            &format!("plimsoll-cluster-role-{n}"),
            None,
            &chance.rules(true),
        );
        if n >= 10 {
            one["aggregationRule"] =
                json!({"clusterRoleSelectors": [{"matchLabels": {MARK: "aggregate"}}]});
        } else if n >= 8 {
            one["metadata"]["labels"][MARK] = json!("aggregate");
        }
        all.push(one);
    }
    for namespace in NAMESPACES {
        for n in 0..5 {
            all.push(role(
                &format!("plimsoll-role-{n}"),
                Some(namespace),
                &chance.rules(false),
            ));
        }
        for n in 0..20 {
            let cluster = chance.below(2) == 0;
            let kind = if cluster { "ClusterRole" } else { "Role" };
            let name = role_name(chance, cluster);
            let subjects: Vec<Value> = (0..=chance.below(2)).map(|_| chance.subject()).collect();
            all.push(binding(
                &format!("plimsoll-binding-{n}"),
                Some(namespace),
                (kind, &name),
                &subjects,
            ));
        }
    }
    for n in 0..14 {
        let name = role_name(chance, true);
        let subjects = [chance.subject()];
        all.push(binding(
            &format!("plimsoll-cluster-binding-{n}"),
            None,
            ("ClusterRole", &name),
            &subjects,
        ));
    }
    let write = json!({"verbs": ["create"], "apiGroups": [GROUP],
        "resources": ["roles", "rolebindings", "clusterroles", "clusterrolebindings"]});
    let writers = [json!({"kind": "Group", "apiGroup": GROUP, "name": WRITERS})];
    all.push(role("plimsoll-writers", None, &[write]));
    all.push(binding(
        "plimsoll-writers",
        None,
        ("ClusterRole", "plimsoll-writers"),
        &writers,
    ));
    // The last of each kind: when they count, all before them do.
    let rule = json!({"verbs": ["get"], "apiGroups": ["sentinel"], "resources": ["things"]});
    let someone = [json!({"kind": "User", "apiGroup": GROUP, "name": "rbac-sentinel"})];
    all.push(role("plimsoll-sentinel", None, std::slice::from_ref(&rule)));
    all.push(role("plimsoll-sentinel", Some(NAMESPACES[0]), &[rule]));
    all.push(binding(
        "plimsoll-sentinel",
        Some(NAMESPACES[0]),
        ("Role", "plimsoll-sentinel"),
        &someone,
    ));
    let other = [json!({"kind": "User", "apiGroup": GROUP, "name": "rbac-sentinel-2"})];
    all.push(binding(
        "plimsoll-sentinel",
        None,
        ("ClusterRole", "plimsoll-sentinel"),
        &other,
    ));
    all
}

/// One client for thousands of requests.
struct Session {
    runtime: tokio::runtime::Runtime,
    client: kube::Client,
}

impl Session {
    fn start(server: &Path) -> Result<Self, Failed> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let client = runtime.block_on(async {
            let file = kube::config::Kubeconfig::read_from(server)?;
            let options = kube::config::KubeConfigOptions::default();
            let config = kube::Config::from_custom_kubeconfig(file, &options).await?;
            Ok::<_, Failed>(kube::Client::try_from(config)?)
        })?;
        Ok(Self { runtime, client })
    }

    /// Status and body.
    fn send(
        &self,
        method: Method,
        path: &str,
        body: &Value,
        user: Option<&User>,
    ) -> Result<(u16, Value), Failed> {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header("Content-Type", "application/json");
        if let Some(user) = user {
            request = request.header("Impersonate-User", &*user.name);
            for group in &user.groups {
                request = request.header("Impersonate-Group", &**group);
            }
        }
        let bytes = if body.is_null() {
            Vec::new()
        } else {
            serde_json::to_vec(body)?
        };
        let request = request.body(bytes.into())?;
        self.runtime.block_on(async {
            let response = self.client.send(request).await?;
            let status = response.status().as_u16();
            let bytes = response.into_body().collect_bytes().await?;
            Ok((
                status,
                serde_json::from_slice(&bytes).unwrap_or(Value::Null),
            ))
        })
    }

    fn apply(&self, objects: &[Value]) -> Result<(), Failed> {
        for namespace in NAMESPACES {
            let body =
                json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}});
            let (status, answer) = self.send(Method::POST, "/api/v1/namespaces", &body, None)?;
            expect(
                matches!(status, 201 | 409),
                &format!("cannot create {namespace}: {answer}"),
            )?;
        }
        self.clear()?;
        for object in objects {
            let (status, answer) = self.send(Method::POST, &collection(object), object, None)?;
            expect(status == 201, &format!("cannot create {object}: {answer}"))?;
        }
        Ok(())
    }

    /// What an earlier run left in a cluster that lives on.
    fn clear(&self) -> Result<(), Failed> {
        let mut paths: Vec<String> = Vec::new();
        for resource in ["rolebindings", "roles"] {
            let of = NAMESPACES
                .iter()
                .map(|namespace| format!("{API}/namespaces/{namespace}/{resource}"));
            paths.extend(of);
        }
        paths.extend(
            ["clusterrolebindings", "clusterroles"].map(|resource| format!("{API}/{resource}")),
        );
        for path in paths {
            let path = format!("{path}?labelSelector={MARK}");
            let (status, answer) = self.send(Method::DELETE, &path, &Value::Null, None)?;
            expect(status == 200, &format!("cannot clear {path}: {answer}"))?;
        }
        Ok(())
    }

    /// Whether the server's authorizer allows it.
    fn review(&self, user: &User, request: &authorizer::Request) -> Result<bool, Failed> {
        let mut spec = json!({"user": user.name, "groups": user.groups});
        match request {
            authorizer::Request::Url { verb, path } => {
                spec["nonResourceAttributes"] = json!({"verb": verb, "path": path});
            }
            authorizer::Request::Resource {
                verb,
                group,
                resource,
                name,
                namespace,
            } => {
                let (base, sub) = resource.split_once('/').unwrap_or((resource, ""));
                spec["resourceAttributes"] = json!({"verb": verb, "group": group, "resource": base, "subresource": sub,
                    "name": name, "namespace": namespace.as_deref().unwrap_or_default()});
            }
        }
        let body = json!({"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": spec});
        let path = "/apis/authorization.k8s.io/v1/subjectaccessreviews";
        let (status, answer) = self.send(Method::POST, path, &body, None)?;
        expect(status == 201, &format!("no review: {answer}"))?;
        Ok(answer["status"]["allowed"] == Value::Bool(true))
    }

    fn wait(&self) -> Result<(), Failed> {
        let begin = Instant::now();
        let user = |name: &str| User {
            name: name.into(),
            groups: Vec::new(),
        };
        let things = |namespace: Option<&str>| authorizer::Request::Resource {
            verb: "get".into(),
            group: "sentinel".into(),
            resource: "things".into(),
            name: "".into(),
            namespace: namespace.map(Into::into),
        };
        while begin.elapsed() < SEEN_WITHIN {
            let here = self.review(&user("rbac-sentinel"), &things(Some(NAMESPACES[0])))?;
            if here && self.review(&user("rbac-sentinel-2"), &things(None))? {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        Err("the server's authorizer does not see what was created; does it run with --authorization-mode=RBAC?".into())
    }
}

fn collection(object: &Value) -> String {
    let resource = format!(
        "{}s",
        object["kind"].as_str().unwrap_or_default().to_lowercase()
    );
    match object["metadata"]["namespace"].as_str() {
        Some(namespace) => format!("{API}/namespaces/{namespace}/{resource}"),
        None => format!("{API}/{resource}"),
    }
}

/// Half of them are at random, half lie close to a rule that the user has.
fn question(chance: &mut Chance, user: &User, authorizer: &Authorizer) -> authorizer::Request {
    let namespace: Option<Text> = (chance.below(4) > 0).then(|| chance.one(&NAMESPACES).into());
    let rules: Vec<&Rule> = authorizer
        .rules_for(user, namespace.as_ref())
        .map(|grant| grant.rule)
        .collect();
    if chance.below(2) == 0 && !rules.is_empty() {
        let near = rules.get(chance.below(rules.len())).copied();
        return near_to(chance, &near.cloned().unwrap_or_default(), namespace);
    }
    if chance.below(8) == 0 {
        let verb = chance.one(VERBS).into();
        let path = chance.one(PATHS).into();
        return authorizer::Request::Url { verb, path };
    }
    authorizer::Request::Resource {
        verb: chance.one(VERBS).into(),
        group: chance.one(GROUPS).into(),
        resource: chance.one(RESOURCES).into(),
        name: if chance.below(2) == 0 {
            "".into()
        } else {
            chance.one(NAMES).into()
        },
        namespace,
    }
}

/// What the rule names, or something else in its place.
fn near_to(chance: &mut Chance, rule: &Rule, namespace: Option<Text>) -> authorizer::Request {
    let mut word = |own: &[Text], any: &[&str]| -> Text {
        let picked = own.get(chance.below(own.len())).cloned();
        match picked {
            Some(word) if &*word != "*" && chance.below(8) > 0 => word,
            _ => chance.one(any).into(),
        }
    };
    let verb = word(&rule.verbs, VERBS);
    if !rule.urls.is_empty() {
        let path = word(&rule.urls, PATHS);
        return authorizer::Request::Url { verb, path };
    }
    authorizer::Request::Resource {
        verb,
        group: word(&rule.groups, GROUPS),
        resource: word(&rule.resources, RESOURCES),
        name: word(&rule.names, NAMES),
        namespace,
    }
}

fn rule_of(value: &Value) -> Rule {
    let texts = |key: &str| {
        let list = value[key].as_array().into_iter().flatten();
        list.filter_map(|text| text.as_str().map(Text::from))
            .collect()
    };
    Rule {
        verbs: texts("verbs"),
        groups: texts("apiGroups"),
        resources: texts("resources"),
        names: texts("resourceNames"),
        urls: texts("nonResourceURLs"),
    }
}

fn rules_of(role: &Value) -> Vec<Rule> {
    role["rules"]
        .as_array()
        .into_iter()
        .flatten()
        .map(rule_of)
        .collect()
}

#[allow(clippy::print_stdout)] // what was compared
pub(super) fn every_answer_is_the_servers(server: &Path) -> Result<(), Failed> {
    let session = Session::start(server)?;
    let mut chance = Chance(SEED);
    let objects = objects(&mut chance);
    session.apply(&objects)?;
    session.wait()?;
    let snapshot = snapshot(server, &[], 500)?;
    let authorizer = Authorizer::of(&snapshot, &mut Ledger::default());
    expect(
        authorizer.complete,
        "roles and bindings were not seen whole",
    )?;
    let allowed = reviews(&session, &authorizer, &mut chance)?;
    let accepted = attempts(&session, &authorizer, &snapshot, &mut chance)?;
    session.clear()?;
    println!(
        "{} objects of RBAC: {QUESTIONS} of {QUESTIONS} reviews ({allowed} allowed) and {ATTEMPTS} of {ATTEMPTS} attempts to \
         write roles and bindings ({accepted} accepted) have the server's answer",
        objects.len()
    );
    // A comparison of refusals only would prove little.
    expect(
        allowed > QUESTIONS / 5,
        &format!("only {allowed} questions were allowed"),
    )?;
    expect(
        accepted > ATTEMPTS / 20 && accepted < ATTEMPTS * 19 / 20,
        &format!("{accepted} attempts were accepted"),
    )
}

fn reviews(
    session: &Session,
    authorizer: &Authorizer,
    chance: &mut Chance,
) -> Result<usize, Failed> {
    let mut allowed = 0;
    for n in 0..QUESTIONS {
        let user = chance.user();
        let request = question(chance, &user, authorizer);
        let ours = authorizer.allows(&user, &request);
        let theirs = session.review(&user, &request)?;
        allowed += usize::from(theirs);
        expect(
            ours == if theirs { Truth::Yes } else { Truth::No },
            &format!(
                "question {n}: {user:?} {request:?}: we say {ours:?}, the server says {theirs}"
            ),
        )?;
    }
    Ok(allowed)
}

/// Roles and bindings that other users try to write.
fn attempts(
    session: &Session,
    authorizer: &Authorizer,
    snapshot: &Snapshot,
    chance: &mut Chance,
) -> Result<usize, Failed> {
    let mut accepted = 0;
    for n in 0..ATTEMPTS {
        let mut user = chance.user();
        if chance.below(10) > 0 {
            user.groups.push(WRITERS.into());
        }
        let cluster = chance.below(3) == 0;
        let namespace = (!cluster).then(|| chance.one(&NAMESPACES));
        let (object, ours) = if chance.below(2) == 0 {
            try_role(authorizer, &user, namespace, chance)
        } else {
            try_binding(authorizer, snapshot, &user, namespace, chance)?
        };
        let path = format!("{}?dryRun=All", collection(&object));
        let (status, answer) = session.send(Method::POST, &path, &object, Some(&user))?;
        expect(
            matches!(status, 201 | 403 | 404),
            &format!("attempt {n}: {status} {answer}"),
        )?;
        let theirs = status == 201;
        accepted += usize::from(theirs);
        expect(
            ours == if theirs { Truth::Yes } else { Truth::No },
            &format!(
                "attempt {n}: {user:?} writes {object}: we say {ours:?}, the server says {status} {answer}"
            ),
        )?;
    }
    Ok(accepted)
}

/// Small roles, so that some are covered.
fn try_role(
    authorizer: &Authorizer,
    user: &User,
    namespace: Option<&str>,
    chance: &mut Chance,
) -> (Value, Truth) {
    let known = chance.below(2) == 0;
    let own: Vec<Value> = authorizer
        .rules_for(user, namespace.map(Text::from).as_ref())
        .map(|grant| grant.rule)
        .filter(|rule| rule.urls.is_empty() && !rule.groups.is_empty())
        .map(|rule| {
            let mut value =
                json!({"verbs": rule.verbs, "apiGroups": rule.groups, "resources": rule.resources});
            if !rule.names.is_empty() {
                value["resourceNames"] = json!(rule.names);
            }
            value
        })
        .collect();
    let rules = if known && !own.is_empty() {
        // One of his own, as it is, narrower, or a little wider.
        let mut rule = own
            .get(chance.below(own.len()))
            .cloned()
            .unwrap_or_default();
        match chance.below(4) {
            0 => rule["verbs"] = json!(chance.some(VERBS)),
            1 => rule["resources"] = json!(chance.some(RESOURCES)),
            2 => rule["resourceNames"] = json!(chance.some(NAMES)),
            _ => {}
        }
        vec![rule]
    } else {
        vec![chance.rule(namespace.is_none())]
    };
    let name = chance
        .one(&["role-1", "cluster-role-1", "a", "new"])
        .to_owned();
    let object = role(&name, namespace, &rules);
    let kind = if namespace.is_some() {
        "Role"
    } else {
        "ClusterRole"
    };
    let reference = ObjectRef::new(GROUP, kind, namespace, &name);
    let create = may_create(
        authorizer,
        user,
        if namespace.is_some() {
            "roles"
        } else {
            "clusterroles"
        },
        namespace,
    );
    let write = authorizer.may_write_role(user, &reference, &rules_of(&object));
    (object, create.min(write))
}

fn try_binding(
    authorizer: &Authorizer,
    snapshot: &Snapshot,
    user: &User,
    namespace: Option<&str>,
    chance: &mut Chance,
) -> Result<(Value, Truth), Failed> {
    let cluster_role = namespace.is_none() || chance.below(2) == 0;
    let kind = if cluster_role { "ClusterRole" } else { "Role" };
    let name = if cluster_role && chance.below(6) == 0 {
        chance
            .one(&[
                "cluster-admin",
                "view",
                "system:basic-user",
                "system:discovery",
            ])
            .to_owned()
    } else {
        role_name(chance, cluster_role)
    };
    let object = binding("new", namespace, (kind, &name), &[chance.subject()]);
    let resource = if namespace.is_some() {
        "rolebindings"
    } else {
        "clusterrolebindings"
    };
    let create = may_create(authorizer, user, resource, namespace);
    let place = namespace.map(Text::from);
    let home = if cluster_role { None } else { namespace };
    let reference = ObjectRef::new(GROUP, kind, home, &name);
    let bind = match snapshot.find(GROUP, kind, home, &name) {
        Some(found) => {
            let rules = rules_of(&serde_json::from_slice(&found.json)?);
            authorizer.may_bind(user, &reference, &rules, place.as_ref())
        }
        // Rules that are not there cannot be compared: only `bind` helps.
        None if user.groups.iter().any(|group| &**group == MASTERS) => Truth::Yes,
        None => {
            let resource = if cluster_role {
                "clusterroles"
            } else {
                "roles"
            };
            let request = authorizer::Request::Resource {
                verb: "bind".into(),
                group: GROUP.into(),
                resource: resource.into(),
                name: name.as_str().into(),
                namespace: place.clone(),
            };
            authorizer.allows(user, &request)
        }
    };
    Ok((object, create.min(bind)))
}

fn may_create(
    authorizer: &Authorizer,
    user: &User,
    resource: &str,
    namespace: Option<&str>,
) -> Truth {
    let request = authorizer::Request::Resource {
        verb: "create".into(),
        group: GROUP.into(),
        resource: resource.into(),
        name: "".into(),
        namespace: namespace.map(Into::into),
    };
    authorizer.allows(user, &request)
}
