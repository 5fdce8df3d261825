//! Large synthetic graphs for the solver of cuts. Prints the milliseconds of each and what was found.
#![allow(clippy::print_stdout, reason = "a measurement")]

#[allow(
    dead_code,
    unused_imports,
    reason = "of the module, tests included, a part is used"
)]
#[path = "../src/cutting/mod.rs"]
mod cutting;

use cutting::{Cutter, FREE, LabelledArc, Problem};
use std::time::Instant;

fn main() {
    World::cluster(6000, 5, 0).measure("a cluster, few escapes");
    World::cluster(6000, 5, 1).measure("a cluster, escapes of their own");
    World::cluster(6000, 5, 2).measure("a cluster, policies and bindings");
    World::layers(40_000, 5, 120_000, 3000, 2).measure("layers at random, half of it stays");
    World::layers(400, 6, 1000, 2000, 1).measure("layers at random, all can be changed");
    World::layers(400, 6, 1000, 600, 1).measure("layers at random, changes on many arcs");
}

#[derive(Default)]
struct World {
    nodes: u32,
    arcs: Vec<LabelledArc>,
    entries: Vec<u32>,
    sinks: Vec<Vec<u32>>,
    prices: Vec<u32>,
    random: u64,
}

impl World {
    fn node(&mut self) -> u32 {
        self.nodes += 1;
        self.nodes - 1
    }

    fn many(&mut self, count: u32) -> Vec<u32> {
        (0..count).map(|_| self.node()).collect()
    }

    fn change(&mut self, price: u32) -> u32 {
        self.prices.push(price);
        u32::try_from(self.prices.len() - 1).unwrap_or(FREE)
    }

    fn arc(&mut self, from: u32, to: u32, change: u32) {
        self.arcs.push(LabelledArc { from, to, change });
    }

    /// Below `end`; the same in every run.
    fn below(&mut self, end: u32) -> u32 {
        self.random = self
            .random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        u32::try_from((self.random >> 33) % u64::from(end.max(1))).unwrap_or(0)
    }

    fn of(&mut self, nodes: &[u32]) -> u32 {
        let count = u32::try_from(nodes.len()).unwrap_or(u32::MAX);
        nodes[self.below(count) as usize]
    }

    /// Entry -> weakness -> pod -> node or service account -> rights -> sinks, and the pod network in between.
    fn cluster(workloads: u32, replicas: u32, kind: usize) -> Self {
        let mut world = World::default();
        let (nodes, namespaces) = (world.many(300), world.many(600));
        let accounts = world.many(4000);
        let rights = world.many(400);
        let images: Vec<u32> = (0..1500).map(|_| world.change(8)).collect();
        let policies: Vec<u32> = (0..600).map(|_| world.change(4)).collect();
        let roots = world.many(10);
        world.sinks = roots.iter().map(|root| vec![*root]).collect();
        for account in &accounts {
            let binding = world.change(2);
            if world.below(if kind == 2 { 3 } else { 12 }) == 0 {
                let right = world.of(&rights);
                world.arc(*account, right, binding);
            }
        }
        for right in &rights {
            let (change, sink) = (world.change(2), world.of(&roots));
            world.arc(*right, sink, if kind == 0 { FREE } else { change });
        }
        for workload in 0..workloads {
            let image = images[world.below(1500) as usize];
            let namespace = world.below(600);
            let (account, token) = (world.of(&accounts), world.change(1));
            let escape = (world.below([300, 4, 40][kind]) == 0).then(|| world.change(0));
            for replica in 0..replicas {
                let (entry, open, inside) = (world.node(), world.node(), world.node());
                let (pod, own) = (world.node(), world.node());
                world.entries.push(entry);
                world.arc(entry, open, FREE);
                world.arc(open, inside, image);
                world.arc(inside, pod, FREE);
                world.arc(pod, own, FREE);
                world.arc(own, account, token);
                let node = world.of(&nodes);
                if let Some(escape) = escape {
                    world.arc(pod, node, escape);
                }
                world.arc(node, own, FREE);
                if (workload + replica) % 3 == 0 {
                    let policy = policies[namespace as usize];
                    world.arc(pod, namespaces[namespace as usize], FREE);
                    world.arc(namespaces[namespace as usize], open, policy);
                }
                // What leads nowhere.
                let dead = world.node();
                for _ in 0..12 {
                    let other = world.below(dead);
                    world.arc(if other % 6 == dead % 6 { other } else { dead }, dead, FREE);
                }
            }
        }
        for (from, to) in (0..300_u32).map(|n| (n, (n * 17 + 1) % 300)) {
            let change = policies[from as usize];
            world.arc(namespaces[from as usize], namespaces[to as usize], change);
        }
        world
    }

    /// Each layer joined with the next at random, changes on several arcs each; one arc in `free` carries one.
    fn layers(width: u32, depth: u32, arcs: u32, changes: u32, free: u32) -> Self {
        let mut world = World::default();
        let layers: Vec<Vec<u32>> = (0..depth).map(|_| world.many(width)).collect();
        for _ in 0..changes {
            let price = world.below(9);
            world.change(price);
        }
        for pair in layers.windows(2) {
            for _ in 0..arcs {
                let (from, to) = (world.of(&pair[0]), world.of(&pair[1]));
                let change = world.below(changes * free);
                world.arc(from, to, if change < changes { change } else { FREE });
            }
        }
        world.entries = layers[0].iter().copied().take(30_000).collect();
        world.sinks = layers[layers.len() - 1]
            .chunks(width as usize / 10)
            .map(<[u32]>::to_vec)
            .collect();
        world
    }

    fn measure(&self, name: &str) {
        let problem = Problem {
            nodes: self.nodes as usize,
            arcs: &self.arcs,
            entries: &self.entries,
            sinks: &self.sinks,
            prices: &self.prices,
        };
        let start = Instant::now();
        let cutter = Cutter::new(&problem);
        let made = start.elapsed();
        let again = Instant::now();
        let all = cutter.groups(&(0..self.sinks.len()).collect::<Vec<usize>>());
        let to_answer = again.elapsed();
        let again = Instant::now();
        let each: Vec<String> = (0..self.sinks.len())
            .map(|group| cutter.groups(&[group]))
            .map(|one| format!("{}/{}", one.least, one.changes.len()))
            .collect();
        println!(
            "{name}: {} nodes, {} arcs, {} changes, {} entries, {} groups: {} ms to make it small, {} ms for all: \
             {} changes, at least {}, {} of {} routes; each group: {} ms, {}",
            self.nodes,
            self.arcs.len(),
            self.prices.len(),
            self.entries.len(),
            self.sinks.len(),
            made.as_millis(),
            to_answer.as_millis(),
            all.changes.len(),
            all.least,
            all.ended,
            all.routes,
            again.elapsed().as_millis(),
            each.join(" "),
        );
    }
}
