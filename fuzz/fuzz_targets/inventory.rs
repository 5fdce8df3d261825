//! Hostile objects (wrong types, cyclic owners, absurd selectors) through the typed views and the exposure.
#![no_main]

use cluster::manifests::{Input, Options, read};

const OPTIONS: Options = Options { kubernetes_minor: None, max_bytes: 16 << 20, redaction_key: [0; 32] };
use model::evidence::Ledger;
use network::NetworkDeclarations;
use semantics::declare::Declarations;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let input = Input::Bytes { name: "-".into(), bytes: bytes.into() };
    let Ok(snapshot) = read(&[input], &OPTIONS) else { return };
    let mut ledger = Ledger::default();
    let inventory = semantics::inventory(&snapshot, &Declarations::default(), &mut ledger);
    let exposures = network::exposures(&inventory, &NetworkDeclarations::default(), &mut ledger);
    assert_eq!(exposures.len(), inventory.workloads.len());
});
