//! A document before it is understood. Comes in: bytes. Goes out: its text, its top level cut
//! into raw pieces, and errors that name the JSON path. Never: recursion on the input's depth.

use crate::{IngestError, Limits};
use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor,
};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;
use std::io::Read;
use std::marker::PhantomData;

/// Most elements of a list that is held as a whole.
pub(crate) const MAX_ELEMENTS: usize = 1_000_000;

/// The text of one file, and what its sets say of it.
pub(crate) struct Document<'a> {
    pub(crate) file: &'a str,
    pub(crate) text: &'a str,
    pub(crate) digest: String,
    pub(crate) limits: &'a Limits,
}

impl<'a> Document<'a> {
    /// Reads `fragment`, which is a part of this document's text, as a `T`.
    pub(crate) fn parse<T: Deserialize<'a>>(&self, fragment: &'a str) -> Result<T, IngestError> {
        serde_json::from_str(fragment).map_err(|error| self.error(fragment, &error))
    }

    /// Reads the list `fragment` element by element; `null` is an empty list.
    pub(crate) fn each<T: Deserialize<'a>>(
        &self,
        fragment: &'a str,
        mut take: impl FnMut(T) -> Result<(), IngestError>,
    ) -> Result<(), IngestError> {
        let mut stopped = None;
        let mut json = serde_json::Deserializer::from_str(fragment);
        let each = Each {
            take: |item| {
                take(item).map_err(|error| {
                    stopped = Some(error);
                })
            },
            item: PhantomData,
        };
        let read = each.deserialize(&mut json).and_then(|()| json.end());
        match (stopped, read) {
            (Some(error), _) => Err(error),
            (None, Err(error)) => Err(self.error(fragment, &error)),
            (None, Ok(())) => Ok(()),
        }
    }

    /// The value of `key`; of a key that is not there, the empty one.
    pub(crate) fn part<T: Deserialize<'a> + Default>(
        &self,
        fields: &Fields<'a>,
        key: &str,
    ) -> Result<T, IngestError> {
        fields
            .raw(key)
            .map_or_else(|| Ok(T::default()), |raw| self.parse(raw))
    }

    /// The top-level fields of the object `fragment`; of `null`, none.
    pub(crate) fn fields(&self, fragment: &'a str) -> Result<Fields<'a>, IngestError> {
        match self.parse(fragment)? {
            Shape::Object(fields) => Ok(fields),
            Shape::Null => Ok(Fields::default()),
            Shape::List(_) | Shape::Scalar => Err(self.shape(fragment, "expected an object")),
        }
    }

    /// An error about the value `fragment`.
    pub(crate) fn shape(&self, fragment: &str, what: impl Into<String>) -> IngestError {
        IngestError::Shape {
            file: self.file.to_owned(),
            path: path_at(self.text, self.offset(fragment)),
            what: what.into(),
        }
    }

    pub(crate) fn not_a_report(&self, what: impl Into<String>) -> IngestError {
        IngestError::NotAReport {
            file: self.file.to_owned(),
            what: what.into(),
        }
    }

    /// `fragment` stands in `text`; both are borrowed from the same bytes.
    fn offset(&self, fragment: &str) -> usize {
        (fragment.as_ptr() as usize)
            .saturating_sub(self.text.as_ptr() as usize)
            .min(self.text.len())
    }

    pub(crate) fn error(&self, fragment: &str, error: &serde_json::Error) -> IngestError {
        let offset = self.offset(fragment) + place_in(fragment, error.line(), error.column());
        let path = path_at(self.text, offset);
        let full = error.to_string();
        let what = full.rfind(" at line ").map_or(&*full, |end| &full[..end]);
        if error.is_data() {
            // serde stands behind the bracket of a list that it did not want.
            let path = match path.strip_suffix("[0]") {
                Some(list) if what.starts_with("invalid type: sequence") => list.to_owned(),
                _ => path,
            };
            return IngestError::Shape {
                file: self.file.to_owned(),
                path,
                what: without_values(what),
            };
        }
        let before = self.text.as_bytes().get(..offset).unwrap_or(&[]);
        let line_start = before
            .iter()
            .rposition(|&b| b == b'\n')
            .map_or(0, |n| n + 1);
        IngestError::Syntax {
            file: self.file.to_owned(),
            line: before.split(|&b| b == b'\n').count(),
            column: offset - line_start,
            path,
            what: what.to_owned(),
        }
    }
}

/// serde's words without the text that it found: scanners quote secrets, and errors do not (rule 20).
fn without_values(what: &str) -> String {
    for (before, after) in [
        ("string \"", "\", expected "),
        ("unknown variant `", "`, expected "),
    ] {
        if let Some((start, rest)) = what.split_once(before)
            && let Some((_, end)) = rest.rsplit_once(after)
        {
            let found = before.trim_end_matches([' ', '"', '`']);
            return format!("{start}{found}, expected {end}");
        }
    }
    what.to_owned()
}

