//! Roles and bindings as candidates.
//! Comes in: the candidate, what stands in its place. Goes out: what its subjects gain. Never: a subject with some of
//! its bindings only.

use super::{Delta, RBAC, Standing, Whole, contains};
use model::evidence::Ledger;
use model::graph::Granted;
use model::object::ObjectRef;
use model::snapshot::Object;
use model::text::Text;
use paths::Part;
use rustc_hash::FxHashMap;
use semantics::authorizer::{
    AUTHENTICATED, Authorizer, Binding, Subject, UNAUTHENTICATED, User, uncovered,
};
use semantics::rbac::{Rule, rule_allows_some};
use semantics::view::Inventory;
use std::collections::BTreeSet;

/// A change that is about more bindings is looked at whole.
const MOST: usize = 2_000;

impl Standing<'_> {
    pub(super) fn grants(
        &self,
        candidate: &Object,
        before: Option<&Object>,
        ledger: &mut Ledger,
    ) -> Result<Delta, Whole> {
        let standing = &self.cluster.inventory.authorizer;
        if standing.bindings.is_empty() || self.aggregates(candidate, before) {
            return Err(Whole(
                "there were no bindings, or rules of other roles change with it",
            ));
        }
        let object = candidate.reference();
        let alone = Authorizer::of(&self.slice(vec![candidate.clone()]), ledger);
        let role = object.kind.ends_with("Role");
        let about: Vec<&Binding> = if role {
            let bound = self.known.by_role.get(&object).into_iter().flatten();
            bound
                .filter_map(|n| standing.bindings.get(*n as usize))
                .collect()
        } else {
            let old = self.known.bindings.get(&object);
            let old = old.and_then(|n| standing.bindings.get(*n as usize));
            old.into_iter().chain(&alone.bindings).collect()
        };
        if about.len() > MOST {
            return Err(Whole("it has many bindings"));
        }
        let subjects: BTreeSet<Subject> = about
            .iter()
            .flat_map(|binding| &binding.subjects)
            .map(account)
            .collect();
        let part = self.part_of(candidate, &alone, &subjects, ledger)?;
        self.reads_logs(&about, &part, &subjects)?;
        let mut replaced: Vec<ObjectRef> = Vec::new();
        if before.is_some() {
            let admin = |subject: &Subject| self.graph.is_admin(subject);
            if subjects.iter().any(admin) {
                return Err(Whole("a subject held everything"));
            }
            replaced.push(object.clone());
        }
        let mut delta = Delta {
            routes: self.graph.added(Part::Grants(&part), &replaced, ledger),
            ..Delta::default()
        };
        for binding in &part.bindings {
            if binding.object == object || (role && binding.role == object) {
                gains(standing, &part, binding, &mut delta.beside.grants);
            }
        }
        Ok(delta)
    }

    /// All bindings of the subjects with their roles, the candidate in its place.
    fn part_of(
        &self,
        candidate: &Object,
        alone: &Authorizer,
        subjects: &BTreeSet<Subject>,
        ledger: &mut Ledger,
    ) -> Result<Authorizer, Whole> {
        let inventory = &self.cluster.inventory;
        let mut bindings: BTreeSet<u32> = BTreeSet::new();
        for subject in subjects {
            bindings.extend(self.bindings_of(subject)?);
        }
        if bindings.len() > MOST {
            return Err(Whole("its subjects have many bindings"));
        }
        let mut objects: Vec<Object> = Vec::new();
        let mut roles: BTreeSet<ObjectRef> = BTreeSet::new();
        let standing = bindings
            .iter()
            .filter_map(|n| inventory.authorizer.bindings.get(*n as usize));
        let all: Vec<&Binding> = standing.chain(&alone.bindings).collect();
        for binding in &all {
            objects.extend(self.find(&binding.object).cloned());
            roles.insert(binding.role.clone());
        }
        self.bound_roles(&all, alone, &mut roles)?;
        objects.extend(roles.iter().filter_map(|role| self.find(role)).cloned());
        objects.push(candidate.clone());
        Ok(Authorizer::of(&self.slice(objects), ledger))
    }

    /// Roles that may be bound or rewritten bring those that they name.
    fn bound_roles(
        &self,
        bindings: &[&Binding],
        own: &Authorizer,
        roles: &mut BTreeSet<ObjectRef>,
    ) -> Result<(), Whole> {
        let authorizer = &self.cluster.inventory.authorizer;
        let rules = |role: &ObjectRef| {
            let known = self.known.roles.get(role);
            let known = known.and_then(|n| authorizer.rules.get(*n as usize));
            let new = own.roles.iter().position(|own| own == role);
            known
                .into_iter()
                .chain(new.and_then(|n| own.rules.get(n)))
                .flatten()
        };
        let mut places: BTreeSet<Option<&Text>> = BTreeSet::new();
        for binding in bindings {
            if rules(&binding.role).any(|rule| binds(rule) && rule.names.is_empty()) {
                places.insert(binding.namespace.as_ref());
            }
        }
        if places.contains(&None) {
            return Err(Whole(
                "a role lets its holder bind all roles of the cluster",
            ));
        }
        for role in &authorizer.roles {
            if role.namespace.is_some() && places.contains(&role.namespace.as_ref()) {
                roles.insert(role.clone());
            }
        }
        let mut open: Vec<ObjectRef> = roles.iter().cloned().collect();
        while let Some(role) = open.pop() {
            for rule in rules(&role).filter(|rule| binds(rule)) {
                let inner = !bindings.iter().any(|binding| binding.role == role);
                if inner && rule.names.is_empty() {
                    return Err(Whole(
                        "a role that may be bound lets its holder bind others",
                    ));
                }
                let named = rule
                    .names
                    .iter()
                    .filter_map(|name| self.known.role_names.get(name));
                for found in named
                    .flatten()
                    .filter_map(|n| authorizer.roles.get(*n as usize))
                {
                    if roles.insert(found.clone()) {
                        open.push(found.clone());
                    }
                }
            }
            if roles.len() > MOST {
                return Err(Whole("roles that may be bound name many others"));
            }
        }
        Ok(())
    }

    fn find(&self, object: &ObjectRef) -> Option<&Object> {
        let namespace = object.namespace.as_deref();
        self.snapshot
            .find(&object.group, &object.kind, namespace, &object.name)
    }

    /// All bindings of a subject, in each form that they name it by, and of its groups; what has members that are known
    /// is more than one subject.
    pub(super) fn bindings_of(&self, subject: &Subject) -> Result<BTreeSet<u32>, Whole> {
        match subject {
            Subject::Group(name)
                if [AUTHENTICATED, UNAUTHENTICATED].contains(&&**name)
                    || name.starts_with("system:serviceaccounts") =>
            {
                return Err(Whole("a group of service accounts or users gains or loses"));
            }
            Subject::ServiceAccount { namespace, name }
                if !self.known.has_account(namespace, name) =>
            {
                return Err(Whole("an account that was not seen"));
            }
            _ => {}
        }
        let User { name, groups } = User::of(subject);
        let own = [subject.clone(), Subject::User(name)].into_iter();
        let all = own.chain(groups.into_iter().map(Subject::Group));
        let of = all.filter_map(|subject| self.known.by_subject.get(&subject));
        Ok(of.flatten().copied().collect())
    }

    /// The right to read logs is a part of an escape of pods that write them.
    fn reads_logs(
        &self,
        about: &[&Binding],
        after: &Authorizer,
        subjects: &BTreeSet<Subject>,
    ) -> Result<(), Whole> {
        let holds = |subject: &Subject| match subject {
            Subject::ServiceAccount { namespace, name } => {
                self.known.log_readers.contains(&(&**namespace, &**name))
            }
            _ => false,
        };
        if !subjects.iter().any(holds) {
            return Ok(());
        }
        let before = &self.cluster.inventory.authorizer;
        let reads = |authorizer: &Authorizer, binding: &Binding| {
            let of = authorizer
                .roles
                .iter()
                .position(|role| *role == binding.role);
            let rules = of.and_then(|n| authorizer.rules.get(n));
            let asked = ["pods/log", "nodes/log", "nodes/proxy"];
            rules.into_iter().flatten().any(|rule| {
                let mut asked = asked.iter();
                asked.any(|resource| rule_allows_some(rule, "get", "", resource))
            })
        };
        if about
            .iter()
            .any(|binding| reads(before, binding) || reads(after, binding))
        {
            return Err(Whole(
                "pods of an account hold logs of nodes, which it may read",
            ));
        }
        Ok(())
    }

    /// Whether rules of other roles change with it.
    fn aggregates(&self, candidate: &Object, before: Option<&Object>) -> bool {
        if &*candidate.gvk.kind != "ClusterRole" {
            return false;
        }
        let says = |object: &Object| contains(&object.json, "\"aggregationRule\"");
        let own = says(candidate);
        let was = before.is_some_and(says);
        let labelled = |object: &Object| {
            object
                .labels
                .iter()
                .any(|(key, _)| self.known.aggregated.contains(key))
        };
        own || was || labelled(candidate) || before.is_some_and(labelled)
    }
}

