//! Lists as people write them: the first few names, and how many more there are.
//! Never knows what is listed.

/// `a`, `a and b`, `a, b and c`; of more than `most` and one the first `most`, as `a, b, c and 47 more`.
pub fn listed<S: AsRef<str>>(all: &[S], most: usize) -> String {
    let join = |some: &[S]| some.iter().map(AsRef::as_ref).collect::<Vec<&str>>().join(", ");
    match all {
        [] => String::new(),
        [only] => only.as_ref().to_string(),
        [first @ .., last] if first.len() <= most => format!("{} and {}", join(first), last.as_ref()),
        all => format!("{} and {} more", join(&all[..most]), all.len() - most),
    }
}

/// `1 path`, `2 paths`.
pub fn counted(count: usize, word: &str) -> String {
    match count {
        1 => format!("1 {word}"),
        more => format!("{more} {word}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_list_says_how_many_more_there_are() {
        assert_eq!(listed::<&str>(&[], 3), "");
        assert_eq!(listed(&["a"], 3), "a");
        assert_eq!(listed(&["a", "b"], 3), "a and b");
        assert_eq!(listed(&["a", "b", "c", "d"], 3), "a, b, c and d");
        assert_eq!(listed(&["a", "b", "c", "d", "e"], 3), "a, b, c and 2 more");
        assert_eq!(listed(&["a", "b"], 1), "a and b");
        assert_eq!((counted(1, "path"), counted(2, "path")), ("1 path".into(), "2 paths".into()));
    }
}
