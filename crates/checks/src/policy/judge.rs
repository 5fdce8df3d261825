//! One policy asked of one request. Comes in: a policy, an object as it would be created, what is known of its namespace.
//! Goes out: whether it is asked, passes, is refused, or cannot be known. Never: a pass where something was not seen.
//! Sources: KEP-3488; admission plugin `validating` of k8s.io/apiserver.

use super::cost::Sizes;
use super::expression::{Expression, functions};
use super::given::{Match, Policy, ResourceRule, Validation};
use kube_cel::cel::objects::Key;
use kube_cel::cel::{Context, ExecutionError, Value as Cel};
use semantics::view::Labels;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Nodes of expressions that are evaluated for one object by one policy, times 256 bytes of the object.
const BUDGET: u64 = 16_000_000;

/// What a variable may grow to, in values and bytes of texts.
const LARGEST: u64 = 256 * 1024;

const MARK: &str = "redacted:v1:";

/// Fields of `request` that a Snapshot tells.
const KNOWN: [&str; 10] = [
    "operation",
    "kind",
    "resource",
    "subResource",
    "requestKind",
    "requestResource",
    "requestSubResource",
    "name",
    "namespace",
    "dryRun",
];

/// What would be sent to the API server.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// `CREATE`, `UPDATE`.
    pub operation: &'a str,
    pub group: &'a str,
    pub version: &'a str,
    pub kind: &'a str,
    /// Plural.
    pub resource: &'a str,
    /// `None`: the kind has none.
    pub namespace: Option<&'a str>,
    pub name: &'a str,
    pub object: &'a Value,
    pub old: Option<&'a Value>,
    pub namespace_object: NamespaceObject<'a>,
    /// The object is as a server stored it: what it lacks, it lacks. Files lack what a server fills in.
    pub stored: bool,
}

#[derive(Clone, Copy, Debug)]
pub enum NamespaceObject<'a> {
    /// The object has no namespace.
    None,
    Unseen,
    Is(&'a Value),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The policy does not match the request.
    Unasked,
    Passes,
    /// What each validation that failed says.
    Refused(Vec<String>),
    /// Why.
    Unknown(String),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Matched {
    Yes,
    No,
    Unknown(String),
}

/// Why an expression has no value.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Problem {
    /// It fails at the API server too.
    Fails(String),
    Unknown(String),
}

/// A request with what all policies share.
pub struct Asked<'a> {
    request: Request<'a>,
    context: Context<'static>,
    /// Fields whose values the Snapshot does not have.
    hidden: BTreeSet<String>,
    sizes: Sizes,
    bytes: u64,
}

impl<'a> Asked<'a> {
    pub fn new(request: Request<'a>) -> Self {
        let mut context = functions();
        let name = |group: &str, version: &str, key: &str, value: &str| json!({"group": group, "version": version, key: value});
        let kind = name(request.group, request.version, "kind", request.kind);
        let resource = name(request.group, request.version, "resource", request.resource);
        let mut told = json!({
            "operation": request.operation,
            "kind": kind,
            "requestKind": kind,
            "resource": resource,
            "requestResource": resource,
            "name": request.name,
            "dryRun": false,
        });
        if let (Some(namespace), Some(told)) = (request.namespace, told.as_object_mut()) {
            told.insert("namespace".to_owned(), namespace.into());
        }
        let object = request.object;
        let namespace = match request.namespace_object {
            NamespaceObject::Is(object) => object,
            NamespaceObject::None | NamespaceObject::Unseen => &Value::Null,
        };
        let mut measure = Measure::default();
        measure.json(object, None, false);
        measure.json(namespace, None, false);
        if let Some(old) = request.old {
            measure.json(old, None, false);
        }
        add(&mut context, "object", object);
        add(
            &mut context,
            "oldObject",
            request.old.unwrap_or(&Value::Null),
        );
        add(&mut context, "request", &told);
        add(&mut context, "namespaceObject", namespace);
        Asked {
            request,
            context,
            hidden: measure.hidden,
            sizes: measure.sizes,
            bytes: measure.bytes,
        }
    }

