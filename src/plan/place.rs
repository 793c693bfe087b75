//! Where the rules of a grant go: into a policy for exactly those pods, or into one of our own.
//! Never decides whether rules are needed.

use serde_json::{Value, json};

use super::roles::{ALLOW, role};
use crate::kubernetes::names::ROLE;
use crate::model::intent::Peer;
use crate::model::policy::{Direction, PolicyId, PolicyKind};
use crate::model::selector::Selector;
use crate::model::world::{World, Written};

/// Between Kubernetes' own NetworkPolicies, which Calico gives order 1000, and a lockdown without order, which comes
/// last: a rule of ours never comes before anything that an administrator gave an order up to here, and always before
/// the lockdown's Log rules, so that what is let through is not logged as dropped.
pub const ORDER: f64 = 2000.0;

/// One end of a grant that needs rules.
#[derive(Clone, Debug, PartialEq)]
pub struct Place {
    /// The namespace of its pods.
    pub namespace: String,
    /// The pods, as a selector in canonical form.
    pub selector: String,
    /// What policies are named after.
    pub stem: String,
    /// What the pods do.
    pub direction: Direction,
}

impl Place {
    /// The place of an end; none for ends that are no pods.
    pub fn of(peer: &Peer, direction: Direction) -> Option<Place> {
        let (namespace, selector, stem) = match peer {
            Peer::Pods { namespace, selector, named } => {
                let name = named.rsplit('/').next().unwrap_or(named);
                (namespace.clone(), selector.clone(), stem(name))
            }
            Peer::Namespace(namespace) => (namespace.clone(), "all()".to_string(), "all".to_string()),
            Peer::Nets(_) | Peer::Nodes | Peer::World => return None,
        };
        Some(Place { namespace, selector, stem, direction })
    }

    /// Policies that rules can be added to: for exactly these pods, in the default tier, with a say in the direction,
    /// and written by nobody's machinery. Our own first.
    pub fn existing(&self, world: &World) -> Vec<PolicyId> {
        let Ok(wanted) = Selector::parse(&self.selector) else { return Vec::new() };
        let fits = |(id, written): &(&PolicyId, &Written)| {
            let spec = &written.spec;
            id.kind == PolicyKind::NetworkPolicy
                && id.namespace.as_ref() == Some(&self.namespace)
                && spec.tier.as_deref().is_none_or(|tier| tier == "default")
                && spec.types.iter().any(|word| word.eq_ignore_ascii_case(&self.direction.to_string()))
                && spec.service_account_selector.trim().is_empty()
                && Selector::parse(&spec.selector).is_ok_and(|selector| selector == wanted)
                && written.keeper.is_none()
                && has_room(written)
                && role(written).is_none_or(|role| role == ALLOW)
                && world.policies.iter().any(|policy| policy.id == **id)
        };
        let mut found: Vec<(&PolicyId, &Written)> = world.written.iter().filter(fits).collect();
        found.sort_by_key(|(_, written)| role(written) != Some(ALLOW));
        found.into_iter().map(|(id, _)| id.clone()).collect()
    }

    /// A policy of our own without rules, under a name that nobody has, and its document.
    pub fn fresh(&self, world: &World, order: f64) -> (PolicyId, Value) {
        let name = |count: usize| match count {
            1 => format!("zerotrust-{}-{}", self.stem, self.direction),
            more => format!("zerotrust-{}-{}-{more}", self.stem, self.direction),
        };
        let id = |count: usize| PolicyId {
            kind: PolicyKind::NetworkPolicy,
            namespace: Some(self.namespace.clone()),
            name: name(count),
        };
        let id = (1..).map(id).find(|id| !world.written.contains_key(id)).unwrap_or_else(|| id(1));
        let types = match self.direction {
            Direction::Ingress => "Ingress",
            Direction::Egress => "Egress",
        };
        let document = json!({
            "apiVersion": "projectcalico.org/v3",
            "kind": "NetworkPolicy",
            "metadata": {"name": id.name, "namespace": self.namespace, "annotations": {ROLE: ALLOW}},
            "spec": {"order": whole(order), "selector": self.selector, "types": [types]},
        });
        (id, document)
    }
}

/// The API server takes 256 KiB of annotations, Calico 1024 rules (3.33); a grant needs a few hundred bytes and a rule
/// for each family, protocol and batch.
fn has_room(written: &Written) -> bool {
    let bytes: usize = written.annotations.iter().map(|(key, value)| key.len() + value.len()).sum();
    bytes < 192 * 1024 && written.spec.ingress.len().max(written.spec.egress.len()) < 900
}

/// A name that fits into a policy's name: no dots, which Calico up to 3.31 reads as the end of a tier's name.
fn stem(name: &str) -> String {
    let name = name.replace('.', "-");
    if name.len() <= 40 {
        return name;
    }
    let sum = name.bytes().fold(0_u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(u32::from(byte)));
    let head: String = name.chars().take(31).collect();
    format!("{}-{sum:08x}", head.trim_end_matches('-'))
}

/// An order as people write it: 2000, not 2000.0.
pub fn whole(order: f64) -> Value {
    match order.fract() == 0.0 && order.abs() < 1e15 {
        true => json!(order as i64),
        false => json!(order),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_that_is_full_gets_a_second_one_beside_it() {
        let mut world = super::super::testing::cluster(super::super::testing::DENY);
        let (_, one) = super::super::testing::allowed(&world, "10.7.0.99", "nginx");
        world = one;
        for written in world.written.values_mut() {
            written.annotations.insert("note".into(), "x".repeat(192 * 1024));
        }
        let (plan, after) = super::super::testing::allowed(&world, "10.7.0.98", "nginx");
        assert_eq!(super::super::testing::steps(&plan), ["NetworkPolicy demo/zerotrust-nginx-ingress-2"]);
        assert_eq!(super::super::testing::allowed(&after, "10.7.0.99", "nginx").0.steps, []);
    }

    #[test]
    fn a_long_name_is_cut_and_stays_its_own() {
        let long = "a".repeat(60);
        assert_eq!(stem("web.v1"), "web-v1");
        assert_eq!(stem(&long).len(), 40);
        assert_ne!(stem(&long), stem(&"a".repeat(61)));
    }
}
