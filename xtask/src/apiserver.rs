//! A running kube-apiserver with etcd, both on loopback, for the end-to-end tests. In: the two
//! programs; out: a kubeconfig for each of a few users. Everything lives in one private
//! temporary folder and ends with the value; it must never outlive the command that started it.

use crate::command::{output, run};
use crate::kubernetes::Binaries;
use anyhow::{Context, Result, bail};
use std::fs::{self, DirBuilder, File};
use std::io::Read;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// What starting calls besides the servers, as (program, Debian package).
pub(crate) const START_TOOLS: &[(&str, &str)] = &[
    ("openssl", "openssl"),
    ("curl", "curl"),
    ("setpriv", "util-linux"),
];

/// Users and their groups. `viewer` has the rights of the built-in role `view` everywhere (no
/// Secrets, no nodes, no RBAC), `namespaced` the same in namespace `default` only, `nobody` none.
/// No controller fills `view` itself here, so they are bound to the role that it is made of.
const USERS: &[(&str, &str)] = &[
    ("admin", "system:masters"),
    ("viewer", "plimsoll:e2e"),
    ("namespaced", "plimsoll:e2e"),
    ("nobody", "plimsoll:e2e"),
];

const BINDINGS: &[(&str, &str)] = &[
    (
        "clusterrolebindings",
        r#"{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"ClusterRoleBinding",
        "metadata":{"name":"plimsoll-e2e-viewer"},
        "roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"ClusterRole","name":"system:aggregate-to-view"},
        "subjects":[{"apiGroup":"rbac.authorization.k8s.io","kind":"User","name":"viewer"}]}"#,
    ),
    (
        "namespaces/default/rolebindings",
        r#"{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"RoleBinding",
        "metadata":{"name":"plimsoll-e2e-namespaced","namespace":"default"},
        "roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"ClusterRole","name":"system:aggregate-to-view"},
        "subjects":[{"apiGroup":"rbac.authorization.k8s.io","kind":"User","name":"namespaced"}]}"#,
    ),
];

const READY_WITHIN: Duration = Duration::from_secs(90);

/// Both servers; dropping it ends them and removes their folder.
pub(crate) struct ApiServer {
    folder: Folder,
    servers: Vec<Server>,
    port: u16,
}

impl ApiServer {
    /// Starts on free ports and returns when `/readyz` says so and the users have their rights.
    pub(crate) fn start(binaries: &Binaries) -> Result<Self> {
        // A free port may be taken by another program before the server binds it: try again.
        let mut last = None;
        for _ in 0..3 {
            match Self::start_once(binaries) {
                Ok(server) => return Ok(server),
                Err(error) => last = Some(error),
            }
        }
        Err(last.context("no attempt was made")?)
    }

    /// Kubeconfig of the user with all rights.
    pub(crate) fn admin(&self) -> PathBuf {
        self.folder.0.join("users/admin.kubeconfig")
    }

    /// Folder with `USER.kubeconfig` of each user.
    pub(crate) fn users(&self) -> PathBuf {
        self.folder.0.join("users")
    }

    fn start_once(binaries: &Binaries) -> Result<Self> {
        let folder = Folder::new()?;
        let [port, client, peer] = free_ports()?;
        let mut this = Self {
            folder,
            servers: Vec::new(),
            port,
        };
        let home = this.folder.0.clone();
        write_keys(&home)?;
        let tokens = write_tokens(&home)?;
        this.start_etcd(&binaries.etcd, client, peer)?;
        this.start_apiserver(&binaries.apiserver, client)?;
        this.wait_until_ready()?;
        write_kubeconfigs(&home, port, &tokens)?;
        this.bind_roles()?;
        Ok(this)
    }

