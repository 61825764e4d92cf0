//! What an API server's answers look like on the wire: bytes for a request, nothing behind them.
//!
//! It stands for the transport only. What controllers do with objects is tested on real ones.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What a client asked.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// Path and query.
    pub(crate) path: String,
    /// Header lines, as sent.
    pub(crate) headers: Vec<String>,
}

/// What it gets.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    /// A status line's code, a content type and a body.
    Answer(u16, &'static str, String),
    /// These bytes and then the end of the connection, whatever they are.
    Bytes(&'static [u8]),
    /// Nothing, for longer than anybody waits.
    Silence,
}

impl Reply {
    pub(crate) fn json(body: impl Into<String>) -> Self {
        Self::Answer(200, "application/json", body.into())
    }
}

/// Answers on a port of its own until the test ends.
pub(crate) struct Server {
    port: u16,
    asked: Arc<Mutex<Vec<Request>>>,
}

impl Server {
    pub(crate) fn start(reply: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (reply, log) = (Arc::new(reply), Arc::clone(&asked));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (reply, log) = (Arc::clone(&reply), Arc::clone(&log));
                std::thread::spawn(move || serve(stream, &*reply, &log));
            }
        });
        Self { port, asked }
    }

    /// The same answer to every request.
    pub(crate) fn always(reply: Reply) -> Self {
        Self::start(move |_| reply.clone())
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub(crate) fn asked(&self) -> Vec<Request> {
        self.asked.lock().unwrap().clone()
    }
}

fn serve(mut stream: TcpStream, reply: &dyn Fn(&Request) -> Reply, log: &Mutex<Vec<Request>>) {
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
    let Some(first) = lines.next() else { return };
    let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
    let request = Request { path, headers: lines.take_while(|line| !line.is_empty()).collect() };
    log.lock().unwrap().push(request.clone());
    // A client that has gone is no concern of ours.
    let _ = match reply(&request) {
        Reply::Answer(code, kind, body) => write!(
            stream,
            "HTTP/1.1 {code} X\r\ncontent-type: {kind}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
            body.len()
        ),
        Reply::Bytes(bytes) => stream.write_all(bytes),
        Reply::Silence => {
            std::thread::sleep(Duration::from_secs(120));
            Ok(())
        }
    };
}

/// The list of StatefulSets of these names.
pub(crate) fn sets(names: &[&str]) -> String {
    let items: Vec<String> =
        names.iter().map(|name| format!(r#"{{"metadata":{{"name":"{name}","namespace":"shop"}}}}"#)).collect();
    format!(r#"{{"kind":"List","apiVersion":"v1","metadata":{{}},"items":[{}]}}"#, items.join(","))
}

/// A port on which nobody answers.
pub(crate) fn closed_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
