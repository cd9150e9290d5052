//! `tamis plugin dev`: from a change in the folder of a plugin to the pipeline that runs, in one loop.

mod deploying;
mod destination;
mod folder;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Error, Result};
use tamis_host::Engine;

use super::build::{Built, Project};
use super::{now, test};
use crate::cli::CompilerOptions;
use crate::cli::plugin::dev::DevArguments;
use crate::compiler;
use crate::dead::plain;
use crate::exit::{self, Exit, Misuse};
use crate::run::{Signals, runtime};

use self::deploying::Deploying;
use self::destination::Destination;
use self::folder::Folder;

pub(super) fn run(arguments: &DevArguments, options: &CompilerOptions) -> Exit {
    exit::of(dev(arguments, options))
}

fn dev(arguments: &DevArguments, options: &CompilerOptions) -> Result<Exit> {
    let misuse = |error: Error| Misuse(format!("{error:#}"));
    let pipeline = arguments.pipeline.as_ref();
    let destination = pipeline.map(|pipeline| Destination::find(pipeline, arguments));
    let destination = destination.transpose()?;
    let project = Project::find(&arguments.folder, arguments.output.as_deref());
    let project = project.map_err(misuse)?;
    let made = project.makes().map_err(misuse)?.into_iter();
    let ignored = made.chain(arguments.output.clone());
    let mut dev = Dev {
        folder: Folder::new(&arguments.folder, ignored.collect()),
        cases: arguments.folder.join("cases"),
        project,
        engine: compiler::engine(options)?,
        destination,
        deploying: None,
    };
    let runtime = runtime()?;
    let ended = runtime.block_on(async {
        let mut signals = Signals::new()?;
        tokio::select! {
            failed = dev.attend() => failed,
            () = signals.next() => Ok(Exit::Done),
        }
    });
    // A compiler that is at work is left behind: what it makes lies in target, and nowhere else.
    runtime.shutdown_background();
    ended
}

struct Dev {
    folder: Folder,
    cases: PathBuf,
    project: Project,
    engine: Engine,
    destination: Option<Destination>,
    deploying: Option<Deploying>,
}

impl Dev {
    /// Builds now and at each change.
    async fn attend(&mut self) -> Result<Exit> {
        loop {
            self.folder.look()?;
            if let Some(built) = self.build().await
                && self.test(&built).await
            {
                self.put(&built).await;
            }
            self.folder.built()?;
            self.folder.changed().await?;
        }
    }

    async fn build(&self) -> Option<Built> {
        let begun = now();
        let (project, engine) = (self.project.clone(), self.engine.clone());
        let built = apart(move || project.build(|| Ok(engine))).await;
        tell("build", begun, built, |built| built.to_string())
    }

    /// Whether it passes its cases; where there are none, there is nothing against it.
    async fn test(&self, built: &Built) -> bool {
        let begun = now();
        if !self.cases.is_dir() {
            let cases = self.cases.display();
            say("test", true, begun, &format!("there is no case in {cases}"));
            return true;
        }
        let (plugin, cases) = (Arc::clone(&built.plugin), self.cases.clone());
        let tried = apart(move || test::try_cases(&plugin, &cases)).await;
        match tried {
            Ok((summary, problems)) => {
                say("test", problems.is_empty(), begun, &summary);
                if !problems.is_empty() {
                    crate::print(&problems.join("\n"));
                }
                problems.is_empty()
            }
            Err(error) => tell("test", begun, Err::<(), _>(error), |()| String::new()).is_some(),
        }
    }

    /// Writes it to its file, and begins to deploy it.
    async fn put(&mut self, built: &Built) {
        let begun = now();
        let placed = built.put().and_then(|()| {
            let Some(destination) = &self.destination else {
                return Ok(None);
            };
            let name = &built.plugin.description().name;
            let file = std::path::absolute(&built.output).context("the folder cannot be read")?;
            Ok(Some(destination.order(name, file)?))
        });
        match placed {
            Ok(None) => {}
            Ok(Some(order)) => {
                if let Some(before) = self.deploying.take() {
                    before.give_way().await;
                }
                self.deploying = Some(Deploying::begin(order));
            }
            Err(error) => say("deploy", false, begun, &format!("{error:#}")),
        }
    }
}

/// Does `work` where it holds up no one.
async fn apart<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    let done = tokio::task::spawn_blocking(work).await;
    done.context("this is a bug of Tamis")?
}

/// Says how `step` ended, and gives what came of it.
fn tell<T>(
    step: &str,
    begun: Instant,
    ended: Result<T>,
    words: impl FnOnce(&T) -> String,
) -> Option<T> {
    let said = match &ended {
        Ok(value) => words(value),
        Err(error) => format!("{error:#}"),
    };
    say(step, ended.is_ok(), begun, &said);
    ended.ok()
}

/// One line about a step.
fn say(step: &str, is_good: bool, begun: Instant, said: &str) {
    let result = if is_good { "ok" } else { "failed" };
    let (seconds, said) = (begun.elapsed().as_secs_f64(), plain(said));
    crate::print(&format!("{step:<9}  {result:<6}  {seconds:>6.1} s  {said}"));
}
