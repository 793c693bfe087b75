//! Rights as roles of RBAC, and who gets them: documents for `kubectl apply`.
//! Never knows which subcommand takes which right.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{Api, On, Scope, Wanted};
use crate::kubernetes::calico::is_tiered;
use crate::kubernetes::names::{CALICO_CRD_GROUP, CALICO_GROUP, DATASTORE_MIGRATIONS, Kind, MIGRATION_GROUP};

const RBAC: &str = "rbac.authorization.k8s.io";
/// The tier in which policies are written.
const TIER: &str = "default";
/// As Calico's authorizer names all policies of that tier.
const OF_TIER: &str = "default.*";

/// Who gets the roles.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A user.
    User(String),
    /// A group.
    Group(String),
    /// A ServiceAccount: its namespace and name.
    ServiceAccount(String, String),
}

impl Subject {
    /// Reads `user:jane`, `group:ops` or `serviceaccount:ci:deployer`.
    pub fn parse(text: &str) -> Result<Subject, String> {
        let unreadable = || format!("{text:?} is nobody: it is user:NAME, group:NAME or serviceaccount:NAMESPACE:NAME");
        let (kind, name) = text.split_once(':').filter(|(_, name)| !name.is_empty()).ok_or_else(unreadable)?;
        match kind {
            "user" => Ok(Subject::User(name.into())),
            "group" => Ok(Subject::Group(name.into())),
            "serviceaccount" => match name.split_once(':') {
                Some((namespace, name)) if !namespace.is_empty() && !name.is_empty() => {
                    Ok(Subject::ServiceAccount(namespace.into(), name.into()))
                }
                _ => Err(unreadable()),
            },
            _ => Err(unreadable()),
        }
    }

    fn value(&self) -> Value {
        match self {
            Subject::User(name) => json!({ "apiGroup": RBAC, "kind": "User", "name": name }),
            Subject::Group(name) => json!({ "apiGroup": RBAC, "kind": "Group", "name": name }),
            Subject::ServiceAccount(namespace, name) => {
                json!({ "kind": "ServiceAccount", "namespace": namespace, "name": name })
            }
        }
    }
}

/// What a rule of a role is about: group, resource, names.
type About = (&'static str, String, Vec<&'static str>);

