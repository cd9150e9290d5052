use super::*;
use crate::batch::{BatchBuilder, Row, Span};
use crate::id::Partition;
use crate::tap::Look;
use crate::transform::{Rejection, Why};
use crate::trial::{TrialCost, TrialLimits};

/// Writes its name behind the route of each record; refuses those at some offsets, or fails on them.
struct Fake {
    stage: Stage,
    refuses: &'static [u64],
    fails_on: &'static [u64],
    /// Whether the pipeline stops where it fails.
    stops: bool,
    /// What others do in the midst of its attempts.
    meanwhile: Box<dyn Fn() + Send>,
}

fn fake(name: &str) -> Fake {
    let stage = Stage {
        name: name.to_owned(),
        version: "1".to_owned(),
    };
    Fake {
        stage,
        refuses: &[],
        fails_on: &[],
        stops: false,
        meanwhile: Box::new(|| ()),
    }
}

impl Fake {
    fn refuses(self, refuses: &'static [u64]) -> Self {
        Self { refuses, ..self }
    }

    fn fails_on(self, fails_on: &'static [u64]) -> Self {
        Self { fails_on, ..self }
    }

    fn stops(self) -> Self {
        Self {
            stops: true,
            ..self
        }
    }

    fn meanwhile(self, trial: &Arc<Trial>, ends: impl Fn(&Trial) -> bool + Send + 'static) -> Self {
        let trial = Arc::clone(trial);
        let meanwhile = Box::new(move || assert!(ends(&trial), "it has ended"));
        Self { meanwhile, ..self }
    }

    fn link(self) -> Link {
        Link::New(Box::new(self))
    }

    fn decide(&self, batch: &mut Batch, refuses: impl Fn(u64) -> bool) -> Applied {
        let (mut applied, mut bytes, mut rows) = (Applied::default(), Vec::new(), Vec::new());
        for row in batch.rows() {
            if refuses(row.offset) {
                applied.rejected.push(Rejection {
                    offset: row.offset,
                    number: row.number,
                    why: Why::Refused,
                    reason: self.stage.name.clone(),
                });
                continue;
            }
            let start = bytes.len();
            bytes.extend(batch.bytes(row.route).unwrap_or_default());
            bytes.extend(self.stage.name.as_bytes());
            let route = Span::new(batch.next_buffer(), start, bytes.len() - start);
            rows.push(Row { route, ..*row });
        }
        batch.replace(rows, Some(bytes.into()));
        applied
    }
}

impl Transform for Fake {
    fn stage(&self) -> &Stage {
        &self.stage
    }

    fn apply(&mut self, batch: &mut Batch) -> Result<Applied, TransformError> {
        let (refuses, fails_on) = (self.refuses, self.fails_on);
        let fails = |row: &&Row| fails_on.contains(&row.offset);
        let trapped = batch.rows().iter().filter(fails).count() as u64;
        if self.stops && trapped > 0 {
            return Err(TransformError {
                stage: self.stage.clone(),
                reason: "told to".to_owned(),
            });
        }
        let applied = self.decide(batch, |offset| {
            refuses.contains(&offset) || fails_on.contains(&offset)
        });
        Ok(Applied { trapped, ..applied })
    }

    fn attempt(&mut self, batch: &mut Batch) -> Result<Applied, String> {
        (self.meanwhile)();
        let mut offsets = batch.rows().iter().map(|row| row.offset);
        if let Some(offset) = offsets.find(|offset| self.fails_on.contains(offset)) {
            return Err(format!("failed on {offset}"));
        }
        let refuses = self.refuses;
        Ok(self.decide(batch, |offset| refuses.contains(&offset)))
    }
}

fn chain(stages: impl IntoIterator<Item = Fake>) -> Chain {
    let boxed = |stage| -> Box<dyn Transform> { Box::new(stage) };
    Chain::new(stages.into_iter().map(boxed).collect())
}

fn trial() -> Arc<Trial> {
    Arc::new(Trial::new(TrialLimits {
        rejected_per_million_max: 10_000,
        record_nanos_max: None,
    }))
}

fn next(links: Vec<Link>, trial: Option<&Arc<Trial>>) -> NextChain {
    let trial = trial.map(Arc::clone);
    NextChain { links, trial }
}

