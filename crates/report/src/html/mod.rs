//! One self-contained HTML file: no request, printable, light and dark, usable at 25,000 findings.
//! Queue, paths and coverage are static; the findings are compact JSON that a small script pages
//! through. Names are escaped by the template, or travel as data and become text nodes only.

mod contents;
mod data;
mod page;

use crate::installed::units;
use crate::names::Names;
use crate::view::View;
use base64::Engine as _;
use minijinja::{AutoEscape, Environment};
use sha2::{Digest as _, Sha256};
use std::io::{self, BufWriter, Write};

/// Rows that a browser still handles well; further findings are left out and counted.
pub const ROWS: usize = 100_000;

const TEMPLATE: &str = include_str!("report.html");
const STYLE: &str = include_str!("report.css");
const SCRIPT: &str = include_str!("report.js");
/// Where the data goes; stands once in the template.
const DATA: &str = "%findings%";

/// Writes the page.
pub fn write(view: &View, out: &mut dyn Write) -> io::Result<()> {
    let names = Names::of(view);
    let units = units(view);
    let page = rendered(&page::of(view, &names, &units)).map_err(io::Error::other)?;
    let (head, tail) = page
        .split_once(DATA)
        .ok_or_else(|| io::Error::other("the template of the HTML report has no place for data"))?;
    let mut out = BufWriter::new(out);
    out.write_all(head.as_bytes())?;
    data::write(view, &names, &units, &mut out)?;
    out.write_all(tail.as_bytes())?;
    out.flush()
}

fn rendered(page: &page::Page) -> Result<String, minijinja::Error> {
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.add_template("report.html", TEMPLATE)?;
    let policy = format!(
        "default-src 'none'; script-src '{}'; style-src '{}'; img-src data:; base-uri 'none'; \
         form-action 'none'; require-trusted-types-for 'script'",
        source_hash(SCRIPT),
        source_hash(STYLE)
    );
    environment.get_template("report.html")?.render(
        minijinja::context! { page => minijinja::value::Serde(page), policy, style => STYLE, script => SCRIPT, data => DATA },
    )
}

/// Content Security Policy level 3, 2.3.1: a hash of the exact text of the element.
fn source_hash(text: &str) -> String {
    let digest = base64::engine::general_purpose::STANDARD.encode(Sha256::digest(text));
    format!("sha256-{digest}")
}
