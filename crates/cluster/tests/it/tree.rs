//! The node tree: scalars as Kubernetes reads them, positions, bombs, documents.

use cluster::tree::{self, Document, NodeId, ROOT, TreeErrorKind, Value, scalar};
use proptest::prelude::*;
use serde_json::{Value as Json, json};
use std::fmt::Write as _;
use std::time::{Duration, Instant};

fn to_json(document: &Document<'_>, id: NodeId) -> Json {
    match document.value(id) {
        Value::Null => Json::Null,
        Value::Bool(value) => json!(value),
        Value::Number(text) => serde_json::from_str(&scalar::json_number(text)).unwrap(),
        Value::Text(text) => json!(text),
        Value::Sequence(_) => document
            .children(id)
            .map(|id| to_json(document, id))
            .collect(),
        Value::Mapping(_) => Json::Object(
            document
                .entries(id)
                .map(|(key, value)| {
                    (
                        document.as_text(key).unwrap().to_owned(),
                        to_json(document, value),
                    )
                })
                .collect(),
        ),
        Value::Alias(_) => unreachable!("value() follows aliases"),
    }
}

fn all(text: &[u8]) -> Result<Vec<Json>, tree::TreeError> {
    Ok(tree::parse(text)?
        .iter()
        .map(|document| to_json(document, ROOT))
        .collect())
}

#[track_caller]
fn check(text: impl AsRef<[u8]>, expected: Json) {
    let text = text.as_ref();
    let shown = String::from_utf8_lossy(text);
    assert_eq!(all(text), Ok(vec![expected]), "{shown}");
}

#[track_caller]
fn fails(text: impl AsRef<[u8]>, kind: TreeErrorKind, line: u32, column: u32) {
    let error = tree::parse(text.as_ref()).unwrap_err();
    assert_eq!((error.kind, error.line, error.column), (kind, line, column));
}

#[track_caller]
fn refused(text: impl AsRef<[u8]>) {
    tree::parse(text.as_ref()).unwrap_err();
}

#[test]
fn values() {
    check(
        "a: 1\nb: [x, 'y', \"z\"]\n",
        json!({"a": 1, "b": ["x", "y", "z"]}),
    );
    check(
        "a: yes\nb: 'yes'\nc: \"012\"\nd: 012\n",
        json!({"a": true, "b": "yes", "c": "012", "d": 10}),
    );
    check("a:\nb: ~\nc: ''\n", json!({"a": null, "b": null, "c": ""}));
    check(
        "a: |\n  x\n  y\nb: >-\n  x\n  y\n",
        json!({"a": "x\ny\n", "b": "x y"}),
    );
    check("a: |\n  x", json!({"a": "x"}));
    check(
        "a: 2024-01-01\nb: 12:30\n",
        json!({"a": "2024-01-01", "b": "12:30"}),
    );
    check("- - a\n  - b\n- c: d\n", json!([["a", "b"], {"c": "d"}]));
    check("a:\n- x\n- z\n", json!({"a": ["x", "z"]}));
    check(
        "a: 1 # note\n# note\nb: 'it''s'\n",
        json!({"a": 1, "b": "it's"}),
    );
    check("plain words", json!("plain words"));
    check(
        "a: \"\\u00e9\\n\\x41\\ud83d\\ude00\"\n",
        json!({"a": "é\nA😀"}),
    );
    check("a: \"\u{7f0}\"\nb: é\n", json!({"a": "\u{7f0}", "b": "é"}));
}

#[test]
fn keys_become_texts() {
    check(
        "1: a\n012: b\ntrue: c\noff: d\n1.50: e\n",
        json!({"1": "a", "10": "b", "true": "c", "false": "d", "1.5": "e"}),
    );
    check(
        "{\"a\": 1, y: 2, '1': x}",
        json!({"a": 1, "true": 2, "1": "x"}),
    );
}

