//! What stands before a kernel message: syslog, journal and dmesg headers, and the machine that they name.
//! Never knows what the message says.

use std::borrow::Cow;

use serde::Deserialize;

/// A kernel message without what wrote it down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message<'a> {
    /// The machine's name, where the header has one.
    pub host: Option<String>,
    /// The message itself.
    pub text: Cow<'a, str>,
}

/// A line of `journalctl -o json`. A message that is no UTF-8 is a list of bytes there.
#[derive(Deserialize)]
struct JournalEntry {
    #[serde(rename = "MESSAGE")]
    message: JournalText,
    #[serde(rename = "_HOSTNAME")]
    host: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum JournalText {
    Text(String),
    Bytes(Vec<u8>),
}

/// Takes the header off a line of any of the forms in which kernel messages are kept.
pub fn message(line: &str) -> Message<'_> {
    let line = line.trim_end_matches(['\r', '\n']);
    if line.starts_with('{')
        && let Ok(entry) = serde_json::from_str::<JournalEntry>(line)
    {
        let text = match entry.message {
            JournalText::Text(text) => text,
            JournalText::Bytes(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        };
        let text = without_stamps(&text).to_string();
        return Message { host: entry.host, text: text.into() };
    }
    let bare = |text: &'_ str| Message { host: None, text: Cow::Owned(without_stamps(text).to_string()) };
    if let Some(text) = of_kmsg(line).or_else(|| line.strip_prefix("MESSAGE=")) {
        return bare(text);
    }
    match of_syslog(line) {
        Some((host, text)) => Message { host: Some(host.to_string()), text: Cow::Borrowed(without_stamps(text)) },
        None => Message { host: None, text: Cow::Borrowed(without_stamps(line)) },
    }
}

/// A record of /dev/kmsg: `LEVEL,SEQUENCE,MICROSECONDS,FLAGS[,more];text`.
fn of_kmsg(line: &str) -> Option<&str> {
    let (header, text) = line.split_once(';')?;
    let mut fields = header.split(',');
    let numbers = fields.by_ref().take(3).filter(|field| is_number(field)).count();
    (numbers == 3 && fields.next().is_some()).then_some(text)
}

/// `Nov 23 01:02:03 host kernel: text` of syslog and the journal (whatever the form of its time), and
/// `<4>1 2026-11-23T01:02:03Z host kernel - - - text` of RFC 5424.
fn of_syslog(line: &str) -> Option<(&str, &str)> {
    for (mark, end) in [(" kernel: ", ""), (" kernel - - - ", ""), (" kernel[", "]: ")] {
        let Some((header, rest)) = line.split_once(mark) else { continue };
        let text = match end {
            "" => rest,
            end => match rest.split_once(end) {
                Some((number, text)) if is_number(number) => text,
                _ => continue,
            },
        };
        let host = header.rsplit(' ').next().filter(|host| !host.is_empty())?;
        return Some((host, text));
    }
    None
}

/// What dmesg puts in front, in all its forms: `<4>`, `kern  :warn  : `, `[ 123.456789] `, `[Mon Nov 23 01:02:03 2026] `,
/// `[Nov23 01:02] `, `[  +0.000012] `, `2026-11-23T01:02:03,000000+00:00 `.
fn without_stamps(text: &str) -> &str {
    let mut rest = text.trim_start();
    loop {
        let shorter = priority(rest).or_else(|| facility(rest)).or_else(|| bracketed_time(rest)).or_else(|| time(rest));
        match shorter {
            Some(shorter) => rest = shorter.trim_start(),
            None => return rest,
        }
    }
}

fn priority(text: &str) -> Option<&str> {
    let (number, rest) = text.strip_prefix('<')?.split_once('>')?;
    is_number(number).then_some(rest)
}

fn facility(text: &str) -> Option<&str> {
    let (facility, rest) = text.split_once(':')?;
    let (level, rest) = rest.split_once(": ")?;
    let known = ["emerg", "alert", "crit", "err", "warn", "notice", "info", "debug"].contains(&level.trim());
    (facility.trim() == "kern" && known).then_some(rest)
}

fn bracketed_time(text: &str) -> Option<&str> {
    let (inside, rest) = text.strip_prefix('[')?.split_once(']')?;
    let of_time = |c: char| c.is_ascii_alphanumeric() || " .:+-".contains(c);
    // `[UFW BLOCK]` is somebody's prefix: it has no digit.
    (inside.chars().all(of_time) && inside.contains(|c: char| c.is_ascii_digit())).then_some(rest)
}

fn time(text: &str) -> Option<&str> {
    let (word, rest) = text.split_once(' ')?;
    let bytes = word.as_bytes();
    let is_date = bytes.len() > 19 && bytes[4] == b'-' && bytes[7] == b'-' && bytes[10] == b'T' && bytes[13] == b':';
    is_date.then_some(rest)
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_header_is_taken_off() {
        const TEXT: &str = "calico-packet: IN=eth0 OUT=";
        for (header, host) in [
            ("", None),
            ("[123.4] ", None),
            ("[   12.345678] ", None),
            ("[Mon Nov 23 01:02:03 2026] ", None),
            ("[Nov23 01:02] ", None),
            ("[  +0.000012] ", None),
            ("<4>[  12.345678] ", None),
            ("kern  :warn  : [  12.345678] ", None),
            ("2026-11-23T01:02:03,000000+00:00 ", None),
            ("4,1234,5678,-;", None),
            ("4,1234,5678,-,caller=T12;", None),
            ("MESSAGE=", None),
            ("Nov 23 01:02:03 node-1 kernel: ", Some("node-1")),
            ("Nov  3 01:02:03 node-1 kernel: [  12.345678] ", Some("node-1")),
            ("2026-11-23T01:02:03+0000 node-1.example kernel: ", Some("node-1.example")),
            ("/var/log/messages:Nov 23 01:02:03 node-1 kernel: ", Some("node-1")),
            ("<4>1 2026-11-23T01:02:03Z node-1 kernel - - - ", Some("node-1")),
            ("Nov 23 01:02:03 node-1 kernel[0]: ", Some("node-1")),
        ] {
            let line = format!("{header}{TEXT}\r\n");
            let message = message(&line);
            assert_eq!((message.host.as_deref(), &*message.text), (host, TEXT), "{header:?}");
        }
    }

    #[test]
    fn a_journal_entry_is_its_message_and_its_host() {
        let text = message(r#"{"_HOSTNAME":"n1","_TRANSPORT":"kernel","MESSAGE":"calico-packet: IN=eth0 OUT="}"#);
        assert_eq!((text.host.as_deref(), &*text.text), (Some("n1"), "calico-packet: IN=eth0 OUT="));
        let bytes = message(r#"{"MESSAGE":[73,78,61]}"#);
        assert_eq!(&*bytes.text, "IN=");
    }

    #[test]
    fn a_prefix_in_brackets_is_no_time() {
        assert_eq!(&*message("[12.3] [UFW BLOCK] IN=eth0 OUT=").text, "[UFW BLOCK] IN=eth0 OUT=");
    }
}
