//! The environment of calico-node, which its DaemonSet gives to every node: it wins over every FelixConfiguration.
//! Never knows what a variable decides.

use std::collections::BTreeMap;

use super::seen::why_not;
use super::workloads::namespace_of;
use crate::kubernetes::names::{CALICO_CONFIG, CALICO_NODE, Kind};
use crate::kubernetes::objects::{EnvVar, Objects, Workload};
use crate::model::world::Fact;

/// What calico-node is started with.
pub struct Environment {
    /// By name in capitals; none where the value comes from a place that was not read.
    variables: BTreeMap<String, Option<String>>,
    /// As `DaemonSet kube-system/calico-node`; else why it was not seen.
    place: Result<String, String>,
}

impl Environment {
    /// Finds it.
    pub fn of(objects: &Objects) -> Environment {
        let found = objects.workloads.iter().find_map(|workload| {
            // The container is called so in every DaemonSet that runs Felix, as in that of Canal.
            let container = workload.spec.template.spec.containers.iter().find(|one| one.name == CALICO_NODE)?;
            // Calico's manifests always set some: without any it was left out, as by an older snapshot.
            (workload.kind == "DaemonSet" && !container.env.is_empty()).then_some((workload, container))
        });
        let Some((workload, container)) = found else {
            let why = why_not(&objects.workloads.coverage, Kind::DaemonSet, None, CALICO_NODE);
            return Environment { variables: BTreeMap::new(), place: Err(why) };
        };
        let variables = container.env.iter();
        let variables = variables.map(|one| (one.name.to_ascii_uppercase(), value(one, workload, objects))).collect();
        let namespace = namespace_of(&workload.metadata);
        Environment { variables, place: Ok(format!("DaemonSet {namespace}/{}", workload.metadata.name)) }
    }

    /// Why it was not seen, if so.
    pub fn unseen(&self) -> Option<&str> {
        self.place.as_ref().err().map(String::as_str)
    }

    /// A variable's value, or why that is not known; none where it is not set.
    pub fn get(&self, name: &str) -> Option<Fact<String>> {
        let place = self.place.as_ref().ok()?;
        match self.variables.get(name)? {
            Some(value) if value.is_empty() => None,
            Some(value) => Some(Fact::known(value.clone(), format!("{name} of {place}"))),
            None => Some(Fact::unknown(format!("{name} of {place} comes from a place that was not read"))),
        }
    }

    /// Whether pods get addresses from their nodes' podCIDR. The container is told so, and so is the CNI plugin.
    pub fn host_local(&self, objects: &Objects) -> Fact<bool> {
        if let Ok(place) = &self.place {
            return match self.get("USE_POD_CIDR") {
                Some(Fact::Known { value, evidence }) => Fact::known(value.eq_ignore_ascii_case("true"), evidence),
                Some(Fact::Unknown { why }) => Fact::unknown(why),
                None => Fact::known(false, format!("no USE_POD_CIDR of {place}")),
            };
        }
        let maps = objects.config_maps.iter().filter(|map| map.metadata.name == CALICO_CONFIG);
        let mut configurations = maps.filter_map(|map| map.data.get("cni_network_config"));
        match configurations.next() {
            Some(text) => {
                Fact::known(text.contains("usePodCidr"), format!("cni_network_config of ConfigMap {CALICO_CONFIG}"))
            }
            None => Fact::unknown(self.unseen().unwrap_or_default()),
        }
    }
}

fn value(variable: &EnvVar, workload: &Workload, objects: &Objects) -> Option<String> {
    if let Some(value) = &variable.value {
        return Some(value.clone());
    }
    let Some(source) = &variable.value_from else { return Some(String::new()) };
    let reference = source.config_map_key_ref.as_ref()?;
    let namespace = namespace_of(&workload.metadata);
    let mut maps = objects.config_maps.iter();
    let map = maps.find(|map| map.metadata.name == reference.name && namespace_of(&map.metadata) == namespace)?;
    Some(map.data.get(&reference.key).cloned().unwrap_or_default())
}
