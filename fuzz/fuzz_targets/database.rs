//! A small database with flipped bytes, cut at any place: look-ups never crash.
#![no_main]

use intel::Intelligence;
use intel::build::{BuildOptions, Built, build_files};
use std::sync::OnceLock;

fn sound() -> &'static Built {
    static BUILT: OnceLock<Built> = OnceLock::new();
    BUILT.get_or_init(|| {
        let epss = "#model_version:v2026.06.15,score_date:2026-08-16T00:00:00Z\ncve,epss,percentile\nCVE-2021-41773,0.9,0.99\nCVE-2024-0001,0.001,0.1\n";
        let kev = r#"{"vulnerabilities":[{"cveID":"CVE-2021-41773","vulnerabilityName":"x","dateAdded":"2021-11-03","knownRansomwareCampaignUse":"Known"}]}"#;
        let files = [
            ("epss/epss_scores-2026-08-16.csv".to_owned(), epss.as_bytes().to_vec()),
            ("kev/known_exploited_vulnerabilities.json".to_owned(), kev.as_bytes().to_vec()),
        ];
        build_files(&files, &BuildOptions::default()).expect("the sound feeds build").0
    })
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Built { advisories, scores } = sound();
    let (mut advisories, mut scores) = (advisories.clone(), scores.clone());
    for change in bytes.chunks_exact(4) {
        let file = if change[0] & 1 == 0 { &mut advisories } else { &mut scores };
        let at = usize::from(u16::from_le_bytes([change[1], change[2]]));
        match (change[0] & 2 == 0, file.get_mut(at)) {
            (true, Some(byte)) => *byte ^= change[3].max(1),
            (false, _) => file.truncate(at),
            (true, None) => {}
        }
    }
    let Ok(intel) = Intelligence::from_bytes(advisories, scores) else { return };
    let _ = intel.verify();
    for id in ["CVE-2021-41773", "CVE-2024-0001", "CVE-2000-0001", "GHSA-x", ""] {
        let _ = intel.lookup(id);
        let _ = intel.closure(id);
    }
    let _ = intel.kubernetes("k8s.io/kubelet", "1.20.0");
});
