//! Selectors: the same ones are valid, with the same canonical text, and match the same labels.
//! Never says what is right: Calico's parser does.

use std::collections::BTreeMap;

use kubectl_zerotrust::model::selector::Selector;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use super::support::Oracle;

type Labels = BTreeMap<String, String>;

const KEYS: &[&str] = &[
    "a",
    "b",
    "app",
    "in",
    "not",
    "has",
    "all",
    "global",
    "contains",
    "starts",
    "ends",
    "with",
    "startswith",
    "inn",
    "notin",
    "a.b/c-d_E",
    "-",
    ".",
    "/",
    "_",
    "0",
    "A",
    "hasa",
    "alla",
    "a-in",
    "x.contains",
];

const VALUES: &[&str] = &[
    "", "a", "b", "ab", "ba", "aba", "A", " ", "b ", "a b", "ü", "🦀", "é", "\"", "\"a\"", "'", "it's", "all()", "{",
    "}", ",", "a,b", "&&", "||", "!", "==", "\\", "\\\"", "\n", "\t", "a\nb", "\u{0}", "\u{a0}", "%s", "in",
    "global()", "é́",
];

/// Every label that the cases ask for, with values that match and that do not, and none at all.
fn label_sets() -> Vec<Labels> {
    let set = |pairs: &[(&str, &str)]| pairs.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect::<Labels>();
    let mut sets = vec![
        set(&[]),
        set(&[("a", "")]),
        set(&[("a", "b")]),
        set(&[("a", "ab"), ("b", "a")]),
        set(&[("a", "A"), ("b", "b"), ("app", "a b")]),
        set(&[("in", "x"), ("not", "x"), ("has", "x"), ("all", "x"), ("global", "x"), ("contains", "x")]),
        set(&[("a", "it's")]),
        set(&[("a", "\"b\"")]),
        set(&[("a", "ü"), ("b", "🦀")]),
        set(&[("k8s-app", "kube-dns"), ("projectcalico.org/namespace", "kube-system")]),
    ];
    sets.push(KEYS.iter().map(|key| (key.to_string(), "a".to_string())).collect());
    sets.push(KEYS.iter().zip(VALUES).map(|(key, value)| (key.to_string(), value.to_string())).collect());
    sets
}

