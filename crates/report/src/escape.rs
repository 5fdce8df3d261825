//! Untrusted text made harmless and still readable: what a terminal, a spreadsheet or a browser
//! would act on is written out as `\u{1b}`. Never drops a character.

use serde::Serialize;
use serde_json::ser::{CharEscape, Formatter};
use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::{self, BufWriter, Write};

/// Characters that steer instead of show: C0 and C1 controls, line separators, bidirectional
/// controls (UAX #9), zero-width and other invisible format characters (general category Cf), and the two
/// noncharacters that XML 1.0 (2.2) forbids.
pub(crate) fn steers(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
            | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{fffe}' | '\u{ffff}' | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// The text with every steering character written out: `\n`, `\t`, `\u{202e}`.
pub(crate) fn visible(text: &str) -> Cow<'_, str> {
    if text.bytes().all(|b| (0x20..0x7f).contains(&b)) || !text.chars().any(steers) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if steers(c) => {
                let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    Cow::Owned(out)
}

/// JSON in which steering characters are `\u` escapes, so that `cat report.json` is harmless and
/// the value is the same. For a script block, markup characters are escaped too.
#[derive(Clone, Copy)]
pub(crate) struct SafeJson {
    pub(crate) in_markup: bool,
}

impl Formatter for SafeJson {
    fn write_string_fragment<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        let risky = |b: u8| b >= 0x7f || self.in_markup && matches!(b, b'<' | b'>' | b'&');
        if !fragment.bytes().any(risky) {
            return writer.write_all(fragment.as_bytes());
        }
        let mut start = 0;
        for (at, c) in fragment.char_indices() {
            if !(steers(c) || self.in_markup && matches!(c, '<' | '>' | '&')) {
                continue;
            }
            writer.write_all(fragment.get(start..at).unwrap_or("").as_bytes())?;
            for unit in c.encode_utf16(&mut [0; 2]) {
                write!(writer, "\\u{unit:04x}")?;
            }
            start = at + c.len_utf8();
        }
        writer.write_all(fragment.get(start..).unwrap_or("").as_bytes())
    }

    fn write_char_escape<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        escape: CharEscape,
    ) -> io::Result<()> {
        serde_json::ser::CompactFormatter.write_char_escape(writer, escape)
    }
}

/// One document and a line end, piece by piece. Bytes that would steer a terminal are `\u` escapes.
pub(crate) fn write_json(document: &impl Serialize, out: &mut dyn Write) -> io::Result<()> {
    let mut out = BufWriter::new(out);
    write_json_part(document, &mut out)?;
    out.write_all(b"\n")?;
    out.flush()
}

/// A value inside of a document.
pub(crate) fn write_json_part(
    value: &(impl Serialize + ?Sized),
    out: &mut dyn Write,
) -> io::Result<()> {
    let formatter = SafeJson { in_markup: false };
    value.serialize(&mut serde_json::Serializer::with_formatter(out, formatter))?;
    Ok(())
}

/// Text and attribute values of HTML and XML.
pub(crate) fn markup(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    for c in visible(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

/// A DOT string: quotes and backslashes are escaped, and nothing steers.
pub(crate) fn dot_string(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in visible(text).chars() {
        if matches!(c, '"' | '\\') {
            quoted.push('\\');
        }
        quoted.push(c);
    }
    quoted.push('"');
    quoted
}

/// A double-quoted scalar (YAML 1.2, 7.3.1).
pub(crate) fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => {
                quoted.push('\\');
                quoted.push(c);
            }
            // Outside of what a YAML stream may hold as it is, or steering.
            c if steers(c) || matches!(c, '\u{fffe}' | '\u{ffff}') => {
                let _ = write!(quoted, "\\U{:08x}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(text: &str, expected: &str) {
        assert_eq!(visible(text), expected);
    }

    #[test]
    fn steering_characters_are_written_out() {
        check("plain text", "plain text");
        check("größer 漢字", "größer 漢字");
        check("a\nb\r\tc", "a\\nb\\r\\tc");
        check("\u{1b}[31mred", "\\u{1b}[31mred");
        check("\u{9b}31m", "\\u{9b}31m");
        check("web\u{202e}txt.exe", "web\\u{202e}txt.exe");
        check("a\u{200b}b\u{feff}", "a\\u{200b}b\\u{feff}");
        check("\u{e0041}", "\\u{e0041}");
    }

    fn json(text: &str, in_markup: bool) -> String {
        let mut out = Vec::new();
        let mut serializer =
            serde_json::Serializer::with_formatter(&mut out, SafeJson { in_markup });
        text.serialize(&mut serializer).unwrap();
        String::from_utf8(out).unwrap()
    }

    proptest! {
        #[test]
        fn nothing_steers_and_json_keeps_the_value(text in "\\PC*|[\\x00-\\x1f\u{80}-\u{9f}\u{202a}-\u{202e}\u{e0001}<>&\"a-z]*", in_markup: bool) {
            prop_assert!(!visible(&text).chars().any(steers));
            let json = json(&text, in_markup);
            prop_assert!(!json.chars().any(steers));
            if in_markup { prop_assert!(!json.contains(['<', '>', '&'])); }
            prop_assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
        }
    }
}
