//! A stand-in for AWS that answers what a test says, and can fail as a network does.

#![allow(dead_code, reason = "each test program uses its own part of it")]

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration as Span;

use aws_sdk_ec2::config::{Credentials, SharedCredentialsProvider};
use provisioner_live::cloud::ec2::{Ec2, Ec2Config};

/// What a request is answered with.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    /// Status 200 and this body.
    Body(String),
    /// This status and body.
    Status(u16, String),
    /// As much of the body as there is, of more that was promised.
    Half(String),
    /// The connection is reset.
    Reset,
    /// Nothing, until the test is over.
    Silence,
}

impl Answer {
    /// EC2's form of an error.
    pub(crate) fn error(status: u16, code: &str, message: &str) -> Self {
        let error = format!("<Error><Code>{code}</Code><Message>{message}</Message></Error>");
        let body = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
             <Response><Errors>{error}</Errors><RequestID>ea966190-f9aa</RequestID></Response>"
        );
        Self::Status(status, body)
    }

    /// EC2's form of an answer.
    pub(crate) fn of(action: &str, content: &str) -> Self {
        let namespace = "http://ec2.amazonaws.com/doc/2016-11-15/";
        Self::Body(format!(
            "<{action}Response xmlns=\"{namespace}\"><requestId>1</requestId>{content}</{action}Response>"
        ))
    }
}

/// A request, as it came.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// The API action.
    pub(crate) action: String,
    /// What was asked; JSON is one field, `body`.
    pub(crate) fields: Vec<(String, String)>,
    /// Who says to ask.
    pub(crate) user_agent: String,
}

impl Request {
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The values of fields with such a beginning.
    pub(crate) fn values(&self, beginning: &str) -> Vec<&str> {
        let named = self.fields.iter().filter(|(key, _)| key.starts_with(beginning));
        named.map(|(_, value)| value.as_str()).collect()
    }
}

/// A running server.
pub(crate) struct Server {
    url: String,
    asked: Arc<Mutex<Vec<Request>>>,
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    pub(crate) fn start(answer: impl Fn(&Request) -> Answer + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("it has one"));
        let (asked, over) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(false)));
        let (seen, ended) = (Arc::clone(&asked), Arc::clone(&over));
        let thread = thread::spawn(move || {
            let mut silent = Vec::new();
            while let Ok((stream, _)) = listener.accept() {
                if ended.load(Ordering::Relaxed) {
                    return;
                }
                let Some((request, length)) = look(&stream) else { continue };
                let answer = answer(&request);
                seen.lock().expect("no test panics while it writes").push(request);
                silent.extend(write(stream, length, answer));
            }
        });
        Self { url, asked, over, thread: Some(thread) }
    }

    /// The requests so far.
    pub(crate) fn asked(&self) -> Vec<Request> {
        self.asked.lock().expect("no test panics while it writes").clone()
    }

    pub(crate) fn config(&self) -> Ec2Config {
        config(&self.url)
    }

    pub(crate) async fn ec2(&self) -> Ec2 {
        Ec2::new(self.config()).await.expect("it takes any credentials")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        let address = self.url.trim_start_matches("http://").to_owned();
        // One more connection, so that it looks up.
        drop(TcpStream::connect(address));
        if let Some(thread) = self.thread.take() {
            // What it panicked of, the test has seen.
            let _ = thread.join();
        }
    }
}

/// How a provisioner reaches such a server.
pub(crate) fn config(url: &str) -> Ec2Config {
    let credentials = Credentials::new("testing", "a-secret-key", None, None, "tests");
    Ec2Config {
        endpoint: Some(url.to_owned()),
        credentials: Some(SharedCredentialsProvider::new(credentials)),
        answer_timeout: Span::from_millis(700),
        ..Ec2Config::new("prod", "us-east-1")
    }
}

/// Most bytes of a request.
const REQUEST_MAX: usize = 1 << 17;

/// Looks at a request until it is whole, and leaves it in the connection; nothing, if nobody sends
/// one. Says how long it is.
fn look(stream: &TcpStream) -> Option<(Request, usize)> {
    let mut bytes = vec![0; REQUEST_MAX];
    loop {
        let seen = stream.peek(&mut bytes).ok().filter(|seen| *seen > 0)?;
        let text = std::str::from_utf8(&bytes[..seen]).expect("text");
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let header = |wanted: &str| {
                let mut lines = head.lines().filter_map(|line| line.split_once(": "));
                lines.find(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| value)
            };
            let length = header("content-length").map_or(0, |it| it.parse().expect("a number"));
            if body.len() >= length {
                let (action, fields) = parsed(header("x-amz-target"), body);
                let user_agent = header("x-amz-user-agent").unwrap_or_default().to_owned();
                return Some((Request { action, fields, user_agent }, seen));
            }
        }
        thread::sleep(Span::from_millis(1));
    }
}

fn parsed(target: Option<&str>, body: &str) -> (String, Vec<(String, String)>) {
    if let Some((_, action)) = target.and_then(|target| target.split_once('.')) {
        return (action.to_owned(), vec![("body".to_owned(), body.to_owned())]);
    }
    let fields = body.split('&').map(|field| {
        let (name, value) = field.split_once('=').unwrap_or((field, ""));
        (decoded(name), decoded(value))
    });
    let fields: Vec<(String, String)> = fields.collect();
    let action = fields.iter().find(|(name, _)| name == "Action").map(|(_, value)| value.clone());
    (action.expect("each names its action"), fields)
}

/// Answers; gives the connection back if it is to stay silent.
fn write(mut stream: TcpStream, length: usize, answer: Answer) -> Option<TcpStream> {
    let (status, body, more) = match answer {
        Answer::Body(body) => (200, body, 0),
        Answer::Status(status, body) => (status, body, 0),
        Answer::Half(body) => (200, body, 100),
        // Closed with something unread in it, a connection is reset.
        Answer::Reset => return None,
        Answer::Silence => return Some(stream),
    };
    stream.read_exact(&mut vec![0; length]).expect("it is there");
    let length = body.len() + more;
    let head = format!(
        "HTTP/1.1 {status} X\r\nContent-Length: {length}\r\nConnection: close\r\n\
         Date: Wed, 21 Oct 2015 07:28:00 GMT\r\n\
         Content-Type: text/xml\r\n\r\n"
    );
    // Whoever asked may be gone.
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body.as_bytes()));
    None
}

/// Undoes what forms do to letters.
fn decoded(text: &str) -> String {
    let (mut bytes, mut rest) = (Vec::new(), text.bytes());
    while let Some(byte) = rest.next() {
        match byte {
            b'%' => {
                let digits = [rest.next(), rest.next()].map(|it| it.expect("two digits") as char);
                let digits: String = digits.iter().collect();
                bytes.push(u8::from_str_radix(&digits, 16).expect("two digits"));
            }
            b'+' => bytes.push(b' '),
            byte => bytes.push(byte),
        }
    }
    String::from_utf8(bytes).expect("text")
}
