//! From an image to its inventory. Comes in: layers that can be opened. Goes out: what is installed, with a gap for all
//! that was not seen. Never: keeps or uses facts of a layer that is not what its digest says.

use crate::assemble::{Found, Parts, assemble};
use crate::base;
use crate::blob::{Blob, Mismatch, Said};
use crate::cache::{Cache, Key};
use crate::extract::Extractor;
use crate::layer::{LayerFacts, LayerGap, Reread, gap, reread, walk, with_causes};
use crate::limits::Limits;
use crate::source::{Image, LayerSource};
use crate::standing::{Again, Survey, survey};
use crate::tree::Tree;
use crate::{ImageError, digest, remark};
use model::evidence::Gap;
use model::inventory::{ImageConfig, Inventory, Layer};
use model::matches::{Artifact, ArtifactKind, OsRelease};
use model::text::Text;
use rayon::prelude::*;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// Reads an image: each layer once, in parallel, and those with links that matter once more. With a cache, layers that
/// any image had before are not read at all.
///
/// # Errors
/// [`ImageError::Digest`] where a layer is not what the image says. A layer that cannot be opened or read to its end is
/// no error but a gap, and what could be read of it counts.
pub fn read(
    image: &Image,
    table: &[Extractor],
    limits: &Limits,
    cache: Option<&Cache>,
) -> Result<Inventory, ImageError> {
    if let Some(known) = cache.and_then(|cache| known(image, table, limits, cache)) {
        return Ok(known);
    }
    let whole = whole_key(image, table, limits);
    let config = image.config.image_config();
    let reader = Reader {
        image,
        table,
        limits,
        cache,
    };
    let (layers, mut gaps, mut sure) = reader.layers()?;
    let tree = Tree::new(&layers);
    let Survey {
        standing,
        gone,
        again,
        gaps: found_gaps,
    } = survey(&tree, &layers, table);
    gaps.extend(found_gaps);
    if let Some((count, path)) = tree.lost() {
        let what = format!(
            "{count} hard links lead to nothing, {path} first: what they stand for was not read"
        );
        gaps.push(gap("image-unreadable", what));
    }
    if tree.is_cut() {
        let what = "the layers' links and folders are nested deeper than is followed";
        gaps.push(gap("image-limit", what));
    }
    let (rereads, more, all) = reader.again(&again)?;
    gaps.extend(more);
    sure &= all;
    let mut found: Vec<Found<'_>> = standing
        .into_iter()
        .map(|standing| Found::standing(standing, &tree, true))
        .collect();
    found.extend(rereads.iter().map(|(layer, reread)| Found {
        extract: &reread.extract,
        paths: vec![Text::clone(&reread.path)],
        layer: Some(*layer),
        versions: None,
    }));
    let mut parts = assemble(&tree, &layers, &found);
    let hidden = remark::deleted(&gone, &parts.remarks, &layers);
    parts.remarks.extend(hidden);
    let settings = remark::asks_settings(table);
    remark::finish(&mut parts, &tree, settings, true);
    if settings {
        parts.remarks.extend(remark::settings(&config));
    }
    if remark::asks_secrets(table) {
        parts.remarks.extend(image.config.secrets().iter().cloned());
    }
    parts.remarks.sort_unstable();
    let sizes: Vec<u64> = layers.iter().map(|layer| layer.size).collect();
    let inventory = inventory(image, config, parts, &sizes, gaps, limits);
    if let (Some(cache), Some(key)) = (cache, whole.filter(|_| sure)) {
        cache.put(&key, &inventory);
    }
    Ok(inventory)
}

/// What was read of the same configuration before. The image need not have its own yet, only its digest.
pub fn known(
    image: &Image,
    table: &[Extractor],
    limits: &Limits,
    cache: &Cache,
) -> Option<Inventory> {
    let kept = cache.get::<Inventory>(&whole_key(image, table, limits)?)?;
    Some(with_source(kept, image))
}

fn whole_key(image: &Image, table: &[Extractor], limits: &Limits) -> Option<Key> {
    Key::new(
        "inventory",
        image.identity.config.as_ref()?,
        "",
        table,
        limits,
    )
}

