//! Lock files: one case a format, and what they do not say.
use super::super::lock::LOCK_TABLE;
use super::{extract, shown};

#[track_caller]
fn check(path: &str, content: &str, expected: &[&str]) {
    assert_eq!(
        shown(&extract(LOCK_TABLE, path, content.as_bytes())),
        expected,
        "{path}: {content}"
    );
}

#[test]
fn npm() {
    check(
        "package-lock.json",
        r#"{"lockfileVersion":1,"dependencies":{"a":{"version":"1.0.0","dependencies":{"@s/b":{"version":"2.0.0"},"a":{"version":"1.0.0"}}},"c":{"version":"npm:d@3.0.0"},"e":{"version":"git+ssh://git@github.com/x/e.git#0123"},"f":{"version":"file:f"}}}"#,
        &[
            "pkg:npm/a@1.0.0",
            "pkg:npm/%40s/b@2.0.0",
            "pkg:npm/d@3.0.0",
            "pkg:npm/e",
        ],
    );
    check(
        "app/package-lock.json",
        r#"{"lockfileVersion":3,"packages":{"":{"name":"app","version":"1.0.0"},"node_modules/a":{"version":"1.0.0"},"node_modules/a/node_modules/@s/b":{"version":"2.0.0"},"node_modules/c":{"name":"d","version":"3.0.0"},"node_modules/w":{"resolved":"packages/w","link":true},"packages/w":{"version":"0.0.0"}},"dependencies":{"a":{"version":"9.9.9"}}}"#,
        &["pkg:npm/a@1.0.0", "pkg:npm/%40s/b@2.0.0", "pkg:npm/d@3.0.0"],
    );
    check(
        "npm-shrinkwrap.json",
        r#"{"dependencies":{"a":{"version":"1.0.0"}}}"#,
        &["pkg:npm/a@1.0.0"],
    );
    check("package-lock.json", "[]", &[]);
    check("package-lock.json", "{", &["! image-unreadable"]);
    check(
        "node_modules/a/package-lock.json",
        r#"{"dependencies":{"a":{"version":"1.0.0"}}}"#,
        &[],
    );
}

#[test]
fn yarn() {
    check(
        "yarn.lock",
        "# yarn lockfile v1\n\n\n\"@babel/core@^7.0.0\", \"@babel/core@^7.1.0\":\n  version \"7.0.0\"\n  resolved \"https://x\"\n  dependencies:\n    lodash \"^4\"\n\nlodash@^4:\n  version \"4.17.4\"\n\n\"old@npm:lodash@^3\":\n  version \"3.10.1\"\n",
        &[
            "pkg:npm/%40babel/core@7.0.0",
            "pkg:npm/lodash@4.17.4",
            "pkg:npm/lodash@3.10.1",
        ],
    );
    check(
        "yarn.lock",
        "__metadata:\n  version: 6\n\n\"@babel/core@npm:^7.0.0, @babel/core@npm:^7.1.0\":\n  version: 7.0.0\n  resolution: \"@babel/core@npm:7.0.0\"\n  linkType: hard\n\n\"app@workspace:.\":\n  version: 0.0.0-use.local\n  resolution: \"app@workspace:.\"\n  linkType: soft\n\n\"old@npm:lodash@^3\":\n  version: 3.10.1\n  resolution: \"lodash@npm:3.10.1\"\n  linkType: hard\n\n\"fs@patch:fs@^2#~x\":\n  version: 2.3.2\n  resolution: \"fs@patch:fs@npm%3A2.3.2#~x::version=2.3.2\"\n  linkType: hard\n",
        &[
            "pkg:npm/%40babel/core@7.0.0",
            "pkg:npm/lodash@3.10.1",
            "pkg:npm/fs@2.3.2",
        ],
    );
    check("yarn.lock", "", &[]);
}

