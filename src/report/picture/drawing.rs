//! What all pictures share: sizes, colours, axes, and the SVG that plotters draws.

use plotters::chart::ChartContext;
use plotters::coord::Shift;
use plotters::coord::ranged1d::{DefaultFormatting, KeyPointHint, Ranged};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::report::data_table::DataTable;

/// A picture with its text alternative and its numbers.
pub struct Figure {
    /// Identifier, unique on the page.
    pub id: String,
    /// Heading above the picture.
    pub heading: String,
    /// The finding in words; also the picture's text alternative.
    pub finding: String,
    /// The picture for wide and for narrow screens.
    pub drawings: Vec<Drawing>,
    /// The legend: symbol, class of its colour, words.
    pub legend: Vec<Key>,
    /// The numbers of the picture.
    pub table: DataTable,
}

/// One drawing of a figure.
pub struct Drawing {
    /// `wide` or `narrow`.
    pub name: &'static str,
    /// Width and height of the view box.
    pub view: (u32, u32),
    /// The content of `<svg>`.
    pub marks: String,
}

/// One line of a legend.
pub struct Key {
    /// The mark as a character.
    pub symbol: &'static str,
    /// Class that gives the character its colour.
    pub class: &'static str,
    /// What it means.
    pub text: String,
}

impl Key {
    pub(super) fn new(symbol: &'static str, class: &'static str, text: impl Into<String>) -> Key {
        Key {
            symbol,
            class,
            text: text.into(),
        }
    }
}

/// The most important text and lines.
pub(super) const INK: RGBColor = RGBColor(0x1D, 0x1D, 0x1B);
/// Axes and their labels.
pub(super) const MUTED: RGBColor = RGBColor(0x5C, 0x5A, 0x55);
/// Grid lines.
const HAIRLINE: RGBColor = RGBColor(0xDA, 0xD6, 0xCE);
/// Measured and predicted values.
pub(super) const ACCENT: RGBColor = RGBColor(0x1F, 0x5F, 0x8B);
/// The window that was given, and the actual duration.
pub(super) const CONTRAST: RGBColor = RGBColor(0x8F, 0x3F, 0x0A);

/// Units of the view box per pixel: plotters draws on whole units, so a finer grid keeps curves smooth.
const FINE: u32 = 4;

pub(super) type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
pub(super) type Chart<'a, 'b> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<Scale, Scale>>;
pub(super) type Drawn<T = ()> = Result<T, DrawingAreaErrorKind<<SVGBackend<'static> as DrawingBackend>::ErrorType>>;

/// The screen width that a drawing is made for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Screen {
    Wide,
    Narrow,
}

impl Screen {
    const ALL: [Screen; 2] = [Screen::Wide, Screen::Narrow];

    fn name(self) -> &'static str {
        if self == Screen::Wide { "wide" } else { "narrow" }
    }

    pub(super) fn width(self) -> u32 {
        if self == Screen::Wide { 880 } else { 380 }
    }

    pub(super) fn ticks(self) -> usize {
        if self == Screen::Wide { 8 } else { 4 }
    }
}

/// Draws a figure for each screen, `height` pixels high.
pub(super) fn drawings(height: u32, draw: impl Fn(&Area, Screen) -> Drawn) -> Vec<Drawing> {
    let drawing = |screen: Screen| {
        let view = (screen.width() * FINE, height * FINE);
        let mut document = String::new();
        let area = SVGBackend::with_string(&mut document, view).into_drawing_area();
        draw(&area, screen)
            .and_then(|()| area.present())
            .expect("drawing into a string does not fail");
        drop(area);
        Drawing {
            name: screen.name(),
            view,
            marks: inside(&document),
        }
    };
    Screen::ALL.map(drawing).into_iter().collect()
}

fn inside(document: &str) -> String {
    let marks = document.split_once('>').map_or("", |(_, rest)| rest);
    marks.trim().trim_end_matches("</svg>").to_string()
}

/// Returns a length in units of the view box.
pub(super) fn px(pixels: f64) -> i32 {
    (pixels * f64::from(FINE)).round() as i32
}

/// Returns a style of text of `size` pixels; plotters divides font sizes by 1.24.
pub(super) fn text(size: f64, colour: RGBColor, horizontal: HPos, vertical: VPos) -> TextStyle<'static> {
    let font = ("sans-serif", size * 1.24 * f64::from(FINE)).into_font();
    TextStyle {
        font,
        color: colour.to_backend_color(),
        pos: Pos::new(horizontal, vertical),
    }
}

/// Returns a line style of `width` pixels.
pub(super) fn line(colour: RGBColor, width: f64) -> ShapeStyle {
    colour.stroke_width(px(width) as u32)
}

