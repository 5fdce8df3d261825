//! What an image's configuration and history tell. Comes in: both, without values. Goes out: remarks. Never: one for what
//! only a guess says.

use super::{CONFIGURATION, remark, short};
use model::inventory::{HistoryLine, ImageConfig, Remark};

/// Characters of a history line that are shown.
const LINE: usize = 80;

pub(crate) fn settings(config: &ImageConfig) -> Vec<Remark> {
    let mut all = Vec::new();
    let mut add = |check: &str, what: String| all.push(remark(check, CONFIGURATION, None, what));
    match config.user.as_deref().map(str::trim) {
        None | Some("") => add("image-root-user", "no USER is set".into()),
        Some(user) if is_root(user) => {
            add("image-root-user", format!("USER is {}", short(user, 40)));
        }
        Some(_) => {}
    }
    let numbers: Vec<u16> = config
        .ports
        .iter()
        .filter_map(|port| port.split('/').next()?.parse().ok())
        .collect();
    if numbers.contains(&22) {
        add("image-ssh-port", "port 22 is exposed".into());
    }
    let low: Vec<String> = numbers
        .iter()
        .filter(|port| **port < 1024 && **port != 22)
        .map(u16::to_string)
        .collect();
    if !low.is_empty() {
        add("image-low-port", format!("exposed: {}", low.join(", ")));
    }
    let base = config
        .labels
        .iter()
        .find(|(key, _)| &**key == "org.opencontainers.image.base.name");
    if let Some((_, base)) = base.filter(|(_, base)| is_latest(base)) {
        add(
            "image-latest-base",
            format!("its base is {}", short(base, LINE)),
        );
    }
    let layers = layers(&config.history);
    for (check, is) in [
        ("image-remote-add", is_remote_add as fn(&str) -> bool),
        ("image-curl-to-shell", is_piped),
    ] {
        let mut lines = config
            .history
            .iter()
            .zip(&layers)
            .filter(|(line, _)| is(instruction(&line.created_by)));
        let Some((line, layer)) = lines.next() else {
            continue;
        };
        let more = match lines.count() {
            0 => String::new(),
            n => format!(", and {n} more"),
        };
        let what = format!("{}{more}", short(instruction(&line.created_by), LINE));
        all.push(remark(check, CONFIGURATION, *layer, what));
    }
    all
}

/// The layer that each line brought.
fn layers(history: &[HistoryLine]) -> Vec<Option<u32>> {
    let mut next = 0;
    history
        .iter()
        .map(|line| {
            (!line.empty).then(|| {
                next += 1;
                next - 1
            })
        })
        .collect()
}

/// `user[:group]`, by name or number.
fn is_root(user: &str) -> bool {
    let user = user.split(':').next().unwrap_or(user);
    user == "root" || (!user.is_empty() && user.bytes().all(|digit| digit == b'0'))
}

/// `name:latest`, or a name without tag and digest.
fn is_latest(base: &str) -> bool {
    if base.is_empty() || base.contains('@') {
        return false;
    }
    let last = base.rsplit('/').next().unwrap_or(base);
    last.split_once(':').is_none_or(|(_, tag)| tag == "latest")
}

/// A line without what builders put before and behind it.
fn instruction(line: &str) -> &str {
    let line = line
        .strip_prefix("/bin/sh -c #(nop)")
        .unwrap_or(line)
        .trim();
    line.strip_suffix("# buildkit").unwrap_or(line).trim()
}

fn is_remote_add(line: &str) -> bool {
    let remote = ["http://", "https://", "git@", "git://"];
    line.strip_prefix("ADD ").is_some_and(|rest| {
        remote.iter().any(|scheme| rest.contains(scheme)) && !rest.contains("--checksum")
    })
}

