//! From `--port` to the ports of the receiving pods.
//! Never knows policies.

use std::collections::BTreeSet;

use super::PlanError;
use super::resolve::Resolved;
use crate::model::flow::Protocol;
use crate::model::intent::{GrantPort, Peer};
use crate::model::world::{PodPort, Service, ServicePort, TargetPort, World};

/// What `--port` asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PortsAsked {
    /// Every port and protocol.
    Any,
    /// These.
    These(Vec<PortAsked>),
}

/// One `--port`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortAsked {
    /// TCP where not said.
    pub protocol: Option<Protocol>,
    /// Which.
    pub port: PortName,
}

/// A port by number or name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PortName {
    /// From one number to another, both within.
    Numbers(u16, u16),
    /// A name: of a Service's port, or of a port that pods declare.
    Name(String),
}

impl std::fmt::Display for PortAsked {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(protocol) = self.protocol {
            write!(out, "{protocol}/")?;
        }
        match &self.port {
            PortName::Numbers(first, last) if first == last => write!(out, "{first}"),
            PortName::Numbers(first, last) => write!(out, "{first}-{last}"),
            PortName::Name(name) => out.write_str(name),
        }
    }
}

/// As `--port` takes them.
pub fn show(ports: &PortsAsked) -> String {
    match ports {
        PortsAsked::Any => "any".into(),
        PortsAsked::These(ports) => ports.iter().map(PortAsked::to_string).collect::<Vec<_>>().join(","),
    }
}

fn usage(reason: String, hint: &str) -> PlanError {
    PlanError::Usage { reason, hints: vec![hint.to_string()] }
}

const FORMS: &str = "a port is 80, tcp/80, udp:53, 8000-8010, a name, or `any`; several are separated by commas";

/// Reads every `--port`, each of which can hold several; none means that none was given.
pub fn parse<S: AsRef<str>>(texts: &[S]) -> Result<Option<PortsAsked>, PlanError> {
    let parts: Vec<&str> = texts.iter().flat_map(|text| text.as_ref().split(',')).map(str::trim).collect();
    if parts.is_empty() {
        return Ok(None);
    }
    if parts.contains(&"any") {
        return match parts.len() {
            1 => Ok(Some(PortsAsked::Any)),
            _ => Err(usage("--port any stands alone".into(), FORMS)),
        };
    }
    let mut ports = Vec::new();
    for part in parts {
        let port = parse_one(part)?;
        if !ports.contains(&port) {
            ports.push(port);
        }
    }
    Ok(Some(PortsAsked::These(ports)))
}

fn parse_one(text: &str) -> Result<PortAsked, PlanError> {
    let pair = text.split_once(['/', ':']);
    let protocol = |word: &str| Protocol::parse(word).filter(|p| p.has_ports() && word.parse::<u8>().is_err());
    let (protocol, port) = match pair {
        None => (None, text),
        Some((one, other)) => match (protocol(one), protocol(other)) {
            (Some(protocol), _) => (Some(protocol), other),
            (None, Some(protocol)) => (Some(protocol), one),
            (None, None) => {
                let reason = format!("{text} names no protocol with ports: there are tcp, udp and sctp");
                return Err(usage(reason, FORMS));
            }
        },
    };
    if port.starts_with(|c: char| c.is_ascii_digit()) && port.chars().all(|c| c.is_ascii_digit() || c == '-') {
        let (first, last) = port.split_once('-').unwrap_or((port, port));
        return match (first.parse::<u16>(), last.parse::<u16>()) {
            (Ok(first), Ok(last)) if 0 < first && first <= last => {
                Ok(PortAsked { protocol, port: PortName::Numbers(first, last) })
            }
            (Ok(first), Ok(last)) if first > last => Err(usage(format!("{text} runs backwards"), FORMS)),
            _ => Err(usage(format!("{text} is no port: ports go from 1 to 65535"), FORMS)),
        };
    }
    let name = port.len() <= 15 && port.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
    match name && port.chars().any(|c| c.is_ascii_lowercase()) {
        true => Ok(PortAsked { protocol, port: PortName::Name(port.to_string()) }),
        false => Err(usage(format!("{text:?} is no port"), FORMS)),
    }
}

