//! Rows/s per batch, over time and over the key space, with the mean's confidence interval.

use std::collections::BTreeSet;

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, VPos};

use super::findings::{extremes, middle_half, tenths, trend};
use super::scale::{round_ticks, round_up, time_label, time_ticks};
use super::{
    ACCENT, Area, Chart, Drawn, Figure, INK, Key, MUTED, Margins, Scale, Screen, drawings, frame, line, px, text,
};
use crate::migration::StepKind;
use crate::model::estimate::{Estimate, Rate};
use crate::observation::{EventKind, Observation, Rehearsal, StepRecord};
use crate::report::bins::{Mark, marks};
use crate::report::data_table::DataTable;
use crate::report::words::{percent, rate_interval, rate_number};
use crate::stats::quantile::quantile;
use crate::units::{Count, RowsPerSecond, Seconds, counted};

/// Fewest batches that are drawn as a picture.
const FEWEST: usize = 5;

/// Most batches that are drawn as individual marks.
const MOST_SINGLE: usize = 500;

/// Smallest distance between two checkpoint ticks, in pixels.
const CHECKPOINT_GAP: f64 = 4.0;

/// Most ticks of the vertical axis.
const Y_TICKS: usize = 5;

/// Returns the two pictures of each step that has enough batches.
pub fn throughput(rehearsal: &Rehearsal, estimate: &Estimate) -> Vec<Figure> {
    let batched = rehearsal.steps.iter().filter(|step| step.kind == StepKind::Backfill);
    let several = batched.clone().count() > 1;
    batched
        .flat_map(|step| {
            let rate = estimate.steps.iter().find(|one| one.number == step.number);
            let rate = rate.and_then(|one| one.rows_per_second);
            let level = estimate.level;
            [Axis::Time, Axis::Place].into_iter().filter_map(move |axis| {
                let view = View::new(rehearsal, step, (rate, level), axis)?;
                Some(view.figure(step.number, several))
            })
        })
        .collect()
}

/// The quantity on the horizontal axis.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Axis {
    Time,
    Place,
}

impl Axis {
    fn of(self, observation: &Observation) -> f64 {
        if self == Axis::Time {
            observation.elapsed
        } else {
            observation.position
        }
    }

    fn label(self, x: &f64) -> String {
        if self == Axis::Time { time_label(x) } else { percent(*x) }
    }
}

/// The batches of one step, as shown in one picture.
struct View {
    axis: Axis,
    /// Position and rows/s of the batches after the warm-up, in the order they were measured.
    steady: Vec<(f64, f64)>,
    /// The same for the batches of the warm-up.
    warm_up: Vec<(f64, f64)>,
    checkpoints: Vec<f64>,
    rate: Option<Rate>,
    /// Level of the rate's confidence interval.
    level: f64,
    /// End of the horizontal axis.
    end: f64,
    /// Top of the vertical axis.
    top: f64,
    runs: u32,
}

impl View {
    fn new(rehearsal: &Rehearsal, step: &StepRecord, (rate, level): (Option<Rate>, f64), axis: Axis) -> Option<View> {
        let places = step.observations.iter().map(|one| axis.of(one));
        if places.clone().fold(f64::MIN, f64::max) <= places.fold(f64::MAX, f64::min) {
            return None;
        }
        let points = |warm_up: bool| -> Vec<(f64, f64)> {
            let kept = step
                .observations
                .iter()
                .filter(|one| one.warm_up == warm_up && one.seconds > 0.0);
            kept.map(|one| (axis.of(one), one.rows as f64 / one.seconds)).collect()
        };
        let (steady, warm_up) = (points(false), points(true));
        let latest = steady.iter().chain(&warm_up).map(|point| point.0).fold(0.0, f64::max);
        let end = if axis == Axis::Place { 1.0 } else { latest };
        let top = top_of(&steady, &warm_up, rate)?;
        if steady.len() < FEWEST || end <= 0.0 {
            return None;
        }
        let checkpoints = match axis {
            Axis::Time => checkpoints(rehearsal, step.number, end),
            Axis::Place => Vec::new(),
        };
        let runs = 1 + step.observations.iter().map(|one| one.run).max().unwrap_or(0);
        Some(View {
            axis,
            steady,
            warm_up,
            checkpoints,
            rate,
            level,
            end,
            top,
            runs,
        })
    }

