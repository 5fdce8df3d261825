//! RFC 6902 over a JSON value, as the API server applies `application/json-patch+json`.
//! Comes in: a value, operations. Goes out: the value changed, or an error and the value as far as it came.
//! Never: quotes a value in an error.

use crate::json::escape;
use model::remedy::Operation;
use serde_json::Value;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JsonPatchError {
    #[error("{0:?} is no JSON pointer")]
    Pointer(String),
    #[error("value for {0} is not JSON")]
    Value(String),
    #[error("{0} is not there")]
    Absent(String),
    #[error("{0} is not what the patch expects")]
    Test(String),
}

/// Applies all, in order.
pub fn apply(target: &mut Value, operations: &[Operation]) -> Result<(), JsonPatchError> {
    operations
        .iter()
        .try_for_each(|operation| one(target, operation))
}

/// The tokens of a pointer, unescaped.
pub fn tokens(pointer: &str) -> Result<Vec<String>, JsonPatchError> {
    if pointer.is_empty() {
        return Ok(Vec::new());
    }
    let wrong = || JsonPatchError::Pointer(pointer.to_owned());
    let rest = pointer.strip_prefix('/').ok_or_else(wrong)?;
    rest.split('/')
        .map(|token| unescape(token).ok_or_else(wrong))
        .collect()
}

/// `~` stands only before 0 and 1 (RFC 6901, 3).
fn unescape(token: &str) -> Option<String> {
    let mut out = String::with_capacity(token.len());
    let mut rest = token.chars();
    while let Some(c) = rest.next() {
        out.push(match c {
            '~' => match rest.next()? {
                '0' => '~',
                '1' => '/',
                _ => return None,
            },
            other => other,
        });
    }
    Some(out)
}

/// The pointer of these tokens.
pub fn pointer<T: AsRef<str>>(tokens: &[T]) -> String {
    let mut out = String::new();
    for token in tokens {
        out.push('/');
        out.push_str(&escape(token.as_ref()));
    }
    out
}

/// An index as the RFC writes it: digits without leading zeros.
pub fn index(token: &str) -> Option<usize> {
    let digits = !token.is_empty() && token.bytes().all(|b| b.is_ascii_digit());
    (digits && (token == "0" || !token.starts_with('0')))
        .then(|| token.parse().ok())
        .flatten()
}

/// The value of an operation.
pub fn value(operation: &Operation) -> Result<Value, JsonPatchError> {
    let wrong = || JsonPatchError::Value(operation.path().to_string());
    let text = operation.value().ok_or_else(wrong)?;
    serde_json::from_str(text).map_err(|_| wrong())
}

/// The operations as the body of a patch request.
pub fn body(operations: &[Operation]) -> Result<String, JsonPatchError> {
    let list = operations.iter().map(|operation| {
        let mut out = serde_json::Map::new();
        let name = match operation {
            Operation::Add { .. } => "add",
            Operation::Remove { .. } => "remove",
            Operation::Replace { .. } => "replace",
            Operation::Test { .. } => "test",
        };
        out.insert("op".to_owned(), name.into());
        out.insert("path".to_owned(), (&**operation.path()).into());
        if operation.value().is_some() {
            out.insert("value".to_owned(), value(operation)?);
        }
        Ok(Value::Object(out))
    });
    Ok(Value::Array(list.collect::<Result<_, _>>()?).to_string())
}

fn one(target: &mut Value, operation: &Operation) -> Result<(), JsonPatchError> {
    let path = operation.path();
    let absent = || JsonPatchError::Absent(path.to_string());
    let tokens = tokens(path)?;
    let Some((last, parents)) = tokens.split_last() else {
        match operation {
            Operation::Remove { .. } => *target = Value::Null,
            Operation::Test { .. } if *target != value(operation)? => {
                return Err(JsonPatchError::Test(path.to_string()));
            }
            Operation::Test { .. } => {}
            _ => *target = value(operation)?,
        }
        return Ok(());
    };
    let parent = parents
        .iter()
        .try_fold(target, |at, token| step(at, token))
        .ok_or_else(absent)?;
    match operation {
        Operation::Test { .. } => {
            if step(parent, last).ok_or_else(absent)? != &value(operation)? {
                return Err(JsonPatchError::Test(path.to_string()));
            }
        }
        Operation::Replace { .. } => {
            *step(parent, last).ok_or_else(absent)? = value(operation)?;
        }
        Operation::Remove { .. } => match parent {
            Value::Object(map) => {
                map.remove(last).ok_or_else(absent)?;
            }
            Value::Array(list) => {
                let at = index(last).filter(|at| *at < list.len());
                list.remove(at.ok_or_else(absent)?);
            }
            _ => return Err(absent()),
        },
        Operation::Add { .. } => match parent {
            Value::Object(map) => {
                map.insert(last.clone(), value(operation)?);
            }
            Value::Array(list) => {
                let at = if last == "-" {
                    Some(list.len())
                } else {
                    index(last).filter(|at| *at <= list.len())
                };
                list.insert(at.ok_or_else(absent)?, value(operation)?);
            }
            _ => return Err(absent()),
        },
    }
    Ok(())
}

