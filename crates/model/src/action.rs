//! What to do: the unit of the queue.

use crate::evidence::Estimate;
use crate::object::{ObjectRef, SourceSpan};
use crate::text::Text;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Action {
    /// Stable over scans: `v1:` and a digest of kind and target.
    pub id: Text,
    pub kind: ActionKind,
    /// Imperative, one line: `upgrade libssl3 to 3.0.11-1~deb12u2 in ghcr.io/shop/web`.
    pub title: Text,
    /// Index into the images for image actions.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub image: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub object: Option<ObjectRef>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub source: Option<SourceSpan>,
    /// Indices of the findings that it closes, or is expected to close.
    pub closes: Vec<u32>,
    /// Indices of the workloads that it touches.
    pub workloads: Vec<u32>,
    /// R(now) - R(after it), re-evaluated after the actions before it in the queue.
    pub removes: Estimate,
    /// Display: the highest score among the findings that it closes.
    pub points: Estimate,
    pub class: FixClass,
    /// Why it has this class.
    pub class_reason: Text,
    pub certainty: Certainty,
    /// Short reasons, the strongest first: `KEV`, `EPSS 0.94`, `internet via Service shop/web`.
    pub why: Vec<Text>,
    /// Exactly what to type or change, line by line.
    pub exact: Vec<Text>,
    /// How to take it back.
    pub undo: Text,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ActionKind {
    UpgradePackage,
    RebuildBase,
    /// Third-party image: another tag, or tell the vendor (rule 13).
    MoveTag,
    ChangeField,
    RemoveExposure,
    /// Nothing repairs it yet.
    Mitigate,
}

/// Rule 11.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FixClass {
    Equivalent,
    NeedsTest,
    Breaking,
}

/// Rule 13: claims only what was looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Certainty {
    Verified,
    ExpectedUnverified,
}
