//! The receiver: waits for its sender, serves one session, and ends.

use std::io::ErrorKind;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

use rustix::fs::FlockOperation;
use rustls::ServerConfig;

use super::channel::Channel;
use super::clock::Moment;
use super::event::{Event, FaultKind};
use super::fault::Fault;
use super::order::{ReceiveOrder, VERSION};
use super::pass::MOST_STREAMS;
use super::progress::Voice;
use super::root::Root;
use super::session::Session;
use super::tls;

/// How many connections are served at once, strangers included: those of a sender, and some to waste on others.
const MOST_CONNECTIONS: u32 = 4 * MOST_STREAMS;
/// How long the reason of a failed session may take to arrive from the connection that failed.
const REASON: Duration = Duration::from_millis(500);

/// What the threads that serve connections share.
struct Serving {
    session: Session,
    config: Arc<ServerConfig>,
    led: AtomicBool,
    connections: AtomicU32,
}

/// What the thread that serves the leading connection has to say.
enum Word {
    Begun,
    Ended(Result<(), Fault>),
}

/// Receives one session.
pub(super) fn receive(order: &ReceiveOrder, voice: &Voice) -> Result<(), Fault> {
    let root = Root::open(&order.root)?;
    rustix::fs::flock(root.own(), FlockOperation::NonBlockingLockExclusive)
        .map_err(|_| Fault::new(FaultKind::Busy, format!("another mover writes to {}", order.root.display())))?;
    let config = tls::server(&order.key, &order.peer)?;
    let listener = listen(order.listen)?;
    let port = listener.local_addr().map_err(|error| Fault::connection("cannot listen", &error))?.port();
    voice.say(&Event::Listening { version: VERSION.to_owned(), port });
    let serving = Arc::new(Serving {
        session: Session::new(root),
        config,
        led: AtomicBool::new(false),
        connections: AtomicU32::new(0),
    });
    let (say, hear) = channel();
    let accepting = Arc::clone(&serving);
    // It ends with the process: nothing that it holds has to be put away.
    std::thread::spawn(move || accept(&listener, &accepting, &say));
    wait(&hear, order.wait_seconds).map_err(|fault| reason(&serving.session, fault))?;
    let bytes = serving.session.written.load(Ordering::Relaxed);
    voice.say(&Event::Received { bytes });
    Ok(())
}

/// A sender that went away mostly did so because one of its other connections failed; that is the reason worth telling.
fn reason(session: &Session, fault: Fault) -> Fault {
    if fault.kind != FaultKind::Connection {
        return fault;
    }
    let patience = Moment::now();
    while session.blamed().is_none() && patience.elapsed_seconds() < REASON.as_secs_f64() {
        std::thread::sleep(REASON / 10);
    }
    session.blamed().unwrap_or(fault)
}

fn wait(hear: &Receiver<Word>, seconds: u32) -> Result<(), Fault> {
    let mut word = hear.recv_timeout(Duration::from_secs(seconds.into()));
    while let Ok(Word::Begun) = word {
        word = hear.recv().map_err(|_| RecvTimeoutError::Disconnected);
    }
    match word {
        Ok(Word::Ended(ended)) => ended,
        Err(RecvTimeoutError::Timeout) => {
            Err(Fault::new(FaultKind::Connection, format!("no sender with the right key came within {seconds} s")))
        }
        Ok(Word::Begun) | Err(RecvTimeoutError::Disconnected) => Err(super::copy::died()),
    }
}

fn listen(wanted: Option<SocketAddr>) -> Result<TcpListener, Fault> {
    let listener = match wanted {
        Some(address) => TcpListener::bind(address),
        // One for both protocols, unless this kernel has only the older one.
        None => {
            TcpListener::bind((Ipv6Addr::UNSPECIFIED, 0)).or_else(|_| TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)))
        }
    };
    listener.map_err(|error| Fault::connection("cannot listen", &error))
}

fn accept(listener: &TcpListener, serving: &Arc<Serving>, say: &Sender<Word>) {
    loop {
        match listener.accept() {
            Ok((tcp, _)) => {
                if serving.connections.fetch_add(1, Ordering::Relaxed) >= MOST_CONNECTIONS {
                    serving.connections.fetch_sub(1, Ordering::Relaxed);
                    continue;
                }
                let (serving, say) = (Arc::clone(serving), say.clone());
                std::thread::spawn(move || {
                    serve(tcp, &serving, &say);
                    serving.connections.fetch_sub(1, Ordering::Relaxed);
                });
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            // Out of descriptors, or a caller that left: worth another try, not at once.
            Err(_) => std::thread::sleep(Duration::from_millis(100)),
        }
    }
}

fn serve(tcp: TcpStream, serving: &Serving, say: &Sender<Word>) {
    let (mut channel, stream) = match Channel::answer(tcp, Arc::clone(&serving.config)) {
        Ok(answered) => answered,
        // The right sender of the wrong version ends it; strangers do not.
        Err(fault) if fault.kind == FaultKind::Version => {
            let _ = say.send(Word::Ended(Err(fault)));
            return;
        }
        Err(_) => return,
    };
    if stream > 0 {
        if let Err(fault) = serving.session.carry(&mut channel) {
            serving.session.blame(fault.clone());
            channel.fail(&fault);
        }
        return;
    }
    if serving.led.swap(true, Ordering::Relaxed) {
        channel.fail(&Fault::new(FaultKind::Busy, "another sender is served already"));
        return;
    }
    let _ = say.send(Word::Begun);
    let ended = serving.session.lead(&mut channel);
    if let Err(fault) = &ended {
        channel.fail(fault);
    }
    let _ = say.send(Word::Ended(ended));
}
