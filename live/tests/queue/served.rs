//! A server of a test's own that answers what the test says.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::header::LOCATION;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::serve::Listener;
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::ca::Identity;

/// Stops with the test.
pub(crate) struct Served {
    pub(crate) url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
    task: JoinHandle<()>,
}

/// A request.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) uri: Uri,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

type Answer = Arc<dyn Fn(usize, &Asked) -> (u16, String) + Send + Sync>;
type Known = (Answer, Arc<Mutex<Vec<Asked>>>);

impl Served {
    /// Answers the n-th request (from zero) with what `answer` gives.
    pub(crate) async fn new(
        answer: impl Fn(usize, &Asked) -> (u16, String) + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        Self::at(listener, "http", answer)
    }

    /// Answers every request so, over TLS.
    pub(crate) async fn encrypted(identity: &Identity, status: u16, body: &str) -> Self {
        let tcp = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let body = body.to_owned();
        let listener = Encrypted { tcp, acceptor: acceptor(identity) };
        Self::at(listener, "https", move |_, _| (status, body.clone()))
    }

    fn at<L: Listener<Addr = SocketAddr>>(
        listener: L,
        scheme: &str,
        answer: impl Fn(usize, &Asked) -> (u16, String) + Send + Sync + 'static,
    ) -> Self {
        let url = format!("{scheme}://{}", listener.local_addr().expect("it has an address"));
        let asked: Arc<Mutex<Vec<Asked>>> = Arc::default();
        let known: Known = (Arc::new(answer), Arc::clone(&asked));
        let router = Router::new().fallback(reply).with_state(known);
        let task = tokio::spawn(async move {
            axum::serve(listener, router).await.expect("it serves for ever");
        });
        Self { url, asked, task }
    }

    /// Answers every request so.
    pub(crate) async fn saying(status: u16, body: &str) -> Self {
        let body = body.to_owned();
        Self::new(move |_, _| (status, body.clone())).await
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().expect("it is whole").clone()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A listener for who believes its certificate.
struct Encrypted {
    tcp: TcpListener,
    acceptor: TlsAcceptor,
}

impl Listener for Encrypted {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            let (stream, from) = self.tcp.accept().await.expect("it listens");
            if let Ok(stream) = self.acceptor.accept(stream).await {
                return (stream, from);
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.tcp.local_addr()
    }
}

fn acceptor(Identity { certificate, key }: &Identity) -> TlsAcceptor {
    let certificate = CertificateDer::from_pem_file(certificate).expect("a certificate");
    let key = PrivateKeyDer::from_pem_file(key).expect("a key");
    let server = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
    let server = server.with_safe_default_protocol_versions().expect("it has ciphers");
    let server = server.with_no_client_auth().with_single_cert(vec![certificate], key);
    TlsAcceptor::from(Arc::new(server.expect("they fit")))
}

/// What a redirect says is where to.
async fn reply(State((answer, asked)): State<Known>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1 << 20).await.expect("it is small");
    let request = Asked { uri: parts.uri, headers: parts.headers, body };
    let number = {
        let mut asked = asked.lock().expect("it is whole");
        asked.push(request.clone());
        asked.len() - 1
    };
    let (status, body) = answer(number, &request);
    let status = StatusCode::from_u16(status).expect("a status");
    match status.is_redirection() {
        true => (status, [(LOCATION, body)]).into_response(),
        false => (status, body).into_response(),
    }
}
