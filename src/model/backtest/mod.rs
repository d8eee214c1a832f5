//! How often the estimates are right on a real server: the families of work, the plan, the pairs of prediction and
//! outcome, and their judgement.
//!
//! All of it is data and arithmetic; the hall runs the pairs. The design follows three rules. The outcome is an
//! independent whole run on a fresh copy, never the run that was predicted from. Pairs of all families are interleaved
//! in random order. Half of the families are there to fit constants, and only the other half judges.

mod baselines;
mod families;
mod family;
mod judge;
mod judgement;
mod outcome;
mod pair;
mod plan;
mod score;

pub use baselines::{Extrapolation, extrapolated, mean_of_segments, share_replayed};
pub use families::all as families;
pub use family::{Family, WalkedWork, Work};
pub use judge::judge;
pub use judgement::{FamilyResult, Held, Judgement, PitBin, Subject};
pub use outcome::LEVELS;
pub use pair::{Pair, Status, pairs_from_csv, pairs_to_csv};
pub use plan::{Design, PairPlan};