    fn start_etcd(&mut self, program: &Path, client: u16, peer: u16) -> Result<()> {
        let client = format!("http://127.0.0.1:{client}");
        let peer = format!("http://127.0.0.1:{peer}");
        let mut command = tied_to_us(program);
        command
            .arg("--data-dir")
            .arg(self.folder.0.join("etcd"))
            .args([
                "--listen-client-urls",
                &client,
                "--advertise-client-urls",
                &client,
            ])
            .args([
                "--listen-peer-urls",
                &peer,
                "--initial-advertise-peer-urls",
                &peer,
            ])
            .args([
                "--initial-cluster",
                &format!("default={peer}"),
                "--log-level",
                "warn",
            ]);
        self.spawn("etcd", command)
    }

    fn start_apiserver(&mut self, program: &Path, etcd: u16) -> Result<()> {
        let file = |name: &str| self.folder.0.join(name).display().to_string();
        let mut command = tied_to_us(program);
        command.args([
            format!("--etcd-servers=http://127.0.0.1:{etcd}"),
            "--bind-address=127.0.0.1".into(),
            "--advertise-address=127.0.0.1".into(),
            // A loopback address is no valid endpoint of the `kubernetes` Service.
            "--endpoint-reconciler-type=none".into(),
            format!("--secure-port={}", self.port),
            format!("--cert-dir={}", file("certs")),
            "--service-account-issuer=https://kubernetes.default.svc".into(),
            format!("--service-account-signing-key-file={}", file("sa.key")),
            format!("--service-account-key-file={}", file("sa.pub")),
            format!("--token-auth-file={}", file("tokens.csv")),
            "--authorization-mode=RBAC".into(),
            "--service-cluster-ip-range=10.96.0.0/16".into(),
            "--allow-privileged".into(),
            // No controller manager makes the `default` service accounts that it asks for.
            "--disable-admission-plugins=ServiceAccount".into(),
        ]);
        self.spawn("kube-apiserver", command)
    }

    fn spawn(&mut self, name: &'static str, mut command: Command) -> Result<()> {
        let log = self.folder.0.join(format!("{name}.log"));
        let written = File::create(&log)?;
        let child = command
            .current_dir(&self.folder.0)
            .stdin(Stdio::null())
            .stdout(written.try_clone()?)
            .stderr(written)
            .spawn()
            .with_context(|| format!("cannot start {name}"))?;
        self.servers.push(Server { name, child, log });
        Ok(())
    }

    fn wait_until_ready(&mut self) -> Result<()> {
        let start = Instant::now();
        while start.elapsed() < READY_WITHIN {
            for server in &mut self.servers {
                if let Some(status) = server.child.try_wait()? {
                    bail!(
                        "{} ended with {status}:\n{}",
                        server.name,
                        server.last_words()
                    );
                }
            }
            if self
                .request("/readyz", None)
                .is_ok_and(|answer| answer == "ok")
            {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(300));
        }
        bail!(
            "not ready after {} s:\n{}",
            READY_WITHIN.as_secs(),
            self.last_words()
        )
    }

    fn last_words(&self) -> String {
        let words: Vec<String> = self.servers.iter().map(Server::last_words).collect();
        words.join("\n")
    }

    fn bind_roles(&self) -> Result<()> {
        for (resource, body) in BINDINGS {
            let path = format!("/apis/rbac.authorization.k8s.io/v1/{resource}");
            self.request(&path, Some(body)).with_context(|| {
                format!(
                    "cannot give the test users their rights:\n{}",
                    self.last_words()
                )
            })?;
        }
        Ok(())
    }

    fn request(&self, path: &str, body: Option<&str>) -> Result<String> {
        let mut command = Command::new("curl");
        command
            .current_dir(&self.folder.0)
            .args([
                "--silent",
                "--show-error",
                "--fail",
                "--max-time",
                "10",
                "--noproxy",
                "*",
            ])
            .args([
                "--cacert",
                "certs/apiserver.crt",
                "--header",
                "@admin.header",
            ])
            .arg(format!("https://127.0.0.1:{}{path}", self.port));
        if let Some(body) = body {
            command.args(["--header", "Content-Type: application/json", "--data", body]);
        }
        output(&mut command)
    }
}

