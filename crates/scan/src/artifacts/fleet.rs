//! Many images of registries, each once. Comes in: orders: names, the digest that runs, a platform. Goes out: inventories,
//! and for every order that gave none why. Asks a host that does not answer once, not for each image. Never: more images
//! at a time than the machine has use for, longer at one than it is given, an image that was cut taken for a whole one.

use super::Options;
use image::registry::{Class, Client, RegistryError};
use image::{Image, ImageError, Limits, Opener, Platform};
use model::evidence::Gap;
use model::image::ImageReference;
use model::inventory::Inventory;
use model::text::Text;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

pub use cluster::live::{PullSecret, SecretName};

/// Requests for manifests at a time: they wait more than they work.
const ASKED_AT_ONCE: usize = 16;
/// Images whose layers are read at a time, beside one for each core.
const MORE_IMAGES: usize = 2;
/// Layers that are read at a time, for each core: one inflates while another waits for the network.
const LAYERS_PER_CORE: usize = 2;
/// Broken answers of a host in a row after which it is not asked again.
const BROKEN: u32 = 2;

/// An image that is wanted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Order {
    /// As it is called in what is said: `docker.io/library/nginx:1.25`.
    pub name: Text,
    /// Where it may be had, asked in this order.
    pub places: Vec<ImageReference>,
    /// The digest that runs, of a manifest, an index or a configuration: another build does not do.
    pub runs: Option<Text>,
    /// Names that are joined to it where nobody says a digest.
    pub names: Vec<ImageReference>,
    /// `None`: this machine's, else the first that is there.
    pub platform: Option<Platform>,
    /// Scopes of the gaps that speak of it, the first is its own: `image nginx:1.25`.
    pub scopes: Vec<Text>,
    /// Pull secrets that may open it.
    pub secrets: BTreeSet<SecretName>,
}

/// Why an order gave nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    pub class: Class,
    /// Its time was over.
    pub late: bool,
    /// Of the registry that decided.
    pub host: Text,
    /// A sentence without a full stop.
    pub reason: String,
    /// What mends it; empty where nothing is known.
    pub close: String,
    /// What it is instead of an image.
    pub kind: Option<String>,
}

/// What came of the orders.
#[derive(Debug, Default)]
pub struct Fleet {
    /// Ordered as the orders are, each distinct image once.
    pub inventories: Vec<Inventory>,
    /// Orders that gave nothing, in their order.
    pub refused: Vec<(Order, Refusal)>,
}

/// What a command gets of it.
#[derive(Debug, Default)]
pub struct Scanned {
    pub inventories: Vec<Inventory>,
    pub gaps: Vec<Gap>,
    /// Scopes of images of which a gap says why they were not scanned.
    pub spoken_of: BTreeSet<Text>,
}

/// How images are read.
pub struct Fetching<'a> {
    pub options: &'a Options,
    /// For the layers of one image.
    pub time: Duration,
    /// Told what is at work: how many are done, of how many, a name.
    pub progress: &'a (dyn Fn(&str) + Sync),
}

/// How images are had.
pub(super) struct Way<'a> {
    pub(super) client: &'a Client,
    pub(super) secrets: &'a [PullSecret],
    pub(super) fetching: &'a Fetching<'a>,
}

/// Fetches and reads what is ordered.
pub(super) fn fetch(orders: Vec<Order>, way: &Way<'_>) -> Fleet {
    let hosts = Hosts::default();
    let resolver = Resolver {
        way,
        hosts: &hosts,
        clients: Mutex::default(),
    };
    let mut fleet = Fleet::default();
    let mut images: Vec<(Vec<Order>, Image)> = Vec::new();
    let mut known: BTreeMap<Text, usize> = BTreeMap::new();
    for (order, outcome) in resolver.all(orders) {
        match outcome {
            Ok(image) => {
                let digest = image.identity.manifests.first().cloned();
                let first = digest.as_ref().and_then(|digest| known.get(digest));
                if let Some((orders, first)) = first.and_then(|at| images.get_mut(*at)) {
                    unite(first, &image);
                    orders.push(order);
                } else {
                    known.extend(digest.map(|digest| (digest, images.len())));
                    images.push((vec![order], image));
                }
            }
            Err(refusal) => fleet.refused.push((order, refusal)),
        }
    }
    name(&mut images);
    for (orders, outcome) in read(images, way) {
        match outcome {
            Ok(inventory) => fleet.inventories.push(inventory),
            Err(refusal) => fleet
                .refused
                .extend(orders.into_iter().map(|order| (order, refusal.clone()))),
        }
    }
    fleet.refused.sort_by(|(a, _), (b, _)| a.cmp(b));
    fleet
}

