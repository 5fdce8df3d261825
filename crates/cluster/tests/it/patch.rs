//! Files changed in place: a table of what a person would write, and properties over many styles.

#![allow(
    clippy::format_push_string,
    reason = "styles are put together piece by piece"
)]

use cluster::patch::{PatchError, apply};
use cluster::tree::{self, NodeId, ROOT, Value};
use model::remedy::Operation;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value as Json, json};
use std::cell::Cell;

/// `add /a/b {"c":1}`, `remove /a`; several divided by `; `.
fn operations(text: &str) -> Vec<Operation> {
    let one = |text: &str| {
        let mut parts = text.splitn(3, ' ');
        let (name, path) = (parts.next().unwrap(), parts.next().unwrap().into());
        let value = parts.next().unwrap_or("").into();
        match name {
            "add" => Operation::Add { path, value },
            "remove" => Operation::Remove { path },
            "replace" => Operation::Replace { path, value },
            _ => Operation::Test { path, value },
        }
    };
    text.split("; ").map(one).collect()
}

#[track_caller]
fn check_at(before: &str, document: u32, item: Option<u32>, patch: &str, expected: &str) {
    match apply(before, document, item, &operations(patch)) {
        Ok(after) => assert_eq!(after, expected, "{patch} of\n{before}"),
        Err(error) => assert_eq!(format!("error: {error}"), expected, "{patch} of\n{before}"),
    }
}

#[track_caller]
fn check(before: &str, patch: &str, expected: &str) {
    check_at(before, 0, None, patch, expected);
}

#[test]
fn values_are_replaced_where_they_stand() {
    check("a: true # why\n", "replace /a false", "a: false # why\n");
    check("a:   yes\nb: 1", "replace /b 2", "a:   yes\nb: 2");
    check("a: 'x'\n", "replace /a \"it's\"", "a: 'it''s'\n");
    check("a: \"x\" # c\n", "replace /a \"y\"", "a: \"y\" # c\n");
    check("a: x\n", "replace /a \"yes\"", "a: \"yes\"\n");
    check("a: x\n", "replace /a \"1.5\"", "a: \"1.5\"\n");
    check("a: x\n", "replace /a \"b: c #\"", "a: \"b: c #\"\n");
    check("a: x\n", "replace /a \"b\\nc\"", "a: \"b\\nc\"\n");
    check("a:\n", "replace /a 5", "a: 5\n");
    check("a: ~\n", "replace /a 5", "a: 5\n");
    check(
        "a: # c\nb: 1\n",
        "add /a {\"x\":1}",
        "a: # c\n  x: 1\nb: 1\n",
    );
    check(
        "a: {} # c\nb: 1\n",
        "replace /a {\"x\":[1]}",
        "a: # c\n  x:\n    - 1\nb: 1\n",
    );
    check(
        "a:\n  b: 1 # c\n  d: 2\ne: 3\n",
        "replace /a 5",
        "a: 5\ne: 3\n",
    );
    check(
        "a: # c\n  b: 1\ne: 3\n",
        "replace /a []",
        "a: [] # c\ne: 3\n",
    );
    check(
        "a: |\n  x\n  y\n\nb: 1\n",
        "replace /a \"z\"",
        "a: z\n\nb: 1\n",
    );
    check("a: |+\n  x\n\nb: 1\n", "replace /a \"z\"", "a: z\nb: 1\n");
    check(
        "a:\n- 1\n- 2\nb: 1\n",
        "replace /a/1 true",
        "a:\n- 1\n- true\nb: 1\n",
    );
    check(
        "a:\n- x: 1\n  y: 2\n- z\n",
        "replace /a/0 \"w\"",
        "a:\n- w\n- z\n",
    );
    check(
        "a:\n- x\n- z\n",
        "replace /a/0 {\"b\":1,\"c\":{\"d\":2}}",
        "a:\n- b: 1\n  c:\n    d: 2\n- z\n",
    );
    check("a: \"x\n  y\"\nb: 1\n", "replace /a 1", "a: 1\nb: 1\n");
    check("a: x\n  y\nb: 1\n", "replace /a 1", "a: 1\nb: 1\n");
}

