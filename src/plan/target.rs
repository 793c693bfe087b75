//! What an operator names as one end of a flow: `shop/web`, `shop/service/web`, `10.7.0.99`, `nodes`, `world`.
//! Never knows what there is; `resolve` looks for it.

use std::fmt;
use std::net::IpAddr;

use ipnet::IpNet;

use super::PlanError;

/// One end, as it was named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// Something with a name.
    Named {
        /// Its namespace; none means that all are looked through.
        namespace: Option<String>,
        /// Its kind; none means any.
        kind: Option<TargetKind>,
        /// Its name.
        name: String,
    },
    /// Addresses.
    Nets(Vec<IpNet>),
    /// The nodes and their tunnels.
    Nodes,
    /// Everything outside the cluster.
    World,
}

/// What a name can stand for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TargetKind {
    /// A Service: the pods behind it, and its ports.
    Service,
    /// A Deployment's pods.
    Deployment,
    /// A StatefulSet's pods.
    StatefulSet,
    /// A DaemonSet's pods.
    DaemonSet,
    /// The pods of a ReplicaSet without owner.
    ReplicaSet,
    /// A Job's pods.
    Job,
    /// One pod.
    Pod,
    /// All pods of a namespace.
    Namespace,
}

/// Kinds with the words for them, the first of which is shown.
const WORDS: [(TargetKind, &[&str]); 8] = [
    (TargetKind::Service, &["service", "services", "svc"]),
    (TargetKind::Deployment, &["deployment", "deployments", "deploy"]),
    (TargetKind::StatefulSet, &["statefulset", "statefulsets", "sts"]),
    (TargetKind::DaemonSet, &["daemonset", "daemonsets", "ds"]),
    (TargetKind::ReplicaSet, &["replicaset", "replicasets", "rs"]),
    (TargetKind::Job, &["job", "jobs"]),
    (TargetKind::Pod, &["pod", "pods", "po"]),
    (TargetKind::Namespace, &["namespace", "namespaces", "ns"]),
];

impl TargetKind {
    /// The kind that a word of kubectl's names.
    pub fn parse(word: &str) -> Option<TargetKind> {
        let word = word.to_ascii_lowercase();
        WORDS.iter().find(|(_, words)| words.contains(&word.as_str())).map(|(kind, _)| *kind)
    }

    /// Its word, as `deployment`.
    pub fn word(self) -> &'static str {
        WORDS.iter().find(|(kind, _)| *kind == self).map_or("", |(_, words)| words[0])
    }
}

impl fmt::Display for TargetKind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.word())
    }
}

impl fmt::Display for Target {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Target::Named { kind: Some(TargetKind::Namespace), name, .. } => write!(out, "namespace/{name}"),
            Target::Named { namespace, kind, name } => {
                if let Some(namespace) = namespace {
                    write!(out, "{namespace}/")?;
                }
                if let Some(kind) = kind {
                    write!(out, "{kind}/")?;
                }
                out.write_str(name)
            }
            Target::Nets(nets) => crate::model::intent::Peer::Nets(nets.clone()).fmt(out),
            Target::Nodes => out.write_str("nodes"),
            Target::World => out.write_str("world"),
        }
    }
}

const FORMS: &str = "a target is [NAMESPACE/]KIND/NAME, [NAMESPACE/]NAME, an address, a CIDR, `nodes` or `world`";

fn usage(reason: String, hint: impl Into<String>) -> PlanError {
    PlanError::Usage { reason, hints: vec![hint.into()] }
}

impl Target {
    /// Reads a target. `default_namespace` is for names that bring none.
    pub fn parse(text: &str, default_namespace: Option<&str>) -> Result<Target, PlanError> {
        let text = text.trim();
        match text {
            "" => return Err(usage("a target is empty".into(), FORMS)),
            "nodes" => return Ok(Target::Nodes),
            "world" => return Ok(Target::World),
            _ => {}
        }
        if text.split(',').all(looks_like_an_address) {
            let mut nets = text.split(',').map(|part| parse_net(part.trim())).collect::<Result<Vec<_>, _>>()?;
            nets.sort();
            nets.dedup();
            return Ok(Target::Nets(nets));
        }
        let parts: Vec<&str> = text.split('/').collect();
        let kind_of = |word: &str| {
            TargetKind::parse(word).ok_or_else(|| {
                let kinds: Vec<&str> = WORDS.iter().map(|(_, words)| words[0]).collect();
                usage(format!("{word} is no kind of target in {text}"), format!("kinds are {}", kinds.join(", ")))
            })
        };
        let (namespace, kind, name) = match parts[..] {
            [name] => (None, None, name),
            [first, name] => match TargetKind::parse(first) {
                Some(kind) => (None, Some(kind), name),
                None => (Some(first), None, name),
            },
            [namespace, kind, name] => (Some(namespace), Some(kind_of(kind)?), name),
            _ => return Err(usage(format!("{text} has too many parts"), FORMS)),
        };
        for part in namespace.iter().chain([&name]) {
            check_name(part, text)?;
        }
        if kind == Some(TargetKind::Namespace) {
            if namespace.is_some() {
                return Err(usage(format!("{text}: a namespace is in no namespace"), format!("namespace/{name}")));
            }
            return Ok(Target::Named { namespace: None, kind, name: name.to_string() });
        }
        let namespace = namespace.or(default_namespace).map(str::to_string);
        Ok(Target::Named { namespace, kind, name: name.to_string() })
    }
}

