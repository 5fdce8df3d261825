//! One feed file of a kind that the first byte chooses.
#![no_main]

use intel::build::{BuildOptions, build_files};

const NAMES: [&str; 12] = [
    "epss/epss_scores-2026-08-16.csv",
    "kev/known_exploited_vulnerabilities.json",
    "vulnrichment/2024/1xxx/CVE-2024-1000.json",
    "osv/Kubernetes/all.zip",
    "vulnrichment-2024-10-24.tar.zst",
    "ssvc/cisa_bod_26_04_1_0_0.csv",
    "osv/Debian/DSA-1-1.json",
    "osv/npm/GHSA-a-b-c.json",
    "osv/Go/GO-2024-0001.json",
    "alpine-secdb/v3.11/main.json",
    "debian-tracker/json",
    "csaf-vex/2024/cve-2024-0001.json",
];

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Some((kind, rest)) = bytes.split_first() else { return };
    let name = NAMES[usize::from(*kind) % NAMES.len()];
    let _ = build_files(&[(name.to_owned(), rest.to_vec())], &BuildOptions::default());
});
