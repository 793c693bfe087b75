//! Calico's own API server behind a control plane: projectcalico.org/v3 by aggregation, as Calico 3.28 has it.
//! It knows nothing of this crate.

use std::net::TcpListener;
use std::thread::sleep;
use std::time::{Duration, Instant};

use base64::Engine;

use super::control_plane::ControlPlane;
use super::keeper::Keeper;
use super::servers;

/// How long it may take until kube-apiserver hands requests on.
const PATIENCE: Duration = Duration::from_secs(120);
/// The name under which kube-apiserver knows it, which is what its certificate must hold.
const SERVICE: &str = "calico-api.calico-apiserver.svc";

/// A running API server of Calico. Dropping it stops it, and leaves kube-apiserver without an answer for its group.
#[derive(Debug)]
pub struct Aggregated {
    server: Keeper,
}

impl Aggregated {
    /// Starts it and waits until kube-apiserver serves its group.
    pub fn start(plane: &ControlPlane) -> Aggregated {
        let program = servers::build_calico_apiserver();
        let port = {
            let free = TcpListener::bind(("127.0.0.1", 0)).expect("find a free port");
            free.local_addr().expect("read the free port").port()
        };
        let (authority, certificate, key) = plane.serving_pair("calico-api", &[SERVICE, "localhost", "127.0.0.1"]);
        let kubeconfig = plane.kubeconfig();
        let file = |flag: &str, path: &std::path::Path| format!("--{flag}={}", path.display());
        let flags = [
            "--bind-address=127.0.0.1".to_string(),
            format!("--secure-port={port}"),
            file("kubeconfig", kubeconfig),
            file("authentication-kubeconfig", kubeconfig),
            file("authorization-kubeconfig", kubeconfig),
            file("tls-cert-file", &certificate),
            file("tls-private-key-file", &key),
        ];
        let environment = [("KUBECONFIG", kubeconfig), ("DATASTORE_TYPE", std::path::Path::new("kubernetes"))];
        let server = plane.start_beside(program, &flags, &environment, "calico-apiserver.log");
        let bundle = std::fs::read(authority).expect("read the authority's certificate");
        let bundle = base64::engine::general_purpose::STANDARD.encode(bundle);
        // A Service that is a name is the one kind that may lead to loopback.
        plane.apply(&format!(
            "
apiVersion: v1
kind: Namespace
metadata:
  name: calico-apiserver
---
apiVersion: v1
kind: Service
metadata:
  name: calico-api
  namespace: calico-apiserver
spec:
  type: ExternalName
  externalName: localhost
---
apiVersion: apiregistration.k8s.io/v1
kind: APIService
metadata:
  name: v3.projectcalico.org
spec:
  group: projectcalico.org
  version: v3
  groupPriorityMinimum: 1500
  versionPriority: 200
  caBundle: {bundle}
  service: {{name: calico-api, namespace: calico-apiserver, port: {port}}}
"
        ));
        let mut aggregated = Aggregated { server };
        aggregated.wait(plane);
        aggregated
    }

    fn wait(&mut self, plane: &ControlPlane) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let answer = plane.kubectl(["get", "--raw=/apis/projectcalico.org/v3/globalnetworkpolicies"]);
            if answer.status.success() {
                return;
            }
            let words = String::from_utf8_lossy(&answer.stderr).into_owned();
            assert!(self.server.runs(), "Calico's API server ended:\n{}", self.server.log());
            assert!(Instant::now() < deadline, "no projectcalico.org/v3: {words}\n{}", self.server.log());
            sleep(Duration::from_millis(200));
        }
    }
}
