//! `rbac`: the roles that subcommands take, to be applied by an administrator.
//! Never knows which rights those are.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::time::Duration;

use super::context::Context;
use super::session::Session;
use crate::cli::{Format, Output, Records};
use crate::kubernetes::calico::CRD_V1;
use crate::kubernetes::source::Source;
use crate::outcome::{Outcome, Problem};
use crate::rights::manifest::{Subject, documents};
use crate::rights::{self, Api, Wanted};
use crate::show::yaml;

const EXAMPLES: &str = "\
Examples:
  # Who may open and take back, and nothing else
  kubectl zerotrust rbac allow revoke --bind group:developers | kubectl apply -f -

  # A controller that keeps grants up to date
  kubectl zerotrust rbac wireguard-sync --bind serviceaccount:kube-system:zerotrust | kubectl apply -f -

  # Everything, for Calico's objects as custom resources of crd.projectcalico.org, without asking a cluster
  kubectl zerotrust rbac --api crd --name zerotrust-admin";

/// How long a cluster is asked in which group Calico's objects are.
const PATIENCE: Duration = Duration::from_secs(3);
/// What the roles are called where nobody says so.
const NAME: &str = "zerotrust";

/// Print the least roles with which subcommands do their work
///
/// A ClusterRole for what is read and written in all namespaces, and Roles for what is needed in one alone: the records of
/// changes, and the configuration of kube-proxy and Calico. Secrets are never among it. Without SUBCOMMAND it is for all
/// of them. Whether Calico's objects are in crd.projectcalico.org or in projectcalico.org (with rights on its tiers) is read
/// from the cluster, or given by --api; where neither tells, both are printed.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Rbac {
    /// What is to be done with the roles, as `allow` or `wireguard-sync`
    #[arg(value_name = "SUBCOMMAND")]
    subcommands: Vec<String>,
    /// The API group of Calico's objects, instead of asking the cluster
    #[arg(long, value_enum, value_name = "GROUP")]
    api: Option<Group>,
    /// Name of the roles and bindings; without it `zerotrust` with the subcommands behind
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Who gets them: user:NAME, group:NAME or serviceaccount:NAMESPACE:NAME
    #[arg(long, value_name = "KIND:NAME", value_parser = Subject::parse)]
    bind: Vec<Subject>,
    #[command(flatten)]
    format: Format,
    #[command(flatten)]
    records: Records,
}

/// In which API group Calico's objects are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Group {
    /// crd.projectcalico.org
    Crd,
    /// projectcalico.org
    V3,
}

impl Rbac {
    /// Prints them.
    pub fn run(&self, context: &Context) -> Result<Outcome, Problem> {
        let (chosen, wanted) = self.wanted()?;
        let name = self.name.clone().unwrap_or_else(|| match self.subcommands.is_empty() {
            true => NAME.to_string(),
            false => format!("{NAME}-{}", chosen.join("-")),
        });
        let documents = documents(&wanted, self.api(context), &name, &self.records.record_namespace, &self.bind);
        if documents.is_empty() {
            context.say(&format!("{} takes no rights\n", chosen.join(", ")));
        }
        context.print(&match self.format.output {
            Output::Json => yaml::json_objects(&documents),
            Output::Name => documents.iter().map(named).collect(),
            Output::Table | Output::Wide | Output::Yaml => yaml::documents(&documents),
        });
        Ok(Outcome::Done)
    }

    /// The subcommands by their names, and what they take together.
    fn wanted(&self) -> Result<(Vec<String>, Vec<Wanted>), Problem> {
        let asked: Vec<&str> = match self.subcommands.is_empty() {
            true => rights::SUBCOMMANDS.to_vec(),
            false => self.subcommands.iter().map(String::as_str).collect(),
        };
        let (mut chosen, mut wanted) = (Vec::new(), BTreeSet::new());
        for word in asked {
            let name = if word == "sync" { "wireguard-sync" } else { word };
            let rights = rights::of(name).ok_or_else(|| {
                let problem = Problem::usage(format!("{word} is no subcommand that asks an API server for anything"));
                problem.hint(format!("those that do are {}", rights::SUBCOMMANDS.join(", ")))
            })?;
            chosen.push(name.to_string());
            wanted.extend(rights);
        }
        chosen.sort();
        chosen.dedup();
        Ok((chosen, wanted.into_iter().collect()))
    }

    /// In which group Calico's objects are, as far as anybody says.
    fn api(&self, context: &Context) -> Api {
        match self.api {
            Some(Group::Crd) => return Api::Crd,
            Some(Group::V3) => return Api::V3,
            None => {}
        }
        let seen = Cell::new(Api::Both);
        let asked = Session::run(context, async |session| {
            let Source::Cluster(cluster) = &session.source else { return Ok(Outcome::Done) };
            let asked = tokio::time::timeout(PATIENCE, cluster.calico_api()).await;
            let version = asked.map_err(|_| Problem::failed("no answer"))??;
            seen.set(if version == CRD_V1 { Api::Crd } else { Api::V3 });
            Ok(Outcome::Done)
        });
        if seen.get() == Api::Both {
            let why = asked.err().map(|problem| format!(" ({})", problem.message)).unwrap_or_default();
            context.say(&format!(
                "No cluster says in which API group Calico's objects are{why}: the roles are for both; --api says which\n"
            ));
        }
        seen.get()
    }
}

/// As `clusterrole.rbac.authorization.k8s.io/zerotrust`.
fn named(document: &serde_json::Value) -> String {
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_string();
    format!(
        "{}.rbac.authorization.k8s.io/{}\n",
        text(&document["kind"]).to_lowercase(),
        text(&document["metadata"]["name"])
    )
}
