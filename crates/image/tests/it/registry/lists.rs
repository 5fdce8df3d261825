//! What registries hold, and what hangs on their images.

use super::proxy::{Action, Proxy, answer};
use super::{client, layer, options, reference, told};
use image::registry::{Class, Client, How, Listed, Order, Selection, Target};
use model::evidence::{Gap, GapWeight};
use serde_json::{Value, json};
use testkit::registry::Registry;

fn names(listed: &[Listed]) -> Vec<String> {
    let name = |one: &Listed| {
        format!(
            "{}:{}",
            one.reference.repository,
            one.reference.tag.as_deref().unwrap()
        )
    };
    listed.iter().map(name).collect()
}

fn list(host: &str, prefix: &str, selection: &Selection) -> (Vec<String>, Vec<Gap>) {
    let target = Target::parse(&format!("{host}{prefix}")).unwrap();
    let (listing, gaps) = client(&[host]).list(&target, selection).unwrap();
    (names(&listing.images), gaps)
}

fn patterns(all: &[&str]) -> Vec<String> {
    all.iter().map(|one| (*one).to_owned()).collect()
}

#[test]
fn a_catalog_in_pages() {
    let Some(registry) = Registry::start() else {
        return;
    };
    for (repository, tag, created) in [
        ("alpha", "1.9", "2026-01-03T00:00:00Z"),
        ("alpha", "1.10", "2026-01-01T00:00:00Z"),
        ("alpha", "f00d", "2026-01-02T00:00:00Z"),
        ("team/app", "1", "2026-01-01T00:00:00Z"),
        ("team/app", "1-dev", "2026-02-01T00:00:00Z"),
        ("team/web", "2", "2026-01-01T00:00:00Z"),
        ("teams", "3", "2026-01-01T00:00:00Z"),
    ] {
        registry.image(
            repository,
            Some(tag),
            &[layer(1, 10)],
            &json!({"created": created}),
        );
    }
    let signature = format!("sha256-{}.sig", "a".repeat(64));
    registry.image(
        "alpha",
        Some(&signature),
        &[layer(2, 10)],
        &json!({"created": "2026-03-01T00:00:00Z"}),
    );
    // Small pages: the registry links them itself.
    let proxy = Proxy::start(&registry.host, |request, _| {
        Action::Pass(Some(request.path.replace("n=1000", "n=2")))
    });
    let all = Selection::default();
    let (found, gaps) = list(&proxy.host, "", &all);
    let expected = [
        "alpha:f00d",
        "alpha:1.10",
        "alpha:1.9",
        "team/app:1-dev",
        "team/app:1",
        "team/web:2",
        "teams:3",
    ];
    assert_eq!(found, expected);
    assert!(gaps.is_empty());
    assert_eq!(proxy.count("_catalog"), 2);
    assert_eq!(list(&proxy.host, "/team", &all).0, expected[3..6]);
    assert_eq!(list(&proxy.host, "/team/web/", &all).0, ["team/web:2"]);
    let narrow = Selection {
        include: patterns(&["team/*", "alpha:1.*"]),
        exclude: patterns(&["*:*-dev"]),
        newest: Some(1),
    };
    // By when it was built: the numbers of 1.10 are higher.
    assert_eq!(
        list(&proxy.host, "", &narrow).0,
        ["alpha:1.9", "team/app:1", "team/web:2"]
    );
    let target = Target::parse(&proxy.host).unwrap();
    let (listing, _) = client(&[&proxy.host]).list(&target, &narrow).unwrap();
    assert_eq!(listing.images[0].order, Order::Created);
    assert_eq!(
        (listing.repositories, listing.tags, listing.attachments),
        (3, 4, 1)
    );
    let tags = client(&[&proxy.host]).tags(&proxy.host, "alpha").unwrap();
    assert_eq!(tags, ["1.10".into(), "1.9".into(), "f00d".into()]);
}

#[test]
fn without_a_catalog_the_prefix_is_the_repository() {
    let Some(registry) = Registry::start() else {
        return;
    };
    registry.image("team/app", Some("1"), &[layer(1, 10)], &json!({}));
    let proxy = Proxy::start(&registry.host, |request, _| {
        match request.path.contains("_catalog") {
            true => answer(404, &[], ""),
            false => Action::Pass(None),
        }
    });
    assert_eq!(
        list(&proxy.host, "/team/app", &Selection::default()).0,
        ["team/app:1"]
    );
    for target in [proxy.host.clone(), format!("{}/team", proxy.host)] {
        let target = Target::parse(&target).unwrap();
        let error = client(&[&proxy.host])
            .list(&target, &Selection::default())
            .unwrap_err();
        assert_eq!(error.class(), Class::NotFound);
    }
    // Known to have none: nothing is sent.
    let target = Target::parse("ghcr.io").unwrap();
    let told = told(client(&[]).list(&target, &Selection::default()));
    assert!(told.contains("name one as ghcr.io/OWNER/IMAGE"), "{told}");
}

