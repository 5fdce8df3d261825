//! The least role that covers what logs show. Comes in: uses that are granted, and the rules that grant them. Goes out:
//! roles. Never: a right that the subject does not have, a use that is not covered.

use super::usage::{Own, Use, Uses};
use model::rights::{LeastRole, Named, RuleText};
use model::text::Text;
use semantics::authorizer::uncovered;
use semantics::rbac::Rule;
use std::collections::{BTreeMap, BTreeSet};

/// A right that was used in more namespaces, and is held in the whole cluster, is asked for there.
const MANY_NAMESPACES: usize = 10;
/// More objects than that are no fixed set.
const FEW_NAMES: usize = 10;
const FEW_URLS: usize = 20;

/// Resources whose objects get their names from controllers or chance: a role that names them is stale tomorrow.
const PASSING: [&str; 13] = [
    "bindings",
    "certificatesigningrequests",
    "controllerrevisions",
    "endpoints",
    "endpointslices",
    "events",
    "jobs",
    "nodes",
    "persistentvolumes",
    "pods",
    "replicasets",
    "volumeattachments",
    "workflows",
];

/// What was used of one verb on one resource in one scope.
type Parts = BTreeMap<(Text, Text, Text), Option<BTreeSet<Text>>>;

pub(super) fn roles(subject: &Named, own: &Own, uses: &Uses) -> Vec<LeastRole> {
    let mut scopes: BTreeMap<Option<Text>, Parts> = BTreeMap::new();
    let wide = wide(own, uses);
    let mut urls: BTreeMap<Text, BTreeSet<Text>> = BTreeMap::new();
    for (one, names) in uses {
        match one {
            Use::Url { verb, path } => {
                let paths = urls.entry(Text::clone(verb)).or_default();
                paths.insert(Text::clone(path));
            }
            Use::Resource {
                namespace,
                group,
                resource,
                verb,
            } => {
                let key = (Text::clone(group), Text::clone(resource), Text::clone(verb));
                let scope = namespace.clone().filter(|_| !wide.contains(&key));
                let parts = scopes.entry(scope).or_default();
                let known = parts.entry(key).or_insert_with(|| Some(BTreeSet::new()));
                match (known.as_mut(), names) {
                    (Some(known), Some(names)) => known.extend(names.iter().cloned()),
                    _ => *known = None,
                }
            }
        }
    }
    let mut rules: BTreeMap<Option<Text>, Vec<Rule>> = BTreeMap::new();
    for (scope, parts) in &scopes {
        let rules = rules.entry(scope.clone()).or_default();
        rules.extend(rules_of(parts, own, scope.as_ref()));
    }
    if !urls.is_empty() {
        let whole = rules.entry(None).or_default();
        whole.extend(url_rules(&urls, own));
    }
    subsume(&mut rules);
    let name = role_name(subject);
    rules
        .into_iter()
        .filter(|(_, rules)| !rules.is_empty())
        .map(|(namespace, rules)| LeastRole {
            namespace,
            name: Text::clone(&name),
            subject: subject.clone(),
            rules: rules
                .into_iter()
                .map(|rule| RuleText::from(&rule))
                .collect(),
        })
        .collect()
}

/// Used in many namespaces, and held in all.
fn wide(own: &Own, uses: &Uses) -> BTreeSet<(Text, Text, Text)> {
    let mut spread: BTreeMap<(Text, Text, Text), usize> = BTreeMap::new();
    for one in uses.keys() {
        if let Use::Resource {
            namespace: Some(_),
            group,
            resource,
            verb,
        } = one
        {
            let key = (Text::clone(group), Text::clone(resource), Text::clone(verb));
            *spread.entry(key).or_default() += 1;
        }
    }
    let cluster: Vec<Rule> = own.rules(None).cloned().collect();
    spread
        .into_iter()
        .filter(|(_, count)| *count > MANY_NAMESPACES)
        .map(|(key, _)| key)
        .filter(|key| uncovered(&cluster, &[part(key, &[])]).is_empty())
        .collect()
}

fn part((group, resource, verb): &(Text, Text, Text), names: &[Text]) -> Rule {
    Rule {
        verbs: vec![Text::clone(verb)],
        groups: vec![Text::clone(group)],
        resources: vec![Text::clone(resource)],
        names: names.to_vec(),
        urls: Vec::new(),
    }
}

fn rules_of(parts: &Parts, own: &Own, scope: Option<&Text>) -> Vec<Rule> {
    let own: Vec<Rule> = own.rules(scope).cloned().collect();
    // (group, names) -> resource -> verbs
    let mut merged: BTreeMap<(Text, Vec<Text>), BTreeMap<Text, BTreeSet<Text>>> = BTreeMap::new();
    for (key, used) in parts {
        let names = if uncovered(&own, &[part(key, &[])]).is_empty() {
            sensible(key, used.as_ref(), parts)
        } else {
            // The subject has it on some names only.
            held_names(key, used.as_ref(), &own)
        };
        let (group, resource, verb) = key;
        let resources = merged.entry((Text::clone(group), names)).or_default();
        let verbs = resources.entry(Text::clone(resource)).or_default();
        verbs.insert(Text::clone(verb));
    }
    let mut rules = Vec::new();
    for ((group, names), resources) in merged {
        let mut by_verbs: BTreeMap<BTreeSet<Text>, Vec<Text>> = BTreeMap::new();
        for (resource, verbs) in resources {
            by_verbs.entry(verbs).or_default().push(resource);
        }
        rules.extend(by_verbs.into_iter().map(|(verbs, resources)| Rule {
            verbs: in_order(verbs),
            groups: vec![Text::clone(&group)],
            resources,
            names: names.clone(),
            urls: Vec::new(),
        }));
    }
    rules
}

