//! Kubernetes' label selectors as text, for labels that the API server cannot look at (Calico keeps them in an annotation).
//! Never knows Calico's own selectors; `model::selector` does.

use std::collections::BTreeMap;

/// What all labels must fulfil, as `-l` takes it: `app=web,tier!=db,env in (a,b),!legacy`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabelRequirements(Vec<Requirement>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Requirement {
    In(String, Vec<String>),
    NotIn(String, Vec<String>),
    Exists(String),
    Missing(String),
}

impl LabelRequirements {
    /// Reads a selector; the error says which part is malformed.
    pub fn parse(text: &str) -> Result<LabelRequirements, String> {
        let mut requirements = Vec::new();
        let mut rest = text.trim();
        while !rest.is_empty() {
            // A comma between parentheses belongs to a set.
            let mut depth = 0;
            let end = rest.find(|c| {
                depth += i32::from(c == '(') - i32::from(c == ')');
                c == ',' && depth == 0
            });
            let (part, next) = end.map_or((rest, ""), |end| (&rest[..end], &rest[end + 1..]));
            requirements.push(requirement(part.trim()).ok_or_else(|| format!("{part:?} is no label requirement"))?);
            rest = next.trim_start();
        }
        Ok(LabelRequirements(requirements))
    }

    /// Whether labels fulfil all of it. A missing label fulfils `!=` and `notin`.
    pub fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        self.0.iter().all(|requirement| match requirement {
            Requirement::In(key, values) => labels.get(key).is_some_and(|value| values.contains(value)),
            Requirement::NotIn(key, values) => labels.get(key).is_none_or(|value| !values.contains(value)),
            Requirement::Exists(key) => labels.contains_key(key),
            Requirement::Missing(key) => !labels.contains_key(key),
        })
    }
}

fn requirement(part: &str) -> Option<Requirement> {
    let is_word = |word: &str| word.chars().all(|c| c.is_ascii_alphanumeric() || "-_./".contains(c));
    let key = |key: &str| Some(key.trim().to_string()).filter(|key| !key.is_empty() && is_word(key));
    let value = |value: &str| Some(value.trim().to_string()).filter(|value| is_word(value));
    if let Some((left, right)) = part.split_once("!=") {
        return Some(Requirement::NotIn(key(left)?, vec![value(right)?]));
    }
    if let Some((left, right)) = part.split_once('=') {
        return Some(Requirement::In(key(left)?, vec![value(right.strip_prefix('=').unwrap_or(right))?]));
    }
    if let Some((left, set)) = part.split_once('(') {
        let (name, operator) = left.trim().rsplit_once(char::is_whitespace)?;
        let values: Option<Vec<String>> = set.trim_end().strip_suffix(')')?.split(',').map(value).collect();
        return match operator {
            "in" => Some(Requirement::In(key(name)?, values?)),
            "notin" => Some(Requirement::NotIn(key(name)?, values?)),
            _ => None,
        };
    }
    match part.strip_prefix('!') {
        Some(name) => key(name).map(Requirement::Missing),
        None => key(part).map(Requirement::Exists),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(selector: &str, labels: &str) -> bool {
        let labels = labels.split(',').filter_map(|label| label.split_once('='));
        let labels = labels.map(|(key, value)| (key.to_string(), value.to_string())).collect();
        LabelRequirements::parse(selector).unwrap().matches(&labels)
    }

    /// As the Kubernetes documentation on labels and selectors has it.
    #[test]
    fn selectors_mean_what_kubernetes_means() {
        for (selector, labels, expected) in [
            ("", "", true),
            ("app=web", "app=web", true),
            ("app == web", "app=db", false),
            ("app!=web", "app=web", false),
            ("app!=web", "other=x", true),
            ("env in (a, b),app", "env=b,app=x", true),
            ("env in (a, b)", "env=c", false),
            ("env in (a)", "", false),
            ("env notin (a,b)", "env=c", true),
            ("env notin (a,b)", "", true),
            ("env notin (a,b), app=web", "env=a,app=web", false),
            ("!legacy", "app=web", true),
            ("!legacy", "legacy=", false),
            ("kubernetes.io/metadata.name=shop", "kubernetes.io/metadata.name=shop", true),
            ("app=", "app=", true),
        ] {
            assert_eq!(matches(selector, labels), expected, "{selector:?} on {labels:?}");
        }
    }

    #[test]
    fn malformed_selectors_are_refused() {
        for selector in ["=x", "a b", "a in b", "a of (b)", "!", "a=b c", "a in (b"] {
            assert!(LabelRequirements::parse(selector).is_err(), "{selector:?}");
        }
    }
}
