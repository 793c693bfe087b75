//! Ports and protocols of rules, as Calico's client decodes them and Felix takes them.
//! Never knows who has a port.

use crate::model::flow::Protocol;
use crate::model::policy::Port;
use crate::model::spec::IntOrString;

/// What became of a port or a protocol.
#[derive(Debug, PartialEq, Eq)]
pub enum Read<T> {
    /// It is one.
    Good(T),
    /// A named port that Felix's and the API's rules for names refuse.
    Doubtful(T),
    /// Felix refuses it, and the policy with it.
    Refused,
    /// Calico's client cannot decode it, so no policy of the kind is read (api/pkg/lib/numorstring).
    Undecodable,
}

/// Reads a port: a number, `"10:20"`, or a name.
pub fn port(text: &IntOrString) -> Read<Port> {
    let (first, last) = match text {
        IntOrString::Int(number) => (number.to_string(), number.to_string()),
        IntOrString::String(text) => match text.split_once(':') {
            Some((first, last)) if digits(first) && digits(last) => (first.to_string(), last.to_string()),
            None if digits(text) => (text.clone(), text.clone()),
            _ => return name(text),
        },
    };
    match (first.parse::<u16>(), last.parse::<u16>()) {
        (Ok(first), Ok(last)) if first > last => Read::Undecodable,
        (Ok(0), Ok(_)) => Read::Refused,
        (Ok(first), Ok(last)) => Read::Good(Port::Range(first, last)),
        _ => Read::Undecodable,
    }
}

fn digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn name(text: &str) -> Read<Port> {
    let decodes = (1..=128).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte));
    // IANA's rule for service names, by which Kubernetes names ports.
    let valid = text.len() <= 15
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        && text.bytes().any(|byte| byte.is_ascii_lowercase())
        && !text.starts_with('-')
        && !text.ends_with('-')
        && !text.contains("--");
    match (decodes, valid) {
        (false, _) => Read::Undecodable,
        (true, false) => Read::Doubtful(Port::Named(text.to_string())),
        (true, true) => Read::Good(Port::Named(text.to_string())),
    }
}

/// Reads a protocol: one of six names in any case, or a number from 1 to 255, as text too.
pub fn protocol(text: &IntOrString) -> Read<Protocol> {
    match text {
        IntOrString::Int(number) => match u8::try_from(*number) {
            Ok(0) => Read::Refused,
            Ok(number) => Read::Good(Protocol(number)),
            Err(_) => Read::Undecodable,
        },
        IntOrString::String(text) => Protocol::parse(text).map_or(Read::Refused, Read::Good),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_read_as_calicos_client_decodes_them() {
        let text = |text: &str| port(&IntOrString::String(text.into()));
        assert_eq!(port(&IntOrString::Int(80)), Read::Good(Port::Range(80, 80)));
        assert_eq!(port(&IntOrString::Int(70000)), Read::Undecodable);
        assert_eq!(port(&IntOrString::Int(-1)), Read::Undecodable);
        assert_eq!(port(&IntOrString::Int(0)), Read::Refused);
        assert_eq!(text("80"), Read::Good(Port::Range(80, 80)));
        assert_eq!(text("10:20"), Read::Good(Port::Range(10, 20)));
        assert_eq!(text("http"), Read::Good(Port::Named("http".into())));
        // The four that stop a kind, seen with Calico's own client.
        for bad in ["99999", "10:1", "a b", ""] {
            assert_eq!(text(bad), Read::Undecodable, "{bad}");
        }
        assert_eq!(text("10-20"), Read::Doubtful(Port::Named("10-20".into())));
    }

    #[test]
    fn protocols_are_names_or_numbers() {
        let text = |text: &str| protocol(&IntOrString::String(text.into()));
        assert_eq!(text("TCP"), Read::Good(Protocol::TCP));
        assert_eq!(text("tcp"), Read::Good(Protocol::TCP));
        assert_eq!(text("17"), Read::Good(Protocol::UDP));
        assert_eq!(text("HTTP"), Read::Refused);
        assert_eq!(protocol(&IntOrString::Int(0)), Read::Refused);
        assert_eq!(protocol(&IntOrString::Int(300)), Read::Undecodable);
    }
}
