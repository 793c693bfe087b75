//! Objects as documents, in the form in which the API server stores them: what a snapshot keeps.
//! Never reads Secrets, and never knows where the documents go.

use futures_util::future::try_join_all;
use serde_json::Value;

use super::Cluster;
use super::datastore::in_etcd;
use super::read::Fetched;
use crate::kubernetes::AccessError;
use crate::kubernetes::names::Kind;
use crate::kubernetes::objects::{Answer, Query};

/// What one query brought.
#[derive(Clone, Debug, PartialEq)]
pub struct Documents {
    /// What was asked.
    pub query: Query,
    /// What came back.
    pub answer: Answer,
    /// The documents, each with its apiVersion and kind, without what decides nothing.
    pub documents: Vec<Value>,
}

impl Cluster {
    /// Answers queries with whole documents.
    pub async fn raw(&self, queries: &[Query]) -> Result<Vec<Documents>, AccessError> {
        try_join_all(queries.iter().map(|query| self.raw_of(query))).await
    }

    async fn raw_of(&self, query: &Query) -> Result<Documents, AccessError> {
        let (mut fetched, mut version) = (Fetched::NotServed, String::new());
        for location in self.locations(query.kind).await? {
            fetched = self.fetch(query, &location, |_: Kind| Fetched::Raw(Vec::new())).await?;
            version = match location.group {
                "" => location.version.to_string(),
                group => format!("{group}/{}", location.version),
            };
            if !matches!(fetched, Fetched::NotServed) {
                break;
            }
        }
        self.look_behind_refusal(query, &mut fetched).await?;
        if query.kind.is_calico()
            && let Some(sign) = self.etcd_beside(self.api().await?).await?
        {
            fetched = Fetched::Hidden(in_etcd(&sign));
        }
        let (answer, documents) = match fetched {
            Fetched::Raw(found) | Fetched::Stored(found) => (Answer::Complete, found),
            Fetched::Read(_) | Fetched::NotServed => (Answer::NotServed, Vec::new()),
            Fetched::Hidden(reason) | Fetched::Failed(reason) => (Answer::Hidden(reason), Vec::new()),
        };
        // Objects in a list do not repeat what they are.
        let named = |mut document: Value| {
            document["apiVersion"] = version.clone().into();
            document["kind"] = query.kind.to_string().into();
            document
        };
        Ok(Documents { query: query.clone(), answer, documents: documents.into_iter().map(named).collect() })
    }
}