#[test]
fn entries_are_added_behind_the_others() {
    check(
        "a:\n  b: 1\nc: 2\n",
        "add /a/d true",
        "a:\n  b: 1\n  d: true\nc: 2\n",
    );
    check(
        "a:\n    b: 1 # x\nc: 2\n",
        "add /a/d {\"e\":1}",
        "a:\n    b: 1 # x\n    d:\n        e: 1\nc: 2\n",
    );
    check("a:\n  b: 1", "add /a/d 2", "a:\n  b: 1\n  d: 2");
    check(
        "a: 1\r\nb:\r\n  c: 1\r\n",
        "add /b/d {\"e\":1}",
        "a: 1\r\nb:\r\n  c: 1\r\n  d:\r\n    e: 1\r\n",
    );
    check(
        "l:\n- name: a\n  image: b\n\n- name: c\n",
        "add /l/0/s {\"d\":[\"ALL\"]}",
        "l:\n- name: a\n  image: b\n  s:\n    d:\n    - ALL\n\n- name: c\n",
    );
    check(
        "l:\n  - name: a\n# end\nb: 1\n",
        "add /l/0/s [1]",
        "l:\n  - name: a\n    s:\n      - 1\n# end\nb: 1\n",
    );
    check(
        "l:\n-\n  name: a\n",
        "add /l/0/s 1",
        "l:\n-\n  name: a\n  s: 1\n",
    );
    check(
        "a:\n  b: |\n    x\n\nc: 1\n",
        "add /a/d 2",
        "a:\n  b: |\n    x\n  d: 2\n\nc: 1\n",
    );
    check(
        "a:\n  b: |+\n    x\n\nc: 1\n",
        "add /a/d 2",
        "a:\n  b: |+\n    x\n\n  d: 2\nc: 1\n",
    );
    check(
        "a:\n  b: |-\n    x # no comment\n    # nor this",
        "add /a/d 2",
        "a:\n  b: |-\n    x # no comment\n    # nor this\n  d: 2",
    );
    check("a: {}\n", "add /a/x/y 1", "error: /a/x/y is not there");
    check("a: {}\nb: 1\n", "add /a/x 1", "a:\n  x: 1\nb: 1\n");
    check("a: []\nb: 1\n", "add /a/- 1", "a:\n  - 1\nb: 1\n");
    check(
        "l:\n- {}\n- 2\n",
        "add /l/0/x 1; add /l/0/z 2",
        "l:\n- x: 1\n  z: 2\n- 2\n",
    );
    check(
        "l: # all\n- 1 # one\n- 2\n",
        "add /l/1 5",
        "l: # all\n- 1 # one\n- 5\n- 2\n",
    );
    check(
        "l:\n  - 1\n  # two\n  - 2\nz: 0\n",
        "add /l/1 5; add /l/- 6",
        "l:\n  - 1\n  - 5\n  # two\n  - 2\n  - 6\nz: 0\n",
    );
    check("a:\n", "add /b/- 1", "error: /b/- is not there");
    check(
        "\u{FEFF}a: 1\nb: 2\n",
        "add /c 3; remove /a",
        "\u{FEFF}b: 2\nc: 3\n",
    );
    check("a: 1\n...\n", "add /b 2", "a: 1\nb: 2\n...\n");
    check(
        "a:\n  b:\n  # c: 1\n\nd: 1\n",
        "add /a/e 2",
        "a:\n  b:\n  e: 2\n  # c: 1\n\nd: 1\n",
    );
}

