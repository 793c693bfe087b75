//! A policy as it is written: the v3 form that documents show and that this program writes, text still unparsed.
//! Never knows what a selector means or whether an address is right; `compile` does.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};

/// The spec of a GlobalNetworkPolicy, NetworkPolicy or their staged kinds (api/pkg/apis/projectcalico/v3).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PolicySpec {
    /// Tier; `default` where not set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tier: Option<String>,
    /// Lower comes first; none comes last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order: Option<f64>,
    /// Which endpoints.
    #[serde(skip_serializing_if = "String::is_empty", deserialize_with = "or_default")]
    pub selector: String,
    /// Which namespaces; only GlobalNetworkPolicy has it.
    #[serde(skip_serializing_if = "String::is_empty", deserialize_with = "or_default")]
    pub namespace_selector: String,
    /// Which ServiceAccounts.
    #[serde(skip_serializing_if = "String::is_empty", deserialize_with = "or_default")]
    pub service_account_selector: String,
    /// Ingress, Egress.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "or_default")]
    pub types: Vec<String>,
    /// Ingress rules.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "or_default")]
    pub ingress: Vec<RuleSpec>,
    /// Egress rules.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "or_default")]
    pub egress: Vec<RuleSpec>,
    /// Before connection tracking.
    #[serde(skip_serializing_if = "is_false", deserialize_with = "or_default")]
    pub do_not_track: bool,
    /// Before DNAT.
    #[serde(rename = "preDNAT", skip_serializing_if = "is_false", deserialize_with = "or_default")]
    pub pre_dnat: bool,
    /// For forwarded traffic too.
    #[serde(skip_serializing_if = "is_false", deserialize_with = "or_default")]
    pub apply_on_forward: bool,
    /// Set, Delete, Learn, Ignore; only staged kinds have it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub staged_action: Option<String>,
}

/// One rule.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RuleSpec {
    /// Annotations of the rule, of which one can name a grant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metadata: Option<RuleMetadata>,
    /// Allow, Deny, Log, Pass.
    #[serde(deserialize_with = "or_default")]
    pub action: String,
    /// 4 or 6.
    #[serde(rename = "ipVersion", skip_serializing_if = "Option::is_none")]
    pub ip_version: Option<i64>,
    /// A name or a number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub protocol: Option<IntOrString>,
    /// ICMP type and code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub icmp: Option<IcmpSpec>,
    /// A name or a number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_protocol: Option<IntOrString>,
    /// ICMP type and code that do not match.
    #[serde(rename = "notICMP", skip_serializing_if = "Option::is_none")]
    pub not_icmp: Option<IcmpSpec>,
    /// Where the packet comes from.
    #[serde(skip_serializing_if = "is_default", deserialize_with = "or_default")]
    pub source: EntitySpec,
    /// Where it goes.
    #[serde(skip_serializing_if = "is_default", deserialize_with = "or_default")]
    pub destination: EntitySpec,
    /// HTTP methods and paths: application layer policy, which the kernel does not see.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http: Option<HttpSpec>,
}

/// Annotations of a rule.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RuleMetadata {
    /// Key and value.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", deserialize_with = "or_default")]
    pub annotations: BTreeMap<String, String>,
}

/// ICMP type and code.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct IcmpSpec {
    /// 0 to 254.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<i64>,
    /// 0 to 255; only with a type.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<i64>,
}

/// The source or destination of a rule.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct EntitySpec {
    /// CIDRs.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "or_default")]
    pub nets: Vec<String>,
    /// Endpoints and network sets.
    #[serde(skip_serializing_if = "String::is_empty", deserialize_with = "or_default")]
    pub selector: String,
    /// Namespaces.
    #[serde(skip_serializing_if = "String::is_empty", deserialize_with = "or_default")]
    pub namespace_selector: String,
    /// A Service's endpoints.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub services: Option<ServiceMatch>,
    /// Numbers, ranges as `"10:20"`, names.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "or_default")]
    pub ports: Vec<IntOrString>,
    /// CIDRs that do not match.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "or_default")]
    pub not_nets: Vec<String>,
    /// Endpoints and network sets that do not match.
    #[serde(skip_serializing_if = "String::is_empty", deserialize_with = "or_default")]
    pub not_selector: String,
    /// Ports that do not match.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "or_default")]
    pub not_ports: Vec<IntOrString>,
    /// ServiceAccounts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_accounts: Option<ServiceAccountMatch>,
}

/// A Service whose endpoints match.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ServiceMatch {
    /// Its name.
    #[serde(deserialize_with = "or_default")]
    pub name: String,
    /// Its namespace; the policy's own where not set.
    #[serde(skip_serializing_if = "String::is_empty", deserialize_with = "or_default")]
    pub namespace: String,
}

/// ServiceAccounts that match.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ServiceAccountMatch {
    /// Names, any of them.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "or_default")]
    pub names: Vec<String>,
    /// Labels.
    #[serde(skip_serializing_if = "String::is_empty", deserialize_with = "or_default")]
    pub selector: String,
}

/// HTTP methods and paths.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct HttpSpec {
    /// As `GET`.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "or_default")]
    pub methods: Vec<String>,
    /// Each with one key: `exact` or `prefix`.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "or_default")]
    pub paths: Vec<BTreeMap<String, String>>,
}

/// A number or text, as protocols and ports are written.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(untagged)]
pub enum IntOrString {
    /// A number.
    Int(i64),
    /// Text.
    String(String),
}

impl std::fmt::Display for IntOrString {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            IntOrString::Int(number) => write!(out, "{number}"),
            IntOrString::String(text) => out.write_str(text),
        }
    }
}

fn is_false(value: &bool) -> bool {
    !value
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

fn or_default<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(input: D) -> Result<T, D::Error> {
    Ok(Option::<T>::deserialize(input)?.unwrap_or_default())
}
