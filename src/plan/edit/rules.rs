//! Rules that go and rules that come, in one change of a policy.
//! Never knows what the rules are for.

use serde_json::Value;

use super::{EditError, is_allow, read_rule, rule_list, spec};
use crate::model::policy::Direction;
use crate::model::spec::RuleSpec;

/// Takes out `old` and puts `new` in. Made twice it changes nothing more. A rule that is in both and is not there was taken
/// out by somebody else since, as by a revoke, and stays out.
pub fn replace(object: &mut Value, direction: Direction, old: &[RuleSpec], new: &[RuleSpec]) -> Result<(), EditError> {
    let list = rule_list(object, direction)?;
    list.retain(|there| read_rule(there).is_none_or(|rule| new.contains(&rule) || !old.contains(&rule)));
    for rule in new.iter().filter(|rule| !old.contains(rule)) {
        if list.iter().any(|there| read_rule(there).as_ref() == Some(rule)) {
            continue;
        }
        let stops = |there: &Value| action(there) == "deny" || action(there) == "log";
        let place = match rule.action.as_str() {
            "Allow" => list.iter().position(|there| !is_allow(there)),
            "Pass" => list.iter().position(stops),
            _ => None,
        };
        let written = serde_json::to_value(rule).map_err(|_| EditError::Malformed("the new rule".into()))?;
        list.insert(place.unwrap_or(list.len()), written);
    }
    if list.is_empty() {
        spec(object)?.remove(&direction.to_string());
    }
    Ok(())
}

fn action(rule: &Value) -> String {
    rule.get("action").and_then(Value::as_str).unwrap_or_default().to_ascii_lowercase()
}
