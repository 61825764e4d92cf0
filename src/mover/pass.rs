//! One pass: the source listed, the target shaped, what changed sent; a final one also verified, compared and looked at once more.

use std::collections::HashMap;
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use rustls::ClientConfig;

use super::channel::{Channel, unexpected};
use super::clock::{Moment, Time};
use super::codec::Encoder;
use super::copy::{Basis, Copied, Copy, Task, changing};
use super::entry::Kind;
use super::event::{ChangeRule, Event, FaultKind, Outcome, Seconds, Stage};
use super::fault::Fault;
use super::frame::{BATCH, Frame, Had, Purpose};
use super::index::{Found, Index, Record, Shelf};
use super::manifest::{contents, without_sockets};
use super::order::{Extent, PassKind, SendOrder};
use super::progress::{Tally, Voice};
use super::root::{Root, stat};
use super::session::inodes;
use super::throttle::Throttle;
use super::tls;
use super::verify::{amount, verify};
use super::walk::{Seen, Vanishing, link, walk};

/// How long a connection may take to be made.
const CONNECT: Duration = Duration::from_secs(15);
/// The most connections that carry files: more only compete for the same disk.
pub(super) const MOST_STREAMS: u32 = 32;
/// By how much passes overlap: a page that was dirty when the last pass began may be written to without a time that moves.
const OVERLAP_SECONDS: i64 = 2;
/// How often blocks that were found different are sent again before the disk, or something between, is given up on.
const REPAIRS: u32 = 2;
/// File systems on which every write is known to move a time once dirty pages were flushed: ext4, XFS and Btrfs.
const TRUSTED_TIMES: [u64; 3] = [0xef53, 0x5846_5342, 0x9123_683e];

/// A pass under way.
struct Pass<'a> {
    order: &'a SendOrder,
    voice: &'a Voice,
    root: Root,
    lead: Channel,
    streams: Vec<Channel>,
    seen: &'a [Seen],
    rule: ChangeRule,
    throttle: Throttle,
    tally: Tally,
    outcome: Outcome,
    watch: Moment,
}

/// Makes one pass.
pub(super) fn send(order: &SendOrder, voice: &Voice) -> Result<(), Fault> {
    let root = Root::open(&order.root)?;
    let volume = volume(&root)?;
    let shelf = Shelf::at(&order.index)?;
    let mut watch = Moment::now();
    let began = Time::now();
    rustix::fs::syncfs(root.own()).map_err(|errno| Fault::system("flush the source's file system", errno))?;
    let rule = rule(&root)?;
    let (seen, sockets) = list(&root, order.pass)?;
    let contents = contents(&seen, sockets);
    voice.say(&Event::Scanned { contents: contents.clone(), rule });
    let found = shelf.load(volume)?;
    let scan = watch.lap();
    let config = tls::client(&order.key, &order.peer)?;
    let lead = connect(order, &config, 0)?;
    let mut pass = Pass {
        order,
        voice,
        root,
        lead,
        streams: Vec::new(),
        seen: &seen,
        rule,
        throttle: Throttle::new(order.bytes_per_second),
        tally: Tally::default(),
        outcome: outcome(Some(order.pass), rule, Seconds { scan, ..Seconds::default() }),
        watch,
    };
    shelf.open()?;
    match pass.make(&config, contents.allocated_bytes, found) {
        Ok(records) => {
            shelf.save(&Index { began, volume, records })?;
            pass.end()?;
            voice.say(&Event::Done(pass.outcome));
            Ok(())
        }
        Err(fault) => {
            pass.lead.fail(&fault);
            Err(fault)
        }
    }
}

