//! Quantiles of values that were measured or drawn.

/// Returns the quantile of sorted values, interpolated linearly; NaN when there are none.
///
/// Source: Hyndman & Fan (1996), Sample quantiles in statistical packages, type 7: the default of R and NumPy.
pub fn quantile(sorted: &[f64], probability: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else {
        return f64::NAN;
    };
    let place = probability * last as f64;
    let below = place.floor() as usize;
    let above = (below + 1).min(last);
    sorted[below] + (place - below as f64) * (sorted[above] - sorted[below])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_interpolate() {
        // R: quantile(c(1, 2, 4, 8), c(0, .25, .5, 1)) = 1, 1.75, 3, 8
        let values = [1.0, 2.0, 4.0, 8.0];
        let quantiles = [0.0, 0.25, 0.5, 1.0].map(|q| quantile(&values, q));
        assert_eq!(quantiles, [1.0, 1.75, 3.0, 8.0]);
        assert!(quantile(&[], 0.5).is_nan());
    }
}
