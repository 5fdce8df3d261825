//! Which addresses lists of blocks mean, over a space that is cut at their edges.
//! Comes in: blocks that hold and blocks that do not. Goes out: answers for intervals and for pods.
//! Never: a block for each address; a list may have a hundred thousand of them.

use super::classes::Class;
use super::meets::Meets;
use super::space::Space;
use crate::address;
use ipnet::IpNet;

pub(crate) struct Nets<'a> {
    space: &'a Space,
    /// By interval; `None`: all.
    inside: Option<Vec<bool>>,
    /// Some are named at all.
    named: bool,
    /// Those that are named hold addresses that pods may have.
    private: bool,
}

impl<'a> Nets<'a> {
    /// Any of `nets`, where there are any, and none of `not`; `four`: of one family only.
    pub(crate) fn of(space: &'a Space, nets: &[IpNet], not: &[IpNet], four: Option<bool>) -> Self {
        let all = nets.is_empty() && not.is_empty() && four.is_none();
        let inside = (!all).then(|| {
            let mut inside = vec![nets.is_empty(); space.len()];
            mark(space, nets, |n| inside.get_mut(n).map(|at| *at = true));
            mark(space, not, |n| inside.get_mut(n).map(|at| *at = false));
            if let Some(four) = four {
                for (n, at) in inside.iter_mut().enumerate() {
                    *at &= space.interval(n).is_some_and(|i| i.first.is_ipv4() == four);
                }
            }
            inside
        });
        let private = |nets: &[IpNet]| {
            let mut nets = nets.iter();
            nets.any(|net| address::overlaps_private(net, &[]))
        };
        Nets {
            space,
            inside,
            named: !nets.is_empty(),
            private: if nets.is_empty() {
                private(not) || four.is_some()
            } else {
                private(nets)
            },
        }
    }

    pub(crate) fn interval(&self, n: usize) -> bool {
        let Some(inside) = &self.inside else {
            return true;
        };
        inside.get(n) == Some(&true)
    }

    /// Traffic of any of its addresses is the pod's.
    pub(crate) fn class(&self, class: &Class) -> Meets {
        if self.inside.is_none() {
            return Meets::Yes;
        }
        match &class.addresses {
            Some(addresses) if !addresses.is_empty() => {
                let held = addresses
                    .iter()
                    .filter(|a| self.interval(self.space.find(**a)));
                match held.count() {
                    0 => Meets::No,
                    n if n == addresses.len() => Meets::Yes,
                    _ => Meets::MaybeSo,
                }
            }
            // Pods have public addresses in few networks.
            _ => match (self.named, self.private) {
                (true, true) => Meets::MaybeNot,
                (true, false) => Meets::No,
                (false, true) => Meets::MaybeSo,
                (false, false) => Meets::Yes,
            },
        }
    }
}

/// Each interval that a block touches; as blocks nest, none is touched more often than an address has bits.
pub(crate) fn mark(space: &Space, nets: &[IpNet], mut visit: impl FnMut(usize) -> Option<()>) {
    let mut nets: Vec<IpNet> = nets.iter().map(IpNet::trunc).collect();
    nets.sort_unstable();
    nets.dedup();
    for net in &nets {
        for n in space.covered(net) {
            visit(n);
        }
    }
}