/// Lets the target read back what was sent, without reading the source.
pub(super) fn verify_only(order: &SendOrder, voice: &Voice) -> Result<(), Fault> {
    let root = Root::open(&order.root)?;
    let volume = volume(&root)?;
    let shelf = Shelf::at(&order.index)?;
    let found = shelf.load(volume)?.filter(|found| found.trusted);
    let mut index = found.map(|found| found.index).ok_or_else(|| {
        let message = "no pass has ended, so it is not known what the target should hold: `send` comes first";
        Fault::new(FaultKind::Order, message)
    })?;
    let config = tls::client(&order.key, &order.peer)?;
    let mut lead = connect(order, &config, 0)?;
    lead.send(&Frame::Begin { purpose: Purpose::Verify, allocated: 0, inodes: 0 })?;
    lead.send(&Frame::Listed)?;
    lead.flush()?;
    let mut streams = connect_streams(order, &config)?;
    let watch = Moment::now();
    let tally = Tally::default();
    let amount = amount(&index.records, order.verify);
    let verified = tally.during(voice, Stage::Verify, amount, || {
        verify(&mut streams, &mut index.records, order.verify, &tally.bytes)
    })?;
    shelf.save(&index)?;
    for channel in streams.iter_mut().chain([&mut lead]) {
        channel.send(&Frame::Bye)?;
        channel.flush()?;
    }
    if verified.different_blocks > 0 {
        let message = format!(
            "{} blocks of {} files on the target are not what was sent; the next pass sends them again",
            verified.different_blocks, verified.different_files
        );
        return Err(Fault::new(FaultKind::Mismatch, message));
    }
    let seconds = Seconds { verify: watch.elapsed_seconds(), ..Seconds::default() };
    let outcome = Outcome { bytes_verified: verified.bytes, ..outcome(None, rule(&root)?, seconds) };
    voice.say(&Event::Done(outcome));
    Ok(())
}

fn outcome(pass: Option<PassKind>, rule: ChangeRule, seconds: Seconds) -> Outcome {
    Outcome {
        pass,
        rule,
        files_read: 0,
        files_changed: 0,
        bytes_read: 0,
        bytes_sent: 0,
        bytes_verified: 0,
        blocks_repaired: 0,
        removed: 0,
        unsettled: 0,
        seconds,
    }
}

fn volume(root: &Root) -> Result<u64, Fault> {
    let found = stat(root.own(), b".").map_err(|errno| Fault::system("look at the volume", errno))?;
    Ok(found.stx_ino ^ (u64::from(found.stx_dev_major) << 48) ^ (u64::from(found.stx_dev_minor) << 32))
}

fn rule(root: &Root) -> Result<ChangeRule, Fault> {
    let found = rustix::fs::fstatfs(root.own()).map_err(|errno| Fault::system("ask for the file system", errno))?;
    let kind = u64::try_from(found.f_type).unwrap_or_default();
    Ok(if TRUSTED_TIMES.contains(&kind) { ChangeRule::Times } else { ChangeRule::Content })
}

fn list(root: &Root, care: PassKind) -> Result<(Vec<Seen>, u64), Fault> {
    let vanishing = match care {
        PassKind::Live => Vanishing::Allowed,
        PassKind::Final => Vanishing::Fault,
    };
    let mut seen = walk(root, vanishing)?;
    let sockets = without_sockets(&mut seen);
    link(&mut seen);
    Ok((seen, sockets))
}

fn connect(order: &SendOrder, config: &Arc<ClientConfig>, stream: u32) -> Result<Channel, Fault> {
    let tcp = TcpStream::connect_timeout(&order.connect, CONNECT)
        .map_err(|error| Fault::connection(&format!("no connection to {}", order.connect), &error))?;
    Channel::call(tcp, Arc::clone(config), stream)
}

fn connect_streams(order: &SendOrder, config: &Arc<ClientConfig>) -> Result<Vec<Channel>, Fault> {
    (1..=order.streams.clamp(1, MOST_STREAMS)).map(|stream| connect(order, config, stream)).collect()
}

impl<'a> Pass<'a> {
    fn make(
        &mut self,
        config: &Arc<ClientConfig>,
        allocated: u64,
        found: Option<Found>,
    ) -> Result<HashMap<Vec<u8>, Record>, Fault> {
        let had = self.introduce(allocated)?;
        self.outcome.seconds.reconcile = self.watch.lap();
        self.streams = connect_streams(self.order, config)?;
        let (mut records, tasks) = self.decide(found, &had);
        self.copy(&tasks, &mut records)?;
        self.settle()?;
        if self.order.pass == PassKind::Final {
            self.verify(&mut records)?;
            self.compare()?;
            self.look_again()?;
        }
        self.outcome.bytes_read = self.tally.read.load(Ordering::Relaxed);
        self.outcome.bytes_sent = self.tally.sent.load(Ordering::Relaxed);
        Ok(records)
    }

