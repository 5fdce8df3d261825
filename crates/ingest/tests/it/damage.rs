//! Nonsense is refused, with the file and the place in it.

use ingest::{IngestError, Limits};
use std::io::Write as _;

fn error(bytes: &[u8]) -> String {
    match ingest::read("f.json", bytes, &Limits::default()) {
        Ok(sets) => panic!("accepted: {sets:?}"),
        Err(error) => error.to_string(),
    }
}

fn check(text: &str, expected: &str) {
    assert_eq!(error(text.as_bytes()), expected, "{text}");
}

#[test]
fn damaged_xml_is_named_by_line_and_element() {
    for (xml, what) in [
        (
            "<bom xmlns='http://cyclonedx.org/schema/bom/1.5'>",
            "f.json: <bom>: damaged XML in line 1: the document ends too early",
        ),
        (
            "<!DOCTYPE bom [<!ENTITY a 'b'>]><bom xmlns='http://cyclonedx.org/schema/bom/1.5'/>",
            "f.json: <>: damaged XML in line 1: a document type definition, which is not read",
        ),
        (
            "<bom xmlns='http://cyclonedx.org/schema/bom/1.5'>\n<a>&b;</a></bom>",
            "f.json: <bom/a>: damaged XML in line 2: an entity that XML does not know",
        ),
        (
            "<x xmlns='http://cyclonedx.org/schema/bom/1.5'/>",
            "f.json: <>: damaged XML in line 1: an element `x` where one `bom` is expected",
        ),
        (
            "<bom xmlns='http://cyclonedx.org/schema/bom/1.5'/><bom/>",
            "f.json: <>: damaged XML in line 1: an element `bom` where one `bom` is expected",
        ),
        (
            "<bom xmlns='http://cyclonedx.org/schema/bom/1.5'><components><component/><x/></components></bom>",
            "f.json: <bom/components>: damaged XML in line 1: an element `x` in a list of others",
        ),
    ] {
        check(xml, what);
    }
    let deep = format!(
        "<bom xmlns='http://cyclonedx.org/schema/bom/1.5'>{}",
        "<a>".repeat(200_000)
    );
    assert!(error(deep.as_bytes()).ends_with("elements stand more than 100 deep in each other"));
}

#[test]
fn wrong_types_are_named_by_path() {
    check(
        r#"{"SchemaVersion":2,"Results":[{},{"Vulnerabilities":[{"VulnerabilityID":"a"},{"Severity":5}]}]}"#,
        "f.json: $.Results[1].Vulnerabilities[1].Severity: invalid type: integer `5`, expected text",
    );
    check(
        r#"{"Results":[{"Target":"t","Vulnerabilities":{"a":1}}]}"#,
        "f.json: $.Results[0].Vulnerabilities: invalid type: map, expected a list",
    );
    check(
        r#"{"matches":[{"vulnerability":{"id":["x"]}}],"descriptor":{}}"#,
        "f.json: $.matches[0].vulnerability.id: invalid type: sequence, expected text",
    );
    check(
        r#"[{"Target":"t","Vulnerabilities":[7]}]"#,
        "f.json: $[0].Vulnerabilities[0]: invalid type: integer `7`, expected an object",
    );
    check(
        r#"{"matches":[[]]}"#,
        "f.json: $.matches[0]: invalid type: sequence, expected an object",
    );
    check(
        r#"{"runs":[{"results":"no"}]}"#,
        "f.json: $.runs[0].results: invalid type: string, expected a list",
    );
}

#[test]
fn strangers_are_no_reports() {
    check("{}", "f.json: not a scan report: an empty object");
    check("17", "f.json: not a scan report: a single value");
    check(
        "[1]",
        "f.json: not a scan report: a list of values that are no reports",
    );
    check(
        r#"{"name":"x","version":"1.0"}"#,
        r#"f.json: not a scan report: its keys are "name", "version""#,
    );
    check(
        r#"{"apiVersion":"v1","kind":"Pod"}"#,
        r#"f.json: not a scan report: its keys are "apiVersion", "kind""#,
    );
}

