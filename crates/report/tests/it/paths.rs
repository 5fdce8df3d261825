//! Attack paths in every form: what is said, what never becomes markup, what is the same twice.

use crate::sample;
use model::assessment::Assessment;
use model::graph::GraphEdge;
use model::text::Text;
use proptest::prelude::*;
use quick_xml::Reader;
use quick_xml::events::Event;
use report::View;
use report::paths;
use report::terminal::TerminalOptions;
use serde_json::Value;
use std::io::{self, Write};

type Routes = [(Text, u32)];
/// Writes one format.
type Writer<'w> = &'w dyn Fn(&View, &mut dyn Write) -> io::Result<()>;

fn written(
    assessment: &Assessment,
    top: usize,
    redact_names: bool,
    write: impl Fn(&View, &mut dyn Write) -> io::Result<()>,
) -> String {
    let verdict = sample::passed();
    let view = View {
        top,
        redact_names,
        ..sample::view(assessment, &verdict)
    };
    let mut out = Vec::new();
    write(&view, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn text(assessment: &Assessment, routes: &Routes, top: usize, width: usize) -> String {
    let options = TerminalOptions {
        width,
        colour: false,
    };
    written(assessment, top, false, |view, out| {
        paths::text(view, routes, None, &options, out)
    })
}

fn json(assessment: &Assessment, routes: &Routes) -> Value {
    let json = written(assessment, 1, false, |view, out| {
        paths::json(view, routes, None, out)
    });
    serde_json::from_str(&json).unwrap()
}

#[test]
fn text_of_one_path() {
    let routes = [("cluster-admin".into(), 1)];
    insta::assert_snapshot!(text(&sample::one_path(), &routes, 0, 100));
}

#[test]
fn text_of_twenty_paths() {
    let (all, routes) = sample::twenty_paths();
    insta::assert_snapshot!(text(&all, &routes, 2, 100));
}

#[test]
fn text_without_paths() {
    insta::assert_snapshot!(text(&sample::empty(), &[], 0, 100));
}

#[test]
fn json_of_one_path() {
    let routes = [("cluster-admin".into(), 1)];
    let json = json(&sample::one_path(), &routes);
    insta::assert_snapshot!(serde_json::to_string_pretty(&json).unwrap());
}

#[test]
fn dot_of_one_path() {
    insta::assert_snapshot!(written(&sample::one_path(), 0, false, paths::dot));
}

#[test]
fn svg_of_one_path() {
    insta::assert_snapshot!(written(&sample::one_path(), 0, false, paths::svg));
}

/// `cargo xtask gen` writes it, as PLIMSOLL_GENERATE=1 does here.
#[test]
fn generated_schema_of_the_paths() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../docs/schema/paths-v1.json"
    );
    let now = format!(
        "{}\n",
        serde_json::to_string_pretty(&paths::schema()).unwrap()
    );
    if std::env::var_os("PLIMSOLL_GENERATE").is_some() {
        std::fs::write(path, &now).unwrap();
    }
    let checked_in = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        checked_in == now,
        "docs/schema/paths-v1.json is old: cargo xtask gen"
    );
}

#[test]
fn json_has_every_path_and_gap_whatever_is_shown() {
    let (all, routes) = sample::twenty_paths();
    let json = json(&all, &routes);
    assert_eq!(json["paths"].as_array().unwrap().len(), 20);
    assert_eq!(json["gaps"].as_array().unwrap().len(), 1);
    assert_eq!(json["routes"][0]["routes"], 12);
    let edge = &json["paths"][0]["edges"][1];
    for key in [
        "from",
        "to",
        "kind",
        "technique",
        "probability",
        "evidence",
        "missing",
        "changeable",
    ] {
        assert!(edge.get(key).is_some(), "{key}");
    }
    assert_eq!(edge["evidence"][0]["pointer"], "/spec");
    assert_eq!(json["cuts"][3]["least"], 3);
}

