//! Observations → estimate: pure arithmetic, seeded, bit-identical.
//!
//! Touches no database, file, clock or terminal; what it needs from production comes in as plain numbers.

pub mod estimate;
