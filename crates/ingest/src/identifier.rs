//! Which ids name the same vulnerability, and the small words that all formats share.

use jiff::Timestamp;
use jiff::civil::Date;

/// Databases whose id is a name of one vulnerability. A distribution's notice (DSA, RHSA, ELSA,
/// ALAS, USN) collects several and is never an alias.
const IDENTITIES: [&str; 13] = [
    "CVE-", "GHSA-", "GO-", "RUSTSEC-", "PYSEC-", "OSV-", "MAL-", "HSEC-", "RSEC-", "JLSEC-",
    "PSF-", "BIT-", "SNYK-",
];

/// Whether `id` names one vulnerability.
pub(crate) fn is_identity(id: &str) -> bool {
    IDENTITIES.iter().any(|prefix| {
        id.get(..prefix.len())
            .is_some_and(|head| head.eq_ignore_ascii_case(prefix))
    })
}

/// The other names of `id` among `others`, and the CVEs that it only collects: those of a notice, and several
/// of one advisory. A closure over these would make one vulnerability of two. Both are ordered.
pub(crate) fn aliases<'a>(
    id: &str,
    others: impl Iterator<Item = &'a str>,
) -> (Vec<&'a str>, Vec<&'a str>) {
    let mut names: Vec<&str> = others
        .filter(|other| is_identity(other) && !other.eq_ignore_ascii_case(id))
        .collect();
    names.sort_unstable();
    names.dedup();
    let (cves, mut aliases): (Vec<&str>, Vec<&str>) = names.into_iter().partition(|n| is_cve(n));
    if !is_identity(id) {
        return (Vec::new(), cves);
    }
    if cves.len() + usize::from(is_cve(id)) > 1 {
        return (aliases, cves);
    }
    aliases.extend(cves);
    aliases.sort_unstable();
    (aliases, Vec::new())
}

pub(crate) fn is_cve(id: &str) -> bool {
    id.get(..4)
        .is_some_and(|head| head.eq_ignore_ascii_case("CVE-"))
}

/// The first `CVE-...` or `GHSA-...` in `text`.
pub(crate) fn identity_in(text: &str) -> Option<&str> {
    let start = ["CVE-", "GHSA-", "cve-", "ghsa-"]
        .iter()
        .filter_map(|prefix| text.find(prefix))
        .min()?;
    let rest = text.get(start..)?;
    let mut end = rest
        .find(|c: char| !c.is_ascii_alphanumeric() && c != '-')
        .unwrap_or(rest.len());
    if is_cve(rest) {
        let digits = |from: usize| {
            let tail = rest.get(from..)?;
            let length = tail.bytes().take_while(u8::is_ascii_digit).count();
            (length > 0).then_some(from + length)
        };
        let year = digits(4)?;
        end = digits(year + 1)?;
    } else {
        // Three groups of four (GitHub's form); Grype adds the package's name to it.
        let groups = rest.get(..19).filter(|id| {
            let mut groups = id.split('-').skip(1);
            groups.all(|group| group.len() == 4) && id.matches('-').count() == 3
        });
        end = groups.map_or(end, |id| id.len().min(end));
    }
    let id = rest.get(..end)?.trim_end_matches('-');
    (id.len() > 8).then_some(id)
}

/// A time of RFC 3339; Go's zero time is none.
pub(crate) fn time(text: &str) -> Option<Timestamp> {
    text.parse().ok().filter(|_| !text.starts_with("0001-"))
}

/// The day of an RFC 3339 time or a date.
pub(crate) fn day(text: &str) -> Option<Date> {
    let date = text.get(..10)?.parse().ok()?;
    (!text.starts_with("0001-")).then_some(date)
}

/// `2.0`, `3.1` or `4.0` of a CVSS vector; vectors of version 2 have no prefix.
pub(crate) fn cvss_version(vector: &str) -> &str {
    match vector.strip_prefix("CVSS:") {
        Some(rest) => rest.split('/').next().unwrap_or("3.1"),
        None => "2.0",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_identities_are_aliases() {
        let check = |id: &str, others: &[&str], expected: &[&str], covers: &[&str]| {
            let (aliases, covered) = aliases(id, others.iter().copied());
            assert_eq!(
                (&*aliases, &*covered),
                (expected, covers),
                "{id} {others:?}"
            );
        };
        check("GHSA-a", &["CVE-2024-1"], &["CVE-2024-1"], &[]);
        check(
            "CVE-2024-1",
            &["CVE-2024-1", "DSA-1", "GHSA-b"],
            &["GHSA-b"],
            &[],
        );
        check("RHSA-2024:1", &["CVE-2024-1"], &[], &["CVE-2024-1"]);
        check(
            "SNYK-A",
            &["CVE-2024-1", "CVE-2024-2", "GHSA-a"],
            &["GHSA-a"],
            &["CVE-2024-1", "CVE-2024-2"],
        );
        check("CVE-2024-1", &["CVE-2024-2"], &[], &["CVE-2024-2"]);
    }

    #[test]
    fn ids_in_texts() {
        let check =
            |text: &str, expected: Option<&str>| assert_eq!(identity_in(text), expected, "{text}");
        check(
            "https://nvd.nist.gov/vuln/detail/CVE-2023-1234",
            Some("CVE-2023-1234"),
        );
        check("CVE-2023-1234-openssl", Some("CVE-2023-1234"));
        check("see GHSA-aaaa-bbbb-cccc.", Some("GHSA-aaaa-bbbb-cccc"));
        check("GHSA-aaaa-bbbb-cccc-lodash", Some("GHSA-aaaa-bbbb-cccc"));
        check("é CVE-", None);
    }
}
