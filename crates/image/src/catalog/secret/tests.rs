//! One line a rule: what it finds and what it must not. Tokens are put together here, so that none stands in the sources.

use super::*;
use proptest::prelude::*;

/// Letters as a generator of tokens would make them, from a seed; `alphabet` is what the issuer uses.
fn random(alphabet: &str, count: usize, seed: u64) -> String {
    let letters: Vec<char> = alphabet.chars().collect();
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let next = |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        letters[(state >> 33) as usize % letters.len()]
    };
    (0..count).map(next).collect()
}

const HEX: &str = "0123456789abcdef";
const BASE62: &str = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const URL64: &str = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_";
const UPPER: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
const LETTERS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const BASE32: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// `{h32}` is 32 letters of hex; b base62, u base64url, U upper, l letters, 2 base32, d digits, s base62 with its sum.
fn made(form: &str, seed: u64) -> String {
    let mut out = String::new();
    let mut rest = form;
    let mut n = seed;
    while let Some((before, after)) = rest.split_once('{') {
        out.push_str(before);
        let form = after.split_once('}').and_then(|(what, after)| {
            let count: usize = what.get(1..)?.parse().ok()?;
            Some((what, after, count))
        });
        let Some((what, after, count)) = form else {
            out.push('{');
            rest = after;
            continue;
        };
        n = n.wrapping_mul(31).wrapping_add(7);
        match &what[..1] {
            "h" => out.push_str(&random(HEX, count, n)),
            "b" => out.push_str(&random(BASE62, count, n)),
            "u" => out.push_str(&random(URL64, count, n)),
            "U" => out.push_str(&random(UPPER, count, n)),
            "l" => out.push_str(&random(LETTERS, count, n)),
            "2" => out.push_str(&random(BASE32, count, n)),
            "d" => out.push_str(&random("2468135790", count, n)),
            "s" => {
                let text = random(BASE62, count - 6, n);
                out.push_str(&text);
                out.push_str(
                    std::str::from_utf8(&tokens::sum62(text.as_bytes())).expect("letters"),
                );
            }
            other => unreachable!("{other}"),
        }
        rest = after;
    }
    out.push_str(rest);
    out
}

fn ids(path: &str, text: &str) -> Vec<String> {
    let (remarks, _) = probe(path, text.as_bytes());
    remarks.iter().map(|one| one.check.to_string()).collect()
}

#[track_caller]
fn check(path: &str, form: &str, expected: &[&str]) {
    let text = made(form, 42);
    assert_eq!(ids(path, &text), expected, "{path}: {text}");
}

