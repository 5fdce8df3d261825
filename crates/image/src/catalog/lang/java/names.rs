//! The name of a jar that has no Maven description: built by Ant, Gradle or Bazel, or stripped. Comes in: its file
//! name and manifest. Goes out: artifact and version, and the group where the manifest or a published name says it.
//! Never: a group from a package name alone.

use super::Coordinates;
use super::manifest::Manifest;

/// `log4j-core-2.14.1.jar`: what stands before and behind the dash of the version.
#[derive(Debug, PartialEq)]
pub(in crate::catalog::lang) struct FileName<'n> {
    pub(in crate::catalog::lang) artifact: &'n str,
    pub(in crate::catalog::lang) version: Option<&'n str>,
}

/// What a build adds to the name of an artifact that is the same artifact.
const CLASSIFIERS: [&str; 10] = [
    "-jar-with-dependencies",
    "-sources",
    "-javadoc",
    "-tests",
    "-shaded",
    "-exec",
    "-uber",
    "-fat",
    "-indy",
    "-all",
];

/// What begins a classifier that says for which machine an archive is: `netty-...-4.1.70.Final-linux-x86_64`.
const PLATFORMS: [&str; 5] = ["-linux", "-osx", "-macos", "-windows", "-natives"];

pub(in crate::catalog::lang) fn of_file(name: &str) -> FileName<'_> {
    let mut stem = stem(name);
    for classifier in CLASSIFIERS {
        stem = stem.strip_suffix(classifier).unwrap_or(stem);
    }
    for classifier in PLATFORMS {
        stem = stem
            .find(classifier)
            .and_then(|at| stem.get(..at))
            .unwrap_or(stem);
    }
    let dashes: Vec<usize> = stem
        .match_indices('-')
        .map(|(at, _)| at)
        .filter(|at| {
            let next = stem.as_bytes().get(at + 1);
            *at > 0 && next.is_some_and(u8::is_ascii_digit)
        })
        .collect();
    // `log4j-1.2-api-2.14.1`: `1.2-api-2.14.1` has a word that no version has.
    let is_version = |at: &&usize| {
        stem.get(**at + 1..)
            .is_some_and(|rest| rest.split('-').all(is_of_version))
    };
    match dashes.iter().find(is_version).or(dashes.last()) {
        Some(at) => FileName {
            artifact: stem.get(..*at).unwrap_or(stem),
            // `3.x` is a link that stands for many.
            version: stem
                .get(*at + 1..)
                .filter(|version| !version.ends_with(".x")),
        },
        // All is classifier: `-all.jar`.
        None => FileName {
            artifact: if stem.is_empty() { name } else { stem },
            version: None,
        },
    }
}

/// Words of versions beside numbers.
const QUALIFIERS: [&str; 14] = [
    "alpha",
    "beta",
    "rc",
    "cr",
    "m",
    "b",
    "sp",
    "ga",
    "final",
    "release",
    "snapshot",
    "jre",
    "android",
    "incubating",
];

fn is_of_version(word: &str) -> bool {
    let letters = word.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
    word.starts_with(|c: char| c.is_ascii_digit())
        || QUALIFIERS
            .iter()
            .any(|known| letters.eq_ignore_ascii_case(known))
}

fn stem(name: &str) -> &str {
    name.rsplit_once('.').map_or(name, |(stem, _)| stem)
}

/// Sources and documentation: what they describe does not run.
pub(super) fn is_companion(name: &str) -> bool {
    let stem = stem(name);
    stem.ends_with("-sources") || stem.ends_with("-javadoc")
}

