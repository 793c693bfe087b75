//! Keeps a disagreement as a directory: the manifests that `explain -f` reads, the flow, and how it is seen again.
//! Never decides what is kept.

use std::fs;
use std::path::Path;

use serde_json::json;

use crate::generate::probes::Flow;
use crate::probe::{Fate, Sender};
use crate::verdict::{Ruling, protocol};

/// An empty directory.
pub fn fresh(directory: &Path) {
    if directory.exists() {
        fs::remove_dir_all(directory).expect("remove what an earlier world left");
    }
    fs::create_dir_all(directory).expect("make a directory");
}

/// Writes `flows.json`, in the form of the recorded truth, and `README`; gives back what a person should read.
pub fn write(directory: &Path, name: &str, flow: &Flow, ruling: &Ruling, fate: &Fate, how: &str) -> String {
    let probe = &flow.probe;
    let to = match (probe.port, probe.destination.is_ipv6()) {
        (Some(port), true) => format!("[{}]:{port}", probe.destination),
        (Some(port), false) => format!("{}:{port}", probe.destination),
        (None, _) => probe.destination.to_string(),
    };
    let protocol = protocol(probe).to_string().to_lowercase();
    let outcome = match fate {
        Fate::Allowed { .. } => "allow",
        Fate::Dropped => "deny",
        Fate::Mixed => "mixed",
        Fate::Refused | Fate::Unsure(_) => "unsure",
    };
    let mut entry = json!({
        "class": flow.class, "from": probe.source.to_string(), "to": to, "protocol": protocol, "outcome": outcome,
    });
    if let Fate::Allowed { saw: Some(saw), .. } = fate
        && *saw != probe.source
    {
        entry["saw"] = json!(saw.to_string());
    }
    if matches!(probe.sender, Sender::Node(_)) {
        entry["host"] = json!(true);
    }
    if let Some(node) = &probe.entry {
        entry["entries"] = json!({ node: outcome });
    }
    fs::write(directory.join("flows.json"), format!("[\n{entry}\n]\n")).expect("write the flow");
    let (mode, _) = name.split_once('/').unwrap_or((name, ""));
    let by = probe.entry.as_ref().map(|node| format!(" --entry {node}")).unwrap_or_default();
    let story = format!(
        "{name}: {probe}\n  {how}\n  the lab: {fate}\n  we say:  {} ({})\n  ask again:  kubectl zerotrust explain -f {} \
         --from {} --to {to} --protocol {protocol}{by}\n  the world:  ZEROTRUST_LAB_SEED={name} cargo test --test lab \
         (mode {mode})\n",
        ruling.verdict,
        ruling.why,
        directory.join("manifests").display(),
        probe.source,
    );
    fs::write(directory.join("README"), &story).expect("write what happened");
    story
}
