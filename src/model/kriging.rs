//! Block kriging: predicts the mean cost of the whole walk from the cost at a few places, measured early.
//!
//! The logarithm of a block's cost is a constant, plus a drift with the share executed, plus an effect of the place (a
//! Gaussian process), plus noise. Nothing is chosen by fitting: 75 settings of the unknown scales are averaged, each
//! weighted by how well it explains the blocks. Source: Handcock & Stein (1993), A Bayesian analysis of kriging, on a
//! fixed grid.

use super::blocks::Block;
use super::order::out_of_order;
use super::priors::{DRIFT_MEAN, DRIFT_SD, LONE_BLOCK_SD, ORDER_SD, RUN_SD};
use crate::stats::cholesky::{Cholesky, dot};

/// Standard deviations of the place effect's logarithm.
const PLACE_SD: [f64; 5] = [0.01, 0.05, 0.1, 0.2, 0.35];
/// Ranges (correlation lengths) of the place effect, as fractions of the walk.
const PLACE_RANGE: [f64; 3] = [0.03, 0.1, 0.3];
/// Factors by which the noise between blocks may be larger than the differences of neighbouring blocks suggest.
const NOISE_FACTOR: [f64; 5] = [0.6, 0.85, 1.2, 1.7, 2.4];
/// Settings whose logarithmic weight is lower than the best by more than this are ignored.
const NEGLIGIBLE: f64 = 10.0;
/// Cells of equal length for which costs are predicted.
pub const CELLS: usize = 40;

/// The mean cost of the whole walk under one setting of the unknown scales.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MeanCost {
    /// Index of its shape.
    pub shape: usize,
    /// How well the setting explains the blocks; not normalised.
    pub weight: f64,
    /// Logarithm of the mean seconds per unit of work.
    pub log_cost: f64,
    /// Variance of `log_cost`, from places not visited and drift not seen.
    pub variance: f64,
    /// Variance that the noise of single batches adds to the total of a further run.
    pub noise_variance: f64,
}

/// A change of the logarithm of cost over the share executed, whose form is known beforehand but not its size.
#[derive(Clone, Debug, PartialEq)]
pub struct Course {
    /// Its value at each block.
    pub at_blocks: Vec<f64>,
    /// Its value at each of the [`CELLS`] of a whole run.
    pub at_cells: Vec<f64>,
}

/// One possible change of cost with the share executed: a sum of courses.
#[derive(Clone, Debug, PartialEq)]
pub struct Shape {
    /// Logarithm of its prior weight.
    pub log_weight: f64,
    /// Indexes of the courses, with their factors.
    pub parts: Vec<(usize, f64)>,
}

/// The possible changes of cost with the share executed, other than a straight drift.
#[derive(Clone, Debug, PartialEq)]
pub struct Shapes {
    /// The courses that the shapes are made of.
    pub courses: Vec<Course>,
    /// The shapes; weights sum to 1.
    pub shapes: Vec<Shape>,
}

/// Correlations of the place effect for one range.
struct Places {
    between_blocks: Vec<f64>,
    cells_to_blocks: Vec<f64>,
    between_cells: Vec<f64>,
}

/// One setting of the unknown scales.
#[derive(Clone, Copy)]
struct Setting {
    place_variance: f64,
    noise_variance: f64,
}

impl Shapes {
    /// Returns the one shape without any change.
    pub fn none() -> Shapes {
        Shapes {
            courses: Vec::new(),
            shapes: vec![Shape {
                log_weight: 0.0,
                parts: Vec::new(),
            }],
        }
    }
}

/// The blocks and the question about them.
struct Problem<'blocks> {
    blocks: &'blocks [Block],
    shapes: &'blocks Shapes,
    cell_weights: Vec<f64>,
    total_batches: f64,
}

