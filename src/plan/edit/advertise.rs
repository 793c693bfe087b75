//! What a BGPConfiguration advertises of Services: one address more or less.
//! Never knows why, and never touches another entry.

use serde_json::{Value, json};

use super::{EditError, spec};

/// The name of the BGPConfiguration whose lists of Services' addresses count.
const DEFAULT: &str = "default";

/// A BGPConfiguration that says nothing else: all other settings keep Calico's defaults.
pub fn made(list: &str, cidr: &str) -> Value {
    json!({"apiVersion": "projectcalico.org/v3", "kind": "BGPConfiguration", "metadata": {"name": DEFAULT},
           "spec": {list: [{"cidr": cidr}]}})
}

/// Puts an address into the list, or takes it out.
pub fn set(object: &mut Value, list: &str, cidr: &str, on: bool) -> Result<(), EditError> {
    let spec = spec(object)?;
    let entries = spec.entry(list.to_string()).or_insert_with(|| json!([]));
    if entries.is_null() {
        *entries = json!([]);
    }
    let entries = entries.as_array_mut().ok_or_else(|| EditError::Malformed(format!("spec.{list}")))?;
    let there = entries.iter().any(|entry| entry["cidr"] == cidr);
    match (on, there) {
        (true, false) => entries.push(json!({"cidr": cidr})),
        (false, true) => entries.retain(|entry| entry["cidr"] != cidr),
        _ => {}
    }
    if entries.is_empty() {
        spec.remove(list);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::Edit;

    #[test]
    fn an_address_comes_and_goes_and_other_entries_stay() {
        let edit = |on| Edit::Advertise { list: "serviceClusterIPs".into(), cidr: "10.21.0.7/32".into(), on };
        let there = json!({"kind": "BGPConfiguration", "spec": {"asNumber": 65521, "serviceClusterIPs": [{"cidr": "10.22.0.0/16"}]}});
        let with = edit(true).apply(Some(&there)).unwrap().unwrap();
        assert_eq!(with["spec"]["serviceClusterIPs"], json!([{"cidr": "10.22.0.0/16"}, {"cidr": "10.21.0.7/32"}]));
        assert_eq!(edit(true).apply(Some(&with)).unwrap().unwrap(), with);
        assert_eq!(edit(false).apply(Some(&with)).unwrap().unwrap(), there);
        let made = edit(true).apply(None).unwrap().unwrap();
        assert_eq!(made["spec"], json!({"serviceClusterIPs": [{"cidr": "10.21.0.7/32"}]}));
        assert_eq!(edit(false).apply(None), Ok(None));
    }
}
