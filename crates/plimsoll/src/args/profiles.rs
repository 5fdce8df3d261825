//! Which checks are asked for by name.

use clap::Args;
use scan::profiles::Profile;

#[derive(Debug, Default, Args)]
#[group(skip)]
pub(crate) struct Profiles {
    /// Give the findings of this standard only: pss-baseline, pss-restricted (may be repeated); --kubernetes-version
    /// says which version of it
    #[arg(long = "profile", value_name = "NAME", num_args = 1, value_parser = profile,
        conflicts_with_all = ["reports", "images"])]
    pub(crate) names: Vec<Profile>,
}

fn profile(text: &str) -> Result<Profile, String> {
    text.parse::<Profile>().map_err(|error| error.to_string())
}