/// Predicts the mean cost of a whole walk of `total_batches` from its blocks, of which there must be at least one.
///
/// y = β₀ + δt + h(x) + ε; δ ~ N(μ_D, τ_D²); h ~ GP(0, σ_h² e^(−|x − x′|/ℓ)); ε ~ N(0, (g s₀)²/n).
/// Blocks of several runs share a run effect each. Settings and shapes that explain the blocks far worse than others
/// are left out.
pub fn mean_costs(blocks: &[Block], shapes: &Shapes, total_batches: f64) -> Vec<MeanCost> {
    let problem = Problem {
        blocks,
        shapes,
        cell_weights: cell_weights(blocks),
        total_batches,
    };
    let scale = noise_scale(blocks);
    // If the costs differ by more than the grid covers, the grid is widened.
    let stretch = (spread(blocks) / PLACE_SD[PLACE_SD.len() - 1]).max(1.0);
    let mut costs = Vec::new();
    let mut best = f64::NEG_INFINITY;
    for range in PLACE_RANGE {
        let places = Places::new(blocks, range);
        for place_sd in PLACE_SD {
            for factor in NOISE_FACTOR {
                let setting = Setting {
                    place_variance: (place_sd * stretch).powi(2),
                    noise_variance: (factor * scale).powi(2),
                };
                best = problem.add_setting(&mut costs, best, &places, setting);
            }
        }
    }
    costs.retain(|cost| cost.weight >= best - NEGLIGIBLE);
    for cost in &mut costs {
        cost.weight = (cost.weight - best).exp();
    }
    costs
}

/// Returns the noise of one batch, from neighbouring blocks: s₀² = median(Δy² / (1/n + 1/n′)) / 0.455.
///
/// 0.455 is the median of χ² with one degree of freedom.
fn noise_scale(blocks: &[Block]) -> f64 {
    let mut ordered: Vec<&Block> = blocks.iter().collect();
    ordered.sort_by(|one, other| one.position.total_cmp(&other.position));
    let mut squares: Vec<f64> = ordered
        .windows(2)
        .map(|pair| (pair[1].log_cost - pair[0].log_cost).powi(2) / (1.0 / pair[0].batches + 1.0 / pair[1].batches))
        .collect();
    squares.sort_by(f64::total_cmp);
    match squares.get(squares.len() / 2) {
        Some(median) => (median / 0.455).sqrt().max(0.01),
        None => LONE_BLOCK_SD * blocks[0].batches.sqrt(),
    }
}

fn spread(blocks: &[Block]) -> f64 {
    let count = blocks.len() as f64;
    let mean = blocks.iter().map(|block| block.log_cost).sum::<f64>() / count;
    (blocks.iter().map(|block| (block.log_cost - mean).powi(2)).sum::<f64>() / count).sqrt()
}

/// Returns the share of the work in each cell, taking the density of work from the nearest block.
fn cell_weights(blocks: &[Block]) -> Vec<f64> {
    let distance = |block: &Block, cell: f64| (block.position - cell).abs();
    let densities: Vec<f64> = cells()
        .map(|cell| {
            let nearest = blocks
                .iter()
                .min_by(|one, other| distance(one, cell).total_cmp(&distance(other, cell)));
            nearest.map_or(1.0, |block| block.density)
        })
        .collect();
    let sum: f64 = densities.iter().sum();
    densities.iter().map(|density| density / sum).collect()
}

/// Returns the middle of each cell, which in a whole run is also the share executed there.
pub fn cells() -> impl Iterator<Item = f64> {
    (0..CELLS).map(|cell| (cell as f64 + 0.5) / CELLS as f64)
}

impl Places {
    fn new(blocks: &[Block], range: f64) -> Places {
        let correlation = |one: f64, other: f64| (-(one - other).abs() / range).exp();
        let row = |at: f64| blocks.iter().map(move |block| correlation(at, block.position));
        Places {
            between_blocks: blocks.iter().flat_map(|block| row(block.position)).collect(),
            cells_to_blocks: cells().flat_map(row).collect(),
            between_cells: cells()
                .flat_map(|one| cells().map(move |other| correlation(one, other)))
                .collect(),
        }
    }
}

