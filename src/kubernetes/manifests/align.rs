//! Which items of an old list are which of a new one: the cheapest way from one to the other.
//! Never knows text.

use serde_json::Value;

/// One step from an old list to a new one, in the order of both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The old item is the new one, changed or not.
    Keep(usize, usize),
    /// The old item goes.
    Delete(usize),
    /// The new item comes.
    Insert(usize),
}

/// Beyond this many pairs items are matched by their place alone.
const PAIRS: usize = 250_000;

/// The steps. Items that are words are never changed into others: what stands beside one speaks of that one.
pub fn align(old: &[Value], new: &[Value]) -> Vec<Step> {
    let head = old.iter().zip(new).take_while(|(old, new)| old == new).count();
    let rest = old.len().min(new.len()) - head;
    let tail = old.iter().rev().zip(new.iter().rev()).take(rest).take_while(|(old, new)| old == new).count();
    let (old_middle, new_middle) = (&old[head..old.len() - tail], &new[head..new.len() - tail]);
    let mut steps: Vec<Step> = (0..head).map(|index| Step::Keep(index, index)).collect();
    steps.extend(middle(old_middle, new_middle).into_iter().map(|step| match step {
        Step::Keep(old, new) => Step::Keep(old + head, new + head),
        Step::Delete(old) => Step::Delete(old + head),
        Step::Insert(new) => Step::Insert(new + head),
    }));
    steps.extend((0..tail).rev().map(|index| Step::Keep(old.len() - 1 - index, new.len() - 1 - index)));
    steps
}

fn middle(old: &[Value], new: &[Value]) -> Vec<Step> {
    if old.len() * new.len() > PAIRS {
        let both = old.len().min(new.len());
        let kept = (0..both).map(|index| Step::Keep(index, index));
        return kept.chain((both..old.len()).map(Step::Delete)).chain((both..new.len()).map(Step::Insert)).collect();
    }
    // cost[i][j]: from old[i..] to new[j..].
    let mut cost = vec![vec![0_usize; new.len() + 1]; old.len() + 1];
    let mut change = vec![vec![0_usize; new.len()]; old.len()];
    for i in (0..=old.len()).rev() {
        for j in (0..=new.len()).rev() {
            let delete = (i < old.len()).then(|| cost[i + 1][j] + size(&old[i]));
            let insert = (j < new.len()).then(|| cost[i][j + 1] + size(&new[j]));
            let keep = (i < old.len() && j < new.len()).then(|| {
                change[i][j] = difference(&old[i], &new[j]);
                cost[i + 1][j + 1] + change[i][j]
            });
            cost[i][j] = [delete, insert, keep].into_iter().flatten().min().unwrap_or(0);
        }
    }
    let (mut i, mut j) = (0, 0);
    let mut steps = Vec::new();
    while i < old.len() || j < new.len() {
        if i < old.len() && j < new.len() && cost[i][j] == cost[i + 1][j + 1] + change[i][j] {
            steps.push(Step::Keep(i, j));
            (i, j) = (i + 1, j + 1);
        } else if i < old.len() && cost[i][j] == cost[i + 1][j] + size(&old[i]) {
            steps.push(Step::Delete(i));
            i += 1;
        } else {
            steps.push(Step::Insert(j));
            j += 1;
        }
    }
    steps
}

fn size(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(size).sum::<usize>(),
        Value::Object(entries) => 1 + entries.values().map(size).sum::<usize>(),
        _ => 1,
    }
}

/// How much must change; changing one word into another costs more than taking it out and putting the other in.
fn difference(old: &Value, new: &Value) -> usize {
    match (old, new) {
        _ if old == new => 0,
        (Value::Object(old), Value::Object(new)) => {
            let changed = old.iter().map(|(key, value)| match new.get(key) {
                Some(other) => difference(value, other),
                None => size(value),
            });
            let added = new.iter().filter(|(key, _)| !old.contains_key(*key)).map(|(_, value)| size(value));
            changed.chain(added).sum()
        }
        (Value::Array(old), Value::Array(new)) => {
            let missing = old.iter().filter(|item| !new.contains(item));
            let added = new.iter().filter(|item| !old.contains(item));
            missing.chain(added).map(size).sum::<usize>() + 1
        }
        _ => size(old) + size(new) + 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn steps(old: &Value, new: &Value) -> Vec<Step> {
        align(old.as_array().unwrap(), new.as_array().unwrap())
    }

    #[test]
    fn what_stays_is_kept() {
        use Step::{Delete, Insert, Keep};
        assert_eq!(steps(&json!([1, 2, 3]), &json!([1, 9, 2, 3])), [Keep(0, 0), Insert(1), Keep(1, 2), Keep(2, 3)]);
        assert_eq!(steps(&json!([1, 2, 3]), &json!([3])), [Delete(0), Delete(1), Keep(2, 0)]);
        assert_eq!(steps(&json!(["a"]), &json!(["b"])), [Delete(0), Insert(0)]);
        // A rule that got an annotation, behind a new one.
        let old = json!([{ "action": "Allow", "source": { "nets": ["a"] } }]);
        let new = json!([
            { "action": "Deny", "protocol": "TCP" },
            { "action": "Allow", "source": { "nets": ["a"] }, "metadata": { "annotations": { "x": "y" } } }
        ]);
        assert_eq!(steps(&old, &new), [Insert(0), Keep(0, 1)]);
        let many: Vec<Value> = (0..2000).map(Value::from).collect();
        let others: Vec<Value> = (5000..6000).map(Value::from).collect();
        assert_eq!(align(&many, &others).len(), 2000);
    }

    proptest! {
        #[test]
        fn steps_name_every_item_once_in_order(
            old in proptest::collection::vec(0..4_u8, 0..8), new in proptest::collection::vec(0..4_u8, 0..8)
        ) {
            let values = |items: &[u8]| items.iter().map(|&item| Value::from(item)).collect::<Vec<_>>();
            let steps = align(&values(&old), &values(&new));
            let olds: Vec<usize> =
                steps.iter().filter_map(|step| match step { Step::Keep(at, _) | Step::Delete(at) => Some(*at), Step::Insert(_) => None }).collect();
            let news: Vec<usize> =
                steps.iter().filter_map(|step| match step { Step::Keep(_, at) | Step::Insert(at) => Some(*at), Step::Delete(_) => None }).collect();
            prop_assert_eq!(olds, (0..old.len()).collect::<Vec<_>>());
            prop_assert_eq!(news, (0..new.len()).collect::<Vec<_>>());
        }
    }
}
