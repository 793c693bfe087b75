//! Changes bytes at random: what real input becomes by a slip, by a cut, or by somebody who means harm.
//! Never knows what the bytes are.

use super::random::Random;

/// The longest input that is made.
const LONGEST: usize = 128 * 1024;

/// One of the corpus, changed in one to six places. `words` are what its readers have a meaning for.
pub fn mutated(random: &mut Random, corpus: &[Vec<u8>], words: &[&str]) -> Vec<u8> {
    let mut bytes = random.pick(corpus).clone();
    for _ in 0..random.between(1, 6) {
        let at = random.below(bytes.len() + 1);
        let end = (at + random.below(64)).min(bytes.len());
        match random.below(9) {
            0 if at < bytes.len() => bytes[at] ^= 1 << random.below(8),
            1 => _ = bytes.drain(at..end),
            2 => {
                let piece = bytes[at..end].to_vec();
                insert(&mut bytes, at, &piece.repeat(random.between(1, 40)));
            }
            3 => {
                let other = random.pick(corpus);
                let from = random.below(other.len() + 1);
                let piece = other[from..(from + random.below(400)).min(other.len())].to_vec();
                insert(&mut bytes, at, &piece);
            }
            4 => bytes.truncate(at),
            5 => swap_lines(random, &mut bytes),
            6 => {
                let word = random.pick(words);
                bytes.splice(at..end, word.bytes());
            }
            _ => {
                let word = random.pick(words).repeat(if random.chance(10) { random.between(2, 300) } else { 1 });
                insert(&mut bytes, at, word.as_bytes());
            }
        }
    }
    bytes.truncate(LONGEST);
    bytes
}

fn insert(bytes: &mut Vec<u8>, at: usize, piece: &[u8]) {
    bytes.splice(at..at, piece.iter().copied());
}

fn swap_lines(random: &mut Random, bytes: &mut Vec<u8>) {
    let mut lines: Vec<&[u8]> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
    if lines.len() > 1 {
        let (one, other) = (random.below(lines.len()), random.below(lines.len()));
        lines.swap(one, other);
        *bytes = lines.concat();
    }
}
