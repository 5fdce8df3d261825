//! Until when releases get security updates that nobody has to buy beside the release itself. Comes in: a release.
//! Goes out: the day, where it is known. Never: extended support that must be bought; a guess for a later release.
//! Sources, read in 2026-11: distro-info-data (Debian with LTS, Ubuntu), alpinelinux.org/releases, Red Hat's, SUSE's,
//! Oracle's and Amazon's life cycle pages, almalinux.org, rockylinux.org, docs.fedoraproject.org, en.opensuse.org/Lifetime,
//! learn.microsoft.com (Azure Linux).

use jiff::civil::{Date, date};
use model::inventory::Release;

/// The day of the longest series that the release's version is of.
pub(super) fn end_of_life(release: &Release) -> Option<Date> {
    let stream = release
        .title
        .as_deref()
        .is_some_and(|title| title.starts_with("CentOS Stream"));
    let id = match &*release.id {
        "centos" if stream => "centos-stream",
        id => id,
    };
    let is_of = |series: &str| {
        release
            .version
            .strip_prefix(series)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    SERIES
        .iter()
        .filter(|(of, ..)| *of == id)
        .flat_map(|(_, all)| all.iter())
        .filter(|(series, _)| is_of(series))
        .max_by_key(|(series, _)| series.len())
        .map(|(_, day)| *day)
}

type Days = &'static [(&'static str, Date)];

