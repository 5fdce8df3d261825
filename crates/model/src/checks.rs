//! What we check in artifacts ourselves, a row each: what it is called, how grave it is, why it matters, what to type.
//! Comes in: nothing. Goes out: [`TABLE`]. Never: how something is found (that is `image`'s), a secret.

use crate::text::Text;
use crate::vulnerability::Severity;
use serde::{Deserialize, Serialize};

/// One check; [`crate::inventory::Remark::check`] and [`crate::finding::Finding::id`] name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Check {
    /// Stable: it stands in ignore files and fingerprints.
    pub id: &'static str,
    pub title: &'static str,
    pub severity: Severity,
    /// What somebody can do with it, in a sentence.
    pub why: &'static str,
    /// What to do first: for a secret, where it is revoked.
    pub first: &'static str,
    /// What to write into the Dockerfile, line by line.
    pub exact: &'static [&'static str],
}

/// A rule of the rule table as a report tells it (`checks` owns the rows).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Described {
    pub id: Text,
    pub slug: Text,
    pub title: Text,
    pub severity: Severity,
    pub why: Text,
    pub advice: Text,
    /// `CIS 5.2.2`, `ATT&CK T1611`.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub maps: Vec<Text>,
}

/// The check of that id.
pub fn check(id: &str) -> Option<&'static Check> {
    TABLE.iter().find(|check| check.id.eq_ignore_ascii_case(id))
}

/// A later layer that deletes a file leaves it in the layer below (OCI image-spec, layer.md), so it must not get in.
const MOUNT: &[&str] = &[
    "then build without it: list the file in .dockerignore, and give it to the one step that needs it:",
    "RUN --mount=type=secret,id=NAME command-that-reads /run/secrets/NAME",
    "deleting it in a later layer is not enough: the layer below still has it",
];
const RUNTIME: &[&str] = &[
    "remove the ENV or ARG line; at run time: env: [{name: NAME, valueFrom: {secretKeyRef: {name: SECRET, key: KEY}}}]",
    "at build time: RUN --mount=type=secret,id=NAME command-that-reads /run/secrets/NAME",
];

const fn secret(
    id: &'static str,
    title: &'static str,
    severity: Severity,
    why: &'static str,
    first: &'static str,
) -> Check {
    Check {
        id,
        title,
        severity,
        why,
        first,
        exact: MOUNT,
    }
}

const fn setting(
    id: &'static str,
    title: &'static str,
    severity: Severity,
    why: &'static str,
    first: &'static str,
    exact: &'static [&'static str],
) -> Check {
    Check {
        id,
        title,
        severity,
        why,
        first,
        exact,
    }
}

use Severity::{Critical, High, Low, Medium};

/// Everybody who may pull the image has what stands in it.
const ACCOUNT: &str =
    "whoever can pull the image can act in that account, from anywhere, until it is revoked";
const CODE: &str = "whoever can pull the image can read, and often change, the code and packages that its owner may";
const API: &str =
    "whoever can pull the image can call that service in its owner's name and at his cost";

