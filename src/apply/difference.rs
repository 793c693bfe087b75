//! What a write means: the rules that it adds and takes out, each with the place where it stands, and every other field
//! that it changes. This is what an operator sees and approves.
//! Never knows who wrote the rest of the object, or how a difference is shown.

use serde_json::Value;

use crate::model::policy::Direction;

/// What a write does to one object. Nothing in it means that nothing changes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Difference {
    /// Changes: the object itself, then rules, then fields by their path.
    pub changes: Vec<Change>,
}

/// One change.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// The object is made.
    Created(Value),
    /// The object is deleted.
    Deleted(Value),
    /// A rule comes in.
    RuleAdded {
        /// Which list.
        direction: Direction,
        /// The rule.
        rule: Value,
        /// Before which rule.
        anchor: Anchor,
    },
    /// A rule goes.
    RuleRemoved {
        /// Which list.
        direction: Direction,
        /// The rule.
        rule: Value,
    },
    /// A field that is no list of rules.
    Field {
        /// Its path, as `metadata.annotations["kubectl-zerotrust/grant.ab12cd34ef"]`.
        path: String,
        /// What it was; null where it was not set.
        before: Value,
        /// What it will be; null where it is removed.
        after: Value,
    },
}

/// Where an added rule stands. Allow rules around it may come and go without changing what it means; the first rule after
/// it that does something else may not.
#[derive(Clone, Debug, PartialEq)]
pub enum Anchor {
    /// Before this Deny, Log or Pass.
    Before {
        /// The rule.
        rule: Value,
        /// Where it stands in the list as it was, from 0.
        index: usize,
    },
    /// No such rule follows.
    End,
}

impl Difference {
    /// What changes between an object as it is and as it will be. Fields that the API server sets are left out.
    pub fn between(before: Option<&Value>, after: Option<&Value>) -> Difference {
        let changes = match (before, after) {
            (None, None) => Vec::new(),
            (None, Some(after)) => vec![Change::Created(meaningful(after))],
            (Some(before), None) => vec![Change::Deleted(meaningful(before))],
            (Some(before), Some(after)) => changes(&meaningful(before), &meaningful(after)),
        };
        Difference { changes }
    }

    /// Whether nothing changes.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// Whether an operator who approved `self` approved `now` too: nothing in it is new. What others did in the meantime
    /// (the same rule, the same policy made first) may be missing; where the anchors stand by now does not matter.
    pub fn approves(&self, now: &Difference) -> bool {
        let made = match &self.changes[..] {
            [Change::Created(object)] => changes(&frame(object), object),
            _ => Vec::new(),
        };
        let mut left: Vec<&Change> = self.changes.iter().chain(&made).collect();
        now.changes.iter().all(|change| match left.iter().position(|approved| approved.same_meaning(change)) {
            Some(index) => {
                left.swap_remove(index);
                true
            }
            None => false,
        })
    }
}

/// A new policy without what operators add to it one by one: rules, and the grants in its annotations.
fn frame(object: &Value) -> Value {
    let mut frame = object.clone();
    for (part, fields) in [("spec", ["ingress", "egress"]), ("metadata", ["annotations", ""])] {
        if let Some(part) = frame.get_mut(part).and_then(Value::as_object_mut) {
            fields.iter().for_each(|field| _ = part.remove(*field));
        }
    }
    frame
}

impl Change {
    fn same_meaning(&self, other: &Change) -> bool {
        match (self, other) {
            (
                Change::RuleAdded { direction, rule, anchor },
                Change::RuleAdded { direction: other_direction, rule: other_rule, anchor: other_anchor },
            ) => direction == other_direction && rule == other_rule && anchor.same_meaning(other_anchor),
            (one, other) => one == other,
        }
    }
}

impl Anchor {
    fn same_meaning(&self, other: &Anchor) -> bool {
        match (self, other) {
            (Anchor::Before { rule, .. }, Anchor::Before { rule: other, .. }) => rule == other,
            (one, other) => one == other,
        }
    }
}

/// The object without what the API server sets by itself.
pub fn meaningful(object: &Value) -> Value {
    let mut object = object.clone();
    if let Some(fields) = object.as_object_mut() {
        fields.remove("status");
    }
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        for field in ["resourceVersion", "uid", "creationTimestamp", "generation", "managedFields", "selfLink"] {
            metadata.remove(field);
        }
    }
    object
}

