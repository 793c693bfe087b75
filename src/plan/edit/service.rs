//! A Service's type: what comes with it and what has to go with it.
//! Never knows which numbers are free.

use serde_json::{Map, Value};

use super::{EditError, NodePort, spec};

/// What only Services with a door for clients outside may have (Kubernetes' validation of Services). The API server
/// drops some of it by itself, which ones depends on its version.
const OF_DOORS: [&str; 6] = [
    "externalTrafficPolicy",
    "healthCheckNodePort",
    "allocateLoadBalancerNodePorts",
    "loadBalancerIP",
    "loadBalancerSourceRanges",
    "loadBalancerClass",
];
/// What only load balancers have.
const OF_BALANCERS: [&str; 5] = [
    "healthCheckNodePort",
    "allocateLoadBalancerNodePorts",
    "loadBalancerIP",
    "loadBalancerSourceRanges",
    "loadBalancerClass",
];

/// Sets the type and the ports' numbers on the nodes. A number that somebody else gave is an error.
pub fn set_type(object: &mut Value, expected: &str, kind: &str, node_ports: &[NodePort]) -> Result<(), EditError> {
    let spec = spec(object)?;
    let now = spec.get("type").and_then(Value::as_str).unwrap_or("ClusterIP").to_string();
    if now != kind && now != expected {
        return Err(EditError::Changed("spec.type".into()));
    }
    if now != kind {
        spec.insert("type".into(), kind.into());
    }
    match kind {
        "ClusterIP" => {
            OF_DOORS.iter().for_each(|field| _ = spec.remove(*field));
            ports(spec)?.iter_mut().for_each(|port| _ = port.remove("nodePort"));
        }
        "NodePort" => OF_BALANCERS.iter().for_each(|field| _ = spec.remove(*field)),
        _ => {}
    }
    for wanted in node_ports {
        for port in ports(spec)?.iter_mut().filter(|port| is_that(port, wanted)) {
            let there = port.get("nodePort").and_then(Value::as_u64).filter(|number| *number != 0);
            if there.is_some_and(|there| there != u64::from(wanted.node_port)) {
                return Err(EditError::Changed(format!("the node port of port {}", wanted.port)));
            }
            port.insert("nodePort".into(), wanted.node_port.into());
        }
    }
    Ok(())
}

/// Asks the load balancer for an address (spec.loadBalancerIP, which every version of MetalLB reads).
pub fn ask_for(object: &mut Value, address: Option<&str>) -> Result<(), EditError> {
    let Some(address) = address else { return Ok(()) };
    let spec = spec(object)?;
    let there = spec.get("loadBalancerIP").and_then(Value::as_str).filter(|there| !there.is_empty());
    if there.is_some_and(|there| there != address) {
        return Err(EditError::Changed("spec.loadBalancerIP".into()));
    }
    spec.insert("loadBalancerIP".into(), address.into());
    Ok(())
}

fn ports(spec: &mut Map<String, Value>) -> Result<Vec<&mut Map<String, Value>>, EditError> {
    let malformed = || EditError::Malformed("spec.ports".into());
    let Some(ports) = spec.get_mut("ports") else { return Ok(Vec::new()) };
    ports
        .as_array_mut()
        .ok_or_else(malformed)?
        .iter_mut()
        .map(|port| port.as_object_mut().ok_or_else(malformed))
        .collect()
}

fn is_that(port: &Map<String, Value>, wanted: &NodePort) -> bool {
    let protocol = port.get("protocol").and_then(Value::as_str).filter(|text| !text.is_empty()).unwrap_or("TCP");
    let number = port.get("port").and_then(Value::as_u64);
    protocol.eq_ignore_ascii_case(&wanted.protocol) && number == Some(u64::from(wanted.port))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::{Edit, EditError, NodePort};

    fn service() -> Value {
        json!({"kind": "Service", "spec": {"type": "ClusterIP", "clusterIP": "10.21.0.7",
            "ports": [{"port": 80, "protocol": "TCP"}, {"name": "dns", "port": 53, "protocol": "UDP"}]}})
    }

    fn to(expected: &str, kind: &str, numbers: &[(&str, u16, u16)]) -> Edit {
        let port = |(protocol, port, node_port): &(&str, u16, u16)| NodePort {
            protocol: protocol.to_string(),
            port: *port,
            node_port: *node_port,
        };
        let node_ports = numbers.iter().map(port).collect();
        Edit::ServiceType { expected: expected.into(), kind: kind.into(), node_ports, address: None }
    }

    #[test]
    fn a_door_comes_with_its_numbers_and_goes_with_all_that_belongs_to_it() {
        let make = to("ClusterIP", "NodePort", &[("TCP", 80, 30000), ("UDP", 53, 30001)]);
        let made = make.apply(Some(&service())).unwrap().unwrap();
        assert_eq!(made["spec"]["ports"][1]["nodePort"], 30001);
        assert_eq!(make.apply(Some(&made)).unwrap().unwrap(), made, "made twice it changes nothing more");
        let mut live = made;
        live["spec"]["externalTrafficPolicy"] = json!("Cluster");
        let back = to("NodePort", "ClusterIP", &[]).apply(Some(&live)).unwrap().unwrap();
        assert_eq!(back, service());
    }

    #[test]
    fn what_somebody_else_did_meanwhile_is_an_error() {
        let mut other = service();
        other["spec"]["type"] = json!("LoadBalancer");
        let make = to("ClusterIP", "NodePort", &[("TCP", 80, 30000)]);
        assert_eq!(make.apply(Some(&other)), Err(EditError::Changed("spec.type".into())));
        other["spec"]["type"] = json!("NodePort");
        other["spec"]["ports"][0]["nodePort"] = json!(31999);
        assert!(matches!(make.apply(Some(&other)), Err(EditError::Changed(_))));
    }
}