/// The result of kriging one vector of values at the blocks.
struct Kriged {
    /// L⁻¹(values − β̂), so that inner products are those of generalised least squares.
    residuals: Vec<f64>,
    /// Prediction at each cell.
    at_cells: Vec<f64>,
}

/// The covariance of one setting, factored.
struct Factored<'a> {
    places: &'a Places,
    setting: Setting,
    /// L of the covariance at the blocks.
    cholesky: &'a Cholesky,
    /// L⁻¹1.
    ones: &'a [f64],
}

impl Problem<'_> {
    /// Adds the predictions of one setting, one for each shape, with logarithmic weights. Returns the best weight so
    /// far.
    ///
    /// The prediction is linear in the values, so each course is kriged once, and the shapes are sums of the results.
    fn add_setting(&self, costs: &mut Vec<MeanCost>, mut best: f64, places: &Places, setting: Setting) -> f64 {
        let count = self.blocks.len();
        let Some(cholesky) = Cholesky::new(covariance(self.blocks, places, setting), count) else {
            return best;
        };
        let mut ones = vec![1.0; count];
        cholesky.solve_lower(&mut ones);
        let log_volume = -cholesky.half_log_determinant() - 0.5 * dot(&ones, &ones).ln();
        let factored = Factored {
            places,
            setting,
            cholesky: &cholesky,
            ones: &ones,
        };
        let krige = |values: Vec<f64>| self.krige(values, &factored);
        let mut measured = krige(
            self.blocks
                .iter()
                .map(|block| block.log_cost - DRIFT_MEAN * block.executed)
                .collect(),
        );
        for (cost, executed) in measured.at_cells.iter_mut().zip(cells()) {
            *cost += DRIFT_MEAN * executed;
        }
        let courses: Vec<Kriged> = self
            .shapes
            .courses
            .iter()
            .map(|course| krige(course.at_blocks.clone()).remainder(course))
            .collect();
        let (_, shares) = self.mean(&measured.at_cells);
        let variance = mean_variance(self.blocks, &factored, &shares);
        for (number, shape) in self.shapes.shapes.iter().enumerate() {
            let weight = shape.log_weight + log_volume - 0.5 * measured.squares_without(shape, &courses);
            if weight < best - NEGLIGIBLE {
                continue;
            }
            best = best.max(weight);
            let (mean, _) = self.mean(&measured.cells_with(shape, &courses));
            costs.push(MeanCost {
                shape: number,
                weight,
                log_cost: mean.ln(),
                variance,
                noise_variance: setting.noise_variance / self.total_batches.max(1.0),
            });
        }
        best
    }

    /// m_p = β̂ + K_p K⁻¹(values − β̂) for each cell, β̂ by generalised least squares.
    fn krige(&self, mut values: Vec<f64>, factored: &Factored) -> Kriged {
        let Factored {
            places,
            setting,
            cholesky,
            ones,
        } = *factored;
        cholesky.solve_lower(&mut values);
        let intercept = dot(ones, &values) / dot(ones, ones);
        for (value, one) in values.iter_mut().zip(ones) {
            *value -= intercept * one;
        }
        let residuals = values.clone();
        cholesky.solve_upper(&mut values);
        let drift: f64 = self
            .blocks
            .iter()
            .zip(&values)
            .map(|(block, weight)| block.executed * weight)
            .sum();
        let at_cells = cells()
            .zip(places.cells_to_blocks.chunks_exact(self.blocks.len()))
            .map(|(cell, correlations)| {
                intercept + setting.place_variance * dot(correlations, &values) + DRIFT_SD * DRIFT_SD * drift * cell
            })
            .collect();
        Kriged { residuals, at_cells }
    }

    /// Returns the mean cost of the walk, and each cell's share of it, from the logarithms of the cells' costs.
    fn mean(&self, log_costs: &[f64]) -> (f64, Vec<f64>) {
        let mut shares: Vec<f64> = log_costs
            .iter()
            .zip(&self.cell_weights)
            .map(|(cost, weight)| weight * cost.exp())
            .collect();
        let mean: f64 = shares.iter().sum();
        shares.iter_mut().for_each(|share| *share /= mean);
        (mean, shares)
    }
}