/// Written by hand, for the corners of the tokenizer and the parser.
const CASES: &[&str] = &[
    // Nothing, and white space.
    "",
    " ",
    "\t",
    " \t ",
    "\n",
    "\r\n",
    " \n ",
    "\u{a0}",
    "\u{c}",
    // all(), global(), has().
    "all()",
    "all( )",
    "all(\t)",
    "all(\n)",
    "all(\r\n)",
    "all(\u{c})",
    "all(\u{b})",
    "all ()",
    "all",
    "all(",
    "all)",
    "All()",
    "all()()",
    "all(a)",
    "all()all()",
    "allall()",
    "all() all()",
    "a-all()",
    "global()",
    "global( )",
    "global(\n)",
    "global ()",
    "global",
    "Global()",
    "!global()",
    "global() || has(a)",
    "global() && !global()",
    "has(a)",
    "has( a )",
    "has(\ta\t)",
    "has(\na\n)",
    "has(a\n)",
    "has (a)",
    "has(a",
    "has a",
    "has()",
    "has( )",
    "has(a b)",
    "has('a')",
    "has(\"a\")",
    "has(a:b)",
    "has(a,b)",
    "has((a))",
    "(has)(a)",
    "has(has)",
    "has(all())",
    "Has(a)",
    "has(a)has(b)",
    "has(a))",
    "hasa)",
    "hasa == 'a'",
    "has == 'a'",
    "has(projectcalico.org/namespace)",
    "!has(a)",
    "! has(a)",
    "!!has(a)",
    "!!!has(a)",
    "! ! !has(a)",
    "!(!has(a))",
    "!(!(!has(a)))",
    "!((!has(a)))",
    "!",
    "!!",
    "has(a)!",
    "has(!a)",
    "not has(a)",
    "not(has(a))",
    // Comparisons.
    "a",
    "a b",
    "a ==",
    "a == ",
    "a == b",
    "a == 'b'",
    "a==\"b\"",
    "a=='b'",
    "a = 'b'",
    "a === 'b'",
    "a =='b",
    "a == b'",
    "a == ''",
    "a == \"\"",
    "== 'b'",
    "'a' == 'b'",
    "a == 'b' == 'c'",
    "'b' == a",
    "a != 'b'",
    "a!='b'",
    "a ! = 'b'",
    "a =! 'b'",
    "a <> 'b'",
    "a == 'it's'",
    "a == \"it's\"",
    "a == '\"b\"'",
    "a == \"\\\"b\\\"\"",
    "a == 'b\\'",
    "a == 'b\nc'",
    "a == 'b'\n",
    "\na == 'b'",
    "a\n== 'b'",
    "a ==\n'b'",
    "a\r== 'b'",
    "a == 'ü'",
    "ü == 'a'",
    "a == '🦀'",
    "a\u{a0}== 'b'",
    "a == 'b'\u{a0}",
    "a == ‘b’",
    "a == `b`",
    "a == 5",
    "a == true",
    "5 == 'a'",
    "- == 'a'",
    ". == 'a'",
    "/ == 'a'",
    "_ == 'a'",
    "a:b == 'c'",
    "a@b == 'c'",
    "a*b == 'c'",
    "a == all()",
    "a == has(b)",
    "a == {'b'}",
    "a == ('b')",
    "(a) == 'b'",
    "(a == 'b')",
    "a is 'b'",
    "a eq 'b'",
    "a > 'b'",
    "a ~= 'b'",
    "!a == 'b'",
    "!a != 'b'",
    "! a == 'b'",
    "!a",
    "a == !'b'",
    "a !== 'b'",
    "a != !'b'",
    "!!a == 'b'",
    "a.b/c-d_E == 'a'",
    "a\t==\t'b'",
    // Sets.
    "a in {}",
    "a in { }",
    "a in {'b'}",
    "a in{'b'}",
    "ain {'b'}",
    "a in {'b','a'}",
    "a in {'b', 'a', 'b'}",
    "a in {'b',}",
    "a in {'b' ,}",
    "a in {,}",
    "a in {,'b'}",
    "a in {'b',,'c'}",
    "a in {'b' 'c'}",
    "a in {'b'",
    "a in 'b'",
    "a in ('b')",
    "a in ['b']",
    "a in {b}",
    "a in {\"b\",'c'}",
    "a in {'it''s'}",
    "a in {\"'\", '\"'}",
    "a in {'ü', 'u', 'z', 'Z', ''}",
    "a in {{'b'}}",
    "a in {'b'}}",
    "a in",
    "a in {",
    "a in in {'b'}",
    "a in {\n'b'}",
    "a in\n{'b'}",
    "a IN {'b'}",
    "a not in {'b'}",
    "a notin {'b'}",
    "a not\tin {'b'}",
    "a not\nin {'b'}",
    "a not\u{b}in {'b'}",
    "a not  in{'b'}",
    "a notin{}",
    "a not in {}",
    "a not {'b'}",
    "a not in 'b'",
    "a no tin {'b'}",
    "a notin{'b'} && a in {'b'}",
    "a !in {'b'}",
    "a ! in {'b'}",
    "!a in {'b'}",
    "!a not in {'b'}",
    "a not not in {'b'}",
    "a inn {'b'}",
    "a in_ {'b'}",
    "a in- {'b'}",
    "a in.{'b'}",
    "a in/{'b'}",
    "a in0 {'b'}",
    "a inü {'b'}",
    "a notinn {'b'}",
    "a not in_{'b'}",
    "a not-in {'b'}",
    "a in'b'",
    // contains, starts with, ends with.
    "a contains 'b'",
    "a contains'b'",
    "a contains\"b\"",
    "a contains ''",
    "a contains b",
    "a contains {'b'}",
    "a containsb 'b'",
    "a contains_ 'b'",
    "a contains- 'b'",
    "a contains",
    "acontains 'b'",
    "a contain 'b'",
    "a Contains 'b'",
    "a contains contains 'b'",
    "a starts with 'a'",
    "a startswith 'a'",
    "a starts\twith 'a'",
    "a starts\nwith 'a'",
    "a starts with'a'",
    "a startswith'a'",
    "a starts  with\"a\"",
    "a starts 'a'",
    "a with 'a'",
    "a starts with a",
    "a starts with",
    "a starts-with 'a'",
    "a startswithx 'a'",
    "a starts with ''",
    "a ends with 'b'",
    "a endswith 'b'",
    "a ends with'b'",
    "a ends\r\nwith 'b'",
    "a ends 'b'",
    "a ends with {}",
    "a endswith_ 'b'",
    "!a contains 'b'",
    "!a starts with 'a'",
    "a not contains 'b'",
    "a contains 'b' || a ends with 'a'",
    "a contains '🦀'",
    "b contains '\u{1f980}'",
    "a starts with 'ü'",
    "a contains('b')",
    // Words as labels.
    "in == 'x'",
    "in in {'x'}",
    "in not in {'x'}",
    "not == 'x'",
    "not in {'x'}",
    "not not in {'x'}",
    "notin in {'x'}",
    "notin {'x'}",
    "contains == 'x'",
    "contains contains 'x'",
    "starts starts with 'x'",
    "starts with == 'x'",
    "starts with 'x'",
    "ends ends with 'x'",
    "all == 'x'",
    "all in {'x'}",
    "global == 'x'",
    "has contains 'x'",
    "with == 'x'",
    "has(in)",
    "has(all)",
    "has(not)",
    "all contains 'x'",
    "global != 'x'",
    // and, or, parentheses.
    "has(a)&&has(b)",
    "has(a) & has(b)",
    "has(a) &&& has(b)",
    "has(a) && && has(b)",
    "&& has(a)",
    "has(a) &&",
    "has(a) and has(b)",
    "has(a) AND has(b)",
    "has(a), has(b)",
    "has(a)||has(b)",
    "has(a) | has(b)",
    "has(a) ||| has(b)",
    "|| has(a)",
    "has(a) ||",
    "has(a) or has(b)",
    "has(a) has(b)",
    "has(a) && has(b) || has(app)",
    "has(a) || has(b) && has(app)",
    "has(a) && has(b) && has(app)",
    "has(a) || has(b) || has(app)",
    "(has(a) || has(b)) && has(app)",
    "has(a) && (has(b) || has(app))",
    "(has(a) && has(b)) && has(app)",
    "has(a) && (has(b) && has(app))",
    "(has(a) || has(b)) || has(app)",
    "((has(a)))",
    "( has(a) )",
    "(\thas(a))",
    "()",
    "( )",
    "(())",
    "(",
    ")",
    ")(",
    "(has(a)",
    "has(a))",
    "((has(a))",
    "(has(a)))",
    "(has(a)) (has(b))",
    "(has(a))(has(b))",
    "(has(a) &&) has(b)",
    "has(a) && !has(b)",
    "!has(a) && has(b)",
    "!(has(a) && has(b))",
    "!(has(a) || has(b)) || !has(app)",
    "!((has(a)) && (!has(b)))",
    "(!(has(a)))",
    "!(a == 'b')",
    "!(a in {'b'} || has(b))",
    "a == 'b'&&b == 'a'||a in{'a'}",
    "a == 'b' && b == 'a' // no",
    "a == 'b';",
    "a == 'b' # no",
    "{a == 'b'}",
    "[a == 'b']",
    "a == 'b' {}",
    "a == 'b' 'c'",
    "{}",
    "'a'",
    "\"",
    "'",
    ",",
    "&",
    "|",
    "=",
    "&&",
    "||",
    "==",
    "!=",
    "$a == 'b'",
    "a == 'b' $",
    "a == $b",
    "\u{0}",
    "a == '\u{0}'",
    "\u{feff}a == 'b'",
    // As policies have them.
    "k8s-app == \"kube-dns\"",
    "projectcalico.org/namespace == 'kube-system' && k8s-app in { 'kube-dns', 'coredns' }",
    "kubernetes.io/metadata.name not in {\"kube-system\", \"calico-system\"}",
    "pcns.projectcalico.org/name == 'a'",
    "!has(projectcalico.org/namespace)",
    "(a == 'b') && projectcalico.org/namespace == 'kube-system'",
];

