//! Manifests, indexes and configurations, read leniently. Comes in: JSON of OCI (image-spec v1.1) and of Docker
//! (schema 2, manifest lists). Goes out: what is needed to find layers, and which image of an index is meant. Never:
//! fetches, trusts a size, takes an attestation for an image.

use crate::ImageError;
use crate::catalog::secret;
use jiff::Timestamp;
use model::inventory::{HistoryLine, ImageConfig, Remark};
use model::text::Text;
use serde::Deserialize;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

/// An image manifest or an index of several, told apart by their fields as many registries and tools leave the media
/// type out.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    #[serde(default)]
    pub media_type: Option<Text>,
    #[serde(default)]
    pub artifact_type: Option<Text>,
    /// Of an image.
    #[serde(default)]
    pub config: Option<Descriptor>,
    #[serde(default)]
    pub layers: Vec<Descriptor>,
    /// Of an index.
    #[serde(default)]
    pub manifests: Vec<Descriptor>,
    #[serde(default, deserialize_with = "or_default")]
    pub annotations: BTreeMap<Text, Text>,
    /// 1: Docker's first form, which is not read.
    #[serde(default)]
    pub schema_version: Option<u32>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Descriptor {
    #[serde(default)]
    pub media_type: Option<Text>,
    pub digest: Text,
    #[serde(default)]
    pub size: Option<u64>,
    #[serde(default)]
    pub platform: Option<Platform>,
    #[serde(default, deserialize_with = "or_default")]
    pub annotations: BTreeMap<Text, Text>,
    #[serde(default)]
    pub artifact_type: Option<Text>,
}

fn or_default<'de, D, T>(value: D) -> Result<T, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(Option::<T>::deserialize(value)?.unwrap_or_default())
}

impl Manifest {
    /// # Errors
    /// Of [`ImageError`]: no JSON of a manifest, or one of Docker's schema 1.
    pub fn parse(what: &str, bytes: &[u8]) -> Result<Self, ImageError> {
        let manifest: Manifest =
            serde_json::from_slice(bytes).map_err(|source| ImageError::Json {
                what: what.into(),
                source,
            })?;
        if manifest.schema_version == Some(1) {
            let why = "it is of Docker's schema 1, which registries no longer serve";
            return Err(ImageError::no_image(what, why));
        }
        Ok(manifest)
    }

    pub fn is_index(&self) -> bool {
        self.config.is_none() && !self.manifests.is_empty()
    }

    /// An index of nothing, or of nothing but attestations.
    pub fn is_without_images(&self) -> bool {
        let kind = self.media_type.as_deref().unwrap_or("");
        let index = kind.contains(".index.") || kind.contains(".manifest.list.");
        self.config.is_none()
            && (index || !self.manifests.is_empty())
            && !self.manifests.iter().any(is_image)
    }
}

/// Operating system, architecture and variant as Go names them (`GOOS`, `GOARCH`).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub struct Platform {
    #[serde(default)]
    pub os: Text,
    #[serde(default)]
    pub architecture: Text,
    #[serde(default)]
    pub variant: Option<Text>,
}

impl Platform {
    /// Linux on the architecture that this program was built for.
    pub fn of_this_machine() -> Self {
        Platform {
            os: "linux".into(),
            architecture: std::env::consts::ARCH.into(),
            variant: None,
        }
        .normal()
    }