/// The records 1 to 4.
fn batch() -> Batch {
    let partition = Partition {
        source: "s".into(),
        topic: "t".into(),
        number: 0,
        split: 0,
    };
    let mut batch = BatchBuilder::new(Arc::new(partition), 4, 0);
    for offset in 1..=4 {
        batch.push(offset, 0, None, Some(b"v"), &[]);
    }
    batch.finish(5)
}

/// Takes these through `chain`: the routes that they get, then which stage refused what.
fn pass(chain: &mut Chain) -> String {
    let mut batch = batch();
    let done = chain.apply(&mut batch).unwrap();
    let route = |row: &Row| String::from_utf8_lossy(batch.bytes(row.route).unwrap()).into_owned();
    let mut words: Vec<String> = batch.rows().iter().map(route).collect();
    for done in &done {
        for Rejection { offset, .. } in &done.applied.rejected {
            words.push(format!("!{}{offset}", chain.stage(done).name));
        }
    }
    words.join(" ")
}

fn names(stages: &[Box<dyn Transform>]) -> Vec<&str> {
    stages.iter().map(|stage| &*stage.stage().name).collect()
}

#[test]
fn a_switch_keeps_what_is_named_in_its_new_place_and_gives_the_rest_back() {
    let mut chain = chain([fake("a"), fake("b"), fake("c")]);
    assert_eq!(pass(&mut chain), "abc abc abc abc");
    let links = vec![Link::Kept(2), fake("d").link(), Link::Kept(0)];
    assert_eq!(names(&chain.switch(next(links, None))), ["b"]);
    assert_eq!(chain.deciding(), ["c", "d", "a"]);
    assert_eq!(pass(&mut chain), "cda cda cda cda");
    let replaced = chain.switch(next(vec![Link::Kept(1)], None));
    assert_eq!(names(&replaced), ["c", "a"]);
    assert_eq!(pass(&mut chain), "d d d d");
    assert_eq!(names(&chain.switch(next(vec![], None))), ["d"]);
}

#[test]
fn new_stages_decide_on_trial_and_stay_when_it_is_passed() {
    let mut chain = chain([fake("a"), fake("b")]);
    let trial = trial();
    let links = vec![fake("n").link(), Link::Kept(1)];
    assert!(chain.switch(next(links, Some(&trial))).is_empty());
    assert_eq!(chain.deciding(), ["n", "b"]);
    assert_eq!(pass(&mut chain), "nb nb nb nb");
    assert_eq!(trial.cost().records, 4);
    assert!(trial.pass());
    assert_eq!(pass(&mut chain), "nb nb nb nb");
    assert_eq!(chain.stages.len(), 2);
    assert_eq!(trial.cost().records, 4, "it is over");
}

#[test]
fn the_batch_that_new_stages_fail_on_is_decided_by_those_before_them_and_so_is_all_that_follows() {
    let trial = trial();
    let mut lanes = [(); 2].map(|()| chain([fake("a"), fake("b")]));
    lanes[0].switch(next(
        vec![Link::Kept(0), fake("n").fails_on(&[3]).link()],
        Some(&trial),
    ));
    lanes[1].switch(next(vec![fake("n").link()], Some(&trial)));
    assert_eq!(pass(&mut lanes[1]), "n n n n");
    assert_eq!(pass(&mut lanes[0]), "ab ab ab ab");
    let reason = "n: failed on 3".to_owned();
    assert_eq!(trial.state(), TrialState::Failed(reason));
    for lane in &mut lanes {
        assert_eq!(pass(lane), "ab ab ab ab");
        assert_eq!(lane.stages.len(), 2);
    }
}

#[test]
fn new_stages_are_not_to_blame_for_what_those_before_them_fail_on_too() {
    let trial = trial();
    let mut chain = chain([fake("a").fails_on(&[2])]);
    chain.switch(next(vec![fake("n").fails_on(&[2]).link()], Some(&trial)));
    assert_eq!(pass(&mut chain), "n n n !n2");
    assert_eq!(trial.state(), TrialState::Running);
}

#[test]
fn new_stages_are_to_blame_for_what_they_fail_on_beside_that() {
    let trial = trial();
    let mut chain = chain([fake("a").fails_on(&[2])]);
    chain.switch(next(vec![fake("n").fails_on(&[1, 2]).link()], Some(&trial)));
    assert_eq!(pass(&mut chain), "a a a !a2");
    assert_eq!(trial.state(), TrialState::Failed("n: failed on 1".into()));
}

