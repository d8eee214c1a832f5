//! Reads off a log's column `elapsed` how long the batches took on the clock: with the pauses between them, or with
//! several running at the same time.

use crate::observation::Observation;

/// Largest spread of the pauses, as a share of their median, with which they count as constant.
const CONSTANT: f64 = 0.25;
/// Largest difference between the mean pause and the median one, as a share, without a pause that stands out.
const ALIKE: f64 = 0.05;
/// Shortest constant pause, as a share of a batch: shorter ones are the client's own work.
const SHORTEST: f64 = 0.02;
/// How many times the longest batch one may end before another that is listed earlier.
const OUT_OF_TURN: f64 = 1.5;

/// Makes the seconds of the batches add up to the time that has `elapsed`, and returns the pause after each batch in
/// seconds where it was constant; 0 where there was none, or where it varied and is part of the seconds.
///
/// A constant pause is certain, so it is kept apart. Else each batch gets the time from the end of the one before to
/// its own end, which is less than its own seconds where several ran at the same time.
pub fn apply(observations: &mut [Observation]) -> f64 {
    count_on(observations);
    for segment in observations.chunk_by_mut(|one, other| one.segment == other.segment) {
        // Batches that run at the same time may end in another order than they began.
        segment.sort_by(|one, other| one.elapsed.total_cmp(&other.elapsed));
    }
    if let Some(pause) = constant_pause(observations) {
        return pause;
    }
    let mut end = 0.0;
    for segment in observations.chunk_by_mut(|one, other| one.segment == other.segment) {
        end = share_out(segment, end);
    }
    0.0
}

/// Lets the elapsed seconds count on where they begin anew, as after a restart: what goes further back than the longest
/// batch took is no batch that only ended out of turn.
fn count_on(observations: &mut [Observation]) {
    let longest = observations.iter().map(|one| one.seconds).fold(0.0, f64::max);
    let (mut offset, mut latest) = (0.0, 0.0f64);
    for observation in observations {
        if observation.elapsed + offset < latest - OUT_OF_TURN * longest {
            offset = latest - (observation.elapsed - observation.seconds).max(0.0);
        }
        observation.elapsed += offset;
        latest = latest.max(observation.elapsed);
    }
}

/// Returns the pause that followed each batch, if it hardly varied.
fn constant_pause(observations: &[Observation]) -> Option<f64> {
    let mut pauses: Vec<f64> = observations
        .windows(2)
        .filter(|pair| pair[0].segment == pair[1].segment)
        .map(|pair| pair[1].elapsed - pair[0].elapsed - pair[1].seconds)
        .collect();
    let count = pauses.len();
    let mean = pauses.iter().sum::<f64>() / count.max(1) as f64;
    let seconds = observations.iter().map(|one| one.seconds).sum::<f64>() / observations.len().max(1) as f64;
    pauses.sort_by(f64::total_cmp);
    let (median, low, high) = (
        *pauses.get(count / 2)?,
        pauses[count / 20],
        pauses[count - 1 - count / 20],
    );
    let constant = high - low <= CONSTANT * median && (mean - median).abs() <= ALIKE * median;
    (constant && median > SHORTEST * seconds).then_some(mean)
}

/// Shares the time that has elapsed among the batches of one segment, and returns when it ended; `before` is when the
/// segment before it did.
///
/// Batches that end at the same time share it in proportion to their own seconds: several workers, or a coarse clock.
fn share_out(segment: &mut [Observation], before: f64) -> f64 {
    let first = &segment[0];
    let mut begun = (first.elapsed - first.seconds).max(before);
    let mut left = 0;
    for index in 0..segment.len() {
        let is_last = |next: &Observation| next.elapsed > segment[index].elapsed;
        if !segment.get(index + 1).is_none_or(is_last) {
            continue;
        }
        let elapsed = segment[index].elapsed - begun;
        let own: f64 = segment[left..=index].iter().map(|one| one.seconds).sum();
        if elapsed > 0.0 && own > 0.0 {
            segment[left..=index]
                .iter_mut()
                .for_each(|one| one.seconds *= elapsed / own);
            (begun, left) = (segment[index].elapsed, index + 1);
        }
    }
    begun
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(batches: &[(f64, f64)], pause: f64, seconds: &[f64]) {
        let mut observations: Vec<Observation> = batches
            .iter()
            .map(|(seconds, elapsed)| Observation {
                seconds: *seconds,
                elapsed: *elapsed,
                ..Observation::default()
            })
            .collect();
        assert!((apply(&mut observations) - pause).abs() < 1e-9);
        for (observation, expected) in observations.iter().zip(seconds) {
            assert!((observation.seconds - expected).abs() < 1e-9, "{observation:?}");
        }
    }

    #[test]
    fn the_seconds_add_up_to_the_time_that_has_elapsed() {
        // Without pauses, nothing changes.
        check(&[(0.1, 0.1), (0.2, 0.3), (0.1, 0.4)], 0.0, &[0.1, 0.2, 0.1]);
        // One a second: the pause is constant.
        check(&[(0.1, 0.1), (0.1, 1.1), (0.1, 2.1)], 0.9, &[0.1, 0.1, 0.1]);
        // A pause as long as the batch before.
        check(&[(0.1, 0.1), (0.2, 0.4), (0.1, 0.7)], 0.0, &[0.1, 0.3, 0.3]);
        // Two workers, which end in another order than they began.
        check(
            &[(1.0, 1.0), (1.2, 1.2), (1.2, 2.4), (1.0, 2.0)],
            0.0,
            &[1.0, 0.2, 0.8, 0.4],
        );
        // Two that end together, and a clock of whole seconds.
        check(
            &[(1.0, 1.0), (1.0, 1.0), (1.0, 2.0), (3.0, 2.0)],
            0.0,
            &[0.5, 0.5, 0.25, 0.75],
        );
        check(
            &[(0.5, 0.0), (0.5, 1.0), (0.6, 1.0), (0.4, 2.0)],
            0.0,
            &[0.3125, 0.3125, 0.375, 1.0],
        );
        // It was begun anew after the second batch.
        check(
            &[(0.2, 0.2), (0.1, 0.6), (0.1, 0.1), (0.2, 0.4)],
            0.0,
            &[0.2, 0.4, 0.1, 0.3],
        );
        // A clock that stands still says nothing.
        check(&[(0.5, 0.0), (0.5, 0.0)], 0.0, &[0.5, 0.5]);
    }
}
