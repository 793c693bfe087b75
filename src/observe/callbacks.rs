//! What the API server calls in the cluster: admission webhooks, aggregated APIs, conversion webhooks.
//! Never knows whether it can reach them.

use crate::kubernetes::objects::{Objects, ServiceReference};
use crate::model::world::{Callback, World};

/// Fills `callbacks`.
pub fn observe(objects: &Objects, world: &mut World) {
    // A webhook's port is 443 where not set, an APIService's too (admissionregistration.k8s.io, apiregistration.k8s.io).
    let mut call = |service: &ServiceReference, from: String| {
        let ServiceReference { namespace, name, port } = service.clone();
        world.callbacks.push(Callback { namespace, service: name, port: port.unwrap_or(443), from });
    };
    for configuration in objects.webhooks.iter() {
        for webhook in &configuration.webhooks {
            if let Some(service) = &webhook.client_config.service {
                call(service, format!("{} {}", configuration.kind, configuration.metadata.name));
            }
        }
    }
    for service in objects.api_services.iter() {
        if let Some(reference) = &service.spec.service {
            call(reference, format!("APIService {}", service.metadata.name));
        }
    }
    for definition in objects.definitions.iter() {
        let webhook = definition.spec.conversion.webhook.as_ref();
        if let Some(service) = webhook.and_then(|webhook| webhook.client_config.service.as_ref()) {
            call(service, format!("CustomResourceDefinition {}", definition.metadata.name));
        }
    }
    world.callbacks.sort();
    world.callbacks.dedup();
}