    /// Sends the listing, and hears which files the target had.
    fn introduce(&mut self, allocated: u64) -> Result<HashMap<u32, Had>, Fault> {
        let entries = self.seen.iter().map(|seen| &seen.entry);
        let inodes = inodes(entries.clone());
        self.lead.send(&Frame::Begin { purpose: Purpose::Copy(self.order.pass), allocated, inodes })?;
        let (mut batch, mut size) = (Vec::new(), 0);
        for entry in entries {
            let mut one = Encoder::default();
            entry.encode(&mut one);
            size += one.0.len();
            batch.push(entry.clone());
            if size >= BATCH {
                self.lead.send(&Frame::Entries(std::mem::take(&mut batch)))?;
                size = 0;
            }
        }
        self.lead.send(&Frame::Entries(batch))?;
        self.lead.send(&Frame::Listed)?;
        let mut had = HashMap::new();
        loop {
            match self.lead.receive()? {
                Frame::Have(files) => had.extend(files.into_iter().map(|file| (file.file, file))),
                Frame::Shaped { removed } => {
                    self.outcome.removed = removed;
                    return Ok(had);
                }
                other => return Err(unexpected(&other)),
            }
        }
    }

    /// Keeps the records of files that did not change, and makes tasks of the others.
    fn decide(&self, found: Option<Found>, had: &HashMap<u32, Had>) -> (HashMap<Vec<u8>, Record>, Vec<Task<'a>>) {
        let (mut before, trusted) = found.map_or_else(Default::default, |found| (found.index, found.trusted));
        let since = before.began.less(OVERLAP_SECONDS);
        let (mut records, mut tasks) = (HashMap::new(), Vec::new());
        for (at, seen) in (0_u32..).zip(self.seen) {
            if !matches!(seen.entry.kind, Kind::File { leader: None, .. }) {
                continue;
            }
            let record = before.records.remove(&seen.entry.path);
            let had = had.get(&at);
            // Unless the target's file looks as the last pass left it, nothing that is remembered of it counts.
            let record = record
                .filter(|record| had.is_some_and(|had| (had.size, had.modified) == (record.size, record.modified)));
            let basis = match (record, had) {
                (Some(record), _) if self.rule == ChangeRule::Times && unchanged(&record, seen, since) => {
                    records.insert(seen.entry.path.clone(), record);
                    continue;
                }
                (Some(record), _) if trusted => {
                    let basis = Basis::Known(record.blocks.clone());
                    records.insert(seen.entry.path.clone(), record);
                    basis
                }
                (_, Some(_)) => Basis::Ask,
                (_, None) => Basis::Nothing,
            };
            tasks.push(Task { at, seen, basis });
        }
        (records, tasks)
    }

    fn copy(&mut self, tasks: &[Task<'_>], records: &mut HashMap<Vec<u8>, Record>) -> Result<(), Fault> {
        let copy = Copy { root: &self.root, care: self.order.pass, throttle: &self.throttle, tally: &self.tally };
        let total = (tasks.len() as u64, tasks.iter().map(Task::size).sum());
        let streams = &mut self.streams;
        let copied = self.tally.during(self.voice, Stage::Copy, total, || copy.run(streams, tasks))?;
        self.outcome.files_read += tasks.len() as u64;
        for (task, copied) in tasks.iter().zip(copied) {
            self.outcome.files_changed += u64::from(!copied.sent.is_empty());
            self.outcome.unsettled += u64::from(copied.unsettled);
            let path = &task.seen.entry.path;
            let record = record(task, copied, records.remove(path));
            records.insert(path.clone(), record);
        }
        self.outcome.seconds.copy += self.watch.lap();
        Ok(())
    }

    fn settle(&mut self) -> Result<(), Fault> {
        self.lead.send(&Frame::Settle { thorough: self.order.pass == PassKind::Final })?;
        match self.lead.receive()? {
            Frame::Settled => {}
            other => return Err(unexpected(&other)),
        }
        self.outcome.seconds.settle += self.watch.lap();
        Ok(())
    }

    /// Reads back what was never read back, and sends again what differs.
    fn verify(&mut self, records: &mut HashMap<Vec<u8>, Record>) -> Result<(), Fault> {
        let mut extent = self.order.verify;
        for round in 0.. {
            let amount = amount(records, extent);
            let (streams, tally) = (&mut self.streams, Tally::default());
            let verified =
                tally.during(self.voice, Stage::Verify, amount, || verify(streams, records, extent, &tally.bytes))?;
            self.outcome.seconds.verify += self.watch.lap();
            self.outcome.bytes_verified += verified.bytes;
            if verified.different_blocks == 0 {
                break;
            }
            if round == REPAIRS {
                let message = format!(
                    "{} blocks of {} files on the target are not what was sent, also after they were sent again {REPAIRS} times",
                    verified.different_blocks, verified.different_files
                );
                return Err(Fault::new(FaultKind::Mismatch, message));
            }
            self.outcome.blocks_repaired += verified.different_blocks;
            extent = Extent::Unverified;
            let tasks = self.repairs(records);
            self.copy(&tasks, records)?;
            self.settle()?;
        }
        Ok(())
    }

    fn repairs(&self, records: &HashMap<Vec<u8>, Record>) -> Vec<Task<'a>> {
        let mut tasks = Vec::new();
        for (at, seen) in (0_u32..).zip(self.seen) {
            if matches!(seen.entry.kind, Kind::File { leader: None, .. })
                && let Some(record) = records.get(&seen.entry.path).filter(|record| !record.matches(seen))
            {
                tasks.push(Task { at, seen, basis: Basis::Known(record.blocks.clone()) });
            }
        }
        tasks
    }

