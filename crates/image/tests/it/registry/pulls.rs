//! Images as they are pulled.

use super::proxy::{Action, Proxy, answer};
use super::{client, layer, options, reference, told, whole};
use crate::tarball::Tarball;
use crate::{TABLE, registry::layers};
use image::registry::{Class, Client, Mirror};
use image::{Limits, Platform, read};
use model::image::is_digest;
use serde_json::{Value, json};
use testkit::registry::Registry;

fn index(registry: &Registry, repository: &str, tag: &str, manifests: &[Value]) -> String {
    let index = json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": manifests,
    });
    registry.manifest(repository, Some(tag), &index)
}

fn entry(digest: &str, platform: &Value) -> Value {
    let kind = "application/vnd.oci.image.manifest.v1+json";
    json!({"mediaType": kind, "size": 1, "digest": digest, "platform": platform})
}

#[test]
fn an_image_is_read_as_from_an_archive() {
    let Some(registry) = Registry::start() else {
        return;
    };
    let below = Tarball::new()
        .file("var/db", "libc 1\nssl 2\n")
        .file("gone.list", "/x\n")
        .end();
    let above = Tarball::new()
        .file("var/db", "libc 1\nssl 3\n")
        .whiteout("gone.list")
        .end();
    let pushed = registry.image("team/app", Some("1.0"), &[below, above], &json!({}));
    let client = client(&[&registry.host]);
    let name = format!("{}/team/app:1.0", registry.host);
    let image = client.image(&reference(&name), None).unwrap();
    assert_eq!(&*image.name, name);
    assert_eq!(image.identity.manifests, [pushed.clone().into()]);
    assert!(image.identity.indexes.is_empty());
    assert_eq!(image.identity.platform.as_deref(), Some("linux/amd64"));
    let own = &image.identity.references[0];
    assert_eq!(
        (own.tag.as_deref(), own.digest.as_deref()),
        (Some("1.0"), Some(&*pushed))
    );
    whole(&image);
    let inventory = read(&image, TABLE, &Limits::default(), None).unwrap();
    let found: Vec<String> = inventory
        .components
        .iter()
        .map(|one| format!("{} {}", one.name, one.version))
        .collect();
    assert_eq!(found, ["libc 1", "ssl 3"]);
    assert!(inventory.gaps.is_empty(), "{:?}", inventory.gaps);

    let by_digest = format!("{}/team/app@{pushed}", registry.host);
    let image = client.image(&reference(&by_digest), None).unwrap();
    assert_eq!(image.identity.references[0].tag, None);
    let both = format!("{}/team/app:other@{pushed}", registry.host);
    assert!(client.image(&reference(&both), None).is_ok());
    let error = client
        .image(&reference(&format!("{}/team/app:2.0", registry.host)), None)
        .unwrap_err();
    assert_eq!(error.class(), Class::NotFound);
    let expected = format!(
        "{} has no team/app:2.0, or shows it only after a login",
        registry.host
    );
    assert_eq!(error.told(), expected);
}

#[test]
fn platforms_of_an_index() {
    let Some(registry) = Registry::start() else {
        return;
    };
    let push = |architecture: &str, seed| {
        registry.image(
            "a",
            None,
            &[layer(seed, 10)],
            &json!({"architecture": architecture}),
        )
    };
    let (amd, arm) = (push("amd64", 1), push("arm64", 2));
    let attestation = json!({
        "mediaType": "application/vnd.oci.image.manifest.v1+json", "size": 1, "digest": amd,
        "platform": {"os": "unknown", "architecture": "unknown"},
        "annotations": {"vnd.docker.reference.type": "attestation-manifest",
                        "vnd.docker.reference.digest": arm},
    });
    let top = index(
        &registry,
        "a",
        "1",
        &[
            entry(&amd, &json!({"os": "linux", "architecture": "amd64"})),
            entry(
                &arm,
                &json!({"os": "linux", "architecture": "arm64", "variant": "v8"}),
            ),
            attestation,
        ],
    );
    let client = client(&[&registry.host]);
    let name = reference(&format!("{}/a:1", registry.host));
    for (platform, expected) in [("linux/amd64", &amd), ("arm64", &arm)] {
        let image = client
            .image(&name, Platform::parse(platform).as_ref())
            .unwrap();
        assert_eq!(&*image.identity.manifests[0], expected, "{platform}");
        assert_eq!(&*image.identity.indexes[0], top);
        // What runs is the platform's manifest, whatever the index was called.
        assert_eq!(
            image.identity.references[0].digest.as_deref(),
            Some(&**expected)
        );
    }
    let error = client
        .image(&name, Platform::parse("s390x").as_ref())
        .unwrap_err();
    assert!(
        error
            .told()
            .ends_with("has no image for linux/s390x, only for linux/amd64, linux/arm64/v8")
            || error.told().ends_with("only for linux/amd64, linux/arm64"),
        "{}",
        error.told()
    );
    assert_eq!(error.class(), Class::Content);
    // An image that is none of an index has a platform too.
    let alone = reference(&format!("{}/a@{arm}", registry.host));
    assert!(
        client
            .image(&alone, Platform::parse("amd64").as_ref())
            .is_err()
    );
    assert!(client.image(&alone, None).is_ok());
}

