//! How a process that runs pipelines is told what to do: a socket for each of them, in its state folder.
//!
//! A request is a line of JSON, and so is each part of its answer, the last of which is `{"end": …}`. The socket is for the owner
//! of the process, and for root. For operators: `docs/swap.md`.

pub(crate) mod client;

mod address;
mod server;

use std::path::PathBuf;

use async_trait::async_trait;
use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use crate::tap::Wanted;

pub(crate) use self::server::{Events, serve};

/// What a client asks for. Names of plugins are those in the pipeline's configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "request", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Request {
    /// Put another version in the place of a plugin. Answered by each step as it ends.
    Deploy {
        plugin: String,
        /// Absolute, and read by the server.
        file: PathBuf,
        /// In the place of what the configuration says.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        promote: Option<Policy>,
    },
    /// What there was, of one plugin or of all. Answered by the entries of the history, oldest first.
    Versions {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        plugin: Option<String>,
    },
    /// Let a version run that waits for a person.
    Promote { plugin: String },
    /// Go back to the version before.
    Rollback { plugin: String },
    /// Read the configuration again.
    Reload,
    /// How it goes.
    Status,
    /// Take no more records until told otherwise. Answered at once.
    Pause,
    /// Take records again.
    Resume,
    /// As `pause`, and answered once all that was taken is settled and committed: until then by how much is not.
    Drain {
        /// Then end, as a signal would have it.
        #[serde(default)]
        stop: bool,
    },
    /// Show some of the records that flow, and what becomes of them. Answered until the client goes away.
    Tap(Wanted),
}

/// When a version that passed all steps takes the place of the one that runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Policy {
    /// At once
    Auto,
    /// At once if it does the same to the last records, else when a person says so
    IfSame,
    /// When a person says so
    Manual,
}

/// How a request ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Ended {
    pub(crate) ok: bool,
    /// What came of it, or why not, in a line.
    pub(crate) said: String,
}

/// The last line of an answer.
#[derive(Debug, Serialize, Deserialize)]
struct Last {
    end: Ended,
}

/// Who does what is asked for. A client that goes away ends nothing.
#[async_trait]
pub(crate) trait Handler: Send + Sync {
    async fn handle(&self, request: Request, events: Events) -> Ended;
}

impl Ended {
    /// It is as it was asked for.
    pub(crate) fn done(said: impl Into<String>) -> Self {
        let said = said.into();
        Self { ok: true, said }
    }

    /// It is not.
    pub(crate) fn failed(said: impl Into<String>) -> Self {
        let said = said.into();
        Self { ok: false, said }
    }
}
