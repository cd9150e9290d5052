//! A client of the driver, made of a specification.

use std::time::Duration;

use mongodb::Client;
use mongodb::bson::doc;
use mongodb::options::{
    Acknowledgment, ClientOptions, ReadPreference, SelectionCriteria, Tls, TlsOptions, WriteConcern,
};
use tamis_config::spec::{MongodbServers, MongodbSinkSpec, MongodbTls, MongodbWriteConcern};
use tamis_core::sink::SinkError;

use super::failure::Failure;
use super::insert::bounded;

/// A cluster that has answered.
pub(super) struct Cluster {
    pub(super) client: Client,
    /// Bytes of the largest document that it takes.
    pub(super) document_bytes_max: usize,
}

/// Connects, and asks for an answer.
///
/// # Errors
/// Where there is none, or it is a refusal.
pub(super) async fn connect(spec: &MongodbSinkSpec) -> Result<Cluster, SinkError> {
    let options = options(spec).await?;
    let client = Client::with_options(options).map_err(|error| stop(Failure::of(&error)))?;
    let limit = Duration::from_millis(spec.timeout_ms);
    let admin = client.database("admin");
    let answer = bounded(limit, admin.run_command(doc! { "hello": 1 })).await;
    let hello = answer
        .map_err(stop)?
        .map_err(|error| stop(Failure::of(&error)))?;
    let max = hello
        .get_i32("maxBsonObjectSize")
        .unwrap_or(DOCUMENT_BYTES_MAX);
    Ok(Cluster {
        client,
        document_bytes_max: usize::try_from(max).unwrap_or(usize::MAX),
    })
}

/// What is said of a URI that the driver does not understand.
const NOT_UNDERSTOOD: &str = "`uri` is not understood: it is `mongodb://USER:PASSWORD@HOST:PORT,HOST:PORT/?OPTION=VALUE&…`, with \
                              user and password percent-encoded; look at the hosts, their ports and the options";

/// What every MongoDB takes.
const DOCUMENT_BYTES_MAX: i32 = 16 << 20;

/// A failure that is not about the documents of a request.
pub(super) fn stop(failure: Failure) -> SinkError {
    match failure {
        Failure::Away(words) => SinkError::Unavailable(words.into()),
        Failure::Person(words) | Failure::Collection(words) | Failure::Document(words) => {
            SinkError::Misconfigured(words.into())
        }
    }
}

async fn options(spec: &MongodbSinkSpec) -> Result<ClientOptions, SinkError> {
    let mut options = parsed(spec.uri.expose()).await?;
    // Half of the time, so that the other half is left for saying why.
    let half = Duration::from_millis(spec.timeout_ms / 2);
    options.app_name.get_or_insert_with(|| "tamis".to_owned());
    options.server_selection_timeout = Some(half);
    options.connect_timeout = Some(half);
    options.write_concern = Some(write_concern(&spec.write_concern, half));
    // Whether a document is there is asked where it was written.
    let primary = SelectionCriteria::ReadPreference(ReadPreference::Primary);
    options.selection_criteria = Some(primary);
    if let Some(tls) = &spec.tls {
        options.tls = Some(Tls::Enabled(tls_options(tls)));
    }
    Ok(options)
}

/// What is in `uri`.
async fn parsed(uri: &str) -> Result<ClientOptions, SinkError> {
    let not_understood = || SinkError::Misconfigured(NOT_UNDERSTOOD.into());
    // The driver would cut a text behind a `%` in the middle of a character, and panic with the text in its words.
    let is_encoded = |part: &str| {
        let digits = part.as_bytes().get(..2);
        digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    };
    if !uri.split('%').skip(1).all(is_encoded) {
        return Err(not_understood());
    }
    // What it says may show a part of it, and so of a password: whatever it takes for a host, a port or an option.
    let parsed = ClientOptions::parse(uri).await;
    parsed.map_err(|_| not_understood())
}

fn write_concern(spec: &MongodbWriteConcern, timeout: Duration) -> WriteConcern {
    let servers = match &spec.servers {
        MongodbServers::Majority => Acknowledgment::Majority,
        MongodbServers::Count(count) => Acknowledgment::Nodes(*count),
        MongodbServers::Named(name) => Acknowledgment::Custom(name.clone()),
    };
    let concern = WriteConcern::builder().w(servers).journal(spec.journal);
    concern.w_timeout(timeout).build()
}

fn tls_options(spec: &MongodbTls) -> TlsOptions {
    let MongodbTls {
        ca,
        certificate_key,
    } = spec;
    let options = TlsOptions::builder().ca_file_path(ca.clone());
    options.cert_key_file_path(certificate_key.clone()).build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn nothing_of_a_uri_is_shown_that_is_not_understood() {
        for uri in [
            "mongodb://tamis:s3sam",
            "mongodb://tamis:s3sam@db:port/",
            "mongodb://tamis:s3sam:s3sam@db/",
            "mongodb://tamis:s3sam/s3sam@db/",
            "mongodb://tamis:s3sam%zz@db/",
            "mongodb://tamis:%日s3sam@db/",
            "mongodb://tamis:s3sam?s3sam@db/",
            "mongodb://tamis:s3sam#s3sam",
            "mongodb://[s3sam",
            "mongodb://db/s3sam$s3sam",
            "mongodb://db/?authMechanism=s3sam",
            "mongodb://db/?s3sam",
            "mongodb://db/?tls=s3sam",
            "s3sam://db/",
        ] {
            let Err(SinkError::Misconfigured(error)) = parsed(uri).await else {
                panic!("{uri} is understood");
            };
            assert_eq!(error.to_string(), NOT_UNDERSTOOD);
        }
        assert!(parsed("mongodb://tamis:s3%40sam@db:27017/").await.is_ok());
    }
}