/// Forms of issuers, each found wherever it stands, and not when a letter is missing or more.
const FORMS: &[(&str, &str)] = &[
    ("AKIA{216}", "secret-aws-access-key-id"),
    ("ASIA{216}", "secret-aws-access-key-id"),
    ("AIza{u35}", "secret-google-api-key"),
    ("GOCSPX-{u28}", "secret-google-oauth"),
    ("{b3}8Q~{b34}", "secret-azure-client-secret"),
    ("AccountKey={b86}==", "secret-azure-storage-key"),
    ("{b76}AZDO{b4}", "secret-azure-devops-token"),
    ("LTAI{b20}", "secret-alibaba-access-key"),
    ("dop_v1_{h64}", "secret-digitalocean-token"),
    ("HRKU-AA{u58}", "secret-heroku-key"),
    ("hvs.{b95}", "secret-vault-token"),
    ("{b14}.atlasv1.{b67}", "secret-terraform-token"),
    ("pul-{h40}", "secret-pulumi-token"),
    ("dp.pt.{b43}", "secret-doppler-token"),
    ("tskey-auth-{b17}-{b32}", "secret-tailscale-key"),
    ("ghp_{s36}", "secret-github-token"),
    ("gho_{s36}", "secret-github-token"),
    ("github_pat_{b22}_{b59}", "secret-github-token"),
    ("glpat-{b20}", "secret-gitlab-token"),
    ("ATBB{b32}", "secret-bitbucket-token"),
    ("npm_{s36}", "secret-npm-token"),
    ("pypi-AgEIcHlwaS5vcmc{u150}", "secret-pypi-token"),
    ("rubygems_{h48}", "secret-rubygems-key"),
    ("cio{b32}", "secret-crates-token"),
    ("dckr_pat_{b27}", "secret-docker-token"),
    ("AKCp{b69}", "secret-jfrog-key"),
    ("sqp_{h40}", "secret-sonar-token"),
    ("CCIPAT_{b22}_{h40}", "secret-buildkite-token"),
    ("sntryu_{h64}", "secret-snyk-sentry-token"),
    ("dapi{h32}", "secret-databricks-token"),
    ("pscale_tkn_{b43}", "secret-planetscale-token"),
    ("sk-proj-{b20}T3BlbkFJ{b20}", "secret-openai-key"),
    ("sk-ant-api03-{b93}AA", "secret-anthropic-key"),
    ("hf_{l34}", "secret-hugging-face-token"),
    ("gsk_{b52}", "secret-model-service-key"),
    ("xoxb-{d12}-{d12}-{b24}", "secret-slack-token"),
    (
        "https://hooks.slack.com/services/T{b9}/B{b9}/{b24}",
        "secret-slack-webhook",
    ),
    (
        "https://discord.com/api/webhooks/{d18}/{b68}",
        "secret-discord-webhook",
    ),
    ("{d10}:AA{b33}", "secret-telegram-token"),
    ("SG.{b22}.{b43}", "secret-sendgrid-key"),
    ("key-{h32}", "secret-mailgun-key"),
    ("xkeysib-{h64}-{b16}", "secret-mail-service-key"),
    ("sk_live_{b24}", "secret-stripe-key"),
    ("sk_test_{b24}", "secret-stripe-test-key"),
    ("sq0atp-{b22}", "secret-square-token"),
    ("shpat_{h32}", "secret-shopify-token"),
    ("NRAK-{U27}", "secret-new-relic-key"),
    ("glsa_{b32}_{h8}", "secret-grafana-token"),
    ("dt0c01.{U24}.{U64}", "secret-dynatrace-token"),
    ("PMAK-{h24}-{h34}", "secret-postman-key"),
    ("lin_api_{b40}", "secret-workspace-token"),
    ("AGE-SECRET-KEY-1{U58}", "secret-private-key"),
];

#[test]
fn forms_of_issuers() {
    for (form, id) in FORMS {
        for around in [
            "*",
            "KEY=*\n",
            "a: '*'",
            "x\\n*\\ny",
            "%d *",
            "<a>*</a>",
            "https://h/?k=%3D*&b=1",
        ] {
            check("app/notes.txt", &around.replace('*', form), &[id]);
        }
        let whole = made(form, 42);
        // Within a longer word it is another thing.
        if !form.starts_with("https") && !form.starts_with('{') {
            assert_eq!(
                ids("app/notes.txt", &format!("x{whole}")),
                [""; 0],
                "{form}"
            );
        }
        let cut: String = whole.chars().take((whole.len() / 2).min(26)).collect();
        assert_eq!(ids("app/notes.txt", &cut), [""; 0], "a part of {form}");
    }
}

#[test]
fn what_looks_like_one_and_is_none() {
    for text in [
        concat!("AKIA", "IOSFODNN7EXAMPLE"),
        concat!("wJalrXUtnFEMI/K7MDENG/", "bPxRfiCYEXAMPLEKEY"),
        "AKIAAAAAAAAAAAAAAAAA",
        "ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        // The sum is wrong.
        concat!("ghp_", "16C7e42F292c6912E7710c838347Ae178B4a"),
        "sk_live_YOUR_KEY_HERE_PLEASE_ABC",
        "-----BEGIN RSA PRIVATE KEY-----",
        "-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----",
        "if text.startswith('-----BEGIN PRIVATE KEY-----'):",
        "postgres://user:password@localhost/db",
        "https://user:pass@example.com/",
        "https://$USER:$PASS1@host.test/",
        "git@github.com:owner/repo.git",
        // jwt.io
        concat!(
            "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9",
            ".eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4gRG9lIiwiaWF0IjoxNTE2MjM5MDIyfQ",
            ".SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c"
        ),
        "hvs.short",
        "hf_",
        "SG.",
    ] {
        assert_eq!(ids("app/.env", text), [""; 0], "{text}");
    }
}

