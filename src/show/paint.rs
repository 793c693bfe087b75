//! Colour, where it is wanted. Everything reads the same without it.
//! Never knows whether the output is a terminal: that is decided once, where the program starts.

use std::borrow::Cow;
use std::fmt::Write;

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

/// Text from outside as it may stand on a terminal: control characters, with which a name could move the cursor or change
/// what was printed before, are written out.
pub fn harmless(text: &str) -> Cow<'_, str> {
    let control = |c: char| c.is_control() && c != '\n' && c != '\t';
    if !text.contains(control) {
        return Cow::Borrowed(text);
    }
    let mut clean = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match control(c) {
            // Writing into a String does not fail.
            true => _ = write!(clean, "{}", c.escape_default()),
            false => clean.push(c),
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
        assert_eq!(harmless("ä\n\tb"), "ä\n\tb");
    }
}
