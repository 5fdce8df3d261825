//! What a plain YAML scalar means to Kubernetes: the rules of goyaml.v2 (`resolve.go`) under sigs.k8s.io/yaml,
//! which are YAML 1.1 with the octals of Go. Dates stay texts, as there; base 60 does not exist, as there.
//! Numbers keep their text; their JSON form is that of Go's encoding/json.

use std::borrow::Cow;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plain {
    Null,
    Bool(bool),
    Number,
    /// `.inf`, `.nan`: JSON has no form for it.
    NotFinite,
    Text,
}

/// The meaning of an unquoted scalar without a tag.
pub fn plain(text: &str) -> Plain {
    let Some(first) = text.bytes().next() else {
        return Plain::Null;
    };
    match first {
        b'~' | b'n' | b'N' | b'y' | b'Y' | b't' | b'T' | b'f' | b'F' | b'o' | b'O' => word(text),
        b'.' => match text {
            ".inf" | ".Inf" | ".INF" | ".nan" | ".NaN" | ".NAN" => Plain::NotFinite,
            _ => float(text),
        },
        b'+' | b'-' | b'0'..=b'9' => match text {
            "+.inf" | "+.Inf" | "+.INF" | "-.inf" | "-.Inf" | "-.INF" => Plain::NotFinite,
            _ => number(text),
        },
        _ => Plain::Text,
    }
}

fn word(text: &str) -> Plain {
    match text {
        "~" | "null" | "Null" | "NULL" => Plain::Null,
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
            Plain::Bool(true)
        }
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            Plain::Bool(false)
        }
        _ => Plain::Text,
    }
}

fn number(text: &str) -> Plain {
    let plain = without_underscores(text);
    if integer(&plain).is_some() {
        return Plain::Number;
    }
    float(&plain)
}

fn float(text: &str) -> Plain {
    if is_float(text) && text.parse::<f64>().is_ok_and(f64::is_finite) {
        Plain::Number
    } else {
        Plain::Text
    }
}

/// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`
fn is_float(text: &str) -> bool {
    let text = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (mantissa, exponent) = match text.find(['e', 'E']) {
        Some(at) => (
            text.get(..at).unwrap_or_default(),
            Some(text.get(at + 1..).unwrap_or_default()),
        ),
        None => (text, None),
    };
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    digits(whole)
        && digits(fraction)
        && !(whole.is_empty() && fraction.is_empty())
        && exponent.is_none_or(|exponent| {
            let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
            !exponent.is_empty() && digits(exponent)
        })
}

/// An integer as `strconv.ParseInt(text, 0, 64)` and its big fall-back read it, in decimal.
fn integer(text: &str) -> Option<Cow<'_, str>> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let lower = |at: usize| digits.as_bytes().get(at).map(u8::to_ascii_lowercase);
    let radix = match (lower(0), lower(1)) {
        (Some(b'0'), Some(b'x')) => Some((16, 2)),
        (Some(b'0'), Some(b'o')) => Some((8, 2)),
        (Some(b'0'), Some(b'b')) => Some((2, 2)),
        (Some(b'0'), Some(_)) => Some((8, 1)),
        _ => None,
    };
    let Some((radix, skip)) = radix else {
        if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        return Some(match text.strip_prefix('+') {
            Some(rest) => Cow::Borrowed(rest),
            None => Cow::Borrowed(text),
        });
    };
    let digits = digits.get(skip..).filter(|d| !d.starts_with(['+', '-']))?;
    let value = u128::from_str_radix(digits, radix).ok()?;
    let sign = if negative && value != 0 { "-" } else { "" };
    Some(Cow::Owned(format!("{sign}{value}")))
}

fn without_underscores(text: &str) -> Cow<'_, str> {
    if text.contains('_') {
        Cow::Owned(text.replace('_', ""))
    } else {
        Cow::Borrowed(text)
    }
}

