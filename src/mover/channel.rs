//! One connection as a row of frames. A side speaks or listens, never both: whatever arrives while it speaks says that the other failed.

use std::io::{self, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::net::sockopt;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, ServerConfig, ServerConnection, StreamOwned};

use super::event::FaultKind;
use super::fault::Fault;
use super::frame::{Frame, LONGEST};
use super::order::VERSION;

/// What is gathered before it is encrypted and sent.
const GATHERED: usize = 256 * 1024;
/// What one read from the network may bring.
const ARRIVING: usize = 256 * 1024;
/// What the encryption may hold back; without a word it would send four records at a time.
const ENCRYPTED: usize = 1024 * 1024;
/// How long a peer may take to show who it is.
const INTRODUCTION: Duration = Duration::from_secs(15);
/// After so long without any sign of life a peer is taken for dead: three signs missed, ten seconds apart.
const SIGN_OF_LIFE: Duration = Duration::from_secs(10);
const SIGNS_MISSED: u32 = 3;
/// How long what was sent may stay without a receipt, in milliseconds; a disk that stalls may keep a receiver from reading that long.
const RECEIPT_MS: u32 = 300_000;

/// The two ends of a TCP connection: reads take more at once than the encryption would.
#[derive(Debug)]
struct Wire {
    read: BufReader<TcpStream>,
    write: TcpStream,
}

impl Read for Wire {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.read.read(buffer)
    }
}

