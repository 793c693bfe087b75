//! Whether a text is a regular expression in Go's syntax (RE2), which is all that Calico asks of some settings.
//! Never matches anything.

/// The most that a repetition may ask for (Go's limit).
const MOST_REPEATS: u32 = 1000;
/// How deep groups may stand in each other (Go's limit).
const DEEPEST: usize = 1000;

/// The error says what is wrong.
pub(super) fn check(text: &str) -> Result<(), String> {
    let mut reader = Reader { rest: text.chars().collect(), at: 0 };
    let mut depth = 0_usize;
    // Whether there is something that a repetition can repeat, and whether that is a repetition already.
    let (mut atom, mut repeated) = (false, false);
    while let Some(character) = reader.next() {
        let is_atom = match character {
            '(' => {
                reader.group()?;
                depth += 1;
                if depth > DEEPEST {
                    return Err("groups are nested too deep".into());
                }
                false
            }
            ')' => {
                depth = depth.checked_sub(1).ok_or("a ) closes nothing")?;
                true
            }
            '|' => false,
            '*' | '+' | '?' => {
                reader.repeat(atom, repeated)?;
                (atom, repeated) = (true, true);
                continue;
            }
            '{' => match reader.counted()? {
                true => {
                    reader.repeat(atom, repeated)?;
                    (atom, repeated) = (true, true);
                    continue;
                }
                false => true,
            },
            '[' => {
                reader.class()?;
                true
            }
            '\\' => {
                reader.escape()?;
                true
            }
            _ => true,
        };
        (atom, repeated) = (is_atom, false);
    }
    if depth > 0 { Err("a ( is not closed".into()) } else { Ok(()) }
}

struct Reader {
    rest: Vec<char>,
    at: usize,
}

impl Reader {
    fn next(&mut self) -> Option<char> {
        let character = self.peek(0)?;
        self.at += 1;
        Some(character)
    }

    fn peek(&self, ahead: usize) -> Option<char> {
        self.rest.get(self.at + ahead).copied()
    }

    fn eats(&mut self, text: &str) -> bool {
        let found = text.chars().enumerate().all(|(index, wanted)| self.peek(index) == Some(wanted));
        if found {
            self.at += text.chars().count();
        }
        found
    }

    /// A repetition, which may be followed by a `?` that makes it short.
    fn repeat(&mut self, atom: bool, repeated: bool) -> Result<(), String> {
        if !atom {
            return Err("there is nothing to repeat".into());
        }
        if repeated {
            return Err("a repetition is repeated".into());
        }
        self.eats("?");
        Ok(())
    }

    /// `{2}`, `{2,}`, `{2,5}` behind the brace; anything else is a brace like any character.
    fn counted(&mut self) -> Result<bool, String> {
        let text: String = self.rest[self.at..].iter().take(12).take_while(|c| **c != '}').collect();
        if self.peek(text.chars().count()) != Some('}') {
            return Ok(false);
        }
        let number = |text: &str| {
            let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            // Go takes no leading zeros for a count.
            (is_number && (text == "0" || !text.starts_with('0'))).then(|| text.parse::<u32>().unwrap_or(u32::MAX))
        };
        let (least, most) = match text.split_once(',') {
            None => (number(&text), number(&text)),
            Some((least, "")) => (number(least), number(least)),
            Some((least, most)) => (number(least), number(most)),
        };
        let (Some(least), Some(most)) = (least, most) else { return Ok(false) };
        self.at += text.chars().count() + 1;
        if least > most || most > MOST_REPEATS {
            return Err(format!("{{{text}}} is no count"));
        }
        Ok(true)
    }

    /// What stands behind an opening parenthesis: nothing, flags, or a name.
    fn group(&mut self) -> Result<(), String> {
        if !self.eats("?") {
            return Ok(());
        }
        if self.eats("P<") || self.eats("<") {
            let mut name = String::new();
            loop {
                match self.next() {
                    Some('>') => break,
                    Some(character) => name.push(character),
                    None => return Err("a group's name is not closed".into()),
                }
            }
            let is_word = |character: char| character.is_ascii_alphanumeric() || character == '_';
            return match !name.is_empty() && name.chars().all(is_word) {
                true => Ok(()),
                false => Err(format!("{name:?} is no group's name")),
            };
        }
        let (mut minus, mut flags) = (false, 0);
        loop {
            match self.next() {
                Some('i' | 'm' | 's' | 'U') => flags += 1,
                Some('-') if !minus => (minus, flags) = (true, 0),
                Some(':') if !minus || flags > 0 => return Ok(()),
                Some(')') if flags > 0 => {
                    // It stands for itself, and closes at once.
                    self.at -= 1;
                    return Ok(());
                }
                _ => return Err("a (? is followed by none of Go's flags".into()),
            }
        }
    }

    /// Behind a backslash, outside of a class.
    fn escape(&mut self) -> Result<(), String> {
        match self.peek(0) {
            Some('Q') => {
                self.at += 1;
                while self.peek(0).is_some() && !self.eats("\\E") {
                    self.at += 1;
                }
                Ok(())
            }
            Some('A' | 'z' | 'b' | 'B' | 'C') => {
                self.at += 1;
                Ok(())
            }
            _ => self.character().map(drop),
        }
    }

