//! Frames come back as they went, and cut or changed ones are refused or read as something else, without harm.

use super::{Frame, Had, Portion, Purpose};
use crate::mover::clock::Time;
use crate::mover::entry::{Entry, Kind, Metadata, Node};
use crate::mover::event::FaultKind;
use crate::mover::fault::Fault;
use crate::mover::order::PassKind;

fn entries() -> Vec<Entry> {
    let metadata = Metadata {
        mode: 0o4755,
        owner: 999,
        group: 4_294_967_294,
        accessed: Time { seconds: -1, nanoseconds: 999_999_999 },
        modified: Time { seconds: 1 << 40, nanoseconds: 1 },
        attributes: vec![(b"user.a".to_vec(), Vec::new()), (b"user.b".to_vec(), vec![0; 300])],
    };
    let kinds = [
        Kind::Directory,
        Kind::File { size: 1 << 50, leader: None },
        Kind::File { size: 0, leader: Some(1) },
        Kind::Symlink { target: b"/pg_wal\xff".to_vec() },
        Kind::Fifo,
        Kind::Device { node: Node::Character, major: 1, minor: 3 },
        Kind::Device { node: Node::Block, major: 7, minor: 0 },
        Kind::Socket,
    ];
    kinds.map(|kind| Entry { path: b"a/\xf0\n".to_vec(), kind, metadata: metadata.clone() }).into()
}

fn frames() -> Vec<Frame<'static>> {
    vec![
        Frame::Hello { version: "1.2.3".to_owned(), stream: 3 },
        Frame::Failed(Fault::new(FaultKind::Io, "cannot write base/1")),
        Frame::Failed(Fault::new(FaultKind::Order, "")),
        Frame::Begin { purpose: Purpose::Copy(PassKind::Live), allocated: 1, inodes: 2 },
        Frame::Begin { purpose: Purpose::Copy(PassKind::Final), allocated: u64::MAX, inodes: 0 },
        Frame::Begin { purpose: Purpose::Verify, allocated: 0, inodes: 0 },
        Frame::Entries(entries()),
        Frame::Listed,
        Frame::Have(vec![Had { file: 1, size: 2, modified: Time { seconds: 3, nanoseconds: 4 } }; 3]),
        Frame::Shaped { removed: 12 },
        Frame::Ask { file: 1, blocks: 2..3 },
        Frame::Hashes(vec![[1; 16], [2; 16]]),
        Frame::Block { file: 1, index: 2, parts: vec![0..4, 8..12], bytes: b"12345678" },
        Frame::Holes { file: 1, blocks: 0..u32::MAX },
        Frame::Written,
        Frame::Settle { thorough: true },
        Frame::Settled,
        Frame::Verify(vec![Portion { path: b"a".to_vec(), size: 1, first: 0, hashes: vec![[9; 16]] }]),
        Frame::Verified(vec![(0, 7)]),
        Frame::Check,
        Frame::Checked { count: 2, examples: vec!["a: mode".to_owned()] },
        Frame::Bye,
    ]
}

#[test]
fn frames_come_back() {
    for frame in frames() {
        let mut bytes = vec![7];
        frame.encode(&mut bytes);
        assert_eq!(bytes[1..5], u32::try_from(bytes.len() - 5).unwrap().to_le_bytes());
        assert_eq!(Frame::decode(&bytes[5..]).unwrap(), frame);
    }
}

#[test]
fn a_cut_frame_is_refused_and_no_byte_makes_the_reader_fall_over() {
    for frame in frames() {
        let mut bytes = Vec::new();
        frame.encode(&mut bytes);
        let values = &bytes[4..];
        for length in 0..values.len() {
            // A block's bytes have no length of their own: its parts say how many there have to be.
            if let Ok(read) = Frame::decode(&values[..length]) {
                assert!(matches!(read, Frame::Block { .. }), "{frame:?} cut to {length}");
            }
        }
        for at in 0..values.len() {
            let mut changed = values.to_vec();
            changed[at] ^= 0xff;
            drop(Frame::decode(&changed));
        }
    }
}