#[test]
fn values_that_a_name_calls_secret() {
    let one = &["secret-password"][..];
    for (path, form, expected) in [
        ("app/.env", "DB_PASSWORD=hunter2!x", one),
        ("app/.env", "export API_TOKEN=\"{h32}\"", one),
        ("app/a.yaml", "db:\n  password: hunter2!x # prod", one),
        ("app/a.json", "{\"apiKey\": \"{b24}\"}", one),
        ("app/a.json", "{\\\"clientSecret\\\": \\\"{b24}\\\"}", one),
        (
            "app/a.properties",
            "spring.datasource.password=S3cure-pw9",
            one,
        ),
        ("app/a.xml", "<password>S3cure-pw9</password>", one),
        (
            "app/web.config",
            "<add key=\"Password\" value=\"S3cure-pw9\"/>",
            one,
        ),
        (
            "app/web.config",
            "Server=db;User Id=sa;Password=S3cure-pw9;",
            one,
        ),
        (
            "app/wp-config.php",
            "define( 'DB_PASSWORD', 'S3cure-pw9' );",
            one,
        ),
        ("app/a.py", "API_KEY = '{b24}'", one),
        ("app/run.sh", "mysql --password S3cure-pw9", one),
        ("app/a.toml", "secret_key_base = \"{h64}\"", one),
        (
            "app/.env",
            "AWS_SECRET_ACCESS_KEY={b40}",
            &["secret-aws-access-key"],
        ),
        (
            "root/.aws/credentials",
            "aws_access_key_id = AKIA{216}\naws_secret_access_key = {b40}",
            &["secret-aws-access-key"],
        ),
        ("app/.env", "DD_API_KEY={h32}", &["secret-datadog-key"]),
        (
            "app/.env",
            "TWILIO_AUTH_TOKEN={h32}",
            &["secret-twilio-key"],
        ),
        (
            "app/.npmrc",
            "//r.example/:_authToken={h32}",
            &["secret-login-file"],
        ),
        (
            "root/.m2/settings.xml",
            "<server><password>S3cure-pw9</password></server>",
            &["secret-login-file"],
        ),
        (
            "app/a.yaml",
            "url: postgres://app:S3cure-pw9@db/x",
            &["secret-password-in-url"],
        ),
        // Said elsewhere, or no secret.
        ("app/.env", "DB_PASSWORD=${DB_PASSWORD}", &[]),
        ("app/.env", "DB_PASSWORD=changeme", &[]),
        ("app/.env", "DB_PASSWORD_FILE=/run/secrets/db1", &[]),
        ("app/.env", "DB_PASSWORD=", &[]),
        ("app/a.yaml", "password: {{ .Values.password1 }}", &[]),
        ("app/a.yaml", "secretName: my-secret-2", &[]),
        ("app/a.yaml", "secret: my-app-secret-2", &[]),
        ("app/a.yaml", "token_ttl: 3600s", &[]),
        ("app/a.php", "password\", \"S3cure-pw9\"", &[]),
        ("app/a.json", "\"cpe:2.3:a:passwd:1:4.13x9\"", &[]),
        ("app/a.yaml", "minPassword: abc12345x", &[]),
        ("app/a.py", "password = get_password(a1)", &[]),
        ("app/a.py", "password = settings.PASSWORD_1", &[]),
        ("app/a.py", "if password == 'hunter2!x':", &[]),
        ("app/a.js", "const token = \"not a token 1\";", &[]),
        ("app/notes.txt", "password: hunter2!x", &[]),
        (
            "app/node_modules/a/a.json",
            "{\"password\": \"hunter2!x\"}",
            &[],
        ),
    ] {
        check(path, form, expected);
    }
}

fn pem(label: &str, seed: u64, headers: &str) -> String {
    let body = random(BASE62, 64 * 6, seed);
    let lines: Vec<String> = body
        .as_bytes()
        .chunks(64)
        .map(|line| String::from_utf8_lossy(line).into_owned())
        .collect();
    let (begin, end) = (format!("-----BEGIN {label}"), format!("-----END {label}"));
    format!("{begin}-----\n{headers}{}\n{end}-----\n", lines.join("\n"))
}

