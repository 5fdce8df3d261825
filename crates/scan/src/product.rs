//! Whether a name that a person wrote (purl, image reference, digest, CPE, word) is the image or the package of a
//! finding. Comes in: the name, what was scanned. Goes out: how closely it fits, or why it does not.
//! Never: takes what is not known of the scanned thing for a fit.

use ingest::VexComponent;
use intel::purl::Purl;
use model::assessment::ScannedImage;
use model::image::{ImageReference, is_digest};
use model::matches::{OsRelease, Package};
use model::text::Text;

/// How closely a name fits; larger is closer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fit {
    pub grade: u8,
    /// `the image by its digest`, `openssl 3.0.11`.
    pub how: String,
}

/// Why a name does not fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Miss {
    /// It names this thing, in another version or form.
    pub near: bool,
    pub why: String,
}

/// A name, read once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Name {
    Purl(Box<Purl>),
    Digest(Text),
    Cpe(Text),
    Reference(ImageReference),
    Word(Text),
}

impl Name {
    pub fn parse(text: &str) -> Self {
        let text = text.trim();
        if text
            .get(..4)
            .is_some_and(|head| head.eq_ignore_ascii_case("pkg:"))
        {
            return match Purl::parse(text) {
                Ok(purl) => Name::Purl(Box::new(purl)),
                Err(_) => Name::Word(text.into()),
            };
        }
        if is_digest(text) {
            return Name::Digest(text.into());
        }
        if text.starts_with("cpe:") {
            return Name::Cpe(text.into());
        }
        match ImageReference::parse(text) {
            Some(reference) if text.contains(['/', ':', '@']) => Name::Reference(reference),
            _ => Name::Word(text.into()),
        }
    }
}

/// The names of one thing, and the versions of it that are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    names: Vec<Name>,
    versions: Vec<Text>,
}

impl Named {
    pub fn of(component: &VexComponent) -> Self {
        Named {
            names: component
                .names
                .iter()
                .map(|name| Name::parse(name))
                .collect(),
            versions: component.versions.clone(),
        }
    }

    pub fn purl(purl: &str) -> Self {
        Named {
            names: vec![Name::parse(purl)],
            versions: Vec::new(),
        }
    }

    /// Whether one of its names is a package's.
    pub fn is_package(&self) -> bool {
        let of_image = |purl: &Purl| matches!(&*purl.kind, "oci" | "docker");
        let mut names = self.names.iter();
        names.any(|name| matches!(name, Name::Purl(purl) if !of_image(purl)))
    }

    /// Whether one of its names is that of the image.
    pub fn image(&self, image: &ScannedImage) -> Result<Fit, Miss> {
        self.best(|name| image_fit(name, image))
    }

    /// Whether one of its names is that of the package, which is in `image`.
    pub fn package(&self, package: &Package, image: Option<&ScannedImage>) -> Result<Fit, Miss> {
        let here = own_purl(package, image);
        let fit = self.best(|name| package_fit(name, &here, package, image))?;
        let same = |wanted: &Text| same_version(&here.kind, wanted, &here.version);
        if !self.versions.is_empty() && !self.versions.iter().any(same) {
            return Err(Miss {
                near: true,
                why: format!(
                    "it names version {}, here is {}",
                    self.versions.join(", "),
                    shown(&here.version)
                ),
            });
        }
        Ok(Fit {
            grade: fit.grade.max(if self.versions.is_empty() { 0 } else { 2 }),
            ..fit
        })
    }

    /// Whether one of its names is a package of an artifact's list.
    pub fn listed(&self, purl: &Purl) -> bool {
        self.names.iter().any(|name| match name {
            Name::Purl(wanted) => same_name(wanted, purl) && version_fits(wanted, purl),
            _ => false,
        })
    }

    fn best(&self, fit: impl Fn(&Name) -> Result<Fit, Miss>) -> Result<Fit, Miss> {
        let mut best: Option<Fit> = None;
        let mut miss: Option<Miss> = None;
        for name in &self.names {
            match fit(name) {
                Ok(fit) if best.as_ref().is_none_or(|known| fit.grade > known.grade) => {
                    best = Some(fit);
                }
                Err(why) if miss.as_ref().is_none_or(|known| why.near && !known.near) => {
                    miss = Some(why);
                }
                Ok(_) | Err(_) => {}
            }
        }
        best.ok_or_else(|| miss.unwrap_or_else(|| far("it has no name that is known")))
    }
}

fn far(why: impl Into<String>) -> Miss {
    Miss {
        near: false,
        why: why.into(),
    }
}

