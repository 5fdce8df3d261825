//! The rules of ECMA-427 and of the types' definitions, a case a line, and the law of reading what was written.

use super::*;
use proptest::prelude::*;

/// What is read, written again.
fn check(text: &str, canonical: &str) {
    let purl = Purl::parse(text).unwrap();
    assert_eq!(purl.to_string(), canonical, "{text}");
    assert_eq!(Purl::parse(canonical).as_ref(), Ok(&purl), "{text}");
}

#[test]
fn any_spelling_has_one_canonical_form() {
    check("pkg:gem/rails@7.0.0", "pkg:gem/rails@7.0.0");
    check("PKG:Gem/rails@7", "pkg:gem/rails@7");
    check("pkg://gem/rails@1", "pkg:gem/rails@1");
    check("pkg:///gem//rails/@1", "pkg:gem/rails@1");
    check(" pkg:gem/rails ", "pkg:gem/rails");
    check("pkg:maven/a//b/c@1", "pkg:maven/a/b/c@1");
    check("pkg:generic/a%20b@1%3f2", "pkg:generic/a%20b@1%3F2");
    check(
        "pkg:deb/debian/passwd@1%3A4.5",
        "pkg:deb/debian/passwd@1:4.5",
    );
    check("pkg:npm/%40a/b@1", "pkg:npm/%40a/b@1");
    check("pkg:npm/@a/b@1", "pkg:npm/%40a/b@1");
    check("pkg:npm/@a/b", "pkg:npm/%40a/b");
    check("pkg:npm/%40a%2Fb@1", "pkg:npm/%40a/b@1");
    check("pkg:generic/a%2Fb@1", "pkg:generic/a%2Fb@1");
    check("pkg:maven/a%2Fb/c", "pkg:maven/a/b/c");
    check("pkg:generic/caf%C3%A9", "pkg:generic/caf%C3%A9");
    check("pkg:generic/café", "pkg:generic/caf%C3%A9");
    check("pkg:generic/%FF", "pkg:generic/%EF%BF%BD");
    check("pkg:generic/100%", "pkg:generic/100%25");
}

#[test]
fn qualifiers_are_ordered_and_never_empty() {
    check("pkg:a/n?b=1&a=2", "pkg:a/n?a=2&b=1");
    check("pkg:a/n?B=X&a=", "pkg:a/n?b=X");
    check("pkg:a/n?b&&c=1", "pkg:a/n?c=1");
    check("pkg:a/n?", "pkg:a/n");
    check("pkg:a/n?a=1&A=2", "pkg:a/n?a=1");
    check("pkg:a/n?a=b=c", "pkg:a/n?a=b%3Dc");
    check("pkg:a/n?u=https://x/y", "pkg:a/n?u=https:%2F%2Fx%2Fy");
    check(
        "pkg:a/n?checksum=sha1:a,sha256:b",
        "pkg:a/n?checksum=sha1:a%2Csha256:b",
    );
    check("pkg:a/n?a=+", "pkg:a/n?a=%2B");
}

#[test]
fn subpaths_lose_empty_and_dotted_segments() {
    check("pkg:a/n@1#/x//y/", "pkg:a/n@1#x/y");
    check("pkg:a/n@1#x/./../y", "pkg:a/n@1#x/y");
    check("pkg:a/n@1#%2E%2E/y", "pkg:a/n@1#y");
    check("pkg:a/n@1?b=c#x%20y", "pkg:a/n@1?b=c#x%20y");
    check("pkg:a/n@1#", "pkg:a/n@1");
}

