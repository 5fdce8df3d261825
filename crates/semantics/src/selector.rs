//! Label selectors as the API server matches them (apimachinery `pkg/labels`, `metav1.LabelSelector`).
//! Comes in: a selector, labels. Goes out: whether they match. Never: a guess where the selector is malformed.

use crate::json::Node;
use crate::lens::Lens;
use crate::view::{Labels, Operator, Requirement, Selector};

impl Selector {
    /// The selector that selects everything.
    pub fn everything() -> Self {
        Selector::default()
    }

    /// Whether all requirements hold; `NotIn` and `DoesNotExist` hold for absent keys, the empty selector for all.
    /// Of a malformed selector only the understood part is matched: look at [`Selector::malformed`] first.
    pub fn matches(&self, labels: &Labels) -> bool {
        self.equals
            .iter()
            .all(|(key, value)| labels.get(key) == Some(value))
            && self.expressions.iter().all(|r| r.matches(labels))
    }

    /// Whether it selects everything.
    pub fn is_everything(&self) -> bool {
        self.equals.is_empty() && self.expressions.is_empty() && !self.malformed
    }
}

impl Requirement {
    pub fn matches(&self, labels: &Labels) -> bool {
        let value = labels.get(&self.key);
        match self.operator {
            Operator::In => value.is_some_and(|value| self.values.contains(value)),
            Operator::NotIn => value.is_none_or(|value| !self.values.contains(value)),
            Operator::Exists => value.is_some(),
            Operator::DoesNotExist => value.is_none(),
        }
    }
}

/// Reads a `metav1.LabelSelector`; `strip` removes a source prefix of keys (Cilium's `k8s:`).
pub(crate) fn selector(lens: &mut Lens, node: Node<'_>, strip: impl Fn(&str) -> &str) -> Selector {
    let mut selector = Selector::default();
    if !node.is_absent() && !node.is_map() {
        node.malformed();
        selector.malformed = true;
        return selector;
    }
    let equals = node.get("matchLabels");
    if !equals.is_absent() && !equals.is_map() {
        selector.malformed = true;
    }
    for (key, value) in equals.entries() {
        match value.as_text() {
            Some(value) => {
                let key = lens.word(strip(key));
                selector.equals.insert(key, lens.word(value));
            }
            None => selector.malformed = true,
        }
    }
    let expressions = node.get("matchExpressions");
    if !expressions.is_absent() && !expressions.is_list() {
        selector.malformed = true;
    }
    for expression in expressions.items() {
        if let Some(requirement) = requirement(lens, expression, &strip) {
            selector.expressions.push(requirement);
        } else {
            expression.malformed();
            selector.malformed = true;
        }
    }
    selector
}

/// `None` for what the API server's validation refuses.
fn requirement(
    lens: &mut Lens,
    node: Node<'_>,
    strip: impl Fn(&str) -> &str,
) -> Option<Requirement> {
    let operator = match node.text("operator")? {
        "In" => Operator::In,
        "NotIn" => Operator::NotIn,
        "Exists" => Operator::Exists,
        "DoesNotExist" => Operator::DoesNotExist,
        _ => return None,
    };
    let key = lens.word(strip(node.word("key")?));
    let values: Vec<_> = node.texts("values").map(|value| lens.word(value)).collect();
    if values.len() != node.list("values").count() {
        return None;
    }
    let wants_values = matches!(operator, Operator::In | Operator::NotIn);
    (wants_values != values.is_empty()).then_some(Requirement {
        key,
        operator,
        values,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::{Json, Places};
    use proptest::prelude::*;

    fn parse(json: &str) -> Selector {
        let places = Places::default();
        let tree = Json::parse(json.as_bytes()).unwrap();
        selector(&mut Lens::default(), Node::new(&tree, &places), |key| key)
    }

    fn labels(text: &str) -> Labels {
        text.split(',')
            .filter(|pair| !pair.is_empty())
            .map(|pair| {
                let (key, value) = pair.split_once('=').unwrap();
                (key.into(), value.into())
            })
            .collect()
    }

    /// `expected`: `None` is malformed.
    fn check(json: &str, on: &str, expected: Option<bool>) {
        let selector = parse(json);
        let got = (!selector.malformed).then(|| selector.matches(&labels(on)));
        assert_eq!(got, expected, "{json} on {on}");
    }

    #[test]
    fn selectors() {
        check("{}", "", Some(true));
        check("null", "a=b", Some(true));
        check(r#"{"matchLabels":{"a":"b"}}"#, "a=b,c=d", Some(true));
        check(r#"{"matchLabels":{"a":"b"}}"#, "a=c", Some(false));
        check(r#"{"matchLabels":{"a":"b"}}"#, "", Some(false));
        check(r#"{"matchLabels":{"a":""}}"#, "", Some(false));
        let expression = |op: &str, values: &str| {
            format!(
                r#"{{"matchExpressions":[{{"key":"a","operator":"{op}","values":[{values}]}}]}}"#
            )
        };
        check(&expression("In", r#""b","c""#), "a=c", Some(true));
        check(&expression("In", r#""b""#), "", Some(false));
        check(&expression("NotIn", r#""b""#), "a=b", Some(false));
        check(&expression("NotIn", r#""b""#), "a=c", Some(true));
        check(&expression("NotIn", r#""b""#), "x=b", Some(true));
        check(&expression("Exists", ""), "a=", Some(true));
        check(&expression("Exists", ""), "b=", Some(false));
        check(&expression("DoesNotExist", ""), "b=", Some(true));
        check(&expression("DoesNotExist", ""), "a=1", Some(false));
        check(&expression("In", ""), "a=1", None);
        check(&expression("Exists", r#""x""#), "a=1", None);
        check(&expression("Gt", r#""1""#), "a=2", None);
        check(r#"{"matchLabels":["a"]}"#, "a=b", None);
        check(r#"{"matchLabels":{"a":1}}"#, "a=1", None);
        check(r#""all""#, "a=b", None);
    }

    proptest! {
        /// `In` and `NotIn`, `Exists` and `DoesNotExist` are complements on every label set.
        #[test]
        fn negations_are_complements(present in any::<bool>(), value in "[a-c]", values in prop::collection::vec("[a-c]", 1..4)) {
            let on = if present { labels(&format!("k={value}")) } else { Labels::new() };
            let requirement = |operator, values: &[String]| Requirement { key: "k".into(), operator, values: values.iter().map(|v| v.as_str().into()).collect() };
            prop_assert_ne!(requirement(Operator::In, &values).matches(&on), requirement(Operator::NotIn, &values).matches(&on));
            prop_assert_ne!(requirement(Operator::Exists, &[]).matches(&on), requirement(Operator::DoesNotExist, &[]).matches(&on));
        }
    }
}
