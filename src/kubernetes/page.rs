//! Reads a page of an API server's list straight into `Objects`.
//! Never sends a request, and never converts: Calico's kinds do not come here.
//!
//! Whole documents in between would cost five times as much for a big cluster's pods.

use serde::Deserialize;
use serde_json::Value;

use super::names::Kind;
use super::objects::{Found, Listing, Objects, Place, or_default};

/// A list as the API server sends it; one without `items` is none.
#[derive(Deserialize)]
pub(super) struct Page<T> {
    #[serde(default, deserialize_with = "or_default")]
    metadata: PageMetadata,
    #[serde(deserialize_with = "or_default", bound(deserialize = "T: Deserialize<'de>"))]
    pub items: Vec<T>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct PageMetadata {
    #[serde(rename = "continue", deserialize_with = "or_default")]
    token: String,
}

impl<T> Page<T> {
    /// What to ask the next page with; none on the last one.
    pub fn next(&self) -> Option<String> {
        Some(self.metadata.token.clone()).filter(|token| !token.is_empty())
    }
}

impl Objects {
    /// Adds a page of a kind's list, all of it or, with an error, nothing; gives back what to ask the next page with.
    pub(super) fn add_page(&mut self, kind: Kind, text: &[u8]) -> Result<Option<String>, String> {
        match kind {
            Kind::Node => take(&mut self.nodes, text),
            Kind::Namespace => take(&mut self.namespaces, text),
            Kind::Pod => take(&mut self.pods, text),
            Kind::ServiceAccount => take(&mut self.service_accounts, text),
            Kind::Service => take(&mut self.services, text),
            Kind::Endpoints => take(&mut self.endpoints, text),
            Kind::EndpointSlice => take(&mut self.endpoint_slices, text),
            Kind::ConfigMap => take(&mut self.config_maps, text),
            Kind::KubernetesNetworkPolicy => take(&mut self.kubernetes_policies, text),
            Kind::APIService => take(&mut self.api_services, text),
            Kind::CustomResourceDefinition => take(&mut self.definitions, text),
            Kind::ServiceL2Status => take(&mut self.l2_statuses, text),
            Kind::ServiceBGPStatus => take(&mut self.bgp_statuses, text),
            Kind::Event => take(&mut self.events, text),
            Kind::ServiceCIDR => take(&mut self.service_cidrs, text),
            // Objects in a list do not repeat their kind.
            Kind::Deployment | Kind::StatefulSet | Kind::DaemonSet | Kind::ReplicaSet | Kind::Job => {
                take_with(&mut self.workloads, text, |workload| workload.kind = kind.to_string())
            }
            Kind::ValidatingWebhookConfiguration | Kind::MutatingWebhookConfiguration => {
                take_with(&mut self.webhooks, text, |webhook| webhook.kind = kind.to_string())
            }
            Kind::IPAddressPool | Kind::L2Advertisement | Kind::BGPAdvertisement => {
                take_with(&mut self.metallb, text, |object| object.kind = kind.to_string())
            }
            Kind::AdminNetworkPolicy | Kind::BaselineAdminNetworkPolicy | Kind::ClusterNetworkPolicy => {
                take_with(&mut self.admin_policies, text, |policy| policy.kind = kind.to_string())
            }
            Kind::GlobalNetworkPolicy
            | Kind::NetworkPolicy
            | Kind::StagedGlobalNetworkPolicy
            | Kind::StagedNetworkPolicy
            | Kind::StagedKubernetesNetworkPolicy
            | Kind::Tier
            | Kind::HostEndpoint
            | Kind::GlobalNetworkSet
            | Kind::NetworkSet
            | Kind::IPPool
            | Kind::FelixConfiguration
            | Kind::BGPConfiguration
            | Kind::BGPPeer
            | Kind::KubeControllersConfiguration
            | Kind::ClusterInformation => Err(format!("{kind} has to be converted first")),
        }
    }

