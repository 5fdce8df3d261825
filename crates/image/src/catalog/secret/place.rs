//! What a path says of the text in it. Comes in: a path. Goes out: whether it is searched for secrets, and by which
//! rules. Never: an opinion of the content.

use super::assigned::Style;
use super::files;

/// How a file is searched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// `None`: only what an issuer or a standard gave a form.
    pub(super) style: Option<Style>,
    /// Of a package of a language or a distribution, that everybody has: keys in it are samples and tests.
    pub(super) is_public: bool,
}

/// Whether a file is searched at all. What is left out: compressed and binary forms, what no build writes secrets into
/// (documentation, translations, time zones, package lists), and the tests of other people's packages.
pub(super) fn is_searched(path: &str) -> bool {
    const FOLDERS: &[&str] = &[
        "usr/share/doc/",
        "usr/share/man/",
        "usr/share/locale/",
        "usr/share/info/",
        "usr/share/i18n/",
        "usr/share/help/",
        "usr/share/zoneinfo/",
        "usr/share/gtk-doc/",
        "usr/share/common-licenses/",
        "usr/share/licenses/",
        "usr/share/ca-certificates/",
        "usr/share/icons/",
        "usr/share/fonts/",
        "usr/share/X11/",
        "usr/share/mime/",
        "usr/share/terminfo/",
        "usr/lib/terminfo/",
        "usr/share/bash-completion/",
        "usr/share/zsh/",
        "usr/include/",
        "usr/lib/locale/",
        "usr/lib/firmware/",
        "lib/firmware/",
        "usr/lib/modules/",
        "lib/modules/",
        "etc/ssl/certs/",
        "etc/alternatives/",
        "var/lib/apt/",
        "var/lib/dpkg/info/",
        "var/lib/rpm/",
        "usr/lib/sysimage/",
        "lib/apk/db/",
        "usr/lib/apk/db/",
        "var/cache/",
        "proc/",
        "sys/",
        "dev/",
        "boot/",
    ];
    const ENDS: &[&str] = &[
        "so",
        "a",
        "o",
        "pyc",
        "pyo",
        "gz",
        "xz",
        "bz2",
        "zst",
        "lz4",
        "zip",
        "jar",
        "war",
        "ear",
        "whl",
        "tar",
        "tgz",
        "deb",
        "rpm",
        "apk",
        "png",
        "jpg",
        "jpeg",
        "gif",
        "ico",
        "webp",
        "svg",
        "bmp",
        "tif",
        "tiff",
        "ttf",
        "otf",
        "woff",
        "woff2",
        "eot",
        "mp3",
        "mp4",
        "ogg",
        "wav",
        "avi",
        "mo",
        "gmo",
        "po",
        "pot",
        "css",
        "scss",
        "less",
        "class",
        "dll",
        "exe",
        "node",
        "wasm",
        "pdf",
        "crt",
        "cer",
        "pub",
        "sig",
        "asc",
        "sum",
        "bin",
        "dat",
        "db",
        "h",
        "hpp",
        "hh",
        "gir",
        "typelib",
        "ko",
        "elc",
        "beam",
        "rlib",
        "rmeta",
        "npy",
        "parquet",
        "onnx",
        "safetensors",
        "gguf",
    ];
    let name = path.rsplit('/').next().unwrap_or(path);
    let end = name
        .rsplit_once('.')
        .map_or("", |(start, end)| if start.is_empty() { "" } else { end });
    let is_binary =
        ENDS.iter().any(|known| end.eq_ignore_ascii_case(known)) || name.contains(".so.");
    let is_left_out =
        FOLDERS.iter().any(|folder| path.starts_with(folder)) || path.contains("/.git/objects/");
    let is_test = is_public(path) && is_sample(path);
    !(is_binary || is_left_out || is_test)
}

/// In a folder of installed packages.
pub(crate) fn is_public(path: &str) -> bool {
    const ANYWHERE: &[&str] = &[
        "node_modules/",
        "site-packages/",
        "lib/python",
        "lib/ruby/",
        "lib/perl",
        "lib/node/",
        "registry/src/",
        "/.pnpm/",
        "pnpm/store/",
        "dist-packages/",
        "/gems/",
        "pkg/mod/",
        ".cargo/registry/",
        ".cargo/git/",
        "rustlib/",
        ".m2/repository/",
        ".gradle/caches/",
        ".nuget/packages/",
        "vendor/bundle/",
        "bower_components/",
        ".rustup/",
        ".npm/_",
        ".yarn/cache/",
        "pypy",
        "conda/pkgs/",
    ];
    const BELOW: &[&str] = &[
        "usr/lib/",
        "usr/share/",
        "usr/lib64/",
        "usr/libexec/",
        "usr/bin/",
        "usr/sbin/",
        "lib/",
        "bin/",
        "sbin/",
        "usr/local/lib/python",
        "usr/local/lib/ruby",
        "usr/local/lib/node_modules/",
        "usr/local/go/",
        "usr/local/share/perl",
        "usr/local/lib/perl",
        "usr/local/lib/php",
        "usr/local/rustup/",
        "usr/local/cargo/",
        "usr/src/",
    ];
    ANYWHERE.iter().any(|folder| path.contains(folder))
        || BELOW.iter().any(|folder| path.starts_with(folder))
}

