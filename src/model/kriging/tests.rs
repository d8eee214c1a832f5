//! Costs agree with those of an independent implementation of the same formulas.

use super::*;

const EXECUTED: [f64; 5] = [0.01, 0.04, 0.02, 0.05, 0.03];

fn blocks() -> Vec<Block> {
    let (positions, costs) = ([0.05, 0.3, 0.55, 0.8, 0.95], [1.0f64, 1.1, 1.3, 0.9, 1.2]);
    let batches = [10.0, 12.0, 8.0, 10.0, 10.0];
    (0..5)
        .map(|number| Block {
            run: 0,
            stretch: number as u32,
            log_cost: costs[number].ln(),
            position: positions[number],
            executed: EXECUTED[number],
            batches: batches[number],
            density: 1.0,
            in_order: false,
        })
        .collect()
}

fn check(shapes: &Shapes, expected_mean: f64, expected_variance: f64) {
    let costs = mean_costs(&blocks(), shapes, 1000.0);
    let sum: f64 = costs.iter().map(|cost| cost.weight).sum();
    let average =
        |value: &dyn Fn(&MeanCost) -> f64| costs.iter().map(|cost| cost.weight * value(cost)).sum::<f64>() / sum;
    let mean = average(&|cost| cost.log_cost);
    let variance = average(&|cost| cost.variance + cost.noise_variance + (cost.log_cost - mean).powi(2));
    assert!((mean - expected_mean).abs() < 1e-9, "{mean}");
    assert!((variance - expected_variance).abs() < 1e-9, "{variance}");
}

// numpy, with full matrices and inverses instead of factors, for each l, sh, g of the grid; E(a, b) = exp(-|a - b'|/l):
// K = sh**2*E(x, x) + .2**2*outer(t, t) + diag((g*s0)**2/n); Ki = inv(K); b = 1@Ki@z/(1@Ki@1); r = z - b; z = y - .05*t
// - f lw = -.5*r@Ki@r - .5*slogdet(K)[1] - .5*log(1@Ki@1); Kp = sh**2*E(c, x) + .2**2*outer(c, t); m = b + Kp@Ki@r +
// .05*c + f_c q = 1 - Kp@Ki@1; C = sh**2*E(c, c) + .2**2*outer(c, c) - Kp@Ki@Kp.T + outer(q, q)/(1@Ki@1); a@C@a +
// (g*s0)**2/1000 with f = 0, and with f either 0 or 0.3*t/.05 (0.3*c at the cells), each with weight 1/2
#[test]
fn mean_costs_agree_with_numpy() {
    check(&Shapes::none(), 0.10373785026586908, 0.02384350818528307);
    let half = 0.5f64.ln();
    let course = Course {
        at_blocks: EXECUTED.iter().map(|executed| executed / 0.05).collect(),
        at_cells: cells().collect(),
    };
    let shape = |parts| Shape {
        log_weight: half,
        parts,
    };
    let shapes = Shapes {
        courses: vec![course],
        shapes: vec![shape(Vec::new()), shape(vec![(0, 0.3)])],
    };
    check(&shapes, 0.09336675959895539, 0.025408662026036304);
}

#[test]
fn one_block_is_enough_for_a_wide_answer() {
    let costs = mean_costs(&blocks()[..1], &Shapes::none(), 1000.0);
    assert!(
        costs
            .iter()
            .all(|cost| cost.log_cost.is_finite() && cost.variance > 0.004)
    );
}
