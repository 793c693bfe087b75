//! Durations as Go writes them: `1m30s`, `1.5h`, `-10ms`.
//! Never knows what lasts so long.

/// Units and their nanoseconds.
const UNITS: [(&str, f64); 8] = [
    ("ns", 1.0),
    ("us", 1e3),
    ("\u{b5}s", 1e3),
    ("\u{3bc}s", 1e3),
    ("ms", 1e6),
    ("s", 1e9),
    ("m", 60e9),
    ("h", 3600e9),
];

/// Whether Go's time.ParseDuration takes it: numbers with units, less than 2^63 nanoseconds in all.
pub(super) fn is_duration(text: &str) -> bool {
    let mut rest = text.strip_prefix(['-', '+']).unwrap_or(text);
    if rest == "0" {
        return true;
    }
    let mut sum = 0.0;
    while !rest.is_empty() {
        let end = rest.find(|character: char| !character.is_ascii_digit() && character != '.').unwrap_or(rest.len());
        let (number, behind) = rest.split_at(end);
        let end = behind.find(|character: char| character.is_ascii_digit() || character == '.').unwrap_or(behind.len());
        let (unit, behind) = behind.split_at(end);
        let has_digits = number.bytes().any(|byte| byte.is_ascii_digit());
        let number = number.strip_suffix('.').unwrap_or(number);
        let number = if number.starts_with('.') { format!("0{number}") } else { number.to_string() };
        let Some((_, nanoseconds)) = UNITS.iter().find(|(known, _)| *known == unit).filter(|_| has_digits) else {
            return false;
        };
        let Ok(number) = number.parse::<f64>() else { return false };
        sum += number * nanoseconds;
        rest = behind;
    }
    // Go counts in 64 bits.
    !text.is_empty() && !text.ends_with(['-', '+']) && sum < 9.223_372_036_854_775e18
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As Go's time.ParseDuration documents it.
    #[test]
    fn durations_are_those_of_go() {
        for good in ["0", "10s", "1.5h", "1h15m30.918s", "-3ms", "+5m", ".5s", "1.s", "2562047h"] {
            assert!(is_duration(good), "{good}");
        }
        for bad in ["", "3", "-", "s", ".s", "1x", "1 s", "1.2.3s", "1e3s", "3000000h", "10S"] {
            assert!(!is_duration(bad), "{bad}");
        }
    }
}