    fn figure(&self, step: u32, several: bool) -> Figure {
        let over = if self.axis == Axis::Time {
            "over time"
        } else {
            "over the key space"
        };
        let name = if self.axis == Axis::Time { "time" } else { "place" };
        let of_step = if several {
            format!(", step {step}")
        } else {
            String::new()
        };
        Figure {
            id: format!("throughput-{name}-{step}"),
            heading: format!("Rows per second {over}{of_step}"),
            finding: self.finding(),
            drawings: drawings(280, |area, screen| self.draw(area, screen)),
            legend: self.legend(),
            table: self.table(),
        }
    }

    fn draw(&self, area: &Area, screen: Screen) -> Drawn {
        let margins = Margins {
            top: 26.0,
            right: 44.0,
            left: 60.0,
        };
        let x_ticks = match self.axis {
            Axis::Time => time_ticks(0.0, self.end, screen.ticks()),
            Axis::Place => round_ticks(0.0, 1.0, 5),
        };
        let x = Scale {
            start: 0.0,
            end: self.end,
            ticks: x_ticks,
        };
        let y_ticks = round_ticks(0.0, self.top, Y_TICKS);
        let y = Scale {
            start: 0.0,
            end: self.top,
            ticks: y_ticks,
        };
        let mut chart = frame(area, &margins, (x, &|x| self.axis.label(x)), (y, &|y| rate_number(*y)))?;
        area.draw(&Text::new(
            "rows/s",
            (px(54.0), px(3.0)),
            text(12.0, MUTED, HPos::Right, VPos::Top),
        ))?;
        let warm_up = marks(&self.warm_up, self.end, most_marks(screen, self.warm_up.len()));
        let steady = marks(&self.steady, self.end, most_marks(screen, self.steady.len()));
        self.draw_ranges(&mut chart, &steady)?;
        self.draw_mean(&mut chart)?;
        self.draw_marks(&mut chart, &warm_up, line(ACCENT, 1.0))?;
        self.draw_marks(&mut chart, &steady, ACCENT.filled())?;
        self.draw_checkpoints(area, &chart)
    }

    fn draw_mean(&self, chart: &mut Chart) -> Drawn {
        let Some(rate) = self.rate else {
            return Ok(());
        };
        let band = Rectangle::new(
            [(0.0, rate.lower), (self.end, rate.upper.min(self.top))],
            ACCENT.mix(0.16).filled(),
        );
        chart.draw_series([band])?;
        let mean = PathElement::new([(0.0, rate.point), (self.end, rate.point)], line(INK, 1.5));
        chart.draw_series([mean])?;
        let style = text(12.0, INK, HPos::Left, VPos::Center);
        let label = EmptyElement::at((self.end, rate.point)) + Text::new("mean", (px(6.0), 0), style);
        chart.draw_series([label])?;
        Ok(())
    }

    fn draw_ranges(&self, chart: &mut Chart, marks: &[Mark]) -> Drawn {
        let style = ACCENT.mix(0.4).stroke_width(px(1.5) as u32);
        let several = marks.iter().filter(|mark| mark.points > 1);
        let ranges = several.map(|mark| [(mark.x, mark.low.min(self.top)), (mark.x, mark.high.min(self.top))]);
        chart.draw_series(ranges.map(|range| PathElement::new(range, style)))?;
        Ok(())
    }

    fn draw_marks(&self, chart: &mut Chart, marks: &[Mark], style: ShapeStyle) -> Drawn {
        let (above, within): (Vec<&Mark>, Vec<&Mark>) = marks.iter().partition(|mark| mark.median > self.top);
        chart.draw_series(
            within
                .iter()
                .map(|mark| Circle::new((mark.x, mark.median), px(2.5), style)),
        )?;
        chart.draw_series(
            above
                .iter()
                .map(|mark| TriangleMarker::new((mark.x, self.top), px(4.0), style)),
        )?;
        Ok(())
    }

