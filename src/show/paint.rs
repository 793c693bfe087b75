//! Colour, where it is wanted. Everything reads the same without it.
//! Never knows whether the output is a terminal: that is decided once, where the program starts.

use std::borrow::Cow;
use std::fmt::Write;

/// What this program paints with (ECMA-48, SGR), and what ends it.
const CODES: [&str; 6] = ["32", "31", "33", "1;31", "1", "0"];

/// Paints text, or leaves it alone.
#[derive(Clone, Copy, Debug, Default)]
pub struct Paint {
    color: bool,
}

impl Paint {
    /// Paints if `color` is set.
    pub fn new(color: bool) -> Paint {
        Paint { color }
    }

    /// What comes in.
    pub fn added(self, text: &str) -> Cow<'_, str> {
        self.with("32", text)
    }

    /// What goes.
    pub fn removed(self, text: &str) -> Cow<'_, str> {
        self.with("31", text)
    }

    /// What may surprise.
    pub fn warning(self, text: &str) -> Cow<'_, str> {
        self.with("33", text)
    }

    /// What is wrong.
    pub fn error(self, text: &str) -> Cow<'_, str> {
        self.with("1;31", text)
    }

    /// A headline.
    pub fn strong(self, text: &str) -> Cow<'_, str> {
        self.with("1", text)
    }

    fn with<'a>(self, code: &str, text: &'a str) -> Cow<'a, str> {
        match self.color {
            true => Cow::Owned(format!("\u{1b}[{code}m{text}\u{1b}[0m")),
            false => Cow::Borrowed(text),
        }
    }
}

/// Whether a character would do something to a terminal instead of standing on it: control characters, and those that turn
/// the direction of what is around them (Unicode TR 9 and 36), with which a name could move the cursor, or seem another.
pub fn is_hidden(c: char) -> bool {
    let turns = matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let breaks = matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}');
    (c.is_control() && c != '\n' && c != '\t') || turns || breaks
}

/// Text from outside as it may stand on a terminal: hidden characters are written out, and it is one line, so that none of
/// it can pass for a line of ours.
pub fn harmless(text: &str) -> Cow<'_, str> {
    match harmless_lines(text) {
        text if text.contains('\n') => Cow::Owned(text.replace('\n', " ")),
        text => text,
    }
}

/// The same for text of several lines, all of them ours.
pub fn harmless_lines(text: &str) -> Cow<'_, str> {
    written_out(text, |c| c.escape_default().to_string())
}

/// The same in text that JSON is, where such characters can only be within strings: they are escaped as JSON does it.
pub fn escaped(text: &str) -> Cow<'_, str> {
    written_out(text, |c| {
        let mut units = [0; 2];
        c.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")).collect()
    })
}

fn written_out(text: &str, how: impl Fn(char) -> String) -> Cow<'_, str> {
    if !text.contains(is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut clean = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match is_hidden(c) {
            true => clean.push_str(&how(c)),
            false => clean.push(c),
        }
    }
    Cow::Owned(clean)
}

/// All that is printed, once more before it is: of what is hidden nothing passes but this program's own colours. Whoever
/// puts text together makes it harmless there; this is for the place that forgot it.
pub fn printable(text: &str, paint: Paint) -> Cow<'_, str> {
    if !paint.color || !text.contains('\u{1b}') {
        return escaped(text);
    }
    let mut parts = text.split('\u{1b}');
    let mut clean = escaped(parts.next().unwrap_or_default()).into_owned();
    for part in parts {
        let color = CODES.iter().find_map(|code| part.strip_prefix('[')?.strip_prefix(code)?.strip_prefix('m'));
        match color {
            Some(rest) => {
                clean.push('\u{1b}');
                clean.push_str(&part[..part.len() - rest.len()]);
                clean.push_str(&escaped(rest));
            }
            None => _ = write!(clean, "\\u001b{}", escaped(part)),
        }
    }
    Cow::Owned(clean)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_colour_text_stays_as_it_is() {
        assert_eq!(Paint::new(false).added("+ a"), "+ a");
        assert_eq!(Paint::new(true).added("+ a"), "\u{1b}[32m+ a\u{1b}[0m");
    }

    #[test]
    fn control_characters_of_others_are_written_out() {
        assert_eq!(harmless("a\u{1b}[2Jb\r"), "a\\u{1b}[2Jb\\r");
        assert_eq!(harmless("ä\tb\nHint: run this"), "ä\tb Hint: run this");
        assert_eq!(harmless_lines("ä\n\tb\r"), "ä\n\tb\\r");
        assert_eq!(harmless("a\u{202e}b\u{9b}"), "a\\u{202e}b\\u{9b}", "what turns the direction, and C1");
    }

    #[test]
    fn json_stays_json() {
        let value = serde_json::json!({"a": "x\u{202e}y\u{7f}\u{1b}z\n\u{feff}"});
        let text = value.to_string();
        let safe = escaped(&text);
        assert!(!safe.contains(is_hidden));
        assert_eq!(serde_json::from_str::<serde_json::Value>(&safe).unwrap(), value);
    }

    #[test]
    fn nothing_hidden_is_printed_but_our_own_colours() {
        let plain = Paint::new(false);
        let text = format!("{} \u{1b}[2J\r\u{202e}\n", Paint::new(true).warning("Warning"));
        assert_eq!(printable(&text, plain), "\\u001b[33mWarning\\u001b[0m \\u001b[2J\\u000d\\u202e\n");
        let colored = printable(&text, Paint::new(true)).into_owned();
        assert_eq!(colored, "\u{1b}[33mWarning\u{1b}[0m \\u001b[2J\\u000d\\u202e\n");
        assert_eq!(printable("a\tb\n", plain), "a\tb\n");
    }
}