/// The same image under another name, perhaps of another index.
fn unite(first: &mut Image, same: &Image) {
    let (into, from) = (&mut first.identity, &same.identity);
    into.indexes.extend(from.indexes.iter().cloned());
    into.indexes.sort_unstable();
    into.indexes.dedup();
    into.references.extend(from.references.iter().cloned());
}

/// Images are called as their first order calls them; two builds under one name are told apart by their digests.
fn name(images: &mut [(Vec<Order>, Image)]) {
    let mut names: BTreeMap<Text, usize> = BTreeMap::new();
    for (orders, image) in images.iter_mut() {
        if let Some(first) = orders.first() {
            image.name = Text::clone(&first.name);
        }
        let known = orders.iter().flat_map(|order| &order.names).cloned();
        image.identity.references.extend(known);
        image.identity.references.sort_unstable();
        image.identity.references.dedup();
        *names.entry(Text::clone(&image.name)).or_default() += 1;
    }
    for (_, image) in images {
        let several = names.get(&image.name).is_some_and(|number| *number > 1);
        if let (true, Some(digest)) = (
            several && !image.name.contains('@'),
            image.identity.manifests.first(),
        ) {
            image.name = format!("{}@{digest}", image.name).into();
        }
    }
}

// ---- Hosts: a registry that does not answer is asked once

#[derive(Default)]
struct Hosts(Mutex<BTreeMap<Text, Host>>);

#[derive(Default)]
struct Host {
    broken_in_a_row: u32,
    given_up: Option<Refusal>,
}

impl Hosts {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<Text, Host>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn given_up(&self, host: &str) -> Option<Refusal> {
        self.lock().get(host)?.given_up.clone()
    }

    fn answered(&self, host: &Text) {
        self.lock()
            .entry(Text::clone(host))
            .or_default()
            .broken_in_a_row = 0;
    }

    /// `first`: it is the first that is asked of this host, so nobody ever reached it.
    fn refused(&self, host: &Text, refusal: &Refusal, first: bool) {
        let mut hosts = self.lock();
        let known = hosts.entry(Text::clone(host)).or_default();
        match refusal.class {
            Class::RateLimit => known.given_up = Some(refusal.clone()),
            Class::Network => {
                known.broken_in_a_row += 1;
                if first || known.broken_in_a_row >= BROKEN {
                    known.given_up = Some(refusal.clone());
                }
            }
            _ => known.broken_in_a_row = 0,
        }
    }
}

// ---- Manifests and configurations

struct Resolver<'a> {
    way: &'a Way<'a>,
    hosts: &'a Hosts,
    /// By the secrets that they know.
    clients: Mutex<BTreeMap<BTreeSet<SecretName>, Client>>,
}

