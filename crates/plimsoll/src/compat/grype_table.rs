//! Grype's flags, a row each: name, key in .grype.yaml, what it takes, what becomes of it. Sources: Grype's command line
//! and configuration references. Never: code; a row that says `Made` is made in `grype`.

use super::asked::Becomes::{Flag, Made, Nothing, Only, Refused};
use super::asked::Takes::{Each, Many, One, Switch};
use super::asked::{Row, row};

const OWN_DATABASE: &str = "we have a database of our own: plimsoll db update";
const NO_CPES: &str = "packages are matched by their names and purls, never by CPE";
const AS_IT_IS: &str = "no update or news is looked for";

#[rustfmt::skip] // a row a line
pub(super) const TABLE: &[Row] = &[
    row("output", "output", Each, Made("--format grype-json, table, cyclonedx, sarif; FORM=FILE is --output")).short('o'),
    row("file", "file", One, Made("--output")),
    row("template", "output-template-file", One, Refused("templates are not run")).short('t'),
    row("fail-on", "fail-on-severity", One, Made("--fail-on, with exit code 2")).short('f'),
    row("only-fixed", "only-fixed", Switch, Flag("--only-fixed")),
    row("only-notfixed", "only-notfixed", Switch, Made("--ignore-status fixed")),
    row("ignore-states", "ignore-wontfix", Many, Made("--ignore-status")),
    row("platform", "platform", One, Made("--platform")),
    row("scope", "search.scope", One, Only(&["squashed", "Squashed"], "what a later layer removed is not there")).short('s'),
    row("vex", "vex-documents", Many, Flag("--vex")),
    row("vex-add", "vex-add", Many, Refused("VEX documents take findings out, they bring none")),
    row("vex-autodiscover", "vex-autodiscover", Switch, Refused("what comes with an image clears nothing by itself; --vex FILE")),
    row("exclude", "exclude", Each, Refused("everything is read; take findings out by path in an ignore file")),
    row("config", "", One, Made("read; default is .grype.yaml, .grype/config.yaml, ~/.grype.yaml, XDG_CONFIG_HOME/grype/config.yaml")).short('c'),
    row("from", "from", Many, Made("--image-src")),
    row("default-image-pull-source", "default-image-pull-source", One, Made("--image-src")),
    row("distro", "distro", One, Made("--distro, of a list of packages; else not supported: the artifact says it")),
    row("add-cpes-if-none", "add-cpes-if-none", Switch, Nothing(NO_CPES)),
    row("by-cve", "by-cve", Switch, Nothing("a vulnerability is called by its CVE, where it has one")),
    row("name", "name", One, Nothing("what is scanned keeps its name")),
    row("show-suppressed", "show-suppressed", Switch, Nothing("what is taken out is always told")),
    row("sort-by", "sort-by", One, Nothing("the order is by risk")),
    row("quiet", "quiet", Switch, Nothing("nothing is drawn but on a terminal")).short('q'),
    row("verbose", "", Switch, Nothing("plimsoll explain tells how a result came about")).short('v'),
    row("profile", "", Many, Refused("profiles of a configuration are not read")),
    row("match-upstream-kernel-headers", "match-upstream-kernel-headers", Switch, Nothing("they are told, marked `the node's kernel decides`")),
    row("check-for-app-update", "check-for-app-update", Switch, Nothing(AS_IT_IS)),
    row("timestamp", "timestamp", Switch, Nothing("the time is --now")),
    row("pretty", "pretty", Switch, Nothing("jq . makes it so")),
    row("external-sources-enable", "external-sources.enable", Switch, Refused("no other host is asked about packages")),
    row("db-auto-update", "db.auto-update", Switch, Nothing("a scan never updates the database")),
    row("db-cache-dir", "db.cache-dir", One, Nothing(OWN_DATABASE)),
    row("db-update-url", "db.update-url", One, Nothing(OWN_DATABASE)),
    row("db-ca-cert", "db.ca-cert", One, Nothing(OWN_DATABASE)),
    row("db-validate-age", "db.validate-age", One, Made("--max-db-age without end, where it is false")),
    row("db-max-allowed-built-age", "db.max-allowed-built-age", One, Made("--max-db-age")),
    row("search-indexed-archives", "search.indexed-archives", Switch, Nothing("archives of Java are always read")),
    row("search-unindexed-archives", "search.unindexed-archives", Switch, Refused("packed tar files inside an image are not opened")),
    row("registry-insecure-use-http", "registry.insecure-use-http", Switch, Made("--insecure-registry with the image's registry")),
    row("registry-insecure-skip-tls-verify", "registry.insecure-skip-tls-verify", Switch, Refused("certificates are always checked; --registry-ca FILE trusts one more authority")),
    row("registry-ca-cert", "registry.ca-cert", One, Flag("--registry-ca")),
    row("registry-auth-authority", "", One, Made("a login")),
    row("registry-auth-username", "", One, Made("a login for the image's registry")),
    row("registry-auth-password", "", One, Made("a login for the image's registry")),
    row("registry-auth-token", "", One, Made("a login for the image's registry")),
    row("help", "", Switch, Made("this text")).short('h'),
    row("version", "", Switch, Made("our version")),
];
