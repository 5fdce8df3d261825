//! `cargo xtask pin NAME@sha256:DIGEST`: the release job writes the image that it pushed into the files of `deploy/ci`.
//! In: the image. Out: the lines that are marked for it. Never: an image without a digest.

use anyhow::{Context as _, ensure};
use std::fs;

/// What follows the value in each line that is written.
const MARK: &str = " # pinned by cargo xtask pin";

const FILES: [&str; 2] = [
    "deploy/ci/github/action.yml",
    "deploy/ci/gitlab/plimsoll.gitlab-ci.yml",
];

pub(crate) fn run(image: &str) -> anyhow::Result<bool> {
    ensure!(
        is_pinned(image),
        "{image} is no NAME@sha256: with 64 hexadecimal digits"
    );
    for file in FILES {
        let path = crate::place::root().join(file);
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {file}"))?;
        let text = pinned(&text, image).with_context(|| format!("{file} has no line to pin"))?;
        fs::write(&path, text).with_context(|| format!("cannot write {file}"))?;
    }
    Ok(true)
}

fn is_pinned(image: &str) -> bool {
    let name = |b: u8| b.is_ascii_alphanumeric() || b"./_-:".contains(&b);
    let hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
    image.split_once("@sha256:").is_some_and(|(host, digest)| {
        !host.is_empty() && host.bytes().all(name) && digest.len() == 64 && digest.bytes().all(hex)
    })
}

/// `None`: no line has the mark.
fn pinned(text: &str, image: &str) -> Option<String> {
    let mut found = false;
    let mut out = String::with_capacity(text.len() + 128);
    for line in text.split_inclusive('\n') {
        match line
            .strip_suffix('\n')
            .and_then(|line| line.strip_suffix(MARK))
            .and_then(|line| line.split_once(": "))
        {
            Some((key, _)) => {
                found = true;
                out.push_str(key);
                out.push_str(": ");
                out.push_str(image);
                out.push_str(MARK);
                out.push('\n');
            }
            None => out.push_str(line),
        }
    }
    found.then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    #[test]
    fn only_images_with_a_digest() {
        for (image, good) in [
            (format!("ghcr.io/a/b@sha256:{DIGEST}"), true),
            (format!("localhost:5000/b@sha256:{DIGEST}"), true),
            ("ghcr.io/a/b:1".to_owned(), false),
            (format!("@sha256:{DIGEST}"), false),
            (
                format!("ghcr.io/a/b@sha256:{}", DIGEST.to_uppercase()),
                false,
            ),
            (format!("ghcr.io/$(id)@sha256:{DIGEST}"), false),
            ("ghcr.io/a/b@sha256:0".to_owned(), false),
        ] {
            assert_eq!(is_pinned(&image), good, "{image}");
        }
    }

    #[test]
    fn marked_lines_are_written_again_and_again() {
        let text = "a: 1\n  image: \"\" # pinned by cargo xtask pin\nb: 2\n";
        let once = pinned(text, "x@sha256:1").unwrap();
        assert_eq!(
            once,
            "a: 1\n  image: x@sha256:1 # pinned by cargo xtask pin\nb: 2\n"
        );
        let twice = pinned(&once, "x@sha256:2").unwrap();
        assert_eq!(twice, once.replace(":1 #", ":2 #"));
        assert_eq!(pinned("a: 1\n", "x"), None);
    }

    #[test]
    fn the_files_have_a_line_for_it() {
        for file in FILES {
            let text = fs::read_to_string(crate::place::root().join(file)).unwrap();
            assert!(pinned(&text, "x@sha256:1").is_some(), "{file}");
        }
    }
}
