//! Networks and registries that misbehave.

use super::proxy::{Action, Proxy, Request, answer};
use super::{client, layer, layers, options, reference, told, whole};
use image::registry::{Class, Client};
use image::{ImageError, Limits, read};
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use testkit::registry::Registry;

/// A registry with one image of two layers, behind a proxy.
fn behind(
    decide: impl Fn(&Request, usize) -> Action + Send + Sync + 'static,
) -> Option<(Registry, Proxy)> {
    let registry = Registry::start()?;
    registry.image(
        "a",
        Some("1"),
        &[layer(1, 400_000), layer(2, 100)],
        &json!({}),
    );
    let proxy = Proxy::start(&registry.host, decide);
    Some((registry, proxy))
}

fn image(proxy: &Proxy) -> Result<image::Image, image::registry::RegistryError> {
    client(&[&proxy.host]).image(&reference(&format!("{}/a:1", proxy.host)), None)
}

fn is_blob(request: &Request) -> bool {
    request.path.contains("/blobs/")
}

#[test]
fn cut_blobs_are_resumed() {
    // Each connection brings a part; the registry resumes by range.
    let Some((_registry, proxy)) = behind(|request, before| match is_blob(request) && before < 3 {
        true => Action::Cut(100_000),
        false => Action::Pass(None),
    }) else {
        return;
    };
    whole(&image(&proxy).unwrap());
    let ranges: Vec<String> = proxy
        .seen()
        .iter()
        .filter_map(|request| request.header("range").map(Into::into))
        .collect();
    assert_eq!(ranges, ["bytes=100000-", "bytes=200000-", "bytes=300000-"]);
}

#[test]
fn cut_blobs_come_again_where_there_are_no_ranges() {
    let Some(registry) = Registry::start() else {
        return;
    };
    registry.image("a", Some("1"), &[layer(1, 400_000)], &json!({}));
    // A cache that knows no ranges.
    let plain = Proxy::start(&registry.host, |_, _| Action::Pass(None));
    let host = registry.host.clone();
    let proxy = Proxy::start(&plain.host, move |request, before| {
        if !is_blob(request) || request.header("range").is_none() && before == 1 {
            return Action::Pass(None);
        }
        match request.header("range") {
            None => Action::Cut(150_000),
            Some(_) => {
                let mut whole = request.clone();
                whole
                    .headers
                    .retain(|(key, _)| !key.eq_ignore_ascii_case("range"));
                let mut bytes = fetched(&host, &whole);
                let body = bytes
                    .windows(4)
                    .position(|four| four == b"\r\n\r\n")
                    .unwrap()
                    + 4;
                Action::Answer(200, Vec::new(), bytes.split_off(body))
            }
        }
    });
    whole(&image(&proxy).unwrap());
    assert!(
        proxy
            .seen()
            .iter()
            .any(|request| request.header("range").is_some())
    );
}

/// One request, all of its answer.
fn fetched(host: &str, request: &Request) -> Vec<u8> {
    use std::io::{Read as _, Write as _};
    let mut stream = std::net::TcpStream::connect(host).unwrap();
    write!(
        stream,
        "GET {} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n",
        request.path
    )
    .unwrap();
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    bytes
}

#[test]
fn what_is_always_cut_is_given_up() {
    let Some((_registry, proxy)) =
        behind(
            |request, _| match is_blob(request) && request.header("range").is_some() {
                true => Action::Cut(0),
                false if is_blob(request) => Action::Cut(1_000),
                false => Action::Pass(None),
            },
        )
    else {
        return;
    };
    // The configuration is cut too, and has no range.
    let error = image(&proxy).map(|image| layers(&image).unwrap_err().to_string());
    match error {
        Ok(error) => assert!(error.contains("cut layer sha256:"), "{error}"),
        Err(error) => assert_eq!(error.class(), Class::Network, "{}", error.told()),
    }
    assert!(proxy.seen().len() < 20);
}

#[test]
fn a_cut_layer_is_a_gap_of_the_inventory() {
    let Some((_registry, proxy)) = behind(|request, before| {
        match is_blob(request) && (before > 0 || request.header("range").is_some()) {
            true => Action::Cut(0),
            false => Action::Pass(None),
        }
    }) else {
        return;
    };
    let image = image(&proxy).unwrap();
    // The first read of each layer is whole, the second is cut from the start.
    whole(&image);
    let inventory = read(&image, crate::TABLE, &Limits::default(), None).unwrap();
    assert!(!inventory.gaps.is_empty());
}

