//! The mover as it runs in two pods: two processes, two volumes, a connection between them. Nothing stands for anything here.
#![cfg(target_os = "linux")]
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test fails by panicking, and says what it skips"
)]

mod support;

mod fidelity;
mod interruptions;
mod orders;
mod passes;
mod privileges;
mod strangers;
