//! Subjects: how they are asked for, who is meant by a name, which groups come with it.
//! Comes in: a name. Goes out: a subject, and the user as the authorizer knows him. Never: a subject that nothing knows.

use super::{Rights, RightsError, account, named};
use model::rights::Named;
use model::text::Text;
use semantics::authorizer::{ANONYMOUS, AUTHENTICATED, MASTERS, UNAUTHENTICATED, User, account_of};
use std::collections::BTreeSet;

const ACCOUNTS: &str = "system:serviceaccounts";
/// Names that are offered where one is not known.
const MOST_ALIKE: usize = 3;

/// `ServiceAccount/NAMESPACE/NAME`, `User/NAME`, `Group/NAME`, `system:serviceaccount:NAMESPACE:NAME`.
pub(super) fn parse(asked: &str) -> Result<Named, RightsError> {
    let wrong = || RightsError::Subject(asked.to_owned());
    if let Some((namespace, name)) = account_of(asked) {
        return Ok(account(namespace, name));
    }
    let (kind, rest) = asked.split_once('/').ok_or_else(wrong)?;
    if rest.is_empty() {
        return Err(wrong());
    }
    let of = |kind| Named {
        kind,
        namespace: None,
        name: rest.into(),
    };
    match kind.to_ascii_lowercase().as_str() {
        "serviceaccount" | "serviceaccounts" | "sa" => {
            let (namespace, name) = rest.split_once('/').ok_or_else(wrong)?;
            if namespace.is_empty() || name.is_empty() || name.contains('/') {
                return Err(wrong());
            }
            Ok(account(namespace, name))
        }
        "user" | "users" => Ok(match account_of(rest) {
            Some((namespace, name)) => account(namespace, name),
            None => of("User"),
        }),
        "group" | "groups" => Ok(of("Group")),
        _ => Err(wrong()),
    }
}

/// The user as the authorizer knows him, with the groups that he is in for certain and those that were learned.
pub(super) fn user(subject: &Named, learned: &BTreeSet<Text>) -> User {
    let mut user = match (&subject.namespace, subject.kind) {
        (Some(namespace), _) => User::service_account(namespace, &subject.name),
        (None, "Group") => User {
            name: "".into(),
            groups: implied(&subject.name),
        },
        (None, _) => User::named(&subject.name),
    };
    for group in learned {
        if !user.groups.contains(group) {
            user.groups.push(Text::clone(group));
        }
    }
    user.groups.sort_unstable();
    user
}

/// The group, and those that its members are in as well.
fn implied(group: &str) -> Vec<Text> {
    let mut groups: Vec<Text> = vec![group.into()];
    if group.starts_with("system:serviceaccounts:") {
        groups.push(ACCOUNTS.into());
    }
    if group != UNAUTHENTICATED && group != AUTHENTICATED {
        groups.push(AUTHENTICATED.into());
    }
    groups
}

impl Rights {
    /// Who is meant by a name that Kubernetes gives a meaning.
    pub(super) fn meaning(&self, subject: &Named) -> Option<Text> {
        let name = &*subject.name;
        let known = match (subject.kind, name) {
            ("Group", AUTHENTICATED) => "everyone who can log in, every service account too",
            ("Group", UNAUTHENTICATED) | ("User", ANONYMOUS) => {
                "anyone who reaches the API server, without a login"
            }
            ("Group", MASTERS) => "may do everything; RBAC is not asked",
            ("Group", "system:nodes") => "the kubelets of all nodes",
            ("Group", "system:bootstrappers") => "machines that join as nodes",
            ("Group", "system:monitoring") => "monitoring of the API server",
            ("Group", ACCOUNTS) => {
                let count = self.accounts.len();
                return Some(format!("every service account ({count} are known)").into());
            }
            ("Group", _) => {
                let namespace = name.strip_prefix("system:serviceaccounts:")?;
                let count = self
                    .accounts
                    .keys()
                    .filter(|(n, _)| &**n == namespace)
                    .count();
                let text =
                    format!("every service account of namespace {namespace} ({count} are known)");
                return Some(text.into());
            }
            ("User", _) => {
                let node = name.strip_prefix("system:node:")?;
                return Some(format!("the kubelet of node {node}").into());
            }
            ("ServiceAccount", "default") => "every pod of its namespace that names no other",
            _ => return None,
        };
        Some(known.into())
    }

