//! `compat trivy`: its flags, `TRIVY_*` variables, `trivy.yaml` and `.trivyignore` into a command line of ours.
//! Words count more than variables, variables more than the file, as there.
//! Never: a filter or a report that we do not have passed over in silence.

use super::asked::{Asked, Given, OURS, Table, find, help};
use super::configured::{self, Configured};
use super::login::Login;
use super::plan::{Plan, Surroundings, host, is_document, is_there};
use super::trivy_table::TABLE;

const ALL: &Table = &[TABLE, OURS];

/// What is scanned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Image,
    Rootfs,
    Files,
    Sbom,
    Cluster,
}

pub(super) fn plan(words: &[String], around: &Surroundings) -> anyhow::Result<Plan> {
    let mut asked = Asked::of(words, ALL);
    let mut plan = Plan {
        found: 1,
        ..Plan::default()
    };
    if asked.is_on("help") {
        plan.only_say = Some(format!(
            "plimsoll compat trivy image|filesystem|rootfs|repository|sbom|kubernetes, with the flags of Trivy, its \
             variables TRIVY_..., trivy.yaml and .trivyignore. What becomes of each flag:\n\n{}",
            help(ALL)
        ));
        return Ok(plan);
    }
    let mut targets = std::mem::take(&mut asked.targets).into_iter();
    let command = targets.next();
    let targets: Vec<String> = targets.collect();
    if asked.is_on("version") || command.as_deref() == Some("version") {
        plan.only_say = Some(format!("Version: plimsoll {}\n", env!("CARGO_PKG_VERSION")));
        return Ok(plan);
    }
    variables(&mut asked, &mut plan, around);
    files(&mut asked, &mut plan, around)?;
    plan.dry_run = asked.is_on("dry-run");
    plan.refused.extend(asked.wrong.iter().cloned());
    let Some(mode) = mode(command.as_deref(), &mut plan) else {
        return Ok(plan);
    };
    if asked.is_on("download-db-only") {
        plan.words = vec!["db".to_owned(), "update".to_owned()];
        if let Some(folder) = asked.one("db") {
            plan.value("--output", folder);
        }
        return Ok(plan);
    }
    let reference = target(mode, &targets, &asked, &mut plan, around);
    format(mode, &asked, &mut plan);
    filters(mode, &asked, &mut plan);
    gate(&asked, &mut plan);
    exceptions(&asked, &mut plan, around);
    registry(mode, reference.as_deref(), &asked, &mut plan);
    if let Some(folder) = asked.one("cache-dir") {
        match mode {
            Mode::Image | Mode::Rootfs | Mode::Files | Mode::Cluster => {
                plan.value("--cache-dir", folder);
            }
            Mode::Sbom => plan.note(&asked.from("cache-dir"), "nothing is kept"),
        }
    }
    if let Some(distribution) = asked.one("distro") {
        match mode {
            Mode::Sbom => plan.value("--distro", distribution.replacen('/', ":", 1)),
            _ => plan.refuse(&asked.from("distro"), "the artifact itself says it"),
        }
    }
    plan.follow(&asked, ALL);
    Ok(plan)
}

/// `TRIVY_SKIP_DIRS` is `--skip-dirs`.
fn variables(asked: &mut Asked, plan: &mut Plan, around: &Surroundings) {
    for (name, value) in &around.variables {
        let Some(flag) = name.strip_prefix("TRIVY_") else {
            continue;
        };
        let flag = flag.to_ascii_lowercase().replace('_', "-");
        match find(&[TABLE], &flag) {
            Some(row) => asked.fall_back(row, std::slice::from_ref(value), name.clone()),
            None if value.is_empty() => {}
            None => plan.note(name, "it is not known here"),
        }
    }
}

/// `--config`, else `trivy.yaml` of the current folder; `--config ""` reads none.
fn files(asked: &mut Asked, plan: &mut Plan, around: &Surroundings) -> anyhow::Result<()> {
    let file = match asked.given.get("config") {
        Some(given) => Some(given.last().into()).filter(|_| !given.last().is_empty()),
        None => around.here("trivy.yaml"),
    };
    let Some(file) = file else { return Ok(()) };
    let name = file.display().to_string();
    let Configured { leaves, .. } = configured::read(&around.folder.join(&file))?;
    plan.notes.push(format!("using {name}"));
    for (key, values) in leaves {
        if let Some(host) = key.strip_prefix("registry.mirrors.") {
            for mirror in &values {
                plan.value("--registry-mirror", format!("{host}={mirror}"));
            }
            continue;
        }
        let key = match &*key {
            "vulnerability.type" => "pkg.types",
            "scan.security-checks" => "scan.scanners",
            key => key,
        };
        let from = format!("{key} of {name}");
        match TABLE.iter().find(|row| row.key == key) {
            Some(row) => asked.fall_back(row, &values, from),
            None if values.iter().all(String::is_empty) => {}
            None if IDLE.iter().any(|start| key.starts_with(start)) => {}
            None => plan.note(&from, "it is not known here"),
        }
    }
    Ok(())
}

