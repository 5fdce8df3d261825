//! What `--save` writes, `--from` reads; damage and newer versions are clear errors.

use scan::bundle::{BundleError, read, write};

fn sample() -> Vec<u8> {
    let mut bytes = Vec::new();
    let (snapshot, assessment) = crate::shop::assessed();
    write(Some(&snapshot), &assessment, &mut bytes).unwrap();
    bytes
}

#[test]
fn a_bundle_comes_back_as_it_was() {
    let (snapshot, assessment) = crate::shop::assessed();
    let bundle = read(sample().as_slice()).unwrap();
    assert_eq!(bundle.snapshot.unwrap().objects, snapshot.objects);
    assert_eq!(
        serde_json::to_value(&bundle.assessment).unwrap(),
        serde_json::to_value(&assessment).unwrap()
    );
}

#[test]
fn foreign_newer_and_damaged_files_are_told_apart() {
    let bytes = sample();
    assert!(matches!(read(&b"{}"[..]), Err(BundleError::Foreign)));
    assert!(matches!(
        read(&b"plimsoll-bundle 2\nabc"[..]),
        Err(BundleError::Newer { found: 2 })
    ));
    for cut in [20, 60, bytes.len() / 2, bytes.len() - 1] {
        assert!(read(&bytes[..cut]).is_err(), "cut at {cut}");
    }
}

#[test]
fn indices_of_a_foreign_bundle_are_checked() {
    let (_, mut assessment) = crate::shop::assessed();
    assessment.findings[0].image = Some(99_999);
    let mut bytes = Vec::new();
    write(None, &assessment, &mut bytes).unwrap();
    assert!(matches!(
        read(bytes.as_slice()),
        Err(BundleError::Damaged(_))
    ));
}
