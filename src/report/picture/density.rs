//! Computes the density of a distribution from its percentiles, smooth enough to draw.

use crate::stats::quantile::quantile;

/// Number of points of the curve.
const CURVE_POINTS: usize = 160;

/// Returns Silverman's bandwidth of the percentiles, 0.9 · min(s, IQR / 1.34) · n^(-1/5) (Silverman 1986, eq. 3.31).
pub fn bandwidth(percentiles: &[f64]) -> Option<f64> {
    let count = percentiles.len() as f64;
    if percentiles.len() < 5 || percentiles.iter().any(|value| !value.is_finite()) {
        return None;
    }
    let mean = percentiles.iter().sum::<f64>() / count;
    let variance = percentiles.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (count - 1.0);
    let quartiles = quantile(percentiles, 0.75) - quantile(percentiles, 0.25);
    let bandwidth = 0.9 * variance.sqrt().min(quartiles / 1.34) * count.powf(-0.2);
    (bandwidth > 0.0).then_some(bandwidth)
}

/// Returns the Gaussian kernel density of the percentiles, its peak scaled to 1.
pub fn density(percentiles: &[f64], bandwidth: f64, start: f64, end: f64) -> Vec<(f64, f64)> {
    let height = |x: f64| -> f64 {
        let kernels = percentiles
            .iter()
            .map(|value| (-0.5 * ((x - value) / bandwidth).powi(2)).exp());
        kernels.sum()
    };
    let step = (end - start) / (CURVE_POINTS - 1) as f64;
    let places = (0..CURVE_POINTS).map(|index| start + index as f64 * step);
    let curve: Vec<(f64, f64)> = places.map(|x| (x, height(x))).collect();
    let peak = curve.iter().map(|point| point.1).fold(f64::MIN_POSITIVE, f64::max);
    curve.into_iter().map(|(x, y)| (x, y / peak)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bandwidth_is_silvermans() {
        // R: bw.nrd0(1:99) = 10.31196 …: 0.9 * min(sd(1:99), IQR(1:99) / 1.34) * 99^-0.2
        let values: Vec<f64> = (1..=99).map(f64::from).collect();
        let bandwidth = bandwidth(&values).expect("values that differ");
        assert!((bandwidth - 10.312).abs() < 0.01, "{bandwidth}");
    }

    #[test]
    fn nothing_is_drawn_of_one_value() {
        assert_eq!(bandwidth(&[2.0; 99]), None);
        assert_eq!(bandwidth(&[]), None);
    }
}