#[test]
fn entries_go_with_their_lines_and_comments() {
    check("a: 1\nb: 2 # two\nc: 3\n", "remove /b", "a: 1\nc: 3\n");
    check(
        "a: 1\n\n# about b\n# more\nb:\n  x: 1\n  # old\n# about c\nc: 3\n",
        "remove /b",
        "a: 1\n\n# about c\nc: 3\n",
    );
    check("a: 1\n# all\n\nb: 2\n", "remove /b", "a: 1\n# all\n\n");
    check("# licence\na: 1\nb: 2\n", "remove /a", "# licence\nb: 2\n");
    check("a: 1\nb: 2", "remove /b", "a: 1");
    check("a: 1\r\nb: 2", "remove /b", "a: 1");
    check("a:\n  b: 1\nc: 2\n", "remove /a/b", "a: {}\nc: 2\n");
    check(
        "a:\n  # why\n  b: 1\nc: 2\n",
        "remove /a/b",
        "a: {}\nc: 2\n",
    );
    check("a:\n- 1\nc: 2\n", "remove /a/0", "a: []\nc: 2\n");
    check(
        "l:\n- a: 1\n  b: 2\n- c\n",
        "remove /l/0/a",
        "l:\n- b: 2\n- c\n",
    );
    check(
        "l:\n- a: 1\n  b: 2\n- c\n",
        "remove /l/0/b",
        "l:\n- a: 1\n- c\n",
    );
    check(
        "l:\n- a: 1\n  # b too\n  b: 2\n- c\n",
        "remove /l/0",
        "l:\n- c\n",
    );
    check(
        "l:\n  # one\n  - 1\n  # two\n  - 2\n",
        "remove /l/0",
        "l:\n  # two\n  - 2\n",
    );
    check(
        "l:\n- - 1\n  - 2\n- 3\n",
        "remove /l/0/0",
        "l:\n- - 2\n- 3\n",
    );
    check(
        "a:\n  b: |\n    x\n\n  c: 1\n",
        "remove /a/b",
        "a:\n\n  c: 1\n",
    );
    check("l: [1]\nb: 1\n", "remove /l/0", "l: []\nb: 1\n");
    check(
        "a: 1\n",
        "remove /a",
        "error: /a stands where no safe edit was found: change it by hand",
    );
}

#[test]
fn brackets_keep_their_commas() {
    check("a: {b: 1, c: 2}\n", "remove /a/b", "a: {c: 2}\n");
    check("a: {b: 1, c: 2}\n", "remove /a/c", "a: {b: 1}\n");
    check("a: {b: 1, c: 2,}\n", "remove /a/c", "a: {b: 1,}\n");
    check("a: { b: 1, }\n", "remove /a/b", "a: {}\n");
    check("a: [x, y, z]\n", "remove /a/1", "a: [x, z]\n");
    check(
        "a: {b: 1}\n",
        "add /a/c {\"d\":[\"ALL\",\"a, b\"]}",
        "a: {b: 1, c: {d: [ALL, \"a, b\"]}}\n",
    );
    check("a: {b}\n", "replace /a/b 1", "a: {b: 1}\n");
    check("a: {b:}\n", "replace /a/b 1", "a: {b: 1}\n");
    check("a: {b: {}}\n", "add /a/b/c 1", "a: {b: {c: 1}}\n");
    check(
        "a: [x]\n",
        "add /a/0 \"w\"; add /a/- \"z\"",
        "a: [w, x, z]\n",
    );
    check(
        "a: [\n  x, # one\n  y # two\n]\n",
        "add /a/- \"z\"",
        "a: [\n  x, # one\n  y, z # two\n]\n",
    );
    check(
        "{a: 1, b: x}\n",
        "replace /b \"w\"; add /c true",
        "{a: 1, b: w, c: true}\n",
    );
    check(
        "{\"a\":1}",
        "add /b {\"c\":[]}; replace /a \"x\"",
        "{\"a\":\"x\",\"b\":{\"c\":[]}}",
    );
    check(
        "{\n\t\"a\": 1\n}\n",
        "add /b {\"c\":[1]}",
        "{\n\t\"a\": 1,\n\t\"b\": {\n\t\t\"c\": [\n\t\t\t1\n\t\t]\n\t}\n}\n",
    );
    check(
        "{\n  \"a\": {},\n  \"b\": [1, 2]\n}",
        "add /a/x true; remove /b/0",
        "{\n  \"a\": {\n    \"x\": true\n  },\n  \"b\": [2]\n}",
    );
    check(
        "{\n  \"a\": 1,\n  \"b\": 2\n}",
        "remove /a",
        "{\n  \"b\": 2\n}",
    );
    check(
        "{\n  \"a\": 1,\n  \"b\": 2\n}",
        "remove /b",
        "{\n  \"a\": 1\n}",
    );
}

