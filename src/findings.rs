//! What the tool noticed and did not ask for: each with a code that is never used again for something else.
//! Never knows where it is shown.

use serde::Serialize;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The cluster does not do what the object says.
    Error,
    /// It may surprise.
    Warning,
    /// Good to know.
    Info,
}

/// A kind of finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Code {
    /// As `ZT0101`.
    pub code: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// What it says, without the object.
    pub title: &'static str,
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Finding {
    /// What kind.
    #[serde(flatten)]
    pub code: Code,
    /// The object, as `GlobalNetworkPolicy deny-app-policy`.
    pub object: String,
    /// Where it stands, as a file and line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// What exactly, with the field.
    pub detail: String,
}

macro_rules! codes {
    ($($name:ident = $code:literal, $severity:ident, $title:literal;)*) => {
        $(#[doc = concat!($code, ": ", $title, ".")]
        pub const $name: Code = Code { code: $code, severity: Severity::$severity, title: $title };)*

        /// Every code.
        pub const ALL: &[Code] = &[$($name),*];
    };
}

codes! {
    SELECTOR_UNREADABLE = "ZT0101", Error, "a selector cannot be read, so Felix drops the policy";
    NET_UNREADABLE = "ZT0102", Error, "an address cannot be read, so Felix leaves it out of the rule";
    NETS_ALL_UNREADABLE = "ZT0103", Error, "no address of a rule can be read, so the rule matches every address";
    TYPES_MISSING = "ZT0104", Warning, "types is not set, so Felix enforces both directions";
    PORT_UNREADABLE = "ZT0105", Error, "a port cannot be read, so no policy of this kind reaches Felix";
    PORT_NEVER_MATCHES = "ZT0106", Warning, "a named port that no endpoint can have never matches";
    ACTION_UNKNOWN = "ZT0107", Error, "an action is none that Felix knows, so Felix drops the policy, or stops";
    RULE_SELECTOR_UNREADABLE = "ZT0108", Error, "a selector of a rule cannot be read, so Felix drops the policy or the selector";
    TIER_MISSING = "ZT0109", Warning, "the tier does not exist";
    FIELD_UNKNOWN = "ZT0110", Warning, "a field is none that Calico knows, so the API server leaves it out";
    DESTINATION_IGNORED = "ZT0111", Error, "Felix up to 3.28 does not check the destination addresses of a rule of this shape";
    NOT_NETS_ALL = "ZT0112", Error, "notNets of every address stops Felix from programming the node";
    PROTOCOL_TWICE = "ZT0124", Error, "protocol and notProtocol in one rule stop Felix from programming the node";
    METADATA_STALE = "ZT0113", Warning, "labels or annotations differ from Calico's own metadata annotation, which wins";
    NAME_UNUSUAL = "ZT0114", Warning, "the stored name lacks the prefix of its tier, so calicoctl does not find it";
    POLICY_REFUSED = "ZT0120", Error, "a rule is none that Felix takes, so Felix drops the policy";
    SET_NET_UNREADABLE = "ZT0121", Error, "an address of a network set cannot be read";
    REFUSED = "ZT0125", Warning, "Calico would refuse this object if it were written now";
    OBJECT_TWICE = "ZT0122", Warning, "an object stands in two places";
    TYPE_UNKNOWN = "ZT0123", Error, "a type is neither Ingress nor Egress, so Felix leaves it out";
    POLICY_NOT_EVALUATED = "ZT0115", Warning, "a policy of a kind that is not evaluated";
    ANNOUNCED_TWICE = "ZT0201", Warning, "several nodes say that they announce an address that one at a time should";
    RULE_WITHOUT_GRANT = "ZT0301", Warning, "a rule names a grant that no policy holds";
    GRANT_WITHOUT_RULE = "ZT0302", Warning, "a grant has no rule";
    GRANT_UNREADABLE = "ZT0303", Warning, "a grant cannot be read";
    GRANT_HALF_REVOKED = "ZT0304", Warning, "a grant was not taken back to the end";
    OBSERVED_OPENS = "ZT0305", Error, "an observing lockdown lets pass what this policy closes";
    BEHIND = "ZT0401", Warning, "it is not what nodes, tunnels and Services are today";
    BEHIND_ELSEWHERE = "ZT0402", Warning, "it is not what nodes, tunnels and Services are today, and somebody has to decide";
    NODE_ADDRESS_OF_POD = "ZT0403", Error, "a pod has an address that rules let in as a node's";
    OVERDUE = "ZT0404", Warning, "a grant has ended, and is still open";
    CHANGE_UNFINISHED = "ZT0601", Warning, "a change was not finished";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_code_is_used_twice() {
        let mut codes: Vec<&str> = ALL.iter().map(|code| code.code).collect();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), ALL.len());
    }
}