#[test]
fn tags() {
    check(
        "a: !!str 12\nb: !!int \"12\"\nc: !!float 3\nd: !!bool yes\ne: !x 12\nf: ! 12\n",
        json!({"a": "12", "b": 12, "c": 3, "d": true, "e": "12", "f": "12"}),
    );
    check(
        "a: !!binary aGk=\nb: !!null ''\nc: !!str\n",
        json!({"a": "hi", "b": null, "c": ""}),
    );
    fails("a: !!int x", TreeErrorKind::Tag, 1, 10);
    fails("a: !!int 1.5", TreeErrorKind::Tag, 1, 10);
    fails("a: !!bool 3", TreeErrorKind::Tag, 1, 11);
    fails("a: !!null x", TreeErrorKind::Tag, 1, 11);
    fails("a: !!binary '@'", TreeErrorKind::Tag, 1, 13);
}

#[test]
fn aliases_and_merges() {
    check(
        "a: &x {b: 1}\nc: *x\n",
        json!({"a": {"b": 1}, "c": {"b": 1}}),
    );
    check("a: &x 1\nb: [*x, *x]\n", json!({"a": 1, "b": [1, 1]}));
    check("a: &x k\n*x : v\n", json!({"a": "k", "k": "v"}));
    check(
        "a: &x {b: 1, c: 2}\nd: {<<: *x, c: 3}\n",
        json!({"a": {"b": 1, "c": 2}, "d": {"b": 1, "c": 3}}),
    );
    // goyaml.v2 sets keys in order: a merge behind a key wins.
    check(
        "a: &x {c: 2}\nd: {c: 3, <<: *x}\n",
        json!({"a": {"c": 2}, "d": {"c": 2}}),
    );
    // Of several the first one wins.
    check(
        "a: &x {c: 2}\nb: &y {c: 4, e: 5}\nd: {<<: [*x, *y]}\n",
        json!({"a": {"c": 2}, "b": {"c": 4, "e": 5}, "d": {"c": 2, "e": 5}}),
    );
    check(
        "a: &x {c: 2}\nd: {<<: *x, <<: {e: 1}}\n",
        json!({"a": {"c": 2}, "d": {"c": 2, "e": 1}}),
    );
    check("a: {'<<': 1}\n", json!({"a": {"<<": 1}}));
    check(
        "a: &x {b: &y {c: 1}}\nd: {<<: *x}\ne: *y\n",
        json!({"a": {"b": {"c": 1}}, "d": {"b": {"c": 1}}, "e": {"c": 1}}),
    );
    fails("a: *x\n", TreeErrorKind::UnknownAnchor, 1, 4);
    fails("a: &x [*x]\n", TreeErrorKind::AliasCycle, 1, 8);
    fails("a: &x {b: {<<: *x}}\n", TreeErrorKind::AliasCycle, 1, 16);
    fails("a: {<<: 1}\n", TreeErrorKind::MergeNotMapping, 1, 5);
    fails(
        "a: &x [1]\nb: {<<: *x}\n",
        TreeErrorKind::MergeNotMapping,
        2,
        5,
    );
    fails(
        "a: 1\n---\nb: &x 1\n---\nc: *x\n",
        TreeErrorKind::UnknownAnchor,
        5,
        4,
    );
}

fn keys(count: usize) -> String {
    (0..count).fold(String::new(), |mut text, n| {
        let _ = writeln!(text, "k{n}: 1");
        text
    })
}

