//! The terminal view as a person sees it, and what it must never do to his terminal.

use crate::sample;
use model::assessment::{Assessment, Verdict};
use report::terminal::{TerminalOptions, explain, write};
use unicode_width::UnicodeWidthStr as _;

fn rendered(assessment: &Assessment, verdict: &Verdict, width: usize, colour: bool) -> String {
    let mut out = Vec::new();
    let view = sample::view(assessment, verdict);
    write(&view, &TerminalOptions { width, colour }, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn explained(assessment: &Assessment, index: usize) -> String {
    let (mut out, verdict) = (Vec::new(), sample::failed());
    let options = TerminalOptions {
        width: 100,
        colour: false,
    };
    explain(
        &sample::view(assessment, &verdict),
        index,
        &options,
        &mut out,
    )
    .unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn shop() {
    insta::assert_snapshot!(rendered(&sample::shop(), &sample::failed(), 100, false));
}

#[test]
fn shop_narrow() {
    insta::assert_snapshot!(rendered(&sample::shop(), &sample::failed(), 60, false));
}

#[test]
fn nothing_found() {
    insta::assert_snapshot!(rendered(&sample::empty(), &sample::passed(), 100, false));
}

#[test]
fn every_finding_of_the_shop_explained() {
    let shop = sample::shop();
    let all: Vec<String> = (0..shop.findings.len())
        .map(|i| explained(&shop, i))
        .collect();
    insta::assert_snapshot!(all.join("\n----\n"));
}

#[test]
fn hostile_names_are_shown_and_do_nothing() {
    let hostile = sample::hostile();
    let mut text = rendered(&hostile, &sample::failed(), 100, false);
    for index in 0..hostile.findings.len() {
        text.push_str(&explained(&hostile, index));
    }
    for c in text.chars() {
        assert!(
            c == '\n' || !c.is_control() && !('\u{202a}'..='\u{202e}').contains(&c),
            "{c:?}"
        );
    }
    assert!(text.contains("\\u{202e}") && text.contains("\\u{1b}[31m"));
}

#[test]
fn lines_fit() {
    for (assessment, width) in [
        (sample::shop(), 100),
        (sample::shop(), 80),
        (sample::generated(3_000), 100),
        (sample::hostile(), 100),
    ] {
        let text = rendered(&assessment, &sample::failed(), width, false);
        // A command stays whole where no place to break it fits.
        let longer = ["kubectl get =cmd", "\"path\":\"/spec/template"];
        for line in text
            .lines()
            .filter(|l| !longer.iter().any(|c| l.contains(c)))
        {
            assert!(line.width() <= width, "{} columns: {line}", line.width());
        }
    }
}

#[test]
fn colour_changes_nothing_but_colour() {
    let (shop, verdict) = (sample::shop(), sample::failed());
    let coloured = rendered(&shop, &verdict, 100, true);
    let plain = rendered(&shop, &verdict, 100, false);
    assert_ne!(coloured, plain);
    let mut stripped = String::new();
    for (i, part) in coloured.split("\x1b[").enumerate() {
        let (_, text) = if i == 0 {
            ("", part)
        } else {
            part.split_once('m').unwrap()
        };
        stripped.push_str(text);
    }
    assert_eq!(stripped, plain);
}

#[test]
fn top_limits_the_queue_and_zero_shows_all() {
    let (shop, verdict) = (sample::shop(), sample::failed());
    for (top, shown) in [(1, 1), (2, 2), (0, 3), (99, 3)] {
        let mut view = sample::view(&shop, &verdict);
        view.top = top;
        let mut out = Vec::new();
        let options = TerminalOptions {
            width: 100,
            colour: false,
        };
        write(&view, &options, &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert_eq!(text.matches("\n      why ").count(), shown, "--top {top}");
    }
}

#[test]
fn an_unknown_finding_is_an_error() {
    let (shop, verdict) = (sample::shop(), sample::failed());
    let options = TerminalOptions {
        width: 100,
        colour: false,
    };
    let error = explain(
        &sample::view(&shop, &verdict),
        99,
        &options,
        &mut Vec::new(),
    )
    .unwrap_err();
    assert_eq!(error.to_string(), "no finding number 99 among 5");
}

#[test]
fn redaction_leaves_no_name() {
    let (shop, verdict) = (sample::shop(), sample::failed());
    let mut view = sample::view(&shop, &verdict);
    view.redact_names = true;
    let options = TerminalOptions {
        width: 100,
        colour: false,
    };
    let mut out = Vec::new();
    write(&view, &options, &mut out).unwrap();
    for index in 0..shop.findings.len() {
        explain(&view, index, &options, &mut out).unwrap();
    }
    let text = String::from_utf8(out).unwrap();
    for name in ["shop", "web", "cluster prod", "batch", "cart", "redis"] {
        assert!(!text.contains(name), "{name}:\n{text}");
    }
    assert!(
        text.contains("cluster cluster-1") && text.contains("Deployment namespace-1/workload-1")
    );
}
