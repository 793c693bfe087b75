//! What Felix is told on each node: its environment wins, then the node's own FelixConfiguration, then the default one.
//! Never knows which packet it decides about.

use std::collections::BTreeMap;

use serde_json::Value;

use super::environment::Environment;
use super::seen::{all, why_none};
use crate::kubernetes::names::Kind;
use crate::kubernetes::objects::{Loose, Objects};
use crate::model::flow::Protocol;
use crate::model::net::parse_net;
use crate::model::world::{Dataplane, EndpointToHost, Fact, Failsafe, Felix, Version};

/// What holds beside Felix's own configuration.
pub struct Beside<'a> {
    /// Calico's version.
    pub version: Option<Version>,
    /// kube-proxy's mode.
    pub proxy_mode: &'a Fact<String>,
}

/// What Felix is told on all nodes, and on those that have a FelixConfiguration of their own.
pub fn observe(objects: &Objects, environment: &Environment, beside: &Beside<'_>) -> (Felix, BTreeMap<String, Felix>) {
    let configurations = &objects.felix_configurations;
    let named = |name: &str| configurations.iter().find(|object| object.metadata.name == name);
    let hidden = (!all(&configurations.coverage, Kind::FelixConfiguration))
        .then(|| why_none(&configurations.coverage, Kind::FelixConfiguration));
    let settings = Settings { environment, node: None, global: named("default"), hidden };
    let own = configurations.iter().filter_map(|object| Some((object.metadata.name.strip_prefix("node.")?, object)));
    let of_nodes = own.map(|(node, object)| {
        let settings = Settings { node: Some(object), hidden: settings.hidden.clone(), ..settings };
        (node.to_string(), felix(&settings, beside))
    });
    (felix(&settings, beside), of_nodes.collect())
}

/// What the FelixConfiguration `default` itself says of Log rules.
pub fn log_settings(objects: &Objects) -> Option<BTreeMap<String, String>> {
    let object = objects.felix_configurations.iter().find(|object| object.metadata.name == "default")?;
    let set = |field: &&str| Some((field.to_string(), object.spec.get(*field)?.as_str()?.to_string()));
    Some(["logPrefix", "logActionRateLimit"].iter().filter_map(set).collect())
}

/// Where Felix looks for a setting, first to last (felix/config/config_params.go).
struct Settings<'a> {
    environment: &'a Environment,
    node: Option<&'a Loose>,
    global: Option<&'a Loose>,
    /// Why there may be FelixConfigurations that were not read, if so.
    hidden: Option<String>,
}

enum Told {
    Set(Value, String),
    Unset,
    Unseen(String),
}

impl Settings<'_> {
    fn told(&self, field: &str) -> Told {
        match self.environment.get(&format!("FELIX_{}", field.to_ascii_uppercase())) {
            Some(Fact::Known { value, evidence }) => return Told::Set(value.into(), evidence),
            Some(Fact::Unknown { why }) => return Told::Unseen(why),
            None => {}
        }
        for object in [self.node, self.global].into_iter().flatten() {
            let value = object.spec.get(field).filter(|value| !value.is_null() && value.as_str() != Some(""));
            if let Some(value) = value {
                return Told::Set(value.clone(), format!("{field} of FelixConfiguration {}", object.metadata.name));
            }
        }
        self.hidden.clone().map_or(Told::Unset, Told::Unseen)
    }

    /// A setting with Felix's own default.
    fn fact<T>(&self, field: &str, default: T, read: impl Fn(&Value) -> Option<T>) -> Fact<T> {
        match self.told(field) {
            Told::Set(value, evidence) => match read(&value) {
                Some(value) => Fact::known(value, evidence),
                None => Fact::unknown(format!("{evidence} is {value}, which Felix does not take")),
            },
            Told::Unset => Fact::known(default, self.default()),
            Told::Unseen(why) => Fact::unknown(why),
        }
    }

    fn default(&self) -> String {
        match self.environment.unseen() {
            None => "Felix's default".into(),
            Some(why) => format!("Felix's default, unless calico-node's environment says otherwise ({why})"),
        }
    }
}

