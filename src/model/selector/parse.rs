//! From text to a selector's tree, taking what Calico 3.28's tokenizer and parser take.
//! Never knows what a selector matches.

use super::{Node, SelectorError};

/// Calico's parser has no limit but its stack, of a gigabyte. Ours counts levels of the tree; parentheses that group
/// nothing are none. Calico 3.33 limits the whole text to 1024 bytes, which hold fewer than 350 levels.
const MAX_LEVELS: usize = 500;
/// The longest label that Calico's tokenizer takes in one piece, in bytes.
const MAX_LABEL: usize = 512;

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Label(String),
    Value(String),
    Has(String),
    All,
    Global,
    OpenBrace,
    CloseBrace,
    Comma,
    Operator(Operator),
    Not,
    And,
    Or,
    Open,
    Close,
    End,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Operator {
    Equal,
    NotEqual,
    Contains,
    StartsWith,
    EndsWith,
    In,
    NotIn,
}

/// Splits the text. Which word a piece is depends on the token before: after a label only an operator can come, so
/// `in == 'x'` and `all == 'x'` ask for labels of those names.
struct Tokens<'a> {
    text: &'a str,
    at: usize,
    after_label: bool,
}

impl<'a> Tokens<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn error(&self, at: usize, reason: impl Into<String>) -> SelectorError {
        SelectorError { reason: reason.into(), at: self.text[..at].chars().count() + 1 }
    }

    /// The next token and where it starts, in bytes.
    fn next(&mut self) -> Result<(Token, usize), SelectorError> {
        self.at += self.rest().len() - self.rest().trim_start_matches([' ', '\t']).len();
        let start = self.at;
        let rest = self.rest();
        let Some(first) = rest.chars().next() else { return Ok((Token::End, start)) };
        let (token, length) = match first {
            '(' => (Token::Open, 1),
            ')' => (Token::Close, 1),
            '{' => (Token::OpenBrace, 1),
            '}' => (Token::CloseBrace, 1),
            ',' => (Token::Comma, 1),
            '"' | '\'' => match rest[1..].find(first) {
                Some(end) => (Token::Value(rest[1..=end].to_string()), end + 2),
                None => return Err(self.error(start, format!("the {first} is never closed"))),
            },
            '!' if rest.starts_with("!=") => (Token::Operator(Operator::NotEqual), 2),
            '!' => (Token::Not, 1),
            '=' if rest.starts_with("==") => (Token::Operator(Operator::Equal), 2),
            '&' if rest.starts_with("&&") => (Token::And, 2),
            '|' if rest.starts_with("||") => (Token::Or, 2),
            '=' | '&' | '|' => return Err(self.error(start, format!("{first} must be doubled: {first}{first}"))),
            _ if self.after_label => operator(rest).ok_or_else(|| self.error(start, NO_OPERATOR))?,
            _ => word(rest).ok_or_else(|| self.error(start, unexpected(first)))?,
        };
        self.at += length;
        self.after_label = matches!(token, Token::Label(_));
        Ok((token, start))
    }
}

const NO_OPERATOR: &str = "after a label comes ==, !=, in, not in, contains, starts with or ends with";

fn unexpected(found: char) -> String {
    match found {
        '\n' | '\r' => "a line break, which a selector cannot have".to_string(),
        _ => format!("unexpected {found:?}"),
    }
}

/// An operator that is a word. Between two words any white space may stand, also none. What follows need not begin a new
/// word, as a value in quotes or a set in braces must follow anyway.
fn operator(rest: &str) -> Option<(Token, usize)> {
    let words = [
        (["contains", ""], Operator::Contains),
        (["starts", "with"], Operator::StartsWith),
        (["ends", "with"], Operator::EndsWith),
        (["not", "in"], Operator::NotIn),
        (["in", ""], Operator::In),
    ];
    words.into_iter().find_map(|([first, second], operator)| {
        let mut tail = rest.strip_prefix(first)?;
        if !second.is_empty() {
            tail = tail.trim_start_matches(is_space).strip_prefix(second)?;
        }
        Some((Token::Operator(operator), rest.len() - tail.len()))
    })
}

/// `has(label)`, `all()`, `global()`, or a label. No space may stand before the parenthesis.
fn word(rest: &str) -> Option<(Token, usize)> {
    let call = |name: &str| rest.strip_prefix(name)?.strip_prefix('(').map(|tail| tail.trim_start_matches(is_space));
    let closed = |tail: &str| tail.trim_start_matches(is_space).strip_prefix(')').map(|tail| rest.len() - tail.len());
    if let Some(inner) = call("has")
        && let Some(key) = label(inner)
        && let Some(length) = closed(&inner[key.len()..])
    {
        return Some((Token::Has(key.to_string()), length));
    }
    if let Some(length) = call("all").and_then(closed) {
        return Some((Token::All, length));
    }
    if let Some(length) = call("global").and_then(closed) {
        return Some((Token::Global, length));
    }
    label(rest).map(|key| (Token::Label(key.to_string()), key.len()))
}

/// The label at the start of the text. A longer one than Calico takes is cut, as there: what follows is then no operator.
fn label(rest: &str) -> Option<&str> {
    let is_label = |byte: &u8| byte.is_ascii_alphanumeric() || b"_./-".contains(byte);
    let length = rest.bytes().take(MAX_LABEL).take_while(is_label).count();
    Some(&rest[..length]).filter(|label| !label.is_empty())
}

