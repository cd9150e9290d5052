//! The HTTP server: a thread with a runtime of its own, so that lanes that are busy keep no one waiting, and no one who asks keeps
//! them.

use std::convert::Infallible;
use std::net::TcpListener as StdListener;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{self, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};
use tracing::{debug, info, warn};

use super::exposition::CONTENT_TYPE;
use super::options::{Listen, Token};
use super::{Status, Watched, health, metrics};

/// Connections that are served at once; more wait in the system's queue.
const CONNECTIONS_MAX: usize = 128;
/// How long the head of a request may take.
const HEAD_TIME_MAX: Duration = Duration::from_secs(1);
/// How long a connection may take, which is for one request.
const CONNECTION_TIME_MAX: Duration = Duration::from_secs(15);
/// Bytes of the head of a request.
const HEAD_BYTES_MAX: usize = 16 << 10;
/// How long the runtime of the pipelines may take to do nothing at all.
const ALIVE_WITHIN: Duration = Duration::from_secs(2);
/// Before another try where no connection can be taken: the process has too many files open.
const TRY_AGAIN: Duration = Duration::from_secs(1);

const JSON: &str = "application/json";
const TEXT: &str = "text/plain; charset=utf-8";

/// What requests are answered from.
struct Desk {
    pipelines: Vec<Arc<Watched>>,
    token: Option<Token>,
    /// The runtime that the pipelines are on.
    runtime: Handle,
}

/// Answers at the address of `listen` from now on, for as long as the process lives; `runtime` is that of the `pipelines`.
///
/// # Errors
/// When nothing can listen there.
pub(crate) fn start(listen: Listen, pipelines: Vec<Arc<Watched>>, runtime: Handle) -> Result<()> {
    let Listen { address, token } = listen;
    let listener = StdListener::bind(address).with_context(|| {
        format!("--telemetry {address}: nothing can listen there; name another address or port")
    })?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    let own = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let desk = Arc::new(Desk {
        pipelines,
        token,
        runtime,
    });
    thread::Builder::new()
        .name("telemetry".to_owned())
        .spawn(move || own.block_on(serve(listener, desk)))?;
    info!(%address, "telemetry is answered");
    Ok(())
}

async fn serve(listener: StdListener, desk: Arc<Desk>) {
    let listener = match TcpListener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => return warn!(%error, "telemetry is not answered"),
    };
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let place = Arc::clone(&places).acquire_owned().await;
        let place = place.expect("the semaphore is never closed");
        match listener.accept().await {
            Ok((stream, _)) => {
                let desk = Arc::clone(&desk);
                tokio::spawn(async move {
                    answer(stream, desk).await;
                    drop(place);
                });
            }
            Err(error) => {
                debug!(%error, "no connection can be taken, trying again");
                sleep(TRY_AGAIN).await;
            }
        }
    }
}

/// Serves one connection: one request, whose body is not read.
async fn answer(stream: TcpStream, desk: Arc<Desk>) {
    let service = service_fn(move |request| {
        let desk = Arc::clone(&desk);
        async move { Ok::<_, Infallible>(desk.answer(&request).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME_MAX)
        .keep_alive(false)
        .max_buf_size(HEAD_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), service);
    match timeout(CONNECTION_TIME_MAX, connection).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => debug!(%error, "a connection ended early"),
        Err(_) => debug!("a connection took too long"),
    }
}

impl Desk {
    async fn answer(&self, request: &Request<Incoming>) -> Response<Full<Bytes>> {
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            return reply(StatusCode::METHOD_NOT_ALLOWED, TEXT, "only GET\n".into());
        }
        match request.uri().path() {
            "/health/live" => {
                let live = self.is_alive().await;
                health_of(live, json!({ "live": live }).to_string())
            }
            "/health/ready" => {
                let (ready, told) = health::ready(&self.statuses(), self.knows(request));
                health_of(ready, told.to_string())
            }
            "/metrics" if self.knows(request) => {
                reply(StatusCode::OK, CONTENT_TYPE, metrics::of(&self.statuses()))
            }
            "/metrics" => {
                let words = "send the token: Authorization: Bearer TOKEN\n".into();
                let mut reply = reply(StatusCode::UNAUTHORIZED, TEXT, words);
                let bearer = HeaderValue::from_static("Bearer");
                reply.headers_mut().insert(header::WWW_AUTHENTICATE, bearer);
                reply
            }
            _ => {
                let words = "there are /metrics, /health/live and /health/ready\n".into();
                reply(StatusCode::NOT_FOUND, TEXT, words)
            }
        }
    }

    /// Whether whoever asks may know more than how things are.
    fn knows(&self, request: &Request<Incoming>) -> bool {
        let Some(token) = &self.token else {
            return true;
        };
        let given = request.headers().get(header::AUTHORIZATION);
        let given = given.and_then(|given| given.to_str().ok()?.split_once(' '));
        given.is_some_and(|(scheme, given)| {
            scheme.eq_ignore_ascii_case("bearer") && token.is(given.trim())
        })
    }

    fn statuses(&self) -> Vec<Status> {
        self.pipelines.iter().map(|it| it.status()).collect()
    }

    /// Whether the runtime of the pipelines still does what it is given.
    async fn is_alive(&self) -> bool {
        let nothing = self.runtime.spawn(async {});
        matches!(timeout(ALIVE_WITHIN, nothing).await, Ok(Ok(())))
    }
}

fn health_of(is_well: bool, json: String) -> Response<Full<Bytes>> {
    let status = if is_well {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    reply(status, JSON, json + "\n")
}

fn reply(status: StatusCode, kind: &'static str, body: String) -> Response<Full<Bytes>> {
    let mut reply = Response::new(Full::new(Bytes::from(body)));
    *reply.status_mut() = status;
    let headers = reply.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    reply
}
