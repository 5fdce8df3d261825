//! `plimsoll.yaml`: what people know and no API says. Read by the caller, handed in as [`Declarations`].
//! Comes in: a document. Goes out: which declaration speaks of which workload. Never: I/O, a default that lowers anything.
//!
//! ```yaml
//! workloads:                       # the first entry that matches and sets a value decides that value
//!   - match: { namespaces: ["shop-*"], kinds: [Deployment], names: [web], labels: { tier: front } }
//!     environment: production      # production, staging, shared
//!     criticality: crown           # low, normal, high, crown
//!     owner: team-shop
//! network:
//!   enforced: true                 # a CNI enforces NetworkPolicy here; decides over what was seen
//!   internal:                      # reachable from inside the organisation only
//!     - { kinds: [Service, Ingress, Gateway], namespaces: [intra], names: ["*"], classes: ["nginx-internal"] }
//! publicNodes: false               # whether the nodes have addresses that the internet reaches
//! ownImages: [ghcr.io/shop, acme]  # what the team builds itself, by registry and repository; all else is others' work
//! podSecurity:
//!   default: baseline              # AdmissionConfiguration's default enforce level
//! acceptedGaps:                    # what is not seen, and who answers for that until when; it stays said
//!   - { class: image-not-scanned, scope: "image docker.io/calico/*", owner: team-net, reason: no source, expires: 2026-12-31 }
//! ```

use crate::view::Labels;
use jiff::civil::Date;
use model::text::Text;
use model::workload::{CriticalityLevel, Environment};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use std::collections::BTreeMap;

/// The whole file. Unknown keys are refused: a typing error must not lose a declaration.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "camelCase")]
pub struct Declarations {
    pub workloads: Vec<Declaration>,
    pub network: Network,
    pub pod_security: PodSecurity,
    /// Whether the nodes have addresses that the internet reaches; `None`: their addresses decide what can be decided.
    #[serde(alias = "public_nodes")]
    pub public_nodes: Option<bool>,
    /// Repositories, or beginnings of them up to a `/`, that the team builds itself; without a registry: of Docker Hub.
    /// `None`: the registry decides.
    #[serde(alias = "own_images")]
    pub own_images: Option<Vec<Text>>,
    #[serde(alias = "accepted_gaps")]
    pub accepted_gaps: Vec<AcceptedGap>,
    /// Entries of files that came with what is scanned, see [`Declarations::raise`]; they are not part of the file.
    #[serde(skip)]
    pub raising: Vec<Raising>,
    /// Lines of CODEOWNERS, see [`code_owners`]; they are not part of the file.
    #[serde(skip)]
    pub code_owners: Vec<CodeOwner>,
}

/// An entry of a file that is not the platform's: it may raise, whatever it says (rule 17).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Raising {
    pub file: Text,
    pub select: Select,
    pub production: bool,
    pub criticality: Option<Level>,
}

impl Declarations {
    /// Takes of the declarations in `file`, which came with what is scanned, that workloads are production or critical.
    /// Whether they say anything else, which is left out.
    pub fn raise(&mut self, file: &str, given: Declarations) -> bool {
        let mut all = true;
        for Declaration {
            select,
            environment,
            criticality,
            owner,
        } in given.workloads
        {
            let production = environment == Some(Environment::Production);
            all &= owner.is_none() && environment.is_none_or(|_| production);
            all &= criticality != Some(Level::Low);
            let criticality = criticality.filter(|level| *level > Level::Low);
            if production || criticality.is_some() {
                self.raising.push(Raising {
                    file: file.into(),
                    select,
                    production,
                    criticality,
                });
            }
        }
        let rest = Declarations {
            workloads: Vec::new(),
            ..given
        };
        !all || rest != Declarations::default()
    }
}

/// What is declared of the workloads that `match` selects.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Declaration {
    /// All conditions must hold; none selects every workload.
    #[serde(default, rename = "match")]
    pub select: Select,
    #[serde(default)]
    pub environment: Option<Environment>,
    #[serde(default)]
    pub criticality: Option<Level>,
    #[serde(default)]
    pub owner: Option<Text>,
}

