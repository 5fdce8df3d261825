//! Large clusters: what is alike is scored once, and the shape of the result does not grow with it.

use crate::world::{EXPOSED, PLAIN, World, easy, local};
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
    let factors: usize = ranked
        .scores
        .iter()
        .map(|score| score.factors.capacity())
        .sum();
    assert!(factors <= ranked.scores.len() * 5);
}

fn every_score_is_used(ranked: &Assessment) -> bool {
    let mut used = vec![false; ranked.scores.len()];
    for index in ranked.findings.iter().flat_map(|finding| &finding.scores) {
        used[*index as usize] = true;
    }
    used.into_iter().all(|used| used)
}
