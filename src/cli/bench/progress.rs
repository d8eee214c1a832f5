//! Shows the progress of a bench: the current run and the time left; silent if stderr is not a terminal.

use indicatif::{ProgressBar, ProgressStyle};

use crate::observation::{Observation, StepRecord};
use crate::rehearsal::RehearsalMonitor;
use crate::units::Seconds;

/// The progress bar of a bench, which also monitors each of its runs.
pub struct BenchProgress {
    bar: ProgressBar,
    scenario: String,
}

impl BenchProgress {
    /// Shows a bar for `count` runs, or other items named by `unit`.
    pub fn new(count: usize, unit: &str) -> BenchProgress {
        let style = ProgressStyle::with_template(&format!("[{{bar:20}}] {unit} {{pos}}/{{len}}: {{msg}}{{prefix}}"))
            .expect("the template is valid")
            .progress_chars("=> ");
        BenchProgress {
            bar: ProgressBar::new(count as u64).with_style(style),
            scenario: String::new(),
        }
    }

    /// Shows that a run begins; `seconds_left` is the expected time of this and later runs, 0 if unknown.
    pub fn run_begins(&mut self, scenario: &str, seconds_left: f64) {
        self.scenario = scenario.to_string();
        self.bar.set_prefix(if seconds_left > 0.0 {
            format!(", {} left", Seconds(seconds_left))
        } else {
            String::new()
        });
        self.bar.set_message(self.scenario.clone());
        self.bar.tick();
    }

    /// Shows what happens before the run.
    pub fn says(&mut self, what: &str) {
        self.bar.set_message(format!("{} ({what})", self.scenario));
    }

    /// Shows that a run is done.
    pub fn run_done(&mut self) {
        self.bar.inc(1);
    }
}

impl Drop for BenchProgress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

impl RehearsalMonitor for BenchProgress {
    fn step_begins(&mut self, step: &StepRecord) {
        self.says(&format!("step {}", step.number));
    }

    fn batch_done(&mut self, step: &StepRecord, observations: &[Observation], planned_batches: f64) {
        let percent = 100.0 * observations.len() as f64 / planned_batches.max(observations.len() as f64);
        self.says(&format!("step {}, {percent:.0} %", step.number));
    }

    fn pair_done(&mut self, pairs: u32) {
        self.bar.set_position(u64::from(pairs));
        let left = self.bar.eta().as_secs_f64();
        self.bar.set_prefix(format!(", {} left", Seconds(left)));
    }
}
