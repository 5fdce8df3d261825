//! Look-ups of packages. Comes in: an ecosystem and a name. Goes out: what every statement says of it.
//! Never: a judgement, a silent nothing on damaged bytes.

use crate::affected::{self, Entry};
use crate::build::packages::LINE;
use crate::feeds::Import;
use crate::format::ids::Ids;
use crate::format::rows::Rows;
use crate::format::texts::Texts;
use crate::format::{Damage, schema};
use crate::intelligence::Intelligence;
use model::text::Text;
use rustc_hash::FxHashMap;

impl Intelligence {
    /// Entries of a package in the order of their statements; `None`: no statement names it.
    pub(crate) fn entries(
        &self,
        ecosystem: &str,
        package: &str,
    ) -> Result<Option<Vec<Entry>>, Damage> {
        let Some(names) = self.advisories.view(schema::PACKAGES.0) else {
            return Ok(None);
        };
        let key = format!("{ecosystem}{}{package}", schema::UNIT);
        let Some(row) = Ids::new(names)?.find(&key)? else {
            return Ok(None);
        };
        let versions = Ids::new(self.advisories.need(schema::VERSIONS.0)?)?;
        let rows = Rows::new(self.advisories.need(schema::AFFECTED.0)?)?;
        let mut row = rows.get(row)?;
        let mut previous = 0;
        let mut all = Vec::new();
        while !row.0.is_empty() {
            let entry = affected::read(&mut row, &mut previous, &|number| versions.get(number))?;
            all.push(entry.ok_or_else(|| rows.damage("a range is cut"))?);
        }
        Ok(Some(all))
    }

    /// Whether a statement names the package.
    pub(crate) fn names(&self, ecosystem: &str, package: &str) -> bool {
        let find = || {
            let Some(names) = self.advisories.view(schema::PACKAGES.0) else {
                return Ok(None);
            };
            Ids::new(names)?.find(&format!("{ecosystem}{}{package}", schema::UNIT))
        };
        self.noted(find()).flatten().is_some()
    }

    /// The packages of Maven with this artifact, of any group: `org.x:core` for `core`.
    pub(crate) fn groups(&self, artifact: &str) -> &[Text] {
        let all = self.artifacts.get_or_init(|| {
            let mut all: FxHashMap<Text, Vec<Text>> = FxHashMap::default();
            let mut each = || {
                let Some(names) = self.advisories.view(schema::PACKAGES.0) else {
                    return Ok(());
                };
                let prefix = format!("Maven{}", schema::UNIT);
                Ids::new(names)?.each(&prefix, |name| {
                    let name = name.get(prefix.len()..).unwrap_or("");
                    if let Some((_, artifact)) = name.rsplit_once(':') {
                        all.entry(artifact.into()).or_default().push(name.into());
                    }
                })
            };
            self.noted(each());
            all
        });
        all.get(artifact).map_or(&[], Vec::as_slice)
    }

    /// Whether a statement names a package of the ecosystem: `Debian:12`, `PyPI`.
    pub fn covers(&self, ecosystem: &str) -> bool {
        let any = || {
            let names = self.advisories.view(schema::PACKAGES.0);
            names.map_or(Ok(false), |names| {
                Ids::new(names)?.any(&format!("{ecosystem}{}", schema::UNIT))
            })
        };
        self.noted(any()).unwrap_or(false)
    }

    /// Vulnerable Go packages of an entry.
    pub(crate) fn imports(&self, entry: &Entry) -> Result<Vec<Import>, Damage> {
        let Some((first, count)) = entry.imports else {
            return Ok(Vec::new());
        };
        let view = self.advisories.need(schema::IMPORTS.0)?;
        let words = |text: Option<&str>| -> Vec<String> {
            text.unwrap_or("")
                .split(' ')
                .filter(|word| !word.is_empty())
                .map(str::to_owned)
                .collect()
        };
        let mut all = Vec::new();
        for n in 0..count {
            let number = first
                .checked_add(n)
                .ok_or_else(|| view.damage("a text number lies outside of it"))?;
            let text = Texts { view }.get(number, &self.import_texts)?;
            let mut lines = text.split(LINE);
            all.push(Import {
                path: lines.next().unwrap_or("").to_owned(),
                systems: words(lines.next()),
                symbols: words(lines.next()),
            });
        }
        Ok(all)
    }
}
