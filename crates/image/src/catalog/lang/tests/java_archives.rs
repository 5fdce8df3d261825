//! Java archives: names, nesting, damage and caps.
use super::super::java;
use super::{check, shown};
use crate::extract::{Extracts, File};
use crate::limits::Limits;
use flate2::Compression;
use flate2::write::DeflateEncoder;
use std::io::Write;

fn short(number: usize) -> [u8; 2] {
    u16::try_from(number).unwrap().to_le_bytes()
}

fn long(number: usize) -> [u8; 4] {
    u32::try_from(number).unwrap().to_le_bytes()
}

/// A zip, with the freedom to be wrong.
#[derive(Default)]
struct Zip {
    bytes: Vec<u8>,
    directory: Vec<u8>,
    rows: u16,
}

impl Zip {
    fn with(mut self, name: &str, content: impl AsRef<[u8]>) -> Self {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(content.as_ref()).unwrap();
        let packed = encoder.finish().unwrap();
        let size = content.as_ref().len();
        self.member(name, 8, 0, &packed, size);
        self
    }

    fn stored(mut self, name: &str, content: impl AsRef<[u8]>) -> Self {
        let content = content.as_ref();
        self.member(name, 0, 0, content, content.len());
        self
    }

    fn member(&mut self, name: &str, method: u16, flags: u16, packed: &[u8], size: usize) {
        let offset = self.bytes.len();
        self.bytes
            .extend(b"PK\x03\x04\x14\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0");
        self.bytes.extend(short(name.len()));
        self.bytes.extend([0, 0]);
        self.bytes.extend(name.as_bytes());
        self.bytes.extend(packed);
        self.row(name, method, flags, packed.len(), size, offset);
    }

    fn row(
        &mut self,
        name: &str,
        method: u16,
        flags: u16,
        packed: usize,
        size: usize,
        offset: usize,
    ) {
        self.directory.extend(b"PK\x01\x02\x14\0\x14\0");
        self.directory.extend(flags.to_le_bytes());
        self.directory.extend(method.to_le_bytes());
        self.directory.extend([0; 8]);
        self.directory.extend(long(packed));
        self.directory.extend(long(size));
        self.directory.extend(short(name.len()));
        self.directory.extend([0; 12]);
        self.directory.extend(long(offset));
        self.directory.extend(name.as_bytes());
        self.rows += 1;
    }

    fn done(mut self) -> Vec<u8> {
        let at = long(self.bytes.len());
        self.bytes.extend(&self.directory);
        self.bytes.extend(b"PK\x05\x06\0\0\0\0");
        self.bytes.extend(self.rows.to_le_bytes());
        self.bytes.extend(self.rows.to_le_bytes());
        self.bytes.extend(long(self.directory.len()));
        self.bytes.extend(at);
        self.bytes.extend([0, 0]);
        self.bytes
    }

    /// The end record says that the larger one counts (APPNOTE 4.3.14 to 4.3.16).
    fn done64(mut self) -> Vec<u8> {
        let at = self.bytes.len() as u64;
        self.bytes.extend(&self.directory);
        let end = self.bytes.len() as u64;
        self.bytes.extend(b"PK\x06\x06");
        self.bytes.extend(44_u64.to_le_bytes());
        self.bytes.extend([0; 12]);
        self.bytes.extend(u64::from(self.rows).to_le_bytes());
        self.bytes.extend(u64::from(self.rows).to_le_bytes());
        self.bytes
            .extend((self.directory.len() as u64).to_le_bytes());
        self.bytes.extend(at.to_le_bytes());
        self.bytes.extend(b"PK\x06\x07\0\0\0\0");
        self.bytes.extend(end.to_le_bytes());
        self.bytes.extend(1_u32.to_le_bytes());
        self.bytes
            .extend(b"PK\x05\x06\0\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\0\0");
        self.bytes
    }
}

fn manifest(headers: &str) -> String {
    format!(
        "Manifest-Version: 1.0\r\n{headers}\r\n\r\nName: other\r\nImplementation-Version: 9\r\n"
    )
}