/// Names where they are a fixed set of objects, and where the subject does not see them all anyway.
fn sensible(key: &(Text, Text, Text), used: Option<&BTreeSet<Text>>, parts: &Parts) -> Vec<Text> {
    let (group, resource, verb) = key;
    let base = resource.split('/').next().unwrap_or(resource);
    let fixed = used.filter(|names| {
        !PASSING.contains(&base)
            && names.len() <= FEW_NAMES
            && names
                .iter()
                .all(|name| !name.is_empty() && !is_generated(name))
    });
    let listed = ["list", "watch"].iter().any(|listing| {
        let listing = (
            Text::clone(group),
            Text::clone(resource),
            Text::from(*listing),
        );
        let all = parts.get(&listing);
        all.is_some_and(|names| names.as_ref().is_none_or(|names| names.contains("")))
    });
    match fixed {
        Some(names) if !(&**verb == "get" && listed) => names.iter().cloned().collect(),
        _ => Vec::new(),
    }
}

/// Names as `generateName` ends them: five letters and digits without vowels (`k8s.io/apimachinery` `rand.String`).
fn is_generated(name: &str) -> bool {
    let Some((_, end)) = name.rsplit_once('-') else {
        return false;
    };
    end.len() == 5
        && end
            .bytes()
            .all(|b| b"bcdfghjklmnpqrstvwxz2456789".contains(&b))
}

fn held_names(key: &(Text, Text, Text), used: Option<&BTreeSet<Text>>, own: &[Rule]) -> Vec<Text> {
    if let Some(names) = used {
        return names.iter().cloned().collect();
    }
    let held = own.iter().flat_map(|rule| rule.names.iter());
    let mut names: Vec<Text> = held
        .filter(|name| uncovered(own, &[part(key, &[Text::clone(name)])]).is_empty())
        .cloned()
        .collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// Paths as they were asked for; of many, the patterns that the subject has.
fn url_rules(urls: &BTreeMap<Text, BTreeSet<Text>>, own: &Own) -> Vec<Rule> {
    let mut by_paths: BTreeMap<Vec<Text>, BTreeSet<Text>> = BTreeMap::new();
    for (verb, paths) in urls {
        let of = |paths: Vec<Text>| Rule {
            verbs: vec![Text::clone(verb)],
            urls: paths,
            ..Rule::default()
        };
        let mut paths: Vec<Text> = paths.iter().cloned().collect();
        if paths.len() > FEW_URLS {
            let patterns = own.rules(None).flat_map(|rule| {
                let holds = rule
                    .verbs
                    .iter()
                    .any(|known| &**known == "*" || known == verb);
                rule.urls.iter().filter(move |_| holds)
            });
            let mut used: Vec<Text> = patterns
                .filter(|pattern| {
                    let rule = of(vec![Text::clone(pattern)]);
                    let mut asked = paths.iter();
                    asked.any(|path| semantics::rbac::rule_allows_url(&rule, verb, path))
                })
                .cloned()
                .collect();
            used.sort_unstable();
            used.dedup();
            paths = used;
        }
        by_paths.entry(paths).or_default().insert(Text::clone(verb));
    }
    by_paths
        .into_iter()
        .map(|(urls, verbs)| Rule {
            verbs: in_order(verbs),
            urls,
            ..Rule::default()
        })
        .collect()
}

/// What the cluster's role gives stands in no namespace's.
fn subsume(rules: &mut BTreeMap<Option<Text>, Vec<Rule>>) {
    let whole = rules.get(&None).cloned().unwrap_or_default();
    for (scope, rules) in rules.iter_mut() {
        if scope.is_some() {
            rules.retain(|rule| !uncovered(&whole, std::slice::from_ref(rule)).is_empty());
        }
    }
}

/// Reading before writing, as people write them.
fn in_order(verbs: BTreeSet<Text>) -> Vec<Text> {
    const ORDER: [&str; 8] = [
        "get",
        "list",
        "watch",
        "create",
        "update",
        "patch",
        "delete",
        "deletecollection",
    ];
    let mut verbs: Vec<Text> = verbs.into_iter().collect();
    let place = |verb: &Text| ORDER.iter().position(|known| *known == &**verb);
    verbs.sort_by_key(|verb| place(verb).unwrap_or(ORDER.len()));
    verbs
}

/// `least-web`, from letters that a name may have.
fn role_name(subject: &Named) -> Text {
    let safe = |c: char| match c {
        'a'..='z' | '0'..='9' | '-' | '.' => c,
        'A'..='Z' => c.to_ascii_lowercase(),
        _ => '-',
    };
    let owner = match &subject.namespace {
        Some(namespace) => format!("{namespace}-{}", subject.name),
        None => subject.name.to_string(),
    };
    let name: String = owner.chars().take(200).map(safe).collect();
    format!("least-{name}").into()
}
