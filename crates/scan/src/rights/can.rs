//! All that one subject may do, by scope and binding, with what is dangerous and what grants nothing.
//! Comes in: a subject. Goes out: a `Can`. Never: a rule that another group than his own gives.

use super::subject::{parse, user};
use super::{Rights, RightsError, named};
use model::rights::{Can, Given, GivenRule, Named};
use model::text::Text;
use semantics::authorizer::{Binding, MASTERS, Subject, User};
use semantics::dangers::{Danger, dangers, dead, rank};
use semantics::rbac::Rule;
use std::cmp::Reverse;
use std::collections::BTreeSet;

impl Rights {
    /// `asked` is `ServiceAccount/NAMESPACE/NAME`, `User/NAME` or `Group/NAME`.
    pub fn can(&self, asked: &str, namespace: Option<&str>) -> Result<Can, RightsError> {
        let subject = parse(asked)?;
        if !self.knows(&subject) {
            return Err(self.unknown(&subject));
        }
        Ok(self.can_of(subject, namespace, &BTreeSet::new()))
    }

    /// With groups that were learned elsewhere; the subject need not be known.
    pub(super) fn can_of(
        &self,
        subject: Named,
        namespace: Option<&str>,
        learned: &BTreeSet<Text>,
    ) -> Can {
        let user = user(&subject, learned);
        let here = |binding: &Binding| match (&binding.namespace, namespace) {
            (Some(own), Some(asked)) => &**own == asked,
            _ => true,
        };
        let applies = |binding: &&Binding| here(binding) && via(binding, &user).is_some();
        let bindings = self.authorizer.bindings.iter().filter(applies);
        let mut grants: Vec<Given> = bindings
            .filter(|binding| binding.rules.is_some())
            .map(|binding| self.given(binding, &user, &subject))
            .collect();
        grants.sort_by(|a, b| {
            let key = |given: &Given| (given.namespace.clone(), worst(given), given.stock);
            (key(a), &a.binding).cmp(&(key(b), &b.binding))
        });
        let missing = self.missing(|binding| here(binding) && via(binding, &user).is_some());
        let masters = user.groups.iter().any(|group| &**group == MASTERS);
        let mut notes = self.notes.clone();
        if subject.kind == "User" && learned.is_empty() {
            notes.push("who logs in brings his groups: rights of groups that only the login knows are not told".into());
        }
        if subject.name.starts_with("system:node:") {
            notes.push("the node authorizer gives kubelets more than roles do".into());
        }
        Can {
            meaning: self.meaning(&subject),
            there: self.there(&subject),
            groups: user.groups,
            masters,
            namespace: namespace.map(Into::into),
            minor: self.minor,
            grants,
            others: self.others(&missing),
            missing,
            usage: None,
            notes,
            gaps: self.gaps.clone(),
            subject,
        }
    }

    fn given(&self, binding: &Binding, user: &User, subject: &Named) -> Given {
        let namespaced = binding.namespace.is_some();
        let mut rules: Vec<GivenRule> = Vec::new();
        for rule in self.rules(binding) {
            let given = self.given_rule(rule, namespaced);
            if !rules.contains(&given) {
                rules.push(given);
            }
        }
        rules.sort_by_key(|rule| (worst_of(rule), Reverse(rule.dangers.len())));
        let via = via(binding, user).and_then(|through| {
            let through = named(through);
            (through != *subject).then_some(through.name)
        });
        Given {
            namespace: binding.namespace.clone(),
            binding: binding.object.clone(),
            role: binding.role.clone(),
            via,
            stock: self.is_stock(&binding.object),
            rules,
        }
    }

    fn given_rule(&self, rule: &Rule, namespaced: bool) -> GivenRule {
        let dangers = dangers(rule, namespaced, self.minor);
        let dead = dead(rule, namespaced, &self.resources);
        GivenRule {
            rule: rule.into(),
            dangers: dangers
                .iter()
                .map(|danger| (danger.id.into(), danger.does.into()))
                .collect(),
            dead: dead
                .into_iter()
                .map(|dead| (dead.part.into(), dead.why.into()))
                .collect(),
            used: None,
        }
    }
}

/// The subject of the binding that means the user; his own name before a group's.
pub(super) fn via<'a>(binding: &'a Binding, user: &User) -> Option<&'a Subject> {
    let group = |subject: &&Subject| matches!(subject, Subject::Group(_));
    let applying = || binding.subjects.iter().filter(|subject| subject.is(user));
    applying()
        .find(|subject| !group(subject))
        .or_else(|| applying().next())
}

fn worst(given: &Given) -> usize {
    let ranks = given.rules.iter().map(worst_of);
    ranks.min().unwrap_or(usize::MAX)
}

fn worst_of(rule: &GivenRule) -> usize {
    let Some((id, does)) = rule.dangers.first() else {
        return usize::MAX;
    };
    rank_of(id, does)
}

fn rank_of(id: &str, does: &str) -> usize {
    semantics::dangers::all()
        .find(|danger: &Danger| danger.id == id && danger.does == does)
        .map_or(usize::MAX, |danger| rank(&danger))
}
