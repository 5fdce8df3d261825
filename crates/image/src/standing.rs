//! What the files say that stand in the end. Comes in: facts of all layers and the tree that they make. Goes out: the
//! statements that count, under the paths at which their files stand, and the files that must be read once more because
//! a link gives them a name that matters. Never: counts a file that a higher layer deleted or replaced.

use crate::extract::{Extractor, Wants};
use crate::layer::{LayerFacts, Statement, gap, only_as};
use crate::tree::{Spot, Tree, What};
use model::evidence::Gap;
use model::text::Text;
use rustc_hash::{FxHashMap, FxHashSet};

/// A statement whose file stands.
#[derive(Clone, Debug)]
pub struct Standing<'a> {
    pub statement: &'a Statement,
    /// Where its content stands; never empty.
    pub paths: Vec<Text>,
    /// The entry that brought the content.
    pub spot: Spot,
}

/// A file whose content must be read under another name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Again {
    pub spot: Spot,
    /// The name that an extractor wants.
    pub path: Text,
}

#[derive(Default)]
pub struct Survey<'a> {
    /// Ordered by layer, entry and row.
    pub standing: Vec<Standing<'a>>,
    /// What files say that do not stand, of rows for which that matters too: each under the path that its entry gave it.
    pub gone: Vec<Standing<'a>>,
    /// Ordered.
    pub again: Vec<Again>,
    /// Of layers, and of files that stand.
    pub gaps: Vec<Gap>,
}

/// Names of the contents that matter.
#[derive(Default)]
struct Names<'a> {
    /// Those that stand where their entry put them.
    direct: FxHashSet<Spot>,
    others: FxHashMap<Spot, Vec<Text>>,
    /// Links with a name that the rows of the content want too.
    links: FxHashMap<Spot, Vec<Text>>,
    again: Vec<Again>,
    matter: FxHashSet<Spot>,
    table: &'a [Extractor],
}

pub fn survey<'a>(tree: &Tree<'a>, layers: &'a [LayerFacts], table: &[Extractor]) -> Survey<'a> {
    let mut names = Names {
        table,
        matter: matter(layers),
        ..Names::default()
    };
    let mut links = Vec::new();
    let mut circles = Vec::new();
    tree.visit(|path, node, what| match what {
        What::File(spot) => names.file(tree, path, spot),
        What::Link(_) if names.wanted(path) => links.push((Text::from(path), node)),
        _ => {}
    });
    for (path, node) in links {
        let end = tree.end(node).map(|end| tree.what(end));
        match end {
            Some(What::File(spot)) => names.link(tree, path, spot),
            None if tree.is_endless(node) => {
                let what = format!("{path} is a link that leads in a circle and was not read");
                circles.push(gap("image-unreadable", what));
            }
            _ => {}
        }
    }
    let mut survey = Survey {
        gaps: circles,
        ..Survey::default()
    };
    for (layer, facts) in (0u32..).zip(layers) {
        for statement in &facts.statements {
            let spot = Spot {
                layer,
                entry: statement.entry,
            };
            let paths = names.of(tree, spot, statement.row);
            if !paths.is_empty() {
                survey.standing.push(Standing {
                    statement,
                    paths,
                    spot,
                });
            } else if is_kept(table, statement.row) {
                let path = tree.entry(spot).map(|entry| Text::clone(&entry.path));
                survey.gone.push(Standing {
                    statement,
                    paths: path.into_iter().collect(),
                    spot,
                });
            }
        }
        for gap in &facts.gaps {
            let stands = gap
                .entry
                .is_none_or(|entry| names.stands(Spot { layer, entry }));
            if stands {
                survey.gaps.push(gap.gap.clone());
            }
        }
    }
    survey.again = names.again;
    survey.again.sort_unstable();
    survey.again.dedup();
    survey
}

/// A secret in a lower layer is told to everybody who pulls the image, whatever stands above it.
fn is_kept(table: &[Extractor], row: u16) -> bool {
    let row = table.get(usize::from(row));
    row.is_some_and(|row| matches!(row.wants, Wants::Texts { .. }))
}

fn matter(layers: &[LayerFacts]) -> FxHashSet<Spot> {
    let mut matter = FxHashSet::default();
    for (layer, facts) in (0u32..).zip(layers) {
        let stated = facts.statements.iter().map(|statement| statement.entry);
        let gaps = facts.gaps.iter().filter_map(|gap| gap.entry);
        matter.extend(stated.chain(gaps).map(|entry| Spot { layer, entry }));
    }
    matter
}

impl Names<'_> {
    fn wanted(&self, path: &str) -> bool {
        let rows = self.table.iter();
        rows.into_iter()
            .any(|row| matches!(row.wants, Wants::Named(named) if named(path)))
    }

    fn file(&mut self, tree: &Tree<'_>, path: &str, spot: Spot) {
        let matters = self.matter.contains(&spot);
        let Some(written) = tree.entry(spot).map(|entry| &*entry.path) else {
            return;
        };
        if written == path {
            if matters {
                self.direct.insert(spot);
            }
            return;
        }
        let path = Text::from(path);
        if self.table.iter().any(|row| only_as(row, &path, written)) {
            let path = Text::clone(&path);
            self.again.push(Again { spot, path });
        }
        if matters {
            self.others.entry(spot).or_default().push(path);
        }
    }

    fn link(&mut self, tree: &Tree<'_>, path: Text, spot: Spot) {
        let Some(written) = tree.entry(spot).map(|entry| &*entry.path) else {
            return;
        };
        if self.table.iter().any(|row| only_as(row, &path, written)) {
            let path = Text::clone(&path);
            self.again.push(Again { spot, path });
        }
        if self.matter.contains(&spot) {
            self.links.entry(spot).or_default().push(path);
        }
    }

    fn stands(&self, spot: Spot) -> bool {
        self.direct.contains(&spot) || self.others.contains_key(&spot)
    }

    /// The paths at which what `row` said of the content of `spot` holds.
    fn of(&self, tree: &Tree<'_>, spot: Spot, row: u16) -> Vec<Text> {
        let Some(written) = tree.entry(spot).map(|entry| &entry.path) else {
            return Vec::new();
        };
        let direct = self.direct.contains(&spot);
        let others = self.others.get(&spot).map_or(&[][..], Vec::as_slice);
        let wants = self.table.get(usize::from(row)).map(|row| row.wants);
        let first = |paths: &[Text]| paths.iter().min().cloned().into_iter().collect();
        let named = match wants {
            None => return Vec::new(),
            Some(Wants::Named(named)) => named,
            Some(_) if direct => return vec![Text::clone(written)],
            Some(_) => return first(others),
        };
        let wanted = |paths: &[Text]| -> Vec<Text> {
            let wanted = paths.iter().filter(|path| named(path));
            wanted.cloned().collect()
        };
        let mut paths = wanted(others);
        if direct {
            paths.push(Text::clone(written));
        }
        if paths.is_empty() && !others.is_empty() {
            // Written through a folder that is a link: its name still leads there.
            let there = tree.at(written).map(|node| tree.what(node));
            if there == Some(What::File(spot)) {
                paths = first(others);
            }
        }
        if paths.is_empty() {
            let links = self.links.get(&spot).map_or(&[][..], Vec::as_slice);
            paths = first(&wanted(links));
        }
        paths.sort_unstable();
        paths
    }
}
