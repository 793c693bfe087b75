//! A moment in UTC and whole seconds, as a grant's end has it, and how an operator says one.
//! Never knows what time it is: now is an argument.

use std::fmt;
use std::str::FromStr;

use k8s_openapi::jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A moment. As text it is RFC 3339 in UTC, as `2026-12-31T00:00:00Z`; what has another offset is read too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Moment(Timestamp);

/// When a grant is to end, as an operator asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Not by itself; an end that it had goes.
    Never,
    /// Then.
    At(Moment),
}

/// The units of a span of time, in seconds.
const UNITS: [(char, i64); 5] = [('s', 1), ('m', 60), ('h', 3600), ('d', 86_400), ('w', 604_800)];

impl Moment {
    /// The moment of a clock, its fractions of a second left out.
    pub fn of(time: Timestamp) -> Moment {
        Moment(Timestamp::from_second(time.as_second()).unwrap_or(time))
    }

    /// How many seconds it is after another one; negative where it is before.
    pub fn seconds_after(self, other: Moment) -> i64 {
        self.0.as_second() - other.0.as_second()
    }

    fn after(self, seconds: i64) -> Option<Moment> {
        Timestamp::from_second(self.0.as_second().checked_add(seconds)?).ok().map(Moment)
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}

impl FromStr for Moment {
    type Err = String;

    fn from_str(text: &str) -> Result<Moment, String> {
        let time: Timestamp = text.parse().map_err(|_| format!("{text:?} is no time as RFC 3339 has it"))?;
        Ok(Moment::of(time))
    }
}

impl TryFrom<String> for Moment {
    type Error = String;

    fn try_from(text: String) -> Result<Moment, String> {
        text.parse()
    }
}

impl From<Moment> for String {
    fn from(moment: Moment) -> String {
        moment.to_string()
    }
}

impl End {
    /// Reads `2h`, `1h30m`, `7d`, `2026-12-31` (as that day begins, in UTC), `2026-12-31T18:00:00Z` or `never`. What is past
    /// already is refused: it would be a grant that opens nothing.
    pub fn parse(text: &str, now: Moment) -> Result<End, String> {
        if text == "never" {
            return Ok(End::Never);
        }
        let Some(end) = span(text).map_or_else(|| moment(text), |seconds| now.after(seconds)) else {
            return Err(format!("{text:?} is no time: it is a span as 2h, 1h30m or 7d, a day as 2026-12-31, or never"));
        };
        match end > now {
            true => Ok(End::At(end)),
            false => Err(format!("{end} is past: it is {now} now")),
        }
    }

    /// The end itself, if there is one.
    pub fn moment(self) -> Option<Moment> {
        match self {
            End::Never => None,
            End::At(moment) => Some(moment),
        }
    }
}

/// A span of time in seconds: numbers, each with its unit.
fn span(text: &str) -> Option<i64> {
    let mut rest = text;
    let mut seconds: i64 = 0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let number: i64 = rest[..digits].parse().ok()?;
        let letter = rest[digits..].chars().next()?;
        let (_, unit) = UNITS.iter().find(|(name, _)| *name == letter)?;
        seconds = seconds.checked_add(number.checked_mul(*unit)?)?;
        rest = &rest[digits + letter.len_utf8()..];
    }
    (!text.is_empty()).then_some(seconds)
}

/// A day, or a moment.
fn moment(text: &str) -> Option<Moment> {
    let day = text.len() == "2026-12-31".len();
    let whole = if day { format!("{text}T00:00:00Z") } else { text.to_string() };
    whole.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Moment {
        "2026-11-23T15:00:00Z".parse().unwrap()
    }

    fn end(text: &str) -> String {
        match End::parse(text, now()) {
            Ok(End::Never) => "never".into(),
            Ok(End::At(moment)) => moment.to_string(),
            Err(reason) => format!("no: {reason}"),
        }
    }

    #[test]
    fn an_end_is_a_span_a_day_or_a_moment() {
        assert_eq!(end("2h"), "2026-11-23T17:00:00Z");
        assert_eq!(end("1h30m"), "2026-11-23T16:30:00Z");
        assert_eq!(end("7d"), "2026-11-30T15:00:00Z");
        assert_eq!(end("1w1s"), "2026-11-30T15:00:01Z");
        assert_eq!(end("2026-12-31"), "2026-12-31T00:00:00Z");
        assert_eq!(end("2026-12-31T18:00:00Z"), "2026-12-31T18:00:00Z");
        assert_eq!(end("2026-12-31T18:00:00.7+02:00"), "2026-12-31T16:00:00Z");
        assert_eq!(end("never"), "never");
    }

    #[test]
    fn what_is_past_and_what_is_no_time_is_refused() {
        for text in ["0s", "2026-11-23", "2026-11-23T15:00:00Z", "1999-01-01"] {
            assert!(end(text).contains("is past"), "{text}: {}", end(text));
        }
        for text in [
            "",
            "2",
            "h",
            "2x",
            "-2h",
            "2h3",
            "2026-13-01",
            "2026-02-30",
            "tomorrow",
            "1e9h",
            "99999999999999999999s",
            "9223372036854775807w",
            "9223372036854775806s",
            "2026-12-31T18:00:00",
            "٢h",
            "2026-12-€",
        ] {
            assert!(end(text).contains("is no time"), "{text}: {}", end(text));
        }
    }

    #[test]
    fn as_text_it_is_utc_and_comes_back() {
        let moment: Moment = serde_json::from_str("\"2026-12-31T18:00:00+01:00\"").unwrap();
        assert_eq!(serde_json::to_string(&moment).unwrap(), "\"2026-12-31T17:00:00Z\"");
        assert!(serde_json::from_str::<Moment>("\"soon\"").is_err());
        assert_eq!(moment.seconds_after("2026-12-31T16:59:00Z".parse().unwrap()), 60);
    }
}
