//! CIS benchmarks: which control is answered how, and the answers.
//! Comes in: a World, a profile's name. Goes out: an answer a control, with what was seen or is missing. Never: a pass
//! without evidence, a failure for want of it, a sentence of the benchmark.

#![allow(clippy::match_same_arms, reason = "the arms are a table")]

mod accounts;
mod checklist;
mod managed;
mod policies;
mod profiles;
mod table;

use crate::component::{Components, Probe, Seen, Verdict, judge};
use crate::rule::{Form, Rule};
use crate::world::World;
pub use checklist::checklist;
use model::benchmark::{self, Answer, State};
use model::object::ObjectRef;
pub use profiles::{PROFILES, Profile, controls, of, profile};

/// One control of a benchmark.
#[derive(Clone, Copy, Debug)]
pub struct Control {
    /// `1.2.15`.
    pub number: &'static str,
    /// In our own words: what is asked for.
    pub title: &'static str,
    /// Level of the profile, 1 or 2.
    pub level: u8,
    pub how: How,
}

/// How a control is answered.
#[derive(Clone, Copy, Debug)]
pub enum How {
    /// None of these rules finds anything.
    Rules(&'static [&'static str]),
    /// A probe that no rule needs, and what to do.
    Probe(Probe, &'static str),
    /// Objects of the cluster tell; and what to do.
    Ask(fn(&Components<'_>) -> Vec<Seen>, &'static str),
    /// Nothing can compute it: what a person looks at.
    Manual(&'static str),
}

/// Evidence beyond is counted.
pub const MOST_EVIDENCE: usize = 20;

/// Answers every control of a profile, in its order; `None`: there is no such profile.
pub fn answer(world: &World<'_>, profile: &str) -> Option<Vec<Answer>> {
    let components = Components::of_world(*world);
    let all = controls(profile)?;
    Some(
        all.iter()
            .map(|control| control.answer(&components))
            .collect(),
    )
}

impl Control {
    /// `1.2` of `1.2.15`, `2` of `2.1`.
    pub fn section(&self) -> &'static str {
        self.number
            .rsplit_once('.')
            .map_or(self.number, |(section, _)| section)
    }

    fn answer(&self, components: &Components<'_>) -> Answer {
        let mut rules = Vec::new();
        let mut remediation = Vec::new();
        let mut seen = Vec::new();
        match self.how {
            How::Rules(slugs) => {
                for rule in slugs.iter().filter_map(|slug| crate::table::rule(slug)) {
                    rules.push(rule.id.into());
                    let own = of_rule(components, rule);
                    let bad = own.iter().any(|one| one.verdict == Verdict::Bad);
                    if bad || slugs.len() == 1 {
                        remediation.push(rule.advice);
                    }
                    seen.extend(own);
                }
            }
            How::Probe(probe, advice) => {
                seen = judge(components, &probe);
                remediation.push(advice);
            }
            How::Ask(ask, advice) => {
                seen = ask(components);
                remediation.push(advice);
            }
            How::Manual(advice) => remediation.push(advice),
        }
        let state = match self.how {
            How::Manual(_) => State::Manual,
            _ => state(&seen),
        };
        let (mut evidence, mut missing) = (Vec::new(), Vec::new());
        for one in seen {
            let decides = match (&one.verdict, state) {
                (Verdict::Unknown(gap), _) => {
                    if !missing.contains(gap) {
                        missing.push(gap.clone());
                    }
                    false
                }
                (Verdict::Bad, _) => true,
                (Verdict::Good, State::Fail) => false,
                (Verdict::NotApplicable, state) => state == State::NotApplicable,
                (Verdict::Good, _) => true,
            };
            if decides {
                evidence.push(benchmark::Seen {
                    object: one.object,
                    pointer: one.pointer.into(),
                    value: one.says.into(),
                });
            }
        }
        if state == State::Unknown && missing.is_empty() {
            missing.push(crate::component::gap(
                "control-not-seen",
                format!("nothing that control {} is about was seen", self.number),
                self.number,
                "scan the cluster, and a control-plane node with `plimsoll scan node --host-root /`",
            ));
        }
        let more = evidence.len().saturating_sub(MOST_EVIDENCE);
        evidence.truncate(MOST_EVIDENCE);
        Answer {
            number: self.number.into(),
            section: self.section().into(),
            section_title: profiles::section(self.section()).into(),
            title: self.title.into(),
            level: self.level,
            state,
            evidence,
            more: more as u64,
            missing,
            remediation: remediation.join("; ").into(),
            rules,
        }
    }
}

/// A violation decides; then what is missing; then what is good. Nothing at all is no pass (rule 4).
fn state(seen: &[Seen]) -> State {
    let has = |wanted: &Verdict| seen.iter().any(|one| one.verdict == *wanted);
    if has(&Verdict::Bad) {
        State::Fail
    } else if seen
        .iter()
        .any(|one| matches!(one.verdict, Verdict::Unknown(_)))
    {
        State::Unknown
    } else if has(&Verdict::Good) {
        State::Pass
    } else if has(&Verdict::NotApplicable) {
        State::NotApplicable
    } else {
        State::Unknown
    }
}

fn of_rule(components: &Components<'_>, rule: &'static Rule) -> Vec<Seen> {
    if let Form::Probe(probe) = rule.form {
        return judge(components, &probe);
    }
    let said = crate::run(&components.world, &[rule]);
    let mut all: Vec<Seen> = said
        .found
        .into_iter()
        // Nobody can change what the provider brings.
        .filter(|found| !found.provider)
        .map(|found| Seen {
            object: found.object,
            at: found.at,
            pointer: found.pointer,
            says: found.says,
            verdict: Verdict::Bad,
        })
        .collect();
    let object = ObjectRef::new("", "Cluster", None, "cluster");
    for answer in said.answers {
        let look = |says: String, verdict: Verdict| Seen {
            object: object.clone(),
            at: None,
            pointer: String::new(),
            says,
            verdict,
        };
        all.extend(
            answer
                .unknown
                .into_iter()
                .map(|gap| look(gap.what.to_string(), Verdict::Unknown(gap))),
        );
        if answer.looked > answer.found {
            let says = format!(
                "{} of {} looked at are right",
                answer.looked - answer.found,
                answer.looked
            );
            all.push(look(says, Verdict::Good));
        }
    }
    all
}
