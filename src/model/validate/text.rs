//! The forms of text that Kubernetes and Calico prescribe: names, label keys and values, port names.
//! Never knows which field they stand in.

/// A DNS label without a limit to its length, as Calico's names are made of: `[a-z0-9]([-a-z0-9]*[a-z0-9])?`.
pub(super) fn is_label(text: &str) -> bool {
    let is_inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    !text.is_empty() && text.bytes().all(is_inner) && !text.starts_with('-') && !text.ends_with('-')
}

/// Labels with dots between them.
pub(super) fn is_subdomain(text: &str) -> bool {
    text.split('.').all(is_label)
}

/// A label's value, or the part of a key behind the slash: at most 63 of `[-A-Za-z0-9_.]`, the first and last alphanumeric.
fn is_short_name(text: &str) -> bool {
    let ends = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    let bytes = text.as_bytes();
    bytes.len() <= 63
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(byte))
        && ends(bytes.first())
        && ends(bytes.last())
}

/// A label's value may be empty.
pub(super) fn is_label_value(text: &str) -> bool {
    text.is_empty() || is_short_name(text)
}

/// The key of a label or annotation: a name, or a DNS name of at most 253 characters, a slash, a name.
pub(super) fn is_qualified_name(text: &str) -> bool {
    match text.split_once('/') {
        Some((domain, name)) => domain.len() <= 253 && is_subdomain(domain) && is_short_name(name),
        None => is_short_name(text),
    }
}

/// A port's name (IANA_SVC_NAME): at most 15 of `[-a-z0-9]`, a letter among them, no hyphen at the ends or beside another.
pub(super) fn is_port_name(text: &str) -> bool {
    text.len() <= 15 && is_label(text) && !text.contains("--") && text.bytes().any(|byte| byte.is_ascii_lowercase())
}

/// The name of a network interface: at most 15 of `[a-zA-Z0-9_.-]`.
pub(super) fn is_interface(text: &str) -> bool {
    is_interface_of(text, b"_.-")
}

/// The same with other characters than letters and digits.
pub(super) fn is_interface_of(text: &str, others: &[u8]) -> bool {
    (1..=15).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || others.contains(&byte))
}