struct Server {
    name: &'static str,
    child: Child,
    log: PathBuf,
}

impl Server {
    fn last_words(&self) -> String {
        let text = fs::read_to_string(&self.log).unwrap_or_default();
        let from = text.lines().count().saturating_sub(8);
        let tail: Vec<&str> = text.lines().skip(from).collect();
        format!("{}: {}", self.name, tail.join("\n"))
    }
}

impl Drop for ApiServer {
    fn drop(&mut self) {
        // The API server first: without etcd it would wait for it. Errors mean that it ended.
        for server in self.servers.iter_mut().rev() {
            let _ = server.child.kill();
            let _ = server.child.wait();
        }
    }
}

/// A private folder that is removed with the value. It holds keys and tokens.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Result<Self> {
        let path = std::env::temp_dir().join(format!("plimsoll-e2e-{}", random()?));
        DirBuilder::new()
            .mode(0o700)
            .create(&path)
            .with_context(|| format!("cannot create {}", path.display()))?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The kernel ends the server when this process ends, however it ends.
fn tied_to_us(program: &Path) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "--"]).arg(program);
    command
}

fn free_ports<const N: usize>() -> Result<[u16; N]> {
    let mut open = Vec::new();
    let mut ports = [0; N];
    for port in &mut ports {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no free port")?;
        *port = listener.local_addr()?.port();
        open.push(listener);
    }
    Ok(ports)
}

fn random() -> Result<String> {
    let mut bytes = [0_u8; 16];
    File::open("/dev/urandom")?
        .read_exact(&mut bytes)
        .context("cannot read /dev/urandom")?;
    Ok(format!("{:032x}", u128::from_le_bytes(bytes)))
}

/// The key pair that signs service-account tokens. The server makes its own serving certificate.
fn write_keys(home: &Path) -> Result<()> {
    let openssl = |arguments: &[&str]| {
        run(Command::new("openssl")
            .current_dir(home)
            .args(arguments)
            .stderr(Stdio::null()))
    };
    openssl(&["genrsa", "-out", "sa.key", "2048"])?;
    openssl(&["rsa", "-in", "sa.key", "-pubout", "-out", "sa.pub"])
}

fn write_tokens(home: &Path) -> Result<Vec<String>> {
    let tokens: Vec<String> = USERS.iter().map(|_| random()).collect::<Result<_>>()?;
    let rows: Vec<String> = USERS
        .iter()
        .zip(&tokens)
        .enumerate()
        .map(|(number, ((user, group), token))| format!("{token},{user},{number},\"{group}\"\n"))
        .collect();
    write_private(&home.join("tokens.csv"), &rows.concat())?;
    let admin = tokens.first().context("no users")?;
    write_private(
        &home.join("admin.header"),
        &format!("Authorization: Bearer {admin}\n"),
    )?;
    Ok(tokens)
}

fn write_kubeconfigs(home: &Path, port: u16, tokens: &[String]) -> Result<()> {
    let users = home.join("users");
    DirBuilder::new().mode(0o700).create(&users)?;
    let authority = home.join("certs/apiserver.crt").display().to_string();
    for ((user, _), token) in USERS.iter().zip(tokens) {
        let text = format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: e2e\n\
             clusters:\n- name: e2e\n  cluster:\n    server: https://127.0.0.1:{port}\n    certificate-authority: {authority}\n\
             users:\n- name: {user}\n  user:\n    token: {token}\n\
             contexts:\n- name: e2e\n  context:\n    cluster: e2e\n    user: {user}\n"
        );
        write_private(&users.join(format!("{user}.kubeconfig")), &text)?;
    }
    Ok(())
}

fn write_private(path: &Path, text: &str) -> Result<()> {
    use std::io::Write;
    fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .with_context(|| format!("cannot write {}", path.display()))
}
