//! Versions that a build wrote into its own variables. Comes in: linker flags (`-X main.version=1.2.3`), import paths.
//! Goes out: the program's version, its repository. Never: a version of something else; of two, neither.

/// Names that programs give the variable of their own version, in lower case.
const VARIABLES: [&str; 9] = [
    "version",
    "gitversion",
    "buildversion",
    "appversion",
    "releaseversion",
    "programversion",
    "gittag",
    "buildtag",
    "tag",
];

/// Packages outside the module whose variable is by its documentation the program's version.
const SHARED: [(&str, &str); 2] = [
    // github.com/prometheus/common, version/info.go
    ("github.com/prometheus/common/version", ""),
    // Kubernetes, hack/lib/version.sh; other programs set it to the release that they embed.
    ("k8s.io/component-base/version", "k8s.io/kubernetes"),
];

/// Module version, with `v`.
pub(super) fn version(flags: &str, module: &str) -> Option<String> {
    let mut found: Option<String> = None;
    for (variable, value) in stamped(flags) {
        if !is_own(&variable, module) {
            continue;
        }
        let Some(version) = release(&value) else {
            continue;
        };
        match &found {
            Some(known) if *known != version => return None,
            _ => found = Some(version),
        }
    }
    found
}

fn is_own(variable: &str, module: &str) -> bool {
    let Some((package, name)) = variable.rsplit_once('.') else {
        return false;
    };
    if !VARIABLES.contains(&&*name.to_ascii_lowercase()) {
        return false;
    }
    // Of programs built without modules.
    let package = match package.rsplit_once("/vendor/") {
        Some((_, package)) => package,
        None if is_below(package, module) => return true,
        None => package,
    };
    package == "main"
        || SHARED
            .iter()
            .any(|(shared, only)| package == *shared && (only.is_empty() || module == *only))
}

fn is_below(package: &str, module: &str) -> bool {
    package
        .strip_prefix(module)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// `v1.2.3` of `1.2.3`, `v1.2.3-4-g0123abc` (`git describe`), `v1.2.3-dirty`; pre-releases are kept.
fn release(text: &str) -> Option<String> {
    let bare = text.strip_prefix('v').unwrap_or(text);
    let end = bare
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(bare.len());
    let (core, rest) = bare.split_at(end);
    let numbers = core.split('.').count() == 3
        && core.split('.').all(|part| {
            !part.is_empty() && part.len() <= 9 && (part == "0" || !part.starts_with('0'))
        });
    let sound = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '+');
    if !numbers || core == "0.0.0" || rest.len() > 64 || !rest.chars().all(sound) {
        return None;
    }
    let rest = rest.strip_suffix("-dirty").unwrap_or(rest);
    let rest = match rest.rsplit_once("-g") {
        Some((before, commit))
            if commit.len() >= 7 && commit.bytes().all(|b| b.is_ascii_hexdigit()) =>
        {
            let number = before.rfind('-').filter(|at| {
                let count = before.get(at + 1..).unwrap_or("");
                !count.is_empty() && count.bytes().all(|b| b.is_ascii_digit())
            });
            number.and_then(|at| before.get(..at)).unwrap_or(rest)
        }
        _ => rest,
    };
    (rest.is_empty() || rest.starts_with(['-', '+'])).then(|| format!("v{core}{rest}"))
}

/// Variable and value of each `-X`.
fn stamped(flags: &str) -> Vec<(String, String)> {
    let mut words = words(flags).into_iter();
    let mut all = Vec::new();
    while let Some(word) = words.next() {
        let pair = match word.strip_prefix("--X").or_else(|| word.strip_prefix("-X")) {
            Some("") => words.next().unwrap_or_default(),
            Some(pair) => pair.strip_prefix('=').unwrap_or(pair).to_owned(),
            None => continue,
        };
        if let Some((variable, value)) = pair.split_once('=') {
            let value = value.trim_matches(['"', '\'']);
            all.push((
                variable.trim_matches(['"', '\'']).to_owned(),
                value.to_owned(),
            ));
        }
    }
    all
}