/// Those that only a program writes.
fn long_cases() -> Vec<String> {
    let label = |length: usize| "a".repeat(length);
    let mut cases = Vec::new();
    for length in [1, 511, 512, 513, 600, 1024] {
        let label = label(length);
        for text in [
            "has(@)",
            "has( @ )",
            "@ == 'b'",
            "@ in {'b'}",
            "@in {'b'}",
            "@contains 'b'",
            "@",
            "@@ == 'b'",
            "@ b == 'c'",
        ] {
            cases.push(text.replace('@', &label));
        }
    }
    cases.push(format!("{}in{{}}", label(512)));
    cases.push(format!("{}notin{{}}", label(512)));
    cases.push(format!("a == '{}'", "x".repeat(100_000)));
    let many: Vec<String> = (0..2000).map(|n| format!("'{}'", n * 7 % 1000)).collect();
    cases.push(format!("a in {{{}}}", many.join(",")));
    cases.push(vec!["has(a)"; 3000].join(" && "));
    cases.push(vec!["has(a) && has(b)"; 3000].join(" || "));
    for depth in [10, 100, 5000] {
        cases.push(format!("{}has(a){}", "(".repeat(depth), ")".repeat(depth)));
        cases.push(format!("{}has(a){}", "(".repeat(depth), ")".repeat(depth - 1)));
        cases.push(format!("{}has(a)", "!".repeat(depth)));
        cases.push(format!("{}!has(a)", "!".repeat(depth)));
    }
    for depth in [10, 100, 240] {
        cases.push(format!("{}has(a){}", "!(".repeat(depth), ")".repeat(depth)));
        cases.push(format!("{}has(a){}", "(has(b) && (has(app) || ".repeat(depth), "))".repeat(depth)));
    }
    cases
}

