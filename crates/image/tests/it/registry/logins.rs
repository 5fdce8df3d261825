//! Getting in: passwords, tokens, helpers, secrets, and authorities.

use super::proxy::{Action, Proxy, Request, answer};
use super::{client, layer, options, reference, told, whole};
use image::registry::{Class, Client, Options};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use testkit::registry::Registry;

/// The password `secret` of `user`, by bcrypt of the least cost.
const HTPASSWD: &str = "user:$2b$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW\n";

/// A registry with an image, and the same one behind a password.
fn with_password() -> Option<(Registry, Registry)> {
    let open = Registry::start()?;
    open.image("team/app", Some("1"), &[layer(1, 20_000)], &json!({}));
    let file = open.folder().join("htpasswd");
    std::fs::write(&file, HTPASSWD).unwrap();
    let auth = format!("htpasswd:\n  realm: test\n  path: {}\n", file.display());
    let closed = open.also("", &auth);
    Some((open, closed))
}

fn with_auth(host: &str, folder: &Path, document: &Value) -> Options {
    let file = folder.join("auth.json");
    std::fs::write(&file, document.to_string()).unwrap();
    let mut options = options(&[host]);
    options.auth_file = Some(file);
    options
}

#[test]
fn passwords() {
    let Some((_open, closed)) = with_password() else {
        return;
    };
    let host = &closed.host;
    let name = reference(&format!("{host}/team/app:1"));
    let folder = tempfile::tempdir().unwrap();
    let get = |document: &Value| {
        let client = Client::new(&with_auth(host, folder.path(), document)).unwrap();
        client.image(&name, None).inspect(whole)
    };
    let entry = |password: &str| json!({"username": "user", "password": password});
    assert!(get(&json!({"auths": {host: entry("secret")}})).is_ok());
    assert!(
        get(&json!({"auths": {format!("https://{host}/v1/"): {"auth": "dXNlcjpzZWNyZXQ="}}}))
            .is_ok()
    );
    // The closer one first, and the next one where it is refused.
    let both = json!({"auths": {host: entry("secret"), format!("{host}/team"): entry("old")}});
    assert!(get(&both).is_ok());
    let error = get(&json!({"auths": {host: entry("wrong")}})).unwrap_err();
    assert_eq!(error.class(), Class::Auth);
    let file = folder.path().join("auth.json");
    assert_eq!(
        error.told(),
        format!(
            "401 from {host} for team/app:1 (tried {}: 401): log in with `docker login {host}`, or --registry-auth FILE",
            file.display()
        )
    );
    // Another's password is not tried.
    let other = json!({"auths": {"other.example": entry("secret"), format!("{host}/other"): entry("secret")}});
    let error = get(&other).unwrap_err();
    assert_eq!(error.class(), Class::Auth);
    let plain = format!(
        "401 from {host} for team/app:1: log in with `docker login {host}`, or --registry-auth FILE"
    );
    assert_eq!(error.told(), plain);
    assert_eq!(
        error.close(),
        format!("log in with `docker login {host}`, or --registry-auth FILE")
    );
}

#[test]
fn files_where_tools_keep_them() {
    let Some((_open, closed)) = with_password() else {
        return;
    };
    let name = reference(&format!("{}/team/app:1", closed.host));
    let document =
        json!({"auths": {&closed.host: {"username": "user", "password": "secret"}}}).to_string();
    let check = |place: &str, set: &dyn Fn(&mut Options, &Path), expected: bool| {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(place);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, &document).unwrap();
        let mut options = options(&[&closed.host]);
        set(&mut options, folder.path());
        let client = Client::new(&options).unwrap();
        assert_eq!(client.image(&name, None).is_ok(), expected, "{place}");
    };
    let home =
        |options: &mut Options, folder: &Path| options.environment.home = Some(folder.into());
    check(".docker/config.json", &home, true);
    check(".config/containers/auth.json", &home, true);
    check(
        "config.json",
        &|o, f| o.environment.docker_config = Some(f.into()),
        true,
    );
    check(
        "containers/auth.json",
        &|o, f| o.environment.xdg_runtime_dir = Some(f.into()),
        true,
    );
    check(
        "containers/auth.json",
        &|o, f| o.environment.xdg_config_home = Some(f.into()),
        false,
    );
    check(
        "x.json",
        &|o, f| o.environment.registry_auth_file = Some(f.join("x.json")),
        true,
    );
    // One that was named is the only one.
    check(
        ".docker/config.json",
        &|o, f| {
            o.environment.home = Some(f.into());
            o.environment.registry_auth_file = Some(f.join("none.json"));
        },
        false,
    );
    let mut missing = options(&[&closed.host]);
    missing.auth_file = Some(PathBuf::from("/nowhere/auth.json"));
    assert!(told(Client::new(&missing)).contains("it is not there"));
    let broken = tempfile::tempdir().unwrap();
    std::fs::create_dir(broken.path().join(".docker")).unwrap();
    std::fs::write(broken.path().join(".docker/config.json"), "hunter2{").unwrap();
    let mut options = options(&[&closed.host]);
    options.environment.home = Some(broken.path().into());
    let told = told(Client::new(&options).unwrap().image(&name, None));
    assert!(
        told.contains(".docker/config.json: it is no such JSON (line 1, column 1)"),
        "{told}"
    );
}

