//! Views of a scan that was kept: the queue, the paths, an explanation.

use crate::args::{Explain, Saved};
use crate::output;
use crate::scanning::saved;
use crate::settings::Settings;
use model::assessment::Assessment;
use report::View;

pub(crate) fn queue(options: &Saved, settings: &Settings) -> anyhow::Result<u8> {
    let (assessment, verdict) = saved(options.from.as_deref(), settings)?;
    output::show(&assessment, &verdict, &options.show, settings)?;
    Ok(0)
}

pub(crate) fn explain(options: &Explain, settings: &Settings) -> anyhow::Result<u8> {
    let terminal = settings.terminal.options();
    let rule = scan::configuration::described(&options.id);
    let (assessment, verdict) = match (saved(options.from.as_deref(), settings), &rule) {
        (Err(_), Some(rule)) if options.from.is_none() => {
            output::stdout(|out| report::terminal::describe(rule, &terminal, out))?;
            return Ok(0);
        }
        (kept, _) => kept?,
    };
    let view = View {
        assessment: &assessment,
        verdict: &verdict,
        top: 0,
        redact_names: false,
    };
    let folder = options.db.as_deref().unwrap_or(&settings.database);
    let intel = scan::inputs::intelligence(folder)?;
    let why_not = |inventory: usize, component: u32| {
        let inventory = assessment.inventories.get(inventory)?;
        scan::artifacts::why_not(inventory, component, intel.as_ref()?)
    };
    // Nothing is written before something was found.
    let mut text = Vec::new();
    let found =
        report::terminal::explain_named(&view, &options.id, &why_not, &terminal, &mut text)?;
    if let (false, Some(rule)) = (found, &rule) {
        report::terminal::describe(rule, &terminal, &mut text)?;
    } else if !found {
        anyhow::bail!("{}", nothing(&options.id, &assessment));
    }
    output::stdout(|out| out.write_all(&text))?;
    Ok(0)
}

/// Which scan was asked, what may be asked, and where a CVE that it does not have is known.
fn nothing(id: &str, assessment: &Assessment) -> String {
    let about = &assessment.about;
    let of = about
        .cluster_name
        .as_deref()
        .map_or_else(String::new, |name| format!(" of {name}"));
    let when = about.now.strftime("%Y-%m-%d %H:%M UTC");
    let known = if id.to_ascii_uppercase().starts_with("CVE-") {
        format!("; what is known of it elsewhere: plimsoll db show {id}")
    } else {
        String::new()
    };
    let inventories = assessment.inventories.iter();
    let packages: usize = inventories
        .map(|inventory| inventory.components.len())
        .sum();
    let packages = match packages {
        0 => String::new(),
        count => format!(", none of its {count} packages either"),
    };
    format!(
        "nothing in the scan{of} at {when} is called {id}{packages}; ask for a CVE, a check, an object as \
         `Deployment shop/web`, an image, a package, or the number of an action{known}"
    )
}
