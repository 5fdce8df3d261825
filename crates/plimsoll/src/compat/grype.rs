//! `compat grype`: its flags, `GRYPE_*` variables and `.grype.yaml` with its ignore rules into a command line of ours.
//! Words count more than variables, variables more than the file, as there.
//! Never: a filter or a report that we do not have passed over in silence.

use super::asked::{Asked, Given, OURS, Table, find, help};
use super::configured;
use super::grype_table::TABLE;
use super::login::Login;
use super::plan::{Plan, Surroundings, host, is_document};
use serde_json::Value;
use std::path::PathBuf;

const ALL: &Table = &[TABLE, OURS];

/// Since 0.92: "vulnerabilities at or above the threshold"; other failures are 1.
const FOUND: u8 = 2;

pub(super) fn plan(words: &[String], around: &Surroundings) -> anyhow::Result<Plan> {
    let mut asked = Asked::of(words, ALL);
    let mut plan = Plan {
        found: FOUND,
        ..Plan::default()
    };
    if asked.is_on("help") {
        plan.only_say = Some(format!(
            "plimsoll compat grype TARGET, with the flags of Grype, its variables GRYPE_... and .grype.yaml. TARGET is an \
             image, an archive, a folder, a list of packages, or one of these with docker: podman: registry: \
             docker-archive: oci-archive: oci-dir: dir: sbom: in front. What becomes of each flag:\n\n{}",
            help(ALL)
        ));
        return Ok(plan);
    }
    if asked.is_on("version") || asked.targets.first().map(String::as_str) == Some("version") {
        plan.only_say = Some(format!("Version: plimsoll {}\n", env!("CARGO_PKG_VERSION")));
        return Ok(plan);
    }
    variables(&mut asked, &mut plan, around);
    let logins = files(&mut asked, &mut plan, around)?;
    plan.dry_run = asked.is_on("dry-run");
    plan.refused.extend(asked.wrong.iter().cloned());
    let targets = asked.targets.clone();
    let reference = match targets.as_slice() {
        // `cat sbom.json | grype`.
        [] if around.piped => target_of("sbom:-", &asked, &mut plan, around),
        [] => {
            plan.refused
                .push("what is to be scanned is missing".to_owned());
            return Ok(plan);
        }
        [target] => target_of(target, &asked, &mut plan, around),
        [command, ..] if matches!(&**command, "db" | "completion" | "config" | "explain") => {
            let why = "plimsoll has commands of its own: plimsoll db --help, plimsoll explain CVE";
            plan.refuse(&format!("grype {command}"), why);
            return Ok(plan);
        }
        [_, more, ..] => {
            plan.refused
                .push(format!("one target at a time; `{more}` is a second one"));
            return Ok(plan);
        }
    };
    output(&asked, &mut plan);
    filters(&asked, &mut plan);
    gate(&asked, &mut plan);
    registry(reference.as_deref(), &asked, logins, &mut plan);
    plan.follow(&asked, ALL);
    if !plan.has("--ignorefile") {
        plan.flag("--no-ignorefile");
    }
    Ok(plan)
}

/// `GRYPE_DB_AUTO_UPDATE` is the key `db.auto-update`.
fn variables(asked: &mut Asked, plan: &mut Plan, around: &Surroundings) {
    for (name, value) in &around.variables {
        let Some(word) = name.strip_prefix("GRYPE_") else {
            continue;
        };
        let as_variable = |key: &str| key.to_ascii_uppercase().replace(['.', '-'], "_");
        let row = TABLE.iter().find(|row| as_variable(row.key) == word);
        let row = row.or_else(|| {
            let flag = word.to_ascii_lowercase().replace('_', "-");
            find(&[TABLE], &flag)
        });
        match row {
            Some(row) => asked.fall_back(row, std::slice::from_ref(value), name.clone()),
            None if value.is_empty() => {}
            None => plan.note(name, "it is not known here"),
        }
    }
}

