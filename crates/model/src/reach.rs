//! Who reaches whom, as it is printed: connections, the answer to one question, what a change opens and closes.
//! Peers are names: `namespace/name[Kind]`, `10.0.0.0-10.255.255.255[External]`, `{ingress-controller}`.

use crate::evidence::{Gap, Truth};
use crate::object::ObjectRef;
use crate::text::Text;
use serde::{Deserialize, Serialize};

/// All connections of a cluster.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Connectivity {
    /// Ordered by source and destination.
    pub connections: Vec<Connection>,
    /// What is open to pods that do not exist yet, ordered.
    pub exposures: Vec<OpenTo>,
    pub gaps: Vec<Gap>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Connection {
    pub src: Text,
    pub dst: Text,
    /// As the policies are written: `All Connections`, `TCP 80,443,UDP 53`, `No Connections`.
    pub conn: Text,
    /// Where more cannot be ruled out.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub possible: Option<Text>,
}

/// Connections of one source. Millions of them share a few texts, so texts are said by number.
#[derive(Clone, Copy, Debug)]
pub struct Outgoing<'a> {
    /// Index into `peers`.
    pub src: u32,
    /// Indices into `peers` and `conns`, by destination.
    pub to: &'a [(u32, u32)],
    /// Names of all peers, ordered; the same for every source.
    pub peers: &'a [Text],
    /// `conn` and `possible` of a [`Connection`]; a later source knows more of them, under the same numbers.
    pub conns: &'a [(Text, Option<Text>)],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    Ingress,
    Egress,
}

/// What a workload's policies leave open, whether such a peer exists or not.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct OpenTo {
    pub workload: Text,
    pub direction: Direction,
    /// `entire-cluster`, an address range, `[namespace with {..}]/[pod with {..}]`.
    pub peer: Text,
    pub conn: Text,
    /// No policy selects the workload in this direction.
    pub unprotected: bool,
}

/// Whether one peer reaches another, and why.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    pub from: Text,
    pub to: Text,
    /// `TCP 80`; `None`: any port.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub port: Option<Text>,
    pub verdict: Truth,
    pub connection: Connection,
    /// What leaves the one, then what enters the other.
    pub sides: Vec<Side>,
    pub gaps: Vec<Gap>,
}

/// What the policies of one end say.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Side {
    pub direction: Direction,
    /// Whose policies.
    pub of: Text,
    pub conn: Text,
    /// The part of it that no policy decides: the default is open.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub by_default: Option<Text>,
    /// Policies that select it, and whether that is certain.
    pub selected_by: Vec<(ObjectRef, Truth)>,
    /// A NetworkPolicy isolates it: what none allows is denied.
    pub isolated: Truth,
    /// Rules that mean the peer, in the order in which they were heard.
    pub said: Vec<Said>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Said {
    pub policy: ObjectRef,
    /// Its name, else `ingress[0]`.
    pub rule: Text,
    /// `allows`, `denies`, `passes on`.
    pub action: Text,
    pub conn: Text,
    /// `Unknown`: whether the rule means the peer is not known.
    pub truth: Truth,
}

/// What a change opens and closes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    /// In the new one only.
    pub opened: Vec<Connection>,
    /// In the old one only.
    pub closed: Vec<Connection>,
    /// Both have it on other ports: (old, new).
    pub changed: Vec<(Connection, Connection)>,
    pub gaps: Vec<Gap>,
}