/// Split at spaces that are not quoted (Go `cmd/internal/quoted`).
fn words(text: &str) -> Vec<String> {
    let mut all = Vec::new();
    let mut word = String::new();
    let mut quote = None;
    for c in text.chars() {
        match quote {
            Some(open) if c == open => quote = None,
            None if c == '"' || c == '\'' => quote = Some(c),
            None if c.is_whitespace() => {
                if !word.is_empty() {
                    all.push(std::mem::take(&mut word));
                }
            }
            _ => word.push(c),
        }
    }
    if !word.is_empty() {
        all.push(word);
    }
    all
}

/// The repository of an import path, which is the module of programs built before modules or without; only of hosts
/// where the form of the path says it.
pub(super) fn repository(path: &str) -> Option<&str> {
    let host = path.split('/').next()?;
    let parts = match host {
        "github.com" | "gitlab.com" | "bitbucket.org" => 3,
        "k8s.io" | "sigs.k8s.io" | "go.etcd.io" | "go.uber.org" => 2,
        _ => return None,
    };
    let end = path
        .match_indices('/')
        .nth(parts - 1)
        .map_or(path.len(), |(at, _)| at);
    let repository = path.get(..end)?;
    let whole = repository.split('/').count() == parts
        && repository.split('/').all(|part| !part.is_empty());
    whole.then_some(repository)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_programs_own_version_counts() {
        let check = |flags: &str, module: &str, expected: Option<&str>| {
            assert_eq!(version(flags, module).as_deref(), expected, "{flags}");
        };
        check("-s -w -X main.version=1.2.3", "a.io/b", Some("v1.2.3"));
        check(
            "-X=main.Version=v1.2.3-rc.1 -X main.commit=abc",
            "a.io/b",
            Some("v1.2.3-rc.1"),
        );
        check(
            "-X 'main.version=v1.2.3' -X \"a.io/b/internal.Version=1.2.3\"",
            "a.io/b",
            Some("v1.2.3"),
        );
        check(
            "-X main.version=1.2.3 -X a.io/b/internal.Version=1.2.4",
            "a.io/b",
            None,
        );
        check("-X main.kubectlVersion=1.2.3", "a.io/b", None);
        check("-X a.io/bc/internal.Version=1.2.3", "a.io/b", None);
        check("-X a.io/b/vendor/c.io/d.Version=1.2.3", "a.io/b", None);
        check(
            "-X github.com/prometheus/common/version.Version=2.45.0",
            "a.io/b",
            Some("v2.45.0"),
        );
        check(
            "-X k8s.io/component-base/version.gitVersion=v1.29.0",
            "a.io/b",
            None,
        );
        check(
            "-X k8s.io/component-base/version.gitVersion=v1.29.0",
            "k8s.io/kubernetes",
            Some("v1.29.0"),
        );
        check(
            "-X 'k8s.io/kubernetes/vendor/k8s.io/component-base/version.gitVersion=v1.20.2' -X 'k8s.io/kubernetes/vendor/k8s.io/component-base/version.gitMajor=1'",
            "k8s.io/kubernetes",
            Some("v1.20.2"),
        );
        check("-X main.version=", "a.io/b", None);
        check("-X", "a.io/b", None);
    }

    #[test]
    fn releases() {
        let check = |text: &str, expected: Option<&str>| {
            assert_eq!(release(text).as_deref(), expected, "{text}");
        };
        check("1.2.3", Some("v1.2.3"));
        check("v1.2.3-dirty", Some("v1.2.3"));
        check("v1.2.3-4-g0123abc", Some("v1.2.3"));
        check("v1.2.3-rc.1-4-g0123abc-dirty", Some("v1.2.3-rc.1"));
        check("1.2.3+k3s1", Some("v1.2.3+k3s1"));
        check("v1.2.3-beta", Some("v1.2.3-beta"));
        check("0.0.0", None);
        check("0.0.0-dev", None);
        check("1.2", None);
        check("1.2.3.4", None);
        check("1.02.3", None);
        check("1.2.3 (x)", None);
        check("1.2.3x", None);
        check("devel", None);
    }

    #[test]
    fn repositories() {
        let check =
            |path: &str, expected: Option<&str>| assert_eq!(repository(path), expected, "{path}");
        check("github.com/a/b/cmd/c", Some("github.com/a/b"));
        check("github.com/a/b", Some("github.com/a/b"));
        check("github.com/a", None);
        check(
            "k8s.io/kubernetes/cmd/kube-apiserver",
            Some("k8s.io/kubernetes"),
        );
        check("example.com/a/b/c", None);
        check("main", None);
    }
}
