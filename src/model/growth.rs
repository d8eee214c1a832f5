//! How much larger production's tables are on the day of the deploy, from the growth that somebody expects.
//!
//! Growth is compound: after t periods at a rate of r a period, the rows are multiplied by (1 + r)^t. A rate is read
//! off the past and need not last, so its effect is uncertain: the logarithm of the factor is taken as normal, with a
//! standard deviation of [`UNCERTAIN_SHARE`] of itself.

use super::Target;
use super::target::grown;
use crate::catalog::facts::TableFacts;
use crate::error::{Error, ErrorKind, Result};
use crate::observation::{Rehearsal, StepRecord};
use crate::units::{Count, Date};

/// Standard deviation of the growth's logarithm, as a share of it: 2 % that are expected are about 1 to 3 %. An
/// assumption; nobody published how well such rates of growth hold.
const UNCERTAIN_SHARE: f64 = 0.5;

/// Largest factor, up or down, that is believed.
const LARGEST_FACTOR: f64 = 100.0;

/// Days of a mean month and a mean year of the Gregorian calendar.
const DAYS_OF_MONTH: f64 = 365.2425 / 12.0;
const DAYS_OF_YEAR: f64 = 365.2425;

/// How fast the rows become more, or fewer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GrowthRate {
    /// Share by which they grow in a period; negative when they become fewer.
    share: f64,
    period: &'static Period,
}

#[derive(Debug, PartialEq)]
struct Period {
    name: &'static str,
    days: f64,
}

const PERIODS: [Period; 4] = [
    Period { name: "day", days: 1.0 },
    Period {
        name: "week",
        days: 7.0,
    },
    Period {
        name: "month",
        days: DAYS_OF_MONTH,
    },
    Period {
        name: "year",
        days: DAYS_OF_YEAR,
    },
];

impl GrowthRate {
    /// Reads a rate such as `2%/month` or `-5 %/year`; `None` if it is none.
    pub fn parse(text: &str) -> Option<GrowthRate> {
        let (percent, period) = text.split_once('/')?;
        let percent: f64 = percent.trim().strip_suffix('%')?.trim_end().parse().ok()?;
        let period = PERIODS.iter().find(|known| known.name == period.trim())?;
        let share = percent / 100.0;
        (share.is_finite() && share > -1.0).then_some(GrowthRate { share, period })
    }
}

/// The growth of all tables until a day.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Growth {
    rate: GrowthRate,
    days: f64,
    until: Date,
}

impl Growth {
    /// Returns the growth at `rate` from the day on which the rows were counted until the deploy; none if that day is
    /// over by now.
    ///
    /// # Errors
    /// `Usage` when the rows would become a hundred times as many or as few.
    pub fn new(rate: GrowthRate, counted: Date, until: Date) -> Result<Growth> {
        let days = until.days_since(counted).max(0) as f64;
        let growth = Growth { rate, days, until };
        if growth.logarithm().abs() > LARGEST_FACTOR.ln() {
            return Err(Error::new(
                ErrorKind::Usage,
                format!("the rows would become more than {LARGEST_FACTOR} times as many or as few until {until}"),
            )
            .with_hint("check the rate and its period: --growth 2%/month"));
        }
        Ok(growth)
    }

    /// Returns the number by which the rows are multiplied.
    pub fn factor(&self) -> f64 {
        self.logarithm().exp()
    }

    fn logarithm(&self) -> f64 {
        self.rate.share.ln_1p() * self.days / self.rate.period.days
    }

    /// Returns the relative standard deviation of the factor.
    pub(super) fn relative_sd(&self) -> f64 {
        UNCERTAIN_SHARE * self.logarithm().abs()
    }

    /// Returns the size of each step on the day of the deploy; a step without a target has the clone's size today.
    pub(super) fn of_targets(&self, rehearsal: &Rehearsal, targets: &[Option<Target>]) -> Vec<Option<Target>> {
        let steps = rehearsal.steps.iter().enumerate();
        steps
            .map(|(index, step)| {
                let today = targets.get(index).copied().flatten();
                today
                    .or_else(|| as_on_the_clone(rehearsal, step))
                    .map(|target| self.of_target(target))
            })
            .collect()
    }

    /// Keys that are added stand at the end of a key's range; where rows go, the range stays.
    fn of_target(&self, target: Target) -> Target {
        Target {
            rows: target.rows * self.factor(),
            rows_relative_sd: target.rows_relative_sd.hypot(self.relative_sd()),
            batches: target.batches.map(|batches| (batches * self.factor().max(1.0)).ceil()),
            table_rows: target.table_rows.map(|rows| rows * self.factor()),
        }
    }

    /// Returns the table as it will be; its rows stay as wide as they are.
    pub(super) fn of_table(&self, table: &TableFacts) -> TableFacts {
        let bytes = |now: u64| (now as f64 * self.factor()).round() as u64;
        TableFacts {
            estimated_rows: table.estimated_rows * self.factor(),
            rows_relative_sd: table.rows_relative_sd.hypot(self.relative_sd()),
            heap_bytes: bytes(table.heap_bytes),
            toast_bytes: bytes(table.toast_bytes),
            index_bytes: bytes(table.index_bytes),
            ..table.clone()
        }
    }

