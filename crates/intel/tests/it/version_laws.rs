//! Laws of every version order, over strings of each one's own grammar and over any strings.

use intel::version::Scheme;
use proptest::prelude::*;
use std::cmp::Ordering;

const SCHEMES: [Scheme; 15] = [
    Scheme::Alpm,
    Scheme::Apk,
    Scheme::Bitnami,
    Scheme::Composer,
    Scheme::Cran,
    Scheme::Dpkg,
    Scheme::Gem,
    Scheme::Go,
    Scheme::Hackage,
    Scheme::Maven,
    Scheme::NuGet,
    Scheme::Pep440,
    Scheme::Pub,
    Scheme::Rpm,
    Scheme::SemVer,
];

/// What versions of a scheme look like. Few different digits and words, so that neighbours meet. Left out is where the
/// tool's own order goes in a circle: odd separators and a missing release (pacman), words after dots (Maven), `#`
/// (PHP, which [`of_any_text`] has).
fn grammar(scheme: Scheme) -> &'static str {
    match scheme {
        Scheme::Alpm => "(1:)?[01]{1,2}(\\.[012]{1,2}){0,2}(rc[12]|b)?-[12]",
        Scheme::Apk => {
            "[01]{1,2}(\\.{1,2}[012]{1,2}){0,3}([ab][12]?)?(_(alpha|rc|p|git|x)[12]?){0,2}(~[ab]{1,2})?(-r[01]?|-x)?"
        }
        Scheme::Bitnami => "v?[01](\\.[012]){0,3}(-[012](\\.[ab1])?|-rc[12])?",
        Scheme::Composer => {
            "v?(dev-)?[01](\\.[012]){0,2}([-._+]?(dev|a|beta|RC|p|x)[12]?){0,2}[-.]?"
        }
        Scheme::Cran => "[012]{1,2}([-.][012]{1,2}){0,3}",
        Scheme::Dpkg => "([01]:)?[01]{1,2}([.~+a][012a~]{0,2}){0,3}(-[01][~+a]?)?",
        Scheme::Gem => "[01](\\.[012]|[.-]?[ab]|-){0,4}",
        Scheme::Go => {
            "go1(\\.[29]{1,2}){0,2}(rc[12]|beta1)?|v?1(\\.[01]){0,2}(-0\\.[12]{2}-[ab]{2}|-rc\\.[12]|rc1)?"
        }
        Scheme::Hackage => "[012]{1,2}(\\.[012]{1,2}){0,3}",
        Scheme::Maven => {
            "[01](\\.[012]){0,2}(-[12]|-?(a|rc|ga|sp|x|jre|snapshot)([12]|-[12])?){0,1}"
        }
        Scheme::NuGet => "[01](\\.[012]){0,3}(-[aB12](\\.[ab12]){0,2})?(\\+a)?",
        Scheme::Pep440 => {
            "v?(1!)?[01](\\.[012]){0,2}([-.]?(a|b|rc|x)[12]?)?(\\.post[12]?|-[12])?(\\.?dev[12]?)?(\\+[a1](\\.[b2])?)?"
        }
        Scheme::Pub | Scheme::SemVer => {
            "v?[01](\\.[012]){0,3}(-?[aB12-](\\.[ab12]){0,2})?(\\+[a1](\\.[b2])?)?"
        }
        Scheme::Rpm => "([01]:)?[01]{1,2}([._~^a-][012a~^]{0,2}){0,3}(-[01](\\.el8)?|-)?",
    }
}

fn of_a_grammar() -> impl Strategy<Value = (Scheme, [String; 3])> {
    proptest::sample::select(&SCHEMES[..]).prop_flat_map(|scheme| {
        (
            Just(scheme),
            [grammar(scheme), grammar(scheme), grammar(scheme)],
        )
    })
}

fn of_any_text() -> impl Strategy<Value = (Scheme, String, String)> {
    let text = || prop_oneof![any::<String>(), "[-+.:_~^#!a-cvgorp0-2 α]{0,12}"];
    (proptest::sample::select(&SCHEMES[..]), text(), text())
}

fn at_most(scheme: Scheme, a: &str, b: &str) -> bool {
    matches!(scheme.compare(a, b), Some(Ordering::Less | Ordering::Equal))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20_000))]

    #[test]
    fn versions_have_one_order((scheme, [a, b, c]) in of_a_grammar()) {
        for (a, b) in [(&a, &b), (&b, &c), (&c, &a)] {
            prop_assert_eq!(scheme.compare(a, a), Some(Ordering::Equal), "{:?} {}", scheme, a);
            let there = scheme.compare(a, b);
            prop_assert!(there.is_some(), "{:?} {} {}", scheme, a, b);
            prop_assert_eq!(there, scheme.compare(b, a).map(Ordering::reverse), "{:?} {} {}", scheme, a, b);
        }
        let mut three = [&a, &b, &c];
        three.sort_by(|a, b| scheme.compare(a, b).unwrap());
        let [a, b, c] = three;
        prop_assert!(
            at_most(scheme, a, b) && at_most(scheme, b, c) && at_most(scheme, a, c),
            "{:?} {} {} {}", scheme, a, b, c
        );
    }

    #[test]
    fn any_strings_are_judged_alike_in_both_directions((scheme, a, b) in of_any_text()) {
        prop_assert_eq!(scheme.compare(&a, &b), scheme.compare(&b, &a).map(Ordering::reverse));
        prop_assert!(matches!(scheme.compare(&a, &a), None | Some(Ordering::Equal)));
    }
}

/// Quadratic time would need minutes here.
#[test]
fn long_versions_are_judged_at_once() {
    let start = std::time::Instant::now();
    for unit in [
        "1", "0", "a", "1.", "0.", "1-", "1a", "a1", "-", ".", "~", "~~1", "^", "_rc", "_rc1",
        "-final", "dev",
    ] {
        for scheme in SCHEMES {
            let long = format!("1.{}", unit.repeat(200_000));
            let longer = format!("{long}1");
            let order = scheme.compare(&long, &longer);
            assert_eq!(order, scheme.compare(&longer, &long).map(Ordering::reverse));
        }
    }
    assert!(start.elapsed().as_secs() < 60, "{:?}", start.elapsed());
}
