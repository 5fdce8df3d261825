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

/// Ranges that hold this many public addresses are the internet: a sixteenth of IPv4 ...
const WIDE_4: u128 = 1 << 28;
/// ... and of the allocated part of IPv6 (2000::/3).
const WIDE_6: u128 = 1 << 121;

fn private() -> impl Iterator<Item = IpNet> {
    let v4 = PRIVATE_4
        .iter()
        .filter_map(|(address, length)| Ipv4Net::new(*address, *length).ok())
        .map(IpNet::V4);
    let v6 = PRIVATE_6
        .iter()
        .filter_map(|(address, length)| Ipv6Net::new(*address, *length).ok())
        .map(IpNet::V6);
    v4.chain(v6)
}

/// Whether the address can be routed from the internet.
pub(crate) fn is_public(address: IpAddr) -> bool {
    let special = match address {
        IpAddr::V4(v4) => v4.is_unspecified() || v4.is_multicast() || v4.is_broadcast(),
        IpAddr::V6(v6) => v6.is_unspecified() || v6.is_multicast(),
    };
    !special && !private().any(|net| net.contains(&address))
}

/// Addresses in `nets`, each counted once.
fn size_4(nets: &[Ipv4Net]) -> u128 {
    Ipv4Net::aggregate(&nets.to_vec())
        .iter()
        .map(|net| 1_u128 << (32 - net.prefix_len()))
        .sum()
}

/// Addresses in `nets`, halved so that `::/0` fits.
fn size_6(nets: &[Ipv6Net]) -> u128 {
    Ipv6Net::aggregate(&nets.to_vec())
        .iter()
        .map(|net| (1_u128 << 127) >> net.prefix_len())
        .fold(0, u128::saturating_add)
}

/// `Internet` for ranges that hold a large part of the public addresses, `External` for any other,
/// `None` for nothing at all. `except` is taken away.
pub(crate) fn class_of_ranges(ranges: &[IpNet], except: &[IpNet]) -> ExposureClass {
    if ranges.is_empty() {
        return ExposureClass::None;
    }
    let public: Vec<IpNet> = ranges
        .iter()
        .filter(|range| !private().any(|net| net.contains(*range)))
        .copied()
        .collect();
    let left: Vec<IpNet> = except
        .iter()
        .filter(|hole| public.iter().any(|range| range.contains(*hole)))
        .copied()
        .collect();
    let (four, six) = split(&public);
    let (four_out, six_out) = split(&left);
    let wide = size_4(&four).saturating_sub(size_4(&four_out)) >= WIDE_4
        || size_6(&six).saturating_sub(size_6(&six_out)) >= WIDE_6 >> 1;
    if wide {
        ExposureClass::Internet
    } else {
        ExposureClass::External
    }
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

fn split(nets: &[IpNet]) -> (Vec<Ipv4Net>, Vec<Ipv6Net>) {
    let mut four = Vec::new();
    let mut six = Vec::new();
    for net in nets {
        match net {
            IpNet::V4(net) => four.push(net.trunc()),
            IpNet::V6(net) => six.push(net.trunc()),
        }
    }
    (four, six)
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
        for (ranges, except, expected) in [
            ("", "", None),
            ("0.0.0.0/0", "", Internet),
            ("::/0", "", Internet),
            ("2000::/3", "", Internet),
            ("0.0.0.0/1 128.0.0.0/1", "", Internet),
            (
                "0.0.0.0/0",
                "10.0.0.0/8 172.16.0.0/12 192.168.0.0/16",
                Internet,
            ),
            ("0.0.0.0/0", "0.0.0.0/1 128.0.0.0/1", External),
            ("203.0.113.0/24", "", External),
            ("203.0.113.0/24 203.0.113.0/24", "", External),
            ("10.0.0.0/8", "", External),
            ("2001:db8::/32", "", External),
            ("8.0.0.0/4", "", Internet),
            ("8.0.0.0/5", "", External),
        ] {
            assert_eq!(
                class_of_ranges(&nets(ranges), &nets(except)),
                expected,
                "{ranges} except {except}"
            );
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
