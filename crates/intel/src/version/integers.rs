//! Lists of integers. CRAN: R `compareVersion` (Writing R Extensions 1.1.1), dots and hyphens are the same.
//! Hackage: the Package Versioning Policy, dots only. The longer list is newer: `1.0` < `1.0.0`.

use super::digits;
use std::cmp::Ordering;

/// `None` where one is anything but integers between `separators`.
pub(super) fn compare(a: &[u8], b: &[u8], separators: &[u8]) -> Option<Ordering> {
    let integers = |text| <[u8]>::split(text, |byte| separators.contains(byte));
    if !integers(a).chain(integers(b)).all(digits::all_digits) {
        return None;
    }
    let (mut a, mut b) = (integers(a), integers(b));
    loop {
        match (a.next(), b.next()) {
            (None, None) => return Some(Ordering::Equal),
            (Some(a), Some(b)) => {
                let order = digits::by_value(a, b);
                if order.is_ne() {
                    return Some(order);
                }
            }
            (a, b) => return Some(a.is_some().cmp(&b.is_some())),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::version::{Scheme, check};

    #[test]
    fn corners() {
        check(
            Scheme::Cran,
            "0.9 < 0.75 < 1.0 < 1.0-0 = 1.0.0 < 1.0-1 < 1.0.1.1
             2024.01.09 = 2024.1-9
             1.99999999999999999999 < 1.100000000000000000000",
        );
        check(
            Scheme::Hackage,
            "0 < 0.1.26.0 < 1.0 < 1.0.0 < 1.1 < 1.10 = 1.010",
        );
    }
}
