//! The answer to `status`: what is locked, the grants, what was noticed; as text, and as JSON for programs.
//! Never knows how any of it was found.

use std::fmt::Write;

use comfy_table::{ContentArrangement, Table, presets};
use serde::Serialize;

use super::explanation::UnreadView;
use super::facts::FactView;
use super::paint::{Paint, harmless};
use super::table::columns;
use crate::findings::{Finding, Severity};
use crate::kubernetes::objects::Unread;
use crate::model::intent::Hosts;
use crate::model::moment::Moment;
use crate::model::policy::{Direction, PolicyId};
use crate::plan::grant::show_ports;
use crate::plan::perimeter::standing::{Closes, Standing};
use crate::plan::revoke::GrantInfo;
use crate::plan::staged::Standing as Trial;
use crate::plan::status::{Covered, State, Status};

/// How wide the box is, in characters.
const WIDTH: u16 = 110;

/// As text; `wide` names every namespace and the rules of each grant.
pub fn text(status: &Status, wide: bool, paint: Paint) -> String {
    let mut out = summary(status, paint);
    if wide {
        let row = |namespace: &Covered| {
            let state = if namespace.locked { "locked" } else { "open" };
            let why = namespace.left_out.clone().unwrap_or_default();
            vec![namespace.name.clone(), state.into(), namespace.pods.to_string(), why]
        };
        let rows: Vec<Vec<String>> = status.namespaces.iter().map(row).collect();
        _ = write!(out, "\n{}", columns(&["NAMESPACE", "STATE", "PODS", "LEFT OUT AS"], &rows));
    }
    if !status.grants.is_empty() {
        _ = write!(out, "\n{}", grants(status, wide));
    }
    if !status.findings.is_empty() {
        let rows: Vec<Vec<String>> = status.findings.iter().map(finding).collect();
        _ = write!(out, "\n{}", columns(&["CODE", "SEVERITY", "OBJECT", "WHERE", "WHAT"], &rows));
    }
    for gap in &status.gaps {
        _ = writeln!(out, "\n{}: not seen: {}", paint.warning("Warning"), harmless(gap));
    }
    out
}

fn summary(status: &Status, paint: Paint) -> String {
    let mut table = Table::new();
    table.load_style(presets::UTF8_BORDERS_ONLY).set_content_arrangement(ContentArrangement::Dynamic).set_width(WIDTH);
    let names = |keep: &dyn Fn(&&Covered) -> bool| {
        let names: Vec<&str> = status.namespaces.iter().filter(keep).map(|covered| covered.name.as_str()).collect();
        match names.is_empty() {
            true => "none".to_string(),
            false => format!("{}: {}", names.len(), names.join(", ")),
        }
    };
    let by: Vec<String> = status.lockdowns.iter().map(PolicyId::to_string).collect();
    let state = match (status.state, by.is_empty()) {
        (State::Open, _) => "open: no lockdown".to_string(),
        (state, _) => format!("{state} by {}", by.join(", ")),
    };
    let trial = status.trial.as_ref();
    let mut row = |name: &str, value: &str| _ = table.add_row([name.to_string(), harmless(value).into_owned()]);
    row("Applications", &state);
    if let Some(trial) = trial {
        row("On trial", &on_trial(trial));
    }
    row("Locked", &names(&|namespace| namespace.locked));
    row("Open", &names(&|namespace| !namespace.locked && namespace.left_out.is_none()));
    row("Left out", &names(&|namespace| !namespace.locked && namespace.left_out.is_some()));
    row("Perimeter", &perimeter(&status.perimeter));
    row("Grants", &status.grants.len().to_string());
    row("Findings", &counts(&status.findings));
    row("Calico", status.calico.as_deref().unwrap_or("version not known"));
    let text = table.to_string() + "\n";
    match status.state {
        State::Locked => text,
        state => text.replacen(&state.to_string(), &paint.warning(&state.to_string()), 1),
    }
}

/// What closes nothing until it is promoted.
fn on_trial(trial: &Trial) -> String {
    let mut parts = Vec::new();
    for (word, policies) in [
        ("staged", &trial.staged),
        ("observed", &trial.observing),
        ("nodes observed", &trial.nodes.iter().cloned().collect()),
    ] {
        let names: Vec<String> = policies.iter().map(PolicyId::to_string).collect();
        if !names.is_empty() {
            parts.push(format!("{word} by {}", names.join(", ")));
        }
    }
    format!("{}; it closes nothing until `kubectl zerotrust promote`", parts.join("; "))
}

fn perimeter(standing: &Standing) -> String {
    let mut text = standing.closes.to_string();
    if !standing.policies.is_empty() {
        let by: Vec<String> = standing.policies.iter().map(PolicyId::to_string).collect();
        text.push_str(&format!(" ({})", by.join(", ")));
    }
    if !standing.open_nodes.is_empty() {
        text.push_str(&format!("; open by {}", standing.open_nodes.join(", ")));
    }
    if let Some(hosts) = &standing.hosts {
        let ports = hosts.ports.iter().chain(&hosts.found).map(ToString::to_string);
        let open: Vec<String> = hosts.from.iter().map(ToString::to_string).chain(ports).collect();
        if !open.is_empty() {
            text.push_str(&format!("; but for {}", open.join(", ")));
        }
    }
    text
}