    /// Asks the policy with one parameter object, or none.
    pub fn judge(&self, policy: &Policy, params: Option<&Value>) -> Verdict {
        let mut run = Run::new(self, policy, params);
        let mut unasked = None;
        for condition in &policy.conditions {
            match run.truth(&condition.expression) {
                Ok(true) => {}
                Ok(false) => return Verdict::Unasked,
                Err(problem) => {
                    unasked.get_or_insert((&condition.name, problem));
                }
            }
        }
        if let Some((name, problem)) = unasked {
            let (Problem::Fails(why) | Problem::Unknown(why)) = &problem;
            let why = format!("match condition {name}: {why}");
            return match problem {
                Problem::Fails(_) if policy.fails => Verdict::Refused(vec![why]),
                Problem::Fails(_) => Verdict::Unasked,
                Problem::Unknown(_) => Verdict::Unknown(why),
            };
        }
        let mut refused = Vec::new();
        let mut unknown = None;
        for (index, validation) in policy.validations.iter().enumerate() {
            match run.truth(&validation.expression) {
                Ok(true) => {}
                Ok(false) => refused.push(run.message(validation, index)),
                Err(Problem::Fails(_)) if !policy.fails => {}
                Err(Problem::Fails(why)) => {
                    refused.push(format!("validation {}: {why}", index + 1));
                }
                Err(Problem::Unknown(why)) => {
                    unknown.get_or_insert(format!("validation {}: {why}", index + 1));
                }
            }
        }
        // What is refused is refused, whatever else is not known.
        match unknown {
            _ if !refused.is_empty() => Verdict::Refused(refused),
            Some(why) => Verdict::Unknown(why),
            None => Verdict::Passes,
        }
    }
}

/// Whether the request is one of those that are meant. `labels` are those of the namespace, where they are known.
pub fn matches(
    all: &Match,
    request: &Request<'_>,
    labels: Option<&Labels>,
    own: &Labels,
) -> Matched {
    let named = |rules: &[ResourceRule]| rules.iter().any(|rule| rule.matches(request, all.exact));
    let by_rules = all.rules.as_deref().is_none_or(named);
    if !by_rules || named(&all.excluded) || !all.objects.matches(own) {
        return Matched::No;
    }
    let is_namespace = request.group.is_empty() && request.kind == "Namespace";
    if all.namespaces.is_everything() || (request.namespace.is_none() && !is_namespace) {
        return Matched::Yes;
    }
    match if is_namespace { Some(own) } else { labels } {
        Some(labels) if all.namespaces.matches(labels) => Matched::Yes,
        Some(_) => Matched::No,
        None => Matched::Unknown("the labels of its namespace were not seen".to_owned()),
    }
}

impl ResourceRule {
    fn matches(&self, request: &Request<'_>, exact: bool) -> bool {
        let holds = |list: &[String], word: &str| list.iter().any(|one| one == "*" || one == word);
        let scope = match self.scope.as_deref() {
            Some("Cluster") => request.namespace.is_none(),
            Some("Namespaced") => request.namespace.is_some(),
            _ => true,
        };
        scope
            && holds(&self.api_groups, request.group)
            && (!exact || holds(&self.api_versions, request.version))
            && holds(&self.operations, request.operation)
            && (holds(&self.resources, request.resource)
                || self.resources.iter().any(|r| r == "*/*"))
            && (self.resource_names.is_empty()
                || self.resource_names.iter().any(|name| name == request.name))
    }
}

/// One evaluation: variables are evaluated when an expression needs them, once.
struct Run<'a> {
    asked: &'a Asked<'a>,
    policy: &'a Policy,
    context: Context<'a>,
    variables: BTreeMap<&'a str, Result<Cel, Problem>>,
    hidden: BTreeSet<String>,
    sizes: Sizes,
    weight: u64,
    left: u64,
}

