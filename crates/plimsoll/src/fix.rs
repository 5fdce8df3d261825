//! `plimsoll fix`: exact changes for what a cluster's configuration has wrong.

use crate::args::{Class, Fix, FixFormat};
use crate::output;
use crate::settings::Settings;
use crate::target;
use anyhow::Context as _;
use model::action::FixClass;
use model::evidence::GapWeight;
use model::remedy::Written;
use scan::fix::{self, Wanted};
use std::path::Path;

/// Findings without a change that are told.
const MOST: usize = 10;

/// 0; 1 where something was asked for that has no change; 3 where what was not read could have more.
pub(crate) fn run(options: &Fix, settings: &Settings) -> anyhow::Result<u8> {
    anyhow::ensure!(
        options.all || !options.names.is_empty() || !options.profile.is_empty(),
        "name a check or an object to mend, or say --all"
    );
    let declarations = target::declarations(options.config.as_deref())?;
    let target = target::of(&options.sources, settings)?;
    let wanted = Wanted {
        names: options.names.clone(),
        profiles: options.profile.clone(),
        heaviest: match options.class {
            Class::Equivalent => FixClass::Equivalent,
            Class::NeedsTest => FixClass::NeedsTest,
            Class::Breaking => FixClass::Breaking,
        },
    };
    let now = options.now.unwrap_or(settings.now);
    let plan = fix::plan(&target.snapshot, &declarations, now, &wanted)?;
    if options.write {
        for file in &plan.files {
            write(file)?;
        }
    }
    output::stdout(|out| match options.format {
        FixFormat::Text if options.write => Ok(()),
        FixFormat::Text => report::remedy::text(&plan, out),
        FixFormat::Json => report::remedy::json(&plan, out),
    })?;
    if options.write {
        output::say(&format!("{} files written", plan.files.len()));
    }
    for line in report::remedy::left(&plan, MOST) {
        output::say(&line);
    }
    let unseen = target.snapshot.gaps.iter();
    let unseen: Vec<_> = unseen
        .filter(|gap| gap.weight == GapWeight::Hides)
        .collect();
    for gap in unseen.iter().take(MOST) {
        output::say(&format!("not seen: {}; {}", gap.what, gap.close));
    }
    if unseen.len() > MOST {
        output::say(&format!("not seen: {} more", unseen.len() - MOST));
    }
    Ok(match (plan.left.is_empty(), unseen.is_empty()) {
        (false, _) => 1,
        (true, false) => 3,
        (true, true) => 0,
    })
}

/// In place and whole, with the file's own permissions; not where somebody else wrote it meanwhile.
fn write(file: &Written) -> anyhow::Result<()> {
    let path = Path::new(&*file.path);
    let cannot = || format!("cannot write {}", path.display());
    let now = std::fs::read_to_string(path).with_context(cannot)?;
    anyhow::ensure!(
        now == file.before,
        "{} was changed meanwhile: nothing was written to it",
        path.display()
    );
    report::file::replace(path, file.after.as_bytes()).with_context(cannot)
}