fn encode(bytes: &[u8]) -> String {
    let letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".as_bytes();
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let bits = chunk
            .iter()
            .fold(0u32, |all, byte| (all << 8) | u32::from(*byte))
            << (8 * (3 - chunk.len()));
        out.extend(
            (0..=chunk.len()).map(|n| char::from(letters[(bits >> (18 - 6 * n) & 63) as usize])),
        );
    }
    out
}

#[test]
fn private_keys() {
    let is =
        |path: &str, text: &str, expected: &str| assert_eq!(ids(path, text), [expected], "{text}");
    let key = "PRIVATE KEY";
    for label in ["", "RSA ", "EC ", "OPENSSH "] {
        is(
            "root/id",
            &pem(&format!("{label}{key}"), 1, ""),
            "secret-private-key",
        );
    }
    is(
        "root/id",
        &pem(&format!("ENCRYPTED {key}"), 1, ""),
        "secret-private-key-encrypted",
    );
    is(
        "root/id",
        &pem(
            &format!("RSA {key}"),
            1,
            "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\n",
        ),
        "secret-private-key-encrypted",
    );
    is(
        "root/id",
        &pem(&format!("PGP {key} BLOCK"), 1, "Version: 1\n\n"),
        "secret-private-key",
    );
    is(
        "etc/ssh/ssh_host_rsa_key",
        &pem(&format!("RSA {key}"), 1, ""),
        "secret-ssh-host-key",
    );
    let escaped = pem(key, 1, "").replace('\n', "\\n");
    is(
        "app/key.json",
        &format!("{{\"private_key\": \"{escaped}\"}}"),
        "secret-private-key",
    );
    is(
        "app/key.json",
        &format!("{{\"type\": \"service_account\", \"private_key\": \"{escaped}\"}}"),
        "secret-gcp-service-account",
    );
    for (cipher, expected) in [
        ("none", "secret-private-key"),
        ("aes256-ctr", "secret-private-key-encrypted"),
    ] {
        let mut bytes = b"openssh-key-v1\0\0\0\0".to_vec();
        bytes.push(u8::try_from(cipher.len()).unwrap());
        bytes.extend(cipher.bytes());
        bytes.extend(random(BASE62, 200, 5).bytes());
        let text = format!(
            "-----BEGIN OPENSSH {key}-----\n{}\n-----END OPENSSH {key}-----\n",
            encode(&bytes)
        );
        is("root/.ssh/id_ed25519", &text, expected);
    }
    let packed = encode(pem(&format!("RSA {key}"), 1, "").as_bytes());
    let config = format!(
        "current-context: a\nclusters: []\nusers:\n- user: {{client-key-data: {packed}}}\n"
    );
    is("root/.kube/config", &config, "secret-kubeconfig");
    // A certificate is for everybody.
    assert_eq!(ids("app/a.pem", &pem("CERTIFICATE", 1, "")), [""; 0]);
}

#[test]
fn files_known_by_name() {
    let check = |path: &str, text: &str, expected: &[&str]| {
        assert_eq!(ids(path, text), expected, "{path}: {text}");
    };
    check("etc/shadow", "root:*:1::::::\nbin:!:1::::::\n", &[]);
    check(
        "etc/shadow",
        "root:$y$j9T$abc$def:1::::::\n",
        &["secret-password-hash"],
    );
    check("etc/shadow", "root:!$y$j9T$abc$def:1::::::\n", &[]);
    check("etc/shadow", "root:::0:::::\n", &["secret-no-password"]);
    check(
        "srv/.htpasswd",
        "jo:$apr1$Zk3$q9Tw\n",
        &["secret-password-hash"],
    );
    check(
        "root/.netrc",
        "machine h.test login jo password S3cure-pw9\n",
        &["secret-login-file"],
    );
    check(
        "root/.netrc",
        "machine h.test login jo password changeme\n",
        &[],
    );
    check(
        "root/.pgpass",
        "db:5432:*:app:S3cure-pw9\n",
        &["secret-login-file"],
    );
    let login = format!(
        "{{\"auths\": {{\"r.test\": {{\"auth\": \"{}\"}}}}}}",
        encode(b"jo:S3cure-pw9")
    );
    check(
        "root/.docker/config.json",
        &login,
        &["secret-registry-login"],
    );
    check(
        "root/.docker/config.json",
        "{\"auths\": {\"r.test\": {}}, \"credsStore\": \"pass\"}",
        &[],
    );
}

