//! What `explain` says of a package: where it is, what was found in it, and why nothing was, as the matcher says it.
//! Comes in: a name or a package URL. Goes out: one part for each that is installed. Never: silence for safety.

use super::basis::layer_of;
use super::canvas::{Canvas, Paint};
use super::explain::LABEL;
use super::subject::{Found, all, lines};
use crate::installed::{Installed, Unit, units};
use crate::view::{View, at};
use crate::wording::counted;
use model::purl::Purl;
use std::io;

/// Packages that are told in full; of more a longer name is asked for.
const IN_FULL: usize = 5;
const LINES: usize = 10;

/// Why nothing matched a component of an inventory of the Assessment, by their indices; `None`: nobody can say it here.
pub type WhyNot<'w> = dyn Fn(usize, u32) -> Option<String> + 'w;

/// All packages that are called `name`; `false` where there is none.
pub(super) fn packages(
    view: &View,
    name: &str,
    why: &WhyNot,
    canvas: &mut Canvas,
) -> io::Result<bool> {
    let units = units(view);
    let found: Vec<(usize, &Unit, u32, Installed)> = units
        .all
        .iter()
        .enumerate()
        .flat_map(|(number, unit)| {
            let packages = (0u32..).zip(unit.packages.iter().copied());
            packages
                .filter(|(_, package)| goes_by(*package, name))
                .map(move |(index, package)| (number, unit, index, package))
        })
        .collect();
    for (n, (number, unit, index, package)) in found.iter().take(IN_FULL).enumerate() {
        if n > 0 {
            canvas.blank()?;
        }
        head(unit, *package, canvas)?;
        let its: Vec<Found> = all(view)
            .filter(|found| found.finding.image.is_some() && found.finding.image == unit.image)
            .filter(|found| {
                let package = view.package(found.finding);
                package.is_some_and(|package| unit.find(package).contains(index))
            })
            .collect();
        if its.is_empty() {
            let text = match (unit.inventory, why(*number, *index)) {
                (Some(_), Some(text)) => text,
                (Some(_), None) => "nothing was found; why is known to the database: plimsoll \
                                    explain with --db DIR"
                    .to_owned(),
                (None, _) => "another tool scanned it, and names no finding of it".to_owned(),
            };
            canvas.prose(Paint::Strong, "nothing     ", &text)?;
            continue;
        }
        canvas.prose(
            Paint::Strong,
            "found       ",
            &counted(its.len(), "finding"),
        )?;
        lines(view, &its, LINES, None, canvas)?;
    }
    if let Some(more) = found.len().checked_sub(IN_FULL).filter(|more| *more > 0) {
        canvas.blank()?;
        let text = format!(
            "{more} more packages are called {name}; a package URL with its version names one"
        );
        canvas.prose(Paint::Dim, "", &text)?;
    }
    Ok(!found.is_empty())
}

fn head(unit: &Unit, package: Installed, canvas: &mut Canvas) -> io::Result<()> {
    let version = Some(package.version()).filter(|version| !version.is_empty());
    let mut text = format!(
        "{} {} ({})",
        package.name(),
        version.unwrap_or("of no known version"),
        package.kind()
    );
    let source = package.component().and_then(|c| c.source.as_ref());
    if let Some(source) = source.filter(|source| *source.name != *package.name()) {
        text = format!("{text}, of source package {}", source.name);
    }
    canvas.prose(Paint::Strong, "", &text)?;
    if let Some(purl) = package.purl() {
        canvas.prose(Paint::Plain, "package     ", purl)?;
    }
    canvas.prose(Paint::Plain, "in          ", unit.name)?;
    for (n, path) in package.paths().iter().take(3).enumerate() {
        let label = if n == 0 { "file        " } else { LABEL };
        canvas.prose(Paint::Plain, label, path)?;
    }
    layer_of(unit, package, canvas)?;
    let owner = package.component().and_then(|c| c.owner);
    let components = unit.inventory.map(|inventory| &inventory.components[..]);
    if let Some(owner) = components.and_then(|all| at(all, owner)) {
        let text = format!("installed by {} {}", owner.name, owner.version);
        canvas.prose(Paint::Plain, "owner       ", &text)?;
    }
    Ok(())
}

/// Its name, that of its source, its full name (`group:artifact`, `@scope/name`, a module's path), or its package URL
/// with or without the version.
fn goes_by(package: Installed, name: &str) -> bool {
    if name
        .get(..4)
        .is_some_and(|start| start.eq_ignore_ascii_case("pkg:"))
    {
        let parts = (Purl::parse(name), package.purl().map(Purl::parse));
        let (Ok(wanted), Some(Ok(own))) = parts else {
            return false;
        };
        let same = |a: &str, b: &str| a.eq_ignore_ascii_case(b);
        return own.kind == wanted.kind
            && same(&own.namespace, &wanted.namespace)
            && same(&own.name, &wanted.name)
            && (wanted.version.is_empty() || own.version == wanted.version);
    }
    let same = |own: &str| own.eq_ignore_ascii_case(name);
    if same(package.name()) {
        return true;
    }
    let Some(component) = package.component() else {
        return false;
    };
    let full = |namespace: &str| {
        same(&format!("{namespace}/{}", component.name))
            || same(&format!("{namespace}:{}", component.name))
    };
    component
        .source
        .as_ref()
        .is_some_and(|source| same(&source.name))
        || component.namespace.as_deref().is_some_and(full)
}
