//! What can go wrong between here and a registry, in words that say what was tried and what to do next. Never: holds a
//! credential.

use crate::ImageError;
use std::path::PathBuf;

#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// The registry, or the service that gives its tokens, lets nobody in whom we know.
    #[error("{status} from {host} for {what}{tried}: {advice}")]
    Auth {
        status: u16,
        host: String,
        what: String,
        /// Empty, or what was tried, in brackets.
        tried: String,
        advice: String,
    },
    #[error("{host} has no {what}, or shows it only after a login")]
    NotFound { host: String, what: String },
    /// 429, or 503 with a time to wait, for longer than we wait.
    #[error("{host} limits how much is fetched, asking for {what}{wait}: {advice}")]
    RateLimit {
        host: String,
        what: String,
        /// Empty, or how long it asks to wait.
        wait: String,
        advice: String,
    },
    #[error("{status} from {host} for {what}{said}")]
    Status {
        status: u16,
        host: String,
        what: String,
        /// Empty, or the registry's own words.
        said: String,
    },
    /// No answer, or a cut one, as often as was tried.
    #[error("cannot fetch {what} from {host}{hint}")]
    Network {
        host: String,
        what: String,
        /// Empty, or what would help.
        hint: String,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// An answer that breaks a rule of ours or of the protocol.
    #[error("{host} answers for {what} {why}")]
    Answer {
        host: String,
        what: String,
        why: String,
    },
    /// A chart, a signature, a module: nothing that has a root file system.
    #[error("{what} is no image but {kind}")]
    Artifact { what: String, kind: String },
    #[error(transparent)]
    Image(#[from] ImageError),
    #[error("{what}: {why}")]
    Usage { what: String, why: String },
    #[error("cannot use {path} for credentials or certificates: {why}")]
    File { path: PathBuf, why: String },
    #[error("no mirror helped ({mirrors}), nor did the registry")]
    Mirrors {
        mirrors: String,
        #[source]
        source: Box<RegistryError>,
    },
}

/// What a gap is called, and whether another try could help.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// A login helps.
    Auth,
    NotFound,
    /// Waiting or a mirror helps.
    RateLimit,
    /// Trying again may help.
    Network,
    /// Not an image: nothing to scan, nothing missing.
    Artifact,
    /// What came is not what was promised: damage, forgery, or a platform that is not there.
    Content,
    /// What was asked for cannot be: a reference, an option, a file of ours.
    Usage,
}

impl Class {
    /// The class of the gap where an image could not be had.
    pub fn gap(self) -> &'static str {
        match self {
            Class::Auth => "image-login-needed",
            Class::NotFound => "image-not-found",
            Class::RateLimit => "registry-rate-limit",
            Class::Network => "registry-unreachable",
            Class::Artifact => "not-an-image",
            Class::Content => "image-unreadable",
            Class::Usage => "image-not-asked",
        }
    }
}

impl RegistryError {
    pub fn class(&self) -> Class {
        match self {
            RegistryError::Auth { .. } => Class::Auth,
            RegistryError::NotFound { .. } => Class::NotFound,
            RegistryError::RateLimit { .. } => Class::RateLimit,
            RegistryError::Status { status, .. } if *status >= 500 => Class::Network,
            RegistryError::Network { .. } => Class::Network,
            RegistryError::Artifact { .. } => Class::Artifact,
            RegistryError::Status { .. }
            | RegistryError::Answer { .. }
            | RegistryError::Image(_) => Class::Content,
            RegistryError::Usage { .. } | RegistryError::File { .. } => Class::Usage,
            RegistryError::Mirrors { source, .. } => source.class(),
        }
    }

    /// The whole sentence with its sources, as a gap says it.
    pub fn told(&self) -> String {
        let mut text = self.to_string();
        let mut source = std::error::Error::source(self);
        while let Some(error) = source {
            let next = error.to_string();
            if !next.is_empty() && !text.ends_with(&next) {
                text.push_str(": ");
                text.push_str(&next);
            }
            source = error.source();
        }
        text
    }

    /// As [`RegistryError::told`], without what [`RegistryError::close`] says.
    pub fn reason(&self) -> String {
        let told = self.told();
        let close = self.close();
        match told.strip_suffix(&close) {
            Some(reason) if !close.is_empty() => {
                reason.trim_end_matches([':', ';', ' ']).to_owned()
            }
            _ => told,
        }
    }

    /// Only the innermost source: `connection refused`. The sentence itself where there is none.
    pub fn cause(&self) -> String {
        if let RegistryError::Mirrors { source, .. } = self {
            return source.cause();
        }
        let mut cause: &dyn std::error::Error = self;
        while let Some(source) = cause.source() {
            cause = source;
        }
        let text = cause.to_string();
        // What was not reached before is told by its whole chain.
        text.rsplit(": ").next().unwrap_or(&text).to_owned()
    }

    /// The registry that it is about, where it is about one.
    pub fn host(&self) -> Option<&str> {
        match self {
            RegistryError::Auth { host, .. }
            | RegistryError::NotFound { host, .. }
            | RegistryError::RateLimit { host, .. }
            | RegistryError::Status { host, .. }
            | RegistryError::Network { host, .. }
            | RegistryError::Answer { host, .. } => Some(host),
            RegistryError::Mirrors { source, .. } => source.host(),
            _ => None,
        }
    }

    /// The command that mends it, for [`model::evidence::Gap::close`]; empty where none is known.
    pub fn close(&self) -> String {
        match self {
            RegistryError::Auth { advice, .. } | RegistryError::RateLimit { advice, .. } => {
                advice.clone()
            }
            RegistryError::Mirrors { source, .. } => source.close(),
            RegistryError::Network { hint, .. } => hint.trim_start_matches("; ").to_owned(),
            _ => String::new(),
        }
    }
}
