//! The one integration binary.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
#![expect(clippy::too_many_lines, reason = "screens stand beside what makes them")]

mod architecture;
mod commands;
mod completion;
mod connections;
mod crashes;
mod documents;
mod equals;
mod journals;
mod krew;
mod lists;
mod offline;
mod screens;
mod support;
mod wire;
mod writes;
