//! Calico's selectors. (To be written.)

use super::world::Labels;

/// A selector.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Selector;

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
    /// Reads it.
    pub fn parse(_text: &str) -> Result<Selector, SelectorError> {
        todo!()
    }
    /// Whether labels match.
    pub fn matches(&self, _labels: &Labels) -> bool {
        todo!()
    }
    /// Both must match.
    pub fn and(self, _other: Selector) -> Selector {
        todo!()
    }
}
