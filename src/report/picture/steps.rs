//! How the time is divided: a bar for each step of a migration with several steps.

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, VPos};

use super::{ACCENT, Area, Drawn, Figure, INK, Key, Screen, drawings, line, px, text};
use crate::model::estimate::{Estimate, StepEstimate, interval_at};
use crate::report::data_table::DataTable;
use crate::report::words::{interval, kind_name, percent};
use crate::units::Seconds;

/// Most bars in one picture; if there are more steps, the longest are shown.
const MOST_BARS: usize = 20;

/// Height of a bar with its text, in pixels.
const ROW: f64 = 46.0;

/// Returns the picture, or `None` for a migration of one step.
pub fn steps(estimate: &Estimate) -> Option<Figure> {
    let bars = longest(&estimate.steps);
    if estimate.steps.len() < 2 {
        return None;
    }
    let level = percent(estimate.level);
    let height = (ROW * bars.len() as f64) as u32 + 4;
    let ends = bars.iter().map(|step| {
        interval_at(&step.intervals, estimate.level)
            .upper_seconds
            .max(step.point_seconds)
    });
    let end = ends.fold(f64::MIN_POSITIVE, f64::max);
    let mut legend = vec![
        Key::new("▬", "accent", "median duration of the step"),
        Key::new("├┤", "ink", format!("its {level} prediction interval")),
    ];
    if bars.len() < estimate.steps.len() {
        legend.push(Key::new(
            "…",
            "ink",
            format!("the {} longest of {} steps", bars.len(), estimate.steps.len()),
        ));
    }
    Some(Figure {
        id: "steps-picture".to_string(),
        heading: "Where the time goes".to_string(),
        finding: finding(estimate),
        drawings: drawings(height, |area, screen| draw(area, screen, &bars, estimate.level, end)),
        legend,
        table: table(estimate),
    })
}

fn longest(steps: &[StepEstimate]) -> Vec<&StepEstimate> {
    let mut bars: Vec<&StepEstimate> = steps.iter().collect();
    bars.sort_by(|one, other| other.point_seconds.total_cmp(&one.point_seconds));
    bars.truncate(MOST_BARS);
    bars.sort_by_key(|step| step.number);
    bars
}

fn draw(area: &Area, screen: Screen, bars: &[&StepEstimate], level: f64, end: f64) -> Drawn {
    let width = f64::from(screen.width()) - 8.0;
    let at = |seconds: f64| px(1.0 + width * (seconds / end).clamp(0.0, 1.0));
    for (index, step) in bars.iter().enumerate() {
        let top = ROW * index as f64;
        let shown = interval_at(&step.intervals, level);
        let name = format!("{}  {}", step.number, kind_name(step.kind));
        let duration = format!("{} ({})", Seconds(step.point_seconds), interval(shown));
        area.draw(&Text::new(
            name,
            (px(1.0), px(top + 2.0)),
            text(12.5, INK, HPos::Left, VPos::Top),
        ))?;
        let right = text(12.5, INK, HPos::Right, VPos::Top);
        area.draw(&Text::new(
            duration,
            (px(f64::from(screen.width()) - 2.0), px(top + 2.0)),
            right,
        ))?;
        let (bar_top, bar_bottom) = (px(top + 20.0), px(top + 36.0));
        let bar = [(px(1.0), bar_top), (at(step.point_seconds).max(px(2.5)), bar_bottom)];
        area.draw(&Rectangle::new(bar, ACCENT.mix(0.55).filled()))?;
        let (lower, upper, middle) = (at(shown.lower_seconds), at(shown.upper_seconds), px(top + 28.0));
        if upper - lower > px(2.0) {
            let whisker = [(lower, middle), (upper, middle)];
            area.draw(&PathElement::new(whisker, line(INK, 1.5)))?;
            for x in [lower, upper] {
                area.draw(&PathElement::new(
                    [(x, px(top + 23.0)), (x, px(top + 33.0))],
                    line(INK, 1.5),
                ))?;
            }
        }
    }
    Ok(())
}

fn finding(estimate: &Estimate) -> String {
    let all: f64 = estimate.steps.iter().map(|step| step.point_seconds).sum();
    let longest = estimate
        .steps
        .iter()
        .max_by(|one, other| one.point_seconds.total_cmp(&other.point_seconds));
    match longest {
        Some(step) if all > 0.0 => format!(
            "Step {} ({}) takes {} of the time and contributes {} of the uncertainty.",
            step.number,
            kind_name(step.kind),
            percent(step.point_seconds / all),
            percent(step.share_of_variance)
        ),
        _ => "No step takes time.".to_string(),
    }
}

fn table(estimate: &Estimate) -> DataTable {
    let rows = estimate.steps.iter().map(|step| {
        vec![
            format!("{} {}", step.number, kind_name(step.kind)),
            Seconds(step.point_seconds).to_string(),
            interval(interval_at(&step.intervals, estimate.level)),
            percent(step.share_of_variance),
        ]
    });
    let level = format!("{} interval", percent(estimate.level));
    DataTable {
        caption: "Duration of each step and its share of the uncertainty".to_string(),
        header: vec![
            "Step".to_string(),
            "Median".to_string(),
            level,
            "Share of the uncertainty".to_string(),
        ],
        rows: rows.collect(),
        numeric: true,
    }
}