/// Text of the grammar, with white space wherever it may stand.
fn grammatical() -> impl Strategy<Value = String> {
    let space = || select(vec!["", "", " ", "  ", "\t"]);
    let gap = || select(vec![" ", "\t", "  "]);
    let value = || {
        (select(VALUES), any::<bool>()).prop_map(|(value, single)| {
            let quote = if value.contains('"') || (single && !value.contains('\'')) { '\'' } else { '"' };
            format!("{quote}{value}{quote}")
        })
    };
    let comparison = (
        select(KEYS),
        gap(),
        select(vec!["==", "!=", "contains", "starts with", "startswith", "ends \twith"]),
        space(),
        value(),
    )
        .prop_map(|(key, gap, operator, space, value)| format!("{key}{gap}{operator}{space}{value}"));
    let set = (
        select(KEYS),
        gap(),
        select(vec!["in", "not in", "notin", "not\tin"]),
        space(),
        prop::collection::vec((value(), space()), 0..5),
        select(vec!["", ","]),
    )
        .prop_map(|(key, gap, operator, space, values, last)| {
            let last = if values.is_empty() { "" } else { last };
            let values: Vec<String> =
                values.into_iter().map(|(value, space)| format!("{space}{value}{space}")).collect();
            format!("{key}{gap}{operator}{space}{{{space}{}{last}{space}}}", values.join(","))
        });
    let word = (select(vec!["all()", "global()", "has(@)", "has(@)"]), space(), select(KEYS))
        .prop_map(|(word, space, key)| word.replace('(', &format!("({space}")).replace('@', key));
    let leaf = prop_oneof![3 => comparison, 2 => set, 2 => word];
    leaf.prop_recursive(5, 24, 4, move |inner| {
        let list = prop::collection::vec((inner.clone(), space()), 2..4);
        prop_oneof![
            (inner.clone(), space()).prop_map(|(inner, space)| format!("!{space}{inner}")),
            (inner, space()).prop_map(|(inner, space)| format!("({space}{inner}{space})")),
            (list, select(vec!["&&", "||"])).prop_map(|(items, between)| {
                items.into_iter().map(|(item, space)| format!("{space}{item}{space}")).collect::<Vec<_>>().join(between)
            }),
        ]
    })
}

