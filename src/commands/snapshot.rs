//! `snapshot`: saves what the tool reads as manifests.
//! Never knows how a manifest is written.

use std::path::PathBuf;

use super::context::Context;
use super::session::Session;
use crate::kubernetes::names::{Kind, RESOURCES};
use crate::kubernetes::objects::Query;
use crate::outcome::{Outcome, Problem};

const EXAMPLES: &str = "\
Examples:
  kubectl zerotrust snapshot ./cluster
  kubectl zerotrust explain -f ./cluster --from shop/web --to billing/api:443";

/// Save what decides about the cluster's traffic as manifests
///
/// Writes every object that this program looks at into a directory, one file for each kind: any question can then be asked
/// with -f, without the cluster. Secrets are never read.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Snapshot {
    /// Where; a directory that does not exist yet or is empty
    directory: PathBuf,
}
