//! What a policy that observes remembers of how it was made, for `promote` and `unlock`.
//! Never knows what the policy says.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::super::roles::{OBSERVING, role};
use crate::kubernetes::names::OBSERVED;
use crate::model::world::World;

/// What is remembered, as JSON in an annotation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Memory {
    /// Fields of the FelixConfiguration `default` that were set for the time of the observation.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub felix: BTreeMap<String, Changed>,
    /// Doors without a grant close too, once promoted.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub close_others: bool,
    /// The nodes' addresses are to stand in the rules.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub inline: bool,
}

/// A field's values.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changed {
    /// Before; null where it was not set.
    pub was: Value,
    /// While something is observed.
    pub is: Value,
}

impl Memory {
    /// As the annotation's text; none where there is nothing to remember.
    pub fn text(&self) -> Option<String> {
        serde_json::to_string(self).ok().filter(|_| *self != Memory::default())
    }

    /// What policies that observe remember, all together. One that somebody broke remembers nothing.
    pub fn of(world: &World) -> Memory {
        let ours = world.written.values().filter(|written| role(written) == Some(OBSERVING));
        let texts = ours.filter_map(|written| written.annotations.get(OBSERVED));
        texts.filter_map(|text| serde_json::from_str(text).ok()).fold(Memory::default(), |mut all, one: Memory| {
            all.felix.extend(one.felix);
            all.close_others |= one.close_others;
            all.inline |= one.inline;
            all
        })
    }
}