fn near(why: impl Into<String>) -> Miss {
    Miss {
        near: true,
        why: why.into(),
    }
}

fn fit(grade: u8, how: impl Into<String>) -> Fit {
    Fit {
        grade,
        how: how.into(),
    }
}

fn shown(version: &str) -> &str {
    if version.is_empty() {
        "not known"
    } else {
        version
    }
}

const BY_DIGEST: u8 = 4;
const BY_TAG: u8 = 3;
const BY_REPOSITORY: u8 = 2;
const BY_WORD: u8 = 1;

fn image_fit(name: &Name, image: &ScannedImage) -> Result<Fit, Miss> {
    match name {
        Name::Digest(digest) => by_digest(digest, image, false),
        Name::Purl(purl) if &*purl.kind == "oci" => of_oci(purl, image),
        Name::Purl(purl) if &*purl.kind == "docker" => of_docker(purl, image),
        Name::Purl(purl) => Err(far(format!("a package of type {} is no image", purl.kind))),
        Name::Cpe(cpe) => of_cpe(cpe, image.os.as_ref()),
        Name::Reference(wanted) => of_reference(wanted, image),
        Name::Word(word) => {
            let same = |reference: &ImageReference| last(&reference.repository) == &**word;
            if image.name == *word || references(image).iter().any(same) {
                return Ok(fit(BY_WORD, "the image by its name alone"));
            }
            Err(far(format!("`{word}` is no name of {}", image.name)))
        }
    }
}

/// What the image is called: references, and its name where that is one.
fn references(image: &ScannedImage) -> Vec<ImageReference> {
    let mut all = image.identity.references.clone();
    if image.is_image() {
        all.extend(ImageReference::parse(&image.name));
    }
    all
}

fn by_digest(digest: &str, image: &ScannedImage, named: bool) -> Result<Fit, Miss> {
    let identity = &image.identity;
    let known: Vec<&Text> = identity
        .config
        .iter()
        .chain(&identity.manifests)
        .chain(&identity.indexes)
        .chain(&identity.digests)
        .chain(identity.references.iter().filter_map(|r| r.digest.as_ref()))
        .collect();
    if known.iter().any(|known| known.eq_ignore_ascii_case(digest)) {
        return Ok(fit(BY_DIGEST, "the image by its digest"));
    }
    let short = digest.get(..19).unwrap_or(digest);
    Err(Miss {
        near: named,
        why: if known.is_empty() {
            format!("it names the digest {short}..., that of the image here is not known")
        } else {
            format!("it names the digest {short}..., the image here has another")
        },
    })
}

/// `pkg:oci/NAME@DIGEST?repository_url=HOST/PATH&tag=T` (purl-spec, oci). The URL ends with the name or before it:
/// both are written. Without a digest the repository decides, without a URL only the last part of it.
fn of_oci(purl: &Purl, image: &ScannedImage) -> Result<Fit, Miss> {
    let url = purl.qualifier("repository_url");
    let named: Vec<ImageReference> = references(image)
        .into_iter()
        .filter(|reference| match url {
            Some(url) => is_repository(url, &purl.name, reference),
            None => last(&reference.repository).eq_ignore_ascii_case(&purl.name),
        })
        .collect();
    let (digest, tag) = match &*purl.version {
        "" => (None, purl.qualifier("tag")),
        version if version.contains(':') => (Some(version), None),
        // Not as the specification has it, but what is meant is clear.
        version => (None, Some(version)),
    };
    if let Some(digest) = digest {
        if !is_digest(digest) {
            return Err(near(format!("its digest `{digest}` is none")));
        }
        return by_digest(digest, image, !named.is_empty());
    }
    if named.is_empty() {
        let wanted = url.unwrap_or(&purl.name);
        return Err(far(format!(
            "it names the image {wanted}, here is {}",
            image.name
        )));
    }
    platform(purl, image)?;
    tagged(
        tag,
        &named,
        if url.is_some() {
            BY_REPOSITORY
        } else {
            BY_WORD
        },
    )
}