/// Parts of trivy.yaml that are of other commands, or only classify licences.
const IDLE: &[&str] = &["clean.", "license.", "repository.", "server.listen"];

fn mode(command: Option<&str>, plan: &mut Plan) -> Option<Mode> {
    let elsewhere = match command {
        Some("image" | "i") => return Some(Mode::Image),
        Some("rootfs") => return Some(Mode::Rootfs),
        Some("filesystem" | "fs" | "repository" | "repo") => return Some(Mode::Files),
        Some("sbom") => return Some(Mode::Sbom),
        Some("kubernetes" | "k8s") => return Some(Mode::Cluster),
        Some("config" | "conf") => "plimsoll scan manifests DIR looks at Kubernetes manifests",
        Some("clean") => {
            "the cache of images is a folder under XDG_CACHE_HOME, which may be removed"
        }
        Some("convert") => "plimsoll queue --from FILE --format FORM shows a saved scan again",
        Some("server" | "client") => {
            "there is no server yet; any number of scans share one database"
        }
        Some("registry") => "logins are those of docker login and podman login",
        Some("vm" | "plugin" | "p" | "module" | "m" | "vex" | "completion") => {
            "there is nothing like it"
        }
        Some(_) => "commands are image, filesystem, rootfs, repository, sbom, kubernetes",
        None => {
            plan.refused.push(
                "a command is missing: image, filesystem, rootfs, repository, sbom, kubernetes"
                    .to_owned(),
            );
            return None;
        }
    };
    plan.refuse(&format!("trivy {}", command.unwrap_or("")), elsewhere);
    None
}

/// Goes out: the reference of an image in a registry or store.
fn target(
    mode: Mode,
    targets: &[String],
    asked: &Asked,
    plan: &mut Plan,
    around: &Surroundings,
) -> Option<String> {
    let what = match mode {
        Mode::Image => "image",
        Mode::Rootfs | Mode::Files => "rootfs",
        Mode::Sbom => "sbom",
        Mode::Cluster => "cluster",
    };
    if let Some(more) = targets.get(1) {
        plan.refused
            .push(format!("one target at a time; `{more}` is a second one"));
    }
    let first = targets.first().map(String::as_str);
    let input = asked.one("input").filter(|_| mode == Mode::Image);
    match (mode, first, input) {
        (Mode::Image, None, Some(input)) => {
            if is_document(&around.at(input)) {
                plan.refuse(
                    &asked.from("input"),
                    "it is a list of packages: trivy sbom FILE",
                );
            }
            plan.scan(what, None, &archive(input, around));
        }
        (Mode::Image, Some(_), Some(_)) => plan
            .refused
            .push("an image is named, and --input too; one of them".to_owned()),
        (Mode::Image, Some(image), None) => {
            plan.scan(what, Some(image), &[]);
            return Some(image.to_owned());
        }
        (Mode::Cluster, context, _) => {
            // In earlier versions the whole cluster was called so.
            let context = context.filter(|name| !matches!(*name, "cluster" | "all"));
            let context = context.map(|context| format!("--context={context}"));
            plan.scan(what, None, context.as_slice());
            if asked.is_on("skip-images") {
                plan.value("--images", "none");
            }
        }
        (Mode::Rootfs | Mode::Files | Mode::Sbom, Some(path), _) => {
            if path.contains("://") || path.starts_with("git@") {
                plan.refuse(path, "clone it, and name the folder");
            } else if mode != Mode::Sbom && around.at(path).is_file() {
                plan.refuse(path, "a folder is scanned, not a single file");
            }
            let declared = (mode == Mode::Files).then(|| "--lock-files".to_owned());
            plan.scan(what, Some(path), declared.as_slice());
        }
        (_, None, _) => plan
            .refused
            .push("what is to be scanned is missing".to_owned()),
    }
    None
}

/// A file or a folder; a folder of several images is `FOLDER:TAG`.
fn archive(input: &str, around: &Surroundings) -> Vec<String> {
    if let Some((path, tag)) = input.rsplit_once(':')
        && !is_there(around, input)
        && is_there(around, path)
    {
        return vec![format!("--input={path}"), format!("--image={tag}")];
    }
    vec![format!("--input={input}")]
}