fn maven(zip: Zip, group: &str, artifact: &str, version: &str) -> Zip {
    zip.with(
        &format!("META-INF/maven/{group}/{artifact}/pom.properties"),
        format!("#Generated\nversion={version}\ngroupId={group}\nartifactId={artifact}\n"),
    )
}

const LOG4J: &str = "pkg:maven/org.apache.logging.log4j/log4j-core@2.14.1";

fn log4j() -> Zip {
    maven(
        Zip::default(),
        "org.apache.logging.log4j",
        "log4j-core",
        "2.14.1",
    )
    .with("A.class", "x")
}

#[test]
fn what_maven_wrote() {
    check("a/log4j-core-2.14.1.jar", log4j().done(), &[LOG4J]);
    check("a/renamed.jar", log4j().done(), &[LOG4J]);
    check("a/big.jar", log4j().done64(), &[LOG4J]);
    let start: Vec<u8> = [b"#!/bin/sh\nexec java -jar $0\n".to_vec(), log4j().done()].concat();
    check("a/executable.jar", start, &[LOG4J]);
    let start: Vec<u8> = [b"#!/bin/sh\n".to_vec(), log4j().done64()].concat();
    check("a/executable64.jar", start, &[LOG4J]);
    // No properties: the project file, with what its parent lends.
    let pom = "<project><parent><groupId>org.a</groupId><version>1.0</version></parent><artifactId>b</artifactId></project>";
    check(
        "b.jar",
        Zip::default()
            .with("META-INF/maven/org.a/b/pom.xml", pom)
            .done(),
        &["pkg:maven/org.a/b@1.0"],
    );
    check(
        "b.jar",
        maven(Zip::default(), "org.a", "b", "2")
            .with("META-INF/maven/org.a/b/pom.xml", pom)
            .done(),
        &["pkg:maven/org.a/b@2"],
    );
    check(
        "b-3.jar",
        maven(Zip::default(), "org.a", "b", "${revision}").done(),
        &["pkg:maven/org.a/b@3"],
    );
}

#[test]
fn what_was_shaded() {
    let shaded = maven(
        maven(log4j(), "com.google.code.gson", "gson", "2.8.5"),
        "org.app",
        "app",
        "1.0",
    )
    .done();
    check(
        "app-1.0-all.jar",
        &shaded,
        &[
            LOG4J,
            "pkg:maven/com.google.code.gson/gson@2.8.5",
            "pkg:maven/org.app/app@1.0",
        ],
    );
    // Built by Gradle: only what was taken in says its name.
    check(
        "app-2.0.jar",
        log4j().done(),
        &[LOG4J, "pkg:maven/app@2.0", "! image-unidentified"],
    );
    let twice = log4j().with(
        "BOOT-INF/classes/META-INF/maven/org.apache.logging.log4j/log4j-core/pom.properties",
        "groupId=org.apache.logging.log4j\nartifactId=log4j-core\nversion=2.14.1\n",
    );
    check("app.jar", twice.done(), &[LOG4J]);
}