/// An unfinished service pack (`sles` 15) is left out: every later one would look like it.
const SERIES: &[(&str, Days)] = &[
    (
        "almalinux",
        &[
            ("8", date(2029, 3, 1)),
            ("9", date(2032, 5, 31)),
            ("10", date(2035, 5, 31)),
        ],
    ),
    (
        "alpine",
        &[
            ("3.3", date(2017, 11, 1)),
            ("3.4", date(2018, 5, 1)),
            ("3.5", date(2018, 11, 1)),
            ("3.6", date(2019, 5, 1)),
            ("3.7", date(2019, 11, 1)),
            ("3.8", date(2020, 5, 1)),
            ("3.9", date(2020, 11, 1)),
            ("3.10", date(2021, 5, 1)),
            ("3.11", date(2021, 11, 1)),
            ("3.12", date(2022, 5, 1)),
            ("3.13", date(2022, 11, 1)),
            ("3.14", date(2023, 5, 1)),
            ("3.15", date(2023, 11, 1)),
            ("3.16", date(2024, 5, 23)),
            ("3.17", date(2024, 11, 22)),
            ("3.18", date(2025, 5, 9)),
            ("3.19", date(2025, 11, 1)),
            ("3.20", date(2026, 4, 1)),
            ("3.21", date(2026, 11, 1)),
            ("3.22", date(2027, 5, 1)),
            ("3.23", date(2027, 11, 1)),
        ],
    ),
    (
        "amzn",
        &[
            ("2018", date(2023, 12, 31)),
            ("2", date(2026, 6, 30)),
            ("2023", date(2029, 6, 30)),
        ],
    ),
    ("azurelinux", &[("3", date(2027, 8, 31))]),
    (
        "centos",
        &[
            ("5", date(2017, 3, 31)),
            ("6", date(2020, 11, 30)),
            ("7", date(2024, 6, 30)),
            ("8", date(2021, 12, 31)),
        ],
    ),
    (
        "centos-stream",
        &[("8", date(2024, 5, 31)), ("9", date(2027, 5, 31))],
    ),
    (
        "debian",
        &[
            ("6", date(2016, 2, 29)),
            ("7", date(2018, 5, 31)),
            ("8", date(2020, 6, 30)),
            ("9", date(2022, 6, 30)),
            ("10", date(2024, 6, 30)),
            ("11", date(2026, 8, 31)),
            ("12", date(2028, 6, 30)),
            ("13", date(2030, 6, 30)),
        ],
    ),
    (
        "fedora",
        &[
            ("30", date(2020, 5, 26)),
            ("31", date(2020, 11, 24)),
            ("32", date(2021, 5, 25)),
            ("33", date(2021, 11, 30)),
            ("34", date(2022, 6, 7)),
            ("35", date(2022, 12, 13)),
            ("36", date(2023, 5, 16)),
            ("37", date(2023, 12, 5)),
            ("38", date(2024, 5, 21)),
            ("39", date(2024, 11, 26)),
            ("40", date(2025, 5, 13)),
            ("41", date(2025, 12, 15)),
            ("42", date(2026, 5, 13)),
            ("43", date(2026, 12, 9)),
        ],
    ),
    (
        "mariner",
        &[("1", date(2023, 8, 31)), ("2", date(2025, 7, 31))],
    ),
    (
        "ol",
        &[
            ("6", date(2021, 3, 31)),
            ("7", date(2024, 12, 31)),
            ("8", date(2029, 7, 31)),
            ("9", date(2032, 6, 30)),
        ],
    ),
    (
        "opensuse-leap",
        &[
            ("42.3", date(2019, 7, 1)),
            ("15.0", date(2019, 12, 3)),
            ("15.1", date(2021, 2, 2)),
            ("15.2", date(2022, 1, 4)),
            ("15.3", date(2022, 12, 31)),
            ("15.4", date(2023, 12, 7)),
            ("15.5", date(2024, 12, 31)),
            ("15.6", date(2026, 4, 30)),
            ("16.0", date(2027, 10, 31)),
        ],
    ),
    (
        "rhel",
        &[
            ("5", date(2017, 3, 31)),
            ("6", date(2020, 11, 30)),
            ("7", date(2024, 6, 30)),
            ("8", date(2029, 5, 31)),
            ("9", date(2032, 5, 31)),
            ("10", date(2035, 5, 31)),
        ],
    ),
    (
        "rocky",
        &[
            ("8", date(2029, 5, 31)),
            ("9", date(2032, 5, 31)),
            ("10", date(2035, 5, 31)),
        ],
    ),
    (
        "sles",
        &[
            ("11.3", date(2016, 1, 31)),
            ("11.4", date(2019, 3, 31)),
            ("12.1", date(2017, 5, 31)),
            ("12.2", date(2018, 3, 31)),
            ("12.3", date(2019, 6, 30)),
            ("12.4", date(2020, 6, 30)),
            ("12.5", date(2024, 10, 31)),
            ("15.1", date(2021, 1, 31)),
            ("15.2", date(2021, 12, 31)),
            ("15.3", date(2022, 12, 31)),
            ("15.4", date(2023, 12, 31)),
            ("15.5", date(2024, 12, 31)),
            ("15.6", date(2025, 12, 31)),
        ],
    ),
    (
        "ubuntu",
        &[
            ("12.04", date(2017, 4, 28)),
            ("14.04", date(2019, 4, 25)),
            ("16.04", date(2021, 4, 30)),
            ("18.04", date(2023, 5, 31)),
            ("20.04", date(2025, 5, 29)),
            ("20.10", date(2021, 7, 22)),
            ("21.04", date(2022, 1, 20)),
            ("21.10", date(2022, 7, 14)),
            ("22.04", date(2027, 6, 1)),
            ("22.10", date(2023, 7, 20)),
            ("23.04", date(2024, 1, 25)),
            ("23.10", date(2024, 7, 11)),
            ("24.04", date(2029, 5, 31)),
            ("24.10", date(2025, 7, 10)),
            ("25.04", date(2026, 1, 15)),
            ("25.10", date(2026, 7, 9)),
            ("26.04", date(2031, 5, 29)),
            ("26.10", date(2027, 7, 15)),
        ],
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_day_of_a_release() {
        let check = |id: &str, version: &str, expected: Option<Date>| {
            let release = Release {
                id: id.into(),
                like: Vec::new(),
                version: version.into(),
                codename: None,
                title: None,
                end_of_life: None,
            };
            assert_eq!(end_of_life(&release), expected, "{id} {version}");
        };
        check("alpine", "3.2.1", None);
        check("alpine", "3.20.3", Some(date(2026, 4, 1)));
        check("alpine", "3.99_alpha1", None);
        check("debian", "12.8", Some(date(2028, 6, 30)));
        check("debian", "1", None);
        check("debian", "forky/sid", None);
        check("amzn", "2", Some(date(2026, 6, 30)));
        check("amzn", "2023.6.20241010", Some(date(2029, 6, 30)));
        check("sles", "15", None);
        check("sles", "15.5", Some(date(2024, 12, 31)));
        check("wolfi", "20230201", None);
        check("rocky", "", None);
    }
}
