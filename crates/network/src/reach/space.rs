//! The address space, cut at every edge of a policy's blocks into disjoint intervals.
//! Comes in: blocks. Goes out: intervals, and which of them a block covers. Never: an interval that a block cuts.

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// First and last address, both in it, of one family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Interval {
    pub first: IpAddr,
    pub last: IpAddr,
}

/// Intervals of both families, ordered, IPv4 first; together they are everything.
#[derive(Clone, Debug)]
pub(crate) struct Space {
    /// First addresses; the first one is 0.
    four: Vec<u32>,
    six: Vec<u128>,
}

impl Space {
    /// Cut where some block begins or ends; holes that touch each other are one hole.
    pub(crate) fn cut<'a>(blocks: impl IntoIterator<Item = (&'a IpNet, &'a [IpNet])>) -> Self {
        let (mut four, mut six) = (vec![0], vec![0]);
        for (block, holes) in blocks {
            match block {
                IpNet::V4(net) => {
                    let of = |net: &Ipv4Net| (net.network().into(), net.broadcast().into());
                    let holes = holes.iter().filter_map(|hole| match hole {
                        IpNet::V4(hole) => Some(of(hole)),
                        IpNet::V6(_) => None,
                    });
                    edges(of(net), holes.collect(), u32::checked_add, 1, &mut four);
                }
                IpNet::V6(net) => {
                    let of = |net: &Ipv6Net| (net.network().into(), net.broadcast().into());
                    let holes = holes.iter().filter_map(|hole| match hole {
                        IpNet::V6(hole) => Some(of(hole)),
                        IpNet::V4(_) => None,
                    });
                    edges(of(net), holes.collect(), u128::checked_add, 1, &mut six);
                }
            }
        }
        four.sort_unstable();
        four.dedup();
        six.sort_unstable();
        six.dedup();
        Space { four, six }
    }

    pub(crate) fn len(&self) -> usize {
        self.four.len() + self.six.len()
    }

    pub(crate) fn interval(&self, n: usize) -> Option<Interval> {
        if let Some(first) = self.four.get(n) {
            let last = self.four.get(n + 1).map_or(u32::MAX, |next| next - 1);
            return Some(Interval {
                first: Ipv4Addr::from(*first).into(),
                last: Ipv4Addr::from(last).into(),
            });
        }
        let n = n - self.four.len();
        let first = self.six.get(n)?;
        let last = self.six.get(n + 1).map_or(u128::MAX, |next| next - 1);
        Some(Interval {
            first: Ipv6Addr::from(*first).into(),
            last: Ipv6Addr::from(last).into(),
        })
    }

    /// The interval that holds an address.
    pub(crate) fn find(&self, address: IpAddr) -> usize {
        match address {
            IpAddr::V4(v4) => self.four.partition_point(|first| *first <= u32::from(v4)) - 1,
            IpAddr::V6(v6) => {
                self.four.len() + self.six.partition_point(|first| *first <= u128::from(v6)) - 1
            }
        }
    }

    /// Intervals that a block touches; what is left of one after its holes is made of whole intervals.
    pub(crate) fn covered(&self, block: &IpNet) -> std::ops::Range<usize> {
        self.find(block.network())..self.find(block.broadcast()) + 1
    }
}

/// Where what is left of a block begins, and where it has just ended.
fn edges<A: Copy + Ord>(
    (first, last): (A, A),
    mut holes: Vec<(A, A)>,
    add: impl Fn(A, A) -> Option<A>,
    one: A,
    into: &mut Vec<A>,
) {
    holes.retain(|hole| hole.1 >= first && hole.0 <= last);
    holes.sort_unstable();
    // Where the next part begins; `None`: a hole reached the end of all addresses.
    let mut open = Some(first);
    for (from, to) in holes {
        if let Some(begin) = open
            && from > begin
        {
            into.extend([begin, from]);
        }
        open = open.and_then(|begin| Some(begin.max(add(to, one)?)));
    }
    if let Some(begin) = open
        && begin <= last
    {
        into.push(begin);
        into.extend(add(last, one));
    }
}

/// `10.0.0.0-10.255.255.255`.
impl std::fmt::Display for Interval {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{}", self.first, self.last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cuts() {
        let blocks: Vec<IpNet> = ["10.0.0.0/8", "10.1.0.0/16", "255.0.0.0/8", "fd00::/8"]
            .iter()
            .map(|net| net.parse().unwrap())
            .collect();
        let space = Space::cut(blocks.iter().map(|block| (block, &[][..])));
        let texts: Vec<String> = (0..space.len())
            .map(|n| space.interval(n).unwrap().to_string())
            .collect();
        assert_eq!(
            texts,
            [
                "0.0.0.0-9.255.255.255",
                "10.0.0.0-10.0.255.255",
                "10.1.0.0-10.1.255.255",
                "10.2.0.0-10.255.255.255",
                "11.0.0.0-254.255.255.255",
                "255.0.0.0-255.255.255.255",
                "::-fcff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
                "fd00::-fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
                "fe00::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
            ]
        );
        assert_eq!(space.covered(&blocks[0]), 1..4);
        assert_eq!(space.covered(&blocks[1]), 2..3);
        assert_eq!(space.covered(&blocks[2]), 5..6);
        assert_eq!(space.covered(&blocks[3]), 7..8);
        assert_eq!(space.find("10.1.2.3".parse().unwrap()), 2);
    }

    /// `expected`: first addresses of the IPv4 intervals.
    fn check(block: &str, holes: &str, expected: &str) {
        let holes: Vec<IpNet> = holes
            .split_whitespace()
            .map(|n| n.parse().unwrap())
            .collect();
        let space = Space::cut([(&block.parse().unwrap(), &*holes)]);
        let firsts: Vec<String> = space
            .four
            .iter()
            .map(|first| Ipv4Addr::from(*first).to_string())
            .collect();
        assert_eq!(firsts.join(" "), expected, "{block} except {holes:?}");
    }

    #[test]
    fn holes() {
        check("10.0.0.0/8", "", "0.0.0.0 10.0.0.0 11.0.0.0");
        check(
            "0.0.0.0/0",
            "10.0.0.0/9 10.128.0.0/9",
            "0.0.0.0 10.0.0.0 11.0.0.0",
        );
        check("10.0.0.0/8", "10.0.0.0/8", "0.0.0.0");
        check("10.0.0.0/8", "10.0.0.0/9", "0.0.0.0 10.128.0.0 11.0.0.0");
        check(
            "10.0.0.0/8",
            "10.128.0.0/9 10.192.0.0/10",
            "0.0.0.0 10.0.0.0 10.128.0.0",
        );
        check("0.0.0.0/0", "128.0.0.0/1", "0.0.0.0 128.0.0.0");
        check("10.0.0.0/8", "0.0.0.0/0", "0.0.0.0");
        check(
            "10.0.0.0/8",
            "11.0.0.0/8 fd00::/8",
            "0.0.0.0 10.0.0.0 11.0.0.0",
        );
    }
}
