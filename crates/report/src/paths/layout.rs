//! Where boxes stand and lines run: layers from left to right, few crossings, short lines.
//! Comes in: sizes of boxes, who leads to whom. Goes out: coordinates. Never: a name, a loop without end.
//! Sugiyama, Tagawa, Toda (1981): break cycles, layer by the longest path, order by barycentres, then place.

use rustc_hash::FxHashMap;
use std::cmp::Ordering;

/// Between boxes of a layer, and between lines that pass it.
const BETWEEN_BOXES: f64 = 20.0;
const BETWEEN_LINES: f64 = 16.0;
/// Between layers, beside the widest label.
const BESIDE_LABEL: f64 = 44.0;
const BETWEEN_LAYERS: (f64, f64) = (64.0, 220.0);
/// Height of a label with its distance to the next.
const LABEL: f64 = 15.0;
/// Between lines that end at one side of a box.
const BETWEEN_ENDS: f64 = 7.0;
const ROUNDS: usize = 24;
const PLACINGS: usize = 60;
/// Places where lines pass a layer; beyond, they are drawn straight.
const BENDS: usize = 4_000;

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Point {
    pub(super) x: f64,
    pub(super) y: f64,
}

/// What is to be placed.
pub(super) struct Parts<'a> {
    /// Width and height of each box.
    pub(super) boxes: &'a [(f64, f64)],
    pub(super) arrows: &'a [Arrow],
}

#[derive(Clone, Copy)]
pub(super) struct Arrow {
    /// Indices into the boxes.
    pub(super) from: usize,
    pub(super) to: usize,
    /// Width of its label.
    pub(super) label: f64,
}

#[derive(Debug, Default, PartialEq)]
pub(super) struct Layout {
    pub(super) boxes: Vec<Place>,
    /// One for each arrow.
    pub(super) lines: Vec<Line>,
    pub(super) width: f64,
    pub(super) height: f64,
}

/// Upper left corner and size.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Place {
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) width: f64,
    pub(super) height: f64,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Line {
    /// From the arrow's beginning to its end: between the 1st and the 2nd it curves, between the 2nd and the 3rd it passes
    /// a layer, and so on. Empty where it leads back to its own box.
    pub(super) points: Vec<Point>,
    /// Middle of the label.
    pub(super) label: Point,
}

pub(super) fn layout(parts: &Parts) -> Layout {
    let count = parts.boxes.len();
    let turned = turned(count, parts.arrows);
    let layer_of = layers(count, parts.arrows, &turned);
    let mut grid = Grid::new(parts, &turned, &layer_of);
    grid.order();
    grid.place();
    grid.drawn(parts, &turned)
}

/// Which arrows lead back: turned around, no cycle is left.
fn turned(count: usize, arrows: &[Arrow]) -> Vec<bool> {
    let mut out = vec![Vec::new(); count];
    for (n, arrow) in arrows.iter().enumerate() {
        out[arrow.from].push(n);
    }
    let mut turned = vec![false; arrows.len()];
    // 0: not met, 1: on the way, 2: done.
    let mut state = vec![0_u8; count];
    for start in 0..count {
        let mut way = vec![(start, 0)];
        while let Some((node, next)) = way.last_mut() {
            if *next == 0 && state[*node] != 0 {
                way.pop();
                continue;
            }
            state[*node] = 1;
            let Some(arrow) = out[*node].get(*next) else {
                state[*node] = 2;
                way.pop();
                continue;
            };
            *next += 1;
            let to = arrows[*arrow].to;
            match state[to] {
                0 => way.push((to, 0)),
                1 => turned[*arrow] = true,
                _ => {}
            }
        }
    }
    turned
}

/// From left to right after the turn.
fn ends(arrow: &Arrow, turned: bool) -> (usize, usize) {
    if turned {
        (arrow.to, arrow.from)
    } else {
        (arrow.from, arrow.to)
    }
}

/// The longest way from the left; what leads nowhere stands at the right.
fn layers(count: usize, arrows: &[Arrow], turned: &[bool]) -> Vec<usize> {
    let mut out = vec![Vec::new(); count];
    let mut waits = vec![0_usize; count];
    let pairs = arrows
        .iter()
        .zip(turned)
        .map(|(a, turned)| ends(a, *turned));
    for (from, to) in pairs.filter(|(from, to)| from != to) {
        out[from].push(to);
        waits[to] += 1;
    }
    let mut layer = vec![0; count];
    let mut ready: Vec<usize> = (0..count).filter(|n| waits[*n] == 0).collect();
    while let Some(node) = ready.pop() {
        for to in &out[node] {
            layer[*to] = layer[*to].max(layer[node] + 1);
            waits[*to] -= 1;
            if waits[*to] == 0 {
                ready.push(*to);
            }
        }
    }
    let last = layer.iter().copied().max().unwrap_or(0);
    for node in 0..count {
        if out[node].is_empty() && layer[node] > 0 {
            layer[node] = last;
        }
    }
    layer
}

