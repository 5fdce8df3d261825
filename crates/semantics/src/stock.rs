//! What a cluster is made of before anybody puts something into it, known by identity and content (rule 17).
//! Comes in: a Snapshot and its inventory. Goes out: whether roles and bindings stand as Kubernetes ships them and what
//! differs, and the objects that are the provider's own. Never: by a namespace or a label alone.
//!
//! `stock/roles.txt` holds what `bootstrappolicy` gives in 1.20 and 1.36, taken from API servers of these versions,
//! `stock/kubeadm.txt` what kubeadm adds; a line is `verbs|groups|resources|names|urls`, `core` the group "". Other
//! versions have rules between the two: a rule that is not in the table is no difference there if it opens nothing that
//! the role does not open already.

mod objects;

use crate::authorizer::uncovered;
use crate::bootstrap;
use crate::holdings::{BindingView, RoleView, every};
use crate::json::{Json, Node, Places, escape};
use crate::rbac::{GROUP, Rule};
use crate::view::Inventory;
use model::object::ObjectRef;
use model::snapshot::{Object, Snapshot};
use model::text::Text;
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// How a role or binding stands to what Kubernetes ships.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Standing {
    /// Somebody's.
    #[default]
    Other,
    /// As it is shipped, or with less.
    Own,
    /// It has the name of a shipped one, or claims to be one, and is not.
    Changed(Vec<Difference>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    pub what: Part,
    /// JSON pointer into the object.
    pub pointer: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// A rule that is not shipped.
    Rule(u32),
    /// A subject that is not.
    Subject(u32),
    /// Another role is bound.
    Role,
    /// Another `aggregationRule`, or one where none is shipped.
    Aggregation,
    /// A label that adds the rules to another role.
    AddsTo,
    /// The API server no longer puts back what is changed.
    AutoUpdate,
    /// The label of shipped objects on something that is not shipped.
    Claim,
}

const AUTO_UPDATE: &str = "rbac.authorization.kubernetes.io/autoupdate";
const BOOTSTRAPPING: &str = "kubernetes.io/bootstrapping";
const AGGREGATE_TO: &str = "rbac.authorization.k8s.io/aggregate-to-";

/// Versions whose rules the table holds whole.
const WHOLE: [u16; 2] = [20, 36];

/// Everybody holds these: whatever is added is given to everybody.
const PUBLIC: [&str; 5] = [
    "system:basic-user",
    "system:discovery",
    "system:openshift:public-info-viewer",
    "system:public-info-viewer",
    "system:service-account-issuer-discovery",
];

/// ClusterRoles that are added up of others, and which: `edit` holds what `aggregate-to-view` gives, too.
const AGGREGATED: [(&str, &[&str]); 3] = [
    ("admin", &["view", "edit", "admin"]),
    ("edit", &["view", "edit"]),
    ("view", &["view"]),
];

/// Labels that shipped roles add themselves to others by.
const ADDS: [(&str, &str); 5] = [
    ("edit", "admin"),
    ("system:aggregate-to-admin", "admin"),
    ("system:aggregate-to-edit", "edit"),
    ("system:aggregate-to-view", "view"),
    ("view", "edit"),
];

/// Rules by kind and, with the namespace, name: `ClusterRole view`, `Role kube-system/kube-proxy`.
type Table = BTreeMap<&'static str, Vec<Rule>>;

static SHIPPED: LazyLock<Table> = LazyLock::new(|| table(include_str!("stock/roles.txt")));
static KUBEADM: LazyLock<Table> = LazyLock::new(|| table(include_str!("stock/kubeadm.txt")));

fn table(text: &'static str) -> Table {
    let mut all = Table::new();
    let mut role = "";
    for line in text.lines() {
        if line.starts_with("ClusterRole ") || line.starts_with("Role ") {
            role = line;
            all.insert(role, Vec::new());
        } else if let Some(rules) = all.get_mut(role) {
            rules.push(rule(line));
        }
    }
    all
}

fn rule(line: &str) -> Rule {
    let mut parts = line.split('|').map(|part| -> Vec<Text> {
        let words = part.split(',').filter(|word| !word.is_empty());
        words
            .map(|word| Text::from(if word == "core" { "" } else { word }))
            .collect()
    });
    let mut next = || parts.next().unwrap_or_default();
    Rule {
        verbs: next(),
        groups: next(),
        resources: next(),
        names: next(),
        urls: next(),
    }
}

/// Fills in how roles and bindings stand, and what is the provider's.
pub(crate) fn mark(snapshot: &Snapshot, inventory: &mut Inventory) {
    let mut roles = std::mem::take(&mut inventory.roles);
    let mut bindings = std::mem::take(&mut inventory.bindings);
    let standings: Vec<Standing> = roles
        .iter()
        .map(|role| standing_of_role(snapshot, role, &roles))
        .collect();
    for (role, standing) in roles.iter_mut().zip(standings) {
        role.standing = standing;
    }
    for binding in &mut bindings {
        binding.standing = standing_of_binding(snapshot, inventory, binding);
    }
    inventory.roles = roles;
    inventory.bindings = bindings;
    inventory.provided = objects::provided(snapshot, inventory);
}

