//! YAML events become node trees. One parser a file, one tree a document.

use super::scalar::{self, Plain};
use super::{Builder, Document, TreeError, TreeErrorKind, Value};
use base64::Engine as _;
use granit_parser::{ErrorKind, Event, Marker, Options, Parser, ScalarStyle, Span, StrInput, Tag};
use rustc_hash::FxHashMap;
use std::borrow::Cow;

pub(super) struct Events<'a> {
    text: &'a str,
    parser: Parser<'a, StrInput<'a>>,
    builder: Builder<'a>,
    anchors: FxHashMap<usize, super::build::Anchor>,
    /// Anchors of the open collections (0: none).
    pending: Vec<usize>,
    /// Documents given out.
    pub(super) count: u32,
    checked: bool,
    start: u32,
    end: u32,
}

impl<'a> Events<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        let mut options = Options::default();
        options.set_emit_comments(false);
        // As libyaml and goyaml read a block scalar that the file's end cuts off.
        options.block_scalar_eof_without_line_feed = true;
        options.flow_nesting_limit = super::MAX_DEPTH + 1;
        options.block_nesting_limit = super::MAX_DEPTH + 1;
        Events {
            text,
            parser: Parser::new_from_str_with_options(text, options),
            builder: Builder::new(text.len()),
            anchors: FxHashMap::default(),
            pending: Vec::new(),
            count: 0,
            checked: false,
            start: 0,
            end: 0,
        }
    }

    pub(super) fn next(&mut self) -> Option<Result<Document<'a>, TreeError>> {
        if !self.checked {
            self.checked = true;
            if let Some(at) = control_character(self.text) {
                return Some(Err(self.error(TreeErrorKind::ControlCharacter, at)));
            }
        }
        loop {
            let (event, span) = match self.parser.next_event()? {
                Ok(event) => event,
                Err(error) => return Some(Err(scan_error(error.marker(), error.kind()))),
            };
            match event {
                Event::DocumentStart(explicit, _) => {
                    self.start = if explicit {
                        offset(&span.start)
                    } else {
                        self.end
                    };
                }
                Event::DocumentEnd => {
                    self.end = offset(&span.end);
                    let document = self.builder.take(self.count, self.start);
                    self.anchors.clear();
                    self.pending.clear();
                    self.count = self.count.saturating_add(1);
                    return Some(Ok(document));
                }
                event => {
                    if let Err(error) = self.node(event, &span) {
                        return Some(Err(error));
                    }
                }
            }
        }
    }

    fn node(&mut self, event: Event<'a>, span: &Span) -> Result<(), TreeError> {
        let (start, end) = (offset(&span.start), offset(&span.end));
        let outcome = match event {
            Event::Scalar(text, style, anchor, tag) => self
                .scalar(text, style, tag.as_deref(), start, end)
                .map(|made| {
                    if anchor != 0 {
                        self.anchors.insert(anchor, made);
                    }
                }),
            Event::SequenceStart(_, anchor, _) | Event::MappingStart(_, anchor, _) => {
                let mapping = matches!(event, Event::MappingStart(..));
                self.pending.push(anchor);
                self.builder.begin(mapping, start).map(|_| ())
            }
            Event::SequenceEnd | Event::MappingEnd => {
                // Only a bracket has an extent; a block ends where its last child does.
                let bracket = (end > start).then_some(end);
                let anchor = self.pending.pop().unwrap_or(0);
                match self.builder.finish(bracket) {
                    Ok(made) => {
                        if anchor != 0 {
                            self.anchors.insert(anchor, made);
                        }
                        Ok(())
                    }
                    Err((kind, at)) => return Err(self.error(kind, at as usize)),
                }
            }
            // The parser knows the anchor; it is missing here only while its node is still open.
            Event::Alias(id) => match self.anchors.get(&id) {
                Some(target) => self.builder.alias(*target, start, end),
                None => Err(TreeErrorKind::AliasCycle),
            },
            _ => Ok(()),
        };
        outcome.map_err(|kind| self.error(kind, start as usize))
    }

    fn scalar(
        &mut self,
        text: Cow<'a, str>,
        style: ScalarStyle,
        tag: Option<&Tag>,
        start: u32,
        end: u32,
    ) -> Result<super::build::Anchor, TreeErrorKind> {
        let plain = style == ScalarStyle::Plain;
        let named = tag.and_then(|tag| tag.suffix_in_namespace("tag:yaml.org,2002:"));
        if self.builder.expects_key()
            && text == "<<"
            && (plain && tag.is_none() || named.as_deref() == Some("merge"))
        {
            return self.builder.merge_key(start, end);
        }
        let value = match (tag, named.as_deref()) {
            (None, _) if plain => untagged(text)?,
            (Some(_), Some(name)) => tagged(name, text)?,
            // Quoted, or a tag that Kubernetes does not know: a text.
            _ => Value::Text(text),
        };
        self.builder.scalar(value, start, end)
    }

    fn error(&self, kind: TreeErrorKind, at: usize) -> TreeError {
        TreeError::at(kind, self.text, at)
    }
}

