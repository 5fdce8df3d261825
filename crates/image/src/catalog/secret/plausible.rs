//! Whether a text can be a secret at all. Comes in: a value. Goes out: yes, or no for examples of documentation,
//! placeholders, words and what is made of a pattern. Never: a dictionary of real secrets.

/// Words of values that stand for a secret; folded to lower case, signs left out.
const PLACEHOLDERS: &[&str] = &[
    "changeme",
    "changeit",
    "changethis",
    "replaceme",
    "placeholder",
    "example",
    "redacted",
    "yourpass",
    "yoursecret",
    "yourtoken",
    "yourapi",
    "yourkey",
    "yourown",
    "mypass",
    "mysecret",
    "mytoken",
    "dummy",
    "notasecret",
    "nosecret",
    "samplekey",
    "sampletoken",
    "insertyour",
    "fillme",
    "todofixme",
    "xxxx",
    "foobar",
    "qwerty",
    "letmein",
    "loremipsum",
    "abcdefgh",
    "12345678",
    "87654321",
    "deadbeef",
    "testtest",
    "testkey",
    "testtoken",
    "testsecret",
    "testpass",
    "secretkey",
    "secrethere",
    "tokenhere",
    "passwordhere",
    "keyhere",
    "password",
    "passwd",
    "passphrase",
];

/// Bits a byte, of the frequencies in the text itself (Shannon).
pub(super) fn entropy(text: &[u8]) -> f64 {
    let mut counts = [0u32; 256];
    for byte in text {
        counts[usize::from(*byte)] += 1;
    }
    let all = text.len() as f64;
    let share = counts
        .iter()
        .filter(|n| **n > 0)
        .map(|n| f64::from(*n) / all);
    share.map(|p| -p * p.log2()).sum()
}

/// A run that a generator of tokens does not make: the same byte over and over, or the alphabet.
pub(super) fn is_pattern(text: &[u8]) -> bool {
    let longest = |same: fn(u8, u8) -> bool| {
        let mut run = 1;
        let mut best = 1;
        for pair in text.windows(2) {
            run = if matches!(pair, &[a, b] if same(a, b)) {
                run + 1
            } else {
                1
            };
            best = best.max(run);
        }
        best
    };
    longest(|a, b| a == b) >= 6
        || longest(|a, b| b == a.wrapping_add(1)) >= 7
        || longest(|a, b| a == b.wrapping_add(1)) >= 7
}

/// Whether it says of itself that it is none.
pub(super) fn is_placeholder(text: &[u8]) -> bool {
    let letters: Vec<u8> = text
        .iter()
        .filter(|b| b.is_ascii_alphanumeric())
        .map(u8::to_ascii_lowercase)
        .collect();
    let holds = |word: &str| memchr::memmem::find(&letters, word.as_bytes()).is_some();
    PLACEHOLDERS.iter().any(|word| holds(word))
}

/// What stands where a generator of tokens would have put random letters. `least`: bits a byte.
pub(super) fn is_random(text: &[u8], least: f64) -> bool {
    entropy(text) >= least && !is_pattern(text) && !is_placeholder(text)
}

/// A value that a person or a generator chose as a password: no word alone, no variable, path, call or sentence.
pub(super) fn is_password(value: &[u8]) -> bool {
    let letters = value.iter().any(u8::is_ascii_alphabetic);
    let others = value.iter().filter(|b| !b.is_ascii_alphabetic()).count();
    (6..=256).contains(&value.len())
        && value.iter().all(u8::is_ascii_graphic)
        && letters
        && others > 0
        && !is_said_elsewhere(value)
        && !is_ordinary(value)
        && is_random(value, 2.25)
}

/// A key or token that a generator made.
pub(super) fn is_key(value: &[u8]) -> bool {
    let digits = value.iter().filter(|b| b.is_ascii_digit()).count();
    let letters = value.iter().filter(|b| b.is_ascii_alphabetic()).count();
    let hexadecimal = value.iter().all(|b| b.is_ascii_hexdigit() || *b == b'-');
    (16..=512).contains(&value.len())
        && value
            .iter()
            .all(|b| b.is_ascii_alphanumeric() || b"+/=_-.~:!@#$%^&*".contains(b))
        && digits >= 2
        && letters >= 2
        && !is_said_elsewhere(value)
        && !is_ordinary(value)
        && is_random(value, if hexadecimal { 3.0 } else { 3.5 })
}

