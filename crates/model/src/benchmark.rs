//! How a cluster stands against a benchmark: an answer a control, each with what was seen or what is missing.
//! Never: a pass without evidence, a failure for want of it.

use crate::evidence::Gap;
use crate::object::ObjectRef;
use crate::text::Text;
use serde::{Deserialize, Serialize};

/// All controls of one benchmark.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Benchmark {
    /// `cis-1.12`.
    pub profile: Text,
    /// `1.36`: the version that was judged.
    pub kubernetes: Text,
    /// In the order of the benchmark.
    pub controls: Vec<Answer>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    Pass,
    Fail,
    NotApplicable,
    /// Evidence is missing; [`Answer::missing`] says which.
    Unknown,
    /// Nothing can compute it.
    Manual,
}

impl State {
    pub const fn as_str(self) -> &'static str {
        match self {
            State::Pass => "pass",
            State::Fail => "fail",
            State::NotApplicable => "not-applicable",
            State::Unknown => "unknown",
            State::Manual => "manual",
        }
    }
}

/// What one look gave.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    pub object: ObjectRef,
    /// JSON pointer (RFC 6901) into the object; empty where no field decides.
    #[serde(skip_serializing_if = "is_empty", default = "empty")]
    pub pointer: Text,
    /// What is there, one sentence without a full stop.
    pub value: Text,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// `1.2.15`.
    pub number: Text,
    /// `1.2`.
    pub section: Text,
    pub section_title: Text,
    /// In our own words: what is asked for.
    pub title: Text,
    /// Level of the benchmark's profile, 1 or 2.
    pub level: u8,
    pub state: State,
    /// What decided: of a failure only what is wrong.
    pub evidence: Vec<Seen>,
    /// What decided and was not listed.
    pub more: u64,
    /// What was not seen; never empty where the state is unknown.
    pub missing: Vec<Gap>,
    /// What to do.
    pub remediation: Text,
    /// Ids of the rules that it was answered by.
    pub rules: Vec<Text>,
}

/// One of the ten points of the hardening checklist.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Point {
    /// 1 to 10.
    pub number: u8,
    pub title: Text,
    /// Pass, fail or unknown.
    pub verdict: State,
    /// One sentence each.
    pub evidence: Vec<Text>,
    /// The next command to type, or what to do.
    pub next: Text,
}

impl Benchmark {
    /// How many controls have that state.
    pub fn count(&self, state: State) -> usize {
        let same = |control: &&Answer| control.state == state;
        self.controls.iter().filter(same).count()
    }
}

fn is_empty(text: &Text) -> bool {
    text.is_empty()
}

fn empty() -> Text {
    Text::from("")
}
