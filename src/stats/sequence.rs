//! A low-discrepancy order of places: wherever the visits stop, the visited places are spread evenly.

/// Returns the `index`-th member of the van der Corput sequence in base 2, between 0 (inclusive) and 1 (exclusive).
///
/// Source: van der Corput (1935): the binary digits of the index, mirrored at the binary point.
pub fn van_der_corput(index: u64) -> f64 {
    // An f64 holds 53 bits; more could be rounded up to 1.
    (index.reverse_bits() >> 11) as f64 / (1u64 << 53) as f64
}

/// Returns the numbers 0 to `count` − 1 in the order in which the van der Corput sequence first reaches them.
///
/// Any first part of the order is spread over all numbers, even if `count` is not a power of two.
pub fn spread_order(count: usize) -> Vec<usize> {
    let mut visited = vec![false; count];
    (0..count.next_power_of_two() as u64)
        .map(|index| (van_der_corput(index) * count as f64) as usize)
        .filter(|number| *number < count && !std::mem::replace(&mut visited[*number], true))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    // scipy.stats.qmc.Halton(1, scramble=False).random(12)[:, 0]
    #[test]
    fn van_der_corput_agrees_with_scipy() {
        let expected = [
            0.0, 0.5, 0.25, 0.75, 0.125, 0.625, 0.375, 0.875, 0.0625, 0.5625, 0.3125, 0.8125,
        ];
        let actual: Vec<f64> = (0..12).map(van_der_corput).collect();
        assert_eq!(actual, expected);
    }

    #[test]
    fn order_visits_each_place_once() {
        assert_eq!(spread_order(8), [0, 4, 2, 6, 1, 5, 3, 7]);
        assert_eq!(spread_order(12), [0, 6, 3, 9, 1, 7, 4, 10, 2, 8, 5, 11]);
        assert_eq!(spread_order(1), [0]);
        assert!(spread_order(0).is_empty());
    }
}