/// What depends on the source: names, digests of blobs, and what annotations say of the base.
fn with_source(mut inventory: Inventory, image: &Image) -> Inventory {
    inventory.artifact.name = Text::clone(&image.name);
    inventory.artifact.identity = image.identity.clone();
    for (layer, source) in inventory.layers.iter_mut().zip(&image.layers) {
        layer.digest.clone_from(&source.digest);
    }
    if let Some(config) = &inventory.config {
        let bases = of_base(image, config);
        for (layer, of_base) in inventory.layers.iter_mut().zip(bases) {
            layer.of_base = of_base;
        }
    }
    for gap in &mut inventory.gaps {
        gap.scope = scope(&image.name);
    }
    inventory
}

fn scope(name: &str) -> Text {
    format!("image {name}").into()
}

fn of_base(image: &Image, config: &ImageConfig) -> Vec<Option<bool>> {
    let labels = config.labels.iter().map(|(key, _)| &**key);
    let keys = image.annotations.keys().map(|key| &**key).chain(labels);
    let bases = base::by_history(&config.history, base::is_annotated(keys));
    if bases.len() == image.layers.len() {
        bases
    } else {
        vec![None; image.layers.len()]
    }
}

fn inventory(
    image: &Image,
    config: ImageConfig,
    parts: Parts,
    sizes: &[u64],
    gaps: Vec<Gap>,
    limits: &Limits,
) -> Inventory {
    let lines: Vec<&Text> = config
        .history
        .iter()
        .filter(|line| !line.empty)
        .map(|line| &line.created_by)
        .collect();
    // Without one line for each layer nothing says which is whose.
    let fits = lines.len() == image.layers.len();
    let bases = of_base(image, &config);
    let layers = image.layers.iter().zip(bases).enumerate();
    let layers = layers.map(|(at, (layer, of_base))| Layer {
        diff_id: Text::clone(&layer.diff_id),
        digest: layer.digest.clone(),
        created_by: lines
            .get(at)
            .filter(|line| fits && !line.is_empty())
            .map(|line| Text::clone(line)),
        of_base,
        size: sizes.get(at).copied().unwrap_or(0),
    });
    Inventory {
        artifact: artifact(ArtifactKind::Image, &image.name, image, &parts),
        layers: layers.collect(),
        release: parts.release,
        components: parts.components,
        linked: parts.linked,
        config: Some(config),
        remarks: parts.remarks,
        gaps: summed(gaps, &scope(&image.name), limits),
    }
}

fn artifact(kind: ArtifactKind, name: &Text, image: &Image, parts: &Parts) -> Artifact {
    Artifact {
        kind,
        name: Text::clone(name),
        identity: image.identity.clone(),
        os: os(parts),
        object: None,
        container: None,
    }
}

pub(crate) fn os(parts: &Parts) -> Option<OsRelease> {
    let release = parts.release.as_ref()?;
    Some(OsRelease {
        id: Text::clone(&release.id),
        version: Text::clone(&release.version),
        end_of_life: None,
    })
}

/// Gaps of one artifact: ordered, each once, and counted where there are too many to list.
pub(crate) fn summed(mut gaps: Vec<Gap>, scope: &Text, limits: &Limits) -> Vec<Gap> {
    for gap in &mut gaps {
        gap.scope = Text::clone(scope);
    }
    gaps.sort_unstable_by(|a, b| (&a.class, &a.what, a.weight).cmp(&(&b.class, &b.what, b.weight)));
    gaps.dedup();
    let over = gaps.len().saturating_sub(limits.gaps);
    if over > 0 {
        gaps.truncate(limits.gaps);
        let mut more = gap("image-limit", format!("{over} more gaps of this artifact"));
        more.scope = Text::clone(scope);
        gaps.push(more);
    }
    gaps
}

struct Reader<'a> {
    image: &'a Image,
    table: &'a [Extractor],
    limits: &'a Limits,
    cache: Option<&'a Cache>,
}

/// What came of one layer.
struct Outcome {
    facts: LayerFacts,
    /// Its digests were checked.
    sure: bool,
}

