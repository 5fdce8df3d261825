//! Packages of languages, as their files name them: what is read, what is not.
use super::lock::LOCK_TABLE;
use super::{conda, dotnet, java, node, php, python, r, ruby};
use crate::catalog::TABLE;
use crate::extract::{Extract, Extractor, Extracts, File, Wants};

mod java_archives;
mod locks;

/// What the rows that want `path` say of it.
fn extract(table: &[Extractor], path: &str, bytes: &[u8]) -> Extracts {
    let mut out = Extracts::default();
    for row in table {
        if matches!(row.wants, Wants::Named(wants) if wants(path)) {
            let file = File {
                path,
                mode: 0o644,
                bytes,
            };
            (row.extract)(&file, &mut out);
        }
    }
    out
}

/// Purls, with the place where it is not the file itself; gaps are written `! class`.
fn shown(out: &Extracts) -> Vec<String> {
    let mut all = Vec::new();
    for extract in &out.all {
        match extract {
            Extract::Components(components) => {
                for one in components {
                    let place = &one.at[0].path;
                    let between = if place.is_empty() { "" } else { " " };
                    all.push(format!("{}{between}{place}", one.purl));
                }
            }
            Extract::Files { package, paths } => {
                all.push(format!("{package}: {}", paths.join(" ")));
            }
            other => all.push(format!("{other:?}")),
        }
    }
    all.extend(out.gaps.iter().map(|gap| format!("! {}", gap.class)));
    all
}

#[track_caller]
fn check(path: &str, content: impl AsRef<[u8]>, expected: &[&str]) {
    assert_eq!(
        shown(&extract(TABLE, path, content.as_ref())),
        expected,
        "{path}"
    );
}

#[test]
fn python_distributions() {
    let site = "usr/lib/python3/site-packages";
    let check = |path: &str, content: &str, expected: &[&str]| {
        check(&format!("{site}/{path}"), content, expected);
    };
    check(
        "Flask-1.0.dist-info/METADATA",
        "Metadata-Version: 2.1\nName: Flask\nVersion: 1.0\n\nName: not this\n",
        &["pkg:pypi/flask@1.0"],
    );
    check(
        "zope.interface-5.0.dist-info/METADATA",
        "Name: zope.interface\r\nVersion: 5.0\r\n",
        &["pkg:pypi/zope-interface@5.0"],
    );
    check(
        "a-1.dist-info/METADATA",
        "\u{feff}Name: a\nDescription: one\n  Name: two\n\tthree\nVersion: 1\n",
        &["pkg:pypi/a@1"],
    );
    check(
        "ruamel.yaml-0.15.0-py3.11.egg-info/PKG-INFO",
        "name: ruamel.yaml\nVERSION: 0.15.0\n",
        &["pkg:pypi/ruamel-yaml@0.15.0"],
    );
    check(
        "six-1.16.0.egg-info",
        "Name: six\nVersion: 1.16.0\n",
        &["pkg:pypi/six@1.16.0"],
    );
    check(
        "x-2.egg/EGG-INFO/PKG-INFO",
        "Name: x\nVersion: 2\n",
        &["pkg:pypi/x@2"],
    );
    // The folder says what the headers do not.
    check(
        "lost-3.1.dist-info/METADATA",
        "Summary: nothing\n",
        &["pkg:pypi/lost@3.1"],
    );
    check("-.dist-info/METADATA", "", &["! image-unreadable"]);
    check(
        "a-1.dist-info/METADATA",
        "Name: a b\nVersion: 1\n",
        &["! image-unreadable"],
    );
    check("METADATA", "Name: a\nVersion: 1\n", &[]);
    check("EGG-INFO/PKG-INFO", "Name: a\nVersion: 1\n", &[]);
    check("requirements.txt", "a==1\n", &[]);
}

#[test]
fn python_licenses() {
    let check = |content: &str, expected: &[&str]| {
        let content = format!("Name: a\nVersion: 1\n{content}");
        let out = extract(TABLE, "a-1.dist-info/METADATA", content.as_bytes());
        let Some(Extract::Components(all)) = out.all.first() else {
            panic!("nothing was found");
        };
        let licenses: Vec<&str> = all[0].licenses.iter().map(|text| &**text).collect();
        assert_eq!(licenses, expected, "{content}");
    };
    check("License: BSD\n", &["BSD"]);
    check("License-Expression: MIT\nLicense: BSD\n", &["MIT"]);
    check("License: UNKNOWN\n", &[]);
    check(
        "Classifier: License :: OSI Approved :: MIT License\nClassifier: Topic :: X\n",
        &["MIT License"],
    );
    check("", &[]);
}

