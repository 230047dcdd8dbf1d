//! Instants as they are written on a command line: in UTC, as the engine prints them.
//!
//! Offsets are refused rather than converted: an opening or closing time that two operators must agree on is
//! written in one way alone.

use golv_engine::time::Instant;

/// Why a text is not an instant.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseInstantError {
    /// Not of the one form.
    #[error("'{0}' is not an instant in UTC such as 2018-12-03T12:00:00Z")]
    Form(String),
    /// Of the form, but no such day or time of day.
    #[error("'{0}' names no day or time of day that there is, from 1677-09-22 to 2262-04-11")]
    NoSuchTime(String),
}

/// Reads an instant such as `2018-12-03T12:00:00Z`, with up to nine decimals of a second.
///
/// Reads back what [`Instant`] prints, but for the part of 1677-09-21 that an instant can still hold.
///
/// # Errors
/// If the text has another form, an offset among them, or there is no such day or time of day.
pub fn parse_instant(text: &str) -> Result<Instant, ParseInstantError> {
    let written = split(text).ok_or_else(|| ParseInstantError::Form(text.to_owned()))?;
    written.instant().ok_or_else(|| ParseInstantError::NoSuchTime(text.to_owned()))
}

/// An instant as it is written.
struct Written {
    year: i32,
    month: u8,
    day: u8,
    hours: u8,
    minutes: u8,
    seconds: u8,
    nanoseconds: u32,
}

impl Written {
    fn instant(&self) -> Option<Instant> {
        // No leap seconds: an instant counts days of 86,400 seconds.
        if self.hours > 23 || self.minutes > 59 || self.seconds > 59 {
            return None;
        }
        let of_day = u32::from(self.hours) * 3600 + u32::from(self.minutes) * 60 + u32::from(self.seconds);
        let midnight = Instant::at_midnight(self.year, self.month, self.day)?;
        let whole = midnight.plus_seconds(of_day)?;
        whole.0.checked_add(i64::from(self.nanoseconds)).map(Instant)
    }
}

fn split(text: &str) -> Option<Written> {
    let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
    let [year, month, day] = parts(date, '-')?;
    let (time, fraction) = time.split_once('.').unwrap_or((time, "0"));
    let [hours, minutes, seconds] = parts(time, ':')?;
    if fraction.len() > 9 {
        return None;
    }
    Some(Written {
        year: digits(year, 4)?.try_into().ok()?,
        month: digits(month, 2)?.try_into().ok()?,
        day: digits(day, 2)?.try_into().ok()?,
        hours: digits(hours, 2)?.try_into().ok()?,
        minutes: digits(minutes, 2)?.try_into().ok()?,
        seconds: digits(seconds, 2)?.try_into().ok()?,
        nanoseconds: digits(fraction, fraction.len())? * 10_u32.pow(9 - u32::try_from(fraction.len()).ok()?),
    })
}

fn parts(text: &str, separator: char) -> Option<[&str; 3]> {
    text.split(separator).collect::<Vec<_>>().try_into().ok()
}

/// A number of exactly so many digits.
fn digits(text: &str, count: usize) -> Option<u32> {
    let only_digits = text.bytes().all(|byte| byte.is_ascii_digit());
    if text.len() == count && only_digits { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn noon() -> Instant {
        Instant::at_midnight(2018, 12, 3).and_then(|day| day.plus_seconds(12 * 3600)).expect("a day")
    }

    #[test]
    fn one_form_alone_is_read() {
        assert_eq!(parse_instant("2018-12-03T12:00:00Z"), Ok(noon()));
        assert_eq!(parse_instant("2018-12-03T12:00:00.5Z"), Ok(Instant(noon().0 + 500_000_000)));
        assert_eq!(parse_instant("2018-12-03T12:00:00.000000001Z"), Ok(Instant(noon().0 + 1)));
        for text in [
            "",
            "Z",
            "2018-12-03",
            "2018-12-03T12:00Z",
            "2018-12-03T12:00:00",
            "2018-12-03 12:00:00Z",
            "2018-12-03t12:00:00z",
            "2018-12-03T12:00:00+02:00",
            "2018-12-03T12:00:00.Z",
            "2018-12-03T12:00:00.0000000001Z",
            "2018-12-03T12:00:00,5Z",
            "18-12-03T12:00:00Z",
            "2018-12-3T12:00:00Z",
            "+018-12-03T12:00:00Z",
            "2018-12-03T12:00:00.+1Z",
            "２018-12-03T12:00:00Z",
        ] {
            assert_eq!(parse_instant(text), Err(ParseInstantError::Form(text.into())));
        }
    }

    #[test]
    fn days_and_times_that_do_not_exist_are_refused() {
        for text in [
            "2019-02-29T00:00:00Z",
            "2019-00-01T00:00:00Z",
            "2019-01-00T00:00:00Z",
            "2019-13-01T00:00:00Z",
            "2019-01-01T24:00:00Z",
            "2019-01-01T00:60:00Z",
            "2016-12-31T23:59:60Z",
            "1677-09-21T23:59:59Z",
            "2262-04-11T23:47:17Z",
            "9999-01-01T00:00:00Z",
        ] {
            assert_eq!(parse_instant(text), Err(ParseInstantError::NoSuchTime(text.into())));
        }
    }

    proptest! {
        #[test]
        fn what_is_printed_is_read_back(nanoseconds in -106_751 * 86_400_000_000_000_i64..=i64::MAX) {
            let instant = Instant(nanoseconds);
            prop_assert_eq!(parse_instant(&instant.to_string()), Ok(instant));
        }

        #[test]
        fn any_text_is_read_or_refused(text in "[0-9TZ:.+-]{0,32}|\\PC{0,24}") {
            if let Ok(instant) = parse_instant(&text) {
                prop_assert_eq!(parse_instant(&instant.to_string()), Ok(instant));
            }
        }
    }
}
