//! The properties of prioritisation facts 6.6 that concern the score.

use crate::world::{Stand, World, easy, points, score};
use model::assessment::Assessment;
use model::evidence::{Claim, Estimate, GapId};
use model::finding::{Finding, Score};
use model::image::JoinGrade;
use model::matches::FixState;
use model::situation::ExposureClass;
use model::vulnerability::{AttackProfile, AttackVector, PrivilegesRequired};
use model::workload::CriticalityLevel;
use proptest::prelude::*;
use risk::{Settings, rank};

fn class() -> impl Strategy<Value = ExposureClass> {
    prop_oneof![
        Just(ExposureClass::Unknown),
        Just(ExposureClass::None),
        Just(ExposureClass::Namespace),
        Just(ExposureClass::Cluster),
        Just(ExposureClass::External),
        Just(ExposureClass::Internet),
    ]
}

fn level() -> impl Strategy<Value = CriticalityLevel> {
    prop_oneof![
        Just(CriticalityLevel::Undeclared),
        Just(CriticalityLevel::Low),
        Just(CriticalityLevel::Normal),
        Just(CriticalityLevel::High),
        Just(CriticalityLevel::Crown),
    ]
}

prop_compose! {
    fn stand()(
        class in class(),
        lateral in 0.0f64..0.2,
        privileged: bool,
        admin: bool,
        batch: bool,
        level in level(),
    ) -> Stand {
        Stand { class, lateral, privileged, admin, batch, level }
    }
}

fn vector() -> impl Strategy<Value = Option<AttackVector>> {
    prop_oneof![
        Just(None),
        Just(Some(AttackVector::Physical)),
        Just(Some(AttackVector::Local)),
        Just(Some(AttackVector::Adjacent)),
        Just(Some(AttackVector::Network)),
    ]
}

fn privileges() -> impl Strategy<Value = Option<PrivilegesRequired>> {
    prop_oneof![
        Just(None),
        Just(Some(PrivilegesRequired::High)),
        Just(Some(PrivilegesRequired::Low)),
        Just(Some(PrivilegesRequired::None)),
    ]
}

prop_compose! {
    fn profile()(
        vector in vector(),
        privileges in privileges(),
        user_interaction: Option<bool>,
        high_complexity: Option<bool>,
    ) -> AttackProfile {
        AttackProfile { vector, privileges, user_interaction, high_complexity, ..AttackProfile::default() }
    }
}

/// A vulnerability: likelihood, KEV, profile.
type Flaw = (f64, bool, AttackProfile);

fn flaw() -> impl Strategy<Value = Flaw> {
    ((1e-5f64..0.999), any::<bool>(), profile())
}

const IMAGE: &str = "ghcr.io/shop/web:1";

fn world(stand: Stand, flaws: &[Flaw]) -> World {
    let mut world = World::new();
    world.run("web", IMAGE, stand);
    find(&mut world, flaws);
    world
}

fn find(world: &mut World, flaws: &[Flaw]) {
    for (n, (likelihood, kev, profile)) in flaws.iter().enumerate() {
        let v = world.vulnerability(&format!("CVE-2026-{n:04}"), *likelihood, *kev, *profile);
        world.find(
            IMAGE,
            v,
            &format!("lib-{n}"),
            if n % 2 == 0 { "npm" } else { "deb" },
        );
    }
}

fn one(world: World) -> Score {
    score(&world.ranked(), "CVE-2026-0000").clone()
}