/// Boxes, and after them the places where lines pass a layer.
struct Grid {
    /// Items of each layer, from above.
    layers: Vec<Vec<usize>>,
    layer_of: Vec<usize>,
    /// How many items are boxes.
    boxes: usize,
    size: Vec<(f64, f64)>,
    /// Items of each arrow from left to right.
    chains: Vec<Vec<usize>>,
    /// The arrow of each item that is no box.
    passing: Vec<usize>,
    left: Vec<Vec<usize>>,
    right: Vec<Vec<usize>>,
    /// Middle of each item.
    y: Vec<f64>,
}

impl Grid {
    fn new(parts: &Parts, turned: &[bool], layer_of: &[usize]) -> Self {
        let boxes = parts.boxes.len();
        let depth = layer_of.iter().max().map_or(0, |last| last + 1);
        let mut grid = Grid {
            layers: vec![Vec::new(); depth],
            layer_of: layer_of.to_vec(),
            boxes,
            size: parts.boxes.to_vec(),
            chains: Vec::with_capacity(parts.arrows.len()),
            passing: Vec::new(),
            left: Vec::new(),
            right: Vec::new(),
            y: Vec::new(),
        };
        for (item, layer) in layer_of.iter().enumerate() {
            grid.layers[*layer].push(item);
        }
        for (arrow, turned) in parts.arrows.iter().zip(turned) {
            let chain = grid.chain(ends(arrow, *turned));
            grid.chains.push(chain);
        }
        let items = grid.layer_of.len();
        grid.left = vec![Vec::new(); items];
        grid.right = vec![Vec::new(); items];
        for chain in &grid.chains {
            for pair in chain.windows(2) {
                let (a, b) = (pair[0], pair[1]);
                if grid.layer_of[b] == grid.layer_of[a] + 1 {
                    grid.right[a].push(b);
                    grid.left[b].push(a);
                }
            }
        }
        grid.y = vec![0.0; items];
        grid
    }

    fn chain(&mut self, (from, to): (usize, usize)) -> Vec<usize> {
        let mut chain = vec![from];
        let between = self.layer_of[from] + 1..self.layer_of[to];
        if self.layer_of.len() + between.len() <= self.boxes + BENDS {
            for layer in between {
                let item = self.layer_of.len();
                self.layer_of.push(layer);
                self.size.push((0.0, 0.0));
                self.passing.push(self.chains.len());
                self.layers[layer].push(item);
                chain.push(item);
            }
        }
        chain.push(to);
        chain
    }

    fn order(&mut self) {
        let mut best = (self.crossings(), self.layers.clone());
        for round in 0..ROUNDS {
            if best.0 == 0 {
                break;
            }
            let depth = self.layers.len();
            for n in 1..depth {
                if round % 2 == 0 {
                    self.sort(n, n - 1);
                } else {
                    self.sort(depth - 1 - n, depth - n);
                }
            }
            let crossings = self.crossings();
            if crossings < best.0 {
                best = (crossings, self.layers.clone());
            }
        }
        self.layers = best.1;
    }

    /// Orders a layer by where its neighbours in the other one stand.
    fn sort(&mut self, layer: usize, by: usize) {
        let position = self.positions(by);
        let neighbours = if by < layer { &self.left } else { &self.right };
        let mut keyed: Vec<(f64, usize)> = self.layers[layer]
            .iter()
            .enumerate()
            .map(|(n, item)| {
                let of = &neighbours[*item];
                let sum: f64 = of.iter().map(|item| position[item] as f64).sum();
                let key = if of.is_empty() {
                    n as f64
                } else {
                    sum / of.len() as f64
                };
                (key, *item)
            })
            .collect();
        keyed.sort_by(|a, b| a.0.total_cmp(&b.0));
        self.layers[layer] = keyed.into_iter().map(|(_, item)| item).collect();
    }

    fn positions(&self, layer: usize) -> FxHashMap<usize, usize> {
        let items = self.layers[layer].iter().enumerate();
        items.map(|(n, item)| (*item, n)).collect()
    }