/// The ports of the receiving pods (or addresses) that are opened; none means every port and protocol.
pub fn resolve(world: &World, to: &Resolved, asked: Option<&PortsAsked>) -> Result<Option<Vec<GrantPort>>, PlanError> {
    let service = to.service.as_ref().and_then(|key| world.services.get(key));
    let found = match (asked, service) {
        (Some(PortsAsked::Any), _) => return Ok(None),
        (None, Some(service)) => {
            if service.ports.is_empty() {
                return Err(undeclared(&format!("Service {} has no ports", service.name)));
            }
            let ports = service.ports.iter().map(|port| targets(world, to, service, port));
            ports.collect::<Result<Vec<_>, _>>()?.concat()
        }
        (None, None) => match declared(world, to) {
            ports if ports.is_empty() => return Err(undeclared(&nothing_declared(to))),
            ports => ports.iter().map(|port| grant_port(port.protocol, port.port, port.port)).collect(),
        },
        (Some(PortsAsked::These(asked)), Some(service)) => {
            let ports = asked.iter().map(|asked| of_service(world, to, service, asked));
            ports.collect::<Result<Vec<_>, _>>()?.concat()
        }
        (Some(PortsAsked::These(asked)), None) => {
            asked.iter().map(|asked| of_pods(world, to, asked)).collect::<Result<Vec<_>, _>>()?.concat()
        }
    };
    let distinct: BTreeSet<GrantPort> = found.into_iter().collect();
    Ok(Some(distinct.into_iter().collect()))
}

fn nothing_declared(to: &Resolved) -> String {
    match &to.peer {
        Peer::Pods { .. } => format!("{} declares no ports", to.described),
        _ => format!("{} does not say which ports", to.described),
    }
}

fn undeclared(reason: &str) -> PlanError {
    usage(reason.to_string(), "say which with --port, as --port 443, or open all with --port any")
}

fn grant_port(protocol: Protocol, first: u16, last: u16) -> GrantPort {
    GrantPort { protocol: protocol.to_string(), first, last }
}

/// The ports that the pods declare, by themselves or by their workload.
fn declared(world: &World, to: &Resolved) -> Vec<PodPort> {
    if !matches!(to.peer, Peer::Pods { .. }) {
        return Vec::new();
    }
    let pods = to.pods.iter().flat_map(|index| world.pods[*index].ports.iter().cloned());
    let ports: Vec<PodPort> =
        pods.chain(to.declared.iter().cloned()).filter(|port| port.protocol.has_ports()).collect();
    if !ports.is_empty() || !to.pods.is_empty() {
        return ports;
    }
    // A Service in manifests, or one without pods now: the workloads that it will select.
    let Peer::Pods { namespace, selector, .. } = &to.peer else { return Vec::new() };
    let Ok(selector) = crate::model::selector::Selector::parse(selector) else { return Vec::new() };
    let own = world.workloads.iter().filter(|w| w.namespace == *namespace && selector.matches(&w.pod_labels));
    own.flat_map(|workload| workload.ports.iter().cloned()).collect()
}

/// The pods' ports behind one port of a Service; a name is looked up in the pods, which need not agree.
fn targets(world: &World, to: &Resolved, service: &Service, port: &ServicePort) -> Result<Vec<GrantPort>, PlanError> {
    let name = match &port.target {
        TargetPort::Number(number) => return Ok(vec![grant_port(port.protocol, *number, *number)]),
        TargetPort::Name(name) => name,
    };
    let mut numbers: BTreeSet<u16> = declared(world, to)
        .iter()
        .filter(|declared| declared.name.as_ref() == Some(name) && declared.protocol == port.protocol)
        .map(|declared| declared.port)
        .collect();
    if numbers.is_empty() {
        let backends = service.backends.value().into_iter().flatten();
        let own = backends.filter(|backend| backend.port_name == port.name && backend.protocol == port.protocol);
        numbers = own.map(|backend| backend.port).collect();
    }
    if numbers.is_empty() {
        let reason = format!(
            "Service {}/{} sends port {} to the pods' port {name:?}, which no pod declares",
            service.namespace, service.name, port.port
        );
        return Err(PlanError::Unknown {
            reason,
            hints: vec!["name the workload and the port's number instead".into()],
        });
    }
    Ok(numbers.into_iter().map(|number| grant_port(port.protocol, number, number)).collect())
}

