//! Published flaws of what a cluster is made of, by the versions that it shows: kernels, runtimes, Kubernetes itself.
//! Comes in: versions as nodes, servers and images write them. Goes out: whether the number has a flaw, and what mends it.
//! Never: an answer for numbers that a distribution or provider keeps while it mends (rule 7); what a flaw leads to.

use model::evidence::{Gap, GapWeight, Stage};

/// Major, minor, patch.
pub type Version = [u32; 3];

/// What has versions of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Software {
    ApiServer,
    Kubelet,
    Kernel,
    Containerd,
    Crio,
    Docker,
    IngressNginx,
    NvidiaToolkit,
}

impl Software {
    pub const fn name(self) -> &'static str {
        match self {
            Software::ApiServer => "kube-apiserver",
            Software::Kubelet => "kubelet",
            Software::Kernel => "kernel",
            Software::Containerd => "containerd",
            Software::Crio => "CRI-O",
            Software::Docker => "Docker Engine",
            Software::IngressNginx => "ingress-nginx",
            Software::NvidiaToolkit => "NVIDIA Container Toolkit",
        }
    }

    /// As feeds of vulnerabilities name it, where they speak of what runs and not of what a distribution packs.
    pub const fn package(self) -> Option<&'static str> {
        match self {
            Software::ApiServer => Some("kube-apiserver"),
            Software::Kubelet => Some("kubelet"),
            Software::IngressNginx => Some("k8s.io/ingress-nginx"),
            _ => None,
        }
    }

    /// By the name of an image without tag and digest, as upstream publishes it; mirrors keep its end.
    pub fn of_image(repository: &str) -> Option<Self> {
        let ends = |name: &str| {
            repository
                .strip_suffix(name)
                .is_some_and(|before| before.is_empty() || before.ends_with('/'))
        };
        if ends("kube-apiserver") {
            Some(Software::ApiServer)
        } else if ends("ingress-nginx/controller")
            || ends("ingress-nginx/controller-chroot")
            || ends("nginx-ingress-controller")
        {
            Some(Software::IngressNginx)
        } else if ends("nvidia/k8s/container-toolkit") {
            Some(Software::NvidiaToolkit)
        } else {
            None
        }
    }

    /// By the scheme of `nodeInfo.containerRuntimeVersion`: `containerd://1.7.13`.
    pub fn of_runtime(text: &str) -> Option<(Self, &str)> {
        let (scheme, version) = text.split_once("://")?;
        let software = match scheme {
            "containerd" => Software::Containerd,
            "cri-o" => Software::Crio,
            "docker" => Software::Docker,
            _ => return None,
        };
        Some((software, version))
    }
}

/// What a version says of flaws.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Release {
    /// The number tells what is mended.
    Told(Version),
    /// A build of somebody who mends and keeps the number.
    Own(Version),
}

impl Release {
    /// Reads a version. `None`: it is none.
    pub fn read(software: Software, text: &str) -> Option<Self> {
        let (version, rest) = split(text.strip_prefix('v').unwrap_or(text))?;
        // Systems that follow upstream's own numbers.
        let follow: &[&str] = match software {
            Software::Kernel => &["-talos", "-flatcar", "-linuxkit", "-arch", "-zen"],
            Software::IngressNginx => &["-debian-"],
            Software::NvidiaToolkit => &["-ubuntu", "-ubi", "-centos", "-packaging"],
            _ => &[],
        };
        let kubernetes = matches!(software, Software::ApiServer | Software::Kubelet);
        let told = rest.is_empty()
            || follow.iter().any(|name| rest.starts_with(name))
            || kubernetes && is_kubernetes(rest);
        Some(if told {
            Release::Told(version)
        } else {
            Release::Own(version)
        })
    }

    pub fn version(self) -> Version {
        match self {
            Release::Told(version) | Release::Own(version) => version,
        }
    }
}

/// Whether upstream's ranges speak of a build of Kubernetes, by what follows its numbers: nothing, a pre-release, or one
/// of the distributions that follow upstream's patches number by number (k3s, RKE2, k0s).
fn is_kubernetes(rest: &str) -> bool {
    let (pre, build) = match rest.split_once('+') {
        Some((pre, build)) => (pre, Some(build)),
        None => (rest, None),
    };
    let follows = |build: &str| {
        ["k3s", "rke2r", "k0s"]
            .iter()
            .any(|name| build.starts_with(name))
    };
    let upstream = |pre: &str| {
        let mut parts = pre.split('.');
        matches!(parts.next(), Some("-alpha" | "-beta" | "-rc"))
            && parts.all(|part| part.bytes().all(|byte| byte.is_ascii_digit()))
    };
    build.is_none_or(follows) && (pre.is_empty() || upstream(pre))
}

