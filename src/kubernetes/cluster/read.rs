//! Answers queries from a live API server: all at the same time, in pages, each with what could not be seen.
//! Never knows what the objects are for.

use futures_util::future::{try_join, try_join_all};
use serde_json::Value;

use super::Cluster;
use super::api::Api;
use super::datastore::in_etcd;
use super::installation::Installation;
use super::locate::{Location, PAGE};
use super::transport::Call;
use crate::kubernetes::calico::{from_server, is_tiered, stored_name};
use crate::kubernetes::labels::LabelRequirements;
use crate::kubernetes::names::Kind;
use crate::kubernetes::objects::{self, Answer, Coverage, Objects, Place, Query, Unread};
use crate::kubernetes::page::{documents, of_one};
use crate::kubernetes::slim::slim;
use crate::kubernetes::{AccessError, ObjectRef, Reader};

/// What a query brought, before Calico's objects are converted.
pub(super) enum Fetched {
    /// Objects of Kubernetes' own kinds.
    Read(Box<Objects>),
    /// Objects of Calico's kinds as they are stored.
    Stored(Vec<Value>),
    /// Objects of any kind as they are stored, for a snapshot.
    Raw(Vec<Value>),
    NotServed,
    /// Refused.
    Hidden(String),
    /// Not answered.
    Failed(String),
}

impl Reader for Cluster {
    async fn read(&self, queries: &[Query], objects: &mut Objects) -> Result<(), AccessError> {
        // Calico's version decides how its names are read. It is asked for along with the rest, unless the rest holds it.
        let about_calico = queries.iter().any(|query| query.kind.is_calico());
        let told_by = queries.iter().position(tells_version);
        let ask_version = about_calico && told_by.is_none();
        // What lies in etcd is not seen, though custom resources may be left over from another time.
        let etcd = async { if about_calico { self.etcd_beside(self.api().await?).await } else { Ok(None) } };
        let version = async { if ask_version { self.find_installation().await } else { Ok(None) } };
        let answers = try_join_all(queries.iter().map(|query| self.ask(query)));
        let (etcd, (mut installation, mut fetched)) = try_join(etcd, try_join(version, answers)).await?;
        if let Some(Fetched::Stored(found)) = told_by.map(|index| &fetched[index]) {
            let default = found.iter().find(|object| object["metadata"]["name"] == "default");
            installation = Some(default.map_or(Installation::UNKNOWN, |object| Installation::of_spec(&object["spec"])));
            self.installation.set(installation);
        }
        let api = if about_calico { self.api().await? } else { Api::Crd };
        for (query, fetched) in queries.iter().zip(&mut fetched) {
            self.look_behind_refusal(query, fetched).await?;
        }
        for (query, fetched) in queries.iter().zip(fetched) {
            let fetched = match &etcd {
                Some(sign) if query.kind.is_calico() => Fetched::Hidden(in_etcd(sign)),
                _ => fetched,
            };
            let answer = match fetched {
                Fetched::Read(found) => {
                    objects.append(*found);
                    Answer::Complete
                }
                Fetched::Stored(found) | Fetched::Raw(found) => {
                    self.convert(query, found, api, installation.unwrap_or(Installation::UNKNOWN), objects)?;
                    Answer::Complete
                }
                Fetched::NotServed => Answer::NotServed,
                Fetched::Hidden(reason) => Answer::Hidden(reason),
                Fetched::Failed(reason) => {
                    objects.failed.push((query.kind, reason.clone()));
                    Answer::Hidden(reason)
                }
            };
            objects.coverage_mut(query.kind).push(Coverage { query: query.clone(), answer });
        }
        Ok(())
    }
}

impl Cluster {
    /// Asks for one query, at each version of its kind until one is served.
    async fn ask(&self, query: &Query) -> Result<Fetched, AccessError> {
        let mut fetched = Fetched::NotServed;
        for location in self.locations(query.kind).await? {
            fetched = self.fetch(query, &location, Fetched::nothing_yet).await?;
            if !matches!(fetched, Fetched::NotServed) {
                break;
            }
        }
        Ok(fetched)
    }

