//! Files and folders: order, strangers, damage.

use ingest::{Limits, read_paths};
use model::evidence::GapWeight;
use std::fs;

#[test]
fn folders_are_read_in_order() {
    let root = tempfile::tempdir().unwrap();
    let at = |name: &str| root.path().join(name);
    fs::create_dir_all(at("deep/er")).unwrap();
    fs::write(at("b.json"), r#"{"matches":[]}"#).unwrap();
    fs::write(at("a.SARIF"), r#"{"runs":[]}"#).unwrap();
    fs::write(at("deep/er/c.json"), "null").unwrap();
    fs::write(at("notes.txt"), "not looked at").unwrap();
    fs::write(at("package.json"), r#"{"name":"x"}"#).unwrap();
    fs::write(at("torn.json"), r#"{"matches":["#).unwrap();
    let (sets, gaps) = read_paths(&[root.path().to_owned()], &Limits::default()).unwrap();
    assert_eq!(
        sets.iter().map(|s| &*s.source.format).collect::<Vec<_>>(),
        ["sarif/2.1.0", "grype-json", "trivy-json/1"]
    );
    let gaps: Vec<_> = gaps.iter().map(|gap| (&*gap.class, gap.weight)).collect();
    assert_eq!(
        gaps,
        [
            ("report-not-recognised", GapWeight::Notice),
            ("report-damaged", GapWeight::Hides)
        ]
    );
}

#[test]
fn named_files_must_be_reports() {
    let root = tempfile::tempdir().unwrap();
    let at = |name: &str| root.path().join(name);
    fs::write(at("torn"), r#"{"matches":[{"vulnerability":"#).unwrap();
    fs::write(at("package.json"), r#"{"name":"x"}"#).unwrap();
    fs::write(at("good"), r#"{"matches":[]}"#).unwrap();
    let error = |name: &str| {
        read_paths(&[at("good"), at(name)], &Limits::default())
            .unwrap_err()
            .to_string()
    };
    assert!(
        error("torn").contains("torn:1:29: damaged JSON at $.matches[0].vulnerability"),
        "{}",
        error("torn")
    );
    assert!(error("package.json").contains("not a scan report"));
    assert!(error("missing").starts_with("cannot read "));
    let few = Limits {
        files: 1,
        ..Limits::default()
    };
    assert!(read_paths(&[at("good"), at("good")], &few).is_err());
}