#[test]
fn types_have_rules_of_their_own() {
    check(
        "pkg:pypi/My.PyPI_.--._Package@1.1.dev1",
        "pkg:pypi/my-pypi-package@1.1.dev1",
    );
    check(
        "pkg:deb/Debian/CURL@7.50.3-1",
        "pkg:deb/debian/curl@7.50.3-1",
    );
    check("pkg:apk/Alpine/Curl@1", "pkg:apk/alpine/curl@1");
    check(
        "pkg:rpm/Fedora/NetworkManager@1",
        "pkg:rpm/fedora/NetworkManager@1",
    );
    check("pkg:alpm/Arch/Pacman@1", "pkg:alpm/arch/pacman@1");
    check(
        "pkg:github/Package-URL/Purl-Spec@AB",
        "pkg:github/package-url/purl-spec@AB",
    );
    check("pkg:bitbucket/A/B@1", "pkg:bitbucket/a/b@1");
    check("pkg:bitnami/WordPress@6", "pkg:bitnami/wordpress@6");
    check(
        "pkg:composer/Laravel/Laravel@5",
        "pkg:composer/laravel/laravel@5",
    );
    check(
        "pkg:golang/github.com/BurntSushi/toml@v1",
        "pkg:golang/github.com/burntsushi/toml@v1",
    );
    check("pkg:golang/a.b%2Fc%2FD@v1", "pkg:golang/a.b/c/d@v1");
    check(
        "pkg:golang/g.org/genproto#googleapis/api",
        "pkg:golang/g.org/genproto#googleapis/api",
    );
    check("pkg:hex/Acme/Foo@1", "pkg:hex/acme/foo@1");
    check("pkg:pub/Flutter@0", "pkg:pub/flutter@0");
    check(
        "pkg:luarocks/Hisham/LuaFS@1-1",
        "pkg:luarocks/hisham/luafs@1-1",
    );
    check(
        "pkg:oci/Debian@sha256%3AAB?tag=Latest",
        "pkg:oci/debian@sha256:ab?tag=Latest",
    );
    check(
        "pkg:huggingface/Microsoft/B@55A",
        "pkg:huggingface/Microsoft/B@55a",
    );
    check("pkg:cpan/drolsky/DateTime@1", "pkg:cpan/DROLSKY/DateTime@1");
    check("pkg:cpan/LWP::UserAgent@6", "pkg:cpan/LWP::UserAgent@6");
    check(
        "pkg:maven/Org.A/B@1?type=Pom",
        "pkg:maven/Org.A/B@1?type=Pom",
    );
    check(
        "pkg:nuget/Newtonsoft.Json@12",
        "pkg:nuget/Newtonsoft.Json@12",
    );
    check("pkg:npm/JSONStream@1", "pkg:npm/JSONStream@1");
    check("pkg:cargo/Inflector@1", "pkg:cargo/Inflector@1");
    check("pkg:cran/A3@1", "pkg:cran/A3@1");
    check(
        "pkg:swift/github.com/Alamofire/Alamofire@5",
        "pkg:swift/github.com/Alamofire/Alamofire@5",
    );
}

#[test]
fn what_is_no_purl_is_refused() {
    for text in [
        "",
        "pkg:",
        "pkg:deb",
        "pkg:deb/",
        "pkg:deb///",
        "pkg:deb/%2F",
        "deb/debian/x@1",
        "EnterpriseLibrary.Common@6.0",
        "pkg:EnterpriseLibrary.Common@6.0",
        "pkg:d b/x@1",
        "pkg:n&g?inx/nginx@1",
        "pkg:nginx:a/nginx@1",
        "pkg:3nginx/nginx@1",
        "pkg:maven/@1.3.4",
        "pkg%3Amaven/a/b",
        "pkg:/x@1",
        "pkg:npm/a?in%20production=true",
        "pkg:npm/a?=true",
        "pkg:npm/a?1=true",
    ] {
        assert_eq!(Purl::parse(text).ok(), None, "{text}");
    }
    let long = format!("pkg:npm/{}", "a".repeat(MAX_PURL));
    assert_eq!(Purl::parse(&long), Err(PurlError::TooLong));
    let long = format!("pkg:npm/{}", "é".repeat(MAX_PURL / 4));
    assert_eq!(Purl::parse(&long), Err(PurlError::TooLong));
}

#[test]
fn types_without_a_whole_purl() {
    for (text, expected) in [
        ("pkg:deb/a/b@1", Some("deb")),
        ("PKG:Deb/b", Some("deb")),
        ("pkg:/a", None),
        ("deb/a", None),
        ("pkg:d e/a", None),
        ("pkg:npm/", None),
    ] {
        assert_eq!(kind_of(text).as_deref(), expected, "{text}");
    }
}

#[test]
fn purls_that_others_read() {
    for (text, expected) in [
        ("pkg:deb/debian/libssl3@3.0.11-1~deb12u1?arch=amd64", true),
        ("pkg:npm/%40scope/name@1.0.0", true),
        ("pkg:maven/org.a/b@1#sub/path", true),
        ("pkg:npm/%4/name", false),
        ("pkg:deb/a b@1", false),
        ("pkg:deb/a\nb@1", false),
        ("pkg:deb/<a>@1", false),
        ("pkg:deb", false),
        ("pkg:/a", false),
        ("https://example.com", false),
    ] {
        assert_eq!(is_uri(text), expected, "{text}");
    }
}

#[test]
fn parts_are_written() {
    let check = |kind: &str, namespace: &str, name: &str, version: &str, expected: &str| {
        let namespace = Some(namespace).filter(|namespace| !namespace.is_empty());
        assert_eq!(write(kind, namespace, name, version, &[]), expected);
    };
    check(
        "npm",
        "@babel",
        "core",
        "7.0.0",
        "pkg:npm/%40babel/core@7.0.0",
    );
    check(
        "npm",
        "",
        "@babel/core",
        "7.0.0",
        "pkg:npm/%40babel/core@7.0.0",
    );
    check(
        "pypi",
        "",
        "Zope._.Interface",
        "5.0",
        "pkg:pypi/zope-interface@5.0",
    );
    check(
        "pypi",
        "",
        "Flask",
        "1!1.0+local",
        "pkg:pypi/flask@1%211.0%2Blocal",
    );
    check("golang", "", "stdlib", "1.21.3", "pkg:golang/stdlib@1.21.3");
    check(
        "golang",
        "",
        "github.com/A/b/v2",
        "v2",
        "pkg:golang/github.com/a/b/v2@v2",
    );
    check("maven", "", "spring", "", "pkg:maven/spring");
    check("generic", "", "a b/c", "1?2", "pkg:generic/a%20b%2Fc@1%3F2");
    let qualifiers = [("subdir", "linux-64"), ("channel", ""), ("build", "py3/0")];
    assert_eq!(
        write("conda", None, "numpy", "1.20.3", &qualifiers),
        "pkg:conda/numpy@1.20.3?build=py3%2F0&subdir=linux-64"
    );
}