/// A version that no published range judges.
pub fn not_judged(component: &str, which: &str, what: &str, close: &str) -> Gap {
    let class = if component == "kubelet" {
        "kubelet-not-judged"
    } else if component.starts_with("kube-") {
        "control-plane-not-judged"
    } else {
        "version-not-judged"
    };
    Gap {
        class: class.into(),
        what: format!("{component} {which}: {what}").into(),
        stage: Stage::Match,
        scope: format!("{component} {which}").into(),
        weight: GapWeight::Widens,
        close: close.into(),
    }
}

/// A build of somebody who mends flaws and keeps the number.
pub fn vendor_build(component: &str, version: &str) -> Gap {
    let what = "a vendor's build, which upstream's ranges do not judge: vendors carry fixes back";
    not_judged(component, version, what, "see the vendor's own bulletins")
}

/// The three leading numbers, and what follows them.
fn split(text: &str) -> Option<(Version, &str)> {
    let end = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let (numbers, rest) = text.split_at_checked(end)?;
    let mut parts = numbers.split('.').map(str::parse::<u32>);
    let mut next = || parts.next()?.ok();
    let version = [next()?, next()?, next()?];
    parts.next().is_none().then_some((version, rest))
}

/// One published flaw.
#[derive(Debug)]
pub struct Flaw {
    pub id: &'static str,
    pub software: Software,
    /// From the first version with the flaw to the first without, branch by branch, in order; branches between two bands
    /// ended before it was mended.
    pub bands: &'static [(Version, Version)],
}

impl Flaw {
    /// The first version of its branch without the flaw, where the version has it.
    pub fn fixed(&self, version: Version) -> Option<Version> {
        let mut bands = self.bands.iter();
        let band = bands.find(|(from, to)| *from <= version && version < *to);
        band.map(|(_, fixed)| *fixed)
    }
}

/// The flaw of that number.
pub fn flaw(id: &str) -> Option<&'static Flaw> {
    FLAWS.iter().find(|flaw| flaw.id == id)
}

const fn row(id: &'static str, software: Software, bands: &'static [(Version, Version)]) -> Flaw {
    Flaw {
        id,
        software,
        bands,
    }
}