impl Kriged {
    /// Subtracts the prediction of a course from the course's own values at the cells.
    fn remainder(mut self, course: &Course) -> Kriged {
        self.at_cells
            .iter_mut()
            .zip(&course.at_cells)
            .for_each(|(predicted, actual)| *predicted = actual - *predicted);
        self
    }

    /// Returns the squared length of the residuals after `shape` is subtracted from the values.
    fn squares_without(&self, shape: &Shape, courses: &[Kriged]) -> f64 {
        let mut left = self.residuals.clone();
        for (number, factor) in &shape.parts {
            left.iter_mut()
                .zip(&courses[*number].residuals)
                .for_each(|(left, part)| *left -= factor * part);
        }
        dot(&left, &left)
    }

    /// Returns the logarithm of each cell's cost when `shape` is subtracted from the values and added again at the
    /// cells.
    fn cells_with(&self, shape: &Shape, courses: &[Kriged]) -> Vec<f64> {
        let mut costs = self.at_cells.clone();
        for (number, factor) in &shape.parts {
            costs
                .iter_mut()
                .zip(&courses[*number].at_cells)
                .for_each(|(cost, part)| *cost += factor * part);
        }
        costs
    }
}

/// K = σ_h² E + τ_D² t t′ + σ_o² o o′ + σ_run² [same run, where there are several] + diag((g s₀)²/n).
fn covariance(blocks: &[Block], places: &Places, setting: Setting) -> Vec<f64> {
    let count = blocks.len();
    let several_runs = blocks.windows(2).any(|pair| pair[0].run != pair[1].run);
    let out_of_order = out_of_order(blocks);
    let mut matrix = vec![0.0; count * count];
    for (row, block) in blocks.iter().enumerate() {
        for (column, other) in blocks[..=row].iter().enumerate() {
            let index = row * count + column;
            let run = f64::from(u8::from(several_runs && block.run == other.run)) * RUN_SD * RUN_SD;
            let drift = DRIFT_SD * DRIFT_SD * block.executed * other.executed;
            let order = ORDER_SD * ORDER_SD * out_of_order[row] * out_of_order[column];
            matrix[index] = setting.place_variance * places.between_blocks[index] + drift + run + order;
        }
        matrix[row * count + row] += setting.noise_variance / block.batches;
    }
    matrix
}

/// α′Cα with C = K_pp − W′W + q q′/(o′o), q = 1 − W′o, without computing C itself.
///
/// The shares α are those without any shape; a temporary hump changes them too little to matter.
fn mean_variance(blocks: &[Block], factored: &Factored, shares: &[f64]) -> f64 {
    let Factored {
        places,
        setting,
        cholesky,
        ones,
    } = *factored;
    let executed: f64 = cells().zip(shares).map(|(cell, share)| cell * share).sum();
    let mut to_blocks: Vec<f64> = blocks
        .iter()
        .map(|block| DRIFT_SD * DRIFT_SD * block.executed * executed)
        .collect();
    for (correlations, share) in places.cells_to_blocks.chunks_exact(blocks.len()).zip(shares) {
        for (sum, correlation) in to_blocks.iter_mut().zip(correlations) {
            *sum += setting.place_variance * share * correlation;
        }
    }
    let place: f64 = places
        .between_cells
        .chunks_exact(CELLS)
        .zip(shares)
        .map(|(correlations, share)| share * dot(correlations, shares))
        .sum();
    let prior = setting.place_variance * place + (DRIFT_SD * executed).powi(2);
    cholesky.solve_lower(&mut to_blocks);
    let unexplained = 1.0 - dot(&to_blocks, ones);
    (prior - dot(&to_blocks, &to_blocks)).max(0.0) + unexplained * unexplained / dot(ones, ones)
}

#[cfg(test)]
mod tests;
