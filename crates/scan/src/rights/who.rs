//! `who-can`: every subject that may, with the binding and role that let it, and rights that do the same.
//! Comes in: a question. Goes out: a `WhoCan`. Never: a name-limited right as one on all.

use super::{Rights, RightsError, named, written};
use model::object::ObjectRef;
use model::rights::{Held, Holder, Named, Question, Scope, Way, WhoCan};
use model::text::Text;
use semantics::authorizer::{Binding, MASTERS, Subject};
use semantics::gates;
use semantics::rbac::{Rule, rule_allows, rule_allows_some, rule_allows_url};
use std::collections::BTreeMap;

/// What is asked of every rule.
struct Asked<'a> {
    verb: &'a str,
    target: Target<'a>,
    scope: &'a Scope,
}

enum Target<'a> {
    Url(&'a str),
    Resource {
        group: &'a str,
        resource: &'a str,
        /// `None`: some name, and the names are told.
        name: Option<&'a str>,
        /// A request on one namespace is in it.
        namespaces: bool,
    },
}

impl Rights {
    /// `resource` is `pods`, `deploy`, `deployments.apps/scale`, or a path that begins with `/`.
    pub fn who_can(
        &self,
        verb: &str,
        resource: &str,
        name: Option<&str>,
        namespace: Option<&str>,
        all_namespaces: bool,
    ) -> Result<WhoCan, RightsError> {
        let verb = verb.to_ascii_lowercase();
        if verb.is_empty() || verb.contains(char::is_whitespace) {
            return Err(RightsError::Verb(verb));
        }
        let mut notes = self.notes.clone();
        let question = if resource.starts_with('/') {
            if name.is_some() || namespace.is_some() {
                return Err(RightsError::UrlScope);
            }
            Question {
                verb: verb.into(),
                group: "".into(),
                resource: "".into(),
                name: None,
                url: Some(resource.into()),
                scope: Scope::Cluster,
            }
        } else {
            self.question(verb, resource, name, namespace, all_namespaces, &mut notes)?
        };
        let mut ways = vec![self.way(&question, &question.verb, &question.resource, None)];
        if question.url.is_none() && question.group.is_empty() {
            for same in gates::same(&question.verb, &question.resource, self.minor) {
                ways.push(self.way(&question, same.verb, same.resource, Some(same.why)));
            }
        }
        let missing = self.missing(|binding| in_scope(binding, &question.scope));
        Ok(WhoCan {
            minor: self.minor,
            others: self.others(&missing),
            question,
            ways,
            missing,
            notes,
            gaps: self.gaps.clone(),
        })
    }

    fn question(
        &self,
        verb: String,
        resource: &str,
        name: Option<&str>,
        namespace: Option<&str>,
        all_namespaces: bool,
        notes: &mut Vec<Text>,
    ) -> Result<Question, RightsError> {
        let (base, sub) = match resource.split_once('/') {
            Some((base, sub)) => (base, Some(sub)),
            None => (resource, None),
        };
        let found = self.resources.find(base)?;
        let mut name = name.map(Text::from);
        if sub.is_none() && name.is_some() && matches!(&*verb, "create" | "deletecollection") {
            notes.push(
                format!("the authorizer sees no name at {verb}: the name is left out").into(),
            );
            name = None;
        }
        let is_namespaces = found.group.is_empty() && &*found.name == "namespaces";
        let has_none = found.namespaced == Some(false) && !is_namespaces;
        let scope = match (namespace, all_namespaces) {
            (Some(_), _) if has_none => {
                let text = format!("{} have no namespace: --namespace is left out", found.name);
                notes.push(text.into());
                Scope::Cluster
            }
            _ if has_none => Scope::Cluster,
            (Some(namespace), _) => Scope::Namespace(namespace.into()),
            (None, true) => Scope::AllNamespaces,
            // The request names the namespace that it is in.
            (None, false) if is_namespaces => match &name {
                Some(name) => Scope::Namespace(Text::clone(name)),
                None => Scope::Anywhere,
            },
            (None, false) => Scope::Anywhere,
        };
        Ok(Question {
            verb: verb.into(),
            group: found.group,
            resource: match sub {
                Some(sub) => format!("{}/{sub}", found.name).into(),
                None => found.name,
            },
            name,
            url: None,
            scope,
        })
    }

    /// Everybody who has one right in the question's scope.
    fn way(&self, question: &Question, verb: &str, resource: &str, why: Option<&str>) -> Way {
        let base = resource.split('/').next().unwrap_or(resource);
        let other = why.is_some() && resource != &*question.resource;
        // Another resource has other names, and perhaps no namespace.
        let cluster = other && self.resources.namespaced(&question.group, base) == Some(false);
        let scope = if cluster {
            &Scope::Cluster
        } else {
            &question.scope
        };
        let asked = Asked {
            verb,
            target: match &question.url {
                Some(url) => Target::Url(url),
                None => Target::Resource {
                    group: &question.group,
                    resource,
                    name: question.name.as_deref().filter(|_| !other),
                    namespaces: question.group.is_empty() && base == "namespaces",
                },
            },
            scope,
        };
        let shown = question.url.clone();
        Way {
            verb: verb.into(),
            resource: shown.unwrap_or_else(|| written(&question.group, resource).into()),
            why: why.map(Into::into),
            holders: self.holders(&asked),
        }
    }