/// Folders of tests, samples and documentation in packages.
fn is_sample(path: &str) -> bool {
    let folders = path.rsplit_once('/').map_or("", |(folders, _)| folders);
    folders.split('/').any(|folder| {
        matches!(
            folder,
            "test"
                | "tests"
                | "testing"
                | "testdata"
                | "test_data"
                | "__tests__"
                | "spec"
                | "specs"
                | "fixtures"
                | "fixture"
                | "example"
                | "examples"
                | "sample"
                | "samples"
                | "demo"
                | "doc"
                | "docs"
                | "mock"
                | "mocks"
                | "benches"
                | "__fixtures__"
                | "conformance"
                | "integration"
        )
    }) || {
        let name = path.rsplit('/').next().unwrap_or(path);
        let name = name.rsplit_once('.').map_or(name, |(start, _)| start);
        name.starts_with("test_")
            || ["_test", ".test", ".spec"]
                .iter()
                .any(|end| name.ends_with(end))
    }
}

pub(super) fn of(path: &str) -> Place {
    let is_public = is_public(path);
    Place {
        style: if is_public { None } else { style(path) },
        is_public,
    }
}

fn style(path: &str) -> Option<Style> {
    const CODE: &[&str] = &[
        "py", "js", "mjs", "cjs", "ts", "tsx", "jsx", "rb", "go", "java", "kt", "kts", "scala",
        "groovy", "php", "cs", "vb", "swift", "rs", "c", "cc", "cpp", "pl", "pm", "lua", "ex",
        "exs", "clj", "dart", "r", "ps1", "gradle", "vue", "svelte",
    ];
    const PLAIN: &[&str] = &[
        "env",
        "ini",
        "cfg",
        "conf",
        "cnf",
        "config",
        "properties",
        "props",
        "yaml",
        "yml",
        "json",
        "toml",
        "xml",
        "tfvars",
        "tfstate",
        "plist",
        "sh",
        "bash",
        "zsh",
        "fish",
        "sql",
        "hcl",
        "tf",
        "secret",
        "secrets",
        "credentials",
        "service",
        "dockerfile",
        "list",
        "opts",
        "rc",
        "vars",
        "local",
        "dist",
    ];
    let name = path.rsplit('/').next().unwrap_or(path);
    let lower = name.to_ascii_lowercase();
    let end = lower.rsplit('.').next().unwrap_or(&lower);
    if CODE.contains(&end) {
        return Some(Style::Quoted);
    }
    let is_plain = PLAIN.contains(&end)
        || name.starts_with('.')
        || lower.starts_with("dockerfile")
        || lower.contains(".env.")
        || files::is_login(path)
        || path.starts_with("etc/");
    is_plain.then_some(Style::Plain)
}

/// Whether a text that is too large to be searched is worth a word: in the application's own folders, by a name that
/// configuration has.
pub(super) fn matters(path: &str) -> bool {
    of(path).style == Some(Style::Plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths() {
        let check = |path: &str, searched: bool, style: Option<Style>| {
            assert_eq!(
                (is_searched(path), of(path).style),
                (searched, style),
                "{path}"
            );
        };
        check("app/.env", true, Some(Style::Plain));
        check("app/.env.production", true, Some(Style::Plain));
        check("app/settings.py", true, Some(Style::Quoted));
        check("app/notes.txt", true, None);
        check("root/.aws/credentials", true, Some(Style::Plain));
        check("etc/app/key.pem", true, Some(Style::Plain));
        check("app/test/id_rsa", true, None);
        check("app/node_modules/x/index.js", true, None);
        check("app/node_modules/x/test/key.pem", false, None);
        check("usr/lib/python3/dist-packages/x/test_ssl.py", false, None);
        check("usr/share/doc/x/copyright", false, None);
        check("usr/lib/libssl.so.3", false, None);
        check("app/logo.PNG", false, None);
        check("var/lib/apt/lists/deb", false, None);
    }
}
