//! Calico's selectors: a tree of matches on labels, and the text in which Calico itself writes it.
//! Never knows what carries the labels: pods, host endpoints, network sets and namespaces all look alike here.

mod parse;
mod partial;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::fmt;

use super::world::Labels;

/// A selector. Its `Display` is Calico's canonical form (lcg/selector/parser/ast.go): every `&&` and `||` in
/// parentheses, sets sorted and without repeats, double quotes unless the value holds one.
///
/// Two selectors are equal if they have the same tree, not if they select the same. The one tree that Calico's text
/// does not keep is a negation directly in a negation, `!(!has(a))`: it is written as `!!has(a)`, which reads as `has(a)`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Selector(Node);

/// One match or a combination. `And` and `Or` hold at least two; sets are sorted and without repeats.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Node {
    All,
    Global,
    Has(String),
    Equal(String, String),
    NotEqual(String, String),
    Contains(String, String),
    StartsWith(String, String),
    EndsWith(String, String),
    In(String, Vec<String>),
    NotIn(String, Vec<String>),
    Not(Box<Node>),
    And(Vec<Node>),
    Or(Vec<Node>),
}

/// Why a selector cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason} at character {at}")]
pub struct SelectorError {
    /// What is wrong, lower case.
    pub reason: String,
    /// Where, in characters from 1.
    pub at: usize,
}

impl Selector {
    /// Reads what Calico 3.28 reads; the empty text is `all()`. From 3.30 on Calico takes no line break within `has( )` or
    /// between the two words of an operator; here it is taken, as the older Felix enforces it. Parentheses may have any
    /// depth, the tree at most 500 levels.
    pub fn parse(text: &str) -> Result<Selector, SelectorError> {
        parse::parse(text).map(Selector)
    }

    /// Matches everything.
    pub fn all() -> Selector {
        Selector(Node::All)
    }

    /// Matches what has the label with this value: `key == "value"`. No text says a value that holds both `"` and `'`, and
    /// no label of Kubernetes has one.
    pub fn label_equals(key: &str, value: &str) -> Selector {
        Selector(Node::Equal(key.to_string(), value.to_string()))
    }

    /// Whether labels match. A label that is missing matches `!=` and `not in`, and nothing else; `global()` matches
    /// everything, as in Calico's own parser: only what Calico does to a policy before that gives it a meaning.
    pub fn matches(&self, labels: &Labels) -> bool {
        self.0.matches(labels)
    }

    /// Both must match.
    pub fn and(self, other: Selector) -> Selector {
        Selector(Node::And(vec![self.0, other.0]))
    }

    /// Must not match; a negation loses its `!`.
    pub fn negate(self) -> Selector {
        match self.0 {
            Node::Not(inner) => Selector(*inner),
            other => Selector(Node::Not(Box::new(other))),
        }
    }

    /// The same selector with the prefix before every label, as Calico does with `pcns.` for the labels of namespaces
    /// and `pcsa.` for those of ServiceAccounts.
    pub fn prefixed(mut self, prefix: &str) -> Selector {
        self.0.visit(&mut |node| {
            if let Some(key) = node.key_mut() {
                key.insert_str(0, prefix);
            }
        });
        self
    }

    /// Whether it is `all()` and nothing else.
    pub fn is_all(&self) -> bool {
        self.0 == Node::All
    }

    /// Whether `global()` is anywhere in it.
    pub fn mentions_global(&self) -> bool {
        let mut found = false;
        self.0.walk(&mut |node| found |= *node == Node::Global);
        found
    }

    /// The labels that it asks for.
    pub fn labels(&self) -> BTreeSet<&str> {
        let mut labels = BTreeSet::new();
        self.0.walk(&mut |node| labels.extend(node.key()));
        labels
    }
}

/// The label that a node asks for, behind whichever reference the node is.
macro_rules! key {
    ($node:expr) => {
        match $node {
            Node::Has(key)
            | Node::Equal(key, _)
            | Node::NotEqual(key, _)
            | Node::Contains(key, _)
            | Node::StartsWith(key, _)
            | Node::EndsWith(key, _)
            | Node::In(key, _)
            | Node::NotIn(key, _) => Some(key),
            Node::All | Node::Global | Node::Not(_) | Node::And(_) | Node::Or(_) => None,
        }
    };
}

