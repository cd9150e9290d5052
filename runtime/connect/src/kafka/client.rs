//! What all clients of Kafka have in common: their properties, and what their errors ask of the user.

use std::collections::BTreeMap;

use rdkafka::ClientConfig;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::types::RDKafkaConfRes;
use tamis_config::spec::Secret;
use tracing::debug;

/// A configuration of librdkafka: the `preferred` properties, over them those of the user, over them those that Tamis `owns`.
///
/// # Errors
/// Where the user sets a property that Tamis owns.
pub(super) fn configure(
    preferred: &[(&str, String)],
    properties: &BTreeMap<String, Secret>,
    owned: &[(&str, String)],
) -> Result<ClientConfig, String> {
    let mut config = ClientConfig::new();
    // Lines of librdkafka end in `debug!` below, so that a user can ask for them without building anew.
    config.set_log_level(RDKafkaLogLevel::Info);
    for (name, value) in preferred {
        config.set(*name, value);
    }
    for (name, value) in properties {
        if owned.iter().any(|(owned, _)| owned == name) {
            return Err(format!("property {name} is set by tamis itself: remove it"));
        }
        config.set(name, value.expose());
    }
    for (name, value) in owned {
        config.set(*name, value);
    }
    Ok(config)
}

/// Why a client could not be made. A value is never shown: it may be a secret.
pub(super) fn explain(error: &KafkaError) -> String {
    match error {
        KafkaError::ClientConfig(RDKafkaConfRes::RD_KAFKA_CONF_UNKNOWN, _, name, _) => {
            format!("librdkafka does not know the property {name}")
        }
        KafkaError::ClientConfig(_, _, name, _) => {
            format!("librdkafka refuses the value of property {name}")
        }
        KafkaError::ClientCreation(reason) => reason.clone(),
        other => other.to_string(),
    }
}

/// What to do about an error that waiting cannot cure; `None` where it can.
pub(super) fn advice(code: RDKafkaErrorCode) -> Option<&'static str> {
    use RDKafkaErrorCode as Code;
    match code {
        Code::Authentication
        | Code::SaslAuthenticationFailed
        | Code::UnsupportedSASLMechanism
        | Code::IllegalSASLState => {
            Some("check sasl.mechanism, sasl.username and sasl.password among the properties")
        }
        Code::TopicAuthorizationFailed => Some("give this user the right to use the topic"),
        Code::GroupAuthorizationFailed => Some("give this user the right to use the group"),
        Code::ClusterAuthorizationFailed => Some("give this user the right to use the cluster"),
        Code::TransactionalIdAuthorizationFailed => {
            Some("give this user the right to use transactional ids that begin with tamis/")
        }
        Code::InvalidTransactionTimeout => Some(
            "set transaction.timeout.ms to what the brokers accept (transaction.max.timeout.ms)",
        ),
        Code::InvalidTopic => Some("correct the name of the topic"),
        Code::InvalidGroupId => Some("correct the name of the group"),
        Code::InvalidSessionTimeout => {
            Some("set session.timeout.ms to what the brokers accept (group.*.session.timeout.ms)")
        }
        Code::InconsistentGroupProtocol => Some(
            "set partition.assignment.strategy to that of the other members, or use another group",
        ),
        Code::FencedInstanceId => Some("give each member of the group its own group.instance.id"),
        Code::Fatal => Some("librdkafka cannot go on with these properties"),
        _ => None,
    }
}

/// What to do about an error of TLS that waiting cannot cure. OpenSSL has words for it and librdkafka passes them on, but its code
/// is also that of a connection which was cut.
pub(super) fn advice_on_tls(reason: &str) -> Option<&'static str> {
    let says = |words: &[&str]| words.iter().any(|it| reason.contains(it));
    if says(&["certificate verify failed", "Failed to verify broker"]) {
        Some(
            "the certificate of the broker has expired, is for another host than that of its address, or was not signed by an \
             authority of ssl.ca.location; openssl s_client -connect HOST:PORT -CAfile FILE says which",
        )
    } else if says(&[
        "alert certificate required",
        "alert bad certificate",
        "alert unknown ca",
        "alert certificate expired",
    ]) {
        Some(
            "the broker wants a certificate of its clients that it trusts: check ssl.certificate.location and ssl.key.location",
        )
    } else {
        None
    }
}

/// Whether `code` says that credentials were refused, which a broker that is just starting may also do.
pub(super) fn is_authentication(code: RDKafkaErrorCode) -> bool {
    use RDKafkaErrorCode as Code;
    matches!(code, Code::Authentication | Code::SaslAuthenticationFailed)
}

/// The code of `error`; `Fail` for the few that have none.
pub(super) fn code(error: &KafkaError) -> RDKafkaErrorCode {
    error.rdkafka_error_code().unwrap_or(RDKafkaErrorCode::Fail)
}

/// Takes a line of librdkafka's own log.
pub(super) fn log(level: RDKafkaLogLevel, facility: &str, line: &str) {
    debug!(target: "librdkafka", ?level, facility, "{line}");
}