#[test]
fn damage_is_placed() {
    check(
        r#"{"SchemaVersion":2,"Results":[{"Target":"x""#,
        "f.json:1:43: damaged JSON at $.Results[0].Target: EOF while parsing an object",
    );
    check(
        "{\"matches\":[],\n\"source\":}",
        "f.json:2:10: damaged JSON at $.source: expected value",
    );
    check(
        r#"{"SchemaVersion":2} x"#,
        "f.json:1:21: damaged JSON at $: expected value",
    );
    check(
        r#"{"Results":[],"Results":[]}"#,
        r#"f.json: $.Results: duplicate key "Results""#,
    );
    check(
        r#"{"Results":[{"Target":"a","Target":"b"}]}"#,
        "f.json: $.Results[0].Target: duplicate field `Target`",
    );
    check("hello", "f.json: not JSON");
    check(
        "<xml/>",
        "f.json: not a scan report: XML or HTML; of XML only CycloneDX is read",
    );
    check(" \n", "f.json: the file is empty");
    assert_eq!(
        error(b"\xff\xfe{\0}\0"),
        "f.json: UTF-16 text; convert it to UTF-8"
    );
    assert_eq!(error(b"{\0}\0"), "f.json: UTF-16 text; convert it to UTF-8");
    assert_eq!(error(b"{\"a\xff\":1}"), "f.json: not UTF-8 at byte 3");
    assert_eq!(
        error(b"\x1f\x8b\x08nonsense"),
        "f.json: cannot be unpacked as gzip"
    );
}

#[test]
fn depth_is_bounded() {
    let deep = format!(
        "{{\"Results\":[{{\"Vulnerabilities\":{}",
        "[".repeat(1 << 20)
    );
    assert!(error(deep.as_bytes()).contains("damaged JSON"), "cut");
    let n = 1 << 16;
    let closed = format!(
        "{{\"matches\":[{{\"artifact\":{}1{}}}]}}",
        "[".repeat(n),
        "]".repeat(n)
    );
    assert!(
        error(closed.as_bytes()).contains("artifact: invalid type: sequence, expected an object")
    );
    let many = format!("{}{}", "[".repeat(n), "]".repeat(n));
    assert!(error(many.as_bytes()).contains("no reports"));
}

#[test]
fn cost_is_bounded() {
    let limits = Limits {
        document: 1000,
        matches: 3,
        files: 10,
    };
    let read = |bytes: &[u8]| ingest::read("f", bytes, &limits);
    assert!(matches!(
        read(&[b' '; 1001]),
        Err(IngestError::TooLarge { limit: 1000, .. })
    ));
    let bomb = gzip(&vec![b' '; 1 << 20]);
    assert!(bomb.len() < 20_000);
    assert!(matches!(
        ingest::read("f", &bomb, &limits),
        Err(IngestError::TooLarge { .. })
    ));
    let bomb = zstd::encode_all(&vec![b' '; 1 << 20][..], 1).unwrap();
    assert!(matches!(
        ingest::read("f", &bomb, &limits),
        Err(IngestError::TooLarge { .. })
    ));
    assert!(matches!(
        read(br#"{"matches":[{},{},{},{}]}"#),
        Err(IngestError::TooMany { limit: 3, .. })
    ));
    let lines = "null\n".repeat(50);
    assert!(matches!(
        read(lines.as_bytes()),
        Err(IngestError::TooMany { limit: 10, .. })
    ));
    assert_eq!(
        read(br#"{"matches":[{},{},{}]}"#).unwrap()[0].matches.len(),
        3
    );
}

#[test]
fn packed_documents_are_read() {
    let document = br#"{"matches":[{"vulnerability":{"id":"CVE-1"}}]}"#;
    let plain = ingest::read("f", document, &Limits::default()).unwrap();
    for packed in [gzip(document), zstd::encode_all(&document[..], 1).unwrap()] {
        let set = ingest::read("f", &packed, &Limits::default()).unwrap();
        assert_eq!(set[0].matches, plain[0].matches);
    }
    let marked = [b"\xef\xbb\xbf", &document[..]].concat();
    assert_eq!(
        ingest::read("f", &marked, &Limits::default()).unwrap()[0].matches,
        plain[0].matches
    );
}

#[test]
fn documents_after_one_another_are_sets() {
    let text = "{\"matches\":[]}\n{\"SchemaVersion\":2}\n\nnull\n";
    let sets = ingest::read("f", text.as_bytes(), &Limits::default()).unwrap();
    assert_eq!(
        sets.iter().map(|s| &*s.source.format).collect::<Vec<_>>(),
        ["grype-json", "trivy-json/2", "trivy-json/1"]
    );
}

#[test]
fn control_characters_are_data() {
    let text = r#"{"matches":[{"vulnerability":{"id":"CVE-1"},"artifact":{"name":"a\u0000\u001b[31m","version":"1\n2"}}]}"#;
    let set = &ingest::read("f", text.as_bytes(), &Limits::default()).unwrap()[0];
    assert_eq!(&*set.packages[0].name, "a\u{0}\u{1b}[31m");
    assert!(set.packages[0].purl.is_none());
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}
