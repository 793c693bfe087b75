//! Writes objects to a live API server, one at a time, only over the version that the writer has seen.
//! Never knows why an object is written, and never judges it: who plans it does.

use http::Method;
use serde_json::{Value, json};

use super::Cluster;
use super::answer::Answer;
use super::api::Api;
use super::installation::Installation;
use super::transport::Call;
use crate::kubernetes::calico::{from_server, is_tiered, stored_name, to_stored};
use crate::kubernetes::names::{Kind, TOOL};
use crate::kubernetes::{AccessError, ObjectRef, Writer};

/// A cluster to write to, as a field manager, for real or for the server's answer only.
#[derive(Clone, Copy)]
pub struct ClusterWriter<'a> {
    cluster: &'a Cluster,
    dry_run: bool,
    field_manager: &'a str,
}

impl Cluster {
    /// A way to write. With `dry_run` the server checks everything and keeps nothing.
    pub fn writer<'a>(&'a self, dry_run: bool, field_manager: &'a str) -> ClusterWriter<'a> {
        ClusterWriter { cluster: self, dry_run, field_manager }
    }
}

impl Writer for Cluster {
    async fn get(&self, object: &ObjectRef) -> Result<Option<Value>, AccessError> {
        self.writer(false, TOOL).get(object).await
    }

    async fn create(&self, object: &Value) -> Result<Value, AccessError> {
        self.writer(false, TOOL).create(object).await
    }

    async fn replace(&self, object: &Value) -> Result<Value, AccessError> {
        self.writer(false, TOOL).replace(object).await
    }

    async fn delete(&self, object: &Value) -> Result<(), AccessError> {
        self.writer(false, TOOL).delete(object).await
    }
}

impl Writer for ClusterWriter<'_> {
    async fn get(&self, object: &ObjectRef) -> Result<Option<Value>, AccessError> {
        if !object.kind.is_calico() {
            return self.get_stored(object, &object.name).await;
        }
        let installation = self.cluster.needed_installation(object.kind).await?;
        let api = self.cluster.api().await?;
        for name in self.stored_names(object, api, installation) {
            let Some(stored) = self.get_stored(object, &name).await? else { continue };
            let value = self.cluster.converted(object, stored.clone(), api, installation)?;
            // Another name rule may have led to another policy.
            if value["metadata"]["name"] == object.name.as_str() {
                self.cluster.stored.borrow_mut().insert(object.clone(), stored);
                return Ok(Some(value));
            }
        }
        Ok(None)
    }

    async fn create(&self, object: &Value) -> Result<Value, AccessError> {
        let target = reference(object)?;
        let (stored, calico) = self.stored_form(&target, object, None).await?;
        let path = self.cluster.location(target.kind).await?.list(target.namespace.as_deref())?;
        let answer = self.send(Method::POST, path, &stored).await?;
        self.written("create", &target, answer, calico)
    }

    async fn replace(&self, object: &Value) -> Result<Value, AccessError> {
        let target = reference(object)?;
        let version = resource_version(&target, object)?;
        let current = self.current(&target, version).await?;
        let (stored, calico) = self.stored_form(&target, object, current.as_ref()).await?;
        let name = stored["metadata"]["name"].as_str().unwrap_or(&target.name);
        let path = self.cluster.location(target.kind).await?.object(target.namespace.as_deref(), name)?;
        let answer = self.send(Method::PUT, path, &stored).await?;
        self.written("replace", &target, answer, calico)
    }

    async fn delete(&self, object: &Value) -> Result<(), AccessError> {
        let target = reference(object)?;
        let version = resource_version(&target, object)?;
        let current = self.current(&target, version).await?;
        if target.kind.is_calico() {
            self.cluster.writable(target.kind).await?;
        }
        let stored = current.as_ref().unwrap_or(object);
        let mut preconditions = json!({ "resourceVersion": version });
        if let Some(uid) = stored["metadata"]["uid"].as_str() {
            preconditions["uid"] = uid.into();
        }
        let mut options = json!({ "kind": "DeleteOptions", "apiVersion": "v1", "preconditions": preconditions });
        if self.dry_run {
            options["dryRun"] = json!(["All"]);
        }
        let name = stored["metadata"]["name"].as_str().unwrap_or(&target.name);
        let path = self.cluster.location(target.kind).await?.object(target.namespace.as_deref(), name)?;
        let body = Some(options.to_string().into_bytes());
        let answer = self.cluster.transport.call(&Call { method: Method::DELETE, path, body, range: None }).await?;
        if !answer.is_success() {
            return Err(answer.into_error("delete", &target, self.cluster.server()));
        }
        if !self.dry_run {
            self.cluster.stored.borrow_mut().remove(&target);
        }
        Ok(())
    }
}

