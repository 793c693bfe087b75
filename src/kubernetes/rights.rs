//! What RBAC asks for: a verb on a resource, in a namespace or not, of one name or of all.
//! Never sends anything, and never knows who has which right.

use std::fmt;

/// One question to RBAC.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Right {
    /// As `create`.
    pub verb: &'static str,
    /// The API group; empty for v1.
    pub group: &'static str,
    /// The resource's plural.
    pub resource: String,
    /// Where; none for what is in no namespace.
    pub namespace: Option<String>,
    /// Of which object; none where RBAC does not know its name, as when it is made.
    pub name: Option<String>,
}

/// Rights of which one is enough, the one to ask for first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Need(pub Vec<Right>);

impl fmt::Display for Right {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} {}", self.verb, self.resource)?;
        if !self.group.is_empty() {
            write!(out, ".{}", self.group)?;
        }
        if let Some(name) = &self.name {
            write!(out, " {name}")?;
        }
        match &self.namespace {
            Some(namespace) => write!(out, " in namespace {namespace}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Need {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.first() {
            Some(right) => right.fmt(out),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_right_is_said_as_kubectl_names_what_it_is_on() {
        let right = Right {
            verb: "update",
            group: "projectcalico.org",
            resource: "networkpolicies".into(),
            namespace: Some("shop".into()),
            name: Some("web".into()),
        };
        assert_eq!(right.to_string(), "update networkpolicies.projectcalico.org web in namespace shop");
        let right = Right { verb: "create", group: "", resource: "services".into(), namespace: None, name: None };
        assert_eq!(Need(vec![right]).to_string(), "create services");
    }
}