#[test]
fn rate_limits_are_waited_for() {
    let Some((_registry, proxy)) = behind(|request, before| match before {
        0 => answer(429, &[("retry-after", "1")], ""),
        1 if is_blob(request) => answer(503, &[], ""),
        _ => Action::Pass(None),
    }) else {
        return;
    };
    let start = Instant::now();
    whole(&image(&proxy).unwrap());
    // Manifest, configuration and two layers waited a second each.
    assert!(
        start.elapsed() >= Duration::from_secs(4),
        "{:?}",
        start.elapsed()
    );
}

#[test]
fn rate_limits_are_told() {
    let Some((_registry, proxy)) = behind(|_, _| answer(429, &[("retry-after", "3600")], ""))
    else {
        return;
    };
    let start = Instant::now();
    let error = image(&proxy).unwrap_err();
    assert!(start.elapsed() < Duration::from_secs(3));
    assert_eq!(error.class(), Class::RateLimit);
    let host = &proxy.host;
    assert_eq!(
        error.told(),
        format!(
            "{host} limits how much is fetched, asking for a:1 and asks to wait 3600 seconds: \
             log in with `docker login {host}`, use --registry-mirror {host}=MIRROR, or try later"
        )
    );
    assert_eq!(proxy.seen().len(), 1);
}

#[test]
fn errors_of_servers_end() {
    let body = r#"{"errors":[{"code":"UNKNOWN","message":"the disk is full"}]}"#;
    let Some((_registry, proxy)) = behind(move |_, _| answer(500, &[], body)) else {
        return;
    };
    let error = image(&proxy).unwrap_err();
    assert_eq!(error.class(), Class::Network);
    assert_eq!(
        error.told(),
        format!("500 from {} for a:1: the disk is full", proxy.host)
    );
    assert_eq!(proxy.seen().len(), 3);
}

#[test]
fn silence_is_not_waited_for() {
    let Some((_registry, proxy)) = behind(|_, _| Action::Stall(Duration::from_secs(20))) else {
        return;
    };
    let mut options = options(&[&proxy.host]);
    options.answer = Duration::from_millis(300);
    options.attempts = 2;
    let client = Client::new(&options).unwrap();
    let start = Instant::now();
    let error = client
        .image(&reference(&format!("{}/a:1", proxy.host)), None)
        .unwrap_err();
    assert!(
        start.elapsed() < Duration::from_secs(4),
        "{:?}",
        start.elapsed()
    );
    assert_eq!(error.class(), Class::Network);
}

#[test]
fn forged_content_is_told_from_damage() {
    // A manifest by digest, a manifest by tag whose header tells another digest, a configuration, a layer.
    let Some((registry, proxy)) = behind(|request, _| match request.path.contains("/manifests/") {
        true => Action::Forge,
        false => Action::Pass(None),
    }) else {
        return;
    };
    let error = image(&proxy).unwrap_err();
    assert!(
        error
            .told()
            .starts_with("a:1 should have the digest sha256:"),
        "{}",
        error.told()
    );
    assert_eq!(error.class(), Class::Content);

    let proxy = Proxy::start(&registry.host, |request, _| match is_blob(request) {
        true => Action::Forge,
        false => Action::Pass(None),
    });
    let told = told(image(&proxy));
    assert!(told.contains("should have the digest sha256:"), "{told}");

    let config = image(&Proxy::start(&registry.host, |_, _| Action::Pass(None)))
        .unwrap()
        .identity
        .config;
    let config = config.unwrap();
    let proxy = Proxy::start(&registry.host, move |request, _| {
        match is_blob(request) && !request.path.ends_with(&*config) {
            true => Action::Forge,
            false => Action::Pass(None),
        }
    });
    let image = image(&proxy).unwrap();
    let error = read(&image, crate::TABLE, &Limits::default(), None).unwrap_err();
    assert!(matches!(error, ImageError::Digest { .. }), "{error}");
}

#[test]
fn wrong_lengths_are_refused() {
    let Some((_registry, proxy)) = behind(|request, _| {
        match is_blob(request)
            && !request
                .header("accept")
                .is_some_and(|all| all.contains("json"))
        {
            true => answer(200, &[], "too short"),
            false => Action::Pass(None),
        }
    }) else {
        return;
    };
    // The configuration is the first blob: its digest fails. A layer fails by its length.
    let error = image(&proxy).unwrap_err();
    assert_eq!(error.class(), Class::Content);

    let first = Arc::new(AtomicUsize::new(0));
    let Some((_registry, proxy)) = behind(move |request, _| {
        match is_blob(request) && first.fetch_add(1, Ordering::Relaxed) > 0 {
            true => answer(200, &[], "too short"),
            false => Action::Pass(None),
        }
    }) else {
        return;
    };
    let error = layers(&image(&proxy).unwrap()).unwrap_err().to_string();
    assert!(error.contains("with 9 bytes instead of "), "{error}");
}

