//! Pictures: inline SVG by plotters, each with its finding in words and its numbers as a table.
//!
//! Each figure is drawn twice, for wide and for narrow screens, because text in a scaled picture is scaled too; the
//! style sheet shows one of the two. The drawings use the colours of the light theme, and the style sheet replaces them
//! by attribute in the dark theme. It must therefore contain every colour used here, which a test checks. No
//! information is given by colour alone.

mod density;
mod distribution;
mod drawing;
mod findings;
mod scale;
mod steps;
mod throughput;

pub use distribution::distribution;
use drawing::{
    ACCENT, Area, CONTRAST, Chart, Drawn, INK, MUTED, Margins, Scale, Screen, drawings, frame, line, px, text,
};
pub use drawing::{Figure, Key};
pub use steps::steps;
pub use throughput::throughput;
