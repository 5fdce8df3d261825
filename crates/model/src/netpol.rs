//! NetworkPolicies that are proposed: what they select, let through, and what declared each rule.

use crate::object::ObjectRef;
use crate::text::Text;
use ipnet::IpNet;

/// Policies in the order in which they are written, and what they do not cover.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proposal {
    /// What holds for all of them, one line each.
    pub remarks: Vec<Text>,
    pub policies: Vec<Policy>,
    /// Destinations that no policy can be written for, or that are open wider than they were declared.
    pub unknown: Vec<Reason>,
}

/// One NetworkPolicy. `None` on a side: it does not isolate that side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    pub namespace: Text,
    pub name: Text,
    pub about: Vec<Text>,
    pub pods: Selected,
    pub ingress: Option<Vec<Rule>>,
    pub egress: Option<Vec<Rule>>,
}

/// metav1.LabelSelector.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Selected {
    pub labels: Vec<(Text, Text)>,
    /// Key, operator, values.
    pub expressions: Vec<(Text, Text, Vec<Text>)>,
}

/// Peers on ports. No peers: everyone; no ports: all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    pub because: Vec<Reason>,
    pub peers: Vec<Peer>,
    /// Protocol and port.
    pub ports: Vec<(Text, u16)>,
}

/// What declared something: the field of an object, in words.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reason {
    pub object: ObjectRef,
    /// RFC 6901; empty: the whole object.
    pub pointer: Text,
    pub says: Text,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Peer {
    Pods {
        /// `None`: the policy's own.
        namespace: Option<Text>,
        pods: Selected,
    },
    Block {
        cidr: IpNet,
        except: Vec<IpNet>,
    },
}

/// What the reachability engine says of a proposal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checked {
    /// Declared dependencies that were asked; all of them pass as they did.
    pub asked: usize,
    /// Pairs of workloads that get to each other on some port.
    pub before: usize,
    pub after: usize,
}
