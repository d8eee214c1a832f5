//! Multiple tests: p-values that remain valid when the smallest of several is picked.

/// Returns Holm's adjusted p-values, in the given order; those of at most α may be reported at family-wise level α.
///
/// p̃_(i) = max over j ≤ i of min(1, (m − j + 1) p_(j)). Source: Holm (1979), A simple sequentially rejective multiple
/// test procedure.
pub fn holm_adjusted(p_values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|one, other| p_values[*one].total_cmp(&p_values[*other]));
    let mut adjusted = vec![1.0; p_values.len()];
    let mut largest: f64 = 0.0;
    for (rank, index) in order.into_iter().enumerate() {
        largest = largest.max(((p_values.len() - rank) as f64 * p_values[index]).min(1.0));
        adjusted[index] = largest;
    }
    adjusted
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(p_values: &[f64], expected: &[f64]) {
        for (actual, expected) in holm_adjusted(p_values).iter().zip(expected) {
            assert!((actual - expected).abs() < 1e-12, "{actual} is not {expected}");
        }
    }

    // R: p.adjust(c(0.01, 0.04, 0.03, 0.005), "holm") = 0.03 0.06 0.06 0.02
    #[test]
    fn agrees_with_r() {
        check(&[0.01, 0.04, 0.03, 0.005], &[0.03, 0.06, 0.06, 0.02]);
        check(&[0.018, 0.5, 0.9], &[0.054, 1.0, 1.0]);
        check(&[0.02], &[0.02]);
        check(&[], &[]);
    }
}