fn changes(before: &Value, after: &Value) -> Vec<Change> {
    let mut changes = Vec::new();
    for (direction, field) in [(Direction::Ingress, "ingress"), (Direction::Egress, "egress")] {
        if before["spec"][field].is_array() || after["spec"][field].is_array() {
            rules(direction, list(&before["spec"][field]), list(&after["spec"][field]), &mut changes);
        }
    }
    fields("", before, after, &mut changes);
    changes
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn fields(path: &str, before: &Value, after: &Value, changes: &mut Vec<Change>) {
    if before == after {
        return;
    }
    let rules = |path: &str| path == "spec.ingress" || path == "spec.egress";
    let (Some(old), Some(new)) = (as_map(before), as_map(after)) else {
        // Only what is in the list of rules is a rule; a list that appears or goes empty is no change of a field.
        if !(rules(path) && [before, after].into_iter().all(|value| value.is_array() || value.is_null())) {
            changes.push(Change::Field { path: path.into(), before: before.clone(), after: after.clone() });
        }
        return;
    };
    let mut keys: Vec<&String> = old.keys().chain(new.keys()).collect();
    keys.sort_unstable();
    keys.dedup();
    for key in keys {
        let inner = if path.is_empty() { key.clone() } else { step(path, key) };
        let get = |map: &serde_json::Map<String, Value>| map.get(key).cloned().unwrap_or(Value::Null);
        fields(&inner, &get(old), &get(new), changes);
    }
}

/// Null counts as an empty map beside a map, so that a first annotation is shown as one annotation.
fn as_map(value: &Value) -> Option<&serde_json::Map<String, Value>> {
    static EMPTY: std::sync::LazyLock<serde_json::Map<String, Value>> = std::sync::LazyLock::new(serde_json::Map::new);
    match value {
        Value::Object(map) => Some(map),
        Value::Null => Some(&EMPTY),
        _ => None,
    }
}

fn step(path: &str, key: &str) -> String {
    match key.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        true => format!("{path}.{key}"),
        false => format!("{path}[{key:?}]"),
    }
}

/// The rules that came and went: the longest common sequence stays, as in any diff of texts.
fn rules(direction: Direction, before: &[Value], after: &[Value], changes: &mut Vec<Change>) {
    let kept = common(before, after);
    let mut left = 0;
    let mut right = 0;
    let flush = |from: usize, to: usize, start: usize, end: usize, changes: &mut Vec<Change>| {
        for rule in &before[from..to] {
            changes.push(Change::RuleRemoved { direction, rule: rule.clone() });
        }
        for (index, rule) in after.iter().enumerate().take(end).skip(start) {
            let anchor = anchor(before, &kept, index);
            changes.push(Change::RuleAdded { direction, rule: rule.clone(), anchor });
        }
    };
    for &(old, new) in &kept {
        flush(left, old, right, new, changes);
        (left, right) = (old + 1, new + 1);
    }
    flush(left, before.len(), right, after.len(), changes);
}

/// The first rule of the list as it was that stays, follows the added one, and is no Allow.
fn anchor(before: &[Value], kept: &[(usize, usize)], added: usize) -> Anchor {
    let following = kept.iter().filter(|(_, new)| *new > added).map(|(old, _)| *old);
    let mut anchors = following.filter(|old| before[*old]["action"] != "Allow");
    anchors.next().map_or(Anchor::End, |index| Anchor::Before { rule: before[index].clone(), index })
}

