//! Command lines of the cluster's own programs, as their pods show them.
//! Never knows what a flag decides.

use crate::kubernetes::objects::{Container, Objects};

/// The command lines of all containers of this name, in pods and in what makes pods, each with where it is written.
pub fn of<'o>(objects: &'o Objects, program: &'o str) -> Vec<(Flags<'o>, String)> {
    let place = |kind: &str, namespace: &Option<String>, name: &str| match namespace {
        Some(namespace) => format!("{kind} {namespace}/{name}"),
        None => format!("{kind} {name}"),
    };
    let named = |container: &&Container| container.name == program;
    let workloads = objects.workloads.iter().filter_map(|workload| {
        let container = workload.spec.template.spec.containers.iter().find(named)?;
        let metadata = &workload.metadata;
        Some((Flags(container), place(&workload.kind, &metadata.namespace, &metadata.name)))
    });
    let pods = objects.pods.iter().filter_map(|pod| {
        let container = pod.spec.containers.iter().find(named)?;
        Some((Flags(container), place("Pod", &pod.metadata.namespace, &pod.metadata.name)))
    });
    workloads.chain(pods).collect()
}

/// The command line of one container.
#[derive(Clone, Copy)]
pub struct Flags<'o>(&'o Container);

impl Flags<'_> {
    /// The value of `--name=value` or `--name value`; the last one counts, as with Go's flags.
    pub fn get(&self, name: &str) -> Option<String> {
        let line = || self.0.command.iter().chain(&self.0.args).flat_map(|text| text.split_whitespace());
        let values = line().zip(line().skip(1).map(Some).chain([None])).filter_map(|(word, next)| {
            let rest = word.strip_prefix("--")?.strip_prefix(name)?;
            match rest.strip_prefix('=') {
                Some(value) => Some(value),
                None => next.filter(|_| rest.is_empty()),
            }
        });
        values.last().map(|value| value.trim_matches(['"', '\'']).to_string())
    }

    /// Whether there is a command line at all: a snapshot of an older version leaves it out.
    pub fn is_known(&self) -> bool {
        !self.0.command.is_empty() || !self.0.args.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_read_in_both_forms() {
        let command = vec!["kube-apiserver".to_string(), "--service-node-port-range=30000-31000".into()];
        let args = vec!["--service-cluster-ip-range".to_string(), "10.96.0.0/12".into(), "--v=2 --v=3".into()];
        let container = Container { command, args, ..Container::default() };
        let flags = Flags(&container);
        assert_eq!(flags.get("service-node-port-range").as_deref(), Some("30000-31000"));
        assert_eq!(flags.get("service-cluster-ip-range").as_deref(), Some("10.96.0.0/12"));
        assert_eq!(flags.get("v").as_deref(), Some("3"));
        assert_eq!(flags.get("service"), None);
        assert!(flags.is_known() && !Flags(&Container::default()).is_known());
    }
}