    /// `linux/arm64/v8`, `arm64`; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let parts: Vec<&str> = text.split('/').collect();
        let (os, architecture, variant) = match parts[..] {
            [architecture] => ("linux", architecture, None),
            [os, architecture] => (os, architecture, None),
            [os, architecture, variant] => (os, architecture, Some(variant)),
            _ => return None,
        };
        let known = |part: &str| {
            let of_names = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-');
            !part.is_empty() && part.bytes().all(of_names)
        };
        if ![os, architecture].into_iter().chain(variant).all(known) {
            return None;
        }
        let platform = Platform {
            os: os.to_ascii_lowercase().into(),
            architecture: architecture.to_ascii_lowercase().into(),
            variant: variant.map(|variant| variant.to_ascii_lowercase().into()),
        };
        Some(platform.normal())
    }

    /// Other spellings, and the variant that is meant where none is written (containerd, `platforms/database.go`).
    #[must_use]
    pub fn normal(self) -> Self {
        let (architecture, variant) = match (&*self.architecture, self.variant.as_deref()) {
            ("x86_64" | "x86-64" | "amd64", Some("v1") | None) => ("amd64", None),
            ("x86_64" | "x86-64", variant) => ("amd64", variant),
            ("aarch64" | "arm64", Some("8" | "v8") | None) => ("arm64", None),
            ("aarch64", variant) => ("arm64", variant),
            ("armhf", _) | ("arm", None | Some("7")) => ("arm", Some("v7")),
            ("armel", _) | ("arm", Some("6")) => ("arm", Some("v6")),
            ("arm", Some("5")) => ("arm", Some("v5")),
            ("i386" | "i486" | "i586" | "i686" | "x86" | "386", _) => ("386", None),
            ("powerpc64", variant) if cfg!(target_endian = "little") => ("ppc64le", variant),
            ("loongarch64", variant) => ("loong64", variant),
            (architecture, variant) => (architecture, variant),
        };
        Platform {
            architecture: architecture.into(),
            variant: variant
                .filter(|variant| !variant.is_empty())
                .map(Text::from),
            os: self.os,
        }
    }

    /// How well an image of `other` runs here: 0 is exact, `None` not at all. A machine runs lower variants of its own
    /// architecture.
    fn fits(&self, other: &Platform) -> Option<u32> {
        if self.os != other.os || self.architecture != other.architecture {
            return None;
        }
        if self.variant == other.variant {
            return Some(0);
        }
        let level = |variant: Option<&str>| match (variant, &*self.architecture) {
            (None, "arm64") => Some(8),
            (None, "amd64") => Some(1),
            (None, _) => None,
            (Some(text), _) => text.strip_prefix('v')?.parse::<u32>().ok(),
        };
        let (own, their) = (
            level(self.variant.as_deref())?,
            level(other.variant.as_deref())?,
        );
        own.checked_sub(their)
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.os, self.architecture)?;
        match &self.variant {
            Some(variant) => write!(f, "/{variant}"),
            None => Ok(()),
        }
    }
}

/// The image of an index that is meant: the best for `wanted`, else for this machine. One image alone is taken where
/// nobody asked for a platform.
pub fn choose<'m>(
    what: &str,
    index: &'m Manifest,
    wanted: Option<&Platform>,
) -> Result<&'m Descriptor, ImageError> {
    let images: Vec<&Descriptor> = index.manifests.iter().filter(|one| is_image(one)).collect();
    let own = Platform::of_this_machine();
    let platform = wanted.unwrap_or(&own);
    let best = images
        .iter()
        .filter_map(|image| {
            let there = image.platform.clone()?.normal();
            Some((platform.fits(&there)?, *image))
        })
        .min_by_key(|(distance, _)| *distance);
    match (best, &images[..]) {
        (Some((_, image)), _) => Ok(image),
        (None, [image]) if wanted.is_none() || image.platform.is_none() => Ok(image),
        (None, _) => {
            let mut there: Vec<String> = images
                .iter()
                .filter_map(|image| image.platform.clone())
                .map(|platform| platform.normal().to_string())
                .collect();
            there.sort_unstable();
            there.dedup();
            Err(ImageError::Platform {
                what: what.into(),
                wanted: platform.to_string(),
                there: there.join(", "),
            })
        }
    }
}

/// Neither an attestation of BuildKit nor another artifact.
fn is_image(descriptor: &Descriptor) -> bool {
    let unknown = |part: &Text| &**part == "unknown";
    !descriptor
        .annotations
        .contains_key("vnd.docker.reference.type")
        && descriptor.artifact_type.is_none()
        && !descriptor
            .platform
            .as_ref()
            .is_some_and(|platform| unknown(&platform.os) && unknown(&platform.architecture))
}

/// The part of an image configuration that is used (OCI image-spec, config.md). Values of variables, and what else may
/// be a secret, were classified while it was parsed, and dropped.
#[derive(Clone, Debug, Default)]
pub struct Config {
    pub created: Option<Text>,
    pub platform: Option<Platform>,
    pub rootfs: RootFs,
    pub(crate) kept: ImageConfig,
    pub(crate) secrets: Vec<Remark>,
}

/// As it is written.
#[derive(Default, Deserialize)]
struct Written {
    #[serde(default)]
    created: Option<Text>,
    #[serde(flatten)]
    platform: Option<Platform>,
    #[serde(default, rename = "config")]
    settings: Option<Settings>,
    #[serde(default)]
    rootfs: RootFs,
    #[serde(default, deserialize_with = "or_default")]
    history: Vec<History>,
}

