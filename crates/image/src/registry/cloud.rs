//! The machine's own identity in its cloud, where the user asked for it. Comes in: a registry's host and the cloud's
//! environment variables. Goes out: a credential for that registry, and how long it lasts. Never: asks a cloud whose
//! registry was not named, sends an identity anywhere but to its own cloud.
//!
//! ECR: environment, web identity (IRSA), container credentials (EKS Pod Identity, ECS), then `docker-credential-ecr-login`.
//! Google: the metadata server. Azure: workload identity, then managed identity, exchanged at the registry.

use super::access::encoded;
use super::http::{Ask, Http, unexpected};
use super::keychain::{Credential, Secret, decode};
use super::{Environment, RegistryError, helper};
use crate::digest;
use jiff::Timestamp;
use reqwest::Url;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;
use std::fs::File;
use std::io::Read as _;
use std::time::Duration;

/// Bytes of the largest answer.
const ANSWER: u64 = 256 << 10;
/// A failure is not asked again for each image.
const FAILURE: Duration = Duration::from_mins(1);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Cloud {
    Ecr { region: String, api: String },
    Google,
    Azure,
}

impl Cloud {
    fn of(host: &str) -> Option<Self> {
        if let Some(ecr) = ecr(host) {
            return Some(ecr);
        }
        if host == "gcr.io" || host.ends_with(".gcr.io") || host.ends_with("-docker.pkg.dev") {
            return Some(Cloud::Google);
        }
        let azure = [".azurecr.io", ".azurecr.cn", ".azurecr.us"];
        azure
            .iter()
            .any(|end| host.ends_with(end))
            .then_some(Cloud::Azure)
    }
}

/// `123456789012.dkr.ecr.eu-west-1.amazonaws.com`, `.cn`, `ecr-fips`, and `dkr-ecr` under `on.aws`.
fn ecr(host: &str) -> Option<Cloud> {
    let labels: Vec<&str> = host.split('.').collect();
    let (region, api) = match labels[..] {
        [_, "dkr", "ecr", region, "amazonaws", "com"] => {
            (region, format!("api.ecr.{region}.amazonaws.com"))
        }
        [_, "dkr", "ecr", region, "amazonaws", "com", "cn"] => {
            (region, format!("api.ecr.{region}.amazonaws.com.cn"))
        }
        [_, "dkr", "ecr-fips", region, "amazonaws", "com"] => {
            (region, format!("ecr-fips.{region}.amazonaws.com"))
        }
        [_, "dkr-ecr", region, "on", "aws"] => (region, format!("ecr.{region}.api.aws")),
        _ => return None,
    };
    Some(Cloud::Ecr {
        region: region.to_owned(),
        api,
    })
}

pub(super) fn has(host: &str) -> bool {
    Cloud::of(host).is_some()
}

/// How one logs in at this registry.
pub(super) fn advice(host: &str) -> String {
    let file = "or --registry-auth FILE";
    let own = "or --cloud-identity where this machine has the right to pull";
    match Cloud::of(host) {
        Some(Cloud::Ecr { region, .. }) => format!(
            "log in with `aws ecr get-login-password --region {region} | docker login --username AWS --password-stdin {host}`, {file}, {own}"
        ),
        Some(Cloud::Google) => {
            format!("log in with `gcloud auth configure-docker {host}`, {file}, {own}")
        }
        Some(Cloud::Azure) => {
            let name = host.split('.').next().unwrap_or(host);
            format!("log in with `az acr login --name {name}`, {file}, {own}")
        }
        None => format!("log in with `docker login {host}`, {file}"),
    }
}

/// The error is a sentence for the list of what was tried.
pub(super) fn credential(
    http: &Http,
    host: &str,
    environment: &Environment,
) -> (Result<Option<Credential>, String>, Duration) {
    let found = match Cloud::of(host) {
        None => return (Ok(None), FAILURE),
        Some(Cloud::Ecr { region, api }) => amazon(http, host, &region, &api, environment),
        Some(Cloud::Google) => google(http, environment),
        Some(Cloud::Azure) => format!("https://{host}/")
            .parse()
            .map_err(|_| format!("{host} is no host"))
            .and_then(|base| azure(http, &base, host, environment)),
    };
    match found {
        Ok((credential, lasts)) => (Ok(Some(credential)), lasts.max(FAILURE)),
        Err(why) => (Err(format!("the identity of this machine: {why}")), FAILURE),
    }
}

type Found = Result<(Credential, Duration), String>;