fn shipped(object: &ObjectRef) -> Option<(&'static [Rule], bool)> {
    let name = match &object.namespace {
        Some(namespace) => format!("{} {namespace}/{}", object.kind, object.name),
        None => format!("{} {}", object.kind, object.name),
    };
    let known = SHIPPED.get(&*name).map(|rules| (&**rules, true));
    known.or_else(|| KUBEADM.get(&*name).map(|rules| (&**rules, false)))
}

/// Rules of a ClusterRole that is added up of others.
fn added_up(name: &str) -> Option<Vec<Rule>> {
    let (_, levels) = AGGREGATED.iter().find(|(known, _)| *known == name)?;
    let rules = levels.iter().filter_map(|level| {
        let name = format!("ClusterRole system:aggregate-to-{level}");
        SHIPPED.get(&*name)
    });
    Some(rules.flatten().cloned().collect())
}

/// What the metadata of an object says.
struct Claims {
    bootstrapped: bool,
    frozen: bool,
    /// `matchLabels` of the one selector, or `None` where there is no aggregation; an empty key where it is another.
    aggregation: Option<Text>,
}

fn claims(object: &Object) -> Claims {
    let label = object.label(BOOTSTRAPPING).map(|label| &**label);
    let mut claims = Claims {
        bootstrapped: label == Some("rbac-defaults"),
        frozen: false,
        aggregation: None,
    };
    let Ok(tree) = Json::parse(&object.json) else {
        return claims;
    };
    let places = Places::default();
    let root = Node::new(&tree, &places);
    claims.frozen = root.at(&["metadata", "annotations"]).text(AUTO_UPDATE) == Some("false");
    let aggregation = root.get("aggregationRule");
    if !aggregation.is_absent() {
        let mut selectors = aggregation.list("clusterRoleSelectors");
        let (first, second) = (selectors.next(), selectors.next());
        let only = first.filter(|_| second.is_none());
        let key = only.and_then(|selector| {
            let mut labels = selector.get("matchLabels").entries();
            let one = labels.next().filter(|(_, value)| value.is_word("true"));
            let plain = labels.next().is_none() && selector.get("matchExpressions").is_absent();
            one.filter(|_| plain)
                .and_then(|(key, _)| key.strip_prefix(AGGREGATE_TO))
        });
        claims.aggregation = Some(key.unwrap_or("").into());
    }
    claims
}

fn standing_of_role(snapshot: &Snapshot, role: &RoleView, roles: &[RoleView]) -> Standing {
    let Some(object) = snapshot.objects.get(role.at as usize) else {
        return Standing::Other;
    };
    let name = &*role.object.name;
    let global = role.object.namespace.is_none();
    let aggregate = AGGREGATED
        .iter()
        .find(|(known, _)| global && *known == name);
    let claims = claims(object);
    let computed;
    let (rules, labelled) = if aggregate.is_some() {
        computed = added_up(name).unwrap_or_default();
        (&*computed, true)
    } else if let Some(known) = shipped(&role.object) {
        known
    } else if let Some(dangers) = global.then(|| bootstrap::controller(name)).flatten() {
        // Of a version between those of the table.
        let beyond = |index: &usize| {
            role.rules.get(*index).is_some_and(|view| {
                !bootstrap::within_rule(&view.rule, false, snapshot.version.minor, dangers)
            })
        };
        let all = 0..role.rules.len();
        return judged(claims.bootstrapped, of_rules(all.filter(beyond)));
    } else if claims.bootstrapped {
        let pointer = format!("/metadata/labels/{}", escape(BOOTSTRAPPING));
        return Standing::Changed(vec![Difference {
            what: Part::Claim,
            pointer,
        }]);
    } else {
        return Standing::Other;
    };
    let mut differences = of_rules(beyond(snapshot, role, roles, rules, aggregate.is_some()));
    let expected = aggregate.map(|(name, _)| *name);
    if claims.aggregation.as_deref() != expected && claims.aggregation.is_some() {
        differences.push(Difference {
            what: Part::Aggregation,
            pointer: "/aggregationRule".into(),
        });
    }
    for level in &role.adds_to {
        if !(global && ADDS.contains(&(name, level))) {
            let key = format!("{AGGREGATE_TO}{level}");
            differences.push(Difference {
                what: Part::AddsTo,
                pointer: format!("/metadata/labels/{}", escape(&key)),
            });
        }
    }
    differences.extend(frozen(&claims));
    judged(claims.bootstrapped || !labelled, differences)
}

fn judged(claims_to_be: bool, differences: Vec<Difference>) -> Standing {
    match (differences.is_empty(), claims_to_be) {
        (false, _) => Standing::Changed(differences),
        (true, true) => Standing::Own,
        // The name of a shipped one with no more than its rights, made anew by somebody.
        (true, false) => Standing::Other,
    }
}

fn of_rules(indices: impl IntoIterator<Item = usize>) -> Vec<Difference> {
    let all = indices.into_iter().map(|index| Difference {
        what: Part::Rule(u32::try_from(index).unwrap_or(u32::MAX)),
        pointer: format!("/rules/{index}"),
    });
    all.collect()
}

