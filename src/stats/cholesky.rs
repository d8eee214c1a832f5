//! Cholesky factors of small dense matrices, for kriging systems of a few dozen rows.
//!
//! Not meant for large or sparse matrices: plain loops over one row-major vector, cubic in the order.

/// The lower triangular factor `L` of a symmetric positive definite matrix `A = L Lᵀ`.
#[derive(Clone, Debug)]
pub struct Cholesky {
    order: usize,
    factor: Vec<f64>,
}

impl Cholesky {
    /// Factors the row-major `order × order` matrix, of which only the lower triangle is read.
    ///
    /// Returns `None` when it is not positive definite.
    /// Source: Golub & Van Loan, Matrix Computations, 4th ed., algorithm 4.2.2.
    pub fn new(mut matrix: Vec<f64>, order: usize) -> Option<Cholesky> {
        assert_eq!(matrix.len(), order * order, "a square matrix");
        for row in 0..order {
            let (done, rest) = matrix.split_at_mut(row * order);
            let current = &mut rest[..order];
            for column in 0..row {
                let other = &done[column * order..column * order + column + 1];
                let sum = dot(&current[..column], &other[..column]);
                current[column] = (current[column] - sum) / other[column];
            }
            let pivot = current[row] - dot(&current[..row], &current[..row]);
            if !(pivot > 0.0 && pivot.is_finite()) {
                return None;
            }
            current[row] = pivot.sqrt();
        }
        Some(Cholesky { order, factor: matrix })
    }

    /// Replaces `vector` by `L⁻¹ vector` (forward substitution).
    pub fn solve_lower(&self, vector: &mut [f64]) {
        for row in 0..self.order {
            let factors = &self.factor[row * self.order..row * self.order + row + 1];
            let sum = dot(&factors[..row], &vector[..row]);
            vector[row] = (vector[row] - sum) / factors[row];
        }
    }

    /// Replaces `vector` by `L⁻ᵀ vector` (backward substitution).
    pub fn solve_upper(&self, vector: &mut [f64]) {
        for row in (0..self.order).rev() {
            let factors = &self.factor[row * self.order..row * self.order + row + 1];
            let value = vector[row] / factors[row];
            vector[row] = value;
            for (earlier, factor) in vector[..row].iter_mut().zip(factors) {
                *earlier -= factor * value;
            }
        }
    }

    /// Returns `Σ ln Lᵢᵢ`, half the logarithm of the matrix's determinant.
    pub fn half_log_determinant(&self) -> f64 {
        (0..self.order)
            .map(|row| self.factor[row * self.order + row].ln())
            .sum()
    }
}

/// Returns the inner product of two vectors of one length.
pub fn dot(one: &[f64], other: &[f64]) -> f64 {
    one.iter().zip(other).map(|(left, right)| left * right).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(actual: f64, expected: f64) {
        assert!((actual - expected).abs() < 1e-12, "{actual} is not {expected}");
    }

    // numpy: A = [[4, 2, 0.6], [2, 5, 1.5], [0.6, 1.5, 3]]; numpy.linalg.slogdet(A)[1] / 2;
    // scipy.linalg.solve_triangular(numpy.linalg.cholesky(A), [1, 2, 3], lower=True) and numpy.linalg.solve(A, [1, 2,
    // 3])
    #[test]
    fn factors_solves_and_gives_the_determinant() {
        let matrix = vec![4.0, 2.0, 0.6, 2.0, 5.0, 1.5, 0.6, 1.5, 3.0];
        let cholesky = Cholesky::new(matrix, 3).expect("positive definite");
        check(cholesky.half_log_determinant(), 1.854341040705058);
        let mut vector = vec![1.0, 2.0, 3.0];
        cholesky.solve_lower(&mut vector);
        vector
            .iter()
            .zip([0.5, 0.75, 1.5029382986043587])
            .for_each(|(actual, expected)| check(*actual, expected));
        cholesky.solve_upper(&mut vector);
        vector
            .iter()
            .zip([0.06249999999999999, 0.09264705882352943, 0.9411764705882353])
            .for_each(|(actual, expected)| check(*actual, expected));
    }

    #[test]
    fn refuses_what_is_not_positive_definite() {
        assert!(Cholesky::new(vec![1.0, 2.0, 2.0, 1.0], 2).is_none());
        assert!(Cholesky::new(vec![f64::NAN], 1).is_none());
    }
}