impl ClusterWriter<'_> {
    async fn get_stored(&self, object: &ObjectRef, name: &str) -> Result<Option<Value>, AccessError> {
        let path = self.cluster.location(object.kind).await?.object(object.namespace.as_deref(), name)?;
        let answer = self.cluster.transport.call(&Call::get(path)).await?;
        match answer.status {
            200 => self.cluster.document(&answer, object).map(Some),
            404 if !answer.is_not_served() => Ok(None),
            _ => Err(answer.into_error("get", object, self.cluster.server())),
        }
    }

    /// Under which names an object may be stored, likeliest first.
    pub(super) fn stored_names(&self, object: &ObjectRef, api: Api, installation: Installation) -> Vec<String> {
        if api != Api::Crd {
            return vec![object.name.clone()];
        }
        let mut names: Vec<String> = self.cluster.unusual_names.borrow().get(object).cloned().into_iter().collect();
        names.push(stored_name(object.kind, &object.name, installation.version));
        if is_tiered(object.kind) {
            // Written by hand, by an older or by a newer Calico.
            names.extend([object.name.clone(), format!("default.{}", object.name)]);
        }
        let mut seen = std::collections::BTreeSet::new();
        names.retain(|name| seen.insert(name.clone()));
        names
    }

    /// The stored form of a Calico object that is about to be changed: as it was got, else as it is. Kubernetes' own
    /// objects need none.
    async fn current(&self, target: &ObjectRef, version: &str) -> Result<Option<Value>, AccessError> {
        if !target.kind.is_calico() {
            return Ok(None);
        }
        let is_that = |stored: &Value| stored["metadata"]["resourceVersion"] == version;
        if let Some(stored) = self.cluster.stored.borrow().get(target).filter(|stored| is_that(stored)) {
            return Ok(Some(stored.clone()));
        }
        if self.get(target).await?.is_none() {
            return Err(AccessError::Missing(target.clone()));
        }
        let stored = self.cluster.stored.borrow().get(target).cloned();
        match stored.filter(is_that) {
            Some(stored) => Ok(Some(stored)),
            None => Err(AccessError::Conflict(target.clone())),
        }
    }

    /// What goes over the wire.
    async fn stored_form(
        &self,
        target: &ObjectRef,
        object: &Value,
        current: Option<&Value>,
    ) -> Result<(Value, (Api, Installation)), AccessError> {
        if !target.kind.is_calico() {
            return Ok((object.clone(), (Api::Crd, Installation::UNKNOWN)));
        }
        let (api, installation) = self.cluster.writable(target.kind).await?;
        Ok((to_stored(target.kind, object, current, api.shape(installation.version)), (api, installation)))
    }

    /// Unknown fields are refused: the server would leave them out, and a rule without one of its conditions opens more
    /// than was asked for.
    async fn send(&self, method: Method, path: String, object: &Value) -> Result<Answer, AccessError> {
        let dry_run = if self.dry_run { "&dryRun=All" } else { "" };
        let path = format!("{path}?fieldManager={}&fieldValidation=Strict{dry_run}", self.field_manager);
        self.cluster
            .transport
            .call(&Call { method, path, body: Some(object.to_string().into_bytes()), range: None })
            .await
    }

    fn written(
        &self,
        verb: &'static str,
        target: &ObjectRef,
        answer: Answer,
        (api, installation): (Api, Installation),
    ) -> Result<Value, AccessError> {
        if !answer.is_success() {
            return Err(answer.into_error(verb, target, self.cluster.server()));
        }
        let stored = self.cluster.document(&answer, target)?;
        if !target.kind.is_calico() {
            return Ok(stored);
        }
        if !self.dry_run {
            self.cluster.stored.borrow_mut().insert(target.clone(), stored.clone());
        }
        self.cluster.converted(target, stored, api, installation)
    }
}

impl Cluster {
    fn document(&self, answer: &Answer, object: &ObjectRef) -> Result<Value, AccessError> {
        let understood = serde_json::from_slice::<Value>(&answer.body).map_err(|error| error.to_string());
        let understood = understood.and_then(|value| match value.is_object() {
            true => Ok(value),
            false => Err("it is not an object".into()),
        });
        understood.map_err(|reason| answer.not_understood(self.server(), &object.to_string(), &reason))
    }

    fn converted(
        &self,
        object: &ObjectRef,
        stored: Value,
        api: Api,
        installation: Installation,
    ) -> Result<Value, AccessError> {
        let version = installation.version;
        let converted = from_server(object.kind, stored, api.shape(version), version);
        let refused = |reason| AccessError::Invalid { object: object.to_string(), reason };
        converted.map(|converted| converted.value).map_err(refused)
    }
}

/// Which object a document is.
fn reference(object: &Value) -> Result<ObjectRef, AccessError> {
    let text = |value: &Value| value.as_str().filter(|text| !text.is_empty()).map(str::to_string);
    let (api_version, kind) = (text(&object["apiVersion"]), text(&object["kind"]));
    let (api_version, kind) = (api_version.unwrap_or_default(), kind.unwrap_or_default());
    let name = text(&object["metadata"]["name"]);
    let shown = format!("{kind} {}", name.as_deref().unwrap_or("without a name"));
    let refused = |reason: &str| AccessError::Invalid { object: shown.clone(), reason: reason.to_string() };
    let kind = Kind::of_document(&api_version, &kind).ok_or_else(|| {
        refused(&format!("apiVersion {api_version:?} and kind {kind:?} name nothing that is written here"))
    })?;
    let name = name.ok_or_else(|| refused("metadata.name is not set"))?;
    let namespace = text(&object["metadata"]["namespace"]);
    match (kind.resource().namespaced, namespace) {
        (true, None) => Err(refused("metadata.namespace is not set")),
        (false, _) => Ok(ObjectRef { kind, namespace: None, name }),
        (true, namespace) => Ok(ObjectRef { kind, namespace, name }),
    }
}

/// The version that a write is planned on; without one it would overwrite whatever is there.
fn resource_version<'a>(target: &ObjectRef, object: &'a Value) -> Result<&'a str, AccessError> {
    let version = object["metadata"]["resourceVersion"].as_str().filter(|version| !version.is_empty());
    version.ok_or_else(|| AccessError::Invalid {
        object: target.to_string(),
        reason: "metadata.resourceVersion is not set, so that it cannot be seen whether somebody else changed it"
            .into(),
    })
}
