//! Tags of base images as versions. Comes in: the tag that an image is built on and all tags of its repository. Goes out:
//! the newer ones of the same variant, and how far each goes. Never: an older one, another variant, a pre-release; an order
//! for names without numbers.

use std::cmp::Reverse;

/// How far a newer tag goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Step {
    /// The same tag or the same release: `12.5` to `12.11`, `3.18` to `3.18.4`, a later day.
    Same,
    /// The next release of the same major version: `3.18` to `3.21`.
    Minor,
    /// Another major version: `12` to `13`.
    Major,
}

/// A tag taken apart: `20.11.1-bookworm-slim` is `[[20, 11, 1]]` in `*-bookworm-slim`.
#[derive(Debug, PartialEq, Eq)]
struct Parsed {
    /// What is no number, and where the numbers stand.
    variant: String,
    versions: Vec<Vec<u64>>,
}

/// `None` where no part of it is a number.
fn parse(tag: &str) -> Option<Parsed> {
    let mut versions = Vec::new();
    let parts = tag.split('-').map(|part| {
        let (v, number) = match part.strip_prefix('v') {
            Some(rest) => ("v", rest),
            None => ("", part),
        };
        let numbers: Option<Vec<u64>> = number.split('.').map(whole).collect();
        match numbers {
            Some(numbers) => {
                versions.push(numbers);
                format!("{v}*")
            }
            None => part.to_owned(),
        }
    });
    let variant = parts.collect::<Vec<String>>().join("-");
    (!versions.is_empty()).then_some(Parsed { variant, versions })
}