#[test]
fn pnpm() {
    check(
        "pnpm-lock.yaml",
        "lockfileVersion: 5.4\npackages:\n\n  /lodash/4.17.4:\n    resolution: {integrity: x}\n    dev: false\n\n  /@babel/core/7.0.0_supports-color@5.5.0:\n    dev: true\n  registry.npmjs.org/a/1.0.0:\n    dev: true\n",
        &[
            "pkg:npm/lodash@4.17.4",
            "pkg:npm/%40babel/core@7.0.0",
            "pkg:npm/a@1.0.0",
        ],
    );
    check(
        "pnpm-lock.yaml",
        "lockfileVersion: '6.0'\npackages:\n  /lodash@4.17.4:\n    dev: false\n  /@babel/core@7.0.0(supports-color@5.5.0):\n    dev: true\n  file:../x:\n    name: x\n",
        &[
            "pkg:npm/lodash@4.17.4",
            "pkg:npm/%40babel/core@7.0.0",
            "pkg:npm/x",
        ],
    );
    check(
        "pnpm-lock.yaml",
        "lockfileVersion: '9.0'\npackages:\n  '@babel/core@7.0.0':\n    resolution: {integrity: x}\n  e@https://codeload.github.com/x/e/tar.gz/0123:\n    version: 1.2.3\n  w@file:w:\n    resolution: {directory: w}\nsnapshots:\n  b@1.0.0(c@2.0.0): {}\n",
        &["pkg:npm/%40babel/core@7.0.0", "pkg:npm/e@1.2.3"],
    );
    check(
        "pnpm-lock.yaml",
        "---\nlockfileVersion: '9.0'\npackages:\n  pnpm@10.0.0: {}\n---\nlockfileVersion: '9.0'\npackages:\n  a@1.0.0: {}\n",
        &["pkg:npm/pnpm@10.0.0", "pkg:npm/a@1.0.0"],
    );
    check("pnpm-lock.yaml", "a: [", &["! image-unreadable"]);
}

#[test]
fn bun() {
    check(
        "bun.lock",
        "{\n  // Bun\n  \"lockfileVersion\": 1, /* x */\n  \"packages\": {\n    \"@babel/core\": [\"@babel/core@7.0.0\", \"\", { \"dependencies\": { \"x\": \"^1\", }, }, \"sha512-,]\"],\n    \"w\": [\"w@workspace:packages/w\"],\n    \"e\": [\"e@github:x/e#0123\", {}],\n  },\n}\n",
        &["pkg:npm/%40babel/core@7.0.0", "pkg:npm/e"],
    );
}

#[test]
fn python() {
    let lock = "[[package]]\nname = \"Flask\"\nversion = \"1.0\"\n\n[[package]]\nname = \"own\"\nversion = \"0.1\"\n";
    check(
        "poetry.lock",
        &format!("{lock}[package.source]\ntype = \"directory\"\nurl = \".\"\n"),
        &["pkg:pypi/flask@1.0"],
    );
    check(
        "uv.lock",
        &format!(
            "version = 1\n{lock}source = {{ editable = \".\" }}\n\n[[package]]\nname = \"g\"\nversion = \"2\"\nsource = {{ git = \"https://x\" }}\n"
        ),
        &["pkg:pypi/flask@1.0", "pkg:pypi/g@2"],
    );
    check(
        "pdm.lock",
        &format!("{lock}path = \"./own\"\n"),
        &["pkg:pypi/flask@1.0"],
    );
    check(
        "pylock.toml",
        "lock-version = \"1.0\"\n[[packages]]\nname = \"Flask\"\nversion = \"1.0\"\n[[packages]]\nname = \"vcs\"\nvcs = {}\n",
        &["pkg:pypi/flask@1.0", "pkg:pypi/vcs"],
    );
    check(
        "pylock.dev.toml",
        "[[packages]]\nname = \"a\"\nversion = \"1\"\n",
        &["pkg:pypi/a@1"],
    );
    check("poetry.lock", "[[package]\n", &["! image-unreadable"]);
    check("poetry.lock", "package = 7\n", &[]);
    check(
        "Pipfile.lock",
        r#"{"_meta":{"hash":{"sha256":"x"}},"default":{"flask":{"version":"==1.0"},"e":{"git":"https://x"},"own":{"path":"."}},"develop":{"pytest":{"version":"==7.0"}}}"#,
        &["pkg:pypi/flask@1.0", "pkg:pypi/e", "pkg:pypi/pytest@7.0"],
    );
}