/// What files say under other names, with their layers; gaps; whether all of it is sure.
type Rereads = (Vec<(u32, Reread)>, Vec<Gap>, bool);
type Slot = Option<Result<Outcome, ImageError>>;

impl Reader<'_> {
    /// Facts of all layers, empty for those that could not be opened; gaps; whether all of it is sure.
    fn layers(&self) -> Result<(Vec<LayerFacts>, Vec<Gap>, bool), ImageError> {
        let mut gaps = Vec::new();
        let mut sure = true;
        let all = &self.image.layers;
        let layers = all.get(..self.limits.layers).unwrap_or(all);
        if layers.len() < all.len() {
            sure = false;
            let what = format!(
                "the image has {} layers, of which the lowest {} were read",
                all.len(),
                layers.len()
            );
            gaps.push(gap("image-limit", what));
        }
        let mut spent = Budget::default();
        let mut facts = Vec::with_capacity(all.len());
        for (at, slot) in self.in_order(layers).into_iter().enumerate() {
            let outcome = match slot {
                Some(outcome) => Some(outcome?).filter(|outcome| spent.take(outcome, self.limits)),
                None => None,
            };
            let Some(outcome) = outcome else {
                sure = false;
                let what = format!(
                    "{}: layer {} and those above it were not read",
                    spent.over(self.limits),
                    at + 1
                );
                gaps.push(gap("image-limit", what));
                break;
            };
            sure &= outcome.sure;
            facts.push(outcome.facts);
        }
        facts.resize_with(all.len(), LayerFacts::default);
        Ok((facts, gaps, sure))
    }

    /// Reads layers on all cores, started from the lowest up, until those read are over the limits of an image.
    fn in_order(&self, layers: &[LayerSource]) -> Vec<Slot> {
        let next = AtomicUsize::new(0);
        let spent = [AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0)];
        let most = [
            self.limits.entries,
            self.limits.names,
            self.limits.statements,
        ];
        let workers = rayon::current_num_threads().min(layers.len());
        let worker = |_| {
            let mut done = Vec::new();
            loop {
                let over = spent
                    .iter()
                    .zip(most)
                    .any(|(spent, most)| spent.load(Ordering::Relaxed) > most);
                let at = next.fetch_add(1, Ordering::Relaxed);
                let Some(layer) = layers.get(at).filter(|_| !over) else {
                    return done;
                };
                let outcome = self.layer(layer);
                if let Ok(outcome) = &outcome {
                    let own = outcome.facts.spent;
                    for (spent, own) in spent.iter().zip([own.entries, own.names, own.statements]) {
                        spent.fetch_add(own, Ordering::Relaxed);
                    }
                }
                done.push((at, outcome));
            }
        };
        let done: Vec<Vec<_>> = (0..workers).into_par_iter().map(worker).collect();
        let mut slots: Vec<Slot> = layers.iter().map(|_| None).collect();
        for (at, outcome) in done.into_iter().flatten() {
            if let Some(slot) = slots.get_mut(at) {
                *slot = Some(outcome);
            }
        }
        slots
    }

    fn layer(&self, layer: &LayerSource) -> Result<Outcome, ImageError> {
        let key = Key::new("layer", &layer.diff_id, "", self.table, self.limits);
        if let (Some(cache), Some(key)) = (self.cache, &key)
            && let Some(facts) = cache.get(key)
        {
            return Ok(Outcome { facts, sure: true });
        }
        let (facts, sure) = self.stream(layer, |blob| walk(blob, self.table, self.limits))?;
        let facts = match facts {
            Ok(facts) => facts,
            Err(gap) => LayerFacts {
                gaps: vec![LayerGap { entry: None, gap }],
                ..LayerFacts::default()
            },
        };
        if let (Some(cache), Some(key)) = (self.cache, key.filter(|_| sure)) {
            cache.put(&key, &facts);
        }
        Ok(Outcome { facts, sure })
    }

    /// Opens a layer, uses its stream, and compares its digests. A layer that cannot be opened is a gap.
    fn stream<T>(
        &self,
        layer: &LayerSource,
        work: impl FnOnce(&mut Blob<Box<dyn std::io::Read + Send>>) -> (T, bool),
    ) -> Result<(Result<T, Gap>, bool), ImageError> {
        let said = Said {
            diff_id: &layer.diff_id,
            digest: layer.digest.as_deref(),
        };
        let opened = layer.open.open();
        let mut blob = match opened.and_then(|inner| Blob::new(inner, said, self.limits)) {
            Ok(blob) => blob,
            Err(error) => {
                let what = format!(
                    "layer {} cannot be read: {}",
                    layer.diff_id,
                    with_causes(&error)
                );
                return Ok((Err(gap("image-unreadable", what)), false));
            }
        };
        let (value, on) = work(&mut blob);
        let sure = on
            && blob
                .finish(said)
                .map_err(|mismatch| self.forged(layer, mismatch))?;
        Ok((Ok(value), sure))
    }

    fn forged(&self, layer: &LayerSource, mismatch: Mismatch) -> ImageError {
        ImageError::Digest {
            what: format!(
                "the {} of layer {} of {}",
                mismatch.part, layer.diff_id, self.image.name
            ),
            expected: mismatch.expected.to_string(),
            found: mismatch.found,
        }
    }

    /// Reads files under other names: what they say there, with their layers.
    fn again(&self, again: &[Again]) -> Result<Rereads, ImageError> {
        let mut all = (Vec::new(), Vec::new(), true);
        for files in again.chunk_by(|a, b| a.spot.layer == b.spot.layer) {
            let Some(at) = files.first().map(|file| file.spot.layer) else {
                continue;
            };
            let Some(layer) = self.image.layers.get(at as usize) else {
                continue;
            };
            let names: Vec<(u32, Text)> = files
                .iter()
                .map(|file| (file.spot.entry, Text::clone(&file.path)))
                .collect();
            let (rereads, gaps, sure) = self.again_in(layer, &names)?;
            all.0.extend(rereads.into_iter().map(|reread| (at, reread)));
            all.1.extend(gaps);
            all.2 &= sure;
        }
        Ok(all)
    }

    fn again_in(
        &self,
        layer: &LayerSource,
        names: &[(u32, Text)],
    ) -> Result<(Vec<Reread>, Vec<Gap>, bool), ImageError> {
        let list = digest::sha256(format!("{names:?}").as_bytes());
        let key = Key::new("again", &layer.diff_id, &list, self.table, self.limits);
        if let (Some(cache), Some(key)) = (self.cache, &key)
            && let Some((rereads, gaps)) = cache.get::<(Vec<Reread>, Vec<Gap>)>(key)
        {
            return Ok((rereads, gaps, true));
        }
        let (read, sure) = self.stream(layer, |blob| {
            let (rereads, gaps, on) = reread(blob, names, self.table, self.limits);
            let gaps: Vec<Gap> = gaps.into_iter().map(|gap| gap.gap).collect();
            ((rereads, gaps), on)
        })?;
        let (rereads, gaps) = match read {
            Ok(read) => read,
            Err(gap) => (Vec::new(), vec![gap]),
        };
        if let (Some(cache), Some(key)) = (self.cache, key.filter(|_| sure)) {
            cache.put(&key, &(&rereads, &gaps));
        }
        Ok((rereads, gaps, sure))
    }
}

/// What the layers of an image take together, counted from the lowest up.
#[derive(Default)]
struct Budget {
    entries: u64,
    names: u64,
    statements: u64,
}

impl Budget {
    /// Which limit was passed, as a sentence without its end.
    fn over(&self, limits: &Limits) -> String {
        let (what, most) = if self.names > limits.names {
            ("bytes of names", limits.names)
        } else if self.statements > limits.statements {
            ("facts", limits.statements)
        } else {
            ("entries", limits.entries)
        };
        format!("the image has more than {most} {what}")
    }

    /// Whether the layer still fits. The first always does: it was cut at the same limits while it was read.
    fn take(&mut self, outcome: &Outcome, limits: &Limits) -> bool {
        let own = outcome.facts.spent;
        let first = self.entries == 0;
        self.entries += own.entries;
        self.names += own.names;
        self.statements += own.statements;
        first
            || (self.entries <= limits.entries
                && self.names <= limits.names
                && self.statements <= limits.statements)
    }
}