impl Resolver<'_> {
    /// First one image of each host, then the others of the hosts that answer. In the order of the orders.
    fn all(&self, mut orders: Vec<Order>) -> Vec<(Order, Result<Image, Refusal>)> {
        orders.sort();
        orders.dedup();
        let mut seen: BTreeSet<Text> = BTreeSet::new();
        let host = |order: &Order| {
            order
                .places
                .first()
                .map(|place| Text::clone(&place.registry))
        };
        let (first, others): (Vec<Order>, Vec<Order>) = orders
            .into_iter()
            .partition(|order| host(order).is_some_and(|host| seen.insert(host)));
        let all = first.len() + others.len();
        let done = AtomicUsize::new(0);
        let ask = |order: Order, first: bool| {
            let at = done.fetch_add(1, Ordering::Relaxed) + 1;
            (self.way.fetching.progress)(&format!(
                "asking for image {at} of {all}: {}",
                order.name
            ));
            let outcome = self.one(&order, first);
            (order, outcome)
        };
        let mut outcomes = parallel(first, ASKED_AT_ONCE, |order| ask(order, true));
        outcomes.extend(parallel(others, ASKED_AT_ONCE, |order| ask(order, false)));
        outcomes.sort_by(|(a, _), (b, _)| a.cmp(b));
        outcomes
    }

    /// Of the first place that has it. What the first place says counts where none has it.
    fn one(&self, order: &Order, first: bool) -> Result<Image, Refusal> {
        let client = self.client(&order.secrets);
        let mut refused: Option<Refusal> = None;
        for (at, place) in order.places.iter().enumerate() {
            let refusal = match self.hosts.given_up(&place.registry) {
                Some(refusal) => refusal,
                None => match image_at(&client, place, order) {
                    Ok(image) => {
                        self.hosts.answered(&place.registry);
                        match &order.runs {
                            Some(runs) if !is_build(&image, runs) => moved(order, place),
                            _ => return Ok(image),
                        }
                    }
                    Err(error) => {
                        let refusal = Refusal::of(&error, &place.registry);
                        self.hosts
                            .refused(&place.registry, &refusal, first && at == 0);
                        refusal
                    }
                },
            };
            refused.get_or_insert(refusal);
        }
        Err(refused.unwrap_or_else(|| Refusal {
            class: Class::Usage,
            late: false,
            host: "".into(),
            reason: "nothing says where it is".into(),
            close: String::new(),
            kind: None,
        }))
    }

    fn client(&self, names: &BTreeSet<SecretName>) -> Client {
        let secrets = self.way.secrets.iter();
        let secrets: Vec<&PullSecret> = secrets.filter(|one| names.contains(&one.name)).collect();
        if secrets.is_empty() {
            return self.way.client.clone();
        }
        let known: BTreeSet<SecretName> = secrets.iter().map(|one| one.name.clone()).collect();
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        let make = || {
            let secrets = secrets.iter();
            let secrets: Vec<(String, Vec<u8>)> = secrets
                .map(|one| (one.name.to_string(), one.content.clone()))
                .collect();
            self.way.client.with_secrets(&secrets)
        };
        clients.entry(known).or_insert_with(make).clone()
    }
}

/// Where nobody asked for a platform, and the image is of others only, the first of these.
fn image_at(
    client: &Client,
    place: &ImageReference,
    order: &Order,
) -> Result<Image, RegistryError> {
    let outcome = client.image(place, order.platform.as_ref());
    let Err(RegistryError::Image(ImageError::Platform { there, .. })) = &outcome else {
        return outcome;
    };
    let other = there.split(", ").next().and_then(Platform::parse);
    match other.filter(|_| order.platform.is_none()) {
        Some(other) => client.image(place, Some(&other)),
        None => outcome,
    }
}

/// Whether `digest` is one of the image's.
fn is_build(image: &Image, digest: &str) -> bool {
    let identity = &image.identity;
    let all = identity.manifests.iter().chain(&identity.indexes);
    all.chain(&identity.config).any(|known| **known == *digest)
}

fn moved(order: &Order, place: &ImageReference) -> Refusal {
    Refusal {
        class: Class::NotFound,
        late: false,
        host: Text::clone(&place.registry),
        reason: format!(
            "{} has another build under {place} than the one that runs ({})",
            place.registry,
            order.runs.as_deref().unwrap_or("not known")
        ),
        close: String::new(),
        kind: None,
    }
}

impl Refusal {
    pub(super) fn of(error: &RegistryError, host: &Text) -> Self {
        let kind = match error {
            RegistryError::Artifact { kind, .. } => Some(kind.clone()),
            _ => None,
        };
        // Of a way that does not lead there, only its end is worth reading.
        let reason = match error.class() {
            Class::Network => error.cause(),
            _ => error.reason(),
        };
        Refusal {
            class: error.class(),
            late: false,
            host: error.host().map_or_else(|| Text::clone(host), Into::into),
            reason,
            close: error.close(),
            kind,
        }
    }
}

// ---- Layers

fn read(
    images: Vec<(Vec<Order>, Image)>,
    way: &Way<'_>,
) -> Vec<(Vec<Order>, Result<Inventory, Refusal>)> {
    let cores = std::thread::available_parallelism().map_or(2, usize::from);
    let layers = rayon::ThreadPoolBuilder::new()
        .num_threads(cores * LAYERS_PER_CORE)
        .build();
    let Fetching {
        options,
        time,
        progress,
    } = way.fetching;
    let (table, cache, limits) = (options.table(), options.kept(), Limits::default());
    let all = images.len();
    let done = AtomicUsize::new(0);
    let one = |mut image: Image| {
        let at = done.fetch_add(1, Ordering::Relaxed) + 1;
        progress(&format!("reading image {at} of {all}: {}", image.name));
        let late = bound(&mut image, *time);
        let read = || image::read(&image, &table, &limits, cache.as_ref());
        let outcome = match &layers {
            Ok(pool) => pool.install(read),
            Err(_) => read(),
        };
        if late.load(Ordering::Relaxed) {
            return Err(overdue(&image, *time));
        }
        outcome.map_err(|error| Refusal {
            class: Class::Content,
            late: false,
            host: host_of(&image),
            reason: told(&error),
            close: String::new(),
            kind: None,
        })
    };
    parallel(images, cores + MORE_IMAGES, |(orders, image)| {
        (orders, one(image))
    })
}

