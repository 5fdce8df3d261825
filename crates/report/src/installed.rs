//! What is installed in what was scanned. In: a view. Out: one unit an artifact with its packages: those of its
//! inventory, or, where another tool scanned it, those that its findings name. Never: a package that nobody saw.

use crate::view::{View, at};
use model::assessment::{Assessment, ScannedImage};
use model::finding::Finding;
use model::image::ImageIdentity;
use model::inventory::{Component, FoundAs, Inventory, Layer};
use model::matches::{ArtifactKind, Package};
use model::purl::{self, is_uri};
use rustc_hash::FxHashMap;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

/// One artifact and its packages.
pub(crate) struct Unit<'a> {
    /// Index into the Assessment's images; `None`: no finding can speak of it.
    pub(crate) image: Option<u32>,
    pub(crate) name: &'a str,
    pub(crate) kind: ArtifactKind,
    pub(crate) identity: &'a ImageIdentity,
    /// `None`: another tool scanned it, and the packages are only those of its findings.
    pub(crate) inventory: Option<&'a Inventory>,
    pub(crate) packages: Vec<Installed<'a>>,
    by_purl: FxHashMap<&'a str, Vec<u32>>,
    /// By name, then version.
    by_name: FxHashMap<&'a str, Vec<(&'a str, Vec<u32>)>>,
}

pub(crate) struct Units<'a> {
    pub(crate) all: Vec<Unit<'a>>,
    by_image: FxHashMap<u32, usize>,
}

#[derive(Clone, Copy)]
pub(crate) enum Installed<'a> {
    Component(&'a Component),
    Package(&'a Package),
}

/// What of an image brought something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Origin {
    Base,
    Application,
    /// No layers, or nothing says which of them are the base's.
    Unknown,
}

impl Origin {
    pub(crate) fn words(self) -> Option<&'static str> {
        match self {
            Origin::Base => Some("base image"),
            Origin::Application => Some("application layer"),
            Origin::Unknown => None,
        }
    }
}

impl<'a> Installed<'a> {
    pub(crate) fn name(self) -> &'a str {
        match self {
            Installed::Component(c) => &c.name,
            Installed::Package(p) => &p.name,
        }
    }

    /// Empty: not known.
    pub(crate) fn version(self) -> &'a str {
        match self {
            Installed::Component(c) => &c.version,
            Installed::Package(p) => &p.version,
        }
    }

    pub(crate) fn kind(self) -> &'a str {
        match self {
            Installed::Component(c) => &c.kind,
            Installed::Package(p) => &p.kind,
        }
    }

    /// Not checked: it comes from the artifact.
    pub(crate) fn purl(self) -> Option<&'a str> {
        match self {
            Installed::Component(c) => Some(&*c.purl).filter(|purl| !purl.is_empty()),
            Installed::Package(p) => p.purl.as_deref(),
        }
    }

    pub(crate) fn component(self) -> Option<&'a Component> {
        match self {
            Installed::Component(c) => Some(c),
            Installed::Package(_) => None,
        }
    }

    pub(crate) fn paths(self) -> Vec<&'a str> {
        match self {
            Installed::Component(c) => c.at.iter().map(|place| &*place.path).collect(),
            Installed::Package(p) => p.locations.iter().map(|path| &**path).collect(),
        }
    }

    /// Whether a package manager of the distribution has it.
    pub(crate) fn is_of_system(self) -> bool {
        matches!(self.kind(), "deb" | "apk" | "rpm" | "alpm")
    }
}

impl<'a> Unit<'a> {
    fn new(
        image: Option<u32>,
        (name, kind, identity): (&'a str, ArtifactKind, &'a ImageIdentity),
        inventory: Option<&'a Inventory>,
        packages: Vec<Installed<'a>>,
    ) -> Self {
        let mut by_purl: FxHashMap<&str, Vec<u32>> = FxHashMap::default();
        let mut by_name: FxHashMap<&str, Vec<(&str, Vec<u32>)>> = FxHashMap::default();
        for (index, package) in (0u32..).zip(&packages) {
            if let Some(purl) = package.purl() {
                by_purl.entry(purl).or_default().push(index);
            }
            let versions = by_name.entry(package.name()).or_default();
            match versions
                .iter_mut()
                .find(|(version, _)| *version == package.version())
            {
                Some((_, same)) => same.push(index),
                None => versions.push((package.version(), vec![index])),
            }
        }
        Unit {
            image,
            name,
            kind,
            identity,
            inventory,
            packages,
            by_purl,
            by_name,
        }
    }

    /// Indices of the unit's packages that a finding's package is.
    pub(crate) fn find(&self, package: &Package) -> &[u32] {
        let purl = package.purl.as_deref();
        if let Some(found) = purl.and_then(|purl| self.by_purl.get(purl)) {
            return found;
        }
        let versions = self.by_name.get(&*package.name).into_iter().flatten();
        let mut same = versions.filter(|(version, _)| **version == *package.version);
        same.next().map_or(&[], |(_, found)| found)
    }

    /// The layer that brought it, and its number from 0.
    pub(crate) fn layer(&self, package: Installed) -> Option<(u32, &'a Layer)> {
        let layers = &self.inventory?.layers;
        let number = match package {
            Installed::Component(c) => c.at.iter().find_map(|place| place.layer)?,
            Installed::Package(p) => {
                let known = p.layer.as_ref()?;
                let is =
                    |layer: &Layer| layer.diff_id == *known || layer.digest.as_ref() == Some(known);
                u32::try_from(layers.iter().position(is)?).ok()?
            }
        };
        Some((number, at(layers, Some(number))?))
    }

