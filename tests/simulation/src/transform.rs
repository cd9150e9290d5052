//! Two plugins that do what the plan of each record says.

use std::sync::Arc;

use tamis_core::batch::{Batch, Row, Span};
use tamis_core::transform::{Applied, Rejection, Stage, Transform, TransformError};

use crate::plan::Plan;
use crate::world::World;

/// The plugins of one lane.
pub(crate) fn chain(world: &Arc<World>) -> Vec<Box<dyn Transform>> {
    let planned = |name: &str, decide| -> Box<dyn Transform> {
        let stage = Stage {
            name: name.to_owned(),
            version: "1.0.0".to_owned(),
        };
        Box::new(Planned {
            world: Arc::clone(world),
            stage,
            decide,
        })
    };
    vec![planned("first", first), planned("second", second)]
}

enum Decision {
    Keep,
    Drop,
    Reject,
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
        Plan::Keep | Plan::RejectLate | Plan::Impossible | Plan::NoLine => Decision::Keep,
    }
}

fn second(plan: Plan, number: u32) -> Decision {
    if plan == Plan::RejectLate || (plan == Plan::OneOfTwo && number == 0) {
        Decision::Reject
    } else if plan == Plan::Four {
        Decision::Twice
    } else {
        Decision::Keep
    }
}

struct Planned {
    world: Arc<World>,
    stage: Stage,
    decide: fn(Plan, u32) -> Decision,
}

impl Transform for Planned {
    fn stage(&self) -> &Stage {
        &self.stage
    }

    fn apply(&mut self, batch: &mut Batch) -> Result<Applied, TransformError> {
        let stops = self.world.faults().plugins;
        if self.world.random(|random| random.u32(0..1000)) < stops {
            self.world.say("a plugin stops the pipeline");
            let (stage, reason) = (self.stage.clone(), "planned".to_owned());
            return Err(TransformError { stage, reason });
        }
        let (mut applied, mut rows, mut bytes) = (Applied::default(), Vec::new(), Vec::new());
        let partition = batch.partition().number;
        let mut text = |text: &str| {
            let span = Span::new(batch.next_buffer(), bytes.len(), text.len());
            bytes.extend_from_slice(text.as_bytes());
            span
        };
        for row in batch.rows() {
            let Row { offset, .. } = *row;
            match (self.decide)(self.world.plan(partition, offset), row.number) {
                Decision::Keep => rows.push(*row),
                Decision::Drop => applied.dropped += 1,
                Decision::Reject => {
                    let reason = "planned".to_owned();
                    applied.rejected.push(Rejection {
                        offset,
                        number: row.number,
                        reason,
                    });
                }
                Decision::Twice => {
                    let number = batch.numbers().output(row, 1).expect("there are few");
                    let value = text(&format!("{partition}.{offset}.{number}"));
                    let second = Row {
                        number,
                        value,
                        ..*row
                    };
                    rows.extend([*row, second]);
                }
                Decision::Route(route) => rows.push(Row {
                    route: text(route),
                    ..*row
                }),
            }
        }
        batch.replace(rows, Some(bytes.into()));
        Ok(applied)
    }
}