impl<'a> Run<'a> {
    fn new(asked: &'a Asked<'a>, policy: &'a Policy, params: Option<&Value>) -> Self {
        let mut context = asked.context.new_inner_scope();
        let mut measure = Measure::default();
        let params = params.unwrap_or(&Value::Null);
        measure.json(params, None, false);
        add(&mut context, "params", params);
        let mut hidden = asked.hidden.clone();
        hidden.extend(measure.hidden);
        let mut sizes = asked.sizes.clone();
        sizes.join(&measure.sizes);
        Run {
            asked,
            policy,
            context,
            variables: BTreeMap::new(),
            hidden,
            sizes,
            weight: asked.bytes.saturating_add(measure.bytes) / 256 + 1,
            left: BUDGET,
        }
    }

    fn truth(&mut self, expression: &'a Expression) -> Result<bool, Problem> {
        match self.value(expression)? {
            Cel::Bool(value) => Ok(value),
            _ => Err(Problem::Unknown("it is neither true nor false".to_owned())),
        }
    }

    fn value(&mut self, expression: &'a Expression) -> Result<Cel, Problem> {
        let needed = self.policy.needed(expression);
        self.is_known(expression)?;
        for variable in &needed {
            self.is_known(&variable.expression)?;
        }
        for variable in needed {
            if !self.variables.contains_key(&*variable.name) {
                let value = self.evaluate(&variable.expression);
                let value = value.and_then(|value| {
                    let mut measure = Measure::default();
                    measure.cel(&value, Some(&*variable.name));
                    if measure.bytes > LARGEST {
                        return Err(Problem::Unknown(format!(
                            "variable {} grows too large",
                            variable.name
                        )));
                    }
                    self.sizes.join(&measure.sizes);
                    Ok(value)
                });
                self.variables.insert(&variable.name, value);
            }
        }
        self.evaluate(expression)
    }

    /// Whether the Snapshot has all that the expression reads.
    fn is_known(&self, expression: &Expression) -> Result<(), Problem> {
        let reads = &expression.reads;
        let unknown = |why: String| Err(Problem::Unknown(why));
        if reads.roots.contains("authorizer") {
            return unknown("it asks what the user may do, and no user asks here".to_owned());
        }
        if let Some(field) = reads.request.iter().find(|f| !KNOWN.contains(&&***f)) {
            return unknown(match &**field {
                "userInfo" => "it depends on the user, and no user asks here".to_owned(),
                field => format!("request.{field} is not known here"),
            });
        }
        if reads.roots.contains("namespaceObject")
            && matches!(self.asked.request.namespace_object, NamespaceObject::Unseen)
        {
            return unknown("its namespace was not seen".to_owned());
        }
        if let Some(word) = reads.words.iter().find(|word| self.hidden.contains(*word)) {
            return unknown(format!("the value of {word} is redacted"));
        }
        Ok(())
    }

    fn evaluate(&mut self, expression: &Expression) -> Result<Cel, Problem> {
        let cost = expression.cost(&self.sizes).saturating_mul(self.weight);
        self.left = self
            .left
            .checked_sub(cost)
            .ok_or_else(|| Problem::Unknown("it is too dear to be evaluated".to_owned()))?;
        let mut bound = HashMap::new();
        let all = expression.reads.variables.contains("*");
        for (name, value) in &self.variables {
            if (all || expression.reads.variables.contains(*name))
                && let Ok(value) = value
            {
                bound.insert((*name).to_owned(), value.clone());
            }
        }
        self.context.add_variable_from_value("variables", bound);
        expression.ask(&self.context).map_err(|error| {
            // A variable that failed fails where it is used.
            let inner = expression.reads.variables.iter().filter_map(|name| {
                let value = self.variables.get(&**name)?;
                value.as_ref().err()
            });
            inner
                .max_by_key(|problem| matches!(problem, Problem::Unknown(_)))
                .cloned()
                .unwrap_or_else(|| self.problem(&error))
        })
    }

