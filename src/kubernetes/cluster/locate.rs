//! The paths under which an API server keeps objects.
//! Never sends anything.

use crate::kubernetes::AccessError;
use crate::kubernetes::names::Kind;
use crate::kubernetes::objects::Query;

/// How many objects one page of a list holds, as kubectl asks for.
pub(super) const PAGE: usize = 500;

/// Where a kind is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Location {
    pub kind: Kind,
    /// Empty for v1.
    pub group: &'static str,
    pub version: &'static str,
}

impl Location {
    /// Where to look, best first. Where Calico's kinds are depends on the cluster: `Cluster::locations` knows.
    pub fn of(kind: Kind) -> Vec<Location> {
        let resource = kind.resource();
        let of_version = |version: &&'static str| Location { kind, group: resource.group, version };
        resource.versions.iter().map(of_version).collect()
    }

    /// Where to write, for kinds that are not Calico's.
    pub fn best(kind: Kind) -> Location {
        Location::of(kind)[0]
    }

    /// The path of the group and version, which describes what is served there.
    pub fn root(&self) -> String {
        match self.group {
            "" => format!("/api/{}", self.version),
            group => format!("/apis/{group}/{}", self.version),
        }
    }

    /// As kubectl takes it: `globalnetworkpolicies.crd.projectcalico.org`, `services`.
    pub fn resource(&self) -> String {
        let plural = self.kind.resource().plural;
        if self.group.is_empty() { plural.to_string() } else { format!("{plural}.{}", self.group) }
    }

    /// The path of all objects, of one namespace where it is given.
    pub fn list(&self, namespace: Option<&str>) -> Result<String, AccessError> {
        let resource = self.kind.resource();
        let root = self.root();
        Ok(match namespace.filter(|_| resource.namespaced) {
            Some(namespace) => format!("{root}/namespaces/{}/{}", self.segment(namespace)?, resource.plural),
            None => format!("{root}/{}", resource.plural),
        })
    }

    /// The path of one object.
    pub fn object(&self, namespace: Option<&str>, name: &str) -> Result<String, AccessError> {
        Ok(format!("{}/{}", self.list(namespace)?, self.segment(name)?))
    }

    /// The path of a page of a list.
    pub fn page(&self, query: &Query, limit: usize, token: Option<&str>) -> Result<String, AccessError> {
        let mut parameters = Vec::new();
        if limit > 0 {
            parameters.push(("limit", limit.to_string()));
        }
        parameters.extend(token.map(|token| ("continue", token.to_string())));
        // The server sees only the labels of the custom resource, and not those that Calico keeps in an annotation; nor
        // does it know a policy's v3 name.
        let (server_knows_labels, server_knows_name) =
            (!query.kind.is_calico(), !crate::kubernetes::calico::is_tiered(query.kind));
        if let Some(labels) = query.labels.as_ref().filter(|_| server_knows_labels) {
            parameters.push(("labelSelector", labels.clone()));
        }
        let name = query.name.as_ref().filter(|_| server_knows_name).map(|name| format!("metadata.name={name}"));
        let fields: Vec<String> = name.into_iter().chain(query.fields.clone()).collect();
        if !fields.is_empty() {
            parameters.push(("fieldSelector", fields.join(",")));
        }
        let parameters: Vec<String> =
            parameters.into_iter().map(|(key, value)| format!("{key}={}", escaped(&value))).collect();
        let path = self.list(query.namespace.as_deref())?;
        Ok(if parameters.is_empty() { path } else { format!("{path}?{}", parameters.join("&")) })
    }

    /// A name as a part of a path; some can be no object's name, and would lead elsewhere.
    fn segment(&self, name: &str) -> Result<String, AccessError> {
        if name.is_empty() || name == "." || name == ".." || name.contains(['/', '%']) {
            let reason = "this cannot be the name of an object".to_string();
            return Err(AccessError::Invalid { object: format!("{} {name:?}", self.kind), reason });
        }
        Ok(escaped(name))
    }
}

/// Everything but unreserved characters in percent form (RFC 3986).
fn escaped(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
            byte => format!("%{byte:02X}"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_those_of_the_api() {
        let page = |query: &Query| Location::best(query.kind).page(query, PAGE, None).unwrap();
        assert_eq!(page(&Query::all(Kind::Pod)), "/api/v1/pods?limit=500");
        assert_eq!(
            page(
                &Query::all(Kind::Pod)
                    .in_namespace("shop")
                    .labelled("app in (a,b)")
                    .with_fields("status.podIP=10.0.0.1")
            ),
            "/api/v1/namespaces/shop/pods?limit=500&labelSelector=app%20in%20%28a%2Cb%29&fieldSelector=status.podIP%3D10.0.0.1"
        );
        assert_eq!(
            page(&Query::all(Kind::Service).named("nginx")),
            "/api/v1/services?limit=500&fieldSelector=metadata.name%3Dnginx"
        );
        assert_eq!(
            page(&Query::all(Kind::NetworkPolicy).labelled("a=b").named("x")),
            "/apis/projectcalico.org/v3/networkpolicies?limit=500"
        );
        let slices = Location::of(Kind::EndpointSlice);
        assert_eq!(slices[1].list(None).unwrap(), "/apis/discovery.k8s.io/v1beta1/endpointslices");
        assert_eq!(
            Location::best(Kind::ConfigMap).object(Some("kube-system"), "zerotrust-0001").unwrap(),
            "/api/v1/namespaces/kube-system/configmaps/zerotrust-0001"
        );
    }

    #[test]
    fn names_that_would_lead_elsewhere_are_refused() {
        for name in ["", ".", "..", "a/b", "%2e"] {
            assert!(Location::best(Kind::Node).object(None, name).is_err(), "{name:?}");
        }
        assert_eq!(Location::best(Kind::Node).object(None, "a?b#c").unwrap(), "/api/v1/nodes/a%3Fb%23c");
    }
}
