//! Programs that no package manager need have installed. Comes in: a file by its name and its text. Goes out: the
//! program and its version, where a text says both that only this program has. Never: a program by its name alone, or
//! by a version number alone; one that Bitnami installed, whose own list says its exact version.

mod table;
mod texts;

pub(super) use texts::{installation, is_installation};

use super::bitnami::FOLDER;
use super::component;
use crate::extract::File;
use memchr::memmem;
use model::inventory::{Component, FoundAs};
use regex::bytes::Regex;
use std::sync::LazyLock;
use table::{Check, LIBRARIES, PROGRAMS, Row};

/// Occurrences that are looked at; a program repeats its version a few times.
const MOST: usize = 1_000;
/// Of a version with what stands around it.
const LONGEST: usize = 64;

struct Known {
    row: &'static Row,
    text: Regex,
}

static KNOWN_PROGRAMS: LazyLock<Vec<Known>> = LazyLock::new(|| known(PROGRAMS));
static KNOWN_LIBRARIES: LazyLock<Vec<Known>> = LazyLock::new(|| known(LIBRARIES));

/// A row whose pattern is wrong is left out; a test sees it.
fn known(rows: &'static [Row]) -> Vec<Known> {
    rows.iter()
        .filter_map(|row| {
            let text = Regex::new(&format!("(?-u){}", row.text)).ok()?;
            Some(Known { row, text })
        })
        .collect()
}

pub(super) fn program(file: &File<'_>) -> Vec<Component> {
    recognized(&KNOWN_PROGRAMS, file)
}

pub(super) fn library(file: &File<'_>) -> Vec<Component> {
    recognized(&KNOWN_LIBRARIES, file)
}

pub(super) fn is_library(path: &str) -> bool {
    let name = file_name(path);
    name.starts_with("lib")
        && name.contains(".so")
        && LIBRARIES.iter().any(|row| is_named(row, name))
}

fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

fn is_named(row: &Row, name: &str) -> bool {
    row.names
        .iter()
        .any(|pattern| match pattern.strip_suffix('*') {
            Some(begin) => name.starts_with(begin),
            None => name == *pattern,
        })
}

fn recognized(known: &[Known], file: &File<'_>) -> Vec<Component> {
    if file.path.starts_with(FOLDER) {
        return Vec::new();
    }
    let name = file_name(file.path);
    known
        .iter()
        .filter(|known| is_named(known.row, name))
        .filter_map(|known| {
            let version = version(known, name, file.bytes)?;
            Some(generic(known.row.program, &version))
        })
        .collect()
}

fn generic(program: &str, version: &str) -> Component {
    component("generic", program, version, FoundAs::Recognized)
}

/// `None`: the text is not there. Empty: texts contradict each other.
fn version(known: &Known, name: &str, bytes: &[u8]) -> Option<String> {
    let mut found = Found::default();
    match known.row.check {
        Check::None => known
            .versions(bytes)
            .take(MOST)
            .for_each(|version| found.add(version)),
        Check::BuildId => known
            .versions(bytes)
            .take(MOST)
            .filter(|version| has_build_id(bytes, version))
            .for_each(|version| found.add(version)),
        Check::Series => {
            let begin = format!("\0{}.", series(name)?);
            for at in memmem::find_iter(bytes, &begin).take(MOST) {
                let end = bytes.len().min(at + LONGEST);
                let here = known.versions(bytes.get(at..end)?).next();
                here.filter(|version| version.starts_with(&begin[1..]))
                    .into_iter()
                    .for_each(|version| found.add(version));
            }
        }
    }
    found.version
}

impl Known {
    fn versions<'b>(&self, bytes: &'b [u8]) -> impl Iterator<Item = &'b str> {
        let all = self.text.captures_iter(bytes);
        all.filter_map(|captures| std::str::from_utf8(captures.get(1)?.as_bytes()).ok())
    }
}

/// One version; empty where there are several.
#[derive(Default)]
struct Found {
    version: Option<String>,
}

impl Found {
    fn add(&mut self, version: &str) {
        // Python between two releases.
        let version = version.strip_suffix('+').unwrap_or(version);
        match &mut self.version {
            Some(known) if known != version => known.clear(),
            Some(_) => {}
            none => *none = Some(version.to_owned()),
        }
    }
}

