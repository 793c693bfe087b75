//! Every object once, though several queries brought it: the rounds of one question overlap.
//! Never knows which query brought what, and never chooses between two documents of one name in different places.

use std::collections::BTreeSet;

use super::objects::{Listing, Meta, Objects, Place};

/// What tells objects of one listing apart.
type Key = (String, Option<String>, String, Place);

impl Objects {
    /// Leaves of each object at each place what was read last, and of each document that could not be read one.
    pub fn once(&mut self) {
        once(&mut self.nodes, |object| (String::new(), &object.metadata));
        once(&mut self.namespaces, |object| (String::new(), &object.metadata));
        once(&mut self.pods, |object| (String::new(), &object.metadata));
        once(&mut self.service_accounts, |object| (String::new(), &object.metadata));
        once(&mut self.services, |object| (String::new(), &object.metadata));
        once(&mut self.endpoints, |object| (String::new(), &object.metadata));
        once(&mut self.endpoint_slices, |object| (String::new(), &object.metadata));
        once(&mut self.config_maps, |object| (String::new(), &object.metadata));
        once(&mut self.workloads, |object| (object.kind.clone(), &object.metadata));
        once(&mut self.kubernetes_policies, |object| (String::new(), &object.metadata));
        once(&mut self.calico_policies, |object| (object.kind.to_string(), &object.metadata));
        once(&mut self.tiers, |object| (String::new(), &object.metadata));
        once(&mut self.host_endpoints, |object| (String::new(), &object.metadata));
        once(&mut self.network_sets, |object| (String::new(), &object.metadata));
        once(&mut self.ip_pools, |object| (String::new(), &object.metadata));
        once(&mut self.felix_configurations, |object| (String::new(), &object.metadata));
        once(&mut self.bgp_configurations, |object| (String::new(), &object.metadata));
        once(&mut self.bgp_peers, |object| (String::new(), &object.metadata));
        once(&mut self.cluster_informations, |object| (String::new(), &object.metadata));
        once(&mut self.webhooks, |object| (object.kind.clone(), &object.metadata));
        once(&mut self.api_services, |object| (String::new(), &object.metadata));
        once(&mut self.definitions, |object| (String::new(), &object.metadata));
        once(&mut self.admin_policies, |object| (object.kind.clone(), &object.metadata));
        once(&mut self.l2_statuses, |object| (String::new(), &object.metadata));
        once(&mut self.bgp_statuses, |object| (String::new(), &object.metadata));
        once(&mut self.metallb, |object| (object.kind.clone(), &object.metadata));
        once(&mut self.events, |object| (String::new(), &object.metadata));
        once(&mut self.service_cidrs, |object| (String::new(), &object.metadata));
        once(&mut self.kube_controllers, |object| (String::new(), &object.metadata));
        each_once(&mut self.unread);
        each_once(&mut self.notices);
        each_once(&mut self.refused);
    }
}

fn each_once<T: PartialEq + Clone>(list: &mut Vec<T>) {
    let mut seen: Vec<T> = Vec::new();
    for item in std::mem::take(list) {
        if !seen.contains(&item) {
            seen.push(item);
        }
    }
    *list = seen;
}

/// What was read later is newer, so it takes the place of what was read first.
fn once<T>(listing: &mut Listing<T>, key: impl Fn(&T) -> (String, &Meta)) {
    let mut seen: BTreeSet<Key> = BTreeSet::new();
    let mut items = std::mem::take(&mut listing.items);
    items.reverse();
    items.retain(|found| {
        let (kind, meta) = key(&found.object);
        seen.insert((kind, meta.namespace.clone(), meta.name.clone(), found.place.clone()))
    });
    items.reverse();
    listing.items = items;
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::{Value, json};

    use super::super::names::Kind;
    use super::*;

    fn add(objects: &mut Objects, kind: Kind, name: &str, place: &Place, mark: &str) {
        let value: Value = json!({ "metadata": { "name": name, "namespace": "shop", "labels": { "mark": mark } } });
        objects.add(kind, value, name, place.clone()).unwrap();
    }

    #[test]
    fn what_two_queries_brought_is_there_once_and_as_it_was_read_last() {
        let mut objects = Objects::default();
        for mark in ["first", "second"] {
            add(&mut objects, Kind::Pod, "web", &Place::Server, mark);
            add(&mut objects, Kind::Deployment, "web", &Place::Server, mark);
            add(&mut objects, Kind::ReplicaSet, "web", &Place::Server, mark);
        }
        objects.once();
        let marks: Vec<&str> = objects.pods.iter().map(|pod| pod.metadata.labels["mark"].as_str()).collect();
        assert_eq!(marks, ["second"]);
        assert_eq!(objects.workloads.items.len(), 2);
    }

    #[test]
    fn two_documents_of_one_name_in_different_places_both_stay() {
        let mut objects = Objects::default();
        for line in [1, 20] {
            let place = Place::File { file: Arc::new("a.yaml".into()), line };
            add(&mut objects, Kind::NetworkPolicy, "web", &place, "x");
        }
        objects.once();
        assert_eq!(objects.calico_policies.items.len(), 2);
    }
}
