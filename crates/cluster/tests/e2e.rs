//! The live collector against a real API server: creates objects and compares what is collected with what was created.
//! Needs `PLIMSOLL_E2E_KUBECONFIG` (a user with all rights); `cargo xtask e2e` starts a server and sets it.
//! `PLIMSOLL_E2E_USERS` is a folder with kubeconfigs of users with fewer rights; without it those trials are skipped.
//! A server without controllers is enough: nothing here waits for one.

#[path = "e2e/rights.rs"]
mod rights;

use cluster::live::{Options, collect};
use http::{Method, Request};
use libtest_mimic::{Arguments, Failed, Trial};
use model::evidence::{Fact, GapWeight};
use model::snapshot::Snapshot;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::OnceLock;

const NAMESPACE: &str = "plimsoll-e2e";
const CANARY: &str = "plimsoll-canary-Zm9ydHktdHdv";
/// More objects than a page of 5 holds.
const CONFIG_MAPS: usize = 23;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let server = std::env::var_os("PLIMSOLL_E2E_KUBECONFIG").map(PathBuf::from);
    let required = testkit::required("apiserver");
    let absent = server.is_none();
    let trial = |name: &str, run: fn(&Path) -> Result<(), Failed>| {
        let server = server.clone();
        Trial::test(name, move || match server {
            Some(server) => {
                created(&server)?;
                run(&server)
            }
            None => Err(
                "PLIMSOLL_E2E_KUBECONFIG is not set, and PLIMSOLL_REQUIRE asks for an API server"
                    .into(),
            ),
        })
        .with_ignored_flag(absent && !required)
    };
    let users = std::env::var_os("PLIMSOLL_E2E_USERS").is_some();
    let of_users = |name: &str, run| {
        let one = trial(name, run);
        if users {
            one
        } else {
            one.with_ignored_flag(true)
        }
    };
    let trials = vec![
        trial(
            "what_was_created_is_collected",
            what_was_created_is_collected,
        ),
        trial("pages_make_the_same_snapshot", pages_make_the_same_snapshot),
        trial("no_secret_value_is_collected", no_secret_value_is_collected),
        of_users(
            "a_viewer_gets_gaps_that_name_the_permission",
            a_viewer_gets_gaps,
        ),
        of_users(
            "a_user_of_one_namespace_reads_it",
            a_user_of_one_namespace_reads_it,
        ),
        of_users(
            "a_user_without_rights_sees_only_gaps",
            a_user_without_rights_sees_only_gaps,
        ),
        trial("rights_agree_with_the_server", rights_agree_with_the_server),
        trial(
            "every_answer_is_the_servers",
            rights::every_answer_is_the_servers,
        ),
    ];
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn snapshot(kubeconfig: &Path, namespaces: &[&str], page_size: u32) -> Result<Snapshot, Failed> {
    let options = Options {
        kubeconfig: Some(kubeconfig.to_owned()),
        context: None,
        namespaces: namespaces
            .iter()
            .map(|&namespace| namespace.to_owned())
            .collect(),
        page_size,
        cluster_name: None,
        now: "2026-11-23T00:00:00Z".parse()?,
        redaction_key: [9; 32],
    };
    Ok(collect(&options)?)
}

fn user(name: &str) -> Result<PathBuf, Failed> {
    let folder = std::env::var_os("PLIMSOLL_E2E_USERS").ok_or("PLIMSOLL_E2E_USERS is not set")?;
    Ok(PathBuf::from(folder).join(format!("{name}.kubeconfig")))
}

