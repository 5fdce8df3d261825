//! Package URLs (package-url/purl-spec) from what a report says of a package.
//! Comes in: the scanner's own type word, name, version, distribution. Never: a guessed name or namespace.

use model::matches::OsRelease;

/// purl type of the words that scanners use for ecosystems and distributions.
pub fn kind(word: &str) -> Option<&'static str> {
    Some(match word.to_ascii_lowercase().as_str() {
        "deb" | "debian" | "ubuntu" | "dpkg" | "distroless" => "deb",
        "apk" | "alpine" | "wolfi" | "chainguard" | "minimos" => "apk",
        "rpm"
        | "redhat"
        | "rhel"
        | "centos"
        | "rocky"
        | "alma"
        | "almalinux"
        | "oracle"
        | "oraclelinux"
        | "amazon"
        | "amazonlinux"
        | "amzn"
        | "fedora"
        | "photon"
        | "cbl-mariner"
        | "mariner"
        | "azurelinux"
        | "suse"
        | "sles"
        | "suse linux enterprise server"
        | "suse linux enterprise micro"
        | "slem"
        | "opensuse"
        | "opensuse.leap"
        | "opensuse.tumbleweed"
        | "opensuse-leap"
        | "opensuse-tumbleweed" => "rpm",
        "npm" | "yarn" | "yarnworkspace" | "pnpm" | "node-pkg" | "nodejs" | "node"
        | "javascript" | "bun" => "npm",
        "pip" | "pipenv" | "poetry" | "uv" | "python-pkg" | "python" | "pypi" | "pylock" => "pypi",
        "gomod" | "gobinary" | "go-module" | "golang" | "gomodules" | "golangdep" | "govendor"
        | "go" => "golang",
        "cargo" | "rustbinary" | "rust-binary" | "rust-crate" | "rust" => "cargo",
        "jar" | "pom" | "gradle" | "gradle-lockfile" | "sbt" | "sbt-lockfile" | "java-archive"
        | "jenkins-plugin" | "maven" | "java" => "maven",
        "bundler" | "gemspec" | "gem" | "rubygems" | "ruby" => "gem",
        "composer" | "composer-vendor" | "php-composer" | "php" => "composer",
        "nuget" | "dotnet-core" | "dotnet" | "packages-props" | "paket" => "nuget",
        "hex" | "mix" | "erlang-otp" => "hex",
        "pub" | "dart-pub" => "pub",
        "swift" => "swift",
        "cocoapods" | "pod" => "cocoapods",
        "conan" => "conan",
        "conda" | "conda-pkg" | "conda-environment" => "conda",
        "julia" => "julia",
        "bitnami" => "bitnami",
        "r-package" | "cran" => "cran",
        "hackage" => "hackage",
        _ => return None,
    })
}

/// The type of a purl, lower case; `None` for text that is no purl.
pub(crate) fn kind_of(purl: &str) -> Option<&str> {
    let (kind, rest) = purl.strip_prefix("pkg:")?.split_once('/')?;
    let sound = !kind.is_empty()
        && !rest.is_empty()
        && kind.bytes().all(|b| {
            b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'-' | b'+')
        });
    sound.then_some(kind)
}