/// The JSON text of a number: integers in decimal, others as Go prints a float64 (`1.0` is `1`).
pub fn json_number(text: &str) -> Cow<'_, str> {
    if is_json_integer(text) {
        return Cow::Borrowed(text);
    }
    let plain = without_underscores(text);
    match integer(&plain) {
        Some(zero) if zero == "-0" => return Cow::Borrowed("0"),
        Some(decimal) => return Cow::Owned(decimal.into_owned()),
        None => {}
    }
    let value: f64 = plain.parse().unwrap_or(0.0);
    let size = value.abs();
    Cow::Owned(if size != 0.0 && !(1e-6..1e21).contains(&size) {
        format!("{value:e}")
    } else {
        format!("{value}")
    })
}

/// `-?(0|[1-9][0-9]*)`
fn is_json_integer(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text).as_bytes();
    match digits {
        [b'0'] => text.len() == 1,
        [b'1'..=b'9', rest @ ..] => rest.iter().all(u8::is_ascii_digit),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Plain, json: &str) {
        assert_eq!(plain(text), expected, "{text}");
        if expected == Plain::Number {
            assert_eq!(json_number(text), json, "{text}");
            serde_json::from_str::<serde_json::Number>(&json_number(text)).unwrap();
        }
    }

    #[test]
    fn words() {
        for text in ["", "~", "null", "Null", "NULL"] {
            check(text, Plain::Null, "");
        }
        for text in [
            "y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON",
        ] {
            check(text, Plain::Bool(true), "");
        }
        for text in [
            "n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF",
        ] {
            check(text, Plain::Bool(false), "");
        }
        for text in [
            "yEs", "tRue", "nULL", "oFF", "nil", "none", "NaN", "nan", "Inf", "t", "f", "o",
        ] {
            check(text, Plain::Text, "");
        }
        for text in [".inf", "-.Inf", "+.INF", ".NaN", ".nan", ".NAN"] {
            check(text, Plain::NotFinite, "");
        }
    }

    #[test]
    fn numbers() {
        for (text, json) in [
            ("0", "0"),
            ("-0", "0"),
            ("+0", "0"),
            ("12", "12"),
            ("+12", "12"),
            ("012", "10"),
            ("0o12", "10"),
            ("0O12", "10"),
            ("-012", "-10"),
            ("08", "8"),
            ("0644", "420"),
            ("09.5", "9.5"),
            ("0x1F", "31"),
            ("-0X1f", "-31"),
            ("0b101", "5"),
            ("-0b11", "-3"),
            ("1_000", "1000"),
            ("1__0_", "10"),
            ("0x_1F", "31"),
            ("1.50", "1.5"),
            ("1.0", "1"),
            ("1.", "1"),
            (".5", "0.5"),
            ("+.5", "0.5"),
            ("-1.5", "-1.5"),
            ("1e3", "1000"),
            ("1E+3", "1000"),
            ("12e03", "12000"),
            ("1e-7", "1e-7"),
            ("1e21", "1e21"),
            ("0.000001", "0.000001"),
            ("9223372036854775808", "9223372036854775808"),
            (
                "123456789012345678901234567890",
                "123456789012345678901234567890",
            ),
            ("1_0.5", "10.5"),
        ] {
            check(text, Plain::Number, json);
        }
        for text in [
            "-",
            "+",
            "--1",
            "_1",
            "1.2.3",
            "1:30",
            "190:20:30",
            "0x",
            "0xg",
            "0o8",
            "0b2",
            "1e",
            "1e400",
            "0x1p-2",
            "2024-01-01",
            "2001-12-14t21:59:43.10-05:00",
            "1-2",
            "10.0.0.1",
            "1Gi",
            "100m",
            "._5",
            ".",
            "..",
            ".e1",
            "1 000",
            "0x-5",
            "0-5",
            "1,000",
        ] {
            check(text, Plain::Text, "");
        }
    }
}
