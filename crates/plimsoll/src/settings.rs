//! The environment, read once.

use anyhow::Context;
use jiff::Timestamp;
use report::terminal::TerminalOptions;
use std::path::PathBuf;

#[derive(Debug)]
pub(crate) struct Settings {
    /// `$XDG_DATA_HOME/plimsoll/db`.
    pub(crate) database: PathBuf,
    /// `$XDG_DATA_HOME/plimsoll/feeds`.
    pub(crate) feeds: PathBuf,
    /// `$XDG_CACHE_HOME/plimsoll/images`.
    pub(crate) images: PathBuf,
    /// Folder for archives that must be unpacked: `$TMPDIR`, else `/var/tmp`, which unlike `/tmp` is never memory.
    pub(crate) spool: PathBuf,
    /// `$XDG_STATE_HOME/plimsoll/last.plimsoll`.
    pub(crate) last_scan: PathBuf,
    /// SOURCE_DATE_EPOCH, else the clock.
    pub(crate) now: Timestamp,
    /// What the change that is built goes into: `origin/main` of a pull request on GitHub, a commit on GitLab.
    pub(crate) base_ref: Option<String>,
    pub(crate) terminal: Terminal,
}

/// What standard output and standard error are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terminal {
    /// Columns of the terminal, 100 elsewhere.
    pub(crate) width: usize,
    pub(crate) colour: bool,
    /// Whether progress may be drawn on standard error.
    pub(crate) progress: bool,
}

impl Terminal {
    /// How text is written to standard output.
    pub(crate) fn options(self) -> TerminalOptions {
        TerminalOptions {
            width: self.width,
            colour: self.colour,
        }
    }
}

impl Settings {
    pub(crate) fn resolve() -> anyhow::Result<Self> {
        let data = folder("XDG_DATA_HOME", ".local/share");
        Ok(Settings {
            database: data.join("db"),
            feeds: data.join("feeds"),
            images: folder("XDG_CACHE_HOME", ".cache").join("images"),
            spool: spool(),
            last_scan: folder("XDG_STATE_HOME", ".local/state").join("last.plimsoll"),
            now: now()?,
            base_ref: base_ref(),
            terminal: terminal(),
        })
    }
}

fn folder(variable: &str, below_home: &str) -> PathBuf {
    let base = std::env::var_os(variable)
        .map(PathBuf::from)
        .filter(|path| path.is_absolute())
        .or_else(|| std::env::home_dir().map(|home| home.join(below_home)));
    base.unwrap_or_else(std::env::temp_dir).join("plimsoll")
}

fn spool() -> PathBuf {
    let own = std::env::var_os("TMPDIR").filter(|value| !value.is_empty());
    let usual = PathBuf::from("/var/tmp");
    match own {
        Some(folder) => folder.into(),
        None if usual.is_dir() => usual,
        None => std::env::temp_dir(),
    }
}

fn now() -> anyhow::Result<Timestamp> {
    match std::env::var("SOURCE_DATE_EPOCH") {
        Ok(seconds) => {
            let seconds = seconds
                .trim()
                .parse()
                .context("SOURCE_DATE_EPOCH is no number of seconds")?;
            Timestamp::from_second(seconds).context("SOURCE_DATE_EPOCH is out of range")
        }
        Err(_) => Ok(Timestamp::now()),
    }
}

fn base_ref() -> Option<String> {
    let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    set("GITHUB_BASE_REF")
        .map(|branch| format!("origin/{branch}"))
        .or_else(|| set("CI_MERGE_REQUEST_DIFF_BASE_SHA"))
}

fn terminal() -> Terminal {
    use std::io::IsTerminal;
    let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    let shown = std::io::stdout().is_terminal();
    let width = if shown {
        terminal_size::terminal_size().map_or(100, |(width, _)| usize::from(width.0))
    } else {
        100
    };
    Terminal {
        width: width.clamp(60, 140),
        colour: shown && !plain && !dumb,
        progress: std::io::stderr().is_terminal() && !dumb,
    }
}