/// The child of that name.
pub fn step<'v>(at: &'v mut Value, token: &str) -> Option<&'v mut Value> {
    match at {
        Value::Object(map) => map.get_mut(token),
        Value::Array(list) => list.get_mut(index(token)?),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Operations as the RFC writes them; the answer as JSON, or the error's words.
    fn check(before: &str, patch: &str, expected: &str) {
        let mut value: Value = serde_json::from_str(before).unwrap();
        let list: Vec<Value> = serde_json::from_str(patch).unwrap();
        let operations: Vec<Operation> = list
            .into_iter()
            .map(|mut entry| {
                if let Some(value) = entry.get_mut("value") {
                    *value = value.to_string().into();
                }
                serde_json::from_value(entry).unwrap()
            })
            .collect();
        let after = match apply(&mut value, &operations) {
            Ok(()) => value.to_string(),
            Err(error) => error.to_string(),
        };
        assert_eq!(after, expected, "{before} {patch}");
        assert_eq!(
            serde_json::from_str::<Value>(&body(&operations).unwrap()).unwrap(),
            serde_json::from_str::<Value>(patch).unwrap()
        );
    }

    #[test]
    fn operations_as_the_rfc_has_them() {
        // Appendix A of RFC 6902, in our words.
        for (before, patch, expected) in [
            (
                r#"{"a":1}"#,
                r#"[{"op":"add","path":"/b","value":2}]"#,
                r#"{"a":1,"b":2}"#,
            ),
            (
                r#"{"a":[1,3]}"#,
                r#"[{"op":"add","path":"/a/1","value":2}]"#,
                r#"{"a":[1,2,3]}"#,
            ),
            (
                r#"{"a":[1]}"#,
                r#"[{"op":"add","path":"/a/-","value":[2]}]"#,
                r#"{"a":[1,[2]]}"#,
            ),
            (
                r#"{"a":[1]}"#,
                r#"[{"op":"add","path":"/a/2","value":2}]"#,
                "/a/2 is not there",
            ),
            (
                r#"{"a":1}"#,
                r#"[{"op":"add","path":"/a","value":null}]"#,
                r#"{"a":null}"#,
            ),
            (
                r#"{"a":1}"#,
                r#"[{"op":"add","path":"/b/c","value":2}]"#,
                "/b/c is not there",
            ),
            (
                r#"{"a":1,"b":2}"#,
                r#"[{"op":"remove","path":"/a"}]"#,
                r#"{"b":2}"#,
            ),
            (
                r#"{"a":[1,2,3]}"#,
                r#"[{"op":"remove","path":"/a/1"}]"#,
                r#"{"a":[1,3]}"#,
            ),
            (
                r#"{"a":1}"#,
                r#"[{"op":"remove","path":"/b"}]"#,
                "/b is not there",
            ),
            (
                r#"{"a":[1]}"#,
                r#"[{"op":"remove","path":"/a/01"}]"#,
                "/a/01 is not there",
            ),
            (
                r#"{"a":[1]}"#,
                r#"[{"op":"remove","path":"/a/-"}]"#,
                "/a/- is not there",
            ),
            (
                r#"{"a":1}"#,
                r#"[{"op":"replace","path":"/a","value":{}}]"#,
                r#"{"a":{}}"#,
            ),
            (
                r#"{"a":1}"#,
                r#"[{"op":"replace","path":"/b","value":2}]"#,
                "/b is not there",
            ),
            (
                r#"{"a":1}"#,
                r#"[{"op":"replace","path":"","value":2}]"#,
                "2",
            ),
            (
                r#"{"a":{"b":[1]}}"#,
                r#"[{"op":"test","path":"/a","value":{"b":[1]}}]"#,
                r#"{"a":{"b":[1]}}"#,
            ),
            (
                r#"{"a":"1"}"#,
                r#"[{"op":"test","path":"/a","value":1}]"#,
                "/a is not what the patch expects",
            ),
            (
                r#"{"x/y~":1}"#,
                r#"[{"op":"replace","path":"/x~1y~0","value":2}]"#,
                r#"{"x/y~":2}"#,
            ),
            (r#"{"~1":1}"#, r#"[{"op":"remove","path":"/~01"}]"#, "{}"),
            (
                r#"{"a":1}"#,
                r#"[{"op":"remove","path":"a"}]"#,
                r#""a" is no JSON pointer"#,
            ),
            (
                r#"{"a":1}"#,
                r#"[{"op":"remove","path":"/~2"}]"#,
                r#""/~2" is no JSON pointer"#,
            ),
            (r#"{"":1}"#, r#"[{"op":"remove","path":"/"}]"#, "{}"),
        ] {
            check(before, patch, expected);
        }
    }
}
