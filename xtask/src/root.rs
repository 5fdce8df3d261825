//! A real root file system to compare with others on: Debian's minbase, and the same with old Python, npm, Ruby, Java,
//! Go and Rust packages in it, some owned by dpkg and some not. From the package sources that this machine is
//! configured for, into the folder of the tests' tools, once. Never names a mirror.

use crate::command::{cargo, output, run};
use crate::install::as_root;
use crate::{kubernetes, place};
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Raised when what is put in changes, so that no test runs on what an older recipe left.
const NAME: &str = "root-1";

/// For a virtual environment, by pip. Without what they need: only what is named is compared.
const ENVIRONMENT: &[&str] = &[
    "certifi==2022.9.24",
    "cryptography==3.4.7",
    "django==3.2.0",
    "flask==1.0.2",
    "jinja2==2.10",
    "requests==2.19.1",
    "urllib3==1.24.1",
    "werkzeug==0.15.2",
];
/// For the interpreter of the system, by `pip install --target`.
const SYSTEM: &[&str] = &["idna==2.8", "paramiko==2.4.1", "sqlparse==0.4.1"];
/// For an application, by npm, with all that they need.
const NODE: &[&str] = &[
    "@babel/core@7.9.0",
    "axios@0.21.0",
    "esbuild@0.14.0",
    "express@4.16.0",
    "lodash@4.17.20",
    "minimist@1.2.0",
    "node-forge@0.9.0",
    "webpack@4.46.0",
];
/// By dpkg, which then owns their files.
const OWNED: &[&str] = &[
    "age",
    "libcommons-collections3-java",
    "node-semver",
    "python3-pkg-resources",
    "python3-urllib3",
    "python3-yaml",
    "ruby-rack",
];
/// Unpacked beside the system, as a vendor would bring them: nobody owns their files.
const UNOWNED: &[&str] = &[
    "busybox",
    "curl",
    "haproxy",
    "libcommons-fileupload-java",
    "libjackson2-databind-java",
    "liblog4j2-java",
    "libspring-core-java",
    "libxstream-java",
    "openssl",
    "redis-tools",
    "ruby-sinatra",
];

/// A program that says which crates it is made of.
const MANIFEST: &str = r#"[package]
name = "harbour-tool"
version = "0.3.0"
edition = "2021"

[dependencies]
regex = { version = "=1.5.4", default-features = false, features = ["std"] }
smallvec = "=1.6.0"
time = "=0.1.42"

[workspace]
"#;
const PROGRAM: &str = r#"fn main() {
    let digits = regex::Regex::new("[0-9]+").expect("a pattern");
    let words: smallvec::SmallVec<[String; 4]> =
        std::env::args().filter(|word| digits.is_match(word)).collect();
    println!("{} {}", time::now().rfc3339(), words.join(" "));
}
"#;

fn folder() -> PathBuf {
    place::tools().join(NAME)
}

/// True if an earlier run has made all of it.
pub(crate) fn is_there() -> bool {
    folder().is_dir()
}

/// `minbase/` and `full/`; some two minutes, and a part of a gigabyte.
pub(crate) fn provide() -> Result<()> {
    if is_there() {
        return Ok(());
    }
    if !kubernetes::possible() {
        bail!("a Debian root file system can be made on Debian only");
    }
    eprintln!("making a Debian root file system with old packages, once (about two minutes)");
    // Another name until it is whole.
    let work = place::tools().join(format!("{NAME}.work"));
    run(as_root()?.args(["rm", "-rf"]).arg(&work))?;
    fs::create_dir_all(&work).with_context(|| format!("cannot create {}", work.display()))?;
    let (minbase, full) = (work.join("minbase"), work.join("full"));
    bootstrap(&minbase)?;
    output(as_root()?.args(["cp", "-a"]).arg(&minbase).arg(&full))?;
    make_ours(&work)?;
    python(&full)?;
    node(&full)?;
    rust(&work.join("rust"), &full)?;
    debian(&work.join("debian"), &full)?;
    make_ours(&work)?;
    for made in ["rust", "debian"] {
        fs::remove_dir_all(work.join(made))?;
    }
    fs::rename(&work, folder()).with_context(|| format!("cannot rename {}", work.display()))
}