/// The first that is there, as Grype looks for them.
fn file(asked: &Asked, around: &Surroundings) -> Option<PathBuf> {
    if let Some(named) = asked.one("config") {
        return Some(named.into());
    }
    let here = [".grype.yaml", ".grype/config.yaml"];
    if let Some(file) = here.iter().find_map(|name| around.here(name)) {
        return Some(file);
    }
    let home = around.home.iter().map(|home| home.join(".grype.yaml"));
    let own = around
        .configuration
        .iter()
        .map(|folder| folder.join("grype/config.yaml"));
    home.chain(own).find(|file| file.is_file())
}

/// Goes out: the logins that the file holds, by registry.
fn files(
    asked: &mut Asked,
    plan: &mut Plan,
    around: &Surroundings,
) -> anyhow::Result<Vec<(String, Login)>> {
    let Some(file) = file(asked, around) else {
        return Ok(Vec::new());
    };
    let name = file.display().to_string();
    let read = configured::read(&around.folder.join(&file))?;
    plan.notes.push(format!("using {name}"));
    let rules = read.whole.get("ignore").and_then(Value::as_array);
    if rules.is_some_and(|rules| !rules.is_empty()) {
        plan.value("--ignorefile", &name);
    }
    for (key, values) in read.leaves {
        let from = format!("{key} of {name}");
        let key = match &*key {
            "ignore-states" => "ignore-wontfix",
            "registry.auth" | "ignore" => continue,
            key => key,
        };
        match TABLE.iter().find(|row| row.key == key) {
            Some(row) => asked.fall_back(row, &values, from),
            None if values.iter().all(String::is_empty) => {}
            None if IDLE.iter().any(|start| key.starts_with(start)) => {}
            None => plan.note(&from, "it is not known here"),
        }
    }
    Ok(logins(&read.whole))
}

/// Parts of .grype.yaml that choose how it matches by CPE, logs, or is built.
const IDLE: &[&str] = &[
    "match.",
    "log.",
    "dev.",
    "exp.",
    "external-sources.maven.",
    "db.",
];

fn logins(whole: &Value) -> Vec<(String, Login)> {
    let entries = whole.pointer("/registry/auth").and_then(Value::as_array);
    let login = |entry: &Value| {
        let text = |key: &str| {
            let text = entry.get(key).and_then(Value::as_str);
            text.filter(|text| !text.is_empty()).map(str::to_owned)
        };
        let login = match (text("token"), text("username"), text("password")) {
            (Some(token), _, _) => Login::Token(token),
            (None, Some(user), Some(password)) => Login::Password { user, password },
            _ => return None,
        };
        Some((text("authority").unwrap_or_default(), login))
    };
    entries.into_iter().flatten().filter_map(login).collect()
}

/// Goes out: the reference of an image in a registry or store.
fn target_of(
    target: &str,
    asked: &Asked,
    plan: &mut Plan,
    around: &Surroundings,
) -> Option<String> {
    let reference = source_of(target, asked, plan, around);
    if plan.words.get(1).is_some_and(|what| what != "sbom") && asked.one("distro").is_some() {
        plan.refuse(&asked.from("distro"), "the artifact itself says it");
    }
    reference
}

/// Grype looks for nothing else.
const ONLY: &str = "--scanners=vuln";

