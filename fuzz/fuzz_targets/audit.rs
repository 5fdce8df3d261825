//! Any audit log: every line is an event, damaged or the cut end, and no event has more than one line's memory.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let mut told = 0_u64;
    if let Ok(read) = ingest::read_audit(bytes, &mut |event| {
        told += 1;
        if let Some(object) = &event.object {
            assert!(object.resource.len() <= 16 << 20);
        }
    }) {
        assert_eq!(read.events, told);
    }
});