/// Lists are alternatives; `*` and `?` are wildcards in every text but label keys. An empty list is no condition.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "camelCase")]
pub struct Select {
    pub namespaces: Vec<Text>,
    pub kinds: Vec<Text>,
    pub names: Vec<Text>,
    /// Labels of the workload or of its pods.
    pub labels: BTreeMap<Text, Text>,
}

/// Criticality that can be declared: low .25, normal .5, high .8, crown 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    Low,
    Normal,
    High,
    Crown,
}

impl Level {
    /// Reads a label's or annotation's word.
    pub fn parse(word: &str) -> Option<Self> {
        match word.trim().to_ascii_lowercase().as_str() {
            "low" => Some(Level::Low),
            "normal" | "medium" => Some(Level::Normal),
            "high" => Some(Level::High),
            "crown" | "critical" => Some(Level::Crown),
            _ => None,
        }
    }

    pub const fn value(self) -> f64 {
        match self {
            Level::Low => 0.25,
            Level::Normal => 0.5,
            Level::High => 0.8,
            Level::Crown => 1.0,
        }
    }

    pub const fn level(self) -> CriticalityLevel {
        match self {
            Level::Low => CriticalityLevel::Low,
            Level::Normal => CriticalityLevel::Normal,
            Level::High => CriticalityLevel::High,
            Level::Crown => CriticalityLevel::Crown,
        }
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "camelCase")]
pub struct Network {
    /// Whether NetworkPolicies are enforced; `None`: the evidence decides (rule 2).
    pub enforced: Option<bool>,
    /// Entries that look public but are not.
    pub internal: Vec<Internal>,
}

/// Services, Ingresses, Gateways and Routes that are not reachable from the internet. All conditions must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "camelCase")]
pub struct Internal {
    pub kinds: Vec<Text>,
    pub namespaces: Vec<Text>,
    pub names: Vec<Text>,
    /// `loadBalancerClass`, `ingressClassName`, `gatewayClassName`.
    pub classes: Vec<Text>,
}

impl Internal {
    /// Whether the hint speaks of this entry; a hint without any condition speaks of none.
    pub fn matches(&self, kind: &str, namespace: &str, name: &str, class: Option<&str>) -> bool {
        let says = !self.kinds.is_empty()
            || !self.namespaces.is_empty()
            || !self.names.is_empty()
            || !self.classes.is_empty();
        says && any_glob(&self.kinds, kind)
            && any_glob(&self.namespaces, namespace)
            && any_glob(&self.names, name)
            && (self.classes.is_empty()
                || class.is_some_and(|class| any_glob(&self.classes, class)))
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "camelCase")]
pub struct PodSecurity {
    /// Level that the API server enforces in namespaces without a label.
    pub default: Option<PodSecurityLevel>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PodSecurityLevel {
    Privileged,
    Baseline,
    Restricted,
}

impl PodSecurityLevel {
    pub const fn as_str(self) -> &'static str {
        match self {
            PodSecurityLevel::Privileged => "privileged",
            PodSecurityLevel::Baseline => "baseline",
            PodSecurityLevel::Restricted => "restricted",
        }
    }
}

/// Gaps that somebody answers for until a day (rule 5). Nothing has a default: who, why and until when are all said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct AcceptedGap {
    /// The class of a gap as JSON reports name it, exactly; one class a line.
    #[serde(deserialize_with = "acceptable")]
    pub class: Text,
    /// The scope of a gap as JSON reports name it; `*` and `?` are wildcards.
    #[serde(deserialize_with = "said")]
    pub scope: Text,
    #[serde(deserialize_with = "said")]
    pub owner: Text,
    #[serde(deserialize_with = "said")]
    pub reason: Text,
    /// The last day on which it counts, UTC.
    pub expires: Date,
}