    /// Pairs of lines that cross between two layers, over all layers.
    fn crossings(&self) -> u64 {
        let mut crossings = 0;
        for n in 1..self.layers.len() {
            let position = self.positions(n);
            let mut ends = Vec::new();
            for item in &self.layers[n - 1] {
                let mut of: Vec<usize> = self.right[*item].iter().map(|to| position[to]).collect();
                of.sort_unstable();
                ends.extend(of);
            }
            crossings += inversions(&ends, self.layers[n].len());
        }
        crossings
    }

    /// Each item near the middle of its neighbours, without a change of the order.
    fn place(&mut self) {
        for n in 0..self.layers.len() {
            let wanted = vec![0.0; self.layers[n].len()];
            self.settle(n, &wanted);
        }
        let depth = self.layers.len();
        for round in 0..PLACINGS {
            for n in 0..depth {
                let n = if round % 2 == 0 { n } else { depth - 1 - n };
                let wanted: Vec<f64> = self.layers[n]
                    .iter()
                    .map(|item| self.wanted(*item))
                    .collect();
                self.settle(n, &wanted);
            }
        }
        let top = |item: usize| self.y[item] - self.size[item].1 / 2.0;
        let top = (0..self.y.len()).map(top).fold(f64::INFINITY, f64::min);
        if top.is_finite() {
            self.y.iter_mut().for_each(|y| *y -= top);
        }
    }

    /// A line that passes layers wants to be straight first, and between its boxes second.
    fn wanted(&self, item: usize) -> f64 {
        let mean = |items: &mut dyn Iterator<Item = &usize>| {
            let (sum, count) = items.fold((0.0, 0.0), |(sum, count), item| {
                (sum + self.y[*item], count + 1.0)
            });
            if count > 0.0 {
                sum / count
            } else {
                self.y[item]
            }
        };
        let passed = item.checked_sub(self.boxes).map(|n| self.passing[n]);
        let Some(chain) = passed.and_then(|n| self.chains.get(n)) else {
            return mean(&mut self.left[item].iter().chain(&self.right[item]));
        };
        let bends = mean(&mut chain.iter().skip(1).take(chain.len() - 2));
        let ends = mean(&mut chain.iter().take(1).chain(chain.last()));
        0.75 * bends + 0.25 * ends
    }

    fn settle(&mut self, layer: usize, wanted: &[f64]) {
        let items = &self.layers[layer];
        let apart: Vec<f64> = items
            .windows(2)
            .map(|pair| {
                let (a, b) = (pair[0], pair[1]);
                let between = if a < self.boxes && b < self.boxes {
                    BETWEEN_BOXES
                } else {
                    BETWEEN_LINES
                };
                f64::midpoint(self.size[a].1, self.size[b].1) + between
            })
            .collect();
        for (item, y) in items.iter().zip(apart_by(wanted, &apart)) {
            self.y[*item] = y;
        }
    }

    fn drawn(&self, parts: &Parts, turned: &[bool]) -> Layout {
        let columns = self.columns(parts);
        let boxes = (0..self.boxes)
            .map(|item| {
                let (x, width) = columns[self.layer_of[item]];
                let height = self.size[item].1;
                Place {
                    x,
                    y: self.y[item] - height / 2.0,
                    width,
                    height,
                }
            })
            .collect();
        let shifts = self.shifts();
        let mut lines: Vec<Line> = Vec::with_capacity(self.chains.len());
        for (n, chain) in self.chains.iter().enumerate() {
            let mut points = Vec::with_capacity(chain.len() * 2);
            for (at, item) in chain.iter().enumerate() {
                let (x, width) = columns[self.layer_of[*item]];
                let (first, last) = (at == 0, at + 1 == chain.len());
                let shift = match (first, last) {
                    (true, _) => shifts[n].0,
                    (_, true) => shifts[n].1,
                    _ => 0.0,
                };
                let y = self.y[*item] + shift;
                if !first {
                    points.push(Point { x, y });
                }
                if !last {
                    points.push(Point { x: x + width, y });
                }
            }
            if parts.arrows[n].from == parts.arrows[n].to {
                points.clear();
            }
            lines.push(Line {
                label: Point::default(),
                points,
            });
        }
        self.labels(&mut lines);
        for (line, turned) in lines.iter_mut().zip(turned) {
            if *turned {
                line.points.reverse();
            }
        }
        let bottom = |item: usize| self.y[item] + self.size[item].1 / 2.0;
        Layout {
            boxes,
            lines,
            width: columns.last().map_or(0.0, |(x, width)| x + width),
            height: (0..self.y.len()).map(bottom).fold(0.0, f64::max),
        }
    }

