//! A node's files: command lines, mounts, accounts and configuration of any bytes; and its evidence file.
#![no_main]

use cluster::host::{Options, load, read};
use std::fs;

const FILES: [&str; 10] = [
    "proc/7/cmdline",
    "proc/7/environ",
    "proc/7/mountinfo",
    "etc/passwd",
    "etc/containerd/config.toml",
    "etc/kubernetes/manifests/pod.yaml",
    "etc/kubernetes/admin.conf",
    "etc/cni/net.d/10.conflist",
    "k.d/1.conf",
    "var/snap/microk8s/current/args/kubelet",
];

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = load(bytes);
    let folder = tempfile::tempdir().expect("a folder");
    let write = |path: &str, bytes: &[u8]| {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("room");
        fs::write(path, bytes).expect("room");
    };
    write("proc/8/cmdline", b"kubelet\0--config=/k.yaml\0--config-dir=/k.d\0");
    write("k.yaml", b"kind: KubeletConfiguration");
    // Each file begins with its number.
    let mut rest = bytes;
    while let Some((number, behind)) = rest.split_first() {
        let end = behind.iter().position(|byte| *byte == 0xFF).unwrap_or(behind.len());
        let Some(path) = FILES.get(usize::from(*number) % FILES.len()) else { return };
        write(path, &behind[..end]);
        rest = behind.get(end + 1..).unwrap_or_default();
    }
    let host = read(folder.path(), &Options { redaction_key: [1; 32] }).expect("the folder is there");
    assert!(host.files.is_sorted() && host.documents.is_sorted() && host.gaps.len() < 1_000);
});