fn frozen(claims: &Claims) -> Option<Difference> {
    claims.frozen.then(|| Difference {
        what: Part::AutoUpdate,
        pointer: format!("/metadata/annotations/{}", escape(AUTO_UPDATE)),
    })
}

/// Indices of rules that are not among `rules`. What other roles add to an aggregated one is told of them.
fn beyond(
    snapshot: &Snapshot,
    role: &RoleView,
    roles: &[RoleView],
    rules: &[Rule],
    aggregated: bool,
) -> Vec<usize> {
    let minor = snapshot.version.minor;
    let mut added: Option<Vec<Rule>> = None;
    let mut all = Vec::new();
    for (index, view) in role.rules.iter().enumerate() {
        let mut left = uncovered(rules, std::slice::from_ref(&view.rule));
        if aggregated && !left.is_empty() {
            let added = added.get_or_insert_with(|| added_by_others(roles, &role.object.name));
            left = uncovered(added, &left);
        }
        let whole = PUBLIC.contains(&&*role.object.name) || WHOLE.contains(&minor);
        if !left.is_empty() && (whole || opens_more(rules, &left, minor)) {
            all.push(index);
        }
    }
    all
}

fn opens_more(rules: &[Rule], left: &[Rule], minor: u16) -> bool {
    let known: Vec<&str> = rules
        .iter()
        .flat_map(|rule| every(rule, false, minor))
        .map(|danger| danger.id)
        .collect();
    left.iter()
        .flat_map(|rule| every(rule, false, minor))
        .any(|danger| !known.contains(&danger.id))
}

/// Rules of roles that are not shipped, and add themselves to `admin`, `edit` or `view` by label.
fn added_by_others(roles: &[RoleView], name: &str) -> Vec<Rule> {
    let levels = AGGREGATED.iter().find(|(known, _)| *known == name);
    let levels = levels.map_or(&[][..], |(_, levels)| *levels);
    let others = roles.iter().filter(|role| {
        shipped(&role.object).is_none()
            && role.adds_to.iter().any(|level| levels.contains(&&**level))
    });
    others
        .flat_map(|role| role.rules.iter().map(|view| view.rule.clone()))
        .collect()
}

fn standing_of_binding(snapshot: &Snapshot, inventory: &Inventory, view: &BindingView) -> Standing {
    let binding = inventory.authorizer.bindings.get(view.binding as usize);
    let (Some(binding), Some(object)) = (binding, snapshot.objects.get(view.at as usize)) else {
        return Standing::Other;
    };
    let claims = claims(object);
    let Some(known) = bootstrap::known_binding(&binding.object) else {
        // A network plugin's: its account and its rights were compared.
        if inventory
            .stock_bindings
            .binary_search(&binding.object)
            .is_ok()
        {
            return Standing::Own;
        }
        if claims.bootstrapped {
            let pointer = format!("/metadata/labels/{}", escape(BOOTSTRAPPING));
            return Standing::Changed(vec![Difference {
                what: Part::Claim,
                pointer,
            }]);
        }
        return Standing::Other;
    };
    let mut differences = Vec::new();
    if *binding.role.kind != *known.role_kind || *binding.role.name != *known.role {
        differences.push(Difference {
            what: Part::Role,
            pointer: "/roleRef".into(),
        });
    }
    for (index, subject) in (0u32..).zip(&view.subjects) {
        let given = subject.subject.as_ref().is_none_or(|s| known.gives(s));
        if !given {
            differences.push(Difference {
                what: Part::Subject(index),
                pointer: format!("/subjects/{index}"),
            });
        }
    }
    differences.extend(frozen(&claims));
    judged(claims.bootstrapped || !known.labelled, differences)
}

/// Whether the cluster's own role of that name and kind may be given to everybody: it tells what clients need to know.
pub fn is_public(role: &ObjectRef) -> bool {
    let cluster = &*role.group == GROUP && role.namespace.is_none();
    cluster && PUBLIC.contains(&&*role.name)
        || role.namespace.as_deref() == Some("kube-public")
            && &*role.name == "kubeadm:bootstrap-signer-clusterinfo"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_can_be_read() {
        assert!(SHIPPED.len() > 70 && KUBEADM.len() == 6);
        for (role, rules) in SHIPPED.iter().chain(KUBEADM.iter()) {
            assert!(!rules.is_empty(), "{role}");
            for rule in rules {
                assert!(!rule.verbs.is_empty(), "{role}");
                assert!(rule.resources.is_empty() != rule.urls.is_empty(), "{role}");
                assert_eq!(rule.resources.is_empty(), rule.groups.is_empty(), "{role}");
            }
        }
        assert_eq!(
            rule("get|core|secrets|a,b"),
            Rule {
                verbs: vec!["get".into()],
                groups: vec!["".into()],
                resources: vec!["secrets".into()],
                names: vec!["a".into(), "b".into()],
                urls: vec![],
            }
        );
        assert!(added_up("admin").unwrap().len() > added_up("view").unwrap().len());
    }
}
