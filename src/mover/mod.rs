//! The mover: copies one volume from one pod to another, while it is written to and once more after its writers stopped.
//!
//! It is a program of its own, `kubectl-stateful-mover`, static and Linux only, which the plugin sends into two pods and drives
//! through one line of JSON on stdin ([`order`]) and lines of JSON on stdout ([`event`]). docs/mover.md is the protocol.
//!
//! ```text
//! source pod                                       target pod
//! send -> pass -> walk -> copy  ==TLS 1.3, keys==> receive -> session -> reconcile -> apply -> settle
//!             `-> index (what was sent, and verified)               `-> check (reads back what lies there)
//! ```
//!
//! Only [`order`], [`event`], [`key`] and [`program`] are for the plugin, on every platform; nothing else is linked into it.

#![cfg_attr(
    target_os = "linux",
    expect(clippy::wildcard_enum_match_arm, reason = "a message that is not expected is refused, whichever it is")
)]

pub mod event;
pub mod hex;
pub mod key;
pub mod order;
pub mod program;

#[cfg(target_os = "linux")]
mod apply;
#[cfg(target_os = "linux")]
mod attribute;
#[cfg(target_os = "linux")]
mod block;
#[cfg(target_os = "linux")]
mod channel;
#[cfg(target_os = "linux")]
mod check;
#[cfg(target_os = "linux")]
mod clock;
#[cfg(target_os = "linux")]
mod codec;
#[cfg(target_os = "linux")]
pub mod command;
#[cfg(target_os = "linux")]
mod copy;
#[cfg(target_os = "linux")]
mod entry;
#[cfg(target_os = "linux")]
mod fault;
#[cfg(target_os = "linux")]
mod frame;
#[cfg(target_os = "linux")]
mod index;
#[cfg(target_os = "linux")]
mod listing;
#[cfg(target_os = "linux")]
mod manifest;
#[cfg(target_os = "linux")]
mod metadata;
#[cfg(target_os = "linux")]
mod pass;
#[cfg(target_os = "linux")]
mod progress;
#[cfg(target_os = "linux")]
mod receive;
#[cfg(target_os = "linux")]
mod reconcile;
#[cfg(target_os = "linux")]
mod room;
#[cfg(target_os = "linux")]
mod root;
#[cfg(target_os = "linux")]
mod session;
#[cfg(target_os = "linux")]
mod settle;
#[cfg(target_os = "linux")]
mod throttle;
#[cfg(target_os = "linux")]
mod tls;
#[cfg(target_os = "linux")]
mod verify;
#[cfg(target_os = "linux")]
mod walk;