/// Unpacks gzip and zstd, which are known by their first bytes.
pub(crate) fn unpack<'a>(
    file: &str,
    bytes: &'a [u8],
    limits: &Limits,
) -> Result<Cow<'a, [u8]>, IngestError> {
    let unpacked = match bytes {
        [0x1f, 0x8b, ..] => drain(
            file,
            "gzip",
            flate2::read::MultiGzDecoder::new(bytes),
            limits,
        )?,
        [0x28, 0xb5, 0x2f, 0xfd, ..] => {
            let decoder = zstd::Decoder::new(bytes).and_then(|mut decoder| {
                decoder.window_log_max(27)?;
                Ok(decoder)
            });
            let decoder = decoder.map_err(|source| IngestError::Unpack {
                file: file.to_owned(),
                format: "zstd",
                source,
            })?;
            drain(file, "zstd", decoder, limits)?
        }
        _ => return plain(file, bytes, limits),
    };
    Ok(Cow::Owned(unpacked))
}

fn plain<'a>(file: &str, bytes: &'a [u8], limits: &Limits) -> Result<Cow<'a, [u8]>, IngestError> {
    if bytes.len() > limits.document {
        return Err(too_large(file, limits));
    }
    Ok(Cow::Borrowed(bytes))
}

fn drain(
    file: &str,
    format: &'static str,
    from: impl Read,
    limits: &Limits,
) -> Result<Vec<u8>, IngestError> {
    let mut out = Vec::new();
    let cap = u64::try_from(limits.document).unwrap_or(u64::MAX);
    from.take(cap.saturating_add(1))
        .read_to_end(&mut out)
        .map_err(|source| IngestError::Unpack {
            file: file.to_owned(),
            format,
            source,
        })?;
    if out.len() > limits.document {
        return Err(too_large(file, limits));
    }
    Ok(out)
}

pub(crate) fn too_large(file: &str, limits: &Limits) -> IngestError {
    IngestError::TooLarge {
        file: file.to_owned(),
        limit: limits.document,
    }
}

/// The text of `bytes`, without a byte order mark. JSON is UTF-8 (RFC 8259 section 8.1); XML is taken in UTF-8 only.
pub(crate) fn text<'a>(file: &str, bytes: &'a [u8]) -> Result<&'a str, IngestError> {
    let wrong = |what: &str| IngestError::Encoding {
        file: file.to_owned(),
        what: what.to_owned(),
    };
    let bytes = match bytes {
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [_, 0, _, 0, ..] | [0, _, 0, _, ..] => {
            return Err(wrong("UTF-16 text; convert it to UTF-8"));
        }
        [0xef, 0xbb, 0xbf, rest @ ..] => rest,
        all => all,
    };
    let text = std::str::from_utf8(bytes)
        .map_err(|error| wrong(&format!("not UTF-8 at byte {}", error.valid_up_to())))?;
    match text.trim_start_matches(WHITESPACE).chars().next() {
        None => Err(wrong("the file is empty")),
        Some('<') if crate::cyclonedx_xml::is_document(text) => Ok(text),
        Some('<') => Err(IngestError::NotAReport {
            file: file.to_owned(),
            what: "XML or HTML; of XML only CycloneDX is read".to_owned(),
        }),
        Some('{' | '[' | 'n' | '"' | '-' | 't' | 'f' | '0'..='9') => Ok(text),
        Some(_) => Err(wrong("not JSON")),
    }
}

pub(crate) const WHITESPACE: [char; 4] = [' ', '\t', '\r', '\n'];

/// The top level of a JSON value; what is below is raw.
pub(crate) enum Shape<'a> {
    Null,
    Object(Fields<'a>),
    List(Vec<&'a RawValue>),
    Scalar,
}

/// The fields of one object in their order; no key stands twice.
#[derive(Default)]
pub(crate) struct Fields<'a>(pub(crate) Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'a> Fields<'a> {
    /// The raw value of `key`; a `null` counts as not there.
    pub(crate) fn get(&self, key: &str) -> Option<&'a str> {
        self.raw(key).filter(|raw| *raw != "null")
    }

    /// The raw value of `key`, `null` too.
    pub(crate) fn raw(&self, key: &str) -> Option<&'a str> {
        let (_, raw) = self.0.iter().find(|(name, _)| name == key)?;
        Some(raw.get())
    }

    pub(crate) fn has(&self, key: &str) -> bool {
        self.raw(key).is_some()
    }

    pub(crate) fn has_any(&self, keys: &[&str]) -> bool {
        keys.iter().any(|key| self.has(key))
    }

    /// The text of `key`, if it is a text.
    pub(crate) fn text(&self, key: &str) -> Option<Cow<'a, str>> {
        serde_json::from_str(self.raw(key)?).ok()
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Shape<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ShapeVisitor(PhantomData))
    }
}