#[test]
fn requirements() {
    let check = |content: &str, expected: &[&str]| check("requirements-dev.txt", content, expected);
    check("flask==1.0\n", &["pkg:pypi/flask@1.0"]);
    check(
        "Flask[async] == 1.0 ; python_version > '3'  # why\n",
        &["pkg:pypi/flask@1.0"],
    );
    check("a==1.0 \\\n    --hash=sha256:b==1\n", &["pkg:pypi/a@1.0"]);
    check("a==1.0 --hash=sha256:x\n", &["pkg:pypi/a@1.0"]);
    check("a===1.0+x\n", &["pkg:pypi/a@1.0%2Bx"]);
    check(
        "a>=1\na==1.*\na==1,<2\na~=1.0\n-r b==1.txt\n# c==1\nhttps://x/?a==1\n",
        &[],
    );
}

#[test]
fn rust() {
    check(
        "Cargo.lock",
        "version = 3\n\n[[package]]\nname = \"own\"\nversion = \"0.1.0\"\n\n[[package]]\nname = \"time\"\nversion = \"0.1.43\"\nsource = \"registry+https://github.com/rust-lang/crates.io-index\"\n",
        &["pkg:cargo/time@0.1.43"],
    );
    check(
        "root/.cargo/registry/src/index/time/Cargo.lock",
        "[[package]]\nname = \"a\"\nversion = \"1\"\nsource = \"x\"\n",
        &[],
    );
}

#[test]
fn go() {
    check(
        "go.mod",
        "module example.com/app\n\ngo 1.21\n\ntoolchain go1.21.3\n\nrequire github.com/BurntSushi/toml v0.3.1\n\nrequire (\n\tgolang.org/x/net v0.1.0 // indirect\n\tgopkg.in/yaml.v2 v2.2.1\n\texample.com/local v1.0.0\n\texample.com/bad v1.0.0\n)\n\nreplace gopkg.in/yaml.v2 => gopkg.in/yaml.v2 v2.4.0\nreplace (\n\texample.com/local v1.0.0 => ./local\n)\nexclude example.com/bad v1.0.0\n",
        &[
            "pkg:golang/github.com/burntsushi/toml@v0.3.1",
            "pkg:golang/golang.org/x/net@v0.1.0",
            "pkg:golang/gopkg.in/yaml.v2@v2.4.0",
            "pkg:golang/example.com/bad",
            "pkg:golang/stdlib@1.21.3",
        ],
    );
    check(
        "go/pkg/mod/example.com/a@v1.0.0/go.mod",
        "require example.com/b v1.0.0\n",
        &[],
    );
    check("go.mod", "toolchain default\n", &[]);
}

#[test]
fn ruby() {
    check(
        "Gemfile.lock",
        "PATH\n  remote: .\n  specs:\n    own (0.1)\n\nGIT\n  remote: https://x\n  specs:\n    g (1.0)\n\nGEM\n  remote: https://rubygems.org/\n  specs:\n    nokogiri (1.13.0-x86_64-linux)\n      racc (~> 1.4)\n    rack (2.0.1)\n\nPLATFORMS\n  ruby\n\nDEPENDENCIES\n  rack (= 2.0.1)\n",
        &[
            "pkg:gem/g@1.0",
            "pkg:gem/nokogiri@1.13.0",
            "pkg:gem/rack@2.0.1",
        ],
    );
}

#[test]
fn php_and_dotnet() {
    check(
        "composer.lock",
        r#"{"packages":[{"name":"a/b","version":"v1.0"}],"packages-dev":[{"name":"c/d","version":"2"}]}"#,
        &["pkg:composer/a/b@v1.0", "pkg:composer/c/d@2"],
    );
    check(
        "packages.lock.json",
        r#"{"version":1,"dependencies":{"net6.0":{"A.B":{"type":"Direct","requested":"[1, )","resolved":"1.2.3"},"own":{"type":"Project"}},"net7.0":{"A.B":{"type":"Direct","resolved":"1.2.3"}}}}"#,
        &["pkg:nuget/A.B@1.2.3"],
    );
}

