//! Rule 7: which packages of a container image carry advisories of the Linux kernel.
//! A container runs on its node's kernel; headers and kernel packages in an image decide nothing.

use model::assessment::ScannedImage;
use model::matches::{ArtifactKind, Package};

/// Whether the node's kernel, and not this artifact, decides about the package's advisories.
pub(crate) fn decided_by_node(package: &Package, artifact: ArtifactKind) -> bool {
    artifact != ArtifactKind::Node && is_system_package(package) && is_kernel(package)
}

/// Whether the distribution's package manager owns it. Source: purl specification, types; else the tools' own words.
pub(crate) fn is_system_package(package: &Package) -> bool {
    let of_purl = package
        .purl
        .as_deref()
        .and_then(|purl| purl.strip_prefix("pkg:"))
        .and_then(|rest| rest.split_once('/'))
        .map(|(kind, _)| kind);
    matches!(
        of_purl.unwrap_or(&package.kind),
        "deb"
            | "dpkg"
            | "apk"
            | "rpm"
            | "rpmdb"
            | "alpm"
            | "debian"
            | "ubuntu"
            | "alpine"
            | "wolfi"
            | "chainguard"
            | "redhat"
            | "rhel"
            | "centos"
            | "rocky"
            | "alma"
            | "almalinux"
            | "amazon"
            | "oracle"
            | "fedora"
            | "suse"
            | "opensuse"
            | "opensuse-leap"
            | "sles"
            | "photon"
            | "azurelinux"
            | "cbl-mariner"
            | "mariner"
            | "os-pkgs"
            | "os"
            | "linux"
    )
}

/// The package families of Debian, Ubuntu, Alpine and the rpm distributions that are built from the kernel's source.
pub(crate) fn is_kernel(package: &Package) -> bool {
    package.upstream.as_deref().is_some_and(is_kernel_source) || is_kernel_binary(&package.name)
}

fn is_kernel_source(name: &str) -> bool {
    matches!(
        name,
        "linux" | "kernel" | "kernel-rt" | "linux-lts" | "linux-headers"
    ) || [
        "linux-signed",
        "linux-aws",
        "linux-azure",
        "linux-gcp",
        "linux-gke",
        "linux-hwe",
        "linux-oem",
        "linux-oracle",
        "linux-raspi",
        "linux-kvm",
        "linux-lowlatency",
        "linux-meta",
    ]
    .iter()
    .any(|flavour| name.starts_with(flavour))
}

fn is_kernel_binary(name: &str) -> bool {
    const EXACT: [&str; 8] = [
        "linux-libc-dev",
        "linux-lts",
        "linux-virt",
        "linux-edge",
        "linux-rpi",
        "kernel",
        "kernel-rt",
        "kernel-core",
    ];
    const FAMILIES: [&str; 14] = [
        "linux-headers",
        "linux-image",
        "linux-modules",
        "linux-kbuild",
        "linux-source",
        "linux-compiler",
        "linux-cloud-tools",
        "linux-tools",
        "linux-perf",
        "linux-doc",
        "kernel-headers",
        "kernel-devel",
        "kernel-modules",
        "kernel-tools",
    ];
    EXACT.contains(&name) || FAMILIES.iter().any(|family| name.starts_with(family))
}

/// The same where package and image may be missing from the finding.
pub(crate) fn concerns(package: Option<&Package>, image: Option<&ScannedImage>) -> bool {
    match (package, image) {
        (Some(package), Some(image)) => decided_by_node(package, image.kind),
        _ => false,
    }
}