fn host_of(image: &Image) -> Text {
    let first = image.identity.references.first();
    first.map_or_else(|| "".into(), |reference| Text::clone(&reference.registry))
}

fn overdue(image: &Image, time: Duration) -> Refusal {
    Refusal {
        class: Class::Network,
        late: true,
        host: host_of(image),
        reason: format!("its layers did not come within {} s", time.as_secs()),
        close: format!("--image-timeout {}m", (time.as_secs() / 60 + 1) * 3),
        kind: None,
    }
}

/// An error and its sources on one line.
fn told(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(": ");
        text.push_str(&error.to_string());
        source = error.source();
    }
    text
}

/// Gives all layers together a time from now; the flag is set when it is over.
fn bound(image: &mut Image, time: Duration) -> Arc<AtomicBool> {
    let late = Arc::new(AtomicBool::new(false));
    let until = Instant::now() + time;
    for layer in &mut image.layers {
        let (open, late) = (layer.open.clone(), Arc::clone(&late));
        layer.open = Opener::Stream(Arc::new(move || {
            let mut timed = Timed {
                stream: Box::new(io::empty()),
                until,
                late: Arc::clone(&late),
            };
            timed.in_time()?;
            timed.stream = open.open()?;
            Ok(Box::new(timed) as Box<dyn Read + Send>)
        }));
    }
    late
}

struct Timed {
    stream: Box<dyn Read + Send>,
    until: Instant,
    late: Arc<AtomicBool>,
}

impl Timed {
    fn in_time(&self) -> io::Result<()> {
        if Instant::now() < self.until {
            return Ok(());
        }
        self.late.store(true, Ordering::Relaxed);
        Err(io::Error::new(io::ErrorKind::TimedOut, "its time is over"))
    }
}

impl Read for Timed {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.in_time()?;
        self.stream.read(into)
    }
}

/// Each item on one of at most `threads` threads; results in the items' order.
fn parallel<T: Send, R: Send>(
    items: Vec<T>,
    threads: usize,
    work: impl Fn(T) -> R + Sync,
) -> Vec<R> {
    let threads = threads.min(items.len());
    let queue = Mutex::new(items.into_iter().enumerate());
    let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).next();
    let mut done: Vec<(usize, R)> = std::thread::scope(|scope| {
        let worker = || {
            let mut done = Vec::new();
            while let Some((at, item)) = next() {
                done.push((at, work(item)));
            }
            done
        };
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(worker)).collect();
        let done = workers.into_iter().map(std::thread::ScopedJoinHandle::join);
        let done = done.map(|done| done.unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        done.flatten().collect()
    });
    done.sort_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_keep_their_order() {
        for threads in [1, 3, 200] {
            let doubled = parallel((0..100).collect(), threads, |n: i32| n * 2);
            assert_eq!(doubled, (0..100).map(|n| n * 2).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_host_is_given_up_as_soon_as_it_is_sure() {
        let check = |class: Class, first: bool, times: u32, expected: bool| {
            let hosts = Hosts::default();
            let refusal = Refusal {
                class,
                late: false,
                host: "h".into(),
                reason: String::new(),
                close: String::new(),
                kind: None,
            };
            for _ in 0..times {
                hosts.refused(&"h".into(), &refusal, first);
            }
            let given_up = hosts.given_up("h").is_some();
            assert_eq!(given_up, expected, "{class:?} {first} {times}");
        };
        check(Class::Network, true, 1, true);
        check(Class::Network, false, 1, false);
        check(Class::Network, false, 2, true);
        check(Class::RateLimit, false, 1, true);
        check(Class::Auth, true, 5, false);
        check(Class::NotFound, true, 5, false);
        let hosts = Hosts::default();
        assert!(hosts.given_up("other").is_none());
    }
}
