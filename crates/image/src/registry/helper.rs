//! Credential helpers of Docker (docker/docker-credential-helpers). Comes in: a helper's name and a server. Goes out:
//! its credential. Never: runs anything that is not on the PATH, waits or reads without end, shows what a helper says on
//! success.

use super::keychain::Credential;
use super::{Environment, RegistryError};
use serde::Deserialize;
use std::io::{self, Read, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// Helpers of clouds ask their own services.
const TIME: Duration = Duration::from_secs(30);
const OUTPUT: u64 = 64 << 10;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    #[serde(default)]
    username: String,
    #[serde(default)]
    secret: String,
}

/// `Ok(None)`: the helper knows none for this server. The error is a sentence about the helper.
pub(super) fn get(
    name: &str,
    server: &str,
    environment: &Environment,
) -> Result<Option<Credential>, String> {
    let program = program(name, environment).map_err(|error| error.to_string())?;
    let fails = |error: io::Error| format!("docker-credential-{name} cannot be run: {error}");
    let mut child = Command::new(program)
        .arg("get")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(fails)?;
    if let Some(mut stdin) = child.stdin.take() {
        // A helper that does not read is told by what it says.
        let _ = stdin.write_all(server.as_bytes());
    }
    let (status, output) = finish(&mut child).map_err(fails)?;
    if !status {
        let text = String::from_utf8_lossy(&output);
        // docker-credential-helpers, `credentials/error.go`.
        if text.contains("credentials not found") || text.contains("no credentials server URL") {
            return Ok(None);
        }
        return Err(format!(
            "docker-credential-{name} failed for {server}: {}",
            line(&text)
        ));
    }
    let answer: Answer = serde_json::from_slice(&output)
        .map_err(|_| format!("docker-credential-{name} gave no JSON of a credential"))?;
    if answer.secret.is_empty() {
        return Ok(None);
    }
    Ok(Some(Credential::new(&answer.username, &answer.secret)))
}

/// The program of that name in an absolute folder of the PATH.
fn program(name: &str, environment: &Environment) -> Result<PathBuf, RegistryError> {
    let usage = |why: &str| RegistryError::Usage {
        what: format!("docker-credential-{name}"),
        why: why.to_owned(),
    };
    let fine = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    if name.is_empty() || !name.bytes().all(fine) {
        return Err(usage("it is no name of a helper"));
    }
    let folders = environment.path.as_deref().unwrap_or_default();
    std::env::split_paths(folders)
        .filter(|folder| folder.is_absolute())
        .map(|folder| folder.join(format!("docker-credential-{name}")))
        .find(|file| {
            std::fs::metadata(file)
                .is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
        })
        .ok_or_else(|| usage("it is not on the PATH"))
}

/// Whether it ended well, and its output; ended by us where it takes too long or says too much.
fn finish(child: &mut Child) -> io::Result<(bool, Vec<u8>)> {
    let (sender, receiver) = mpsc::channel();
    if let Some(stdout) = child.stdout.take() {
        thread::spawn(move || {
            let mut output = Vec::new();
            let read = stdout.take(OUTPUT + 1).read_to_end(&mut output);
            let _ = sender.send(read.map(|_| output));
        });
    }
    let until = Instant::now() + TIME;
    let output = match receiver.recv_timeout(TIME) {
        Ok(Ok(output)) if output.len() as u64 > OUTPUT => Err(io::Error::other(format!(
            "it said more than {OUTPUT} bytes"
        ))),
        Ok(read) => read,
        Err(_) => Err(io::ErrorKind::TimedOut.into()),
    };
    let ended = output.and_then(|output| {
        loop {
            if let Some(status) = child.try_wait()? {
                return Ok((status.success(), output));
            }
            if Instant::now() >= until {
                return Err(io::ErrorKind::TimedOut.into());
            }
            thread::sleep(Duration::from_millis(5));
        }
    });
    if ended.is_err() {
        let _ = child.kill();
        let _ = child.wait();
    }
    ended
}

/// The first line of what a program says, short.
fn line(text: &str) -> String {
    let line = text
        .lines()
        .find(|line| !line.trim().is_empty())
        .unwrap_or("it said nothing");
    line.trim()
        .chars()
        .filter(|c| !c.is_control())
        .take(200)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::keychain::Secret;

    #[test]
    fn helpers() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, script: &str| {
            let file = folder.path().join(format!("docker-credential-{name}"));
            std::fs::write(&file, format!("#!/bin/sh\n{script}\n")).unwrap();
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
        };
        write(
            "good",
            r#"read s; echo "{\"ServerURL\":\"$s\",\"Username\":\"$1\",\"Secret\":\"of $s\"}""#,
        );
        write("token", r#"echo '{"Username":"<token>","Secret":"t"}'"#);
        write(
            "none",
            "echo credentials not found in native keychain; exit 1",
        );
        write("empty", r#"echo '{"Username":"","Secret":""}'"#);
        write("broken", "echo no session, log in first; exit 1");
        write("loud", "cat /dev/zero");
        write("chatty", "echo hunter2");
        let environment = Environment {
            path: Some(folder.path().into()),
            ..Environment::default()
        };
        let check = |name: &str, expected: Result<Option<Credential>, &str>| {
            let got = get(name, "reg.example", &environment);
            match expected {
                Ok(credential) => assert_eq!(got, Ok(credential), "{name}"),
                Err(part) => {
                    let error = got.unwrap_err();
                    assert!(error.contains(part), "{name}: {error}");
                    assert!(!error.contains("hunter2"), "{error}");
                }
            }
        };
        let basic = Credential::Basic {
            user: "get".into(),
            password: Secret("of reg.example".into()),
        };
        check("good", Ok(Some(basic)));
        check("token", Ok(Some(Credential::Identity(Secret("t".into())))));
        check("none", Ok(None));
        check("empty", Ok(None));
        check("broken", Err("no session, log in first"));
        check("loud", Err("more than 65536 bytes"));
        check("chatty", Err("no JSON of a credential"));
        check("absent", Err("not on the PATH"));
        check("../good", Err("no name of a helper"));
        let relative = Environment {
            path: Some(".".into()),
            ..Environment::default()
        };
        assert!(get("good", "x", &relative).is_err());
    }
}