#[test]
fn documents_items_and_anchors() {
    let two = "# first\na: 1\n---\n# second\na: 1 # x\n---\na: 1\n";
    check_at(
        two,
        1,
        None,
        "replace /a 2",
        "# first\na: 1\n---\n# second\na: 2 # x\n---\na: 1\n",
    );
    check_at(
        two,
        2,
        None,
        "add /b 2",
        "# first\na: 1\n---\n# second\na: 1 # x\n---\na: 1\nb: 2\n",
    );
    check_at(
        two,
        3,
        None,
        "add /b 2",
        "error: document 3 is not in the file",
    );
    check_at(
        "{\"a\":1}\n{\"a\":2}\n",
        1,
        None,
        "replace /a 3",
        "{\"a\":1}\n{\"a\":3}\n",
    );
    let list = "kind: List\nitems:\n- kind: A\n  x: 1\n- kind: B\n";
    check_at(
        list,
        0,
        Some(1),
        "add /x true",
        "kind: List\nitems:\n- kind: A\n  x: 1\n- kind: B\n  x: true\n",
    );
    check_at(
        list,
        0,
        Some(2),
        "add /x true",
        "error: item 2 is not in the list",
    );
    let shared = "a: &s {x: 1}\nb: *s\nc: 1\n";
    check(shared, "replace /c 2", "a: &s {x: 1}\nb: *s\nc: 2\n");
    check(shared, "replace /b 2", "a: &s {x: 1}\nb: 2\nc: 1\n");
    let refused = |path| {
        format!(
            "error: {path} is shared by an anchor and its aliases, and a change would reach all of them: write it out where it differs"
        )
    };
    check(shared, "replace /b/x 2", &refused("/b/x"));
    check(shared, "replace /a/x 2", &refused("/a/x"));
    check(shared, "remove /a", &refused("/a"));
    let merged = "d: &d\n  x: 1\ne:\n  <<: *d\n  z: 2\n";
    check(
        merged,
        "replace /e/z 3",
        "d: &d\n  x: 1\ne:\n  <<: *d\n  z: 3\n",
    );
    check(
        merged,
        "replace /e/x 3",
        "d: &d\n  x: 1\ne:\n  <<: *d\n  z: 2\n  x: 3\n",
    );
    check(merged, "remove /e/x", &refused("/e/x"));
    check(merged, "remove /e/z", "d: &d\n  x: 1\ne:\n  <<: *d\n");
    check("a: &x {b: 1}\n", "replace /a/b 2", "a: &x {b: 2}\n");
    check("a: 1\n", "test /a 1", "a: 1\n");
    check(
        "a: 1\n",
        "test /a 2; remove /a",
        "error: /a is not what the patch expects",
    );
    check(
        "a: 1\n",
        "replace  2",
        "error:  is the whole object: a patch changes its fields",
    );
}