    /// Asks at one place; `empty` is what the objects are put into.
    pub(super) async fn fetch(
        &self,
        query: &Query,
        location: &Location,
        empty: fn(Kind) -> Fetched,
    ) -> Result<Fetched, AccessError> {
        let one_namespace = query.namespace.is_some() || !query.kind.resource().namespaced;
        let only_name = query.labels.is_none() && query.fields.is_none();
        match &query.name {
            Some(name) if one_namespace && only_name && !is_tiered(query.kind) => {
                self.fetch_one(query, location, name, empty).await
            }
            _ => self.fetch_list(query, location, empty).await,
        }
    }

    async fn fetch_one(
        &self,
        query: &Query,
        location: &Location,
        name: &str,
        empty: fn(Kind) -> Fetched,
    ) -> Result<Fetched, AccessError> {
        let path = location.object(query.namespace.as_deref(), name)?;
        let answer = self.transport.call(&Call::get(path)).await?;
        let mut found = empty(query.kind);
        match answer.status {
            200 => {
                let page = of_one(&answer.body);
                found.add(query.kind, &page).map_err(|e| answer.not_understood(self.server(), &words(query), &e))?;
                Ok(found)
            }
            404 if answer.is_not_served() => Ok(Fetched::NotServed),
            404 => Ok(found),
            403 => Ok(Fetched::Hidden(answer.message())),
            500 => Ok(Fetched::Failed(answer.said())),
            _ => Err(self.no_list(answer, &words(query))),
        }
    }

    async fn fetch_list(
        &self,
        query: &Query,
        location: &Location,
        empty: fn(Kind) -> Fetched,
    ) -> Result<Fetched, AccessError> {
        let mut found = empty(query.kind);
        let (mut limit, mut token) = (PAGE, None);
        loop {
            let path = location.page(query, limit, token.as_deref())?;
            let answer = self.transport.call(&Call::get(path)).await?;
            match answer.status {
                200 => {
                    let added = found.add(query.kind, &answer.body);
                    token = added.map_err(|e| answer.not_understood(self.server(), &words(query), &e))?;
                    if token.is_none() {
                        return Ok(found);
                    }
                }
                // The pages took longer than the server keeps its history (five minutes): all at once, from the start.
                410 if token.is_some() => {
                    (found, limit, token) = (empty(query.kind), 0, None);
                }
                404 => return Ok(Fetched::NotServed),
                403 => return Ok(Fetched::Hidden(answer.message())),
                // This kind cannot be read, as when its conversion webhook is down; others can.
                500 => return Ok(Fetched::Failed(answer.said())),
                _ => return Err(self.no_list(answer, &words(query))),
            }
        }
    }

    /// The API server refuses what a user may not read before it looks whether it is served at all. What every user may
    /// ask, the list of what is served, tells the two apart.
    pub(super) async fn look_behind_refusal(&self, query: &Query, fetched: &mut Fetched) -> Result<(), AccessError> {
        if !query.kind.may_be_absent() || !matches!(fetched, Fetched::Hidden(_) | Fetched::Failed(_)) {
            return Ok(());
        }
        for location in self.locations(query.kind).await? {
            if self.serves(&location).await? != Some(false) {
                return Ok(());
            }
        }
        *fetched = Fetched::NotServed;
        Ok(())
    }

