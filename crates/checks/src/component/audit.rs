//! What an audit policy writes down (`apiserver/pkg/audit/policy/checker.go`): the first rule that matches a request
//! decides its level. Comes in: a Policy document. Goes out: the level of a request. Never: a request that names no user.

use serde_json::Value;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    None,
    Metadata,
    Request,
    RequestResponse,
}

impl Level {
    fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "None" => Level::None,
            "Metadata" => Level::Metadata,
            "Request" => Level::Request,
            "RequestResponse" => Level::RequestResponse,
            _ => return None,
        })
    }
}

/// A request as the policy sees it.
#[derive(Clone, Copy, Debug)]
pub struct Request<'r> {
    pub user: &'r str,
    pub groups: &'r [&'r str],
    pub verb: &'r str,
    pub group: &'r str,
    /// `pods`, `pods/exec`.
    pub resource: &'r str,
    pub namespace: &'r str,
}

/// Somebody with nothing but a name.
pub const ANYBODY: &str = "somebody";
pub const ANY_GROUPS: &[&str] = &["system:authenticated"];

impl<'r> Request<'r> {
    pub const fn anybody(verb: &'r str, group: &'r str, resource: &'r str) -> Self {
        Request {
            user: ANYBODY,
            groups: ANY_GROUPS,
            verb,
            group,
            resource,
            namespace: "a-namespace",
        }
    }
}

/// The level and the rule (from 0) that says so; without a rule nothing is written.
pub fn level(policy: &Value, request: &Request<'_>) -> (Level, Option<usize>) {
    let rules = policy.get("rules").and_then(Value::as_array);
    for (index, rule) in rules.into_iter().flatten().enumerate() {
        if matches(rule, request) {
            let level = rule.get("level").and_then(Value::as_str);
            return (
                level.and_then(Level::parse).unwrap_or(Level::None),
                Some(index),
            );
        }
    }
    (Level::None, None)
}

pub(super) fn texts<'v>(rule: &'v Value, key: &str) -> Vec<&'v str> {
    let list = rule.get(key).and_then(Value::as_array);
    list.into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect()
}

fn matches(rule: &Value, request: &Request<'_>) -> bool {
    let users = texts(rule, "users");
    let groups = texts(rule, "userGroups");
    let verbs = texts(rule, "verbs");
    if !users.is_empty() && !users.contains(&request.user)
        || !groups.is_empty() && !groups.iter().any(|group| request.groups.contains(group))
        || !verbs.is_empty() && !verbs.contains(&request.verb)
    {
        return false;
    }
    let namespaces = texts(rule, "namespaces");
    let resources = rule.get("resources").and_then(Value::as_array);
    let resources = resources.map_or(&[][..], Vec::as_slice);
    if namespaces.is_empty() && resources.is_empty() {
        // A rule of URLs alone says nothing of resources.
        return texts(rule, "nonResourceURLs").is_empty();
    }
    (namespaces.is_empty() || namespaces.contains(&request.namespace))
        && (resources.is_empty() || resources.iter().any(|one| of_resource(one, request)))
}

fn of_resource(rule: &Value, request: &Request<'_>) -> bool {
    if rule
        .get("group")
        .and_then(Value::as_str)
        .unwrap_or_default()
        != request.group
    {
        return false;
    }
    let resources = texts(rule, "resources");
    if resources.is_empty() {
        return true;
    }
    // Of names nothing is asked: a rule for some names does not cover all.
    if !texts(rule, "resourceNames").is_empty() {
        return false;
    }
    let (resource, sub) = request
        .resource
        .split_once('/')
        .unwrap_or((request.resource, ""));
    resources.iter().any(|known| {
        *known == request.resource
            || *known == "*"
            || !sub.is_empty() && known.strip_prefix("*/") == Some(sub)
            || known.strip_suffix("/*") == Some(resource)
    })
}

/// Stages that are not written for a rule: those of the policy, and its own.
pub fn omits(policy: &Value, stage: &str) -> bool {
    texts(policy, "omitStages").contains(&stage)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(rules: &str, verb: &str, resource: &str, expected: Level) {
        let policy: Value = serde_json::from_str(&format!("{{\"rules\":{rules}}}")).unwrap();
        let request = Request::anybody(verb, "", resource);
        assert_eq!(
            level(&policy, &request).0,
            expected,
            "{verb} {resource} of {rules}"
        );
    }

    #[test]
    fn the_first_rule_decides() {
        check("[]", "get", "pods", Level::None);
        check(
            r#"[{"level":"Metadata"},{"level":"None"}]"#,
            "get",
            "pods",
            Level::Metadata,
        );
        check(
            r#"[{"level":"None","users":["x"]},{"level":"Metadata"}]"#,
            "get",
            "pods",
            Level::Metadata,
        );
        check(
            r#"[{"level":"None","userGroups":["system:authenticated"]},{"level":"Metadata"}]"#,
            "get",
            "pods",
            Level::None,
        );
        check(
            r#"[{"level":"None","verbs":["get"]},{"level":"Request"}]"#,
            "create",
            "pods",
            Level::Request,
        );
        check(
            r#"[{"level":"None","nonResourceURLs":["/*"]},{"level":"Request"}]"#,
            "get",
            "pods",
            Level::Request,
        );
    }

    #[test]
    fn resources() {
        let rules = |list: &str| {
            format!(r#"[{{"level":"Request","resources":[{{"group":"","resources":{list}}}]}}]"#)
        };
        check(&rules(r#"["pods"]"#), "get", "pods/exec", Level::None);
        check(&rules(r#"["pods/*"]"#), "get", "pods/exec", Level::Request);
        // Not what its words say, but what the server does (policy/checker.go, `resource/*`).
        check(&rules(r#"["pods/*"]"#), "get", "pods", Level::Request);
        check(&rules(r#"["*"]"#), "get", "pods/exec", Level::Request);
        check(&rules(r#"["*/exec"]"#), "get", "pods/exec", Level::Request);
        check(
            r#"[{"level":"Request","resources":[{"group":"apps"}]}]"#,
            "get",
            "pods",
            Level::None,
        );
        check(
            r#"[{"level":"Request","resources":[{"group":""}]}]"#,
            "get",
            "pods/exec",
            Level::Request,
        );
        check(
            r#"[{"level":"None","namespaces":["kube-system"]},{"level":"Request"}]"#,
            "get",
            "pods",
            Level::Request,
        );
    }
}
