//! A relay before a database that swallows the answers to some commits, which were made.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;
use std::time::Duration as Span;

/// Lasts as long as the process.
pub(crate) struct Swallowing {
    pub(crate) port: u16,
    /// Of how many commits one is not answered; of none if it is 0.
    pub(crate) every: Arc<AtomicU32>,
    pub(crate) swallowed: Arc<AtomicU32>,
}

impl Swallowing {
    /// Before a server on this machine.
    pub(crate) fn before(server: u16, every: u32) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("it has one").port();
        let (every, swallowed) = (Arc::new(AtomicU32::new(every)), Arc::default());
        let relay = Self { port, every: Arc::clone(&every), swallowed: Arc::clone(&swallowed) };
        let commits = Arc::new(AtomicU32::new(0));
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let Ok(server) = TcpStream::connect(("127.0.0.1", server)) else { continue };
                let is_mute = Arc::new(AtomicBool::new(false));
                let (from, to) = (copy_of(&server), copy_of(&client));
                let heard = Arc::clone(&is_mute);
                thread::spawn(move || relayed(from, to, |_| heard.load(Ordering::SeqCst)));
                let (every, swallowed) = (Arc::clone(&every), Arc::clone(&swallowed));
                let commits = Arc::clone(&commits);
                thread::spawn(move || {
                    relayed(client, server, |message| {
                        if message.windows(6).any(|it| it == b"COMMIT") {
                            let (nth, every) = (
                                commits.fetch_add(1, Ordering::SeqCst) + 1,
                                every.load(Ordering::SeqCst),
                            );
                            if every > 0 && nth.is_multiple_of(every) {
                                is_mute.store(true, Ordering::SeqCst);
                                swallowed.fetch_add(1, Ordering::SeqCst);
                            }
                        }
                        false
                    });
                });
            }
        });
        relay
    }
}

fn copy_of(stream: &TcpStream) -> TcpStream {
    stream.try_clone().expect("a handle")
}

/// Relays until one side ends, or what came is to be the last, which the other side never sees.
fn relayed(mut from: TcpStream, mut to: TcpStream, mut is_last: impl FnMut(&[u8]) -> bool) {
    let mut buffer = [0; 64 << 10];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        let message = &buffer[..length];
        if is_last(message) || to.write_all(message).is_err() {
            break;
        }
    }
    // What was sent last arrives first.
    thread::sleep(Span::from_millis(20));
    for stream in [from, to] {
        // The other direction may have done so.
        let _ = stream.shutdown(Shutdown::Both);
    }
}
