//! What becomes of each record of a simulation, known without running it.

/// What the plugins and stores of the simulation do with one input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Plan {
    /// It goes on as it is.
    Keep,
    /// It is filtered out.
    Drop,
    /// The first plugin refuses it.
    RejectEarly,
    /// The second plugin fails on it, whatever its version.
    Poison,
    /// The second plugin refuses it.
    RejectLate,
    /// The first plugin makes two of it.
    Twice,
    /// Both plugins make two of each.
    Four,
    /// The first plugin makes two of it, the second one refuses the first of them.
    OneOfTwo,
    /// The first plugin gives it a route that two sinks take.
    Audit,
    /// The first plugin gives it a route that only the sink for everything takes.
    Elsewhere,
    /// The keyed sink can never write it.
    Impossible,
    /// The sink with runs can never write it.
    NoLine,
    /// The first plugin refuses it, and the first store of dead letters refuses the letter.
    TooLarge,
}

const PLANS: [Plan; 13] = [
    Plan::Keep,
    Plan::Drop,
    Plan::RejectEarly,
    Plan::Poison,
    Plan::RejectLate,
    Plan::Twice,
    Plan::Four,
    Plan::OneOfTwo,
    Plan::Audit,
    Plan::Elsewhere,
    Plan::Impossible,
    Plan::NoLine,
    Plan::TooLarge,
];

/// Records with gaps between their offsets, as compaction leaves them: offset and plan.
pub(crate) fn records(random: &mut fastrand::Rng) -> Vec<(u64, Plan)> {
    let mut offset = random.u64(0..5);
    let count = random.usize(1..120);
    let mut record = || {
        offset += if random.u8(0..10) == 0 {
            random.u64(2..30)
        } else {
            1
        };
        let plan = if random.bool() {
            Plan::Keep
        } else {
            PLANS[random.usize(0..PLANS.len())]
        };
        (offset, plan)
    };
    (0..count).map(|_| record()).collect()
}

/// Everything that a record leaves behind: store, key and value.
pub(crate) fn expected(
    partition: i32,
    offset: u64,
    plan: Plan,
) -> Vec<(&'static str, String, String)> {
    let id = |number: u32| format!("sim/t/{partition}/{offset}/{number}");
    let value = |number: u32| format!("{partition}.{offset}.{number}");
    let both = |number| {
        vec![
            ("keyed", id(number), value(number)),
            ("runs", id(number), value(number)),
        ]
    };
    let dead = |store, stage: &str| (store, format!("{stage} {}", id(0)), value(0));
    match plan {
        Plan::Keep => both(0),
        Plan::Drop => vec![],
        Plan::RejectEarly => vec![dead("dead", "first")],
        Plan::Poison | Plan::RejectLate => vec![dead("dead", "second")],
        Plan::Twice => [both(0), both(1)].concat(),
        Plan::Four => [both(0), both(1), both(2), both(3)].concat(),
        Plan::OneOfTwo => [vec![dead("dead", "second")], both(1)].concat(),
        Plan::Audit => vec![
            ("audit", id(0), value(0)),
            ("copies", id(0), value(0)),
            ("runs", id(0), value(0)),
        ],
        Plan::Elsewhere => vec![("runs", id(0), value(0))],
        Plan::Impossible => vec![dead("dead", "keyed"), ("runs", id(0), value(0))],
        Plan::NoLine => vec![("keyed", id(0), value(0)), dead("dead", "runs")],
        Plan::TooLarge => vec![dead("last resort", "first")],
    }
}
