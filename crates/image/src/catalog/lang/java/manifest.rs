//! What a jar says of itself. Comes in: the text of `MANIFEST.MF` or `pom.properties`. Goes out: the headers of the
//! main section, or coordinates. Sources: JAR file specification, "Main Attributes"; `java.util.Properties.load`.

use super::Coordinates;
use crate::catalog::lang::headers::{Folding, header, headers};

/// Headers that name artifact, group or version; the others are of no use here.
#[derive(Debug, Default)]
pub(super) struct Manifest {
    pub(super) bundle: Option<String>,
    pub(super) bundle_version: Option<String>,
    pub(super) title: Option<String>,
    pub(super) version: Option<String>,
    pub(super) vendor_id: Option<String>,
    pub(super) extension: Option<String>,
    pub(super) group_id: Option<String>,
    pub(super) short_name: Option<String>,
    pub(super) plugin_version: Option<String>,
}

impl Manifest {
    pub(super) fn read(text: &str) -> Self {
        let headers = headers(text, Folding::Cut);
        let value = |name: &str| header(&headers, name).map(str::to_owned);
        Manifest {
            // `org.example.core;singleton:=true`
            bundle: header(&headers, "Bundle-SymbolicName")
                .and_then(|name| name.split(';').next())
                .map(|name| name.trim().to_owned())
                .filter(|name| !name.is_empty()),
            bundle_version: value("Bundle-Version"),
            title: value("Implementation-Title"),
            version: value("Implementation-Version"),
            vendor_id: value("Implementation-Vendor-Id"),
            extension: value("Extension-Name"),
            group_id: value("Group-Id"),
            short_name: value("Short-Name"),
            plugin_version: value("Plugin-Version"),
        }
    }

    /// A part of the Java runtime, which is known by the runtime itself.
    pub(super) fn is_platform(&self) -> bool {
        self.title.as_deref() == Some("Java Runtime Environment")
    }
}

/// `None` without an artifact. A value that the build left as `${...}` is not known.
pub(super) fn properties(text: &str) -> Option<Coordinates> {
    let (mut group, mut artifact, mut version) = (None, None, None);
    for line in text.lines() {
        let line = line.trim_start();
        if line.starts_with(['#', '!']) {
            continue;
        }
        let Some((key, value)) = line.split_once(['=', ':']) else {
            continue;
        };
        let value = Some(value.trim())
            .filter(|value| !value.is_empty() && !value.contains("${"))
            .map(|value| value.replace('\\', ""));
        match key.trim() {
            "groupId" => group = value,
            "artifactId" => artifact = value,
            "version" => version = value,
            _ => {}
        }
    }
    Some(Coordinates {
        group,
        artifact: artifact?,
        version: version.unwrap_or_default(),
    })
}
