//! Makes a world smaller, step by step, as long as something about it stays as it is.
//! Never knows what that something is.

use serde_json::Value;

/// What may be taken away: the path to a member of an object or an item of a list.
type Cut = Vec<Step>;

#[derive(Clone, Debug, PartialEq)]
enum Step {
    Key(String),
    Item(usize),
}

/// The smallest world found in so many steps that `stays` is true of; it is of the first.
pub fn shrink(objects: Vec<Value>, mut steps: usize, mut stays: impl FnMut(&[Value]) -> bool) -> Vec<Value> {
    let mut try_out = |candidate: &[Value], steps: &mut usize| {
        *steps = steps.saturating_sub(1);
        stays(candidate)
    };
    let mut objects = halves(objects, &mut steps, &mut try_out);
    loop {
        let before = objects.clone();
        objects = halves(objects, &mut steps, &mut try_out);
        for index in (0..objects.len()).rev() {
            // Later parts first, so that the places of earlier ones stay.
            let mut cuts = Vec::new();
            collect(&objects[index]["spec"], &mut vec![Step::Key("spec".into())], &mut cuts);
            collect(&objects[index]["metadata"]["labels"], &mut labels_path(), &mut cuts);
            for cut in cuts.into_iter().rev() {
                let mut candidate = objects.clone();
                if steps == 0 || !remove(&mut candidate[index], &cut) {
                    continue;
                }
                if try_out(&candidate, &mut steps) {
                    objects = candidate;
                }
            }
        }
        if steps == 0 || objects == before {
            return objects;
        }
    }
}

fn labels_path() -> Cut {
    vec![Step::Key("metadata".into()), Step::Key("labels".into())]
}

/// Takes away whole objects: half of them, then a quarter, down to one.
fn halves(
    mut objects: Vec<Value>,
    steps: &mut usize,
    try_out: &mut impl FnMut(&[Value], &mut usize) -> bool,
) -> Vec<Value> {
    let mut size = objects.len().div_ceil(2);
    while size > 0 {
        let mut start = 0;
        while start < objects.len() && *steps > 0 {
            let mut candidate = objects.clone();
            candidate.drain(start..(start + size).min(objects.len()));
            match try_out(&candidate, steps) {
                true => objects = candidate,
                false => start += size,
            }
        }
        size /= 2;
    }
    objects
}

/// Every part that can be taken away, outer ones before inner ones.
fn collect(value: &Value, at: &mut Cut, cuts: &mut Vec<Cut>) {
    let steps: Vec<(Step, &Value)> = match value {
        Value::Object(members) => members.iter().map(|(key, value)| (Step::Key(key.clone()), value)).collect(),
        Value::Array(items) => items.iter().enumerate().map(|(index, value)| (Step::Item(index), value)).collect(),
        _ => return,
    };
    for (step, inner) in steps {
        // A rule without its action, or an endpoint without its node, is something else.
        let needed = matches!(&step, Step::Key(key) if ["action", "node", "interfaceName", "preDNAT", "doNotTrack"].contains(&key.as_str()));
        at.push(step);
        if !needed {
            cuts.push(at.clone());
        }
        collect(inner, at, cuts);
        at.pop();
    }
}

/// Takes it away; false where it is not there any more, or where an emptied list would mean something else.
fn remove(object: &mut Value, cut: &[Step]) -> bool {
    let Some((last, path)) = cut.split_last() else { return false };
    let mut at = object;
    for step in path {
        let inner = match step {
            Step::Key(key) => at.get_mut(key),
            Step::Item(index) => at.get_mut(index),
        };
        match inner {
            Some(inner) => at = inner,
            None => return false,
        }
    }
    let is_rules = matches!(path.last(), Some(Step::Key(key)) if key == "ingress" || key == "egress");
    match (last, at) {
        (Step::Key(key), Value::Object(members)) => members.remove(key).is_some(),
        (Step::Item(index), Value::Array(items)) if *index < items.len() && (is_rules || items.len() > 1) => {
            items.remove(*index);
            true
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_does_not_matter_is_taken_away() {
        let policy = |name: &str| {
            json!({ "metadata": { "name": name }, "spec": { "order": 1, "types": ["Ingress"],
                    "ingress": [{ "action": "Log" }, { "action": "Deny", "source": { "nets": ["a", "b"], "notNets": ["c"] } }] } })
        };
        let world: Vec<Value> = ["a", "b", "c", "d", "e"].map(policy).into();
        let mut asked = 0;
        let small = shrink(world, 200, |world| {
            asked += 1;
            world.iter().any(|object| object["spec"]["ingress"].to_string().contains("\"b\""))
        });
        assert_eq!(small.len(), 1);
        assert_eq!(small[0]["spec"], json!({ "ingress": [{ "action": "Deny", "source": { "nets": ["b"] } }] }));
        assert!(asked < 100, "{asked} steps");
        assert!(shrink(vec![policy("a")], 0, |_| true).len() == 1, "no step, no change");
    }
}
