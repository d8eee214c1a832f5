//! Days of the calendar.

use std::fmt;

/// A day of the Gregorian calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Date {
    year: i64,
    month: i64,
    day: i64,
}

impl Date {
    /// Reads a day such as `2027-01-15`; what follows a `T`, as in RFC 3339, is left out. `None` if it is no day.
    pub fn parse(text: &str) -> Option<Date> {
        let day = text.split('T').next()?;
        let parts: Vec<&str> = day.split('-').collect();
        let [year, month, day] = parts.as_slice() else {
            return None;
        };
        let number = |text: &str, digits: usize| {
            let is_number = text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit());
            is_number.then(|| text.parse().ok()).flatten()
        };
        let (year, month, day) = (number(year, 4)?, number(month, 2)?, number(day, 2)?);
        let is_day = (1..=12).contains(&month) && day >= 1 && day <= days_in(year, month);
        is_day.then_some(Date { year, month, day })
    }

    /// Returns the number of days from `earlier` to this day; negative when it is before.
    pub fn days_since(self, earlier: Date) -> i64 {
        self.days() - earlier.days()
    }

    fn days(self) -> i64 {
        days_since_1970(self.year, self.month, self.day)
    }
}

impl fmt::Display for Date {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

/// Returns the number of days from 1970-01-01 to a day of the year 0 or later.
///
/// Source: `days_from_civil`, http://howardhinnant.github.io/date_algorithms.html#days_from_civil
pub fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let shifted = if month <= 2 { year - 1 } else { year };
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    365 * shifted + shifted.div_euclid(4) - shifted.div_euclid(100) + shifted.div_euclid(400) + day_of_year - 719_468
}

fn days_in(year: i64, month: i64) -> i64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // python3: (date(2027, 1, 15) - date(2026, 11, 27)).days, and so on
    #[test]
    fn days_between_agree_with_python() {
        for (earlier, later, days) in [
            ("2026-11-27", "2027-01-15", 49),
            ("2028-02-28", "2028-03-01", 2),
            ("2100-02-28", "2100-03-01", 1),
            ("0001-01-01", "9999-12-31", 3_652_058),
            ("2027-01-15", "2026-11-27", -49),
        ] {
            let read = |text| Date::parse(text).expect("a day");
            assert_eq!(read(later).days_since(read(earlier)), days, "{earlier} to {later}");
        }
        assert_eq!(days_since_1970(2000, 1, 1), 10_957);
    }

    #[test]
    fn only_days_of_the_calendar_are_read() {
        assert_eq!(
            Date::parse("2026-11-27T16:25:55Z")
                .map(|day| day.to_string())
                .as_deref(),
            Some("2026-11-27")
        );
        for wrong in [
            "",
            "2026",
            "2026-13-01",
            "2026-02-29",
            "27-01-15",
            "2026-1-5",
            "2026-01-+5",
            "2026-01-32",
        ] {
            assert_eq!(Date::parse(wrong), None, "{wrong}");
        }
    }
}
