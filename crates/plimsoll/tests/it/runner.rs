//! Runs `plimsoll` in a folder of its own: no environment but what is set here, bounded memory, a fixed clock.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;
use tempfile::TempDir;

/// The day of the shop's feeds, 2026-08-16T12:00:00Z.
const NOW: &str = "1786881600";
/// What a run may map, in KiB: more than any of these inputs needs, far less than a bomb wants.
const ADDRESS_SPACE: u32 = 3_000_000;

/// What a run of the binary left.
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: String,
}

impl Ran {
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.stdout.clone()).unwrap()
    }

    /// Ended with one of the documented codes and without the traces of a panic or a crash.
    #[track_caller]
    pub(crate) fn sound(self) -> Ran {
        let Ran { code, stderr, .. } = &self;
        assert!((0..=3).contains(code), "exit code {code}: {stderr}");
        for trace in [
            "panicked",
            "a bug in plimsoll",
            "RUST_BACKTRACE",
            "memory allocation",
        ] {
            assert!(!stderr.contains(trace), "{stderr}");
        }
        self
    }

    #[track_caller]
    pub(crate) fn done(self) -> Ran {
        let ran = self.sound();
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        ran
    }

    /// A clear refusal: exit 2 or 3, nothing on standard output, at most three lines that name the file.
    #[track_caller]
    pub(crate) fn refused(self, name: &str) -> Ran {
        let ran = self.sound();
        let Ran {
            code,
            stdout,
            stderr,
        } = &ran;
        assert!(
            matches!(code, 2 | 3),
            "exit code {code}: {stderr}{}",
            String::from_utf8_lossy(stdout)
        );
        assert!(stdout.is_empty(), "{}", String::from_utf8_lossy(stdout));
        assert!(
            stderr.starts_with("error: ") && stderr.lines().count() <= 3,
            "{stderr}"
        );
        assert!(stderr.len() < 1000, "{stderr}");
        assert!(stderr.contains(name), "{name} is not named: {stderr}");
        assert!(
            !stderr.trim_end_matches('\n').chars().any(char::is_control),
            "{stderr:?}"
        );
        ran
    }
}

/// A folder that a run works in; it is home and holds the XDG folders.
pub(crate) struct Home {
    pub(crate) folder: TempDir,
}

impl Home {
    /// With the demo's shop as `shop`.
    pub(crate) fn new() -> Home {
        let folder = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(examples(), folder.path().join("shop")).unwrap();
        Home { folder }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap()
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        self.run_with(arguments, b"")
    }

    pub(crate) fn run_with(&self, arguments: &[&str], stdin: &[u8]) -> Ran {
        let mut child = self.command(arguments).spawn().unwrap();
        // A child that stops reading early is its right.
        let _ = child.stdin.take().unwrap().write_all(stdin);
        let output = child.wait_with_output().unwrap();
        Ran {
            code: output.status.code().unwrap_or(-1),
            stdout: output.stdout,
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("/bin/sh");
        command
            .arg("-c")
            .arg(format!(
                "ulimit -v {ADDRESS_SPACE} 2>/dev/null; exec \"$0\" \"$@\""
            ))
            .arg(env!("CARGO_BIN_EXE_plimsoll"))
            .args(arguments)
            .current_dir(self.folder.path())
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("HOME", self.folder.path())
            .env("XDG_DATA_HOME", self.path("data"))
            .env("XDG_STATE_HOME", self.path("state"))
            .env("NO_COLOR", "1")
            .env("SOURCE_DATE_EPOCH", NOW)
            .env("RUST_BACKTRACE", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// The scan of the shop with everything it has, and more arguments.
    pub(crate) fn scan_shop(&self, more: &[&str]) -> Ran {
        let database = SHOP_DATABASE.path("db");
        let scan = [
            "scan",
            "manifests",
            "shop/k8s",
            "--report",
            "shop/reports",
            "--config",
            "shop/plimsoll.yaml",
            "--db",
            database.to_str().unwrap(),
        ];
        self.run(&[&scan, more].concat())
    }
}

/// `db/`, built once from the shop's feeds.
pub(crate) static SHOP_DATABASE: LazyLock<Home> = LazyLock::new(|| {
    let home = Home::new();
    home.run(&["db", "build", "--from", "shop/feeds", "--output", "db"])
        .done();
    home
});

pub(crate) fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../examples/shop")
        .canonicalize()
        .unwrap()
}

/// All forms of `--format`.
pub(crate) const FORMATS: &[&str] = &["table", "json", "sarif", "csv", "markdown", "html"];