/// Pairs of indices of a longest common sequence. Equal starts and ends, which are nearly everything, cost nothing.
fn common(before: &[Value], after: &[Value]) -> Vec<(usize, usize)> {
    let start = before.iter().zip(after).take_while(|(old, new)| old == new).count();
    let (old, new) = (&before[start..], &after[start..]);
    let end = old.iter().rev().zip(new.iter().rev()).take_while(|(old, new)| old == new).count();
    let (old, new) = (&old[..old.len() - end], &new[..new.len() - end]);
    let mut lengths = vec![vec![0_u32; new.len() + 1]; old.len() + 1];
    for (i, left) in old.iter().enumerate().rev() {
        for (j, right) in new.iter().enumerate().rev() {
            lengths[i][j] =
                if left == right { lengths[i + 1][j + 1] + 1 } else { lengths[i + 1][j].max(lengths[i][j + 1]) };
        }
    }
    let mut pairs: Vec<(usize, usize)> = (0..start).map(|index| (index, index)).collect();
    let (mut i, mut j) = (0, 0);
    while i < old.len() && j < new.len() {
        if old[i] == new[j] {
            pairs.push((start + i, start + j));
            (i, j) = (i + 1, j + 1);
        } else if lengths[i + 1][j] >= lengths[i][j + 1] {
            i += 1;
        } else {
            j += 1;
        }
    }
    pairs.extend((0..end).map(|index| (before.len() - end + index, after.len() - end + index)));
    pairs
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rule(text: &str) -> Value {
        let (action, port) = text.split_once(' ').unwrap_or((text, "0"));
        json!({ "action": action, "destination": { "ports": [port] } })
    }

    fn policy(ingress: &[&str]) -> Value {
        let rules: Vec<Value> = ingress.iter().map(|text| rule(text)).collect();
        json!({ "kind": "NetworkPolicy", "metadata": { "name": "web", "resourceVersion": "1" }, "spec": { "ingress": rules } })
    }

    fn between(before: &[&str], after: &[&str]) -> Difference {
        Difference::between(Some(&policy(before)), Some(&policy(after)))
    }

    #[test]
    fn an_added_rule_is_anchored_at_the_first_rule_behind_it_that_is_no_allow() {
        let difference = between(&["Allow 1", "Deny"], &["Allow 2", "Allow 1", "Deny"]);
        let anchor = Anchor::Before { rule: rule("Deny"), index: 1 };
        let added = Change::RuleAdded { direction: Direction::Ingress, rule: rule("Allow 2"), anchor };
        assert_eq!(difference.changes, [added]);
        let last = between(&["Allow 1"], &["Allow 1", "Allow 2"]);
        assert!(matches!(&last.changes[..], [Change::RuleAdded { anchor: Anchor::End, .. }]));
    }

    #[test]
    fn another_operators_allow_is_no_obstacle_and_another_deny_is() {
        let approved = between(&["Allow 1", "Deny"], &["Allow 1", "Allow 2", "Deny"]);
        let beside = between(&["Allow 9", "Allow 1", "Deny"], &["Allow 9", "Allow 1", "Allow 2", "Deny"]);
        assert!(approved.approves(&beside));
        let other = between(&["Allow 1", "Log", "Deny"], &["Allow 1", "Allow 2", "Log", "Deny"]);
        assert!(!approved.approves(&other));
        let none = between(&["Allow 1"], &["Allow 1", "Allow 2"]);
        assert!(!approved.approves(&none), "without the Deny the rule stands elsewhere");
    }

    #[test]
    fn what_others_did_in_the_meantime_is_no_obstacle_and_what_nobody_approved_is() {
        let approved = between(&["Deny"], &["Allow 1", "Allow 2", "Deny"]);
        assert!(approved.approves(&between(&["Allow 1", "Deny"], &["Allow 1", "Allow 2", "Deny"])));
        assert!(!approved.approves(&between(&["Deny"], &["Allow 1", "Allow 3", "Deny"])));
        let twice = between(&["Deny"], &["Allow 1", "Allow 1", "Deny"]);
        assert!(!approved.approves(&twice));
    }

    #[test]
    fn who_approved_a_new_policy_approved_its_rules_in_the_same_policy_that_another_made_first() {
        let mut new = policy(&["Allow 1"]);
        new["metadata"]["annotations"] = json!({ "kubectl-zerotrust/grant-a": "{}" });
        let approved = Difference::between(None, Some(&new));
        let mut after = policy(&["Allow 1", "Allow 9"]);
        after["metadata"]["annotations"] = json!({ "kubectl-zerotrust/grant-a": "{}", "other": "x" });
        let mut there = policy(&["Allow 9"]);
        there["metadata"]["annotations"] = json!({ "other": "x" });
        assert!(approved.approves(&Difference::between(Some(&there), Some(&after))));
        after["spec"]["selector"] = json!("all()");
        assert!(!approved.approves(&Difference::between(Some(&there), Some(&after))));
    }

    #[test]
    fn a_rule_that_moves_over_a_deny_is_taken_out_and_added() {
        let difference = between(&["Allow 1", "Deny"], &["Deny", "Allow 1"]);
        assert_eq!(difference.changes.len(), 2);
    }

    #[test]
    fn what_the_server_sets_is_no_change() {
        let mut after = policy(&["Deny"]);
        after["metadata"]["resourceVersion"] = json!("2");
        after["metadata"]["uid"] = json!("x");
        assert!(Difference::between(Some(&policy(&["Deny"])), Some(&after)).is_empty());
    }

    #[test]
    fn a_first_annotation_is_one_field() {
        let mut after = policy(&[]);
        after["metadata"]["annotations"] = json!({ "kubectl-zerotrust/role": "allow" });
        let difference = Difference::between(Some(&policy(&[])), Some(&after));
        let path = "metadata.annotations[\"kubectl-zerotrust/role\"]".to_string();
        assert_eq!(difference.changes, [Change::Field { path, before: Value::Null, after: json!("allow") }]);
    }

    #[test]
    fn a_list_of_rules_that_appears_is_rules_and_one_that_is_text_is_a_field() {
        let mut without = policy(&[]);
        without["spec"] = json!({});
        let difference = Difference::between(Some(&without), Some(&policy(&["Allow 1"])));
        assert!(matches!(&difference.changes[..], [Change::RuleAdded { .. }]), "{difference:?}");
        let mut broken = policy(&[]);
        broken["spec"]["ingress"] = json!("all");
        let difference = Difference::between(Some(&broken), Some(&policy(&[])));
        assert!(matches!(&difference.changes[..], [Change::Field { .. }]), "{difference:?}");
    }

    #[test]
    fn five_hundred_rules_are_compared_in_no_time() {
        let texts: Vec<String> = (0..500).map(|port| format!("Allow {port}")).collect();
        let before: Vec<&str> = texts.iter().map(String::as_str).collect();
        let mut after = before.clone();
        after.insert(250, "Allow 9999");
        assert_eq!(between(&before, &after).changes.len(), 1);
    }
}