/// `pkg:docker/library/nginx@1.25`, `pkg:docker/app@sha256:...?repository_url=gcr.io` (purl-spec, docker).
fn of_docker(purl: &Purl, image: &ScannedImage) -> Result<Fit, Miss> {
    let path = match &*purl.namespace {
        "" => purl.name.clone(),
        namespace => format!("{namespace}/{}", purl.name),
    };
    let named: Vec<ImageReference> = references(image)
        .into_iter()
        .filter(|reference| match purl.qualifier("repository_url") {
            Some(url) => is_repository(url, &path, reference),
            None => ImageReference::parse(&path).is_some_and(|r| r.name() == reference.name()),
        })
        .collect();
    if is_digest(&purl.version) {
        return by_digest(&purl.version, image, !named.is_empty());
    }
    if named.is_empty() {
        return Err(far(format!(
            "it names the image {path}, here is {}",
            image.name
        )));
    }
    platform(purl, image)?;
    let tag = Some(&*purl.version).filter(|tag| !tag.is_empty());
    tagged(tag.or(purl.qualifier("tag")), &named, BY_REPOSITORY)
}

fn of_reference(wanted: &ImageReference, image: &ScannedImage) -> Result<Fit, Miss> {
    let named: Vec<ImageReference> = references(image)
        .into_iter()
        .filter(|reference| reference.name() == wanted.name())
        .collect();
    if let Some(digest) = &wanted.digest {
        return by_digest(digest, image, !named.is_empty());
    }
    if named.is_empty() {
        return Err(far(format!(
            "it names the image {wanted}, here is {}",
            image.name
        )));
    }
    tagged(wanted.tag.as_deref(), &named, BY_REPOSITORY)
}

fn tagged(tag: Option<&str>, named: &[ImageReference], without: u8) -> Result<Fit, Miss> {
    let how = if without == BY_WORD {
        "the image by the last part of its name"
    } else {
        "the image by its repository"
    };
    match tag {
        None => Ok(fit(without, how)),
        Some(tag) if named.iter().any(|r| r.tag.as_deref() == Some(tag)) => {
            Ok(fit(BY_TAG, format!("{how} and the tag {tag}")))
        }
        Some(tag) => {
            let here = named
                .iter()
                .find_map(|r| r.tag.as_deref())
                .unwrap_or("not known");
            Err(near(format!("it names the tag {tag}, here it is {here}")))
        }
    }
}

/// `docker.io` is `index.docker.io` (grype #2818); with the image's name at its end or not (grype #3657).
fn is_repository(url: &str, name: &str, reference: &ImageReference) -> bool {
    let url = url.trim_start_matches("https://").trim_end_matches('/');
    let wanted = reference.name();
    [url.to_owned(), format!("{url}/{name}")]
        .iter()
        .filter_map(|text| ImageReference::parse(text))
        .any(|parsed| parsed.name().eq_ignore_ascii_case(&wanted))
}

fn platform(purl: &Purl, image: &ScannedImage) -> Result<(), Miss> {
    let here = image.identity.platform.as_deref().unwrap_or("");
    let (os, arch) = here.split_once('/').unwrap_or((here, ""));
    for (key, known) in [("os", os), ("arch", arch)] {
        let Some(wanted) = purl.qualifier(key) else {
            continue;
        };
        if wanted != known && known.split('/').next() != Some(wanted) {
            return Err(near(format!(
                "it names {key}={wanted}, here it is {}",
                shown(known)
            )));
        }
    }
    Ok(())
}

fn last(repository: &str) -> &str {
    repository.rsplit('/').next().unwrap_or(repository)
}

/// A platform such as `cpe:/o:redhat:enterprise_linux:9::baseos`: the distribution of the image.
fn of_cpe(cpe: &str, os: Option<&OsRelease>) -> Result<Fit, Miss> {
    let rest = cpe
        .trim_start_matches("cpe:2.3:")
        .trim_start_matches("cpe:/");
    let mut parts = rest.split(':').skip(1);
    let (vendor, product) = (parts.next().unwrap_or(""), parts.next().unwrap_or(""));
    let version = parts
        .next()
        .filter(|v| !matches!(*v, "" | "*" | "-"))
        .unwrap_or("");
    let id = match (vendor, product) {
        ("redhat", "enterprise_linux") => "redhat",
        ("debian", "debian_linux") => "debian",
        ("canonical", "ubuntu_linux") => "ubuntu",
        ("alpinelinux", "alpine_linux") => "alpine",
        ("oracle", "linux") => "oracle",
        ("suse", _) => "sles",
        ("rocky" | "resf", _) => "rocky",
        ("almalinux", _) => "alma",
        _ => return Err(far(format!("the platform {cpe} is none that is compared"))),
    };
    let Some(os) = os.filter(|os| distribution(&os.id) == id) else {
        return Err(far(format!(
            "it names the platform {cpe}, which the image here is not"
        )));
    };
    if release_covers(version, &os.version) {
        return Ok(fit(BY_WORD, format!("{} {}", os.id, os.version)));
    }
    Err(near(format!(
        "it names {id} {version}, the image here is {} {}",
        os.id, os.version
    )))
}