    /// Left side and width of each layer.
    fn columns(&self, parts: &Parts) -> Vec<(f64, f64)> {
        let mut labels = vec![0.0_f64; self.layers.len()];
        for (chain, arrow) in self.chains.iter().zip(parts.arrows) {
            let layer = self.layer_of[chain[self.labelled(chain)]];
            labels[layer] = labels[layer].max(arrow.label);
        }
        let mut x = 0.0;
        let mut columns = Vec::with_capacity(self.layers.len());
        for (items, label) in self.layers.iter().zip(labels) {
            let width = items.iter().map(|item| self.size[*item].0);
            let width = width.fold(0.0, f64::max);
            columns.push((x, width));
            let (least, most) = BETWEEN_LAYERS;
            x += width + (label + BESIDE_LABEL).clamp(least, most);
        }
        columns
    }

    /// After which item of the chain its label stands: at the end where fewer lines meet.
    fn labelled(&self, chain: &[usize]) -> usize {
        let out = chain.first().map_or(0, |from| self.right[*from].len());
        let into = chain.last().map_or(0, |to| self.left[*to].len());
        if out > into { chain.len() - 2 } else { 0 }
    }

    /// How far the two ends of each arrow are from the middle of their boxes.
    fn shifts(&self) -> Vec<(f64, f64)> {
        let mut shifts = vec![(0.0, 0.0); self.chains.len()];
        let mut leaving: Vec<Vec<(f64, usize)>> = vec![Vec::new(); self.boxes];
        let mut entering = leaving.clone();
        for (n, chain) in self.chains.iter().enumerate() {
            let (Some([from, next]), Some([before, to])) =
                (chain.first_chunk::<2>(), chain.last_chunk::<2>())
            else {
                continue;
            };
            leaving[*from].push((self.y[*next], n));
            entering[*to].push((self.y[*before], n));
        }
        for (item, (mut out, mut into)) in leaving.into_iter().zip(entering).enumerate() {
            let room = self.size[item].1 - 22.0;
            for (ends, is_out) in [(&mut out, true), (&mut into, false)] {
                ends.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
                let gaps = ends.len().saturating_sub(1).max(1) as f64;
                let step = BETWEEN_ENDS.min(room / gaps);
                let middle = ends.len().saturating_sub(1) as f64 / 2.0;
                for (place, (_, n)) in ends.iter().enumerate() {
                    let shift = (place as f64 - middle) * step;
                    if is_out {
                        shifts[*n].0 = shift;
                    } else {
                        shifts[*n].1 = shift;
                    }
                }
            }
        }
        shifts
    }

    /// Labels of one gap between layers do not cover each other.
    fn labels(&self, lines: &mut [Line]) {
        let mut gaps: Vec<Vec<(Point, usize)>> = vec![Vec::new(); self.layers.len()];
        for (n, chain) in self.chains.iter().enumerate() {
            let at = self.labelled(chain);
            let Some([a, b]) = lines[n].points.get(at * 2..at * 2 + 2) else {
                continue;
            };
            let middle = Point {
                x: f64::midpoint(a.x, b.x),
                y: f64::midpoint(a.y, b.y),
            };
            gaps[self.layer_of[chain[at]]].push((middle, n));
        }
        for mut gap in gaps {
            gap.sort_by(|(a, n), (b, m)| a.y.total_cmp(&b.y).then(n.cmp(m)));
            let wanted: Vec<f64> = gap.iter().map(|(at, _)| at.y).collect();
            let apart = vec![LABEL; gap.len().saturating_sub(1)];
            for ((at, n), y) in gap.into_iter().zip(apart_by(&wanted, &apart)) {
                lines[n].label = Point { x: at.x, y };
            }
        }
    }
}

/// The values nearest to what is wanted (least squares) that keep their order and distance: isotonic regression by
/// pooling adjacent violators (Ayer et al., 1955).
fn apart_by(wanted: &[f64], apart: &[f64]) -> Vec<f64> {
    let offsets: Vec<f64> = std::iter::once(0.0)
        .chain(apart.iter().scan(0.0, |sum, step| {
            *sum += step;
            Some(*sum)
        }))
        .collect();
    // (sum of what is wanted, how many).
    let mut pools: Vec<(f64, usize)> = Vec::new();
    let mean = |(sum, size): (f64, usize)| sum / size as f64;
    for (wanted, offset) in wanted.iter().zip(&offsets) {
        let mut pool = (wanted - offset, 1);
        while let Some((sum, size)) = pools.last().copied() {
            if mean((sum, size)).total_cmp(&mean(pool)) != Ordering::Greater {
                break;
            }
            pool = (pool.0 + sum, pool.1 + size);
            pools.pop();
        }
        pools.push(pool);
    }
    let means = pools
        .into_iter()
        .flat_map(|pool| std::iter::repeat_n(mean(pool), pool.1));
    means
        .zip(&offsets)
        .map(|(mean, offset)| mean + offset)
        .collect()
}

