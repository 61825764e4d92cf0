//! `--watch` goes on when the API server is away for a moment.

use std::io::Read;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::postgres::shared;
use crate::support::{Namespace, command, eventually, look_at, proves, run};

/// A way to the API server that can be shut.
struct Door {
    port: u16,
    shut: Arc<AtomicBool>,
    through: Arc<Mutex<Vec<TcpStream>>>,
    keeper: Option<JoinHandle<()>>,
}

impl Door {
    /// Opens a way to the server; port 0 takes any.
    fn open(port: u16, server: &str) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", port)).expect("bind");
        listener.set_nonblocking(true).expect("non-blocking");
        let port = listener.local_addr().expect("an address").port();
        let (shut, through) = (Arc::new(AtomicBool::new(false)), Arc::default());
        let keeper = thread::spawn({
            let (server, shut, through) = (server.to_owned(), Arc::clone(&shut), Arc::clone(&through));
            move || keep(&listener, &server, &shut, &through)
        });
        Self { port, shut, through, keeper: Some(keeper) }
    }
}

impl Drop for Door {
    /// Shuts it: whoever comes is refused, whoever is through is cut off.
    fn drop(&mut self) {
        self.shut.store(true, Ordering::SeqCst);
        if let Some(keeper) = self.keeper.take() {
            keeper.join().expect("the keeper of the door");
        }
        for stream in self.through.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            // It may be closed already.
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

fn keep(listener: &TcpListener, server: &str, shut: &AtomicBool, through: &Mutex<Vec<TcpStream>>) {
    while !shut.load(Ordering::SeqCst) {
        let Ok((inside, _)) = listener.accept() else {
            thread::sleep(Duration::from_millis(20));
            continue;
        };
        inside.set_nonblocking(false).expect("blocking");
        let outside = TcpStream::connect(server).expect("the API server");
        let mut through = through.lock().unwrap_or_else(PoisonError::into_inner);
        for (from, to) in [(&inside, &outside), (&outside, &inside)] {
            let (mut from, mut to) = (from.try_clone().expect("a stream"), to.try_clone().expect("a stream"));
            through.push(from.try_clone().expect("a stream"));
            thread::spawn(move || {
                // It ends when either side does.
                let _ = std::io::copy(&mut from, &mut to);
                let _ = to.shutdown(Shutdown::Both);
            });
        }
    }
}

/// A running `status --watch`, and what it has printed.
struct Watch {
    child: Child,
    printed: Arc<Mutex<String>>,
}

impl Watch {
    fn begin(namespace: &Namespace, flags: &[&str]) -> Self {
        let mut child = command("kubectl")
            .args(["stateful", "status", "db", "--watch", "-n", &namespace.name])
            .args(flags)
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .expect("kubectl");
        let mut stdout = child.stdout.take().expect("stdout");
        let printed = Arc::new(Mutex::new(String::new()));
        let into = Arc::clone(&printed);
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(length @ 1..) = stdout.read(&mut buffer) {
                let text = String::from_utf8_lossy(&buffer[..length]);
                into.lock().unwrap_or_else(PoisonError::into_inner).push_str(&text);
            }
        });
        Self { child, printed }
    }

    /// Waits until the newest whole screen is as it should be.
    fn until_shown(&self, what: &str, holds: impl Fn(&str) -> bool) {
        eventually(what, || {
            let text = self.text();
            // The last one may not be there as a whole; a line of dashes begins the next.
            let screens: Vec<&str> = text.split("--- ").collect();
            let newest = screens.iter().rev().nth(1).copied().unwrap_or_default();
            if holds(newest) { Ok(()) } else { Err(newest.to_owned()) }
        });
    }

    fn text(&self) -> String {
        self.printed.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn watching_goes_on_after_the_api_server_was_away() {
    let namespace = shared();
    let query = ["config", "view", "--minify", "-o", "jsonpath={.clusters[0].cluster.server}"];
    let server = run("kubectl", &query).ok();
    let server = server.trim().trim_start_matches("https://");
    let name = server.rsplit_once(':').expect("a port").0;
    let door = Door::open(0, server);
    let port = door.port;
    let address = format!("https://127.0.0.1:{port}");
    let mut watch = Watch::begin(&namespace, &["--server", &address, "--tls-server-name", name]);
    let whole = |screen: &str| screen.contains("3 of 3 ready") && !screen.contains("error:");
    watch.until_shown("the set", whole);
    drop(door);
    watch.until_shown("an error above what was seen last", |screen| {
        screen.contains("trying again") && screen.contains("3 of 3 ready")
    });
    let _door = Door::open(port, server);
    watch.until_shown("the set again", whole);
    look_at(&watch.text());
    run("kill", &["-INT", &watch.child.id().to_string()]).ok();
    let ended = watch.child.wait().expect("the watch ends");
    assert_eq!(ended.code(), Some(130), "{ended:?}");
    proves(
        "--watch says that the server is away above what was seen last, goes on when it is back, and ends with Ctrl-C",
    );
}
