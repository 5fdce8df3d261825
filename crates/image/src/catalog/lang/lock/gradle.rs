//! Gradle's dependency locks: `GROUP:ARTIFACT:VERSION=CONFIGURATIONS`, one a line; before Gradle 6.8 without the last
//! part. Source: docs.gradle.org, "Locking Versions".

use super::Declared;
use crate::catalog::lang::text;

pub(super) fn lock(bytes: &[u8]) -> Declared {
    let text = text(bytes);
    let mut out = Declared::default();
    for line in text.lines() {
        let line = line.trim();
        if line.starts_with('#') {
            continue;
        }
        let coordinates = line.split('=').next().unwrap_or(line);
        let mut parts = coordinates.split(':');
        if let (Some(group), Some(artifact), Some(version), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        {
            out.add("maven", Some(group), artifact, version);
        }
    }
    out
}
