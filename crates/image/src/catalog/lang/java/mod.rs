//! Java archives. Comes in: a jar or what is built like one, with archives inside archives. Goes out: the artifacts
//! that each contains, a shaded one beside the one that took it in, at the place where it lies. Never: loads a class,
//! reads more than names and descriptions, invents a group.
//! Sources: Apache Maven Archiver (`META-INF/maven/GROUP/ARTIFACT/pom.properties`); JAR file specification; Jakarta
//! Servlet 6.1, section 10.5; Jenkins, "Plugin structure".
//!
//! What a multi-release jar has in `META-INF/versions` are other classes of the same artifact.

mod manifest;
pub(super) mod names;
pub(super) mod pom;

use super::archive::{Archive, Member, ZipError};
use super::{component, file_name, give, notice, text, unreadable};
use crate::extract::{Extractor, Extracts, File, Wants};
use crate::layer::gap;
use crate::limits::Limits;
use manifest::{Manifest, properties};
use model::inventory::{Component, FoundAs, Place};
use rustc_hash::FxHashSet;
use std::borrow::Cow;

pub const ARCHIVE: Extractor = Extractor {
    name: "java-archive",
    wants: Wants::Named(is_archive),
    limit: 512 << 20,
    extract: jar,
};

fn is_archive(path: &str) -> bool {
    let Some((_, ending)) = path.rsplit_once('.') else {
        return false;
    };
    matches!(
        ending,
        "jar" | "war" | "ear" | "par" | "sar" | "nar" | "jpi" | "hpi" | "kar" | "lpkg" | "rar"
    )
}

fn jar(file: &File<'_>, out: &mut Extracts) {
    read(file, &Limits::default(), out);
}

/// What an artifact is called; an empty version is one that is not known.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Coordinates {
    group: Option<String>,
    artifact: String,
    version: String,
}

/// What one file may cost; deep or wide nesting shares it.
struct Walk<'o> {
    path: &'o str,
    nesting: u8,
    /// Decompressed bytes that are held at one time.
    live: u64,
    /// Decompressed bytes in all.
    total: u64,
    gaps: usize,
    found: Vec<Component>,
    /// Artifacts whose group nothing says.
    ungrouped: Vec<String>,
    /// Archives that say nothing of themselves.
    silent: Vec<String>,
    out: &'o mut Extracts,
}

const LIVE: u64 = 512 << 20;
const TOTAL: u64 = 4 << 30;
const MANIFEST: u64 = 256 << 10;
const PROPERTIES: u64 = 64 << 10;
const POM: u64 = 4 << 20;
const COMPONENTS: usize = 50_000;
const GAPS: usize = 20;
/// Names that are shown of many.
const SHOWN: usize = 5;

/// Reads one file, archives in it included.
pub fn read(file: &File<'_>, limits: &Limits, out: &mut Extracts) {
    // Resource adapters have the ending of another archiver too.
    if file.path.ends_with(".rar") && !file.bytes.starts_with(b"PK") {
        return;
    }
    let mut walk = Walk {
        path: file.path,
        nesting: limits.nesting,
        live: LIVE.min(limits.file_bytes),
        total: TOTAL,
        gaps: GAPS.min(limits.gaps),
        found: Vec::new(),
        ungrouped: Vec::new(),
        silent: Vec::new(),
        out,
    };
    walk.archive(file.bytes, file_name(file.path), "", 0);
    walk.finish();
}

/// The members that matter, in the order of the directory.
#[derive(Default)]
struct Members<'a> {
    manifest: Option<Member<'a>>,
    properties: Vec<Member<'a>>,
    poms: Vec<Member<'a>>,
    archives: Vec<Member<'a>>,
    classes: bool,
}

