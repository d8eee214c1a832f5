//! The predicted distribution of the total, with its intervals, the window and the actual duration.

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, VPos};

use super::density::{bandwidth, density};
use super::scale::{time_label, time_ticks};
use super::{
    ACCENT, Area, CONTRAST, Chart, Drawn, Figure, INK, Key, Margins, Scale, Screen, drawings, frame, line, px, text,
};
use crate::model::estimate::{Estimate, Interval};
use crate::report::data_table::DataTable;
use crate::report::words::{self, percent, probability};
use crate::stats::quantile::quantile;
use crate::units::Seconds;

/// Generous estimate of the width of a character in a label, in pixels.
const LABEL_CHARACTER: f64 = 7.5;

/// Percentiles in the table of numbers.
const SHOWN: [usize; 9] = [1, 5, 10, 25, 50, 75, 90, 95, 99];

/// Returns the picture, or `None` when the estimate has no distribution to draw.
pub fn distribution(estimate: &Estimate) -> Option<Figure> {
    let percentiles = &estimate.total.percentiles;
    let bandwidth = bandwidth(percentiles)?;
    let view = View::new(estimate, bandwidth);
    Some(Figure {
        id: "distribution".to_string(),
        heading: "How long in all".to_string(),
        finding: finding(estimate),
        drawings: drawings(270, |area, screen| view.draw(area, screen)),
        legend: legend(estimate),
        table: table(percentiles),
    })
}

/// A value marked by a vertical line, with its label.
struct Marked {
    seconds: f64,
    label: String,
    colour: RGBColor,
    dashed: bool,
}

struct View {
    curve: Vec<(f64, f64)>,
    interval: Interval,
    intervals: Vec<Interval>,
    marked: Vec<Marked>,
    start: f64,
    end: f64,
}

impl View {
    fn new(estimate: &Estimate, bandwidth: f64) -> View {
        let percentiles = &estimate.total.percentiles;
        let mut start = percentiles[0] - 3.0 * bandwidth;
        let mut end = percentiles[percentiles.len() - 1] + 3.0 * bandwidth;
        for interval in &estimate.total.intervals {
            start = start.min(interval.lower_seconds);
            end = end.max(interval.upper_seconds);
        }
        let marked = marked(estimate);
        let span = end - start;
        let near = start - 0.5 * span..end + span;
        for mark in marked.iter().filter(|mark| near.contains(&mark.seconds)) {
            start = start.min(mark.seconds - 0.03 * span);
            end = end.max(mark.seconds + 0.03 * span);
        }
        let start = start.max(0.0);
        View {
            curve: density(percentiles, bandwidth, start, end),
            interval: estimate.interval(),
            intervals: estimate.total.intervals.clone(),
            marked,
            start,
            end,
        }
    }

    fn draw(&self, area: &Area, screen: Screen) -> Drawn {
        let margins = Margins {
            top: 6.0,
            right: 26.0,
            left: 0.0,
        };
        let ticks = time_ticks(self.start, self.end, screen.ticks());
        let x = Scale {
            start: self.start,
            end: self.end,
            ticks,
        };
        let top = 1.12 + 0.16 * self.marked.len() as f64;
        let y = Scale {
            start: self.bottom(),
            end: top,
            ticks: Vec::new(),
        };
        let mut chart = frame(area, &margins, (x, &time_label), (y, &|_| String::new()))?;
        self.draw_curve(&mut chart)?;
        self.draw_intervals(&mut chart)?;
        for (row, (mark, leftwards)) in self.rows(screen).into_iter().enumerate() {
            self.draw_marked(&mut chart, mark, leftwards, 1.1 + 0.16 * row as f64)?;
        }
        Ok(())
    }

    /// Returns the marks ordered by the rows of their labels, the lowest row first, and whether each label extends to
    /// the left.
    ///
    /// A mark's line reaches up to its label. So that no line crosses another label, a label that extends to the right
    /// is placed higher the further left it begins. Labels that would leave the picture on the right extend to the left
    /// instead, and are placed above the others.
    fn rows(&self, screen: Screen) -> Vec<(&Marked, bool)> {
        let width = f64::from(screen.width());
        let leftwards = |mark: &&Marked| {
            let length = LABEL_CHARACTER * mark.label.chars().count() as f64;
            self.fraction(mark.seconds) * width + length > width
        };
        let (mut left, mut right): (Vec<&Marked>, Vec<&Marked>) = self.marked.iter().partition(leftwards);
        right.sort_by(|one, other| other.seconds.total_cmp(&one.seconds));
        left.sort_by(|one, other| one.seconds.total_cmp(&other.seconds));
        let right = right.into_iter().map(|mark| (mark, false));
        right.chain(left.into_iter().map(|mark| (mark, true))).collect()
    }

    fn bottom(&self) -> f64 {
        -0.16 * (self.intervals.len() as f64 + 0.4)
    }

    fn draw_curve(&self, chart: &mut Chart) -> Drawn {
        let (lower, upper) = (self.interval.lower_seconds, self.interval.upper_seconds);
        let inside = self
            .curve
            .iter()
            .copied()
            .filter(|point| (lower..=upper).contains(&point.0));
        let inside: Vec<(f64, f64)> = inside.collect();
        chart.draw_series([Polygon::new(closed(&self.curve), ACCENT.mix(0.10).filled())])?;
        if !inside.is_empty() {
            chart.draw_series([Polygon::new(closed(&inside), ACCENT.mix(0.22).filled())])?;
        }
        chart.draw_series([PathElement::new(self.curve.clone(), line(ACCENT, 2.0))])?;
        Ok(())
    }

