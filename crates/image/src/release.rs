//! How long a release is mended. Comes in: its id and version. Goes out: a day. Never: invents a date.
//!
//! The dates are those of the distributions' own pages, as they stood on 2026-11-23; support that must be bought is
//! left out (Ubuntu Pro, RHEL ELS, SUSE LTSS), free long-term support is counted (Debian LTS). A release that is not
//! listed has no date.

use jiff::civil::{Date, date};

/// The last day of free security support.
pub fn end_of_life(id: &str, version: &str) -> Option<Date> {
    let (_, releases) = LIFE.iter().find(|(ids, _)| ids.contains(&id))?;
    let mut version = version;
    // 12.5 is of 12, 3.20.3 of 3.20.
    loop {
        if let Some((_, end)) = releases.iter().find(|(release, _)| *release == version) {
            return Some(*end);
        }
        version = version.rsplit_once('.')?.0;
    }
}

type Life = (&'static [&'static str], &'static [(&'static str, Date)]);

const LIFE: &[Life] = &[
    // https://alpinelinux.org/releases/
    (
        &["alpine"],
        &[
            ("3.23", date(2027, 11, 1)),
            ("3.22", date(2027, 5, 1)),
            ("3.21", date(2026, 11, 1)),
            ("3.20", date(2026, 4, 1)),
            ("3.19", date(2025, 11, 1)),
            ("3.18", date(2025, 5, 9)),
            ("3.17", date(2024, 11, 22)),
            ("3.16", date(2024, 5, 23)),
            ("3.15", date(2023, 11, 1)),
            ("3.14", date(2023, 5, 1)),
            ("3.13", date(2022, 11, 1)),
            ("3.12", date(2022, 5, 1)),
            ("3.11", date(2021, 11, 1)),
            ("3.10", date(2021, 5, 1)),
            ("3.9", date(2020, 11, 1)),
            ("3.8", date(2020, 5, 1)),
            ("3.7", date(2019, 11, 1)),
            ("3.6", date(2019, 5, 1)),
            ("3.5", date(2018, 11, 1)),
            ("3.4", date(2018, 5, 1)),
            ("3.3", date(2017, 11, 1)),
            ("3.2", date(2017, 5, 1)),
            ("3.1", date(2016, 11, 1)),
            ("3.0", date(2016, 5, 1)),
        ],
    ),
    // https://wiki.debian.org/LTS and https://wiki.debian.org/DebianReleases
    (
        &["debian"],
        &[
            ("13", date(2030, 6, 30)),
            ("12", date(2028, 6, 30)),
            ("11", date(2026, 8, 31)),
            ("10", date(2024, 6, 30)),
            ("9", date(2022, 6, 30)),
            ("8", date(2020, 6, 30)),
            ("7", date(2018, 5, 31)),
            ("6.0", date(2016, 2, 29)),
            ("6", date(2016, 2, 29)),
        ],
    ),
    // https://wiki.ubuntu.com/Releases
    (
        &["ubuntu"],
        &[
            ("26.04", date(2031, 4, 30)),
            ("25.10", date(2026, 7, 1)),
            ("25.04", date(2026, 1, 17)),
            ("24.10", date(2025, 7, 10)),
            ("24.04", date(2029, 5, 31)),
            ("23.10", date(2024, 7, 12)),
            ("23.04", date(2024, 1, 20)),
            ("22.10", date(2023, 7, 20)),
            ("22.04", date(2027, 4, 1)),
            ("21.10", date(2022, 7, 14)),
            ("21.04", date(2022, 1, 20)),
            ("20.10", date(2021, 7, 22)),
            ("20.04", date(2025, 5, 31)),
            ("19.10", date(2020, 7, 6)),
            ("19.04", date(2020, 1, 23)),
            ("18.10", date(2019, 7, 18)),
            ("18.04", date(2023, 5, 31)),
            ("17.10", date(2018, 7, 19)),
            ("17.04", date(2018, 1, 13)),
            ("16.10", date(2017, 7, 20)),
            ("16.04", date(2021, 4, 30)),
            ("14.04", date(2019, 4, 30)),
            ("12.04", date(2017, 4, 28)),
        ],
    ),
    // https://access.redhat.com/support/policy/updates/errata
    (
        &["rhel", "redhat"],
        &[
            ("10", date(2035, 5, 31)),
            ("9", date(2032, 5, 31)),
            ("8", date(2029, 5, 31)),
            ("7", date(2024, 6, 30)),
            ("6", date(2020, 11, 30)),
            ("5", date(2017, 3, 31)),
        ],
    ),
    // https://www.centos.org/cl-vs-cs/ (from 8 on the dates of Stream)
    (
        &["centos"],
        &[
            ("10", date(2030, 1, 1)),
            ("9", date(2027, 5, 31)),
            ("8", date(2024, 5, 31)),
            ("7", date(2024, 6, 30)),
            ("6", date(2020, 11, 30)),
        ],
    ),
    // https://wiki.rockylinux.org/rocky/version/
    (
        &["rocky"],
        &[
            ("10", date(2035, 5, 31)),
            ("9", date(2032, 5, 31)),
            ("8", date(2029, 5, 31)),
        ],
    ),
    // https://wiki.almalinux.org/release-notes/
    (
        &["almalinux"],
        &[
            ("10", date(2035, 5, 31)),
            ("9", date(2032, 5, 31)),
            ("8", date(2029, 3, 1)),
        ],
    ),
    // https://www.oracle.com/a/ocom/docs/elsp-lifetime-069338.pdf, premier support
    (
        &["ol"],
        &[
            ("10", date(2035, 6, 30)),
            ("9", date(2032, 6, 30)),
            ("8", date(2029, 7, 31)),
            ("7", date(2024, 12, 31)),
            ("6", date(2021, 3, 31)),
        ],
    ),
    // https://aws.amazon.com/amazon-linux-2/faqs/ and https://docs.aws.amazon.com/linux/al2023/ug/release-cadence.html
    (
        &["amzn"],
        &[
            ("2023", date(2029, 6, 30)),
            ("2", date(2026, 6, 30)),
            ("2018.03", date(2023, 12, 31)),
        ],
    ),
    // https://docs.fedoraproject.org/en-US/releases/eol/
    (
        &["fedora"],
        &[
            ("43", date(2026, 12, 9)),
            ("42", date(2026, 5, 13)),
            ("41", date(2025, 12, 15)),
            ("40", date(2025, 5, 13)),
            ("39", date(2024, 11, 26)),
            ("38", date(2024, 5, 21)),
            ("37", date(2023, 12, 5)),
            ("36", date(2023, 5, 16)),
            ("35", date(2022, 12, 13)),
            ("34", date(2022, 6, 7)),
            ("33", date(2021, 11, 30)),
        ],
    ),
    // https://en.opensuse.org/Lifetime
    (
        &["opensuse-leap"],
        &[
            ("16.0", date(2027, 10, 31)),
            ("15.6", date(2026, 4, 30)),
            ("15.5", date(2024, 12, 31)),
            ("15.4", date(2023, 12, 7)),
            ("15.3", date(2022, 12, 31)),
            ("15.2", date(2022, 1, 4)),
            ("15.1", date(2021, 2, 2)),
            ("15.0", date(2019, 12, 3)),
            ("42.3", date(2019, 7, 1)),
        ],
    ),
    // https://www.suse.com/lifecycle, general support of the service pack
    (
        &["sles", "sled", "sle_hpc", "sles_sap"],
        &[
            ("15.7", date(2031, 7, 31)),
            ("15.6", date(2025, 12, 31)),
            ("15.5", date(2024, 12, 31)),
            ("15.4", date(2023, 12, 31)),
            ("15.3", date(2022, 12, 31)),
            ("15.2", date(2021, 12, 31)),
            ("15.1", date(2021, 1, 31)),
            ("12.5", date(2024, 10, 31)),
            ("12.4", date(2020, 6, 30)),
            ("12.3", date(2019, 6, 30)),
            ("11.4", date(2019, 3, 31)),
        ],
    ),
    // https://learn.microsoft.com/azure/azure-linux/release-cadence-lifecycle
    (
        &["azurelinux", "mariner"],
        &[
            ("3.0", date(2027, 8, 31)),
            ("2.0", date(2025, 7, 31)),
            ("1.0", date(2023, 8, 31)),
        ],
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_of_life() {
        for (id, version, expected) in [
            ("debian", "12.5", Some(date(2028, 6, 30))),
            ("debian", "12", Some(date(2028, 6, 30))),
            ("debian", "14", None),
            ("alpine", "3.20.3", Some(date(2026, 4, 1))),
            ("alpine", "3.2", Some(date(2017, 5, 1))),
            ("ubuntu", "22.04", Some(date(2027, 4, 1))),
            ("ubuntu", "22", None),
            ("opensuse-leap", "15.6", Some(date(2026, 4, 30))),
            ("amzn", "2018.03", Some(date(2023, 12, 31))),
            ("wolfi", "20230201", None),
            ("", "", None),
        ] {
            assert_eq!(end_of_life(id, version), expected, "{id} {version}");
        }
    }
}