fn format(mode: Mode, asked: &Asked, plan: &mut Plan) {
    let format = asked.one("format").unwrap_or("table");
    let template = asked.one("template");
    let from = asked.from("format");
    if let Some(template) = template.filter(|_| format != "template") {
        plan.note(
            &format!("{} {template}", asked.from("template")),
            "it needs --format template",
        );
    }
    let ours = match (format, mode) {
        ("table", _) => "table",
        ("sarif", _) => "sarif",
        ("json" | "cyclonedx", Mode::Cluster) => {
            let why = "Trivy's cluster reports are not written; plimsoll scan cluster has --format json, csv, html ...";
            return plan.refuse(&format!("{from} {format}"), why);
        }
        ("json", _) => "trivy-json",
        ("cyclonedx", _) => "cyclonedx",
        ("spdx-json", _) => "spdx-json",
        ("template", _) => match template.and_then(|name| name.rsplit('/').next()) {
            Some("gitlab.tpl") => "gitlab",
            Some("junit.tpl") => "junit",
            Some("html.tpl") => "html",
            _ => {
                let why = "templates are not run; those called gitlab.tpl, junit.tpl and html.tpl have forms of ours";
                return plan.refuse(&format!("{from} template"), why);
            }
        },
        ("github", _) => {
            let why =
                "the dependency snapshot is not written; cyclonedx and spdx-json list packages";
            return plan.refuse(&format!("{from} github"), why);
        }
        ("spdx", _) => return plan.refuse(&format!("{from} spdx"), "spdx-json is written"),
        (other, _) => {
            return plan.refuse(
                &format!("{from} {other}"),
                "table, json, sarif, cyclonedx, spdx-json are",
            );
        }
    };
    plan.value("--format", ours);
}

fn filters(mode: Mode, asked: &Asked, plan: &mut Plan) {
    severity(asked, plan);
    if !asked.all("ignore-status").is_empty() {
        plan.value("--ignore-status", asked.all("ignore-status").join(","));
    }
    let kinds = asked.all("pkg-types");
    if kinds.len() == 1 {
        plan.value("--pkg-types", kinds.concat());
    }
    scanners(mode, asked, plan);
}

/// Trivy's five words; it has none below LOW.
fn severity(asked: &Asked, plan: &mut Plan) {
    const WORDS: [&str; 5] = ["UNKNOWN", "LOW", "MEDIUM", "HIGH", "CRITICAL"];
    let given = asked.all("severity");
    if given.is_empty() {
        return;
    }
    let is = |word: &str| given.iter().any(|given| given.eq_ignore_ascii_case(word));
    for word in given {
        if !WORDS.iter().any(|known| known.eq_ignore_ascii_case(word)) {
            plan.refuse(
                &format!("{} {word}", asked.from("severity")),
                "it is no severity",
            );
        }
    }
    if WORDS.iter().all(|word| is(word)) {
        return;
    }
    let mut ours: Vec<String> = WORDS
        .iter()
        .filter(|word| is(word))
        .map(|word| word.to_ascii_lowercase())
        .collect();
    if is("LOW") {
        ours.push("negligible".to_owned());
    }
    plan.value("--severity", ours.join(","));
}

fn scanners(mode: Mode, asked: &Asked, plan: &mut Plan) {
    let given = asked.all("scanners");
    let from = asked.from("scanners");
    if mode == Mode::Cluster {
        let asks = |word: &str| given.iter().any(|given| given == word);
        if !given.is_empty() && !["vuln", "misconfig", "rbac"].iter().all(|word| asks(word)) {
            plan.refuse(
                &from,
                "the images and the objects of a cluster are judged together",
            );
        }
        return;
    }
    let mut ours = Vec::new();
    for word in given {
        match &**word {
            "vuln" => ours.push("vuln"),
            "secret" => ours.push("secret"),
            "misconfig" | "config" => plan.refuse(
                &format!("{from} {word}"),
                "files of infrastructure are not checked here; plimsoll scan manifests DIR checks manifests",
            ),
            "license" => plan.refuse(&format!("{from} license"), "licences are not judged"),
            _ => plan.refuse(&format!("{from} {word}"), "vuln and secret are"),
        }
    }
    if given.is_empty() {
        ours = vec!["vuln", "secret"];
    }
    // What the image says of itself, beside what is in it.
    for word in asked.all("image-config-scanners") {
        match &**word {
            "misconfig" | "config" => ours.push("config"),
            "secret" if ours.contains(&"secret") => {}
            "secret" => ours.push("secret"),
            other => plan.refuse(
                &format!("{} {other}", asked.from("image-config-scanners")),
                "misconfig and secret are",
            ),
        }
    }
    if !ours.is_empty() && mode != Mode::Sbom {
        plan.value("--scanners", ours.join(","));
    }
}