/// A text with something in it.
fn said<'de, D: Deserializer<'de>>(text: D) -> Result<Text, D::Error> {
    let text = Text::deserialize(text)?;
    if text.trim().is_empty() {
        return Err(D::Error::custom(
            "an accepted gap says scope, owner and reason; this is empty",
        ));
    }
    Ok(text.trim().into())
}

/// A class that can stand for long. A collection that broke off is what happened to one run.
fn acceptable<'de, D: Deserializer<'de>>(text: D) -> Result<Text, D::Error> {
    let class = said(text)?;
    if class.contains(['*', '?']) {
        return Err(D::Error::custom(
            "a class of gaps is named exactly, without wildcards",
        ));
    }
    if &*class == "collection-incomplete" {
        return Err(D::Error::custom(
            "a collection that broke off cannot be accepted, only run again",
        ));
    }
    Ok(class)
}

impl Select {
    /// Whether the workload is meant. `labels` are those of the workload, `pod_labels` those of its pods.
    pub fn matches(
        &self,
        namespace: &str,
        kind: &str,
        name: &str,
        labels: &Labels,
        pod_labels: &Labels,
    ) -> bool {
        let has = |labels: &Labels, key: &Text, wanted: &Text| {
            labels.get(key).is_some_and(|value| glob(wanted, value))
        };
        any_glob(&self.namespaces, namespace)
            && any_glob(&self.kinds, kind)
            && any_glob(&self.names, name)
            && self
                .labels
                .iter()
                .all(|(key, wanted)| has(labels, key, wanted) || has(pod_labels, key, wanted))
    }
}

/// One line of CODEOWNERS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodeOwner {
    pub pattern: Text,
    /// Empty: the line takes ownership away.
    pub owners: Vec<Text>,
}

/// Reads CODEOWNERS as GitHub and GitLab write it; sections, comments and negations are passed over.
pub fn code_owners(text: &str) -> Vec<CodeOwner> {
    text.lines()
        .map(|line| line.split('#').next().unwrap_or("").trim())
        .filter(|line| !line.is_empty() && !line.starts_with(['[', '^', '!']))
        .filter_map(|line| {
            let mut words = line.split_whitespace();
            Some(CodeOwner {
                pattern: words.next()?.into(),
                owners: words.map(Into::into).collect(),
            })
        })
        .collect()
}

/// The owners of `path`: the last line that matches decides.
pub fn owners_of<'a>(lines: &'a [CodeOwner], path: &str) -> Option<&'a CodeOwner> {
    lines
        .iter()
        .rev()
        .find(|line| path_matches(&line.pattern, path))
        .filter(|line| !line.owners.is_empty())
}

/// gitignore's matching: a pattern without an inner `/` matches at any depth, a directory matches all below it.
fn path_matches(pattern: &str, path: &str) -> bool {
    let path = path.trim_start_matches("./").trim_start_matches('/');
    let anchored = pattern.trim_end_matches('/').contains('/');
    let directory = pattern.ends_with('/');
    let pattern = pattern.trim_matches('/');
    let wanted: Vec<&str> = pattern.split('/').collect();
    let parts: Vec<&str> = path.split('/').collect();
    let starts = if anchored { 0..1 } else { 0..parts.len() };
    starts
        .filter_map(|start| parts.get(start..))
        .any(|rest| segments_match(&wanted, rest, directory, MOST_STEPS))
}

/// `**` may try many ways; a pattern that needs more steps than this does not match.
const MOST_STEPS: u32 = 64;

fn segments_match(wanted: &[&str], parts: &[&str], directory: bool, steps: u32) -> bool {
    if steps == 0 {
        return false;
    }
    match (wanted.split_first(), parts.split_first()) {
        // What is left lies below the matched directory.
        (None, None) => !directory,
        (None, Some(_)) => true,
        (Some((&"**", rest)), _) => (0..=parts.len()).any(|skip| {
            parts
                .get(skip..)
                .is_some_and(|parts| segments_match(rest, parts, directory, steps / 2))
        }),
        (Some((first, rest)), Some((part, parts))) => {
            // `docs/*` owns the files in it, not what lies deeper.
            let last_star = *first == "*" && rest.is_empty() && !parts.is_empty();
            !last_star && glob(first, part) && segments_match(rest, parts, directory, steps - 1)
        }
        (Some(_), None) => false,
    }
}