fn source_of(
    target: &str,
    asked: &Asked,
    plan: &mut Plan,
    around: &Surroundings,
) -> Option<String> {
    let (scheme, rest) = match target.split_once(':') {
        Some((scheme, rest)) if is_scheme(scheme) => (scheme, rest),
        _ if around.at(target).is_dir() => {
            let layout = around.at(target).join("oci-layout").is_file();
            (if layout { "oci-dir" } else { "dir" }, target)
        }
        _ if around.at(target).is_file() => {
            let document = is_document(&around.at(target));
            (if document { "sbom" } else { "docker-archive" }, target)
        }
        _ => ("", target),
    };
    match scheme {
        "dir" => {
            let flags = ["--lock-files", ONLY].map(str::to_owned);
            plan.scan("rootfs", Some(rest), &flags);
        }
        "sbom" => {
            let distribution = asked.one("distro").map(|text| format!("--distro={text}"));
            plan.scan("sbom", Some(rest), distribution.as_slice());
        }
        "docker-archive" | "oci-archive" | "oci-dir" => {
            plan.scan("image", None, &[format!("--input={rest}"), ONLY.to_owned()]);
            platform(asked, plan);
        }
        "singularity" | "file" | "purl" | "cpes" | "pkg" | "snap" => {
            plan.refuse(
                &format!("{scheme}:"),
                "images, archives, folders and lists of packages are read",
            );
        }
        _ => {
            plan.scan("image", Some(rest), &[ONLY.to_owned()]);
            platform(asked, plan);
            sources(scheme, asked, plan);
            return Some(rest.to_owned());
        }
    }
    None
}

fn is_scheme(word: &str) -> bool {
    matches!(
        word,
        "dir"
            | "sbom"
            | "docker"
            | "podman"
            | "containerd"
            | "registry"
            | "docker-archive"
            | "oci-archive"
            | "oci-dir"
            | "singularity"
            | "file"
            | "purl"
            | "cpes"
            | "pkg"
            | "snap"
    )
}

/// Where an image is looked for: what its name says, the flag, else Grype's order.
fn sources(scheme: &str, asked: &Asked, plan: &mut Plan) {
    let flag = asked.all("from").join(",");
    let default = asked.one("default-image-pull-source").unwrap_or("");
    let order = match (scheme, &*flag, default) {
        // All stores that are there, then the registry.
        ("", "", "") => return,
        ("", "", default) => default,
        ("", flag, _) => flag,
        (scheme, _, _) => scheme,
    };
    plan.value("--image-src", order);
}

/// `arm64` is of Linux; `linux` alone says nothing.
fn platform(asked: &Asked, plan: &mut Plan) {
    let Some(platform) = asked.one("platform") else {
        return;
    };
    let platform = match platform {
        "linux" => return plan.note(&asked.from("platform"), "images are of Linux anyway"),
        whole if whole.contains('/') => whole.to_owned(),
        architecture => format!("linux/{architecture}"),
    };
    plan.value("--platform", platform);
}

fn output(asked: &Asked, plan: &mut Plan) {
    let from = asked.from("output");
    let default = ["table".to_owned()];
    let asked_for = match asked.all("output") {
        [] => &default[..],
        all => all,
    };
    let mut shown = false;
    for one in asked_for {
        let (form, file) = match one.split_once('=') {
            Some((form, file)) => (form, Some(file)),
            None => (one.as_str(), asked.one("file")),
        };
        let ours = match form {
            "table" => "table",
            "json" => "grype-json",
            "cyclonedx-json" => "cyclonedx",
            "sarif" => "sarif",
            "cyclonedx" | "cyclonedx-xml" => {
                plan.refuse(&format!("{from} {form}"), "cyclonedx-json is written");
                continue;
            }
            "template" => {
                plan.refuse(&format!("{from} template"), "templates are not run");
                continue;
            }
            other => {
                let why = "table, json, cyclonedx-json, sarif are";
                plan.refuse(&format!("{from} {other}"), why);
                continue;
            }
        };
        match (file, shown) {
            (Some(file), true) => plan.value("--also", format!("{ours}={file}")),
            (None, true) => plan.refuse(
                &format!("{from} {form}"),
                "one form goes to standard output",
            ),
            (file, false) => {
                shown = true;
                plan.value("--format", ours);
                if let Some(file) = file {
                    plan.value("--output", file);
                }
            }
        }
    }
}

