//! What an unquoted word of YAML is, as kubectl takes it: YAML 1.1 booleans, octal numbers, underscores in numbers.
//! Never knows documents.
//!
//! kubectl reads with sigs.k8s.io/yaml, which reads with go-yaml 2 and turns the result into JSON. The table of the test
//! was made by that library.

use serde_json::{Number, Value};

/// What an unquoted word is. The error is a number that JSON does not have.
pub fn resolve(word: &str) -> Result<Value, String> {
    Ok(match word {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => true.into(),
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => false.into(),
        ".nan" | ".NaN" | ".NAN" | ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" | "-.inf" | "-.Inf"
        | "-.INF" => return Err(format!("{word} is a number that JSON does not have")),
        _ => match word.as_bytes()[0] {
            b'0'..=b'9' | b'+' | b'-' | b'.' => number(word).unwrap_or_else(|| word.into()),
            _ => word.into(),
        },
    })
}

/// The number that a word is, if it is one.
fn number(word: &str) -> Option<Value> {
    let plain;
    let word = if word.contains('_') {
        plain = word.replace('_', "");
        plain.as_str()
    } else {
        word
    };
    if let Some(integer) = integer(word) {
        return Some(integer);
    }
    if !is_float(word) {
        return None;
    }
    let float: f64 = word.parse().ok().filter(|float: &f64| float.is_finite())?;
    // encoding/json writes a float without a fraction as an integer, and kubectl reads that one again.
    if float.fract() == 0.0 && float.abs() < 9.2e18 {
        #[expect(clippy::cast_possible_truncation, reason = "it is an integer of less than 64 bits")]
        return Some((float as i64).into());
    }
    Number::from_f64(float).map(Value::Number)
}

/// As strconv.ParseInt and ParseUint with base 0: the prefixes 0x, 0o, 0b, and octal after a bare 0.
fn integer(word: &str) -> Option<Value> {
    let (negative, digits) = match word.as_bytes()[0] {
        b'-' => (true, &word[1..]),
        b'+' => (false, &word[1..]),
        _ => (false, word),
    };
    let lower = |prefix: char| {
        digits.strip_prefix('0').and_then(|rest| rest.strip_prefix([prefix, prefix.to_ascii_uppercase()]))
    };
    let (digits, radix) = if let Some(rest) = lower('x') {
        (rest, 16)
    } else if let Some(rest) = lower('o') {
        (rest, 8)
    } else if let Some(rest) = lower('b') {
        (rest, 2)
    } else if digits.len() > 1 && digits.starts_with('0') {
        (&digits[1..], 8)
    } else {
        (digits, 10)
    };
    if !digits.bytes().next().is_some_and(|first| first.is_ascii_alphanumeric()) {
        return None;
    }
    let magnitude = u64::from_str_radix(digits, radix).ok()?;
    match negative {
        false if word.starts_with('+') && i64::try_from(magnitude).is_err() => None,
        false => Some(magnitude.into()),
        true => 0_i64.checked_sub_unsigned(magnitude).map(Value::from),
    }
}

