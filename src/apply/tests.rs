//! Writes against an API server in memory: contention, refusals, interruptions.
//! Never a client: what a real API server does is held in tests/api.

use serde_json::json;

use super::*;
use crate::kubernetes::memory::Memory;
use crate::kubernetes::names::{GRANT, Kind};
use crate::model::policy::Direction;
use crate::model::spec::{EntitySpec, RuleMetadata, RuleSpec};
use crate::plan::Step;

const PATIENCE: Patience = Patience { tries: 200, within: Duration::from_secs(60), spread: Duration::from_millis(0) };

fn reference(name: &str) -> ObjectRef {
    ObjectRef { kind: Kind::NetworkPolicy, namespace: Some("shop".into()), name: name.into() }
}

fn policy(name: &str, ingress: serde_json::Value) -> Value {
    json!({
        "apiVersion": "projectcalico.org/v3",
        "kind": "NetworkPolicy",
        "metadata": { "name": name, "namespace": "shop" },
        "spec": { "selector": "app == 'web'", "types": ["Ingress"], "ingress": ingress },
    })
}

fn rule(number: usize) -> RuleSpec {
    let net = format!("10.{}.{}.1/32", number / 250, number % 250);
    RuleSpec {
        action: "Allow".into(),
        source: EntitySpec { nets: vec![net], ..EntitySpec::default() },
        ..RuleSpec::default()
    }
}

fn plan(steps: Vec<(&str, Vec<Edit>)>) -> Plan {
    let step = |(name, edits): (&str, Vec<Edit>)| Step {
        object: reference(name),
        planned_on: None,
        edits,
        why: String::new(),
    };
    Plan { title: "a test".into(), steps: steps.into_iter().map(step).collect(), ..Plan::default() }
}

fn add(number: usize) -> Vec<Edit> {
    vec![Edit::AddRules(Direction::Ingress, vec![rule(number)])]
}

async fn run(memory: &Memory, plan: Plan) -> Result<(Change, Option<Stop>), Stop> {
    let approved = prepare(memory, plan, None).await?.approved();
    Ok(apply(memory, &approved, None, &Interrupt::default(), PATIENCE).await)
}

fn rules(memory: &Memory, name: &str) -> usize {
    memory
        .see(Kind::NetworkPolicy, "shop", name)
        .map_or(0, |policy| policy["spec"]["ingress"].as_array().unwrap().len())
}

#[tokio::test(start_paused = true)]
async fn many_who_add_to_one_policy_at_the_same_time_lose_nothing() {
    let memory = Memory::default();
    memory.put(policy("web", json!([{ "action": "Deny" }])));
    let runs = (0..60).map(|number| run(&memory, plan(vec![("web", add(number))])));
    for outcome in join_all(runs).await {
        let (change, stop) = outcome.unwrap();
        assert_eq!((change.written.len(), stop), (1, None));
    }
    assert_eq!(rules(&memory, "web"), 61);
    let stored = memory.see(Kind::NetworkPolicy, "shop", "web").unwrap();
    assert_eq!(stored["spec"]["ingress"][60]["action"], "Deny", "the Deny is still the last rule");
}

#[tokio::test(start_paused = true)]
async fn two_who_make_the_same_policy_share_it() {
    let memory = Memory::default();
    let made = |number| {
        let mut policy = policy("web", json!([]));
        policy["metadata"]["annotations"] = json!({ "kubectl-zerotrust/role": "allow" });
        vec![Edit::Create(policy), Edit::AddRules(Direction::Ingress, vec![rule(number)])]
    };
    let runs = (0..5).map(|number| run(&memory, plan(vec![("web", made(number))])));
    for outcome in join_all(runs).await {
        assert_eq!(outcome.unwrap().1, None);
    }
    assert_eq!(rules(&memory, "web"), 5);
}