/// One word for each distribution; scanners use several.
fn distribution(id: &str) -> String {
    let id = id.to_ascii_lowercase();
    match &*id {
        "rhel" | "redhat" | "red_hat" => "redhat".to_owned(),
        "almalinux" | "alma" => "alma".to_owned(),
        "amazon" | "amzn" | "amazonlinux" => "amazon".to_owned(),
        "oracle" | "oraclelinux" | "ol" => "oracle".to_owned(),
        "sles" | "suse" => "sles".to_owned(),
        "rocky" | "rockylinux" => "rocky".to_owned(),
        _ => id.replace('.', "-"),
    }
}

/// `12` covers `12.5`; nothing covers every version.
fn release_covers(wanted: &str, here: &str) -> bool {
    wanted.is_empty()
        || here == wanted
        || here
            .strip_prefix(wanted)
            .is_some_and(|rest| rest.starts_with('.'))
}

/// The package as a purl: its own, else what is known of it.
pub(crate) fn own_purl(package: &Package, image: Option<&ScannedImage>) -> Purl {
    if let Some(purl) = package
        .purl
        .as_deref()
        .and_then(|purl| Purl::parse(purl).ok())
    {
        return purl;
    }
    let kind =
        ingest::purl_type(&package.kind).map_or_else(|| package.kind.to_string(), str::to_owned);
    let os = image.and_then(|image| image.os.as_ref());
    let name = package.name.replace(':', "/");
    let (namespace, name) = match &*kind {
        "deb" | "rpm" | "apk" => (
            os.map_or_else(String::new, |os| os.id.to_string()),
            package.name.to_string(),
        ),
        _ => match name.rsplit_once('/') {
            Some((namespace, name)) => (namespace.to_owned(), name.to_owned()),
            None => (String::new(), name),
        },
    };
    Purl {
        kind,
        namespace,
        name,
        version: package.version.to_string(),
        ..Purl::default()
    }
}

fn package_fit(
    name: &Name,
    here: &Purl,
    package: &Package,
    image: Option<&ScannedImage>,
) -> Result<Fit, Miss> {
    let Name::Purl(wanted) = name else {
        return Err(far(match name {
            Name::Cpe(cpe) => format!("{cpe} is not compared with packages"),
            Name::Word(word) => format!("`{word}` is no purl"),
            _ => "it names an image".to_owned(),
        }));
    };
    if matches!(&*wanted.kind, "oci" | "docker") {
        return Err(far(format!("it names the image {}", wanted.name)));
    }
    let source = matches!(wanted.qualifier("arch"), Some("source" | "src"));
    let upstream = package.upstream.as_deref().or(here.qualifier("upstream"));
    let (upstream, upstream_version) = match upstream.map(|u| u.split_once('@').unwrap_or((u, "")))
    {
        Some((name, version)) => (Some(name), version),
        None => (None, ""),
    };
    let mut compared = here.clone();
    if let Some(upstream) = upstream.filter(|_| source) {
        upstream.clone_into(&mut compared.name);
        if !upstream_version.is_empty() {
            upstream_version.clone_into(&mut compared.version);
        }
    }
    if !same_name(wanted, &compared) {
        let of_source = upstream.is_some_and(|upstream| {
            let renamed = Purl {
                name: upstream.to_owned(),
                ..here.clone()
            };
            !source && same_name(wanted, &renamed)
        });
        if of_source {
            return Err(near(format!(
                "it names the package {}; of all that is built from that source it would be ?arch=source",
                wanted.name
            )));
        }
        return Err(far(format!("it names the package {}", path(wanted))));
    }
    let label = match &*package.name {
        name if source => format!("the source {} of {name}", compared.name),
        name => name.to_owned(),
    };
    if !version_fits(wanted, &compared) {
        return Err(near(format!(
            "it names version {} of {label}, here is {}",
            wanted.version,
            shown(&compared.version)
        )));
    }
    let qualified = qualifiers(wanted, here, source, image)?;
    if !wanted.subpath.is_empty() && wanted.subpath != here.subpath {
        return Err(near(format!("it names only {} of it", wanted.subpath)));
    }
    let how = match &*wanted.version {
        "" => format!("{label} (any version)"),
        version => format!("{label} {version}"),
    };
    let grade = 1 + u8::from(!wanted.version.is_empty()) + u8::from(qualified);
    Ok(fit(grade, how))
}

