//! A way to the API server on which changes go wrong: it counts the requests that change something, and does to one of
//! them what it was told. Commands in containers count as well. Plain HTTP, in front of `kubectl proxy`; one connection for each
//! request.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use serde_json::Value;

use super::{command, run};

/// What goes wrong with one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The connection is closed before the request arrives.
    Refused,
    /// It lands, and the connection is closed before the answer.
    AnswerLost,
    /// The server answers this, and does nothing.
    Answers(u16),
    /// The client is killed before the request arrives.
    KilledBefore,
    /// It lands, and the client is killed before the answer.
    KilledAfter,
}

impl Fault {
    pub(crate) const ALL: [Self; 8] = [
        Self::Refused,
        Self::AnswerLost,
        Self::Answers(409),
        Self::Answers(429),
        Self::Answers(500),
        Self::Answers(403),
        Self::KilledBefore,
        Self::KilledAfter,
    ];
}

/// `kubectl proxy`: the way with credentials.
pub(crate) struct Gate {
    child: Child,
    address: String,
}

impl Gate {
    pub(crate) fn open() -> Self {
        let mut child =
            // Unless told otherwise it lets no command through.
            command("kubectl").args(["proxy", "--port=0", "--reject-paths=^$"]).stdout(Stdio::piped()).spawn().expect("kubectl proxy");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("stdout")).read_line(&mut line).expect("a line");
        let address = line.trim().rsplit(' ').next().expect("an address").to_owned();
        Self { child, address }
    }

    /// Reads an object: a process of kubectl for each look would take most of the time of a sweep.
    pub(crate) fn get(&self, path: &str) -> Value {
        // HTTP 1.0 has no chunks.
        let request = format!("GET {path} HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n");
        let answer = Request { head: request, body: Vec::new() }.forward(&self.address).expect("an answer");
        let answer = String::from_utf8_lossy(&answer);
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
        assert!(head.contains(" 200 "), "{path}: {answer}");
        serde_json::from_str(body).unwrap_or_else(|error| panic!("{path}: {error}: {answer}"))
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[derive(Default)]
struct State {
    /// Requests seen that change something.
    seen: u32,
    fault: Option<(u32, Fault)>,
    happened: bool,
    client: Option<u32>,
    landed: Vec<u64>,
}

/// The way on which changes go wrong.
pub(crate) struct Proxy {
    port: u16,
    state: Arc<Mutex<State>>,
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Proxy {
    /// Opens a way through the gate; it ends with the test.
    pub(crate) fn open(gate: &Gate) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("bind");
        let port = listener.local_addr().expect("an address").port();
        let state = Arc::<Mutex<State>>::default();
        let (shared, gate) = (Arc::clone(&state), gate.address.clone());
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let (state, gate) = (Arc::clone(&shared), gate.clone());
                thread::spawn(move || serve(client, &gate, &state));
            }
        });
        Self { port, state }
    }

    /// Writes the kubeconfig that leads here.
    pub(crate) fn kubeconfig(&self) -> String {
        format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: a\ncontexts: [{{name: a, context: {{cluster: a, user: a}}}}]\n\
             clusters: [{{name: a, cluster: {{server: \"http://127.0.0.1:{}\"}}}}]\nusers: [{{name: a, user: {{}}}}]\n",
            self.port
        )
    }

    /// Begins to count anew, and lets one request go wrong: they count from 1.
    pub(crate) fn breaks(&self, fault: Option<(u32, Fault)>) {
        let mut state = lock(&self.state);
        *state = State { fault, landed: std::mem::take(&mut state.landed), ..State::default() };
    }

    /// Says who the client is.
    pub(crate) fn client_is(&self, pid: u32) {
        lock(&self.state).client = Some(pid);
    }

    /// Says how many requests wanted to change something.
    pub(crate) fn seen(&self) -> u32 {
        lock(&self.state).seen
    }

    /// Tells whether the fault has happened.
    pub(crate) fn has_happened(&self) -> bool {
        lock(&self.state).happened
    }

    /// Gives, and forgets, the numbers of replicas that the server took.
    pub(crate) fn landed(&self) -> Vec<u64> {
        std::mem::take(&mut lock(&self.state).landed)
    }
}

/// One request, as it is on the wire.
struct Request {
    head: String,
    body: Vec<u8>,
}

impl Request {
    fn read(from: &TcpStream) -> Option<Self> {
        let mut reader = BufReader::new(from);
        let (mut head, mut length) = (String::new(), 0);
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).ok()? == 0 {
                return None;
            }
            if line.trim().is_empty() {
                break;
            }
            let lower = line.to_ascii_lowercase();
            if let Some(value) = lower.strip_prefix("content-length:") {
                length = value.trim().parse().ok()?;
            }
            assert!(!lower.starts_with("transfer-encoding:"), "a body of unknown length");
            if !lower.starts_with("connection:") {
                head.push_str(&line);
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        let then = if upgrades(&head) { "Upgrade" } else { "close" };
        Some(Self { head: format!("{head}Connection: {then}\r\n\r\n"), body })
    }

    fn changes(&self) -> bool {
        let line = self.head.lines().next().unwrap_or_default();
        upgrades(&self.head) || !line.starts_with("GET ") && !line.contains("/selfsubject")
    }

    /// Reads the number of replicas out of a change of it.
    fn replicas(&self) -> Option<u64> {
        let path = self.head.split([' ', '?']).nth(1)?;
        if !path.ends_with("/scale") || !self.changes() {
            return None;
        }
        let body: Value = serde_json::from_slice(&self.body).ok()?;
        body["spec"]["replicas"].as_u64()
    }

    fn forward(&self, gate: &str) -> Option<Vec<u8>> {
        let mut server = TcpStream::connect(gate).ok()?;
        server.write_all(self.head.as_bytes()).and_then(|()| server.write_all(&self.body)).ok()?;
        let mut answer = Vec::new();
        server.read_to_end(&mut answer).ok()?;
        Some(answer)
    }
}

fn serve(mut client: TcpStream, gate: &str, state: &Mutex<State>) {
    let Some(request) = Request::read(&client) else { return };
    let fault = if request.changes() { count(state) } else { None };
    if upgrades(&request.head) {
        run_through(client, &request, gate, state, fault);
        return;
    }
    let land = || {
        let answer = request.forward(gate);
        let taken = answer.as_ref().is_some_and(|answer| answer.starts_with(b"HTTP/1.1 2"));
        if let Some(replicas) = request.replicas().filter(|_| taken) {
            lock(state).landed.push(replicas);
        }
        answer
    };
    let answer = match fault {
        None => land(),
        Some(Fault::Refused) => None,
        Some(Fault::AnswerLost) => {
            land();
            None
        }
        Some(Fault::Answers(code)) => Some(refusal(code)),
        Some(Fault::KilledBefore) => {
            kill(state);
            None
        }
        Some(Fault::KilledAfter) => {
            land();
            kill(state);
            None
        }
    };
    // A client that was killed reads no answer.
    let _ = client.write_all(&answer.unwrap_or_default());
}

/// Tells whether a request becomes a connection of another kind: a command in a container.
fn upgrades(head: &str) -> bool {
    head.to_ascii_lowercase().contains("\r\nupgrade:")
}

/// How long a command is left alone before its connection is cut off.
const CUT_OFF: Duration = Duration::from_millis(300);

/// Lets a command through, or does to it what was told.
fn run_through(mut client: TcpStream, request: &Request, gate: &str, state: &Mutex<State>, fault: Option<Fault>) {
    match fault {
        Some(Fault::Refused) => return,
        Some(Fault::Answers(code)) => {
            // A client that was killed reads no answer.
            let _ = client.write_all(&refusal(code));
            return;
        }
        Some(Fault::KilledBefore) => return kill(state),
        Some(Fault::AnswerLost | Fault::KilledAfter) | None => {}
    }
    let Ok(mut server) = TcpStream::connect(gate) else { return };
    if server.write_all(request.head.as_bytes()).is_err() {
        return;
    }
    let (Ok(mut up), Ok(mut down)) = (client.try_clone(), server.try_clone()) else { return };
    let upward = thread::spawn(move || {
        // Either side may go first.
        let _ = std::io::copy(&mut up, &mut server);
        let _ = server.shutdown(Shutdown::Both);
    });
    if fault.is_some() {
        let ends = (client.try_clone(), down.try_clone());
        thread::sleep(CUT_OFF);
        if fault == Some(Fault::KilledAfter) {
            kill(state);
        }
        for end in [ends.0, ends.1].into_iter().flatten() {
            let _ = end.shutdown(Shutdown::Both);
        }
    } else {
        let _ = std::io::copy(&mut down, &mut client);
        let _ = client.shutdown(Shutdown::Both);
    }
    upward.join().expect("a way up");
}

/// Counts a request that wants to change something, and says what is to go wrong with it.
fn count(state: &Mutex<State>) -> Option<Fault> {
    let mut state = lock(state);
    state.seen += 1;
    let fault = state.fault.filter(|(at, _)| *at == state.seen).map(|(_, fault)| fault);
    state.happened |= fault.is_some();
    fault
}

fn refusal(code: u16) -> Vec<u8> {
    let status = format!(
        r#"{{"kind":"Status","apiVersion":"v1","status":"Failure","message":"so says the test","code":{code}}}"#
    );
    let length = status.len();
    let head = format!("HTTP/1.1 {code} Refused\r\nContent-Type: application/json\r\nContent-Length: {length}");
    format!("{head}\r\nConnection: close\r\n\r\n{status}").into_bytes()
}

fn kill(state: &Mutex<State>) {
    let pid = loop {
        if let Some(pid) = lock(state).client {
            break pid;
        }
        thread::sleep(Duration::from_millis(1));
    };
    run("kill", &["-KILL", &pid.to_string()]).ok();
}
