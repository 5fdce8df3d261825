//! A JSON tree that borrows from the bytes of an object, and a lenient reader over it.
//! Comes in: canonical JSON bytes. Goes out: values that have the expected type; others are remembered by place.
//! Never: a failure because one field has the wrong type.

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use std::borrow::Cow;
use std::cell::RefCell;
use std::fmt;

/// More places are not told apart: a hostile object must not buy an unbounded report.
const MOST_PLACES: usize = 16;

/// Characters of a text that are shown.
const LONGEST_SHOWN: usize = 100;

/// Depth is limited by the parser (128).
#[derive(Debug)]
pub enum Json<'a> {
    Null,
    Bool(bool),
    Int(i64),
    /// Numbers that are no `i64`.
    Float(f64),
    Text(Cow<'a, str>),
    List(Vec<Json<'a>>),
    Map(Vec<(Cow<'a, str>, Json<'a>)>),
}

static NULL: Json<'static> = Json::Null;

/// A key or text: borrowed where it holds no escape.
struct Word<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Word<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Words;
        impl<'de> Visitor<'de> for Words {
            type Value = Word<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text")
            }
            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Word<'de>, E> {
                Ok(Word(Cow::Borrowed(text)))
            }
            fn visit_str<E>(self, text: &str) -> Result<Word<'de>, E> {
                Ok(Word(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(Words)
    }
}

impl<'de> Deserialize<'de> for Json<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Trees;
        impl<'de> Visitor<'de> for Trees {
            type Value = Json<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("any JSON value")
            }
            fn visit_unit<E>(self) -> Result<Json<'de>, E> {
                Ok(Json::Null)
            }
            fn visit_bool<E>(self, value: bool) -> Result<Json<'de>, E> {
                Ok(Json::Bool(value))
            }
            fn visit_i64<E>(self, value: i64) -> Result<Json<'de>, E> {
                Ok(Json::Int(value))
            }
            fn visit_u64<E>(self, value: u64) -> Result<Json<'de>, E> {
                let float = Json::Float(value as f64);
                Ok(i64::try_from(value).map_or(float, Json::Int))
            }
            fn visit_f64<E>(self, value: f64) -> Result<Json<'de>, E> {
                Ok(Json::Float(value))
            }
            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Json<'de>, E> {
                Ok(Json::Text(Cow::Borrowed(text)))
            }
            fn visit_str<E>(self, text: &str) -> Result<Json<'de>, E> {
                Ok(Json::Text(Cow::Owned(text.to_owned())))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Json<'de>, A::Error> {
                let mut list = Vec::new();
                while let Some(item) = seq.next_element()? {
                    list.push(item);
                }
                Ok(Json::List(list))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Json<'de>, A::Error> {
                let mut map = Vec::new();
                while let Some((key, value)) = access.next_entry::<Word<'de>, Json<'de>>()? {
                    map.push((key.0, value));
                }
                Ok(Json::Map(map))
            }
        }
        deserializer.deserialize_any(Trees)
    }
}

impl<'a> Json<'a> {
    pub fn parse(bytes: &'a [u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(bytes)
    }

    /// The JSON pointer of the value at this address; called only for values that were malformed.
    fn pointer_of(&self, address: usize) -> Option<String> {
        if std::ptr::from_ref(self).addr() == address {
            return Some(String::new());
        }
        match self {
            Json::List(list) => list
                .iter()
                .enumerate()
                .find_map(|(i, item)| item.pointer_of(address).map(|rest| format!("/{i}{rest}"))),
            Json::Map(map) => map.iter().find_map(|(key, value)| {
                value
                    .pointer_of(address)
                    .map(|rest| format!("/{}{rest}", escape(key)))
            }),
            _ => None,
        }
    }

    /// The pointers of all places that a reader remembered, in document order of discovery.
    pub fn pointers(&self, places: &Places) -> Vec<String> {
        places
            .0
            .borrow()
            .iter()
            .filter_map(|address| self.pointer_of(*address))
            .collect()
    }
}

/// RFC 6901 escaping of one token.
pub fn escape(token: &str) -> Cow<'_, str> {
    if token.contains(['~', '/']) {
        Cow::Owned(token.replace('~', "~0").replace('/', "~1"))
    } else {
        Cow::Borrowed(token)
    }
}

/// Addresses of values that had the wrong type; they are compared, never read.
#[derive(Debug, Default)]
pub struct Places(RefCell<Vec<usize>>);

