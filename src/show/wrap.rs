//! Text that is cut into lines of a width, between words.
//! Never knows how wide the terminal is: that is an argument.

/// Lines of at most `width` characters; a word that is longer stands alone on its line and is not cut, so that it can be
/// copied. The first line starts after `first` characters, the others after `rest`.
pub fn wrapped(text: &str, width: usize, first: usize, rest: usize) -> String {
    let mut out = String::new();
    let mut used = first;
    for (index, word) in text.split_whitespace().enumerate() {
        let length = word.chars().count();
        if index > 0 && used + 1 + length > width {
            out.push('\n');
            out.extend(std::iter::repeat_n(' ', rest));
            used = rest;
        } else if index > 0 {
            out.push(' ');
            used += 1;
        }
        out.push_str(word);
        used += length;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_between_words_and_long_words_stay_whole() {
        assert_eq!(wrapped("one two three", 80, 0, 0), "one two three");
        assert_eq!(wrapped("one two three", 7, 0, 2), "one two\n  three");
        assert_eq!(wrapped("one two", 7, 4, 2), "one\n  two");
        assert_eq!(wrapped("a kubernetes.io/hostname b", 8, 0, 1), "a\n kubernetes.io/hostname\n b");
        assert_eq!(wrapped("", 8, 0, 0), "");
    }
}
