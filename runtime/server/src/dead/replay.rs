//! `tamis dead replay`: letters go once more to the stage or sink that refused them, some thousands at a time.
//!
//! All of a chunk is settled before its letters are marked as replayed. Who dies in between replays the chunk again, which
//! changes nothing in a store that knows ids, and nothing in files where the chunk is the same.

mod chunk;
mod interrupt;
mod tally;

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};
use std::ops::ControlFlow;

use anyhow::{Context as _, Result};
use tamis_config::{
    DeadLettersSpec, KafkaDelivery, OnOutage, PipelineSpec, PluginFiles, SinkKind, SinkSpec,
};
use tamis_connect::dead::read::{DeadStore, ReadError, open};
use tokio::runtime::Runtime;
use tracing::warn;

use super::pass;
use super::select::Select;
use super::target::Target;
use crate::cli::CompilerOptions;
use crate::cli::dead::ReplayArguments;
use crate::exit::{self, Exit};
use crate::swap::as_they_run;
use crate::{compiler, run, state, wiring};
use chunk::{Chunk, Replay};
use interrupt::Interrupt;
use tally::{Plan, Tally};

pub(crate) fn run(arguments: &ReplayArguments, options: &CompilerOptions) -> Exit {
    let Some(mut spec) = super::load(&arguments.file, PluginFiles::MustExist) else {
        return Exit::Usage;
    };
    let Some(letters) = super::stores(&spec, arguments.select.parked.as_deref()).cloned() else {
        return Exit::Usage;
    };
    // A store that is away is waited for: to park what was parked would bring no one further.
    for sink in &mut spec.sinks {
        sink.on_outage = OnOutage::Wait;
    }
    if !(arguments.yes || arguments.dry_run || io::stdin().is_terminal()) {
        eprintln!("there is no one to ask: say --yes, or look with --dry-run first");
        return Exit::Usage;
    }
    let started = compiler::engine(options).and_then(|engine| Ok((engine, run::runtime()?)));
    let (engine, runtime) = match started {
        Ok(started) => started,
        Err(error) => return exit::failed(&error),
    };
    let folder = state::chosen(arguments.state.folder(), |name| std::env::var_os(name));
    let plugins = match as_they_run(&spec, folder.as_deref(), &engine) {
        Ok(plugins) => plugins,
        Err(error) => {
            eprintln!("{error:#}");
            return Exit::Usage;
        }
    };
    let replay = |interrupt| {
        let command = Command {
            arguments,
            select: Select::new(&arguments.select, &arguments.ids),
            spec: &spec,
            letters: &letters,
            runtime: &runtime,
        };
        command.run(Replay::new(&spec, plugins, interrupt))
    };
    let done = runtime
        .block_on(async { Interrupt::listen() })
        .and_then(replay);
    done.unwrap_or_else(|error| exit::failed(&error))
}

struct Command<'a> {
    arguments: &'a ReplayArguments,
    select: Select,
    spec: &'a PipelineSpec,
    /// Where the letters are.
    letters: &'a DeadLettersSpec,
    runtime: &'a Runtime,
}

impl Command<'_> {
    fn run(&self, replay: Replay<'_>) -> Result<Exit> {
        let halt = replay.interrupt.halt();
        let stores = open(self.letters, wiring::owner(self.spec), halt);
        let stores = match stores {
            Err(ReadError::Halted) => return Ok(Exit::Unsettled),
            stores => stores.context("dead letters")?,
        };
        if let Some(SinkSpec { name: sink, .. }) = transactional(self.spec) {
            warn!(
                sink,
                "what is replayed is written without a transaction, at least once"
            );
        }
        if self.arguments.dry_run || !self.arguments.yes {
            let plan = self.plan(&stores)?;
            plan.print(self.arguments.json)?;
            if self.arguments.dry_run {
                return Ok(plan.exit());
            }
            if plan.letters() == 0 || !confirmed(plan.letters())? {
                return Ok(plan.exit());
            }
        }
        let mut tally = Tally::default();
        let ended = self.replay(&stores, &replay, &mut tally);
        replay.clean_up();
        tally.is_halted = halt.is_set();
        eprintln!("{tally}");
        if self.arguments.json {
            let printed = crate::print(&tally.json().to_string());
            return ended.map(|()| tally.exit().max(printed));
        }
        ended.map(|()| tally.exit())
    }

    /// What would go where.
    fn plan(&self, stores: &[DeadStore]) -> Result<Plan> {
        let mut plan = Plan::default();
        let mut left = self.select.limit;
        plan.unreadable = pass::each(stores, &self.select, |seen| {
            if seen.is_again {
                return Ok(ControlFlow::Continue(()));
            }
            if left == 0 {
                return Ok(ControlFlow::Break(()));
            }
            left -= 1;
            match Target::of(&seen.letter, self.spec) {
                Some(target) => plan.add(target.name(self.spec)),
                None => plan.add_without_stage(seen.letter.stage),
            }
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(plan)
    }

    /// Sends all of them, until a person wants it to end.
    fn replay(&self, stores: &[DeadStore], replay: &Replay<'_>, tally: &mut Tally) -> Result<()> {
        let (mut chunk, mut left) = (Chunk::default(), self.select.limit);
        let halt = replay.interrupt.halt().clone();
        let send = |chunk: &mut Chunk, tally: &mut Tally| {
            self.runtime.block_on(replay.send(chunk, stores, tally))
        };
        let read = pass::each(stores, &self.select, |seen| {
            if seen.pass != chunk.pass {
                send(&mut chunk, tally)?;
                chunk = Chunk::of_pass(seen.pass);
            }
            if seen.is_again {
                chunk.add_copy(&seen);
                return Ok(ControlFlow::Continue(()));
            }
            if left == 0 {
                return Ok(ControlFlow::Break(()));
            }
            left -= 1;
            match Target::of(&seen.letter, self.spec) {
                Some(target) => chunk.add(seen, target),
                None => {
                    chunk.leave(seen.key);
                    tally.add_without_stage(seen.letter.stage);
                }
            }
            if chunk.is_full() {
                send(&mut chunk, tally)?;
            }
            Ok(if halt.is_set() {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            })
        });
        let sent = read.and_then(|unreadable| {
            tally.unreadable = unreadable;
            if halt.is_set() {
                return Ok(());
            }
            send(&mut chunk, tally)
        });
        match sent {
            // What was asked for.
            Err(error) if matches!(error.downcast_ref(), Some(ReadError::Halted)) => Ok(()),
            sent => sent,
        }
    }
}

/// The sink that writes in transactions. These go with offsets of the group, and a replay has none to commit.
fn transactional(spec: &PipelineSpec) -> Option<&SinkSpec> {
    let is_so = |sink: &&SinkSpec| match &sink.kind {
        SinkKind::Kafka(spec) => match spec.delivery {
            KafkaDelivery::Transactional(_) => true,
            KafkaDelivery::AtLeastOnce(_) => false,
        },
        SinkKind::Elasticsearch(_)
        | SinkKind::File(_)
        | SinkKind::Mongodb(_)
        | SinkKind::Mysql(_) => false,
    };
    spec.sinks.iter().find(is_so)
}

/// Asks the person at the terminal.
fn confirmed(letters: u64) -> Result<bool> {
    eprint!("Replay {letters} dead letters? [y/N] ");
    io::stderr().flush()?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}