#[test]
fn what_only_manifest_and_name_say() {
    let jar = |name: &str, headers: &str, expected: &[&str]| {
        let jar = Zip::default()
            .with("META-INF/MANIFEST.MF", manifest(headers))
            .with("A.class", "");
        check(&format!("lib/{name}"), jar.done(), expected);
    };
    jar(
        "spring-core-4.3.30.RELEASE.jar",
        "Implementation-Title: spring-core",
        &["pkg:maven/org.springframework/spring-core@4.3.30.RELEASE"],
    );
    jar(
        "spring-core.jar",
        "Implementation-Title: spring-core\r\nImplementation-Version: 4.3.30",
        &["pkg:maven/org.springframework/spring-core@4.3.30"],
    );
    jar(
        "spring-boot-2.6.1.jar",
        "",
        &["pkg:maven/org.springframework.boot/spring-boot@2.6.1"],
    );
    // A vendor's umbrella is no group: the published one counts.
    jar(
        "commons-collections-3.2.1.jar",
        "Implementation-Vendor-Id: org.apache",
        &["pkg:maven/commons-collections/commons-collections@3.2.1"],
    );
    jar(
        "own-1.0.jar",
        "Implementation-Vendor-Id: com.example.team",
        &["pkg:maven/com.example.team/own@1.0"],
    );
    jar(
        "own-1.0.jar",
        "Implementation-Vendor-Id: org.apache",
        &["pkg:maven/own@1.0", "! image-unidentified"],
    );
    jar(
        "own-core-1.0.jar",
        "Bundle-SymbolicName: com.example.own-co\r\n re;singleton:=true",
        &["pkg:maven/com.example/own-core@1.0"],
    );
    jar(
        "catalina.jar",
        "Bundle-SymbolicName: org.apache.tomcat-catalina\r\nImplementation-Title: Apache Tomcat\r\nImplementation-Version: 9.0.70",
        &["pkg:maven/org.apache.tomcat/tomcat-catalina@9.0.70"],
    );
    jar(
        "git.hpi",
        "Group-Id: org.jenkins-ci.plugins\r\nShort-Name: git\r\nPlugin-Version: 4.0.0",
        &["pkg:maven/org.jenkins-ci.plugins/git@4.0.0"],
    );
    jar(
        "commons-collections3-3.2.2.jar",
        "Extension-Name: commons-collections\r\nImplementation-Version: 3.2.2",
        &["pkg:maven/commons-collections/commons-collections@3.2.2"],
    );
    jar(
        "spring3-core-3.x.jar",
        "Implementation-Title: spring-core\r\nImplementation-Version: 4.3.30.RELEASE",
        &["pkg:maven/org.springframework/spring-core@4.3.30.RELEASE"],
    );
    jar(
        "groovy-json-2.4.21-indy.jar",
        "",
        &["pkg:maven/org.codehaus.groovy/groovy-json@2.4.21"],
    );
    jar(
        "groovy-4.0.1.jar",
        "",
        &["pkg:maven/org.apache.groovy/groovy@4.0.1"],
    );
    jar(
        "tools.jar",
        "Implementation-Title: Some Tools",
        &["! image-unidentified"],
    );
    jar(
        "jrt-fs.jar",
        "Implementation-Title: Java Runtime Environment\r\nImplementation-Version: 17.0.9",
        &[],
    );
    jar(
        "own.jar",
        "Implementation-Version: ${version}\r\nBundle-Version: 1.2.3 (x)",
        &["pkg:maven/own@1.2.3", "! image-unidentified"],
    );
}

#[test]
fn archives_inside_archives() {
    let war = Zip::default()
        .with("WEB-INF/lib/log4j-core-2.14.1.jar", log4j().done())
        .done();
    let ear = Zip::default()
        .stored("web.war", &war)
        .with("readme.txt", "x")
        .done();
    check(
        "app.war",
        &war,
        &[&format!("{LOG4J} !/WEB-INF/lib/log4j-core-2.14.1.jar")],
    );
    check(
        "app.ear",
        &ear,
        &[&format!(
            "{LOG4J} !/web.war!/WEB-INF/lib/log4j-core-2.14.1.jar"
        )],
    );
    let mut deep = log4j().done();
    for _ in 0..8 {
        deep = Zip::default().stored("x.jar", &deep).done();
    }
    check("deep.jar", &deep, &["! image-limit"]);
    check("app.rar", "Rar!", &[]);
    check(
        "sources-1.0-sources.jar",
        maven(Zip::default(), "a.b", "c", "1").done(),
        &[],
    );
}