/// Both the score and its ends are at least as high.
fn worse(worse: &Score, better: &Score) -> Result<(), TestCaseError> {
    prop_assert!(
        worse.points.low >= better.points.low,
        "{:?} {:?}",
        worse,
        better
    );
    prop_assert!(
        worse.points.expected >= better.points.expected,
        "{:?} {:?}",
        worse,
        better
    );
    prop_assert!(
        worse.points.high >= better.points.high,
        "{:?} {:?}",
        worse,
        better
    );
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// Wherever it turns out to run, the score lies within what was said before.
    #[test]
    fn unplaced_holds_every_placement(stand in stand(), flaws in prop::collection::vec(flaw(), 1..6), tag: bool) {
        let mut unplaced = World::new();
        unplaced.nowhere(IMAGE);
        find(&mut unplaced, &flaws);
        let mut placed = world(stand, &flaws);
        if tag {
            placed.0.placements[0].grade = JoinGrade::Tag;
        }
        let (unplaced, placed) = (unplaced.ranked(), placed.ranked());
        for n in 0..flaws.len() {
            let id = format!("CVE-2026-{n:04}");
            let (wide, one) = (score(&unplaced, &id), score(&placed, &id));
            prop_assert!(wide.points.low <= one.points.expected, "{wide:?} {one:?}");
            prop_assert!(wide.points.high >= one.points.expected, "{wide:?} {one:?}");
            prop_assert!(wide.points.high >= one.points.high, "{wide:?} {one:?}");
            // A report joined by tag may be of another build: that is unknown of the join, not of the place.
            prop_assert!(tag || wide.points.low <= one.points.low, "{wide:?} {one:?}");
        }
    }

    #[test]
    fn bounded_ordered_and_explained(stand in stand(), flaws in prop::collection::vec(flaw(), 1..6), tag: bool) {
        let mut world = world(stand, &flaws);
        if tag {
            world.0.placements[0].grade = JoinGrade::Tag;
        }
        let ranked = world.ranked();
        prop_assert_eq!(ranked.findings.len(), flaws.len());
        for score in &ranked.scores {
            let p = score.points;
            prop_assert!(0.0 <= p.low && p.low <= p.expected && p.expected <= p.high && p.high <= 100.0);
            prop_assert!((0.0..=1.0).contains(&score.confidence));
            let sum: f64 = ranked.factors(score).map(|factor| factor.points).sum();
            let unrounded = (100.0 + 100.0 / 7.0 * score.risk.expected.log10()).clamp(0.0, 100.0);
            prop_assert!((sum - unrounded).abs() < 1e-9, "{} {}", sum, unrounded);
            prop_assert!((sum - p.expected).abs() <= 0.05 + 1e-9);
            prop_assert!(ranked.factors(score).all(|factor| !factor.reason.is_empty()));
        }
        for pair in ranked.findings.windows(2) {
            prop_assert!(points(&ranked, &pair[0].id) >= points(&ranked, &pair[1].id));
        }
    }

    #[test]
    fn monotone_in_likelihood_and_kev(stand in stand(), (likelihood, _, profile) in flaw(), more in 0.0f64..1.0) {
        let low = one(world(stand, &[(likelihood, false, profile)]));
        let high = one(world(stand, &[(likelihood + (1.0 - likelihood) * more, false, profile)]));
        worse(&high, &low)?;
        worse(&one(world(stand, &[(likelihood, true, profile)])), &low)?;
    }

    #[test]
    fn monotone_in_the_attack_profile(stand in stand(), (likelihood, kev, profile) in flaw()) {
        let base = one(world(stand, &[(likelihood, kev, profile)]));
        let easier = |profile| one(world(stand, &[(likelihood, kev, profile)]));
        if profile.vector.is_some() {
            worse(&easier(AttackProfile { vector: Some(AttackVector::Network), ..profile }), &base)?;
            worse(&base, &easier(AttackProfile { vector: Some(AttackVector::Physical), ..profile }))?;
        }
        if profile.privileges.is_some() {
            worse(&easier(AttackProfile { privileges: Some(PrivilegesRequired::None), ..profile }), &base)?;
        }
        if profile.user_interaction.is_some() {
            worse(&easier(AttackProfile { user_interaction: Some(false), ..profile }), &base)?;
        }
    }

    #[test]
    fn monotone_in_the_position(stand in stand(), flaw in flaw()) {
        let base = one(world(stand, &[flaw]));
        for step in [
            Stand { privileged: true, ..stand },
            Stand { admin: true, ..stand },
            Stand { batch: false, ..stand },
            Stand { lateral: stand.lateral + 0.1, ..stand },
        ] {
            worse(&one(world(step, &[flaw])), &base)?;
        }
        if stand.class != ExposureClass::Unknown {
            worse(&one(world(Stand { class: ExposureClass::Internet, ..stand }, &[flaw])), &base)?;
        }
        if stand.level != CriticalityLevel::Undeclared {
            worse(&one(world(Stand { level: CriticalityLevel::Crown, ..stand }, &[flaw])), &base)?;
        }
    }

    /// Resolving an unknown either way stays within what was shown before.
    #[test]
    fn unknown_lies_between_best_and_worst(stand in stand(), (likelihood, kev, profile) in flaw(), resolved in profile()) {
        let unknown = Stand { class: ExposureClass::Unknown, level: CriticalityLevel::Undeclared, ..stand };
        let before = one(world(unknown, &[(likelihood, kev, profile)]));
        for class in [ExposureClass::None, ExposureClass::Namespace, ExposureClass::Cluster, ExposureClass::External, ExposureClass::Internet] {
            for level in [CriticalityLevel::Low, CriticalityLevel::Crown] {
                let after = one(world(Stand { class, level, ..unknown }, &[(likelihood, kev, profile)]));
                prop_assert!(before.points.low <= after.points.low && after.points.high <= before.points.high, "{:?} {:?}", before.points, after.points);
            }
        }
        let known = AttackProfile {
            vector: profile.vector.or(resolved.vector),
            privileges: profile.privileges.or(resolved.privileges),
            user_interaction: profile.user_interaction.or(resolved.user_interaction),
            ..profile
        };
        let before = one(world(stand, &[(likelihood, kev, profile)]));
        let after = one(world(stand, &[(likelihood, kev, known)]));
        prop_assert!(before.points.low <= after.points.low && after.points.high <= before.points.high, "{:?} {:?}", before.points, after.points);
    }

    /// A report joined by tag and an unknown listener widen, and never lower the upper end.
    #[test]
    fn gaps_widen(stand in stand(), flaw in flaw()) {
        let known = one(world(stand, &[flaw]));
        let mut by_tag = world(stand, &[flaw]);
        by_tag.0.placements[0].grade = JoinGrade::Tag;
        let by_tag = one(by_tag);
        prop_assert!(by_tag.points.low <= known.points.low && by_tag.points.high >= known.points.high);
        let mut deaf = world(stand, &[flaw]);
        deaf.0.situations[0].listens = Claim::unknown(GapId(0));
        let deaf = one(deaf);
        prop_assert!(deaf.points.low <= known.points.low && deaf.points.high >= known.points.high);
    }

    #[test]
    fn order_of_arrival_does_not_matter(stand in stand(), flaws in prop::collection::vec(flaw(), 2..8), seed: u64) {
        let straight = world(stand, &flaws);
        let mut mixed = straight.clone();
        shuffle(&mut mixed.0.findings, seed);
        let (straight, mixed) = (straight.ranked(), mixed.ranked());
        let shown = |a: &Assessment| -> Vec<(Finding, f64)> {
            a.findings.iter().map(|f| (Finding { container: None,
scores: Vec::new(), ..f.clone() }, a.scores[f.scores[0] as usize].points.expected)).collect()
        };
        prop_assert_eq!(shown(&straight), shown(&mixed));
        prop_assert_eq!(straight.actions, mixed.actions);
    }

    #[test]
    fn another_finding_never_lowers_a_score(stand in stand(), flaws in prop::collection::vec(flaw(), 2..6)) {
        let fewer = world(stand, &flaws[..flaws.len() - 1]).ranked();
        let more = world(stand, &flaws).ranked();
        for finding in &fewer.findings {
            worse(score(&more, &finding.id), score(&fewer, &finding.id))?;
        }
    }

    /// Estimates that are no probabilities are worked with as open, not as safe; nothing fails.
    #[test]
    fn nonsense_is_not_safe(values in prop::collection::vec(prop_oneof![Just(f64::NAN), Just(f64::INFINITY), Just(f64::NEG_INFINITY), Just(-1.0), Just(2.0), 0.0f64..1.0], 6)) {
        let mut world = world(crate::world::EXPOSED, &[(0.5, false, easy())]);
        let wild = |i: usize| Estimate { low: values[i % 6], expected: values[(i + 1) % 6], high: values[(i + 2) % 6] };
        world.0.vulnerabilities[0].likelihood.estimate = wild(0);
        world.0.situations[0].direct = wild(1);
        world.0.situations[0].lateral = wild(2);
        world.0.situations[0].blast.value = wild(3);
        world.0.workloads[0].criticality.value = wild(4);
        let ranked = world.ranked();
        let p = ranked.scores[0].points;
        prop_assert!(0.0 <= p.low && p.low <= p.expected && p.expected <= p.high && p.high <= 100.0);
        for action in &ranked.actions {
            prop_assert!((0.0..=1.0).contains(&action.removes.expected));
        }
    }

    /// The queue removes what it says and no more than there is; every action is in it once.
    #[test]
    fn the_queue_is_sound(stands in prop::collection::vec(stand(), 1..4), flaws in prop::collection::vec((flaw(), 0u8..4, any::<bool>()), 1..10)) {
        let mut world = World::new();
        for (n, stand) in stands.iter().enumerate() {
            world.run(&format!("web-{n}"), &format!("ghcr.io/shop/web-{}:1", n / 2), *stand);
        }
        for (n, ((likelihood, kev, profile), package, fixed)) in flaws.iter().enumerate() {
            let v = world.vulnerability(&format!("CVE-2026-{n:04}"), *likelihood, *kev, *profile);
            let image = format!("ghcr.io/shop/web-{}:1", n % stands.len().div_ceil(2));
            let f = world.find(&image, v, &format!("lib-{package}"), if package % 2 == 0 { "npm" } else { "deb" });
            if !fixed {
                world.0.findings[f as usize].fix.state = FixState::NotFixed;
                world.0.findings[f as usize].fix.versions.clear();
            }
        }
        let mut limited = world.clone();
        let ranked = world.ranked();
        let mut ids: Vec<_> = ranked.actions.iter().map(|a| a.id.clone()).collect();
        ids.sort();
        ids.dedup();
        prop_assert_eq!(ids.len(), ranked.actions.len());
        let mut closed: Vec<u32> = Vec::new();
        for action in &ranked.actions {
            prop_assert!(0.0 <= action.removes.low && action.removes.low <= action.removes.expected && action.removes.expected <= action.removes.high && action.removes.high <= 1.0);
            prop_assert!(!action.exact.is_empty() && !action.undo.is_empty() && !action.title.is_empty() && !action.why.is_empty());
            prop_assert!(!action.workloads.is_empty());
            for finding in &action.closes {
                prop_assert!((*finding as usize) < ranked.findings.len());
            }
            if action.kind != model::action::ActionKind::Mitigate {
                closed.extend(&action.closes);
            }
        }
        let all = closed.len();
        closed.sort_unstable();
        closed.dedup();
        prop_assert_eq!(all, closed.len(), "a finding is closed by one action");
        for (index, finding) in ranked.findings.iter().enumerate() {
            let fixable = finding.fix.state == FixState::Fixed;
            prop_assert_eq!(fixable, closed.binary_search(&u32::try_from(index).unwrap()).is_ok());
        }
        rank(&mut limited.0, &Settings { queue_limit: 1, ..Settings::default() });
        prop_assert_eq!(limited.0.actions.len(), ranked.actions.len());
        prop_assert_eq!(&limited.0.actions.first(), &ranked.actions.first());
    }
}

