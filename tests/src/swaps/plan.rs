//! Which version comes next, by which way.

use super::options::Options;
use crate::versions::Does;

/// What is wrong with a version, or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Good,
    /// It makes something else of each record.
    Differing,
    Slow,
    /// It panics on some records.
    Trapping,
    /// It refuses all records.
    Denying,
    /// Its file is cut short.
    HalfWritten,
    /// It does not take its settings.
    WronglySet,
    /// The configuration has a setting that there is not.
    WrongConfiguration,
    /// No one signed it.
    Unsigned,
    /// It was signed, and then altered.
    Altered,
}

/// Each once before any of them twice; the first ones oftener.
const KINDS: [Kind; 14] = [
    Kind::Good,
    Kind::Trapping,
    Kind::Differing,
    Kind::Slow,
    Kind::Good,
    Kind::HalfWritten,
    Kind::WronglySet,
    Kind::Trapping,
    Kind::Unsigned,
    Kind::Good,
    Kind::Denying,
    Kind::Altered,
    Kind::WrongConfiguration,
    Kind::Slow,
];

impl Kind {
    pub(super) fn does(self) -> Does {
        match self {
            Self::Differing => Does::More,
            Self::Slow => Does::Slow,
            Self::Trapping => Does::Trap,
            Self::Denying => Does::Deny,
            Self::WronglySet => Does::None,
            Self::Good
            | Self::HalfWritten
            | Self::WrongConfiguration
            | Self::Unsigned
            | Self::Altered => Does::Keep,
        }
    }

    /// What may become of it where no one dies.
    pub(super) fn may_become(self, way: Way) -> &'static [&'static str] {
        match (self, way) {
            (Self::Good | Self::Differing, _) | (Self::HalfWritten, Way::File) => &["promoted"],
            // In the shadow, or, where that had no records, on probation.
            (Self::Slow | Self::Denying, _) => &["refused", "rolled_back"],
            // Whatever it meets first: a record to panic on in the shadow, on probation, or none.
            (Self::Trapping, _) => &["refused", "rolled_back", "promoted"],
            _ => &["refused"],
        }
    }
}

/// How a version comes to the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// `tamis plugin deploy`.
    Command,
    /// Its file is written over the one that is watched.
    File,
}

/// One swap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Swap {
    pub(super) kind: Kind,
    pub(super) way: Way,
    /// Whether the process is killed while it goes on.
    pub(super) kills: bool,
}

/// All of them, in an order that the seed decides.
pub(super) fn swaps(options: Options) -> Vec<Swap> {
    let mut random = fastrand::Rng::with_seed(options.seed);
    let kinds = KINDS.into_iter().cycle().take(options.swaps);
    let mut swaps: Vec<_> = kinds
        .map(|kind| Swap {
            kind: if options.is_calm { Kind::Good } else { kind },
            way: match kind {
                // The others would be tried again by the next process, whatever happened to this one.
                Kind::Good | Kind::HalfWritten if !options.is_calm && random.bool() => Way::File,
                _ => Way::Command,
            },
            kills: false,
        })
        .collect();
    random.shuffle(&mut swaps);
    let mut mortal: Vec<usize> = (0..swaps.len())
        .filter(|index| swaps[*index].way == Way::Command)
        .filter(|index| swaps[*index].kind != Kind::WrongConfiguration)
        .collect();
    random.shuffle(&mut mortal);
    for index in mortal.into_iter().take(options.kills) {
        swaps[index].kills = true;
    }
    swaps
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_comes_and_some_die() {
        let options = Options {
            swaps: KINDS.len(),
            kills: 3,
            ..Options::new(1)
        };
        let plan = swaps(options);
        assert!(
            KINDS
                .iter()
                .all(|kind| plan.iter().any(|swap| swap.kind == *kind))
        );
        assert_eq!(plan.iter().filter(|swap| swap.kills).count(), 3);
        assert_eq!(plan, swaps(options));
    }
}