#[test]
fn duplicate_keys() {
    fails("a: 1\nb: 2\na: 3\n", TreeErrorKind::DuplicateKey, 3, 1);
    fails(
        "x:\n  - a: 1\n    'a': 2\n",
        TreeErrorKind::DuplicateKey,
        3,
        5,
    );
    fails("1: a\n0x1: b\n", TreeErrorKind::DuplicateKey, 2, 1);
    fails("yes: a\non: b\n", TreeErrorKind::DuplicateKey, 2, 1);
    fails(
        "a: &x {b: 1}\nc: {<<: *x, d: 1, d: 2}\n",
        TreeErrorKind::DuplicateKey,
        2,
        19,
    );
    fails(r#"{"a": 1, "a": 2}"#, TreeErrorKind::DuplicateKey, 1, 10);
    let many = keys(100);
    fails(
        format!("{many}k50: 2\n"),
        TreeErrorKind::DuplicateKey,
        101,
        1,
    );
    check(
        "a: {k: 1}\nb: {k: 1}\n",
        json!({"a": {"k": 1}, "b": {"k": 1}}),
    );
}

#[test]
fn errors_have_places() {
    fails("a: .inf\n", TreeErrorKind::NotFinite, 1, 4);
    fails("a: 1\n? [x]\n: y\n", TreeErrorKind::KeyNotScalar, 2, 3);
    fails("? {a: b}\n: y\n", TreeErrorKind::KeyNotScalar, 1, 3);
    fails("~: y\n", TreeErrorKind::KeyNotScalar, 1, 1);
    fails("a: x\u{0}y\n", TreeErrorKind::ControlCharacter, 1, 5);
    fails("é: x\u{1b}y\n", TreeErrorKind::ControlCharacter, 1, 5);
    fails("a: \u{85}\u{9f}\n", TreeErrorKind::ControlCharacter, 1, 5);
    fails("a: \u{FFFE}\n", TreeErrorKind::ControlCharacter, 1, 4);
    fails(b"a: 1\nb: \xff\n", TreeErrorKind::Encoding, 2, 4);
    fails(
        "a:\n\tb: 1\n",
        TreeErrorKind::Yaml("tab where only spaces may indent"),
        2,
        2,
    );
    fails("a: 'x\n", TreeErrorKind::Yaml("quote is not closed"), 1, 4);
    fails(
        "a: [1, 2\n",
        TreeErrorKind::Yaml("bracket is not closed"),
        1,
        4,
    );
    for text in [
        "a: b: c\n",
        "a: 1\n b: 2\n",
        "- a\nb: 1\n",
        "%YAML 3.0\n---\na: 1\n",
        "{{ x }}",
        "a: @x\n",
        "a: %x\n",
        "[1\n",
    ] {
        refused(text);
    }
}

#[test]
fn encodings_and_line_ends() {
    check("\u{FEFF}a: 1\n", json!({"a": 1}));
    check("\u{FEFF}{\"a\": 1}", json!({"a": 1}));
    check(
        "a: 1\r\nb: |\r\n  x\r\n  y\r\n",
        json!({"a": 1, "b": "x\ny\n"}),
    );
    let utf16 = |text: &str, little: bool| -> Vec<u8> {
        let units = std::iter::once(0xFEFF).chain(text.encode_utf16());
        units
            .flat_map(|unit| {
                if little {
                    unit.to_le_bytes()
                } else {
                    unit.to_be_bytes()
                }
            })
            .collect()
    };
    check(utf16("a: é😀\n", true), json!({"a": "é😀"}));
    check(utf16("a: é😀\n", false), json!({"a": "é😀"}));
    refused(b"\xff\xfea");
    refused(b"\xff\xfe\x00\xd8");
    refused(b"a\x00:\x00");
}

#[test]
fn streams() {
    let many = |text: &str| all(text.as_bytes()).unwrap();
    assert_eq!(many("a: 1\n---\nb: 2\n...\n---\nc: 3\n").len(), 3);
    assert_eq!(many("---\n---\na: 1\n"), [Json::Null, json!({"a": 1})]);
    assert_eq!(many(""), Vec::<Json>::new());
    assert_eq!(many("# only a comment\n"), Vec::<Json>::new());
    assert_eq!(
        many("{\"a\":1} {\"b\":2}\n[3]"),
        [json!({"a": 1}), json!({"b": 2}), json!([3])]
    );
    assert_eq!(
        many("{\"a\":1}\n---\n{b: 2}\n"),
        [json!({"a": 1}), json!({"b": 2})]
    );
    assert_eq!(many("{a: 1, b: [x]}\n"), [json!({"a": 1, "b": ["x"]})]);
}

#[test]
fn json() {
    check(
        r#" {"a":[1,-2.5e3,true,false,null,"x\"\\\/\b\f\n\r\té"],"b":{},"c":[]} "#,
        json!({"a": [1, -2500, true, false, null, "x\"\\/\u{8}\u{c}\n\r\té"], "b": {}, "c": []}),
    );
    check(r#"["😀","\ud83d"]"#, json!(["😀", "\u{FFFD}"]));
    check("{\"a\":\"\u{7f}\"}", json!({"a": "\u{7f}"}));
    fails(
        "{\"a\": 1,}\n---\n'x",
        TreeErrorKind::Yaml("quote is not closed"),
        3,
        1,
    );
    for text in [
        r#"{"a":1"#,
        r#"{"a" 1}"#,
        r#"["\x"]"#,
        r#"["\u12"]"#,
        "{\"a\":1}}",
        "[1 2",
        "{\"a\":}x:",
        "{\"a\":tru}}",
    ] {
        refused(text);
    }
    // What the JSON reader refuses may still be YAML.
    check("{\"a\": 1,}", json!({"a": 1}));
    check("[1, x]", json!([1, "x"]));
}

#[test]
fn numbers_keep_their_text() {
    let document = tree::parse(b"[1.50, 0x1F, 1e3, 0644]").unwrap().remove(0);
    let texts: Vec<String> = document
        .children(ROOT)
        .map(|id| match document.value(id) {
            Value::Number(text) => text.to_string(),
            _ => panic!(),
        })
        .collect();
    assert_eq!(texts, ["1.50", "0x1F", "1e3", "0644"]);
}

#[test]
fn byte_ranges() {
    let text = "a:\n  b: [x, 'y']\n  c: 12\nd: &k {e: f}\n";
    let document = tree::parse(text.as_bytes()).unwrap().remove(0);
    for (path, expected) in [
        (&["a", "b"][..], "[x, 'y']"),
        (&["a", "c"], "12"),
        (&["d"], "{e: f}"),
        (&["a"], "b: [x, 'y']\n  c: 12"),
    ] {
        let node = document.node(document.at(ROOT, path).unwrap()).unwrap();
        assert_eq!(&text[node.start as usize..node.end as usize], expected);
    }
}

#[track_caller]
fn bomb(text: impl AsRef<[u8]>, kind: TreeErrorKind) {
    let start = Instant::now();
    assert_eq!(tree::parse(text.as_ref()).unwrap_err().kind, kind);
    assert!(
        start.elapsed() < Duration::from_secs(20),
        "{:?}",
        start.elapsed()
    );
}

#[test]
fn bombs() {
    let mut laughs = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
    let mut merges = String::from("a0: &a0 {k: x}\n");
    let mut deep = String::from("a0: &a0 [x]\n");
    for level in 1..200 {
        let before = level - 1;
        let nine = vec![format!("*a{before}"); 9].join(", ");
        let _ = writeln!(laughs, "a{level}: &a{level} [{nine}]");
        let _ = writeln!(
            merges,
            "a{level}: &a{level} {{p: *a{before}, q: *a{before}, <<: *a{before}}}"
        );
        let _ = writeln!(deep, "a{level}: &a{level} [*a{before}]");
    }
    bomb(&laughs, TreeErrorKind::AliasBudget);
    bomb(&merges, TreeErrorKind::AliasBudget);
    bomb(&deep, TreeErrorKind::TooDeep);
    let long = "x".repeat(100_000);
    bomb(
        format!("a: &a {long}\nb: [{}]", ["*a"; 1000].join(",")),
        TreeErrorKind::AliasBudget,
    );
    bomb("[".repeat(1_000_000), TreeErrorKind::TooDeep);
    bomb("{\"a\":".repeat(1_000_000), TreeErrorKind::TooDeep);
    bomb("- ".repeat(100_000), TreeErrorKind::TooDeep);
    let nested = (0..500).fold(String::new(), |text, n| text + &" ".repeat(n) + "k:\n");
    bomb(nested, TreeErrorKind::TooDeep);
    bomb(
        format!("a: '{}", "x".repeat(5_000_000)),
        TreeErrorKind::Yaml("quote is not closed"),
    );
}

#[test]
fn long_lines_are_read() {
    let long = "x".repeat(5_000_000);
    check(format!("a: {long}\n"), json!({"a": long}));
    check(format!("{{\"a\": \"{long}\"}}"), json!({"a": long}));
    let keys = keys(200_000);
    assert_eq!(tree::parse(keys.as_bytes()).unwrap()[0].len(), 400_001);
}

#[test]
fn errors_never_quote() {
    for text in [
        "a: 'CANARY\n",
        "a: [CANARY\n",
        "CANARY: 1\nCANARY: 2\n",
        "a: *CANARY\n",
        "a: \"\\CANARY\"\n",
        "{\"a\": CANARY\n---",
        "a: !!int CANARY\n",
        "\tCANARY: {",
    ] {
        let error = tree::parse(text.as_bytes()).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("CANARY"), "{error}");
    }
    let document = tree::parse(b"a: CANARY").unwrap();
    assert!(!format!("{document:?}").contains("CANARY"));
}

fn value() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        // Every character that both formats can carry unescaped or escaped.
        "[ -~é\n\t\"\\\\😀:#&*!|>%@`-]{0,12}".prop_map(Json::from),
    ];
    leaf.prop_recursive(6, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Json::from),
            prop::collection::hash_map("[a-z ~:]{1,6}", inner, 0..6)
                .prop_map(|map| Json::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    /// JSON is YAML: both readers give what serde_json gives.
    #[test]
    fn both_readers_agree(value in value()) {
        let text = value.to_string();
        prop_assert_eq!(all(text.as_bytes()).unwrap(), vec![value.clone()]);
        let yaml = format!("---\n{text}\n---\n");
        prop_assert_eq!(&all(yaml.as_bytes()).unwrap()[0], &value);
        let pretty = serde_json::to_string_pretty(&value).unwrap();
        prop_assert_eq!(all(pretty.as_bytes()).unwrap(), vec![value]);
    }

    #[test]
    fn nothing_panics(text in "[ -~\n\té]{0,200}") {
        let _ = tree::parse(text.as_bytes());
    }

    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = tree::parse(&bytes);
    }

    #[test]
    fn yaml_shapes_do_not_panic(text in "([-?:] |[a-c]: |&a |\\*a |<<: |\\[|\\]|\\{|\\}|,|'|\"|\\||>|\n|  |x|---\n|#|!!int |%){0,60}") {
        let _ = tree::parse(text.as_bytes());
    }
}

