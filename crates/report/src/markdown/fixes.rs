//! Vulnerabilities of artifacts by what repairs them, as tables: the fixable ones, then those without a fix, folded.

use super::page::{Page, line};
use crate::fixes::{Repair, listed, repairs, several};
use crate::installed::Units;
use crate::view::View;
use crate::wording::count;

/// Vulnerabilities that a row names; the rest is counted.
const IDS: usize = 5;

pub(super) fn write(view: &View, units: &Units, page: &mut Page) {
    let repairs = repairs(view, units);
    page.add(&format!("\n### Fix first: {}\n", repairs.heading()));
    if let Some(division) = repairs.division() {
        let text = format!("\n{}\n", page.cell(&division));
        page.add(&text);
    }
    if !repairs.fixed.is_empty() {
        page.add("\n");
        table(view, page, &repairs.fixed, several(units), view.top);
    }
    if !repairs.unfixed.is_empty() {
        page.folded(&format!("No fix: {}", repairs.unfixed_heading()), |page| {
            page.add("\n");
            table(view, page, &repairs.unfixed, several(units), 0);
        });
    }
}

/// Rows until `top` of them, 0 for all, or until the page is full.
pub(crate) fn table(view: &View, page: &mut Page, all: &[Repair], several: bool, top: usize) {
    let shown = if top == 0 {
        all.len()
    } else {
        all.len().min(top)
    };
    page.add("| Score | Package | Fix | Where | Closes |\n| --: | --- | --- | --- | --- |\n");
    let rows: Vec<String> = all
        .iter()
        .take(shown)
        .map(|repair| row(view, page, repair, several))
        .collect();
    let left_out = page.rows(rows.into_iter()) + all.len() - shown;
    if left_out > 0 {
        page.add(&format!("\n{} more.\n", count(left_out)));
    }
}

fn row(view: &View, page: &Page, repair: &Repair, several: bool) -> String {
    let fix = match repair.to {
        Some(to) if repair.crosses() => format!("{}, another major version", page.code(to)),
        Some(to) => page.code(to),
        None => crate::wording::fix_state(repair.state).to_owned(),
    };
    let place = repair.place(view, several).unwrap_or_default();
    let ids = repair.ids(view);
    line(&[
        repair.score().replace('<', "&lt;"),
        page.code(&repair.what()),
        fix,
        page.cell(&place),
        page.cell(&format!(
            "{}: {}",
            count(ids.len()),
            listed(&ids, IDS, ", ")
        )),
    ])
}
