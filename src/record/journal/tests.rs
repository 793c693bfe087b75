//! Records against an API server in memory: numbers that others take, ends, marks, what is too old.
//! Never a client: what a real API server does is held in tests/api.

use futures_util::future::join_all;
use serde_json::json;

use super::*;
use crate::kubernetes::memory::Memory;

fn summary() -> Summary {
    Summary {
        number: 0,
        when: "2026-11-23T05:17:14Z".into(),
        user: "jane".into(),
        context: "lab".into(),
        command: "kubectl zerotrust lockdown".into(),
        title: "lock".into(),
        state: State::Started,
        tool: "0.1.0".into(),
        calico: None,
        api: "crd.projectcalico.org/v1".into(),
        undoes: None,
        undone_by: None,
        finished_by: None,
    }
}

fn object() -> ObjectRef {
    ObjectRef { kind: Kind::GlobalNetworkPolicy, namespace: None, name: "deny-app-policy".into() }
}

fn planned() -> Vec<Entry> {
    vec![Entry::planned(&object(), None, Some(json!({ "kind": "GlobalNetworkPolicy" })))]
}

async fn one(memory: &Memory) -> u32 {
    let listed = list(memory, "kube-system").await.unwrap();
    let mut journal = Journal::new("kube-system", summary(), &listed);
    journal.begin(memory, planned()).await.unwrap();
    journal.wrote(&object(), None, Some(json!({ "kind": "GlobalNetworkPolicy" })));
    journal.end(memory, State::Done).await.unwrap();
    prune(memory, "kube-system", &listed).await.unwrap();
    journal.number().unwrap()
}

#[tokio::test]
async fn a_record_is_started_before_and_done_after() {
    let memory = Memory::default();
    let mut journal = Journal::new("kube-system", summary(), &[]);
    journal.begin(&memory, planned()).await.unwrap();
    let started = load(&memory, "kube-system", 1).await.unwrap();
    assert_eq!((started.summary.state, started.entries[0].written), (State::Started, false));
    let before = Some(json!({ "spec": {} }));
    journal.wrote(&object(), before.clone(), Some(json!({ "spec": { "order": 1 } })));
    journal.end(&memory, State::Done).await.unwrap();
    let done = load(&memory, "kube-system", 1).await.unwrap();
    assert_eq!(done.summary.state, State::Done);
    assert_eq!((done.entries[0].written, &done.entries[0].before), (true, &before), "as it was just before the write");
}

#[tokio::test]
async fn numbers_that_others_take_at_the_same_time_are_passed_over() {
    let memory = Memory::default();
    let mut numbers = join_all((0..10).map(|_| one(&memory))).await;
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=10).collect::<Vec<u32>>());
}

#[tokio::test]
async fn the_newest_twenty_stay() {
    let memory = Memory::default();
    for _ in 0..23 {
        one(&memory).await;
    }
    let listed = list(&memory, "kube-system").await.unwrap();
    let numbers: Vec<u32> = listed.iter().map(|listed| listed.number).collect();
    assert_eq!(numbers, (4..=23).rev().collect::<Vec<u32>>());
}

#[tokio::test]
async fn a_record_of_a_later_release_is_listed_and_never_deleted() {
    let memory = Memory::default();
    one(&memory).await;
    let mut newer = memory.see(Kind::ConfigMap, "kube-system", "zerotrust-0001").unwrap();
    newer["data"]["version"] = json!("2");
    memory.put(newer);
    for _ in 0..25 {
        one(&memory).await;
    }
    let listed = list(&memory, "kube-system").await.unwrap();
    assert_eq!(listed.len(), KEPT + 1);
    assert_eq!(listed.last().map(|listed| listed.summary.clone()), Some(Err(RecordError::Newer(2))));
    let error = load(&memory, "kube-system", 1).await.unwrap_err();
    assert!(matches!(error, JournalError::Unreadable { number: 1, error: RecordError::Newer(2), .. }));
}

