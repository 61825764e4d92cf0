//! The program on a real cluster: real controllers, scheduler, kubelets and databases.
//!
//! Run by `make test` and `make test-heavy`, which start the cluster, or by hand as root, for nodes lose power and volumes fill up:
//! `eval "$(tests/cluster/cluster env)" && cargo test --test live`. Every test has a namespace of its own, except those
//! that only look: they share one PostgreSQL. The test that takes a node away waits until no other test runs.
//! `LIVE_SCREENS=1` with `--nocapture` prints the screens of broken things, to be looked at.
#![expect(clippy::panic, clippy::print_stdout, reason = "a test fails by panicking and prints what it proves")]

mod support;

mod absent_nodes;
mod changed;
mod completion;
mod deletion;
mod disturbed;
mod draining;
mod failover;
mod faults;
mod healthy;
mod migrate;
mod moved;
mod mysql;
mod mysql_failover;
mod mysql_group;
mod offline;
mod patroni;
mod patroni_failover;
mod permissions;
mod pods;
mod postgres;
mod promote;
mod promoted;
mod redis;
mod redis_failover;
mod redis_promote;
mod refusals;
mod rollout;
mod scale_down;
mod storage;
mod surroundings;
mod sweep;
mod switchovers;
mod watch;
