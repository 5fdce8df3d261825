//! Runs a command in a process of its own and reads what it used.
//! The kernel tells CPU time and peak memory of waited-for children only, so a fresh process waits for each.

use anyhow::{Context, bail};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

pub(crate) const FLAG: &str = "--child";
pub(crate) const PLAIN_READER: &str = "plain-reader";
pub(crate) const INFLATE: &str = "inflate";

#[derive(Clone, Copy, Debug)]
pub(crate) struct Usage {
    /// User and system, seconds.
    pub(crate) cpu: f64,
    /// Seconds.
    pub(crate) wall: f64,
    pub(crate) peak_mb: f64,
}

/// Runs `command` and fails unless it ends with one of the `allowed` codes.
pub(crate) fn measure(command: &mut Command, allowed: &[i32]) -> anyhow::Result<Usage> {
    let mut outer = Command::new(std::env::current_exe()?);
    outer
        .arg(FLAG)
        .arg("run")
        .arg(command.get_program())
        .args(command.get_args());
    outer.envs(
        command
            .get_envs()
            .filter_map(|(name, value)| Some((name, value?))),
    );
    let output = outer.stderr(Stdio::inherit()).output()?;
    let text = String::from_utf8(output.stdout)?;
    let numbers: Vec<f64> = text
        .split_whitespace()
        .map(str::parse)
        .collect::<Result<_, _>>()
        .with_context(|| format!("the child said {text:?}"))?;
    let [code, cpu, wall, peak_mb] = numbers.as_slice() else {
        bail!("the child said {text:?}")
    };
    anyhow::ensure!(
        allowed
            .iter()
            .any(|allowed| (f64::from(*allowed) - *code).abs() < 0.5),
        "{command:?} ended with {code}"
    );
    Ok(Usage {
        cpu: *cpu,
        wall: *wall,
        peak_mb: *peak_mb,
    })
}

/// The inner process: `run PROGRAM ARGUMENTS`, `plain-reader ADDRESS` or `inflate LAYER`.
pub(crate) fn run(arguments: &[String]) -> anyhow::Result<()> {
    match arguments {
        [verb, address] if verb == PLAIN_READER => plain_reader(address),
        [verb, layer] if verb == INFLATE => crate::images::inflate(layer),
        [verb, program, rest @ ..] if verb == "run" => {
            let begin = Instant::now();
            let status = Command::new(program)
                .args(rest)
                .stdout(Stdio::null())
                .status()
                .with_context(|| format!("cannot start {program}"))?;
            let wall = begin.elapsed().as_secs_f64();
            let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
            let cpu = (usage.user_time().num_microseconds()
                + usage.system_time().num_microseconds()) as f64
                / 1e6;
            // Kilobytes on Linux.
            println!(
                "{} {cpu} {wall} {}",
                status.code().unwrap_or(-1),
                usage.max_rss() as f64 / 1e3
            );
            Ok(())
        }
        _ => bail!("a child of the benches has no such job"),
    }
}

/// The same pages as the collector reads, parsed as JSON and dropped: the least work that a reader must do.
fn plain_reader(address: &str) -> anyhow::Result<()> {
    let stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    let mut stream = BufReader::new(stream);
    for path in LISTS {
        let mut token = String::new();
        loop {
            let target = if token.is_empty() {
                format!("{path}?limit=500")
            } else {
                format!("{path}?limit=500&continue={token}")
            };
            let page: serde_json::Value = serde_json::from_slice(&get(&mut stream, &target)?)?;
            match page
                .pointer("/metadata/continue")
                .and_then(serde_json::Value::as_str)
            {
                Some(next) if !next.is_empty() => next.clone_into(&mut token),
                _ => break,
            }
        }
    }
    Ok(())
}

/// The large lists; the collector reads these and some sixty small ones.
const LISTS: &[&str] = &[
    "/api/v1/pods",
    "/api/v1/secrets",
    "/api/v1/services",
    "/api/v1/serviceaccounts",
    "/api/v1/namespaces",
    "/api/v1/nodes",
    "/apis/apps/v1/deployments",
    "/apis/apps/v1/replicasets",
    "/apis/apps/v1/statefulsets",
    "/apis/apps/v1/daemonsets",
    "/apis/batch/v1/jobs",
    "/apis/networking.k8s.io/v1/networkpolicies",
    "/apis/networking.k8s.io/v1/ingresses",
    "/apis/rbac.authorization.k8s.io/v1/roles",
    "/apis/rbac.authorization.k8s.io/v1/rolebindings",
    "/apis/rbac.authorization.k8s.io/v1/clusterroles",
    "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
];

fn get(stream: &mut BufReader<TcpStream>, target: &str) -> anyhow::Result<Vec<u8>> {
    // One packet a request: a reader must not be slow because of how it writes.
    let request = format!("GET {target} HTTP/1.1\r\nHost: replay\r\n\r\n");
    stream.get_mut().write_all(request.as_bytes())?;
    let mut length = 0;
    loop {
        let mut header = String::new();
        stream.read_line(&mut header)?;
        if let Some(value) = header.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse()?;
        }
        if header.trim().is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    Ok(body)
}

/// The replay server in a process of its own.
pub(crate) struct Server {
    child: Child,
    pub(crate) kubeconfig: PathBuf,
    text: String,
}

impl Server {
    pub(crate) fn start(folders: &[PathBuf], home: &Path) -> anyhow::Result<Self> {
        let program = std::env::current_exe()?.with_file_name("replay");
        anyhow::ensure!(
            program.exists(),
            "{} is missing: cargo build --release -p testkit --features replay",
            program.display()
        );
        let mut child = Command::new(program)
            .args(folders)
            .stdout(Stdio::piped())
            .spawn()?;
        let mut lines = BufReader::new(child.stdout.take().context("no output")?);
        let mut text = String::new();
        while !text.contains("user: replay\n") {
            anyhow::ensure!(lines.read_line(&mut text)? > 0, "the replay server ended");
        }
        let kubeconfig = home.join("kubeconfig");
        std::fs::write(&kubeconfig, &text)?;
        Ok(Server {
            child,
            kubeconfig,
            text,
        })
    }

    /// `127.0.0.1:PORT`.
    pub(crate) fn address(&self) -> &str {
        self.text
            .split_once("http://")
            .and_then(|(_, rest)| rest.lines().next())
            .unwrap_or("")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
