//! A line of progress on a terminal, nothing elsewhere.

use crate::settings::Settings;

pub(super) struct Progress(Option<indicatif::ProgressBar>);

impl Progress {
    pub(super) fn start(settings: &Settings) -> Self {
        Progress(settings.terminal.progress.then(|| {
            let bar = indicatif::ProgressBar::new_spinner();
            bar.enable_steady_tick(std::time::Duration::from_millis(120));
            bar
        }))
    }

    pub(super) fn say(&self, what: &str) {
        if let Some(bar) = &self.0 {
            // Names come from clusters and registries.
            bar.set_message(report::terminal::escape(what));
        }
    }

    pub(super) fn done(self) {
        if let Some(bar) = self.0 {
            bar.finish_and_clear();
        }
    }
}