fn what_was_created_is_collected(server: &Path) -> Result<(), Failed> {
    let snapshot = snapshot(server, &[], 500)?;
    if !matches!(snapshot.cluster, Fact::Is(_)) {
        return Err("the cluster's id was not read".into());
    }
    for object in objects() {
        let (group, kind, namespace, name) = identity(&object);
        let Some(found) = snapshot.find(&group, &kind, namespace.as_deref(), &name) else {
            return Err(format!("{kind} {name} was created but not collected").into());
        };
        let json: Value = serde_json::from_slice(&found.json)?;
        expect(
            json["metadata"]["managedFields"].is_null(),
            "managedFields are kept",
        )?;
        expect(found.uid.is_some(), "the uid is lost")?;
        if kind == "Deployment" {
            expect(
                json["spec"]["template"]["spec"]["containers"][0]["image"]
                    == object["spec"]["template"]["spec"]["containers"][0]["image"],
                "the image differs",
            )?;
        }
    }
    for (group, kind) in [
        ("", "Pod"),
        ("", "Service"),
        ("apps", "Deployment"),
        ("rbac.authorization.k8s.io", "Role"),
    ] {
        expect(
            snapshot.saw_all(group, kind),
            &format!("{kind} is not listed whole"),
        )?;
    }
    let heavy: Vec<_> = snapshot
        .gaps
        .iter()
        .filter(|gap| gap.weight > GapWeight::Notice)
        .collect();
    expect(
        heavy.is_empty(),
        &format!("gaps for a user with all rights: {heavy:?}"),
    )
}

fn pages_make_the_same_snapshot(server: &Path) -> Result<(), Failed> {
    let of = |snapshot: &Snapshot| {
        let here =
            |object: &&model::snapshot::Object| object.namespace.as_deref() == Some(NAMESPACE);
        snapshot
            .objects
            .iter()
            .filter(here)
            .cloned()
            .collect::<Vec<_>>()
    };
    let (paged, whole) = (
        of(&snapshot(server, &[], 5)?),
        of(&snapshot(server, &[], 10_000)?),
    );
    expect(whole.len() > CONFIG_MAPS, "too few objects to prove paging")?;
    expect(paged == whole, "pages of 5 and one page differ")
}

fn no_secret_value_is_collected(server: &Path) -> Result<(), Failed> {
    let snapshot = snapshot(server, &[], 500)?;
    let needles = [CANARY.to_owned(), base64(CANARY)];
    for object in &snapshot.objects {
        let text = String::from_utf8_lossy(&object.json);
        for needle in &needles {
            expect(
                !text.contains(needle),
                &format!("{} keeps a secret value", object.reference()),
            )?;
        }
    }
    Ok(())
}

fn a_viewer_gets_gaps(_: &Path) -> Result<(), Failed> {
    let viewer = user("viewer")?;
    let snapshot = snapshot(&viewer, &[], 500)?;
    expect(
        snapshot
            .find("apps", "Deployment", Some(NAMESPACE), "web")
            .is_some(),
        "a viewer may list deployments",
    )?;
    for resource in ["secrets", "nodes", "clusterroles.rbac.authorization.k8s.io"] {
        let gap = snapshot
            .gaps
            .iter()
            .find(|gap| &*gap.class == "list-forbidden" && &*gap.scope == resource);
        let Some(gap) = gap else {
            return Err(format!("no gap for {resource}").into());
        };
        let named = gap.close.contains(&format!("--resource={resource}")) || resource == "secrets";
        expect(
            named,
            &format!(
                "the gap of {resource} does not name the permission: {}",
                gap.close
            ),
        )?;
    }
    expect(
        !snapshot.saw_all("", "Node"),
        "nodes were refused, and yet seen whole",
    )
}

fn a_user_of_one_namespace_reads_it(_: &Path) -> Result<(), Failed> {
    let namespaced = user("namespaced")?;
    let everywhere = snapshot(&namespaced, &[], 500)?;
    let pods = everywhere.gaps.iter().find(|gap| &*gap.scope == "pods");
    expect(
        pods.is_some_and(|gap| gap.weight == GapWeight::Hides),
        "pods of the whole cluster were refused, and it is no heavy gap",
    )?;
    let here = snapshot(&namespaced, &["default"], 500)?;
    let heavy: Vec<_> = here
        .gaps
        .iter()
        .filter(|gap| gap.weight == GapWeight::Hides)
        .collect();
    expect(
        heavy.is_empty(),
        &format!("its own namespace has heavy gaps: {heavy:?}"),
    )?;
    expect(
        here.saw_all("", "Pod"),
        "pods of its own namespace were not listed whole",
    )
}

