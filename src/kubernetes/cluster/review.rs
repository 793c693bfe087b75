//! What this program may do on this API server: asked before something is begun that could not be finished.
//! Never writes anything (a review is made and not kept), and never decides what to do about a no.

use futures_util::future::try_join_all;
use http::Method;
use serde_json::{Value, json};

use super::Cluster;
use super::api::Api;
use super::transport::Call;
use crate::kubernetes::calico::is_tiered;
use crate::kubernetes::names::{CALICO_GROUP, Kind};
use crate::kubernetes::rights::{Need, Right};
use crate::kubernetes::{AccessError, ObjectRef};

const ACCESS: &str = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
const IDENTITY: &str = "/apis/authentication.k8s.io/v1/selfsubjectreviews";

impl Cluster {
    /// The rights that a write takes here: in the API group in use, under the stored name, and where Calico asks for rights on
    /// tiers those on the object's tier.
    pub async fn needs(&self, verb: &'static str, object: &ObjectRef, tier: &str) -> Result<Vec<Need>, AccessError> {
        let location = self.location(object.kind).await?;
        // RBAC does not know the name of what is made.
        let name = match verb {
            "create" => None,
            _ => Some(self.stored_name_of(object).await?),
        };
        let right = |resource: &str, name: Option<String>| Right {
            verb,
            group: location.group,
            resource: resource.to_string(),
            namespace: object.namespace.clone(),
            name,
        };
        let plural = object.kind.resource().plural;
        let mut needs = vec![Need(vec![right(plural, name.clone())])];
        if self.asks_for_tiers(object.kind).await? {
            // As Calico's authorizer has it: reading the tier, and the verb on the kind in it, by the tier's pattern or the
            // policy's own name.
            let tiers = Kind::Tier.resource();
            let (resource, tier_name) = (tiers.plural.to_string(), Some(tier.to_string()));
            let get = Right { verb: "get", group: CALICO_GROUP, resource, namespace: None, name: tier_name };
            let resource = format!("tier.{plural}");
            let names = [format!("{tier}.*"), object.name.clone()];
            needs.push(Need(vec![get]));
            needs.push(Need(names.into_iter().map(|name| right(&resource, Some(name))).collect()));
        }
        Ok(needs)
    }

    /// Whether Calico itself asks for rights on tiers: its own API server since 3.29, its webhook for native resources always.
    async fn asks_for_tiers(&self, kind: Kind) -> Result<bool, AccessError> {
        if !is_tiered(kind) {
            return Ok(false);
        }
        let version = self.needed_installation(kind).await?.version;
        Ok(match self.api().await? {
            Api::Crd => false,
            Api::Native => true,
            Api::Aggregated => version.is_some_and(|version| version.at_least(3, 29)),
        })
    }

    /// Those of the needs that are not met, all asked at the same time. Where the server does not say, nothing is lacking: it
    /// will say when it is written to.
    pub async fn lacking(&self, needs: Vec<Need>) -> Result<Vec<Need>, AccessError> {
        let mut distinct = needs;
        distinct.sort();
        distinct.dedup();
        let met = try_join_all(distinct.iter().map(|need| self.meets(need))).await?;
        Ok(distinct.into_iter().zip(met).filter(|(_, met)| !met).map(|(need, _)| need).collect())
    }

    async fn meets(&self, need: &Need) -> Result<bool, AccessError> {
        let answers = try_join_all(need.0.iter().map(|right| self.may(right))).await?;
        Ok(answers.into_iter().any(|may| may))
    }

    async fn may(&self, right: &Right) -> Result<bool, AccessError> {
        let mut attributes = json!({ "verb": right.verb, "group": right.group, "resource": right.resource });
        let optional = [("namespace", &right.namespace), ("name", &right.name)];
        for (field, value) in optional.into_iter().filter_map(|(field, value)| Some((field, value.as_ref()?))) {
            attributes[field] = value.as_str().into();
        }
        let review = json!({ "apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview",
            "spec": { "resourceAttributes": attributes } });
        let review = self.review(ACCESS, &review).await?;
        Ok(review.is_none_or(|review| review["status"]["allowed"] != json!(false)))
    }

    /// Who this program is to the API server (from Kubernetes 1.28 on).
    pub async fn whoami(&self) -> Result<Option<String>, AccessError> {
        let review = json!({ "apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview" });
        let review = self.review(IDENTITY, &review).await?;
        Ok(review.and_then(|review| review["status"]["userInfo"]["username"].as_str().map(str::to_string)))
    }

    /// Makes a review; none where the server does not answer it.
    async fn review(&self, path: &str, review: &Value) -> Result<Option<Value>, AccessError> {
        let body = Some(review.to_string().into_bytes());
        let answer = self.transport.call(&Call { method: Method::POST, path: path.into(), body, range: None }).await?;
        match answer.is_success() {
            true => Ok(serde_json::from_slice(&answer.body).ok()),
            false => Ok(None),
        }
    }
}