/// Whether one of the descriptions is the archive's own; else all are of artifacts that were shaded into it.
pub(super) fn is_own(
    listed: &[Coordinates],
    name: &str,
    file: &FileName<'_>,
    manifest: &Manifest,
) -> bool {
    let stem = stem(name);
    let named = |one: &Coordinates| {
        one.artifact == file.artifact
            || stem
                .strip_prefix(one.artifact.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
    };
    match listed {
        // Renamed: `app.jar`, `commons-collections3-3.2.2.jar`.
        [one] => {
            named(one)
                || file
                    .version
                    .or(manifest.version.as_deref())
                    .is_none_or(|version| {
                        version == one.version || one.version.starts_with(version)
                    })
        }
        all => all.iter().any(named),
    }
}

/// `None` without a version: nothing could be said of it.
pub(super) fn from_manifest(
    name: &str,
    file: &FileName<'_>,
    manifest: &Manifest,
) -> Option<Coordinates> {
    if manifest.is_platform() {
        return None;
    }
    if name.ends_with(".hpi") || name.ends_with(".jpi") {
        let artifact = manifest
            .short_name
            .as_deref()
            .or(manifest.extension.as_deref());
        return Some(Coordinates {
            group: manifest.group_id.clone(),
            artifact: artifact.unwrap_or(file.artifact).to_owned(),
            version: version(manifest.plugin_version.as_deref()?)?.to_owned(),
        });
    }
    let said = [&manifest.version, &manifest.bundle_version]
        .into_iter()
        .flatten()
        .find_map(|text| version(text));
    if let Some(artifact) = tomcat(manifest) {
        let version = file.version.or(said)?;
        return Some(Coordinates {
            group: group(artifact, version, manifest).or(Some("org.apache.tomcat".to_owned())),
            artifact: artifact.to_owned(),
            version: version.to_owned(),
        });
    }
    let title = manifest.title.as_deref().filter(|title| is_artifact(title));
    let known = |artifact: &&str| published(artifact, "").is_some();
    // `commons-collections3-3.2.2.jar`, `spring.jar`: a repacked archive has kept its manifest.
    let renamed = [title, manifest.extension.as_deref()]
        .into_iter()
        .flatten()
        .find(known)
        .filter(|_| !known(&file.artifact));
    let (artifact, version) = match (renamed, file.version, title) {
        (Some(artifact), _, _) => (artifact, said.or(file.version)?),
        (None, Some(version), _) => (file.artifact, version),
        (None, None, Some(title)) => (title, said?),
        (None, None, None) => (file.artifact, said?),
    };
    Some(Coordinates {
        group: group(artifact, version, manifest),
        artifact: artifact.to_owned(),
        version: version.to_owned(),
    })
}

/// The parts of Tomcat are packed under short names (`catalina.jar`): `org.apache.tomcat-catalina` says which it is.
fn tomcat(manifest: &Manifest) -> Option<&str> {
    let artifact = manifest.bundle.as_deref()?.strip_prefix("org.apache.")?;
    artifact.starts_with("tomcat-").then_some(artifact)
}

/// The first word, if it begins like a version: `4.3.30 (build 3)`.
fn version(text: &str) -> Option<&str> {
    let word = text.split_whitespace().next()?;
    let sound = word.starts_with(|c: char| c.is_ascii_digit()) && !word.contains("${");
    sound.then_some(word)
}

/// Titles of prose (`Apache Tomcat`) name no artifact.
fn is_artifact(title: &str) -> bool {
    title.starts_with(|c: char| c.is_ascii_lowercase())
        && title
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'))
}

fn group(artifact: &str, version: &str, manifest: &Manifest) -> Option<String> {
    if let Some(group) = published(artifact, version) {
        return Some(group.to_owned());
    }
    if let Some(group) = &manifest.group_id {
        return Some(group.clone());
    }
    // Group and artifact joined with a dot, where the build does not say otherwise (maven-bundle-plugin,
    // `Bundle-SymbolicName`). Without a dash it could as well be the name of a package.
    let joined = manifest
        .bundle
        .as_deref()
        .filter(|_| artifact.contains('-'))
        .and_then(|name| name.strip_suffix(artifact)?.strip_suffix('.'))
        .filter(|group| is_group(group));
    joined
        .or(manifest
            .vendor_id
            .as_deref()
            .filter(|group| is_group(group)))
        .map(str::to_owned)
}

/// A reversed domain of somebody; umbrella names stand in many manifests and are no group.
fn is_group(text: &str) -> bool {
    let umbrella = matches!(
        text,
        "org.apache"
            | "com.sun"
            | "com.oracle"
            | "org.eclipse"
            | "com.google"
            | "com.ibm"
            | "net.sf"
            | "com.github"
    );
    !umbrella
        && text.contains('.')
        && text.split('.').all(|part| {
            !part.is_empty()
                && part
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
        })
}

fn published(artifact: &str, version: &str) -> Option<&'static str> {
    let fits = |pattern: &str| match pattern.strip_suffix('*') {
        Some(beginning) => artifact.starts_with(beginning),
        None => pattern == artifact,
    };
    let major = version
        .split('.')
        .next()
        .and_then(|major| major.parse().ok());
    MOVED
        .iter()
        .find(|(pattern, ..)| fits(pattern))
        .map(|(_, since, before, after)| {
            if major < Some(*since) {
                *before
            } else {
                *after
            }
        })
        .or_else(|| {
            let row = PUBLISHED.iter().find(|(pattern, _)| fits(pattern));
            row.map(|(_, group)| *group)
        })
}

