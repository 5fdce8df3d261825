//! Private files: rights, wholeness, special files.

use report::file::write_private;
use std::io;

#[test]
fn a_report_is_private_and_replaces_what_was_there() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("report.json");
    std::fs::write(&path, "an old and longer report").unwrap();
    write_private(&path, |out| out.write_all(b"{}")).unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), b"{}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}

#[test]
fn a_failed_report_leaves_what_was_there() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("report.json");
    std::fs::write(&path, "old").unwrap();
    let failed = write_private(&path, |out| {
        out.write_all(b"half")?;
        Err(io::Error::other("the disk is full"))
    });
    assert!(failed.unwrap_err().to_string().contains("report.json"));
    assert_eq!(std::fs::read(&path).unwrap(), b"old");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_missing_folder_is_named() {
    let error = write_private("/no/such/folder/report.json".as_ref(), |_| Ok(())).unwrap_err();
    assert!(error.to_string().contains("/no/such/folder/report.json"));
}

#[cfg(unix)]
#[test]
fn a_device_is_written_and_stays_a_device() {
    use std::os::unix::fs::FileTypeExt as _;
    write_private("/dev/null".as_ref(), |out| out.write_all(b"x")).unwrap();
    let kind = std::fs::metadata("/dev/null").unwrap().file_type();
    assert!(kind.is_char_device());
}
