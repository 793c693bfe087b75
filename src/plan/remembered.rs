//! An end of a grant that was given before, in the world of today: the same selector or addresses, the pods of now.
//! Never looks the name up again that it was asked for by: what a grant opens does not change because a name does.

use super::resolve::{Resolved, resolve};
use super::target::Target;
use crate::model::intent::Peer;
use crate::model::selector::Selector;
use crate::model::world::{Labels, World};

/// What an end stands for now.
pub fn resolved(world: &World, peer: &Peer) -> Resolved {
    let mut found = Resolved {
        peer: peer.clone(),
        pods: Vec::new(),
        host_pods: Vec::new(),
        service: None,
        labels: Labels::new(),
        declared: Vec::new(),
        described: peer.to_string(),
        notes: Vec::new(),
    };
    let (of, selector) = match peer {
        Peer::Pods { namespace, selector, .. } => (namespace, Selector::parse(selector).ok()),
        Peer::Namespace(namespace) => (namespace, Some(Selector::all())),
        Peer::Nets(_) | Peer::Nodes | Peer::World => return found,
    };
    let Some(selector) = selector else { return found };
    for (index, pod) in world.pods.iter().enumerate().filter(|(_, pod)| pod.namespace == *of && !pod.finished) {
        if selector.matches(&pod.own_labels) {
            if pod.host_network { &mut found.host_pods } else { &mut found.pods }.push(index);
        }
    }
    if let Peer::Pods { namespace, named, .. } = peer {
        let key = named.strip_prefix("service/").map(|name| (namespace.clone(), name.to_string()));
        found.service = key.filter(|key| world.services.contains_key(key));
        let asked =
            Target::parse(&format!("{namespace}/{named}"), None).and_then(|target| resolve(world, &target)).ok();
        if let Some(asked) = asked {
            found.declared = asked.declared;
            found.labels = asked.labels;
        }
        if !selector.matches(&found.labels) {
            found.labels = demanded(&selector.to_string());
        }
    }
    found
}

/// The labels that a selector of the form that grants have demands: `a == "b" && c == "d"`.
fn demanded(selector: &str) -> Labels {
    let one = |part: &str| {
        let (key, value) = part.trim().trim_matches(['(', ')']).split_once(" == ")?;
        Some((key.to_string(), value.trim_matches('"').to_string()))
    };
    selector.split(" && ").filter_map(one).collect()
}