    /// How many the name stands for: smaller is more.
    pub(super) fn breadth(subject: &Named) -> u8 {
        match (subject.kind, &*subject.name) {
            ("Group", UNAUTHENTICATED) | ("User", ANONYMOUS) => 0,
            ("Group", AUTHENTICATED) => 1,
            ("Group", ACCOUNTS) => 2,
            ("Group", name) if name.starts_with("system:serviceaccounts:") => 3,
            ("Group", _) => 4,
            ("User", _) => 5,
            _ => 6,
        }
    }

    /// Whether anything seen knows the subject.
    pub(super) fn knows(&self, subject: &Named) -> bool {
        let own = match (&subject.namespace, subject.kind) {
            (Some(namespace), _) => self
                .accounts
                .contains_key(&(Text::clone(namespace), Text::clone(&subject.name))),
            (None, "Group") => {
                let name = &*subject.name;
                [AUTHENTICATED, UNAUTHENTICATED, ACCOUNTS, MASTERS].contains(&name)
                    || name
                        .strip_prefix("system:serviceaccounts:")
                        .is_some_and(|namespace| {
                            self.accounts.keys().any(|(n, _)| &**n == namespace)
                        })
            }
            (None, _) => &*subject.name == ANONYMOUS,
        };
        own || self.subjects().any(|known| known == *subject)
    }

    fn subjects(&self) -> impl Iterator<Item = Named> {
        let bindings = self.authorizer.bindings.iter();
        bindings.flat_map(|binding| binding.subjects.iter().map(named))
    }

    pub(super) fn unknown(&self, subject: &Named) -> RightsError {
        let mut alike: BTreeSet<Named> = self.subjects().collect();
        alike.extend(self.accounts.keys().map(|(namespace, name)| Named {
            kind: "ServiceAccount",
            namespace: Some(Text::clone(namespace)),
            name: Text::clone(name),
        }));
        let close = |known: &Named| {
            let (a, b) = (known.name.to_lowercase(), subject.name.to_lowercase());
            a == b || a.contains(&b) || (a.len() > 3 && b.contains(&a))
        };
        let alike: Vec<String> = alike
            .iter()
            .filter(|known| close(known))
            .take(MOST_ALIKE)
            .map(path)
            .collect();
        RightsError::NoSuchSubject {
            subject: path(subject),
            why: match (subject.kind, self.complete) {
                ("ServiceAccount", true) => {
                    "there is no such service account, and no binding names it"
                }
                (_, true) => "no binding names it",
                _ => "no binding that was seen names it, and not all were seen",
            },
            like: if alike.is_empty() {
                String::new()
            } else {
                format!("; {}?", alike.join(", "))
            },
        }
    }
}

/// `ServiceAccount/shop/web`.
fn path(subject: &Named) -> String {
    match &subject.namespace {
        Some(namespace) => format!("{}/{namespace}/{}", subject.kind, subject.name),
        None => format!("{}/{}", subject.kind, subject.name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(asked: &str, expected: Option<&str>) {
        assert_eq!(
            parse(asked).ok().as_ref().map(path).as_deref(),
            expected,
            "{asked}"
        );
    }

    #[test]
    fn subjects_as_people_write_them() {
        check("ServiceAccount/shop/web", Some("ServiceAccount/shop/web"));
        check("sa/shop/web", Some("ServiceAccount/shop/web"));
        check(
            "system:serviceaccount:shop:web",
            Some("ServiceAccount/shop/web"),
        );
        check(
            "User/system:serviceaccount:shop:web",
            Some("ServiceAccount/shop/web"),
        );
        check("User/alice", Some("User/alice"));
        check(
            "User/https://idp.example#alice",
            Some("User/https://idp.example#alice"),
        );
        check(
            "group/system:authenticated",
            Some("Group/system:authenticated"),
        );
        for wrong in [
            "alice",
            "User/",
            "ServiceAccount/web",
            "ServiceAccount//web",
            "ServiceAccount/a/b/c",
            "Pod/a",
            "",
        ] {
            check(wrong, None);
        }
    }
}