#[test]
fn new_stages_that_refuse_too_much_do_not_hide_behind_what_those_before_them_fail_on() {
    let trial = trial();
    let mut chain = chain([fake("a").fails_on(&[2])]);
    let new = fake("n").fails_on(&[2]).refuses(&[1, 3]);
    chain.switch(next(vec![new.link()], Some(&trial)));
    assert_eq!(pass(&mut chain), "a a a !a2");
    assert!(matches!(trial.state(), TrialState::Failed(_)));
}

/// A chain whose new stage is guilty of record 1, each time in another way, with what those before make of the records; someone
/// ends the trial in the midst of it.
fn guilty(trial: &Arc<Trial>, ends: fn(&Trial) -> bool) -> [(Chain, &'static str); 3] {
    let ways = [
        (fake("a"), fake("n").fails_on(&[1, 2]), "a a a a"),
        (
            fake("a").fails_on(&[2]),
            fake("n").fails_on(&[1, 2]),
            "a a a !a2",
        ),
        (fake("a"), fake("n").refuses(&[1, 2]), "a a a a"),
    ];
    ways.map(|(old, new, decided)| {
        let mut chain = chain([old]);
        let new = new.meanwhile(trial, ends);
        chain.switch(next(vec![new.link()], Some(trial)));
        (chain, decided)
    })
}

#[test]
fn guilt_that_shows_after_the_trial_was_passed_changes_nothing_any_more() {
    for way in 0..3 {
        let trial = trial();
        let (chain, _) = &mut guilty(&trial, Trial::pass)[way];
        assert_eq!(pass(chain), "n n !n1 !n2");
        assert_eq!(trial.state(), TrialState::Passed);
    }
}

#[test]
fn guilt_that_shows_after_the_trial_failed_elsewhere_is_of_no_less_weight() {
    for way in 0..3 {
        let trial = trial();
        let (chain, decided) = &mut guilty(&trial, |it| it.fail("elsewhere".into()))[way];
        assert_eq!(pass(chain), *decided);
        assert_eq!(trial.state(), TrialState::Failed("elsewhere".into()));
    }
}

#[test]
fn new_stages_are_not_charged_with_what_stays_in_front_of_them() {
    let trial = trial();
    let mut chain = chain([fake("a").refuses(&[1, 2]).fails_on(&[3]), fake("b")]);
    let links = vec![Link::Kept(0), fake("n").refuses(&[4]).link()];
    chain.switch(next(links, Some(&trial)));
    let mut batch = batch();
    let done = chain.apply(&mut batch).unwrap();
    let cost = TrialCost {
        records: 1,
        rejected: 1,
        nanos: done[1].nanos,
    };
    assert_eq!((trial.cost(), trial.state()), (cost, TrialState::Running));
    assert_eq!(pass(&mut chain), "ab !a1 !a2 !a3");
    let reason =
        "it refused 2 of 2 records more than the one before; 10000 of a million are allowed";
    assert_eq!(trial.state(), TrialState::Failed(reason.into()));
}

#[test]
fn what_stands_behind_other_stages_than_before_is_on_trial_with_them() {
    let refused: [(&[u64], &str); 2] = [(&[2], "nb nb !n2 !b1"), (&[2, 3], "ab ab ab !b1")];
    for (refuses, decided) in refused {
        let trial = trial();
        let mut chain = chain([fake("a"), fake("b").refuses(&[1])]);
        let links = vec![fake("n").refuses(refuses).link(), Link::Kept(1)];
        chain.switch(next(links, Some(&trial)));
        assert_eq!(pass(&mut chain), decided);
    }
}

#[test]
fn what_those_before_refuse_as_well_is_excused() {
    let trial = trial();
    let mut chain = chain([fake("a").refuses(&[1, 2]).fails_on(&[3])]);
    let new = fake("n").refuses(&[2, 3, 4]);
    chain.switch(next(vec![new.link()], Some(&trial)));
    for _ in 0..3 {
        assert_eq!(pass(&mut chain), "n !n2 !n3 !n4");
    }
    let TrialCost {
        records, rejected, ..
    } = trial.cost();
    assert_eq!((records, rejected), (12, 9));
    assert_eq!(trial.state(), TrialState::Running);
}

#[test]
fn what_both_fail_on_costs_the_new_stages_neither_blame_nor_time() {
    let trial = trial();
    let mut chain = chain([fake("a").fails_on(&[2])]);
    chain.switch(next(vec![fake("n").fails_on(&[2]).link()], Some(&trial)));
    for _ in 0..3 {
        assert_eq!(pass(&mut chain), "n n n !n2");
    }
    let cost = TrialCost {
        records: 12,
        rejected: 3,
        nanos: 0,
    };
    assert_eq!((trial.cost(), trial.state()), (cost, TrialState::Running));
}

#[test]
fn stages_that_would_stop_the_pipeline_do_not_come_back_for_what_the_new_ones_fail_on() {
    for fails_on in [&[2][..], &[1, 2]] {
        let trial = trial();
        let mut chain = chain([fake("a").fails_on(&[2]).stops()]);
        chain.switch(next(
            vec![fake("n").fails_on(fails_on).link()],
            Some(&trial),
        ));
        assert!(pass(&mut chain).ends_with("!n2"), "the new ones decide");
        assert_eq!(trial.state(), TrialState::Running);
    }
}

#[test]
fn stages_that_would_stop_the_pipeline_excuse_no_refusals() {
    for new in [
        fake("n").refuses(&[1, 2]),
        fake("n").refuses(&[1, 3]).fails_on(&[2]),
    ] {
        let trial = trial();
        let mut chain = chain([fake("a").fails_on(&[2]).stops()]);
        chain.switch(next(vec![new.link()], Some(&trial)));
        let error = chain.apply(&mut batch()).unwrap_err();
        assert_eq!(error.stage.name, "a");
        assert!(matches!(trial.state(), TrialState::Failed(_)));
    }
}

#[test]
fn a_batch_is_charged_once_whatever_the_stages_before_make_of_it() {
    for old_fails_on in [&[][..], &[2]] {
        let trial = trial();
        let mut chain = chain([fake("a").fails_on(old_fails_on)]);
        let new = fake("n").refuses(&[1, 3, 4]);
        chain.switch(next(vec![new.link()], Some(&trial)));
        assert!(!pass(&mut chain).contains('n'), "those before decide");
        let TrialCost {
            records, rejected, ..
        } = trial.cost();
        assert_eq!((records, rejected), (4, 3));
    }
}

#[test]
fn new_stages_that_refuse_too_much_leave_no_refusal_behind() {
    let trial = trial();
    let mut chain = chain([fake("a").refuses(&[4])]);
    let new = fake("n").refuses(&[1, 2]);
    chain.switch(next(vec![new.link()], Some(&trial)));
    assert_eq!(pass(&mut chain), "n n !n1 !n2", "one more of a hundred");
    assert_eq!(pass(&mut chain), "a a a !a4");
    let TrialState::Failed(reason) = trial.state() else {
        panic!("it goes on");
    };
    assert_eq!(
        reason,
        "it refused 2 of 8 records more than the one before; 10000 of a million are allowed"
    );
}

#[test]
fn a_switch_after_a_trial_that_failed_is_one_of_the_stages_before_it() {
    let trial = trial();
    let mut chain = chain([fake("a"), fake("b")]);
    chain.switch(next(vec![fake("n").link()], Some(&trial)));
    trial.fail("told so".into());
    let replaced = chain.switch(next(vec![Link::Kept(1), fake("m").link()], None));
    assert_eq!(names(&replaced), ["n", "a"]);
    assert_eq!(pass(&mut chain), "bm bm bm bm");
}

#[tokio::test]
async fn on_trial_those_who_look_see_what_is_decided_for_good() {
    let tap = Tap::default();
    let mut chain = chain([fake("a"), fake("b")]).tapped(tap.clone());
    let trial = trial();
    let links = vec![Link::Kept(0), fake("new").link()];
    chain.switch(next(links, Some(&trial)));
    let passed = |stage: Option<&str>, chain: &mut Chain| {
        let look = Look {
            stage: stage.map(str::to_owned),
            rate: 1,
            ..Look::default()
        };
        let watching = tap.watch(look).unwrap();
        chain.apply(&mut batch()).unwrap();
        watching.looked().passed
    };
    let all = batch().taken() as u64;
    assert_eq!(passed(Some("a"), &mut chain), all);
    assert_eq!(passed(None, &mut chain), all);
    assert_eq!(passed(Some("new"), &mut chain), 0);
    trial.pass();
    assert_eq!(passed(Some("new"), &mut chain), all);
}