#[test]
fn secrets_of_pods() {
    let Some((_open, closed)) = with_password() else {
        return;
    };
    let name = reference(&format!("{}/team/app:1", closed.host));
    let client = client(&[&closed.host]);
    assert!(client.image(&name, None).is_err());
    let secret = json!({"auths": {&closed.host: {"auth": "dXNlcjpzZWNyZXQ="}}}).to_string();
    let old = json!({"auths": {&closed.host: {"auth": "dXNlcjpvbGQ="}}}).to_string();
    let with = client.with_secrets(&[
        ("shop/old".into(), old.clone().into_bytes()),
        ("shop/pull".into(), secret.into_bytes()),
    ]);
    assert!(with.image(&name, None).is_ok());
    let told = told(
        client
            .with_secrets(&[("shop/old".into(), old.into_bytes())])
            .image(&name, None),
    );
    assert!(
        told.contains("(tried secret shop/old: 401;")
            || told.contains("(tried secret shop/old: 401)"),
        "{told}"
    );
}

#[test]
fn helpers() {
    use std::os::unix::fs::PermissionsExt as _;
    let Some((_open, closed)) = with_password() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let calls = folder.path().join("calls");
    let program = folder.path().join("docker-credential-test");
    let script = format!(
        "#!/bin/sh\nread server\necho \"$1 $server\" >> {}\necho '{{\"Username\":\"user\",\"Secret\":\"secret\"}}'\n",
        calls.display()
    );
    std::fs::write(&program, script).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    let name = reference(&format!("{}/team/app:1", closed.host));
    for document in [
        json!({"credHelpers": {&closed.host: "test"}}),
        json!({"auths": {}, "credsStore": "test"}),
    ] {
        let _ = std::fs::remove_file(&calls);
        let mut options = with_auth(&closed.host, folder.path(), &document);
        options.environment.path =
            Some(format!("/nowhere:{}:/usr/bin:/bin", folder.path().display()).into());
        let client = Client::new(&options).unwrap();
        whole(&client.image(&name, None).unwrap());
        whole(&client.image(&name, None).unwrap());
        // Asked once, however much is fetched.
        assert_eq!(
            std::fs::read_to_string(&calls).unwrap(),
            format!("get {}\n", closed.host)
        );
    }
    let document = json!({"credHelpers": {&closed.host: "absent"}});
    let told = told(
        Client::new(&with_auth(&closed.host, folder.path(), &document))
            .unwrap()
            .image(&name, None),
    );
    assert!(
        told.contains("docker-credential-absent: it is not on the PATH"),
        "{told}"
    );
}

// ---- Tokens

/// Keys, a certificate, and a token made of claims; `None` without `openssl`.
struct Signer {
    folder: PathBuf,
}

impl Signer {
    fn new(folder: &Path) -> Option<Self> {
        let signer = Signer {
            folder: folder.to_owned(),
        };
        let made = signer.openssl(
            &[
                "req",
                "-x509",
                "-newkey",
                "rsa:2048",
                "-nodes",
                "-days",
                "2",
                "-subj",
                "/CN=127.0.0.1",
                "-addext",
                "subjectAltName=IP:127.0.0.1",
                "-keyout",
                "key.pem",
                "-out",
                "cert.pem",
            ],
            b"",
        );
        let made = made.is_some();
        assert!(
            made || !testkit::required("registry"),
            "openssl makes no certificate"
        );
        if !made {
            eprintln!("skipped: openssl is absent");
        }
        made.then_some(signer)
    }

