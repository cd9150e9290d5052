//! What else happens to a group and to what it reads from and writes to.

use super::chaos::{Chaos, MEMBERS};
use super::member::Member;

impl Chaos<'_> {
    pub(super) fn rebalance(&mut self) {
        self.add();
        let new = self.members.len() - 1;
        self.until("a new member has partitions", |chaos| {
            chaos.members[new].said().contains("partitions assigned")
        });
        self.pause(1_500);
        let leaves = self.random.usize(0..self.members.len());
        self.leave(leaves);
        self.tally.rebalances += 1;
    }

    pub(super) fn kill_broker(&mut self) {
        let broker = &self.stage.broker;
        self.outlast("broker", || broker.kill(), || broker.start());
        self.tally.broker_kills += 1;
    }

    pub(super) fn kill_server(&mut self, number: usize) {
        let store = &*self.stage.stores[number];
        self.outlast(store.name(), || store.kill(), || store.start());
        self.tally.server_kills += 1;
    }

    /// Has a server killed and started again, and again until members had something in flight.
    fn outlast(&mut self, name: &str, kill: impl Fn(), start: impl Fn()) {
        loop {
            self.spread();
            self.pause(1_000);
            self.until("a member has something in flight", |chaos| {
                chaos.members.iter().any(|member| member.unsettled() > 0)
            });
            self.await_lag();
            self.pause(200);
            kill();
            let busy = self.members.iter().map(Member::unsettled).max();
            self.stage.say(&format!(
                "{name} killed, {} batches unsettled in a member",
                busy.unwrap_or_default()
            ));
            self.pause(2_000);
            start();
            self.stage.say(&format!("{name} started again"));
            let before = self.await_committed();
            self.until("something is committed again", |chaos| {
                chaos.committed() > Some(before)
            });
            if busy > Some(0) {
                break;
            }
            self.tally.in_vain += 1;
        }
    }

    /// Stops a member until its partitions are another one's; then it goes on with all that it still has in hand.
    pub(super) fn freeze(&mut self) {
        let index = self.random.usize(0..self.members.len());
        // The assignment of one that has only just joined would look like a take-over.
        self.until("all members have partitions", |chaos| {
            chaos.members.iter().all(|it| it.assignments() > 0)
        });
        self.pause(1_000);
        self.until("the member has something in flight", |chaos| {
            chaos.members[index].unsettled() > 0
        });
        let frozen = &self.members[index];
        assert!(frozen.signal("STOP"), "{} ended by itself", frozen.name);
        let (name, unsettled) = (frozen.name.clone(), frozen.unsettled());
        self.stage
            .say(&format!("{name} is frozen, {unsettled} batches unsettled"));
        let assigned = |chaos: &Self| -> Vec<usize> {
            chaos.members.iter().map(Member::assignments).collect()
        };
        let before = assigned(self);
        self.until("another member takes over", |chaos| {
            (0..before.len()).any(|it| it != index && chaos.members[it].assignments() > before[it])
        });
        self.pause(500);
        assert!(self.members[index].signal("CONT"), "{name} ended by itself");
        self.until("the frozen member is back in the group", |chaos| {
            chaos.members[index].assignments() > before[index]
        });
        self.stage.say(&format!("{name} is back"));
        self.tally.freezes += 1;
    }

    pub(super) fn become_static(&mut self) {
        for index in (0..self.members.len()).rev() {
            self.leave(index);
        }
        self.is_static = true;
        (0..MEMBERS).for_each(|_| self.add());
        self.stage.say("members are static from now on");
    }
}
