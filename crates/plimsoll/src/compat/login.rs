//! One login for one registry, given in the other tool's way. Goes out: a private file in the form that registries'
//! credentials are read in, which is gone when the run is over. Never: printed, kept.

use serde_json::json;
use std::fmt;
use std::io::Write as _;

#[derive(Clone, PartialEq, Eq)]
pub(super) enum Login {
    Password {
        user: String,
        password: String,
    },
    /// A bearer token.
    Token(String),
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Login")
    }
}

/// The file, mode 0600; dropping it removes it.
pub(super) fn file(login: &Login, host: &str) -> std::io::Result<tempfile::NamedTempFile> {
    let entry = match login {
        Login::Password { user, password } => json!({"username": user, "password": password}),
        Login::Token(token) => json!({"registrytoken": token}),
    };
    let mut file = tempfile::Builder::new()
        .prefix("plimsoll-login-")
        .suffix(".json")
        .tempfile()?;
    file.write_all(json!({"auths": {host: entry}}).to_string().as_bytes())?;
    file.flush()?;
    Ok(file)
}