#[test]
fn archives_made_to_hurt() {
    check("a.jar", "", &["! image-unidentified"]);
    check("a.jar", "PK\u{3}\u{4}", &["! image-unidentified"]);
    let whole = log4j().done();
    for end in 0..whole.len() {
        shown(&super::extract(super::TABLE, "a.jar", &whole[..end]));
    }
    for at in 0..whole.len() {
        for byte in [0, 0xff] {
            let mut damaged = whole.clone();
            damaged[at] = byte;
            shown(&super::extract(super::TABLE, "a.jar", &damaged));
        }
    }
    // Many names for one kernel of data.
    let mut shared = log4j();
    let (size, at) = (shared.bytes.len(), 0);
    for copy in 0..3 {
        shared.row(&format!("{copy}.jar"), 0, 0, size - 200, size, at);
    }
    check(
        "shared.jar",
        shared.done(),
        &[
            LOG4J,
            "! image-unreadable",
            "! image-unreadable",
            "! image-unreadable",
        ],
    );
    let mut secret = log4j();
    secret.member("in.jar", 0, 1, b"x", 1);
    secret.member("odd.jar", 99, 0, b"x", 1);
    check(
        "secret.jar",
        secret.done(),
        &[LOG4J, "! image-unreadable", "! image-unreadable"],
    );
    // 64 MiB of zeros in 64 KiB, and a manifest of the same kind.
    let zeros = vec![0; 64 << 20];
    let bomb = log4j()
        .with("META-INF/MANIFEST.MF", &zeros)
        .with("in.jar", &zeros)
        .done();
    let mut out = Extracts::default();
    let limits = Limits {
        file_bytes: 1 << 20,
        ..Limits::default()
    };
    java::read(
        &File {
            path: "bomb.jar",
            mode: 0o644,
            bytes: &bomb,
        },
        &limits,
        &mut out,
    );
    assert_eq!(shown(&out), [LOG4J, "! image-limit"]);
}

#[test]
fn one_file_gives_few_gaps() {
    let mut jar = Zip::default();
    for each in 0..200 {
        jar.member(&format!("{each}.jar"), 0, 1, b"x", 1);
    }
    let out = super::extract(super::TABLE, "many.jar", &jar.done());
    assert_eq!(out.gaps.len(), 20);
}

#[test]
fn eggs_and_caches() {
    let egg = Zip::default()
        .with("EGG-INFO/PKG-INFO", "Name: A_b\nVersion: 1\n")
        .done();
    check("lib/a.egg", egg, &["pkg:pypi/a-b@1"]);
    check("lib/a.egg", "x", &["! image-unreadable"]);
    check(
        "lib/a.egg",
        Zip::default().done(),
        &["! image-unidentified"],
    );
    let cached = Zip::default()
        .with(
            "node_modules/lodash/package.json",
            r#"{"name":"lodash","version":"4.17.4"}"#,
        )
        .with(
            "node_modules/lodash/test/package.json",
            r#"{"name":"test","version":"1.0.0"}"#,
        )
        .done();
    check(
        "app/.yarn/cache/lodash-npm-4.17.4-x.zip",
        cached,
        &["pkg:npm/lodash@4.17.4"],
    );
}

#[test]
fn names_of_files() {
    use super::super::java::names::of_file;
    for (name, artifact, version) in [
        ("log4j-core-2.14.1.jar", "log4j-core", Some("2.14.1")),
        ("log4j-1.2-api-2.14.1.jar", "log4j-1.2-api", Some("2.14.1")),
        ("guava-31.1-jre.jar", "guava", Some("31.1-jre")),
        (
            "foo-1.0-20200101.123456-3.jar",
            "foo",
            Some("1.0-20200101.123456-3"),
        ),
        ("foo-1.0-SNAPSHOT.war", "foo", Some("1.0-SNAPSHOT")),
        (
            "akka-actor_2.13-2.6.20.jar",
            "akka-actor_2.13",
            Some("2.6.20"),
        ),
        ("app-1.0-jar-with-dependencies.jar", "app", Some("1.0")),
        ("jakarta.el-3.0.3-rc1.jar", "jakarta.el", Some("3.0.3-rc1")),
        (
            "netty-epoll-4.1.70.Final-linux-x86_64.jar",
            "netty-epoll",
            Some("4.1.70.Final"),
        ),
        ("spring3-core-3.x.jar", "spring3-core", None),
        ("app.jar", "app", None),
        ("-1.jar", "-1", None),
        ("-all.jar", "-all.jar", None),
        ("", "", None),
    ] {
        let file = of_file(name);
        assert_eq!((file.artifact, file.version), (artifact, version), "{name}");
    }
}