/// Fisher and Yates with a small generator of its own.
fn shuffle<T>(items: &mut [T], mut seed: u64) {
    for i in (1..items.len()).rev() {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        items.swap(i, usize::try_from(seed >> 33).unwrap() % (i + 1));
    }
}

#[test]
fn what_points_outside_is_scored_as_unknown() {
    let mut world = world(crate::world::PLAIN, &[(0.5, false, easy())]);
    world.0.placements[0].situation = 99;
    world.0.vulnerabilities[0].likelihood.reasons.clear();
    let ranked = world.ranked();
    let points = ranked.scores[0].points;
    assert!(points.high - points.low > 20.0, "{points:?}");
    assert!(ranked.scores[0].deadline.exposed);
}

/// Nothing seen is not nothing there: the upper end stays high and the confidence says so.
#[test]
fn missing_knowledge_never_looks_like_the_lowest_class() {
    let unknown = Stand {
        class: ExposureClass::Unknown,
        ..crate::world::PLAIN
    };
    let mut world = world(unknown, &[(0.0014, false, AttackProfile::default())]);
    world.0.vulnerabilities[0].likelihood.estimate = Estimate::between(1e-5, 1.4e-3, 0.1);
    let score = one(world);
    assert!(
        risk::band(score.points.high) >= risk::Band::High,
        "{score:?}"
    );
    assert!(
        score.confidence < 0.5 && score.deadline.exposed,
        "{score:?}"
    );
}

#[test]
fn what_is_suppressed_is_kept_and_not_ranked() {
    let mut world = world(
        crate::world::EXPOSED,
        &[(0.9, true, easy()), (0.5, false, easy())],
    );
    let suppressed = world.0.findings.remove(0);
    world.0.suppressed.push(suppressed.clone());
    let ranked = world.ranked();
    assert_eq!(ranked.suppressed, [suppressed]);
    assert!(
        ranked
            .actions
            .iter()
            .all(|action| !action.title.contains("lib-0"))
    );
    assert_eq!(ranked.findings.len(), 1);
}
