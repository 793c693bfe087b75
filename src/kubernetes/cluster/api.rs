//! In which API group Calico's objects are read and written here: chosen as Calico itself chooses.
//! Never knows what an object says.
//!
//! ```text
//! projectcalico.org/v3   served?  no ----------------------------------------> custom resources of crd.projectcalico.org/v1
//!                                 yes, by Calico's API server (has profiles) -> that one
//!                                 yes, no custom resources of crd beside it --> native custom resources of v3
//!                                 yes, both: moved (DatastoreMigration Converged, Complete)? native : crd
//!                                 does not answer ----------------------------> crd, as long as the server is away
//! ```

use serde_json::Value;

use super::Cluster;
use super::locate::Location;
use super::transport::{Call, Notice};
use crate::kubernetes::AccessError;
use crate::kubernetes::calico::Shape;
use crate::kubernetes::names::{
    AGGREGATED_ONLY, CALICO_CRD_GROUP, CALICO_GROUP, DATASTORE_MIGRATIONS, Kind, MIGRATION_GROUP,
};
use crate::model::world::Version;

/// Who serves Calico's objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Api {
    /// Custom resources of crd.projectcalico.org/v1.
    Crd,
    /// Calico's own API server, behind projectcalico.org/v3.
    Aggregated,
    /// Custom resources of projectcalico.org/v3, from 3.32 on.
    Native,
}

impl Api {
    /// How objects look there.
    pub fn shape(self, version: Option<Version>) -> Shape {
        match self {
            Api::Crd => Shape::Crd(version),
            Api::Aggregated => Shape::V3,
            Api::Native => Shape::Native,
        }
    }

    /// Where a kind of Calico is kept.
    pub fn location(self, kind: Kind) -> Location {
        match self {
            Api::Crd => Location { kind, group: CALICO_CRD_GROUP, version: "v1" },
            Api::Aggregated | Api::Native => Location { kind, group: CALICO_GROUP, version: "v3" },
        }
    }
}

impl Cluster {
    /// Who serves Calico's objects; asked for once.
    pub(super) async fn api(&self) -> Result<Api, AccessError> {
        self.api.get_or_try_init(|| self.find_api()).await.copied()
    }

    /// Where to look for a kind, best first.
    pub(super) async fn locations(&self, kind: Kind) -> Result<Vec<Location>, AccessError> {
        match kind.is_calico() {
            true => Ok(vec![self.api().await?.location(kind)]),
            false => Ok(Location::of(kind)),
        }
    }

    /// Where to write a kind.
    pub(super) async fn location(&self, kind: Kind) -> Result<Location, AccessError> {
        match kind.is_calico() {
            true => Ok(self.api().await?.location(kind)),
            false => Ok(Location::best(kind)),
        }
    }

    /// The group and version in which Calico's objects are written, for a record.
    pub async fn calico_api(&self) -> Result<&'static str, AccessError> {
        Ok(self.api().await?.shape(None).api_version())
    }

    async fn find_api(&self) -> Result<Api, AccessError> {
        const KIND: Kind = Kind::GlobalNetworkPolicy;
        let v3 = Api::Aggregated.location(KIND);
        // Whoever is not there answers 503 at once; it is not waited for, as there may be another way.
        let answer = self.transport.call_once(&Call::get(v3.root())).await;
        let status = answer.as_ref().map_or(0, |answer| answer.status);
        let served = match answer {
            Ok(answer) if status == 200 => self.remember_served(&v3.root(), &answer)?,
            Err(error @ AccessError::Credentials(_)) => return Err(error),
            // No such group, or nobody may ask: custom resources are what is left.
            _ if matches!(status, 403 | 404) => return Ok(Api::Crd),
            answer => {
                let crd = self.serves(&Api::Crd.location(KIND)).await?;
                if crd != Some(true) {
                    return self.unanswered(answer);
                }
                (self.transport.listener)(&Notice::Remark(format!(
                    "Warning: {CALICO_GROUP}/v3 is served by Calico's API server, which does not answer; its custom \
                     resources ({CALICO_CRD_GROUP}/v1) are used instead"
                )));
                return Ok(Api::Crd);
            }
        };
        if served.contains(AGGREGATED_ONLY) {
            return Ok(Api::Aggregated);
        }
        if !served.contains(KIND.resource().plural) {
            return Ok(Api::Crd);
        }
        if self.serves(&Api::Crd.location(KIND)).await? != Some(true) {
            return Ok(Api::Native);
        }
        let phase = self.migration_phase().await?;
        Ok(match phase.as_deref() {
            Some("Converged" | "Complete") => Api::Native,
            _ => Api::Crd,
        })
    }

    fn unanswered(&self, answer: Result<super::answer::Answer, AccessError>) -> Result<Api, AccessError> {
        let answer = answer?;
        Err(AccessError::Unavailable(format!(
            "{} serves Calico's objects as {CALICO_GROUP}/v3, and who serves them does not answer: {}",
            self.server(),
            answer.said()
        )))
    }

    /// How far the objects are moved from one group to the other; none where nobody moves them.
    pub(super) async fn migration_phase(&self) -> Result<Option<String>, AccessError> {
        let answer = self.transport.call(&Call::get(format!("/apis/{MIGRATION_GROUP}"))).await?;
        let group: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        let Some(version) = group["preferredVersion"]["groupVersion"].as_str().filter(|_| answer.status == 200) else {
            return Ok(None);
        };
        let path = format!("/apis/{version}/{DATASTORE_MIGRATIONS}");
        let answer = self.transport.call(&Call::get(path)).await?;
        match answer.status {
            200 => {}
            404 => return Ok(None),
            _ => return Err(self.no_list(answer, "DatastoreMigrations")),
        }
        let list: Value = serde_json::from_slice(&answer.body)
            .map_err(|error| answer.not_understood(self.server(), "DatastoreMigrations", &error.to_string()))?;
        let phases = list["items"].as_array().into_iter().flatten();
        // One that was made and not begun has no phase yet.
        Ok(phases.map(|item| item["status"]["phase"].as_str().unwrap_or("Pending").to_string()).next())
    }
}
