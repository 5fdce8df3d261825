//! ValidatingAdmissionPolicies and their bindings as somebody wrote them. Comes in: JSON. Goes out: policies with compiled
//! expressions. Never: a policy that half of was understood.
//! Source: admissionregistration.k8s.io/v1 (v1beta1 and v1alpha1 have the same fields).

use super::expression::{Expression, ExpressionError};
use model::text::Text;
use semantics::view::{Labels, Operator, Requirement, Selector};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeSet;

/// Expressions of one policy.
pub const MOST_EXPRESSIONS: usize = 256;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    #[error("a field is not what the API server takes")]
    Shape,
    #[error("it has more than {MOST_EXPRESSIONS} expressions")]
    Many,
    #[error("{place}: {why}")]
    Expression { place: String, why: ExpressionError },
}

/// A policy.
#[derive(Debug)]
pub struct Policy {
    pub name: Text,
    /// `failurePolicy: Fail`: what cannot be evaluated is refused.
    pub fails: bool,
    pub params: Option<ParamKind>,
    pub constraints: Match,
    pub conditions: Vec<Named>,
    /// Each may use those before it.
    pub variables: Vec<Named>,
    pub validations: Vec<Validation>,
}

#[derive(Debug)]
pub struct Named {
    pub name: String,
    pub expression: Expression,
}

#[derive(Debug)]
pub struct Validation {
    pub expression: Expression,
    pub message: Option<String>,
    pub message_expression: Option<Expression>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParamKind {
    pub group: String,
    pub kind: String,
}

#[derive(Clone, Debug)]
pub struct Binding {
    pub name: Text,
    pub policy: String,
    pub params: Option<ParamRef>,
    pub resources: Match,
    pub actions: Vec<String>,
}

#[derive(Clone, Debug)]
pub struct ParamRef {
    pub name: Option<String>,
    pub namespace: Option<String>,
    pub selector: Option<Selector>,
    /// `parameterNotFoundAction: Deny`.
    pub denies: bool,
}

/// `matchConstraints`, `matchResources`.
#[derive(Clone, Debug, Default)]
pub struct Match {
    /// `None`: everything, as in a binding that names none.
    pub rules: Option<Vec<ResourceRule>>,
    pub excluded: Vec<ResourceRule>,
    pub namespaces: Selector,
    pub objects: Selector,
    /// `matchPolicy: Exact`.
    pub exact: bool,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ResourceRule {
    pub api_groups: Vec<String>,
    pub api_versions: Vec<String>,
    pub operations: Vec<String>,
    pub resources: Vec<String>,
    pub resource_names: Vec<String>,
    pub scope: Option<String>,
}

impl Policy {
    /// Reads a ValidatingAdmissionPolicy.
    pub fn read(json: &Value) -> Result<Self, PolicyError> {
        let document: Document<PolicySpec> = read(json)?;
        let spec = document.spec;
        let count = spec.match_conditions.len() + spec.variables.len() + spec.validations.len();
        if count > MOST_EXPRESSIONS {
            return Err(PolicyError::Many);
        }
        let named = |list: Vec<NamedText>| -> Result<Vec<Named>, PolicyError> {
            let compiled = list.into_iter().map(|one| {
                Ok(Named {
                    expression: compile(&one.name, &one.expression)?,
                    name: one.name,
                })
            });
            compiled.collect()
        };
        let validations = spec
            .validations
            .into_iter()
            .enumerate()
            .map(|(index, one)| {
                let place = format!("validation {}", index + 1);
                Ok(Validation {
                    expression: compile(&place, &one.expression)?,
                    message: one.message,
                    // Where it is not understood the message stands for it, as where it fails.
                    message_expression: one
                        .message_expression
                        .and_then(|text| Expression::compile(&text).ok()),
                })
            });
        let policy = Policy {
            name: document.metadata.name.into(),
            fails: spec.failure_policy.as_deref() != Some("Ignore"),
            params: spec.param_kind.map(|kind| ParamKind {
                group: match kind.api_version.split_once('/') {
                    Some((group, _)) => group.to_owned(),
                    None => String::new(),
                },
                kind: kind.kind,
            }),
            constraints: spec
                .match_constraints
                .ok_or(PolicyError::Shape)?
                .matched()?,
            conditions: named(spec.match_conditions)?,
            variables: named(spec.variables)?,
            validations: validations.collect::<Result<_, PolicyError>>()?,
        };
        if policy.constraints.rules.is_none() {
            return Err(PolicyError::Shape);
        }
        Ok(policy)
    }