fn felix(settings: &Settings<'_>, beside: &Beside<'_>) -> Felix {
    let port = |field: &str, default: u16| {
        let read = |value: &Value| match value {
            Value::String(text) => text.parse().ok(),
            value => value.as_u64().and_then(|port| u16::try_from(port).ok()),
        };
        settings.fact(field, default, read).value().copied().unwrap_or(default)
    };
    let bpf = settings.fact("bpfEnabled", false, boolean);
    Felix {
        dataplane: dataplane(settings, &bpf, beside),
        bpf,
        cleans_proxy: settings.fact("bpfKubeProxyIptablesCleanupEnabled", true, boolean),
        endpoint_to_host: endpoint_to_host(settings),
        failsafe_in: settings.fact("failsafeInboundHostPorts", of(&FAILSAFE_IN), ports),
        failsafe_out: settings.fact("failsafeOutboundHostPorts", of(&FAILSAFE_OUT), ports),
        wireguard: ["wireguardEnabled", "wireguardEnabledV6"].map(|field| settings.fact(field, false, boolean)),
        host_encryption: settings.fact("wireguardHostEncryptionEnabled", false, boolean),
        wireguard_ports: [port("wireguardListeningPort", 51820), port("wireguardListeningPortV6", 51821)],
        vxlan_port: port("vxlanPort", 4789),
        log_prefix: settings.fact("logPrefix", "calico-packet".into(), |value| Some(value.as_str()?.to_string())),
        log_rate_limit: settings.fact("logActionRateLimit", None, |value| Some(Some(value.as_str()?.to_string()))),
        interface_prefixes: settings.fact("interfacePrefix", vec!["cali".into()], |value| {
            let names = value.as_str()?.split(',').map(str::trim).filter(|name| !name.is_empty());
            Some(names.map(str::to_string).collect())
        }),
        nat_spares_hosts: settings.fact("natOutgoingExclusions", false, |value| match value.as_str()? {
            "IPPoolsAndHostIPs" => Some(true),
            "IPPoolsOnly" => Some(false),
            _ => None,
        }),
    }
}

/// eBPF where it is enabled; else nftables by nftablesMode, whose Auto follows kube-proxy and is the default since 3.32.
fn dataplane(settings: &Settings<'_>, bpf: &Fact<bool>, beside: &Beside<'_>) -> Fact<Dataplane> {
    match bpf {
        Fact::Known { value: true, evidence } => return Fact::known(Dataplane::Bpf, evidence.clone()),
        Fact::Unknown { why } => return Fact::unknown(why.clone()),
        Fact::Known { .. } => {}
    }
    let (mode, evidence) = match settings.told("nftablesMode") {
        Told::Set(value, evidence) => (value.as_str().unwrap_or_default().to_string(), evidence),
        Told::Unseen(why) => return Fact::unknown(why),
        Told::Unset => match beside.version {
            Some(version) if version.at_least(3, 32) => ("Auto".into(), settings.default()),
            Some(_) => ("Disabled".into(), settings.default()),
            None => return Fact::unknown("Calico's version is not known, and with it the default of nftablesMode"),
        },
    };
    match mode.as_str() {
        "Enabled" => Fact::known(Dataplane::Nftables, evidence),
        "Disabled" => Fact::known(Dataplane::Iptables, evidence),
        "Auto" => match beside.proxy_mode {
            Fact::Known { value, evidence: mode } => {
                let follows = if value == "nftables" { Dataplane::Nftables } else { Dataplane::Iptables };
                Fact::known(follows, format!("{evidence}: it follows kube-proxy ({mode})"))
            }
            Fact::Unknown { why } => Fact::unknown(format!("it follows kube-proxy's mode, which is not known: {why}")),
        },
        other => Fact::unknown(format!("{evidence} is {other:?}, which Felix does not take")),
    }
}