/// Whether it has the shape of a decimal number: `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`.
fn is_float(word: &str) -> bool {
    let word = word.strip_prefix(['-', '+']).unwrap_or(word);
    let (mantissa, exponent) = match word.find(['e', 'E']) {
        Some(at) => (&word[..at], Some(&word[at + 1..])),
        None => (word, None),
    };
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let mantissa_is_right = match mantissa.split_once('.') {
        Some(("", fraction)) => !fraction.is_empty() && digits(fraction),
        Some((whole, fraction)) => digits(whole) && digits(fraction),
        None => !mantissa.is_empty() && digits(mantissa),
    };
    let exponent_is_right = exponent.is_none_or(|exponent| {
        let exponent = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
        !exponent.is_empty() && digits(exponent)
    });
    mantissa_is_right && exponent_is_right
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn words_are_what_kubectl_takes_them_for() {
        let table: &[(&str, Value)] = &[
            ("yes", json!(true)),
            ("Yes", json!(true)),
            ("YES", json!(true)),
            ("no", json!(false)),
            ("No", json!(false)),
            ("NO", json!(false)),
            ("on", json!(true)),
            ("On", json!(true)),
            ("ON", json!(true)),
            ("off", json!(false)),
            ("Off", json!(false)),
            ("OFF", json!(false)),
            ("y", json!(true)),
            ("Y", json!(true)),
            ("n", json!(false)),
            ("N", json!(false)),
            ("true", json!(true)),
            ("True", json!(true)),
            ("TRUE", json!(true)),
            ("false", json!(false)),
            ("False", json!(false)),
            ("FALSE", json!(false)),
            ("tRUE", json!("tRUE")),
            ("yEs", json!("yEs")),
            ("~", json!(null)),
            ("null", json!(null)),
            ("Null", json!(null)),
            ("NULL", json!(null)),
            ("nULL", json!("nULL")),
            ("0", json!(0)),
            ("-0", json!(0)),
            ("+5", json!(5)),
            ("-17", json!(-17)),
            ("012", json!(10)),
            ("-012", json!(-10)),
            ("+012", json!(10)),
            ("08", json!(8)),
            ("0o17", json!(15)),
            ("0O17", json!(15)),
            ("0x1F", json!(31)),
            ("0X1f", json!(31)),
            ("0b101", json!(5)),
            ("-0b101", json!(-5)),
            ("1_000", json!(1000)),
            ("0x_1F", json!(31)),
            ("1__0", json!(10)),
            ("_1", json!("_1")),
            ("1_", json!(1)),
            ("1e3", json!(1000)),
            ("1.0", json!(1)),
            ("1.5", json!(1.5)),
            ("-1.5e-3", json!(-0.0015)),
            (".5", json!(0.5)),
            ("-.5", json!(-0.5)),
            ("+.5", json!(0.5)),
            (".", json!(".")),
            ("..", json!("..")),
            ("1.", json!(1)),
            ("1.e2", json!(100)),
            ("1e", json!("1e")),
            ("1e+", json!("1e+")),
            (".5_0", json!(0.5)),
            ("1_0.5", json!(10.5)),
            ("1:20", json!("1:20")),
            ("190:20:30", json!("190:20:30")),
            ("9000:9010", json!("9000:9010")),
            ("2024-01-01", json!("2024-01-01")),
            ("2024-1-1", json!("2024-1-1")),
            ("2001-12-14t21:59:43.10Z", json!("2001-12-14t21:59:43.10Z")),
            ("2024-01-01T00:00:00Z", json!("2024-01-01T00:00:00Z")),
            ("10.0.0.0/24", json!("10.0.0.0/24")),
            ("10.7.0.99", json!("10.7.0.99")),
            ("1.2.3", json!("1.2.3")),
            ("fe80::1", json!("fe80::1")),
            ("::1", json!("::1")),
            ("9223372036854775807", json!(9223372036854775807_i64)),
            ("9223372036854775808", json!(9223372036854775808_u64)),
            ("18446744073709551615", json!(18446744073709551615_u64)),
            ("18446744073709551616", json!(18446744073709552000.0_f64)),
            ("-9223372036854775809", json!(-9223372036854776000.0_f64)),
            ("1e20", json!(100000000000000000000.0_f64)),
            ("1e21", json!(1e21)),
            ("1e400", json!("1e400")),
            ("12345678901234567890123", json!(1.2345678901234568e22)),
            ("0.1", json!(0.1)),
            ("100000000000000000000.0", json!(100000000000000000000.0_f64)),
            ("=", json!("=")),
            ("<<", json!("<<")),
            ("a", json!("a")),
            ("-a", json!("-a")),
            ("?a", json!("?a")),
            (":a", json!(":a")),
            ("a:b", json!("a:b")),
            ("abc", json!("abc")),
            ("v1.28", json!("v1.28")),
            ("1,000", json!("1,000")),
            ("0.0", json!(0)),
            ("-0.0", json!(0)),
            ("+0", json!(0)),
            ("0x", json!("0x")),
            ("0b2", json!("0b2")),
            ("0b", json!("0b")),
            ("00", json!(0)),
            ("007", json!(7)),
            ("0777", json!(511)),
            ("1e-7", json!(1e-7)),
            ("123456789012345678", json!(123456789012345678_i64)),
            ("1.7976931348623157e309", json!("1.7976931348623157e309")),
            ("0xFFFFFFFFFFFFFFFFF", json!("0xFFFFFFFFFFFFFFFFF")),
            ("5e-324", json!(5e-324)),
            ("Infinity", json!("Infinity")),
            ("inf", json!("inf")),
            ("nan", json!("nan")),
            ("NaN", json!("NaN")),
            (".NaNx", json!(".NaNx")),
            ("+1_0", json!(10)),
            ("0x1p4", json!("0x1p4")),
            ("1_000.5", json!(1000.5)),
            ("0o_17", json!(15)),
            ("0_7", json!(7)),
            ("-0x1F", json!(-31)),
            ("-0o17", json!(-15)),
            ("+0b11", json!(3)),
            ("08.5", json!(8.5)),
            ("0.1e1", json!(1)),
            ("1E3", json!(1000)),
            ("2001-12-14 21:59:43.10", json!("2001-12-14 21:59:43.10")),
            ("2001-12-14 21:59:43.10 -5", json!("2001-12-14 21:59:43.10 -5")),
            ("20240101", json!(20240101)),
            ("٣", json!("٣")),
        ];
        for (word, value) in table {
            let read = resolve(word).unwrap();
            // Beyond 64 bits both have the nearest float, which JSON may write in two ways.
            let same = match (read.as_f64(), value.as_f64()) {
                (Some(read), Some(value)) => (read - value).abs() <= f64::EPSILON * value.abs(),
                _ => read == *value,
            };
            assert!(same, "{word}: {read} instead of {value}");
        }
    }

    #[test]
    fn numbers_that_json_lacks_are_errors() {
        for word in [".inf", "-.inf", ".nan", "+.INF"] {
            assert!(resolve(word).unwrap_err().starts_with(word));
        }
    }
}