#[test]
fn templates_are_changed_elsewhere() {
    let words =
        "is of a template: change the template, or the value that it is given, and render it again";
    check(
        "a: 1\nb: {{ .Values.b }}\n",
        "replace /a 2",
        &format!("error: line 2 {words}"),
    );
    check(
        "a: \"{{ .Values.a }}\"\n",
        "replace /a 2",
        &format!("error: line 1 {words}"),
    );
    check(
        "a: 1\n{{- if x }}\nb: 1\n{{- end }}\n",
        "replace /a 2",
        &format!("error: line 2 {words}"),
    );
    check_at(
        "x: 1\n---\na: {{ include \"a\" . }}\n",
        1,
        None,
        "replace /a 2",
        &format!("error: line 3 {words}"),
    );
    check(
        "a: '{{ $labels.pod }}'\nb: 1\n",
        "replace /b 2",
        "a: '{{ $labels.pod }}'\nb: 2\n",
    );
    check(
        "a: [\n",
        "replace /a 2",
        "error: invalid YAML: bracket is not closed at line 1, column 4",
    );
}

fn json_of(tree: &tree::Document<'_>, id: NodeId) -> Json {
    match tree.value(id) {
        Value::Null | Value::Alias(_) => Json::Null,
        Value::Bool(value) => json!(value),
        Value::Number(text) => serde_json::from_str(&tree::scalar::json_number(text)).unwrap(),
        Value::Text(text) => json!(text),
        Value::Sequence(_) => tree.children(id).map(|id| json_of(tree, id)).collect(),
        Value::Mapping(_) => {
            let entries = tree.entries(id);
            Json::Object(
                entries
                    .map(|(k, v)| (tree.as_text(k).unwrap().to_owned(), json_of(tree, v)))
                    .collect(),
            )
        }
    }
}

fn values() -> impl Strategy<Value = Json> {
    let words = [
        "a",
        "yes",
        "",
        "x y",
        "it's",
        "1",
        "- b",
        "k: v",
        "#c",
        "é\u{2028}",
        "l1\nl2\n",
        "\tq\"",
        "*",
        "{",
        "%",
    ];
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        (-9..9i64).prop_map(Json::from),
        proptest::sample::select(words.to_vec()).prop_map(Json::from),
    ];
    leaf.prop_recursive(4, 40, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Json::from),
            proptest::collection::btree_map("[a-d]{1,2}|on|1", inner, 0..4)
                .prop_map(|map| Json::Object(map.into_iter().collect())),
        ]
    })
}

/// Writes a value in block or flow style with comments, blank lines and indentation as the dice fall.
struct Writer<'d> {
    dice: &'d [u8],
    at: Cell<usize>,
    eol: &'static str,
}

