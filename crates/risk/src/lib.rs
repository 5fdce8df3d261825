//! The score and the queue (architecture section 7).
//! Comes in: an Assessment with likelihoods, situations and findings; goes out: the same Assessment with
//! scores, findings in order, and actions. It must never do I/O, know the graph, or read a clock.
//!
//! R = L x E x B x A. `scale` maps R to points, `delivery` gives E, `place` what a container's position
//! gives, `score` composes and explains, `order` sorts, `queue` values actions.

mod bte;
mod deadline;
mod delivery;
mod kernel;
mod order;
mod place;
mod queue;
mod scale;
mod score;
mod ssvc;
mod subject;

pub use delivery::Loaded;
pub use queue::{BaseStep, MeasuredBase};
pub use scale::{Band, SMALLEST_RISK, band};

use model::assessment::Assessment;
use model::text::{Interner, Text};

/// What the user may set; the defaults are the stated priors of architecture section 7.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// So many actions are ordered exactly, each valued after those before it; the rest by its first value.
    pub queue_limit: usize,
    /// P(a listening container falls within 90 days by something that no finding names).
    pub base_rate: f64,
    /// The same for one that does not listen: supply chain and stolen credentials.
    pub idle_rate: f64,
    /// P(a credential that is held outside of pods is stolen within 90 days).
    pub credential_rate: f64,
    /// Repositories, or beginnings of them up to a `/`, that the user builds himself, e.g. `ghcr.io/shop`; all others are
    /// someone else's. `None`: nobody said it, and the registry decides.
    pub own_images: Option<Vec<Text>>,
    /// Newer bases of images that were scanned for them.
    pub bases: Vec<MeasuredBase>,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            queue_limit: 100,
            base_rate: 1e-3,
            idle_rate: 1e-4,
            credential_rate: 1e-4,
            own_images: None,
            bases: Vec::new(),
        }
    }
}

/// Fills `scores` and `findings[*].scores`, puts the findings in order and builds `actions`.
/// What was there before is replaced. The order in which findings came in does not matter.
pub fn rank(assessment: &mut Assessment, settings: &Settings) {
    let mut texts = Interner::default();
    let places = place::Places::of(assessment, &mut texts);
    let subjects = subject::Subjects::of(assessment);
    let inside = score::inside(assessment, &places, &subjects, settings);
    score::fill(assessment, &places, &subjects, &inside, &mut texts);
    order::sort(assessment);
    // The order changed: the indices of the findings are new.
    let subjects = subject::Subjects::of(assessment);
    assessment.actions = queue::build(assessment, &places, &subjects, settings);
}