/// The release and the mirror are the machine's own.
fn bootstrap(root: &Path) -> Result<()> {
    run(as_root()?.args(["apt-get", "--quiet=2", "update"]))?;
    let targets = output(Command::new("apt-get").args([
        "indextargets",
        "--format",
        "$(CODENAME) $(REPO_URI)",
        "Created-By: Packages",
        "Label: Debian",
    ]))?;
    let source = targets.lines().filter_map(|line| line.split_once(' '));
    let Some((release, mirror)) = source.filter(|(release, _)| !release.contains('-')).min() else {
        bail!("this machine has no package source of Debian");
    };
    output(
        as_root()?
            .args(["debootstrap", "--variant=minbase", release])
            .arg(root)
            .arg(mirror),
    )?;
    Ok(())
}

/// Tests read everything, also where a developer is not root.
fn make_ours(work: &Path) -> Result<()> {
    let user = output(Command::new("id").arg("-u"))?;
    if user.trim() != "0" {
        run(as_root()?
            .args(["chown", "--recursive", "--no-dereference", user.trim()])
            .arg(work))?;
    }
    Ok(())
}

fn python(root: &Path) -> Result<()> {
    let environment = root.join("opt/app");
    run(Command::new("python3")
        .args(["-m", "venv"])
        .arg(&environment))?;
    let pip = || {
        let mut command = Command::new(environment.join("bin/python"));
        command.args(["-m", "pip", "--quiet", "--disable-pip-version-check"]);
        command.args(["install", "--no-deps", "--only-binary=:all:"]);
        command
    };
    run(pip().args(ENVIRONMENT))?;
    run(pip()
        .arg("--target")
        .arg(root.join("usr/local/lib/python3.11/dist-packages"))
        .args(SYSTEM))
}

fn node(root: &Path) -> Result<()> {
    let project = root.join("srv/shop");
    fs::create_dir_all(&project)?;
    run(Command::new("npm")
        .args(["install", "--ignore-scripts", "--no-audit", "--no-fund"])
        .args(["--loglevel", "error", "--prefix"])
        .arg(&project)
        .args(NODE)
        .stdout(Stdio::null()))
}

fn rust(work: &Path, root: &Path) -> Result<()> {
    let tool = place::tools().join("cargo-auditable");
    if !tool.join("bin/cargo-auditable").is_file() {
        run(cargo()
            .args(["install", "--locked", "--quiet", "--root"])
            .arg(&tool)
            .arg("cargo-auditable@0.7.7"))?;
    }
    fs::create_dir_all(work.join("src"))?;
    fs::write(work.join("Cargo.toml"), MANIFEST)?;
    fs::write(work.join("src/main.rs"), PROGRAM)?;
    run(Command::new(tool.join("bin/cargo-auditable"))
        .args(["auditable", "build", "--release", "--quiet"])
        .current_dir(work)
        .env("CARGO_TARGET_DIR", work.join("target")))?;
    fs::copy(
        work.join("target/release/harbour-tool"),
        root.join("usr/local/bin/harbour-tool"),
    )?;
    Ok(())
}

fn debian(work: &Path, root: &Path) -> Result<()> {
    fs::create_dir_all(work)?;
    run(kubernetes::apt(work)?
        .args(["--quiet=2", "download"])
        .args(OWNED)
        .args(UNOWNED))?;
    let file = |package: &&str| kubernetes::find(work, &format!("{package}_"), ".deb");
    let owned: Vec<PathBuf> = OWNED.iter().map(file).collect::<Result<_>>()?;
    // Not configured: their scripts would need what they depend on.
    let into = format!("--root={}", root.display());
    output(
        as_root()?
            .args(["dpkg", &into, "--force-depends", "--unpack"])
            .args(owned),
    )?;
    let beside = root.join("opt/vendor");
    for package in UNOWNED {
        run(as_root()?
            .args(["dpkg-deb", "--extract"])
            .arg(file(package)?)
            .arg(&beside))?;
    }
    Ok(())
}
