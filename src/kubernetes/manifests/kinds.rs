//! Which documents matter to this program: by apiVersion and kind alone.
//! Never knows what else a document says.

use crate::kubernetes::names::{CALICO_CRD_GROUP, CALICO_GROUP, Kind, RESOURCES};

/// What a document is to this program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Class {
    /// An object that is read.
    Object(Kind),
    /// Nothing that decides about traffic.
    Other,
    /// It may decide about traffic, but cannot be read, and why.
    Odd(Option<Kind>, String),
}

/// Kinds of Calico that do not decide what may talk to what.
const HARMLESS: [&str; 9] = [
    "BGPFilter",
    "BlockAffinity",
    "CalicoNodeStatus",
    "IPAMBlock",
    "IPAMConfig",
    "IPAMConfiguration",
    "IPAMHandle",
    "IPReservation",
    "Node",
];

/// What a document of this apiVersion and kind is.
pub fn classify(api_version: &str, kind: &str) -> Class {
    if kind.is_empty() {
        return Class::Odd(None, "it has no kind".into());
    }
    if api_version.is_empty() {
        return Class::Odd(of_name(kind), "it has no apiVersion".into());
    }
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    if let Some(known) = Kind::of_document(api_version, kind) {
        let resource = known.resource();
        let versions = if group == CALICO_CRD_GROUP { &["v1"] } else { resource.versions };
        return match versions.contains(&version) {
            true => Class::Object(known),
            false => {
                let prefix = if group.is_empty() { String::new() } else { format!("{group}/") };
                Class::Odd(Some(known), format!("its apiVersion is {api_version}, not {prefix}{}", versions[0]))
            }
        };
    }
    let is_calico = group == CALICO_GROUP || group == CALICO_CRD_GROUP;
    let sought = if group == CALICO_CRD_GROUP { CALICO_GROUP } else { group };
    let misspelt =
        RESOURCES.iter().find(|resource| resource.group == sought && resource.name.eq_ignore_ascii_case(kind));
    match of_name(kind) {
        _ if misspelt.is_some() => {
            let resource = misspelt.map(|resource| resource.kind);
            Class::Odd(resource, format!("its kind is {kind}, not {}", misspelt.map_or("", |resource| resource.name)))
        }
        _ if is_calico && HARMLESS.contains(&kind) => Class::Other,
        _ if is_calico => Class::Odd(None, format!("{kind} is no kind of {group} that is read here")),
        _ if group == "policy.networking.k8s.io" => {
            Class::Odd(None, format!("{kind} is no kind of {group} that is read here"))
        }
        // Where policies were before they had groups of their own.
        Some(policy)
            if matches!(group, "" | "extensions" | "networking.k8s.io") && policy.to_string().contains("Network") =>
        {
            Class::Odd(Some(policy), format!("its apiVersion is {api_version}, which has no {kind}"))
        }
        _ => Class::Other,
    }
}

/// The kind of this name, whatever its group; Kubernetes' NetworkPolicy before Calico's.
pub fn of_name(name: &str) -> Option<Kind> {
    RESOURCES.iter().find(|resource| resource.name == name).map(|resource| resource.kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_an_object_in_each_of_its_versions() {
        for resource in RESOURCES {
            for version in resource.versions {
                let prefix = if resource.group.is_empty() { String::new() } else { format!("{}/", resource.group) };
                assert_eq!(classify(&format!("{prefix}{version}"), resource.name), Class::Object(resource.kind));
            }
        }
        assert_eq!(classify("crd.projectcalico.org/v1", "Tier"), Class::Object(Kind::Tier));
    }

    #[test]
    fn what_cannot_matter_is_left_alone() {
        for (api_version, kind) in [
            ("v1", "Secret"),
            ("networking.k8s.io/v1", "Ingress"),
            ("crd.projectcalico.org/v1", "IPAMBlock"),
            ("cert-manager.io/v1", "Certificate"),
            ("batch/v1", "CronJob"),
            ("crd.antrea.io/v1beta1", "NetworkPolicy"),
        ] {
            assert_eq!(classify(api_version, kind), Class::Other, "{api_version} {kind}");
        }
    }

    #[test]
    fn what_may_matter_and_cannot_be_read_is_odd() {
        for (api_version, kind, known, reason) in [
            ("v1", "", None, "it has no kind"),
            ("", "Pod", Some(Kind::Pod), "it has no apiVersion"),
            (
                "projectcalico.org/v1",
                "Tier",
                Some(Kind::Tier),
                "its apiVersion is projectcalico.org/v1, not projectcalico.org/v3",
            ),
            (
                "crd.projectcalico.org/v3",
                "Tier",
                Some(Kind::Tier),
                "its apiVersion is crd.projectcalico.org/v3, not crd.projectcalico.org/v1",
            ),
            ("v2", "Pod", Some(Kind::Pod), "its apiVersion is v2, not v1"),
            ("v1", "pod", Some(Kind::Pod), "its kind is pod, not Pod"),
            (
                "crd.projectcalico.org/v1",
                "GlobalNetworkpolicy",
                Some(Kind::GlobalNetworkPolicy),
                "its kind is GlobalNetworkpolicy, not GlobalNetworkPolicy",
            ),
            (
                "projectcalico.org/v3",
                "NetworkPolicies",
                None,
                "NetworkPolicies is no kind of projectcalico.org that is read here",
            ),
            (
                "extensions/v1beta1",
                "NetworkPolicy",
                Some(Kind::KubernetesNetworkPolicy),
                "its apiVersion is extensions/v1beta1, which has no NetworkPolicy",
            ),
        ] {
            assert_eq!(classify(api_version, kind), Class::Odd(known, reason.into()), "{api_version} {kind}");
        }
    }
}
