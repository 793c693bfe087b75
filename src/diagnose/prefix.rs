//! What Calico writes in front of a logged packet, and which policy that names.
//! Never knows what the packet is.

use crate::model::policy::{Policy, PolicyKind};

/// What Felix writes where nothing else is set (felix/rules).
pub const DEFAULT: &str = "calico-packet";
/// What Felix writes of every drop with DropActionOverride LogAndDrop, whatever the prefix of Log rules is.
const OF_DROPS: &str = "calico-drop";
/// As much of a prefix as iptables and nftables keep, in bytes.
const KEPT: [usize; 2] = [29, 127];

/// The prefixes that Felix may be told to write: logPrefix of its FelixConfigurations, or what the operator says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prefixes(Vec<Template>);

/// Who wrote a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Writer {
    /// A Log rule.
    LogRule,
    /// The drop itself.
    Drop,
    /// Not Calico.
    Other,
}

/// A logPrefix: `%t` is the tier, `%k` the kind, `%n` the name and `%p` the name with its namespace (3.30.6, 3.31.4 and
/// later; before, they stay as they are).
#[derive(Clone, Debug, PartialEq, Eq)]
struct Template(String);

impl Prefixes {
    /// Those of the cluster, and Felix's own one, as lines can be older than a configuration; or only those that are named.
    pub fn new(configured: &[String], named: &[String]) -> Prefixes {
        let mut templates: Vec<Template> = match named {
            [] => configured.iter().map(String::as_str).chain([DEFAULT]).map(|text| Template(text.into())).collect(),
            // `--prefix 'calico-packet: '`, as it stands in the log, means the same.
            named => named.iter().map(|text| Template(text.trim_end().trim_end_matches(':').into())).collect(),
        };
        templates.retain(|template| !template.0.is_empty());
        Prefixes(templates)
    }

    /// Who wrote a line with this before `IN=`.
    pub fn writer(&self, written: &str) -> Writer {
        if fits(&format!("{OF_DROPS}: "), written) {
            return Writer::Drop;
        }
        match self.0.iter().any(|template| template.can_be(written)) {
            true => Writer::LogRule,
            false => Writer::Other,
        }
    }

    /// Whether a policy's Log rules write this.
    pub fn is_of(&self, policy: &Policy, written: &str) -> bool {
        self.0.iter().any(|template| template.of(policy).iter().any(|text| fits(text, written)))
    }

    /// Whether what is written names a policy.
    pub fn names_policies(&self, written: &str) -> bool {
        self.0.iter().any(|template| template.names_policies() && template.can_be(written))
    }
}

impl Template {
    /// Pieces between specifiers.
    fn literals(&self) -> Vec<&str> {
        let (mut pieces, mut rest) = (Vec::new(), self.0.as_str());
        while let Some(at) = specifier(rest) {
            pieces.push(&rest[..at]);
            rest = &rest[at + 2..];
        }
        pieces.push(rest);
        pieces
    }

    fn names_policies(&self) -> bool {
        ["%n", "%p"].iter().any(|specifier| self.0.contains(specifier))
    }

    /// Whether the template can have become this, for any policy.
    fn can_be(&self, written: &str) -> bool {
        let pieces = self.literals();
        let Some((head, tail)) = pieces.split_first() else { return false };
        let Some((last, middle)) = tail.split_last() else {
            // Without a specifier, also those of versions that know none.
            return fits(&format!("{head}: "), written);
        };
        let cut = is_cut(written);
        let Some(mut rest) = written.strip_prefix(head) else { return cut && head.starts_with(written) };
        for piece in middle {
            match rest.split_once(piece) {
                Some((_, behind)) => rest = behind,
                None => return cut,
            }
        }
        let end = format!("{last}: ");
        cut || rest.ends_with(end.as_str()) || rest.ends_with(end.trim_end()) || fits(&format!("{}: ", self.0), written)
    }

    /// What the template becomes for a policy. Up to 3.31 Felix knows policies by their stored names.
    fn of(&self, policy: &Policy) -> Vec<String> {
        let id = &policy.id;
        let kind = match id.kind {
            PolicyKind::GlobalNetworkPolicy => "gnp",
            PolicyKind::NetworkPolicy => "np",
            PolicyKind::KubernetesNetworkPolicy => "knp",
            PolicyKind::StagedGlobalNetworkPolicy => "sgnp",
            PolicyKind::StagedNetworkPolicy => "snp",
            PolicyKind::StagedKubernetesNetworkPolicy => "sknp",
        };
        let full = |name: &str| match &id.namespace {
            Some(namespace) => format!("{namespace}/{name}"),
            None => name.to_string(),
        };
        let stored = match id.kind {
            PolicyKind::KubernetesNetworkPolicy => format!("knp.default.{}", id.name),
            _ => format!("{}.{}", policy.tier, id.name),
        };
        let expanded = [(&id.name, full(&id.name)), (&stored, full(&stored)), (&full(&stored), full(&stored))].map(
            |(name, full)| {
                let mut text = String::new();
                let mut rest = self.0.as_str();
                while let Some(at) = specifier(rest) {
                    text.push_str(&rest[..at]);
                    text.push_str(match &rest[at..at + 2] {
                        "%t" => &policy.tier,
                        "%k" => kind,
                        "%n" => name,
                        _ => &full,
                    });
                    rest = &rest[at + 2..];
                }
                text + rest + ": "
            },
        );
        expanded.into()
    }
}

