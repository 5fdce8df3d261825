//! Real stores of images: Debian's `podman` and `containerd`, each on a socket and in a folder of its own. Comes in:
//! archives that a test makes. Goes out: a socket that serves them. Never: touches the stores of this machine, runs a
//! container, outlives its value.

use std::fs;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A daemon that runs, and its folder.
struct Daemon {
    child: Child,
    folder: tempfile::TempDir,
    socket: PathBuf,
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// `podman system service`.
pub struct Podman(Daemon);

/// containerd without a runtime.
pub struct Containerd(Daemon);

/// From the folder of the tests' tools, where `cargo xtask test --install` puts it, else from the PATH.
fn program(name: &str) -> PathBuf {
    let own = super::tools().join(name);
    if own.is_file() { own } else { name.into() }
}

/// Says that a test is skipped; a failure where `PLIMSOLL_REQUIRE` names `stores`.
#[allow(clippy::print_stderr, clippy::panic)] // a test's way to say that it was skipped, and to fail
fn absent<T>(what: &str) -> Option<T> {
    assert!(
        !super::required("stores"),
        "{what}, and PLIMSOLL_REQUIRE asks for it"
    );
    eprintln!("skipped: {what}");
    None
}

fn runs(name: &str) -> bool {
    let status = Command::new(program(name))
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    status.is_ok_and(|status| status.success())
}

/// Starts `command`, which is to listen at `socket`; what it said where it does not.
fn start(
    mut command: Command,
    folder: tempfile::TempDir,
    socket: PathBuf,
) -> Result<Daemon, String> {
    let log = folder.path().join("log");
    let file = fs::File::create(&log).map_err(|error| error.to_string())?;
    let child = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(file)
        .spawn()
        .map_err(|error| error.to_string())?;
    let mut daemon = Daemon {
        child,
        folder,
        socket,
    };
    let until = Instant::now() + Duration::from_secs(20);
    while Instant::now() < until && matches!(daemon.child.try_wait(), Ok(None)) {
        if UnixStream::connect(&daemon.socket).is_ok() {
            return Ok(daemon);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let text = fs::read_to_string(log).unwrap_or_default();
    Err(text.lines().last().unwrap_or("it says nothing").to_owned())
}

#[allow(clippy::expect_used)] // tests fail this way
fn done(command: &mut Command) {
    let output = command.stdin(Stdio::null()).output().expect("it runs");
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {told}");
}

impl Podman {
    /// `None` where it is absent or cannot run.
    pub fn start() -> Option<Self> {
        if !runs("podman") {
            return absent("podman is absent");
        }
        let folder = tempfile::tempdir().ok()?;
        let socket = folder.path().join("podman.sock");
        let mut command = podman(folder.path());
        command.args(["system", "service", "--time", "0"]);
        command.arg(format!("unix://{}", socket.display()));
        match start(command, folder, socket) {
            Ok(daemon) => Some(Podman(daemon)),
            Err(why) => absent(&format!("podman does not serve here: {why}")),
        }
    }

    pub fn socket(&self) -> &Path {
        &self.0.socket
    }

    /// Loads a `docker save` or an OCI archive.
    pub fn load(&self, archive: &Path) {
        done(
            podman(self.0.folder.path())
                .args(["load", "--quiet", "--input"])
                .arg(archive),
        );
    }
}

fn podman(folder: &Path) -> Command {
    let mut command = Command::new(program("podman"));
    command.arg("--root").arg(folder.join("root"));
    command.arg("--runroot").arg(folder.join("run"));
    command.args(["--storage-driver", "vfs", "--events-backend", "none"]);
    // A developer's own settings are none of the test's.
    command
        .env_remove("CONTAINER_HOST")
        .env("XDG_CONFIG_HOME", folder);
    command
}

impl Containerd {
    /// `None` where it is absent or cannot run.
    #[allow(clippy::expect_used)] // tests fail this way
    pub fn start() -> Option<Self> {
        if !runs("containerd") || !runs("ctr") {
            return absent("containerd is absent");
        }
        let folder = tempfile::tempdir().ok()?;
        let socket = folder.path().join("containerd.sock");
        let settings = format!(
            "version = 2\nroot = \"{0}/root\"\nstate = \"{0}/state\"\n\
             disabled_plugins = [\"io.containerd.grpc.v1.cri\", \"io.containerd.internal.v1.opt\"]\n\
             [grpc]\naddress = \"{1}\"\n[ttrpc]\naddress = \"{1}.ttrpc\"\n",
            folder.path().display(),
            socket.display()
        );
        let file = folder.path().join("config.toml");
        fs::write(&file, settings).expect("the configuration can be written");
        let mut command = Command::new(program("containerd"));
        command.arg("--config").arg(&file);
        match start(command, folder, socket) {
            Ok(daemon) => Some(Containerd(daemon)),
            Err(why) => absent(&format!("containerd does not serve here: {why}")),
        }
    }

    pub fn socket(&self) -> &Path {
        &self.0.socket
    }

    /// Imports a `docker save` or an OCI archive, without unpacking its layers.
    pub fn import(&self, namespace: &str, archive: &Path) {
        let mut command = self.ctr(namespace);
        done(
            command
                .args(["images", "import", "--no-unpack"])
                .arg(archive),
        );
    }

    /// Takes a blob out of the content store.
    pub fn forget(&self, namespace: &str, digest: &str) {
        done(self.ctr(namespace).args(["content", "rm", digest]));
    }

    /// Where the store keeps a blob.
    pub fn blob(&self, digest: &str) -> PathBuf {
        let content = self
            .0
            .folder
            .path()
            .join("root/io.containerd.content.v1.content");
        content.join("blobs").join(digest.replace(':', "/"))
    }

    fn ctr(&self, namespace: &str) -> Command {
        let mut command = Command::new(program("ctr"));
        command.arg("--address").arg(self.socket());
        command.args(["--namespace", namespace]);
        command
    }
}