    fn draw_checkpoints(&self, area: &Area, chart: &Chart) -> Drawn {
        let (_, top) = chart.backend_coord(&(0.0, self.top));
        let column = |at: &f64| chart.backend_coord(&(*at, self.top)).0 / px(CHECKPOINT_GAP);
        let columns: BTreeSet<i32> = self.checkpoints.iter().map(column).collect();
        for x in columns.into_iter().map(|column| column * px(CHECKPOINT_GAP)) {
            area.draw(&PathElement::new(
                [(x, top - px(9.0)), (x, top - px(2.0))],
                line(INK, 1.5),
            ))?;
        }
        Ok(())
    }

    fn legend(&self) -> Vec<Key> {
        let mut keys = vec![self.batch_key()];
        if !self.warm_up.is_empty() {
            let text = "warm-up: caches of a new segment still cold";
            keys.push(Key::new("○", "accent", text));
        }
        if let Some(rate) = self.rate {
            let (mean, level, interval) = (RowsPerSecond(rate.point), percent(self.level), rate_interval(rate));
            let text = format!("mean {mean}, {level} confidence interval {interval}");
            keys.push(Key::new("—", "band", text));
        }
        if !self.checkpoints.is_empty() {
            let text = counted(self.checkpoints.len(), "checkpoint began", "checkpoints began");
            keys.push(Key::new("|", "ink", text));
        }
        keys
    }

    fn batch_key(&self) -> Key {
        let (batches, most) = (self.steady.len(), most_marks(Screen::Wide, self.steady.len()));
        let mut text = if batches > most {
            let each = Count(batches.div_ceil(most) as f64);
            format!("each mark is the median of about {each} batches, its line their range")
        } else {
            format!("one of {}", counted(batches, "batch", "batches"))
        };
        let above = self.steady.iter().chain(&self.warm_up);
        let above = above.filter(|point| point.1 > self.top).count();
        if above > 0 {
            text += &format!("; {} faster than the scale, ▲ at its top", Count(above as f64));
        }
        Key::new("●", "accent", text)
    }

    fn finding(&self) -> String {
        let middle = middle_half(&self.steady);
        let time = Seconds(self.end);
        match self.axis {
            Axis::Time if self.runs > 1 => format!(
                "In {} runs of up to {time}, laid over each other: {middle}.{}",
                self.runs,
                trend(&self.steady, self.end)
            ),
            Axis::Time => format!("Over {time}: {middle}.{}", trend(&self.steady, self.end)),
            Axis::Place => format!("Over the key space: {middle}.{}", extremes(&self.steady)),
        }
    }

    fn table(&self) -> DataTable {
        let place = if self.axis == Axis::Time {
            "Time since the first batch"
        } else {
            "Share of the walk"
        };
        tenths(&self.steady, self.end, place, &|x| self.axis.label(x))
    }
}

/// Returns when the checkpoints of the step began, in seconds, up to `end`.
fn checkpoints(rehearsal: &Rehearsal, step: u32, end: f64) -> Vec<f64> {
    let events = rehearsal.events.iter();
    let began = events.filter(|event| event.step == step && event.event == EventKind::CheckpointStart);
    began
        .map(|event| event.elapsed)
        .filter(|at| (0.0..=end).contains(at))
        .collect()
}

/// Returns the largest number of marks in a drawing: one per batch while there are few, otherwise that many medians.
fn most_marks(screen: Screen, batches: usize) -> usize {
    match screen {
        _ if batches <= MOST_SINGLE => MOST_SINGLE,
        Screen::Wide => 160,
        Screen::Narrow => 70,
    }
}

/// Returns the top of the vertical axis: the fastest batch, unless a few outliers would flatten all the others.
fn top_of(steady: &[(f64, f64)], warm_up: &[(f64, f64)], rate: Option<Rate>) -> Option<f64> {
    let mut rates: Vec<f64> = steady.iter().chain(warm_up).map(|point| point.1).collect();
    rates.sort_unstable_by(f64::total_cmp);
    let fastest = *rates.last()?;
    let usual = 2.0 * quantile(&rates, 0.95);
    let shown = if usual > 0.0 { fastest.min(usual) } else { fastest };
    let top = round_up(shown.max(rate.map_or(0.0, |rate| rate.upper)), Y_TICKS);
    (top.is_finite() && top > 0.0).then_some(top)
}