    fn openssl(&self, arguments: &[&str], input: &[u8]) -> Option<Vec<u8>> {
        use std::io::Write as _;
        let mut child = Command::new("openssl")
            .args(arguments)
            .current_dir(&self.folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        child.stdin.take()?.write_all(input).ok()?;
        let output = child.wait_with_output().ok()?;
        output.status.success().then_some(output.stdout)
    }

    /// A JSON Web Token as docker-registry wants it, for some access.
    fn token(&self, access: &Value) -> String {
        let certificate = std::fs::read_to_string(self.folder.join("cert.pem")).unwrap();
        let certificate: String = certificate
            .lines()
            .filter(|line| !line.starts_with("---"))
            .collect();
        let header = json!({"alg": "RS256", "typ": "JWT", "x5c": [certificate]});
        let now = jiff::Timestamp::now().as_second();
        let claims = json!({"iss": "test", "sub": "user", "aud": "registry.test", "exp": now + 300,
                            "nbf": now - 60, "iat": now - 60, "jti": "1", "access": access});
        let signed = format!(
            "{}.{}",
            base64url(header.to_string().as_bytes()),
            base64url(claims.to_string().as_bytes())
        );
        let signature = self
            .openssl(&["dgst", "-sha256", "-sign", "key.pem"], signed.as_bytes())
            .unwrap();
        format!("{signed}.{}", base64url(&signature))
    }
}

fn base64url(bytes: &[u8]) -> String {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let bits = three
            .iter()
            .fold(0u32, |bits, byte| bits << 8 | u32::from(*byte))
            << (8 * (3 - three.len()));
        for at in 0..=three.len() {
            text.push(char::from(LETTERS[(bits >> (18 - 6 * at) & 63) as usize]));
        }
    }
    text
}

fn query(request: &Request, name: &str) -> Vec<String> {
    let query = match request.method.as_str() {
        "POST" => request.body.clone(),
        _ => request
            .path
            .split_once('?')
            .map_or(String::new(), |(_, query)| query.to_owned()),
    };
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs
        .filter(|(key, _)| *key == name)
        .map(|(_, value)| {
            value
                .replace("%3A", ":")
                .replace("%2F", "/")
                .replace("%2C", ",")
        })
        .collect()
}

