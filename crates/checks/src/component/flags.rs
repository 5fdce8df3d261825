//! Command lines as the components read them (spf13/pflag; etcd: Go's flag package).
//! Comes in: arguments. Goes out: flags in order, each with the index of its argument. Never: a guess at what a shell does.

/// A flag as it was given. Names have no dashes in front, and `-` for `_`, as `WordSepNormalizeFunc` has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flag {
    pub name: String,
    pub value: String,
    /// Index of the argument that holds the name.
    pub at: usize,
}

/// Flags that take no argument of their own: `--flag value` leaves `value` alone.
const BOOLEANS: &[&str] = &[
    "allocate-node-cidrs",
    "allow-privileged",
    "anonymous-auth",
    "authentication-token-webhook",
    "auto-tls",
    "client-cert-auth",
    "contention-profiling",
    "enable-aggregator-routing",
    "enable-bootstrap-token-auth",
    "enable-debugging-handlers",
    "enable-garbage-collector",
    "enable-server",
    "encryption-provider-config-automatic-reload",
    "fail-swap-on",
    "kubelet-https",
    "leader-elect",
    "make-iptables-util-chains",
    "peer-auto-tls",
    "peer-client-cert-auth",
    "profiling",
    "protect-kernel-defaults",
    "register-node",
    "rotate-certificates",
    "rotate-server-certificates",
    "seccomp-default",
    "service-account-extend-token-expiration",
    "service-account-lookup",
    "use-service-account-credentials",
    "audit-log-compress",
    "logtostderr",
    "alsologtostderr",
    "cgroups-per-qos",
    "strict-transport-security",
    "tls",
    "tlsverify",
];

/// Flags whose values add up (`StringSlice`, `StringArray`, maps); of others the last counts.
const ACCUMULATE: &[&str] = &[
    "admission-control",
    "api-audiences",
    "authorization-mode",
    "controllers",
    "disable-admission-plugins",
    "enable-admission-plugins",
    "etcd-servers",
    "feature-gates",
    "host",
    "kubelet-preferred-address-types",
    "runtime-config",
    "service-account-issuer",
    "service-account-key-file",
    "tls-cipher-suites",
];

/// The flags of these arguments, without the program.
pub fn parse<'a>(arguments: impl IntoIterator<Item = &'a str>) -> Vec<Flag> {
    let mut flags = Vec::new();
    let mut arguments = arguments.into_iter().enumerate().peekable();
    while let Some((at, argument)) = arguments.next() {
        if argument == "--" {
            break;
        }
        let Some(rest) = argument
            .strip_prefix("--")
            .or_else(|| argument.strip_prefix('-'))
        else {
            continue;
        };
        let (name, value) = match rest.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (rest, None),
        };
        let name = match name {
            "H" => "host".to_owned(),
            "c" => "config".to_owned(),
            name => name.replace('_', "-"),
        };
        if name.is_empty() {
            continue;
        }
        let value = match value {
            Some(value) => value,
            None if BOOLEANS.contains(&&*name) => "true".to_owned(),
            None => match arguments.peek() {
                Some((_, next)) if !next.starts_with('-') || is_number(next) => {
                    let value = (*next).to_owned();
                    arguments.next();
                    value
                }
                _ => "true".to_owned(),
            },
        };
        flags.push(Flag { name, value, at });
    }
    flags
}

fn is_number(text: &str) -> bool {
    text.parse::<i64>().is_ok()
}

/// The value in force and the index of its argument.
pub fn value(flags: &[Flag], name: &str) -> Option<(String, usize)> {
    let mut all = flags.iter().filter(|flag| flag.name == name);
    if ACCUMULATE.contains(&name) {
        let values: Vec<&Flag> = all.collect();
        let at = values.last()?.at;
        let texts: Vec<&str> = values
            .iter()
            .map(|flag| flag.value.trim_matches('"'))
            .collect();
        return Some((texts.join(","), at));
    }
    all.next_back()
        .map(|flag| (flag.value.trim_matches('"').to_owned(), flag.at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &str, name: &str, expected: Option<&str>) {
        let flags = parse(line.split(' '));
        let found = value(&flags, name).map(|(value, _)| value);
        assert_eq!(found.as_deref(), expected, "{name} of {line}");
    }

    #[test]
    fn values() {
        check("--profiling=false", "profiling", Some("false"));
        check("--profiling false", "profiling", Some("true"));
        check("--profiling", "profiling", Some("true"));
        check(
            "--bind-address 127.0.0.1 --x",
            "bind-address",
            Some("127.0.0.1"),
        );
        check("--secure-port=1 --secure-port 2", "secure-port", Some("2"));
        check("--pod-max-pids -1", "pod-max-pids", Some("-1"));
        check(
            "--enable_admission_plugins=A --enable-admission-plugins=B,C",
            "enable-admission-plugins",
            Some("A,B,C"),
        );
        check(
            "--feature-gates=A=true --feature-gates=B=false",
            "feature-gates",
            Some("A=true,B=false"),
        );
        check("-client-cert-auth", "client-cert-auth", Some("true"));
        check("-c /etc/x --root /y", "config", Some("/etc/x"));
        check("-- --profiling=false", "profiling", None);
        check("--profiling2=false", "profiling", None);
    }
}