impl Write for Wire {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write.write(bytes)
    }

    fn write_vectored(&mut self, bytes: &[io::IoSlice<'_>]) -> io::Result<usize> {
        self.write.write_vectored(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.write.flush()
    }
}

#[derive(Debug)]
enum Secure {
    Client(StreamOwned<ClientConnection, Wire>),
    Server(StreamOwned<ServerConnection, Wire>),
}

/// A connection to the other mover.
#[derive(Debug)]
pub(super) struct Channel {
    stream: Box<Secure>,
    out: Vec<u8>,
    arrived: Vec<u8>,
}

impl Channel {
    /// Shows the receiver who is calling, and looks whether it is the right one.
    pub(super) fn call(tcp: TcpStream, config: Arc<ClientConfig>, stream: u32) -> Result<Self, Fault> {
        let name = ServerName::IpAddress(tcp.peer_addr().map_err(|error| lost(&error))?.ip().into());
        let mut connection =
            ClientConnection::new(config, name).map_err(|error| Fault::protocol(format!("no TLS: {error}")))?;
        connection.set_buffer_limit(Some(ENCRYPTED));
        let mut channel = Self::over(Secure::Client(StreamOwned::new(connection, wire(tcp)?)))?;
        channel.send(&Frame::Hello { version: VERSION.to_owned(), stream })?;
        channel.hello()?;
        channel.introduced()?;
        Ok(channel)
    }

    /// Answers a caller, if it is the right one, and says which of the sender's connections it is.
    pub(super) fn answer(tcp: TcpStream, config: Arc<ServerConfig>) -> Result<(Self, u32), Fault> {
        let mut connection =
            ServerConnection::new(config).map_err(|error| Fault::protocol(format!("no TLS: {error}")))?;
        connection.set_buffer_limit(Some(ENCRYPTED));
        let mut channel = Self::over(Secure::Server(StreamOwned::new(connection, wire(tcp)?)))?;
        let hello = channel.hello();
        // Also to a sender of another version: it says so too, and knows both.
        channel.send(&Frame::Hello { version: VERSION.to_owned(), stream: 0 })?;
        channel.flush()?;
        let stream = hello?;
        channel.introduced()?;
        Ok((channel, stream))
    }

    fn over(stream: Secure) -> Result<Self, Fault> {
        let channel = Self { stream: Box::new(stream), out: Vec::new(), arrived: Vec::new() };
        channel.tcp().set_read_timeout(Some(INTRODUCTION)).map_err(|error| lost(&error))?;
        Ok(channel)
    }

    fn introduced(&self) -> Result<(), Fault> {
        self.tcp().set_read_timeout(None).map_err(|error| lost(&error))
    }

    fn hello(&mut self) -> Result<u32, Fault> {
        match self.receive()? {
            Frame::Hello { version, stream } if version == VERSION => Ok(stream),
            Frame::Hello { version, .. } => {
                let message = format!("this mover is of version {VERSION}, the other one of {version}");
                Err(Fault::new(FaultKind::Version, message))
            }
            other => Err(unexpected(&other)),
        }
    }

    fn tcp(&self) -> &TcpStream {
        match self.stream.as_ref() {
            Secure::Client(stream) => &stream.sock.write,
            Secure::Server(stream) => &stream.sock.write,
        }
    }

    /// Sends a frame, soon.
    pub(super) fn send(&mut self, frame: &Frame<'_>) -> Result<(), Fault> {
        frame.encode(&mut self.out);
        if self.out.len() >= GATHERED { self.flush() } else { Ok(()) }
    }

    /// Sends everything now.
    pub(super) fn flush(&mut self) -> Result<(), Fault> {
        let sent = match self.stream.as_mut() {
            Secure::Client(stream) => stream.write_all(&self.out).and_then(|()| stream.flush()),
            Secure::Server(stream) => stream.write_all(&self.out).and_then(|()| stream.flush()),
        };
        self.out.clear();
        match sent {
            Ok(()) => Ok(()),
            // The reason may have arrived before the connection broke.
            Err(error) => Err(self.last_words().unwrap_or_else(|| lost(&error))),
        }
    }

    fn last_words(&mut self) -> Option<Fault> {
        self.tcp().set_read_timeout(Some(Duration::from_secs(1))).ok()?;
        match self.take() {
            Ok(Frame::Failed(fault)) => Some(fault),
            _ => None,
        }
    }

    /// Says whether something arrived that nobody asked for: the other side failed.
    pub(super) fn interrupted(&self) -> bool {
        let buffered = match self.stream.as_ref() {
            Secure::Client(stream) => !stream.sock.read.buffer().is_empty(),
            Secure::Server(stream) => !stream.sock.read.buffer().is_empty(),
        };
        let mut watched = [PollFd::new(self.tcp(), PollFlags::IN)];
        buffered || rustix::event::poll(&mut watched, Some(&Timespec::default())).is_ok_and(|ready| ready > 0)
    }

    /// Sends what is gathered and waits for the next frame. A side that failed says so instead: that is the error then.
    pub(super) fn receive(&mut self) -> Result<Frame<'_>, Fault> {
        if !self.out.is_empty() {
            self.flush()?;
        }
        match self.take()? {
            Frame::Failed(fault) => Err(fault),
            frame => Ok(frame),
        }
    }

    fn take(&mut self) -> Result<Frame<'_>, Fault> {
        let mut length = [0; 4];
        self.read(&mut length)?;
        let length = u32::from_le_bytes(length);
        if length > LONGEST {
            return Err(Fault::protocol(format!("a message of {length} bytes is announced, {LONGEST} are allowed")));
        }
        let mut arrived = std::mem::take(&mut self.arrived);
        arrived.resize(length as usize, 0);
        self.read(&mut arrived)?;
        self.arrived = arrived;
        Frame::decode(&self.arrived)
    }

    fn read(&mut self, into: &mut [u8]) -> Result<(), Fault> {
        let read = match self.stream.as_mut() {
            Secure::Client(stream) => stream.read_exact(into),
            Secure::Server(stream) => stream.read_exact(into),
        };
        read.map_err(|error| lost(&error))
    }

    /// Tells the other side why this one stops, and waits until it has heard that or is gone: a connection that is closed over
    /// unread bytes takes the message with it.
    pub(super) fn fail(&mut self, fault: &Fault) {
        self.out.clear();
        let patience = Some(INTRODUCTION);
        let told = self.tcp().set_write_timeout(patience).is_ok()
            && self.tcp().set_read_timeout(patience).is_ok()
            && self.send(&Frame::Failed(fault.clone())).is_ok()
            && self.flush().is_ok();
        if told {
            let _ = self.tcp().shutdown(std::net::Shutdown::Write);
            let mut rest = vec![0; 64 * 1024];
            while self.read_some(&mut rest).is_ok_and(|read| read > 0) {}
        }
    }

    fn read_some(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self.stream.as_mut() {
            Secure::Client(stream) => stream.sock.read(into),
            Secure::Server(stream) => stream.sock.read(into),
        }
    }
}

/// A frame that has no business there.
pub(super) fn unexpected(frame: &Frame<'_>) -> Fault {
    let text = format!("{frame:?}");
    let name: String = text.chars().take_while(char::is_ascii_alphanumeric).collect();
    Fault::protocol(format!("the message {name} is not expected here"))
}

fn lost(error: &io::Error) -> Fault {
    Fault::connection("the connection to the other mover failed", error)
}

fn wire(tcp: TcpStream) -> Result<Wire, Fault> {
    sockopt::set_tcp_nodelay(&tcp, true)
        .and_then(|()| sockopt::set_socket_keepalive(&tcp, true))
        .and_then(|()| sockopt::set_tcp_keepidle(&tcp, SIGN_OF_LIFE))
        .and_then(|()| sockopt::set_tcp_keepintvl(&tcp, SIGN_OF_LIFE))
        .and_then(|()| sockopt::set_tcp_keepcnt(&tcp, SIGNS_MISSED))
        .and_then(|()| sockopt::set_tcp_user_timeout(&tcp, RECEIPT_MS))
        .map_err(|errno| Fault::system("set up the connection", errno))?;
    let read = tcp.try_clone().map_err(|error| lost(&error))?;
    Ok(Wire { read: BufReader::with_capacity(ARRIVING, read), write: tcp })
}