    fn holders(&self, asked: &Asked<'_>) -> Vec<Holder> {
        let mut all: BTreeMap<Named, Vec<Held>> = BTreeMap::new();
        for binding in &self.authorizer.bindings {
            if !in_scope(binding, asked.scope) {
                continue;
            }
            let Some(held) = asked.held(binding, self.rules(binding)) else {
                continue;
            };
            // Said once for every question.
            let masters = Subject::Group(MASTERS.into());
            for subject in binding.subjects.iter().filter(|one| **one != masters) {
                all.entry(named(subject)).or_default().push(held.clone());
            }
        }
        let mut holders: Vec<Holder> = all
            .into_iter()
            .map(|(subject, mut held)| {
                held.sort_unstable();
                held.dedup();
                Holder {
                    meaning: self.meaning(&subject),
                    there: self.there(&subject),
                    stock: held.iter().all(|held| self.is_stock(&held.binding))
                        && subject_is_stock(&subject),
                    held,
                    subject,
                }
            })
            .collect();
        holders.sort_by(|a, b| {
            let key = |h: &Holder| (h.stock, Rights::breadth(&h.subject));
            (key(a), &a.subject).cmp(&(key(b), &b.subject))
        });
        holders
    }

    pub(super) fn is_stock(&self, binding: &ObjectRef) -> bool {
        self.stock.contains(binding)
    }
}

/// One of Kubernetes' own, and not everybody.
fn subject_is_stock(subject: &Named) -> bool {
    match &subject.namespace {
        Some(namespace) => &**namespace == "kube-system",
        None => subject.name.starts_with("system:") && Rights::breadth(subject) > 3,
    }
}

fn in_scope(binding: &Binding, scope: &Scope) -> bool {
    match (&binding.namespace, scope) {
        (None, _) | (Some(_), Scope::Anywhere) => true,
        (Some(own), Scope::Namespace(asked)) => own == asked,
        (Some(_), Scope::AllNamespaces | Scope::Cluster) => false,
    }
}

impl Asked<'_> {
    /// What of the rules allows it: one on all names, else all that name some.
    fn held(&self, binding: &Binding, rules: &[Rule]) -> Option<Held> {
        let mut names: Vec<Text> = Vec::new();
        let mut first: Option<&Rule> = None;
        for rule in rules.iter().filter(|rule| self.allowed_by(rule)) {
            let all = rule.names.is_empty() || !rule.urls.is_empty();
            if all {
                names.clear();
                first = Some(rule);
                break;
            }
            names.extend(rule.names.iter().cloned());
            first = first.or(Some(rule));
        }
        let rule = first?;
        names.sort_unstable();
        names.dedup();
        let mut note: Option<Text> = None;
        if let Target::Resource {
            name, namespaces, ..
        } = &self.target
        {
            if name.is_none() && !names.is_empty() && matches!(self.verb, "list" | "watch") {
                note = Some("only with the field selector metadata.name=NAME".into());
            }
            if let (true, Some(own)) = (*namespaces, &binding.namespace) {
                // `get namespaces/NAME` is a request in NAME; lists are not.
                if matches!(self.verb, "list" | "watch" | "create" | "deletecollection") {
                    return None;
                }
                note = Some(format!("only namespace {own} itself").into());
            }
        }
        Some(Held {
            namespace: binding.namespace.clone(),
            binding: binding.object.clone(),
            role: binding.role.clone(),
            names,
            wildcards: self.wildcards(rule),
            note,
            rule: rule.into(),
        })
    }

    fn allowed_by(&self, rule: &Rule) -> bool {
        match &self.target {
            Target::Url(url) => rule_allows_url(rule, self.verb, url),
            Target::Resource {
                group,
                resource,
                name: Some(name),
                ..
            } => rule_allows(rule, self.verb, group, resource, name),
            Target::Resource {
                group, resource, ..
            } => rule_allows_some(rule, self.verb, group, resource),
        }
    }

    fn wildcards(&self, rule: &Rule) -> Vec<Text> {
        let lacks = |list: &[Text], wanted: &str| !list.iter().any(|text| &**text == wanted);
        let mut all: Vec<Text> = Vec::new();
        if lacks(&rule.verbs, self.verb) {
            all.push("verbs".into());
        }
        match &self.target {
            Target::Url(url) if lacks(&rule.urls, url) => {
                let pattern = rule.urls.iter().find(|known| {
                    let one = Rule {
                        verbs: rule.verbs.clone(),
                        urls: vec![Text::clone(known)],
                        ..Rule::default()
                    };
                    rule_allows_url(&one, self.verb, url)
                });
                all.extend(pattern.map(|known| Text::from(format!("URL {known}"))));
            }
            Target::Url(_) => {}
            Target::Resource {
                group, resource, ..
            } => {
                if lacks(&rule.groups, group) {
                    all.push("groups".into());
                }
                if lacks(&rule.resources, resource) {
                    let whole = rule.resources.iter().any(|known| &**known == "*");
                    let sub = resource.split_once('/').map_or("", |(_, sub)| sub);
                    all.push(if whole {
                        "resources".into()
                    } else {
                        format!("resources */{sub}").into()
                    });
                }
            }
        }
        all
    }
}
