//! Selectors of policies and rules as Calico combines them before Felix sees them: own text, namespaces, ServiceAccounts.
//! Never knows what they select.

use super::Notes;
use crate::findings;
use crate::model::policy::PolicyId;
use crate::model::selector::{Selector, SelectorError};
use crate::model::spec::{EntitySpec, PolicySpec};

const NAMESPACE: &str = "projectcalico.org/namespace";
const SERVICE_ACCOUNT: &str = "projectcalico.org/serviceaccount";

/// The one selector of a policy; none where it cannot be read, and then the policy is gone. Combined as text, as Calico
/// does (libcalico-go, updateprocessors), so that what it makes of odd text is what we make of it.
pub fn of_policy(id: &PolicyId, spec: &PolicySpec, notes: &mut Notes<'_>) -> Option<Selector> {
    let mut text = spec.selector.clone();
    match &id.namespace {
        Some(namespace) => {
            let own = format!("{NAMESPACE} == '{namespace}'");
            text = if text.is_empty() { own } else { format!("({text}) && {own}") };
        }
        None if !spec.namespace_selector.is_empty() => {
            text = append(text, "spec.namespaceSelector", &spec.namespace_selector, "pcns.", notes);
            text = text.replace("all()", &format!("has({NAMESPACE})"));
        }
        None => {}
    }
    if !spec.service_account_selector.is_empty() {
        text = append(text, "spec.serviceAccountSelector", &spec.service_account_selector, "pcsa.", notes);
        if id.namespace.is_none() {
            text = text.replace("all()", &format!("has({SERVICE_ACCOUNT})"));
        }
    }
    match Selector::parse(&text) {
        Ok(selector) => Some(selector),
        Err(error) => {
            let error = Selector::parse(&spec.selector).err().unwrap_or(error);
            notes.drop_policy(findings::SELECTOR_UNREADABLE, format!("spec.selector: {error}"));
            None
        }
    }
}

/// Adds a selector on prefixed labels; one that cannot be read is left out, so that the policy gets wider.
fn append(text: String, field: &str, clause: &str, prefix: &str, notes: &mut Notes<'_>) -> String {
    let clause = match prefixed(clause, prefix) {
        Ok(clause) => clause,
        Err(error) => {
            let detail = format!("{field}: {error}; Calico leaves it out, so that the policy is for more");
            notes.find(findings::RULE_SELECTOR_UNREADABLE, detail);
            return text;
        }
    };
    if text.is_empty() { clause } else { format!("({text}) && {clause}") }
}

fn prefixed(text: &str, prefix: &str) -> Result<String, SelectorError> {
    Ok(Selector::parse(text)?.prefixed(prefix).to_string())
}

/// The same in a rule. Calico leaves out one that it cannot read when it combines selectors; but Felix is given the
/// original too, and where it looks at that it drops the policy (libcalico-go, backend/model/rule.go).
fn prefixed_in_rule(field: &str, text: &str, prefix: &str, notes: &mut Notes<'_>) -> Option<String> {
    match prefixed(text, prefix) {
        Ok(text) => Some(text),
        Err(error) => {
            let detail = format!("{field}: {error}");
            notes.doubt.get_or_insert_with(|| format!("{detail}; Felix drops the policy, or leaves the selector out"));
            notes.find(findings::RULE_SELECTOR_UNREADABLE, detail);
            None
        }
    }
}

/// The positive selector of a rule's source or destination: namespaceSelector, serviceAccounts and selector in one. In
/// a policy of a namespace any of them, notSelector too, confines the rule to that namespace unless namespaceSelector is
/// given.
pub fn of_entity(id: &PolicyId, entity: &EntitySpec, field: &str, notes: &mut Notes<'_>) -> Option<Selector> {
    let namespaces = match (&id.namespace, entity.namespace_selector.as_str()) {
        (None, "") => None,
        (Some(own), "") => Some(format!("{NAMESPACE} == '{own}'")),
        (_, text) => {
            let field = format!("{field}.namespaceSelector");
            let text = prefixed_in_rule(&field, text, "pcns.", notes).map(|text| {
                let text = text.replace("all()", &format!("has({NAMESPACE})"));
                text.replace("global()", &format!("!has({NAMESPACE})"))
            });
            text.filter(|text| !text.is_empty())
        }
    };
    let accounts = service_accounts(entity, field, notes);
    let own = (!entity.selector.is_empty()).then(|| entity.selector.clone());
    let parts: Vec<String> = [accounts, own].into_iter().flatten().collect();
    let selector = match parts.as_slice() {
        [] => None,
        [only] => Some(only.clone()),
        parts => Some(format!("({})", parts.join(") && ("))),
    };
    let asked = selector.is_some() || !entity.not_selector.is_empty() || !entity.namespace_selector.is_empty();
    let text = match (namespaces, selector) {
        (Some(namespaces), Some(selector)) => format!("({namespaces}) && ({selector})"),
        (Some(namespaces), None) if asked => namespaces,
        (None, Some(selector)) => selector,
        _ => return None,
    };
    parse(&format!("{field}.selector"), &entity.selector, &text, notes)
}

/// The negative selector, as it is written.
pub fn not_of_entity(entity: &EntitySpec, field: &str, notes: &mut Notes<'_>) -> Option<Selector> {
    let text = &entity.not_selector;
    (!text.is_empty()).then(|| parse(&format!("{field}.notSelector"), text, text, notes)).flatten()
}

fn parse(field: &str, own: &str, combined: &str, notes: &mut Notes<'_>) -> Option<Selector> {
    match Selector::parse(combined) {
        Ok(selector) => Some(selector),
        Err(error) => {
            let error = Selector::parse(own).err().unwrap_or(error);
            notes.drop_policy(findings::RULE_SELECTOR_UNREADABLE, format!("{field}: {error}"));
            None
        }
    }
}

/// ServiceAccounts by name and by label, anded.
fn service_accounts(entity: &EntitySpec, field: &str, notes: &mut Notes<'_>) -> Option<String> {
    let accounts = entity.service_accounts.as_ref()?;
    let labelled = match accounts.selector.as_str() {
        "" => None,
        text => prefixed_in_rule(&format!("{field}.serviceAccounts.selector"), text, "pcsa.", notes),
    };
    if accounts.names.is_empty() {
        return labelled;
    }
    let named = format!("{SERVICE_ACCOUNT} in {{ '{}' }}", accounts.names.join("', '"));
    let Ok(named) = Selector::parse(&named) else {
        let detail = format!("{field}.serviceAccounts.names cannot be read; Calico leaves serviceAccounts out");
        notes.find(findings::RULE_SELECTOR_UNREADABLE, detail);
        return None;
    };
    Some(match labelled {
        Some(labelled) => format!("({labelled}) && ({named})"),
        None => named.to_string(),
    })
}