/// What the resources of one rule share: group, verbs, names.
type Alike = (&'static str, Vec<&'static str>, Vec<&'static str>);

/// The roles, and their bindings where anybody gets them. What is needed in one namespace alone is a Role there.
pub fn documents(wanted: &[Wanted], api: Api, name: &str, records: &str, subjects: &[Subject]) -> Vec<Value> {
    let mut roles: BTreeMap<Option<String>, BTreeMap<About, BTreeSet<&'static str>>> = BTreeMap::new();
    for one in wanted {
        let namespace = match one.scope {
            Scope::Cluster => None,
            Scope::Records => Some(records.to_string()),
            Scope::Namespace(namespace) => Some(namespace.to_string()),
        };
        let role = roles.entry(namespace).or_default();
        for (about, verb) in abouts(one, api) {
            role.entry(about).or_default().insert(verb);
        }
    }
    let elsewhere = roles.remove(&None).unwrap_or_default();
    roles.values_mut().for_each(|role| without_repeats(role, &elsewhere));
    roles.insert(None, elsewhere);
    let mut documents = Vec::new();
    for (namespace, role) in roles.into_iter().filter(|(_, role)| !role.is_empty()) {
        documents.push(document(name, namespace.as_deref(), rules(role)));
        if !subjects.is_empty() {
            documents.push(binding(name, namespace.as_deref(), subjects));
        }
    }
    documents
}

/// What a right is on in RBAC's words.
fn abouts(wanted: &Wanted, api: Api) -> Vec<(About, &'static str)> {
    let names = wanted.names.to_vec();
    let kind = match wanted.on {
        On::NodeFiles => return vec![(("", "nodes/proxy".into(), names), wanted.verb)],
        On::Migration => return vec![((MIGRATION_GROUP, DATASTORE_MIGRATIONS.into(), names), wanted.verb)],
        On::Kind(kind) => kind,
    };
    let resource = kind.resource();
    if !kind.is_calico() {
        return vec![((resource.group, resource.plural.into(), names), wanted.verb)];
    }
    let groups: &[&str] = match api {
        Api::Crd => &[CALICO_CRD_GROUP],
        Api::V3 => &[CALICO_GROUP],
        Api::Both => &[CALICO_GROUP, CALICO_CRD_GROUP],
    };
    let mut all: Vec<_> =
        groups.iter().map(|group| ((*group, resource.plural.to_string(), names.clone()), wanted.verb)).collect();
    if api != Api::Crd && is_tiered(kind) {
        all.extend(in_tiers(kind, wanted.verb));
    }
    all
}

/// What Calico asks for besides where a policy is in a tier: its tier, and the same verb on its kind there. What is read is
/// read in every tier: a policy that is not seen would make every verdict wrong.
fn in_tiers(kind: Kind, verb: &'static str) -> Vec<(About, &'static str)> {
    let resource = format!("tier.{}", kind.resource().plural);
    let tiers = Kind::Tier.resource().plural.to_string();
    match verb {
        "get" | "list" | "watch" => {
            vec![((CALICO_GROUP, resource, Vec::new()), verb), ((CALICO_GROUP, tiers, Vec::new()), "get")]
        }
        _ => vec![((CALICO_GROUP, resource, vec![OF_TIER]), verb), ((CALICO_GROUP, tiers, vec![TIER]), "get")],
    }
}

/// Leaves out what the ClusterRole gives anyway.
fn without_repeats(
    role: &mut BTreeMap<About, BTreeSet<&'static str>>,
    everywhere: &BTreeMap<About, BTreeSet<&'static str>>,
) {
    for ((group, resource, _), verbs) in role.iter_mut() {
        let all = (*group, resource.clone(), Vec::new());
        if let Some(given) = everywhere.get(&all) {
            verbs.retain(|verb| !given.contains(verb));
        }
    }
    role.retain(|_, verbs| !verbs.is_empty());
}

/// One rule for all resources of a group that have the same verbs and no names.
fn rules(role: BTreeMap<About, BTreeSet<&'static str>>) -> Vec<Value> {
    // A right on all objects of a kind holds for each of them.
    let all: BTreeMap<(&str, String), BTreeSet<&str>> = role
        .iter()
        .filter(|((.., names), _)| names.is_empty())
        .map(|((group, resource, _), verbs)| ((*group, resource.clone()), verbs.clone()))
        .collect();
    let mut merged: BTreeMap<Alike, Vec<String>> = BTreeMap::new();
    for ((group, resource, names), mut verbs) in role {
        if !names.is_empty()
            && let Some(given) = all.get(&(group, resource.clone()))
        {
            verbs.retain(|verb| !given.contains(verb));
        }
        if !verbs.is_empty() {
            merged.entry((group, in_order(&verbs), names)).or_default().push(resource);
        }
    }
    let rule = |((group, verbs, names), resources): (Alike, Vec<String>)| {
        let mut rule = json!({ "apiGroups": [group], "resources": resources, "verbs": verbs });
        if !names.is_empty() {
            rule["resourceNames"] = json!(names);
        }
        rule
    };
    merged.into_iter().map(rule).collect()
}

/// Verbs as people are used to read them.
fn in_order(verbs: &BTreeSet<&'static str>) -> Vec<&'static str> {
    let order = ["get", "list", "watch", "create", "update", "delete"];
    order.into_iter().filter(|verb| verbs.contains(verb)).collect()
}

fn document(name: &str, namespace: Option<&str>, rules: Vec<Value>) -> Value {
    let kind = if namespace.is_some() { "Role" } else { "ClusterRole" };
    let mut document =
        json!({ "apiVersion": format!("{RBAC}/v1"), "kind": kind, "metadata": { "name": name }, "rules": rules });
    if let Some(namespace) = namespace {
        document["metadata"]["namespace"] = namespace.into();
    }
    document
}

fn binding(name: &str, namespace: Option<&str>, subjects: &[Subject]) -> Value {
    let kind = if namespace.is_some() { "Role" } else { "ClusterRole" };
    let subjects: Vec<Value> = subjects.iter().map(Subject::value).collect();
    let mut document = json!({
        "apiVersion": format!("{RBAC}/v1"),
        "kind": format!("{kind}Binding"),
        "metadata": { "name": name },
        "roleRef": { "apiGroup": RBAC, "kind": kind, "name": name },
        "subjects": subjects,
    });
    if let Some(namespace) = namespace {
        document["metadata"]["namespace"] = namespace.into();
    }
    document
}

#[cfg(test)]
mod tests {
    use super::super::of;
    use super::*;

    fn of_allow(api: Api, subjects: &[Subject]) -> Vec<Value> {
        documents(&of("allow").unwrap(), api, "opener", "records", subjects)
    }

    fn rule<'v>(document: &'v Value, resource: &str) -> Vec<&'v Value> {
        let rules = document["rules"].as_array().unwrap().iter();
        rules.filter(|rule| rule["resources"].as_array().unwrap().contains(&json!(resource))).collect()
    }

    #[test]
    fn what_is_needed_in_one_namespace_is_a_role_there() {
        let documents = of_allow(Api::Crd, &[]);
        let heads: Vec<(&Value, &Value)> =
            documents.iter().map(|one| (&one["kind"], &one["metadata"]["namespace"])).collect();
        let (role, cluster_role) = (json!("Role"), json!("ClusterRole"));
        let (system, records) = (json!("kube-system"), json!("records"));
        assert_eq!(heads, [(&cluster_role, &Value::Null), (&role, &system), (&role, &records)]);
        assert!(rule(&documents[0], "configmaps").is_empty(), "never those of the whole cluster");
        assert_eq!(rule(&documents[2], "configmaps")[0]["verbs"], json!(["get", "list", "create", "update", "delete"]));
        let named = rule(&documents[1], "configmaps")[0];
        assert_eq!((&named["verbs"], &named["resourceNames"]), (&json!(["get"]), &json!(["calico-config"])));
        assert!(rule(&documents[1], "daemonsets").is_empty(), "the ClusterRole has it");
    }

    #[test]
    fn calicos_group_is_the_one_in_use_and_its_tiers_are_asked_for_there_alone() {
        let groups = |api: Api| -> BTreeSet<String> {
            let documents = of_allow(api, &[]);
            let rules = rule(&documents[0], "networkpolicies").into_iter();
            let groups = rules.map(|rule| rule["apiGroups"][0].as_str().unwrap().to_string());
            groups.filter(|group| group != "networking.k8s.io").collect()
        };
        assert_eq!(groups(Api::Crd), BTreeSet::from([CALICO_CRD_GROUP.to_string()]));
        assert_eq!(groups(Api::V3), BTreeSet::from([CALICO_GROUP.to_string()]));
        assert_eq!(groups(Api::Both), BTreeSet::from([CALICO_GROUP.to_string(), CALICO_CRD_GROUP.to_string()]));
        assert!(rule(&of_allow(Api::Crd, &[])[0], "tier.networkpolicies").is_empty());
        let v3 = of_allow(Api::V3, &[]);
        let tiered = rule(&v3[0], "tier.networkpolicies");
        let writes = tiered.iter().find(|rule| rule["verbs"] == json!(["create", "update"])).unwrap();
        assert_eq!(writes["resourceNames"], json!(["default.*"]));
    }

    #[test]
    fn whoever_is_named_gets_every_role() {
        let subjects: Vec<Subject> =
            ["user:jane", "group:ops", "serviceaccount:ci:deployer"].map(|text| Subject::parse(text).unwrap()).into();
        let documents = of_allow(Api::Crd, &subjects);
        let bindings: Vec<&Value> = documents.iter().filter(|one| one["roleRef"].is_object()).collect();
        assert_eq!(bindings.len(), 3);
        for binding in bindings {
            assert_eq!(binding["subjects"].as_array().map(Vec::len), Some(3));
            assert_eq!(
                binding["subjects"][2],
                json!({"kind": "ServiceAccount", "namespace": "ci", "name": "deployer"})
            );
        }
        for text in ["jane", "user:", "serviceaccount:ci", "serviceaccount::x", "robot:x", ""] {
            assert!(Subject::parse(text).is_err(), "{text}");
        }
    }
}