/// A purl where type, name and version are sound; a distribution package needs its distribution.
pub(crate) fn build(
    kind: &str,
    name: &str,
    version: &str,
    os: Option<&OsRelease>,
) -> Option<String> {
    let sound =
        |text: &str| !text.is_empty() && !text.chars().any(|c| c.is_control() || c.is_whitespace());
    if !sound(name) || !sound(version) {
        return None;
    }
    let lower = name.to_ascii_lowercase();
    let mut out = format!("pkg:{kind}");
    let mut version = version;
    let mut epoch = None;
    match kind {
        "deb" | "apk" | "rpm" => {
            let os = os.filter(|os| !os.id.is_empty())?;
            segment(&mut out, &os.id);
            segment(&mut out, if kind == "rpm" { name } else { &lower });
            if kind == "rpm"
                && let Some((number, rest)) = version.split_once(':')
            {
                version = rest;
                epoch = Some(number);
            }
        }
        "maven" => {
            let (group, artifact) = name.split_once(':').or_else(|| name.rsplit_once('/'))?;
            segments(&mut out, group);
            segment(&mut out, artifact);
        }
        "pypi" => segment(&mut out, &lower.replace('_', "-")),
        "golang" | "composer" => segments(&mut out, &lower),
        "npm" | "swift" | "cocoapods" => segments(&mut out, name),
        _ => segment(&mut out, name),
    }
    out.push('@');
    escape(&mut out, version);
    let mut mark = '?';
    if let Some(os) = os.filter(|_| matches!(kind, "deb" | "apk" | "rpm")) {
        out.push_str("?distro=");
        mark = '&';
        if kind != "apk" {
            escape(&mut out, &os.id);
            out.push('-');
        }
        escape(&mut out, &os.version);
    }
    if let Some(epoch) = epoch.filter(|epoch| *epoch != "0") {
        out.push(mark);
        out.push_str("epoch=");
        escape(&mut out, epoch);
    }
    Some(out)
}

fn segments(out: &mut String, path: &str) {
    for part in path.split('/').filter(|part| !part.is_empty()) {
        segment(out, part);
    }
}

fn segment(out: &mut String, text: &str) {
    out.push('/');
    escape(out, text);
}

/// Percent-encodes all but `A-Z a-z 0-9 . - _ ~ :` (purl-spec, "Character encoding").
pub(crate) fn escape(out: &mut String, text: &str) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b'~' | b':') {
            out.push(char::from(byte));
        } else {
            out.push('%');
            for digit in [byte >> 4, byte & 15] {
                out.extend(char::from_digit(u32::from(digit), 16).map(|c| c.to_ascii_uppercase()));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn purls() {
        let os = OsRelease {
            id: "debian".into(),
            version: "12.5".into(),
            end_of_life: None,
        };
        let check = |kind: &str,
                     name: &str,
                     version: &str,
                     os: Option<&OsRelease>,
                     expected: Option<&str>| {
            assert_eq!(
                build(kind, name, version, os).as_deref(),
                expected,
                "{kind} {name} {version}"
            );
        };
        check(
            "deb",
            "libstdc++6",
            "12.2.0-14",
            Some(&os),
            Some("pkg:deb/debian/libstdc%2B%2B6@12.2.0-14?distro=debian-12.5"),
        );
        check(
            "deb",
            "x",
            "1:2+b1",
            Some(&os),
            Some("pkg:deb/debian/x@1:2%2Bb1?distro=debian-12.5"),
        );
        check(
            "rpm",
            "NetworkManager",
            "1:1.40-1",
            Some(&os),
            Some("pkg:rpm/debian/NetworkManager@1.40-1?distro=debian-12.5&epoch=1"),
        );
        check(
            "apk",
            "musl",
            "1.2",
            Some(&os),
            Some("pkg:apk/debian/musl@1.2?distro=12.5"),
        );
        check("deb", "x", "1", None, None);
        check(
            "npm",
            "@babel/core",
            "7.0.0",
            None,
            Some("pkg:npm/%40babel/core@7.0.0"),
        );
        check("maven", "org.a:b", "1", None, Some("pkg:maven/org.a/b@1"));
        check("maven", "b", "1", None, None);
        check(
            "golang",
            "github.com/Foo/bar",
            "v1.0.0",
            None,
            Some("pkg:golang/github.com/foo/bar@v1.0.0"),
        );
        check("pypi", "Foo_Bar", "1", None, Some("pkg:pypi/foo-bar@1"));
        check("npm", "", "1", None, None);
        check("npm", "a", "", None, None);
        check("npm", "a\u{0}", "1", None, None);
    }

    #[test]
    fn kinds_of_purls() {
        for (purl, expected) in [
            ("pkg:deb/a/b@1", Some("deb")),
            ("pkg:/a", None),
            ("deb/a", None),
            ("pkg:d e/a", None),
            ("pkg:npm/", None),
        ] {
            assert_eq!(kind_of(purl), expected, "{purl}");
        }
    }
}