    pub(crate) fn origin(&self, package: Installed) -> Origin {
        match self.layer(package).and_then(|(_, layer)| layer.of_base) {
            Some(true) => Origin::Base,
            Some(false) => Origin::Application,
            None => Origin::Unknown,
        }
    }

    /// Whether it is pulled and replaced as a whole.
    pub(crate) fn is_image(&self, all: &Assessment) -> bool {
        match at(&all.images, self.image) {
            Some(image) => image.is_image(),
            None => self.kind == ArtifactKind::Image,
        }
    }

    /// `debian 12.5`, as far as somebody says it.
    pub(crate) fn system(&self, all: &'a Assessment) -> Option<Cow<'a, str>> {
        if let Some(release) = self.inventory.and_then(|i| i.release.as_ref()) {
            let text = format!("{} {}", release.id, release.version);
            return Some(Cow::Owned(text.trim_end().to_owned()));
        }
        let os = at(&all.images, self.image)?.os.as_ref()?;
        Some(Cow::Owned(format!("{} {}", os.id, os.version)))
    }
}

impl<'a> Units<'a> {
    /// The unit that a finding is of, and its number.
    pub(crate) fn of(&self, finding: &Finding) -> Option<(usize, &Unit<'a>)> {
        let number = *self.by_image.get(&finding.image?)?;
        Some((number, self.all.get(number)?))
    }
}

/// One for each inventory, in their order, then one for each other artifact that a tool spoke of.
pub(crate) fn units<'a>(view: &View<'a>) -> Units<'a> {
    let all = view.assessment;
    let mut units: Vec<Unit> = all
        .inventories
        .iter()
        .map(|inventory| {
            let artifact = &inventory.artifact;
            let packages = inventory.components.iter().map(Installed::Component);
            let what = (&*artifact.name, artifact.kind, &artifact.identity);
            let image = image_of(all, inventory);
            Unit::new(image, what, Some(inventory), packages.collect())
        })
        .collect();
    let known: BTreeSet<u32> = units.iter().filter_map(|unit| unit.image).collect();
    let mut named: BTreeMap<u32, BTreeSet<u32>> = BTreeMap::new();
    for (index, image) in (0u32..).zip(&all.images) {
        if !image.tools.is_empty() {
            named.insert(index, BTreeSet::new());
        }
    }
    for finding in findings(all) {
        if let (Some(image), Some(package)) = (finding.image, finding.package) {
            named.entry(image).or_default().insert(package);
        }
    }
    for (index, packages) in named.into_iter().filter(|(i, _)| !known.contains(i)) {
        let Some(image) = at(&all.images, Some(index)) else {
            continue;
        };
        let packages = packages
            .into_iter()
            .filter_map(|package| at(&all.packages, Some(package)))
            .map(Installed::Package);
        let what = (&*image.name, image.kind, &image.identity);
        units.push(Unit::new(Some(index), what, None, packages.collect()));
    }
    let mut by_image = FxHashMap::default();
    for (number, unit) in units.iter().enumerate() {
        if let Some(image) = unit.image {
            by_image.entry(image).or_insert(number);
        }
    }
    Units {
        all: units,
        by_image,
    }
}

/// Open, unjoined and suppressed ones, in this order.
pub(crate) fn findings(all: &Assessment) -> impl Iterator<Item = &Finding> {
    let open = all.findings.iter().chain(&all.unjoined);
    open.chain(&all.suppressed)
}

/// The image that an inventory is of: by the digest of its manifest, its name, its configuration.
pub(crate) fn image_of(all: &Assessment, inventory: &Inventory) -> Option<u32> {
    let artifact = &inventory.artifact;
    let by =
        |is: &dyn Fn(&ScannedImage) -> bool| u32::try_from(all.images.iter().position(is)?).ok();
    let own = &artifact.identity;
    by(&|image| {
        let other = &image.identity;
        own.manifests.iter().any(|d| other.manifests.contains(d))
    })
    .or_else(|| by(&|image| image.name == artifact.name && image.kind == artifact.kind))
    .or_else(|| by(&|image| own.config.is_some() && image.identity.config == own.config))
}

/// `312 deb, 80 npm`, the most frequent first; what is only declared is counted apart.
pub(crate) fn by_kind<'a>(packages: &[Installed<'a>]) -> (Vec<(&'a str, usize)>, usize) {
    let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
    let mut declared = 0;
    for package in packages {
        *kinds.entry(package.kind()).or_default() += 1;
        let found = package.component().map(|c| c.found);
        declared += usize::from(found == Some(FoundAs::Declared));
    }
    let mut kinds: Vec<(&str, usize)> = kinds.into_iter().collect();
    kinds.sort_by_key(|(_, number)| std::cmp::Reverse(*number));
    (kinds, declared)
}

/// The purl of a package; where its source gives none that others can read, a generic one of name and version.
pub(crate) fn purl_or_generic(package: Installed<'_>) -> Cow<'_, str> {
    if let Some(purl) = package.purl().filter(|purl| is_uri(purl)) {
        return Cow::Borrowed(purl);
    }
    let name = or_unnamed(package.name());
    Cow::Owned(purl::write("generic", None, name, package.version(), &[]))
}

/// A purl must have a name.
pub(crate) fn or_unnamed(name: &str) -> &str {
    if name.trim_matches('/').is_empty() {
        return "unnamed";
    }
    name
}