#[test]
fn the_words_of_cuts() {
    for (changes, routes, of, least, expected) in [
        (1, 1, 1, 1, "1 change ends the only route to node"),
        (1, 4, 4, 1, "1 change ends all 4 routes to node"),
        (
            2,
            4,
            4,
            2,
            "2 changes, the fewest, end all 4 routes to node",
        ),
        (
            3,
            214,
            220,
            2,
            "3 changes (at least 2 are needed) end 214 of 220 routes to node; no known change ends the others",
        ),
        (
            3,
            3,
            4,
            1,
            "3 changes (at least 1 is needed) end 3 of 4 routes to node; no known change ends the other one",
        ),
        (
            0,
            0,
            3,
            0,
            "no known change ends any of the 3 routes to node",
        ),
    ] {
        let mut all = sample::one_path();
        let cut = &mut all.cuts[0];
        cut.sink = "node".into();
        cut.changes = (0..changes)
            .map(|n| {
                let mut change = cut.changes[0].clone();
                change.what = format!("change {n}").into();
                change
            })
            .collect();
        (cut.routes, cut.of, cut.least) = (routes, of, least);
        all.paths.clear();
        let text = text(&all, &[], 0, 300);
        assert!(
            text.contains(&format!("  cut  {expected}\n")),
            "{expected}:\n{text}"
        );
    }
}

#[test]
fn headings_say_how_many_get_there() {
    let (all, routes) = sample::twenty_paths();
    for (top, expected) in [
        (
            2,
            "cluster-admin: 12 entries get there; 2 shown (more: --top 0)\n",
        ),
        (0, "cluster-admin: 12 entries get there\n\n"),
        (
            2,
            "secrets: 2 entries get there; none shown\n  the best ways there lead over cluster-admin",
        ),
        (2, "All sinks together\n"),
    ] {
        let text = text(&all, &routes, top, 100);
        assert!(text.contains(expected), "{expected}:\n{text}");
    }
}

#[test]
fn lines_of_text_fit() {
    for (_, (all, routes)) in sample::all_paths() {
        for width in [60, 100] {
            let text = text(&all, &routes, 3, width);
            for line in text.lines() {
                assert!(
                    unicode_width::UnicodeWidthStr::width(line) <= width,
                    "{line}"
                );
            }
        }
    }
}

fn edges() -> Vec<GraphEdge> {
    let edge = |from: &str, kind: &str, to: &str| GraphEdge {
        from: from.into(),
        to: to.into(),
        kind: kind.into(),
    };
    vec![
        edge("Internet", "LOAD_BALANCER", "Service/shop/web"),
        edge("User/Jane Doe", "GROUP_MEMBER", "Group/system:masters"),
        edge(
            "pods of namespace shop",
            "POD\n_EXEC",
            "Deployment/shop/web[app\u{202e}]",
        ),
    ]
}

#[test]
fn edges_of_the_graph() {
    let shown = |redact| {
        let (mut text, mut json) = (Vec::new(), Vec::new());
        paths::edges_text(&edges(), redact, &mut text).unwrap();
        paths::edges_json(&edges(), redact, &mut json).unwrap();
        String::from_utf8([text, json].concat()).unwrap()
    };
    insta::assert_snapshot!(format!("{}\n{}", shown(false), shown(true)));
}

#[test]
fn redaction_leaves_no_name() {
    let (all, routes) = sample::twenty_paths();
    let options = TerminalOptions {
        width: 200,
        colour: false,
    };
    for text in [
        written(&all, 0, true, |view, out| {
            paths::json(view, &routes, None, out)
        }),
        written(&all, 0, true, |view, out| {
            paths::text(view, &routes, None, &options, out)
        }),
        written(&all, 0, true, paths::dot),
        written(&all, 0, true, paths::svg),
    ] {
        for name in [
            "shop", "checkout", "deployer", "team-", "velero", "alice", "worker", "prod",
        ] {
            assert!(!text.contains(name), "{name}:\n{text}");
        }
        assert!(text.contains("cluster-admin"), "{text}");
    }
}