    /// Variables that the expression needs, also through others, in the order in which they are declared.
    pub fn needed(&self, expression: &Expression) -> Vec<&Named> {
        let mut names: BTreeSet<&str> = expression.reads.variables.iter().map(|n| &**n).collect();
        let all = names.contains("*");
        let mut needed = Vec::new();
        for variable in self.variables.iter().rev() {
            if all || names.contains(&*variable.name) {
                let own = variable.expression.reads.variables.iter();
                names.extend(own.map(|name| &**name));
                needed.push(variable);
            }
        }
        needed.reverse();
        needed
    }
}

impl Binding {
    /// Reads a ValidatingAdmissionPolicyBinding.
    pub fn read(json: &Value) -> Result<Self, PolicyError> {
        let document: Document<BindingSpec> = read(json)?;
        let spec = document.spec;
        let params = spec.param_ref.map(|reference| {
            let selector = reference.selector.map(LabelSelector::selector);
            Ok(ParamRef {
                name: reference.name,
                namespace: reference
                    .namespace
                    .filter(|namespace| !namespace.is_empty()),
                selector: selector.transpose()?,
                denies: reference.parameter_not_found_action.as_deref() != Some("Allow"),
            })
        });
        Ok(Binding {
            name: document.metadata.name.into(),
            policy: spec.policy_name,
            params: params.transpose()?,
            resources: spec.match_resources.unwrap_or_default().matched()?,
            actions: spec.validation_actions,
        })
    }

    /// Of a policy that was given alone: it is asked of everything.
    pub fn everywhere(policy: &Policy) -> Self {
        Binding {
            name: Text::clone(&policy.name),
            policy: policy.name.to_string(),
            params: None,
            resources: Match::default(),
            actions: vec!["Deny".to_owned()],
        }
    }
}

fn read<T: for<'d> Deserialize<'d>>(json: &Value) -> Result<T, PolicyError> {
    T::deserialize(json).map_err(|_| PolicyError::Shape)
}

fn compile(place: &str, text: &str) -> Result<Expression, PolicyError> {
    Expression::compile(text).map_err(|why| PolicyError::Expression {
        place: place.to_owned(),
        why,
    })
}

#[derive(Deserialize)]
struct Document<T> {
    metadata: Metadata,
    spec: T,
}

#[derive(Deserialize)]
struct Metadata {
    name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PolicySpec {
    failure_policy: Option<String>,
    param_kind: Option<Kind>,
    match_constraints: Option<Resources>,
    #[serde(default)]
    match_conditions: Vec<NamedText>,
    #[serde(default)]
    variables: Vec<NamedText>,
    #[serde(default)]
    validations: Vec<ValidationText>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Kind {
    api_version: String,
    kind: String,
}

#[derive(Deserialize)]
struct NamedText {
    name: String,
    expression: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ValidationText {
    expression: String,
    message: Option<String>,
    message_expression: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct BindingSpec {
    policy_name: String,
    param_ref: Option<Reference>,
    match_resources: Option<Resources>,
    #[serde(default)]
    validation_actions: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Reference {
    name: Option<String>,
    namespace: Option<String>,
    selector: Option<LabelSelector>,
    parameter_not_found_action: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Resources {
    resource_rules: Option<Vec<ResourceRule>>,
    exclude_resource_rules: Option<Vec<ResourceRule>>,
    namespace_selector: Option<LabelSelector>,
    object_selector: Option<LabelSelector>,
    match_policy: Option<String>,
}

impl Resources {
    fn matched(self) -> Result<Match, PolicyError> {
        let selector = |selector: Option<LabelSelector>| match selector {
            Some(selector) => selector.selector(),
            None => Ok(Selector::everything()),
        };
        Ok(Match {
            rules: self.resource_rules.filter(|rules| !rules.is_empty()),
            excluded: self.exclude_resource_rules.unwrap_or_default(),
            namespaces: selector(self.namespace_selector)?,
            objects: selector(self.object_selector)?,
            exact: self.match_policy.as_deref() == Some("Exact"),
        })
    }
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct LabelSelector {
    match_labels: Option<std::collections::BTreeMap<String, String>>,
    match_expressions: Option<Vec<LabelRequirement>>,
}

#[derive(Deserialize)]
struct LabelRequirement {
    key: String,
    operator: String,
    values: Option<Vec<String>>,
}

impl LabelSelector {
    fn selector(self) -> Result<Selector, PolicyError> {
        let labels = self.match_labels.unwrap_or_default().into_iter();
        let equals: Labels = labels
            .map(|(key, value)| (key.into(), value.into()))
            .collect();
        let expressions = self.match_expressions.unwrap_or_default().into_iter();
        let expressions = expressions.map(|one| {
            let values: Vec<Text> = one
                .values
                .unwrap_or_default()
                .into_iter()
                .map(Text::from)
                .collect();
            let operator = match &*one.operator {
                "In" => Operator::In,
                "NotIn" => Operator::NotIn,
                "Exists" => Operator::Exists,
                "DoesNotExist" => Operator::DoesNotExist,
                _ => return Err(PolicyError::Shape),
            };
            let wants = matches!(operator, Operator::In | Operator::NotIn);
            if wants == values.is_empty() {
                return Err(PolicyError::Shape);
            }
            Ok(Requirement {
                key: one.key.into(),
                operator,
                values,
            })
        });
        Ok(Selector {
            equals,
            expressions: expressions.collect::<Result<_, _>>()?,
            malformed: false,
        })
    }
}