/// Whether the list is empty or one of its patterns matches.
pub(crate) fn any_glob(patterns: &[Text], text: &str) -> bool {
    patterns.is_empty() || patterns.iter().any(|pattern| glob(pattern, text))
}

/// `*` is any text, `?` one character. Time is at most the product of both lengths.
pub fn glob(pattern: &str, text: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let text: Vec<char> = text.chars().collect();
    let (mut p, mut t) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    while let Some(&char) = text.get(t) {
        match pattern.get(p) {
            Some('*') => {
                retry = Some((p + 1, t));
                p += 1;
            }
            Some(&wanted) if wanted == '?' || wanted == char => {
                p += 1;
                t += 1;
            }
            _ => match retry {
                Some((after, from)) => {
                    p = after;
                    t = from + 1;
                    retry = Some((after, from + 1));
                }
                None => return false,
            },
        }
    }
    pattern.iter().skip(p).all(|&rest| rest == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs() {
        for (pattern, text, expected) in [
            ("", "", true),
            ("", "a", false),
            ("*", "", true),
            ("web-*", "web-1", true),
            ("web-*", "web", false),
            ("*-web", "a-web-web", true),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-c-b", false),
            ("shop", "shopping", false),
        ] {
            assert_eq!(glob(pattern, text), expected, "{pattern} on {text}");
        }
        let hostile = "a*".repeat(200) + "b";
        assert!(!glob(&hostile, &"a".repeat(2000)));
    }

    #[test]
    fn code_owner_patterns() {
        for (pattern, path, expected) in [
            ("*", "deploy/web.yaml", true),
            ("*.yaml", "deploy/web.yaml", true),
            ("/deploy/", "deploy/a/b.yaml", true),
            ("/deploy/", "x/deploy/b.yaml", false),
            ("deploy/", "x/deploy/b.yaml", true),
            ("apps/*/web.yaml", "apps/shop/web.yaml", true),
            ("apps/*/web.yaml", "apps/a/b/web.yaml", false),
            ("apps/**/web.yaml", "apps/a/b/web.yaml", true),
            ("docs/*", "docs/a.md", true),
            ("docs/*", "docs/x/a.md", false),
            ("/deploy", "./deploy/web.yaml", true),
            ("web.yaml/", "web.yaml", false),
        ] {
            assert_eq!(path_matches(pattern, path), expected, "{pattern} on {path}");
        }
        let lines =
            code_owners("# c\n* @all\n/deploy/ @shop @ops # why\n[Section]\n/deploy/none/\n");
        let owners = |path| owners_of(&lines, path).map(|line| line.owners.join(" "));
        assert_eq!(owners("x.yaml").as_deref(), Some("@all"));
        assert_eq!(owners("deploy/x.yaml").as_deref(), Some("@shop @ops"));
        assert_eq!(owners("deploy/none/x.yaml"), None);
    }

    #[test]
    fn the_file() {
        let text = "workloads:\n  - match: { namespaces: [\"shop-*\"], labels: { tier: front } }\n    environment: production\n    criticality: crown\n    owner: team-shop\nnetwork:\n  enforced: true\n  internal: [{ classes: [\"*-internal\"] }]\npodSecurity:\n  default: baseline\n";
        let file: Declarations = serde_saphyr::from_str(text).unwrap();
        assert_eq!(file.workloads[0].criticality, Some(Level::Crown));
        assert_eq!(file.workloads[0].environment, Some(Environment::Production));
        assert_eq!(file.network.enforced, Some(true));
        assert_eq!(file.pod_security.default, Some(PodSecurityLevel::Baseline));
        assert!(file.network.internal[0].matches("Ingress", "a", "b", Some("nginx-internal")));
        assert_eq!((file.public_nodes, &file.own_images), (None, &None));
        for text in [
            "publicNodes: false\nownImages: [ghcr.io/shop]",
            "public_nodes: false\nown_images: [ghcr.io/shop]",
        ] {
            let file: Declarations = serde_saphyr::from_str(text).unwrap();
            assert_eq!(file.public_nodes, Some(false));
            assert_eq!(file.own_images, Some(vec!["ghcr.io/shop".into()]));
        }
        assert!(!file.network.internal[0].matches("Ingress", "a", "b", None));
        assert!(!Internal::default().matches("Ingress", "a", "b", None));
        assert_eq!(
            serde_saphyr::from_str::<Declarations>("{}").unwrap(),
            Declarations::default()
        );
        for wrong in [
            "workload: []",
            "publicNodes: maybe",
            "ownImages: ghcr.io/shop",
            "network: { enforce: true }",
            "workloads: [{ criticality: highest }]",
            "workloads: [{ match: { name: x } }]",
        ] {
            assert!(
                serde_saphyr::from_str::<Declarations>(wrong).is_err(),
                "{wrong}"
            );
        }
    }

    #[test]
    fn a_file_that_came_with_the_manifests_only_raises() {
        for (file, entries, more) in [
            ("{}", 0, false),
            ("workloads: [{ environment: production }]", 1, false),
            ("workloads: [{ criticality: crown }]", 1, false),
            ("workloads: [{ criticality: high, owner: us }]", 1, true),
            ("workloads: [{ criticality: low }]", 0, true),
            (
                "workloads: [{ environment: staging, criticality: normal }]",
                1,
                true,
            ),
            ("network: { enforced: true }", 0, true),
            ("publicNodes: false", 0, true),
            ("ownImages: []", 0, true),
            ("podSecurity: { default: restricted }", 0, true),
            (
                "acceptedGaps: [{ class: a, scope: '*', owner: b, reason: c, expires: 2099-01-01 }]",
                0,
                true,
            ),
        ] {
            let mut platform = Declarations::default();
            let left_out = platform.raise("x", serde_saphyr::from_str(file).unwrap());
            assert_eq!(
                (platform.raising.len(), left_out),
                (entries, more),
                "{file}"
            );
            platform.raising.clear();
            assert_eq!(platform, Declarations::default(), "{file}");
        }
    }

    #[test]
    fn accepted_gaps_say_who_why_and_until_when() {
        let read = |entry: &str| {
            serde_saphyr::from_str::<Declarations>(&format!("acceptedGaps: [{{ {entry} }}]"))
        };
        let whole =
            "class: image-not-scanned, scope: 'image *', owner: a, reason: b, expires: 2026-12-31";
        let gap = &read(whole).unwrap().accepted_gaps[0];
        assert_eq!((&*gap.scope, gap.expires.day()), ("image *", 31));
        assert!(serde_saphyr::from_str::<Declarations>("accepted_gaps: []").is_ok());
        for left_out in ["class", "scope", "owner", "reason", "expires"] {
            let entry: Vec<&str> = whole
                .split(", ")
                .filter(|part| !part.starts_with(left_out))
                .collect();
            assert!(read(&entry.join(", ")).is_err(), "{left_out}");
        }
        for (said, instead) in [
            ("owner: a", "owner: ' '"),
            ("reason: b", "reason: ''"),
            ("expires: 2026-12-31", "expires: never"),
            ("expires: 2026-12-31", "expires: 2026-02-30"),
            ("class: image-not-scanned", "class: '*'"),
            ("class: image-not-scanned", "class: collection-incomplete"),
            ("owner: a", "owner: a, until: 2027-01-01"),
        ] {
            assert!(read(&whole.replace(said, instead)).is_err(), "{instead}");
        }
    }
}