/// Well-formed XML 1.0 without a script or anything from outside.
fn check_svg(svg: &str) {
    for c in svg.chars() {
        assert!(
            c == '\n'
                || !c.is_control()
                    && !matches!(c, '\u{202a}'..='\u{202e}' | '\u{fffe}' | '\u{ffff}'),
            "{c:?}"
        );
    }
    let known = [
        "svg", "title", "style", "defs", "marker", "path", "rect", "text", "g", "circle",
    ];
    let mut reader = Reader::from_str(svg);
    let mut depth = 0;
    loop {
        let event = reader.read_event().unwrap();
        match &event {
            Event::Start(tag) | Event::Empty(tag) => {
                let name = tag.name();
                let name: &str = name.as_ref();
                assert!(known.contains(&name), "{name}");
                for attribute in tag.attributes() {
                    let attribute = attribute.unwrap();
                    let key: &str = attribute.key.as_ref();
                    assert!(!key.starts_with("on") && !key.contains("href"), "{key}");
                }
                depth += i32::from(matches!(event, Event::Start(_)));
            }
            Event::End(_) => depth -= 1,
            Event::Text(_) => {}
            Event::GeneralRef(name) => {
                let name: &str = name;
                assert!(["amp", "lt", "gt", "quot", "#39"].contains(&name), "{name}");
            }
            Event::Eof => break,
            other => assert_eq!(*other, Event::Eof, "something else than tags and texts"),
        }
    }
    assert_eq!(depth, 0);
    let urls = svg.matches("url(").count();
    assert_eq!(urls, svg.matches("url(#paths-").count());
}

#[test]
fn drawings_are_markup_of_ours_alone() {
    for (name, (all, _)) in sample::all_paths() {
        let svg = written(&all, 0, false, paths::svg);
        check_svg(&svg);
        let (nodes, most) = (svg.matches("class=\"node").count(), 400);
        assert!(nodes <= most, "{name}: {nodes}");
        if name == "paths-many" {
            assert!(
                svg.contains("not drawn: there are more than 400 boxes"),
                "{name}"
            );
            assert!(nodes > most - 20, "{name}: {nodes}");
        }
    }
}

#[test]
fn a_drawing_marks_what_is_cut_and_what_is_unknown() {
    let svg = written(&sample::one_path(), 0, false, paths::svg);
    for (class, edges) in [("edge cut", 2), ("edge unknown", 2), ("edge", 4)] {
        // One of each is the legend's.
        assert_eq!(
            svg.matches(&format!("<g class=\"{class}\">")).count(),
            edges,
            "{class}"
        );
    }
    assert!(svg.contains("cut: Deployment shop/web: set privileged: false in container app"));
    assert!(svg.contains("not seen: secrets of namespace ops could not be listed"));
    // The cut of all sinks is that of a drawing with several.
    let svg = written(&sample::twenty_paths().0, 0, false, paths::svg);
    assert!(svg.contains("7 changes (at least 3 are needed) end 18 of 20 routes to all sinks"));
}

#[test]
fn every_form_is_the_same_twice() {
    for (name, (all, routes)) in sample::all_paths() {
        let json = |view: &View, out: &mut dyn Write| paths::json(view, &routes, None, out);
        let writers: [Writer; 3] = [&json, &paths::dot, &paths::svg];
        for write in writers {
            assert_eq!(
                written(&all, 0, false, write),
                written(&all, 0, false, write),
                "{name}"
            );
        }
    }
}

#[test]
fn dot_strings_end_where_they_end() {
    let dot = written(&sample::hostile_paths(), 0, false, paths::dot);
    let statements: Vec<&str> = dot.lines().filter(|line| !line.starts_with("//")).collect();
    assert_eq!(statements.first(), Some(&"digraph paths {"));
    for line in &statements {
        let mut quotes = 0;
        let mut escaped = false;
        for c in line.chars() {
            match c {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                '"' => quotes += 1,
                _ => assert!(quotes % 2 == 1 || c.is_ascii(), "{line}"),
            }
        }
        assert!(quotes % 2 == 0 && !escaped, "{line}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_name_is_well_formed(names in prop::collection::vec("\\PC{0,60}|[\\x00-\\x1f<>&\"'/a-z\u{202e}\u{fffe}]{0,40}", 2..8)) {
        let mut all = sample::one_path();
        let edge = all.paths[0].edges[0].clone();
        all.paths[0].edges = names
            .windows(2)
            .map(|pair| {
                let mut edge = edge.clone();
                (edge.from, edge.to) = (pair[0].as_str().into(), pair[1].as_str().into());
                edge.kind = pair[0].as_str().into();
                edge
            })
            .collect();
        check_svg(&written(&all, 0, false, paths::svg));
        let dot = written(&all, 0, false, paths::dot);
        prop_assert!(!dot.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\t')));
    }
}
