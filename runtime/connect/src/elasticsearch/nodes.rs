//! The nodes of a cluster: they take turns, and where one does not answer the next one is asked.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use elasticsearch::auth::Credentials;
use elasticsearch::cert::{Certificate, CertificateValidation};
use elasticsearch::http::headers::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderValue};
use elasticsearch::http::transport::{SingleNodeConnectionPool, Transport, TransportBuilder};
use elasticsearch::http::{Method, Url};
use tamis_config::spec::{ElasticsearchLogin, ElasticsearchSinkSpec};
use tamis_core::Mask;
use tamis_core::sink::SinkError;
use tokio::time::Instant;

use super::refusal;

/// How long a node that did not answer is asked last.
const REST: Duration = Duration::from_secs(30);

/// All of them.
pub(super) struct Nodes {
    nodes: Vec<Node>,
    turn: AtomicUsize,
    mask: Mask,
}

struct Node {
    url: String,
    transport: Transport,
    resting: Mutex<Option<Instant>>,
    mask: Mask,
}

/// What is asked of any node.
#[derive(Debug)]
pub(super) struct Question<'a> {
    method: Method,
    /// With its query.
    path: &'a str,
    headers: HeaderMap,
    body: Option<&'a [u8]>,
    timeout: Duration,
}

/// What one answered.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) body: Vec<u8>,
    /// What must not be read in its words.
    pub(super) mask: Mask,
}

/// Why one did not.
struct Silence {
    words: String,
    /// What a person must mend, where waiting would not help.
    advice: Option<&'static str>,
}

impl<'a> Question<'a> {
    /// Lines to write.
    pub(super) fn bulk(path: &'a str, body: &'a [u8], gzip: bool, timeout: Duration) -> Self {
        let mut headers = HeaderMap::new();
        let ndjson = HeaderValue::from_static("application/x-ndjson");
        headers.insert(CONTENT_TYPE, ndjson);
        if gzip {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        Self {
            method: Method::Post,
            path,
            headers,
            body: Some(body),
            timeout,
        }
    }

    /// Something small, in JSON.
    pub(super) fn new(
        method: Method,
        path: &'a str,
        body: Option<&'a [u8]>,
        timeout: Duration,
    ) -> Self {
        Self {
            method,
            path,
            headers: HeaderMap::new(),
            body,
            timeout,
        }
    }
}

impl Reply {
    pub(super) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// Whether another node may do better: this one has no cluster behind it, or is none itself.
    fn is_of_node(&self) -> bool {
        (502..=504).contains(&self.status)
    }
}

impl Nodes {
    /// Makes a client for each; none of them is asked yet.
    ///
    /// # Errors
    /// Where one has no legal URL, or the certificates cannot be read.
    pub(super) fn new(spec: &ElasticsearchSinkSpec) -> Result<Self, SinkError> {
        let mask = mask(&spec.login);
        let nodes = spec.urls.iter().map(|url| Node::new(url, spec, &mask));
        Ok(Self {
            nodes: nodes.collect::<Result<_, _>>()?,
            turn: AtomicUsize::new(0),
            mask,
        })
    }

    /// What must not be read in their words.
    pub(super) fn mask(&self) -> &Mask {
        &self.mask
    }

    /// What a node answers.
    ///
    /// # Errors
    /// Where none does.
    pub(super) async fn ask(&self, question: &Question<'_>) -> Result<Reply, SinkError> {
        let mut silences = Vec::new();
        for node in self.in_turn() {
            match node.ask(question).await {
                Ok(reply) => {
                    node.rest(None);
                    return Ok(reply);
                }
                Err(silence) => {
                    node.rest(Some(Instant::now() + REST));
                    silences.push(silence);
                }
            }
        }
        let words: Vec<_> = silences.iter().map(|it| it.words.as_str()).collect();
        let words = words.join("; ");
        match silences.iter().find_map(|it| it.advice) {
            Some(advice) => Err(SinkError::Misconfigured(
                format!("{words}; {advice}").into(),
            )),
            None => Err(SinkError::Unavailable(words.into())),
        }
    }

