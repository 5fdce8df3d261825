//! Licences as packages write them, told apart: identifiers of the SPDX list that are common, and everything else.

/// Common identifiers of the SPDX licence list, ordered. What is not here is a name of its own: never wrong, only less
/// exact.
const KNOWN: &[&str] = &[
    "0BSD",
    "AGPL-3.0-only",
    "AGPL-3.0-or-later",
    "Apache-2.0",
    "Artistic-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "EPL-2.0",
    "GPL-1.0-only",
    "GPL-1.0-or-later",
    "GPL-2.0-only",
    "GPL-2.0-or-later",
    "GPL-3.0-only",
    "GPL-3.0-or-later",
    "ISC",
    "LGPL-2.0-only",
    "LGPL-2.0-or-later",
    "LGPL-2.1-only",
    "LGPL-2.1-or-later",
    "LGPL-3.0-only",
    "LGPL-3.0-or-later",
    "MIT",
    "MIT-0",
    "MPL-2.0",
    "OpenSSL",
    "PSF-2.0",
    "Python-2.0",
    "Ruby",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
    "bzip2-1.0.6",
    "curl",
];

/// Whether it is an identifier of the SPDX list that others' validators know.
pub(crate) fn is_known(licence: &str) -> bool {
    KNOWN.binary_search(&licence).is_ok()
}

#[cfg(test)]
mod tests {
    use super::KNOWN;

    #[test]
    fn the_list_is_ordered() {
        assert!(KNOWN.is_sorted());
    }
}