    /// Draws each interval as a bar below the curve; the narrowest bar is the thickest, and on top.
    fn draw_intervals(&self, chart: &mut Chart) -> Drawn {
        for (row, interval) in self.intervals.iter().enumerate() {
            let y = -0.16 * (row as f64 + 0.9);
            let width = (7.0 - 2.0 * row as f64).max(2.0);
            let bar = [(interval.lower_seconds, y), (interval.upper_seconds, y)];
            chart.draw_series([PathElement::new(bar, line(ACCENT, width))])?;
            let late = self.fraction(interval.upper_seconds) > 0.9;
            let (at, shift, anchor) = if late {
                (interval.lower_seconds, -px(6.0), HPos::Right)
            } else {
                (interval.upper_seconds, px(6.0), HPos::Left)
            };
            let style = text(12.0, INK, anchor, VPos::Center);
            chart.draw_series([EmptyElement::at((at, y)) + Text::new(percent(interval.level), (shift, 0), style)])?;
        }
        Ok(())
    }

    fn draw_marked(&self, chart: &mut Chart, mark: &Marked, leftwards: bool, top: f64) -> Drawn {
        let fraction = self.fraction(mark.seconds);
        let (label, at) = match fraction {
            fraction if fraction > 1.0 => (format!("{} →", mark.label), self.end),
            fraction if fraction < 0.0 => (format!("← {}", mark.label), self.start),
            _ => (mark.label.clone(), mark.seconds),
        };
        let (anchor, shift) = if leftwards {
            (HPos::Right, px(2.0))
        } else {
            (HPos::Left, -px(2.0))
        };
        let upright = [(mark.seconds, 0.0), (mark.seconds, top - 0.02)];
        let is_within = (0.0..=1.0).contains(&fraction);
        if is_within && mark.dashed {
            chart.draw_series(DashedLineSeries::new(upright, px(4.0), px(3.0), line(mark.colour, 1.5)))?;
        } else if is_within {
            chart.draw_series([PathElement::new(upright, line(mark.colour, 1.5))])?;
        }
        let style = text(12.5, mark.colour, anchor, VPos::Bottom);
        chart.draw_series([EmptyElement::at((at, top)) + Text::new(label, (shift, 0), style)])?;
        Ok(())
    }

    fn fraction(&self, seconds: f64) -> f64 {
        (seconds - self.start) / (self.end - self.start)
    }
}

fn marked(estimate: &Estimate) -> Vec<Marked> {
    let mark = |name: &str, seconds: f64, colour, dashed| Marked {
        seconds,
        label: format!("{name} {}", Seconds(seconds)),
        colour,
        dashed,
    };
    let mut marked = vec![mark("median", estimate.total.point_seconds, INK, false)];
    marked.extend(
        estimate
            .actual_seconds
            .map(|actual| mark("actual", actual, CONTRAST, false)),
    );
    let window = estimate.total.fits_window;
    marked.extend(window.map(|fits| mark("window", fits.window_seconds, CONTRAST, true)));
    marked
}

fn closed(curve: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let (first, last) = (curve[0].0, curve[curve.len() - 1].0);
    std::iter::once((first, 0.0))
        .chain(curve.iter().copied())
        .chain([(last, 0.0)])
        .collect()
}

fn finding(estimate: &Estimate) -> String {
    let intervals = estimate.total.intervals.iter();
    let intervals: Vec<String> = intervals
        .map(|interval| format!("{} within {}", percent(interval.level), words::interval(*interval)))
        .collect();
    let mut text = format!(
        "Median {}; {}.",
        Seconds(estimate.total.point_seconds),
        intervals.join(", ")
    );
    if let Some(fits) = estimate.total.fits_window {
        text += &format!(
            " The window of {} is met with probability {}.",
            Seconds(fits.window_seconds),
            probability(fits.probability)
        );
    }
    if let Some(outcome) = words::outcome(estimate) {
        text += &format!(" {outcome}");
    }
    text
}

fn legend(estimate: &Estimate) -> Vec<Key> {
    let level = percent(estimate.interval().level);
    let mut keys = vec![
        Key::new(
            "◠",
            "accent",
            format!("predicted distribution; darker within the {level} prediction interval"),
        ),
        Key::new("▬", "accent", "prediction intervals"),
    ];
    if estimate.total.fits_window.is_some() {
        keys.push(Key::new("┆", "contrast", "the window"));
    }
    if estimate.actual_seconds.is_some() {
        keys.push(Key::new("│", "contrast", "what a whole run then took"));
    }
    keys
}

fn table(percentiles: &[f64]) -> DataTable {
    let rows = SHOWN.iter().map(|&share| {
        let fraction = (share as f64 - 1.0) / 98.0;
        vec![
            format!("{share} %"),
            Seconds(quantile(percentiles, fraction)).to_string(),
        ]
    });
    DataTable {
        caption: "Predicted distribution of the total".to_string(),
        header: ["Probability", "Takes at most"].map(str::to_string).to_vec(),
        rows: rows.collect(),
        numeric: true,
    }
}