fn gate(asked: &Asked, plan: &mut Plan) {
    let code = asked.one("exit-code").unwrap_or("0");
    match code.parse::<u8>() {
        Ok(0) => {}
        Ok(code) => {
            plan.found = code;
            plan.value("--exit-code", code.to_string());
        }
        Err(_) => plan.refused.push(format!(
            "{} takes 0 to 255, not `{code}`",
            asked.from("exit-code")
        )),
    }
    for condition in asked.all("fail-on") {
        plan.value("--fail-on", condition);
    }
    let gated = plan.has("--exit-code") || plan.has("--fail-on");
    if asked.is_on("skip-db-update") && asked.one("max-db-age").is_none() {
        if gated {
            // A hundred years.
            plan.value("--max-db-age", "36500");
            plan.notes.push(format!(
                "{}: judged by the database that is there, however old it is",
                asked.from("skip-db-update")
            ));
        } else {
            plan.note(
                &asked.from("skip-db-update"),
                "a scan never updates the database",
            );
        }
    }
    let over = asked.one("exit-on-eol").filter(|code| *code != "0");
    if over.is_some() {
        plan.refuse(
            &asked.from("exit-on-eol"),
            "a release that no feed judges ends a gated scan by itself",
        );
    }
}

fn exceptions(asked: &Asked, plan: &mut Plan, around: &Surroundings) {
    match asked.given.get("ignorefile").map(Given::last) {
        Some("") => {}
        // The default, which need not be there.
        Some(file) if file == ".trivyignore" && !is_there(around, file) => {}
        Some(_) => {
            for file in asked
                .all("ignorefile")
                .iter()
                .filter(|file| !file.is_empty())
            {
                plan.value("--ignorefile", file);
            }
        }
        None => {
            if around.here(".trivyignore").is_some() {
                plan.notes.push("using .trivyignore".to_owned());
                plan.value("--ignorefile", ".trivyignore");
            }
            if around.here(".trivyignore.yaml").is_some() {
                let why =
                    "as in Trivy it counts only if it is named: --ignorefile .trivyignore.yaml";
                plan.note(".trivyignore.yaml", why);
            }
        }
    }
    if !plan.has("--ignorefile") {
        plan.flag("--no-ignorefile");
    }
    for document in asked.all("vex") {
        match &**document {
            "repo" => plan.refuse("--vex repo", "name the documents as files"),
            "oci" => plan.refuse(
                "--vex oci",
                "what comes with an image clears nothing by itself; name the document as a file",
            ),
            file => plan.value("--vex", file),
        }
    }
    if around.here("trivy-secret.yaml").is_some() {
        plan.note("trivy-secret.yaml", "the rules for secrets are our own");
    }
}

fn registry(mode: Mode, reference: Option<&str>, asked: &Asked, plan: &mut Plan) {
    let host = reference.and_then(host);
    for flag in ["insecure", "non-ssl"] {
        if !asked.is_on(flag) || plan.has("--insecure-registry") {
            continue;
        }
        match &host {
            Some(host) => {
                plan.value("--insecure-registry", host);
                plan.notes.push(format!(
                    "{}: plain HTTP is spoken with {host}; for a registry with a certificate of its own give --cacert FILE",
                    asked.from(flag)
                ));
            }
            None => plan.note(&asked.from(flag), "no registry is named"),
        }
    }
    let (users, passwords) = (asked.all("username"), asked.all("password"));
    let login = match (users, passwords, asked.one("registry-token")) {
        ([], [], None) => None,
        (_, _, Some(token)) => Some(Login::Token(token.to_owned())),
        ([user], [password], None) => Some(Login::Password {
            user: user.clone(),
            password: password.clone(),
        }),
        _ => {
            plan.refused.push(
                "one --username with its --password; several logins: --registry-auth FILE"
                    .to_owned(),
            );
            None
        }
    };
    match (login, host) {
        (Some(login), Some(host)) => plan.login = Some((login, host)),
        (Some(_), None) if mode == Mode::Cluster => {
            plan.refuse(
                "--username",
                "a cluster has many registries: --registry-auth FILE",
            );
        }
        (Some(_), None) => plan.note("a login", "no registry is named"),
        (None, _) => {}
    }
    sources(mode, reference, asked, plan);
}

/// Where an image is looked for; without the flag in all stores that are there, then in its registry.
fn sources(mode: Mode, reference: Option<&str>, asked: &Asked, plan: &mut Plan) {
    let given = asked.all("image-src");
    match (given, mode, reference) {
        ([], _, _) => {}
        (order, Mode::Image, Some(_)) => plan.value("--image-src", order.join(",")),
        _ => plan.note(&asked.from("image-src"), "no image is named"),
    }
}
