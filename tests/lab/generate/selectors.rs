//! Selectors of every operator that are true, or false, of given labels.
//! Never knows what is selected with them.

use super::random::Random;
use super::terrain::Labels;

/// Keys and values that exist somewhere, so that what a selector asks for is not always strange.
#[derive(Clone, Debug, Default)]
pub struct Vocabulary {
    /// Keys with their values.
    pub entries: Vec<(String, String)>,
}

impl Vocabulary {
    /// Takes over labels.
    pub fn learn(&mut self, labels: &Labels) {
        for (key, value) in labels {
            let entry = (key.clone(), value.clone());
            if !self.entries.contains(&entry) {
                self.entries.push(entry);
            }
        }
    }

    fn entry(&self, random: &mut Random) -> (String, String) {
        random.any(&self.entries).cloned().unwrap_or_else(|| ("app".into(), "web".into()))
    }
}

/// A selector that is `wanted` of these labels.
pub fn selector(random: &mut Random, labels: &Labels, vocabulary: &Vocabulary, wanted: bool) -> String {
    let depth = *random.weighted(&[(55, 0), (30, 1), (15, 2)]);
    expression(random, labels, vocabulary, wanted, depth)
}

fn expression(random: &mut Random, labels: &Labels, vocabulary: &Vocabulary, wanted: bool, depth: usize) -> String {
    if depth == 0 {
        return leaf(random, labels, vocabulary, wanted);
    }
    let inner = |random: &mut Random, wanted: bool| expression(random, labels, vocabulary, wanted, depth - 1);
    match random.below(5) {
        0 => format!("!({})", inner(random, !wanted)),
        // A conjunction is false if either side is; a disjunction is true if either is.
        1 | 2 => {
            let (first, second) = if wanted { (true, true) } else { sides(random, false) };
            format!("({}) && ({})", inner(random, first), inner(random, second))
        }
        _ => {
            let (first, second) = if wanted { sides(random, true) } else { (false, false) };
            // Without parentheses && binds closer; the order of what is joined tests just that.
            match random.chance(50) {
                true => format!("{} || {}", parenthesized(&inner(random, first)), inner(random, second)),
                false => format!("({}) || ({})", inner(random, first), inner(random, second)),
            }
        }
    }
}

fn parenthesized(text: &str) -> String {
    if text.contains("&&") || text.contains("||") { format!("({text})") } else { text.to_string() }
}

/// Two truths of which at least one is this.
fn sides(random: &mut Random, one: bool) -> (bool, bool) {
    *random.pick(&[(one, one), (one, !one), (!one, one)])
}

fn leaf(random: &mut Random, labels: &Labels, vocabulary: &Vocabulary, wanted: bool) -> String {
    let present: Vec<(&String, &String)> = labels.iter().filter(|(_, value)| !value.contains('\'')).collect();
    let (other_key, other_value) = vocabulary.entry(random);
    match random.any(&present) {
        Some((key, value)) if random.chance(80) => present_leaf(random, key, value, &other_value, wanted),
        _ if labels.contains_key(&other_key) => {
            let value = labels[&other_key].clone();
            present_leaf(random, &other_key, &value, "none", wanted)
        }
        _ => absent_leaf(random, &other_key, &other_value, wanted),
    }
}

/// Of a key that the labels have with this value.
fn present_leaf(random: &mut Random, key: &str, value: &str, other: &str, wanted: bool) -> String {
    let strange = if other == value { "strange" } else { other };
    let middle = value.get(1..value.len().saturating_sub(1)).filter(|middle| !middle.is_empty()).unwrap_or(value);
    let half = value.get(..value.len() / 2).unwrap_or(value);
    let rest = value.get(value.len() / 2..).unwrap_or(value);
    let near = format!("{value}x");
    match (random.below(9), wanted) {
        (0 | 1, true) => format!("{key} == '{value}'"),
        (0, false) => format!("{key} == '{strange}'"),
        (1, false) => format!("{key} == \"{near}\""),
        (2, true) => format!("{key} != '{strange}'"),
        (2, false) => format!("{key} != '{value}'"),
        (3, true) => format!("has({key})"),
        (3, false) => format!("!has({key})"),
        (4, true) => format!("{key} in {{'{strange}', '{value}'}}"),
        (4, false) => format!("{key} in {{'{near}', '{strange}'}}"),
        (5, true) => format!("{key} not in {{'{near}', '{strange}'}}"),
        (5, false) => format!("{key} not in {{ '{value}' }}"),
        (6, true) => format!("{key} contains '{middle}'"),
        (6, false) => format!("{key} contains '{near}'"),
        (7, true) => format!("{key} starts with '{half}'"),
        (7, false) => format!("{key} starts with '{near}'"),
        (_, true) => format!("{key} ends with '{rest}'"),
        (_, false) => format!("{key} ends with 'x{value}'"),
    }
}

/// Of a key that the labels do not have: only what denies is true of it.
fn absent_leaf(random: &mut Random, key: &str, value: &str, wanted: bool) -> String {
    match (random.below(3), wanted) {
        (0, true) => format!("!has({key})"),
        (1, true) => format!("{key} != '{value}'"),
        (_, true) => format!("{key} not in {{'{value}'}}"),
        (0, false) => format!("has({key})"),
        (1, false) => format!("{key} == '{value}'"),
        (_, false) => format!("{key} in {{'{value}', 'strange'}}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kubectl_zerotrust::model::selector::Selector;

    #[test]
    fn a_selector_is_what_it_was_wanted_to_be() {
        let labels: Labels = [("app", "web"), ("tier", "front"), ("projectcalico.org/namespace", "shop"), ("n", "1")]
            .map(|(key, value)| (key.to_string(), value.to_string()))
            .into();
        let mut vocabulary = Vocabulary::default();
        vocabulary.learn(&labels);
        vocabulary.learn(&[("role".to_string(), "client".to_string()), ("app".to_string(), "db".to_string())].into());
        let mut random = Random::of(7);
        for _ in 0..3000 {
            let wanted = random.chance(50);
            let text = selector(&mut random, &labels, &vocabulary, wanted);
            let parsed = Selector::parse(&text).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(parsed.matches(&labels), wanted, "{text}");
        }
    }
}