#[test]
fn python_files() {
    check(
        "lib/site-packages/a-1.dist-info/RECORD",
        "a/__init__.py,sha256=x,10\n\"a/b,\"\"c.py\",,\n../../bin/a,,\n/etc/a.conf,,\n",
        &[
            "lib/site-packages/a-1.dist-info/METADATA: lib/site-packages/a/__init__.py lib/site-packages/a/b,\"c.py bin/a etc/a.conf",
        ],
    );
    check(
        "lib/a.egg-info/installed-files.txt",
        "../a.py\nPKG-INFO\n",
        &["lib/a.egg-info/PKG-INFO: lib/a.py lib/a.egg-info/PKG-INFO"],
    );
    check("RECORD", "a,,\n", &[]);
}

#[test]
fn a_file_list_finds_its_package() {
    let metadata = extract(TABLE, "s/a-1.dist-info/METADATA", b"Name: a\nVersion: 1\n");
    let Some(Extract::Components(mut all)) = metadata.all.into_iter().next() else {
        panic!("nothing was found");
    };
    all[0].at[0].path = "s/a-1.dist-info/METADATA".into();
    assert!(super::is_of(&all[0], "s/a-1.dist-info/METADATA"));
    assert!(!super::is_of(&all[0], "s/b-1.dist-info/METADATA"));
}

