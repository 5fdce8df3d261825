//! Few and cheap changes that end the routes to a sink.
//! Comes in: the attack graph, entries. Goes out: one cut a sink that has routes, proven as far as it could be.
//! Never: a number of routes that was not counted in the graph.

use crate::build::Attack;
use crate::cutting::{Cutter, FREE, LabelledArc, Problem};
use crate::fix::NONE;
use crate::graph::NodeId;
use model::graph::{Change, Cut};

/// Cuts of the wanted sinks, from the given entries; sinks without routes have none. With more than one sink, the last
/// cut ends the routes to all of them.
pub(crate) fn cuts(attack: &Attack<'_>, entries: &[NodeId], wanted: &[usize]) -> Vec<Cut> {
    let graph = &attack.graph;
    let arcs: Vec<LabelledArc> = graph
        .arcs
        .iter()
        .filter(|arc| arc.probability.expected > 0.0)
        .map(|arc| LabelledArc {
            from: arc.from,
            to: arc.to,
            change: if arc.fix == NONE { FREE } else { arc.fix },
        })
        .collect();
    let sinks: Vec<Vec<u32>> = attack.sinks.iter().map(|sink| sink.nodes.clone()).collect();
    let prices: Vec<u32> = graph
        .fixes
        .all()
        .iter()
        .map(|fix| fix.price(attack.authorizer))
        .collect();
    let problem = Problem {
        nodes: graph.len(),
        arcs: &arcs,
        entries,
        sinks: &sinks,
        prices: &prices,
    };
    let cutter = Cutter::new(&problem);
    let cut = |name: &str, groups: &[usize]| {
        let solution = cutter.groups(groups);
        let changes = solution
            .changes
            .iter()
            .filter_map(|fix| graph.fixes.get(*fix));
        let mut changes: Vec<Change> = changes
            .filter_map(|fix| fix.change(attack.inventory, attack.authorizer))
            .collect();
        changes.sort();
        (solution.routes > 0).then(|| Cut {
            sink: name.into(),
            changes,
            routes: solution.ended,
            of: solution.routes,
            least: solution.least,
        })
    };
    let mut cuts: Vec<Cut> = wanted
        .iter()
        .filter_map(|n| cut(attack.sinks.get(*n)?.name, &[*n]))
        .collect();
    if cuts.len() > 1 {
        cuts.extend(cut(ALL, wanted));
    }
    cuts
}

/// The cut of the routes to every sink.
pub(crate) const ALL: &str = "all sinks";
