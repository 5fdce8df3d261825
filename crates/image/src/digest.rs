//! Digests as OCI writes them (image-spec, descriptor.md). Comes in: bytes. Goes out: `sha256:...`. Never: compares
//! anything but whole digests of the same algorithm.

use model::image::is_digest;
use sha2::{Digest as _, Sha256, Sha512};
use std::fmt::Write as _;

/// The algorithms that OCI registers.
pub enum Hasher {
    Sha256(Sha256),
    Sha512(Sha512),
}

impl Hasher {
    /// For the algorithm of `digest`; `None` where it is no digest that can be checked.
    pub fn like(digest: &str) -> Option<Self> {
        if !is_digest(digest) {
            return None;
        }
        Some(if digest.starts_with("sha512:") {
            Hasher::Sha512(Sha512::new())
        } else {
            Hasher::Sha256(Sha256::new())
        })
    }

    pub fn update(&mut self, bytes: &[u8]) {
        match self {
            Hasher::Sha256(hash) => hash.update(bytes),
            Hasher::Sha512(hash) => hash.update(bytes),
        }
    }

    pub fn finish(self) -> String {
        match self {
            Hasher::Sha256(hash) => written("sha256:", &hash.finalize()),
            Hasher::Sha512(hash) => written("sha512:", &hash.finalize()),
        }
    }
}

/// The SHA-256 digest of `bytes`.
pub fn sha256(bytes: &[u8]) -> String {
    written("sha256:", &Sha256::digest(bytes))
}

/// Whether `bytes` have `digest`; the digest found otherwise. What is no digest is never met.
pub fn check(bytes: &[u8], digest: &str) -> Result<(), String> {
    let Some(mut hasher) = Hasher::like(digest) else {
        return Err(sha256(bytes));
    };
    hasher.update(bytes);
    let found = hasher.finish();
    if found.eq_ignore_ascii_case(digest) {
        Ok(())
    } else {
        Err(found)
    }
}

/// The hexadecimal part; `None` for what is no digest.
pub fn hexadecimal(digest: &str) -> Option<&str> {
    is_digest(digest).then(|| digest.split_once(':').map(|(_, hex)| hex))?
}

fn written(algorithm: &str, bytes: &[u8]) -> String {
    let mut text = String::with_capacity(algorithm.len() + 2 * bytes.len());
    text.push_str(algorithm);
    for byte in bytes {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests() {
        // FIPS 180-4, the examples of "abc".
        let short = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        let long = "sha512:ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a\
                    2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f";
        assert_eq!(sha256(b"abc"), short);
        for digest in [short, long] {
            assert_eq!(check(b"abc", digest), Ok(()), "{digest}");
            assert!(check(b"abd", digest).is_err(), "{digest}");
        }
        assert_eq!(check(b"abc", "md5:900150983cd24fb0"), Err(short.to_owned()));
        assert_eq!(hexadecimal(short), short.strip_prefix("sha256:"));
        assert_eq!(hexadecimal("sha256:../../x"), None);
    }
}
