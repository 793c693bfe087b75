//! What the API server calls in the cluster: webhooks, aggregated APIs, conversions of custom resources.
//! Never knows whether it can reach them.

use serde::Deserialize;

use super::{Meta, or_default};

/// A Validating- or MutatingWebhookConfiguration.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct WebhookConfiguration {
    /// The kind, set by the reader.
    pub kind: String,
    /// Metadata.
    pub metadata: Meta,
    /// Webhooks.
    #[serde(deserialize_with = "or_default")]
    pub webhooks: Vec<Webhook>,
}

/// One webhook.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Webhook {
    /// Its name.
    pub name: String,
    /// Where it is.
    #[serde(deserialize_with = "or_default")]
    pub client_config: ClientConfig,
    /// Fail or Ignore.
    pub failure_policy: Option<String>,
}

/// Where a webhook is.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct ClientConfig {
    /// Behind a Service.
    pub service: Option<ServiceReference>,
}

/// A Service that the API server calls.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(default)]
pub struct ServiceReference {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its port; 443 where not set.
    pub port: Option<u16>,
}

/// An APIService: an aggregated API where it names a Service.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct ApiService {
    /// Metadata.
    pub metadata: Meta,
    /// Spec.
    #[serde(deserialize_with = "or_default")]
    pub spec: ApiServiceSpec,
}

/// The part of its spec that decides something.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct ApiServiceSpec {
    /// None means that the API server itself serves it.
    pub service: Option<ServiceReference>,
}

/// A CustomResourceDefinition: a conversion webhook where it names one.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Definition {
    /// Metadata.
    pub metadata: Meta,
    /// Spec.
    #[serde(deserialize_with = "or_default")]
    pub spec: DefinitionSpec,
}

/// The part of its spec that decides something.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct DefinitionSpec {
    /// How versions are converted.
    #[serde(deserialize_with = "or_default")]
    pub conversion: Conversion,
}

/// How a definition's versions are converted.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Conversion {
    /// By a webhook.
    pub webhook: Option<ConversionWebhook>,
}

/// A conversion webhook.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ConversionWebhook {
    /// Where it is.
    #[serde(deserialize_with = "or_default")]
    pub client_config: ClientConfig,
}
