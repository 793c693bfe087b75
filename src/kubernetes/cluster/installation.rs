//! Calico as this API server keeps it: which shape, which version, ready or not.
//! Never knows what a policy says.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::Value;

use super::Cluster;
use super::answer::Answer;
use super::api::Api;
use super::datastore::in_etcd;
use super::locate::Location;
use super::transport::Call;
use crate::kubernetes::AccessError;
use crate::kubernetes::names::Kind;
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
        let path = self.location(Kind::ClusterInformation).await?.object(None, "default")?;
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
        if let Some(sign) = self.etcd_beside(self.api().await?).await? {
            return Err(AccessError::InEtcd(in_etcd(&sign)));
        }
        self.find_installation().await?.ok_or(AccessError::NotServed(kind))
    }

    /// The sign that Calico's objects are in etcd; whoever serves projectcalico.org/v3 knows where they are.
    pub(super) async fn etcd_beside(&self, api: Api) -> Result<Option<String>, AccessError> {
        match api {
            Api::Crd => self.etcd().await,
            Api::Aggregated | Api::Native => Ok(None),
        }
    }

    /// Calico, unless it is being moved: what is written then is lost or doubled.
    pub(super) async fn writable(&self, kind: Kind) -> Result<(Api, Installation), AccessError> {
        let (api, installation) = (self.api().await?, self.needed_installation(kind).await?);
        if !installation.ready {
            return Err(AccessError::Unsupported(
                "Calico's datastore is locked (ClusterInformation default: datastoreReady is false), as during a \
                 migration; nothing is written until it is unlocked"
                    .into(),
            ));
        }
        // Objects are moved from one group to the other since 3.32.
        if installation.version.is_none_or(|version| version.at_least(3, 32)) {
            let phase = self.migrating.get_or_try_init(|| self.migration_phase()).await?;
            if let Some(phase) = phase.as_deref().filter(|phase| *phase != "Complete") {
                return Err(AccessError::Unsupported(format!(
                    "Calico's objects are being moved to projectcalico.org/v3 (DatastoreMigration: {phase}); nothing is \
                     written until it is Complete, or the DatastoreMigration is deleted"
                )));
            }
        }
        Ok((api, installation))
    }

    /// Why nothing of Calico can be written now, found out before a change is planned: its objects are elsewhere, or being
    /// moved. A planned change that is only shown may be made from objects that are being moved.
    pub async fn check_writable(&self, shown_only: bool) -> Result<(), AccessError> {
        const KIND: Kind = Kind::GlobalNetworkPolicy;
        let answer = match shown_only {
            true => self.needed_installation(KIND).await.map(drop),
            false => self.writable(KIND).await.map(drop),
        };
        match answer {
            Err(error @ (AccessError::InEtcd(_) | AccessError::Unsupported(_))) => Err(error),
            // What else there is to say is said where it matters.
            _ => Ok(()),
        }
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
            200 => Some(self.remember_served(&root, &answer)?),
            404 => {
                self.served.borrow_mut().insert(root, None);
                None
            }
            _ => return Ok(None),
        };
        Ok(among(&names))
    }

    /// What an answer says that is served below a group and version.
    pub(super) fn remember_served(&self, root: &str, answer: &Answer) -> Result<BTreeSet<String>, AccessError> {
        let names = resources(answer, self.server())?;
        self.served.borrow_mut().insert(root.to_string(), Some(names.clone()));
        Ok(names)
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
