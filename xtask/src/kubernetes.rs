//! The real kube-apiserver and etcd of the end-to-end tests, both from the Debian packages that
//! this machine is configured for: etcd unpacked from its package (installing it would start a
//! service), kube-apiserver built from the source package `kubernetes`. Results are cached
//! outside the project. Nothing here runs a server or names a mirror.

use crate::command::{output, run};
use crate::place;
use anyhow::{Context, Result, bail};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

/// The version in Debian 12's source package, which says `1.20.5+really1.20.2`.
const VERSION: &str = "1.20.2";

/// What the build calls, as (program, Debian package).
pub(crate) const BUILD_TOOLS: &[(&str, &str)] = &[
    ("go", "golang-go"),
    ("make", "make"),
    ("rsync", "rsync"),
    ("dpkg-source", "dpkg-dev"),
    ("patch", "patch"),
    ("xz", "xz-utils"),
];

/// Both servers, ready to be started.
pub(crate) struct Binaries {
    pub apiserver: PathBuf,
    pub etcd: PathBuf,
}

/// What an earlier run left in the cache, if complete.
pub(crate) fn cached() -> Option<Binaries> {
    let binaries = paths();
    (binaries.apiserver.is_file() && binaries.etcd.is_file()).then_some(binaries)
}

/// True where the distribution's packages can be fetched at all.
pub(crate) fn possible() -> bool {
    place::on_path("apt-get").is_some() && place::on_path("dpkg-deb").is_some()
}

/// Fetches and builds what the cache lacks: seconds for etcd, minutes for kube-apiserver.
pub(crate) fn provide() -> Result<Binaries> {
    let folder = place::e2e();
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let lock = File::create(folder.join("lock"))?;
    lock.lock()
        .context("cannot lock the cache of the end-to-end tests")?;
    if let Some(binaries) = cached() {
        return Ok(binaries);
    }
    let work = folder.join("build");
    remove(&work)?;
    fs::create_dir_all(&work)?;
    let binaries = paths();
    if !binaries.etcd.is_file() {
        fetch_program(&work, "etcd-server", "etcd", &binaries.etcd)?;
    }
    if !binaries.apiserver.is_file() {
        build_apiserver(&work, &binaries.apiserver)?;
    }
    remove(&work)?;
    Ok(binaries)
}

fn paths() -> Binaries {
    let folder = place::e2e();
    Binaries {
        apiserver: folder.join(format!("kube-apiserver-{VERSION}")),
        etcd: folder.join("etcd"),
    }
}

/// One program out of a Debian package that is not installed: installing it would start its service.
pub(crate) fn fetch_program(
    work: &Path,
    package: &str,
    program: &str,
    target: &Path,
) -> Result<()> {
    run(apt(work)?.args(["--quiet=2", "download", package]))?;
    let file = find(work, &format!("{package}_"), ".deb")?;
    let tree = work.join(package);
    run(Command::new("dpkg-deb")
        .arg("--extract")
        .arg(file)
        .arg(&tree))?;
    install(&tree.join("usr/bin").join(program), target)
}

fn build_apiserver(work: &Path, target: &Path) -> Result<()> {
    let missing: Vec<&str> = BUILD_TOOLS
        .iter()
        .filter(|(program, _)| place::on_path(program).is_none())
        .map(|(_, package)| *package)
        .collect();
    if !missing.is_empty() {
        bail!(
            "building kube-apiserver needs the Debian packages {}",
            missing.join(", ")
        );
    }
    let start = Instant::now();
    eprintln!("building kube-apiserver {VERSION} from source, once (about five minutes)");
    fetch_source(work)?;
    let description = find(work, "kubernetes_", ".dsc")?;
    // Another release of the distribution has another version, which nobody has built this way.
    if !description
        .to_string_lossy()
        .contains(&format!("really{VERSION}-"))
    {
        bail!(
            "{} is not Kubernetes {VERSION}: Debian 12 is needed",
            description.display()
        );
    }
    let tree = work.join("source");
    // Its warnings (a signature by a key that is not here; apt has checked the archive's) are noise.
    output(
        Command::new("dpkg-source")
            .arg("--extract")
            .arg(description)
            .arg(&tree),
    )?;
    replace_reflect2(work, &tree)?;
    let log = work.join("make.log");
    let written = File::create(&log)?;
    // The build scripts take all of GOFLAGS for build tags, so it must be unset; the module
    // proxy is switched off because the source package carries its dependencies.
    let made = run(Command::new("nice")
        .args(["-n", "5", "make", "WHAT=cmd/kube-apiserver"])
        .current_dir(&tree)
        .env_remove("GOFLAGS")
        .env("GOMAXPROCS", "2")
        .env("GOPROXY", "off")
        .env("CGO_ENABLED", "0")
        .stdin(Stdio::null())
        .stdout(written.try_clone()?)
        .stderr(written));
    if let Err(error) = made {
        let text = fs::read_to_string(&log).unwrap_or_default();
        let from = text.lines().count().saturating_sub(20);
        let tail: Vec<&str> = text.lines().skip(from).collect();
        return Err(error.context(format!(
            "kube-apiserver does not build:\n{}",
            tail.join("\n")
        )));
    }
    install(&tree.join("_output/bin/kube-apiserver"), target)?;
    eprintln!("built kube-apiserver in {} s", start.elapsed().as_secs());
    Ok(())
}