#[derive(Clone, Debug, Default, Deserialize)]
pub struct RootFs {
    #[serde(default, deserialize_with = "or_default")]
    pub diff_ids: Vec<Text>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Settings {
    #[serde(default)]
    user: Option<Text>,
    #[serde(default)]
    entrypoint: Option<Words>,
    #[serde(default)]
    cmd: Option<Words>,
    #[serde(default, deserialize_with = "or_default")]
    exposed_ports: BTreeMap<Text, serde_json::Value>,
    #[serde(default, deserialize_with = "or_default")]
    env: Vec<Text>,
    #[serde(default, deserialize_with = "or_default")]
    labels: BTreeMap<Text, Text>,
}

/// Old builders wrote one word without a list.
#[derive(Deserialize)]
#[serde(untagged)]
enum Words {
    Many(Vec<Text>),
    One(Text),
}

#[derive(Default, Deserialize)]
struct History {
    #[serde(default)]
    created_by: Option<Text>,
    #[serde(default)]
    comment: Option<Text>,
    #[serde(default)]
    empty_layer: Option<bool>,
}

impl Config {
    /// # Errors
    /// Of [`ImageError`]: no JSON of a configuration, or one without layers (of a chart or another artifact).
    pub fn parse(what: &str, bytes: &[u8]) -> Result<Self, ImageError> {
        let config: Written = serde_json::from_slice(bytes).map_err(|source| ImageError::Json {
            what: what.into(),
            source,
        })?;
        if config.rootfs.diff_ids.is_empty() && config.history.is_empty() {
            return Err(ImageError::no_image(
                what,
                "its configuration names no layers",
            ));
        }
        let secrets = config.secrets();
        Ok(Config {
            created: config.created.clone(),
            platform: config.platform.clone(),
            rootfs: config.rootfs.clone(),
            kept: config.kept(),
            secrets,
        })
    }

    /// What the inventory keeps: no values of variables, which may be secrets.
    pub fn image_config(&self) -> ImageConfig {
        self.kept.clone()
    }

    /// Secrets of the environment, of the history and of other texts, which are not here any more.
    pub fn secrets(&self) -> &[Remark] {
        &self.secrets
    }
}

impl Written {
    /// What each text would give away, once for each check and place.
    fn secrets(&self) -> Vec<Remark> {
        let words = |words: &Option<Words>| match words {
            Some(Words::Many(many)) => many.join(" "),
            Some(Words::One(one)) => one.to_string(),
            None => String::new(),
        };
        let mut texts: Vec<(&str, String)> = Vec::new();
        if let Some(settings) = &self.settings {
            let environment = settings.env.iter();
            texts.extend(environment.map(|pair| ("environment", pair.to_string())));
            texts.push(("entrypoint", words(&settings.entrypoint)));
            texts.push(("command", words(&settings.cmd)));
            let labels = settings.labels.iter();
            texts.extend(labels.map(|(key, value)| ("labels", format!("{key}={value}"))));
        }
        texts.extend(self.history.iter().map(|line| {
            let said = [&line.created_by, &line.comment].map(|text| text.as_deref().unwrap_or(""));
            ("history", said.join("\n"))
        }));
        let mut all: Vec<(Remark, usize)> = Vec::new();
        for (place, text) in texts {
            let Some(remark) = secret::of_configuration(&text, place) else {
                continue;
            };
            // The line of a variable that the environment still has says the same.
            let known = all.iter().any(|(one, _)| {
                place == "history"
                    && one.what.strip_suffix("environment") == remark.what.strip_suffix("history")
            });
            let same = |(one, _): &&mut (Remark, usize)| {
                (&one.check, &one.place) == (&remark.check, &remark.place)
            };
            match all.iter_mut().find(same) {
                _ if known => {}
                Some((_, count)) => *count += 1,
                None => all.push((remark, 1)),
            }
        }
        let said = |(mut remark, count): (Remark, usize)| {
            if count > 1 {
                remark.what = format!("{}, and {} more", remark.what, count - 1).into();
            }
            remark
        };
        all.into_iter().map(said).collect()
    }