    /// Lets the target compare its whole tree with the listing.
    fn compare(&mut self) -> Result<(), Fault> {
        self.lead.send(&Frame::Check)?;
        let differences = match self.lead.receive()? {
            Frame::Checked { count: 0, .. } => None,
            Frame::Checked { count, examples } => Some((count, examples)),
            other => return Err(unexpected(&other)),
        };
        self.outcome.seconds.check += self.watch.lap();
        match differences {
            None => Ok(()),
            Some((count, examples)) => {
                let message =
                    format!("{count} entries of the target are not as on the source: {}", examples.join(", "));
                Err(Fault::new(FaultKind::Mismatch, message))
            }
        }
    }

    /// Lists the source again: whatever moved since the pass began was written by somebody who should have stopped.
    fn look_again(&mut self) -> Result<(), Fault> {
        let (now, _) = list(&self.root, PassKind::Final)?;
        self.outcome.seconds.scan += self.watch.lap();
        let looks =
            |seen: &'_ Seen| (seen.entry.path.clone(), seen.entry.kind.clone(), seen.inode, seen.changed, seen.names);
        let moved = self.seen.iter().zip(&now).find(|(before, after)| looks(before) != looks(after));
        match moved {
            Some((before, _)) => Err(changing(&before.entry.path)),
            None if self.seen.len() != now.len() => Err(changing(b"")),
            None => Ok(()),
        }
    }

    fn end(&mut self) -> Result<(), Fault> {
        for channel in self.streams.iter_mut().chain([&mut self.lead]) {
            channel.send(&Frame::Bye)?;
            channel.flush()?;
        }
        Ok(())
    }
}

/// Says whether a file is as it was: equal looks, and times from well before the pass that read it began.
fn unchanged(record: &Record, seen: &Seen, since: Time) -> bool {
    record.matches(seen) && seen.entry.metadata.modified < since && seen.changed < since
}

/// Makes the record of a file that was read.
fn record(task: &Task<'_>, copied: Copied, before: Option<Record>) -> Record {
    let mut record = Record { blocks: copied.blocks, ..Record::of(task.seen) };
    match (&task.basis, before) {
        // What was equal stays as verified as it was.
        (Basis::Known(_), Some(before)) => before.unverified.into_iter().for_each(|range| {
            let end = range.end.min(u32::try_from(record.blocks.len()).unwrap_or(u32::MAX));
            if range.start < end {
                record.doubt(range.start..end);
            }
        }),
        _ if !record.blocks.is_empty() => {
            let all = 0..u32::try_from(record.blocks.len()).unwrap_or(u32::MAX);
            record.doubt(all);
        }
        _ => {}
    }
    copied.sent.into_iter().for_each(|range| record.doubt(range));
    if copied.unsettled {
        // No file looks like this: the next pass reads it whatever it looks like then.
        record.changed = Time { seconds: i64::MIN, nanoseconds: 0 };
    }
    record
}