/// Type, namespace and name, folded as the ecosystem folds them.
fn same_name(wanted: &Purl, here: &Purl) -> bool {
    if wanted.kind != here.kind {
        return false;
    }
    let kind = &*wanted.kind;
    if matches!(kind, "deb" | "rpm" | "apk") {
        return fold(kind, &wanted.name) == fold(kind, &here.name)
            && (wanted.namespace.is_empty()
                || distribution(&wanted.namespace) == distribution(&here.namespace));
    }
    fold(kind, &path(wanted)) == fold(kind, &path(here))
}

/// `golang.org/x/net`: where the namespace ends is written differently.
fn path(purl: &Purl) -> String {
    match &*purl.namespace {
        "" => purl.name.clone(),
        namespace => format!("{namespace}/{}", purl.name),
    }
}

/// purl-spec, the types' rules of case.
fn fold(kind: &str, name: &str) -> String {
    match kind {
        "pypi" => name.to_ascii_lowercase().replace(['_', '.'], "-"),
        "deb" | "apk" | "npm" | "golang" | "composer" | "nuget" | "hex" | "pub" => {
            name.to_ascii_lowercase()
        }
        _ => name.to_owned(),
    }
}

fn version_fits(wanted: &Purl, here: &Purl) -> bool {
    if wanted.version.is_empty() {
        return true;
    }
    same_version(&wanted.kind, &full(wanted), &full(here))
}

/// With the epoch that rpm's purls have beside the version.
fn full(purl: &Purl) -> String {
    match purl.qualifier("epoch") {
        Some(epoch) if !purl.version.contains(':') => format!("{epoch}:{}", purl.version),
        _ => purl.version.clone(),
    }
}

/// The same version in another spelling: Go's `v` (and `go` of the toolchain), an epoch of 0.
fn same_version(kind: &str, wanted: &str, here: &str) -> bool {
    if wanted.is_empty() || here.is_empty() {
        return false;
    }
    let plain = |version: &str| -> String {
        let version = version.trim();
        match kind {
            "golang" => version
                .trim_start_matches("go")
                .trim_start_matches('v')
                .to_owned(),
            "rpm" | "deb" => version.trim_start_matches("0:").to_owned(),
            _ => version.to_owned(),
        }
    };
    plain(wanted) == plain(here)
}

/// Every qualifier that is named must be known and the same here; whether any was.
fn qualifiers(
    wanted: &Purl,
    here: &Purl,
    source: bool,
    image: Option<&ScannedImage>,
) -> Result<bool, Miss> {
    /// They say where a package came from, not which it is.
    const ORIGIN: [&str; 8] = [
        "epoch",
        "upstream",
        "package-id",
        "checksum",
        "checksums",
        "vcs_url",
        "download_url",
        "file_path",
    ];
    let mut any = false;
    let os = image.and_then(|image| image.os.as_ref());
    for (key, value) in &wanted.qualifiers {
        if ORIGIN.contains(&&**key) || (source && key == "arch") {
            continue;
        }
        let known = here.qualifier(key).map(str::to_owned);
        let (same, known) = match &**key {
            "distro" => {
                let known = known.or_else(|| os.map(|os| format!("{}-{}", os.id, os.version)));
                let same = known
                    .as_deref()
                    .is_some_and(|known| same_distro(value, known));
                (same, known)
            }
            "arch" => {
                let platform = image.and_then(|image| image.identity.platform.as_deref());
                let of_image = platform.and_then(|p| Some(p.split_once('/')?.1.to_owned()));
                let known = known.or(of_image);
                let same = known
                    .as_deref()
                    .is_some_and(|known| known == value || matches!(known, "all" | "noarch"));
                (same, known)
            }
            _ => (known.as_deref() == Some(value), known),
        };
        if !same {
            let known = known.unwrap_or_default();
            return Err(near(format!(
                "it names {key}={value}, here it is {}",
                shown(&known)
            )));
        }
        any = true;
    }
    Ok(any)
}

/// `debian-12` is `debian-12.5`, and Alpine's `3.19` is `alpine-3.19.1`.
fn same_distro(wanted: &str, here: &str) -> bool {
    let parts = |text: &str| match text.rsplit_once('-') {
        Some((id, version)) => (distribution(id), version.to_owned()),
        None => (String::new(), text.to_owned()),
    };
    let ((wanted_id, wanted), (here_id, here)) = (parts(wanted), parts(here));
    (wanted_id.is_empty() || here_id.is_empty() || wanted_id == here_id)
        && release_covers(&wanted, &here)
}
