//! Base64, as files write it. Comes in: letters of either alphabet (RFC 4648, sections 4 and 5), with or without `=`.
//! Goes out: bytes. Never: more than was allowed.

/// At most `most` bytes, of the letters before the first one that belongs to neither alphabet; white space is passed
/// over. `None`: fewer than four letters.
pub(super) fn base64(text: &[u8], most: usize) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(most.min(text.len() / 4 * 3 + 3));
    let (mut bits, mut held, mut letters) = (0u32, 0u8, 0usize);
    for byte in text {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            b'\n' | b'\r' | b' ' => continue,
            _ => break,
        };
        letters += 1;
        bits = (bits << 6) | u32::from(value);
        held += 6;
        if held >= 8 {
            if out.len() >= most {
                break;
            }
            held -= 8;
            out.push(u8::try_from((bits >> held) & 0xff).unwrap_or(0));
        }
    }
    (letters >= 4).then_some(out)
}

#[cfg(test)]
mod tests {
    use super::base64;

    #[test]
    fn either_alphabet_cut_anywhere() {
        let check = |text: &str, most: usize, expected: Option<&str>| {
            let found = base64(text.as_bytes(), most);
            assert_eq!(found.as_deref(), expected.map(str::as_bytes), "{text}");
        };
        check("aGVsbG8=", 100, Some("hello"));
        check("aGVsbG8", 100, Some("hello"));
        check("aGVs\nbG8=", 100, Some("hello"));
        check("aGVsbG8=", 2, Some("he"));
        check("dT9-Pg\"", 9, Some("u?~>"));
        check("abc", 9, None);
        check("", 9, None);
    }
}