/// White space within a token, where Calico takes line breaks too up to 3.29; between tokens it is space and tab alone.
fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r' | '\x0c')
}

/// What is being read inside one pair of parentheses. `ors` holds the finished operands of `||`, `ands` those of the
/// `&&` that is being read; the numbers are the levels of the deepest operand of each.
#[derive(Default)]
struct Group {
    opened_at: usize,
    negated: bool,
    ors: Vec<Node>,
    or_levels: usize,
    ands: Vec<Node>,
    and_levels: usize,
}

impl Group {
    /// Adds an operand; the levels that it has now.
    fn push(&mut self, operand: Node, levels: usize) -> usize {
        let negated = std::mem::take(&mut self.negated);
        let levels = levels + usize::from(negated);
        self.ands.push(if negated { Node::Not(Box::new(operand)) } else { operand });
        self.and_levels = self.and_levels.max(levels);
        levels
    }

    fn close_and(&mut self) {
        let (mut ands, levels) = (std::mem::take(&mut self.ands), std::mem::take(&mut self.and_levels));
        self.or_levels = self.or_levels.max(levels + usize::from(ands.len() > 1));
        self.ors.extend(if ands.len() > 1 { Some(Node::And(ands)) } else { ands.pop() });
    }

    /// The whole group, which has at least one operand, and its levels.
    fn close(mut self) -> (Node, usize) {
        self.close_and();
        let levels = self.or_levels + usize::from(self.ors.len() > 1);
        let node = if self.ors.len() == 1 { self.ors.remove(0) } else { Node::Or(self.ors) };
        (node, levels)
    }
}

/// Reads a selector. Without recursion, so that no depth of parentheses overflows the stack.
pub(super) fn parse(text: &str) -> Result<Node, SelectorError> {
    let mut tokens = Tokens { text, at: 0, after_label: false };
    if text.trim_matches([' ', '\t']).is_empty() {
        return Ok(Node::All);
    }
    let mut around = Vec::new();
    let mut group = Group::default();
    loop {
        let (token, start) = tokens.next()?;
        let (mut operand, mut levels) = match token {
            Token::Not => {
                group.negated = !group.negated;
                continue;
            }
            Token::Open => {
                around.push(std::mem::replace(&mut group, Group { opened_at: start, ..Group::default() }));
                continue;
            }
            token => (tokens.operand(token, start)?, 0),
        };
        loop {
            if group.push(operand, levels) > MAX_LEVELS {
                return Err(tokens.error(start, format!("nested deeper than {MAX_LEVELS} levels")));
            }
            let (token, start) = tokens.next()?;
            match token {
                Token::And => break,
                Token::Or => {
                    group.close_and();
                    break;
                }
                Token::Close => {
                    let Some(outer) = around.pop() else {
                        return Err(tokens.error(start, "no ( stands before this )"));
                    };
                    (operand, levels) = std::mem::replace(&mut group, outer).close();
                }
                Token::End if around.is_empty() => return Ok(group.close().0),
                Token::End => return Err(tokens.error(group.opened_at, "the ( is never closed")),
                _ => return Err(tokens.error(start, "expected && or || or the end")),
            }
        }
    }
}

impl Tokens<'_> {
    /// The match that begins with `token`.
    fn operand(&mut self, token: Token, start: usize) -> Result<Node, SelectorError> {
        match token {
            Token::All => Ok(Node::All),
            Token::Global => Ok(Node::Global),
            Token::Has(key) => Ok(Node::Has(key)),
            Token::Label(key) => self.comparison(key),
            Token::End => Err(self.error(start, "it ends where a label, has(), all() or ( should come")),
            _ => Err(self.error(start, "expected a label, has(), all() or (")),
        }
    }

    fn comparison(&mut self, key: String) -> Result<Node, SelectorError> {
        let (token, start) = self.next()?;
        let Token::Operator(operator) = token else { return Err(self.error(start, NO_OPERATOR)) };
        Ok(match operator {
            Operator::Equal => Node::Equal(key, self.value()?),
            Operator::NotEqual => Node::NotEqual(key, self.value()?),
            Operator::Contains => Node::Contains(key, self.value()?),
            Operator::StartsWith => Node::StartsWith(key, self.value()?),
            Operator::EndsWith => Node::EndsWith(key, self.value()?),
            Operator::In => Node::In(key, self.set()?),
            Operator::NotIn => Node::NotIn(key, self.set()?),
        })
    }

    fn value(&mut self) -> Result<String, SelectorError> {
        match self.next()? {
            (Token::Value(value), _) => Ok(value),
            (_, start) => Err(self.error(start, "expected a value in quotes")),
        }
    }

    /// `{'a', 'b'}`: may be empty, and a comma may follow the last value.
    fn set(&mut self) -> Result<Vec<String>, SelectorError> {
        let (token, start) = self.next()?;
        if token != Token::OpenBrace {
            return Err(self.error(start, "expected a set of values in braces"));
        }
        let mut values = Vec::new();
        loop {
            let (mut token, mut start) = self.next()?;
            if let Token::Value(value) = token {
                values.push(value);
                (token, start) = self.next()?;
                if token == Token::Comma {
                    continue;
                }
            }
            if token != Token::CloseBrace {
                return Err(self.error(start, "expected a value in quotes, a comma or }"));
            }
            values.sort_unstable();
            values.dedup();
            return Ok(values);
        }
    }
}