#[test]
fn places_lines_and_counts() {
    let token = |seed| made("ghp_{s36}", seed);
    let text = format!("a\nb\nx={}\ny={}\n", token(1), token(2));
    let (remarks, shown) = probe("app/.env", text.as_bytes());
    assert_eq!(remarks.len(), 1);
    assert_eq!(remarks[0].line, Some(3));
    assert_eq!(&*remarks[0].what, "GitHub token ghp_\u{2026}, and 1 more");
    assert_eq!(shown, "a\nb\nx=[secret]\ny=[secret]\n");
    // Binary files are not searched.
    let (remarks, _) = probe("app/.env", format!("\0{text}").as_bytes());
    assert_eq!(remarks, []);
}

#[test]
fn texts_of_the_configuration() {
    let check = |text: &str, expected: Option<&str>| {
        let found = of_configuration(text, "environment");
        assert_eq!(
            found
                .as_ref()
                .map(|one| format!("{}: {}", one.check, one.what))
                .as_deref(),
            expected,
            "{text}"
        );
    };
    check("PATH=/usr/bin:/bin", None);
    check("GPG_KEY=A035C8C19219BA821ECEA86B64E628F8D684696D", None);
    check("NODE_VERSION=22.1.0", None);
    check(
        "DB_PASSWORD=S3cure-pw9",
        Some("secret-in-environment: the value of DB_PASSWORD, in the environment"),
    );
    check(
        "U=postgres://a:S3cure-pw9@db/x",
        Some("secret-in-environment: password in a URL, in the environment"),
    );
    let token = format!("T={}", made("ghp_{s36}", 3));
    check(
        &token,
        Some("secret-github-token: GitHub token ghp_\u{2026}, in the environment"),
    );
}

#[test]
fn every_rule_is_a_check() {
    let named = TOKENS
        .iter()
        .map(|token| token.check)
        .chain(FORMS.iter().map(|form| form.1));
    for id in named.chain([
        "secret-private-key",
        "secret-private-key-encrypted",
        "secret-password",
        "secret-in-history",
    ]) {
        assert!(checks::check(id).is_some(), "{id}");
    }
    for token in TOKENS {
        assert!(token.anchor.len() >= 3, "{}", token.anchor);
        let tested = FORMS.iter().any(|form| form.1 == token.check)
            || token.check == "secret-json-web-token"
            || token.check == "secret-fly-token";
        assert!(tested, "no form of {}", token.check);
    }
}

proptest! {
    /// Nothing of a secret is shown but what all of its kind begin with: no four letters of it.
    #[test]
    fn no_part_of_a_secret_is_shown(form in 0..FORMS.len(), seed in 1u64..1_000_000, before in "[a-z =:\"\n]{0,20}", after in "[ \n\"';,]{1}[a-z\n ]{0,20}") {
        let (form, _) = FORMS[form];
        let secret = made(form, seed);
        let text = format!("{before} {secret}{after}");
        let (remarks, redacted) = probe("app/.env", text.as_bytes());
        let fixed = form.split(['{', '}']).step_by(2).collect::<Vec<_>>().join(" ");
        for shown in remarks.iter().map(|one| &*one.what).chain([&*redacted]) {
            for part in secret.as_bytes().windows(5) {
                let part = String::from_utf8_lossy(part);
                let known = fixed.contains(&*part) || before.contains(&*part) || after.contains(&*part) || "and 1 more".contains(&*part);
                prop_assert!(known || !shown.contains(&*part), "{part} of {secret} in {shown}");
            }
        }
    }

    #[test]
    fn any_bytes_are_borne(bytes in proptest::collection::vec(any::<u8>(), 0..300), glue in "(password=|://a:|PRIVATE KEY-----|LS0tLS1CRUdJTi|eyJh|machine password |SG\\.|\"auths\":){0,3}") {
        let text = [glue.as_bytes(), &bytes].concat();
        for path in ["app/.env", "etc/shadow", ".netrc", ".docker/config.json", "app/a.py"] {
            let (remarks, _) = probe(path, &text);
            prop_assert!(remarks.iter().all(|one| checks::check(&one.check).is_some()));
        }
    }
}
