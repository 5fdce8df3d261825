//! Paths by their sink, as they are read and drawn: which are shown, how many there are, what ends them.
//! Comes in: a View, counts of routes. Goes out: one section a sink, in the order of the counts. Never: a lost path.

use crate::view::View;
use crate::wording::count;
use model::graph::{Cut, Path};
use model::text::Text;
use rustc_hash::FxHashMap;

/// As the analysis names the cut of all sinks together.
const ALL: &str = "all sinks";

pub(crate) struct Section<'a> {
    pub(crate) sink: &'a str,
    /// Entries that get there; `None`: not counted.
    pub(crate) routes: Option<u32>,
    /// `view.top` of them at most.
    pub(crate) paths: Vec<&'a Path>,
    /// All that the Assessment has.
    pub(crate) listed: usize,
    pub(crate) cut: Option<&'a Cut>,
}

/// The sinks of counts, paths and cuts, then all of them together.
pub(crate) fn sections<'a>(view: &View<'a>, routes: &'a [(Text, u32)]) -> Vec<Section<'a>> {
    let all = view.assessment;
    let mut sections: Vec<Section> = Vec::new();
    let mut known: FxHashMap<&str, usize> = FxHashMap::default();
    let mut at = |sections: &mut Vec<Section<'a>>, sink: &'a str| {
        *known.entry(sink).or_insert_with(|| {
            sections.push(Section {
                sink,
                routes: None,
                paths: Vec::new(),
                listed: 0,
                cut: None,
            });
            sections.len() - 1
        })
    };
    for (sink, routes) in routes {
        let n = at(&mut sections, sink);
        sections[n].routes = Some(*routes);
    }
    for path in &all.paths {
        let n = at(&mut sections, &path.sink);
        let section = &mut sections[n];
        section.listed += 1;
        if view.top == 0 || section.paths.len() < view.top {
            section.paths.push(path);
        }
    }
    for cut in &all.cuts {
        let n = at(&mut sections, &cut.sink);
        let section = &mut sections[n];
        section.cut.get_or_insert(cut);
        section.routes.get_or_insert(cut.of);
    }
    sections
}

impl Section<'_> {
    pub(crate) fn is_of_all(&self) -> bool {
        self.sink == ALL && self.listed == 0
    }

    /// How many get there, shown or not; one may have several paths.
    pub(crate) fn entries(&self) -> usize {
        self.routes.map_or(self.listed, |routes| routes as usize)
    }

    /// `cluster-admin: 12 entries get there; 5 shown`.
    pub(crate) fn heading(&self) -> String {
        let shown = self.paths.len();
        let there = self.entries();
        let get = if there == 1 {
            "1 entry gets there".to_owned()
        } else {
            format!("{} entries get there", count(there))
        };
        let of = match shown {
            n if n == there => String::new(),
            0 => "; none shown".to_owned(),
            n if n > there => format!("; {} paths shown", count(n)),
            n => format!("; {} shown", count(n)),
        };
        format!("{}: {get}{of}", self.sink)
    }
}