/// `--port` on a Service is the Service's own port, by number or name.
fn of_service(world: &World, to: &Resolved, service: &Service, asked: &PortAsked) -> Result<Vec<GrantPort>, PlanError> {
    let fits = |port: &&ServicePort| {
        asked.protocol.is_none_or(|protocol| protocol == port.protocol)
            && match &asked.port {
                PortName::Numbers(first, last) => (*first..=*last).contains(&port.port),
                PortName::Name(name) => port.name.as_ref() == Some(name),
            }
    };
    let ports: Vec<&ServicePort> = service.ports.iter().filter(fits).collect();
    if ports.is_empty() {
        let there: Vec<String> = service
            .ports
            .iter()
            .map(|port| match &port.name {
                Some(name) => format!("{}/{} ({name})", port.protocol, port.port),
                None => format!("{}/{}", port.protocol, port.port),
            })
            .collect();
        let reason = format!("Service {}/{} has no port {asked}", service.namespace, service.name);
        let hints = vec![
            format!("its ports are {}", there.join(", ")),
            "a pod's own port is asked for on the workload, as deployment/NAME".into(),
        ];
        return Err(PlanError::Unresolved { reason, hints });
    }
    Ok(ports.into_iter().map(|port| targets(world, to, service, port)).collect::<Result<Vec<_>, _>>()?.concat())
}

fn of_pods(world: &World, to: &Resolved, asked: &PortAsked) -> Result<Vec<GrantPort>, PlanError> {
    let name = match &asked.port {
        PortName::Numbers(first, last) => {
            return Ok(vec![grant_port(asked.protocol.unwrap_or(Protocol::TCP), *first, *last)]);
        }
        PortName::Name(name) => name,
    };
    let ports = declared(world, to);
    let fits = |port: &&PodPort| {
        port.name.as_ref() == Some(name) && asked.protocol.is_none_or(|protocol| protocol == port.protocol)
    };
    let found: Vec<GrantPort> =
        ports.iter().filter(fits).map(|port| grant_port(port.protocol, port.port, port.port)).collect();
    if found.is_empty() {
        let names: BTreeSet<String> = ports.iter().filter_map(|port| port.name.clone()).collect();
        let hint = match names.is_empty() {
            true => "say the port's number".to_string(),
            false => format!("its named ports are {}", names.into_iter().collect::<Vec<_>>().join(", ")),
        };
        let reason = format!("{} declares no port {asked}", to.described);
        return Err(PlanError::Unresolved { reason, hints: vec![hint] });
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_a_port_is_read() {
        let texts = ["80", "tcp/81,udp:53", "8000-8010", "443/tcp", "http"];
        let Some(PortsAsked::These(ports)) = parse(&texts).unwrap() else { panic!() };
        let shown: Vec<String> = ports.iter().map(PortAsked::to_string).collect();
        assert_eq!(shown, ["80", "TCP/81", "UDP/53", "8000-8010", "TCP/443", "http"]);
        assert_eq!(parse(&["any"]).unwrap(), Some(PortsAsked::Any));
        assert_eq!(parse::<&str>(&[]).unwrap(), None);
    }

    #[test]
    fn what_is_no_port_is_refused() {
        for text in ["0", "65536", "90-80", "-1", "icmp/8", "tcp/", "80,any", "", "80-", "a_b"] {
            assert!(matches!(parse(&[text]), Err(PlanError::Usage { .. })), "{text}");
        }
    }
}
