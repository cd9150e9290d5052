//! How a member dies in each of the windows. A death that leaves nothing unsettled shows nothing, and is died again.

use std::time::Duration;

use tokio::time::Instant;

use super::chaos::Chaos;
use super::member::{Member, Role};
use super::plan::Window;

/// How many deaths in one window may show nothing.
const TRIES_MAX: u32 = 20;
/// The last time of a step at which a member dies.
const COUNT_MAX: u32 = 4;
/// How long a group may take to give partitions away.
const REBALANCE_WAIT: Duration = Duration::from_secs(8);
/// How long a member may have come to no death before the group has to give partitions away anew.
const STARVED_WAIT: Duration = Duration::from_secs(30);

impl Chaos<'_> {
    /// Kills a member in `window`, and again until it had something unsettled.
    pub(super) fn kill_in(&mut self, window: Window) {
        for _ in 0..TRIES_MAX {
            self.spread();
            let unsettled = match window.step() {
                None => self.kill_at_random(),
                Some(step) => self.die_at(window, step),
            };
            let name = window.name();
            let at = if self.is_static { " (static)" } else { "" };
            self.stage.say(&format!(
                "killed: {name}{at}, {unsettled} batches unsettled"
            ));
            if unsettled > 0 {
                self.tally.kills.entry(window).or_default().push(unsettled);
                self.tally.static_kills += usize::from(self.is_static);
                return;
            }
            self.tally.in_vain += 1;
        }
        panic!("{TRIES_MAX} deaths at {} hit nothing", window.name());
    }

    fn kill_at_random(&mut self) -> u64 {
        let index = self.random.usize(0..self.members.len());
        self.pause(1_000);
        self.until("the member has something in flight", |chaos| {
            chaos.members[index].unsettled() > 0
        });
        let in_topic = self.await_lag();
        self.pause(200);
        let mut victim = self.members.remove(index);
        victim.kill();
        let committed = self.await_committed();
        self.replace(&victim);
        // Of the whole group; the victim's own log tells of itself.
        if committed < in_topic {
            victim.unsettled()
        } else {
            0
        }
    }

    /// Starts a member that dies at `step`: a further one, or a static one in the place of another.
    fn die_at(&mut self, window: Window, step: &str) -> u64 {
        let count = match window {
            Window::Draining => 1,
            _ => self.random.u32(1..=COUNT_MAX),
        };
        let instance = self.is_static.then(|| {
            let index = self.random.usize(0..self.members.len());
            self.leave(index).instance.clone()
        });
        let failpoint = Some(format!("{step}:{count}"));
        let mut victim = self.new_member(Role {
            instance: instance.flatten(),
            failpoint,
        });
        if window == Window::Draining {
            self.make_drain(&mut victim);
        }
        // A group has no rebalance for a static member that comes back. Where a member was to let partitions go to it and has died,
        // it is left without any until the next one.
        let patience = Instant::now() + STARVED_WAIT;
        self.until(&format!("{} dies or waits for long", victim.name), |_| {
            victim.ended().is_some() || Instant::now() > patience
        });
        if victim.ended().is_none() {
            self.rebalance();
        }
        self.until(&format!("{} dies", victim.name), |_| {
            victim.ended().is_some()
        });
        assert!(victim.is_dead(), "{} ended by itself", victim.name);
        let line = victim.failpoint().unwrap_or_default();
        let expected = format!("failpoint {step}:{count} unsettled=");
        assert!(line.starts_with(&expected), "{}: {line}", victim.name);
        if self.is_static {
            self.replace(&victim);
        }
        super::member::last_unsettled(&line)
    }

    /// Makes a member drain what it has in flight: by asking it to end, or by another member's end.
    fn make_drain(&mut self, victim: &mut Member) {
        self.pause(1_000);
        self.until(&format!("{} has something in flight", victim.name), |_| {
            victim.unsettled() > 0 || victim.ended().is_some()
        });
        self.await_lag();
        if !self.is_static && self.random.bool() {
            let index = self.random.usize(0..self.members.len());
            self.leave(index);
            self.add();
            // The group may leave it all that it has.
            let patience = Instant::now() + REBALANCE_WAIT;
            self.until("the group has settled", |_| {
                victim.ended().is_some() || Instant::now() > patience
            });
        }
        // It may have died in a rebalance before that.
        let _sent = victim.signal("TERM");
    }

    /// Starts a member in the place of one that is dead.
    fn replace(&mut self, dead: &Member) {
        match &dead.instance {
            Some(instance) => {
                let member = self.new_member(Role {
                    instance: Some(instance.clone()),
                    failpoint: None,
                });
                self.members.push(member);
            }
            None => self.add(),
        }
    }
}
