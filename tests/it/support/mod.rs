//! What several tests need.

pub(crate) mod double;
pub(crate) mod program;
pub(crate) mod reports;
pub(crate) mod server;