/// A name of Kubernetes can hold digits and dots too, but none is made of them alone with a slash or as four numbers.
fn looks_like_an_address(text: &str) -> bool {
    let text = text.trim();
    text.contains(':') || (!text.is_empty() && text.chars().all(|c| c.is_ascii_digit() || c == '.' || c == '/'))
}

fn parse_net(text: &str) -> Result<IpNet, PlanError> {
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    let hint = "write an address as 10.7.0.99 or fd00::1, a range as 10.7.0.0/24";
    if let Ok(ip) = bare.parse::<IpAddr>() {
        return Ok(IpNet::from(ip.to_canonical()));
    }
    let Ok(net) = bare.parse::<IpNet>() else {
        let longest = if bare.contains(':') { 128 } else { 32 };
        let reason = match bare.split_once('/') {
            Some((ip, mask))
                if ip.parse::<IpAddr>().is_ok() && mask.parse::<u32>().is_ok_and(|mask| mask > longest) =>
            {
                format!("{text} is no range: the mask goes up to /{longest}")
            }
            _ => format!("{text} is neither an address nor a range"),
        };
        return Err(usage(reason, hint));
    };
    if net.trunc() != net {
        let reason = format!("{text} names a host and a range at once");
        return Err(usage(reason, format!("write {} for the host, {} for the range", net.addr(), net.trunc())));
    }
    Ok(net)
}

fn check_name(name: &str, text: &str) -> Result<(), PlanError> {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '.';
    let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    if name.len() <= 253 && name.chars().all(fits) && edge(name.chars().next()) && edge(name.chars().next_back()) {
        return Ok(());
    }
    let reason = match name.is_empty() {
        true => format!("{text} lacks a name"),
        false => format!("{name:?} is no name: names are lower case letters, digits, '-' and '.'"),
    };
    Err(usage(reason, FORMS))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(namespace: Option<&str>, kind: Option<TargetKind>, name: &str) -> Target {
        Target::Named { namespace: namespace.map(str::to_string), kind, name: name.to_string() }
    }

    #[test]
    fn every_form_is_read() {
        let parse = |text: &str| Target::parse(text, None).unwrap();
        assert_eq!(parse("nginx"), named(None, None, "nginx"));
        assert_eq!(parse("shop/web"), named(Some("shop"), None, "web"));
        assert_eq!(parse("svc/web"), named(None, Some(TargetKind::Service), "web"));
        assert_eq!(parse("shop/deploy/web"), named(Some("shop"), Some(TargetKind::Deployment), "web"));
        assert_eq!(parse("ns/shop"), named(None, Some(TargetKind::Namespace), "shop"));
        assert_eq!(parse("nodes"), Target::Nodes);
        assert_eq!(parse("world"), Target::World);
        assert_eq!(parse("10.7.0.99").to_string(), "10.7.0.99");
        assert_eq!(parse("10.7.0.0/24,10.7.0.99").to_string(), "10.7.0.0/24,10.7.0.99");
        assert_eq!(parse("[fd00::1]").to_string(), "fd00::1");
        assert_eq!(parse("::ffff:10.7.0.99").to_string(), "10.7.0.99");
    }

    #[test]
    fn every_word_of_kubectl_for_a_kind_is_known() {
        for word in ["po", "pod", "pods", "deploy", "deployments", "sts", "ds", "rs", "job", "svc", "services", "ns"] {
            assert!(TargetKind::parse(word).is_some(), "{word}");
            assert!(TargetKind::parse(&word.to_uppercase()).is_some(), "{word}");
        }
    }

    #[test]
    fn the_default_namespace_is_for_names_without_one() {
        let parse = |text: &str| Target::parse(text, Some("shop")).unwrap();
        assert_eq!(parse("web"), named(Some("shop"), None, "web"));
        assert_eq!(parse("other/web"), named(Some("other"), None, "web"));
        assert_eq!(parse("ns/web"), named(None, Some(TargetKind::Namespace), "web"));
    }

    #[test]
    fn what_is_printed_is_read_back() {
        for text in
            ["nginx", "shop/web", "shop/service/web", "namespace/shop", "10.7.0.0/24,10.7.1.1", "nodes", "world"]
        {
            let target = Target::parse(text, None).unwrap();
            assert_eq!(Target::parse(&target.to_string(), None).unwrap(), target);
        }
    }

    #[test]
    fn what_is_wrong_is_said_with_a_way_out() {
        for (text, says) in [
            ("", "empty"),
            ("10.0.0.0/33", "up to /32"),
            ("fd00::/129", "up to /128"),
            ("10.7.0.99/24", "at once"),
            ("10.7.0.999", "neither"),
            ("shop/", "lacks a name"),
            ("a/b/c/d", "too many"),
            ("shop/gateway/web", "gateway is no kind"),
            ("shop/ns/web", "in no namespace"),
            ("Nginx", "lower case"),
            ("web\nx", "lower case"),
            ("-web", "lower case"),
        ] {
            match Target::parse(text, None) {
                Err(PlanError::Usage { reason, hints }) => {
                    assert!(reason.contains(says), "{text}: {reason}");
                    assert!(!hints.is_empty(), "{text}");
                }
                other => panic!("{text}: {other:?}"),
            }
        }
    }
}
