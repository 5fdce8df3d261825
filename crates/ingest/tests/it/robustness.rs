//! Whatever the bytes are: an answer or an error, never a panic, never an index that points nowhere.

use ingest::Limits;
use proptest::prelude::*;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

const XML: &str = r#"<?xml version="1.0"?><bom xmlns="http://cyclonedx.org/schema/bom/1.5" version="1"><metadata><component type="file"><name>n &amp;</name></component></metadata><components><component bom-ref="a" type="container"><name>a</name><properties><property name="x">y</property></properties><components><component bom-ref="b" type="library"/></components></component></components><dependencies><dependency ref="a"><dependency ref="b"/></dependency></dependencies><vulnerabilities><vulnerability><id>CVE-1</id><ratings><rating><score>1</score></rating></ratings><affects><target><ref>b</ref></target></affects></vulnerability></vulnerabilities></bom>"#;

/// Real reports where they are; always one small document of each format.
fn seeds() -> &'static [Vec<u8>] {
    static SEEDS: OnceLock<Vec<Vec<u8>>> = OnceLock::new();
    SEEDS.get_or_init(|| {
        let mut seeds: Vec<Vec<u8>> = [
            r#"{"SchemaVersion":2,"ArtifactName":"n:1","Metadata":{"RepoTags":["n:1"]},"Results":[{"Target":"n (alpine 3)","Class":"os-pkgs","Type":"alpine","Vulnerabilities":[{"VulnerabilityID":"CVE-2024-1","PkgName":"a","InstalledVersion":"1","CVSS":{"nvd":{"V3Score":1.5,"V3Vector":"CVSS:3.1/AV:N"}}}],"Misconfigurations":[{"Status":"PASS"}]}]}"#,
            r#"{"ClusterName":"c","Resources":[{"Kind":"Pod","Name":"p","Metadata":[{}],"Results":[{"Class":"config","Misconfigurations":[{"ID":"x"}]}]}]}"#,
            r#"{"matches":[{"vulnerability":{"id":"GHSA-1","cvss":[{"metrics":{"baseScore":1}}]},"artifact":{"name":"a","purl":"pkg:npm/a@1"}}],"source":{"type":"image","target":{"userInput":"x"}}}"#,
            r#"{"version":"2.1.0","runs":[{"tool":{"driver":{"name":"t","rules":[{"id":"r"}]}},"results":[{"ruleIndex":0,"message":{"text":"Package: é"}}]}]}"#,
            r#"{"bomFormat":"CycloneDX","specVersion":"1.5","components":[{"bom-ref":"a","type":"container","components":[{"bom-ref":"b"}]}],"dependencies":[{"ref":"a","dependsOn":["a","b"]}],"vulnerabilities":[{"id":"x","affects":[{"ref":"b"}]}]}"#,
            r#"{"spdxVersion":"SPDX-2.3","packages":[{"externalRefs":[{"referenceCategory":"SECURITY","referenceType":"advisory","referenceLocator":"CVE-2024-1"}]}]}"#,
            r#"{"@context":"x","@graph":[{"type":"Relationship","relationshipType":"hasAssociatedVulnerability","from":"a","to":["b"]}]}"#,
            r#"[{"vulnerabilities":[{"id":"S","identifiers":{"CVE":["CVE-2024-1"]},"packageName":"a/b","packageManager":"debian:12"}],"ok":false,"applications":[{"vulnerabilities":[]}]}]"#,
            r#"{"application/vnd.security.vulnerability.report; version=1.1":{"vulnerabilities":[{"id":"x","package":"p"}]}}"#,
            r#"{"Controls":[{"tests":[{"results":[{"status":"FAIL"}]}]}]}"#,
            "{\"AuditResultName\":\"A\",\"level\":\"error\"}\n{\"AuditResultName\":\"B\",\"level\":\"info\"}\n",
            r#"{"summaryDetails":{"controls":{}},"results":[{"resourceID":"r","controls":[{"status":{"status":"failed"}}]}],"resources":[]}"#,
            r#"{"apiVersion":"aquasecurity.github.io/v1alpha1","kind":"VulnerabilityReport","metadata":{},"report":{"vulnerabilities":[{}]}}"#,
            r#"{"frameworks":[{"controlReports":[{"controlID":"C","ruleReports":[{"ruleResponses":[{"failedPaths":["a.b[0]"],"alertObject":{"k8sApiObjects":[{"kind":"Pod","metadata":{"name":"p"}}]}}]}]}]}]}"#,
            r#"{"ID":"x","Title":"t","Results":[{"ID":"1","Results":[{"Target":"Pod/p","Class":"config","Misconfigurations":[{"ID":"K","Message":"Container 'a' of"}]}]}]}"#,
            XML,
        ]
        .map(|text| text.as_bytes().to_vec())
        .into();
        let shared = std::env::var_os("PLIMSOLL_SHARED").map_or_else(
            || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"),
            PathBuf::from,
        );
        let mut files = Vec::new();
        for folder in ["trivy", "grype", "other"] {
            let folder = shared.join("conformance/reports").join(folder);
            files.extend(folder.read_dir().into_iter().flatten().flatten().map(|entry| entry.path()));
        }
        files.sort();
        seeds.extend(files.iter().filter_map(|file| std::fs::read(file).ok()).filter(|bytes| bytes.len() < 80_000));
        seeds
    })
}