fn a_user_without_rights_sees_only_gaps(_: &Path) -> Result<(), Failed> {
    let nobody = user("nobody")?;
    let snapshot = snapshot(&nobody, &[], 500)?;
    expect(snapshot.objects.is_empty(), "objects without rights")?;
    expect(
        matches!(snapshot.cluster, Fact::Unknown(_)),
        "the cluster's id must be unknown",
    )?;
    let forbidden = snapshot
        .gaps
        .iter()
        .filter(|gap| &*gap.class == "list-forbidden")
        .count();
    expect(forbidden > 10, &format!("only {forbidden} gaps"))
}

/// The rights that `semantics` finds for service accounts against the server's own authorizer.
fn rights_agree_with_the_server(server: &Path) -> Result<(), Failed> {
    use model::evidence::Ledger;
    use semantics::authorizer::{Request, User};
    let snapshot = snapshot(server, &[], 500)?;
    let inventory = semantics::inventory(
        &snapshot,
        &semantics::declare::Declarations::default(),
        &mut Ledger::default(),
    );
    for account in ["reader", "deployer", "binder", "nothing"] {
        let view = inventory
            .service_accounts
            .iter()
            .find(|a| &*a.namespace == NAMESPACE && &*a.name == account);
        if view.is_none() {
            return Err(format!("service account {account} is missing").into());
        }
        let user = User::service_account(NAMESPACE, account);
        for (verb, group, resource) in [
            ("list", "", "secrets"),
            ("create", "apps", "deployments"),
            ("bind", "rbac.authorization.k8s.io", "roles"),
        ] {
            let request = Request::Resource {
                verb: verb.into(),
                group: group.into(),
                resource: resource.into(),
                name: "".into(),
                namespace: Some(NAMESPACE.into()),
            };
            let ours = inventory
                .authorizer
                .grants(&user, &request)
                .next()
                .is_some();
            let review = json!({"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": {
                "user": format!("system:serviceaccount:{NAMESPACE}:{account}"),
                "groups": ["system:serviceaccounts", format!("system:serviceaccounts:{NAMESPACE}"), "system:authenticated"],
                "resourceAttributes": {"namespace": NAMESPACE, "verb": verb, "group": group, "resource": resource}}});
            let answer = send(
                server,
                Method::POST,
                "/apis/authorization.k8s.io/v1/subjectaccessreviews",
                &review,
            )?;
            let theirs = answer["status"]["allowed"] == Value::Bool(true);
            expect(
                ours == theirs,
                &format!("{account} {verb} {resource}: we say {ours}, the server says {theirs}"),
            )?;
        }
    }
    Ok(())
}

fn expect(holds: bool, message: &str) -> Result<(), Failed> {
    if holds { Ok(()) } else { Err(message.into()) }
}

