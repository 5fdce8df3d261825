//! Small files by which an installation says its version. Comes in: one of them. Goes out: the program. Never: a file
//! by its name alone.

use super::super::bitnami::FOLDER;
use super::super::{component, is_word};
use super::{file_name, generic};
use crate::extract::{Extract, Extracts, File};
use model::inventory::{Component, FoundAs};

pub(in super::super) fn is_installation(path: &str) -> bool {
    if path.starts_with(FOLDER) {
        return false;
    }
    match file_name(path) {
        "release" => !path.starts_with("etc/") && path.contains('/'),
        "OTP_VERSION" => path.contains("/releases/"),
        "VERSION" => path.contains('/'),
        "elixir.app" | "rabbit.app" => path.contains("/ebin/"),
        "version.php" => path.ends_with("wp-includes/version.php"),
        _ => false,
    }
}

pub(in super::super) fn installation(file: &File<'_>, out: &mut Extracts) {
    let Ok(text) = std::str::from_utf8(file.bytes) else {
        return;
    };
    let found = match file_name(file.path) {
        "release" => java(text),
        "OTP_VERSION" => first_line(text).and_then(|line| numbered("erlang", line)),
        "VERSION" => go(text),
        "elixir.app" => application(text, "elixir").and_then(|version| numbered("elixir", version)),
        "rabbit.app" => {
            application(text, "rabbit").and_then(|version| numbered("rabbitmq", version))
        }
        _ => php_variable(text, "$wp_version").and_then(|version| numbered("wordpress", version)),
    };
    if let Some(found) = found {
        out.all.push(Extract::Components(vec![found]));
    }
}

fn first_line(text: &str) -> Option<&str> {
    text.lines().next().map(str::trim)
}

fn numbered(program: &str, version: &str) -> Option<Component> {
    let begins = version.starts_with(|c: char| c.is_ascii_digit());
    (begins && is_word(version) && version.len() <= 64).then(|| generic(program, version))
}

/// `KEY="value"` lines of a JDK's `release` (JEP 223; OpenJDK `make/ReleaseFile.gmk`).
fn java(text: &str) -> Option<Component> {
    let value = |key: &str| {
        text.lines().take(1_000).find_map(|line| {
            let value = line.trim().strip_prefix(key)?.strip_prefix('=')?;
            Some(value.trim_matches('"'))
        })
    };
    value("OS_ARCH")?;
    let mut found = numbered("java", value("JAVA_VERSION")?)?;
    found.vendor = value("IMPLEMENTOR")
        .filter(|vendor| {
            !vendor.is_empty() && vendor.len() <= 256 && !vendor.contains(char::is_control)
        })
        .map(Into::into);
    Some(found)
}

/// The toolchain's own file; advisories of `cmd/go` and its tools are kept under `toolchain` (Go vulnerability
/// database, "standard library and toolchain").
fn go(text: &str) -> Option<Component> {
    let version = first_line(text)?.strip_prefix("go")?;
    let version = version.split(' ').next().unwrap_or(version);
    let numbers = version.starts_with("1.") || version.starts_with("2.");
    (numbers && is_word(version) && version.len() <= 64)
        .then(|| component("golang", "toolchain", version, FoundAs::Recognized))
}

/// `{application, NAME, [ ... {vsn, "VERSION"}` (Erlang, app(4)).
fn application<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let head = text.get(text.find("{application")?..)?;
    let named = head
        .strip_prefix("{application")?
        .trim_start()
        .strip_prefix(',')?;
    let named = named.trim_start().trim_start_matches('\'');
    if !named.strip_prefix(name)?.starts_with(['\'', ',', ' ']) {
        return None;
    }
    let version = head.get(head.find("{vsn")? + "{vsn".len()..)?.trim_start();
    let version = version.strip_prefix(',')?.trim_start().strip_prefix('"')?;
    version.split_once('"').map(|(version, _)| version)
}

/// `$name = 'value';`
fn php_variable<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines().take(10_000).find_map(|line| {
        let value = line
            .trim()
            .strip_prefix(name)?
            .trim_start()
            .strip_prefix('=')?;
        let value = value.trim_start().trim_end().strip_suffix(';')?.trim_end();
        let value = value.strip_prefix(['\'', '"'])?;
        value.strip_suffix(['\'', '"'])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn installations() {
        let check = |path: &str, text: &str, expected: &str| {
            assert!(is_installation(path), "{path}");
            let mut out = Extracts::default();
            let file = File {
                path,
                mode: 0o644,
                bytes: text.as_bytes(),
            };
            installation(&file, &mut out);
            let found: Vec<String> = out
                .all
                .iter()
                .flat_map(|one| match one {
                    Extract::Components(all) => {
                        all.iter().map(|one| one.purl.to_string()).collect()
                    }
                    _ => Vec::new(),
                })
                .collect();
            assert_eq!(found.join(" "), expected, "{path}");
        };
        check(
            "opt/java/openjdk/release",
            "IMPLEMENTOR=\"Eclipse Adoptium\"\nJAVA_VERSION=\"17.0.9\"\nOS_ARCH=\"x86_64\"\n",
            "pkg:generic/java@17.0.9",
        );
        check(
            "usr/lib/jvm/8/release",
            "JAVA_VERSION=\"1.8.0_392\"\nOS_NAME=\"Linux\"\nOS_ARCH=\"amd64\"\n",
            "pkg:generic/java@1.8.0_392",
        );
        check("srv/release", "JAVA_VERSION=\"17\"\n", "");
        check(
            "usr/local/lib/erlang/releases/26/OTP_VERSION",
            "26.2.1\n",
            "pkg:generic/erlang@26.2.1",
        );
        check("usr/local/lib/erlang/releases/26/OTP_VERSION", "none\n", "");
        check(
            "usr/local/go/VERSION",
            "go1.21.5\ntime 2023-11-29T21:21:46Z\n",
            "pkg:golang/toolchain@1.21.5",
        );
        check(
            "usr/lib/go-1.19/VERSION",
            "go1.19.8",
            "pkg:golang/toolchain@1.19.8",
        );
        check("app/VERSION", "1.2.3\n", "");
        check("app/VERSION", "gopher\n", "");
        check(
            "usr/lib/elixir/lib/elixir/ebin/elixir.app",
            "{application,elixir,\n [{description,\"elixir\"},\n {vsn,\"1.14.0\"},",
            "pkg:generic/elixir@1.14.0",
        );
        check(
            "opt/rabbitmq/plugins/rabbit-3.12.10/ebin/rabbit.app",
            "{application, 'rabbit', [\n\t{description, \"RabbitMQ\"},\n\t{vsn, \"3.12.10\"},",
            "pkg:generic/rabbitmq@3.12.10",
        );
        check(
            "opt/x/ebin/rabbit.app",
            "{application, rabbit_common, [{vsn, \"3.12.10\"}",
            "",
        );
        check(
            "var/www/html/wp-includes/version.php",
            "<?php\n/** x */\n$wp_version = '6.4.2';\n$wp_db_version = 56657;\n",
            "pkg:generic/wordpress@6.4.2",
        );
        assert!(!is_installation("etc/release") && !is_installation("VERSION"));
    }
}