/// A user name that stands for a service account is that account.
fn account(subject: &Subject) -> Subject {
    let known = subject
        .account()
        .map(|(namespace, name)| Subject::ServiceAccount {
            namespace: namespace.into(),
            name: name.into(),
        });
    known.unwrap_or_else(|| subject.clone())
}

/// Whether a rule lets its holder bind or rewrite roles: what those hold counts too.
fn binds(rule: &Rule) -> bool {
    let all = |texts: &[Text]| texts.iter().any(|text| &**text == "*");
    let everything = all(&rule.verbs) && all(&rule.resources) && all(&rule.groups);
    let group = rule
        .groups
        .iter()
        .any(|group| matches!(&**group, RBAC | "*"));
    let verb = rule
        .verbs
        .iter()
        .any(|verb| matches!(&**verb, "bind" | "escalate" | "*"));
    group && verb && !everything
}

/// Rules of a binding that its subjects did not hold in that place before.
fn gains(before: &Authorizer, after: &Authorizer, binding: &Binding, found: &mut Vec<Granted>) {
    let rules = binding.rules.and_then(|n| after.rules.get(n as usize));
    let Some(rules) = rules else { return };
    for subject in &binding.subjects {
        let user = User::of(subject);
        let own: Vec<Rule> = before
            .rules_for(&user, binding.namespace.as_ref())
            .map(|grant| grant.rule.clone())
            .collect();
        let new = |rule: &&Rule| !uncovered(&own, std::slice::from_ref(rule)).is_empty();
        found.extend(rules.iter().filter(new).map(|rule| Granted {
            subject: subject.to_string().into(),
            binding: binding.object.clone(),
            rule: rule.into(),
        }));
    }
}

/// What all subjects gained, by bindings that are new or whose role or subjects differ.
pub(super) fn gained(before: &Inventory, after: &Inventory) -> Vec<Granted> {
    let (before, after) = (&before.authorizer, &after.authorizer);
    let rules = |authorizer: &Authorizer, binding: &Binding| {
        let rules = binding.rules.and_then(|n| authorizer.rules.get(n as usize));
        rules.cloned().unwrap_or_default()
    };
    let known: FxHashMap<&ObjectRef, &Binding> =
        before.bindings.iter().map(|b| (&b.object, b)).collect();
    let same = |binding: &&Binding| {
        known.get(&binding.object).is_some_and(|old| {
            old.subjects == binding.subjects && rules(before, old) == rules(after, binding)
        })
    };
    let mut found = Vec::new();
    for binding in after.bindings.iter().filter(|binding| !same(binding)) {
        gains(before, after, binding, &mut found);
    }
    found
}