/// A reference to where the value comes from, which is what should stand there.
fn is_said_elsewhere(value: &[u8]) -> bool {
    let starts = |with: &[&[u8]]| with.iter().any(|start| value.starts_with(start));
    let holds = |what: &[u8]| memchr::memmem::find(value, what).is_some();
    starts(&[
        b"$",
        b"%",
        b"@",
        b"{{",
        b"<",
        b"/",
        b"./",
        b"../",
        b"~",
        b"&",
        b"*",
        b"!",
        b"env:",
        b"ENC[",
        b"ENC(",
        b"vault:",
        b"arn:",
        b"sha256:",
        b"sha512:",
        b"file:",
        b"base64:ey",
    ]) || holds(b"${")
        || holds(b"{{")
        || holds(b"$(")
        || holds(b"%(")
        || holds(b"<%")
        || holds(b"://")
        || holds(b"()")
        || holds(b"\\u")
        || holds(b"...")
        || value.iter().any(|b| b"[]<>|`\"'".contains(b))
}

/// Words joined by signs, versions, dates, names of code: `my-token-name`, `settings.API_TOKEN`, `1.2.3-rc1`,
/// `DB_PASSWORD_2`.
fn is_ordinary(value: &[u8]) -> bool {
    let words: Vec<&[u8]> = value
        .split(|b| b"_-./:,+&;=?@ ".contains(b))
        .filter(|w| !w.is_empty())
        .collect();
    let word = |w: &&[u8]| {
        let letters = w.iter().take_while(|b| b.is_ascii_alphabetic()).count();
        let digits = w.len() - letters;
        let rest = w.get(letters..).unwrap_or(&[]);
        // One case, or a capital first: `Token`, `TOKEN2`, `v1`.
        let tail = w.get(1..letters).unwrap_or(&[]);
        let same = tail.iter().all(u8::is_ascii_lowercase)
            || w.get(..letters)
                .is_some_and(|w| w.iter().all(u8::is_ascii_uppercase));
        rest.iter().all(u8::is_ascii_digit) && same && (letters == 0 || digits <= 2)
    };
    let code = value.iter().any(|b| b"(){};".contains(b))
        && value.iter().filter(|b| b.is_ascii_punctuation()).count() > 1
        && value.ends_with(b")");
    (words.len() > 1 && words.iter().all(word)) || code
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_and_what_is_none() {
        for (value, expected) in [
            ("hunter2!", true),
            ("Tr0ub4dor&3", true),
            ("s3cr3t-9fQz", true),
            ("correct", false),
            ("changeme123", false),
            ("${DB_PASSWORD}", false),
            ("$DB_PASS1", false),
            ("{{ .Values.x1 }}", false),
            ("<password1>", false),
            ("/run/secrets/db1", false),
            ("os.environ['A1']", false),
            ("get_password(1)", false),
            ("my-app-name-2", false),
            ("settings.TOKEN_1", false),
            ("aaaaaaa1", false),
            ("123456789", false),
            ("abc1", false),
            ("wörd12345", false),
        ] {
            assert_eq!(is_password(value.as_bytes()), expected, "{value}");
        }
    }

    #[test]
    fn keys_and_what_is_none() {
        for (value, expected) in [
            ("9f86d081884c7d659a2feaa0c55ad015", true),
            ("Zq3vT8xLr5NwKp2JdY7b", true),
            ("00000000000000000000000000000000", false),
            ("0123456789abcdef0123456789abcdef", false),
            ("my-long-token-name-for-tests-1", false),
            ("ThisIsNotARandomTextAtAll", false),
            ("YOUR_API_KEY_GOES_HERE_123", false),
            ("short1aB", false),
        ] {
            assert_eq!(is_key(value.as_bytes()), expected, "{value}");
        }
    }
}
