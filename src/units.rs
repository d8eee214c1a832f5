//! Quantities with their units: every number a reader sees is printed from here.
//!
//! Durations are printed and read like `34m`, `1h 20m`, `163ms`; sizes like `9.3 GB`; counts like `6,001,201`.
//! Elsewhere a number is a plain one with its unit in its name (`held_seconds`, `wal_bytes`); these types are used
//! where it is read from or shown to the user. This room imports only `error`.

mod date;

pub use date::{Date, days_since_1970};

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind, Result};

/// A duration in seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Seconds(pub f64);

/// A size in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Bytes(pub u64);

/// A number of rows, or of anything else that is counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Count(pub f64);

/// A throughput in rows per second.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RowsPerSecond(pub f64);

/// Returns `1 batch`, `2 batches`: the count with the word that fits it.
pub fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{} {}", Count(count as f64), if count == 1 { one } else { many })
}

impl fmt::Display for Seconds {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(&duration_text(self.0))
    }
}

impl fmt::Display for Bytes {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(&size_text(self.0))
    }
}

impl fmt::Display for Count {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(&grouped(self.0))
    }
}

impl fmt::Display for RowsPerSecond {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(&format!("{} rows/s", grouped(three_digits(self.0))))
    }
}

/// Far above any migration, and small enough for every clock.
const LONGEST_DURATION: Seconds = Seconds(10.0 * 365.25 * 86_400.0);

/// Reads a duration such as `34m`, `1h 20m`, `90s`, `250ms`, of at most ten years. A bare number is an error, since its
/// unit is unknown.
pub fn parse_duration(text: &str) -> Result<Seconds> {
    let duration = humantime::parse_duration(text.trim()).map_err(|_| {
        Error::new(ErrorKind::Usage, format!("\"{text}\" is not a duration"))
            .with_hint("write it with its unit, like 90s, 34m or 1h 20m")
    })?;
    match Seconds(duration.as_secs_f64()) {
        duration if duration > LONGEST_DURATION => Err(Error::new(ErrorKind::Usage, "a duration is at most ten years")),
        duration => Ok(duration),
    }
}

/// Reads a size such as `200GB`, `1.5 TB`, `64MB`; units are powers of 1024, as in PostgreSQL's settings. A bare number
/// is an error, since its unit is unknown.
pub fn parse_size(text: &str) -> Result<Bytes> {
    const UNITS: [(&str, f64); 6] = [
        ("pb", 1125899906842624.0),
        ("tb", 1099511627776.0),
        ("gb", 1073741824.0),
        ("mb", 1048576.0),
        ("kb", 1024.0),
        ("b", 1.0),
    ];
    let lower = text.trim().to_ascii_lowercase();
    let size = UNITS.iter().find_map(|(unit, bytes)| {
        let number: f64 = lower.strip_suffix(unit)?.trim_end().parse().ok()?;
        let size = number * bytes;
        (number >= 0.0 && size <= i64::MAX as f64).then_some(Bytes(size as u64))
    });
    size.ok_or_else(|| {
        Error::new(ErrorKind::Usage, format!("\"{text}\" is not a size"))
            .with_hint("write it with its unit, like 200GB, 1.5TB or 512MB")
    })
}

fn duration_text(seconds: f64) -> String {
    if !seconds.is_finite() {
        return "unknown".to_string();
    }
    if seconds < 0.0 {
        return format!("-{}", duration_text(-seconds));
    }
    match seconds {
        s if s < 0.0005 => format!("{:.0}µs", s * 1e6),
        s if s < 0.9995 => format!("{:.0}ms", s * 1e3),
        s if s < 9.95 => format!("{s:.1}s"),
        s if s < 119.5 => format!("{s:.0}s"),
        s => long_duration_text(s),
    }
}

fn long_duration_text(seconds: f64) -> String {
    let total_seconds = seconds.round() as u64;
    if total_seconds < 600 {
        return join_units(total_seconds / 60, "m", total_seconds % 60, "s");
    }
    let minutes = (seconds / 60.0).round() as u64;
    if minutes < 60 * 24 {
        return join_units(minutes / 60, "h", minutes % 60, "m");
    }
    let hours = (seconds / 3600.0).round() as u64;
    join_units(hours / 24, "d", hours % 24, "h")
}

fn join_units(large: u64, large_unit: &str, small: u64, small_unit: &str) -> String {
    match (large, small) {
        (0, small) => format!("{small}{small_unit}"),
        (large, 0) => format!("{large}{large_unit}"),
        (large, small) => format!("{large}{large_unit} {small}{small_unit}"),
    }
}

fn size_text(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["bytes", "kB", "MB", "GB", "TB", "PB"];
    let mut value = bytes as f64;
    let mut unit = 0;
    while value >= 999.5 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    if unit == 0 || value >= 9.95 {
        format!("{value:.0} {}", UNITS[unit])
    } else {
        format!("{value:.1} {}", UNITS[unit])
    }
}

fn three_digits(value: f64) -> f64 {
    if value == 0.0 || !value.is_finite() {
        return value;
    }
    let scale = 10f64.powf(value.abs().log10().floor() - 2.0);
    if scale < 1.0 {
        value
    } else {
        (value / scale).round() * scale
    }
}

fn grouped(value: f64) -> String {
    if !value.is_finite() {
        return "unknown".to_string();
    }
    if value.abs() < 10.0 && value.fract() != 0.0 {
        return format!("{value:.1}");
    }
    let digits = format!("{:.0}", value.abs());
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    if value < 0.0 { format!("-{text}") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(actual: impl fmt::Display, expected: &str) {
        assert_eq!(actual.to_string(), expected);
    }

    #[test]
    fn durations_print_as_people_say_them() {
        check(Seconds(0.000012), "12µs");
        check(Seconds(0.163), "163ms");
        check(Seconds(0.99999), "1.0s");
        check(Seconds(9.97), "10s");
        check(Seconds(119.6), "2m");
        check(Seconds(124.0), "2m 4s");
        check(Seconds(2040.0), "34m");
        check(Seconds(4800.0), "1h 20m");
        check(Seconds(3599.9), "1h");
        check(Seconds(93_600.0), "1d 2h");
        check(Seconds(f64::INFINITY), "unknown");
    }

    #[test]
    fn sizes_and_counts_have_units_and_separators() {
        check(Bytes(0), "0 bytes");
        check(Bytes(9_986_000_000), "9.3 GB");
        check(Bytes(680_525_824), "649 MB");
        check(Count(6_001_201.0), "6,001,201");
        check(Count(999.0), "999");
        check(RowsPerSecond(43_217.0), "43,200 rows/s");
    }

    #[test]
    fn sizes_read_with_a_unit_only() {
        assert_eq!(parse_size("64MB").unwrap(), Bytes(64 << 20));
        assert_eq!(parse_size(" 1.5 TB").unwrap(), Bytes(3 << 39));
        assert_eq!(parse_size("0kB").unwrap(), Bytes(0));
        for wrong in ["200", "-1GB", "GB", "1 XB", "inf GB", "nanGB", "99999999PB", ""] {
            assert_eq!(parse_size(wrong).unwrap_err().kind(), ErrorKind::Usage, "{wrong}");
        }
    }

    #[test]
    fn durations_read_with_a_unit_only() {
        assert_eq!(parse_duration("1h 20m").unwrap(), Seconds(4800.0));
        assert_eq!(parse_duration("250ms").unwrap(), Seconds(0.25));
        for wrong in ["30", "18446744073709551615s", "11years"] {
            assert_eq!(parse_duration(wrong).unwrap_err().kind(), ErrorKind::Usage, "{wrong}");
        }
    }
}
