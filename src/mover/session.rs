//! One sender's session at the receiver: the connection that leads it, and what all its connections share.

use std::collections::HashSet;
use std::sync::atomic::AtomicU64;
use std::sync::{Mutex, OnceLock, PoisonError};

use super::apply;
use super::channel::{Channel, unexpected};
use super::check::listings;
use super::entry::{Entry, Kind};
use super::fault::Fault;
use super::frame::{BATCH, Frame, Had, Purpose};
use super::listing::Listing;
use super::reconcile::{owners, shape};
use super::room;
use super::root::Root;
use super::settle::settle;
use super::walk::{Vanishing, walk};

/// How many files that are there are named in one message.
const HAVE_BATCH: usize = BATCH / 24;

/// What the connections of a session share.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) root: Root,
    listing: OnceLock<Listing>,
    /// Files that something was written to since they were last synced.
    pub(super) touched: Mutex<HashSet<u32>>,
    /// Bytes that were written.
    pub(super) written: AtomicU64,
    fault: Mutex<Option<Fault>>,
}

impl Session {
    /// Begins one for a volume.
    pub(super) fn new(root: Root) -> Self {
        Self {
            root,
            listing: OnceLock::new(),
            touched: Mutex::default(),
            written: AtomicU64::new(0),
            fault: Mutex::default(),
        }
    }

    /// Gives the listing, which has to have come first.
    pub(super) fn listing(&self) -> Result<&Listing, Fault> {
        self.listing.get().ok_or_else(|| Fault::protocol("files came before the listing"))
    }

    /// Remembers why a connection failed; the first reason is the one that counts.
    pub(super) fn blame(&self, fault: Fault) {
        self.fault.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(fault);
    }

    /// Gives that reason.
    pub(super) fn blamed(&self) -> Option<Fault> {
        self.fault.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Serves one of the connections that carry files.
    pub(super) fn carry(&self, channel: &mut Channel) -> Result<(), Fault> {
        apply::serve(channel, self)
    }

    /// Serves the connection that leads.
    pub(super) fn lead(&self, channel: &mut Channel) -> Result<(), Fault> {
        let (purpose, allocated, inodes) = match channel.receive()? {
            Frame::Begin { purpose, allocated, inodes } => (purpose, allocated, inodes),
            other => return Err(unexpected(&other)),
        };
        self.take_listing(channel)?;
        if let Purpose::Copy(_) = purpose {
            self.prepare(channel, allocated, inodes)?;
        }
        loop {
            let answer = match channel.receive()? {
                Frame::Settle { thorough } if purpose != Purpose::Verify => {
                    settle(self, thorough)?;
                    Frame::Settled
                }
                Frame::Check if purpose != Purpose::Verify => {
                    let (count, examples) = listings(&self.root, self.listing()?)?;
                    Frame::Checked { count, examples }
                }
                Frame::Bye => return Ok(()),
                other => return Err(unexpected(&other)),
            };
            channel.send(&answer)?;
            channel.flush()?;
        }
    }

    fn take_listing(&self, channel: &mut Channel) -> Result<(), Fault> {
        let mut entries: Vec<Entry> = Vec::new();
        loop {
            match channel.receive()? {
                Frame::Entries(more) => entries.extend(more),
                Frame::Listed => break,
                other => return Err(unexpected(&other)),
            }
        }
        let listing = Listing::accept(entries)?;
        self.listing.set(listing).map_err(|_| Fault::protocol("the listing came twice"))
    }

    fn prepare(&self, channel: &mut Channel, allocated: u64, inodes: u64) -> Result<(), Fault> {
        let listing = self.listing()?;
        if listing.entries().is_empty() {
            return Err(Fault::protocol("a volume without a directory is listed"));
        }
        owners(listing)?;
        let there = walk(&self.root, Vanishing::Fault)?;
        room::check(&self.root, &there, allocated, inodes)?;
        let shaped = shape(&self.root, listing, &there)?;
        for batch in shaped.had.chunks(HAVE_BATCH) {
            let batch: Vec<Had> = batch.to_vec();
            channel.send(&Frame::Have(batch))?;
        }
        channel.send(&Frame::Shaped { removed: shaped.removed })?;
        channel.flush()
    }
}

/// Counts what a listing needs on a file system: every name but further ones of the same file.
pub(super) fn inodes<'e>(entries: impl Iterator<Item = &'e Entry>) -> u64 {
    entries.filter(|entry| !matches!(entry.kind, Kind::File { leader: Some(_), .. })).count() as u64
}
