//! The group, and what is done to it.

use std::process::ExitStatus;
use std::thread;
use std::time::Duration;

use tokio::time::Instant;

use super::feed::Feed;
use super::member::{Member, Role};
use super::plan::Action;
use super::report::Tally;
use super::stage::{GROUP, Stage, TOPIC};
use crate::kafka::Group;
use crate::wait::eventually;

/// The exit code of a member that says that something was not settled.
const UNSETTLED: i32 = 3;
/// How a group says to a member's commit that it changes, or has changed.
const REFUSALS: [&str; 3] = [
    "RebalanceInProgress",
    "IllegalGeneration",
    "FencedInstanceId",
];
/// Members that stay, whoever comes and goes.
pub(super) const MEMBERS: usize = 2;
/// How long anything may take that a group does.
pub(super) const STEP_WAIT: Duration = Duration::from_mins(2);
/// How long nothing may be committed while there is something to do.
const STILL_WAIT: Duration = Duration::from_mins(2);
/// How long one action takes, until it is known better.
const ACTION_S: f64 = 8.0;
/// Between two lines about how far it is settled.
const SAY_EVERY: Duration = Duration::from_secs(5);

pub(super) struct Chaos<'a> {
    pub(super) stage: &'a Stage<'a>,
    pub(super) random: fastrand::Rng,
    pub(super) members: Vec<Member>,
    pub(super) tally: Tally,
    feed: Feed,
    group: Group,
    pub(super) is_static: bool,
    started: u32,
    acting: Instant,
    acted: u32,
    /// Actions that are not done, the present one among them.
    left: usize,
}

impl<'a> Chaos<'a> {
    pub(super) fn start(stage: &'a Stage<'a>) -> Self {
        let seed = stage.options.seed;
        let mut chaos = Self {
            stage,
            random: fastrand::Rng::with_seed(seed),
            members: Vec::new(),
            tally: Tally::default(),
            feed: Feed::start(&stage.kafka, stage.input.clone(), seed),
            group: stage.kafka.group(GROUP, TOPIC),
            is_static: false,
            started: 0,
            acting: Instant::now(),
            acted: 0,
            left: 0,
        };
        (0..MEMBERS).for_each(|_| chaos.add());
        chaos
    }

    /// Does one thing; `left` says how many there are, this one among them.
    pub(super) fn act(&mut self, action: &Action, left: usize) {
        self.left = left;
        self.spread();
        match action {
            Action::Kill(window) => self.kill_in(*window),
            Action::Rebalance => self.rebalance(),
            Action::KillBroker => self.kill_broker(),
            Action::KillServer(number) => self.kill_server(*number),
            Action::Freeze => self.freeze(),
            Action::BecomeStatic => self.become_static(),
        }
        self.acted += 1;
    }

    /// Makes what is not sent yet last for all that is still to be done. One action may have to be tried often, so before each try.
    pub(super) fn spread(&self) {
        let each = match self.acted {
            0 => ACTION_S,
            acted => self.acting.elapsed().as_secs_f64() / f64::from(acted),
        };
        let left = u32::try_from(self.left + 1).expect("they are few");
        self.feed
            .last_for(Duration::from_secs_f64(each * f64::from(left)));
    }

    /// Sends what is left, waits until all is settled, and ends the members.
    pub(super) fn settle(mut self) -> Tally {
        let total = self.stage.options.records as u64;
        self.stage.say("sending what is left");
        self.feed.finish();
        let sent = self.stage.kafka.end_of(TOPIC);
        assert_eq!(sent, total, "the records are in the topic once");
        let (mut best, mut moved, mut said) = (0, Instant::now(), Instant::now());
        loop {
            self.check_members();
            let committed = self.committed();
            if committed == Some(total) {
                break;
            }
            if committed > Some(best) {
                best = committed.unwrap_or_default();
                moved = Instant::now();
            }
            if said.elapsed() > SAY_EVERY {
                self.stage.say(&format!("{best} of {total} are settled"));
                said = Instant::now();
            }
            assert!(
                moved.elapsed() < STILL_WAIT,
                "nothing was committed for {STILL_WAIT:?}: {best} of {total} are settled"
            );
            thread::sleep(Duration::from_millis(100));
        }
        for index in (0..self.members.len()).rev() {
            self.leave(index);
        }
        self.tally
    }

    /// Starts a member that stays.
    pub(super) fn add(&mut self) {
        let instance = self
            .is_static
            .then(|| format!("instance-{}", self.started + 1));
        let role = Role {
            instance,
            failpoint: None,
        };
        let member = self.new_member(role);
        self.members.push(member);
    }

    pub(super) fn new_member(&mut self, role: Role) -> Member {
        self.started += 1;
        let stage = self.stage;
        let member = Member::start(
            &stage.place.path("logs"),
            &stage.pipeline,
            self.started,
            role,
        );
        stage.say(&format!("{} starts", member.name));
        member
    }

    /// Ends a member in good order.
    pub(super) fn leave(&mut self, index: usize) -> Member {
        // Before that a signal ends it the hard way.
        self.until("the member listens to signals", |chaos| {
            chaos.members[index].has_started()
        });
        let mut member = self.members.remove(index);
        assert!(member.signal("TERM"), "{} ended by itself", member.name);
        let mut status = None;
        eventually(STEP_WAIT, &format!("{} ends", member.name), || {
            status = member.ended();
            status.is_some()
        });
        let code = status.and_then(|status: ExitStatus| status.code());
        // A group that changes takes no commit, and then what it would have shown is read again by another member. Such a refusal
        // is said once a minute, so perhaps of an earlier commit.
        let said = member.said();
        let said = said.rsplit("joining anew").next().unwrap_or_default();
        let is_cut_off = REFUSALS.iter().any(|refusal| said.contains(refusal));
        let expected = code
            .filter(|code| *code == UNSETTLED && is_cut_off)
            .unwrap_or(0);
        assert_eq!(
            code,
            Some(expected),
            "the exit code of {}, which said at last\n{}",
            member.name,
            member.last_words()
        );
        self.stage.say(&format!("{} has left", member.name));
        member
    }

    /// Up to `ms_max`: what happens next must not fall together with what was before.
    pub(super) fn pause(&mut self, ms_max: u64) {
        thread::sleep(Duration::from_millis(self.random.u64(0..=ms_max)));
    }

    /// Waits until `is_so`, while every member that stays runs.
    pub(super) fn until(&mut self, what: &str, mut is_so: impl FnMut(&mut Self) -> bool) {
        eventually(STEP_WAIT, what, || {
            self.check_members();
            is_so(self)
        });
    }

    /// Waits until records are in the topic that are not settled; how many there are in the topic.
    pub(super) fn await_lag(&mut self) -> u64 {
        let mut taken = 0;
        self.until("records are in flight", |chaos| {
            taken = chaos.feed.taken();
            chaos.committed().is_some_and(|committed| committed < taken)
        });
        taken
    }

    /// How many records the group has settled, once the broker says so.
    pub(super) fn await_committed(&mut self) -> u64 {
        let mut committed = None;
        self.until("the broker says what is committed", |chaos| {
            committed = chaos.committed();
            committed.is_some()
        });
        committed.unwrap_or_default()
    }

    pub(super) fn committed(&self) -> Option<u64> {
        self.group.committed().ok()
    }

    fn check_members(&mut self) {
        assert!(!super::is_interrupted(), "interrupted");
        for member in &mut self.members {
            if let Some(status) = member.ended() {
                let (name, said) = (&member.name, member.last_words());
                panic!("{name} ended by itself: {status}; it said at last\n{said}");
            }
        }
    }
}