#[test]
fn what_is_no_image() {
    let Some(registry) = Registry::start() else {
        return;
    };
    let blob = registry.blob("a", b"{}");
    let push = |tag: &str, config: &str, layer: &str| {
        let manifest = json!({
            "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": {"mediaType": config, "size": 2, "digest": blob},
            "layers": [{"mediaType": layer, "size": 2, "digest": blob}],
        });
        registry.manifest("a", Some(tag), &manifest);
    };
    let image_config = "application/vnd.oci.image.config.v1+json";
    push(
        "chart",
        "application/vnd.cncf.helm.config.v1+json",
        "application/vnd.cncf.helm.chart.content.v1.tar+gzip",
    );
    push(
        "sig",
        image_config,
        "application/vnd.dev.cosign.simplesigning.v1+json",
    );
    push("att", image_config, "application/vnd.in-toto+json");
    push(
        "wasm",
        "application/vnd.wasm.config.v0+json",
        "application/wasm",
    );
    push(
        "model",
        "application/vnd.example.model.v1+json",
        "application/octet-stream",
    );
    let client = client(&[&registry.host]);
    for (tag, kind) in [
        ("chart", "a Helm chart"),
        ("sig", "a signature"),
        ("att", "an attestation"),
        ("wasm", "a WebAssembly module"),
        (
            "model",
            "an artifact (application/vnd.example.model.v1+json)",
        ),
    ] {
        let error = client
            .image(&reference(&format!("{}/a:{tag}", registry.host)), None)
            .unwrap_err();
        assert_eq!(error.class(), Class::Artifact, "{tag}");
        assert_eq!(
            error.told(),
            format!("{}/a:{tag} is no image but {kind}", registry.host)
        );
    }
}

#[test]
fn a_tag_is_resolved_once() {
    let Some(registry) = Registry::start() else {
        return;
    };
    let first = registry.image("a", Some("1"), &[layer(1, 5_000)], &json!({}));
    let proxy = Proxy::start(&registry.host, |_, _| Action::Pass(None));
    let image = client(&[&proxy.host])
        .image(&reference(&format!("{}/a:1", proxy.host)), None)
        .unwrap();
    // The tag moves on while the image is read.
    registry.image("a", Some("1"), &[layer(2, 5_000)], &json!({}));
    whole(&image);
    assert_eq!(&*image.identity.manifests[0], first);
    assert_eq!(proxy.count("/manifests/1"), 1);
    let items = proxy.seen();
    let rest = items
        .iter()
        .filter_map(|request| request.path.rsplit('/').next())
        .skip(1);
    assert!(rest.into_iter().all(is_digest));
}

#[test]
fn mirrors() {
    let Some(registry) = Registry::start() else {
        return;
    };
    let Some(other) = Registry::start() else {
        return;
    };
    let own = [layer(1, 9_000), layer(2, 9_000)];
    let pushed = registry.image("team/app", Some("1"), &own, &json!({}));
    other.image("cache/team/app", Some("1"), &own, &json!({}));
    let mirror = |at: &str, to: &Proxy| {
        let mut options = options(&[&to.host]);
        options.mirrors = vec![Mirror::parse(&format!("{}={at}", to.host)).unwrap()];
        Client::new(&options).unwrap()
    };
    let name = |to: &Proxy| reference(&format!("{}/team/app:1", to.host));

    let source = Proxy::start(&registry.host, |_, _| Action::Pass(None));
    let image =
        mirror(&format!("http://{}/cache", other.host), &source).image(&name(&source), None);
    whole(&image.unwrap());
    assert_eq!(source.seen().len(), 0, "the mirror has all of it");

    // A mirror that has nothing, one that is not there, and one that lies.
    let empty = Proxy::start(&other.host, |_, _| answer(404, &[], ""));
    let lying = Proxy::start(&registry.host, |_, _| Action::Forge);
    for at in [&*empty.host, "127.0.0.1:1", &lying.host] {
        let client = mirror(&format!("http://{at}"), &source);
        let by_digest = reference(&format!("{}/team/app@{pushed}", source.host));
        whole(&client.image(&by_digest, None).unwrap());
    }

    // The manifest, but not the second layer.
    let image = mirror(&format!("http://{}/cache", other.host), &source)
        .image(&name(&source), None)
        .unwrap();
    let second = image.layers[1].digest.clone().unwrap();
    let partial = Proxy::start(&other.host, move |request, _| {
        match request.path.ends_with(&*second) {
            true => answer(404, &[], ""),
            false => Action::Pass(None),
        }
    });
    let image = mirror(&format!("http://{}/cache", partial.host), &source)
        .image(&name(&source), None)
        .unwrap();
    let before = source.seen().len();
    whole(&image);
    assert_eq!(source.seen().len() - before, 1);

    // Neither helps.
    let client = mirror(&format!("http://{}", empty.host), &source);
    let error = client
        .image(&reference(&format!("{}/none:1", source.host)), None)
        .unwrap_err();
    assert_eq!(error.class(), Class::NotFound);
    assert!(
        error.told().starts_with("no mirror helped ("),
        "{}",
        error.told()
    );
}

#[test]
fn names_that_are_none_are_not_sent() {
    let client = client(&[]);
    let mut bad = reference("reg.example/a:1");
    bad.repository = "../secret".into();
    assert!(told(client.image(&bad, None)).contains("breaks the rules for names"));
    bad.repository = "a".into();
    bad.tag = Some("../x".into());
    assert!(told(client.image(&bad, None)).contains("neither a tag nor a digest"));
}

#[test]
fn layers_are_read_at_once_by_many() {
    let Some(registry) = Registry::start() else {
        return;
    };
    let all: Vec<Vec<u8>> = (0..8).map(|seed| layer(seed, 300_000)).collect();
    registry.image("a", Some("1"), &all, &json!({}));
    let image = client(&[&registry.host])
        .image(&reference(&format!("{}/a:1", registry.host)), None)
        .unwrap();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| whole(&image));
        }
    });
    assert_eq!(layers(&image).unwrap().len(), 8);
}