/// Everything that the trials create.
fn objects() -> Vec<Value> {
    let meta = |name: &str| json!({"name": name, "namespace": NAMESPACE});
    let pod_spec = json!({"automountServiceAccountToken": false, "containers": [{"name": "web", "image": "ghcr.io/harbour-shop/storefront:2.3.1",
        "env": [{"name": "TOKEN", "value": CANARY}], "args": [format!("--token={CANARY}")]}]});
    let labels = json!({"app": "web"});
    let template = json!({"metadata": {"labels": labels}, "spec": pod_spec});
    let workload = |kind: &str, name: &str| {
        let mut spec = json!({"selector": {"matchLabels": labels}, "template": template});
        if kind == "StatefulSet" {
            spec["serviceName"] = json!("web");
        }
        json!({"apiVersion": "apps/v1", "kind": kind, "metadata": meta(name), "spec": spec})
    };
    let role = |name: &str, rule: Value| json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": meta(name), "rules": [rule]});
    let binding = |name: &str| {
        json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": meta(name),
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name},
            "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": NAMESPACE}]})
    };
    let account =
        |name: &str| json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": meta(name)});
    let mut all = vec![
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": {"team": "e2e"}}}),
        account("reader"),
        account("deployer"),
        account("binder"),
        account("nothing"),
        role(
            "reader",
            json!({"apiGroups": [""], "resources": ["secrets"], "verbs": ["get", "list"]}),
        ),
        role(
            "deployer",
            json!({"apiGroups": ["apps"], "resources": ["*"], "verbs": ["create"]}),
        ),
        role(
            "binder",
            json!({"apiGroups": ["rbac.authorization.k8s.io"], "resources": ["roles"], "verbs": ["bind"]}),
        ),
        // A dead rule: `secrets/*` grants nothing on secrets.
        role(
            "nothing",
            json!({"apiGroups": [""], "resources": ["secrets/*", "pods/*"], "verbs": ["*"]}),
        ),
        binding("reader"),
        binding("deployer"),
        binding("binder"),
        binding("nothing"),
        workload("Deployment", "web"),
        workload("StatefulSet", "db"),
        workload("DaemonSet", "agent"),
        json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": meta("once"), "spec": {"template": {"spec": {"restartPolicy": "Never", "containers": pod_spec["containers"]}}}}),
        json!({"apiVersion": "v1", "kind": "Service", "metadata": meta("web"), "spec": {"selector": labels, "ports": [{"port": 80}]}}),
        json!({"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": meta("deny"), "spec": {"podSelector": {}, "policyTypes": ["Ingress"]}}),
        json!({"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": meta("web"),
            "spec": {"rules": [{"host": "web.example", "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": {"service": {"name": "web", "port": {"number": 80}}}}]}}]}}),
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": meta("canary"), "stringData": {"password": CANARY}}),
    ];
    all.extend((0..CONFIG_MAPS).map(|n| {
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta(&format!("page-{n:02}")), "data": {"key": CANARY}})
    }));
    all
}

fn identity(object: &Value) -> (String, String, Option<String>, String) {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let api_version = text(&object["apiVersion"]);
    let group = api_version
        .split_once('/')
        .map_or(String::new(), |(group, _)| group.to_owned());
    let namespace = object["metadata"]["namespace"]
        .as_str()
        .map(ToOwned::to_owned);
    (
        group,
        text(&object["kind"]),
        namespace,
        text(&object["metadata"]["name"]),
    )
}

/// Creates the objects once; what is there from an earlier run stays.
fn created(server: &Path) -> Result<(), Failed> {
    static DONE: OnceLock<Result<(), String>> = OnceLock::new();
    let done = DONE.get_or_init(|| {
        for object in objects() {
            let (group, kind, namespace, name) = identity(&object);
            let api_version = object["apiVersion"].as_str().unwrap_or_default();
            let root = if group.is_empty() {
                format!("/api/{api_version}")
            } else {
                format!("/apis/{api_version}")
            };
            let plural = match kind.as_str() {
                "NetworkPolicy" => "networkpolicies".to_owned(),
                "Ingress" => "ingresses".to_owned(),
                kind => format!("{}s", kind.to_lowercase()),
            };
            let path = namespace.map_or_else(
                || format!("{root}/{plural}"),
                |n| format!("{root}/namespaces/{n}/{plural}"),
            );
            match send(server, Method::POST, &path, &object) {
                Ok(answer) if answer["code"].is_null() || answer["code"] == json!(409) => {}
                Ok(answer) => return Err(format!("cannot create {kind} {name}: {answer}")),
                Err(error) => return Err(format!("cannot create {kind} {name}: {error:?}")),
            }
        }
        Ok(())
    });
    done.clone().map_err(Failed::from)
}

fn send(server: &Path, method: Method, path: &str, body: &Value) -> Result<Value, Failed> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let file = kube::config::Kubeconfig::read_from(server)?;
        let config =
            kube::Config::from_custom_kubeconfig(file, &kube::config::KubeConfigOptions::default())
                .await?;
        let client = kube::Client::try_from(config)?;
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("Content-Type", "application/json")
            .body(serde_json::to_vec(body)?.into())?;
        let response = client.send(request).await?;
        let bytes = response.into_body().collect_bytes().await?;
        Ok(serde_json::from_slice(&bytes)?)
    })
}

fn base64(text: &str) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(text)
}