#[tokio::test(start_paused = true)]
async fn a_deny_that_somebody_adds_in_between_stops_the_write() {
    let mut memory = Memory::default();
    memory.put(policy("web", json!([{ "action": "Deny" }])));
    let done = std::cell::Cell::new(false);
    memory.before = Some(Box::new(move |memory, verb, _| {
        if verb == "replace" && !done.replace(true) {
            memory.put(policy("web", json!([{ "action": "Log" }, { "action": "Deny" }])));
        }
        None
    }));
    let (change, stop) = run(&memory, plan(vec![("web", add(1))])).await.unwrap();
    assert!(matches!(stop, Some(Stop::Stale { .. })), "{stop:?}");
    assert!(change.written.is_empty());
    assert_eq!(rules(&memory, "web"), 2);
}

#[tokio::test(start_paused = true)]
async fn a_plan_that_is_done_already_is_empty() {
    let memory = Memory::default();
    memory.put(policy("web", json!([])));
    run(&memory, plan(vec![("web", add(1))])).await.unwrap();
    assert!(prepare(&memory, plan(vec![("web", add(1))]), None).await.unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_refused_write_stops_and_says_what_was_written() {
    let mut memory = Memory::default();
    memory.put(policy("a", json!([])));
    memory.put(policy("b", json!([])));
    memory.put(policy("c", json!([])));
    memory.before = Some(Box::new(|_, verb, object| {
        (verb == "replace" && object.name == "b").then(|| AccessError::Forbidden {
            verb: "update",
            object: object.to_string(),
            reason: "not yours".into(),
        })
    }));
    let (change, stop) = run(&memory, plan(vec![("a", add(1)), ("b", add(1)), ("c", add(1))])).await.unwrap();
    assert_eq!(change.written.iter().map(|written| written.object.name.as_str()).collect::<Vec<_>>(), ["a"]);
    assert!(matches!(stop, Some(Stop::Access { object, .. }) if object.name == "b"));
    assert_eq!(rules(&memory, "c"), 0);
}

#[tokio::test(start_paused = true)]
async fn an_interruption_stops_between_two_writes() {
    let mut memory = Memory::default();
    memory.put(policy("a", json!([])));
    memory.put(policy("b", json!([])));
    let interrupt = Interrupt::default();
    let raised = interrupt.clone();
    memory.before = Some(Box::new(move |_, verb, _| {
        if verb == "replace" {
            raised.raise();
        }
        None
    }));
    let approved = prepare(&memory, plan(vec![("a", add(1)), ("b", add(1))]), None).await.unwrap().approved();
    let (change, stop) = apply(&memory, &approved, None, &interrupt, PATIENCE).await;
    assert_eq!(change.written.len(), 1);
    assert_eq!(stop, Some(Stop::Interrupted { object: reference("b") }));
}

#[tokio::test(start_paused = true)]
async fn who_always_comes_second_is_told() {
    let mut memory = Memory::default();
    memory.put(policy("web", json!([])));
    let count = std::cell::Cell::new(1000);
    memory.before = Some(Box::new(move |memory, verb, _| {
        if verb == "replace" {
            count.set(count.get() + 1);
            memory.put(policy("web", json!([rule(count.get())])));
        }
        None
    }));
    let approved = prepare(&memory, plan(vec![("web", add(1))]), None).await.unwrap().approved();
    let patience = Patience { tries: 5, ..PATIENCE };
    let (_, stop) = apply(&memory, &approved, None, &Interrupt::default(), patience).await;
    assert_eq!(stop, Some(Stop::Contended { object: reference("web"), tries: 5 }));
}

#[tokio::test(start_paused = true)]
async fn a_write_of_which_nobody_says_whether_it_happened_is_looked_for_and_made_once() {
    for done in [false, true] {
        let mut memory = Memory::default();
        memory.put(policy("web", json!([{ "action": "Deny" }])));
        memory.goes_away_at("replace", done);
        let (change, stop) = run(&memory, plan(vec![("web", add(1))])).await.unwrap();
        assert_eq!((stop, rules(&memory, "web")), (None, 2), "{done}");
        let [written] = &change.written[..] else { panic!("one write: {change:?}") };
        let count = |object: &Option<Value>| object.as_ref().unwrap()["spec"]["ingress"].as_array().unwrap().len();
        assert_eq!((count(&written.before), count(&written.after)), (1, 2), "it is ours: {done}");

        let mut memory = Memory::default();
        memory.goes_away_at("create", done);
        let made = vec![("new", vec![Edit::Create(policy("new", json!([])))])];
        let (change, stop) = run(&memory, plan(made)).await.unwrap();
        assert_eq!((change.written.len(), stop), (1, None), "{done}");
        assert!(change.written[0].before.is_none() && memory.see(Kind::NetworkPolicy, "shop", "new").is_some());
    }
    let mut memory = Memory::default();
    memory.put(policy("web", json!([])));
    memory.goes_away_at("delete", false);
    let (change, stop) = run(&memory, plan(vec![("web", vec![Edit::Delete])])).await.unwrap();
    assert_eq!((change.written.len(), stop, memory.see(Kind::NetworkPolicy, "shop", "web")), (1, None, None));
}

#[tokio::test(start_paused = true)]
async fn a_write_that_gets_no_answer_twice_stays_in_doubt() {
    let mut memory = Memory::default();
    memory.put(policy("web", json!([{ "action": "Deny" }])));
    memory.before = Some(Box::new(|_, verb, object| {
        (verb == "replace").then(|| AccessError::Unavailable(format!("no answer for {object}")))
    }));
    let (change, stop) = run(&memory, plan(vec![("web", add(1))])).await.unwrap();
    assert!(change.written.is_empty() && stop.is_some_and(|stop| stop.is_in_doubt()));
}

/// A rule that carries a grant.
fn granted(number: usize, id: &str) -> RuleSpec {
    let metadata = RuleMetadata { annotations: [(GRANT.to_string(), id.to_string())].into() };
    RuleSpec { metadata: Some(metadata), ..rule(number) }
}

fn holder(id: &str) -> Value {
    let mut policy = policy("holder", json!([]));
    policy["metadata"]["annotations"] = json!({ format!("{GRANT}-{id}"): "{}" });
    policy
}

/// Whoever takes a grant back takes it from its holder first: a rule of it that somebody planned to mend elsewhere before
/// that does not come in behind their back.
#[tokio::test(start_paused = true)]
async fn a_rule_of_a_grant_that_is_taken_back_in_between_does_not_come_in() {
    for (taken_back, expected) in [(false, 1), (true, 0)] {
        let memory = Memory::default();
        memory.put(policy("web", json!([])));
        memory.put(holder("a"));
        let mends = vec![Edit::AddRules(Direction::Ingress, vec![granted(1, "a")])];
        let mut plan = plan(vec![("web", mends)]);
        plan.rests_on = [("a".to_string(), reference("holder"))].into();
        let approved = prepare(&memory, plan, None).await.unwrap().approved();
        if taken_back {
            memory.put(policy("holder", json!([])));
        }
        let (change, stop) = apply(&memory, &approved, None, &Interrupt::default(), PATIENCE).await;
        assert_eq!(change.written.len(), expected);
        assert_eq!(stop.is_some(), taken_back, "{stop:?}");
        assert_eq!(rules(&memory, "web"), expected);
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_written_twice_is_written_on_what_the_first_write_left() {
    let memory = Memory::default();
    memory.put(policy("web", json!([])));
    let (change, stop) = run(&memory, plan(vec![("web", add(1)), ("web", add(2))])).await.unwrap();
    assert_eq!((change.written.len(), stop), (2, None));
    assert_eq!(rules(&memory, "web"), 2);
    let replaced = memory.log.borrow().iter().filter(|request| request.starts_with("replace")).count();
    assert_eq!(replaced, 2, "none met the other: {:?}", memory.log.borrow());
}
