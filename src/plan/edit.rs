//! The changes that a step can make to an object, and how each is made: the only code that alters an object.
//! Never knows where the object is kept.

use serde_json::Value;

use crate::model::policy::Direction;
use crate::model::spec::RuleSpec;

/// One change. Approved are these, not a whole object: another operator's rule beside them is no obstacle.
#[derive(Clone, Debug, PartialEq)]
pub enum Edit {
    /// Makes the object, which must not exist.
    Create(Value),
    /// Adds rules, in this order, before the first rule that is a Log, Deny or Pass, else at the end; a rule that is
    /// there already is not added again.
    AddRules(Direction, Vec<RuleSpec>),
    /// Takes out every rule that carries this grant, in both directions.
    RemoveGrant(String),
    /// Sets an annotation, or removes it.
    Annotate(String, Option<String>),
    /// Sets a field of the spec by its name to a value; null removes it. Only if it still has the value that is expected.
    SetSpec {
        /// The field's name.
        field: String,
        /// What it is now; null where it is not set.
        expected: Value,
        /// What it will be.
        value: Value,
    },
    /// Puts the object back as it was, if it still is as expected (apart from what the server sets by itself).
    Restore {
        /// What it must be now.
        expected: Value,
        /// What it will be.
        value: Value,
    },
    /// Deletes the object.
    Delete,
}