fn untagged(text: Cow<'_, str>) -> Result<Value<'_>, TreeErrorKind> {
    Ok(match scalar::plain(&text) {
        Plain::Null => Value::Null,
        Plain::Bool(value) => Value::Bool(value),
        Plain::Number => Value::Number(text),
        Plain::Text => Value::Text(text),
        Plain::NotFinite => return Err(TreeErrorKind::NotFinite),
    })
}

fn tagged<'a>(name: &str, text: Cow<'a, str>) -> Result<Value<'a>, TreeErrorKind> {
    let fits = match name {
        "bool" => matches!(scalar::plain(&text), Plain::Bool(_)),
        "null" => scalar::plain(&text) == Plain::Null,
        "float" => scalar::plain(&text) == Plain::Number,
        "int" => {
            scalar::plain(&text) == Plain::Number
                && scalar::json_number(&text)
                    .bytes()
                    .all(|b| b.is_ascii_digit() || b == b'-')
        }
        "binary" => {
            let bytes = base64::engine::general_purpose::STANDARD
                .decode(text.split_whitespace().collect::<String>())
                .map_err(|_| TreeErrorKind::Tag)?;
            return Ok(Value::Text(Cow::Owned(
                String::from_utf8_lossy(&bytes).into_owned(),
            )));
        }
        _ => return Ok(Value::Text(text)),
    };
    if !fits {
        return Err(TreeErrorKind::Tag);
    }
    untagged(text)
}

/// Byte offset of the first character that YAML does not allow (goyaml `readerc.go`: "control characters are not allowed").
fn control_character(text: &str) -> Option<usize> {
    let suspect = text.bytes().position(|b| {
        (b < 0x20 && !matches!(b, b'\t' | b'\n' | b'\r')) || b == 0x7F || b == 0xC2 || b == 0xEF
    })?;
    let rest = text.get(floor(text, suspect)..)?;
    let base = text.len() - rest.len();
    rest.char_indices()
        .find(|(_, c)| {
            matches!(c, '\0'..='\u{8}' | '\u{B}' | '\u{C}' | '\u{E}'..='\u{1F}' | '\u{7F}'..='\u{84}')
                || matches!(c, '\u{86}'..='\u{9F}' | '\u{FFFE}' | '\u{FFFF}')
        })
        .map(|(at, _)| base + at)
}

fn floor(text: &str, at: usize) -> usize {
    (0..=at)
        .rev()
        .find(|at| text.is_char_boundary(*at))
        .unwrap_or(0)
}

fn offset(marker: &Marker) -> u32 {
    marker
        .byte_offset()
        .and_then(|at| u32::try_from(at).ok())
        .unwrap_or(0)
}

fn scan_error(marker: &Marker, kind: &ErrorKind) -> TreeError {
    let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    TreeError {
        kind: match kind {
            ErrorKind::UnknownAnchor => TreeErrorKind::UnknownAnchor,
            ErrorKind::RecursionLimitExceeded => TreeErrorKind::TooDeep,
            other => TreeErrorKind::Yaml(words(other)),
        },
        line: count(marker.line()).max(1),
        column: count(marker.col()).saturating_add(1),
    }
}

/// Our words for the parser's errors: fixed texts, because its own may carry characters of the input.
fn words(kind: &ErrorKind) -> &'static str {
    match kind {
        ErrorKind::UnexpectedEofFlowSequence
        | ErrorKind::UnexpectedEofFlowMapping
        | ErrorKind::UnexpectedEofImplicitFlowMapping
        | ErrorKind::UnclosedFlowCollection { .. } => "bracket is not closed",
        ErrorKind::MisplacedFlowCollectionEnd | ErrorKind::MismatchedFlowCollectionEnd { .. } => {
            "bracket does not match"
        }
        ErrorKind::ExpectedFlowMappingSeparator | ErrorKind::ExpectedFlowSequenceSeparator => {
            "comma or closing bracket expected"
        }
        ErrorKind::UnclosedQuotedScalar => "quote is not closed",
        ErrorKind::UnknownQuotedScalarEscape
        | ErrorKind::InvalidQuotedScalarHexEscape
        | ErrorKind::InvalidUnicodeEscape
        | ErrorKind::InvalidLowSurrogate
        | ErrorKind::InvalidLowSurrogateHexEscape
        | ErrorKind::MissingLowSurrogate
        | ErrorKind::UnpairedLowSurrogate => "unknown escape in a quoted text",
        ErrorKind::TabNotAllowed
        | ErrorKind::TabInBlockIndentation
        | ErrorKind::TabInIndentation
        | ErrorKind::TabAtBlockScalarStart
        | ErrorKind::TabInPlainScalar => "tab where only spaces may indent",
        ErrorKind::InvalidIndentation
        | ErrorKind::InvalidFlowScalarIndent
        | ErrorKind::InvalidQuotedScalarIndent
        | ErrorKind::InvalidBlockScalarIndent => "indentation does not fit",
        ErrorKind::SimpleKeyExpected
        | ErrorKind::InvalidSimpleKey
        | ErrorKind::ExpectedBlockMappingKey => "key with a colon expected",
        ErrorKind::MappingValueNotAllowed
        | ErrorKind::MappingKeyNotAllowed
        | ErrorKind::InvalidColonPlacement => "key is not allowed here",
        ErrorKind::BlockSequenceEntryNotAllowed
        | ErrorKind::BlockEntryInFlowCollection
        | ErrorKind::ExpectedBlockSequenceEntry => "list item is not allowed here",
        ErrorKind::ExpectedDocumentStart | ErrorKind::InvalidDocumentEnd => "new document expected",
        ErrorKind::BomInsideDocument => "byte order mark inside a document",
        ErrorKind::UnexpectedCharacter { .. } => "unexpected character",
        ErrorKind::ExpectedNodeContent => "value expected",
        _ => "syntax error",
    }
}
