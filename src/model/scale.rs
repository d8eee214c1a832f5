//! How much more a step does in production than on the clone: each relation's work grows with that relation.
//!
//! The server counted what the step did to each relation, whoever caused it. Reading and changing grow with the
//! relation itself, inserting with what was read for it, looking rows up with the larger of the two. A relation that is
//! scanned again and again is different: where the number of scans grows too, the work grows with the square.

use super::Target;
use super::evidence::LARGEST_RATIO;
use super::forecast::SAME_SIZE;
use super::relation_growth::RelationGrowth;
use crate::catalog::SizeGrowth;
use crate::observation::{Rehearsal, StepRecord, WorkRecord};
use crate::units::Count;

/// Seconds that a row costs which is read, one that is changed, and a block that is looked at. Only their proportions
/// matter, and only where relations grow differently. Measured: 52 million rows read in 4.5 s, 120,000 rows updated in
/// 0.3 s.
const READ: f64 = 0.1e-6;
const WRITE: f64 = 2e-6;
const BLOCK: f64 = 0.3e-6;
/// Seconds that a block full of dead rows costs a scan.
const DEAD_BLOCK: f64 = 6e-6;
/// Scans of one relation by one statement from which they may grow in number, and from which they surely do.
const FEW_SCANS: u64 = 4;
const MANY_SCANS: u64 = 100;
/// Index scans from which they count as looked up for each of some rows.
const LOOKUPS: u64 = 10;
/// Rows read or written below which a statement that should only change the catalog has worked on no rows.
const WORKED_ROWS: u64 = 1000;
/// Standard deviation of the logarithm beyond which nothing is promised: a factor of four either way at 95 %.
const VAGUE: f64 = 0.7;
/// Share of the logarithm of what more scans would add, by which it is uncertain while nothing tells whether there are
/// more: a loop by LIMIT has more, a script for ten tenants has not.
const DOUBT: f64 = 0.3;
/// Share of the work below which scans do not matter.
const NEGLIGIBLE_SHARE: f64 = 0.01;
/// Standard deviation of the logarithm of the time that repeated scans take on the clone.
const SCANS_SD: f64 = 0.55;

/// How much more a step does in production.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scale {
    /// Its work, as a multiple of the clone's, without what grows with the square.
    pub linear: f64,
    /// By what the duration is multiplied on top, for what grows with the square.
    pub beyond: f64,
    /// What it writes, as a multiple.
    pub written: f64,
    /// The rows that it inserts, as a multiple: they grow with what it reads.
    pub inserted: f64,
    /// Standard deviation of the logarithm of the whole multiple.
    pub log_sd: f64,
    /// The relations that grow, each with its factor.
    pub growing: Vec<(String, f64)>,
    /// Relations that it scans again and again, each with the number of scans.
    pub repeated: Vec<(String, u64)>,
    /// Whether it worked on rows at all.
    pub worked: bool,
    /// Rules of evidence that are not met, as sentences without a full stop.
    pub too_thin: Vec<String>,
}

/// Returns the scale of each step, in order; `None` for a step whose work was not observed, and where no size in
/// production is known. `factor` is by how much relations grow until the deploy.
pub fn scales(rehearsal: &Rehearsal, targets: &[Option<Target>], factor: Option<f64>) -> Vec<Option<Scale>> {
    let mut growth = RelationGrowth::new(rehearsal, targets, factor);
    let of = |step: &StepRecord| {
        let growth = growth.as_mut()?;
        let scale = Parts::new(step.work.as_ref()?, growth).scale(growth);
        let work = step.work.iter().flatten();
        work.for_each(|work| growth.fill(work, scale.inserted));
        Some(scale)
    };
    rehearsal.steps.iter().map(of).collect()
}

/// A part of a step's work: its cost on the clone, and what becomes of it.
#[derive(Clone, Copy)]
struct Part {
    seconds: f64,
    factor: f64,
    log_sd: f64,
    is_written: bool,
}

/// A step's work, relation by relation.
struct Parts<'a> {
    /// What was done to each relation, with its growth.
    work: Vec<(&'a WorkRecord, SizeGrowth)>,
    /// How what is read grows.
    read: f64,
    too_thin: Vec<String>,
}

