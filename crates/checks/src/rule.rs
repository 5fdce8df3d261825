//! What a rule is: a row of data and, where one object does not tell enough, one function.
//! Comes in: nothing. Goes out: the nouns of the table. Never: an evaluation (`evaluate`), a policy (`policy`).

use crate::component::Probe;
use crate::test::{Field, Test};
use crate::world::{Found, Sink, World};
use model::action::FixClass;
use model::vulnerability::Severity;
use std::fmt;

/// One check. Its id and slug are stable: they stand in exceptions, fingerprints and policies.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// `KP-FAMILY-NNN`.
    pub id: &'static str,
    /// Kebab case, unique as the id is.
    pub slug: &'static str,
    pub severity: Severity,
    /// What is wrong, in a few words, as a finding says it: `container runs privileged`.
    pub title: &'static str,
    /// What somebody can do with it and when it is no problem, one or two sentences.
    pub why: &'static str,
    /// What to do where no exact patch can be offered; and why the patch is safe or not.
    pub advice: &'static str,
    pub maps: &'static [Mapping],
    pub form: Form,
    pub fix: Fix,
    /// Minor versions of Kubernetes that it is asked of, both included.
    pub minors: (u16, u16),
    /// Asked when nobody names it. Rules of taste and of reliability are not.
    pub on: bool,
}

impl Rule {
    /// What a row leaves out.
    pub const ROW: Rule = Rule {
        id: "",
        slug: "",
        severity: Severity::Medium,
        title: "",
        why: "",
        advice: "",
        maps: &[],
        form: Form::World(nothing),
        fix: Fix::None,
        minors: (0, u16::MAX),
        on: true,
    };

    /// `WL` of `KP-WL-001`.
    pub fn family(&self) -> &'static str {
        self.id.split('-').nth(1).unwrap_or("")
    }

    /// Where it can be asked. A rule about one object is asked of files, clusters and admission alike.
    pub fn surfaces(&self) -> &'static [Surface] {
        match self.form {
            Form::Each { .. } | Form::PodSecurity(_) => {
                &[Surface::Manifest, Surface::Live, Surface::Admission]
            }
            Form::World(_) => &[Surface::Manifest, Surface::Live],
            Form::Component(_) | Form::Probe(_) => &[Surface::Live, Surface::Node],
        }
    }
}

fn nothing(_: &World<'_>, _: &mut Sink<'_>) {}

/// Where a rule is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Surface {
    Manifest,
    Live,
    Admission,
    Node,
}

/// A number that others know the rule by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mapping {
    /// CIS Kubernetes Benchmark 1.12: control.
    Cis(&'static str),
    /// Pod Security Standards: control id in lower case.
    Pss(&'static str),
    /// NSA/CISA Kubernetes Hardening Guide 1.2: section.
    Nsa(&'static str),
    /// MITRE ATT&CK: technique.
    Attack(&'static str),
    /// Microsoft threat matrix for Kubernetes: technique.
    Microsoft(&'static str),
    /// OWASP Kubernetes Top 10 (2025).
    Owasp(&'static str),
    /// A CVE whose condition this is.
    Cve(&'static str),
}

/// `CIS 5.2.2`, `ATT&CK T1611`: as others look it up.
impl fmt::Display for Mapping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (of, name) = match self {
            Mapping::Cis(control) => ("CIS ", control),
            Mapping::Pss(control) => ("PSS ", control),
            Mapping::Nsa(section) => ("NSA/CISA ", section),
            Mapping::Attack(technique) => ("ATT&CK ", technique),
            Mapping::Microsoft(technique) => ("Microsoft ", technique),
            Mapping::Owasp(risk) => ("OWASP ", risk),
            Mapping::Cve(id) => ("", id),
        };
        write!(f, "{of}{name}")
    }
}

/// How a rule is answered.
#[derive(Clone, Copy, Debug)]
pub enum Form {
    /// One object tells: each subject of the scope is tested alone.
    Each {
        scope: Scope,
        /// True of what is wrong.
        violated: Test,
        /// The field that is to blame.
        at: Field,
    },
    /// A control of the Pod Security Standards, which `semantics` decides.
    PodSecurity(&'static str),
    /// Several objects tell.
    World(fn(&World<'_>, &mut Sink<'_>)),
    /// Files, flags and configuration of a component or node tell.
    Component(fn(&World<'_>, &mut Sink<'_>)),
    /// The same, as data where one setting or one kind of file tells.
    Probe(Probe),
}

/// What a rule is asked of, one by one. Pods are those of every workload kind, seen through their templates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The pod: `metadata` and `spec`. Fields of [`From::This`](crate::test::From) are those of `spec`.
    Pod,
    Containers(Containers),
    /// Items of a list of each pod's spec, e.g. `volumes`.
    PodItems(&'static str),
    /// Items of a list of each container: `env`, `ports`, `volumeMounts`.
    ContainerItems(Containers, &'static str),
    /// Objects of these kinds, (group, kind).
    Objects(&'static [(&'static str, &'static str)]),
    /// Items of a list of objects, by the path of the list: `rules`, `webhooks`, `spec/ports`.
    ObjectItems(
        &'static [(&'static str, &'static str)],
        &'static [&'static str],
    ),
}

/// Which containers of a pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Containers {
    /// Init, main and ephemeral ones.
    All,
    /// Init and main ones: what a template can hold.
    Declared,
    /// Main ones, and init containers that go on (`restartPolicy: Always`).
    Lasting,
    Ephemeral,
}

/// The exact change, if there is one that is right for every subject. Each is tried before it is offered: it must remove
/// its finding and add none (`fixes`). The class is that of rule 11: what may happen when it is applied.
#[derive(Clone, Copy, Debug)]
pub enum Fix {
    None,
    /// Set the field to this JSON value; parents are made.
    Set(Field, &'static str, FixClass),
    Remove(Field, FixClass),
    /// Take these texts out of a list; `*` at the end of a longer one stands for anything.
    Drop(Field, &'static [&'static str], FixClass),
    /// Take the item that the finding is about out of its list.
    RemoveItem(FixClass),
    /// Several of these at once.
    All(&'static [Fix]),
    /// What to change depends on the object; `None`: nothing exact is right for this finding.
    Make(fn(&World<'_>, &Found) -> Option<Vec<Change>>, FixClass),
}

/// One operation of a JSON Patch (RFC 6902) on the object of a finding. They are applied in their order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// JSON pointer (RFC 6901).
    pub pointer: String,
    /// JSON text of the new value (`add`, which replaces what is there); `None`: `remove`.
    pub to: Option<String>,
}
