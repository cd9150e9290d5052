//! `tamis plugin deploy`, `promote` and `rollback`, which ask the process that runs the pipeline, and `versions`, which reads what
//! it has noted.

mod steps;
mod versions;

use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::fs::FileTypeExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::cli::StateOption;
use crate::cli::plugin::live::{
    DeployArguments, PipelineArguments, PromoteArguments, RollbackArguments,
};
use crate::control::client::{AskError, ask};
use crate::control::{Ended, Request};
use crate::exit::{self, Exit, Misuse};
use crate::run::{Signals, runtime};
use crate::state;
use crate::telemetry::Status;

pub(super) use self::versions::run as versions;

use self::steps::Steps;

pub(super) fn deploy(arguments: &DeployArguments) -> Exit {
    let DeployArguments {
        of,
        plugin,
        file,
        promote,
        json,
    } = arguments;
    let request = found(file).map(|file| Request::Deploy {
        plugin: plugin.clone(),
        file,
        promote: *promote,
    });
    exit::of(request.and_then(|request| tell(of, &request, *json)))
}

pub(super) fn promote(arguments: &PromoteArguments) -> Exit {
    let plugin = arguments.plugin.clone();
    exit::of(tell(&arguments.of, &Request::Promote { plugin }, false))
}

pub(super) fn rollback(arguments: &RollbackArguments) -> Exit {
    let plugin = arguments.plugin.clone();
    exit::of(tell(&arguments.of, &Request::Rollback { plugin }, false))
}

/// The absolute path of `file`: the process that reads it may have been started in another folder.
fn found(file: &Path) -> Result<PathBuf> {
    let name = file.display();
    if !file.is_file() {
        return Err(Misuse(format!("{name}: there is no such file")).into());
    }
    std::path::absolute(file).with_context(|| name.to_string())
}

/// A pipeline that runs, and where it takes orders.
#[derive(Debug, Clone)]
pub(crate) struct Live {
    pub(crate) pipeline: String,
    socket: PathBuf,
}

impl Live {
    pub(crate) fn of(pipeline: &str, state: &StateOption) -> Result<Self> {
        Ok(Self {
            pipeline: pipeline.to_owned(),
            socket: state::socket(&folder(pipeline, state)?),
        })
    }

    /// Those that run or ran by a state folder, in the order of their names.
    pub(crate) fn all(state: &StateOption) -> Result<Vec<Self>> {
        let folder = chosen(state)?;
        let entries = match fs::read_dir(&folder) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries,
        };
        let mut all = Vec::new();
        for entry in entries.with_context(|| folder.display().to_string())? {
            // Names of pipelines are text.
            if let Ok(pipeline) = entry?.file_name().into_string() {
                let socket = state::socket(&state::of_pipeline(&folder, &pipeline));
                all.push(Self { pipeline, socket });
            }
        }
        all.sort_by(|one, other| one.pipeline.cmp(&other.pipeline));
        Ok(all)
    }

    /// Whether a process listens there, or has died without a word.
    pub(crate) fn has_socket(&self) -> bool {
        fs::symlink_metadata(&self.socket).is_ok_and(|found| found.file_type().is_socket())
    }

    /// Asks for `request`. Gives each line of the answer to `take`, and is back with its end.
    pub(crate) async fn ask(
        &self,
        request: &Request,
        take: impl FnMut(&str) -> io::Result<()>,
    ) -> Result<Ended> {
        let asked = self.try_ask(request, take).await;
        asked.map_err(|error| self.explain(error))
    }

    /// How it is, with the line of JSON that says so.
    pub(crate) async fn status(&self) -> Result<(Status, String)> {
        let told = self.try_status().await;
        told.map_err(|error| self.explain(error))
    }

    /// As [`status`](Self::status), for those who know what to do without an answer.
    pub(crate) async fn try_status(&self) -> Result<(Status, String), AskError> {
        let mut line = None;
        let take = |told: &str| {
            line.get_or_insert_with(|| told.to_owned());
            Ok(())
        };
        let ended = self.try_ask(&Request::Status, take).await?;
        let line = line.ok_or_else(|| io::Error::other(ended.said))?;
        let status = serde_json::from_str(&line).map_err(|error| {
            io::Error::other(format!(
                "its answer is that of another version of tamis: {error}"
            ))
        })?;
        Ok((status, line))
    }

    /// As [`ask`](Self::ask), for those who know what to do without an answer.
    pub(crate) async fn try_ask(
        &self,
        request: &Request,
        take: impl FnMut(&str) -> io::Result<()>,
    ) -> Result<Ended, AskError> {
        ask(&self.socket, request, take).await
    }

    /// Why there is no answer, for a person.
    pub(crate) fn explain(&self, error: AskError) -> anyhow::Error {
        let (pipeline, socket) = (&self.pipeline, self.socket.display());
        match error {
        AskError::NotRunning(error) => Misuse(format!(
            "no process that runs pipeline {pipeline} listens at {socket} ({error}); start it with `tamis run`, or name the state \
             folder that it was started with: --state DIR"
        ))
        .into(),
        AskError::Forbidden(error) => Misuse(format!(
            "{socket} is for its owner and root alone ({error}); ask as the user that runs pipeline {pipeline}"
        ))
        .into(),
        AskError::CutOff => anyhow::anyhow!(
            "pipeline {pipeline} ended before it answered; `tamis plugin versions {pipeline}` says what it has noted"
        ),
        AskError::Io(error) => anyhow::Error::from(error).context(socket.to_string()),
    }
    }
}

/// The folder of `pipeline` in the state folder.
fn folder(pipeline: &str, state: &StateOption) -> Result<PathBuf> {
    Ok(state::of_pipeline(&chosen(state)?, pipeline))
}

fn chosen(state: &StateOption) -> Result<PathBuf> {
    let chosen = state::chosen(state.folder(), |name| std::env::var_os(name));
    chosen.ok_or_else(|| {
        let cure = "name the state folder of the process that runs the pipeline with --state DIR";
        Misuse(cure.to_owned()).into()
    })
}

/// Asks for `request`, shows what comes of it, and says how it ended.
fn tell(of: &PipelineArguments, request: &Request, json: bool) -> Result<Exit> {
    let live = Live::of(&of.pipeline, &of.state)?;
    let asked = runtime()?.block_on(async {
        let mut signals = Signals::new()?;
        let mut shown = Steps::new(io::stdout().lock(), json);
        let asking = live.ask(request, |line| go_on(shown.show(line)));
        tokio::select! {
            ended = asking => ended.map(Some),
            () = signals.next() => Ok(None),
        }
    });
    let Some(Ended { ok, said }) = asked? else {
        let pipeline = &live.pipeline;
        eprintln!(
            "not waiting any longer; what was begun goes on, and `tamis plugin versions {pipeline}` says how it ended"
        );
        return Ok(Exit::Unsettled);
    };
    let said = crate::dead::plain(&said);
    if !ok {
        eprintln!("{said}");
        return Ok(Exit::Failed);
    }
    // The last line of JSON has it already.
    Ok(if json {
        Exit::Done
    } else {
        crate::print(&said)
    })
}

/// A reader that went away early (`| head`) changes nothing of what was asked for.
fn go_on(shown: io::Result<()>) -> io::Result<()> {
    match shown {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        shown => shown,
    }
}