#[test]
fn a_repository_that_cannot_be_listed_is_a_gap() {
    let Some(registry) = Registry::start() else {
        return;
    };
    for repository in ["a", "b", "c"] {
        registry.image(repository, Some("1"), &[layer(1, 10)], &json!({}));
    }
    let proxy = Proxy::start(&registry.host, |request, _| match &*request.path {
        "/v2/a/tags/list" => answer(403, &[], ""),
        "/v2/b/tags/list" => answer(404, &[], ""),
        _ => Action::Pass(None),
    });
    let (found, gaps) = list(&proxy.host, "", &Selection::default());
    assert_eq!(found, ["c:1"]);
    assert_eq!(gaps.len(), 1);
    assert_eq!(&*gaps[0].scope, format!("registry {}/a", proxy.host));
    assert!(gaps[0].close.contains("docker login"));
    assert_eq!(gaps[0].weight, GapWeight::Hides);
}

#[test]
fn pages_end() {
    // A registry whose last page names the first, and one that links to another machine.
    for link in [
        "</v2/_catalog?n=1000>; rel=\"next\"",
        "<http://127.0.0.1:1/v2/_catalog>; rel=next",
    ] {
        let proxy = Proxy::start("127.0.0.1:1", move |request, _| {
            match request.path.contains("_catalog") {
                true => answer(200, &[("link", link)], r#"{"repositories":["a"]}"#),
                false => answer(200, &[], r#"{"tags":["1"]}"#),
            }
        });
        assert_eq!(list(&proxy.host, "", &Selection::default()).0, ["a:1"]);
        assert_eq!(proxy.count("_catalog"), 1);
    }
    let proxy = Proxy::start("127.0.0.1:1", |_, _| {
        answer(200, &[], "{\"repositories\":3}")
    });
    let target = Target::parse(&proxy.host).unwrap();
    let told = told(client(&[&proxy.host]).list(&target, &Selection::default()));
    assert!(told.contains("with no JSON of such a list"), "{told}");
}

/// A Harbor 2 with two projects, one of them private; shapes of its API as its Swagger file has them.
fn harbor() -> Proxy {
    let artifact = |kind: &str, at: &str, tags: &[&str]| {
        let tags: Vec<Value> = tags
            .iter()
            .map(|name| json!({"name": name, "push_time": at}))
            .collect();
        let digest = format!("sha256:{}", "0".repeat(64));
        json!({"type": kind, "digest": digest, "push_time": at, "tags": tags})
    };
    Proxy::start("127.0.0.1:1", move |request, _| {
        let known = request.header("authorization") == Some("Basic cm9ib3Qkc2NhbjpzZWNyZXQ=");
        let (path, _) = request.path.split_once('?').unwrap_or((&request.path, ""));
        let body = match path {
            "/v2/" => {
                let challenge =
                    "Bearer realm=\"http://127.0.0.1:1/service/token\",service=\"harbor-registry\"";
                return answer(401, &[("www-authenticate", challenge)], "");
            }
            "/api/v2.0/projects" if known => json!([{"name": "library"}, {"name": "team"}]),
            "/api/v2.0/projects" => json!([{"name": "library"}]),
            "/api/v2.0/projects/library/repositories" => json!([{"name": "library/base"}]),
            "/api/v2.0/projects/team/repositories" if known => {
                json!([{"name": "team/a/b"}, {"name": "team/chart"}])
            }
            "/api/v2.0/projects/library/repositories/base/artifacts" => json!([
                artifact("IMAGE", "2026-01-02T00:00:00.000Z", &["new", "latest"]),
                artifact("IMAGE", "2026-01-01T00:00:00.000Z", &["old"]),
                artifact("IMAGE", "2025-01-01T00:00:00.000Z", &[]),
            ]),
            "/api/v2.0/projects/team/repositories/a%252Fb/artifacts" if known => {
                json!([artifact("IMAGE", "2026-01-01T00:00:00Z", &["1"])])
            }
            "/api/v2.0/projects/team/repositories/chart/artifacts" if known => {
                json!([artifact("CHART", "2026-01-01T00:00:00Z", &["1"])])
            }
            _ => {
                return answer(
                    401,
                    &[],
                    r#"{"errors":[{"code":"UNAUTHORIZED","message":"unauthorized"}]}"#,
                );
            }
        };
        answer(200, &[], &body.to_string())
    })
}

#[test]
fn harbor_by_its_api() {
    let proxy = harbor();
    let two = Selection {
        newest: Some(2),
        ..Selection::default()
    };
    let (found, gaps) = list(&proxy.host, "", &two);
    assert_eq!(found, ["library/base:new", "library/base:latest"]);
    assert!(gaps.is_empty());
    let target = Target::parse(&format!("{}/team", proxy.host)).unwrap();
    let error = client(&[&proxy.host]).list(&target, &two).unwrap_err();
    assert_eq!(error.class(), Class::Auth);
    assert!(
        error.told().contains("a robot account needs the rights"),
        "{}",
        error.told()
    );

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("auth.json");
    let auths = json!({"auths": {&proxy.host: {"username": "robot$scan", "password": "secret"}}});
    std::fs::write(&file, auths.to_string()).unwrap();
    let mut options = options(&[&proxy.host]);
    options.auth_file = Some(file);
    let robot = Client::new(&options).unwrap();
    let (listing, _) = robot
        .list(&Target::parse(&proxy.host).unwrap(), &two)
        .unwrap();
    let listed = listing.images;
    assert_eq!(
        names(&listed),
        ["library/base:new", "library/base:latest", "team/a/b:1"]
    );
    assert_eq!(listed[0].order, Order::Pushed);
    assert!(listed[0].reference.digest.is_some() && listed[0].at.is_some());
    let below = Target::parse(&format!("{}/team/a", proxy.host)).unwrap();
    assert_eq!(
        names(&robot.list(&below, &two).unwrap().0.images),
        ["team/a/b:1"]
    );
}

#[test]
fn what_hangs_on_an_image() {
    let Some(registry) = Registry::start() else {
        return;
    };
    let subject = registry.image("a", None, &[layer(1, 10)], &json!({}));
    let document = br#"{"@context":"https://openvex.dev/ns/v0.2.0"}"#;
    let blob = registry.blob("a", document);
    let manifest = |kind: &str, layer: &str| {
        json!({
            "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "artifactType": kind,
            "config": {"mediaType": "application/vnd.oci.empty.v1+json", "size": document.len(), "digest": blob},
            "layers": [{"mediaType": layer, "size": document.len(), "digest": blob,
                        "annotations": {"dev.cosignproject.cosign/signature": "MEUC"}}],
        })
    };
    let vex = registry.manifest(
        "a",
        None,
        &manifest("application/openvex+json", "application/openvex+json"),
    );
    let buildkit = registry.manifest("a", None, &manifest("", "application/vnd.in-toto+json"));
    let tag = subject.replace(':', "-");
    let index = |entries: Value| json!({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": entries});
    let entry = |digest: &str, more: Value| {
        let mut entry = json!({"mediaType": "application/vnd.oci.image.manifest.v1+json", "size": 1, "digest": digest});
        for (key, value) in more.as_object().unwrap() {
            entry[key] = value.clone();
        }
        entry
    };
    let signature = registry.manifest(
        "a",
        Some(&format!("{tag}.sig")),
        &manifest("", "application/vnd.dev.cosign.simplesigning.v1+json"),
    );
    let top = registry.manifest("a", Some("1"), &index(json!([
        entry(&subject, json!({"platform": {"os": "linux", "architecture": "amd64"}})),
        entry(&buildkit, json!({"platform": {"os": "unknown", "architecture": "unknown"}, "annotations": {
            "vnd.docker.reference.type": "attestation-manifest", "vnd.docker.reference.digest": subject}})),
    ])));
    registry.manifest(
        "a",
        Some(&tag),
        &index(json!([entry(
            &vex,
            json!({"artifactType": "application/openvex+json"})
        )])),
    );

    // Before 1.1 a registry has only the tag of the fallback; later ones answer themselves.
    let api = {
        let subject = subject.clone();
        let body = index(json!([entry(
            &vex,
            json!({"artifactType": "application/openvex+json"})
        )]))
        .to_string();
        Proxy::start(&registry.host, move |request, _| {
            match request.path.contains("/referrers/") {
                true if request.path.ends_with(&subject) => answer(200, &[], &body),
                true => answer(
                    200,
                    &[],
                    &json!({"schemaVersion": 2, "manifests": []}).to_string(),
                ),
                false => Action::Pass(None),
            }
        })
    };
    for (host, how) in [(&registry.host, How::Tag), (&api.host, How::Referrers)] {
        let client = client(&[host]);
        let name = reference(&format!("{host}/a:1"));
        let image = client
            .image(&name, image::Platform::parse("amd64").as_ref())
            .unwrap();
        assert_eq!(&*image.identity.indexes[0], top);
        let attached = client.attached(&name, &image.identity).unwrap();
        let found: Vec<_> = attached
            .iter()
            .map(|one| (&*one.digest, &*one.artifact_type, one.how))
            .collect();
        assert_eq!(
            found,
            [
                (&*vex, "application/openvex+json", how),
                (
                    &*signature,
                    "application/vnd.dev.cosign.simplesigning.v1+json",
                    How::Tag
                ),
                (&*buildkit, "application/vnd.in-toto+json", How::Index),
            ]
        );
        assert!(attached.iter().all(|one| *one.subject == *subject));
        let documents = client.attachments(&name, &attached[0], 1 << 20).unwrap();
        assert_eq!(documents[0].bytes, document);
        assert!(
            documents[0]
                .annotations
                .contains_key("dev.cosignproject.cosign/signature")
        );
        assert!(told(client.attachments(&name, &attached[0], 10)).contains("more than 10 bytes"));
    }
}