#[test]
fn npm_packages() {
    let lodash = r#"{"name":"lodash","version":"4.17.4","license":"MIT"}"#;
    check(
        "app/node_modules/lodash/package.json",
        lodash,
        &["pkg:npm/lodash@4.17.4"],
    );
    check(
        "node_modules/lodash/package.json",
        lodash,
        &["pkg:npm/lodash@4.17.4"],
    );
    check(
        "app/node_modules/@babel/core/package.json",
        r#"{"name":"@babel/core","version":"7.0.0"}"#,
        &["pkg:npm/%40babel/core@7.0.0"],
    );
    check(
        "app/node_modules/.pnpm/lodash@4.17.4/node_modules/lodash/package.json",
        lodash,
        &["pkg:npm/lodash@4.17.4"],
    );
    check(
        "usr/lib/node_modules/npm/node_modules/lodash/package.json",
        lodash,
        &["pkg:npm/lodash@4.17.4"],
    );
    // Installed under another name.
    check(
        "app/node_modules/alias/package.json",
        lodash,
        &["pkg:npm/lodash@4.17.4"],
    );
    // A copy that a package brings along.
    check(
        "app/node_modules/next/dist/compiled/lodash/package.json",
        lodash,
        &["pkg:npm/lodash@4.17.4"],
    );
    check(
        "app/node_modules/preact/hooks/package.json",
        r#"{"name":"preact-hooks","version":"0.1.0"}"#,
        &[],
    );
    check(
        "app/node_modules/resolve/test/x/node_modules/lodash/package.json",
        lodash,
        &[],
    );
    check(
        "app/node_modules/test/package.json",
        lodash,
        &["pkg:npm/lodash@4.17.4"],
    );
    check(
        "app/node_modules/@s/examples/package.json",
        lodash,
        &["pkg:npm/lodash@4.17.4"],
    );
    check(
        "test/node_modules/lodash/package.json",
        lodash,
        &["pkg:npm/lodash@4.17.4"],
    );
    check(
        "usr/share/nodejs/lodash/package.json",
        lodash,
        &["pkg:npm/lodash@4.17.4"],
    );
    check("usr/share/nodejs/a/test/lodash/package.json", lodash, &[]);
    check("usr/lib/nodejs/lodash/package.json", lodash, &[]);
    check(
        "app/node_modules/resolve/test/lodash/package.json",
        lodash,
        &[],
    );
    check(
        "app/node_modules/a/esm/package.json",
        r#"{"type":"module"}"#,
        &[],
    );
    check("app/node_modules/a/package.json", r#"{"name":"a"}"#, &[]);
    check(
        "app/node_modules/a/package.json",
        r#"{"name":"a","version":["1"]}"#,
        &[],
    );
    check(
        "app/node_modules/a/package.json",
        "\u{feff}{\"name\":\"a\",\"version\":\"1.0.0\",\"license\":{\"type\":\"MIT\"},\"private\":null}",
        &["pkg:npm/a@1.0.0"],
    );
    check("app/node_modules/a/package.json", r#"["a","1.0.0"]"#, &[]);
    check(
        "app/node_modules/a/package.json",
        "{",
        &["! image-unreadable"],
    );
    check("app/node_modules/a/test/b/package.json", "{", &[]);
    check("app/node_modules/a/lib/package.json", "{", &[]);
    check("app/package.json", lodash, &[]);
    check("app/my_node_modules/a/package.json", lodash, &[]);
}

#[test]
fn gems() {
    let rack = "# -*- encoding: utf-8 -*-\n# stub: rack 2.0.1 ruby lib\n\nGem::Specification.new do |s|\n  s.name = \"rack\".freeze\n  s.version = \"2.0.1\"\n  s.licenses = [\"MIT\".freeze]\n";
    check(
        "usr/lib/ruby/gems/3.1.0/specifications/rack-2.0.1.gemspec",
        rack,
        &["pkg:gem/rack@2.0.1"],
    );
    check(
        "app/vendor/bundle/ruby/2.7.0/specifications/rack-2.0.1.gemspec",
        rack,
        &["pkg:gem/rack@2.0.1"],
    );
    check(
        "usr/lib/ruby/gems/3.1.0/specifications/default/json-2.6.gemspec",
        "Gem::Specification.new do |s|\n  s.name = %q{json}.freeze\n  s.version = Gem::Version.new(\"2.6.1\")\n",
        &["pkg:gem/json@2.6.1"],
    );
    check(
        "x/specifications/nokogiri-1.13.0-x86_64-linux.gemspec",
        "# stub: nokogiri 1.13.0 x86_64-linux lib\n",
        &["pkg:gem/nokogiri@1.13.0?platform=x86_64-linux"],
    );
    check(
        "x/specifications/a-b-1.2.gemspec",
        "nothing",
        &["pkg:gem/a-b@1.2"],
    );
    check("x/specifications/.gemspec", "", &["! image-unreadable"]);
    // The version is an expression, so it is not known.
    check(
        "b/bundler/gems/foo-0123abc/foo.gemspec",
        "Gem::Specification.new do |spec|\n  spec.name = 'foo'\n  spec.version = Foo::VERSION\n",
        &["pkg:gem/foo"],
    );
    check(
        "b/bundler/gems/foo-0123abc/foo.gemspec",
        "spec.name = \"foo\"\nspec.version = \"1.#{x}\"\n",
        &["pkg:gem/foo"],
    );
    check("b/gems/foo-1.0/foo.gemspec", rack, &[]);
}

#[test]
fn php_packages() {
    let v1 = r#"[{"name":"Symfony/http-kernel","version":"v4.4.0","license":["MIT"]}]"#;
    check(
        "app/vendor/composer/installed.json",
        v1,
        &["pkg:composer/symfony/http-kernel@v4.4.0"],
    );
    check(
        "app/vendor/composer/installed.json",
        r#"{"packages":[{"name":"a/b","version":"1.0"},{"name":"a/all","version":"1","type":"metapackage"},7],"dev":true}"#,
        &["pkg:composer/a/b@1.0"],
    );
    check("app/vendor/composer/installed.json", "{}", &[]);
    check(
        "app/vendor/composer/installed.json",
        "<html>",
        &["! image-unreadable"],
    );
    check("app/installed.json", v1, &[]);
}

#[test]
fn dotnet_packages() {
    let document = r#"{"runtimeTarget":{"name":".NETCoreApp,Version=v6.0","signature":""},
        "targets":{".NETCoreApp,Version=v6.0":{
            "app/1.0.0":{"runtime":{"app.dll":{}}},
            "Newtonsoft.Json/12.0.1":{"runtime":{"lib/Newtonsoft.Json.dll":{}}},
            "runtime.native.x/4.0.0":{"runtimeTargets":{"a":{}}},
            "Only.Meta/1.0.0":{"dependencies":{}},
            "runtimepack.Microsoft.NETCore.App.Runtime.linux-x64/6.0.8":{"runtime":{"a":{}}}}},
        "libraries":{
            "app/1.0.0":{"type":"project"},
            "Newtonsoft.Json/12.0.1":{"type":"package"},
            "runtime.native.x/4.0.0":{"type":"package"},
            "Only.Meta/1.0.0":{"type":"package"},
            "runtimepack.Microsoft.NETCore.App.Runtime.linux-x64/6.0.8":{"type":"runtimepack"}}}"#;
    check(
        "app/app.deps.json",
        document,
        &[
            "pkg:nuget/Newtonsoft.Json@12.0.1",
            "pkg:nuget/runtime.native.x@4.0.0",
            "pkg:nuget/Microsoft.NETCore.App.Runtime.linux-x64@6.0.8",
        ],
    );
    check(
        "app/app.deps.json",
        r#"{"libraries":{"A/1.0.0":{"type":"package"},"B":{"type":"package"}}}"#,
        &["pkg:nuget/A@1.0.0"],
    );
    check("app/app.deps.json", "", &["! image-unreadable"]);
}

#[test]
fn conda_and_r_packages() {
    check(
        "opt/conda/conda-meta/numpy-1.20.3-py39_0.json",
        r#"{"name":"numpy","version":"1.20.3","build":"py39_0","channel":"https://conda.anaconda.org/conda-forge/linux-64","subdir":"linux-64","files":["lib/numpy.py"]}"#,
        &["pkg:conda/numpy@1.20.3?build=py39_0&channel=conda-forge&subdir=linux-64"],
    );
    check("opt/conda/conda-meta/state.json", "{}", &[]);
    check(
        "usr/lib/R/library/MASS/DESCRIPTION",
        "Package: MASS\nVersion: 7.3-58\nLicense: GPL-2 | GPL-3\nBuilt: R 4.2.2; x86_64; 2023\n",
        &["pkg:cran/MASS@7.3-58"],
    );
    check(
        "src/MASS/DESCRIPTION",
        "Package: MASS\nVersion: 7.3-58\n",
        &[],
    );
}

#[test]
fn rows_have_names_and_limits_of_their_own() {
    let mut names: Vec<&str> = TABLE.iter().chain(LOCK_TABLE).map(|row| row.name).collect();
    names.sort_unstable();
    let all = names.len();
    names.dedup();
    assert_eq!(names.len(), all);
}

/// Beginnings of every format, so that random bytes get further than the first check.
const SEEDS: &[&str] = &[
    "Name: a\nVersion: 1\n",
    "{\"name\":\"a\",\"version\":\"1\"}",
    "{\"packages\":{\"node_modules/a\":{\"version\":\"1\"}},\"pins\":[],\"libraries\":{\"a/1\":{\"type\":\"package\"}}}",
    "# stub: a 1 ruby lib\ns.name = \"a\"\n",
    "a@^1:\n  version \"1\"\n",
    "lockfileVersion: '9.0'\npackages:\n  a@1.0.0:\n    x: 1\n",
    "[[package]]\nname = \"a\"\nversion = \"1\"\nsource = \"registry\"\n",
    "require (\n  a v1 // x\n)\nreplace a v1 => b v2\n",
    "GEM\n  specs:\n    a (1)\n",
    "<project><dependencies><dependency><groupId>a</groupId><artifactId>b</artifactId><version>${x}</version></dependency></dependencies></project>",
    "PK\u{5}\u{6}",
    "PK\u{1}\u{2}",
];

const PATHS: &[&str] = &[
    "a-1.dist-info/METADATA",
    "a-1.dist-info/RECORD",
    "a.egg",
    "node_modules/a/package.json",
    ".yarn/cache/a.zip",
    "x/specifications/a-1.gemspec",
    "vendor/composer/installed.json",
    "a.deps.json",
    "a.jar",
    "conda-meta/a.json",
    "x/DESCRIPTION",
    "package-lock.json",
    "bun.lock",
    "yarn.lock",
    "pnpm-lock.yaml",
    "poetry.lock",
    "Pipfile.lock",
    "requirements.txt",
    "Cargo.lock",
    "go.mod",
    "Gemfile.lock",
    "composer.lock",
    "packages.lock.json",
    "gradle.lockfile",
    "pom.xml",
    "mix.lock",
    "pubspec.lock",
    "Package.resolved",
    "conan.lock",
    "renv.lock",
];

#[test]
fn every_row_has_a_path_in_the_tests_of_damage() {
    let ours = [
        conda::RECORD,
        dotnet::DEPENDENCIES,
        java::ARCHIVE,
        node::PACKAGE,
        node::YARN_CACHE,
        php::INSTALLED,
        python::EGG,
        python::FILES,
        python::METADATA,
        r::DESCRIPTION,
        ruby::SPECIFICATION,
    ];
    for row in ours.iter().chain(LOCK_TABLE) {
        // These share the reader of `poetry.lock`.
        if matches!(row.name, "pdm-lock" | "pylock" | "uv-lock") {
            continue;
        }
        let Wants::Named(wants) = row.wants else {
            panic!("{} reads programs", row.name);
        };
        assert!(PATHS.iter().any(|path| wants(path)), "{}", row.name);
    }
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(128))]

    #[test]
    fn no_bytes_make_it_panic(
        seed in proptest::sample::select(SEEDS),
        cut in 0..400_usize,
        tail in proptest::collection::vec(proptest::num::u8::ANY, 0..64),
        changed in proptest::collection::vec((0..400_usize, proptest::num::u8::ANY), 0..6),
    ) {
        let mut bytes = seed.as_bytes().to_vec();
        bytes.truncate(cut.max(1));
        bytes.extend(tail);
        for (at, byte) in changed {
            if let Some(place) = bytes.get_mut(at) {
                *place = byte;
            }
        }
        for path in PATHS {
            extract(TABLE, path, &bytes);
            extract(LOCK_TABLE, path, &bytes);
        }
    }
}