/// One axis: its range, `start` < `end`, and the positions of its ticks.
#[derive(Clone)]
pub(super) struct Scale {
    pub(super) start: f64,
    pub(super) end: f64,
    pub(super) ticks: Vec<f64>,
}

impl Ranged for Scale {
    type FormatOption = DefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, limit: (i32, i32)) -> i32 {
        let fraction = (value - self.start) / (self.end - self.start);
        limit.0 + (fraction * f64::from(limit.1 - limit.0)).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, _: Hint) -> Vec<f64> {
        self.ticks.clone()
    }

    fn range(&self) -> std::ops::Range<f64> {
        self.start..self.end
    }
}

/// The label of each tick of an axis.
type Label<'f> = &'f dyn Fn(&f64) -> String;

/// Margins around the plotting area, in pixels; a left margin of 0 means that there is no vertical axis.
pub(super) struct Margins {
    pub(super) top: f64,
    pub(super) right: f64,
    pub(super) left: f64,
}

/// Draws axes and grid, and returns the chart to draw on; the horizontal axis has 24 pixels below it for its labels.
pub(super) fn frame<'a, 'b>(
    area: &'a Area<'b>,
    margins: &Margins,
    (x, x_label): (Scale, Label),
    (y, y_label): (Scale, Label),
) -> Drawn<Chart<'a, 'b>> {
    let mut chart = ChartBuilder::on(area)
        .margin_top(px(margins.top))
        .margin_right(px(margins.right))
        .set_label_area_size(LabelAreaPosition::Bottom, px(24.0))
        .set_label_area_size(LabelAreaPosition::Left, px(margins.left))
        .build_cartesian_2d(x, y)?;
    let mut mesh = chart.configure_mesh();
    if margins.left == 0.0 {
        mesh.disable_y_axis();
    }
    mesh.disable_x_mesh()
        .bold_line_style(line(HAIRLINE, 1.0))
        .light_line_style(TRANSPARENT)
        .axis_style(line(MUTED, 1.0))
        .set_all_tick_mark_size(px(4.0))
        .x_label_formatter(x_label)
        .y_label_formatter(y_label)
        .x_label_style(text(12.0, MUTED, HPos::Center, VPos::Top))
        .y_label_style(text(12.0, MUTED, HPos::Right, VPos::Center))
        .draw()?;
    Ok(chart)
}

#[cfg(test)]
mod tests {
    use super::*;

    const STYLE: &str = include_str!("../templates/style.css");

    fn variable(theme: &str, name: &str) -> [f64; 3] {
        let value = theme.split(&format!("--{name}: #")).nth(1).expect(name);
        [0, 2, 4].map(|at| f64::from(u8::from_str_radix(&value[at..at + 2], 16).expect("a colour")) / 255.0)
    }

    /// Contrast ratio of WCAG 2.2: (L1 + 0.05) / (L2 + 0.05) of the relative luminances.
    fn contrast(one: [f64; 3], other: [f64; 3]) -> f64 {
        let luminance = |colour: [f64; 3]| {
            let linear = colour.map(|c| {
                if c <= 0.04045 {
                    c / 12.92
                } else {
                    ((c + 0.055) / 1.055).powf(2.4)
                }
            });
            0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
        };
        let (one, other) = (luminance(one), luminance(other));
        (one.max(other) + 0.05) / (one.min(other) + 0.05)
    }

    #[test]
    fn every_text_colour_is_readable_in_both_themes() {
        let (light, dark) = STYLE.split_once("prefers-color-scheme: dark").expect("two themes");
        for theme in [light, dark] {
            for name in ["ink", "muted", "accent", "contrast"] {
                for ground in ["paper", "raised"] {
                    let ratio = contrast(variable(theme, name), variable(theme, ground));
                    assert!(ratio >= 4.5, "{name} on {ground}: {ratio:.2}");
                }
            }
        }
        // https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio: black on white is 21.
        assert!((contrast([0.0; 3], [1.0; 3]) - 21.0).abs() < 1e-9);
    }

    #[test]
    fn every_drawn_colour_has_its_theme_variable() {
        let drawn = [
            (INK, "ink"),
            (MUTED, "muted"),
            (HAIRLINE, "hairline"),
            (ACCENT, "accent"),
            (CONTRAST, "contrast"),
        ];
        for (RGBColor(red, green, blue), name) in drawn {
            for attribute in ["fill", "stroke"] {
                let rule =
                    format!("svg [{attribute}=\"#{red:02X}{green:02X}{blue:02X}\"] {{ {attribute}: var(--{name}); }}");
                assert!(STYLE.contains(&rule), "style.css lacks {rule}");
            }
            let light = STYLE.split("prefers-color-scheme: dark").next().expect("a light theme");
            let expected = [red, green, blue].map(|channel| f64::from(channel) / 255.0);
            assert_eq!(variable(light, name), expected, "{name}");
        }
    }
}