impl Writer<'_> {
    fn roll(&self, sides: u8) -> u8 {
        self.at.set(self.at.get() + 1);
        self.dice[self.at.get() % self.dice.len()] % sides
    }

    fn comment(&self, column: usize, out: &mut String) {
        match self.roll(8) {
            0 => out.push_str(self.eol),
            1 => out.push_str(&format!("{}# a: comment{}", " ".repeat(column), self.eol)),
            _ => {}
        }
    }

    fn tail(&self, out: &mut String) {
        if self.roll(5) == 0 {
            out.push_str(" # tail");
        }
        out.push_str(self.eol);
    }

    /// What follows `key:` or a dash at `column`.
    fn value(&self, value: &Json, column: usize, dash: bool, out: &mut String) {
        let (empty, text) = match value {
            Json::Array(list) => (list.is_empty(), None),
            Json::Object(map) => (map.is_empty(), None),
            Json::String(text) => (false, Some(text)),
            _ => (true, None),
        };
        if let Some(text) = text
            && text.ends_with('\n')
            && self.roll(2) == 0
        {
            let keep = ["|", "|+"][usize::from(self.roll(2))];
            out.push_str(&format!(" {keep}{}", self.eol));
            for line in text.lines() {
                out.push_str(&format!("{}{line}{}", " ".repeat(column + 3), self.eol));
            }
            if keep == "|" && self.roll(2) == 0 {
                out.push_str(self.eol);
            }
            return;
        }
        if empty || text.is_some() || self.roll(4) == 0 {
            if !(value.is_null() && self.roll(2) == 0) {
                out.push(' ');
                out.push_str(&value.to_string());
            }
            return self.tail(out);
        }
        match value {
            Json::Object(map) => {
                let inline = dash && self.roll(3) > 0;
                let column = column
                    + if inline {
                        2
                    } else {
                        1 + usize::from(self.roll(4))
                    };
                out.push_str(if inline { " " } else { self.eol });
                for (number, (key, value)) in map.iter().enumerate() {
                    if !(inline && number == 0) {
                        self.comment(column, out);
                        out.push_str(&" ".repeat(column));
                    }
                    let key =
                        [format!("{key:?}"), format!("'{key}'")][usize::from(self.roll(2))].clone();
                    out.push_str(&format!("{key}:"));
                    self.value(value, column, false, out);
                }
            }
            Json::Array(list) => {
                let inline = dash && self.roll(2) == 0;
                let column = column
                    + if inline {
                        2
                    } else {
                        usize::from(self.roll(3)) + usize::from(dash)
                    };
                out.push_str(if inline { " " } else { self.eol });
                for (number, value) in list.iter().enumerate() {
                    if !(inline && number == 0) {
                        self.comment(column, out);
                        out.push_str(&" ".repeat(column));
                    }
                    out.push('-');
                    self.value(value, column, true, out);
                }
            }
            _ => {}
        }
    }
}

/// Every pointer of a value but the root's.
fn pointers(value: &Json, at: &str, out: &mut Vec<String>) {
    let children: Vec<(String, &Json)> = match value {
        Json::Object(map) => map.iter().map(|(k, v)| (format!("{at}/{k}"), v)).collect(),
        Json::Array(list) => list
            .iter()
            .enumerate()
            .map(|(i, v)| (format!("{at}/{i}"), v))
            .collect(),
        _ => Vec::new(),
    };
    for (pointer, child) in children {
        out.push(pointer.clone());
        pointers(child, &pointer, out);
    }
}

/// The lines, as byte offsets, that an operation on this pointer may touch: those of the two collections around it.
fn lines_around(text: &str, pointer: &str) -> (usize, usize) {
    let tree = tree::documents(text).next().unwrap().unwrap();
    let tokens: Vec<&str> = pointer.split('/').skip(1).collect();
    let around = &tokens[..tokens.len().saturating_sub(2)];
    let mut at = ROOT;
    for token in around {
        at = match tree.value(at) {
            Value::Sequence(_) => tree.children(at).nth(token.parse().unwrap()).unwrap(),
            _ => tree.get(at, token).unwrap(),
        };
    }
    let node = tree.node(at).unwrap();
    let start = text[..node.start as usize]
        .rfind('\n')
        .map_or(0, |at| at + 1);
    let mut end = node.end as usize;
    // The line's rest, and comments that were indented as deep.
    loop {
        end += text[end..].find('\n').map_or(text.len() - end, |at| at + 1);
        let next = text[end..].lines().next().unwrap_or("x").trim_start();
        if end == text.len() || !(next.is_empty() || next.starts_with('#')) {
            return (start, end);
        }
    }
}

