//! Takes a change of a list back and leaves what others put into it, or took out of it, since then: rules in their order,
//! addresses, names.
//! Never knows which field the list is.

use serde_json::Value;

use super::same_rule;
use crate::kubernetes::names::GRANT;

/// A value with a change taken back.
#[derive(Debug, PartialEq)]
pub(super) struct Merged {
    /// The value; null where nothing is left.
    pub value: Value,
    /// Whether somebody changed what the change made.
    pub trampled: bool,
}

impl Merged {
    /// A value that nobody changed since.
    pub(super) fn clean(value: Value) -> Merged {
        Merged { value, trampled: false }
    }
}

/// `is` with the change from `was` to `made` taken back. What is no list can only be put back as a whole.
pub(super) fn merged(is: &Value, made: &Value, was: &Value) -> Merged {
    let list = |value: &Value| match value {
        Value::Null => Some(Vec::new()),
        Value::Array(list) => Some(list.clone()),
        _ => None,
    };
    let (Some(mut now), Some(made), Some(was)) = (list(is), list(made), list(was)) else {
        return Merged { value: was.clone(), trampled: true };
    };
    let (added, removed) = (without(&made, &was), without(&was, &made));
    let mut trampled = false;
    for rule in &added {
        if let Some(at) = position(&now, rule) {
            now.remove(at);
        } else if let Some(at) = now.iter().position(|there| is_edited(there, rule, &made, &was)) {
            trampled = true;
            now.remove(at);
        } else {
            // What stood in another's place and is gone was changed; what only came is gone already.
            trampled |= !removed.is_empty();
        }
    }
    for (index, rule) in was.iter().enumerate() {
        if position(&removed, rule).is_some() && position(&now, rule).is_none() {
            let at = place(&now, &was, index);
            now.insert(at, rule.clone());
        }
    }
    Merged { value: if now.is_empty() { Value::Null } else { Value::Array(now) }, trampled }
}

/// The entries of one list that another lacks, each as often as it lacks it.
fn without(one: &[Value], other: &[Value]) -> Vec<Value> {
    let mut left = other.to_vec();
    let mut only = Vec::new();
    for entry in one {
        match position(&left, entry) {
            Some(at) => drop(left.remove(at)),
            None => only.push(entry.clone()),
        }
    }
    only
}

fn position(list: &[Value], entry: &Value) -> Option<usize> {
    list.iter().position(|there| same_rule(there, entry))
}

/// Whether a rule is one that the change made, with something else in it by now: it still carries its grant.
fn is_edited(there: &Value, rule: &Value, made: &[Value], was: &[Value]) -> bool {
    let grant = |rule: &Value| rule.pointer("/metadata/annotations")?.get(GRANT).cloned();
    grant(rule).is_some()
        && grant(there) == grant(rule)
        && position(made, there).is_none()
        && position(was, there).is_none()
}

/// Where an entry comes back: before the next of its old neighbours that is there, else behind the last one before it, else
/// as a new rule would stand, an Allow before what stops or logs and anything else at the end.
fn place(now: &[Value], was: &[Value], index: usize) -> usize {
    let next = was[index + 1..].iter().find_map(|neighbour| position(now, neighbour));
    let last = || was[..index].iter().rev().find_map(|neighbour| position(now, neighbour)).map(|at| at + 1);
    let alone = || match &was[index]["action"] {
        action if action == "Allow" => now.iter().position(|rule| rule["action"] != "Allow").unwrap_or(now.len()),
        _ => now.len(),
    };
    next.or_else(last).unwrap_or_else(alone)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Rules as `A1 A2 D`: an Allow for a port, of the grant of its letter where it is in lower case, and a Deny.
    fn rules(text: &str) -> Value {
        let rule = |word: &str| match word {
            "D" => json!({"action": "Deny"}),
            word => {
                let mut rule = json!({"action": "Allow", "protocol": "TCP", "destination": {"ports": [&word[1..]]}});
                if word.starts_with(|c: char| c.is_ascii_lowercase()) {
                    rule["metadata"] = json!({"annotations": {GRANT: &word[..1]}});
                }
                rule
            }
        };
        match text {
            "" => Value::Null,
            text => text.split(' ').map(rule).collect(),
        }
    }

    fn back(is: &str, made: &str, was: &str) -> Merged {
        merged(&rules(is), &rules(made), &rules(was))
    }

    #[test]
    fn what_the_change_added_goes_and_what_it_took_out_comes_back_where_it_stood() {
        for (is, made, was, expected) in [
            ("a1 X7 D", "a1 D", "D", "X7 D"),
            ("X7 b2 D", "b2 D", "a1 b2 D", "X7 a1 b2 D"),
            ("b2 X7 D", "b2 D", "b2 a1 D", "b2 X7 a1 D"),
            ("X7", "", "a1 b2", "X7 a1 b2"),
            ("X7 D", "D", "a1 b2 D", "X7 a1 b2 D"),
            // Somebody took it out as well, or put it back already.
            ("X7 D", "a1 D", "D", "X7 D"),
            ("a1 X7 D", "D", "a1 D", "a1 X7 D"),
            ("", "a1", "", ""),
        ] {
            assert_eq!(back(is, made, was), Merged::clean(rules(expected)), "{is} with {was} -> {made} taken back");
        }
    }

    #[test]
    fn a_rule_of_the_change_that_was_edited_since_is_trampled() {
        let edited = back("a9 X7 D", "a1 D", "D");
        assert_eq!(edited, Merged { value: rules("X7 D"), trampled: true }, "it still carries its grant");
        let replaced = back("a3 X7 D", "a2 D", "a1 D");
        assert_eq!(replaced, Merged { value: rules("X7 a1 D"), trampled: true });
        // Without a grant an edited rule cannot be told from another one; what stood in another's place can.
        assert_eq!(back("X3 D", "X2 D", "X1 D"), Merged { value: rules("X3 X1 D"), trampled: true });
    }

    #[test]
    fn addresses_are_taken_back_as_a_set() {
        let list = |words: &str| words.split(' ').map(Value::from).collect::<Value>();
        let back = merged(&list("10.0.0.9/32 10.0.0.2/32"), &list("10.0.0.2/32"), &list("10.0.0.1/32"));
        assert_eq!(back, Merged::clean(list("10.0.0.9/32 10.0.0.1/32")));
    }

    #[test]
    fn what_is_no_list_is_put_back_as_a_whole() {
        assert_eq!(merged(&json!(3), &json!(2), &json!(1)), Merged { value: json!(1), trampled: true });
    }
}
