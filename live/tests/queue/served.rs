//! A server of a test's own that answers what the test says.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::header::LOCATION;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

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
        let url = format!("http://{}", listener.local_addr().expect("it has an address"));
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
