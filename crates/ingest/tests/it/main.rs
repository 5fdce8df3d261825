//! The importer from outside: what each format's documents become, and what damaged ones say.

#[cfg(test)]
mod cluster_formats;
#[cfg(test)]
mod count;
#[cfg(test)]
mod damage;
#[cfg(test)]
mod formats;
#[cfg(test)]
mod paths;
#[cfg(test)]
mod robustness;
#[cfg(test)]
mod sbom;
