//! Real servers for the integration tests: etcd, kube-apiserver, kubectl, calicoctl and Calico's own judgement.
//! It knows nothing of this crate, so that a test here never measures our code with our code.
//!
//! ```text
//! servers::build -> ControlPlane (Scratch, Certificates, Keeper x2) -> kubectl, calicoctl, audit
//!                -> Oracle
//! ```

#![allow(dead_code, unused_imports, reason = "every test binary includes the whole module and uses a part of it")]

mod aggregated;
mod audit;
mod certificates;
mod control_plane;
mod injector;
mod keeper;
mod oracle;
mod relay;
mod servers;
mod terminal;
mod wire;

pub use aggregated::Aggregated;
pub use audit::AuditEvent;
pub use control_plane::{ControlPlane, Place};
pub use injector::{At, Fault, Injector};
pub use keeper::{Keeper, Scratch};
pub use oracle::{Judgement, Oracle};
pub use relay::{Relay, is_write};
pub use servers::{Servers, build, build_calico_apiserver, build_felix, recorded_cases};
pub use terminal::Terminal;
pub use wire::Wire;
