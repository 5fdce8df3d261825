//! Which checks are asked for by name.

use clap::Args;
use scan::profiles::Profile;

#[derive(Debug, Default, Args)]
#[group(skip)]
pub(crate) struct Profiles {
    /// Give the findings of these checks only (may be repeated): pss-baseline, pss-restricted, configuration, nsa, mitre,
    /// owasp, cis-1.12, a family as rbac, or one check by its name; --kubernetes-version says which version
    #[arg(long = "profile", value_name = "NAME", num_args = 1, value_parser = profile,
        conflicts_with_all = ["reports", "images"])]
    pub(crate) names: Vec<Profile>,
}

fn profile(text: &str) -> Result<Profile, String> {
    text.parse::<Profile>().map_err(|error| error.to_string())
}
