//! The programs that are known, a row each: how their file is called, and the text that only they have. Names are
//! Bitnami's where it has advisories of the program. Never: a pattern that another program's text can meet; a pattern
//! without a test beside it.
//!
//! Patterns are over bytes, with the version as their only group. They were made from each program's own source (where
//! it prints its version) and tried on Debian's builds, but for MySQL, OpenResty and Valkey.

pub(super) struct Row {
    /// `generic` name.
    pub(super) program: &'static str,
    /// File names; `*` at the end stands for anything.
    pub(super) names: &'static [&'static str],
    pub(super) text: &'static str,
    pub(super) check: Check,
}

/// What a version must meet besides its pattern.
#[derive(Clone, Copy)]
pub(super) enum Check {
    None,
    /// The file's name has its first two numbers.
    Series,
    /// It also stands before a build id.
    BuildId,
}

const fn row(program: &'static str, names: &'static [&'static str], text: &'static str) -> Row {
    Row {
        program,
        names,
        text,
        check: Check::None,
    }
}

const NODE: &str = r"node\.js/v(\d+\.\d+\.\d+(?:-[0-9a-z.]+)?)";
const PYTHON: &str = r"\x00(\d\.\d+\.\d+(?:(?:a|b|rc)\d+)?\+?)\x00";
const RUBY: &str = r"ruby (\d+\.\d+\.\d+)(?:p\d+|(?:preview|rc|dev)\d*)? \(20\d\d-\d\d-\d\d";
const PHP: &str = r"X-Powered-By: PHP/(\d+\.\d+\.\d+(?:(?:alpha|beta|RC)\d+)?)";
const PERL: &str = r"\x00v(5\.\d+\.\d+)\x00";
const BARE: &str = r"\x00(\d+\.\d+\.\d+(?:-rc\d+)?)\x00";
const OPENSSL: &str =
    r"OpenSSL (\d+\.\d+\.\d+[a-z]{0,2})(?:-fips)? {1,2}(?:FIPS )?\d{1,2} [A-Z][a-z]{2} 20\d\d";
const SQLITE: &str = r"\x00(3\.\d+\.\d+)\x00";

pub(super) static PROGRAMS: &[Row] = &[
    row("apache", &["httpd", "apache2"], r"Apache/(2\.\d+\.\d+)"),
    row("bash", &["bash"], r"@\(#\)Bash version (\d+\.\d+\.\d+)\("),
    row("busybox", &["busybox*"], r"BusyBox v(\d+\.\d+\.\d+)"),
    row("curl", &["curl"], r"\x00curl/(\d+\.\d+\.\d+)\x00"),
    row(
        "git",
        &["git"],
        r"[^a-z]git/(\d+\.\d+\.\d+(?:\.\d+)?(?:[.-]rc\d+)?)\x00",
    ),
    row(
        "haproxy",
        &["haproxy"],
        r" version (\d+\.\d+(?:\.\d+|-dev\d+)?)[-+~.0-9A-Za-z]*, released 20\d\d/",
    ),
    row(
        "lua",
        &["lua", "lua5*", "luac", "luac5*"],
        r"Lua (5\.\d+\.\d+)  Copyright",
    ),
    row(
        "mariadb",
        &["mariadbd", "mariadb", "mysqld", "mysql"],
        r"(?:\x00|5\.5\.5-)(\d+\.\d+\.\d+)-MariaDB",
    ),
    row("memcached", &["memcached"], r"memcached (\d+\.\d+\.\d+)"),
    row("mysql", &["mysqld", "mysql"], r"/mysql-(\d+\.\d+\.\d+)/"),
    row("nginx", &["nginx"], r"nginx version: nginx/(\d+\.\d+\.\d+)"),
    row("node", &["node", "nodejs"], NODE),
    row("openldap", &["slapd"], r"\$OpenLDAP: slapd (\d+\.\d+\.\d+)"),
    row(
        "openresty",
        &["nginx", "openresty"],
        r"nginx version: openresty/(\d+\.\d+\.\d+\.\d+)",
    ),
    row("openssl", &["openssl"], OPENSSL),
    row("perl", &["perl", "perl5*"], PERL),
    row("pgbouncer", &["pgbouncer"], r"PgBouncer (\d+\.\d+\.\d+)"),
    row(
        "php",
        &["php", "php5*", "php7*", "php8*", "php-fpm*", "php-cgi*"],
        PHP,
    ),
    row(
        "postgresql",
        &["postgres", "psql"],
        r"(?:postgres|psql) \(PostgreSQL\) (\d+(?:\.\d+){0,2}(?:(?:beta|rc)\d+)?)",
    ),
    Row {
        program: "python",
        names: &["python2.*", "python3.*"],
        text: PYTHON,
        check: Check::Series,
    },
    Row {
        program: "redis",
        names: &[
            "redis-server",
            "redis-sentinel",
            "redis-check-aof",
            "redis-check-rdb",
        ],
        text: BARE,
        check: Check::BuildId,
    },
    row(
        "ruby",
        &["ruby", "ruby1*", "ruby2*", "ruby3*", "ruby4*"],
        RUBY,
    ),
    row("sqlite", &["sqlite3"], SQLITE),
    Row {
        program: "valkey",
        names: &[
            "valkey-server",
            "valkey-sentinel",
            "valkey-check-aof",
            "valkey-check-rdb",
        ],
        text: BARE,
        check: Check::BuildId,
    },
    row(
        "varnish",
        &["varnishd"],
        r"varnish-(\d+\.\d+\.\d+) revision [0-9a-f]",
    ),
];

pub(super) static LIBRARIES: &[Row] = &[
    row("curl", &["libcurl*"], r"libcurl/(\d+\.\d+\.\d+)"),
    row("node", &["libnode.so*"], NODE),
    row("openssl", &["libcrypto.so*", "libcrypto-*"], OPENSSL),
    row("perl", &["libperl.so*"], PERL),
    row("php", &["libphp*"], PHP),
    Row {
        program: "python",
        names: &["libpython2.*", "libpython3.*"],
        text: PYTHON,
        check: Check::Series,
    },
    row("ruby", &["libruby*"], RUBY),
    row("sqlite", &["libsqlite3.so*"], SQLITE),
];