fn filters(asked: &Asked, plan: &mut Plan) {
    let mut states: Vec<&str> = Vec::new();
    if asked.is_on("only-notfixed") {
        states.push("fixed");
    }
    for state in asked.all("ignore-states") {
        match &**state {
            "fixed" => states.push("fixed"),
            "not-fixed" => states.extend(["affected", "fix_deferred"]),
            "wont-fix" => states.extend(["will_not_fix", "end_of_life"]),
            "unknown" => states.extend(["unknown", "under_investigation"]),
            other => plan.refuse(
                &format!("{} {other}", asked.from("ignore-states")),
                "fixed, not-fixed, wont-fix, unknown are",
            ),
        }
    }
    if !states.is_empty() {
        plan.value("--ignore-status", states.join(","));
    }
}

fn gate(asked: &Asked, plan: &mut Plan) {
    if let Some(severity) = asked.one("fail-on") {
        const WORDS: [&str; 5] = ["negligible", "low", "medium", "high", "critical"];
        if WORDS.contains(&severity.to_ascii_lowercase().as_str()) {
            plan.value("--fail-on", severity.to_ascii_lowercase());
            plan.value("--exit-code", FOUND.to_string());
        } else {
            plan.refuse(
                &format!("{} {severity}", asked.from("fail-on")),
                "negligible, low, medium, high, critical are",
            );
        }
    }
    if asked.one("max-db-age").is_some() {
        return;
    }
    let checked = asked.given.get("db-validate-age").map(Given::last);
    if matches!(checked, Some("false" | "0" | "f" | "F" | "FALSE" | "False")) {
        // A hundred years.
        plan.value("--max-db-age", "36500");
        plan.notes.push(format!(
            "{}: judged by the database that is there, however old it is",
            asked.from("db-validate-age")
        ));
        return;
    }
    let Some(age) = asked.one("db-max-allowed-built-age") else {
        return;
    };
    match hours(age) {
        Some(hours) => plan.value("--max-db-age", (hours / 24).to_string()),
        None => plan.refuse(
            &format!("{} {age}", asked.from("db-max-allowed-built-age")),
            "hours such as 120h are",
        ),
    }
}

/// Go's `120h`, `120h0m0s`.
fn hours(text: &str) -> Option<u32> {
    let (hours, rest) = text.split_once('h')?;
    let whole = rest.is_empty() || matches!(rest, "0m" | "0s" | "0m0s");
    hours.parse().ok().filter(|_| whole)
}

fn registry(reference: Option<&str>, asked: &Asked, logins: Vec<(String, Login)>, plan: &mut Plan) {
    let host = reference.and_then(host);
    if asked.is_on("registry-insecure-use-http") {
        match &host {
            Some(host) => plan.value("--insecure-registry", host),
            None => plan.note(
                &asked.from("registry-insecure-use-http"),
                "no registry is named",
            ),
        }
    }
    let text = |flag: &str| asked.one(flag).map(str::to_owned);
    let own = match (
        text("registry-auth-token"),
        text("registry-auth-username"),
        text("registry-auth-password"),
    ) {
        (Some(token), _, _) => Some(Login::Token(token)),
        (None, Some(user), Some(password)) => Some(Login::Password { user, password }),
        _ => None,
    };
    let own = own.map(|login| (text("registry-auth-authority").unwrap_or_default(), login));
    let Some(host) = host else { return };
    let is =
        |authority: &str| authority.is_empty() || authority == host || known_as(authority) == host;
    let found = own
        .into_iter()
        .chain(logins)
        .find(|(authority, _)| is(authority));
    plan.login = found.map(|(_, login)| (login, host.clone()));
}

/// Docker Hub has several names.
fn known_as(authority: &str) -> &str {
    match authority {
        "index.docker.io" | "https://index.docker.io/v1/" | "registry-1.docker.io" => "docker.io",
        other => other.trim_start_matches("https://").trim_end_matches('/'),
    }
}
