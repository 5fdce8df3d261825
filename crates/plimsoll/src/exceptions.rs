//! Which VEX documents and ignore files count. Comes in: the flags, the current folder, the base of a pull request.
//! Never: an ignore entry that what is judged brought itself, where the base can be seen (rule 17).

use crate::args::{Scan, Target};
use crate::settings::Settings;
use anyhow::Context as _;
use model::evidence::{Gap, GapWeight, Stage};
use scan::Rulings;
use scan::ignore::Ignores;
use scan::rulings::{self, IgnoreFile, ignore_file};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const NAME: &str = ".plimsollignore.yaml";

/// What was read, and what is to be said of it.
#[derive(Default)]
pub(crate) struct Exceptions {
    pub(crate) rulings: Rulings,
    pub(crate) gaps: Vec<Gap>,
    pub(crate) notes: Vec<String>,
}

/// Reads the files that were named, else the ignore file of the current folder.
pub(crate) fn read(
    target: &Target,
    options: &Scan,
    settings: &Settings,
) -> anyhow::Result<Exceptions> {
    let flags = &options.exceptions;
    let mut read = Exceptions::default();
    read.rulings.annotations = flags.ignore_annotations;
    let mut lists = options.reports.clone();
    if let Target::Sbom { file, .. } = target {
        lists.push(file.clone());
    }
    read.rulings.vex = rulings::vex(&flags.vex, &lists)?;
    let mut files = flags.ignore_files.clone();
    let here = Path::new(NAME);
    if files.is_empty() && !flags.no_ignorefile && here.is_file() {
        if came_along(target) {
            read.notes.push(format!(
                "{NAME} came with what is scanned and takes nothing out; --ignorefile {NAME} makes it count"
            ));
        } else {
            read.notes
                .push(format!("using {NAME} of the current folder"));
            files.push(here.to_owned());
        }
    }
    if !flags.ignore_base.is_empty() {
        let base = flags.ignore_base.iter().map(|path| ignore_file(path));
        let base = base.collect::<Result<Vec<_>, _>>()?;
        let names: Vec<String> = flags
            .ignore_base
            .iter()
            .map(|p| p.display().to_string())
            .collect();
        for path in &files {
            let file = ignore_file(path)?;
            read.rulings
                .ignores
                .push(Ignores::against(file, &base, &names.join(", ")));
        }
        return Ok(read);
    }
    for path in &files {
        let file = ignore_file(path)?;
        let ignores = match (&flags.base_ref, &settings.base_ref) {
            (Some(base), _) => {
                let known = of_base(base, path)
                    .with_context(|| format!("cannot read {} of {base}", path.display()))?;
                Ignores::against(file, &known, base)
            }
            (None, Some(base)) => match of_base(base, path) {
                Ok(known) => Ignores::against(file, &known, base),
                Err(error) => {
                    read.gaps.push(unseen(path, base, &error));
                    Ignores::against(file, &[], base)
                }
            },
            (None, None) => Ignores::whole(file),
        };
        read.rulings.ignores.push(ignores);
    }
    Ok(read)
}

/// Whether the current folder is part of what is scanned: then its ignore file is the scanned one's word.
fn came_along(target: &Target) -> bool {
    let folders: Vec<&PathBuf> = match target {
        Target::Manifests { paths, .. } => paths.iter().collect(),
        Target::Rootfs { folder, .. } => vec![folder],
        _ => Vec::new(),
    };
    let Ok(here) = std::env::current_dir().and_then(|folder| folder.canonicalize()) else {
        return true;
    };
    let real = Path::new(NAME)
        .canonicalize()
        .unwrap_or_else(|_| here.clone());
    folders
        .iter()
        .filter_map(|path| path.canonicalize().ok())
        .filter(|path| path.is_dir())
        .any(|scanned| here.starts_with(&scanned) || real.starts_with(&scanned))
}

fn unseen(path: &Path, base: &str, error: &anyhow::Error) -> Gap {
    Gap {
        class: "ignore-base-unseen".into(),
        what: format!(
            "{} takes nothing out: what {base} has of it cannot be seen ({error:#})",
            path.display()
        )
        .into(),
        stage: Stage::Rank,
        scope: format!("ignore file {}", path.display()).into(),
        weight: GapWeight::Notice,
        close: "fetch the base branch (fetch-depth: 0), or give --ignorefile-base FILE".into(),
    }
}

/// The file as the base has it; none where the base has no such file.
fn of_base(base: &str, path: &Path) -> anyhow::Result<Vec<IgnoreFile>> {
    let sound =
        !base.is_empty() && !base.starts_with('-') && !base.contains([':', '\0', '\n', ' ']);
    anyhow::ensure!(sound, "`{base}` is no name of a branch or commit");
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    let name = path
        .file_name()
        .and_then(|name| name.to_str())
        .context("it has no name")?;
    let commit = format!("{base}^{{commit}}");
    let (known, _) = git(folder, &["rev-parse", "--verify", "--quiet", &commit])?;
    anyhow::ensure!(known, "git knows no commit {base} here");
    let (there, bytes) = git(folder, &["cat-file", "blob", &format!("{base}:./{name}")])?;
    if !there {
        return Ok(Vec::new());
    }
    let file = rulings::ignore_bytes(&format!("{base}:{}", path.display()), &bytes)?;
    Ok(vec![file])
}

/// Runs git with bounded time and output; whether it succeeded, and what it wrote. It fetches nothing.
fn git(folder: &Path, arguments: &[&str]) -> anyhow::Result<(bool, Vec<u8>)> {
    const LONGEST: Duration = Duration::from_secs(20);
    const LARGEST: u64 = 4 << 20;
    let mut child = Command::new("git")
        .arg("-C")
        .arg(folder)
        .args(arguments)
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("GIT_NO_LAZY_FETCH", "1")
        .env("GIT_OPTIONAL_LOCKS", "0")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .context("cannot run git")?;
    let output = child.stdout.take().context("git has no output")?;
    let reader = std::thread::spawn(move || {
        let mut bytes = Vec::new();
        output
            .take(LARGEST + 1)
            .read_to_end(&mut bytes)
            .map(|_| bytes)
    });
    let start = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().context("cannot wait for git")? {
            break status;
        }
        if start.elapsed() > LONGEST {
            let _ = child.kill();
            let _ = child.wait();
            anyhow::bail!("git took longer than {} s", LONGEST.as_secs());
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    let bytes = reader.join().ok().context("reading from git failed")?;
    let bytes = bytes.context("cannot read from git")?;
    anyhow::ensure!(
        bytes.len() as u64 <= LARGEST,
        "the file there is larger than 4 MiB"
    );
    Ok((status.success(), bytes))
}