fn read(bytes: &[u8]) {
    let limits = Limits {
        document: 1 << 20,
        matches: 10_000,
        files: 1,
    };
    let Ok(sets) = ingest::read("f", bytes, &limits) else {
        return;
    };
    for set in sets {
        for found in &set.matches {
            assert!((found.artifact as usize) < set.artifacts.len());
            assert!((found.advisory as usize) < set.advisories.len());
            assert!(
                found
                    .package
                    .is_none_or(|package| (package as usize) < set.packages.len())
            );
        }
    }
}

#[test]
fn seeds_are_sound() {
    for seed in seeds() {
        let sets = ingest::read("seed", seed, &Limits::default()).unwrap_or_else(|e| panic!("{e}"));
        assert!(!sets.is_empty());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn cut_reports(seed in any::<prop::sample::Index>(), at in any::<prop::sample::Index>()) {
        let seed = seed.get(seeds());
        read(&seed[..at.index(seed.len() + 1)]);
    }

    #[test]
    fn flipped_reports(seed in any::<prop::sample::Index>(), flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8)) {
        let mut bytes = seed.get(seeds()).clone();
        for (at, byte) in flips {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        read(&bytes);
    }

    /// Swaps whole tokens, so that the result is often valid JSON of a wrong shape.
    #[test]
    fn values_of_wrong_type(seed in 0..15_usize, at in any::<prop::sample::Index>(), value in prop::sample::select(vec!["null", "5", "\"\"", "[]", "{}", "[null]", "true", "1e400", "\"\\ud800\""])) {
        let text = std::str::from_utf8(&seeds()[seed]).unwrap();
        let places: Vec<usize> = text.match_indices(':').map(|(place, _)| place + 1).collect();
        let place = places[at.index(places.len())];
        let rest = &text[place..];
        let end = rest.find([',', '}', ']']).unwrap_or(rest.len());
        read(format!("{}{value}{}", &text[..place], &rest[end..]).as_bytes());
    }

    /// What is made of XML is always JSON, whatever else is wrong with it. What does not begin as markup is no XML.
    #[test]
    fn mangled_xml(cuts in prop::collection::vec((any::<prop::sample::Index>(), 0..40_usize, prop::sample::select(vec!["", "<a>", "</a>", "<component/>", "<dependency ref='x'/>", "&lt;", "\"", "<![CDATA[<x>]]>", "text", " b='\\'"])), 1..5)) {
        let mut text = XML.to_owned();
        for (at, length, piece) in cuts {
            let at = at.index(text.len());
            text.replace_range(at..(at + length).min(text.len()), piece);
        }
        prop_assume!(text.trim_start().starts_with('<'));
        if let Err(error) = ingest::read("f", text.as_bytes(), &Limits::default()) {
            prop_assert!(!matches!(error, ingest::IngestError::Syntax { .. }), "{error}\n{text}");
        }
    }

    #[test]
    fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        read(&bytes);
    }
}
