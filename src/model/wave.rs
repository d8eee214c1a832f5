//! The B-tree split wave.

use super::blocks::Block;
use super::kriging::Shape;
use crate::catalog::facts::TableFacts;

/// Returns the shapes.
pub fn shapes(blocks: &[Block], _table: Option<&TableFacts>) -> Vec<Shape> {
    vec![Shape::none(blocks.len())]
}