fn whole(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.len() <= 14 && text.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

/// A day: `20240101`. It orders builds of one release.
fn is_day(version: &[u64]) -> bool {
    matches!(version, [day] if (19_900_101..=29_991_231).contains(day))
}

/// How far `to` goes from `from`; `None`: it is not newer. `points`: the second number of a version is a point release of
/// the first (Debian, the Enterprise Linuxes).
fn step(from: &Parsed, to: &Parsed, points: bool) -> Option<Step> {
    if from.variant != to.variant || from.versions.len() != to.versions.len() {
        return None;
    }
    let mut step = None;
    for (old, new) in from.versions.iter().zip(&to.versions) {
        // `20240101` is no release after `3.18`.
        if is_day(old) != is_day(new) {
            return None;
        }
        // A shorter name is a moving one: `3.18` is at least every `3.18.x` of its day.
        let same = old.iter().zip(new).take_while(|(a, b)| a == b).count();
        let longer = new.len() > old.len() && same == old.len();
        if new < old || new.len() < old.len() && same == new.len() {
            return None;
        }
        if new == old {
            continue;
        }
        let here = match same {
            _ if is_day(old) && is_day(new) || longer => Step::Same,
            0 => Step::Major,
            1 if !points => Step::Minor,
            _ => Step::Same,
        };
        step = step.max(Some(here));
    }
    step
}

/// Tags to look at, the nearest step first: the newest of the same release, then the newest of each later release. At most
/// `most`; the tag itself is first, since it may have been built anew.
pub(super) fn newer(
    current: &str,
    tags: &[impl AsRef<str>],
    points: bool,
    most: usize,
) -> Vec<(String, Step)> {
    let mut chosen = vec![(current.to_owned(), Step::Same)];
    let Some(from) = parse(current) else {
        chosen.truncate(most);
        return chosen;
    };
    let mut all: Vec<(Step, Parsed, &str)> = tags
        .iter()
        .map(AsRef::as_ref)
        .filter(|tag| *tag != current)
        .filter_map(|tag| {
            let parsed = parse(tag)?;
            Some((step(&from, &parsed, points)?, parsed, tag))
        })
        .collect();
    // The newest first, of equals the most exact one.
    all.sort_by(|a, b| a.0.cmp(&b.0).then_with(|| b.1.versions.cmp(&a.1.versions)));
    let release = |step: Step, parsed: &Parsed| {
        let first = parsed.versions.first().map_or(&[][..], Vec::as_slice);
        let kept = match step {
            Step::Same => 0,
            Step::Minor => 2,
            Step::Major => 1,
        };
        (
            Reverse(step),
            first.get(..kept.min(first.len())).unwrap_or(&[]).to_vec(),
        )
    };
    let mut releases = Vec::new();
    let mut later = Vec::new();
    for (step, parsed, tag) in &all {
        let of = release(*step, parsed);
        if !releases.contains(&of) {
            releases.push(of);
            later.push((*tag, *step));
        }
    }
    // One of each step before a second of any.
    for wanted in [Step::Same, Step::Minor, Step::Major] {
        if let Some((tag, step)) = later.iter().find(|(_, step)| *step == wanted) {
            chosen.push(((*tag).to_owned(), *step));
        }
    }
    for (tag, step) in later {
        if !chosen.iter().any(|(known, _)| known == tag) {
            chosen.push((tag.to_owned(), step));
        }
    }
    chosen.truncate(most.saturating_add(1));
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(current: &str, tags: &str, points: bool, expected: &str) {
        let tags: Vec<&str> = tags.split(' ').collect();
        let found = newer(current, &tags, points, 3);
        let found: Vec<String> = found
            .iter()
            .map(|(tag, step)| format!("{tag}:{step:?}"))
            .collect();
        assert_eq!(found.join(" "), expected, "{current}");
    }

    #[test]
    fn newer_tags_of_the_same_variant() {
        let debian = "12-slim 12.5-slim 12.10-slim 12.11-slim 12.11 13-slim 13.1-slim 13.1 11.9-slim bookworm-slim sid-slim";
        check(
            "12.5-slim",
            debian,
            true,
            "12.5-slim:Same 12.11-slim:Same 13.1-slim:Major",
        );
        check(
            "12-slim",
            debian,
            true,
            "12-slim:Same 12.11-slim:Same 13.1-slim:Major",
        );
        check("13.1-slim", debian, true, "13.1-slim:Same");
        let alpine = "3.18 3.18.4 3.18.12 3.19 3.19.1 3.21 3.21.3 3.9 3.21.0-rc1 edge latest 4.0 4.0.1 20240101";
        check(
            "3.18",
            alpine,
            false,
            "3.18:Same 3.18.12:Same 3.21.3:Minor 4.0.1:Major",
        );
        check(
            "3.18.4",
            alpine,
            false,
            "3.18.4:Same 3.18.12:Same 3.21.3:Minor 4.0.1:Major",
        );
        check(
            "20.11.1-bookworm-slim",
            "20.11.1-trixie-slim 20.12.0-bookworm-slim 22.1.0-bookworm-slim 20.11.2-bookworm-slim 20.12.0",
            false,
            "20.11.1-bookworm-slim:Same 20.11.2-bookworm-slim:Same 20.12.0-bookworm-slim:Minor 22.1.0-bookworm-slim:Major",
        );
        check(
            "bookworm-20240101-slim",
            "bookworm-20240211-slim bookworm-20231201-slim trixie-20240211-slim bookworm-slim",
            true,
            "bookworm-20240101-slim:Same bookworm-20240211-slim:Same",
        );
        check("v1.2", "v1.3 1.4 v1.3.0", false, "v1.2:Same v1.3.0:Minor");
        // Names without numbers have no order; what was built anew under the same name is still seen.
        check("bookworm-slim", debian, true, "bookworm-slim:Same");
        check("latest", "1 2 latest", false, "latest:Same");
        check("1", "", false, "1:Same");
        check("1", "99999999999999999999", false, "1:Same");
    }

    proptest::proptest! {
        /// Nothing older and nothing of another variant is chosen, whatever tags there are.
        #[test]
        fn nothing_goes_back(tags in proptest::collection::vec("v?[0-9]{1,3}(\\.[0-9]{1,2}){0,2}(-slim)?", 0..20)) {
            let chosen = newer("12.5-slim", &tags, false, 3);
            proptest::prop_assert!(chosen.len() <= 4);
            for (tag, _) in chosen.iter().skip(1) {
                let parsed = parse(tag).unwrap();
                proptest::prop_assert_eq!(&parsed.variant, "*-slim");
                proptest::prop_assert!(parsed.versions[0] > vec![12, 5], "{}", tag);
            }
        }
    }
}
