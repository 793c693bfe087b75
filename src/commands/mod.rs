//! The subcommands: one file and one line of the registry for each.
//! Never knows what happens between the flags of a command and its outcome; the rooms do that.

pub mod allow;
pub mod bgp_allow;
pub mod change;
pub mod completion;
pub mod confirming;
pub mod context;
pub mod diagnose;
pub mod explain;
pub mod expose_lb;
pub mod expose_nodeport;
pub mod exposing;
pub mod history;
pub mod lockdown;
pub mod promote;
pub mod rbac;
pub mod revoke;
pub mod session;
pub mod signals;
pub mod snapshot;
pub mod status;
pub mod terms;
pub mod test;
pub mod trial;
pub mod undo;
pub mod unlock;
pub mod validate;
pub mod version;
pub mod waiting;
pub mod watching;
pub mod wireguard_sync;

use context::Context;

use crate::outcome::{Outcome, Problem};

/// Makes the enum that clap reads and the dispatch. The help of a subcommand is the doc comment of its struct.
macro_rules! subcommands {
    ($($module:ident::$name:ident,)*) => {
        /// Every subcommand.
        #[derive(Debug, clap::Subcommand)]
        #[expect(missing_docs, reason = "the documentation of each is that of its struct, which clap shows")]
        pub enum Command {
            $($name($module::$name),)*
        }

        impl Command {
            /// Runs it.
            pub fn run(&self, context: &Context) -> Result<Outcome, Problem> {
                match self {
                    $(Command::$name(command) => command.run(context),)*
                }
            }
        }

        impl Command {
            /// Its name on the command line.
            pub fn name(&self) -> String {
                let module = match self {
                    $(Command::$name(_) => stringify!($module),)*
                };
                module.replace('_', "-")
            }
        }

        /// The file of every subcommand, for the test that none is forgotten.
        pub const FILES: &[&str] = &[$(stringify!($module)),*];
    };
}

subcommands! {
    lockdown::Lockdown,
    promote::Promote,
    unlock::Unlock,
    allow::Allow,
    expose_nodeport::ExposeNodeport,
    expose_lb::ExposeLb,
    bgp_allow::BgpAllow,
    wireguard_sync::WireguardSync,
    revoke::Revoke,
    status::Status,
    explain::Explain,
    diagnose::Diagnose,
    test::Test,
    validate::Validate,
    snapshot::Snapshot,
    history::History,
    undo::Undo,
    rbac::Rbac,
    completion::Completion,
    version::Version,
}
