//! Package URLs (package-url/purl-spec) from what a report says of a package.
//! Comes in: the scanner's own type word, name, version, distribution. Never: a guessed name or namespace.

use model::matches::OsRelease;
use model::purl;

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
    let os = os.filter(|os| !os.id.is_empty());
    let mut version = version;
    let mut epoch = "";
    let (namespace, name) = match kind {
        "deb" | "apk" | "rpm" => (&*os?.id, name),
        "maven" => name.split_once(':').or_else(|| name.rsplit_once('/'))?,
        _ => ("", name),
    };
    if kind == "rpm"
        && let Some((number, rest)) = version.split_once(':')
    {
        version = rest;
        epoch = if number == "0" { "" } else { number };
    }
    let distro = match (kind, os) {
        ("apk", Some(os)) => os.version.to_string(),
        ("deb" | "rpm", Some(os)) => format!("{}-{}", os.id, os.version),
        _ => String::new(),
    };
    let qualifiers = [("distro", &*distro), ("epoch", epoch)];
    Some(purl::write(
        kind,
        Some(namespace),
        name,
        version,
        &qualifiers,
    ))
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
}