/// An answer of a cloud's service as text.
fn answer(http: &Http, ask: &Ask<'_>) -> Result<String, String> {
    let send = || match http.send(ask)? {
        good if good.status().is_success() => Ok(good),
        bad => Err(unexpected(ask, bad)),
    };
    let told = |error: RegistryError| error.told();
    let (bytes, _) = http.document(ask, ANSWER, send).map_err(told)?;
    String::from_utf8(bytes).map_err(|_| format!("{} is no text", ask.what))
}

fn json<'a, T: Deserialize<'a>>(text: &'a str, what: &str) -> Result<T, String> {
    serde_json::from_str(text).map_err(|_| format!("{what} is not what was expected"))
}

fn url(text: &str) -> Result<Url, String> {
    text.parse()
        .map_err(|_| "the address of a cloud's service is no URL".to_owned())
}

fn small_file(path: &str) -> Result<String, String> {
    let mut text = String::new();
    File::open(path)
        .and_then(|file| file.take(64 << 10).read_to_string(&mut text))
        .map_err(|error| format!("{path}: {error}"))?;
    Ok(text.trim().to_owned())
}

// ---- Amazon

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Keys {
    access_key_id: String,
    secret_access_key: String,
    #[serde(default, alias = "SessionToken")]
    token: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Authorizations {
    authorization_data: Vec<Authorization>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Authorization {
    authorization_token: String,
}

fn amazon(http: &Http, host: &str, region: &str, api: &str, environment: &Environment) -> Found {
    let Some(keys) = keys(http, region, environment)? else {
        return match helper::get("ecr-login", host, environment)? {
            Some(credential) => Ok((credential, Duration::from_hours(1))),
            None => Err("docker-credential-ecr-login knows no login".into()),
        };
    };
    let base = match environment.variable("AWS_ENDPOINT_URL_ECR") {
        Some(own) => url(own)?,
        None => url(&format!("https://{api}/"))?,
    };
    let what = "a token of ECR (ecr:GetAuthorizationToken)";
    let machine = base.host_str().unwrap_or_default().to_owned();
    let authority = match base.port() {
        Some(port) => format!("{machine}:{port}"),
        None => machine.clone(),
    };
    let now = Timestamp::now().strftime("%Y%m%dT%H%M%SZ").to_string();
    let mut ask = Ask::get(base, &machine, what);
    ask.form = Some("{}".into());
    ask.extra = signed(&keys, region, &authority, &now, "{}");
    let text = answer(http, &ask)?;
    let answer: Authorizations = json(&text, what)?;
    let token = answer
        .authorization_data
        .first()
        .map(|one| &*one.authorization_token);
    let credential = token.and_then(decode).ok_or("ECR gave no token")?;
    // It lasts 12 hours (ECR API reference, GetAuthorizationToken).
    Ok((credential, Duration::from_hours(11)))
}

fn keys(http: &Http, region: &str, environment: &Environment) -> Result<Option<Keys>, String> {
    let get = |name: &str| environment.variable(name).filter(|text| !text.is_empty());
    if let (Some(id), Some(secret)) = (get("AWS_ACCESS_KEY_ID"), get("AWS_SECRET_ACCESS_KEY")) {
        return Ok(Some(Keys {
            access_key_id: id.into(),
            secret_access_key: secret.into(),
            token: get("AWS_SESSION_TOKEN").map(Into::into),
        }));
    }
    if let (Some(file), Some(role)) = (get("AWS_WEB_IDENTITY_TOKEN_FILE"), get("AWS_ROLE_ARN")) {
        let end = if region.starts_with("cn-") {
            "com.cn"
        } else {
            "com"
        };
        let service = format!("https://sts.{region}.amazonaws.{end}/");
        let base = url(get("AWS_ENDPOINT_URL_STS").unwrap_or(&service))?;
        let token = small_file(file)?;
        let machine = base.host_str().unwrap_or_default().to_owned();
        let mut ask = Ask::get(
            base,
            &machine,
            "keys of the role (sts:AssumeRoleWithWebIdentity)",
        );
        ask.form = Some(encoded(&[
            ("Action", "AssumeRoleWithWebIdentity"),
            ("Version", "2011-06-15"),
            ("RoleArn", role),
            ("RoleSessionName", "plimsoll"),
            ("WebIdentityToken", &token),
        ]));
        let text = answer(http, &ask)?;
        let part = |name: &str| -> Option<String> {
            let (_, rest) = text.split_once(&format!("<{name}>"))?;
            rest.split_once(&format!("</{name}>"))
                .map(|(value, _)| value.trim().to_owned())
        };
        let missing = || "the security token service gave no keys".to_owned();
        return Ok(Some(Keys {
            access_key_id: part("AccessKeyId").ok_or_else(missing)?,
            secret_access_key: part("SecretAccessKey").ok_or_else(missing)?,
            token: part("SessionToken"),
        }));
    }
    let relative = get("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI")
        .map(|path| format!("http://169.254.170.2{path}"));
    let full = get("AWS_CONTAINER_CREDENTIALS_FULL_URI").map(Into::into);
    if let Some(address) = relative.or(full) {
        let base = url(&address)?;
        let machine = base.host_str().unwrap_or_default().to_owned();
        let mut ask = Ask::get(base, &machine, "keys of the container");
        let token = match get("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE") {
            Some(file) => Some(small_file(file)?),
            None => get("AWS_CONTAINER_AUTHORIZATION_TOKEN").map(Into::into),
        };
        ask.extra = token
            .map(|token| ("authorization", token))
            .into_iter()
            .collect();
        let text = answer(http, &ask)?;
        return json(&text, ask.what).map(Some);
    }
    Ok(None)
}

/// Headers of a call of ECR, signed (AWS Signature Version 4).
fn signed(
    keys: &Keys,
    region: &str,
    authority: &str,
    now: &str,
    body: &str,
) -> Vec<(&'static str, String)> {
    let mut headers: Vec<(&'static str, String)> = vec![
        ("content-type", "application/x-amz-json-1.1".into()),
        ("host", authority.into()),
        ("x-amz-date", now.into()),
    ];
    headers.extend(
        keys.token
            .clone()
            .map(|token| ("x-amz-security-token", token)),
    );
    headers.push((
        "x-amz-target",
        "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken".into(),
    ));
    let names: Vec<&str> = headers.iter().map(|(name, _)| *name).collect();
    let names = names.join(";");
    let lines = headers
        .iter()
        .fold(String::new(), |mut lines, (name, value)| {
            let _ = writeln!(lines, "{name}:{value}");
            lines
        });
    let hash = digest::sha256(body.as_bytes());
    let hash = digest::hexadecimal(&hash).unwrap_or_default();
    let request = format!("POST\n/\n\n{lines}\n{names}\n{hash}");
    let (scope, signature) = signature(&keys.secret_access_key, now, region, "ecr", &request);
    let credential = &keys.access_key_id;
    headers.push((
        "authorization",
        format!(
            "AWS4-HMAC-SHA256 Credential={credential}/{scope}, SignedHeaders={names}, Signature={signature}"
        ),
    ));
    headers.retain(|(name, _)| *name != "host");
    headers
}

fn signature(
    secret: &str,
    now: &str,
    region: &str,
    service: &str,
    request: &str,
) -> (String, String) {
    let day = now.get(..8).unwrap_or(now);
    let scope = format!("{day}/{region}/{service}/aws4_request");
    let hash = digest::sha256(request.as_bytes());
    let hash = digest::hexadecimal(&hash).unwrap_or_default();
    let key = format!("AWS4{secret}").into_bytes();
    let key = [day, region, service, "aws4_request"]
        .iter()
        .fold(key, |key, part| hmac(&key, part.as_bytes()).to_vec());
    let text = format!("AWS4-HMAC-SHA256\n{now}\n{scope}\n{hash}");
    let signature = hmac(&key, text.as_bytes())
        .iter()
        .fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        });
    (scope, signature)
}