/// A value of the tree and where to remember what is malformed. Null and absent are the same, as for the API server.
#[derive(Clone, Copy, Debug)]
pub struct Node<'t> {
    json: &'t Json<'t>,
    places: &'t Places,
}

impl<'t> Node<'t> {
    pub fn new(json: &'t Json<'t>, places: &'t Places) -> Self {
        Node { json, places }
    }

    /// Remembers that this value is not what it must be.
    pub fn malformed(self) {
        let mut places = self.places.0.borrow_mut();
        let address = std::ptr::from_ref(self.json).addr();
        if places.len() < MOST_PLACES && !places.contains(&address) {
            places.push(address);
        }
    }

    pub fn is_absent(self) -> bool {
        matches!(self.json, Json::Null)
    }

    /// The member `key`, absent where there is none.
    #[must_use]
    pub fn get(self, key: &str) -> Node<'t> {
        let json = match self.json {
            Json::Map(map) => map
                .iter()
                .find(|(name, _)| name == key)
                .map_or(&NULL, |(_, value)| value),
            Json::Null => &NULL,
            _ => {
                self.malformed();
                &NULL
            }
        };
        Node { json, ..self }
    }

    /// A value that is not there.
    #[must_use]
    pub fn absent(self) -> Node<'t> {
        Node {
            json: &NULL,
            ..self
        }
    }

    /// The value under several keys, one inside the other.
    #[must_use]
    pub fn at(self, path: &[&str]) -> Node<'t> {
        path.iter().fold(self, |node, key| node.get(key))
    }

    pub fn text(self, key: &str) -> Option<&'t str> {
        self.get(key).as_text()
    }

    pub fn as_text(self) -> Option<&'t str> {
        match self.json {
            Json::Text(text) => Some(text),
            Json::Null => None,
            _ => {
                self.malformed();
                None
            }
        }
    }

    /// Like [`Node::text`], where the empty text means absent.
    pub fn word(self, key: &str) -> Option<&'t str> {
        self.text(key).filter(|text| !text.is_empty())
    }

    pub fn flag(self, key: &str) -> Option<bool> {
        let node = self.get(key);
        match node.json {
            Json::Bool(value) => Some(*value),
            Json::Null => None,
            _ => {
                node.malformed();
                None
            }
        }
    }

    pub fn int(self, key: &str) -> Option<i64> {
        self.get(key).as_int()
    }

    pub fn as_int(self) -> Option<i64> {
        match self.json {
            Json::Int(value) => Some(*value),
            Json::Null => None,
            _ => {
                self.malformed();
                None
            }
        }
    }

    /// A port number; out of range is malformed.
    pub fn port(self, key: &str) -> Option<u16> {
        let node = self.get(key);
        let value = node.as_int()?;
        let port = u16::try_from(value).ok();
        if port.is_none() {
            node.malformed();
        }
        port
    }

    /// A number of any size.
    pub fn number(self, key: &str) -> Option<f64> {
        let node = self.get(key);
        match node.json {
            Json::Int(value) => Some(*value as f64),
            Json::Float(value) => Some(*value),
            Json::Null => None,
            _ => {
                node.malformed();
                None
            }
        }
    }

    /// A number or a text (`intstr.IntOrString`), whichever it is.
    pub fn number_or_text(self) -> Option<Result<i64, &'t str>> {
        match self.json {
            Json::Int(value) => Some(Ok(*value)),
            Json::Text(text) => Some(Err(text)),
            Json::Null => None,
            _ => {
                self.malformed();
                None
            }
        }
    }

    /// The items of a list; a scalar or map is malformed and has none.
    pub fn list(self, key: &str) -> impl Iterator<Item = Node<'t>> + use<'t> {
        self.get(key).items()
    }

    pub fn items(self) -> impl Iterator<Item = Node<'t>> + use<'t> {
        let items: &'t [Json<'t>] = match self.json {
            Json::List(list) => list,
            Json::Null => &[],
            _ => {
                self.malformed();
                &[]
            }
        };
        items.iter().map(move |json| Node { json, ..self })
    }

    /// The members of a map.
    pub fn entries(self) -> impl Iterator<Item = (&'t str, Node<'t>)> + use<'t> {
        let entries: &'t [(Cow<'t, str>, Json<'t>)] = match self.json {
            Json::Map(map) => map,
            Json::Null => &[],
            _ => {
                self.malformed();
                &[]
            }
        };
        entries
            .iter()
            .map(move |(key, json)| (&**key, Node { json, ..self }))
    }

    /// The texts of a list.
    pub fn texts(self, key: &str) -> impl Iterator<Item = &'t str> + use<'t> {
        self.list(key).filter_map(Node::as_text)
    }

    /// As JSON for a reader: long texts are cut, of lists and maps is said that they are one.
    pub fn shown(self) -> Option<String> {
        Some(match self.json {
            Json::Null => return None,
            Json::Bool(value) => value.to_string(),
            Json::Int(value) => value.to_string(),
            Json::Float(_) => "a number".to_owned(),
            Json::Text(text) => {
                let cut = text.char_indices().nth(LONGEST_SHOWN);
                match cut.and_then(|(end, _)| text.get(..end)) {
                    Some(start) => format!("{start:?}..."),
                    None => format!("{text:?}"),
                }
            }
            Json::List(list) if list.is_empty() => "[]".to_owned(),
            Json::List(list) => format!("a list of {}", list.len()),
            Json::Map(map) if map.is_empty() => "{}".to_owned(),
            Json::Map(_) => "an object".to_owned(),
        })
    }

    pub fn is_map(self) -> bool {
        matches!(self.json, Json::Map(_))
    }

    pub fn is_text(self) -> bool {
        matches!(self.json, Json::Text(_))
    }

    /// Whether it is this text; another type is not malformed.
    pub fn is_word(self, word: &str) -> bool {
        matches!(self.json, Json::Text(text) if text == word)
    }

    pub fn is_true(self) -> bool {
        matches!(self.json, Json::Bool(true))
    }

    pub fn is_false(self) -> bool {
        matches!(self.json, Json::Bool(false))
    }

    pub fn is_int(self) -> bool {
        matches!(self.json, Json::Int(_))
    }

    /// Absent, or an empty text, list or map.
    pub fn is_empty(self) -> bool {
        match self.json {
            Json::Null => true,
            Json::Text(text) => text.is_empty(),
            Json::List(list) => list.is_empty(),
            Json::Map(map) => map.is_empty(),
            Json::Bool(_) | Json::Int(_) | Json::Float(_) => false,
        }
    }

    pub fn is_list(self) -> bool {
        matches!(self.json, Json::List(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads with `read` and gives its answer and the malformed pointers.
    #[allow(clippy::needless_pass_by_value)] // keeps the cases one line each
    fn check<T: PartialEq + fmt::Debug>(
        json: &str,
        read: impl Fn(Node<'_>) -> T,
        expected: T,
        malformed: &[&str],
    ) {
        let places = Places::default();
        let tree = Json::parse(json.as_bytes()).unwrap();
        assert_eq!(read(Node::new(&tree, &places)), expected, "{json}");
        assert_eq!(tree.pointers(&places), malformed, "{json}");
    }

    #[test]
    fn wrong_types_are_remembered_and_read_as_absent() {
        check(r#"{"a":true}"#, |n| n.flag("a"), Some(true), &[]);
        check(r#"{"a":null}"#, |n| n.flag("a"), None, &[]);
        check(r#"{"a":"true"}"#, |n| n.flag("a"), None, &["/a"]);
        check(
            r#"{"a":{"b":5}}"#,
            |n| n.at(&["a", "b"]).as_int(),
            Some(5),
            &[],
        );
        check(
            r#"{"a":[1]}"#,
            |n| n.at(&["a", "b"]).as_int(),
            None,
            &["/a"],
        );
        check(r#"{"a":["x",3]}"#, |n| n.texts("a").count(), 1, &["/a/1"]);
        check(
            r#"{"x/y~":[1,{}]}"#,
            |n| n.list("x/y~").filter_map(Node::as_int).count(),
            1,
            &["/x~1y~0/1"],
        );
        check(r#"{"p":70000}"#, |n| n.port("p"), None, &["/p"]);
        check(
            r#"{"p":18446744073709551615}"#,
            |n| n.int("p"),
            None,
            &["/p"],
        );
        check(
            r#"{"t":"a\nb"}"#,
            |n| n.text("t").map(str::to_owned),
            Some("a\nb".to_owned()),
            &[],
        );
    }

    #[test]
    fn deep_trees_are_refused() {
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        assert!(Json::parse(deep.as_bytes()).is_err());
    }
}