/// Felix's own default is Drop. Calico's manifests and its operator set Accept in the environment, so where that was not
/// seen, a FelixConfiguration that says Drop does nothing most likely.
fn endpoint_to_host(settings: &Settings<'_>) -> Fact<EndpointToHost> {
    let read = |value: &Value| match value.as_str()?.to_ascii_lowercase().as_str() {
        "accept" => Some(EndpointToHost::Accept),
        "return" => Some(EndpointToHost::Return),
        "drop" => Some(EndpointToHost::Drop),
        _ => None,
    };
    let told = settings.fact("defaultEndpointToHostAction", EndpointToHost::Drop, read);
    match (told, settings.environment.unseen()) {
        (Fact::Known { value: EndpointToHost::Drop, evidence }, Some(why)) => {
            match settings.told("defaultEndpointToHostAction") {
                Told::Unset => Fact::known(
                    EndpointToHost::Accept,
                    format!("what Calico's manifests and its operator set in calico-node's environment ({why})"),
                ),
                _ => Fact::unknown(format!(
                    "{evidence} is Drop, unless calico-node's environment says otherwise ({why})"
                )),
            }
        }
        (told, _) => told,
    }
}

/// Felix's booleans, from a FelixConfiguration or as words (felix/config/param_types.go).
fn boolean(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(value) => Some(*value),
        Value::String(word) => match word.to_ascii_lowercase().as_str() {
            "true" | "1" | "yes" | "y" | "t" => Some(true),
            "false" | "0" | "no" | "n" | "f" | "none" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

/// Felix's defaults (felix/config/config_params.go), the same since 3.17.
const FAILSAFE_IN: [(Protocol, u16); 9] = [
    (Protocol::TCP, 22),
    (Protocol::UDP, 68),
    (Protocol::TCP, 179),
    (Protocol::TCP, 2379),
    (Protocol::TCP, 2380),
    (Protocol::TCP, 5473),
    (Protocol::TCP, 6443),
    (Protocol::TCP, 6666),
    (Protocol::TCP, 6667),
];
const FAILSAFE_OUT: [(Protocol, u16); 9] = [
    (Protocol::UDP, 53),
    (Protocol::UDP, 67),
    (Protocol::TCP, 179),
    (Protocol::TCP, 2379),
    (Protocol::TCP, 2380),
    (Protocol::TCP, 5473),
    (Protocol::TCP, 6443),
    (Protocol::TCP, 6666),
    (Protocol::TCP, 6667),
];

fn of(ports: &[(Protocol, u16)]) -> Vec<Failsafe> {
    ports.iter().map(|(protocol, port)| Failsafe { protocol: *protocol, port: *port, net: None }).collect()
}

/// Failsafe ports, as a FelixConfiguration lists them or as words.
fn ports(value: &Value) -> Option<Vec<Failsafe>> {
    match value {
        Value::String(word) if word.eq_ignore_ascii_case("none") => Some(Vec::new()),
        Value::String(words) => {
            words.split(',').map(str::trim).filter(|word| !word.is_empty()).map(port_in_words).collect()
        }
        Value::Array(entries) => entries.iter().map(port_as_object).collect(),
        _ => None,
    }
}

fn port_as_object(entry: &Value) -> Option<Failsafe> {
    let protocol = entry.get("protocol").and_then(Value::as_str).unwrap_or("TCP");
    let net = entry.get("net").and_then(Value::as_str).filter(|net| !net.is_empty());
    Some(Failsafe {
        protocol: Protocol::parse(protocol)?,
        port: u16::try_from(entry.get("port")?.as_u64()?).ok()?,
        net: net.map(parse_net).map_or(Some(None), |net| net.map(Some))?,
    })
}

/// `22`, `tcp:22`, `tcp:10.0.0.0/8:22`, `tcp:[fd00::/8]:22`: a number alone is TCP.
fn port_in_words(word: &str) -> Option<Failsafe> {
    let (before, port) = word.rsplit_once(':').unwrap_or(("tcp", word));
    let (protocol, net) = match before.split_once(':') {
        Some((protocol, net)) => (protocol, Some(net.trim_start_matches('[').trim_end_matches(']'))),
        None => (before, None),
    };
    let protocol = Protocol::parse(protocol).filter(|protocol| [Protocol::TCP, Protocol::UDP].contains(protocol))?;
    let net = net.map(parse_net).map_or(Some(None), |net| net.map(Some))?;
    Some(Failsafe { protocol, port: port.parse().ok()?, net })
}
