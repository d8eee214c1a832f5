//! How typed values are read: durations, sizes, gates, percentages, probabilities.

use std::time::SystemTime;

use crate::error::Error;
use crate::model::GrowthRate;
use crate::report::ci::Gate;
use crate::units::{Bytes, Date, Seconds, parse_duration, parse_size};

pub(super) fn duration(text: &str) -> Result<Seconds, String> {
    parse_duration(text).map_err(|error| with_hint(&error))
}

pub(super) fn gate(text: &str) -> Result<Gate, String> {
    Gate::parse(text).map_err(|error| with_hint(&error))
}

pub(super) fn size(text: &str) -> Result<Bytes, String> {
    parse_size(text).map_err(|error| with_hint(&error))
}

fn with_hint(error: &Error) -> String {
    match error.hint() {
        Some(hint) => format!("{error}; {hint}"),
        None => error.to_string(),
    }
}

pub(super) fn percentage(text: &str) -> Result<f64, String> {
    let number = text.trim().strip_suffix('%').unwrap_or_default().trim().parse::<f64>();
    match number {
        Ok(percent) if percent > 0.0 && percent <= 100.0 => Ok(percent / 100.0),
        _ => Err("write a percentage between 0% and 100%, like 10%".to_string()),
    }
}

pub(super) fn growth(text: &str) -> Result<GrowthRate, String> {
    let words = "write a percentage a day, week, month or year, like 2%/month";
    GrowthRate::parse(text).ok_or_else(|| words.to_string())
}

/// Returns the present day, in UTC.
pub fn today() -> Option<Date> {
    Date::parse(&humantime::format_rfc3339_seconds(SystemTime::now()).to_string())
}

pub(super) fn deploy_day(text: &str) -> Result<Date, String> {
    let day = Date::parse(text).ok_or_else(|| "write a day like 2027-01-15".to_string())?;
    match today() {
        Some(today) if day < today => Err(format!("it is past, today is {today}; name the day of the deploy")),
        _ => Ok(day),
    }
}

pub(super) fn level(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(level) if (0.5..=0.999).contains(&level) => Ok(level),
        _ => Err("write a probability between 0.5 and 0.999, like 0.95".to_string()),
    }
}

/// A year: far below what clocks can count.
const MOST_MINUTES: f64 = 366.0 * 24.0 * 60.0;

pub(super) fn minutes(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(minutes) if minutes > 0.0 && minutes <= MOST_MINUTES => Ok(minutes),
        _ => Err("write a number of minutes above 0 and below a year's, like 20 or 0.5".to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_such_that_clocks_can_count_them() {
        assert_eq!(duration("30m"), Ok(Seconds(1800.0)));
        assert!(duration("30").is_err());
        assert!(duration("18446744073709551615s").is_err());
    }

    #[test]
    fn percentages_need_their_sign() {
        assert_eq!(percentage("15%"), Ok(0.15));
        assert_eq!(percentage(" 2.5 % "), Ok(0.025));
        assert!(percentage("0.15").is_err());
        assert!(percentage("0%").is_err());
    }
}
