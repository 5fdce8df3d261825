//! Gaps that somebody answers for until a day (rule 5): marked, never removed, and said where they no longer count.
//! Comes in: what `plimsoll.yaml` accepts, the ledger with every gap, the time of the scan. Never: drops a gap.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use model::evidence::{Acceptance, Gap, GapId, GapWeight, Ledger, Stage};
use semantics::declare::{AcceptedGap, glob};

/// Puts the acceptances into the ledger. To be asked after the last stage: it speaks of the gaps that are there.
pub fn accept(accepted: &[AcceptedGap], now: Timestamp, ledger: &mut Ledger) {
    let today = now.to_zoned(TimeZone::UTC).date();
    let acceptances: Vec<Acceptance> = accepted
        .iter()
        .map(|entry| Acceptance {
            class: entry.class.clone(),
            scope: entry.scope.clone(),
            owner: entry.owner.clone(),
            reason: entry.reason.clone(),
            expires: entry.expires,
            expired: entry.expires < today,
            gaps: spoken_of(entry, ledger),
        })
        .collect();
    ledger.gaps(acceptances.iter().filter_map(without_effect));
    ledger.acceptances = acceptances;
}

fn spoken_of(entry: &AcceptedGap, ledger: &Ledger) -> Vec<GapId> {
    let gaps = ledger.gaps.iter().zip(0u32..);
    gaps.filter(|(gap, _)| gap.class == entry.class && glob(&entry.scope, &gap.scope))
        .map(|(_, id)| GapId(id))
        .collect()
}

/// What is said of an acceptance that does nothing.
fn without_effect(acceptance: &Acceptance) -> Option<Gap> {
    let Acceptance {
        class,
        scope,
        owner,
        expires,
        ..
    } = acceptance;
    let (said, why, close) = if acceptance.expired {
        (
            "acceptance-expired",
            format!("expired on {expires} and does not count"),
            "close the gap, or let its owner set a new date in plimsoll.yaml",
        )
    } else if acceptance.gaps.is_empty() {
        (
            "acceptance-unused",
            "matches no gap of this scan".to_owned(),
            "take it out of plimsoll.yaml, or correct its class and scope",
        )
    } else {
        return None;
    };
    Some(Gap {
        class: said.into(),
        what: format!("the acceptance of {class} at `{scope}` by {owner} {why}").into(),
        stage: Stage::Rank,
        scope: format!("{class} {scope}").into(),
        weight: GapWeight::Notice,
        close: close.into(),
    })
}
