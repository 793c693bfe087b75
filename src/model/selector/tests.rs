//! The selector grammar in tables, and its laws.
//! Never knows Calico's own parser; tests/oracle.rs asks that one.

use proptest::prelude::*;
use proptest::sample::select;

use super::*;

fn labels(text: &str) -> Labels {
    text.split_whitespace()
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(key, value)| (key.to_string(), value.to_string()))
        .collect()
}

fn canonical(text: &str) -> String {
    Selector::parse(text).unwrap_or_else(|error| panic!("{text}: {error}")).to_string()
}

#[test]
fn writes_what_calico_writes() {
    for (text, expected) in [
        ("", "all()"),
        (" \t", "all()"),
        ("all( )", "all()"),
        ("global(\t)", "global()"),
        ("has( a )", "has(a)"),
        ("a=='b'", "a == \"b\""),
        ("a != \"b\"", "a != \"b\""),
        ("a == 'say \"hi\"'", "a == 'say \"hi\"'"),
        ("a == \"it's\"", "a == \"it's\""),
        ("a in {'c','b','c',}", "a in {\"b\", \"c\"}"),
        ("a in {'\"', 'b'}", "a in {'\"', \"b\"}"),
        ("a in {}", "a in {}"),
        ("a notin {'b'}", "a not in {\"b\"}"),
        ("a not\tin{'b'}", "a not in {\"b\"}"),
        ("a contains'b'", "a contains \"b\""),
        ("a startswith 'b'", "a starts with \"b\""),
        ("a ends  with \"b\"", "a ends with \"b\""),
        ("in == 'x'", "in == \"x\""),
        ("not in {'x'}", "not in {\"x\"}"),
        ("not not in {'x'}", "not not in {\"x\"}"),
        ("all == 'x'", "all == \"x\""),
        ("has contains 'x'", "has contains \"x\""),
        ("a.b/c-d_E9 == ''", "a.b/c-d_E9 == \"\""),
        ("((has(a)))", "has(a)"),
        ("has(a)&&has(b)||has(c)", "((has(a) && has(b)) || has(c))"),
        ("has(a) && (has(b) || has(c))", "(has(a) && (has(b) || has(c)))"),
        ("(has(a) && has(b)) && has(c)", "((has(a) && has(b)) && has(c))"),
        ("has(a) && has(b) && has(c)", "(has(a) && has(b) && has(c))"),
        ("!has(a) && has(b)", "(!has(a) && has(b))"),
        ("!(has(a) && has(b))", "!(has(a) && has(b))"),
        ("! ! has(a)", "has(a)"),
        ("!!!has(a)", "!has(a)"),
        ("!(!has(a))", "!!has(a)"),
        ("!a == 'b'", "!a == \"b\""),
        ("a == 'grüße 🦀'", "a == \"grüße 🦀\""),
        ("a == '\n'", "a == \"\n\""),
    ] {
        assert_eq!(canonical(text), expected, "{text}");
    }
}

#[test]
fn refuses_what_calico_refuses_and_says_where() {
    for (text, at, reason) in [
        ("a", 2, "after a label"),
        ("a ==", 5, "value in quotes"),
        ("a == b", 6, "value in quotes"),
        ("a = 'b'", 3, "= must be doubled"),
        ("a == 'b", 6, "the ' is never closed"),
        ("a == 'b' & has(c)", 10, "& must be doubled"),
        ("a == 'b' | has(c)", 10, "| must be doubled"),
        ("a == 'b' and has(c)", 10, "expected && or ||"),
        ("a is 'b'", 3, "after a label"),
        ("has (a)", 5, "after a label"),
        ("has()", 4, "after a label"),
        ("has(a:b)", 4, "after a label"),
        ("not has(a)", 5, "after a label"),
        ("a in 'b'", 6, "in braces"),
        ("a in {,}", 7, "a comma or }"),
        ("a in {'b' 'c'}", 11, "a comma or }"),
        ("a in {'b'", 10, "a comma or }"),
        ("a inside {'b'}", 5, "in braces"),
        ("(has(a)", 1, "the ( is never closed"),
        ("has(a))", 7, "no ( stands before"),
        ("()", 2, "expected a label"),
        ("has(a) &&", 10, "it ends where"),
        ("has(a) || && has(b)", 11, "expected a label"),
        ("!", 2, "it ends where"),
        ("has(a) has(b)", 8, "expected && or ||"),
        ("has(a)\n", 7, "a line break"),
        ("a == 'ü' && $b", 13, "unexpected '$'"),
    ] {
        let error = Selector::parse(text).expect_err(text);
        assert!(error.reason.contains(reason), "{text}: {error}");
        assert_eq!(error.at, at, "{text}: {error}");
    }
}