/// Artifacts that moved with a major version: name, that version, group before it, group since.
static MOVED: &[(&str, u32, &str, &str)] = &[
    ("dom4j", 2, "dom4j", "org.dom4j"),
    ("groovy*", 4, "org.codehaus.groovy", "org.apache.groovy"),
    ("jline", 3, "jline", "org.jline"),
];

/// Artifacts of Maven Central that come without a Maven description (Ant, Gradle), under names that nobody else
/// publishes. The first row that fits counts.
static PUBLISHED: &[(&str, &str)] = &[
    ("activemq-all", "org.apache.activemq"),
    ("activemq-broker", "org.apache.activemq"),
    ("activemq-client", "org.apache.activemq"),
    ("ant", "org.apache.ant"),
    ("asm", "org.ow2.asm"),
    ("asm-analysis", "org.ow2.asm"),
    ("asm-commons", "org.ow2.asm"),
    ("asm-tree", "org.ow2.asm"),
    ("asm-util", "org.ow2.asm"),
    ("bcmail-jdk*", "org.bouncycastle"),
    ("bcpg-jdk*", "org.bouncycastle"),
    ("bcpkix-jdk*", "org.bouncycastle"),
    ("bcprov-*", "org.bouncycastle"),
    ("bcutil-jdk*", "org.bouncycastle"),
    ("byte-buddy*", "net.bytebuddy"),
    ("c3p0", "com.mchange"),
    ("cglib", "cglib"),
    ("cglib-nodep", "cglib"),
    ("commons-beanutils", "commons-beanutils"),
    ("commons-codec", "commons-codec"),
    ("commons-collections", "commons-collections"),
    ("commons-collections4", "org.apache.commons"),
    ("commons-compress", "org.apache.commons"),
    ("commons-configuration", "commons-configuration"),
    ("commons-configuration2", "org.apache.commons"),
    ("commons-dbcp", "commons-dbcp"),
    ("commons-digester", "commons-digester"),
    ("commons-discovery", "commons-discovery"),
    ("commons-el", "commons-el"),
    ("commons-fileupload", "commons-fileupload"),
    ("commons-httpclient", "commons-httpclient"),
    ("commons-io", "commons-io"),
    ("commons-jxpath", "commons-jxpath"),
    ("commons-lang", "commons-lang"),
    ("commons-lang3", "org.apache.commons"),
    ("commons-logging", "commons-logging"),
    ("commons-net", "commons-net"),
    ("commons-pool", "commons-pool"),
    ("commons-text", "org.apache.commons"),
    ("commons-validator", "commons-validator"),
    ("derby", "org.apache.derby"),
    ("derbyclient", "org.apache.derby"),
    ("derbynet", "org.apache.derby"),
    ("elasticsearch", "org.elasticsearch"),
    ("h2", "com.h2database"),
    ("hazelcast", "com.hazelcast"),
    ("hibernate-core", "org.hibernate"),
    ("hibernate-entitymanager", "org.hibernate"),
    ("hsqldb", "org.hsqldb"),
    ("itextpdf", "com.itextpdf"),
    ("jettison", "org.codehaus.jettison"),
    ("joda-time", "joda-time"),
    ("jsch", "com.jcraft"),
    ("junit", "junit"),
    ("kafka-clients", "org.apache.kafka"),
    ("kafka_2*", "org.apache.kafka"),
    ("kotlin-reflect", "org.jetbrains.kotlin"),
    ("kotlin-stdlib*", "org.jetbrains.kotlin"),
    ("liquibase-core", "org.liquibase"),
    ("log4j", "log4j"),
    ("log4j-core", "org.apache.logging.log4j"),
    ("log4j-api", "org.apache.logging.log4j"),
    ("lucene-*", "org.apache.lucene"),
    ("mariadb-java-client", "org.mariadb.jdbc"),
    ("micrometer-core", "io.micrometer"),
    ("micrometer-registry-*", "io.micrometer"),
    ("mssql-jdbc", "com.microsoft.sqlserver"),
    ("mysql-connector-j", "com.mysql"),
    ("mysql-connector-java", "mysql"),
    ("netty-all", "io.netty"),
    ("netty-buffer", "io.netty"),
    ("netty-codec*", "io.netty"),
    ("netty-common", "io.netty"),
    ("netty-handler*", "io.netty"),
    ("netty-resolver*", "io.netty"),
    ("netty-transport*", "io.netty"),
    ("okhttp", "com.squareup.okhttp3"),
    ("okio", "com.squareup.okio"),
    ("okio-jvm", "com.squareup.okio"),
    ("poi", "org.apache.poi"),
    ("poi-ooxml", "org.apache.poi"),
    ("poi-ooxml-schemas", "org.apache.poi"),
    ("poi-scratchpad", "org.apache.poi"),
    ("postgresql", "org.postgresql"),
    ("quartz", "org.quartz-scheduler"),
    ("reactor-core", "io.projectreactor"),
    ("reactor-netty*", "io.projectreactor.netty"),
    ("rhino", "org.mozilla"),
    ("shiro-core", "org.apache.shiro"),
    ("shiro-web", "org.apache.shiro"),
    ("slf4j-api", "org.slf4j"),
    ("snakeyaml", "org.yaml"),
    ("solr-core", "org.apache.solr"),
    ("solr-solrj", "org.apache.solr"),
    ("spring-aop", "org.springframework"),
    ("spring-aspects", "org.springframework"),
    ("spring-beans", "org.springframework"),
    ("spring-boot", "org.springframework.boot"),
    ("spring-boot-actuator", "org.springframework.boot"),
    (
        "spring-boot-actuator-autoconfigure",
        "org.springframework.boot",
    ),
    ("spring-boot-autoconfigure", "org.springframework.boot"),
    ("spring-boot-devtools", "org.springframework.boot"),
    ("spring-boot-jarmode-layertools", "org.springframework.boot"),
    ("spring-boot-loader", "org.springframework.boot"),
    ("spring-boot-starter*", "org.springframework.boot"),
    ("spring-context", "org.springframework"),
    ("spring-context-support", "org.springframework"),
    ("spring-core", "org.springframework"),
    ("spring-expression", "org.springframework"),
    ("spring-instrument", "org.springframework"),
    ("spring-jcl", "org.springframework"),
    ("spring-jdbc", "org.springframework"),
    ("spring-jms", "org.springframework"),
    ("spring-messaging", "org.springframework"),
    ("spring-orm", "org.springframework"),
    ("spring-oxm", "org.springframework"),
    ("spring-security-*", "org.springframework.security"),
    ("spring-test", "org.springframework"),
    ("spring-tx", "org.springframework"),
    ("spring-web", "org.springframework"),
    ("spring-webflux", "org.springframework"),
    ("spring-webmvc", "org.springframework"),
    ("spring-websocket", "org.springframework"),
    ("struts", "struts"),
    ("struts2-core", "org.apache.struts"),
    ("tomcat-embed-*", "org.apache.tomcat.embed"),
    ("woodstox-core-asl", "org.codehaus.woodstox"),
    ("xalan", "xalan"),
    ("xercesImpl", "xerces"),
    ("zookeeper", "org.apache.zookeeper"),
];
