//! What Felix writes before packets that Log rules match, and how often, for the time of an observation.
//! Never changes what nobody asked for, and never what somebody else changed since.

use serde_json::{Value, json};

use super::super::edit::Edit;
use super::super::{Note, PlanError, Step, Weight};
use super::memory::{Changed, Memory};
use crate::kubernetes::ObjectRef;
use crate::kubernetes::names::Kind;
use crate::model::world::{Fact, Version, World};

/// What an operator asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Logging {
    /// logPrefix.
    pub prefix: Option<String>,
    /// logActionRateLimit, as `10/second`.
    pub rate: Option<String>,
}

impl Logging {
    /// Whether anything is asked for.
    pub fn is_asked(&self) -> bool {
        self.prefix.is_some() || self.rate.is_some()
    }
}

const PREFIX: &str = "logPrefix";
const RATE: &str = "logActionRateLimit";
/// What iptables keeps of a prefix, without the colon and the space that Felix adds.
const KEPT: usize = 27;

/// The steps that set it, and what they change.
pub fn steps(world: &World, ask: &Logging, memory: &mut Memory, notes: &mut Vec<Note>) -> Result<Vec<Step>, PlanError> {
    check(world, ask)?;
    let wanted = [(PREFIX, &ask.prefix), (RATE, &ask.rate)];
    let mut edits = Vec::new();
    let mut spec = json!({});
    for (field, value) in wanted.into_iter().filter_map(|(field, value)| Some((field, value.as_ref()?))) {
        refuse_environment(world, field)?;
        let now = set_now(world, field);
        if now == *value {
            continue;
        }
        let was = memory.felix.get(field).map_or_else(|| now.clone(), |changed| changed.was.clone());
        memory.felix.insert(field.to_string(), Changed { was, is: json!(value) });
        spec[field] = json!(value);
        edits.push(Edit::SetSpec { field: field.into(), expected: now, value: json!(value) });
    }
    if edits.is_empty() {
        return Ok(Vec::new());
    }
    if world.network.log_settings.is_none() {
        let document = json!({"apiVersion": "projectcalico.org/v3", "kind": "FelixConfiguration",
                              "metadata": {"name": "default"}, "spec": spec});
        edits = vec![Edit::Create(document)];
    }
    if let Some(prefix) = ask.prefix.as_ref().filter(|prefix| prefix.len() > KEPT) {
        let text = format!("iptables keeps {KEPT} characters of {prefix:?}; `diagnose` reads it all the same");
        notes.push(Note { weight: Weight::Fact, text });
    }
    let why = "what Log rules write is set for the time of the observation, and comes back after it".to_string();
    Ok(vec![Step { object: object(), planned_on: None, edits, why }])
}

/// The steps that put back what was there.
pub fn back(world: &World, memory: &Memory, notes: &mut Vec<Note>) -> Vec<Step> {
    let mut edits = Vec::new();
    for (field, changed) in &memory.felix {
        if set_now(world, field) == changed.is {
            let (expected, value) = (changed.is.clone(), changed.was.clone());
            edits.push(Edit::SetSpec { field: field.clone(), expected, value });
        } else {
            let text = format!("{field} of FelixConfiguration default is another than the observation set, and stays");
            notes.push(Note { weight: Weight::Warning, text });
        }
    }
    let why = "what Log rules write becomes as it was before the observation".to_string();
    let step = Step { object: object(), planned_on: None, edits, why };
    Some(step).filter(|step| !step.edits.is_empty()).into_iter().collect()
}

fn object() -> ObjectRef {
    ObjectRef { kind: Kind::FelixConfiguration, namespace: None, name: "default".into() }
}

/// What the FelixConfiguration says itself; null where it says nothing.
fn set_now(world: &World, field: &str) -> Value {
    let settings = world.network.log_settings.as_ref();
    settings.and_then(|settings| settings.get(field)).map_or(Value::Null, |value| json!(value))
}

/// Specifiers in the prefix and the rate limit came with 3.30.6, 3.31.4 and 3.32.0; older ones write a specifier as it stands
/// and drop the limit.
fn knows_both(version: Version) -> bool {
    version.at_least(3, 32) || matches!((version.minor, version.patch), (31, 4..) | (30, 6..)) && version.major == 3
}

fn check(world: &World, ask: &Logging) -> Result<(), PlanError> {
    let usage = |reason: String, hint: &str| Err(PlanError::Usage { reason, hints: vec![hint.into()] });
    if ask.is_asked() && world.network.felixes().any(|felix| felix.is_bpf()) {
        return Err(PlanError::Refused {
            reason: "the eBPF dataplane knows neither prefix nor rate of Log rules".into(),
            hints: vec!["leave --log-prefix and --log-rate out".into()],
        });
    }
    if let Some(prefix) = &ask.prefix {
        let is_known = |c: char| c.is_ascii_alphanumeric() || "%: /_-".contains(c);
        if prefix.is_empty() || !prefix.chars().all(is_known) {
            let reason = format!("--log-prefix {prefix:?} holds what Felix does not take");
            return usage(reason, "letters, digits, spaces and %:/_- make a prefix, as --log-prefix 'zt %k %n'");
        }
    }
    if let Some(rate) = &ask.rate {
        let parts = rate.split_once('/');
        let number = parts.and_then(|(number, _)| number.parse::<u32>().ok()).filter(|number| *number > 0);
        let unit = parts.is_some_and(|(_, unit)| ["second", "minute", "hour", "day"].contains(&unit));
        if number.is_none() || !unit {
            return usage(format!("--log-rate {rate:?} is no rate"), "as 10/second, 100/minute, 500/hour or 5/day");
        }
    }
    let has_specifier = |prefix: &String| ["%t", "%k", "%n", "%p"].iter().any(|specifier| prefix.contains(specifier));
    let new = match (&ask.rate, &ask.prefix) {
        (Some(_), _) => "--log-rate",
        (None, Some(prefix)) if has_specifier(prefix) => "a specifier in --log-prefix",
        _ => return Ok(()),
    };
    let since = "came with Calico 3.30.6, 3.31.4 and 3.32.0";
    match world.calico {
        Some(version) if knows_both(version) => Ok(()),
        Some(version) => Err(PlanError::Refused {
            reason: format!("{new} {since}, and this is {version}"),
            hints: vec!["leave it out".into()],
        }),
        None => Err(PlanError::Unknown {
            reason: format!("{new} {since}, and Calico's version is not known"),
            hints: vec!["leave it out, or make the ClusterInformation readable".into()],
        }),
    }
}

/// Felix's environment wins over the FelixConfiguration.
fn refuse_environment(world: &World, field: &str) -> Result<(), PlanError> {
    let felix = &world.network.felix;
    let (told, why) = match field {
        PREFIX => match &felix.log_prefix {
            Fact::Known { evidence, .. } => (evidence, None),
            Fact::Unknown { why } => (why, Some(why)),
        },
        _ => match &felix.log_rate_limit {
            Fact::Known { evidence, .. } => (evidence, None),
            Fact::Unknown { why } => (why, Some(why)),
        },
    };
    if let Some(why) = why {
        return Err(PlanError::Unknown {
            reason: format!("what {field} is now is not known: {why}"),
            hints: vec!["permission to list felixconfigurations".into()],
        });
    }
    match told.contains("FelixConfiguration") || told.starts_with("Felix's default") {
        true => Ok(()),
        false => Err(PlanError::Refused {
            reason: format!(
                "{field} is set in calico-node's environment ({told}), which wins over the FelixConfiguration"
            ),
            hints: vec!["change it there, or leave it out here".into()],
        }),
    }
}
