//! Every match is cited exactly once, whatever the documents say.

use crate::sample::{digest, inventory, set};
use intel::assess::FeedGaps;
use model::finding::MatchId;
use model::matches::MatchSet;
use proptest::prelude::*;
use scan::findings::{Findings, findings};
use scan::join::join;
use scan::vulnerabilities::close;

fn found(sets: &[MatchSet], images: &[(&str, &[String])]) -> Findings {
    let images = join(sets, Some(&inventory(images)));
    let gaps = FeedGaps {
        epss: None,
        kev: None,
        ssvc: None,
    };
    findings(sets, &images, &close(sets, None, &gaps), |_| false)
}

fn cited(found: &Findings) -> Vec<MatchId> {
    let mut cited: Vec<MatchId> = found
        .open
        .iter()
        .chain(&found.suppressed)
        .chain(&found.unjoined)
        .flat_map(|f| f.matches.iter().copied())
        .collect();
    cited.sort_unstable();
    cited
}

#[test]
fn two_scanners_make_one_finding_that_cites_both() {
    let a = [digest('a')];
    let trivy = set(
        "trivy",
        &["nginx:1"],
        &a,
        &[("openssl", "3.0", "CVE-2024-0001", &[])],
    );
    let grype = set(
        "grype",
        &["nginx:1"],
        &a,
        &[
            ("openssl", "3.0", "GHSA-aaaa", &["CVE-2024-0001"]),
            ("zlib", "1.2", "CVE-2024-0001", &[]),
        ],
    );
    let found = found(&[trivy, grype], &[("nginx:1", &a)]);
    let open: Vec<_> = found
        .open
        .iter()
        .map(|f| (&*f.id, f.matches.len()))
        .collect();
    assert_eq!(open, [("CVE-2024-0001", 2), ("CVE-2024-0001", 1)]);
    assert!(found.unjoined.is_empty());
}

#[test]
fn what_runs_nowhere_is_unjoined() {
    let found = found(
        &[set(
            "trivy",
            &["nginx:1"],
            &[],
            &[("openssl", "3.0", "CVE-2024-0001", &[])],
        )],
        &[("redis:7", &[])],
    );
    assert_eq!((found.open.len(), found.unjoined.len()), (0, 1));
}

proptest! {
    #[test]
    fn nothing_is_lost(documents in prop::collection::vec((0..3usize, prop::collection::vec((0..4usize, 0..3usize, 0..6usize, any::<bool>()), 0..12)), 0..5)) {
        const IMAGES: [&str; 3] = ["a:1", "b:1", "c:1"];
        const PACKAGES: [&str; 4] = ["w", "x", "y", "z"];
        const IDS: [&str; 6] = ["CVE-2024-0001", "CVE-2024-0002", "CVE-2024-0003", "GHSA-a", "GHSA-b", "GO-1"];
        const VERSIONS: [&str; 3] = ["1", "2", "3"];
        let aliased: [&[&str]; 6] = [&[], &["GHSA-b"], &[], &["CVE-2024-0001"], &[], &["GHSA-a"]];
        let sets: Vec<MatchSet> = documents.iter().map(|(image, rows)| {
            let rows: Vec<_> = rows.iter().map(|(p, v, id, alias)| (PACKAGES[*p], VERSIONS[*v], IDS[*id], if *alias { aliased[*id] } else { &[] })).collect();
            set("trivy", &[IMAGES[*image]], &[], &rows)
        }).collect();
        let found = found(&sets, &[("a:1", &[]), ("b:1", &[])]);
        let expected: Vec<MatchId> = (0u32..).zip(&sets).flat_map(|(set, s)| (0..u32::try_from(s.matches.len()).unwrap()).map(move |index| MatchId { set, index })).collect();
        prop_assert_eq!(cited(&found), expected);
    }
}