    /// Each of them, the next one first, and those that rest last.
    fn in_turn(&self) -> Vec<&Node> {
        let (now, count) = (Instant::now(), self.nodes.len());
        let first = self.turn.fetch_add(1, Ordering::Relaxed) % count;
        let mut nodes: Vec<_> = (first..first + count)
            .map(|index| &self.nodes[index % count])
            .collect();
        nodes.sort_by_key(|node| node.rests(now));
        nodes
    }
}

impl Node {
    fn new(url: &str, spec: &ElasticsearchSinkSpec, mask: &Mask) -> Result<Self, SinkError> {
        let refuse = |what: &str, error: &dyn std::fmt::Display| {
            SinkError::Misconfigured(format!("{what}: {error}").into())
        };
        let parsed = Url::parse(url).map_err(|error| refuse(url, &error))?;
        // What the environment says of proxies was not said of logs.
        let mut builder =
            TransportBuilder::new(SingleNodeConnectionPool::new(parsed)).disable_proxy();
        match &spec.login {
            ElasticsearchLogin::None => {}
            ElasticsearchLogin::User(user, password) => {
                let password = password.expose().to_owned();
                builder = builder.auth(Credentials::Basic(user.clone(), password));
            }
            ElasticsearchLogin::ApiKey(key) => {
                let key = match key.expose().split_once(':') {
                    Some((id, key)) => Credentials::ApiKey(id.to_owned(), key.to_owned()),
                    None => Credentials::EncodedApiKey(key.expose().to_owned()),
                };
                builder = builder.auth(key);
            }
        }
        if let Some(path) = &spec.ca_file {
            let named = format!("ca_file {}", path.display());
            let pem = std::fs::read(path).map_err(|error| refuse(&named, &error))?;
            let trusted = Certificate::from_pem(&pem).map_err(|error| refuse(&named, &error))?;
            builder = builder.cert_validation(CertificateValidation::Full(trusted));
        }
        let transport = builder.build().map_err(|error| refuse(url, &error))?;
        Ok(Self {
            url: url.to_owned(),
            transport,
            resting: Mutex::default(),
            mask: mask.clone(),
        })
    }

    async fn ask(&self, question: &Question<'_>) -> Result<Reply, Silence> {
        let Question {
            method,
            path,
            headers,
            body,
            timeout,
        } = question;
        let sent = self.transport.send(
            *method,
            path,
            headers.clone(),
            None::<&()>,
            *body,
            Some(*timeout),
        );
        let response = sent.await.map_err(|error| self.silence(&error))?;
        let status = response.status_code().as_u16();
        let body = response
            .bytes()
            .await
            .map_err(|error| self.silence(&error))?;
        let reply = Reply {
            status,
            body: body.to_vec(),
            mask: self.mask.clone(),
        };
        if reply.is_of_node() {
            let words = format!("{}: {}", self.url, refusal::words(&reply));
            return Err(Silence {
                words,
                advice: None,
            });
        }
        Ok(reply)
    }

    fn silence(&self, error: &elasticsearch::Error) -> Silence {
        let words = self.mask.hide(chain(error));
        let advice = if words.contains("certificate verify failed") {
            Some(
                "set `ca_file` to the certificate of who signed the cluster's, and name its hosts as it does",
            )
        } else if words.contains("wrong version number") {
            Some("the port does not speak TLS: write `http://`")
        } else {
            None
        };
        let words = format!("{}: {words}", self.url);
        Silence { words, advice }
    }

    fn rest(&self, until: Option<Instant>) {
        *self.resting.lock().expect("no one panics while looking") = until;
    }

    fn rests(&self, now: Instant) -> bool {
        let until = *self.resting.lock().expect("no one panics while looking");
        until.is_some_and(|until| now < until)
    }
}

/// The forms of `login` in which someone may say it again who should not: as it is written, and as it is sent.
fn mask(login: &ElasticsearchLogin) -> Mask {
    let plain = match login {
        ElasticsearchLogin::None => return Mask::default(),
        ElasticsearchLogin::User(user, password) => {
            let password = password.expose();
            vec![password.to_owned(), format!("{user}:{password}")]
        }
        ElasticsearchLogin::ApiKey(key) => {
            let decoded = STANDARD.decode(key.expose()).ok();
            let decoded = decoded.and_then(|it| String::from_utf8(it).ok());
            let whole = [Some(key.expose().to_owned()), decoded];
            let whole = whole.into_iter().flatten();
            // Behind the id, which is no secret.
            let alone = |it: String| {
                let key = it.split_once(':').map(|(_, key)| key.to_owned());
                [Some(it), key].into_iter().flatten()
            };
            whole.flat_map(alone).collect()
        }
    };
    let encoded = plain
        .iter()
        .flat_map(|it| [STANDARD_NO_PAD.encode(it), URL_SAFE_NO_PAD.encode(it)]);
    let encoded: Vec<_> = encoded.collect();
    Mask::new(plain.into_iter().chain(encoded))
}

/// An error and its causes, each said once; the outermost, which says no more than the URL, is left out where there is another.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut said = vec![error.to_string()];
    let mut cause = error.source();
    while let Some(error) = cause {
        let words = error.to_string();
        if !said.contains(&words) {
            said.push(words);
        }
        cause = error.source();
    }
    if said.len() > 1 {
        said.remove(0);
    }
    said.join(": ")
}

#[cfg(test)]
mod tests;
