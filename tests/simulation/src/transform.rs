//! Two plugins that do what the plan of each record says.

use std::sync::Arc;

use tamis_core::Trial;
use tamis_core::batch::{Batch, Row, Span};
use tamis_core::transform::{Applied, Rejection, Said, Stage, Transform, TransformError, Why};

use crate::plan::Plan;
use crate::swaps::{History, TAKEN_BACK};
use crate::versions;
use crate::world::World;

/// The plugins of one lane, by its number; the second one tells `history` what it decides, and may be on trial. Each writes its version
/// into the key of what goes on, behind those of the ones before.
pub(crate) fn chain(
    world: &Arc<World>,
    version: u32,
    flaw: Flaw,
    trial: Option<&Arc<Trial>>,
    history: Option<(&Arc<History>, usize)>,
) -> [Box<dyn Transform>; 2] {
    let planned = |name: &str, decide, flaw, trial: Option<&_>, history| -> Box<dyn Transform> {
        let stage = Stage {
            name: name.to_owned(),
            version: version.to_string(),
        };
        Box::new(Planned {
            world: Arc::clone(world),
            stage,
            version,
            flaw,
            decide,
            trial: trial.map(Arc::clone),
            history,
        })
    };
    [
        planned("first", first, Flaw::None, None, None),
        planned(
            "second",
            second,
            flaw,
            trial,
            history.map(|(history, lane)| (Arc::clone(history), lane)),
        ),
    ]
}

/// What is wrong with a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flaw {
    /// Nothing.
    None,
    /// It fails on some records.
    Fails,
    /// It refuses all records.
    Refuses,
}

impl Flaw {
    fn fails_on(self, offset: u64) -> bool {
        self == Self::Fails && offset % 5 == 2
    }
}

enum Decision {
    Keep,
    Drop,
    Reject,
    Fail,
    Twice,
    Route(&'static str),
}

fn first(plan: Plan, _number: u32) -> Decision {
    match plan {
        Plan::Drop => Decision::Drop,
        Plan::RejectEarly | Plan::TooLarge => Decision::Reject,
        Plan::Twice | Plan::Four | Plan::OneOfTwo => Decision::Twice,
        Plan::Audit => Decision::Route("audit"),
        Plan::Elsewhere => Decision::Route("elsewhere"),
        Plan::Keep | Plan::Poison | Plan::RejectLate | Plan::Impossible | Plan::NoLine => {
            Decision::Keep
        }
    }
}

fn second(plan: Plan, number: u32) -> Decision {
    if plan == Plan::RejectLate || (plan == Plan::OneOfTwo && number == 0) {
        Decision::Reject
    } else if plan == Plan::Poison {
        Decision::Fail
    } else if plan == Plan::Four {
        Decision::Twice
    } else {
        Decision::Keep
    }
}

struct Planned {
    world: Arc<World>,
    stage: Stage,
    version: u32,
    flaw: Flaw,
    decide: fn(Plan, u32) -> Decision,
    trial: Option<Arc<Trial>>,
    history: Option<(Arc<History>, usize)>,
}

impl Planned {
    fn decision(&self, batch: &Batch, row: &Row) -> Decision {
        let plan = self.world.plan(batch.partition().number, row.offset);
        match (self.decide)(plan, row.number) {
            Decision::Fail => Decision::Fail,
            _ if self.flaw.fails_on(row.offset) => Decision::Fail,
            _ if self.flaw == Flaw::Refuses => Decision::Reject,
            decision => decision,
        }
    }

    fn decide(&self, batch: &mut Batch) -> Applied {
        let (mut applied, mut rows, mut bytes) = (Applied::default(), Vec::new(), Vec::new());
        let partition = batch.partition().number;
        let mut text = |text: &str| {
            let span = Span::new(batch.next_buffer(), bytes.len(), text.len());
            bytes.extend_from_slice(text.as_bytes());
            span
        };
        for row in batch.rows() {
            let Row { offset, .. } = *row;
            let decision = self.decision(batch, row);
            let key = text(&versions::marked(batch.bytes(row.key), self.version));
            let row = Row { key, ..*row };
            match decision {
                Decision::Keep => rows.push(row),
                Decision::Drop => applied.dropped += 1,
                Decision::Reject | Decision::Fail => {
                    applied.trapped += u64::from(matches!(decision, Decision::Fail));
                    let reason = versions::refusal(self.version);
                    applied.rejected.push(Rejection {
                        offset,
                        number: row.number,
                        why: Why::Refused,
                        reason,
                    });
                }
                Decision::Twice => {
                    let number = batch.numbers().output(&row, 1).expect("there are few");
                    let value = text(&format!("{partition}.{offset}.{number}"));
                    let second = Row {
                        number,
                        value,
                        ..row
                    };
                    rows.extend([row, second]);
                }
                Decision::Route(route) => rows.push(Row {
                    route: text(route),
                    ..row
                }),
            }
        }
        batch.replace(rows, Some(bytes.into()));
        if let Some((history, lane)) = self.history.clone() {
            let version = self.version;
            applied.said = Said::new(move |_| history.decided(lane, version));
        }
        applied
    }

    /// Someone else ends the trial while this lane is in the midst of a batch. No one lets stay what has a flaw.
    fn end_trial(&self, trial: &Trial) {
        if self.world.chance(5) {
            let stays = self.flaw == Flaw::None && self.world.chance(50);
            let ended = if stays {
                trial.pass()
            } else {
                trial.fail(TAKEN_BACK.to_owned())
            };
            self.world.say(&format!("meanwhile stays={stays} {ended}"));
        }
    }
}

impl Transform for Planned {
    fn stage(&self) -> &Stage {
        &self.stage
    }

    fn apply(&mut self, batch: &mut Batch) -> Result<Applied, TransformError> {
        if self.world.stops() {
            self.world.say("a plugin stops the pipeline");
            let (stage, reason) = (self.stage.clone(), "planned".to_owned());
            return Err(TransformError { stage, reason });
        }
        Ok(self.decide(batch))
    }

    fn attempt(&mut self, batch: &mut Batch) -> Result<Applied, String> {
        if let Some(trial) = &self.trial {
            self.end_trial(trial);
        }
        let mut rows = batch.rows().iter();
        if rows.any(|row| matches!(self.decision(batch, row), Decision::Fail)) {
            return Err("planned".to_owned());
        }
        Ok(self.decide(batch))
    }
}