/// HMAC-SHA-256 (RFC 2104).
fn hmac(key: &[u8], text: &[u8]) -> [u8; 32] {
    let mut block = [0; 64];
    let hashed = Sha256::digest(key);
    let key = if key.len() > block.len() {
        &hashed[..]
    } else {
        key
    };
    for (byte, own) in block.iter_mut().zip(key) {
        *byte = *own;
    }
    let inner = Sha256::new()
        .chain_update(block.map(|byte| byte ^ 0x36))
        .chain_update(text);
    let outer = Sha256::new().chain_update(block.map(|byte| byte ^ 0x5c));
    outer.chain_update(inner.finalize()).finalize().into()
}

// ---- Google

fn google(http: &Http, environment: &Environment) -> Found {
    #[derive(Deserialize)]
    struct Answer {
        access_token: String,
        #[serde(default)]
        expires_in: u64,
    }
    let host = environment
        .variable("GCE_METADATA_HOST")
        .unwrap_or("metadata.google.internal");
    let what = "a token of the metadata server";
    let path = "computeMetadata/v1/instance/service-accounts/default/token";
    let mut ask = Ask::get(url(&format!("http://{host}/{path}"))?, host, what);
    ask.extra = vec![("metadata-flavor", "Google".into())];
    let text = answer(http, &ask)?;
    let answer: Answer = json(&text, what)?;
    let credential = Credential::Basic {
        user: "oauth2accesstoken".into(),
        password: Secret(answer.access_token),
    };
    Ok((credential, Duration::from_secs(answer.expires_in / 2)))
}

