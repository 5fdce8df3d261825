//! `plimsoll demo`: the main job on the shop under `examples/`, which is part of the binary.

use crate::args::Show;
use crate::output;
use crate::settings::Settings;
use anyhow::Context;
use jiff::Timestamp;
use scan::inputs;
use scan::{Input, gate};

#[derive(rust_embed::Embed)]
#[folder = "../../examples/shop"]
struct Shop;

/// The day of the shop's feeds: the same output on every day.
const NOW: &str = "2026-08-16T12:00:00Z";

pub(crate) fn run(show: &Show, settings: &Settings) -> anyhow::Result<u8> {
    let now: Timestamp = NOW.parse()?;
    let mut manifests = Vec::new();
    let mut reports = Vec::new();
    let mut feeds = Vec::new();
    for name in Shop::iter() {
        let file = Shop::get(&name).with_context(|| format!("{name} is not in the binary"))?;
        let bytes = file.data.into_owned();
        match name.split_once('/') {
            Some(("k8s", _)) => manifests.push(inputs::Source::Bytes {
                name: name.as_ref().into(),
                bytes: bytes.into(),
            }),
            Some(("reports", _)) => reports.push((name.to_string(), bytes)),
            Some(("feeds", below)) => feeds.push((below.to_owned(), bytes)),
            _ => {}
        }
    }
    let declarations = Shop::get("plimsoll.yaml").context("plimsoll.yaml is not in the binary")?;
    let declarations = inputs::declarations_of("plimsoll.yaml", &declarations.data)?;
    let intel = inputs::intelligence_of(&feeds)?;
    let mut snapshot = inputs::manifests(&manifests, None, [0; 32])?;
    snapshot.cluster_name = Some("harbour (demo)".into());
    let (sets, gaps) = inputs::reports_of(&reports)?;
    let resolved = scan::Settings {
        now,
        tool_version: env!("CARGO_PKG_VERSION").into(),
        risk: scan::RiskSettings::default(),
    };
    let assessment = scan::assess(
        Input {
            inventories: Vec::new(),
            snapshot: Some(&snapshot),
            sources: &manifests,
            tree: None,
            sets,
            intel: Some(&intel),
            declarations: &declarations,
            gaps,
            spoken_of: std::collections::BTreeSet::new(),
        },
        &resolved,
    );
    let verdict = gate::judge(&assessment, &gate::Gate::default());
    output::show(&assessment, &verdict, show, settings)?;
    Ok(verdict.exit_code)
}