#[test]
fn components() {
    let check =
        |text: &str, version: &str, source: Option<(&str, &str)>, release: Option<(&str, &str)>| {
            let purl = Purl::parse(text).unwrap();
            let component = purl.component(text);
            let of = component.source.as_ref().map(|s| (&*s.name, &*s.version));
            let found = purl.release();
            let found = found.as_ref().map(|r| (&*r.id, &*r.version));
            assert_eq!(
                (&*component.version, of, found),
                (version, source, release),
                "{text}"
            );
        };
    check(
        "pkg:rpm/almalinux/openssl-libs@1.1.1k-7.el8_6?arch=x86_64&distro=almalinux-8.6&epoch=1&upstream=openssl-1.1.1k-7.el8_6.src.rpm",
        "1:1.1.1k-7.el8_6",
        Some(("openssl", "1.1.1k-7.el8_6")),
        Some(("almalinux", "8.6")),
    );
    check(
        "pkg:deb/debian/libgcc1@1%3A8.3.0-6?distro=debian-10&upstream=gcc-8%408.3.0-6",
        "1:8.3.0-6",
        Some(("gcc-8", "8.3.0-6")),
        Some(("debian", "10")),
    );
    check("pkg:deb/debian/x@1?upstream=y", "1", Some(("y", "")), None);
    check(
        "pkg:deb/debian/x@1?distro=bookworm",
        "1",
        None,
        Some(("debian", "bookworm")),
    );
    check(
        "pkg:deb/debian/x@1?distro=debian-bookworm",
        "1",
        None,
        Some(("debian", "bookworm")),
    );
    check(
        "pkg:deb/debian/x@1?distro=debian",
        "1",
        None,
        Some(("debian", "")),
    );
    check(
        "pkg:deb/ubuntu/x@1?distro=jammy",
        "1",
        None,
        Some(("ubuntu", "jammy")),
    );
    check(
        "pkg:apk/alpine/x@1?distro=3.19.1",
        "1",
        None,
        Some(("alpine", "3.19.1")),
    );
    check(
        "pkg:apk/alpine/x@1?distro=alpine-edge",
        "1",
        None,
        Some(("alpine", "edge")),
    );
    check(
        "pkg:rpm/redhat/x@1?distro=8.6",
        "1",
        None,
        Some(("rhel", "8.6")),
    );
    check("pkg:apk/alpine/x@1", "1", None, None);
    check(
        "pkg:rpm/opensuse/x@1?distro=opensuse-leap-15.5",
        "1",
        None,
        Some(("opensuse-leap", "15.5")),
    );
    check(
        "pkg:rpm/x@1?distro=fedora-39",
        "1",
        None,
        Some(("fedora", "39")),
    );
    check("pkg:npm/x@1?distro=debian-12", "1", None, None);
}

proptest! {
    /// What was written is read as the same, whatever was read before.
    #[test]
    fn reading_what_was_written_changes_nothing(
        text in "\\PC{0,40}",
        tail in "pkg:(npm|pypi|golang|deb|cpan|oci|Generic)/[a-zA-Z%@/?#&=.0-9é+ -]{0,40}",
    ) {
        for text in [text, tail] {
            if let Ok(purl) = Purl::parse(&text) {
                let written = purl.to_string();
                prop_assert!(is_uri(&written), "{written}");
                prop_assert_eq!(Purl::parse(&written), Ok(purl.clone()));
                let _ = (purl.release(), purl.component(&text));
            }
        }
    }

    /// Parts come back as the type compares them.
    #[test]
    fn parts_come_back(
        kind in "npm|pypi|golang|deb|rpm|maven|generic|oci|cpan",
        namespace in "[\\PC/]{0,12}",
        name in "\\PC{1,12}",
        version in "\\PC{0,12}",
        value in "\\PC{0,12}",
    ) {
        // Slashes at an end of a name are those between the parts.
        prop_assume!(name.trim_matches('/') == name);
        let text = write(&kind, Some(&namespace), &name, &version, &[("k", &value)]);
        if let Ok(purl) = Purl::parse(&text) {
            prop_assert_eq!(purl.to_string(), text);
            prop_assert_eq!(purl.qualifier("k").unwrap_or(""), value);
            prop_assert_eq!(purl.version.to_ascii_lowercase(), version.to_ascii_lowercase());
        } else {
            prop_assert!(text.len() > MAX_PURL, "{}", text);
        }
    }

    #[test]
    fn what_was_escaped_comes_back(text in any::<String>()) {
        let mut out = String::new();
        escape(&mut out, &text);
        prop_assert_eq!(unescaped(&out), text);
    }
}