/// `3.11` of `python3.11`, `libpython3.11.so.1.0`, `python3.11d`.
fn series(name: &str) -> Option<&str> {
    let begin = name.find(|c: char| c.is_ascii_digit())?;
    let rest = name.get(begin..)?;
    let (major, minor) = rest.split_once('.')?;
    let digits = minor.bytes().take_while(u8::is_ascii_digit).count();
    let whole = digits > 0 && major.bytes().all(|byte| byte.is_ascii_digit());
    whole.then(|| rest.get(..major.len() + 1 + digits))?
}

/// Redis writes version, build id, a digit (whether the tree was dirty) and eight digits of a commit as one text
/// (`src/release.c`); versions that its command tables name stand alone.
fn has_build_id(bytes: &[u8], version: &str) -> bool {
    memmem::find_iter(bytes, version).take(MOST).any(|at| {
        let rest = bytes.get(at + version.len()..).unwrap_or(b"");
        let text = rest
            .iter()
            .take(256)
            .take_while(|byte| byte.is_ascii_graphic())
            .count();
        let Some((text, [0, ..])) = rest.split_at_checked(text) else {
            return false;
        };
        let Some((id, end)) = text
            .len()
            .checked_sub(9)
            .and_then(|at| text.split_at_checked(at))
        else {
            return false;
        };
        id.len() >= 9
            && end.first().is_some_and(u8::is_ascii_digit)
            && end.iter().all(u8::is_ascii_hexdigit)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_pattern_is_one_and_has_one_version() {
        assert_eq!(KNOWN_PROGRAMS.len(), PROGRAMS.len());
        assert_eq!(KNOWN_LIBRARIES.len(), LIBRARIES.len());
        for known in KNOWN_PROGRAMS.iter().chain(KNOWN_LIBRARIES.iter()) {
            assert_eq!(known.text.captures_len(), 2, "{}", known.row.program);
        }
        for row in LIBRARIES {
            let names: BTreeSet<_> = row.names.iter().collect();
            assert!(
                names
                    .iter()
                    .all(|name| name.starts_with("lib") && name.ends_with('*')),
                "{}",
                row.program
            );
        }
    }

    #[test]
    fn texts_that_name_program_and_version() {
        let check = |path: &str, text: &str, expected: &str| {
            let bytes = [b"\0\x7f", text.as_bytes(), b"\0"].concat();
            let file = File {
                path,
                mode: 0o755,
                bytes: &bytes,
            };
            let found: Vec<String> = program(&file)
                .into_iter()
                .chain(library(&file))
                .map(|one| format!("{}@{}", one.name, one.version))
                .collect();
            assert_eq!(found.join(" "), expected, "{path} {text}");
        };
        check("usr/local/bin/node", "node.js/v20.11.1", "node@20.11.1");
        check("usr/local/bin/other", "node.js/v20.11.1", "");
        check("usr/local/bin/node", "v20.11.1", "");
        check(
            "usr/bin/python3.11",
            "x\x003.11.2+\0y\x003.2.0",
            "python@3.11.2",
        );
        check("usr/bin/python3.11", "x\x003.1.2", "");
        check("usr/bin/python3", "x\x003.11.2", "");
        check(
            "usr/lib/libpython3.12.so.1.0",
            "x\x003.12.0rc1",
            "python@3.12.0rc1",
        );
        check(
            "usr/lib/libruby.so.3.3",
            "ruby 3.3.0 (2023-12-25 revision 5124f9ac75) [x86_64-linux]",
            "ruby@3.3.0",
        );
        check("usr/bin/ruby", "ruby 1.8)", "");
        check(
            "usr/sbin/php-fpm8.2",
            "X-Powered-By: PHP/8.2.7",
            "php@8.2.7",
        );
        check("usr/bin/perl", "x\0v5.36.0", "perl@5.36.0");
        check(
            "usr/sbin/nginx",
            "nginx version: nginx/1.25.3 (x)",
            "nginx@1.25.3",
        );
        check(
            "usr/sbin/nginx",
            "nginx version: nginx/1.25.3\0nginx version: nginx/1.25.4",
            "nginx@",
        );
        check(
            "usr/local/openresty/nginx/sbin/nginx",
            "nginx version: openresty/1.25.3.1",
            "openresty@1.25.3.1",
        );
        check(
            "usr/local/apache2/bin/httpd",
            "Apache/2.4.58 (Unix)",
            "apache@2.4.58",
        );
        check(
            "usr/bin/redis-server",
            "x\x007.0.15\0y\x006.2.0\x007.0.15a1b2c3-1704800000000000000",
            "redis@7.0.15",
        );
        check("usr/bin/redis-server", "x\x007.0.15", "");
        check(
            "usr/bin/valkey-server",
            "x\x008.0.1\0y\x007.2.4\x008.0.1host-1704800000000000000",
            "valkey@8.0.1",
        );
        check(
            "usr/lib/postgresql/15/bin/postgres",
            "postgres (PostgreSQL) 15.5 (Debian 15.5-1)",
            "postgresql@15.5",
        );
        check(
            "usr/lib/postgresql/17/bin/postgres",
            "postgres (PostgreSQL) 17rc1",
            "postgresql@17rc1",
        );
        check(
            "usr/sbin/mariadbd",
            "5.5.5-10.11.6-MariaDB",
            "mariadb@10.11.6",
        );
        check(
            "usr/sbin/mysqld",
            "../../mysql-8.0.36/sql/mysqld.cc",
            "mysql@8.0.36",
        );
        check(
            "usr/local/bin/memcached",
            "memcached 1.6.22",
            "memcached@1.6.22",
        );
        check(
            "usr/sbin/haproxy",
            " version 2.9.4-4e071ad, released 2024/01/31",
            "haproxy@2.9.4",
        );
        check(
            "usr/lib/libcrypto.so.3",
            "OpenSSL 3.0.13 30 Jan 2024",
            "openssl@3.0.13",
        );
        check(
            "usr/lib/libcrypto.so.1.1",
            "OpenSSL 1.1.1k  FIPS 25 Mar 2021",
            "openssl@1.1.1k",
        );
        check(
            "usr/lib/libcrypto.so.10",
            "OpenSSL 1.0.2k-fips  26 Jan 2017",
            "openssl@1.0.2k",
        );
        check("usr/bin/openssl", "OpenSSL 3.2 only", "");
        check("usr/bin/curl", "x\0curl/8.5.0", "curl@8.5.0");
        check("usr/lib/libcurl.so.4.8.0", "libcurl/8.5.0", "curl@8.5.0");
        check(
            "bin/busybox",
            "BusyBox v1.36.1 (2023-11-07 18:53:09 UTC)",
            "busybox@1.36.1",
        );
        check(
            "bin/bash",
            "@(#)Bash version 5.2.15(1) release GNU",
            "bash@5.2.15",
        );
        check("usr/bin/git", "x\0git/2.43.0", "git@2.43.0");
        check(
            "usr/lib/libsqlite3.so.0.8.6",
            "x\x003.40.1",
            "sqlite@3.40.1",
        );
        check(
            "opt/bitnami/nginx/sbin/nginx",
            "nginx version: nginx/1.25.3",
            "",
        );
        check(
            "usr/bin/lua5.4",
            "Lua 5.4.6  Copyright (C) 1994",
            "lua@5.4.6",
        );
        check(
            "usr/sbin/varnishd",
            "varnish-7.4.2 revision cd1d10ab",
            "varnish@7.4.2",
        );
        check("usr/sbin/pgbouncer", "PgBouncer 1.21.0", "pgbouncer@1.21.0");
        check(
            "usr/sbin/slapd",
            "$OpenLDAP: slapd 2.5.13+dfsg-5 (Feb",
            "openldap@2.5.13",
        );
    }

    #[test]
    fn names_of_libraries() {
        let check = |path: &str, expected: bool| assert_eq!(is_library(path), expected, "{path}");
        check("usr/lib/x86_64-linux-gnu/libcrypto.so.3", true);
        check("usr/lib/libpython3.11.so.1.0", true);
        check("usr/lib/libpython3.11.a", false);
        check("usr/lib/libz.so.1", false);
    }
}