    fn problem(&self, error: &ExecutionError) -> Problem {
        let why = match error {
            ExecutionError::NoSuchKey(key) => format!("there is no {key}"),
            ExecutionError::IndexOutOfBounds(_) => "a list is shorter".to_owned(),
            ExecutionError::DivisionByZero(_) | ExecutionError::RemainderByZero(_) => {
                "a division by zero".to_owned()
            }
            ExecutionError::UndeclaredReference(name) => {
                return Problem::Unknown(format!("`{name}` is not understood here"));
            }
            ExecutionError::FunctionError { function, .. } => {
                return Problem::Unknown(format!("`{function}` fails"));
            }
            _ => return Problem::Unknown("a value has another type than is asked for".to_owned()),
        };
        if self.asked.request.stored {
            Problem::Fails(why)
        } else {
            Problem::Unknown(format!("{why}, and a server may fill it in"))
        }
    }

    /// `messageExpression` where it gives one line of text, else `message`.
    fn message(&mut self, validation: &'a Validation, index: usize) -> String {
        let said = validation.message_expression.as_ref();
        if let Some(Ok(Cel::String(text))) = said.map(|expression| self.value(expression)) {
            let text = text.trim();
            if !text.is_empty() && text.len() <= 5 * 1024 && !text.contains('\n') {
                return text.to_owned();
            }
        }
        validation
            .message
            .clone()
            .unwrap_or_else(|| format!("validation {} is false", index + 1))
    }
}

fn add(context: &mut Context<'_>, name: &str, json: &Value) {
    context.add_variable_from_value(name, value(json));
}

/// As the API server has it: a field that is null is not set, whole numbers are `int`.
fn value(json: &Value) -> Cel {
    match json {
        Value::Null => Cel::Null,
        Value::Bool(value) => Cel::Bool(*value),
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(value), _) => Cel::Int(value),
            (None, Some(value)) => Cel::Float(value),
            (None, None) => Cel::Null,
        },
        Value::String(text) => text.as_str().into(),
        Value::Array(list) => list.iter().map(value).collect::<Vec<Cel>>().into(),
        Value::Object(map) => {
            let members = map.iter().filter(|(_, json)| !json.is_null());
            let members: HashMap<String, Cel> = members
                .map(|(key, json)| (key.clone(), value(json)))
                .collect();
            members.into()
        }
    }
}

/// How large something is, and what of it is redacted.
#[derive(Default)]
struct Measure {
    sizes: Sizes,
    bytes: u64,
    hidden: BTreeSet<String>,
}

impl Measure {
    fn json(&mut self, value: &Value, key: Option<&str>, within_list: bool) {
        self.bytes += 8;
        match value {
            Value::String(text) => {
                self.bytes += text.len() as u64;
                if text.contains(MARK) {
                    self.hidden.extend(key.map(str::to_owned));
                }
            }
            Value::Array(list) => {
                self.sizes.hold(key, list.len());
                for one in list {
                    self.json(one, key, true);
                }
            }
            Value::Object(map) => {
                self.sizes.hold(key, map.len());
                for (inner, one) in map {
                    self.bytes += inner.len() as u64;
                    self.json(one, Some(inner), false);
                    // `data` of `data.password`: it may be walked as a whole.
                    let is_hidden = matches!(one, Value::String(text) if text.contains(MARK));
                    if is_hidden && !within_list {
                        self.hidden.extend(key.map(str::to_owned));
                    }
                }
            }
            _ => {}
        }
    }

    fn cel(&mut self, value: &Cel, name: Option<&str>) {
        self.bytes = self.bytes.saturating_add(8);
        if self.bytes > LARGEST {
            return;
        }
        match value {
            Cel::String(text) => self.bytes += text.len() as u64,
            Cel::Bytes(bytes) => self.bytes += bytes.len() as u64,
            Cel::List(list) => {
                self.sizes.hold(name, list.len());
                list.iter().for_each(|one| self.cel(one, name));
            }
            Cel::Map(map) => {
                self.sizes.hold(name, map.map.len());
                for (key, one) in map.map.iter() {
                    let key = match key {
                        Key::String(key) => Some(&***key),
                        _ => None,
                    };
                    self.cel(one, key);
                }
            }
            _ => {}
        }
    }
}
