//! Maven's project files. Comes in: the text of a `pom.xml`. Goes out: the project's own coordinates and the
//! dependencies that it names, with the properties of the same file put in. Never: reads a parent, resolves a range.
//! Sources: maven-4.0.0.xsd; Maven, "Introduction to the POM" (interpolation, inheritance).

use super::Coordinates;
use quick_xml::Reader;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::Event;
use rustc_hash::FxHashMap;

/// Texts of the elements that matter, by path.
#[derive(Debug, Default)]
pub(in crate::catalog::lang) struct Pom {
    group: Option<String>,
    artifact: Option<String>,
    version: Option<String>,
    parent_group: Option<String>,
    parent_version: Option<String>,
    properties: FxHashMap<String, String>,
    dependencies: Vec<Dependency>,
    managed: Vec<Dependency>,
}

#[derive(Clone, Debug, Default)]
struct Dependency {
    group: String,
    artifact: String,
    version: String,
}

/// No element that is read stands deeper.
const DEPTH: usize = 64;
/// Texts, dependencies and properties that are longer or more are of no project.
const TEXT: usize = 1_024;
const MOST: usize = 20_000;

pub(in crate::catalog::lang) fn read(text: &str) -> Result<Pom, String> {
    let mut pom = Pom::default();
    let mut reader = Reader::from_str(text);
    let mut open: Vec<String> = Vec::new();
    let mut value = String::new();
    loop {
        match reader.read_event().map_err(|error| error.to_string())? {
            Event::Start(start) => {
                if open.len() == DEPTH {
                    return Err(format!("its elements are more than {DEPTH} deep"));
                }
                let name = start.local_name();
                open.push(name.as_ref().to_owned());
                value.clear();
                pom.begin(&open);
            }
            Event::End(_) => {
                pom.end(&open, value.trim());
                value.clear();
                open.pop();
            }
            Event::Text(part) if value.len() < TEXT => value.push_str(&part.xml10_content()),
            Event::CData(part) if value.len() < TEXT => value.push_str(&part.xml10_content()),
            Event::GeneralRef(reference) if value.len() < TEXT => {
                match reference.resolve_char_ref() {
                    Ok(Some(char)) => value.push(char),
                    _ => value.push_str(resolve_predefined_entity(&reference).unwrap_or("")),
                }
            }
            Event::Eof => return Ok(pom),
            _ => {}
        }
    }
}

impl Pom {
    fn begin(&mut self, open: &[String]) {
        if let Some(list) = self.list(open)
            && list.len() < MOST
        {
            list.push(Dependency::default());
        }
    }

    /// The list that an element of this path adds to.
    fn list(&mut self, open: &[String]) -> Option<&mut Vec<Dependency>> {
        let mut path = open.iter().map(String::as_str);
        (path.next() == Some("project")).then_some(())?;
        match (path.next(), path.next(), path.next(), path.next()) {
            (Some("dependencies"), Some("dependency"), None, None) => Some(&mut self.dependencies),
            (Some("dependencyManagement"), Some("dependencies"), Some("dependency"), None) => {
                Some(&mut self.managed)
            }
            _ => None,
        }
    }

    fn end(&mut self, open: &[String], value: &str) {
        if value.is_empty() || value.len() > TEXT {
            return;
        }
        let Some((last, above)) = open.split_last() else {
            return;
        };
        if let Some(dependency) = self.list(above).and_then(|list| list.last_mut()) {
            let field = match last.as_str() {
                "groupId" => &mut dependency.group,
                "artifactId" => &mut dependency.artifact,
                "version" => &mut dependency.version,
                _ => return,
            };
            value.clone_into(field);
            return;
        }
        let path: Vec<&str> = open.iter().map(String::as_str).collect();
        let field = match path.as_slice() {
            ["project", "groupId"] => &mut self.group,
            ["project", "artifactId"] => &mut self.artifact,
            ["project", "version"] => &mut self.version,
            ["project", "parent", "groupId"] => &mut self.parent_group,
            ["project", "parent", "version"] => &mut self.parent_version,
            ["project", "properties", name] if self.properties.len() < MOST => {
                self.properties.insert((*name).to_owned(), value.to_owned());
                return;
            }
            _ => return,
        };
        *field = Some(value.to_owned());
    }

    /// What an expression names; `None`: another file says it.
    fn value(&self, name: &str) -> Option<&str> {
        let own = |field: &'static str| match field {
            "groupId" => self.group.as_deref().or(self.parent_group.as_deref()),
            "artifactId" => self.artifact.as_deref(),
            "version" => self.version.as_deref().or(self.parent_version.as_deref()),
            _ => None,
        };
        match name {
            "project.groupId" | "pom.groupId" | "groupId" => own("groupId"),
            "project.artifactId" | "pom.artifactId" | "artifactId" => own("artifactId"),
            "project.version" | "pom.version" | "version" => own("version"),
            "project.parent.version" | "parent.version" => self.parent_version.as_deref(),
            "project.parent.groupId" | "parent.groupId" => self.parent_group.as_deref(),
            _ => self.properties.get(name).map(String::as_str),
        }
    }

    /// The text with all expressions put in, `None` where one is not known or they do not end.
    fn resolved(&self, text: &str) -> Option<String> {
        let mut text = text.to_owned();
        for _ in 0..8 {
            let Some((before, rest)) = text.split_once("${") else {
                return Some(text);
            };
            let (name, after) = rest.split_once('}')?;
            text = format!("{before}{}{after}", self.value(name.trim())?);
            if text.len() > TEXT {
                return None;
            }
        }
        (!text.contains("${")).then_some(text)
    }

    pub(super) fn coordinates(&self) -> Option<Coordinates> {
        let artifact = self.resolved(self.artifact.as_deref()?)?;
        Some(Coordinates {
            group: self.value("groupId").and_then(|text| self.resolved(text)),
            artifact,
            version: self
                .value("version")
                .and_then(|text| self.resolved(text))
                .unwrap_or_default(),
        })
    }

    /// Group, artifact and version of each dependency; the version is empty where a range or another file says it.
    pub(in crate::catalog::lang) fn dependencies(&self) -> Vec<(String, String, String)> {
        let managed: FxHashMap<(&str, &str), &str> = self
            .managed
            .iter()
            .map(|each| {
                (
                    (each.group.as_str(), each.artifact.as_str()),
                    each.version.as_str(),
                )
            })
            .collect();
        self.dependencies
            .iter()
            .filter_map(|each| {
                let group = self.resolved(&each.group)?;
                let artifact = self.resolved(&each.artifact)?;
                let version = match each.version.as_str() {
                    "" => managed
                        .get(&(each.group.as_str(), each.artifact.as_str()))
                        .copied()
                        .unwrap_or(""),
                    version => version,
                };
                let version = self
                    .resolved(version)
                    .filter(|version| !version.starts_with(['[', '(']))
                    .unwrap_or_default();
                Some((group, artifact, version))
            })
            .collect()
    }
}