#[test]
fn any_style_reads_as_the_patched_tree_and_keeps_its_bytes() {
    let (done, refused) = (Cell::new(0u32), Cell::new(0u32));
    let mut runner = TestRunner::new(Config {
        cases: 4000,
        failure_persistence: None,
        ..Config::default()
    });
    let cases = (
        proptest::collection::btree_map("[a-d]{1,2}", values(), 1..5),
        values(),
        any::<[u8; 48]>(),
    );
    let outcome = runner.run(&cases, |(map, new, dice)| {
        let before = Json::Object(map.into_iter().collect());
        let eol = ["\n", "\n", "\r\n"][usize::from(dice[0] % 3)];
        let writer = Writer {
            dice: &dice,
            at: Cell::new(1),
            eol,
        };
        let mut text = String::new();
        match dice[1] % 6 {
            0 => text = before.to_string(),
            1 => text = serde_json::to_string_pretty(&before).unwrap(),
            _ => {
                for (key, value) in before.as_object().unwrap() {
                    writer.comment(0, &mut text);
                    text.push_str(&format!("{key:?}:"));
                    writer.value(value, 0, false, &mut text);
                }
                if dice[2] % 3 == 0 {
                    text.truncate(text.trim_end().len());
                }
            }
        }
        // Dice may write what YAML reads as another tree: no case.
        let Some(Ok(tree)) = tree::documents(&text).next() else {
            return Ok(());
        };
        let before = json_of(&tree, ROOT);
        let mut all = Vec::new();
        pointers(&before, "", &mut all);
        if all.is_empty() {
            return Ok(());
        }
        let pointer = all[usize::from(dice[3]) % all.len()].clone();
        let value = new.to_string();
        let patch = match dice[4] % 4 {
            0 => format!("remove {pointer}"),
            1 => format!("replace {pointer} {value}"),
            2 => format!("add {pointer} {value}"),
            _ => match before.pointer(&pointer) {
                Some(Json::Object(_)) => format!("add {pointer}/new {value}"),
                Some(Json::Array(_)) => format!("add {pointer}/- {value}"),
                _ => format!("replace {pointer} {value}"),
            },
        };
        let patch = {
            let mut parts = patch.splitn(3, ' ');
            let (name, path) = (parts.next().unwrap(), parts.next().unwrap().into());
            let value = parts.next().unwrap_or("").into();
            match name {
                "remove" => Operation::Remove { path },
                "replace" => Operation::Replace { path, value },
                _ => Operation::Add { path, value },
            }
        };
        let root = before.as_object().unwrap();
        if root.len() == 1 && patch.value().is_none() && pointer.matches('/').count() == 1 {
            // The whole object: refused.
            return Ok(());
        }
        let mut expected = before.clone();
        semantics::json_patch::apply(&mut expected, std::slice::from_ref(&patch)).unwrap();
        let after = match apply(&text, 0, None, std::slice::from_ref(&patch)) {
            Ok(after) => after,
            Err(PatchError::NoSafeEdit(_)) => {
                refused.set(refused.get() + 1);
                if std::env::var_os("SHOW").is_some() {
                    println!("refused {patch:?} of\n{text}\n");
                }
                return Ok(());
            }
            Err(error) => {
                return Err(TestCaseError::fail(format!(
                    "{error}: {patch:?} of\n{text}"
                )));
            }
        };
        done.set(done.get() + 1);
        let again = tree::documents(&after).next().unwrap().unwrap();
        prop_assert_eq!(
            json_of(&again, ROOT),
            expected,
            "{:?}\n{}\nbecame\n{}",
            patch,
            text,
            after
        );
        // A line end may be taken or given where the file has none at its end.
        let (start, end) = lines_around(&text, patch.path());
        let (head, tail) = (start.saturating_sub(2), text.len() - end);
        prop_assert!(
            head + tail <= after.len()
                && text.as_bytes()[..head] == after.as_bytes()[..head]
                && text.as_bytes()[end..] == after.as_bytes()[after.len() - tail..],
            "{:?} touched more than {head}..{end} of\n{}\nbecame\n{}",
            patch,
            text,
            after
        );
        if text.ends_with('\n') && eol == "\r\n" && text.contains("\r\n") {
            prop_assert_eq!(after.matches('\n').count(), after.matches("\r\n").count());
        }
        Ok(())
    });
    println!("{} patched, {} refused", done.get(), refused.get());
    outcome.unwrap();
    assert!(
        done.get() > 50 * refused.get(),
        "{} patched, {} refused",
        done.get(),
        refused.get()
    );
}
