//! The package that a program says it was built for. Comes in: a program's `.note.package` section. Goes out: that
//! package of a distribution, with its source package; the distribution is the note's, whatever image it stands in.
//! Source: UAPI specification "Package Metadata for Executable Files" (`.note.package`, type 0xcafe1a7e, owner FDO).

use super::elf::{Elf, PACKAGE};
use super::{component, is_word};
use model::inventory::{Component, FoundAs, SourcePackage};
use model::purl;
use object::Endianness;
use serde::Deserialize;

const TYPE: u32 = 0xcafe_1a7e;
const OWNER: &[u8] = b"FDO\0";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Note {
    r#type: String,
    /// Of the source package.
    name: String,
    version: String,
    architecture: Option<String>,
    os: Option<String>,
    os_version: Option<String>,
    os_cpe: Option<String>,
}

pub(super) fn package(elf: &Elf<'_>) -> Option<Component> {
    let text = description(elf.section(PACKAGE)?, elf.endian)?;
    let note: Note = serde_json::from_slice(text).ok()?;
    if !matches!(&*note.r#type, "deb" | "rpm" | "apk" | "alpm") {
        return None;
    }
    if !is_word(&note.name) || !is_word(&note.version) || note.name.contains('/') {
        return None;
    }
    let (system, release) = system(&note)?;
    let architecture = note.architecture.filter(|text| is_word(text));
    let mut package = component(&note.r#type, &note.name, &note.version, FoundAs::Embedded);
    let (epoch, version) = match note.version.split_once(':') {
        Some((epoch, version)) if note.r#type == "rpm" => (epoch, version),
        _ => ("", &*note.version),
    };
    let distro = match &*release {
        "" => system.clone(),
        release => format!("{system}-{release}"),
    };
    package.purl = purl::write(
        &note.r#type,
        Some(&system),
        &note.name,
        version,
        &[
            ("arch", architecture.as_deref().unwrap_or("")),
            ("distro", &distro),
            ("epoch", epoch),
        ],
    )
    .into();
    package.namespace = Some(system.into());
    package.architecture = architecture.map(Into::into);
    package.source = Some(SourcePackage {
        name: note.name.into(),
        version: "".into(),
    });
    Some(package)
}

/// Id and version as `os-release` has them; older notes only have a CPE: `cpe:/o:fedoraproject:fedora:36`.
fn system(note: &Note) -> Option<(String, String)> {
    let mut cpe = note
        .os_cpe
        .as_deref()
        .and_then(|text| text.strip_prefix("cpe:/o:"))
        .unwrap_or("")
        .split(':')
        .skip(1);
    let (product, version) = (cpe.next(), cpe.next());
    let system = note.os.as_deref().or(product)?;
    let version = note.os_version.as_deref().or(version).unwrap_or("");
    let sound =
        is_word(system) && !system.contains('/') && (version.is_empty() || is_word(version));
    sound.then(|| (system.to_ascii_lowercase(), version.to_owned()))
}

/// Of the first note of the type.
fn description(section: &[u8], endian: Endianness) -> Option<&[u8]> {
    let mut rest = section;
    loop {
        let word = |at: usize| {
            let bytes: [u8; 4] = rest.get(at..at + 4)?.try_into().ok()?;
            Some(match endian {
                Endianness::Little => u32::from_le_bytes(bytes),
                Endianness::Big => u32::from_be_bytes(bytes),
            })
        };
        let (name, length, kind) = (word(0)? as usize, word(4)? as usize, word(8)?);
        let begin = 12_usize.checked_add(name)?.checked_next_multiple_of(4)?;
        let end = begin.checked_add(length)?;
        let text = rest.get(begin..end)?;
        if kind == TYPE && rest.get(12..12 + OWNER.len()) == Some(OWNER) {
            let zero = text.iter().position(|byte| *byte == 0);
            return text.get(..zero.unwrap_or(text.len()));
        }
        rest = rest.get(end.checked_next_multiple_of(4)?..)?;
    }
}
