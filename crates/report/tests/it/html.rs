//! The HTML page: what needs no browser to be checked. Browsers look at it in `validators`.

use crate::sample;
use model::assessment::Assessment;
use report::html;

fn written(assessment: &Assessment, redact_names: bool) -> String {
    let verdict = sample::failed();
    let mut view = sample::view(assessment, &verdict);
    view.redact_names = redact_names;
    let mut out = Vec::new();
    html::write(&view, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn data(page: &str) -> serde_json::Value {
    let (_, rest) = page.split_once("id=\"data\">").unwrap();
    serde_json::from_str(rest.split_once("</script>").unwrap().0).unwrap()
}

#[test]
fn all_findings_are_in_the_data() {
    let page = written(&sample::shop(), false);
    let findings = data(&page)["findings"].as_array().unwrap().clone();
    let states: Vec<_> = findings.iter().map(|f| f[0].as_u64().unwrap()).collect();
    assert_eq!(states, [0, 0, 0, 0, 0, 1, 2]);
}

#[test]
fn hostile_names_add_no_markup() {
    let (shop, hostile) = (
        written(&sample::shop(), false),
        written(&sample::hostile(), false),
    );
    for tag in ["<script", "</script", "<img", "<a ", "<style", "<iframe"] {
        assert_eq!(
            hostile.matches(tag).count(),
            shop.matches(tag).count(),
            "{tag}"
        );
    }
    for c in hostile.chars() {
        assert!(
            c == '\n' || !c.is_control() && !('\u{202a}'..='\u{202e}').contains(&c),
            "{c:?}"
        );
    }
    assert!(!hostile.contains("javascript:"));
}

#[test]
fn the_page_loads_nothing() {
    let page = written(&sample::shop(), false);
    for load in [
        " src=",
        "@import",
        "url(",
        "<link rel=\"stylesheet",
        "fetch(",
        "XMLHttpRequest",
    ] {
        assert!(!page.contains(load), "{load}");
    }
    assert!(
        page.contains("default-src &#x27;none&#x27;"),
        "{}",
        page.get(..600).unwrap()
    );
}

#[test]
fn redaction_leaves_no_name() {
    let page = written(&sample::shop(), true);
    let (_, body) = page.split_once("</style>").unwrap();
    for name in [
        "shop",
        "/web",
        "team-checkout",
        "cart",
        "batch/",
        "0f6a5c1e",
    ] {
        assert!(!body.contains(name), "{name}");
    }
}

#[test]
fn an_empty_result_is_a_page() {
    let page = written(&sample::empty(), false);
    assert!(page.contains("no image that runs was seen") && page.ends_with("</html>"));
}