#[test]
fn java() {
    check(
        "gradle.lockfile",
        "# comment\norg.a:b:1.0=compileClasspath,runtimeClasspath\nempty=annotationProcessor\n",
        &["pkg:maven/org.a/b@1.0"],
    );
    check(
        "pom.xml",
        "<project xmlns=\"x\"><parent><groupId>org.p</groupId><version>3</version></parent><artifactId>own</artifactId><properties><v>1.2</v><w>${v}.3</w><loop>${loop}</loop></properties><dependencyManagement><dependencies><dependency><groupId>org.m</groupId><artifactId>m</artifactId><version>9</version></dependency></dependencies></dependencyManagement><dependencies><dependency><groupId>org.a</groupId><artifactId>a</artifactId><version>${w}</version><exclusions><exclusion><groupId>no</groupId><artifactId>no</artifactId></exclusion></exclusions></dependency><dependency><groupId>${project.groupId}</groupId><artifactId>s</artifactId><version>${project.version}</version></dependency><dependency><groupId>org.m</groupId><artifactId>m</artifactId></dependency><dependency><groupId>r</groupId><artifactId>r</artifactId><version>[1,2)</version></dependency><dependency><groupId>u</groupId><artifactId>u</artifactId><version>${loop}</version></dependency></dependencies></project>",
        &[
            "pkg:maven/org.a/a@1.2.3",
            "pkg:maven/org.p/s@3",
            "pkg:maven/org.m/m@9",
            "pkg:maven/r/r",
            "pkg:maven/u/u",
        ],
    );
    check(
        "pom.xml",
        "<project><a></b></project>",
        &["! image-unreadable"],
    );
    check("pom.xml", &"<a>".repeat(1000), &["! image-unreadable"]);
}

#[test]
fn others() {
    check(
        "mix.lock",
        "%{\n  \"jason\": {:hex, :jason, \"1.2.2\", \"hash\", [:mix], [{:decimal, \"~> 1.0\", [hex: :decimal]}], \"hexpm\", \"x\"},\n  \"g\": {:git, \"https://x\", \"0123\", []},\n}\n",
        &["pkg:hex/jason@1.2.2"],
    );
    check(
        "pubspec.lock",
        "packages:\n  http:\n    dependency: \"direct main\"\n    source: hosted\n    version: \"0.13.1\"\n  flutter:\n    source: sdk\n    version: \"0.0.0\"\nsdks:\n  dart: \">=2\"\n",
        &["pkg:pub/http@0.13.1"],
    );
    check(
        "Package.resolved",
        r#"{"pins":[{"identity":"swift-nio","location":"https://github.com/apple/swift-nio.git","state":{"revision":"x","version":"2.40.0"}},{"location":"git@github.com:a/b.git","state":{"branch":"main"}}],"version":2}"#,
        &[
            "pkg:swift/github.com/apple/swift-nio@2.40.0",
            "pkg:swift/github.com/a/b",
        ],
    );
    check(
        "Package.resolved",
        r#"{"object":{"pins":[{"package":"NIO","repositoryURL":"https://github.com/apple/swift-nio","state":{"version":"1.0.0"}}]},"version":1}"#,
        &["pkg:swift/github.com/apple/swift-nio@1.0.0"],
    );
    check(
        "conan.lock",
        r#"{"version":"0.5","requires":["zlib/1.2.11#rev%1.0"],"build_requires":["cmake/3.22@u/c#r"]}"#,
        &["pkg:conan/zlib@1.2.11", "pkg:conan/cmake@3.22"],
    );
    check(
        "conan.lock",
        r#"{"graph_lock":{"nodes":{"0":{"ref":"app/1.0"},"1":{"ref":"zlib/1.2.11#x"}}}}"#,
        &["pkg:conan/app@1.0", "pkg:conan/zlib@1.2.11"],
    );
    check(
        "renv.lock",
        r#"{"R":{"Version":"4.2"},"Packages":{"MASS":{"Package":"MASS","Version":"7.3-58"}}}"#,
        &["pkg:cran/MASS@7.3-58"],
    );
}