/// A token service and a registry that believes it. `user:secret` and the refresh token `again` may pull `team/*`.
fn with_tokens() -> Option<(Registry, Registry, Proxy)> {
    let open = Registry::start()?;
    open.image("team/app", Some("1"), &[layer(1, 20_000)], &json!({}));
    open.image("free/app", Some("1"), &[layer(2, 20_000)], &json!({}));
    let signer = Signer::new(open.folder())?;
    let service = Proxy::start("127.0.0.1:1", move |request, _| {
        let known = request.header("authorization") == Some("Basic dXNlcjpzZWNyZXQ=")
            || query(request, "refresh_token") == ["again"];
        let tried = request.header("authorization").is_some() || request.method == "POST";
        if tried && !known {
            return answer(401, &[], r#"{"details":"incorrect username or password"}"#);
        }
        let scopes = query(request, "scope");
        let access: Vec<Value> = scopes
            .iter()
            .filter_map(|scope| {
                let (kind, rest) = scope.split_once(':')?;
                let (name, actions) = rest.rsplit_once(':')?;
                let actions: Vec<&str> = actions.split(',').collect();
                (known || name.starts_with("free/"))
                    .then(|| json!({"type": kind, "name": name, "actions": actions}))
            })
            .collect();
        let token = signer.token(&json!(access));
        answer(
            200,
            &[],
            &json!({"token": token, "expires_in": 300}).to_string(),
        )
    });
    let auth = format!(
        "token:\n  realm: http://{}/token\n  service: registry.test\n  issuer: test\n  rootcertbundle: {}\n",
        service.host,
        open.folder().join("cert.pem").display()
    );
    let closed = open.also("", &auth);
    Some((open, closed, service))
}

#[test]
fn tokens() {
    let Some((_open, closed, service)) = with_tokens() else {
        return;
    };
    let host = &closed.host;
    let free = reference(&format!("{host}/free/app:1"));
    let team = reference(&format!("{host}/team/app:1"));
    let anonymous = client(&[host]);
    whole(&anonymous.image(&free, None).unwrap());
    assert_eq!(
        service.seen().len(),
        1,
        "one token for manifest, configuration and layers"
    );
    assert_eq!(
        query(&service.seen()[0], "scope"),
        ["repository:free/app:pull"]
    );
    assert_eq!(query(&service.seen()[0], "service"), ["registry.test"]);
    let error = anonymous.image(&team, None).unwrap_err();
    assert_eq!(error.class(), Class::Auth);
    let expected = format!(
        "401 from {host} for team/app:1: log in with `docker login {host}`, or --registry-auth FILE"
    );
    assert_eq!(error.told(), expected);

    let folder = tempfile::tempdir().unwrap();
    let with = |entry: &Value| {
        Client::new(&with_auth(
            host,
            folder.path(),
            &json!({"auths": {host: entry}}),
        ))
        .unwrap()
    };
    let user = json!({"username": "user", "password": "secret"});
    whole(&with(&user).image(&team, None).unwrap());
    whole(
        &with(&json!({"identitytoken": "again"}))
            .image(&team, None)
            .unwrap(),
    );
    let last = service.seen().pop().unwrap();
    assert_eq!(
        (&*last.method, query(&last, "grant_type")),
        ("POST", vec!["refresh_token".to_owned()])
    );
    assert_eq!(last.header("authorization"), None);

    // A stale login does not hide what everybody may see.
    let stale = with(&json!({"username": "user", "password": "old"}));
    whole(&stale.image(&free, None).unwrap());
    let told = told(stale.image(&team, None));
    assert!(
        told.contains(
            ": 401 from 127.0.0.1, incorrect username or password; without a login: 401)"
        ),
        "{told}"
    );
    assert!(!told.contains("old"), "{told}");
}

#[test]
fn tokens_end() {
    let Some(registry) = Registry::start() else {
        return;
    };
    registry.image("a", Some("1"), &[layer(1, 20_000)], &json!({}));
    let service = Proxy::start("127.0.0.1:1", |_, before| {
        answer(
            200,
            &[],
            &json!({"access_token": format!("t{before}")}).to_string(),
        )
    });
    let realm = format!("Bearer realm=\"http://{}/token\"", service.host);
    // Each token is good for three requests.
    let used = std::sync::Mutex::new(std::collections::BTreeMap::<String, usize>::new());
    let proxy = Proxy::start(&registry.host, move |request, _| {
        let mut used = used.lock().unwrap();
        let token = request
            .header("authorization")
            .unwrap_or_default()
            .to_owned();
        let count = used.entry(token.clone()).or_default();
        *count += 1;
        match token.is_empty() || *count > 3 {
            true => answer(401, &[("www-authenticate", &realm)], ""),
            false => Action::Pass(None),
        }
    });
    let client = client(&[&proxy.host]);
    for _ in 0..3 {
        whole(
            &client
                .image(&reference(&format!("{}/a:1", proxy.host)), None)
                .unwrap(),
        );
    }
    assert_eq!(service.seen().len(), 3);
}

#[test]
fn login_services_that_are_not_asked() {
    for (realm, expected) in [
        (
            "http://169.254.169.254/token",
            "with a login service at an address of the machine's own",
        ),
        ("file:///etc/passwd", "with a login service without TLS"),
        ("nowhere", "with a login service that is no URL"),
    ] {
        let header = format!("Bearer realm=\"{realm}\"");
        let proxy = Proxy::start("127.0.0.1:1", move |_, _| {
            answer(401, &[("www-authenticate", &header)], "")
        });
        let told =
            told(client(&[&proxy.host]).image(&reference(&format!("{}/a:1", proxy.host)), None));
        assert!(told.contains(expected), "{realm}: {told}");
    }
}

#[test]
fn own_authorities_and_plain_http() {
    let Some(open) = Registry::start() else {
        return;
    };
    open.image("a", Some("1"), &[layer(1, 200_000)], &json!({}));
    let Some(signer) = Signer::new(open.folder()) else {
        return;
    };
    let path = |name: &str| open.folder().join(name);
    std::fs::write(
        path("leaf.ext"),
        "subjectAltName=IP:127.0.0.1\nbasicConstraints=CA:FALSE\n",
    )
    .unwrap();
    let request = [
        "req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=leaf", "-keyout", "leaf.key", "-out",
        "leaf.csr",
    ];
    signer.openssl(&request, b"").unwrap();
    let sign = [
        "x509",
        "-req",
        "-in",
        "leaf.csr",
        "-CA",
        "cert.pem",
        "-CAkey",
        "key.pem",
        "-set_serial",
        "2",
        "-days",
        "2",
        "-extfile",
        "leaf.ext",
        "-out",
        "leaf.pem",
    ];
    signer.openssl(&sign, b"").unwrap();
    let with = |certificate: &str, key: &str| {
        let (certificate, key) = (path(certificate), path(key));
        let http = format!(
            "tls:\n  certificate: {}\n  key: {}\n",
            certificate.display(),
            key.display()
        );
        open.also(&http, "")
    };
    let closed = with("leaf.pem", "leaf.key");
    let name = reference(&format!("{}/a:1", closed.host));
    let error = told(client(&[]).image(&name, None));
    assert!(error.contains("--registry-ca FILE"), "{error}");
    let mut own = options(&[]);
    own.ca_files = vec![path("cert.pem")];
    whole(&Client::new(&own).unwrap().image(&name, None).unwrap());

    // An authority that serves itself.
    let itself = with("cert.pem", "key.pem");
    let error = told(
        Client::new(&own)
            .unwrap()
            .image(&reference(&format!("{}/a:1", itself.host)), None),
    );
    assert!(error.contains("basicConstraints CA:FALSE"), "{error}");
    own.ca_files = vec![path("key.pem")];
    let error = told(Client::new(&own));
    assert!(error.contains("no certificate in PEM form"), "{error}");

    // TLS is not given up by itself, not even on loopback.
    let error = told(client(&[]).image(&reference(&format!("{}/a:1", open.host)), None));
    let expected = format!("if it speaks plain HTTP: --insecure-registry {}", open.host);
    assert!(error.contains(&expected), "{error}");
}