// ---- Azure

/// The audience of registries' own tokens.
const AZURE: &str = "https://containerregistry.azure.net";

fn azure(http: &Http, registry: &Url, host: &str, environment: &Environment) -> Found {
    #[derive(Deserialize)]
    struct Access {
        access_token: String,
    }
    #[derive(Deserialize)]
    struct Refresh {
        refresh_token: String,
    }
    let get = |name: &str| environment.variable(name).filter(|text| !text.is_empty());
    let client = get("AZURE_CLIENT_ID");
    let federated = (
        client,
        get("AZURE_TENANT_ID"),
        get("AZURE_FEDERATED_TOKEN_FILE"),
    );
    let what = "a token of the machine's identity";
    let text = if let (Some(client), Some(tenant), Some(file)) = federated {
        let authority = get("AZURE_AUTHORITY_HOST").unwrap_or("https://login.microsoftonline.com/");
        let authority = authority.trim_end_matches('/');
        let address = url(&format!("{authority}/{tenant}/oauth2/v2.0/token"))?;
        let machine = address.host_str().unwrap_or_default().to_owned();
        let mut ask = Ask::get(address, &machine, what);
        ask.form = Some(encoded(&[
            ("grant_type", "client_credentials"),
            ("client_id", client),
            ("scope", &format!("{AZURE}/.default")),
            (
                "client_assertion_type",
                "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            ),
            ("client_assertion", &small_file(file)?),
        ]));
        answer(http, &ask)?
    } else {
        let mut pairs = vec![("api-version", "2018-02-01"), ("resource", AZURE)];
        pairs.extend(client.map(|client| ("client_id", client)));
        let metadata = environment
            .variable("AZURE_POD_IDENTITY_AUTHORITY_HOST")
            .unwrap_or("http://169.254.169.254");
        let query = encoded(&pairs);
        let address = url(&format!(
            "{metadata}/metadata/identity/oauth2/token?{query}"
        ))?;
        let machine = address.host_str().unwrap_or_default().to_owned();
        let mut ask = Ask::get(address, &machine, what);
        ask.extra = vec![("metadata", "true".into())];
        answer(http, &ask)?
    };
    let access: Access = json(&text, what)?;
    let exchange = registry
        .join("/oauth2/exchange")
        .map_err(|error| error.to_string())?;
    let mut ask = Ask::get(
        exchange,
        host,
        "the registry's token for the machine's identity",
    );
    ask.form = Some(encoded(&[
        ("grant_type", "access_token"),
        ("service", host),
        ("access_token", &access.access_token),
    ]));
    let text = answer(http, &ask)?;
    let refresh: Refresh = json(&text, ask.what)?;
    // It lasts three hours (Azure, AAD-OAuth.md).
    Ok((
        Credential::Identity(Secret(refresh.refresh_token)),
        Duration::from_hours(1),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::Options;
    use crate::registry::testing::service;

    fn environment(variables: &[(&str, &str)]) -> Environment {
        Environment {
            variables: variables
                .iter()
                .map(|(k, v)| ((*k).into(), (*v).into()))
                .collect(),
            ..Environment::default()
        }
    }

    #[test]
    fn clouds_by_host() {
        let region = |host: &str| match Cloud::of(host) {
            Some(Cloud::Ecr { region, .. }) => Some(region),
            _ => None,
        };
        assert_eq!(
            region("1.dkr.ecr.eu-west-1.amazonaws.com").as_deref(),
            Some("eu-west-1")
        );
        assert_eq!(
            region("1.dkr.ecr.cn-north-1.amazonaws.com.cn").as_deref(),
            Some("cn-north-1")
        );
        assert_eq!(
            region("1.dkr-ecr.us-east-2.on.aws").as_deref(),
            Some("us-east-2")
        );
        assert_eq!(Cloud::of("europe-docker.pkg.dev"), Some(Cloud::Google));
        assert_eq!(Cloud::of("eu.gcr.io"), Some(Cloud::Google));
        assert_eq!(Cloud::of("shop.azurecr.io"), Some(Cloud::Azure));
        for host in [
            "evilgcr.io",
            "ghcr.io",
            "a.dkr.ecr.b.amazonaws.com.evil",
            "azurecr.io",
        ] {
            assert_eq!(Cloud::of(host), None, "{host}");
        }
        assert!(advice("ghcr.io").contains("docker login ghcr.io"));
        assert!(advice("shop.azurecr.io").contains("az acr login --name shop"));
    }

    /// The worked example of AWS' reference ("Signature Version 4 signing process").
    #[test]
    fn signatures() {
        let request = "GET\n/\nAction=ListUsers&Version=2010-05-08\n\
            content-type:application/x-www-form-urlencoded; charset=utf-8\n\
            host:iam.amazonaws.com\nx-amz-date:20150830T123600Z\n\n\
            content-type;host;x-amz-date\n\
            e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        let secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
        let (scope, signature) = signature(secret, "20150830T123600Z", "us-east-1", "iam", request);
        assert_eq!(scope, "20150830/us-east-1/iam/aws4_request");
        assert_eq!(
            signature,
            "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"
        );
    }

    #[test]
    fn ecr_by_web_identity() {
        let keys = "<R><Credentials><AccessKeyId>AK</AccessKeyId><SecretAccessKey>SK</SecretAccessKey>\
            <SessionToken>ST</SessionToken></Credentials></R>";
        let token = r#"{"authorizationData":[{"authorizationToken":"QVdTOnB3"}]}"#;
        let (address, seen) = service(vec![keys.into(), token.into()]);
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "jwt\n").unwrap();
        let base = format!("http://{address}/");
        let environment = environment(&[
            ("AWS_WEB_IDENTITY_TOKEN_FILE", file.path().to_str().unwrap()),
            ("AWS_ROLE_ARN", "arn:aws:iam::1:role/scan"),
            ("AWS_ENDPOINT_URL_STS", &base),
            ("AWS_ENDPOINT_URL_ECR", &base),
        ]);
        let http = Http::new(&Options::default()).unwrap();
        let host = "1.dkr.ecr.eu-west-1.amazonaws.com";
        let (found, lasts) = credential(&http, host, &environment);
        let expected = Credential::Basic {
            user: "AWS".into(),
            password: Secret("pw".into()),
        };
        assert_eq!(found, Ok(Some(expected)));
        assert_eq!(lasts.as_secs(), 11 * 3600);
        let seen = seen.lock().unwrap();
        assert!(seen[0].ends_with(
            "RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fscan&RoleSessionName=plimsoll&WebIdentityToken=jwt"
        ));
        let target = "x-amz-target: AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken";
        assert!(seen[1].contains(target), "{}", seen[1]);
        assert!(seen[1].contains("x-amz-security-token: ST"), "{}", seen[1]);
        assert!(seen[1].contains("/eu-west-1/ecr/aws4_request, SignedHeaders=content-type;host;"));
        assert_eq!(seen[1].matches("content-type").count(), 2, "{}", seen[1]);
    }

    #[test]
    fn google_and_azure() {
        let http = Http::new(&Options::default()).unwrap();
        let (address, seen) = service(vec![r#"{"access_token":"t","expires_in":3600}"#.into()]);
        let variables = environment(&[("GCE_METADATA_HOST", &address)]);
        let (found, lasts) = credential(&http, "eu.gcr.io", &variables);
        let expected = Credential::Basic {
            user: "oauth2accesstoken".into(),
            password: Secret("t".into()),
        };
        assert_eq!((found, lasts.as_secs()), (Ok(Some(expected)), 1800));
        assert!(seen.lock().unwrap()[0].contains("metadata-flavor: Google"));

        let answers = vec![
            r#"{"access_token":"a"}"#.into(),
            r#"{"refresh_token":"r"}"#.into(),
        ];
        let (address, seen) = service(answers);
        let base = format!("http://{address}");
        let variables = environment(&[("AZURE_POD_IDENTITY_AUTHORITY_HOST", &base)]);
        let found = azure(&http, &url(&base).unwrap(), "shop.azurecr.io", &variables);
        assert_eq!(found.unwrap().0, Credential::Identity(Secret("r".into())));
        let seen = seen.lock().unwrap();
        assert!(seen[0].contains("resource=https%3A%2F%2Fcontainerregistry.azure.net"));
        assert!(seen[1].starts_with("POST /oauth2/exchange "));
        assert!(
            seen[1].ends_with("grant_type=access_token&service=shop.azurecr.io&access_token=a")
        );
    }

    #[test]
    fn a_machine_without_identity_is_told() {
        let http = Http::new(&Options::default()).unwrap();
        let host = "1.dkr.ecr.eu-west-1.amazonaws.com";
        let (found, _) = credential(&http, host, &Environment::default());
        assert!(
            found
                .unwrap_err()
                .contains("docker-credential-ecr-login: it is not on the PATH")
        );
    }
}
