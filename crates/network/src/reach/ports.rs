//! Sets of ports of TCP, UDP and SCTP as ordered, disjoint, non-adjacent ranges.
//! Comes in: ranges. Goes out: their algebra. Never: port 0.

use std::fmt;

/// Protocols that NetworkPolicy knows, in the order in which they are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Protocol {
    Sctp,
    Tcp,
    Udp,
}

impl Protocol {
    pub const ALL: [Protocol; 3] = [Protocol::Sctp, Protocol::Tcp, Protocol::Udp];

    /// `None` for what policies cannot name.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "TCP" => Some(Protocol::Tcp),
            "UDP" => Some(Protocol::Udp),
            "SCTP" => Some(Protocol::Sctp),
            _ => None,
        }
    }

    pub const fn name(self) -> &'static str {
        match self {
            Protocol::Sctp => "SCTP",
            Protocol::Tcp => "TCP",
            Protocol::Udp => "UDP",
        }
    }
}

/// First and last, both in it.
type Range = (u16, u16);

const WHOLE: Range = (1, u16::MAX);

/// Ports of all protocols.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PortSet {
    of: [Vec<Range>; 3],
}

impl PortSet {
    pub fn none() -> Self {
        PortSet::default()
    }

    pub fn all() -> Self {
        PortSet {
            of: [vec![WHOLE], vec![WHOLE], vec![WHOLE]],
        }
    }

    /// Nothing where `first` is larger than `last`, as the API server reads an `endPort` below its `port`.
    pub fn range(protocol: Protocol, first: u16, last: u16) -> Self {
        let mut set = PortSet::none();
        if first.max(1) <= last {
            set.of[protocol as usize].push((first.max(1), last));
        }
        set
    }

    pub fn protocol(protocol: Protocol) -> Self {
        PortSet::range(protocol, 1, u16::MAX)
    }

    pub fn is_empty(&self) -> bool {
        self.of.iter().all(Vec::is_empty)
    }

    pub fn is_all(&self) -> bool {
        self.of.iter().all(|ranges| ranges == &[WHOLE])
    }

    pub fn contains(&self, protocol: Protocol, port: u16) -> bool {
        self.ranges(protocol)
            .iter()
            .any(|(first, last)| (*first..=*last).contains(&port))
    }

    /// Ordered, disjoint, not adjacent.
    pub fn ranges(&self, protocol: Protocol) -> &[(u16, u16)] {
        &self.of[protocol as usize]
    }

    #[must_use]
    pub fn union(&self, other: &PortSet) -> PortSet {
        self.zip(other, |a, b| {
            let mut all: Vec<Range> = a.iter().chain(b).copied().collect();
            all.sort_unstable();
            let mut joined: Vec<Range> = Vec::with_capacity(all.len());
            for (first, last) in all {
                match joined.last_mut() {
                    Some(open) if u32::from(first) <= u32::from(open.1) + 1 => {
                        open.1 = open.1.max(last);
                    }
                    _ => joined.push((first, last)),
                }
            }
            joined
        })
    }

    #[must_use]
    pub fn intersection(&self, other: &PortSet) -> PortSet {
        self.zip(other, |a, b| {
            let mut both = Vec::new();
            let (mut i, mut j) = (0, 0);
            while let (Some(x), Some(y)) = (a.get(i), b.get(j)) {
                let (first, last) = (x.0.max(y.0), x.1.min(y.1));
                if first <= last {
                    both.push((first, last));
                }
                if x.1 < y.1 {
                    i += 1;
                } else {
                    j += 1;
                }
            }
            both
        })
    }

    #[must_use]
    pub fn difference(&self, other: &PortSet) -> PortSet {
        self.zip(other, |a, b| {
            let mut left = Vec::new();
            for &(mut first, last) in a {
                let mut open = true;
                for &(from, to) in b {
                    if to < first || from > last {
                        continue;
                    }
                    if from > first {
                        left.push((first, from - 1));
                    }
                    if to >= last {
                        open = false;
                        break;
                    }
                    first = to + 1;
                }
                if open {
                    left.push((first, last));
                }
            }
            left
        })
    }

    fn zip(&self, other: &PortSet, combine: impl Fn(&[Range], &[Range]) -> Vec<Range>) -> PortSet {
        PortSet {
            of: Protocol::ALL.map(|p| combine(self.ranges(p), other.ranges(p))),
        }
    }
}

/// `All Connections`, `No Connections`, else `TCP 80,443-445,UDP 53`.
impl fmt::Display for PortSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_all() {
            return f.write_str("All Connections");
        }
        if self.is_empty() {
            return f.write_str("No Connections");
        }
        let mut comma = "";
        for protocol in Protocol::ALL {
            let ranges = self.ranges(protocol);
            if ranges.is_empty() {
                continue;
            }
            write!(f, "{comma}{} ", protocol.name())?;
            comma = ",";
            for (n, (first, last)) in ranges.iter().enumerate() {
                let between = if n == 0 { "" } else { "," };
                if first == last {
                    write!(f, "{between}{first}")?;
                } else {
                    write!(f, "{between}{first}-{last}")?;
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn set(text: &str) -> PortSet {
        let mut all = PortSet::none();
        for part in text.split_whitespace() {
            let (protocol, range) = part.split_once(':').unwrap();
            let (first, last) = range.split_once('-').unwrap_or((range, range));
            let protocol = Protocol::parse(protocol).unwrap();
            all = all.union(&PortSet::range(
                protocol,
                first.parse().unwrap(),
                last.parse().unwrap(),
            ));
        }
        all
    }

    #[test]
    fn written() {
        for (of, expected) in [
            ("", "No Connections"),
            ("TCP:80", "TCP 80"),
            ("TCP:80 TCP:81", "TCP 80-81"),
            ("UDP:53 TCP:80 TCP:443 SCTP:9", "SCTP 9,TCP 80,443,UDP 53"),
            ("TCP:0-65535", "TCP 1-65535"),
            ("TCP:9-8", "No Connections"),
            ("TCP:1-65535 UDP:1-65535 SCTP:1-65535", "All Connections"),
        ] {
            assert_eq!(set(of).to_string(), expected, "{of}");
        }
        assert_eq!(
            PortSet::all().difference(&set("TCP:80")).to_string(),
            "SCTP 1-65535,TCP 1-79,81-65535,UDP 1-65535"
        );
    }

    fn any_set() -> impl Strategy<Value = PortSet> {
        let range = (0..3_usize, 0..40_u16, 0..12_u16);
        prop::collection::vec(range, 0..6).prop_map(|ranges| {
            ranges.iter().fold(PortSet::none(), |all, (p, first, len)| {
                all.union(&PortSet::range(Protocol::ALL[*p], *first, first + len))
            })
        })
    }

    proptest! {
        /// The algebra is that of sets, port by port.
        #[test]
        fn algebra(a in any_set(), b in any_set(), port in 1..60_u16, p in 0..3_usize) {
            let protocol = Protocol::ALL[p];
            let (x, y) = (a.contains(protocol, port), b.contains(protocol, port));
            prop_assert_eq!(a.union(&b).contains(protocol, port), x || y);
            prop_assert_eq!(a.intersection(&b).contains(protocol, port), x && y);
            prop_assert_eq!(a.difference(&b).contains(protocol, port), x && !y);
            for ranges in Protocol::ALL.map(|p| a.union(&b).ranges(p).to_vec()) {
                prop_assert!(ranges.windows(2).all(|w| w[0].1 + 1 < w[1].0));
            }
        }
    }
}