/// Ordered as people read it: keys of clouds, of code, of services, what unlocks machines, what is only likely; then
/// settings.
pub static TABLE: &[Check] = &[
    secret(
        "secret-aws-access-key",
        "AWS access key with its secret",
        Critical,
        ACCOUNT,
        "aws iam delete-access-key --access-key-id ID; look for its use in CloudTrail",
    ),
    secret(
        "secret-aws-access-key-id",
        "AWS access key id",
        Medium,
        "it names an account and a key; the secret that belongs to it was not found beside it, and may be elsewhere",
        "see in IAM whether the key lives: aws iam get-access-key-last-used --access-key-id ID",
    ),
    secret(
        "secret-gcp-service-account",
        "Google Cloud service account key",
        Critical,
        ACCOUNT,
        "gcloud iam service-accounts keys delete KEY_ID --iam-account=ACCOUNT",
    ),
    secret(
        "secret-google-api-key",
        "Google API key",
        Medium,
        API,
        "restrict or delete it: Google Cloud console, APIs and services, Credentials",
    ),
    secret(
        "secret-google-oauth",
        "Google OAuth client secret",
        High,
        API,
        "reset it: Google Cloud console, APIs and services, Credentials",
    ),
    secret(
        "secret-azure-storage-key",
        "Azure account or shared access key",
        Critical,
        ACCOUNT,
        "az storage account keys renew, or renew the key of that Service Bus, Event Hub or IoT Hub",
    ),
    secret(
        "secret-azure-client-secret",
        "Azure client secret",
        Critical,
        ACCOUNT,
        "az ad app credential delete --id APP --key-id KEY",
    ),
    secret(
        "secret-azure-devops-token",
        "Azure DevOps token",
        High,
        CODE,
        "revoke it: User settings, Personal access tokens",
    ),
    secret(
        "secret-alibaba-access-key",
        "Alibaba Cloud access key id",
        High,
        ACCOUNT,
        "disable it: RAM console, AccessKey",
    ),
    secret(
        "secret-digitalocean-token",
        "DigitalOcean token",
        Critical,
        ACCOUNT,
        "revoke it: cloud.digitalocean.com/account/api/tokens",
    ),
    secret(
        "secret-heroku-key",
        "Heroku API key",
        High,
        ACCOUNT,
        "heroku authorizations:revoke, or regenerate it in the account settings",
    ),
    secret(
        "secret-fly-token",
        "Fly.io token",
        High,
        ACCOUNT,
        "fly tokens revoke ID",
    ),
    secret(
        "secret-vault-token",
        "HashiCorp Vault token",
        Critical,
        "whoever can pull the image reads what that token reads, often every other secret",
        "vault token revoke -accessor ACCESSOR",
    ),
    secret(
        "secret-terraform-token",
        "HCP Terraform token",
        Critical,
        ACCOUNT,
        "revoke it: app.terraform.io/app/settings/tokens",
    ),
    secret(
        "secret-pulumi-token",
        "Pulumi access token",
        High,
        ACCOUNT,
        "revoke it: app.pulumi.com/account/tokens",
    ),
    secret(
        "secret-doppler-token",
        "Doppler token",
        High,
        "whoever can pull the image reads the secrets that the token reads",
        "revoke it in the Doppler dashboard, Access",
    ),
    secret(
        "secret-tailscale-key",
        "Tailscale key",
        High,
        "whoever can pull the image can join the private network",
        "revoke it: login.tailscale.com/admin/settings/keys",
    ),
    secret(
        "secret-github-token",
        "GitHub token",
        Critical,
        CODE,
        "revoke it: github.com/settings/tokens, or delete the app's token",
    ),
    secret(
        "secret-gitlab-token",
        "GitLab token",
        Critical,
        CODE,
        "revoke it: User or project settings, Access tokens",
    ),
    secret(
        "secret-bitbucket-token",
        "Atlassian or Bitbucket token",
        High,
        CODE,
        "revoke it: id.atlassian.com/manage-profile/security/api-tokens",
    ),
    secret(
        "secret-npm-token",
        "npm token",
        Critical,
        "whoever can pull the image can publish packages under that name",
        "npm token revoke TOKEN",
    ),
    secret(
        "secret-pypi-token",
        "PyPI token",
        Critical,
        "whoever can pull the image can publish packages under that name",
        "delete it: pypi.org/manage/account/",
    ),
    secret(
        "secret-rubygems-key",
        "RubyGems API key",
        Critical,
        "whoever can pull the image can publish packages under that name",
        "delete it: rubygems.org/profile/api_keys",
    ),
    secret(
        "secret-crates-token",
        "crates.io token",
        Critical,
        "whoever can pull the image can publish packages under that name",
        "revoke it: crates.io/settings/tokens",
    ),
    secret(
        "secret-docker-token",
        "Docker Hub token",
        Critical,
        "whoever can pull the image can push images under that name",
        "delete it: app.docker.com/settings/personal-access-tokens",
    ),
    secret(
        "secret-registry-login",
        "login of a registry",
        Critical,
        "whoever can pull the image can pull, and often push, what that user may",
        "change that user's password or delete the token, then docker logout REGISTRY",
    ),
    secret(
        "secret-jfrog-key",
        "JFrog key",
        High,
        CODE,
        "revoke it: JFrog platform, Identity and access, Access tokens",
    ),
    secret(
        "secret-sonar-token",
        "SonarQube token",
        Medium,
        CODE,
        "revoke it: My account, Security",
    ),
    secret(
        "secret-buildkite-token",
        "CI service token",
        High,
        CODE,
        "revoke it in the CI service's settings",
    ),
    secret(
        "secret-snyk-sentry-token",
        "Sentry token",
        Medium,
        API,
        "revoke it: sentry.io/settings/account/api/auth-tokens",
    ),
    secret(
        "secret-databricks-token",
        "Databricks token",
        High,
        ACCOUNT,
        "databricks tokens delete ID",
    ),
    secret(
        "secret-planetscale-token",
        "database service token",
        High,
        ACCOUNT,
        "delete it in the service's settings",
    ),
    secret(
        "secret-openai-key",
        "OpenAI API key",
        High,
        API,
        "revoke it: platform.openai.com/api-keys",
    ),
    secret(
        "secret-anthropic-key",
        "Anthropic API key",
        High,
        API,
        "disable it: console.anthropic.com/settings/keys",
    ),
    secret(
        "secret-hugging-face-token",
        "Hugging Face token",
        High,
        API,
        "invalidate it: huggingface.co/settings/tokens",
    ),
    secret(
        "secret-model-service-key",
        "API key of a model service",
        High,
        API,
        "revoke it in that service's console",
    ),
    secret(
        "secret-slack-token",
        "Slack token",
        High,
        "whoever can pull the image can read and write in that workspace as the app may",
        "revoke it: api.slack.com/apps, or auth.revoke",
    ),
    secret(
        "secret-slack-webhook",
        "Slack webhook",
        Medium,
        "whoever can pull the image can write into that channel",
        "delete it: api.slack.com/apps, Incoming webhooks",
    ),
    secret(
        "secret-discord-webhook",
        "Discord webhook",
        Medium,
        "whoever can pull the image can write into that channel",
        "delete it: Server settings, Integrations",
    ),
    secret(
        "secret-telegram-token",
        "Telegram bot token",
        High,
        "whoever can pull the image is that bot",
        "ask @BotFather for /revoke",
    ),
    secret(
        "secret-twilio-key",
        "Twilio key",
        High,
        API,
        "delete it: console.twilio.com, API keys",
    ),
    secret(
        "secret-sendgrid-key",
        "SendGrid key",
        High,
        "whoever can pull the image can send mail in its owner's name",
        "delete it: app.sendgrid.com/settings/api_keys",
    ),
    secret(
        "secret-mailgun-key",
        "Mailgun key",
        High,
        "whoever can pull the image can send mail in its owner's name",
        "delete it: app.mailgun.com/settings/api_security",
    ),
    secret(
        "secret-mail-service-key",
        "API key of a mail service",
        High,
        "whoever can pull the image can send mail in its owner's name",
        "delete it in the service's settings",
    ),
    secret(
        "secret-stripe-key",
        "Stripe live key",
        Critical,
        "whoever can pull the image can move money and read customers",
        "roll it: dashboard.stripe.com/apikeys",
    ),
    secret(
        "secret-stripe-test-key",
        "Stripe test key",
        Low,
        "it opens test data only; it shows that keys get into images",
        "roll it: dashboard.stripe.com/test/apikeys",
    ),
    secret(
        "secret-square-token",
        "Square token",
        Critical,
        "whoever can pull the image can move money and read customers",
        "replace it: developer.squareup.com/apps",
    ),
    secret(
        "secret-shopify-token",
        "Shopify token",
        High,
        API,
        "uninstall the app or rotate it: Shopify admin, Apps",
    ),
    secret(
        "secret-datadog-key",
        "Datadog key",
        High,
        API,
        "revoke it: app.datadoghq.com/organization-settings/api-keys",
    ),
    secret(
        "secret-new-relic-key",
        "New Relic key",
        Medium,
        API,
        "delete it: one.newrelic.com/api-keys",
    ),
    secret(
        "secret-grafana-token",
        "Grafana token",
        High,
        API,
        "delete it: Administration, Service accounts",
    ),
    secret(
        "secret-dynatrace-token",
        "Dynatrace token",
        High,
        API,
        "revoke it: Access tokens",
    ),
    secret(
        "secret-postman-key",
        "Postman key",
        Medium,
        API,
        "delete it: go.postman.co/settings/me/api-keys",
    ),
    secret(
        "secret-workspace-token",
        "token of a workspace service",
        Medium,
        "whoever can pull the image can read that workspace",
        "revoke it in the service's settings",
    ),
    secret(
        "secret-private-key",
        "private key",
        High,
        "whoever can pull the image can be whom the key proves: a server, a person, a signer",
        "make a new key pair, and take the old public key or certificate out of use",
    ),
    secret(
        "secret-private-key-encrypted",
        "private key, encrypted",
        Low,
        "it is as strong as its passphrase, which can be guessed without limit",
        "make a new key pair if the passphrase is short or shared",
    ),
    secret(
        "secret-ssh-host-key",
        "SSH host key",
        Medium,
        "every container of the image has the same host key, so each of them can be impersonated",
        "remove it, and make one at start: ssh-keygen -A",
    ),
    secret(
        "secret-kubeconfig",
        "credentials of a kubeconfig",
        Critical,
        "whoever can pull the image can act in that cluster as that user",
        "take the user's rights away: delete his bindings, or the ServiceAccount's token; client certificates cannot be revoked",
    ),
    secret(
        "secret-json-web-token",
        "JSON web token",
        Low,
        "it may still be accepted; many expire within hours",
        "end the session, or rotate the signing key if it does not expire",
    ),
    secret(
        "secret-password-in-url",
        "password in a URL",
        High,
        "whoever can pull the image can log in there",
        "change the password",
    ),
    secret(
        "secret-login-file",
        "login in a file that programs log in with",
        High,
        "whoever can pull the image can log in there",
        "change the password, or revoke the token",
    ),
    secret(
        "secret-password-hash",
        "password hash",
        Low,
        "weak passwords behind it are found by guessing",
        "lock the account (passwd -l NAME), or keep the file out of the image",
    ),
    secret(
        "secret-no-password",
        "account without a password",
        High,
        "whoever runs code in the container can become that user without a password",
        "RUN passwd -l NAME",
    ),
    secret(
        "secret-password",
        "password or key in a file",
        Medium,
        "whoever can pull the image has it; whether it is in use is not known",
        "change it if it is in use",
    ),
    Check {
        id: "secret-in-environment",
        title: "password or key in the image's environment",
        severity: High,
        why: "whoever can pull the image reads it (docker inspect), and so does every process of the container",
        first: "change it",
        exact: RUNTIME,
    },
    Check {
        id: "secret-in-history",
        title: "password or key in the image's build history",
        severity: High,
        why: "whoever can pull the image reads it (docker history --no-trunc)",
        first: "change it",
        exact: RUNTIME,
    },
    setting(
        "image-root-user",
        "runs as root",
        Medium,
        "code that breaks in is root in the container, one kernel or runtime flaw away from the node",
        "name a user in the last stage; a number, so that runAsNonRoot can check it:",
        &["RUN useradd --system --uid 10001 app", "USER 10001"],
    ),
    setting(
        "image-setuid",
        "setuid or setgid files of the application",
        Medium,
        "whoever runs code in the container becomes their owner through a flaw in them",
        "take the bit away, and set allowPrivilegeEscalation: false:",
        &["RUN chmod a-s FILE"],
    ),
    setting(
        "image-setuid-system",
        "setuid or setgid files of the distribution",
        Low,
        "containers need none of them; allowPrivilegeEscalation: false makes them harmless",
        "take the bits away in the last stage:",
        &["RUN find / -xdev -perm /6000 -type f -exec chmod a-s {} +"],
    ),
    setting(
        "image-file-capabilities",
        "files with capabilities",
        Low,
        "whoever runs them gets rights that the user does not have",
        "see whether it needs them, then:",
        &["RUN setcap -r FILE"],
    ),
    setting(
        "image-world-writable",
        "files that everybody may write",
        Medium,
        "any process of the container can change what others run or read",
        "give them to the user who needs them:",
        &[
            "COPY --chown=10001 --chmod=0755 . /app",
            "RUN chmod -R o-w FOLDER",
        ],
    ),
    setting(
        "image-tools",
        "shell and package manager left in",
        Low,
        "they are what an intruder uses next; an image without them has fewer packages to mend, too",
        "copy the application into a base without them:",
        &[
            "FROM gcr.io/distroless/static-debian12:nonroot",
            "COPY --from=build /app /app",
        ],
    ),
    setting(
        "image-build-tools",
        "build tools left in",
        Low,
        "compilers and headers are most of what is found in an image, and nothing that runs needs them",
        "build in a stage of its own:",
        &[
            "FROM BASE AS build",
            "FROM BASE-WITHOUT-TOOLS",
            "COPY --from=build /app /app",
        ],
    ),
    setting(
        "image-many-packages",
        "many more packages than the distribution's minimal base",
        Low,
        "each of them is to be kept up to date, and most are not used",
        "begin with the minimal base and install what is used:",
        &["RUN apt-get install -y --no-install-recommends PACKAGE"],
    ),
    setting(
        "image-remote-add",
        "ADD of a remote file",
        Medium,
        "what the server gives on the day of the build becomes part of the image, unchecked",
        "say which content is meant:",
        &["ADD --checksum=sha256:DIGEST URL /FILE"],
    ),
    setting(
        "image-curl-to-shell",
        "a download that is run at once",
        Medium,
        "what the server gives on the day of the build runs as root, unchecked",
        "check what was downloaded before it runs:",
        &[
            "ADD --checksum=sha256:DIGEST URL /tmp/install.sh",
            "RUN sh /tmp/install.sh",
        ],
    ),
    setting(
        "image-ssh-port",
        "SSH port exposed",
        Medium,
        "a login server in a container is a second way in, with its own passwords and keys",
        "remove the server; kubectl exec does the same and is audited:",
        &["remove EXPOSE 22 and the sshd package"],
    ),
    setting(
        "image-low-port",
        "listens on a port below 1024",
        Low,
        "it asks for root or NET_BIND_SERVICE",
        "listen above 1023, and let the Service map it:",
        &["EXPOSE 8080"],
    ),
    setting(
        "image-latest-base",
        "built on `latest`",
        Low,
        "two builds of the same Dockerfile give different images",
        "name a version and a digest:",
        &["FROM NAME:VERSION@sha256:DIGEST"],
    ),
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn rows_are_whole_and_stand_once() {
        let ids: BTreeSet<&str> = TABLE.iter().map(|check| check.id).collect();
        assert_eq!(ids.len(), TABLE.len());
        for row in TABLE {
            let known = ["secret-", "image-"];
            assert!(known.iter().any(|kind| row.id.starts_with(kind)), "{row:?}");
            assert!(!row.title.is_empty() && !row.why.is_empty() && !row.first.is_empty());
            assert!(!row.exact.is_empty() && !row.why.ends_with('.'), "{row:?}");
            assert_eq!(check(row.id), Some(row));
        }
        assert_eq!(check("image-"), None);
    }
}
