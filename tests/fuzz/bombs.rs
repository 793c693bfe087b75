//! Input that is small and would become large, deep or slow: what a reader must bound.
//! Never random.

use super::manifests::judge;
use super::texts::{lines, selector};
use super::watch::watched;

fn pod(value: &str) -> String {
    format!("apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\n  annotations:\n    x: {value}\n")
}

/// Every level names the one before it nine times.
fn laughs(levels: usize) -> String {
    let mut text = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\na0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_string();
    for level in 1..levels {
        let names = vec![format!("*a{}", level - 1); 9].join(", ");
        text.push_str(&format!("a{level}: &a{level} [{names}]\n"));
    }
    text
}

/// Every level merges the one before it twice.
fn merges(levels: usize) -> String {
    let mut text = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nm0: &m0 {k0: v}\n".to_string();
    for level in 1..levels {
        let last = level - 1;
        text.push_str(&format!("m{level}: &m{level} {{<<: [*m{last}, *m{last}], k{level}: {{<<: *m{last}}}}}\n"));
    }
    text
}

#[test]
fn small_manifests_that_would_become_large_or_deep() {
    let deep = 60_000;
    let block: String = (0..2000).map(|level| format!("{}a:\n", " ".repeat(level))).collect();
    let inputs = [
        ("flow lists", pod(&"[".repeat(deep))),
        ("closed flow lists", pod(&format!("{}{}", "[".repeat(deep), "]".repeat(deep)))),
        ("flow maps", pod(&"{a: ".repeat(deep))),
        ("block lists", format!("{}x\n", "- ".repeat(deep))),
        ("block maps", block),
        ("complex keys", "? ".repeat(deep)),
        ("JSON lists", format!("{}{}", "[".repeat(deep), "]".repeat(deep))),
        ("JSON maps", format!("{}1{}", "{\"a\":".repeat(deep), "}".repeat(deep))),
        ("a billion laughs", laughs(12)),
        ("merges of merges", merges(30)),
        ("an alias of itself", pod("&a [*a]")),
        ("anchors", format!("{}\n", (0..20_000).map(|n| format!("- &a{n} x\n")).collect::<String>())),
        ("documents", "---\n".repeat(30_000)),
        ("documents of something", "---\na: 1\n".repeat(5_000)),
        ("one word", pod(&"x".repeat(1_000_000))),
        ("one quoted word", pod(&format!("\"{}\"", "\\u0041".repeat(50_000)))),
        ("a word without its end", pod(&format!("\"{}", "x".repeat(200_000)))),
        ("a large number", pod(&"9".repeat(100_000))),
        ("an exponent", pod("1e999999999")),
        ("lists of lists", format!("{}kind: Pod\n", "apiVersion: v1\nkind: List\nitems:\n- ".repeat(300))),
        ("comments", "#".repeat(500_000)),
        ("keys", format!("{}\n", (0..20_000).map(|n| format!("k{n}: v\n")).collect::<String>())),
        ("the same key", "k: v\n".repeat(20_000)),
        ("nothing but NUL", "\0".repeat(100_000)),
        ("line breaks", "\r".repeat(100_000)),
        ("tabs", "\t".repeat(100_000)),
    ];
    for (name, text) in inputs {
        watched("manifest", name, text.as_bytes(), judge);
    }
}

#[test]
fn small_selectors_that_would_become_deep() {
    let inputs = [
        ("parentheses", format!("{}a == 'b'{}", "(".repeat(50_000), ")".repeat(50_000))),
        ("open parentheses", "(".repeat(100_000)),
        ("negations", format!("{}has(a)", "!".repeat(100_000))),
        ("negated parentheses", format!("{}has(a){}", "!(".repeat(50_000), ")".repeat(50_000))),
        ("ors", vec!["has(a)"; 30_000].join(" || ")),
        ("ands", vec!["has(a)"; 30_000].join("&&")),
        ("a set", format!("a in {{{}}}", vec!["'x'"; 50_000].join(","))),
        ("a value", format!("a == '{}'", "x".repeat(1_000_000))),
    ];
    for (name, text) in inputs {
        watched("selector", name, text.as_bytes(), selector);
    }
}

#[test]
fn long_lines_of_logs() {
    let inputs = [
        ("one field", format!("calico-packet: IN={} OUT= SRC=10.0.0.1 DST=10.0.0.2 PROTO=TCP", "x".repeat(1_000_000))),
        ("fields", format!("calico-packet: {}", "IN=eth0 OUT= SRC=10.0.0.1 ".repeat(30_000))),
        (
            "packets within packets",
            format!("calico-packet: IN=a OUT=b {}", "[SRC=10.0.0.1 DST=10.0.0.2 ".repeat(30_000)),
        ),
        ("lines", "calico-packet: IN=eth0 OUT= SRC=10.0.0.1 DST=10.0.0.2 PROTO=TCP SPT=1 DPT=2\n".repeat(5_000)),
    ];
    for (name, text) in inputs {
        watched("line", name, text.as_bytes(), lines);
    }
}
