//! What an address or a set of ranges means for exposure.
//! Comes in: addresses and CIDRs of Services, nodes, policies. Goes out: public or not, wide or narrow.
//! Never: a name look-up.

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use model::situation::ExposureClass;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// RFC 1918, RFC 6598, loopback, link-local.
const PRIVATE_4: [(Ipv4Addr, u8); 6] = [
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    (Ipv4Addr::new(169, 254, 0, 0), 16),
];

/// RFC 4193, link-local, loopback.
const PRIVATE_6: [(Ipv6Addr, u8); 3] = [
    (Ipv6Addr::new(0xfc00, 0, 0, 0, 0, 0, 0, 0), 7),
    (Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0), 10),
    (Ipv6Addr::LOCALHOST, 128),
];

/// "This" network, multicast and reserved (RFC 6890): neither private nor routed.
const UNROUTED_4: [(Ipv4Addr, u8); 2] =
    [(Ipv4Addr::UNSPECIFIED, 8), (Ipv4Addr::new(224, 0, 0, 0), 3)];
const UNROUTED_6: [(Ipv6Addr, u8); 1] = [(Ipv6Addr::new(0xff00, 0, 0, 0, 0, 0, 0, 0), 8)];

/// Ranges that hold this many public addresses are the internet: a sixteenth of IPv4 ...
const WIDE_4: u128 = 1 << 28;
/// ... and of the allocated part of IPv6 (2000::/3).
const WIDE_6: u128 = 1 << 121;

fn nets<'a>(
    four: &'a [(Ipv4Addr, u8)],
    six: &'a [(Ipv6Addr, u8)],
) -> impl Iterator<Item = IpNet> + 'a {
    let four = four
        .iter()
        .filter_map(|(address, length)| Ipv4Net::new(*address, *length).ok())
        .map(IpNet::V4);
    let six = six
        .iter()
        .filter_map(|(address, length)| Ipv6Net::new(*address, *length).ok())
        .map(IpNet::V6);
    four.chain(six)
}

fn private() -> impl Iterator<Item = IpNet> {
    nets(&PRIVATE_4, &PRIVATE_6)
}

/// What the internet does not route; disjoint.
fn hidden() -> impl Iterator<Item = IpNet> {
    private().chain(nets(&UNROUTED_4, &UNROUTED_6))
}

/// Whether the address can be routed from the internet.
pub(crate) fn is_public(address: IpAddr) -> bool {
    !hidden().any(|net| net.contains(&address))
}

/// How much of the public addresses some disjoint ranges hold.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Extent {
    four: u128,
    six: u128,
    /// Some range, public or not.
    any: bool,
}

impl Extent {
    /// First and last address, both in it, of one family; returns how many of them are public.
    pub(crate) fn add(&mut self, first: IpAddr, last: IpAddr) -> u128 {
        let number = |address: IpAddr| match address {
            IpAddr::V4(v4) => u128::from(u32::from(v4)),
            IpAddr::V6(v6) => u128::from(v6),
        };
        let (low, high) = (number(first), number(last));
        let hidden: u128 = hidden()
            .filter(|net| net.network().is_ipv4() == first.is_ipv4())
            .filter_map(|net| {
                let from = number(net.network()).max(low);
                let to = number(net.broadcast()).min(high);
                (from <= to).then(|| (to - from).saturating_add(1))
            })
            .sum();
        let public = (high - low).saturating_add(1).saturating_sub(hidden);
        let of = if first.is_ipv4() {
            &mut self.four
        } else {
            &mut self.six
        };
        *of = of.saturating_add(public);
        self.any = true;
        public
    }

    /// `Internet` for a large part of the public addresses, `External` for any other, `None` for nothing at all.
    pub(crate) fn class(self) -> ExposureClass {
        if self.four >= WIDE_4 || self.six >= WIDE_6 {
            ExposureClass::Internet
        } else if self.any {
            ExposureClass::External
        } else {
            ExposureClass::None
        }
    }
}

/// The class of ranges that may overlap.
pub(crate) fn class_of_ranges(ranges: &[IpNet]) -> ExposureClass {
    let mut extent = Extent::default();
    for net in IpNet::aggregate(&ranges.to_vec()) {
        extent.add(net.network(), net.broadcast());
    }
    extent.class()
}

/// Whether a block may hold addresses of pods and nodes: whether it does is left to the plugin
/// (NetworkPolicy API: ipBlock is meant for addresses outside of the cluster).
pub(crate) fn overlaps_private(block: &IpNet, except: &[IpNet]) -> bool {
    private().any(|net| {
        (block.contains(&net) || net.contains(block))
            && !except
                .iter()
                .any(|hole| hole.contains(&net) || hole.contains(block))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use ExposureClass::{External, Internet, None};

    fn nets(text: &str) -> Vec<IpNet> {
        text.split_whitespace()
            .map(|net| net.parse().unwrap())
            .collect()
    }

    #[test]
    fn ranges_have_classes() {
        for (ranges, expected) in [
            ("", None),
            ("0.0.0.0/0", Internet),
            ("::/0", Internet),
            ("2000::/3", Internet),
            ("0.0.0.0/1 128.0.0.0/1", Internet),
            ("203.0.113.0/24", External),
            ("203.0.113.0/24 203.0.113.0/24", External),
            ("10.0.0.0/8", External),
            ("10.0.0.0/8 192.168.0.0/16", External),
            ("2001:db8::/32", External),
            ("16.0.0.0/4", Internet),
            ("16.0.0.0/4 16.0.0.0/5", Internet),
            ("8.0.0.0/5", External),
            ("0.0.0.0/4", External),
            ("224.0.0.0/3", External),
        ] {
            assert_eq!(class_of_ranges(&nets(ranges)), expected, "{ranges}");
        }
    }

    #[test]
    fn addresses_are_public_or_not() {
        for (address, expected) in [
            ("34.1.2.3", true),
            ("10.1.2.3", false),
            ("172.31.0.1", false),
            ("172.32.0.1", true),
            ("192.168.1.1", false),
            ("100.64.0.1", false),
            ("127.0.0.1", false),
            ("0.0.0.0", false),
            ("2a00::1", true),
            ("fd00::1", false),
            ("fe80::1", false),
        ] {
            assert_eq!(is_public(address.parse().unwrap()), expected, "{address}");
        }
    }

    #[test]
    fn blocks_over_pods() {
        for (block, except, expected) in [
            ("0.0.0.0/0", "", true),
            ("10.1.0.0/16", "", true),
            ("203.0.113.0/24", "", false),
            ("10.0.0.0/8", "10.0.0.0/8", false),
        ] {
            assert_eq!(
                overlaps_private(&block.parse().unwrap(), &nets(except)),
                expected,
                "{block} except {except}"
            );
        }
    }
}