impl<'a> Parts<'a> {
    fn new(records: &'a [WorkRecord], growth: &RelationGrowth) -> Parts<'a> {
        let mut parts = Parts {
            work: Vec::new(),
            read: 1.0,
            too_thin: Vec::new(),
        };
        for record in records {
            match growth.of(record) {
                Ok(growth) => parts.work.push((record, growth)),
                // What is only inserted into grows with what is read.
                Err(_) if record.rows_read == 0 && record.scans + record.lookups == 0 => {
                    parts.work.push((record, SizeGrowth::NONE));
                }
                Err(reason) => parts.too_thin.push(reason),
            }
        }
        let is_source = |(work, _): &&(&WorkRecord, SizeGrowth)| work.scans > 0 || work.lookups < LOOKUPS;
        let mean = |sources: Vec<&(&WorkRecord, SizeGrowth)>| {
            let weight =
                |work: &WorkRecord| READ * work.rows_read as f64 + BLOCK * reading_share(work) * work.blocks as f64;
            let sum: f64 = sources.iter().map(|(work, _)| weight(work)).sum();
            let grown: f64 = sources.iter().map(|(work, growth)| weight(work) * growth.factor).sum();
            (sum > 0.0).then(|| grown / sum)
        };
        let read = mean(parts.work.iter().filter(is_source).collect()).or_else(|| mean(parts.work.iter().collect()));
        parts.read = read.unwrap_or(1.0);
        parts
    }

    fn scale(mut self, growth: &RelationGrowth) -> Scale {
        let parts: Vec<Part> = self
            .work
            .iter()
            .flat_map(|(work, own)| self.parts(work, *own, growth.by_indexes(work)))
            .collect();
        let all = combined(parts.iter());
        let linear = all.as_ref().map_or(1.0, |all| all.factor);
        let written = combined(parts.iter().filter(|part| part.is_written));
        let scans = self.repeated_scans(growth, &parts, linear);
        let vague = scans.log_sd.hypot(all.as_ref().map_or(0.0, |all| all.spread_sd));
        let growing = self.work.iter().filter(|(work, growth)| {
            (growth.factor.ln().abs() > SAME_SIZE.ln()) && work.rows_read + work.rows_written() + work.blocks > 0
        });
        let growing: Vec<(String, f64)> = growing
            .map(|(work, growth)| (work.relation.clone(), growth.factor))
            .collect();
        let worked = self
            .work
            .iter()
            .any(|(work, _)| work.rows_read + work.rows_written() >= WORKED_ROWS);
        if linear > LARGEST_RATIO && worked {
            self.too_thin.push(format!(
                "what it works on is {linear:.0} times as large in production as on the clone; more than \
                 {LARGEST_RATIO:.0} times is not extrapolated"
            ));
        }
        if vague > VAGUE {
            self.too_thin.push(scans.vague());
        }
        Scale {
            linear,
            beyond: scans.beyond,
            written: written.map_or(linear, |written| written.factor),
            inserted: self.read,
            log_sd: vague.hypot(all.map_or(0.0, |all| all.growth_sd)),
            growing,
            repeated: scans.of,
            worked,
            too_thin: self.too_thin,
        }
    }

    /// Splits the work on one relation.
    fn parts(&self, work: &WorkRecord, growth: SizeGrowth, by_indexes: f64) -> Vec<Part> {
        let own = growth.factor;
        let looked_up = work.scans == 0 && work.lookups >= LOOKUPS;
        let reading = if looked_up { own.max(self.read) } else { own };
        let either = if looked_up {
            0.5 * (own / self.read).ln().abs()
        } else {
            0.0
        };
        let rows = (work.rows_read + work.rows_written()).max(1) as f64;
        let cost = |rows_here: u64, each: f64| {
            let blocks = BLOCK * work.blocks as f64 * rows_here as f64 / rows;
            each * rows_here as f64 + blocks
        };
        let only_blocks = if work.rows_read + work.rows_written() == 0 {
            BLOCK * work.blocks as f64
        } else {
            0.0
        };
        let of = |seconds, factor, log_sd: f64, is_written| Part {
            seconds,
            factor,
            log_sd: log_sd.hypot(growth.relative_sd),
            is_written,
        };
        let other = 0.5 * by_indexes.ln().abs();
        vec![
            of(cost(work.rows_read, READ) + only_blocks, reading, either, false),
            of(cost(work.rows_deleted, WRITE), reading, either, true),
            // An update that changes no indexed column touches no index.
            of(
                cost(work.rows_updated, WRITE),
                reading * by_indexes,
                either.hypot(other),
                true,
            ),
            of(
                cost(work.rows_inserted, WRITE),
                self.read * by_indexes,
                0.5 * other,
                true,
            ),
        ]
    }

    /// Finds relations that are scanned again and again, and what that adds to `linear`.
    fn repeated_scans(&self, growth: &RelationGrowth, parts: &[Part], linear: f64) -> Repeated {
        let all: f64 = parts.iter().map(|part| part.seconds).sum();
        let largest = self.work.iter().map(|(_, growth)| growth.factor).fold(1.0, f64::max);
        let mut found = Repeated {
            beyond: 1.0,
            ..Repeated::default()
        };
        let (mut sure, mut doubtful) = (0.0, 0.0);
        for (work, own) in self.work.iter().filter(|(work, _)| work.scans >= FEW_SCANS) {
            let by_rows = self.scanned_for_each_row(work);
            let more = by_rows.unwrap_or(largest);
            if own.factor <= SAME_SIZE && more <= SAME_SIZE {
                continue;
            }
            // A scan that passes over dead rows returns none of them: the pages tell.
            let pages = growth
                .blocks(work)
                .unwrap_or(0.0)
                .min(work.blocks as f64 / work.scans as f64);
            let scanning = READ * work.rows_read as f64 + 0.5 * DEAD_BLOCK * pages * work.scans as f64;
            // What the parts hold of it already is not counted twice.
            let rest = (all - READ * work.rows_read as f64).max(0.0);
            let share = scanning / (scanning + rest).max(f64::MIN_POSITIVE);
            if share < NEGLIGIBLE_SHARE {
                continue;
            }
            found.of.push((work.relation.clone(), work.scans));
            let added = share * (more * own.factor / linear - 1.0).max(0.0);
            if by_rows.is_some() || work.scans >= MANY_SCANS {
                sure += added;
            } else {
                doubtful += added;
            }
            if share < 0.8 {
                found.log_sd = found.log_sd.max(SCANS_SD * added / (1.0 + added));
            } else {
                found.log_sd = found.log_sd.max(0.1);
            }
        }
        found.beyond = 1.0 + sure + doubtful;
        let without = 1.0 + sure;
        found.log_sd = found.log_sd.hypot(DOUBT * (found.beyond / without).ln());
        found
    }

    /// Returns the growth of the relation for each of whose changed or read rows `scanned` was scanned once, if there
    /// is one: so a foreign key without an index is followed.
    fn scanned_for_each_row(&self, scanned: &WorkRecord) -> Option<f64> {
        let once_each = |rows: u64| rows > 0 && (rows as f64 / scanned.scans as f64).ln().abs() < 0.02;
        let mut others = self.work.iter().filter(|(work, _)| work.relation != scanned.relation);
        let driver = others.find(|(work, _)| {
            once_each(work.rows_deleted) || once_each(work.rows_updated) || once_each(work.rows_read)
        });
        driver
            .filter(|_| scanned.scans >= FEW_SCANS)
            .map(|(_, growth)| growth.factor)
    }
}

/// What scans that repeat themselves add.
#[derive(Default)]
struct Repeated {
    beyond: f64,
    log_sd: f64,
    of: Vec<(String, u64)>,
}

impl Repeated {
    fn vague(&self) -> String {
        let what = match self.of.first() {
            Some((relation, scans)) => format!(
                "{relation} is scanned {} times on the clone, and whether it is more often in production is not known",
                Count(*scans as f64)
            ),
            None => "the relations that it works on grow too differently".to_owned(),
        };
        format!("{what}: rehearse on a clone nearer to production's size")
    }
}

/// Returns the share of the looks at blocks that belongs to reading.
fn reading_share(work: &WorkRecord) -> f64 {
    work.rows_read as f64 / (work.rows_read + work.rows_written()).max(1) as f64
}

/// Parts of a step's work together.
struct Combined {
    /// By what they are multiplied.
    factor: f64,
    /// Standard deviation of its logarithm because each relation's growth is uncertain.
    growth_sd: f64,
    /// The same because it is uncertain how the cost is spread over relations that grow differently.
    spread_sd: f64,
}

fn combined<'a>(parts: impl Iterator<Item = &'a Part> + Clone) -> Option<Combined> {
    let sum: f64 = parts.clone().map(|part| part.seconds).sum();
    if sum <= 0.0 {
        return None;
    }
    let factor = parts.clone().map(|part| part.seconds * part.factor).sum::<f64>() / sum;
    let weighted = |square: fn(&Part, f64) -> f64| {
        let share = |part: &Part| part.seconds * part.factor / (sum * factor.max(f64::MIN_POSITIVE));
        let squares = parts.clone().map(|part| share(part) * square(part, factor));
        squares.sum::<f64>().sqrt()
    };
    Some(Combined {
        factor,
        growth_sd: weighted(|part, _| part.log_sd.powi(2)),
        spread_sd: weighted(|part, mean| 0.25 * (part.factor.max(1e-9) / mean.max(1e-9)).ln().powi(2)),
    })
}

#[cfg(test)]
mod tests;
