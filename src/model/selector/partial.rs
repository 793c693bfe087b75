//! Selectors on labels of which some could not be seen.
//! Never knows why; only which.

use super::{Node, Selector};
use crate::model::world::Labels;

impl Selector {
    /// Whether labels match, where `unseen` says which missing labels may yet be there with any value; none where that
    /// decides. A label that is present is known, whatever `unseen` says.
    pub fn matches_partly(&self, labels: &Labels, unseen: &dyn Fn(&str) -> bool) -> Option<bool> {
        self.0.matches_partly(labels, unseen)
    }
}

impl Node {
    fn matches_partly(&self, labels: &Labels, unseen: &dyn Fn(&str) -> bool) -> Option<bool> {
        match self {
            Node::Not(inner) => inner.matches_partly(labels, unseen).map(|matches| !matches),
            Node::And(all) => together(all.iter().map(|node| node.matches_partly(labels, unseen)), false),
            Node::Or(any) => together(any.iter().map(|node| node.matches_partly(labels, unseen)), true),
            leaf => match leaf.key() {
                Some(key) if !labels.contains_key(key) && unseen(key) => None,
                _ => Some(leaf.matches(labels)),
            },
        }
    }
}

/// One answer that decides is enough; else all must be known.
fn together(answers: impl Iterator<Item = Option<bool>>, decides: bool) -> Option<bool> {
    let mut sure = true;
    for answer in answers {
        match answer {
            Some(answer) if answer == decides => return Some(decides),
            Some(_) => {}
            None => sure = false,
        }
    }
    sure.then_some(!decides)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unseen_label_is_unknown_only_where_it_decides() {
        let labels = Labels::from([("app".into(), "web".into())]);
        let unseen = |key: &str| key.starts_with("pcns.");
        let ask = |text: &str| Selector::parse(text).unwrap().matches_partly(&labels, &unseen);
        assert_eq!(ask("app == 'web'"), Some(true));
        assert_eq!(ask("pcns.team == 'blue'"), None);
        assert_eq!(ask("!has(pcns.team)"), None);
        assert_eq!(ask("app == 'db' && pcns.team == 'blue'"), Some(false));
        assert_eq!(ask("app == 'web' && pcns.team == 'blue'"), None);
        assert_eq!(ask("app == 'web' || pcns.team == 'blue'"), Some(true));
        assert_eq!(ask("app == 'db' || !(pcns.team == 'blue')"), None);
        assert_eq!(ask("has(role)"), Some(false));
    }
}