    /// Adds Calico's objects in v3 form, as far as the query means them.
    fn convert(
        &self,
        query: &Query,
        found: Vec<Value>,
        api: Api,
        installation: Installation,
        objects: &mut Objects,
    ) -> Result<(), AccessError> {
        let malformed = |reason| AccessError::Invalid { object: words(query), reason };
        let labels = query.labels.as_deref().map(LabelRequirements::parse).transpose().map_err(malformed)?;
        for stored in found {
            let kind = query.kind;
            let (shown, namespace) = named(kind, &stored);
            let unread = |reason| Unread {
                place: Place::Server,
                object: Some(shown.clone()),
                kind: Some(kind),
                namespace: namespace.clone(),
                reason,
            };
            let shape = api.shape(installation.version);
            let converted = match from_server(kind, stored, shape, installation.version) {
                Ok(converted) => converted,
                Err(reason) => {
                    objects.unread.push(unread(reason));
                    continue;
                }
            };
            let name = converted.value["metadata"]["name"].as_str().unwrap_or_default().to_string();
            let meant = query.name.as_ref().is_none_or(|wanted| *wanted == name)
                && labels.as_ref().is_none_or(|labels| labels.matches(&labels_of(&converted.value)));
            if !meant {
                continue;
            }
            if api == Api::Crd && converted.stored_name != stored_name(kind, &name, installation.version) {
                let object = ObjectRef { kind, namespace: namespace.clone(), name };
                self.unusual_names.borrow_mut().insert(object, converted.stored_name.clone());
            }
            let notices = converted.notices.into_iter().map(|(code, detail)| objects::Notice {
                code,
                object: shown.clone(),
                place: Place::Server,
                detail,
            });
            objects.notices.extend(notices);
            objects.judge(kind, &converted.value, &shown, &Place::Server, installation.version);
            if let Err(reason) = objects.add(kind, converted.value, &converted.stored_name, Place::Server) {
                objects.unread.push(unread(reason));
            }
        }
        Ok(())
    }
}

impl Fetched {
    fn nothing_yet(kind: Kind) -> Fetched {
        if kind.is_calico() { Fetched::Stored(Vec::new()) } else { Fetched::Read(Box::default()) }
    }

    /// Adds a page and gives back what to ask the next one with. One malformed object does not hide the others.
    fn add(&mut self, kind: Kind, page: &[u8]) -> Result<Option<String>, String> {
        match self {
            Fetched::Read(objects) => objects.add_page(kind, page).or_else(|_| {
                let page = documents(page)?;
                let next = page.next();
                for value in page.items {
                    let (object, namespace) = named(kind, &value);
                    if let Err(reason) = objects.add(kind, value, "", Place::Server) {
                        let (object, kind) = (Some(object), Some(kind));
                        objects.unread.push(Unread { place: Place::Server, object, kind, namespace, reason });
                    }
                }
                Ok(next)
            }),
            Fetched::Stored(found) => {
                let page = documents(page)?;
                let next = page.next();
                found.extend(page.items);
                Ok(next)
            }
            Fetched::Raw(found) => {
                let page = documents(page)?;
                let next = page.next();
                found.extend(page.items.into_iter().map(|object| slim(kind, object)));
                Ok(next)
            }
            Fetched::NotServed | Fetched::Hidden(_) | Fetched::Failed(_) => Err("an answer after none".into()),
        }
    }
}

/// Whether the query brings ClusterInformation `default`.
fn tells_version(query: &Query) -> bool {
    query.kind == Kind::ClusterInformation
        && (query.is_everything() || *query == Query::all(Kind::ClusterInformation).named("default"))
}

/// An object as a person calls it, and its namespace.
fn named(kind: Kind, object: &Value) -> (String, Option<String>) {
    let text = |field: &str| object["metadata"][field].as_str().map(str::to_string);
    let namespace = text("namespace");
    let object = ObjectRef { kind, namespace: namespace.clone(), name: text("name").unwrap_or_default() };
    (object.to_string(), namespace)
}

fn labels_of(object: &Value) -> std::collections::BTreeMap<String, String> {
    let labels = object["metadata"]["labels"].as_object();
    let text = |(key, value): (&String, &Value)| Some((key.clone(), value.as_str()?.to_string()));
    labels.into_iter().flatten().filter_map(text).collect()
}

/// A query as a person would say it.
fn words(query: &Query) -> String {
    let mut text = query.kind.to_string();
    for (before, part) in [
        (" ", &query.name),
        (" in namespace ", &query.namespace),
        (" with labels ", &query.labels),
        (" with fields ", &query.fields),
    ] {
        if let Some(part) = part {
            text.push_str(before);
            text.push_str(part);
        }
    }
    text
}