    /// A character or a class of them behind a backslash; the character where it is one.
    fn character(&mut self) -> Result<Option<char>, String> {
        match self.next() {
            None => Err("a \\ ends it".into()),
            Some('d' | 'D' | 's' | 'S' | 'w' | 'W') => Ok(None),
            Some('p' | 'P') => self.property().map(|()| None),
            Some('x') => self.hexadecimal().map(Some),
            Some('a') => Ok(Some('\u{7}')),
            Some('f') => Ok(Some('\u{c}')),
            Some('n') => Ok(Some('\n')),
            Some('r') => Ok(Some('\r')),
            Some('t') => Ok(Some('\t')),
            Some('v') => Ok(Some('\u{b}')),
            Some(first @ '1'..='7') if !matches!(self.peek(0), Some('0'..='7')) => {
                Err(format!("\\{first} refers to a group, which Go does not know"))
            }
            Some(first @ '0'..='7') => {
                let mut code = first.to_digit(8).unwrap_or(0);
                for _ in 0..2 {
                    let Some(digit) = self.peek(0).and_then(|character| character.to_digit(8)) else { break };
                    self.at += 1;
                    code = code * 8 + digit;
                }
                Ok(char::from_u32(code))
            }
            Some(other) if other.is_ascii() && !other.is_ascii_alphanumeric() => Ok(Some(other)),
            Some(other) => Err(format!("\\{other} means nothing")),
        }
    }

    /// A class of Unicode; the scripts and categories that people write.
    fn property(&mut self) -> Result<(), String> {
        let name: String = match self.next() {
            Some('{') => {
                let name: String = self.rest[self.at..].iter().take_while(|character| **character != '}').collect();
                self.at += name.chars().count();
                if !self.eats("}") {
                    return Err("a \\p{ is not closed".into());
                }
                name
            }
            Some(one) => one.to_string(),
            None => return Err("a \\p ends it".into()),
        };
        const NAMES: &str = "Any L Ll Lu Lt Lm Lo M Mn Mc Me N Nd Nl No P Pc Pd Ps Pe Pi Pf Po S Sm Sc Sk So Z Zs Zl Zp C Cc Cf Co Cs \
                             Latin Greek Cyrillic Arabic Hebrew Han Hiragana Katakana Hangul Thai Common Inherited";
        let name = name.trim_start_matches('^');
        match NAMES.split_ascii_whitespace().any(|known| known == name) {
            true => Ok(()),
            false => Err(format!("{name:?} is no class of characters")),
        }
    }

    fn hexadecimal(&mut self) -> Result<char, String> {
        let digits: String = match self.eats("{") {
            true => {
                let digits: String = self.rest[self.at..].iter().take_while(|c| c.is_ascii_hexdigit()).collect();
                self.at += digits.len();
                if !self.eats("}") {
                    return Err("a \\x{ is not closed".into());
                }
                digits
            }
            false => {
                let digits: String = self.rest[self.at..].iter().take(2).collect();
                self.at += digits.chars().count();
                if digits.len() == 2 { digits } else { String::new() }
            }
        };
        let code = u32::from_str_radix(&digits, 16).ok().filter(|code| *code <= 0x10_ffff);
        // Go takes halves of surrogates, too.
        code.map(|code| char::from_u32(code).unwrap_or('\u{fffd}')).ok_or_else(|| "a \\x has no number".to_string())
    }

    /// `[...]` behind the opening bracket.
    fn class(&mut self) -> Result<(), String> {
        const OPEN: &str = "a [ is not closed";
        self.eats("^");
        let mut first = true;
        loop {
            if !first && self.eats("]") {
                return Ok(());
            }
            first = false;
            if self.eats("[:") {
                let name: String = self.rest[self.at..].iter().take_while(|c| **c != ':' && **c != ']').collect();
                let end = format!("{name}:]");
                if self.eats(&end) {
                    const NAMES: &str =
                        "alnum alpha ascii blank cntrl digit graph lower print punct space upper word xdigit";
                    let name = name.trim_start_matches('^');
                    if NAMES.split(' ').any(|known| known == name) {
                        continue;
                    }
                    return Err(format!("[:{name}:] is no class of characters"));
                }
                self.at -= 1;
                continue;
            }
            let low = match self.next() {
                None => return Err(OPEN.into()),
                Some('\\') => self.character()?,
                Some(character) => Some(character),
            };
            let Some(low) = low else { continue };
            if self.peek(0) == Some('-') && self.peek(1).is_some_and(|next| next != ']') {
                self.at += 1;
                let high = match self.next() {
                    None => return Err(OPEN.into()),
                    Some('\\') => self.character()?.ok_or("a range ends in a class of characters")?,
                    Some(character) => character,
                };
                if high < low {
                    return Err(format!("the range {low}-{high} ends before it begins"));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As Go's regexp/syntax says; `tests/oracle` asks Go itself about more of them.
    #[test]
    fn expressions_are_read_as_go_reads_them() {
        for good in [
            "",
            "^eth[0-9]+$",
            "a|b|",
            "(?i)x",
            "(?P<n>a)*?",
            "a{2,3}",
            "a{,3}",
            "[]a]",
            "[^]]",
            "\\x{41}",
            "()",
            "(|a)*",
        ] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        for bad in
            ["*", "a**", "(", ")", "[", "[b-a]", "a{3,2}", "a{1001}", "\\", "\\8", "(?<n", "(?z)a", "[[:foo:]]", "|*"]
        {
            assert!(check(bad).is_err(), "{bad}");
        }
    }
}
