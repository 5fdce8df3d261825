//! CP: flags and files of the control plane.

mod api_server;
mod files;
mod others;

pub(crate) use api_server::RULES as API_SERVER;
pub(crate) use files::RULES as FILES;
pub(crate) use others::RULES as OTHERS;
