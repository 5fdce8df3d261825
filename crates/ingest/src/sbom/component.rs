//! One package. Comes in: a draft, as a document names it. Goes out: a component by its package URL, or by what the
//! tool's properties say of it. Never: a CPE taken for a name.

use super::shelf::Place;
use crate::purl;
use model::inventory::{Component, FoundAs, Release, SourcePackage};
use model::purl::{Purl, write};
use std::borrow::Cow;

/// A package as a document names it. Texts that it does not have are empty.
#[derive(Default)]
pub(super) struct Draft<'a> {
    /// Its name in the document.
    pub(super) reference: Cow<'a, str>,
    pub(super) group: Cow<'a, str>,
    pub(super) name: Cow<'a, str>,
    pub(super) version: Cow<'a, str>,
    pub(super) purl: Cow<'a, str>,
    /// The tool's own word for the type: `debian`, `python`, `go-module`.
    pub(super) kind: Cow<'a, str>,
    pub(super) has_cpe: bool,
    pub(super) source: Cow<'a, str>,
    pub(super) source_version: Cow<'a, str>,
    pub(super) module: Cow<'a, str>,
    pub(super) vendor: Cow<'a, str>,
    pub(super) licenses: Vec<Cow<'a, str>>,
    pub(super) found: Option<FoundAs>,
    pub(super) places: Vec<Place<'a>>,
    /// The artifact that it stands in, where the document nests them.
    pub(super) within: Option<usize>,
}

impl Draft<'_> {
    /// Whether properties tell what it is.
    pub(super) fn is_told(&self) -> bool {
        !self.name.is_empty() && purl::kind(&self.kind).is_some()
    }

    /// The component that `purl` names. Places and owner are the caller's.
    pub(super) fn component(&self, purl: &Purl) -> Component {
        let mut component = purl.component(&purl.to_string());
        if component.version.is_empty() && !self.version.is_empty() {
            component.version = (*self.version).into();
        }
        self.cased(&mut component);
        if component.source.is_none() && !self.source.is_empty() {
            component.source = Some(self.source_of(&component));
        }
        if component.module.is_none() && !self.module.is_empty() {
            component.module = Some((*self.module).into());
        }
        // Only of rpm it is said who built a package; elsewhere it is who wrote it.
        if &*component.kind == "rpm" && !self.vendor.is_empty() {
            component.vendor = Some((*self.vendor).into());
        }
        component.licenses = self.licenses.iter().map(|l| (**l).into()).collect();
        component.found = self.found.unwrap_or(match &*component.kind {
            "generic" => FoundAs::Recognized,
            _ => FoundAs::Installed,
        });
        component
    }

    /// The package URL that it would have by its properties; `None`: nothing tells what it is.
    pub(super) fn told(&self, release: Option<&Release>) -> Option<Purl> {
        let kind = purl::kind(&self.kind).filter(|_| !self.name.is_empty())?;
        let system = matches!(kind, "deb" | "apk" | "rpm");
        let (namespace, name) = match (kind, self.name.split_once(':')) {
            _ if system => (release.map_or("", |release| &*release.id), &*self.name),
            ("maven", Some((group, artifact))) if self.group.is_empty() => (group, artifact),
            _ => (&*self.group, &*self.name),
        };
        let (epoch, version) = match self.version.split_once(':') {
            Some((epoch, version)) if kind == "rpm" => (epoch, version),
            _ => ("", &*self.version),
        };
        let text = write(
            kind,
            Some(namespace),
            name,
            version,
            &[("epoch", if epoch == "0" { "" } else { epoch })],
        );
        Purl::parse(&text).ok()
    }

    /// Package URLs are in lower case where the registry does not care; the document's own spelling is what people know.
    fn cased(&self, component: &mut Component) {
        let namespace = component.namespace.as_deref().unwrap_or("");
        let known = match namespace {
            "" => component.name.to_string(),
            namespace => format!("{namespace}/{}", component.name),
        };
        let written = match &*self.group {
            "" => self.name.to_string(),
            group => format!("{group}/{}", self.name),
        };
        if known == written || !known.eq_ignore_ascii_case(&written) {
            return;
        }
        if !matches!(&*component.kind, "golang" | "composer" | "hex" | "pub") {
            return;
        }
        if let Some((namespace, name)) = written.rsplit_once('/')
            && component.namespace.is_some()
        {
            component.namespace = Some(namespace.into());
            component.name = name.into();
        } else if component.namespace.is_none() {
            component.name = written.into();
        }
    }

    fn source_of(&self, component: &Component) -> SourcePackage {
        let own = *self.source_version == *component.version;
        SourcePackage {
            name: (*self.source).into(),
            version: match &*self.source_version {
                _ if own => "".into(),
                version => version.into(),
            },
        }
    }
}
