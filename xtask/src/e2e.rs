//! `cargo xtask e2e`: the live collector against a real API server. In: a cluster of the user's,
//! or one that we start; out: the counts of the end-to-end test. No server, no test: it says so.

use crate::apiserver::{ApiServer, START_TOOLS};
use crate::count::Count;
use crate::{command, kubernetes, place, suite};
use anyhow::{Context, Result};
use std::env;
use std::process::Command;

/// The variable with the kubeconfig of a user with all rights.
const KUBECONFIG: &str = "PLIMSOLL_E2E_KUBECONFIG";
/// The folder with one kubeconfig a user; set for our own server only.
const USERS: &str = "PLIMSOLL_E2E_USERS";

/// The API server that the tests talk to.
pub(crate) enum Server {
    /// The user's own cluster, named by the environment, never started or stopped by us.
    Theirs,
    Ours(ApiServer),
    /// Why there is none.
    None(String),
}

impl Server {
    /// The user's cluster, else our own: built first if that is possible here.
    pub(crate) fn get() -> Self {
        if !place::root().join("crates/cluster/tests/e2e.rs").is_file() {
            return Self::None("there is no crates/cluster/tests/e2e.rs".into());
        }
        if env::var_os(KUBECONFIG).is_some() {
            return Self::Theirs;
        }
        match Self::ours() {
            Ok(server) => Self::Ours(server),
            Err(error) => Self::None(format!("{error:#}")),
        }
    }

    fn ours() -> Result<ApiServer> {
        let missing: Vec<&str> = START_TOOLS
            .iter()
            .filter(|(program, _)| place::on_path(program).is_none())
            .map(|(_, package)| *package)
            .collect();
        anyhow::ensure!(
            missing.is_empty(),
            "packages are missing: {}",
            missing.join(", ")
        );
        let binaries = kubernetes::cached()
            .map_or_else(kubernetes::provide, Ok)
            .with_context(|| format!("set {KUBECONFIG}, or run on Debian"))?;
        ApiServer::start(&binaries)
    }

    /// Tells a test process where the server is.
    pub(crate) fn tell(&self, command: &mut Command) {
        if let Self::Ours(server) = self {
            command
                .env(KUBECONFIG, server.admin())
                .env(USERS, server.users());
        }
    }

    /// Prints why there is no server, and counts it: failed if required, else skipped.
    pub(crate) fn account(&self, count: &mut Count) {
        let Self::None(reason) = self else { return };
        eprintln!("not run: the end-to-end tests: {reason}");
        if place::required("apiserver") {
            count.failed += 1;
        } else {
            count.skipped += 1;
        }
    }
}

/// The end-to-end test alone.
pub(crate) fn run() -> Result<bool> {
    let server = Server::get();
    let mut count = Count::default();
    server.account(&mut count);
    if !matches!(server, Server::None(_)) {
        let mut command = command::cargo();
        command.args([
            "test",
            "--profile",
            "ci",
            "--package",
            "cluster",
            "--test",
            "e2e",
        ]);
        server.tell(&mut command);
        suite::count_tests(&mut command, &mut count)?;
    }
    println!("{count}");
    Ok(count.failed == 0)
}

/// Our server until the person has had enough, for trying things by hand.
pub(crate) fn keep() -> Result<bool> {
    let server = Server::ours()?;
    println!("export {KUBECONFIG}={}", server.admin().display());
    println!("export {USERS}={}", server.users().display());
    eprintln!("the API server runs until Enter or end of input");
    std::io::stdin().read_line(&mut String::new())?;
    Ok(true)
}