#[test]
fn documents_have_a_size() {
    let Some((_registry, proxy)) =
        behind(|_, _| Action::Answer(200, Vec::new(), vec![b' '; (4 << 20) + 1]))
    else {
        return;
    };
    let error = image(&proxy).unwrap_err();
    assert!(
        error.told().contains("more than 4194304 bytes"),
        "{}",
        error.told()
    );
}

#[test]
fn redirects_take_no_credential_along() {
    let Some(registry) = Registry::start() else {
        return;
    };
    registry.image("a", Some("1"), &[layer(1, 50_000)], &json!({}));
    let storage = Proxy::start(&registry.host, |_, _| Action::Pass(None));
    let to = storage.host.clone();
    let proxy = Proxy::start(&registry.host, move |request, _| {
        if request.header("authorization").is_none() {
            return answer(401, &[("www-authenticate", "Basic realm=\"x\"")], "");
        }
        match is_blob(request) {
            true => answer(
                307,
                &[(
                    "location",
                    &format!("http://{to}{}?signed=hunter2", request.path),
                )],
                "",
            ),
            false => Action::Pass(None),
        }
    });
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("auth.json");
    let auths = json!({"auths": {&proxy.host: {"username": "u", "password": "p"},
                                 &storage.host: {"username": "other", "password": "q"}}});
    std::fs::write(&file, auths.to_string()).unwrap();
    let mut options = options(&[&proxy.host]);
    options.auth_file = Some(file);
    let client = Client::new(&options).unwrap();
    let image = client
        .image(&reference(&format!("{}/a:1", proxy.host)), None)
        .unwrap();
    whole(&image);
    assert!(storage.seen().len() >= 2);
    for request in storage.seen() {
        assert_eq!(request.header("authorization"), None, "{}", request.path);
        assert_eq!(request.header("referer"), None);
    }
    assert!(
        proxy
            .seen()
            .iter()
            .any(|request| request.header("authorization") == Some("Basic dTpw"))
    );
}

#[test]
fn redirects_that_are_not_followed() {
    for (to, expected) in [
        (
            "http://169.254.169.254/latest/meta-data",
            "an address of the machine's own",
        ),
        (
            "http://metadata.google.internal/x",
            "an address of the machine's own",
        ),
        ("file:///etc/passwd", "which is not safe"),
        ("ftp://127.0.0.1/x", "which is not safe"),
        ("/v2/a/manifests/1", "with more than 8 redirects"),
    ] {
        let Some((_registry, proxy)) = behind(move |_, _| answer(307, &[("location", to)], ""))
        else {
            return;
        };
        let error = told(image(&proxy));
        assert!(error.contains(expected), "{to}: {error}");
    }
}

#[test]
fn nobody_is_there() {
    let client = client(&["127.0.0.1:1"]);
    let error = client
        .image(&reference("127.0.0.1:1/a:1"), None)
        .unwrap_err();
    assert_eq!(error.class(), Class::Network);
    // It is not waited for again by the next image.
    let start = Instant::now();
    let again = client
        .image(&reference("127.0.0.1:1/a:1"), None)
        .unwrap_err();
    assert!(start.elapsed() < Duration::from_millis(100));
    assert_eq!(again.class(), Class::Network);
    assert!(
        error
            .told()
            .starts_with("cannot fetch a:1 from 127.0.0.1:1: "),
        "{}",
        error.told()
    );
}

#[test]
fn answers_that_are_none() {
    for body in [
        "",
        "[]",
        "null",
        "{",
        "{\"schemaVersion\":1}",
        "<html>",
        "{\"manifests\":[{}]}",
    ] {
        let Some((_registry, proxy)) = behind(move |_, _| answer(200, &[], body)) else {
            return;
        };
        assert_eq!(image(&proxy).unwrap_err().class(), Class::Content, "{body}");
    }
}

#[test]
fn signed_addresses_are_not_told() {
    let Some(registry) = Registry::start() else {
        return;
    };
    registry.image("a", Some("1"), &[layer(1, 50_000)], &json!({}));
    let storage = Proxy::start(&registry.host, |_, _| Action::Cut(10));
    for to in [storage.host.clone(), "127.0.0.1:1".to_owned()] {
        let proxy = Proxy::start(&registry.host, move |request, _| match is_blob(request) {
            true => {
                let to = format!("http://{to}{}?signed=hunter2", request.path);
                answer(307, &[("location", &to)], "")
            }
            false => Action::Pass(None),
        });
        let error = told(image(&proxy));
        assert!(!error.contains("hunter2"), "{error}");
    }
}