/// A text of the grammar with a few pieces taken out, put in or doubled.
fn damaged() -> impl Strategy<Value = String> {
    let piece = select(vec![
        "(", ")", "{", "}", ",", "'", "\"", "!", "=", "==", "!=", "&", "&&", "|", "||", " ", "\t", "\n", "a", "in",
        "not", "has", "has(", "all()", "global()", "contains", "starts", "with", "ü", "\\", ":", "-", "_", "\u{0}",
        "\u{a0}",
    ]);
    let damage = (0_u8..4, any::<prop::sample::Index>(), any::<prop::sample::Index>(), piece);
    (grammatical(), prop::collection::vec(damage, 1..4)).prop_map(|(text, damages)| {
        damages.into_iter().fold(text, |text, (kind, from, to, piece)| {
            let chars: Vec<char> = text.chars().collect();
            let (from, to) = (from.index(chars.len() + 1), to.index(chars.len() + 1));
            let (from, to) = (from.min(to), from.max(to));
            let part = |range: std::ops::Range<usize>| chars[range].iter().collect::<String>();
            match kind {
                0 => format!("{}{piece}{}", part(0..from), part(from..chars.len())),
                1 => format!("{}{}", part(0..from), part((from + 1).min(chars.len())..chars.len())),
                2 => format!("{}{}", part(0..from), part(to.min(from + 6)..chars.len())),
                _ => format!("{}{}", part(0..to), part(from..chars.len())),
            }
        })
    })
}

fn any_labels() -> impl Strategy<Value = Labels> {
    prop::collection::btree_map(select(KEYS).prop_map(str::to_string), select(VALUES).prop_map(str::to_string), 0..8)
}

/// None if we agree; else what we and Calico say.
fn difference(oracle: &mut Oracle, text: &str, labels: &[Labels]) -> Option<String> {
    let calico = oracle.selector(text, labels);
    let ours = Selector::parse(text);
    let agreed = match &ours {
        Ok(selector) => {
            let matches: Vec<bool> = labels.iter().map(|labels| selector.matches(labels)).collect();
            calico.valid && calico.canonical == selector.to_string() && calico.matches == matches
        }
        Err(_) => !calico.valid,
    };
    (!agreed).then(|| {
        let shown: String = text.chars().take(300).collect();
        format!("{shown:?}\n  ours: {:?}\n  Calico's: {calico:?}", ours.map(|selector| selector.to_string()))
    })
}

fn assert_none(differences: &[String], of: usize) {
    assert!(differences.is_empty(), "{} of {of} differ:\n{}", differences.len(), differences.join("\n"));
}

#[test]
fn selectors_written_by_hand_are_what_calico_says() {
    let mut oracle = Oracle::start();
    let labels = label_sets();
    let cases: Vec<String> = CASES.iter().map(|text| text.to_string()).chain(long_cases()).collect();
    let differences: Vec<String> = cases.iter().filter_map(|text| difference(&mut oracle, text, &labels)).collect();
    assert_none(&differences, cases.len());
}

#[test]
fn generated_selectors_are_what_calico_says() {
    const EACH: usize = 3000;
    let mut oracle = Oracle::start();
    // The seed is fixed, so that a failure comes again.
    let mut runner = TestRunner::deterministic();
    let mut differences = Vec::new();
    let mut valid = 0;
    for strategy in [grammatical().boxed(), damaged().boxed()] {
        for _ in 0..EACH {
            let text = strategy.new_tree(&mut runner).expect("a selector").current();
            let mut labels = label_sets();
            for _ in 0..4 {
                labels.push(any_labels().new_tree(&mut runner).expect("labels").current());
            }
            valid += usize::from(Selector::parse(&text).is_ok());
            differences.extend(difference(&mut oracle, &text, &labels));
        }
    }
    assert_none(&differences, 2 * EACH);
    assert!((EACH..2 * EACH - 500).contains(&valid), "{valid} valid ones are no mixture");
}
