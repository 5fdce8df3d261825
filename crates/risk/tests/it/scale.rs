//! Large clusters: what is alike is scored once, and the shape of the result does not grow with it.

use crate::world::{EXPOSED, PLAIN, World, easy, local};
use model::action::ActionKind;
use model::assessment::Assessment;

/// Images of `per_image` findings each, every image in three pods; flaws are shared between images.
fn cluster(images: usize, per_image: usize) -> World {
    let mut world = World::new();
    for n in 0..per_image * 4 {
        let profile = if n % 5 == 0 { local() } else { easy() };
        let likelihood = 0.0005 + 0.9 / (1.0 + n as f64);
        world.vulnerability(
            &format!("CVE-2024-{n:05}"),
            likelihood,
            n % 997 == 0,
            profile,
        );
    }
    for image in 0..images {
        let name = format!("ghcr.io/shop/app-{image}:1");
        for pod in 0..3 {
            let stand = if image % 20 == 0 && pod == 0 {
                EXPOSED
            } else {
                PLAIN
            };
            world.run(&format!("app-{image}-{pod}"), &name, stand);
        }
    }
    for image in 0..images {
        let name = format!("ghcr.io/shop/app-{image}:1");
        for n in 0..per_image {
            let v = u32::try_from((image * 7 + n * 3) % (per_image * 4)).unwrap();
            let kind = if n % 4 == 0 { "npm" } else { "deb" };
            world.find(&name, v, &format!("lib-{}", n % 40), kind);
        }
    }
    world
}

#[test]
fn what_is_alike_is_scored_once() {
    let ranked = cluster(40, 50).ranked();
    let referenced: usize = ranked.findings.iter().map(|f| f.scores.len()).sum();
    assert_eq!(referenced, 40 * 50 * 3);
    assert!(
        ranked.scores.len() * 5 < referenced,
        "{} {referenced}",
        ranked.scores.len()
    );
    assert!(every_score_is_used(&ranked));
    assert!(ranked.factors.len() < ranked.scores.len(), "shared");
}

fn every_score_is_used(ranked: &Assessment) -> bool {
    let mut used = vec![false; ranked.scores.len()];
    for index in ranked.findings.iter().flat_map(|finding| &finding.scores) {
        used[*index as usize] = true;
    }
    used.into_iter().all(|used| used)
}

/// A gateway in front of forty workloads: closing it is valued when its turn comes.
#[test]
fn one_door_in_front_of_many() {
    let mut world = World::new();
    for pod in 0..40 {
        let image = format!("ghcr.io/shop/app-{pod}:1");
        world.run(&format!("app-{pod}"), &image, EXPOSED);
        let v = world.vulnerability(&format!("CVE-2026-{pod:04}"), 0.2, false, easy());
        world.find(&image, v, "lib", "npm");
    }
    let door = world.0.situations[0].deliveries[0].chain.clone();
    for situation in &mut world.0.situations {
        situation.exposure.chain.clone_from(&door);
        situation.deliveries[0].chain.clone_from(&door);
    }
    let ranked = world.ranked();
    let closed: Vec<_> = ranked
        .actions
        .iter()
        .filter(|action| action.kind == ActionKind::RemoveExposure)
        .collect();
    assert_eq!(closed.len(), 1);
    assert_eq!(closed[0].workloads.len(), 40);
    // It breaks something, so it counts for a tenth, and it is valued after what comes before it.
    let at = ranked
        .actions
        .iter()
        .position(|a| a.id == closed[0].id)
        .unwrap();
    let tenth = closed[0].removes.expected / 10.0;
    let (before, after) = (&ranked.actions[..at], &ranked.actions[at + 1..]);
    assert!(before.iter().all(|a| a.removes.expected >= tenth));
    assert!(after.iter().all(|a| a.removes.expected <= tenth));
}
