//! Alpine and its relatives: `digits{.digits}{letter}{_suffix{digits}}{~hash}{-rN}`.
//! Source: apk-tools 3 `src/version.c`. Where 3 finds a string invalid it calls the rest equal; strings that older
//! releases wrote (`1.9.5p2`, `1.0-r`, empty components) are ordered on as apk-tools 2 does, below what is valid.

use super::digits;
use std::cmp::Ordering;

pub(super) fn compare(a: &[u8], b: &[u8]) -> Ordering {
    let (mut a, mut b) = (Tokens::of(a), Tokens::of(b));
    loop {
        let (a, b) = (a.next(), b.next());
        let order = a.rank().cmp(&b.rank()).then_with(|| value(a, b));
        if order.is_ne() || matches!(a, Token::End | Token::Invalid) {
            return order;
        }
    }
}

#[derive(Clone, Copy)]
enum Token<'a> {
    /// Weight below [`RELEASE`]: older than nothing.
    Suffix(u8),
    /// What cannot be read; nothing is read behind it.
    Invalid,
    /// A component without digits.
    Empty,
    End,
    Revision(&'a [u8]),
    Hash(&'a [u8]),
    SuffixNumber(&'a [u8]),
    Letter(u8),
    /// The first component, and one right behind a letter: always by value.
    Number(&'a [u8]),
    /// A component behind a dot: by value, as text where one has a leading zero (the rule of Gentoo's fractions).
    Component(&'a [u8]),
}

impl Token<'_> {
    fn rank(self) -> u8 {
        match self {
            Self::Suffix(weight) if weight < RELEASE => 0,
            Self::Invalid => 1,
            Self::Empty => 2,
            Self::End => 3,
            Self::Revision(_) => 4,
            Self::Hash(_) => 5,
            Self::SuffixNumber(_) => 6,
            Self::Suffix(_) => 7,
            Self::Letter(_) => 8,
            Self::Number(_) | Self::Component(_) => 9,
        }
    }
}

/// Of two tokens of one rank.
fn value(a: Token<'_>, b: Token<'_>) -> Ordering {
    match (a, b) {
        (Token::Suffix(a), Token::Suffix(b)) | (Token::Letter(a), Token::Letter(b)) => a.cmp(&b),
        (Token::Hash(a), Token::Hash(b)) => a.cmp(b),
        (Token::Component(a), Token::Component(b)) if a[0] == b'0' || b[0] == b'0' => a.cmp(b),
        (Token::Number(a) | Token::Component(a), Token::Number(b) | Token::Component(b))
        | (Token::Revision(a), Token::Revision(b))
        | (Token::SuffixNumber(a), Token::SuffixNumber(b)) => digits::by_value(a, b),
        _ => Ordering::Equal,
    }
}

const SUFFIXES: [&[u8]; 10] = [
    b"alpha", b"beta", b"pre", b"rc", b"", b"cvs", b"svn", b"git", b"hg", b"p",
];
/// The weight of having no suffix: where the empty one stands in [`SUFFIXES`].
const RELEASE: u8 = 4;

/// What may follow depends on what was read.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum State {
    Start,
    Components,
    Letter,
    Suffix,
    SuffixNumber,
    Hash,
    Revision,
}

struct Tokens<'a> {
    rest: &'a [u8],
    state: State,
}

impl<'a> Tokens<'a> {
    fn of(rest: &'a [u8]) -> Self {
        Self {
            rest,
            state: State::Start,
        }
    }

    fn next(&mut self) -> Token<'a> {
        let state = self.state;
        if state == State::Start {
            self.state = State::Components;
            return self.digits(Token::Number);
        }
        match *self.rest {
            [] => Token::End,
            [b'.', ref rest @ ..] if state <= State::Letter => {
                self.rest = rest;
                self.state = State::Components;
                self.digits(Token::Component)
            }
            [letter @ b'a'..=b'z', ref rest @ ..] if state == State::Components => {
                self.rest = rest;
                self.state = State::Letter;
                Token::Letter(letter)
            }
            [b'0'..=b'9', ..] if state == State::Letter => {
                self.state = State::Components;
                self.digits(Token::Number)
            }
            [b'0'..=b'9', ..] if state == State::Suffix => {
                self.state = State::SuffixNumber;
                self.digits(Token::SuffixNumber)
            }
            [b'_', ref rest @ ..] if state <= State::SuffixNumber => {
                let (word, rest) = digits::split(rest, |byte| byte.is_ascii_lowercase());
                let known = (0_u8..).zip(SUFFIXES).find(|(_, suffix)| *suffix == word);
                match known {
                    Some((weight, _)) if weight != RELEASE => {
                        self.rest = rest;
                        self.state = State::Suffix;
                        Token::Suffix(weight)
                    }
                    _ => Token::Invalid,
                }
            }
            [b'~', ref rest @ ..] if state < State::Hash => {
                let (hash, rest) = digits::split(rest, |byte| byte.is_ascii_hexdigit());
                if hash.is_empty() {
                    return Token::Invalid;
                }
                self.rest = rest;
                self.state = State::Hash;
                Token::Hash(hash)
            }
            // `-r` alone is `-r0`; a word that only starts like it is none.
            [b'-', b'r', ref rest @ ..]
                if state < State::Revision
                    && !rest.first().is_some_and(u8::is_ascii_alphabetic) =>
            {
                let (number, rest) = digits::split_digits(rest);
                self.rest = rest;
                self.state = State::Revision;
                Token::Revision(number)
            }
            _ => Token::Invalid,
        }
    }

    fn digits(&mut self, token: fn(&'a [u8]) -> Token<'a>) -> Token<'a> {
        let (number, rest) = digits::split_digits(self.rest);
        self.rest = rest;
        if number.is_empty() {
            Token::Empty
        } else {
            token(number)
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::version::{Scheme, check};

    #[test]
    fn corners() {
        check(
            Scheme::Apk,
            "1.0_alpha < 1.0_alpha1 < 1.0_beta < 1.0_pre < 1.0_rc1 < 1.0 < 1.0-r0 < 1.0-r10
             1.0-r9 < 1.0_cvs < 1.0_svn < 1.0_git20240101 < 1.0_hg < 1.0_p < 1.0_p1 < 1.0a < 1.0.0
             1.0_p1_alpha < 1.0_p1 < 1.0_p1_p1
             1.0_p9 < 1.0_p10
             1.0~abc = 1.0~abc < 1.0~abd
             1.0-r5 < 1.0~abc
             1.0~abc < 1.0~abc-r1
             1.1 > 1.01 > 1.0 < 1.00 < 1.01
             1.09 > 1.010
             01 = 1
             1.2.3-r1 = 1.2.3-r01
             2.0_foo < 2.0
             1.9.5p1-r0 < 1.9.5p2-r0
             99999999999999999999 < 100000000000000000000",
        );
    }
}
