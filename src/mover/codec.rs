//! Numbers and bytes, one after the other: frames and the index are written so. Little-endian; nothing is read beyond the end.

use super::clock::Time;
use super::fault::Fault;

/// Puts values after one another.
#[derive(Debug, Default)]
pub(super) struct Encoder(pub(super) Vec<u8>);

impl Encoder {
    pub(super) fn u8(&mut self, value: u8) -> &mut Self {
        self.0.push(value);
        self
    }

    pub(super) fn u32(&mut self, value: u32) -> &mut Self {
        self.0.extend_from_slice(&value.to_le_bytes());
        self
    }

    pub(super) fn u64(&mut self, value: u64) -> &mut Self {
        self.0.extend_from_slice(&value.to_le_bytes());
        self
    }

    pub(super) fn time(&mut self, value: Time) -> &mut Self {
        self.0.extend_from_slice(&value.seconds.to_le_bytes());
        self.u32(value.nanoseconds)
    }

    /// Puts a length and that many bytes; nothing here is longer than a frame.
    pub(super) fn bytes(&mut self, value: &[u8]) -> &mut Self {
        self.count(value.len());
        self.0.extend_from_slice(value);
        self
    }

    /// Puts the number of values that follow.
    pub(super) fn count(&mut self, count: usize) -> &mut Self {
        self.u32(u32::try_from(count).unwrap_or(u32::MAX))
    }
}

/// Takes values off, in the same order.
#[derive(Debug)]
pub(super) struct Decoder<'a>(&'a [u8]);

impl<'a> Decoder<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(super) fn take(&mut self, length: usize) -> Result<&'a [u8], Fault> {
        let (taken, rest) =
            self.0.split_at_checked(length).ok_or_else(|| Fault::protocol("a message ends too early"))?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Fault> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    pub(super) fn u8(&mut self) -> Result<u8, Fault> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub(super) fn u32(&mut self) -> Result<u32, Fault> {
        self.array().map(u32::from_le_bytes)
    }

    pub(super) fn u64(&mut self) -> Result<u64, Fault> {
        self.array().map(u64::from_le_bytes)
    }

    pub(super) fn time(&mut self) -> Result<Time, Fault> {
        let seconds = i64::from_le_bytes(self.array()?);
        Ok(Time { seconds, nanoseconds: self.u32()? })
    }

    pub(super) fn bytes(&mut self) -> Result<&'a [u8], Fault> {
        let length = self.count()?;
        self.take(length)
    }

    pub(super) fn text(&mut self) -> Result<String, Fault> {
        self.bytes().map(|bytes| String::from_utf8_lossy(bytes).into_owned())
    }

    /// Reads how many values follow; each takes a byte at least, so that no number makes this side reserve memory for nothing.
    pub(super) fn count(&mut self) -> Result<usize, Fault> {
        let count = self.u32()? as usize;
        if count > self.0.len() { Err(Fault::protocol("a message counts more than it holds")) } else { Ok(count) }
    }

    /// Gives what was not taken.
    pub(super) fn rest(self) -> &'a [u8] {
        self.0
    }

    /// Refuses what was not taken.
    pub(super) fn end(self) -> Result<(), Fault> {
        if self.0.is_empty() { Ok(()) } else { Err(Fault::protocol("a message is longer than it should be")) }
    }
}
