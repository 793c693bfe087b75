//! Addresses that come and go in a list that somebody else wrote: a rule's source, or a network set.
//! Never touches another address of it.

use ipnet::IpNet;
use serde_json::{Map, Value};

use super::{EditError, NetsOf, child_of, read_rule, rule_list, spec};
use crate::model::net::parse_net;
use crate::model::spec::RuleSpec;

/// Changes the list. Made twice it changes nothing more.
pub fn change(object: &mut Value, of: &NetsOf, add: &[IpNet], remove: &[IpNet]) -> Result<(), EditError> {
    match of {
        NetsOf::Set => nets(spec(object)?, add, remove),
        NetsOf::Source { direction, rule } => {
            let list = rule_list(object, *direction)?;
            let after = changed(rule, add, remove)?;
            let mut found = false;
            for there in list {
                let now = read_rule(there);
                found |= now.as_ref() == Some(&after);
                if now.as_ref() == Some(&**rule) {
                    let there = there.as_object_mut().ok_or_else(|| EditError::Malformed("a rule".into()))?;
                    nets(child_of(there, "source")?, add, remove)?;
                    found = true;
                }
            }
            if found { Ok(()) } else { Err(EditError::Changed("the rule".into())) }
        }
    }
}

fn changed(rule: &RuleSpec, add: &[IpNet], remove: &[IpNet]) -> Result<RuleSpec, EditError> {
    let malformed = |_| EditError::Malformed("the rule".into());
    let mut value = serde_json::to_value(rule).map_err(malformed)?;
    let fields = value.as_object_mut().ok_or_else(|| EditError::Malformed("the rule".into()))?;
    nets(child_of(fields, "source")?, add, remove)?;
    serde_json::from_value(value).map_err(malformed)
}

/// Texts that stay, stay as they are written.
fn nets(holder: &mut Map<String, Value>, add: &[IpNet], remove: &[IpNet]) -> Result<(), EditError> {
    let list = holder.entry("nets").or_insert(Value::Null);
    if list.is_null() {
        *list = Value::Array(Vec::new());
    }
    let list = list.as_array_mut().ok_or_else(|| EditError::Malformed("nets".into()))?;
    let read = |text: &Value| text.as_str().and_then(parse_net);
    list.retain(|text| read(text).is_none_or(|net| !remove.contains(&net)));
    for net in add {
        if !list.iter().any(|text| read(text) == Some(*net)) {
            list.push(net.to_string().into());
        }
    }
    Ok(())
}
