//! `kubectl stateful`: see and move stateful workloads without losing what they hold.
//!
//! This library exists for the program and its tests; it promises no stable interface.
//!
//! ```text
//! collect a Snapshot (I/O) -> analyse it (pure) -> view it
//!
//! main -> cli -> commands -> collect -> cluster, engine -> wire -> model
//!                   |-> analyze -> engine, model
//!                   |-> view -> analyze (Report), model
//!                   `-> ui (strings only)
//! ```

pub mod analyze;
pub mod archive;
pub mod cli;
pub mod cluster;
pub mod collect;
pub mod commands;
pub mod engine;
pub mod execute;
pub mod failure;
pub mod journal;
pub mod model;
pub mod mover;
pub mod plan;
pub mod planner;
pub mod ui;
pub mod view;
mod wire;