impl Node {
    fn matches(&self, labels: &Labels) -> bool {
        let is = |key: &String, test: &dyn Fn(&str) -> bool| labels.get(key).is_some_and(|value| test(value));
        match self {
            Node::All | Node::Global => true,
            Node::Has(key) => labels.contains_key(key),
            Node::Equal(key, wanted) => is(key, &|value| value == wanted),
            Node::NotEqual(key, other) => !is(key, &|value| value == other),
            Node::Contains(key, part) => is(key, &|value| value.contains(part.as_str())),
            Node::StartsWith(key, start) => is(key, &|value| value.starts_with(start.as_str())),
            Node::EndsWith(key, end) => is(key, &|value| value.ends_with(end.as_str())),
            Node::In(key, set) => is(key, &|value| holds(set, value)),
            Node::NotIn(key, set) => !is(key, &|value| holds(set, value)),
            Node::Not(inner) => !inner.matches(labels),
            Node::And(all) => all.iter().all(|node| node.matches(labels)),
            Node::Or(any) => any.iter().any(|node| node.matches(labels)),
        }
    }

    /// Calls `act` on every match.
    fn visit(&mut self, act: &mut dyn FnMut(&mut Node)) {
        match self {
            Node::Not(inner) => inner.visit(act),
            Node::And(nodes) | Node::Or(nodes) => nodes.iter_mut().for_each(|node| node.visit(act)),
            leaf => act(leaf),
        }
    }

    fn walk<'a>(&'a self, see: &mut dyn FnMut(&'a Node)) {
        match self {
            Node::Not(inner) => inner.walk(see),
            Node::And(nodes) | Node::Or(nodes) => nodes.iter().for_each(|node| node.walk(see)),
            leaf => see(leaf),
        }
    }

    fn key(&self) -> Option<&str> {
        key!(self).map(String::as_str)
    }

    fn key_mut(&mut self) -> Option<&mut String> {
        key!(self)
    }
}

fn holds(sorted: &[String], value: &str) -> bool {
    sorted.binary_search_by(|member| member.as_str().cmp(value)).is_ok()
}

impl fmt::Display for Selector {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, out)
    }
}

impl fmt::Display for Node {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Node::All => out.write_str("all()"),
            Node::Global => out.write_str("global()"),
            Node::Has(key) => write!(out, "has({key})"),
            Node::Equal(key, value) => write!(out, "{key} == {}", Quoted(value)),
            Node::NotEqual(key, value) => write!(out, "{key} != {}", Quoted(value)),
            Node::Contains(key, value) => write!(out, "{key} contains {}", Quoted(value)),
            Node::StartsWith(key, value) => write!(out, "{key} starts with {}", Quoted(value)),
            Node::EndsWith(key, value) => write!(out, "{key} ends with {}", Quoted(value)),
            Node::In(key, set) => {
                write_list(out, format_args!("{key} in {{"), set.iter().map(|v| Quoted(v)), ", ", "}")
            }
            Node::NotIn(key, set) => {
                write_list(out, format_args!("{key} not in {{"), set.iter().map(|v| Quoted(v)), ", ", "}")
            }
            Node::Not(inner) => write!(out, "!{inner}"),
            Node::And(nodes) => write_list(out, format_args!("("), nodes, " && ", ")"),
            Node::Or(nodes) => write_list(out, format_args!("("), nodes, " || ", ")"),
        }
    }
}

fn write_list(
    out: &mut fmt::Formatter<'_>,
    open: fmt::Arguments<'_>,
    items: impl IntoIterator<Item = impl fmt::Display>,
    between: &str,
    close: &str,
) -> fmt::Result {
    out.write_fmt(open)?;
    for (index, item) in items.into_iter().enumerate() {
        if index > 0 {
            out.write_str(between)?;
        }
        write!(out, "{item}")?;
    }
    out.write_str(close)
}

/// A value in the quotes that Calico gives it. There is no escaping, so a value cannot hold both kinds.
struct Quoted<'a>(&'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let quote = if self.0.contains('"') { '\'' } else { '"' };
        write!(out, "{quote}{}{quote}", self.0)
    }
}
