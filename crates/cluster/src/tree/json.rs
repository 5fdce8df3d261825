//! JSON values become node trees: strict RFC 8259, any number of values one after another, without recursion.

use super::{Builder, Document, TreeError, TreeErrorKind, Value};
use std::borrow::Cow;

pub(super) struct Values<'a> {
    pub(super) text: &'a str,
    at: usize,
    builder: Builder<'a>,
    /// Values given out.
    pub(super) count: u32,
}

/// One value that fills the whole text.
pub fn document(text: &str) -> Result<Document<'_>, TreeError> {
    if text.len() > super::MAX_INPUT {
        return Err(TreeError::at_start(TreeErrorKind::TooLong));
    }
    let mut values = Values::new(text, 0);
    let first = values
        .next()
        .unwrap_or_else(|| Err(values.error(TreeErrorKind::Json("value expected"))))?;
    values.skip_space();
    if values.at < text.len() {
        return Err(values.error(TreeErrorKind::Json("text after the value")));
    }
    Ok(first)
}

type Outcome<T> = Result<T, (TreeErrorKind, usize)>;

impl<'a> Values<'a> {
    pub(super) fn new(text: &'a str, at: usize) -> Self {
        Values {
            text,
            at,
            builder: Builder::new(text.len()),
            count: 0,
        }
    }