/// Source packages come from the archives that the machine takes its binary packages from; the
/// list is our own and temporary, so the machine's configuration stays as it is.
fn fetch_source(work: &Path) -> Result<()> {
    let sources = output(Command::new("apt-get").args([
        "indextargets",
        "--format",
        "deb-src $(REPO_URI) $(RELEASE) $(COMPONENT)",
        "Created-By: Packages",
        "Origin: Debian",
    ]))?;
    let mut lines: Vec<&str> = sources.lines().collect();
    lines.sort_unstable();
    lines.dedup();
    if lines.is_empty() {
        bail!("no Debian package list on this machine: run `apt-get update` first");
    }
    fs::create_dir_all(work.join("lists/partial"))?;
    fs::create_dir_all(work.join("archives/partial"))?;
    fs::write(work.join("sources.list"), lines.join("\n") + "\n")?;
    let own = |work: &Path| -> Result<Command> {
        let mut command = apt(work)?;
        let set = |key: &str, file: &str| format!("{key}={}", work.join(file).display());
        command
            .arg("--quiet=2")
            .args(["-o", &set("Dir::Etc::SourceList", "sources.list")])
            .args(["-o", "Dir::Etc::SourceParts=/dev/null"])
            .args(["-o", &set("Dir::State::Lists", "lists")])
            .args(["-o", &set("Dir::Cache", ".")]);
        Ok(command)
    };
    run(own(work)?.arg("update"))?;
    run(own(work)?.args(["source", "--only-source", "--download-only", "kubernetes"]))
}

/// The source carries version 1.0.1 of this library, which reads maps wrongly in programs built by
/// Go 1.18 and later (each POST of a map panics); Debian's package of it is 1.0.2.
fn replace_reflect2(work: &Path, tree: &Path) -> Result<()> {
    const LIBRARY: &str = "github.com/modern-go/reflect2";
    run(apt(work)?.args([
        "--quiet=2",
        "download",
        "golang-github-modern-go-reflect2-dev",
    ]))?;
    let package = find(work, "golang-github-modern-go-reflect2-dev_", ".deb")?;
    let unpacked = work.join("reflect2");
    run(Command::new("dpkg-deb")
        .arg("--extract")
        .arg(package)
        .arg(&unpacked))?;
    let vendored = tree.join("vendor").join(LIBRARY);
    remove(&vendored)?;
    fs::rename(
        unpacked.join("usr/share/gocode/src").join(LIBRARY),
        &vendored,
    )
    .with_context(|| format!("cannot replace {}", vendored.display()))
}

pub(crate) fn apt(work: &Path) -> Result<Command> {
    if !possible() {
        bail!("fetching Debian packages needs apt-get and dpkg-deb");
    }
    let mut command = Command::new("apt-get");
    // The folder may be readable by its owner only, so apt's own user cannot write there.
    command
        .current_dir(work)
        .args(["-o", "APT::Sandbox::User=root"])
        .stdin(Stdio::null());
    Ok(command)
}

pub(crate) fn find(folder: &Path, prefix: &str, suffix: &str) -> Result<PathBuf> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with(prefix) && name.ends_with(suffix) {
            return Ok(entry.path());
        }
    }
    bail!("no {prefix}*{suffix} in {}", folder.display())
}

/// By rename, so that a half-copied program is never taken for a whole one.
fn install(built: &Path, target: &Path) -> Result<()> {
    let partial = target.with_extension("partial");
    fs::copy(built, &partial).with_context(|| format!("cannot copy {}", built.display()))?;
    fs::rename(&partial, target).with_context(|| format!("cannot write {}", target.display()))
}

fn remove(folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder)
            .with_context(|| format!("cannot remove {}", folder.display()))?;
    }
    Ok(())
}