fn counts(findings: &[Finding]) -> String {
    let count = |severity| findings.iter().filter(|finding| finding.code.severity == severity).count();
    let parts: Vec<String> = [(Severity::Error, "error"), (Severity::Warning, "warning"), (Severity::Info, "remark")]
        .into_iter()
        .map(|(severity, word)| (count(severity), word))
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!("{count} {word}{}", if count == 1 { "" } else { "s" }))
        .collect();
    if parts.is_empty() { "none".into() } else { parts.join(", ") }
}

/// The grants; when they end only where one does.
fn grants(status: &Status, wide: bool) -> String {
    let end = status.grants.iter().any(|info| info.grant.expires.is_some());
    let further = [("UNTIL", end), ("RULES", wide)].into_iter().filter(|(_, shown)| *shown).map(|(heading, _)| heading);
    let headings: Vec<&str> = ["GRANT", "FROM", "TO", "PORTS", "REASON"].into_iter().chain(further).collect();
    let row = |info: &GrantInfo| {
        let until = match info.grant.expires {
            Some(moment) if status.overdue.contains(&info.id) => format!("{moment} (overdue)"),
            Some(moment) => moment.to_string(),
            None => String::new(),
        };
        grant(info, end.then_some(until), wide)
    };
    let rows: Vec<Vec<String>> = status.grants.iter().map(row).collect();
    columns(&headings, &rows)
}

fn grant(info: &GrantInfo, until: Option<String>, wide: bool) -> Vec<String> {
    let ports = show_ports(info.grant.ports.as_deref());
    let reason = info.grant.reason.clone().unwrap_or_default();
    let mut row = vec![info.id.clone(), info.grant.from.to_string(), info.grant.to.to_string(), ports, reason];
    row.extend(until);
    if wide {
        let rules = info.rules.iter().map(|(policy, direction, index)| format!("{policy} {direction} {index}"));
        row.push(rules.collect::<Vec<_>>().join(", "));
    }
    row
}

fn finding(finding: &Finding) -> Vec<String> {
    let severity = match finding.code.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "info",
    };
    let place = finding.place.clone().unwrap_or_else(|| "-".into());
    let detail = format!("{}: {}", finding.code.title, finding.detail);
    vec![finding.code.code.into(), severity.into(), finding.object.clone(), place, detail]
}

#[derive(Serialize)]
struct View<'a> {
    state: State,
    lockdowns: Vec<PolicyView<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trial: Option<TrialView<'a>>,
    perimeter: PerimeterView<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    calico: Option<&'a str>,
    namespaces: &'a [Covered],
    grants: Vec<GrantView<'a>>,
    findings: &'a [Finding],
    gaps: &'a [String],
    facts: Vec<FactView<'a>>,
    unread: Vec<UnreadView>,
}

/// What is staged or observed, which closes nothing.
#[derive(Serialize)]
struct TrialView<'a> {
    staged: Vec<PolicyView<'a>>,
    observing: Vec<PolicyView<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    nodes: Option<PolicyView<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PerimeterView<'a> {
    closes: Closes,
    policies: Vec<PolicyView<'a>>,
    open_nodes: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    allowed: Option<&'a Hosts>,
}

#[derive(Serialize)]
struct PolicyView<'a> {
    kind: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<&'a str>,
    name: &'a str,
}

#[derive(Serialize)]
struct GrantView<'a> {
    id: &'a str,
    from: String,
    to: String,
    ports: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    /// RFC 3339 in UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires: Option<Moment>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    overdue: bool,
    policy: PolicyView<'a>,
    rules: Vec<RuleView<'a>>,
}

#[derive(Serialize)]
struct RuleView<'a> {
    #[serde(flatten)]
    policy: PolicyView<'a>,
    direction: Direction,
    rule: usize,
}

impl<'a> From<&'a PolicyId> for PolicyView<'a> {
    fn from(id: &'a PolicyId) -> PolicyView<'a> {
        PolicyView { kind: id.kind.to_string(), namespace: id.namespace.as_deref(), name: &id.name }
    }
}

/// For programs.
pub fn value<'a>(status: &'a Status, unread: &[Unread]) -> impl Serialize + use<'a> {
    let grant = |info: &'a GrantInfo| GrantView {
        id: &info.id,
        from: info.grant.from.to_string(),
        to: info.grant.to.to_string(),
        ports: show_ports(info.grant.ports.as_deref()),
        reason: info.grant.reason.as_deref(),
        expires: info.grant.expires,
        overdue: status.overdue.contains(&info.id),
        policy: PolicyView::from(&info.policy),
        rules: info
            .rules
            .iter()
            .map(|(policy, direction, rule)| RuleView { policy: policy.into(), direction: *direction, rule: *rule })
            .collect(),
    };
    View {
        state: status.state,
        lockdowns: status.lockdowns.iter().map(PolicyView::from).collect(),
        trial: status.trial.as_ref().map(|trial| TrialView {
            staged: trial.staged.iter().map(PolicyView::from).collect(),
            observing: trial.observing.iter().map(PolicyView::from).collect(),
            nodes: trial.nodes.as_ref().map(PolicyView::from),
        }),
        perimeter: PerimeterView {
            closes: status.perimeter.closes,
            policies: status.perimeter.policies.iter().map(PolicyView::from).collect(),
            open_nodes: &status.perimeter.open_nodes,
            allowed: status.perimeter.hosts.as_ref(),
        },
        calico: status.calico.as_deref(),
        namespaces: &status.namespaces,
        grants: status.grants.iter().map(grant).collect(),
        findings: &status.findings,
        gaps: &status.gaps,
        facts: status.facts.iter().map(FactView::from).collect(),
        unread: unread.iter().map(UnreadView::from).collect(),
    }
}