impl Walk<'_> {
    fn finish(self) {
        let listed = |names: &[String]| {
            let more = if names.len() > SHOWN {
                " and others"
            } else {
                ""
            };
            let shown: Vec<&str> = names.iter().take(SHOWN).map(String::as_str).collect();
            format!("{}{more}", shown.join(", "))
        };
        if !self.ungrouped.is_empty() {
            self.out.gaps.push(notice(format!(
                "{} does not say the Maven group of {}",
                self.path,
                listed(&self.ungrouped)
            )));
        }
        if !self.silent.is_empty() {
            self.out.gaps.push(notice(format!(
                "{} does not say which artifact it is",
                listed(&self.silent)
            )));
        }
        give(self.out, self.found);
    }

    /// `place` is empty for the file itself, else where the archive lies in it: `!/lib/a.jar`.
    fn archive(&mut self, bytes: &[u8], name: &str, place: &str, depth: u8) {
        let mut archive = match Archive::open(bytes) {
            Ok(archive) => archive,
            // No class loader reads it either.
            Err(error @ ZipError::NoDirectory) => {
                if self.may_say() {
                    let what = format!("{}{place} cannot be read: {error}", self.path);
                    self.out.gaps.push(notice(what));
                }
                return;
            }
            Err(error) => return self.unreadable(place, &error),
        };
        let members = match self.members(&archive, place) {
            Ok(members) => members,
            Err(error) => return self.unreadable(place, &error),
        };
        self.artifacts(&mut archive, &members, name, place);
        if members.archives.is_empty() {
            return;
        }
        if depth >= self.nesting {
            self.limit(format!(
                "{}{place} has archives more than {} deep: they were not read",
                self.path, self.nesting
            ));
            return;
        }
        for member in &members.archives {
            let name = member.shown();
            let inner = format!("{place}!/{name}");
            if let Some(content) = self.content(&mut archive, member, self.live, place) {
                let held = match &content {
                    Cow::Owned(content) => content.len() as u64,
                    Cow::Borrowed(_) => 0,
                };
                self.live = self.live.saturating_sub(held);
                self.archive(&content, file_name(&name), &inner, depth + 1);
                self.live = self.live.saturating_add(held);
            }
        }
    }

    fn members<'a>(&mut self, archive: &Archive<'a>, place: &str) -> Result<Members<'a>, ZipError> {
        let mut all = Members::default();
        let mut kept = 0;
        for member in archive.members() {
            let member = member?;
            let Ok(name) = std::str::from_utf8(member.name) else {
                continue;
            };
            let list = if name.eq_ignore_ascii_case("META-INF/MANIFEST.MF") {
                // The first counts (OpenJDK, `ZipFile.Source.getManifestPos`).
                all.manifest = all.manifest.or(Some(member));
                continue;
            } else if name.ends_with("/pom.properties") && name.contains("META-INF/maven/") {
                &mut all.properties
            } else if name.ends_with("/pom.xml") && name.contains("META-INF/maven/") {
                &mut all.poms
            } else if is_archive(name) {
                &mut all.archives
            } else {
                all.classes |= name.ends_with(".class");
                continue;
            };
            kept += 1;
            if kept > COMPONENTS {
                self.limit(format!(
                    "{}{place} has more than {COMPONENTS} descriptions and archives: the rest was not read",
                    self.path
                ));
                break;
            }
            list.push(member);
        }
        Ok(all)
    }

    fn artifacts<'a>(
        &mut self,
        archive: &mut Archive<'a>,
        members: &Members<'a>,
        name: &str,
        place: &str,
    ) {
        let manifest = members
            .manifest
            .and_then(|member| {
                let main = archive.beginning(&member, MANIFEST);
                main.map_err(|error| self.unreadable(place, &error)).ok()
            })
            .map_or_else(Manifest::default, |bytes| Manifest::read(&text(&bytes)));
        let mut listed: Vec<Coordinates> = Vec::new();
        let mut folders = FxHashSet::default();
        for member in &members.properties {
            let Some(bytes) = self.content(archive, member, PROPERTIES, place) else {
                continue;
            };
            if let Some(coordinates) = properties(&text(&bytes)) {
                folders.insert(folder_of(member.name));
                listed.push(coordinates);
            }
        }
        for member in &members.poms {
            if folders.contains(folder_of(member.name)) {
                continue;
            }
            let Some(bytes) = self.content(archive, member, POM, place) else {
                continue;
            };
            listed.extend(
                pom::read(&text(&bytes))
                    .ok()
                    .and_then(|pom| pom.coordinates()),
            );
        }
        if !members.classes && names::is_companion(name) {
            return;
        }
        let file = names::of_file(name);
        for coordinates in &mut listed {
            if coordinates.version.is_empty()
                && coordinates.artifact == file.artifact
                && let Some(version) = file.version
            {
                version.clone_into(&mut coordinates.version);
            }
        }
        if !names::is_own(&listed, name, &file, &manifest) {
            match names::from_manifest(name, &file, &manifest) {
                Some(own) => listed.push(own),
                None if listed.is_empty() && members.classes && !manifest.is_platform() => {
                    self.silent.push(format!("{}{place}", self.path));
                }
                None => {}
            }
        }
        let mut seen = FxHashSet::default();
        for coordinates in listed {
            if self.found.len() >= COMPONENTS {
                self.limit(format!(
                    "{} has more than {COMPONENTS} artifacts: the rest was not kept",
                    self.path
                ));
                return;
            }
            if seen.insert(coordinates.clone()) {
                self.keep(&coordinates, place);
            }
        }
    }

    fn keep(&mut self, coordinates: &Coordinates, place: &str) {
        let Some(mut found) = component(
            "maven",
            coordinates.group.as_deref(),
            &coordinates.artifact,
            &coordinates.version,
            FoundAs::Embedded,
        ) else {
            return;
        };
        if found.namespace.is_none() {
            self.ungrouped
                .push(format!("{} {}", found.name, found.version));
        }
        found.at = vec![Place {
            path: place.into(),
            layer: None,
        }];
        self.found.push(found);
    }

    fn content<'a>(
        &mut self,
        archive: &mut Archive<'a>,
        member: &Member<'a>,
        limit: u64,
        place: &str,
    ) -> Option<Cow<'a, [u8]>> {
        match archive.content(member, limit.min(self.total)) {
            Ok(content) => {
                if let Cow::Owned(content) = &content {
                    self.total = self.total.saturating_sub(content.len() as u64);
                }
                Some(content)
            }
            Err(error) => {
                // What was decompressed to find that it is too large has been paid for.
                if matches!(error, ZipError::TooLarge { .. }) {
                    self.total = self.total.saturating_sub(limit);
                }
                self.unreadable(place, &error);
                None
            }
        }
    }

    fn may_say(&mut self) -> bool {
        let may = self.gaps > 0;
        self.gaps = self.gaps.saturating_sub(1);
        may
    }

    fn limit(&mut self, what: String) {
        if self.may_say() {
            self.out.gaps.push(gap("image-limit", what));
        }
    }

    fn unreadable(&mut self, place: &str, error: &ZipError) {
        let what = format!("{}{place}", self.path);
        match error {
            ZipError::TooLarge { .. } => self.limit(format!("{what} was not read whole: {error}")),
            _ if self.may_say() => self.out.gaps.push(unreadable(&what, error)),
            _ => {}
        }
    }
}

fn folder_of(name: &[u8]) -> &[u8] {
    let end = name.iter().rposition(|byte| *byte == b'/').unwrap_or(0);
    name.get(..end).unwrap_or_default()
}