struct ShapeVisitor<'a>(PhantomData<&'a ()>);

impl<'de: 'a, 'a> Visitor<'de> for ShapeVisitor<'a> {
    type Value = Shape<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON document")
    }

    fn visit_unit<E>(self) -> Result<Shape<'a>, E> {
        Ok(Shape::Null)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Shape<'a>, E> {
        Ok(Shape::Scalar)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Shape<'a>, E> {
        Ok(Shape::Scalar)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Shape<'a>, E> {
        Ok(Shape::Scalar)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Shape<'a>, E> {
        Ok(Shape::Scalar)
    }

    fn visit_str<E>(self, _: &str) -> Result<Shape<'a>, E> {
        Ok(Shape::Scalar)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Shape<'a>, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = seq.next_element::<&'a RawValue>()? {
            if list.len() == MAX_ELEMENTS {
                return Err(A::Error::custom("more than 1000000 elements"));
            }
            list.push(item);
        }
        Ok(Shape::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Shape<'a>, A::Error> {
        let mut fields: Vec<(Cow<'a, str>, &'a RawValue)> = Vec::new();
        while let Some(Key(key)) = map.next_key()? {
            if fields.len() == MAX_ELEMENTS {
                return Err(A::Error::custom("more than 1000000 fields"));
            }
            fields.push((key, map.next_value()?));
        }
        let mut keys: Vec<&str> = fields.iter().map(|(key, _)| &**key).collect();
        keys.sort_unstable();
        let mut twice = keys.windows(2).filter_map(|pair| match pair {
            [a, b] if a == b => Some(*a),
            _ => None,
        });
        if let Some(twice) = twice.next() {
            return Err(A::Error::custom(format!("duplicate key {twice:?}")));
        }
        Ok(Shape::Object(Fields(fields)))
    }
}

/// `Cow` alone is never borrowed by serde as a map key.
struct Key<'a>(Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Key<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        crate::loose::Str::deserialize(deserializer).map(|text| Key(text.0))
    }
}

struct Each<F, T> {
    take: F,
    item: PhantomData<T>,
}

impl<'de, F: FnMut(T) -> Result<(), ()>, T: Deserialize<'de>> DeserializeSeed<'de> for Each<F, T> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, F: FnMut(T) -> Result<(), ()>, T: Deserialize<'de>> Visitor<'de> for Each<F, T> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut seq: A) -> Result<(), A::Error> {
        while let Some(item) = seq.next_element::<T>()? {
            (self.take)(item).map_err(|()| A::Error::custom("stopped"))?;
        }
        Ok(())
    }
}

/// Byte offset of serde's line and column (bytes, both from 1) in `fragment`.
fn place_in(fragment: &str, line: usize, column: usize) -> usize {
    let bytes = fragment.as_bytes();
    let mut start = 0;
    for _ in 1..line {
        let rest = bytes.get(start..).unwrap_or(&[]);
        match rest.iter().position(|&b| b == b'\n') {
            Some(end) => start += end + 1,
            None => break,
        }
    }
    (start + column).min(bytes.len())
}

enum Step {
    /// In an object; the key that was read last.
    Key(Option<(usize, usize)>),
    Index(usize),
}

/// `$.Results[3].Severity`: the JSON path of the value at byte `offset` of `text`.
/// The text up to there was read by the parser before, so quotes and brackets are taken at their word.
fn path_at(text: &str, offset: usize) -> String {
    let bytes = text.as_bytes();
    let mut steps: Vec<Step> = Vec::new();
    let mut at = 0;
    while at < offset.min(bytes.len()) {
        match bytes[at] {
            b'{' => steps.push(Step::Key(None)),
            b'[' => steps.push(Step::Index(0)),
            b'}' | b']' if at + 1 < offset => {
                steps.pop();
            }
            b',' => match steps.last_mut() {
                Some(Step::Index(index)) => *index += 1,
                Some(Step::Key(key)) => *key = None,
                None => {}
            },
            b'"' => {
                let start = at + 1;
                at = start;
                while at < bytes.len() && bytes[at] != b'"' {
                    at += if bytes[at] == b'\\' { 2 } else { 1 };
                }
                if let Some(Step::Key(key @ None)) = steps.last_mut() {
                    *key = Some((start, at.min(bytes.len())));
                }
            }
            _ => {}
        }
        at += 1;
    }
    let mut path = String::from("$");
    for step in steps.iter().take(32) {
        match step {
            Step::Key(None) => {}
            Step::Key(Some((from, to))) => {
                let key = text.get(*from..*to).unwrap_or("?");
                path.push('.');
                path.extend(
                    key.chars()
                        .take(64)
                        .map(|c| if c.is_control() { '?' } else { c }),
                );
            }
            Step::Index(index) => path.extend(["[", &index.to_string(), "]"]),
        }
    }
    path
}