fn specifier(text: &str) -> Option<usize> {
    text.match_indices('%')
        .map(|(at, _)| at)
        .find(|at| matches!(text.as_bytes().get(at + 1), Some(b't' | b'k' | b'n' | b'p')))
}

/// Whether it is as long as what iptables or nftables keep.
fn is_cut(written: &str) -> bool {
    KEPT.contains(&written.len())
}

/// Whether this was written, perhaps cut, or without the space at its end.
fn fits(full: &str, written: &str) -> bool {
    full == written || full.trim_end() == written || (is_cut(written) && full.starts_with(written))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::world;

    fn prefixes(configured: &[&str]) -> Prefixes {
        let owned: Vec<String> = configured.iter().map(ToString::to_string).collect();
        Prefixes::new(&owned, &[])
    }

    #[test]
    fn only_felix_own_lines_are_its() {
        let default = prefixes(&[]);
        assert_eq!(default.writer("calico-packet: "), Writer::LogRule);
        assert_eq!(default.writer("calico-packet:"), Writer::LogRule);
        assert_eq!(default.writer("calico-drop: "), Writer::Drop);
        for other in ["", "[UFW BLOCK] ", "calico-packets: ", "calico-packet", "my-calico-packet: "] {
            assert_eq!(default.writer(other), Writer::Other, "{other:?}");
        }
    }

    #[test]
    fn what_is_configured_is_read_and_what_was_before_too() {
        let own = prefixes(&["zero trust"]);
        assert_eq!(own.writer("zero trust: "), Writer::LogRule);
        assert_eq!(own.writer("calico-packet: "), Writer::LogRule);
        let long = prefixes(&["a-prefix-that-is-longer-than-iptables-keeps"]);
        assert_eq!(long.writer("a-prefix-that-is-longer-than-"), Writer::LogRule);
        assert_eq!(long.writer("a-prefix-that-is"), Writer::Other);
        let named = Prefixes::new(&["zero trust".to_string()], &["mine: ".to_string()]);
        assert_eq!((named.writer("mine: "), named.writer("zero trust: ")), (Writer::LogRule, Writer::Other));
    }

    #[test]
    fn specifiers_name_the_policy_also_where_the_prefix_is_cut() {
        let world = world(
            r#"
{kind: GlobalNetworkPolicy, apiVersion: projectcalico.org/v3, metadata: {name: deny-app-policy}, spec: {selector: all(), ingress: [{action: Log}]}}
---
{kind: NetworkPolicy, apiVersion: projectcalico.org/v3, metadata: {name: web, namespace: shop}, spec: {selector: all(), ingress: [{action: Log}]}}
---
{kind: NetworkPolicy, apiVersion: networking.k8s.io/v1, metadata: {name: web, namespace: shop}, spec: {podSelector: {}}}
"#,
        );
        let named = |template: &str, written: &str| -> Vec<String> {
            let prefixes = prefixes(&[template]);
            assert_eq!(prefixes.writer(written), Writer::LogRule, "{template} {written}");
            assert!(prefixes.names_policies(written), "{template} {written}");
            let fitting = world.policies.iter().filter(|policy| prefixes.is_of(policy, written));
            let mut names: Vec<String> = fitting.map(|policy| policy.id.to_string()).collect();
            names.sort();
            names
        };
        assert_eq!(named("zt %k %p", "zt gnp deny-app-policy: "), ["GlobalNetworkPolicy deny-app-policy"]);
        assert_eq!(named("zt %k %p", "zt np shop/web: "), ["NetworkPolicy shop/web"]);
        assert_eq!(named("zt %k %p", "zt np shop/default.web: "), ["NetworkPolicy shop/web"]);
        assert_eq!(named("zt %k %p", "zt knp shop/knp.default.web: "), ["KubernetesNetworkPolicy shop/web"]);
        assert_eq!(named("zt %n", "zt web: "), ["KubernetesNetworkPolicy shop/web", "NetworkPolicy shop/web"]);
        assert_eq!(named("%t/%n", "default/deny-app-policy: "), ["GlobalNetworkPolicy deny-app-policy"]);
        // 29 bytes are all that iptables keeps.
        assert_eq!(
            named("zero-trust-drop-%k-%n", "zero-trust-drop-gnp-deny-app-"),
            ["GlobalNetworkPolicy deny-app-policy"]
        );
        assert_eq!(named("zt %p", "zt someone-elses: "), Vec::<String>::new());
    }
}
