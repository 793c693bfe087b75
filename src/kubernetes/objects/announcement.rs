//! Who announces a Service's address: MetalLB's statuses, and its events.
//! Never knows whether it still does.

use serde::Deserialize;

use super::{Meta, or_default};

/// A ServiceL2Status or ServiceBGPStatus.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct AnnouncementStatus {
    /// Metadata, whose labels say the same as the status.
    pub metadata: Meta,
    /// Status.
    #[serde(deserialize_with = "or_default")]
    pub status: AnnouncedService,
}

/// Which node announces which Service.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AnnouncedService {
    /// The node.
    pub node: String,
    /// The Service.
    pub service_name: String,
    /// Its namespace.
    pub service_namespace: String,
    /// To which BGP peers, of a ServiceBGPStatus.
    #[serde(deserialize_with = "or_default")]
    pub peers: Vec<String>,
}

/// An Event.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Event {
    /// Metadata.
    pub metadata: Meta,
    /// What it is about.
    #[serde(deserialize_with = "or_default")]
    pub involved_object: InvolvedObject,
    /// As `nodeAssigned`.
    pub reason: String,
    /// As `announcing from node "n1" with protocol "layer2"`.
    pub message: String,
    /// When it happened first (RFC 3339).
    pub first_timestamp: Option<String>,
    /// When it happened last.
    pub last_timestamp: Option<String>,
    /// When it happened, where it is of the newer form.
    pub event_time: Option<String>,
    /// Its repetitions, where it is of the newer form.
    pub series: Option<EventSeries>,
}

/// The repetitions of an event.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct EventSeries {
    /// The last one.
    pub last_observed_time: Option<String>,
}

/// What an event is about.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct InvolvedObject {
    /// As `Service`.
    pub kind: String,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
}