    pub(super) fn next(&mut self) -> Option<Result<Document<'a>, TreeError>> {
        self.skip_space();
        if self.at >= self.text.len() {
            return None;
        }
        let start = u32::try_from(self.at).unwrap_or(0);
        Some(match self.value() {
            Ok(()) => {
                let document = self.builder.take(self.count, start);
                self.count = self.count.saturating_add(1);
                Ok(document)
            }
            Err((kind, at)) => Err(TreeError::at(kind, self.text, at)),
        })
    }

    fn error(&self, kind: TreeErrorKind) -> TreeError {
        TreeError::at(kind, self.text, self.at)
    }

    fn value(&mut self) -> Outcome<()> {
        loop {
            self.skip_space();
            let entry = match self.builder.inside() {
                Some(mapping) => !mapping || self.builder.expects_key(),
                None => false,
            };
            if entry && self.closes() {
                self.at += 1;
                self.builder
                    .finish(Some(offset(self.at)))
                    .map_err(|(kind, at)| (kind, at as usize))?;
            } else {
                if entry && self.builder.count() > 0 {
                    self.comma()?;
                }
                self.item()?;
            }
            if self.builder.complete() {
                return Ok(());
            }
        }
    }

    fn closes(&self) -> bool {
        match self.builder.inside() {
            Some(true) => self.peek() == Some(b'}'),
            Some(false) => self.peek() == Some(b']'),
            None => false,
        }
    }

    fn comma(&mut self) -> Outcome<()> {
        if !self.accept(b",") {
            let wrong = TreeErrorKind::Json("comma or closing bracket expected");
            return Err((wrong, self.at));
        }
        self.skip_space();
        Ok(())
    }

    fn item(&mut self) -> Outcome<()> {
        let start = self.at;
        let key = self.builder.expects_key();
        let at_start = |kind| (kind, start);
        let value = match self.peek() {
            Some(b'"') => Value::Text(self.string()?),
            _ if key => return Err((TreeErrorKind::Json("key in quotes expected"), start)),
            Some(open @ (b'{' | b'[')) => {
                self.at += 1;
                self.builder
                    .begin(open == b'{', offset(start))
                    .map_err(at_start)?;
                return Ok(());
            }
            Some(b't') => self.literal("true", Value::Bool(true))?,
            Some(b'f') => self.literal("false", Value::Bool(false))?,
            Some(b'n') => self.literal("null", Value::Null)?,
            Some(b'-' | b'0'..=b'9') => Value::Number(Cow::Borrowed(self.number()?)),
            _ => return Err((TreeErrorKind::Json("value expected"), start)),
        };
        self.builder
            .scalar(value, offset(start), offset(self.at))
            .map_err(at_start)?;
        if key {
            self.skip_space();
            if self.peek() != Some(b':') {
                return Err((TreeErrorKind::Json("colon expected"), self.at));
            }
            self.at += 1;
        }
        Ok(())
    }

    fn literal(&mut self, word: &str, value: Value<'a>) -> Outcome<Value<'a>> {
        if !self.rest().starts_with(word) {
            return Err((TreeErrorKind::Json("value expected"), self.at));
        }
        self.at += word.len();
        Ok(value)
    }

    fn number(&mut self) -> Outcome<&'a str> {
        let start = self.at;
        let wrong = |at| (TreeErrorKind::Json("malformed number"), at);
        self.accept(b"-");
        let leading_zero = self.peek() == Some(b'0');
        let digits = self.digits();
        if digits == 0 || (leading_zero && digits > 1) {
            return Err(wrong(self.at));
        }
        if self.accept(b".") && self.digits() == 0 {
            return Err(wrong(self.at));
        }
        if self.accept(b"eE") {
            self.accept(b"+-");
            if self.digits() == 0 {
                return Err(wrong(self.at));
            }
        }
        let text = self.text.get(start..self.at).unwrap_or_default();
        if text.len() > 20 && !text.parse::<f64>().is_ok_and(f64::is_finite) {
            return Err((TreeErrorKind::NotFinite, start));
        }
        Ok(text)
    }

    fn accept(&mut self, any: &[u8]) -> bool {
        let yes = self.peek().is_some_and(|b| any.contains(&b));
        self.at += usize::from(yes);
        yes
    }

    fn digits(&mut self) -> usize {
        let start = self.at;
        while self.peek().is_some_and(|b| b.is_ascii_digit()) {
            self.at += 1;
        }
        self.at - start
    }

    fn string(&mut self) -> Outcome<Cow<'a, str>> {
        let start = self.at + 1;
        let bytes = self.text.as_bytes();
        let mut at = start;
        loop {
            match bytes.get(at) {
                Some(b'"') => {
                    self.at = at + 1;
                    return Ok(Cow::Borrowed(self.text.get(start..at).unwrap_or_default()));
                }
                Some(b'\\') => break,
                Some(0..=0x1F) => return Err((TreeErrorKind::ControlCharacter, at)),
                Some(_) => at += 1,
                None => return Err((TreeErrorKind::Json("quote is not closed"), self.at)),
            }
        }
        self.escaped(start, at).map(Cow::Owned)
    }

    fn escaped(&mut self, start: usize, first: usize) -> Outcome<String> {
        let bytes = self.text.as_bytes();
        let open = self.at;
        let mut out = self.text.get(start..first).unwrap_or_default().to_owned();
        let mut at = first;
        let mut plain = at;
        loop {
            let byte = bytes.get(at);
            if matches!(byte, Some(b'"' | b'\\')) {
                out.push_str(self.text.get(plain..at).unwrap_or_default());
            }
            match byte {
                Some(b'"') => {
                    self.at = at + 1;
                    return Ok(out);
                }
                Some(b'\\') => {
                    let (character, length) = escape(self.text.get(at..).unwrap_or_default())
                        .ok_or((TreeErrorKind::Json("unknown escape in a quoted text"), at))?;
                    out.push(character);
                    at += length;
                    plain = at;
                }
                Some(0..=0x1F) => return Err((TreeErrorKind::ControlCharacter, at)),
                Some(_) => at += 1,
                None => return Err((TreeErrorKind::Json("quote is not closed"), open)),
            }
        }
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }
}

/// The character of an escape and the bytes that it takes. A lone surrogate becomes U+FFFD, as in Go.
fn escape(text: &str) -> Option<(char, usize)> {
    let simple = match text.as_bytes().get(1)? {
        b'"' => '"',
        b'\\' => '\\',
        b'/' => '/',
        b'b' => '\u{8}',
        b'f' => '\u{C}',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        b'u' => return unicode(text),
        _ => return None,
    };
    Some((simple, 2))
}

fn unicode(text: &str) -> Option<(char, usize)> {
    let unit = |at: usize| -> Option<u16> {
        let digits = text.get(at..at + 4)?;
        digits
            .bytes()
            .all(|b| b.is_ascii_hexdigit())
            .then(|| u16::from_str_radix(digits, 16).ok())?
    };
    let first = unit(2)?;
    if let Some(character) = char::from_u32(u32::from(first)) {
        return Some((character, 6));
    }
    let second = text
        .get(6..8)
        .filter(|next| *next == "\\u")
        .and_then(|_| unit(8));
    match second.map(|second| char::decode_utf16([first, second]).next()) {
        Some(Some(Ok(character))) => Some((character, 12)),
        _ => Some((char::REPLACEMENT_CHARACTER, 6)),
    }
}

fn offset(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}