#[tokio::test]
async fn other_config_maps_are_nobodys_business() {
    let memory = Memory::default();
    memory.put(json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "zerotrust-0099", "namespace": "kube-system" },
    }));
    assert_eq!(one(&memory).await, 1);
    assert_eq!(list(&memory, "kube-system").await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_second_plan_keeps_what_the_first_one_wrote() {
    let memory = Memory::default();
    let mut journal = Journal::new("kube-system", summary(), &[]);
    let other = ObjectRef { name: "other".into(), ..object() };
    let entries = [planned(), vec![Entry::planned(&other, None, Some(json!({})))]].concat();
    journal.begin(&memory, entries).await.unwrap();
    journal.wrote(&object(), Some(json!({ "was": 1 })), Some(json!({ "is": 1 })));
    let third = ObjectRef { name: "third".into(), ..object() };
    journal.begin(&memory, vec![Entry::planned(&third, None, Some(json!({})))]).await.unwrap();
    let record = load(&memory, "kube-system", 1).await.unwrap();
    let objects: Vec<&str> = record.entries.iter().map(|entry| entry.object.as_str()).collect();
    assert_eq!(objects, ["GlobalNetworkPolicy deny-app-policy", "GlobalNetworkPolicy third"]);
    assert_eq!(memory.names(Kind::ConfigMap), ["zerotrust-0001"]);
}

#[tokio::test]
async fn an_object_that_was_written_twice_has_what_each_write_changed() {
    let memory = Memory::default();
    let mut journal = Journal::new("kube-system", summary(), &[]);
    journal.begin(&memory, planned()).await.unwrap();
    journal.wrote(&object(), Some(json!({ "was": 1 })), Some(json!({ "is": 1 })));
    journal.begin(&memory, planned()).await.unwrap();
    journal.wrote(&object(), Some(json!({ "was": 2 })), Some(json!({ "is": 2 })));
    journal.end(&memory, State::Done).await.unwrap();
    let entries = load(&memory, "kube-system", 1).await.unwrap().entries;
    let found: Vec<_> = entries.into_iter().map(|entry| (entry.before.unwrap(), entry.after.unwrap())).collect();
    assert_eq!(found, [(json!({ "was": 1 }), json!({ "is": 1 })), (json!({ "was": 2 }), json!({ "is": 2 }))]);
}

#[tokio::test]
async fn a_record_of_which_nobody_says_whether_it_was_written_is_looked_for() {
    for (verb, done) in [("create", false), ("create", true), ("replace", false), ("replace", true)] {
        let mut memory = Memory::default();
        memory.goes_away_at(verb, done);
        assert_eq!(one(&memory).await, 1, "{verb} {done}");
        let listed = list(&memory, "kube-system").await.unwrap();
        assert_eq!(listed.len(), 1, "no second one: {verb} {done}");
        assert_eq!(listed[0].summary.as_ref().map(|summary| summary.state), Ok(State::Done), "{verb} {done}");
    }
}

#[tokio::test]
async fn an_undo_that_is_done_makes_its_change_undone_and_one_that_is_undone_makes_it_stand_again() {
    let memory = Memory::default();
    one(&memory).await;
    let undo = async |number: u32| {
        let listed = list(&memory, "kube-system").await.unwrap();
        let mut journal = Journal::new("kube-system", Summary { undoes: Some(number), ..summary() }, &listed);
        journal.begin(&memory, planned()).await.unwrap();
        journal.wrote(&object(), None, None);
        // Killed right here: nothing is marked.
        journal.end(&memory, State::Done).await.unwrap();
    };
    let states = async || -> Vec<(State, Option<u32>)> {
        let listed = list(&memory, "kube-system").await.unwrap();
        listed.into_iter().rev().map(|one| one.summary.map(|one| (one.state, one.undone_by)).unwrap()).collect()
    };
    undo(1).await;
    assert_eq!(states().await, [(State::Undone, Some(2)), (State::Done, None)]);
    mark_undone(&memory, "kube-system", 1, Some(2)).await.unwrap();
    undo(2).await;
    assert_eq!(states().await, [(State::Done, None), (State::Undone, Some(3)), (State::Done, None)]);
}

#[tokio::test]
async fn an_undone_record_says_by_which_change() {
    let memory = Memory::default();
    one(&memory).await;
    mark_undone(&memory, "kube-system", 1, Some(2)).await.unwrap();
    let summary = load(&memory, "kube-system", 1).await.unwrap().summary;
    assert_eq!((summary.state, summary.undone_by), (State::Undone, Some(2)));
}

#[tokio::test]
async fn a_change_that_did_not_happen_leaves_no_record() {
    let memory = Memory::default();
    let mut journal = Journal::new("kube-system", summary(), &[]);
    journal.begin(&memory, planned()).await.unwrap();
    journal.forget(&memory).await.unwrap();
    assert_eq!(list(&memory, "kube-system").await.unwrap(), []);
}

#[tokio::test]
async fn without_permission_the_error_names_the_namespace() {
    let mut memory = Memory::default();
    memory.before = Some(Box::new(|_, verb, object| {
        (verb == "create").then(|| AccessError::Forbidden {
            verb: "create",
            object: object.to_string(),
            reason: "no".into(),
        })
    }));
    let mut journal = Journal::new("kube-system", summary(), &[]);
    let error = journal.begin(&memory, planned()).await.unwrap_err();
    assert_eq!(error.to_string(), "the record of the change cannot be kept in namespace kube-system");
    assert_eq!(journal.number(), None);
}