/// The cheap search for documents against the parser: the same number, and each slice begins with the same document.
#[test]
fn documents_are_found_by_their_marks() {
    for text in [
        "",
        "# only a comment\n",
        "a: 1\n",
        "---\na: 1\n---\nb: 2\n",
        "# Source: chart/a.yaml\n---\na: 1\n--- # why\nb: 2\n",
        "a: |\n  ---\n  text\n---\nb: \"x\n  --- y\"\n",
        "---\n---\na: 1\n",
        "--- {a: 1}\n--- [1]\n",
        "a: 1\n...\n---\nb: 2\n",
        "%YAML 1.1\n---\na: 1\n",
        "---a: 1\n",
        "\u{FEFF}---\na: 1\n",
        "{\"a\": 1}\n{\"b\": 2}\n",
    ] {
        let whole: Vec<_> = tree::documents(text).map_while(Result::ok).collect();
        let starts = tree::document_starts(text);
        assert_eq!(starts.len(), whole.len(), "{text:?}");
        for (n, document) in whole.iter().enumerate() {
            let end = starts.get(n + 1).copied().unwrap_or(text.len());
            let alone = tree::documents(&text[starts[n]..end])
                .next()
                .unwrap()
                .unwrap();
            assert_eq!(
                to_json(&alone, ROOT),
                to_json(document, ROOT),
                "{text:?} document {n}"
            );
        }
    }
}
