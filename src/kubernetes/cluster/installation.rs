//! Calico as this API server keeps it: which shape, which version, ready or not.
//! Never knows what a policy says.
//!
//! The one shape so far is crd.projectcalico.org/v1. Where the aggregated projectcalico.org/v3 stands in front of it, both
//! lead to the same objects, and the custom resources are used all the same. Where only projectcalico.org/v3 is served,
//! `other_shape` says so; that shape belongs into `calico::Shape` and `Location::of`.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::Value;

use super::Cluster;
use super::answer::Answer;
use super::locate::Location;
use super::transport::Call;
use crate::kubernetes::AccessError;
use crate::kubernetes::calico::Shape;
use crate::kubernetes::names::{CALICO_GROUP, Kind};
use crate::model::world::Version;

/// What Calico's ClusterInformation tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Installation {
    /// The version, which decides stored names; none where it is not said or may not be read.
    pub version: Option<Version>,
    /// False while Calico is being moved to another datastore or API group, and nobody may write.
    pub ready: bool,
}

impl Installation {
    /// What is assumed where nothing can be read.
    pub const UNKNOWN: Installation = Installation { version: None, ready: true };

    /// How objects are stored.
    pub fn shape(self) -> Shape {
        Shape::Crd(self.version)
    }

    /// From the spec of ClusterInformation `default`.
    pub fn of_spec(spec: &Value) -> Installation {
        let version = spec.get("calicoVersion").and_then(Value::as_str).and_then(Version::parse);
        Installation { version, ready: spec.get("datastoreReady").and_then(Value::as_bool).unwrap_or(true) }
    }
}

impl Cluster {
    /// Asks for ClusterInformation `default`, once; none where it is not served, as without Calico's custom resources.
    pub(super) async fn find_installation(&self) -> Result<Option<Installation>, AccessError> {
        if let Some(known) = self.installation.get() {
            return Ok(Some(known));
        }
        let path = Location::best(Kind::ClusterInformation).object(None, "default")?;
        let answer = self.transport.call(&Call::get(path)).await?;
        let found = match answer.status {
            200 => {
                let object: Value = serde_json::from_slice(&answer.body)
                    .map_err(|error| answer.not_understood(self.server(), "ClusterInformation", &error.to_string()))?;
                Installation::of_spec(&object["spec"])
            }
            404 if answer.is_not_served() => return Ok(None),
            403 | 404 => Installation::UNKNOWN,
            _ => return Err(self.no_list(answer, "ClusterInformation default")),
        };
        self.installation.set(Some(found));
        Ok(Some(found))
    }

    /// Calico, where a kind of it has to be there.
    pub(super) async fn needed_installation(&self, kind: Kind) -> Result<Installation, AccessError> {
        match self.find_installation().await? {
            Some(installation) => Ok(installation),
            None => Err(self.other_shape().await?.unwrap_or(AccessError::NotServed(kind))),
        }
    }

    /// Why Calico's objects cannot be handled although they may be there: only projectcalico.org/v3 is served.
    pub(super) async fn other_shape(&self) -> Result<Option<AccessError>, AccessError> {
        let native = Location { kind: Kind::GlobalNetworkPolicy, group: CALICO_GROUP, version: "v3" };
        Ok(self.serves(&native).await?.unwrap_or(false).then(|| {
            AccessError::Unsupported(format!(
                "{} keeps Calico's objects as projectcalico.org/v3 resources, not as crd.projectcalico.org/v1; this \
                 version of kubectl zerotrust cannot read or write them there yet",
                self.server()
            ))
        }))
    }

    /// Whether a resource is served at a location; none where that may not be asked.
    pub(super) async fn serves(&self, location: &Location) -> Result<Option<bool>, AccessError> {
        let root = location.root();
        let plural = location.kind.resource().plural;
        let among = |names: &Option<BTreeSet<String>>| Some(names.as_ref().is_some_and(|names| names.contains(plural)));
        if let Some(known) = self.served.borrow().get(&root) {
            return Ok(among(known));
        }
        let answer = self.transport.call(&Call::get(root.clone())).await?;
        let names = match answer.status {
            200 => Some(resources(&answer, self.server())?),
            404 => None,
            _ => return Ok(None),
        };
        let known = among(&names);
        self.served.borrow_mut().insert(root, names);
        Ok(known)
    }

    /// Why a list or a single read failed for a reason that ends the command.
    pub(super) fn no_list(&self, answer: Answer, what: &str) -> AccessError {
        match answer.status {
            400 | 422 if answer.refusal().is_some() => {
                AccessError::Invalid { object: what.to_string(), reason: answer.message() }
            }
            _ => AccessError::Unavailable(format!("{}: reading {what}: {}", self.server(), answer.said())),
        }
    }
}

fn resources(answer: &Answer, server: &str) -> Result<BTreeSet<String>, AccessError> {
    #[derive(Deserialize)]
    struct List {
        resources: Vec<Served>,
    }
    #[derive(Deserialize)]
    struct Served {
        name: String,
    }
    let list: List = serde_json::from_slice(&answer.body)
        .map_err(|error| answer.not_understood(server, "the list of resources", &error.to_string()))?;
    Ok(list.resources.into_iter().map(|resource| resource.name).collect())
}