#[test]
fn a_missing_label_matches_only_negative_comparisons() {
    for (text, without, with_b, with_c) in [
        ("a == 'b'", false, true, false),
        ("a != 'b'", true, false, true),
        ("a in {'b'}", false, true, false),
        ("a not in {'b'}", true, false, true),
        ("a in {}", false, false, false),
        ("a not in {}", true, true, true),
        ("a contains 'b'", false, true, false),
        ("a contains ''", false, true, true),
        ("a starts with 'b'", false, true, false),
        ("a ends with 'b'", false, true, false),
        ("has(a)", false, true, true),
        ("!has(a)", true, false, false),
        ("!a == 'b'", true, false, true),
        ("all()", true, true, true),
        ("global()", true, true, true),
        ("has(a) && a != 'b'", false, false, true),
        ("!has(a) || a == 'c'", true, false, true),
    ] {
        let selector = Selector::parse(text).unwrap();
        let found = ["", "a=b", "a=c"].map(|text| selector.matches(&labels(text)));
        assert_eq!(found, [without, with_b, with_c], "{text}");
    }
}

#[test]
fn any_depth_of_parentheses_is_read_and_a_deep_tree_is_refused() {
    let grouped = |depth| format!("{}has(a){}", "(".repeat(depth), ")".repeat(depth));
    assert_eq!(canonical(&grouped(100_000)), "has(a)");
    let tree = |depth| format!("{}has(a){}", "!(".repeat(depth), ")".repeat(depth));
    let deepest = Selector::parse(&tree(500)).unwrap();
    assert_eq!(deepest.clone(), deepest);
    assert!(deepest.to_string().ends_with("!has(a)") && deepest.matches(&labels("a")));
    assert!(Selector::parse(&tree(501)).unwrap_err().reason.contains("500 levels"));
    let mixed = |depth| format!("{}has(a){}", "(has(b) && (has(c) || ".repeat(depth), "))".repeat(depth));
    assert!(Selector::parse(&mixed(250)).unwrap().matches(&labels("b c")));
    assert!(Selector::parse(&mixed(251)).unwrap_err().reason.contains("500 levels"));
}

#[test]
fn labels_are_cut_where_calico_cuts_them() {
    let long = "a".repeat(512);
    assert_eq!(canonical(&format!("has({long})")), format!("has({long})"));
    assert!(Selector::parse(&format!("has({long}a)")).is_err());
    assert!(Selector::parse(&format!("{long}a == 'b'")).is_err());
    assert_eq!(canonical(&format!("{long}in{{}}")), format!("{long} in {{}}"));
}

#[test]
fn combines_and_rewrites() {
    let parse = |text| Selector::parse(text).unwrap();
    assert_eq!(parse("has(a)").and(parse("b == 'c' || all()")).to_string(), "(has(a) && (b == \"c\" || all()))");
    assert_eq!(parse("has(a)").negate().to_string(), "!has(a)");
    assert_eq!(parse("has(a)").negate().negate(), parse("has(a)"));
    assert_eq!(Selector::label_equals("a", "b"), parse("a == 'b'"));
    assert_eq!(
        parse("a in {'x'} && !has(b) || all()").prefixed("pcns.").to_string(),
        "((pcns.a in {\"x\"} && !has(pcns.b)) || all())"
    );
    assert!(parse("").is_all() && !parse("all() && all()").is_all());
    assert!(parse("!(has(a) || global())").mentions_global());
    assert!(!parse("global == 'global()'").mentions_global());
    let asked = parse("b == 'x' && (has(a) || !(b contains 'y'))");
    assert_eq!(asked.labels().into_iter().collect::<Vec<_>>(), ["a", "b"]);
}