    /// Adds all that another collection holds, behind what is here.
    pub(super) fn append(&mut self, other: Objects) {
        macro_rules! all {
            ($($field:ident),*) => {
                // Every field is named, so that a new one cannot be forgotten.
                let Objects { unread, failed, notices, refused, rules: _, asked: _, $($field),* } = other;
                self.unread.extend(unread);
                self.failed.extend(failed);
                self.notices.extend(notices);
                self.refused.extend(refused);
                $(self.$field.items.extend($field.items);
                self.$field.coverage.extend($field.coverage);)*
            };
        }
        all!(
            nodes,
            namespaces,
            pods,
            service_accounts,
            services,
            endpoints,
            endpoint_slices,
            config_maps,
            workloads,
            kubernetes_policies,
            calico_policies,
            tiers,
            host_endpoints,
            network_sets,
            ip_pools,
            felix_configurations,
            bgp_configurations,
            bgp_peers,
            cluster_informations,
            webhooks,
            api_services,
            definitions,
            admin_policies,
            l2_statuses,
            bgp_statuses,
            metallb,
            events,
            service_cidrs,
            kube_controllers
        );
    }
}

/// The documents of a page as they are, for kinds that have to be converted, and for pages with something malformed.
pub(super) fn documents(text: &[u8]) -> Result<Page<Value>, String> {
    serde_json::from_slice(text).map_err(|error| error.to_string())
}

/// A single object as a page.
pub(super) fn of_one(object: &[u8]) -> Vec<u8> {
    [b"{\"items\":[".as_slice(), object, b"]}"].concat()
}

fn take<T: for<'de> Deserialize<'de>>(listing: &mut Listing<T>, text: &[u8]) -> Result<Option<String>, String> {
    take_with(listing, text, |_| {})
}

fn take_with<T: for<'de> Deserialize<'de>>(
    listing: &mut Listing<T>,
    text: &[u8],
    finish: impl Fn(&mut T),
) -> Result<Option<String>, String> {
    let page: Page<T> = serde_json::from_slice(text).map_err(|error| error.to_string())?;
    let next = page.next();
    listing.items.extend(page.items.into_iter().map(|mut object| {
        finish(&mut object);
        Found { object, place: Place::Server }
    }));
    Ok(next)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kubernetes::names::RESOURCES;

    #[test]
    fn every_kind_of_kubernetes_is_read_and_calicos_are_left_to_conversion() {
        for resource in RESOURCES {
            let mut objects = Objects::default();
            let page = br#"{"metadata":{"continue":"t"},"items":[{"metadata":{"name":"x"}}]}"#;
            let read = objects.add_page(resource.kind, page);
            assert_eq!(read.is_err(), resource.kind.is_calico(), "{}", resource.kind);
            if let Ok(next) = read {
                assert_eq!(next.as_deref(), Some("t"));
            }
        }
    }

    #[test]
    fn a_page_is_read_as_the_same_document_would_be() {
        let pod = serde_json::json!({"metadata": {"name": "web", "labels": null}, "spec": {"nodeName": "n1"}});
        let job = serde_json::json!({"metadata": {"name": "once"}, "spec": {}});
        let (mut by_page, mut by_document) = (Objects::default(), Objects::default());
        for (kind, object) in [(Kind::Pod, pod), (Kind::Job, job)] {
            by_page.add_page(kind, &of_one(object.to_string().as_bytes())).unwrap();
            by_document.add(kind, object, "", Place::Server).unwrap();
        }
        assert_eq!(format!("{by_page:?}"), format!("{by_document:?}"));
        assert_eq!(by_page.workloads.items[0].kind, "Job");
    }

    #[test]
    fn what_is_no_list_is_refused_and_a_bad_item_adds_nothing() {
        let mut objects = Objects::default();
        assert!(objects.add_page(Kind::Pod, b"{}").is_err());
        let half = br#"{"items":[{"metadata":{"name":"a"}},{"metadata":{"name":3}}]}"#;
        assert!(objects.add_page(Kind::Pod, half).is_err());
        assert!(objects.pods.items.is_empty());
        assert_eq!(objects.add_page(Kind::Pod, br#"{"items":null}"#), Ok(None));
    }
}