/// Sources: beside each. Those of kernels hold the commit that mends it by the changelogs of kernel.org.
pub static FLAWS: &[Flaw] = &[
    // kubernetes/kubernetes#71411.
    row(
        "CVE-2018-1002105",
        Software::ApiServer,
        &[
            ([1, 0, 0], [1, 10, 11]),
            ([1, 11, 0], [1, 11, 5]),
            ([1, 12, 0], [1, 12, 3]),
        ],
    ),
    // kubernetes/kubernetes#83253.
    row(
        "CVE-2019-11253",
        Software::ApiServer,
        &[
            ([1, 0, 0], [1, 13, 12]),
            ([1, 14, 0], [1, 14, 8]),
            ([1, 15, 0], [1, 15, 5]),
            ([1, 16, 0], [1, 16, 2]),
        ],
    ),
    // kubernetes/kubernetes#118640, with CVE-2023-2727.
    row(
        "CVE-2023-2728",
        Software::ApiServer,
        &[
            ([1, 0, 0], [1, 24, 15]),
            ([1, 25, 0], [1, 25, 11]),
            ([1, 26, 0], [1, 26, 6]),
            ([1, 27, 0], [1, 27, 3]),
        ],
    ),
    // kubernetes/kubernetes#104980.
    row(
        "CVE-2021-25741",
        Software::Kubelet,
        &[
            ([1, 0, 0], [1, 19, 15]),
            ([1, 20, 0], [1, 20, 11]),
            ([1, 21, 0], [1, 21, 5]),
            ([1, 22, 0], [1, 22, 2]),
        ],
    ),
    // kubernetes/kubernetes#119339.
    row(
        "CVE-2023-3676",
        Software::Kubelet,
        &[
            ([1, 0, 0], [1, 24, 17]),
            ([1, 25, 0], [1, 25, 13]),
            ([1, 26, 0], [1, 26, 8]),
            ([1, 27, 0], [1, 27, 5]),
            ([1, 28, 0], [1, 28, 1]),
        ],
    ),
    // kubernetes/kubernetes#121879.
    row(
        "CVE-2023-5528",
        Software::Kubelet,
        &[
            ([1, 8, 0], [1, 25, 16]),
            ([1, 26, 0], [1, 26, 11]),
            ([1, 27, 0], [1, 27, 8]),
            ([1, 28, 0], [1, 28, 4]),
        ],
    ),
    // kubernetes/kubernetes#128885.
    row(
        "CVE-2024-10220",
        Software::Kubelet,
        &[
            ([1, 0, 0], [1, 28, 12]),
            ([1, 29, 0], [1, 29, 7]),
            ([1, 30, 0], [1, 30, 3]),
        ],
    ),
    // kubernetes/kubernetes#129654.
    row(
        "CVE-2024-9042",
        Software::Kubelet,
        &[
            ([1, 0, 0], [1, 29, 13]),
            ([1, 30, 0], [1, 30, 9]),
            ([1, 31, 0], [1, 31, 5]),
            ([1, 32, 0], [1, 32, 1]),
        ],
    ),
    // Since f6dd975583bd in 5.8, mended by 9d2231c5d74e.
    row(
        "CVE-2022-0847",
        Software::Kernel,
        &[
            ([5, 8, 0], [5, 10, 102]),
            ([5, 11, 0], [5, 15, 25]),
            ([5, 16, 0], [5, 16, 11]),
        ],
    ),
    // Since 3e1aeb00e6d1 in 5.1, mended by 722d94847de2.
    row(
        "CVE-2022-0185",
        Software::Kernel,
        &[
            ([5, 1, 0], [5, 4, 173]),
            ([5, 5, 0], [5, 10, 93]),
            ([5, 11, 0], [5, 15, 16]),
            ([5, 16, 0], [5, 16, 2]),
        ],
    ),
    // Mended by 24f600856418; in a cgroup namespace of one's own since 4.6. Of 4.6 to 4.14 only the branches 4.9 and 4.14
    // lived on; their numbers were not looked up.
    row(
        "CVE-2022-0492",
        Software::Kernel,
        &[
            ([4, 15, 0], [4, 19, 229]),
            ([4, 20, 0], [5, 4, 177]),
            ([5, 5, 0], [5, 10, 97]),
            ([5, 11, 0], [5, 15, 20]),
            ([5, 16, 0], [5, 16, 6]),
        ],
    ),
    // Mended by 9ad36309e271, whose message says that the flaw was there before 1109c00547fc (3.18). Before 4.15 as above.
    row(
        "CVE-2022-2588",
        Software::Kernel,
        &[
            ([4, 15, 0], [4, 19, 256]),
            ([4, 20, 0], [5, 4, 211]),
            ([5, 5, 0], [5, 10, 137]),
            ([5, 11, 0], [5, 15, 61]),
            ([5, 16, 0], [5, 18, 18]),
            ([5, 19, 0], [5, 19, 2]),
        ],
    ),
    // The records of CVE-2024-1086 and, with the branches, of CVE-2024-26609 for the same commit f342de4e2f33 (flaw since
    // e0abdadcc6e1 in 3.15).
    row(
        "CVE-2024-1086",
        Software::Kernel,
        &[
            ([3, 15, 0], [4, 19, 307]),
            ([4, 20, 0], [5, 4, 269]),
            ([5, 5, 0], [5, 10, 210]),
            ([5, 11, 0], [5, 15, 149]),
            ([5, 16, 0], [6, 1, 76]),
            ([6, 2, 0], [6, 6, 15]),
            ([6, 7, 0], [6, 7, 3]),
        ],
    ),
    // GHSA-36xw-fx78-c5r4.
    row(
        "CVE-2020-15257",
        Software::Containerd,
        &[([0, 0, 0], [1, 3, 9]), ([1, 4, 0], [1, 4, 3])],
    ),
    // GHSA-crp2-qrr5-8pq7.
    row(
        "CVE-2022-23648",
        Software::Containerd,
        &[
            ([0, 0, 0], [1, 4, 13]),
            ([1, 5, 0], [1, 5, 10]),
            ([1, 6, 0], [1, 6, 1]),
        ],
    ),
    // GHSA-6x2m-w449-qwx7.
    row(
        "CVE-2022-0811",
        Software::Crio,
        &[
            ([1, 19, 0], [1, 19, 6]),
            ([1, 20, 0], [1, 20, 7]),
            ([1, 21, 0], [1, 21, 6]),
            ([1, 22, 0], [1, 22, 3]),
            ([1, 23, 0], [1, 23, 2]),
        ],
    ),
    // Docker 18.09.2 ships the mended runc.
    row(
        "CVE-2019-5736",
        Software::Docker,
        &[([0, 0, 0], [18, 9, 2])],
    ),
    // GHSA-v23v-6jw2-98fq: 24.0 and 26.0 got no release of their own.
    row(
        "CVE-2024-41110",
        Software::Docker,
        &[
            ([0, 0, 0], [23, 0, 15]),
            ([24, 0, 0], [25, 0, 6]),
            ([26, 0, 0], [26, 1, 5]),
            ([27, 0, 0], [27, 1, 1]),
        ],
    ),
    // kubernetes/kubernetes#126817.
    row(
        "CVE-2023-5044",
        Software::IngressNginx,
        &[([0, 0, 0], [1, 9, 0])],
    ),
    // kubernetes/kubernetes#126744.
    row(
        "CVE-2024-7646",
        Software::IngressNginx,
        &[([0, 0, 0], [1, 10, 4]), ([1, 11, 0], [1, 11, 2])],
    ),
    // kubernetes/kubernetes#131007, mended with CVE-2025-1098 and CVE-2025-24514.
    row(
        "CVE-2025-1097",
        Software::IngressNginx,
        &[([0, 0, 0], [1, 11, 5]), ([1, 12, 0], [1, 12, 1])],
    ),
    // kubernetes/kubernetes#131009.
    row(
        "CVE-2025-1974",
        Software::IngressNginx,
        &[([0, 0, 0], [1, 11, 5]), ([1, 12, 0], [1, 12, 1])],
    ),
    // NVIDIA security bulletin of July 2025.
    row(
        "CVE-2025-23266",
        Software::NvidiaToolkit,
        &[([0, 0, 0], [1, 17, 8])],
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_that_tell() {
        for (software, text, expected) in [
            (
                Software::Kernel,
                "5.15.12",
                Some(Release::Told([5, 15, 12])),
            ),
            (
                Software::Kernel,
                "5.15.12-talos",
                Some(Release::Told([5, 15, 12])),
            ),
            (
                Software::Kernel,
                "5.10.84-flatcar",
                Some(Release::Told([5, 10, 84])),
            ),
            (
                Software::Kernel,
                "5.15.0-1023-aws",
                Some(Release::Own([5, 15, 0])),
            ),
            (
                Software::Kernel,
                "4.18.0-372.el8.x86_64",
                Some(Release::Own([4, 18, 0])),
            ),
            (
                Software::Kernel,
                "5.10.90+",
                Some(Release::Own([5, 10, 90])),
            ),
            (Software::Kernel, "5.15", None),
            (Software::Kernel, "99999999999.1.1", None),
            (Software::Kernel, "", None),
            (Software::Kernel, "5.15.12.1", None),
            (
                Software::Kubelet,
                "v1.30.1+k3s1",
                Some(Release::Told([1, 30, 1])),
            ),
            (
                Software::Kubelet,
                "v1.27.7-eks-e71965b",
                Some(Release::Own([1, 27, 7])),
            ),
            (
                Software::Kubelet,
                "v1.31.0-rc.1",
                Some(Release::Told([1, 31, 0])),
            ),
            (
                Software::Containerd,
                "1.4.1-k3s1",
                Some(Release::Own([1, 4, 1])),
            ),
            (
                Software::NvidiaToolkit,
                "v1.17.7-ubuntu20.04",
                Some(Release::Told([1, 17, 7])),
            ),
        ] {
            assert_eq!(Release::read(software, text), expected, "{text}");
        }
        assert_eq!(
            Software::of_runtime("containerd://1.4.1"),
            Some((Software::Containerd, "1.4.1"))
        );
        assert_eq!(Software::of_runtime("rkt://1.0.0"), None);
    }

    #[test]
    fn images_of_mirrors() {
        for (image, expected) in [
            (
                "registry.k8s.io/ingress-nginx/controller",
                Some(Software::IngressNginx),
            ),
            (
                "mirror.example/k8s/ingress-nginx/controller",
                Some(Software::IngressNginx),
            ),
            ("registry.k8s.io/kube-apiserver", Some(Software::ApiServer)),
            ("example/not-kube-apiserver", None),
            ("example/controller", None),
        ] {
            assert_eq!(Software::of_image(image), expected, "{image}");
        }
    }

    #[test]
    fn bands_are_in_order() {
        for flaw in FLAWS {
            for pair in flaw.bands.windows(2) {
                assert!(pair[0].1 <= pair[1].0, "{}", flaw.id);
            }
            assert!(flaw.bands.iter().all(|(from, to)| from < to), "{}", flaw.id);
        }
        let mut ids: Vec<&str> = FLAWS.iter().map(|flaw| flaw.id).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), FLAWS.len());
    }
}
