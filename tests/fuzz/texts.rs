//! Selectors, lines of logs, and records.
//! Never expects them to be right.

use std::io::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use kubectl_zerotrust::diagnose::group::groups;
use kubectl_zerotrust::diagnose::prefix::Prefixes;
use kubectl_zerotrust::diagnose::tally::Tally;
use kubectl_zerotrust::model::selector::Selector;
use kubectl_zerotrust::model::world::{Labels, World};
use kubectl_zerotrust::record::Record;
use serde_json::{Value, json};

use super::corpus;
use super::mutate::mutated;
use super::random::Random;
use super::seeds;
use super::watch::watched;

/// What is read can be written and read again, and decides; what is not says where it ends to be one.
pub fn selector(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    match Selector::parse(&text) {
        Ok(selector) => {
            let written = selector.to_string();
            let again = Selector::parse(&written).unwrap_or_else(|error| panic!("{written:?}: {error}"));
            let of = |labels: &[(&str, &str)]| -> Labels {
                labels.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect()
            };
            for labels in [of(&[]), of(&[("a", "b"), ("app", "web")]), of(&[("app", "x"), ("role", "db"), ("h", "i")])]
            {
                assert_eq!(again.matches(&labels), selector.matches(&labels), "{written:?} on {labels:?}");
            }
            true
        }
        Err(error) => {
            assert!((1..=text.chars().count() + 1).contains(&error.at), "{error:?}");
            false
        }
    }
}

/// Counts the packets of a log, and groups them.
pub fn lines(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let mut tally = Tally::default();
    text.lines().for_each(|line| tally.read(line, None));
    let world = World::default();
    let found = groups(&world, tally.entries(), &Prefixes::new(&world.network.log_prefixes(), &[]));
    assert!(found.len() <= tally.packets);
    tally.packets > 0
}

fn record(bytes: &[u8]) -> bool {
    let Ok(Value::Array(maps)) = serde_json::from_slice::<Value>(bytes) else { return false };
    let Some((first, others)) = maps.split_first() else { return false };
    match Record::from_config_maps(first, others) {
        Ok(record) => {
            let again = record.to_config_maps("kube-system");
            assert_eq!(Record::from_config_maps(&again[0], &again[1..]), Ok(record));
            true
        }
        Err(error) => {
            assert!(!error.to_string().is_empty());
            false
        }
    }
}

#[test]
fn selectors_that_nobody_wrote() {
    let corpus = corpus::selectors();
    let mut understood = 0;
    for seed in seeds(4000) {
        let input = mutated(&mut Random::of(seed), &corpus, corpus::SELECTOR_WORDS);
        understood += usize::from(watched("selector", &format!("of seed {seed}"), &input, selector));
    }
    assert!(understood > 0, "no selector was read");
}

#[test]
fn lines_that_no_kernel_wrote() {
    let corpus = corpus::lines();
    let mut understood = 0;
    for seed in seeds(3000) {
        let input = mutated(&mut Random::of(seed), &corpus, corpus::LINE_WORDS);
        understood += usize::from(watched("line", &format!("of seed {seed}"), &input, lines));
    }
    assert!(understood * 5 > seeds(3000).count(), "{understood} inputs had a packet");
}

/// The objects of a record as they are before they are packed, and the record with others.
fn unpacked(maps: &[Value]) -> Vec<u8> {
    let packed = BASE64.decode(maps[0]["binaryData"]["objects.json.gz"].as_str().unwrap()).unwrap();
    let mut plain = Vec::new();
    std::io::Read::read_to_end(&mut GzDecoder::new(packed.as_slice()), &mut plain).unwrap();
    plain
}

fn repacked(maps: &[Value], plain: &[u8]) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(plain).unwrap();
    let mut maps = maps.to_vec();
    maps[0]["binaryData"]["objects.json.gz"] = json!(BASE64.encode(gzip.finish().unwrap()));
    json!(maps).to_string().into_bytes()
}

#[test]
fn records_that_this_program_did_not_write() {
    let maps = corpus::record();
    let whole = json!(maps).to_string().into_bytes();
    assert!(watched("record", "of the corpus", &whole, record));
    let plain = [unpacked(&maps)];
    let words =
        ["null", "{}", "[]", "\"\"", "1e999", "[[", "\u{1b}", "\"kind\":", "\"written\":", "-1", "true", "\\u0000"];
    for seed in seeds(1500) {
        let random = &mut Random::of(seed);
        let input = match random.below(3) {
            0 => mutated(random, std::slice::from_ref(&whole), &words),
            _ => repacked(&maps, &mutated(random, &plain, &words)),
        };
        watched("record", &format!("of seed {seed}"), &input, record);
    }
    for (name, plain) in [
        ("blanks", vec![b' '; 100_000_000]),
        ("lists", vec![b'['; 10_000_000]),
        (
            "numbers",
            format!("[{{\"object\": \"a\", \"written\": true, \"after\": [{}1]}}]", "1,".repeat(20_000_000))
                .into_bytes(),
        ),
    ] {
        let input = repacked(&maps, &plain);
        assert!(!watched("record", name, &input, record), "{name} of {} bytes was read", input.len());
    }
}