/// Pairs that stand in the wrong order (Fenwick, 1994).
fn inversions(values: &[usize], most: usize) -> u64 {
    let mut tree = vec![0_u64; most + 1];
    let mut inversions = 0;
    for (before, value) in values.iter().enumerate() {
        let mut at = value + 1;
        let mut not_greater = 0;
        while at > 0 {
            not_greater += tree[at];
            at &= at - 1;
        }
        inversions += before as u64 - not_greater;
        let mut at = value + 1;
        while at <= most {
            tree[at] += 1;
            at += at & at.wrapping_neg();
        }
    }
    inversions
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn placed(count: usize, arrows: &[(usize, usize)]) -> Layout {
        let arrows: Vec<Arrow> = arrows
            .iter()
            .map(|(from, to)| Arrow {
                from: *from,
                to: *to,
                label: 60.0,
            })
            .collect();
        layout(&Parts {
            boxes: &vec![(100.0, 40.0); count],
            arrows: &arrows,
        })
    }

    #[test]
    fn values_are_pushed_apart_as_little_as_needed() {
        for (wanted, expected) in [
            (vec![], vec![]),
            (vec![5.0], vec![5.0]),
            (vec![0.0, 100.0], vec![0.0, 100.0]),
            (vec![0.0, 0.0], vec![-5.0, 5.0]),
            (
                vec![20.0, 0.0, 0.0],
                vec![-10.0 / 3.0, 20.0 / 3.0, 50.0 / 3.0],
            ),
        ] {
            let apart = vec![10.0; wanted.len().saturating_sub(1)];
            for (value, expected) in apart_by(&wanted, &apart).iter().zip(&expected) {
                assert!((value - expected).abs() < 1e-9, "{wanted:?}: {value}");
            }
        }
    }

    #[test]
    fn inversions_are_counted() {
        for (values, expected) in [
            (&[][..], 0),
            (&[0, 1, 2], 0),
            (&[2, 1, 0], 3),
            (&[0, 0], 0),
            (&[1, 0, 1, 0], 3),
        ] {
            assert_eq!(inversions(values, 3), expected, "{values:?}");
        }
    }

    #[test]
    fn a_chain_is_a_straight_line() {
        let found = placed(4, &[(0, 1), (1, 2), (2, 3)]);
        for pair in found.boxes.windows(2) {
            assert!((pair[0].y - pair[1].y).abs() < 1e-6 && pair[1].x > pair[0].x + 100.0);
        }
        assert!((found.height - 40.0).abs() < 1e-6);
    }

    #[test]
    fn crossings_are_undone() {
        // Two columns of five, connected in reverse: no line needs to cross another.
        let arrows: Vec<(usize, usize)> = (0..5).map(|n| (n, 9 - n)).collect();
        let found = placed(10, &arrows);
        for (from, to) in arrows {
            assert!((found.boxes[from].y - found.boxes[to].y).abs() < 1e-6);
        }
    }

    #[test]
    fn cycles_loops_and_doubles_end() {
        for arrows in [
            &[(0, 1), (1, 0)][..],
            &[(0, 0)],
            &[(0, 1), (0, 1)],
            &[(0, 1), (1, 2), (2, 0), (2, 2)],
        ] {
            let found = placed(3, arrows);
            assert_eq!(found.lines.len(), arrows.len());
        }
        let back = placed(2, &[(0, 1), (1, 0)]).lines;
        assert!(back[1].points[0].x > back[1].points[1].x);
    }

    proptest! {
        #[test]
        fn boxes_never_cover_each_other(arrows in prop::collection::vec((0..30_usize, 0..30_usize), 0..80)) {
            let found = placed(30, &arrows);
            prop_assert!(found.width.is_finite() && found.height.is_finite());
            for (n, a) in found.boxes.iter().enumerate() {
                prop_assert!(a.x >= 0.0 && a.y >= -1e-6 && a.x + a.width <= found.width + 1e-6);
                prop_assert!(a.y + a.height <= found.height + 1e-6);
                for b in &found.boxes[n + 1..] {
                    let beside = a.x + a.width <= b.x || b.x + b.width <= a.x;
                    let apart = (a.y - b.y).abs() >= 40.0 + BETWEEN_BOXES - 1e-6;
                    prop_assert!(beside || apart, "{a:?} {b:?}");
                }
            }
            for (line, (from, to)) in found.lines.iter().zip(&arrows) {
                prop_assert_eq!(line.points.is_empty(), from == to);
                prop_assert!(line.points.len() % 2 == 0);
            }
        }
    }
}
