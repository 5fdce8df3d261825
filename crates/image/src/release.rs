//! How long a release is mended. Comes in: what an artifact says of its release. Goes out: a day. Never: invents a date.
//!
//! The dates are those of the distributions' own pages, as they stood on 2026-11-23; support that must be bought is
//! left out (Ubuntu Pro, RHEL ELS, SUSE LTSS), free long-term support is counted (Debian LTS). A release that is not
//! listed has no date.

use jiff::civil::{Date, date};
use model::inventory::Release;

/// The last day of free security support.
pub fn end_of_life(release: &Release) -> Option<Date> {
    let id = match &*release.id {
        "centos" if is_stream(release) => "centos-stream",
        id => id,
    };
    let (_, releases) = LIFE.iter().find(|(ids, _)| ids.contains(&id))?;
    let mut version = &*release.version;
    // 12.5 is of 12, 3.20.3 of 3.20.
    loop {
        if let Some((_, end)) = releases.iter().find(|(release, _)| *release == version) {
            return Some(*end);
        }
        version = version.rsplit_once('.')?.0;
    }
}

/// CentOS Linux and CentOS Stream have the same `ID`; of 9 on there is only Stream.
fn is_stream(release: &Release) -> bool {
    let says = |text: &str| text.to_ascii_lowercase().contains("stream");
    let major = release.version.split('.').next().unwrap_or("");
    release.title.as_deref().is_some_and(says) || major.parse().is_ok_and(|major: u32| major >= 9)
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
    // Debian's package distro-info-data (debian.csv), with long-term support
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
            ("5.0", date(2012, 2, 6)),
            ("5", date(2012, 2, 6)),
        ],
    ),
    // Debian's package distro-info-data (ubuntu.csv), standard support; of old ones that of servers
    (
        &["ubuntu"],
        &[
            ("26.10", date(2027, 7, 15)),
            ("26.04", date(2031, 5, 29)),
            ("25.10", date(2026, 7, 9)),
            ("25.04", date(2026, 1, 15)),
            ("24.10", date(2025, 7, 10)),
            ("24.04", date(2029, 5, 31)),
            ("23.10", date(2024, 7, 11)),
            ("23.04", date(2024, 1, 25)),
            ("22.10", date(2023, 7, 20)),
            ("22.04", date(2027, 6, 1)),
            ("21.10", date(2022, 7, 14)),
            ("21.04", date(2022, 1, 20)),
            ("20.10", date(2021, 7, 22)),
            ("20.04", date(2025, 5, 29)),
            ("19.10", date(2020, 7, 17)),
            ("19.04", date(2020, 1, 23)),
            ("18.10", date(2019, 7, 18)),
            ("18.04", date(2023, 5, 31)),
            ("17.10", date(2018, 7, 19)),
            ("17.04", date(2018, 1, 13)),
            ("16.10", date(2017, 7, 20)),
            ("16.04", date(2021, 4, 30)),
            ("15.10", date(2016, 7, 28)),
            ("15.04", date(2016, 2, 4)),
            ("14.10", date(2015, 7, 23)),
            ("14.04", date(2019, 4, 25)),
            ("13.10", date(2014, 7, 17)),
            ("13.04", date(2014, 1, 27)),
            ("12.10", date(2014, 5, 16)),
            ("12.04", date(2017, 4, 28)),
            ("11.10", date(2013, 5, 9)),
            ("11.04", date(2012, 10, 28)),
            ("10.10", date(2012, 4, 10)),
            ("10.04", date(2015, 4, 30)),
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
    // https://www.centos.org/centos-linux-eol/
    (
        &["centos"],
        &[
            ("8", date(2021, 12, 31)),
            ("7", date(2024, 6, 30)),
            ("6", date(2020, 11, 30)),
            ("5", date(2017, 3, 31)),
        ],
    ),
    // https://www.centos.org/cl-vs-cs/
    (
        &["centos-stream"],
        &[
            ("10", date(2030, 1, 1)),
            ("9", date(2027, 5, 31)),
            ("8", date(2024, 5, 31)),
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
            ("12.2", date(2018, 3, 31)),
            ("12.1", date(2017, 5, 31)),
            ("11.4", date(2019, 3, 31)),
            ("11.3", date(2016, 1, 31)),
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

    fn of(id: &str, version: &str, title: Option<&str>) -> Option<Date> {
        end_of_life(&Release {
            id: id.into(),
            like: Vec::new(),
            version: version.into(),
            codename: None,
            title: title.map(Into::into),
            end_of_life: None,
        })
    }

    #[test]
    fn ends_of_life() {
        for (id, version, expected) in [
            ("debian", "12.5", Some(date(2028, 6, 30))),
            ("debian", "12", Some(date(2028, 6, 30))),
            ("debian", "14", None),
            ("alpine", "3.20.3", Some(date(2026, 4, 1))),
            ("alpine", "3.2", Some(date(2017, 5, 1))),
            ("ubuntu", "14.04", Some(date(2019, 4, 25))),
            ("ubuntu", "22.04", Some(date(2027, 6, 1))),
            ("ubuntu", "22", None),
            ("opensuse-leap", "15.6", Some(date(2026, 4, 30))),
            ("amzn", "2018.03", Some(date(2023, 12, 31))),
            ("sles", "15", None),
            ("mariner", "2.0.20240112", Some(date(2025, 7, 31))),
            ("wolfi", "20230201", None),
            ("", "", None),
        ] {
            assert_eq!(of(id, version, None), expected, "{id} {version}");
        }
    }

    #[test]
    fn centos_linux_is_not_stream() {
        for (version, title, expected) in [
            ("8.5.2111", Some("CentOS Linux 8"), date(2021, 12, 31)),
            ("8", Some("CentOS Linux 8"), date(2021, 12, 31)),
            ("8", Some("CentOS Stream 8"), date(2024, 5, 31)),
            ("8", Some("CentOS Stream release 8"), date(2024, 5, 31)),
            ("8", None, date(2021, 12, 31)),
            ("9", Some("CentOS Stream 9"), date(2027, 5, 31)),
            ("9", None, date(2027, 5, 31)),
            ("7.9.2009", Some("CentOS Linux 7 (Core)"), date(2024, 6, 30)),
        ] {
            assert_eq!(
                of("centos", version, title),
                Some(expected),
                "{version} {title:?}"
            );
        }
    }

    /// Every release that both know ends on the same day. Columns: ubuntu.csv `eol` and `eol-server`, debian.csv `eol`
    /// and `eol-lts`; the later one is the end of what is free.
    #[test]
    #[allow(clippy::print_stderr, reason = "a skipped test says so")]
    fn debian_and_ubuntu_as_distro_info_has_them() {
        for (id, columns, least) in [("debian", 5..7, 9), ("ubuntu", 5..7, 25)] {
            let path = format!("/usr/share/distro-info/{id}.csv");
            let Ok(text) = std::fs::read_to_string(&path) else {
                eprintln!("skipped: {path} is absent");
                continue;
            };
            let mut compared = 0;
            for line in text.lines().skip(1) {
                let fields: Vec<&str> = line.split(',').collect();
                let ends = fields.get(columns.clone()).or_else(|| fields.get(5..6));
                let days = ends.into_iter().flatten();
                let end = days.filter_map(|day| day.parse::<Date>().ok()).max();
                let version = fields[0].split(' ').next().unwrap_or("");
                if let (Some(end), Some(ours)) = (end, of(id, version, None)) {
                    assert_eq!(ours, end, "{id} {version}");
                    compared += 1;
                }
            }
            assert!(
                compared >= least,
                "only {compared} releases of {id} compared"
            );
        }
    }
}