    /// Says what is assumed of the tables, each with its present number of rows; `None` stands for no table by name.
    pub fn sentences<'a>(&self, tables: impl IntoIterator<Item = (Option<&'a str>, f64)>) -> Vec<String> {
        let mut sentences = Vec::new();
        for (name, rows) in tables {
            let sentence = format!(
                "{} from {} to {} rows until {}: {} % a {}, compounded over {} days; the growth itself is taken as \
                 uncertain by half.",
                name.map_or_else(|| "The table grows".to_owned(), |name| format!("{name} grows")),
                Count(rows.round()),
                Count((rows * self.factor()).round()),
                self.until,
                shown(100.0 * self.rate.share),
                self.rate.period.name,
                self.days
            );
            if !sentences.contains(&sentence) {
                sentences.push(sentence);
            }
        }
        sentences
    }

    /// Says what is assumed of the tables of a rehearsal, given the sizes of its steps today.
    pub(super) fn told_of(&self, rehearsal: &Rehearsal, targets: &[Option<Target>]) -> Vec<String> {
        let steps = rehearsal.steps.iter().enumerate();
        self.sentences(steps.filter_map(|(index, step)| {
            let target = targets.get(index).copied().flatten();
            let target = target.or_else(|| as_on_the_clone(rehearsal, step))?;
            Some((step.table.as_deref(), target.table_rows.unwrap_or(target.rows)))
        }))
    }
}

/// Returns a percentage without the digits that only binary fractions have.
fn shown(percent: f64) -> f64 {
    (percent * 1e6).round() / 1e6
}

fn as_on_the_clone(rehearsal: &Rehearsal, step: &StepRecord) -> Option<Target> {
    let clone = rehearsal
        .tables
        .iter()
        .find(|table| Some(&table.name) == step.table.as_ref());
    if let Some(clone) = clone {
        return Some(Target {
            rows_relative_sd: step.total_rows_relative_sd.hypot(clone.rows_relative_sd),
            ..grown(step, clone, clone)
        });
    }
    step.total_rows.map(|rows| Target {
        rows,
        rows_relative_sd: step.total_rows_relative_sd,
        batches: None,
        table_rows: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{EstimateOptions, batch_log, estimate};

    fn date(text: &str) -> Date {
        Date::parse(text).expect("a day")
    }

    fn growth(rate: &str, until: &str) -> Growth {
        let rate = GrowthRate::parse(rate).expect("a rate");
        Growth::new(rate, date("2026-11-27"), date(until)).expect("a growth")
    }

    fn check(rate: &str, until: &str, factor: f64, relative_sd: f64) {
        let growth = growth(rate, until);
        assert!((growth.factor() - factor).abs() < 1e-12, "{rate}: {}", growth.factor());
        let deviation = growth.relative_sd();
        assert!((deviation - relative_sd).abs() < 1e-12, "{rate}: {deviation}");
    }

    // python3: numpy.exp(numpy.log1p(0.02) * 49 / (365.2425 / 12)), and half of that logarithm; and so on
    #[test]
    fn growth_is_compound_and_uncertain_by_half() {
        check("2%/month", "2027-01-15", 1.0323936500697835, 0.015940019097111742);
        check("-5 % / year", "2027-11-27", 0.9500323535566377, 0.0256296192960238);
        check("0.1%/day", "2027-01-15", 1.0501946377969542, 0.02448775816054656);
        check("1%/week", "2026-11-27", 1.0, 0.0);
        check("1%/week", "2026-11-26", 1.0, 0.0);
    }

    #[test]
    fn only_rates_with_a_sign_and_a_period_are_read() {
        for wrong in [
            "2%",
            "2/month",
            "2%/moon",
            "-100%/day",
            "nan%/day",
            "inf%/year",
            "%/day",
            "",
        ] {
            assert_eq!(GrowthRate::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn what_nobody_can_mean_is_refused() {
        let refused = |rate, until| {
            let rate = GrowthRate::parse(rate).expect("a rate");
            let error = Growth::new(rate, date("2026-11-27"), date(until)).expect_err("is refused");
            assert_eq!(error.kind(), ErrorKind::Usage);
            error.message().to_owned()
        };
        assert!(refused("100%/day", "2027-11-27").contains("100 times"));
        assert!(refused("-99%/day", "2027-11-27").contains("100 times"));
    }

    #[test]
    fn production_and_the_clone_grow_alike() {
        let log = "rows,seconds\n".to_string() + &"100,0.01\n".repeat(400);
        let mut rehearsal = batch_log::read(&log, "log.csv", 40_000.0).expect("a batch log");
        rehearsal.steps[0].table = Some("public.orders".to_owned());
        let options = EstimateOptions {
            growth: Some(growth("2%/month", "2027-01-15")),
            ..EstimateOptions::default()
        };
        let today = estimate(&rehearsal, &[], &EstimateOptions::default()).expect("an estimate");
        let later = estimate(&rehearsal, &[], &options).expect("an estimate");
        let ratio = later.total.point_seconds / today.total.point_seconds;
        assert!((ratio - 1.0323936500697835).abs() < 0.01, "{ratio}");
        let sentence = "public.orders grows from 40,000 to 41,296 rows until 2027-01-15: 2 % a month, compounded over \
                        49 days; the growth itself is taken as uncertain by half.";
        assert!(
            later.assumptions.iter().any(|said| said == sentence),
            "{:?}",
            later.assumptions
        );
        let production = Target {
            rows: 104e6,
            rows_relative_sd: 0.01,
            batches: Some(1000.0),
            table_rows: Some(104e6),
        };
        let grown = options.growth.expect("it grows").of_target(production);
        // 104e6 * 1.02 ** (49 / (365.2425 / 12)); numpy.hypot(0.01, half the logarithm)
        assert!((grown.rows - 107_368_939.607).abs() < 0.01, "{}", grown.rows);
        assert!(
            (grown.rows_relative_sd - 0.018817125413205044).abs() < 1e-12,
            "{}",
            grown.rows_relative_sd
        );
        assert_eq!((grown.batches, grown.table_rows), (Some(1033.0), Some(grown.rows)));
        let fewer = growth("-5%/year", "2027-11-27").of_target(production);
        assert_eq!(fewer.batches, Some(1000.0));
    }
}