/// `curl ... | sh`, `bash <(curl ...)`, `sh -c "$(curl ...)"`.
fn is_piped(line: &str) -> bool {
    let fetches = |part: &str| {
        let words = part.split(|c: char| c.is_whitespace() || "()&;\"'`$".contains(c));
        words
            .into_iter()
            .any(|word| matches!(word.rsplit('/').next(), Some("curl" | "wget")))
    };
    let runs = |part: &str| {
        let mut words = part
            .split_whitespace()
            .map(|word| word.rsplit('/').next().unwrap_or(word));
        let first =
            words.find(|word| !matches!(*word, "sudo" | "env" | "-E") && !word.contains('='));
        matches!(
            first,
            Some(
                "sh" | "bash"
                    | "ash"
                    | "dash"
                    | "zsh"
                    | "python"
                    | "python3"
                    | "perl"
                    | "ruby"
                    | "node"
            )
        )
    };
    let line = line
        .split_once("/bin/sh -c ")
        .map_or(line, |(_, command)| command);
    // Parts of one command stand between `&&`, `;` and `||`; within it `|` joins two programs.
    let commands = line.replace("||", ";").replace("&&", ";");
    commands.split(';').any(|command| {
        let parts: Vec<&str> = command.split('|').collect();
        let piped = parts
            .windows(2)
            .any(|pair| matches!(pair, [from, to] if fetches(from) && runs(to)));
        let inside = ["<(curl", "<(wget", "$(curl", "$(wget", "`curl", "`wget"];
        let shell = command.contains("sh ") || command.contains("eval ");
        piped
            || (shell
                && inside.iter().any(|word| command.contains(word))
                && (command.contains("<(") || command.contains("-c") || command.contains("eval ")))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(config: &ImageConfig) -> Vec<String> {
        settings(config)
            .iter()
            .map(|one| format!("{}: {}", one.check, one.what))
            .collect()
    }

    #[test]
    fn users_ports_and_bases() {
        let check = |user: Option<&str>, port: &str, base: &str, expected: &[&str]| {
            let config = ImageConfig {
                user: user.map(Into::into),
                ports: vec![port.into()],
                labels: vec![("org.opencontainers.image.base.name".into(), base.into())],
                ..ImageConfig::default()
            };
            assert_eq!(ids(&config), expected, "{user:?} {port} {base}");
        };
        check(Some("10001"), "8080/tcp", "debian:12", &[]);
        check(Some("app:root"), "8080", "r.example:5000/x@sha256:0", &[]);
        check(None, "8080", "", &["image-root-user: no USER is set"]);
        check(Some("0:0"), "8080", "", &["image-root-user: USER is 0:0"]);
        check(
            Some("app"),
            "22/tcp",
            "debian:12",
            &["image-ssh-port: port 22 is exposed"],
        );
        check(
            Some("app"),
            "80/tcp",
            "debian:12",
            &["image-low-port: exposed: 80"],
        );
        check(
            Some("app"),
            "8080",
            "r.example:5000/debian",
            &["image-latest-base: its base is r.example:5000/debian"],
        );
        check(
            Some("app"),
            "8080",
            "debian:latest",
            &["image-latest-base: its base is debian:latest"],
        );
    }

    #[test]
    fn history() {
        let check = |line: &str, expected: Option<&str>| {
            let config = ImageConfig {
                user: Some("app".into()),
                history: vec![HistoryLine {
                    created_by: line.into(),
                    empty: false,
                }],
                ..ImageConfig::default()
            };
            let found = settings(&config);
            assert_eq!(found.first().map(|one| &*one.check), expected, "{line}");
        };
        let (add, pipe) = (Some("image-remote-add"), Some("image-curl-to-shell"));
        check("ADD https://x.example/a.tgz / # buildkit", add);
        check(
            "ADD --checksum=sha256:0 https://x.example/a.tgz / # buildkit",
            None,
        );
        check("ADD a.tgz / # buildkit", None);
        check(
            "RUN /bin/sh -c curl -fsSL https://x.example | sh # buildkit",
            pipe,
        );
        check("/bin/sh -c apt-get update && curl x | sudo -E bash -", pipe);
        check("RUN /bin/sh -c bash <(curl -s x)", pipe);
        check("RUN /bin/sh -c sh -c \"$(wget -qO- x)\"", pipe);
        check("RUN /bin/sh -c wget -O- x | /usr/bin/python3", pipe);
        check("RUN /bin/sh -c curl x | tar xz", None);
        check("RUN /bin/sh -c curl x || sh y", None);
        check("RUN /bin/sh -c apt-get install -y curl bash", None);
        check("RUN /bin/sh -c VERSION=$(curl -s x) make", None);
    }
}
