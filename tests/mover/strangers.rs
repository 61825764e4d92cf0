//! The way between the movers: bytes that flip, connections that break, and callers that have no business there.

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use kubectl_stateful::mover::event::{Event, FaultKind};
use kubectl_stateful::mover::order::PassKind;

use crate::support::dice::Dice;
use crate::support::pair::{Keys, Mover, Pair};
use crate::support::truth::assert_equal;

/// What happens on the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Harm {
    /// One bit of one byte turns.
    Flip,
    /// Every connection breaks.
    Cut,
}

/// Forwards connections to a port, and does harm once so many bytes went one way.
fn proxy(to: u16, harm: Harm, after: i64) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let left = Arc::new(AtomicI64::new(after));
    std::thread::spawn(move || {
        for client in listener.incoming() {
            let (Ok(client), Ok(server)) = (client, TcpStream::connect(("127.0.0.1", to))) else { return };
            for (from, to) in [(client.try_clone().unwrap(), server.try_clone().unwrap()), (server, client)] {
                let left = Arc::clone(&left);
                std::thread::spawn(move || forward(from, to, harm, &left));
            }
        }
    });
    port
}

fn forward(mut from: TcpStream, mut to: TcpStream, harm: Harm, left: &AtomicI64) {
    let mut buffer = vec![0; 16 * 1024];
    while let Ok(read @ 1..) = from.read(&mut buffer) {
        let before = left.fetch_sub(i64::try_from(read).unwrap(), Ordering::Relaxed);
        if let Ok(at) = usize::try_from(before)
            && at < read
        {
            match harm {
                Harm::Flip => buffer[at] ^= 0x10,
                Harm::Cut => break,
            }
        }
        if (before < 0 && harm == Harm::Cut) || to.write_all(&buffer[..read]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(std::net::Shutdown::Both);
    let _ = from.shutdown(std::net::Shutdown::Both);
}

#[test]
fn a_byte_that_flips_on_the_way_fails_the_pass_and_is_never_written() {
    let mut dice = Dice::new(31);
    let pair = Pair::new();
    for number in 0..6 {
        fs::write(pair.source.join(number.to_string()), dice.bytes(200_000)).unwrap();
    }
    for round in 0..8 {
        let harm = if round % 3 == 0 { Harm::Cut } else { Harm::Flip };
        let keys = Keys::new();
        let (receiver, port) = pair.receiver(&keys).unwrap();
        // Handshakes, the listing and the first blocks, or anywhere.
        let after = if round % 2 == 0 { dice.below(4_000) } else { dice.below(1_200_000) };
        let through = proxy(port, harm, i64::try_from(after).unwrap());
        let sent = Mover::start("send", &pair.send_order(&keys, through, PassKind::Live), None).end();
        let context = format!("round {round}, {harm:?} after {after}: {sent:?}");
        let Some(Event::Failed { kind, .. }) = sent else { panic!("{context}") };
        assert!(matches!(kind, FaultKind::Connection | FaultKind::Protocol), "{context}");
        drop(receiver);
        for number in 0..6 {
            let Ok(copied) = fs::read(pair.target.join(number.to_string())) else { continue };
            let source = fs::read(pair.source.join(number.to_string())).unwrap();
            // A page is there as it should be, or not at all: a receiver that is killed may be within a block.
            for (copied, source) in copied.chunks(4096).zip(source.chunks(4096)) {
                assert!(copied == source || copied.iter().all(|byte| *byte == 0), "{context}: file {number}");
            }
        }
        fs::remove_dir_all(&pair.target).unwrap();
        fs::create_dir(&pair.target).unwrap();
    }
    pair.last().unwrap();
    assert_equal(&pair.source, &pair.target, "through a way without harm");
}

#[test]
fn strangers_are_not_served_and_do_not_disturb() {
    let pair = Pair::new();
    fs::write(pair.source.join("a"), b"a").unwrap();
    let keys = Keys::new();
    let (receiver, port) = pair.receiver(&keys).unwrap();
    let mut silent = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let mut rude = TcpStream::connect(("127.0.0.1", port)).unwrap();
    rude.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    // The right receiver's key does not make a sender of somebody who has another key.
    let mut order = pair.send_order(&Keys::new(), port, PassKind::Live);
    order.peer = keys.receiver.public;
    let Some(Event::Failed { kind: FaultKind::Connection, .. }) = Mover::start("send", &order, None).end() else {
        panic!("a sender with a wrong key was served");
    };
    // And the right sender does not speak with a receiver that has another key.
    let mut order = pair.send_order(&keys, port, PassKind::Live);
    order.peer = Keys::new().receiver.public;
    let Some(Event::Failed { kind: FaultKind::Connection, .. }) = Mover::start("send", &order, None).end() else {
        panic!("a receiver with a wrong key was spoken to");
    };
    assert!(fs::read_dir(&pair.target).unwrap().next().is_none());
    let sent = Mover::start("send", &pair.send_order(&keys, port, PassKind::Final), None).end();
    assert!(matches!(sent, Some(Event::Done(_))), "{sent:?}");
    assert!(matches!(receiver.end(), Some(Event::Received { .. })));
    assert_equal(&pair.source, &pair.target, "among strangers");
    let _ = silent.write_all(b"?");
}