fn any_key() -> impl Strategy<Value = String> {
    prop_oneof![
        select(vec!["a", "b", "in", "not", "all", "has", "global", "contains"]).prop_map(str::to_string),
        "[a-zA-Z0-9_./-]{1,8}"
    ]
}

/// Any text but one that holds both quotes, which no selector can say.
fn any_value() -> impl Strategy<Value = String> {
    prop_oneof![3 => "[ab]{0,3}", 1 => "\\PC{0,6}"].prop_map(|text| match text.contains('"') {
        true => text.replace('\'', ""),
        false => text,
    })
}

/// Any tree that text can say: every one but those with a negation directly in a negation.
fn any_selector() -> impl Strategy<Value = Selector> {
    let set = || {
        prop::collection::vec(any_value(), 0..4).prop_map(|mut values| {
            values.sort();
            values.dedup();
            values
        })
    };
    let leaf = prop_oneof![
        Just(Node::All),
        Just(Node::Global),
        any_key().prop_map(Node::Has),
        (any_key(), any_value()).prop_map(|(key, value)| Node::Equal(key, value)),
        (any_key(), any_value()).prop_map(|(key, value)| Node::NotEqual(key, value)),
        (any_key(), any_value()).prop_map(|(key, value)| Node::Contains(key, value)),
        (any_key(), any_value()).prop_map(|(key, value)| Node::StartsWith(key, value)),
        (any_key(), any_value()).prop_map(|(key, value)| Node::EndsWith(key, value)),
        (any_key(), set()).prop_map(|(key, set)| Node::In(key, set)),
        (any_key(), set()).prop_map(|(key, set)| Node::NotIn(key, set)),
    ];
    leaf.prop_map(Selector).prop_recursive(6, 40, 4, |inner| {
        let nodes = prop::collection::vec(inner.clone().prop_map(|selector| selector.0), 2..4);
        prop_oneof![
            inner.prop_map(Selector::negate),
            nodes.clone().prop_map(|nodes| Selector(Node::And(nodes))),
            nodes.prop_map(|nodes| Selector(Node::Or(nodes))),
        ]
    })
}

fn any_labels() -> impl Strategy<Value = Labels> {
    prop::collection::btree_map(any_key(), any_value(), 0..6)
}

proptest! {
    #[test]
    fn what_is_written_reads_as_the_same(selector in any_selector(), labels in any_labels()) {
        let text = selector.to_string();
        let read = Selector::parse(&text).map_err(|error| TestCaseError::fail(format!("{text}: {error}")))?;
        prop_assert_eq!(&read, &selector);
        prop_assert_eq!(read.to_string(), text);
        prop_assert_eq!(read.matches(&labels), selector.matches(&labels));
    }

    /// Also a negation in a negation, which Calico's text loses, keeps its meaning, and is lost once for all.
    #[test]
    fn negations_in_negations_keep_their_meaning(selector in any_selector(), labels in any_labels()) {
        let doubled = Selector(Node::Not(Box::new(Node::Not(Box::new(selector.0)))));
        let read = Selector::parse(&doubled.to_string()).unwrap();
        prop_assert_eq!(read.matches(&labels), doubled.matches(&labels));
        prop_assert_eq!(Selector::parse(&read.to_string()).unwrap(), read);
    }

    #[test]
    fn combinations_mean_what_they_say(one in any_selector(), other in any_selector(), labels in any_labels()) {
        let (first, second) = (one.matches(&labels), other.matches(&labels));
        prop_assert_eq!(one.clone().negate().matches(&labels), !first);
        prop_assert_eq!(one.clone().and(other).matches(&labels), first && second);
        let prefixed: Labels = labels.iter().map(|(key, value)| (format!("pcns.{key}"), value.clone())).collect();
        prop_assert_eq!(one.prefixed("pcns.").matches(&prefixed), first);
    }

    /// Whatever the text, an answer and no panic; and a place that is in it, or just behind.
    #[test]
    fn any_text_gets_an_answer(text in prop_oneof!["\\PC{0,40}", "[a-b(){}!=&|,'\" \t\n]{0,40}"]) {
        match Selector::parse(&text) {
            Ok(selector) => drop(Selector::parse(&selector.to_string()).unwrap()),
            Err(error) => prop_assert!((1..=text.chars().count() + 1).contains(&error.at)),
        }
    }
}