    fn kept(self) -> ImageConfig {
        let settings = self.settings.unwrap_or_default();
        let clean = |text: Text| Text::from(secret::redacted(&text));
        let words = |words: Option<Words>| match words {
            Some(Words::Many(many)) => redacted_words(many),
            Some(Words::One(one)) => vec![clean(one)],
            None => Vec::new(),
        };
        ImageConfig {
            created: self
                .created
                .as_ref()
                .and_then(|at| at.parse::<Timestamp>().ok()),
            user: settings.user,
            entrypoint: words(settings.entrypoint),
            command: words(settings.cmd),
            ports: settings.exposed_ports.into_keys().collect(),
            environment: settings
                .env
                .iter()
                .map(|pair| pair.split('=').next().unwrap_or(pair).into())
                .collect(),
            labels: settings
                .labels
                .into_iter()
                .map(|(key, value)| redacted_pair(key, &value))
                .collect(),
            history: self.history.iter().map(line).collect(),
        }
    }
}

/// Words of a command: a value may stand in the word after its name.
fn redacted_words(words: Vec<Text>) -> Vec<Text> {
    let joined = words.join(" ");
    if matches!(secret::redacted(&joined), Cow::Borrowed(_)) {
        return words;
    }
    let mut all: Vec<Text> = words
        .iter()
        .map(|word| secret::redacted(word).into())
        .collect();
    for (n, pair) in words.windows(2).enumerate() {
        let [name, value] = pair else { continue };
        let text = format!("{name} {value}");
        if let (Cow::Owned(_), Some(word)) = (secret::redacted(&text), all.get_mut(n + 1))
            && *word == *value
            && name.starts_with('-')
        {
            *word = "[secret]".into();
        }
    }
    all
}

fn redacted_pair(key: Text, value: &str) -> (Text, Text) {
    let text = format!("{key}={value}");
    let value = match secret::redacted(&text) {
        Cow::Borrowed(_) => value.into(),
        Cow::Owned(text) => text.split_once('=').map_or("", |(_, value)| value).into(),
    };
    (key, value)
}

fn line(history: &History) -> HistoryLine {
    let text = [&history.created_by, &history.comment]
        .into_iter()
        .flatten()
        .find(|text| !text.is_empty());
    HistoryLine {
        created_by: text.map_or_else(
            || "".into(),
            |text| secret::redacted(&without_values(text)).into(),
        ),
        empty: history.empty_layer.unwrap_or(false),
    }
}

/// A history line without the values of variables and build arguments.
fn without_values(text: &str) -> Text {
    let start = text
        .strip_prefix("/bin/sh -c #(nop) ")
        .unwrap_or(text)
        .trim_start();
    let offset = text.len() - start.len();
    let head = text.get(..offset).unwrap_or("");
    for instruction in ["ENV ", "ARG "] {
        if let Some(pairs) = start.strip_prefix(instruction) {
            return format!("{head}{instruction}{}", names(pairs)).into();
        }
    }
    // Docker: `|2 A=x B=y /bin/sh -c command`; BuildKit puts `RUN ` before it.
    let run = start.strip_prefix("RUN ").unwrap_or(start);
    if let Some(rest) = run.strip_prefix('|')
        && let Some((count, rest)) = rest.split_once(' ')
        && count.bytes().all(|digit| digit.is_ascii_digit())
    {
        let shell = rest.find(" /").filter(|_| count != "0").unwrap_or(0);
        let (pairs, command) = rest.split_at(shell);
        let before = text.len() - run.len();
        let head = text.get(..before).unwrap_or("");
        return format!("{head}|{count} {}{command}", names(pairs)).into();
    }
    text.into()
}

/// `A=x B=y` or `A x`: the names alone.
fn names(pairs: &str) -> String {
    if !pairs.contains('=') {
        return pairs.split_whitespace().next().unwrap_or("").to_owned();
    }
    let names: Vec<&str> = pairs
        .split_whitespace()
        .filter_map(|pair| pair.split_once('=').map(|(name, _)| name))
        .filter(|name| name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_'))
        .collect();
    names.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn index(platforms: &[&str]) -> Manifest {
        let manifests = platforms.iter().enumerate().map(|(at, text)| {
            let mut parts = text.split('/');
            let mut platform =
                serde_json::json!({"os": parts.next(), "architecture": parts.next()});
            if let Some(variant) = parts.next() {
                platform["variant"] = variant.into();
            }
            serde_json::json!({"digest": at.to_string(), "platform": platform})
        });
        let manifests: Vec<_> = manifests.collect();
        let json = serde_json::json!({ "schemaVersion": 2, "manifests": manifests });
        Manifest::parse("index", json.to_string().as_bytes()).unwrap()
    }

    #[test]
    fn platforms_are_chosen_by_variant() {
        let check = |platforms: &[&str], wanted: &str, expected: Option<&str>| {
            let index = index(platforms);
            let wanted = Platform::parse(wanted).unwrap();
            let chosen = choose("x", &index, Some(&wanted)).ok();
            let chosen = chosen.map(|one| platforms[one.digest.parse::<usize>().unwrap()]);
            assert_eq!(chosen, expected, "{wanted} of {platforms:?}");
        };
        let all = [
            "linux/amd64",
            "linux/arm/v5",
            "linux/arm/v7",
            "linux/arm64/v8",
            "windows/amd64",
        ];
        check(&all, "linux/amd64", Some("linux/amd64"));
        check(&all, "x86_64", Some("linux/amd64"));
        check(&all, "linux/amd64/v3", Some("linux/amd64"));
        check(&all, "linux/arm64", Some("linux/arm64/v8"));
        check(&all, "linux/arm64/v8", Some("linux/arm64/v8"));
        check(&all, "linux/arm64/v9", Some("linux/arm64/v8"));
        check(&all, "arm", Some("linux/arm/v7"));
        check(&all, "linux/arm/v6", Some("linux/arm/v5"));
        check(&all, "windows/amd64", Some("windows/amd64"));
        check(&all, "linux/s390x", None);
        check(&["linux/amd64/v3"], "linux/amd64", None);
        check(
            &["linux/amd64/v3", "linux/amd64/v2"],
            "linux/amd64/v4",
            Some("linux/amd64/v3"),
        );
        check(&["linux/arm/v7"], "linux/arm/v6", None);
        check(&["unknown/unknown"], "linux/amd64", None);
        check(&["unknown/unknown", "linux/386"], "i386", Some("linux/386"));
    }

    #[test]
    fn one_image_alone_is_taken() {
        let alone = index(&["linux/s390x", "unknown/unknown"]);
        assert!(choose("x", &alone, None).is_ok());
        assert!(choose("x", &alone, Platform::parse("linux/amd64").as_ref()).is_err());
        let bare = Manifest::parse("x", br#"{"manifests":[{"digest":"0"}]}"#).unwrap();
        assert!(choose("x", &bare, Platform::parse("linux/amd64").as_ref()).is_ok());
        let both = index(&["linux/s390x", "linux/ppc64le"]);
        let error = choose("x", &both, Platform::parse("linux/amd64").as_ref());
        assert!(
            error
                .unwrap_err()
                .to_string()
                .contains("linux/ppc64le, linux/s390x")
        );
        for text in ["", "linux/", "a/b/c/d", "linux/../x"] {
            assert_eq!(Platform::parse(text), None, "{text}");
        }
    }

    #[test]
    fn configurations_keep_no_values() {
        let json = br#"{"created":"2024-01-02T03:04:05.678Z","os":"linux","architecture":"amd64",
            "config":{"User":"1000","Entrypoint":["/app"],"Cmd":"serve","ExposedPorts":{"80/tcp":{}},
                      "Env":["PATH=/bin","TOKEN=hunter2=="],"Labels":null},
            "rootfs":{"type":"layers","diff_ids":["sha256:0"]},
            "history":[{"created_by":"/bin/sh -c #(nop) ADD file:1 in / "},
                       {"created_by":"/bin/sh -c #(nop)  ENV TOKEN=hunter2 B=c","empty_layer":true},
                       {"created_by":"ENV TOKEN hunter2","empty_layer":true},
                       {"created_by":"ARG PASS=hunter2","empty_layer":true},
                       {"created_by":"RUN |2 PASS=hunter2 with blanks B= /bin/sh -c make # buildkit"},
                       {"created_by":"|1 PASS=hunter2 /bin/sh -c make"},
                       {"comment":"imported"}]}"#;
        let config = Config::parse("config", json).unwrap();
        let kept = config.image_config();
        assert!(!format!("{kept:?}").contains("hunter2"), "{kept:?}");
        let lines: Vec<&str> = kept.history.iter().map(|line| &*line.created_by).collect();
        assert_eq!(
            lines,
            [
                "/bin/sh -c #(nop) ADD file:1 in / ",
                "/bin/sh -c #(nop)  ENV TOKEN B",
                "ENV TOKEN",
                "ARG PASS",
                "RUN |2 PASS B /bin/sh -c make # buildkit",
                "|1 PASS /bin/sh -c make",
                "imported",
            ]
        );
        assert_eq!(kept.environment, ["PATH".into(), "TOKEN".into()]);
        assert_eq!(kept.command, ["serve".into()]);
        assert_eq!(kept.ports, ["80/tcp".into()]);
        assert!(kept.created.is_some());
        assert!(Config::parse("chart", br#"{"name":"chart","version":"1"}"#).is_err());
        assert!(Manifest::parse("old", br#"{"schemaVersion":1,"fsLayers":[]}"#).is_err());
    }
}
